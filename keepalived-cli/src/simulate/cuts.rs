//! Cuts of single wires: who does not reach whom on one of them, while the others are whole.

use std::collections::{BTreeMap, BTreeSet};

/// A node, or the client of the wire.
pub(super) type Somebody = Option<usize>;

/// What is cut, by wire.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    one_way: BTreeSet<(usize, Somebody, Somebody)>,
    cells: BTreeMap<usize, Vec<Vec<Somebody>>>,
}

impl Cuts {
    /// Frames of the first do not reach the second.
    pub(super) fn cut(&mut self, wire: usize, from: Somebody, to: Somebody) {
        self.one_way.insert((wire, from, to));
    }

    /// Only members of one cell reach each other. Replaces the cells that this wire had before.
    pub(super) fn part(&mut self, wire: usize, cells: Vec<Vec<Somebody>>) {
        self.cells.insert(wire, cells);
    }

    /// Every wire is whole.
    pub(super) fn heal(&mut self) {
        *self = Self::default();
    }

    /// Whether a frame gets from one to the other.
    pub(super) fn passes(&self, wire: usize, from: Somebody, to: Somebody) -> bool {
        let cell = |cells: &[Vec<Somebody>], who| cells.iter().position(|cell| cell.contains(&who));
        let together = self
            .cells
            .get(&wire)
            .is_none_or(|cells| cell(cells, from) == cell(cells, to));
        together && !self.one_way.contains(&(wire, from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_of_one_wire_and_one_direction_and_a_partition_of_both() {
        let mut cuts = Cuts::default();
        cuts.cut(1, Some(0), Some(1));
        assert!(!cuts.passes(1, Some(0), Some(1)));
        assert!(cuts.passes(1, Some(1), Some(0)));
        assert!(cuts.passes(0, Some(0), Some(1)));
        cuts.part(0, vec![vec![Some(0), None], vec![Some(1)]]);
        assert!(!cuts.passes(0, Some(0), Some(1)) && !cuts.passes(0, Some(1), Some(0)));
        assert!(cuts.passes(0, Some(0), None) && !cuts.passes(0, None, Some(1)));
        cuts.part(0, vec![vec![Some(0)], vec![None, Some(1)]]);
        assert!(cuts.passes(0, None, Some(1)));
        cuts.heal();
        assert!(cuts.passes(0, Some(0), Some(1)) && cuts.passes(1, Some(0), Some(1)));
    }
}
