//! A node that runs `vrrp_fsm::Router` the way a driver would: packets in, timers after packets,
//! actions out in order, addresses installed if and only if it was told so.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::mem::discriminant;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sans_io_time::Instant;
use vrrp_fsm::{
    Action, Announce, Authenticate, Event, Fault, GroupId, InstanceConfig, InstanceId, InterfaceId,
    Notice, Reason, Router, RouterConfig, Rx, State, Transmit, Transport,
};
use vrrp_proto::{AhPacket, Family, HOP_LIMIT, IpMeta};

use super::frame::{AdvertFrame, Frame};
use super::station::Lan;
use crate::node::{Effect, Power, To};
use crate::world::NodeId;

/// The one interface a simulated router has.
const LAN: InterfaceId = InterfaceId(1);
/// The one group it may have.
const GROUP: GroupId = GroupId(1);

/// Names a virtual router on the network, whatever node runs it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Family.
    pub family: Family,
    /// Virtual router identifier.
    pub vrid: u8,
}

impl Key {
    /// The key of a configuration.
    #[must_use]
    pub const fn of(config: &InstanceConfig) -> Self {
        Self {
            family: config.family,
            vrid: config.vrid.get(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        };
        write!(f, "{family}/{}", self.vrid)
    }
}

/// What an operator or a health check tells a router.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Order {
    /// An event for every virtual router of the node: a tracker's weight, a fault, a lost address.
    Event(Event),
    /// An event for one virtual router.
    Of(Key, Event),
    /// A new configuration.
    Reload(Vec<InstanceConfig>),
    /// A frame from whoever can send one, such as somebody who has recorded it.
    Hear(Frame),
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => write!(f, "{event:?}"),
            Self::Of(key, event) => write!(f, "{key}: {event:?}"),
            Self::Hear(frame) => write!(f, "to hear {frame}"),
            Self::Reload(configs) => write!(f, "to load {} virtual routers", configs.len()),
        }
    }
}

/// What a router or a host reports about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A virtual router changed state.
    State {
        /// Which.
        key: Key,
        /// State before.
        from: State,
        /// State now.
        to: State,
        /// Why.
        reason: Reason,
    },
    /// The group of all virtual routers of the node changed state.
    Group {
        /// State before.
        from: State,
        /// State now.
        to: State,
    },
    /// The addresses of a virtual router are on the interface now.
    Installed {
        /// Which.
        key: Key,
        /// The addresses.
        addresses: Arc<[IpAddr]>,
    },
    /// They are gone.
    Removed {
        /// Which.
        key: Key,
    },
    /// An advert or a release is about to be sent (the frames follow).
    Transmits {
        /// Which.
        key: Key,
        /// Advert or release.
        what: Transmit,
    },
    /// Announcements were sent.
    Announced {
        /// Which.
        key: Key,
        /// Why.
        why: Announce,
    },
    /// A packet was refused.
    Refused {
        /// The rule, as the counters name it.
        rule: &'static str,
    },
    /// Something worth a log line.
    Notice {
        /// Which.
        key: Key,
        /// What.
        notice: Notice,
    },
    /// A host learned where an address is.
    Learned {
        /// The address.
        address: IpAddr,
        /// Where it is.
        holder: NodeId,
    },
}

