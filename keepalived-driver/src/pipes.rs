//! Named pipes that get a line for every event (`notify_fifo`, `vrrp_notify_fifo`).
//!
//! The daemon holds each pipe open for reading as well as for writing, and never waits: without a
//! reader lines collect in the kernel's buffer, and when that is full they are counted as lost.
//! What was lost is told twice, at the first line and when there is room again, not for every line.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// Longest line that the kernel writes whole or not at all. POSIX `PIPE_BUF` on Linux.
const WHOLE: usize = 4096;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Virtual routers and their groups.
    Vrrp,
    /// Services and servers.
    Balance,
}

/// One pipe, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipeSettings {
    /// Where.
    pub path: PathBuf,
    /// User and group it is given to when it is made; the daemon's own if absent.
    pub owner: Option<(u32, u32)>,
    /// It gets lines about this only; about everything if absent.
    pub only: Option<Topic>,
}

impl PipeSettings {
    /// A pipe at `path` that belongs to the daemon.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            owner: None,
            only: None,
        }
    }

    /// The same for lines about one thing only.
    #[must_use]
    pub fn with_only(mut self, topic: Topic) -> Self {
        self.only = Some(topic);
        self
    }

    /// The same for another account.
    #[must_use]
    pub fn with_owner(mut self, uid: u32, gid: u32) -> Self {
        self.owner = Some((uid, gid));
        self
    }
}

/// Something about a pipe that is worth a log line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipeReport {
    /// It could not be made or opened; it gets nothing until a reload.
    #[error("pipe {}: {error}", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Nobody reads it and its buffer is full: events are being lost from now on.
    #[error("pipe {} is full: nobody reads it, and events are lost", .path.display())]
    Full {
        /// Which.
        path: PathBuf,
    },
    /// A line is too long for the kernel to write it whole, so it is lost.
    #[error("pipe {}: a line of {length} bytes is lost, {WHOLE} is the most", .path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
        /// In bytes, with the line end.
        length: usize,
    },
    /// There is room again.
    #[error("pipe {} has room again; {lost} events were lost", .path.display())]
    Recovered {
        /// Which.
        path: PathBuf,
        /// Since it was full.
        lost: u64,
    },
}

/// The pipes of one daemon.
#[derive(Debug, Default)]
pub struct Pipes {
    open: Vec<Pipe>,
}

impl Pipes {
    /// Have exactly these pipes from now on. Those that stay are not touched: a program that reads
    /// one keeps its connection.
    pub fn set(&mut self, wanted: &[PipeSettings], mut report: impl FnMut(PipeReport)) {
        self.open.retain(|pipe| wanted.contains(&pipe.settings));
        for settings in wanted {
            let known = |pipe: &Pipe| pipe.settings.path == settings.path;
            if self.open.iter().any(known) {
                continue;
            }
            match Pipe::open(settings.clone()) {
                Ok(pipe) => self.open.push(pipe),
                Err(error) => report(PipeReport::Unusable {
                    path: settings.path.clone(),
                    error,
                }),
            }
        }
    }

    /// Write a line, which ends itself as its readers expect, to every pipe that wants it.
    pub fn write(&mut self, topic: Topic, line: &str, mut report: impl FnMut(PipeReport)) {
        let wants = |pipe: &&mut Pipe| pipe.settings.only.is_none_or(|only| only == topic);
        for pipe in self.open.iter_mut().filter(wants) {
            if let Some(told) = pipe.write(line) {
                report(told);
            }
        }
    }

