//! Groups of addresses behind one mark (`nftables_ipvs`). In the virtual machine: `cargo xtask ipvs`.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::Duration;

use lab::director::kind;
use lab::servers::{Server, Talk, ask};
use lab::wait::holds_for;
use lab::{Daemon, Director, Kind, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(1);

/// What nftables holds in this network namespace, without what is told by indentation and order.
fn rules(director: &Director) -> Vec<String> {
    // The first program that needs the kernel's modules loads them, and who asks meanwhile may be refused.
    let again =
        "for n in 1 2 3 4 5; do nft list ruleset 2>/dev/null && exit; sleep 0.2; done; exit 1";
    let text = director.host().netns.shell(again);
    // Elements are on one line or several.
    let text = text.replace(",\n", ", ");
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    lines.filter(|line| !line.is_empty()).collect()
}

#[track_caller]
fn wait_rule(director: &Director, line: &str, there: bool) {
    let what = format!("`{line}` among the rules: {there}");
    wait_until(&what, PATIENCE, || {
        rules(director).iter().any(|rule| rule == line) == there
    });
}

fn global(lines: &str) -> String {
    format!("global_defs {{\n{lines}\n}}\n")
}

const GROUPS: &str = "\
virtual_server_group web {
 10.8.0.101-103 80
 10.8.0.105 80
 10.8.0.120 443
}
virtual_server_group dns {
 10.8.0.100 53
}
virtual_server_group both {
 10.8.0.150 80
 2001:db8:8::150 80
}
virtual_server_group own {
 10.8.0.140 80
 fwmark 77
}
";

/// A service of this group.
fn service(group: &str, lines: &str) -> String {
    format!("virtual_server group {group} {{\n lvs_sched rr\n {lines}\n}}\n")
}

fn services() -> String {
    let real = |port: u16| format!("real_server 10.9.0.3 {port} {{\n }}");
    [
        service(
            "web",
            &format!("protocol TCP\n persistence_timeout 50\n {}", real(80)),
        ),
        service(
            "dns",
            &format!("protocol UDP\n lvs_method DR\n {}", real(53)),
        ),
        service("dns", &format!("protocol TCP\n {}", real(53))),
        service(
            "both",
            &format!("protocol TCP\n lvs_method TUN\n {}", real(80)),
        ),
        service("own", &format!("protocol TCP\n {}", real(80))),
    ]
    .concat()
}

