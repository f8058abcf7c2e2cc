//! When the tables are in doubt: refusals, overruns, dumps, answers that do not come.

mod common;

use std::time::Duration;

use common::{Rig, TAG, ip, vip};
use netlink_vip::{Channel, KernelEvent, Object, OwnerId};

const A: OwnerId = OwnerId(1);

fn failed(errno: i32, message: &str) -> KernelEvent {
    KernelEvent::Failed {
        owner: A,
        object: Object::Address(ip("10.0.0.1")),
        errno,
        message: Some(message.into()),
    }
}

/// A refusal is told with the kernel's words, repeated later and later, told again only for
/// another reason, and in the end given up; but never forgotten.
#[test]
fn refusals_are_repeated_with_growing_delay() {
    let mut rig = Rig::ready();
    rig.kernel.refuse.insert(ip("10.0.0.1"), (1, "not allowed"));
    rig.set(1, &[vip("10.0.0.1/32", "eth0"), vip("10.0.0.2/32", "eth0")]);
    rig.run();
    assert_eq!(rig.events(), [failed(1, "not allowed")]);
    assert!(
        rig.kernel.at(ip("10.0.0.2")).is_some(),
        "the others are not held back"
    );
    for millis in [100, 200, 400] {
        rig.log();
        rig.advance(Duration::from_millis(millis - 1));
        assert!(rig.log().is_empty());
        rig.advance(Duration::from_millis(1));
        assert_eq!(rig.log(), ["+10.0.0.1"]);
    }
    assert!(rig.events().is_empty());
    rig.kernel.refuse.insert(ip("10.0.0.1"), (12, "no memory"));
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.events(), [failed(12, "no memory")]);
    rig.advance(Duration::from_secs(2));
    let gave_up = KernelEvent::GaveUp {
        owner: A,
        object: Object::Address(ip("10.0.0.1")),
    };
    assert_eq!(rig.events(), [gave_up]);
    rig.advance(Duration::from_secs(300));
    assert!(rig.log().len() >= 10);
    rig.kernel.refuse.clear();
    rig.advance(Duration::from_secs(30));
    assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
    assert!(rig.reconciler.counters().refused >= 6);
}

/// EEXIST for an address that the mirror does not show: a dump tells whose it is.
#[test]
fn unexpected_address_is_adopted_after_a_dump() {
    for (protocol, foreign) in [(TAG, false), (0, true)] {
        let mut rig = Rig::ready();
        rig.kernel.lossy = true;
        let mut there = rig.kernel.foreign(1, ip("10.0.0.1"), 32);
        there.protocol = protocol;
        rig.kernel.put(there, false, 0, 0);
        rig.kernel.lossy = false;
        rig.kernel.lost = false;
        rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
        rig.run();
        rig.advance(Duration::from_secs(1));
        assert_eq!(rig.log(), ["+10.0.0.1"]);
        let events = rig.events();
        assert!(
            events.contains(&KernelEvent::Installed { owner: A }),
            "{events:?}"
        );
        assert_eq!(
            events
                .iter()
                .any(|e| matches!(e, KernelEvent::Foreign { .. })),
            foreign
        );
        assert!(
            !events
                .iter()
                .any(|e| matches!(e, KernelEvent::Failed { .. }))
        );
    }
}

/// LESSONS A8, A20: lost notifications are made good by a dump, and what had been removed
/// meanwhile is repaired.
#[test]
fn overrun_leads_to_a_dump_and_repairs() {
    let mut rig = Rig::ready();
    rig.set(1, &[vip("10.0.0.1/32", "eth0"), vip("10.0.0.2/32", "eth0")]);
    rig.run();
    rig.events();
    rig.log();
    rig.kernel.lossy = true;
    let stolen = rig.kernel.at(ip("10.0.0.1")).unwrap().clone();
    rig.kernel.take(&stolen, 1, 1);
    let foreign = rig.kernel.foreign(2, ip("10.9.9.9"), 32);
    rig.kernel.put(foreign, false, 0, 0);
    rig.kernel.add_link("eth5");
    rig.kernel.lossy = false;
    rig.run();
    rig.advance(Duration::from_secs(1));
    let events = rig.events();
    assert!(events.contains(&KernelEvent::Resynced));
    assert!(events.contains(&KernelEvent::Repaired {
        owner: A,
        object: Object::Address(ip("10.0.0.1")),
        times: 1
    }));
    assert_eq!(rig.log(), ["+10.0.0.1"]);
    assert!(rig.reconciler.link("eth5").is_some());
    assert_eq!(rig.reconciler.counters().dumps, 2);
    assert_eq!(rig.reconciler.counters().overruns, 1);
}

/// A storm of overruns does not become a storm of dumps.
#[test]
fn dumps_are_spaced() {
    let mut rig = Rig::ready();
    for _ in 0..100 {
        rig.reconciler.handle_overrun(rig.now);
        rig.run();
        rig.advance(Duration::from_millis(10));
    }
    rig.advance(Duration::from_secs(1));
    let dumps = rig.reconciler.counters().dumps;
    assert!((5..=12).contains(&dumps), "{dumps} in one second");
}

