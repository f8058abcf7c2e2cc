//! What keepalived does beyond the RFCs: one test a row.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup, Initialize};
use vrrp_fsm::{
    Action, AddressCheck, Event, Fault, Faults, InstanceConfig, NewActiveReason, Notice, Peer,
    Preempt, Reason, Rejected, Role, Startup, Transmit, Transport,
};

const DOWN: f64 = 3.609375;
const SKEW: f64 = 0.609375;

fn config(preempt: Preempt) -> InstanceConfig {
    v3(backup(100, preempt))
}

fn delayed(seconds: f64) -> InstanceConfig {
    config(Preempt::After(duration(seconds)))
}

// Start.

/// KA-ST-01.
#[test]
fn owner_with_state_master_is_active_at_once() {
    let instance = started(wants_active(v2(Role::Owner)));
    assert_eq!(instance.state(), Active);
}

/// KA-ST-02.
#[test]
fn state_master_does_not_shorten_the_down_interval() {
    let mut instance = started(wants_active(v2(backup(200, Preempt::Immediately))));
    expect(&mut instance, &[], Backup, Some(secs(3.21875)));
}

/// KA-ST-03, also for an owner with `state BACKUP`.
#[test]
fn state_backup_waits_for_the_down_interval() {
    let mut instance = started(config(Preempt::Immediately));
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    let owner = v3(Role::Owner).with_startup(Startup::Backup);
    let mut instance = started(owner);
    expect(&mut instance, &[], Backup, Some(secs(3.00390625)));
}

/// KA-ST-06, KA-B-07.
#[test]
fn state_master_overrides_nopreempt_and_preempt_delay() {
    for preempt in [Preempt::Never, Preempt::After(duration(5.0))] {
        let config = wants_active(config(preempt));
        assert_eq!(config.preempt(), Preempt::Immediately);
        let mut instance = started(config);
        hear(&mut instance, secs(1.0), peer(1), 50);
        expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    }
}

/// KA-ST-07.
#[test]
fn addresses_of_an_earlier_run_are_removed_at_the_start() {
    let mut instance = ready(config(Preempt::Immediately));
    instance.handle_event(secs(0.0), Event::Start);
    assert_eq!(deeds(&mut instance)[0], REMOVE);

    let mut instance = ready(v3(Role::Owner));
    instance.handle_event(secs(0.0), Event::Fault(Fault::LinkDown));
    drain(&mut instance);
    instance.handle_event(secs(0.0), Event::Start);
    expect(&mut instance, &[REMOVE], Initialize, None);
    // Once is enough.
    instance.handle_event(secs(1.0), Event::FaultCleared(Fault::LinkDown));
    expect(
        &mut instance,
        &promotion(Initialize, Reason::OwnerStart),
        Active,
        Some(secs(2.0)),
    );
}

// Backup.

/// KA-B-01.
#[test]
fn accepted_advert_teaches_who_is_active() {
    for (config, priority) in [
        (config(Preempt::Immediately), 100),
        (config(Preempt::Never), 50),
        (delayed(5.0), 50),
    ] {
        let mut instance = started(config);
        hear_interval(&mut instance, secs(1.0), peer(9), priority, centis(20)).unwrap();
        expect(&mut instance, &[], Backup, Some(secs(1.721875)));
        let known = instance.active_router().unwrap();
        assert_eq!(known.address, peer(9));
        assert_eq!(known.priority.get(), priority);
        assert_eq!(known.interval, centis(20));
    }
}

/// KA-B-02.
#[test]
fn lower_advert_is_ignored_with_preemption() {
    let mut instance = started(config(Preempt::Immediately));
    hear(&mut instance, secs(1.0), peer(9), 99);
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
}

/// KA-B-03.
#[test]
fn release_leaves_the_skew_whatever_the_preemption() {
    for config in [
        config(Preempt::Immediately),
        config(Preempt::Never),
        delayed(5.0),
    ] {
        let mut instance = started(config);
        hear(&mut instance, secs(1.0), peer(9), 0);
        expect(&mut instance, &[], Backup, Some(secs(1.0 + SKEW)));
    }
}

