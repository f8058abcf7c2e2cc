//! Transmission of control packets, RFC 5880 6.8.7.

use crate::Instant;
use crate::auth::signature;
use crate::config::Role;
use crate::event::SessionEvent;
use crate::packet::{Buffer, Control};
use crate::session::Session;
use crate::stats::count;
use crate::timing::{Pace, after};

/// What there is to send. All of it are flags: however late it is polled, there is never more
/// than one answer and one packet.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Outbox {
    pace: Pace,
    /// When the next periodic packet is due, unless it is already.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    pub(super) next: Option<Instant>,
    periodic: bool,
    answer: bool,
    /// What was in the last packet, P and F aside.
    sent: Option<Control>,
    /// What would have been in a packet after the last input.
    announced: Option<Control>,
    /// The lack of a key was told.
    no_key: bool,
}

impl Outbox {
    pub(super) const fn new() -> Self {
        Self {
            pace: Pace::START,
            next: None,
            periodic: false,
            answer: false,
            sent: None,
            announced: None,
            no_key: false,
        }
    }

    /// A poll was received. BFD-RX-21.
    pub(super) const fn answer(&mut self) {
        self.answer = true;
    }

    pub(super) const fn is_answering(&self) -> bool {
        self.answer
    }

    /// Takes note of what a packet would say now; tells whether that is new.
    pub(super) fn announce(&mut self, content: Control) -> bool {
        self.announced.replace(content) != Some(content)
    }

    /// There is something to say that the last packet did not. BFD-TX-12, BFD-FSM-25.
    fn has_news(&self) -> bool {
        self.sent != self.announced
    }
}

impl Session {
    /// Writes the next packet to send, and returns its length. Poll until `None` after every
    /// input: changes of state are sent at once.
    ///
    /// A poll of the other side is answered first, whatever timers and demand mode say
    /// (BFD-TX-09). All other packets are subject to the rules for periodic ones.
    #[must_use = "a packet that is polled has to be sent"]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Buffer) -> Option<usize> {
        let is_final = self.outbox.answer;
        let sends = is_final || (self.is_due() && self.may_send());
        if !sends {
            return None;
        }
        let length = self.write(now, is_final, out);
        let content = self.outbox.announced;
        let outbox = &mut self.outbox;
        if length.is_some() || !is_final {
            outbox.sent = content;
        }
        if is_final {
            outbox.answer = false;
        } else {
            outbox.periodic = false;
            outbox
                .pace
                .sent(now, &mut self.rng, self.config.detect_mult);
        }
        self.reschedule(now);
        length
    }

    /// The time has come, or there is news.
    pub(super) fn is_due(&self) -> bool {
        self.outbox.periodic || self.outbox.has_news()
    }

    /// The packet, or nothing for want of a key: never one without authentication.
    fn write(&mut self, now: Instant, is_final: bool, out: &mut Buffer) -> Option<usize> {
        let poll = !is_final && self.is_polling();
        let control = Control {
            poll,
            final_bit: is_final,
            ..self.content()
        };
        let mut number = 0;
        if let Some(auth) = self
            .config
            .auth
            .as_ref()
            .filter(|a| a.sending_key(now).is_some())
        {
            number = self.sequence.advance(auth.kind(), self.outbox.has_news());
        }
        let length = match signature(self.config.auth.as_ref(), now, number) {
            Ok(signature) => control.emit(&signature, out).ok(),
            Err(_) => None,
        };
        if length.is_none() {
            count(&mut self.stats.unsigned);
            if !core::mem::replace(&mut self.outbox.no_key, true) {
                self.tell(SessionEvent::NoKey);
            }
            return None;
        }
        if core::mem::replace(&mut self.outbox.no_key, false) {
            self.tell(SessionEvent::KeyAgain);
        }
        count(&mut self.stats.sent);
        if is_final {
            count(&mut self.stats.finals);
        }
        if poll {
            self.negotiation.polled(now);
        }
        length
    }

    /// What a packet says now, P and F aside, be it an answer or not. BFD-TX-11, BFD-TM-09.
    pub(super) fn content(&self) -> Control {
        let offer = self.negotiation.offer;
        Control {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: false,
            final_bit: false,
            control_plane_independent: self.config.control_plane_independent,
            demand: offer.demand,
            detect_mult: self.config.detect_mult,
            my_discriminator: self.local,
            your_discriminator: self.remote.discriminator,
            desired_min_tx: offer.desired_min_tx,
            required_min_rx: offer.required_min_rx,
            required_min_echo_rx: self.config.required_min_echo_rx,
        }
    }

    /// Whether packets may be sent without being asked for. BFD-TX-06, BFD-TX-07, BFD-TX-08,
    /// BFD-DM-02.
    pub(super) fn may_send(&self) -> bool {
        let waits = self.config.role == Role::Passive && self.remote.discriminator.is_none();
        let unwanted = self.remote.required_min_rx.is_zero();
        let demanded = self.remote_demand_active() && !self.is_polling();
        !(waits || unwanted || demanded)
    }

    /// Plans the next periodic packet. Called after every change, so that a shorter interval
    /// applies to the packet that is already waiting, too; it may make it due at once. BFD-TX-05,
    /// BFD-TM-07.
    pub(super) fn reschedule(&mut self, now: Instant) {
        let interval = self.transmit_interval();
        let may_send = self.may_send();
        let outbox = &mut self.outbox;
        let next = outbox.pace.next(interval).filter(|_| may_send);
        outbox.periodic = may_send && (outbox.periodic || next.is_some_and(|next| next <= now));
        outbox.next = next.filter(|_| !outbox.periodic);
        self.echo.reschedule(now);
    }

    /// Sends the periodic packet in the company of others, if it is not too early for that:
    /// three quarters of the interval have to be over (BFD-TX-02), and no more than a twentieth
    /// of it may be left to wait.
    pub(crate) fn handle_early(&mut self, now: Instant) {
        let interval = self.transmit_interval();
        let earliest = self.outbox.pace.earliest(interval);
        let slack = interval.to_duration() / 20;
        let soon = self
            .outbox
            .next
            .is_some_and(|next| next <= after(now, slack));
        if soon && earliest.is_some_and(|earliest| earliest <= now) {
            self.outbox.periodic = true;
            self.reschedule(now);
        }
    }
}
