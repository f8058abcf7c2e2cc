//! The proof: random networks with random histories, watched by an oracle.

pub mod figures;
pub mod model;
pub mod oracle;
pub mod rfc;
pub mod scenario;
mod script;

use std::time::Duration;

use netsim::vrrp::{Reach, Timeline};
use netsim::{Budget, Instant, Violation};

use figures::Figures;
use oracle::Oracle;
use scenario::Scenario;

/// Runs a scenario. Returns the figures and the trace hash.
pub fn run(scenario: &Scenario) -> Result<(Figures, u64), Violation> {
    run_with(scenario, false)
}

/// As [`run`], or with the global rules alone.
pub fn run_with(scenario: &Scenario, weak: bool) -> Result<(Figures, u64), Violation> {
    let mut world = scenario.world();
    world.set_budget(budget(scenario));
    let mut oracle = Oracle::new(scenario, world.net(), weak);
    let addresses: Vec<_> = scenario
        .virtuals
        .iter()
        .flat_map(|one| one.addresses.iter().copied())
        .collect();
    let hosts: Vec<_> = scenario.host().into_iter().collect();
    let mut reach = Reach::new(&hosts, &addresses);
    let end = Instant::from_nanos(scenario.end);
    world.run_until(end, &mut (&mut oracle, &mut reach))?;
    oracle.finish(end)?;
    let mut figures = oracle.figures;
    figures.seeds = 1;
    figures.records = world.trace().records();
    figures.nanos = i128::from(scenario.end);
    for outage in reach.outages() {
        let length = outage.length.as_nanos() as i64;
        figures.outages += 1;
        figures.dark += i128::from(length);
        figures.darkest = figures.darkest.max((length, scenario.seed));
    }
    Ok((figures, world.trace_hash()))
}

fn budget(scenario: &Scenario) -> Budget {
    // Suspended machines lose what they were sent, stopped processes find it in the socket.
    let stall_queue = match scenario.seed % 4 {
        0 => 0,
        1 => 3,
        _ => 256,
    };
    let window = Duration::from_nanos(scenario.fastest() as u64 * 4);
    Budget {
        records: 20_000,
        window,
        stall_queue,
        ..Budget::default()
    }
}

/// Runs a scenario again and tells the story up to the violation.
pub fn story(scenario: &Scenario, lines: usize) -> String {
    let mut world = scenario.world();
    world.set_budget(budget(scenario));
    world.keep_trace(lines);
    let mut oracle = Oracle::new(scenario, world.net(), false);
    let mut timeline = Timeline::new();
    let end = Instant::from_nanos(scenario.end);
    let result = world
        .run_until(end, &mut (&mut timeline, &mut oracle))
        .and_then(|()| oracle.finish(end));
    let verdict = match result {
        Ok(()) => "no violation".to_string(),
        Err(violation) => format!("VIOLATION {violation}"),
    };
    format!("{scenario}\n\n{}\n{timeline}\n{verdict}\n", world.trace())
}

/// The steps of a failing scenario that matter: the others are left out for as long as it still fails.
pub fn shrink(scenario: &Scenario) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..scenario.script.len()).collect();
    let mut place = 0;
    while place < kept.len() {
        let mut fewer = kept.clone();
        fewer.remove(place);
        if run(&with_steps(scenario, &fewer)).is_err() {
            kept = fewer;
        } else {
            place += 1;
        }
    }
    kept
}

fn with_steps(scenario: &Scenario, kept: &[usize]) -> Scenario {
    let mut smaller = scenario.clone();
    let steps = kept.iter().filter_map(|step| scenario.script.get(*step));
    smaller.script = steps.cloned().collect();
    smaller
}

/// For a regression test: a seed with some steps of its script only, in groups or not.
#[track_caller]
pub fn check_steps(seed: u64, grouped: bool, kept: &[usize]) {
    let scenario = if grouped {
        Scenario::grouped(seed)
    } else {
        Scenario::new(seed)
    };
    let scenario = with_steps(&scenario, kept);
    if let Err(violation) = run(&scenario) {
        panic!("{violation}\n{}", story(&scenario, 60));
    }
}

/// The test that fails as a scenario does, to be put into `netsim/tests/regressions.rs`.
fn as_test(scenario: &Scenario, kept: &[usize], violation: &Violation) -> String {
    let Scenario { seed, grouped, .. } = scenario;
    format!(
        "/// {violation}.\n#[test]\nfn seed_{seed}_stays_good() {{\n    \
         proof::check_steps({seed}, {grouped}, &{kept:?});\n}}\n"
    )
}

/// Checks one seed. The error says everything about a failure, replay command first.
pub fn check(seed: u64) -> Result<Figures, String> {
    let mut all = Figures::default();
    for scenario in scenarios(seed) {
        match run(&scenario) {
            Ok((figures, _)) => all.add(&figures),
            Err(violation) => {
                let kept = shrink(&scenario);
                return Err(format!(
                    "seed {seed} violates {violation}\nreplay: cargo xtask sim --seed {seed}\n\
                     fewest steps that still fail:\n{}\nas a test:\n\n{}",
                    story(&with_steps(&scenario, &kept), 60),
                    as_test(&scenario, &kept, &violation)
                ));
            }
        }
    }
    all.seeds = 1;
    Ok(all)
}

/// What a seed stands for: a network, and for every fourth seed another one with groups.
pub fn scenarios(seed: u64) -> Vec<Scenario> {
    let mut scenarios = vec![Scenario::new(seed)];
    if seed.is_multiple_of(4) {
        scenarios.push(Scenario::grouped(seed));
    }
    scenarios
}
