//! The reconciler against a kernel made of two tables, in virtual time.

mod common;

use std::time::Duration;

use common::{PERMANENT, Rig, TAG, TENTATIVE, ip, vip};
use netlink_vip::{
    BATCH_MAX, Desired, KernelEvent, Object, OwnerId, Reconciler, Tag, Vip, VipFlags,
};

const A: OwnerId = OwnerId(1);
const B: OwnerId = OwnerId(2);

fn failed(errno: i32, message: &str) -> KernelEvent {
    KernelEvent::Failed {
        owner: A,
        object: Object::Address(ip("10.0.0.1")),
        errno,
        message: Some(message.into()),
    }
}

/// VIP-01, VIP-09: added in configured order, removed on request, each answered once.
#[test]
fn addresses_come_and_go_with_their_owner() {
    let mut rig = Rig::ready();
    rig.set(
        1,
        &[
            vip("10.0.0.2/32", "eth0"),
            vip("10.0.0.1/32", "eth1"),
            vip("2001:db8::1/128", "eth0"),
        ],
    );
    rig.run();
    assert_eq!(rig.log(), ["+10.0.0.2", "+10.0.0.1", "+2001:db8::1"]);
    assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
    assert!(rig.reconciler.is_installed(A));
    assert!(rig.kernel.addresses.iter().all(|a| a.protocol == TAG));
    rig.set(1, &[]);
    rig.run();
    assert_eq!(rig.events(), [KernelEvent::Removed { owner: A }]);
    assert!(rig.kernel.addresses.is_empty());
    assert!(!rig.reconciler.is_installed(A) && rig.reconciler.is_idle());
}

/// DESIGN "desired state": an equal set sends nothing and is answered all the same.
#[test]
fn equal_set_sends_nothing() {
    let mut rig = Rig::ready();
    let vips = [vip("10.0.0.1/32", "eth0"), vip("10.0.0.2/24", "eth0")];
    rig.set(1, &vips);
    rig.run();
    let sends = rig.sends;
    rig.events();
    rig.set(1, &vips);
    rig.run();
    assert_eq!(
        (rig.sends, rig.events()),
        (sends, vec![KernelEvent::Installed { owner: A }])
    );
    rig.set(2, &[]);
    assert_eq!(
        rig.reconciler.poll_event(),
        Some(KernelEvent::Removed { owner: B })
    );
    assert_eq!(rig.sends, sends);
}

/// PERFORMANCE "Many addresses": 64 requests per send, one send at a time, one answer per send.
#[test]
fn requests_go_out_in_batches_one_at_a_time() {
    let mut rig = Rig::ready();
    let vips: Vec<_> = (0..150)
        .map(|n| vip(&format!("10.0.0.{n}/32"), "eth0"))
        .collect();
    rig.set(1, &vips);
    let acks = rig.kernel.acks;
    assert!(rig.send());
    assert_eq!(rig.last_send, BATCH_MAX);
    assert!(!rig.send(), "the first batch is not answered yet");
    rig.read();
    assert!(rig.send());
    assert_eq!(rig.last_send, BATCH_MAX);
    rig.read();
    assert!(rig.send());
    assert_eq!(rig.last_send, 150 - 2 * BATCH_MAX);
    rig.run();
    assert_eq!(rig.kernel.acks - acks, 3);
    assert!(rig.reconciler.is_installed(A));
    assert_eq!(rig.reconciler.counters().requests, 150);
}

/// DESIGN "slices": the slower the kernel, the smaller the batches, down to 8; and back.
#[test]
fn batches_shrink_while_the_kernel_is_slow() {
    let mut rig = Rig::ready();
    let vips: Vec<_> = (0..1000)
        .map(|n| vip(&format!("10.0.{}.{}/32", n / 250, n % 250), "eth0"))
        .collect();
    rig.set(1, &vips);
    let mut sizes = Vec::new();
    for millis in [5, 5, 5, 5, 1, 0, 0, 0, 0] {
        rig.send();
        sizes.push(rig.last_send);
        rig.now = rig.now.checked_add(Duration::from_millis(millis)).unwrap();
        rig.read();
    }
    assert_eq!(sizes, [64, 32, 16, 8, 8, 8, 16, 32, 64]);
}

