//! What clients see, RFC 5882.

mod common;

use std::time::Duration;

use bfd::{Client, Diagnostic, Event, Reason, State, Transition};
use common::*;

/// BFD-CL-01.
#[test]
fn an_operators_wish_is_no_failure() {
    let (mut session, now) = up(config());
    hear(&mut session, now, peer(State::AdminDown)).unwrap();
    let remote = transitions(&mut session)[0];
    let (mut session, now) = up(config());
    session.handle_event(now, Event::AdminDown);
    let local = transitions(&mut session)[0];
    let (mut session, now) = up(config());
    hear(&mut session, now, peer(State::Down)).unwrap();
    let real = transitions(&mut session)[0];
    let (mut session, now) = up(config());
    run(&mut session, later(now, millis(200.0)));
    let silence = transitions(&mut session)[0];
    let facts = [remote, local, real, silence].map(|t| (t.usable(), t.is_failure()));
    let expected = [false, false, true, true].map(|failure| (Some(false), failure));
    assert_eq!(facts, expected);
}

/// BFD-CL-02.
#[test]
fn coming_up_is_never_preceded_by_a_failure() {
    let mut session = session(config());
    for state in [State::AdminDown, State::Down, State::Down, State::Init] {
        hear(&mut session, at(0.0), peer(state)).unwrap();
    }
    let news: Vec<_> = transitions(&mut session)
        .iter()
        .filter_map(Transition::usable)
        .collect();
    assert_eq!(news, [true]);
    let (mut session, now) = in_state(config(), State::Init);
    run(&mut session, later(now, millis(9000.0)));
    assert_eq!(session.state(), State::Down);
    assert!(transitions(&mut session).iter().all(|t| !t.is_failure()));
}

fn change(at_ms: f64, from: State, to: State) -> Transition {
    Transition {
        at: at(at_ms),
        from,
        to,
        diagnostic: Diagnostic::NONE,
        reason: Reason::DetectionTime,
    }
}

/// BFD-CL-03.
#[test]
fn short_failures_can_be_hidden() {
    let mut client = Client::new(Duration::from_millis(500));
    assert!(!client.is_usable());
    assert_eq!(
        client.handle_transition(&change(0.0, State::Init, State::Up)),
        Some(true)
    );
    assert_eq!(
        client.handle_transition(&change(100.0, State::Up, State::Down)),
        None
    );
    assert_eq!(client.handle_timeout(at(599.0)), None);
    assert_eq!(
        client.handle_transition(&change(599.0, State::Init, State::Up)),
        None
    );
    assert_eq!(client.next_timeout(), None);
    assert!(client.is_usable());
    assert_eq!(
        client.handle_transition(&change(700.0, State::Up, State::Down)),
        None
    );
    assert_eq!(client.next_timeout(), Some(at(1200.0)));
    assert_eq!(client.handle_timeout(at(1200.0)), Some(false));
    assert_eq!(client.handle_timeout(at(1300.0)), None);
    assert!(!client.is_usable());
}

/// BFD-CL-05: without a hold time, every change is told, and nothing else.
#[test]
fn without_hold_time_a_client_sees_what_happens() {
    let mut client = Client::new(Duration::ZERO);
    for (from, to, news) in [
        (State::Down, State::Init, None),
        (State::Init, State::Down, None),
        (State::Down, State::Up, Some(true)),
        (State::Up, State::AdminDown, Some(false)),
        (State::AdminDown, State::Down, None),
    ] {
        assert_eq!(client.handle_transition(&change(0.0, from, to)), news);
    }
}
