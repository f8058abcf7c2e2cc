//! What the RFCs say about time and octets, written down a second time.
//!
//! Nothing here comes from `vrrp-proto` or `vrrp-fsm`: a mistake shared by both sides would be invisible.
//! All times are whole nanoseconds in `i64`.

use std::net::IpAddr;

/// One centisecond.
pub const CENTI: i64 = 10_000_000;
/// One second.
pub const SECOND: i64 = 1_000_000_000;

/// Skew_Time rounded down. RFC 9568 6.1: ((256 - priority) * Active_Adver_Interval) / 256.
/// RFC 3768 6.1: (256 - priority) / 256 seconds, whatever the interval.
pub fn skew(version: u8, interval: i64, priority: i64) -> i64 {
    let whole = if version == 2 { SECOND } else { interval };
    (256 - priority) * whole / 256
}

/// Active_Down_Interval rounded down: so many intervals and the skew.
pub fn down(version: u8, adverts: i64, interval: i64, priority: i64) -> i64 {
    adverts * interval + skew(version, interval, priority)
}

/// The facts of a VRRP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub version: u8,
    pub vrid: u8,
    pub priority: i64,
    /// In nanoseconds.
    pub interval: i64,
    pub addresses: Vec<IpAddr>,
}

/// Reads a message. `None` if the checksum or the length is wrong. `pseudo` says whether an IPv4 checksum
/// may and may not include the pseudo header.
pub fn read(message: &[u8], source: IpAddr, destination: IpAddr) -> Option<Facts> {
    let (version, kind) = (message.first()? >> 4, message[0] & 0x0f);
    if kind != 1 || message.len() < 8 {
        return None;
    }
    let plain = sum(message, 0);
    let pseudo = sum(message, pseudo_header(source, destination, message.len()));
    let good = match (version, source) {
        (2, IpAddr::V4(_)) => plain == 0xffff,
        (3, IpAddr::V4(_)) => plain == 0xffff || pseudo == 0xffff,
        (3, IpAddr::V6(_)) => pseudo == 0xffff,
        _ => false,
    };
    if !good {
        return None;
    }
    let count = usize::from(message[3]);
    let each = if source.is_ipv4() { 4 } else { 16 };
    let body = message.get(8..8 + count * each)?;
    let tail = if version == 2 { 8 } else { 0 };
    if message.len() != 8 + body.len() + tail {
        return None;
    }
    let address = |octets: &[u8]| match <[u8; 4]>::try_from(octets) {
        Ok(four) => IpAddr::from(four),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(octets).expect("4 or 16")),
    };
    let interval = if version == 2 {
        i64::from(message[5]) * SECOND
    } else {
        i64::from(u16::from_be_bytes([message[4] & 0x0f, message[5]])) * CENTI
    };
    Some(Facts {
        version,
        vrid: message[1],
        priority: i64::from(message[2]),
        interval,
        addresses: body.chunks(each).map(address).collect(),
    })
}

fn pseudo_header(source: IpAddr, destination: IpAddr, length: usize) -> u64 {
    let words = |address: IpAddr| match address {
        IpAddr::V4(address) => sum_words(&address.octets()),
        IpAddr::V6(address) => sum_words(&address.octets()),
    };
    words(source) + words(destination) + 112 + length as u64
}

fn sum_words(octets: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low));
    octets.chunks(2).map(word).sum()
}

/// One's complement sum, folded: 0xffff means that the checksum in the message is right.
fn sum(message: &[u8], start: u64) -> u64 {
    let mut total = start + sum_words(message);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total
}

/// RFC 9568 6.1 and VRRP-TMR-01..04 with numbers worked out by hand.
#[test]
fn the_second_derivation_of_timing_agrees_with_the_worked_examples() {
    let rows = [
        (2, 3, 100, 100, 3_609_375_000),
        (2, 3, 100, 254, 3_007_812_500),
        (2, 3, 100, 1, 3_996_093_750),
        (3, 3, 100, 100, 3_609_375_000),
        (3, 3, 50, 200, 1_609_375_000),
        (3, 3, 1, 254, 30_078_125),
        (3, 3, 4095, 1, 163_640_039_062),
    ];
    for (version, adverts, centis, priority, expected) in rows {
        assert_eq!(
            down(version, adverts, centis * CENTI, priority),
            expected,
            "v{version} {centis}"
        );
    }
}
