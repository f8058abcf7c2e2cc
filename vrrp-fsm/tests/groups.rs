//! Synchronisation groups, row by row of the table in `group`.

mod common;

use common::*;
use std::collections::HashMap;
use vrrp_fsm::State::{Active, Backup, Initialize};
use vrrp_fsm::proto::Vrid;
use vrrp_fsm::{
    Action, ConfigError, Event, Fault, GroupId, GroupTransition, Instance, InstanceConfig,
    InstanceId, Instant, InterfaceId, Notice, Preempt, Reason, Role, Router, RouterConfig, Rx,
    State, Transmit,
};

const ETH0: InterfaceId = InterfaceId(0);
const G: GroupId = GroupId(7);

fn of_vrid(mut config: InstanceConfig, vrid: u8) -> InstanceConfig {
    config.vrid = Vrid::new(vrid).unwrap();
    config
}

fn plain(vrid: u8, priority: u8) -> InstanceConfig {
    of_vrid(v3(backup(priority, Preempt::Immediately)), vrid)
}

fn owner(vrid: u8) -> InstanceConfig {
    of_vrid(v3(Role::Owner), vrid)
}

/// All of them in one group.
fn grouped(configs: &[InstanceConfig]) -> RouterConfig {
    alone(configs).with_group(G, 0..configs.len())
}

fn alone(configs: &[InstanceConfig]) -> RouterConfig {
    let instances = configs.iter().map(|config| (ETH0, config.clone()));
    RouterConfig {
        instances: instances.collect(),
        ..RouterConfig::new()
    }
}

/// A router, and what is asked of it again and again.
struct Bench {
    router: Router,
    ids: Vec<InstanceId>,
    now: Instant,
}

impl Bench {
    /// Not started, without faults.
    fn ready(config: RouterConfig) -> Self {
        let mut bench = Self {
            router: Router::new(),
            ids: Vec::new(),
            now: nanos(0),
        };
        bench.reload(config);
        for place in 0..bench.ids.len() {
            bench.bring_up(place);
        }
        bench.actions();
        bench
    }

    /// All started at 0.
    fn started(config: RouterConfig) -> Self {
        let mut bench = Self::ready(config);
        for place in 0..bench.ids.len() {
            bench.event(place, Event::Start);
        }
        bench.actions();
        bench
    }

    /// All Active.
    fn active(config: RouterConfig) -> Self {
        let mut bench = Self::started(config);
        bench.run_until(secs(5.0));
        bench.actions();
        assert!(bench.states().iter().all(|state| *state == Active));
        bench
    }

    fn bring_up(&mut self, place: usize) {
        self.event(place, Event::PrimaryAddress(Some(address(OWN))));
        self.event(place, Event::FaultCleared(Fault::NoReceivePath));
    }

    fn reload(&mut self, config: RouterConfig) {
        self.ids = self.router.reload(self.now, config).unwrap().ids;
    }

    fn event(&mut self, place: usize, event: Event) {
        self.router.handle_event(self.now, self.ids[place], event);
    }

    fn run_until(&mut self, end: Instant) {
        while let Some(next) = self.router.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.router.handle_timeout(self.now);
        }
        self.now = end;
    }

    fn hear(&mut self, place: usize, source: u8, priority: u8) {
        let config = self
            .router
            .instance(self.ids[place])
            .unwrap()
            .config()
            .clone();
        let (ip, octets) = message(&config, peer(source), priority, config.interval);
        let rx = Rx {
            interface: ETH0,
            ip,
            message: &octets,
        };
        self.router.handle_packet(self.now, rx).unwrap();
    }

    /// What is to be done, by position, but for the notices.
    fn actions(&mut self) -> Vec<(usize, Action)> {
        let places: HashMap<InstanceId, usize> = self.ids.iter().copied().zip(0..).collect();
        let mut done = Vec::new();
        while let Some((id, action)) = self.router.poll_action() {
            let place = places.get(&id).copied();
            if !matches!(action, Action::Notice(_)) {
                done.push((place.unwrap_or(usize::MAX), action));
            }
        }
        done
    }

    fn states(&self) -> Vec<State> {
        let states = self.ids.iter().map(|id| self.router.instance(*id));
        states.map(|instance| instance.unwrap().state()).collect()
    }

    fn group(&self) -> State {
        self.router.group(G).unwrap().state()
    }

    fn has_group_fault(&self, place: usize) -> bool {
        let instance = self.router.instance(self.ids[place]).unwrap();
        instance.faults().contains(Fault::SyncGroup)
    }
}

