//! Routes and rules against a fake kernel, and the law of their plan.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Rig, TAG, ip, vip};
use netlink_vip::{
    Change, Desired, Hop, InterfaceName, KernelEvent, Link, Metric, Object, Observed,
    ObservedRoute, ObservedRule, OwnerId, Prefix, Route, RouteKind, Rule, RuleAction, Tag, plan,
};
use proptest::prelude::*;

const A: OwnerId = OwnerId(1);

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix::new(address.parse().unwrap(), length.parse().unwrap())
}

fn route(destination: &str, via: Option<&str>, device: &str) -> Route {
    let hop = Hop::new(via.map(ip), Some(name(device)));
    Route::new(prefix(destination), vec![hop])
}

fn rule(preference: u32, from: &str, table: u32) -> Rule {
    let mut rule = Rule::new(false, preference, RuleAction::Lookup(table));
    rule.from = Some(prefix(from));
    rule
}

fn desired() -> Desired {
    Desired::addresses(vec![vip("10.0.0.1/24", "eth0")])
        .with_routes(vec![route("10.9.0.0/16", Some("10.0.0.9"), "eth0")])
        .with_rules(vec![rule(100, "10.9.0.0/16", 7)])
}

fn installed() -> Rig {
    let mut rig = Rig::ready();
    rig.reconciler.set(rig.now, A, desired());
    rig.run();
    assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
    rig
}

/// VIP-04, VIP-05: an address before the route that needs it, a route before the rule; and the
/// other way round.
#[test]
fn addresses_come_first_and_go_last() {
    let mut rig = installed();
    assert_eq!(rig.log(), ["+10.0.0.1", "+route", "+rule"]);
    rig.reconciler.set(rig.now, A, Desired::default());
    rig.run();
    assert_eq!(rig.events(), [KernelEvent::Removed { owner: A }]);
    assert_eq!(rig.log(), ["-rule", "-route", "-10.0.0.1"]);
    assert!(rig.kernel.entries.is_empty());
}

/// Nothing is written when the same is wanted again.
#[test]
fn an_equal_wish_is_no_request() {
    let mut rig = installed();
    rig.log();
    rig.reconciler.set(rig.now, A, desired());
    rig.run();
    assert!(rig.log().is_empty());
    rig.reconciler.resync_routes(rig.now);
    rig.advance(Duration::from_secs(1));
    assert!(rig.log().is_empty());
}

/// STAT-02, STAT-03, VIP-06: what somebody else removes is back at once and counted; what is
/// removed again and again comes back later and later, and the owner is told.
#[test]
fn a_route_or_rule_that_others_remove_comes_back() {
    for (kind, class) in [(24_u16, "route"), (32, "rule")] {
        let mut rig = installed();
        let (_, body) = rig.kernel.entries.iter().find(|(k, _)| *k == kind).unwrap();
        let body = body.clone();
        for time in 1..=6_u32 {
            assert_eq!(rig.kernel.change_entry(kind + 1, 0, 7, 7, &body), 0);
            rig.run();
            let events = rig.events();
            let gave_up = events.iter().any(
                |e| matches!(e, KernelEvent::GaveUp { object, .. } if object.class() == class),
            );
            assert_eq!(gave_up, time == 6, "{time}: {events:?}");
            rig.advance(Duration::from_secs(4));
            let events = rig.events();
            if time > 1 {
                let repaired = |e: &KernelEvent| matches!(e, KernelEvent::Repaired { object, times, .. } if object.class() == class && *times == time);
                assert!(events.iter().any(repaired), "{time}: {events:?}");
            }
            assert_eq!(rig.kernel.entries.len(), 2, "{class} {time}");
        }
        assert_eq!(rig.reconciler.counters().repaired, 6);
    }
}

/// The kernel drops IPv4 routes without a word when their link goes down.
#[test]
fn routes_vanish_with_their_link_and_come_back_with_it() {
    let mut rig = installed();
    rig.log();
    rig.kernel.switch_link(1, false);
    rig.advance(Duration::from_secs(2));
    assert_eq!(rig.kernel.entries.len(), 1, "the rule stays");
    assert!(!rig.reconciler.is_installed(A));
    rig.kernel.switch_link(1, true);
    rig.advance(Duration::from_millis(1));
    assert_eq!(rig.kernel.entries.len(), 2);
    assert!(rig.reconciler.is_installed(A));
    let events = rig.events();
    assert!(
        events.contains(&KernelEvent::Installed { owner: A }),
        "{events:?}"
    );
    let harmless =
        |e: &KernelEvent| !matches!(e, KernelEvent::Repaired { .. } | KernelEvent::GaveUp { .. });
    assert!(events.iter().all(harmless), "{events:?}");
    assert_eq!(rig.log(), ["+route"]);
}

