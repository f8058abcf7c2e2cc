//! Schedules: when a probe runs and what its results make of a server.

mod common;

use std::time::Duration;

use common::{LIMIT, at, target};
use proptest::prelude::*;

use healthcheck::{
    BfdProbe, Checker, CheckerEvent, ConnId, Failure, FileProbe, Health, HttpConfig, HttpProbe,
    Input, Instant, IoFailure, Level, Output, Page, Results, Schedule, TcpProbe, WeightChange,
};

const REFUSED: Failure = Failure::Io(IoFailure::Refused);

/// A check every ten seconds, the first at once.
fn schedule() -> Schedule {
    let mut schedule = Schedule::every(Duration::from_secs(10));
    schedule.warmup = Duration::ZERO;
    schedule
}

struct World {
    checker: Checker<TcpProbe>,
    now: Instant,
    conn: Option<ConnId>,
    /// When attempts began, in milliseconds.
    starts: Vec<i64>,
}

impl World {
    fn new(schedule: Schedule) -> Self {
        let probe = TcpProbe::new(target(), LIMIT);
        let mut world = Self {
            checker: Checker::new(probe, schedule, 1, at(0)),
            now: at(0),
            conn: None,
            starts: Vec::new(),
        };
        world.turn();
        world
    }

    fn turn(&mut self) {
        self.checker.handle_timeout(self.now);
        while let Some(output) = self.checker.poll_output(self.now) {
            match output {
                Output::Connect { conn, .. } => {
                    self.conn = Some(conn);
                    self.starts.push(self.now.as_nanos() / 1_000_000);
                }
                Output::Close(_) => self.conn = None,
                other => panic!("{other:?}"),
            }
        }
    }

    /// To the next thing that is due.
    fn next(&mut self) {
        let next = self.checker.next_timeout().expect("something is due");
        assert!(next >= self.now);
        self.now = next;
        self.turn();
    }

    fn answer(&mut self, good: bool) {
        let conn = self.conn.expect("an attempt");
        let input = if good {
            Input::Connected(conn)
        } else {
            Input::Failed(conn, IoFailure::Refused)
        };
        self.checker.handle_input(self.now, input);
        self.turn();
    }

    /// Whole attempts with these results.
    fn results(&mut self, results: &[bool]) -> Vec<CheckerEvent> {
        for good in results {
            while self.conn.is_none() {
                self.next();
            }
            self.answer(*good);
        }
        self.events()
    }

    fn events(&mut self) -> Vec<CheckerEvent> {
        let events = std::iter::from_fn(|| self.checker.poll_event());
        events
            .filter(|event| *event != CheckerEvent::FirstResult)
            .collect()
    }
}

/// CHK-06: from start to start, however long an attempt takes.
#[test]
fn checks_begin_at_regular_times() {
    let mut world = World::new(schedule());
    for _ in 0..3 {
        world.now = world
            .now
            .checked_add(Duration::from_millis(1234))
            .expect("in range");
        world.answer(true);
        world.next();
    }
    assert_eq!(world.starts, [0, 10_000, 20_000, 30_000]);
}

/// CHK-06: a check that outlasts its interval, retries included, is followed by a whole one.
#[test]
fn a_long_check_is_not_followed_at_once() {
    let mut schedule = schedule();
    schedule.retries = 1;
    schedule.delay_before_retry = Duration::from_secs(12);
    let mut world = World::new(schedule);
    assert_eq!(
        world.results(&[true, false, false]),
        [CheckerEvent::Down(REFUSED)]
    );
    world.next();
    assert_eq!(world.starts, [0, 10_000, 22_000, 32_000]);
}

/// The same if it took just as long as the interval.
#[test]
fn a_check_of_just_its_interval_is_not_followed_at_once() {
    let mut schedule = schedule();
    schedule.delay_before_retry = Duration::from_secs(10);
    let mut world = World::new(schedule);
    world.results(&[true, false, false]);
    world.next();
    assert_eq!(world.starts, [0, 10_000, 20_000, 30_000]);
}

/// A process that was stopped looks late, and from then on at regular times again.
#[test]
fn a_check_whose_time_has_passed_begins_at_once() {
    let mut world = World::new(schedule());
    world.answer(true);
    world.now = at(17_000);
    world.turn();
    world.answer(true);
    world.next();
    assert_eq!(world.starts, [0, 17_000, 27_000]);
}

