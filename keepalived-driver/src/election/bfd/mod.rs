//! BFD in the elections loop: sessions, their sockets, and what their state means for trackers.
//!
//! Packets come before timers here too, and a session that goes down has its say in the same turn:
//! the instances that track it are settled before their own deadlines are looked at.

mod echo;
mod io;
mod news;
mod reflector;
mod settle;
mod snapshot;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bfd::{ConfigError, Definition, InterfaceId, Reflector, SessionId, Table};
use sans_io_time::Instant;
use vrrp_fsm::TrackStatus;

use super::interfaces::Interfaces;
use super::taped::TapedTable;
use super::{Elections, StartError};
use crate::bfd::{BfdSetup, BfdTotals};
use crate::config::Config;
use crate::gaps::Gaps;
use crate::sockets::bfd::{Letter, Receiver, Room, Sender};
use crate::sources::BfdSocket;
use crate::tracked::{TrackerId, TrackerKind};

/// Every session of the configuration.
#[derive(Debug)]
pub(super) struct Sessions {
    pub(super) table: TapedTable,
    running: HashMap<SessionId, Running>,
    /// In the order of the configuration.
    order: Vec<SessionId>,
    /// With the port that each hears.
    receivers: BTreeMap<BfdSocket, (Receiver, u16)>,
    /// Those that cannot be opened, and when that was told.
    unopened: BTreeMap<BfdSocket, Gaps>,
    /// By family, and the index of the interface they are bound to, 0 for none.
    senders: BTreeMap<io::SenderKey, Sender>,
    outbox: BTreeMap<io::SenderKey, Vec<(Option<SessionId>, Letter)>>,
    room: Room,
    totals: BfdTotals,
    echoes: echo::Echoes,
    reflector: Option<Reflector>,
    /// The addresses of this machine, for the reflector.
    present: HashSet<IpAddr>,
    /// The interfaces that sessions name, by the kernel's index of now.
    by_index: HashMap<u32, InterfaceId>,
    /// Sources and interfaces have to be looked at anew at this time.
    settle_at: Option<Instant>,
    settled_at: Option<Instant>,
    /// When the first session without a word counts as down for its trackers.
    patience: Option<Instant>,
}

/// What the loop keeps for one session beside its state machine.
#[derive(Debug)]
struct Running {
    setup: Arc<BfdSetup>,
    /// The address to send from, if there is one.
    source: Option<IpAddr>,
    /// A missing address was told.
    told_source: bool,
    /// The index of the interface it names, 0 for none.
    scope: u32,
    /// The detection time told last.
    detection: Duration,
    tracked: TrackStatus,
    /// Without a word until then, it counts as down.
    patience: Option<Instant>,
    send_errors: u64,
    /// Where its last echo packet left, and to which MAC address.
    via: Option<(u32, [u8; 6])>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let seed = RandomState::new().hash_one("sessions");
        Self {
            table: TapedTable::new(seed),
            running: HashMap::new(),
            order: Vec::new(),
            receivers: BTreeMap::new(),
            unopened: BTreeMap::new(),
            senders: BTreeMap::new(),
            outbox: BTreeMap::new(),
            room: Room::default(),
            totals: BfdTotals::default(),
            echoes: echo::Echoes::default(),
            reflector: None,
            present: HashSet::new(),
            by_index: HashMap::new(),
            settle_at: None,
            settled_at: None,
            patience: None,
        }
    }

    /// `known`: links and addresses are; before that they cannot be looked at.
    pub(super) fn next_timeout(&self, known: bool) -> Option<Instant> {
        let settle_at = self.settle_at.filter(|_| known);
        let deadlines = [self.table.next_timeout(), settle_at, self.patience];
        deadlines.into_iter().flatten().min()
    }

    /// Addresses or links have changed.
    pub(super) fn stale(&mut self, now: Instant) {
        let idle = self.order.is_empty() && self.reflector.is_none();
        if idle || self.settle_at.is_some() {
            return;
        }
        // Thousands of addresses may come one by one; looking at all of them each time is for
        // nobody's good.
        let next = self
            .settled_at
            .and_then(|last| last.checked_add(settle::PAUSE));
        self.settle_at = Some(next.map_or(now, |next| next.max(now)));
    }

    /// All numbers with their names.
    pub(super) fn names(&self) -> Vec<(u32, String)> {
        let running = self.running.iter();
        let mut names: Vec<_> = running
            .map(|(id, running)| (id.get(), running.setup.name.to_string()))
            .collect();
        names.sort_unstable();
        names
    }

    pub(super) fn clear_stats(&mut self) {
        self.table.clear_stats();
        self.totals = BfdTotals::default();
        if let Some(reflector) = &mut self.reflector {
            reflector.clear_stats();
        }
        for running in self.running.values_mut() {
            running.send_errors = 0;
        }
    }
}