/// VIP-04: a route that leads nowhere needs no device, also if its definition names one.
#[test]
fn a_blackhole_does_not_wait_for_the_device_it_names() {
    let mut rig = Rig::ready();
    let mut blackhole = route("10.9.0.0/16", None, "eth9");
    blackhole.kind = RouteKind::BLACKHOLE;
    let wanted = Desired::default().with_routes(vec![blackhole]);
    rig.reconciler.set(rig.now, A, wanted);
    rig.run();
    assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
    assert_eq!(rig.kernel.entries.len(), 1);
}

/// A route whose source address somebody removes goes without a word, too; both come back.
#[test]
fn a_route_comes_back_after_its_source_address() {
    let mut rig = Rig::ready();
    let mut with_source = route("10.9.0.0/16", Some("10.0.0.9"), "eth0");
    with_source.preferred_source = Some(ip("10.0.0.1"));
    let wanted =
        Desired::addresses(vec![vip("10.0.0.1/24", "eth0")]).with_routes(vec![with_source]);
    rig.reconciler.set(rig.now, A, wanted);
    rig.run();
    let address = rig.kernel.at(ip("10.0.0.1")).unwrap().clone();
    rig.kernel.take(&address, 0, 0);
    rig.advance(Duration::from_secs(1));
    assert!(rig.reconciler.is_installed(A));
    assert_eq!(rig.kernel.entries.len(), 1);
    assert!(rig.kernel.at(ip("10.0.0.1")).is_some());
}

/// VIP-09: what a killed run left behind is adopted if it is wanted and removed if not; what others
/// put stays.
#[test]
fn leftovers_are_adopted_or_removed() {
    let mut rig = installed();
    let kernel = core::mem::take(&mut rig.kernel);
    let mut rig = Rig::new();
    rig.kernel = kernel;
    let mut foreign = rig.kernel.entries.clone();
    for (_, body) in &mut foreign {
        // Another protocol: of the route in the header, of the rule in its last attribute.
        body[5] = if body[5] == TAG { 4 } else { body[5] };
        let last = body.len() - 4;
        if body[last] == TAG {
            body[last] = 4;
        }
    }
    foreign.retain(|entry| !rig.kernel.entries.contains(entry));
    rig.kernel.entries.extend(foreign.clone());
    rig.start();
    rig.log();
    let kept = Desired::addresses(vec![vip("10.0.0.1/24", "eth0")]).with_routes(desired().routes);
    rig.reconciler.set(rig.now, A, kept);
    rig.reconciler.adopt_or_clean(rig.now);
    rig.run();
    assert_eq!(rig.log(), ["-rule"]);
    assert!(rig.reconciler.is_installed(A));
    let mut left = rig.kernel.entries.clone();
    left.retain(|entry| !foreign.contains(entry));
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        foreign
            .iter()
            .all(|entry| rig.kernel.entries.contains(entry))
    );
}

/// A changed route takes the place of the old one.
#[test]
fn a_changed_route_replaces_its_former_self() {
    let mut rig = installed();
    rig.log();
    let mut changed = desired();
    changed.routes[0].metrics.set(Metric::Mtu, 1400, true);
    rig.reconciler.set(rig.now, A, changed);
    rig.run();
    assert_eq!(rig.log(), ["-route", "+route"]);
    assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
    assert_eq!(rig.kernel.entries.len(), 2);
}

/// A refusal is told with the route's name, and tried again.
#[test]
fn a_refused_route_is_told_by_name_and_tried_again() {
    let mut rig = Rig::ready();
    rig.kernel.refuse_entries.insert(24, 101);
    rig.reconciler.set(rig.now, A, desired());
    rig.run();
    let failed = rig.events().into_iter().find_map(|e| match e {
        KernelEvent::Failed { object, errno, .. } => Some((object, errno)),
        _ => None,
    });
    let (object, errno) = failed.unwrap();
    assert_eq!(object.to_string(), "10.9.0.0/16 via 10.0.0.9 dev eth0");
    assert_eq!(errno, 101);
    let missing = rig.reconciler.missing(A);
    assert_eq!(missing.len(), 1);
    assert!(missing[0].for_longer && missing[0].object == object);
    rig.kernel.refuse_entries.clear();
    rig.advance(Duration::from_secs(1));
    assert!(rig.events().contains(&KernelEvent::Installed { owner: A }));
    assert!(rig.reconciler.missing(A).is_empty());
}

