//! Routes and rules that share a place, compared with those wanted there.
//!
//! The kernel cannot change a route or a rule in place without others being able to slip in
//! between, and several may share one key. So the set of ours at one place is compared as a whole:
//! what is ours and not wanted goes, what is wanted and not there comes.

use crate::link::Link;
use crate::observed::Observed;
use crate::route::{ObservedRoute, Route, RoutePlace};
use crate::rule::{ObservedRule, Rule, RulePlace};

/// The difference at one place.
#[derive(Debug)]
pub(crate) struct Group<S, W> {
    /// Ours, and wanted by nobody.
    pub(crate) surplus: Vec<S>,
    /// Wanted, and not there.
    pub(crate) missing: Vec<W>,
    /// Something is wanted that cannot be there now, because its device is off or does not exist.
    pub(crate) waiting: bool,
}

impl<S, W> Group<S, W> {
    pub(crate) fn is_settled(&self) -> bool {
        self.surplus.is_empty() && self.missing.is_empty() && !self.waiting
    }
}

/// Compares the routes at one place with the wanted ones. `elsewhere` are wanted ones that need
/// not be ours: the kernel says that somebody else has put the same.
pub(crate) fn routes(
    observed: &Observed,
    place: &RoutePlace,
    wanted: &[&Route],
    elsewhere: impl Fn(&Route) -> bool,
) -> Group<ObservedRoute, Route> {
    let index = |name| observed.link_named(name).map(|link| link.index);
    let there = observed.routes_at(place);
    let is_wanted = |seen: &ObservedRoute| wanted.iter().any(|route| seen.fits(route, index));
    let surplus = there.iter().filter(|seen| seen.ours && !is_wanted(seen));
    let mut group = Group {
        surplus: surplus.cloned().collect(),
        missing: Vec::new(),
        waiting: false,
    };
    for route in wanted {
        if elsewhere(route) || there.iter().any(|seen| seen.fits(route, index)) {
            continue;
        }
        if can_be_there(observed, route) {
            group.missing.push((*route).clone());
        } else {
            group.waiting = true;
        }
    }
    group
}

/// Whether every device that it leads over exists and is switched on.
fn can_be_there(observed: &Observed, route: &Route) -> bool {
    if route.kind.has_no_hop() {
        return true;
    }
    let devices = route.hops.iter().filter_map(|hop| hop.device);
    let mut links = devices.map(|name| observed.link_named(name));
    links.all(|link: Option<&Link>| link.is_some_and(|link| link.flags.admin_up))
}

/// Compares the rules at one place with the wanted ones.
pub(crate) fn rules(
    observed: &Observed,
    place: &RulePlace,
    wanted: &[&Rule],
    elsewhere: impl Fn(&Rule) -> bool,
) -> Group<ObservedRule, Rule> {
    let there = observed.rules_at(place);
    let is_wanted = |seen: &ObservedRule| wanted.iter().any(|rule| seen.fits(rule));
    let surplus = there.iter().filter(|seen| seen.ours && !is_wanted(seen));
    let is_there = |rule: &Rule| elsewhere(rule) || there.iter().any(|seen| seen.fits(rule));
    let missing = wanted.iter().filter(|rule| !is_there(rule));
    Group {
        surplus: surplus.cloned().collect(),
        missing: missing.map(|rule| (*rule).clone()).collect(),
        waiting: false,
    }
}
