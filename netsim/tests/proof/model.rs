//! One virtual router on one node, as the RFC tables say it must behave: a second implementation, in
//! integers, that predicts what the real one does. Where the tables leave a choice the prediction is a
//! window or an alternative.

use std::net::IpAddr;

use vrrp_fsm::Preempt;

use super::rfc;

/// Adverts may travel early with others: 1% of the interval, at most 10 ms.
fn early(interval: i64) -> i64 {
    (interval / 100).min(10_000_000)
}

/// Policy of FSM-V3-A-09: within this time after an advert a lower advert needs no second answer.
pub const ANSWER_GAP: i64 = 10_000_000;

/// What a virtual router is doing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Is {
    Off,
    Initialize,
    Backup,
    Active,
}

/// Configuration as the oracle sees it.
#[derive(Clone, Debug)]
pub struct Setup {
    pub version: u8,
    pub address: IpAddr,
    pub interval: i64,
    pub down_adverts: i64,
    pub base: i64,
    pub preempt: Preempt,
    pub answer_lower: bool,
    pub advert_on_yield: bool,
}

/// The down timer: armed at `since`, runs for `adverts` intervals and the skew.
#[derive(Copy, Clone, Debug)]
struct Down {
    since: i64,
    adverts: i64,
    /// Set by an advert of priority 0.
    release: bool,
}

/// What happened to the virtual router in one turn of its node: since it was last settled.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// Adverts it had to send.
    pub owed: u32,
    /// Adverts it had a reason to send at once.
    pub credit: u32,
    /// Adverts it sent.
    pub sent: u32,
    /// It may be in either of these two states afterwards.
    pub either: Option<(Is, Is)>,
    /// It heard a lower advert as Active.
    answers: bool,
    /// Hosts may have believed the sender, and have to be told again.
    pub owes_announcement: bool,
    /// It announced its addresses.
    pub announced: bool,
    /// The node was stalled before this turn.
    pub woke: bool,
    /// It had to leave Active for Initialize in this turn.
    pub may_release: bool,
    /// And so had to release the addresses.
    pub owes_release: bool,
    /// It did.
    pub released: bool,
    /// The deadline had passed before it was moved, and so was not (a stall must still be seen).
    overdue: Option<i64>,
    /// Whom it follows if it ends up as Backup: priority, interval to learn, address.
    fallback: Option<(i64, i64, IpAddr)>,
}

/// The model.
#[derive(Clone, Debug)]
pub struct Model {
    pub setup: Setup,
    pub is: Is,
    pub weight: i64,
    pub unplugged: bool,
    pub faulted: bool,
    pub turn: Turn,
    /// Active_Adver_Interval, and the one of the last time as Backup.
    learned: i64,
    waited: i64,
    down: Down,
    delay_until: Option<i64>,
    /// When the next advert is due: the true instant lies in this range. It may leave early with others.
    pub due: (i64, i64),
    pub last_advert: i64,
    /// The owner may start again as Active or as Backup when a fault is over (KA-F-03).
    owner_returns: bool,
    /// When the down timer was last set, and by whose advert.
    pub armed: i64,
    pub armed_by: Option<IpAddr>,
    /// Priority and address of the Active router whose advert set the down timer.
    followed: Option<(i64, IpAddr)>,
    moved_at: i64,
    last_answer: i64,
    last_announcement: i64,
}

impl Model {
    pub fn new(setup: Setup) -> Self {
        Self {
            learned: setup.interval,
            waited: setup.interval,
            setup,
            is: Is::Off,
            weight: 0,
            unplugged: false,
            faulted: false,
            turn: Turn::default(),
            down: Down {
                since: 0,
                adverts: 0,
                release: false,
            },
            delay_until: None,
            due: (i64::MAX, i64::MAX),
            last_advert: i64::MIN / 2,
            owner_returns: false,
            armed: 0,
            armed_by: None,
            followed: None,
            moved_at: 0,
            last_answer: i64::MIN / 2,
            last_announcement: i64::MIN / 2,
        }
    }

