//! The reconciler and the dump against a kernel that is none.

mod common;
mod fake;

use std::collections::BTreeSet;
use std::time::Duration;

use common::table;
use fake::{FAMILY, Kernel};
use ipvs::netlink::Request;
use ipvs::{
    Destination, Dump, Event, Forward, Instant, KernelError, Op, Protocol, Reconciler, Service,
    ServiceKey, Table,
};
use proptest::prelude::*;

fn at(milliseconds: u64) -> Instant {
    Instant::from_nanos(0)
        .checked_add(Duration::from_millis(milliseconds))
        .expect("in range")
}

/// Turns until nothing moves; what happened, and how many datagrams went out.
fn settle(reconciler: &mut Reconciler, kernel: &mut Kernel, now: Instant) -> (Vec<Event>, usize) {
    let (mut events, mut datagrams) = (Vec::new(), 0);
    reconciler.handle_timeout(now);
    loop {
        let mut out = Vec::new();
        if !reconciler.poll_request(&mut out) {
            break;
        }
        datagrams += 1;
        assert!(datagrams < 1_000, "it never comes to rest");
        let replies = kernel.send(&out);
        reconciler.handle_datagram(now, &replies);
        while let Some(event) = reconciler.poll_event() {
            events.push(event);
        }
    }
    while let Some(event) = reconciler.poll_event() {
        events.push(event);
    }
    events.retain(|event| !matches!(event, Event::Read(_)));
    (events, datagrams)
}

fn web(number: u8) -> ServiceKey {
    let address = std::net::Ipv4Addr::new(192, 0, 2, number);
    ServiceKey::address(Protocol::TCP, (address, 80).into())
}

fn service(number: u8, scheduler: &str, servers: u8) -> Table {
    let server = |number| {
        let address = std::net::Ipv4Addr::new(198, 51, 100, number);
        let address: std::net::SocketAddr = (address, 80).into();
        Destination::new(address, Forward::Masquerade, 1)
    };
    let service = Service::new(web(number), scheduler.parse().expect("a name"));
    [(service, (1..=servers).map(server).collect())]
        .into_iter()
        .collect()
}

fn both(one: &Table, other: &Table) -> Table {
    let mut all = one.clone();
    for entry in other.entries() {
        all.put_service(entry.service().clone());
        for destination in entry.destinations() {
            assert!(all.put_destination(&entry.service().key, *destination));
        }
    }
    all
}

fn changes(kernel: &Kernel) -> Vec<String> {
    let ops = kernel.requests.iter().filter_map(|request| match request {
        Request::Change(op) => Some(op.to_string()),
        _ => None,
    });
    ops.collect()
}

/// The kernel answers each request that asks for it with a message of its own, which is a tenth of the
/// work of putting in a server.
#[test]
fn only_the_last_of_a_datagram_is_acknowledged() {
    let mut kernel = Kernel::default();
    let mut reconciler = Reconciler::new(FAMILY);
    let want = service(1, "rr", 200);
    reconciler.set(want.clone());
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(events, [Event::Settled]);
    assert_eq!(kernel.table, want);
    // 201 changes in datagrams of 64.
    assert_eq!(kernel.answers, 4);
}

