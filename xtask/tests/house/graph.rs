//! Which crate may depend on which.

use std::process::Command;

use serde_json::Value;

use crate::sources::{PURE, root};

/// Every package and those of ours it may use. Arrows point only this way.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("vrrp-proto", &[]),
    ("vrrp-fsm", &["vrrp-proto"]),
    ("bfd", &[]),
    ("netlink-vip", &[]),
    ("keepalived-config", &["vrrp-proto"]),
    // Only with its feature `vrrp`, see below.
    ("netsim", &["vrrp-fsm", "vrrp-proto"]),
    (
        "keepalived-driver",
        &[
            "vrrp-proto",
            "vrrp-fsm",
            "bfd",
            "netlink-vip",
            "keepalived-config",
        ],
    ),
    (
        "keepalived-cli",
        &[
            "vrrp-proto",
            "vrrp-fsm",
            "bfd",
            "netlink-vip",
            "keepalived-config",
            "netsim",
            "keepalived-driver",
        ],
    ),
];

/// Not part of what users get; these may use everything.
const TOOLS: &[&str] = &["keepalived-benches", "keepalived-lab", "xtask"];

/// What sockets, clocks, threads and signals come from.
const IMPURE: &[&str] = &[
    "libc",
    "mio",
    "netlink-sys",
    "nix",
    "pnet_datalink",
    "rustix",
    "signal-hook",
    "signal-hook-mio",
    "socket2",
];

#[test]
fn dependencies_between_our_crates_point_downwards_only() {
    let packages = packages();
    for package in &packages {
        let name = text(package, "name");
        let ours = normal_dependencies(package).filter(|d| is_ours(&packages, text(d, "name")));
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == name) else {
            assert!(
                TOOLS.contains(&name),
                "{name} has no place in the crate graph"
            );
            continue;
        };
        for dependency in ours {
            let wanted = text(dependency, "name");
            assert!(
                allowed.contains(&wanted),
                "{name} must not depend on {wanted}"
            );
            assert!(
                !TOOLS.contains(&wanted),
                "{name} depends on the tool {wanted}"
            );
        }
    }
    for (name, _) in MAY_DEPEND_ON {
        assert!(
            is_ours(&packages, name),
            "{name} is in the table and not in the workspace"
        );
    }
}

#[test]
fn the_simulator_knows_vrrp_only_through_its_feature() {
    let packages = packages();
    let netsim = packages
        .iter()
        .find(|package| text(package, "name") == "netsim");
    for dependency in normal_dependencies(netsim.expect("netsim exists")) {
        if is_ours(&packages, text(dependency, "name")) {
            assert_eq!(
                dependency.get("optional"),
                Some(&Value::Bool(true)),
                "{dependency}"
            );
        }
    }
}

#[test]
fn crates_without_input_and_output_depend_on_nothing_that_does_it() {
    for package in packages()
        .iter()
        .filter(|package| PURE.contains(&text(package, "name")))
    {
        for dependency in normal_dependencies(package) {
            let wanted = text(dependency, "name");
            assert!(
                !IMPURE.contains(&wanted),
                "{} uses {wanted}",
                text(package, "name")
            );
        }
    }
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo answers JSON");
    metadata["packages"]
        .as_array()
        .expect("a list of packages")
        .clone()
}

/// Those that users of the crate get: not the ones of tests, examples and benches.
fn normal_dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies.filter(|dependency| dependency["kind"] != "dev")
}

fn is_ours(packages: &[Value], name: &str) -> bool {
    packages.iter().any(|package| text(package, "name") == name)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
