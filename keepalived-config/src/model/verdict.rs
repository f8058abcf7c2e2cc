//! The exit code of test mode (`-t`), as scripts around Keepalived expect it.

use super::Config;
use crate::diagnostic::{Diagnostic, Severity};

/// Warnings about something that Keepalived corrects and reports too, so that they count.
///
/// All other warnings are advice that Keepalived does not give; they leave the exit code alone.
const CORRECTIONS: [&str; 13] = [
    "auth-strict",
    "auth-version-3",
    "corrected",
    "ignored-auth",
    "long-interval",
    "no-address",
    "nopreempt-master",
    "nopreempt-owner",
    "preempt-delay",
    "rounded-interval",
    "strict-address",
    "too-many-addresses",
    "zero-interval",
];

impl Config {
    /// What `-t` exits with, given the complaints of the same run.
    ///
    /// | Code | Meaning |
    /// |---|---|
    /// | 0 | nothing to complain about, or no file that could be read |
    /// | 2 | a keyword lacks its argument, where Keepalived would end at once |
    /// | 5 | something was left out or corrected; it would run |
    /// | 6 | scripts are used without `enable_script_security` |
    ///
    /// 4, "cannot run", is for the caller: no configuration text leads to it. Whether scripts, users
    /// and interfaces exist is for the caller too.
    #[must_use]
    pub fn test_exit_code(&self, diagnostics: &[Diagnostic]) -> u8 {
        let has = |code| diagnostics.iter().any(|diagnostic| diagnostic.code == code);
        if has("missing-argument") {
            2
        } else if self.uses_scripts && !self.global.script_security {
            6
        } else if has("cannot-read") {
            // As in Keepalived, where a missing file is an empty one.
            0
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
        Severity::Warning => CORRECTIONS.contains(&diagnostic.code),
        Severity::Error => true,
    }
}
