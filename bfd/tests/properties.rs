//! What holds after any sequence of packets, events, times and configurations, and for any
//! octets.

mod common;

use std::time::Duration;

use bfd::{
    AuthKind, BackOff, Buffer, Concatenated, Control, ControlPacket, Demand, Diagnostic,
    Discriminator, Event, Instant, MAX_LEN, Micros, Reflector, ReflectorConfig, Rejected, Role, Rx,
    Session, SessionConfig, SessionEvent, Signature, State, Table, Transmit,
};
use common::*;
use proptest::prelude::*;

/// More than any single input may cause.
const MOST_EVENTS: usize = 6;
const MOST_PACKETS: usize = 2;

fn state() -> impl Strategy<Value = State> {
    (0..4_u8).prop_map(State::from_bits)
}

fn interval() -> impl Strategy<Value = Micros> {
    prop_oneof![
        4 => (1..200_u32).prop_map(|millis| Micros::from_millis(millis).unwrap()),
        1 => any::<u32>().prop_map(Micros::new),
        1 => Just(Micros::ZERO),
    ]
}

fn control() -> impl Strategy<Value = Control> {
    let flags = any::<(bool, bool, bool, bool)>();
    let discriminators = (
        1..4_u32,
        prop_oneof![3 => Just(Some(LOCAL)), 1 => Just(None), 1 => Just(Some(5))],
    );
    let intervals = (interval(), interval(), interval());
    (
        0..32_u8,
        state(),
        flags,
        1..=255_u8,
        discriminators,
        intervals,
    )
        .prop_map(
            |(
                diagnostic,
                state,
                (poll, final_bit, independent, demand),
                mult,
                (my, your),
                intervals,
            )| {
                let knows = matches!(state, State::Init | State::Up);
                Control {
                    diagnostic: Diagnostic::from_bits(diagnostic),
                    state,
                    poll: poll && !final_bit,
                    final_bit,
                    control_plane_independent: independent,
                    demand,
                    detect_mult: common::mult(mult),
                    my_discriminator: discr(my),
                    your_discriminator: your
                        .or_else(|| knows.then_some(LOCAL))
                        .and_then(Discriminator::new),
                    desired_min_tx: intervals.0,
                    required_min_rx: intervals.1,
                    required_min_echo_rx: intervals.2,
                }
            },
        )
}

fn auth_kind() -> impl Strategy<Value = Option<AuthKind>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(AuthKind::Simple)),
        1 => Just(Some(AuthKind::KeyedMd5)),
        1 => Just(Some(AuthKind::MeticulousSha1)),
    ]
}

fn configuration(kind: Option<AuthKind>) -> impl Strategy<Value = SessionConfig> {
    let demand = prop_oneof![
        2 => Just(Demand::Off),
        1 => Just(Demand::On),
        1 => Just(Demand::Verify(ms(300))),
    ];
    let echo = prop_oneof![2 => Just(None), 1 => Just(Some(ms(30)))];
    (
        1..500_u32,
        1..500_u32,
        1..=20_u8,
        any::<(bool, bool)>(),
        demand,
        echo,
    )
        .prop_map(
            move |(tx, rx, multiplier, (passive, backs_off), demand, echo)| {
                SessionConfig::new(ms(tx), ms(rx), common::mult(multiplier))
                    .with_role(if passive { Role::Passive } else { Role::Active })
                    .with_back_off(if backs_off { BackOff::On } else { BackOff::Off })
                    .with_demand(demand)
                    .with_echo(echo)
                    .with_auth(kind.and_then(auth))
            },
        )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::AdminDown),
        1 => Just(Event::PathDown),
        2 => Just(Event::AdminUp),
        1 => Just(Event::ForwardingReset),
        1 => Just(Event::EchoFailed),
        1 => Just(Event::ConcatenatedPath(Concatenated::Down)),
        1 => Just(Event::ConcatenatedPath(Concatenated::Up)),
        1 => Just(Event::Verify),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    Timeout {
        late: u64,
    },
    Packet {
        control: Control,
        signed: bool,
        sequence: u32,
    },
    /// What brings a session up, so that more happens.
    Handshake,
    Octets(Vec<u8>),
    Echo(Vec<u8>),
    EchoBack,
    Event(Event),
    Reconfigure(SessionConfig),
}

