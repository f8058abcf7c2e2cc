//! When which announcement is sent.

use std::net::IpAddr;
use std::time::Duration;

use netlink_vip::arp::{ArpFrame, Operation};
use netlink_vip::ndisc::{Kind, NdFrame};
use netlink_vip::{
    AnnouncePolicy, Announcer, ArpTarget, Burst, FRAME_MAX, Instant, InterfaceName, Link, OwnerId,
    Target,
};

const A: OwnerId = OwnerId(1);
const B: OwnerId = OwnerId(2);
const VMAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 0x33];

fn at(millis: u64) -> Instant {
    Instant::from_nanos(i64::try_from(millis).unwrap() * 1_000_000)
}

fn link(index: u32) -> Link {
    Link::new(index, InterfaceName::new(&format!("eth{index}")).unwrap())
}

fn target(address: &str, index: u32) -> Target {
    Target::new(&link(index), address.parse().unwrap(), Some(VMAC), true).unwrap()
}

/// No second burst, no refresh, no spacing.
fn plain(repeat: u16) -> AnnouncePolicy {
    let mut policy = AnnouncePolicy::default();
    policy.repeat = repeat;
    policy.delay = Duration::ZERO;
    policy.lower_prio_repeat = repeat;
    policy.lower_prio_delay = Duration::ZERO;
    policy
}

/// All frames due at this time: interface and address.
fn drain(announcer: &mut Announcer, now: Instant) -> Vec<(u32, IpAddr)> {
    let mut out = [0; FRAME_MAX];
    let mut frames = Vec::new();
    while let Some(frame) = announcer.poll_frame(now, &mut out) {
        let bytes = &out[..frame.len];
        let address = ArpFrame::parse(bytes).map_or_else(
            |_| NdFrame::parse(bytes).unwrap().target.into(),
            |arp| IpAddr::from(arp.sender),
        );
        frames.push((frame.index, address));
        assert!(frames.len() < 100_000, "endless");
    }
    frames
}

/// The last octets of all frames due, which is what most tests need.
fn hosts(announcer: &mut Announcer, now: Instant) -> Vec<u8> {
    let last = |ip: IpAddr| match ip {
        IpAddr::V4(a) => a.octets()[3],
        IpAddr::V6(a) => a.octets()[15],
    };
    drain(announcer, now)
        .into_iter()
        .map(|(_, address)| last(address))
        .collect()
}

/// Frames up to a time, each with its millisecond, as a driver that keeps its timers gets them.
fn play(announcer: &mut Announcer, until: u64) -> Vec<(u64, u8)> {
    let mut frames = Vec::new();
    while let Some(next) = announcer.next_timeout().filter(|next| *next <= at(until)) {
        let millis = u64::try_from(next.as_nanos()).unwrap() / 1_000_000;
        let due = hosts(announcer, next);
        frames.extend(due.into_iter().map(|host| (millis, host)));
        assert!(announcer.next_timeout() != Some(next), "a timer that stays");
        assert!(frames.len() < 100_000, "endless");
    }
    frames
}

/// ARP-01, ARP-04, ND-03, GARP-01: each repetition walks all addresses.
#[test]
fn burst_walks_all_addresses_once_per_repetition() {
    let mut announcer = Announcer::new();
    let targets =
        ["2001:db8::1", "2001:db8::2"].map(|a| target(a, 1).with_source("fe80::51".parse().ok()));
    announcer.start(at(0), A, Burst::Promotion, &targets, &plain(2));
    assert_eq!(hosts(&mut announcer, at(0)), [1, 2, 1, 2]);
    let mut announcer = Announcer::new();
    let targets = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|a| target(a, 1));
    announcer.start(at(0), A, Burst::Promotion, &targets, &plain(3));
    assert_eq!(hosts(&mut announcer, at(0)), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    assert_eq!(announcer.next_timeout(), None);
}

/// ARP-02, ND-01, ND-02: what the frames say.
#[test]
fn frames_are_requests_and_unsolicited_advertisements() {
    let mut announcer = Announcer::new();
    let nd = target("2001:db8::1", 1).with_source("fe80::51".parse().ok());
    let mut policy = plain(1);
    policy.arp_target = ArpTarget::Sender;
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &[target("10.0.0.1", 1), nd],
        &policy,
    );
    let mut out = [0; FRAME_MAX];
    let frame = announcer.poll_frame(at(0), &mut out).unwrap();
    let arp = ArpFrame::parse(&out[..frame.len]).unwrap();
    assert_eq!(
        (frame.index, frame.len, arp.operation),
        (1, 42, Operation::Request)
    );
    assert_eq!(
        (arp.target_mac, arp.sender, arp.check_send(VMAC)),
        (VMAC, arp.target, Ok(()))
    );
    let frame = announcer.poll_frame(at(0), &mut out).unwrap();
    let nd = NdFrame::parse(&out[..frame.len]).unwrap();
    let kind = Kind::Advertisement {
        router: true,
        solicited: false,
        overrides: true,
    };
    assert_eq!(
        (frame.len, nd.kind, nd.check_send(VMAC)),
        (86, kind, Ok(()))
    );
    assert_eq!(nd.source.to_string(), "fe80::51");
    assert_eq!(nd.target.to_string(), "2001:db8::1");
    assert_eq!(announcer.poll_frame(at(0), &mut out), None);
}

