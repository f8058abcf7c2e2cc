//! The machine on which the exit codes of Keepalived were measured.

use keepalived_config::model::{Program, Surroundings};

/// Interfaces `eth0` and `eth1`, no account `keepalived_script`, and every program that does not call
/// itself missing.
pub(crate) struct Sample;

impl Surroundings for Sample {
    fn has_interface(&self, name: &str) -> bool {
        matches!(name, "lo" | "eth0" | "eth1")
    }

    fn account(&self, user: &str, group: Option<&str>) -> Option<u32> {
        if group.is_some_and(|group| !matches!(group, "root" | "nogroup")) {
            return None;
        }
        match user {
            "root" => Some(0),
            "nobody" => Some(65_534),
            _ => None,
        }
    }

    fn program(&self, program: &str) -> Program {
        if program.starts_with("/nonexistent") {
            Program::Missing
        } else if program.starts_with("/tmp/") {
            Program::Insecure
        } else {
            Program::Safe
        }
    }
}
