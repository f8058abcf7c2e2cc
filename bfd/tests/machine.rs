//! The state machine: every cell, and what else moves it. RFC 5880 6.2, 6.8.

mod common;

use std::num::NonZeroU8;

use bfd::{Concatenated, Control, Diagnostic, Event, HISTORY_LEN, Micros, Reason, Rejected, State};
use common::*;

/// BFD-FSM-01, BFD-FSM-02, BFD-FSM-03, BFD-FSM-04, BFD-FSM-05, BFD-FSM-06, BFD-FSM-07,
/// BFD-FSM-08, BFD-FSM-09, BFD-FSM-10, BFD-FSM-11, BFD-FSM-12, BFD-FSM-13, BFD-FSM-14,
/// BFD-FSM-15, BFD-FSM-16, BFD-RX-19: one row for each cell.
#[test]
fn every_received_state_takes_every_state_where_the_rfc_says() {
    use State::{AdminDown, Down, Init, Up};
    let none = Diagnostic::NONE;
    let neighbour = Diagnostic::NEIGHBOR_DOWN;
    let held = Diagnostic::ADMIN_DOWN;
    let table = [
        (1, AdminDown, AdminDown, AdminDown, held),
        (2, AdminDown, Down, AdminDown, held),
        (3, AdminDown, Init, AdminDown, held),
        (4, AdminDown, Up, AdminDown, held),
        (5, Down, AdminDown, Down, none),
        (6, Down, Down, Init, none),
        (7, Down, Init, Up, none),
        (8, Down, Up, Down, none),
        (9, Init, AdminDown, Down, neighbour),
        (10, Init, Down, Init, none),
        (11, Init, Init, Up, none),
        (12, Init, Up, Up, none),
        (13, Up, AdminDown, Down, neighbour),
        (14, Up, Down, Down, neighbour),
        (15, Up, Init, Up, none),
        (16, Up, Up, Up, none),
    ];
    for (number, local, received, expected, diagnostic) in table {
        let (mut session, now) = in_state(config(), local);
        let result = hear(&mut session, now, peer(received));
        let discarded = local == AdminDown;
        assert_eq!(result.is_err(), discarded, "BFD-FSM-{number:02}");
        assert_eq!(session.state(), expected, "BFD-FSM-{number:02}");
        assert_eq!(session.diagnostic(), diagnostic, "BFD-FSM-{number:02}");
        let moved = transitions(&mut session);
        if local == expected {
            assert!(moved.is_empty(), "BFD-FSM-{number:02}");
        } else {
            assert_eq!(moved.len(), 1, "BFD-FSM-{number:02}");
            assert_eq!(moved[0].reason, Reason::Received(received));
            assert_eq!((moved[0].from, moved[0].to), (local, expected));
            assert_eq!(moved[0].at, now);
        }
    }
}

/// BFD-VAR-01, BFD-VAR-02, BFD-VAR-04, BFD-VAR-05, BFD-VAR-06, BFD-VAR-07, BFD-VAR-09.
#[test]
fn a_new_session_is_down_and_knows_nobody() {
    let session = session(config());
    assert_eq!(session.state(), State::Down);
    assert_eq!(session.diagnostic(), Diagnostic::NONE);
    assert_eq!(session.local_discriminator().get(), LOCAL);
    assert_eq!(NonZeroU8::new(0), None, "no detection multiplier is 0");
    let remote = session.remote();
    assert_eq!(remote.state, State::Down);
    assert_eq!(remote.discriminator, None);
    assert_eq!(remote.required_min_rx, Micros::new(1));
    assert!(!remote.demand);
    assert_eq!(session.received_sequence(), None);
    assert_eq!(session.timers().desired_min_tx, Micros::SECOND);
    assert_eq!(session.timers().detection_time, None);
}

/// BFD-FSM-17, BFD-VAR-03, BFD-VAR-06.
#[test]
fn silence_ends_init_and_up_and_forgets_the_other_side() {
    for state in [State::Init, State::Up] {
        let (mut session, now) = in_state(config(), state);
        let detection = session.timers().detection_time.unwrap();
        let just_before = at(later(now, detection).as_nanos() as f64 / 1e6 - 0.001);
        session.handle_timeout(just_before);
        assert_eq!(session.state(), state, "not a nanosecond early");
        session.handle_timeout(later(now, detection));
        assert_eq!(session.state(), State::Down);
        assert_eq!(session.diagnostic(), Diagnostic::TIME_EXPIRED);
        assert_eq!(session.remote().discriminator, None);
        assert_eq!(session.remote().required_min_rx, Micros::new(1));
        assert_eq!(session.remote().heard, Some(now), "that remains true");
        assert_eq!(transitions(&mut session)[0].reason, Reason::DetectionTime);
    }
}

