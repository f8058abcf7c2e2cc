//! Routes and rules: deciding, asking, taking in. The same loop as for addresses, except that one
//! step is about one of several objects in a place, and that the kernel's own words, which it is
//! asked to send along with each answer, tell what became of a request.

use sans_io_time::Instant;

use super::batch::{Effect, Item, News, Step};
use super::facts::Cause;
use super::object::{Id, Key};
use super::sync::Table;
use super::{Channel, EEXIST, ENODEV, Reconciler};
use crate::desired::OwnerId;
use crate::encode::{self, Verb};
use crate::object::Object;
use crate::plan::groups::{self, Group};
use crate::route::{ObservedRoute, Placement, Route, RoutePlace};
use crate::rule::{ObservedRule, Rule, RulePlace};

const ENOENT: i32 = 2;
const ESRCH: i32 = 3;

/// Something that is wanted and not in the kernel.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it is.
    pub object: Object,
    /// Putting it there has failed or it keeps being removed; or its device is off or missing. Not
    /// so for what will be there in a moment.
    pub for_longer: bool,
}

/// Deciding.
impl Reconciler {
    pub(super) fn route_group(&self, place: &RoutePlace) -> Group<ObservedRoute, Route> {
        let key = Key::Route(*place);
        let wanted = self.claims.routes(place);
        groups::routes(&self.observed, place, &wanted, |route| {
            self.claims.is_elsewhere(&key, &Object::from(route))
        })
    }

    pub(super) fn rule_group(&self, place: &RulePlace) -> Group<ObservedRule, Rule> {
        let key = Key::Rule(*place);
        let wanted = self.claims.rules(place);
        groups::rules(&self.observed, place, &wanted, |rule| {
            self.claims.is_elsewhere(&key, &Object::from(rule))
        })
    }

    /// What to do in a place of routes or rules. STAT-08.
    pub(super) fn examine_group(&mut self, id: Id) -> Option<Step> {
        let (key, surplus, missing, waiting) = match id {
            Id::Address(_) => return None,
            Id::Route(place) => {
                let group = self.route_group(&place);
                let (surplus, missing) = (!group.surplus.is_empty(), !group.missing.is_empty());
                (Key::Route(place), surplus, missing, group.waiting)
            }
            Id::Rule(place) => {
                let group = self.rule_group(&place);
                let (surplus, missing) = (!group.surplus.is_empty(), !group.missing.is_empty());
                (Key::Rule(place), surplus, missing, group.waiting)
            }
        };
        if !self.claims.is_wanted_on(&key) {
            if surplus {
                return (self.cleaning || self.claims.is_leaving(id)).then_some(Step::Remove);
            }
            self.claims.left(id, &mut self.events);
            self.troubles.forget(id);
            return None;
        }
        self.claims.left(id, &mut self.events);
        if surplus {
            if self.troubles.is_unfixable(id) {
                self.claims.mark(&key, true, &mut self.events);
            }
            return Some(Step::Recreate);
        }
        if missing {
            self.claims.mark(&key, false, &mut self.events);
            return Some(Step::Put(Verb::Add));
        }
        if waiting {
            self.claims.mark(&key, false, &mut self.events);
            if self.claims.first_missing(&key) {
                let words = Some("its device is down or does not exist");
                self.report_failure(&key, None, ENODEV, words);
            }
            return None;
        }
        if let Some(times) = self.troubles.recovered(id) {
            self.report_repair(&key, times);
        }
        self.claims.mark(&key, true, &mut self.events);
        None
    }

    /// Writes one request about a place of routes or rules.
    pub(super) fn write_group(
        &mut self,
        id: Id,
        step: Step,
        seq: u32,
        out: &mut Vec<u8>,
    ) -> Option<Effect> {
        let removes = !matches!(step, Step::Put(_));
        match id {
            Id::Address(_) => None,
            Id::Route(place) => {
                let group = self.route_group(&place);
                if removes {
                    let seen = group.surplus.into_iter().next()?;
                    encode::remove_route(&seen, seq, out);
                    return Some(Effect::NoRoute(Box::new(seen)));
                }
                let route = group.missing.into_iter().next()?;
                let index = |name| self.observed.link_named(name).map(|link| link.index);
                encode::add_route(&route, self.tag.0, index, seq, out);
                Some(Effect::Route(Box::new(route)))
            }
            Id::Rule(place) => {
                let group = self.rule_group(&place);
                if removes {
                    let seen = group.surplus.into_iter().next()?;
                    encode::remove_rule(&seen, seq, out);
                    return Some(Effect::NoRule(Box::new(seen)));
                }
                let rule = group.missing.into_iter().next()?;
                encode::add_rule(&rule, self.tag.0, seq, out);
                Some(Effect::Rule(Box::new(rule)))
            }
        }
    }

