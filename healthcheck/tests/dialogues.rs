//! The other probes: TCP, SMTP, UDP, ping, scripts, files, BFD.

mod common;

use common::{Bench, LIMIT, at, target};
use healthcheck::{
    BfdProbe, DnsProbe, DnsQuery, Failure, FileProbe, Input, IoFailure, Level, Outcome, Output,
    Passed, Pattern, PingProbe, Probe, QueryType, SMTP_LINE, ScriptProbe, SmtpFailure, SmtpProbe,
    Stage, Target, TcpProbe, UdpConfig, UdpProbe, UnusableProbe, WeightChange,
};
use proptest::prelude::*;

const GOOD: Outcome = Ok(Passed::PLAIN);

/// CHK-10.
#[test]
fn tcp_passes_when_the_connection_stands() {
    let probe = || Bench::new(TcpProbe::new(target(), LIMIT));
    assert_eq!(probe().connected().verdict(), &GOOD);
    let mut silent = probe();
    silent.pass(4999);
    assert_eq!(silent.outcome, None);
    silent.pass(1);
    assert_eq!(silent.verdict(), &Err(Failure::Timeout(Stage::Connecting)));
    let mut refused = probe();
    let conn = refused.conn.expect("a connection");
    refused.input(Input::Failed(conn, IoFailure::Refused));
    assert_eq!(refused.verdict(), &Err(Failure::Io(IoFailure::Refused)));
}

/// CHK-02, CHK-04. KA#1637, KA#1679: a check whose source is gone stayed up.
#[test]
fn a_source_that_cannot_be_had_fails_every_kind_of_check() {
    let mut bound = target();
    bound.bind_address = Some("192.0.2.77".parse().expect("address"));
    bound.interface = Some("eth7".to_owned());
    bound.mark = 5;
    let query = DnsQuery::new(QueryType::Soa, ".").expect("a name");
    let probes: Vec<Box<dyn Probe>> = vec![
        Box::new(TcpProbe::new(bound.clone(), LIMIT)),
        Box::new(SmtpProbe::new(bound.clone(), "x", LIMIT)),
        Box::new(DnsProbe::new(bound.clone(), query, 1, LIMIT)),
        Box::new(UdpProbe::new(bound.clone(), UdpConfig::default(), 1, LIMIT)),
        Box::new(PingProbe::new(bound.clone(), 1, LIMIT)),
    ];
    for probe in probes {
        let mut bench = Bench::new(probe);
        let Some(Output::Connect { target, .. }) = bench.connects.first() else {
            panic!("no connection");
        };
        assert_eq!(target, &bound, "the source was left out");
        let conn = bench.conn.expect("a connection");
        bench.input(Input::Failed(conn, IoFailure::NoInterface));
        let why = "there is no interface `eth7` to send from".to_owned();
        assert_eq!(bench.verdict(), &Err(Failure::Source(why)));
    }
    bound.bind_port = 99;
    for (failure, why) in [
        (
            IoFailure::NoAddress,
            "the source address 192.0.2.77 is not on this machine",
        ),
        (IoFailure::InUse, "the source port 99 is in use"),
        (
            IoFailure::Bind,
            "cannot send from interface `eth7`, address 192.0.2.77, port 99, mark 5",
        ),
        (IoFailure::Refused, "connection refused"),
    ] {
        let mut bench = Bench::new(TcpProbe::new(bound.clone(), LIMIT));
        let conn = bench.conn.expect("a connection");
        bench.input(Input::Failed(conn, failure));
        let said = bench.verdict().clone().expect_err("it failed");
        assert_eq!(said.to_string(), why);
    }
    // A port that nobody asked for is not what is in use.
    bound.bind_port = 0;
    let mut bench = Bench::new(TcpProbe::new(bound, LIMIT));
    let conn = bench.conn.expect("a connection");
    bench.input(Input::Failed(conn, IoFailure::InUse));
    assert_eq!(bench.verdict(), &Err(Failure::Io(IoFailure::InUse)));
}

