//! A check that cannot be had. Its server is not believed to work: nobody looks.

use std::collections::VecDeque;

use sans_io_time::Instant;

use super::Probe;
use crate::io::Output;
use crate::outcome::Failure;

/// Fails, with its reason, whenever it is started. With [`Schedule::told`](crate::Schedule::told) and
/// `alpha` that is once, and its server was never up.
#[derive(Debug)]
pub struct UnusableProbe {
    why: String,
    outputs: VecDeque<Output>,
}

impl UnusableProbe {
    /// A check that cannot be had, and why.
    #[must_use]
    pub fn new(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            outputs: VecDeque::new(),
        }
    }
}

impl Probe for UnusableProbe {
    fn start(&mut self, _now: Instant) {
        let failure = Failure::Unusable(self.why.clone());
        self.outputs.push_back(Output::Done(Err(failure)));
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
