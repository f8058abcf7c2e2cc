//! Dumps: how the mirror of the kernel's tables gets and stays true.
//!
//! Links first, then addresses, routes and rules, one dump at a time, because the kernel runs only
//! one per socket.
//! Notifications that come in meanwhile are newer than the dump or will be followed by newer
//! ones, so what they touched the dump does not overwrite. Where the two contradict each other,
//! another dump settles it.

use core::time::Duration;
use std::collections::BTreeSet;

use sans_io_time::Instant;

use super::object::Id;
use crate::observed::Identity;
use crate::route::ObservedRoute;
use crate::rule::ObservedRule;
use crate::timing::after;

/// How long an answer may take; the kernel answers within the system call.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Shortest time between two dumps, so that a storm of overruns does not become one of dumps.
const SPACING: Duration = Duration::from_millis(100);
/// Wait after a refused dump, for example while an abandoned one still runs.
const RETRY: Duration = Duration::from_millis(20);
/// Dumps in a row to settle contradictions.
const ROUNDS: u32 = 3;

/// Which table is being dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Links,
    Addresses,
    Routes4,
    Routes6,
    Rules,
}

impl Table {
    const fn next(self) -> Option<Self> {
        match self {
            Self::Links => Some(Self::Addresses),
            Self::Addresses => Some(Self::Routes4),
            Self::Routes4 => Some(Self::Routes6),
            Self::Routes6 => Some(Self::Rules),
            Self::Rules => None,
        }
    }

    /// Whether a kernel may be without it.
    pub(super) const fn is_optional(self) -> bool {
        matches!(self, Self::Routes4 | Self::Routes6 | Self::Rules)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Not started, or nothing to do.
    #[default]
    Idle,
    /// To be asked for at this time.
    Due(Table, Instant),
    /// Asked for with this sequence number, to be answered by this time.
    Asked(Table, u32, Instant),
}

/// State of the current dump.
#[derive(Debug, Default)]
pub(super) struct Sync {
    phase: Phase,
    last_start: Option<Instant>,
    rounds: u32,
    again: bool,
    /// Began with the routes.
    partial: bool,
    /// Routes are to be dumped again after this.
    routes_again: bool,
    /// Seen in the dump.
    pub(super) seen_links: BTreeSet<u32>,
    pub(super) seen: BTreeSet<Identity>,
    /// Touched by notifications since the dump was asked for.
    pub(super) touched_links: BTreeSet<u32>,
    pub(super) touched: BTreeSet<Id>,
    pub(super) routes: Vec<ObservedRoute>,
    pub(super) rules: Vec<ObservedRule>,
}

/// What follows the end of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The same or another table is dumped.
    MoreToCome,
    /// The mirror is true.
    Complete,
    /// The mirror is true as far as routes and rules go.
    RoutesComplete,
}

impl Sync {
    /// Wants a dump of everything, soon.
    pub(super) fn request(&mut self, now: Instant) {
        let earliest = self.last_start.map_or(now, |last| after(last, SPACING));
        self.rounds = 0;
        self.partial = false;
        self.schedule(earliest.max(now));
    }

    /// Wants a dump of routes and rules, soon: the kernel drops IPv4 routes without a word when
    /// what they need goes.
    pub(super) fn request_routes(&mut self, now: Instant) {
        match self.phase {
            Phase::Idle => {
                let earliest = self.last_start.map_or(now, |last| after(last, SPACING));
                self.rounds = 0;
                self.partial = true;
                self.schedule(earliest.max(now));
            }
            // They have their turn still.
            Phase::Due(..) | Phase::Asked(Table::Links | Table::Addresses, ..) => {}
            Phase::Asked(..) => self.routes_again = true,
        }
    }

    fn schedule(&mut self, at: Instant) {
        let first = if self.partial {
            Table::Routes4
        } else {
            Table::Links
        };
        self.phase = Phase::Due(first, at);
        self.again = false;
        self.routes_again = false;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// The table to ask for now; `seq` is the number of that request.
    pub(super) fn poll(&mut self, now: Instant, seq: u32) -> Option<Table> {
        let Phase::Due(table, at) = self.phase else {
            return None;
        };
        if at > now {
            return None;
        }
        match table {
            Table::Links => {
                self.last_start = Some(now);
                self.seen_links.clear();
                self.touched_links.clear();
            }
            Table::Addresses => {
                self.seen.clear();
                self.touched.clear();
            }
            Table::Routes4 | Table::Routes6 => {
                if self.partial {
                    self.last_start = Some(now);
                }
                self.routes.clear();
                self.touched.retain(|id| !matches!(id, Id::Route(_)));
            }
            Table::Rules => {
                self.rules.clear();
                self.touched.retain(|id| !matches!(id, Id::Rule(_)));
            }
        }
        self.phase = Phase::Asked(table, seq, after(now, ANSWER_TIMEOUT));
        Some(table)
    }

    /// Whether this is an answer to the current dump of this table.
    pub(super) fn is_answer(&self, table: Table, seq: u32) -> bool {
        matches!(self.phase, Phase::Asked(t, s, _) if t == table && s == seq)
    }

    /// The table whose dump this ends or answers.
    pub(super) fn table_of(&self, seq: u32) -> Option<Table> {
        match self.phase {
            Phase::Asked(table, s, _) if s == seq => Some(table),
            _ => None,
        }
    }

    /// Dump and notifications disagree, or the kernel says that its tables changed meanwhile.
    pub(super) fn doubt(&mut self) {
        self.again = true;
    }

    /// The dump was refused.
    pub(super) fn refused(&mut self, now: Instant) {
        self.schedule(after(now, RETRY));
    }

    /// The dump of `table` has ended.
    pub(super) fn ended(&mut self, now: Instant, table: Table) -> Next {
        if let Some(next) = table.next() {
            self.phase = Phase::Due(next, now);
            return Next::MoreToCome;
        }
        if self.again && self.rounds < ROUNDS {
            self.rounds = self.rounds.saturating_add(1);
            self.schedule(now);
            return Next::MoreToCome;
        }
        let (partial, again) = (self.partial, self.routes_again);
        *self = Self {
            last_start: self.last_start,
            ..Self::default()
        };
        if again {
            self.request_routes(now);
        }
        if partial {
            Next::RoutesComplete
        } else {
            Next::Complete
        }
    }

    /// Whether an answer is overdue.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Asked(_, _, deadline) if deadline <= now)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle => None,
            Phase::Due(_, at) | Phase::Asked(_, _, at) => Some(at),
        }
    }
}