fn smtp() -> Bench<SmtpProbe> {
    Bench::new(SmtpProbe::new(target(), "check.example.org", LIMIT)).connected()
}

/// CHK-14.
#[test]
fn smtp_says_helo_and_quits() {
    let mut bench = smtp();
    bench.hear(b"220-mx.example.org\r\n22");
    assert_eq!(bench.said(), "");
    bench.hear(b"0 ready\r\n");
    assert_eq!(bench.said(), "HELO check.example.org\r\n");
    bench.hear(b"250 hello\r\n");
    assert_eq!(bench.said(), "HELO check.example.org\r\nQUIT\r\n");
    bench.hear(b"500 whatever\r\n");
    assert_eq!(bench.verdict(), &GOOD);
    let mut curt = smtp();
    curt.hear(b"220\r\n");
    curt.hear(b"250\n");
    curt.eof();
    assert_eq!(curt.verdict(), &GOOD);
}

#[test]
fn smtp_fails_on_another_code() {
    let mut busy = smtp();
    busy.hear(b"421 busy\r\n");
    assert_eq!(busy.verdict(), &Err(SmtpFailure::Code(421).into()));
    let mut rude = smtp();
    rude.hear(b"220 x\r\n501 rude\r\n");
    assert_eq!(rude.verdict(), &Err(SmtpFailure::Code(501).into()));
    let mut gone = smtp();
    gone.hear(b"220 x\r\n");
    gone.eof();
    assert_eq!(gone.verdict(), &Err(Failure::Closed(Stage::Reply)));
}

/// CHK-21, CHK-03.
#[test]
fn hostile_smtp_lines_are_refused() {
    let mut long = smtp();
    let mut fed = 0;
    while long.outcome.is_none() {
        long.hear(&[b'2'; 100]);
        fed += 100;
        assert!(fed <= SMTP_LINE + 100, "it reads for ever");
    }
    assert_eq!(long.verdict(), &Err(SmtpFailure::LineTooLong.into()));
    let mut many = smtp();
    many.hear("220-x\r\n".repeat(1000).as_bytes());
    assert_eq!(many.verdict(), &Err(SmtpFailure::TooManyLines.into()));
    for line in ["\r\n", "2 0\r\n", "SSH-2.0\r\n", "2200 x\r\n", "-220\r\n"] {
        let mut bad = smtp();
        bad.hear(line.as_bytes());
        assert_eq!(
            bad.verdict(),
            &Err(SmtpFailure::Malformed.into()),
            "{line:?}"
        );
    }
    let mut slow = smtp();
    assert_eq!(slow.trickle(100, || b'2'), LIMIT);
    assert_eq!(slow.verdict(), &Err(Failure::Timeout(Stage::Greeting)));
}

#[test]
fn a_line_end_in_the_helo_name_makes_no_command() {
    let mut bench = Bench::new(SmtpProbe::new(target(), "x\r\nDATA", LIMIT)).connected();
    bench.hear(b"220 x\r\n");
    assert_eq!(bench.said(), "HELO xDATA\r\n");
}

proptest! {
    #[test]
    fn no_octets_panic(octets in prop::collection::vec(any::<u8>(), 0..100), cut in 0..100_usize) {
        let cut = cut.min(octets.len());
        let (first, second) = octets.split_at(cut);
        let mut bench = smtp();
        bench.hear(first);
        bench.hear(second);
        bench.pass(5000);
        prop_assert!(bench.outcome.is_some());
    }
}

fn udp(config: UdpConfig) -> Bench<UdpProbe> {
    Bench::new(UdpProbe::new(target(), config, 3, LIMIT)).connected()
}

