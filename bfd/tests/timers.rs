//! Negotiation of intervals and poll sequences, RFC 5880 6.5 and 6.8.2 to 6.8.4.

mod common;

use std::time::Duration;

use bfd::{BackOff, Control, Event, Micros, SessionConfig, SessionEvent, State};
use common::*;

fn final_of(state: State) -> Control {
    Control {
        final_bit: true,
        ..peer(state)
    }
}

fn with_intervals(tx: u32, rx: u32) -> SessionConfig {
    SessionConfig::new(ms(tx), ms(rx), mult(3))
}

/// BFD-TM-01.
#[test]
fn the_detection_time_is_their_multiplier_times_the_agreed_interval() {
    let (mut session, now) = up(config());
    for (theirs, multiplier, expected) in [(300, 3, 900.0), (10, 5, 250.0), (50, 1, 50.0)] {
        let control = Control {
            desired_min_tx: ms(theirs),
            detect_mult: mult(multiplier),
            ..peer(State::Up)
        };
        hear(&mut session, now, control).unwrap();
        assert_eq!(session.timers().detection_time, Some(millis(expected)));
    }
}

/// BFD-TM-02, BFD-DM-05: see also `demand.rs`.
#[test]
fn in_demand_mode_the_detection_time_is_ours_and_starts_with_the_first_poll() {
    let (mut session, now) = up(config().with_demand(bfd::Demand::On));
    let slow = Control {
        required_min_rx: ms(100),
        ..final_of(State::Up)
    };
    // The poll that carries D is answered.
    hear(&mut session, now, slow).unwrap();
    let quiet = at(60_000.0);
    run(&mut session, quiet);
    assert_eq!(session.state(), State::Up, "silence was asked for");
    session.handle_event(quiet, Event::Verify);
    run(&mut session, later(quiet, millis(299.0)));
    assert_eq!(session.state(), State::Up);
    run(&mut session, later(quiet, millis(401.0)));
    assert_eq!(session.state(), State::Down, "3 x 100 ms after the first P");
}

/// BFD-TM-03, BFD-TM-07.
#[test]
fn a_new_interval_is_polled_until_it_is_answered() {
    for changed in [
        with_intervals(40, 50),
        with_intervals(50, 60),
        with_intervals(70, 20),
    ] {
        let (mut session, now) = up(config());
        session.reconfigure(now, changed.clone()).unwrap();
        let first = sent_one(&mut session, now);
        assert!(first.poll);
        assert_eq!(first.desired_min_tx, changed.desired_min_tx);
        assert_eq!(first.required_min_rx, changed.required_min_rx);
        let more = run_with(&mut session, now, at(210.0), peer(State::Up));
        assert!(
            (3..=7).contains(&more.len()),
            "as many as without a poll: {more:?}"
        );
        assert!(more.iter().all(|(_, sent)| sent.poll));
        hear(&mut session, at(210.0), final_of(State::Up)).unwrap();
        let after = run_with(&mut session, at(210.0), at(500.0), peer(State::Up));
        assert!(after.iter().all(|(_, sent)| !sent.poll));
        assert_eq!(session.stats().polls, 2, "one of them for coming up");
    }
}

/// BFD-TM-04.
#[test]
fn a_longer_transmit_interval_waits_for_the_answer() {
    let (mut session, now) = up(config());
    session.reconfigure(now, with_intervals(200, 50)).unwrap();
    assert_eq!(sent_one(&mut session, now).desired_min_tx, ms(200));
    assert_eq!(session.timers().transmit_interval, ms(50));
    hear(&mut session, now, final_of(State::Up)).unwrap();
    assert_eq!(session.timers().transmit_interval, ms(200));
}

/// BFD-TM-05.
#[test]
fn a_shorter_receive_interval_waits_for_the_answer() {
    let (mut session, now) = up(config());
    let fast = Control {
        desired_min_tx: ms(10),
        ..peer(State::Up)
    };
    session.reconfigure(now, with_intervals(50, 10)).unwrap();
    assert_eq!(sent_one(&mut session, now).required_min_rx, ms(10));
    hear(&mut session, now, fast).unwrap();
    assert_eq!(session.timers().detection_time, Some(millis(150.0)));
    let answer = Control {
        final_bit: true,
        ..fast
    };
    hear(&mut session, now, answer).unwrap();
    assert_eq!(session.timers().detection_time, Some(millis(30.0)));
}

