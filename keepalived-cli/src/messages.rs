//! What is written to the log about what happened.
//!
//! Programs and people search logs for keepalived's lines, so where keepalived has a line for
//! something, it is that line, to the letter (LOG-02; compared with keepalived 2.2.7). What keepalived
//! has no line for has one in our own words. Lines that keepalived writes only with `-D` have
//! [`Level::Detail`].

pub(crate) mod balance;
pub(crate) mod bfd;
mod objects;

use std::net::IpAddr;

use keepalived_driver::hooks::{HookReport, Outcome};
use keepalived_driver::mail::MailReport;
use keepalived_driver::tracked::TrackReport;
use keepalived_driver::{InstanceLabel, LinkState, Report};
use vrrp_fsm::{Fault, Faults, Notice, Reason, State};

use crate::log::Level;

/// The lines for one report, in order.
pub(crate) fn lines(report: &Report) -> Vec<(Level, String)> {
    let one = |level, text: String| vec![(level, text)];
    match report {
        Report::Ready => one(Level::Info, "Startup complete".to_owned()),
        Report::Started {
            instance,
            state,
            faults,
        } => started(instance, *state, *faults),
        Report::Transition {
            instance,
            from,
            to,
            faults,
            reason,
            at: _,
        } => transition(instance, *from, *to, *faults, reason),
        // As keepalived, which says it before the members follow; our members have followed.
        Report::GroupTransition {
            group, to, reason, ..
        } if *reason != Reason::Stopped => one(
            Level::Info,
            format!(
                "VRRP_Group({group}) Syncing instances to {} state",
                word(*to)
            ),
        ),
        Report::GroupStarted {
            group,
            state: State::Initialize,
            faults,
        } if faults.iter().any(|fault| fault != Fault::Held) => one(
            Level::Info,
            format!("VRRP_Group({group}) Syncing instances to FAULT state"),
        ),
        Report::GroupStarted { .. } | Report::GroupTransition { .. } => Vec::new(),
        Report::Notice { instance, notice } => notice_line(instance, notice).into_iter().collect(),
        Report::FaultChanged {
            instance,
            fault,
            set,
            detail,
        } => {
            let name = &instance.name;
            let verb = if *set { "Fault" } else { "Fault is over" };
            let detail = if detail.is_empty() {
                String::new()
            } else {
                format!(" ({detail})")
            };
            one(
                Level::Info,
                format!("({name}) {verb}: {}{detail}", describe(*fault)),
            )
        }
        Report::PriorityChanged {
            instance,
            from,
            state: _,
        } => {
            let InstanceLabel { name, priority } = instance;
            one(
                Level::Info,
                format!("({name}) Changing effective priority from {from} to {priority}"),
            )
        }
        Report::Link { name, state } => {
            let word = match state {
                LinkState::Up => "up",
                LinkState::Down => "down",
                LinkState::Gone => "deleted",
            };
            one(Level::Info, format!("Netlink reports {name} {word}"))
        }
        Report::Repaired { .. }
        | Report::GaveUp { .. }
        | Report::NobodyTookOver { .. }
        | Report::Refused { .. }
        | Report::Foreign { .. } => objects::lines(report),
        Report::AddressClaimed {
            instance,
            address,
            by,
        } => {
            let [a, b, c, d, e, f] = by;
            let name = &instance.name;
            let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
            one(
                Level::Warning,
                format!("({name}) {mac} claims {address} too"),
            )
        }
        Report::Bfd { name, news } => bfd::lines(name, news),
        Report::Announced { interface, address } => {
            let what = match address {
                IpAddr::V4(_) => "gratuitous ARP",
                IpAddr::V6(_) => "unsolicited Neighbour Advert",
            };
            let text = format!("Sending {what} on {interface} for {address}");
            one(Level::Detail, text)
        }
        Report::Address {
            interface,
            address,
            present,
        } => {
            let word = if *present { "added to" } else { "removed from" };
            let text = format!("Netlink reflector reports IP {address} {word} {interface}");
            one(Level::Info, text)
        }
        Report::LeftoversCleaned { removed: 0 } => Vec::new(),
        Report::LeftoversCleaned { removed } => one(
            Level::Notice,
            format!(
                "Found {removed} addresses, routes and rules that an earlier run had left behind"
            ),
        ),
        Report::UnknownVrid {
            interface,
            vrid,
            source,
        } => one(
            Level::Info,
            format!("Unknown VRID({vrid}) received on interface({interface}) from {source}"),
        ),
        Report::Reloaded {
            added,
            changed,
            removed,
            kept,
        } => {
            let counts = format!(
                "Configuration: {} instances added, {} changed, {} removed, {kept} unchanged",
                added.len(),
                changed.len(),
                removed.len()
            );
            vec![
                (Level::Detail, counts),
                (Level::Info, "Reload complete".to_owned()),
            ]
        }
        Report::ReloadRefused { error } => one(
            Level::Error,
            format!("Reload refused, nothing was changed: {error}"),
        ),
        Report::Late { by } => {
            let seconds = by.as_secs_f64();
            one(
                Level::Warning,
                format!("A thread timer expired {seconds:.6} seconds ago"),
            )
        }
        Report::Device { message } => one(Level::Info, message.clone()),
        Report::RulesRepaired { table, unsaid } => one(
            Level::Warning,
            format!(
                "Somebody changed our packet filter, table {table}; put right{}",
                times_more(*unsaid)
            ),
        ),
        Report::Recording { path } => one(Level::Info, format!("Recording to {}", path.display())),
        Report::Trouble { message } => one(Level::Error, message.clone()),
        Report::Lost { count } => one(
            Level::Warning,
            format!("{count} reports of the elections were lost, too many at once"),
        ),
        // The last line of the daemon is its own.
        Report::Stopped => Vec::new(),
        _ => one(Level::Info, format!("{report:?}")),
    }
}

