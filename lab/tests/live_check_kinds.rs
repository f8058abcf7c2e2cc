//! What the words of each kind of checker change, seen by the servers and in the pipe of events.

use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use lab::backends;
use lab::balancer::Balancer;
use lab::pipe::PipeReader;
use lab::{Daemon, Kind, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(25);
/// Checked once and soon, and not again.
const ONCE: &str =
    "delay_loop 1000\n warmup 0\n retry 1\n delay_before_retry 0.1\n connect_timeout 5";

/// A service with one server and this check. The last octet of its address is `number`.
fn service(number: usize, port: u16, check: &str) -> String {
    format!(
        "virtual_server 10.8.0.{number} 80 {{\n protocol TCP\n {ONCE}\n real_server 10.9.0.2 {port} {{\n \
         {check}\n }}\n}}\n"
    )
}

/// Services for checks of which we know whether they pass; and waits until all has happened.
fn verdicts(port: u16, checks: &[(bool, String)]) {
    verdicts_with(&mut Balancer::new(), "", port, checks);
}

fn verdicts_with(balancer: &mut Balancer, blocks: &str, port: u16, checks: &[(bool, String)]) {
    let mut services = blocks.to_owned();
    for (number, (_, check)) in (1..).zip(checks) {
        services += &service(number, port, check);
    }
    let mut pipe = balancer.start(Scratch::new("kinds"), "", &services);
    for (number, (good, check)) in (1..).zip(checks) {
        if !good {
            let limit = PATIENCE;
            wait_until(&format!("{check} fails"), limit, || {
                pipe.lines().contains(&down(number))
            });
        }
    }
    // All have been looked at.
    wait_until("every check was made", PATIENCE, || {
        let status = balancer.daemon().status();
        let services = status["balance"]["services"]
            .as_array()
            .expect("a list")
            .clone();
        services.len() == checks.len()
            && services
                .iter()
                .all(|service| service["servers"][0]["checks"][0]["known"] == true)
    });
    for (number, (good, check)) in (1..).zip(checks) {
        assert_eq!(!pipe.lines().contains(&down(number)), *good, "{check}");
    }
}

fn down(number: usize) -> String {
    format!("VS [10.8.0.{number}]:tcp:80 DOWN")
}

fn text(checks: &[(bool, &str)]) -> Vec<(bool, String)> {
    let owned = checks
        .iter()
        .map(|(good, check)| (*good, (*check).to_owned()));
    owned.collect()
}

/// CHK-11: status, digest and text of a page, over HTTP and TLS.
///
/// Flips: virtual_server.real_server.HTTP_GET.url.status_code, virtual_server.real_server.HTTP_GET.url.digest,
/// virtual_server.real_server.HTTP_GET.url.regex, virtual_server.real_server.HTTP_GET.url.regex_no_match,
/// virtual_server.real_server.HTTP_GET.url.regex_options,
/// virtual_server.real_server.HTTP_GET.url.regex_min_offset,
/// virtual_server.real_server.HTTP_GET.url.regex_max_offset,
/// virtual_server.real_server.SSL_GET.url.status_code, virtual_server.real_server.SSL_GET.url.digest,
/// virtual_server.real_server.SSL_GET.url.regex, virtual_server.real_server.SSL_GET.url.regex_no_match,
/// virtual_server.real_server.SSL_GET.url.regex_options,
/// virtual_server.real_server.SSL_GET.url.regex_min_offset,
/// virtual_server.real_server.SSL_GET.url.regex_max_offset.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_page_has_to_be_as_its_lines_say() {
    let digest = format!("digest {}", backends::DIGEST);
    let pages = [
        (true, "path /"),
        (false, "path /missing"),
        (true, "path /missing\n status_code 404"),
        (false, "path /\n status_code 404 500-510"),
        (true, &format!("path /\n {digest}")),
        (false, "path /\n digest 00000000000000000000000000000000"),
        (true, "path /\n regex \"hel+o\""),
        (true, "path /\n regex \"hel\\\\wo\""),
        (false, "path /\n regex \"hel\\wo\""),
        (false, "path /\n regex \"goodbye\""),
        (true, "path /\n regex \"goodbye\"\n regex_no_match"),
        (false, "path /\n regex \"hello\"\n regex_no_match"),
        (false, "path /\n regex \"HELLO\""),
        (true, "path /\n regex \"HELLO\"\n regex_options caseless"),
        (false, "path /\n regex \"hello\"\n regex_min_offset 1"),
        (true, "path /\n regex \"world\"\n regex_min_offset 1"),
        (false, "path /\n regex \"world\"\n regex_max_offset 5"),
        (true, "path /\n regex \"world\"\n regex_max_offset 6"),
    ];
    for (block, port) in [("HTTP_GET", backends::HTTP), ("SSL_GET", backends::HTTPS)] {
        let checks = pages
            .iter()
            .map(|(good, page)| (*good, format!("{block} {{\n url {{\n {page}\n }}\n }}")));
        verdicts(port, &checks.collect::<Vec<_>>());
    }
}

