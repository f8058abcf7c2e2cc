//! What a packet costs, and a turn among ten thousand sessions of which one is due.

use std::net::IpAddr;
use std::num::NonZeroU8;

use bfd::{
    BackOff, Buffer, Control, ControlPacket, Definition, Discriminator, Instant, InterfaceId,
    MAX_LEN, Micros, Rx, SINGLE_HOP_PORT, SessionConfig, SessionId, Signature, SingleHop, State,
    TTL, Table,
};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

const SESSIONS: u32 = 10_000;
const SECOND: i64 = 1_000_000_000;

fn main() {
    divan::main();
}

fn peer(number: u32) -> IpAddr {
    let [_, _, high, low] = number.to_be_bytes();
    IpAddr::from([10, 1, high, low])
}

fn own() -> IpAddr {
    IpAddr::from([10, 0, 0, 1])
}

/// Two hundred of ten thousand sessions are due in every millisecond.
fn quick() -> Micros {
    Micros::from_millis(50).expect("short")
}

/// Six milliseconds from one to the next: no two go out together.
fn slow() -> Micros {
    Micros::from_millis(60_000).expect("short")
}

fn config(every: Micros) -> SessionConfig {
    SessionConfig::new(every, every, NonZeroU8::new(3).expect("not 0")).with_back_off(BackOff::Off)
}

/// What the neighbour of a session sends: up, and slow to give others time.
fn control(every: Micros, number: u32, state: State, your: Option<Discriminator>) -> Control {
    Control {
        diagnostic: bfd::Diagnostic::NONE,
        state,
        poll: false,
        final_bit: false,
        control_plane_independent: false,
        demand: false,
        detect_mult: NonZeroU8::new(200).expect("not 0"),
        my_discriminator: Discriminator::new(number + 1).expect("not 0"),
        your_discriminator: your,
        desired_min_tx: every,
        required_min_rx: every,
        required_min_echo_rx: Micros::ZERO,
    }
}

fn octets(control: &Control) -> Vec<u8> {
    let mut buffer: Buffer = [0; MAX_LEN];
    let length = control.emit(&Signature::None, &mut buffer).expect("fits");
    buffer[..length].to_vec()
}

fn hear(table: &mut Table, now: Instant, number: u32, payload: &[u8]) {
    let rx = Rx {
        interface: InterfaceId(1),
        source: peer(number),
        destination: own(),
        destination_port: SINGLE_HOP_PORT,
        ttl: TTL,
        payload,
    };
    table.handle_packet(now, &rx).expect("a good packet");
}

fn drain(table: &mut Table, now: Instant) -> u32 {
    let mut buffer: Buffer = [0; MAX_LEN];
    let mut sent = 0;
    while table.poll_transmit(now, &mut buffer).is_some() {
        sent += 1;
    }
    while table.poll_event().is_some() {}
    sent
}

/// All of them up, each begun a little after the one before.
struct Up {
    table: Table,
    now: Instant,
    packets: Vec<Vec<u8>>,
}

fn up(every: Micros) -> Up {
    let step = i64::from(every.get()) * 1000 / i64::from(SESSIONS);
    let mut table = Table::new(1);
    let ids: Vec<SessionId> = (0..SESSIONS)
        .map(|number| {
            let path = SingleHop::new(InterfaceId(1), peer(number)).with_local(Some(own()));
            let definition = Definition::SingleHop(path, config(every));
            table
                .add(Instant::ZERO, definition)
                .expect("a path of its own")
        })
        .collect();
    let mut packets = Vec::new();
    let mut now = Instant::ZERO;
    for (number, id) in (0..SESSIONS).zip(&ids) {
        now = Instant::from_nanos(i64::from(number) * step);
        let session = table.member(*id).and_then(|member| member.session());
        let your = session.map(bfd::Session::local_discriminator);
        hear(
            &mut table,
            now,
            number,
            &octets(&control(every, number, State::Down, None)),
        );
        hear(
            &mut table,
            now,
            number,
            &octets(&control(every, number, State::Init, your)),
        );
        let last = Control {
            final_bit: true,
            ..control(every, number, State::Up, your)
        };
        drain(&mut table, now);
        hear(&mut table, now, number, &octets(&last));
        packets.push(octets(&control(every, number, State::Up, your)));
        drain(&mut table, now);
    }
    Up {
        table,
        now,
        packets,
    }
}

#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let packet = octets(&control(quick(), 1, State::Up, Discriminator::new(7)));
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench(|| ControlPacket::parse(black_box(&packet)).map(|packet| *packet.control()));
}

#[divan::bench]
fn emit(bencher: Bencher<'_, '_>) {
    let control = control(quick(), 1, State::Up, Discriminator::new(7));
    let mut buffer: Buffer = [0; MAX_LEN];
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| black_box(&control).emit(&Signature::None, &mut buffer));
}

/// A packet for one of ten thousand sessions that are up.
#[divan::bench]
fn hear_one_of_ten_thousand(bencher: Bencher<'_, '_>) {
    let mut up = up(quick());
    let mut number = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        number = (number + 7_919) % SESSIONS;
        let packet = &up.packets[usize::try_from(number).expect("small")];
        hear(&mut up.table, up.now, number, packet);
    });
}

/// A turn: the deadline of one comes, and its packet is written. Every turn has another one.
#[divan::bench]
fn turn_with_one_due_of_ten_thousand(bencher: Bencher<'_, '_>) {
    let mut up = up(slow());
    let mut buffer: Buffer = [0; MAX_LEN];
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let next = up.table.next_timeout().expect("somebody has to send");
        up.now = up.now.max(next);
        up.table.handle_timeout(up.now);
        let mut sent = 0_u32;
        while up.table.poll_transmit(up.now, &mut buffer).is_some() {
            sent += 1;
        }
        while up.table.poll_event().is_some() {}
        sent
    });
}

/// A turn before anything is due.
#[divan::bench]
fn turn_with_none_due_of_ten_thousand(bencher: Bencher<'_, '_>) {
    let mut up = up(quick());
    up.table.handle_timeout(up.now);
    drain(&mut up.table, up.now);
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| up.table.handle_timeout(black_box(up.now)));
}

/// Ten thousand packets, written one after the other: everything is due at once.
#[divan::bench(sample_count = 20)]
fn transmit_ten_thousand(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(SESSIONS))
        .with_inputs(|| {
            let mut up = up(quick());
            up.now = Instant::from_nanos(up.now.as_nanos() + SECOND / 10);
            up.table.handle_timeout(up.now);
            up
        })
        .bench_local_refs(|up| drain(&mut up.table, up.now));
}