/// The line for something about a script, if it is worth one.
pub(crate) fn hook(report: &HookReport) -> Option<(Level, String)> {
    let level = match report {
        HookReport::Ended {
            outcome: Outcome::Exited(0),
            ..
        } => Level::Detail,
        HookReport::Superseded { .. } | HookReport::Slow { .. } => Level::Notice,
        HookReport::Dismissed { .. } => Level::Info,
        _ => Level::Warning,
    };
    Some((level, report.to_string()))
}

/// How often something has happened that was not told.
fn times_more(unsaid: u64) -> String {
    match unsaid {
        0 => String::new(),
        _ => format!(" ({unsaid} times more since it was last said)"),
    }
}

/// A state in keepalived's words.
pub(crate) fn word(state: State) -> &'static str {
    match state {
        State::Active => "MASTER",
        State::Backup => "BACKUP",
        State::Initialize => "FAULT",
    }
}

/// The line for what became of a mail.
pub(crate) fn mail(report: &MailReport) -> (Level, String) {
    match report {
        MailReport::Sent => (Level::Info, "SMTP alert successfully sent.".to_owned()),
        MailReport::Delayed { error } => (
            Level::Warning,
            format!("SMTP alert not sent yet, there will be another attempt: {error}"),
        ),
        MailReport::Refused(refusal) => (Level::Error, format!("SMTP alert refused: {refusal}")),
        MailReport::Failed { error, attempts: 1 } => {
            (Level::Error, format!("SMTP alert not sent: {error}"))
        }
        MailReport::Failed { error, attempts } => (
            Level::Error,
            format!("SMTP alert not sent after {attempts} attempts: {error}"),
        ),
        MailReport::Full => (
            Level::Warning,
            "Too many SMTP alerts wait for the mail server; new ones are dropped".to_owned(),
        ),
        MailReport::Recovered { lost } => (
            Level::Warning,
            format!("SMTP alerts are sent again; {lost} were dropped"),
        ),
        _ => (Level::Info, format!("{report:?}")),
    }
}

