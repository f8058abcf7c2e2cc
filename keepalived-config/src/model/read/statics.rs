//! `static_ipaddress`, `static_routes`, `static_rules` and `track_group`.

use super::rule::Preferences;
use super::{address, route, rule};
use crate::diagnostic::Diagnostics;
use crate::model::spanned::Spanned;
use crate::model::statics::{StaticAddress, Statics, TrackGroup};
use crate::names::Names;
use crate::tree::Node;

/// Reads one block.
pub(super) fn read(
    node: &Node,
    statics: &mut Statics,
    names: &Names,
    preferences: &mut Preferences,
    diagnostics: &mut Diagnostics,
) {
    let entries = node.entries().iter();
    match node.keyword() {
        "static_ipaddress" => {
            let read = entries.filter_map(|entry| address::read(entry, true, names, diagnostics));
            statics.addresses.extend(read.map(|vip| StaticAddress {
                device: vip.device.clone().unwrap_or_default(),
                vip,
            }));
        }
        "static_routes" => {
            let read = entries.filter_map(|entry| route::read(entry, true, names, diagnostics));
            statics.routes.extend(read);
        }
        "static_rules" => {
            let read = entries
                .filter_map(|entry| rule::read(entry, true, names, preferences, diagnostics));
            statics.rules.extend(read);
        }
        _ => track_group(node, statics, diagnostics),
    }
}

fn track_group(node: &Node, statics: &mut Statics, diagnostics: &mut Diagnostics) {
    let [name] = node.arguments() else {
        diagnostics
            .error(
                "bad-track-group",
                node.span(),
                "`track_group` needs one name",
            )
            .help("write `track_group NAME {`; the group is left out");
        return;
    };
    let groups = node.entries().iter().filter(|e| e.keyword() == "group");
    // Names may share a line.
    let words = groups.flat_map(|group| group.entries().iter().flat_map(|entry| &entry.words));
    let members = words.map(|word| Spanned::new(word.as_str().to_owned(), word.span));
    statics.groups.push(TrackGroup {
        name: Spanned::new(name.as_str().to_owned(), name.span),
        members: members.collect(),
    });
}