fn group_goes(from: State, to: State, reason: Reason) -> Action {
    Action::GroupTransition(GroupTransition {
        group: G,
        from,
        to,
        reason,
    })
}

/// KA-G-01, KA-G-02, KA-M-01: adverts of all, then the addresses.
#[test]
fn members_become_active_together_when_the_last_down_timer_fires() {
    let mut bench = Bench::started(grouped(&[plain(1, 200), plain(2, 100)]));
    assert_eq!(bench.group(), Backup);
    bench.run_until(secs(3.5));
    assert_eq!(bench.states(), [Backup, Backup], "one waits for the other");
    assert!(bench.actions().is_empty());
    bench.run_until(secs(3.7));
    let reason = Reason::DownTimer;
    let becomes = transition(Backup, Active, reason);
    let expected = [
        (0, ADVERT),
        (1, ADVERT),
        (0, INSTALL),
        (0, PROMOTION),
        (0, becomes),
        (1, INSTALL),
        (1, PROMOTION),
        (1, becomes),
        (1, group_goes(Backup, Active, reason)),
    ];
    assert_eq!(bench.actions(), expected);
    assert_eq!(bench.group(), Active);
}

/// KA-G-06.
#[test]
fn a_ready_member_that_accepts_an_advert_waits_again() {
    let mut bench = Bench::started(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.run_until(secs(3.5));
    bench.hear(0, 9, 210);
    bench.run_until(secs(6.7));
    assert_eq!(bench.states(), [Backup, Backup]);
    bench.run_until(secs(6.8));
    assert_eq!(bench.states(), [Active, Active], "3.5 s + 3.21875 s");
}

/// KA-G-01: whom it heard last has fallen silent, so nobody is known to be Active, whatever group it is in next.
#[test]
fn a_ready_member_knows_nobody_as_active() {
    let mut bench = Bench::started(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.hear(0, 9, 210);
    let known = |bench: &Bench| {
        let id = bench.ids[0];
        bench.router.instance(id).and_then(Instance::active_router)
    };
    assert!(known(&bench).is_some());
    bench.hear(1, 9, 210);
    bench.run_until(secs(3.3));
    assert_eq!(bench.states(), [Backup, Backup], "the second one waits");
    assert_eq!(known(&bench), None);
}

/// KA-G-01: it would preempt, the other would not.
#[test]
fn a_ready_member_is_not_disturbed_by_what_it_ignores() {
    let never = of_vrid(v3(backup(100, Preempt::Never)), 2);
    let mut bench = Bench::started(grouped(&[plain(1, 200), never]));
    for second in 1..9 {
        bench.run_until(secs(f64::from(second)));
        bench.hear(0, 9, 50);
        bench.hear(1, 9, 50);
    }
    assert_eq!(
        bench.states(),
        [Backup, Backup],
        "nopreempt decides for all"
    );
    bench.hear(0, 9, 0);
    bench.hear(1, 9, 0);
    bench.run_until(secs(8.7));
    assert_eq!(bench.states(), [Active, Active], "released, and 0.61 s");
}

/// KA-G-01, KA-B-04: the longest delay decides.
#[test]
fn preempt_delays_of_members_are_all_waited_for() {
    use std::time::Duration;
    let after = |seconds| Preempt::After(Duration::from_secs(seconds));
    let configs = [
        of_vrid(v3(backup(200, after(3))), 1),
        of_vrid(v3(backup(200, after(6))), 2),
    ];
    let mut bench = Bench::started(grouped(&configs));
    let mut active_at = None;
    for tenth in (0..150).step_by(10) {
        bench.run_until(secs(f64::from(tenth) / 10.0));
        if bench.states() == [Active, Active] {
            active_at = active_at.or(Some(tenth));
            break;
        }
        assert_eq!(bench.states(), [Backup, Backup]);
        bench.hear(0, 9, 50);
        bench.hear(1, 9, 50);
    }
    assert!(matches!(active_at, Some(90..=100)), "{active_at:?}");
}

/// KA-G-04, KA-G-05.
#[test]
fn one_fault_faults_all_and_the_last_to_go_frees_all() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.event(0, Event::Fault(Fault::LinkDown));
    let down = Reason::Faulted(Fault::LinkDown);
    let expected = [
        (0, RELEASE),
        (0, REMOVE),
        (0, transition(Active, Initialize, down)),
        (1, RELEASE),
        (1, REMOVE),
        (
            1,
            transition(Active, Initialize, Reason::Faulted(Fault::SyncGroup)),
        ),
        (0, group_goes(Active, Initialize, down)),
    ];
    assert_eq!(bench.actions(), expected);
    assert!(!bench.has_group_fault(0) && bench.has_group_fault(1));
    bench.event(1, Event::Fault(Fault::Tracker));
    assert!(!bench.has_group_fault(1), "it has one of its own");
    bench.event(0, Event::FaultCleared(Fault::LinkDown));
    assert!(bench.has_group_fault(0), "now it is the other one");
    assert!(bench.actions().is_empty());
    bench.event(1, Event::FaultCleared(Fault::Tracker));
    let cleared = Reason::FaultsCleared;
    let expected = [
        (0, transition(Initialize, Backup, cleared)),
        (1, transition(Initialize, Backup, cleared)),
        (1, group_goes(Initialize, Backup, cleared)),
    ];
    assert_eq!(bench.actions(), expected);
    assert!(!bench.has_group_fault(0) && !bench.has_group_fault(1));
    bench.run_until(secs(8.7));
    assert_eq!(bench.group(), Active, "full down timers, from 5 s on");
}

#[test]
fn a_group_names_its_members_in_the_order_of_the_configuration() {
    let bench = Bench::ready(grouped(&[plain(3, 100), plain(1, 100), plain(2, 100)]));
    let members = bench.router.group(G).unwrap().members();
    assert_eq!(members.collect::<Vec<_>>(), bench.ids);
}

/// KA-G-04, KA-ST-08: what a group waits for is told apart from what is at fault in it.
#[test]
fn a_group_counts_who_is_at_fault_and_who_is_only_held_back() {
    let mut bench = Bench::ready(grouped(&[plain(1, 100), plain(2, 100), plain(3, 100)]));
    let count = |bench: &Bench| {
        let group = bench.router.group(G).unwrap();
        (group.faulted(), group.waiting())
    };
    // Who is not started is neither.
    bench.event(0, Event::Fault(Fault::Held));
    bench.event(1, Event::Fault(Fault::LinkDown));
    assert_eq!(count(&bench), (0, 0));
    for place in 0..3 {
        bench.event(place, Event::Start);
    }
    assert_eq!(count(&bench), (1, 1));
    bench.event(0, Event::Fault(Fault::LinkDown));
    assert_eq!(count(&bench), (2, 0));
    bench.event(0, Event::FaultCleared(Fault::LinkDown));
    bench.event(1, Event::FaultCleared(Fault::LinkDown));
    assert_eq!(count(&bench), (0, 1));
    assert_eq!(bench.router.group(G).unwrap().last_transition(), None);
    bench.event(0, Event::FaultCleared(Fault::Held));
    assert_eq!(count(&bench), (0, 0));
    assert_eq!(bench.group(), Backup);
    let (at, reason) = bench.router.group(G).unwrap().last_transition().unwrap();
    assert_eq!((at, reason), (bench.now, Reason::Started));
    // A reload is none.
    bench.reload(grouped(&[plain(1, 101), plain(2, 100), plain(3, 100)]));
    let last = bench.router.group(G).unwrap().last_transition();
    assert_eq!(last, Some((at, reason)));
}

/// KA-G-04: a member that is held by another one stays so, without a word, whatever else happens to it.
#[test]
fn a_member_that_is_held_by_another_is_not_freed_for_a_moment() {
    let mut bench = Bench::started(grouped(&[plain(1, 100), plain(2, 100)]));
    bench.event(0, Event::Fault(Fault::LinkDown));
    assert!(bench.has_group_fault(1));
    bench.actions();
    bench.event(1, Event::Adjust(5));
    let told: Vec<_> = std::iter::from_fn(|| bench.router.poll_action()).collect();
    let of_faults = |(_, action): &&(InstanceId, Action)| {
        matches!(action, Action::Notice(Notice::FaultsChanged { .. }))
    };
    assert_eq!(told.iter().filter(of_faults).count(), 0, "{told:?}");
    assert!(bench.has_group_fault(1));
}

/// KA-G-04: whatever the order, nobody waits for somebody who waits.
#[test]
fn no_order_of_faults_leaves_a_group_stuck() {
    const FAULTS: [Fault; 3] = [Fault::LinkDown, Fault::Tracker, Fault::NoInterface];
    for order in 0_u32..4096 {
        let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 150), plain(3, 100)]));
        let mut set = [[false; 3]; 3];
        // Eight steps of three bits each and their rest: enough to reach every mixture.
        let mut rest = order;
        for _ in 0..6 {
            let (member, fault) = (usize::try_from(rest % 3).unwrap(), (rest / 3) % 3);
            let fault = usize::try_from(fault).unwrap();
            rest = rest / 4 + order;
            let now = &mut set[member][fault];
            *now = !*now;
            bench.event(
                member,
                if *now {
                    Event::Fault(FAULTS[fault])
                } else {
                    Event::FaultCleared(FAULTS[fault])
                },
            );
            let faulted = set.iter().flatten().any(|set| *set);
            let expected = bench.states().iter().all(|state| *state == Initialize);
            assert_eq!(faulted, expected, "order {order}");
        }
        for (member, faults) in set.iter().enumerate() {
            for (fault, _) in FAULTS.iter().zip(faults).filter(|(_, set)| **set) {
                bench.event(member, Event::FaultCleared(*fault));
            }
        }
        assert_ne!(bench.group(), Initialize, "order {order}");
    }
}