/// KA-B-04.
#[test]
fn preempt_delay_counts_from_the_first_lower_advert() {
    let mut instance = started(delayed(5.0));
    for second in 0..5 {
        let now = f64::from(second) + 0.5;
        hear(&mut instance, secs(now), peer(9), 50);
        expect(&mut instance, &[], Backup, Some(secs(now + DOWN)));
    }
    // 5.5 s is the end of the delay: from here on lower adverts are ignored.
    for second in 5..8 {
        hear(&mut instance, secs(f64::from(second) + 0.5), peer(9), 50);
        expect(&mut instance, &[], Backup, Some(secs(4.5 + DOWN)));
    }
    instance.handle_timeout(secs(4.5 + DOWN));
    let actions = promotion(Backup, Reason::PreemptedLower);
    expect(&mut instance, &actions, Active, Some(secs(5.5 + DOWN)));
}

/// KA-B-05.
#[test]
fn equal_or_higher_advert_cancels_the_preempt_delay() {
    for priority in [100, 101] {
        let mut instance = started(delayed(5.0));
        hear(&mut instance, secs(1.0), peer(9), 50);
        hear(&mut instance, secs(3.0), peer(9), priority);
        // The delay starts again at 5 s and so ends at 10 s.
        hear(&mut instance, secs(5.0), peer(9), 50);
        hear(&mut instance, secs(8.0), peer(9), 50);
        hear(&mut instance, secs(9.9), peer(9), 50);
        expect(&mut instance, &[], Backup, Some(secs(9.9 + DOWN)));
        hear(&mut instance, secs(10.0), peer(9), 50);
        expect(&mut instance, &[], Backup, Some(secs(9.9 + DOWN)));
    }
}

/// KA-B-06.
#[test]
fn preempt_delay_starts_anew_in_a_new_backup_state() {
    let mut instance = started(delayed(5.0));
    hear(&mut instance, secs(1.0), peer(9), 50);
    instance.handle_event(secs(5.0), Event::Fault(Fault::LinkDown));
    instance.handle_event(secs(5.5), Event::FaultCleared(Fault::LinkDown));
    drain(&mut instance);
    hear(&mut instance, secs(6.5), peer(9), 50);
    expect(&mut instance, &[], Backup, Some(secs(6.5 + DOWN)));

    let (mut instance, _) = active(delayed(5.0));
    hear(&mut instance, secs(4.0), peer(9), 200);
    drain(&mut instance);
    hear(&mut instance, secs(5.0), peer(9), 50);
    expect(&mut instance, &[], Backup, Some(secs(5.0 + DOWN)));
}

/// KA-B-08: an owner without preemption cannot be written down.
#[test]
fn owner_always_preempts() {
    assert_eq!(v3(Role::Owner).preempt(), Preempt::Immediately);
    let owner = v3(Role::Owner).with_startup(Startup::Backup);
    assert_eq!(owner.preempt(), Preempt::Immediately);
}

/// KA-B-09.
#[test]
fn invalid_advert_leaves_the_deadline_alone() {
    let mut instance = started(config(Preempt::Immediately));
    let (ip, mut octets) = message(instance.config(), peer(9), 200, centis(100));
    octets[6] ^= 1;
    assert!(instance.handle_packet(secs(1.0), &ip, &octets).is_err());
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    assert_eq!(instance.active_router(), None);
}

// Master.

/// KA-M-01.
#[test]
fn advert_goes_before_addresses_and_announcement() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_timeout(secs(DOWN));
    assert_eq!(
        drain(&mut instance),
        promotion(Backup, Reason::DownTimer),
        "nothing else, and in this order"
    );
}

/// KA-M-02.
#[test]
fn lower_advert_is_answered_unless_configured_otherwise() {
    for (priority, source) in [(99, peer(9)), (100, peer(1))] {
        for config in both(backup(100, Preempt::Immediately)) {
            let (mut instance, _) = active(config.clone());
            hear(&mut instance, secs(4.0), source, priority);
            let told = drain(&mut instance.clone());
            let notice = Notice::LowerPriorityAdvert {
                source,
                priority: vrrp_fsm::proto::Priority::new(priority),
            };
            assert_eq!(told.last(), Some(&Action::Notice(notice)));
            expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(5.0)));

            let (mut instance, _) = active(config.with_answer_lower(false));
            hear(&mut instance, secs(4.0), source, priority);
            expect(&mut instance, &[LOWER], Active, Some(secs(DOWN + 1.0)));
        }
    }
}

