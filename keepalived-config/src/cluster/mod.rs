//! The files of several nodes of one cluster, held against each other.
//!
//! A file that is right alone can be wrong beside its neighbour: another VRID, another password, the
//! same source address. [`check`] pairs the instances of the nodes into virtual routers and says what
//! would happen when they run, and how to mend it.

mod announcements;
mod codes;
mod devices;
mod groups;
mod hosts;
mod pairing;
mod peers;
mod preemption;
mod priorities;
mod routes;
mod rules;
mod secrets;
mod services;
mod sessions;

pub use codes::CODES;

use crate::diagnostic::Severity;
use crate::model::{Config, VrrpInstance};
use crate::tree::Span;

/// One node: a name for people, such as the path of its file, and its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Name in findings.
    pub name: &'a str,
    /// What the node would run.
    pub config: &'a Config,
}

/// One thing that does not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Stable name of the kind of mistake, such as `vrid-differs`.
    pub code: &'static str,
    /// An error means that the nodes will not agree on one master; a warning that they will, but
    /// probably not as meant.
    pub severity: Severity,
    /// What does not fit: one sentence, lower case, no full stop.
    pub message: String,
    /// What will happen because of it.
    pub consequence: String,
    /// How to mend it.
    pub fix: String,
    /// The instances, services and sessions it is about.
    pub places: Vec<Place>,
}

/// An instance on a node, or something else that the nodes have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Position of the node in the list given to [`check`].
    pub node: usize,
    /// Name of the instance there, or a keyword and what follows it: `bfd_instance b`.
    pub instance: String,
    /// Where in the files of that node.
    pub span: Span,
}

/// An instance and the node it is on.
#[derive(Clone, Copy, Debug)]
struct Member<'a> {
    node: usize,
    instance: &'a VrrpInstance,
}

impl Member<'_> {
    fn place(&self) -> Place {
        Place {
            node: self.node,
            instance: self.instance.name.value.clone(),
            span: self.instance.span,
        }
    }
}

/// What is found, and the names to say it with.
#[derive(Debug)]
struct Findings<'a> {
    nodes: &'a [Node<'a>],
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        members: &[Member<'_>],
        texts: [String; 3],
    ) {
        self.add_at(
            severity,
            code,
            members.iter().map(Member::place).collect(),
            texts,
        );
    }

    /// As [`add`](Self::add), about something that is no instance.
    fn add_at(
        &mut self,
        severity: Severity,
        code: &'static str,
        places: Vec<Place>,
        [message, consequence, fix]: [String; 3],
    ) {
        self.found.push(Finding {
            code,
            severity,
            message,
            consequence,
            fix,
            places,
        });
    }

    fn name(&self, node: usize) -> &str {
        self.nodes.get(node).map_or("", |node| node.name)
    }

    fn node(&self, member: &Member<'_>) -> &str {
        self.name(member.node)
    }

    /// `a value, b value`: what each node has.
    fn each(&self, members: &[Member<'_>], value: impl Fn(&VrrpInstance) -> String) -> String {
        let parts: Vec<String> = members
            .iter()
            .map(|member| format!("{} on {}", value(member.instance), self.node(member)))
            .collect();
        parts.join(", ")
    }
}

/// What [`check`] takes for granted, since the files do not tell: one sentence each, lower case, no full stop.
#[must_use]
pub fn assumptions(nodes: &[Node<'_>]) -> Vec<String> {
    let routers = pairing::routers(nodes);
    routers
        .iter()
        .flat_map(|router| {
            let addresses = devices::networks_of_addresses(router, nodes);
            devices::networks(router, nodes)
                .into_iter()
                .chain(addresses)
        })
        .collect()
}

/// Everything that does not fit together between these nodes; nothing for fewer than two.
///
/// Equal input gives equal output, in the order of the first node's instances.
#[must_use]
pub fn check(nodes: &[Node<'_>]) -> Vec<Finding> {
    let mut findings = Findings {
        nodes,
        found: Vec::new(),
    };
    if nodes.len() < 2 {
        return findings.found;
    }
    let routers = pairing::routers(nodes);
    for router in &routers {
        rules::same_router(router, &mut findings);
        rules::agreement(router, &mut findings);
        peers::destinations(router, &mut findings);
        priorities::election(router, &mut findings);
        preemption::pitfalls(router, &mut findings);
        sessions::survivors(router, &mut findings);
        sessions::too_slow(router, &mut findings);
        devices::mac(router, &mut findings);
        announcements::refresh(router, &mut findings);
        routes::agree(router, &mut findings);
    }
    groups::members(nodes, &routers, &mut findings);
    rules::shared_addresses(nodes, &routers, &mut findings);
    hosts::owned(&routers, &mut findings);
    services::balanced(nodes, &routers, &mut findings);
    services::synchronisation(nodes, &mut findings);
    sessions::both_ends(nodes, &mut findings);
    findings.found
}