/// A caller cannot make members wait for each other.
#[test]
fn members_are_told_of_each_other_by_the_router_only() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.event(0, Event::Fault(Fault::SyncGroup));
    assert_eq!(bench.states(), [Active, Active]);
}

/// KA-G-03: no release, the better one is there.
#[test]
fn a_higher_advert_to_one_makes_all_backup() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.hear(1, 9, 150);
    let higher = higher(peer(9), 150);
    let expected = [
        (1, REMOVE),
        (1, transition(Active, Backup, higher)),
        (0, REMOVE),
        (0, transition(Active, Backup, Reason::SyncGroup)),
        (1, group_goes(Active, Backup, higher)),
    ];
    assert_eq!(bench.actions(), expected);
}

/// KA-M-08, VIP-06: nobody is known to be there, so all of them are released.
#[test]
fn a_lost_address_hands_over_all() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.event(0, Event::AddressLost);
    let actions = bench.actions();
    for member in [0, 1] {
        assert!(actions.contains(&(member, RELEASE)), "{actions:?}");
    }
    assert_eq!(bench.states(), [Backup, Backup]);
    assert_eq!(
        actions.last(),
        Some(&(0, group_goes(Active, Backup, Reason::AddressLost)))
    );
}

/// KA-M-02: hosts that believed the other router may be wrong about all of them.
#[test]
fn a_lower_advert_to_one_announces_all_at_a_bounded_rate() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 200), plain(3, 200)]));
    bench.hear(0, 9, 100);
    let expected = [(0, ADVERT), (0, LOWER), (1, LOWER), (2, LOWER)];
    assert_eq!(bench.actions(), expected);
    bench.hear(1, 9, 100);
    assert_eq!(
        bench.actions(),
        [(1, ADVERT), (1, LOWER)],
        "the others were told"
    );
    bench.now = secs(6.5);
    bench.hear(2, 9, 100);
    let expected = [(2, ADVERT), (2, LOWER), (0, LOWER), (1, LOWER)];
    assert_eq!(bench.actions(), expected);
    // Those that were told have nothing to tell, whatever happens to them later.
    bench.now = secs(9.0);
    bench.event(0, Event::Adjust(5));
    bench.event(1, Event::Adjust(5));
    assert_eq!(bench.actions(), []);
}

