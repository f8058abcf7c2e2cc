//! Two owners of one address: who gives way, for how long, and what ends it.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup};
use vrrp_fsm::{Event, Fault, Preempt, Role, Transmit};

/// Two owners of which the other one, with the lower address, does not give way. Returns when we
/// gave way.
fn gave_way() -> (vrrp_fsm::Instance, f64) {
    let (mut instance, _) = active(v3(Role::Owner));
    for half in 0..4 {
        let now = secs(0.5 + f64::from(half));
        hear(&mut instance, now, peer(1), 255);
        instance.handle_timeout(now);
        expect(&mut instance, &[ADVERT, LOWER], Active, {
            Some(secs(1.5 + f64::from(half)))
        });
    }
    // Two own adverts have gone out by 1.5 s, it is asked at 2.5 s, and given until 3.7 s.
    hear(&mut instance, secs(4.5), peer(1), 255);
    expect(
        &mut instance,
        &[REMOVE, transition(Active, Backup, higher(peer(1), 255))],
        Backup,
        Some(secs(7.5078125)),
    );
    assert_eq!(instance.effective_priority().get(), 254);
    (instance, 4.5)
}

/// KA-M-05.
#[test]
fn owner_gives_way_to_an_owner_that_does_not_listen() {
    gave_way();
}

/// KA-M-05: one that falls silent in time is no reason.
#[test]
fn owner_does_not_give_way_to_an_owner_that_falls_silent() {
    let (mut instance, _) = active(v3(Role::Owner));
    for now in [0.5, 1.5, 2.5, 20.0, 20.5] {
        let now = secs(now);
        hear(&mut instance, now, peer(1), 255);
        instance.handle_timeout(now);
    }
    assert_eq!(instance.state(), Active);
}

/// KA-M-05, KA-B-10: and a reload does not take that back, unless it is no owner any more.
#[test]
fn an_owner_that_gave_way_does_so_after_a_reload_too() {
    let (mut instance, since) = gave_way();
    assert_eq!(instance.effective_priority().get(), 254);
    let owner = instance.config().clone();
    let other = owner.clone().with_answer_lower(false);
    instance.reconfigure(secs(since), other).unwrap();
    assert_eq!(instance.effective_priority().get(), 254);
    let mut none = owner.clone();
    none.role = backup(100, Preempt::Immediately);
    instance.reconfigure(secs(since), none).unwrap();
    instance.reconfigure(secs(since), owner).unwrap();
    assert_eq!(instance.effective_priority().get(), 255);
}

/// KA-B-10.
#[test]
fn owner_that_gave_way_is_owner_again_when_the_other_is_not() {
    // The other one lowers its priority: ours is 255 again and preempts.
    let (mut instance, since) = gave_way();
    hear(&mut instance, secs(since + 1.0), peer(1), 255);
    hear(&mut instance, secs(since + 2.0), peer(1), 100);
    assert_eq!(instance.effective_priority().get(), 255);
    expect(&mut instance, &[], Backup, Some(secs(since + 4.00390625)));
    // It releases.
    let (mut instance, since) = gave_way();
    hear(&mut instance, secs(since + 1.0), peer(1), 0);
    assert_eq!(instance.effective_priority().get(), 255);
    expect(&mut instance, &[], Backup, Some(secs(since + 1.00390625)));
    // It falls silent.
    let (mut instance, since) = gave_way();
    instance.handle_timeout(secs(since + 3.0078125));
    assert_eq!(instance.state(), Active);
    assert_eq!(instance.advert(Transmit::Advert).priority.get(), 255);
}

/// KA-B-10: what was before a fault is not known to be so after it.
#[test]
fn owner_that_gave_way_is_owner_again_after_a_fault() {
    let (mut instance, since) = gave_way();
    instance.handle_event(secs(since), Event::Fault(Fault::LinkDown));
    assert_eq!(instance.effective_priority().get(), 255);
    assert_eq!(instance.advert(Transmit::Advert).priority.get(), 255);
}
