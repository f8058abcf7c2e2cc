//! Mistakes that only two files together show, and clusters without any.

use keepalived_config::cluster::{Finding, Node, assumptions, check};
use keepalived_config::{Config, MemorySource, Options, parse};

fn config(text: &str) -> Config {
    let mut source = MemorySource::new().with_file("/node.conf", text);
    parse(&mut source, "/node.conf", &Options::default()).config
}

fn found(texts: &[&str]) -> Vec<Finding> {
    let configs: Vec<Config> = texts.iter().map(|text| config(text)).collect();
    let names = ["a", "b", "c"];
    let nodes: Vec<Node<'_>> = names
        .iter()
        .zip(&configs)
        .map(|(name, config)| Node { name, config })
        .collect();
    check(&nodes)
}

fn codes(texts: &[&str]) -> Vec<&'static str> {
    found(texts).iter().map(|finding| finding.code).collect()
}

/// An instance; `lines` come first, so that they decide.
fn node(priority: u8, lines: &str) -> String {
    let mut text = format!("vrrp_instance VI_1 {{\n{lines}\n");
    for (word, line) in [
        ("interface eth", "interface eth0"),
        ("virtual_router_id", "virtual_router_id 51"),
        (
            "virtual_ipaddress",
            "virtual_ipaddress {\n192.0.2.100/24\n}",
        ),
    ] {
        if !lines.contains(word) {
            text.push_str(line);
            text.push('\n');
        }
    }
    format!("{text}priority {priority}\n}}\n")
}

fn unicast(source: u8, peers: &[u8]) -> String {
    let peers: String = peers
        .iter()
        .map(|peer| format!("192.0.2.{peer}\n"))
        .collect();
    format!("unicast_src_ip 192.0.2.{source}\nunicast_peer {{\n{peers}}}\n")
}

#[test]
fn each_mistake_is_found_and_nothing_else() {
    let hmac = |secret: &str| format!("authentication {{\nauth_type PASS\nauth_pass {secret}\n}}");
    let tracked = |weight: i32| format!("track_interface {{\neth1 weight {weight}\n}}");
    let mistakes: Vec<(&str, Vec<String>)> = vec![
        ("vrid-differs", vec![node(150, ""), node(100, "virtual_router_id 52")]),
        // Told once, though the address is in two routers because of it.
        ("vrid-differs", vec![node(150, ""), node(100, "virtual_router_id 52").replace("VI_1", "OTHER")]),
        ("source-same", vec![node(150, "mcast_src_ip 192.0.2.1"), node(100, "mcast_src_ip 192.0.2.1")]),
        ("accept-differs", vec![node(255, "version 3"), node(100, "version 3\nno_accept")]),
        ("family-differs", vec![node(150, ""), node(100, "virtual_ipaddress {\n2001:db8::1/64\n}")]),
        ("vrid-collision", vec![
            node(150, ""),
            node(100, "virtual_ipaddress {\n198.51.100.1/24\n}").replace("VI_1", "OTHER"),
        ]),
        ("version-differs", vec![node(150, "version 3"), node(100, "version 2")]),
        ("interval-differs", vec![node(150, "advert_int 1"), node(100, "advert_int 2")]),
        ("interval-differs", vec![node(150, "version 3\nadvert_int 0.5"), node(100, "version 3\nadvert_int 1")]),
        ("authentication-differs", vec![node(150, ""), node(100, &hmac("secret"))]),
        ("secret-differs", vec![node(150, &hmac("secret")), node(100, &hmac("other"))]),
        ("addresses-differ", vec![
            node(150, "virtual_ipaddress {\n192.0.2.100/24\n192.0.2.101/24\n}"),
            node(100, ""),
        ]),
        ("prefix-differs", vec![node(150, ""), node(100, "virtual_ipaddress {\n192.0.2.100\n}")]),
        ("advertised-differ", vec![
            node(150, "virtual_ipaddress {\n192.0.2.100/24\n192.0.2.101/24\n}"),
            node(100, "virtual_ipaddress {\n192.0.2.100/24\n}\nvirtual_ipaddress_excluded {\n192.0.2.101/24\n}"),
        ]),
        ("accept-differs", vec![node(150, "version 3"), node(100, "version 3\nno_accept")]),
        ("no-partner", vec![
            node(150, "") + &node(150, "virtual_router_id 7\nvirtual_ipaddress {\n198.51.100.9/24\n}").replace("VI_1", "VI_2"),
            node(100, ""),
        ]),
        ("priority-equal", vec![node(100, ""), node(100, "")]),
        ("owners", vec![node(255, ""), node(255, "")]),
        ("state-master", vec![node(150, "state MASTER"), node(100, "state MASTER")]),
        ("nopreempt-missing", vec![node(150, ""), node(120, "nopreempt"), node(100, "nopreempt")]),
        ("weights-too-small", vec![node(150, &tracked(-20)), node(100, "")]),
        ("weights-too-small", vec![node(150, &tracked(20)), node(100, &tracked(20))]),
        ("source-same", vec![node(150, &unicast(1, &[2])), node(100, &unicast(1, &[2]))]),
        ("peer-missing", vec![node(150, &unicast(1, &[2])), node(100, &unicast(2, &[1, 3])), node(90, &unicast(3, &[1, 2]))]),
        ("peer-unknown", vec![node(150, &unicast(1, &[2, 9])), node(100, &unicast(2, &[1]))]),
        ("transport-differs", vec![node(150, &unicast(1, &[2])), node(100, "")]),
        ("address-in-two-routers", vec![
            node(150, "") + &node(150, "virtual_router_id 7\nvirtual_ipaddress {\n198.51.100.9/24\n}").replace("VI_1", "VI_2"),
            node(100, "")
                + &node(100, "virtual_router_id 7\nvirtual_ipaddress {\n198.51.100.9/24\n192.0.2.100/24\n}").replace("VI_1", "VI_2"),
        ]),
    ];
    let mistakes: Vec<_> = mistakes.into_iter().chain(trust_and_company()).collect();
    assert!(mistakes.len() > 35);
    for (code, texts) in mistakes {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = codes(&texts);
        assert!(found.contains(&code), "{code}: {found:?}\n{texts:#?}");
        // The same address in two routers is also a difference of the lists.
        let others = found
            .iter()
            .filter(|other| **other != code && **other != "addresses-differ");
        assert_eq!(others.count(), 0, "{code}: {found:?}\n{texts:#?}");
    }
}

