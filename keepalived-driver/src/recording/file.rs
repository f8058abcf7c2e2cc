//! The file, and the thread that writes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepalived_recording::{MAGIC, MAX_SIZE, MIN_SIZE, Write};
use rustix::fs::OFlags;

use super::{RecordError, RecordSettings};

/// Writes that may wait: with 32 KiB each, 8 MiB. A turn makes one, seldom more. When the queue is full they are
/// lost rather than waited for.
const QUEUE: usize = 256;

/// The way to the file.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) settings: RecordSettings,
    writes: Option<SyncSender<Write>>,
    progress: Arc<Progress>,
    done: Receiver<()>,
}

/// The queue is full: the write, which was not taken.
#[derive(Debug)]
pub(crate) struct Full(pub(crate) Write);

/// What the thread has done so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    written: AtomicU64,
    error: Mutex<Option<String>>,
}

impl Progress {
    /// Octets written, and why it ended, if that is not known yet.
    pub(crate) fn now(&self, known: Option<String>) -> (u64, Option<String>) {
        let error = self.error.lock().ok().and_then(|error| error.clone());
        (self.written.load(Ordering::Relaxed), known.or(error))
    }
}

impl Sink {
    /// Open the file and start the thread. Not on the thread of the elections: this may wait.
    pub(crate) fn open(settings: RecordSettings) -> Result<Self, RecordError> {
        if !(MIN_SIZE..=MAX_SIZE).contains(&settings.size) {
            return Err(RecordError::Size(settings.size));
        }
        let path = settings.path.clone();
        let failed = |error| RecordError::Io {
            path: path.clone(),
            error,
        };
        keep_earlier(&path)?;
        let flags = OFlags::NOFOLLOW;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
            .open(&path)
            .map_err(failed)?;
        Self::start(settings, file)
    }

    /// Go on with the file of a recording whose loop has failed.
    pub(crate) fn reopen(settings: RecordSettings) -> Result<Self, RecordError> {
        let failed = |error| RecordError::Io {
            path: settings.path.clone(),
            error,
        };
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
            .open(&settings.path)
            .map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(RecordError::NotARecording(settings.path));
        }
        Self::start(settings, file)
    }

    fn start(settings: RecordSettings, file: File) -> Result<Self, RecordError> {
        let path = settings.path.clone();
        let failed = |error| RecordError::Io { path, error };
        let (writes, queue) = sync_channel(QUEUE);
        let (finished, done) = sync_channel(1);
        let progress = Arc::new(Progress::default());
        let told = Arc::clone(&progress);
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                write_all(&file, &queue, &told);
                // Nobody may wait for it any more.
                let _ = finished.send(());
            })
            .map_err(failed)?;
        Ok(Self {
            settings,
            writes: Some(writes),
            progress,
            done,
        })
    }

    /// Hand a write over, without waiting.
    pub(crate) fn push(&self, write: Write) -> Result<(), Full> {
        let Some(writes) = &self.writes else {
            return Ok(());
        };
        match writes.try_send(write) {
            // The thread has said why it ended.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(write)) => Err(Full(write)),
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.progress.written.load(Ordering::Relaxed)
    }

    /// Why the thread has ended, if it has.
    pub(crate) fn error(&self) -> Option<String> {
        let error = self.progress.error.lock();
        error.map_or(None, |error| error.clone())
    }

    /// For who waits for the end.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Nothing more comes. The file is complete when the end of this is heard of: see
    /// [`finish`](Self::finish).
    pub(crate) fn close(&mut self) {
        self.writes = None;
    }

    /// Wait until everything is in the file, at most for `patience`.
    pub(crate) fn finish(mut self, patience: Duration) -> bool {
        self.close();
        !matches!(
            self.done.recv_timeout(patience),
            Err(RecvTimeoutError::Timeout)
        )
    }
}

