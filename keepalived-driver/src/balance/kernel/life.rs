//! One life of the thread: it ends when it is told to, or by a panic.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ipvs::netlink::{Reply, Request};
use ipvs::{Event, KernelError, Op, Reconciler, ServiceKey, SyncDaemon, Table, Timeouts};
use sans_io_time::Instant;

use super::remembered::Remembered;
use super::socket::{GenericSocket, OpenError};
use super::{Clock, KernelNews, Shared, Wanted};
use crate::balance::config::OnStop;
use crate::gaps::Gaps;

/// So many changes by somebody else are told each; who goes on is told of in growing gaps.
const TOLD_EACH: u32 = 10;

/// Pause after the first failure to find IPVS, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The table is read for at most one part in so many of the time.
const SHARE: u32 = 20;
/// How soon to try again what the kernel refused, apart from changes of the table.
const AGAIN: Duration = Duration::from_secs(5);
/// How long the removal of everything may go on.
const FAREWELL: Duration = Duration::from_secs(30);

/// Keeps the kernel as wanted until told to end.
pub(super) fn live(shared: &Arc<Shared>, remembered: &mut Remembered) {
    Life {
        shared,
        remembered,
        link: None,
        told: false,
        pause: FIRST_PAUSE,
        look_at: None,
        before: None,
        set: Timeouts::default(),
        settings_at: None,
        trouble: Vec::new(),
        drift: Gaps::after(TOLD_EACH),
    }
    .run();
}

/// What there is while the kernel has an IPVS.
struct Link {
    socket: GenericSocket,
    reconciler: Reconciler,
    /// Refusals that were told.
    refused: BTreeMap<Op, KernelError>,
    dump_began: Option<Instant>,
    verify_at: Option<Instant>,
    running: Vec<SyncDaemon>,
}

struct Life<'a> {
    shared: &'a Shared,
    remembered: &'a mut Remembered,
    link: Option<Link>,
    /// It was told that there is no IPVS.
    told: bool,
    pause: Duration,
    /// When to look for IPVS again.
    look_at: Option<Instant>,
    /// The timeouts before we changed them.
    before: Option<Timeouts>,
    set: Timeouts,
    /// When timeouts and daemons are to be tried again.
    settings_at: Option<Instant>,
    /// What went wrong with them the last time.
    trouble: Vec<String>,
    /// When it was told that somebody else changes our services.
    drift: Gaps,
}

