//! How a thread is scheduled and what it is called.
//!
//! Keepalived has processes where this daemon has threads, so what its keywords say about a process
//! (`vrrp_priority`, `vrrp_rt_priority`, ...) is done to a thread. The kernel keeps nice value,
//! scheduling class, processors and name for each thread.

use std::ffi::CString;
use std::time::Duration;

use rustix::process::{
    Resource, Rlimit, getpriority_process, getrlimit, setpriority_process, setrlimit,
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_name};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue,
    ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// What a thread is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadSettings {
    /// Its name, at most 15 octets; as it was made if absent.
    pub name: Option<String>,
    /// Nice value, -20..=19; as it was if absent.
    pub nice: Option<i8>,
    /// Round-robin real-time priority, 1..=99; normal scheduling if absent.
    pub realtime: Option<u8>,
    /// Processors it may run on; as it was if empty.
    pub cpus: Vec<u16>,
    /// Processor time it may use between two sleeps under real-time scheduling. Beyond that the
    /// process gets `SIGXCPU`; see [`Remote::leave_realtime`](crate::Remote::leave_realtime).
    pub rttime: Option<Duration>,
    /// Take real-time priority by itself when it runs late.
    pub auto: Option<AutoPriority>,
}

/// When to take real-time priority, and how much (`max_auto_priority`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct AutoPriority {
    /// At most this, 1..=99.
    pub max: u8,
    /// Each turn that is later than this raises the priority by one.
    pub delay: Duration,
}

/// The scheduling of one thread, which alone may use it.
#[derive(Debug)]
pub struct Scheduled {
    settings: ThreadSettings,
    /// In force now.
    realtime: Option<u8>,
    original_nice: i32,
    original_cpus: Option<CpuSet>,
}

impl Scheduled {
    /// As the calling thread is now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            settings: ThreadSettings::default(),
            realtime: None,
            original_nice: getpriority_process(None).unwrap_or(0),
            original_cpus: sched_getaffinity(None).ok(),
        }
    }

    /// Make the calling thread what `settings` say. What the kernel refuses is told, one line each;
    /// the thread runs on without it.
    #[must_use]
    pub fn apply(&mut self, settings: &ThreadSettings) -> Vec<String> {
        let mut trouble = Vec::new();
        let mut note = |what: &str, result: Result<(), String>| {
            if let Err(error) = result {
                trouble.push(format!("{what} could not be set: {error}"));
            }
        };
        if settings.name != self.settings.name
            && let Some(name) = &settings.name
        {
            note("the name of the thread", rename(name));
        }
        if settings.nice != self.settings.nice {
            let nice = settings.nice.map_or(self.original_nice, i32::from);
            note("the nice value", renice(nice));
        }
        if settings.cpus != self.settings.cpus {
            note("the processors", self.bind(&settings.cpus));
        }
        if settings.rttime != self.settings.rttime {
            note("the limit of real time", limit(settings.rttime));
        }
        if settings.realtime != self.realtime {
            let nice = settings.nice.map_or(self.original_nice, i32::from);
            let outcome = schedule(settings.realtime, nice);
            if outcome.is_ok() {
                self.realtime = settings.realtime;
            }
            note("the real-time priority", outcome);
        }
        self.settings = settings.clone();
        trouble
    }

    /// The thread ran late by this much: take more priority if the settings want that. What was
    /// done, in one line. SYS-05.
    pub fn note_lateness(&mut self, late: Duration) -> Option<String> {
        let auto = self.settings.auto?;
        let next = self.realtime.unwrap_or(0).saturating_add(1);
        if late < auto.delay || next > auto.max {
            return None;
        }
        match schedule(Some(next), self.original_nice) {
            Ok(()) => {
                self.realtime = Some(next);
                Some(format!("raised its real-time priority to {next}"))
            }
            Err(error) => {
                // It will not succeed the next time either.
                self.settings.auto = None;
                Some(format!("cannot raise its real-time priority: {error}"))
            }
        }
    }

    /// Go back to normal scheduling until the settings change. True if it was under real-time
    /// scheduling.
    pub fn leave_realtime(&mut self) -> bool {
        self.settings.auto = None;
        let nice = self.settings.nice.map_or(self.original_nice, i32::from);
        self.realtime.take().is_some() && schedule(None, nice).is_ok()
    }

    fn bind(&self, cpus: &[u16]) -> Result<(), String> {
        let mut set = CpuSet::new();
        for cpu in cpus {
            let cpu = usize::from(*cpu);
            if cpu >= CpuSet::MAX_CPU {
                return Err(format!("there is no processor {cpu}"));
            }
            set.set(cpu);
        }
        let set = if cpus.is_empty() {
            self.original_cpus
        } else {
            Some(set)
        };
        set.map_or(Ok(()), |set| {
            sched_setaffinity(None, &set).map_err(|error| error.to_string())
        })
    }
}