/// KA-M-03.
#[test]
fn release_heard_as_active_is_answered_and_nothing_else() {
    let (mut instance, _) = active(config(Preempt::Immediately));
    hear(&mut instance, secs(4.0), peer(9), 0);
    assert_eq!(drain(&mut instance), [ADVERT]);
    assert_eq!(instance.state(), Active);
}

/// KA-M-04.
#[test]
fn yielding_sends_one_more_advert_if_configured() {
    let config = config(Preempt::Immediately).with_advert_on_yield(true);
    let (mut instance, _) = active(config);
    hear(&mut instance, secs(4.0), peer(9), 101);
    expect(
        &mut instance,
        &[
            ADVERT,
            REMOVE,
            transition(Active, Backup, higher(peer(9), 101)),
        ],
        Backup,
        Some(secs(4.0 + DOWN)),
    );
}

/// KA-M-06.
#[test]
fn same_priority_and_address_is_told_and_nothing_else() {
    let (mut instance, since) = active(config(Preempt::Immediately));
    for _ in 0..100 {
        let result = hear_interval(&mut instance, since, address(OWN), 100, centis(100));
        assert_eq!(result, Err(Rejected::OwnAdvert));
    }
    assert_eq!(drain(&mut instance).len(), 1);
    assert_eq!(instance.stats().rejected(&Rejected::OwnAdvert), 100);
}

/// KA-M-07, also for an owner in Backup.
#[test]
fn owner_ignores_adverts_if_configured() {
    let config = v3(Role::Owner).with_owner_ignores_adverts(true);
    for startup in [Startup::Active, Startup::Backup] {
        let mut instance = started(config.clone().with_startup(startup));
        let (state, timer) = (instance.state(), instance.next_timeout());
        let result = hear_interval(&mut instance, secs(0.5), peer(9), 255, centis(100));
        assert_eq!(result, Err(Rejected::OwnerIgnores));
        expect(&mut instance, &[], state, timer);
    }
    // It is the owner's option.
    let other = v3(backup(100, Preempt::Immediately)).with_owner_ignores_adverts(true);
    let mut instance = started(other);
    hear(&mut instance, secs(0.5), peer(9), 255);
}

/// KA-M-08: with a release, so that the others need not wait for three adverts.
#[test]
fn lost_address_ends_being_active() {
    let (mut instance, _) = active(config(Preempt::Immediately));
    instance.handle_event(secs(4.0), Event::AddressLost);
    expect(
        &mut instance,
        &[
            RELEASE,
            REMOVE,
            transition(Active, Backup, Reason::AddressLost),
        ],
        Backup,
        Some(secs(4.0 + DOWN)),
    );
    instance.handle_event(secs(5.0), Event::AddressLost);
    expect(&mut instance, &[], Backup, Some(secs(4.0 + DOWN)));
}

/// KA-M-10.
#[test]
fn stop_releases_and_then_removes() {
    let (mut instance, _) = active(config(Preempt::Immediately));
    instance.handle_event(secs(4.0), Event::Stop);
    assert_eq!(deeds(&mut instance)[..2], [RELEASE, REMOVE]);
    assert_eq!(instance.stats().priority_zero_sent, 1);
    assert_eq!(instance.stats().released_active, 1);
}

/// KA-M-11.
#[test]
fn fault_as_active_releases_and_then_removes() {
    for fault in Fault::ALL {
        let (mut instance, _) = active(config(Preempt::Immediately));
        instance.handle_event(secs(4.0), Event::Fault(fault));
        expect(
            &mut instance,
            &[
                RELEASE,
                REMOVE,
                transition(Active, Initialize, Reason::Faulted(fault)),
            ],
            Initialize,
            None,
        );
    }
}

