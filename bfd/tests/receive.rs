//! Reception, RFC 5880 6.8.6, rule by rule.

mod common;

use bfd::{
    AuthError, AuthKind, Control, ControlPacket, Diagnostic, Discriminator, Event, Micros,
    ParseError, Rejected, SessionEvent, Signature, State,
};
use common::*;

fn parse(change: impl FnOnce(&mut Vec<u8>)) -> Result<(), ParseError> {
    let mut octets = encode(&peer(State::Up), &Signature::None);
    change(&mut octets);
    ControlPacket::parse(&octets).map(|_| ())
}

/// BFD-RX-01.
#[test]
fn only_version_1_is_understood() {
    for found in (0..8).filter(|version| *version != 1) {
        let result = parse(|octets| octets[0] = found << 5);
        assert_eq!(result, Err(ParseError::Version { found }));
    }
}

/// BFD-RX-02, BFD-RX-03, BFD-RX-23.
#[test]
fn the_length_has_to_fit_the_packet_and_the_payload() {
    for length in 0..24 {
        let result = parse(|octets| octets[3] = length);
        assert_eq!(result, Err(ParseError::LengthTooShort { length }));
    }
    for length in [24, 25] {
        let result = parse(|octets| {
            octets[1] |= 0x04;
            octets[3] = length;
            octets.resize(30, 0);
        });
        assert_eq!(result, Err(ParseError::LengthTooShort { length }));
    }
    for length in 25..=255 {
        let result = parse(|octets| octets[3] = length);
        assert_eq!(
            result,
            Err(ParseError::LengthExceedsPayload { length, got: 24 })
        );
    }
    for got in 0..4 {
        let result = parse(|octets| octets.truncate(got));
        assert_eq!(result, Err(ParseError::Truncated { got }));
    }
    assert_eq!(parse(|octets| octets.resize(1500, 0xff)), Ok(()));
    let mut octets = encode(&peer(State::Up), &Signature::None);
    octets.resize(60, 0xff);
    assert_eq!(ControlPacket::parse(&octets).unwrap().octets().len(), 24);
}

/// BFD-RX-04.
#[test]
fn a_detection_multiplier_of_0_is_refused() {
    assert_eq!(
        parse(|octets| octets[2] = 0),
        Err(ParseError::DetectMultZero)
    );
}

/// BFD-RX-05.
#[test]
fn multipoint_packets_are_refused() {
    assert_eq!(parse(|octets| octets[1] |= 1), Err(ParseError::Multipoint));
}

/// BFD-RX-06.
#[test]
fn a_sender_without_discriminator_is_refused() {
    let result = parse(|octets| octets[4..8].fill(0));
    assert_eq!(result, Err(ParseError::MyDiscriminatorZero));
}

/// BFD-RX-08.
#[test]
fn a_sender_in_init_or_up_has_to_know_us() {
    for (state, bits) in [(State::Init, 0x80), (State::Up, 0xc0)] {
        let result = parse(|octets| {
            octets[1] = bits;
            octets[8..12].fill(0);
        });
        assert_eq!(result, Err(ParseError::YourDiscriminatorZero { state }));
    }
    for bits in [0x00, 0x40] {
        let result = parse(|octets| {
            octets[1] = bits;
            octets[8..12].fill(0);
        });
        assert_eq!(result, Ok(()));
    }
}

/// BFD-RX-07: here by a session alone; the table's part is in `table.rs`.
#[test]
fn a_packet_for_another_session_is_discarded() {
    let (mut session, now) = up(config());
    let your = discr(9);
    let control = Control {
        your_discriminator: Some(your),
        ..peer(State::Down)
    };
    let result = hear(&mut session, now, control);
    assert_eq!(result, Err(Rejected::UnknownDiscriminator { your }));
    assert_eq!(session.state(), State::Up);
    assert_eq!(session.stats().rejected.total(), 1);
    assert_eq!(session.stats().rejected.of(&result.unwrap_err()), 1);
}

