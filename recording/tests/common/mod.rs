//! Two routers in virtual time, one of them recorded.

#![allow(dead_code, reason = "each test program uses a part")]

use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use bfd::{Definition, DetectMult, MAX_LEN, Micros, SessionConfig, SingleHop, Table};
use keepalived_recording::{
    Input, MIN_SIZE, News, Output, Recorder, Recording, Replay, Settings, Step, Summary, Write,
};
use sans_io_time::Instant;
use vrrp_fsm::{
    Action, Authenticate, BackupPriority, Event, Fault, GroupId, InstanceConfig, InstanceId,
    InterfaceId, Preempt, Role, Router, RouterConfig, Rx, Transmit,
};
use vrrp_proto::{AdvertInterval, AhPacket, Family, IpMeta, Vrid};

pub(crate) const INTERFACE: InterfaceId = InterfaceId(3);
const OURS: [u8; 4] = [10, 0, 0, 1];
const THEIRS: [u8; 4] = [10, 0, 0, 2];

/// The file of a recording, in memory.
#[derive(Default)]
pub(crate) struct File(pub(crate) Vec<u8>, Vec<Range<usize>>);

impl File {
    pub(crate) fn write(&mut self, write: &Write) {
        let start = usize::try_from(write.offset).unwrap();
        let end = start + write.octets.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        self.0[start..end].copy_from_slice(&write.octets);
        // Where a segment begins, the one that was there is over.
        let slot_len = (usize::try_from(SMALL).unwrap() - 64) / 4;
        if start >= 64 && (start - 64).is_multiple_of(slot_len) {
            self.1
                .retain(|part| !(start..start + slot_len).contains(&part.start));
        }
        self.1.push(start..end);
    }

    /// Of a file of this size: whether the octet is one of what can be replayed.
    pub(crate) fn is_read(&self, place: usize) -> bool {
        let in_header = place < 64;
        self.1.iter().any(|part| part.contains(&place)) && (!in_header || place < 20)
    }
}

/// A recorded pair of machines: every call goes to the recorder too.
pub(crate) struct Recorded {
    pub(crate) router: Router,
    pub(crate) table: Table,
    pub(crate) recorder: Recorder,
    pub(crate) file: File,
    /// The next so many writes get lost.
    pub(crate) lossy: usize,
    /// The first state that is written down where another segment was gets lost.
    pub(crate) lose_states: bool,
    /// How links and tracked objects are.
    pub(crate) known: Vec<News>,
}

impl Recorded {
    pub(crate) fn new(size: u64, without_secrets: bool) -> Self {
        let settings = Settings {
            size,
            without_secrets,
            program: "test".to_owned(),
        };
        let mut recorded = Self {
            router: Router::new(),
            table: Table::new(5),
            recorder: Recorder::new(settings),
            file: File::default(),
            lossy: 0,
            lose_states: false,
            known: Vec::new(),
        };
        recorded.end_turn(at(0));
        recorded
    }

    pub(crate) fn packet(&mut self, now: Instant, ip: IpMeta, message: &[u8]) {
        self.recorder
            .packet(now, &self.router, INTERFACE, ip, message);
        let rx = Rx {
            interface: INTERFACE,
            ip,
            message,
        };
        let heard = self.router.handle_packet(now, rx);
        let heard = heard.map(InstanceId::get);
        self.recorder.output(Output::Heard(heard));
    }

    pub(crate) fn ah_packet(&mut self, now: Instant, datagram: &[u8]) {
        let packet = AhPacket::parse(datagram).unwrap();
        self.recorder
            .ah_packet(now, &self.router, INTERFACE, &packet);
        let heard = self.router.handle_ah_packet(now, INTERFACE, &packet);
        self.recorder
            .output(Output::Heard(heard.map(InstanceId::get)));
    }

    pub(crate) fn event(&mut self, now: Instant, id: InstanceId, event: Event) {
        self.recorder.input(now, Input::Event(id.get(), event));
        self.router.handle_event(now, id, event);
    }

    pub(crate) fn wall(&mut self, now: Instant) {
        let wall = Duration::from_secs(1_700_000_000) + now.saturating_duration_since(at(0));
        self.recorder.input(now, Input::WallClock(wall));
        self.router.wall_clock_is(now, wall);
    }

