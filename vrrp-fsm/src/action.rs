//! What a virtual router asks of the outside world.

use core::net::IpAddr;

use vrrp_proto::Priority;

use crate::event::Fault;
use crate::group::GroupTransition;
use crate::notice::Notice;

/// The states of RFC 9568 6.4. Keepalived's FAULT is Initialize with
/// [`faults`](crate::Instance::faults).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// Not running: stopped, not yet started, or at fault.
    Initialize,
    /// Listening to the Active router.
    Backup,
    /// Holding the addresses.
    #[doc(alias = "master")]
    Active,
}

/// Something to be done. Actions come in the order in which they have to be done.
///
/// On becoming Active: `Transmit`, `InstallAddresses`, `Announce`, `Transition`, so that the old
/// Active router lets go before hosts are told (KA-M-01). On leaving: `Transmit(Release)` (only
/// when stopped or at fault), `RemoveAddresses`, `Transition`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Action {
    /// Send one advert (to each peer), made by [`Instance::advert`](crate::Instance::advert) when
    /// it is sent.
    Transmit(Transmit),
    /// The addresses have to be there, as configured now.
    InstallAddresses,
    /// The addresses must not be there.
    RemoveAddresses,
    /// Tell the hosts where the addresses are: gratuitous ARP and unsolicited neighbour
    /// advertisements.
    Announce(Announce),
    /// The state has changed; everything that belongs to the change comes before.
    Transition {
        /// The state left.
        from: State,
        /// The state entered.
        to: State,
        /// Why.
        reason: Reason,
    },
    /// The synchronisation group of this router has changed its state; the transitions of its
    /// members come before. Only from a [`Router`](crate::Router).
    GroupTransition(GroupTransition),
    /// Something worth telling the operator; nothing has to be done.
    Notice(Notice),
}

/// Which advert to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Transmit {
    /// With the effective priority.
    Advert,
    /// With priority 0: somebody else has to take over.
    Release,
}

/// Which burst of announcements is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Announce {
    /// The router became Active.
    Promotion,
    /// A router of lower priority was heard advertising; hosts may have believed it. KA-M-02.
    LowerPriority,
    /// Still Active, but hosts may have been told otherwise.
    Reassert,
}

/// Why a state changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reason {
    /// Started, to listen first.
    Started,
    /// Started as the owner of the addresses.
    OwnerStart,
    /// Nothing was heard for the down interval.
    DownTimer,
    /// The Active router has released the addresses.
    ReleaseHeard,
    /// Something other than adverts said that the Active router is gone.
    ActiveLost,
    /// Only routers of lower priority were heard.
    PreemptedLower,
    /// A better router is Active.
    HigherPriority {
        /// Its address.
        source: IpAddr,
        /// Its priority.
        priority: Priority,
    },
    /// Stopped.
    Stopped,
    /// This fault appeared.
    Faulted(Fault),
    /// The last fault is gone.
    FaultsCleared,
    /// The process was stopped for so long that somebody else is Active by now, and it may not be
    /// preempted.
    Stalled,
    /// An address was lost.
    AddressLost,
    /// Another member of the synchronisation group is not Active any more. KA-G-03.
    SyncGroup,
    /// Removed by a reload.
    Reconfigured,
}
