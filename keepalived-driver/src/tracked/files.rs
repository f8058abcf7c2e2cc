//! Tracked files (`track_file`): the number in a file, read whenever the file changes.
//!
//! Folders are watched, not the file: one that is replaced by a rename, deleted, or not there yet is
//! seen like any other change, and every folder on the way to it may come and go. A file reached
//! through a symbolic link is watched where it really is, too. It is read when a writer closes it, so
//! that no half of a number is seen.
//!
//! A file that is not there counts as 0, and so does one that does not begin with a number, as in
//! keepalived; a number too large to be one is ignored.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::unix::SourceFd;
use mio::{Events, Interest, Token};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use vrrp_fsm::TrackStatus;

use super::report::TrackReport;
use super::thread::{Order, Post, WAKER};
use super::{FileWatch, InitFile, TrackerFacts, TrackerId, TrackerSetup, Watch};

const NOTIFY: Token = Token(WAKER.0 + 1);
/// More than this of a file is not looked at: a number is shorter.
const MOST: u64 = 128;

/// The files into which their number was written, and as what. It outlives the thread, so that one that
/// starts again after a failure does not write over what somebody has written since.
pub(super) type Initialised = Arc<Mutex<BTreeMap<TrackerId, FileWatch>>>;

/// The life of the thread.
pub(super) fn watch(post: &mut Post, initialised: &Initialised) -> io::Result<()> {
    let notify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let fd = notify.as_raw_fd();
    let registry = post.poll.registry();
    registry.register(&mut SourceFd(&fd), NOTIFY, Interest::READABLE)?;
    let mut files = Files {
        post,
        initialised,
        notify,
        files: BTreeMap::new(),
        folders: HashMap::new(),
    };
    let mut events = Events::with_capacity(8);
    loop {
        if let Err(error) = files.post.poll.poll(&mut events, None)
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        match files.post.orders() {
            Order::Continue => {}
            Order::Watch(wanted) => files.replace(wanted),
            Order::Stop => return Ok(()),
        }
        files.read_news()?;
    }
}

struct Tracked {
    setup: Arc<TrackerSetup>,
    watch: FileWatch,
    /// Where it really is, if a symbolic link is on the way.
    real: Option<PathBuf>,
    value: Option<i64>,
    readings: u64,
    /// What was last said about its content, so that it is said once.
    said: Option<String>,
}

struct Files<'a> {
    post: &'a mut Post,
    initialised: &'a Initialised,
    notify: OwnedFd,
    files: BTreeMap<TrackerId, Tracked>,
    /// The folders that are watched, by the kernel's number.
    folders: HashMap<i32, PathBuf>,
}

