//! Authentication, RFC 5880 6.7.

mod common;

use std::collections::BTreeSet;

use bfd::{
    AuthConfig, AuthError, AuthKind, ConfigError, Control, ControlPacket, Instant, Key, Lifetime,
    Rejected, Secret, Session, SessionConfig, SessionEvent, Signature, State,
};
use common::*;

const ALL: [AuthKind; 5] = [
    AuthKind::Simple,
    AuthKind::KeyedMd5,
    AuthKind::MeticulousMd5,
    AuthKind::KeyedSha1,
    AuthKind::MeticulousSha1,
];
const DIGESTS: [AuthKind; 4] = [
    AuthKind::KeyedMd5,
    AuthKind::MeticulousMd5,
    AuthKind::KeyedSha1,
    AuthKind::MeticulousSha1,
];

fn with(kind: AuthKind) -> SessionConfig {
    config().with_auth(auth(kind))
}

fn signed(kind: AuthKind, id: u8, secret: &Secret, sequence: u32) -> Vec<u8> {
    let signature = Signature::Key {
        kind,
        id,
        secret,
        sequence,
    };
    encode(&peer(State::Down), &signature)
}

fn take(session: &mut Session, now: Instant, octets: &[u8]) -> Result<(), Rejected> {
    session.handle_packet(now, &ControlPacket::parse(octets).unwrap())
}

