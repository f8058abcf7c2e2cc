//! Any bytes from a generic-netlink socket: skipped or understood, what is understood can be written
//! again and says the same, and the reconciler stays sane.

use ipvs::netlink::{Command, FamilyId, Message, Request, resolved};
use ipvs::{Destination, Forward, Instant, Protocol, Reconciler, Service, ServiceKey, Table};

use super::input::Input;

const FAMILY: FamilyId = FamilyId(0x1f);

/// One message by itself, then datagrams one after another.
pub fn run(data: &[u8]) {
    message(data);
    let _ = resolved(data);
    let mut input = Input::new(data);
    let mut reconciler = Reconciler::new(FAMILY);
    if let Some(table) = table() {
        reconciler.set(table);
    }
    let now = Instant::from_nanos(0);
    while !input.is_empty() {
        let choice = input.byte();
        let mut out = Vec::new();
        reconciler.poll_request(&mut out);
        let seq = out
            .get(8..12)
            .map_or([1, 0, 0, 0], |seq| [seq[0], seq[1], seq[2], seq[3]]);
        let length = usize::from(input.word() % 600);
        let mut datagram = input.take(length).to_vec();
        if choice & 1 == 0 && datagram.len() >= 20 {
            let length = u32::try_from(datagram.len()).unwrap_or(0).to_ne_bytes();
            datagram[0..4].copy_from_slice(&length);
            let kind = [2_u16, 3, FAMILY.0, 16][usize::from(choice >> 1 & 3)];
            datagram[4..6].copy_from_slice(&kind.to_ne_bytes());
            datagram[8..12].copy_from_slice(&seq);
        }
        reconciler.handle_datagram(now, &datagram);
        match choice >> 5 {
            0 => reconciler.handle_overrun(),
            1 => reconciler.verify(),
            2 => reconciler.set(Table::new()),
            _ => {}
        }
        for events in 0.. {
            if reconciler.poll_event().is_none() {
                break;
            }
            assert!(events < 10_000, "events without end");
        }
    }
}

fn message(data: &[u8]) {
    let Some((&command, attributes)) = data.split_first() else {
        return;
    };
    let Ok(message) = Message::parse(Command(command), attributes) else {
        return;
    };
    for dump in [false, true] {
        let Ok(request) = Request::from_message(&message, dump) else {
            continue;
        };
        let mut out = Vec::new();
        request.encode(FAMILY, 1, &mut out);
        let again = Message::parse(Command(out[16]), &out[20..]).expect("ours is well-formed");
        let again = Request::from_message(&again, request.is_dump());
        assert_eq!(again.as_ref(), Ok(&request));
    }
}

fn table() -> Option<Table> {
    let key = ServiceKey::address(Protocol::TCP, "192.0.2.1:80".parse().ok()?);
    let server: std::net::SocketAddr = "198.51.100.1:80".parse().ok()?;
    let destination = Destination::new(server, Forward::Masquerade, 1);
    let service = Service::new(key, "wrr".parse().ok()?);
    Some([(service, vec![destination])].into_iter().collect())
}
