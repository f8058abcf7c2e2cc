//! Recording what the elections loop hears and does: the file, and the thread that writes it.
//!
//! The loop itself never waits for a disk. What it has to say goes through a bounded queue to a thread; when
//! the disk is slower than the network for so long that the queue is full, records are lost, and the
//! recording says where and how many. What is in the file and how it is replayed is the business of
//! [`keepalived_recording`].

mod file;

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

pub use keepalived_recording::{DEFAULT_SIZE, MAX_SIZE, MIN_SIZE};

pub(crate) use file::{Full, Sink};

/// How and where to record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordSettings {
    /// The file. A recording that is there is kept beside it, with `.1` behind its name; anything else that is
    /// there is left alone. Only the daemon's user can read it.
    pub path: PathBuf,
    /// Octets that it may have, [`MIN_SIZE`] to [`MAX_SIZE`]: the oldest quarter is overwritten when it is full.
    pub size: u64,
    /// Leave passwords and keys out. The replay is the same without them.
    pub without_secrets: bool,
}

impl RecordSettings {
    /// With passwords and keys, up to [`DEFAULT_SIZE`].
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            size: DEFAULT_SIZE,
            without_secrets: false,
        }
    }
}

/// What a recording has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordStatus {
    /// How and where.
    pub settings: RecordSettings,
    /// Since when.
    pub since: SystemTime,
    /// Records taken down, lost ones included.
    pub recorded: u64,
    /// Records lost because the disk was too slow.
    pub lost: u64,
    /// Octets written, overwritten ones included.
    pub written: u64,
    /// It goes on.
    pub running: bool,
    /// Why it ended by itself.
    pub error: Option<String>,
}

impl RecordStatus {
    /// That of a recording that begins.
    #[must_use]
    pub const fn new(settings: RecordSettings, since: SystemTime) -> Self {
        Self {
            settings,
            since,
            recorded: 0,
            lost: 0,
            written: 0,
            running: true,
            error: None,
        }
    }
}

/// Why a recording could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There is something that is no recording.
    #[error("{} exists and is not a recording", .0.display())]
    NotARecording(PathBuf),
    /// The size is out of range.
    #[error("a recording has {MIN_SIZE} to {MAX_SIZE} octets, not {0}")]
    Size(u64),
    /// A system call failed.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Of which file.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// The loop could not be told.
    #[error(transparent)]
    Remote(#[from] crate::RemoteError),
}
