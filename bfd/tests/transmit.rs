//! Transmission, RFC 5880 6.8.7.

mod common;

use bfd::{
    AuthKind, Control, Diagnostic, EmitError, Event, MAX_LEN, Micros, Session, Signature, State,
};
use common::*;

/// The gaps between the packets that a session sends while its peer says this.
fn gaps(session: &mut Session, control: Control, count: usize) -> Vec<f64> {
    let start = at(10.0);
    let end = later(start, millis(count as f64 * 50.0));
    let sent = run_with(session, start, end, control);
    let times: Vec<_> = sent
        .iter()
        .map(|(at, _)| at.as_nanos() as f64 / 1e6)
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// BFD-TX-01.
#[test]
fn the_slower_side_decides() {
    let (mut session, now) = up(config());
    for (theirs, expected) in [(20, 50), (50, 50), (100, 100)] {
        let control = Control {
            required_min_rx: ms(theirs),
            ..peer(State::Up)
        };
        hear(&mut session, now, control).unwrap();
        assert_eq!(session.timers().transmit_interval, ms(expected));
    }
}

/// BFD-TX-02: on the wire, not only in the arithmetic.
#[test]
fn packets_are_between_three_quarters_and_the_whole_interval_apart() {
    let (mut session, _) = up(config());
    let gaps = gaps(&mut session, peer(State::Up), 2000);
    assert!(gaps.len() > 2000, "{}", gaps.len());
    assert!(gaps.iter().all(|gap| (37.5..=50.0).contains(gap)));
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!((43.4..44.1).contains(&mean), "{mean}");
}

/// BFD-TX-03.
#[test]
fn a_lone_packet_is_at_most_nine_tenths_of_the_interval_late() {
    let mut lone = config();
    lone.detect_mult = mult(1);
    let (mut session, _) = up(lone);
    let gaps = gaps(&mut session, peer(State::Up), 2000);
    assert!(gaps.iter().all(|gap| (37.5..=45.0).contains(gap)));
}

/// BFD-TX-04, BFD-VAR-05.
#[test]
fn a_session_that_is_not_up_sends_once_a_second_and_says_so() {
    for state in [State::AdminDown, State::Down] {
        let (mut session, now) = in_state(config(), state);
        let sent = run(&mut session, later(now, millis(20_000.0)));
        assert!((20..=27).contains(&sent.len()), "{}", sent.len());
        assert!(sent.iter().all(|(_, s)| s.desired_min_tx == Micros::SECOND));
    }
    let (session, _) = in_state(config().with_idle_tx(ms(3000)), State::Init);
    assert_eq!(session.timers().desired_min_tx, ms(3000));
    let mut slow = config();
    slow.desired_min_tx = ms(5000);
    let (session, _) = in_state(slow, State::Init);
    assert_eq!(session.timers().desired_min_tx, ms(5000));
}

/// BFD-TX-05.
#[test]
fn a_shorter_interval_moves_the_packet_that_is_waiting() {
    let (mut session, now) = up(config());
    let slow = Control {
        required_min_rx: ms(10_000),
        ..peer(State::Up)
    };
    hear(&mut session, now, slow).unwrap();
    assert!(run(&mut session, at(90.0)).is_empty());
    assert!(session.clone().next_timeout().unwrap() > at(90.0));
    let mut other = session.clone();
    // Not due yet at the shorter interval, and overdue.
    hear(&mut session, at(30.0), peer(State::Up)).unwrap();
    let next = session.next_timeout().unwrap();
    assert!((at(47.5)..=at(60.0)).contains(&next), "{next:?}");
    hear(&mut other, at(100.0), peer(State::Up)).unwrap();
    assert_eq!(sent(&mut other, at(100.0)).len(), 1);
}

/// BFD-TX-06, BFD-MH-05.
#[test]
fn a_passive_session_waits_to_be_spoken_to() {
    let mut session = session(passive());
    assert!(run(&mut session, at(60_000.0)).is_empty());
    assert!(sent(&mut session, at(60_000.0)).is_empty());
    hear(&mut session, at(60_000.0), peer(State::Down)).unwrap();
    assert_eq!(sent_one(&mut session, at(60_000.0)).state, State::Init);
    // After a detection time of silence it has nothing to say again.
    run(&mut session, at(64_000.0));
    assert_eq!(session.state(), State::Down);
    assert!(run(&mut session, at(90_000.0)).is_empty());
}

/// BFD-TX-07.
#[test]
fn a_peer_that_wants_no_packets_gets_none_but_answers() {
    let (mut session, now) = up(config());
    let deaf = Control {
        required_min_rx: Micros::ZERO,
        ..peer(State::Up)
    };
    let sent = run_with(&mut session, now, at(2000.0), deaf);
    assert!(sent.is_empty(), "{sent:?}");
    let asking = Control { poll: true, ..deaf };
    hear(&mut session, at(2000.0), asking).unwrap();
    assert!(sent_one(&mut session, at(2000.0)).final_bit);
}

/// BFD-TX-08, BFD-DM-02.
#[test]
fn a_peer_in_demand_mode_gets_no_packets_unless_they_poll() {
    let (mut session, now) = up(config());
    let demanding = Control {
        demand: true,
        ..peer(State::Up)
    };
    assert!(run_with(&mut session, now, at(2000.0), demanding).is_empty());
    assert_eq!(session.demand_active(), (false, true));
    let mut faster = config();
    faster.desired_min_tx = ms(40);
    session.reconfigure(at(2000.0), faster).unwrap();
    let sent = run_with(&mut session, at(2000.0), at(2200.0), demanding);
    assert!(sent.len() >= 4 && sent.iter().all(|(_, s)| s.poll));
}

/// BFD-TX-09.
#[test]
fn an_answer_does_not_touch_the_schedule() {
    let (mut session, now) = up(config());
    let before = session.next_timeout();
    let asking = Control {
        poll: true,
        ..peer(State::Up)
    };
    for _ in 0..20 {
        hear(&mut session, now, asking).unwrap();
        assert!(sent_one(&mut session, now).final_bit);
    }
    assert_eq!(session.next_timeout(), before);
}

/// BFD-TX-09: however many polls are waiting, one answer is enough.
#[test]
fn polls_that_were_not_answered_yet_get_one_answer() {
    let (mut session, now) = up(config());
    let asking = Control {
        poll: true,
        ..peer(State::Up)
    };
    for _ in 0..20 {
        hear(&mut session, now, asking).unwrap();
    }
    assert!(sent_one(&mut session, now).final_bit);
}

/// BFD-TX-10.
#[test]
fn poll_and_final_never_go_together() {
    let (mut session, now) = in_state(config(), State::Init);
    let asking = Control {
        poll: true,
        ..peer(State::Up)
    };
    hear(&mut session, now, asking).unwrap();
    assert!(session.is_polling());
    let first = sent(&mut session, now);
    assert!(first[0].final_bit && !first[0].poll);
    let next = run(&mut session, later(now, millis(1000.0)));
    assert!(next[0].1.poll && !next[0].1.final_bit);
    let both = Control {
        poll: true,
        final_bit: true,
        ..peer(State::Up)
    };
    let mut out = [7; MAX_LEN];
    let result = both.emit(&Signature::None, &mut out);
    assert_eq!(result, Err(EmitError::PollAndFinal));
    assert_eq!(out, [7; MAX_LEN]);
}

/// BFD-TX-11, BFD-TX-14.
#[test]
fn every_field_says_what_it_should() {
    let (mut session, now) = up(config()
        .with_control_plane_independent(true)
        .with_required_min_echo_rx(ms(33)));
    session.handle_event(now, Event::ForwardingReset);
    let packets = octets(&mut session, now);
    let expected = "2468 0318 11111111 22222222 000f4240 0000c350 000080e8";
    let hex: String = packets[0]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    assert_eq!(hex, expected.replace(' ', ""));

    let (mut session, now) = in_state(config(), State::Down);
    hear(&mut session, now, peer(State::Down)).unwrap();
    let plain = sent_one(&mut session, now);
    assert!(plain.required_min_echo_rx.is_zero());
    assert!(!plain.control_plane_independent && !plain.demand && !plain.poll);
    assert_eq!(plain.diagnostic, Diagnostic::NONE);
    assert_eq!(plain.detect_mult, mult(3));
    assert_eq!(plain.your_discriminator, Some(discr(REMOTE)));
}

/// BFD-TX-11: A if and only if authenticated, with the length to go with it.
#[test]
fn the_length_tells_of_the_authentication() {
    for (kind, length) in [
        (None, 24),
        (Some(AuthKind::Simple), 35),
        (Some(AuthKind::KeyedMd5), 48),
        (Some(AuthKind::MeticulousSha1), 52),
    ] {
        let auth = kind.and_then(auth);
        let mut session = session(config().with_auth(auth));
        let packets = octets(&mut session, at(0.0));
        assert_eq!(packets[0].len(), length);
        assert_eq!(usize::from(packets[0][3]), length);
        assert_eq!(packets[0][1] & 0x04 != 0, kind.is_some());
    }
}

/// BFD-TX-12: news between two periods, and no more than once.
#[test]
fn news_is_sent_between_two_periods_once() {
    let (mut session, now) = up(config());
    let mut other = config();
    other.detect_mult = mult(7);
    session.reconfigure(now, other).unwrap();
    let told = sent_one(&mut session, now);
    assert_eq!(told.detect_mult, mult(7));
    assert!(sent(&mut session, now).is_empty());
}

/// An output buffer that is too small is left alone.
#[test]
fn a_packet_that_does_not_fit_is_not_written() {
    let mut out = [7; 23];
    let error = peer(State::Up).emit(&Signature::None, &mut out);
    assert_eq!(
        error,
        Err(EmitError::BufferTooSmall {
            needed: 24,
            got: 23
        })
    );
    assert_eq!(out, [7; 23]);
}
