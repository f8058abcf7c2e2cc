//! `docs/compliance.md`: requirement, clause, where it is implemented, what proves it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use crate::deviations::{self, Deviation};
use crate::live::LIVE_TESTS;
use crate::run::{Report, root};
use crate::scan::{self, Citations};
use crate::{files, pages};

/// The folders whose citations count.
const FOLDERS: &[&str] = &[
    "vrrp-proto",
    "vrrp-fsm",
    "healthcheck",
    "ipvs",
    "bfd",
    "netlink-vip",
    "keepalived-config",
    "netsim",
    "explore",
    "recording",
    "keepalived-driver",
    "keepalived-cli",
    "lab",
];

/// Prefixes of ids and the heading of each part of the page.
const PARTS: &[(&str, &str)] = &[
    ("VRRP-TMR", "Timers"),
    ("VRRP-GEN", "Both versions"),
    ("VRRP-V2-CK", "Checksum, version 2"),
    ("VRRP-V3-CK", "Checksum, version 3"),
    ("VRRP-V2-RX", "Receiving version 2"),
    ("VRRP-V2-TX", "Sending version 2"),
    ("VRRP-V2-AUTH", "Authentication of version 2"),
    ("VRRP-V3-RX", "Receiving version 3"),
    ("VRRP-V3-TX", "Sending version 3"),
    ("VRRP-HOST", "What hosts see"),
    ("VRRP-IOP", "Both versions on one virtual router"),
    ("VRRP-EXT", "Extensions of Keepalived on the wire"),
    ("FSM-V2", "State machine, version 2"),
    ("FSM-V3", "State machine, version 3"),
    ("FSM-OPEN", "Choices the RFCs leave open"),
    ("FSM-T", "Time lines"),
    ("KA-ST", "Keepalived: start"),
    ("KA-B", "Keepalived: backup"),
    ("KA-M", "Keepalived: master"),
    ("KA-F", "Keepalived: fault"),
    ("KA-W", "Keepalived: tracking and weights"),
    ("TRK", "Keepalived: trackers"),
    ("SCR", "Keepalived: running scripts"),
    ("KA-G", "Keepalived: sync groups"),
    ("KA-AX", "Keepalived: signed adverts"),
    ("KA-O", "Keepalived: other options"),
    ("NOTI", "Keepalived: notifications"),
    ("MAIL", "Keepalived: mail"),
    ("SYS", "Keepalived: surroundings of the process"),
    ("CORE", "Keepalived: the process"),
    ("RLD", "Reload"),
    ("CLI", "Command line"),
    ("SMP", "Samples"),
    ("VIP", "Keepalived: what goes with the master"),
    (
        "STAT",
        "Keepalived: static objects and the words of entries",
    ),
    ("ARP", "Gratuitous ARP"),
    ("CHK", "Health checks"),
    ("RS", "Real servers"),
    ("LVS", "Virtual servers"),
    ("IPVS-ENC", "IPVS: requests"),
    ("IPVS-DEC", "IPVS: answers"),
    ("IPVS-OPS", "IPVS: the table"),
    ("BFD-VAR", "BFD: variables"),
    ("BFD-RX", "BFD: receiving"),
    ("BFD-FSM", "BFD: state machine"),
    ("BFD-TX", "BFD: sending"),
    ("BFD-TM", "BFD: intervals and polls"),
    ("BFD-DM", "BFD: demand mode"),
    ("BFD-AU", "BFD: authentication"),
    ("BFD-EC", "BFD: echo"),
    ("BFD-SH", "BFD: single hop"),
    ("BFD-MH", "BFD: several hops"),
    ("BFD-SB", "BFD: seamless"),
    ("BFD-CL", "BFD: clients"),
    ("ND", "Unsolicited neighbour advertisements"),
    ("GARP", "Keepalived: announcements"),
    ("VMAC", "Keepalived: virtual MAC addresses"),
    ("FW", "Keepalived: packet filter"),
    ("IF", "Keepalived: links"),
];