/// BFD-TM-06.
#[test]
fn other_changes_act_at_once() {
    let (mut session, now) = up(config());
    session.reconfigure(now, with_intervals(20, 80)).unwrap();
    let timers = session.timers();
    assert_eq!(timers.transmit_interval, ms(50), "they still ask for 50");
    assert_eq!(timers.detection_time, Some(millis(240.0)));
    let fast = Control {
        required_min_rx: ms(10),
        ..peer(State::Up)
    };
    hear(&mut session, now, fast).unwrap();
    assert_eq!(session.timers().transmit_interval, ms(20));
}

/// BFD-TM-08.
#[test]
fn a_second_change_waits_for_its_own_poll() {
    let (mut session, now) = up(config());
    session.reconfigure(now, with_intervals(60, 50)).unwrap();
    assert_eq!(sent_one(&mut session, now).desired_min_tx, ms(60));
    session.reconfigure(now, with_intervals(70, 50)).unwrap();
    let more = run_with(&mut session, now, at(100.0), peer(State::Up));
    let last = more.last().unwrap().0;
    assert!(more.iter().all(|(_, sent)| sent.desired_min_tx == ms(60)));
    hear(&mut session, at(100.0), final_of(State::Up)).unwrap();
    assert_eq!(session.timers().transmit_interval, ms(60));
    // There were several polls, so there may be more answers; with other packets in between.
    for control in [final_of(State::Up), peer(State::Up), final_of(State::Up)] {
        hear(&mut session, at(101.0), control).unwrap();
        assert!(!session.is_polling());
    }
    // The answer has taken 90 ms.
    let settled = later(last, millis(180.0));
    run_with(
        &mut session,
        at(101.0),
        later(last, millis(179.0)),
        peer(State::Up),
    );
    assert!(!session.is_polling());
    let second = run(&mut session, settled);
    assert!(session.is_polling());
    let (_, second) = second.last().unwrap();
    assert!(second.poll);
    assert_eq!(second.desired_min_tx, ms(70));
    hear(&mut session, settled, final_of(State::Up)).unwrap();
    assert_eq!(session.timers().transmit_interval, ms(70));
}

/// BFD-TM-08: with one P and one F there is not much to wait for.
#[test]
fn the_next_poll_comes_a_round_trip_later() {
    let (mut session, now) = up(config());
    session.reconfigure(now, with_intervals(60, 50)).unwrap();
    sent(&mut session, now);
    session.reconfigure(now, with_intervals(70, 50)).unwrap();
    let slow = Control {
        desired_min_tx: ms(5000),
        ..final_of(State::Up)
    };
    hear(&mut session, later(now, millis(4.0)), slow).unwrap();
    run(&mut session, later(now, millis(7.9)));
    assert!(!session.is_polling());
    run(&mut session, later(now, millis(8.0)));
    assert!(session.is_polling());
    assert_eq!(session.timers().desired_min_tx, ms(70));
}

/// BFD-TM-08: an answer that took very long does not keep the next poll waiting for ever.
#[test]
fn the_next_poll_waits_two_seconds_at_most() {
    let (mut session, start) = up(config());
    session.reconfigure(start, with_intervals(60, 50)).unwrap();
    sent(&mut session, start);
    session.reconfigure(start, with_intervals(70, 50)).unwrap();
    let mut now = at(60_000.0);
    run_with(&mut session, start, now, peer(State::Up));
    hear(&mut session, now, final_of(State::Up)).unwrap();
    run_with(
        &mut session,
        now,
        later(now, millis(1900.0)),
        peer(State::Up),
    );
    assert!(!session.is_polling());
    now = later(now, millis(1900.0));
    run_with(
        &mut session,
        now,
        later(now, millis(120.0)),
        peer(State::Up),
    );
    assert!(session.is_polling());
}

/// BFD-TM-05, BFD-TM-08: the offer of a session that is not up may change while a poll sequence runs, and
/// an answer does not say which P it is for. It is one to the present offer when no other was polled.
#[test]
fn an_answer_to_a_poll_of_two_offers_puts_neither_in_force() {
    let (mut session, now) = in_state(config(), State::Init);
    let fast = |final_bit| Control {
        desired_min_tx: ms(10),
        final_bit,
        ..peer(State::Down)
    };
    session.reconfigure(now, with_intervals(50, 40)).unwrap();
    let first = sent_one(&mut session, now);
    assert!(first.poll && first.required_min_rx == ms(40));
    session.reconfigure(now, with_intervals(50, 20)).unwrap();
    assert_eq!(sent_one(&mut session, now).required_min_rx, ms(20));
    let answered = later(now, millis(4.0));
    hear(&mut session, answered, fast(true)).unwrap();
    assert!(!session.is_polling());
    assert_eq!(session.timers().detection_time, Some(millis(150.0)));
    // A round trip later the present offer is polled alone.
    let again = later(now, millis(8.0));
    run(&mut session, again);
    assert!(session.is_polling());
    hear(&mut session, again, fast(false)).unwrap();
    let second = later(now, millis(1008.0));
    let more = run_with(&mut session, again, second, fast(false));
    assert!(
        more.iter()
            .any(|(_, sent)| sent.poll && sent.required_min_rx == ms(20))
    );
    assert_eq!(session.timers().detection_time, Some(millis(150.0)));
    hear(&mut session, second, fast(true)).unwrap();
    assert_eq!(session.timers().detection_time, Some(millis(60.0)));
}

