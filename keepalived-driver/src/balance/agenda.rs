//! Deadlines by key: the next one is found at once, and changing one costs the logarithm of their
//! number.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use sans_io_time::Instant;

/// At most one deadline for each key.
#[derive(Debug)]
pub(super) struct Agenda<K> {
    dates: BTreeSet<(Instant, K)>,
    of: HashMap<K, Instant>,
}

impl<K: Copy + Ord + Hash> Agenda<K> {
    pub(super) fn new() -> Self {
        Self {
            dates: BTreeSet::new(),
            of: HashMap::new(),
        }
    }

    /// The deadline of this key from now on, or none.
    pub(super) fn set(&mut self, key: K, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.of.insert(key, at),
            None => self.of.remove(&key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.dates.remove(&(before, key));
        }
        if let Some(at) = at {
            self.dates.insert((at, key));
        }
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.dates.first().map(|(at, _)| *at)
    }

    /// The key that has been due for longest, without its deadline from now on.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = *self.dates.first()?;
        if at > now {
            return None;
        }
        self.dates.pop_first();
        self.of.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn what_was_due_first_comes_first_and_once() {
        let mut agenda = Agenda::new();
        for (key, date) in [("a", 30), ("b", 10), ("c", 20), ("d", 40)] {
            agenda.set(key, Some(at(date)));
        }
        agenda.set("b", Some(at(35)));
        agenda.set("d", None);
        assert_eq!(agenda.next(), Some(at(20)));
        let due: Vec<_> = std::iter::from_fn(|| agenda.pop_due(at(34))).collect();
        assert_eq!(due, ["c", "a"]);
        assert_eq!(agenda.next(), Some(at(35)));
        assert_eq!(agenda.pop_due(at(35)), Some("b"));
        assert_eq!(agenda.next(), None);
    }
}
