//! Properties of reading and writing over generated input.

mod support;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{Vector, split, vectors};
use vrrp_proto::{
    AddressList, Advert, AdvertInterval, AdvertRepr, Auth, Checksum, EmitError, Format, HopLimit,
    IpMeta, ParseError, ParsePolicy, Priority, Version, Vrid, peek_vrid, split_ipv4, split_ipv6,
};

static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(vectors);

/// An advert that can be sent, owning what [`AdvertRepr`] borrows.
#[derive(Clone, Debug)]
struct Sendable {
    ip: IpMeta,
    version: Version,
    password: Option<[u8; 8]>,
    ipv4_checksum: Checksum,
    vrid: u8,
    priority: u8,
    interval: AdvertInterval,
    v4: Vec<Ipv4Addr>,
    v6: Vec<Ipv6Addr>,
}

impl Sendable {
    fn repr(&self) -> AdvertRepr<'_> {
        let auth = self.password.as_ref().map_or(Auth::None, Auth::Password);
        AdvertRepr {
            format: match self.version {
                Version::V2 => Format::V2 { auth },
                Version::V3 => Format::V3 {
                    ipv4_checksum: self.ipv4_checksum,
                },
            },
            vrid: Vrid::new(self.vrid).unwrap(),
            priority: Priority::new(self.priority),
            interval: self.interval,
            addresses: match self.ip.source {
                IpAddr::V4(_) => AddressList::V4(&self.v4),
                IpAddr::V6(_) => AddressList::V6(&self.v6),
            },
        }
    }

    fn message(&self) -> Vec<u8> {
        let repr = self.repr();
        let mut out = vec![0xee; repr.buffer_len()];
        assert_eq!(repr.emit(&self.ip, &mut out), Ok(out.len()));
        out
    }

    fn addresses(&self) -> Vec<IpAddr> {
        match self.repr().addresses {
            AddressList::V4(list) => list.iter().copied().map(IpAddr::V4).collect(),
            AddressList::V6(list) => list.iter().copied().map(IpAddr::V6).collect(),
        }
    }
}

fn ip() -> impl Strategy<Value = IpMeta> {
    let v4 = any::<(Ipv4Addr, Ipv4Addr)>().prop_map(|(a, b)| (a.into(), b.into()));
    let v6 = any::<(Ipv6Addr, Ipv6Addr)>().prop_map(|(a, b)| (a.into(), b.into()));
    let addresses = prop_oneof![v4, v6];
    (addresses, any::<u8>()).prop_map(|((source, destination), hop_limit)| IpMeta {
        source,
        destination,
        hop_limit,
    })
}

fn checksum() -> impl Strategy<Value = Checksum> {
    prop_oneof![
        Just(Checksum::MessageOnly),
        Just(Checksum::PseudoHeader),
        Just(Checksum::OldUnicast)
    ]
}

fn sendable() -> impl Strategy<Value = Sendable> {
    let lists = (
        vec(any::<Ipv4Addr>(), 0..=255),
        vec(any::<Ipv6Addr>(), 0..=255),
    );
    let fields = (
        any::<bool>(),
        any::<Option<[u8; 8]>>(),
        checksum(),
        1..=255_u8,
        any::<u8>(),
    );
    (ip(), fields, 1..=4095_u16, lists).prop_map(|(ip, fields, centis, (v4, v6))| {
        let (two, password, ipv4_checksum, vrid, priority) = fields;
        let version = if two && ip.source.is_ipv4() {
            Version::V2
        } else {
            Version::V3
        };
        let interval = match version {
            Version::V2 => AdvertInterval::from_secs(centis.to_be_bytes()[1].max(1)),
            Version::V3 => AdvertInterval::from_centis(centis),
        };
        let interval = interval.unwrap();
        Sendable {
            ip,
            version,
            password,
            ipv4_checksum,
            vrid,
            priority,
            interval,
            v4,
            v6,
        }
    })
}

fn lax() -> ParsePolicy {
    ParsePolicy::default()
        .with_hop_limit(HopLimit::Any)
        .with_old_unicast_checksum(true)
        .with_allow_no_addresses(true)
}

