//! Which processes count for which tracker, and what their number means. Pure, apart from `/proc`
//! being somebody else's business.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use sans_io_time::Instant;
use vrrp_fsm::TrackStatus;

use super::super::{ArgumentMatch, ProcessWatch, TrackerFacts, TrackerSetup};

/// A name of the kernel is cut to this.
const NAME_MAX: usize = 15;

/// What is known of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// Its name, as the kernel has it: at most 15 octets.
    pub(super) name: OsString,
    /// The words of its command line; empty if nobody asks for them.
    pub(super) command: Vec<OsString>,
}

impl Process {
    /// The words of `/proc/PID/cmdline`.
    pub(super) fn words(cmdline: &[u8]) -> Vec<OsString> {
        let text = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
        if text.is_empty() {
            return Vec::new();
        }
        let words = text.split(|byte| *byte == 0);
        words
            .map(|word| OsStr::from_bytes(word).to_owned())
            .collect()
    }
}

/// Whether the command line has to be read for this tracker.
pub(super) fn needs_command(watch: &ProcessWatch) -> bool {
    watch.full_command || watch.matching != ArgumentMatch::Ignore
}

/// Whether a process counts.
pub(super) fn matches(watch: &ProcessWatch, process: &Process) -> bool {
    let wanted = watch.process.as_bytes();
    if !needs_command(watch) {
        return process.name.as_bytes() == wanted.get(..NAME_MAX).unwrap_or(wanted);
    }
    let Some((program, arguments)) = process.command.split_first() else {
        return false;
    };
    // Without `full_command` the name alone will do, wherever the program lies.
    let named = program.as_bytes() == wanted
        || (!watch.full_command
            && process.name.as_bytes() == wanted.get(..NAME_MAX).unwrap_or(wanted));
    let wanted = &watch.arguments[..];
    named
        && match watch.matching {
            ArgumentMatch::Ignore => true,
            ArgumentMatch::Exact => arguments == wanted,
            ArgumentMatch::Partial => arguments.starts_with(wanted),
            ArgumentMatch::Initial => match wanted.split_last() {
                None => arguments.is_empty(),
                Some((last, others)) => {
                    arguments.len() == wanted.len()
                        && arguments.starts_with(others)
                        && arguments
                            .last()
                            .is_some_and(|word| word.as_bytes().starts_with(last.as_bytes()))
                }
            },
        }
}

/// One tracker: who counts, and since when the number says something else than the state.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) setup: Arc<TrackerSetup>,
    pub(super) watch: ProcessWatch,
    members: BTreeSet<u32>,
    status: TrackStatus,
    /// When the state is to follow the number.
    pending: Option<Instant>,
    looks: u64,
}

impl Count {
    pub(super) fn new(setup: Arc<TrackerSetup>, watch: ProcessWatch) -> Self {
        Self {
            setup,
            watch,
            members: BTreeSet::new(),
            status: TrackStatus::Unknown,
            pending: None,
            looks: 0,
        }
    }

    pub(super) fn status(&self) -> TrackStatus {
        self.status
    }

    pub(super) fn facts(&self) -> TrackerFacts {
        TrackerFacts {
            runs: self.looks,
            matching: u32::try_from(self.members.len()).ok(),
            ..TrackerFacts::default()
        }
    }

    /// A process is like this now, or is gone. True: the number is another one.
    pub(super) fn process_is(&mut self, pid: u32, process: Option<&Process>) -> bool {
        let counts = process.is_some_and(|process| matches(&self.watch, process));
        let changed = if counts {
            self.members.insert(pid)
        } else {
            self.members.remove(&pid)
        };
        self.looks += u64::from(changed);
        changed
    }

    /// Only these are left. True: the number is another one.
    pub(super) fn all_are(&mut self, processes: &std::collections::BTreeMap<u32, Process>) -> bool {
        let before = std::mem::take(&mut self.members);
        let all = processes.iter();
        self.members = all
            .filter(|(_, process)| matches(&self.watch, process))
            .map(|(pid, _)| *pid)
            .collect();
        self.looks += 1;
        self.members != before
    }

    fn wanted(&self) -> TrackStatus {
        let number = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let enough = number >= self.watch.quorum;
        let too_many = self.watch.quorum_max.is_some_and(|most| number > most);
        if enough && !too_many {
            TrackStatus::Up
        } else {
            TrackStatus::Down
        }
    }

