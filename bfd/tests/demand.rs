//! Demand mode, RFC 5880 6.6.

mod common;

use bfd::{Control, Demand, Diagnostic, Event, Micros, Reason, SessionConfig, State};
use common::*;

fn demanding() -> SessionConfig {
    config().with_demand(Demand::On)
}

fn answer(state: State) -> Control {
    Control {
        final_bit: true,
        ..peer(state)
    }
}

/// BFD-DM-01, BFD-DM-03.
#[test]
fn the_wish_is_told_when_both_sides_are_up_and_not_before() {
    let mut session = session(demanding());
    let now = at(0.0);
    assert!(!sent_one(&mut session, now).demand);
    hear(&mut session, now, peer(State::Init)).unwrap();
    assert_eq!(session.state(), State::Up);
    assert!(
        !sent_one(&mut session, now).demand,
        "they may not be up yet"
    );
    hear(&mut session, now, answer(State::Up)).unwrap();
    hear(&mut session, now, peer(State::Up)).unwrap();
    let wish = sent_one(&mut session, now);
    assert!(wish.demand && wish.poll);
    hear(&mut session, now, answer(State::Up)).unwrap();
    assert_eq!(session.demand_active(), (true, false));
    hear(&mut session, now, peer(State::Down)).unwrap();
    assert!(!sent_one(&mut session, now).demand);
}

/// BFD-DM-01: the other side is no longer up, although we still are.
#[test]
fn the_wish_is_taken_back_when_the_other_side_is_not_up() {
    let (mut session, now) = up(demanding());
    hear(&mut session, now, peer(State::Init)).unwrap();
    assert_eq!(session.state(), State::Up);
    assert!(!sent_one(&mut session, now).demand);
}

/// BFD-DM-02: see also `transmit.rs`.
#[test]
fn the_other_sides_wish_counts_only_when_both_are_up() {
    let wish = |state| Control {
        demand: true,
        ..peer(state)
    };
    let (mut session, now) = in_state(config(), State::Init);
    hear(&mut session, now, wish(State::Init)).unwrap();
    assert!(session.is_sending());
    hear(&mut session, now, wish(State::Up)).unwrap();
    sent(&mut session, now);
    hear(
        &mut session,
        now,
        Control {
            final_bit: true,
            ..wish(State::Up)
        },
    )
    .unwrap();
    assert!(!session.is_sending());
}

/// BFD-DM-03: in both directions.
#[test]
fn a_change_of_mind_takes_a_poll() {
    let (mut session, now) = up(config());
    session.reconfigure(now, demanding()).unwrap();
    let wish = sent_one(&mut session, now);
    assert!(wish.demand && wish.poll);
    hear(&mut session, now, answer(State::Up)).unwrap();
    hear(&mut session, now, peer(State::Up)).unwrap();
    session.reconfigure(now, config()).unwrap();
    let wish = sent_one(&mut session, now);
    assert!(!wish.demand && wish.poll);
}

/// BFD-DM-04.
#[test]
fn news_is_polled_while_anybody_demands() {
    let mut other = config();
    other.detect_mult = mult(9);
    for own in [false, true] {
        let (mut session, now) = up(if own { demanding() } else { config() });
        let control = Control {
            demand: !own,
            ..peer(State::Up)
        };
        hear(&mut session, now, control).unwrap();
        sent(&mut session, now);
        let changed = other.clone().with_demand(session.config().demand);
        session.reconfigure(now, changed).unwrap();
        let told = sent_one(&mut session, now);
        assert!(told.poll && told.detect_mult == mult(9), "own: {own}");
    }
}

/// BFD-DM-05.
#[test]
fn an_unanswered_poll_ends_the_session() {
    let (mut session, now) = up(demanding());
    run(&mut session, at(100_000.0));
    assert_eq!(session.state(), State::Up);
    assert_eq!(session.remote().discriminator, Some(discr(REMOTE)));
    let start = at(100_000.0);
    session.handle_event(start, Event::Verify);
    let polls = run(&mut session, later(start, millis(1000.0)));
    assert!(polls[0].1.poll);
    assert_eq!(session.state(), State::Down);
    assert_eq!(session.diagnostic(), Diagnostic::TIME_EXPIRED);
    let transition = session.last_transition().unwrap();
    assert_eq!(transition.reason, Reason::PollUnanswered);
    let waited = transition.at.saturating_duration_since(polls[0].0);
    assert_eq!(waited, millis(150.0), "counted from the first P");
    assert!(now < start);
}

/// BFD-DM-05: the path is verified as often as wanted.
#[test]
fn verification_finds_a_dead_peer() {
    let every = Demand::Verify(ms(500));
    let (mut session, now) = up(config().with_demand(every));
    for round in 1..5 {
        let end = later(now, millis(f64::from(round) * 600.0));
        run(&mut session, end);
        assert!(session.is_polling(), "round {round}");
        hear(&mut session, end, answer(State::Up)).unwrap();
        assert!(!session.is_polling());
    }
    run(
        &mut session,
        later(now, millis(2400.0 + 500.0 + 50.0 + 151.0)),
    );
    assert_eq!(session.state(), State::Down);
    config()
        .with_demand(Demand::Verify(Micros::ZERO))
        .check()
        .unwrap_err();
}

/// BFD-DM-06.
#[test]
fn demand_mode_is_off_unless_asked_for() {
    let (session, _) = up(config());
    assert_eq!(session.config().demand, Demand::Off);
    assert_eq!(session.demand_active(), (false, false));
}

/// Silence that was asked for is not counted when it ends.
#[test]
fn the_detection_time_starts_when_demand_mode_ends() {
    let (mut session, _) = up(demanding());
    run(&mut session, at(100_000.0));
    session.reconfigure(at(100_000.0), config()).unwrap();
    run(&mut session, at(100_149.0));
    assert_eq!(session.state(), State::Up);
    run(&mut session, at(100_151.0));
    assert_eq!(session.state(), State::Down);
    assert_eq!(
        session.last_transition().unwrap().reason,
        Reason::DetectionTime
    );
}

/// A verification that falls into the time between two polls waits for its turn.
#[test]
fn a_verification_waits_until_the_last_poll_has_settled() {
    let (mut session, now) = up(config().with_demand(Demand::Verify(ms(100))));
    let polls = run(&mut session, later(now, millis(160.0)));
    let first = polls.iter().find(|(_, sent)| sent.poll).unwrap().0;
    // An answer after 90 ms, so twice that after the last P until the next poll.
    let answered = later(first, millis(90.0));
    run(&mut session, answered);
    hear(&mut session, answered, answer(State::Up)).unwrap();
    let due = later(answered, millis(101.0));
    run(&mut session, due);
    session.handle_timeout(due);
    assert!(!session.is_polling());
    assert!(session.next_timeout().unwrap() > due);
    run(&mut session, later(first, millis(272.0)));
    assert!(session.is_polling());
}