/// CHK-11: the host of the request, at every level.
///
/// Flips: virtual_server.virtualhost, virtual_server.real_server.virtualhost,
/// virtual_server.real_server.HTTP_GET.virtualhost, virtual_server.real_server.HTTP_GET.url.virtualhost,
/// virtual_server.real_server.SSL_GET.virtualhost, virtual_server.real_server.SSL_GET.url.virtualhost.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_request_names_the_host_of_its_line() {
    let mut balancer = Balancer::new();
    let mut services = String::new();
    let kinds = [("HTTP_GET", backends::HTTP), ("SSL_GET", backends::HTTPS)];
    let mut number = 0;
    for (block, port) in kinds {
        for level in 0..5 {
            number += 1;
            let put = |wanted: u32| {
                if level == wanted {
                    "virtualhost good.example"
                } else {
                    ""
                }
            };
            let _ = write!(
                services,
                "virtual_server 10.8.0.{number} 80 {{\n protocol TCP\n {ONCE}\n {}\n \
                 real_server 10.9.0.2 {port} {{\n {}\n {block} {{\n {}\n url {{\n path /host\n {}\n }}\n \
                 }}\n }}\n}}\n",
                put(1),
                put(2),
                put(3),
                put(4),
            );
        }
    }
    let mut pipe = balancer.start(Scratch::new("host"), "", &services);
    // Those that name none.
    pipe.wait_line(&down(1), PATIENCE);
    pipe.wait_line(&down(6), PATIENCE);
    wait_until("all were asked", PATIENCE, || {
        let requests = balancer.backends.requests();
        let named = |line: &&String| line.contains("host=good.example");
        requests.iter().filter(named).count() == 8
    });
    let lines = pipe.lines();
    let failed = (1..=10).filter(|number| lines.contains(&down(*number)));
    assert_eq!(failed.collect::<Vec<_>>(), [1, 6]);
}

/// CHK-11: as the server logs it.
///
/// Flips: virtual_server.real_server.HTTP_GET.http_protocol, virtual_server.real_server.SSL_GET.http_protocol.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_request_has_the_version_of_its_line() {
    for (block, port) in [("HTTP_GET", backends::HTTP), ("SSL_GET", backends::HTTPS)] {
        let mut balancer = Balancer::new();
        let mut services = String::new();
        for (number, version) in (1..).zip(["1.0", "1.0C", "1.1"]) {
            let check = format!(
                "{block} {{\n http_protocol {version}\n url {{\n path /v{version}\n }}\n }}"
            );
            services += &service(number, port, &check);
        }
        let _pipe = balancer.start(Scratch::new("version"), "", &services);
        for line in [
            "GET /v1.0 HTTP/1.0 host=10.9.0.2",
            "GET /v1.0C HTTP/1.0 host=10.9.0.2",
            "GET /v1.1 HTTP/1.1 host=10.9.0.2",
        ] {
            wait_until(line, PATIENCE, || {
                let requests = balancer.backends.requests();
                let request = requests.iter().find(|request| request.starts_with(line));
                let close = request.map(|request| request.contains("connection=close"));
                assert!(close.is_none_or(|close| close != line.contains("/v1.0 ")));
                request.is_some()
            });
        }
    }
}