/// `auth_hmac` with these lines; K1 and K2 are keys.
fn signed(keys: &str, active: u8, mode: &str) -> String {
    let keys = keys
        .replace("K1", "0123456789abcdef0123456789abcdef")
        .replace("K2", "fedcba9876543210fedcba9876543210");
    format!("auth_hmac {{\n{keys}\nactive_key {active}\nmode {mode}\n}}")
}

/// Two instances and a group of them.
fn two(priority: u8, group: &str) -> String {
    let second = "virtual_router_id 7\nvirtual_ipaddress {\n198.51.100.9/24\n}";
    node(priority, "") + &node(priority, second).replace("VI_1", "VI_2") + group + "\n"
}

/// An instance that tracks, and what it tracks: `s`, `f`, `p` and `b`.
fn tracks(priority: u8, lines: &str) -> String {
    "vrrp_script s {\nscript /bin/true\n}\n\
     track_file f {\nfile /f\n}\n\
     vrrp_track_process p {\nprocess p\n}\n\
     bfd_instance b {\nneighbor_ip 192.0.2.9\n}\n"
        .to_owned()
        + &node(priority, lines)
}

/// What else only two files together show.
fn trust_and_company() -> Vec<(&'static str, Vec<String>)> {
    let pair = |one: &str, other: &str| vec![node(150, one), node(100, other)];
    let enforce = signed("key 1 K1", 1, "enforce");
    let group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}";
    vec![
        ("authentication-differs", pair(&enforce, "")),
        (
            "authentication-differs",
            pair(&signed("key 1 K1", 1, "receive-only"), ""),
        ),
        (
            "secret-differs",
            pair(&enforce, &signed("key 1 K2", 1, "enforce")),
        ),
        (
            "secret-differs",
            pair(
                &signed("key 1 K1\nkey 2 K1", 1, "enforce"),
                &signed("key 1 K1\nkey 2 K2", 1, "enforce"),
            ),
        ),
        (
            "hmac-key-missing",
            pair(&enforce, &signed("key 1 K1\nkey 2 K2", 2, "enforce")),
        ),
        (
            "hmac-mode-differs",
            pair(&enforce, &signed("key 1 K1", 1, "receive-only")),
        ),
        (
            "hmac-mode-differs",
            pair(&enforce, &signed("key 1 K1", 1, "permissive")),
        ),
        (
            "anti-replay-differs",
            pair(
                &enforce,
                &signed("key 1 K1\nanti_replay monotonic", 1, "enforce"),
            ),
        ),
        ("vmac-differs", pair("use_vmac", "")),
        (
            "vmac-differs",
            pair("use_vmac", "use_vmac vrrp.51 02:00:00:00:00:01"),
        ),
        ("group-members-differ", vec![two(150, group), two(100, "")]),
        ("group-members-differ", vec![two(150, ""), two(100, group)]),
        (
            "weights-too-small",
            vec![
                tracks(150, "track_script {\ns weight -20\n}"),
                node(100, ""),
            ],
        ),
        (
            "weights-too-small",
            vec![
                tracks(150, "track_script {\ns weight 20 reverse\n}"),
                node(100, ""),
            ],
        ),
        (
            "weights-too-small",
            vec![
                tracks(150, "track_process {\np weight 20\n}"),
                node(100, ""),
            ],
        ),
        (
            "weights-too-small",
            vec![tracks(150, "track_bfd {\nb weight -20\n}"), node(100, "")],
        ),
    ]
}

