//! The thread that keeps the tables.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use mio::{Events, Poll, Token};
use sans_io_time::Instant;

use super::kernel::{Found, Kernel, News, Table};
use super::loaded::can_have_tables;
use super::program::{NO_PROGRAM, run};
use super::ruleset::{Ruleset, deletion};
use super::{Job, Said, Word};
use crate::clock::Clock;
use crate::gaps::Gaps;
use crate::namespace;

const MONITOR: Token = Token(1);
/// Pause after a failure, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Tables are not put back more often than this: somebody may go on.
const BETWEEN_REPAIRS: Duration = Duration::from_secs(1);
/// So many times in a row it is told each time that somebody was at the tables.
const TOLD_EACH: u32 = 3;

pub(super) struct Life<R, T> {
    poll: Poll,
    jobs: Receiver<Job<R>>,
    tell: T,
    /// Why nothing can be done in the namespace that was meant.
    elsewhere: Option<String>,
    kernel: Option<Kernel>,
    wanted: Option<R>,
    beside: Option<String>,
    /// What is wanted has changed.
    changed: bool,
    /// Jobs that are not answered yet.
    owed: usize,
    /// What a killed run has left behind is gone.
    swept: bool,
    /// A transaction replaces all or nothing.
    in_force: Option<R>,
    /// Somebody was at what is in force.
    touched: bool,
    /// Somebody may have been.
    doubtful: bool,
    /// Something was heard since the last attempt: of what is in force, or of the name that is wanted.
    stirred: bool,
    attempted: Option<Instant>,
    retry_at: Option<Instant>,
    pause: Duration,
    /// What was last complained about.
    told: Option<String>,
    drift: Gaps,
}

impl<R: Ruleset, T: Fn(Word<R>)> Life<R, T> {
    pub(super) fn new(poll: Poll, space: Option<PathBuf>, jobs: Receiver<Job<R>>, tell: T) -> Self {
        let elsewhere = space.and_then(|path| {
            let error = namespace::enter(&path).err()?;
            let path = path.display();
            Some(format!("cannot enter the namespace {path}: {error}"))
        });
        Self {
            poll,
            jobs,
            tell,
            elsewhere,
            kernel: None,
            wanted: None,
            beside: None,
            changed: false,
            owed: 0,
            swept: false,
            in_force: None,
            touched: false,
            doubtful: false,
            stirred: false,
            attempted: None,
            retry_at: None,
            pause: FIRST_PAUSE,
            told: None,
            drift: Gaps::after(TOLD_EACH),
        }
    }

    /// After a bug: nothing is certain.
    pub(super) fn begin_anew(&mut self) {
        self.kernel = None;
        self.changed = true;
        self.doubtful = true;
    }

