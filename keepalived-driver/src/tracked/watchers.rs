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
    initialised: files::Initialised,
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
            initialised: files::Initialised::default(),
        }
    }

    /// Nobody yet, who will tell another loop, the one before having failed: files that were initialised
    /// are not again. Stop the old ones first.
    #[must_use]
    pub fn followed_by(&self, door: TrackerDoor) -> Self {
        Self {
            door,
            say: Arc::clone(&self.say),
            launcher: self.launcher.clone(),
            process_buffer: self.process_buffer,
            scripts: None,
            files: None,
            processes: None,
            initialised: Arc::clone(&self.initialised),
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
            let initialised = Arc::clone(&self.initialised);
            let life = move |post: &mut Post| files::watch(post, &initialised);
            self.files = Some(Watcher::start("files", door, say, life)?);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{FileWatch, InitFile, Watch};
    use super::*;

    /// TRK-05: the start is the daemon's, not that of one of its threads.
    #[test]
    fn a_file_is_not_written_over_when_a_loop_is_started_again() {
        let path = std::env::temp_dir().join(format!("init-file-{}", std::process::id()));
        let mut poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let door = || TrackerDoor::new(Arc::clone(&waker));
        let mut watch = FileWatch::new(&path);
        watch.init = Some(InitFile {
            value: 5,
            overwrite: true,
        });
        let files = |watch: &FileWatch| {
            let watch = Watch::File(watch.clone());
            [Arc::new(TrackerSetup::new("f", watch))]
        };
        let mut read = |door: &TrackerDoor, files: &[Arc<TrackerSetup>]| {
            let mut events = mio::Events::with_capacity(4);
            while door.facts(&files[0]).is_none() {
                poll.poll(&mut events, Some(Duration::from_secs(20)))
                    .unwrap();
                assert!(!events.is_empty(), "it is read");
            }
            fs::read_to_string(&path).unwrap()
        };
        fs::write(&path, "1\n").unwrap();
        let (first, all) = (door(), files(&watch));
        let mut watchers = Watchers::new(first.clone(), |_| {});
        watchers.watch(&all).unwrap();
        assert_eq!(read(&first, &all), "5\n");
        watchers.stop(Duration::from_secs(20));
        fs::write(&path, "7\n").unwrap();
        let second = door();
        let mut watchers = watchers.followed_by(second.clone());
        watchers.watch(&all).unwrap();
        assert_eq!(read(&second, &all), "7\n");
        // Another number is another start.
        watch.init = Some(InitFile {
            value: 6,
            overwrite: true,
        });
        let all = files(&watch);
        watchers.watch(&all).unwrap();
        assert_eq!(read(&second, &all), "6\n");
        watchers.stop(Duration::from_secs(20));
        fs::remove_file(&path).unwrap();
    }
}
