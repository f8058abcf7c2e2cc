//! S-BFD, RFC 7880 and 7881.

mod common;

use bfd::{
    AuthConfig, AuthError, AuthKind, Buffer, ConfigError, Control, ControlPacket, Definition,
    Diagnostic, Event, Initiator, InitiatorConfig, Instant, Key, Lifetime, MAX_LEN, Micros, Reason,
    Reflector, ReflectorConfig, Rejected, Rx, Seamless, SessionEvent, Signature, State, Table,
};
use common::*;

const TARGET: u32 = 0x0a00_0001;

fn asking() -> InitiatorConfig {
    InitiatorConfig::new(discr(TARGET), ms(50), mult(3))
}

fn initiator(config: InitiatorConfig) -> Initiator {
    Initiator::new(config, discr(LOCAL), 1).unwrap()
}

fn reflector() -> Reflector {
    let config = ReflectorConfig::new(vec![discr(TARGET), discr(TARGET + 1)], ms(20));
    Reflector::new(config, 1).unwrap()
}

fn question(initiator: &mut Initiator, now: Instant) -> Option<Vec<u8>> {
    let mut buffer: Buffer = [0; MAX_LEN];
    let length = initiator.poll_transmit(now, &mut buffer)?;
    Some(buffer[..length].to_vec())
}

fn answer(reflector: &mut Reflector, now: Instant, octets: &[u8]) -> Result<Vec<u8>, Rejected> {
    let mut buffer: Buffer = [0; MAX_LEN];
    let length = reflector.reflect(now, octets, &mut buffer)?;
    Ok(buffer[..length].to_vec())
}

fn hear(initiator: &mut Initiator, now: Instant, octets: &[u8]) -> Result<(), Rejected> {
    initiator.handle_packet(now, &ControlPacket::parse(octets).unwrap())
}

fn control(octets: &[u8]) -> Control {
    *ControlPacket::parse(octets).unwrap().control()
}

/// BFD-SB-04, RFC 7880 7.3.2: D set, nothing required, the reflector's discriminator from the start.
#[test]
fn a_question_is_marked_as_one() {
    let mut initiator = initiator(asking());
    let asked = control(&question(&mut initiator, at(0.0)).unwrap());
    assert!(asked.demand && !asked.poll && !asked.final_bit);
    assert_eq!(asked.state, State::Down);
    assert_eq!(asked.my_discriminator, discr(LOCAL));
    assert_eq!(asked.your_discriminator, Some(discr(TARGET)));
    assert_eq!(asked.required_min_rx, Micros::ZERO);
    assert_eq!(asked.required_min_echo_rx, Micros::ZERO);
    assert_eq!(asked.desired_min_tx, Micros::SECOND);
}

/// BFD-SB-03, RFC 7880 7.2.2.
#[test]
fn an_answer_says_what_the_question_asks_for() {
    let mut reflector = reflector();
    let mut initiator = initiator(asking());
    let asked = question(&mut initiator, at(0.0)).unwrap();
    let mut polling = asked.clone();
    polling[1] |= 0x20;
    for (octets, final_bit) in [(asked.clone(), false), (polling, true)] {
        let answer = control(&answer(&mut reflector, at(0.0), &octets).unwrap());
        let expected = Control {
            diagnostic: Diagnostic::NONE,
            state: State::Up,
            poll: false,
            final_bit,
            control_plane_independent: false,
            demand: false,
            detect_mult: mult(3),
            my_discriminator: discr(TARGET),
            your_discriminator: Some(discr(LOCAL)),
            desired_min_tx: Micros::SECOND,
            required_min_rx: ms(20),
            required_min_echo_rx: Micros::ZERO,
        };
        assert_eq!(answer, expected);
    }
    assert_eq!(reflector.reflected(), 2);
    reflector.clear_stats();
    assert_eq!(reflector.reflected(), 0);
    let down = ReflectorConfig::new(vec![discr(TARGET)], ms(20)).with_admin_down(true);
    let mut down = Reflector::new(down, 1).unwrap();
    let refused = control(&answer(&mut down, at(0.0), &asked).unwrap());
    assert_eq!(refused.state, State::AdminDown);
}

