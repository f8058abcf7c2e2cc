//! Authentication headers and signed adverts, as virtual routers exchange them.

mod common;

use std::net::IpAddr;
use std::time::Duration;

use common::*;
use vrrp_fsm::proto::{AhPacket, Family, HmacKey, IpMeta, ParseError, TRAILER_LEN};
use vrrp_fsm::{
    AntiReplay, Authenticate, ConfigError, Event, Fault, Hmac, HmacMode, Instance, InstanceConfig,
    Instant, InterfaceId, Notice, Peer, Preempt, Reason, Rejected, Router, RouterConfig, Rx, State,
    Transmit, Transport, V2Auth, WireFormat,
};

/// 29 November 2026.
const TODAY: Duration = Duration::from_secs(1_795_978_750);

fn key(octet: u8) -> HmacKey {
    HmacKey::new(&[octet; 32]).unwrap()
}

fn hmac() -> Hmac {
    Hmac::new(vec![(1, key(1)), (2, key(2))], 1).unwrap()
}

fn ah(priority: u8) -> InstanceConfig {
    let auth = V2Auth::Ah(*b"s3cret12");
    v2(backup(priority, Preempt::Immediately)).with_format(WireFormat::V2 { auth })
}

fn address_of(family: Family, last: u8) -> IpAddr {
    match family {
        Family::Ipv4 => address(last),
        Family::Ipv6 => format!("fe80::{last}").parse().unwrap(),
    }
}

/// A running router with this address, whose wall clock shows `wall` at time zero.
fn running(config: InstanceConfig, last: u8, wall: Duration) -> Instance {
    let family = config.family;
    let mut instance = Instance::new(config).unwrap();
    for event in [
        Event::WallClock(wall),
        Event::PrimaryAddress(Some(address_of(family, last))),
        Event::FaultCleared(Fault::NoReceivePath),
        Event::Start,
    ] {
        instance.handle_event(nanos(0), event);
    }
    drain(&mut instance);
    instance
}

/// What goes on the wire, to the group or to the first peer: an IPv4 packet, or a message.
enum Sent {
    Ah(Vec<u8>),
    Message(IpMeta, Vec<u8>),
}

fn send(from: &mut Instance, now: Instant) -> Sent {
    let ip = IpMeta {
        source: from.primary_address().unwrap(),
        destination: match &from.config().transport {
            Transport::Multicast { group } => *group,
            Transport::Unicast { peers, .. } => peers[0].address,
        },
        hop_limit: 255,
    };
    let authenticate = from.authenticate(now, Transmit::Advert);
    let advert = from.advert(Transmit::Advert);
    let mut octets = vec![0; 256];
    let length = match authenticate {
        Authenticate::Nothing => advert.emit(&ip, &mut octets),
        Authenticate::Trailer(trailer) => advert.emit_with_trailer(&ip, &trailer, &mut octets),
        Authenticate::Ah { key, sequence } => {
            let length = advert.emit_ah(&ip, &key, sequence, &mut octets).unwrap();
            octets.truncate(length);
            return Sent::Ah(octets);
        }
        Authenticate::Impossible => panic!("it can be signed"),
    };
    octets.truncate(length.unwrap());
    Sent::Message(ip, octets)
}

fn receive(to: &mut Instance, now: Instant, sent: &Sent) -> Result<(), Rejected> {
    match sent {
        Sent::Ah(packet) => to.handle_ah_packet(now, &AhPacket::parse(packet).unwrap()),
        Sent::Message(ip, message) => to.handle_packet(now, ip, message),
    }
}

/// VRRP-V2-AUTH-05, VRRP-V2-AUTH-06.
#[test]
fn an_authenticated_advert_is_accepted_once() {
    let (mut one, mut two) = (running(ah(200), 9, TODAY), running(ah(100), 5, TODAY));
    let first = send(&mut one, secs(1.0));
    let second = send(&mut one, secs(2.0));
    assert_eq!(receive(&mut two, secs(1.0), &first), Ok(()));
    assert_eq!(
        receive(&mut two, secs(1.5), &first),
        Err(Rejected::AhReplay(1))
    );
    assert_eq!(receive(&mut two, secs(2.0), &second), Ok(()));
    assert_eq!(
        receive(&mut two, secs(2.5), &first),
        Err(Rejected::AhReplay(1))
    );
    assert_eq!(two.stats().adverts_received, 2);
    assert_eq!(two.stats().rejected(&Rejected::AhReplay(0)), 2);
}

