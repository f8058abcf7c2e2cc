//! What one advert costs: reading, checking and writing it, without any socket.
//!
//! `cargo bench -p keepalived-benches --bench vrrp_proto`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use divan::{Bencher, black_box};
use vrrp_proto::{
    AddressList, Advert, AdvertInterval, AdvertRepr, Auth, Checksum, Format, HOP_LIMIT, IpMeta,
    ParseError, ParsePolicy, Priority, Vrid, split_ipv4,
};

fn main() {
    divan::main();
}

/// Numbers of addresses: the usual one, a busy router, the most there can be.
const COUNTS: [usize; 3] = [1, 20, 255];

const IPV4: IpMeta = IpMeta {
    source: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    destination: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18)),
    hop_limit: HOP_LIMIT,
};

const IPV6: IpMeta = IpMeta {
    source: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
    destination: IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12)),
    hop_limit: HOP_LIMIT,
};

const V3: Format<'static> = Format::V3 {
    ipv4_checksum: Checksum::PseudoHeader,
};
const V2: Format<'static> = Format::V2 {
    auth: Auth::Password(b"s3cret12"),
};

fn repr<'a>(format: Format<'a>, addresses: AddressList<'a>) -> AdvertRepr<'a> {
    AdvertRepr {
        format,
        vrid: Vrid::new(51).expect("not zero"),
        priority: Priority::DEFAULT,
        interval: AdvertInterval::DEFAULT,
        addresses,
    }
}

fn message(repr: AdvertRepr<'_>, ip: &IpMeta) -> Vec<u8> {
    let mut out = vec![0; repr.buffer_len()];
    repr.emit(ip, &mut out).expect("can be sent");
    out
}

fn v4_list(count: usize) -> Vec<Ipv4Addr> {
    (0..count)
        .map(|i| Ipv4Addr::from_bits(0xc000_0264 + u32::try_from(i).unwrap_or(0)))
        .collect()
}

fn v6_list(count: usize) -> Vec<Ipv6Addr> {
    (0..count)
        .map(|i| Ipv6Addr::from_bits((0xfe80 << 112) + i as u128))
        .collect()
}

fn bench_parse(bencher: Bencher<'_, '_>, message: &[u8], ip: IpMeta) {
    let policy = ParsePolicy::default();
    bencher.bench_local(|| Advert::parse(black_box(message), black_box(&ip), black_box(&policy)));
}

fn bench_emit(bencher: Bencher<'_, '_>, repr: AdvertRepr<'_>, ip: IpMeta) {
    let mut out = [0; 4096];
    bencher.bench_local(|| black_box(&repr).emit(black_box(&ip), black_box(&mut out)));
}

#[divan::bench(args = COUNTS)]
fn parse_v2(bencher: Bencher<'_, '_>, count: usize) {
    let list = v4_list(count);
    bench_parse(
        bencher,
        &message(repr(V2, AddressList::V4(&list)), &IPV4),
        IPV4,
    );
}

#[divan::bench(args = COUNTS)]
fn parse_v3_ipv4(bencher: Bencher<'_, '_>, count: usize) {
    let list = v4_list(count);
    bench_parse(
        bencher,
        &message(repr(V3, AddressList::V4(&list)), &IPV4),
        IPV4,
    );
}

#[divan::bench(args = COUNTS)]
fn parse_v3_ipv6(bencher: Bencher<'_, '_>, count: usize) {
    let list = v6_list(count);
    bench_parse(
        bencher,
        &message(repr(V3, AddressList::V6(&list)), &IPV6),
        IPV6,
    );
}

/// As on a raw socket: IP header and message, every address looked at.
#[divan::bench(args = COUNTS)]
fn split_parse_and_iterate_v3_ipv4(bencher: Bencher<'_, '_>, count: usize) {
    let list = v4_list(count);
    let message = message(repr(V3, AddressList::V4(&list)), &IPV4);
    let total = u16::try_from(20 + message.len())
        .expect("fits")
        .to_be_bytes();
    let mut packet = vec![0x45, 0xc0, total[0], total[1], 0, 1, 0, 0, 255, 112, 0, 0];
    packet.extend([192, 0, 2, 1, 224, 0, 0, 18]);
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let checksum = !u16::try_from((sum >> 16) + (sum & 0xffff)).expect("folded");
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(message);
    let policy = ParsePolicy::default();
    let read = |packet: &[u8]| {
        let (ip, message) = split_ipv4(packet)?;
        let advert = Advert::parse(message, &ip, &policy)?;
        Ok::<_, ParseError>(advert.addresses().filter(IpAddr::is_ipv4).count())
    };
    assert_eq!(read(&packet), Ok(count));
    bencher.bench_local(|| read(black_box(&packet)));
}

#[divan::bench(args = COUNTS)]
fn emit_v2(bencher: Bencher<'_, '_>, count: usize) {
    let list = v4_list(count);
    bench_emit(bencher, repr(V2, AddressList::V4(&list)), IPV4);
}

#[divan::bench(args = COUNTS)]
fn emit_v3_ipv4(bencher: Bencher<'_, '_>, count: usize) {
    let list = v4_list(count);
    bench_emit(bencher, repr(V3, AddressList::V4(&list)), IPV4);
}

#[divan::bench(args = COUNTS)]
fn emit_v3_ipv6(bencher: Bencher<'_, '_>, count: usize) {
    let list = v6_list(count);
    bench_emit(bencher, repr(V3, AddressList::V6(&list)), IPV6);
}