    /// Looks again at all wanted routes that are not there: what they waited for may be there now.
    pub(super) fn look_for_routes(&mut self, now: Instant) {
        let keys: Vec<_> = self.claims.route_keys().collect();
        for key in keys {
            let Key::Route(place) = key else {
                continue;
            };
            if !self.claims.is_present(&key) {
                self.troubles.retry(Id::Route(place));
                self.look_at(now, Id::Route(place));
            }
        }
    }

    /// Everything that `owner` wants and that is not in the kernel.
    pub fn missing(&self, owner: OwnerId) -> Vec<Missing> {
        let keys = self.claims.keys_of(owner);
        let absent = keys.filter(|key| !self.claims.is_present(key));
        let missing = absent.filter_map(|key| {
            let id = self.identity_of(&key);
            let group_waits = match key {
                Key::Address(..) => false,
                Key::Route(place) => self.route_group(&place).waiting,
                Key::Rule(_) => false,
            };
            let link_off = match id {
                Some(Id::Address(identity)) => {
                    let link = self.observed.link_by_index(identity.index);
                    link.is_none_or(|link| !link.flags.admin_up)
                }
                _ => false,
            };
            Some(Missing {
                object: self.object_of(&key)?,
                for_longer: group_waits
                    || link_off
                    || id.is_none_or(|id| self.troubles.is_lasting(id)),
            })
        });
        missing.collect()
    }

    /// Whether this route or rule is of interest: it is ours, or may be one that is wanted with a
    /// protocol of its own.
    fn concerns_us(&self, protocol: u8) -> bool {
        protocol == self.tag.0 || self.claims.protocols().contains(&protocol)
    }
}

/// Taking in.
impl Reconciler {
    /// What the request with this number was for.
    fn wish_of(&self, seq: u32, from: Channel) -> Option<&Effect> {
        if from != Channel::Command {
            return None;
        }
        let batch = self.in_flight.as_ref()?;
        let item = batch.items.iter().find(|item| item.seq == seq)?;
        Some(&item.effect)
    }

    pub(super) fn routes_seen(
        &mut self,
        now: Instant,
        seq: u32,
        routes: Vec<ObservedRoute>,
        replaced: bool,
        from: Channel,
    ) {
        if replaced && let Some(first) = routes.first() {
            // Which of several gave way is not said. If none of ours did, the kernel will say so
            // when it is put back.
            let there: Vec<_> = self.observed.routes_at(&first.place).to_vec();
            for seen in there.into_iter().filter(|seen| !routes.contains(seen)) {
                self.route_gone(now, &seen, Cause::Others);
            }
        }
        for mut seen in routes {
            let id = Id::Route(seen.place);
            if !self.concerns_us(seen.protocol) {
                continue;
            }
            self.touch(id, true);
            seen.ours = self.tag.0 != 0 && seen.protocol == self.tag.0;
            // IPv6 routes that share the load come together: the others have their wish already.
            let mut known = self.observed.routes_at(&seen.place).iter();
            let has_wish = known.any(|k| *k == seen && k.wish.is_some());
            if let Some(Effect::Route(route)) = self.wish_of(seq, from)
                && !has_wish
            {
                seen.wish = Some(route.clone());
                seen.ours = true;
            }
            self.observed.insert_route(seen);
            self.look_at(now, id);
        }
    }

    pub(super) fn routes_deleted(&mut self, now: Instant, port: u32, routes: &[ObservedRoute]) {
        for seen in routes {
            let id = Id::Route(seen.place);
            // What somebody else had put in its place may have gone.
            self.claims.forget_elsewhere(&Key::Route(seen.place));
            if self.concerns_us(seen.protocol) {
                self.touch(id, false);
                let cause = self.cause_of(id, port);
                self.route_gone(now, seen, cause);
            } else {
                self.look_at(now, id);
            }
        }
    }

    /// Who removed it: its link, we, or somebody else.
    fn cause_of(&self, id: Id, port: u32) -> Cause {
        let batch = self.in_flight.as_ref();
        let removing = batch.is_some_and(|batch| batch.removes(id));
        if removing || (port != 0 && port == self.port) {
            Cause::Ourselves
        } else {
            Cause::Others
        }
    }

