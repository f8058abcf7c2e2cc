//! What is the same for every check over a connection, and for a program.

mod common;

use common::{Bench, LIMIT, at, target};
use healthcheck::{
    DnsProbe, DnsQuery, Failure, HttpConfig, HttpProbe, Input, IoFailure, Output, Page, PingProbe,
    Probe, QueryType, ScriptProbe, SmtpProbe, Stage, TcpProbe, UdpConfig, UdpProbe,
};

type Any = Bench<Box<dyn Probe>>;

/// One of each kind that has a connection, by its name. It has begun to connect.
fn all() -> Vec<(&'static str, Any)> {
    let query = DnsQuery::new(QueryType::Soa, ".").expect("a name");
    let page = HttpConfig::new(vec![Page::new("/")]);
    let probes: [(_, Box<dyn Probe>); 6] = [
        ("tcp", Box::new(TcpProbe::new(target(), LIMIT))),
        ("http", Box::new(HttpProbe::new(target(), page, LIMIT))),
        ("smtp", Box::new(SmtpProbe::new(target(), "x", LIMIT))),
        ("dns", Box::new(DnsProbe::new(target(), query, 1, LIMIT))),
        (
            "udp",
            Box::new(UdpProbe::new(target(), UdpConfig::default(), 1, LIMIT)),
        ),
        ("ping", Box::new(PingProbe::new(target(), 1, LIMIT))),
    ];
    let probes = probes.into_iter();
    probes
        .map(|(name, probe)| (name, Bench::new(probe)))
        .collect()
}

/// The same when the connection stands; without TCP, whose check is over then.
fn all_connected() -> impl Iterator<Item = (&'static str, Any)> {
    let all = all().into_iter().filter(|(name, _)| *name != "tcp");
    all.map(|(name, bench)| (name, bench.connected()))
}

/// CHK-03.
#[test]
fn what_comes_late_for_an_old_connection_does_nothing_to_any_check() {
    for (name, mut bench) in all() {
        let old = bench.conn.expect("a connection");
        let late = |bench: &mut Any| {
            let sent = bench.sent.len();
            for input in [
                Input::Connected(old),
                // No check would let this pass in silence.
                Input::Bytes(old, b"x\n\n"),
                Input::Eof(old),
                Input::Failed(old, IoFailure::Reset),
            ] {
                bench.input(input);
                let now = (&bench.outcome, bench.sent.len());
                assert_eq!(now, (&None, sent), "{name}: {input:?}");
            }
        };
        bench.pass(5000);
        bench.start();
        late(&mut bench);
        bench.pass(5000);
        let silent = Err(Failure::Timeout(Stage::Connecting));
        assert_eq!(bench.verdict(), &silent, "{name}");
        if name != "tcp" {
            bench.start();
            bench = bench.connected();
            late(&mut bench);
        }
    }
}

#[test]
fn a_connection_that_is_told_twice_is_asked_once() {
    for (name, mut bench) in all_connected() {
        let sent = bench.sent.clone();
        bench = bench.connected();
        assert_eq!(bench.sent, sent, "{name}");
        assert_eq!(bench.outcome, None, "{name}");
    }
    let mut smtp = Bench::new(SmtpProbe::new(target(), "x", LIMIT)).connected();
    smtp.hear(b"220 x\r\n");
    smtp = smtp.connected();
    smtp.hear(b"250 x\r\n");
    assert_eq!(smtp.said(), "HELO x\r\nQUIT\r\n");
}

/// CHK-03.
#[test]
fn every_check_says_when_it_will_give_up_and_does_then() {
    let program = ScriptProbe::new(vec!["/bin/check".to_owned()], false, LIMIT);
    let program: Any = Bench::new(Box::new(program));
    let connected = all_connected();
    for (name, mut bench) in all()
        .into_iter()
        .chain(connected)
        .chain([("program", program)])
    {
        assert_eq!(bench.probe.next_timeout(), Some(at(5000)), "{name}");
        bench.pass(4999);
        assert_eq!(bench.outcome, None, "{name}");
        bench.pass(1);
        assert!(bench.outcome.is_some(), "{name}");
    }
}

/// LVS-16.
#[test]
fn a_check_that_is_given_up_closes_its_connection_and_has_no_verdict() {
    for (name, mut bench) in all().into_iter().chain(all_connected()) {
        bench.probe.abort();
        bench.drain();
        assert_eq!(bench.conn, None, "{name}: left open");
        assert_eq!(bench.probe.next_timeout(), None, "{name}");
        bench.pass(10_000);
        assert_eq!(bench.outcome, None, "{name}");
    }
}

/// LVS-16.
#[test]
fn a_program_whose_check_is_given_up_is_killed() {
    let program = ScriptProbe::new(vec!["/bin/check".to_owned()], false, LIMIT);
    let mut bench = Bench::new(program);
    bench.probe.abort();
    bench.drain();
    assert_eq!(bench.other.last(), Some(&Output::Kill));
    bench.pass(10_000);
    assert_eq!((&bench.outcome, bench.other.len()), (&None, 2));
}
