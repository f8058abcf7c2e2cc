//! Log lines: to the console, to syslog, to a file, and never a reason to wait.
//!
//! Each destination has a bounded queue and a thread of its own, so that a blocked pipe, a full
//! disk or a stuck syslog daemon stalls neither the caller nor the other destinations. Lines that
//! do not fit are counted, and the count is written as soon as there is room again. Of a destination
//! that cannot be written to, as on a full disk, the others tell, once when it begins and once when
//! it is over.

mod queue;
mod sinks;
mod time;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use keepalived_driver::clock::Clock;

use crate::arguments::Facility;
use queue::Queue;
use sinks::{ConsoleSink, FileSink, Sink, SyslogSink};

pub(crate) use time::{local_text, wall_clock};

/// How important a line is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Something does not work.
    Error,
    /// Something may not work, or not as somebody expects.
    Warning,
    /// Worth knowing and rare.
    Notice,
    /// The normal course of things.
    Info,
    /// Written only with `-D`.
    Detail,
}

impl Level {
    /// RFC 3164 4.1.1 severity.
    fn severity(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info | Self::Detail => 6,
        }
    }
}

/// Where lines go.
#[derive(Clone, Debug)]
pub(crate) struct LogSettings {
    /// Standard error.
    pub(crate) console: bool,
    /// `/dev/log`, with this facility.
    pub(crate) syslog: Option<Facility>,
    /// This file, appended to.
    pub(crate) file: Option<PathBuf>,
    /// Write each line to the file at once.
    pub(crate) flush_file: bool,
    /// [`Level::Detail`] lines are written.
    pub(crate) detail: bool,
    /// Follows `Keepalived_vrrp` in the syslog tag: names of the network namespace and of the daemon's
    /// instance, each with an underscore in front.
    pub(crate) tag_suffix: String,
}

/// One line on its way.
#[derive(Debug)]
struct Line {
    at: SystemTime,
    level: Level,
    tag: Arc<str>,
    text: String,
}

/// Destinations, with the names of their threads.
type Sinks = Vec<(&'static str, Box<dyn Sink>)>;

/// A handle to the log; cheap to clone, usable from any thread, never blocks.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    queues: Arc<[Arc<Queue>]>,
    tag: Arc<str>,
    detail: bool,
    clock: Clock,
    /// The file is to be opened anew before the next line.
    reopen: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
}

/// Many lines come, one directly after the other, until this is dropped.
#[derive(Debug)]
pub(crate) struct Burst(Arc<[Arc<Queue>]>);

impl Drop for Burst {
    fn drop(&mut self) {
        for queue in self.0.iter() {
            queue.end_burst();
        }
    }
}

impl Log {
    /// Open the destinations and start their threads. CLI-09, CLI-11.
    ///
    /// # Errors
    ///
    /// When the log file cannot be opened or a thread cannot be started. No syslog daemon is no
    /// error: there may be one later.
    pub(crate) fn start(settings: &LogSettings) -> io::Result<Self> {
        let reopen = Arc::new(AtomicBool::new(false));
        let mut sinks: Sinks = Vec::new();
        if settings.console {
            sinks.push(("log-console", Box::new(ConsoleSink::new())));
        }
        if let Some(facility) = settings.syslog {
            sinks.push(("log-syslog", Box::new(SyslogSink::new(facility))));
        }
        if let Some(path) = &settings.file {
            let sink = FileSink::open(path, settings.flush_file, reopen.clone())?;
            sinks.push(("log-file", Box::new(sink)));
        }
        Self::serve(settings, sinks, reopen)
    }

    fn serve(settings: &LogSettings, sinks: Sinks, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        let tag: Arc<str> = format!("Keepalived_vrrp{}", settings.tag_suffix).into();
        let queues: Arc<[Arc<Queue>]> = sinks.iter().map(|_| Arc::default()).collect();
        let lost = Arc::new(AtomicU64::new(0));
        for (place, (name, sink)) in sinks.into_iter().enumerate() {
            let server = Server {
                queues: Arc::clone(&queues),
                place,
                sink,
                tag: Arc::clone(&tag),
                lost: Arc::clone(&lost),
                failing: None,
            };
            thread::Builder::new()
                .name(name.into())
                .spawn(move || server.serve())?;
        }
        Ok(Self {
            queues,
            tag,
            detail: settings.detail,
            clock: Clock,
            reopen,
            lost,
        })
    }

