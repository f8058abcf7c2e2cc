//! Devices as desired state: made when missing, taken over when a killed run left them, made again
//! when somebody deletes them or their interface comes back, removed when nobody wants them.
//!
//! Beside [`Reconciler`](crate::Reconciler) and not within it: it reads the same mirror of the
//! kernel's links, but has a socket of its own, because a device takes several requests in a row
//! and something in between that is not netlink.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use sans_io_time::Instant;

use crate::desired::Tag;
use crate::encode::{self, Fact};
use crate::link::Link;
use crate::link_wanted::{LinkKind, WantedLink};
use crate::name::InterfaceName;
use crate::observed::Observed;
use crate::timing::after;

const EEXIST: i32 = 17;
const ENODEV: i32 = 19;
/// How long an answer, or the notification behind it, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts, doubled up to the limit.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LAST_DELAY: Duration = Duration::from_secs(30);
/// Devices worked on in one send; the kernel takes some hundred microseconds for each.
const DEVICES_PER_SEND: usize = 8;

/// What happened to a device.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// It is there and still switched off. Whatever has to be set before it carries traffic is to
    /// be set before [`LinkKeeper::poll_request`] is called again, which switches it on.
    Made {
        /// Its name.
        name: InterfaceName,
        /// An earlier run had left it.
        adopted: bool,
    },
    /// It is there and switched on.
    Raised {
        /// Its name.
        name: InterfaceName,
    },
    /// It is no longer there, as wanted.
    Removed {
        /// Its name.
        name: InterfaceName,
    },
    /// It was there and is not any more, or is switched off or in another mode, and nobody here
    /// wanted that; it is being made again.
    Lost {
        /// Its name.
        name: InterfaceName,
    },
    /// It cannot be made; tried again with growing delay. With the first failure and when the
    /// reason changes.
    Failed {
        /// Its name.
        name: InterfaceName,
        /// Why.
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be looked at.
    Look,
    /// Requests are unanswered, or answered and not yet seen to have come true.
    Waiting { until: Instant, what: What },
    /// Made or adopted, and told; to be switched on.
    Dressed { index: Option<u32> },
    /// There and on.
    Up { index: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Make,
    Dress,
    Raise,
    Remove,
}

#[derive(Debug)]
struct Entry {
    wanted: Option<WantedLink>,
    stage: Stage,
    /// The interface below when this was last looked at: its index, and whether it is switched on.
    parent: Option<(u32, bool)>,
    failures: u32,
    /// Not before.
    retry_at: Option<Instant>,
    reason: Option<String>,
    /// Nobody wants it, and it is not there.
    finished: bool,
}

impl Entry {
    fn new(wanted: Option<WantedLink>) -> Self {
        Self {
            wanted,
            stage: Stage::Look,
            parent: None,
            failures: 0,
            retry_at: None,
            reason: None,
            finished: false,
        }
    }

    /// Another interface below, or one that was switched: what failed with the old one may work
    /// now, at once. True: what was asked for is about an interface that is no more.
    fn meet(&mut self, parent: Option<(u32, bool)>) -> bool {
        let moved = self.parent.map(|(index, _)| index) != parent.map(|(index, _)| index);
        if self.parent != parent {
            self.parent = parent;
            (self.failures, self.retry_at) = (0, None);
        }
        let moved = moved && matches!(self.stage, Stage::Waiting { .. } | Stage::Dressed { .. });
        if moved {
            self.stage = Stage::Look;
        }
        moved
    }
}

/// Keeps devices as they are wanted. It owns no socket: see the module.
#[derive(Debug)]
pub struct LinkKeeper {
    alias: String,
    entries: BTreeMap<InterfaceName, Entry>,
    /// Which device the request with this number is about, and what a refusal means.
    asked: BTreeMap<u32, (InterfaceName, What, bool)>,
    next_seq: u32,
    events: VecDeque<LinkEvent>,
}

/// What is to be done about one device.
enum Step {
    Nothing,
    Make { parent: u32 },
    Dress,
    Raise { index: u32 },
    Remove { index: u32 },
}

impl LinkKeeper {
    /// A keeper that marks what it makes with `tag`, so that a later run knows it.
    #[must_use]
    pub fn new(tag: Tag) -> Self {
        Self {
            alias: format!("keepalived-rs {}", tag.0),
            entries: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_seq: 1,
            events: VecDeque::new(),
        }
    }

    /// Sets all devices that are wanted, replacing what was wanted before. Of two with one name
    /// the first counts.
    pub fn set(&mut self, wanted: impl IntoIterator<Item = WantedLink>) {
        let mut new: BTreeMap<InterfaceName, WantedLink> = BTreeMap::new();
        for link in wanted {
            new.entry(link.name).or_insert(link);
        }
        for (name, entry) in &mut self.entries {
            let now = new.remove(name);
            if entry.wanted != now {
                entry.wanted = now;
                entry.stage = Stage::Look;
                entry.finished = false;
                (entry.failures, entry.retry_at, entry.reason) = (0, None, None);
            }
        }
        for (name, link) in new {
            self.entries.insert(name, Entry::new(Some(link)));
        }
    }

    /// What bears our mark and nobody wants was left by a killed run, and is removed.
    pub fn clean(&mut self, observed: &Observed) {
        for link in observed.links() {
            if self.is_ours(link) {
                self.entries
                    .entry(link.name)
                    .or_insert_with(|| Entry::new(None));
            }
        }
    }

    fn is_ours(&self, link: &Link) -> bool {
        link.alias.as_deref() == Some(self.alias.as_str())
    }

    /// Whether the device is there as wanted and switched on.
    #[must_use]
    pub fn is_up(&self, name: InterfaceName) -> bool {
        let up = |entry: &Entry| matches!(entry.stage, Stage::Up { .. });
        self.entries.get(&name).is_some_and(up)
    }

    /// Whether this device is wanted, or is being removed.
    #[must_use]
    pub fn knows(&self, name: InterfaceName) -> bool {
        self.entries.contains_key(&name)
    }

    /// Why the device is not there, as last told by [`LinkEvent::Failed`].
    #[must_use]
    pub fn trouble(&self, name: InterfaceName) -> Option<&str> {
        self.entries.get(&name)?.reason.as_deref()
    }

    /// How many devices are wanted or being removed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Nothing to remove and nothing unanswered.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.entries.is_empty()
    }

    /// What happened, in order.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }

    /// When to call [`poll_request`](Self::poll_request) at the latest.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.entries
            .values()
            .filter_map(|entry| match entry.stage {
                Stage::Waiting { until, .. } => Some(until),
                _ => entry.retry_at,
            })
            .min()
    }

    /// Looks at the kernel's links as they are now and fills `out` with the bytes of one send, if
    /// there is anything to ask for. Every request asks for an acknowledgement. Events must have
    /// been polled before.
    #[must_use]
    pub fn poll_request(&mut self, now: Instant, observed: &Observed, out: &mut Vec<u8>) -> bool {
        out.clear();
        let names: Vec<InterfaceName> = self.entries.keys().copied().collect();
        let mut devices = 0;
        for name in names {
            let step = self.step(now, name, observed);
            if matches!(step, Step::Nothing) {
                continue;
            }
            self.carry_out(now, name, &step, out);
            devices += 1;
            if devices >= DEVICES_PER_SEND {
                break;
            }
        }
        self.entries
            .retain(|_, entry| entry.wanted.is_some() || !entry.finished);
        !out.is_empty()
    }

    fn step(&mut self, now: Instant, name: InterfaceName, observed: &Observed) -> Step {
        let alias = self.alias.clone();
        let Some(entry) = self.entries.get_mut(&name) else {
            return Step::Nothing;
        };
        let seen = observed.link(name.as_str());
        let ours = seen.is_some_and(|link| link.alias.as_deref() == Some(alias.as_str()));
        let Some(wanted) = entry.wanted.clone() else {
            let waiting =
                matches!(entry.stage, Stage::Waiting { until, what: What::Remove } if until > now);
            return match seen.filter(|_| ours) {
                Some(_) if waiting || entry.retry_at.is_some_and(|at| at > now) => Step::Nothing,
                Some(link) => Step::Remove { index: link.index },
                None => {
                    entry.finished = true;
                    if entry.stage != Stage::Look {
                        self.events.push_back(LinkEvent::Removed { name });
                        entry.stage = Stage::Look;
                    }
                    Step::Nothing
                }
            };
        };
        let below = observed.link(wanted.parent.as_str());
        if entry.meet(below.map(|link| (link.index, link.flags.admin_up))) {
            self.asked.retain(|_, (other, ..)| *other != name);
        }
        let parent = below.map(|link| link.index);
        let fits = seen.is_some_and(|link| fits(link, &wanted, parent));
        let right = seen.is_some_and(|link| fits && has_mode(link, &wanted));
        match (entry.stage, seen) {
            (Stage::Up { index }, Some(link))
                if right && ours && link.index == index && link.flags.admin_up =>
            {
                return Step::Nothing;
            }
            (Stage::Up { .. }, _) => {
                self.events.push_back(LinkEvent::Lost { name });
                entry.stage = Stage::Look;
            }
            (
                Stage::Waiting {
                    what: What::Raise, ..
                },
                Some(link),
            ) if right && link.flags.admin_up => {
                entry.stage = Stage::Up { index: link.index };
                (entry.failures, entry.retry_at, entry.reason) = (0, None, None);
                self.events.push_back(LinkEvent::Raised { name });
                return Step::Nothing;
            }
            // Gone, as asked: the way is free.
            (
                Stage::Waiting {
                    what: What::Remove, ..
                },
                None,
            ) => entry.stage = Stage::Look,
            (Stage::Waiting { until, .. }, _) if until > now => return Step::Nothing,
            (Stage::Dressed { index }, Some(link)) if fits => {
                // Of an older one of this name the mirror may still speak.
                if index.is_none_or(|index| index == link.index) {
                    return Step::Raise { index: link.index };
                }
            }
            // Made, and the news of it is on the way.
            (Stage::Dressed { .. }, None) => return Step::Nothing,
            _ => entry.stage = Stage::Look,
        }
        if entry.retry_at.is_some_and(|at| at > now) {
            return Step::Nothing;
        }
        match (seen, parent) {
            (Some(_), _) if fits => Step::Dress,
            (Some(link), _) if ours || is_virtual_router(link) => {
                Step::Remove { index: link.index }
            }
            (Some(_), _) => {
                let reason = format!("there is another interface with the name {name}");
                self.failed(now, name, reason);
                Step::Nothing
            }
            (None, Some(parent)) => Step::Make { parent },
            // It will be looked at again when the interface is there.
            (None, None) => Step::Nothing,
        }
    }

    fn carry_out(&mut self, now: Instant, name: InterfaceName, step: &Step, out: &mut Vec<u8>) {
        let wanted = self
            .entries
            .get(&name)
            .and_then(|entry| entry.wanted.clone());
        let what = match (step, wanted) {
            (Step::Make { parent }, Some(wanted)) => {
                self.ask(name, What::Make, true, out, |seq, out| {
                    encode::link::make(&wanted, *parent, seq, out);
                });
                self.dress(name, &wanted, What::Make, out);
                What::Make
            }
            (Step::Dress, Some(wanted)) => {
                self.dress(name, &wanted, What::Dress, out);
                What::Dress
            }
            (Step::Raise { index }, _) => {
                self.ask(name, What::Raise, true, out, |seq, out| {
                    encode::link::raise(*index, seq, out);
                });
                What::Raise
            }
            (Step::Remove { index }, _) => {
                self.ask(name, What::Remove, true, out, |seq, out| {
                    encode::link::remove(*index, seq, out);
                });
                What::Remove
            }
            _ => return,
        };
        if let Some(entry) = self.entries.get_mut(&name) {
            let until = after(now, PATIENCE);
            entry.stage = Stage::Waiting { until, what };
        }
    }

    fn dress(&mut self, name: InterfaceName, wanted: &WantedLink, what: What, out: &mut Vec<u8>) {
        if matches!(wanted.kind, LinkKind::Macvlan { .. }) {
            // A kernel without IPv6 refuses, and then it is not needed.
            self.ask(name, what, false, out, |seq, out| {
                encode::link::no_link_local(wanted, seq, out);
            });
        }
        if what == What::Dress && matches!(wanted.kind, LinkKind::Macvlan { .. }) {
            self.ask(name, what, true, out, |seq, out| {
                encode::link::set_mode(wanted, seq, out);
            });
        }
        let alias = self.alias.clone();
        self.ask(name, what, true, out, |seq, out| {
            encode::link::dress(wanted, &alias, seq, out);
        });
    }

    fn ask(
        &mut self,
        name: InterfaceName,
        what: What,
        must: bool,
        out: &mut Vec<u8>,
        write: impl FnOnce(u32, &mut Vec<u8>),
    ) {
        let seq = self.next_seq;
        self.next_seq = seq.checked_add(1).unwrap_or(1);
        let start = out.len();
        write(seq, out);
        encode::ask_for_ack(out, start);
        self.asked.insert(seq, (name, what, must));
    }

    /// Takes in one datagram from the socket that the requests went to.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        for message in encode::messages(datagram).flatten() {
            if let Fact::Answer {
                errno,
                message: text,
            } = message.fact
                && let Some((name, what, must)) = self.asked.remove(&message.seq)
            {
                self.answered(now, name, (what, must), errno, text.as_deref());
            }
        }
    }

    fn answered(
        &mut self,
        now: Instant,
        name: InterfaceName,
        (what, must): (What, bool),
        errno: i32,
        text: Option<&str>,
    ) {
        let last = !self.asked.values().any(|(other, ..)| *other == name);
        let Some(entry) = self.entries.get_mut(&name) else {
            return;
        };
        if !matches!(entry.stage, Stage::Waiting { what: current, .. } if current == what) {
            return;
        }
        if errno != 0 && must {
            // What is gone already need not be removed; what is there already is looked at.
            match (what, errno) {
                (What::Remove, ENODEV) | (What::Make, EEXIST) => {}
                // Deleted meanwhile: the news of it is on the way.
                (What::Dress | What::Raise, ENODEV) => {
                    entry.stage = Stage::Look;
                    entry.retry_at = Some(after(now, FIRST_DELAY));
                }
                _ => self.failed(now, name, words(errno, text)),
            }
            return;
        }
        if last && matches!(what, What::Make | What::Dress) {
            entry.stage = Stage::Dressed { index: None };
            let adopted = what == What::Dress;
            self.events.push_back(LinkEvent::Made { name, adopted });
        }
    }

    fn failed(&mut self, now: Instant, name: InterfaceName, reason: String) {
        let Some(entry) = self.entries.get_mut(&name) else {
            return;
        };
        let factor = 1_u32
            .checked_shl(entry.failures.min(16))
            .unwrap_or(u32::MAX);
        let wait = FIRST_DELAY.saturating_mul(factor).min(LAST_DELAY);
        entry.failures = entry.failures.saturating_add(1);
        entry.retry_at = Some(after(now, wait));
        entry.stage = Stage::Look;
        if entry.reason.as_ref() != Some(&reason) {
            entry.reason = Some(reason.clone());
            self.events.push_back(LinkEvent::Failed { name, reason });
        }
    }
}

