//! Documents that a page has to stand.

use std::time::Duration;

use vrrp_proto::Family;

use crate::simulate::document::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Three nodes, eight virtual routers, two minutes, 50 events and a dozen faults.
pub(super) fn crowded() -> Document {
    const LENGTH: u64 = 120_000;
    let mut document = sample::document();
    document.meta.length = ms(LENGTH);
    document.meta.command =
        "keepalived-rs simulate lb-a.conf lb-b.conf lb-c.conf --at 10s kill=lb-a \
                             --at 25s start=lb-a --loss 1% --seed 7 --length 120s"
            .to_owned();
    document.nodes = ["lb-a", "lb-b", "lb-c.with-a-rather-long-name.example"]
        .into_iter()
        .map(|name| Node {
            name: name.to_owned(),
            file: format!("/etc/keepalived/{name}.conf").into(),
        })
        .collect();
    document.instances = (0..8_u8).map(router).collect();
    document.spans.clear();
    document.adverts.clear();
    document.events.clear();
    document.takeovers.clear();
    document.outages.clear();
    // In turn each node is gone for a while, in another way each time.
    let faults: Vec<(u64, usize, &str, State, u64)> = vec![
        (10_000, 0, "lb-a is killed", State::Off, 15_000),
        (40_000, 1, "eth0 of lb-b goes down", State::Fault, 6_000),
        (41_000, 2, "lb-c stalls for 3 s", State::Fault, 3_000),
        (70_000, 0, "lb-a is stopped", State::Off, 2_500),
        (80_000, 0, "script chk of lb-a fails", State::Fault, 8_000),
        (100_000, 0, "lb-a is killed", State::Off, 20_000),
    ];
    document.incidents = Vec::new();
    for (at, node, text, state, length) in &faults {
        document.incidents.push(incident(*at, *node, text));
        let back = at + length;
        if back < LENGTH {
            let word = if *state == State::Off {
                "is started"
            } else {
                "is well again"
            };
            let text = format!("{} {word}", document.nodes[*node].name);
            document.incidents.push(incident(back, *node, &text));
        }
    }
    document.incidents.sort_by_key(|incident| incident.at);
    for instance in 0..document.instances.len() {
        for node in 0..3 {
            share(&mut document, instance, node, &faults, LENGTH);
        }
    }
    document.events.sort_by_key(|event| event.at);
    document.events.truncate(50);
    document.takeovers.sort_by_key(|takeover| takeover.at);
    if let Some(late) = document.takeovers.last_mut() {
        late.took = ms(4_400);
        late.verdict = Verdict::Late;
    }
    document.outages.sort_by_key(|outage| outage.from);
    document.conflicts[0].from = ms(40_500);
    document.conflicts[0].until = Some(ms(47_000));
    document.conflicts[0].length = ms(6_500);
    document.totals.takeovers = document.takeovers.len() as u64;
    document.totals.late = 1;
    document.totals.outages = document.outages.len() as u64;
    document.totals.adverts_sent = document.adverts.len() as u64 + 300;
    document.adverts_left_out = 300;
    assert_eq!(document.events.len(), 50);
    document
}

fn incident(at: u64, node: usize, text: &str) -> Incident {
    Incident {
        at: ms(at),
        order: 0,
        nodes: vec![node],
        text: text.to_owned(),
    }
}

fn router(number: u8) -> Instance {
    let v6 = number % 4 == 3;
    let address = |last: u8| match v6 {
        true => format!("2001:db8:0:{number}::{last}")
            .parse()
            .expect("an address"),
        false => std::net::IpAddr::from([192, 0, 2, 100 + number * 10 + last]),
    };
    Instance {
        name: format!("VI_{}", number + 1),
        family: if v6 { Family::Ipv6 } else { Family::Ipv4 },
        vrid: 51 + number,
        wire: "eth0=ens192".to_owned(),
        addresses: (0..=number).map(address).collect(),
        members: (0..3)
            .map(|node| Member {
                node,
                name: format!("VI_{}", number + 1),
                interface: "eth0".to_owned(),
                priority: [200, 150, 100][node],
                version: 3,
                group: None,
            })
            .collect(),
    }
}

