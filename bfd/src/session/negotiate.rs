//! Intervals and poll sequences, RFC 5880 6.5 and 6.8.2 to 6.8.3.
//!
//! There are three sets of values. What is *wanted* follows from configuration and state. What is
//! on *offer* is in every packet; it changes when a poll sequence begins, so that an answer is
//! known to be an answer to it. What is *used* follows at once, or, where the other side might
//! not know of it, when the poll sequence ends.

use core::time::Duration;

use crate::Instant;
use crate::config::{Demand, SessionConfig};
use crate::session::Session;
use crate::stats::count;
use crate::timing::{after, detection_time, earlier};
use crate::types::{Micros, State};

/// Each step of backing off doubles the intervals; up to one second.
const MOST_STEPS: u32 = 8;
/// How long a session has to be up until a step is taken back.
const EASE: Duration = Duration::from_secs(60);

/// An answer that took longer has got lost on the way, rather than being slow.
const LONGEST_SETTLING: Duration = Duration::from_secs(2);

/// What a change of starts a poll sequence. The detection multiplier is not part of it:
/// BFD-TM-13.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Offer {
    pub(super) desired_min_tx: Micros,
    pub(super) required_min_rx: Micros,
    pub(super) demand: bool,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Poll {
    None,
    /// P goes out; when the first and the last one did.
    Running {
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        sent: Option<(Instant, Instant)>,
        /// Some of them went out with another offer: an answer may be one to that.
        mixed: bool,
    },
    /// F was received. There may be as many more of them on the way as there were polls, and they
    /// must not be taken for answers to another one: a round trip has to pass before that.
    /// BFD-TM-08.
    Settling {
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        until: Instant,
    },
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Negotiation {
    pub(super) offer: Offer,
    pub(super) used: Offer,
    poll: Poll,
    /// Another poll has to follow.
    again: bool,
    /// Steps of backing off, and when to take one back. BFD-MH-06.
    steps: u32,
    #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
    ease_at: Option<Instant>,
}

impl Negotiation {
    pub(super) fn new(config: &SessionConfig) -> Self {
        let offer = Offer {
            desired_min_tx: config.desired_min_tx.max(config.idle_tx),
            required_min_rx: config.required_min_rx,
            demand: false,
        };
        Self {
            offer,
            used: offer,
            poll: Poll::None,
            again: false,
            steps: 0,
            ease_at: None,
        }
    }

    pub(super) const fn is_polling(&self) -> bool {
        matches!(self.poll, Poll::Running { .. })
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let settled = match self.poll {
            Poll::Settling { until } => Some(until),
            Poll::None | Poll::Running { .. } => None,
        };
        earlier(settled, self.ease_at)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.ease_at.is_some_and(|at| at <= now) {
            self.steps = self.steps.saturating_sub(1);
            self.ease_at = None;
        }
    }

    /// P has been sent.
    pub(super) fn polled(&mut self, now: Instant) {
        if let Poll::Running { sent, .. } = &mut self.poll {
            *sent = Some((sent.map_or(now, |(first, _)| first), now));
        }
    }

    /// There is nobody to answer.
    pub(super) const fn abandon_poll(&mut self) {
        self.poll = Poll::None;
        self.again = false;
    }

    /// Packets were lost.
    pub(super) fn back_off(&mut self) {
        self.steps = self.steps.saturating_add(1).min(MOST_STEPS);
    }

    /// Longer by the steps, but not for that longer than a second.
    fn longer(&self, interval: Micros) -> Micros {
        let factor = 1_u32.checked_shl(self.steps).unwrap_or(u32::MAX);
        let longer = Micros::new(interval.get().saturating_mul(factor));
        longer.min(interval.max(Micros::SECOND))
    }

    /// Offers something else. BFD-TX-04 and BFD-TM-11 do not let that wait for a poll sequence that
    /// is under way.
    fn propose(&mut self, offer: Offer) {
        self.offer = offer;
        if let Poll::Running { sent, mixed } = &mut self.poll {
            *mixed = sent.is_some();
        }
    }

    /// The poll sequence has ended: what was on offer is in force. BFD-TM-04, BFD-TM-05.
    ///
    /// Unless the offer changed while it ran: which P was answered cannot be read from the answer,
    /// and cannot be found out by counting where packets get lost. Then the old values stay in
    /// force until another poll sequence, of the present offer alone, has been answered.
    const fn conclude(&mut self, until: Instant, mixed: bool) {
        if mixed {
            self.again = true;
        } else {
            self.used = self.offer;
        }
        self.poll = Poll::Settling { until };
    }
}

impl Session {
    /// How often to send. BFD-TX-01.
    pub(super) fn transmit_interval(&self) -> Micros {
        let used = self.negotiation.used.desired_min_tx;
        used.max(self.remote.required_min_rx)
    }

    /// One second at least unless up (BFD-TX-04, BFD-VAR-05, BFD-TM-10, BFD-TM-11), and no need
    /// for frequent control packets while echo packets do the work (BFD-EC-04).
    fn wanted(&self) -> Offer {
        let config = &self.config;
        let required_min_rx = self.negotiation.longer(config.required_min_rx);
        Offer {
            desired_min_tx: if self.is_up() {
                self.negotiation.longer(config.desired_min_tx)
            } else {
                config.desired_min_tx.max(config.idle_tx)
            },
            required_min_rx: if self.echo.is_active() {
                required_min_rx.max(Micros::SECOND)
            } else {
                required_min_rx
            },
            demand: self.wants_demand(),
        }
    }

    /// BFD-DM-01.
    fn wants_demand(&self) -> bool {
        self.config.demand != Demand::Off && self.is_up() && self.remote.state == State::Up
    }

    /// Offers what is wanted, if the time is right. Tells whether that takes a poll sequence.
    ///
    /// BFD-TM-03, BFD-TM-04, BFD-TM-05, BFD-TM-06, BFD-TM-08, BFD-TM-11, BFD-DM-03.
    pub(super) fn negotiate(&mut self, now: Instant) -> bool {
        let wanted = self.wanted();
        let up = self.is_up();
        let known = self.remote.discriminator.is_some();
        let negotiation = &mut self.negotiation;
        if matches!(negotiation.poll, Poll::Settling { until } if until <= now) {
            negotiation.poll = Poll::None;
        }
        let backed_off = up && negotiation.steps > 0;
        negotiation.ease_at =
            backed_off.then(|| negotiation.ease_at.unwrap_or_else(|| after(now, EASE)));
        if !known {
            // Nothing depends on what the other side knows.
            negotiation.used = negotiation.offer;
        }
        if wanted == negotiation.offer {
            return negotiation.again && matches!(negotiation.poll, Poll::None);
        }
        let ends_demand = negotiation.offer.demand && !wanted.demand;
        if up && !ends_demand && !matches!(negotiation.poll, Poll::None) {
            // One after the other.
            return false;
        }
        if ends_demand {
            self.demand.ended = Some(now);
        }
        negotiation.propose(wanted);
        let used = &mut negotiation.used;
        used.demand = wanted.demand;
        if !up || !known || wanted.desired_min_tx < used.desired_min_tx {
            used.desired_min_tx = wanted.desired_min_tx;
        }
        // In any state: nobody is to be forgotten for not sending faster than they know.
        if !known || wanted.required_min_rx > used.required_min_rx {
            used.required_min_rx = wanted.required_min_rx;
        }
        true
    }

    /// RFC 5880 6.5. A poll that is under way is not disturbed; another one follows it.
    pub(super) fn start_poll(&mut self) {
        let negotiation = &mut self.negotiation;
        match negotiation.poll {
            Poll::None => {
                negotiation.poll = Poll::Running {
                    sent: None,
                    mixed: false,
                };
                negotiation.again = false;
                count(&mut self.stats.polls);
            }
            Poll::Running { .. } | Poll::Settling { .. } => negotiation.again = true,
        }
    }

    /// BFD-RX-17, BFD-TM-08. An answer to a poll that was never sent is none.
    ///
    /// That a packet without F shows the end of the answers, as RFC 5880 6.5 has it, is true only
    /// of a single P. With an interval shorter than the round trip there are more of them on the
    /// way, with packets without F in between; so what counts here is time: twice as long as this
    /// answer took, after the last P.
    pub(super) fn hear_final(&mut self, now: Instant) {
        if let Poll::Running {
            sent: Some((first, last)),
            mixed,
        } = self.negotiation.poll
        {
            let round_trip = now.saturating_duration_since(first);
            let until = after(last, round_trip.saturating_mul(2).min(LONGEST_SETTLING));
            self.negotiation.conclude(until, mixed);
        }
    }

    /// When the other side should have answered, counted from the first P. BFD-TM-02.
    pub(super) fn poll_deadline(&self) -> Option<Instant> {
        let Poll::Running {
            sent: Some((first, _)),
            ..
        } = self.negotiation.poll
        else {
            return None;
        };
        let interval = self.negotiation.used.desired_min_tx;
        let remote = self.remote.required_min_rx;
        let time = detection_time(self.config.detect_mult, remote, interval);
        Some(after(first, time))
    }
}