/// A removal does not wait behind thousands of additions of somebody else.
#[test]
fn removals_overtake_additions() {
    let mut rig = Rig::ready();
    rig.set(1, &[vip("10.1.0.1/32", "eth0")]);
    rig.run();
    rig.log();
    let vips: Vec<_> = (0..200)
        .map(|n| vip(&format!("10.0.0.{n}/32"), "eth0"))
        .collect();
    rig.set(2, &vips);
    rig.send();
    rig.set(1, &[]);
    rig.read();
    rig.send();
    assert_eq!(rig.log()[BATCH_MAX], "-10.1.0.1");
    // What was still to be added and is no longer wanted is not added.
    rig.set(2, &[]);
    rig.run();
    let log = rig.log();
    assert!(
        log.iter().all(|request| request.starts_with('-')),
        "{log:?}"
    );
    assert!(rig.kernel.addresses.is_empty());
}

/// An addition that is under way when its owner gives up is undone.
#[test]
fn unwanted_while_in_flight_is_removed_afterwards() {
    for command_first in [false, true] {
        let mut rig = Rig::ready();
        rig.command_first = command_first;
        rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
        rig.send();
        rig.set(1, &[]);
        assert_eq!(rig.reconciler.poll_event(), None, "not removed yet");
        rig.run();
        assert_eq!(rig.log(), ["+10.0.0.1", "-10.0.0.1"]);
        assert_eq!(rig.events(), [KernelEvent::Removed { owner: A }]);
    }
}

/// STAT-01, LESSONS A5: repaired at once the first time, then later and later, and told; after the
/// sixth time the owner is told to give up; after a calm minute counting starts again.
#[test]
fn removals_by_others_are_repaired_with_growing_delay() {
    for address in ["10.0.0.1/32", "2001:db8::1/128"] {
        let mut rig = Rig::ready();
        let wanted = vip(address, "eth0");
        rig.set(1, std::slice::from_ref(&wanted));
        rig.run();
        rig.events();
        let steal = |rig: &mut Rig| {
            let there = rig.kernel.at(wanted.address).unwrap().clone();
            rig.kernel.take(&there, 99, 77);
            rig.run();
        };
        let repaired = |times| KernelEvent::Repaired {
            owner: A,
            object: Object::Address(wanted.address),
            times,
        };
        let gave_up = KernelEvent::GaveUp {
            owner: A,
            object: Object::Address(wanted.address),
        };
        // Never rarer than once a second: the owner may be the only one to hold it.
        let delays = [0, 100, 200, 400, 800, 1000, 1000, 1000];
        for (times, millis) in (1..).zip(delays) {
            steal(&mut rig);
            if millis > 0 {
                assert_eq!(
                    rig.events(),
                    if times == 6 {
                        vec![gave_up.clone()]
                    } else {
                        vec![]
                    }
                );
                rig.advance(Duration::from_millis(millis - 1));
                assert!(rig.kernel.at(wanted.address).is_none() && rig.events().is_empty());
                rig.advance(Duration::from_millis(1));
            }
            assert!(rig.kernel.at(wanted.address).is_some());
            assert_eq!(rig.events(), [repaired(times)]);
        }
        rig.advance(Duration::from_secs(60));
        steal(&mut rig);
        assert_eq!(rig.events(), [repaired(1)]);
        assert_eq!(rig.reconciler.counters().repaired, 9);
    }
}

