//! One virtual router.
//!
//! The three states are in [`initialize`], [`backup`] and [`active`], one function for each
//! paragraph of RFC 9568 6.4; [`receive`] is the way of a packet to them, [`events`] that of
//! everything else, and [`member`] what a group asks.

mod active;
mod authenticate;
mod backup;
mod digest;
mod events;
mod initialize;
mod member;
mod receive;
mod reconfigure;

use alloc::collections::VecDeque;
use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{AdvertInterval, AdvertRepr, Auth, Format, Priority};

use crate::action::{Action, Announce, Reason, State, Transmit};
use crate::admit::Heard;
use crate::advertised::Advertised;
use crate::config::{InstanceConfig, Role, V2Auth, WireFormat};
use crate::error::ConfigError;
use crate::event::{Fault, Faults};
use crate::hmac::Signatures;
use crate::notice::{Limiter, Notice};
use crate::stats::{NewActiveReason, Stats};
use crate::{Instant, election, timing};

use self::active::Rival;

pub use self::authenticate::Authenticate;

/// Who is Active, as far as this router knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveRouter {
    /// Source address of its adverts.
    pub address: IpAddr,
    /// Its priority.
    pub priority: Priority,
    /// Its interval.
    pub interval: AdvertInterval,
}

/// The one timer that is armed: Active_Down_Timer in Backup, Adver_Timer in Active, none in
/// Initialize (RFC 9568 6.2, 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Timer {
    None,
    Down {
        /// When it was set.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        since: Instant,
        /// To what.
        wait: Wait,
        /// When it fires: `since` and the wait, as they are computed now.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        deadline: Instant,
    },
    Advert {
        /// When the next advert is due.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        due: Instant,
    },
}

/// How long a down timer is set for. Kept instead of the duration, so that a change of priority
/// or interval moves the deadline and not the instant it counts from (FSM-OPEN-04, KA-W-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Wait {
    /// Active_Down_Interval.
    Down,
    /// Skew_Time, after a release.
    Skew,
    /// Skew_Time, after the word that the Active router is gone.
    Lost,
    /// One interval and the skew, after the process was stopped.
    Listen,
}

/// One virtual router on one interface: RFC 9568 6.4 for VRRPv3, RFC 3768 6.4 for VRRPv2.
///
/// # Use
///
/// There are four kinds of method:
///
/// * Accessors such as [`state`](Self::state) change nothing.
/// * `handle_*` and [`reconfigure`](Self::reconfigure) take something in: a packet, an event,
///   time, a configuration. Time must not go backwards from one call to the next.
/// * [`poll_action`](Self::poll_action) gives out what has to be done, in order. Call it until
///   `None` after every `handle_*`; calling it later loses nothing.
/// * [`next_timeout`](Self::next_timeout) is when [`handle_timeout`](Self::handle_timeout) has to
///   be called next. It can change with every call of the second kind.
///
/// Of packets and an expired timer handle the packets first (FSM-OPEN-01, FSM-OPEN-02).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instance {
    config: InstanceConfig,
    list: Advertised,
    state: State,
    timer: Timer,
    /// Start was the last of Start and Stop.
    started: bool,
    /// Started, and in Initialize ever since.
    waiting_for_first_start: bool,
    /// Faults as reported from outside.
    reported: Faults,
    /// Faults in force.
    faults: Faults,
    primary: Option<IpAddr>,
    weights: i16,
    priority: Priority,
    /// As owner: gave way to another owner, with priority 254 (KA-M-05).
    gave_way: bool,
    /// Active_Adver_Interval, RFC 9568 6.1.
    active_interval: AdvertInterval,
    /// The last accepted advert; only in Backup.
    accepted: Option<Heard>,
    /// Until when lower priority adverts are accepted (KA-B-04); only in Backup.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    preempt_hold: Option<Instant>,
    /// Member of a synchronisation group.
    grouped: bool,
    /// The down timer has fired, for this reason, and the group is not Active yet; only of a member
    /// in Backup.
    ready: Option<Reason>,
    /// A lower priority advert was discarded since the down timer was set.
    lower_discarded: bool,
    /// When an advert was last sent in answer to a lower one; only in Active.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    last_answer: Option<Instant>,
    /// When hosts were last told again because of [`Event::Suspect`](crate::Event::Suspect); only
    /// in Active.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    last_suspicion: Option<Instant>,
    /// An announcement was held back until the next advert; only in Active.
    announce_due: bool,
    /// Another owner that does not give way; only in Active.
    rival: Option<Rival>,
    advert_version: u32,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    last_transition: Option<(Instant, Reason)>,
    new_active: NewActiveReason,
    /// The wall clock, since 1970, and when it was told.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    wall: Option<(Instant, Duration)>,
    /// What is remembered of signed adverts.
    signatures: Signatures,
    /// The highest sequence number of an IP authentication header, sent or accepted.
    ah_sequence: u32,
    /// The last one accepted.
    ah_accepted: u32,
    stats: Stats,
    limiter: Limiter,
    actions: VecDeque<Action>,
}