/// CHK-11: a server that comes back is looked at page by page, one each time, or all at once.
///
/// Flips: virtual_server.real_server.HTTP_GET.fast_recovery, virtual_server.real_server.SSL_GET.fast_recovery.
#[test]
#[ignore = "live: cargo xtask live"]
fn all_pages_are_looked_at_in_one_round_where_the_line_says_so() {
    for (block, port) in [("HTTP_GET", backends::HTTP), ("SSL_GET", backends::HTTPS)] {
        let mut balancer = Balancer::new();
        let mut services = String::new();
        for (number, line) in [(1, ""), (2, "fast_recovery")] {
            let check = format!(
                "{block} {{\n alpha\n {line}\n url {{\n path /1\n }}\n url {{\n path /2\n }}\n \
                 url {{\n path /3\n }}\n }}"
            );
            services += &service(number, port, &check);
        }
        let mut pipe = balancer.start(Scratch::new("fast"), "", &services);
        pipe.wait_line("VS [10.8.0.2]:tcp:80 UP", PATIENCE);
        wait_until("four pages were fetched", PATIENCE, || {
            balancer.backends.requests().len() == 4
        });
        assert!(!pipe.lines().contains(&"VS [10.8.0.1]:tcp:80 UP".to_owned()));
    }
}

/// CHK-12, CHK-13: what the server sees of us in TLS, and how it has to end.
///
/// Flips: virtual_server.real_server.SSL_GET.enable_sni, virtual_server.real_server.SSL_GET.sni_name,
/// virtual_server.real_server.SSL_GET.tls_compliant, virtual_server.real_server.SSL_GET.url.tls_compliant.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_tls_server_gets_the_name_of_the_line_and_has_to_end_as_the_line_says() {
    let named = "url {\n path /named\n }";
    let host = "virtualhost good.example";
    verdicts(
        backends::HTTPS,
        &text(&[
            (false, &format!("SSL_GET {{\n {host}\n {named}\n }}")),
            (
                true,
                &format!("SSL_GET {{\n {host}\n enable_sni\n {named}\n }}"),
            ),
            (
                false,
                &format!("SSL_GET {{\n sni_name bad.example\n {named}\n }}"),
            ),
            (
                true,
                &format!("SSL_GET {{\n sni_name good.example\n {named}\n }}"),
            ),
            (true, "SSL_GET {\n tls_compliant\n url {\n path /\n }\n }"),
            (true, "SSL_GET {\n url {\n path /\n tls_compliant\n }\n }"),
        ]),
    );
    verdicts(
        backends::RUDE_HTTPS,
        &text(&[
            (true, "SSL_GET {\n url {\n path /\n }\n }"),
            (false, "SSL_GET {\n tls_compliant\n url {\n path /\n }\n }"),
            (false, "SSL_GET {\n url {\n path /\n tls_compliant\n }\n }"),
        ]),
    );
}

/// CHK-13: servers that ask who we are.
///
/// Flips: (root).SSL, SSL.certificate, SSL.key.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_tls_server_gets_the_certificate_of_the_file() {
    let check = "SSL_GET {\n url {\n path /known\n }\n }";
    let mut balancer = Balancer::new();
    let [certificate, key] = balancer.backends.identity();
    let whole = format!("SSL {{\n certificate {certificate}\n key {key}\n}}\n");
    verdicts_with(&mut balancer, "", backends::HTTPS, &text(&[(false, check)]));
    verdicts_with(
        &mut balancer,
        &whole,
        backends::HTTPS,
        &text(&[(true, check)]),
    );
    // The half of a pair cannot be used: the server is not believed to work, and that is said.
    let half = format!("SSL {{\n certificate {certificate}\n}}\n");
    let services = half + &service(1, backends::HTTPS, check);
    let _pipe = balancer.start(Scratch::new("half"), "", &services);
    let why = format!(
        "`SSL`: the file {certificate} of `certificate` cannot be used: no private key in the PEM text"
    );
    let log = format!("SSL_GET: {why}; a check that cannot be made fails its server");
    balancer.daemon().wait_log(&log, 1, PATIENCE);
    let reason = format!("cannot be checked: {why}");
    wait_until(&reason, PATIENCE, || {
        let status = balancer.daemon().status();
        let server = &status["balance"]["services"][0]["servers"][0];
        server["state"] == "DOWN" && server["checks"][0]["last_failure"]["reason"] == *reason
    });
}