/// CHK-17.
#[test]
fn udp_passes_when_nobody_objects() {
    let mut quiet = udp(UdpConfig::default());
    assert_eq!(quiet.sent.len(), 1);
    assert!(!quiet.sent[0].is_empty(), "a payload is made up");
    quiet.pass(4999);
    assert_eq!(quiet.outcome, None, "the ICMP error may come late");
    quiet.pass(1);
    assert_eq!(quiet.verdict(), &GOOD);
    let mut closed = udp(UdpConfig::default());
    let conn = closed.conn.expect("a socket");
    closed.input(Input::Failed(conn, IoFailure::Refused));
    assert_eq!(closed.verdict(), &Err(Failure::Io(IoFailure::Refused)));
    let mut answers = udp(UdpConfig::default());
    answers.hear(&[0; 1000]);
    assert_eq!(answers.verdict(), &GOOD);
}

/// A payload that is made up follows from the seed. These are the first four numbers that splitmix64 gives for
/// 1234567, as its author's program prints them.
#[test]
fn a_udp_payload_is_made_of_the_seed() {
    let probe = UdpProbe::new(target(), UdpConfig::default(), 1_234_567, LIMIT);
    let bench = Bench::new(probe).connected();
    let numbers: [u64; 4] = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
        4_593_380_528_125_082_431,
    ];
    assert_eq!(bench.sent, [numbers.map(u64::to_be_bytes).concat()]);
}

#[test]
fn udp_looks_at_a_reply_that_is_required() {
    // "12 3x": the last four bits do not matter.
    let config = || UdpConfig {
        payload: Some(vec![1, 2]),
        reply: Some(Pattern::new([(0x12, 0xff), (0x30, 0xf0)])),
        min_length: 1,
        max_length: 4,
    };
    for (reply, expected) in [
        (&[0x12, 0x3f][..], GOOD),
        (&[0x12], GOOD),
        (&[0x12, 0x30, 9, 9], GOOD),
        (&[0x12, 0x40], Err(Failure::ReplyContent)),
        (&[], Err(Failure::ReplyLength(0))),
        (&[0x12, 0x30, 0, 0, 0], Err(Failure::ReplyLength(5))),
    ] {
        let mut bench = udp(config());
        assert_eq!(bench.sent, [vec![1, 2]]);
        bench.hear(reply);
        assert_eq!(bench.verdict(), &expected, "{reply:?}");
    }
    let mut silent = udp(config());
    silent.pass(5000);
    assert_eq!(silent.verdict(), &Err(Failure::Timeout(Stage::Reply)));
}

/// CHK-18.
#[test]
fn ping_passes_on_its_own_answer_only() {
    for (address, request, reply) in [("192.0.2.1:0", 8, 0), ("[2001:db8::1]:0", 128, 129)] {
        let target = Target::new(address.parse().expect("address"));
        let mut bench = Bench::new(PingProbe::new(target, 5, LIMIT)).connected();
        let sent = bench.sent[0].clone();
        assert_eq!((sent[0], sent[1]), (request, 0));
        if request == 8 {
            let words = sent
                .chunks(2)
                .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
            let sum: u32 = words.sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "checksum");
        }
        bench.hear(&sent);
        bench.hear(&sent[..7]);
        let mut foreign = sent.clone();
        foreign[0] = reply;
        foreign[20] ^= 1;
        bench.hear(&foreign);
        assert_eq!(bench.outcome, None);
        let mut answer = sent;
        answer[0] = reply;
        // The kernel puts an id of its own, and the sum with it.
        answer[2..6].fill(0xee);
        bench.hear(&answer);
        assert_eq!(bench.verdict(), &GOOD);
        bench.start();
        bench.pass(5000);
        assert_eq!(bench.verdict(), &Err(Failure::Timeout(Stage::Connecting)));
    }
}

fn script(dynamic: bool) -> Bench<ScriptProbe> {
    let argv = vec!["/bin/check".to_owned(), "x".to_owned()];
    Bench::new(ScriptProbe::new(argv, dynamic, LIMIT))
}

