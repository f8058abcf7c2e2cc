//! What the file asks for that is known and not supported yet, and what it needs to be trusted with.

use std::collections::HashMap;

use super::commands::{Command, command};
use super::repeats::Repeats;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::schema::{Context, Keyword, Shape, Status};
use crate::tree::{Node, Span};

/// A keyword of the file that has no effect yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// The keyword.
    pub keyword: &'static Keyword,
    /// Where it was written first.
    pub span: Span,
    /// How often it was written.
    pub count: usize,
}

/// What a walk over the tree finds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) unsupported: Vec<Unsupported>,
    pub(super) commands: Vec<Command>,
    /// There are checks of files or sessions, which have to exist.
    pub(super) checks_by_name: bool,
    seen: HashMap<(Context, &'static str), usize>,
    repeats: Repeats,
}

impl Survey {
    /// Walks over the next top-level line.
    pub(super) fn walk(&mut self, node: &Node, diagnostics: &mut Diagnostics) {
        self.block(std::slice::from_ref(node), Context::Root, true, diagnostics);
    }

    /// `report` is false inside a block that has been reported as a whole.
    fn block(
        &mut self,
        entries: &[Node],
        context: Context,
        report: bool,
        diagnostics: &mut Diagnostics,
    ) {
        let block = self.repeats.open(context);
        for node in entries {
            let Some(keyword) = node.meaning else {
                continue;
            };
            let not_yet = !matches!(keyword.status, Status::Works | Status::NoEffect(_));
            if not_yet && report {
                self.note(keyword, node.keyword_span());
            }
            if keyword.takes_command() {
                self.commands.extend(command(keyword, node, entries));
            }
            self.repeats.see(&block, keyword, node, diagnostics);
            if let Shape::Block(inner) = keyword.shape {
                self.checks_by_name |= matches!(inner, Context::FileCheck | Context::BfdCheck);
                self.block(node.entries(), inner, report && !not_yet, diagnostics);
            }
        }
        self.repeats.close(&block);
    }

    fn note(&mut self, keyword: &'static Keyword, span: Span) {
        let next = self.unsupported.len();
        let index = *self
            .seen
            .entry((keyword.context, keyword.name))
            .or_insert(next);
        match self.unsupported.get_mut(index) {
            Some(known) => known.count += 1,
            None => self.unsupported.push(Unsupported {
                keyword,
                span,
                count: 1,
            }),
        }
    }
}

/// One complaint per keyword, at its first place.
pub(super) fn report(unsupported: &[Unsupported], diagnostics: &mut Diagnostics) {
    for Unsupported {
        keyword,
        span,
        count,
    } in unsupported
    {
        let mut complaint = match keyword.status {
            Status::Refused(why) => {
                let message = format!("`{}` is not supported: {why}", keyword.name);
                Diagnostic::new(Severity::Warning, super::REFUSED, *span, message)
            }
            _ => {
                let message = format!("`{}` is not supported yet", keyword.name);
                Diagnostic::new(Severity::Warning, super::NOT_SUPPORTED_YET, *span, message)
            }
        };
        complaint.help(consequence(keyword));
        if *count > 1 {
            complaint.note(None, format!("it is used {count} times"));
        }
        diagnostics.push(complaint);
    }
}

/// What happens without the keyword.
fn consequence(keyword: &Keyword) -> String {
    let text = match (keyword.context, keyword.name) {
        (Context::Root, "virtual_server" | "virtual_server_group") => {
            "no service is balanced and nothing is checked"
        }
        (Context::Root, "static_ipaddress" | "static_routes" | "static_rules") => {
            "nothing is added to the host"
        }
        (Context::Instance, "use_vmac" | "use_ipvlan") => {
            "the addresses go to the interface itself, with its own MAC address"
        }
        (Context::Instance, "virtual_routes" | "virtual_rules") => {
            "only addresses follow the MASTER"
        }
        (Context::Instance, "no_accept") => "traffic to the virtual addresses is answered",
        _ if matches!(keyword.shape, Shape::Line) => "the line does nothing",
        _ => "the block does nothing",
    };
    text.to_owned()
}