    /// Lines that are missing at one of the destinations: they came too fast for it, or it could not
    /// be written to.
    pub(crate) fn lines_lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Write one line. Control characters are escaped, so that it stays one.
    pub(crate) fn line(&self, level: Level, text: &str) {
        if level == Level::Detail && !self.detail {
            return;
        }
        let line = Arc::new(Line {
            at: self.clock.wall(),
            level,
            tag: Arc::clone(&self.tag),
            text: escaped(text),
        });
        for queue in self.queues.iter() {
            queue.push(Arc::clone(&line));
        }
    }

    /// To wake the threads for each line of many takes longer than to write them.
    pub(crate) fn burst(&self) -> Burst {
        for queue in self.queues.iter() {
            queue.begin_burst();
        }
        Burst(Arc::clone(&self.queues))
    }

    /// Open the log file anew: it may have been renamed.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Wait until everything is written, at most this long over all destinations.
    pub(crate) fn finish(&self, patience: Duration) {
        let end = self.clock.now().checked_add(patience);
        for queue in self.queues.iter() {
            let left = end.map(|end| end.saturating_duration_since(self.clock.now()));
            queue.wait_until_written(left.unwrap_or(patience));
        }
    }
}

/// The thread of one destination.
struct Server {
    queues: Arc<[Arc<Queue>]>,
    /// Of its own queue among them.
    place: usize,
    sink: Box<dyn Sink>,
    tag: Arc<str>,
    /// Lines lost at any destination.
    lost: Arc<AtomicU64>,
    /// Nothing can be written at present; how many lines were lost since.
    failing: Option<u64>,
}

impl Server {
    fn serve(mut self) {
        let Some(queue) = self.queues.get(self.place).cloned() else {
            return;
        };
        loop {
            let taken = queue.take();
            if taken.lost > 0 {
                self.lost.fetch_add(taken.lost, Ordering::Relaxed);
                let text = format!("{} log lines were lost, they came too fast", taken.lost);
                let line = self.warning(taken.line.at, text);
                self.write(&line);
            }
            let taken_in = self.write(&taken.line);
            if queue.is_empty() || self.sink.flushes_each() {
                let flushed = self.sink.flush();
                if taken_in || flushed.is_err() {
                    self.note(flushed, taken.line.at);
                }
            }
            queue.written();
        }
    }

    /// Whether the destination has taken it.
    fn write(&mut self, line: &Line) -> bool {
        let Err(error) = self.sink.write(line) else {
            return true;
        };
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.note(Err(error), line.at);
        if let Some(lost) = &mut self.failing {
            *lost = lost.saturating_add(1);
        }
        false
    }

    /// Tells the other destinations when trouble begins or ends, and this one what is missing in it. What went
    /// well counts only once it has been flushed.
    fn note(&mut self, outcome: io::Result<()>, at: SystemTime) {
        let name = self.sink.name();
        let text = match (outcome, self.failing) {
            (Err(error), None) => {
                self.failing = Some(0);
                format!("Log lines cannot be written to {name}: {error}")
            }
            (Ok(()), Some(lost)) => {
                self.failing = None;
                if lost > 0 {
                    let text =
                        format!("{lost} log lines are missing above, they could not be written");
                    // If that cannot be written either, the next lines tell of it.
                    let _ = self.sink.write(&self.warning(at, text));
                    let _ = self.sink.flush();
                }
                format!("Log lines are written to {name} again, {lost} are missing there")
            }
            (Ok(()), None) | (Err(_), Some(_)) => return,
        };
        let line = Arc::new(self.warning(at, text));
        for (place, queue) in self.queues.iter().enumerate() {
            if place != self.place {
                queue.push(Arc::clone(&line));
            }
        }
    }

    fn warning(&self, at: SystemTime, text: String) -> Line {
        Line {
            at,
            level: Level::Warning,
            tag: Arc::clone(&self.tag),
            text,
        }
    }
}

fn escaped(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().collect()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests;
