//! A recording in words: what came in, and what was done.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use keepalived_recording::{Begin, Call, Damage, Gap, Input, Link, Names, News, Output, Replay};
use vrrp_fsm::{Action, Event, InterfaceId, Reason, Rejected, State};
use vrrp_proto::{Advert, AhPacket, IpMeta, ParsePolicy};

use crate::messages::{bfd::state_word, describe, word};
use crate::status::reason_words;

/// One line.
pub(super) struct Entry {
    /// For programs.
    pub(super) kind: &'static str,
    /// Whose it is.
    pub(super) of: Option<String>,
    pub(super) text: String,
}

fn entry(kind: &'static str, of: Option<String>, text: impl Into<String>) -> Entry {
    Entry {
        kind,
        of,
        text: text.into(),
    }
}

/// What somebody else has written, without what a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    let safe = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(safe).take(200).collect()
}

/// What was told already, so that what is the same as before need not be.
pub(super) struct Chronicle {
    instances: HashMap<u32, String>,
    interfaces: HashMap<u32, String>,
    sessions: HashMap<u32, String>,
    groups: HashMap<u32, String>,
    all: bool,
    /// Who was heard last with which priority, and why a packet was rejected last.
    heard: BTreeMap<(u32, IpAddr, u8), u8>,
    rejected: BTreeMap<(u32, IpAddr), &'static str>,
}

impl Chronicle {
    pub(super) fn new(names: Names, all: bool) -> Self {
        let named = |names: Vec<(u32, String)>| {
            let names = names.into_iter();
            names.map(|(id, name)| (id, printable(&name))).collect()
        };
        Self {
            instances: named(names.instances),
            interfaces: named(names.interfaces),
            sessions: named(names.sessions),
            groups: named(names.groups),
            all,
            heard: BTreeMap::new(),
            rejected: BTreeMap::new(),
        }
    }

    fn instance(&self, id: u32) -> Option<String> {
        let name = self.instances.get(&id).cloned();
        Some(name.unwrap_or_else(|| format!("instance {id}")))
    }

    fn session(&self, id: u32) -> Option<String> {
        let name = self.sessions.get(&id).cloned();
        Some(name.unwrap_or_else(|| format!("session {id}")))
    }

    fn interface(&self, id: u32) -> String {
        let name = self.interfaces.get(&id).cloned();
        name.unwrap_or_else(|| format!("interface {id}"))
    }

    /// How things stand where a segment begins.
    pub(super) fn segment(&self, begin: &Begin, machines: &Replay) -> Vec<Entry> {
        let same = match begin.same_state {
            Some(true) if !self.all => return Vec::new(),
            Some(true) => "the state is the recorded one",
            Some(false) => "DIFFERENCE: the recorded state is another one; it goes on with that",
            None => "it begins with the recorded state",
        };
        let kind = if begin.same_state == Some(false) {
            "difference"
        } else {
            "segment"
        };
        let mut entries = vec![entry(
            kind,
            None,
            format!("segment {}: {same}", begin.number),
        )];
        if begin.same_state.is_none() {
            for (id, _, instance) in machines.router().instances() {
                let state = word(instance.state());
                let priority = instance.effective_priority();
                let text = format!("is {state} with priority {priority}");
                entries.push(entry("state", self.instance(id.get()), text));
            }
        }
        entries
    }

    pub(super) fn gap(&self, gap: &Gap) -> Entry {
        let text = match gap {
            Gap::Lost(records) => format!(
                "GAP: {records} records are missing, because the disk was too slow when this was recorded"
            ),
            Gap::Segments { after, before } => {
                format!("DAMAGE: segments are missing between {after} and {before}")
            }
            Gap::End(number) => format!("DAMAGE: the end of segment {number} is missing"),
            Gap::Restart(number) => format!(
                "RESTART: the elections loop failed at the end of segment {number}, and began anew"
            ),
            Gap::Damage(Damage { segment, octet }) => format!(
                "DAMAGE: segment {segment} cannot be read from octet {octet} of the file on: the daemon was killed while \
                 it wrote that, or the file was changed or cut off"
            ),
            Gap::BadRecord(number) => {
                format!(
                    "DAMAGE: a record of segment {number} cannot be read, and what follows it neither"
                )
            }
            Gap::BadState(number) => {
                format!("DAMAGE: the state at the beginning of segment {number} cannot be restored")
            }
            other => format!("GAP: {other:?}"),
        };
        entry("gap", None, text)
    }