/// BFD-RX-11.
#[test]
fn an_authenticated_packet_is_discarded_where_nobody_authenticates() {
    let (mut session, now) = up(config());
    let result = hear_signed(&mut session, now, peer(State::Down), AuthKind::Simple, 0);
    assert_eq!(result, Err(AuthError::Unexpected.into()));
    assert_eq!(session.state(), State::Up);
}

/// BFD-RX-12.
#[test]
fn a_packet_without_authentication_is_discarded_where_it_is_needed() {
    let (mut session, now) = up(config().with_auth(auth(AuthKind::KeyedSha1)));
    let result = hear(&mut session, now, peer(State::Down));
    assert_eq!(result, Err(AuthError::Missing.into()));
    assert_eq!(session.state(), State::Up);
}

/// BFD-RX-13: the rest is in `auth.rs`.
#[test]
fn an_authenticated_packet_is_taken_where_it_is_needed() {
    let kind = AuthKind::KeyedSha1;
    let (mut session, now) = up(config().with_auth(auth(kind)));
    hear_signed(&mut session, now, peer(State::Down), kind, 108).unwrap();
    assert_eq!(session.state(), State::Down);
}

/// BFD-RX-14, BFD-RX-16.
#[test]
fn what_the_other_side_says_of_itself_is_noted() {
    let (mut session, now) = up(config());
    let control = Control {
        diagnostic: Diagnostic::CONCATENATED_PATH_DOWN,
        demand: true,
        detect_mult: mult(5),
        required_min_rx: ms(70),
        required_min_echo_rx: ms(9),
        desired_min_tx: ms(80),
        ..peer(State::Up)
    };
    hear(&mut session, now, control).unwrap();
    let remote = session.remote();
    assert_eq!(remote.discriminator, Some(discr(REMOTE)));
    assert_eq!(remote.state, State::Up);
    assert_eq!(remote.diagnostic, Diagnostic::CONCATENATED_PATH_DOWN);
    assert!(remote.demand);
    assert_eq!(remote.detect_mult, Some(mult(5)));
    assert_eq!(remote.required_min_rx, ms(70));
    assert_eq!(remote.required_min_echo_rx, ms(9));
    assert_eq!(remote.desired_min_tx, ms(80));
    assert_eq!(remote.heard, Some(now));
    let timers = session.timers();
    assert_eq!(timers.detection_time, Some(millis(400.0)));
    assert_eq!(timers.transmit_interval, ms(70));
}

/// BFD-RX-17.
#[test]
fn a_final_ends_the_poll() {
    let (mut session, now) = in_state(config(), State::Init);
    hear(&mut session, now, peer(State::Up)).unwrap();
    assert!(session.is_polling());
    assert!(sent_one(&mut session, now).poll);
    let control = Control {
        final_bit: true,
        ..peer(State::Up)
    };
    hear(&mut session, now, control).unwrap();
    assert!(!session.is_polling());
}

/// BFD-RX-17: an answer to what was never asked.
#[test]
fn a_final_without_a_poll_on_the_wire_changes_nothing() {
    let (mut session, now) = in_state(config(), State::Init);
    hear(&mut session, now, peer(State::Up)).unwrap();
    let control = Control {
        final_bit: true,
        ..peer(State::Up)
    };
    hear(&mut session, now, control).unwrap();
    assert!(session.is_polling());
}

/// BFD-RX-18.
#[test]
fn a_session_that_is_held_down_notes_and_discards() {
    let (mut session, now) = in_state(config(), State::AdminDown);
    let before = session.stats().received;
    let control = Control {
        poll: true,
        required_min_rx: ms(70),
        ..peer(State::Init)
    };
    assert_eq!(hear(&mut session, now, control), Err(Rejected::AdminDown));
    assert_eq!(session.state(), State::AdminDown);
    assert_eq!(session.remote().required_min_rx, ms(70));
    assert_eq!(session.stats().received, before);
    assert!(sent(&mut session, now).is_empty(), "no final");
}

