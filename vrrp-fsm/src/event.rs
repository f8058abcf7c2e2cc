//! What the outside world tells a virtual router, apart from packets and time.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

/// Something happened outside of VRRP.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// RFC 9568 6.4 Startup: run.
    Start,
    /// RFC 9568 6.4 Shutdown: release the addresses and do not run.
    Stop,
    /// Something that keeps the router from working. Level, not edge: again is no change.
    Fault(Fault),
    /// The opposite of `Fault`.
    FaultCleared(Fault),
    /// The address adverts are sent from, as it is now. It is compared when priorities are
    /// equal (RFC 9568 6.4.3, VRRP-EXT-07). While there is none the router has
    /// [`Fault::NoSourceAddress`]; while it is one of the configured peers it has
    /// [`Fault::Configuration`] (VRRP-EXT-04).
    PrimaryAddress(Option<IpAddr>),
    /// The sum of all tracker weights, as it is now. KA-W-04, KA-W-10.
    Adjust(i16),
    /// The wall clock as it is now: time since 1970. Only signed adverts need it; between two of
    /// these it is taken to go on like the time of the calls. Not told, no signature is in time.
    /// KA-AX-05.
    WallClock(Duration),
    /// Somebody removed a virtual address and it could not be put back. KA-M-08.
    AddressLost,
    /// Something faster than adverts, such as BFD, knows that the router with this address cannot
    /// be reached any more. If it is the Active one, a Backup takes over after its skew time
    /// instead of waiting for adverts that will not come. FSM-OPEN-11.
    ActiveLost(IpAddr),
    /// A sign of conflict outside of VRRP, such as a foreign ARP packet for a virtual address:
    /// an Active router announces its addresses again.
    Suspect,
}

/// A reason not to run, on top of RFC 9568's Initialize. Each is independent of the others; the
/// router runs when there is none (KA-F-01, KA-F-02).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Fault {
    /// The interface is down.
    LinkDown,
    /// The interface does not exist.
    NoInterface,
    /// Adverts cannot be received: socket not bound or group not joined. Set at the start: to
    /// be heard by nobody is bad, to hear nobody and be Active is worse.
    NoReceivePath,
    /// There is no address to send from. Set at the start; follows [`Event::PrimaryAddress`].
    NoSourceAddress,
    /// A tracked object without weight has failed. KA-W-01.
    Tracker,
    /// The kernel refuses the addresses.
    Kernel,
    /// The configuration does not fit the world, such as our own address among the peers.
    Configuration,
    /// Held back: start-up delay, trackers without a result yet, or the operator. KA-ST-08,
    /// KA-ST-09.
    Held,
    /// Another member of the synchronisation group is at fault.
    SyncGroup,
}

impl Fault {
    /// Every fault there is.
    pub const ALL: [Self; 9] = [
        Self::LinkDown,
        Self::NoInterface,
        Self::NoReceivePath,
        Self::NoSourceAddress,
        Self::Tracker,
        Self::Kernel,
        Self::Configuration,
        Self::Held,
        Self::SyncGroup,
    ];

    const fn bit(self) -> u16 {
        match self {
            Self::LinkDown => 1,
            Self::NoInterface => 1 << 1,
            Self::NoReceivePath => 1 << 2,
            Self::NoSourceAddress => 1 << 3,
            Self::Tracker => 1 << 4,
            Self::Kernel => 1 << 5,
            Self::Configuration => 1 << 6,
            Self::Held => 1 << 7,
            Self::SyncGroup => 1 << 8,
        }
    }

    /// The short name, for status output and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinkDown => "link_down",
            Self::NoInterface => "no_interface",
            Self::NoReceivePath => "no_receive_path",
            Self::NoSourceAddress => "no_source_address",
            Self::Tracker => "tracker",
            Self::Kernel => "kernel",
            Self::Configuration => "configuration",
            Self::Held => "held",
            Self::SyncGroup => "sync_group",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of faults.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Faults(u16);

impl Faults {
    /// No fault.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is there.
    #[must_use]
    pub const fn contains(self, fault: Fault) -> bool {
        self.0 & fault.bit() != 0
    }

    /// The set and this one.
    #[must_use]
    pub const fn with(self, fault: Fault) -> Self {
        Self(self.0 | fault.bit())
    }

    /// The set without this one.
    #[must_use]
    pub const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !fault.bit())
    }

    /// The faults in the set, in the order of [`Fault::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL
            .into_iter()
            .filter(move |fault| self.contains(*fault))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        faults.into_iter().fold(Self::NONE, Self::with)
    }
}