/// One line of `xtask/data/requirements.tsv`.
struct Requirement<'a> {
    id: &'a str,
    clause: &'a str,
    level: &'a str,
    title: &'a str,
    note: &'a str,
}

/// Writes the page, or compares it.
pub(crate) fn page(report: &mut Report, check: bool) {
    let data = include_str!("../data/requirements.tsv");
    let requirements: Vec<_> = data.lines().filter_map(parse).collect();
    let ids: Vec<_> = requirements
        .iter()
        .map(|requirement| requirement.id.to_owned())
        .collect();
    let citations = scan::scan(&root(), FOLDERS, &ids);
    live_tests(report, check);
    pages::page(
        report,
        "compliance",
        "compliance.md",
        &render(
            &requirements,
            &citations,
            &deviations::find(&root(), FOLDERS),
        ),
        check,
    );
}

/// Adds new files of live tests to their list, or finds those that are not on it. None is ever taken off:
/// that is for people to do.
fn live_tests(report: &mut Report, check: bool) {
    let path = root().join(LIVE_TESTS);
    let listed = fs::read_to_string(&path).unwrap_or_default();
    let mut all: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    let known = all.len();
    for file in files::rust_files(&root().join("lab/tests")) {
        let name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        all.extend(name.filter(|name| name.starts_with("live_")));
    }
    if all.len() == known {
        return;
    }
    let text: String = all.iter().map(|name| format!("{name}\n")).collect();
    if check || fs::write(&path, text).is_err() {
        report.fail("live tests", &format!("some file is not in {LIVE_TESTS}"));
    }
}

fn parse(line: &str) -> Option<Requirement<'_>> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('\t');
    Some(Requirement {
        id: columns.next()?,
        clause: columns.next()?,
        level: columns.next()?,
        title: columns.next()?,
        note: columns.next()?,
    })
}

fn render(
    requirements: &[Requirement<'_>],
    citations: &BTreeMap<String, Citations>,
    deviations: &[Deviation],
) -> String {
    let none = Citations::default();
    let of = |requirement: &Requirement<'_>| citations.get(requirement.id).unwrap_or(&none);
    let tested = requirements
        .iter()
        .filter(|r| !of(r).tests.is_empty())
        .count();
    let untested = |r: &&Requirement<'_>| of(r).tests.is_empty();
    let foreign = |r: &&Requirement<'_>| r.note.starts_with("n/a");
    let not_ours = requirements.iter().filter(untested).filter(foreign).count();
    let open = requirements.len() - tested - not_ours;
    let mut text = format!(
        "# Compliance\n\n\
         Made by `cargo xtask compliance` from `xtask/data/requirements.tsv` and from the ids that\n\
         sources and tests cite; do not edit. A row is tested when a test cites its id. Clauses are\n\
         those of the RFC named, `Keepalived` stands for behaviour of C Keepalived, `policy` for a\n\
         choice of our own.\n\n\
         {} requirements: {tested} tested, {open} open, {not_ours} not applicable.\n",
        requirements.len()
    );
    for (prefix, heading) in PARTS {
        let _ = write!(
            text,
            "\n## {heading}\n\n| id | clause | level | what | implemented | tests | note |\n\
             |---|---|---|---|---|---|---|\n"
        );
        for requirement in requirements.iter().filter(|r| part(r.id) == *prefix) {
            text += &row(requirement, of(requirement));
        }
    }
    text += "\n## Deviations\n\nWhat is done otherwise on purpose, as the comments `DEVIATION(...)` in the sources say. \
             Where a row above is open, the note says why.\n\n| from | what, and why | where |\n|---|---|---|\n";
    for Deviation {
        from,
        reason,
        place,
    } in deviations
    {
        let _ = writeln!(text, "| {from} | {reason} | `{place}` |");
    }
    text
}

/// `FSM-V3` for FSM-V3-B-04, `VRRP-GEN` for VRRP-GEN-02: the longest part that fits.
fn part(id: &str) -> &'static str {
    let fits = |prefix: &&str| {
        id.strip_prefix(*prefix)
            .is_some_and(|rest| rest.starts_with('-'))
    };
    let prefixes = PARTS.iter().map(|&(prefix, _)| prefix).filter(fits);
    prefixes.max_by_key(|prefix| prefix.len()).unwrap_or("")
}