/// A refusal in the middle is that of its own request: those before and after it were done.
#[test]
fn a_refusal_in_the_middle_of_a_datagram_is_of_that_request_alone() {
    let mut kernel = Kernel::default();
    let mut reconciler = Reconciler::new(FAMILY);
    let want = service(1, "rr", 4);
    reconciler.set(want.clone());
    // The dump, the service and two servers pass.
    kernel.errors.extend([0, 0, 0, 0, 12]);
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    let [Event::Refused { op, .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(
        op.to_string(),
        "-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1"
    );
    let ports: Vec<_> = kernel
        .table
        .get(&web(1))
        .into_iter()
        .flat_map(ipvs::Entry::destinations)
        .map(|to| to.key.to_string())
        .collect();
    assert_eq!(
        ports,
        ["198.51.100.1:80", "198.51.100.2:80", "198.51.100.4:80"]
    );
    assert_eq!(reconciler.current(), Some(&kernel.table));
    let (events, _) = settle(&mut reconciler, &mut kernel, at(60_000));
    assert_eq!(events, [Event::Settled]);
    assert_eq!(kernel.table, want);
}

proptest! {
    /// IPVS-OPS-01: from any table to any other, and then nothing more.
    #[test]
    fn the_kernel_holds_what_was_wanted(before in table(), want in table(), then in table()) {
        let mut kernel = Kernel { table: before.clone(), ..Kernel::default() };
        let mut reconciler = Reconciler::new(FAMILY);
        reconciler.adopt(before.entries().map(|entry| entry.service().key));
        for wanted in [want, then] {
            reconciler.set(wanted.clone());
            let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
            prop_assert_eq!(&kernel.table, &wanted);
            prop_assert_eq!(events, vec![Event::Settled]);
            kernel.requests.clear();
            reconciler.set(wanted);
            settle(&mut reconciler, &mut kernel, at(0));
            prop_assert_eq!(changes(&kernel), Vec::<String>::new());
        }
    }

    /// IPVS-OPS-01, IPVS-OPS-04: service by service comes to the same as all at once, and touches
    /// nothing else.
    #[test]
    fn changing_some_services_leaves_the_others_alone(want in table(), then in table()) {
        let mut kernel = Kernel::default();
        let mut reconciler = Reconciler::new(FAMILY);
        reconciler.set(want.clone());
        settle(&mut reconciler, &mut kernel, at(0));
        let keys: BTreeSet<_> = want
            .entries()
            .chain(then.entries())
            .map(|entry| entry.service().key)
            .collect();
        for key in keys {
            let before = kernel.table.clone();
            let wanted = then.get(&key).map(|entry| {
                (entry.service().clone(), entry.destinations().copied().collect())
            });
            reconciler.change([(key, wanted)]);
            kernel.requests.clear();
            settle(&mut reconciler, &mut kernel, at(0));
            prop_assert_eq!(kernel.table.get(&key), then.get(&key));
            let touched = kernel.requests.iter().filter_map(|request| match request {
                Request::Change(op) => Some(*op.service()),
                _ => None,
            });
            prop_assert!(touched.into_iter().all(|touched| touched == key));
            if want.get(&key) == then.get(&key) {
                prop_assert_eq!(&before, &kernel.table);
            }
        }
        prop_assert_eq!(&kernel.table, &then);
        prop_assert_eq!(reconciler.desired(), &then);
    }

    /// IPVS-DEC-03, IPVS-DEC-04: whatever comes from the socket.
    #[test]
    fn no_datagram_panics(octets in prop::collection::vec(any::<u8>(), 0..300), shape in 0..4_u8) {
        let mut octets = octets;
        if octets.len() >= 20 {
            let length = u32::try_from(octets.len()).expect("short");
            octets[..4].copy_from_slice(&length.to_ne_bytes());
            let kind = [2_u16, 3, 0x1f, 16][usize::from(shape)];
            octets[4..6].copy_from_slice(&kind.to_ne_bytes());
            octets[8..12].copy_from_slice(&1_u32.to_ne_bytes());
        }
        let mut reconciler = Reconciler::new(FAMILY);
        let mut out = Vec::new();
        reconciler.poll_request(&mut out);
        reconciler.handle_datagram(at(0), &octets);
        reconciler.handle_datagram(at(0), &octets);
    }
}

/// IPVS-OPS-02.
#[test]
fn services_of_others_are_left_alone() {
    let theirs = service(9, "rr", 2);
    let mut kernel = Kernel {
        table: theirs.clone(),
        ..Kernel::default()
    };
    let mut reconciler = Reconciler::new(FAMILY);
    let ours = service(1, "wlc", 1);
    reconciler.set(ours.clone());
    settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, both(&theirs, &ours));
    reconciler.set(Table::new());
    settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, theirs);
}