/// What `status` shows of a check.
#[test]
fn what_came_of_the_attempts_is_known() {
    let mut world = World::new(schedule());
    assert!(world.checker.is_running() && !world.checker.is_known());
    assert_eq!(world.checker.starts_at(), None, "it runs");
    assert_eq!(world.checker.results(), &Results::default());
    world.answer(true);
    assert!(!world.checker.is_running() && world.checker.is_known());
    assert_eq!(world.checker.starts_at(), Some(at(10_000)));
    world.results(&[false, true]);
    let results = Results {
        attempts: 3,
        failures: 1,
        last_failure: Some((at(10_000), REFUSED)),
    };
    assert_eq!(world.checker.results(), &results);
    assert!(!world.checker.is_suspended());
    world.checker.suspend(world.now, true);
    assert!(world.checker.is_suspended());
}

/// CHK-05.
#[test]
fn retries_come_before_the_verdict_and_only_on_the_way_down() {
    let mut schedule = schedule();
    schedule.retries = 2;
    let mut world = World::new(schedule);
    assert_eq!(world.results(&[true, false, false]), []);
    assert_eq!(world.checker.health(), Health::Up);
    assert_eq!(world.results(&[false]), [CheckerEvent::Down(REFUSED)]);
    assert_eq!(world.starts, [0, 10_000, 11_000, 12_000]);
    // One success brings it back, and failures of a failed check are not repeated early.
    assert_eq!(world.results(&[false, true]), [CheckerEvent::Up]);
    assert_eq!(world.starts[4..], [20_000, 30_000]);
}

/// CHK-05: retries are for what was seen working.
#[test]
fn who_fails_from_the_beginning_is_out_at_once() {
    let mut schedule = schedule();
    schedule.retries = 2;
    let mut world = World::new(schedule);
    assert_eq!(world.results(&[false]), [CheckerEvent::Down(REFUSED)]);
    assert_eq!(world.results(&[true]), [CheckerEvent::Up]);
    assert_eq!(world.results(&[false, false]), []);
    assert_eq!(world.starts, [0, 10_000, 20_000, 21_000]);
    // After a reload what was seen before it counts.
    let mut world = World::new(schedule);
    world.checker.adopt(Health::Up, WeightChange::None);
    assert_eq!(world.results(&[false, false]), []);
    assert_eq!(world.results(&[false]), [CheckerEvent::Down(REFUSED)]);
}

/// A success between failures begins the count anew.
#[test]
fn failures_count_in_a_row_only() {
    let mut world = World::new(schedule());
    let results = [true, false, true, false, true, false, true];
    assert_eq!(world.results(&results), []);
    assert_eq!(
        world.results(&[false, false]),
        [CheckerEvent::Down(REFUSED)]
    );
}

/// LVS-12, CHK-07.
#[test]
fn alpha_is_down_until_the_first_success() {
    let mut schedule = schedule();
    schedule.alpha = true;
    let mut world = World::new(schedule);
    assert_eq!(world.checker.health(), Health::Down);
    // Why it does not come up is said once.
    let attempt = CheckerEvent::AttemptFailed(REFUSED);
    assert_eq!(world.results(&[false, false]), [attempt]);
    assert_eq!(world.results(&[true]), [CheckerEvent::Up]);
    assert_eq!(World::new(self::schedule()).checker.health(), Health::Up);
}

/// B16.
#[test]
fn rise_wants_successes_in_a_row() {
    let mut schedule = schedule();
    (schedule.retries, schedule.rise) = (0, 3);
    let mut world = World::new(schedule);
    world.results(&[false]);
    assert_eq!(world.results(&[true, true, false, true, true]), []);
    assert_eq!(world.results(&[true]), [CheckerEvent::Up]);
}

