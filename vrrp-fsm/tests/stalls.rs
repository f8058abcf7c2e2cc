//! A process that was stopped: it is called much too late, with packets waiting in its socket.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup};
use vrrp_fsm::{Event, InstanceConfig, Notice, Preempt, Reason};

const DOWN: f64 = 3.609375;
const SKEW: f64 = 0.609375;

fn config(preempt: Preempt) -> InstanceConfig {
    v3(backup(100, preempt))
}

fn stalled(seconds: f64) -> Notice {
    Notice::Stalled {
        late: duration(seconds),
    }
}

/// Never asserts at once what it knew before: it listens for an interval and the skew.
#[test]
fn backup_that_was_stopped_listens_first() {
    for preempt in [Preempt::Immediately, Preempt::Never] {
        let mut instance = started(config(preempt));
        instance.handle_timeout(secs(60.0));
        assert_eq!(notices(&mut instance), [stalled(60.0 - DOWN)]);
        expect(&mut instance, &[], Backup, Some(secs(61.0 + SKEW)));
        assert_eq!(instance.stats().stalls, 1);
        instance.handle_timeout(secs(61.0 + SKEW));
        expect(
            &mut instance,
            &promotion(Backup, Reason::DownTimer),
            Active,
            Some(secs(62.0 + SKEW)),
        );
    }
}

/// What it hears meanwhile counts.
#[test]
fn backup_that_was_stopped_and_hears_a_better_router_stays() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_timeout(secs(60.0));
    hear(&mut instance, secs(60.9), peer(9), 200);
    expect(&mut instance, &[], Backup, Some(secs(60.9 + DOWN)));
}

/// The limit is a whole down interval: less is an ordinary late timer.
#[test]
fn backup_that_is_late_by_a_down_interval_takes_over() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_timeout(secs(2.0 * DOWN));
    assert_eq!(instance.state(), Active);

    let mut instance = started(config(Preempt::Immediately));
    instance.handle_timeout(nanos(7_218_750_001));
    assert_eq!(instance.state(), Backup);
}

/// A change of priority on waking does not hide that the process was stopped.
#[test]
fn event_on_waking_does_not_hide_the_stall() {
    let mut instance = started(config(Preempt::Immediately));
    instance.handle_event(secs(60.0), Event::Adjust(50));
    instance.handle_timeout(secs(60.0));
    assert_eq!(instance.state(), Backup);
}

/// LESSONS: stale ARP after a snapshot. Nobody was heard, so that it goes on, and tells everybody.
#[test]
fn active_that_was_stopped_tells_everybody_again() {
    for preempt in [Preempt::Immediately, Preempt::Never] {
        let (mut instance, _) = active(config(preempt));
        instance.handle_timeout(secs(60.0));
        let notices_of = drain(&mut instance.clone());
        assert!(notices_of.contains(&vrrp_fsm::Action::Notice(stalled(60.0 - DOWN - 1.0))));
        expect(&mut instance, &[ADVERT, REASSERT], Active, Some(secs(61.0)));
        assert_eq!(instance.stats().stalls, 1);
    }
}

/// With preemption a lower router that took over meanwhile is told to go, once.
#[test]
fn active_that_was_stopped_and_hears_a_lower_router_goes_on() {
    let (mut instance, _) = active(config(Preempt::Immediately));
    for _ in 0..5 {
        hear(&mut instance, secs(60.0), peer(1), 50);
    }
    hear(&mut instance, secs(60.0), peer(1), 0);
    assert_eq!(deeds(&mut instance), []);
    instance.handle_timeout(secs(60.0));
    expect(&mut instance, &[ADVERT, REASSERT], Active, Some(secs(61.0)));
}

/// KA-M-09: what it would not have preempted it does not displace by having been asleep.
#[test]
fn active_without_preemption_leaves_the_addresses_to_who_took_over() {
    let (mut instance, _) = active(config(Preempt::Never));
    hear_interval(&mut instance, secs(60.0), peer(1), 50, centis(20)).unwrap();
    expect(
        &mut instance,
        &[REMOVE, transition(Active, Backup, Reason::Stalled)],
        Backup,
        Some(secs(60.721875)),
    );
    instance.handle_timeout(secs(60.0));
    expect(&mut instance, &[], Backup, Some(secs(60.721875)));
    assert_eq!(instance.active_router().unwrap().address, peer(1));
}

/// KA-M-09: the limit is when a Backup of priority 254 takes over, 3.0078125 s after the last
/// advert.
#[test]
fn active_without_preemption_that_was_not_silent_for_long_goes_on() {
    for (silence, state) in [(3_007_812_500, Active), (3_007_812_501, Backup)] {
        let (mut instance, since) = active(config(Preempt::Never));
        let now = nanos(since.as_nanos() + silence);
        hear(&mut instance, now, peer(1), 50);
        assert_eq!(instance.state(), state, "{silence}");
    }
}

/// A release in the queue says that who took over has gone again.
#[test]
fn active_without_preemption_goes_on_after_a_release() {
    let (mut instance, _) = active(config(Preempt::Never));
    hear(&mut instance, secs(60.0), peer(1), 0);
    instance.handle_timeout(secs(60.0));
    expect(&mut instance, &[ADVERT, REASSERT], Active, Some(secs(61.0)));
}

/// VRRP-GEN-10, RFC 9568 2.5: late, but not so late that others have noticed.
#[test]
fn late_advert_is_told() {
    let (mut instance, since) = active(config(Preempt::Immediately));
    let now = nanos(since.as_nanos() + 2_500_000_000);
    instance.handle_timeout(now);
    let late = duration(1.5);
    assert_eq!(notices(&mut instance), [Notice::AdvertLate { late }]);
    assert_eq!(instance.stats().stalls, 0);
}