impl Default for Scheduled {
    fn default() -> Self {
        Self::new()
    }
}

/// Name the calling thread; of the main thread this is the name of the process in `ps`. CORE-10.
///
/// # Errors
///
/// In words, if the kernel refuses.
pub fn rename(name: &str) -> Result<(), String> {
    let name = CString::new(name).map_err(|error| error.to_string())?;
    set_name(&name).map_err(|error| error.to_string())
}

fn renice(nice: i32) -> Result<(), String> {
    // With no process named this is the calling thread.
    setpriority_process(None, nice).map_err(|error| error.to_string())
}

/// The limit counts for each thread, and only under real-time scheduling.
fn limit(rttime: Option<Duration>) -> Result<(), String> {
    let current = rttime.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    let maximum = getrlimit(Resource::Rttime).maximum;
    setrlimit(Resource::Rttime, Rlimit { current, maximum }).map_err(|error| error.to_string())
}

/// Real-time scheduling, or the usual one with this niceness: SYS-04.
fn schedule(realtime: Option<u8>, nice: i32) -> Result<(), String> {
    let thread = thread_native_id();
    let Some(priority) = realtime else {
        let normal = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        set_thread_priority_and_policy(thread, ThreadPriority::Min, normal)
            .map_err(|error| error.to_string())?;
        // That touched the nice value too.
        return renice(nice);
    };
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let value = ThreadPriorityValue::try_from(priority)?;
    set_thread_priority_and_policy(thread, ThreadPriority::Crossplatform(value), policy)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Field `number` of `/proc/thread-self/stat`, counted as in proc(5).
    fn stat(number: usize) -> String {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let rest = stat.rsplit_once(") ").unwrap().1;
        rest.split(' ').nth(number - 3).unwrap().to_owned()
    }

    /// Those that this thread may have.
    fn processors() -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let mut lines = status.lines();
        let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:\t"));
        list.unwrap().to_owned()
    }

    /// SYS-04, SYS-05. A thread of its own: what it does to itself ends with it.
    #[test]
    fn a_thread_becomes_what_the_settings_say_and_what_it_was() {
        std::thread::spawn(|| {
            // One that whoever runs the tests may have.
            let all = processors();
            let first = all.split(['-', ',']).next().unwrap();
            let nice = stat(19);
            let mut thread = Scheduled::new();
            let mut wanted = ThreadSettings {
                name: Some("abc".into()),
                nice: Some(5),
                cpus: vec![first.parse().unwrap()],
                ..ThreadSettings::default()
            };
            assert_eq!(thread.apply(&wanted), Vec::<String>::new());
            let comm = fs::read_to_string("/proc/thread-self/comm").unwrap();
            assert_eq!((stat(19).as_str(), comm.trim()), ("5", "abc"));
            assert_eq!(processors(), first);
            wanted.cpus = vec![1023];
            assert_eq!(thread.apply(&wanted).len(), 1, "there is none");
            // Only root may become less nice again.
            if rustix::process::geteuid().is_root() {
                assert!(thread.apply(&ThreadSettings::default()).is_empty());
                assert_eq!(stat(19), nice);
            }
        })
        .join()
        .unwrap();
    }
}