/// IPVS-OPS-09. The same table as that of C Keepalived, and the same marks.
/// Flips: global_defs.nftables_ipvs, global_defs.nftables_ipvs_priority, global_defs.nftables_ipvs_start_fwmark.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn one_service_stands_for_each_group_and_protocol() {
    lab::require_guest();
    let address = |service: &str, server: &str| {
        [
            format!("-A {service}"),
            format!(
                "-a {} {server}",
                service.split(" -s").next().unwrap_or_default()
            ),
        ]
    };
    let own = [
        address("-t 10.8.0.140:80 -s rr", "-r 10.9.0.3:80 -m -w 1"),
        address("-f 77 -s rr", "-r 10.9.0.3:80 -m -w 1"),
    ];
    let marked = |first: u32| {
        let mark = |number: u32| format!("-f {}", first + number);
        [
            address(
                &format!("{} -s rr -p 50", mark(0)),
                "-r 10.9.0.3:80 -m -w 1",
            ),
            address(&format!("{} -s rr", mark(1)), "-r 10.9.0.3:0 -g -w 1"),
            address(&format!("{} -s rr", mark(2)), "-r 10.9.0.3:53 -m -w 1"),
            address(
                &format!("{} -s rr", mark(3)),
                "-r 10.9.0.3:0 -i -w 1 --tun-type ipip",
            ),
            address(
                &format!("{} -6 -s rr", mark(3)),
                "-r 10.9.0.3:0 -i -w 1 --tun-type ipip",
            ),
        ]
    };
    for (lines, first, priority, table) in [
        ("nftables_ipvs", 1000_u32, "filter - 1", "keepalived_ipvs"),
        (
            "nftables_ipvs mine\n nftables_ipvs_priority -7\n nftables_ipvs_start_fwmark 20",
            20,
            "filter - 7",
            "mine",
        ),
    ] {
        let lines_wanted: Vec<String> = marked(first)
            .into_iter()
            .chain(own.clone())
            .flatten()
            .collect();
        let wanted: Vec<&str> = lines_wanted.iter().map(String::as_str).collect();
        let conf = global(lines) + GROUPS + &services();
        let director = Director::new(0);
        let mut daemon = director.start(&conf);
        director.wait_table(&wanted, PATIENCE);
        let hook = format!("type filter hook input priority {priority}; policy accept;");
        wait_rule(&director, &hook, true);
        let mark = |number: u32| format!("0x{:08x}", first + number);
        let elements = format!(
            "elements = {{ 10.8.0.100 . 53 : {}, 10.8.0.101-10.8.0.103 . 80 : {1}, 10.8.0.105 . 80 : {1}, \
             10.8.0.120 . 443 : {1}, 10.8.0.150 . 80 : {2} }}",
            mark(2),
            mark(0),
            mark(3)
        );
        let expected = [
            format!("table ip {table} {{"),
            format!("table ip6 {table} {{"),
            format!("elements = {{ 10.8.0.100 . 53 : {} }}", mark(1)),
            format!("elements = {{ 2001:db8:8::150 . 80 : {} }}", mark(3)),
            "meta mark set ip daddr . tcp dport map @tcp_map return".to_owned(),
        ];
        let seen = rules(&director);
        for line in &expected {
            assert!(seen.contains(line), "{line} is not in {seen:#?}");
        }
        let maps: Vec<_> = seen
            .iter()
            .filter(|line| line.starts_with("elements"))
            .collect();
        if kind() == Kind::Ours {
            // Alone: the order of the elements is that of nft.
            let sorted = |line: &str| {
                let mut parts: Vec<_> = line
                    .split([',', '{', '}'])
                    .map(|part| part.trim().to_owned())
                    .collect();
                parts.sort();
                parts
            };
            assert!(
                maps.iter().any(|line| sorted(line) == sorted(&elements)),
                "{elements} is not in {maps:#?}"
            );
            let document = daemon.status();
            let all = document["balance"]["services"]
                .as_array()
                .expect("services");
            let seen: Vec<_> = all.iter().map(|one| one["mark"].as_u64()).collect();
            let number = |plus: u32| Some(u64::from(first + plus));
            assert_eq!(seen, [number(0), number(1), number(2), number(3), None]);
            assert_eq!(document["balance"]["marks"]["in_force"], true);
            assert_eq!(all[0]["servers"][0]["weight_in_kernel"], 1);
            let other = Director::new(0);
            let scratch = Scratch::new("c");
            let _c = Daemon::start_in(Kind::CKeepalived, other.host(), scratch, &conf, &[]);
            other.wait_table(&wanted, PATIENCE);
            wait_rule(&other, &hook, true);
        }
        daemon.terminate();
        daemon.wait_exit(PATIENCE);
        assert_eq!(rules(&director), Vec::<String>::new(), "at the end");
        director.wait_table(&[], PATIENCE);
    }
}

