//! What a reload comes to: a pure comparison of two configurations.
//!
//! What a thing is called decides whether it is the same one, and its definition whether it may go
//! on. A state is never handed to another definition.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ipvs::DestinationKey;

use super::config::ServiceSetup;

/// Virtual servers by their places in the old and the new configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) added: Vec<usize>,
    pub(super) removed: Vec<usize>,
    /// Old and new place.
    pub(super) changed: Vec<(usize, usize)>,
    /// Old and new place; equal in all they say.
    pub(super) kept: Vec<(usize, usize)>,
}

/// The way from one list of virtual servers to another. LVS-20.
pub(super) fn plan(old: &[Arc<ServiceSetup>], new: &[Arc<ServiceSetup>]) -> Plan {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (at, setup) in old.iter().enumerate() {
        known.insert(&setup.identity, at);
    }
    let mut plan = Plan::default();
    for (at, setup) in new.iter().enumerate() {
        match known.remove(&*setup.identity) {
            None => plan.added.push(at),
            Some(before) if old.get(before) == Some(setup) => plan.kept.push((before, at)),
            Some(before) => plan.changed.push((before, at)),
        }
    }
    plan.removed = known.into_values().collect();
    plan.removed.sort_unstable();
    plan
}

/// Where a check of the new configuration comes from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is this one of the old server, and goes on undisturbed.
    GoesOn(usize),
    /// It looks at the same as this one, at other times: what that one found counts.
    Adopts(usize),
    /// It is new.
    New,
}

/// Where a server of the new configuration comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ServerPlan {
    /// Its place in the old one.
    pub(super) old: Option<usize>,
    /// Of each of its checks.
    pub(super) checks: Vec<Fate>,
}

/// The way from one definition of a virtual server to another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ServicePlan {
    /// Of each new server.
    pub(super) servers: Vec<ServerPlan>,
    /// Places of old servers that are no more.
    pub(super) gone: Vec<usize>,
}

/// Compares two definitions of one virtual server.
pub(super) fn plan_service(old: &ServiceSetup, new: &ServiceSetup) -> ServicePlan {
    let known = old.servers.iter().enumerate();
    let mut known: BTreeMap<DestinationKey, usize> = known
        .map(|(at, server)| (server.destination.key, at))
        .collect();
    let servers = new.servers.iter().map(|server| {
        let before = known.remove(&server.destination.key);
        let mut left: Vec<_> = before
            .and_then(|at| old.servers.get(at))
            .into_iter()
            .flat_map(|server| server.checks.iter().enumerate())
            .collect();
        let mut take = |fits: &dyn Fn(&super::CheckSetup) -> bool| {
            let at = left.iter().position(|(_, check)| fits(check))?;
            Some(left.remove(at).0)
        };
        // Those that are the same have the first choice.
        let mut checks: Vec<Fate> = server
            .checks
            .iter()
            .map(|check| take(&|old| old == check).map_or(Fate::New, Fate::GoesOn))
            .collect();
        for (fate, check) in checks.iter_mut().zip(&server.checks) {
            if *fate == Fate::New
                && let Some(at) = take(&|old| old.probe == check.probe)
            {
                *fate = Fate::Adopts(at);
            }
        }
        ServerPlan {
            old: before,
            checks,
        }
    });
    let servers = servers.collect();
    ServicePlan {
        servers,
        gone: known.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_setups::{service, tcp};
    use super::*;

    fn list(all: &[ServiceSetup]) -> Vec<Arc<ServiceSetup>> {
        all.iter().cloned().map(Arc::new).collect()
    }

    /// LVS-20: what is the same is not touched, wherever it stands in the file.
    #[test]
    fn equal_configurations_ask_for_nothing() {
        let all = [service("a", &[1, 2]), service("b", &[3])];
        let turned = [service("b", &[3]), service("a", &[1, 2])];
        let plan = plan(&list(&all), &list(&turned));
        assert_eq!(plan.kept, [(1, 0), (0, 1)]);
        assert_eq!((plan.added, plan.removed, plan.changed), Default::default());
    }

    /// LVS-20: what it is called in the log is not what makes it the same one.
    #[test]
    fn a_service_that_is_called_otherwise_is_the_same_one() {
        let named = |label: &str, identity: &str| {
            let mut setup = service(label, &[1]);
            setup.identity = identity.into();
            setup
        };
        let old = [named("[G]:0", "tcp"), named("[G]:1", "udp")];
        let new = [named("[G]:0", "udp"), named("[G]:1", "tcp")];
        let plan = plan(&list(&old), &list(&new));
        assert_eq!(plan.changed, [(1, 0), (0, 1)]);
        assert_eq!((plan.added, plan.removed), Default::default());
    }

    #[test]
    fn what_is_new_gone_or_defined_anew_is_told_apart() {
        let mut changed = service("b", &[3]);
        changed.quorum = 2;
        let old = [service("a", &[1]), service("b", &[3]), service("c", &[4])];
        let new = [changed, service("c", &[4]), service("d", &[5])];
        let plan = plan(&list(&old), &list(&new));
        assert_eq!(plan.added, [2]);
        assert_eq!(plan.removed, [0]);
        assert_eq!(plan.changed, [(1, 0)]);
        assert_eq!(plan.kept, [(2, 1)]);
    }

    /// LESSONS A3: a state goes with the definition, not with a name or a place.
    #[test]
    fn a_check_goes_on_only_if_it_is_the_same_one() {
        let mut old = service("a", &[1, 2]);
        old.servers[0].checks = vec![tcp(80, 10), tcp(81, 10), tcp(82, 10)];
        let mut new = service("a", &[9, 1]);
        new.servers[1].checks = vec![tcp(82, 10), tcp(80, 20), tcp(83, 10)];
        let plan = plan_service(&old, &new);
        assert_eq!(plan.gone, [1]);
        let none = ServerPlan {
            old: None,
            checks: vec![],
        };
        let known = ServerPlan {
            old: Some(0),
            checks: vec![Fate::GoesOn(2), Fate::Adopts(0), Fate::New],
        };
        assert_eq!(plan.servers, [none, known]);
    }

    /// Two equal checks are two: one of them cannot stand for both.
    #[test]
    fn of_two_equal_checks_each_goes_to_one() {
        let mut old = service("a", &[1]);
        old.servers[0].checks = vec![tcp(80, 10)];
        let mut new = old.clone();
        new.servers[0].checks = vec![tcp(80, 10), tcp(80, 10)];
        let plan = plan_service(&old, &new);
        assert_eq!(plan.servers[0].checks, [Fate::GoesOn(0), Fate::New]);
    }
}
