//! Tracked objects: their definitions, and what an instance makes of them.

use std::collections::HashMap;
use std::time::Duration;

use super::script::Script;
use super::spanned::Spanned;
use crate::diagnostic::Diagnostics;
use crate::schema::nearest;
use crate::tree::Span;

/// Kinds of tracked objects that are defined in the file (`bfd_instance` has its own model).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackedKind {
    /// `vrrp_script`.
    Script,
    /// `track_file`, `vrrp_track_file`.
    File,
    /// `vrrp_track_process`.
    Process,
}

impl TrackedKind {
    /// The keyword of the definition.
    #[must_use]
    pub const fn definition(self) -> &'static str {
        match self {
            Self::Script => "vrrp_script",
            Self::File => "track_file",
            Self::Process => "vrrp_track_process",
        }
    }

    /// The word for it in `track_...`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::File => "file",
            Self::Process => "process",
        }
    }

    /// The greatest weight; the least is its negation.
    pub(super) const fn most(self) -> i16 {
        match self {
            Self::Script => 253,
            Self::File | Self::Process => 254,
        }
    }
}

/// What a tracked object does to the priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weight {
    /// 0: FAULT while it fails. Positive: added while it is good. Negative: taken while it fails.
    pub value: i16,
    /// Negates the amount. With weight 0: FAULT while it is good.
    pub reverse: bool,
}

impl Weight {
    /// A weight that is not reversed.
    #[must_use]
    pub const fn new(value: i16) -> Self {
        Self {
            value,
            reverse: false,
        }
    }
}

/// A tracked object as an instance or a group uses it: it exists, and its weight is worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tracked {
    /// What it is.
    pub kind: TrackedKind,
    /// Its name.
    pub name: Spanned<String>,
    /// What it does.
    pub weight: Weight,
}

/// `vrrp_script`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackScript {
    /// Name, unique among the scripts.
    pub name: Spanned<String>,
    /// The command, and whom it runs as.
    pub check: Check,
    /// From one start to the next; more than zero.
    pub interval: Duration,
    /// A longer run has failed; more than zero.
    pub timeout: Duration,
    /// What a result does unless the user of the script says otherwise.
    pub weight: Weight,
    /// Good results in a row that make it good, from 1.
    pub rise: u32,
    /// Bad results in a row that make it bad, from 1.
    pub fall: u32,
    /// Failed until the first result.
    pub init_fail: bool,
}

/// What a `vrrp_script` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It runs a command.
    Command(Script),
    /// It opens a file, or a connection under `/dev/tcp`, for reading: good if that works
    /// (`script "</dev/tcp/192.0.2.1/80"`). The command is the path, as its only word.
    Open(Script),
}

impl Check {
    /// The command or the path.
    #[must_use]
    pub const fn script(&self) -> &Script {
        match self {
            Self::Command(script) | Self::Open(script) => script,
        }
    }
}

/// `track_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackFile {
    /// Name, unique among the files.
    pub name: Spanned<String>,
    /// Where the file is.
    pub path: Spanned<String>,
    /// What its number is multiplied by unless the user of the file says otherwise.
    pub weight: Weight,
    /// What is written into it at the start.
    pub init: Option<InitFile>,
}

/// `init_file`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InitFile {
    /// The number.
    pub value: i64,
    /// Also if there is a file.
    pub overwrite: bool,
}

/// `vrrp_track_process`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackProcess {
    /// Name, unique among the processes.
    pub name: Spanned<String>,
    /// Name of the program.
    pub process: Spanned<String>,
    /// Arguments to look for.
    pub arguments: Vec<String>,
    /// How arguments are compared; absent: exactly if there are any, else not at all.
    pub param_match: Option<ParamMatch>,
    /// What its state does unless the user of it says otherwise.
    pub weight: Weight,
    /// Least number that is good, 1..=65535.
    pub quorum: u16,
    /// Greatest number that is good.
    pub quorum_max: Option<u16>,
    /// Time until a start counts.
    pub fork_delay: Duration,
    /// Time until an end counts.
    pub terminate_delay: Duration,
    /// Compare the whole command line.
    pub full_command: bool,
}