/// KA-M-02.
#[test]
fn the_others_announce_again_after_a_second_and_not_sooner_because_of_a_reload() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 200)]));
    let told = bench.now.as_nanos();
    bench.hear(0, 9, 100);
    bench.reload(grouped(&[plain(1, 200), plain(2, 150)]));
    bench.actions();
    bench.now = nanos(told + 999_999_999);
    bench.hear(1, 9, 100);
    assert_eq!(bench.actions(), [(1, ADVERT), (1, LOWER)]);
    bench.now = nanos(told + 1_000_000_000);
    bench.hear(0, 9, 100);
    assert_eq!(bench.actions(), [(0, ADVERT), (0, LOWER), (1, LOWER)]);
}

/// KA-G-02, KA-ST-01.
#[test]
fn owners_start_active_together_and_not_before_the_last() {
    let mut bench = Bench::ready(grouped(&[owner(1), owner(2)]));
    bench.event(1, Event::Fault(Fault::LinkDown));
    bench.event(0, Event::Start);
    bench.event(1, Event::Start);
    bench.run_until(secs(10.0));
    let actions = bench.actions();
    assert!(bench.states().iter().all(|state| *state == Initialize));
    assert!(!actions.is_empty());
    bench.event(1, Event::FaultCleared(Fault::LinkDown));
    assert_eq!(bench.states(), [Active, Active]);
    let adverts = bench.actions();
    assert_eq!(adverts[..2], [(0, ADVERT), (1, ADVERT)]);
}

