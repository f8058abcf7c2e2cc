//! Who is in which group, and what the group's trackers mean for its members.

use std::collections::HashMap;

use super::group::SyncGroup;
use super::instance::{Preempt, VrrpInstance};
use super::read::{Raw, RawGroup, RawTracked};
use super::spanned::Spanned;
use super::trackers::RawUse;
use crate::diagnostic::Diagnostics;
use crate::schema::nearest;
use crate::tree::Span;

/// With more instances than this, looking for a similar name takes too long.
const MOST_COMPARED: usize = 1000;

/// An instance as read: name, place, what the file says.
type Read = (Spanned<String>, Span, Raw);

/// Leaves out what cannot be a member, and gives the trackers of each group to its members. Called
/// before defaults and corrections, so that a tracker is judged the same wherever it is written.
///
/// SG-06, KA-G-07, KA-G-09, TRK-12.
pub(super) fn claim(
    mut groups: Vec<RawGroup>,
    instances: &mut [Read],
    diagnostics: &mut Diagnostics,
) -> Vec<RawGroup> {
    let mut owners: HashMap<&str, Option<Spanned<String>>> = HashMap::new();
    for (name, ..) in instances.iter() {
        owners.insert(&name.value, None);
    }
    for group in &mut groups {
        group.members = members(group, &mut owners, diagnostics);
        let (message, help) = match group.members.len() {
            0 => ("no members", "the group is left out"),
            1 => (
                "one member only",
                "a group is for two instances or more; alone, it does nothing but run its commands",
            ),
            _ => continue,
        };
        let message = format!("the group `{}` has {message}", group.name.value);
        diagnostics
            .warning("small-group", group.name.span, message)
            .help(help);
    }
    groups.retain(|group| !group.members.is_empty());
    let mut by_name: HashMap<String, &mut Raw> = HashMap::new();
    for (name, _, raw) in instances {
        by_name.insert(name.value.clone(), raw);
    }
    for group in &groups {
        for member in &group.members {
            if let Some(raw) = by_name.get_mut(&member.value) {
                share(group, member, raw, diagnostics);
            }
        }
    }
    groups
}

/// The members of a group that exist and are in no other one.
fn members(
    group: &RawGroup,
    owners: &mut HashMap<&str, Option<Spanned<String>>>,
    diagnostics: &mut Diagnostics,
) -> Vec<Spanned<String>> {
    let mut members = Vec::with_capacity(group.members.len());
    for member in &group.members {
        let Some(owner) = owners.get_mut(member.value.as_str()) else {
            let message = format!("there is no instance `{}`", member.value);
            let near = (owners.len() <= MOST_COMPARED)
                .then(|| {
                    // Of two that are as near the same one, whatever the order of the map.
                    let mut names: Vec<&str> = owners.keys().copied().collect();
                    names.sort_unstable();
                    nearest(&member.value, names)
                })
                .flatten();
            let help = match near {
                Some(near) => format!("did you mean `{near}`? the member is left out"),
                None => "the member is left out".to_owned(),
            };
            diagnostics
                .error("unknown-member", member.span, message)
                .help(help);
            continue;
        };
        if let Some(first) = owner {
            let message = format!(
                "`{}` is in the group `{}` already",
                member.value, first.value
            );
            diagnostics
                .error("member-twice", member.span, message)
                .help("an instance can be in one group only; this entry is left out")
                .note(first.span, "the first one is here");
            continue;
        }
        *owner = Some(Spanned::new(group.name.value.clone(), member.span));
        members.push(member.clone());
    }
    members
}

