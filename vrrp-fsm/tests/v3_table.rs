//! The table of VRRPv3, RFC 9568 6.4: one test a row.

mod common;

use common::*;
use vrrp_fsm::State::{Active, Backup, Initialize};
use vrrp_fsm::{
    Event, Fault, Instance, InstanceConfig, Notice, Preempt, Reason, Rejected, Role, Transmit,
};

/// Down interval and skew of priority 100 at 100 cs.
const DOWN: f64 = 3.609375;
const SKEW: f64 = 0.609375;

/// The same at 20 cs.
const DOWN_20: f64 = 0.721875;

fn config() -> InstanceConfig {
    v3(backup(100, Preempt::Immediately))
}

/// FSM-V3-I-01, RFC 9568 6.4.1.
#[test]
fn owner_that_starts_is_active_at_once() {
    let mut instance = ready(v3(Role::Owner).with_interval(centis(20)));
    instance.handle_event(secs(1.0), Event::Start);
    expect(
        &mut instance,
        &promotion(Initialize, Reason::OwnerStart),
        Active,
        Some(secs(1.2)),
    );
}

/// FSM-V3-I-02, RFC 9568 6.4.1.
#[test]
fn router_that_starts_waits_for_the_down_interval_of_its_own_interval() {
    let mut instance = ready(config().with_interval(centis(20)));
    instance.handle_event(secs(1.0), Event::Start);
    expect(
        &mut instance,
        &[REMOVE, transition(Initialize, Backup, Reason::Started)],
        Backup,
        Some(secs(1.0 + DOWN_20)),
    );
    assert_eq!(instance.active_interval(), centis(20));
}

/// FSM-V3-I-03, RFC 9568 6.4.1.
#[test]
fn initialize_takes_no_notice_of_anything_else() {
    let mut instance = ready(config());
    let interval = instance.config().interval;
    for priority in [0, 100, 255] {
        let result = hear_interval(&mut instance, secs(1.0), peer(9), priority, interval);
        assert_eq!(result, Err(Rejected::NotRunning));
    }
    for event in [Event::Stop, Event::AddressLost, Event::Suspect] {
        instance.handle_event(secs(1.0), event);
    }
    instance.handle_timeout(secs(1000.0));
    expect(&mut instance, &[], Initialize, None);
}

/// FSM-V3-B-01, RFC 9568 6.4.2.
#[test]
fn shutdown_in_backup_cancels_the_down_timer() {
    let mut instance = started(config());
    instance.handle_event(secs(1.0), Event::Stop);
    expect(
        &mut instance,
        &[transition(Backup, Initialize, Reason::Stopped)],
        Initialize,
        None,
    );
}

/// FSM-V3-B-02, RFC 9568 6.4.2.
#[test]
fn down_timer_makes_a_backup_active() {
    for (config, down) in [
        (config(), DOWN),
        (v6(backup(100, Preempt::Immediately)), DOWN),
        (config().with_interval(centis(20)), DOWN_20),
    ] {
        let interval = config.interval.to_duration().as_secs_f64();
        let mut instance = started(config);
        instance.handle_timeout(secs(down));
        expect(
            &mut instance,
            &promotion(Backup, Reason::DownTimer),
            Active,
            Some(secs(down + interval)),
        );
    }
}

/// FSM-V3-B-03, RFC 9568 6.4.2: the interval of the release is not learned.
#[test]
fn release_heard_in_backup_leaves_only_the_skew() {
    let mut instance = started(config());
    hear_interval(&mut instance, secs(1.0), peer(9), 0, centis(20)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(1.0 + SKEW)));
    assert_eq!(instance.active_interval(), centis(100));
}

/// FSM-V3-B-04, RFC 9568 6.4.2.
#[test]
fn better_advert_in_backup_teaches_the_interval() {
    let mut instance = started(config());
    hear_interval(&mut instance, secs(1.0), peer(1), 200, centis(20)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN_20)));
    assert_eq!(instance.active_interval(), centis(20));
    assert_eq!(instance.skew_time(), duration(0.121875));
    // The skew of a release is that of the learned interval.
    hear_interval(&mut instance, secs(1.1), peer(1), 0, centis(4095)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(1.1 + 0.121875)));
}

/// FSM-V3-B-05, RFC 9568 6.4.2.
#[test]
fn worse_advert_in_backup_teaches_the_interval_without_preemption() {
    let mut instance = started(v3(backup(100, Preempt::Never)));
    hear_interval(&mut instance, secs(1.0), peer(1), 1, centis(20)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN_20)));
    assert_eq!(instance.active_interval(), centis(20));
}

