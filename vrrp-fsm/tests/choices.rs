//! What the RFCs leave open, decided once.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup, Initialize};
use vrrp_fsm::{
    Event, Fault, InstanceConfig, Notice, Preempt, Reason, Rejected, Role, Transmit, V2Auth,
    WireFormat,
};

const DOWN: f64 = 3.609375;

fn config() -> InstanceConfig {
    v3(backup(100, Preempt::Immediately))
}

/// FSM-OPEN-01: the caller hands over packets first; then nothing is left of the timer.
#[test]
fn advert_at_the_instant_of_the_deadline_wins() {
    for config in both(backup(100, Preempt::Immediately)) {
        let mut instance = started(config);
        let now = secs(DOWN);
        hear(&mut instance, now, peer(9), 200);
        instance.handle_timeout(now);
        expect(&mut instance, &[], Backup, Some(secs(2.0 * DOWN)));
    }
}

/// FSM-OPEN-02: the process was stopped with an advert in its socket.
#[test]
fn advert_that_waited_longer_than_the_deadline_wins() {
    for config in both(backup(100, Preempt::Immediately)) {
        let mut instance = started(config);
        let now = secs(60.0);
        hear(&mut instance, now, peer(9), 200);
        instance.handle_timeout(now);
        expect(&mut instance, &[], Backup, Some(secs(60.0 + DOWN)));
    }
}

/// FSM-OPEN-03: only differences of monotonic instants matter; there is no other clock.
#[test]
fn zero_point_of_the_clock_does_not_matter() {
    let life = |zero: i64| {
        let at = |seconds: f64| nanos(zero + secs(seconds).as_nanos());
        let mut instance = ready(config());
        instance.handle_event(at(0.0), Event::Start);
        hear(&mut instance, at(1.0), peer(9), 200);
        instance.handle_timeout(at(1.0 + DOWN));
        let next = instance.next_timeout().unwrap();
        (drain(&mut instance), next.as_nanos() - zero)
    };
    for zero in [-i64::MAX, -5, 1, i64::MAX / 2] {
        assert_eq!(life(zero), life(0));
    }
}

/// FSM-OPEN-04, KA-W-10: the deadline moves by the difference of the skews.
#[test]
fn priority_change_in_backup_moves_the_deadline_by_the_skew() {
    for config in both(backup(100, Preempt::Immediately)) {
        let mut instance = started(config);
        hear(&mut instance, secs(1.0), peer(9), 200);
        instance.handle_event(secs(2.0), Event::Adjust(56));
        // 3 s and 100/256 s after the advert.
        expect(&mut instance, &[], Backup, Some(secs(4.390625)));
        instance.handle_event(secs(3.0), Event::Adjust(0));
        expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN)));
        hear(&mut instance, secs(3.5), peer(9), 0);
        instance.handle_event(secs(3.6), Event::Adjust(56));
        expect(&mut instance, &[], Backup, Some(secs(3.5 + 0.390625)));
    }
}

/// FSM-OPEN-04: not into the past, where it would look like a late timer.
#[test]
fn priority_change_in_backup_moves_the_deadline_to_now_at_most() {
    let mut instance = started(config());
    instance.handle_event(secs(3.5), Event::Adjust(154));
    expect(&mut instance, &[], Backup, Some(secs(3.5)));
    instance.handle_timeout(secs(3.5));
    assert_eq!(instance.state(), Active);
}

/// FSM-OPEN-05, VRRP-V3-TX-01.
#[test]
fn priority_change_in_active_is_in_the_next_advert() {
    let (mut instance, _) = active(config());
    let version = instance.advert_version();
    instance.handle_event(secs(4.0), Event::Adjust(-20));
    expect(&mut instance, &[], Active, Some(secs(DOWN + 1.0)));
    assert_eq!(instance.advert(Transmit::Advert).priority.get(), 80);
    assert_ne!(instance.advert_version(), version);
}

/// FSM-OPEN-06.
#[test]
fn interval_change_in_active_keeps_the_earlier_of_both_deadlines() {
    let (mut instance, _) = active(config());
    // 200 ms are left: a longer interval waits for them, a shorter one does not.
    let now = secs(DOWN + 0.8);
    let longer = config().with_interval(centis(1000));
    instance.reconfigure(now, longer).unwrap();
    expect(&mut instance, &[], Active, Some(secs(DOWN + 1.0)));
    let shorter = config().with_interval(centis(10));
    instance.reconfigure(now, shorter).unwrap();
    expect(&mut instance, &[], Active, Some(secs(DOWN + 0.9)));
    instance.handle_timeout(secs(DOWN + 0.9));
    expect(&mut instance, &[ADVERT], Active, Some(secs(DOWN + 1.0)));
}

