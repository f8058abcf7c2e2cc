//! Blocks about interfaces: how announcements on them are spaced, how their state is found out, and how long it has to last.

use std::time::Duration;

use super::instance::text;
use super::line::{LEFT_OUT, Line, interface_name, keep, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::device::{GarpGroup, LinkDelay, Linkbeat};
use crate::tree::{Node, Word};
use crate::values::parse_seconds;

/// The longest delay of a link, in microseconds.
const LONGEST_DELAY: u64 = 255_000_000;

/// A `garp_group`. Interfaces of an earlier group are left out of this one.
pub(super) fn garp_group(block: &Node, groups: &mut Vec<GarpGroup>, diagnostics: &mut Diagnostics) {
    let mut group = GarpGroup {
        interfaces: Vec::new(),
        garp_interval: None,
        gna_interval: None,
    };
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "garp_interval" => keep(&mut group.garp_interval, spacing(line, diagnostics)),
            "gna_interval" => keep(&mut group.gna_interval, spacing(line, diagnostics)),
            "interface" => {
                if let Some(word) = line.interface(LEFT_OUT, diagnostics) {
                    member(word, &mut group, groups, diagnostics);
                }
            }
            "interfaces" => {
                for word in entry
                    .entries()
                    .iter()
                    .filter_map(|entry| entry.words.first())
                {
                    if interface_name(word, "it is left out", diagnostics) {
                        member(word, &mut group, groups, diagnostics);
                    }
                }
            }
            _ => {}
        }
    }
    if group.garp_interval.is_none() && group.gna_interval.is_none() {
        diagnostics
            .warning(
                "no-interval",
                block.keyword_span(),
                "a `garp_group` without `garp_interval` and `gna_interval` does nothing",
            )
            .help("add at least one of them");
    }
    if group.interfaces.is_empty() {
        diagnostics
            .warning(
                "no-interface",
                block.keyword_span(),
                "a `garp_group` without interfaces does nothing",
            )
            .help("add `interface NAME`");
        return;
    }
    groups.push(group);
}

fn member(word: &Word, group: &mut GarpGroup, groups: &[GarpGroup], diagnostics: &mut Diagnostics) {
    let name = word.as_str().to_owned();
    if groups.iter().any(|other| other.interfaces.contains(&name)) {
        let message = format!("`{name}` is in another `garp_group` already");
        diagnostics
            .error("two-groups", word.span, message)
            .help("an interface has one spacing; it is left out here");
    } else if !group.interfaces.contains(&name) {
        group.interfaces.push(name);
    }
}

fn spacing(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Duration> {
    line.seconds(0..=4_294_967_295, LEFT_OUT, diagnostics)
}

/// The entries of `linkbeat_interfaces`; of two about one interface the last counts.
pub(super) fn linkbeat(block: &Node, linkbeat: &mut Linkbeat, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        let [name, rest @ ..] = entry.words.as_slice() else {
            continue;
        };
        if !interface_name(name, "the entry is left out", diagnostics) {
            continue;
        }
        let mut flags_only = false;
        for word in rest {
            match word.as_str() {
                "MII" | "ETHTOOL" => flags_only = false,
                "IOCTL" => flags_only = true,
                _ => {
                    let what = "`MII`, `ETHTOOL` or `IOCTL`";
                    let help = "the word is left out";
                    let keyword = "linkbeat_interfaces";
                    refuse(diagnostics, "unknown-option", keyword, what, word, help);
                }
            }
        }
        let name = name.as_str().to_owned();
        linkbeat.interfaces.retain(|known| *known != name);
        linkbeat.flags_only.retain(|known| *known != name);
        match flags_only {
            true => linkbeat.flags_only.push(name),
            false => linkbeat.interfaces.push(name),
        }
    }
}

/// The entries of `interface_up_down_delays`; of two about one interface the last counts.
pub(super) fn delays(block: &Node, delays: &mut Vec<LinkDelay>, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        let mut words = entry.words.iter();
        let Some(name) = words.next() else { continue };
        if !interface_name(name, "the entry is left out", diagnostics) {
            continue;
        }
        let Some(down) = words.next() else {
            let message = format!("`{}` has no delay", name.as_str());
            diagnostics
                .error("missing-value", name.span, message)
                .help("write the interface, the delay down and, if another, the delay up");
            continue;
        };
        let Some(down) = delay(down, diagnostics) else {
            continue;
        };
        let up = match words.next() {
            None => down,
            Some(word) => match delay(word, diagnostics) {
                Some(up) => up,
                None => continue,
            },
        };
        if let Some(word) = words.next() {
            diagnostics
                .warning("surplus-argument", word.span, "an interface has two delays")
                .help("the rest of the entry does nothing");
        }
        delays.retain(|known| known.interface.value != name.as_str());
        delays.push(LinkDelay {
            interface: text(name),
            down,
            up,
        });
    }
}

fn delay(word: &Word, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let time = parse_seconds(word.as_str()).ok();
    let good = time.filter(|time| time.as_micros() <= u128::from(LONGEST_DELAY));
    if good.is_none() {
        refuse(
            diagnostics,
            "bad-time",
            "interface_up_down_delays",
            "seconds from 0 to 255",
            word,
            "the entry is left out",
        );
    }
    good
}
