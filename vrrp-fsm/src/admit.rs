//! Whether a packet may influence the virtual router, in the order of RFC 9568 7.1 and
//! VRRP-GEN-12.

use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{
    Advert, AdvertInterval, AhPacket, Auth, ChecksumPolicy, Family, HopLimit, IpMeta, ParseError,
    ParsePolicy, Priority, TRAILER_LEN, Version,
};

use crate::advertised::Advertised;
use crate::config::{AddressCheck, InstanceConfig, Peer, Role, Transport, V2Auth, WireFormat};
use crate::error::Rejected;
use crate::hmac::{Judge, Signatures, Verified};

/// What of an advert the state machine looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Heard {
    pub(crate) source: IpAddr,
    pub(crate) priority: Priority,
    pub(crate) interval: AdvertInterval,
}

/// An admitted advert, and what is odd about it all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) heard: Heard,
    pub(crate) other_addresses: bool,
    pub(crate) other_interval: bool,
    pub(crate) first_not_link_local: bool,
    pub(crate) source_not_link_local: bool,
    /// Its signature, if it has one.
    pub(crate) signature: Option<Verified>,
}

/// What the checks compare a packet with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local<'a> {
    pub(crate) config: &'a InstanceConfig,
    pub(crate) list: &'a Advertised,
    pub(crate) primary: Option<IpAddr>,
    /// The Active router of the last accepted advert.
    pub(crate) known: Option<IpAddr>,
    /// The wall clock, since 1970.
    pub(crate) wall: Option<Duration>,
    pub(crate) signatures: &'a Signatures,
    /// The highest sequence number of an authentication header, sent or accepted.
    pub(crate) ah_sequence: u32,
    /// The last one accepted.
    pub(crate) ah_accepted: u32,
}

