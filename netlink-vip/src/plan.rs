//! The difference between what is and what is wanted, as a pure function.

pub(crate) mod groups;

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::{Desired, OwnerId, Vip};
use crate::link::Link;
use crate::observed::{
    AddressFlags, FOREVER, Identity, Observed, ObservedAddress, Place, flags_of,
};
use crate::route::{ObservedRoute, Route};
use crate::rule::{ObservedRule, Rule};

/// One request to the kernel.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Remove this address, which is ours.
    Remove(Box<ObservedAddress>),
    /// Add this address on the interface with this index.
    Add {
        /// The interface.
        index: u32,
        /// The address.
        vip: Vip,
    },
    /// Change lifetimes or flags of an address that is ours and stays.
    Replace {
        /// The interface.
        index: u32,
        /// The address.
        vip: Vip,
    },
    /// Remove this route, which is ours.
    RemoveRoute(Box<ObservedRoute>),
    /// Add this route.
    AddRoute(Box<Route>),
    /// Remove this rule, which is ours.
    RemoveRule(Box<ObservedRule>),
    /// Add this rule.
    AddRule(Box<Rule>),
}

/// What to do so that the kernel holds what the owners want and nothing else of ours.
///
/// Removals come first (rules, routes, addresses), then additions and changes (addresses, routes,
/// rules) in the order of owners and of their configuration. An address that must change what the kernel cannot change is removed right
/// before it is added. If two owners want the same kernel object, it is there once, as the one
/// with the lower number describes it.
///
/// What is not there yet is not planned for: addresses on devices that do not exist, and IPv6
/// addresses on devices that are switched off, because the kernel drops those. Addresses of
/// somebody else are never touched, not even if they equal a wanted one.
///
/// A second plan, after the first was carried out, is empty (VIP-01, VIP-09).
#[must_use]
pub fn plan(observed: &Observed, desired: &BTreeMap<OwnerId, Desired>) -> Vec<Change> {
    let mut wanted = BTreeSet::new();
    let mut in_order = Vec::new();
    for vip in desired.values().flat_map(|d| &d.addresses) {
        let Some(link) = observed.link_named(vip.device) else {
            continue;
        };
        let identity = Identity {
            index: link.index,
            place: Place::of_vip(vip),
        };
        if wanted.insert(identity) {
            in_order.push((identity, link, vip));
        }
    }
    let (routes, rules) = (routes(observed, desired), rules(observed, desired));
    let mut changes: Vec<Change> = rules.0.into_iter().chain(routes.0).collect();
    for secondary in [true, false] {
        // Removing a primary address takes the secondaries of its subnet along, foreign ones
        // included, unless the system promotes them. Secondaries first keeps that to a minimum.
        let surplus = observed
            .identities()
            .filter(|identity| !wanted.contains(identity))
            .filter_map(|identity| observed.get(identity))
            .filter(|seen| seen.ours && seen.is_secondary() == secondary);
        changes.extend(surplus.map(|seen| Change::Remove(Box::new(seen.clone()))));
    }
    for (identity, link, vip) in in_order {
        let seen = observed.get(identity);
        let index = link.index;
        let judgement = judge(seen, link, vip);
        if let (Judgement::Recreate, Some(seen)) = (judgement, seen) {
            changes.push(Change::Remove(Box::new(seen.clone())));
        }
        match judgement {
            Judgement::Present | Judgement::Foreign | Judgement::Wait => {}
            Judgement::Replace => changes.push(Change::Replace {
                index,
                vip: vip.clone(),
            }),
            Judgement::Add | Judgement::Recreate => changes.push(Change::Add {
                index,
                vip: vip.clone(),
            }),
        }
    }
    changes.extend(routes.1);
    changes.extend(rules.1);
    changes
}

/// Removals and additions.
type Changes = (Vec<Change>, Vec<Change>);

/// Changes of routes, VIP-04.
fn routes(observed: &Observed, desired: &BTreeMap<OwnerId, Desired>) -> Changes {
    let mut wanted: BTreeMap<_, Vec<Route>> = BTreeMap::new();
    let mut order = Vec::new();
    let all = desired.values().flat_map(|d| &d.routes);
    for route in all.flat_map(|route| route.clone().split()) {
        let place = route.place();
        let there = wanted.entry(place).or_default();
        if there.is_empty() {
            order.push(place);
        }
        if !there.iter().any(|known| known.is_same(&route)) {
            there.push(route);
        }
    }
    let others = observed.route_places().filter(|p| !wanted.contains_key(p));
    order.extend(others.collect::<Vec<_>>());
    let mut changes = Changes::default();
    for place in order {
        let here: Vec<_> = wanted.get(&place).into_iter().flatten().collect();
        let group = groups::routes(observed, &place, &here, |_| false);
        let surplus = group.surplus.into_iter().map(Box::new);
        changes.0.extend(surplus.map(Change::RemoveRoute));
        let missing = group.missing.into_iter().map(Box::new);
        changes.1.extend(missing.map(Change::AddRoute));
    }
    changes
}

