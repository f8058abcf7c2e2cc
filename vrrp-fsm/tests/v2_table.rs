//! The table of VRRPv2, RFC 3768 6.4: one test a row.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup, Initialize};
use vrrp_fsm::{Event, Instance, InstanceConfig, Instant, Notice, Preempt, Reason, Rejected, Role};

const PREEMPT: Preempt = Preempt::Immediately;

/// Down interval and skew of priority 100 at 1 s.
const DOWN: f64 = 3.609375;
const SKEW: f64 = 0.609375;

fn config() -> InstanceConfig {
    v2(backup(100, PREEMPT))
}

/// To the letter of RFC 3768: lower adverts are not answered.
fn letter() -> InstanceConfig {
    config().with_answer_lower(false)
}

fn in_backup() -> Instance {
    started(config())
}

fn in_active(config: InstanceConfig) -> (Instance, Instant) {
    active(config)
}

/// FSM-V2-I-01, RFC 3768 6.4.1.
#[test]
fn owner_that_starts_is_active_at_once() {
    let mut instance = ready(v2(Role::Owner));
    instance.handle_event(secs(1.0), Event::Start);
    expect(
        &mut instance,
        &promotion(Initialize, Reason::OwnerStart),
        Active,
        Some(secs(2.0)),
    );
    assert_eq!(
        instance.advert(vrrp_fsm::Transmit::Advert).priority.get(),
        255
    );
}

/// FSM-V2-I-02, RFC 3768 6.4.1.
#[test]
fn router_that_starts_waits_for_the_down_interval() {
    let mut instance = ready(config());
    instance.handle_event(secs(1.0), Event::Start);
    expect(
        &mut instance,
        &[REMOVE, transition(Initialize, Backup, Reason::Started)],
        Backup,
        Some(secs(1.0 + DOWN)),
    );
}

/// FSM-V2-I-03, RFC 3768 6.4.1.
#[test]
fn initialize_takes_no_notice_of_adverts_and_time() {
    let mut instance = ready(config());
    for priority in [0, 1, 100, 255] {
        let interval = instance.config().interval;
        let result = hear_interval(&mut instance, secs(1.0), peer(9), priority, interval);
        assert_eq!(result, Err(Rejected::NotRunning));
    }
    instance.handle_timeout(secs(1000.0));
    expect(&mut instance, &[], Initialize, None);
    assert_eq!(instance.stats().rejected(&Rejected::NotRunning), 4);
}

/// FSM-V2-I-04, RFC 3768 6.4.1.
#[test]
fn shutdown_in_initialize_does_nothing() {
    let mut instance = ready(config());
    instance.handle_event(secs(1.0), Event::Stop);
    expect(&mut instance, &[], Initialize, None);
}

/// FSM-V2-B-01, RFC 3768 6.4.2.
#[test]
fn shutdown_in_backup_cancels_the_down_timer() {
    let mut instance = in_backup();
    instance.handle_event(secs(1.0), Event::Stop);
    expect(
        &mut instance,
        &[transition(Backup, Initialize, Reason::Stopped)],
        Initialize,
        None,
    );
}

/// FSM-V2-B-02, RFC 3768 6.4.2.
#[test]
fn down_timer_makes_a_backup_active() {
    let mut instance = in_backup();
    instance.handle_timeout(nanos(3_609_374_999));
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    instance.handle_timeout(secs(DOWN));
    expect(
        &mut instance,
        &promotion(Backup, Reason::DownTimer),
        Active,
        Some(secs(DOWN + 1.0)),
    );
}

/// FSM-V2-B-03, RFC 3768 6.4.2.
#[test]
fn release_heard_in_backup_leaves_only_the_skew() {
    let mut instance = in_backup();
    hear(&mut instance, secs(1.0), peer(9), 0);
    expect(&mut instance, &[], Backup, Some(secs(1.0 + SKEW)));
    instance.handle_timeout(secs(1.0 + SKEW));
    let reason = Reason::ReleaseHeard;
    expect(
        &mut instance,
        &promotion(Backup, reason),
        Active,
        Some(secs(2.0 + SKEW)),
    );
}