/// IPVS-OPS-09: who is not concerned keeps the mark, and what was counted for the rules.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_reload_changes_elements_and_leaves_the_marks() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        return;
    }
    let director = Director::new(0);
    let real = "protocol TCP\n real_server 10.9.0.3 80 {\n }";
    let group =
        |name: &str, entries: &str| format!("virtual_server_group {name} {{\n {entries}\n}}\n");
    let conf = |groups: &[(&str, &str)]| {
        let mut conf = global("nftables_ipvs\n nftables_counters");
        for (name, entries) in groups {
            conf += &group(name, entries);
            conf += &service(name, real);
        }
        conf
    };
    let first = [
        ("a", "10.8.0.100 80"),
        ("b", "10.8.0.111 80\n 10.8.0.112 80"),
    ];
    let daemon = director.start(&conf(&first));
    let mark = |number: u32| {
        [
            format!("-A -f {number} -s rr"),
            format!("-a -f {number} -r 10.9.0.3:80 -m -w 1"),
        ]
    };
    let table = |numbers: &[u32]| {
        numbers
            .iter()
            .flat_map(|number| mark(*number))
            .collect::<Vec<_>>()
    };
    let wait = |numbers: &[u32]| {
        let lines = table(numbers);
        director.wait_table(
            &lines.iter().map(String::as_str).collect::<Vec<_>>(),
            PATIENCE,
        );
    };
    wait(&[1000, 1001]);
    let element = |address: &str, mark: u32| format!("{address} . 80 : 0x{mark:08x}");
    let wait_elements = |wanted: &[String]| {
        wait_until("the elements are there", PATIENCE, || {
            let all = rules(&director);
            let Some(line) = all.iter().find(|line| line.starts_with("elements")) else {
                return false;
            };
            let line = line
                .trim_start_matches("elements = {")
                .trim_end_matches('}')
                .trim();
            let mut seen: Vec<_> = line.split(", ").map(str::to_owned).collect();
            seen.sort();
            let mut wanted = wanted.to_vec();
            wanted.sort();
            seen == wanted
        });
    };
    wait_elements(&[
        element("10.8.0.100", 1000),
        element("10.8.0.111-10.8.0.112", 1001),
    ]);
    // A packet that the rule counts: nobody serves it, and the client is told.
    let address: IpAddr = "10.8.0.100".parse().expect("an address");
    let _ = ask(director.lan.host("c"), address, 80, LIMIT);
    let counted =
        |line: &&String| line.contains("@tcp_map counter packets") && !line.contains("packets 0 ");
    wait_until("it is counted", PATIENCE, || {
        rules(&director).iter().any(|line| counted(&line))
    });
    // The first group goes, a member of the second is another, and there is a new one.
    let second = [
        ("b", "10.8.0.111 80\n 10.8.0.113 80"),
        ("c", "10.8.0.130 80"),
    ];
    daemon.reload_with(&conf(&second));
    wait_elements(&[
        element("10.8.0.111", 1001),
        element("10.8.0.113", 1001),
        element("10.8.0.130", 1000),
    ]);
    wait(&[1000, 1001]);
    assert!(
        rules(&director).iter().any(|line| counted(&line)),
        "the table was made anew"
    );
    // Without the keyword each address is a service, and there is no table.
    daemon.reload_with(&conf(&second).replace("nftables_ipvs", ""));
    let lines: Vec<_> = ["10.8.0.111", "10.8.0.113", "10.8.0.130"]
        .iter()
        .flat_map(|address| {
            [
                format!("-A -t {address}:80 -s rr"),
                format!("-a -t {address}:80 -r 10.9.0.3:80 -m -w 1"),
            ]
        })
        .collect();
    director.wait_table(
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        PATIENCE,
    );
    wait_until("the table is gone", PATIENCE, || {
        rules(&director).is_empty()
    });
}

/// Somebody loads rules of his own, which begins with removing all.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_table_that_somebody_removed_comes_back() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        return;
    }
    let director = Director::new(0);
    let _daemon = director.start(&(global("nftables_ipvs") + GROUPS + &services()));
    wait_rule(&director, "table ip keepalived_ipvs {", true);
    director.host().netns.shell("nft flush ruleset");
    wait_until("the table is back", Duration::from_secs(30), || {
        rules(&director)
            .iter()
            .any(|line| line == "table ip keepalived_ipvs {")
    });
}

/// Two servers, and a group of two addresses.
fn pair(lines: &str) -> (Director, Vec<Server>, Daemon) {
    group_of_two(lines, "80", "persistence_timeout 100")
}

/// The same with this port of the addresses, and these lines of the service.
fn group_of_two(lines: &str, port: &str, service_lines: &str) -> (Director, Vec<Server>, Daemon) {
    lab::require_guest();
    let director = Director::new(2);
    director
        .host()
        .netns
        .ip(&["addr add 10.8.0.101/32 dev eth0"]);
    director
        .lan
        .host("c")
        .netns
        .ip(&["addr add 10.8.0.3/24 dev eth0"]);
    let servers = [director.lan.host("s1"), director.lan.host("s2")];
    let servers = servers.map(|host| Server::tcp(host, 80, Talk::Text(host.name.clone())));
    let conf = global(lines)
        + &format!("virtual_server_group web {{\n 10.8.0.100-101 {port}\n}}\n")
        + &service(
            "web",
            &format!(
                "protocol TCP\n {service_lines}\n real_server 10.9.0.3 80 {{\n }}\n real_server 10.9.0.4 80 {{\n }}"
            ),
        );
    let daemon = director.start(&conf);
    (director, servers.into(), daemon)
}

