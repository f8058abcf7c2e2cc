//! The balancing loop over loopback sockets: no right is needed, and the kernel's IPVS is not touched.

#[allow(dead_code, reason = "each test program uses its part")]
mod bench;
mod reload;
mod told;
mod verdicts;
