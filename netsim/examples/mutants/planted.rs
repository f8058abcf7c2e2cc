//! The mistakes.

/// A mistake: name, file, the text to replace (it must be there), the text to put in its place.
pub(crate) type Mutant = (&'static str, &'static str, &'static str, &'static str);

const TIMING: &str = "vrrp-fsm/src/timing.rs";
const ELECTION: &str = "vrrp-fsm/src/election.rs";
const BACKUP: &str = "vrrp-fsm/src/instance/backup.rs";
const ACTIVE: &str = "vrrp-fsm/src/instance/active.rs";
const INITIALIZE: &str = "vrrp-fsm/src/instance/initialize.rs";
const INSTANCE: &str = "vrrp-fsm/src/instance/mod.rs";
const RECONFIGURE: &str = "vrrp-fsm/src/instance/reconfigure.rs";
const RECEIVE: &str = "vrrp-fsm/src/instance/receive.rs";
const GROUP: &str = "vrrp-fsm/src/group.rs";
const BFD_TIMING: &str = "bfd/src/timing.rs";
const BFD_NEGOTIATE: &str = "bfd/src/session/negotiate.rs";
const BFD_TRANSMIT: &str = "bfd/src/session/transmit.rs";
const BFD_RECEIVE: &str = "bfd/src/session/receive.rs";
const WORLD: &str = "netsim/src/world.rs";

const SKEW: &str = "Duration::from_nanos(parts.saturating_mul(whole).div_ceil(256))";

