//! Laws of the plan, and of the reconciler under chaos.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use common::{Rig, TAG, ip, vip};
use netlink_vip::{
    AddressFlags, Change, Desired, FOREVER, InterfaceName, Link, Observed, ObservedAddress,
    OwnerId, Tag, Vip, VipFlags, plan,
};
use proptest::prelude::*;

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

/// Few addresses on few devices, so that wishes meet what is there and each other.
fn any_vip() -> impl Strategy<Value = Vip> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let extras = (0..3_u8, 0..3_u8, 0..3_u8, flags);
    (0..6_u8, 0..2_u8, 0..3_u8, extras).prop_map(|(host, wide, device, extras)| {
        let (scope, label, lifetime, (home, noprefixroute, autojoin)) = extras;
        let address: IpAddr = if host < 3 {
            Ipv4Addr::new(10, 0, 0, host).into()
        } else {
            ip(&format!("2001:db8::{host}"))
        };
        let prefix_len = if address.is_ipv4() {
            [32, 24]
        } else {
            [128, 64]
        };
        let device = name(["eth0", "eth1", "eth9"][usize::from(device)]);
        Vip::new(address, prefix_len[usize::from(wide)], device)
            .with_scope([0, 253, 254][usize::from(scope)])
            .with_label([None, Some("x".into()), Some("eth0:1".into())][usize::from(label)].clone())
            .with_broadcast((label == 1).then_some(Ipv4Addr::new(10, 0, 0, 255)))
            .with_peer((scope == 2).then(|| if host < 3 { ip("10.0.0.99") } else { ip("::9") }))
            .with_preferred_lifetime([None, Some(0), Some(60)][usize::from(lifetime)])
            .with_flags(VipFlags {
                home,
                noprefixroute,
                autojoin,
                ..VipFlags::default()
            })
    })
}

fn any_desired() -> impl Strategy<Value = BTreeMap<OwnerId, Desired>> {
    let vips = proptest::collection::vec(any_vip(), 0..6).prop_map(Desired::addresses);
    proptest::collection::btree_map((0..3_u32).prop_map(OwnerId), vips, 0..3)
}

/// Links with some addresses, ours and foreign, as if somebody had once wanted them.
fn any_observed() -> impl Strategy<Value = Observed> {
    let there = (any_vip(), any::<bool>(), 0..4_u8);
    let links = (any::<bool>(), any::<bool>());
    (links, proptest::collection::vec(there, 0..8)).prop_map(|((up, both), there)| {
        let mut observed = Observed::new();
        let mut eth0 = Link::new(1, name("eth0"));
        eth0.flags.admin_up = up;
        observed.insert_link(eth0);
        if both {
            observed.insert_link(Link::new(2, name("eth1")));
        }
        for (vip, ours, odd) in there {
            let Some(index) = observed.link(vip.device.as_str()).map(|link| link.index) else {
                continue;
            };
            let mut seen = ObservedAddress::expected(index, &vip, Tag(TAG));
            seen.ours = ours;
            if odd == 0 {
                seen.flags = seen.flags.with(AddressFlags::SECONDARY);
            }
            if odd == 1 && vip.address.is_ipv6() {
                seen.flags = seen.flags.with(AddressFlags::DADFAILED);
            }
            observed.insert_address(seen);
        }
        observed
    })
}

