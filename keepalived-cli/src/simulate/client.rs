//! One client on each wire, which uses the virtual addresses there.

use std::net::IpAddr;

use netsim::vrrp::{Frame, HostNode, Station};
use netsim::{Effect, Instant, Node, NodeId, Power, To};

use super::frame::{Carried, Note, Wired};
use super::topology::Shared;

/// A client that believes announcements and doubts them as Linux does, see [`HostNode::like_linux`]. It is an
/// assumption that it sends to every address all the time, with the settings of the kernel as they are by
/// default, and that nothing else (such as TCP) confirms what it believes.
#[derive(Debug)]
pub(super) struct Client {
    wire: usize,
    shared: Shared,
    host: Station,
}

impl Client {
    pub(super) fn new(wire: usize, shared: &Shared, seed: u64) -> Self {
        let wanted = shared.topology.wanted.get(wire);
        let addresses: Vec<IpAddr> = wanted
            .into_iter()
            .flatten()
            .map(|(address, _)| *address)
            .collect();
        Self {
            wire,
            shared: shared.clone(),
            host: HostNode::like_linux(addresses, seed).into(),
        }
    }

    pub(super) fn handle_power(&mut self, now: Instant, power: Power) {
        self.host.handle_power(now, power);
    }

    pub(super) fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Frame) {
        if self.shared.passes_on(self.wire, Some(from.0), None) {
            self.host.handle_frame(now, from, frame);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.host.handle_timeout(now);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.host.next_timeout()
    }

    /// Its output, as far as there is any: what it asks goes to every router of its wire, or to one.
    pub(super) fn collect(&mut self, mut out: impl FnMut(Effect<Wired, Note>)) {
        while let Some(effect) = self.host.poll_effect() {
            match effect {
                Effect::Send { to, frame } => {
                    let ports = self.shared.topology.wires.get(self.wire);
                    let asked = |node| match to {
                        To::Everyone => true,
                        To::Node(one) => one == NodeId(node),
                    };
                    let passes =
                        |node| asked(node) && self.shared.passes_on(self.wire, None, Some(node));
                    let all = ports.into_iter().flatten();
                    for (node, interface) in all.filter(|(node, _)| passes(*node)) {
                        let carries = Carried::Vrrp(frame.clone());
                        out(Effect::Send {
                            to: To::Node(NodeId(*node)),
                            frame: Wired {
                                interface: *interface,
                                carries,
                            },
                        });
                    }
                }
                Effect::Note(netsim::vrrp::Note::Learned { address, holder }) => {
                    out(Effect::Note(Note::Learned { address, holder }));
                }
                Effect::Note(_) => {}
            }
        }
    }
}
