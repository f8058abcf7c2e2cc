//! Things worth telling the operator, at a bounded rate.

use core::net::IpAddr;
use core::time::Duration;

use alloc::boxed::Box;
use vrrp_proto::{AdvertInterval, Priority};

use crate::Instant;
use crate::error::Rejected;
use crate::event::Faults;
use crate::timing;

/// Something worth telling the operator. What a peer can cause comes at a bounded rate; the exact
/// numbers are in [`Stats`](crate::Stats) (VRRP-GEN-05, VRRP-GEN-11).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Notice {
    /// Active, and a router of lower priority (or equal priority and lower address) advertises.
    LowerPriorityAdvert {
        /// Its address.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Owner, and another router also claims to be. RFC 9568 8.3.2.
    SecondOwner {
        /// Its address.
        source: IpAddr,
    },
    /// An advert from our own address with our own priority: either it came back to us, or two
    /// routers have the same address. KA-M-06.
    SameAddressAndPriority {
        /// The address.
        source: IpAddr,
        /// The priority.
        priority: Priority,
    },
    /// Other addresses in an advert than configured here.
    AddressListMismatch {
        /// The sender.
        source: IpAddr,
    },
    /// Another interval in an advert than configured here. RFC 9568 7.1.
    IntervalMismatch {
        /// The sender.
        source: IpAddr,
        /// The sender's interval.
        theirs: AdvertInterval,
    },
    /// The first IPv6 address of an advert is not link-local. RFC 9568 5.2.9.
    FirstAddressNotLinkLocal {
        /// The sender.
        source: IpAddr,
    },
    /// An IPv6 advert whose source is not link-local. RFC 9568 5.1.2.1.
    SourceNotLinkLocal {
        /// The sender.
        source: IpAddr,
    },
    /// The clock of a signed advert differs from ours by more than half of the time window. KA-AX-05.
    ClockDiffers {
        /// Its sender.
        source: IpAddr,
        /// By how many seconds, either way.
        seconds: u32,
    },
    /// A packet was rejected.
    Rejected {
        /// Why this one was.
        reason: Rejected,
        /// Packets rejected for this reason so far.
        total: u64,
    },
    /// Called so late that other routers have taken us for gone.
    Stalled {
        /// How late.
        late: Duration,
    },
    /// An own advert was late by more than an interval: the process is too busy. RFC 9568 2.5.
    AdvertLate {
        /// How late.
        late: Duration,
    },
    /// The set of faults of a started router has changed, or it was started with some.
    FaultsChanged {
        /// The faults now.
        faults: Faults,
    },
    /// The effective priority has changed. KA-W-10.
    PriorityChanged {
        /// Before.
        from: Priority,
        /// Now.
        to: Priority,
    },
}

/// Least time between two notices of one kind that a peer can cause.
pub(crate) const PEER_NOTICE_GAP: Duration = Duration::from_secs(10);

/// Least time between two notices about lower priority adverts; scripts may hang on them.
pub(crate) const LOWER_NOTICE_GAP: Duration = Duration::from_secs(1);

/// Remembers when each kind of notice was last given. Allocates only once there is one.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Limiter(
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    Option<Box<[Option<Instant>; Self::KINDS]>>,
);

impl Limiter {
    const KINDS: usize = 10;

    /// Whether the notice may be given now; if so it is remembered.
    pub(crate) fn allows(&mut self, now: Instant, notice: &Notice) -> bool {
        let (kind, gap) = match notice {
            Notice::LowerPriorityAdvert { .. } => (0, LOWER_NOTICE_GAP),
            Notice::SecondOwner { .. } => (1, PEER_NOTICE_GAP),
            Notice::SameAddressAndPriority { .. } => (2, PEER_NOTICE_GAP),
            Notice::AddressListMismatch { .. } => (3, PEER_NOTICE_GAP),
            Notice::IntervalMismatch { .. } => (4, PEER_NOTICE_GAP),
            Notice::FirstAddressNotLinkLocal { .. } => (5, PEER_NOTICE_GAP),
            Notice::SourceNotLinkLocal { .. } => (6, PEER_NOTICE_GAP),
            Notice::Rejected { .. } => (7, PEER_NOTICE_GAP),
            Notice::AdvertLate { .. } => (8, PEER_NOTICE_GAP),
            Notice::ClockDiffers { .. } => (9, PEER_NOTICE_GAP),
            // Not caused by peers, and rare.
            Notice::Stalled { .. }
            | Notice::FaultsChanged { .. }
            | Notice::PriorityChanged { .. } => return true,
        };
        let table = self.0.get_or_insert_default();
        let Some(last) = table.get_mut(kind) else {
            return true;
        };
        if last.is_some_and(|last| now < timing::after(last, gap)) {
            return false;
        }
        *last = Some(now);
        true
    }
}
