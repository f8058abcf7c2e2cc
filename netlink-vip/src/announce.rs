//! Announcements.

use core::time::Duration;
use std::net::{IpAddr, Ipv6Addr};

use sans_io_time::Instant;

use crate::desired::OwnerId;
use crate::link::Link;

/// Room that [`Announcer::poll_frame`] needs, in octets.
pub const FRAME_MAX: usize = 128;

/// Which announcements an owner sends, and when (ARP-03, KA-M-01, KA-O-04, KA-O-05).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncePolicy {
    /// Announcements per address in the first burst, and in the second.
    pub repeat: u16,
    /// From the first burst to the second; zero: no second burst.
    pub delay: Duration,
    /// From one refresh to the next; zero: none.
    pub refresh: Duration,
    /// Announcements per address in a refresh.
    pub refresh_repeat: u16,
    /// As `repeat`, after an advert of lower priority.
    pub lower_prio_repeat: u16,
    /// As `delay`, after an advert of lower priority.
    pub lower_prio_delay: Duration,
    /// Shortest time between two gratuitous ARPs on one interface.
    pub garp_interval: Duration,
    /// Shortest time between two neighbour advertisements on one interface.
    pub gna_interval: Duration,
    /// Target MAC of a gratuitous ARP request (ARP-02).
    pub arp_target: ArpTarget,
    /// Send the reply form of a gratuitous ARP after each request form (ARP-05).
    pub arp_reply_too: bool,
}

impl Default for AnnouncePolicy {
    fn default() -> Self {
        let second_burst = Duration::from_secs(5);
        Self {
            repeat: 5,
            delay: second_burst,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_repeat: 5,
            lower_prio_delay: second_burst,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            arp_target: ArpTarget::Broadcast,
            arp_reply_too: false,
        }
    }
}

/// What stands in the target MAC field of a gratuitous ARP request; receivers ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArpTarget {
    /// All ones, as Keepalived and FRR send.
    #[default]
    Broadcast,
    /// The announced MAC, as RFC 9568 has it.
    Sender,
    /// Zero, as in RFC 5227.
    Zero,
}

/// Why announcements are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burst {
    /// The owner became Active.
    Promotion,
    /// An Active with lower priority was heard.
    LowerPriority,
    /// There are signs that others may have been answering for our addresses.
    Reassert,
}

/// One address to announce on one interface.
///
/// Only [`Target::new`] makes one, so there is none for an interface without neighbours.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The interface to send on.
    pub index: u32,
    /// The MAC address that the address belongs to.
    pub mac: [u8; 6],
    /// Router flag of a neighbour advertisement (ND-02).
    pub router: bool,
    /// IPv6 source; the address itself if `None`.
    pub source: Option<Ipv6Addr>,
}

impl Target {
    /// The address on this interface; `None` if nobody there listens to announcements
    /// ([`Link::has_neighbours`]). `mac` is the virtual MAC, or `None` for the interface's own.
    #[must_use]
    pub fn new(link: &Link, address: IpAddr, mac: Option<[u8; 6]>, router: bool) -> Option<Self> {
        let own = link.mac.filter(|_| link.has_neighbours())?;
        Some(Self {
            address,
            index: link.index,
            mac: mac.unwrap_or(own),
            router,
            source: None,
        })
    }

    /// Sends neighbour advertisements from this address instead of the announced one.
    #[must_use]
    pub fn with_source(mut self, source: Option<Ipv6Addr>) -> Self {
        self.source = source;
        self
    }
}

/// One Ethernet frame to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The interface to send on.
    pub index: u32,
    /// Octets used in the buffer, Ethernet header included, no padding.
    pub len: usize,
}

/// Schedules gratuitous ARP and unsolicited neighbour advertisements.
#[derive(Debug, Default)]
pub struct Announcer {}

#[expect(unused_variables, clippy::todo, missing_docs, reason = "being written")]
impl Announcer {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    pub fn start(
        &mut self,
        now: Instant,
        owner: OwnerId,
        kind: Burst,
        targets: &[Target],
        policy: &AnnouncePolicy,
    ) {
        todo!()
    }
    pub fn stop(&mut self, owner: OwnerId) {
        todo!()
    }
    pub fn forget_link(&mut self, index: u32) {
        todo!()
    }
    #[must_use]
    pub fn poll_frame(&mut self, now: Instant, out: &mut [u8; FRAME_MAX]) -> Option<Frame> {
        todo!()
    }
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        todo!()
    }
}
