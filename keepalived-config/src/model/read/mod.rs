//! From nodes to raw values: one file per kind of line. Defaults and corrections come later.

mod address;
mod alert;
mod authentication;
pub(super) mod balance;
mod bfd;
mod device;
mod entry;
mod global;
mod group;
mod instance;
mod line;
mod links;
mod peer;
mod process;
mod route;
mod rule;
pub(super) mod script;
mod statics;
pub(super) mod track;
mod tracker;

use std::collections::HashMap;

use crate::diagnostic::Diagnostics;
use crate::tree::{Node, Span};

pub(super) use authentication::AuthType;
pub(super) use bfd::RawTracked;
pub(super) use group::{RawGroup, RawGroups};
pub(super) use instance::Raw;

use super::balance::{BalanceNamespace, Identity};
use super::bfd::{BfdInstance, SbfdReflector};
use super::device::{GarpGroup, LinkDelay, Linkbeat};
use super::global::GlobalDefs;
use super::spanned::Spanned;
use super::statics::Statics;
use super::trackers::{Defined, Trackers};
use crate::names::Names;
use line::Line;
use rule::Preferences;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) global: GlobalDefs,
    pub(super) instance_name: Option<Spanned<String>>,
    pub(super) use_pid_dir: bool,
    pub(super) net_namespace: Option<Spanned<String>>,
    pub(super) balance_namespace: BalanceNamespace,
    pub(super) identity: Identity,
    /// A line that names no namespace.
    pub(super) bad_namespace: Option<Span>,
    pub(super) instances: Vec<(Spanned<String>, Span, Raw)>,
    pub(super) groups: RawGroups,
    pub(super) garp_groups: Vec<GarpGroup>,
    pub(super) link_delays: Vec<LinkDelay>,
    pub(super) linkbeat: Linkbeat,
    pub(super) bfd: Vec<BfdInstance>,
    pub(super) sbfd_reflector: Option<SbfdReflector>,
    pub(super) trackers: Trackers,
    pub(super) defined: Defined,
    pub(super) statics: Statics,
    names: HashMap<String, Span>,
    preferences: Preferences,
}

/// Reads the top level.
pub(super) fn file(tree: &[Node], tables: &Names, diagnostics: &mut Diagnostics) -> File {
    let mut file = File::default();
    // Keepalived fills in what depends on global_defs at the end, so their place does not matter.
    for node in tree.iter().filter(|node| node.keyword() == "global_defs") {
        global::read_min_garp(node, &mut file.global, diagnostics);
    }
    for node in tree {
        let line = Line::new(node);
        match node.keyword() {
            "global_defs" => {
                line.at_most(0, diagnostics);
                global::read(node, &mut file.global, diagnostics);
            }
            "instance" => {
                if let Some(name) = global::name(line, diagnostics) {
                    file.instance_name = Some(name);
                }
            }
            "net_namespace" => {
                file.net_namespace = global::namespace(line, diagnostics);
                file.bad_namespace = file.net_namespace.is_none().then(|| node.span());
            }
            "net_namespace_ipvs" => balance_namespace(line, &mut file, diagnostics),
            "SSL" => balance::defs::identity(node, &mut file.identity, diagnostics),
            "use_pid_dir" => file.use_pid_dir = line.flag(diagnostics),
            "garp_group" => links::garp_group(node, &mut file.garp_groups, diagnostics),
            "interface_up_down_delays" => {
                links::delays(node, &mut file.link_delays, diagnostics);
            }
            "linkbeat_use_polling" => file.linkbeat.all = line.flag(diagnostics),
            "linkbeat_interfaces" => links::linkbeat(node, &mut file.linkbeat, diagnostics),
            "bfd_instance" => {
                let session = bfd::read(node, &file.bfd, diagnostics);
                file.bfd.extend(session);
            }
            "sbfd_reflector" => {
                line.at_most(0, diagnostics);
                let before = file.sbfd_reflector.as_ref();
                let reflector = bfd::seamless::reflector(node, before, diagnostics);
                file.sbfd_reflector = file.sbfd_reflector.take().or(reflector);
            }
            "vrrp_sync_group" => group::read(node, &mut file.groups, diagnostics),
            "vrrp_instance" => instance(node, &mut file, tables, diagnostics),
            "static_ipaddress" | "static_routes" | "static_rules" | "track_group" => {
                let File {
                    statics,
                    preferences,
                    ..
                } = &mut file;
                statics::read(node, statics, tables, preferences, diagnostics);
            }
            _ => tracker::read(node, &mut file.trackers, &mut file.defined, diagnostics),
        }
    }
    file
}

/// `net_namespace_ipvs [NAME]`; without a name the one that the daemon was started in.
fn balance_namespace(line: Line<'_>, file: &mut File, diagnostics: &mut Diagnostics) {
    if line.node.arguments().is_empty() {
        file.balance_namespace = BalanceNamespace::Original;
        return;
    }
    if let Some(name) = global::namespace(line, diagnostics) {
        file.balance_namespace = BalanceNamespace::Named(name);
    }
}

fn instance(node: &Node, file: &mut File, tables: &Names, diagnostics: &mut Diagnostics) {
    let [name] = node.arguments() else {
        let (span, message) = match node.arguments() {
            [] => (node.keyword_span(), "`vrrp_instance` needs a name"),
            [_, rest @ ..] => (
                rest.first()
                    .zip(rest.last())
                    .map_or_else(|| node.span(), |(a, z)| a.span.to(z.span)),
                "`vrrp_instance` takes one name",
            ),
        };
        diagnostics
            .error("bad-instance-name", span, message)
            .help("write `vrrp_instance NAME {`; the whole instance is left out");
        return;
    };
    if let Some(first) = file.names.insert(name.as_str().to_owned(), name.span) {
        let message = format!(
            "there is another instance with the name `{}`",
            name.as_str()
        );
        diagnostics
            .error("duplicate-instance", name.span, message)
            .help("give it a name of its own; the whole instance is left out")
            .note(first, "the other one is here");
        return;
    }
    let raw = instance::read(node, tables, &mut file.preferences, diagnostics);
    let name = Spanned::new(name.as_str().to_owned(), name.span);
    file.instances.push((name, node.span(), raw));
}