/// The line for something about a tracked object.
pub(crate) fn track(report: &TrackReport) -> (Level, String) {
    match report {
        TrackReport::ScriptChanged { name, outcome } => {
            let how = match outcome {
                Outcome::Exited(0) => "succeeded".to_owned(),
                Outcome::Exited(code) => format!("failed (exited with status {code})"),
                Outcome::Signalled(signal) => format!("failed (due to signal {signal})"),
                Outcome::TimedOut => "timed_out".to_owned(),
                other => format!("failed ({other})"),
            };
            (Level::Info, format!("VRRP_Script({name}) {how}"))
        }
        TrackReport::ScriptReturns { name, code } => {
            (Level::Info, format!("Script `{name}` now returning {code}"))
        }
        TrackReport::ScriptNotStarted { name, error } => (
            Level::Warning,
            format!("VRRP_Script({name}) failed (could not be started: {error})"),
        ),
        TrackReport::ScriptOverlaps { name } => (
            Level::Info,
            format!("Track script {name} is already running, expect idle - skipping run"),
        ),
        TrackReport::ScriptsWait { running } => (
            Level::Warning,
            format!("{running} check scripts are running; the others wait for them to end"),
        ),
        TrackReport::Remark { tracker, text } => {
            (Level::Info, format!("Tracked {tracker}: {text}"))
        }
        TrackReport::Restarted { what } => (
            Level::Error,
            format!("A bug in the watching of {what} was survived; it begins anew"),
        ),
        TrackReport::Failed { what, error } => (
            Level::Error,
            format!("The {what} cannot be watched now: {error}"),
        ),
        other => (Level::Info, format!("{other:?}")),
    }
}

fn started(instance: &InstanceLabel, state: State, faults: Faults) -> Vec<(Level, String)> {
    let name = &instance.name;
    let mut lines = Vec::new();
    match state {
        // The transition into it is reported next.
        State::Active => {}
        State::Backup => {
            lines.push((
                Level::Info,
                format!("({name}) Entering BACKUP STATE (init)"),
            ));
        }
        State::Initialize if faults == Faults::NONE.with(Fault::Held) => {
            lines.push((
                Level::Info,
                format!("({name}) Not started yet: {}", describe(Fault::Held)),
            ));
        }
        State::Initialize if faults.is_empty() => {}
        // What holds it follows, one line for each reason with its details.
        State::Initialize => {
            lines.push((Level::Info, fault_at_start(name)));
        }
    }
    lines
}

fn transition(
    instance: &InstanceLabel,
    from: State,
    to: State,
    faults: Faults,
    reason: &Reason,
) -> Vec<(Level, String)> {
    let InstanceLabel {
        name,
        priority: ours,
    } = instance;
    let mut lines = Vec::new();
    let mut add = |level, text: String| lines.push((level, format!("({name}) {text}")));
    match reason {
        Reason::DownTimer => add(Level::Detail, "Receive advertisement timeout".to_owned()),
        Reason::ReleaseHeard => {
            add(
                Level::Info,
                "Backup received priority 0 advertisement".to_owned(),
            );
            add(Level::Detail, "Receive advertisement timeout".to_owned());
        }
        Reason::ActiveLost => add(Level::Info, "BFD has lost the master".to_owned()),
        Reason::PreemptedLower => {
            add(
                Level::Detail,
                "Only adverts of lower priority were received".to_owned(),
            );
        }
        Reason::HigherPriority { source, priority } => add(
            Level::Info,
            format!(
                "Master received advert from {source} with higher priority {}, ours {ours}",
                priority.get()
            ),
        ),
        Reason::Stalled => add(
            Level::Warning,
            "Was not running for so long that another router has taken over".to_owned(),
        ),
        Reason::AddressLost => add(Level::Warning, "An address was lost".to_owned()),
        _ => {}
    }
    match to {
        State::Active => {
            add(Level::Info, "Entering MASTER STATE".to_owned());
            add(Level::Detail, "setting VIPs.".to_owned());
        }
        State::Backup => {
            add(Level::Info, "Entering BACKUP STATE".to_owned());
            if from == State::Active {
                add(Level::Detail, "removing VIPs.".to_owned());
            }
        }
        State::Initialize => {
            if !faults.is_empty() && *reason != Reason::Stopped {
                // Each fault has a report, and a line, of its own.
                add(Level::Info, "Entering FAULT STATE".to_owned());
            }
            if from == State::Active {
                add(Level::Detail, "sent 0 priority".to_owned());
                add(Level::Detail, "removing VIPs.".to_owned());
            }
        }
    }
    lines
}