/// BFD-TM-09.
#[test]
fn an_answer_already_carries_new_values() {
    let (mut session, now) = up(config());
    let asking = Control {
        poll: true,
        ..peer(State::Up)
    };
    hear(&mut session, now, asking).unwrap();
    session.reconfigure(now, with_intervals(40, 30)).unwrap();
    let answer = sent(&mut session, now)[0];
    assert!(answer.final_bit);
    assert_eq!(
        (answer.desired_min_tx, answer.required_min_rx),
        (ms(40), ms(30))
    );
}

/// BFD-TM-10.
#[test]
fn coming_up_lifts_the_floor_with_a_poll() {
    let (mut session, now) = in_state(config(), State::Init);
    hear(&mut session, now, peer(State::Init)).unwrap();
    let first = sent_one(&mut session, now);
    assert_eq!(first.state, State::Up);
    assert!(first.poll);
    assert_eq!(first.desired_min_tx, ms(50));
    assert_eq!(session.timers().transmit_interval, ms(50));
    let (mut slow, now) = in_state(with_intervals(1000, 1000), State::Init);
    hear(&mut slow, now, peer(State::Init)).unwrap();
    assert!(!sent_one(&mut slow, now).poll, "nothing has changed");
}

/// BFD-TM-11.
#[test]
fn the_floor_is_back_at_once_when_the_session_goes_down() {
    let (mut session, now) = up(config());
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert_eq!(session.timers().transmit_interval, Micros::SECOND);
    let told = sent_one(&mut session, now);
    assert_eq!(told.desired_min_tx, Micros::SECOND);
    // Even in the middle of another poll.
    let (mut session, now) = up(config());
    session.reconfigure(now, with_intervals(200, 20)).unwrap();
    sent(&mut session, now);
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert_eq!(session.timers().transmit_interval, Micros::SECOND);
    assert_eq!(sent_one(&mut session, now).required_min_rx, ms(20));
}

/// BFD-TM-12, RFC 7419; and what is wanted goes on the wire as it is.
#[test]
fn the_common_intervals_are_supported() {
    for micros in [3300, 10_000, 20_000, 50_000, 100_000, 1_000_000, 10_000_000] {
        let interval = Micros::new(micros);
        let mut any = SessionConfig::new(interval, interval, mult(255));
        any.check().unwrap();
        any.idle_tx = ms(999);
        any.check().unwrap_err();
        let (session, _) = up(SessionConfig::new(interval, interval, mult(255)));
        assert_eq!(session.timers().desired_min_tx, interval);
        assert_eq!(session.timers().required_min_rx, interval);
    }
    SessionConfig::new(Micros::ZERO, ms(1), mult(1))
        .check()
        .unwrap_err();
    SessionConfig::new(ms(1), Micros::ZERO, mult(1))
        .check()
        .unwrap_err();
}

/// BFD-TM-13.
#[test]
fn another_multiplier_takes_no_poll() {
    let (mut session, now) = up(config());
    let mut other = config();
    other.detect_mult = mult(9);
    session.reconfigure(now, other).unwrap();
    assert!(!session.is_polling());
    let told = sent_one(&mut session, now);
    assert_eq!((told.detect_mult, told.poll), (mult(9), false));
}

/// A poll of a session that has lost its peer ends with the peer.
#[test]
fn a_poll_that_nobody_can_answer_ends() {
    let (mut session, now) = up(config());
    session.reconfigure(now, with_intervals(60, 20)).unwrap();
    run(&mut session, later(now, millis(150.0)));
    assert_eq!(session.state(), State::Down);
    assert!(!session.is_polling());
    // What was on offer is in force, since nobody depends on anything else.
    hear(&mut session, at(200.0), peer(State::Init)).unwrap();
    assert_eq!(session.state(), State::Up);
    let control = Control {
        desired_min_tx: ms(10),
        ..peer(State::Up)
    };
    hear(&mut session, at(200.0), control).unwrap();
    assert_eq!(session.timers().detection_time, Some(millis(60.0)));
}

