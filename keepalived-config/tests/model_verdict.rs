//! The exit code of test mode, case by case beside Keepalived's own.
//!
//! `tests/golden/verdicts.txt` holds configurations and the exit code that Keepalived 2.2.7 (Debian)
//! gave for each in a network namespace with `eth0` and `eth1`. Where ours differs the case says why.

mod machine;

use keepalived_config::model::{Program, Surroundings};
use keepalived_config::{MemorySource, Options, parse};

const CASES: &str = include_str!("golden/verdicts.txt");

struct Case {
    name: &'static str,
    theirs: u8,
    ours: u8,
    reason: Option<&'static str>,
    text: &'static str,
}

/// `=== name | keepalived N [| ours N | reason]`, then the configuration.
fn cases() -> Vec<Case> {
    let number = |text: &str, word| -> u8 {
        let digits = text
            .trim()
            .strip_prefix(word)
            .expect("the header names who it is");
        digits.trim().parse().expect("the header has an exit code")
    };
    CASES
        .split("\n=== ")
        .skip(1)
        .map(|case| {
            let (header, text) = case.split_once('\n').expect("a case has a header line");
            let mut parts = header.split(" | ");
            let name = parts.next().expect("a header begins with a name");
            let theirs = number(parts.next().expect("then comes their code"), "keepalived");
            let ours = parts.next().map_or(theirs, |part| number(part, "ours"));
            Case {
                name,
                theirs,
                ours,
                reason: parts.next(),
                text,
            }
        })
        .collect()
}

/// Features 30 and 32.5; SCR-05; LANG-05; LANG-20.
#[test]
fn test_mode_exits_as_keepalived_does() {
    let mut wrong = Vec::new();
    for case in cases() {
        let mut source = MemorySource::new().with_file("keepalived.conf", case.text);
        let parsed = parse(&mut source, "keepalived.conf", &Options::default());
        let code = parsed
            .config
            .test_exit_code(&parsed.diagnostics, &machine::Sample);
        if code != case.ours {
            let said: Vec<_> = parsed.diagnostics.iter().map(|one| &one.message).collect();
            wrong.push(format!(
                "{}: {code}, but keepalived {} and expected {}: {said:?}",
                case.name, case.theirs, case.ours
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_difference_from_keepalived_has_a_reason() {
    let cases = cases();
    assert!(cases.len() > 200, "{}", cases.len());
    for case in cases {
        let explained = case.reason.is_some_and(|reason| reason.len() > 10);
        assert_eq!(case.theirs != case.ours, explained, "{}", case.name);
    }
}

/// Who moves over from Keepalived has scripts that look at these.
#[test]
fn every_difference_from_keepalived_is_in_the_manual() {
    let manual = include_str!("../../docs/check.md");
    for case in cases() {
        if let Some(reason) = case.reason {
            let row = format!("| {} | {} | {reason} |", case.theirs, case.ours);
            assert!(manual.contains(&row), "{row}");
        }
    }
}

/// Measured on Keepalived: a missing file is an empty one.
#[test]
fn a_missing_file_is_no_error_in_test_mode() {
    let parsed = parse(
        &mut MemorySource::new(),
        "/etc/nothing.conf",
        &Options::default(),
    );
    assert_eq!(
        parsed
            .config
            .test_exit_code(&parsed.diagnostics, &machine::Sample),
        0
    );
    assert!(parsed.has_errors());
}

/// The sample machine with links of 600 octets, into which 137 addresses of VRRPv2 fit.
struct Narrow;

impl Surroundings for Narrow {
    fn mtu(&self, interface: &str) -> Option<u32> {
        machine::Sample.mtu(interface).map(|_| 600)
    }

    fn account(&self, user: &str, group: Option<&str>) -> Option<u32> {
        machine::Sample.account(user, group)
    }

    fn program(&self, program: &str) -> Program {
        machine::Sample.program(program)
    }
}

/// Measured on Keepalived 2.2.7 with a veth of 600 octets: "maximum/space available in packet (max 137
/// addresses)", and exit code 5.
#[test]
fn addresses_that_do_not_fit_into_an_advert_on_the_interface_count() {
    for (count, narrow) in [(137, 0), (138, 5)] {
        let addresses: String = (1..=count).map(|n| format!("192.0.2.{n}\n")).collect();
        let text = format!(
            "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n\
             {addresses}}}\n}}\n"
        );
        let mut source = MemorySource::new().with_file("keepalived.conf", text);
        let parsed = parse(&mut source, "keepalived.conf", &Options::default());
        let code =
            |around: &dyn Surroundings| parsed.config.test_exit_code(&parsed.diagnostics, around);
        assert_eq!(code(&machine::Sample), 0, "{count}");
        assert_eq!(code(&Narrow), narrow, "{count}");
    }
}
