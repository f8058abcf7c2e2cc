//! Plans, requests and announcements for many addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use divan::{Bencher, black_box};
use netlink_vip::{
    AnnouncePolicy, Announcer, Burst, Channel, Desired, FRAME_MAX, Instant, Link, Observed,
    ObservedAddress, OwnerId, Reconciler, Tag, Target, Vip, plan,
};

fn main() {
    divan::main();
}

const COUNTS: [u32; 3] = [200, 1000, 5000];

fn link() -> Link {
    Link::new(2, "eth0".parse().unwrap())
}

fn vips(count: u32) -> Vec<Vip> {
    let address = |n| Ipv4Addr::from_bits(0x0a00_0000 + n).into();
    (0..count)
        .map(|n| Vip::new(address(n), 32, "eth0".parse().unwrap()))
        .collect()
}

fn desired(count: u32) -> BTreeMap<OwnerId, Desired> {
    BTreeMap::from([(OwnerId(1), Desired::addresses(vips(count)))])
}

fn observed(count: u32) -> Observed {
    let mut observed = Observed::new();
    observed.insert_link(link());
    for vip in vips(count) {
        observed.insert_address(ObservedAddress::expected(2, &vip, Tag::KEEPALIVED));
    }
    observed
}

/// All are missing.
#[divan::bench(args = COUNTS)]
fn plan_to_add(bencher: Bencher<'_, '_>, count: u32) {
    let (observed, desired) = (observed(0), desired(count));
    bencher.bench(|| plan(black_box(&observed), black_box(&desired)));
}

/// All are there: what a reload without change costs.
#[divan::bench(args = COUNTS)]
fn plan_without_difference(bencher: Bencher<'_, '_>, count: u32) {
    let (observed, desired) = (observed(count), desired(count));
    bencher.bench(|| plan(black_box(&observed), black_box(&desired)));
}

/// Our share of adding all: wishes in, batches out, acknowledgements in. No kernel.
#[divan::bench(args = COUNTS)]
fn reconcile_additions(bencher: Bencher<'_, '_>, count: u32) {
    let now = Instant::from_nanos(0);
    let with_inputs = || {
        let mut reconciler = Reconciler::new(Tag::KEEPALIVED);
        reconciler.start(now);
        let mut out = Vec::new();
        assert!(reconciler.poll_request(now, &mut out));
        reconciler.handle_datagram(now, &link_dump(), Channel::Command);
        assert!(reconciler.poll_request(now, &mut out));
        reconciler.handle_datagram(now, &message(3, 2, 2, &[0; 4]), Channel::Command);
        assert!(reconciler.is_ready());
        (reconciler, Desired::addresses(vips(count)))
    };
    bencher
        .with_inputs(with_inputs)
        .bench_values(|(mut reconciler, desired)| {
            reconciler.set(now, OwnerId(1), desired);
            let mut out = Vec::new();
            let mut seq = 2;
            while reconciler.poll_request(now, &mut out) {
                seq += requests(&out);
                let mut ack = [0; 20];
                ack[4..].copy_from_slice(&out[..16]);
                reconciler.handle_datagram(now, &message(2, 0, seq, &ack), Channel::Command);
            }
            assert!(reconciler.is_installed(OwnerId(1)));
            reconciler
        });
}

/// One burst of five for all.
#[divan::bench(args = COUNTS)]
fn announce_burst(bencher: Bencher<'_, '_>, count: u32) {
    let now = Instant::from_nanos(0);
    let target = |vip: Vip| Target::new(&link(), vip.address, None, true).unwrap();
    let targets: Vec<_> = vips(count).into_iter().map(target).collect();
    let policy = AnnouncePolicy::default();
    bencher.bench(|| {
        let mut announcer = Announcer::new();
        announcer.start(now, OwnerId(1), Burst::Promotion, &targets, &policy);
        let mut out = [0; FRAME_MAX];
        let mut octets = 0;
        while let Some(frame) = announcer.poll_frame(now, &mut out) {
            octets += frame.len;
        }
        octets
    });
}

fn requests(mut bytes: &[u8]) -> u32 {
    let mut count = 0;
    while let Some(length) = bytes.first_chunk::<4>() {
        bytes = &bytes[usize::try_from(u32::from_ne_bytes(*length)).unwrap()..];
        count += 1;
    }
    count
}

fn message(kind: u16, flags: u16, seq: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let mut out = length.to_ne_bytes().to_vec();
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(seq.to_ne_bytes());
    out.extend(7_u32.to_ne_bytes());
    out.extend(body);
    out
}

/// `eth0` with index 2, up, and the end of the dump.
fn link_dump() -> Vec<u8> {
    let mut body = vec![0, 0, 1, 0, 2, 0, 0, 0];
    body.extend(0x1043_u32.to_ne_bytes());
    body.extend([0; 4]);
    body.extend([9, 0, 3, 0]);
    body.extend(b"eth0\0\0\0\0");
    let mut out = message(16, 2, 1, &body);
    out.extend(message(3, 2, 1, &[0; 4]));
    out
}
