//! The echo function, RFC 5880 6.4, 6.8.5, 6.8.8, 6.8.9, RFC 5881 4.

mod common;

use bfd::{
    Buffer, ConfigError, Control, Definition, Diagnostic, ECHO_PORT, Event, Instant, MAX_LEN,
    Micros, Purpose, Reason, Rejected, Session, State, Table,
};
use common::*;

fn offering(interval: u32) -> Control {
    Control {
        required_min_echo_rx: ms(interval),
        final_bit: true,
        ..peer(State::Up)
    }
}

fn echoes(session: &mut Session, now: Instant) -> Vec<Vec<u8>> {
    let mut buffer: Buffer = [0; MAX_LEN];
    std::iter::from_fn(|| {
        let length = session.poll_echo(now, &mut buffer)?;
        Some(buffer[..length].to_vec())
    })
    .collect()
}

/// Up, with a peer that sends back echo packets every 20 ms at most.
fn echoing() -> (Session, Instant) {
    let (mut session, now) = up(config().with_echo(Some(ms(10))));
    assert_eq!(echoes(&mut session, now), Vec::<Vec<u8>>::new());
    hear(&mut session, now, offering(20)).unwrap();
    sent(&mut session, now);
    // The receive interval has become longer, which takes a poll.
    hear(&mut session, now, offering(20)).unwrap();
    events(&mut session);
    (session, now)
}

/// BFD-EC-01, BFD-TX-14.
#[test]
fn without_echo_nothing_is_offered_sent_or_taken() {
    let (mut session, now) = up(config());
    hear(&mut session, now, offering(20)).unwrap();
    assert!(echoes(&mut session, now).is_empty());
    assert_eq!(session.timers().echo_interval, None);
    assert_eq!(session.handle_echo(now, &[0; 24]), Err(Rejected::Echo));
    let (mut plain, now) = in_state(config(), State::Init);
    hear(&mut plain, now, peer(State::Up)).unwrap();
    assert!(sent_one(&mut plain, now).required_min_echo_rx.is_zero());
}

/// BFD-EC-02, BFD-RX-15.
#[test]
fn echoes_are_sent_when_up_and_wanted_and_not_too_often() {
    let (mut session, start) = echoing();
    assert_eq!(session.timers().echo_interval, Some(ms(20)));
    let (mut times, mut now) = (Vec::new(), start);
    while now < at(2000.0) {
        for packet in echoes(&mut session, now) {
            times.push(now.as_nanos() as f64 / 1e6);
            session.handle_echo(now, &packet).unwrap();
        }
        sent(&mut session, now);
        hear(&mut session, now, offering(20)).unwrap();
        now = session.next_timeout().unwrap();
        session.handle_timeout(now);
    }
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() > 98, "{}", gaps.len());
    assert!(gaps.iter().all(|gap| (15.0..=20.0).contains(gap)));
    assert_eq!(session.stats().echo_sent, times.len() as u64);
    assert_eq!(session.stats().echo_received, times.len() as u64);
    // No longer wanted.
    hear(&mut session, now, peer(State::Up)).unwrap();
    assert!(echoes(&mut session, now).is_empty());
    assert_eq!(session.timers().echo_interval, None);
}

/// What `status` shows: how long the last one took that came back.
#[test]
fn the_round_trip_of_an_echo_is_known() {
    let (mut session, start) = echoing();
    assert_eq!(session.echo_round_trip(), None);
    for took in [7.0, 3.0] {
        let mut now = start;
        let mut sent = echoes(&mut session, now);
        while sent.is_empty() {
            now = session.next_timeout().unwrap();
            session.handle_timeout(now);
            sent = echoes(&mut session, now);
        }
        session
            .handle_echo(later(now, millis(took)), &sent[0])
            .unwrap();
        assert_eq!(session.echo_round_trip(), Some(millis(took)));
    }
}

/// BFD-EC-02: nor when held down. BFD-FSM-21.
#[test]
fn echoes_end_with_up() {
    let (mut session, now) = echoing();
    session.handle_event(now, Event::AdminDown);
    assert!(echoes(&mut session, now).is_empty());
    assert_eq!(session.timers().echo_interval, None);
}

/// RFC 5880 6.8.5, BFD-FSM-18.
#[test]
fn missing_echoes_end_the_session() {
    let (mut session, start) = echoing();
    let mut now = start;
    let mut last = start;
    while session.state() == State::Up {
        for packet in echoes(&mut session, now) {
            if now < at(500.0) {
                session.handle_echo(now, &packet).unwrap();
                last = now;
            }
        }
        sent(&mut session, now);
        hear(&mut session, now, offering(20)).unwrap();
        now = session.next_timeout().unwrap();
        session.handle_timeout(now);
    }
    assert_eq!(session.diagnostic(), Diagnostic::ECHO_FAILED);
    assert_eq!(
        session.last_transition().unwrap().reason,
        Reason::EchoFailed
    );
    assert_eq!(now.saturating_duration_since(last), millis(60.0));
}