/// ARP-05: the reply form follows each request form.
#[test]
fn reply_form_is_sent_too_if_wanted() {
    let mut announcer = Announcer::new();
    let mut policy = plain(2);
    policy.arp_reply_too = true;
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    let mut out = [0; FRAME_MAX];
    let mut forms = Vec::new();
    while let Some(frame) = announcer.poll_frame(at(0), &mut out) {
        forms.push(ArpFrame::parse(&out[..frame.len]).unwrap().operation);
    }
    use Operation::{Reply, Request};
    assert_eq!(forms, [Request, Reply, Request, Reply]);
}

/// ARP-03, KA-M-01, GARP-02, GARP-03: second burst after the delay, refreshes without drift.
#[test]
fn second_burst_and_refreshes_follow() {
    let mut announcer = Announcer::new();
    let mut policy = plain(2);
    policy.delay = Duration::from_secs(5);
    policy.refresh = Duration::from_secs(10);
    policy.refresh_repeat = 1;
    let targets = [target("10.0.0.1", 1), target("10.0.0.2", 1)];
    announcer.start(at(0), A, Burst::Promotion, &targets, &policy);
    let burst = |t| [(t, 1), (t, 2), (t, 1), (t, 2)];
    let refresh = |t| [(t, 1), (t, 2)];
    let wanted = [
        &burst(0)[..],
        &burst(5000),
        &refresh(10_000),
        &refresh(20_000),
    ]
    .concat();
    assert_eq!(play(&mut announcer, 25_000), wanted);
    // A stall of minutes is followed by one refresh, not by all that were missed.
    assert_eq!(hosts(&mut announcer, at(304_000)), [1, 2]);
    assert_eq!(announcer.next_timeout(), Some(at(314_000)));
}

/// KA-M-01: a policy that changes under way begins, slows and ends the refreshes, and sends nothing
/// by itself.
#[test]
fn a_changed_policy_moves_the_refreshes_and_announces_nothing() {
    let mut announcer = Announcer::new();
    let mut policy = plain(1);
    let targets = [target("10.0.0.1", 1)];
    announcer.set_policy(at(0), A, &policy);
    assert_eq!(announcer.next_timeout(), None, "nobody announces");
    announcer.start(at(0), A, Burst::Promotion, &targets, &policy);
    assert_eq!(play(&mut announcer, 1000), [(0, 1)]);

    policy.refresh = Duration::from_secs(2);
    announcer.set_policy(at(1000), A, &policy);
    assert_eq!(play(&mut announcer, 4000), [(3000, 1)]);

    // As often as before: the rhythm stays.
    policy.refresh_repeat = 2;
    announcer.set_policy(at(4000), A, &policy);
    assert_eq!(play(&mut announcer, 6000), [(5000, 1), (5000, 1)]);

    policy.refresh = Duration::from_secs(10);
    announcer.set_policy(at(6000), A, &policy);
    assert_eq!(play(&mut announcer, 17_000), [(16_000, 1), (16_000, 1)]);

    policy.refresh = Duration::ZERO;
    announcer.set_policy(at(17_000), A, &policy);
    assert_eq!(announcer.next_timeout(), None);
}

