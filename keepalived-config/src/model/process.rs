//! `global_defs`: how the process itself runs.

use std::path::PathBuf;
use std::time::Duration;

use super::script::Script;

/// Settings of the process, not of any router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// The thread of VRRP (`vrrp_priority` and so on).
    pub vrrp: Scheduling,
    /// What BFD asks for. It shares the thread of VRRP, so the stronger wish of the two counts.
    pub bfd: Scheduling,
    /// The thread of checks and services (`checker_priority` and so on).
    pub checker: Scheduling,
    /// Highest real-time priority that is taken when timers run late, 1..=99; absent: none is taken.
    pub max_auto_priority: Option<u8>,
    /// Lateness that raises the priority by one.
    pub min_auto_priority_delay: Duration,
    /// Names shown by `ps` and `top`.
    pub names: ProcessNames,
    /// Run before anything else.
    pub startup_script: Option<Script>,
    /// How long it may take.
    pub startup_timeout: Duration,
    /// Run after everything else.
    pub shutdown_script: Option<Script>,
    /// How long it may take.
    pub shutdown_timeout: Duration,
    /// About reloads.
    pub reload: ReloadRules,
    /// Copies of configuration and state around each reload go here.
    pub config_save_dir: Option<PathBuf>,
    /// Dump files have the name of the daemon's instance in theirs.
    pub data_use_instance: bool,
}

/// How a thread is scheduled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduling {
    /// Nice value, -20..=19.
    pub nice: Option<i8>,
    /// Real-time priority (round robin), 1..=99.
    pub realtime: Option<u8>,
    /// Processors it may run on; empty: all.
    pub cpus: Vec<u16>,
    /// Memory of the process stays in memory.
    pub no_swap: bool,
    /// Processor time between two sleeps while under real-time scheduling.
    pub rttime: Option<Duration>,
}

/// Names, each at most 15 octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessNames {
    /// Keepalived's usual names for those without one of their own.
    pub usual: bool,
    /// The main thread, and so the process.
    pub main: Option<String>,
    /// The thread of VRRP.
    pub vrrp: Option<String>,
    /// The thread of checks and services.
    pub checker: Option<String>,
    /// The thread of BFD, which is that of VRRP: used when `vrrp` is absent.
    pub bfd: Option<String>,
}

/// When a reload happens and what surrounds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadRules {
    /// Complaints about a new configuration are written to this file.
    pub check_log: Option<PathBuf>,
    /// A file that says when to reload.
    pub time_file: Option<PathBuf>,
    /// That file stays, and a time without date counts every day.
    pub repeat: bool,
    /// A file exists while the configuration is being read.
    pub marker: Option<ReloadMarker>,
}

/// Where the marker file of a reload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadMarker {
    /// `keepalived.reload` beside the pid files.
    BesidePidFile,
    /// Here.
    At(PathBuf),
}

impl Default for Process {
    fn default() -> Self {
        Self {
            vrrp: Scheduling::default(),
            bfd: Scheduling::default(),
            checker: Scheduling::default(),
            max_auto_priority: None,
            min_auto_priority_delay: Duration::from_secs(1),
            names: ProcessNames::default(),
            startup_script: None,
            startup_timeout: Duration::from_secs(10),
            shutdown_script: None,
            shutdown_timeout: Duration::from_secs(10),
            reload: ReloadRules::default(),
            config_save_dir: None,
            data_use_instance: false,
        }
    }
}

impl Scheduling {
    /// Both wishes for one thread: the stronger of each.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let nice = match (self.nice, other.nice) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let cpus = if self.cpus.is_empty() {
            &other.cpus
        } else {
            &self.cpus
        };
        Self {
            nice,
            realtime: self.realtime.max(other.realtime),
            cpus: cpus.clone(),
            no_swap: self.no_swap || other.no_swap,
            rttime: self.rttime.max(other.rttime),
        }
    }
}
