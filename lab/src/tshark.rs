//! A third opinion on our frames: Wireshark's.

use std::path::Path;
use std::process::Command;

use crate::netns::run;

/// Preferences that make Wireshark check what it would take for granted.
const PREFERENCES: [&str; 3] = [
    "ip.check_checksum:TRUE",
    "vrrp.v3_checksum_as_in_v2:FALSE",
    "udp.check_checksum:TRUE",
];

/// One decoded packet: the requested fields, in order.
pub type Row = Vec<String>;

/// The given fields of all packets of a capture that pass a display filter.
///
/// # Panics
/// When tshark fails.
#[must_use]
pub fn fields(capture: &Path, filter: &str, fields: &[&str]) -> Vec<Row> {
    let mut command = Command::new("tshark");
    command
        .arg("-n")
        .arg("-r")
        .arg(capture)
        .args(["-Y", filter, "-T", "fields"]);
    command.args(["-E", "separator=/t", "-E", "occurrence=a"]);
    for preference in PREFERENCES {
        command.args(["-o", preference]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let text = run(&mut command);
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}