    /// Lines that were not written, over all pipes.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.open.iter().map(|pipe| pipe.lost_ever).sum()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[derive(Debug)]
struct Pipe {
    settings: PipeSettings,
    file: File,
    /// This daemon made it and removes it.
    made: bool,
    lost: u64,
    lost_ever: u64,
}

impl Pipe {
    /// Makes the pipe, or takes over one that is there: NOTI-06.
    fn open(settings: PipeSettings) -> io::Result<Self> {
        // Who may open it is a matter of the umask, as for every other file.
        let mode = Mode::from_bits_truncate(0o666);
        let made = match mknodat(CWD, &settings.path, FileType::Fifo, mode, 0) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error.into()),
        };
        // For reading too, so that the end of a reader is not the end of the pipe.
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
            .open(&settings.path)?;
        if !file.metadata()?.file_type().is_fifo() {
            let what = "there is something else than a pipe";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        let expected = settings.owner.map(|(uid, _)| uid);
        let owner = file.metadata()?.uid();
        if !made && owner != geteuid().as_raw() && Some(owner) != expected {
            // Whoever put it there would hear, and could withhold, everything.
            let what = format!("it belongs to user {owner}");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        if made && let Some((uid, gid)) = settings.owner {
            fchown(&file, Some(uid), Some(gid))?;
        }
        Ok(Self {
            settings,
            file,
            made,
            lost: 0,
            lost_ever: 0,
        })
    }

    fn write(&mut self, line: &str) -> Option<PipeReport> {
        let path = || self.settings.path.clone();
        if line.len() > WHOLE {
            self.lost_ever += 1;
            return Some(PipeReport::TooLong {
                path: path(),
                length: line.len(),
            });
        }
        // Whatever the error: a line that is not written is lost, and the daemon goes on.
        if self.file.write_all(line.as_bytes()).is_err() {
            self.lost += 1;
            self.lost_ever += 1;
            return (self.lost == 1).then(|| PipeReport::Full { path: path() });
        }
        let lost = std::mem::take(&mut self.lost);
        (lost > 0).then(|| PipeReport::Recovered { path: path(), lost })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if self.made && is_same(&self.file, &self.settings.path) {
            let _ = fs::remove_file(&self.settings.path);
        }
    }
}

/// What is at `path` is the file we hold, not another one put there meanwhile.
fn is_same(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn folder(name: &str) -> PathBuf {
        let name = format!("keepalived-pipes-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[expect(clippy::needless_pass_by_value, reason = "as callers hand it over")]
    fn no_report(report: PipeReport) {
        panic!("{report}");
    }

    fn read(path: &Path) -> String {
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)
            .unwrap();
        let mut text = Vec::new();
        // Ends with "would block": the daemon still holds the pipe.
        let _ = file.read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    }

    /// NOTI-06: made, filled without a reader, removed.
    #[test]
    fn lines_wait_in_the_pipe_for_a_reader_and_the_pipe_goes_with_the_daemon() {
        let folder = folder("wait");
        let path = folder.join("fifo");
        let mut pipes = Pipes::default();
        pipes.set(&[PipeSettings::new(&path)], no_report);
        pipes.write(Topic::Vrrp, "INSTANCE \"a\" MASTER 100\n", no_report);
        pipes.write(Topic::Vrrp, "INSTANCE \"a\" BACKUP 100\n", no_report);
        assert_eq!(
            read(&path),
            "INSTANCE \"a\" MASTER 100\nINSTANCE \"a\" BACKUP 100\n"
        );
        drop(pipes);
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    /// NOTI-06, LESSONS A6: nothing waits, and what is lost is told once and counted.
    #[test]
    fn a_full_pipe_loses_lines_counts_them_and_says_so_twice() {
        let folder = folder("full");
        let path = folder.join("fifo");
        let mut pipes = Pipes::default();
        pipes.set(&[PipeSettings::new(&path)], no_report);
        let mut told = Vec::new();
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..1000 {
            pipes.write(Topic::Vrrp, &line, |report| told.push(report));
        }
        assert!(
            matches!(told.as_slice(), [PipeReport::Full { .. }]),
            "{told:?}"
        );
        let lost = pipes.lost();
        assert!(lost > 300, "{lost}");
        assert!(
            read(&path).lines().all(|line| line.len() == 99),
            "whole lines"
        );
        pipes.write(Topic::Vrrp, "after\n", |report| told.push(report));
        assert!(
            matches!(told.as_slice(), [_, PipeReport::Recovered { lost: n, .. }] if *n == lost),
            "{told:?}"
        );
        assert_eq!(read(&path), "after\n");
        drop(pipes);
        fs::remove_dir_all(folder).unwrap();
    }

    /// A line that the kernel might mix with those of others is not written at all.
    #[test]
    fn a_line_that_cannot_be_written_whole_is_lost_and_does_not_pass_for_a_full_pipe() {
        let folder = folder("long");
        let path = folder.join("fifo");
        let mut pipes = Pipes::default();
        pipes.set(&[PipeSettings::new(&path)], no_report);
        let mut told = Vec::new();
        let long = format!("{}\n", "x".repeat(WHOLE));
        pipes.write(Topic::Vrrp, &long, |report| told.push(report));
        assert!(
            matches!(told.as_slice(), [PipeReport::TooLong { length: 4097, .. }]),
            "{told:?}"
        );
        assert_eq!(pipes.lost(), 1);
        pipes.write(Topic::Vrrp, &long[1..], no_report);
        assert_eq!(read(&path).len(), WHOLE);
        drop(pipes);
        fs::remove_dir_all(folder).unwrap();
    }

    /// LESSONS A6: readers stay connected over a reload.
    #[test]
    fn pipes_that_stay_are_not_made_anew() {
        let folder = folder("stay");
        let (a, b) = (folder.join("a"), folder.join("b"));
        let mut pipes = Pipes::default();
        pipes.set(&[PipeSettings::new(&a)], no_report);
        let inode = fs::metadata(&a).unwrap().ino();
        pipes.set(&[PipeSettings::new(&b), PipeSettings::new(&a)], no_report);
        assert_eq!(fs::metadata(&a).unwrap().ino(), inode);
        pipes.set(&[PipeSettings::new(&b)], no_report);
        assert!(!a.exists() && b.exists());
        drop(pipes);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_pipe_is_refused_and_left_alone() {
        let folder = folder("other");
        let (file, link, own) = (folder.join("file"), folder.join("link"), folder.join("own"));
        fs::write(&file, "precious").unwrap();
        symlink(&file, &link).unwrap();
        mknodat(CWD, &own, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let mut pipes = Pipes::default();
        let wanted = [&file, &link, &own].map(PipeSettings::new);
        let mut refused = 0;
        pipes.set(&wanted, |_| refused += 1);
        assert_eq!(refused, 2);
        drop(pipes);
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        assert!(own.exists(), "somebody else's pipe stays");
        fs::remove_dir_all(folder).unwrap();
    }
}
