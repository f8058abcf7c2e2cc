//! What happens to a session besides packets and time.

use crate::Instant;
use crate::event::{Concatenated, Event, Reason};
use crate::session::Session;
use crate::types::{Diagnostic, State};

impl Session {
    /// Tells of an event. One that means nothing in the present state does nothing.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::AdminDown => self.hold(now, Diagnostic::ADMIN_DOWN),
            Event::PathDown => self.hold(now, Diagnostic::PATH_DOWN),
            Event::AdminUp => self.release(now),
            Event::ForwardingReset => self.reset(now),
            Event::EchoFailed => self.fail_echo(now),
            Event::ConcatenatedPath(path) => self.concatenate(path),
            Event::Verify => self.verify(),
        }
        self.settle(now);
    }

    /// RFC 5880 6.8.16: AdminDown is told to the other side for as long as it lasts. BFD-FSM-20,
    /// BFD-FSM-21.
    fn hold(&mut self, now: Instant, diagnostic: Diagnostic) {
        if self.state == State::AdminDown {
            self.diagnostic = diagnostic;
        } else {
            let diagnostic = Some(diagnostic);
            self.transition(now, State::AdminDown, diagnostic, Reason::AdminDown);
        }
    }

    /// RFC 5880 6.8.16.
    fn release(&mut self, now: Instant) {
        if self.state == State::AdminDown {
            let diagnostic = Some(Diagnostic::NONE);
            self.transition(now, State::Down, diagnostic, Reason::AdminUp);
        }
    }

    /// RFC 5880 6.8.15. BFD-FSM-19.
    fn reset(&mut self, now: Instant) {
        if matches!(self.state, State::Init | State::Up) {
            let diagnostic = Some(Diagnostic::FORWARDING_RESET);
            self.transition(now, State::Down, diagnostic, Reason::ForwardingReset);
        }
    }

    /// RFC 5880 6.8.5. BFD-FSM-18.
    pub(super) fn fail_echo(&mut self, now: Instant) {
        if self.is_up() {
            let diagnostic = Some(Diagnostic::ECHO_FAILED);
            self.transition(now, State::Down, diagnostic, Reason::EchoFailed);
        }
    }

    /// RFC 5880 6.8.17: told, and no change of state. BFD-FSM-23.
    fn concatenate(&mut self, path: Concatenated) {
        if self.is_up() {
            self.diagnostic = match path {
                Concatenated::Up => Diagnostic::NONE,
                Concatenated::Down => Diagnostic::CONCATENATED_PATH_DOWN,
                Concatenated::ReverseDown => Diagnostic::REVERSE_CONCATENATED_PATH_DOWN,
            };
        }
    }

    /// RFC 5880 6.6: a poll finds out whether the other side answers.
    pub(super) fn verify(&mut self) {
        if self.is_up() && !self.is_polling() {
            self.start_poll();
        }
    }
}