/// Notifications that come during a dump are newer than it.
#[test]
fn dump_does_not_bring_back_what_went_meanwhile() {
    let mut rig = Rig::ready();
    let foreign = rig.kernel.foreign(1, ip("10.9.9.9"), 32);
    rig.kernel.put(foreign.clone(), false, 0, 0);
    rig.advance(Duration::from_secs(1));
    rig.reconciler.handle_overrun(rig.now);
    assert!(rig.send(), "links");
    rig.read();
    assert!(rig.send(), "addresses, the foreign one among them");
    rig.kernel.take(&foreign, 0, 0);
    rig.run();
    assert_eq!(rig.reconciler.addresses(1).count(), 0);
    assert_eq!(rig.reconciler.counters().dumps, 2);
    // The other way round: the notification is old, the dump is right, a further one tells.
    rig.advance(Duration::from_secs(1));
    rig.kernel.put(foreign.clone(), false, 0, 0);
    rig.kernel.lossy = true;
    rig.kernel.take(&foreign, 0, 0);
    rig.kernel.lossy = false;
    rig.kernel.lost = false;
    rig.reconciler.handle_overrun(rig.now);
    rig.send();
    rig.run();
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.reconciler.addresses(1).count(), 0);
}

/// An interrupted dump is repeated, a refused one asked for again, an unanswered one too.
#[test]
fn dumps_are_repeated_until_they_are_whole() {
    let mut rig = Rig::new();
    rig.kernel.interrupt_dumps = 1;
    rig.kernel.refuse_dumps = 2;
    rig.reconciler.start(rig.now);
    rig.advance(Duration::from_secs(1));
    assert!(rig.reconciler.is_ready());
    assert_eq!(rig.sends, 12, "two refused, five tables twice");
    let mut rig = Rig::new();
    rig.kernel.deaf = true;
    rig.reconciler.start(rig.now);
    rig.run();
    rig.kernel.deaf = false;
    rig.advance(Duration::from_secs(6));
    assert!(rig.reconciler.is_ready());
}

/// A batch without an answer is found out about by a dump.
#[test]
fn unanswered_batch_is_settled_by_a_dump() {
    let mut rig = Rig::ready();
    rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
    rig.kernel.deaf = true;
    rig.run();
    rig.kernel.deaf = false;
    rig.advance(Duration::from_secs(6));
    assert!(rig.reconciler.is_installed(A));
    assert_eq!(rig.reconciler.counters().overruns, 1);
}

/// Somebody removes an address so fast that its end is heard of before our request is answered:
/// that counts as a removal like any other, so it does not become an endless exchange of blows.
#[test]
fn removal_heard_of_before_the_answer_counts() {
    let mut rig = Rig::ready();
    rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
    for _ in 0..20 {
        rig.send();
        if let Some(there) = rig.kernel.at(ip("10.0.0.1")).cloned() {
            rig.kernel.take(&there, 1, 1);
        }
        rig.read();
    }
    assert_eq!(rig.log().len(), 2, "at once, and then only after a delay");
    assert!(!rig.reconciler.is_installed(A));
    rig.advance(Duration::from_secs(1));
    assert!(rig.reconciler.is_installed(A));
}

/// Before Linux 5.18 there is no tag: what this process added is known all the same.
#[test]
fn kernel_without_tags_is_served() {
    let mut rig = Rig::new();
    rig.kernel.knows_no_tags = true;
    rig.start();
    for command_first in [false, true] {
        rig.command_first = command_first;
        rig.set(
            1,
            &[vip("10.0.0.1/32", "eth0"), vip("2001:db8::1/128", "eth0")],
        );
        rig.run();
        assert!(rig.reconciler.is_installed(A));
        assert!(
            !rig.events()
                .iter()
                .any(|e| matches!(e, KernelEvent::Foreign { .. }))
        );
        rig.reconciler.handle_overrun(rig.now);
        rig.advance(Duration::from_secs(1));
        rig.set(1, &[]);
        rig.run();
        assert!(rig.kernel.addresses.is_empty());
        rig.events();
    }
}

/// Nothing is sent before the tables are known; undecodable messages are counted and do no harm.
#[test]
fn nothing_is_changed_before_the_tables_are_known() {
    let mut rig = Rig::new();
    rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
    assert!(!rig.send(), "not started");
    rig.reconciler.start(rig.now);
    rig.reconciler
        .handle_datagram(rig.now, &[1, 2, 3], Channel::Monitor);
    assert!(rig.send() && rig.log().is_empty());
    assert!(!rig.send());
    rig.run();
    assert_eq!(rig.log(), ["+10.0.0.1"]);
    let events = rig.events();
    let ready = events
        .iter()
        .position(|e| *e == KernelEvent::Ready)
        .unwrap();
    let appeared = |e: &KernelEvent| matches!(e, KernelEvent::LinkAppeared { .. });
    assert_eq!(events[..ready].iter().filter(|e| appeared(e)).count(), 2);
    assert_eq!(events.last(), Some(&KernelEvent::Installed { owner: A }));
    assert_eq!(rig.reconciler.counters().undecodable, 1);
}