impl Hash for Note {
    fn hash<H: Hasher>(&self, hash: &mut H) {
        // Instances of foreign enums are hashed by kind: enough to tell runs apart, cheap enough for all.
        match self {
            Self::State {
                key,
                from,
                to,
                reason,
            } => {
                (
                    0u8,
                    key,
                    discriminant(from),
                    discriminant(to),
                    discriminant(reason),
                )
                    .hash(hash);
            }
            Self::Installed { key, addresses } => (1u8, key, addresses.len()).hash(hash),
            Self::Removed { key } => (2u8, key).hash(hash),
            Self::Transmits { key, what } => (3u8, key, discriminant(what)).hash(hash),
            Self::Announced { key, why } => (4u8, key, discriminant(why)).hash(hash),
            Self::Refused { rule } => (5u8, rule).hash(hash),
            Self::Notice { key, notice } => (6u8, key, discriminant(notice)).hash(hash),
            Self::Learned { address, holder } => (7u8, address, holder).hash(hash),
            Self::Group { from, to } => (8u8, discriminant(from), discriminant(to)).hash(hash),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State {
                key,
                from,
                to,
                reason,
            } => {
                write!(f, "{key} {from:?} -> {to:?} ({reason:?})")
            }
            Self::Installed { key, addresses } => {
                write!(f, "{key} holds {} addresses", addresses.len())
            }
            Self::Removed { key } => write!(f, "{key} lets its addresses go"),
            Self::Transmits { key, what } => write!(f, "{key} transmits {what:?}"),
            Self::Announced { key, why } => write!(f, "{key} announces ({why:?})"),
            Self::Refused { rule } => write!(f, "refuses a packet ({rule})"),
            Self::Notice { key, notice } => write!(f, "{key} notices {notice:?}"),
            Self::Group { from, to } => write!(f, "its group {from:?} -> {to:?}"),
            Self::Learned { address, holder } => write!(f, "learns that {address} is at {holder}"),
        }
    }
}

/// A router box: virtual routers, an interface, an address table.
#[derive(Debug)]
pub struct RouterNode {
    id: NodeId,
    lan: Arc<Lan>,
    configs: Vec<InstanceConfig>,
    /// All virtual routers are one group.
    grouped: bool,
    router: Option<Router>,
    plugged: bool,
    /// The fake kernel: what is on the interface besides the primary addresses.
    table: BTreeMap<Key, Arc<[IpAddr]>>,
    /// The time of day, and when it was that: it outlives crashes, as that of a real machine.
    wall: (Instant, Duration),
    /// The time of the last call.
    now: Instant,
    out: VecDeque<Effect<Frame, Note>>,
}

/// The time of day when a simulation begins: 2027.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

impl RouterNode {
    /// A box that is off. `id` is its place in the world and in the plan.
    #[must_use]
    pub fn new(id: NodeId, lan: Arc<Lan>, configs: Vec<InstanceConfig>) -> Self {
        let table = BTreeMap::new();
        Self {
            id,
            lan,
            configs,
            grouped: false,
            router: None,
            plugged: true,
            table,
            wall: (Instant::from_nanos(0), BEGIN),
            now: Instant::from_nanos(0),
            out: VecDeque::new(),
        }
    }

    /// Makes all its virtual routers one group, which changes state together.
    #[must_use]
    pub fn grouped(mut self) -> Self {
        self.grouped = true;
        self
    }

    /// The virtual routers, while the box is on.
    #[must_use]
    pub const fn router(&self) -> Option<&Router> {
        self.router.as_ref()
    }

