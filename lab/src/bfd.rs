//! BFD sessions of one of our daemons, as its status tells of them.

use std::time::Duration;

use serde_json::Value;

use crate::{Daemon, wait_for};

/// The session of this name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn session(daemon: &Daemon, name: &str) -> Value {
    let status = daemon.status();
    let all = status["bfd"].as_array().cloned().unwrap_or_default();
    let found = all.into_iter().find(|session| session["name"] == name);
    found.unwrap_or_else(|| panic!("no session {name}"))
}

/// The session as soon as it passes the check; `what` it then is appears in the complaint.
///
/// # Panics
/// When it does not within this time.
pub fn wait_session(
    daemon: &Daemon,
    name: &str,
    what: &str,
    patience: Duration,
    check: impl Fn(&Value) -> bool,
) -> Value {
    wait_for(&format!("{name} {what}"), patience, || {
        Some(session(daemon, name)).filter(&check)
    })
}