fn write_all(file: &File, queue: &Receiver<Write>, progress: &Progress) {
    for write in queue {
        if let Err(error) = file.write_all_at(&write.octets, write.offset) {
            if let Ok(mut told) = progress.error.lock() {
                *told = Some(format!("the recording ended: {error}"));
            }
            return;
        }
        let octets = u64::try_from(write.octets.len()).unwrap_or(u64::MAX);
        progress.written.fetch_add(octets, Ordering::Relaxed);
    }
    // For who copies it from the disk of a machine that is about to be switched off. What the kernel cannot
    // promise is no loss of ours.
    let _ = file.sync_data();
}

/// Gives way to an earlier recording: it may be of what somebody wants to know about. Anything else is not ours
/// to move.
fn keep_earlier(path: &Path) -> Result<(), RecordError> {
    let failed = |error| RecordError::Io {
        path: path.to_owned(),
        error,
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // A symbolic link.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(RecordError::NotARecording(path.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(RecordError::NotARecording(path.to_owned()));
    }
    let mut begin = [0; MAGIC.len()];
    let read = file.read(&mut begin).map_err(failed)?;
    // An empty one is left by a run that was killed before its first write.
    if read > 0 && begin != MAGIC {
        return Err(RecordError::NotARecording(path.to_owned()));
    }
    let mut kept = path.as_os_str().to_owned();
    kept.push(".1");
    fs::rename(path, PathBuf::from(kept)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = format!("keepalived-rs-recording-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(folder);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn write(octets: &[u8]) -> Write {
        Write::new(0, octets.to_vec())
    }

    #[test]
    fn only_the_user_of_the_daemon_can_read_a_recording() {
        let folder = Folder::new("mode");
        let path = folder.0.join("a");
        let sink = Sink::open(RecordSettings::new(&path)).expect("opened");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        drop(sink);
    }

    #[test]
    fn an_earlier_recording_is_kept_beside_the_new_one() {
        let folder = Folder::new("kept");
        let path = folder.0.join("a");
        let sink = Sink::open(RecordSettings::new(&path)).expect("opened");
        sink.push(write(&MAGIC)).expect("room");
        assert!(sink.finish(Duration::from_secs(60)));
        let sink = Sink::open(RecordSettings::new(&path)).expect("opened again");
        assert!(sink.finish(Duration::from_secs(60)));
        assert_eq!(fs::read(folder.0.join("a.1")).expect("kept"), MAGIC);
        assert_eq!(fs::read(path).expect("new"), b"");
    }

    #[test]
    fn what_is_no_recording_is_never_written_over() {
        let folder = Folder::new("foreign");
        let path = folder.0.join("a");
        fs::write(&path, "precious").expect("written");
        let refused = Sink::open(RecordSettings::new(&path));
        assert!(
            matches!(refused, Err(RecordError::NotARecording(_))),
            "{refused:?}"
        );
        let link = folder.0.join("link");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        let refused = Sink::open(RecordSettings::new(&link));
        assert!(
            matches!(refused, Err(RecordError::NotARecording(_))),
            "{refused:?}"
        );
        assert_eq!(fs::read(path).expect("there"), b"precious");
    }

    #[test]
    fn a_full_disk_ends_the_recording_with_its_reason() {
        let mut settings = RecordSettings::new("/dev/full");
        let refused = Sink::open(settings.clone());
        assert!(
            matches!(refused, Err(RecordError::NotARecording(_))),
            "{refused:?}"
        );
        settings.size = MAX_SIZE + 1;
        assert!(matches!(Sink::open(settings), Err(RecordError::Size(_))));
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("there");
        let (writes, queue) = sync_channel(1);
        writes.send(write(b"much")).expect("room");
        drop(writes);
        let progress = Progress::default();
        write_all(&full, &queue, &progress);
        let error = progress.error.lock().expect("whole").clone();
        assert!(error.is_some_and(|error| error.contains("No space")));
    }
}