impl Life<'_> {
    fn run(mut self) {
        self.mark_all();
        loop {
            let now = Clock.now();
            self.look(now);
            let mut settings = self.settings_at.is_some_and(|at| at <= now);
            loop {
                settings |= self.take_wants();
                if settings {
                    settings = false;
                    self.settle_settings(now);
                }
                if !self.pump() {
                    break;
                }
                if self.shared.wants().leave {
                    return;
                }
            }
            self.note_facts();
            let wants = self.shared.wants();
            if wants.leave {
                return;
            }
            if let Some(how) = wants.stop {
                drop(wants);
                return self.farewell(how);
            }
            if wants.changed || wants.retry {
                continue;
            }
            let now = Clock.now();
            let next = self.next_timeout();
            match next.map(|at| at.saturating_duration_since(now)) {
                None => {
                    let woken = self.shared.wake.wait(wants);
                    drop(woken.unwrap_or_else(PoisonError::into_inner));
                }
                Some(Duration::ZERO) => {}
                Some(patience) => {
                    let woken = self.shared.wake.wait_timeout(wants, patience);
                    drop(woken.unwrap_or_else(PoisonError::into_inner));
                }
            }
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let Some(link) = &self.link else {
            return self.look_at;
        };
        [
            link.reconciler.next_timeout(),
            link.verify_at,
            self.settings_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// This life knows nothing yet.
    fn mark_all(&self) {
        let mut wants = self.shared.wants();
        let all: Vec<ServiceKey> = wants.table.keys().copied().collect();
        wants.dirty.extend(all);
        wants.changed = true;
    }

    /// Looks for IPVS, if it is not there and that is due.
    fn look(&mut self, now: Instant) {
        let retry = std::mem::take(&mut self.shared.wants().retry);
        if self.link.is_some() {
            return;
        }
        if self.look_at.is_some_and(|at| at > now) && !retry {
            return;
        }
        // Whoever asked has done something about it, and wants to know whether that helped.
        self.told &= !retry;
        match self.open() {
            Ok(()) => {
                self.pause = FIRST_PAUSE;
                self.look_at = None;
                self.told = false;
            }
            Err(error) => {
                self.look_at = now.checked_add(self.pause);
                self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                self.unavailable(&error);
            }
        }
    }

    fn unavailable(&mut self, error: &OpenError) {
        let text = error.to_string();
        self.shared.facts().info = None;
        self.shared.facts().unavailable = Some(text.clone());
        if !std::mem::replace(&mut self.told, true) {
            let missing = matches!(error, OpenError::Kernel(KernelError::ModuleMissing));
            self.shared.say(KernelNews::Unavailable {
                error: text,
                missing,
            });
        }
    }

    fn open(&mut self) -> Result<(), OpenError> {
        let mut socket = GenericSocket::open()?;
        let replies = socket.ask(&Request::GetInfo).map_err(OpenError::Kernel)?;
        let info = replies.into_iter().find_map(|reply| match reply {
            Reply::Info(info) => Some(info),
            _ => None,
        });
        let info = info.ok_or(OpenError::Kernel(KernelError::ModuleMissing))?;
        if self.shared.wants().flush {
            socket.ask(&Request::Flush).map_err(OpenError::Kernel)?;
            self.shared.wants().flush = false;
        }
        let mut reconciler = Reconciler::new(socket.family);
        let mut wants = self.shared.wants();
        reconciler.adopt(wants.ours.iter().copied());
        wants.dirty = wants.table.keys().copied().collect();
        wants.changed = true;
        drop(wants);
        self.link = Some(Link {
            socket,
            reconciler,
            refused: BTreeMap::new(),
            dump_began: None,
            verify_at: None,
            running: Vec::new(),
        });
        self.set = Timeouts::default();
        self.shared.facts().info = Some(info);
        self.shared.facts().unavailable = None;
        self.shared.say(KernelNews::Available(info));
        Ok(())
    }

    /// Takes over what is new. `true` if settings of the whole may be among it.
    fn take_wants(&mut self) -> bool {
        let mut wants = self.shared.wants();
        if !std::mem::take(&mut wants.changed) {
            return false;
        }
        let Some(link) = &mut self.link else {
            return false;
        };
        let dirty = std::mem::take(&mut wants.dirty);
        let changes: Vec<_> = dirty
            .into_iter()
            .map(|key| (key, wants.table.get(&key).cloned()))
            .collect();
        if !changes.is_empty() {
            self.shared.facts().settled = false;
        }
        drop(wants);
        if !changes.is_empty() {
            let put = changes.iter().filter(|(_, wanted)| wanted.is_some());
            let trouble = self.remembered.add(put.map(|(key, _)| *key));
            let own = |(service, servers): Wanted| (service, servers.to_vec());
            let changes = changes.into_iter();
            link.reconciler
                .change(changes.map(|(key, wanted)| (key, wanted.map(own))));
            self.trouble_of_memory(trouble);
        }
        true
    }

    /// One datagram to the kernel and its answers. `false` when there is nothing to send.
    fn pump(&mut self) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let now = Clock.now();
        link.reconciler.handle_timeout(now);
        if link.verify_at.is_some_and(|at| at <= now) {
            link.verify_at = None;
            link.reconciler.verify();
        }
        if link.reconciler.is_reading() {
            link.dump_began.get_or_insert(now);
        }
        let mut request = Vec::new();
        let sent = link.reconciler.poll_request(&mut request);
        if sent {
            let changes = link.reconciler.changes_in_flight();
            self.shared.facts().changes += u64::try_from(changes).unwrap_or(0);
            if link.exchange(&request).is_err() {
                link.reconciler.handle_overrun();
            }
        }
        self.tell();
        sent && self.link.is_some()
    }

    fn tell(&mut self) {
        while let Some(link) = &mut self.link
            && let Some(event) = link.reconciler.poll_event()
        {
            match event {
                Event::Settled => {
                    link.refused.clear();
                    self.shared.facts().settled = true;
                    self.remember();
                }
                Event::Drift { repairs } => {
                    self.shared.facts().repairs += 1;
                    if let Some(unsaid) = self.drift.happened(Clock.now()) {
                        self.shared.say(KernelNews::Repaired { repairs, unsaid });
                    }
                }
                Event::Refused { op, error }
                    if link.refused.insert(op.clone(), error) == Some(error) => {}
                Event::Refused { op, error } => {
                    self.shared.say(KernelNews::Refused(op, error));
                }
                Event::Read(dumped) => {
                    let now = Clock.now();
                    let began = link.dump_began.take().unwrap_or(now);
                    let took = now.saturating_duration_since(began);
                    let verify = self.shared.wants().verify;
                    let pause = verify.max(took.saturating_mul(SHARE));
                    link.verify_at = now.checked_add(pause).filter(|_| !verify.is_zero());
                    let mut facts = self.shared.facts();
                    facts.dumps += 1;
                    facts.dump_took = took;
                    facts.counters = Arc::new(dumped);
                }
                Event::Unreadable(error) => {
                    // The module may have been taken out, and come back under another number.
                    self.link = None;
                    self.look_at = Clock.now().checked_add(FIRST_PAUSE);
                    self.unavailable(&OpenError::Kernel(error));
                }
                _ => {}
            }
        }
    }

    /// The kernel holds what is wanted, and nothing else of ours.
    fn remember(&mut self) {
        let wants = self.shared.wants();
        // What has changed since may not be wanted any more, and be there all the same.
        let since = wants.dirty.iter().filter(|key| self.remembered.has(key));
        let keys: BTreeSet<_> = wants.table.keys().chain(since).copied().collect();
        drop(wants);
        let trouble = self.remembered.set(keys);
        self.trouble_of_memory(trouble);
    }

    fn trouble_of_memory(&self, trouble: Option<String>) {
        if let Some(text) = trouble {
            self.shared.say(KernelNews::Trouble(text));
        }
    }

    fn note_facts(&self) {
        let Some(link) = &self.link else { return };
        let mut facts = self.shared.facts();
        let refused = link.refused.iter();
        facts.refused = refused
            .map(|(op, error)| (op.to_string(), error.to_string()))
            .collect();
        facts.sync = link.running.iter().map(|daemon| daemon.role).collect();
    }

    /// Timeouts and sync daemons.
    fn settle_settings(&mut self, now: Instant) {
        self.settings_at = None;
        let wants = self.shared.wants();
        let (timeouts, daemons) = (wants.timeouts, wants.daemons.clone());
        drop(wants);
        let Some(link) = &mut self.link else { return };
        let mut trouble = Vec::new();
        if timeouts != self.set {
            match link.set_timeouts(timeouts, &mut self.before) {
                Ok(()) => self.set = timeouts,
                Err(error) => trouble.push(format!("timeouts of connections: {error}")),
            }
        }
        let before = link.running.clone();
        trouble.extend(link.set_daemons(&daemons));
        for (some, others, running) in [
            (&before, &link.running, false),
            (&link.running, &before, true),
        ] {
            for daemon in some.iter().filter(|daemon| !others.contains(daemon)) {
                self.shared.say(KernelNews::Daemon(daemon.role, running));
            }
        }
        if !trouble.is_empty() {
            self.settings_at = now.checked_add(AGAIN);
        }
        for text in trouble.iter().filter(|text| !self.trouble.contains(text)) {
            self.shared.say(KernelNews::Trouble(text.clone()));
        }
        self.trouble = trouble;
    }

    /// The end, in order.
    fn farewell(mut self, how: OnStop) {
        if how == OnStop::Keep {
            // They stay ours, and are remembered as such: the next run removes what it does not want.
            return;
        }
        if self.link.is_none() {
            return;
        }
        let begin = Clock.now();
        if how == OnStop::Flush
            && let Some(link) = &mut self.link
            && let Err(error) = link.socket.ask(&Request::Flush)
        {
            self.shared
                .say(KernelNews::Trouble(format!("emptying the table: {error}")));
        }
        if let Some(link) = &mut self.link {
            link.reconciler.set(Table::new());
        }
        while self.pump() {
            if Clock.now().saturating_duration_since(begin) > FAREWELL {
                break;
            }
        }
        let Some(link) = &mut self.link else { return };
        if let Some(left) = link.reconciler.current() {
            let left = left.entries().map(|entry| entry.service().key);
            let trouble = self.remembered.set(left.collect());
            if let Some(text) = trouble {
                self.shared.say(KernelNews::Trouble(text));
            }
        }
        if let Some(left) = link.reconciler.current().filter(|table| !table.is_empty()) {
            let text = format!("{} services could not be removed", left.len());
            self.shared.say(KernelNews::Trouble(text));
        }
        if let Some(before) = self.before {
            let _ = link.socket.ask(&Request::SetTimeouts(before));
        }
        let trouble = link.set_daemons(&[]);
        for text in trouble {
            self.shared.say(KernelNews::Trouble(text));
        }
        self.note_facts();
    }
}

impl Link {
    /// Sends a datagram, and reads until all of it is answered.
    fn exchange(&mut self, request: &[u8]) -> Result<(), KernelError> {
        self.socket.send(request)?;
        loop {
            self.socket.receive()?;
            let now = Clock.now();
            self.reconciler.handle_datagram(now, &self.socket.buffer);
            if !self.reconciler.awaits_answers() {
                return Ok(());
            }
        }
    }

    fn set_timeouts(
        &mut self,
        timeouts: Timeouts,
        before: &mut Option<Timeouts>,
    ) -> Result<(), KernelError> {
        let original = match *before {
            Some(original) => original,
            None => {
                let replies = self.socket.ask(&Request::GetTimeouts)?;
                let found = replies.into_iter().find_map(|reply| match reply {
                    Reply::Timeouts(timeouts) => Some(timeouts),
                    _ => None,
                });
                *before.insert(found.unwrap_or_default())
            }
        };
        // What is no longer wanted goes back to what it was.
        let wanted = Timeouts {
            tcp: timeouts.tcp.or(original.tcp),
            tcp_fin: timeouts.tcp_fin.or(original.tcp_fin),
            udp: timeouts.udp.or(original.udp),
        };
        self.socket.ask(&Request::SetTimeouts(wanted)).map(drop)
    }

    /// What went wrong, one line each.
    fn set_daemons(&mut self, wanted: &[SyncDaemon]) -> Vec<String> {
        if wanted.is_empty() && self.running.is_empty() {
            // Those of others are none of our business.
            return Vec::new();
        }
        let running = match self.socket.ask(&Request::DumpDaemons) {
            Ok(replies) => replies,
            Err(error) => return vec![format!("sync daemons: {error}")],
        };
        let running: Vec<SyncDaemon> = running
            .into_iter()
            .filter_map(|reply| match reply {
                Reply::Daemon(daemon) => Some(daemon),
                _ => None,
            })
            .collect();
        let mut trouble = Vec::new();
        for request in SyncDaemon::requests(&running, wanted) {
            if let Err(error) = self.socket.ask(&request) {
                let what = match &request {
                    Request::StopDaemon(role) => format!("stopping the sync daemon ({role:?})"),
                    _ => "starting a sync daemon".to_owned(),
                };
                trouble.push(format!("{what}: {error}"));
            }
        }
        if trouble.is_empty() {
            self.running = wanted.to_vec();
        }
        trouble
    }
}