/// What a group does to what one of its members tracks.
fn share(group: &RawGroup, member: &Spanned<String>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    if !group.tracking_weight {
        raw.even_with = Some(group.name.value.clone());
        let seen = &mut raw.seen_tracked;
        raw.tracked_interfaces.retain(|tracked| {
            if tracked.weight != 0 {
                let name = &tracked.name;
                seen.remove(&("interface", name.value.clone()));
                weight_in_group(name, &group.name.value, &member.value, diagnostics);
            }
            tracked.weight == 0
        });
    }
    for tracked in &group.shared.tracked_interfaces {
        let name = &tracked.name.value;
        // Its own interface is tracked anyway, without weight.
        let own = raw.interface.as_ref().map(|interface| &interface.value) == Some(name);
        if own && tracked.weight == 0 {
            continue;
        }
        if by_both("interface", &tracked.name, group, member, raw, diagnostics) {
            continue;
        }
        raw.tracked_interfaces.push(tracked.clone());
    }
    for tracked in &group.shared.tracked_bfd {
        if !by_both("bfd", &tracked.name, group, member, raw, diagnostics) {
            raw.tracked_bfd.push(RawTracked {
                of_group: true,
                ..tracked.clone()
            });
        }
    }
    for used in &group.shared.used {
        if !by_both(
            used.kind.word(),
            &used.name,
            group,
            member,
            raw,
            diagnostics,
        ) {
            raw.used.push(RawUse {
                of_group: true,
                ..used.clone()
            });
        }
    }
}

/// Complains if a member tracks for itself what its group tracks for it.
fn by_both(
    what: &'static str,
    tracked: &Spanned<String>,
    group: &RawGroup,
    member: &Spanned<String>,
    raw: &Raw,
    diagnostics: &mut Diagnostics,
) -> bool {
    let name = &tracked.value;
    let Some(first) = raw.seen_tracked.get(&(what, name.clone())) else {
        return false;
    };
    let message = format!(
        "`{name}` is tracked by `{}` and by its group `{}`",
        member.value, group.name.value
    );
    diagnostics
        .warning("tracked-by-both", *first, message)
        .help("remove one of the two; that of the instance counts")
        .note(tracked.span, "the other one is here");
    true
}

/// Members whose priorities move apart would fight each other.
pub(super) fn weight_in_group(
    what: &Spanned<String>,
    group: &str,
    member: &str,
    diagnostics: &mut Diagnostics,
) {
    let message = format!(
        "the weight of `{}` would move `{member}` away from the others of its group `{group}`",
        what.value
    );
    diagnostics
        .warning("weight-in-group", what.span, message)
        .help(
            "let the group track it, or write `sync_group_tracking_weight` in the group; \
         the entry is left out",
        );
}

/// The groups of what has become of the instances.
pub(super) fn resolve(
    groups: Vec<RawGroup>,
    instances: &[VrrpInstance],
    diagnostics: &mut Diagnostics,
) -> Vec<SyncGroup> {
    let positions: HashMap<&str, usize> = instances
        .iter()
        .enumerate()
        .map(|(position, instance)| (instance.name.as_str(), position))
        .collect();
    let mut resolved = Vec::with_capacity(groups.len());
    for group in groups {
        let found = group.members.iter();
        let members: Vec<usize> = found
            .filter_map(|member| positions.get(member.value.as_str()).copied())
            .collect();
        // What is missing has been complained about.
        if members.is_empty() {
            continue;
        }
        differences(&group, &members, instances, diagnostics);
        resolved.push(SyncGroup {
            name: group.name,
            members,
            notify: group.shared.notify,
            tracking_weight: group.tracking_weight,
            tracked_interfaces: group.shared.tracked_interfaces,
            span: group.span,
        });
    }
    resolved
}

/// KA-G-10: members that do not want the same at the same time.
fn differences(
    group: &RawGroup,
    members: &[usize],
    instances: &[VrrpInstance],
    diagnostics: &mut Diagnostics,
) {
    let mut members = members.iter().filter_map(|member| instances.get(*member));
    let Some(first) = members.next() else {
        return;
    };
    let never = |instance: &VrrpInstance| instance.preempt == Preempt::Never;
    for member in members {
        let (what, help) = if member.priority != first.priority {
            (
                "priority",
                "give all members the same priority: the group is MASTER only where each of them wins",
            )
        } else if never(member) != never(first) {
            (
                "`nopreempt`",
                "write `nopreempt` in all of them or in none: with one, the group does not preempt",
            )
        } else {
            continue;
        };
        let message = format!(
            "`{}` and `{}` in the group `{}` differ in {what}",
            first.name.value, member.name.value, group.name.value
        );
        diagnostics
            .warning("uneven-group", member.name.span, message)
            .help(help)
            .note(first.name.span, "the other one is here");
        return;
    }
}