    pub(super) fn route_gone(&mut self, now: Instant, seen: &ObservedRoute, cause: Cause) {
        let id = Id::Route(seen.place);
        let key = Key::Route(seen.place);
        let off = |index: u32| {
            let link = self.observed.link_by_index(index);
            index != 0 && link.is_none_or(|link| !link.flags.admin_up)
        };
        let link_off = seen.hops.iter().any(|hop| off(hop.index));
        if let Some(removed) = self.observed.remove_route(seen) {
            let had_it = removed.ours && self.claims.is_present(&key);
            match cause {
                Cause::Ourselves => {}
                _ if link_off || cause == Cause::Link => {
                    self.claims.excuse(&key);
                    self.claims.mark(&key, false, &mut self.events);
                }
                _ if had_it && !self.route_group(&seen.place).missing.is_empty() => {
                    self.stolen(now, id, &key);
                }
                _ => {}
            }
        }
        self.look_at(now, id);
    }

    pub(super) fn rule_seen(
        &mut self,
        now: Instant,
        seq: u32,
        mut seen: ObservedRule,
        from: Channel,
    ) {
        if !self.concerns_us(seen.protocol) {
            return;
        }
        let id = Id::Rule(seen.rule.place());
        self.touch(id, true);
        seen.ours = self.tag.0 != 0 && seen.protocol == self.tag.0;
        if let Some(Effect::Rule(rule)) = self.wish_of(seq, from) {
            seen.wish = Some(rule.clone());
            seen.ours = true;
        }
        self.observed.insert_rule(seen);
        self.look_at(now, id);
    }

    pub(super) fn rule_deleted(&mut self, now: Instant, port: u32, seen: &ObservedRule) {
        let place = seen.rule.place();
        let id = Id::Rule(place);
        self.claims.forget_elsewhere(&Key::Rule(place));
        if self.concerns_us(seen.protocol) {
            self.touch(id, false);
            let cause = self.cause_of(id, port);
            self.rule_gone(now, seen, cause);
        } else {
            self.look_at(now, id);
        }
    }

    fn rule_gone(&mut self, now: Instant, seen: &ObservedRule, cause: Cause) {
        let place = seen.rule.place();
        let (id, key) = (Id::Rule(place), Key::Rule(place));
        if let Some(removed) = self.observed.remove_rule(seen)
            && removed.ours
            && cause == Cause::Others
            && self.claims.is_present(&key)
            && !self.rule_group(&place).missing.is_empty()
        {
            self.stolen(now, id, &key);
        }
        self.look_at(now, id);
    }

    /// A link was switched off or is gone: IPv4 routes over it have gone without a word.
    pub(super) fn routes_over_link_gone(&mut self, now: Instant, index: u32) {
        let over = |seen: &&ObservedRoute| seen.uses(index);
        let over: Vec<_> = self.observed.routes().filter(over).cloned().collect();
        for seen in &over {
            self.route_gone(now, seen, Cause::Link);
        }
        if !over.is_empty() {
            // Of several hops the others may have stayed.
            self.sync.request_routes(now);
        }
    }

    /// An address is gone, and routes that need it may have gone or changed without a word.
    pub(super) fn address_of_routes_gone(&mut self, now: Instant) {
        if self.observed.routes().next().is_some() {
            self.sync.request_routes(now);
        }
    }

    /// The dump of a table is complete: the mirror becomes what it says, except where
    /// notifications have come in meanwhile.
    pub(super) fn group_dump_ended(&mut self, now: Instant, table: Table) {
        if table == Table::Rules {
            self.rules_dumped(now);
        } else {
            self.routes_dumped(now, table == Table::Routes6);
        }
    }

    fn routes_dumped(&mut self, now: Instant, ipv6: bool) {
        let mut dumped = core::mem::take(&mut self.sync.routes);
        dumped.retain(|seen| {
            seen.place.destination.address.is_ipv6() == ipv6 && self.concerns_us(seen.protocol)
        });
        let known = self.observed.routes();
        let gone = known
            .filter(|seen| seen.place.destination.address.is_ipv6() == ipv6)
            .filter(|seen| !dumped.contains(seen));
        let gone: Vec<_> = gone.cloned().collect();
        for seen in gone {
            if self.sync.touched.contains(&Id::Route(seen.place)) {
                self.sync.doubt();
            } else {
                self.route_gone(now, &seen, Cause::Others);
            }
        }
        for mut seen in dumped {
            if self.observed.routes_at(&seen.place).contains(&seen) {
                continue;
            }
            if self.sync.touched.contains(&Id::Route(seen.place)) {
                self.sync.doubt();
                continue;
            }
            seen.ours = self.tag.0 != 0 && seen.protocol == self.tag.0;
            self.observed.insert_route(seen);
        }
    }

