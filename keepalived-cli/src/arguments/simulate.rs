//! The command line of `simulate`.

use std::path::PathBuf;

use argh::FromArgs;

use super::{Refusal, STDIN};
use crate::simulate::DELAY;

/// Run configurations in virtual time, the whole configuration of a node each, and say what the nodes do
/// when something happens to them. Exit code 0: no rule of the protocol was broken; 1: a file cannot be
/// used, or the page cannot be written; 2: a rule was broken; 64: the command line cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(
    subcommand,
    name = "simulate",
    example = "{command_name} a.conf b.conf --at 5s kill=a --at 20s start=a --loss 1% --seed 7",
    note = "What can happen (--at TIME ...; times are 5s, 1.5s, 500ms, 2m, 1d):\n\
            kill=NODE  the power goes off; stop=NODE  the daemon is stopped; start=NODE\n\
            stall=NODE:3s  the node is frozen; clock=NODE:+3600s  its clock makes a step\n\
            link=NODE:eth0 down  a cable is pulled, or plugged in again (up)\n\
            'cut=NODE>NODE'  frames of the first do not reach the second; 'cut=NODE:eth0>NODE'  on\n\
            the network of that interface only; heal  all is whole again\n\
            partition=NODE,NODE/NODE  cells that do not hear each other; the clients are in the\n\
            first one, or wherever `client` is written; with NODE:eth0, that network alone\n\
            reload=NODE:FILE  another configuration; loss=20%  of frames from now on\n\
            fail=NAME@NODE, ok=NAME@NODE  a tracked script or process; value=NAME@NODE:5  a tracked\n\
            file (fail is 1, ok is 0)\n\
            Interfaces of different names are on different networks, unless --wire says otherwise."
)]
pub(crate) struct Simulate {
    /// something that happens: a time and what, as in --at 5s kill=a
    #[argh(option)]
    pub(crate) at: Vec<String>,
    /// name of a node, in the order of the files; that of the file otherwise. Lines that begin with
    /// @NAME are those of this node
    #[argh(option)]
    pub(crate) name: Vec<String>,
    /// interfaces that are on one wire, as in eth0@a=eth1@b; otherwise those of the same name are
    #[argh(option)]
    pub(crate) wire: Vec<String>,
    /// address of an interface, as in eth0@a=192.0.2.1; made up if no file has it
    #[argh(option)]
    pub(crate) address: Vec<String>,
    /// how long (15 seconds after the last thing that happens, longer with long intervals and delays; at
    /// least 20 seconds; 60 seconds more at most, until clients have found who has an address)
    #[argh(option, long = "for")]
    pub(crate) length: Option<String>,
    /// share of frames that are lost, as in 1%
    #[argh(option)]
    pub(crate) loss: Option<String>,
    /// share of frames that come twice
    #[argh(option)]
    pub(crate) duplicate: Option<String>,
    /// how long frames take, or between what and what (100us..300us)
    #[argh(option, default = "DELAY.to_owned()")]
    pub(crate) delay: String,
    /// frames may overtake each other
    #[argh(switch)]
    pub(crate) reorder: bool,
    /// source of all chance (0)
    #[argh(option, default = "0", from_str_fn(seed))]
    pub(crate) seed: u64,
    /// run so often, each with the next seed; say how times are distributed, and show the worst run
    #[argh(option, from_str_fn(count))]
    pub(crate) seeds: Option<u64>,
    /// starts, and all that happens, are later by up to this, as the seed has it (0s; 1s with --seeds)
    #[argh(option)]
    pub(crate) spread: Option<String>,
    /// everything, as one JSON document
    #[argh(switch)]
    pub(crate) json: bool,
    /// draw it too: a page for a browser, all in one file
    #[argh(option)]
    pub(crate) html: Option<PathBuf>,
    /// files to read, the whole configuration of a node each; - for standard input
    #[argh(positional)]
    pub(crate) files: Vec<PathBuf>,
}

/// A lone dash that is a file, where argh would take it for an option.
pub(super) fn with_stdin(words: &[String]) -> Vec<String> {
    let mut value = false;
    let replaced = words.iter().map(|word| {
        let word = match word.as_str() {
            "-" if !value => STDIN.to_owned(),
            other => other.to_owned(),
        };
        value = word.starts_with("--") && !SWITCHES.contains(&word.as_str());
        word
    });
    replaced.collect()
}

/// Options without a value.
const SWITCHES: [&str; 2] = ["--json", "--reorder"];

/// A number for all chance.
fn seed(word: &str) -> Result<u64, String> {
    let wrong = |_| format!("want a number from 0 to {}", u64::MAX);
    word.parse().map_err(wrong)
}

/// How many runs.
fn count(word: &str) -> Result<u64, String> {
    match word.parse() {
        Ok(count @ 1..=MOST_RUNS) => Ok(count),
        _ => Err(format!("want a number from 1 to {MOST_RUNS}")),
    }
}

/// More take days.
const MOST_RUNS: u64 = 10_000_000;

/// The words of each `--at` as one: a time, what happens, and for a link which way.
pub(super) fn joined(words: &[String]) -> Result<Vec<String>, Refusal> {
    let mut joined = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        joined.push(word.clone());
        if word != "--at" {
            continue;
        }
        let missing = || Refusal {
            message: "--at: want a time and what happens, as in --at 5s kill=a".to_owned(),
            show_usage: false,
        };
        let mut step = words.next().ok_or_else(missing)?.clone();
        if !step.contains(char::is_whitespace) {
            let what = words.next().ok_or_else(missing)?;
            step = format!("{step} {what}");
            if what.starts_with("link=")
                && let Some(way) = words.next_if(|word| *word == "up" || *word == "down")
            {
                step = format!("{step} {way}");
            }
        }
        joined.push(step);
    }
    Ok(joined)
}
