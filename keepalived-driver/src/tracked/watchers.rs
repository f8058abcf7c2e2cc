//! Everybody who watches tracked objects, each kind on a thread of its own: a file on a dead server
//! must not hold back the scripts, nor either of them the elections.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::report::TrackReport;
use super::thread::{Post, Say, Watcher};
use super::{TrackerDoor, TrackerKind, TrackerSetup, files, processes, scripts};

/// Room for process events that wait to be read (`process_monitor_rcv_bufs`).
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessBuffer {
    /// In octets; the system's default if absent.
    pub size: Option<usize>,
    /// Go beyond the system's limit, as far as we are allowed to.
    pub force: bool,
}

/// The threads that watch. Each is started when there is something for it.
pub struct Watchers {
    door: TrackerDoor,
    say: Say,
    launcher: Option<PathBuf>,
    process_buffer: ProcessBuffer,
    scripts: Option<Watcher>,
    files: Option<Watcher>,
    processes: Option<Watcher>,
}

impl std::fmt::Debug for Watchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watchers")
            .field("scripts", &self.scripts.is_some())
            .finish_non_exhaustive()
    }
}

impl Watchers {
    /// Nobody yet. `say` is called, on any of the threads, for everything worth a log line; it must
    /// not block.
    pub fn new(door: TrackerDoor, say: impl Fn(TrackReport) + Send + Sync + 'static) -> Self {
        Self {
            door,
            say: Arc::new(say),
            launcher: None,
            process_buffer: ProcessBuffer::default(),
            scripts: None,
            files: None,
            processes: None,
        }
    }

    /// Start scripts that need supplementary groups through this program, see
    /// [`HookSettings::launcher`](crate::hooks::HookSettings::launcher).
    #[must_use]
    pub fn with_launcher(mut self, launcher: impl Into<PathBuf>) -> Self {
        self.launcher = Some(launcher.into());
        self
    }

    /// Room for what the kernel tells of processes; counts for a thread that starts later.
    pub fn set_process_buffer(&mut self, buffer: ProcessBuffer) {
        self.process_buffer = buffer;
    }

    /// Watch these from now on. What has the same definition as before is not disturbed.
    ///
    /// # Errors
    /// A thread could not be started. The others watch.
    pub fn watch(&mut self, trackers: &[Arc<TrackerSetup>]) -> io::Result<()> {
        let of = |kind| -> Vec<Arc<TrackerSetup>> {
            let all = trackers.iter().filter(|setup| setup.id.kind == kind);
            all.cloned().collect()
        };
        let wanted = of(TrackerKind::Script);
        if self.scripts.is_none() && !wanted.is_empty() {
            let (door, say) = (self.door.clone(), Arc::clone(&self.say));
            let launcher = self.launcher.clone();
            let life = move |post: &mut Post| scripts::watch(post, launcher.as_deref());
            self.scripts = Some(Watcher::start("scripts", door, say, life)?);
        }
        if let Some(scripts) = &self.scripts {
            scripts.watch(wanted);
        }
        let wanted = of(TrackerKind::File);
        if self.files.is_none() && !wanted.is_empty() {
            let (door, say) = (self.door.clone(), Arc::clone(&self.say));
            self.files = Some(Watcher::start("files", door, say, files::watch)?);
        }
        if let Some(files) = &self.files {
            files.watch(wanted);
        }
        let wanted = of(TrackerKind::Process);
        if self.processes.is_none() && !wanted.is_empty() {
            let (door, say) = (self.door.clone(), Arc::clone(&self.say));
            let buffer = self.process_buffer;
            let life = move |post: &mut Post| processes::watch(post, buffer);
            self.processes = Some(Watcher::start("processes", door, say, life)?);
        }
        if let Some(processes) = &self.processes {
            processes.watch(wanted);
        }
        Ok(())
    }

    /// End. Scripts that run are ended too; `patience` bounds how long that may take.
    pub fn stop(&mut self, patience: Duration) {
        let all = [
            self.scripts.take(),
            self.files.take(),
            self.processes.take(),
        ];
        for watcher in all.into_iter().flatten() {
            watcher.stop(patience);
        }
    }
}