/// IPVS-OPS-01: exists already becomes a change.
#[test]
fn a_service_that_somebody_made_first_is_changed_instead() {
    let mut kernel = Kernel::default();
    let mut reconciler = Reconciler::new(FAMILY);
    settle(&mut reconciler, &mut kernel, at(0));
    let want = service(1, "wlc", 1);
    reconciler.set(want.clone());
    // Read, still empty; then somebody is faster.
    let mut out = Vec::new();
    assert!(reconciler.poll_request(&mut out));
    let replies = kernel.send(&out);
    reconciler.handle_datagram(at(0), &replies);
    kernel.table = service(1, "rr", 0);
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, want);
    assert!(events.contains(&Event::Settled), "{events:?}");
    assert!(changes(&kernel).contains(&"-E -t 192.0.2.1:80 -s wlc".to_owned()));
}

/// IPVS-OPS-01: gone already is success.
#[test]
fn what_is_to_go_and_is_gone_is_well() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    reconciler.set(service(1, "rr", 2));
    settle(&mut reconciler, &mut kernel, at(0));
    kernel.table = Table::new();
    reconciler.set(Table::new());
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(events, [Event::Settled]);
    assert_eq!(reconciler.next_timeout(), None);
}

/// Drift: somebody ran `ipvsadm -d` or `-D`.
#[test]
fn what_others_removed_comes_back_and_is_told() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    let want = both(&service(1, "rr", 2), &service(2, "rr", 1));
    reconciler.set(want.clone());
    settle(&mut reconciler, &mut kernel, at(0));
    kernel.table.apply(&Op::DelService(web(2))).expect("there");
    let server: std::net::SocketAddr = "198.51.100.1:80".parse().expect("address");
    kernel
        .table
        .apply(&Op::DelDest(web(1), server.into()))
        .expect("there");
    reconciler.verify();
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, want);
    let [Event::Drift { repairs }, Event::Settled] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(repairs.len(), 3, "{repairs:?}");
    // And no word when nothing happened.
    reconciler.verify();
    assert_eq!(settle(&mut reconciler, &mut kernel, at(0)).0, []);
}

/// IPVS-OPS-07 for one scheduler: told once, tried again with growing pauses, others served.
#[test]
fn a_scheduler_that_is_missing_holds_up_nothing_else() {
    let mut kernel = Kernel {
        lacks: Some("mh"),
        ..Kernel::default()
    };
    let mut reconciler = Reconciler::new(FAMILY);
    let (good, bad) = (service(1, "rr", 1), service(2, "mh", 3));
    reconciler.set(both(&good, &bad));
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, good);
    let refused = |events: &[Event]| {
        let refusals = events.iter().filter(|event| {
            matches!(
                event,
                Event::Refused {
                    op: Op::NewService(_),
                    error: KernelError::NoScheduler
                }
            )
        });
        refusals.count()
    };
    assert_eq!(refused(&events), 1, "{events:?}");
    assert!(!events.contains(&Event::Settled));
    let (events, datagrams) = settle(&mut reconciler, &mut kernel, at(10));
    assert_eq!((events.len(), datagrams), (0, 0), "tried again at once");
    // Still missing after the pause; there after the next.
    let first = reconciler.next_timeout().expect("a pause");
    let (events, _) = settle(&mut reconciler, &mut kernel, first);
    assert_eq!(refused(&events), 1);
    let second = reconciler.next_timeout().expect("a longer pause");
    assert!(second.saturating_duration_since(first) > first.saturating_duration_since(at(0)));
    kernel.lacks = None;
    let (events, _) = settle(&mut reconciler, &mut kernel, second);
    assert_eq!(kernel.table, both(&good, &bad));
    assert!(events.contains(&Event::Settled), "{events:?}");
}

/// IPVS-DEC-03: ENOBUFS at any moment.
#[test]
fn lost_answers_are_read_from_the_table() {
    for lost in 0..4 {
        let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
        let want = service(1, "rr", 3);
        reconciler.set(want.clone());
        for turn in 0.. {
            let mut out = Vec::new();
            if !reconciler.poll_request(&mut out) {
                break;
            }
            let replies = kernel.send(&out);
            if turn == lost {
                reconciler.handle_overrun();
            } else {
                reconciler.handle_datagram(at(0), &replies);
            }
        }
        assert_eq!(kernel.table, want, "lost datagram {lost}");
        assert_eq!(reconciler.current(), Some(&want), "lost datagram {lost}");
    }
}

