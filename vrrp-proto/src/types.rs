//! The vocabulary of VRRP: small values that cannot hold an illegal number.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::num::{NonZeroU8, NonZeroU16};
use core::time::Duration;

/// IP protocol number (IPv4) and next header value (IPv6) of VRRP, RFC 9568 5.1.1.4 and 5.1.2.4.
pub const PROTOCOL: u8 = 112;

/// The TTL or hop limit every multicast advert is sent with, RFC 9568 5.1.1.3 and 5.1.2.3.
pub const HOP_LIMIT: u8 = 255;

/// The TOS or traffic class octet that VRRP speakers commonly use (CS6); no RFC asks for a value.
pub const TRAFFIC_CLASS: u8 = 0xc0;

/// The IPv4 group adverts are sent to, RFC 9568 5.1.1.2.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// The link-local IPv6 group adverts are sent to, RFC 9568 5.1.2.2.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// Virtual router identifier, 1..=255 (RFC 9568 5.2.3; zero is illegal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// Makes an identifier; `None` for 0.
    #[must_use]
    pub const fn new(value: u8) -> Option<Self> {
        match NonZeroU8::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// The number, 1..=255.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// The virtual router MAC address of this identifier, RFC 9568 7.3.
    ///
    /// `00:00:5e:00:01:VRID` for IPv4 and `00:00:5e:00:02:VRID` for IPv6. VRRP-V2-TX-03,
    /// VRRP-V3-TX-03.
    #[must_use]
    pub const fn virtual_mac(self, family: Family) -> [u8; 6] {
        let block = match family {
            Family::Ipv4 => 1,
            Family::Ipv6 => 2,
        };
        [0x00, 0x00, 0x5e, 0x00, block, self.get()]
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Priority of a sender, 0..=255 (RFC 9568 5.2.4). Higher wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Priority(u8);

impl Priority {
    /// The sender gives up its Active role; sent, never configured.
    pub const RELEASE: Self = Self(0);
    /// What a router that does not own the addresses uses unless told otherwise.
    pub const DEFAULT: Self = Self(100);
    /// The sender owns the advertised addresses.
    pub const OWNER: Self = Self(255);

    /// Makes a priority; every octet is one.
    #[must_use]
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// The number, 0..=255.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Time between two adverts, kept in centiseconds (10 ms), 1..=25500.
///
/// That is everything either version can carry: VRRPv2 has whole seconds 1..=255 and VRRPv3 has
/// 1..=4095 centiseconds. [`fits`](Self::fits) tells which of the two a value suits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "u16")
)]
pub struct AdvertInterval(NonZeroU16);

/// Centiseconds, within the range of the type.
#[cfg(feature = "serde")]
impl TryFrom<u16> for AdvertInterval {
    type Error = &'static str;

    fn try_from(centis: u16) -> Result<Self, Self::Error> {
        Self::from_centis(centis).ok_or("an interval is 1 to 25500 cs")
    }
}

impl AdvertInterval {
    /// One second, the default of both versions.
    pub const DEFAULT: Self = Self(NonZeroU16::MIN.saturating_add(99));
    /// The longest interval VRRPv2 can carry: 255 seconds.
    pub const MAX_V2: Self = Self(NonZeroU16::MIN.saturating_add(25_499));
    /// The longest interval VRRPv3 can carry: 4095 centiseconds.
    pub const MAX_V3: Self = Self(NonZeroU16::MIN.saturating_add(4_094));

    /// An interval of whole seconds, 1..=255; `None` for 0. VRRP-TMR-06.
    #[must_use]
    pub fn from_secs(secs: u8) -> Option<Self> {
        NonZeroU16::new(u16::from(secs).saturating_mul(100)).map(Self)
    }

    /// An interval in centiseconds, 1..=25500; `None` outside of that range. VRRP-TMR-05.
    #[must_use]
    pub const fn from_centis(centis: u16) -> Option<Self> {
        match NonZeroU16::new(centis) {
            Some(value) if centis <= Self::MAX_V2.centis() => Some(Self(value)),
            _ => None,
        }
    }

    /// The interval in centiseconds, 1..=25500.
    #[must_use]
    pub const fn centis(self) -> u16 {
        self.0.get()
    }

    /// The interval in seconds, 1..=255, if it is a whole number of them.
    #[must_use]
    pub fn whole_secs(self) -> Option<u8> {
        let centis = self.centis();
        if centis.is_multiple_of(100) {
            u8::try_from(centis / 100).ok()
        } else {
            None
        }
    }

    /// Whether an advert of this version can carry the interval: whole seconds in VRRPv2
    /// (RFC 3768 5.3.7), at most 4095 centiseconds in VRRPv3 (RFC 9568 5.2.7).
    ///
    /// VRRP-TMR-05, VRRP-TMR-06.
    #[must_use]
    pub fn fits(self, version: Version) -> bool {
        match version {
            Version::V2 => self.whole_secs().is_some(),
            Version::V3 => self <= Self::MAX_V3,
        }
    }

    /// The interval as a duration, 10 ms to 255 s.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_millis(u64::from(self.centis()).saturating_mul(10))
    }
}

impl Default for AdvertInterval {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Seconds, with two decimals where there is a fraction: `1 s`, `0.25 s`.
impl fmt::Display for AdvertInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, centis) = (self.centis() / 100, self.centis() % 100);
        if centis == 0 {
            write!(f, "{secs} s")
        } else {
            write!(f, "{secs}.{centis:02} s")
        }
    }
}

/// Address family of a virtual router; VRIDs of the two families have nothing to do with each
/// other (VRRP-GEN-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Family {
    /// IPv4: VRRPv2 and VRRPv3.
    Ipv4,
    /// IPv6: VRRPv3 only.
    Ipv6,
}

impl Family {
    /// The family an address belongs to.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// The multicast group of the family: 224.0.0.18 or ff02::12.
    #[must_use]
    pub const fn group(self) -> IpAddr {
        match self {
            Self::Ipv4 => IpAddr::V4(GROUP_V4),
            Self::Ipv6 => IpAddr::V6(GROUP_V6),
        }
    }

    /// Octets one address takes in an advert: 4 or 16.
    #[must_use]
    pub const fn address_len(self) -> usize {
        match self {
            Self::Ipv4 => 4,
            Self::Ipv6 => 16,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// Protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Version {
    /// VRRPv2, RFC 3768 (and RFC 2338): IPv4 only, whole seconds, authentication field.
    V2,
    /// VRRPv3, RFC 9568 (and RFC 5798): IPv4 and IPv6, centiseconds.
    V3,
}

impl Version {
    /// The number on the wire, 2 or 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VRRPv{}", self.number())
    }
}
