//! A router whose elections know at once what its BFD sessions find out.

use core::fmt;
use std::collections::VecDeque;
use std::sync::Arc;

use ::bfd::{Reason, State};
use sans_io_time::Instant;
use vrrp_fsm::{Event, InstanceConfig};

use super::node::{BfdFrame, BfdNode, BfdNote, BfdOrder, Neighbour, address};
use crate::node::{Effect, Node, Power};
use crate::rng::Random;
use crate::vrrp::{Frame, Lan, Note, Order, RouterNode};
use crate::world::NodeId;

/// What travels between guarded routers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GuardedFrame {
    /// Of VRRP and its hosts.
    Vrrp(Frame),
    /// Of BFD.
    Bfd(BfdFrame),
}

/// What an operator tells one.
#[derive(Clone, Debug)]
pub enum GuardedOrder {
    /// About virtual routers.
    Vrrp(Order),
    /// About sessions.
    Bfd(BfdOrder),
}

/// What one reports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GuardedNote {
    /// About virtual routers.
    Vrrp(Note),
    /// About sessions.
    Bfd(BfdNote),
}

macro_rules! display {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Vrrp(inner) => inner.fmt(f),
                    Self::Bfd(inner) => inner.fmt(f),
                }
            }
        }
    )*};
}

display! { GuardedFrame GuardedOrder GuardedNote }

/// A [`RouterNode`] and a [`BfdNode`] in one box. A neighbour that falls silent is lost to the
/// elections too, as the daemon does it.
#[derive(Debug)]
pub struct GuardedRouter {
    /// The virtual routers.
    pub router: RouterNode,
    /// The sessions.
    pub sessions: BfdNode,
    now: Instant,
    out: VecDeque<Effect<GuardedFrame, GuardedNote>>,
}

impl GuardedRouter {
    /// A box that is off. `lan` has to give its nodes the addresses that [`address`] does, as
    /// [`Lan::counted`] does.
    #[must_use]
    pub fn new(
        id: NodeId,
        lan: Arc<Lan>,
        configs: Vec<InstanceConfig>,
        neighbours: Vec<Neighbour>,
        seed: u64,
    ) -> Self {
        Self {
            router: RouterNode::new(id, lan, configs),
            sessions: BfdNode::new(id, neighbours, seed),
            now: Instant::ZERO,
            out: VecDeque::new(),
        }
    }

    /// Sessions first: what they lose counts in the same turn.
    fn collect(&mut self) {
        while let Some(effect) = self.sessions.poll_effect() {
            let effect = match effect {
                Effect::Send { to, frame } => Effect::Send {
                    to,
                    frame: GuardedFrame::Bfd(frame),
                },
                Effect::Note(note) => {
                    self.heed(&note);
                    Effect::Note(GuardedNote::Bfd(note))
                }
            };
            self.out.push_back(effect);
        }
        while let Some(effect) = self.router.poll_effect() {
            self.out.push_back(match effect {
                Effect::Send { to, frame } => Effect::Send {
                    to,
                    frame: GuardedFrame::Vrrp(frame),
                },
                Effect::Note(note) => Effect::Note(GuardedNote::Vrrp(note)),
            });
        }
    }

    /// Silence, of one that was there, is a loss; being told is none.
    fn heed(&mut self, note: &BfdNote) {
        if let BfdNote::State {
            peer, transition, ..
        } = note
            && transition.from == State::Up
            && transition.reason == Reason::DetectionTime
        {
            let lost = Event::ActiveLost(address(*peer));
            self.router.handle_order(self.now, &Order::Event(lost));
        }
    }
}

impl Node for GuardedRouter {
    type Frame = GuardedFrame;
    type Order = GuardedOrder;
    type Note = GuardedNote;

    fn handle_power(&mut self, now: Instant, power: Power) {
        self.now = now;
        self.out.clear();
        self.sessions.handle_power(now, power);
        self.router.handle_power(now, power);
    }

    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &GuardedFrame) {
        self.now = now;
        match frame {
            GuardedFrame::Vrrp(frame) => self.router.handle_frame(now, from, frame),
            GuardedFrame::Bfd(frame) => self.sessions.handle_frame(now, from, frame),
        }
    }

    /// The sessions' news come before the elections' own deadlines.
    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.sessions.handle_timeout(now);
        self.collect();
        self.router.handle_timeout(now);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let both = [self.sessions.next_timeout(), self.router.next_timeout()];
        both.into_iter().flatten().min()
    }

    fn poll_effect(&mut self) -> Option<Effect<GuardedFrame, GuardedNote>> {
        if self.out.is_empty() {
            self.collect();
        }
        self.out.pop_front()
    }

    fn handle_link(&mut self, now: Instant, up: bool) {
        self.now = now;
        self.router.handle_link(now, up);
    }

    fn handle_order(&mut self, now: Instant, order: &GuardedOrder) {
        self.now = now;
        match order {
            GuardedOrder::Vrrp(order) => self.router.handle_order(now, order),
            GuardedOrder::Bfd(order) => self.sessions.handle_order(now, order),
        }
    }

    fn corrupt(frame: &GuardedFrame, random: &mut Random) -> Option<GuardedFrame> {
        match frame {
            GuardedFrame::Vrrp(frame) => frame.corrupted(random).map(GuardedFrame::Vrrp),
            GuardedFrame::Bfd(_) => None,
        }
    }
}
