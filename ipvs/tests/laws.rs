//! Laws that hold for all tables.

mod common;

use common::{destination, key, service, table};
use ipvs::netlink::{Command, FamilyId, Message, Request};
use ipvs::{ApplyError, ConfigError, Destination, Entry, Family, Forward, Op, Table, diff};
use netlink_packet_core::{Emitable, NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage};
use netlink_packet_generic::GenlMessage;
use proptest::prelude::*;

fn applied(current: &Table, ops: &[Op]) -> Table {
    let mut table = current.clone();
    for op in ops {
        table
            .apply(op)
            .unwrap_or_else(|error| panic!("{op}: {error}"));
    }
    table
}

/// Whether somebody takes the connections of a service.
fn served(entry: Option<&Entry>) -> bool {
    entry.is_some_and(|entry| entry.destinations().any(|to| to.weight > 0))
}

proptest! {
    /// IPVS-OPS-01.
    #[test]
    fn applying_the_difference_gives_what_is_wanted(current in table(), want in table()) {
        let ops = diff(&current, &want);
        prop_assert_eq!(applied(&current, &ops), want);
    }

    /// IPVS-OPS-01.
    #[test]
    fn there_is_no_difference_once_it_was_applied(current in table(), want in table()) {
        let after = applied(&current, &diff(&current, &want));
        prop_assert_eq!(diff(&after, &want), vec![]);
        prop_assert_eq!(diff(&want, &want), vec![]);
    }

    /// IPVS-OPS-08: no moment in which both the old and the new destinations are away.
    #[test]
    fn a_service_that_is_served_before_and_after_is_served_meanwhile(
        current in table(),
        want in table(),
    ) {
        let mut table = current.clone();
        for op in diff(&current, &want) {
            table.apply(&op).expect("it fits");
            for entry in want.entries() {
                let key = entry.service().key;
                if served(current.get(&key)) && served(Some(entry)) {
                    prop_assert!(served(table.get(&key)), "nobody serves {} after {}", key, op);
                }
            }
        }
    }

    /// A service put as a whole is the same as one put piece by piece, whatever the order and however often one
    /// destination comes: the last one of a key counts.
    #[test]
    fn destinations_put_together_are_as_those_put_one_by_one(
        service in service(),
        destinations in prop::collection::vec(destination(Family::Ipv4), 0..12),
    ) {
        let (mut whole, mut pieces) = (Table::new(), Table::new());
        pieces.put_service(service.clone());
        for destination in destinations.iter().chain(destinations.first()) {
            pieces.put_destination(&service.key, *destination);
        }
        let again = destinations.first().copied();
        whole.put(service, destinations.into_iter().chain(again).collect());
        prop_assert_eq!(whole, pieces);
    }

    /// IPVS-OPS-04: no destination that stays is ever removed, no service either.
    #[test]
    fn what_stays_is_never_removed(current in table(), want in table()) {
        for op in diff(&current, &want) {
            match &op {
                Op::DelService(key) => prop_assert!(want.get(key).is_none()),
                Op::DelDest(key, destination) => {
                    let entry = want.get(key).expect("else its service would go");
                    prop_assert!(entry.destination(destination).is_none());
                }
                _ => {}
            }
        }
    }

    /// What is sent is what the types of the netlink crates would send.
    #[test]
    fn a_request_is_framed_as_by_the_netlink_crates(want in table()) {
        let mut requests: Vec<_> = diff(&Table::new(), &want).into_iter().map(Request::Change).collect();
        requests.extend(diff(&want, &Table::new()).into_iter().map(Request::Change));
        for request in requests {
            let mut generic = GenlMessage::from_payload(request.message());
            generic.set_resolved_family_id(0x1f);
            let mut header = NetlinkHeader::default();
            header.flags = NLM_F_REQUEST | NLM_F_ACK;
            header.sequence_number = 7;
            let mut message = NetlinkMessage::new(header, generic.into());
            message.finalize();
            let mut theirs = vec![0; message.buffer_len()];
            message.serialize(&mut theirs);
            let mut ours = Vec::new();
            request.encode(FamilyId(0x1f), 7, &mut ours);
            prop_assert_eq!(ours, theirs);
        }
    }

    /// IPVS-DEC-06, and everything that is written is read as what it was.
    #[test]
    fn a_written_service_is_read_as_the_same(service in service()) {
        there_and_back(&Request::Change(Op::NewService(service.clone())), false);
        there_and_back(&Request::Change(Op::SetService(service)), false);
    }

    #[test]
    fn a_written_destination_is_read_as_the_same(
        (service, destination) in key().prop_flat_map(|key| (Just(key), destination(key.family()))),
    ) {
        there_and_back(&Request::Change(Op::NewDest(service, destination)), false);
        there_and_back(&Request::Change(Op::SetDest(service, destination)), false);
        there_and_back(&Request::Change(Op::DelDest(service, destination.key)), false);
        there_and_back(&Request::DumpDestinations(service), true);
        there_and_back(&Request::Zero(Some(service)), false);
    }

    /// IPVS-DEC-04.
    #[test]
    fn no_octets_panic(command in 0..20_u8, octets in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::parse(Command(command), &octets) {
            let _read = Request::from_message(&message, octets.len() % 2 == 0);
        }
    }
}

