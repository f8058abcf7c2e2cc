//! Which crate may depend on which.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::sources::{PURE, root};

/// A row of the table "Rooms" of `ARCHITECTURE.md`.
struct Room {
    folders: Vec<String>,
    /// Those of ours it may use; `None` for tools, which may use everything.
    may_use: Option<Vec<String>>,
}

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

/// The table is the rule: arrows point only the way it says.
fn rooms() -> Vec<Room> {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| folder "))
        .skip(2);
    let mut rooms: Vec<Room> = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [folders, _, _, may_use] = cells[..] else {
            panic!("four columns: {row}");
        };
        let above = || rooms.iter().flat_map(|room| room.folders.clone());
        let may_use = match may_use {
            "anything" => None,
            "all above" => Some(above().collect()),
            _ => {
                let known: Vec<_> = above().collect();
                let named = quoted(may_use).filter(|name| known.contains(name));
                let named: Vec<_> = named.collect();
                let nothing = may_use.starts_with("nothing of ours");
                assert!(nothing || !named.is_empty(), "may use what? {row}");
                Some(named)
            }
        };
        let folders = quoted(folders).collect();
        rooms.push(Room { folders, may_use });
    }
    assert!(rooms.len() > 5, "ARCHITECTURE.md has lost its rooms");
    rooms
}

/// What stands between back quotes.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn dependencies_between_our_crates_are_those_of_the_table_in_architecture_md() {
    let packages = packages();
    let rooms = rooms();
    let tools: Vec<_> = rooms
        .iter()
        .filter(|room| room.may_use.is_none())
        .flat_map(|room| &room.folders)
        .collect();
    for package in &packages {
        let name = folder(package);
        let room = rooms.iter().find(|room| room.folders.contains(&name));
        let room = room.unwrap_or_else(|| panic!("{name} has no room in ARCHITECTURE.md"));
        let Some(may_use) = &room.may_use else {
            continue;
        };
        for dependency in normal_dependencies(package) {
            let wanted = text(dependency, "name");
            let ours = packages.iter().find(|other| text(other, "name") == wanted);
            let Some(wanted) = ours.map(folder) else {
                continue;
            };
            assert!(
                !tools.contains(&&wanted),
                "{name} depends on the tool {wanted}"
            );
            assert!(
                may_use.contains(&wanted),
                "{name} must not depend on {wanted}"
            );
        }
    }
    for name in rooms.iter().flat_map(|room| &room.folders) {
        let manifest = root().join(name).join("Cargo.toml");
        assert!(manifest.exists(), "{name} is in the table and not here");
    }
}

/// Where the package lives, from the path of its manifest.
fn folder(package: &Value) -> String {
    let manifest = Path::new(text(package, "manifest_path"));
    let folder = manifest.parent().and_then(Path::file_name);
    folder.unwrap_or_default().to_string_lossy().into_owned()
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
        .filter(|package| PURE.contains(&folder(package).as_str()))
    {
        for dependency in normal_dependencies(package) {
            let wanted = text(dependency, "name");
            // The blocking client of `ipvs`, which nobody gets without asking for it.
            let asked_for = wanted == "netlink-sys"
                && dependency["optional"] == true
                && text(package, "name") == "keepalived-ipvs";
            if asked_for {
                continue;
            }
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