    pub(crate) fn reload(&mut self, now: Instant, config: RouterConfig) -> Vec<InstanceId> {
        self.recorder.reload(now, &config);
        let reloaded = self.router.reload(now, config);
        let told = reloaded.as_ref().map(Into::into).map_err(Clone::clone);
        self.recorder.output(Output::Reloaded(told));
        reloaded.unwrap().ids
    }

    pub(crate) fn bfd_reload(&mut self, now: Instant, definitions: Vec<Definition>) {
        self.recorder.bfd_reload(now, &definitions);
        let reloaded = self.table.reload(now, definitions);
        let told = reloaded.as_ref().map(Into::into).map_err(Clone::clone);
        self.recorder.output(Output::BfdReloaded(told));
        reloaded.unwrap();
    }

    pub(crate) fn bfd_packet(&mut self, now: Instant, payload: &[u8]) {
        let rx = bfd::Rx {
            interface: bfd::InterfaceId(3),
            source: THEIRS.into(),
            destination: OURS.into(),
            destination_port: 3784,
            ttl: 255,
            payload,
        };
        self.recorder.bfd_packet(now, &self.table, &rx);
        let heard = self.table.handle_packet(now, &rx);
        let heard = heard.map(bfd::SessionId::get);
        self.recorder.output(Output::BfdHeard(heard));
    }

    /// Timers, then everything that is to be done; the adverts and the BFD packets that go out.
    pub(crate) fn turn(&mut self, now: Instant) -> (Vec<(InstanceId, Sent)>, Vec<Vec<u8>>) {
        self.recorder.input(now, Input::BfdTimeout);
        self.table.handle_timeout(now);
        self.recorder.input(now, Input::Timeout);
        self.router.handle_timeout(now);
        let mut adverts = Vec::new();
        loop {
            self.recorder.call(Input::PollAction);
            let action = self.router.poll_action();
            let told = action.map(|(id, action)| (id.get(), action));
            self.recorder.output(Output::Action(told));
            let Some((id, action)) = action else { break };
            if let Action::Transmit(transmit) = action {
                let input = Input::Authenticate(id.get(), transmit);
                self.recorder.input(now, input);
                let with = self.router.authenticate(now, id, transmit);
                self.recorder.authentication(&with);
                adverts.push((id, Sent { transmit, with }));
            }
        }
        let mut packets = Vec::new();
        loop {
            let mut buffer = [0; MAX_LEN];
            self.recorder.input(now, Input::BfdPollTransmit);
            let transmit = self.table.poll_transmit(now, &mut buffer);
            self.recorder.bfd_transmit(&self.table, transmit, &buffer);
            let Some(transmit) = transmit else { break };
            packets.push(buffer[..transmit.length].to_vec());
        }
        loop {
            self.recorder.call(Input::BfdPollEvent);
            let event = self.table.poll_event();
            let told = event.map(|(id, event)| (id.get(), event));
            self.recorder.output(Output::BfdEvent(told));
            if event.is_none() {
                break;
            }
        }
        self.end_turn(now);
        (adverts, packets)
    }