/// KA-G-10: it listens with the others.
#[test]
fn an_owner_among_others_waits_for_them() {
    let mut bench = Bench::ready(grouped(&[owner(1), plain(2, 100)]));
    for event in [Event::Fault(Fault::LinkDown), Event::Start] {
        bench.event(0, event);
    }
    bench.event(1, Event::Start);
    bench.event(0, Event::FaultCleared(Fault::LinkDown));
    assert_eq!(bench.states(), [Backup, Backup]);
    bench.run_until(secs(3.7));
    assert_eq!(bench.states(), [Active, Active]);
}

/// KA-M-10: the word for the hooks is STOP, not FAULT.
#[test]
fn members_that_are_stopped_one_by_one_do_not_fault_the_rest() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.event(0, Event::Stop);
    assert_eq!(bench.states(), [Initialize, Active]);
    bench.event(1, Event::Stop);
    let stopped = Reason::Stopped;
    let expected = [
        (0, RELEASE),
        (0, REMOVE),
        (0, transition(Active, Initialize, stopped)),
        (1, RELEASE),
        (1, REMOVE),
        (1, transition(Active, Initialize, stopped)),
        (1, group_goes(Active, Initialize, stopped)),
    ];
    assert_eq!(bench.actions(), expected);
}

/// As above: the last one must not take the chance to become Active before it is stopped too.
#[test]
fn a_ready_member_is_not_promoted_by_the_stop_of_the_others() {
    let mut bench = Bench::started(grouped(&[plain(1, 100), plain(2, 200)]));
    bench.run_until(secs(3.5));
    bench.actions();
    bench.event(0, Event::Stop);
    assert_eq!(bench.states(), [Initialize, Backup]);
    bench.event(1, Event::Stop);
    assert!(!bench.actions().iter().any(|(_, action)| *action == INSTALL));
}

/// A reload that adds a member takes nothing down.
#[test]
fn a_new_member_joins_an_active_group_without_disturbing_it() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.reload(grouped(&[plain(1, 200), plain(2, 100), plain(3, 100)]));
    bench.bring_up(2);
    bench.event(2, Event::Start);
    assert_eq!(bench.states(), [Active, Active, Backup]);
    bench.run_until(secs(8.5));
    assert_eq!(bench.states(), [Active, Active, Backup]);
    bench.run_until(secs(8.7));
    assert_eq!(bench.states(), [Active, Active, Active]);
    let mut actions = bench.actions();
    actions.retain(|(_, action)| *action != ADVERT);
    let joins = [
        (2, REMOVE),
        (2, transition(Initialize, Backup, Reason::Started)),
        (2, INSTALL),
        (2, PROMOTION),
        (2, transition(Backup, Active, Reason::DownTimer)),
    ];
    assert_eq!(actions, joins, "nothing happens to the others");
}

