//! Which links count as up: those of the kernel, after the delays that were asked for.
//!
//! A link that goes and comes again within its delay has not been away (IF-05).

use std::collections::BTreeMap;
use std::time::Duration;

use netlink_vip::{InterfaceName, Link, Reconciler};
use sans_io_time::Instant;

use super::Elections;
use crate::report::LinkState;
use crate::vmac::LinkDelay;

/// Interfaces with delays; all others count as the kernel says.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    delayed: BTreeMap<InterfaceName, Delayed>,
}

#[derive(Debug)]
struct Delayed {
    down: Duration,
    up: Duration,
    /// What counts now; nothing before the first word about it.
    counts: Option<bool>,
    /// When it will be the opposite.
    turns: Option<Instant>,
}

impl Readiness {
    /// Sets the delays. What is known about an interface stays.
    pub(super) fn set(&mut self, delays: &[LinkDelay], reconciler: &Reconciler) {
        let mut old = std::mem::take(&mut self.delayed);
        for delay in delays {
            let known = old.remove(&delay.interface);
            let now = reconciler.link(delay.interface.as_str()).map(Link::up);
            self.delayed.insert(
                delay.interface,
                Delayed {
                    down: delay.down,
                    up: delay.up,
                    counts: known.as_ref().map_or(now, |known| known.counts),
                    turns: known.and_then(|known| known.turns),
                },
            );
        }
    }

    /// Takes in what the kernel says about a link. One that is gone is gone at once. KA-F-07.
    pub(super) fn note(&mut self, now: Instant, name: InterfaceName, state: LinkState) {
        let Some(link) = self.delayed.get_mut(&name) else {
            return;
        };
        let is_up = state == LinkState::Up;
        let delay = if is_up { link.up } else { link.down };
        match link.counts {
            Some(counts) if counts == is_up => link.turns = None,
            Some(_) if state != LinkState::Gone && !delay.is_zero() => {
                let at = now.checked_add(delay);
                link.turns = link.turns.or(at);
            }
            _ => (link.counts, link.turns) = (Some(is_up), None),
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.delayed.values().filter_map(|link| link.turns).min()
    }

    /// The links that count otherwise from now on.
    fn turn(&mut self, now: Instant) -> Vec<InterfaceName> {
        let mut turned = Vec::new();
        for (name, link) in &mut self.delayed {
            if link.turns.is_some_and(|at| at <= now) {
                link.turns = None;
                link.counts = link.counts.map(|counts| !counts);
                turned.push(*name);
            }
        }
        turned
    }
}

impl Elections {
    /// Whether this link counts as up.
    pub(super) fn is_up(&self, name: InterfaceName) -> bool {
        let delayed = self.readiness.delayed.get(&name);
        if let Some(counts) = delayed.and_then(|link| link.counts) {
            return counts;
        }
        self.has_link(name)
    }

    pub(super) fn settle_readiness(&mut self, now: Instant) {
        for name in self.readiness.turn(now) {
            if let Some(id) = self.interfaces.find(&name) {
                self.dirty.insert(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> InterfaceName {
        InterfaceName::new("eth0").unwrap()
    }

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(1_000_000_000)
            .checked_add(Duration::from_millis(millis))
            .unwrap()
    }

    /// IF-05.
    #[test]
    fn a_link_that_is_back_within_its_delay_was_never_away() {
        let mut readiness = Readiness::default();
        let delay = LinkDelay {
            interface: name(),
            down: Duration::from_millis(100),
            up: Duration::from_millis(300),
        };
        readiness.set(&[delay], &Reconciler::new(netlink_vip::Tag(1)));
        let counts = |readiness: &Readiness| readiness.delayed[&name()].counts;
        readiness.note(at(0), name(), LinkState::Up);
        assert_eq!(counts(&readiness), Some(true));
        readiness.note(at(10), name(), LinkState::Down);
        // A second word does not begin the delay anew.
        readiness.note(at(90), name(), LinkState::Down);
        readiness.note(at(95), name(), LinkState::Up);
        assert_eq!(readiness.next_timeout(), None);
        readiness.note(at(100), name(), LinkState::Down);
        assert_eq!(readiness.turn(at(199)), []);
        assert_eq!(readiness.turn(at(200)), [name()]);
        assert_eq!(counts(&readiness), Some(false));
        readiness.note(at(200), name(), LinkState::Up);
        assert_eq!(readiness.next_timeout(), Some(at(500)));
        readiness.note(at(300), name(), LinkState::Gone);
        assert_eq!(readiness.next_timeout(), None);
    }
}
