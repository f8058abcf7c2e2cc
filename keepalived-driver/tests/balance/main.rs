//! The balancing loop over loopback sockets: no right is needed, and the kernel's IPVS is not touched.

mod bench;
mod hostile;
mod reload;
mod told;
mod verdicts;