/// A primary address takes the secondaries of its subnet along. If we removed it, that is no
/// mischief of others, and those that stay are back at once.
#[test]
fn secondaries_that_went_along_are_not_counted_as_stolen() {
    for command_first in [false, true] {
        let mut rig = Rig::ready();
        rig.command_first = command_first;
        let three: Vec<_> = (1..=3)
            .map(|n| vip(&format!("10.0.0.{n}/24"), "eth0"))
            .collect();
        rig.set(1, &three);
        rig.run();
        rig.events();
        rig.set(1, &three[1..]);
        rig.run();
        assert!(rig.kernel.at(ip("10.0.0.1")).is_none());
        assert!(rig.kernel.at(ip("10.0.0.2")).is_some() && rig.kernel.at(ip("10.0.0.3")).is_some());
        let events = rig.events();
        assert!(
            !events
                .iter()
                .any(|e| matches!(e, KernelEvent::Repaired { .. })),
            "{events:?}"
        );
        assert!(rig.reconciler.is_installed(A));
    }
}

/// All of a subnet go, secondaries first, so that each removal finds its address.
#[test]
fn leftover_secondaries_are_removed_before_their_primary() {
    let mut rig = Rig::ready();
    let three: Vec<_> = (1..=3)
        .map(|n| vip(&format!("10.0.0.{n}/24"), "eth0"))
        .collect();
    rig.set(1, &three);
    rig.run();
    let mut after_kill = Rig::new();
    after_kill.kernel.addresses = rig.kernel.addresses.clone();
    after_kill.start();
    after_kill.reconciler.adopt_or_clean(after_kill.now);
    after_kill.run();
    assert_eq!(after_kill.log(), ["-10.0.0.2", "-10.0.0.3", "-10.0.0.1"]);
}

/// VIP-09, LESSONS E10: nothing is removed before it is asked for, wanted leftovers are adopted
/// without a request, foreign addresses stay.
#[test]
fn leftovers_wait_for_the_word() {
    let mut rig = Rig::new();
    for (n, protocol) in [(1, TAG), (2, TAG), (3, 0), (4, 99)] {
        let mut address = rig.kernel.foreign(1, ip(&format!("10.0.0.{n}")), 32);
        address.protocol = protocol;
        rig.kernel.put(address, false, 0, 0);
    }
    rig.start();
    assert!(rig.log().is_empty());
    rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
    assert!(rig.reconciler.is_installed(A), "adopted");
    rig.reconciler.adopt_or_clean(rig.now);
    rig.run();
    assert_eq!(rig.log(), ["-10.0.0.2"]);
    // The word holds: what turns up later with our tag goes too.
    let mut late = rig.kernel.foreign(2, ip("10.0.0.9"), 32);
    late.protocol = TAG;
    rig.kernel.put(late, false, 0, 0);
    rig.run();
    assert_eq!(rig.log(), ["-10.0.0.9"]);
    assert_eq!(rig.kernel.addresses.len(), 3);
}

/// An address that somebody else put counts as installed, is told, and stays when it is no longer
/// wanted; if its owner removes it while it is wanted, ours takes its place.
#[test]
fn foreign_address_is_used_but_not_claimed() {
    for (wanted, local) in [
        ("10.0.0.1/32", "10.0.0.1"),
        ("2001:db8::1/64", "2001:db8::1"),
    ] {
        let mut rig = Rig::new();
        let foreign = rig
            .kernel
            .foreign(1, ip(local), if local.contains(':') { 128 } else { 32 });
        rig.kernel.put(foreign.clone(), false, 0, 0);
        rig.start();
        rig.events();
        rig.set(1, &[vip(wanted, "eth0")]);
        rig.run();
        let told = KernelEvent::Foreign {
            owner: A,
            object: Object::Address(ip(local)),
        };
        assert_eq!(rig.events(), [told, KernelEvent::Installed { owner: A }]);
        rig.reconciler.adopt_or_clean(rig.now);
        rig.set(1, &[]);
        rig.run();
        assert!(rig.log().is_empty());
        rig.set(1, &[vip(wanted, "eth0")]);
        rig.run();
        rig.kernel.take(&foreign, 5, 5);
        rig.run();
        assert_eq!(rig.kernel.at(ip(local)).unwrap().protocol, TAG);
        rig.set(1, &[]);
        rig.run();
        assert!(rig.kernel.addresses.is_empty());
    }
}