/// `param_match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamMatch {
    /// The last argument may be longer.
    Initial,
    /// More arguments may follow.
    Partial,
}

/// Every definition of the file, used or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trackers {
    /// `vrrp_script`.
    pub scripts: Vec<TrackScript>,
    /// `track_file`.
    pub files: Vec<TrackFile>,
    /// `vrrp_track_process`.
    pub processes: Vec<TrackProcess>,
}

/// With more names than this, looking for a similar one takes too long.
const MOST_COMPARED: usize = 1000;

/// An entry of `track_script`, `track_file` or `track_process` as written.
#[derive(Clone, Debug)]
pub(super) struct RawUse {
    pub(super) kind: TrackedKind,
    pub(super) name: Spanned<String>,
    /// `weight N`; absent: the weight of the definition.
    pub(super) value: Option<i16>,
    /// `reverse` or `noreverse`; absent: as in the definition.
    pub(super) reverse: Option<bool>,
    /// It is an entry of the group, and so one of every member.
    pub(super) of_group: bool,
}

/// The default weights of all that is defined, by kind and name. Names whose definition cannot be
/// used, which has been complained about, are there without one.
#[derive(Debug, Default)]
pub(super) struct Defined {
    weights: HashMap<TrackedKind, HashMap<String, (Span, Option<Weight>)>>,
}

impl Defined {
    /// Takes note of a definition; complains and returns false if there is one of this name.
    pub(super) fn claim(
        &mut self,
        kind: TrackedKind,
        name: &Spanned<String>,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        let names = self.weights.entry(kind).or_default();
        if let Some((first, _)) = names.get(&name.value) {
            let message = format!("there is another `{} {}`", kind.definition(), name.value);
            diagnostics
                .error("duplicate-tracker", name.span, message)
                .help("give it a name of its own; the first one counts")
                .note(*first, "the other one is here");
            return false;
        }
        names.insert(name.value.clone(), (name.span, None));
        true
    }

    /// The definition can be used.
    pub(super) fn set(&mut self, kind: TrackedKind, name: &str, weight: Weight) {
        if let Some(known) = self.weights.entry(kind).or_default().get_mut(name) {
            known.1 = Some(weight);
        }
    }

    /// The weight in force for `user`; `None`, and a complaint, if there is no such object.
    pub(super) fn resolve(
        &self,
        used: RawUse,
        user: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<Tracked> {
        let RawUse {
            kind,
            name,
            value,
            reverse,
            ..
        } = used;
        let names = self.weights.get(&kind);
        let Some((_, definition)) = names.and_then(|names| names.get(&name.value)) else {
            let message = format!(
                "there is no `{} {}` for `{user}` to track",
                kind.definition(),
                name.value
            );
            let known = names.filter(|names| names.len() <= MOST_COMPARED);
            let near = known.and_then(|names| {
                let mut all: Vec<&str> = names.keys().map(String::as_str).collect();
                all.sort_unstable();
                nearest(&name.value, all)
            });
            let help = match near {
                Some(near) => format!("did you mean `{near}`? the entry is left out"),
                None => "the entry is left out".to_owned(),
            };
            diagnostics
                .error("unknown-tracker", name.span, message)
                .help(help);
            return None;
        };
        let Some(definition) = definition else {
            let message = format!("`{user}` is not guarded by `{}`", name.value);
            diagnostics
                .error("unusable-tracker", name.span, message)
                .help(format!(
                    "its `{}` block cannot be used; the entry is left out",
                    kind.definition()
                ));
            return None;
        };
        let weight = Weight {
            value: value.unwrap_or(definition.value),
            reverse: reverse.unwrap_or(definition.reverse),
        };
        Some(Tracked { kind, name, weight })
    }
}