impl Instance {
    /// Makes a virtual router in Initialize, with [`Fault::NoReceivePath`] and
    /// [`Fault::NoSourceAddress`]. Nothing happens until it has heard [`Event::Start`], an
    /// [`Event::PrimaryAddress`] and that it can receive.
    ///
    /// [`Event::Start`]: crate::Event::Start
    /// [`Event::PrimaryAddress`]: crate::Event::PrimaryAddress
    ///
    /// # Errors
    ///
    /// What [`InstanceConfig::check`] finds.
    pub fn new(config: InstanceConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::unchecked(config))
    }

    /// As [`new`](Self::new), of a configuration that is known to be good.
    pub(crate) fn unchecked(config: InstanceConfig) -> Self {
        let mut instance = Self {
            list: Advertised::new(config.family, &config.addresses),
            state: State::Initialize,
            timer: Timer::None,
            started: false,
            waiting_for_first_start: false,
            reported: Faults::NONE.with(Fault::NoReceivePath),
            faults: Faults::NONE
                .with(Fault::NoReceivePath)
                .with(Fault::NoSourceAddress),
            primary: None,
            weights: 0,
            priority: config.role.priority(),
            gave_way: false,
            active_interval: config.interval,
            accepted: None,
            preempt_hold: None,
            grouped: false,
            ready: None,
            lower_discarded: false,
            last_answer: None,
            last_suspicion: None,
            announce_due: false,
            rival: None,
            advert_version: 0,
            last_transition: None,
            new_active: NewActiveReason::NotActive,
            wall: None,
            signatures: Signatures::default(),
            ah_sequence: 0,
            ah_accepted: 0,
            stats: Stats::default(),
            limiter: Limiter::default(),
            actions: VecDeque::new(),
            config,
        };
        if instance.has_no_peer() {
            instance.faults = instance.faults.with(Fault::Configuration);
        }
        instance
    }

    /// Tells the time. Does nothing before [`next_timeout`](Self::next_timeout).
    ///
    /// FSM-OPEN-01, FSM-OPEN-02: call it after [`handle_packet`](Self::handle_packet). FSM-OPEN-03:
    /// this is the only notion of time there is, and it is monotonic.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.timer {
            Timer::Down { deadline, .. } if deadline <= now => self.down_timer(now, deadline),
            Timer::Advert { due } if due <= now => self.advert_timer(now, due),
            Timer::None | Timer::Down { .. } | Timer::Advert { .. } => {}
        }
    }

    /// Tells the time to a router whose advert may go out early in the company of others.
    pub(crate) fn handle_early_timeout(&mut self, now: Instant) {
        if let Timer::Advert { due } = self.timer
            && timing::before(due, timing::early(self.active_interval)) <= now
        {
            self.advert_timer(now, due);
        }
    }

    /// The next thing to do, in order. Calling it late delays what has to be done and loses
    /// nothing: the queue grows by a handful of actions with a packet or event, and not with time.
    #[must_use = "an action has to be carried out"]
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front()?;
        if let Action::Transmit(transmit) = action {
            self.count_sent(transmit);
        }
        Some(action)
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called; `None` for never.
    #[must_use]
    pub const fn next_timeout(&self) -> Option<Instant> {
        match self.timer {
            Timer::None => None,
            Timer::Down { deadline, .. } => Some(deadline),
            Timer::Advert { due } => Some(due),
        }
    }

    /// From when on an advert may go out in the company of others.
    pub(crate) fn early_timeout(&self) -> Option<Instant> {
        match self.timer {
            Timer::Advert { due } => Some(timing::before(due, timing::early(self.active_interval))),
            Timer::None | Timer::Down { .. } => None,
        }
    }

    /// The advert to send now, RFC 9568 7.2: own interval, effective priority or 0.
    ///
    /// VRRP-V2-TX-01, VRRP-V2-TX-05, VRRP-V2-TX-06, VRRP-V2-AUTH-04, VRRP-V3-TX-01, VRRP-V3-TX-06,
    /// VRRP-V3-TX-07.
    #[must_use]
    pub fn advert(&self, transmit: Transmit) -> AdvertRepr<'_> {
        AdvertRepr {
            format: match &self.config.format {
                WireFormat::V2 { auth } => Format::V2 {
                    auth: match auth {
                        V2Auth::None => Auth::None,
                        V2Auth::Password(password) => Auth::Password(password),
                        V2Auth::Ah(_) => Auth::Ah,
                    },
                },
                WireFormat::V3 { ipv4_checksum, .. } => Format::V3 {
                    ipv4_checksum: *ipv4_checksum,
                },
            },
            vrid: self.config.vrid,
            priority: match transmit {
                Transmit::Advert => self.priority,
                Transmit::Release => Priority::RELEASE,
            },
            interval: self.config.interval,
            addresses: self.list.as_list(),
        }
    }

    /// Changes whenever [`advert`](Self::advert) or the source address does, so that an encoded
    /// advert can be kept until then.
    #[must_use]
    pub const fn advert_version(&self) -> u32 {
        self.advert_version
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &InstanceConfig {
        &self.config
    }

    #[cfg(feature = "serde")]
    pub(crate) const fn config_mut(&mut self) -> &mut InstanceConfig {
        &mut self.config
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The reasons not to run; none if it runs or could.
    #[must_use]
    pub const fn faults(&self) -> Faults {
        self.faults
    }

    /// The priority in force: 255 for the owner, else the configured one with the weights, within
    /// 1..=254. KA-W-04, KA-W-05.
    #[must_use]
    pub const fn effective_priority(&self) -> Priority {
        self.priority
    }

    /// The address adverts are sent from.
    #[must_use]
    pub const fn primary_address(&self) -> Option<IpAddr> {
        self.primary
    }

    /// Who is Active: in Backup the sender of the last accepted advert, if any, and in Active this
    /// router itself.
    #[must_use]
    pub fn active_router(&self) -> Option<ActiveRouter> {
        match self.state {
            State::Initialize => None,
            State::Backup => self.accepted.map(|heard| ActiveRouter {
                address: heard.source,
                priority: heard.priority,
                interval: heard.interval,
            }),
            State::Active => self.primary.map(|address| ActiveRouter {
                address,
                priority: self.priority,
                interval: self.config.interval,
            }),
        }
    }

    /// The counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Sets the counters to zero.
    pub fn clear_stats(&mut self) {
        self.stats = Stats::default();
    }

    /// When the state last changed, and why.
    #[must_use]
    pub const fn last_transition(&self) -> Option<(Instant, Reason)> {
        self.last_transition
    }

    /// Why the router is Active, in the words of RFC 6527.
    #[must_use]
    pub fn new_active_reason(&self) -> NewActiveReason {
        match self.state {
            State::Active => self.new_active,
            State::Initialize | State::Backup => NewActiveReason::NotActive,
        }
    }

    /// Active_Down_Interval as it is now. RFC 9568 6.1, RFC 3768 6.1, VRRP-TMR-01, VRRP-TMR-02.
    #[must_use]
    pub fn down_interval(&self) -> Duration {
        timing::down(
            self.active_interval,
            self.skew_time(),
            self.config.down_adverts,
        )
    }

    /// Skew_Time as it is now. RFC 9568 6.1, RFC 3768 6.1.
    #[must_use]
    pub fn skew_time(&self) -> Duration {
        timing::skew(self.config.version(), self.active_interval, self.priority)
    }

    /// Active_Adver_Interval: in Backup what the Active router advertises (VRRPv3), else the
    /// own interval.
    #[must_use]
    pub const fn active_interval(&self) -> AdvertInterval {
        self.active_interval
    }

    // What the states have in common.

    /// Sets the down timer. RFC 9568 6.4.1 (150), 6.4.2 (410, 430), 6.4.3 (760).
    fn set_down_timer(&mut self, since: Instant, wait: Wait) {
        self.lower_discarded = false;
        self.ready = None;
        self.timer = Timer::Down {
            since,
            wait,
            deadline: timing::after(since, self.duration_of(wait)),
        };
    }

    /// Moves the deadline of a down timer after a change of priority or interval, keeping the
    /// instant it counts from (FSM-OPEN-04). A deadline that has passed stays as it is, so that a
    /// stall is still seen, and none is moved into the past, so that none is made up.
    fn move_down_timer(&mut self, now: Instant) {
        if let Timer::Down {
            since,
            wait,
            deadline,
        } = self.timer
            && deadline > now
        {
            let deadline = timing::after(since, self.duration_of(wait)).max(now);
            self.timer = Timer::Down {
                since,
                wait,
                deadline,
            };
        }
    }

    fn duration_of(&self, wait: Wait) -> Duration {
        match wait {
            Wait::Down => self.down_interval(),
            Wait::Skew | Wait::Lost => self.skew_time(),
            Wait::Listen => {
                let interval = self.active_interval.to_duration();
                interval.saturating_add(self.skew_time())
            }
        }
    }

    /// Enters a state. Everything that belongs to the change is queued before.
    fn transition(&mut self, now: Instant, to: State, reason: Reason) {
        let from = self.state;
        self.state = to;
        if to == State::Initialize {
            self.timer = Timer::None;
        }
        if to != State::Active {
            self.last_answer = None;
            self.last_suspicion = None;
            self.announce_due = false;
            self.rival = None;
        }
        if to != State::Backup {
            self.accepted = None;
            self.preempt_hold = None;
            self.ready = None;
        }
        self.last_transition = Some((now, reason));
        self.actions
            .push_back(Action::Transition { from, to, reason });
    }

    /// Computes the effective priority anew. KA-W-04, KA-W-05, FSM-OPEN-04, FSM-OPEN-05.
    fn update_priority(&mut self, now: Instant) {
        let priority = match self.config.role {
            Role::Owner if self.gave_way => Priority::new(Priority::OWNER.get().saturating_sub(1)),
            Role::Owner => Priority::OWNER,
            Role::Backup { priority, .. } => election::weighted(priority.get(), self.weights),
        };
        if priority != self.priority {
            let from = self.priority;
            self.priority = priority;
            self.advert_changed();
            self.move_down_timer(now);
            self.notice(now, Notice::PriorityChanged { from, to: priority });
        }
    }

    const fn advert_changed(&mut self) {
        self.advert_version = self.advert_version.wrapping_add(1);
    }

    /// Asks for an advert, unless one is at the end of the queue: it is made when it is sent, so
    /// that two in a row would be the same.
    fn send_advert(&mut self) {
        let advert = Action::Transmit(Transmit::Advert);
        if self.actions.back() != Some(&advert) {
            self.actions.push_back(advert);
        }
        if let Some(rival) = &mut self.rival {
            rival.count_own_advert();
        }
    }

    fn send_release(&mut self) {
        self.actions.push_back(Action::Transmit(Transmit::Release));
    }

    fn announce(&mut self, announce: Announce) {
        self.announce_due = false;
        self.actions.push_back(Action::Announce(announce));
    }

    /// Gives a notice, at a bounded rate. VRRP-GEN-05, VRRP-V2-RX-12.
    fn notice(&mut self, now: Instant, notice: Notice) {
        if self.limiter.allows(now, &notice) {
            self.actions.push_back(Action::Notice(notice));
        }
    }

    pub(crate) fn count_sent(&mut self, transmit: Transmit) {
        add_one(&mut self.stats.adverts_sent);
        if transmit == Transmit::Release {
            add_one(&mut self.stats.priority_zero_sent);
        }
    }

    /// The queue, for the router that keeps one for all.
    pub(crate) const fn actions_mut(&mut self) -> &mut VecDeque<Action> {
        &mut self.actions
    }
}

/// Counts up.
const fn add_one(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