/// KA-M-12: it stays Active. The next advert comes in its time: there is no gap to be closed.
#[test]
fn unchanged_configuration_changes_nothing() {
    let (mut instance, _) = active(config(Preempt::Immediately));
    let version = instance.advert_version();
    let same = instance.config().clone();
    instance.reconfigure(secs(4.0), same).unwrap();
    assert_eq!(drain(&mut instance), []);
    assert_eq!(instance.next_timeout(), Some(secs(DOWN + 1.0)));
    assert_eq!(instance.advert_version(), version);
}

// Fault.

/// KA-F-01.
#[test]
fn faults_are_independent_of_each_other() {
    let mut instance = started(config(Preempt::Immediately));
    for fault in Fault::ALL {
        instance.handle_event(secs(1.0), Event::Fault(fault));
        instance.handle_event(secs(1.0), Event::Fault(fault));
        assert!(instance.faults().contains(fault));
    }
    assert_eq!(instance.faults().iter().count(), Fault::ALL.len());
    for (place, fault) in Fault::ALL.into_iter().enumerate() {
        assert_eq!(instance.state(), Initialize);
        instance.handle_event(secs(2.0), Event::FaultCleared(fault));
        assert_eq!(
            instance.faults().iter().count(),
            Fault::ALL.len() - place - 1
        );
    }
    assert_eq!(instance.state(), Backup);
    let changes = drain(&mut instance).into_iter();
    let transitions = changes.filter(|action| matches!(action, Action::Transition { .. }));
    assert_eq!(transitions.count(), 2);
}

/// KA-F-01: the first fault that appears is the reason, and each change is told.
#[test]
fn fault_in_backup_has_a_reason() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_event(secs(1.0), Event::Fault(Fault::Tracker));
    let faults: Faults = [Fault::Tracker].into_iter().collect();
    assert_eq!(
        drain(&mut instance),
        [
            transition(Backup, Initialize, Reason::Faulted(Fault::Tracker)),
            Action::Notice(Notice::FaultsChanged { faults }),
        ]
    );
}

/// KA-F-01: what keeps it from running is told when it is to run, and not before.
#[test]
fn faults_at_the_start_are_told() {
    let mut instance = vrrp_fsm::Instance::new(config(Preempt::Immediately)).unwrap();
    instance.handle_event(secs(0.0), Event::Fault(Fault::LinkDown));
    assert_eq!(drain(&mut instance), []);
    instance.handle_event(secs(0.0), Event::Start);
    let faults = instance.faults();
    assert_eq!(faults.iter().count(), 3);
    assert_eq!(notices(&mut instance), [Notice::FaultsChanged { faults }]);
}

/// KA-F-02, KA-W-01: also while it is held back at the start.
#[test]
fn fault_that_is_left_keeps_it_from_running() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_event(secs(1.0), Event::Fault(Fault::Tracker));
    instance.handle_event(secs(1.0), Event::Fault(Fault::Held));
    drain(&mut instance);
    instance.handle_event(secs(2.0), Event::FaultCleared(Fault::Tracker));
    expect(&mut instance, &[], Initialize, None);
    instance.handle_event(secs(3.0), Event::FaultCleared(Fault::Held));
    let reason = Reason::FaultsCleared;
    expect(
        &mut instance,
        &[transition(Initialize, Backup, reason)],
        Backup,
        Some(secs(3.0 + DOWN)),
    );
}

/// KA-F-02: what is stopped stays so, whatever happens to faults.
#[test]
fn stopped_router_does_not_start_when_faults_clear() {
    let mut instance = ready(config(Preempt::Immediately));
    instance.handle_event(secs(1.0), Event::Fault(Fault::Tracker));
    instance.handle_event(secs(1.0), Event::FaultCleared(Fault::Tracker));
    expect(&mut instance, &[], Initialize, None);
}

/// KA-F-03.
#[test]
fn router_leaves_its_faults_with_the_own_interval() {
    let mut instance = started(config(Preempt::Immediately));
    hear_interval(&mut instance, secs(1.0), peer(9), 200, centis(20)).unwrap();
    instance.handle_event(secs(1.5), Event::Fault(Fault::LinkDown));
    instance.handle_event(secs(2.0), Event::FaultCleared(Fault::LinkDown));
    drain(&mut instance);
    expect(&mut instance, &[], Backup, Some(secs(2.0 + DOWN)));
    assert_eq!(instance.active_router(), None);
}