/// The one that joins is Active elsewhere.
#[test]
fn a_new_member_with_another_active_router_hands_over_the_group() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.reload(grouped(&[plain(1, 200), plain(2, 100), plain(3, 100)]));
    bench.bring_up(2);
    bench.event(2, Event::Start);
    bench.actions();
    bench.hear(2, 9, 100);
    assert_eq!(bench.states(), [Backup, Backup, Backup]);
    let actions = bench.actions();
    assert_eq!(actions[..2], [(0, RELEASE), (1, RELEASE)]);
}

/// KA-G-04: after all it is a member.
#[test]
fn a_new_member_at_fault_faults_the_group() {
    let mut bench = Bench::active(grouped(&[plain(1, 200)]));
    bench.reload(grouped(&[plain(1, 200), plain(2, 100)]));
    assert_eq!(bench.states(), [Active, Initialize], "not yet started");
    bench.event(1, Event::Start);
    assert_eq!(bench.states(), [Initialize, Initialize]);
}

/// What held it back is gone.
#[test]
fn removing_the_member_at_fault_frees_the_rest() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.event(1, Event::Fault(Fault::LinkDown));
    bench.actions();
    bench.reload(grouped(&[plain(1, 200)]));
    assert_eq!(bench.states(), [Backup]);
    assert_eq!(bench.group(), Backup);
    bench.run_until(secs(8.3));
    assert_eq!(bench.states(), [Active]);
}

