//! What every probe has: a deadline, a connection, and a queue of things to do.

use std::collections::VecDeque;
use std::time::Duration;

use sans_io_time::Instant;

use crate::io::{ConnId, IoFailure, Output, Target, Transport};
use crate::outcome::{Failure, Outcome};

#[derive(Debug)]
pub(super) struct Attempt {
    limit: Duration,
    deadline: Option<Instant>,
    conn: Option<ConnId>,
    /// Where to, if from somewhere in particular.
    bound: Option<Box<Target>>,
    next: u32,
    outputs: VecDeque<Output>,
}

impl Attempt {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            deadline: None,
            conn: None,
            bound: None,
            next: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Begins, with one deadline for all of it (CHK-03); what an earlier attempt still wanted to do to a connection is done.
    pub(super) fn begin(&mut self, now: Instant) {
        self.abort();
        // An instant without end would be a check without end.
        self.deadline = Some(now.checked_add(self.limit).unwrap_or(now));
    }

    pub(super) fn connect(&mut self, transport: Transport, target: Target) {
        self.close();
        let conn = ConnId(self.next);
        self.next = self.next.wrapping_add(1);
        self.conn = Some(conn);
        if self.bound.as_deref() != Some(&target) {
            let bound = target != Target::new(target.to);
            self.bound = bound.then(|| Box::new(target.clone()));
        }
        self.push(Output::Connect {
            conn,
            transport,
            target,
        });
    }

    pub(super) fn send(&mut self, bytes: Vec<u8>) {
        if let Some(conn) = self.conn
            && !bytes.is_empty()
        {
            self.push(Output::Send { conn, bytes });
        }
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn is_ours(&self, conn: ConnId) -> bool {
        self.conn == Some(conn)
    }

    pub(super) fn runs(&self) -> bool {
        self.deadline.is_some()
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        if self.deadline.take().is_some() {
            self.close();
            self.push(Output::Done(outcome));
        }
    }

    pub(super) fn fail(&mut self, failure: impl Into<Failure>) {
        self.finish(Err(failure.into()));
    }

    /// What the connection failed of, with what of its source could not be had.
    pub(super) fn io(&self, failure: IoFailure) -> Failure {
        let Some(target) = &self.bound else {
            return Failure::Io(failure);
        };
        match (failure, &target.interface, target.bind_address) {
            (IoFailure::NoInterface, Some(name), _) => {
                Failure::Source(format!("there is no interface `{name}` to send from"))
            }
            (IoFailure::NoAddress, _, Some(address)) => Failure::Source(format!(
                "the source address {address} is not on this machine"
            )),
            (IoFailure::InUse, ..) if target.bind_port != 0 => {
                Failure::Source(format!("the source port {} is in use", target.bind_port))
            }
            (IoFailure::Bind, ..) => {
                Failure::Source(format!("cannot send from {}", source(target)))
            }
            _ => Failure::Io(failure),
        }
    }

    pub(super) fn abort(&mut self) {
        self.close();
        self.deadline = None;
    }

    /// Whether the deadline has passed.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.push(Output::Close(conn));
        }
    }
}

/// All that was asked for.
fn source(target: &Target) -> String {
    let interface = target.interface.as_ref();
    let parts = [
        interface.map(|name| format!("interface `{name}`")),
        target
            .bind_address
            .map(|address| format!("address {address}")),
        (target.bind_port != 0).then(|| format!("port {}", target.bind_port)),
        (target.mark != 0).then(|| format!("mark {}", target.mark)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}
