//! Addresses, routes and rules that could not be kept.

use keepalived_driver::{InstanceLabel, Report};

use crate::log::Level;

/// The lines for a report of this kind.
pub(super) fn lines(report: &Report) -> Vec<(Level, String)> {
    let whose = |instance: &Option<InstanceLabel>| match instance {
        Some(instance) => format!("({})", instance.name),
        None => "Static:".to_owned(),
    };
    let (level, text) = match report {
        Report::Repaired {
            instance,
            object,
            times,
        } => (
            Level::Warning,
            format!(
                "{} {} {object} was removed by somebody else and put back, {times} so far",
                whose(instance),
                object.class()
            ),
        ),
        Report::GaveUp { instance, object } => (
            Level::Error,
            format!(
                "{} {} {object} is removed by somebody else again and again",
                whose(instance),
                object.class()
            ),
        ),
        Report::NobodyTookOver { instance } => (
            Level::Warning,
            format!(
                "({}) No other router has taken over: what is removed is put back, again and again",
                instance.name
            ),
        ),
        Report::Refused {
            instance,
            object,
            error,
        } => (
            Level::Error,
            format!(
                "{} Adding {} {object} failed: {error}",
                whose(instance),
                object.class()
            ),
        ),
        Report::Foreign { instance, object } => (
            Level::Warning,
            format!(
                "{} {} {object} was here already, not set by this program; it will stay when it is \
                 no longer wanted",
                whose(instance),
                object.class()
            ),
        ),
        _ => return Vec::new(),
    };
    vec![(level, text)]
}