impl Files<'_> {
    /// Other files. One with the same definition keeps its number until it changes.
    fn replace(&mut self, wanted: Vec<Arc<TrackerSetup>>) {
        let mut old = std::mem::take(&mut self.files);
        for setup in wanted {
            let Watch::File(watch) = &setup.watch else {
                continue;
            };
            let known = old.remove(&setup.id).filter(|known| known.setup == setup);
            if known.is_none()
                && let Some(init) = watch.init
                && self.is_first(&setup.id, watch)
                && let Err(error) = initialise(&watch.path, init)
            {
                self.remark(
                    &setup.id,
                    format!("cannot write {}: {error}", watch.path.display()),
                );
            }
            let tracked = known.unwrap_or_else(|| Tracked {
                watch: watch.clone(),
                setup: Arc::clone(&setup),
                real: None,
                value: None,
                readings: 0,
                said: None,
            });
            self.files.insert(setup.id.clone(), tracked);
        }
        lock(self.initialised).retain(|id, _| self.files.contains_key(id));
        self.settle();
    }

    /// Nobody has written this into the file yet, in this life or an earlier one.
    fn is_first(&self, id: &TrackerId, watch: &FileWatch) -> bool {
        let before = lock(self.initialised).insert(id.clone(), watch.clone());
        before.as_ref() != Some(watch)
    }

    fn remark(&self, id: &TrackerId, text: String) {
        let tracker = id.to_string();
        (self.post.say)(TrackReport::Remark { tracker, text });
    }

    /// Watch the folders that have to be watched now, and read everything. In this order: what
    /// changes after the reading is heard of.
    fn settle(&mut self) {
        /// Folders made one in another in one moment; more than that is somebody's game, and the
        /// next event comes here again.
        const ROUNDS: usize = 32;
        for _ in 0..ROUNDS {
            let needed = self.needed();
            self.watch(&needed);
            // A folder may have been made in one that was not watched yet when it was looked for.
            if self.needed() == needed {
                break;
            }
        }
        let ids: Vec<TrackerId> = self.files.keys().cloned().collect();
        for id in ids {
            self.read(&id);
        }
    }

    /// The folders on the way to the files, as far as they exist, and to where the files really are.
    fn needed(&mut self) -> Vec<PathBuf> {
        let mut needed: Vec<PathBuf> = Vec::new();
        for tracked in self.files.values_mut() {
            let path = &tracked.watch.path;
            tracked.real = fs::canonicalize(path).ok().filter(|real| real != path);
            let real = tracked.real.iter();
            for folder in real.chain([path]).flat_map(|path| path.ancestors().skip(1)) {
                if folder.is_dir() && !needed.iter().any(|known| known == folder) {
                    needed.push(folder.to_owned());
                }
            }
        }
        needed
    }

    fn watch(&mut self, needed: &[PathBuf]) {
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let mut watched = HashMap::new();
        let mut refused = Vec::new();
        for folder in needed {
            match inotify::add_watch(&self.notify, folder, flags) {
                Ok(number) => drop(watched.insert(number, folder.clone())),
                // It went this moment: its own folder is watched too.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => refused.push((folder, error)),
            }
        }
        for number in self.folders.keys() {
            if !watched.contains_key(number) {
                // The kernel may have forgotten it already.
                let _ = inotify::remove_watch(&self.notify, *number);
            }
        }
        self.folders = watched;
        for (folder, error) in refused {
            let what = "files";
            let error = format!("{}: {error}", folder.display());
            (self.post.say)(TrackReport::Failed { what, error });
        }
    }

    fn read(&mut self, id: &TrackerId) {
        let Some(tracked) = self.files.get_mut(id) else {
            return;
        };
        tracked.readings += 1;
        let (value, remark) = match number_in(&tracked.watch.path) {
            Ok(Content::Number(value)) => (Some(value), None),
            Ok(Content::None(shown)) => {
                let text = format!("no number in {shown:?}, taken for 0");
                (Some(0), Some(text))
            }
            Ok(Content::TooLarge(shown)) => {
                let text = format!("Invalid number {shown} read - ignoring");
                (tracked.value, Some(text))
            }
            Ok(Content::Empty) => (Some(0), None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = tracked.watch.path.display();
                (Some(0), Some(format!("there is no {path}, taken for 0")))
            }
            // Not to be read is not the same as not there.
            Err(error) => (tracked.value.or(Some(0)), Some(error.to_string())),
        };
        tracked.value = value;
        let news = remark.clone().filter(|_| remark != tracked.said);
        tracked.said.clone_from(&remark);
        let status = TrackStatus::Value(value.unwrap_or(0));
        let facts = TrackerFacts {
            runs: tracked.readings,
            outcome: remark,
            ..TrackerFacts::default()
        };
        self.post.door.post(&tracked.setup, status, facts);
        if let Some(text) = news {
            self.remark(id, text);
        }
    }

    fn read_news(&mut self) -> io::Result<()> {
        let mut changed: Vec<PathBuf> = Vec::new();
        let mut unsettled = false;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.notify, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let flags = event.events();
            // Something was lost, or a folder went: look at everything.
            if flags.intersects(
                ReadFlags::QUEUE_OVERFLOW
                    | ReadFlags::IGNORED
                    | ReadFlags::DELETE_SELF
                    | ReadFlags::MOVE_SELF
                    | ReadFlags::UNMOUNT,
            ) {
                unsettled = true;
                continue;
            }
            let Some(folder) = self.folders.get(&event.wd()) else {
                continue;
            };
            let Some(name) = event.file_name() else {
                continue;
            };
            let path = folder.join(OsStr::from_bytes(name.to_bytes()));
            if !changed.contains(&path) {
                changed.push(path);
            }
        }
        let mut due = Vec::new();
        for (id, tracked) in &self.files {
            let path = &tracked.watch.path;
            if changed.contains(path) {
                due.push(id.clone());
                // It may be a link now, or none any more.
                unsettled = unsettled || tracked.real.is_some() || path.is_symlink();
                continue;
            }
            let Some(real) = &tracked.real else {
                // A folder on the way came or went.
                unsettled = unsettled || changed.iter().any(|changed| path.starts_with(changed));
                continue;
            };
            // A link on the way may be any of the names in these folders.
            let near = |changed: &PathBuf| {
                let folder = changed.parent();
                [path, real]
                    .iter()
                    .any(|path| path.ancestors().skip(1).any(|above| Some(above) == folder))
            };
            unsettled = unsettled || changed.iter().any(near);
        }
        if unsettled {
            self.settle();
        } else {
            for id in due {
                self.read(&id);
            }
        }
        Ok(())
    }
}

