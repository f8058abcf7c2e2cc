//! A bounded queue of lines whose writers never wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Line;

/// Lines that wait at most. At 200 octets each that is about a megabyte; a burst of a thousand
/// instances changing state fits.
const LIMIT: usize = 4096;

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Line>>,
    /// Lines that did not fit since the last one that did.
    lost: u64,
    /// A line has been taken and not yet been written.
    writing: bool,
}

/// A line taken out, and how many were lost before it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) line: Arc<Line>,
    pub(super) lost: u64,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Append, or count as lost.
    pub(super) fn push(&self, line: Arc<Line>) {
        let mut state = self.lock();
        if state.waiting.len() < LIMIT {
            state.waiting.push_back(line);
        } else {
            state.lost = state.lost.saturating_add(1);
        }
        let first = state.waiting.len() == 1;
        drop(state);
        // Who takes lines out waits for the first one only. Each call costs a system call.
        if first {
            self.changed.notify_all();
        }
    }

    /// The next line; waits for one. Losses are told with the last line that waits: by then there
    /// is room again.
    pub(super) fn take(&self) -> Taken {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |state| state.waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let mut lost = 0;
        if state.waiting.len() == 1 {
            lost = std::mem::take(&mut state.lost);
        }
        state.writing = true;
        match state.waiting.pop_front() {
            Some(line) => Taken { line, lost },
            None => unreachable!("waited until there is a line"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// The line taken last has been written.
    pub(super) fn written(&self) {
        let mut state = self.lock();
        state.writing = false;
        let all = state.waiting.is_empty();
        drop(state);
        if all {
            self.changed.notify_all();
        }
    }

    /// Wait until nothing waits and nothing is being written.
    pub(super) fn wait_until_written(&self, patience: Duration) {
        let busy = |state: &mut State| state.writing || !state.waiting.is_empty();
        // Whether it came to that or the patience ran out makes no difference here.
        let _ = self.changed.wait_timeout_while(self.lock(), patience, busy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Level;

    fn line(number: usize) -> Arc<Line> {
        Arc::new(Line {
            at: std::time::SystemTime::UNIX_EPOCH,
            level: Level::Info,
            tag: "t".into(),
            text: number.to_string(),
        })
    }

    /// LESSONS A7, E8: memory is bounded, the caller goes on, and the gap is told.
    #[test]
    fn what_does_not_fit_is_counted_and_told_once() {
        let queue = Queue::default();
        for number in 0..LIMIT + 10 {
            queue.push(line(number));
        }
        for number in 0..LIMIT {
            let taken = queue.take();
            assert_eq!(taken.line.text, number.to_string());
            assert_eq!(taken.lost, if number + 1 == LIMIT { 10 } else { 0 });
        }
        queue.push(line(0));
        assert_eq!(queue.take().lost, 0);
    }
}