/// FSM-V2-B-04, RFC 3768 6.4.2.
#[test]
fn better_advert_in_backup_restarts_the_down_timer() {
    for priority in [101, 254, 255] {
        let mut instance = in_backup();
        hear(&mut instance, secs(1.0), peer(1), priority);
        expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN)));
    }
}

/// FSM-V2-B-05, RFC 3768 6.4.2.
#[test]
fn worse_advert_in_backup_restarts_the_down_timer_without_preemption() {
    let mut instance = started(v2(backup(100, Preempt::Never)));
    hear(&mut instance, secs(1.0), peer(1), 1);
    expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN)));
}

/// FSM-V2-B-06, RFC 3768 6.4.2.
#[test]
fn worse_advert_in_backup_is_discarded_with_preemption() {
    let mut instance = in_backup();
    hear(&mut instance, secs(1.0), peer(9), 99);
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    instance.handle_timeout(secs(DOWN));
    let reason = Reason::PreemptedLower;
    expect(
        &mut instance,
        &promotion(Backup, reason),
        Active,
        Some(secs(1.0 + DOWN)),
    );
}

/// FSM-V2-B-07, RFC 3768 6.4.2.
#[test]
fn equal_advert_in_backup_is_accepted_whatever_the_address() {
    for source in [peer(1), peer(9)] {
        let mut instance = in_backup();
        hear(&mut instance, secs(1.0), source, 100);
        expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN)));
    }
}

/// FSM-V2-B-08.
#[test]
fn startup_in_backup_does_nothing() {
    let mut instance = in_backup();
    instance.handle_event(secs(1.0), Event::Start);
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
}

/// FSM-V2-B-09, RFC 3768 6.4.2.
#[test]
fn second_release_sets_the_skew_again() {
    let mut instance = in_backup();
    hear(&mut instance, secs(1.0), peer(9), 0);
    hear(&mut instance, secs(1.5), peer(9), 0);
    expect(&mut instance, &[], Backup, Some(secs(1.5 + SKEW)));
}

/// FSM-V2-M-01, RFC 3768 6.4.3, VRRP-V2-TX-06.
#[test]
fn shutdown_in_active_releases() {
    let (mut instance, since) = in_active(config());
    instance.handle_event(since, Event::Stop);
    expect(
        &mut instance,
        &[
            RELEASE,
            REMOVE,
            transition(Active, Initialize, Reason::Stopped),
        ],
        Initialize,
        None,
    );
    assert_eq!(
        instance.advert(vrrp_fsm::Transmit::Release).priority.get(),
        0
    );
}

/// FSM-V2-M-02, RFC 3768 6.4.3.
#[test]
fn advert_timer_sends_and_comes_again_after_the_interval() {
    let (mut instance, _) = in_active(config());
    instance.handle_timeout(secs(DOWN + 1.0));
    expect(&mut instance, &[ADVERT], Active, Some(secs(DOWN + 2.0)));
}

/// FSM-V2-M-03, RFC 3768 6.4.3.
#[test]
fn release_heard_in_active_is_answered() {
    let (mut instance, _) = in_active(config());
    hear(&mut instance, secs(4.0), peer(9), 0);
    expect(&mut instance, &[ADVERT], Active, Some(secs(5.0)));
}

/// FSM-V2-M-04, RFC 3768 6.4.3.
#[test]
fn active_yields_to_a_higher_priority() {
    let (mut instance, _) = in_active(config());
    hear(&mut instance, secs(4.0), peer(1), 101);
    expect(
        &mut instance,
        &[REMOVE, transition(Active, Backup, higher(peer(1), 101))],
        Backup,
        Some(secs(4.0 + DOWN)),
    );
}