/// VRRP-V2-AUTH-06: routers that have counted alike send a number at the same time; were they both to refuse it
/// they would both stay Active. One that is smaller than what was sent here comes from the past.
#[test]
fn two_that_counted_alike_hear_each_other() {
    let (mut one, mut two) = (running(ah(200), 9, TODAY), running(ah(100), 5, TODAY));
    let (_, second, third) = (
        send(&mut one, secs(0.1)),
        send(&mut one, secs(0.2)),
        send(&mut one, secs(0.3)),
    );
    for _ in 0..3 {
        send(&mut two, secs(0.3));
    }
    assert_eq!(
        receive(&mut two, secs(0.4), &second),
        Err(Rejected::AhReplay(2))
    );
    assert_eq!(receive(&mut two, secs(0.4), &third), Ok(()));
    assert_eq!(
        receive(&mut two, secs(0.4), &third),
        Err(Rejected::AhReplay(3))
    );
}

/// VRRP-V2-AUTH-06: whoever takes over goes on where the last one stopped, so that nobody refuses it.
#[test]
fn the_sequence_goes_on_with_the_next_router() {
    let (mut one, mut two) = (running(ah(200), 9, TODAY), running(ah(100), 5, TODAY));
    for second in 1..=7 {
        let sent = send(&mut one, secs(f64::from(second)));
        assert_eq!(receive(&mut two, secs(f64::from(second)), &sent), Ok(()));
    }
    let sent = send(&mut two, secs(11.0));
    let Sent::Ah(packet) = &sent else { panic!() };
    assert_eq!(AhPacket::parse(packet).unwrap().sequence(), 8);
    assert_eq!(receive(&mut one, secs(11.0), &sent), Ok(()));
}

/// VRRP-V2-AUTH-06: a router that lost its count, and came back before it was missed, is refused
/// until it has heard the other one; then both agree.
#[test]
fn a_restarted_router_catches_up_with_the_sequence_it_hears() {
    let mut restarted = running(ah(200), 9, TODAY);
    let mut other = running(ah(100), 5, TODAY);
    let mut before = running(ah(200), 9, TODAY);
    for second in 1..=50 {
        let sent = send(&mut before, secs(f64::from(second)));
        receive(&mut other, secs(f64::from(second)), &sent).unwrap();
    }
    let early = send(&mut restarted, secs(51.0));
    assert_eq!(
        receive(&mut other, secs(51.0), &early),
        Err(Rejected::AhReplay(1))
    );
    other.handle_timeout(secs(60.0));
    let answer = send(&mut other, secs(60.0));
    assert_eq!(receive(&mut restarted, secs(60.0), &answer), Ok(()));
    let again = send(&mut restarted, secs(60.1));
    assert_eq!(receive(&mut other, secs(60.1), &again), Ok(()));
}

/// VRRP-V2-AUTH-01, VRRP-V2-AUTH-05: no way around the header, and none for those without a key.
#[test]
fn adverts_without_the_header_or_with_another_key_are_refused() {
    let mut ours = running(ah(100), 5, TODAY);
    let auth = V2Auth::Ah(*b"another!");
    let format = WireFormat::V2 { auth };
    let mut stranger = running(ah(200).with_format(format), 9, TODAY);
    let sent = send(&mut stranger, secs(0.1));
    assert_eq!(
        receive(&mut ours, secs(0.1), &sent),
        Err(Rejected::AhCheckValue)
    );

    let mut plain = running(v2(backup(200, Preempt::Immediately)), 9, TODAY);
    let sent = send(&mut plain, secs(0.2));
    assert_eq!(
        receive(&mut ours, secs(0.2), &sent),
        Err(Rejected::AuthType(0))
    );
    let Sent::Message(ip, mut message) = sent else {
        panic!()
    };
    // Only the type claims the header: 0 to 2, and the checksum with it.
    message[4] = 2;
    let sum = u16::from_be_bytes([message[6], message[7]]) - 0x0200;
    message[6..8].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(
        ours.handle_packet(secs(0.3), &ip, &message),
        Err(Rejected::AhMissing)
    );

    let sent = send(&mut ours, secs(0.4));
    assert_eq!(
        receive(&mut plain, secs(0.4), &sent),
        Err(Rejected::AuthType(2))
    );
    let mut v3 = running(v3(backup(200, Preempt::Immediately)), 9, TODAY);
    assert!(matches!(
        receive(&mut v3, secs(0.5), &sent),
        Err(Rejected::VersionMismatch(_))
    ));
}

