//! Checks of servers that nobody here wrote, and alerts that such a server takes: exim, BIND's `named`, Apache.
//!
//! `c::` runs C Keepalived beside it, whose verdicts have to be the same. It checks nothing where the kernel has no
//! IPVS, and says so then.

use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use lab::netns::run;
use lab::pipe::PipeReader;
use lab::real::{self, RealServer};
use lab::{Daemon, Host, Kind, Lan, Scratch, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

lab::for_kinds! {
    c = CKeepalived {
        a_mail_server_that_ends_is_out_until_it_is_back;
        a_name_server_is_judged_by_its_answer;
        a_web_server_is_judged_by_its_pages;
        an_alert_ends_in_a_mailbox;
    }

    ours = Ours {
        /// CHK-01, CHK-14.
        ///
        /// Flips: virtual_server.real_server.SMTP_CHECK.helo_name,
        /// virtual_server.real_server.SMTP_CHECK.host.
        a_mail_server_that_ends_is_out_until_it_is_back;
        /// CHK-15.
        ///
        /// Flips: virtual_server.real_server.DNS_CHECK.name, virtual_server.real_server.DNS_CHECK.type.
        a_name_server_is_judged_by_its_answer;
        /// CHK-11, CHK-12.
        a_web_server_is_judged_by_its_pages;
        /// NOTI-10, MAIL-01, MAIL-02, MAIL-05, MAIL-08.
        an_alert_ends_in_a_mailbox;
    }
}

/// Host `a` with the daemon, host `b` with the servers.
fn lan() -> Lan {
    lab::require_live();
    Lan::new(&["a", "b"])
}

/// A service with one server and this check of it. The last octet of its address is `number`. What is to pass begins as
/// down, and what is to fail as up, so that either verdict is an event.
fn service(number: usize, port: u16, passes: bool, check: &str) -> String {
    let alpha = if passes { "alpha" } else { "" };
    format!(
        "virtual_server 10.8.0.{number} 80 {{\n protocol TCP\n lvs_sched rr\n lvs_method NAT\n delay_loop 1\n warmup 0\n \
         connect_timeout 5\n {alpha}\n real_server 10.9.0.2 {port} {{\n {check}\n }}\n}}\n"
    )
}

/// What the pipe has about the server of a service.
fn event(number: usize, port: u16, up: bool) -> String {
    let word = if up { "UP" } else { "DOWN" };
    format!("RS [10.9.0.2]:tcp:{port} [10.8.0.{number}]:tcp:80 {word}")
}

/// A daemon with these services, and the pipe in which it tells of them. `None` where it checks nothing.
fn start(kind: Kind, host: &Host, services: &str) -> Option<(Daemon, PipeReader)> {
    let scratch = Scratch::new("real");
    run(Command::new("mkfifo").arg(scratch.file("fifo")));
    let mut pipe = PipeReader::new(&scratch.file("fifo"));
    // Open before the daemon writes.
    let _ = pipe.lines();
    let text = format!(
        "global_defs {{\n router_id lab\n script_user root\n lvs_notify_fifo DIR/fifo\n}}\n{services}"
    );
    let daemon = Daemon::start_in(kind, host, scratch, &text, &[]);
    if kind == Kind::Ours {
        return Some((daemon, pipe));
    }
    let without = "Can't initialize ipvs";
    wait_until("it checks, or cannot", PATIENCE, || {
        daemon.logged("Activating healthchecker") + daemon.logged(without) > 0
    });
    if daemon.logged(without) > 0 {
        eprintln!("skipped: C Keepalived checks nothing without IPVS in the kernel");
        return None;
    }
    Some((daemon, pipe))
}

/// All checks have the verdict that is said; then the server ends and those that passed fail, until it is back. Whether
/// anything was checked.
fn verdicts(
    kind: Kind,
    lan: &Lan,
    server: &mut RealServer,
    checks: &[(bool, u16, String)],
) -> bool {
    let numbered = || (1..).zip(checks);
    let services =
        numbered().map(|(number, (passes, port, check))| service(number, *port, *passes, check));
    let Some((_daemon, mut pipe)) = start(kind, lan.host("a"), &services.collect::<String>())
    else {
        return false;
    };
    let mut wait = |times: usize, up: bool| {
        for (number, (passes, port, check)) in numbered() {
            let (event, times) = match (passes, up) {
                (true, up) => (event(number, *port, up), times),
                (false, true) => (event(number, *port, false), 1),
                (false, false) => continue,
            };
            wait_until(&format!("{check}: {event}"), PATIENCE, || {
                pipe.lines().iter().filter(|line| **line == event).count() >= times
            });
        }
    };
    wait(1, true);
    server.stop();
    wait(1, false);
    server.start(lan.host("b"));
    wait(2, true);
    let lines = pipe.lines();
    for (number, (_, port, check)) in numbered().filter(|(_, (passes, ..))| !passes) {
        assert!(
            !lines.contains(&event(number, *port, true)),
            "{check}: {lines:?}"
        );
    }
    true
}

fn a_mail_server_that_ends_is_out_until_it_is_back(kind: Kind) {
    let lan = lan();
    let Some(mut exim) = RealServer::exim(lan.host("b")) else {
        return;
    };
    let other_port = "connect_ip 10.9.0.2\n connect_port 2525\n connect_timeout 5";
    let checks = [
        (true, real::MAIL, "SMTP_CHECK {\n retry 0\n}".to_owned()),
        (
            true,
            real::MAIL,
            "SMTP_CHECK {\n retry 0\n helo_name me.example\n}".to_owned(),
        ),
        (
            true,
            9,
            format!("SMTP_CHECK {{\n retry 0\n host {{\n{other_port}\n}}\n}}"),
        ),
        // 550 to HELO.
        (
            false,
            real::MAIL,
            "SMTP_CHECK {\n retry 0\n helo_name stranger.example\n}".to_owned(),
        ),
    ];
    if !verdicts(kind, &lan, &mut exim, &checks) {
        return;
    }
    // Whoever says something out of turn is told of here.
    let log = exim.read("log/main");
    assert!(
        log.contains("(me.example)") && log.contains("closed by QUIT"),
        "{log}"
    );
    for bad in ["synchronization", "unexpected", "syntax"] {
        assert!(!log.contains(bad), "{bad}: {log}");
    }
}

fn a_name_server_is_judged_by_its_answer(kind: Kind) {
    let lan = lan();
    let Some(mut named) = RealServer::named(lan.host("b")) else {
        return;
    };
    // Its clients have UDP and nothing else.
    lan.host("b").netns.shell(&format!(
        "nft 'table ip lab {{ chain i {{ type filter hook input priority 0; tcp dport {} reject with tcp reset; }}; }}'",
        real::NAMES
    ));
    let asked = [
        (true, "A", "www.example"),
        (true, "AAAA", "www.example"),
        (true, "TXT", "www.example"),
        (true, "MX", "example"),
        (true, "NS", "example"),
        (true, "SOA", "example."),
        (true, "CNAME", "alias.example"),
        // No such record, but such a name.
        (true, "AAAA", "mx.example"),
        // More than a datagram holds: cut short.
        (true, "TXT", "big.example"),
        // NXDOMAIN, REFUSED (twice), SERVFAIL.
        (false, "A", "nobody.example"),
        (false, "A", "www.elsewhere"),
        (false, "SOA", "."),
        (false, "A", "www.broken"),
    ];
    let check = |(passes, kind, name)| {
        let check = format!("DNS_CHECK {{\n type {kind}\n name {name}\n retry 0\n}}");
        (passes, real::NAMES, check)
    };
    let _checked = verdicts(kind, &lan, &mut named, &asked.map(check));
}

fn a_web_server_is_judged_by_its_pages(kind: Kind) {
    let lan = lan();
    let Some(mut apache) = RealServer::apache(lan.host("b")) else {
        return;
    };
    let mut checks = Vec::new();
    for (block, port, tls) in [("HTTP_GET", real::WEB, ""), ("SSL_GET", real::TLS, "-S")] {
        let mut check = |passes, lines: &str, url: &str| {
            let check = format!("{block} {{\n retry 0\n {lines}\n url {{\n path {url}\n }}\n}}");
            checks.push((passes, port, check));
        };
        for protocol in ["1.0", "1.0C", "1.1"] {
            let version = format!("http_protocol {protocol}");
            // In chunks only with 1.1.
            for path in ["/", "/parts.shtml", "/empty.html", "/big.html"] {
                let digest = genhash(
                    &lan,
                    &format!("{tls} -p {port} -u {path} --protocol {protocol}"),
                );
                check(true, &version, &format!("{path}\n digest {digest}"));
            }
            check(
                false,
                &version,
                "/\n digest 00000000000000000000000000000000",
            );
            check(
                true,
                &version,
                "/parts.shtml\n regex \"parts.shtml goes on\"",
            );
            check(false, &version, "/parts.shtml\n regex \"goes off\"");
        }
        check(false, "", "/old");
        check(true, "", "/old\n status_code 200 301-302");
        check(false, "", "/gone\n status_code 400-409 411-599");
        check(
            true,
            "virtualhost good.example\n enable_sni",
            "/\n regex good",
        );
        check(
            true,
            "enable_sni",
            "/\n virtualhost good.example\n regex good",
        );
        check(
            false,
            "virtualhost other.example\n enable_sni",
            "/\n regex good",
        );
        check(
            tls.is_empty(),
            "",
            "/\n virtualhost good.example\n regex good",
        );
    }
    let _checked = verdicts(kind, &lan, &mut apache, &checks);
}

/// A digest as ours prints it, which is that of C Keepalived.
fn genhash(lan: &Lan, arguments: &str) -> String {
    let hash = |kind| {
        let program = lab::daemon::program(kind);
        let command = format!("{} --genhash -s 10.9.0.2 {arguments}", program.display());
        let text = lan.host("a").netns.shell(&command);
        let digest = text
            .split(|c: char| !c.is_ascii_hexdigit())
            .rfind(|word| word.len() == 32);
        digest.map_or_else(|| text.clone(), str::to_owned)
    };
    let ours = hash(Kind::Ours);
    assert_eq!(ours, hash(Kind::CKeepalived), "{arguments}");
    ours
}

/// A router with this address to send mails to, and these lines in `global_defs`.
fn router(to: &str, global: &str) -> String {
    format!(
        "global_defs {{\n router_id lab\n script_user root\n smtp_server 10.9.0.2 {}\n smtp_alert\n \
         notification_email {{\n{to}\n }}\n {global}\n}}\n\
         vrrp_instance V {{\n state BACKUP\n interface eth0\n version 3\n virtual_router_id 51\n priority 200\n \
         advert_int 0.1\n virtual_ipaddress {{\n 10.9.0.100/24\n }}\n}}\n",
        real::MAIL
    )
}

/// The mails in the file, each as it came: exim puts a line `From ` in front, and an empty one behind.
fn mails(exim: &RealServer) -> Vec<String> {
    let text = exim.read("mail/box");
    let text = format!("\n{text}");
    text.split("\nFrom ").skip(1).map(str::to_owned).collect()
}

/// Waits for a mail with this subject, for this recipient.
fn mail(exim: &RealServer, subject: &str, recipient: &str) -> String {
    let subject = format!("\nSubject: {subject}\n");
    let mut found = None;
    wait_until(&format!("a mail{subject}for {recipient}"), PATIENCE, || {
        let is = |mail: &String| {
            mail.contains(&subject) && mail.contains(&format!("\nEnvelope-to: {recipient}\n"))
        };
        found = mails(exim).into_iter().find(is);
        found.is_some()
    });
    found.expect("it is there")
}

const MASTER: &str = "[lab] VRRP Instance V - Entering MASTER state";

fn an_alert_ends_in_a_mailbox(kind: Kind) {
    let lan = lan();
    let Some(exim) = RealServer::exim(lan.host("b")) else {
        return;
    };
    let from = "notification_email_from ka@z.org\n smtp_helo_name helo.example";
    let text = router("ops@x.org\n bob@y.org", from);
    let mut daemon = Daemon::start_in(kind, lan.host("a"), Scratch::new("a"), &text, &[]);
    for recipient in ["ops@x.org", "bob@y.org"] {
        let mail = mail(&exim, MASTER, recipient);
        let (head, body) = mail.split_once("\n\n").expect("a head and a body");
        assert_eq!(
            body.trim_end(),
            "=> VRRP Instance is now owning VRRP VIPs <="
        );
        for line in [
            "Return-path: <ka@z.org>",
            "From: ka@z.org",
            "To: ops@x.org, bob@y.org",
            "X-Mailer: Keepalived",
        ] {
            assert!(head.lines().any(|is| is == line), "{line} in\n{head}");
        }
        assert!(head.contains("helo=helo.example"), "{head}");
        let ids = head
            .lines()
            .filter(|line| line.starts_with("Message-ID: <"));
        // C Keepalived gives none, and exim adds none.
        assert_eq!(ids.count(), usize::from(kind == Kind::Ours), "{head}");
    }
    daemon.terminate();
    daemon.wait_exit(PATIENCE);
    let log = exim.read("log/main");
    assert!(log.contains("closed by QUIT"), "{log}");
    for bad in ["synchronization", "rejected", "syntax"] {
        assert!(!log.contains(bad), "{bad}: {log}");
    }
}

/// MAIL-01, MAIL-02, MAIL-08: in names, and for more recipients than a line has room for.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_strict_server_takes_mails_for_many_and_about_services() {
    let lan = lan();
    let Some(exim) = RealServer::exim(lan.host("b")) else {
        return;
    };
    let many: Vec<_> = (0..80)
        .map(|number| format!("admin{number}@x.org"))
        .collect();
    let to = format!("\"Bob Builder <bob@y.org>\"\n{}", many.join("\n"));
    let from = "notification_email_from \"Ke\u{eb}p Alive <ka@z.org>\"";
    let text = router(&to, from) + &service(1, real::MAIL, true, "SMTP_CHECK {\n}");
    let _daemon = Daemon::start_in(Kind::Ours, lan.host("a"), Scratch::new("a"), &text, &[]);
    for (subject, body) in [
        (MASTER, "=> VRRP Instance is now owning VRRP VIPs <="),
        (
            "[lab] Realserver [10.9.0.2]:tcp:2525 of virtual server [10.8.0.1]:tcp:80 - UP",
            "=> CHECK succeed on service <=",
        ),
    ] {
        let mail = mail(&exim, subject, "bob@y.org");
        assert!(mail.contains(body), "{mail}");
        assert!(
            mail.contains("\nFrom: =?UTF-8?Q?Ke=C3=ABp?= Alive <ka@z.org>\n"),
            "{mail}"
        );
        let unfolded = mail.replace("\n ", " ");
        let to = format!("\nTo: Bob Builder <bob@y.org>, {}\n", many.join(", "));
        assert!(unfolded.contains(&to), "{mail}");
    }
}