    /// Whether the state follows the number now. KA-W-08: a start counts after the fork delay, an
    /// end after the terminate delay, and not at all if things are as before by then. TRK-06.
    pub(super) fn settle(&mut self, now: Instant, more: bool) -> bool {
        let wanted = self.wanted();
        if wanted == self.status {
            self.pending = None;
            return false;
        }
        // Nobody waits for what was there already when we came.
        let delay = match self.status {
            TrackStatus::Unknown => Duration::ZERO,
            _ if more => self.watch.fork_delay,
            _ => self.watch.terminate_delay,
        };
        let at = *self
            .pending
            .get_or_insert_with(|| now.checked_add(delay).unwrap_or(now));
        if at > now {
            return false;
        }
        self.pending = None;
        self.status = wanted;
        true
    }

    /// How many count.
    pub(super) fn number(&self) -> usize {
        self.members.len()
    }

    /// When [`settle`](Self::settle) has something to do.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Watch;
    use super::*;

    fn process(name: &str, command: &[&str]) -> Process {
        Process {
            name: name.into(),
            command: command.iter().map(OsString::from).collect(),
        }
    }

    fn watch(name: &str, arguments: &[&str], matching: ArgumentMatch) -> ProcessWatch {
        let mut watch = ProcessWatch::new(name);
        watch.arguments = arguments.iter().map(OsString::from).collect();
        watch.matching = matching;
        watch
    }

    /// TRK-06.
    #[test]
    fn names_are_compared_whole_and_arguments_as_param_match_says() {
        use ArgumentMatch::{Exact, Ignore, Initial, Partial};
        let haproxy = process("haproxy", &["/usr/sbin/haproxy", "-W", "-f", "/etc/h.cfg"]);
        for (watch, expected) in [
            (watch("haproxy", &[], Ignore), true),
            (watch("hapro", &[], Ignore), false),
            (watch("haproxy", &["-W", "-f", "/etc/h.cfg"], Exact), true),
            (watch("haproxy", &["-W", "-f"], Exact), false),
            (watch("haproxy", &["-W", "-f"], Partial), true),
            (watch("haproxy", &["-W", "-f", "/etc/"], Initial), true),
            (watch("haproxy", &["-W", "/etc/"], Initial), false),
            (watch("haproxy", &[], Initial), false),
            (watch("/usr/sbin/haproxy", &["-W"], Partial), true),
        ] {
            assert_eq!(matches(&watch, &haproxy), expected, "{watch:?}");
        }
        let mut full = watch("haproxy", &["-W"], Partial);
        full.full_command = true;
        assert!(!matches(&full, &haproxy), "the first word is the path");
        full.process = "/usr/sbin/haproxy".into();
        assert!(matches(&full, &haproxy));
        let long = watch("a-name-longer-than-the-kernel-keeps", &[], Ignore);
        assert!(matches(&long, &process("a-name-longer-t", &[])));
    }

    fn at(milliseconds: i64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    /// KA-W-08.
    #[test]
    fn quorum_bounds_and_delays_decide_about_the_state() {
        let mut watch = ProcessWatch::new("x");
        (watch.quorum, watch.quorum_max) = (2, Some(3));
        watch.fork_delay = Duration::from_millis(100);
        watch.terminate_delay = Duration::from_millis(200);
        let setup = TrackerSetup::new("x", Watch::Process(watch.clone()));
        let mut count = Count::new(Arc::new(setup), watch);
        let x = process("x", &[]);
        assert!(count.settle(at(0), true));
        assert_eq!(
            count.status(),
            TrackStatus::Down,
            "what is there counts at once"
        );
        assert!(count.process_is(1, Some(&x)) && count.process_is(2, Some(&x)));
        assert!(!count.settle(at(10), true), "not before the fork delay");
        assert_eq!(count.next_timeout(), Some(at(110)));
        assert!(count.settle(at(110), true));
        assert_eq!(count.status(), TrackStatus::Up);
        // One ends and is replaced within the delay: nothing has happened.
        assert!(count.process_is(1, None));
        assert!(!count.settle(at(300), false));
        assert!(count.process_is(3, Some(&x)));
        assert!(!count.settle(at(350), true));
        assert_eq!(count.next_timeout(), None);
        // Four are too many.
        assert!(count.process_is(4, Some(&x)) && count.process_is(5, Some(&x)));
        assert!(!count.settle(at(400), true));
        assert!(count.settle(at(500), true));
        assert_eq!(count.status(), TrackStatus::Down);
    }
}