/// An error keeps the nodes from agreeing; a stage of a change does not.
#[test]
fn a_roll_out_is_no_error_until_somebody_is_not_believed() {
    use keepalived_config::Severity;
    let worst = |one: &str, other: &str| {
        let found = found(&[&node(150, one), &node(100, other)]);
        found.iter().map(|finding| finding.severity).max()
    };
    let stage = |mode: &str| signed("key 1 K1", 1, mode);
    for (one, other, expected) in [
        ("", "receive-only", Some(Severity::Warning)),
        ("", "permissive", Some(Severity::Error)),
        ("receive-only", "permissive", Some(Severity::Warning)),
        ("receive-only", "enforce", Some(Severity::Error)),
        ("permissive", "enforce", Some(Severity::Warning)),
        ("permissive", "permissive", None),
    ] {
        let lines = |mode: &str| {
            if mode.is_empty() {
                String::new()
            } else {
                stage(mode)
            }
        };
        assert_eq!(worst(&lines(one), &lines(other)), expected, "{one} {other}");
        assert_eq!(worst(&lines(other), &lines(one)), expected, "{other} {one}");
    }
}

#[test]
fn nothing_is_found_in_a_good_cluster() {
    let both = |one: &str, other: &str| vec![node(150, one), node(100, other)];
    let tracked = "track_interface {\neth1 weight -60\n}";
    let good: Vec<Vec<String>> = vec![
        both("", ""),
        both("state MASTER", "state BACKUP"),
        both("nopreempt", "nopreempt"),
        both("preempt_delay 30", "preempt_delay 30"),
        both("version 3\nadvert_int 0.1", "version 3\nadvert_int 0.1"),
        both(&unicast(1, &[2]), &unicast(2, &[1])),
        vec![
            node(150, &unicast(1, &[2, 3])),
            node(100, &unicast(2, &[1, 3])),
            node(50, &unicast(3, &[1, 2])),
        ],
        both(tracked, tracked),
        both(
            &signed("key 1 K1", 1, "enforce"),
            &signed("key 1 K1", 1, "enforce"),
        ),
        // A key more, for the next change.
        both(
            &signed("key 1 K1\nkey 2 K2", 1, "enforce"),
            &signed("key 1 K1", 1, "enforce"),
        ),
        // What is in files of their own is not known.
        both(
            &signed("key 1 file:/a", 1, "enforce"),
            &signed("key 1 file:/b", 1, "enforce"),
        ),
        both("use_vmac", "use_vmac"),
        both("use_ipvlan", ""),
        vec![
            two(150, "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}"),
            two(100, "vrrp_sync_group H {\ngroup {\nVI_2\nVI_1\n}\n}"),
        ],
        // The failure of each of these moves the addresses.
        vec![
            tracks(150, "track_script {\ns weight -60\n}"),
            node(100, ""),
        ],
        vec![
            tracks(150, "track_process {\np weight -60\n}"),
            node(100, ""),
        ],
        vec![tracks(150, "track_file {\nf weight 1\n}"), node(100, "")],
        vec![tracks(150, "track_bfd {\nb weight -60\n}"), node(100, "")],
        vec![node(255, ""), node(100, "")],
        both(
            "virtual_ipaddress {\n2001:db8::1/64\n}",
            "virtual_ipaddress {\n2001:db8::1/64\n}",
        ),
        // Names are no business of the wire.
        vec![node(150, ""), node(100, "").replace("VI_1", "WEB")],
        // Two virtual routers, each master on one node.
        vec![
            node(150, "")
                + &node(
                    100,
                    "virtual_router_id 52\nvirtual_ipaddress {\n192.0.2.101/24\n}",
                )
                .replace("VI_1", "VI_2"),
            node(100, "")
                + &node(
                    150,
                    "virtual_router_id 52\nvirtual_ipaddress {\n192.0.2.101/24\n}",
                )
                .replace("VI_1", "VI_2"),
        ],
    ];
    assert!(good.len() > 10);
    for texts in good {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(found(&texts), [], "{texts:#?}");
    }
}

