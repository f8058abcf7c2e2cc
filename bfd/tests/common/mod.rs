//! What the test files share: short words for configurations, real packets, and checks.

#![allow(dead_code, reason = "no test file uses all of it")]

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use bfd::{
    AuthConfig, AuthKind, Buffer, Control, ControlPacket, Definition, DetectMult, Diagnostic,
    Discriminator, Event, Instant, InterfaceId, Key, MAX_LEN, Micros, Multihop, Rejected, Role, Rx,
    Secret, Session, SessionConfig, SessionEvent, SessionId, Signature, SingleHop, State, Table,
    Transition, Transmit,
};

pub(crate) const LOCAL: u32 = 0x1111_1111;
pub(crate) const REMOTE: u32 = 0x2222_2222;

pub(crate) fn at(millis: f64) -> Instant {
    Instant::from_nanos((millis * 1e6).round() as i64)
}

pub(crate) fn later(instant: Instant, duration: Duration) -> Instant {
    instant.checked_add(duration).unwrap()
}

pub(crate) fn ms(millis: u32) -> Micros {
    Micros::from_millis(millis).unwrap()
}

pub(crate) fn millis(millis: f64) -> Duration {
    Duration::from_nanos((millis * 1e6).round() as u64)
}

pub(crate) fn mult(number: u8) -> DetectMult {
    NonZeroU8::new(number).unwrap()
}

pub(crate) fn discr(number: u32) -> Discriminator {
    Discriminator::new(number).unwrap()
}

/// 50 ms in both directions, three packets.
pub(crate) fn config() -> SessionConfig {
    SessionConfig::new(ms(50), ms(50), mult(3))
}

pub(crate) fn passive() -> SessionConfig {
    config().with_role(Role::Passive)
}

pub(crate) fn secret() -> Secret {
    Secret::new(b"s3cret12").unwrap()
}

pub(crate) fn auth(kind: AuthKind) -> Option<AuthConfig> {
    Some(AuthConfig::new(kind, vec![Key::new(7, secret())]).unwrap())
}

pub(crate) fn session(config: SessionConfig) -> Session {
    Session::new(config, discr(LOCAL), 1, at(0.0)).unwrap()
}

/// What a peer with the same configuration says in this state, knowing us.
pub(crate) fn peer(state: State) -> Control {
    Control {
        diagnostic: Diagnostic::NONE,
        state,
        poll: false,
        final_bit: false,
        control_plane_independent: false,
        demand: false,
        detect_mult: mult(3),
        my_discriminator: discr(REMOTE),
        your_discriminator: Some(discr(LOCAL)),
        desired_min_tx: if state == State::Up { ms(50) } else { ms(1000) },
        required_min_rx: ms(50),
        required_min_echo_rx: Micros::ZERO,
    }
}

pub(crate) fn encode(control: &Control, signature: &Signature<'_>) -> Vec<u8> {
    let mut octets = vec![0; control.buffer_len(signature)];
    let length = control.emit(signature, &mut octets).unwrap();
    assert_eq!(length, octets.len());
    octets
}

/// Hears a packet without authentication.
pub(crate) fn hear(session: &mut Session, now: Instant, control: Control) -> Result<(), Rejected> {
    let octets = encode(&control, &Signature::None);
    session.handle_packet(now, &ControlPacket::parse(&octets).unwrap())
}

/// Hears a packet with authentication.
pub(crate) fn hear_signed(
    session: &mut Session,
    now: Instant,
    control: Control,
    kind: AuthKind,
    sequence: u32,
) -> Result<(), Rejected> {
    let signature = Signature::Key {
        kind,
        id: 7,
        secret: &secret(),
        sequence,
    };
    let octets = encode(&control, &signature);
    session.handle_packet(now, &ControlPacket::parse(&octets).unwrap())
}

/// Everything that is to be sent now, as octets.
pub(crate) fn octets(session: &mut Session, now: Instant) -> Vec<Vec<u8>> {
    let mut buffer: Buffer = [0xee; MAX_LEN];
    std::iter::from_fn(|| {
        let length = session.poll_transmit(now, &mut buffer)?;
        Some(buffer[..length].to_vec())
    })
    .collect()
}

/// Everything that is to be sent now.
pub(crate) fn sent(session: &mut Session, now: Instant) -> Vec<Control> {
    let packets = octets(session, now);
    packets
        .iter()
        .map(|octets| *ControlPacket::parse(octets).unwrap().control())
        .collect()
}

/// The one packet that is to be sent now.
#[track_caller]
pub(crate) fn sent_one(session: &mut Session, now: Instant) -> Control {
    let mut packets = sent(session, now);
    assert_eq!(packets.len(), 1, "{packets:?}");
    packets.remove(0)
}

pub(crate) fn events(session: &mut Session) -> Vec<SessionEvent> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

