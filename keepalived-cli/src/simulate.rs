//! `simulate FILE...`: what the nodes of a cluster will do when something happens to them.
//!
//! The files are read and lowered as the daemon does it, the elections and BFD sessions are those of the
//! daemon, and the network is [`netsim`]'s: virtual time, and all chance from one seed.

mod client;
mod cluster;
mod cuts;
pub(crate) mod document;
mod frame;
pub(crate) mod json;
mod machine;
mod objects;
mod page;
mod play;
mod recorder;
mod router;
mod script;
mod seeds;
mod sessions;
mod station;
mod text;
mod topology;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::arguments::{Simulate, USAGE};
use crate::nodes;
use crate::stdin::{READ_ONCE, is_stdin};

use cluster::{Cluster, Wanted};
use document::{Document, Link, Meta};
use play::{Settings, play, prepare};
use script::{Step, What};

/// Exit codes of `simulate`.
const BAD_FILE: u8 = 1;
const BROKEN: u8 = 2;

/// Why nothing can be simulated, for people.
#[derive(Debug)]
enum Trouble {
    /// The command line.
    Words(String),
    /// Files.
    Files(String),
}

impl From<String> for Trouble {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

/// The rules that a run can break, and when they are broken.
pub(crate) const RULES: &[(&str, &str)] = &[
    (
        "two-masters",
        "two between whom frames pass in both directions stay MASTER for longer than an interval and the way there and back",
    ),
    (
        "no-master",
        "nobody is MASTER for longer than any member needs, although one that listens could be",
    ),
    ("late-takeover", "a takeover is later than its bound"),
    (
        "address-held-twice",
        "an address is held for two virtual routers by nodes that reach each other",
    ),
    ("not-loaded", "the elections refuse what was made of a file"),
    ("simulation", "the simulation itself could not go on"),
];

/// How long a run goes on after the last incident, unless told otherwise.
const AFTERWARDS: Duration = Duration::from_secs(15);
/// So long at least beyond the time in which somebody must have become MASTER.
const BEYOND: Duration = Duration::from_secs(5);
/// Shorter ones show too little.
const LEAST: Duration = Duration::from_secs(20);
/// So much longer at most, for a client that goes on with the wrong node: until it doubts that, as
/// [`netsim::vrrp::HostNode::like_linux`] does, and some seconds more where an answer is lost.
const DOUBT: Duration = Duration::from_secs(60);
/// By how much starts differ from run to run, unless told otherwise.
const SPREAD: Duration = Duration::from_secs(1);

/// `simulate FILE...`.
pub(crate) fn run(options: &Simulate) -> ExitCode {
    match document(options) {
        Ok(document) => {
            if let Some(file) = &options.html
                && let Err(error) = fs::write(file, page::page(&document))
            {
                eprintln!("keepalived-rs simulate: {}: {error}", file.display());
                return ExitCode::from(BAD_FILE);
            }
            let mut out = io::stdout().lock();
            // A closed pipe is no reason to be silent about the outcome: the exit code counts.
            let _ = if options.json {
                writeln!(out, "{}", json::json(&document))
            } else {
                write!(out, "{}", text::text(&document))
            };
            let broken = document
                .seeds
                .as_ref()
                .map_or(0, |all| all.runs_with_violations);
            if document.violations.is_empty() && broken == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(BROKEN)
            }
        }
        Err(trouble) => {
            let (Trouble::Words(why) | Trouble::Files(why)) = &trouble;
            eprintln!("keepalived-rs simulate: {why}");
            ExitCode::from(match trouble {
                Trouble::Words(_) => USAGE,
                Trouble::Files(_) => BAD_FILE,
            })
        }
    }
}

/// The page may take the place of an earlier page and of nothing else: where its name was forgotten, the next word
/// is a configuration.
fn may_write(file: &Path) -> Result<(), String> {
    let regular = fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() > 0);
    if regular && !fs::read(file).is_ok_and(|found| found.starts_with(page::BEGINNING.as_bytes())) {
        return Err(format!(
            "--html {}: that file is there and is no page of `simulate`",
            file.display()
        ));
    }
    Ok(())
}

