//! Whatever a file looks like, making the model out of it ends, does not panic, and holds together.

mod machine;

use std::sync::OnceLock;

use keepalived_config::model::{Preempt, Transport};
use keepalived_config::schema::keywords;
use keepalived_config::{Config, MemorySource, Options, Parsed, parse};
use proptest::prelude::*;
use vrrp_proto::{Family, Priority, Version};

/// Lines of real configurations and of known mistakes, and one line per keyword.
fn lines() -> &'static [String] {
    static LINES: OnceLock<Vec<String>> = OnceLock::new();
    LINES.get_or_init(|| {
        let cases = include_str!("golden/verdicts.txt").lines();
        let mut lines: Vec<String> = cases
            .filter(|line| !line.starts_with("==="))
            .map(str::to_owned)
            .collect();
        lines.extend(keywords().map(|keyword| format!("{} {}", keyword.name, keyword.arguments)));
        lines.sort();
        lines.dedup();
        lines
    })
}

/// Words that are near what somewhere is expected.
fn word() -> impl Strategy<Value = String> {
    let nasty = [
        "",
        "0",
        "255",
        "256",
        "-1",
        "65536",
        "4294967295",
        "4294967296",
        "99999999999999999999",
        "0.000001",
        "1e9",
        "::",
        "::1",
        "fe80::1%eth0",
        "192.0.2.1/",
        "/",
        "-",
        "224.0.0.18",
        "ff02::12",
        "255.255.255.255/0",
        "+",
        "weight",
        "reverse",
        "\"\"",
        "'",
        "{",
        "}",
        "ä",
        "on",
        "OFF",
        "MASTER",
        "a/b",
        "abcdefghijklmnopqrstuvwxyz",
    ];
    prop_oneof![
        prop::sample::select(nasty.to_vec()).prop_map(str::to_owned),
        "[ -~]{0,12}",
        any::<u32>().prop_map(|number| number.to_string()),
        any::<std::net::IpAddr>().prop_map(|address| address.to_string()),
    ]
}

/// One line: a known one, perhaps with a word put in, replaced or cut off.
fn line() -> impl Strategy<Value = String> {
    (
        0..lines().len(),
        0..4_u8,
        any::<prop::sample::Index>(),
        word(),
    )
        .prop_map(|(line, change, at, word)| {
            let line = &lines()[line];
            let mut words: Vec<&str> = line.split_whitespace().collect();
            if words.is_empty() {
                return word;
            }
            let at = at.index(words.len());
            match change {
                0 => return line.clone(),
                1 => words.insert(at, &word),
                2 => words[at] = &word,
                _ => words.truncate(at),
            }
            words.join(" ")
        })
}

/// A block of an instance, well formed but for its lines.
fn instance() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(line(), 0..12),
        prop::collection::vec(word(), 0..4),
        0..3_u8,
    )
        .prop_map(|(lines, addresses, number)| {
            format!(
                "vrrp_instance V{number} {{\ninterface eth{number}\nvirtual_router_id 5{number}\n\
                 {}\nvirtual_ipaddress {{\n192.0.2.1{number}\n{}\n}}\n}}\n",
                lines.join("\n"),
                addresses.join("\n")
            )
        })
}

fn read(text: &str) -> Parsed {
    let mut source = MemorySource::new().with_file("keepalived.conf", text);
    parse(&mut source, "keepalived.conf", &Options::default())
}

/// What the documentation of the model promises.
fn promises(config: &Config) {
    let mut names = std::collections::BTreeSet::new();
    for instance in &config.instances {
        assert!(names.insert(&instance.name.value), "names are unique");
        assert!(instance.addresses.len() <= 255);
        assert!(
            instance
                .advertised()
                .all(|address| Family::of(address) == instance.family)
        );
        assert!(instance.advert_interval.fits(instance.version));
        assert!(instance.family == Family::Ipv4 || instance.version == Version::V3);
        assert!(instance.priority >= Priority::new(1));
        assert!((1..=100).contains(&instance.down_timer_adverts));
        assert!(instance.announce.repeat >= 1 && instance.announce.refresh_repeat >= 1);
        assert!(!instance.track_source || instance.source.is_some());
        if instance.priority == Priority::OWNER {
            assert_eq!(instance.preempt, Preempt::Immediately);
        }
        match &instance.transport {
            Transport::Multicast { group } => {
                assert!(group.is_multicast() && Family::of(*group) == instance.family);
            }
            Transport::Unicast { peers, .. } => {
                assert!(!peers.is_empty() || instance.hold.is_some());
                assert!(
                    peers
                        .iter()
                        .all(|peer| Family::of(peer.address) == instance.family)
                );
                let own = instance.source.map(|source| source.value);
                assert!(peers.iter().all(|peer| Some(peer.address) != own));
            }
        }
        for tracked in &instance.tracked_interfaces {
            assert!((-253..=253).contains(&tracked.weight));
            assert_ne!(tracked.name.value, instance.interface.value);
        }
        for vip in instance.held_addresses() {
            assert!(vip.prefix_len <= if vip.address.is_ipv4() { 32 } else { 128 });
            assert!(vip.label.as_ref().is_none_or(|label| label.len() <= 15));
        }
        assert!(
            instance
                .notify
                .scripts()
                .all(|script| !script.argv.is_empty())
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any lines in any order, most of them in the wrong place.
    #[test]
    fn any_lines_give_a_model_that_keeps_its_promises(
        lines in prop::collection::vec(line(), 0..40),
    ) {
        let parsed = read(&lines.join("\n"));
        promises(&parsed.config);
        let again = read(&lines.join("\n"));
        prop_assert_eq!(&parsed.config, &again.config);
        prop_assert_eq!(&parsed.diagnostics, &again.diagnostics);
        let _ = parsed.config.test_exit_code(&parsed.diagnostics, &machine::Sample);
    }

    /// Instances whose lines are nearly right, so that the corrections are reached.
    #[test]
    fn any_instances_keep_their_promises(
        instances in prop::collection::vec(instance(), 1..4),
    ) {
        let parsed = read(&instances.concat());
        promises(&parsed.config);
    }

    /// One byte of a correct file changed.
    #[test]
    fn a_broken_byte_does_no_harm(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = include_bytes!("golden/mistakes/unicast-own-address.conf").to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut source = MemorySource::new().with_file("k", bytes);
        promises(&parse(&mut source, "k", &Options::default()).config);
    }
}

/// Generated files are long; nothing in the model may be quadratic in their length.
#[test]
fn a_large_file_has_no_quadratic_cost() {
    let mut text = String::new();
    for n in 0..20_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n);
        text.push_str(&format!(
            "vrrp_instance V{n} {{\ninterface eth{}\nvirtual_router_id {}\ntrack_script {{\nc{n}\n}}\n\
             virtual_ipaddress {{\n{address}\n}}\n}}\n",
            n / 255,
            n % 255 + 1
        ));
    }
    let addresses: String = (0..50_000_u32)
        .map(|n| format!("{}\n", std::net::Ipv4Addr::from_bits(0x0b00_0000 + n)))
        .collect();
    text.push_str(&format!(
        "vrrp_instance BIG {{\ninterface big\nvirtual_router_id 1\nunicast_peer {{\n{addresses}}}\n\
         virtual_ipaddress {{\n{addresses}}}\n}}\n"
    ));
    let parsed = read(&text);
    assert_eq!(parsed.config.instances.len(), 20_001);
    assert_eq!(parsed.config.instances[20_000].excluded.len(), 50_000 - 255);
}