/// No datagram has more than 64 messages, and there is one at a time.
#[test]
fn large_tables_go_out_in_batches() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    reconciler.set(service(1, "rr", 200));
    let (_, datagrams) = settle(&mut reconciler, &mut kernel, at(0));
    // A dump of services; then 201 changes.
    assert_eq!(datagrams, 1 + 201_usize.div_ceil(64));
    assert_eq!(
        kernel
            .table
            .get(&web(1))
            .expect("there")
            .destinations()
            .len(),
        200
    );
    let mut out = Vec::new();
    reconciler.set(Table::new());
    assert!(reconciler.poll_request(&mut out));
    assert!(
        !reconciler.poll_request(&mut out),
        "a second one before the answer"
    );
}

/// IPVS-DEC-03.
#[test]
fn only_the_part_of_a_dump_that_was_interrupted_is_asked_for_again() {
    let table = both(&service(1, "rr", 2), &service(2, "rr", 1));
    let mut kernel = Kernel {
        table: table.clone(),
        ..Kernel::default()
    };
    let mut dump = Dump::new();
    for seq in 1.. {
        let mut out = Vec::new();
        if !dump.poll_request(FAMILY, seq, &mut out) {
            break;
        }
        // The second request is for the destinations of the first service.
        kernel.interrupts = u32::from(seq == 2);
        let replies = kernel.send(&out);
        for answer in ipvs::netlink::replies(&replies, dump.context(FAMILY)) {
            dump.handle(&answer.expect("well-formed"));
        }
    }
    let dumped = dump.result().expect("finished").expect("complete");
    assert_eq!(dumped.table(), table);
    assert_eq!(
        kernel.requests,
        [
            Request::DumpServices,
            Request::DumpDestinations(web(1)),
            Request::DumpDestinations(web(1)),
            Request::DumpDestinations(web(2)),
        ]
    );
}

/// IPVS-DEC-03: a table that is never at rest is an error in the end.
#[test]
fn a_dump_that_is_interrupted_for_ever_fails() {
    let mut kernel = Kernel {
        interrupts: u32::MAX,
        ..Kernel::default()
    };
    let mut dump = Dump::new();
    for seq in 1..100 {
        let mut out = Vec::new();
        if dump.poll_request(FAMILY, seq, &mut out) {
            let replies = kernel.send(&out);
            for answer in ipvs::netlink::replies(&replies, dump.context(FAMILY)) {
                dump.handle(&answer.expect("well-formed"));
            }
        }
    }
    assert_eq!(dump.result(), Some(Err(KernelError::Overrun)));
}

/// IPVS-OPS-07: no permission is an event and a pause, not an end.
#[test]
fn a_table_that_cannot_be_read_is_told_and_tried_again() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    kernel.errors.push_back(1);
    let want = service(1, "rr", 1);
    reconciler.set(want.clone());
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(events, [Event::Unreadable(KernelError::NotPermitted)]);
    let (events, datagrams) = settle(&mut reconciler, &mut kernel, at(1));
    assert_eq!((events.len(), datagrams), (0, 0));
    settle(&mut reconciler, &mut kernel, at(60_000));
    assert_eq!(kernel.table, want);
}

fn parts(table: &Table, number: u8) -> (ServiceKey, Option<(Service, Vec<Destination>)>) {
    let entry = table.get(&web(number)).expect("there");
    let destinations = entry.destinations().copied().collect();
    (web(number), Some((entry.service().clone(), destinations)))
}

/// IPVS-OPS-02, VIP-09: what an earlier run left behind is ours once we are told so, and goes.
#[test]
fn what_an_earlier_run_put_is_removed_if_it_is_not_wanted() {
    let theirs = service(9, "rr", 2);
    let mut kernel = Kernel {
        table: both(&theirs, &service(1, "rr", 1)),
        ..Kernel::default()
    };
    let mut reconciler = Reconciler::new(FAMILY);
    settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(reconciler.current(), Some(&Table::new()));
    reconciler.adopt([web(1)]);
    assert_eq!(reconciler.current(), None, "it is not known yet");
    settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, theirs);
}

