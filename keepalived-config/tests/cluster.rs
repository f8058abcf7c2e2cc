//! Mistakes that only two files together show, and clusters without any.

use keepalived_config::cluster::{Finding, Node, check};
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
    assert!(mistakes.len() > 20);
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