/// BFD-SB-01, BFD-SB-02, RFC 7880 7.2.1: unknown discriminators and answers are not answered; no loop of reflectors.
#[test]
fn a_reflector_answers_questions_for_itself_only() {
    let mut reflector = reflector();
    let mut initiator = initiator(asking());
    let asked = question(&mut initiator, at(0.0)).unwrap();
    let mut other = asked.clone();
    other[8..12].copy_from_slice(&9_u32.to_be_bytes());
    let result = answer(&mut reflector, at(0.0), &other);
    assert_eq!(
        result,
        Err(Rejected::UnknownDiscriminator { your: discr(9) })
    );
    let mut answered = asked.clone();
    answered[1] &= !0x02;
    let result = answer(&mut reflector, at(0.0), &answered);
    assert_eq!(result, Err(Rejected::Demand { found: false }));
    let result = answer(&mut reflector, at(0.0), &asked[..23]);
    assert!(matches!(result, Err(Rejected::Parse(_))));
    let mut nobody = asked.clone();
    nobody[8..12].fill(0);
    assert_eq!(
        answer(&mut reflector, at(0.0), &nobody),
        Err(Rejected::NoSession)
    );
    assert_eq!(reflector.rejected().total(), 4);
    assert_eq!(reflector.reflected(), 0);
    let none = ReflectorConfig::new(Vec::new(), Micros::ZERO);
    assert_eq!(
        Reflector::new(none, 1).err(),
        Some(ConfigError::ReceiveIntervalZero)
    );
    assert_eq!(reflector.config().discriminators.len(), 2);
}

/// Lets both talk until `end`; the reflector is there before `cut`.
fn talk(initiator: &mut Initiator, reflector: &mut Reflector, cut: Instant, end: Instant) {
    let mut now = at(0.0);
    loop {
        initiator.handle_timeout(now);
        while let Some(asked) = question(initiator, now) {
            if now < cut {
                let answered = answer(reflector, now, &asked).unwrap();
                hear(initiator, now, &answered).unwrap();
            }
        }
        match initiator.next_timeout().filter(|next| *next < end) {
            Some(next) => now = next,
            None => return,
        }
    }
}

/// BFD-SB-06, RFC 7880 7.3.3, 7.3.4: Up with the first answer, Down after a detection time without one.
#[test]
fn reachability_is_seen_and_its_loss_noticed() {
    let (mut initiator, mut reflector) = (initiator(asking()), reflector());
    talk(&mut initiator, &mut reflector, at(5000.0), at(4999.0));
    assert_eq!(initiator.state(), State::Up);
    assert_eq!(initiator.detection_time(), millis(150.0));
    let asked = initiator.stats().sent;
    assert!((100..=134).contains(&asked), "{asked}");
    let mut initiator = Initiator::new(asking(), discr(LOCAL), 9).unwrap();
    talk(&mut initiator, &mut reflector, at(5000.0), at(20_000.0));
    assert_eq!(initiator.state(), State::Down);
    assert_eq!(initiator.diagnostic(), Diagnostic::TIME_EXPIRED);
    let history: Vec<_> = initiator.history().collect();
    assert_eq!(history.len(), 2);
    assert_eq!(history[1].reason, Reason::DetectionTime);
    assert!(
        (at(5100.0)..=at(5150.0)).contains(&history[1].at),
        "{:?}",
        history[1].at
    );
    assert_eq!((initiator.stats().ups, initiator.stats().flaps), (1, 1));
}

/// BFD-SB-07, RFC 7880 7.3.3: not faster than the reflector can take.
#[test]
fn the_reflector_sets_the_pace() {
    let slow = ReflectorConfig::new(vec![discr(TARGET)], ms(500));
    let mut reflector = Reflector::new(slow, 1).unwrap();
    let mut initiator = initiator(asking());
    talk(&mut initiator, &mut reflector, at(99_999.0), at(10_000.0));
    assert_eq!(initiator.detection_time(), millis(1500.0));
    assert!(
        (20..=28).contains(&initiator.stats().sent),
        "{}",
        initiator.stats().sent
    );
}

