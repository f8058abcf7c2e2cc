//! What the test files share: short words for configurations, real packets, and checks.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::net::IpAddr;
use std::time::Duration;

use vrrp_fsm::proto::{
    AddressList, AdvertInterval, AdvertRepr, Auth, Checksum, Family, Format, IpMeta, Priority, Vrid,
};
use vrrp_fsm::{
    Action, Announce, BackupPriority, Event, Fault, Instance, InstanceConfig, Instant, Notice,
    Preempt, Reason, Rejected, Role, Startup, State, Transmit, V2Auth, WireFormat,
};

/// Our own address: peers below and above are `peer(1)` and `peer(9)`.
pub(crate) const OWN: u8 = 5;

pub(crate) fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

pub(crate) fn peer(last: u8) -> IpAddr {
    address(last)
}

pub(crate) fn secs(seconds: f64) -> Instant {
    nanos((seconds * 1e9).round() as i64)
}

pub(crate) fn nanos(nanos: i64) -> Instant {
    Instant::from_nanos(nanos)
}

pub(crate) fn duration(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9).round() as u64)
}

pub(crate) fn centis(centis: u16) -> AdvertInterval {
    AdvertInterval::from_centis(centis).unwrap()
}

pub(crate) fn backup(priority: u8, preempt: Preempt) -> Role {
    Role::Backup {
        priority: BackupPriority::new(priority).unwrap(),
        preempt,
    }
}

pub(crate) fn v3(role: Role) -> InstanceConfig {
    InstanceConfig::new(Vrid::new(51).unwrap(), Family::Ipv4, role).with_addresses([address(100)])
}

pub(crate) fn v2(role: Role) -> InstanceConfig {
    v3(role).with_format(WireFormat::V2 { auth: V2Auth::None })
}

pub(crate) fn v6(role: Role) -> InstanceConfig {
    InstanceConfig::new(Vrid::new(51).unwrap(), Family::Ipv6, role).with_addresses([
        "fe80::51".parse().unwrap(),
        "2001:db8::100".parse().unwrap(),
    ])
}

/// Both versions, for rows that are the same in both.
pub(crate) fn both(role: Role) -> [InstanceConfig; 2] {
    [v2(role), v3(role)]
}

/// Not yet started, without faults.
pub(crate) fn ready(config: InstanceConfig) -> Instance {
    let mut instance = Instance::new(config).unwrap();
    let own = match instance.config().family {
        Family::Ipv4 => address(OWN),
        Family::Ipv6 => "fe80::5".parse().unwrap(),
    };
    instance.handle_event(nanos(0), Event::PrimaryAddress(Some(own)));
    instance.handle_event(nanos(0), Event::FaultCleared(Fault::NoReceivePath));
    drain(&mut instance);
    assert_eq!(instance.state(), State::Initialize);
    instance
}

/// Started at 0 and in Backup (or Active, if owner).
pub(crate) fn started(config: InstanceConfig) -> Instance {
    let mut instance = ready(config);
    instance.handle_event(nanos(0), Event::Start);
    drain(&mut instance);
    instance
}

/// Active since the returned instant.
pub(crate) fn active(config: InstanceConfig) -> (Instance, Instant) {
    let mut instance = started(config);
    let mut since = nanos(0);
    if instance.state() == State::Backup {
        since = instance.next_timeout().unwrap();
        instance.handle_timeout(since);
        drain(&mut instance);
    }
    assert_eq!(instance.state(), State::Active);
    (instance, since)
}

pub(crate) fn drain(instance: &mut Instance) -> Vec<Action> {
    std::iter::from_fn(|| instance.poll_action()).collect()
}

/// The actions but for the notices.
pub(crate) fn deeds(instance: &mut Instance) -> Vec<Action> {
    let mut actions = drain(instance);
    actions.retain(|action| !matches!(action, Action::Notice(_)));
    actions
}

pub(crate) fn notices(instance: &mut Instance) -> Vec<Notice> {
    drain(instance)
        .into_iter()
        .filter_map(|action| match action {
            Action::Notice(notice) => Some(notice),
            _ => None,
        })
        .collect()
}

/// The message of an advert that fits the configuration of `instance`, but for what is given.
pub(crate) fn message(
    config: &InstanceConfig,
    source: IpAddr,
    priority: u8,
    interval: AdvertInterval,
) -> (IpMeta, Vec<u8>) {
    let ip = IpMeta {
        source,
        destination: config.family.group(),
        hop_limit: 255,
    };
    let (mut list4, mut list6) = (Vec::new(), Vec::new());
    for address in &config.addresses {
        match address {
            IpAddr::V4(address) => list4.push(*address),
            IpAddr::V6(address) => list6.push(*address),
        }
    }
    let repr = AdvertRepr {
        format: match &config.format {
            WireFormat::V2 { auth } => Format::V2 {
                auth: match auth {
                    V2Auth::None => Auth::None,
                    V2Auth::Password(password) => Auth::Password(password),
                    V2Auth::Ah(_) => panic!("an authentication header needs a whole packet"),
                },
            },
            WireFormat::V3 { .. } => Format::V3 {
                ipv4_checksum: Checksum::MessageOnly,
            },
        },
        vrid: config.vrid,
        priority: Priority::new(priority),
        interval,
        addresses: match config.family {
            Family::Ipv4 => AddressList::V4(&list4),
            Family::Ipv6 => AddressList::V6(&list6),
        },
    };
    (ip, emit(&repr, &ip))
}