/// What a client with this address gets from that one.
fn answer(director: &Director, from: &str, to: &str) -> String {
    let client = director.lan.host("c");
    client
        .netns
        .ip(&[&format!("route replace 10.8.0.0/24 dev eth0 src {from}")]);
    let address: IpAddr = to.parse().expect("an address");
    ask(client, address, 80, LIMIT).expect("answered")
}

/// IPVS-OPS-09: with a mark a client has one server for the whole group; without, one for each address.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_client_gets_the_same_server_at_every_address_of_a_group() {
    const A: &str = "10.8.0.100";
    const B: &str = "10.8.0.101";
    for lines in ["", "nftables_ipvs"] {
        let (director, _servers, _daemon) = pair(lines);
        let count = if lines.is_empty() { 6 } else { 3 };
        wait_until("the services are there", PATIENCE, || {
            director.table().len() == count
        });
        if !lines.is_empty() {
            wait_rule(&director, "table ip keepalived_ipvs {", true);
        }
        let [one, two] = ["10.8.0.2", "10.8.0.3"];
        let first = answer(&director, one, A);
        let other = answer(&director, two, B);
        let again = [answer(&director, one, B), answer(&director, two, A)];
        if lines.is_empty() {
            assert_ne!([first, other], again, "each address has its own turn");
        } else {
            assert_ne!(first, other, "the group has one turn");
            assert_eq!([first, other], again);
        }
    }
}

/// The host itself is a client as well.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_director_itself_is_served_through_a_mark() {
    let (director, _servers, _daemon) = pair("nftables_ipvs");
    wait_rule(&director, "table ip keepalived_ipvs {", true);
    let address: IpAddr = "10.8.0.101".parse().expect("an address");
    wait_until("it is answered", PATIENCE, || {
        ask(director.host(), address, 80, LIMIT).is_ok()
    });
}

/// Nobody is left without a service because packets cannot be marked, and that is said once.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn without_nft_each_address_is_a_service_of_its_own() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        return;
    }
    let director = Director::new(0);
    // A table that nft does not make: the word means something else there.
    let conf = global("nftables_ipvs mark")
        + GROUPS
        + &service("dns", "protocol TCP\n real_server 10.9.0.3 53 {\n }");
    let daemon = director.start(&conf);
    director.wait_table(
        &[
            "-A -t 10.8.0.100:53 -s rr",
            "-a -t 10.8.0.100:53 -r 10.9.0.3:53 -m -w 1",
        ],
        PATIENCE,
    );
    daemon.wait_log("cannot be marked", 1, PATIENCE);
    let document = daemon.status();
    assert_eq!(document["balance"]["marks"]["in_force"], false);
    assert_eq!(
        document["balance"]["services"][0]["mark"],
        serde_json::Value::Null
    );
    // It is tried again after a second and more, and nothing is said a second time.
    holds_for("it is said once", Duration::from_secs(12), || {
        daemon.logged("cannot be marked") == 1
    });
    daemon.reload_with(&conf.replace("nftables_ipvs mark", "nftables_ipvs"));
    director.wait_table(
        &["-A -f 1000 -s rr", "-a -f 1000 -r 10.9.0.3:53 -m -w 1"],
        PATIENCE,
    );
    daemon.wait_log("are marked by nftables", 1, PATIENCE);
}

/// What `port-of-group` warns of: the kernel rewrites the port for a mark unless the service is persistent.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_persistent_service_of_a_mark_leaves_the_port() {
    for (lines, answered) in [("", true), ("persistence_timeout 100", false)] {
        let (director, _servers, _daemon) = group_of_two("nftables_ipvs", "8080", lines);
        wait_until("the services are there", PATIENCE, || {
            director.table().len() == 3
        });
        wait_rule(&director, "table ip keepalived_ipvs {", true);
        let address: IpAddr = "10.8.0.101".parse().expect("an address");
        let client = director.lan.host("c");
        assert_eq!(
            ask(client, address, 8080, LIMIT).is_ok(),
            answered,
            "{lines}"
        );
    }
}

