//! Developer commands. `cargo xtask help` lists them; the continuous integration runs `ci`.
#![forbid(unsafe_code)]

mod compliance;
mod deviations;
mod files;
mod fuzz;
mod guest;
mod live;
mod mutants;
mod nostd;
mod packages;
mod pages;
mod run;
mod scan;
mod vm;

use std::process::ExitCode;

use run::{Report, cargo};

/// Name, arguments, and what it does.
const VERBS: &[(&str, &str, &str)] = &[
    ("fmt", "[--check]", "format the sources"),
    ("lint", "", "clippy, warnings are errors"),
    ("doc", "", "rustdoc, warnings are errors"),
    (
        "nostd",
        "",
        "prove that the protocol crates need no standard library",
    ),
    (
        "test",
        "",
        "every test this machine can run, live ones included when root",
    ),
    (
        "live",
        "[FILTER]",
        "live tests in network namespaces (root); a filter picks some",
    ),
    (
        "ipvs",
        "[FILTER]",
        "tests with an IPVS kernel, in a virtual machine (qemu; no rights needed)",
    ),
    (
        "sim",
        "[--vrrp | --bfd] [--seeds N | --seed N]",
        "proof in the simulator (default 100000 seeds of each)",
    ),
    (
        "small",
        "[--quick | --deep] [WORD]",
        "every state that networks of two and three routers can reach",
    ),
    (
        "mutants",
        "[CRATE [ARGUMENT...]]",
        "which changes of the code no test notices (cargo-mutants; an hour and a half for all crates)",
    ),
    (
        "fuzz",
        "[--minutes N | --minimise] [TARGET]",
        "fuzz one target or all of them, or keep the best of what was found (cargo-fuzz)",
    ),
    (
        "bench",
        "[FILTER]",
        "measure what RESULTS.md of benches lists",
    ),
    (
        "parity",
        "[--check]",
        "write docs/keepalived-parity.md and docs/reference from the keyword table",
    ),
    (
        "compliance",
        "[--check]",
        "write docs/compliance.md from cited requirement ids",
    ),
    (
        "ci",
        "",
        "what the continuous integration runs: all of the above but mutants, fuzz and bench",
    ),
    ("help", "", "this list"),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (verb, rest) = arguments
        .split_first()
        .map_or(("help", &[][..]), |(v, rest)| (*v, rest));
    let mut report = Report::default();
    match (verb, rest) {
        ("fmt", [] | ["--check"]) => fmt(&mut report, !rest.is_empty()),
        ("lint", []) => lint(&mut report),
        ("doc", []) => doc(&mut report),
        ("nostd", []) => nostd::run(&mut report),
        ("test", []) => test(&mut report),
        ("live", [] | [_]) => live::run(&mut report, rest.first().copied(), live::Missing::Fails),
        ("ipvs", [] | [_]) => guest::run(&mut report, rest.first().copied(), live::Missing::Fails),
        ("sim", _) => sim(&mut report, "sim", rest),
        ("small", _) => small(&mut report, rest),
        ("mutants", _) => mutants::run(&mut report, rest),
        ("fuzz", _) => fuzz::run(&mut report, rest),
        ("bench", _) => {
            let mut command = cargo(&["bench", "--package", "keepalived-benches", "--"]);
            report.check("bench", command.args(rest));
        }
        ("parity", [] | ["--check"]) => pages::parity(&mut report, !rest.is_empty()),
        ("compliance", [] | ["--check"]) => compliance::page(&mut report, !rest.is_empty()),
        ("ci", []) => {
            fmt(&mut report, true);
            lint(&mut report);
            doc(&mut report);
            pages::parity(&mut report, true);
            compliance::page(&mut report, true);
            test(&mut report);
        }
        ("help" | "--help" | "-h", _) => {
            help();
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("xtask: cannot do `{}`\n", arguments.join(" "));
            help();
            return ExitCode::from(2);
        }
    }
    report.finish()
}

fn help() {
    println!("usage: cargo xtask VERB\n");
    for (verb, arguments, text) in VERBS {
        println!("  {:<32} {text}", format!("{verb} {arguments}"));
    }
}

fn fmt(report: &mut Report, check: bool) {
    let mut command = cargo(&["fmt", "--all"]);
    if check {
        command.args(["--", "--check"]);
    }
    report.check("fmt", &mut command);
}

fn lint(report: &mut Report) {
    let everything = ["clippy", "--workspace", "--all-targets", "--all-features"];
    report.check("lint", cargo(&everything).args(["--", "-D", "warnings"]));
}

fn doc(report: &mut Report) {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
    report.check("doc", command.env("RUSTDOCFLAGS", "-D warnings"));
}

fn test(report: &mut Report) {
    // The lab comes last and apart: its tests are live.
    let unit = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    report.tests(
        "unit and house tests",
        cargo(&unit).args(["--exclude", "keepalived-lab"]),
    );
    nostd::run(report);
    // A scenario of BFD takes as long as ten elections.
    sim(report, "sim, elections", &["--vrrp", "--seeds", "100000"]);
    sim(report, "sim, BFD", &["--bfd", "--seeds", "20000"]);
    small(report, &[]);
    // Live tests mostly wait, and the machine does not mind to.
    let guest = guest::start(report, None, live::Missing::Skips);
    live::run(report, None, live::Missing::Skips);
    guest::finish(report, guest);
}

fn sim(report: &mut Report, name: &str, arguments: &[&str]) {
    let mut command = cargo(&[
        "run",
        "--release",
        "--package",
        "netsim",
        "--features",
        "vrrp,bfd",
    ]);
    report.check(
        name,
        command.args(["--example", "proof", "--"]).args(arguments),
    );
}

fn small(report: &mut Report, arguments: &[&str]) {
    let run = ["run", "--release", "--package", "keepalived-explore"];
    let mut command = cargo(&run);
    command.args(["--example", "explore", "--"]).args(arguments);
    report.check("small worlds", &mut command);
}
