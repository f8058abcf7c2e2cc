//! Counters, named after RFC 6527 and RFC 8347 (MIB-01, MIB-02).

use alloc::boxed::Box;

use crate::Instant;
use crate::action::Reason;
use crate::error::Rejected;

/// Packets rejected, by reason. VRRP-GEN-06. Allocates only once there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rejections(
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    Option<Box<[u64; Rejected::COUNT]>>,
);

impl Rejections {
    /// Packets rejected for this reason, whatever its details.
    #[must_use]
    pub fn count(&self, reason: &Rejected) -> u64 {
        self.0
            .as_ref()
            .and_then(|table| table.get(reason.index()))
            .copied()
            .unwrap_or(0)
    }

    /// Packets rejected for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }

    /// Every reason with its name and count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        (0..Rejected::COUNT).map(|index| {
            let count = self.0.as_ref().and_then(|table| table.get(index));
            (Rejected::name_of(index), count.copied().unwrap_or(0))
        })
    }

    /// KA-AX-09.
    pub(crate) fn add(&mut self, reason: &Rejected) {
        let table = self.0.get_or_insert_with(|| Box::new([0; Rejected::COUNT]));
        if let Some(count) = table.get_mut(reason.index()) {
            *count = count.saturating_add(1);
        }
    }
}

/// Counters of one virtual router since it was made or [`clear_stats`](crate::Instance::clear_stats).
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stats {
    /// Adverts that passed every check, of whatever priority.
    pub adverts_received: u64,
    /// Adverts handed out for sending, releases included; one for each
    /// [`Action::Transmit`](crate::Action::Transmit), however many peers it goes to.
    pub adverts_sent: u64,
    /// Times it became Active.
    pub became_active: u64,
    /// Times it stopped being Active.
    pub released_active: u64,
    /// Adverts of priority 0 received.
    pub priority_zero_received: u64,
    /// Adverts of priority 0 handed out for sending.
    pub priority_zero_sent: u64,
    /// Lower priority adverts heard while Active.
    pub lower_priority_received: u64,
    /// Adverts with another address list, accepted or not.
    pub address_list_errors: u64,
    /// VRRPv3 adverts with another interval than the own one. (VRRPv2 rejects those.)
    pub interval_differences: u64,
    /// Times it was called too late by more than a down interval.
    pub stalls: u64,
    /// Packets rejected, by reason.
    pub rejections: Rejections,
    /// The last rejected packet, and when.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub last_reject: Option<(Instant, Rejected)>,
}

impl Stats {
    /// Packets rejected for this reason, whatever its details.
    #[must_use]
    pub fn rejected(&self, reason: &Rejected) -> u64 {
        self.rejections.count(reason)
    }

    /// Every reason with its name and count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.rejections.iter()
    }
}

/// Why the router is Active, in the words of RFC 6527 and RFC 8347.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NewActiveReason {
    /// It is not.
    NotActive,
    /// The Active router before it released the addresses.
    Priority,
    /// It took over from a router of lower priority, or started as the owner.
    Preempted,
    /// The Active router before it was not heard any more.
    NoResponse,
}

impl Reason {
    /// What a router that became Active for this reason reports.
    #[must_use]
    pub const fn new_active(self) -> NewActiveReason {
        match self {
            Self::ReleaseHeard => NewActiveReason::Priority,
            Self::ActiveLost => NewActiveReason::NoResponse,
            Self::PreemptedLower | Self::OwnerStart => NewActiveReason::Preempted,
            Self::DownTimer => NewActiveReason::NoResponse,
            _ => NewActiveReason::NotActive,
        }
    }
}
