//! What is checked, and what services and servers hand down to it.

use std::time::Duration;

use keepalived_config::model::balance::{CheckerKind, HttpVersion};

use crate::{checker, codes, parsed, seconds, service, text};

/// B16. Handed down like the number of retries.
#[test]
fn rise_and_fall_are_one_unless_written() {
    let counts = |lines: &str, server: &str| {
        let schedule = checker(lines, server).schedule;
        (schedule.rise, schedule.fall)
    };
    assert_eq!(counts("", "TCP_CHECK {\n}"), (1, 1));
    assert_eq!(counts("rise 2\nfall 3", "TCP_CHECK {\n}"), (2, 3));
    assert_eq!(
        counts("rise 2\nfall 3", "fall 4\nTCP_CHECK {\nrise 5\n}"),
        (5, 4)
    );
    let zero = text("192.0.2.1 80", "rise 0", "");
    assert_eq!(codes(&zero), ["out-of-range"]);
}

/// Features 31.3: each kind of checker has its own defaults.
#[test]
fn checkers_differ_in_their_retries() {
    for (block, retry, pause) in [
        ("HTTP_GET {\nurl {\npath /\n}\n}", 1, 3),
        ("SSL_GET {\nurl {\npath /\n}\n}", 1, 3),
        ("DNS_CHECK {\n}", 3, 60),
        ("MISC_CHECK {\nmisc_path /bin/true\n}", 0, 1),
        ("UDP_CHECK {\n}", 1, 1),
        ("PING_CHECK {\n}", 1, 1),
        ("SMTP_CHECK {\n}", 1, 1),
    ] {
        let schedule = checker("", block).schedule;
        assert_eq!(
            (schedule.retry, schedule.delay_before_retry),
            (retry, seconds(pause)),
            "{block}"
        );
    }
}

/// LVS-10, CHK-05, CHK-06: the nearest word counts.
#[test]
fn what_is_said_outside_counts_inside_unless_said_again() {
    let lines = "delay_loop 10\nretry 4\ndelay_before_retry 2\nconnect_timeout 7\nwarmup 3\nvirtualhost outside";
    let schedule = checker(lines, "TCP_CHECK {\n}").schedule;
    assert_eq!((schedule.delay_loop, schedule.retry), (seconds(10), 4));
    assert_eq!(
        (schedule.delay_before_retry, schedule.warmup),
        (seconds(2), seconds(3))
    );
    let schedule = checker(lines, "retry 5\nTCP_CHECK {\ndelay_loop 0.5\nretry 0\n}").schedule;
    assert_eq!(
        (schedule.delay_loop, schedule.retry),
        (Duration::from_millis(500), 0)
    );
    assert_eq!(schedule.delay_before_retry, seconds(2));
    // Lines behind the checker count too.
    assert_eq!(checker(lines, "TCP_CHECK {\n}\nretry 6").schedule.retry, 6);
    let CheckerKind::Web(target, check) = checker(
        lines,
        "HTTP_GET {\nurl {\npath /\n}\nurl {\npath /\nvirtualhost inside\n}\n}",
    )
    .kind
    else {
        panic!("a web check");
    };
    assert_eq!(target.timeout, seconds(7));
    let hosts: Vec<_> = check
        .urls
        .iter()
        .map(|url| url.virtual_host.as_deref())
        .collect();
    assert_eq!(hosts, [Some("outside"), Some("inside")]);
}

/// CHK-20: as in Keepalived, and easily missed, since a BFD session is down until it is not.
#[test]
fn a_session_that_never_came_up_counts_as_up_without_alpha_and_that_is_said() {
    let text = |lines: &str, check: &str| {
        let check = format!("BFD_CHECK {{\nname b\n{check}\n}}");
        text("192.0.2.1 80", lines, &check)
    };
    assert_eq!(codes(&text("", "")), ["bfd-without-alpha"]);
    assert_eq!(codes(&text("alpha", "alpha off")), ["bfd-without-alpha"]);
    assert_eq!(codes(&text("", "alpha")), Vec::<&str>::new());
    assert_eq!(codes(&text("alpha", "")), Vec::<&str>::new());
}

