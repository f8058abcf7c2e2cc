//! Routes and rules.

use super::Observed;
use crate::route::{ObservedRoute, RoutePlace};
use crate::rule::{ObservedRule, RulePlace};

impl Observed {
    /// Adds a route, or notes what is new about it. True if it was not there.
    pub fn insert_route(&mut self, route: ObservedRoute) -> bool {
        let there = self.routes.entry(route.place).or_default();
        match there.iter_mut().find(|known| **known == route) {
            Some(known) => {
                known.ours |= route.ours;
                if route.wish.is_some() {
                    known.wish = route.wish;
                }
                false
            }
            None => {
                there.push(route);
                true
            }
        }
    }

    /// Removes the route that is the same kernel object, and returns it.
    pub fn remove_route(&mut self, route: &ObservedRoute) -> Option<ObservedRoute> {
        let there = self.routes.get_mut(&route.place)?;
        let at = there.iter().position(|known| known == route)?;
        let removed = there.remove(at);
        if there.is_empty() {
            self.routes.remove(&route.place);
        }
        Some(removed)
    }

    pub(crate) fn routes_at(&self, place: &RoutePlace) -> &[ObservedRoute] {
        self.routes.get(place).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn route_places(&self) -> impl Iterator<Item = RoutePlace> {
        self.routes.keys().copied()
    }

    /// All known routes: ours, and those with a protocol that is wanted.
    pub fn routes(&self) -> impl Iterator<Item = &ObservedRoute> {
        self.routes.values().flatten()
    }

    /// Adds a rule, or notes what is new about it. True if it was not there.
    pub fn insert_rule(&mut self, rule: ObservedRule) -> bool {
        let there = self.rules.entry(rule.rule.place()).or_default();
        match there.iter_mut().find(|known| **known == rule) {
            Some(known) => {
                known.ours |= rule.ours;
                if rule.wish.is_some() {
                    known.wish = rule.wish;
                }
                false
            }
            None => {
                there.push(rule);
                true
            }
        }
    }

    /// Removes the rule that is the same kernel object, and returns it.
    pub fn remove_rule(&mut self, rule: &ObservedRule) -> Option<ObservedRule> {
        let place = rule.rule.place();
        let there = self.rules.get_mut(&place)?;
        let at = there.iter().position(|known| known == rule)?;
        let removed = there.remove(at);
        if there.is_empty() {
            self.rules.remove(&place);
        }
        Some(removed)
    }

    pub(crate) fn rules_at(&self, place: &RulePlace) -> &[ObservedRule] {
        self.rules.get(place).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn rule_places(&self) -> impl Iterator<Item = RulePlace> {
        self.rules.keys().copied()
    }

    /// All known rules: ours, and those with a protocol that is wanted.
    pub fn rules(&self) -> impl Iterator<Item = &ObservedRule> {
        self.rules.values().flatten()
    }
}