/// KA-F-03: the first time it runs the owner does not wait, later it does.
#[test]
fn owner_leaves_its_faults_to_backup_but_for_the_first_time() {
    let mut instance = ready(v3(Role::Owner));
    instance.handle_event(secs(0.0), Event::Fault(Fault::Held));
    instance.handle_event(secs(0.0), Event::Start);
    drain(&mut instance);
    instance.handle_event(secs(1.0), Event::FaultCleared(Fault::Held));
    let reason = Reason::OwnerStart;
    expect(
        &mut instance,
        &promotion(Initialize, reason),
        Active,
        Some(secs(2.0)),
    );
    instance.handle_event(secs(3.0), Event::Fault(Fault::LinkDown));
    drain(&mut instance);
    instance.handle_event(secs(4.0), Event::FaultCleared(Fault::LinkDown));
    expect(
        &mut instance,
        &[transition(Initialize, Backup, Reason::FaultsCleared)],
        Backup,
        Some(secs(7.00390625)),
    );
}

/// KA-F-05.
#[test]
fn link_need_not_be_tracked_but_the_source_address_is() {
    let config = config(Preempt::Immediately).with_track_link(false);
    let (mut instance, _) = active(config.clone());
    instance.handle_event(secs(4.0), Event::Fault(Fault::LinkDown));
    assert_eq!(drain(&mut instance), []);
    assert_eq!(instance.state(), Active);
    // Facts stay facts: tracking the link again finds it down.
    let mut tracking = instance.clone();
    let changed = config.clone().with_track_link(true);
    tracking.reconfigure(secs(4.0), changed).unwrap();
    assert_eq!(tracking.state(), Initialize);
    instance.handle_event(secs(4.0), Event::PrimaryAddress(None));
    expect(
        &mut instance,
        &[
            RELEASE,
            REMOVE,
            transition(Active, Initialize, Reason::Faulted(Fault::NoSourceAddress)),
        ],
        Initialize,
        None,
    );
    let own = Event::PrimaryAddress(Some(address(OWN)));
    instance.handle_event(secs(5.0), own);
    assert_eq!(instance.state(), Backup);
}

/// Never a deaf Active router: to receive is a precondition of becoming one.
#[test]
fn router_that_cannot_receive_never_runs() {
    for config in [config(Preempt::Immediately), v3(Role::Owner)] {
        let mut instance = vrrp_fsm::Instance::new(config).unwrap();
        instance.handle_event(secs(0.0), Event::Start);
        let own = Event::PrimaryAddress(Some(address(OWN)));
        instance.handle_event(secs(0.0), own);
        drain(&mut instance);
        instance.handle_timeout(secs(1000.0));
        expect(&mut instance, &[], Initialize, None);
        assert!(instance.faults().contains(Fault::NoReceivePath));
        instance.handle_event(secs(1000.0), Event::FaultCleared(Fault::NoReceivePath));
        assert_ne!(instance.state(), Initialize);
    }
}

/// The source address is a fact of its own: no other event can make one up.
#[test]
fn router_without_a_source_address_never_runs() {
    let mut instance = vrrp_fsm::Instance::new(config(Preempt::Immediately)).unwrap();
    instance.handle_event(secs(0.0), Event::Start);
    for fault in Fault::ALL {
        instance.handle_event(secs(0.0), Event::FaultCleared(fault));
    }
    assert_eq!(instance.state(), Initialize);
    assert!(instance.faults().contains(Fault::NoSourceAddress));
}

/// VRRP-EXT-04.
#[test]
fn own_address_among_the_peers_is_a_fault() {
    let transport = Transport::Unicast {
        peers: vec![Peer::new(address(1)), Peer::new(address(2))],
        check_source: false,
    };
    let config = config(Preempt::Immediately).with_transport(transport);
    let mut instance = started(config.clone());
    assert_eq!(instance.state(), Backup);
    instance.handle_event(secs(1.0), Event::PrimaryAddress(Some(address(2))));
    assert_eq!(instance.state(), Initialize);
    assert!(instance.faults().contains(Fault::Configuration));
    let other = Transport::Unicast {
        peers: vec![Peer::new(address(1))],
        check_source: false,
    };
    instance
        .reconfigure(secs(2.0), config.with_transport(other))
        .unwrap();
    assert_eq!(instance.state(), Backup);
}

