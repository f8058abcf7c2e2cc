//! What happens exactly at a bound. Each of these was shown by a mutant that no other test noticed: `docs/mutation.md`.

mod common;

use std::time::Duration;

use common::*;
use vrrp_fsm::State::Active;
use vrrp_fsm::proto::{Family, HmacKey, IpMeta, ParseError};
use vrrp_fsm::{Event, Fault, Hmac, Notice, Preempt, Rejected, Role};

/// FSM-OPEN-04: what is over is over.
#[test]
fn a_priority_that_falls_at_the_instant_of_the_deadline_does_not_move_it() {
    let mut instance = started(v3(backup(100, Preempt::Immediately)));
    let due = instance.next_timeout().unwrap();
    instance.handle_event(due, Event::Adjust(-50));
    assert_eq!(instance.effective_priority().get(), 50);
    assert_eq!(instance.next_timeout(), Some(due));
    instance.handle_timeout(due);
    assert_eq!(instance.state(), Active);
}

/// RFC 9568 2.5.
#[test]
fn an_advert_that_is_late_by_an_interval_is_told_of_only_if_it_is_more() {
    for (more, told) in [(0, false), (1, true)] {
        let (mut instance, since) = active(v3(backup(100, Preempt::Immediately)));
        let due = instance.next_timeout().unwrap();
        let interval = due.as_nanos() - since.as_nanos();
        instance.handle_timeout(nanos(due.as_nanos() + interval + more));
        let late = |notice: &Notice| matches!(notice, Notice::AdvertLate { .. });
        assert_eq!(notices(&mut instance).iter().any(late), told, "{more}");
    }
}

/// VRRP-GEN-06, RFC 6527.
#[test]
fn only_a_release_is_counted_as_one() {
    let (mut instance, since) = active(v3(backup(100, Preempt::Immediately)));
    let counts = |instance: &vrrp_fsm::Instance| {
        let stats = instance.stats();
        (stats.adverts_sent, stats.priority_zero_sent)
    };
    assert_eq!(counts(&instance), (1, 0));
    instance.handle_event(since, Event::Stop);
    drain(&mut instance);
    assert_eq!(counts(&instance), (2, 1));
}

/// VRRP-GEN-12: a VRRPv2 message over IPv6 is no VRRPv2 message.
#[test]
fn version_2_over_ipv6_is_refused_for_what_it_is() {
    let mut instance = started(v6(backup(100, Preempt::Immediately)));
    let (ip, mut octets) = message(
        instance.config(),
        "fe80::9".parse().unwrap(),
        200,
        centis(100),
    );
    octets[0] = 0x21;
    let verdict = instance.handle_packet(secs(1.0), &ip, &octets);
    assert_eq!(verdict, Err(Rejected::Parse(ParseError::Version2OverIpv6)));
    assert_eq!(ip.family(), Some(Family::Ipv6));
}

/// KA-AX-03: the signature comes before the checksum, also one that is not there.
#[test]
fn an_advert_that_is_neither_signed_nor_whole_lacks_its_signature() {
    let key = HmacKey::new(&[1; 32]).unwrap();
    let hmac = Hmac::new(vec![(1, key)], 1).unwrap();
    // So many that the last octets could be a signature.
    let config = v3(backup(100, Preempt::Immediately))
        .with_addresses((100..140).map(address))
        .with_hmac(hmac);
    let mut instance = started(config);
    instance.handle_event(
        nanos(0),
        Event::WallClock(Duration::from_secs(1_795_978_750)),
    );
    let (ip, mut octets): (IpMeta, Vec<u8>) = message(instance.config(), peer(9), 200, centis(100));
    octets[6] ^= 0xff;
    let verdict = instance.handle_packet(secs(1.0), &ip, &octets);
    assert_eq!(verdict, Err(Rejected::HmacMissing));
}

/// KA-ST-08, FSM-V3-I-03: others have drained the packets of the start-up delay, and all later ones.
#[test]
fn packets_dropped_in_the_start_up_delay_do_not_make_deaf() {
    let mut instance = started(v3(backup(100, Preempt::Immediately)));
    instance.handle_event(nanos(0), Event::Fault(Fault::Held));
    for tenth in 1..30 {
        let now = secs(f64::from(tenth) / 10.0);
        let verdict = hear_interval(&mut instance, now, peer(9), 200, centis(100));
        assert_eq!(verdict, Err(Rejected::NotRunning));
    }
    instance.handle_event(secs(3.0), Event::FaultCleared(Fault::Held));
    hear(&mut instance, secs(4.0), peer(9), 200);
    assert_eq!(instance.next_timeout(), Some(secs(7.609_375)));
}

/// KA-M-05: it is another owner that may be deaf; anybody else has to give way.
#[test]
fn an_owner_does_not_give_way_to_a_backup_however_long_that_goes_on() {
    let (mut instance, _) = active(v3(Role::Owner));
    for second in 1..20 {
        let now = secs(f64::from(second));
        hear(&mut instance, now, peer(9), 200);
        instance.handle_timeout(now);
        drain(&mut instance);
        assert_eq!(instance.state(), Active, "after {second} s");
    }
    assert_eq!(instance.effective_priority().get(), 255);
}