/// Two owners want the same object: the lower number describes it, it goes with the last.
#[test]
fn shared_address_follows_the_owner_with_the_lower_number() {
    let mut rig = Rig::ready();
    let shared = |label: &str| vip("10.0.0.1/32", "eth0").with_label(Some(label.into()));
    rig.set(2, &[shared("eth0:b")]);
    rig.run();
    rig.set(1, &[shared("eth0:a")]);
    rig.run();
    assert_eq!(
        rig.kernel.at(ip("10.0.0.1")).unwrap().label.as_deref(),
        Some("eth0:a")
    );
    assert!(rig.reconciler.is_installed(A) && rig.reconciler.is_installed(B));
    rig.set(1, &[]);
    rig.run();
    assert_eq!(
        rig.kernel.at(ip("10.0.0.1")).unwrap().label.as_deref(),
        Some("eth0:b")
    );
    rig.set(2, &[]);
    rig.run();
    assert!(rig.kernel.addresses.is_empty());
    let answers = rig.events();
    assert!(answers.contains(&KernelEvent::Removed { owner: A }));
    assert!(answers.contains(&KernelEvent::Removed { owner: B }));
}

/// What cannot be changed in place is removed and added; what can is changed (STAT-05, STAT-06).
#[test]
fn changed_attributes_are_corrected() {
    let home = VipFlags {
        home: true,
        ..VipFlags::default()
    };
    let four = || vip("10.0.0.1/24", "eth0");
    let six = || vip("2001:db8::1/64", "eth0");
    let cases: Vec<(Vip, Vip, &[&str])> = vec![
        (four(), four().with_scope(253), &["-10.0.0.1", "+10.0.0.1"]),
        (
            four(),
            four().with_label(Some("x".into())),
            &["-10.0.0.1", "+10.0.0.1"],
        ),
        (
            four(),
            four().with_preferred_lifetime(Some(0)),
            &["~10.0.0.1"],
        ),
        (
            four().with_preferred_lifetime(Some(0)),
            four(),
            &["~10.0.0.1"],
        ),
        (
            four(),
            vip("10.0.0.1/32", "eth0"),
            &["-10.0.0.1", "+10.0.0.1"],
        ),
        (
            six(),
            vip("2001:db8::1/128", "eth0"),
            &["-2001:db8::1", "+2001:db8::1"],
        ),
        (
            six(),
            six().with_preferred_lifetime(Some(0)),
            &["~2001:db8::1"],
        ),
        (six(), six().with_flags(home), &["~2001:db8::1"]),
        (
            six(),
            six().with_peer(Some(ip("2001:db8::2"))),
            &["-2001:db8::1", "+2001:db8::1"],
        ),
    ];
    for (before, wanted, requests) in cases {
        let mut rig = Rig::ready();
        rig.set(1, &[before]);
        rig.run();
        rig.log();
        rig.events();
        rig.set(1, std::slice::from_ref(&wanted));
        rig.run();
        assert_eq!(rig.log(), requests, "{wanted:?}");
        assert_eq!(
            rig.events(),
            [KernelEvent::Installed { owner: A }],
            "{wanted:?}"
        );
        rig.reconciler.handle_overrun(rig.now);
        rig.advance(Duration::from_secs(1));
        assert!(rig.log().is_empty(), "{wanted:?}");
    }
}

/// Attributes that somebody keeps changing are corrected at growing intervals, and the address
/// counts as present meanwhile.
#[test]
fn tug_of_war_over_attributes_slows_down() {
    let mut rig = Rig::ready();
    rig.set(1, &[vip("2001:db8::1/64", "eth0")]);
    rig.run();
    rig.log();
    let mut corrections = 0;
    for _ in 0..100 {
        let mut other = rig.kernel.at(ip("2001:db8::1")).unwrap().clone();
        other.preferred = 0;
        rig.kernel.put(other, true, 0, 0);
        rig.run();
        assert!(rig.reconciler.is_installed(A));
        rig.advance(Duration::from_millis(10));
        corrections += rig.log().len();
    }
    assert!((3..=6).contains(&corrections), "{corrections} in a second");
}