/// A rule that is there already as somebody else's counts, is told, and stays.
#[test]
fn a_foreign_rule_is_left_alone() {
    let mut rig = installed();
    let (kind, mut body) = rig.kernel.entries.pop().unwrap();
    let at = body.len() - 4;
    assert_eq!(body[at], TAG);
    body[at] = 4;
    let mut rig = Rig::new();
    rig.kernel.entries.push((kind, body.clone()));
    rig.start();
    rig.reconciler.set(rig.now, A, desired());
    rig.run();
    rig.advance(Duration::from_secs(1));
    let events = rig.events();
    assert!(
        // Told of.
        events.iter().any(|e| matches!(
            e,
            KernelEvent::Foreign {
                object: Object::Rule(_),
                ..
            }
        )),
        "{events:?}"
    );
    assert!(rig.reconciler.is_installed(A));
    rig.reconciler.set(rig.now, A, Desired::default());
    rig.run();
    assert_eq!(rig.kernel.entries, [(kind, body.clone())]);
    // And when the other one goes, ours comes.
    rig.reconciler.set(rig.now, A, desired());
    rig.run();
    rig.advance(Duration::from_secs(1));
    rig.kernel.change_entry(33, 0, 7, 7, &body);
    rig.run();
    let rules = rig.kernel.entries.iter().filter(|(k, _)| *k == 32).count();
    assert_eq!(rules, 1);
    assert_eq!(
        rig.reconciler
            .observed()
            .rules()
            .filter(|seen| seen.ours)
            .count(),
        1
    );
}

/// VIP-09: what came with our tag while the same was asked for is ours, and no reason to look again.
#[test]
fn what_came_while_it_was_asked_for_is_ours() {
    for kind in [24, 32] {
        let theirs = installed().kernel.entries;
        let (_, body) = theirs.iter().find(|(known, _)| *known == kind).unwrap();
        let mut rig = Rig::ready();
        rig.reconciler.set(rig.now, A, desired());
        rig.kernel.change_entry(kind, 0, 7, 7, body);
        let before = rig.sends;
        rig.send();
        rig.advance(Duration::from_secs(5));
        assert_eq!(rig.sends - before, 1, "{kind}");
        assert_eq!(rig.events(), [KernelEvent::Installed { owner: A }]);
        assert!(rig.reconciler.observed().routes().all(|seen| seen.ours));
    }
}

/// Lost notifications of routes are made good by a dump.
#[test]
fn an_overrun_is_followed_by_repair() {
    let mut rig = installed();
    rig.kernel.lossy = true;
    for (kind, body) in rig.kernel.entries.clone() {
        rig.kernel.change_entry(kind + 1, 0, 7, 7, &body);
    }
    rig.kernel.lossy = false;
    rig.advance(Duration::from_secs(1));
    assert_eq!(rig.kernel.entries.len(), 2);
    assert!(rig.reconciler.is_installed(A));
}

fn any_route() -> impl Strategy<Value = Route> {
    let hop = (0..3_u8, 0..2_u8).prop_map(|(via, device)| {
        let via = [None, Some("10.0.0.9"), Some("10.0.0.8")][usize::from(via)];
        Hop::new(
            via.map(ip),
            Some(name(["eth0", "eth9"][usize::from(device)])),
        )
    });
    let six = (1..3_u16).prop_map(|host| {
        let via = format!("2001:db8::{host}");
        Hop::new(Some(ip(&via)), Some(name("eth0")))
    });
    let four = (
        0..3_u8,
        proptest::collection::vec(hop, 1..3),
        0..4_u8,
        0..3_u8,
    );
    let four = four.prop_map(|(net, hops, metric, odd)| {
        let mut route = Route::new(prefix(&format!("10.{net}.0.0/16")), hops);
        route.metric = [None, Some(0), Some(5), Some(1024)][usize::from(metric)];
        match odd {
            0 => route.kind = RouteKind::BLACKHOLE,
            1 => route.metrics.set(Metric::Mtu, 1400, false),
            _ => {}
        }
        route
    });
    let six = proptest::collection::vec(six, 1..3).prop_map(|hops| {
        let mut hops = hops;
        hops.dedup();
        Route::new(prefix("2001:db8:9::/48"), hops)
    });
    prop_oneof![four, six]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    (0..3_u32, 0..3_u8, 1..3_u32, any::<bool>()).prop_map(|(preference, from, table, odd)| {
        let from = ["10.0.0.0/8", "0.0.0.0/0", "10.1.0.0/16"][usize::from(from)];
        let mut rule = rule(preference, from, table);
        if odd {
            rule.mark = Some((0, 0));
        }
        rule
    })
}

