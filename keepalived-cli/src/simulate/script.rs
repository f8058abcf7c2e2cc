//! What the command line makes happen: `--at 5s kill=a`.

use std::path::PathBuf;
use std::time::Duration;

use keepalived_driver::tracked::{TrackedObject, TrackerId, TrackerKind};
use netlink_vip::InterfaceName;
use vrrp_fsm::{Effect, TrackStatus};

use super::topology::{Object, Setup};
use crate::arguments::STDIN;

/// One incident, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) what: What,
    /// As it is written.
    pub(super) text: String,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The power of a machine goes off.
    Kill(usize),
    /// The daemon is stopped in good order.
    Stop(usize),
    Start(usize),
    Stall(usize, Duration),
    Link(usize, InterfaceName, bool),
    /// Frames of the first do not reach the second.
    Cut(End, End),
    /// Cells.
    Partition(Vec<Vec<End>>),
    Heal,
    Reload(usize, PathBuf),
    /// A tracked object, its name, and how it is from now on.
    Object(usize, String, Object),
    Clock(usize, i64),
    /// Frames lost from now on, in parts per million.
    Loss(u32),
}

/// Whose frames: a node or the clients, everywhere or on one wire.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// `None` is the clients.
    pub(super) who: Option<usize>,
    /// Only on the wire of this interface.
    pub(super) interface: Option<InterfaceName>,
}

/// Every word, and what comes after it.
const WORDS: [(&str, &str); 14] = [
    ("kill", "kill=NODE"),
    ("stop", "stop=NODE"),
    ("start", "start=NODE"),
    ("stall", "stall=NODE:TIME"),
    ("link", "link=NODE:INTERFACE up|down"),
    ("cut", "cut=NODE[:INTERFACE]>NODE[:INTERFACE]"),
    ("partition", "partition=NODE[:INTERFACE],.../NODE,..."),
    ("heal", "heal"),
    ("reload", "reload=NODE:FILE"),
    ("fail", "fail=NAME@NODE"),
    ("ok", "ok=NAME@NODE"),
    ("value", "value=NAME@NODE:NUMBER"),
    ("clock", "clock=NODE:+SECONDSs"),
    ("loss", "loss=PERCENT%"),
];

/// The word for the clients in `cut` and `partition`.
pub(super) const CLIENT: &str = "client";

/// Reads `5s kill=a`.
pub(super) fn step(text: &str, names: &[String]) -> Result<Step, String> {
    let mut words = text.split_whitespace();
    let missing = || format!("--at {text}: want a time and what happens, as in --at 5s kill=a");
    let at = duration(words.next().ok_or_else(missing)?)
        .map_err(|error| format!("--at {text}: {error}"))?;
    let rest: Vec<&str> = words.collect();
    let Some((first, more)) = rest.split_first() else {
        return Err(missing());
    };
    let what = what(first, more, names).map_err(|error| format!("--at {text}: {error}"))?;
    let text = text.to_owned();
    Ok(Step { at, what, text })
}