/// BFD-FSM-17: in Down, silence is no news, but the other side is forgotten. BFD-VAR-03,
/// BFD-VAR-06, BFD-VAR-10.
#[test]
fn silence_in_down_changes_no_diagnostic() {
    let (mut session, now) = up(config());
    hear(&mut session, now, peer(State::AdminDown)).unwrap();
    let zero = Control {
        required_min_rx: Micros::ZERO,
        ..peer(State::AdminDown)
    };
    hear(&mut session, now, zero).unwrap();
    assert_eq!(session.diagnostic(), Diagnostic::NEIGHBOR_DOWN);
    // Three times one second, and until then nothing is forgotten.
    run(&mut session, at(3009.0));
    assert_eq!(session.remote().discriminator, Some(discr(REMOTE)));
    assert_eq!(session.remote().required_min_rx, Micros::ZERO);
    assert!(!session.is_sending());
    run(&mut session, at(3011.0));
    assert_eq!(session.remote().discriminator, None);
    assert_eq!(session.remote().required_min_rx, Micros::new(1));
    assert!(session.is_sending(), "nobody forbids it any longer");
    assert_eq!(session.state(), State::Down);
    assert_eq!(session.diagnostic(), Diagnostic::NEIGHBOR_DOWN);
}

/// BFD-FSM-18.
#[test]
fn a_failed_echo_ends_up_only() {
    for state in [State::AdminDown, State::Down, State::Init] {
        let (mut session, now) = in_state(config(), state);
        session.handle_event(now, Event::EchoFailed);
        assert_eq!(session.state(), state);
    }
    let (mut session, now) = up(config());
    session.handle_event(now, Event::EchoFailed);
    assert_eq!(session.state(), State::Down);
    assert_eq!(session.diagnostic(), Diagnostic::ECHO_FAILED);
}

/// BFD-FSM-19.
#[test]
fn a_reset_of_the_forwarding_plane_ends_init_and_up() {
    for state in [State::AdminDown, State::Down] {
        let (mut session, now) = in_state(config(), state);
        session.handle_event(now, Event::ForwardingReset);
        assert_eq!(session.state(), state);
    }
    for state in [State::Init, State::Up] {
        let (mut session, now) = in_state(config(), state);
        session.handle_event(now, Event::ForwardingReset);
        assert_eq!(session.state(), State::Down);
        assert_eq!(session.diagnostic(), Diagnostic::FORWARDING_RESET);
    }
}

/// BFD-FSM-20.
#[test]
fn a_path_known_to_be_down_holds_the_session_down() {
    let (mut session, now) = up(config());
    session.handle_event(now, Event::PathDown);
    assert_eq!(session.state(), State::AdminDown);
    assert_eq!(session.diagnostic(), Diagnostic::PATH_DOWN);
    assert!(transitions(&mut session)[0].is_failure());
    session.handle_event(now, Event::AdminUp);
    assert_eq!(session.state(), State::Down);
    session.handle_event(now, Event::AdminUp);
    assert_eq!(transitions(&mut session).len(), 1);
}

/// BFD-FSM-21.
#[test]
fn a_session_that_is_held_down_says_so_for_as_long_as_it_is() {
    for state in [State::Down, State::Init, State::Up] {
        let (mut session, now) = in_state(config(), state);
        session.handle_event(now, Event::AdminDown);
        let first = sent_one(&mut session, now);
        assert_eq!(first.state, State::AdminDown);
        assert_eq!(first.diagnostic, Diagnostic::ADMIN_DOWN);
        let more = run(&mut session, later(now, millis(10_000.0)));
        assert!((9..=14).contains(&more.len()), "{}", more.len());
        assert!(more.iter().all(|(_, sent)| sent.state == State::AdminDown));
        assert_eq!(session.state(), State::AdminDown);
        session.handle_event(now, Event::AdminDown);
        assert_eq!(transitions(&mut session).len(), 1);
    }
}

/// BFD-FSM-22.
#[test]
fn the_diagnostic_is_cleared_on_the_way_up() {
    let (mut session, now) = up(config());
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert_eq!(session.diagnostic(), Diagnostic::NEIGHBOR_DOWN);
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert_eq!(session.state(), State::Init);
    assert_eq!(session.diagnostic(), Diagnostic::NEIGHBOR_DOWN);
    hear(&mut session, now, peer(State::Init)).unwrap();
    assert_eq!(session.state(), State::Up);
    assert_eq!(session.diagnostic(), Diagnostic::NONE);
}