/// CHK-14.
///
/// Flips: virtual_server.real_server.SMTP_CHECK.helo_name.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_mail_server_hears_the_name_of_the_line() {
    let mut balancer = Balancer::new();
    let services = service(1, backends::SMTP[0], "SMTP_CHECK {\n}")
        + &service(
            2,
            backends::SMTP[0],
            "SMTP_CHECK {\n helo_name me.example\n }",
        );
    let _pipe = balancer.start(Scratch::new("helo"), "", &services);
    for name in ["smtpchecker.keepalived.org", "me.example"] {
        wait_until(name, PATIENCE, || {
            balancer.backends.helos().iter().any(|helo| helo == name)
        });
    }
}

/// CHK-15.
///
/// Flips: virtual_server.real_server.DNS_CHECK.name, virtual_server.real_server.DNS_CHECK.type.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_name_server_is_asked_what_the_lines_say() {
    let mut balancer = Balancer::new();
    let services = service(1, backends::DNS, "DNS_CHECK {\n}")
        + &service(
            2,
            backends::DNS,
            "DNS_CHECK {\n name ab.example\n type MX\n }",
        );
    let _pipe = balancer.start(Scratch::new("dns"), "", &services);
    let root = [0, 0, 6, 0, 1];
    let named = b"\x02ab\x07example\x00\x00\x0f\x00\x01";
    for question in [&root[..], named] {
        wait_until(&format!("{question:?}"), PATIENCE, || {
            let questions = balancer.backends.questions();
            questions
                .iter()
                .any(|asked| asked.get(12..) == Some(question))
        });
    }
}

/// CHK-17: what is sent, and what has to come back.
///
/// Flips: virtual_server.real_server.UDP_CHECK.payload, virtual_server.real_server.UDP_CHECK.require_reply,
/// virtual_server.real_server.UDP_CHECK.min_reply_length,
/// virtual_server.real_server.UDP_CHECK.max_reply_length.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_datagram_and_its_answer_are_as_the_lines_say() {
    let mut balancer = Balancer::new();
    verdicts_with(
        &mut balancer,
        "",
        backends::UDP,
        &text(&[
            (true, "UDP_CHECK {\n payload 0102ff\n require_reply\n }"),
            (true, "UDP_CHECK {\n require_reply deXXbeef\n }"),
            (false, "UDP_CHECK {\n require_reply deadbe00\n }"),
            (true, "UDP_CHECK {\n require_reply\n min_reply_length 4\n }"),
            (
                false,
                "UDP_CHECK {\n require_reply\n min_reply_length 5\n }",
            ),
            (true, "UDP_CHECK {\n require_reply\n max_reply_length 4\n }"),
            (
                false,
                "UDP_CHECK {\n require_reply\n max_reply_length 3\n }",
            ),
        ]),
    );
    let datagrams = balancer.backends.datagrams();
    assert!(datagrams.contains(&vec![1, 2, 0xff]), "{datagrams:?}");
}

/// CHK-16: who runs it, for how long, and what its exit code says.
///
/// Flips: virtual_server.real_server.MISC_CHECK.user, virtual_server.real_server.MISC_CHECK.misc_timeout,
/// virtual_server.real_server.MISC_CHECK.misc_dynamic.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_script_is_run_and_judged_as_its_lines_say() {
    let sleeper = "misc_path \"/bin/sleep 8\"";
    let dynamic = "misc_path \"/bin/sh -c 'exit 12'\"";
    let nobody = "misc_path \"/bin/sh -c 'test $(id -un) = nobody'\"";
    let mut balancer = Balancer::new();
    verdicts_with(
        &mut balancer,
        "",
        9,
        &text(&[
            (true, &format!("MISC_CHECK {{\n {sleeper}\n }}")),
            (
                false,
                &format!("MISC_CHECK {{\n {sleeper}\n misc_timeout 1\n }}"),
            ),
            (false, &format!("MISC_CHECK {{\n {dynamic}\n }}")),
            (
                true,
                &format!("MISC_CHECK {{\n {dynamic}\n misc_dynamic\n }}"),
            ),
            (false, &format!("MISC_CHECK {{\n {nobody}\n }}")),
            (
                true,
                &format!("MISC_CHECK {{\n {nobody}\n user nobody\n }}"),
            ),
        ]),
    );
    let daemon = balancer.daemon();
    daemon.wait_log("Changing weight from 1 to 10", 1, PATIENCE);
    let status = daemon.status();
    let server = &status["balance"]["services"][3]["servers"][0];
    assert_eq!(server["effective_weight"], 10, "{server}");
}