/// VRRP-V2-AUTH-05: the index names the sender.
#[test]
fn an_index_that_is_not_the_sender_is_refused() {
    let (mut one, mut two) = (running(ah(200), 9, TODAY), running(ah(100), 5, TODAY));
    let Sent::Ah(mut packet) = send(&mut one, secs(0.1)) else {
        panic!()
    };
    packet[27] ^= 1;
    let verdict = receive(&mut two, secs(0.1), &Sent::Ah(packet));
    assert!(matches!(verdict, Err(Rejected::AhIndex(_))), "{verdict:?}");
}

fn signed(mode: HmacMode) -> InstanceConfig {
    v3(backup(100, Preempt::Immediately)).with_hmac(hmac().with_mode(mode))
}

fn lower(config: &InstanceConfig) -> InstanceConfig {
    let mut config = config.clone();
    config.role = backup(50, Preempt::Immediately);
    config
}

/// KA-AX-01, KA-AX-03: VRRPv2 and VRRPv3, IPv4 and IPv6, multicast and unicast.
#[test]
fn signed_adverts_are_accepted_once_in_every_format() {
    let bases = [
        v2(backup(100, Preempt::Immediately)),
        v3(backup(100, Preempt::Immediately)),
        v6(backup(100, Preempt::Immediately)),
    ];
    for base in bases {
        for unicast in [false, true] {
            let to = |last| {
                let peer = Peer::new(address_of(base.family, last));
                let peers = vec![peer];
                let check_source = false;
                let config = base.clone().with_hmac(hmac());
                match unicast {
                    true => config.with_transport(Transport::Unicast {
                        peers,
                        check_source,
                    }),
                    false => config,
                }
            };
            let mut one = running(to(5), 9, TODAY);
            let mut two = running(lower(&to(9)), 5, TODAY);
            let sent = send(&mut one, secs(0.5));
            assert_eq!(
                receive(&mut two, secs(0.5), &sent),
                Ok(()),
                "{base:?} {unicast}"
            );
            assert_eq!(
                receive(&mut two, secs(0.6), &sent),
                Err(Rejected::HmacReplay)
            );
            let sent = send(&mut one, secs(0.5));
            assert_eq!(receive(&mut two, secs(0.5), &sent), Ok(()));
        }
    }
}

/// KA-AX-08: what each stage sends and takes.
#[test]
fn each_stage_of_a_roll_out_understands_the_one_before_and_the_one_after() {
    use HmacMode::{Enforce, Permissive, ReceiveOnly};
    let modes = [None, Some(ReceiveOnly), Some(Permissive), Some(Enforce)];
    let config = |mode: Option<HmacMode>| match mode {
        Some(mode) => signed(mode),
        None => v3(backup(100, Preempt::Immediately)),
    };
    for (place, from) in modes.into_iter().enumerate() {
        for (at, to) in modes.into_iter().enumerate() {
            let mut one = running(config(from), 9, TODAY);
            let mut two = running(lower(&config(to)), 5, TODAY);
            let sent = send(&mut one, secs(0.5));
            let verdict = receive(&mut two, secs(0.5), &sent);
            let signs = place >= 2;
            match (signs, to) {
                (true, None) => {
                    let surplus = Rejected::Parse(ParseError::SurplusOctets {
                        expected: 12,
                        got: 40,
                    });
                    assert_eq!(verdict, Err(surplus));
                }
                (false, Some(Enforce)) => assert_eq!(verdict, Err(Rejected::HmacMissing)),
                _ => assert_eq!(verdict, Ok(()), "{from:?} to {to:?}"),
            }
            if place.abs_diff(at) <= 1 && (place, at) != (2, 0) {
                assert_eq!(verdict, Ok(()), "{from:?} to {to:?}");
            }
        }
    }
}

