//! What is recorded is what is replayed.

mod common;

use common::{File, Recorded, SMALL, World, at, config, replay};
use keepalived_recording::{
    DEFAULT_SIZE, Damage, Gap, Impossible, Input, News, Output, Recorder, Recording, Replay,
    Settings, Step,
};
use proptest::prelude::*;
use vrrp_fsm::{Action, RouterConfig, State};

fn two() -> [vrrp_fsm::InstanceConfig; 2] {
    [config(1, 150), config(2, 90)]
}

#[test]
fn a_failover_is_replayed_without_a_difference() {
    let mut world = World::new(Recorded::new(DEFAULT_SIZE, false), &[config(1, 90)], 1);
    world.run(100, false);
    world.loss = 100;
    world.run(100, false);
    world.loss = 0;
    world.run(100, false);
    let mut entered = Vec::new();
    let recording = Recording::read(&world.here.file.0).unwrap();
    let summary = Replay::run(&recording, |_, step| {
        if let Step::Call(call) = step {
            assert!(call.is_same(), "{call:?}");
            if let Some(Output::Action(Some((_, Action::Transition { to, .. })))) = call.recorded {
                entered.push(to);
            }
        }
    });
    assert_eq!(entered, [State::Backup, State::Active, State::Backup]);
    assert!(summary.is_same() && summary.gaps == 0 && summary.calls > 1000);
}

/// The machines of a loop that has failed, in the middle of a turn, and those of the next one, in one file.
#[test]
fn a_restart_of_the_loop_is_a_mark_and_no_damage() {
    let mut recorder = Recorder::new(Settings {
        size: DEFAULT_SIZE,
        without_secrets: false,
        program: "1".to_owned(),
    });
    let machines = || (vrrp_fsm::Router::new(), bfd::Table::new(1));
    let wall = std::time::Duration::ZERO;
    let (mut router, table) = machines();
    recorder
        .end_turn(at(0), wall, &router, &table, Vec::new)
        .unwrap();
    recorder.input(at(1), Input::Timeout);
    router.handle_timeout(at(1));
    recorder.restart();
    let (router, table) = machines();
    recorder
        .end_turn(at(2), wall, &router, &table, Vec::new)
        .unwrap();
    let mut file = Vec::new();
    while let Some(write) = recorder.poll_write() {
        let begin = usize::try_from(write.offset).unwrap();
        file.resize(file.len().max(begin + write.octets.len()), 0);
        file[begin..][..write.octets.len()].copy_from_slice(&write.octets);
    }
    let recording = Recording::read(&file).unwrap();
    let (mut gaps, mut calls) = (Vec::new(), 0);
    let summary = Replay::run(&recording, |_, step| match step {
        Step::Gap(gap) => gaps.push(gap),
        Step::Call(call) => calls += usize::from(call.input == Input::Timeout),
        _ => {}
    });
    assert_eq!(gaps, [Gap::Restart(1)]);
    assert_eq!((calls, summary.damaged, summary.segments), (1, 0, 2));
    assert!(summary.is_same() && recorder.lost() == 0);
}

