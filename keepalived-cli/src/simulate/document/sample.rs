//! A document for tests: two nodes, one virtual router, a crash, a return and a goodbye.

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A document in which every list has something in it.
pub(crate) fn document() -> Document {
    let member = |node, priority| Member {
        node,
        name: "VI_1".to_owned(),
        interface: "eth0".to_owned(),
        priority,
        version: 3,
        group: None,
    };
    let node = |name: &str| Node {
        name: name.to_owned(),
        file: format!("{name}.conf").into(),
    };
    let span = |node, state, since, until, reason: &str| Span {
        node,
        instance: 0,
        state,
        since: ms(since),
        until: ms(until),
        reason: reason.to_owned(),
    };
    let advert = |at, node, priority| Advert {
        at: ms(at),
        node,
        instance: 0,
        priority,
    };
    let address: IpAddr = [192, 0, 2, 100].into();
    Document {
        meta: Meta {
            version: "0.0.0".to_owned(),
            seed: 7,
            length: ms(20_000),
            link: Link {
                delay_min: Duration::from_micros(200),
                delay_max: Duration::from_micros(400),
                loss_percent: 1.0,
                duplicate_percent: 0.0,
                reorder: false,
            },
            command: "keepalived-rs simulate a.conf b.conf --at 10s kill=a".to_owned(),
        },
        nodes: vec![node("a"), node("b")],
        instances: vec![Instance {
            name: "VI_1".to_owned(),
            family: Family::Ipv4,
            vrid: 51,
            wire: "eth0".to_owned(),
            addresses: vec![address],
            members: vec![member(0, 200), member(1, 100)],
        }],
        not_simulated: vec![Remark {
            node: 1,
            text: "virtual_server 192.0.2.100:80: services are not checked".to_owned(),
        }],
        networks_assumed: false,
        spans: vec![
            span(0, State::Backup, 0, 3_219, "started"),
            span(1, State::Backup, 0, 13_609, "started"),
            span(0, State::Master, 3_219, 10_000, "heard nobody"),
            span(0, State::Off, 10_000, 20_000, "killed"),
            span(1, State::Master, 13_609, 20_000, "heard nobody any more"),
        ],
        adverts: vec![
            advert(3_219, 0, 200),
            advert(4_219, 0, 200),
            advert(9_219, 0, 200),
            advert(13_609, 1, 100),
        ],
        adverts_left_out: 8,
        incidents: vec![Incident {
            at: ms(10_000),
            order: 1,
            nodes: vec![0],
            text: "a is killed".to_owned(),
        }],
        events: vec![Event {
            at: ms(13_609),
            order: 2,
            node: Some(1),
            instance: Some(0),
            text: "VI_1 becomes MASTER: heard nobody any more".to_owned(),
        }],
        events_left_out: 0,
        takeovers: vec![Takeover {
            instance: 0,
            from: Some(0),
            to: 1,
            at: ms(13_609),
            why: Why::Silence,
            last_advert: Some(ms(9_219)),
            took: ms(3_609),
            bound: Some(ms(3_610)),
            verdict: Verdict::Within,
        }],
        outages: vec![Outage {
            instance: 0,
            wire: "eth0".to_owned(),
            address,
            from: ms(10_000),
            until: Some(ms(13_609)),
            length: ms(3_609),
            unheard: ms(609),
            why: "a was killed".to_owned(),
        }],
        never_reached: vec![Unreached {
            instance: 0,
            wire: "eth0".to_owned(),
            address: [192, 0, 2, 101].into(),
            why: "nobody has announced it".to_owned(),
        }],
        unanswered: vec![Unanswered {
            instance: 0,
            wire: "eth0".to_owned(),
            address,
            node: 1,
            from: ms(13_609),
            until: None,
            length: ms(6_391),
        }],
        handovers: vec![Conflict {
            instance: 0,
            address: None,
            nodes: vec![0, 1],
            from: ms(14_000),
            until: Some(ms(14_000) + Duration::from_micros(260)),
            length: Duration::from_micros(260),
            why: "a and b have yet to hear each other".to_owned(),
        }],
        conflicts: vec![Conflict {
            instance: 0,
            address: None,
            nodes: vec![0, 1],
            from: ms(15_000),
            until: None,
            length: ms(5_000),
            why: "they do not hear each other".to_owned(),
        }],
        violations: vec![Violation {
            at: ms(16_000),
            rule: "two-masters",
            text: "a and b are both MASTER of VI_1 and hear each other".to_owned(),
        }],
        totals: Totals {
            adverts_sent: 12,
            transitions: 4,
            takeovers: 2,
            outages: 1,
            outage_total: ms(3_609),
            outage_longest: ms(3_609),
            ..Totals::default()
        },
        seeds: Some(Seeds {
            first: 0,
            count: 1_000,
            takeover: Some(Spread {
                count: 2_000,
                min: ms(2_700),
                median: ms(3_219),
                p99: ms(3_600),
                max: ms(3_610),
                bins: vec![1, 20, 300, 1_200, 400, 79],
                worst: Some(ms(3_609)),
            }),
            outage: Some(Spread {
                count: 1_000,
                min: ms(2_700),
                median: ms(3_100),
                p99: ms(3_600),
                max: ms(3_609),
                bins: vec![10, 90, 400, 300, 150, 50],
                worst: Some(ms(3_609)),
            }),
            late: 0,
            runs_with_violations: 0,
            runs_with_conflicts: 0,
            worst: 7,
            replay: "keepalived-rs simulate a.conf b.conf --at 10s kill=a --seed 7".to_owned(),
        }),
    }
}