pub(crate) fn emit(repr: &AdvertRepr<'_>, ip: &IpMeta) -> Vec<u8> {
    let mut octets = vec![0; repr.buffer_len()];
    let length = repr.emit(ip, &mut octets).unwrap();
    octets.truncate(length);
    octets
}

/// Hears an advert with the interval of the configuration.
pub(crate) fn hear(instance: &mut Instance, now: Instant, source: IpAddr, priority: u8) {
    let interval = instance.config().interval;
    hear_interval(instance, now, source, priority, interval).unwrap();
}

pub(crate) fn hear_interval(
    instance: &mut Instance,
    now: Instant,
    source: IpAddr,
    priority: u8,
    interval: AdvertInterval,
) -> Result<(), Rejected> {
    let (ip, octets) = message(instance.config(), source, priority, interval);
    instance.handle_packet(now, &ip, &octets)
}

/// The form of every row: these actions in this order, this state, and the timer armed for this
/// instant.
#[track_caller]
pub(crate) fn expect(
    instance: &mut Instance,
    actions: &[Action],
    state: State,
    timer: Option<Instant>,
) {
    assert_eq!(deeds(instance), actions);
    assert_eq!(instance.state(), state);
    assert_eq!(instance.next_timeout(), timer);
}

pub(crate) const ADVERT: Action = Action::Transmit(Transmit::Advert);
pub(crate) const RELEASE: Action = Action::Transmit(Transmit::Release);
pub(crate) const INSTALL: Action = Action::InstallAddresses;
pub(crate) const REMOVE: Action = Action::RemoveAddresses;
pub(crate) const PROMOTION: Action = Action::Announce(Announce::Promotion);
pub(crate) const LOWER: Action = Action::Announce(Announce::LowerPriority);
pub(crate) const REASSERT: Action = Action::Announce(Announce::Reassert);

pub(crate) fn transition(from: State, to: State, reason: Reason) -> Action {
    Action::Transition { from, to, reason }
}

/// Everything that goes with becoming Active.
pub(crate) fn promotion(from: State, reason: Reason) -> [Action; 4] {
    [
        ADVERT,
        INSTALL,
        PROMOTION,
        transition(from, State::Active, reason),
    ]
}

pub(crate) fn higher(source: IpAddr, priority: u8) -> Reason {
    Reason::HigherPriority {
        source,
        priority: Priority::new(priority),
    }
}

/// Start-up as `state MASTER`.
pub(crate) fn wants_active(config: InstanceConfig) -> InstanceConfig {
    config.with_startup(Startup::Active)
}

/// Routers on one lossless link without delay, in virtual time, with real octets.
pub(crate) struct Net {
    pub(crate) routers: Vec<Instance>,
    pub(crate) now: Instant,
    /// Whether a router's packets reach the others.
    pub(crate) speaks: Vec<bool>,
    /// Who sent what and when.
    pub(crate) sent: Vec<(Instant, usize, Priority)>,
    /// Who entered which state when.
    pub(crate) changes: Vec<(Instant, usize, State)>,
}

impl Net {
    /// Routers with the addresses 192.0.2.`last`, all started at 0.
    pub(crate) fn new(routers: impl IntoIterator<Item = (u8, InstanceConfig)>) -> Self {
        let mut net = Self {
            routers: Vec::new(),
            now: nanos(0),
            speaks: Vec::new(),
            sent: Vec::new(),
            changes: Vec::new(),
        };
        for (last, config) in routers {
            let mut instance = ready(config);
            instance.handle_event(nanos(0), Event::PrimaryAddress(Some(address(last))));
            instance.handle_event(nanos(0), Event::Start);
            net.routers.push(instance);
            net.speaks.push(true);
        }
        net.settle();
        net
    }

    pub(crate) fn event(&mut self, router: usize, event: Event) {
        self.routers[router].handle_event(self.now, event);
        self.settle();
    }

    pub(crate) fn run_until(&mut self, end: Instant) {
        while let Some(next) = self
            .routers
            .iter()
            .filter_map(Instance::next_timeout)
            .min()
            .filter(|next| *next <= end)
        {
            self.now = self.now.max(next);
            for router in &mut self.routers {
                router.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = end;
    }

    /// Carries out actions until there are none. The budget turns a storm into a failure.
    fn settle(&mut self) {
        for _ in 0..1000 {
            let mut idle = true;
            for from in 0..self.routers.len() {
                while let Some(action) = self.routers[from].poll_action() {
                    idle = false;
                    match action {
                        Action::Transmit(transmit) => self.send(from, transmit),
                        Action::Transition { to, .. } => self.changes.push((self.now, from, to)),
                        _ => {}
                    }
                }
            }
            if idle {
                return;
            }
        }
        panic!("storm");
    }

    fn send(&mut self, from: usize, transmit: Transmit) {
        let sender = &self.routers[from];
        let repr = sender.advert(transmit);
        let ip = IpMeta {
            source: sender.primary_address().unwrap(),
            destination: sender.config().family.group(),
            hop_limit: 255,
        };
        let octets = emit(&repr, &ip);
        self.sent.push((self.now, from, repr.priority));
        if !self.speaks[from] {
            return;
        }
        for to in (0..self.routers.len()).filter(|to| *to != from) {
            let _ = self.routers[to].handle_packet(self.now, &ip, &octets);
        }
    }

    pub(crate) fn states(&self) -> Vec<State> {
        self.routers.iter().map(Instance::state).collect()
    }
}