/// Also where the segment in which it was news has been overwritten.
#[test]
fn how_tracked_objects_are_is_told_where_a_replay_begins_and_not_where_it_goes_on() {
    let mut world = World::new(Recorded::new(SMALL, false), &two(), 1);
    let news = News::Tracked("tracked script web has failed".to_owned());
    world.here.known = vec![news.clone()];
    world.run(1500, true);
    let recording = Recording::read(&world.here.file.0).unwrap();
    let mut told = Vec::new();
    let summary = Replay::run(&recording, |_, step| {
        if let Step::News(at, news) = step {
            told.push((at.as_nanos(), news));
        }
    });
    assert_eq!((summary.segments, summary.states_reached), (4, 3));
    let first = &recording.segments[0];
    assert!(first.number > 1);
    assert_eq!(told, [(first.checkpoint.now, news)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever happens: the ring goes round, and each segment leads to the state that the next one begins with.
    #[test]
    fn any_history_is_replayed_without_a_difference(seed: u64) {
        let mut world = World::new(Recorded::new(SMALL, false), &two(), seed);
        world.run(1500, true);
        let summary = replay(&world.here.file.0);
        prop_assert_eq!(summary.gaps, 0);
        prop_assert_eq!(summary.segments, 4);
        prop_assert_eq!(summary.states_reached, 3);
    }

    /// A file of any length is read up to its end, and what is there is the same.
    #[test]
    fn a_file_that_was_cut_off_is_good_up_to_there(seed: u64, at in 0_usize..40_000) {
        let mut world = World::new(Recorded::new(SMALL, false), &two(), seed);
        world.run(700, true);
        let whole = &world.here.file.0;
        let cut = &whole[..at.min(whole.len())];
        if let Ok(recording) = Recording::read(cut) {
            let (mut gaps, mut ends) = (0, Vec::new());
            let summary = Replay::run(&recording, |_, step| match step {
                Step::Gap(Gap::Damage(damage)) => ends.push(damage.octet),
                Step::Gap(_) => gaps += 1,
                _ => {}
            });
            prop_assert!(summary.is_same());
            prop_assert_eq!(gaps, 0);
            prop_assert!(ends.iter().all(|end| *end <= whole.len()));
        }
    }

    /// Nothing that somebody puts into a file makes the reader panic, or passes for what was recorded.
    #[test]
    fn a_changed_octet_is_noticed(seed: u64, place: prop::sample::Index, with in 1..=255_u8, turns in 1_u32..900) {
        let mut world = World::new(Recorded::new(SMALL, false), &two(), seed);
        world.run(turns, true);
        let mut octets = world.here.file.0.clone();
        let place = place.index(octets.len());
        octets[place] ^= with;
        // What is left of an older segment, and the end of the header, is not read.
        let written = world.here.file.is_read(place);
        match Recording::read(&octets) {
            Ok(recording) => {
                let summary = Replay::run(&recording, |_, _| {});
                prop_assert!(summary.is_same());
                prop_assert_eq!(summary.damaged > 0, written, "{} {:?}", place, summary);
            }
            Err(_) => prop_assert!(written),
        }
    }
}

#[test]
fn a_machine_that_does_something_else_is_found_where_it_does() {
    let mut world = World::new(Recorded::new(DEFAULT_SIZE, false), &[config(1, 150)], 1);
    world.run(100, false);
    // A planted bug: an address is lost and nobody tells the machine.
    let id = world.ids[0];
    let lost = Input::Event(id.get(), vrrp_fsm::Event::AddressLost);
    world.here.recorder.input(at(world.now + 1), lost);
    world.run(50, false);
    let recording = Recording::read(&world.here.file.0).unwrap();
    let mut first = None;
    let summary = Replay::run(&recording, |_, step| {
        if let Step::Call(call) = step
            && !call.is_same()
        {
            first.get_or_insert((call.at, call.input, call.replayed));
        }
    });
    let (when, input, replayed) = first.unwrap();
    assert!(!summary.is_same());
    assert_eq!(when, at(world.now - 49 * 50));
    assert_eq!(input, Input::PollAction);
    let replayed = replayed.unwrap();
    let release = Action::Transmit(vrrp_fsm::Transmit::Release);
    assert_eq!(replayed, Output::Action(Some((id.get(), release))));
}

#[test]
fn a_write_that_is_lost_leaves_a_gap_of_which_is_told() {
    let mut world = World::new(Recorded::new(DEFAULT_SIZE, false), &two(), 1);
    world.run(50, true);
    world.here.lossy = 3;
    world.run(50, true);
    let lost = world.here.recorder.lost();
    assert!(lost > 0);
    let recording = Recording::read(&world.here.file.0).unwrap();
    let mut gaps = Vec::new();
    let summary = Replay::run(&recording, |_, step| {
        if let Step::Gap(gap) = step {
            gaps.push(gap);
        }
    });
    assert_eq!(gaps, [Gap::Lost(lost)]);
    assert!(summary.is_same() && summary.segments == 2, "{summary:?}");
}

/// The end of a segment was written, and the state at the beginning of the next one found no room.
#[test]
fn a_state_that_is_lost_is_a_gap_and_no_difference() {
    let mut world = World::new(Recorded::new(SMALL, false), &two(), 1);
    world.here.lose_states = true;
    while world.here.lose_states {
        world.run(1, true);
    }
    world.run(50, true);
    let recording = Recording::read(&world.here.file.0).unwrap();
    let summary = Replay::run(&recording, |_, _| {});
    assert!(summary.is_same(), "{summary:?}");
    assert_eq!((summary.gaps, summary.damaged), (1, 0), "{summary:?}");
}

#[test]
fn a_write_that_was_not_finished_is_damage_with_its_place() {
    let mut world = World::new(Recorded::new(DEFAULT_SIZE, false), &two(), 1);
    world.run(50, true);
    let whole = world.here.file.0.len();
    world.run(1, false);
    let mut octets = world.here.file.0;
    octets.truncate(whole + 30);
    let mut last = None;
    Replay::run(&Recording::read(&octets).unwrap(), |_, step| {
        last = Some(step);
    });
    let damage = Damage {
        segment: 1,
        octet: whole,
    };
    assert_eq!(last, Some(Step::Gap(Gap::Damage(damage))));
}

#[test]
fn a_state_that_does_not_fit_is_refused_when_the_recording_begins() {
    let mut recorded = Recorded::new(SMALL, false);
    let mut all = RouterConfig::new();
    for vrid in 1..=255 {
        all = all.with_instance(common::INTERFACE, config(vrid, 100));
    }
    let file = File::default();
    recorded.file = file;
    let _ = recorded.router.reload(at(0), all);
    let settings = Settings {
        size: SMALL,
        without_secrets: false,
        program: String::new(),
    };
    let mut recorder = Recorder::new(settings);
    let wall = std::time::Duration::ZERO;
    let refused = recorder.end_turn(at(0), wall, &recorded.router, &recorded.table, Vec::new);
    assert!(
        matches!(refused, Err(Impossible::TooSmall { .. })),
        "{refused:?}"
    );
}