/// Everything about what was asked for.
fn document(options: &Simulate) -> Result<Document, Trouble> {
    if options.files.is_empty() {
        return Err("no file given".to_owned().into());
    }
    if options.html.as_deref() == Some(Path::new("-")) {
        return Err("--html -: the page needs a file of its own"
            .to_owned()
            .into());
    }
    if let Some(file) = &options.html {
        may_write(file).map_err(Trouble::Files)?;
    }
    let names = nodes::names(&options.files, &options.name)?;
    if names.iter().any(|name| name == script::CLIENT) {
        return Err(format!(
            "{}: in `cut` and `partition` that is the clients; give the node another name with --name",
            script::CLIENT
        )
        .into());
    }
    let from_stdin = options.files.iter().filter(|file| is_stdin(file)).count();
    let mut script: Vec<Step> = options
        .at
        .iter()
        .map(|step| script::step(step, &names))
        .collect::<Result<_, _>>()?;
    script.sort_by_key(|step| step.at);
    let again = script.iter().filter(|step| match &step.what {
        What::Reload(_, file) => is_stdin(file),
        _ => false,
    });
    if from_stdin + again.count() > 1 {
        return Err(READ_ONCE.to_owned().into());
    }
    let reloads = script.iter().filter_map(|step| match &step.what {
        What::Reload(node, file) => Some((*node, file.clone())),
        _ => None,
    });
    let cluster = Cluster::load(&Wanted {
        nodes: names.iter().cloned().zip(options.files.clone()).collect(),
        reloads: reloads.collect(),
        wires: options.wire.clone(),
        addresses: options.address.clone(),
    })?;
    let settings = settings(
        options,
        &script,
        cluster.longest_down() + cluster.longest_delay(),
    )?;
    let ready = prepare(&cluster, &settings, &script)?;
    let command = |seed| command(options, &settings, seed);
    let all = options.seeds.map(|count| {
        let first = options.seed;
        seeds::all(&cluster, &names, &settings, &ready, first, count, command)
    });
    let seed = all.as_ref().map_or(options.seed, |all| all.worst);
    let found = play(&cluster, &names, &settings, &ready, seed, false);
    let percent = |ppm: u32| f64::from(ppm) / 10_000.0;
    Ok(Document {
        meta: Meta {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            length: found.length,
            link: Link {
                delay_min: settings.delay.0,
                delay_max: settings.delay.1,
                loss_percent: percent(settings.loss),
                duplicate_percent: percent(settings.duplicate),
                reorder: settings.reorder,
            },
            command: command(seed),
        },
        nodes: cluster.nodes,
        instances: cluster.instances,
        not_simulated: cluster.remarks,
        networks_assumed: cluster.networks_assumed,
        spans: found.spans,
        adverts: found.adverts,
        adverts_left_out: found.adverts_left_out,
        incidents: found.incidents,
        events: found.events,
        events_left_out: found.events_left_out,
        takeovers: found.takeovers,
        outages: found.outages,
        never_reached: found.never_reached,
        unanswered: found.unanswered,
        conflicts: found.conflicts,
        handovers: found.handovers,
        violations: found.violations,
        totals: found.totals,
        seeds: all,
    })
}

/// `down` is how long a node can take to notice that nobody is MASTER, and to be allowed to do something about it.
fn settings(options: &Simulate, script: &[Step], down: Duration) -> Result<Settings, String> {
    let named = |option: &str, error| format!("{option}: {error}");
    let time = |option: &str, text: &Option<String>| {
        let read = text.as_deref().map(script::duration).transpose();
        read.map_err(|error| named(option, error))
    };
    let share = |option: &str, text: &Option<String>| {
        let read = text.as_deref().map_or(Ok(0), script::percent);
        read.map_err(|error| named(option, error))
    };
    let delay = options.delay.as_str();
    let (least, most) = delay.split_once("..").unwrap_or((delay, delay));
    let delay = |text| script::duration(text).map_err(|error| named("--delay", error));
    let delay = (delay(least)?, delay(most)?);
    if delay.0 > delay.1 {
        return Err("--delay: the longest is shorter than the shortest".to_owned());
    }
    let last = script.last().map_or(Duration::ZERO, |step| step.at);
    let stalls = script.iter().map(|step| match step.what {
        What::Stall(_, length) => step.at + length,
        _ => step.at,
    });
    let over = stalls.max().unwrap_or(last) + AFTERWARDS.max(down + BEYOND);
    let wanted = time("--for", &options.length)?;
    let (length, patience) = match wanted {
        Some(length) => (length, Duration::ZERO),
        None => (over.max(LEAST), DOUBT),
    };
    if length.is_zero() {
        return Err("--for: want more than no time".to_owned());
    }
    if last > length {
        return Err("--for: the simulation is over before the last --at".to_owned());
    }
    if let Some(count) = options.seeds
        && options.seed.checked_add(count - 1).is_none()
    {
        return Err(format!(
            "--seeds: {count} runs from seed {} on go beyond the last one, {}",
            options.seed,
            u64::MAX
        ));
    }
    let usual = match options.seeds {
        Some(_) => SPREAD,
        None => Duration::ZERO,
    };
    Ok(Settings {
        length,
        patience,
        delay,
        loss: share("--loss", &options.loss)?,
        duplicate: share("--duplicate", &options.duplicate)?,
        reorder: options.reorder,
        spread: time("--spread", &options.spread)?.unwrap_or(usual),
    })
}

/// The command that does the same again.
fn command(options: &Simulate, settings: &Settings, seed: u64) -> String {
    let mut words = vec!["keepalived-rs".to_owned(), "simulate".to_owned()];
    words.extend(
        options
            .files
            .iter()
            .map(|file| quoted(&file.to_string_lossy())),
    );
    let mut add = |option: &str, values: &[String]| {
        for value in values {
            words.push(format!("{option} {}", quoted(value)));
        }
    };
    add("--name", &options.name);
    add("--wire", &options.wire);
    add("--address", &options.address);
    for step in &options.at {
        let (time, what) = step.split_once(' ').unwrap_or((step, ""));
        words.push(format!("--at {time} {}", what_words(what)));
    }
    let mut option = |option: &str, value: &Option<String>| {
        if let Some(value) = value {
            words.push(format!("{option} {}", quoted(value)));
        }
    };
    option("--for", &options.length);
    option("--loss", &options.loss);
    option("--duplicate", &options.duplicate);
    if options.delay != DELAY {
        option("--delay", &Some(options.delay.clone()));
    }
    if options.reorder {
        words.push("--reorder".to_owned());
    }
    if !settings.spread.is_zero() {
        let micros = settings.spread.as_micros();
        words.push(match micros % 1_000 {
            0 => format!("--spread {}ms", micros / 1_000),
            _ => format!("--spread {micros}us"),
        });
    }
    words.push(format!("--seed {seed}"));
    words.join(" ")
}

/// `cut=a>b` needs quotes in a shell; the state of a link is a word of its own.
fn what_words(what: &str) -> String {
    let words: Vec<String> = what.split_whitespace().map(quoted).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// How long frames take, unless told otherwise: a switch and two network cards.
pub(crate) const DELAY: &str = "100us..300us";
