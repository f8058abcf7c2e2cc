//! Addresses, routes and rules that are there while the daemon runs, and who must know when they go.

use super::global::GlobalDefs;
use super::instance::VrrpInstance;
use super::route::Route;
use super::rule::Rule;
use super::spanned::Spanned;
use super::vip::Vip;
use crate::diagnostic::Diagnostics;

/// Where addresses go that name no interface, if `default_interface` does not say.
const DEFAULT_INTERFACE: &str = "eth0";

/// The static part of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statics {
    /// Addresses, in the order of the file.
    pub addresses: Vec<StaticAddress>,
    /// Routes, in the order of the file.
    pub routes: Vec<Route>,
    /// Rules, in the order of the file.
    pub rules: Vec<Rule>,
    /// Instances that fault when a static object of their group is lost.
    pub groups: Vec<TrackGroup>,
}

/// An address with its interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticAddress {
    /// The interface.
    pub device: String,
    /// The address.
    pub vip: Vip,
}

/// A `track_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackGroup {
    /// Name.
    pub name: Spanned<String>,
    /// Names of its instances.
    pub members: Vec<Spanned<String>>,
}

impl Statics {
    /// The groups that a static object of this `track_group` concerns, with this instance in it.
    #[must_use]
    pub fn concerns(&self, group: Option<&Spanned<String>>, instance: &str) -> bool {
        let Some(group) = group else {
            return false;
        };
        let mut named = self.groups.iter().filter(|g| g.name.value == group.value);
        named.any(|g| g.members.iter().any(|member| member.value == instance))
    }
}

/// Fills in what depends on the rest of the file, and complains about names that there are not.
pub(super) fn resolve(
    mut statics: Statics,
    global: &GlobalDefs,
    instances: &[VrrpInstance],
    diagnostics: &mut Diagnostics,
) -> Statics {
    let default = global.default_interface.as_ref();
    let default = default.map_or(DEFAULT_INTERFACE, |name| name.value.as_str());
    for address in &mut statics.addresses {
        if address.device.is_empty() {
            default.clone_into(&mut address.device);
        }
    }
    for group in &statics.groups {
        for member in &group.members {
            if !instances
                .iter()
                .any(|instance| instance.name.value == member.value)
            {
                let message = format!("there is no instance `{}`", member.value);
                diagnostics
                    .error("unknown-instance", member.span, message)
                    .help("the name is left out");
            }
        }
    }
    let addresses = statics.addresses.iter().map(|a| &a.vip.track_group);
    let routes = statics.routes.iter().map(|route| &route.track_group);
    let rules = statics.rules.iter().map(|rule| &rule.track_group);
    for name in addresses.chain(routes).chain(rules).flatten() {
        if !statics
            .groups
            .iter()
            .any(|group| group.name.value == name.value)
        {
            let message = format!("there is no track group `{}`", name.value);
            diagnostics
                .error("unknown-track-group", name.span, message)
                .help("define it with `track_group NAME { group { INSTANCE } }`; nobody is told of the loss");
        }
    }
    statics
}
