//! Any bytes are an advert or an error, and an advert that is written again says the same.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_proto::{
    AddressList, Advert, AdvertRepr, AhPacket, Auth, Checksum, ChecksumPolicy, Family, Format,
    HmacKey, HopLimit, IpMeta, ParsePolicy, Trailer, Version, peek_vrid, split_ipv4, split_ipv6,
};

use super::input::Input;

/// One packet.
pub fn run(data: &[u8]) {
    let _ = split_ipv4(data).map(|(ip, message)| judge(&ip, message, &ParsePolicy::default()));
    if let Ok(packet) = AhPacket::parse(data) {
        let _ = packet.verifies(b"s3cret12");
        judge(packet.meta(), packet.message(), &ParsePolicy::default());
    }
    let _ = split_ipv6(data).map(|(ip, message)| judge(&ip, message, &ParsePolicy::rfc9568()));

    let mut input = Input::new(data);
    let choices = input.byte();
    let family = if choices & 1 == 0 {
        Family::Ipv4
    } else {
        Family::Ipv6
    };
    let source = input.host(family == Family::Ipv6);
    let multicast = choices & 2 == 0;
    let destination = if multicast {
        family.group()
    } else {
        input.host(family == Family::Ipv6)
    };
    let hop_limit = if choices & 4 == 0 { 255 } else { input.byte() };
    let ip = IpMeta {
        source,
        destination,
        hop_limit,
    };
    let policy = ParsePolicy::new()
        .with_hop_limit(if choices & 8 == 0 {
            HopLimit::Any
        } else {
            HopLimit::Exact255
        })
        .with_checksum(if choices & 16 == 0 {
            ChecksumPolicy::Either
        } else {
            ChecksumPolicy::Only(Checksum::PseudoHeader)
        })
        .with_allow_no_addresses(choices & 32 != 0);
    let mut message = input.rest().to_vec();
    if choices & 64 == 0 {
        // Left to luck, a checksum is right once in 65,536 times and nothing behind it is reached.
        correct_checksum(&mut message, &ip);
    }
    judge(&ip, &message, &policy);
    judge_signed(&ip, &message, &policy);
}

/// With an authentication header, or a trailer: whatever the octets, an answer; and a parsed message
/// with a trailer is one without it that is as good.
fn judge_signed(ip: &IpMeta, message: &[u8], policy: &ParsePolicy) {
    let Ok((advert, Some(octets))) = Advert::parse_with_trailer(message, ip, policy) else {
        return;
    };
    assert!(Advert::parse(message, ip, policy).is_err());
    let (bare, _) = message.split_at(message.len() - octets.len());
    assert_eq!(peek_vrid(bare), Some(advert.vrid().get()));
    let Ok(trailer) = Trailer::parse(octets) else {
        return;
    };
    let key = HmacKey::new(&[7; 32]).expect("32 octets are a key");
    let signed = key.sign(trailer.key_id(), ip.source, bare, trailer.sequence());
    let again = Trailer::parse(&signed).expect("what is signed can be read");
    assert!(key.verifies(ip.source, bare, &again));
    assert_eq!(key.verifies(ip.source, bare, &trailer), signed == *octets);
}

fn judge(ip: &IpMeta, message: &[u8], policy: &ParsePolicy) {
    let vrid = peek_vrid(message);
    match Advert::parse(message, ip, policy) {
        Ok(advert) => {
            assert_eq!(vrid, Some(advert.vrid().get()));
            assert_eq!(advert.addresses().len(), advert.addresses().count());
            written_again_it_says_the_same(ip, &advert, policy);
        }
        Err(error) => {
            assert!(error.index() < vrrp_proto::ParseError::COUNT);
            assert!(!error.name().is_empty());
            assert!(!error.to_string().is_empty());
        }
    }
}

fn written_again_it_says_the_same(ip: &IpMeta, advert: &Advert<'_>, policy: &ParsePolicy) {
    let (mut ipv4, mut ipv6): (Vec<Ipv4Addr>, Vec<Ipv6Addr>) = Default::default();
    for address in advert.addresses() {
        match address {
            IpAddr::V4(address) => ipv4.push(address),
            IpAddr::V6(address) => ipv6.push(address),
        }
    }
    let addresses = match advert.family() {
        Family::Ipv4 => AddressList::V4(&ipv4),
        Family::Ipv6 => AddressList::V6(&ipv6),
    };
    let format = match advert.version() {
        Version::V2 => Format::V2 {
            auth: advert.auth(),
        },
        Version::V3 => Format::V3 {
            ipv4_checksum: advert.checksum(),
        },
    };
    let (vrid, priority, interval) = (advert.vrid(), advert.priority(), advert.interval());
    let repr = AdvertRepr {
        format,
        vrid,
        priority,
        interval,
        addresses,
    };
    if advert.auth() == Auth::Ah {
        // Recognised, refused later, and never sent by us.
        repr.emit(ip, &mut [0; 2048])
            .expect_err("no authentication header");
        return;
    }
    let mut buffer = vec![0xa5; repr.buffer_len()];
    let length = repr
        .emit(ip, &mut buffer)
        .expect("what was read can be written");
    assert_eq!(length, buffer.len());
    let again = Advert::parse(&buffer, ip, policy).expect("what was written can be read");
    assert_eq!(again.version(), advert.version());
    assert_eq!(again.vrid(), advert.vrid());
    assert_eq!(again.priority(), advert.priority());
    assert_eq!(again.interval(), advert.interval());
    assert_eq!(again.auth(), advert.auth());
    assert!(again.addresses().eq(advert.addresses()));
    let mut short = vec![0; repr.buffer_len() - 1];
    repr.emit(ip, &mut short).expect_err("one octet too few");
}

/// Puts the right sum in place, with the pseudo header where the version wants one.
fn correct_checksum(message: &mut [u8], ip: &IpMeta) {
    if message.len() < 8 {
        return;
    }
    message[6..8].fill(0);
    let mut sum = 0_u32;
    let mut add = |bytes: &[u8]| {
        for pair in bytes.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([pair[0], low]));
        }
    };
    add(message);
    if message[0] >> 4 == 3 {
        match (ip.source, ip.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                add(&source.octets());
                add(&destination.octets());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                add(&source.octets());
                add(&destination.octets());
            }
            _ => {}
        }
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        add(&[0, 112]);
        add(&length.to_be_bytes());
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).unwrap_or(0);
    message[6..8].copy_from_slice(&checksum.to_be_bytes());
}
