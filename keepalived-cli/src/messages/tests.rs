//! What the daemon says, to the letter.

use super::*;
use std::time::{Duration, SystemTime};
use vrrp_proto::Priority;

fn label() -> InstanceLabel {
    InstanceLabel {
        name: "VI_1".into(),
        priority: 100,
    }
}

fn change(from: State, to: State, faults: Faults, reason: Reason) -> Vec<String> {
    let at = SystemTime::UNIX_EPOCH;
    let report = Report::Transition {
        instance: label(),
        from,
        to,
        faults,
        reason,
        at,
    };
    lines(&report).into_iter().map(|(_, text)| text).collect()
}

/// LOG-02, compared with the log of keepalived 2.2.7 in the same situations.
#[test]
fn keepalived_s_lines_are_written_to_the_letter() {
    use State::{Active, Backup, Initialize};
    assert_eq!(
        change(Backup, Active, Faults::NONE, Reason::DownTimer),
        [
            "(VI_1) Receive advertisement timeout",
            "(VI_1) Entering MASTER STATE",
            "(VI_1) setting VIPs."
        ]
    );
    let better = Reason::HigherPriority {
        source: "10.9.0.2".parse().unwrap(),
        priority: Priority::new(150),
    };
    assert_eq!(
        change(Active, Backup, Faults::NONE, better),
        [
            "(VI_1) Master received advert from 10.9.0.2 with higher priority 150, ours 100",
            "(VI_1) Entering BACKUP STATE",
            "(VI_1) removing VIPs."
        ]
    );
    let down = Faults::NONE.with(Fault::LinkDown);
    assert_eq!(
        change(Active, Initialize, down, Reason::Faulted(Fault::LinkDown)),
        [
            "(VI_1) Entering FAULT STATE",
            "(VI_1) sent 0 priority",
            "(VI_1) removing VIPs."
        ]
    );
    assert_eq!(
        change(Active, Initialize, Faults::NONE, Reason::Stopped),
        ["(VI_1) sent 0 priority", "(VI_1) removing VIPs."]
    );
    assert_eq!(
        change(Initialize, Backup, Faults::NONE, Reason::FaultsCleared),
        ["(VI_1) Entering BACKUP STATE"]
    );
}

/// LOG-02.
#[test]
fn the_first_line_about_an_instance_says_init() {
    let first = |state, faults| {
        let report = Report::Started {
            instance: label(),
            state,
            faults,
        };
        lines(&report).remove(0).1
    };
    assert_eq!(
        first(State::Backup, Faults::NONE),
        "(VI_1) Entering BACKUP STATE (init)"
    );
    let fault = Faults::NONE.with(Fault::NoInterface);
    assert_eq!(
        first(State::Initialize, fault),
        "(VI_1) Entering FAULT STATE (init)"
    );
}

/// LOG-02, and the lines monitoring looks for around them.
#[test]
fn the_life_of_the_daemon_is_told_in_keepalived_s_words() {
    let text = |report: &Report| lines(report).pop().map(|(_, text)| text);
    let link = |state| Report::Link {
        name: "eth0".into(),
        state,
    };
    for (report, expected) in [
        (Report::Ready, "Startup complete"),
        (
            Report::Reloaded {
                added: vec![],
                changed: vec![],
                removed: vec![],
                kept: 1,
            },
            "Reload complete",
        ),
        (link(LinkState::Down), "Netlink reports eth0 down"),
        (link(LinkState::Up), "Netlink reports eth0 up"),
        (
            Report::PriorityChanged {
                instance: InstanceLabel {
                    name: "VI_1".into(),
                    priority: 80,
                },
                from: 100,
                state: State::Backup,
            },
            "(VI_1) Changing effective priority from 100 to 80",
        ),
        (
            Report::Late {
                by: Duration::from_micros(5_568_407),
            },
            "A thread timer expired 5.568407 seconds ago",
        ),
    ] {
        assert_eq!(text(&report).as_deref(), Some(expected));
    }
    let notice = Notice::LowerPriorityAdvert {
        source: "10.9.0.1".parse().unwrap(),
        priority: Priority::new(90),
    };
    assert_eq!(
        text(&Report::Notice {
            instance: label(),
            notice
        })
        .as_deref(),
        Some(
            "(VI_1) Received advert from 10.9.0.1 with lower priority 90, ours 100, forcing new \
             election"
        )
    );
}