fn words(errno: i32, text: Option<&str>) -> String {
    let error = std::io::Error::from_raw_os_error(errno);
    match text {
        Some(text) => format!("{error}: {text}"),
        None => error.to_string(),
    }
}

/// Whether the link is what is wanted, whoever made it (VMAC-10).
fn fits(link: &Link, wanted: &WantedLink, parent: Option<u32>) -> bool {
    let kind = match wanted.kind {
        LinkKind::Macvlan { mac } => {
            if link.mac != Some(mac) {
                return false;
            }
            "macvlan"
        }
        LinkKind::Ipvlan { .. } => "ipvlan",
    };
    link.kind.as_deref() == Some(kind) && link.parent.is_some() && link.parent == parent
}

/// Whether the mode of a macvlan is ours; that can be changed while it is there.
fn has_mode(link: &Link, wanted: &WantedLink) -> bool {
    let macvlan = matches!(wanted.kind, LinkKind::Macvlan { .. });
    !macvlan || encode::link::shares_what_it_hears(link.macvlan_mode)
}

/// A macvlan with the address of a virtual router has the name that is wanted: of a router that
/// has moved to another interface, or has another number now.
fn is_virtual_router(link: &Link) -> bool {
    let virtual_mac = matches!(link.mac, Some([0, 0, 0x5e, 0, 1 | 2, _]));
    virtual_mac && link.kind.as_deref() == Some("macvlan")
}