/// CHK-19: the number in a file.
///
/// Flips: virtual_server.real_server.FILE_CHECK, virtual_server.real_server.FILE_CHECK.track_file,
/// virtual_server.real_server.FILE_CHECK.weight.
#[test]
#[ignore = "live: cargo xtask live"]
fn the_number_in_a_file_adds_to_the_weight_of_a_server() {
    let scratch = Scratch::new("numbers");
    let file = |name: &str| scratch.file(name).display().to_string();
    fs::write(file("one"), "5\n").expect("scratch is writable");
    fs::write(file("two"), "7\n").expect("scratch is writable");
    let files = format!(
        "track_file one {{\n file {}\n weight 1\n}}\ntrack_file two {{\n file {}\n}}\n",
        file("one"),
        file("two")
    );
    let mut services = files;
    let checks = [
        "track_file one",
        "track_file two",
        "track_file two\n weight 3",
        "track_file two\n weight 3 reverse",
    ];
    for (number, check) in (1..).zip(checks) {
        services += &service(number, 9, &format!("FILE_CHECK {{\n {check}\n }}"))
            .replace("real_server", "weight 30\n real_server");
    }
    let mut balancer = Balancer::new();
    let mut pipe = balancer.start(Scratch::new("files"), "", &services);
    let weights = |balancer: &Balancer| {
        let status = balancer.daemon().status();
        let services = status["balance"]["services"]
            .as_array()
            .expect("a list")
            .clone();
        let weight =
            |service: &serde_json::Value| service["servers"][0]["effective_weight"].as_i64();
        services.iter().map(weight).collect::<Vec<_>>()
    };
    wait_until("the numbers are known", PATIENCE, || {
        weights(&balancer) == [35, 37, 51, 9].map(Some)
    });
    fs::write(file("one"), "-2147483648\n").expect("scratch is writable");
    pipe.wait_line(&down(1), PATIENCE);
    fs::write(file("one"), "0\n").expect("scratch is writable");
    pipe.wait_line("VS [10.8.0.1]:tcp:80 UP", PATIENCE);
}

/// CHK-20: a server is as its BFD session is.
///
/// Flips: virtual_server.real_server.BFD_CHECK, virtual_server.real_server.BFD_CHECK.name,
/// virtual_server.real_server.BFD_CHECK.alpha.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_server_is_up_while_its_session_is() {
    let mut balancer = Balancer::new();
    let session = |neighbour: &str| {
        format!(
            "bfd_instance S {{\n neighbor_ip {neighbour}\n min_rx 50\n min_tx 50\n idle_tx 1000\n}}\n\
             bfd_instance OTHER {{\n neighbor_ip 10.9.0.77\n}}\n"
        )
    };
    let services = session("10.9.0.2")
        + &service(1, 9, "BFD_CHECK {\n name S\n }")
        + &service(2, 9, "BFD_CHECK {\n name S\n alpha\n }")
        + &service(3, 9, "BFD_CHECK {\n name OTHER\n alpha\n }");
    let mut pipe = balancer.start(Scratch::new("bfd"), "", &services);
    pipe.wait_line("VS [10.8.0.1]:tcp:80 UP", PATIENCE);
    assert!(!pipe.lines().contains(&"VS [10.8.0.2]:tcp:80 UP".to_owned()));
    let b = balancer.lan.host("b");
    let mut peer = Daemon::start_with(Kind::Ours, b, &session("10.9.0.1"));
    pipe.wait_line("VS [10.8.0.2]:tcp:80 UP", PATIENCE);
    let status = balancer.daemon().status();
    for service in status["balance"]["services"].as_array().expect("a list") {
        let check = &service["servers"][0]["checks"][0];
        assert!(check["next"].is_null(), "nothing schedules it: {check}");
    }
    // A server that counts as up is not taken out on the way to it, by no half of the handshake.
    assert!(!pipe.lines().contains(&down(1)));
    peer.kill();
    for number in [1, 2] {
        pipe.wait_line(&down(number), PATIENCE);
    }
    assert!(never(&mut pipe, "VS [10.8.0.3]"));
}

