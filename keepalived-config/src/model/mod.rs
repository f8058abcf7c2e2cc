//! The typed configuration: what the daemon runs.
//!
//! The module makes it out of the spanned tree in three steps: read the lines, resolve defaults and
//! corrections per instance, check the instances against each other. It never fails: what cannot be
//! used is left out or held, and reported.
//!
//! Every field is public and says its unit. Times are `Duration`s.

mod alert;
mod authentication;
pub mod balance;
mod bfd;
mod check;
mod commands;
mod device;
mod global;
mod group;
mod groups;
mod instance;
mod process;
mod read;
mod repeats;
mod resolve;
pub mod route;
pub mod rule;
mod script;
mod spanned;
mod statics;
mod survey;
mod trackers;
mod verdict;
mod vip;

pub use alert::{Mail, MailServer, Mailbox, Pipe, Pipes};
pub use authentication::{
    Authentication, BadKey, HmacAuth, HmacKey, HmacMode, KeyBytes, KeySource, Password,
};
pub use balance::{BalanceNamespace, Identity, ServiceGroup, VirtualServer};
pub use bfd::{BfdAuth, BfdAuthKind, BfdInstance, BfdKey, SbfdReflector, TrackedBfd};
pub use commands::{Command, Purpose};
pub use device::{
    Device, DeviceKind, ExtraAnnounce, GarpGroup, IpvlanFlag, LinkDefs, LinkDelay, Linkbeat,
    ReceiveRoom,
};
pub use global::{DynamicInterfaces, GlobalAnnounce, GlobalDefs, NetlinkBuffer};
pub use group::SyncGroup;
pub use instance::{
    Announce, Hold, HoldReason, OldUnicastChecksum, Peer, Preempt, TrackedInterface, Transport,
    VrrpInstance, WantedState, max_advertised,
};
pub use process::{Process, ProcessNames, ReloadMarker, ReloadRules, Scheduling};
pub use route::Route;
pub use rule::Rule;
pub use script::{Notify, Script, ScriptUser};
pub use spanned::Spanned;
pub use statics::{StaticAddress, Statics, TrackGroup};
pub use survey::Unsupported;
pub use trackers::{
    Check, InitFile, ParamMatch, TrackFile, TrackProcess, TrackScript, Tracked, TrackedKind,
    Trackers, Weight,
};
pub use verdict::{Program, Surroundings};
pub use vip::{Vip, VipFlags};

use vrrp_proto::Version;

use crate::diagnostic::Diagnostics;
use crate::names::{ETC, Names, USR};
use crate::options::Options;
use crate::parse::Sink;
use crate::source::Source;
use crate::tree::Node;

/// The code of every complaint about something that is known and not built yet.
///
/// A caller that wants to be strict treats these warnings as errors.
pub const NOT_SUPPORTED_YET: &str = "not-supported-yet";

/// The code of every complaint about something that is known and never will be built.
///
/// The complaint is a warning, because the rest of the file is in order and runs; a caller that wants
/// to be strict treats it as an error.
pub const REFUSED: &str = "refused";

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Name of this daemon among several on the host (`instance`).
    pub instance_name: Option<Spanned<String>>,
    /// Pid files go to a directory of their own.
    pub use_pid_dir: bool,
    /// Network namespace to run in, by the name that `ip netns` knows.
    pub net_namespace: Option<Spanned<String>>,
    /// Network namespace of the balanced services.
    pub balance_namespace: BalanceNamespace,
    /// Who we are to servers that are checked over TLS, and whom we believe (`SSL`).
    pub identity: Identity,
    /// Settings of the daemon.
    pub global: GlobalDefs,
    /// What is there while the daemon runs, whoever is MASTER.
    pub statics: Statics,
    /// Virtual routers, in the order of the file.
    pub instances: Vec<VrrpInstance>,
    /// Those of them that change state together, in the order of the file. None is without members.
    pub groups: Vec<SyncGroup>,
    /// Balanced services, in the order of the file.
    pub services: Vec<VirtualServer>,
    /// Groups that services may name, in the order of the file.
    pub service_groups: Vec<ServiceGroup>,
    /// Interfaces that share a spacing of announcements.
    pub garp_groups: Vec<GarpGroup>,
    /// Delays of links.
    pub link_delays: Vec<LinkDelay>,
    /// Links that are polled.
    pub linkbeat: Linkbeat,
    /// BFD sessions, in the order of the file.
    pub bfd: Vec<BfdInstance>,
    /// What answers S-BFD initiators.
    pub sbfd_reflector: Option<SbfdReflector>,
    /// What can be tracked: scripts, files, processes; used or not.
    pub trackers: Trackers,
    /// Keywords of the file that have no effect yet, in the order of their first use.
    pub unsupported: Vec<Unsupported>,
    /// Every command that is given anywhere, supported yet or not.
    pub commands: Vec<Command>,
}

