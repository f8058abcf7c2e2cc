use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{HttpFailure, IoFailure, Schedule, SmtpFailure, Stage, Target};
use ipvs::{Destination, Forward};
use keepalived_driver::balance::{ServerSetup, SorrySetup};
use keepalived_driver::hooks::HookCommand;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn to(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

/// The service and the labels of the run that the expected lines come from.
fn service(probe: ProbeSetup, retries: u32) -> ServiceSetup {
    let mut schedule = Schedule::every(SECOND);
    schedule.retries = retries;
    let destination = Destination::new(to("127.0.0.1:80"), Forward::Masquerade, 2);
    let mut server = ServerSetup::new("[127.0.0.1]:tcp:80", destination);
    server.checks.push(CheckSetup::new(probe, schedule));
    let mut service = ServiceSetup::new("[10.9.9.9]:tcp:80", Vec::new(), vec![server]);
    (service.quorum, service.hysteresis) = (2, 1);
    service
}

fn server(service: ServiceSetup) -> ServerRef {
    ServerRef {
        service: Arc::new(service),
        server: 0,
    }
}

fn check(probe: ProbeSetup, retries: u32) -> CheckRef {
    CheckRef {
        server: server(service(probe, retries)),
        check: 0,
    }
}

fn tcp() -> ProbeSetup {
    ProbeSetup::Tcp {
        target: Target::new(to("127.0.0.1:5001")),
        timeout: SECOND,
    }
}

fn texts(report: &BalanceReport) -> Vec<String> {
    let lines = lines(report, Before::default());
    lines.into_iter().map(|(_, text)| text).collect()
}

/// LOG-02. Where keepalived 2.2.7 has a line it is that line.
#[test]
fn servers_and_quorums_have_keepaliveds_lines() {
    let plain = server(service(tcp(), 1));
    let up = BalanceReport::ServerUp {
        server: plain.clone(),
    };
    assert_eq!(
        texts(&up),
        ["Adding service [127.0.0.1]:tcp:80 to VS [10.9.9.9]:tcp:80"]
    );
    let down = BalanceReport::ServerDown {
        server: plain.clone(),
        reason: None,
    };
    assert_eq!(
        texts(&down),
        ["Removing service [127.0.0.1]:tcp:80 from VS [10.9.9.9]:tcp:80"]
    );
    let mut inhibited = service(tcp(), 1);
    inhibited.servers[0].inhibit = true;
    let down = BalanceReport::ServerDown {
        server: server(inhibited),
        reason: None,
    };
    assert_eq!(
        texts(&down),
        ["Disabling service [127.0.0.1]:tcp:80 of VS [10.9.9.9]:tcp:80"]
    );
    let gained = BalanceReport::QuorumGained {
        service: plain.service.clone(),
        live: 7,
    };
    assert_eq!(
        texts(&gained),
        ["Gained quorum 2+1=3 <= 7 for VS [10.9.9.9]:tcp:80"]
    );
    // All there is, and less than quorum and hysteresis come to: that is not waited for.
    let gained = BalanceReport::QuorumGained {
        service: plain.service.clone(),
        live: 2,
    };
    assert_eq!(
        texts(&gained),
        ["Gained quorum 2+1=3 > 2, the weight of all servers, for VS [10.9.9.9]:tcp:80"]
    );
    let without = BalanceReport::StartsWithoutQuorum {
        service: plain.service.clone(),
        live: 0,
    };
    assert_eq!(
        texts(&without),
        ["Starting with quorum down 2-1=1 > 0 for VS [10.9.9.9]:tcp:80"]
    );
    let lost = BalanceReport::QuorumLost {
        service: plain.service.clone(),
        live: 0,
    };
    assert_eq!(
        texts(&lost),
        ["Lost quorum 2-1=1 > 0 for VS [10.9.9.9]:tcp:80"]
    );
    let weight = BalanceReport::Weight {
        server: plain,
        weight: 10,
    };
    let text = "service [127.0.0.1]:tcp:80 of VS [10.9.9.9]:tcp:80";
    let active = format!("Changing weight from 2 to 10 for active {text}");
    assert_eq!(texts(&weight), [active]);
    let before = Before {
        weight: Some(6),
        up: false,
    };
    let inactive = format!("Changing weight from 6 to 10 for inactive {text}");
    assert_eq!(lines(&weight, before)[0].1, inactive);
}

/// LOG-02, LVS-14.
#[test]
fn the_sorry_server_comes_and_goes_with_keepaliveds_lines() {
    let mut service = service(tcp(), 1);
    service.sorry = Some(SorrySetup {
        label: "[10.9.9.1]:tcp:80".into(),
        destination: Destination::new(to("10.9.9.1:80"), Forward::Masquerade, 1),
        inhibit: false,
    });
    let service = Arc::new(service);
    let serves = |serves| BalanceReport::Sorry {
        service: Arc::clone(&service),
        serves,
    };
    assert_eq!(
        texts(&serves(true)),
        [
            "Adding sorry server [10.9.9.1]:tcp:80 to VS [10.9.9.9]:tcp:80",
            "Removing alive servers from the pool for VS [10.9.9.9]:tcp:80"
        ]
    );
    assert_eq!(
        texts(&serves(false)),
        [
            "Removing sorry server [10.9.9.1]:tcp:80 from VS [10.9.9.9]:tcp:80",
            "Adding alive servers to the pool for VS [10.9.9.9]:tcp:80"
        ]
    );
}

/// LOG-02: the reason first, then keepalived's line.
#[test]
fn a_failed_check_says_why_and_then_what_keepalived_says() {
    let failed = |probe, retries, failure: Failure| {
        texts(&BalanceReport::CheckFailed {
            check: check(probe, 3),
            retries,
            failure,
        })
    };
    let refused = || Failure::Io(IoFailure::Refused);
    assert_eq!(
        failed(tcp(), 1, refused()),
        [
            "TCP connection to [127.0.0.1]:tcp:80 failed at [127.0.0.1]:5001: connection refused.",
            "TCP_CHECK on service [127.0.0.1]:tcp:80 failed after 1 retries."
        ]
    );
    assert_eq!(
        failed(tcp(), 0, refused())[1],
        "TCP_CHECK on service [127.0.0.1]:tcp:80 failed."
    );
    let web = ProbeSetup::Http {
        target: Target::new(to("127.0.0.1:80")),
        config: healthcheck::HttpConfig::new(Vec::new()),
        timeout: SECOND,
    };
    let missing = HttpFailure::Status {
        code: 404,
        path: "/a".to_owned(),
    };
    assert_eq!(
        failed(web, 3, missing.into()),
        [
            "HTTP status code error to server [127.0.0.1]:tcp:80: status code 404 of /a.",
            "HTTP_CHECK on service [127.0.0.1]:tcp:80 failed after 3 retries."
        ]
    );
    let there = ProbeSetup::Tcp {
        target: Target::new(to("127.0.0.1:80")),
        timeout: SECOND,
    };
    assert_eq!(
        failed(there, 0, refused())[0],
        "TCP connection to [127.0.0.1]:tcp:80 failed: connection refused."
    );
    let ping = ProbeSetup::Ping {
        target: Target::new(to("127.0.0.1:0")),
        timeout: SECOND,
    };
    assert_eq!(
        failed(ping, 1, Failure::Timeout(Stage::Reply))[1],
        "ICMP CHECK on service [127.0.0.1]:tcp:80 of [10.9.9.9]:tcp:80 failed after 1 retries."
    );
    let smtp = ProbeSetup::Smtp {
        target: Target::new(to("127.0.0.1:5002")),
        helo: String::new(),
        timeout: SECOND,
    };
    assert_eq!(
        failed(smtp.clone(), 1, refused()),
        ["SMTP_CHECK Could not connect to server [127.0.0.1]:5002: connection refused"]
    );
    assert_eq!(
        failed(smtp, 1, SmtpFailure::Code(554).into()),
        ["SMTP_CHECK Bad reply from server [127.0.0.1]:5002: SMTP reply 554"]
    );
    let script = ProbeSetup::Script {
        command: Arc::new(HookCommand::new(["/m.sh", "x"])),
        dynamic: false,
        timeout: SECOND,
    };
    assert_eq!(
        failed(script, 1, Failure::Exit(1)),
        [
            "Misc check for [[127.0.0.1]:tcp:80 VS [10.9.9.9]:tcp:80] by [/m.sh] failed after 1 retry \
          (exited with status 1)."
        ]
    );
}

/// features 32.11: the words of a mail.
#[test]
fn a_mail_about_a_check_has_keepaliveds_text() {
    let check = check(tcp(), 1);
    let setup = check.setup().unwrap();
    assert_eq!(mail(setup, true), "=> TCP CHECK succeed on service <=");
    assert_eq!(mail(setup, false), "=> TCP CHECK failed on service <=");
}
