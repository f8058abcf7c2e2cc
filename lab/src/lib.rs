//! What the live tests are made of: real daemons on real (virtual) Ethernet.
//!
//! A [`Lan`] is a bridge with a few hosts, each in a network namespace that the test made and
//! that disappears with it. On the hosts run [`Daemon`]s, ours or C Keepalived, which take the
//! same flags and the same configuration file. A [`Capture`] sees every frame that a host puts on
//! the wire, with the kernel's time stamps; a [`Probe`] is the user who pings the virtual
//! address all the time and notices when nobody answers.
//!
//! Nothing here shares code with the crates under test: frames are decoded a second time, in
//! [`wire`], so that a mistake in our codec cannot hide itself.
//!
//! Live tests need root and are marked `#[ignore]`; `cargo xtask live [FILTER]` runs them. Nothing
//! is ever sent on, or configured for, the interfaces of the machine itself, and only processes
//! started here are signalled.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod backends;
pub mod balancer;
pub mod bfd;
pub mod canary;
pub mod capture;
pub mod clock;
pub mod conf;
pub mod daemon;
pub mod director;
pub mod forge;
pub mod inject;
mod kinds;
pub mod lan;
pub mod mailbox;
pub mod netns;
pub mod orders;
pub mod peers;
pub mod pipe;
pub mod probe;
pub mod real;
pub mod routing;
pub mod scratch;
pub mod servers;
pub mod tshark;
pub mod wait;
pub mod wire;

pub use canary::lateness_between;
pub use capture::Capture;
pub use conf::Conf;
pub use daemon::{Daemon, Kind};
pub use director::Director;
pub use lan::{Host, Lan};
pub use netns::Netns;
pub use orders::Orders;
pub use probe::Probe;
pub use scratch::Scratch;
pub use wait::{wait_for, wait_until};

/// Stops with an explanation unless this is a live run: root, and `KEEPALIVED_LIVE=1`.
///
/// # Panics
/// When either is missing. The tests that call this are ignored by default.
pub fn require_live() {
    assert!(
        std::env::var_os("KEEPALIVED_LIVE").is_some_and(|value| value == "1"),
        "live tests make network namespaces and start daemons: run `cargo xtask live`, or set \
         KEEPALIVED_LIVE=1"
    );
    assert!(rustix::process::geteuid().is_root(), "live tests need root");
}

/// Stops with an explanation unless this is the virtual machine of `cargo xtask ipvs`.
///
/// # Panics
/// When it is not. The tests that call this are ignored by default.
pub fn require_guest() {
    assert!(
        clock::counts_instructions(),
        "these tests need a kernel with IPVS, ipvlan and VRF: run `cargo xtask ipvs`"
    );
    require_live();
}