/// BFD-FSM-23.
#[test]
fn a_concatenated_path_is_told_without_a_change_of_state() {
    let (mut session, now) = up(config());
    for (path, diagnostic) in [
        (Concatenated::Down, Diagnostic::CONCATENATED_PATH_DOWN),
        (
            Concatenated::ReverseDown,
            Diagnostic::REVERSE_CONCATENATED_PATH_DOWN,
        ),
        (Concatenated::Up, Diagnostic::NONE),
    ] {
        session.handle_event(now, Event::ConcatenatedPath(path));
        assert_eq!(session.state(), State::Up);
        let told = sent_one(&mut session, now);
        assert_eq!((told.diagnostic, told.poll), (diagnostic, false));
    }
    let demanding = Control {
        demand: true,
        ..peer(State::Up)
    };
    hear(&mut session, now, demanding).unwrap();
    session.handle_event(now, Event::ConcatenatedPath(Concatenated::Down));
    assert!(
        sent_one(&mut session, now).poll,
        "the other side asked for silence"
    );
}

/// BFD-FSM-24.
#[test]
fn a_peer_that_is_up_has_to_go_down_before_we_come_up_again() {
    let (mut session, now) = up(config());
    run(&mut session, later(now, millis(200.0)));
    assert_eq!(session.state(), State::Down);
    for _ in 0..5 {
        hear(&mut session, at(300.0), peer(State::Up)).unwrap();
        assert_eq!(session.state(), State::Down);
    }
    hear(&mut session, at(300.0), peer(State::Down)).unwrap();
    assert_eq!(session.state(), State::Init);
}

/// BFD-FSM-25, BFD-TX-12.
#[test]
fn a_change_of_state_is_sent_at_once() {
    let (mut session, now) = in_state(config(), State::Down);
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert_eq!(sent_one(&mut session, now).state, State::Init);
    hear(&mut session, now, peer(State::Init)).unwrap();
    assert_eq!(sent_one(&mut session, now).state, State::Up);
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert_eq!(sent_one(&mut session, now).state, State::Down);
}

/// BFD-FSM-26: Down, Init, Up, Up.
#[test]
fn two_sessions_come_up_in_three_packets() {
    let mut a = session(config());
    let mut b = bfd::Session::new(passive(), discr(REMOTE), 2, at(0.0)).unwrap();
    let now = at(0.0);
    assert!(sent(&mut b, now).is_empty());
    let down = sent_one(&mut a, now);
    hear(&mut b, now, down).unwrap();
    let init = sent_one(&mut b, now);
    assert_eq!((down.state, init.state), (State::Down, State::Init));
    hear(&mut a, now, init).unwrap();
    let up = sent_one(&mut a, now);
    assert_eq!((a.state(), up.state), (State::Up, State::Up));
    hear(&mut b, now, up).unwrap();
    assert_eq!(b.state(), State::Up);
    let answers = sent(&mut b, now);
    assert!(answers[0].final_bit);
    assert_eq!(answers[0].state, State::Up);
}

/// The last ten, with their reasons; and flaps are counted.
#[test]
fn the_last_ten_transitions_are_remembered() {
    let (mut session, now) = up(config());
    for _ in 0..4 {
        for state in [State::Down, State::Down, State::Init] {
            hear(&mut session, now, peer(state)).unwrap();
        }
    }
    let history: Vec<_> = session.history().collect();
    assert_eq!(history.len(), HISTORY_LEN);
    let last = history[HISTORY_LEN - 1];
    assert_eq!((last.from, last.to), (State::Init, State::Up));
    assert_eq!(last.reason, Reason::Received(State::Init));
    assert_eq!(session.last_transition(), Some(last));
    assert_eq!(history[7].reason.name(), "received_down");
    assert_eq!((session.stats().ups, session.stats().flaps), (5, 4));
}

/// RFC 5880 6.8.16: what was heard while held down does not bring the session up.
#[test]
fn a_released_session_starts_from_down() {
    let (mut session, now) = in_state(config(), State::AdminDown);
    assert_eq!(
        hear(&mut session, now, peer(State::Init)),
        Err(Rejected::AdminDown)
    );
    session.handle_event(now, Event::AdminUp);
    assert_eq!(session.state(), State::Down);
    assert_eq!(session.diagnostic(), Diagnostic::NONE);
    hear(&mut session, now, peer(State::Init)).unwrap();
    assert_eq!(session.state(), State::Up);
}