/// The sessions as the table knows them.
fn definitions(config: &Config, interfaces: &mut Interfaces) -> Vec<Definition> {
    let definition = |setup: &Arc<BfdSetup>| {
        let mut definition = setup.definition.clone();
        if let Definition::SingleHop(path, _) = &mut definition {
            path.interface = match &setup.interface {
                Some(name) => InterfaceId(interfaces.intern(name).0),
                None => InterfaceId::ANY,
            };
        }
        definition
    };
    config.bfd.iter().map(definition).collect()
}

impl Elections {
    /// Whether the sessions of this configuration can be run.
    pub(super) fn check_bfd(&mut self, config: &Config) -> Result<(), StartError> {
        if let Some(reflector) = &config.bfd_reflector {
            // The seed is for sequence numbers, which this one never sends.
            Reflector::new(reflector.clone(), 0)?;
        }
        let definitions = definitions(config, &mut self.interfaces);
        Ok(Table::check(&definitions)?)
    }

    /// Run the sessions of the present configuration. Those that were there stay as they are. The
    /// names of those that are new, that changed and that are gone are told.
    pub(super) fn apply_bfd(&mut self, now: Instant, first: bool) -> Result<(), ConfigError> {
        let definitions = definitions(&self.config, &mut self.interfaces);
        let reload = self.bfd.table.reload(now, definitions)?;
        self.apply_reflector()?;
        for (id, setup) in reload.ids.iter().zip(&self.config.bfd) {
            match self.bfd.running.get_mut(id) {
                Some(running) if running.setup != *setup => {
                    // Another interface or source: what was found out is not true any longer.
                    running.setup = Arc::clone(setup);
                    running.told_source = false;
                }
                Some(_) => {}
                None => {
                    let running = Running::new(Arc::clone(setup), now, first);
                    self.bfd.running.insert(*id, running);
                }
            }
        }
        let bfd = &mut self.bfd;
        bfd.order = reload.ids;
        bfd.settle_at = Some(now);
        bfd.settled_at = None;
        // A renamed session is a new tracker with a known state.
        let states: Vec<(TrackerId, TrackStatus)> = bfd
            .running
            .values()
            .map(|running| (tracker(&running.setup.name), running.tracked))
            .collect();
        bfd.plan_patience();
        for (id, status) in states {
            self.set_tracker(&id, status);
        }
        self.open_bfd();
        Ok(())
    }

    /// Every session says that it is closed, so that nobody takes our leaving for a failure.
    pub(super) fn retire_bfd(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.bfd.order) {
            self.bfd.table.retire(now, id);
        }
    }
}

impl Running {
    /// A session that is new at the start of the program is down until it is heard of; one that a
    /// reload brings is given the time to come up.
    fn new(setup: Arc<BfdSetup>, now: Instant, first: bool) -> Self {
        let idle = match &setup.definition {
            Definition::SingleHop(_, config) | Definition::Multihop(_, config) => {
                config.idle_tx.to_duration() * u32::from(config.detect_mult.get())
            }
            Definition::Seamless(_, config) => Duration::from_secs(config.detect_mult.get().into()),
        };
        Self {
            setup,
            source: None,
            told_source: false,
            scope: 0,
            detection: Duration::ZERO,
            tracked: if first {
                TrackStatus::Down
            } else {
                TrackStatus::Unknown
            },
            patience: now.checked_add(idle).filter(|_| !first),
            send_errors: 0,
            via: None,
        }
    }
}

fn tracker(name: &str) -> TrackerId {
    TrackerId::new(TrackerKind::Bfd, name)
}
