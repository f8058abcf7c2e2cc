//! Time lines: the instants at which things happen, to the nanosecond.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup};
use vrrp_fsm::{Event, InstanceConfig, Instant, Preempt, Role};

fn preempting(priority: u8) -> Role {
    backup(priority, Preempt::Immediately)
}

/// When an instance that hears nothing more becomes Active.
fn takes_over(mut instance: vrrp_fsm::Instance) -> Instant {
    let deadline = instance.next_timeout().unwrap();
    instance.handle_timeout(nanos(deadline.as_nanos() - 1));
    assert_eq!(instance.state(), Backup);
    instance.handle_timeout(deadline);
    assert_eq!(instance.state(), Active);
    deadline
}

fn adverts_of(net: &Net, router: usize) -> Vec<Instant> {
    let of_router = net.sent.iter().filter(|(_, from, _)| *from == router);
    of_router.map(|(at, _, _)| *at).collect()
}

fn change_of(net: &Net, router: usize, state: vrrp_fsm::State) -> Instant {
    let mut changes = net.changes.iter().rev();
    let change = changes.find(|(_, who, to)| *who == router && *to == state);
    change.expect("it never did").0
}

/// FSM-T-01, RFC 3768 6.4.
#[test]
fn v2_in_silence_takes_over_and_advertises_every_second() {
    let mut net = Net::new([(5, v2(preempting(100)))]);
    net.run_until(secs(8.0));
    assert_eq!(change_of(&net, 0, Active), secs(3.609375));
    let expected: Vec<_> = (0..5).map(|n| secs(3.609375 + f64::from(n))).collect();
    assert_eq!(adverts_of(&net, 0), expected);
}

/// FSM-T-02, RFC 3768 6.4.2.
#[test]
fn v2_takes_over_a_down_interval_after_the_last_advert() {
    let mut instance = started(v2(preempting(100)));
    for second in 0..=10 {
        hear(&mut instance, secs(f64::from(second)), peer(9), 200);
    }
    assert_eq!(takes_over(instance), secs(13.609375));
}

/// FSM-T-03, RFC 3768 6.4.2.
#[test]
fn v2_takes_over_a_skew_after_a_release() {
    let mut instance = started(v2(preempting(100)));
    for second in 0..=10 {
        hear(&mut instance, secs(f64::from(second)), peer(9), 200);
    }
    hear(&mut instance, secs(10.5), peer(9), 0);
    assert_eq!(takes_over(instance), secs(11.109375));
}

/// FSM-T-04, RFC 9568 6.4.2.
#[test]
fn v3_takes_over_by_the_learned_interval_and_advertises_by_its_own() {
    let mut instance = started(v3(preempting(150)));
    for step in 0..=50 {
        let now = nanos(i64::from(step) * 200_000_000);
        hear_interval(&mut instance, now, peer(9), 200, centis(20)).unwrap();
    }
    assert_eq!(takes_over(instance.clone()), secs(10.6828125));
    instance.handle_timeout(secs(10.6828125));
    assert_eq!(instance.next_timeout(), Some(secs(11.6828125)));
}

/// Router 0 (priority 100) is Active; router 1 joins with the first advert after 10 s.
fn joined(config: InstanceConfig) -> (Net, f64) {
    let mut net = Net::new([(1, v3(preempting(100))), (2, config)]);
    net.event(1, Event::Stop);
    let joins = 3.609375 + 7.0;
    net.run_until(secs(joins));
    net.changes.clear();
    net.event(1, Event::Start);
    // The advert of this instant went out before it was there.
    (net, joins)
}

/// FSM-T-05, RFC 9568 6.4.2, 6.4.3.
#[test]
fn v3_preempts_a_lower_active_router_after_its_own_down_interval() {
    let (mut net, joins) = joined(v3(preempting(200)));
    net.run_until(secs(joins + 10.0));
    assert_eq!(change_of(&net, 1, Active), secs(joins + 3.21875));
    assert_eq!(change_of(&net, 0, Backup), secs(joins + 3.21875));
    assert_eq!(net.changes.len(), 3, "{:?}", net.changes);
    assert_eq!(net.states(), [Backup, Active]);
}