/// FSM-V3-B-04: of two that were Active for a moment, the last advert of the loser comes after the first of the winner.
#[test]
fn the_advert_of_a_loser_does_not_bring_the_takeover_from_the_winner_forward() {
    let mut instance = started(config());
    hear_interval(&mut instance, secs(1.0), peer(9), 200, centis(100)).unwrap();
    for loser in [(peer(1), 199), (peer(8), 200)] {
        hear_interval(&mut instance, secs(1.1), loser.0, loser.1, centis(20)).unwrap();
        expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN)));
        assert_eq!(instance.active_interval(), centis(100));
        assert_eq!(
            instance.active_router().map(|active| active.address),
            Some(peer(9))
        );
    }
    // One that goes on is Active.
    hear_interval(&mut instance, secs(4.3), peer(1), 199, centis(20)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(4.3 + DOWN_20)));
    // What the Active router says of itself counts, whatever it was before.
    hear_interval(&mut instance, secs(4.4), peer(1), 198, centis(10)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(4.4 + 0.3609375)));
}

/// FSM-V3-B-04, FSM-V3-B-03: who has released its addresses has not won.
#[test]
fn after_a_release_any_better_advert_sets_the_timer() {
    let mut instance = started(config());
    hear_interval(&mut instance, secs(1.0), peer(9), 200, centis(100)).unwrap();
    hear_interval(&mut instance, secs(1.1), peer(9), 0, centis(100)).unwrap();
    hear_interval(&mut instance, secs(1.2), peer(1), 150, centis(10)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(1.2 + 0.3609375)));
}

/// FSM-V3-B-06, RFC 9568 6.4.2.
#[test]
fn worse_advert_in_backup_changes_nothing_with_preemption() {
    let mut instance = started(config());
    hear_interval(&mut instance, secs(1.0), peer(9), 99, centis(20)).unwrap();
    expect(&mut instance, &[], Backup, Some(secs(DOWN)));
    assert_eq!(instance.active_interval(), centis(100));
    assert_eq!(instance.active_router(), None);
}

/// FSM-V3-B-07, RFC 9568 6.4.2.
#[test]
fn equal_advert_in_backup_is_accepted_whatever_the_address() {
    for source in [peer(1), peer(9)] {
        let mut instance = started(config());
        hear_interval(&mut instance, secs(1.0), source, 100, centis(20)).unwrap();
        expect(&mut instance, &[], Backup, Some(secs(1.0 + DOWN_20)));
    }
}

/// FSM-V3-A-01, RFC 9568 6.4.3, VRRP-V3-TX-07.
#[test]
fn shutdown_in_active_releases() {
    let (mut instance, since) = active(config());
    instance.handle_event(since, Event::Stop);
    expect(
        &mut instance,
        &[
            RELEASE,
            REMOVE,
            transition(Active, Initialize, Reason::Stopped),
        ],
        Initialize,
        None,
    );
    assert_eq!(instance.stats().priority_zero_sent, 1);
}

/// FSM-V3-A-02, RFC 9568 6.4.3.
#[test]
fn advert_timer_sends_and_comes_again_after_the_own_interval() {
    let (mut instance, _) = active(config());
    for round in 1..4 {
        instance.handle_timeout(secs(DOWN + f64::from(round)));
        let next = secs(DOWN + f64::from(round + 1));
        expect(&mut instance, &[ADVERT], Active, Some(next));
    }
}

/// FSM-V3-A-03, RFC 9568 6.4.3.
#[test]
fn release_heard_in_active_is_answered() {
    let (mut instance, _) = active(config());
    hear(&mut instance, secs(4.0), peer(9), 0);
    expect(&mut instance, &[ADVERT], Active, Some(secs(5.0)));
}

/// FSM-V3-A-04, RFC 9568 6.4.3.
#[test]
fn active_yields_to_a_higher_priority_and_learns_its_interval() {
    let (mut instance, _) = active(config());
    hear_interval(&mut instance, secs(4.0), peer(1), 101, centis(20)).unwrap();
    expect(
        &mut instance,
        &[REMOVE, transition(Active, Backup, higher(peer(1), 101))],
        Backup,
        Some(secs(4.0 + DOWN_20)),
    );
    let known = instance.active_router().unwrap();
    assert_eq!((known.address, known.interval), (peer(1), centis(20)));
}

