//! `global_defs` lines about services and checks, and the `SSL` block.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::{LEFT_OUT, sync};
use crate::diagnostic::Diagnostics;
use crate::model::balance::{AtStop, BalanceDefs, ConnectionTimeouts, GroupMarks, Identity};
use crate::model::read::device::{hook_priority, table_name};
use crate::model::read::global::set;
use crate::model::read::line::{Line, parse_unsigned, refuse};
use crate::model::spanned::Spanned;
use crate::tree::{Node, Word};

/// The kernel keeps a limit in 32 bits of its ticks; so many seconds always fit.
const MOST_SECONDS: u64 = 31 * 24 * 3600;
/// IPVS is at 98 and 99 in the `input` hook.
const LAST_PRIORITY: i32 = 97;

/// Reads a line if it is about balancing; false if it is about something else.
pub(in crate::model::read) fn read(
    line: Line<'_>,
    defs: &mut BalanceDefs,
    diagnostics: &mut Diagnostics,
) -> bool {
    match line.keyword() {
        "checker_log_all_failures" => set(&mut defs.log_all_failures, line.boolean(diagnostics)),
        "rs_init_notifies" => set(&mut defs.init_notifies, line.boolean(diagnostics)),
        "lvs_flush" => defs.flush = line.flag(diagnostics),
        "lvs_flush_on_stop" | "lvs_flush_onstop" => {
            set(&mut defs.at_stop, at_stop(line, diagnostics));
        }
        "lvs_timeouts" => timeouts(line, &mut defs.timeouts, diagnostics),
        "lvs_sync_daemon" => {
            if let Some(daemon) = sync::daemon(line, diagnostics) {
                sync::take(defs, daemon, line, diagnostics);
            }
        }
        "nftables_ipvs" => {
            line.at_most(1, diagnostics);
            let table = match line.node.arguments().first() {
                None => GroupMarks::TABLE.to_owned(),
                Some(word) => table_name(line, word, GroupMarks::TABLE, diagnostics)
                    .unwrap_or_else(|| GroupMarks::TABLE.to_owned()),
            };
            defs.group_marks.table = Some(Spanned::new(table, line.node.span()));
        }
        "nftables_ipvs_priority" => {
            let priority = hook_priority(line, diagnostics);
            if priority.is_some_and(|priority| priority > LAST_PRIORITY) {
                let message = "IPVS takes packets before they are marked";
                diagnostics
                    .warning("late-marks", line.node.span(), message)
                    .help(format!(
                        "the priority has to be {LAST_PRIORITY} or less, and is -1 if none is written"
                    ));
            }
            set(&mut defs.group_marks.priority, priority);
        }
        "nftables_ipvs_start_fwmark" => {
            let first = line.number(1..=u32::MAX, LEFT_OUT, diagnostics);
            set(&mut defs.group_marks.first, first.and_then(NonZeroU32::new));
        }
        "lvs_netlink_cmd_rcv_bufs" => {
            let size = line.number(1..=u32::MAX, LEFT_OUT, diagnostics);
            set(&mut defs.netlink_command_buffer.size, size.map(Some));
        }
        "lvs_netlink_cmd_rcv_bufs_force" => {
            let on = line.boolean(diagnostics);
            set(&mut defs.netlink_command_buffer.force, on);
        }
        _ => return false,
    }
    true
}

fn at_stop(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<AtStop> {
    line.at_most(1, diagnostics);
    match line.node.arguments().first() {
        None => Some(AtStop::Flush),
        Some(word) if word.as_str() == "VS" => Some(AtStop::RemoveServices),
        Some(word) => {
            let what = "nothing or `VS`";
            refuse(
                diagnostics,
                "unknown-option",
                line.keyword(),
                what,
                word,
                LEFT_OUT,
            );
            None
        }
    }
}

/// `[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]`, one of them at least.
fn timeouts(line: Line<'_>, timeouts: &mut ConnectionTimeouts, diagnostics: &mut Diagnostics) {
    if line
        .required("`tcp`, `tcpfin` or `udp` and seconds", diagnostics)
        .is_none()
    {
        return;
    }
    let what = format!("`tcp`, `tcpfin` or `udp`, each with seconds from 0 to {MOST_SECONDS}");
    for pair in line.node.arguments().chunks(2) {
        let seconds = pair.get(1).and_then(|word| parse_unsigned(word.as_str()));
        let seconds = seconds.filter(|seconds| *seconds <= MOST_SECONDS);
        let slot = match pair.first().map_or("", Word::as_str) {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcp_fin,
            "udp" => &mut timeouts.udp,
            _ => {
                return wrong(line, &what, pair, diagnostics);
            }
        };
        let Some(seconds) = seconds else {
            return wrong(line, &what, pair, diagnostics);
        };
        // The kernel takes 0 for "leave it".
        *slot = (seconds > 0).then(|| Duration::from_secs(seconds));
    }
}

fn wrong(line: Line<'_>, what: &str, words: &[Word], diagnostics: &mut Diagnostics) {
    if let Some(word) = words.last() {
        let rest = "it and the rest of the line are left out";
        refuse(diagnostics, "bad-option", line.keyword(), what, word, rest);
    }
}

/// `SSL { ... }`.
pub(in crate::model::read) fn identity(
    block: &Node,
    identity: &mut Identity,
    diagnostics: &mut Diagnostics,
) {
    Line::new(block).at_most(0, diagnostics);
    for entry in block.entries() {
        let line = Line::new(entry);
        let slot = match entry.keyword() {
            "ca" => &mut identity.ca,
            "certificate" => &mut identity.certificate,
            "key" => &mut identity.key,
            "password" => {
                if let Some(word) = line.word("a password", diagnostics) {
                    identity.password = Some(Spanned::new(word.as_str().to_owned(), word.span));
                }
                continue;
            }
            _ => continue,
        };
        if let Some(word) = line.word("a file", diagnostics) {
            *slot = Some(Spanned::new(PathBuf::from(word.as_str()), word.span));
        }
    }
    let lone = identity.key.is_none() && identity.certificate.is_none();
    if let Some(password) = identity.password.as_ref().filter(|_| lone) {
        diagnostics
            .warning(
                "lone-line",
                password.span,
                "`password` does nothing without `key`",
            )
            .help("write what it belongs to, or leave it out");
    }
}
