//! What is written to the log about services, servers and checks: keepalived's lines, each preceded by
//! one of ours with the reason where theirs has none.

use std::fmt::Write;

use healthcheck::Failure;
use keepalived_driver::balance::{
    BalanceReport, CheckRef, CheckSetup, Moved, ProbeSetup, ServerRef, ServiceSetup,
};

use super::times_more;
use crate::log::Level;

/// What was known of a server before it was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    /// Absent: the configured one.
    pub(crate) weight: Option<u32>,
    pub(crate) up: bool,
}

impl Default for Before {
    /// As nearly all servers are nearly always.
    fn default() -> Self {
        Self {
            weight: None,
            up: true,
        }
    }
}

/// The lines for one report, in order.
pub(crate) fn lines(report: &BalanceReport, before: Before) -> Vec<(Level, String)> {
    let info = |text: String| vec![(Level::Info, text)];
    let warn = |text: String| vec![(Level::Warning, text)];
    match report {
        BalanceReport::Ready => Vec::new(),
        BalanceReport::Started {
            service,
            quorum: true,
            live,
            ..
        }
        | BalanceReport::QuorumGained { service, live } => info(format!(
            "{} for VS {}",
            gained(service, *live),
            service.label
        )),
        // With a sorry server, which serves, it is so from the start; else when all checks have had a result.
        BalanceReport::Started { service, live, .. }
        | BalanceReport::StartsWithoutQuorum { service, live } => {
            let at_once = matches!(report, BalanceReport::Started { .. });
            if at_once != service.sorry.is_some() {
                return Vec::new();
            }
            info(format!(
                "{} for VS {}",
                started_without(service, *live),
                service.label
            ))
        }
        BalanceReport::QuorumLost { service, live } => {
            info(format!("{} for VS {}", lost(service, *live), service.label))
        }
        BalanceReport::ServerUp { server } | BalanceReport::StartsUp { server } => {
            placed(server, true).into_iter().collect()
        }
        BalanceReport::ServerDown { server, .. } => placed(server, false).into_iter().collect(),
        BalanceReport::Weight { server, weight: to } => {
            let Some(setup) = server.setup() else {
                return Vec::new();
            };
            let from = before.weight.unwrap_or(setup.destination.weight);
            let active = if before.up { "active" } else { "inactive" };
            let vs = &server.service.label;
            info(format!(
                "Changing weight from {from} to {to} for {active} service {} of VS {vs}",
                setup.label
            ))
        }
        BalanceReport::Sorry { service, serves } => sorry(service, *serves),
        BalanceReport::Disbelief { service, on } => {
            let vs = &service.label;
            warn(if *on {
                format!("Too few servers of VS {vs} pass: its checks are disbelieved, all serve")
            } else {
                format!("The checks of VS {vs} are believed again")
            })
        }
        BalanceReport::Suspended { service, on } => suspended(service, *on),
        BalanceReport::CheckPassed { check } => passed(check).into_iter().collect(),
        BalanceReport::CheckFailed {
            check,
            retries,
            failure,
        } => failed(check, *retries, failure),
        BalanceReport::AttemptFailed { check, failure } => {
            attempt(check, failure).into_iter().collect()
        }
        BalanceReport::IpvsAvailable { info: what } => {
            let (major, minor, patch) = what.version_parts();
            info(format!(
                "IPVS {major}.{minor}.{patch} of the kernel is in use"
            ))
        }
        BalanceReport::IpvsUnavailable { error } => vec![(
            Level::Error,
            format!(
                "IPVS: Can't initialize ipvs: {error}; servers are checked, nothing is balanced"
            ),
        )],
        BalanceReport::Marked {
            table,
            priority,
            counters,
        } => info(format!(
            "Packets to the addresses of groups are marked by nftables, in table {table} with priority {priority}{}",
            if *counters { ", and counted" } else { "" }
        )),
        BalanceReport::Unmarked { error } => vec![(
            Level::Error,
            format!(
                "Packets to the addresses of groups cannot be marked: {error}; each address is a service of its own"
            ),
        )],
        BalanceReport::MarksRepaired { table, unsaid } => warn(format!(
            "Somebody changed the marks of packets, table {table}; put right{}",
            times_more(*unsaid)
        )),
        BalanceReport::Repaired { repairs, unsaid } => {
            let count = repairs.len();
            let mut text = format!("Somebody changed services of ours; put right in {count} steps");
            if let Some(first) = repairs.first() {
                let _ = write!(text, ", the first of which was: {first}");
            }
            text.push_str(&times_more(*unsaid));
            warn(text)
        }
        BalanceReport::Refused { op, error } => {
            vec![(Level::Error, format!("IPVS refuses {op}: {error}"))]
        }
        BalanceReport::SyncDaemon { role, running } => {
            let verb = if *running { "Started" } else { "Stopped" };
            let role = match role {
                ipvs::SyncRole::Master => "master",
                ipvs::SyncRole::Backup => "backup",
            };
            info(format!("{verb} the sync daemon of the kernel as {role}"))
        }
        BalanceReport::Trouble { text } => warn(text.clone()),
        BalanceReport::Crowded { running } => warn(format!(
            "{running} checks run at once and more are due: those wait"
        )),
        BalanceReport::Reloaded {
            added,
            changed,
            removed,
            moved,
            kept,
        } => {
            let removed_lines = removed
                .iter()
                .map(|service| format!("Removing Virtual Server {}", service.label));
            let moved = moved.iter().map(|Moved { service, from, to }| {
                let vs = &service.label;
                format!("The mark of VS {vs} is {to} now, and was {from}")
            });
            let lines = removed_lines.chain(moved);
            let mut lines: Vec<_> = lines.map(|text| (Level::Info, text)).collect();
            let text = format!(
                "Services: {} new, {} changed, {} gone, {kept} as they were",
                added.len(),
                changed.len(),
                removed.len()
            );
            lines.push((Level::Detail, text));
            lines
        }
        BalanceReport::Late { by } => vec![(
            Level::Detail,
            format!("The checks came late by {} ms", by.as_millis()),
        )],
        BalanceReport::Lost { count } => {
            warn(format!("{count} events of checks came too fast to be told"))
        }
        // Told to scripts and monitors only: the check has said why.
        BalanceReport::Stopped | BalanceReport::StartsDown { .. } => Vec::new(),
        // What has no words yet must not be told with all its fields: commands may hold passwords.
        other => {
            let whole = format!("{other:?}");
            let name = whole.split([' ', '{', '(']).next().unwrap_or_default();
            info(format!("Services: {name}"))
        }
    }
}