/// BFD-MH-06.
#[test]
fn a_session_that_loses_packets_slows_down_and_recovers() {
    let (mut session, mut now) = up(config().with_back_off(BackOff::On));
    for step in [100, 200, 400, 800, 1000, 1000] {
        session.handle_timeout(later(now, millis(10_000.0)));
        assert_eq!(session.state(), State::Down);
        now = later(now, millis(10_000.0));
        hear(&mut session, now, peer(State::Init)).unwrap();
        sent(&mut session, now);
        hear(&mut session, now, final_of(State::Up)).unwrap();
        let timers = session.timers();
        assert_eq!(timers.desired_min_tx, ms(step));
        assert_eq!(timers.required_min_rx, ms(step));
    }
    let answer = final_of(State::Up);
    let end = later(now, millis(700_000.0));
    while now < end {
        let control = if session.is_polling() {
            answer
        } else {
            peer(State::Up)
        };
        hear(&mut session, now, control).unwrap();
        sent(&mut session, now);
        now = later(now, millis(20.0));
        run(&mut session, now);
    }
    assert_eq!(session.timers().desired_min_tx, ms(50));
    assert_eq!(session.stats().flaps, 6);
    // Going down for another reason is not congestion, and nobody else backs off.
    hear(&mut session, now, peer(State::Down)).unwrap();
    hear(&mut session, now, peer(State::Init)).unwrap();
    assert_eq!(session.config().back_off, BackOff::On);
    assert_eq!(session.state(), State::Up);
}

/// BFD-MH-06: only time that is spent up shows that there is room again; and who never backed off has nothing to wait
/// for.
#[test]
fn a_session_recovers_only_while_it_is_up() {
    let (mut session, mut now) = up(config().with_back_off(BackOff::On));
    now = later(now, millis(10_000.0));
    session.handle_timeout(now);
    assert_eq!(session.state(), State::Down);
    let end = later(now, millis(200_000.0));
    run(&mut session, end);
    hear(&mut session, end, peer(State::Init)).unwrap();
    sent(&mut session, end);
    hear(&mut session, end, final_of(State::Up)).unwrap();
    assert_eq!(session.timers().desired_min_tx, ms(100));
}

/// RFC 5880 6.6: one question at a time, and only where there is somebody to answer.
#[test]
fn a_verification_does_not_ask_twice() {
    let (mut session, now) = up(config());
    let before = session.stats().polls;
    for _ in 0..3 {
        session.handle_event(now, Event::Verify);
    }
    for _ in 0..5 {
        sent(&mut session, now);
        hear(&mut session, now, final_of(State::Up)).unwrap();
        hear(&mut session, now, peer(State::Up)).unwrap();
    }
    assert_eq!(session.stats().polls - before, 1);
    let (mut down, now) = in_state(config(), State::Init);
    down.handle_event(now, Event::Verify);
    assert!(!down.is_polling());
}

/// BFD-TM-12: what is not a whole microsecond is rounded up, what does not fit is the longest interval.
#[test]
fn an_interval_is_never_shorter_than_was_asked_for() {
    for (nanos, micros) in [
        (0, 0),
        (1, 1),
        (1_000, 1),
        (1_001, 2),
        (50_000_000, 50_000),
        (u64::MAX, u32::MAX),
    ] {
        let interval = Micros::from_duration(Duration::from_nanos(nanos));
        assert_eq!(interval.get(), micros, "{nanos} ns");
    }
}

/// New intervals are told.
#[test]
fn new_intervals_are_told() {
    let (mut session, now) = up(config());
    let slow = Control {
        required_min_rx: ms(100),
        ..peer(State::Up)
    };
    hear(&mut session, now, slow).unwrap();
    hear(&mut session, now, slow).unwrap();
    assert_eq!(events(&mut session), [SessionEvent::Timers]);
}

/// DESIGN: early, twice, or long after: `handle_timeout` may be called whenever.
#[test]
fn timeouts_may_come_early_or_twice() {
    let (mut session, now) = up(config());
    let next = session.next_timeout().unwrap();
    let before = session.clone();
    session.handle_timeout(now);
    assert_eq!(session.next_timeout(), before.next_timeout());
    assert!(sent(&mut session, now).is_empty());
    session.handle_timeout(next);
    session.handle_timeout(next);
    assert_eq!(sent(&mut session, next).len(), 1);
}