/// Retries are part of one failure, and so many of those have to come in a row.
#[test]
fn fall_wants_failures_in_a_row_each_with_its_retries() {
    let mut schedule = schedule();
    (schedule.retries, schedule.fall) = (1, 2);
    schedule.rise = 2;
    let mut world = World::new(schedule);
    let progress = |world: &World| {
        let progress = world.checker.progress();
        (progress.retries, progress.failed, progress.passed)
    };
    assert_eq!(world.results(&[true, false]), []);
    assert_eq!(progress(&world), (1, 0, 0));
    assert_eq!(world.results(&[false]), []);
    assert_eq!(progress(&world), (0, 1, 0));
    assert_eq!(
        world.results(&[false, true, false, false]),
        [],
        "one that passed between"
    );
    assert_eq!(world.results(&[false]), []);
    assert_eq!(progress(&world), (1, 1, 0));
    assert_eq!(world.results(&[false]), [CheckerEvent::Down(REFUSED)]);
    assert_eq!(progress(&world), (0, 0, 0));
    // The second failure comes a whole interval after the first, its retry a second after itself.
    let ends = &world.starts[world.starts.len() - 4..];
    assert_eq!(ends[1] - ends[0], 1_000);
    assert_eq!(ends[2] - ends[0], 10_000);
    assert_eq!(ends[3] - ends[2], 1_000);
    assert_eq!(world.results(&[true]), []);
    assert_eq!(progress(&world), (0, 0, 1));
    assert_eq!(world.results(&[true]), [CheckerEvent::Up]);
    assert_eq!(progress(&world), (0, 0, 0));
}

proptest! {
    /// What the counts come to, told in the plainest way: a list of results, cut into failures of several
    /// attempts each and successes.
    #[test]
    fn health_follows_from_the_last_results_alone(
        retries in 0_u32..3,
        rise in 1_u32..4,
        fall in 1_u32..4,
        results in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let mut schedule = schedule();
        (schedule.retries, schedule.rise, schedule.fall) = (retries, rise, fall);
        let mut world = World::new(schedule);
        let (mut up, mut attempts, mut failures, mut successes) = (true, 0, 0, 0);
        for (place, good) in results.into_iter().enumerate() {
            world.results(&[good]);
            // The first failure of all is a whole one.
            let retries = if place == 0 { 0 } else { retries };
            match (up, good) {
                (true, true) => (attempts, failures) = (0, 0),
                (true, false) => {
                    attempts += 1;
                    if attempts > retries {
                        (attempts, failures) = (0, failures + 1);
                    }
                    up = failures < fall;
                    successes = 0;
                }
                (false, true) => {
                    successes += 1;
                    up = successes >= rise;
                    (attempts, failures) = (0, 0);
                }
                (false, false) => successes = 0,
            }
            let health = if up { Health::Up } else { Health::Down };
            prop_assert_eq!(world.checker.health(), health);
        }
    }
}

/// CHK-07.
#[test]
fn all_failures_are_told_when_that_is_wanted() {
    let mut schedule = schedule();
    schedule.log_all_failures = true;
    let mut world = World::new(schedule);
    let attempt = CheckerEvent::AttemptFailed(REFUSED);
    let expected = [attempt.clone(), CheckerEvent::Down(REFUSED), attempt];
    assert_eq!(world.results(&[true, false, false, false]), expected);
}

/// CHK-06: not all at once.
#[test]
fn the_first_checks_are_spread_over_the_warmup() {
    let starts: Vec<_> = (0..1000)
        .map(|seed| {
            let probe = TcpProbe::new(target(), LIMIT);
            let schedule = Schedule::every(Duration::from_secs(10));
            let checker = Checker::new(probe, schedule, seed, at(0));
            let next = checker.next_timeout().expect("due");
            next.saturating_duration_since(at(0))
        })
        .collect();
    assert!(starts.iter().all(|start| *start <= Duration::from_secs(10)));
    for second in 0..10 {
        let here = starts
            .iter()
            .filter(|start| start.as_secs() == second)
            .count();
        assert!((50..=150).contains(&here), "{here} in second {second}");
    }
}

/// LVS-16.
#[test]
fn a_suspended_check_does_nothing_and_keeps_what_it_knows() {
    let mut world = World::new(schedule());
    world.results(&[false, false]);
    assert_eq!(world.checker.health(), Health::Down);
    world.next();
    assert!(world.conn.is_some());
    world.checker.suspend(world.now, true);
    world.turn();
    assert_eq!(world.conn, None, "its connection is closed");
    assert_eq!(world.checker.next_timeout(), None);
    world.now = world
        .now
        .checked_add(Duration::from_secs(100))
        .expect("in range");
    world.turn();
    assert_eq!((world.conn, world.events()), (None, vec![]));
    assert_eq!(world.checker.health(), Health::Down);
    world.checker.suspend(world.now, false);
    assert_eq!(world.results(&[true]), [CheckerEvent::Up]);
}