pub(crate) fn transitions(session: &mut Session) -> Vec<Transition> {
    events(session)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::State(transition) => Some(transition),
            _ => None,
        })
        .collect()
}

/// A session that has come into this state by packets, with nothing left to send or to tell. Its
/// polls are answered. The instant is that of the last packet.
pub(crate) fn in_state(config: SessionConfig, state: State) -> (Session, Instant) {
    let mut session = session(config);
    let kind = session.config().auth.as_ref().map(AuthConfig::kind);
    let mut number = 100;
    let mut say = |session: &mut Session, now, control| {
        number += 1;
        match kind {
            None => hear(session, now, control).unwrap(),
            Some(kind) => hear_signed(session, now, control, kind, number).unwrap(),
        }
        sent(session, now);
    };
    sent(&mut session, at(0.0));
    let now = at(10.0);
    match state {
        State::AdminDown => {
            say(&mut session, now, peer(State::Down));
            session.handle_event(now, Event::AdminDown);
            sent(&mut session, now);
        }
        State::Down => {}
        State::Init => say(&mut session, now, peer(State::Down)),
        State::Up => {
            say(&mut session, now, peer(State::Init));
            let answer = Control {
                final_bit: true,
                ..peer(State::Up)
            };
            // Demand mode takes a poll of its own.
            for _ in 0..3 {
                say(&mut session, now, answer);
                say(&mut session, now, peer(State::Up));
            }
            assert!(!session.is_polling());
        }
    }
    assert_eq!(session.state(), state);
    events(&mut session);
    (session, now)
}

/// Up, with nothing left to do.
pub(crate) fn up(config: SessionConfig) -> (Session, Instant) {
    in_state(config, State::Up)
}

/// Lets the session send on its own until `end`, and gives what it has sent and when.
pub(crate) fn run(session: &mut Session, end: Instant) -> Vec<(Instant, Control)> {
    let mut all = Vec::new();
    while let Some(now) = session.next_timeout().filter(|at| *at <= end) {
        session.handle_timeout(now);
        assert!(session.next_timeout().is_none_or(|next| next > now));
        all.extend(sent(session, now).into_iter().map(|control| (now, control)));
    }
    all
}

/// As [`run`], while the peer says the same thing every 20 ms and never falls silent.
pub(crate) fn run_with(
    session: &mut Session,
    start: Instant,
    end: Instant,
    control: Control,
) -> Vec<(Instant, Control)> {
    let mut all = Vec::new();
    let mut now = start;
    while now < end {
        hear(session, now, control).unwrap();
        all.extend(sent(session, now).into_iter().map(|sent| (now, sent)));
        now = later(now, millis(20.0));
        all.extend(run(session, now.min(end)));
    }
    all
}

pub(crate) fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

pub(crate) const INTERFACE: InterfaceId = InterfaceId(5);

pub(crate) fn neighbour(last: u8) -> SingleHop {
    SingleHop {
        interface: INTERFACE,
        peer: address(last),
        local: Some(address(2)),
        point_to_point: false,
        ttl: 255,
        min_ttl: 255,
    }
}

pub(crate) fn distant(last: u8) -> Multihop {
    Multihop {
        peer: address(last),
        local: Some(address(2)),
        min_ttl: 0,
        ttl: 255,
    }
}

pub(crate) fn single(last: u8) -> Definition {
    Definition::SingleHop(neighbour(last), config())
}

pub(crate) fn multi(last: u8) -> Definition {
    Definition::Multihop(distant(last), config())
}

pub(crate) fn table(definitions: impl IntoIterator<Item = Definition>) -> (Table, Vec<SessionId>) {
    let mut table = Table::new(42);
    let ids = definitions
        .into_iter()
        .map(|definition| table.add(at(0.0), definition).unwrap())
        .collect();
    (table, ids)
}

pub(crate) fn rx(payload: &[u8], last: u8, port: u16, ttl: u8) -> Rx<'_> {
    Rx {
        interface: INTERFACE,
        source: address(last),
        destination: address(2),
        destination_port: port,
        ttl,
        payload,
    }
}

pub(crate) fn transmits(table: &mut Table, now: Instant) -> Vec<(Transmit, Vec<u8>)> {
    let mut buffer: Buffer = [0; MAX_LEN];
    std::iter::from_fn(|| {
        let transmit = table.poll_transmit(now, &mut buffer)?;
        Some((transmit, buffer[..transmit.length].to_vec()))
    })
    .collect()
}

pub(crate) fn state(table: &Table, id: SessionId) -> State {
    table.member(id).unwrap().state()
}

/// A packet that names its session.
pub(crate) fn named(table: &Table, id: SessionId, state: State) -> Vec<u8> {
    let session = table.member(id).unwrap().session().unwrap();
    let control = Control {
        your_discriminator: Some(session.local_discriminator()),
        ..peer(state)
    };
    encode(&control, &Signature::None)
}
