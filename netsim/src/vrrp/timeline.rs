//! Who was what, when; as data and as a picture.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use sans_io_time::Instant;
use vrrp_fsm::State;

use super::router::{Key, Note};
use super::station::Station;
use crate::net::Net;
use crate::observe::{Observer, Violation};
use crate::trace::Record;
use crate::world::NodeId;

/// Most spans a timeline keeps; later ones are not recorded.
const LIMIT: usize = 100_000;
/// Characters of a bar.
const WIDTH: i64 = 64;

/// What a virtual router on a node is doing.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum TimelineState {
    /// The node is off.
    Off,
    /// Initialize: not started, or a fault.
    Initialize,
    /// Backup.
    Backup,
    /// Active.
    Active,
}

impl TimelineState {
    const fn mark(self) -> char {
        match self {
            Self::Off => ' ',
            Self::Initialize => '!',
            Self::Backup => '.',
            Self::Active => '#',
        }
    }
}

/// A time during which a virtual router on a node was in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The node.
    pub node: NodeId,
    /// The virtual router.
    pub key: Key,
    /// What it was.
    pub state: TimelineState,
    /// From when.
    pub since: Instant,
    /// Why, in the words of the state machine.
    pub reason: String,
}

/// An [`Observer`] that remembers the state changes of routers. `Display` prints one line per change
/// and a bar per router: `#` Active, `.` Backup, `!` Initialize, blank off, `|` the scripted faults.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    spans: Vec<Span>,
    faults: Vec<(Instant, String)>,
    seen: Option<Instant>,
    names: Vec<String>,
}

impl Timeline {
    /// An empty timeline.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the nodes names for the picture, in their order; those without are n0, n1, ...
    #[must_use]
    pub fn with_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// All spans in the order of their beginning. A span ends where the next one of the same node and key
    /// begins.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The nodes that were Active for this virtual router at this instant.
    #[must_use]
    pub fn active_at(&self, key: Key, at: Instant) -> Vec<NodeId> {
        let mut states = BTreeMap::new();
        for span in self
            .spans
            .iter()
            .filter(|span| span.key == key && span.since <= at)
        {
            states.insert(span.node, span.state);
        }
        let active = states
            .into_iter()
            .filter(|(_, state)| *state == TimelineState::Active);
        active.map(|(node, _)| node).collect()
    }

    fn name(&self, node: NodeId) -> String {
        self.names
            .get(node.0)
            .cloned()
            .unwrap_or_else(|| node.to_string())
    }

    /// A line of the trace with the names of the nodes in it.
    fn named(&self, line: &str) -> String {
        let word = |word: &str| {
            let core = word.trim_matches(['[', ']']);
            let number = core
                .strip_prefix('n')
                .and_then(|digits| digits.parse().ok());
            match number.and_then(|number: usize| self.names.get(number)) {
                Some(name) => word.replace(core, name),
                None => word.to_string(),
            }
        };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    fn push(&mut self, node: NodeId, key: Key, state: TimelineState, since: Instant, why: String) {
        if self.spans.len() < LIMIT {
            self.spans.push(Span {
                node,
                key,
                state,
                since,
                reason: why,
            });
        }
    }

    /// The state in each of `WIDTH` slices of time; within a slice the strongest state wins.
    fn bar(&self, node: NodeId, key: Key, end: i64) -> String {
        let mine = |span: &&Span| span.node == node && span.key == key;
        let spans: Vec<&Span> = self.spans.iter().filter(mine).collect();
        let slice = |index: i64| {
            let (from, to) = (end / WIDTH * index, end / WIDTH * (index + 1));
            let during = |index: usize, span: &Span| {
                let until = spans
                    .get(index + 1)
                    .map_or(i64::MAX, |next| next.since.as_nanos());
                span.since.as_nanos() < to && until > from
            };
            let states = spans
                .iter()
                .enumerate()
                .filter(|(index, span)| during(*index, span));
            let marks = states.map(|(_, span)| span.state.mark());
            marks.max_by_key(|mark| " !.#".find(*mark)).unwrap_or(' ')
        };
        (0..WIDTH).map(slice).collect()
    }
}

impl Observer<Station> for Timeline {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, Station>,
        _net: &Net,
    ) -> Result<(), Violation> {
        self.seen = Some(now);
        match record {
            Record::Fault(fault) if self.faults.len() < LIMIT => {
                self.faults.push((now, fault.to_string()));
            }
            Record::Note {
                node,
                note: Note::State {
                    key, to, reason, ..
                },
            } => {
                let state = match to {
                    State::Active => TimelineState::Active,
                    State::Backup => TimelineState::Backup,
                    State::Initialize => TimelineState::Initialize,
                };
                self.push(*node, *key, state, now, format!("{reason:?}"));
            }
            Record::Off(node) => {
                let spans = self.spans.iter().filter(|span| span.node == *node);
                let keys: BTreeSet<Key> = spans.map(|span| span.key).collect();
                for key in keys {
                    self.push(*node, key, TimelineState::Off, now, String::new());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |at: Instant| format!("{}.{:03}", at.secs(), at.subsec_nanos() / 1_000_000);
        let mut lines: Vec<(Instant, String)> = Vec::new();
        for span in &self.spans {
            let name = self.name(span.node);
            let why = if span.reason.is_empty() {
                String::new()
            } else {
                format!(" ({})", span.reason)
            };
            lines.push((
                span.since,
                format!("{name} {} {:?}{why}", span.key, span.state),
            ));
        }
        for (at, fault) in &self.faults {
            lines.push((*at, format!("*** {}", self.named(fault))));
        }
        lines.sort_by_key(|(at, line)| (*at, !line.starts_with('*')));
        for (at, line) in lines {
            writeln!(f, "{:>12} s  {line}", millis(at))?;
        }
        let end = self.seen.map_or(WIDTH, |seen| seen.as_nanos().max(WIDTH));
        let rows: BTreeSet<(Key, NodeId)> = self
            .spans
            .iter()
            .map(|span| (span.key, span.node))
            .collect();
        let width = rows
            .iter()
            .map(|(_, node)| self.name(*node).len())
            .max()
            .unwrap_or(0);
        for (key, node) in rows {
            writeln!(
                f,
                "{:width$} {key} [{}]",
                self.name(node),
                self.bar(node, key, end)
            )?;
        }
        Ok(())
    }
}