pub(crate) const MUTANTS: &[Mutant] = &[
    (
        "skew is zero",
        TIMING,
        SKEW,
        "Duration::from_nanos(parts.saturating_mul(whole) * 0)",
    ),
    (
        "skew truncated to whole seconds, so to zero",
        TIMING,
        SKEW,
        "Duration::from_nanos(parts / 256 * whole)",
    ),
    (
        "skew in whole centiseconds",
        TIMING,
        SKEW,
        "Duration::from_nanos(parts.saturating_mul(whole) / 2_560_000_000 * 10_000_000)",
    ),
    (
        "skew rounded down to microseconds",
        TIMING,
        SKEW,
        "Duration::from_nanos(parts.saturating_mul(whole) / 256_000 * 1_000)",
    ),
    (
        "v2 skew scales with the interval",
        TIMING,
        "Version::V2 => 1_000_000_000,",
        "Version::V2 => u64::from(interval.centis()).saturating_mul(10_000_000),",
    ),
    (
        "no tie-break: equals ignore each other",
        ELECTION,
        "match own.cmp(&theirs)",
        "match own.0.cmp(&theirs.0)",
    ),
    (
        "no tie-break: both equals win",
        ELECTION,
        "match own.cmp(&theirs)",
        "match own.0.cmp(&theirs.0).then(core::cmp::Ordering::Greater)",
    ),
    (
        "the lower address wins",
        ELECTION,
        "match own.cmp(&theirs)",
        "match own.0.cmp(&theirs.0).then(theirs.1.cmp(&own.1))",
    ),
    (
        "down timer not set again by an advert",
        BACKUP,
        "self.accepted = Some(heard);\n        self.set_down_timer(now, Wait::Down);",
        "self.accepted = Some(heard);\n        if self.state == State::Active { self.set_down_timer(now, Wait::Down); }",
    ),
    (
        "nopreempt ignored",
        BACKUP,
        "Preempt::Never => true,",
        "Preempt::Never => false,",
    ),
    (
        "preempt delay ignored",
        BACKUP,
        "now < *until",
        "now < *until && false",
    ),
    (
        "preempt delay never ends",
        BACKUP,
        "now < *until",
        "now < *until || true",
    ),
    (
        "equal priority is preempted",
        BACKUP,
        "if priority >= self.priority {",
        "if priority > self.priority {",
    ),
    (
        "interval of the Active not learned",
        BACKUP,
        "self.active_interval = heard.interval;",
        "",
    ),
    (
        "the last advert of a loser sets the down timer",
        BACKUP,
        "if self.is_of_a_loser(now, heard) {",
        "if self.is_of_a_loser(now, heard) && false {",
    ),
    (
        "release ignored by a Backup",
        BACKUP,
        "self.set_down_timer(now, Wait::Skew);",
        "let _ = now;",
    ),
    (
        "release ignored by an Active",
        ACTIVE,
        "if !self.silent_too_long(now) {\n            self.send_advert();",
        "if false {\n            self.send_advert();",
    ),
    (
        "release takes over at once, without the skew",
        INSTANCE,
        "Wait::Skew | Wait::Lost => self.skew_time(),",
        "Wait::Skew | Wait::Lost => Duration::ZERO,",
    ),
    (
        "lower advert not answered",
        ACTIVE,
        "if self.config.answer_lower {",
        "if false {",
    ),
    (
        "answer does not restart the advert timer",
        ACTIVE,
        "self.send_advert();\n                self.restart_advert_timer(now);",
        "self.send_advert();",
    ),
    (
        "hosts not told again after a lower advert",
        ACTIVE,
        "self.announce(Announce::LowerPriority);",
        "",
    ),
    (
        "owner gives in to a Backup",
        ACTIVE,
        "Contest::Lost => self.yield_to(now, heard),",
        "Contest::Lost => self.yield_to(now, heard),\n            Contest::Won if self.priority == Priority::OWNER => self.yield_to(now, heard),",
    ),
    (
        "an Active does not yield",
        ACTIVE,
        "Contest::Lost => self.yield_to(now, heard),",
        "Contest::Lost => self.answer(now, heard),",
    ),
    (
        "releases when it yields",
        ACTIVE,
        "self.let_go();\n        self.accept(now, heard);\n        let reason",
        "self.send_release();\n        self.let_go();\n        self.accept(now, heard);\n        let reason",
    ),
    (
        "announces before it installs",
        BACKUP,
        "self.actions.push_back(Action::InstallAddresses);\n        self.announce(Announce::Promotion);",
        "self.announce(Announce::Promotion);\n        self.actions.push_back(Action::InstallAddresses);",
    ),
    (
        "installs before it advertises",
        BACKUP,
        "self.send_advert();\n        self.actions.push_back(Action::InstallAddresses);",
        "self.actions.push_back(Action::InstallAddresses);\n        self.send_advert();",
    ),
    (
        "keeps the addresses when it stops",
        INITIALIZE,
        "self.send_release();\n                self.let_go();",
        "self.send_release();",
    ),
    (
        "no release when it stops",
        INITIALIZE,
        "self.send_release();\n                self.let_go();",
        "self.let_go();",
    ),
    (
        "timers before packets when it wakes",
        WORLD,
        "for arrival in &stall.frames {",
        "self.slots[id.0].node.handle_timeout(self.now);\n        for arrival in &stall.frames {",
    ),
    (
        "stalled Backup takes over at once",
        BACKUP,
        "if late > self.down_interval() {",
        "if false && late > self.down_interval() {",
    ),
    (
        "stalled Active displaces what it may not preempt",
        ACTIVE,
        "self.config.preempt() == Preempt::Never && self.silent_too_long(now)",
        "{ let _ = now; false }",
    ),
    (
        "burst of adverts after a stall",
        TIMING,
        "if now >= due && next > now {\n        next",
        "if now >= due {\n        next",
    ),
    (
        "advert cadence drifts by a nanosecond",
        TIMING,
        "let next = after(due, interval.to_duration());",
        "let next = after(due, interval.to_duration() + Duration::from_nanos(2));",
    ),
    (
        "weights do not move the down timer",
        INSTANCE,
        "self.advert_changed();\n            self.move_down_timer(now);",
        "self.advert_changed();",
    ),
    (
        "weights move the owner",
        INSTANCE,
        "Role::Owner => Priority::OWNER,",
        "Role::Owner => election::weighted(254, self.weights),",
    ),
    (
        "reload of the same announces again",
        RECONFIGURE,
        "if config == self.config {\n            return false;",
        "if config == self.config {\n            if self.state == State::Active { self.announce(Announce::Reassert); }\n            return false;",
    ),
    (
        "down timer fires early in company",
        "vrrp-fsm/src/router.rs",
        "self.schedule.take_due(now, &mut due);",
        "let now = Instant::from_nanos(now.as_nanos() + 1_000_000);\n        self.schedule.take_due(now, &mut due);",
    ),
    (
        "an early advert makes the next gap longer",
        TIMING,
        "if now >= due && next > now {",
        "if next > now {",
    ),
    (
        "timers fire a microsecond late",
        "vrrp-fsm/src/router.rs",
        "let (next, early) = (slot.instance.next_timeout(), slot.instance.early_timeout());",
        "let (next, early) = (slot.instance.next_timeout().map(|at| Instant::from_nanos(at.as_nanos() + 1_000)), slot.instance.early_timeout());",
    ),
    (
        "damaged adverts are accepted",
        "vrrp-proto/src/advert.rs",
        "Checksum::MessageOnly => sum.verifies(),",
        "Checksum::MessageOnly => sum.verifies() || true,",
    ),
    (
        "the advert carries another interval",
        "vrrp-proto/src/emit.rs",
        "Format::V3 { .. } => self.interval.centis().to_be_bytes(),",
        "Format::V3 { .. } => (self.interval.centis() + 1).to_be_bytes(),",
    ),
    (
        "group: a member becomes Active alone",
        BACKUP,
        "if self.grouped {",
        "if false {",
    ),
    (
        "group: one gives way and the others stay",
        GROUP,
        "if tally.any(Active) && tally.any(Waiting) {",
        "if false {",
    ),
    (
        "group: a fault of one is not that of the others",
        GROUP,
        "if tally.any(Unable) || (tally.any(Out) && !running) {",
        "if tally.any(Out) && !running {",
    ),
    (
        "group: nobody leaves Initialize",
        GROUP,
        "if tally.any(Held) {",
        "if tally.any(Held) && running {",
    ),
    (
        "group: members wait for each other",
        "vrrp-fsm/src/instance/member.rs",
        "if !self.faults.without(Fault::SyncGroup).is_empty() {",
        "if !self.faults.is_empty() {",
    ),
    (
        "group: addresses before the last advert",
        "vrrp-fsm/src/router/groups.rs",
        "self.after_adverts = Some(VecDeque::new());",
        "",
    ),
    (
        "group: who is ready stays so whatever it hears",
        INSTANCE,
        "self.lower_discarded = false;\n        self.ready = None;",
        "self.lower_discarded = false;",
    ),
    (
        "group: Active while a member waits",
        GROUP,
        "!tally.any(Waiting) && !tally.any(Out) &&",
        "!tally.any(Out) &&",
    ),
    (
        "group: the last one to be stopped takes over",
        GROUP,
        "!tally.any(Waiting) && !tally.any(Out) &&",
        "!tally.any(Waiting) &&",
    ),
    (
        "group: a lost address is not released by the others",
        GROUP,
        "pub(crate) const fn releases(cause: Option<Reason>) -> bool {",
        "pub(crate) const fn releases(cause: Option<Reason>) -> bool {\n    if true { return false; }",
    ),
    (
        "a reload while it may not run yet keeps it from ever running",
        RECONFIGURE,
        "State::Initialize => {}",
        "State::Initialize => self.started = false,",
    ),
    (
        "a reload stops the down timer",
        RECONFIGURE,
        "State::Backup => self.move_down_timer(now),",
        "State::Backup => self.timer = super::Timer::None,",
    ),
    (
        "packets dropped once are dropped for ever",
        RECEIVE,
        "if self.state == State::Initialize {",
        "if self.state == State::Initialize || self.stats.rejections.total() > 0 {",
    ),
    (
        "bfd: detection time is an interval short",
        BFD_TIMING,
        "agreed.saturating_mul(u32::from(mult.get()))",
        "agreed.saturating_mul(u32::from(mult.get()).saturating_sub(1).max(1))",
    ),
    (
        "bfd: detection time is a millisecond long",
        BFD_TIMING,
        "agreed.saturating_mul(u32::from(mult.get()))",
        "agreed.saturating_mul(u32::from(mult.get())) + Duration::from_millis(1)",
    ),
    (
        "bfd: detection time without the sender's interval",
        BFD_TIMING,
        "let agreed = receiver.max(sender)",
        "let _ = sender;\n    let agreed = receiver",
    ),
    (
        "bfd: jitter of thirty percent",
        BFD_TIMING,
        "const SHORTEST: u32 = 750_000;",
        "const SHORTEST: u32 = 700_000;",
    ),
    (
        "bfd: a multiplier of 1 may take the whole interval",
        BFD_TIMING,
        "const LONGEST_ALONE: u32 = 900_000;",
        "const LONGEST_ALONE: u32 = 1_000_000;",
    ),
    (
        "bfd: jitter beyond the interval",
        BFD_TIMING,
        "rng.between(SHORTEST, longest)",
        "rng.between(SHORTEST, longest) + 20_000",
    ),
    (
        "bfd: polls are not answered",
        BFD_RECEIVE,
        "self.outbox.answer();",
        "",
    ),
    (
        "bfd: answers are not heard",
        BFD_NEGOTIATE,
        "self.negotiation.conclude(until, mixed);",
        "let _ = (until, mixed);",
    ),
    (
        "bfd: a longer interval is used at once",
        BFD_NEGOTIATE,
        "wanted.desired_min_tx < used.desired_min_tx {",
        "wanted.desired_min_tx != used.desired_min_tx {",
    ),
    (
        "bfd: a shorter detection time is used at once",
        BFD_NEGOTIATE,
        "wanted.required_min_rx > used.required_min_rx {",
        "wanted.required_min_rx != used.required_min_rx {",
    ),
    (
        "bfd: the other side's pace is not respected",
        BFD_NEGOTIATE,
        "used.max(self.remote.required_min_rx)",
        "used",
    ),
    (
        "bfd: less than a second between packets when down",
        BFD_NEGOTIATE,
        "config.desired_min_tx.max(config.idle_tx)\n            },",
        "config.desired_min_tx\n            },",
    ),
    (
        "bfd: poll and answer in one packet",
        BFD_TRANSMIT,
        "let poll = !is_final && self.is_polling();",
        "let poll = self.is_polling();",
    ),
    (
        "bfd: silence is not noticed",
        BFD_RECEIVE,
        "if matches!(self.state, State::Init | State::Up) {",
        "if matches!(self.state, State::Init) {",
    ),
    (
        "bfd: elections do not heed a lost session",
        BACKUP,
        "if is_active && timing::after",
        "if false && is_active && timing::after",
    ),
];