/// LESSONS A4: a device that does not exist is waited for, and the wait is told once.
#[test]
fn missing_device_is_waited_for() {
    let mut rig = Rig::new();
    rig.set(1, &[vip("10.0.0.1/32", "eth7")]);
    rig.start();
    let told = failed(19, "no such device");
    assert!(rig.events().contains(&told));
    rig.reconciler.handle_overrun(rig.now);
    rig.advance(Duration::from_secs(1));
    assert!(!rig.events().contains(&told), "once is enough");
    let index = rig.kernel.add_link("eth7");
    rig.run();
    assert_eq!(rig.kernel.at(ip("10.0.0.1")).unwrap().index, index);
    assert!(rig.events().contains(&KernelEvent::Installed { owner: A }));
}

/// LESSONS A4, A8: a device that is deleted and comes back has another index; one that is renamed
/// is another device.
#[test]
fn addresses_follow_the_name_of_the_device() {
    let mut rig = Rig::ready();
    rig.reconciler.adopt_or_clean(rig.now);
    rig.set(
        1,
        &[vip("10.0.0.1/32", "eth0"), vip("2001:db8::1/128", "eth0")],
    );
    rig.run();
    rig.kernel.delete_link(1);
    rig.run();
    assert!(!rig.reconciler.is_installed(A));
    let index = rig.kernel.add_link("eth0");
    rig.events();
    rig.run();
    assert!(rig.kernel.addresses.iter().all(|a| a.index == index));
    assert!(rig.events().contains(&KernelEvent::Installed { owner: A }));
    rig.log();
    rig.kernel.rename_link(index, "old0");
    rig.kernel.rename_link(2, "eth0");
    rig.run();
    assert_eq!(
        rig.log(),
        ["-10.0.0.1", "-2001:db8::1", "+10.0.0.1", "+2001:db8::1"]
    );
    assert!(rig.kernel.addresses.iter().all(|a| a.index == 2));
    assert_eq!(rig.reconciler.counters().repaired, 0);
    let events = rig.events();
    let name = "eth0".parse().unwrap();
    assert!(events.contains(&KernelEvent::LinkGone { index, name }));
    assert!(events.contains(&KernelEvent::LinkAppeared {
        index: 2,
        name,
        up: true
    }));
}

/// LESSONS A9: IPv6 addresses vanish with the link state and are not added before it is back.
#[test]
fn ipv6_waits_while_the_link_is_off() {
    let mut rig = Rig::ready();
    rig.set(
        1,
        &[vip("10.0.0.1/32", "eth0"), vip("2001:db8::1/128", "eth0")],
    );
    rig.run();
    rig.log();
    rig.kernel.switch_link(1, false);
    rig.run();
    rig.advance(Duration::from_secs(10));
    assert!(rig.log().is_empty());
    assert!(!rig.reconciler.is_installed(A));
    rig.events();
    rig.kernel.switch_link(1, true);
    rig.run();
    assert_eq!(rig.log(), ["+2001:db8::1"]);
    let events = rig.events();
    assert_eq!(
        events.last(),
        Some(&KernelEvent::Installed { owner: A }),
        "{events:?}"
    );
    assert!(
        !events
            .iter()
            .any(|e| matches!(e, KernelEvent::Repaired { .. }))
    );
}

/// ND-13: with duplicate address detection the owner is complete when that is over.
#[test]
fn tentative_address_is_not_installed() {
    let mut rig = Rig::ready();
    let flags = VipFlags {
        dad: true,
        ..VipFlags::default()
    };
    rig.set(1, &[vip("2001:db8::1/64", "eth0").with_flags(flags)]);
    rig.run();
    assert!(rig.kernel.at(ip("2001:db8::1")).unwrap().flags & TENTATIVE != 0);
    assert!(rig.events().is_empty() && !rig.reconciler.is_installed(A));
    rig.kernel.finish_dad();
    rig.run();
    assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
}

