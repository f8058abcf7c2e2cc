//! Looking on, and objecting.

use core::fmt;

use sans_io_time::Instant;

use crate::net::Net;
use crate::node::Node;
use crate::trace::{Record, Seconds};
use crate::world::NodeId;

/// Something that sees every record of a world as it happens, and may object.
pub trait Observer<N: Node> {
    /// Sees one record. `net` is the state of the network at this moment.
    ///
    /// # Errors
    ///
    /// What the observer objects to; the run ends there.
    fn observe(&mut self, now: Instant, record: &Record<'_, N>, net: &Net)
    -> Result<(), Violation>;
}

impl<N: Node> Observer<N> for () {
    fn observe(&mut self, _: Instant, _: &Record<'_, N>, _: &Net) -> Result<(), Violation> {
        Ok(())
    }
}

impl<N: Node, O: Observer<N> + ?Sized> Observer<N> for &mut O {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, N>,
        net: &Net,
    ) -> Result<(), Violation> {
        (**self).observe(now, record, net)
    }
}

impl<N: Node, A: Observer<N>, B: Observer<N>> Observer<N> for (A, B) {
    fn observe(
        &mut self,
        now: Instant,
        record: &Record<'_, N>,
        net: &Net,
    ) -> Result<(), Violation> {
        self.0.observe(now, record, net)?;
        self.1.observe(now, record, net)
    }
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// More records in one window than the budget allows.
    Storm {
        /// When.
        at: Instant,
        /// The budget.
        records: u64,
    },
    /// More frames on the way than the budget allows.
    Flood {
        /// When.
        at: Instant,
        /// The budget.
        pending: usize,
    },
    /// After its timer was handled a node asked for a timer that is not in the future.
    StuckTimer {
        /// When.
        at: Instant,
        /// The node.
        node: NodeId,
        /// What it asked for.
        timeout: Instant,
    },
    /// An observer objects.
    Broken {
        /// When.
        at: Instant,
        /// Name of the invariant.
        rule: &'static str,
        /// What was seen and what was expected.
        detail: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storm { at, records } => {
                write!(
                    f,
                    "storm: more than {records} records in one window at {} s",
                    Seconds(*at)
                )
            }
            Self::Flood { at, pending } => {
                write!(
                    f,
                    "flood: more than {pending} frames on their way at {} s",
                    Seconds(*at)
                )
            }
            Self::StuckTimer { at, node, timeout } => write!(
                f,
                "stuck timer: at {} s {node} asks for a timer at {} s",
                Seconds(*at),
                Seconds(*timeout)
            ),
            Self::Broken { at, rule, detail } => {
                write!(f, "{rule}: at {} s {detail}", Seconds(*at))
            }
        }
    }
}

impl core::error::Error for Violation {}
