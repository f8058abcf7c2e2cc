//! When a host doubts what it knows: neighbour unreachability detection as Linux does it.

use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::BTreeMap;

use sans_io_time::Instant;

use crate::link::later;
use crate::rng::Random;

/// For how long Linux takes an entry for good: a half to three halves of `base_reachable_time`, 30 s.
const REACHABLE: RangeInclusive<Duration> = Duration::from_secs(15)..=Duration::from_secs(45);
/// Then something else may confirm it for so long: `delay_first_probe_time`.
const DELAY: Duration = Duration::from_secs(5);
/// Then the one that it believes in is asked so often: `ucast_solicit`.
const PROBES: u8 = 3;
/// From a question to the next: `retrans_time`.
const AGAIN: Duration = Duration::from_secs(1);

/// What is known of one address.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// It was confirmed.
    Reachable,
    /// Nobody has confirmed it for a while.
    Delay,
    /// The one that is believed to have it was asked so often.
    Probe(u8),
    /// Everybody is asked.
    Ask,
}

/// Whom to ask for an address.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    Believed,
    Everyone,
}

/// The entries of a host that sends to every address all the time, and that nothing confirms but ARP or
/// neighbour discovery. An address that nobody has is asked for each second, as there is always something to send.
#[derive(Debug)]
pub(super) struct Neighbours {
    random: Random,
    entries: BTreeMap<IpAddr, (Phase, Instant)>,
}

impl Neighbours {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            entries: BTreeMap::new(),
        }
    }

    /// Nothing is known, and all of these are wanted.
    pub(super) fn start(&mut self, now: Instant, wants: &[IpAddr]) {
        let entry = |address: &IpAddr| (*address, (Phase::Ask, now));
        self.entries = wants.iter().map(entry).collect();
    }

    pub(super) fn stop(&mut self) {
        self.entries.clear();
    }

    /// Who has the address has answered.
    pub(super) fn confirm(&mut self, now: Instant, address: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&address) {
            *entry = (
                Phase::Reachable,
                later(now, self.random.duration(&REACHABLE)),
            );
        }
    }

    /// Somebody says unasked to have it. That changes an entry but does not confirm it: RFC 4861 7.2.5, and
    /// Linux takes ARP alike.
    pub(super) fn announced(&mut self, now: Instant, address: IpAddr, changed: bool) {
        if let Some(entry) = self.entries.get_mut(&address)
            && (changed || entry.0 == Phase::Ask)
        {
            *entry = (Phase::Delay, later(now, DELAY));
        }
    }

    /// The questions that are due.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(IpAddr, Whom)> {
        let mut questions = Vec::new();
        for (address, (phase, at)) in &mut self.entries {
            if *at <= now {
                let wait = match *phase {
                    Phase::Reachable => {
                        *phase = Phase::Delay;
                        DELAY
                    }
                    Phase::Delay => {
                        *phase = Phase::Probe(1);
                        questions.push((*address, Whom::Believed));
                        AGAIN
                    }
                    Phase::Probe(sent) if sent < PROBES => {
                        *phase = Phase::Probe(sent.saturating_add(1));
                        questions.push((*address, Whom::Believed));
                        AGAIN
                    }
                    Phase::Probe(_) | Phase::Ask => {
                        *phase = Phase::Ask;
                        questions.push((*address, Whom::Everyone));
                        AGAIN
                    }
                };
                *at = later(now, wait);
            }
        }
        questions
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.entries.values().map(|(_, at)| *at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(203, 0, 113, 100));

    fn at(millis: i64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    /// What it asks from now on if nobody answers, in milliseconds.
    fn questions(neighbours: &mut Neighbours, count: usize) -> Vec<(i64, Whom)> {
        let mut found = Vec::new();
        while found.len() < count {
            let now = neighbours.next().expect("it never gives up");
            for (address, whom) in neighbours.due(now) {
                assert_eq!(address, ADDRESS);
                found.push((now.as_nanos() / 1_000_000, whom));
            }
        }
        found
    }

    #[test]
    fn an_announcement_is_doubted_after_five_seconds_and_given_up_after_eight() {
        let mut neighbours = Neighbours::new(1);
        neighbours.start(at(0), &[ADDRESS]);
        neighbours.announced(at(700), ADDRESS, true);
        // The same again confirms nothing.
        neighbours.announced(at(3_000), ADDRESS, false);
        let expected = [
            (5_700, Whom::Believed),
            (6_700, Whom::Believed),
            (7_700, Whom::Believed),
            (8_700, Whom::Everyone),
            (9_700, Whom::Everyone),
        ];
        assert_eq!(questions(&mut neighbours, 5), expected);
        // Whoever says it now is believed, also the one of before.
        neighbours.announced(at(10_000), ADDRESS, false);
        assert_eq!(questions(&mut neighbours, 1), [(15_000, Whom::Believed)]);
    }

    #[test]
    fn an_answer_is_good_for_fifteen_to_forty_five_seconds_whenever_it_comes() {
        let first = |seed, start: i64| {
            let mut neighbours = Neighbours::new(seed);
            neighbours.start(at(start), &[ADDRESS]);
            neighbours.confirm(at(start), ADDRESS);
            let (asked, whom) = questions(&mut neighbours, 1)[0];
            assert_eq!(whom, Whom::Believed);
            asked - start
        };
        let waits: Vec<i64> = (0..1000).map(|seed| first(seed, 0)).collect();
        assert!(waits.iter().all(|wait| (20_000..=50_000).contains(wait)));
        let least_and_most = (waits.iter().min(), waits.iter().max());
        assert!(
            matches!(least_and_most, (Some(..21_000), Some(49_000..))),
            "{least_and_most:?}"
        );
        let later: Vec<i64> = (0..1000).map(|seed| first(seed, 7_777)).collect();
        assert_eq!(waits, later);
    }
}
