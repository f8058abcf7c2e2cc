//! Any bytes from a netlink socket: skipped or understood, and the reconciler stays sane.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use netlink_vip::{
    Channel, Desired, Hop, Instant, InterfaceName, OwnerId, Prefix, Reconciler, Route, Rule,
    RuleAction, Tag, Vip, nftables,
};

use super::input::Input;

/// Datagrams one after another, with time passing between them.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut reconciler = Reconciler::new(Tag::KEEPALIVED);
    let mut now = Instant::from_nanos(0);
    reconciler.start(now);
    if let Ok(device) = "eth0".parse::<InterfaceName>() {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100));
        let hop = Hop::new(None, Some(device));
        let net = Prefix::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8);
        let wanted = Desired::addresses(vec![Vip::new(address, 24, device)])
            .with_routes(vec![Route::new(net, vec![hop])])
            .with_rules(vec![Rule::new(false, 7, RuleAction::Lookup(7))]);
        reconciler.set(now, OwnerId(1), wanted);
    }
    let mut requests = drain(&mut reconciler, now);
    while !input.is_empty() {
        let choice = input.byte();
        let length = usize::from(input.word() % 600);
        let mut datagram = input.take(length).to_vec();
        if choice & 1 == 0 {
            looks_like_netlink(&mut datagram, choice, requests);
        }
        let from = if choice & 2 == 0 {
            Channel::Command
        } else {
            Channel::Monitor
        };
        reconciler.handle_datagram(now, &datagram, from);
        hear_of_tables(datagram);
        match choice >> 5 {
            0 => reconciler.handle_overrun(now),
            1 => reconciler.adopt_or_clean(now),
            2 => reconciler.set(now, OwnerId(1), Desired::default()),
            _ => {}
        }
        requests = requests.wrapping_add(drain(&mut reconciler, now));
        now = now
            .checked_add(Duration::from_millis(u64::from(choice) * 4))
            .unwrap_or(now);
        reconciler.handle_timeout(now);
        drain(&mut reconciler, now);
        let next = reconciler.next_timeout();
        assert!(
            next.is_none_or(|next| next > now),
            "{next:?} is due at {now:?}"
        );
    }
    assert!(
        reconciler
            .links()
            .all(|link| !link.name.as_str().is_empty())
    );
}

/// The same from nftables: each message has a header.
fn hear_of_tables(mut datagram: Vec<u8>) {
    let most = datagram.len() / 16;
    assert!(nftables::heard(&datagram).len() <= most);
    if let Some(subsystem) = datagram.get_mut(5) {
        *subsystem = 10;
        assert!(nftables::heard(&datagram).len() <= most);
    }
}

/// The length and a likely message type in the header; a fuzzer finds the rest quickly.
fn looks_like_netlink(datagram: &mut [u8], choice: u8, sequence: u32) {
    if datagram.len() < 16 {
        return;
    }
    let length = u32::try_from(datagram.len()).unwrap_or(0).to_ne_bytes();
    datagram[0..4].copy_from_slice(&length);
    let kind = [2_u16, 3, 16, 24, 20, 25, 32, 33][usize::from(choice >> 2 & 7)];
    datagram[4..6].copy_from_slice(&kind.to_ne_bytes());
    if choice & 32 == 0 {
        datagram[8..12].copy_from_slice(&sequence.to_ne_bytes());
    }
}

/// Takes all requests and events; there must be an end to them.
fn drain(reconciler: &mut Reconciler, now: Instant) -> u32 {
    let mut out = Vec::new();
    let mut requests = 0;
    while reconciler.poll_request(now, &mut out) {
        assert!(!out.is_empty(), "an empty request");
        requests += 1;
        assert!(requests < 1_000, "requests without end");
    }
    for events in 0.. {
        if reconciler.poll_event().is_none() {
            break;
        }
        assert!(events < 10_000, "events without end");
    }
    requests
}