    /// The box holds this virtual address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.table
            .values()
            .any(|addresses| addresses.contains(&address))
    }

    /// The state of a virtual router, `None` while the box is off or does not run it.
    #[must_use]
    pub fn state(&self, key: Key) -> Option<State> {
        let mut instances = self.router.as_ref()?.instances();
        let (_, _, instance) =
            instances.find(|(_, _, instance)| Key::of(instance.config()) == key)?;
        Some(instance.state())
    }

    /// The time of day of this box.
    fn time_of_day(&self, now: Instant) -> Duration {
        let (told, wall) = self.wall;
        wall.saturating_add(now.saturating_duration_since(told))
    }

    pub(crate) fn handle_power(&mut self, now: Instant, power: Power) {
        self.now = now;
        match power {
            Power::Start => {
                self.plugged = true;
                self.table.clear();
                self.out.clear();
                self.router = Some(Router::new());
                self.reload(now);
            }
            Power::Stop => {
                self.tell_all(now, Event::Stop);
                self.collect();
                self.router = None;
            }
            Power::Crash => {
                self.router = None;
                self.table.clear();
                self.out.clear();
            }
        }
    }

    pub(crate) fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Frame) {
        self.now = now;
        match frame {
            Frame::Advert(advert) => {
                let Some(router) = &mut self.router else {
                    return;
                };
                let rx = Rx {
                    interface: LAN,
                    ip: advert.ip(),
                    message: &advert.message,
                };
                let verdict = match AhPacket::parse(&advert.message) {
                    Ok(packet) if advert.ah => router.handle_ah_packet(now, LAN, &packet),
                    Err(error) if advert.ah => Err(error.into()),
                    _ => router.handle_packet(now, rx),
                };
                if let Err(rejected) = verdict {
                    self.out.push_back(Effect::Note(Note::Refused {
                        rule: rejected.name(),
                    }));
                }
            }
            Frame::Ask(address) if self.holds(*address) => {
                let frame = Frame::Answer {
                    holder: self.id,
                    address: *address,
                };
                self.out.push_back(Effect::Send {
                    to: To::Node(from),
                    frame,
                });
            }
            Frame::Ask(_) | Frame::Answer { .. } | Frame::Announce { .. } => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if let Some(router) = &mut self.router {
            router.handle_timeout(now);
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.router.as_ref()?.next_timeout()
    }

    pub(crate) fn poll_effect(&mut self) -> Option<Effect<Frame, Note>> {
        self.collect();
        self.out.pop_front()
    }

    pub(crate) fn handle_link(&mut self, now: Instant, up: bool) {
        self.now = now;
        self.plugged = up;
        let link = Fault::LinkDown;
        self.tell_all(
            now,
            if up {
                Event::FaultCleared(link)
            } else {
                Event::Fault(link)
            },
        );
    }

    pub(crate) fn handle_order(&mut self, now: Instant, order: &Order) {
        self.now = now;
        match order {
            Order::Of(key, event) => self.tell(now, *key, *event),
            Order::Event(event) => {
                if let Event::WallClock(wall) = event {
                    self.wall = (now, *wall);
                }
                self.tell_all(now, *event);
            }
            Order::Hear(frame) => self.handle_frame(now, self.id, frame),
            Order::Reload(configs) => {
                self.configs.clone_from(configs);
                self.reload(now);
            }
        }
    }

    /// Loads the configuration and makes every new virtual router ready, as a driver does when its
    /// socket is bound and its address known.
    fn reload(&mut self, now: Instant) {
        let mut wanted = RouterConfig::new();
        for config in &self.configs {
            wanted = wanted.with_instance(LAN, config.clone());
        }
        if self.grouped && !self.configs.is_empty() {
            wanted = wanted.with_group(GROUP, 0..self.configs.len());
        }
        let time_of_day = self.time_of_day(now);
        let Some(router) = &mut self.router else {
            return;
        };
        let known: Vec<InstanceId> = router.instances().map(|(id, ..)| id).collect();
        let reload = router.reload(now, wanted).expect("a scenario is legal");
        for id in reload.ids.into_iter().filter(|id| !known.contains(id)) {
            let Some(instance) = router.instance(id) else {
                continue;
            };
            let primary = self.lan.address(self.id, instance.config().family);
            router.handle_event(now, id, Event::WallClock(time_of_day));
            router.handle_event(now, id, Event::PrimaryAddress(primary));
            if !self.plugged {
                router.handle_event(now, id, Event::Fault(Fault::LinkDown));
            }
            router.handle_event(now, id, Event::FaultCleared(Fault::NoReceivePath));
            router.handle_event(now, id, Event::Start);
        }
    }

    fn tell(&mut self, now: Instant, key: Key, event: Event) {
        let Some(router) = &mut self.router else {
            return;
        };
        let is = |config| Key::of(config) == key;
        let found = router
            .instances()
            .find(|(_, _, instance)| is(instance.config()))
            .map(|(id, ..)| id);
        if let Some(id) = found {
            router.handle_event(now, id, event);
        }
    }

    fn tell_all(&mut self, now: Instant, event: Event) {
        let Some(router) = &mut self.router else {
            return;
        };
        let ids: Vec<InstanceId> = router.instances().map(|(id, ..)| id).collect();
        for id in ids {
            router.handle_event(now, id, event);
        }
    }

    /// Carries out what the virtual routers want, in their order.
    fn collect(&mut self) {
        let Some(router) = &mut self.router else {
            return;
        };
        while let Some((id, action)) = router.poll_action() {
            let Some(instance) = router.instance(id) else {
                continue;
            };
            let config = instance.config();
            let key = Key::of(config);
            let note = match action {
                Action::Transmit(what) => {
                    self.out
                        .push_back(Effect::Note(Note::Transmits { key, what }));
                    let with = router.authenticate(self.now, id, what);
                    let Some(instance) = router.instance(id) else {
                        continue;
                    };
                    let config = instance.config();
                    if with == Authenticate::Impossible {
                        continue;
                    }
                    let Some(source) = instance.primary_address() else {
                        continue;
                    };
                    let repr = instance.advert(what);
                    let advert = |destination| {
                        let ip = IpMeta {
                            source,
                            destination,
                            hop_limit: HOP_LIMIT,
                        };
                        // As long as any of them.
                        let mut message = vec![0; repr.ah_packet_len().max(repr.buffer_len() + 28)];
                        let length = match &with {
                            Authenticate::Ah { key, sequence } => {
                                repr.emit_ah(&ip, key, *sequence, &mut message)
                            }
                            Authenticate::Trailer(trailer) => {
                                repr.emit_with_trailer(&ip, trailer, &mut message)
                            }
                            Authenticate::Nothing | Authenticate::Impossible => {
                                repr.emit(&ip, &mut message)
                            }
                        };
                        message.truncate(length.expect("our adverts fit"));
                        let hop_limit = HOP_LIMIT;
                        Arc::new(AdvertFrame {
                            source,
                            destination,
                            hop_limit,
                            message,
                            ah: matches!(with, Authenticate::Ah { .. }),
                        })
                    };
                    match &config.transport {
                        Transport::Multicast { group } => {
                            let frame = Frame::Advert(advert(*group));
                            self.out.push_back(Effect::Send {
                                to: To::Everyone,
                                frame,
                            });
                        }
                        Transport::Unicast { peers, .. } => {
                            for peer in peers {
                                let Some(to) = self.lan.node(peer.address) else {
                                    continue;
                                };
                                let frame = Frame::Advert(advert(peer.address));
                                self.out.push_back(Effect::Send {
                                    to: To::Node(to),
                                    frame,
                                });
                            }
                        }
                    }
                    continue;
                }
                Action::InstallAddresses => {
                    let addresses: Arc<[IpAddr]> = config.addresses.as_slice().into();
                    self.table.insert(key, Arc::clone(&addresses));
                    Note::Installed { key, addresses }
                }
                Action::RemoveAddresses => {
                    self.table.remove(&key);
                    Note::Removed { key }
                }
                Action::Announce(why) => {
                    let addresses = config.addresses.as_slice().into();
                    let frame = Frame::Announce {
                        holder: self.id,
                        addresses,
                    };
                    self.out.push_back(Effect::Send {
                        to: To::Everyone,
                        frame,
                    });
                    Note::Announced { key, why }
                }
                Action::Transition { from, to, reason } => Note::State {
                    key,
                    from,
                    to,
                    reason,
                },
                Action::GroupTransition(group) => Note::Group {
                    from: group.from,
                    to: group.to,
                },
                Action::Notice(notice) => Note::Notice { key, notice },
                _ => continue,
            };
            self.out.push_back(Effect::Note(note));
        }
    }
}