fn any_wishes() -> impl Strategy<Value = BTreeMap<OwnerId, Desired>> {
    let routes = proptest::collection::vec(any_route(), 0..5);
    let rules = proptest::collection::vec(any_rule(), 0..5);
    let one = (routes, rules)
        .prop_map(|(routes, rules)| Desired::default().with_routes(routes).with_rules(rules));
    proptest::collection::btree_map((0..3_u32).prop_map(OwnerId), one, 0..3)
}

/// Every wanted route over a device that exists is there, and every rule; each of ours is wanted.
fn check(observed: &Observed, wishes: &BTreeMap<OwnerId, Desired>) -> Result<(), TestCaseError> {
    let mut wanted = Vec::new();
    for route in wishes.values().flat_map(|wish| &wish.routes) {
        // IPv6 knows no route with several hops, only several routes.
        let hops: Vec<Vec<Hop>> = if route.destination.address.is_ipv6() {
            route.hops.iter().map(|hop| vec![hop.clone()]).collect()
        } else {
            vec![route.hops.clone()]
        };
        for hops in hops {
            let possible = route.kind == RouteKind::BLACKHOLE
                || hops.iter().all(|hop| hop.device == Some(name("eth0")));
            let mut one = route.clone();
            one.hops = hops;
            let seen = ObservedRoute::expected(&one, Tag(TAG), observed);
            let there = observed.routes().any(|known| *known == seen);
            prop_assert!(there || !possible, "missing: {:?}", one);
            wanted.push(seen);
        }
    }
    for seen in observed.routes().filter(|seen| seen.ours) {
        prop_assert!(wanted.contains(seen), "surplus: {:?}", seen);
    }
    let rules = wishes.values().flat_map(|wish| &wish.rules);
    let rules: Vec<_> = rules
        .map(|rule| ObservedRule::expected(rule, Tag(TAG)))
        .collect();
    for seen in &rules {
        let there = observed.rules().any(|known| known == seen);
        prop_assert!(there, "missing: {:?}", seen);
    }
    for seen in observed.rules().filter(|seen| seen.ours) {
        prop_assert!(rules.contains(seen), "surplus: {:?}", seen);
    }
    Ok(())
}

proptest! {
    /// What is wanted is there, and of ours nothing else; what is carried out needs not be carried out
    /// again, whatever was there; foreign objects stay (VIP-04, VIP-05).
    #[test]
    fn carrying_out_the_plan_reaches_the_desired_state(
        before in any_wishes(),
        after in any_wishes(),
        foreign in proptest::collection::vec(any_route(), 0..3),
    ) {
        let mut observed = Observed::new();
        observed.insert_link(Link::new(1, name("eth0")));
        let mut theirs = Vec::new();
        for route in foreign {
            let mut seen = ObservedRoute::expected(&route, Tag(4), &observed);
            seen.ours = false;
            observed.insert_route(seen.clone());
            theirs.push(seen);
        }
        for wishes in [before, after] {
            for change in plan(&observed, &wishes) {
                match change {
                    Change::AddRoute(route) => {
                        let seen = ObservedRoute::expected(&route, Tag(TAG), &observed);
                        prop_assert!(observed.insert_route(seen));
                    }
                    Change::RemoveRoute(seen) => {
                        prop_assert!(seen.ours);
                        prop_assert!(observed.remove_route(&seen).is_some());
                    }
                    Change::AddRule(rule) => {
                        let seen = ObservedRule::expected(&rule, Tag(TAG));
                        observed.insert_rule(seen);
                    }
                    Change::RemoveRule(seen) => {
                        prop_assert!(seen.ours);
                        prop_assert!(observed.remove_rule(&seen).is_some());
                    }
                    other => panic!("{other:?}"),
                }
            }
            prop_assert_eq!(plan(&observed, &wishes), []);
            check(&observed, &wishes)?;
        }
        for seen in theirs {
            prop_assert!(observed.routes().any(|known| *known == seen && !known.ours));
        }
    }
}
