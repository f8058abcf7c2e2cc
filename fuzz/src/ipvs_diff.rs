//! Bytes as two tables of services: the difference leads from one to the other, and nobody who is
//! served before and after is without a server meanwhile.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipvs::{Destination, Entry, Forward, Op, Protocol, Service, ServiceKey, Table, diff};

use super::input::Input;

/// IPVS-OPS-01, IPVS-OPS-04, IPVS-OPS-08.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let current = table(&mut input);
    let want = table(&mut input);
    let mut now = current.clone();
    for op in diff(&current, &want) {
        match &op {
            Op::DelService(key) => assert!(want.get(key).is_none(), "it stays"),
            Op::DelDest(key, destination) => {
                let entry = want.get(key).expect("else its service would go");
                assert!(entry.destination(destination).is_none(), "it stays");
            }
            _ => {}
        }
        now.apply(&op)
            .unwrap_or_else(|error| panic!("{op}: {error}"));
        for entry in want.entries() {
            let key = entry.service().key;
            if served(current.get(&key)) && served(Some(entry)) {
                assert!(served(now.get(&key)), "nobody serves {key} after {op}");
            }
        }
    }
    assert_eq!(now, want);
    assert_eq!(diff(&now, &want), vec![]);
}

fn served(entry: Option<&Entry>) -> bool {
    entry.is_some_and(|entry| entry.destinations().any(|to| to.weight > 0))
}

fn table(input: &mut Input<'_>) -> Table {
    let mut table = Table::new();
    for _ in 0..input.below(6) {
        let ipv6 = input.flag();
        let key = ServiceKey::address(Protocol::TCP, address(input, ipv6));
        let scheduler = ["rr", "wrr", "sh"][usize::from(input.below(3))];
        let service = Service::new(key, scheduler.parse().expect("a name"));
        if table.apply(&Op::NewService(service)).is_err() {
            continue;
        }
        for _ in 0..input.below(6) {
            let forward = match input.below(2) {
                0 => Forward::Masquerade,
                _ => Forward::DirectRoute,
            };
            let server = address(input, ipv6);
            let weight = u32::from(input.below(3));
            let destination = Destination::new(server, forward, weight);
            // A second one of the same address is refused.
            let _ = table.apply(&Op::NewDest(key, destination));
        }
    }
    table
}

fn address(input: &mut Input<'_>, ipv6: bool) -> SocketAddr {
    let number = input.below(4);
    let host: IpAddr = if ipv6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()).into()
    } else {
        Ipv4Addr::new(192, 0, 2, number).into()
    };
    SocketAddr::new(host, 80 + u16::from(input.below(2)))
}