fn there_and_back(request: &Request, dump: bool) {
    let message = request.message();
    let mut octets = vec![0; message.buffer_len()];
    message.emit(&mut octets);
    let read = Message::parse(message.command, &octets).expect("well-formed");
    assert_eq!(&read, &message);
    assert_eq!(Request::from_message(&read, dump).as_ref(), Ok(request));
}

#[test]
fn a_table_refuses_what_the_kernel_would() {
    let mut table = Table::new();
    let web: ipvs::ServiceKey = ipvs::ServiceKey::address(
        ipvs::Protocol::TCP,
        "192.0.2.1:80".parse().expect("address"),
    );
    let service = ipvs::Service::new(web, "rr".parse().expect("name"));
    let server = |text: &str, forward| {
        let address: std::net::SocketAddr = text.parse().expect("address");
        Destination::new(address, forward, 1)
    };
    let near = server("198.51.100.1:80", Forward::Masquerade);
    assert_eq!(
        table.apply(&Op::NewDest(web, near)),
        Err(ApplyError::NoService)
    );
    table.apply(&Op::NewService(service.clone())).expect("new");
    assert_eq!(
        table.apply(&Op::NewService(service)),
        Err(ApplyError::ServiceExists)
    );
    assert_eq!(
        table.apply(&Op::SetDest(web, near)),
        Err(ApplyError::NoDestination)
    );
    table.apply(&Op::NewDest(web, near)).expect("new");
    assert_eq!(
        table.apply(&Op::NewDest(web, near)),
        Err(ApplyError::DestinationExists)
    );
    let far = server("[2001:db8::1]:80", Forward::DirectRoute);
    let refused = |error| Err(ApplyError::Config(error));
    assert_eq!(
        table.apply(&Op::NewDest(web, far)),
        refused(ConfigError::FamilyNeedsTunnel)
    );
    assert_eq!(
        table.apply(&Op::SetDest(web, near.with_thresholds(1, 2))),
        refused(ConfigError::Thresholds { lower: 2, upper: 1 })
    );
    // IPVS-ENC-09.
    let heavy = Destination {
        weight: Destination::MAX_WEIGHT + 1,
        ..near
    };
    assert_eq!(heavy.check(Family::Ipv4), Err(ConfigError::Weight(1 << 31)));
}

