//! A reload that was refused: what runs is not what the file says, until a later one is taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::document::stamp;
use crate::log::wall_clock;

/// Why the last reload changed nothing.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    at: SystemTime,
    why: String,
    /// The first error in the file.
    error: Option<String>,
}

impl Refusal {
    /// One of now.
    pub(crate) fn new(why: String, error: Option<String>) -> Self {
        let at = wall_clock();
        Self { at, why, error }
    }
}

/// The last refusal, for who asks by the control socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedRefusal(Arc<Mutex<Option<Refusal>>>);

impl SharedRefusal {
    /// `None`: what is in the file is in force.
    pub(crate) fn set(&self, refusal: Option<Refusal>) {
        *self.lock() = refusal;
    }

    pub(super) fn document(&self) -> Value {
        self.lock().as_ref().map_or(Value::Null, |refusal| {
            json!({
                "at": stamp(refusal.at),
                "reason": refusal.why,
                "first_error": refusal.error,
            })
        })
    }

    /// Each change is one assignment, so it is whole even after a panic.
    fn lock(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For people. `since` writes when that was.
pub(super) fn note(document: &Value, since: &dyn Fn(&Value) -> String) -> Option<String> {
    let refusal = &document["reload"]["refused"];
    let (at, why) = (since(&refusal["at"]), refusal["reason"].as_str()?);
    let mut text =
        format!("Reload refused at {at}, the configuration before it is in force: {why}\n");
    if let Some(error) = refusal["first_error"].as_str() {
        text.push_str(&format!("  {error}\n"));
    }
    Some(text)
}
