//! Programs that are kept running: the readers of pipes (`notify_fifo_script`).
//!
//! Pure bookkeeping: which should run, and when one that ended may be started again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mio::Token;
use sans_io_time::Instant;

use super::queue::Run;
use super::{HookCommand, ObjectId, Trigger};

/// A reader that lived this long is started again at once; others after a growing delay.
const LONG_LIFE: Duration = Duration::from_secs(60);
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LAST_DELAY: Duration = Duration::from_secs(60);

/// A program that reads a pipe. It runs for as long as it is wanted so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderSettings {
    /// The pipe; becomes the last argument.
    pub pipe: PathBuf,
    /// The program.
    pub command: Arc<HookCommand>,
    /// Which edition of its files it is, in any numbers: with others it is begun anew.
    pub edition: Vec<i64>,
}

impl ReaderSettings {
    /// A reader of `pipe`.
    #[must_use]
    pub fn new(pipe: impl Into<PathBuf>, command: Arc<HookCommand>) -> Self {
        Self {
            pipe: pipe.into(),
            command,
            edition: Vec::new(),
        }
    }

    pub(super) fn run(&self) -> Run {
        let pipe = self.pipe.to_string_lossy().into_owned();
        Run {
            object: ObjectId::Pipe(pipe.as_str().into()),
            trigger: Trigger::Read,
            command: Arc::clone(&self.command),
            appended: vec![pipe],
        }
    }
}

#[derive(Debug)]
struct Reader {
    settings: ReaderSettings,
    /// Still in the configuration.
    wanted: bool,
    /// Its process, while it runs.
    running: Option<(Token, Instant)>,
    /// Not before this time.
    start_at: Option<Instant>,
    delay: Duration,
}

/// Whose process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// That of something else.
    NoReader,
    /// That of a reader that is wanted.
    ByItself,
    /// That of one that is not wanted any more, or not so.
    Dismissed,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Readers {
    list: Vec<Reader>,
}

impl Readers {
    /// Run exactly these from now on. One that is wanted as before is not touched, so that a reload costs it
    /// no line. Returns what has to end; there is never more than one reader of a pipe. NOTI-07.
    pub(super) fn set(&mut self, mut wanted: Vec<ReaderSettings>) -> Vec<Token> {
        let mut ending = Vec::new();
        self.list.retain_mut(|reader| {
            let same = |one: &ReaderSettings| reader.wanted && *one == reader.settings;
            match wanted.iter().position(same) {
                Some(known) => drop(wanted.remove(known)),
                None => {
                    let running = reader.running.filter(|_| reader.wanted);
                    ending.extend(running.map(|(token, _)| token));
                    reader.wanted = false;
                }
            }
            reader.wanted || reader.running.is_some()
        });
        self.list.extend(wanted.into_iter().map(|settings| Reader {
            settings,
            wanted: true,
            running: None,
            start_at: None,
            delay: FIRST_DELAY,
        }));
        ending
    }

    /// What runs now.
    pub(super) fn running(&self) -> Vec<Token> {
        let running = self.list.iter().filter_map(|reader| reader.running);
        running.map(|(token, _)| token).collect()
    }

    /// Start nothing any more.
    pub(super) fn stop(&mut self) {
        self.list.retain_mut(|reader| {
            reader.wanted = false;
            reader.running.is_some()
        });
    }

    /// The next one to be started now; to be followed by [`started`](Self::started) or
    /// [`failed`](Self::failed) with its index.
    pub(super) fn next(&self, now: Instant) -> Option<(usize, Run)> {
        let index = self
            .list
            .iter()
            .position(|reader| self.may_start(reader, now))?;
        Some((index, self.list.get(index)?.settings.run()))
    }

    fn may_start(&self, reader: &Reader, now: Instant) -> bool {
        let due = reader.start_at.is_none_or(|at| at <= now);
        reader.wanted && reader.running.is_none() && due && !self.has_old_reader(reader)
    }

    /// Another process still reads that pipe.
    fn has_old_reader(&self, reader: &Reader) -> bool {
        let same = |other: &&Reader| other.settings.pipe == reader.settings.pipe;
        self.list
            .iter()
            .filter(same)
            .any(|other| other.running.is_some())
    }

    pub(super) fn started(&mut self, index: usize, token: Token, now: Instant) {
        if let Some(reader) = self.list.get_mut(index) {
            reader.running = Some((token, now));
        }
    }

    pub(super) fn failed(&mut self, index: usize, now: Instant) {
        if let Some(reader) = self.list.get_mut(index) {
            reader.postpone(now);
        }
    }