/// KA-AX-08: a signature that is there has to be right, also where none would do.
#[test]
fn a_wrong_signature_is_refused_in_every_mode() {
    for mode in [
        HmacMode::ReceiveOnly,
        HmacMode::Permissive,
        HmacMode::Enforce,
    ] {
        let other = Hmac::new(vec![(1, key(9))], 1).unwrap();
        let mut one = running(
            v3(backup(100, Preempt::Immediately)).with_hmac(other),
            9,
            TODAY,
        );
        let mut two = running(lower(&signed(mode)), 5, TODAY);
        let sent = send(&mut one, secs(0.5));
        assert_eq!(
            receive(&mut two, secs(0.5), &sent),
            Err(Rejected::HmacInvalid)
        );
        let unknown = Hmac::new(vec![(3, key(1))], 3).unwrap();
        let mut one = running(
            v3(backup(100, Preempt::Immediately)).with_hmac(unknown),
            9,
            TODAY,
        );
        let sent = send(&mut one, secs(0.5));
        assert_eq!(
            receive(&mut two, secs(0.5), &sent),
            Err(Rejected::HmacUnknownKey(3))
        );
    }
}

/// KA-AX-02: both members know both keys, so it does not matter who changes first.
#[test]
fn a_key_is_exchanged_without_an_advert_refused() {
    let keys = vec![(1, key(1)), (2, key(2))];
    let new = Hmac::new(keys, 2).unwrap();
    let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
    let mut two = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
    let sent = send(&mut one, secs(0.5));
    assert_eq!(receive(&mut two, secs(0.5), &sent), Ok(()));
    let next = signed(HmacMode::Enforce).with_hmac(new.clone());
    one.reconfigure(secs(0.6), next).unwrap();
    let sent = send(&mut one, secs(0.7));
    assert_eq!(receive(&mut two, secs(0.7), &sent), Ok(()));
    let last = Hmac::new(vec![(2, key(2))], 2).unwrap();
    two.reconfigure(secs(0.8), lower(&signed(HmacMode::Enforce).with_hmac(last)))
        .unwrap();
    let sent = send(&mut one, secs(0.9));
    assert_eq!(receive(&mut two, secs(0.9), &sent), Ok(()));
    // The mark outlives the exchange.
    assert_eq!(
        receive(&mut two, secs(0.9), &sent),
        Err(Rejected::HmacReplay)
    );
}

/// KA-AX-03, VRRP-GEN-12: length, TTL and version come first, everything else after the signature.
#[test]
fn of_several_faults_the_one_that_comes_first_is_reported() {
    let mut ours = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
    let mut theirs = running(signed(HmacMode::Enforce), 9, TODAY);
    let Sent::Message(ip, good) = send(&mut theirs, secs(0.5)) else {
        panic!()
    };
    let mut with = |at: usize, value: u8, hop_limit: u8| {
        let mut message = good.clone();
        message[at] = value;
        let ip = IpMeta { hop_limit, ..ip };
        ours.handle_packet(secs(0.5), &ip, &message)
    };
    let tag = good.len() - 1;
    let wrong = good[tag] ^ 1;
    assert_eq!(
        with(tag, wrong, 254),
        Err(Rejected::Parse(ParseError::HopLimit { found: 254 }))
    );
    assert!(matches!(
        with(0, 0x41, 255),
        Err(Rejected::Parse(ParseError::Version { .. }))
    ));
    assert!(matches!(
        with(3, 2, 255),
        Err(Rejected::Parse(ParseError::SurplusOctets { .. }))
    ));
    // A changed checksum alone is found after the signature, which does not cover it.
    assert_eq!(
        with(7, good[7] ^ 1, 255),
        Err(Rejected::Parse(ParseError::Checksum))
    );
    // A changed priority breaks both.
    assert_eq!(with(2, 254, 255), Err(Rejected::HmacInvalid));
    let scheme = good.len() - TRAILER_LEN;
    assert_eq!(with(scheme, 2, 255), Err(Rejected::HmacMalformed));
    assert_eq!(with(scheme + 2, 1, 255), Err(Rejected::HmacMalformed));
    assert_eq!(with(scheme + 4, 0, 255), Err(Rejected::HmacStale));
    let mut checksum_too = good.clone();
    checksum_too[2] = 254;
    assert_eq!(with(tag, wrong, 255), Err(Rejected::HmacInvalid));
}

