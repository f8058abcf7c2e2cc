//! Sessions that come, go and change while others run: farewells, replacements, reloads.

mod common;

use bfd::{
    ConfigError, Control, Definition, Event, InitiatorConfig, Micros, Path, Seamless,
    SessionConfig, SessionEvent, Signature, State, Table,
};
use common::*;

/// BFD-FSM-21: a retiring session tells so, and is gone after a detection time.
#[test]
fn a_retired_session_says_farewell() {
    let (mut table, ids) = table([single(1), single(3)]);
    let packet = named(&table, ids[0], State::Init);
    table
        .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    transmits(&mut table, at(0.0));
    table.retire(at(0.0), ids[0]);
    assert_eq!(table.len(), 1);
    let sent = transmits(&mut table, at(0.0));
    assert_eq!(sent[0].1[1] >> 6, 0, "AdminDown");
    let told: Vec<_> = std::iter::from_fn(|| table.poll_event()).collect();
    assert!(told.iter().any(|(id, event)| *id == ids[0]
        && matches!(event, SessionEvent::State(t) if t.to == State::AdminDown)));
    while table.member(ids[0]).is_some() {
        let now = table.next_timeout().unwrap();
        assert!(now <= at(3000.0), "three times one second");
        table.handle_timeout(now);
        transmits(&mut table, now);
        // The operator's other commands come too late.
        table.handle_event(now, ids[0], Event::AdminUp);
    }
    assert_eq!(state(&table, ids[1]), State::Down);
    table.remove(ids[1]);
    assert!(table.is_empty());
    assert_eq!(table.next_timeout(), None);
    let anew = table.add(at(3000.0), single(1)).unwrap();
    assert!(!ids.contains(&anew), "old names are not given to others");
    table.remove(ids[0]);
    assert_eq!(table.len(), 1);
}

/// BFD-FSM-21: what else falls due meanwhile, such as the end of a poll sequence, does not cut that short.
#[test]
fn a_farewell_is_not_cut_short() {
    let (mut table, ids) = table([single(1)]);
    let session = table.member(ids[0]).unwrap().session().unwrap();
    let mut control = Control {
        your_discriminator: Some(session.local_discriminator()),
        ..peer(State::Init)
    };
    let packet = encode(&control, &Signature::None);
    table
        .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    transmits(&mut table, at(0.0));
    (control.state, control.final_bit) = (State::Up, true);
    let packet = encode(&control, &Signature::None);
    table
        .handle_packet(at(100.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    table.retire(at(110.0), ids[0]);
    let silence = table.member(ids[0]).unwrap().timers().detection_time;
    let end = later(at(110.0), silence.unwrap());
    let mut turns = 0;
    while table.member(ids[0]).is_some() {
        let now = table.next_timeout().unwrap();
        table.handle_timeout(now);
        transmits(&mut table, now);
        assert_eq!(table.member(ids[0]).is_none(), now >= end);
        turns += 1;
    }
    assert!(turns > 1);
}

/// A peer must not hear two voices.
#[test]
fn a_session_for_the_path_of_a_retiring_one_replaces_it() {
    let (mut table, ids) = table([single(1)]);
    let packet = named(&table, ids[0], State::Init);
    table
        .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    table.retire(at(0.0), ids[0]);
    let anew = table.add(at(0.0), single(1)).unwrap();
    assert!(table.member(ids[0]).is_none());
    let sent = transmits(&mut table, at(0.0));
    assert!(sent.iter().all(|(transmit, _)| transmit.id == anew));
}

/// A reload without a change changes nothing; ten of them neither (Keepalived issue 1374).
#[test]
fn sessions_survive_reloads() {
    let all = || vec![single(1), single(3), multi(1)];
    let (mut table, ids) = table(all());
    let packet = named(&table, ids[0], State::Init);
    table
        .handle_packet(at(0.0), &rx(&packet, 1, 3784, 255))
        .unwrap();
    transmits(&mut table, at(0.0));
    // The poll for coming up is answered.
    let mut answer = named(&table, ids[0], State::Up);
    answer[1] |= 0x10;
    for octets in [answer, named(&table, ids[0], State::Up)] {
        table
            .handle_packet(at(0.0), &rx(&octets, 1, 3784, 255))
            .unwrap();
    }
    let next = table.next_timeout();
    while table.poll_event().is_some() {}
    for _ in 0..10 {
        let reload = table.reload(at(1.0), all()).unwrap();
        assert_eq!(reload.ids, ids);
        assert_eq!(reload.kept, ids);
        assert!(reload.added.is_empty() && reload.changed.is_empty() && reload.removed.is_empty());
        assert_eq!(table.next_timeout(), next);
        assert!(transmits(&mut table, at(1.0)).is_empty());
        assert_eq!(table.poll_event(), None);
    }
    // One with another interval, one gone, one new.
    let faster = Definition::SingleHop(neighbour(1), SessionConfig::new(ms(20), ms(20), mult(3)));
    let reload = table
        .reload(at(2.0), vec![single(4), faster, multi(1)])
        .unwrap();
    assert_eq!(reload.changed, [ids[0]]);
    assert_eq!(reload.kept, [ids[2]]);
    assert_eq!(reload.removed, [ids[1]]);
    assert_eq!(reload.added, [reload.ids[0]]);
    assert_eq!(state(&table, ids[0]), State::Up, "it stays up");
    let sent = transmits(&mut table, at(2.0));
    let changed = sent.iter().find(|(t, _)| t.id == ids[0]).unwrap();
    assert!(changed.1[1] & 0x20 != 0, "and polls");
}

/// Nothing changes when a reload cannot be carried out.
#[test]
fn a_reload_is_taken_whole_or_not_at_all() {
    let (mut table, ids) = table([single(1)]);
    let broken = Definition::SingleHop(
        neighbour(5),
        SessionConfig::new(Micros::ZERO, ms(20), mult(3)),
    );
    let seamless = Seamless {
        target: address(8),
        local: None,
    };
    let asking = InitiatorConfig::new(discr(5), Micros::ZERO, mult(3));
    for broken in [broken, Definition::Seamless(seamless, asking)] {
        let result = table.reload(at(0.0), vec![single(3), broken]);
        assert_eq!(result, Err(ConfigError::TransmitIntervalZero));
    }
    for last in [1, 8] {
        let twice = vec![single(last), single(last)];
        assert_eq!(Table::check(&twice), Err(ConfigError::DuplicatePath));
        let result = table.reload(at(0.0), twice);
        assert_eq!(result, Err(ConfigError::DuplicatePath));
    }
    let all: Vec<_> = table.members().map(|(id, path, _)| (id, path)).collect();
    assert_eq!(all, [(ids[0], Path::SingleHop(neighbour(1)))]);
}