#[test]
fn the_deadline_of_the_probe_is_the_deadline_of_the_check() {
    let mut world = World::new(schedule());
    world.answer(true);
    world.next();
    world.next();
    assert_eq!(world.now, at(15_000));
    assert_eq!(world.conn, None);
    world.next();
    assert_eq!(
        world.starts,
        [0, 10_000, 16_000],
        "the retry a second later"
    );
}

/// CHK-11: pages in turn; while it comes up at once if so wanted.
#[test]
fn a_server_comes_up_when_all_its_pages_were_seen() {
    for (fast, second) in [(false, at(10_000)), (true, at(0))] {
        let mut schedule = schedule();
        (schedule.alpha, schedule.fast_recovery) = (true, fast);
        let config = HttpConfig::new(vec![Page::new("/a"), Page::new("/b")]);
        let probe = HttpProbe::new(target(), config, LIMIT);
        let mut checker = Checker::new(probe, schedule, 1, at(0));
        let mut now = at(0);
        let mut page = |checker: &mut Checker<HttpProbe>| {
            now = checker.next_timeout().expect("due");
            checker.handle_timeout(now);
            let Some(Output::Connect { conn, .. }) = checker.poll_output(now) else {
                panic!("no connection");
            };
            checker.handle_input(now, Input::Connected(conn));
            checker.handle_input(now, Input::Bytes(conn, b"HTTP/1.1 204 x\r\n\r\n"));
            while checker.poll_output(now).is_some() {}
            (now, checker.health())
        };
        assert_eq!(page(&mut checker), (at(0), Health::Down));
        assert_eq!(page(&mut checker), (second, Health::Up));
    }
}

/// CHK-19: told by itself, without a clock.
#[test]
fn a_level_is_taken_when_it_is_told() {
    let mut checker = Checker::new(FileProbe::new(2), Schedule::told(), 1, at(0));
    assert_eq!(checker.starts_at(), None, "nobody has to wait for it");
    checker.handle_timeout(at(0));
    while checker.poll_output(at(0)).is_some() {}
    assert_eq!(checker.next_timeout(), None);
    checker.handle_input(at(5), Input::Level(Level::Value(Some(4))));
    checker.handle_input(at(6), Input::Level(Level::Value(Some(i64::MIN))));
    checker.handle_input(at(7), Input::Level(Level::Value(Some(1))));
    while checker.poll_output(at(7)).is_some() {}
    let mut events = Vec::new();
    while let Some(event) = checker.poll_event() {
        events.push(event);
    }
    let weight = |change| CheckerEvent::Weight(WeightChange::By(change));
    assert_eq!(
        events,
        [
            weight(0),
            CheckerEvent::FirstResult,
            weight(8),
            CheckerEvent::Down(Failure::FileValue(i64::MIN)),
            weight(2),
            CheckerEvent::Up,
        ]
    );
}

/// LVS-16, CHK-20.
#[test]
fn what_was_told_while_a_check_rested_counts_when_it_goes_on() {
    let mut checker = Checker::new(BfdProbe::new(), Schedule::told(), 1, at(0));
    checker.suspend(at(0), true);
    checker.handle_input(at(1), Input::Level(Level::Up(false)));
    assert_eq!(checker.poll_output(at(1)), None);
    assert_eq!(checker.poll_event(), None);
    checker.suspend(at(2), false);
    checker.handle_timeout(at(2));
    assert_eq!(checker.poll_output(at(2)), None);
    assert_eq!(
        checker.poll_event(),
        Some(CheckerEvent::Down(Failure::Down))
    );
}

/// A reload keeps a failed server failed, and its weight.
#[test]
fn what_was_known_can_be_taken_over() {
    let mut world = World::new(schedule());
    world.checker.adopt(Health::Down, WeightChange::None);
    assert!(world.checker.is_known());
    assert_eq!(world.results(&[true]), [CheckerEvent::Up]);
    let mut checker = Checker::new(FileProbe::new(2), Schedule::told(), 1, at(0));
    checker.adopt(Health::Up, WeightChange::By(8));
    assert_eq!(checker.weight(), WeightChange::By(8));
    for (value, event) in [(4, None), (5, Some(WeightChange::By(10)))] {
        checker.handle_input(at(1), Input::Level(Level::Value(Some(value))));
        assert_eq!(checker.poll_output(at(1)), None);
        assert_eq!(checker.poll_event(), event.map(CheckerEvent::Weight));
    }
    assert_eq!(checker.weight(), WeightChange::By(10));
}