fn apply(observed: &mut Observed, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Remove(seen) => {
                assert!(seen.ours);
                assert!(
                    observed.remove_address(seen).is_some(),
                    "not there: {seen:?}"
                );
            }
            Change::Add { index, vip } => {
                let seen = ObservedAddress::expected(*index, vip, Tag(TAG));
                assert_eq!(
                    observed.insert_address(seen),
                    None,
                    "there already: {vip:?}"
                );
            }
            Change::Replace { index, vip } => {
                let seen = ObservedAddress::expected(*index, vip, Tag(TAG));
                assert!(observed.insert_address(seen).unwrap().ours);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn all(observed: &Observed, ours: bool) -> Vec<ObservedAddress> {
    let links: Vec<_> = observed.links().map(|link| link.index).collect();
    let all = links.iter().flat_map(|index| observed.addresses(*index));
    all.filter(|seen| seen.ours == ours).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// STYLE "property tests": apply(plan(observed, desired)) holds what is desired and nothing
    /// else of ours; a second plan is empty; others' addresses stay as they were (LESSONS E4, E10).
    #[test]
    fn carrying_out_the_plan_reaches_the_desired_state(
        before in any_observed(),
        desired in any_desired(),
    ) {
        let mut after = before.clone();
        apply(&mut after, &plan(&before, &desired));
        prop_assert_eq!(plan(&after, &desired), vec![]);
        prop_assert_eq!(all(&after, false), all(&before, false));
        let mut wanted = BTreeSet::new();
        for vip in desired.values().flat_map(|d| &d.addresses) {
            let Some(link) = after.link(vip.device.as_str()) else { continue };
            let there: Vec<_> = after.addresses(link.index).collect();
            let here = there.iter().any(|seen| seen.address == vip.address);
            prop_assert!(here || (vip.address.is_ipv6() && !link.flags.admin_up), "{:?}", vip);
            wanted.insert((link.index, vip.address));
        }
        for seen in all(&after, true) {
            prop_assert!(wanted.contains(&(seen.index, seen.address)), "surplus: {:?}", seen);
        }
    }

    /// The plan is a function: equal input, equal output.
    #[test]
    fn plan_is_deterministic(before in any_observed(), desired in any_desired()) {
        prop_assert_eq!(plan(&before, &desired), plan(&before.clone(), &desired.clone()));
    }
}

/// A sign and the address, for each change.
fn told(changes: &[Change]) -> Vec<String> {
    let words = changes.iter().map(|change| match change {
        Change::Remove(seen) => format!("-{}", seen.address),
        Change::Add { vip, .. } => format!("+{}", vip.address),
        Change::Replace { vip, .. } => format!("~{}", vip.address),
        other => panic!("{other:?}"),
    });
    words.collect()
}

/// VIP-01: additions in the order of owners and configuration, removals before them.
#[test]
fn plan_keeps_the_configured_order() {
    let mut observed = Observed::new();
    observed.insert_link(Link::new(1, name("eth0")));
    let old = vip("10.0.0.9/32", "eth0");
    observed.insert_address(ObservedAddress::expected(1, &old, Tag(TAG)));
    let vips = ["10.0.0.3/32", "10.0.0.1/32", "10.0.0.3/32", "10.0.0.2/32"].map(|a| vip(a, "eth0"));
    let first = Desired::addresses(vec![vip("10.0.0.7/32", "eth0")]);
    let second = Desired::addresses(vips.to_vec());
    let desired = BTreeMap::from([(OwnerId(2), second), (OwnerId(1), first)]);
    assert_eq!(
        told(&plan(&observed, &desired)),
        [
            "-10.0.0.9",
            "+10.0.0.7",
            "+10.0.0.3",
            "+10.0.0.1",
            "+10.0.0.2"
        ]
    );
}

/// LESSONS E10: a primary address that goes takes the secondaries of its subnet along.
#[test]
fn secondaries_go_before_their_primary() {
    let mut observed = Observed::new();
    observed.insert_link(Link::new(1, name("eth0")));
    for (host, secondary) in [(1, false), (2, true)] {
        let old = vip(&format!("10.0.0.{host}/24"), "eth0");
        let mut seen = ObservedAddress::expected(1, &old, Tag(TAG));
        if secondary {
            seen.flags = seen.flags.with(AddressFlags::SECONDARY);
        }
        observed.insert_address(seen);
    }
    assert_eq!(
        told(&plan(&observed, &BTreeMap::new())),
        ["-10.0.0.2", "-10.0.0.1"]
    );
}

/// What the plan is for one address, if the kernel shows what one wish led to and another one is wanted,
/// or if somebody has changed what it shows.
fn plan_for(before: &Vip, wanted: &Vip, meddle: impl Fn(&mut ObservedAddress)) -> Vec<String> {
    let mut observed = Observed::new();
    observed.insert_link(Link::new(1, name("eth0")));
    let mut seen = ObservedAddress::expected(1, before, Tag(TAG));
    // Duplicate address detection is over.
    seen.flags = AddressFlags(seen.flags.0 & !AddressFlags::TENTATIVE.0);
    meddle(&mut seen);
    observed.insert_address(seen);
    let desired = Desired::addresses(vec![wanted.clone()]);
    told(&plan(&observed, &BTreeMap::from([(OwnerId(1), desired)])))
}

/// VIP-01: each flag by itself is reason enough, and only what the kernel cannot change makes the address go.
#[test]
fn each_flag_of_an_address_is_compared() {
    let four = vip("10.0.0.1/24", "eth0");
    let six = vip("2001:db8::1/64", "eth0");
    let flags: [(fn(&mut VipFlags), _, _); 5] = [
        (|flags| flags.home = true, "", "~"),
        (|flags| flags.mngtmpaddr = true, "", "~"),
        (|flags| flags.noprefixroute = true, "-+", "~"),
        (|flags| flags.autojoin = true, "-+", "-+"),
        (|flags| flags.dad = !flags.dad, "", "~"),
    ];
    for (at, (set, of_four, of_six)) in flags.into_iter().enumerate() {
        for (plain, signs) in [(&four, of_four), (&six, of_six)] {
            let mut changed = plain.flags;
            set(&mut changed);
            let changed = plain.clone().with_flags(changed);
            let expected: Vec<_> = signs
                .chars()
                .map(|sign| format!("{sign}{}", plain.address))
                .collect();
            assert_eq!(plan_for(plain, &changed, |_| {}), expected, "{at} set");
            assert_eq!(plan_for(&changed, plain, |_| {}), expected, "{at} cleared");
        }
    }
}

/// VIP-01: a lifetime that counts down is as wanted until it is longer than it can be.
#[test]
fn a_preferred_lifetime_may_count_down_and_not_up() {
    let four = |seconds| vip("10.0.0.1/24", "eth0").with_preferred_lifetime(seconds);
    let six = |seconds| vip("2001:db8::1/64", "eth0").with_preferred_lifetime(seconds);
    let left = |preferred| move |seen: &mut ObservedAddress| seen.preferred = preferred;
    let deprecated =
        |seen: &mut ObservedAddress| seen.flags = seen.flags.with(AddressFlags::DEPRECATED);
    let none: [&str; 0] = [];
    for seconds in [60, 59, 1] {
        let wanted = six(Some(60));
        assert_eq!(plan_for(&wanted, &wanted, left(seconds)), none, "{seconds}");
    }
    for seconds in [61, FOREVER] {
        let wanted = six(Some(60));
        let replaced = ["~2001:db8::1"];
        assert_eq!(
            plan_for(&wanted, &wanted, left(seconds)),
            replaced,
            "{seconds}"
        );
    }
    // Of an IPv4 address that is valid for ever the kernel shows no other lifetime.
    assert_eq!(
        plan_for(&four(Some(60)), &four(Some(60)), left(FOREVER)),
        none
    );
    // For ever is for ever, whichever way that was said.
    for forever in [None, Some(FOREVER)] {
        assert_eq!(plan_for(&six(forever), &six(forever), |_| {}), none);
        assert_eq!(
            plan_for(&six(forever), &six(forever), left(60)),
            ["~2001:db8::1"]
        );
        assert_eq!(
            plan_for(&four(forever), &four(forever), deprecated),
            ["~10.0.0.1"]
        );
    }
}

/// One thing that can happen.
#[derive(Clone, Debug)]
enum Chaos {
    Set(u32, Vec<usize>),
    ForeignAdd(usize, u32),
    Take(usize),
    Tamper(usize),
    DeleteLink(u32),
    AddLink(usize),
    Rename(u32, usize),
    Switch(u32, bool),
    Lossy(bool),
    Refuse(usize),
    CommandFirst(bool),
    Interrupt,
    Deaf(bool),
    FinishDad,
    Turn,
    Send,
    Run,
    Advance(u64),
}

const NAMES: [&str; 3] = ["eth0", "eth1", "eth2"];

fn palette() -> Vec<Vip> {
    let dad = VipFlags {
        dad: true,
        ..VipFlags::default()
    };
    vec![
        vip("10.0.0.1/32", "eth0"),
        vip("10.0.0.2/32", "eth1"),
        vip("10.0.0.1/32", "eth0").with_label(Some("eth0:x".into())),
        vip("172.16.0.1/24", "eth0"),
        vip("172.16.0.2/24", "eth0"),
        vip("172.16.0.3/24", "eth0").with_preferred_lifetime(Some(0)),
        vip("2001:db8::1/128", "eth0"),
        vip("2001:db8::1/64", "eth0"),
        vip("2001:db8::2/128", "eth1").with_preferred_lifetime(Some(0)),
        vip("2001:db8::3/64", "eth1").with_flags(dad),
        vip("fe80::51/64", "eth2"),
        vip("10.0.0.3/32", "eth2"),
    ]
}

const FOREIGN: [(&str, u8); 6] = [
    ("10.0.0.1", 32),
    ("10.0.0.2", 32),
    ("10.9.9.9", 32),
    ("2001:db8::1", 64),
    ("2001:db8::2", 128),
    ("2001:db8::99", 64),
];

fn any_chaos() -> impl Strategy<Value = Chaos> {
    prop_oneof![
        4 => (1..4_u32, proptest::collection::vec(0..12_usize, 0..5))
            .prop_map(|(owner, vips)| Chaos::Set(owner, vips)),
        2 => (0..6_usize, 1..6_u32).prop_map(|(n, link)| Chaos::ForeignAdd(n, link)),
        3 => (0..20_usize).prop_map(Chaos::Take),
        1 => (0..20_usize).prop_map(Chaos::Tamper),
        1 => (1..6_u32).prop_map(Chaos::DeleteLink),
        1 => (0..3_usize).prop_map(Chaos::AddLink),
        1 => (1..6_u32, 0..3_usize).prop_map(|(link, name)| Chaos::Rename(link, name)),
        1 => (1..6_u32, any::<bool>()).prop_map(|(link, up)| Chaos::Switch(link, up)),
        1 => any::<bool>().prop_map(Chaos::Lossy),
        1 => (0..12_usize).prop_map(Chaos::Refuse),
        1 => any::<bool>().prop_map(Chaos::CommandFirst),
        1 => Just(Chaos::Interrupt),
        1 => prop_oneof![1 => Just(true), 3 => Just(false)].prop_map(Chaos::Deaf),
        1 => Just(Chaos::FinishDad),
        4 => Just(Chaos::Turn),
        2 => Just(Chaos::Send),
        2 => Just(Chaos::Run),
        2 => (1..2000_u64).prop_map(Chaos::Advance),
    ]
}

fn strike(rig: &mut Rig, wishes: &mut BTreeMap<u32, Vec<Vip>>, chaos: Chaos) {
    // Not the loopback interface's: it shows that the kernel knows tags.
    let nth = |rig: &Rig, n: usize| {
        let there: Vec<_> = rig
            .kernel
            .addresses
            .iter()
            .filter(|a| a.index != 100)
            .collect();
        (!there.is_empty()).then(|| there[n % there.len()].clone())
    };
    match chaos {
        Chaos::Set(owner, vips) => {
            let vips: Vec<_> = vips.into_iter().map(|n| palette()[n].clone()).collect();
            rig.set(owner, &vips);
            wishes.insert(owner, vips);
        }
        Chaos::ForeignAdd(n, link) if rig.kernel.links.contains_key(&link) => {
            let (address, prefix_len) = FOREIGN[n];
            let address = rig.kernel.foreign(link, ip(address), prefix_len);
            rig.kernel.put(address, false, 7, 7);
        }
        Chaos::Take(n) => {
            if let Some(address) = nth(rig, n) {
                rig.kernel.take(&address, 7, 7);
            }
        }
        Chaos::Tamper(n) => {
            if let Some(mut address) = nth(rig, n).filter(|a| a.local.is_ipv6()) {
                address.preferred = 5;
                rig.kernel.put(address, true, 7, 7);
            }
        }
        Chaos::DeleteLink(link) if rig.kernel.links.contains_key(&link) => {
            rig.kernel.delete_link(link);
        }
        Chaos::AddLink(n) if free(rig, NAMES[n]) => {
            rig.kernel.add_link(NAMES[n]);
        }
        Chaos::Rename(link, n) if rig.kernel.links.contains_key(&link) && free(rig, NAMES[n]) => {
            rig.kernel.rename_link(link, NAMES[n]);
        }
        Chaos::Switch(link, up) if rig.kernel.links.contains_key(&link) => {
            rig.kernel.switch_link(link, up);
        }
        Chaos::Lossy(lossy) => rig.kernel.lossy = lossy,
        Chaos::Refuse(n) => {
            rig.kernel.refuse.insert(palette()[n].address, (1, "no"));
        }
        Chaos::CommandFirst(first) => rig.command_first = first,
        Chaos::Interrupt => rig.kernel.interrupt_dumps += 1,
        Chaos::Deaf(deaf) => rig.kernel.deaf = deaf,
        Chaos::FinishDad => rig.kernel.finish_dad(),
        Chaos::Turn => {
            rig.turn();
        }
        Chaos::Send => {
            rig.send();
        }
        Chaos::Run => rig.run(),
        Chaos::Advance(millis) => rig.advance(Duration::from_millis(millis)),
        _ => {}
    }
}

fn free(rig: &Rig, name: &str) -> bool {
    rig.kernel.links.values().all(|link| link.name != name)
}

fn calm(rig: &mut Rig) {
    rig.kernel.lossy = false;
    rig.kernel.deaf = false;
    rig.kernel.refuse.clear();
    rig.run();
    for _ in 0..3 {
        rig.advance(Duration::from_secs(60));
        rig.kernel.finish_dad();
    }
    rig.run();
}

fn check(rig: &Rig, wishes: &BTreeMap<u32, Vec<Vip>>) {
    let desired: BTreeMap<_, _> = wishes
        .iter()
        .map(|(owner, vips)| (OwnerId(*owner), Desired::addresses(vips.clone())))
        .collect();
    let observed = rig.reconciler.observed();
    // The mirror is true.
    let mut mirror: Vec<_> = observed
        .links()
        .flat_map(|link| observed.addresses(link.index))
        .map(|a| {
            (
                a.index,
                a.address,
                a.prefix_len,
                a.preferred,
                a.flags.0,
                a.protocol,
            )
        })
        .collect();
    mirror.sort_unstable();
    let there = rig.kernel.addresses.iter();
    let mut there: Vec<_> = there
        .map(|a| {
            (
                a.index,
                a.local,
                a.prefix_len,
                a.preferred,
                a.flags,
                a.protocol,
            )
        })
        .collect();
    there.sort_unstable();
    // Which of a subnet is secondary is only told by notifications, which may have been lost.
    for row in mirror.iter_mut().chain(&mut there) {
        row.4 &= !common::SECONDARY;
    }
    assert_eq!(mirror, there);
    let links: Vec<_> = observed
        .links()
        .map(|link| (link.index, link.name.to_string()))
        .collect();
    let real: Vec<_> = rig
        .kernel
        .links
        .iter()
        .map(|(i, link)| (*i, link.name.clone()))
        .collect();
    assert_eq!(links, real);
    // Nothing is left to do.
    assert_eq!(plan(observed, &desired), []);
    assert!(rig.reconciler.is_idle());
    // Owners know it.
    for (owner, desired) in &desired {
        let complete = desired.addresses.iter().all(|vip| {
            let link = observed.link(vip.device.as_str());
            link.is_some_and(|link| {
                observed
                    .addresses(link.index)
                    .any(|seen| seen.address == vip.address)
            })
        });
        let installed = rig.reconciler.is_installed(*owner);
        assert_eq!(installed, complete && !desired.is_empty(), "{owner:?}");
    }
}

fn live_through(script: Vec<Chaos>) {
    let mut rig = Rig::new();
    rig.kernel.add_loopback();
    rig.reconciler.start(rig.now);
    rig.reconciler.adopt_or_clean(rig.now);
    let mut wishes = BTreeMap::new();
    for chaos in script {
        strike(&mut rig, &mut wishes, chaos);
    }
    calm(&mut rig);
    check(&rig, &wishes);
    // And all goes away in the end.
    for owner in wishes.keys() {
        rig.set(*owner, &[]);
    }
    rig.run();
    rig.advance(Duration::from_secs(60));
    assert!(rig.kernel.addresses.iter().all(|a| a.protocol != TAG));
}

/// Scripts that once failed.
#[test]
fn what_once_went_wrong_goes_well() {
    use Chaos::{DeleteLink, FinishDad, ForeignAdd, Lossy, Run, Set, Take, Tamper, Turn};
    let scripts = [
        // An old notification, read after the loss of newer ones, outweighed the dump.
        vec![Run, Set(1, vec![9]), Turn, Lossy(true), FinishDad],
        // Ours was replaced by an equal foreign one while notifications were lost.
        vec![
            Set(1, vec![0, 8]),
            Run,
            Lossy(true),
            Take(1),
            ForeignAdd(4, 2),
        ],
        // The device went while a correction of its address was not answered.
        vec![
            Chaos::AddLink(2),
            Set(1, vec![0, 3]),
            Set(3, vec![10, 4]),
            Run,
            Take(3),
            Take(8),
            Turn,
            Set(1, vec![]),
            Turn,
            Tamper(0),
            Turn,
            DeleteLink(3),
        ],
    ];
    for script in scripts {
        live_through(script);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// LESSONS E5, E10, E12: whatever happens in whatever order, once it is calm the kernel holds
    /// what is wanted, nothing else of ours, and all that others put; and the mirror is true.
    #[test]
    fn after_any_chaos_the_kernel_holds_what_is_wanted(
        script in proptest::collection::vec(any_chaos(), 0..60),
    ) {
        live_through(script);
    }
}
