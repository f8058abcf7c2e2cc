//! Lines about BFD sessions. Where keepalived's BFD process has a line, it is that one; what it has
//! to say about handing events to its VRRP process has no counterpart, since nothing is handed over.

use std::time::Duration;

use bfd::{Diagnostic, Micros, Reason, Remote, State, Timers, Transition};
use keepalived_driver::bfd::BfdNews;

use crate::log::Level;

/// The lines for one piece of news, in order.
pub(super) fn lines(name: &str, news: &BfdNews) -> Vec<(Level, String)> {
    let one = |level, text: String| vec![(level, text)];
    match news {
        BfdNews::State {
            transition,
            remote_diagnostic,
            silence,
            polling,
        } => state(name, transition, *remote_diagnostic, *silence, *polling),
        BfdNews::Timers {
            local,
            remote,
            detect_mult,
            before,
        } => timers(name, local, remote, *detect_mult, *before),
        BfdNews::Tracked { instances, up } => {
            let is = if *up { "UP" } else { "DOWN" };
            let line =
                |instance| format!("VRRP_Instance({instance}) Tracked BFD instance {name} is {is}");
            instances
                .iter()
                .map(|instance| (Level::Info, line(instance)))
                .collect()
        }
        BfdNews::NoKey => one(
            Level::Error,
            format!("({name}) No key may sign packets now: none are sent"),
        ),
        BfdNews::KeyAgain => one(
            Level::Info,
            format!("({name}) There is a key again that may sign packets"),
        ),
        BfdNews::PollAndFinal => one(
            Level::Warning,
            format!("({name}) The neighbour polls and answers a poll in one packet"),
        ),
        BfdNews::TransmitIntervalZero => one(
            Level::Warning,
            format!("({name}) The neighbour's transmit interval is 0, which is reserved"),
        ),
        BfdNews::EchoVia { mac: None } => one(
            Level::Warning,
            format!("({name}) No MAC address of the neighbour is known: no echo packets are sent"),
        ),
        BfdNews::EchoVia { mac: Some(mac) } => one(
            Level::Info,
            format!("({name}) Echo packets go by way of {}", mac_address(*mac)),
        ),
        BfdNews::Source { address: None } => one(
            Level::Warning,
            format!("({name}) There is no address to send from: nothing is sent"),
        ),
        BfdNews::Source {
            address: Some(address),
        } => one(
            Level::Info,
            format!("({name}) Packets are sent from {address}"),
        ),
        _ => Vec::new(),
    }
}

fn state(
    name: &str,
    transition: &Transition,
    remote: Diagnostic,
    silence: Option<(Duration, Duration)>,
    polling: bool,
) -> Vec<(Level, String)> {
    let mut lines = Vec::new();
    if let Some((silence, over)) = silence {
        lines.push((
            Level::Info,
            format!(
                "({name}) Expired after {} ms ({} usec overdue)",
                silence.as_millis(),
                over.as_micros()
            ),
        ));
    }
    let level = Level::Info;
    match transition.to {
        State::Up => {
            lines.push((level, format!("({name}) Entering Up state")));
            if polling {
                lines.push((Level::Detail, format!("({name}) Starting poll sequence")));
            }
        }
        State::Init => lines.push((Level::Detail, format!("({name}) Entering Init state"))),
        to => {
            let local = diagnostic(transition.diagnostic);
            let remote = diagnostic(remote);
            let state = if to == State::Down {
                "Down"
            } else {
                "AdminDown"
            };
            // Coming back from being closed is no failure, and keepalived has no words for it.
            let level = if transition.reason == Reason::AdminUp {
                Level::Detail
            } else {
                level
            };
            lines.push((
                level,
                format!(
                    "({name}) Entering {state} state (Local diagnostic - {local}, Remote diagnostic - {remote})"
                ),
            ));
        }
    }
    lines
}

fn timers(
    name: &str,
    local: &Timers,
    remote: &Remote,
    detect_mult: u8,
    before: Duration,
) -> Vec<(Level, String)> {
    let row =
        |side: &str, min_tx: Micros, min_rx: Micros, interval: Micros, mult: u8, time: Duration| {
            format!(
                "      {side:6} {:>8}  {:>6} {:>8}  {mult:>4}     {:>8}",
                min_tx.get(),
                min_rx.get(),
                interval.get(),
                time.as_micros()
            )
        };
    let mult = remote.detect_mult.map_or(0, std::num::NonZeroU8::get);
    let detection = local.detection_time.unwrap_or_default();
    let theirs = remote.desired_min_tx.max(local.required_min_rx);
    let ours = local.transmit_interval;
    let remote_detection = ours.to_duration() * u32::from(detect_mult);
    let mut lines = vec![
        format!("({name}) ---------------< Session parameters >--------------"),
        "               min_tx  min_rx  tx_intv  mult  detect_time".to_owned(),
        row(
            "local",
            local.desired_min_tx,
            local.required_min_rx,
            ours,
            detect_mult,
            detection,
        ),
        row(
            "remote",
            remote.desired_min_tx,
            remote.required_min_rx,
            theirs,
            mult,
            remote_detection,
        ),
    ];
    if detection != before {
        lines.push(format!(
            "      Detection time is {} us (was {} us)",
            detection.as_micros(),
            before.as_micros()
        ));
    }
    lines
        .into_iter()
        .map(|line| (Level::Detail, line))
        .collect()
}

/// As everybody writes it.
pub(crate) fn mac_address(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

/// A diagnostic in keepalived's words.
pub(crate) fn diagnostic(diagnostic: Diagnostic) -> &'static str {
    match diagnostic.bits() {
        0 => "No Diagnostic",
        1 => "Control Detection Time Expired",
        2 => "Echo Function Failed",
        3 => "Neighbor Signaled Session Down",
        4 => "Forwarding Plane Reset",
        5 => "Path Down",
        6 => "Concatenated Path Down",
        7 => "Administratively Down",
        8 => "Reverse Concatenated Path Down",
        9 => "Misconnectivity Defect",
        _ => "Reserved",
    }
}

/// A state in keepalived's words.
pub(crate) const fn state_word(state: State) -> &'static str {
    match state {
        State::AdminDown => "AdminDown",
        State::Down => "Down",
        State::Init => "Init",
        State::Up => "Up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sans_io_time::Instant;

    fn transition(to: State, reason: Reason, diagnostic: Diagnostic) -> Transition {
        Transition {
            at: Instant::from_nanos(0),
            from: State::Up,
            to,
            diagnostic,
            reason,
        }
    }

    fn said(news: &BfdNews) -> Vec<String> {
        lines("one", news)
            .into_iter()
            .map(|(_, line)| line)
            .collect()
    }

    /// LOG-02: as keepalived 2.2.7 writes it.
    #[test]
    fn the_end_of_a_session_is_told_in_keepalived_s_words() {
        let micros = Duration::from_micros;
        let news = BfdNews::State {
            transition: transition(State::Down, Reason::DetectionTime, Diagnostic::TIME_EXPIRED),
            remote_diagnostic: Diagnostic::NONE,
            silence: Some((micros(153_249), micros(3249))),
            polling: false,
        };
        assert_eq!(
            said(&news),
            [
                "(one) Expired after 153 ms (3249 usec overdue)",
                "(one) Entering Down state (Local diagnostic - Control Detection Time Expired, \
                 Remote diagnostic - No Diagnostic)",
            ]
        );
        let news = BfdNews::Tracked {
            instances: vec!["VI".into()],
            up: false,
        };
        assert_eq!(
            said(&news),
            ["VRRP_Instance(VI) Tracked BFD instance one is DOWN"]
        );
    }
}