/// CHK-01, CHK-02, CHK-04.
#[test]
fn a_check_may_go_elsewhere_and_leave_from_somewhere() {
    let lines = "connect_ip 192.0.2.77\nconnect_port 8080\nbindto 192.0.2.5\nbind_port 1024\nbind_if eth3\nfwmark 6";
    let CheckerKind::Tcp(target) = checker("", &format!("TCP_CHECK {{\n{lines}\n}}")).kind else {
        panic!("a TCP check");
    };
    assert_eq!(
        (target.address.to_string(), target.port),
        ("192.0.2.77".to_owned(), 8080)
    );
    let source = target.source.unwrap();
    assert_eq!(source.address.unwrap().to_string(), "192.0.2.5");
    assert_eq!(
        (source.port, source.interface.as_deref(), source.mark),
        (Some(1024), Some("eth3"), Some(6))
    );
}

/// CHK-02. To leave from anywhere else is to ask something else: such a check is none.
#[test]
fn a_check_that_is_to_leave_from_an_address_of_another_family_makes_its_server_fail() {
    for block in [
        "TCP_CHECK {\nbindto 2001:db8::1\n}",
        "PING_CHECK {\nbindto 2001:db8::1\n}",
        "TCP_CHECK {\nbindto 192.0.2.5\nconnect_ip 2001:db8::2\n}",
        "HTTP_GET {\nbindto 2001:db8::1\nurl {\npath /\nstatus_code 200\n}\n}",
        "SMTP_CHECK {\nbindto 192.0.2.5\nhost {\nconnect_ip 2001:db8::2\n}\n}",
        "SMTP_CHECK {\nhost {\nbindto 2001:db8::1\n}\n}",
    ] {
        let text = text("192.0.2.1 80", "", block);
        let checkers = &parsed(&text).config.services[0].servers[0].checkers;
        let [
            keepalived_config::model::balance::Checker {
                kind: CheckerKind::Broken { why, .. },
                ..
            },
        ] = checkers.as_slice()
        else {
            panic!("one broken check of {block}: {checkers:?}");
        };
        assert!(why.contains("has another address family than"), "{why}");
        assert_eq!(codes(&text), ["family-mismatch"], "{block}");
    }
}