/// Whoever changes an address of ours takes the tag off; it is put back, so that the address is
/// known as ours after a crash.
#[test]
fn lost_tag_is_put_back() {
    let mut rig = Rig::ready();
    rig.set(1, &[vip("10.0.0.1/32", "eth0")]);
    rig.run();
    let mut other = rig.kernel.at(ip("10.0.0.1")).unwrap().clone();
    other.protocol = 0;
    rig.kernel.put(other, true, 0, 0);
    rig.read();
    let mut out = Vec::new();
    assert!(rig.reconciler.poll_request(rig.now, &mut out));
    rig.kernel.request(&out);
    rig.run();
    assert_eq!(rig.log(), ["+10.0.0.1", "~10.0.0.1"]);
    assert_eq!(rig.kernel.at(ip("10.0.0.1")).unwrap().protocol, TAG);
    assert!(
        !rig.events()
            .iter()
            .any(|e| matches!(e, KernelEvent::Foreign { .. }))
    );
}

/// RFC 9568 5.1.1.1, LESSONS A9: the source is the first primary address that is no VIP, or the
/// link-local one; a wanted address is none even before it is ours.
#[test]
fn source_is_never_a_vip() {
    let mut rig = Rig::new();
    let put = |rig: &mut Rig, address: &str, prefix_len, flags| {
        let mut address = rig.kernel.foreign(1, ip(address), prefix_len);
        address.flags = flags;
        rig.kernel.put(address, false, 0, 0);
    };
    put(&mut rig, "192.0.2.1", 24, PERMANENT);
    put(&mut rig, "192.0.2.2", 24, PERMANENT);
    put(&mut rig, "198.51.100.7", 24, PERMANENT);
    put(&mut rig, "fe80::51", 64, PERMANENT);
    put(&mut rig, "fe80::1", 64, PERMANENT | TENTATIVE);
    put(&mut rig, "2001:db8::1", 64, PERMANENT);
    rig.set(
        1,
        &[vip("192.0.2.1/24", "eth0"), vip("fe80::51/64", "eth0")],
    );
    rig.start();
    assert_eq!(
        rig.reconciler.source_ipv4(1).map(Into::into),
        Some(ip("198.51.100.7"))
    );
    assert_eq!(rig.reconciler.source_ipv6(1), None);
    rig.events();
    rig.kernel.finish_dad();
    rig.run();
    assert_eq!(
        rig.reconciler.source_ipv6(1).map(Into::into),
        Some(ip("fe80::1"))
    );
    let told = KernelEvent::AddressAppeared {
        index: 1,
        address: ip("fe80::1"),
        prefix_len: 64,
    };
    assert_eq!(rig.events(), [told]);
    rig.set(1, &[]);
    assert_eq!(
        rig.reconciler.source_ipv4(1).map(Into::into),
        Some(ip("192.0.2.1"))
    );
    assert_eq!(rig.reconciler.source_ipv4(9), None);
}

/// DESIGN "one grammar": early and repeated calls do nothing.
#[test]
fn early_and_repeated_calls_do_nothing() {
    let mut reconciler = Reconciler::new(Tag::KEEPALIVED);
    let now = netlink_vip::Instant::from_nanos(0);
    reconciler.handle_timeout(now);
    assert_eq!(reconciler.next_timeout(), None);
    assert!(!reconciler.poll_request(now, &mut vec![1]));
    reconciler.set(now, A, Desired::default());
    assert_eq!(
        reconciler.poll_event(),
        Some(KernelEvent::Removed { owner: A })
    );
    assert_eq!(reconciler.poll_event(), None);
    let mut rig = Rig::ready();
    let sends = rig.sends;
    for _ in 0..3 {
        rig.reconciler.handle_timeout(rig.now);
        rig.run();
    }
    assert_eq!(rig.sends, sends);
}