/// `Gained quorum 2+1=3 <= 7`.
pub(crate) fn gained(service: &ServiceSetup, live: u64) -> String {
    let (quorum, hysteresis) = (service.quorum, service.hysteresis);
    let least = u64::from(quorum) + u64::from(hysteresis);
    if live < least {
        // More than there can be is not waited for.
        return format!(
            "Gained quorum {quorum}+{hysteresis}={least} > {live}, the weight of all servers,"
        );
    }
    format!("Gained quorum {quorum}+{hysteresis}={least} <= {live}")
}

/// `Starting with quorum down 2-1=1 > 0`.
pub(crate) fn started_without(service: &ServiceSetup, live: u64) -> String {
    lost(service, live).replacen("Lost quorum", "Starting with quorum down", 1)
}

/// `Lost quorum 2-1=1 > 0`.
pub(crate) fn lost(service: &ServiceSetup, live: u64) -> String {
    let (quorum, hysteresis) = (service.quorum, service.hysteresis);
    let least = quorum.saturating_sub(hysteresis);
    format!("Lost quorum {quorum}-{hysteresis}={least} > {live}")
}

/// A server that stays with weight 0 is enabled and disabled, others come and go.
fn placed(server: &ServerRef, up: bool) -> Option<(Level, String)> {
    let setup = server.setup()?;
    let (rs, vs) = (&setup.label, &server.service.label);
    let text = match (setup.inhibit, up) {
        (true, true) => format!("Enabling service {rs} of VS {vs}"),
        (true, false) => format!("Disabling service {rs} of VS {vs}"),
        (false, true) => format!("Adding service {rs} to VS {vs}"),
        (false, false) => format!("Removing service {rs} from VS {vs}"),
    };
    Some((Level::Info, text))
}

fn sorry(service: &ServiceSetup, serves: bool) -> Vec<(Level, String)> {
    let Some(sorry) = &service.sorry else {
        return Vec::new();
    };
    let (name, vs) = (&sorry.label, &service.label);
    let texts = match (serves, sorry.inhibit) {
        (true, inhibit) => {
            let verb = if inhibit { "Enabling" } else { "Adding" };
            [
                format!("{verb} sorry server {name} to VS {vs}"),
                format!("Removing alive servers from the pool for VS {vs}"),
            ]
        }
        (false, inhibit) => {
            let verb = if inhibit { "Disabling" } else { "Removing" };
            [
                format!("{verb} sorry server {name} from VS {vs}"),
                format!("Adding alive servers to the pool for VS {vs}"),
            ]
        }
    };
    texts.into_iter().map(|text| (Level::Info, text)).collect()
}

/// One line for each check, as keepalived has it.
fn suspended(service: &ServiceSetup, on: bool) -> Vec<(Level, String)> {
    let verb = if on { "Suspending" } else { "Activating" };
    activity(service, verb)
}

/// The checks of a service begin.
pub(crate) fn activated(service: &ServiceSetup) -> Vec<(Level, String)> {
    activity(service, "Activating")
}

