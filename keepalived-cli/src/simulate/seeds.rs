//! Many runs, each with another seed, on as many threads as there are processors.

use std::time::Duration;

use super::cluster::Cluster;
use super::document::{Seeds, Spread, Verdict};
use super::play::{Ready, Settings, play};
use super::recorder::Found;

/// What is kept of one run.
struct Run {
    seed: u64,
    takeovers: Vec<Duration>,
    late: u64,
    outage: Duration,
    violations: usize,
    conflicts: usize,
}

impl Run {
    fn of(seed: u64, found: &Found) -> Self {
        let bounded = found
            .takeovers
            .iter()
            .filter(|one| one.verdict != Verdict::NoBound);
        Self {
            seed,
            takeovers: bounded.map(|one| one.took).collect(),
            late: found.totals.late,
            outage: found.totals.outage_longest,
            violations: found.violations.len(),
            conflicts: found.conflicts.len(),
        }
    }
}

/// All of them. `replay` writes the command that shows one.
pub(super) fn all(
    cluster: &Cluster,
    names: &[String],
    settings: &Settings,
    script: &Ready,
    first: u64,
    count: u64,
    replay: impl Fn(u64) -> String,
) -> Seeds {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = u64::try_from(threads).unwrap_or(1).clamp(1, count.max(1));
    let some = |thread: u64| {
        let mine = (thread..count).step_by(usize::try_from(threads).unwrap_or(1));
        mine.map(|nth| {
            let seed = first + nth;
            Run::of(seed, &play(cluster, names, settings, script, seed, true))
        })
        .collect::<Vec<Run>>()
    };
    let some = &some;
    let mut runs: Vec<Run> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || some(thread)))
            .collect();
        all.into_iter()
            .flat_map(|thread| {
                let joined = thread.join();
                joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    runs.sort_by_key(|run| run.seed);
    let worst_run = runs
        .iter()
        .max_by_key(|run| (run.violations, run.outage, std::cmp::Reverse(run.seed)));
    let worst = worst_run.map_or(first, |run| run.seed);
    let counted = |is: fn(&Run) -> bool| {
        let found = runs.iter().filter(|run| is(run)).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    Seeds {
        first,
        count,
        takeover: spread(
            runs.iter().flat_map(|run| run.takeovers.iter().copied()),
            worst_run.and_then(|run| run.takeovers.iter().max().copied()),
        ),
        outage: spread(
            runs.iter().map(|run| run.outage),
            worst_run.map(|run| run.outage),
        ),
        late: runs.iter().map(|run| run.late).sum(),
        runs_with_violations: counted(|run| run.violations > 0),
        runs_with_conflicts: counted(|run| run.conflicts > 0),
        worst,
        replay: replay(worst),
    }
}

/// Parts into which times are sorted.
const PARTS: usize = 24;

/// How times are distributed, and where that of the worst run is among them.
fn spread(times: impl Iterator<Item = Duration>, worst: Option<Duration>) -> Option<Spread> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    // The smallest one that so many of a hundred are not above.
    let rank = |percent: usize| {
        let nth = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(nth).copied()
    };
    let mut spread = Spread {
        count: u64::try_from(times.len()).unwrap_or(u64::MAX),
        min: *times.first()?,
        median: rank(50)?,
        p99: rank(99)?,
        max: *times.last()?,
        bins: Vec::new(),
        worst,
    };
    // Times that are all the same are one part.
    let parts = if spread.min == spread.max { 1 } else { PARTS };
    spread.bins = vec![0; parts];
    for time in &times {
        let part = spread.part(*time);
        if let Some(bin) = spread.bins.get_mut(part) {
            *bin += 1;
        }
    }
    Some(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_that_so_many_are_not_above() {
        let spread = spread((1..=200).map(Duration::from_millis), None).unwrap();
        assert_eq!(spread.count, 200);
        assert_eq!(spread.min, Duration::from_millis(1));
        assert_eq!(spread.median, Duration::from_millis(100));
        assert_eq!(spread.p99, Duration::from_millis(198));
        assert_eq!(spread.max, Duration::from_millis(200));
        assert_eq!(super::spread(std::iter::empty(), None), None);
    }

    #[test]
    fn every_time_is_in_one_part_and_the_worst_run_in_its_own() {
        let ms = Duration::from_millis;
        let spread = spread((0..=240).map(ms), Some(ms(99))).unwrap();
        assert_eq!(spread.bins.len(), PARTS);
        assert_eq!(spread.bins.iter().sum::<u64>(), 241);
        // The greatest time ends the last part and is in it.
        assert_eq!((spread.bins[0], spread.bins[PARTS - 1]), (10, 11));
        assert_eq!((spread.edge(9), spread.edge(PARTS)), (ms(90), ms(240)));
        assert_eq!(spread.worst_bin(), Some(9));
        let same = super::spread([ms(5), ms(5)].into_iter(), Some(ms(5))).unwrap();
        assert_eq!((same.bins.clone(), same.worst_bin()), (vec![2], Some(0)));
    }
}
