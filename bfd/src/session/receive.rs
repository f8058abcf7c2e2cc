//! Reception of control packets, RFC 5880 6.8.6 from the discriminators on, and what becomes of
//! silence, 6.8.4.

use crate::Instant;
use crate::auth;
use crate::error::Rejected;
use crate::event::{Reason, SessionEvent};
use crate::packet::{Control, ControlPacket};
use crate::session::{Remote, Session, machine};
use crate::stats::count;
use crate::timing::after;
use crate::types::{Diagnostic, State};

impl Session {
    /// Takes a packet that is for this session: one with its discriminator, or one without a
    /// discriminator from its peer. TTL and port have been judged.
    ///
    /// # Errors
    ///
    /// Why the packet was discarded. It has then changed nothing but counters; except that, as
    /// the RFC has it, a session that is held down still notes what the other side wants.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        packet: &ControlPacket<'_>,
    ) -> Result<(), Rejected> {
        let result = self.receive(now, packet);
        if let Err(reason) = &result {
            self.stats.rejected.add(reason);
        }
        if matches!(result, Ok(()) | Err(Rejected::AdminDown)) {
            self.settle(now);
        }
        result
    }

    /// The rules in their order. BFD-RX-11, BFD-RX-12, BFD-RX-13, BFD-RX-14, BFD-RX-17,
    /// BFD-RX-18, BFD-RX-19, BFD-RX-20, BFD-RX-21, BFD-RX-22.
    fn receive(&mut self, now: Instant, packet: &ControlPacket<'_>) -> Result<(), Rejected> {
        let control = packet.control();
        if let Some(your) = control
            .your_discriminator
            .filter(|your| *your != self.local)
        {
            return Err(Rejected::UnknownDiscriminator { your });
        }
        let last = self.sequence.last(now);
        let sequence = auth::verify(self.config.auth.as_ref(), now, packet, last)?;
        self.observe(now, control);
        if let Some(number) = sequence {
            let silence = self.detection_time().unwrap_or_default().saturating_mul(2);
            self.sequence.accept(number, after(now, silence));
        }
        if control.final_bit {
            self.hear_final(now);
        }
        if self.state == State::AdminDown {
            return Err(Rejected::AdminDown);
        }
        count(&mut self.stats.received);
        if let Some((to, diagnostic)) = machine::next(self.state, control.state) {
            self.transition(now, to, diagnostic, Reason::Received(control.state));
        }
        if control.poll {
            self.outbox.answer();
        }
        self.remark(control);
        Ok(())
    }

    /// BFD-RX-14, BFD-RX-15, BFD-RX-16, BFD-RX-25, BFD-RX-26.
    fn observe(&mut self, now: Instant, control: &Control) {
        let before = self.remote.discriminator;
        self.remote = Remote {
            discriminator: Some(control.my_discriminator),
            state: control.state,
            diagnostic: control.diagnostic,
            demand: control.demand,
            required_min_rx: control.required_min_rx,
            required_min_echo_rx: control.required_min_echo_rx,
            desired_min_tx: control.desired_min_tx,
            detect_mult: Some(control.detect_mult),
            heard: Some(now),
        };
        if before != self.remote.discriminator {
            self.tell(SessionEvent::RemoteDiscriminator(self.remote.discriminator));
        }
    }

    /// What is odd and no reason to discard anything. BFD-RX-24, BFD-RX-25.
    fn remark(&mut self, control: &Control) {
        if control.poll && control.final_bit {
            count(&mut self.stats.poll_and_final);
            if !core::mem::replace(&mut self.told_poll_and_final, true) {
                self.tell(SessionEvent::PollAndFinal);
            }
        }
        let zero = control.desired_min_tx.is_zero();
        if zero && !core::mem::replace(&mut self.told_interval_zero, true) {
            self.tell(SessionEvent::TransmitIntervalZero);
        }
    }

    /// When silence has lasted too long, if nothing is heard until then. RFC 5880 6.8.4; while
    /// the other side is asked to be silent, only an unanswered poll counts. BFD-DM-05.
    pub(super) fn detection_deadline(&self) -> Option<Instant> {
        self.remote.discriminator?;
        if self.negotiation.offer.demand {
            return self.poll_deadline();
        }
        let since = self.remote.heard.max(self.demand.ended)?;
        Some(after(since, self.detection_time()?))
    }

    /// The detection time has passed. Whatever the state, the other side is no longer known
    /// (BFD-VAR-03, BFD-VAR-06); Init and Up are over (BFD-FSM-17).
    pub(super) fn handle_silence(&mut self, now: Instant) {
        if matches!(self.state, State::Init | State::Up) {
            let reason = if self.negotiation.offer.demand {
                Reason::PollUnanswered
            } else {
                Reason::DetectionTime
            };
            let diagnostic = Some(Diagnostic::TIME_EXPIRED);
            self.transition(now, State::Down, diagnostic, reason);
        }
        self.remote = Remote {
            heard: self.remote.heard,
            ..Remote::UNKNOWN
        };
        self.negotiation.abandon_poll();
        self.tell(SessionEvent::RemoteDiscriminator(None));
    }
}
