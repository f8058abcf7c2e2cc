//! A table of sessions under anything: packets, time, events and reloads. What must hold: nothing
//! panics, time is never asked for in the past, a turn ends, and what is sent can be read.

use std::time::Duration;

use bfd::{
    AuthConfig, AuthKind, Buffer, ControlPacket, Definition, Demand, Event, Instant, InterfaceId,
    Key, MAX_LEN, Micros, Multihop, Role, Rx, Secret, SessionConfig, SessionId, SingleHop, Table,
};

use super::input::Input;

/// Packets that one session may send in one turn without being in a loop.
const STORM: usize = 64;

/// One history.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut table = Table::new(u64::from(input.word()));
    let mut now = Instant::from_nanos(0);
    let mut ids: Vec<SessionId> = Vec::new();
    let mut sent: Vec<u8> = Vec::new();
    while !input.is_empty() {
        match input.below(7) {
            0 => {
                let definitions = (0..input.below(4))
                    .map(|_| definition(&mut input))
                    .collect();
                if let Ok(reload) = table.reload(now, definitions) {
                    ids = reload.ids;
                }
            }
            1 => {
                let payload = input.take(52).to_vec();
                hear(&mut table, now, &mut input, &payload);
            }
            // What was sent last, changed in one place: it gets further than bytes by luck.
            2 => {
                let mut payload = sent.clone();
                let place = usize::from(input.byte());
                if let Some(octet) = payload.get_mut(place) {
                    *octet ^= input.byte();
                }
                hear(&mut table, now, &mut input, &payload);
            }
            3 => {
                let micros = u64::from(input.word()) * u64::from(input.byte());
                now = now
                    .checked_add(Duration::from_micros(micros))
                    .expect("far from the end of time");
                table.handle_timeout(now);
                assert!(
                    table.next_timeout().is_none_or(|next| next > now),
                    "a deadline in the past"
                );
            }
            4 => {
                if let Some(next) = table.next_timeout() {
                    now = now.max(next);
                    table.handle_timeout(now);
                }
            }
            5 => {
                let which = usize::from(input.byte());
                if let Some(id) = ids.get(which % ids.len().max(1)) {
                    table.handle_event(now, *id, event(&mut input));
                }
            }
            _ => {
                let payload = input.take(24);
                let _ = table.handle_echo(now, payload);
            }
        }
        turn(&mut table, now, &mut sent);
    }
}

fn turn(table: &mut Table, now: Instant, sent: &mut Vec<u8>) {
    let mut buffer: Buffer = [0; MAX_LEN];
    let mut packets = 0;
    while let Some(transmit) = table.poll_transmit(now, &mut buffer) {
        packets += 1;
        assert!(
            packets <= STORM * (table.len() + 4),
            "it never stops sending"
        );
        let bytes = &buffer[..transmit.length];
        if transmit.purpose == bfd::Purpose::Control {
            ControlPacket::parse(bytes).expect("what is sent can be read");
            sent.clear();
            sent.extend_from_slice(bytes);
        }
    }
    while let Some(event) = table.poll_event() {
        let _ = format!("{event:?}");
    }
}

fn hear(table: &mut Table, now: Instant, input: &mut Input<'_>, payload: &[u8]) {
    let rx = Rx {
        interface: InterfaceId(u32::from(input.below(2))),
        source: input.host(false),
        destination: input.host(false),
        destination_port: [3784, 4784, 49152][usize::from(input.below(3))],
        ttl: [255, 254, 1][usize::from(input.below(3))],
        payload,
    };
    let _ = table.handle_packet(now, &rx);
}

fn definition(input: &mut Input<'_>) -> Definition {
    let micros = |input: &mut Input<'_>| Micros::new(u32::from(input.word()) * 16);
    let mult = std::num::NonZeroU8::new(1 + input.below(5)).expect("from 1");
    let mut config = SessionConfig::new(micros(input), micros(input), mult);
    let choices = input.byte();
    if choices & 1 != 0 {
        config = config.with_role(Role::Passive);
    }
    if choices & 2 != 0 {
        config = config.with_demand(Demand::Verify(micros(input)));
    }
    if choices & 4 != 0 {
        let kinds = [
            AuthKind::Simple,
            AuthKind::KeyedMd5,
            AuthKind::MeticulousMd5,
            AuthKind::KeyedSha1,
            AuthKind::MeticulousSha1,
        ];
        let kind = kinds[usize::from(input.below(5))];
        let key = Key::new(7, Secret::new(b"s3cret12").expect("eight octets"));
        let auth = AuthConfig::new(kind, vec![key]);
        config = config.with_auth(Some(auth.expect("one key")));
    }
    let (peer, local) = (input.host(false), input.host(false));
    if choices & 8 != 0 {
        let path = Multihop {
            peer,
            local: Some(local),
            min_ttl: 254,
            ttl: 255,
        };
        return Definition::Multihop(path, config);
    }
    if choices & 16 != 0 {
        config = config.with_echo(Some(micros(input)));
    }
    let interface = InterfaceId(u32::from(input.below(2)));
    Definition::SingleHop(
        SingleHop::new(interface, peer).with_local(Some(local)),
        config,
    )
}

fn event(input: &mut Input<'_>) -> Event {
    match input.below(6) {
        0 => Event::AdminDown,
        1 => Event::AdminUp,
        2 => Event::PathDown,
        3 => Event::ForwardingReset,
        4 => Event::EchoFailed,
        _ => Event::Verify,
    }
}
