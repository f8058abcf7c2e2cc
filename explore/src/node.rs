//! One router of the small world: the real machine, run as the driver runs it, and a kernel of one bit.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::sync::Arc;

use vrrp_fsm::proto::{AdvertInterval, Family, HOP_LIMIT, IpMeta, Version, Vrid};
use vrrp_fsm::{
    Action, BackupPriority, Event, Fault, Instance, InstanceConfig, InstanceId, InterfaceId,
    Preempt, Rejected, Role, Router, RouterConfig, Rx, State, Transmit, V2Auth, WireFormat,
};

use crate::clock::{self, down};
use crate::plan::{Member, Plan, Planted};
use crate::watch::{Wait, Watch};
use crate::world::Frame;

const LAN: InterfaceId = InterfaceId(1);

/// What a router did in one step that others see.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// Messages for everybody.
    pub(crate) sent: Vec<(u8, Arc<[u8]>)>,
    pub(crate) became_active: Option<Watch>,
    pub(crate) left_active: bool,
    /// Something that must never happen.
    pub(crate) wrong: Option<&'static str>,
}

/// A router that is on.
#[derive(Clone)]
pub(crate) struct Node {
    router: Router,
    id: InstanceId,
    member: Member,
    /// Something tracked has failed.
    weighed: bool,
    /// Its addresses are on the interface.
    pub(crate) addresses: bool,
    /// Ticks for which its process has been stopped.
    pub(crate) stalled: Option<u8>,
    /// Planted: throws packets away.
    deaf: bool,
    /// What its socket keeps while the process is stopped.
    inbox: Vec<Frame>,
    pub(crate) watch: Watch,
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // The machine needs the time: see `hash_at`.
        (self.weighed, self.addresses, self.stalled).hash(hasher);
        (self.deaf, &self.inbox, self.watch).hash(hasher);
    }
}

/// The source address of a router.
pub(crate) fn address(place: u8, plan: &Plan) -> IpAddr {
    let last = match plan.planted {
        Some(Planted::SameAddress) => 1,
        _ => place + 1,
    };
    IpAddr::from([192, 0, 2, last])
}

fn config(member: Member, version: Version) -> InstanceConfig {
    let role = if member.priority == 255 {
        Role::Owner
    } else {
        Role::Backup {
            priority: BackupPriority::new(member.priority).expect("1 to 254"),
            preempt: match member.preempts {
                true => Preempt::Immediately,
                false => Preempt::Never,
            },
        }
    };
    let vrid = Vrid::new(51).expect("not 0");
    let config = InstanceConfig::new(vrid, Family::Ipv4, role)
        .with_addresses([IpAddr::from([192, 0, 2, 100])])
        .with_interval(AdvertInterval::DEFAULT)
        .with_down_adverts(NonZeroU8::MIN.saturating_add(2));
    match version {
        Version::V2 => config.with_format(WireFormat::V2 { auth: V2Auth::None }),
        Version::V3 => config.with_format(WireFormat::DEFAULT),
    }
}

impl Node {
    /// Switches a router on.
    pub(crate) fn start(place: u8, plan: &Plan, now: u32) -> (Self, Deeds) {
        let member = plan.members[usize::from(place)];
        let mut router = Router::new();
        let wanted = RouterConfig::new().with_instance(LAN, config(member, plan.version));
        let now = clock::at(now);
        let reload = router.reload(now, wanted).expect("a legal configuration");
        let id = reload.ids[0];
        let source = Some(address(place, plan));
        router.handle_event(now, id, Event::PrimaryAddress(source));
        router.handle_event(now, id, Event::FaultCleared(Fault::NoReceivePath));
        router.handle_event(now, id, Event::Start);
        let mut node = Self {
            router,
            id,
            member,
            weighed: false,
            addresses: false,
            stalled: None,
            deaf: false,
            inbox: Vec::new(),
            watch: Watch::default(),
        };
        let deeds = node.carry_out(plan);
        (node, deeds)
    }

    /// All that its future depends on.
    pub(crate) fn hash_at(&self, now: u32, hasher: &mut impl Hasher) {
        self.hash(hasher);
        self.router.hash_behaviour(clock::at(now), hasher);
    }

    fn instance(&self) -> &Instance {
        self.router.instance(self.id).expect("it is configured")
    }

    /// Its state.
    pub(crate) fn state(&self) -> State {
        self.instance().state()
    }

    /// Its priority as configured and weighed, not as the machine sees it.
    pub(crate) fn priority(&self) -> u8 {
        match self.weighed {
            true => self.member.weighed,
            false => self.member.priority,
        }
    }

    /// Takes over from a live router of lower priority.
    pub(crate) fn preempts(&self) -> bool {
        self.member.preempts
    }

    /// Its timer has expired.
    pub(crate) fn is_due(&self, now: u32, plan: &Plan) -> bool {
        let now = match plan.planted {
            Some(Planted::FastClock) if self.state() == State::Backup => now + 1,
            _ => now,
        };
        self.stalled.is_none()
            && self
                .router
                .next_timeout()
                .is_some_and(|due| due <= clock::at(now))
    }

    /// Its timer fires.
    pub(crate) fn fire(&mut self, now: u32, plan: &Plan) -> Deeds {
        let was = self.state();
        let late = -self.watch.due_in;
        let now = match plan.planted {
            Some(Planted::FastClock) if was == State::Backup => now + 1,
            _ => now,
        };
        self.router.handle_timeout(clock::at(now));
        // A process that was stopped for longer than the down interval listens first.
        if was == State::Backup && late > i16::from(down(self.priority())) {
            self.watch.begins(Wait::Listen, self.priority());
        }
        self.carry_out(plan)
    }