/// KA-AX-03: a valid signature of somebody who is no peer does not count on a unicast instance.
#[test]
fn a_signed_advert_of_a_stranger_is_refused_by_a_unicast_instance() {
    let unicast = |peer| Transport::Unicast {
        peers: vec![Peer::new(address(peer))],
        check_source: false,
    };
    let config = signed(HmacMode::Enforce);
    let mut stranger = running(config.clone().with_transport(unicast(5)), 8, TODAY);
    let mut ours = running(lower(&config).with_transport(unicast(9)), 5, TODAY);
    let sent = send(&mut stranger, secs(0.5));
    assert_eq!(
        receive(&mut ours, secs(0.5), &sent),
        Err(Rejected::UnknownPeer(address(8)))
    );
}

/// KA-AX-05: whole seconds either way, and a word before it is too late.
#[test]
fn a_clock_that_differs_by_more_than_the_window_is_refused_and_by_more_than_half_reported() {
    let window = Duration::from_secs(10);
    let anti_replay = AntiReplay::Time { window };
    let config =
        v3(backup(100, Preempt::Immediately)).with_hmac(hmac().with_anti_replay(anti_replay));
    for ahead in [false, true] {
        for seconds in 0..=14_u32 {
            let by = Duration::from_secs(seconds.into());
            let wall = if ahead { TODAY + by } else { TODAY - by };
            let mut one = running(config.clone(), 9, wall);
            let mut two = running(lower(&config), 5, TODAY);
            let sent = send(&mut one, nanos(0));
            let verdict = receive(&mut two, nanos(0), &sent);
            let told = drain(&mut two).into_iter().any(|action| {
                matches!(
                    action,
                    vrrp_fsm::Action::Notice(Notice::ClockDiffers { seconds: told, .. }) if told == seconds
                )
            });
            if seconds > 10 {
                assert_eq!(verdict, Err(Rejected::HmacStale), "{seconds} {ahead}");
            } else {
                assert_eq!(verdict, Ok(()), "{seconds} {ahead}");
                assert_eq!(told, seconds > 5, "{seconds} {ahead}");
            }
        }
    }
}

/// KA-AX-06: what is just in time is not told twice either.
#[test]
fn an_old_advert_is_refused_until_its_time_is_over() {
    let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
    let mut two = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
    let sent = send(&mut one, nanos(0));
    assert_eq!(receive(&mut two, nanos(0), &sent), Ok(()));
    for (seconds, reason) in [
        (1.0, Rejected::HmacReplay),
        (5.0, Rejected::HmacReplay),
        (6.0, Rejected::HmacStale),
    ] {
        let verdict = receive(&mut two, secs(seconds), &sent);
        assert_eq!(verdict, Err(reason), "{seconds}");
    }
}

/// KA-AX-07: the clock counts parts of a second, so who starts anew within one is heard.
#[test]
fn a_router_that_starts_anew_within_a_second_is_believed() {
    let mut two = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
    for part in [0.0, 0.25, 0.5, 0.999] {
        let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
        let sent = send(&mut one, secs(part));
        assert_eq!(receive(&mut two, secs(part), &sent), Ok(()), "{part}");
    }
}

/// KA-AX-05, KA-AX-07: the clock of a router is that of all its virtual routers, to sign by and to judge by.
#[test]
fn a_router_signs_and_judges_by_the_clock_that_it_was_told() {
    let interface = InterfaceId(1);
    let config = lower(&signed(HmacMode::Enforce));
    let mut router = Router::new();
    let wanted = RouterConfig::new().with_instance(interface, config);
    let id = router.reload(nanos(0), wanted).unwrap().ids[0];
    for event in [
        Event::PrimaryAddress(Some(address(5))),
        Event::FaultCleared(Fault::NoReceivePath),
        Event::Start,
    ] {
        router.handle_event(nanos(0), id, event);
    }
    let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
    for (told, verdict) in [(false, Err(Rejected::HmacStale)), (true, Ok(id))] {
        if told {
            router.wall_clock_is(nanos(0), TODAY);
        }
        let signature = router.authenticate(secs(1.0), id, Transmit::Advert);
        assert_eq!(signature == Authenticate::Impossible, !told);
        let Sent::Message(ip, message) = send(&mut one, secs(1.0)) else {
            panic!()
        };
        let rx = Rx {
            interface,
            ip,
            message: &message,
        };
        assert_eq!(router.handle_packet(secs(1.0), rx), verdict);
    }
}