/// Removing a member takes nothing else down.
#[test]
fn a_removed_member_leaves_the_rest_active() {
    let mut bench = Bench::active(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.reload(grouped(&[plain(1, 200)]));
    let expected = [
        (usize::MAX, RELEASE),
        (usize::MAX, REMOVE),
        (
            usize::MAX,
            transition(Active, Initialize, Reason::Reconfigured),
        ),
    ];
    assert_eq!(bench.actions(), expected);
    assert_eq!(bench.group(), Active);
}

/// A group that vanishes, and one that appears around Active routers.
#[test]
fn active_routers_stay_active_when_their_group_goes_and_comes() {
    let configs = [plain(1, 200), plain(2, 100)];
    let mut bench = Bench::active(grouped(&configs));
    bench.reload(alone(&configs));
    assert!(bench.actions().is_empty());
    assert!(bench.router.group(G).is_none());
    bench.reload(grouped(&configs));
    let expected = [(0, group_goes(Initialize, Active, Reason::Reconfigured))];
    assert_eq!(bench.actions(), expected);
}

/// What only the group held back happens when it goes.
#[test]
fn members_of_a_group_that_vanishes_go_on_alone() {
    let configs = [plain(1, 200), plain(2, 100), plain(3, 200)];
    let mut bench = Bench::started(grouped(&configs));
    bench.run_until(secs(3.0));
    bench.hear(1, 9, 150);
    bench.run_until(secs(3.5));
    assert_eq!(bench.states(), [Backup, Backup, Backup]);
    bench.reload(alone(&configs));
    assert_eq!(bench.states(), [Active, Backup, Active], "they were ready");
    let mut bench = Bench::active(grouped(&configs));
    bench.event(1, Event::Fault(Fault::LinkDown));
    bench.reload(alone(&configs));
    assert_eq!(bench.states(), [Backup, Initialize, Backup]);
    assert!(!bench.has_group_fault(0));
}

/// A group around routers of which one is Active elsewhere: the peer gets all of them.
#[test]
fn a_group_that_appears_around_different_states_hands_over_or_joins() {
    let configs = [plain(1, 200), plain(2, 100)];
    for opposed in [false, true] {
        let mut bench = Bench::started(alone(&configs));
        bench.run_until(secs(3.5));
        if opposed {
            bench.hear(1, 9, 150);
        }
        bench.actions();
        assert_eq!(bench.states(), [Active, Backup]);
        bench.reload(grouped(&configs));
        if opposed {
            assert_eq!(bench.states(), [Backup, Backup]);
            assert_eq!(bench.actions()[0], (0, RELEASE));
        } else {
            assert_eq!(bench.states(), [Active, Backup], "it may still listen");
            bench.run_until(secs(3.7));
            assert_eq!(bench.states(), [Active, Active]);
        }
    }
}

/// The same groups again cause nothing, in whatever state.
#[test]
fn a_reload_with_the_same_groups_emits_nothing() {
    let configs = [plain(1, 200), plain(2, 100), plain(3, 100)];
    for at in [1.0, 3.5, 3.7, 6.0] {
        for fault in [false, true] {
            let mut bench = Bench::started(grouped(&configs));
            bench.run_until(secs(at));
            if fault {
                bench.event(1, Event::Fault(Fault::Tracker));
            }
            bench.actions();
            let before = (bench.states(), bench.router.next_timeout());
            bench.reload(grouped(&configs));
            assert!(bench.router.poll_action().is_none());
            assert_eq!((bench.states(), bench.router.next_timeout()), before);
        }
    }
}

/// FSM-OPEN-02: a process that was stopped listens first, and the group with it.
#[test]
fn a_group_that_was_stopped_does_not_take_over_at_once() {
    let mut bench = Bench::started(grouped(&[plain(1, 200), plain(2, 100)]));
    bench.run_until(secs(3.5));
    bench.now = secs(60.0);
    bench.router.handle_timeout(bench.now);
    assert_eq!(bench.states(), [Backup, Backup]);
    bench.hear(0, 9, 210);
    bench.hear(1, 9, 210);
    bench.run_until(secs(62.9));
    assert_eq!(bench.states(), [Backup, Backup]);
}

/// KA-G-09.
#[test]
fn groups_that_make_no_sense_are_refused() {
    let configs = [plain(1, 200), plain(2, 100)];
    let other = GroupId(8);
    for (config, error) in [
        (
            grouped(&configs).with_group(G, [0]),
            ConfigError::DuplicateGroup(G),
        ),
        (
            grouped(&configs).with_group(other, [1]),
            ConfigError::MemberTwice(other),
        ),
        (
            alone(&configs).with_group(G, [0, 0]),
            ConfigError::MemberTwice(G),
        ),
        (
            alone(&configs).with_group(G, [2]),
            ConfigError::NoSuchMember(G),
        ),
        (
            alone(&configs).with_group(G, []),
            ConfigError::EmptyGroup(G),
        ),
    ] {
        assert_eq!(Router::new().reload(nanos(0), config), Err(error));
    }
}

/// PERF: 200 interfaces lose their links at once and come back; each change is told to each member
/// once.
#[test]
fn a_large_group_costs_what_changes() {
    let configs: Vec<InstanceConfig> = (1..=250).map(|vrid| plain(vrid, 100)).collect();
    let mut config = RouterConfig::new();
    for interface in 0..16 {
        for one in &configs {
            config = config.with_instance(InterfaceId(interface), one.clone());
        }
    }
    let members = config.instances.len();
    let mut bench = Bench::active(config.with_group(G, 0..members));
    for place in 0..members {
        bench.event(place, Event::Fault(Fault::LinkDown));
    }
    let transitions = |actions: &[(usize, Action)]| {
        let counted = actions
            .iter()
            .filter(|(_, action)| matches!(action, Action::Transition { .. }));
        counted.count()
    };
    let actions = bench.actions();
    assert_eq!(transitions(&actions), members);
    for place in 0..members {
        bench.event(place, Event::FaultCleared(Fault::LinkDown));
    }
    assert_eq!(transitions(&bench.actions()), members);
    bench.run_until(secs(10.0));
    let actions = bench.actions();
    assert_eq!(bench.group(), Active);
    let first = actions
        .iter()
        .position(|(_, action)| !matches!(action, Action::Transmit(Transmit::Advert)));
    assert_eq!(first, Some(members), "all adverts before any address");
}
