//! The machine on which the exit codes of Keepalived were measured.

use keepalived_config::model::{Program, Surroundings};

/// Interfaces `eth0` and `eth1` of Ethernet, no account `keepalived_script`, and every program that does not call
/// itself missing.
pub(crate) struct Sample;

impl Surroundings for Sample {
    fn mtu(&self, interface: &str) -> Option<u32> {
        matches!(interface, "lo" | "eth0" | "eth1").then_some(1500)
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
