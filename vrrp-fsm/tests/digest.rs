//! What `Router::hash_behaviour` tells apart, and what not.

mod common;

use std::hash::{DefaultHasher, Hasher};

use common::*;
use vrrp_fsm::{
    Action, Event, Fault, InstanceId, Instant, InterfaceId, Preempt, Router, RouterConfig, Rx,
    State,
};

const LAN: InterfaceId = InterfaceId(1);
const HOUR: f64 = 3600.0;

fn digest(router: &Router, now: Instant) -> u64 {
    let mut hasher = DefaultHasher::new();
    router.hash_behaviour(now, &mut hasher);
    hasher.finish()
}

/// A Backup that was started at this time.
fn backup_since(seconds: f64, preempt: Preempt) -> (Router, InstanceId) {
    let mut router = Router::new();
    let now = secs(seconds);
    let wanted = RouterConfig::new().with_instance(LAN, v3(backup(100, preempt)));
    let id = router.reload(now, wanted).unwrap().ids[0];
    router.handle_event(now, id, Event::PrimaryAddress(Some(address(OWN))));
    router.handle_event(now, id, Event::FaultCleared(Fault::NoReceivePath));
    router.handle_event(now, id, Event::Start);
    drain_all(&mut router);
    assert_eq!(router.instance(id).unwrap().state(), State::Backup);
    (router, id)
}

fn drain_all(router: &mut Router) -> Vec<Action> {
    std::iter::from_fn(|| router.poll_action())
        .map(|(_, action)| action)
        .collect()
}

fn hear(router: &mut Router, id: InstanceId, now: Instant, last: u8, priority: u8) {
    let config = router.instance(id).unwrap().config().clone();
    let (ip, message) = common::message(&config, peer(last), priority, config.interval);
    let rx = Rx {
        interface: LAN,
        ip,
        message: &message,
    };
    router.handle_packet(now, rx).unwrap();
}

#[test]
fn the_same_situation_an_hour_later_is_the_same() {
    for preempt in [
        Preempt::Never,
        Preempt::Immediately,
        Preempt::After(duration(5.0)),
    ] {
        let states = [0.0, HOUR].map(|start| {
            let (mut router, id) = backup_since(start, preempt);
            hear(&mut router, id, secs(start + 1.0), 9, 50);
            hear(&mut router, id, secs(start + 1.5), 9, 200);
            drain_all(&mut router);
            digest(&router, secs(start + 2.0))
        });
        assert_eq!(states[0], states[1], "{preempt:?}");
    }
}

#[test]
fn time_that_goes_by_is_seen_while_a_timer_runs() {
    let (router, _) = backup_since(0.0, Preempt::Immediately);
    assert_ne!(digest(&router, secs(1.0)), digest(&router, secs(1.5)));
}

#[test]
fn what_was_counted_or_noticed_makes_no_difference() {
    let (mut router, id) = backup_since(0.0, Preempt::Immediately);
    let mut other = router.clone();
    // Both accept at 1 s, but one of them has accepted an equal advert before.
    hear(&mut other, id, secs(0.5), 9, 200);
    for router in [&mut router, &mut other] {
        hear(router, id, secs(1.0), 9, 200);
        drain_all(router);
    }
    let received = |router: &Router| router.instance(id).unwrap().stats().adverts_received;
    assert_ne!(received(&router), received(&other));
    assert_eq!(digest(&router, secs(2.0)), digest(&other, secs(2.0)));
}

type Change<'a> = (&'a str, &'a dyn Fn(&mut Router));

/// Each of these is seen in what the router does later on.
#[test]
fn everything_that_matters_makes_a_difference() {
    let (router, id) = backup_since(0.0, Preempt::After(duration(5.0)));
    let now = secs(1.0);
    let changes: [Change<'_>; 7] = [
        ("a better router", &|router| {
            hear(router, id, now, 9, 200);
        }),
        ("another better router", &|router| {
            hear(router, id, now, 8, 200);
        }),
        (
            "a worse router, which is to be left alone for a while",
            &|router| {
                hear(router, id, now, 9, 50);
            },
        ),
        ("a release", &|router| {
            hear(router, id, now, 9, 0);
        }),
        ("a weight", &|router| {
            router.handle_event(now, id, Event::Adjust(7));
        }),
        ("another address", &|router| {
            router.handle_event(now, id, Event::PrimaryAddress(Some(address(7))));
        }),
        ("a fault", &|router| {
            router.handle_event(now, id, Event::Fault(Fault::Tracker));
        }),
    ];
    let mut seen = vec![("nothing", digest(&router, now))];
    for (what, change) in changes {
        let mut changed = router.clone();
        change(&mut changed);
        drain_all(&mut changed);
        let state = digest(&changed, now);
        for (other, digest) in &seen {
            assert_ne!(state, *digest, "{what} is like {other}");
        }
        seen.push((what, state));
    }
}

#[test]
fn actions_that_are_not_polled_yet_make_a_difference() {
    let (mut router, _) = backup_since(0.0, Preempt::Immediately);
    let due = router.next_timeout().unwrap();
    router.handle_timeout(due);
    let before = digest(&router, due);
    drain_all(&mut router);
    assert_ne!(digest(&router, due), before);
}

/// The answer to a lower advert is held back for 10 ms after the last; that is forgotten when it is over.
#[test]
fn what_was_long_ago_makes_no_difference() {
    let (mut router, id) = backup_since(0.0, Preempt::Immediately);
    let due = router.next_timeout().unwrap();
    router.handle_timeout(due);
    drain_all(&mut router);
    // An answer goes out at the instant at which an advert of its own would have.
    let mut answered = router.clone();
    let later = Instant::from_nanos(due.as_nanos() + 1_000_000_000);
    hear(&mut answered, id, later, 9, 50);
    router.handle_timeout(later);
    for router in [&mut router, &mut answered] {
        drain_all(router);
    }
    let at = |nanos| Instant::from_nanos(later.as_nanos() + nanos);
    assert_ne!(
        digest(&router, at(9_999_999)),
        digest(&answered, at(9_999_999))
    );
    assert_eq!(
        digest(&router, at(10_000_000)),
        digest(&answered, at(10_000_000))
    );
}