fn row(requirement: &Requirement<'_>, citations: &Citations) -> String {
    let Requirement {
        id,
        clause,
        level,
        title,
        note,
    } = requirement;
    let note = match (citations.tests.is_empty(), note.is_empty()) {
        (false, _) => "",
        (true, false) => note,
        (true, true) => "open: no test yet",
    };
    let sources = cell(&citations.sources);
    let tests = cell(&citations.tests);
    format!("| {id} | {clause} | {level} | {title} | {sources} | {tests} | {note} |\n")
}

/// At most three names; the rest is counted.
fn cell(items: &std::collections::BTreeSet<String>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<_> = items
        .iter()
        .take(SHOWN)
        .map(|item| format!("`{item}`"))
        .collect();
    let mut text = shown.join("<br>");
    if items.len() > SHOWN {
        let _ = write!(text, "<br>and {} more", items.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_complete_unique_and_in_a_part_of_the_page() {
        let data = include_str!("../data/requirements.tsv");
        let mut seen = std::collections::BTreeSet::new();
        for line in data.lines().filter(|line| !line.starts_with('#')) {
            let requirement = parse(line).unwrap_or_else(|| panic!("five columns: {line}"));
            assert!(seen.insert(requirement.id), "twice: {line}");
            assert!(
                !part(requirement.id).is_empty(),
                "no part of the page: {line}"
            );
            let note = requirement.note;
            let known = note.is_empty() || note.starts_with("n/a: ") || note.starts_with("open: ");
            assert!(known, "a note says n/a or open: {line}");
        }
    }

    #[test]
    fn what_a_test_proves_is_neither_open_nor_foreign() {
        let data = include_str!("../data/requirements.tsv");
        let requirements: Vec<_> = data.lines().filter_map(parse).collect();
        let ids: Vec<_> = requirements.iter().map(|r| r.id.to_owned()).collect();
        let citations = scan::scan(&root(), FOLDERS, &ids);
        for Requirement { id, note, .. } in requirements {
            let tests = citations.get(id).map(|cited| &cited.tests);
            let tested = tests.is_some_and(|tests| !tests.is_empty());
            assert!(
                note.is_empty() || !tested,
                "{id} is cited by {tests:?}, and its note says {note}"
            );
        }
    }
    #[test]
    fn what_a_test_proves_says_where_it_is_done() {
        let data = include_str!("../data/requirements.tsv");
        let ids: Vec<_> = data
            .lines()
            .filter_map(parse)
            .map(|r| r.id.to_owned())
            .collect();
        let citations = scan::scan(&root(), FOLDERS, &ids);
        let nowhere: Vec<_> = citations
            .iter()
            .filter(|(_, cited)| !cited.tests.is_empty() && cited.sources.is_empty())
            .map(|(id, _)| id.as_str())
            .collect();
        assert!(nowhere.is_empty(), "no function cites {nowhere:?}");
    }

    #[test]
    fn what_is_cited_is_a_row() {
        let data = include_str!("../data/requirements.tsv");
        let ids: BTreeSet<_> = data.lines().filter_map(parse).map(|r| r.id).collect();
        let is_id = |word: &&str| {
            let number = word.rsplit('-').next().unwrap_or_default();
            !part(word).is_empty()
                && number.len() == 2
                && number.bytes().all(|b| b.is_ascii_digit())
        };
        let apart = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        let mut unknown = BTreeSet::new();
        for folder in FOLDERS {
            for file in files::rust_files(&root().join(folder)) {
                let text = fs::read_to_string(&file).unwrap_or_default();
                let words = text.split(apart).filter(is_id);
                let strange = words.filter(|word| !ids.contains(word));
                unknown.extend(strange.map(|word| format!("{word} in {}", file.display())));
            }
        }
        assert!(unknown.is_empty(), "no row for {unknown:#?}");
    }
}
