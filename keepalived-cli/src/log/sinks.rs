//! Where log lines end: standard error, the syslog socket, a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::Line;
use super::time::Dates;
use crate::arguments::Facility;

/// Where the syslog daemon listens.
const SYSLOG_SOCKET: &str = "/dev/log";
/// How soon to look again for a syslog daemon that was never there: lines come by the thousand.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Octets that are written to the console in one call: the most that a pipe takes in one piece.
const CONSOLE_PIECE: usize = 4096;
/// As keepalived's console lines begin.
const CONSOLE_DATE: &str = "%a %b %e %H:%M:%S %Y";

/// One destination. It may block: it has a thread to itself.
pub(super) trait Sink: Send {
    /// Its name for people.
    fn name(&self) -> String;
    /// Write a line.
    ///
    /// # Errors
    /// The line is lost.
    fn write(&mut self, line: &Line) -> io::Result<()>;
    /// Nothing more waits at the moment.
    ///
    /// # Errors
    /// What was written is kept, and written with a later line.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Each line is flushed, also while more wait.
    fn flushes_each(&self) -> bool {
        false
    }
}

/// `Fri Nov 20 16:48:56 2026: text`, as keepalived's console lines are.
fn dated(dates: &mut Dates, line: &Line) -> String {
    format!("{}: {}\n", dates.text(line.at), line.text)
}

#[derive(Debug)]
pub(super) struct ConsoleSink {
    /// Whole lines are written in one call, so that lines of several processes on one terminal stay whole; of a
    /// burst several at once.
    out: BufWriter<io::Stderr>,
    dates: Dates,
}

impl ConsoleSink {
    pub(super) fn new() -> Self {
        Self {
            out: BufWriter::with_capacity(CONSOLE_PIECE, io::stderr()),
            dates: Dates::new(CONSOLE_DATE),
        }
    }
}

impl Sink for ConsoleSink {
    fn name(&self) -> String {
        "the console".to_owned()
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let line = dated(&mut self.dates, line);
        self.out.write_all(line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[derive(Debug)]
pub(super) struct SyslogSink {
    facility: Facility,
    path: PathBuf,
    socket: Option<UnixDatagram>,
    /// There has been a syslog daemon. Where there never was one, none is missing.
    known: bool,
    /// When one was last looked for in vain.
    missed: Option<SystemTime>,
    dates: Dates,
}

impl SyslogSink {
    pub(super) fn new(facility: Facility) -> Self {
        Self {
            facility,
            path: SYSLOG_SOCKET.into(),
            socket: None,
            known: false,
            missed: None,
            dates: Dates::new("%b %e %H:%M:%S"),
        }
    }

    #[cfg(test)]
    pub(super) fn at(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// RFC 3164 4.1, as the C library writes it to the local socket: without a host name.
    fn datagram(&mut self, line: &Line) -> String {
        let priority = self.facility.0 | line.level.severity();
        let date = self.dates.text(line.at);
        format!(
            "<{priority}>{date} {}[{}]: {}",
            line.tag,
            std::process::id(),
            line.text
        )
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        Ok(socket)
    }
}

impl Sink for SyslogSink {
    fn name(&self) -> String {
        "syslog".to_owned()
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let since = self.missed.map(|at| line.at.duration_since(at));
        // A clock that was set back says nothing.
        if !self.known && since.is_some_and(|since| since.is_ok_and(|since| since < LOOK_AGAIN)) {
            return Ok(());
        }
        let datagram = self.datagram(line);
        let mut outcome = Ok(());
        // Twice: the syslog daemon may have been restarted since the last line.
        for _ in 0..2 {
            let connected = self.socket.take().map_or_else(|| self.connect(), Ok);
            let sent = connected.and_then(|socket| {
                self.known = true;
                socket.send(datagram.as_bytes())?;
                Ok(socket)
            });
            match sent {
                Ok(socket) => {
                    self.socket = Some(socket);
                    return Ok(());
                }
                Err(error) => outcome = Err(error),
            }
        }
        if self.known {
            return outcome;
        }
        self.missed = Some(line.at);
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct FileSink {
    file: BufWriter<File>,
    path: PathBuf,
    flush_each: bool,
    /// Set from outside: open the file anew, it may have been renamed.
    reopen: Arc<AtomicBool>,
    dates: Dates,
}

impl FileSink {
    /// Appends; a symbolic link in the last place is refused, so that nobody can aim the daemon at
    /// another file from a folder like /tmp.
    pub(super) fn open(path: &Path, flush_each: bool, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(Self::file(path)?),
            path: path.to_owned(),
            flush_each,
            reopen,
            dates: Dates::new(CONSOLE_DATE),
        })
    }

    fn file(path: &Path) -> io::Result<File> {
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::NONBLOCK).bits());
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.unwrap_or_default())
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            ));
        }
        Ok(file)
    }
}

impl Sink for FileSink {
    fn name(&self) -> String {
        format!("the log file {}", self.path.display())
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        if self.reopen.swap(false, Ordering::Relaxed) {
            // Where that fails the old one is better than none.
            if let Ok(file) = Self::file(&self.path) {
                let _ = self.file.flush();
                let old = std::mem::replace(&mut self.file, BufWriter::new(file));
                // What the old one could not take.
                if let (_, Ok(rest)) = old.into_parts() {
                    self.file.write_all(&rest)?;
                }
            }
        }
        let line = dated(&mut self.dates, line);
        self.file.write_all(line.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn flushes_each(&self) -> bool {
        self.flush_each
    }
}