/// CHK-16.
#[test]
fn exit_codes_are_verdicts_and_with_dynamic_weights() {
    let to = |weight| {
        Ok(Passed {
            complete: true,
            weight: WeightChange::To(weight),
        })
    };
    for (dynamic, code, expected) in [
        (false, Some(0), GOOD),
        (false, Some(1), Err(Failure::Exit(1))),
        (false, Some(2), Err(Failure::Exit(2))),
        (true, Some(0), GOOD),
        (true, Some(1), Err(Failure::Exit(1))),
        (true, Some(2), to(0)),
        (true, Some(255), to(253)),
        (true, Some(256), Err(Failure::Exit(256))),
        (true, None, Err(Failure::Signal)),
    ] {
        let mut bench = script(dynamic);
        assert!(matches!(&bench.other[..], [Output::Spawn { argv }] if argv.len() == 2));
        bench.input(Input::Exited { code });
        assert_eq!(bench.verdict(), &expected, "{dynamic} {code:?}");
    }
    let mut missing = script(false);
    missing.input(Input::SpawnFailed("Permission denied"));
    let why = Failure::NotStarted("Permission denied".to_owned());
    assert_eq!(missing.verdict(), &Err(why));
}

/// KA, release notes 2.3.0: a lost child. Never two at once, and none is forgotten.
#[test]
fn a_script_that_hangs_is_killed_and_not_joined_by_another() {
    let mut bench = script(false);
    bench.pass(5000);
    assert_eq!(bench.verdict(), &Err(Failure::Timeout(Stage::Running)));
    assert_eq!(bench.other.last(), Some(&Output::Kill));
    // It does not die at once.
    bench.start();
    assert_eq!(bench.verdict(), &Err(Failure::StillRunning));
    let spawns = |bench: &Bench<ScriptProbe>| {
        let spawns = bench
            .other
            .iter()
            .filter(|o| matches!(o, Output::Spawn { .. }));
        spawns.count()
    };
    assert_eq!(spawns(&bench), 1);
    // The exit of the old one is no verdict over a new one.
    bench.input(Input::Exited { code: None });
    bench.start();
    assert_eq!((spawns(&bench), &bench.outcome), (2, &None));
    bench.input(Input::Exited { code: Some(0) });
    assert_eq!(bench.verdict(), &GOOD);
}

/// CHK-19.
#[test]
fn a_file_adds_to_the_weight_and_fails_at_the_bottom() {
    let outcome = |weight, value| {
        let mut probe = FileProbe::new(weight);
        probe.handle_input(at(0), Input::Level(Level::Value(value)));
        match probe.poll_output() {
            Some(Output::Done(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    };
    let by = |change| {
        Ok(Passed {
            complete: true,
            weight: WeightChange::By(change),
        })
    };
    assert_eq!(outcome(2, Some(5)), by(10));
    assert_eq!(outcome(-2, Some(5)), by(-10));
    assert_eq!(outcome(2, None), by(0));
    assert_eq!(outcome(1, Some(-2_147_483_647)), by(-2_147_483_647));
    assert_eq!(
        outcome(1, Some(i64::MIN)),
        Err(Failure::FileValue(i64::MIN))
    );
    assert_eq!(
        outcome(i32::MIN, Some(i64::MAX)),
        Err(Failure::FileValue(i64::MAX))
    );
}

/// CHK-20.
#[test]
fn bfd_says_what_the_session_says() {
    let mut probe = BfdProbe::new();
    probe.start(at(0));
    assert_eq!(probe.poll_output(), None, "nothing is known yet");
    probe.handle_input(at(0), Input::Level(Level::Up(true)));
    assert_eq!(probe.poll_output(), Some(Output::Done(GOOD)));
    probe.handle_input(at(0), Input::Level(Level::Up(false)));
    assert_eq!(probe.poll_output(), Some(Output::Done(Err(Failure::Down))));
    // What is known is said again when it is looked at.
    probe.start(at(1));
    assert_eq!(probe.poll_output(), Some(Output::Done(Err(Failure::Down))));
}

#[test]
fn a_check_that_cannot_be_had_fails_whenever_it_is_started() {
    let mut bench = Bench::new(UnusableProbe::new("no such thing"));
    let why = Failure::Unusable("no such thing".to_owned());
    assert_eq!(bench.verdict(), &Err(why.clone()));
    bench.start();
    assert_eq!(bench.verdict(), &Err(why));
}