fn activity(service: &ServiceSetup, verb: &str) -> Vec<(Level, String)> {
    let vs = &service.label;
    let checks = service
        .servers
        .iter()
        .flat_map(|server| server.checks.iter().map(move |_| &server.label));
    checks
        .map(|rs| {
            let text = format!("{verb} healthchecker for service {rs} for VS {vs}");
            (Level::Info, text)
        })
        .collect()
}

/// What the daemon says of each server when it stops.
pub(crate) fn shut_down(service: &ServiceSetup) -> Vec<(Level, String)> {
    let vs = &service.label;
    let lines = service.servers.iter().map(|server| {
        let kind = if server.inhibit { "(inhibited) " } else { "" };
        let rs = &server.label;
        let text = format!("Shutting down {kind}service {rs} from VS {vs}");
        (Level::Info, text)
    });
    lines.collect()
}

/// Words that a line about a check needs.
struct Words<'a> {
    rs: &'a str,
    vs: &'a str,
    setup: &'a CheckSetup,
}

fn words(check: &CheckRef) -> Option<Words<'_>> {
    Some(Words {
        rs: &check.server.setup()?.label,
        vs: &check.server.service.label,
        setup: check.setup()?,
    })
}

fn passed(check: &CheckRef) -> Option<(Level, String)> {
    let Words { rs, vs, setup } = words(check)?;
    let text = match &setup.probe {
        ProbeSetup::Tcp { .. } => format!("TCP connection to {rs} success."),
        ProbeSetup::Http { .. } => format!("Remote Web server {rs} succeed on service."),
        ProbeSetup::Smtp { .. } => format!("Remote SMTP server {rs} succeed on service."),
        ProbeSetup::Dns { .. } => format!("DNS_CHECK ({rs}) succeed on service."),
        ProbeSetup::Udp { .. } => format!("UDP connection to {rs} success."),
        ProbeSetup::Ping { .. } => format!("ICMP connection to {rs} success."),
        ProbeSetup::Script { command, .. } => {
            let script = program(command);
            format!("Misc check for [{rs} VS {vs}] by [{script}] succeeded.")
        }
        ProbeSetup::File { name, .. } => format!("({rs}): tracked file {name} now UP state"),
        ProbeSetup::Bfd { name } => format!("({rs}): BFD_CHECK {name} now UP"),
        _ => return None,
    };
    Some((Level::Info, text))
}

/// Why, and keepalived's line.
fn failed(check: &CheckRef, retries: u32, failure: &Failure) -> Vec<(Level, String)> {
    let Some(Words { rs, vs, setup }) = words(check) else {
        return Vec::new();
    };
    let after = match retries {
        0 => String::new(),
        retries => format!(" after {retries} retries"),
    };
    let verdict = match &setup.probe {
        ProbeSetup::Tcp { .. } => format!("TCP_CHECK on service {rs} failed{after}."),
        ProbeSetup::Http { .. } => format!("HTTP_CHECK on service {rs} failed{after}."),
        ProbeSetup::Udp { .. } => format!("UDP_CHECK on service {rs} failed{after}."),
        ProbeSetup::Ping { .. } => {
            // keepalived names the service only here.
            let of = if retries > 0 {
                format!(" of {vs}")
            } else {
                String::new()
            };
            format!("ICMP CHECK on service {rs}{of} failed{after}.")
        }
        ProbeSetup::Dns { .. } => {
            let at = elsewhere(check, setup);
            return vec![(
                Level::Info,
                format!("DNS_CHECK ({rs}) {failure}{at}{after}"),
            )];
        }
        ProbeSetup::Script { command, .. } => {
            let script = program(command);
            let after = match retries {
                0 => String::new(),
                1 => " after 1 retry".to_owned(),
                _ => after,
            };
            let why = outcome(failure);
            let text =
                format!("Misc check for [{rs} VS {vs}] by [{script}] failed{after} ({why}).");
            return vec![(Level::Info, text)];
        }
        ProbeSetup::File { name, .. } => {
            let text = format!("({rs}): tracked file {name} now FAULT state");
            return vec![(Level::Info, text)];
        }
        ProbeSetup::Bfd { name } => {
            return vec![(Level::Info, format!("({rs}): BFD_CHECK {name} now DOWN"))];
        }
        // Its verdict is the reason.
        _ => return attempt(check, failure).into_iter().collect(),
    };
    let mut lines: Vec<_> = attempt(check, failure).into_iter().collect();
    lines.push((Level::Info, verdict));
    lines
}