fn notice_line(instance: &InstanceLabel, notice: &Notice) -> Option<(Level, String)> {
    let InstanceLabel {
        name,
        priority: ours,
    } = instance;
    let (level, text) = match notice {
        Notice::LowerPriorityAdvert { source, priority } => (
            Level::Info,
            format!(
                "Received advert from {source} with lower priority {}, ours {ours}, forcing new \
                 election",
                priority.get()
            ),
        ),
        Notice::SecondOwner { source } => (
            Level::Warning,
            format!("{source} claims to own the addresses too; only one router may"),
        ),
        Notice::SameAddressAndPriority { source, priority } => (
            Level::Warning,
            format!(
                "Received an advert of priority {} from our own address {source}: it came back, or \
                 another router has the same address",
                priority.get()
            ),
        ),
        Notice::AddressListMismatch { source } => (
            Level::Warning,
            format!("{source} advertises other addresses than are configured here"),
        ),
        Notice::IntervalMismatch { source, theirs } => (
            Level::Info,
            format!("{source} advertises every {theirs}, which is not our interval"),
        ),
        Notice::FirstAddressNotLinkLocal { source } => (
            Level::Info,
            format!("The first address {source} advertises is not link-local"),
        ),
        Notice::SourceNotLinkLocal { source } => (
            Level::Info,
            format!("Received an advert from {source}, which is not link-local"),
        ),
        Notice::ClockDiffers { source, seconds } => (
            Level::Warning,
            format!(
                "The clock of {source} differs by {seconds} s; soon its signatures will be refused"
            ),
        ),
        Notice::Rejected { reason, total } => (
            Level::Info,
            format!("Ignored an advert: {reason} ({total} of this kind so far)"),
        ),
        Notice::Stalled { late } => (
            Level::Warning,
            format!(
                "Was not running for {:.3} s; listening before anything else",
                late.as_secs_f64()
            ),
        ),
        Notice::AdvertLate { late } => (
            Level::Warning,
            format!("An advert was {:.3} s late", late.as_secs_f64()),
        ),
        // Both have reports of their own.
        Notice::FaultsChanged { .. } | Notice::PriorityChanged { .. } => return None,
        other => (Level::Info, format!("{other:?}")),
    };
    Some((level, format!("({name}) {text}")))
}

/// A fault in words.
pub(crate) fn describe(fault: Fault) -> &'static str {
    match fault {
        Fault::LinkDown => "the interface is down",
        Fault::NoInterface => "the interface does not exist",
        Fault::NoReceivePath => "adverts cannot be received",
        Fault::NoSourceAddress => "there is no address to send from",
        Fault::Tracker => "something it tracks has failed",
        Fault::Kernel => "something it sets in the kernel does not stay",
        Fault::Configuration => "the configuration does not allow it to run",
        Fault::Held => "it is held back at start",
        Fault::SyncGroup => "another member of its group is at fault",
        _ => fault.name(),
    }
}

/// An instance is at fault from the start, or from the first word of something it has waited for.
pub(crate) fn fault_at_start(name: &str) -> String {
    format!("({name}) Entering FAULT STATE (init)")
}

/// All faults in words.
pub(crate) fn describe_all(faults: Faults) -> String {
    let words: Vec<_> = faults.iter().map(describe).collect();
    words.join("; ")
}

#[cfg(test)]
mod tests;
