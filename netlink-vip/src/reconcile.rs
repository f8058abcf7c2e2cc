//! The reconciler.

use sans_io_time::Instant;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::desired::{Desired, OwnerId, Tag};
use crate::event::KernelEvent;
use crate::link::Link;
use crate::observed::{Observed, ObservedAddress};

/// Which socket a datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The socket that sends our requests: acknowledgements and dumps.
    Command,
    /// The socket that joined the multicast groups: notifications.
    Monitor,
}

/// Counters of a [`Reconciler`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that could not be decoded and were skipped.
    pub undecodable: u64,
    /// Overruns reported, request timeouts included.
    pub overruns: u64,
    /// Full dumps completed.
    pub dumps: u64,
    /// Requests sent that change something.
    pub requests: u64,
    /// Requests that the kernel refused, harmless refusals not counted.
    pub refused: u64,
    /// Addresses put back after somebody else had removed them.
    pub repaired: u64,
}

/// Desired state in, netlink bytes out, kernel truth fed back.
#[derive(Debug)]
pub struct Reconciler {
    observed: Observed,
}

#[expect(unused_variables, clippy::todo, missing_docs, reason = "being written")]
impl Reconciler {
    #[must_use]
    pub fn new(tag: Tag) -> Self {
        todo!()
    }
    pub fn start(&mut self, now: Instant) {
        todo!()
    }
    pub fn set(&mut self, now: Instant, owner: OwnerId, desired: Desired) {
        todo!()
    }
    /// From now on addresses that bear our tag and that no owner wants are removed.
    pub fn adopt_or_clean(&mut self, now: Instant) {
        todo!()
    }
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8], from: Channel) {
        todo!()
    }
    pub fn handle_overrun(&mut self, now: Instant) {
        todo!()
    }
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }
    /// Fills ONE send; `out` is cleared first.
    #[must_use]
    pub fn poll_request(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        todo!()
    }
    #[must_use]
    pub fn poll_event(&mut self) -> Option<KernelEvent> {
        todo!()
    }
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        todo!()
    }
    #[must_use]
    pub fn is_ready(&self) -> bool {
        todo!()
    }
    /// Nothing queued, nothing in flight, no dump going on: what is left are timers.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        todo!()
    }
    #[must_use]
    pub fn is_installed(&self, owner: OwnerId) -> bool {
        todo!()
    }
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        todo!()
    }
    #[must_use]
    pub fn link_by_index(&self, index: u32) -> Option<&Link> {
        todo!()
    }
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        [].into_iter()
    }
    pub fn addresses(&self, index: u32) -> impl Iterator<Item = &ObservedAddress> {
        [].into_iter()
    }
    /// Primary IPv4 address to send adverts from: first non-secondary one that is no VIP of ours.
    #[must_use]
    pub fn source_ipv4(&self, index: u32) -> Option<Ipv4Addr> {
        todo!()
    }
    /// Link-local IPv6 address to send adverts from: usable and no VIP of ours.
    #[must_use]
    pub fn source_ipv6(&self, index: u32) -> Option<Ipv6Addr> {
        todo!()
    }
    #[must_use]
    pub fn observed(&self) -> &Observed {
        &self.observed
    }
    #[must_use]
    pub fn counters(&self) -> Counters {
        todo!()
    }
}