/// The life of a node's share in a virtual router.
fn share(
    document: &mut Document,
    instance: usize,
    node: usize,
    faults: &[(u64, usize, &str, State, u64)],
    whole: u64,
) {
    // Not all at the same moment.
    let skew = instance as u64 * 37;
    let start = [3_219, 0, 0][node] + skew;
    let mut spans: Vec<(State, u64, &str)> = vec![(State::Backup, 0, "started")];
    if node == 0 {
        spans.push((State::Master, start, "heard nobody since its start"));
    }
    if instance == 2 && node == 2 {
        spans = vec![
            (State::Waiting, 0, "vrrp_startup_delay"),
            (State::Backup, 5_000, "started"),
        ];
    }
    for (at, struck, text, state, length) in faults {
        if *struck == node {
            spans.push((*state, *at + skew / 8, text));
            spans.push((State::Backup, at + length + skew / 8, "started"));
            if node == 0 {
                spans.push((
                    State::Master,
                    at + length + 3_300 + skew,
                    "the old one has a lower priority",
                ));
            }
        } else if *struck == 0 && node == 1 {
            let taken = at + 3_400 + skew;
            spans.push((State::Master, taken, "heard nobody any more"));
            spans.push((
                State::Backup,
                at + length + 3_300 + skew,
                "a higher priority",
            ));
            document.takeovers.push(Takeover {
                instance,
                from: Some(0),
                to: 1,
                at: ms(taken),
                why: Why::Silence,
                last_advert: Some(ms(at - 300)),
                took: ms(3_700 + skew / 4),
                bound: Some(ms(3_800)),
                verdict: Verdict::Within,
            });
            document.events.push(Event {
                at: ms(taken),
                order: 1,
                node: Some(1),
                instance: Some(instance),
                text: format!("VI_{} becomes MASTER: heard nobody any more", instance + 1),
            });
            document.events.push(Event {
                at: ms(taken + 200),
                order: 2,
                node: None,
                instance: Some(instance),
                text: format!(
                    "the client reaches the address of VI_{} again",
                    instance + 1
                ),
            });
            document.outages.push(Outage {
                instance,
                wire: "eth0=ens192".to_owned(),
                address: document.instances[instance].addresses[0],
                from: ms(*at),
                until: Some(ms(taken + 200)),
                length: ms(3_600 + skew),
                unheard: Duration::ZERO,
                why: (*text).to_owned(),
            });
        }
    }
    spans.retain(|(_, at, _)| *at < whole);
    spans.sort_by_key(|(_, at, _)| *at);
    for (index, (state, since, reason)) in spans.iter().enumerate() {
        let until = spans.get(index + 1).map_or(whole, |next| next.1);
        if *since == until {
            continue;
        }
        document.spans.push(Span {
            node,
            instance,
            state: *state,
            since: ms(*since),
            until: ms(until),
            reason: (*reason).to_owned(),
        });
        if *state == State::Master {
            let mut at = *since;
            while at < until {
                document.adverts.push(Advert {
                    at: ms(at),
                    node,
                    instance,
                    priority: 200,
                });
                at += 1_000;
            }
            document.adverts.push(Advert {
                at: ms(until.min(whole - 1)),
                node,
                instance,
                priority: 0,
            });
        }
    }
}

/// Every text that comes from a file or a command line tries to be more than text.
pub(super) fn hostile() -> Document {
    const EVIL: &str = "</title></style></script><script>x</script><b>\"'&amp; \
                        <img onerror=\"alert(1)\">\u{0}\u{1b}\u{202e}\n";
    let evil = || EVIL.to_owned();
    let mut document = sample::document();
    document.meta.version = evil();
    document.meta.command = evil();
    for node in &mut document.nodes {
        node.name = evil();
        node.file = evil().into();
    }
    for instance in &mut document.instances {
        instance.name = evil();
        instance.wire = evil();
        for member in &mut instance.members {
            member.name = evil();
            member.interface = evil();
            member.group = Some(evil());
        }
    }
    for remark in &mut document.not_simulated {
        remark.text = evil();
    }
    for span in &mut document.spans {
        span.reason = evil();
    }
    for incident in &mut document.incidents {
        incident.text = evil();
    }
    for event in &mut document.events {
        event.text = evil();
    }
    for outage in &mut document.outages {
        outage.why = evil();
        outage.wire = evil();
    }
    for conflict in &mut document.conflicts {
        conflict.why = evil();
    }
    for violation in &mut document.violations {
        violation.text = evil();
        violation.rule = "<b>";
    }
    if let Some(seeds) = &mut document.seeds {
        seeds.replay = evil();
    }
    document
}
