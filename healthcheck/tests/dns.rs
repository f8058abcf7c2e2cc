//! DNS: what is asked, and which answers pass.

mod common;

use common::{Bench, LIMIT};
use healthcheck::{
    DnsFailure, DnsProbe, DnsQuery, Failure, Input, IoFailure, Outcome, Output, Passed, QueryType,
    Stage, Target, Transport,
};
use proptest::prelude::*;

const GOOD: Outcome = Ok(Passed::PLAIN);

fn target() -> Target {
    Target::new("192.0.2.1:53".parse().expect("address"))
}

fn dns(name: &str) -> Bench<DnsProbe> {
    let query = DnsQuery::new(QueryType::Soa, name).expect("a name");
    Bench::new(DnsProbe::new(target(), query, 7, LIMIT)).connected()
}

/// An answer to what was asked, with these flags.
fn answer(bench: &Bench<DnsProbe>, high: u8, low: u8) -> Vec<u8> {
    let mut message = bench.sent.last().expect("a question").clone();
    (message[2], message[3]) = (high, low);
    message
}

/// CHK-15. As `dig +norec` shows it but for the id.
#[test]
fn dns_asks_for_the_authority_of_the_root() {
    let root = dns(".");
    assert_eq!(
        root.sent[0][2..],
        [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1]
    );
    let name = dns("www.example.org");
    assert_eq!(
        &name.sent[0][12..],
        b"\x03www\x07example\x03org\x00\x00\x06\x00\x01"
    );
    let (mut again, id) = (root, name.sent[0][..2].to_vec());
    again.pass(5000);
    again.start();
    let conn = again.conn.expect("a socket");
    again.input(Input::Connected(conn));
    assert_ne!(again.sent[0][..2], id, "the same id again");
}

/// CHK-15. Numbers of RFC 1035 3.2.2 and RFC 3596 2.1.
#[test]
fn dns_asks_for_the_type_that_is_wanted() {
    for (kind, number) in [
        (QueryType::A, 1),
        (QueryType::Ns, 2),
        (QueryType::Cname, 5),
        (QueryType::Soa, 6),
        (QueryType::Mx, 15),
        (QueryType::Txt, 16),
        (QueryType::Aaaa, 28),
    ] {
        let query = DnsQuery::new(kind, ".").expect("a name");
        let bench = Bench::new(DnsProbe::new(target(), query, 7, LIMIT)).connected();
        assert_eq!(bench.sent[0][12..], [0, 0, number, 0, 1], "{kind:?}");
    }
}

/// RFC 1035 3.1: labels of 63 octets, names of 255 with their lengths.
#[test]
fn dns_names_have_the_length_that_dns_allows() {
    let is_one = |name: &str| DnsQuery::new(QueryType::A, name).is_some();
    assert!(is_one(&"x".repeat(63)) && !is_one(&"x".repeat(64)));
    assert!(!is_one("a..b") && is_one("a.b."));
    let label = "x".repeat(63);
    let ending = |octets: usize| format!("{label}.{label}.{label}.{}", "x".repeat(octets));
    assert!(is_one(&ending(61)) && !is_one(&ending(62)));
}

/// CHK-15.
#[test]
fn dns_passes_on_any_answer_without_error() {
    let mut bench = dns(".");
    let good = answer(&bench, 0x80, 0);
    bench.hear(&good[..12]);
    assert_eq!(bench.verdict(), &GOOD);
    for code in 1..=15 {
        let mut bench = dns(".");
        let bad = answer(&bench, 0x81, 0x80 | code);
        bench.hear(&bad);
        assert_eq!(bench.verdict(), &Err(DnsFailure::ResponseCode(code).into()));
    }
}

/// The length of a reply was not looked at before its fields were.
/// CHK-22.
#[test]
fn regression_dns_replies_shorter_than_a_header() {
    for length in 0..12 {
        let mut bench = dns(".");
        let whole = answer(&bench, 0x80, 0);
        bench.hear(&whole[..length]);
        assert_eq!(
            bench.verdict(),
            &Err(DnsFailure::Malformed.into()),
            "{length}"
        );
    }
}

