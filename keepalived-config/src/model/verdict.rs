//! The exit code of test mode (`-t`), as scripts around Keepalived expect it.

use super::Config;
use crate::diagnostic::{Diagnostic, Severity};

/// Complaints that Keepalived does not make. They are advice, so they leave the exit code alone.
const ADVICE: [&str; 10] = [
    super::NOT_SUPPORTED_YET,
    "surplus-argument",
    "surplus-mask",
    "duplicate-address",
    "duplicate-peer",
    "empty-command",
    "no-peer-fault",
    "no-source",
    "shared-address",
    "native-ipv6",
];

impl Config {
    /// What `-t` exits with, given the complaints of the same run.
    ///
    /// | Code | Meaning |
    /// |---|---|
    /// | 0 | nothing to complain about, or no file |
    /// | 2 | a keyword lacks its argument, where Keepalived would end at once |
    /// | 5 | something was left out or corrected; it would run |
    /// | 6 | scripts are used without `enable_script_security` |
    ///
    /// 4, "cannot run", is for the caller: no configuration text leads to it.
    #[must_use]
    pub fn test_exit_code(&self, diagnostics: &[Diagnostic]) -> u8 {
        if diagnostics
            .iter()
            .any(|diagnostic| diagnostic.code == "missing-argument")
        {
            2
        } else if self.uses_scripts && !self.global.script_security {
            6
        } else if diagnostics.iter().any(counts) {
            5
        } else {
            0
        }
    }
}

fn counts(diagnostic: &Diagnostic) -> bool {
    match diagnostic.severity {
        Severity::Note => false,
        Severity::Warning => !ADVICE.contains(&diagnostic.code),
        Severity::Error => true,
    }
}