    /// What the kernel said, and who looks at tracked objects.
    pub(super) fn heard(&self, news: News) -> Entry {
        match news {
            News::Link(interface, link) => {
                let name = self.interface(interface);
                let is = match link {
                    Link::Up => "is up",
                    Link::Down => "is down",
                    Link::Gone => "is gone",
                };
                entry("link", None, format!("{name} {is}"))
            }
            News::Address(interface, address, here) => {
                let name = self.interface(interface);
                let is = if here { "is on" } else { "is gone from" };
                entry("address", None, format!("{address} {is} {name}"))
            }
            News::Tracked(text) => entry("tracked", None, text),
        }
    }

    pub(super) fn difference(&self, call: &Call<'_>) -> Entry {
        let text = format!(
            "DIFFERENCE at call {} ({}): recorded {}, replayed {}",
            call.number,
            printable(&self.input(&call.input)),
            printable(&told(call.recorded.as_ref())),
            printable(&told(call.replayed.as_ref())),
        );
        entry("difference", None, text)
    }

    /// The lines for a call; none if it changed nothing that is worth one.
    pub(super) fn call(&mut self, call: &Call<'_>, machines: &Replay) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.all {
            let mut text = self.input(&call.input);
            if let Some(output) = &call.recorded {
                text.push_str(&format!(" -> {output:?}"));
            }
            entries.push(entry("call", None, text));
        }
        entries.extend(self.news(call, machines));
        entries
    }

    fn news(&mut self, call: &Call<'_>, machines: &Replay) -> Option<Entry> {
        match (&call.input, &call.recorded) {
            (
                Input::Packet {
                    interface,
                    ip,
                    message,
                },
                Some(Output::Heard(heard)),
            ) => self.advert(*interface, ip, message, heard, machines),
            (
                Input::AhPacket {
                    interface,
                    datagram,
                },
                Some(Output::Heard(heard)),
            ) => {
                let packet = AhPacket::parse(datagram).ok()?;
                self.advert(*interface, packet.meta(), packet.message(), heard, machines)
            }
            (Input::Event(id, event), _) => {
                let text = event_words(event)?;
                Some(entry("event", self.instance(*id), text))
            }
            (Input::Reload(config), _) => {
                let text = format!(
                    "a configuration, VRRP instances: {}",
                    config.instances.len()
                );
                Some(entry("reload", None, text))
            }
            (Input::BfdReload(sessions), _) if !sessions.is_empty() => {
                let text = format!("a configuration, BFD sessions: {}", sessions.len());
                Some(entry("reload", None, text))
            }
            (Input::PollAction, Some(Output::Action(Some((id, action))))) => {
                self.action(*id, action)
            }
            (
                Input::BfdPollEvent,
                Some(Output::BfdEvent(Some((id, bfd::SessionEvent::State(transition))))),
            ) => {
                let (from, to) = (state_word(transition.from), state_word(transition.to));
                let text = format!("BFD {from} -> {to}: {}", transition.reason.name());
                Some(entry("bfd", self.session(*id), text))
            }
            _ => None,
        }
    }

    fn advert(
        &mut self,
        interface: u32,
        ip: &IpMeta,
        message: &[u8],
        heard: &Result<u32, Rejected>,
        machines: &Replay,
    ) -> Option<Entry> {
        let name = self.interface(interface);
        let source = ip.source;
        match heard {
            Ok(id) => {
                let policy = ParsePolicy::new().with_allow_no_addresses(true);
                // A signed one has something behind it; its priority is where it always is.
                let priority = Advert::parse(message, ip, &policy)
                    .map(|advert| advert.priority().get())
                    .ok()
                    .or_else(|| message.get(2).copied())?;
                let vrid = message.get(1).copied()?;
                let key = (interface, source, vrid);
                if self.heard.insert(key, priority) == Some(priority) {
                    return None;
                }
                let text = match priority {
                    0 => format!("{source} releases the addresses, heard on {name}"),
                    _ => format!("hears {source} on {name} with priority {priority}"),
                };
                Some(entry("heard", self.instance(*id), text))
            }
            Err(reason) => {
                let key = (interface, source);
                let last = self.rejected.insert(key, reason.name());
                if last == Some(reason.name()) {
                    return None;
                }
                let vrid = message.get(1).copied();
                let of = machines.router().instances().find(|(_, on, instance)| {
                    *on == InterfaceId(interface) && Some(instance.config().vrid.get()) == vrid
                });
                let of = of.and_then(|(id, ..)| self.instance(id.get()));
                let text = format!("rejects a packet of {source} on {name}: {reason}");
                Some(entry("rejected", of, text))
            }
        }
    }

    fn action(&self, id: u32, action: &Action) -> Option<Entry> {
        match action {
            Action::Transition { from, to, reason } => {
                let (_, why) = reason_words(reason);
                let from = match (from, reason) {
                    (State::Initialize, Reason::FaultsCleared) => word(*from),
                    (State::Initialize, _) => "INIT",
                    _ => word(*from),
                };
                let to = match reason {
                    Reason::Stopped | Reason::Reconfigured => "INIT",
                    _ => word(*to),
                };
                let text = format!("{from} -> {to}: {why}");
                Some(entry("state", self.instance(id), text))
            }
            Action::GroupTransition(transition) => {
                let name = self.groups.get(&transition.group.0).cloned();
                let name = name.unwrap_or_else(|| format!("group {}", transition.group.0));
                let text = format!("the group is {}", word(transition.to));
                Some(entry("group", Some(name), text))
            }
            _ => None,
        }
    }

    fn input(&self, input: &Input<'_>) -> String {
        match input {
            Input::Packet {
                interface,
                ip,
                message,
            } => format!(
                "packet from {} to {} on {}, {} octets",
                ip.source,
                ip.destination,
                self.interface(*interface),
                message.len()
            ),
            Input::AhPacket {
                interface,
                datagram,
            } => format!(
                "authenticated packet on {}, {} octets",
                self.interface(*interface),
                datagram.len()
            ),
            Input::Event(id, event) => {
                let of = self.instance(*id).unwrap_or_default();
                format!("event for {of}: {event:?}")
            }
            Input::Reload(config) => format!("reload with {} instances", config.instances.len()),
            Input::BfdReload(sessions) => format!("reload with {} BFD sessions", sessions.len()),
            Input::Authenticate(id, transmit) => {
                let of = self.instance(*id).unwrap_or_default();
                format!("authenticate {transmit:?} of {of}")
            }
            Input::BfdPacket {
                source, payload, ..
            } => format!("BFD packet from {source}, {} octets", payload.len()),
            Input::BfdEcho(payload) => format!("BFD echo, {} octets", payload.len()),
            Input::Timeout => "the time".to_owned(),
            Input::BfdTimeout => "the time, for BFD".to_owned(),
            Input::PollAction => "what is to be done".to_owned(),
            Input::BfdPollTransmit => "what BFD has to send".to_owned(),
            Input::BfdPollEvent => "what BFD has to tell".to_owned(),
            Input::Deadlines => "when it has to be called again".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

fn told(output: Option<&Output<'_>>) -> String {
    output.map_or_else(|| "nothing".to_owned(), |output| format!("{output:?}"))
}

fn event_words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Start => "is started".to_owned(),
        Event::Stop => "is stopped".to_owned(),
        Event::Fault(fault) => format!("fault: {}", describe(*fault)),
        Event::FaultCleared(fault) => format!("fault over: {}", describe(*fault)),
        Event::PrimaryAddress(Some(address)) => format!("sends from {address}"),
        Event::PrimaryAddress(None) => "has no address to send from".to_owned(),
        Event::Adjust(weight) => format!("tracked objects add {weight} to the priority"),
        Event::AddressLost => "an address was lost".to_owned(),
        Event::ActiveLost(address) => format!("BFD lost {address}"),
        Event::Suspect => "a sign of a conflict was seen".to_owned(),
        _ => return None,
    })
}