/// CLI-07, CHK-20. As with Keepalived 2.2.7, which says nothing of it.
#[test]
#[ignore = "live: cargo xtask live"]
fn without_bfd_it_is_said_what_becomes_of_its_checks() {
    let balancer = Balancer::new();
    let instance = |name: &str, vrid: u8, weight: &str| {
        format!(
            "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n priority 100\n \
             virtual_ipaddress {{\n 10.9.0.{vrid}\n }}\n track_bfd {{\n S{weight}\n }}\n}}\n"
        )
    };
    let text = "bfd_instance S {\n neighbor_ip 10.9.0.2\n min_rx 50\n min_tx 50\n}\n".to_owned()
        + &instance("HELD", 51, "")
        + &instance("WEIGHED", 52, " weight -10")
        + &service(1, 9, "BFD_CHECK {\n name S\n }")
        + &service(2, 9, "BFD_CHECK {\n name S\n alpha\n }");
    let a = balancer.lan.host("a");
    let daemon = Daemon::start_in(Kind::Ours, a, Scratch::new("no-bfd"), &text, &["-B"]);
    for becomes in [
        "without `alpha`: up, whatever becomes of the server",
        "with `alpha`: fails the server",
    ] {
        let line = format!("no BFD session runs (-B): 1 BFD_CHECK {becomes}");
        daemon.wait_log(&line, 1, PATIENCE);
    }
    daemon.wait_log(
        "(HELD) no BFD session runs (-B): S counts as down",
        1,
        PATIENCE,
    );
    daemon.wait_log("(WEIGHED) Entering MASTER STATE", 1, PATIENCE);
    let status = daemon.status();
    assert_eq!(status["instances"][0]["state"], "FAULT");
    assert_eq!(status["instances"][1]["effective_priority"], 90);
    assert_eq!(status["bfd_disabled"], true);
    assert_eq!(status["bfd"].as_array().map(Vec::len), Some(0), "{status}");
    let server = |at: usize| &status["balance"]["services"][at]["servers"][0];
    assert_eq!(server(0)["state"], "UP");
    assert_eq!(server(1)["state"], "DOWN");
    let why = server(1)["checks"][0]["last_failure"]["reason"].as_str();
    assert!(why.is_some_and(|why| why.contains("-B")), "{why:?}");
}

/// Nothing about this was written so far.
fn never(pipe: &mut PipeReader, words: &str) -> bool {
    !pipe.lines().iter().any(|line| line.starts_with(words))
}

/// RLD-01, CHK-16: a reload that would take the check from a server that serves.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_reload_with_a_check_that_cannot_be_had_changes_nothing() {
    let mut balancer = Balancer::new();
    let with = |program: &str| {
        let check = format!("MISC_CHECK {{\n misc_path {program}\n }}");
        format!(
            "global_defs {{\n script_user root\n}}\n{}",
            service(1, backends::TCP[0], &check)
        )
    };
    let _pipe = balancer.start(Scratch::new("unusable"), "", &with("/bin/true"));
    let daemon = balancer.daemon();
    daemon.reload_with(&with("/bin/treu"));
    daemon.wait_log("Reload refused", 1, PATIENCE);
    assert!(
        daemon.log().contains("nothing was changed"),
        "{}",
        daemon.log()
    );
    // What did not come about is not told as a fact.
    assert!(!daemon.log().contains("server counts as failed"));
    let status = daemon.status();
    let server = &status["balance"]["services"][0]["servers"][0];
    assert_eq!(server["state"], "UP", "{server}");
    // One that is there, behind a door that its user does not get through.
    let closed = daemon.directory().join("closed");
    fs::create_dir(&closed).expect("scratch is writable");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("it is ours");
    let script = closed.join("check.sh");
    fs::write(&script, "#!/bin/sh\n").expect("scratch is writable");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("it is ours");
    let check = format!("{}\n user nobody", script.display());
    daemon.reload_with(&with(&check));
    daemon.wait_log("Reload refused", 2, PATIENCE);
    let why = format!("disabled: user nobody may not enter {}", closed.display());
    let refused = daemon.status()["reload"]["refused"].clone();
    let said = refused["reason"].as_str().unwrap_or_default();
    assert!(said.contains(&why), "{why}, not {refused}");
    daemon.reload_with(&with("/bin/true"));
    daemon.wait_log("Reload complete", 1, PATIENCE);
    let refused = &daemon.status()["reload"]["refused"];
    assert!(refused.is_null(), "{refused}");
}