/// Changes of policy rules, VIP-05.
fn rules(observed: &Observed, desired: &BTreeMap<OwnerId, Desired>) -> Changes {
    let mut wanted: BTreeMap<_, Vec<&Rule>> = BTreeMap::new();
    for rule in desired.values().flat_map(|d| &d.rules) {
        let there = wanted.entry(rule.place()).or_default();
        if !there.iter().any(|known| known.is_same(rule)) {
            there.push(rule);
        }
    }
    let mut order: Vec<_> = wanted.keys().copied().collect();
    order.extend(observed.rule_places().filter(|p| !wanted.contains_key(p)));
    let mut changes = Changes::default();
    for place in order {
        let here = wanted.get(&place).map_or(&[][..], Vec::as_slice);
        let group = groups::rules(observed, &place, here, |_| false);
        let surplus = group.surplus.into_iter().map(Box::new);
        changes.0.extend(surplus.map(Change::RemoveRule));
        let missing = group.missing.into_iter().map(Box::new);
        changes.1.extend(missing.map(Change::AddRule));
    }
    changes
}

/// What is to be done about one wanted address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is there as wanted, and ours.
    Present,
    /// Somebody else put it there. Good enough, and not ours to change.
    Foreign,
    /// Nothing can be done now: duplicate address detection runs, or the device is off.
    Wait,
    /// It is missing.
    Add,
    /// It is there, but differs in something that can be changed.
    Replace,
    /// It is there, but differs in something that cannot be changed.
    Recreate,
}

/// Compares one wanted address with what is in its place.
pub(crate) fn judge(seen: Option<&ObservedAddress>, link: &Link, vip: &Vip) -> Judgement {
    let Some(seen) = seen else {
        let off = vip.address.is_ipv6() && !link.flags.admin_up;
        return if off { Judgement::Wait } else { Judgement::Add };
    };
    if !seen.ours {
        return if seen.is_usable() {
            Judgement::Foreign
        } else {
            Judgement::Wait
        };
    }
    if seen.flags.contains(AddressFlags::DADFAILED) {
        return Judgement::Recreate;
    }
    match difference(seen, link, vip) {
        Difference::Fixed => Judgement::Recreate,
        Difference::Changeable => Judgement::Replace,
        Difference::None if seen.is_usable() => Judgement::Present,
        Difference::None => Judgement::Wait,
    }
}

enum Difference {
    None,
    /// In lifetimes or in flags that the kernel changes on request.
    Changeable,
    /// In something that stays as it was when the address was added.
    Fixed,
}

fn difference(seen: &ObservedAddress, link: &Link, vip: &Vip) -> Difference {
    let peer = vip.peer.filter(|peer| *peer != vip.address);
    let differs = |flag| seen.flags.contains(flag) != flags_of(vip).contains(flag);
    let mut fixed =
        seen.peer != peer || seen.prefix_len != vip.prefix_len || differs(AddressFlags::AUTOJOIN);
    let mut changeable = false;
    if vip.address.is_ipv4() {
        let label = vip.label.as_deref().unwrap_or(link.name.as_str());
        fixed = fixed
            || seen.scope != vip.scope
            || seen.broadcast != vip.broadcast
            || seen.label.as_deref().is_some_and(|seen| seen != label)
            || differs(AddressFlags::NOPREFIXROUTE);
    } else {
        changeable = differs(AddressFlags::NODAD)
            || differs(AddressFlags::HOME)
            || differs(AddressFlags::MNGTMPADDR)
            || differs(AddressFlags::NOPREFIXROUTE);
    }
    changeable = changeable || !lifetime_fits(seen, vip) || seen.valid != FOREVER || seen.tag_lost;
    match (fixed, changeable) {
        (true, _) => Difference::Fixed,
        (false, true) => Difference::Changeable,
        (false, false) => Difference::None,
    }
}

/// Whether the preferred lifetime is as wanted. A lifetime counts down, so a finite one can only be
/// compared with its start; and of an IPv4 address that is valid for ever the kernel shows no more
/// than whether it is deprecated.
fn lifetime_fits(seen: &ObservedAddress, vip: &Vip) -> bool {
    let deprecated = seen.flags.contains(AddressFlags::DEPRECATED);
    match vip.preferred_lifetime {
        Some(0) => deprecated,
        Some(seconds) if seconds != FOREVER => seen.address.is_ipv4() || seen.preferred <= seconds,
        _ => seen.preferred == FOREVER && !deprecated,
    }
}