/// BFD-RX-20: demand mode of the other side is decided with every packet.
#[test]
fn periodic_packets_stop_and_resume_as_the_other_side_wants() {
    let (mut session, now) = up(config());
    let control = Control {
        demand: true,
        ..peer(State::Up)
    };
    hear(&mut session, now, control).unwrap();
    assert!(!session.is_sending());
    hear(&mut session, now, peer(State::Up)).unwrap();
    assert!(session.is_sending());
}

/// BFD-RX-21.
#[test]
fn a_poll_is_answered_at_once_in_every_state() {
    for state in [State::Down, State::Init, State::Up] {
        let (mut session, now) = in_state(config(), state);
        let control = Control {
            poll: true,
            ..peer(State::Init)
        };
        hear(&mut session, now, control).unwrap();
        let first = sent(&mut session, now)[0];
        assert!(first.final_bit && !first.poll, "{state:?}");
        assert_eq!(session.stats().finals, 1);
    }
}

/// BFD-RX-22: garbage and forgery do not keep a session alive.
#[test]
fn discarded_packets_do_not_restart_the_detection_timer() {
    let (mut session, start) = up(config());
    let mut now = start;
    while now < later(start, millis(150.0)) {
        let control = Control {
            your_discriminator: Some(discr(9)),
            ..peer(State::Up)
        };
        hear(&mut session, now, control).unwrap_err();
        let signed = hear_signed(&mut session, now, peer(State::Up), AuthKind::KeyedMd5, 1);
        assert_eq!(signed, Err(AuthError::Unexpected.into()));
        session.handle_timeout(now);
        assert_eq!(session.state(), State::Up);
        now = later(now, millis(1.0));
    }
    session.handle_timeout(now);
    assert_eq!(session.state(), State::Down);
    assert_eq!(session.diagnostic(), Diagnostic::TIME_EXPIRED);
}

/// BFD-RX-24.
#[test]
fn poll_and_final_together_are_answered_counted_and_told_once() {
    let (mut session, now) = up(config());
    // The library refuses to write such a packet.
    let mut octets = encode(&peer(State::Up), &Signature::None);
    octets[1] |= 0x30;
    let packet = ControlPacket::parse(&octets).unwrap();
    for _ in 0..3 {
        session.handle_packet(now, &packet).unwrap();
        assert!(sent_one(&mut session, now).final_bit);
    }
    assert_eq!(session.stats().poll_and_final, 3);
    assert_eq!(events(&mut session), [SessionEvent::PollAndFinal]);
}

/// BFD-RX-25.
#[test]
fn a_transmit_interval_of_0_counts_as_0_and_is_told_once() {
    let (mut session, now) = up(config());
    let control = Control {
        desired_min_tx: Micros::ZERO,
        ..peer(State::Up)
    };
    for _ in 0..3 {
        hear(&mut session, now, control).unwrap();
    }
    assert_eq!(session.timers().detection_time, Some(millis(150.0)));
    assert_eq!(events(&mut session), [SessionEvent::TransmitIntervalZero]);
}

/// BFD-RX-26.
#[test]
fn the_other_side_may_change_its_discriminator_in_mid_session() {
    let (mut session, now) = up(config());
    let control = Control {
        my_discriminator: discr(77),
        ..peer(State::Up)
    };
    hear(&mut session, now, control).unwrap();
    assert_eq!(session.state(), State::Up);
    let told = [SessionEvent::RemoteDiscriminator(Discriminator::new(77))];
    assert_eq!(events(&mut session), told);
    assert_eq!(
        sent_one(&mut session, now).your_discriminator,
        Some(discr(77))
    );
}

/// Every reason has an index and a name of its own.
#[test]
fn reasons_have_distinct_names() {
    let names: std::collections::BTreeSet<_> = Rejected::names().collect();
    assert_eq!(names.len(), Rejected::COUNT);
    let (mut session, now) = in_state(config(), State::AdminDown);
    hear(&mut session, now, peer(State::Up)).unwrap_err();
    let counted: Vec<_> = session
        .stats()
        .rejected
        .iter()
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(counted, [("admin_down", 1)]);
    session.clear_stats();
    assert_eq!(session.stats().rejected.total(), 0);
    session.handle_event(now, Event::AdminUp);
    assert_eq!(session.state(), State::Down);
}