/// BFD-SB-06, RFC 7880 7.3.2: a reflector that says AdminDown is not to be used.
#[test]
fn a_reflector_may_refuse_itself() {
    let (mut initiator, mut reflector) = (initiator(asking()), reflector());
    talk(&mut initiator, &mut reflector, at(500.0), at(100.0));
    let refusing = ReflectorConfig::new(vec![discr(TARGET)], ms(20)).with_admin_down(true);
    let mut refusing = Reflector::new(refusing, 1).unwrap();
    let now = initiator.next_timeout().unwrap();
    initiator.handle_timeout(now);
    let asked = question(&mut initiator, now).unwrap();
    let answered = answer(&mut refusing, now, &asked).unwrap();
    hear(&mut initiator, now, &answered).unwrap();
    assert_eq!(initiator.state(), State::Down);
    assert_eq!(initiator.diagnostic(), Diagnostic::NEIGHBOR_DOWN);
    let SessionEvent::State(last) = std::iter::from_fn(|| initiator.poll_event())
        .last()
        .unwrap()
    else {
        panic!("no transition");
    };
    assert!(!last.is_failure(), "an operator's wish");
    assert_eq!(last.usable(), Some(false));
}

/// BFD-SB-05, RFC 7880 7.3.1: only the answer of whom we asked.
#[test]
fn answers_of_others_are_refused() {
    let (mut initiator, mut reflector) = (initiator(asking()), reflector());
    let asked = question(&mut initiator, at(0.0)).unwrap();
    let result = hear(&mut initiator, at(0.0), &asked);
    assert_eq!(
        result,
        Err(Rejected::Demand { found: true }),
        "our own question"
    );
    let good = answer(&mut reflector, at(0.0), &asked).unwrap();
    let mut wrong = good.clone();
    wrong[4..8].copy_from_slice(&9_u32.to_be_bytes());
    let result = hear(&mut initiator, at(0.0), &wrong);
    assert_eq!(result, Err(Rejected::Responder { found: discr(9) }));
    let mut wrong = good.clone();
    wrong[8..12].copy_from_slice(&9_u32.to_be_bytes());
    let result = hear(&mut initiator, at(0.0), &wrong);
    assert_eq!(
        result,
        Err(Rejected::UnknownDiscriminator { your: discr(9) })
    );
    assert_eq!(initiator.state(), State::Down);
    assert_eq!(initiator.stats().rejected.total(), 3);
    hear(&mut initiator, at(0.0), &good).unwrap();
    assert_eq!(initiator.state(), State::Up);
}

/// BFD-SB-08, RFC 7880 9: both directions with the same keys; and never without.
#[test]
fn questions_and_answers_are_authenticated() {
    for kind in [
        AuthKind::Simple,
        AuthKind::KeyedMd5,
        AuthKind::MeticulousSha1,
    ] {
        let mut initiator = initiator(asking().with_auth(auth(kind)));
        let config = ReflectorConfig::new(vec![discr(TARGET)], ms(20)).with_auth(auth(kind));
        let mut reflector = Reflector::new(config, 1).unwrap();
        talk(&mut initiator, &mut reflector, at(9999.0), at(3000.0));
        assert_eq!(initiator.state(), State::Up, "{kind:?}");
        let asked = encode(
            &Control {
                demand: true,
                your_discriminator: Some(discr(TARGET)),
                ..peer(State::Up)
            },
            &Signature::None,
        );
        let result = answer(&mut reflector, at(3000.0), &asked);
        assert_eq!(result, Err(AuthError::Missing.into()));
    }
}

/// The operator's word.
#[test]
fn an_initiator_can_be_held_down() {
    let (mut initiator, mut reflector) = (initiator(asking()), reflector());
    talk(&mut initiator, &mut reflector, at(500.0), at(100.0));
    let now = at(100.0);
    initiator.handle_event(now, Event::AdminDown);
    assert_eq!(initiator.state(), State::AdminDown);
    assert_eq!(initiator.next_timeout(), None);
    assert_eq!(question(&mut initiator, at(5000.0)), None);
    initiator.handle_event(at(5000.0), Event::AdminUp);
    assert_eq!(initiator.state(), State::Down);
    assert!(question(&mut initiator, at(5000.0)).is_some());
    let never = InitiatorConfig::new(discr(1), Micros::ZERO, mult(3));
    assert_eq!(
        initiator.reconfigure(never),
        Err(ConfigError::TransmitIntervalZero)
    );
    initiator
        .reconfigure(InitiatorConfig::new(discr(TARGET), ms(70), mult(5)))
        .unwrap();
    assert_eq!(initiator.config().detect_mult, mult(5));
}

