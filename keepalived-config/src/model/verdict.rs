//! The exit code of test mode (`-t`), as scripts around Keepalived expect it.

use super::Config;
use super::commands::{Command, Purpose};
use super::global::DynamicInterfaces;
use super::instance::VrrpInstance;
use super::script::ScriptUser;
use crate::diagnostic::{Diagnostic, Severity};

/// Warnings about something that Keepalived corrects and reports too, so that they count.
///
/// All other warnings are advice that Keepalived does not give; they leave the exit code alone.
const CORRECTIONS: [&str; 36] = [
    "all-ports",
    "auth-both",
    "auth-strict",
    "auth-version-3",
    "bare-id",
    "corrected",
    "empty-group",
    "family-of-address",
    "hysteresis-too-large",
    "idle-keyword",
    "ignored-auth",
    "inhibit-without-sorry",
    "long-interval",
    "long-password",
    "method-without-sorry",
    "no-address",
    "no-forwarding",
    "no-protocol",
    "no-scheduler",
    "nopreempt-master",
    "nopreempt-owner",
    "old-keyword",
    "ops-not-udp",
    "port-of-mark",
    "port-of-service",
    "preempt-delay",
    "protocol-of-mark",
    "quorum-too-large",
    "rounded-interval",
    "small-group",
    "strict-address",
    "suspend-of-mark",
    "too-many-addresses",
    "tracked-by-both",
    "weight-in-group",
    "zero-interval",
];

/// Who runs scripts if there is such an account and the file names nobody.
const DEFAULT_USER: &str = "keepalived_script";

/// What test mode asks the machine.
pub trait Surroundings {
    /// The MTU of an interface in octets; `None` if there is no such interface.
    fn mtu(&self, interface: &str) -> Option<u32>;
    /// The number of a user, given by name or number; `None` if there is no such user or group.
    fn account(&self, user: &str, group: Option<&str>) -> Option<u32>;
    /// What there is under the name of a program: a path, or a word to be looked up in `PATH`.
    fn program(&self, program: &str) -> Program;
}

/// What there is under the name of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Nothing.
    Missing,
    /// Something that only root can change. Whether it can be executed does not matter.
    Safe,
    /// Something that others than root can change, or that is no file.
    Insecure,
}

impl Config {
    /// What `-t` exits with, given the complaints of the same run. Measured with Keepalived 2.2.7.
    ///
    /// | Code | Meaning |
    /// |---|---|
    /// | 0 | nothing to complain about, or no file that could be read |
    /// | 2 | a keyword lacks its argument, where Keepalived would end at once |
    /// | 5 | something was left out or corrected, or an interface, a user or a tracked script is missing |
    /// | 6 | scripts that exist are used without `enable_script_security` |
    ///
    /// A `notify` script that does not exist, or that is not safe, is only left out: 0. A missing
    /// interface hides the 6 of all scripts but those that Keepalived looks at first, of the daemon
    /// and of services; with `dynamic_interfaces` no interface is missed.
    ///
    /// 4, "cannot run", is for the caller: no configuration text leads to it.
    #[must_use]
    pub fn test_exit_code(&self, diagnostics: &[Diagnostic], around: &dyn Surroundings) -> u8 {
        let has = |code| diagnostics.iter().any(|diagnostic| diagnostic.code == code);
        let secure = self.global.script_security;
        let early = |command: &&Command| {
            matches!(
                command.purpose,
                Purpose::Daemon | Purpose::Service | Purpose::Check
            )
        };
        if has("missing-argument") {
            2
        } else if !secure
            && self
                .commands
                .iter()
                .filter(early)
                .any(|command| self.runs(command, around))
        {
            6
        } else if self.misses_interfaces(around) {
            5
        } else if self.unsecured(around).is_some() {
            6
        } else if has("cannot-read") {
            // As in Keepalived, where a missing file is an empty one.
            0
        } else if diagnostics.iter().any(counts)
            || self.misses_scripts(around)
            || self.needs_more_room(around)
        {
            5
        } else {
            0
        }
    }

