//! What a simulation found, as plain data: the one source of the text, of `--json` and of the page.
//!
//! Times are [`Duration`]s since the beginning of the simulation here, and numbers of seconds in JSON.
//! Nodes and virtual routers are named by their places in [`Document::nodes`] and
//! [`Document::instances`]. All lists of happenings are in the order of time.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use vrrp_proto::Family;

/// Version of the JSON document: counts changes that take a name away or give it another meaning.
pub(crate) const SCHEMA: u32 = 1;

/// Everything about one run, and about all of them if there were several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// What was run.
    pub(crate) meta: Meta,
    /// The nodes, in the order of the command line.
    pub(crate) nodes: Vec<Node>,
    /// The virtual routers: each is one VRID of one family on one wire, whatever nodes run it.
    pub(crate) instances: Vec<Instance>,
    /// What of the files has no part in the simulation.
    pub(crate) not_simulated: Vec<Remark>,
    /// Virtual routers that look like one are taken to be on two networks, as their interfaces have different names.
    pub(crate) networks_assumed: bool,
    /// Who was what, when. The spans of one node and virtual router follow each other without gaps
    /// from the beginning to the end.
    pub(crate) spans: Vec<Span>,
    /// Adverts sent, thinned if there were many.
    pub(crate) adverts: Vec<Advert>,
    /// How many adverts were left out of `adverts`.
    pub(crate) adverts_left_out: u64,
    /// What the command line made happen.
    pub(crate) incidents: Vec<Incident>,
    /// What happened by itself, one line each: the words of the timeline.
    pub(crate) events: Vec<Event>,
    /// How many events were left out of `events`.
    pub(crate) events_left_out: u64,
    /// Each time a node became MASTER.
    pub(crate) takeovers: Vec<Takeover>,
    /// When a client could not reach an address.
    pub(crate) outages: Vec<Outage>,
    /// Addresses that no client could reach at any time.
    pub(crate) never_reached: Vec<Unreached>,
    /// When an address was reached that answers nothing itself.
    pub(crate) unanswered: Vec<Unanswered>,
    /// When several nodes were MASTER of one virtual router at a time, for longer than a handover takes.
    pub(crate) conflicts: Vec<Conflict>,
    /// The same for no longer than two frames take: the old one lets go when it hears the new one.
    pub(crate) handovers: Vec<Conflict>,
    /// Rules that were broken: none, if all is well.
    pub(crate) violations: Vec<Violation>,
    /// Sums.
    pub(crate) totals: Totals,
    /// All runs together (`--seeds`); the rest of the document is the worst of them.
    pub(crate) seeds: Option<Seeds>,
}

/// What was run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meta {
    /// Of this program.
    pub(crate) version: String,
    /// The source of all chance.
    pub(crate) seed: u64,
    /// How long the simulation lasted.
    pub(crate) length: Duration,
    /// What the wires do to frames.
    pub(crate) link: Link,
    /// The command that does the same again.
    pub(crate) command: String,
}

/// What a wire does to a frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    /// Shortest one-way delay.
    pub(crate) delay_min: Duration,
    /// Longest one-way delay.
    pub(crate) delay_max: Duration,
    /// Frames lost, in percent.
    pub(crate) loss_percent: f64,
    /// Frames that arrive twice, in percent.
    pub(crate) duplicate_percent: f64,
    /// Frames may overtake each other.
    pub(crate) reorder: bool,
}

/// One machine that runs one file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Its name.
    pub(crate) name: String,
    /// Its configuration at the beginning.
    pub(crate) file: PathBuf,
}

/// A virtual router.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    /// The name in the first file that has it.
    pub(crate) name: String,
    /// Family.
    pub(crate) family: Family,
    /// Virtual router identifier.
    pub(crate) vrid: u8,
    /// Which wire it is on: the name of the interface, or several joined by `=`.
    pub(crate) wire: String,
    /// The addresses, of all nodes together.
    pub(crate) addresses: Vec<IpAddr>,
    /// Which nodes run it.
    pub(crate) members: Vec<Member>,
}

/// A node's share in a virtual router.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// The node.
    pub(crate) node: usize,
    /// The name in its file.
    pub(crate) name: String,
    /// The interface.
    pub(crate) interface: String,
    /// Priority as configured, 1..=255.
    pub(crate) priority: u8,
    /// VRRP version, 2 or 3.
    pub(crate) version: u8,
    /// The group it is in.
    pub(crate) group: Option<String>,
}

/// Something in a file that has no part in the simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// In the file of this node.
    pub(crate) node: usize,
    /// What, and how it is taken instead.
    pub(crate) text: String,
}