/// FSM-V3-A-05, RFC 9568 6.4.3.
#[test]
fn active_yields_to_an_equal_priority_from_a_higher_address() {
    let (mut instance, _) = active(config());
    hear_interval(&mut instance, secs(4.0), peer(6), 100, centis(20)).unwrap();
    expect(
        &mut instance,
        &[REMOVE, transition(Active, Backup, higher(peer(6), 100))],
        Backup,
        Some(secs(4.0 + DOWN_20)),
    );
}

/// FSM-V3-A-05, RFC 9568 6.4.3: unsigned, in network order, also over IPv6.
#[test]
fn addresses_compare_as_unsigned_numbers() {
    let own = "fe80::5";
    for (theirs, lost) in [
        ("fe80::4", false),
        ("fe80::6", true),
        ("fe80::8000:0:0:1", true),
        ("fe80::1:0", true),
        ("fe80::ff", true),
        ("fe7f:ffff::ffff", false),
    ] {
        let (mut instance, since) = active(v6(backup(100, Preempt::Immediately)));
        assert_eq!(instance.primary_address(), Some(own.parse().unwrap()));
        hear(&mut instance, since, theirs.parse().unwrap(), 100);
        let state = if lost { Backup } else { Active };
        assert_eq!(instance.state(), state, "{theirs}");
    }
}

/// FSM-V3-A-06, RFC 9568 6.4.3.
#[test]
fn equal_priority_from_a_lower_address_is_answered_at_once() {
    let (mut instance, _) = active(config());
    hear(&mut instance, secs(4.0), peer(4), 100);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(5.0)));
}

/// FSM-V3-A-07, RFC 9568 6.4.3, VRRP-V3-TX-08.
#[test]
fn lower_priority_is_answered_at_once() {
    let (mut instance, _) = active(config());
    hear(&mut instance, secs(4.0), peer(9), 99);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(5.0)));
    assert_eq!(instance.active_interval(), centis(100));
}

/// FSM-V3-A-08, RFC 9568 6.4.3, VRRP-GEN-07: answering would never end.
#[test]
fn equal_priority_from_the_own_address_is_not_answered() {
    for config in [config(), v6(backup(100, Preempt::Immediately))] {
        let (mut instance, since) = active(config);
        let next = instance.next_timeout();
        let own = instance.primary_address().unwrap();
        let interval = instance.config().interval;
        let result = hear_interval(&mut instance, since, own, 100, interval);
        assert_eq!(result, Err(Rejected::OwnAdvert));
        let notices = notices(&mut instance);
        assert!(
            matches!(notices[..], [Notice::SameAddressAndPriority { .. }]),
            "{notices:?}"
        );
        expect(&mut instance, &[], Active, next);
    }
}

/// FSM-V3-A-09: one answer in 10 ms; what is held back comes with the next advert.
#[test]
fn answers_are_limited() {
    let (mut instance, _) = active(config());
    hear(&mut instance, secs(4.0), peer(9), 99);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(5.0)));
    for late in 1..100 {
        let now = nanos(4_000_000_000 + late * 100_000);
        hear(&mut instance, now, peer(9), 99);
        expect(&mut instance, &[], Active, Some(secs(5.0)));
    }
    instance.handle_timeout(secs(5.0));
    expect(&mut instance, &[ADVERT, REASSERT], Active, Some(secs(6.0)));
    instance.handle_timeout(secs(6.0));
    expect(&mut instance, &[ADVERT], Active, Some(secs(7.0)));
    assert_eq!(instance.stats().lower_priority_received, 100);

    hear(&mut instance, secs(6.1), peer(9), 99);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(7.1)));
    hear(&mut instance, secs(6.11), peer(9), 99);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(7.11)));
}

/// FSM-V3-A-10: an answer takes the place of the next advert.
#[test]
fn answer_restarts_the_advert_timer() {
    let (mut instance, _) = active(config());
    hear(&mut instance, secs(4.5), peer(9), 99);
    expect(&mut instance, &[ADVERT, LOWER], Active, Some(secs(5.5)));
    instance.handle_timeout(secs(4.609375));
    expect(&mut instance, &[], Active, Some(secs(5.5)));
}

/// FSM-V3-A-11, RFC 9568 6.4.2, VRRP-V3-TX-01.
#[test]
fn own_interval_is_used_again_after_the_peer_has_gone() {
    let (mut instance, _) = active(config());
    hear_interval(&mut instance, secs(4.0), peer(1), 200, centis(20)).unwrap();
    drain(&mut instance);
    let back = 4.0 + DOWN_20;
    instance.handle_timeout(secs(back));
    expect(
        &mut instance,
        &promotion(Backup, Reason::DownTimer),
        Active,
        Some(secs(back + 1.0)),
    );
    let advert = instance.advert(Transmit::Advert);
    assert_eq!((advert.interval, advert.priority.get()), (centis(100), 100));
}