    fn rules_dumped(&mut self, now: Instant) {
        let mut dumped = core::mem::take(&mut self.sync.rules);
        dumped.retain(|seen| self.concerns_us(seen.protocol));
        let gone = self.observed.rules().filter(|seen| !dumped.contains(seen));
        let gone: Vec<_> = gone.cloned().collect();
        for seen in gone {
            if self.sync.touched.contains(&Id::Rule(seen.rule.place())) {
                self.sync.doubt();
            } else {
                self.rule_gone(now, &seen, Cause::Others);
            }
        }
        for mut seen in dumped {
            if self.observed.rules_at(&seen.rule.place()).contains(&seen) {
                continue;
            }
            if self.sync.touched.contains(&Id::Rule(seen.rule.place())) {
                self.sync.doubt();
                continue;
            }
            seen.ours = self.tag.0 != 0 && seen.protocol == self.tag.0;
            self.observed.insert_rule(seen);
        }
    }

    /// Looks at every place of routes and rules, wanted or not.
    pub(super) fn look_at_groups(&mut self, now: Instant) {
        let routes = self.observed.route_places().map(Id::Route);
        let mut ids: Vec<_> = routes.collect();
        ids.extend(self.observed.rule_places().map(Id::Rule));
        for key in self.claims.keys() {
            match key {
                Key::Address(..) => {}
                Key::Route(place) => ids.push(Id::Route(place)),
                Key::Rule(place) => ids.push(Id::Rule(place)),
            }
        }
        for id in ids {
            self.look_at(now, id);
        }
    }

    /// Takes in the answer to a request about a route or a rule.
    pub(super) fn settle_group(&mut self, now: Instant, item: Item) {
        let (id, news) = (item.identity, item.news);
        let unheard = matches!(news, News::None | News::There);
        let key = match id {
            Id::Address(_) => return,
            Id::Route(place) => Key::Route(place),
            Id::Rule(place) => Key::Rule(place),
        };
        match (item.effect, item.refusal) {
            (Effect::Route(route), None) => {
                self.troubles.succeeded(id);
                self.put_settled(now, id, &key, news);
                if route.expires.is_some() {
                    self.claims.has_begun(&key, &route);
                }
            }
            (Effect::Rule(_), None) => {
                self.troubles.succeeded(id);
                self.put_settled(now, id, &key, news);
            }
            (Effect::NoRoute(seen), None | Some((ESRCH | ENODEV, _))) => {
                self.troubles.succeeded(id);
                if unheard {
                    self.observed.remove_route(&seen);
                }
            }
            (Effect::NoRule(seen), None | Some((ENOENT | ESRCH, _))) => {
                self.troubles.succeeded(id);
                if unheard {
                    self.observed.remove_rule(&seen);
                }
            }
            (Effect::Route(route), Some((EEXIST, _))) if route.placement != Placement::Alone => {
                self.there_already(now, id, &key, Object::Route(route));
            }
            (Effect::Rule(rule), Some((EEXIST, _))) => {
                self.there_already(now, id, &key, Object::Rule(rule));
            }
            (_, Some((errno, message))) => {
                self.refused(now, id, errno, message.as_deref());
            }
            (_, None) => {}
        }
        self.look_at(now, id);
    }

    /// The kernel took it. If its own words about it have not come in, ask.
    fn put_settled(&mut self, now: Instant, id: Id, key: &Key, news: News) {
        match news {
            News::None => self.sync.request_routes(now),
            // Added, and removed by somebody at once.
            News::Gone => self.stolen(now, id, key),
            News::There | News::Again => {}
        }
    }

    /// It is there already, and the mirror does not show it as ours: somebody else has put it, or
    /// a notification is on its way.
    fn there_already(&mut self, now: Instant, id: Id, key: &Key, object: Object) {
        let known = match id {
            Id::Route(place) => self.route_group(&place).is_settled(),
            Id::Rule(place) => self.rule_group(&place).is_settled(),
            Id::Address(_) => true,
        };
        if known {
            return;
        }
        let verdict = self.troubles.failed(now, id, EEXIST);
        self.sync.request_routes(now);
        if !verdict.news {
            // A dump has not shown it as ours.
            self.claims.found_elsewhere(key, object);
            self.report_foreign(key);
        }
    }
}