/// What a virtual router on a node is doing, in the words of users.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// The node is off, or does not run it (any more).
    Off,
    /// At fault.
    Fault,
    /// Held back at the start: nothing is wrong.
    Waiting,
    /// Listening.
    Backup,
    /// Holding the addresses.
    Master,
}

impl State {
    /// The word: `OFF`, `FAULT`, `WAITING`, `BACKUP`, `MASTER`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Fault => "FAULT",
            Self::Waiting => "WAITING",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
        }
    }
}

/// A time in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The node.
    pub(crate) node: usize,
    /// The virtual router.
    pub(crate) instance: usize,
    /// What it was.
    pub(crate) state: State,
    /// From when.
    pub(crate) since: Duration,
    /// Until when; the end of the simulation for the last one.
    pub(crate) until: Duration,
    /// Why it began, in words; may be empty.
    pub(crate) reason: String,
}

/// An advert on its way out.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advert {
    /// When.
    pub(crate) at: Duration,
    /// Who sent it.
    pub(crate) node: usize,
    /// For which virtual router.
    pub(crate) instance: usize,
    /// The priority in it; 0 releases the addresses.
    pub(crate) priority: u8,
}

/// Something that the command line made happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    /// When.
    pub(crate) at: Duration,
    /// Its place among all incidents and events.
    pub(crate) order: u64,
    /// The nodes it is about; empty: all.
    pub(crate) nodes: Vec<usize>,
    /// What, in words: `a is killed`.
    pub(crate) text: String,
}

/// Something that happened by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// When.
    pub(crate) at: Duration,
    /// Its place among all incidents and events.
    pub(crate) order: u64,
    /// On which node, if on one.
    pub(crate) node: Option<usize>,
    /// About which virtual router, if about one.
    pub(crate) instance: Option<usize>,
    /// What, in words.
    pub(crate) text: String,
}

/// Why a node became MASTER.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It owns the addresses.
    Owner,
    /// Nothing was heard at all since it began to listen.
    Start,
    /// Nothing was heard any more.
    Silence,
    /// The old one said goodbye.
    Release,
    /// BFD said that the old one is gone.
    Bfd,
    /// The old one has a lower priority.
    Preempt,
    /// The others of its group did.
    Group,
}

impl Why {
    /// In a word or two.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Owner => "owns the addresses",
            Self::Start => "heard nobody since its start",
            Self::Silence => "heard nobody any more",
            Self::Release => "the old one said goodbye",
            Self::Bfd => "BFD lost the old one",
            Self::Preempt => "the old one has a lower priority",
            Self::Group => "with its group",
        }
    }
}

/// How a takeover compares with what the protocol promises.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not later than the bound.
    Within,
    /// Later than the bound.
    Late,
    /// The protocol promises nothing here.
    NoBound,
}

impl Verdict {
    /// `within`, `late` or `no bound`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Late => "late",
            Self::NoBound => "no bound",
        }
    }
}

/// A node has become MASTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Takeover {
    /// The virtual router.
    pub(crate) instance: usize,
    /// Who was MASTER before, if anybody was.
    pub(crate) from: Option<usize>,
    /// Who is now.
    pub(crate) to: usize,
    /// When.
    pub(crate) at: Duration,
    /// Why.
    pub(crate) why: Why,
    /// When the last advert of the old one was sent.
    pub(crate) last_advert: Option<Duration>,
    /// From what began it (the last advert heard, the goodbye, the start, or the first advert with a
    /// lower priority) until now.
    pub(crate) took: Duration,
    /// The longest that it may take by the protocol and the delay of the wires.
    pub(crate) bound: Option<Duration>,
    /// The two compared.
    pub(crate) verdict: Verdict,
}

/// A time during which a client could not reach an address that it had reached before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The virtual router of the address.
    pub(crate) instance: usize,
    /// The wire of the client.
    pub(crate) wire: String,
    /// The address.
    pub(crate) address: IpAddr,
    /// From when.
    pub(crate) from: Duration,
    /// Until when; nothing if it lasted to the end of the simulation.
    pub(crate) until: Option<Duration>,
    /// How long, to the end of the simulation at most.
    pub(crate) length: Duration,
    /// How long of that another node held the address, and the client had not heard of it.
    pub(crate) unheard: Duration,
    /// Why, in words.
    pub(crate) why: String,
}

/// An address that a client could not reach from the beginning to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreached {
    /// The virtual router of the address.
    pub(crate) instance: usize,
    /// The wire of the client.
    pub(crate) wire: String,
    /// The address.
    pub(crate) address: IpAddr,
    /// Why it could not be reached in the end, in words.
    pub(crate) why: String,
}