impl Local<'_> {
    /// Every receive check; the first that fails is the reason.
    ///
    /// VRRP-V2-RX-01, VRRP-V2-RX-02, VRRP-V2-RX-03, VRRP-V2-RX-04, VRRP-V2-RX-05, VRRP-V2-RX-06,
    /// VRRP-V2-RX-07, VRRP-V2-RX-08, VRRP-V2-RX-09, VRRP-V2-RX-10, VRRP-V2-RX-11, VRRP-V2-RX-12,
    /// VRRP-V2-RX-13, VRRP-V2-RX-14, VRRP-V2-RX-15, VRRP-V2-RX-16, VRRP-V2-AUTH-01,
    /// VRRP-V2-AUTH-02, VRRP-V2-AUTH-03, VRRP-V3-RX-01, VRRP-V3-RX-02, VRRP-V3-RX-03,
    /// VRRP-V3-RX-04, VRRP-V3-RX-05, VRRP-V3-RX-06, VRRP-V3-RX-07, VRRP-V3-RX-08, VRRP-V3-RX-09,
    /// VRRP-V3-RX-10, VRRP-V3-RX-11, VRRP-V3-RX-12, VRRP-V3-RX-13, VRRP-V3-RX-14, VRRP-V3-RX-15,
    /// VRRP-V3-RX-16, VRRP-V3-RX-17, VRRP-GEN-07, VRRP-GEN-12, VRRP-EXT-02, KA-M-07.
    ///
    /// `header` is the authentication header that was in front of the message.
    pub(crate) fn admit(
        &self,
        ip: &IpMeta,
        message: &[u8],
        header: Option<&AhPacket<'_>>,
    ) -> Result<Admitted, Rejected> {
        let peer = self.peer(ip.source);
        if let Some(Peer {
            hop_limit: Some(range),
            ..
        }) = peer
            && !range.contains(&ip.hop_limit)
        {
            return Err(Rejected::HopLimit(ip.hop_limit));
        }
        let (advert, signature) = self.parse(ip, message)?;
        if advert.vrid() != self.config.vrid {
            return Err(Rejected::UnknownVrid(advert.vrid().get()));
        }
        self.check_auth(&advert, header)?;
        self.check_interval(&advert)?;
        self.check_destination(ip.destination)?;
        self.check_source(ip.source, peer)?;
        if self.config.role == Role::Owner && self.config.owner_ignores_adverts {
            return Err(Rejected::OwnerIgnores);
        }
        let other_addresses = self.check_addresses(ip.source, &advert)?;
        Ok(Admitted {
            heard: Heard {
                source: ip.source,
                priority: advert.priority(),
                interval: advert.interval(),
            },
            other_addresses,
            other_interval: advert.interval() != self.config.interval,
            first_not_link_local: first_not_link_local(&advert),
            source_not_link_local: self.source_not_link_local(ip.source),
            signature,
        })
    }

    /// The checks on octets alone, RFC 9568 7.1, and the version. A signature is judged after
    /// length, TTL and version, and before everything that comes later in the message, the
    /// checksum first of all (KA-AX-03).
    fn parse<'a>(
        &self,
        ip: &IpMeta,
        message: &'a [u8],
    ) -> Result<(Advert<'a>, Option<Verified>), Rejected> {
        let Some(hmac) = &self.config.hmac else {
            let parsed = Advert::parse(message, ip, &self.policy());
            return Ok((self.version_first(message, parsed)?, None));
        };
        let parsed = Advert::parse_with_trailer(message, ip, &self.policy());
        let (bare, trailer) = match &parsed {
            Ok((_, Some(_))) => split_trailer(message),
            // If its length was found to be right, then with a trailer or without; else it is not looked at.
            Err(_) if is_signed(message, ip) => split_trailer(message),
            Ok((_, None)) | Err(_) => (message, None),
        };
        let shape_is_right = match &parsed {
            Ok(_) => true,
            Err(error) => error.index() >= ParseError::Checksum.index(),
        };
        let mut signature = None;
        if shape_is_right && peek_version(message) == Some(self.config.version()) {
            let judge = Judge {
                hmac,
                transport: &self.config.transport,
                wall: self.wall,
                signatures: self.signatures,
            };
            signature = judge.judge(ip.source, bare, trailer)?;
        }
        let advert = self.version_first(message, parsed.map(|(advert, _)| advert))?;
        Ok((advert, signature))
    }

    fn version_first<'a>(
        &self,
        message: &[u8],
        parsed: Result<Advert<'a>, ParseError>,
    ) -> Result<Advert<'a>, Rejected> {
        let ours = self.config.version();
        // The version counts as wrong before anything is that comes later in the message.
        let comes_later = |error: &ParseError| error.index() > ParseError::Version2OverIpv6.index();
        match parsed {
            Ok(advert) if advert.version() == ours => Ok(advert),
            Ok(advert) => Err(Rejected::VersionMismatch(advert.version())),
            Err(error) if comes_later(&error) => match peek_version(message) {
                Some(theirs) if theirs != ours => Err(Rejected::VersionMismatch(theirs)),
                _ => Err(Rejected::Parse(error)),
            },
            Err(error) => Err(Rejected::Parse(error)),
        }
    }

    /// VRRP-V3-CK-01, VRRP-V3-CK-02, VRRP-V3-CK-03, VRRP-V3-CK-04, VRRP-V3-CK-05, VRRP-V2-RX-02, VRRP-V3-RX-01, VRRP-EXT-02.
    fn policy(&self) -> ParsePolicy {
        let hop_limit = match self.config.transport {
            Transport::Multicast { .. } => HopLimit::Exact255,
            Transport::Unicast { .. } => HopLimit::Exact255ForMulticast,
        };
        let checksum = match self.config.format {
            WireFormat::V2 { .. } => ChecksumPolicy::Either,
            WireFormat::V3 { accept, .. } => accept,
        };
        ParsePolicy::new()
            .with_hop_limit(hop_limit)
            .with_checksum(checksum)
            .with_old_unicast_checksum(self.config.old_unicast_checksum)
            .with_allow_no_addresses(self.config.allow_no_addresses)
            .with_link_local_first(self.config.link_local_first)
    }

    /// VRRP-V2-AUTH-01, VRRP-V2-AUTH-02, VRRP-V2-AUTH-03, VRRP-V2-AUTH-05, VRRP-V2-AUTH-06, RFC 3768
    /// 7.1. VRRPv3 has no authentication (VRRP-V2-AUTH-07); nobody who uses it, or another type,
    /// has a key for an authentication header.
    fn check_auth(
        &self,
        advert: &Advert<'_>,
        header: Option<&AhPacket<'_>>,
    ) -> Result<(), Rejected> {
        let ours = match self.config.format {
            WireFormat::V2 { auth } => auth,
            WireFormat::V3 { .. } => V2Auth::None,
        };
        if let (Some(_), V2Auth::None | V2Auth::Password(_)) = (header, ours) {
            return Err(Rejected::AuthType(Auth::Ah.number()));
        }
        if self.config.version() == Version::V3 {
            return Ok(());
        }
        let theirs = advert.auth();
        match (ours, theirs) {
            (V2Auth::None, Auth::None) => Ok(()),
            (V2Auth::Password(password), Auth::Password(_)) => {
                if theirs.is_password(&password) {
                    Ok(())
                } else {
                    Err(Rejected::AuthData)
                }
            }
            (V2Auth::Ah(key), Auth::Ah) => {
                let header = header.ok_or(Rejected::AhMissing)?;
                self.check_ah(header, &key)
            }
            _ => Err(Rejected::AuthType(theirs.number())),
        }
    }

    /// RFC 2402 3.4: the index, the check value in constant time, and only then the sequence, which
    /// could be anybody's before. VRRP-V2-AUTH-05, VRRP-V2-AUTH-06.
    ///
    /// A number that was sent here and not heard yet repeats nobody: two routers that have counted alike
    /// send it at the same time, and were both to refuse the other's they would both stay Active.
    fn check_ah(&self, header: &AhPacket<'_>, key: &[u8; 8]) -> Result<(), Rejected> {
        if !header.index_is_source() {
            return Err(Rejected::AhIndex(header.index()));
        }
        if !header.verifies(key) {
            return Err(Rejected::AhCheckValue);
        }
        if header.sequence() < self.ah_sequence || header.sequence() <= self.ah_accepted {
            return Err(Rejected::AhReplay(header.sequence()));
        }
        Ok(())
    }

    /// VRRP-V2-RX-11, KA-O-09, RFC 3768 7.1. In VRRPv3 the Backup learns the interval instead.
    fn check_interval(&self, advert: &Advert<'_>) -> Result<(), Rejected> {
        if self.config.version() == Version::V2 && advert.interval() != self.config.interval {
            return Err(Rejected::Interval {
                theirs: advert.interval(),
            });
        }
        Ok(())
    }

    /// VRRP-V2-RX-15, VRRP-V3-RX-17, VRRP-EXT-01.
    fn check_destination(&self, destination: IpAddr) -> Result<(), Rejected> {
        let fits = match &self.config.transport {
            Transport::Multicast { group } => destination == *group,
            Transport::Unicast { .. } => {
                !destination.is_multicast() && Family::of(destination) == self.config.family
            }
        };
        if fits {
            Ok(())
        } else {
            Err(Rejected::Destination(destination))
        }
    }

    /// VRRP-EXT-03, VRRP-GEN-07.
    fn check_source(&self, source: IpAddr, peer: Option<&Peer>) -> Result<(), Rejected> {
        if let Transport::Unicast {
            peers,
            check_source,
        } = &self.config.transport
            && peer.is_none()
            && (*check_source || peers.iter().any(|peer| peer.hop_limit.is_some()))
        {
            return Err(Rejected::UnknownPeer(source));
        }
        if self.primary == Some(source) {
            return Err(Rejected::OwnAdvert);
        }
        Ok(())
    }

    /// VRRP-V2-RX-10, VRRP-V3-RX-11, VRRP-EXT-11, KA-O-10. `Ok(true)` if the list is another
    /// one.
    fn check_addresses(&self, source: IpAddr, advert: &Advert<'_>) -> Result<bool, Rejected> {
        let check = self.config.address_check;
        if check == AddressCheck::Skip && self.known == Some(source) {
            return Ok(false);
        }
        let other = !self.list.matches(advert.addresses());
        if other && check == AddressCheck::Drop && advert.priority() != Priority::OWNER {
            return Err(Rejected::Addresses);
        }
        Ok(other)
    }

    /// VRRP-V3-RX-16. Unicast packets may well come from a global address.
    fn source_not_link_local(&self, source: IpAddr) -> bool {
        match (source, &self.config.transport) {
            (IpAddr::V6(source), Transport::Multicast { .. }) => !source.is_unicast_link_local(),
            _ => false,
        }
    }

    fn peer(&self, source: IpAddr) -> Option<&Peer> {
        match &self.config.transport {
            Transport::Multicast { .. } => None,
            Transport::Unicast { peers, .. } => peers.iter().find(|peer| peer.address == source),
        }
    }
}

/// VRRP-V3-RX-13.
fn first_not_link_local(advert: &Advert<'_>) -> bool {
    match advert.addresses().next() {
        Some(IpAddr::V6(first)) => !first.is_unicast_link_local(),
        Some(IpAddr::V4(_)) | None => false,
    }
}

fn split_trailer(message: &[u8]) -> (&[u8], Option<&[u8; TRAILER_LEN]>) {
    match message.split_last_chunk() {
        Some((bare, trailer)) => (bare, Some(trailer)),
        None => (message, None),
    }
}

/// Whether a message of the right length has a trailer, as its address count tells.
fn is_signed(message: &[u8], ip: &IpMeta) -> bool {
    let bare = ParsePolicy::new().with_hop_limit(HopLimit::Any);
    matches!(
        Advert::parse(message, ip, &bare),
        Err(ParseError::SurplusOctets { .. })
    )
}

fn peek_version(message: &[u8]) -> Option<Version> {
    match message.first()? >> 4 {
        2 => Some(Version::V2),
        3 => Some(Version::V3),
        _ => None,
    }
}
