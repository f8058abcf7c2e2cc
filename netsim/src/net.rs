//! Who is on, who is awake and who hears whom, right now.

use crate::world::NodeId;

/// The state of the network that observers may look at.
#[derive(Clone, Debug)]
pub struct Net {
    running: Vec<bool>,
    stalled: Vec<bool>,
    plugged: Vec<bool>,
    cell: Vec<usize>,
    /// Row: sender, column: receiver.
    one_way_cut: Vec<bool>,
}

impl Net {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            running: vec![false; nodes],
            stalled: vec![false; nodes],
            plugged: vec![true; nodes],
            cell: vec![0; nodes],
            one_way_cut: vec![false; nodes * nodes],
        }
    }

    /// All nodes.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..self.running.len()).map(NodeId)
    }

    /// The node is on (perhaps stalled).
    #[must_use]
    pub fn is_running(&self, node: NodeId) -> bool {
        self.running.get(node.0).is_some_and(|on| *on)
    }

    /// The node is on and gets no processor time.
    #[must_use]
    pub fn is_stalled(&self, node: NodeId) -> bool {
        self.stalled.get(node.0).is_some_and(|stalled| *stalled)
    }

    /// The cable of the node is plugged in.
    #[must_use]
    pub fn is_plugged(&self, node: NodeId) -> bool {
        self.plugged.get(node.0).is_some_and(|plugged| *plugged)
    }

    /// A frame from one reaches the other as far as cables and cells go (links may still lose it, and
    /// the receiver may be off). A node does not hear itself.
    #[must_use]
    pub fn hears(&self, from: NodeId, to: NodeId) -> bool {
        from != to
            && self.is_plugged(from)
            && self.is_plugged(to)
            && self.cell.get(from.0) == self.cell.get(to.0)
            && !self
                .one_way_cut
                .get(self.way(from, to))
                .is_some_and(|cut| *cut)
    }

    /// Frames pass in both directions.
    #[must_use]
    pub fn connected(&self, one: NodeId, other: NodeId) -> bool {
        self.hears(one, other) && self.hears(other, one)
    }

    /// Some way is cut in one direction only.
    #[must_use]
    pub fn is_lopsided(&self) -> bool {
        self.one_way_cut.contains(&true)
    }

    fn way(&self, from: NodeId, to: NodeId) -> usize {
        from.0 * self.running.len() + to.0
    }

    pub(crate) fn set_running(&mut self, node: NodeId, on: bool) {
        self.running[node.0] = on;
    }

    pub(crate) fn set_stalled(&mut self, node: NodeId, stalled: bool) {
        self.stalled[node.0] = stalled;
    }

    /// Returns whether that is a change.
    pub(crate) fn set_plugged(&mut self, node: NodeId, plugged: bool) -> bool {
        core::mem::replace(&mut self.plugged[node.0], plugged) != plugged
    }

    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) {
        let way = self.way(from, to);
        self.one_way_cut[way] = true;
    }

    pub(crate) fn partition(&mut self, cells: &[Vec<NodeId>]) {
        for node in self.nodes() {
            let cell = cells.iter().position(|cell| cell.contains(&node));
            // A node in no cell gets a number of its own, beyond those of the cells.
            self.cell[node.0] = cell.unwrap_or(cells.len() + node.0);
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cell.fill(0);
        self.one_way_cut.fill(false);
    }
}