fn ops(kind: Option<AuthKind>) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        2 => (0..3_000_000_000_u64).prop_map(Op::Wait),
        6 => prop_oneof![Just(0), 0..50_000_000_u64].prop_map(|late| Op::Timeout { late }),
        4 => (control(), any::<bool>(), 0..40_u32)
            .prop_map(|(control, signed, sequence)| Op::Packet { control, signed, sequence }),
        3 => Just(Op::Handshake),
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Op::Octets),
        1 => prop::collection::vec(any::<u8>(), 0..24).prop_map(Op::Echo),
        2 => Just(Op::EchoBack),
        1 => event().prop_map(Op::Event),
        1 => configuration(kind).prop_map(Op::Reconfigure),
    ];
    prop::collection::vec(op, 1..120)
}

/// One session and what was seen of it.
struct Bench {
    session: Session,
    kind: Option<AuthKind>,
    now: Instant,
    state: State,
    echoes: Vec<Vec<u8>>,
    sequence: u32,
}

impl Bench {
    fn hear(&mut self, control: Control, signed: bool, sequence: u32) -> Result<(), Rejected> {
        match self.kind.filter(|_| signed) {
            Some(kind) => hear_signed(&mut self.session, self.now, control, kind, sequence),
            None => hear(&mut self.session, self.now, control),
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Wait(nanos) => {
                self.now = later(self.now, Duration::from_nanos(nanos));
                return;
            }
            Op::Timeout { late } => {
                if let Some(next) = self.session.next_timeout() {
                    // Beyond a few hundred years there is nothing to see.
                    let late = Duration::from_nanos(late);
                    if let Some(next) = next.max(self.now).checked_add(late)
                        && next < at(1e12)
                    {
                        self.now = next;
                    }
                }
                self.session.handle_timeout(self.now);
                let next = self.session.next_timeout();
                let moves = next.is_none_or(|next| next > self.now);
                assert!(moves, "no progress: {:?}", self.session);
            }
            Op::Packet {
                control,
                signed,
                sequence,
            } => {
                let before = self.session.state();
                let result = self.hear(control, signed, sequence);
                if result.is_err() {
                    assert_eq!(self.session.state(), before);
                }
                if self.kind.is_some() && !signed {
                    assert!(result.is_err(), "unauthenticated");
                }
            }
            Op::Handshake => {
                for state in [State::Down, State::Init] {
                    self.sequence += 1;
                    let _ = self.hear(peer(state), true, self.sequence);
                }
            }
            Op::Octets(octets) => {
                if let Ok(packet) = ControlPacket::parse(&octets) {
                    let _ = self.session.handle_packet(self.now, &packet);
                }
            }
            Op::Echo(octets) => {
                let result = self.session.handle_echo(self.now, &octets);
                assert!(result.is_err(), "nobody guesses 64 bits");
            }
            Op::EchoBack => {
                for echo in std::mem::take(&mut self.echoes) {
                    let _ = self.session.handle_echo(self.now, &echo);
                }
            }
            Op::Event(event) => self.session.handle_event(self.now, event),
            Op::Reconfigure(config) => self.session.reconfigure(self.now, config).unwrap(),
        }
        self.check();
    }

    /// Everything that is sent and told is in order.
    fn check(&mut self) {
        let mut told = 0;
        for event in events(&mut self.session) {
            told += 1;
            if let SessionEvent::State(transition) = event {
                assert_eq!(transition.from, self.state, "no transition is missing");
                assert_ne!(transition.from, transition.to);
                assert_eq!(transition.at, self.now);
                self.state = transition.to;
            }
        }
        assert!(told <= MOST_EVENTS, "{told} events");
        assert_eq!(self.state, self.session.state());
        let knows = self.session.remote().discriminator.is_some();
        let silent = self.session.config().role == Role::Passive && !knows;
        let packets = octets(&mut self.session, self.now);
        assert!(packets.len() <= MOST_PACKETS);
        for octets in &packets {
            self.check_packet(octets);
            assert!(!silent, "BFD-TX-06");
        }
        let mut buffer: Buffer = [0; MAX_LEN];
        while let Some(length) = self.session.poll_echo(self.now, &mut buffer) {
            assert_eq!(self.state, State::Up, "BFD-EC-02");
            self.echoes.push(buffer[..length].to_vec());
        }
        assert!(matches!(self.state, State::AdminDown | State::Down) || knows);
        let total = self.session.history().count();
        assert!(total <= bfd::HISTORY_LEN);
        let stats = self.session.stats();
        assert!(stats.ups >= stats.flaps && stats.ups - stats.flaps <= 1);
    }