/// CHK-21, CHK-03.
#[test]
fn hostile_dns_answers_are_refused() {
    let mut echo = dns(".");
    let question = echo.sent[0].clone();
    echo.hear(&question);
    assert_eq!(echo.verdict(), &Err(DnsFailure::Malformed.into()));
    let mut other = dns(".");
    let mut wrong = answer(&other, 0x80, 0);
    wrong[0] ^= 1;
    other.hear(&wrong);
    assert_eq!(other.verdict(), &Err(DnsFailure::WrongId.into()));
    let mut silent = dns(".");
    silent.pass(5000);
    assert_eq!(silent.verdict(), &Err(Failure::Timeout(Stage::Reply)));
}

/// RFC 7766 5.
#[test]
fn a_dns_answer_that_was_cut_short_is_asked_for_over_tcp() {
    let mut bench = dns(".");
    let cut = answer(&bench, 0x82, 0);
    let question = bench.sent[0].clone();
    bench.hear(&cut);
    let Some(Output::Connect { transport, .. }) = bench.connects.last() else {
        panic!("no connection");
    };
    assert_eq!((*transport, bench.connects.len()), (Transport::Tcp, 2));
    let mut bench = bench.connected();
    let framed = bench.sent.last().expect("a question").clone();
    assert_eq!(framed, [&[0, 17], &question[..]].concat());
    let whole = [&framed[..4], &[0x82, 0], &framed[6..]].concat();
    for octet in &whole[..whole.len() - 1] {
        bench.hear(&[*octet]);
        assert_eq!(bench.outcome, None);
    }
    bench.hear(&whole[whole.len() - 1..]);
    assert_eq!(bench.verdict(), &GOOD);
}

/// A length in front that promises more than there is.
/// CHK-22.
#[test]
fn regression_dns_length_in_front_of_a_stream() {
    let over_tcp = || {
        let mut bench = dns(".");
        let cut = answer(&bench, 0x82, 0);
        bench.hear(&cut);
        bench.connected()
    };
    let mut short = over_tcp();
    short.hear(&[0, 3, 1, 2, 3]);
    assert_eq!(short.verdict(), &Err(DnsFailure::Malformed.into()));
    let mut empty = over_tcp();
    empty.hear(&[0, 0]);
    assert_eq!(empty.verdict(), &Err(DnsFailure::Malformed.into()));
    let mut long = over_tcp();
    long.hear(&[0xff, 0xff]);
    for _ in 0..100 {
        long.hear(&[0; 600]);
    }
    assert_eq!(long.outcome, None);
    long.eof();
    assert_eq!(long.verdict(), &GOOD);
    let mut slow = over_tcp();
    assert_eq!(slow.trickle(100, || 0xff), LIMIT);
}

/// Keepalived does not look whether an answer was cut short. CHK-15.
#[test]
fn a_name_server_without_tcp_is_judged_by_its_answer_over_udp() {
    let cut = || {
        let mut bench = dns(".");
        let cut = answer(&bench, 0x82, 0);
        bench.hear(&cut);
        bench
    };
    let mut refused = cut();
    let conn = refused.conn.expect("it connects");
    refused.input(Input::Failed(conn, IoFailure::Refused));
    assert_eq!(refused.verdict(), &GOOD);
    let mut filtered = cut();
    filtered.pass(5000);
    assert_eq!(filtered.verdict(), &GOOD);
    let mut closed = cut().connected();
    closed.eof();
    assert_eq!(closed.verdict(), &GOOD);
    // What it says counts.
    let mut failing = cut().connected();
    let framed = failing.sent.last().expect("a question").clone();
    failing.hear(&[&framed[..4], &[0x80, 2], &framed[6..]].concat());
    assert_eq!(failing.verdict(), &Err(DnsFailure::ResponseCode(2).into()));
}

proptest! {
    #[test]
    fn no_octets_panic(octets in prop::collection::vec(any::<u8>(), 0..100), cut in 0..100_usize) {
        let cut = cut.min(octets.len());
        let (first, second) = octets.split_at(cut);
        let mut bench = dns("example.org");
        bench.hear(first);
        bench.hear(second);
        bench.pass(5000);
        prop_assert!(bench.outcome.is_some());
    }
}