    /// Until nobody wants anything any more.
    pub(super) fn run(&mut self) {
        let mut events = Events::with_capacity(4);
        loop {
            let mut removed = None;
            loop {
                match self.jobs.try_recv() {
                    Ok(Job::Keep { wanted, beside }) => {
                        self.changed |=
                            self.wanted.replace(wanted).as_ref() != self.wanted.as_ref();
                        self.beside = beside;
                    }
                    Ok(Job::Remove) => removed = Some(self.remove()),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
                self.owed += 1;
            }
            if let Some(Err(error)) = removed {
                let stays = self.in_force.is_some();
                self.say(Said::Failed { error, stays });
            }
            self.read_news();
            self.settle(Clock.now());
            match std::mem::take(&mut self.owed) {
                0 => {}
                done => (self.tell)(Word::Done(done)),
            }
            let patience = self.patience(Clock.now());
            // Interrupted or not: what is to be done is looked at anew.
            let _ = self.poll.poll(&mut events, patience);
        }
    }

    fn say(&self, said: Said<R>) {
        (self.tell)(Word::Said(said));
    }

    /// When tables may be put back.
    fn repair_at(&self) -> Option<Instant> {
        let attempted = self.attempted.filter(|_| self.stirred);
        attempted?.checked_add(BETWEEN_REPAIRS)
    }

    fn patience(&self, now: Instant) -> Option<Duration> {
        let next = self.retry_at.into_iter().chain(self.repair_at()).min();
        next.map(|at| at.saturating_duration_since(now))
    }

    fn settle(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if !self.changed && !due(self.retry_at) && !due(self.repair_at()) {
            return;
        }
        let Some(wanted) = self.wanted.clone() else {
            return;
        };
        let drifted = self.touched && self.in_force.is_some();
        let changed = std::mem::take(&mut self.changed);
        self.attempted = Some(now);
        self.retry_at = None;
        self.stirred = false;
        let outcome = self.attempt(&wanted);
        let failure = match &outcome {
            Ok(trouble) => trouble.clone(),
            Err(error) => Some(error.clone()),
        };
        if drifted && outcome.is_ok() {
            let told = self.drift.happened(Clock.now());
            self.say(Said::Drift(told));
        }
        let news = failure != self.told;
        self.told.clone_from(&failure);
        if let Some(error) = failure {
            self.retry_at = Clock.now().checked_add(self.pause);
            self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
            let kept = self.in_force.clone().filter(|_| outcome.is_ok());
            match kept {
                Some(rules) if news || changed => self.say(Said::Kept { rules, error }),
                None if news || changed => {
                    let stays = self.in_force.is_some() && !self.touched;
                    self.say(Said::Failed { error, stays });
                }
                _ => {}
            }
        } else {
            self.pause = FIRST_PAUSE;
            if news || changed {
                self.say(Said::Set(wanted));
            }
        }
    }

    /// FW-05: does what is wanted. What speaks against its name, if it is in force under the one before.
    fn attempt(&mut self, wanted: &R) -> Result<Option<String>, String> {
        if wanted.is_empty() && self.in_force.is_none() && !can_have_tables() {
            self.swept = true;
            return Ok(None);
        }
        let found = match self.look() {
            // A kernel without nftables has no tables.
            Err(_) if wanted.is_empty() && self.in_force.is_none() => return Ok(None),
            found => found?,
        };
        let owner = wanted.owner().to_owned();
        self.sweep(wanted, &found);
        if let Some(before) = &self.in_force
            && found.claim(before).is_err()
        {
            // Ours was removed, and now somebody else has that name.
            self.in_force = None;
        }
        if wanted.is_empty() {
            self.delete(&found, &owner)?;
            // Until there is something to be kept again it does not matter what happens.
            self.kernel = None;
            return Ok(None);
        }
        let outcome = found
            .claim(wanted)
            .and_then(|()| self.put(wanted.clone(), &found));
        match (outcome, &self.in_force) {
            (Ok(()), _) => Ok(None),
            (Err(error), Some(before)) if before.table() != wanted.table() => {
                self.put(wanted.named(before.table()), &found)?;
                Ok(Some(error))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Puts these in force.
    fn put(&mut self, target: R, found: &Found) -> Result<(), String> {
        let whole = match &self.in_force {
            None => true,
            Some(before) => before.table() == target.table() && (self.touched || self.doubtful),
        };
        let names = self
            .in_force
            .iter()
            .chain([&target])
            .flat_map(tables)
            .collect();
        // What an earlier run, or an attempt, has left in a family that is to have none.
        let anew = || {
            let families = target.families();
            let left = found
                .ours(target.owner())
                .filter(|(family, table)| *table == target.table() && !families.contains(family));
            deletion(left) + &target.transaction()
        };
        let outcome = match &self.in_force {
            Some(before) if !whole => {
                let script = target.change(before);
                self.transact(&script, &names)
            }
            _ => self.transact(&anew(), &names),
        };
        match outcome {
            // Somebody may have been at the tables, and programs fail: once more, all of it.
            Err(error) if error != NO_PROGRAM => self.transact(&anew(), &names)?,
            outcome => outcome?,
        }
        self.in_force = Some(target);
        Ok(())
    }

    /// One transaction of ours. Who else was at tables of these names meanwhile has touched them.
    fn transact(&mut self, script: &str, names: &BTreeSet<Table>) -> Result<(), String> {
        if script.is_empty() {
            return Ok(());
        }
        self.read_news();
        let outcome = run(script);
        let (touches, lost) = self.hear(names);
        let ours = usize::from(outcome.is_ok());
        if outcome.is_ok() {
            // Whatever was before it has been replaced by it.
            (self.touched, self.doubtful, self.stirred) = (false, false, false);
        }
        self.touched |= touches > ours;
        self.doubtful |= lost;
        self.stirred |= self.touched || lost;
        outcome
    }

    /// How many transactions touched tables of these names, and whether there may have been more.
    fn hear(&mut self, names: &BTreeSet<Table>) -> (usize, bool) {
        let kernel = self.kernel.as_mut();
        let News { transactions, lost } = kernel.map(Kernel::news).unwrap_or_default();
        let touching = transactions.iter().filter(|one| !one.is_disjoint(names));
        (touching.count(), lost)
    }

    /// FW-03.
    fn read_news(&mut self) {
        let kernel = self.kernel.as_mut();
        let News { transactions, lost } = kernel.map(Kernel::news).unwrap_or_default();
        let among = |rules: &Option<R>| {
            let mut all = rules.iter().flat_map(tables);
            all.any(|table| transactions.iter().any(|one| one.contains(&table)))
        };
        let touched = among(&self.in_force);
        self.stirred |= touched || lost || among(&self.wanted);
        self.touched |= touched;
        self.doubtful |= lost;
    }

    /// Which tables there are.
    fn look(&mut self) -> Result<Found, String> {
        if let Some(error) = &self.elsewhere {
            return Err(error.clone());
        }
        let failed = |error| format!("the kernel does not tell of nftables: {error}");
        let kernel = match &mut self.kernel {
            Some(kernel) => kernel,
            none => none.insert(Kernel::open(self.poll.registry(), MONITOR).map_err(failed)?),
        };
        kernel.look().map_err(|error| {
            self.kernel = None;
            failed(error)
        })
    }

    /// FW-04: removes, once, what a killed run of ours has left under other names.
    fn sweep(&mut self, wanted: &R, found: &Found) {
        if std::mem::replace(&mut self.swept, true) {
            return;
        }
        let spared = [Some(wanted.table()), self.beside.as_deref()];
        let left = found.ours(wanted.owner());
        let script = deletion(left.filter(|(_, table)| !spared.contains(&Some(*table))));
        if !script.is_empty()
            && let Err(error) = run(&script)
        {
            self.say(Said::Trouble(format!(
                "an earlier run has left tables: {error}"
            )));
        }
    }

    /// Removes what is in force, and what is left under the name that is wanted.
    fn delete(&mut self, found: &Found, owner: &str) -> Result<(), String> {
        let names = self.in_force.iter().chain(&self.wanted);
        let names: BTreeSet<String> = names.map(|one| one.table().to_owned()).collect();
        let script = deletion(
            found
                .ours(owner)
                .filter(|(_, table)| names.contains(*table)),
        );
        if !script.is_empty() {
            run(&script)?;
        }
        self.in_force = None;
        (self.touched, self.doubtful, self.stirred) = (false, false, false);
        Ok(())
    }

    /// Everything goes. Where that fails it is tried once more: they may have gone meanwhile.
    fn remove(&mut self) -> Result<(), String> {
        let Some(wanted) = self.wanted.clone() else {
            return Ok(());
        };
        let mut outcome = Ok(());
        for _ in 0..2 {
            if wanted.is_empty() && self.in_force.is_none() && self.swept {
                break;
            }
            outcome = self.look().and_then(|found| {
                self.sweep(&wanted, &found);
                self.delete(&found, wanted.owner())
            });
            if outcome.is_ok() || (wanted.is_empty() && self.in_force.is_none()) {
                // A kernel without nftables has nothing of ours either.
                outcome = outcome.or(Ok(()));
                break;
            }
        }
        self.wanted = None;
        self.retry_at = None;
        outcome
    }
}

fn tables<R: Ruleset>(rules: &R) -> Vec<Table> {
    let named = |family| (family, rules.table().to_owned());
    rules.families().into_iter().map(named).collect()
}