/// IPVS-OPS-03: a failed server leaves, or stays without new connections; a sorry server comes
/// before that. IPVS-OPS-08.
#[test]
fn the_sorry_server_comes_before_the_last_server_goes() {
    let web = ipvs::ServiceKey::address(
        ipvs::Protocol::TCP,
        "192.0.2.1:80".parse().expect("address"),
    );
    let service = ipvs::Service::new(web, "rr".parse().expect("name"));
    let server = |text: &str, weight| {
        let address: std::net::SocketAddr = text.parse().expect("address");
        Destination::new(address, Forward::Masquerade, weight)
    };
    let table =
        |list: Vec<Destination>| -> Table { [(service.clone(), list)].into_iter().collect() };
    let real = table(vec![server("198.51.100.1:80", 1)]);
    let sorry = table(vec![server("198.51.100.9:80", 1)]);
    let inhibited = table(vec![
        server("198.51.100.1:80", 0),
        server("198.51.100.9:80", 1),
    ]);
    let lines = |ops: Vec<Op>| ops.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        lines(diff(&real, &sorry)),
        [
            "-a -t 192.0.2.1:80 -r 198.51.100.9:80 -m -w 1",
            "-d -t 192.0.2.1:80 -r 198.51.100.1:80"
        ]
    );
    assert_eq!(
        lines(diff(&real, &inhibited)),
        [
            "-a -t 192.0.2.1:80 -r 198.51.100.9:80 -m -w 1",
            "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 0"
        ]
    );
    assert_eq!(
        lines(diff(&inhibited, &real)),
        [
            "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1",
            "-d -t 192.0.2.1:80 -r 198.51.100.9:80"
        ]
    );
}

/// IPVS-OPS-08: also where it is a change of weights, and the one that loses its own is listed first.
#[test]
fn a_server_gets_its_weight_before_another_loses_it() {
    let web = ipvs::ServiceKey::address(
        ipvs::Protocol::TCP,
        "192.0.2.1:80".parse().expect("address"),
    );
    let service = ipvs::Service::new(web, "rr".parse().expect("name"));
    let table = |first: u32, second: u32| -> Table {
        let list = [("198.51.100.1:80", first), ("198.51.100.2:80", second)];
        let list = list.map(|(text, weight)| {
            let address: std::net::SocketAddr = text.parse().expect("address");
            Destination::new(address, Forward::Masquerade, weight)
        });
        [(service.clone(), list.to_vec())].into_iter().collect()
    };
    let ops = diff(&table(5, 0), &table(0, 5));
    let lines: Vec<String> = ops.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "-e -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 5",
            "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 0"
        ]
    );
}

/// IPVS-OPS-06.
#[test]
fn the_sync_daemon_of_the_old_role_stops_before_the_new_one_starts() {
    use ipvs::{SyncDaemon, SyncRole};
    let interface: ipvs::InterfaceName = "eth0".parse().expect("name");
    let daemon = |role| SyncDaemon::new(role, interface.clone(), 51);
    let (master, backup) = (daemon(SyncRole::Master), daemon(SyncRole::Backup));
    // As the kernel tells of it, with its defaults filled in.
    let running = SyncDaemon {
        max_length: 1460,
        group: Some("224.0.0.81".parse().expect("address")),
        port: 8848,
        ttl: 1,
        ..backup.clone()
    };
    let kept = SyncDaemon::requests(
        std::slice::from_ref(&running),
        std::slice::from_ref(&backup),
    );
    assert_eq!(kept, []);
    assert_eq!(
        SyncDaemon::requests(
            std::slice::from_ref(&running),
            std::slice::from_ref(&master)
        ),
        [
            Request::StopDaemon(SyncRole::Backup),
            Request::StartDaemon(master.clone())
        ]
    );
    assert_eq!(
        SyncDaemon::requests(
            std::slice::from_ref(&running),
            &[master.clone(), backup.clone()]
        ),
        [Request::StartDaemon(master)]
    );
    let other = SyncDaemon {
        port: 8849,
        ..backup
    };
    assert_eq!(
        SyncDaemon::requests(&[running], std::slice::from_ref(&other)),
        [
            Request::StopDaemon(SyncRole::Backup),
            Request::StartDaemon(other)
        ]
    );
}