    /// A process has ended.
    pub(super) fn ended(&mut self, token: Token, now: Instant) -> Ended {
        let is_it = |reader: &Reader| reader.running.is_some_and(|(known, _)| known == token);
        let Some(index) = self.list.iter().position(is_it) else {
            return Ended::NoReader;
        };
        let Some(reader) = self.list.get_mut(index) else {
            return Ended::NoReader;
        };
        let begun = reader.running.take().map_or(now, |(_, begun)| begun);
        if !reader.wanted {
            self.list.remove(index);
            return Ended::Dismissed;
        }
        if now.saturating_duration_since(begun) >= LONG_LIFE {
            reader.delay = FIRST_DELAY;
            reader.start_at = None;
        } else {
            reader.postpone(now);
        }
        Ended::ByItself
    }

    /// When something may be started.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let waiting = self
            .list
            .iter()
            .filter(|reader| reader.wanted && reader.running.is_none());
        waiting.filter_map(|reader| reader.start_at).min()
    }

    /// Nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        self.list.iter().all(|reader| reader.running.is_none())
    }
}

impl Reader {
    fn postpone(&mut self, now: Instant) {
        self.start_at = now.checked_add(self.delay);
        self.delay = (self.delay * 2).min(LAST_DELAY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pipe: &str) -> ReaderSettings {
        ReaderSettings::new(pipe, HookCommand::new(["/reader"]).into())
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    fn start(readers: &mut Readers, token: usize, now: Instant) -> Option<Vec<String>> {
        let (index, run) = readers.next(now)?;
        readers.started(index, Token(token), now);
        Some(run.appended)
    }

    /// LESSONS A6: after a reload two readers shared one pipe.
    #[test]
    fn the_old_reader_of_a_pipe_ends_before_the_new_one_begins() {
        let mut readers = Readers::default();
        assert!(readers.set(vec![settings("/a")]).is_empty());
        assert_eq!(start(&mut readers, 7, at(0)), Some(vec!["/a".to_owned()]));
        let mut other = settings("/a");
        other.edition.push(1);
        let ending = readers.set(vec![other, settings("/b")]);
        assert_eq!(ending, [Token(7)]);
        assert_eq!(start(&mut readers, 8, at(1)), Some(vec!["/b".to_owned()]));
        assert_eq!(start(&mut readers, 9, at(1)), None);
        assert_eq!(readers.ended(Token(7), at(2)), Ended::Dismissed);
        assert_eq!(start(&mut readers, 9, at(2)), Some(vec!["/a".to_owned()]));
    }

    /// NOTI-07: it was ended at each reload, and called too slow if it did not end by itself.
    #[test]
    fn a_reader_that_is_wanted_as_before_is_not_touched() {
        let mut readers = Readers::default();
        readers.set(vec![settings("/a"), settings("/b")]);
        assert!(start(&mut readers, 7, at(0)).is_some());
        assert!(start(&mut readers, 8, at(0)).is_some());
        // This one waits for its next start, and goes on waiting.
        assert_eq!(readers.ended(Token(8), at(0)), Ended::ByItself);
        assert!(readers.set(vec![settings("/b"), settings("/a")]).is_empty());
        assert_eq!(start(&mut readers, 9, at(0)), None);
        assert_eq!(start(&mut readers, 9, at(1)), Some(vec!["/b".to_owned()]));
        // Taken out and put in again while the old one ends, it is another one.
        assert_eq!(readers.set(vec![settings("/b")]), [Token(7)]);
        assert!(readers.set(vec![settings("/b"), settings("/a")]).is_empty());
        assert_eq!(start(&mut readers, 10, at(1)), None);
        assert_eq!(readers.ended(Token(7), at(2)), Ended::Dismissed);
        assert_eq!(start(&mut readers, 10, at(2)), Some(vec!["/a".to_owned()]));
    }

    #[test]
    fn a_reader_that_dies_again_and_again_is_started_less_and_less_often() {
        let mut readers = Readers::default();
        readers.set(vec![settings("/a")]);
        let mut now = at(0);
        let mut waits = Vec::new();
        for token in 0..8 {
            assert!(start(&mut readers, token, now).is_some());
            assert_eq!(readers.ended(Token(token), now), Ended::ByItself);
            let next = readers.next_timeout().unwrap();
            assert!(readers.next(now).is_none());
            waits.push(next.saturating_duration_since(now).as_secs());
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(start(&mut readers, 9, now).is_some());
        let later = now.checked_add(LONG_LIFE).unwrap();
        assert_eq!(readers.ended(Token(9), later), Ended::ByItself);
        assert!(start(&mut readers, 10, later).is_some(), "at once");
        readers.stop();
        assert_eq!(readers.ended(Token(10), later), Ended::Dismissed);
        assert!(readers.is_idle() && readers.next(later).is_none());
    }
}
