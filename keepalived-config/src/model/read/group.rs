//! `vrrp_sync_group`: what the file says.

use std::collections::HashMap;

use super::instance::{Raw, notify};
use super::line::Line;
use super::{bfd, track};
use crate::diagnostic::Diagnostics;
use crate::model::spanned::Spanned;
use crate::tree::{Node, Span};

/// A group as written.
#[derive(Debug)]
pub(crate) struct RawGroup {
    pub(crate) name: Spanned<String>,
    pub(crate) span: Span,
    /// Each word of `group`, known or not.
    pub(crate) members: Vec<Spanned<String>>,
    /// What it has in common with instances: trackers and commands.
    pub(crate) shared: Raw,
    pub(crate) tracking_weight: bool,
}

/// The groups of a file, in its order.
#[derive(Debug, Default)]
pub(crate) struct RawGroups {
    pub(crate) list: Vec<RawGroup>,
    names: HashMap<String, Span>,
}

/// Reads one group, and leaves it out if it has no name of its own.
pub(super) fn read(node: &Node, groups: &mut RawGroups, diagnostics: &mut Diagnostics) {
    let [name] = node.arguments() else {
        let span = node
            .arguments()
            .get(1)
            .map_or_else(|| node.keyword_span(), |word| word.span);
        diagnostics
            .error("bad-group-name", span, "`vrrp_sync_group` takes one name")
            .help("write `vrrp_sync_group NAME {`; the whole group is left out");
        return;
    };
    if let Some(first) = groups.names.insert(name.as_str().to_owned(), name.span) {
        let message = format!("there is another group with the name `{}`", name.as_str());
        diagnostics
            .error("duplicate-group", name.span, message)
            .help("give it a name of its own; the whole group is left out")
            .note(first, "the other one is here");
        return;
    }
    let mut group = RawGroup {
        name: Spanned::new(name.as_str().to_owned(), name.span),
        span: node.span(),
        members: Vec::new(),
        shared: Raw::default(),
        tracking_weight: false,
    };
    let mut list = None;
    for entry in node.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "group" => {
                if let Some(first) = list {
                    diagnostics
                        .error(
                            "duplicate-list",
                            entry.keyword_span(),
                            "`group` is given twice",
                        )
                        .help("the first list is used")
                        .note(first, "the first one is here");
                    continue;
                }
                list = Some(entry.keyword_span());
                for member in entry.entries() {
                    let span = member.keyword_span();
                    group
                        .members
                        .push(Spanned::new(member.keyword().to_owned(), span));
                }
            }
            "track_interface" => track::interfaces(entry, &mut group.shared, diagnostics),
            "track_script" | "track_file" | "track_process" => {
                track::objects(entry, &mut group.shared, diagnostics);
            }
            "track_bfd" => bfd::tracked(entry, &mut group.shared, diagnostics),
            "sync_group_tracking_weight" => {
                line.at_most(0, diagnostics);
                group.tracking_weight = true;
            }
            "global_tracking" => {
                line.at_most(0, diagnostics);
                group.tracking_weight = true;
                let message = "`global_tracking` is an old name";
                diagnostics
                    .warning("old-keyword", entry.keyword_span(), message)
                    .help("write `sync_group_tracking_weight`, or let the group track");
            }
            _ => notify(line, &mut group.shared.notify, diagnostics),
        }
    }
    groups.list.push(group);
}