    pub(crate) fn end_turn(&mut self, now: Instant) {
        let wall = Duration::from_secs(1_700_000_000);
        self.recorder
            .end_turn(now, wall, &self.router, &self.table, || self.known.clone())
            .unwrap();
        while let Some(write) = self.recorder.poll_write() {
            // No records and not the header.
            if self.lose_states && write.records == 0 && write.offset > 64 {
                self.lose_states = false;
                self.recorder.lose(&write);
                break;
            }
            if self.lossy > 0 {
                self.lossy -= 1;
                self.recorder.lose(&write);
                break;
            }
            self.file.write(&write);
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) transmit: Transmit,
    pub(crate) with: Authenticate,
}

pub(crate) fn at(millis: i64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

pub(crate) fn config(vrid: u8, priority: u8) -> InstanceConfig {
    let role = Role::Backup {
        priority: BackupPriority::new(priority).unwrap(),
        preempt: Preempt::Immediately,
    };
    InstanceConfig::new(Vrid::new(vrid).unwrap(), Family::Ipv4, role)
        .with_interval(AdvertInterval::from_secs(1).unwrap())
        .with_addresses([IpAddr::from([10, 0, 1, vrid])])
}

fn session(peer: [u8; 4], auth: Option<bfd::AuthConfig>) -> Vec<Definition> {
    let interval = Micros::from_millis(300).unwrap();
    let config = SessionConfig::new(interval, interval, DetectMult::new(3).unwrap());
    let config = config.with_auth(auth);
    let path = SingleHop::new(bfd::InterfaceId(3), peer.into());
    vec![Definition::SingleHop(path, config)]
}

/// The other router, which is not recorded.
pub(crate) struct Peer {
    pub(crate) router: Router,
    pub(crate) table: Table,
    pub(crate) ids: Vec<InstanceId>,
}

/// One link between the two.
pub(crate) struct World {
    pub(crate) here: Recorded,
    pub(crate) ids: Vec<InstanceId>,
    pub(crate) there: Peer,
    pub(crate) now: i64,
    seed: u64,
    /// Adverts and BFD packets lost, in percent.
    pub(crate) loss: u64,
}

impl World {
    pub(crate) fn new(here: Recorded, configs: &[InstanceConfig], seed: u64) -> Self {
        Self::with_bfd_auth(here, configs, seed, None)
    }

    pub(crate) fn with_bfd_auth(
        here: Recorded,
        configs: &[InstanceConfig],
        seed: u64,
        auth: Option<bfd::AuthConfig>,
    ) -> Self {
        let mut here = here;
        let all = |priority: Option<u8>| {
            let mut all = RouterConfig::new();
            for config in configs {
                let mut config = config.clone();
                if let (Some(priority), Role::Backup { preempt, .. }) = (priority, config.role) {
                    config.role = Role::Backup {
                        priority: BackupPriority::new(priority).unwrap(),
                        preempt,
                    };
                }
                all = all.with_instance(INTERFACE, config);
            }
            if configs.len() > 1 {
                all = all.with_group(GroupId(0), [0, 1]);
            }
            all
        };
        let ids = here.reload(at(0), all(None));
        here.bfd_reload(at(0), session(THEIRS, auth.clone()));
        let mut router = Router::new();
        let theirs = router.reload(at(0), all(Some(100))).unwrap().ids;
        let mut table = Table::new(6);
        table.reload(at(0), session(OURS, auth)).unwrap();
        for id in &ids {
            here.event(at(0), *id, Event::PrimaryAddress(Some(OURS.into())));
            here.event(at(0), *id, Event::FaultCleared(Fault::NoReceivePath));
            here.event(at(0), *id, Event::Start);
        }
        for id in &theirs {
            let source = Event::PrimaryAddress(Some(THEIRS.into()));
            router.handle_event(at(0), *id, source);
            let path = Event::FaultCleared(Fault::NoReceivePath);
            router.handle_event(at(0), *id, path);
            router.handle_event(at(0), *id, Event::Start);
        }
        let there = Peer {
            router,
            table,
            ids: theirs,
        };
        Self {
            here,
            ids,
            there,
            now: 0,
            seed,
            loss: 0,
        }
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    /// Turns every 50 ms, and something happens now and then.
    pub(crate) fn run(&mut self, turns: u32, eventful: bool) {
        for _ in 0..turns {
            self.now += 50;
            let now = at(self.now);
            self.here.wall(now);
            self.peer_turn(now);
            if eventful && self.random(10) == 0 {
                self.something();
            }
            let (adverts, packets) = self.here.turn(now);
            for (id, sent) in adverts {
                if self.random(100) >= self.loss {
                    let packet = encode(&self.here.router, id, sent, OURS);
                    self.deliver_there(now, &packet);
                }
            }
            for packet in packets {
                let rx = bfd::Rx {
                    interface: bfd::InterfaceId(3),
                    source: OURS.into(),
                    destination: THEIRS.into(),
                    destination_port: 3784,
                    ttl: 255,
                    payload: &packet,
                };
                let _ = self.there.table.handle_packet(now, &rx);
            }
        }
    }

    fn peer_turn(&mut self, now: Instant) {
        let wall = Duration::from_secs(1_700_000_000) + now.saturating_duration_since(at(0));
        self.there.router.wall_clock_is(now, wall);
        self.there.router.handle_timeout(now);
        self.there.table.handle_timeout(now);
        while let Some((id, action)) = self.there.router.poll_action() {
            if let Action::Transmit(transmit) = action {
                let with = self.there.router.authenticate(now, id, transmit);
                let sent = Sent { transmit, with };
                let packet = encode(&self.there.router, id, sent, THEIRS);
                if self.random(100) >= self.loss {
                    match packet {
                        Packet::Plain(ip, message) => self.here.packet(now, ip, &message),
                        Packet::Ah(datagram) => self.here.ah_packet(now, &datagram),
                    }
                }
            }
        }
        let mut buffer = [0; MAX_LEN];
        while let Some(sent) = self.there.table.poll_transmit(now, &mut buffer) {
            if self.random(100) >= self.loss {
                self.here.bfd_packet(now, &buffer[..sent.length]);
            }
        }
        while self.there.table.poll_event().is_some() {}
    }

    fn deliver_there(&mut self, now: Instant, packet: &Packet) {
        let router = &mut self.there.router;
        let _ = match packet {
            Packet::Plain(ip, message) => {
                let rx = Rx {
                    interface: INTERFACE,
                    ip: *ip,
                    message,
                };
                router.handle_packet(now, rx)
            }
            Packet::Ah(datagram) => {
                let packet = AhPacket::parse(datagram).unwrap();
                router.handle_ah_packet(now, INTERFACE, &packet)
            }
        };
    }

    fn something(&mut self) {
        let now = at(self.now);
        let place = usize::try_from(self.random(u64::try_from(self.ids.len()).unwrap())).unwrap();
        let id = self.ids[place];
        let theirs = self.there.ids[place];
        match self.random(9) {
            0 => self.here.event(now, id, Event::Fault(Fault::LinkDown)),
            1 => self
                .here
                .event(now, id, Event::FaultCleared(Fault::LinkDown)),
            2 => self.here.event(now, id, Event::Adjust(-60)),
            3 => self.here.event(now, id, Event::Adjust(0)),
            4 => self.here.event(now, id, Event::AddressLost),
            5 => self.loss = self.random(60),
            6 => {
                let fault = Event::Fault(Fault::Tracker);
                self.there.router.handle_event(now, theirs, fault);
            }
            7 => {
                let fault = Event::FaultCleared(Fault::Tracker);
                self.there.router.handle_event(now, theirs, fault);
            }
            _ => self.now += 5000,
        }
    }
}

pub(crate) enum Packet {
    Plain(IpMeta, Vec<u8>),
    Ah(Vec<u8>),
}

fn encode(router: &Router, id: InstanceId, sent: Sent, source: [u8; 4]) -> Packet {
    let instance = router.instance(id).unwrap();
    let advert = instance.advert(sent.transmit);
    let ip = IpMeta {
        source: source.into(),
        destination: Family::Ipv4.group(),
        hop_limit: 255,
    };
    let mut octets = vec![0; 2048];
    match sent.with {
        Authenticate::Ah { key, sequence } => {
            let length = advert.emit_ah(&ip, &key, sequence, &mut octets).unwrap();
            Packet::Ah(octets[..length].to_vec())
        }
        Authenticate::Trailer(trailer) => {
            let length = advert
                .emit_with_trailer(&ip, &trailer, &mut octets)
                .unwrap();
            Packet::Plain(ip, octets[..length].to_vec())
        }
        _ => {
            let length = advert.emit(&ip, &mut octets).unwrap();
            Packet::Plain(ip, octets[..length].to_vec())
        }
    }
}

/// Replays, and complains about the first difference.
pub(crate) fn replay(file: &[u8]) -> Summary {
    let recording = Recording::read(file).unwrap();
    Replay::run(&recording, |_, step| match step {
        Step::Call(call) => assert!(call.is_same(), "{call:#?}"),
        Step::Segment(begin) => assert_ne!(begin.same_state, Some(false), "{begin:?}"),
        _ => {}
    })
}

pub(crate) const SMALL: u64 = MIN_SIZE;
