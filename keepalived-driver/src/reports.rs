//! The way out of a loop: a bounded queue that never makes it wait.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use sans_io_time::Instant;

use crate::report::Report;

/// Reports the reader may be behind before they are kept on this side. Its memory is there from the
/// start, so it is no larger than an ordinary burst.
const QUEUE: usize = 1024;
/// Reports kept on this side when the queue is full; room for a storm of thousands of instances that
/// change state. Beyond that they are lost, and counted.
const BACKLOG: usize = 65_536;
/// How soon to hand over what did not fit.
const AGAIN: Duration = Duration::from_millis(5);

/// What can say how many of its kind were lost.
pub trait Lossy {
    /// So many were lost.
    fn lost(count: u64) -> Self;
}

impl Lossy for Report {
    fn lost(count: u64) -> Self {
        Self::Lost { count }
    }
}

/// Where a loop puts its reports: loop 1 unless said otherwise.
pub struct Reports<R = Report> {
    sender: SyncSender<R>,
    wake: Box<dyn Fn() + Send>,
    backlog: VecDeque<R>,
    lost: u64,
}

impl<R> std::fmt::Debug for Reports<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reports")
            .field("backlog", &self.backlog.len())
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

impl<R: Lossy> Reports<R> {
    /// A queue; `wake` is called once after each turn that put something in, and must not wait.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + 'static) -> (Self, Receiver<R>) {
        let (sender, receiver) = sync_channel(QUEUE);
        let reports = Self {
            sender,
            wake: Box::new(wake),
            backlog: VecDeque::new(),
            lost: 0,
        };
        (reports, receiver)
    }

    pub(crate) fn push(&mut self, report: R) {
        if self.backlog.len() < BACKLOG {
            self.backlog.push_back(report);
        } else {
            self.lost += 1;
        }
    }

    /// Hand over what fits.
    pub(crate) fn flush(&mut self) {
        let mut moved = false;
        while let Some(report) = self.backlog.pop_front() {
            if let Err(TrySendError::Full(report)) = self.sender.try_send(report) {
                self.backlog.push_front(report);
                break;
            }
            moved = true;
        }
        if self.lost > 0
            && self.backlog.is_empty()
            && self.sender.try_send(R::lost(self.lost)).is_ok()
        {
            self.lost = 0;
            moved = true;
        }
        if self.backlog.is_empty() {
            // The storm is over: its memory goes.
            self.backlog.shrink_to(QUEUE);
        }
        if moved {
            (self.wake)();
        }
    }

    /// When to [`flush`](Self::flush) again, if something did not fit.
    pub(crate) fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let waits = !self.backlog.is_empty() || self.lost > 0;
        waits.then(|| now.checked_add(AGAIN)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_does_not_keep_up_loses_reports_and_is_told_how_many() {
        let (mut reports, receiver) = Reports::new(|| {});
        let total = QUEUE + BACKLOG + 5;
        reports.flush();
        for _ in 0..QUEUE {
            reports.push(Report::Ready);
        }
        reports.flush();
        for _ in QUEUE..total {
            reports.push(Report::Late { by: Duration::ZERO });
        }
        reports.flush();
        assert!(reports.next_timeout(Instant::ZERO).is_some());
        let mut seen = 0;
        let mut lost = 0;
        loop {
            while let Ok(report) = receiver.try_recv() {
                match report {
                    Report::Lost { count } => lost += count,
                    _ => seen += 1,
                }
            }
            if lost > 0 {
                break;
            }
            reports.flush();
        }
        assert_eq!(seen + lost, u64::try_from(total).unwrap());
        assert_eq!(lost, 5);
        assert_eq!(reports.next_timeout(Instant::ZERO), None);
    }
}