    /// A frame arrives.
    pub(crate) fn hear(&mut self, now: u32, frame: &Frame, plan: &Plan) -> Deeds {
        if self.stalled.is_some() {
            self.inbox.push(frame.clone());
            return Deeds::default();
        }
        let was = self.state();
        let same = frame.priority == self.priority();
        if was == State::Backup {
            self.hears_as_backup(frame.priority);
        }
        let planted = match plan.planted {
            Some(Planted::NoTieBreak) => was == State::Active && same,
            Some(Planted::NoRelease) => frame.priority == 0,
            _ => false,
        };
        if self.deaf || planted {
            return Deeds::default();
        }
        let rx = Rx {
            interface: LAN,
            ip: IpMeta {
                source: address(frame.from, plan),
                destination: Family::Ipv4.group(),
                hop_limit: HOP_LIMIT,
            },
            message: &frame.message,
        };
        let verdict = self.router.handle_packet(clock::at(now), rx);
        let mut deeds = self.carry_out(plan);
        if let Err(reason) = verdict
            && !(reason == Rejected::OwnAdvert && plan.planted == Some(Planted::SameAddress))
        {
            deeds.wrong = Some("a good advert is refused");
        }
        // RFC 9568 6.4.3. Without preemption one that was silent for too long gives way to whoever is Active.
        let better = (frame.priority, frame.from) > (self.priority(), frame.to);
        if deeds.left_active && !better && self.member.preempts {
            deeds.wrong = Some("an Active router gives way to a worse one");
        }
        deeds
    }

    /// RFC 9568 6.4.2, as an onlooker has it.
    fn hears_as_backup(&mut self, theirs: u8) {
        let own = self.priority();
        if theirs == 0 {
            self.watch.begins(Wait::Skew, own);
        } else if theirs >= own || !self.member.preempts {
            self.watch.begins(Wait::Down, own);
        }
    }

    /// It is stopped in good order.
    pub(crate) fn stop(&mut self, now: u32, plan: &Plan) -> Deeds {
        self.router
            .handle_event(clock::at(now), self.id, Event::Stop);
        let mut deeds = self.carry_out(plan);
        if self.addresses && plan.planted != Some(Planted::KeepsAddresses) {
            deeds.wrong = Some("addresses are left behind");
        }
        deeds
    }

    /// Something tracked fails, or works again.
    pub(crate) fn weigh(&mut self, now: u32, plan: &Plan) -> Deeds {
        self.weighed = !self.weighed;
        let weights = i16::from(self.priority()) - i16::from(self.member.priority);
        let event = Event::Adjust(weights);
        self.router.handle_event(clock::at(now), self.id, event);
        self.watch.weighed(self.priority());
        self.carry_out(plan)
    }

    /// Whether there is anything to weigh.
    pub(crate) fn weighs(&self) -> bool {
        self.member.priority != self.member.weighed
    }

    /// Its process is stopped.
    pub(crate) fn stall(&mut self) {
        self.stalled = Some(0);
        self.watch.stalls();
    }

    /// Its process goes on: what its socket has kept comes first, then its timers, each of which counts as one step of
    /// the process, with one time.
    pub(crate) fn wake(&mut self, now: u32, plan: &Plan) -> Vec<Deeds> {
        let mut deeds = Vec::new();
        self.stalled = None;
        let timers = |node: &mut Self, deeds: &mut Vec<Deeds>| {
            if node.is_due(now, plan) {
                deeds.push(node.fire(now, plan));
            }
        };
        if plan.planted == Some(Planted::TimersFirst) {
            timers(self, &mut deeds);
        }
        self.deaf |= plan.planted == Some(Planted::DeafAfterStall);
        for frame in std::mem::take(&mut self.inbox) {
            deeds.push(self.hear(now, &frame, plan));
        }
        timers(self, &mut deeds);
        deeds
    }

    /// A tick goes by.
    pub(crate) fn tick(&mut self) {
        if let Some(ticks) = &mut self.stalled {
            *ticks += 1;
        }
        let active = self.state() == State::Active;
        self.watch.tick(active, self.stalled.is_none());
    }

    /// Does what the machine asks for, in its order.
    fn carry_out(&mut self, plan: &Plan) -> Deeds {
        let mut deeds = Deeds::default();
        while let Some((_, action)) = self.router.poll_action() {
            match action {
                Action::Transmit(what) => deeds.sent.push(self.message(what, plan)),
                Action::InstallAddresses => self.addresses = true,
                Action::RemoveAddresses => {
                    self.addresses &= plan.planted == Some(Planted::KeepsAddresses);
                }
                Action::Announce(_) if !self.addresses => {
                    deeds.wrong = Some("hosts are told of an address that is not there");
                }
                Action::Transition { from, to, .. } => {
                    deeds.left_active |= from == State::Active;
                    match to {
                        State::Active if from == State::Backup => {
                            deeds.became_active = Some(self.watch);
                            self.watch.active();
                        }
                        State::Backup => self.watch.begins(Wait::Down, self.priority()),
                        State::Active | State::Initialize => self.watch.active(),
                    }
                }
                _ => {}
            }
        }
        deeds
    }

    fn message(&self, what: Transmit, _plan: &Plan) -> (u8, Arc<[u8]>) {
        let advert = self.instance().advert(what);
        let source = self.instance().primary_address().expect("it runs");
        let ip = IpMeta {
            source,
            destination: Family::Ipv4.group(),
            hop_limit: HOP_LIMIT,
        };
        let mut octets = vec![0; advert.buffer_len()];
        advert.emit(&ip, &mut octets).expect("one address fits");
        let priority = match what {
            Transmit::Advert => self.priority(),
            Transmit::Release => 0,
        };
        (priority, octets.into())
    }
}
