//! What stands on the simulated network: a node of the cluster or a client.

use netsim::{Effect, Instant, Node, NodeId, Power};

use super::client::Client;
use super::frame::{Carried, Note, Order, Wired};
use super::router::RouterBox;

/// A node or a client.
#[derive(Debug)]
pub(super) enum Station {
    Router(Box<RouterBox>),
    Client(Client, std::collections::VecDeque<Effect<Wired, Note>>),
}

impl Node for Station {
    type Frame = Wired;
    type Order = Order;
    type Note = Note;

    fn handle_power(&mut self, now: Instant, power: Power) {
        match self {
            Self::Router(router) => router.handle_power(now, power),
            Self::Client(client, _) => client.handle_power(now, power),
        }
    }

    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Wired) {
        match self {
            Self::Router(router) => router.handle_frame(now, from, frame),
            Self::Client(client, _) => {
                if let Carried::Vrrp(frame) = &frame.carries {
                    client.handle_frame(now, from, frame);
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Router(router) => router.handle_timeout(now),
            Self::Client(client, _) => client.handle_timeout(now),
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        match self {
            Self::Router(router) => router.next_timeout(),
            Self::Client(client, _) => client.next_timeout(),
        }
    }

    fn poll_effect(&mut self) -> Option<Effect<Wired, Note>> {
        match self {
            Self::Router(router) => router.poll_effect(),
            Self::Client(client, out) => {
                if out.is_empty() {
                    client.collect(|effect| out.push_back(effect));
                }
                out.pop_front()
            }
        }
    }

    fn handle_order(&mut self, now: Instant, order: &Order) {
        if let Self::Router(router) = self {
            router.handle_order(now, order);
        }
    }
}