// Weights.

/// KA-W-04.
#[test]
fn weights_are_summed_and_then_limited() {
    for (base, weights, effective) in [
        (100, 20, 120),
        (100, -20, 80),
        (250, 20, 254),
        (250, 10, 254),
        (250, 0, 250),
        (10, -10, 1),
        (10, -300, 1),
        (1, i16::MIN, 1),
        (254, i16::MAX, 254),
    ] {
        let mut instance = started(v3(backup(base, Preempt::Immediately)));
        instance.handle_event(secs(0.0), Event::Adjust(weights));
        assert_eq!(instance.effective_priority().get(), effective);
        assert_eq!(instance.advert(Transmit::Advert).priority.get(), effective);
        instance.handle_event(secs(0.0), Event::Adjust(0));
        assert_eq!(instance.effective_priority().get(), base);
    }
}

/// KA-W-05, TRK-09, VRRP-GEN-02.
#[test]
fn weights_do_not_move_the_owner() {
    let mut instance = started(v3(Role::Owner));
    instance.handle_event(secs(0.0), Event::Adjust(-100));
    assert_eq!(instance.effective_priority().get(), 255);
    assert_eq!(drain(&mut instance), []);
}

/// KA-W-10, FSM-OPEN-04.
#[test]
fn weights_move_the_down_timer() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_event(secs(1.0), Event::Adjust(-20));
    expect(&mut instance, &[], Backup, Some(secs(3.6875)));
}

// Status.

/// MIB-01, MIB-03, RFC 6527 and RFC 8347: why the router is Active, and since when.
#[test]
fn reason_of_being_active_is_known() {
    let reason = |instance: &vrrp_fsm::Instance| instance.new_active_reason();
    let take_over = |instance: &mut vrrp_fsm::Instance| {
        let due = instance.next_timeout().unwrap();
        instance.handle_timeout(due);
        assert_eq!(instance.last_transition().unwrap().0, due);
        instance.new_active_reason()
    };
    let mut silent = started(config(Preempt::Immediately));
    assert_eq!(reason(&silent), NewActiveReason::NotActive);
    assert_eq!(take_over(&mut silent), NewActiveReason::NoResponse);
    assert_eq!(silent.active_router().unwrap().address, address(OWN));
    silent.handle_event(secs(5.0), Event::Stop);
    assert_eq!(reason(&silent), NewActiveReason::NotActive);
    assert_eq!(silent.active_router(), None);

    let mut released = started(config(Preempt::Immediately));
    hear(&mut released, secs(1.0), peer(9), 0);
    assert_eq!(take_over(&mut released), NewActiveReason::Priority);
    let mut lower = started(config(Preempt::Immediately));
    hear(&mut lower, secs(1.0), peer(9), 50);
    assert_eq!(take_over(&mut lower), NewActiveReason::Preempted);
    assert_eq!(
        reason(&started(v3(Role::Owner))),
        NewActiveReason::Preempted
    );
}

// Other options.

/// KA-O-01.
#[test]
fn number_of_lost_adverts_can_be_configured() {
    for (adverts, down) in [(1, 1.609375), (3, DOWN), (5, 5.609375), (100, 100.609375)] {
        let adverts = core::num::NonZeroU8::new(adverts).unwrap();
        let config = config(Preempt::Immediately).with_down_adverts(adverts);
        let mut instance = started(config);
        expect(&mut instance, &[], Backup, Some(secs(down)));
        assert_eq!(instance.down_interval(), duration(down));
    }
}

/// KA-O-07: the advert has the configured addresses, and only those.
#[test]
fn only_configured_addresses_are_advertised() {
    let config = config(Preempt::Immediately).with_addresses([address(100), address(101)]);
    let instance = started(config);
    let list = instance.advert(Transmit::Advert).addresses;
    assert_eq!(list.len(), 2);
}

