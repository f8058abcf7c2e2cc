//! Every command the file gives, whether it is supported yet or not: the exit code of test mode
//! depends on all of them.

use super::read::script;
use super::script::Script;
use crate::schema::{Context, Keyword};
use crate::tree::Node;

/// A command somewhere in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// What it is for.
    pub purpose: Purpose,
    /// The command, and whom it runs as.
    pub script: Script,
}

/// What a command is for, as far as Keepalived looks at it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Before everything starts or after everything has stopped.
    Daemon,
    /// Something of a balanced service.
    Service,
    /// A `MISC_CHECK`.
    Check,
    /// A `vrrp_script`.
    Track,
    /// Telling somebody what happened.
    Notify,
}

/// The command on the line `node`, whose keyword takes one, if it could be run. `siblings` is its block.
pub(super) fn command(keyword: &Keyword, node: &Node, siblings: &[Node]) -> Option<Command> {
    let purpose = match (keyword.context, keyword.name) {
        (Context::GlobalDefs, "startup_script" | "shutdown_script") => Purpose::Daemon,
        (Context::Script, _) => Purpose::Track,
        (Context::MiscCheck, _) => Purpose::Check,
        (Context::VirtualServer | Context::RealServer, _) => Purpose::Service,
        _ => Purpose::Notify,
    };
    let mut script = script::quiet(node)?;
    if matches!(purpose, Purpose::Track | Purpose::Check) {
        let user = siblings.iter().rfind(|node| node.keyword() == "user");
        let user = user.and_then(|node| script::user(node.arguments()));
        // The line of a check may name one too.
        script.user = match purpose {
            Purpose::Track => user,
            _ => user.or(script.user),
        };
    }
    Some(Command { purpose, script })
}