/// IPVS-OPS-01: what is new to us may be there, so the table is read before anything is sent.
#[test]
fn a_service_that_is_new_to_us_is_looked_for_first() {
    let mut kernel = Kernel::default();
    let mut reconciler = Reconciler::new(FAMILY);
    settle(&mut reconciler, &mut kernel, at(0));
    kernel.table = service(1, "rr", 1);
    let want = service(1, "wlc", 1);
    // One that is known already does not make the other one known.
    for known in [false, true] {
        kernel.requests.clear();
        let other = parts(&service(2, "rr", 1), 2);
        let changes_wanted = if known {
            vec![parts(&want, 1), other]
        } else {
            vec![other]
        };
        reconciler.change(changes_wanted);
        settle(&mut reconciler, &mut kernel, at(0));
    }
    assert_eq!(changes(&kernel), ["-E -t 192.0.2.1:80 -s wlc"]);
    assert_eq!(reconciler.current(), Some(&kernel.table));
}

/// IPVS-OPS-07: what was refused waits for its pause, unless it is wanted in another way now.
#[test]
fn a_refused_service_is_tried_at_once_only_if_it_is_changed() {
    let mut kernel = Kernel {
        lacks: Some("mh"),
        ..Kernel::default()
    };
    let mut reconciler = Reconciler::new(FAMILY);
    reconciler.set(service(2, "mh", 2));
    settle(&mut reconciler, &mut kernel, at(0));
    let retry = reconciler.next_timeout().expect("a pause");
    reconciler.change([parts(&service(1, "rr", 1), 1)]);
    kernel.requests.clear();
    let (events, _) = settle(&mut reconciler, &mut kernel, at(1));
    assert_eq!(kernel.table, service(1, "rr", 1));
    assert!(
        changes(&kernel)
            .iter()
            .all(|change| change.contains("192.0.2.1:80"))
    );
    assert_eq!(events, [], "a service is missing");
    assert_eq!(reconciler.next_timeout(), Some(retry));
    // The same with a scheduler that there is.
    reconciler.change([parts(&service(2, "rr", 2), 2)]);
    assert_eq!(reconciler.next_timeout(), None);
    let (events, _) = settle(&mut reconciler, &mut kernel, at(2));
    assert_eq!(events, [Event::Settled]);
    assert_eq!(
        kernel.table,
        both(&service(1, "rr", 1), &service(2, "rr", 2))
    );
}

/// IPVS-OPS-07: the servers of a service that was refused are not asked for, those of others are.
#[test]
fn servers_of_a_refused_service_are_not_asked_for() {
    let mut kernel = Kernel {
        lacks: Some("mh"),
        ..Kernel::default()
    };
    let mut reconciler = Reconciler::new(FAMILY);
    let good = service(1, "rr", 1);
    reconciler.set(both(&good, &service(2, "mh", 1)));
    settle(&mut reconciler, &mut kernel, at(0));
    kernel.requests.clear();
    // Another look at the table makes another plan.
    reconciler.change([parts(&service(1, "rr", 2), 1)]);
    reconciler.verify();
    settle(&mut reconciler, &mut kernel, at(1));
    assert_eq!(changes(&kernel).len(), 1, "{:?}", changes(&kernel));
    assert_eq!(kernel.table, service(1, "rr", 2));
}

/// A change of one service does not throw away what is still to be sent of another.
#[test]
fn what_is_planned_of_other_services_stays_planned() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    let large = service(1, "rr", 100);
    reconciler.set(both(&large, &service(2, "rr", 0)));
    // The table is read, and the first batch is there.
    while kernel.table.is_empty() {
        let mut out = Vec::new();
        assert!(reconciler.poll_request(&mut out));
        let replies = kernel.send(&out);
        reconciler.handle_datagram(at(0), &replies);
    }
    assert_ne!(kernel.table, both(&large, &service(2, "rr", 0)));
    reconciler.change([parts(&service(2, "wlc", 3), 2)]);
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(events, [Event::Settled]);
    assert_eq!(kernel.table, both(&large, &service(2, "wlc", 3)));
    // Nothing was asked for twice.
    assert_eq!(changes(&kernel).len(), 2 + 100 + 1 + 3);
}