/// FSM-V2-M-05, RFC 3768 6.4.3.
#[test]
fn active_yields_to_an_equal_priority_from_a_higher_address() {
    let (mut instance, _) = in_active(config());
    hear(&mut instance, secs(4.0), peer(6), 100);
    expect(
        &mut instance,
        &[REMOVE, transition(Active, Backup, higher(peer(6), 100))],
        Backup,
        Some(secs(4.0 + DOWN)),
    );
}

/// FSM-V2-M-06, RFC 3768 6.4.3.
#[test]
fn active_discards_an_equal_priority_from_a_lower_address() {
    let (mut instance, _) = in_active(letter());
    hear(&mut instance, secs(4.0), peer(4), 100);
    expect(&mut instance, &[LOWER], Active, Some(secs(DOWN + 1.0)));
}

/// FSM-V2-M-07, RFC 3768 6.4.3, KA-M-06.
#[test]
fn active_discards_an_equal_priority_from_its_own_address_and_warns() {
    let (mut instance, _) = in_active(config());
    let interval = instance.config().interval;
    let result = hear_interval(&mut instance, secs(4.0), address(OWN), 100, interval);
    assert_eq!(result, Err(Rejected::OwnAdvert));
    let notices = notices(&mut instance);
    assert!(
        matches!(notices[..], [Notice::SameAddressAndPriority { .. }]),
        "{notices:?}"
    );
    expect(&mut instance, &[], Active, Some(secs(DOWN + 1.0)));
}

/// FSM-V2-M-08, RFC 3768 6.4.3. The announcement is keepalived's (KA-M-02).
#[test]
fn active_discards_a_lower_priority() {
    let (mut instance, _) = in_active(letter());
    hear(&mut instance, secs(4.0), peer(9), 99);
    expect(&mut instance, &[LOWER], Active, Some(secs(DOWN + 1.0)));
}

/// FSM-V2-M-09, RFC 3768 6.4.3.
#[test]
fn preemption_mode_does_not_matter_in_active() {
    for preempt in [Preempt::Never, PREEMPT, Preempt::After(duration(5.0))] {
        let (mut instance, _) = in_active(v2(backup(100, preempt)));
        hear(&mut instance, secs(4.0), peer(1), 99);
        expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(5.0)));
        hear(&mut instance, secs(4.5), peer(1), 101);
        expect(
            &mut instance,
            &[REMOVE, transition(Active, Backup, higher(peer(1), 101))],
            Backup,
            Some(secs(4.5 + DOWN)),
        );
    }
}

/// FSM-V2-M-10, VRRP-V2-RX-08, RFC 3768 7.1.
#[test]
fn owner_listens_unless_it_is_told_not_to() {
    let (mut instance, _) = in_active(v2(Role::Owner));
    hear(&mut instance, secs(0.5), peer(1), 200);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(1.5)));
    hear(&mut instance, secs(0.6), peer(9), 255);
    assert_eq!(instance.state(), Backup);

    let (mut strict, _) = in_active(v2(Role::Owner).with_owner_ignores_adverts(true));
    for priority in [0, 100, 255] {
        let interval = strict.config().interval;
        let result = hear_interval(&mut strict, secs(0.5), peer(9), priority, interval);
        assert_eq!(result, Err(Rejected::OwnerIgnores));
    }
    expect(&mut strict, &[], Active, Some(secs(1.0)));
}

/// VRRP-V2-RX-11, RFC 3768 7.1: the interval is always the local one.
#[test]
fn other_interval_is_rejected_and_never_learned() {
    let mut instance = in_backup();
    let theirs = centis(200);
    let result = hear_interval(&mut instance, secs(1.0), peer(9), 200, theirs);
    assert_eq!(result, Err(Rejected::Interval { theirs }));
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    assert_eq!(instance.active_interval(), centis(100));
}
