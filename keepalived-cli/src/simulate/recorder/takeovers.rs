//! Each time a node becomes MASTER: why, how long it took, and how long it may take, by the RFCs alone: none of
//! the arithmetic is that of the elections.

use std::time::Duration;

use vrrp_fsm::{Preempt, Reason};
use vrrp_proto::Version;

use super::super::document::{State, Takeover, Verdict, Why};
use super::super::text::seconds;
use super::{LIMIT, Recorder};

impl Recorder<'_> {
    /// It becomes MASTER now.
    pub(super) fn takeover(&mut self, node: usize, place: usize, reason: Reason) {
        let seat = self.seat(node, place).map(|seat| seat.clone());
        let Some(seat) = seat else {
            return;
        };
        let why = match reason {
            Reason::OwnerStart => Why::Owner,
            Reason::DownTimer if seat.heard => Why::Silence,
            Reason::DownTimer => Why::Start,
            Reason::ReleaseHeard => Why::Release,
            Reason::ActiveLost => Why::Bfd,
            Reason::PreemptedLower => Why::Preempt,
            _ => Why::Group,
        };
        // Who preempts answers the first advert with a lower priority.
        let begin = match why {
            Why::Preempt => seat.lower.unwrap_or(seat.armed),
            _ => seat.armed,
        };
        let bound = match why {
            Why::Owner => None,
            _ => self.deadline(node, place, why == Why::Preempt),
        };
        let bound = bound.map(|deadline| deadline.saturating_sub(begin));
        // A node that does not run cannot be in time.
        let held_up = self.held_up.get(node).copied().flatten();
        let bound = bound.filter(|_| held_up.is_none_or(|at| at < begin.min(seat.armed)));
        let took = match why {
            // It waits for nothing.
            Why::Owner => Duration::ZERO,
            _ => self.now.saturating_sub(begin),
        };
        let verdict = match bound {
            None => Verdict::NoBound,
            Some(bound) if took <= bound => Verdict::Within,
            Some(_) => Verdict::Late,
        };
        let last = self.last_master.get(place).copied().flatten();
        let from = last.filter(|last| *last != node);
        let adverts = self.last_advert.get(place);
        let last_advert = from.and_then(|from| adverts?.get(from).copied().flatten());
        self.found.totals.takeovers += 1;
        if verdict == Verdict::Late {
            self.found.totals.late += 1;
            let text = format!(
                "{} took {} to become MASTER of {}, which may take {}",
                self.name(node),
                seconds(took),
                self.title(node, place),
                seconds(bound.unwrap_or_default())
            );
            self.object("late-takeover", text);
        }
        if self.found.takeovers.len() < LIMIT {
            self.found.takeovers.push(Takeover {
                instance: place,
                from,
                to: node,
                at: self.now,
                why,
                last_advert,
                took,
                bound,
                verdict,
            });
        }
    }

    /// When a node has to be MASTER at the latest. All members of its group have to be ready, so it is the
    /// deadline of the last one; and what a reload has made shorter is due at the reload.
    fn deadline(&mut self, node: usize, place: usize, preempts: bool) -> Option<Duration> {
        let now = self.now;
        let places = self.group_of(node, place);
        let until = places.into_iter().filter_map(|place| {
            let wait = self.wait(node, place)?;
            // KA-B-04: until the delay is over it follows whom it is to succeed.
            let delay = match self.setup(node, place)?.fsm.preempt() {
                Preempt::After(delay) if preempts => delay,
                _ => Duration::ZERO,
            };
            let seat = self.seat(node, place)?;
            let begin = match seat.lower {
                Some(lower) if !delay.is_zero() => (lower + delay).max(seat.armed),
                _ => seat.armed + delay,
            };
            // Those that were MASTER already waited for nobody. Members become MASTER one after the
            // other within one instant, and the first of them may be the one that the rest waited for.
            let waited = seat.state != State::Master || seat.since == now;
            waited.then(|| begin + wait)
        });
        let last = until.max()?;
        Some(self.reloaded.get(node).map_or(last, |at| last.max(*at)))
    }

    /// Its own down interval, or skew time. RFC 9568 6.1, RFC 3768 6.1.
    fn wait(&mut self, node: usize, place: usize) -> Option<Duration> {
        let fsm = &self.setup(node, place)?.fsm;
        let seat = self.seat(node, place)?;
        let own = fsm.interval.to_duration();
        let (interval, unit) = match fsm.version() {
            Version::V2 => (own, Duration::from_secs(1)),
            Version::V3 => {
                let interval = seat.interval.unwrap_or(own);
                (interval, interval)
            }
        };
        let skew = unit * (256 - u32::from(seat.lowest)) / 256;
        let adverts = match seat.short {
            true => Duration::ZERO,
            false => interval * u32::from(fsm.down_adverts.get()),
        };
        // Timers are in whole nanoseconds, and never early.
        Some(adverts + skew + Duration::from_nanos(1))
    }

    /// The places of the members of its group, itself included.
    pub(super) fn group_of(&self, node: usize, place: usize) -> Vec<usize> {
        let found = || {
            let setup = self.runs(node)?;
            let local = setup.places.iter().position(|known| *known == place)?;
            let mut groups = setup.driver.groups.iter();
            let group = groups.find(|group| group.members.contains(&local))?;
            let members = group.members.iter();
            Some(
                members
                    .filter_map(|local| setup.places.get(*local).copied())
                    .collect::<Vec<_>>(),
            )
        };
        found().unwrap_or_else(|| vec![place])
    }

    /// Longer than any member needs, whatever its priority and whoever it has heard.
    pub(super) fn longest_wait(&self, place: usize) -> Duration {
        let mut longest = Duration::ZERO;
        for node in 0..self.names.len() {
            for place in self.group_of(node, place) {
                let Some(setup) = self.setup(node, place) else {
                    continue;
                };
                let adverts = u32::from(setup.fsm.down_adverts.get());
                let interval = setup.fsm.interval.to_duration();
                longest = longest.max(interval * (adverts + 1));
            }
        }
        longest
    }

    /// The longest interval of a virtual router.
    pub(super) fn longest_interval(&self, place: usize) -> Duration {
        let nodes = 0..self.names.len();
        let setups = nodes.filter_map(|node| self.setup(node, place));
        let intervals = setups.map(|setup| setup.fsm.interval.to_duration());
        intervals.max().unwrap_or_default()
    }
}