/// RFC 5882 3.1: held down because of the path, and told so in as many words.
#[test]
fn an_initiator_can_be_told_that_the_path_is_down() {
    for up in [false, true] {
        let (mut initiator, mut reflector) = (initiator(asking()), reflector());
        if up {
            talk(&mut initiator, &mut reflector, at(500.0), at(100.0));
            assert_eq!(initiator.state(), State::Up);
        }
        initiator.handle_event(at(100.0), Event::PathDown);
        assert_eq!(initiator.state(), State::AdminDown);
        assert_eq!(initiator.diagnostic(), Diagnostic::PATH_DOWN);
        assert_eq!(initiator.history().last().unwrap().is_failure(), up);
        assert_eq!(question(&mut initiator, at(5000.0)), None);
    }
}

/// BFD-SB-08: it fails closed, and tells of each change once.
#[test]
fn without_a_good_key_nothing_is_asked() {
    let lifetime = Lifetime {
        from: Some(at(5000.0)),
        until: Some(at(9000.0)),
    };
    let key = Key::new(7, secret()).with_send(lifetime);
    let keys = AuthConfig::new(AuthKind::MeticulousSha1, vec![key]).unwrap();
    let mut initiator = initiator(asking().with_auth(Some(keys)));
    let mut now = at(0.0);
    while now < at(20_000.0) {
        initiator.handle_timeout(now);
        if question(&mut initiator, now).is_some() {
            assert!((at(5000.0)..at(9000.0)).contains(&now));
        }
        now = initiator.next_timeout().unwrap();
    }
    let told: Vec<_> = std::iter::from_fn(|| initiator.poll_event()).collect();
    let expected = [
        SessionEvent::NoKey,
        SessionEvent::KeyAgain,
        SessionEvent::NoKey,
    ];
    assert_eq!(told, expected);
    assert!(initiator.stats().sent > 0 && initiator.stats().unsigned > 0);
}

/// BFD-VAR-07: another type of authentication is another sequence, and the same type the same one.
#[test]
fn only_another_type_of_authentication_starts_the_sequence_anew() {
    let config = |kind| asking().with_auth(auth(kind));
    let reflecting = |kind| {
        let config = ReflectorConfig::new(vec![discr(TARGET)], ms(20)).with_auth(auth(kind));
        Reflector::new(config, 1).unwrap()
    };
    let (md5, sha1) = (AuthKind::MeticulousMd5, AuthKind::MeticulousSha1);
    let mut initiator = initiator(config(sha1));
    talk(&mut initiator, &mut reflecting(sha1), at(500.0), at(100.0));
    let now = at(110.0);
    // Another reflector counts from another number.
    let mut other = Reflector::new(
        ReflectorConfig::new(vec![discr(TARGET)], ms(20)).with_auth(auth(sha1)),
        99,
    )
    .unwrap();
    initiator.reconfigure(config(sha1)).unwrap();
    initiator.handle_timeout(later(now, millis(40.0)));
    let asked = question(&mut initiator, later(now, millis(40.0))).unwrap();
    let answered = answer(&mut other, now, &asked).unwrap();
    let result = hear(&mut initiator, now, &answered);
    assert!(
        matches!(result, Err(Rejected::Auth(AuthError::Sequence { .. }))),
        "{result:?}"
    );
    initiator.reconfigure(config(md5)).unwrap();
    initiator.handle_timeout(later(now, millis(100.0)));
    let asked = question(&mut initiator, later(now, millis(100.0))).unwrap();
    let answered = answer(&mut reflecting(md5), now, &asked).unwrap();
    assert_eq!(hear(&mut initiator, now, &answered), Ok(()));
}

