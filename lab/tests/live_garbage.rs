//! A flood of packets that are not adverts, ten thousand a second: the state does not move, and each
//! packet is counted under its reason.

use std::collections::BTreeMap;
use std::time::Duration;

use lab::clock;
use lab::{Capture, Conf, Daemon, Host, Kind, Lan, inject, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(12);
const PER_SECOND: u32 = 10_000;
const TOTAL: usize = 20_000;

/// VRRP-GEN-05, VRRP-GEN-06, VRRP-GEN-12.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_version_2_router_counts_garbage_and_stays_master() {
    let mut conf = Conf::new(200).version2();
    conf.addresses = vec!["192.0.2.100/24".to_owned()];
    a_flood_moves_nothing(&[conf.text()], include_str!("vectors/garbage-v2.txt"));
}

/// VRRP-GEN-05, VRRP-GEN-06, VRRP-GEN-12, VRRP-V3-RX-08, VRRP-V3-RX-12.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_version_3_router_counts_garbage_and_stays_master() {
    let mut ipv4 = Conf::new(200);
    ipv4.interval = Duration::from_secs(1);
    ipv4.addresses = vec!["192.0.2.100/24".to_owned()];
    let mut ipv6 = Conf::new(200).ipv6();
    ipv6.interval = Duration::from_secs(1);
    let second = ipv6.text().replace("VI_1", "VI_6");
    let second = &second[second.find("vrrp_instance").expect("a block")..];
    a_flood_moves_nothing(
        &[ipv4.text(), second.to_owned()],
        include_str!("vectors/garbage-v3.txt"),
    );
}

fn a_flood_moves_nothing(conf: &[String], vectors: &str) {
    lab::require_live();
    let lan = Lan::new(&["a", "c"]);
    let capture = Capture::start(&lan);
    let (router, sender) = (lan.host("a"), lan.host("c"));
    let daemon = Daemon::start_with(Kind::Ours, router, &conf.concat());
    daemon.wait_log("Entering MASTER STATE", conf.len(), PATIENCE);
    let addresses = router.addresses();
    let kinds = kinds(vectors, sender);
    let before = counters(&daemon);
    let entered = daemon.logged("Entering");

    let frames = kinds.iter().map(|kind| kind.frame.clone()).collect();
    let sent = inject::flood(sender, frames, PER_SECOND, TOTAL);
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in kinds.iter().zip(&sent) {
        assert!(*count > 0, "{} was never sent", kind.name);
        *expected.entry(kind.reason).or_default() += count;
    }

    // The last ones may still be in the socket; then every count is exact.
    let settled = || counted(&daemon, &before, &expected) == expected;
    let start = clock::now();
    while !settled() && start.elapsed() < Duration::from_secs(2) {}
    assert_eq!(
        counted(&daemon, &before, &expected),
        expected,
        "{}",
        daemon.status()
    );
    assert_eq!(daemon.logged("Entering"), entered, "the state moved");
    assert_eq!(router.addresses(), addresses);
    assert!(
        daemon.log().lines().count() < 400,
        "the flood filled the log"
    );
    let flooded = clock::stamp();
    wait_until(
        "it goes on advertising",
        Duration::from_millis(1500),
        || capture.first_advert("a", flooded).is_some(),
    );
}

/// How far the counters of these reasons have moved.
fn counted<'a>(
    daemon: &Daemon,
    before: &BTreeMap<String, u64>,
    reasons: &BTreeMap<&'a str, u64>,
) -> BTreeMap<&'a str, u64> {
    let after = counters(daemon);
    let value = |sums: &BTreeMap<String, u64>, name| sums.get(name).copied().unwrap_or(0);
    reasons
        .keys()
        .map(|name| (*name, value(&after, *name) - value(before, *name)))
        .collect()
}

struct Garbage<'a> {
    name: &'a str,
    reason: &'a str,
    frame: Vec<u8>,
}

fn kinds<'a>(vectors: &'a str, sender: &Host) -> Vec<Garbage<'a>> {
    let lines = vectors.lines().filter(|line| !line.starts_with('#'));
    let kinds: Vec<_> = lines
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("name, reason and packet");
            let (name, reason, hex) = (word(), word(), word());
            Garbage {
                name,
                reason,
                frame: inject::frame(sender, &octets(hex)),
            }
        })
        .collect();
    assert!(kinds.len() >= 20, "only {} kinds", kinds.len());
    kinds
}

fn octets(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Every number in the status, by its key, summed over all places: how it is nested is not our business.
fn counters(daemon: &Daemon) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    add(&daemon.status(), &mut sums);
    sums
}

fn add(value: &Value, sums: &mut BTreeMap<String, u64>) {
    match value {
        Value::Array(items) => {
            // Also lists such as [["hop_limit", 3], ...] and [{"reason": "hop_limit", "count": 3}].
            for item in items {
                let name = item
                    .get(0)
                    .or_else(|| item.get("reason"))
                    .and_then(Value::as_str);
                let count = item
                    .get(1)
                    .or_else(|| item.get("count"))
                    .and_then(Value::as_u64);
                if let (Some(name), Some(count)) = (name, count) {
                    *sums.entry(name.to_owned()).or_default() += count;
                }
                add(item, sums);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_u64() {
                    Some(count) => *sums.entry(name.clone()).or_default() += count,
                    None => add(member, sums),
                }
            }
        }
        _ => {}
    }
}