/// FSM-OPEN-05, FSM-V3-A-12: each thing that an advert says makes another advert of it, and nothing else does.
#[test]
fn a_reconfiguration_makes_another_advert_if_it_says_something_else() {
    let v2_with = |auth| WireFormat::V2 { auth };
    let password = v2_with(V2Auth::Password(*b"s3cret12"));
    let plain = v2(backup(100, Preempt::Immediately));
    for (before, after, another) in [
        (config(), config().with_interval(centis(200)), true),
        (config(), config().with_addresses([address(101)]), true),
        (plain.clone(), plain.clone().with_format(password), true),
        (config(), config().with_answer_lower(false), false),
        (config(), config().with_advert_on_yield(true), false),
    ] {
        let (mut instance, since) = active(before);
        let version = instance.advert_version();
        instance.reconfigure(since, after.clone()).unwrap();
        assert_eq!(instance.advert_version() != version, another, "{after:?}");
    }
}

/// KA-B-04: what has been waited of a delay counts on after a reload, unless the delay was gone meanwhile.
#[test]
fn a_preempt_delay_goes_on_over_a_reload() {
    let delayed = || v3(backup(100, Preempt::After(duration(10.0))));
    for (between, takes_over) in [
        (vec![delayed().with_answer_lower(false)], 10.0),
        (vec![config(), delayed()], 15.0),
    ] {
        let mut instance = started(delayed());
        let mut now = 1.0;
        while instance.state() == Backup {
            if now == 6.0 {
                for config in &between {
                    instance.reconfigure(secs(now), config.clone()).unwrap();
                }
            }
            hear(&mut instance, secs(now), peer(1), 50);
            now += 1.0;
            while let Some(next) = instance.next_timeout().filter(|at| *at <= secs(now)) {
                instance.handle_timeout(next);
                if instance.state() == Active {
                    break;
                }
            }
        }
        // The last advert before the end of the delay is the last that was believed.
        let last = 1.0 + takes_over - 1.0;
        assert!(
            (last + 3.0..last + 5.0).contains(&now),
            "{now} {takes_over}"
        );
    }
}

/// FSM-OPEN-07, VRRP-EXT-07.
#[test]
fn change_of_the_primary_address_changes_no_state() {
    let (mut instance, _) = active(config());
    let version = instance.advert_version();
    instance.handle_event(secs(4.0), Event::PrimaryAddress(Some(address(7))));
    expect(&mut instance, &[], Active, Some(secs(DOWN + 1.0)));
    assert_ne!(instance.advert_version(), version);
    // The new one counts when priorities are equal.
    hear(&mut instance, secs(4.1), peer(6), 100);
    assert_eq!(instance.state(), Active);

    let mut instance = started(config());
    instance.handle_event(secs(1.0), Event::PrimaryAddress(Some(address(7))));
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
}

/// FSM-OPEN-08, VRRP-TMR-03: nanoseconds, rounded up.
#[test]
fn skew_is_exact() {
    let config = config().with_interval(centis(1));
    for (priority, down) in [(254, 30_078_125), (253, 30_117_188), (1, 39_960_938)] {
        let role = backup(priority, Preempt::Immediately);
        let mut config = config.clone();
        config.role = role;
        let instance = started(config);
        assert_eq!(instance.next_timeout(), Some(nanos(down)));
    }
}

/// FSM-OPEN-09: what was learned before is not used after.
#[test]
fn becoming_active_forgets_the_learned_interval() {
    let mut instance = started(config());
    hear_interval(&mut instance, secs(1.0), peer(9), 200, centis(20)).unwrap();
    let took_over = secs(1.721875);
    instance.handle_timeout(took_over);
    assert_eq!(instance.active_interval(), centis(100));
    instance.handle_event(took_over, Event::AddressLost);
    drain(&mut instance);
    expect(&mut instance, &[], Backup, Some(secs(1.721875 + DOWN)));
}