/// BFD-SB-06: what is known of a reflector is what it has answered.
#[test]
fn a_reflector_is_known_by_its_answers() {
    let (mut initiator, mut reflector) = (initiator(asking()), reflector());
    let before = initiator.remote();
    assert_eq!((before.discriminator, before.heard), (None, None));
    let asked = question(&mut initiator, at(0.0)).unwrap();
    let answered = answer(&mut reflector, at(0.0), &asked).unwrap();
    hear(&mut initiator, at(7.0), &answered).unwrap();
    let after = initiator.remote();
    assert_eq!(after.discriminator, Some(discr(TARGET)));
    assert_eq!(after.state, State::Up);
    assert_eq!(after.required_min_rx, ms(20));
    assert_eq!(after.heard, Some(at(7.0)));
}

/// BFD-SB-09, BFD-SB-12, RFC 7881 2, 3: from a port of its own to 7784, and back to that port.
#[test]
fn a_table_has_initiators_too() {
    let mut table = Table::new(1);
    let path = Seamless {
        target: address(8),
        local: Some(address(2)),
    };
    let id = table
        .add(at(0.0), Definition::Seamless(path, asking()))
        .unwrap();
    let mut buffer: Buffer = [0; MAX_LEN];
    let transmit = table.poll_transmit(at(0.0), &mut buffer).unwrap();
    assert_eq!(transmit.destination_port, 7784);
    assert_ne!(transmit.source_port, 7784);
    let answered = answer(&mut reflector(), at(0.0), &buffer[..transmit.length]).unwrap();
    let mut rx = Rx {
        interface: INTERFACE,
        source: address(8),
        destination: address(2),
        destination_port: 3784,
        ttl: 61,
        payload: &answered,
    };
    let result = table.handle_packet(at(0.0), &rx);
    assert_eq!(result, Err(Rejected::Port { found: 3784 }));
    let rejected = |table: &Table| {
        let stats = table.member(id).unwrap().initiator().unwrap().stats();
        stats.rejected.of(&Rejected::Port { found: 0 })
    };
    assert_eq!(rejected(&table), 1);
    table.clear_stats();
    assert_eq!(rejected(&table), 0);
    rx.destination_port = transmit.source_port;
    assert_eq!(table.handle_packet(at(0.0), &rx), Ok(id));
    let member = table.member(id).unwrap();
    assert_eq!(member.remote().state, State::Up);
    assert_eq!(member.remote().discriminator, Some(discr(TARGET)));
    assert_eq!(member.history().len(), 1);
    assert!(member.timers().detection_time.is_some());
    // One socket may do for all of them.
    table.set_seamless_port(false, 40_000);
    assert_eq!(table.source_port(id), Some(40_000));
    let six = Seamless {
        target: "2001:db8::8".parse().unwrap(),
        local: None,
    };
    let six = table
        .add(at(0.0), Definition::Seamless(six, asking()))
        .unwrap();
    assert_ne!(six.get(), id.get());
    assert_ne!(table.source_port(six), Some(40_000), "that is of IPv4");
    table.set_seamless_port(true, 40_001);
    assert_eq!(table.source_port(six), Some(40_001));
    assert_eq!(table.source_port(id), Some(40_000));
    table.remove(six);
    assert_eq!(
        table.handle_packet(at(0.0), &rx),
        Err(Rejected::Port {
            found: transmit.source_port
        })
    );
    rx.destination_port = 40_000;
    assert_eq!(table.handle_packet(at(0.0), &rx), Ok(id));
    let again = table.poll_transmit(at(0.0), &mut buffer).unwrap();
    assert_eq!(again.source_port, 40_000);
    let initiator = table.member(id).unwrap().initiator().unwrap();
    assert_eq!(initiator.state(), State::Up);
    let slower = InitiatorConfig::new(discr(TARGET), ms(70), mult(3));
    let reload = table
        .reload(at(1.0), vec![Definition::Seamless(path, slower)])
        .unwrap();
    assert_eq!(reload.changed, [id]);
    let initiator = table.member(id).unwrap().initiator().unwrap();
    assert_eq!(initiator.config().desired_min_tx, ms(70));
    table.retire(at(1.0), id);
    table.handle_timeout(at(1.0));
    assert!(table.member(id).is_none());
}