/// Each change is one insertion: it is whole even after a panic.
fn lock(initialised: &Initialised) -> MutexGuard<'_, BTreeMap<TrackerId, FileWatch>> {
    initialised.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `init_file`. TRK-05.
fn initialise(path: &Path, init: InitFile) -> io::Result<()> {
    if !init.overwrite && path.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // Never through a link that somebody put there.
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    let mut file = options.mode(0o644).open(path)?;
    writeln!(file, "{}", init.value)
}

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Number(i64),
    Empty,
    /// It does not begin with a number; its beginning.
    None(String),
    /// Its number is larger than any that could be meant.
    TooLarge(String),
}

/// The number at the beginning of a file. Pipes and devices, which could make wait, are not read.
/// TRK-04.
fn number_in(path: &Path) -> io::Result<Content> {
    let mut options = OpenOptions::new();
    options.read(true);
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file: File = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text)?;
    Ok(parse(&String::from_utf8_lossy(&text)))
}

/// Blanks, a sign and digits; whatever follows does not count.
fn parse(text: &str) -> Content {
    let text = text.trim_start();
    let signed = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = signed.bytes().take_while(u8::is_ascii_digit).count();
    let length = text.len() - signed.len() + digits;
    let shown = |limit: usize| {
        text.chars()
            .take(limit)
            .collect::<String>()
            .trim_end()
            .to_owned()
    };
    if text.is_empty() {
        return Content::Empty;
    }
    if digits == 0 {
        return Content::None(shown(20));
    }
    let number = text.get(..length).unwrap_or_default();
    match number.parse::<i32>() {
        Ok(number) => Content::Number(number.into()),
        Err(_) => Content::TooLarge(number.to_owned()),
    }
}

/// A number is one that the text begins with.
#[cfg(feature = "fuzzing")]
pub(super) fn reread(text: &str) {
    if let Content::Number(number) = parse(text) {
        let begins = text.trim_start().trim_start_matches(['-', '+', '0']);
        let digits = number.unsigned_abs().to_string();
        assert!(
            number == 0 || begins.starts_with(&digits),
            "{number} of {text}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// KA-W-06, TRK-04, as measured with keepalived 2.2.7.
    #[test]
    fn the_number_at_the_beginning_of_a_file_counts() {
        for (text, expected) in [
            ("5\n", Content::Number(5)),
            (" 42 ", Content::Number(42)),
            ("12abc", Content::Number(12)),
            ("-300", Content::Number(-300)),
            ("+7", Content::Number(7)),
            ("", Content::Empty),
            ("xyz", Content::None("xyz".to_owned())),
            ("-", Content::None("-".to_owned())),
            ("99999999999", Content::TooLarge("99999999999".to_owned())),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        assert_eq!(
            parse(&"9".repeat(1000)),
            Content::TooLarge("9".repeat(1000))
        );
    }
}