fn what(first: &str, more: &[&str], names: &[String]) -> Result<What, String> {
    let (word, value) = first.split_once('=').unwrap_or((first, ""));
    let Some((_, form)) = WORDS.iter().find(|(known, _)| *known == word) else {
        let known: Vec<&str> = WORDS.iter().map(|(_, form)| *form).collect();
        let near = nearest(word, WORDS.iter().map(|(word, _)| *word));
        let hint = near.map_or_else(|| ".".to_owned(), |near| format!(", did you mean {near}?"));
        return Err(format!(
            "nothing called {word} can happen{hint} There are: {}",
            known.join(", ")
        ));
    };
    let wrong = || format!("want {form}");
    if !more.is_empty() && word != "link" {
        return Err(wrong());
    }
    let node = |name: &str| node(name, names);
    let pair = |separator| value.split_once(separator).ok_or_else(wrong);
    Ok(match word {
        "kill" => What::Kill(node(value)?),
        "stop" => What::Stop(node(value)?),
        "start" => What::Start(node(value)?),
        "stall" => {
            let (name, length) = pair(':')?;
            What::Stall(node(name)?, duration(length)?)
        }
        "link" => {
            let (name, rest) = pair(':')?;
            let (interface, state) = match (rest.split_once(':'), more) {
                (Some((interface, state)), []) => (interface, state),
                (None, [state]) => (rest, *state),
                _ => return Err(wrong()),
            };
            let up = match state {
                "up" => true,
                "down" => false,
                _ => return Err(wrong()),
            };
            let interface =
                InterfaceName::new(interface).map_err(|error| format!("{interface}: {error}"))?;
            What::Link(node(name)?, interface, up)
        }
        "cut" => {
            let (from, to) = value
                .split_once('>')
                .or_else(|| value.split_once(':'))
                .ok_or_else(wrong)?;
            let (one, other) = (end(from, names)?, end(to, names)?);
            if one.who == other.who {
                return Err(format!("{from} cannot be cut from itself"));
            }
            What::Cut(one, other)
        }
        "partition" if value.contains('/') => {
            let cell = |cell: &str| cell.split(',').map(|name| end(name, names)).collect();
            let cells = value.split('/').map(cell).collect::<Result<_, _>>()?;
            What::Partition(cells)
        }
        "heal" if value.is_empty() => What::Heal,
        "reload" => {
            let (name, file) = pair(':')?;
            let file = if file == "-" { STDIN } else { file };
            What::Reload(node(name)?, file.into())
        }
        "fail" | "ok" => {
            let (object, name) = value.rsplit_once('@').ok_or_else(wrong)?;
            let is = if word == "ok" {
                Object::Good
            } else {
                Object::Bad
            };
            What::Object(node(name)?, object.to_owned(), is)
        }
        "value" => {
            let (object, rest) = value.rsplit_once('@').ok_or_else(wrong)?;
            let (name, number) = rest.split_once(':').ok_or_else(wrong)?;
            let number = number.parse().map_err(|_| wrong())?;
            What::Object(node(name)?, object.to_owned(), Object::Value(number))
        }
        "clock" => {
            let (name, step) = pair(':')?;
            let (sign, length) = match step.strip_prefix('-') {
                Some(length) => (-1, length),
                None => (1, step.strip_prefix('+').unwrap_or(step)),
            };
            let length = duration(length)?;
            if length.subsec_nanos() != 0 {
                return Err(format!("{step}: a clock makes a step of whole seconds"));
            }
            let seconds = i64::try_from(length.as_secs()).map_err(|_| wrong())?;
            What::Clock(node(name)?, sign * seconds)
        }
        "loss" => What::Loss(percent(value)?),
        _ => return Err(wrong()),
    })
}

fn node(name: &str, names: &[String]) -> Result<usize, String> {
    let found = names.iter().position(|known| known == name);
    found.ok_or_else(|| {
        let near = nearest(name, names.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!(", did you mean {near}?"));
        format!(
            "there is no node {name}{hint} (there are: {})",
            names.join(", ")
        )
    })
}

/// Every node is in one part. The clients need not be named: they stay with the first.
pub(super) fn is_whole<'a>(
    cells: &[Vec<End>],
    nodes: impl Iterator<Item = (usize, &'a str)>,
) -> Result<(), String> {
    let all = || cells.iter().flatten();
    let times = |wanted| all().filter(|one| one.who == wanted).count();
    if times(None) > 1 {
        return Err(format!("{CLIENT} is named {} times", times(None)));
    }
    let mut missing = Vec::new();
    for (node, name) in nodes {
        match times(Some(node)) {
            0 => missing.push(name),
            1 => {}
            more => return Err(format!("{name} is named {more} times")),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "every node has to be in one part, and none has {}",
        missing.join(", ")
    ))
}

/// A node or the clients, and perhaps an interface: `a`, `a:eth0`, `client`.
fn end(word: &str, names: &[String]) -> Result<End, String> {
    let (name, interface) = match word.split_once(':') {
        Some((name, interface)) => (name, Some(interface)),
        None => (word, None),
    };
    let who = anybody(name, names)?;
    let read = |interface| {
        let read = InterfaceName::new(interface);
        read.map_err(|error| format!("{interface}: {error}"))
    };
    let interface = interface.map(read).transpose()?;
    if who.is_none() && interface.is_some() {
        return Err(format!(
            "{CLIENT} has no interfaces: name that of a node on the same network, as in partition=a:eth1,b/client"
        ));
    }
    Ok(End { who, interface })
}