/// FSM-OPEN-10: the owner preempts, by a configuration that cannot say otherwise.
#[test]
fn owner_in_backup_discards_lower_adverts() {
    for config in both(Role::Owner) {
        let mut instance = started(config);
        instance.handle_event(secs(1.0), Event::Fault(Fault::Kernel));
        instance.handle_event(secs(2.0), Event::FaultCleared(Fault::Kernel));
        assert_eq!(instance.state(), Backup);
        drain(&mut instance);
        let deadline = instance.next_timeout();
        assert_eq!(deadline, Some(nanos(5_003_906_250)));
        hear(&mut instance, secs(3.0), peer(9), 254);
        expect(&mut instance, &[], Backup, deadline);
        instance.handle_timeout(deadline.unwrap());
        assert_eq!(instance.state(), Active);
    }
}

/// The addresses are removed before anything else is said about a state, and a stop after a stop
/// is nothing.
#[test]
fn stop_twice_is_stop_once() {
    let (mut instance, since) = active(config());
    instance.handle_event(since, Event::Stop);
    drain(&mut instance);
    instance.handle_event(since, Event::Stop);
    expect(&mut instance, &[], Initialize, None);
    instance.handle_event(since, Event::Start);
    expect(
        &mut instance,
        &[REMOVE, transition(Initialize, Backup, Reason::Started)],
        Backup,
        Some(secs(2.0 * DOWN)),
    );
}

/// Two adverts in a row would be the same one: a caller that does not poll finds one.
#[test]
fn adverts_that_nobody_polls_do_not_pile_up() {
    let (mut instance, _) = active(config());
    for round in 1..1000 {
        instance.handle_timeout(secs(DOWN + f64::from(round)));
    }
    assert_eq!(deeds(&mut instance), [ADVERT]);
    assert_eq!(instance.stats().adverts_sent, 2);
}

/// FSM-V3-A-09: a foreign ARP packet for our address is answered by an announcement, at the same
/// limited rate.
#[test]
fn sign_of_conflict_is_answered_by_an_announcement() {
    let (mut instance, _) = active(config());
    instance.handle_event(secs(4.0), Event::Suspect);
    instance.handle_event(secs(4.005), Event::Suspect);
    expect(&mut instance, &[REASSERT], Active, Some(secs(DOWN + 1.0)));
    instance.handle_timeout(secs(DOWN + 1.0));
    expect(
        &mut instance,
        &[ADVERT, REASSERT],
        Active,
        Some(secs(DOWN + 2.0)),
    );

    let mut instance = started(config());
    instance.handle_event(secs(1.0), Event::Suspect);
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
}

/// FSM-V3-A-09: and once the time is over, at once again.
#[test]
fn a_sign_of_conflict_is_answered_again_after_the_gap() {
    let (mut instance, _) = active(config());
    instance.handle_event(secs(4.0), Event::Suspect);
    assert_eq!(deeds(&mut instance), [REASSERT]);
    instance.handle_event(nanos(4_009_999_999), Event::Suspect);
    assert_eq!(deeds(&mut instance), []);
    instance.handle_event(secs(4.010), Event::Suspect);
    assert_eq!(deeds(&mut instance), [REASSERT]);
}

/// MIB-01: adverts of priority 0 are counted, and no others.
#[test]
fn only_releases_are_counted_as_received_releases() {
    let mut instance = started(config());
    for (priority, count) in [(200, 0), (0, 1), (100, 1), (255, 1), (0, 2)] {
        hear(&mut instance, secs(1.0), peer(9), priority);
        assert_eq!(instance.stats().priority_zero_received, count, "{priority}");
    }
    assert_eq!(instance.stats().adverts_received, 5);
}

/// VRRP-GEN-05: what is to be expected is counted and not told.
#[test]
fn adverts_that_nobody_listens_to_are_not_told() {
    let mut owner = v3(Role::Owner).with_owner_ignores_adverts(true);
    owner.interval = centis(100);
    for (config, reason) in [
        (owner, Rejected::OwnerIgnores),
        (config(), Rejected::NotRunning),
    ] {
        let mut instance = match reason {
            Rejected::NotRunning => ready(config),
            _ => active(config).0,
        };
        let interval = instance.config().interval;
        let result = hear_interval(&mut instance, secs(9.0), peer(9), 200, interval);
        assert_eq!(result, Err(reason));
        assert_eq!(notices(&mut instance), []);
        assert_eq!(instance.stats().rejected(&reason), 1);
    }
}