/// GARP-04: an advert of lower priority has its own repetition and delay; a repetition of zero is
/// none.
#[test]
fn lower_priority_burst_has_its_own_policy() {
    let mut announcer = Announcer::new();
    let mut policy = plain(3);
    policy.lower_prio_repeat = 1;
    policy.lower_prio_delay = Duration::from_secs(2);
    announcer.start(
        at(0),
        A,
        Burst::LowerPriority,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    assert_eq!(play(&mut announcer, 60_000), [(0, 1), (2000, 1)]);
    policy.lower_prio_repeat = 0;
    announcer.start(
        at(90_000),
        A,
        Burst::LowerPriority,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    assert_eq!(play(&mut announcer, 180_000), []);
    announcer.start(
        at(200_000),
        A,
        Burst::Reassert,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    assert_eq!(play(&mut announcer, 300_000).len(), 3);
}

/// ARP-03, KA-O-04, GARP-05: the shortest time between two frames holds per interface, over all owners,
/// for ARP and neighbour discovery apart; owners take turns.
#[test]
fn spacing_holds_per_interface_and_owners_take_turns() {
    let mut announcer = Announcer::new();
    let mut policy = plain(2);
    policy.garp_interval = Duration::from_millis(10);
    policy.gna_interval = Duration::from_millis(25);
    let mine = [
        target("10.0.0.1", 1),
        target("10.0.0.2", 1),
        target("2001:db8::5", 1),
    ];
    let theirs = [target("10.0.0.3", 1), target("10.0.0.4", 2)];
    announcer.start(at(0), A, Burst::Promotion, &mine, &policy);
    announcer.start(at(0), B, Burst::Promotion, &theirs, &policy);
    let frames = play(&mut announcer, 1000);
    let lane = |hosts: &[u8]| -> Vec<_> {
        frames
            .iter()
            .filter(|(_, host)| hosts.contains(host))
            .copied()
            .collect()
    };
    assert_eq!(
        lane(&[1, 2, 3]),
        [(0, 1), (10, 3), (20, 2), (30, 3), (40, 1), (50, 2)]
    );
    assert_eq!(lane(&[4]), [(0, 4), (10, 4)]);
    assert_eq!(lane(&[5]), [(0, 5), (25, 5)]);
    assert_eq!(frames.len(), 10);
}

/// ARP-03, KA-O-04: the spacing outlives the burst: a later one does not come closer to its last frame.
#[test]
fn spacing_holds_between_bursts() {
    let mut announcer = Announcer::new();
    let mut policy = plain(1);
    policy.garp_interval = Duration::from_secs(1);
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    assert_eq!(play(&mut announcer, 0), [(0, 1)]);
    announcer.stop(A);
    announcer.start(
        at(400),
        B,
        Burst::Promotion,
        &[target("10.0.0.2", 1)],
        &policy,
    );
    assert_eq!(play(&mut announcer, 5000), [(1000, 2)]);
}

/// DESIGN invariant 7: after stop nothing is announced any more, and others go on.
#[test]
fn stop_drops_all_of_the_owner() {
    let mut announcer = Announcer::new();
    let mut policy = plain(5);
    policy.garp_interval = Duration::from_millis(10);
    policy.delay = Duration::from_secs(1);
    policy.refresh = Duration::from_secs(2);
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    announcer.start(
        at(0),
        B,
        Burst::Promotion,
        &[target("10.0.0.2", 1)],
        &plain(3),
    );
    assert_eq!(hosts(&mut announcer, at(0)), [1]);
    announcer.stop(A);
    let frames = play(&mut announcer, 60_000);
    assert_eq!(frames, [(10, 2), (10, 2), (10, 2)]);
    assert_eq!(announcer.next_timeout(), None);
    announcer.stop(A);
    announcer.stop(B);
}

/// LESSONS A2: a later sign of conflict starts over; an endless row of signs does not make more
/// than a burst per second.
#[test]
fn flood_of_restarts_is_no_flood_of_frames() {
    let mut announcer = Announcer::new();
    let policy = plain(5);
    let targets = [target("10.0.0.1", 1), target("10.0.0.2", 1)];
    announcer.start(at(0), A, Burst::Promotion, &targets, &policy);
    let mut frames = 0;
    for millis in 0..10_000 {
        announcer.start(at(millis), A, Burst::LowerPriority, &targets, &policy);
        frames += hosts(&mut announcer, at(millis)).len();
    }
    assert_eq!(frames, 10 * 10);
    // The last sign is not lost.
    assert_eq!(play(&mut announcer, 60_000).len(), 10);
    // A single one, later, is answered at once.
    announcer.start(at(90_000), A, Burst::Reassert, &targets, &policy);
    assert_eq!(hosts(&mut announcer, at(90_000)).len(), 10);
}

/// A burst that takes longer than the time to the next restart still reaches its last address.
#[test]
fn restarts_do_not_starve_the_last_addresses() {
    let mut announcer = Announcer::new();
    let mut policy = plain(5);
    policy.garp_interval = Duration::from_millis(100);
    let targets: Vec<_> = (1..=50)
        .map(|n| target(&format!("10.0.0.{n}"), 1))
        .collect();
    announcer.start(at(0), A, Burst::Promotion, &targets, &policy);
    let mut seen = std::collections::BTreeSet::new();
    let mut frames = 0;
    for second in 1..=20 {
        let sent = play(&mut announcer, second * 1000);
        frames += sent.len();
        seen.extend(sent.into_iter().map(|(_, host)| host));
        announcer.start(
            at(second * 1000),
            A,
            Burst::LowerPriority,
            &targets,
            &policy,
        );
    }
    assert_eq!(seen.len(), 50);
    assert_eq!(frames, 201);
}

/// A promotion does not wait for the second to pass.
#[test]
fn promotion_is_announced_at_once() {
    let mut announcer = Announcer::new();
    let targets = [target("10.0.0.1", 1)];
    announcer.start(at(0), A, Burst::Reassert, &targets, &plain(1));
    assert_eq!(hosts(&mut announcer, at(0)), [1]);
    announcer.start(at(1), A, Burst::Promotion, &targets, &plain(1));
    assert_eq!(hosts(&mut announcer, at(1)), [1]);
}

/// ARP-12, ARP-13: there is no target on an interface without neighbours, and the MAC is the
/// interface's own unless there is a virtual one (ARP-08).
#[test]
fn interfaces_without_neighbours_get_no_announcement() {
    let address = "10.0.0.1".parse().unwrap();
    let made = |link: &Link| Target::new(link, address, Some(VMAC), true);
    let mut noarp = link(1);
    noarp.flags.noarp = true;
    let mut pointopoint = link(1);
    pointopoint.flags.pointopoint = true;
    let mut loopback = link(1);
    loopback.flags.loopback = true;
    let mut infiniband = link(1);
    infiniband.mac = None;
    for link in [noarp, pointopoint, loopback, infiniband] {
        assert_eq!(made(&link), None, "{link:?}");
    }
    assert_eq!(made(&link(1)).unwrap().mac, VMAC);
    let own = Target::new(&link(1), address, None, true).unwrap();
    assert_eq!(Some(own.mac), link(1).mac);
}

/// A new set of addresses replaces the old one at once (reload).
#[test]
fn dropped_addresses_are_no_longer_announced() {
    let mut announcer = Announcer::new();
    let mut policy = plain(2);
    policy.delay = Duration::from_secs(1);
    let old = [
        target("10.0.0.1", 1),
        target("2001:db8::1", 1),
        target("10.0.0.9", 2),
    ];
    announcer.start(at(0), A, Burst::Promotion, &old, &policy);
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &[target("10.0.0.2", 1)],
        &policy,
    );
    assert_eq!(
        play(&mut announcer, 9000),
        [(0, 2), (0, 2), (1000, 2), (1000, 2)]
    );
    announcer.start(at(10_000), A, Burst::Promotion, &old, &policy);
    announcer.start(at(10_000), A, Burst::Promotion, &[], &policy);
    assert_eq!(play(&mut announcer, 20_000), []);
}

/// A deleted interface takes its queue along.
#[test]
fn forgotten_link_is_silent() {
    let mut announcer = Announcer::new();
    let targets = [
        target("10.0.0.1", 1),
        target("10.0.0.2", 2),
        target("2001:db8::1", 1),
    ];
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &targets,
        &AnnouncePolicy::default(),
    );
    announcer.forget_link(1);
    let frames = play(&mut announcer, 60_000);
    assert_eq!(frames.len(), 10);
    assert!(frames.iter().all(|(_, host)| *host == 2));
}

/// A lane without spacing does not keep the others waiting until it is empty.
#[test]
fn interfaces_take_turns() {
    let mut announcer = Announcer::new();
    let many: Vec<_> = (1..=100)
        .map(|n| target(&format!("10.0.0.{n}"), 1))
        .collect();
    announcer.start(at(0), A, Burst::Promotion, &many, &plain(5));
    announcer.start(
        at(0),
        B,
        Burst::Promotion,
        &[target("10.0.1.1", 2)],
        &plain(5),
    );
    let frames = drain(&mut announcer, at(0));
    let last = frames.iter().rposition(|(index, _)| *index == 2).unwrap();
    assert!(last <= 10, "{last}");
    assert_eq!(frames.len(), 505);
}

/// Calls that come early change nothing.
#[test]
fn early_polls_do_nothing() {
    let mut announcer = Announcer::new();
    let mut policy = plain(1);
    policy.delay = Duration::from_secs(5);
    announcer.start(
        at(0),
        A,
        Burst::Promotion,
        &[target("10.0.0.1", 1)],
        &policy,
    );
    assert_eq!(hosts(&mut announcer, at(0)), [1]);
    for millis in [0, 1, 4999] {
        assert_eq!(hosts(&mut announcer, at(millis)), []);
        assert_eq!(announcer.next_timeout(), Some(at(5000)));
    }
    assert_eq!(hosts(&mut announcer, at(5000)), [1]);
}
