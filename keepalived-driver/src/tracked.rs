//! Tracked objects: what they are, who looks at them and how.

mod door;
mod effects;
mod files;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod processes;
mod report;
mod scripts;
mod thread;
mod watchers;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vrrp_fsm::{Influence, TrackStatus};

use crate::hooks::HookCommand;

pub(crate) use effects::describe;

pub use door::{TrackerDoor, TrackerFacts};
pub use report::TrackReport;
pub use watchers::{ProcessBuffer, Watchers};

/// What kind of thing is tracked. Interfaces have their own list,
/// [`InstanceSetup::track_interfaces`](crate::InstanceSetup::track_interfaces): loop 1 knows them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackerKind {
    /// `vrrp_script`.
    Script,
    /// `track_file`.
    File,
    /// `vrrp_track_process`.
    Process,
    /// `bfd_instance`.
    Bfd,
}

impl TrackerKind {
    /// The word for it in `track_...`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::File => "file",
            Self::Process => "process",
            Self::Bfd => "bfd",
        }
    }
}

/// Which tracker. Names are unique within a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerId {
    /// What it looks at.
    pub kind: TrackerKind,
    /// Its name in the configuration.
    pub name: Arc<str>,
}

impl TrackerId {
    /// The tracker of this kind and name.
    #[must_use]
    pub fn new(kind: TrackerKind, name: &str) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for TrackerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.name)
    }
}

/// A tracker an instance uses. Trackers of a group are in the list of each of its members (TRK-12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedObject {
    /// Which one. It must be among [`Config::trackers`](crate::Config::trackers).
    pub tracker: TrackerId,
    /// What its state does to the instance.
    pub influence: Influence,
}

/// One tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerSetup {
    /// Its kind and name.
    pub id: TrackerId,
    /// How its state is found out.
    pub watch: Watch,
}

impl TrackerSetup {
    /// A tracker under this name.
    #[must_use]
    pub fn new(name: &str, watch: Watch) -> Self {
        Self {
            id: TrackerId::new(watch.kind(), name),
            watch,
        }
    }

    /// Its state before anybody has looked.
    #[must_use]
    pub fn initial(&self) -> TrackStatus {
        match &self.watch {
            Watch::Script(check) if check.init_fail => TrackStatus::Down,
            _ => TrackStatus::Unknown,
        }
    }
}

/// How the state of a tracked object is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// By running a command.
    Script(ScriptCheck),
    /// By reading a file whenever it changes.
    File(FileWatch),
    /// By counting processes.
    Process(ProcessWatch),
    /// Somebody in this program says so, through the same door.
    Bfd,
}

impl Watch {
    const fn kind(&self) -> TrackerKind {
        match self {
            Self::Script(_) => TrackerKind::Script,
            Self::File(_) => TrackerKind::File,
            Self::Process(_) => TrackerKind::Process,
            Self::Bfd => TrackerKind::Bfd,
        }
    }
}

/// A command that is run again and again; exit status 0 is good, everything else is not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptCheck {
    /// What to run.
    pub command: Arc<HookCommand>,
    /// From the start of one run to the start of the next.
    pub interval: Duration,
    /// A run that takes longer has failed and is ended.
    pub timeout: Duration,
    /// Good runs in a row that make it good, from 1.
    pub rise: u32,
    /// Bad runs in a row that make it bad, from 1.
    pub fall: u32,
    /// Bad until the first result.
    pub init_fail: bool,
}

impl ScriptCheck {
    /// A check with keepalived's defaults: every second, as long at most, one result counts.
    #[must_use]
    pub fn new(command: Arc<HookCommand>) -> Self {
        Self {
            command,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            rise: 1,
            fall: 1,
            init_fail: false,
        }
    }
}

/// A file with a number in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileWatch {
    /// Where it is. Neither it nor its folder need exist.
    pub path: PathBuf,
    /// The number written into it at the start, and whether over another one.
    pub init: Option<InitFile>,
}

impl FileWatch {
    /// A file that is only read.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            init: None,
        }
    }
}

/// What to write into a tracked file at the start.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct InitFile {
    /// The number.
    pub value: i64,
    /// Also if the file is there already.
    pub overwrite: bool,
}

/// Processes that are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessWatch {
    /// The name of the process; with `full_command` or arguments, the first word of its command
    /// line.
    pub process: OsString,
    /// The arguments.
    pub arguments: Vec<OsString>,
    /// How the arguments are compared.
    pub matching: ArgumentMatch,
    /// Compare the whole command line.
    pub full_command: bool,
    /// Least number of processes that is good, from 1.
    pub quorum: u32,
    /// Greatest number of processes that is good.
    pub quorum_max: Option<u32>,
    /// Wait this long before believing in a change made by a start.
    pub fork_delay: Duration,
    /// Wait this long before believing in a change made by an end.
    pub terminate_delay: Duration,
}

impl ProcessWatch {
    /// At least one process of this name.
    #[must_use]
    pub fn new(process: impl Into<OsString>) -> Self {
        Self {
            process: process.into(),
            arguments: Vec::new(),
            matching: ArgumentMatch::Ignore,
            full_command: false,
            quorum: 1,
            quorum_max: None,
            fork_delay: Duration::ZERO,
            terminate_delay: Duration::ZERO,
        }
    }
}

/// How the arguments of a process are compared.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ArgumentMatch {
    /// Not at all: any arguments will do.
    Ignore,
    /// They are these and no others.
    Exact,
    /// The first ones are these (`param_match partial`).
    Partial,
    /// They are these, and the last one may be longer (`param_match initial`).
    Initial,
}