/// RFC 5321 4.2.1: 550 for one recipient, 451 for another, and HELO refused.
#[test]
#[ignore = "live: cargo xtask live"]
fn who_is_refused_is_told_of_and_who_is_put_off_gets_it_later() {
    let lan = lan();
    let Some(exim) = RealServer::exim(lan.host("b")) else {
        return;
    };
    let from = "notification_email_from ka@z.org";
    let to = "nobody@x.org\n later@x.org\n bob@y.org";
    let a = lan.host("a");
    let daemon = Daemon::start_in(Kind::Ours, a, Scratch::new("a"), &router(to, from), &[]);
    mail(&exim, MASTER, "bob@y.org");
    daemon.wait_log(
        "SMTP alert refused: the server answered 550 \"no such user\" to RCPT TO:<nobody@x.org>",
        2,
        PATIENCE,
    );
    let later = "another attempt: the server answered 451 \"we do not know you yet\" to RCPT TO:<later@x.org>";
    daemon.wait_log(later, 2, PATIENCE);
    File::create(exim.file("known")).expect("scratch is writable");
    mail(&exim, MASTER, "later@x.org");
    let for_bob = |mail: &&String| mail.contains("\nEnvelope-to: bob@y.org\n");
    assert_eq!(
        mails(&exim).iter().filter(for_bob).count(),
        2,
        "nobody gets it twice"
    );
    let strict = router(
        to,
        "notification_email_from ka@z.org\n smtp_helo_name stranger.example",
    );
    fs::remove_file(exim.file("known")).expect("it is there");
    drop(daemon);
    let daemon = Daemon::start_in(Kind::Ours, a, Scratch::new("a"), &strict, &[]);
    daemon.wait_log(
        "SMTP alert not sent: the server answered 550 \"say EHLO\" to HELO stranger.example",
        2,
        PATIENCE,
    );
}
