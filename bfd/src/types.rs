//! The vocabulary: numbers with a meaning and a range.

use core::fmt;
use core::num::{NonZeroU8, NonZeroU32};
use core::time::Duration;

/// UDP destination port of single-hop control packets, RFC 5881 4.
pub const SINGLE_HOP_PORT: u16 = 3784;
/// UDP destination port of echo packets, RFC 5881 4.
pub const ECHO_PORT: u16 = 3785;
/// UDP destination port of multihop control packets, RFC 5883 5. BFD-MH-01.
pub const MULTIHOP_PORT: u16 = 4784;
/// UDP port of S-BFD reflectors, RFC 7881 2. BFD-SB-09, BFD-SB-10.
pub const SEAMLESS_PORT: u16 = 7784;
/// First UDP source port of control packets, RFC 5881 4. The last one is 65535.
pub const FIRST_SOURCE_PORT: u16 = 49152;
/// TTL or hop limit of what is sent, and the only one that unauthenticated single-hop packets may
/// arrive with. RFC 5881 5.
pub const TTL: u8 = 255;
/// DSCP CS6 in place, as the traffic class octet of packets that are sent. BFD-SH-10.
pub const TRAFFIC_CLASS: u8 = 0xc0;

/// What tells one session of a system from another; never 0. RFC 5880 6.8.1. BFD-VAR-02.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Discriminator(NonZeroU32);

impl Discriminator {
    /// `None` for 0, which stands for "not known" on the wire.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, 1 to 4294967295.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Discriminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.get())
    }
}

/// How many packets in a row have to be missing before a session is down; never 0.
pub type DetectMult = NonZeroU8;

/// An interval as it is on the wire: microseconds, 0 to 4294967295.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Micros(u32);

impl Micros {
    /// 0, which stands for "never" or "not supported" in the fields that may have it.
    pub const ZERO: Self = Self(0);
    /// One second: the shortest transmit interval of a session that is not up. BFD-TX-04.
    pub const SECOND: Self = Self(1_000_000);

    /// From microseconds.
    #[must_use]
    pub const fn new(micros: u32) -> Self {
        Self(micros)
    }

    /// From milliseconds; `None` above 4294967.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Option<Self> {
        match millis.checked_mul(1000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The next whole microsecond; what does not fit becomes the longest interval. BFD-TM-12.
    #[must_use]
    pub fn from_duration(duration: Duration) -> Self {
        let micros = duration.as_nanos().div_ceil(1000);
        Self(u32::try_from(micros).unwrap_or(u32::MAX))
    }

    /// In microseconds.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether it is 0.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The same as a duration.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_micros(u64::from(self.0))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{} ms", self.0 / 1000)
        } else {
            write!(f, "{} us", self.0)
        }
    }
}

/// The state of a session, RFC 5880 6.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// Held down by its operator.
    AdminDown,
    /// No communication, or the other side says so.
    #[default]
    Down,
    /// We hear the other side; it does not hear us yet, or has not said so.
    Init,
    /// Both sides hear each other.
    Up,
}

impl State {
    /// From the two low bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }

    /// The number on the wire, 0 to 3.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }

    /// A short name: lower case with underscores.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AdminDown => "admin_down",
            Self::Down => "down",
            Self::Init => "init",
            Self::Up => "up",
        }
    }
}

/// Why a session changed its state last, RFC 5880 4.1: five bits.
///
/// Numbers without a meaning of today are kept as they are and are never a reason to refuse
/// anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// No diagnostic.
    pub const NONE: Self = Self(0);
    /// Nothing was heard for the detection time.
    pub const TIME_EXPIRED: Self = Self(1);
    /// Echo packets did not come back.
    pub const ECHO_FAILED: Self = Self(2);
    /// The other side said that it is down.
    pub const NEIGHBOR_DOWN: Self = Self(3);
    /// The forwarding plane was reset.
    pub const FORWARDING_RESET: Self = Self(4);
    /// Something else than BFD knows that the path is down.
    pub const PATH_DOWN: Self = Self(5);
    /// A path that continues this one is down.
    pub const CONCATENATED_PATH_DOWN: Self = Self(6);
    /// The operator wants it down.
    pub const ADMIN_DOWN: Self = Self(7);
    /// A path that continues this one in the other direction is down.
    pub const REVERSE_CONCATENATED_PATH_DOWN: Self = Self(8);
    /// Connected to the wrong end, RFC 6428.
    pub const MISCONNECTIVITY: Self = Self(9);

    /// From the five low bits.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x1f)
    }

    /// The number on the wire, 0 to 31.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// A short name: lower case with underscores.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "none",
            1 => "control_detection_time_expired",
            2 => "echo_function_failed",
            3 => "neighbor_signaled_session_down",
            4 => "forwarding_plane_reset",
            5 => "path_down",
            6 => "concatenated_path_down",
            7 => "administratively_down",
            8 => "reverse_concatenated_path_down",
            9 => "misconnectivity_defect",
            _ => "reserved",
        }
    }
}
