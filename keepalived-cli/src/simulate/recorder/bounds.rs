//! How long a takeover may take, from the RFCs alone: none of the arithmetic is that of the elections.

use std::time::Duration;

use vrrp_fsm::Preempt;
use vrrp_proto::Version;

use super::super::document::State;
use super::Recorder;

impl Recorder<'_> {
    /// The longest time from the beginning of a node's down timer until it is MASTER. All members of its
    /// group have to be ready, so it is that of the last one.
    pub(super) fn bound(&mut self, node: usize, place: usize, preempts: bool) -> Option<Duration> {
        let (armed, now) = (self.seat(node, place)?.armed, self.now);
        let places = self.group_of(node, place);
        let until = places.into_iter().filter_map(|place| {
            let wait = self.wait(node, place, preempts)?;
            let seat = self.seat(node, place)?;
            // Those that were MASTER already waited for nobody. Members become MASTER one after the
            // other within one instant, and the first of them may be the one that the rest waited for.
            let waited = seat.state != State::Master || seat.since == now;
            waited.then(|| seat.armed + wait)
        });
        Some(until.max()?.saturating_sub(armed))
    }

    /// Its own down interval, or skew time. RFC 9568 6.1, RFC 3768 6.1.
    fn wait(&mut self, node: usize, place: usize, preempts: bool) -> Option<Duration> {
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
        let delay = match fsm.preempt() {
            Preempt::After(delay) if preempts => delay,
            _ => Duration::ZERO,
        };
        // Timers are in whole nanoseconds, and never early.
        Some(adverts + skew + delay + Duration::from_nanos(1))
    }

    /// The places of the members of its group, itself included.
    pub(super) fn group_of(&self, node: usize, place: usize) -> Vec<usize> {
        let found = || {
            let file = *self.shared.facts.borrow().file.get(node)?;
            let setup = self.shared.topology.setups.get(node)?.get(file)?;
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