    /// The first command that is run although nobody asked for `enable_script_security`. SCR-05.
    #[must_use]
    pub fn unsecured(&self, around: &dyn Surroundings) -> Option<&Command> {
        let mut commands = self.commands.iter();
        commands.find(|command| !self.global.script_security && self.runs(command, around))
    }

    /// The interfaces of the file, each with the instance that needs it.
    pub fn interfaces(&self) -> impl Iterator<Item = (&VrrpInstance, &str)> {
        self.instances.iter().flat_map(|instance| {
            let tracked = instance.tracked_interfaces.iter();
            let devices = instance
                .held_addresses()
                .filter_map(|vip| vip.device.as_deref());
            let mut names: Vec<&str> = std::iter::once(instance.interface.as_str())
                .chain(tracked.map(|tracked| tracked.name.as_str()))
                .chain(devices)
                .collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().map(move |name| (instance, name))
        })
    }

    fn misses_interfaces(&self, around: &dyn Surroundings) -> bool {
        self.global.dynamic_interfaces == DynamicInterfaces::No
            && self
                .interfaces()
                .map(|(_, name)| name)
                .chain(self.statics.addresses.iter().map(|a| a.device.as_str()))
                .any(|name| around.mtu(name).is_none())
    }

    /// Some instance has more addresses than fit into an advert on its interface.
    fn needs_more_room(&self, around: &dyn Surroundings) -> bool {
        self.instances.iter().any(|instance| {
            around
                .mtu(&instance.interface)
                .is_some_and(|mtu| instance.addresses.len() > instance.room(mtu))
        })
    }

    /// Something is missing that Keepalived misses too: accounts and tracked scripts.
    fn misses_scripts(&self, around: &dyn Surroundings) -> bool {
        let user = self.global.script_user.as_ref();
        if user.is_some_and(|user| account(user, around).is_none()) {
            return true;
        }
        self.commands.iter().any(|command| {
            let Some(uid) = self.account(command, around) else {
                let left_out = matches!(command.purpose, Purpose::Track | Purpose::Check);
                return command.script.user.is_none() || left_out;
            };
            command.purpose == Purpose::Track
                && match program(command, around) {
                    Program::Missing => true,
                    Program::Insecure => uid == 0,
                    Program::Safe => false,
                }
        })
    }

    /// There is something to run, and somebody to run it as. SCR-05.
    fn runs(&self, command: &Command, around: &dyn Surroundings) -> bool {
        self.account(command, around).is_some() && program(command, around) != Program::Missing
    }

    /// The user a command runs as.
    fn account(&self, command: &Command, around: &dyn Surroundings) -> Option<u32> {
        let user = command.script.user.as_ref();
        match user.or(self.global.script_user.as_ref()) {
            Some(user) => account(user, around),
            // Root for want of anybody better, but not where security is wanted.
            None => around
                .account(DEFAULT_USER, None)
                .or_else(|| (!self.global.script_security).then_some(0)),
        }
    }
}

fn account(user: &ScriptUser, around: &dyn Surroundings) -> Option<u32> {
    around.account(&user.user, user.group.as_deref())
}

fn program(command: &Command, around: &dyn Surroundings) -> Program {
    let program = command.script.argv.first();
    program.map_or(Program::Missing, |program| around.program(program))
}

fn counts(diagnostic: &Diagnostic) -> bool {
    match diagnostic.severity {
        Severity::Note => false,
        Severity::Warning => CORRECTIONS.contains(&diagnostic.code),
        Severity::Error => true,
    }
}

#[cfg(test)]
mod tests {
    use super::CORRECTIONS;

    /// CLI-06: whoever wonders why `check` ends with 0 and `-t` with 5 finds the warning there.
    #[test]
    fn the_manual_names_the_warnings_that_count_in_test_mode() {
        let manual = include_str!("../../../docs/check.md");
        let listed = format!("`{}`.\n", CORRECTIONS.join("`, `"));
        let one_line = manual.replace(",\n", ", ");
        assert!(
            one_line.contains(&listed),
            "docs/check.md has to list: {listed}"
        );
    }
}