/// BFD-TM-05: the other side was asked for one packet a second, and is not forgotten for having
/// sent no more than that.
#[test]
fn a_failed_echo_does_not_shorten_the_detection_time_in_hindsight() {
    let (mut session, now) = echoing();
    echoes(&mut session, now).clear();
    let late = later(now, millis(900.0));
    session.handle_timeout(late);
    assert_eq!(session.diagnostic(), Diagnostic::ECHO_FAILED);
    assert_eq!(session.remote().discriminator, Some(discr(common::REMOTE)));
    assert!(session.next_timeout().unwrap() > late);
    let told = sent(&mut session, late);
    assert_eq!(told[0].your_discriminator, Some(discr(common::REMOTE)));
    assert_eq!(told[0].required_min_rx, ms(50));
}

/// BFD-EC-04.
#[test]
fn control_packets_become_rare_while_echoes_do_the_work() {
    let (mut session, now) = echoing();
    assert_eq!(session.timers().required_min_rx, Micros::SECOND);
    hear(&mut session, now, peer(State::Up)).unwrap();
    hear(&mut session, now, peer(State::Up)).unwrap();
    assert_eq!(session.timers().required_min_rx, ms(50));
}

/// Only what this session has sent, and once.
#[test]
fn foreign_and_old_echoes_are_refused() {
    let (mut session, now) = echoing();
    let good = echoes(&mut session, now).remove(0);
    // The time alone is believed: it takes the rest to be asked.
    for place in 0..16 {
        let mut forged = good.clone();
        forged[place] ^= 1;
        assert_eq!(
            session.handle_echo(now, &forged),
            Err(Rejected::Echo),
            "{place}"
        );
    }
    for length in 0..good.len() {
        let result = session.handle_echo(now, &good[..length]);
        assert_eq!(result, Err(Rejected::Echo));
    }
    session.handle_echo(now, &good).unwrap();
    assert_eq!(
        session.handle_echo(now, &good),
        Err(Rejected::Echo),
        "again"
    );
}

/// BFD-EC-03, BFD-EC-05.
#[test]
fn echo_is_for_neighbours_and_needs_an_address() {
    let mut table = Table::new(1);
    let echo = config().with_echo(Some(ms(20)));
    let result = table.add(at(0.0), Definition::Multihop(distant(1), echo.clone()));
    assert_eq!(result, Err(ConfigError::EchoMultihop));
    let offer = config().with_required_min_echo_rx(ms(20));
    let result = table.add(at(0.0), Definition::Multihop(distant(1), offer));
    assert_eq!(result, Err(ConfigError::EchoMultihop));
    let mut anywhere = neighbour(1);
    anywhere.local = None;
    let result = table.add(at(0.0), Definition::SingleHop(anywhere, echo));
    assert_eq!(result, Err(ConfigError::EchoWithoutAddress));
    config().with_echo(Some(Micros::ZERO)).check().unwrap_err();
}

/// BFD-EC-05, BFD-EC-06: from and to ourselves, by way of the neighbour.
#[test]
fn a_table_sends_echoes_to_its_own_address() {
    let mut table = Table::new(1);
    let echo = config().with_echo(Some(ms(20)));
    let id = table
        .add(at(0.0), Definition::SingleHop(neighbour(1), echo))
        .unwrap();
    let own = table
        .member(id)
        .unwrap()
        .session()
        .unwrap()
        .local_discriminator();
    let mut buffer: Buffer = [0; MAX_LEN];
    for state in [State::Init, State::Up] {
        let control = Control {
            your_discriminator: Some(own),
            ..Control {
                state,
                ..offering(20)
            }
        };
        let payload = encode(&control, &bfd::Signature::None);
        let rx = bfd::Rx {
            interface: INTERFACE,
            source: address(1),
            destination: address(2),
            destination_port: 3784,
            ttl: 255,
            payload: &payload,
        };
        table.handle_packet(at(0.0), &rx).unwrap();
    }
    let mut seen = false;
    while let Some(transmit) = table.poll_transmit(at(0.0), &mut buffer) {
        if transmit.purpose == Purpose::Echo {
            seen = true;
            assert_eq!(transmit.destination, address(2));
            assert_eq!(transmit.source, Some(address(2)));
            assert_eq!(transmit.next_hop, Some(address(1)));
            assert_eq!((transmit.destination_port, transmit.ttl), (ECHO_PORT, 255));
            let octets = buffer[..transmit.length].to_vec();
            assert_eq!(table.handle_echo(at(1.0), &octets), Ok(id));
        }
    }
    assert!(seen);
    // They go out in their time, while control packets are rare.
    let mut counts = (0, 0);
    while let Some(now) = table.next_timeout().filter(|next| *next < at(500.0)) {
        table.handle_timeout(now);
        while let Some(transmit) = table.poll_transmit(now, &mut buffer) {
            if transmit.purpose == Purpose::Echo {
                counts.0 += 1;
                let octets = buffer[..transmit.length].to_vec();
                table.handle_echo(now, &octets).unwrap();
            } else {
                counts.1 += 1;
            }
        }
    }
    assert!(counts.0 >= 24 && counts.1 <= 12, "{counts:?}");
    assert_eq!(table.handle_echo(at(1.0), &[1; 24]), Err(Rejected::Echo));
    assert_eq!(table.rejected().of(&Rejected::Echo), 1);
}