    fn check_packet(&self, octets: &[u8]) {
        let packet = ControlPacket::parse(octets).expect("it can be read");
        assert_eq!(packet.octets().len(), octets.len());
        assert_eq!(packet.is_authenticated(), self.kind.is_some());
        let control = packet.control();
        assert_eq!(control.state, self.state);
        assert!(!(control.poll && control.final_bit), "BFD-TX-10");
        if self.state != State::Up {
            assert!(control.desired_min_tx >= Micros::SECOND, "BFD-TX-04");
            assert!(!control.demand, "BFD-DM-01");
        }
        if control.demand {
            assert_eq!(self.session.remote().state, State::Up, "BFD-DM-01");
        }
        assert!(!control.desired_min_tx.is_zero());
        assert!(!control.required_min_rx.is_zero());
        assert_eq!(control.my_discriminator, discr(LOCAL));
        assert_eq!(
            control.your_discriminator,
            self.session.remote().discriminator
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// BFD-RX-23 and all the rest: no panic, no storm, no gap in the story, and nothing on the
    /// wire that may not be there.
    #[test]
    fn a_session_keeps_its_rules_whatever_happens(
        (kind, config, ops) in auth_kind().prop_flat_map(|kind| {
            (Just(kind), configuration(kind), ops(kind))
        }),
        seed in any::<u64>(),
    ) {
        let session = Session::new(config, discr(LOCAL), seed, at(0.0)).unwrap();
        let mut bench = Bench {
            session,
            kind,
            now: at(0.0),
            state: State::Down,
            echoes: Vec::new(),
            sequence: 0,
        };
        bench.check();
        for op in ops {
            bench.apply(op);
        }
    }

    /// BFD-RX-23: any octets are read or refused.
    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = ControlPacket::parse(&octets);
    }

    /// BFD-RX-23: and those that are nearly right, with any authentication section, by sessions
    /// of any kind.
    #[test]
    fn damaged_packets_are_refused_without_a_panic(
        control in control(),
        kind in auth_kind(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        tail in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let secret = secret();
        let signature = match kind {
            None => Signature::None,
            Some(kind) => Signature::Key { kind, id: 7, secret: &secret, sequence: 9 },
        };
        let mut octets = encode(&control, &signature);
        for (place, octet) in damage {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        octets.truncate(octets.len() - cut.index(octets.len()) / 3);
        octets.extend(tail);
        if let Ok(packet) = ControlPacket::parse(&octets) {
            for kind in [None, kind, Some(AuthKind::KeyedSha1)] {
                let mut session = session(config().with_auth(kind.and_then(auth)));
                let _ = session.handle_packet(at(0.0), &packet);
            }
            let shown = format!("{packet:?}");
            prop_assert!(!shown.contains("s3cret"));
        }
        let mut table = Table::new(1);
        table.add(at(0.0), single(1)).unwrap();
        let rx = Rx {
            interface: INTERFACE,
            source: address(1),
            destination: address(2),
            destination_port: 3784,
            ttl: 255,
            payload: &octets,
        };
        let _ = table.handle_packet(at(0.0), &rx);
        let _ = table.handle_echo(at(0.0), &octets);
        let reflecting = ReflectorConfig::new(vec![discr(LOCAL)], ms(20));
        let mut out: Buffer = [0; MAX_LEN];
        let mut reflector = Reflector::new(reflecting, 1).unwrap();
        if let Ok(length) = reflector.reflect(at(0.0), &octets, &mut out) {
            ControlPacket::parse(&out[..length]).unwrap();
        }
    }

    /// What is written is read as the same facts.
    #[test]
    fn facts_survive_the_wire(control in control(), kind in auth_kind(), sequence in any::<u32>()) {
        let secret = secret();
        let signature = match kind {
            None => Signature::None,
            Some(kind) => Signature::Key { kind, id: 7, secret: &secret, sequence },
        };
        let octets = encode(&control, &signature);
        let packet = ControlPacket::parse(&octets).unwrap();
        prop_assert_eq!(packet.control(), &control);
        prop_assert_eq!(packet.octets(), &octets[..]);
        prop_assert_eq!(packet.auth().map(|section| section.kind()), kind.map(AuthKind::number));
        prop_assert_eq!(packet.auth().and_then(|section| section.key_id()), kind.map(|_| 7));
        let digest = kind.filter(|kind| *kind != AuthKind::Simple);
        prop_assert_eq!(packet.auth().and_then(|section| section.sequence()), digest.map(|_| sequence));
    }

    /// Whatever comes and goes, a table never sleeps past a deadline of one of its sessions, never
    /// wakes for nothing twice, and everything it sends can be read.
    #[test]
    fn a_table_never_sleeps_past_a_deadline(
        ops in prop::collection::vec((0..6_u8, 0..8_u8, 0..400_u32), 1..200),
    ) {
        let mut table = Table::new(5);
        let (mut now, mut sent) = (at(0.0), 0_u64);
        let mut ids = Vec::new();
        let mut buffer: Buffer = [0; MAX_LEN];
        for (what, which, amount) in ops {
            let id = ids.get(usize::from(which)).copied();
            match (what, id) {
                (0, None) => ids.push(table.add(now, single(10 + which)).unwrap_or_else(|error| {
                    match error {
                        bfd::ConfigError::Duplicate { existing } => existing,
                        other => panic!("{other}"),
                    }
                })),
                (1, Some(id)) => table.retire(now, id),
                (2, Some(id)) => table.handle_event(now, id, Event::ForwardingReset),
                (3, Some(id)) => {
                    let session = table.member(id).and_then(|member| member.session());
                    if let Some(session) = session {
                        let control = Control {
                            your_discriminator: Some(session.local_discriminator()),
                            ..peer(State::Init)
                        };
                        let payload = encode(&control, &Signature::None);
                        let rx = Rx {
                            interface: INTERFACE,
                            source: address(1),
                            destination: address(2),
                            destination_port: 3784,
                            ttl: 255,
                            payload: &payload,
                        };
                        let _ = table.handle_packet(now, &rx);
                    }
                }
                _ => {
                    let late = later(now, Duration::from_millis(u64::from(amount)));
                    while let Some(next) = table.next_timeout().filter(|next| *next <= late) {
                        now = now.max(next);
                        table.handle_timeout(now);
                        prop_assert!(table.next_timeout().is_none_or(|next| next > now));
                        drain(&mut table, now, &mut buffer, &mut sent);
                    }
                    now = late;
                }
            }
            drain(&mut table, now, &mut buffer, &mut sent);
            prop_assert!(table.next_timeout().is_some() || table.is_empty());
            // Whoever is in the table has a deadline in it that is not after its own.
            for (_, _, member) in table.members() {
                let own = member.session().unwrap().next_timeout();
                prop_assert!(table.next_timeout() <= own);
            }
        }
        let counted: u64 = table
            .members()
            .map(|(_, _, member)| member.session().unwrap().stats().sent)
            .sum();
        prop_assert!(counted <= sent);
    }
}

fn drain(table: &mut Table, now: Instant, buffer: &mut Buffer, sent: &mut u64) {
    while let Some(Transmit { length, .. }) = table.poll_transmit(now, buffer) {
        ControlPacket::parse(&buffer[..length]).unwrap();
        *sent += 1;
    }
    while table.poll_event().is_some() {}
}

/// BFD-RX-23: every packet of 24 octets with one octet changed, against every state.
#[test]
fn every_single_octet_may_be_anything() {
    for state in [State::AdminDown, State::Down, State::Init, State::Up] {
        let (session, now) = in_state(config(), state);
        let good = encode(&peer(state), &Signature::None);
        for place in 0..good.len() {
            for value in 0..=255 {
                let mut octets = good.clone();
                octets[place] = value;
                if let Ok(packet) = ControlPacket::parse(&octets) {
                    let mut session = session.clone();
                    let _ = session.handle_packet(now, &packet);
                    session.handle_timeout(later(now, Duration::from_secs(5)));
                    sent(&mut session, now);
                }
            }
        }
    }
}
