//! What holds after any sequence of packets, events, times and configurations.

mod common;

use common::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::IpAddr;

use vrrp_fsm::proto::{Family, IpMeta, Vrid};
use vrrp_fsm::{
    Action, Announce, Event, Fault, GroupId, Instance, InstanceConfig, InstanceId, Instant,
    InterfaceId, Notice, Preempt, Reason, Rejected, Role, Router, RouterConfig, Rx, Startup, State,
    Transmit,
};

/// More than any single input may cause.
const MOST_ACTIONS: usize = 10;

#[derive(Clone, Debug)]
enum Op {
    Wait {
        nanos: i64,
    },
    WaitForTimeout {
        late: i64,
    },
    Advert {
        source: u8,
        priority: u8,
        centis: u16,
    },
    Damaged {
        source: u8,
        priority: u8,
        place: usize,
        mask: u8,
    },
    Garbage {
        octets: Vec<u8>,
        hop_limit: u8,
    },
    Event(Event),
    Reconfigure(InstanceConfig),
}

fn role() -> impl Strategy<Value = Role> {
    let preempt = prop_oneof![
        Just(Preempt::Never),
        Just(Preempt::Immediately),
        (0..8_000_u64).prop_map(|ms| Preempt::After(core::time::Duration::from_millis(ms))),
    ];
    prop_oneof![
        1 => Just(Role::Owner),
        4 => (1..=254_u8, preempt).prop_map(|(priority, preempt)| backup(priority, preempt)),
    ]
}

fn config() -> impl Strategy<Value = InstanceConfig> {
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (role(), any::<bool>(), 1..=3_u8, 1..=4_u16, 1..=3_u8, flags).prop_map(
        |(role, second, down, interval, last, (active, answer, on_yield, ignore, track))| {
            let config = if second { v2(role) } else { v3(role) };
            let startup = if active {
                Startup::Active
            } else {
                Startup::Backup
            };
            config
                .with_interval(centis(interval * 100))
                .with_startup(startup)
                .with_down_adverts(core::num::NonZeroU8::new(down).unwrap())
                .with_addresses((0..last).map(|n| address(100 + n)))
                .with_answer_lower(answer)
                .with_advert_on_yield(on_yield)
                .with_owner_ignores_adverts(ignore)
                .with_track_link(track)
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let fault = proptest::sample::select(Fault::ALL.as_slice());
    prop_oneof![
        3 => Just(Event::Start),
        1 => Just(Event::Stop),
        1 => fault.clone().prop_map(Event::Fault),
        4 => fault.prop_map(Event::FaultCleared),
        1 => Just(Event::PrimaryAddress(None)),
        3 => (1..10_u8).prop_map(|last| Event::PrimaryAddress(Some(address(last)))),
        2 => any::<i16>().prop_map(|weights| Event::Adjust(weights % 300)),
        1 => Just(Event::AddressLost),
        1 => Just(Event::Suspect),
    ]
}

fn priority() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(255), Just(100), any::<u8>()]
}