/// Everything that can be asked about whatever was received.
fn examine(packet: &[u8], ip: &IpMeta) {
    let _ = peek_vrid(packet);
    let _ = split_ipv4(packet);
    let _ = split_ipv6(packet);
    for policy in [ParsePolicy::default(), ParsePolicy::rfc9568(), lax()] {
        match Advert::parse(packet, ip, &policy) {
            Ok(advert) => {
                assert_eq!(advert.addresses().count(), advert.addresses().len());
                assert_eq!(Some(advert.vrid().get()), peek_vrid(packet));
                assert!(advert.interval().fits(advert.version()));
                let _ = format!("{advert:?}");
            }
            Err(error) => {
                assert!(error.index() < ParseError::COUNT);
                let _ = error.to_string();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// VRRP-V2-TX-02, VRRP-V3-TX-01: decode(encode(x)) = x.
    #[test]
    fn what_is_written_is_read_back(sendable in sendable()) {
        let message = sendable.message();
        let multicast = sendable.ip.destination.is_multicast();
        let advert = Advert::parse(&message, &sendable.ip, &lax());
        if sendable.version == Version::V3
            && sendable.ip.source.is_ipv4()
            && sendable.ipv4_checksum == Checksum::OldUnicast
            && multicast
        {
            // Not a form for multicast; it verifies only where it equals another one.
            return Ok(());
        }
        let advert = advert.unwrap();
        prop_assert_eq!(advert.version(), sendable.version);
        prop_assert_eq!(advert.vrid(), sendable.repr().vrid);
        prop_assert_eq!(advert.priority(), sendable.repr().priority);
        prop_assert_eq!(advert.interval(), sendable.interval);
        prop_assert!(advert.reserved_clear());
        prop_assert_eq!(advert.addresses().collect::<Vec<_>>(), sendable.addresses());
        let backwards: Vec<_> = advert.addresses().rev().collect();
        prop_assert_eq!(backwards.into_iter().rev().collect::<Vec<_>>(), sendable.addresses());
        match sendable.repr().format {
            Format::V2 { auth } => prop_assert_eq!(advert.auth(), auth),
            Format::V3 { .. } => prop_assert_eq!(advert.auth(), Auth::None),
        }
    }

    /// VRRP-GEN-08: any octets give an advert or an error.
    #[test]
    fn any_octets_are_judged_without_a_panic(octets in vec(any::<u8>(), 0..300), ip in ip()) {
        examine(&octets, &ip);
    }

    /// VRRP-GEN-08: octets that look like a message get further.
    #[test]
    fn likely_octets_are_judged_without_a_panic(
        (first, count) in (prop_oneof![Just(0x21_u8), Just(0x31)], 0..20_u8),
        octets in vec(any::<u8>(), 4..350),
        ip in ip(),
    ) {
        let message = [&[first, 51, 100, count][..], &octets].concat();
        examine(&message, &ip);
    }

    /// VRRP-GEN-08, VRRP-GEN-09: recorded packets with octets changed, cut off or added.
    #[test]
    fn damaged_vectors_are_judged_without_a_panic(
        which in 0..148_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        cutting in any::<bool>(),
        tail in vec(any::<u8>(), 0..12),
    ) {
        let mut packet = VECTORS[which].packet.clone();
        for (position, octet) in changes {
            let position = position.index(packet.len());
            packet[position] = octet;
        }
        if cutting {
            packet.truncate(cut.index(packet.len()));
        }
        packet.extend(tail);
        if let Ok((ip, message)) = split(&packet) {
            assert!(message.len() <= packet.len());
            examine(message, &ip);
        }
    }

    /// VRRP-V3-RX-05, VRRP-V2-RX-05: no other word in one place of the message goes unnoticed.
    #[test]
    fn a_changed_octet_is_always_refused_where_only_one_form_is_accepted(
        sendable in sendable(),
        position in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let sendable = Sendable { ipv4_checksum: Checksum::MessageOnly, ..sendable };
        let policy = ParsePolicy::rfc9568()
            .with_hop_limit(HopLimit::Any)
            .with_link_local_first(false)
            .with_allow_no_addresses(true);
        let mut message = sendable.message();
        prop_assert!(Advert::parse(&message, &sendable.ip, &policy).is_ok());
        let position = position.index(message.len());
        message[position] ^= change;
        prop_assert!(Advert::parse(&message, &sendable.ip, &policy).is_err());
    }

    /// VRRP-V2-TX-02: writing is total as well, and stays within the buffer.
    #[test]
    fn any_advert_is_written_or_refused_without_a_panic(
        sendable in sendable(),
        centis in 1..=25_500_u16,
        two in any::<bool>(),
        len in 0..5000_usize,
        ip in ip(),
    ) {
        let mut repr = sendable.repr();
        repr.interval = AdvertInterval::from_centis(centis).unwrap();
        if two {
            repr.format = Format::V2 { auth: Auth::None };
        }
        let mut out = vec![0xee; len];
        match repr.emit(&ip, &mut out) {
            Ok(written) => {
                prop_assert_eq!(written, repr.buffer_len());
                prop_assert!(repr.interval.fits(repr.format.version()));
                prop_assert!(out[written..].iter().all(|octet| *octet == 0xee));
            }
            Err(error) => {
                prop_assert!(out.iter().all(|octet| *octet == 0xee));
                if let EmitError::BufferTooSmall { needed, got } = error {
                    prop_assert!(needed == repr.buffer_len() && got == len && got < needed);
                }
            }
        }
    }
}