/// RS-07, RLD-01: nobody looks whether the server works, so it is not believed to.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_misspelt_check_takes_its_server_down_and_does_not_come_with_a_reload() {
    let mut balancer = Balancer::new();
    let with = |check: &str| service(1, backends::TCP[0], check);
    let (good, misspelt) = (with("TCP_CHECK {\n }"), with("TPC_CHECK {\n }"));
    let server = |balancer: &Balancer| {
        let status = balancer.daemon().status();
        status["balance"]["services"][0]["servers"][0].clone()
    };
    let pipe = balancer.start(Scratch::new("misspelt"), "", &misspelt);
    let why = "cannot be checked: unknown keyword `TPC_CHECK` in `real_server`";
    wait_until("it is down, with its reason", PATIENCE, || {
        let server = server(&balancer);
        server["state"] == "DOWN" && server["checks"][0]["last_failure"]["reason"] == why
    });
    drop(pipe);
    let _pipe = balancer.start(Scratch::new("right"), "", &good);
    wait_until("it is up", PATIENCE, || server(&balancer)["state"] == "UP");
    balancer.daemon().reload_with(&misspelt);
    balancer.daemon().wait_log("Reload refused", 1, PATIENCE);
    assert_eq!(server(&balancer)["checks"][0]["kind"], "TCP_CHECK");
}

/// RS-07, RLD-01: whose check it was to be cannot be known. So nobody fails for it, it is said who is without
/// one, and a reload brings no such file.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_check_outside_of_every_server_is_told_of_and_does_not_come_with_a_reload() {
    let mut balancer = Balancer::new();
    let server = |balancer: &Balancer| {
        let status = balancer.daemon().status();
        status["balance"]["services"][0]["servers"][0].clone()
    };
    let group = |entries: &str, check: &str| {
        let service = service(1, backends::TCP[0], check);
        let service = service.replacen("10.8.0.1 80", "group G", 1);
        assert!(service.contains("group G"), "{service}");
        format!("virtual_server_group G {{\n 10.8.0.1 80\n{entries}}}\n{service}")
    };
    let check = "TCP_CHECK {\n }\n";
    let outside = [
        // One brace too many before the check, and so one behind the service.
        service(1, backends::TCP[0], &format!("}}\n }}\n{check}")),
        group(check, ""),
    ];
    let inside = [service(1, backends::TCP[0], check), group("", check)];
    let said = format!("nobody checks `real_server 10.9.0.2 {}`", backends::TCP[0]);
    for (round, (outside, inside)) in outside.iter().zip(&inside).enumerate() {
        let pipe = balancer.start(Scratch::new("outside"), "", outside);
        assert_eq!(server(&balancer)["state"], "UP");
        let log = balancer.daemon().log();
        let mut lines = log.lines();
        assert!(lines.any(|line| line.contains(&said)), "{round}: {log}");
        drop(pipe);
        let _pipe = balancer.start(Scratch::new("inside"), "", inside);
        assert!(!balancer.daemon().log().contains("nobody checks"));
        balancer.daemon().reload_with(outside);
        balancer.daemon().wait_log("Reload refused", 1, PATIENCE);
        balancer.daemon().wait_log(&said, 1, PATIENCE);
        assert_eq!(server(&balancer)["checks"][0]["kind"], "TCP_CHECK");
    }
}