/// The file as it comes in. Services, which can be a hundred thousand lines, are read as soon as they are
/// whole, and nothing of them is kept but what they mean.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    survey: survey::Survey,
    /// All other lines.
    lines: Vec<Node>,
    services: Vec<read::balance::Incoming>,
}

impl Intake {
    /// The lines that are not services.
    pub(crate) fn lines(&self) -> &[Node] {
        &self.lines
    }
}

impl Sink for Intake {
    fn take(&mut self, node: Node, diagnostics: &mut Diagnostics) -> Option<Node> {
        self.survey.walk(&node, diagnostics);
        if node.keyword() != "virtual_server" {
            self.lines.push(node);
            return None;
        }
        if read::balance::waits(&node) {
            self.services.push(read::balance::Incoming::Waits(node));
            return None;
        }
        let service = read::balance::service(&node, diagnostics);
        let service = service.map(read::balance::Incoming::Read);
        self.services.extend(service);
        Some(node)
    }
}

/// Makes the configuration out of what came in.
#[must_use]
pub(crate) fn build(
    intake: Intake,
    _options: &Options,
    names: &Names,
    diagnostics: &mut Diagnostics,
) -> Config {
    let Intake {
        survey,
        lines: tree,
        services,
    } = intake;
    survey::report(&survey.unsupported, diagnostics);
    let mut file = read::file(&tree, names, diagnostics);
    let groups = groups::claim(file.groups.list, &mut file.instances, diagnostics);
    let synchronised = file.instances.iter_mut().filter_map(|(name, _, raw)| {
        let interface = raw.sync_daemon.take()?;
        Some((name.clone(), interface))
    });
    let synchronised = synchronised.collect();
    let mut instances: Vec<VrrpInstance> = Vec::with_capacity(file.instances.len());
    for (name, span, raw) in file.instances {
        instances.extend(resolve::instance(
            &name,
            span,
            raw,
            (&file.global, &file.bfd, &file.defined),
            diagnostics,
        ));
    }
    let groups = groups::resolve(groups, &instances, diagnostics);
    let (service_groups, mut services) = read::balance::services(&tree, services, diagnostics);
    let global = &mut file.global;
    read::balance::marks::check(global, &service_groups, &services, diagnostics);
    read::balance::stray::report(&tree, &services, diagnostics);
    read::balance::unverified(&file.identity, &services, diagnostics);
    if survey.checks_by_name {
        read::balance::names::checks(&mut services, &file.trackers, &file.bfd, diagnostics);
    }
    read::balance::names::sync_daemon(&mut file.global, synchronised, &instances, diagnostics);
    if let Some(span) = file.bad_namespace {
        // Anywhere else the addresses would be on the wrong network.
        for instance in &mut instances {
            let reason = HoldReason::Namespace;
            instance.hold.get_or_insert(Hold { reason, span });
        }
    }
    let statics = statics::resolve(file.statics, &file.global, &instances, diagnostics);
    check::duplicate_vrids(&mut instances, diagnostics);
    check::device_names(&mut instances, diagnostics);
    check::shared_addresses(&instances, diagnostics);
    let link_delays = check::link_delays(file.link_delays, &instances, diagnostics);
    Config {
        instance_name: file.instance_name,
        use_pid_dir: file.use_pid_dir,
        net_namespace: file.net_namespace,
        balance_namespace: file.balance_namespace,
        identity: file.identity,
        global: file.global,
        statics,
        instances,
        groups,
        services,
        service_groups,
        garp_groups: file.garp_groups,
        link_delays,
        linkbeat: file.linkbeat,
        bfd: file.bfd,
        sbfd_reflector: file.sbfd_reflector,
        trackers: file.trackers,
        unsupported: survey.unsupported,
        commands: survey.commands,
    }
}

/// The name tables of iproute2, if anything in the file can have a name out of them.
pub(crate) fn names(source: &mut dyn Source, tree: &[Node]) -> Names {
    let has_names = |word: &str| {
        word.ends_with("_routes")
            || word.ends_with("_rules")
            || word.contains("ipaddress")
            || matches!(word, "use_vmac" | "use_ipvlan")
    };
    let has = |nodes: &[Node]| nodes.iter().any(|node| has_names(node.keyword()));
    if !has(tree) && !tree.iter().any(|node| has(node.entries())) {
        return Names::default();
    }
    let globals = tree.iter().filter(|node| node.keyword() == "global_defs");
    let lines: Vec<&Node> = globals.flat_map(Node::entries).collect();
    let directory = |keyword: &str, default: &str| {
        let mut found = lines.iter().rev().filter(|line| line.keyword() == keyword);
        let word = found.next().and_then(|line| line.arguments().first());
        word.map_or_else(|| default.to_owned(), |word| word.as_str().to_owned())
    };
    let (usr, etc) = (
        directory("iproute_usr_dir", USR),
        directory("iproute_etc_dir", ETC),
    );
    Names::read(source, &usr, &etc)
}

/// 2 or 3.
const fn version(number: u8) -> Version {
    if number == 2 {
        Version::V2
    } else {
        Version::V3
    }
}
