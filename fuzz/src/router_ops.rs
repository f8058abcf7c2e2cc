//! Bytes as a list of things that happen to a router; whatever they are, its promises hold.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use vrrp_fsm::{
    Action, Announce, BackupPriority, Event, Fault, GroupId, InstanceConfig, InstanceId, Instant,
    InterfaceId, Peer, Preempt, Role, Router, RouterConfig, Rx, State, Transmit, Transport, V2Auth,
    WireFormat,
};
use vrrp_proto::{
    AddressList, Advert, AdvertInterval, AdvertRepr, Auth, Checksum, ChecksumPolicy, Family,
    Format, HopLimit, IpMeta, ParsePolicy, Priority, Vrid,
};

use super::input::Input;

/// Configure, then one thing after another.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World {
        router: Router::new(),
        now: Instant::from_nanos(0),
        config: RouterConfig::new(),
        ids: Vec::new(),
        seen: BTreeMap::new(),
    };
    world.reload(configuration(&mut input));
    world.drain();
    for _ in 0..400 {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.drain();
        world.check();
    }
}

struct World {
    router: Router,
    now: Instant,
    config: RouterConfig,
    ids: Vec<InstanceId>,
    seen: BTreeMap<u32, Seen>,
}

/// What the actions of one instance added up to.
struct Seen {
    installed: bool,
    state: State,
    released: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            installed: false,
            state: State::Initialize,
            released: false,
        }
    }
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(8) {
            0 => self.pass(Duration::from_millis(u64::from(input.word()))),
            1 => {
                // Exactly when it asked for, as a good driver does.
                let next = self.router.next_timeout().unwrap_or(self.now);
                self.now = self.now.max(next);
                self.router.handle_timeout(self.now);
            }
            2 => self.router.handle_timeout(self.now),
            3 | 4 => self.advert(input),
            5 => self.garbage(input),
            6 => {
                let Some(&id) = self.ids.get(usize::from(input.below(4))) else {
                    return;
                };
                let Some(instance) = self.router.instance(id) else {
                    return;
                };
                let event = event(input, instance.config().family);
                self.router.handle_event(self.now, id, event);
            }
            _ => {
                if input.flag() {
                    self.reload(configuration(input));
                } else {
                    self.reload_unchanged();
                }
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        self.now = self.now.checked_add(span).unwrap_or(self.now);
        self.router.handle_timeout(self.now);
        self.drain();
        let next = self.router.next_timeout();
        assert!(
            next.is_none_or(|next| next > self.now),
            "{next:?} is due at {:?}",
            self.now
        );
        self.router.handle_timeout(self.now);
        assert!(
            self.router.poll_action().is_none(),
            "the same instant again did something"
        );
    }

    fn reload(&mut self, config: RouterConfig) {
        let before = self.ids.clone();
        match self.router.reload(self.now, config.clone()) {
            Ok(reload) => {
                assert_eq!(reload.ids.len(), config.instances.len());
                self.ids = reload.ids;
                self.config = config;
            }
            Err(_) => assert_eq!(self.ids, before),
        }
    }

    fn reload_unchanged(&mut self) {
        let reload = self.router.reload(self.now, self.config.clone());
        let reload = reload.expect("what was accepted once is accepted again");
        assert_eq!(reload.ids, self.ids);
        assert!(
            self.router.poll_action().is_none(),
            "an equal configuration did something"
        );
    }

    /// A good advert from somebody, or nearly good.
    fn advert(&mut self, input: &mut Input<'_>) {
        let ipv6 = input.flag();
        let family = if ipv6 { Family::Ipv6 } else { Family::Ipv4 };
        let vrid = Vrid::new(1 + input.below(3)).expect("not 0");
        let unicast = input.below(4) == 3;
        let destination = if unicast {
            input.host(ipv6)
        } else {
            family.group()
        };
        let ip = IpMeta {
            source: input.host(ipv6),
            destination,
            hop_limit: 255,
        };
        let format = if input.flag() && !ipv6 {
            Format::V2 { auth: Auth::None }
        } else {
            Format::V3 {
                ipv4_checksum: Checksum::PseudoHeader,
            }
        };
        let interval = match format {
            Format::V2 { .. } => AdvertInterval::from_secs(1 + input.below(3)),
            _ => AdvertInterval::from_centis(1 + input.word() % 4095),
        };
        let addresses = match family {
            Family::Ipv4 => AddressList::V4(&[VIP4]),
            Family::Ipv6 => AddressList::V6(&[VIP6]),
        };
        let repr = AdvertRepr {
            format,
            vrid,
            priority: Priority::new(input.byte()),
            interval: interval.expect("in range"),
            addresses,
        };
        let mut message = vec![0; repr.buffer_len()];
        repr.emit(&ip, &mut message).expect("a good advert");
        let interface = InterfaceId(input.below(2).into());
        let _ = self.router.handle_packet(
            self.now,
            Rx {
                interface,
                ip,
                message: &message,
            },
        );
    }

    fn garbage(&mut self, input: &mut Input<'_>) {
        let ipv6 = input.flag();
        let family = if ipv6 { Family::Ipv6 } else { Family::Ipv4 };
        let ip = IpMeta {
            source: input.host(ipv6),
            destination: family.group(),
            hop_limit: input.byte(),
        };
        let length = usize::from(input.below(40));
        let message = input.take(length);
        let rx = Rx {
            interface: InterfaceId(0),
            ip,
            message,
        };
        let _ = self.router.handle_packet(self.now, rx);
    }

    fn drain(&mut self) {
        for count in 0.. {
            let Some((id, action)) = self.router.poll_action() else {
                break;
            };
            assert!(count < 10_000, "it never stops acting");
            self.account(id, action);
        }
    }

    fn account(&mut self, id: InstanceId, action: Action) {
        let seen = self.seen.entry(id.get()).or_default();
        match action {
            Action::InstallAddresses => {
                assert!(!seen.installed, "installed twice");
                seen.installed = true;
            }
            Action::RemoveAddresses => seen.installed = false,
            Action::Announce(kind) => {
                assert!(
                    seen.installed,
                    "{kind:?} announces addresses that are absent"
                );
                assert!(matches!(
                    kind,
                    Announce::Promotion | Announce::LowerPriority | Announce::Reassert
                ));
            }
            Action::Transition { from, to, .. } => {
                assert_eq!(from, seen.state, "a transition from where it was not");
                assert_ne!(from, to);
                assert_eq!(
                    seen.installed,
                    to == State::Active,
                    "addresses exactly while Active"
                );
                assert!(
                    !seen.released || to != State::Active,
                    "released and still Active"
                );
                (seen.state, seen.released) = (to, false);
            }
            Action::Transmit(transmit) => {
                if transmit == Transmit::Release {
                    assert_eq!(seen.state, State::Active, "released without being Active");
                    seen.released = true;
                }
                self.advert_is_good(id, transmit);
            }
            _ => {}
        }
    }

    fn advert_is_good(&self, id: InstanceId, transmit: Transmit) {
        let Some(instance) = self.router.instance(id) else {
            return;
        };
        let repr = instance.advert(transmit);
        let family = repr.addresses.family();
        let source = instance.primary_address().unwrap_or(match family {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
        let ip = IpMeta {
            source,
            destination: family.group(),
            hop_limit: 255,
        };
        let mut message = vec![0; repr.buffer_len()];
        repr.emit(&ip, &mut message)
            .expect("our own advert can be written");
        let policy = ParsePolicy::new()
            .with_hop_limit(HopLimit::Any)
            .with_checksum(ChecksumPolicy::Either)
            .with_allow_no_addresses(true);
        let advert = Advert::parse(&message, &ip, &policy).expect("our own advert can be read");
        assert_eq!(advert.vrid(), instance.config().vrid);
        let release = transmit == Transmit::Release;
        assert_eq!(advert.priority() == Priority::RELEASE, release);
    }

    fn check(&self) {
        for group in self.router.groups() {
            let members = || group.members().filter_map(|id| self.router.instance(id));
            let active = members().any(|member| member.state() == State::Active);
            assert_eq!(
                active,
                group.state() == State::Active,
                "a group and its members"
            );
        }
        for (id, _, instance) in self.router.instances() {
            let state = instance.state();
            let seen = self.seen.get(&id.get());
            let known = seen.map_or(State::Initialize, |seen| seen.state);
            assert_eq!(state, known, "state and transitions disagree");
            let installed = seen.is_some_and(|seen| seen.installed);
            assert_eq!(
                installed,
                state == State::Active,
                "addresses exactly while Active"
            );
            assert!(
                instance.faults().is_empty() || state == State::Initialize,
                "runs with a fault"
            );
            let waits = instance.next_timeout().is_some();
            // A member of a group may have nothing to wait for but the others.
            let ready = state == State::Backup && self.router.group_of(id).is_some();
            assert!(
                waits == (state != State::Initialize) || ready,
                "{state:?} with timer: {waits}"
            );
        }
    }
}

const VIP4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const VIP6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x51);

fn event(input: &mut Input<'_>, family: Family) -> Event {
    let fault = match input.below(4) {
        0 => Fault::LinkDown,
        1 => Fault::NoReceivePath,
        2 => Fault::Tracker,
        _ => Fault::Kernel,
    };
    match input.below(10) {
        0 | 1 => Event::Start,
        2 => Event::Stop,
        3 => Event::Fault(fault),
        4 => Event::FaultCleared(fault),
        5 => Event::FaultCleared(Fault::NoReceivePath),
        6 => Event::PrimaryAddress(Some(input.host(family == Family::Ipv6))),
        7 => Event::PrimaryAddress(None),
        8 => Event::Adjust(i16::from(input.byte()) - 128),
        _ if fault == Fault::LinkDown => Event::AddressLost,
        _ => Event::Suspect,
    }
}

fn configuration(input: &mut Input<'_>) -> RouterConfig {
    let mut config = RouterConfig::new();
    for _ in 0..=input.below(3) {
        let interface = InterfaceId(input.below(2).into());
        config = config.with_instance(interface, instance(input));
    }
    if input.flag() {
        let first = usize::from(input.below(2));
        let all = config.instances.len();
        config = config.with_group(GroupId(0), first..all);
    }
    config
}

fn instance(input: &mut Input<'_>) -> InstanceConfig {
    let ipv6 = input.flag();
    let (family, address): (_, IpAddr) = if ipv6 {
        (Family::Ipv6, VIP6.into())
    } else {
        (Family::Ipv4, VIP4.into())
    };
    let vrid = Vrid::new(1 + input.below(3)).expect("not 0");
    let preempt = match input.below(3) {
        0 => Preempt::Immediately,
        1 => Preempt::Never,
        _ => Preempt::After(Duration::from_millis(input.word().into())),
    };
    let role = match BackupPriority::new(input.byte()) {
        Some(priority) => Role::Backup { priority, preempt },
        None => Role::Owner,
    };
    let mut config = InstanceConfig::new(vrid, family, role).with_addresses([address]);
    if input.flag() && !ipv6 {
        config = config.with_format(WireFormat::V2 { auth: V2Auth::None });
    } else if let Some(interval) = AdvertInterval::from_centis(1 + input.word() % 4095) {
        config = config.with_interval(interval);
    }
    if input.below(4) == 3 {
        let peers = vec![Peer::new(input.host(ipv6))];
        let check_source = input.flag();
        config = config.with_transport(Transport::Unicast {
            peers,
            check_source,
        });
    }
    config
        .with_answer_lower(input.flag())
        .with_advert_on_yield(input.flag())
        .with_owner_ignores_adverts(input.flag())
}
