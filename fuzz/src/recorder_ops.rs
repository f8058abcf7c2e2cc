//! Bytes as a list of things that happen to recorded machines: the recording is replayed without a
//! difference, with and without secrets.

use std::net::IpAddr;
use std::time::Duration;

use bfd::{Definition, DetectMult, MAX_LEN, Micros, SessionConfig, SingleHop, Table};
use keepalived_recording::{
    Gap, Input as Call, MIN_SIZE, Output, Recorder, Recording, Replay, Settings, Step,
};
use vrrp_fsm::{
    BackupPriority, Event, Fault, GroupId, InstanceConfig, InstanceId, Instant, InterfaceId,
    Preempt, Role, Router, RouterConfig, Rx, V2Auth, WireFormat,
};
use vrrp_proto::{
    AddressList, AdvertInterval, AdvertRepr, Auth, Checksum, Family, Format, IpMeta, Priority, Vrid,
};

use super::input::Input;

const WORDS: [[u8; 8]; 2] = [*b"hush-hsh", *b"mumble--"];

/// Calls, turn by turn, and then all of them again.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut recorded = Recorded::new(MIN_SIZE, input.flag());
    recorded.reload(&mut input);
    recorded.begin();
    for _ in 0..400 {
        if input.is_empty() {
            break;
        }
        recorded.step(&mut input);
    }
    recorded.end_turn();
    let recording = Recording::read(&recorded.file).expect("what was written can be read");
    let mut restarts = 0;
    let summary = Replay::run(&recording, |_, step| match step {
        Step::Call(call) => assert!(call.is_same(), "{call:?}"),
        // Those of before are in segments that were written over.
        Step::Gap(Gap::Restart(_)) => restarts += 1,
        Step::Gap(gap) => panic!("{gap:?}"),
        _ => {}
    });
    assert!(summary.is_same() && summary.gaps == restarts, "{summary:?}");
    assert!(restarts <= recorded.restarts, "{summary:?}");
}

/// Machines, and the recorder beside them.
pub struct Recorded {
    /// The first machine.
    pub router: Router,
    /// The second one.
    pub table: Table,
    recorder: Recorder,
    file: Vec<u8>,
    now: Instant,
    ids: Vec<InstanceId>,
    restarts: u64,
}

impl Recorded {
    /// Nothing yet.
    pub fn new(size: u64, without_secrets: bool) -> Self {
        let mut recorded = Self {
            router: Router::new(),
            table: Table::new(5),
            recorder: Recorder::new(Settings {
                size,
                without_secrets,
                program: String::new(),
            }),
            file: Vec::new(),
            now: Instant::from_nanos(1),
            ids: Vec::new(),
            restarts: 0,
        };
        recorded.end_turn();
        recorded
    }

