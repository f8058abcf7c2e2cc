//! What the bookkeeping is about: addresses, and the places of routes and rules.

use crate::desired::Vip;
use crate::name::InterfaceName;
use crate::observed::{Identity, Place};
use crate::route::{Route, RoutePlace};
use crate::rule::{Rule, RulePlace};

/// A kernel object, or the routes or rules of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Id {
    Address(Identity),
    Route(RoutePlace),
    Rule(RulePlace),
}

impl From<Identity> for Id {
    fn from(identity: Identity) -> Self {
        Self::Address(identity)
    }
}

/// A wanted kernel object; the device of an address is named, because it may come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Address(InterfaceName, Place),
    Route(RoutePlace),
    Rule(RulePlace),
}

impl Key {
    /// Addresses come first and go last.
    pub(super) const fn class(&self) -> u8 {
        match self {
            Self::Address(..) => 0,
            Self::Route(_) => 1,
            Self::Rule(_) => 2,
        }
    }
}

/// How one owner wants an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Address(Vip),
    Routes(Vec<Route>),
    Rules(Vec<Rule>),
}

impl Wish {
    pub(super) fn routes(&self) -> &[Route] {
        match self {
            Self::Routes(routes) => routes,
            Self::Address(_) | Self::Rules(_) => &[],
        }
    }

    pub(super) fn rules(&self) -> &[Rule] {
        match self {
            Self::Rules(rules) => rules,
            Self::Address(_) | Self::Routes(_) => &[],
        }
    }

    /// Adds what another entry wants in the same place.
    pub(super) fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Routes(routes), Self::Routes(more)) => {
                for route in more {
                    if !routes.iter().any(|known| known.is_same(&route)) {
                        routes.push(route);
                    }
                }
            }
            (Self::Rules(rules), Self::Rules(more)) => {
                for rule in more {
                    if !rules.iter().any(|known| known.is_same(&rule)) {
                        rules.push(rule);
                    }
                }
            }
            // A second entry for the same address is ignored.
            _ => {}
        }
    }

    /// Whether losing it is worth a word to the owner.
    pub(super) fn is_tracked(&self) -> bool {
        match self {
            Self::Address(vip) => vip.tracked,
            Self::Routes(routes) => routes.iter().any(|route| route.tracked),
            Self::Rules(rules) => rules.iter().any(|rule| rule.tracked),
        }
    }
}