/// IPVS-OPS-01: a service that somebody took away while its server was changed is made again.
#[test]
fn a_change_of_what_is_gone_makes_it_again() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    reconciler.set(service(1, "rr", 1));
    settle(&mut reconciler, &mut kernel, at(0));
    kernel.table = Table::new();
    let mut want = service(1, "rr", 1);
    let mut server = *want
        .get(&web(1))
        .and_then(|entry| entry.destinations().next())
        .expect("one");
    server.weight = 5;
    assert!(want.put_destination(&web(1), server));
    reconciler.set(want.clone());
    settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(kernel.table, want);
    assert_eq!(reconciler.current(), Some(&want));
}

/// IPVS-DEC-03: what we have done ourselves is not taken for somebody else's doing when the answers are lost.
#[test]
fn lost_answers_are_no_drift() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    reconciler.set(service(1, "rr", 1));
    settle(&mut reconciler, &mut kernel, at(0));
    let want = service(1, "wlc", 3);
    reconciler.set(want.clone());
    let mut out = Vec::new();
    assert!(reconciler.poll_request(&mut out));
    kernel.send(&out);
    reconciler.handle_overrun();
    assert_eq!(reconciler.current(), None);
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(events, [Event::Settled]);
    assert_eq!(kernel.table, want);
}

/// IPVS-OPS-01: a surprise is looked into at once, another one after a pause.
#[test]
fn a_kernel_that_contradicts_itself_is_not_asked_without_end() {
    let mut kernel = Kernel {
        contradicts_itself: true,
        ..Kernel::default()
    };
    let mut reconciler = Reconciler::new(FAMILY);
    reconciler.set(service(1, "rr", 0));
    // Read, ask, read again, ask again.
    let (_, datagrams) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(datagrams, 4);
    for _ in 0..3 {
        let retry = reconciler.next_timeout().expect("a pause");
        let (_, datagrams) = settle(&mut reconciler, &mut kernel, retry);
        assert_eq!(datagrams, 2);
    }
    kernel.contradicts_itself = false;
    let retry = reconciler.next_timeout().expect("a pause");
    let (events, _) = settle(&mut reconciler, &mut kernel, retry);
    assert_eq!(events, [Event::Settled]);
}

/// A driver asks what is on its way: it waits for that before it ends.
#[test]
fn what_is_on_its_way_is_known() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    reconciler.set(service(1, "rr", 2));
    let mut told = Vec::new();
    loop {
        let mut out = Vec::new();
        let idle = (reconciler.is_reading(), reconciler.awaits_answers());
        if !reconciler.poll_request(&mut out) {
            assert_eq!(idle, (false, false));
            break;
        }
        told.push((
            idle,
            reconciler.is_reading(),
            reconciler.changes_in_flight(),
        ));
        assert!(reconciler.awaits_answers());
        let replies = kernel.send(&out);
        reconciler.handle_datagram(at(0), &replies);
    }
    assert_eq!(
        told,
        [((true, false), true, 0), ((false, false), false, 3)],
        "the services, then what is missing"
    );
}

/// Settled is what holds all that is wanted: not with something on its way, nor refused.
#[test]
fn it_is_settled_once_and_when_everything_is_done() {
    let (mut kernel, mut reconciler) = (Kernel::default(), Reconciler::new(FAMILY));
    let want = service(1, "rr", 100);
    reconciler.set(want.clone());
    let mut settled = 0;
    loop {
        let mut out = Vec::new();
        if !reconciler.poll_request(&mut out) {
            break;
        }
        let replies = kernel.send(&out);
        reconciler.handle_datagram(at(0), &replies);
        while let Some(event) = reconciler.poll_event() {
            if event == Event::Settled {
                settled += 1;
                assert_eq!(kernel.table, want);
            }
        }
    }
    assert_eq!(settled, 1);
    // While the table is read again it may be otherwise than we think.
    reconciler.verify();
    reconciler.set(want);
    assert_eq!(reconciler.poll_event(), None);
    let (events, _) = settle(&mut reconciler, &mut kernel, at(0));
    assert_eq!(events, [Event::Settled]);
}