/// What `status` shows of keys: their numbers.
#[test]
fn the_numbers_of_keys_are_known() {
    let hmac = Hmac::new(vec![(3, key(1)), (7, key(2))], 7).unwrap();
    assert_eq!(hmac.active_key(), 7);
    assert_eq!(hmac.key_ids().collect::<Vec<_>>(), [3, 7]);
}

/// KA-AX-05: fails closed.
#[test]
fn without_a_clock_nothing_is_signed_and_no_signature_is_in_time() {
    let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
    let mut clockless = Instance::new(signed(HmacMode::Enforce)).unwrap();
    clockless.handle_event(nanos(0), Event::PrimaryAddress(Some(address(5))));
    let signature = clockless.authenticate(nanos(0), Transmit::Advert);
    assert_eq!(signature, Authenticate::Impossible);
    let sent = send(&mut one, nanos(0));
    assert_eq!(
        receive(&mut clockless, nanos(0), &sent),
        Err(Rejected::HmacStale)
    );
}

/// KA-AX-06, KA-AX-07: a clock put back a little is waited for, one put back far is followed.
#[test]
fn a_sender_whose_clock_is_put_back_is_heard_on() {
    for back in [1, 3, 4] {
        let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
        let mut two = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
        let sent = send(&mut one, nanos(0));
        assert_eq!(receive(&mut two, nanos(0), &sent), Ok(()));
        one.handle_event(
            nanos(0),
            Event::WallClock(TODAY - Duration::from_secs(back)),
        );
        let sent = send(&mut one, secs(0.1));
        assert_eq!(receive(&mut two, secs(0.1), &sent), Ok(()), "{back} s back");
    }
    // Both were an hour ahead, and are put right one after the other.
    let hour = Duration::from_secs(3600);
    let mut one = running(signed(HmacMode::Enforce), 9, TODAY + hour);
    let mut two = running(lower(&signed(HmacMode::Enforce)), 5, TODAY + hour);
    let sent = send(&mut one, nanos(0));
    assert_eq!(receive(&mut two, nanos(0), &sent), Ok(()));
    one.handle_event(nanos(0), Event::WallClock(TODAY));
    let sent = send(&mut one, secs(0.1));
    assert_eq!(
        receive(&mut two, secs(0.1), &sent),
        Err(Rejected::HmacStale)
    );
    two.handle_event(secs(0.2), Event::WallClock(TODAY));
    let sent = send(&mut one, secs(1.0));
    assert_eq!(receive(&mut two, secs(1.0), &sent), Ok(()));
}

/// KA-AX-07: one that comes back with its clock far behind is refused until it has heard a member.
#[test]
fn a_monotonic_sequence_exceeds_what_members_have_signed() {
    let monotonic = hmac().with_anti_replay(AntiReplay::Monotonic);
    let config = v3(backup(100, Preempt::Immediately)).with_hmac(monotonic);
    let mut other = running(lower(&config), 5, TODAY);
    let mut before = running(config.clone(), 9, TODAY);
    let sent = send(&mut before, nanos(0));
    assert_eq!(receive(&mut other, nanos(0), &sent), Ok(()));
    let mut restarted = running(config, 9, Duration::from_secs(1000));
    let sent = send(&mut restarted, secs(1.0));
    assert_eq!(
        receive(&mut other, secs(1.0), &sent),
        Err(Rejected::HmacReplay)
    );
    let theirs = send(&mut other, secs(4.0));
    assert_eq!(receive(&mut restarted, secs(4.0), &theirs), Ok(()));
    let sent = send(&mut restarted, secs(4.1));
    assert_eq!(receive(&mut other, secs(4.1), &sent), Ok(()));
}

/// KA-AX-06: also while the router does not run, so that nothing old is new later.
#[test]
fn a_router_that_is_held_remembers_what_it_hears() {
    let mut one = running(signed(HmacMode::Enforce), 9, TODAY);
    let mut two = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
    two.handle_event(nanos(0), Event::Fault(Fault::Held));
    let sent = send(&mut one, secs(0.5));
    assert_eq!(
        receive(&mut two, secs(0.5), &sent),
        Err(Rejected::NotRunning)
    );
    two.handle_event(secs(0.6), Event::FaultCleared(Fault::Held));
    assert_eq!(
        receive(&mut two, secs(0.7), &sent),
        Err(Rejected::HmacReplay)
    );
}