/// KA-M-06: an advert from our own address is a loop or a double only if it has our priority, too.
#[test]
fn an_advert_from_our_address_with_another_priority_is_told_as_rejected() {
    let (mut instance, since) = active(config());
    let interval = instance.config().interval;
    let result = hear_interval(&mut instance, since, address(OWN), 99, interval);
    assert_eq!(result, Err(Rejected::OwnAdvert));
    let told = Notice::Rejected {
        reason: Rejected::OwnAdvert,
        total: 1,
    };
    assert_eq!(notices(&mut instance), [told]);
}

/// FSM-OPEN-11: when the down timer would fire at that instant anyway, it is the timer that fires.
#[test]
fn a_router_that_is_lost_when_it_would_be_missed_is_missed() {
    let mut instance = started(v3(backup(100, Preempt::Immediately)));
    hear(&mut instance, secs(1.0), peer(9), 200);
    // Three intervals after the advert, the skew is all that is left.
    instance.handle_event(secs(4.0), Event::ActiveLost(peer(9)));
    let deadline = instance.next_timeout().unwrap();
    instance.handle_timeout(deadline);
    assert!(drain(&mut instance).iter().any(|action| matches!(
        action,
        vrrp_fsm::Action::Transition {
            reason: Reason::DownTimer,
            ..
        }
    )));
}

/// KA-W-10: the operator is told of the priority in force.
#[test]
fn priority_change_is_told() {
    let mut instance = started(config());
    instance.handle_event(secs(1.0), Event::Adjust(10));
    instance.handle_event(secs(1.0), Event::Adjust(10));
    let notices = notices(&mut instance);
    assert!(
        matches!(notices[..], [Notice::PriorityChanged { from, to }]
            if from.get() == 100 && to.get() == 110),
        "{notices:?}"
    );
}

/// FSM-OPEN-11: as after a release, in the order of priorities.
#[test]
fn a_backup_waits_its_skew_only_when_the_active_router_is_known_to_be_lost() {
    for config in both(backup(100, Preempt::Immediately)) {
        let mut instance = started(config);
        hear(&mut instance, secs(1.0), peer(9), 200);
        let expected = secs(1.0 + DOWN);
        // Somebody else is lost: that is nobody's business here.
        instance.handle_event(secs(1.5), Event::ActiveLost(peer(8)));
        expect(&mut instance, &[], Backup, Some(expected));
        instance.handle_event(secs(1.5), Event::ActiveLost(peer(9)));
        let skew = instance.skew_time();
        let due = secs(1.5 + skew.as_secs_f64());
        expect(&mut instance, &[], Backup, Some(due));
        // Again is no change for the better or the worse.
        instance.handle_event(secs(1.6), Event::ActiveLost(peer(9)));
        expect(&mut instance, &[], Backup, Some(due));
        instance.handle_timeout(due);
        assert_eq!(instance.state(), Active);
        assert_eq!(instance.stats().became_active, 1);
        assert!(drain(&mut instance).iter().any(|action| matches!(
            action,
            vrrp_fsm::Action::Transition {
                reason: Reason::ActiveLost,
                ..
            }
        )));
    }
}

/// FSM-OPEN-11: an advert is better evidence than its absence elsewhere.
#[test]
fn an_advert_of_a_router_believed_lost_sets_the_timer_again() {
    for config in both(backup(100, Preempt::Immediately)) {
        let mut instance = started(config);
        hear(&mut instance, secs(1.0), peer(9), 200);
        instance.handle_event(secs(1.5), Event::ActiveLost(peer(9)));
        hear(&mut instance, secs(1.6), peer(9), 200);
        expect(&mut instance, &[], Backup, Some(secs(1.6 + DOWN)));
    }
}

/// FSM-OPEN-11: late in the interval the skew would be longer than what is left.
#[test]
fn a_lost_active_router_never_makes_a_backup_wait_longer() {
    let mut instance = started(config());
    hear(&mut instance, secs(1.0), peer(9), 200);
    let due = secs(1.0 + DOWN);
    instance.handle_event(secs(1.0 + DOWN - 0.1), Event::ActiveLost(peer(9)));
    expect(&mut instance, &[], Backup, Some(due));
    // Neither Active nor at fault does it mean anything.
    instance.handle_timeout(due);
    drain(&mut instance);
    let next = instance.next_timeout();
    instance.handle_event(due, Event::ActiveLost(peer(9)));
    expect(&mut instance, &[], Active, next);
}