fn op() -> impl Strategy<Value = Op> {
    let advert = (1..10_u8, priority(), 1..=4_u16).prop_map(|(source, priority, interval)| {
        let centis = interval * 100;
        Op::Advert {
            source,
            priority,
            centis,
        }
    });
    let damaged = (1..10_u8, priority(), 0..28_usize, 1..=255_u8).prop_map(
        |(source, priority, place, mask)| Op::Damaged {
            source,
            priority,
            place,
            mask,
        },
    );
    let garbage = (proptest::collection::vec(any::<u8>(), 0..40), any::<u8>());
    prop_oneof![
        2 => (0..3_000_000_000_i64).prop_map(|nanos| Op::Wait { nanos }),
        1 => (0..30_000_000_000_i64).prop_map(|nanos| Op::Wait { nanos }),
        5 => prop_oneof![Just(0), 0..50_000_000_i64].prop_map(|late| Op::WaitForTimeout { late }),
        6 => advert,
        1 => damaged,
        1 => garbage.prop_map(|(octets, hop_limit)| Op::Garbage { octets, hop_limit }),
        3 => event().prop_map(Op::Event),
        1 => config().prop_map(Op::Reconfigure),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let start = [
        Op::Event(Event::PrimaryAddress(Some(address(OWN)))),
        Op::Event(Event::FaultCleared(Fault::NoReceivePath)),
        Op::Event(Event::Start),
    ];
    proptest::collection::vec(op(), 0..80)
        .prop_map(move |ops| start.iter().cloned().chain(ops).collect())
}

/// What the outside world looks like to somebody who does as told.
struct World {
    installed: bool,
    state: State,
    promoting: bool,
}

impl World {
    const fn new() -> Self {
        Self {
            installed: false,
            state: State::Initialize,
            promoting: false,
        }
    }

    /// Carries out what one input has caused, and checks the order.
    fn carry_out(&mut self, actions: &[Action]) {
        for (place, action) in actions.iter().enumerate() {
            let rest: Vec<_> = actions[place + 1..]
                .iter()
                .filter(|action| !matches!(action, Action::Notice(_)))
                .collect();
            match action {
                Action::Transmit(Transmit::Advert) => {
                    self.promoting = rest.first() == Some(&&INSTALL) && self.state != State::Active;
                    assert!(self.promoting || self.state == State::Active, "{actions:?}");
                }
                // Only when leaving Active for Initialize, or for want of its addresses.
                Action::Transmit(Transmit::Release) => {
                    assert_eq!(self.state, State::Active);
                    assert_eq!(rest.first(), Some(&&REMOVE));
                    let Some(Action::Transition { to, reason, .. }) = rest.get(1) else {
                        panic!("{actions:?}");
                    };
                    let lost = matches!(reason, Reason::AddressLost | Reason::SyncGroup);
                    assert!(*to == State::Initialize || lost, "{actions:?}");
                }
                Action::InstallAddresses => {
                    assert!(self.promoting || self.state == State::Active);
                    self.installed = true;
                }
                Action::RemoveAddresses => self.installed = false,
                // Never for addresses that are not there.
                Action::Announce(announce) => {
                    assert!(self.installed, "{actions:?}");
                    assert_eq!(self.promoting, *announce == Announce::Promotion);
                }
                Action::Transition { from, to, .. } => {
                    assert_eq!(*from, self.state);
                    assert_ne!(from, to);
                    // Addresses are there exactly while Active.
                    assert_eq!(self.installed, *to == State::Active, "{actions:?}");
                    self.state = *to;
                    self.promoting = false;
                }
                Action::Notice(_) | Action::GroupTransition(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(self.installed, self.state == State::Active);
    }
}

/// The invariants of a state.
fn check(instance: &Instance) {
    let armed = instance.next_timeout().is_some();
    assert_eq!(armed, instance.state() != State::Initialize);
    check_member(instance);
}

/// Those that a member of a group has too. It may have nothing to wait for but the others.
fn check_member(instance: &Instance) {
    if instance.state() != State::Backup {
        let armed = instance.next_timeout().is_some();
        assert_eq!(armed, instance.state() != State::Initialize);
    }
    if !instance.faults().is_empty() {
        assert_eq!(instance.state(), State::Initialize);
    }
    let stats = instance.stats();
    let terms = stats.became_active - stats.released_active;
    assert_eq!(terms, u64::from(instance.state() == State::Active));
    assert!(stats.priority_zero_sent <= stats.adverts_sent);
    match (instance.config().role, instance.effective_priority().get()) {
        (Role::Owner, priority) => assert!(priority >= 254),
        (Role::Backup { .. }, priority) => assert!((1..=254).contains(&priority)),
    }
    let advert = instance.advert(Transmit::Advert);
    assert_eq!(advert.priority, instance.effective_priority());
    assert_eq!(advert.interval, instance.config().interval);
}

/// A group is Active when some members are, and then nobody else is known to be for any of them.
fn check_groups(router: &Router) {
    for group in router.groups() {
        let members = || group.members().filter_map(|id| router.instance(id));
        let active = members().any(|member| member.state() == State::Active);
        assert_eq!(active, group.state() == State::Active);
        let opposed =
            |member: &Instance| member.state() == State::Backup && member.active_router().is_some();
        assert!(
            !active || !members().any(opposed),
            "Active here and elsewhere"
        );
        assert!(
            !active || group.faulted() == 0,
            "Active with a member at fault"
        );
    }
}

/// What a rejected packet must leave alone.
fn facts(instance: &Instance) -> impl PartialEq + core::fmt::Debug + use<> {
    (
        instance.state(),
        instance.next_timeout(),
        instance.faults(),
        instance.active_router(),
        instance.active_interval(),
        instance.effective_priority(),
        instance.advert_version(),
        instance.last_transition(),
        instance.stats().adverts_received,
    )
}

fn packet(instance: &Instance, op: &Op) -> Option<(IpMeta, Vec<u8>)> {
    let config = instance.config();
    Some(match op {
        Op::Advert {
            source,
            priority,
            centis: interval,
        } => message(config, address(*source), *priority, centis(*interval)),
        Op::Damaged {
            source,
            priority,
            place,
            mask,
        } => {
            let (ip, mut octets) = message(config, address(*source), *priority, config.interval);
            let length = octets.len();
            octets[place % length] ^= mask;
            (ip, octets)
        }
        Op::Garbage { octets, hop_limit } => {
            let ip = IpMeta {
                source: address(9),
                destination: Family::Ipv4.group(),
                hop_limit: *hop_limit,
            };
            (ip, octets.clone())
        }
        _ => return None,
    })
}

fn step(instance: &mut Instance, now: &mut Instant, op: &Op) {
    if let Some((ip, octets)) = packet(instance, op) {
        let before = facts(instance);
        let counters = instance.stats().clone();
        match instance.handle_packet(*now, &ip, &octets) {
            Ok(()) => {
                let received = counters.adverts_received + 1;
                assert_eq!(instance.stats().adverts_received, received);
                assert_eq!(instance.stats().rejections, counters.rejections);
            }
            Err(reason) => {
                assert_eq!(facts(instance), before, "{reason:?}");
                let stats = instance.stats();
                assert_eq!(stats.rejected(&reason), counters.rejected(&reason) + 1);
                assert_eq!(stats.rejections.total(), counters.rejections.total() + 1);
                assert_eq!(stats.last_reject, Some((*now, reason)));
            }
        }
        return;
    }
    match op {
        Op::Wait { nanos: wait } => {
            *now = nanos(now.as_nanos() + wait);
            instance.handle_timeout(*now);
        }
        Op::WaitForTimeout { late } => {
            if let Some(next) = instance.next_timeout() {
                *now = (*now).max(nanos(next.as_nanos() + late));
            }
            instance.handle_timeout(*now);
        }
        Op::Event(event) => instance.handle_event(*now, *event),
        Op::Reconfigure(config) => instance.reconfigure(*now, config.clone()).unwrap(),
        Op::Advert { .. } | Op::Damaged { .. } | Op::Garbage { .. } => {}
    }
    if matches!(op, Op::Wait { .. } | Op::WaitForTimeout { .. }) {
        assert!(instance.next_timeout().is_none_or(|next| next > *now));
    }
}

proptest! {
    /// The invariants of the state tables: one timer that fits the state, addresses exactly while
    /// Active, releases only on the way to Initialize, few actions for each input.
    #[test]
    fn invariants_hold_after_every_input(config in config(), ops in ops()) {
        let mut instance = Instance::new(config).unwrap();
        let mut world = World::new();
        let mut now = nanos(0);
        for op in &ops {
            step(&mut instance, &mut now, op);
            let actions = drain(&mut instance);
            prop_assert!(actions.len() <= MOST_ACTIONS, "{actions:?}");
            world.carry_out(&actions);
            prop_assert_eq!(world.state, instance.state());
            check(&instance);
        }
    }

    /// Polling late delays and loses nothing, but for adverts that would be the same.
    #[test]
    fn polling_late_loses_nothing(config in config(), ops in ops()) {
        let mut prompt = Instance::new(config).unwrap();
        let mut late = prompt.clone();
        let (mut now, mut then) = (nanos(0), nanos(0));
        let mut actions = Vec::new();
        for op in &ops {
            step(&mut prompt, &mut now, op);
            actions.extend(drain(&mut prompt));
            step(&mut late, &mut then, op);
        }
        let mut polled = drain(&mut late);
        actions.dedup_by(|next, last| *next == ADVERT && *last == ADVERT);
        polled.dedup_by(|next, last| *next == ADVERT && *last == ADVERT);
        prop_assert_eq!(polled, actions);
        prop_assert_eq!(late.state(), prompt.state());
        prop_assert_eq!(late.next_timeout(), prompt.next_timeout());
    }

    /// The same inputs give the same outputs.
    #[test]
    fn same_inputs_give_same_outputs(config in config(), ops in ops()) {
        let run = || {
            let mut instance = Instance::new(config.clone()).unwrap();
            let mut now = nanos(0);
            let mut actions = Vec::new();
            for op in &ops {
                step(&mut instance, &mut now, op);
                actions.extend(drain(&mut instance));
            }
            format!("{actions:?} {instance:?}")
        };
        prop_assert_eq!(run(), run());
    }

    /// An advert that was kept encoded is right as long as its version is the same.
    #[test]
    fn same_advert_version_means_same_advert(config in config(), ops in ops()) {
        let mut instance = Instance::new(config).unwrap();
        let mut now = nanos(0);
        let encode = |instance: &Instance| {
            let source = instance.primary_address().unwrap_or_else(|| address(1));
            let ip = IpMeta { source, destination: Family::Ipv4.group(), hop_limit: 255 };
            (source, emit(&instance.advert(Transmit::Advert), &ip))
        };
        let mut kept = (instance.advert_version(), encode(&instance));
        for op in &ops {
            step(&mut instance, &mut now, op);
            let version = instance.advert_version();
            if version == kept.0 {
                prop_assert_eq!(encode(&instance).1, kept.1.1.clone());
            }
            kept = (version, encode(&instance));
        }
    }

    /// KA-F-01, KA-F-02: what the router is depends on the facts as they are now, not on the order
    /// in which they came about.
    #[test]
    fn faults_are_levels(config in config(), events in proptest::collection::vec(event(), 0..40)) {
        let mut instance = Instance::new(config.clone()).unwrap();
        let mut reported: BTreeMap<Fault, bool> = BTreeMap::from([(Fault::NoReceivePath, true)]);
        let (mut primary, mut started, mut weights) = (None, false, 0);
        for event in &events {
            instance.handle_event(nanos(0), *event);
            match *event {
                Event::Start => started = true,
                Event::Stop => started = false,
                Event::Fault(fault) => _ = reported.insert(fault, true),
                Event::FaultCleared(fault) => _ = reported.insert(fault, false),
                Event::PrimaryAddress(address) => {
                    primary = address;
                    if address.is_some() {
                        reported.insert(Fault::NoSourceAddress, false);
                    }
                }
                Event::Adjust(sum) => weights = sum,
                _ => {}
            }
        }
        let mut facts: Vec<_> = reported.into_iter().collect();
        facts.push((Fault::NoSourceAddress, primary.is_none() || facts.contains(&(Fault::NoSourceAddress, true))));
        facts.retain(|(fault, there)| *there && (config.track_link || *fault != Fault::LinkDown));
        let faults: vrrp_fsm::Faults = facts.into_iter().map(|(fault, _)| fault).collect();
        prop_assert_eq!(instance.faults(), faults);
        let runs = instance.state() != State::Initialize;
        prop_assert_eq!(runs, started && faults.is_empty());
        let mut fresh = ready(config);
        fresh.handle_event(nanos(0), Event::Adjust(weights));
        prop_assert_eq!(instance.effective_priority(), fresh.effective_priority());
    }

    /// VRRP-GEN-08: nothing panics on any octets from anybody, and nothing of them gets through.
    #[test]
    fn garbage_is_counted_and_changes_nothing(
        config in config(),
        octets in proptest::collection::vec(any::<u8>(), 0..80),
        source in any::<[u8; 4]>(),
        destination in any::<[u8; 4]>(),
        hop_limit in any::<u8>(),
    ) {
        let mut instance = started(config);
        let ip = IpMeta { source: source.into(), destination: destination.into(), hop_limit };
        let before = facts(&instance);
        let result = instance.handle_packet(secs(0.1), &ip, &octets);
        let Err(reason) = result else {
            return Err(TestCaseError::fail("accepted"));
        };
        prop_assert_eq!(facts(&instance), before);
        prop_assert_eq!(instance.stats().rejected(&reason), 1);
        let notices = notices(&mut instance);
        let rejected = |one: &Notice| matches!(one, Notice::Rejected { .. });
        prop_assert!(notices.iter().all(rejected));
    }

    /// A Backup becomes Active no earlier than its down interval after the last advert that it
    /// accepted, whatever else it hears.
    #[test]
    fn backup_never_takes_over_early(
        priority in 1..=254_u8,
        adverts in proptest::collection::vec((0..4_000_000_000_i64, 1..=255_u8), 1..40),
    ) {
        let mut instance = started(v3(backup(priority, Preempt::Never)));
        let mut now = 0;
        let down = i64::from(256 - u16::from(priority)) * 3_906_250 + 3_000_000_000;
        for (gap, theirs) in adverts {
            let deadline = now + down;
            if now + gap >= deadline {
                instance.handle_timeout(nanos(deadline - 1));
                prop_assert_eq!(instance.state(), State::Backup);
                instance.handle_timeout(nanos(deadline));
                prop_assert_eq!(instance.state(), State::Active);
                break;
            }
            now += gap;
            instance.handle_timeout(nanos(now));
            prop_assert_eq!(instance.state(), State::Backup);
            hear(&mut instance, nanos(now), peer(9), theirs);
        }
    }
}

fn interfaces() -> impl Strategy<Value = RouterConfig> {
    let one = (0..3_u32, 1..4_u8, config(), 0..4_u32);
    proptest::collection::vec(one, 0..8).prop_map(|list| {
        let different: BTreeMap<_, _> = list
            .into_iter()
            .map(|(interface, vrid, mut config, group)| {
                config.vrid = Vrid::new(vrid).unwrap();
                ((interface, vrid), ((InterfaceId(interface), config), group))
            })
            .collect();
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, (_, group)) in different.values().enumerate() {
            members.entry(*group).or_default().push(place);
        }
        let config = RouterConfig {
            instances: different.into_values().map(|(one, _)| one).collect(),
            ..RouterConfig::new()
        };
        // Half of them are alone.
        let groups = members.into_iter().filter(|(group, _)| *group < 2);
        groups.fold(config, |config, (group, members)| {
            config.with_group(GroupId(group), members)
        })
    })
}

#[derive(Clone, Debug)]
enum RouterOp {
    Reload(RouterConfig),
    To { place: usize, op: Op },
    Start,
}

fn router_ops() -> impl Strategy<Value = Vec<RouterOp>> {
    let op = prop_oneof![
        1 => interfaces().prop_map(RouterOp::Reload),
        1 => Just(RouterOp::Start),
        20 => (0..8_usize, op()).prop_map(|(place, op)| RouterOp::To { place, op }),
    ];
    proptest::collection::vec(op, 0..80)
}

fn start_all(router: &mut Router, now: Instant) {
    let ids: Vec<_> = router.instances().map(|(id, _, _)| id).collect();
    for id in ids {
        let own = Event::PrimaryAddress(Some(address(OWN)));
        for event in [own, Event::FaultCleared(Fault::NoReceivePath), Event::Start] {
            router.handle_event(now, id, event);
        }
    }
}

fn router_step(router: &mut Router, now: &mut Instant, op: &RouterOp) {
    match op {
        RouterOp::Start => start_all(router, *now),
        RouterOp::Reload(config) => {
            let reload = router.reload(*now, config.clone()).unwrap();
            assert_eq!(reload.ids.len(), config.instances.len());
            let parts = reload.added.len() + reload.changed.len() + reload.kept.len();
            assert_eq!(parts, reload.ids.len());
        }
        RouterOp::To {
            op: Op::Wait { nanos: wait },
            ..
        } => {
            *now = nanos(now.as_nanos() + wait);
            router.handle_timeout(*now);
            assert!(router.next_timeout().is_none_or(|next| next > *now));
        }
        RouterOp::To {
            op: Op::WaitForTimeout { late },
            ..
        } => {
            if let Some(next) = router.next_timeout() {
                *now = (*now).max(nanos(next.as_nanos() + late));
            }
            router.handle_timeout(*now);
            assert!(router.next_timeout().is_none_or(|next| next > *now));
        }
        RouterOp::To { place, op } => {
            let count = router.instances().count();
            let Some((id, interface, instance)) = router.instances().nth(place % count.max(1))
            else {
                return;
            };
            if let Op::Event(event) = op {
                router.handle_event(*now, id, *event);
            } else if let Some((ip, octets)) = packet(instance, op) {
                let before = router.unroutable().total()
                    + router
                        .instances()
                        .map(|(_, _, one)| one.stats().rejections.total())
                        .sum::<u64>();
                let rx = Rx {
                    interface,
                    ip,
                    message: &octets,
                };
                let result = router.handle_packet(*now, rx);
                let after = router.unroutable().total()
                    + router
                        .instances()
                        .map(|(_, _, one)| one.stats().rejections.total())
                        .sum::<u64>();
                assert_eq!(after - before, u64::from(result.is_err()));
            }
        }
    }
}

proptest! {
    /// The invariants hold for each of many, whatever happens to the others and to the
    /// configuration, and the earliest deadline is always known.
    #[test]
    fn invariants_hold_for_each_of_many(config in interfaces(), ops in router_ops()) {
        let mut router = Router::new();
        let mut now = nanos(0);
        router.reload(now, config).unwrap();
        start_all(&mut router, now);
        let mut worlds: BTreeMap<InstanceId, World> = BTreeMap::new();
        for op in &ops {
            router_step(&mut router, &mut now, op);
            let mut caused: BTreeMap<InstanceId, Vec<Action>> = BTreeMap::new();
            while let Some((id, action)) = router.poll_action() {
                prop_assert!(router.instance(id).is_some());
                caused.entry(id).or_default().push(action);
            }
            for (id, actions) in caused {
                worlds.entry(id).or_insert_with(World::new).carry_out(&actions);
            }
            for (id, _, instance) in router.instances() {
                if router.group_of(id).is_none() {
                    check(instance);
                } else {
                    check_member(instance);
                }
                let state = worlds.get(&id).map_or(State::Initialize, |world| world.state);
                prop_assert_eq!(state, instance.state());
            }
            check_groups(&router);
            let earliest = router.instances().filter_map(|(_, _, one)| one.next_timeout()).min();
            prop_assert_eq!(router.next_timeout(), earliest);
            // Those that are gone have let go.
            let live: Vec<_> = router.instances().map(|(id, _, _)| id).collect();
            worlds.retain(|id, world| live.contains(id) || {
                assert!(!world.installed);
                false
            });
        }
    }

    /// Reload of an equal configuration does nothing at any time.
    #[test]
    fn equal_reload_does_nothing(config in interfaces(), ops in router_ops()) {
        let mut router = Router::new();
        let mut now = nanos(0);
        router.reload(now, config.clone()).unwrap();
        start_all(&mut router, now);
        let mut current = config;
        for op in &ops {
            router_step(&mut router, &mut now, op);
            if let RouterOp::Reload(config) = op {
                current = config.clone();
            }
        }
        while router.poll_action().is_some() {}
        prop_assert_eq!(router.poll_action(), None);
        let before = format!("{router:?}");
        let reload = router.reload(now, current).unwrap();
        prop_assert_eq!(reload.kept, reload.ids);
        prop_assert_eq!(router.poll_action(), None);
        prop_assert_eq!(format!("{router:?}"), before);
    }

    /// From one configuration to another is as good as starting with the other: the same virtual
    /// routers with the same configuration, which in the same surroundings do the same.
    #[test]
    fn reload_ends_where_a_fresh_start_does(
        first in interfaces(),
        second in interfaces(),
        ops in router_ops(),
        weights in -300..300_i16,
    ) {
        let mut reloaded = Router::new();
        let mut now = nanos(0);
        reloaded.reload(now, first).unwrap();
        start_all(&mut reloaded, now);
        for op in ops.iter().filter(|op| !matches!(op, RouterOp::Reload(_))) {
            router_step(&mut reloaded, &mut now, op);
        }
        let ids = reloaded.reload(now, second.clone()).unwrap().ids;
        let mut fresh = Router::new();
        let fresh_ids = fresh.reload(now, second).unwrap().ids;
        for (router, ids) in [(&mut reloaded, &ids), (&mut fresh, &fresh_ids)] {
            for id in ids {
                for event in Fault::ALL.map(Event::FaultCleared) {
                    router.handle_event(now, *id, event);
                }
                router.handle_event(now, *id, Event::Stop);
            }
            start_all(router, now);
            for id in ids {
                router.handle_event(now, *id, Event::Adjust(weights));
            }
            while router.poll_action().is_some() {}
        }
        prop_assert_eq!(ids.len(), fresh_ids.len());
        for (id, fresh_id) in ids.iter().zip(&fresh_ids) {
            prop_assert_eq!(reloaded.interface(*id), fresh.interface(*fresh_id));
            let one = reloaded.instance(*id).unwrap();
            let other = fresh.instance(*fresh_id).unwrap();
            prop_assert_eq!(one.config(), other.config());
            prop_assert_eq!(one.state(), other.state());
            prop_assert_eq!(one.faults(), other.faults());
            prop_assert_eq!(one.next_timeout(), other.next_timeout());
            prop_assert_eq!(one.effective_priority(), other.effective_priority());
            prop_assert_eq!(one.advert(Transmit::Advert), other.advert(Transmit::Advert));
        }
        prop_assert_eq!(reloaded.next_timeout(), fresh.next_timeout());
    }

    /// Octets of whatever kind for nobody or somebody: counted once, and no timer moves.
    #[test]
    fn garbage_at_the_router_is_counted_once(
        config in interfaces(),
        interface in 0..4_u32,
        octets in proptest::collection::vec(any::<u8>(), 0..60),
        six in any::<bool>(),
        hop_limit in any::<u8>(),
    ) {
        let mut router = Router::new();
        router.reload(nanos(0), config).unwrap();
        start_all(&mut router, nanos(0));
        let next = router.next_timeout();
        let (source, destination): (IpAddr, IpAddr) = if six {
            ("fe80::9".parse().unwrap(), Family::Ipv6.group())
        } else {
            (address(9), Family::Ipv4.group())
        };
        let ip = IpMeta { source, destination, hop_limit };
        let rx = Rx { interface: InterfaceId(interface), ip, message: &octets };
        let result = router.handle_packet(secs(0.1), rx);
        let Err(reason) = result else {
            return Err(TestCaseError::fail("accepted"));
        };
        let counted: u64 = router.instances().map(|(_, _, one)| one.stats().rejected(&reason)).sum();
        prop_assert_eq!(counted + router.unroutable().count(&reason), 1);
        prop_assert_eq!(router.next_timeout(), next);
        let _: Rejected = reason;
    }
}