/// Why one attempt failed.
fn attempt(check: &CheckRef, failure: &Failure) -> Option<(Level, String)> {
    let Words { rs, vs, setup } = words(check)?;
    let at = elsewhere(check, setup);
    let text = match &setup.probe {
        ProbeSetup::Tcp { .. } => format!("TCP connection to {rs} failed{at}: {failure}."),
        ProbeSetup::Http { .. } => web(rs, &at, failure),
        ProbeSetup::Smtp { target, .. } => {
            let to = target.to;
            let (ip, port) = (to.ip(), to.port());
            match failure {
                // Only a connection that is there can be reset.
                Failure::Io(healthcheck::IoFailure::Reset) => {
                    format!("SMTP_CHECK Read failure from server [{ip}]:{port}: {failure}")
                }
                Failure::Io(_)
                | Failure::Source(_)
                | Failure::Timeout(healthcheck::Stage::Connecting) => {
                    format!("SMTP_CHECK Could not connect to server [{ip}]:{port}: {failure}")
                }
                Failure::Smtp(_) => {
                    format!("SMTP_CHECK Bad reply from server [{ip}]:{port}: {failure}")
                }
                _ => format!("SMTP_CHECK Read failure from server [{ip}]:{port}: {failure}"),
            }
        }
        ProbeSetup::Dns { .. } => format!("DNS_CHECK ({rs}) {failure}{at}"),
        ProbeSetup::Udp { .. } => format!("UDP connection to {rs} failed{at}: {failure}."),
        ProbeSetup::Ping { .. } => {
            format!("ICMP connection to {rs} of {vs} failed{at}: {failure}.")
        }
        ProbeSetup::Script { command, .. } => {
            let script = program(command);
            let why = outcome(failure);
            format!("Misc check for [{rs} VS {vs}] by [{script}] failed ({why}).")
        }
        other => format!("{} on service {rs} failed: {failure}.", other.word()),
    };
    Some((Level::Info, text))
}

/// Where was looked, if that is not where the server is: with `connect_ip` and `connect_port`, and where a
/// server without address translation has another port than its line.
fn elsewhere(check: &CheckRef, setup: &CheckSetup) -> String {
    let server = check.server.setup();
    let (Some(server), Some(target)) = (server, setup.probe.target()) else {
        return String::new();
    };
    let (own, to) = (server.address(), target.to);
    let same = match setup.probe {
        ProbeSetup::Ping { .. } => own.ip() == to.ip(),
        _ => own == to,
    };
    match (same, &setup.probe) {
        (true, _) => String::new(),
        (false, ProbeSetup::Ping { .. }) => format!(" at [{}]", to.ip()),
        (false, _) => format!(" at [{}]:{}", to.ip(), to.port()),
    }
}

fn web(rs: &str, at: &str, failure: &Failure) -> String {
    use healthcheck::HttpFailure;
    let what = match failure {
        Failure::Http(HttpFailure::Status { .. } | HttpFailure::StatusRange(_)) => {
            "HTTP status code error to"
        }
        Failure::Http(HttpFailure::Digest { .. }) => "MD5 digest error to",
        Failure::Http(HttpFailure::NoMatch { .. } | HttpFailure::Match { .. }) => {
            "Regex search failed at"
        }
        Failure::Tls(_) => "SSL handshake/communication error connecting to",
        Failure::Timeout(_) => "Timeout of",
        Failure::Http(_) | Failure::Closed(_) => "Read error with",
        _ => "Connection failed",
    };
    format!("{what} server {rs}{at}: {failure}.")
}

fn outcome(failure: &Failure) -> String {
    match failure {
        Failure::Exit(code) => format!("exited with status {code}"),
        other => other.to_string(),
    }
}

fn program(command: &keepalived_driver::hooks::HookCommand) -> String {
    let program = command.argv.first();
    program.map_or_else(String::new, |program| {
        program.to_string_lossy().into_owned()
    })
}

/// The text of a mail about a check, in keepalived's words.
pub(crate) fn mail(check: &CheckSetup, passed: bool) -> String {
    let (what, good) = match &check.probe {
        ProbeSetup::Tcp { .. } => ("TCP CHECK", "succeed"),
        ProbeSetup::Udp { .. } => ("UDP CHECK", "succeed"),
        ProbeSetup::Ping { .. } => ("ICMP CHECK", "succeed"),
        ProbeSetup::Dns { .. } => ("DNS_CHECK:", "succeed"),
        ProbeSetup::Script { .. } => ("MISC CHECK", "succeeded"),
        ProbeSetup::Http { .. } if !passed => {
            return "=> CHECK failed on service : HTTP request failed <=".to_owned();
        }
        ProbeSetup::Http { .. } | ProbeSetup::Smtp { .. } => ("CHECK", "succeed"),
        ProbeSetup::File { .. } => ("FILE CHECK", "succeed"),
        _ => ("CHECK", "succeed"),
    };
    let word = if passed { good } else { "failed" };
    format!("=> {what} {word} on service <=")
}

#[cfg(test)]
mod tests;