/// FSM-V3-A-12: accepting packets to the addresses is not in the configuration of this crate, and
/// so cannot influence a transition; what is in it and does not matter to a state leaves the
/// timer alone.
#[test]
fn change_without_influence_on_the_state_causes_no_action() {
    let instances: [Instance; 2] = [started(config()), active(config()).0];
    for mut instance in instances {
        let (state, timer) = (instance.state(), instance.next_timeout());
        let other = config().with_advert_on_yield(true);
        instance.reconfigure(secs(3.7), other).unwrap();
        expect(&mut instance, &[], state, timer);
    }
}

/// VRRP-V3-RX-10, RFC 9568 7.1: told, at a bounded rate, and learned.
#[test]
fn other_interval_is_told_and_not_rejected() {
    let mut instance = started(config());
    for round in 0..5 {
        let now = secs(1.0 + f64::from(round) * 0.1);
        hear_interval(&mut instance, now, peer(9), 200, centis(20)).unwrap();
    }
    let expected = Notice::IntervalMismatch {
        source: peer(9),
        theirs: centis(20),
    };
    assert_eq!(notices(&mut instance), [expected]);
    assert_eq!(instance.stats().interval_differences, 5);
}

/// VRRP-V3-RX-07, VRRP-GEN-11, RFC 9568 erratum 8298: owners contend as everybody does.
#[test]
fn second_owner_is_told_and_the_lower_address_yields() {
    let (mut instance, _) = active(v3(Role::Owner));
    hear(&mut instance, secs(0.5), peer(9), 255);
    let actions = drain(&mut instance);
    assert!(
        actions.contains(&vrrp_fsm::Action::Notice(Notice::SecondOwner {
            source: peer(9)
        }))
    );
    assert_eq!(instance.state(), Backup);
    // In Backup the owner still has 255, so that it takes its place as soon as that is free.
    assert_eq!(instance.effective_priority().get(), 255);
    assert_eq!(instance.next_timeout(), Some(nanos(3_503_906_250)));
}

/// RFC 9568 6.4.3 (620): a fault is a shutdown with a reason.
#[test]
fn fault_in_active_releases() {
    let (mut instance, since) = active(config());
    instance.handle_event(since, Event::Fault(Fault::Kernel));
    expect(
        &mut instance,
        &[
            RELEASE,
            REMOVE,
            transition(Active, Initialize, Reason::Faulted(Fault::Kernel)),
        ],
        Initialize,
        None,
    );
}

/// VRRP-GEN-12, VRRP-V2-RX-03, VRRP-V3-RX-02: of two faults the earlier one is the reason; the
/// version comes before type, length and checksum, and after the hop limit and the fixed length.
#[test]
fn wrong_version_is_the_reason_before_what_comes_after_it() {
    let role = backup(100, Preempt::Immediately);
    for (ours, theirs) in [(v2(role), v3(role)), (v3(role), v2(role))] {
        let version = theirs.version();
        let (ip, octets) = message(&theirs, peer(9), 200, centis(100));
        let damaged = |place: usize, mask: u8| {
            let mut octets = octets.clone();
            octets[place] ^= mask;
            octets
        };
        let mut instance = started(ours);
        for octets in [
            octets.clone(),
            damaged(0, 0x0f),
            damaged(6, 1),
            damaged(1, 51),
            octets[..9].to_vec(),
            [octets.clone(), vec![0]].concat(),
        ] {
            let result = instance.handle_packet(secs(1.0), &ip, &octets);
            assert_eq!(result, Err(Rejected::VersionMismatch(version)));
        }
        let far = vrrp_fsm::proto::IpMeta { hop_limit: 1, ..ip };
        let result = instance.handle_packet(secs(1.0), &far, &octets);
        let reason = vrrp_fsm::proto::ParseError::HopLimit { found: 1 };
        assert_eq!(result, Err(Rejected::Parse(reason)));
        let result = instance.handle_packet(secs(1.0), &ip, &octets[..7]);
        let reason = vrrp_fsm::proto::ParseError::HeaderTruncated { got: 7 };
        assert_eq!(result, Err(Rejected::Parse(reason)));
    }
}