    /// Something runs.
    pub fn begin(&mut self) {
        if self.ids.is_empty() {
            self.reload(&mut Input::new(&[1, 9, 90, 7, 1, 4, 100, 3]));
        }
        for id in self.ids.clone() {
            self.event(id, Event::PrimaryAddress(Some([192, 0, 2, 1].into())));
            self.event(id, Event::FaultCleared(Fault::NoReceivePath));
            self.event(id, Event::Start);
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.below(9) {
            0 => {
                let span = Duration::from_millis(input.word().into());
                self.now = self.now.checked_add(span).unwrap_or(self.now);
                self.turn();
            }
            1 => {
                let next = self.router.next_timeout().unwrap_or(self.now);
                self.now = self.now.max(next);
                self.turn();
            }
            2 => self.turn(),
            3 | 4 => self.advert(input),
            5 => {
                let payload = input.take(60);
                self.bfd_packet(payload);
            }
            6 => {
                let at = usize::from(input.below(3));
                if let Some(id) = self.ids.get(at).copied() {
                    let event = match input.below(8) {
                        0 => Event::Fault(Fault::LinkDown),
                        1 => Event::FaultCleared(Fault::LinkDown),
                        2 => Event::Adjust(i16::from(input.byte()) - 128),
                        3 => Event::AddressLost,
                        4 => Event::Suspect,
                        5 => Event::Stop,
                        6 => Event::ActiveLost(input.host(false)),
                        _ => Event::Start,
                    };
                    self.event(id, event);
                }
            }
            7 => self.restart(input),
            _ => self.reload(input),
        }
    }

    /// The loop has failed, perhaps in the middle of a turn, and another one takes its place.
    fn restart(&mut self, input: &mut Input<'_>) {
        if input.flag() {
            self.recorder.call(Call::PollAction);
        }
        self.recorder.restart();
        (self.router, self.table) = (Router::new(), Table::new(5));
        self.ids.clear();
        self.restarts += 1;
        self.end_turn();
        self.reload(input);
        self.begin();
    }

    fn event(&mut self, id: InstanceId, event: Event) {
        self.recorder.input(self.now, Call::Event(id.get(), event));
        self.router.handle_event(self.now, id, event);
    }

    fn reload(&mut self, input: &mut Input<'_>) {
        let mut config = RouterConfig::new();
        for vrid in 1..=1 + input.below(3) {
            let role = match BackupPriority::new(input.byte()) {
                Some(priority) => Role::Backup {
                    priority,
                    preempt: Preempt::Immediately,
                },
                None => Role::Owner,
            };
            let vrid = Vrid::new(vrid).expect("not 0");
            let mut one = InstanceConfig::new(vrid, Family::Ipv4, role);
            one.addresses = vec![IpAddr::from([192, 0, 2, 100])];
            one.format = match input.below(3) {
                0 => WireFormat::V2 {
                    auth: V2Auth::Password(WORDS[usize::from(input.below(2))]),
                },
                1 => WireFormat::V2 {
                    auth: V2Auth::Ah(WORDS[0]),
                },
                _ => WireFormat::DEFAULT,
            };
            config = config.with_instance(InterfaceId(0), one);
        }
        if input.flag() {
            let all = config.instances.len();
            config = config.with_group(GroupId(0), 0..all);
        }
        self.recorder.reload(self.now, &config);
        let reloaded = self.router.reload(self.now, config);
        let told = reloaded.as_ref().map(Into::into).map_err(Clone::clone);
        self.recorder.output(Output::Reloaded(told));
        self.ids = reloaded.map(|reload| reload.ids).unwrap_or_default();
        let interval = Micros::from_millis(300).expect("short");
        let session = SessionConfig::new(interval, interval, DetectMult::MIN);
        let peer = input.host(false);
        let path = SingleHop::new(bfd::InterfaceId(0), peer);
        let definitions = vec![Definition::SingleHop(path, session)];
        self.recorder.bfd_reload(self.now, &definitions);
        let reloaded = self.table.reload(self.now, definitions);
        let told = reloaded.as_ref().map(Into::into).map_err(Clone::clone);
        self.recorder.output(Output::BfdReloaded(told));
    }

    fn advert(&mut self, input: &mut Input<'_>) {
        let word = WORDS[usize::from(input.below(2))];
        let format = match input.below(3) {
            0 => Format::V2 {
                auth: Auth::Password(&word),
            },
            1 => Format::V2 { auth: Auth::None },
            _ => Format::V3 {
                ipv4_checksum: Checksum::MessageOnly,
            },
        };
        let repr = AdvertRepr {
            format,
            vrid: Vrid::new(1 + input.below(3)).expect("not 0"),
            priority: Priority::new(input.byte()),
            interval: AdvertInterval::from_secs(1).expect("not 0"),
            addresses: AddressList::V4(&[[192, 0, 2, 100].into()]),
        };
        let ip = IpMeta {
            source: input.host(false),
            destination: Family::Ipv4.group(),
            hop_limit: 255,
        };
        let mut message = vec![0; repr.buffer_len()];
        repr.emit(&ip, &mut message).expect("a good advert");
        if input.below(4) == 0 {
            let at = usize::from(input.byte()) % message.len();
            message[at] ^= input.byte();
        }
        let interface = InterfaceId(0);
        self.recorder
            .packet(self.now, &self.router, interface, ip, &message);
        let rx = Rx {
            interface,
            ip,
            message: &message,
        };
        let heard = self.router.handle_packet(self.now, rx);
        self.recorder
            .output(Output::Heard(heard.map(InstanceId::get)));
    }

    fn bfd_packet(&mut self, payload: &[u8]) {
        let rx = bfd::Rx {
            interface: bfd::InterfaceId(0),
            source: [192, 0, 2, 1].into(),
            destination: [192, 0, 2, 9].into(),
            destination_port: 3784,
            ttl: 255,
            payload,
        };
        self.recorder.bfd_packet(self.now, &self.table, &rx);
        let heard = self.table.handle_packet(self.now, &rx);
        self.recorder
            .output(Output::BfdHeard(heard.map(bfd::SessionId::get)));
    }

    fn turn(&mut self) {
        self.recorder.input(self.now, Call::BfdTimeout);
        self.table.handle_timeout(self.now);
        self.recorder.input(self.now, Call::Timeout);
        self.router.handle_timeout(self.now);
        loop {
            self.recorder.call(Call::PollAction);
            let action = self.router.poll_action();
            self.recorder.output(Output::Action(
                action.map(|(id, action)| (id.get(), action)),
            ));
            let Some((id, vrrp_fsm::Action::Transmit(transmit))) = action else {
                if action.is_none() {
                    break;
                }
                continue;
            };
            self.recorder
                .input(self.now, Call::Authenticate(id.get(), transmit));
            let with = self.router.authenticate(self.now, id, transmit);
            self.recorder.authentication(&with);
        }
        loop {
            let mut buffer = [0; MAX_LEN];
            self.recorder.input(self.now, Call::BfdPollTransmit);
            let transmit = self.table.poll_transmit(self.now, &mut buffer);
            self.recorder.bfd_transmit(&self.table, transmit, &buffer);
            if transmit.is_none() {
                break;
            }
        }
        loop {
            self.recorder.call(Call::BfdPollEvent);
            let event = self.table.poll_event();
            self.recorder
                .output(Output::BfdEvent(event.map(|(id, event)| (id.get(), event))));
            if event.is_none() {
                break;
            }
        }
        self.end_turn();
    }

    fn end_turn(&mut self) {
        let wall = Duration::from_secs(1);
        self.recorder
            .end_turn(self.now, wall, &self.router, &self.table, Vec::new)
            .expect("a small state");
        while let Some(write) = self.recorder.poll_write() {
            let start = usize::try_from(write.offset).expect("a small file");
            let end = start + write.octets.len();
            self.file.resize(self.file.len().max(end), 0);
            self.file[start..end].copy_from_slice(&write.octets);
        }
    }
}