/// KA-O-09.
#[test]
fn v2_checks_the_interval_for_unicast_peers_too() {
    let transport = Transport::Unicast {
        peers: vec![Peer::new(peer(1))],
        check_source: false,
    };
    let mut instance = started(v2(backup(100, Preempt::Immediately)).with_transport(transport));
    let (mut ip, octets) = message(instance.config(), peer(1), 200, centis(200));
    ip.destination = address(OWN);
    ip.hop_limit = 64;
    let theirs = centis(200);
    let result = instance.handle_packet(secs(1.0), &ip, &octets);
    assert_eq!(result, Err(Rejected::Interval { theirs }));
}

/// VRRP-EXT-02, VRRP-EXT-03: a hop limit range is a range for each listed peer, so that nobody else
/// can be let in.
#[test]
fn hop_limit_range_of_a_peer_implies_the_check_of_the_source() {
    let listed = Peer::new(peer(1)).with_hop_limit(64..=128);
    for (peers, check_source, source, hop_limit, result) in [
        (vec![listed.clone()], false, 1, 64, Ok(())),
        (vec![listed.clone()], false, 1, 128, Ok(())),
        (
            vec![listed.clone()],
            false,
            1,
            63,
            Err(Rejected::HopLimit(63)),
        ),
        (
            vec![listed.clone()],
            false,
            1,
            129,
            Err(Rejected::HopLimit(129)),
        ),
        (
            vec![listed],
            false,
            2,
            64,
            Err(Rejected::UnknownPeer(peer(2))),
        ),
        (vec![Peer::new(peer(1))], false, 2, 1, Ok(())),
        (
            vec![Peer::new(peer(1))],
            true,
            2,
            255,
            Err(Rejected::UnknownPeer(peer(2))),
        ),
        (vec![Peer::new(peer(1))], true, 1, 1, Ok(())),
    ] {
        let transport = Transport::Unicast {
            peers,
            check_source,
        };
        let mut instance = started(config(Preempt::Immediately).with_transport(transport));
        let (mut ip, octets) = message(instance.config(), peer(source), 200, centis(100));
        ip.destination = address(OWN);
        ip.hop_limit = hop_limit;
        assert_eq!(instance.handle_packet(secs(1.0), &ip, &octets), result);
    }
}

/// KA-O-10, VRRP-V2-RX-10, VRRP-V3-RX-11, VRRP-EXT-11.
#[test]
fn other_addresses_are_told_or_rejected_as_configured() {
    for (check, priority, result, told, errors) in [
        (AddressCheck::Log, 200, Ok(()), 1, 3),
        (AddressCheck::Skip, 200, Ok(()), 1, 1),
        (AddressCheck::Drop, 200, Err(Rejected::Addresses), 1, 3),
        (AddressCheck::Drop, 255, Ok(()), 1, 3),
    ] {
        let mut instance = started(config(Preempt::Immediately).with_address_check(check));
        let theirs = v3(Role::Owner).with_addresses([address(101)]);
        let (ip, octets) = message(&theirs, peer(9), priority, centis(100));
        for second in 0..3 {
            let now = secs(f64::from(second));
            assert_eq!(instance.handle_packet(now, &ip, &octets), result);
        }
        assert_eq!(drain(&mut instance).len(), told, "{check:?}");
        assert_eq!(instance.stats().address_list_errors, errors, "{check:?}");
    }
}

/// VRRP-V2-RX-16.
#[test]
fn order_of_the_addresses_does_not_matter() {
    let list: Vec<_> = (100..200).map(address).collect();
    let config = config(Preempt::Immediately)
        .with_addresses(list.clone())
        .with_address_check(AddressCheck::Drop);
    let mut instance = started(config);
    let mut turned = list;
    turned.reverse();
    let theirs = v3(Role::Owner).with_addresses(turned.clone());
    let (ip, octets) = message(&theirs, peer(9), 200, centis(100));
    assert_eq!(instance.handle_packet(secs(1.0), &ip, &octets), Ok(()));
    // As many, but one of them twice.
    turned[0] = turned[1];
    let theirs = v3(Role::Owner).with_addresses(turned);
    let (ip, octets) = message(&theirs, peer(9), 200, centis(100));
    let result = instance.handle_packet(secs(1.0), &ip, &octets);
    assert_eq!(result, Err(Rejected::Addresses));
}