#[test]
fn a_finding_says_what_happens_and_how_to_mend_it_and_no_secret() {
    let secret = |word: &str| {
        node(
            150,
            &format!("authentication {{\nauth_type PASS\nauth_pass {word}\n}}"),
        )
    };
    let found = found(&[&secret("hunter2"), &secret("hunter3")]);
    let finding = found
        .iter()
        .find(|finding| finding.code == "secret-differs")
        .expect("it is found");
    let text = format!("{finding:?}");
    assert!(!text.contains("hunter"), "{text}");
    assert!(finding.consequence.contains("both become master"));
    assert_eq!(finding.places.len(), 2);
    assert_eq!(finding.places[1].node, 1);
}

#[test]
fn one_file_alone_has_no_neighbour() {
    assert_eq!(codes(&[&node(100, "")]), Vec::<&str>::new());
}

/// What happens is what `simulate` shows for these: two numbers that are swapped are heard, by the wrong instance. Networks
/// that do not touch are another matter.
#[test]
fn swapped_numbers_are_those_of_the_same_addresses() {
    let file = |priority, one: u8, other: u8, name: &str, interface: &str| {
        let second = format!(
            "virtual_router_id {other}\ninterface {interface}\nvirtual_ipaddress {{\n192.0.2.101/24\n}}"
        );
        node(priority, &format!("virtual_router_id {one}"))
            + &node(priority, &second).replace("VI_1", name)
    };
    for (name, interface, then) in [
        (
            "VI_2",
            "eth0",
            "they hear other instances instead: while different nodes are master of 51 and of 52",
        ),
        ("OTHER", "eth0", "they hear other instances instead"),
        (
            "VI_2",
            "eth1",
            "the nodes do not hear each other; both become master",
        ),
    ] {
        let (a, b) = (
            file(150, 51, 52, "VI_2", interface),
            file(100, 52, 51, name, interface),
        );
        let found = found(&[&a, &b]);
        let codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["vrid-differs", "vrid-differs"], "{found:#?}");
        assert!(found[0].consequence.starts_with(then), "{found:#?}");
        assert!(found[0].message.contains("51 on a, 52 on b"), "{found:#?}");
    }
}

/// Unicast peers reach each other, whatever their interfaces are called.
#[test]
fn interfaces_of_different_names_are_assumed_to_be_on_one_network_without_peers() {
    let assumed = |one: &str, other: &str| {
        let [a, b] = [config(&node(150, one)), config(&node(100, other))];
        let nodes = [
            Node {
                name: "a",
                config: &a,
            },
            Node {
                name: "b",
                config: &b,
            },
        ];
        assumptions(&nodes)
    };
    let eth1 = "interface eth1\n";
    let found = assumed("", eth1);
    let said = "`VI_1` is on eth0 of a and on eth1 of b: taken to be one network";
    assert!(found.len() == 1 && found[0].starts_with(said), "{found:?}");
    let unicast = assumed(&unicast(1, &[2]), &format!("{eth1}{}", unicast(2, &[1])));
    assert_eq!(unicast, Vec::<String>::new());
    assert_eq!(assumed("", ""), Vec::<String>::new());
}

#[test]
fn an_address_on_interfaces_of_different_names_is_assumed_to_be_on_one_network() {
    let with = |device: &str| {
        config(&format!(
            "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n192.0.2.9/24{device}\n}}\n}}"
        ))
    };
    let assumed = |a: &str, b: &str| {
        let [a, b] = [with(a), with(b)];
        let nodes = [("a", &a), ("b", &b)].map(|(name, config)| Node { name, config });
        assumptions(&nodes)
    };
    let found = assumed(" dev eth1", "");
    let said = "`192.0.2.9` is on eth1 of a and on eth0 of b: taken to be one network";
    assert!(found.len() == 1 && found[0].starts_with(said), "{found:?}");
    assert_eq!(assumed(" dev eth1", " dev eth1"), Vec::<String>::new());
    assert_eq!(assumed(" dev eth0", ""), Vec::<String>::new());
}

/// KA-M-05: of two owners one gives way, unless neither listens.
#[test]
fn owners_that_do_not_listen_are_masters_at_the_same_time() {
    let deaf = node(255, "owner_ignore_adverts");
    let consequence = |texts: &[&str]| found(texts).remove(0).consequence;
    let one = consequence(&[&deaf, &node(255, "")]);
    assert!(one.contains("all but one yield"), "{one}");
    let both = consequence(&[&deaf, &deaf]);
    assert!(both.contains("masters at the same time"), "{both}");
}
