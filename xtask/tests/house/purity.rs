//! Protocol crates open no socket, read no clock, start no thread, sleep not and print not.

use crate::sources::{ALL, PURE, root, sources};

/// What must not appear, and the files (by prefix) that may have it all the same.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("Instant::now", &[]),
    ("SystemTime", &[]),
    ("UdpSocket", &[]),
    ("TcpStream", &[]),
    ("TcpListener", &[]),
    ("std::os::unix::net", &[]),
    ("std::os::fd", &[]),
    ("std::thread", &[]),
    ("thread::spawn", &[]),
    ("sleep(", &[]),
    ("std::process", &[]),
    ("std::io::stdout", &[]),
    ("std::io::stderr", &[]),
    ("println!", &[]),
    ("print!", &[]),
    ("dbg!", &[]),
    ("thread_local!", &[]),
    ("static mut", &[]),
    // The one place where configuration files are read; the parser itself asks a trait.
    ("std::fs", &["keepalived-config/src/source"]),
    ("std::env", &["keepalived-config/src/source"]),
];

/// Where the clocks of the operating system may be read in what ships.
const CLOCK: &str = "keepalived-driver/src/clock.rs";

#[test]
fn crates_without_input_and_output_name_nothing_that_does_it() {
    let mut offences = Vec::new();
    for source in sources(PURE).iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            for (forbidden, exceptions) in FORBIDDEN {
                let excepted = exceptions
                    .iter()
                    .any(|prefix| source.name.starts_with(prefix));
                if line.contains(forbidden) && !excepted {
                    offences.push(format!("{}:{number}: {}", source.name, line.trim()));
                }
            }
        }
    }
    assert!(
        offences.is_empty(),
        "input or output in a pure crate:\n{}",
        offences.join("\n")
    );
}

/// Crates that are named in few files, and those files; ARCHITECTURE.md says why.
const AT_HOME: &[(&str, &[&str])] = &[
    (
        "netlink_packet_route",
        &[
            "keepalived-cli/src/demo/rtnl.rs",
            "keepalived-cli/src/rtnetlink.rs",
            "netlink-vip/src/encode.rs",
            "netlink-vip/src/encode/link.rs",
            "netlink-vip/src/encode/neighbour.rs",
            "netlink-vip/src/encode/route.rs",
            "netlink-vip/src/encode/route/encap.rs",
            "netlink-vip/src/encode/rule.rs",
        ],
    ),
    (
        "netlink_packet_core",
        &[
            "ipvs/src/netlink/attributes.rs",
            "ipvs/src/netlink/family.rs",
            "ipvs/src/netlink/message.rs",
            "ipvs/src/netlink/reply.rs",
            "ipvs/src/netlink/request.rs",
            "keepalived-cli/src/demo/rtnl.rs",
            "keepalived-cli/src/rtnetlink.rs",
            "netlink-vip/src/encode.rs",
            "netlink-vip/src/encode/link.rs",
            "netlink-vip/src/encode/neighbour.rs",
            "netlink-vip/src/encode/route.rs",
            "netlink-vip/src/encode/route/encap.rs",
            "netlink-vip/src/encode/rule.rs",
        ],
    ),
    (
        "netlink_packet_generic",
        &["ipvs/src/netlink/message.rs", "ipvs/src/netlink/request.rs"],
    ),
    (
        "rustls",
        &[
            "healthcheck/src/tls.rs",
            "healthcheck/src/tls/trust.rs",
            "healthcheck/src/tls/words.rs",
        ],
    ),
];

#[test]
fn netlink_messages_are_built_and_read_only_where_architecture_md_says() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let sources = sources(ALL);
    let program = sources
        .iter()
        .filter(|source| !source.is_test() && !source.name.starts_with("xtask/"));
    for (name, homes) in AT_HOME {
        let naming = program
            .clone()
            .filter(|source| source.code().any(|(_, line)| line.contains(name)));
        let mut used: Vec<_> = naming.map(|source| source.name.as_str()).collect();
        used.sort_unstable();
        assert_eq!(used, *homes, "the files that name {name}");
    }
    for home in AT_HOME.iter().flat_map(|(_, homes)| *homes) {
        assert!(
            page.contains(&format!("`{home}`")),
            "not in ARCHITECTURE.md: {home}"
        );
    }
}

#[test]
fn the_clock_is_read_in_one_file() {
    let mut offences = Vec::new();
    for source in sources(&["keepalived-driver", "keepalived-cli"]) {
        if source.is_test() || source.name == CLOCK {
            continue;
        }
        for (number, line) in source.code() {
            if line.contains("Instant::now") || line.contains("SystemTime::now") {
                offences.push(format!("{}:{number}: {}", source.name, line.trim()));
            }
        }
    }
    assert!(
        offences.is_empty(),
        "clock read outside {CLOCK}:\n{}",
        offences.join("\n")
    );
}

#[test]
fn unsafe_code_is_forbidden_outside_the_driver_and_explained_inside() {
    // An allocator cannot be written without it: the one of the no_std proof (a text that is compiled
    // apart and never run), and those that count allocations in tests.
    let allocator = |name: &str| name == "xtask/src/nostd.rs" || name.ends_with("/allocations.rs");
    let mut offences = Vec::new();
    for source in sources(ALL) {
        let in_driver = source.name.starts_with("keepalived-driver/src/");
        let lines: Vec<_> = source.text.lines().collect();
        for (number, line) in source.code() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '"');
            if !words.any(|word| word == "unsafe") || allocator(&source.name) {
                continue;
            }
            let mut above = lines[number.saturating_sub(5)..number].iter();
            let explained = above.any(|line| line.contains("SAFETY:"));
            // Tests that look for the word have to spell it.
            let quoted = source.name.starts_with("xtask/tests/house/");
            let allowed = quoted || (in_driver && explained);
            if !allowed {
                offences.push(format!("{}:{number}: {}", source.name, line.trim()));
            }
        }
    }
    assert!(offences.is_empty(), "unsafe code:\n{}", offences.join("\n"));
}

#[test]
fn every_crate_says_how_it_stands_to_unsafe_code() {
    for folder in ALL.iter().filter(|folder| **folder != "fuzz") {
        let roots = [
            format!("{folder}/src/lib.rs"),
            format!("{folder}/src/main.rs"),
        ];
        for source in sources(&[folder])
            .iter()
            .filter(|source| roots.contains(&source.name))
        {
            let level = if *folder == "keepalived-driver" {
                "deny"
            } else {
                "forbid"
            };
            let levels = [
                format!("#![{level}(unsafe_code)]"),
                "#![forbid(unsafe_code)]".to_owned(),
            ];
            let said = levels.iter().any(|level| source.text.contains(level));
            assert!(said, "{} lacks {}", source.name, levels[0]);
        }
    }
}
