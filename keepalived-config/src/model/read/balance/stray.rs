//! Checks that stand where no server is, as after a brace too many.

use crate::diagnostic::Diagnostics;
use crate::model::balance::{RealServer, VirtualServer};
use crate::schema::named_as_check;
use crate::tree::Node;

/// So many servers are named.
const NAMED: usize = 3;

/// Says which servers nobody looks at although somebody wanted to. They are not failed for it: the check may be that
/// of any of them, or of none.
pub(in crate::model) fn report(
    tree: &[Node],
    services: &[VirtualServer],
    diagnostics: &mut Diagnostics,
) {
    let Some(check) = tree.iter().find_map(stray) else {
        return;
    };
    let servers = services.iter().flat_map(|service| &service.servers);
    let mut unchecked = servers.filter(|server| server.checkers.is_empty());
    let mut names: Vec<String> = unchecked.by_ref().take(NAMED).map(name).collect();
    if names.is_empty() {
        return;
    }
    let more = unchecked.count();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let names = match names.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        names => names.concat(),
    };
    let message = format!(
        "nobody checks {names}: `{}` is outside of every `real_server`",
        check.keyword()
    );
    diagnostics
        .error("unchecked-server", check.keyword_span(), message)
        .help("what nobody checks counts as up; look for a brace too many or too few before this line");
}

/// Of the unknown lines at the top level only those are kept that look like checks.
fn stray(node: &Node) -> Option<&Node> {
    if node.meaning.is_none() {
        return Some(node);
    }
    let entries = match node.keyword() {
        "virtual_server_group" => node.entries(),
        _ => return None,
    };
    entries.iter().find(|entry| named_as_check(entry.keyword()))
}

fn name(server: &RealServer) -> String {
    format!("`real_server {} {}`", server.address, server.port)
}
