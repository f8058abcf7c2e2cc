//! The test vectors, both ways: 104 packets, among them nine captured from BIRD 2.0.12.

mod common;

use std::collections::BTreeMap;
use std::net::IpAddr;

use bfd::{
    AuthConfig, AuthError, AuthKind, Buffer, Control, ControlPacket, Definition, Diagnostic,
    Discriminator, Event, InterfaceId, Key, MAX_LEN, Micros, Multihop, ParseError, Path, Rejected,
    Rx, Secret, Session, SessionConfig, Signature, SingleHop, State, Table,
};
use common::{INTERFACE, at, discr, encode, hear_signed, mult, sent};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let text = include_str!("vectors/bfd.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let vectors = all["vectors"].as_array().unwrap().clone();
    assert_eq!(vectors.len(), 104);
    vectors
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn octets(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn state(value: &Value) -> State {
    match value.as_str().unwrap() {
        "AdminDown" => State::AdminDown,
        "Down" => State::Down,
        "Init" => State::Init,
        "Up" => State::Up,
        other => panic!("{other}"),
    }
}

const KINDS: [AuthKind; 5] = [
    AuthKind::Simple,
    AuthKind::KeyedMd5,
    AuthKind::MeticulousMd5,
    AuthKind::KeyedSha1,
    AuthKind::MeticulousSha1,
];

fn keys(auth: &Value) -> BTreeMap<u8, Secret> {
    let keys = auth["keys"].as_object().unwrap().iter();
    keys.map(|(id, secret)| {
        let secret = Secret::new(secret.as_str().unwrap().as_bytes()).unwrap();
        (id.parse().unwrap(), secret)
    })
    .collect()
}

fn auth(session: &Value) -> Option<AuthConfig> {
    let auth = &session["auth"];
    let kind = KINDS[usize::try_from(auth["type"].as_u64()?).unwrap() - 1];
    let keys = keys(auth)
        .into_iter()
        .map(|(id, secret)| Key::new(id, secret));
    Some(AuthConfig::new(kind, keys.collect()).unwrap())
}

/// A receiver in the state that the vector wants, brought there by packets.
fn receiver(session: &Value) -> (Session, Option<u32>) {
    let config = SessionConfig::new(
        Micros::new(50_000),
        Micros::new(number(&session["required_min_rx_us"])),
        mult(u8::try_from(number(&session["detect_mult"])).unwrap()),
    )
    .with_auth(auth(session));
    let local = discr(number(&session["local_discr"]));
    let mut receiver = Session::new(config, local, 1, at(0.0)).unwrap();
    sent(&mut receiver, at(0.0));
    let auth = &session["auth"];
    let last = auth["seq_known"]
        .as_bool()
        .unwrap_or(false)
        .then(|| number(&auth["rcv_seq"]));
    let wanted = state(&session["state"]);
    let remote = Discriminator::new(number(&session["remote_discr"]));
    let say = |receiver: &mut Session, state, final_bit| {
        let control = Control {
            final_bit,
            my_discriminator: remote.unwrap_or_else(|| discr(9)),
            your_discriminator: Some(local),
            ..common::peer(state)
        };
        match (session["auth"]["type"].as_u64(), last) {
            (Some(kind), Some(last)) => {
                let kind = KINDS[usize::try_from(kind).unwrap() - 1];
                // As many numbers before as there are packets on the way.
                hear_signed(receiver, at(0.0), control, kind, last).unwrap();
            }
            (Some(_), None) => {
                let auth = receiver.config().auth.clone().unwrap();
                let signature = Signature::Key {
                    kind: auth.kind(),
                    id: auth.keys()[0].id,
                    secret: &auth.keys()[0].secret,
                    sequence: 0,
                };
                let octets = encode(&control, &signature);
                let _ = receiver.handle_packet(at(0.0), &ControlPacket::parse(&octets).unwrap());
            }
            (None, _) => common::hear(receiver, at(0.0), control).unwrap(),
        }
        sent(receiver, at(0.0));
    };
    // One packet leads to any state, so that meticulous numbers fit; a second one ends the poll.
    let polling = session["poll_active"].as_bool().unwrap_or(false);
    match wanted {
        State::Down if remote.is_some() => say(&mut receiver, State::Up, false),
        State::Down => {}
        State::Init => say(&mut receiver, State::Down, false),
        State::Up => say(&mut receiver, State::Init, false),
        State::AdminDown => {
            say(&mut receiver, State::Down, false);
            receiver.handle_event(at(0.0), Event::AdminDown);
        }
    }
    let free = session["auth"].is_null();
    if wanted == State::Up && free && !polling {
        say(&mut receiver, State::Up, true);
    }
    sent(&mut receiver, at(0.0));
    assert_eq!(receiver.state(), wanted);
    (receiver, last)
}

fn reason(rejected: &Rejected) -> &'static str {
    match rejected {
        Rejected::Parse(error) => match error {
            ParseError::Truncated { .. } => "TRUNCATED",
            ParseError::Version { .. } => "BAD_VERSION",
            ParseError::LengthTooShort { .. } => "LENGTH_TOO_SHORT",
            ParseError::LengthExceedsPayload { .. } => "LENGTH_EXCEEDS_PAYLOAD",
            ParseError::DetectMultZero => "DETECT_MULT_ZERO",
            ParseError::Multipoint => "MULTIPOINT_SET",
            ParseError::MyDiscriminatorZero => "MY_DISCR_ZERO",
            ParseError::YourDiscriminatorZero { .. } => "YOUR_DISCR_ZERO_BAD_STATE",
            other => panic!("{other}"),
        },
        Rejected::Auth(error) => match error {
            AuthError::Unexpected => "AUTH_UNEXPECTED",
            AuthError::Missing => "AUTH_MISSING",
            AuthError::Type { .. } => "AUTH_TYPE_MISMATCH",
            AuthError::Length { .. } => "AUTH_LEN",
            AuthError::UnknownKey { .. } => "AUTH_KEY_UNKNOWN",
            AuthError::Sequence { .. } => "AUTH_SEQUENCE",
            AuthError::Password => "AUTH_PASSWORD",
            AuthError::Digest => "AUTH_DIGEST",
            other => panic!("{other}"),
        },
        Rejected::NoSession => "NO_SESSION",
        Rejected::UnknownDiscriminator { .. } => "YOUR_DISCR_UNKNOWN",
        Rejected::Port { .. } => "WRONG_PORT",
        Rejected::Ttl { least: 255, .. } => "TTL_NOT_255",
        Rejected::Ttl { .. } => "TTL_BELOW_MIN",
        Rejected::AdminDown => "SESSION_ADMIN_DOWN",
        other => panic!("{other}"),
    }
}

/// What a lone session cannot judge: port, TTL, peer.
const BY_TABLE: [&str; 4] = ["NO_SESSION", "WRONG_PORT", "TTL_NOT_255", "TTL_BELOW_MIN"];

/// Parsing and the session's own rules, with their effects on state, diagnostic, timers, polls
/// and sequence numbers.
#[test]
fn every_vector_has_its_effect_on_a_session() {
    let mut seen = 0;
    for vector in vectors() {
        let name = vector["name"].as_str().unwrap();
        let expected = vector["reason"].as_str().unwrap();
        if BY_TABLE.contains(&expected) {
            continue;
        }
        seen += 1;
        let (mut session, last) = receiver(&vector["session"]);
        assert_eq!(
            session.received_sequence().filter(|_| last.is_some()),
            last,
            "{name}"
        );
        let (before, stats) = (session.state(), session.stats().clone());
        let octets = octets(&vector["hex"]);
        let result = ControlPacket::parse(&octets)
            .map_err(Rejected::Parse)
            .and_then(|packet| session.handle_packet(at(0.0), &packet));
        let found = result.as_ref().map_or_else(reason, |()| "ok");
        // Sequence numbers that the receiver learned on its way to the state do not count.
        let blind = vector["session"]["auth"]["seq_known"] == Value::Bool(false)
            && found == "AUTH_SEQUENCE";
        if blind {
            continue;
        }
        assert_eq!(found, expected, "{name}");
        if expected != "ok" {
            assert_eq!(session.state(), before, "{name}");
            assert_eq!(session.stats().received, stats.received, "{name}");
            assert!(
                sent(&mut session, at(0.0))
                    .iter()
                    .all(|sent| !sent.final_bit),
                "{name}"
            );
            continue;
        }
        check_effect(name, &vector["effect"], &mut session);
    }
    assert_eq!(seen, 98);
}

fn check_effect(name: &str, effect: &Value, session: &mut Session) {
    let mut answers = sent(session, at(0.0)).into_iter();
    for (key, value) in effect.as_object().unwrap() {
        let timers = session.timers();
        match key.as_str() {
            "state" => assert_eq!(session.state(), state(value), "{name}"),
            "diag" => assert_eq!(
                u32::from(session.diagnostic().bits()),
                number(value),
                "{name}"
            ),
            "remote_discr" => {
                assert_eq!(
                    session.remote().discriminator,
                    Some(discr(number(value))),
                    "{name}"
                );
            }
            "send_final" => {
                let answered = answers.any(|answer| answer.final_bit);
                assert_eq!(answered, value.as_bool().unwrap(), "{name}");
            }
            "poll_active" => assert_eq!(session.is_polling(), value.as_bool().unwrap(), "{name}"),
            "periodic_tx" => assert_eq!(session.is_sending(), value.as_bool().unwrap(), "{name}"),
            "detection_time_us" => {
                let micros = timers.detection_time.unwrap().as_micros();
                assert_eq!(micros, u128::from(value.as_u64().unwrap()), "{name}");
            }
            "tx_interval_us" => {
                assert_eq!(timers.transmit_interval.get(), number(value), "{name}");
            }
            "echo_allowed" => assert!(!session.remote().required_min_echo_rx.is_zero(), "{name}"),
            "rcv_auth_seq" => {
                assert_eq!(session.received_sequence(), Some(number(value)), "{name}");
            }
            "client_failure" => {
                assert!(!session.last_transition().unwrap().is_failure(), "{name}");
            }
            // The table's; see below.
            "tx_destination" => {}
            other => panic!("{name}: {other}"),
        }
    }
}

/// Sequence numbers known or not: the verdict on authentication alone, on sessions that have
/// heard exactly one packet before, or none.
#[test]
fn every_authentication_vector_is_judged_on_a_fresh_session() {
    let mut seen = 0;
    for vector in vectors() {
        let session = &vector["session"];
        if session["auth"]["seq_known"] != Value::Bool(false) {
            continue;
        }
        seen += 1;
        let name = vector["name"].as_str().unwrap();
        let config = SessionConfig::new(Micros::new(50_000), Micros::new(50_000), mult(3))
            .with_auth(auth(session));
        let local = discr(number(&session["local_discr"]));
        let mut fresh = Session::new(config, local, 1, at(0.0)).unwrap();
        let octets = octets(&vector["hex"]);
        let result = ControlPacket::parse(&octets)
            .map_err(Rejected::Parse)
            .and_then(|packet| fresh.handle_packet(at(0.0), &packet));
        let found = result.as_ref().map_or_else(reason, |()| "ok");
        assert_eq!(found, vector["reason"].as_str().unwrap(), "{name}");
        let known = fresh.received_sequence();
        assert_eq!(known.is_some(), found == "ok", "{name}: BFD-AU-07");
        if let Some(wanted) = vector["effect"]["rcv_auth_seq"].as_u64() {
            assert_eq!(known.map(u64::from), Some(wanted), "{name}");
        }
    }
    assert!(seen > 15, "{seen}");
}

/// Every field as tshark has decoded it, and back to the same octets.
#[test]
fn every_valid_vector_is_read_as_tshark_reads_it_and_written_back() {
    let mut written = 0;
    for vector in vectors() {
        let name = vector["name"].as_str().unwrap();
        let octets = octets(&vector["hex"]);
        let Ok(packet) = ControlPacket::parse(&octets) else {
            continue;
        };
        let control = packet.control();
        let decoded = &vector["decoded"];
        let flag = |key: &str| decoded[key].as_u64().unwrap() == 1;
        let expected = Control {
            diagnostic: Diagnostic::from_bits(u8::try_from(number(&decoded["diag"])).unwrap()),
            state: state(&decoded["state"]),
            poll: flag("poll"),
            final_bit: flag("final"),
            control_plane_independent: flag("cpi"),
            demand: flag("demand"),
            detect_mult: mult(u8::try_from(number(&decoded["detect_mult"])).unwrap()),
            my_discriminator: discr(number(&decoded["my_discr"])),
            your_discriminator: Discriminator::new(number(&decoded["your_discr"])),
            desired_min_tx: Micros::new(number(&decoded["desired_min_tx_us"])),
            required_min_rx: Micros::new(number(&decoded["required_min_rx_us"])),
            required_min_echo_rx: Micros::new(number(&decoded["required_min_echo_rx_us"])),
        };
        assert_eq!(*control, expected, "{name}");
        assert_eq!(packet.is_authenticated(), flag("auth_present"), "{name}");
        assert_eq!(
            packet.octets().len(),
            usize::try_from(number(&decoded["length"])).unwrap()
        );
        if !vector["valid"].as_bool().unwrap() || (control.poll && control.final_bit) {
            continue;
        }
        written += 1;
        let mut out = [0xee; MAX_LEN];
        let section = packet.auth();
        let keys = section.map(|_| keys(&vector["session"]["auth"]));
        let signature = match (section, &keys) {
            (Some(section), Some(keys)) => {
                let id = section.key_id().unwrap();
                Signature::Key {
                    kind: KINDS[usize::from(section.kind()) - 1],
                    id,
                    secret: &keys[&id],
                    sequence: section.sequence().unwrap_or_default(),
                }
            }
            _ => Signature::None,
        };
        let length = control.emit(&signature, &mut out).unwrap();
        if name == "auth-sha1-reserved-octet-nonzero" {
            // The only thing that is read and never written: BFD-AU-10.
            assert_eq!((octets[27], out[27]), (0xaa, 0), "{name}");
            continue;
        }
        assert_eq!(out[..length], *packet.octets(), "{name}");
    }
    assert!(written >= 57, "{written}");
}

/// Port, TTL and peer, and everything else once more, through a table.
#[test]
fn every_vector_is_judged_by_a_table() {
    for vector in vectors() {
        let name = vector["name"].as_str().unwrap();
        let wanted = &vector["session"];
        let config = SessionConfig::new(Micros::new(50_000), Micros::new(50_000), mult(3))
            .with_auth(auth(wanted));
        let ip = |value: &Value| value.as_str().unwrap().parse::<IpAddr>().unwrap();
        let (peer, local) = (ip(&wanted["peer"]), Some(ip(&wanted["local"])));
        let definition = if wanted["kind"] == "multihop" {
            let min_ttl = wanted["min_ttl"].as_u64().unwrap_or(0);
            let path = Multihop {
                peer,
                local,
                min_ttl: u8::try_from(min_ttl).unwrap(),
                ttl: 255,
            };
            Definition::Multihop(path, config)
        } else {
            let path = SingleHop {
                interface: INTERFACE,
                peer,
                local,
                point_to_point: false,
                ttl: 255,
                min_ttl: 255,
            };
            Definition::SingleHop(path, config)
        };
        let mut table = Table::new(7);
        let id = table.add(at(0.0), definition).unwrap();
        let own = table
            .member(id)
            .unwrap()
            .session()
            .unwrap()
            .local_discriminator();
        // The discriminator of the vector becomes ours, where no digest forbids that.
        let mut payload = octets(&vector["hex"]);
        let theirs = number(&wanted["local_discr"]).to_be_bytes();
        if payload.get(8..12) == Some(&theirs) {
            if payload[1] & 0x04 != 0 {
                continue;
            }
            payload[8..12].copy_from_slice(&own.get().to_be_bytes());
        }
        let rx = Rx {
            interface: INTERFACE,
            source: ip(&vector["src"]),
            destination: ip(&vector["dst"]),
            destination_port: u16::try_from(number(&vector["dport"])).unwrap(),
            ttl: u8::try_from(number(&vector["ttl"])).unwrap(),
            payload: &payload,
        };
        if state(&wanted["state"]) == State::AdminDown {
            table.handle_event(at(0.0), id, Event::AdminDown);
        }
        let result = table.handle_packet(at(0.0), &rx);
        let found = result.as_ref().map_or_else(reason, |_| "ok");
        assert_eq!(found, vector["reason"].as_str().unwrap(), "{name}");
        if let Some(destination) = vector["effect"]["tx_destination"].as_str() {
            let mut buffer: Buffer = [0; MAX_LEN];
            let transmit = table.poll_transmit(at(0.0), &mut buffer).unwrap();
            assert_eq!(
                transmit.destination,
                destination.parse::<IpAddr>().unwrap(),
                "{name}"
            );
        }
        assert!(matches!(
            table.path(id),
            Some(Path::SingleHop(_) | Path::Multihop(_))
        ));
        assert_ne!(INTERFACE, InterfaceId(0));
    }
}