/// KA-AX-06: only members have marks, and more than one of them.
#[test]
fn members_do_not_push_out_the_marks_of_each_other() {
    let mut ours = running(lower(&signed(HmacMode::Enforce)), 5, TODAY);
    let mut first = running(signed(HmacMode::Enforce), 10, TODAY);
    let old = send(&mut first, secs(0.1));
    assert_eq!(receive(&mut ours, secs(0.1), &old), Ok(()));
    for last in 11..=25 {
        let mut other = running(signed(HmacMode::Enforce), last, TODAY);
        let sent = send(&mut other, secs(0.2));
        assert_eq!(receive(&mut ours, secs(0.2), &sent), Ok(()));
    }
    assert_eq!(
        receive(&mut ours, secs(0.3), &old),
        Err(Rejected::HmacReplay)
    );
}

/// KA-AX-02, KA-AX-05.
#[test]
fn configurations_that_cannot_sign_are_refused() {
    let refused = |keys: Vec<(u8, HmacKey)>, active| Hmac::new(keys, active).unwrap_err();
    assert_eq!(refused(vec![], 1), ConfigError::HmacKey(1));
    assert_eq!(refused(vec![(2, key(1))], 1), ConfigError::HmacKey(1));
    assert_eq!(refused(vec![(0, key(1))], 0), ConfigError::HmacKey(0));
    assert_eq!(
        refused(vec![(1, key(1)), (1, key(2))], 1),
        ConfigError::HmacKey(1)
    );
    for (seconds, fine) in [(0, false), (1, true), (300, true), (301, false)] {
        let window = Duration::from_secs(seconds);
        let anti_replay = AntiReplay::Time { window };
        let config = v3(backup(9, Preempt::Never)).with_hmac(hmac().with_anti_replay(anti_replay));
        assert_eq!(config.check().is_ok(), fine, "{seconds}");
    }
    assert_eq!(
        ah(9).with_hmac(hmac()).check(),
        Err(ConfigError::TwoAuthentications)
    );
    for (interval, window) in [(0.1, 5), (1.0, 5), (2.5, 7), (40.0, 120), (255.0, 300)] {
        let expected = Duration::from_secs(window);
        assert_eq!(AntiReplay::default_window(duration(interval)), expected);
    }
}

/// KA-M-09: with `timer_expired_backup`, heard or not.
#[test]
fn an_active_router_that_was_stalled_steps_down_if_it_is_told_to() {
    let config = |yields: Option<u8>| {
        v3(backup(100, Preempt::Never))
            .with_yield_after_stall(yields.and_then(vrrp_fsm::BackupPriority::new))
    };
    // A Backup of priority N takes over after 3 s and (256 - N)/256 s.
    for (yields, silence, down) in [
        (None, 30.0, false),
        (Some(254), 2.9, false),
        (Some(254), 3.1, true),
        (Some(1), 3.1, false),
        (Some(1), 4.1, true),
    ] {
        let mut instance = running(config(yields), 5, TODAY);
        let due = instance.next_timeout().unwrap();
        instance.handle_timeout(due);
        drain(&mut instance);
        assert_eq!(instance.state(), State::Active);
        let last_advert = due.as_nanos();
        let late = nanos(last_advert + (silence * 1e9) as i64);
        instance.handle_timeout(late);
        let state = if down { State::Backup } else { State::Active };
        assert_eq!(instance.state(), state, "{yields:?} after {silence} s");
        if down {
            assert_eq!(instance.last_transition().unwrap().1, Reason::Stalled);
        }
    }
    // A router that preempts carries on whatever it is told.
    let preempting = v3(backup(100, Preempt::Immediately))
        .with_yield_after_stall(vrrp_fsm::BackupPriority::new(254));
    let mut instance = running(preempting, 5, TODAY);
    let due = instance.next_timeout().unwrap();
    instance.handle_timeout(due);
    instance.handle_timeout(nanos(due.as_nanos() + 30_000_000_000));
    assert_eq!(instance.state(), State::Active);
}