    /// Effective priority, KA-W-04 and KA-W-05.
    pub fn priority(&self) -> i64 {
        match self.setup.base {
            255 => 255,
            base => (base + self.weight).clamp(1, 254),
        }
    }

    fn preempts_now(&self, now: i64) -> bool {
        match (self.setup.base, self.setup.preempt) {
            (255, _) | (_, Preempt::Immediately) => true,
            (_, Preempt::Never) => false,
            (_, Preempt::After(_)) => self.delay_until.is_some_and(|until| now >= until),
        }
    }

    /// Ever preempts.
    pub fn preempts(&self) -> bool {
        self.setup.base == 255 || self.setup.preempt != Preempt::Never
    }

    /// (p, a) beats us when both are Active. RFC 9568 6.4.3.
    fn loses_to(&self, priority: i64, source: IpAddr) -> bool {
        priority > self.priority() || (priority == self.priority() && source > self.setup.address)
    }

    /// The instant at which the down timer fires, rounded down; the true one is less than 1 ns later.
    pub fn deadline(&self) -> i64 {
        let Down { since, adverts, .. } = self.down;
        since + rfc::down(self.setup.version, adverts, self.learned, self.priority())
    }

    /// A release was the last thing heard.
    pub fn heard_release(&self) -> bool {
        self.down.release
    }

    /// Priority of the skew aside, the time to wait for a sender with this interval.
    pub fn patience(&self, interval: i64) -> i64 {
        rfc::down(
            self.setup.version,
            self.setup.down_adverts,
            interval,
            self.priority(),
        )
    }

    fn arm(&mut self, now: i64) {
        self.turn.overdue = None;
        self.down = Down {
            since: now,
            adverts: self.setup.down_adverts,
            release: false,
        };
        self.armed = now;
        self.armed_by = None;
        self.followed = None;
    }

    fn become_backup(&mut self, now: i64, learned: i64) {
        self.is = Is::Backup;
        self.turn.owes_announcement = false;
        self.learned = learned;
        self.delay_until = None;
        self.due = (i64::MAX, i64::MAX);
        self.arm(now);
    }

    fn become_active(&mut self, now: i64) {
        self.is = Is::Active;
        self.waited = self.learned;
        self.learned = self.setup.interval;
        self.last_answer = i64::MIN / 2;
        self.owe(now);
    }

    /// An advert has to leave now.
    fn owe(&mut self, now: i64) {
        self.turn.owed = 1;
        self.turn.credit += 1;
        self.due = (now, now);
    }

    /// An advert leaves at `now`, if it may; false if there is no reason for one.
    ///
    /// The cadence does not drift: the next one is due an interval after this one was due, or after
    /// `now` if that is over. One sent for a reason of its own starts a new interval (FSM-V3-A-10).
    pub fn sends(&mut self, now: i64) -> bool {
        let (interval, slack) = (self.setup.interval, early(self.setup.interval));
        let (first, last) = self.due;
        let periodic = self.is == Is::Active && now >= first.saturating_sub(slack);
        let reason = self.turn.credit > 0;
        if !periodic && !reason {
            return false;
        }
        self.turn.credit = self.turn.credit.saturating_sub(1);
        self.turn.sent += 1;
        self.last_advert = now;
        if self.turn.answers {
            self.last_answer = now;
        }
        let next = now + interval;
        self.due = (next, next);
        if periodic && first < i64::MAX / 2 {
            let last = last.min(now + slack);
            let earliest = match now {
                _ if first + interval > now => first + interval,
                _ if last + interval > now => now + 1,
                _ => next,
            };
            // Never later than an interval from now, whether this one was early or late: Backups count
            // from what they heard.
            self.due = (earliest.min(next), next);
        }
        true
    }

    pub fn start(&mut self, now: i64) {
        self.is = Is::Initialize;
        (self.faulted, self.weight, self.owner_returns) = (false, 0, false);
        self.run(now);
        if self.unplugged {
            self.fault(now);
        }
    }