/// A time in which a client reached an address at a node that drops what is for the address itself (`no_accept`): it
/// forwards, and answers neither a ping nor a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    /// The virtual router of the address.
    pub(crate) instance: usize,
    /// The wire of the client.
    pub(crate) wire: String,
    /// The address.
    pub(crate) address: IpAddr,
    /// The node.
    pub(crate) node: usize,
    /// From when.
    pub(crate) from: Duration,
    /// Until when; `None`: to the end.
    pub(crate) until: Option<Duration>,
    /// How long, to the end at most.
    pub(crate) length: Duration,
}

/// Several nodes were MASTER at a time, or held one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// Of which virtual router.
    pub(crate) instance: usize,
    /// The address that is held twice, if the nodes hold it for virtual routers with different numbers:
    /// `instance` is one of these.
    pub(crate) address: Option<IpAddr>,
    /// Which nodes.
    pub(crate) nodes: Vec<usize>,
    /// From when.
    pub(crate) from: Duration,
    /// Until when; nothing if it lasted to the end of the simulation.
    pub(crate) until: Option<Duration>,
    /// How long, to the end of the simulation at most.
    pub(crate) length: Duration,
    /// Why, in words.
    pub(crate) why: String,
}

impl Document {
    /// What there is to say where no rule was broken.
    pub(crate) const fn all_is_well(&self) -> &'static str {
        match self.networks_assumed {
            false => "No rule was broken.",
            true => {
                "No rule was broken, if what looks like one virtual router is on two networks indeed: see what is assumed."
            }
        }
    }
}

/// A rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// When it was found.
    pub(crate) at: Duration,
    /// Name of the rule, for programs.
    pub(crate) rule: &'static str,
    /// What was seen, in words.
    pub(crate) text: String,
}

/// Sums over the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Adverts sent, each counted once however many hear it.
    pub(crate) adverts_sent: u64,
    /// Copies of adverts that did not arrive.
    pub(crate) adverts_lost: u64,
    /// Adverts that were refused.
    pub(crate) adverts_refused: u64,
    /// Changes of state.
    pub(crate) transitions: u64,
    /// Takeovers.
    pub(crate) takeovers: u64,
    /// Those of them that were late.
    pub(crate) late: u64,
    /// Outages.
    pub(crate) outages: u64,
    /// Their sum.
    pub(crate) outage_total: Duration,
    /// The longest.
    pub(crate) outage_longest: Duration,
    /// Those of them in which another node held the address and the client had not heard of it.
    pub(crate) outages_unheard: u64,
    /// The sum of these parts.
    pub(crate) outage_unheard_total: Duration,
    /// Time with several MASTERs, summed over the virtual routers.
    pub(crate) conflict_total: Duration,
    /// Time in which any virtual router had several MASTERs, or an address several holders.
    pub(crate) conflict_any: Duration,
}

/// Many runs, each with another seed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seeds {
    /// The first seed; the others follow it.
    pub(crate) first: u64,
    /// How many.
    pub(crate) count: u64,
    /// The times of takeovers that have a bound.
    pub(crate) takeover: Option<Spread>,
    /// The longest outage of each run.
    pub(crate) outage: Option<Spread>,
    /// Takeovers that were late.
    pub(crate) late: u64,
    /// Runs in which a rule was broken.
    pub(crate) runs_with_violations: u64,
    /// Runs in which several nodes were MASTER at a time for longer than a handover takes.
    pub(crate) runs_with_conflicts: u64,
    /// The worst run: first by broken rules, then by the longest outage.
    pub(crate) worst: u64,
    /// The command that shows it.
    pub(crate) replay: String,
}

/// How something is distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    /// How many there are.
    pub(crate) count: u64,
    /// Least.
    pub(crate) min: Duration,
    /// Half of them are not above it.
    pub(crate) median: Duration,
    /// 99 of 100 are not above it.
    pub(crate) p99: Duration,
    /// Greatest.
    pub(crate) max: Duration,
    /// How many there are in each of the equal parts from the least to the greatest.
    pub(crate) bins: Vec<u64>,
    /// The greatest of the worst run, if it has one.
    pub(crate) worst: Option<Duration>,
}

impl Spread {
    /// Where a part begins; the last one ends at the greatest.
    pub(crate) fn edge(&self, nth: usize) -> Duration {
        let parts = u32::try_from(self.bins.len().max(1)).unwrap_or(u32::MAX);
        let nth = u32::try_from(nth).unwrap_or(u32::MAX).min(parts);
        self.min + (self.max - self.min) * nth / parts
    }

    /// The part that a time is in.
    pub(crate) fn part(&self, time: Duration) -> usize {
        let last = self.bins.len().saturating_sub(1);
        (0..last)
            .find(|nth| time < self.edge(nth + 1))
            .unwrap_or(last)
    }

    /// The part with the worst run.
    pub(crate) fn worst_bin(&self) -> Option<usize> {
        self.worst.map(|worst| self.part(worst))
    }
}

#[cfg(test)]
pub(crate) mod sample;