/// A node or the clients.
fn anybody(name: &str, names: &[String]) -> Result<Option<usize>, String> {
    match node(name, names) {
        Err(_) if name == CLIENT => Ok(None),
        found => found.map(Some),
    }
}

/// Whether a file fails with the number 1 and is in order with 0, for somebody who tracks it: with a positive weight it
/// is the other way round.
pub(super) fn one_is_worse(setups: &[std::sync::Arc<Setup>], id: &TrackerId) -> bool {
    let instances = setups.iter().flat_map(|setup| &setup.driver.instances);
    let trackers = instances.flat_map(|one| &one.trackers);
    let mut users = trackers.filter(|used| used.tracker == *id).peekable();
    let effect =
        |used: &TrackedObject, value| match used.influence.effect(TrackStatus::Value(value)) {
            Effect::Adjust(adjustment) => Some(adjustment),
            _ => None,
        };
    users.peek().is_none() || users.any(|used| effect(used, 1) < effect(used, 0))
}

/// Which tracker of a node `name` is: `check_web`, or `script:check_web` if there are several.
pub(super) fn tracker(setups: &[std::sync::Arc<Setup>], name: &str) -> Result<TrackerId, String> {
    let (kind, name) = match name.split_once(':') {
        Some((kind, name)) => (Some(kind), name),
        None => (None, name),
    };
    let mut known: Vec<TrackerId> = Vec::new();
    for tracker in setups.iter().flat_map(|setup| &setup.driver.trackers) {
        if !known.contains(&tracker.id) {
            known.push(tracker.id.clone());
        }
    }
    let fits =
        |id: &&TrackerId| *id.name == *name && kind.is_none_or(|kind| id.kind.word() == kind);
    let found: Vec<&TrackerId> = known.iter().filter(fits).collect();
    match found.as_slice() {
        [id] if id.kind == TrackerKind::Bfd => Err(format!(
            "BFD session {name} lives by what happens to the nodes and wires: kill, link, cut"
        )),
        [id] => Ok((*id).clone()),
        [] => {
            let names: Vec<&str> = known.iter().map(|id| &*id.name).collect();
            let near = nearest(name, names.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!(", did you mean {near}?"));
            Err(match names.is_empty() {
                true => format!("nothing called {name} is tracked there: nothing is"),
                false => format!(
                    "nothing called {name} is tracked there{hint} (there are: {})",
                    names.join(", ")
                ),
            })
        }
        several => {
            // Nothing can be said of a session here, see above.
            let kinds = several.iter().filter(|id| id.kind != TrackerKind::Bfd);
            let kinds: Vec<String> = kinds
                .map(|id| format!("{}:{name}", id.kind.word()))
                .collect();
            Err(format!(
                "several are called {name}: say {}",
                kinds.join(" or ")
            ))
        }
    }
}

/// `5s`, `500ms`, `1.5s`, `2m`, `100us`, `10` (seconds).
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no time: want 5s, 1.5s, 500ms, 100us, 2m, 1h or 1d");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wrong()),
    };
    let seconds = number * unit;
    if seconds > LONGEST {
        return Err(format!("{text} is more than 30 days"));
    }
    // To the nanosecond, whatever the binary fraction came to.
    let whole = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    Ok(Duration::from_micros(
        u64::try_from((whole + Duration::from_nanos(500)).as_micros()).map_err(|_| wrong())?,
    ))
}

/// Thirty days, in seconds.
const LONGEST: f64 = 2_592_000.0;

/// `1%`, `0.5%`, `1` (percent): parts per million.
pub(super) fn percent(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text} is no share of frames: want 0% to 100%");
    let number: f64 = text
        .strip_suffix('%')
        .unwrap_or(text)
        .parse()
        .map_err(|_| wrong())?;
    if !(0.0..=100.0).contains(&number) {
        return Err(wrong());
    }
    // In range, see above.
    Ok((number * 10_000.0).round() as u32)
}

/// The candidate spelled most like a word, at most two letters apart.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let ranked = candidates.map(|candidate| (distance(word, candidate), candidate));
    let best = ranked.min_by_key(|(distance, _)| *distance)?;
    (best.0 <= 2 && best.0 < word.len()).then_some(best.1)
}

/// Letters to change, add or take away.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (b, above) in other.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != *b))
                .min(left + 1)
                .min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