    fn run(&mut self, now: i64) {
        if self.setup.base == 255 {
            self.become_active(now);
            if self.owner_returns {
                // Or listens first; then the timer has the usual length.
                self.turn.owed = 0;
                self.turn.either = Some((Is::Active, Is::Backup));
                self.arm(now);
            }
        } else {
            self.become_backup(now, self.setup.interval);
        }
    }

    /// A fault appeared or the cable is out: Initialize, with a release if Active.
    pub fn fault(&mut self, now: i64) {
        if self.is != Is::Off {
            self.turn.may_release |= self.is == Is::Active || self.turn.either.is_some();
            self.turn.owes_release |= self.is == Is::Active && self.turn.either.is_none();
            self.is = Is::Initialize;
            self.turn.either = None;
            self.turn.owed = 0;
            self.turn.owes_announcement = false;
        }
        self.owner_returns = true;
        self.due = (i64::MAX, i64::MAX);
        self.armed = now;
    }

    pub fn fault_cleared(&mut self, now: i64) {
        if self.is == Is::Initialize && !self.faulted && !self.unplugged {
            self.run(now);
        }
    }

    pub fn address_lost(&mut self, now: i64) {
        if self.is == Is::Active {
            self.turn.may_release = true;
            self.turn.owes_release = self.turn.either.is_none();
            self.become_backup(now, self.setup.interval);
            self.turn.owed = 0;
        }
    }

    /// An advert that passed every check. Returns false if the virtual router does not run.
    pub fn hear(&mut self, now: i64, priority: i64, interval: i64, source: IpAddr) -> bool {
        let interval = if self.setup.version == 2 {
            self.setup.interval
        } else {
            interval
        };
        match self.is {
            Is::Off | Is::Initialize => return false,
            Is::Backup if priority == 0 => {
                self.down = Down {
                    since: now,
                    adverts: 0,
                    release: true,
                };
                self.armed = now;
                self.armed_by = Some(source);
                self.followed = None;
            }
            Is::Backup => {
                let lower = priority < self.priority();
                if !lower {
                    self.delay_until = None;
                } else if let (Preempt::After(delay), None) = (self.setup.preempt, self.delay_until)
                {
                    self.delay_until = Some(now + delay.as_nanos() as i64);
                }
                if !lower || !self.preempts_now(now) {
                    self.accept(now, priority, interval, source);
                }
            }
            Is::Active if priority == 0 => self.owe(now),
            Is::Active if self.loses_to(priority, source) => {
                self.turn.credit += u32::from(self.setup.advert_on_yield);
                self.turn.owed = u32::from(self.setup.advert_on_yield);
                self.become_backup(now, interval);
                self.believe(priority, source);
            }
            Is::Active => self.hear_lower(now, priority, interval, source),
        }
        true
    }

    /// One that loses against the present Active router does not bring the timer forward.
    fn accept(&mut self, now: i64, priority: i64, interval: i64, source: IpAddr) {
        let loses = self
            .followed
            .is_some_and(|present| present.1 != source && present > (priority, source));
        if loses && now + self.patience(interval) < self.deadline() {
            return;
        }
        self.learned = interval;
        self.arm(now);
        self.believe(priority, source);
    }

    fn believe(&mut self, priority: i64, source: IpAddr) {
        self.armed_by = Some(source);
        self.followed = Some((priority, source));
    }