fn auth_error(result: Result<(), Rejected>) -> AuthError {
    match result {
        Err(Rejected::Auth(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// BFD-AU-01: a pair of sessions comes up with each type.
#[test]
fn two_sessions_come_up_with_every_type() {
    for kind in ALL {
        let mut a = session(with(kind));
        let mut b = Session::new(with(kind), discr(REMOTE), 9, at(0.0)).unwrap();
        for _ in 0..5 {
            for octets in octets(&mut a, at(0.0)) {
                take(&mut b, at(0.0), &octets).unwrap();
            }
            for octets in octets(&mut b, at(0.0)) {
                take(&mut a, at(0.0), &octets).unwrap();
            }
        }
        assert_eq!((a.state(), b.state()), (State::Up, State::Up), "{kind:?}");
        assert_eq!(a.stats().rejected.total() + b.stats().rejected.total(), 0);
    }
}

/// BFD-AU-02.
#[test]
fn the_type_has_to_be_the_configured_one() {
    for ours in ALL {
        for theirs in ALL {
            let mut session = session(with(ours));
            let result = take(&mut session, at(0.0), &signed(theirs, 7, &secret(), 1));
            if ours == theirs {
                result.unwrap();
            } else {
                let found = theirs.number();
                let expected = AuthError::Type {
                    found,
                    expected: ours,
                };
                assert_eq!(auth_error(result), expected);
            }
        }
    }
}

/// BFD-AU-02.
#[test]
fn the_key_has_to_exist() {
    for kind in ALL {
        let mut session = session(with(kind));
        let result = take(&mut session, at(0.0), &signed(kind, 8, &secret(), 1));
        assert_eq!(auth_error(result), AuthError::UnknownKey { id: 8 });
    }
}

/// BFD-AU-03.
#[test]
fn a_password_has_to_be_right_in_full_length() {
    let mut session = session(with(AuthKind::Simple));
    let mut try_password = |password: &[u8]| {
        let octets = signed(AuthKind::Simple, 7, &Secret::new(password).unwrap(), 0);
        take(&mut session, at(0.0), &octets)
    };
    assert_eq!(auth_error(try_password(b"s3cret13")), AuthError::Password);
    assert_eq!(
        auth_error(try_password(b"s3cret1")),
        AuthError::Length { found: 10 }
    );
    assert_eq!(
        auth_error(try_password(b"s3cret123")),
        AuthError::Length { found: 12 }
    );
    try_password(b"s3cret12").unwrap();
}

/// BFD-AU-04, BFD-RX-23.
#[test]
fn a_digest_has_one_length_only() {
    for kind in DIGESTS {
        let good = signed(kind, 7, &secret(), 1);
        let right = good[25];
        for wrong in (0..=255).filter(|length| *length != right) {
            let mut octets = good.clone();
            octets[25] = wrong;
            let mut session = session(with(kind));
            let result = take(&mut session, at(0.0), &octets);
            assert_eq!(auth_error(result), AuthError::Length { found: wrong });
        }
    }
}

/// BFD-AU-05, BFD-AU-08.
#[test]
fn sequence_numbers_have_to_be_in_the_window() {
    for kind in DIGESTS {
        // Three times three packets.
        for (last, found, fits) in [
            (1000_u32, 1000_u32, !kind.is_meticulous()),
            (1000, 999, false),
            (1000, 1001, true),
            (1000, 1009, true),
            (1000, 1010, false),
            (u32::MAX, 0, true),
            (u32::MAX, 8, true),
            (u32::MAX, 9, false),
            (u32::MAX - 3, 5, true),
            (5, u32::MAX, false),
        ] {
            let mut session = session(with(kind));
            take(&mut session, at(0.0), &signed(kind, 7, &secret(), last)).unwrap();
            assert_eq!(session.received_sequence(), Some(last));
            let result = take(&mut session, at(1.0), &signed(kind, 7, &secret(), found));
            if fits {
                result.unwrap();
                assert_eq!(session.received_sequence(), Some(found));
            } else {
                assert_eq!(auth_error(result), AuthError::Sequence { found, last });
                assert_eq!(session.received_sequence(), Some(last));
            }
        }
    }
}

/// BFD-AU-05: the window is that of the multiplier in the packet.
#[test]
fn a_larger_multiplier_has_a_larger_window() {
    let mut session = session(with(AuthKind::MeticulousSha1));
    take(
        &mut session,
        at(0.0),
        &signed(AuthKind::MeticulousSha1, 7, &secret(), 10),
    )
    .unwrap();
    let control = Control {
        detect_mult: mult(10),
        ..peer(State::Down)
    };
    hear_signed(&mut session, at(1.0), control, AuthKind::MeticulousSha1, 40).unwrap();
    let result = hear_signed(&mut session, at(1.0), control, AuthKind::MeticulousSha1, 71);
    auth_error(result);
}

/// BFD-AU-06: every octet counts.
#[test]
fn any_changed_octet_breaks_the_digest() {
    for kind in DIGESTS {
        let good = signed(kind, 7, &secret(), 1);
        let (mut session, mut refused) = (session(with(kind)), 0);
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut octets = good.clone();
                octets[place] ^= 1 << bit;
                if let Ok(packet) = ControlPacket::parse(&octets) {
                    let result = session.handle_packet(at(0.0), &packet);
                    assert!(result.is_err(), "{kind:?}: octet {place} bit {bit}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 200);
        assert_eq!(session.state(), State::Down);
        assert_eq!(session.received_sequence(), None);
        let other = Secret::new(b"s3cret13").unwrap();
        let result = take(&mut session, at(0.0), &signed(kind, 7, &other, 1));
        assert_eq!(auth_error(result), AuthError::Digest);
        take(&mut session, at(0.0), &good).unwrap();
    }
}

/// BFD-AU-07.
#[test]
fn a_forged_first_packet_does_not_set_the_sequence_number() {
    for kind in DIGESTS {
        let mut session = session(with(kind));
        let mut forged = signed(kind, 7, &secret(), 5_000_000);
        *forged.last_mut().unwrap() ^= 1;
        let result = take(&mut session, at(0.0), &forged);
        assert_eq!(auth_error(result), AuthError::Digest);
        assert_eq!(session.received_sequence(), None);
        assert_eq!(session.remote().discriminator, None);
        take(&mut session, at(0.0), &signed(kind, 7, &secret(), 3)).unwrap();
    }
}

fn sequence_of(octets: &[u8]) -> u32 {
    let packet = ControlPacket::parse(octets).unwrap();
    packet.auth().unwrap().sequence().unwrap()
}

/// BFD-AU-09, BFD-VAR-08.
#[test]
fn meticulous_numbers_count_packets_and_others_count_news() {
    for kind in DIGESTS {
        let mut session = session(with(kind));
        let mut numbers = vec![sequence_of(&octets(&mut session, at(0.0))[0])];
        while let Some(now) = session.next_timeout().filter(|next| *next < at(10_000.0)) {
            session.handle_timeout(now);
            numbers.extend(octets(&mut session, now).iter().map(|o| sequence_of(o)));
        }
        let step = u32::from(kind.is_meticulous());
        assert!(numbers.len() > 10);
        assert!(
            numbers
                .windows(2)
                .all(|pair| pair[1].wrapping_sub(pair[0]) == step)
        );
        let last = *numbers.last().unwrap();
        let now = at(10_000.0);
        hear_signed(&mut session, now, peer(State::Down), kind, 1).unwrap();
        let next = sequence_of(&octets(&mut session, now)[0]);
        assert_eq!(next.wrapping_sub(last), 1, "a change of state");
    }
    let first = |seed| {
        let config = with(AuthKind::MeticulousSha1);
        let mut session = Session::new(config, discr(LOCAL), seed, at(0.0)).unwrap();
        sequence_of(&octets(&mut session, at(0.0))[0])
    };
    let firsts: BTreeSet<u32> = (0..100).map(first).collect();
    assert_eq!(firsts.len(), 100, "random");
}

/// BFD-AU-10.
#[test]
fn the_reserved_octet_is_0_and_no_key_is_on_the_wire() {
    for kind in DIGESTS {
        let mut session = session(with(kind));
        let packet = octets(&mut session, at(0.0)).remove(0);
        assert_eq!(packet[27], 0);
        assert!(!packet.windows(8).any(|part| part == b"s3cret12"));
        let debug = format!("{:?} {:?}", session, ControlPacket::parse(&packet));
        assert!(!debug.contains("s3cret") && !debug.contains("115, 51, 99"));
    }
}

/// BFD-AU-11.
#[test]
fn keys_are_ascii_or_hexadecimal_and_not_too_long() {
    assert_eq!(
        Secret::from_hex("733363726574312F"),
        Secret::new(b"s3cret1/")
    );
    for wrong in ["7", "7g", "0x12", "é"] {
        assert_eq!(Secret::from_hex(wrong), Err(ConfigError::KeyNotHexadecimal));
    }
    assert_eq!(Secret::new(b""), Err(ConfigError::KeyLength { length: 0 }));
    assert_eq!(
        Secret::from_hex(""),
        Err(ConfigError::KeyLength { length: 0 })
    );
    assert_eq!(
        Secret::new(&[1; 21]),
        Err(ConfigError::KeyLength { length: 21 })
    );
    for kind in ALL {
        for length in 1..=20 {
            let key = Key::new(1, Secret::new(&vec![9; length]).unwrap());
            let result = AuthConfig::new(kind, vec![key]);
            assert_eq!(result.is_ok(), length <= kind.max_key_len());
        }
    }
    assert_ne!(Secret::new(b"a"), Secret::new(b"a\0"));
}

/// BFD-AU-12: what is received never changes what is required.
#[test]
fn no_packet_turns_authentication_off() {
    let (mut session, now) = up(with(AuthKind::KeyedMd5));
    for state in [State::AdminDown, State::Down, State::Init, State::Up] {
        let result = hear(&mut session, now, peer(state));
        assert_eq!(auth_error(result), AuthError::Missing);
    }
    assert_eq!(session.state(), State::Up);
}

/// BFD-RX-11: the A bit is enough to be refused where nobody asked for authentication, also without a section
/// that can be read.
#[test]
fn a_packet_that_claims_a_section_is_refused_without_authentication() {
    for mut octets in [
        signed(AuthKind::KeyedSha1, 7, &secret(), 1),
        // Two octets behind the header, and a length that leads out of the packet.
        [encode(&peer(State::Down), &Signature::None), vec![4, 99]].concat(),
        [encode(&peer(State::Down), &Signature::None), vec![4, 0]].concat(),
    ] {
        octets[1] |= 4;
        octets[3] = u8::try_from(octets.len()).unwrap();
        let mut session = session(config());
        let result = take(&mut session, at(1.0), &octets);
        assert_eq!(auth_error(result), AuthError::Unexpected);
    }
}

/// BFD-AU-13: equality of secrets is by value, whatever way it is computed.
#[test]
fn secrets_are_compared_by_value() {
    assert_eq!(secret(), secret());
    assert_ne!(secret(), Secret::new(b"s3cret1").unwrap());
    assert_ne!(secret(), Secret::new(b"t3cret12").unwrap());
    assert_ne!(secret(), Secret::new(b"s3cret13").unwrap());
}

/// BFD-AU-14, BFD-VAR-07.
#[test]
fn a_peer_that_starts_anew_is_believed_after_two_detection_times() {
    for kind in DIGESTS {
        let (mut session, now) = up(with(kind));
        let old = session.received_sequence().unwrap();
        let detection = session.timers().detection_time.unwrap();
        assert_eq!(detection, millis(150.0));
        let anew = signed(kind, 7, &secret(), 77_000_000);
        let almost = later(now, millis(299.9));
        run(&mut session, almost);
        let result = take(&mut session, almost, &anew);
        let refused = AuthError::Sequence {
            found: 77_000_000,
            last: old,
        };
        assert_eq!(auth_error(result), refused);
        take(&mut session, later(now, millis(300.0)), &anew).unwrap();
    }
}

fn lifetime(from: Option<f64>, until: Option<f64>) -> Lifetime {
    Lifetime {
        from: from.map(at),
        until: until.map(at),
    }
}

/// Keys change without a lost packet: sending with the new one begins when both sides have it.
#[test]
fn keys_rotate_while_the_session_stays_up() {
    let new = Secret::new(b"another").unwrap();
    let keys = vec![
        Key::new(1, secret())
            .with_send(lifetime(None, Some(2000.0)))
            .with_accept(lifetime(None, Some(3000.0))),
        Key::new(2, new)
            .with_send(lifetime(Some(2000.0), None))
            .with_accept(lifetime(Some(1000.0), None)),
    ];
    let auth = Some(AuthConfig::new(AuthKind::MeticulousSha1, keys).unwrap());
    let config = config().with_auth(auth);
    let mut a = session(config.clone());
    let mut b = Session::new(config, discr(REMOTE), 5, at(0.0)).unwrap();
    let (mut ids, mut now) = (BTreeSet::new(), at(0.0));
    while now < at(5000.0) {
        a.handle_timeout(now);
        b.handle_timeout(now);
        for _ in 0..3 {
            for octets in octets(&mut a, now) {
                let packet = ControlPacket::parse(&octets).unwrap();
                ids.insert((packet.auth().unwrap().key_id().unwrap(), now >= at(2000.0)));
                b.handle_packet(now, &packet).unwrap();
            }
            for octets in octets(&mut b, now) {
                take(&mut a, now, &octets).unwrap();
            }
        }
        now = a.next_timeout().min(b.next_timeout()).unwrap();
    }
    assert_eq!((a.state(), b.state()), (State::Up, State::Up));
    assert_eq!(a.stats().flaps + b.stats().flaps, 0);
    assert_eq!(ids, BTreeSet::from([(1, false), (2, true)]));
}

/// A key that is no longer, or not yet, good for accepting is as good as none.
#[test]
fn keys_are_accepted_in_their_lifetime_only() {
    let key = Key::new(7, secret()).with_accept(lifetime(Some(100.0), Some(200.0)));
    let auth = AuthConfig::new(AuthKind::KeyedSha1, vec![key]).unwrap();
    for (now, good) in [(99.9, false), (100.0, true), (199.9, true), (200.0, false)] {
        let mut session = session(config().with_auth(Some(auth.clone())));
        let octets = signed(AuthKind::KeyedSha1, 7, &secret(), 1);
        let result = take(&mut session, at(now), &octets);
        assert_eq!(result.is_ok(), good, "{now}");
        if !good {
            assert_eq!(auth_error(result), AuthError::KeyNotValid { id: 7 });
        }
    }
}

/// It fails closed: no key, no packet; never one without authentication.
#[test]
fn without_a_good_key_nothing_is_sent() {
    let key = Key::new(7, secret()).with_send(lifetime(Some(5000.0), Some(9000.0)));
    for kind in ALL {
        let auth = AuthConfig::new(kind, vec![key.clone()]).unwrap();
        let mut session = session(config().with_auth(Some(auth)));
        // What could not be said is not tried again before its time.
        for _ in 0..3 {
            assert!(octets(&mut session, at(0.0)).is_empty());
            assert_eq!(session.stats().unsigned, 1);
        }
        let mut told = events(&mut session);
        let mut sent = Vec::new();
        while let Some(now) = session.next_timeout().filter(|next| *next < at(20_000.0)) {
            session.handle_timeout(now);
            sent.extend(
                octets(&mut session, now)
                    .into_iter()
                    .map(|octets| (now, octets)),
            );
            told.extend(events(&mut session));
        }
        assert!(!sent.is_empty());
        for (now, octets) in sent {
            assert!((at(5000.0)..at(9000.0)).contains(&now));
            assert!(ControlPacket::parse(&octets).unwrap().is_authenticated());
        }
        told.retain(|event| *event != SessionEvent::Timers);
        let expected = [
            SessionEvent::NoKey,
            SessionEvent::KeyAgain,
            SessionEvent::NoKey,
        ];
        assert_eq!(told, expected);
        assert!(session.stats().unsigned > 10);
        // Nor does an answer go out.
        let asking = Control {
            poll: true,
            ..peer(State::Down)
        };
        hear_signed(&mut session, at(20_000.0), asking, kind, 1).unwrap();
        assert!(octets(&mut session, at(20_000.0)).is_empty());
    }
}

/// It fails closed: an unusable set of keys is an error, and no way to do without.
#[test]
fn unusable_keys_are_an_error() {
    let none = AuthConfig::new(AuthKind::KeyedSha1, Vec::new());
    assert_eq!(none, Err(ConfigError::NoKeys));
    let twice = vec![
        Key::new(3, secret()),
        Key::new(4, secret()),
        Key::new(3, secret()),
    ];
    let twice = AuthConfig::new(AuthKind::KeyedSha1, twice);
    assert_eq!(twice, Err(ConfigError::DuplicateKey { id: 3 }));
}

/// Another type of authentication is another sequence.
#[test]
fn a_change_of_type_starts_the_sequence_anew() {
    let (mut session, now) = up(with(AuthKind::MeticulousSha1));
    session
        .reconfigure(now, with(AuthKind::MeticulousMd5))
        .unwrap();
    assert_eq!(session.received_sequence(), None);
    take(
        &mut session,
        now,
        &signed(AuthKind::MeticulousMd5, 7, &secret(), 1),
    )
    .unwrap();
    assert_eq!(session.received_sequence(), Some(1));
}