/// FSM-T-06, RFC 9568 6.4.2.
#[test]
fn v3_never_preempts_when_told_not_to() {
    let (mut net, joins) = joined(v3(backup(200, Preempt::Never)));
    net.run_until(secs(joins + 1000.0));
    assert_eq!(net.states(), [Active, Backup]);
    assert_eq!(net.changes.len(), 1, "{:?}", net.changes);
}

/// FSM-T-07, RFC 9568 6.4.3.
#[test]
fn lower_address_steps_down_when_equals_meet() {
    let mut net = Net::new([(1, v3(preempting(100))), (2, v3(preempting(100)))]);
    net.speaks = vec![false, false];
    net.run_until(secs(10.0));
    assert_eq!(net.states(), [Active, Active]);
    net.speaks = vec![true, true];
    let before = net.sent.len();
    // Both are due at the same instant; the first to speak is the lower address, which the higher
    // one answers at once.
    net.run_until(secs(10.7));
    assert_eq!(net.states(), [Backup, Active]);
    assert_eq!(change_of(&net, 0, Backup), secs(10.609375));
    let after: Vec<_> = net.sent[before..]
        .iter()
        .map(|(at, from, _)| (*at, *from))
        .collect();
    assert_eq!(after[0], (secs(10.609375), 0));
    assert!(after[1..].iter().all(|sent| *sent == (secs(10.609375), 1)));
}

/// FSM-T-07, the other order: the lower address hears the higher one first.
#[test]
fn lower_address_steps_down_on_the_first_advert_it_hears() {
    let mut net = Net::new([(2, v3(preempting(100))), (1, v3(preempting(100)))]);
    net.speaks = vec![false, false];
    net.run_until(secs(10.0));
    net.speaks = vec![true, true];
    net.run_until(secs(10.7));
    assert_eq!(net.states(), [Active, Backup]);
    assert_eq!(change_of(&net, 1, Backup), secs(10.609375));
}

/// FSM-T-08, RFC 9568 6.4.1.
#[test]
fn owner_advertises_at_its_start() {
    for config in both(Role::Owner) {
        let net = Net::new([(5, config)]);
        assert_eq!(net.changes, [(secs(0.0), 0, Active)]);
        assert_eq!(adverts_of(&net, 0), [secs(0.0)]);
    }
}

/// FSM-T-09, RFC 3768 6.4.2.
#[test]
fn best_of_three_backups_takes_over_after_a_release() {
    let mut net = Net::new([
        (1, v2(preempting(90))),
        (2, v2(preempting(100))),
        (3, v2(preempting(110))),
        (4, v2(preempting(200))),
    ]);
    net.run_until(secs(10.3));
    assert_eq!(net.states(), [Backup, Backup, Backup, Active]);
    net.changes.clear();
    net.event(3, Event::Stop);
    net.run_until(secs(60.0));
    let took_over = secs(10.3 + 0.5703125);
    assert_eq!(net.changes[1..], [(took_over, 2, Active)]);
}

/// FSM-T-10, RFC 9568 6.1.
#[test]
fn v3_keeps_the_skew_of_the_shortest_interval() {
    let instance = started(v3(preempting(254)).with_interval(centis(1)));
    assert_eq!(takes_over(instance), nanos(30_078_125));
}

/// FSM-T-11.
#[test]
fn advert_timer_that_was_not_served_makes_no_burst() {
    for config in both(preempting(100)) {
        let (mut instance, since) = active(config);
        let late = nanos(since.as_nanos() + 6_000_000_000);
        instance.handle_timeout(late);
        instance.handle_timeout(late);
        expect(
            &mut instance,
            &[ADVERT, REASSERT],
            Active,
            Some(nanos(late.as_nanos() + 1_000_000_000)),
        );
    }
}

/// The cadence does not drift: a late advert does not delay the one after it.
#[test]
fn advert_timer_that_is_a_little_late_keeps_the_cadence() {
    let (mut instance, _) = active(v3(preempting(100)));
    let mut due = secs(4.609375);
    for late in [0, 1, 999_999, 30_000_000, 999_999_999, 0] {
        assert_eq!(instance.next_timeout(), Some(due));
        instance.handle_timeout(nanos(due.as_nanos() + late));
        assert_eq!(deeds(&mut instance), [ADVERT]);
        due = nanos(due.as_nanos() + 1_000_000_000);
    }
}