    /// RFC 9568 6.4.3 wants an answer at once. But KA-M-09 and DESIGN 5.8: after a silence in which the
    /// quickest Backup has taken over, a router that may not preempt leaves it alone.
    fn hear_lower(&mut self, now: i64, priority: i64, interval: i64, source: IpAddr) {
        let Setup {
            version,
            down_adverts,
            interval: own,
            ..
        } = self.setup;
        let quickest = rfc::down(version, down_adverts, own, 254);
        // The silence since the last advert; or, if that one was late, since it was due.
        let fuzz = early(own) + 1;
        let least = now - self.last_advert;
        let most = least.max(now - self.due.0.saturating_sub(own));
        if self.setup.preempt == Preempt::Never && self.setup.base != 255 {
            if least > quickest + fuzz {
                self.turn.owed = 0;
                self.become_backup(now, interval);
                self.believe(priority, source);
                return;
            }
            if most > quickest - fuzz {
                self.turn.either = Some((Is::Active, Is::Backup));
                self.turn.fallback = Some((priority, interval, source));
            }
        }
        if self.setup.answer_lower {
            self.turn.credit += 1;
            self.turn.answers = true;
            if now - self.last_answer >= ANSWER_GAP {
                self.turn.owed = u32::from(self.turn.either.is_none());
            }
        }
        if now - self.last_announcement >= ANSWER_GAP {
            self.turn.owes_announcement = self.turn.either.is_none();
        }
    }

    /// Announcements have left.
    pub fn announced(&mut self, now: i64) {
        self.turn.announced = true;
        self.last_announcement = now;
    }

    /// The node looks at its timers.
    pub fn timer(&mut self, now: i64) {
        let deadline = self.turn.overdue.unwrap_or_else(|| self.deadline());
        match self.is {
            Is::Backup if now >= deadline => {
                let late = now - deadline;
                let patience = self.patience(self.learned);
                if late == 0 || (patience - 1..=patience + 1).contains(&late) {
                    self.turn.credit += 1;
                    self.turn.either = Some((Is::Backup, Is::Active));
                } else if late > patience {
                    // This process was stopped, what it knows is old: it listens first.
                    self.listen(now);
                } else {
                    self.become_active(now);
                }
            }
            Is::Active if now > self.due.1 && self.due != (now, now) => {
                self.turn.owed = u32::from(self.turn.either.is_none());
            }
            _ => {}
        }
    }

    fn listen(&mut self, now: i64) {
        self.down = Down {
            since: now,
            adverts: 1,
            release: false,
        };
        self.armed = now;
        self.armed_by = None;
        self.followed = None;
    }

    /// The real one settled in one of two allowed states.
    pub fn adopt(&mut self, now: i64, is: Is) {
        match (self.is, is) {
            (Is::Backup, Is::Active) => {
                self.is = Is::Active;
                self.learned = self.setup.interval;
            }
            (Is::Active, Is::Backup) => {
                let fallback = self.turn.fallback;
                let learned = fallback.map_or(self.setup.interval, |(_, interval, _)| interval);
                self.become_backup(now, learned);
                self.followed = fallback.map(|(priority, _, source)| (priority, source));
            }
            (Is::Backup, Is::Backup)
                if now > self.turn.overdue.unwrap_or_else(|| self.deadline()) =>
            {
                self.listen(now);
            }
            _ => {}
        }
    }

    /// Takes the state of the real one, whatever it is.
    pub fn follow(&mut self, now: i64, is: Is) {
        match is {
            Is::Active => {
                self.is = Is::Active;
                self.due = (i64::MAX, i64::MAX);
            }
            Is::Backup => self.become_backup(now, self.learned),
            Is::Initialize | Is::Off => self.is = is,
        }
    }

    /// The deadline, or the instant it was last moved if that is later.
    pub fn must_fire_by(&self) -> i64 {
        self.deadline().max(self.moved_at) + 1
    }

    /// Something changes that the deadline depends on: the weights or the configuration.
    pub fn change(&mut self, now: i64, change: impl FnOnce(&mut Self)) {
        if self.is == Is::Backup && self.deadline() < now && self.turn.overdue.is_none() {
            self.turn.overdue = Some(self.deadline());
        }
        change(self);
        self.moved_at = now;
    }

    /// The interval it waits by, or waited by before it became Active.
    pub fn waited(&self) -> i64 {
        if self.is == Is::Active {
            self.waited
        } else {
            self.learned
        }
    }

    /// The deadline was moved after it was set.
    pub fn weighed_since_armed(&self) -> bool {
        self.moved_at >= self.armed
    }
}
