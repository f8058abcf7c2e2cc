//! Small files in the run folder that tell a next run what one that was killed has left in the kernel.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// More is not ours: a line has some 60 octets.
const LONGEST: u64 = 1 << 22;

/// A file of one format, and what was told of it.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// Absent: nothing is remembered.
    path: Option<PathBuf>,
    /// The first word of the file, with the version of what follows.
    format: &'static str,
    /// It was told that it cannot be written.
    told: bool,
}

impl StateFile {
    pub(crate) const fn new(path: Option<PathBuf>, format: &'static str) -> Self {
        let told = false;
        Self { path, format, told }
    }

    /// What a run that was killed has written, read by `parse` from the whole text and the [`origin`] that it has to
    /// have; else nothing, and why, with what follows from that.
    pub(crate) fn read<T: Default>(
        &self,
        parse: impl FnOnce(&str, &str) -> Result<T, &'static str>,
        ignored: &str,
    ) -> (T, Option<String>) {
        let Some(path) = &self.path else {
            return (T::default(), None);
        };
        let error = match read(path) {
            Ok(text) => match parse(&text, &origin(self.format)) {
                Ok(known) => return (known, None),
                Err(error) => error.to_owned(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (T::default(), None),
            Err(error) => error.to_string(),
        };
        let path = path.display();
        let trouble = format!("{path}: {error}; ignored: {ignored}");
        (T::default(), Some(trouble))
    }

    /// Writes it anew, or removes it if there is nothing to remember: `text` makes all of it behind its [`origin`]. What could
    /// not be done, in words, with what may follow; once until it can be done again.
    pub(crate) fn save(
        &mut self,
        text: impl FnOnce(&str) -> Option<String>,
        risk: &str,
    ) -> Option<String> {
        let path = self.path.as_ref()?;
        let done = match text(&origin(self.format)) {
            Some(text) => replace(path, &text),
            None => remove(path),
        };
        let Err(error) = done else {
            self.told = false;
            return None;
        };
        let path = path.display();
        let text = format!("{path}: {error}; should this process be killed, {risk}");
        (!std::mem::replace(&mut self.told, true)).then_some(text)
    }
}

/// The first line of such a file: its format, and which boot and which network namespace (that of the
/// calling thread) it speaks of.
fn origin(format: &str) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = fs::metadata("/proc/thread-self/ns/net");
    let namespace = namespace.map_or(0, |metadata| metadata.ino());
    format!("{format} {} {namespace}", boot.trim())
}

/// What follows the first line, if that is this origin; else why nothing is believed of it. Absent: it is no file of
/// this format.
pub(crate) fn body<'a>(text: &'a str, origin: &str) -> Option<Result<&'a str, &'static str>> {
    let (first, rest) = text.split_once('\n')?;
    let format = |line: &str| line.split(' ').next().map(str::to_owned);
    if first != origin {
        let same = format(first) == format(origin);
        return same.then_some(Err("of another boot or network namespace"));
    }
    let whole = rest.is_empty() || rest.ends_with('\n');
    Some(if whole { Ok(rest) } else { Err("not whole") })
}

/// Only what is ours: what is done to the kernel follows from it.
fn read(path: &Path) -> io::Result<String> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)?;
    let metadata = file.metadata()?;
    let own = rustix::process::geteuid().as_raw();
    if !metadata.is_file() || metadata.uid() != own || metadata.mode() & 0o022 != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Whole, or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let _ = fs::remove_file(&draft);
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&draft, path)
}

/// There is nothing to remember. Fine if there was no file.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