/// CHK-11, LANG-02. As C Keepalived 2.2.7 reads them: `"d\\wf"` finds `def` there, `"d\wf"` does not.
#[test]
fn backslashes_of_a_pattern_are_doubled() {
    for (written, pattern) in [
        (r#""d\\wf""#, r"d\wf"),
        (r"d\\wf", r"d\wf"),
        (r#""w\\.x""#, r"w\.x"),
        (r#""\144ef""#, "def"),
        (r#""a{2} # it's \"b\"""#, r#"a{2} # it's "b""#),
    ] {
        let block = format!("HTTP_GET {{\nurl {{\npath \"/a\\\\b\"\nregex {written}\n}}\n}}");
        let CheckerKind::Web(_, check) = checker("", &block).kind else {
            panic!("a web check");
        };
        let url = &check.urls[0];
        assert_eq!(url.regex.as_ref().unwrap().value, pattern, "{written}");
        // Other lines of the block have no escapes.
        assert_eq!(url.path, r"/a\\b");
    }
    let single = "HTTP_GET {\nurl {\npath /\nregex \"d\\wf\"\n}\n}";
    assert_eq!(codes(&text("192.0.2.1 80", "", single)), ["lost-backslash"]);
}

/// CHK-11, CHK-12.
#[test]
fn a_web_check_knows_what_passes() {
    let block = "SSL_GET {\nenable_sni\nvirtualhost v\nhttp_protocol 1.1\nurl {\npath /x\n\
                 digest 0123456789abcdef0123456789abcdef\nstatus_code 200 300-399\nregex \"a b\"\nregex_no_match\n\
                 regex_options caseless utf\nregex_min_offset 3\nregex_max_offset 9\n}\n}";
    let CheckerKind::Web(target, check) = checker("", block).kind else {
        panic!("a web check");
    };
    assert_eq!(target.port, 80);
    assert!(check.tls && check.sni);
    assert_eq!(check.version, HttpVersion::Http11);
    let url = &check.urls[0];
    assert_eq!(
        (url.path.as_str(), url.status.as_slice()),
        ("/x", [(200, 200), (300, 399)].as_slice())
    );
    assert_eq!(url.digest.unwrap()[..2], [0x01, 0x23]);
    assert_eq!(url.regex.as_ref().unwrap().value, "a b");
    assert!(url.regex_no_match);
    assert_eq!(
        (
            url.regex_options.len(),
            url.regex_min_offset,
            url.regex_max_offset
        ),
        (2, 3, Some(9))
    );
    for (line, code) in [
        ("digest 12", "bad-digest"),
        ("status_code 99", "bad-status"),
        ("status_code 300-200", "bad-status"),
        ("regex x\nregex_options shouting", "bad-option"),
    ] {
        let text = text(
            "192.0.2.1 80",
            "",
            &format!("HTTP_GET {{\nurl {{\npath /\n{line}\n}}\n}}"),
        );
        assert_eq!(codes(&text), [code], "{line}");
    }
    assert_eq!(
        codes(&text("192.0.2.1 80", "", "HTTP_GET {\n}")),
        ["incomplete-checker"]
    );
}

/// CHK-14 to CHK-20.
#[test]
fn the_other_checkers_read_their_words() {
    let CheckerKind::Udp { payload, reply, .. } = checker(
        "",
        "UDP_CHECK {\npayload 0aff\nrequire_reply 01XX\nmin_reply_length 2\n}",
    )
    .kind
    else {
        panic!("a UDP check");
    };
    assert_eq!(*payload, [0x0a, 0xff]);
    let reply = reply.unwrap();
    assert_eq!(reply.pattern, [Some(0), Some(1), None, None]);
    assert_eq!((reply.min_length, reply.max_length), (2, 255));
    let CheckerKind::Script {
        timeout,
        dynamic,
        command,
    } = checker(
        "",
        "MISC_CHECK {\nmisc_path \"/bin/x -y\"\nmisc_timeout 4\nmisc_dynamic\nuser nobody\n}",
    )
    .kind
    else {
        panic!("a script");
    };
    assert_eq!(
        (timeout, dynamic, command.argv.as_slice()),
        (
            seconds(4),
            true,
            ["/bin/x".to_owned(), "-y".to_owned()].as_slice()
        )
    );
    assert_eq!(command.user.unwrap().user, "nobody");
    let CheckerKind::File {
        name,
        weight,
        reverse,
    } = checker("", "FILE_CHECK {\ntrack_file f\nweight -1000 reverse\n}").kind
    else {
        panic!("a file");
    };
    assert_eq!(
        (name.value.as_str(), weight, reverse),
        ("f", Some(-1000), true)
    );
    let smtp = service(
        "",
        "SMTP_CHECK {\nhelo_name me\nhost {\nconnect_port 26\n}\nhost {\nconnect_ip 192.0.2.3\n}\n}",
    );
    let ports: Vec<_> = smtp.servers[0]
        .checkers
        .iter()
        .map(|checker| match &checker.kind {
            CheckerKind::Smtp { target, helo } => {
                (target.address.to_string(), target.port, helo.clone())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        ports,
        [
            ("192.0.2.9".to_owned(), 26, "me".into()),
            ("192.0.2.3".to_owned(), 80, "me".into())
        ]
    );
    for (block, code) in [
        ("MISC_CHECK {\n}", "incomplete-checker"),
        ("BFD_CHECK {\n}", "incomplete-checker"),
        ("FILE_CHECK {\n}", "incomplete-checker"),
        ("UDP_CHECK {\npayload 0g\n}", "bad-hex"),
        (
            "UDP_CHECK {\nmin_reply_length 9\nmax_reply_length 8\n}",
            "bad-length",
        ),
        ("DNS_CHECK {\ntype ANY\n}", "bad-record"),
    ] {
        assert_eq!(codes(&text("192.0.2.1 80", "", block)), [code], "{block}");
    }
}
