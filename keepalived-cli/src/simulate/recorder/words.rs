//! What happens, in the words of users.

use std::net::IpAddr;

use netsim::{Fault, Net, NodeId};
use vrrp_fsm::{Faults, Notice, Reason};

use super::super::cuts::Somebody;
use super::super::frame::Order;
use super::super::objects;
use super::super::text::seconds;
use super::super::topology::Object;
use super::Recorder;
use crate::messages::describe_all;

impl Recorder<'_> {
    /// The node with this address, or the address.
    fn who(&self, address: IpAddr) -> String {
        let owner = self.shared.topology.owner.get(&address);
        owner.map_or_else(
            || address.to_string(),
            |(node, _)| self.name(*node).to_owned(),
        )
    }

    /// What holds a virtual router.
    pub(super) fn held(&self, faults: Faults, why: &str) -> String {
        if why.is_empty() {
            describe_all(faults)
        } else {
            why.to_owned()
        }
    }

    /// Why a state has changed; `first`: the virtual router has been off until now.
    pub(super) fn reason(&self, reason: &Reason, faults: Faults, why: &str, first: bool) -> String {
        match reason {
            Reason::Started => "it has started".to_owned(),
            Reason::OwnerStart => "the addresses are its own".to_owned(),
            Reason::DownTimer => "it hears nobody".to_owned(),
            Reason::ReleaseHeard => "the old one said goodbye".to_owned(),
            Reason::ActiveLost => "BFD has lost the old one".to_owned(),
            Reason::PreemptedLower => "it hears lower priorities only".to_owned(),
            Reason::HigherPriority { source, priority } => {
                format!("{} has priority {}", self.who(*source), priority.get())
            }
            Reason::Stopped => "stopped".to_owned(),
            Reason::Faulted(_) => self.held(faults, why),
            // RFC 9568 6.4.1: it begins with what the start has to clear.
            Reason::FaultsCleared if first => "it has started".to_owned(),
            Reason::FaultsCleared => "nothing holds it any more".to_owned(),
            Reason::Stalled => "it was frozen for so long that another must be".to_owned(),
            Reason::AddressLost => "it has lost an address".to_owned(),
            Reason::SyncGroup => "so is its group".to_owned(),
            Reason::Reconfigured => "its file does not have it any more".to_owned(),
            _ => "for another reason".to_owned(),
        }
    }

    /// What of the notices is worth a line here.
    pub(super) fn notice(&mut self, node: usize, place: usize, notice: &Notice) {
        let title = self.title(node, place);
        let seat = self.seats.get(node).and_then(|seats| seats.get(place));
        let own = seat.map(|seat| seat.priority);
        let text = match notice {
            // Equal priorities are decided by the addresses: RFC 9568 6.4.3.
            Notice::LowerPriorityAdvert { source, priority } if own == Some(priority.get()) => {
                format!(
                    "{title} hears {} with the same priority and a lower address",
                    self.who(*source)
                )
            }
            Notice::LowerPriorityAdvert { source, priority } => format!(
                "{title} hears {} with lower priority {}",
                self.who(*source),
                priority.get()
            ),
            Notice::SecondOwner { source } => {
                format!(
                    "{title}: {} says the addresses are its own too",
                    self.who(*source)
                )
            }
            Notice::SameAddressAndPriority { source, priority } => format!(
                "{title} hears its own address {source} and priority {}",
                priority.get()
            ),
            Notice::AddressListMismatch { source } => {
                format!("{title}: {} has other addresses", self.who(*source))
            }
            Notice::IntervalMismatch { source, .. } => {
                format!("{title}: {} has another interval", self.who(*source))
            }
            Notice::ClockDiffers {
                source,
                seconds: by,
            } => format!(
                "{title}: the clock of {} differs by {by} s",
                self.who(*source)
            ),
            Notice::Stalled { late } => format!("{title} is {} late", seconds(*late)),
            Notice::AdvertLate { late } => {
                format!("{title}: an advert is {} late", seconds(*late))
            }
            _ => return,
        };
        self.event(Some(node), Some(place), text);
    }

    /// What the command line makes happen: to whom, and in words.
    pub(super) fn incident(&self, fault: &Fault<Order>) -> Option<(Vec<usize>, String)> {
        let name = |node: &NodeId| {
            let nodes = self.names.len();
            if node.0 < nodes {
                self.name(node.0)
            } else {
                "the client"
            }
        };
        let one = |node: &NodeId, text: String| Some((vec![node.0], text));
        match fault {
            Fault::Start(node) => one(node, format!("{} is started", name(node))),
            Fault::Stop(node) => one(node, format!("{} is stopped", name(node))),
            Fault::Crash(node) => one(node, format!("{} is killed", name(node))),
            Fault::Stall(node, length) => one(
                node,
                format!("{} is frozen for {}", name(node), seconds(*length)),
            ),
            Fault::OneWay(from, to) => {
                // One for all clients.
                let clients = self.names.len();
                if from.0 > clients || to.0 > clients {
                    return None;
                }
                Some((
                    vec![from.0, to.0]
                        .into_iter()
                        .filter(|node| *node < clients)
                        .collect(),
                    format!("{} does not reach {} any more", name(from), name(to)),
                ))
            }
            Fault::Partition(cells) => {
                let cell = |cell: &Vec<NodeId>| {
                    let mut names: Vec<&str> = cell.iter().map(name).collect();
                    names.dedup();
                    names.join(" and ")
                };
                let cells: Vec<String> = cells.iter().map(cell).collect();
                let text = format!("the network falls apart: {}", cells.join(" | "));
                Some((Vec::new(), text))
            }
            Fault::Heal => Some((Vec::new(), "all cuts and partitions are over".to_owned())),
            Fault::SetLink(link) => {
                let loss = match link.loss {
                    netsim::Loss::Random(ppm) => f64::from(ppm) / 10_000.0,
                    _ => 0.0,
                };
                Some((
                    Vec::new(),
                    format!("{loss}% of frames are lost from now on"),
                ))
            }
            Fault::Tell(_, Order::Cut { wire, from, to }) => Some((
                [from, to].into_iter().filter_map(|end| *end).collect(),
                format!(
                    "{} does not reach {} any more on {}",
                    self.somebody(*from),
                    self.somebody(*to),
                    self.wire(*wire)
                ),
            )),
            Fault::Tell(_, Order::Part { wire, cells }) => {
                let cell = |cell: &Vec<Somebody>| {
                    let names: Vec<&str> = cell.iter().map(|one| self.somebody(*one)).collect();
                    names.join(" and ")
                };
                let parts: Vec<String> = cells.iter().map(cell).collect();
                let text = format!(
                    "the network {} falls apart: {}",
                    self.wire(*wire),
                    parts.join(" | ")
                );
                Some((
                    cells.iter().flatten().filter_map(|one| *one).collect(),
                    text,
                ))
            }
            Fault::Tell(node, order) => one(node, self.order(node.0, order)),
            _ => None,
        }
    }

    /// What the state of a node makes of an incident that changes nothing now.
    pub(super) fn without_effect(&self, fault: &Fault<Order>, net: &Net) -> &'static str {
        let until = |node: &NodeId| self.frozen.get(node.0).copied().flatten();
        match fault {
            Fault::Start(node) if until(node).is_some() => " (it is frozen, and runs on then)",
            Fault::Start(node) if net.is_running(*node) => " (it runs already)",
            Fault::Stall(node, length) if until(node) > Some(self.now + *length) => {
                " (it is frozen for longer already)"
            }
            Fault::Stop(node)
            | Fault::Tell(node, Order::Reload(_) | Order::Link { .. } | Order::Object { .. })
                if until(node).is_some() =>
            {
                " (it is frozen: it will notice afterwards)"
            }
            Fault::Stop(node)
            | Fault::Crash(node)
            | Fault::Stall(node, _)
            | Fault::Tell(node, Order::Reload(_))
                if !net.is_running(*node) =>
            {
                " (it is off)"
            }
            _ => "",
        }
    }

    fn somebody(&self, who: Somebody) -> &str {
        who.map_or("the client", |node| self.name(node))
    }

    pub(super) fn wire(&self, wire: usize) -> &str {
        self.wires.get(wire).map_or("?", String::as_str)
    }

    fn order(&self, node: usize, order: &Order) -> String {
        let name = self.name(node);
        match order {
            Order::Link { interface, up } => {
                let is = if *up { "up" } else { "down" };
                format!("link {interface} of {name} goes {is}")
            }
            Order::Object { id, is } => {
                let object = objects::name(id);
                match is {
                    Object::Good => format!("{object} of {name} is in order"),
                    Object::Bad => format!("{object} of {name} fails"),
                    Object::Value(value) => format!("{object} of {name} says {value}"),
                }
            }
            Order::Reload(file) => {
                let files = self.shared.topology.setups.get(node);
                let setup = files.and_then(|files| files.get(*file));
                let file = setup.map(|setup| setup.file.to_string_lossy());
                format!(
                    "{name} has another file to load: {}",
                    file.unwrap_or_default()
                )
            }
            Order::Cut { .. } | Order::Part { .. } => String::new(),
            Order::Clock(step) => format!("the clock of {name} makes a step of {step:+} s"),
        }
    }
}