/// All ports of an address but one, which has a service of its own.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_port_with_a_service_of_its_own_is_left_alone() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        // Its entry for all ports is one for port 0.
        return;
    }
    let director = Director::new(2);
    let ports = [(80, "s1"), (81, "s1"), (80, "s2")];
    let servers = ports.map(|(port, name)| {
        Server::tcp(director.lan.host(name), port, Talk::Text(name.to_owned()))
    });
    let conf = global("nftables_ipvs")
        + "virtual_server_group all {\n 10.8.0.100\n}\n"
        + &service("all", "protocol TCP\n real_server 10.9.0.3 {\n }")
        + "virtual_server 10.8.0.100 80 {\n lvs_sched rr\n protocol TCP\n real_server 10.9.0.4 80 {\n }\n}\n";
    let _daemon = director.start(&conf);
    director.wait_table(
        &[
            "-A -f 1000 -s rr -p 360",
            "-a -f 1000 -r 10.9.0.3:0 -m -w 1",
            "-A -t 10.8.0.100:80 -s rr",
            "-a -t 10.8.0.100:80 -r 10.9.0.4:80 -m -w 1",
        ],
        PATIENCE,
    );
    wait_rule(&director, "table ip keepalived_ipvs {", true);
    let client = director.lan.host("c");
    let address: IpAddr = "10.8.0.100".parse().expect("an address");
    let asked = |port| ask(client, address, port, LIMIT).expect("answered");
    assert_eq!((asked(80).as_str(), asked(81).as_str()), ("s2", "s1"));
    drop(servers);
}

/// IPVS-OPS-09: a connection through a mark lives on over a kill, although the order of the groups is not that in
/// which they came: with each other's marks they would lose their servers, and the kernel drops what goes to those.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_connection_through_a_mark_outlives_a_killed_daemon() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        return;
    }
    let director = Director::new(2);
    let group = |name: &str, address: &str, server: &str| {
        let real = format!("protocol TCP\n real_server {server} 80 {{\n }}");
        format!(
            "virtual_server_group {name} {{\n {address} 80\n}}\n{}",
            service(name, &real)
        )
    };
    let first = group("first", "10.8.0.100", "10.9.0.3");
    let second = group("second", "10.8.0.102", "10.9.0.4");
    let conf = |groups: &[&str]| global("nftables_ipvs") + &groups.concat();
    let mut daemon = director.start(&conf(&[&first]));
    let table = [
        "-A -f 1000 -s rr",
        "-a -f 1000 -r 10.9.0.3:80 -m -w 1",
        "-A -f 1001 -s rr",
        "-a -f 1001 -r 10.9.0.4:80 -m -w 1",
    ];
    director.wait_table(&table[..2], PATIENCE);
    wait_rule(&director, "table ip keepalived_ipvs {", true);
    daemon.reload_with(&conf(&[&second, &first]));
    director.wait_table(&table, PATIENCE);

    let (ready, listening) = std::sync::mpsc::channel();
    let server = director.lan.host("s1").netns.spawn(move || {
        let listener = TcpListener::bind("0.0.0.0:80").expect("the port is free");
        ready.send(()).expect("somebody waits");
        let (mut from, _) = listener.accept().expect("somebody comes");
        let mut to = from.try_clone().expect("a descriptor");
        std::io::copy(&mut from, &mut to)
    });
    listening.recv().expect("the server starts");
    let client = director.lan.host("c").netns.spawn(|| {
        let address = ([10, 8, 0, 100], 80).into();
        TcpStream::connect_timeout(&address, LIMIT).expect("it is served")
    });
    let mut client = client.join().expect("the client connects");
    client.set_read_timeout(Some(LIMIT)).expect("a timeout");
    let mut echoed = |word: &[u8; 4]| {
        let mut back = [0; 4];
        client.write_all(word).expect("there is room");
        client
            .read_exact(&mut back)
            .map(|()| back == *word)
            .unwrap_or(false)
    };
    assert!(echoed(b"once"));
    daemon.kill();
    assert!(echoed(b"gone"), "the kernel goes on without it");
    daemon.start_again(director.host());
    daemon.wait_log("Packets to the addresses of groups are marked", 2, PATIENCE);
    director.wait_table(&table, PATIENCE);
    assert!(echoed(b"more"), "{}", daemon.log());
    drop(client);
    let _ = server.join();
}
