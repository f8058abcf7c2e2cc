//! Reading a named pipe as scripts do: what is there, without waiting, and across a new one under the
//! same name.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use crate::wait_until;

/// The reading end of a pipe that a daemon makes.
#[derive(Debug)]
pub struct PipeReader {
    path: PathBuf,
    open: Option<(u64, File)>,
    text: String,
}

impl PipeReader {
    /// A reader of the pipe at `path`, which need not be there yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
            text: String::new(),
        }
    }

    /// Every line so far.
    pub fn lines(&mut self) -> Vec<String> {
        // C Keepalived makes a new pipe at every reload.
        self.read();
        if let Ok(metadata) = std::fs::metadata(&self.path)
            && self
                .open
                .as_ref()
                .is_none_or(|(inode, _)| *inode != metadata.ino())
        {
            let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("a small number");
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(flags)
                .open(&self.path);
            self.open = file.ok().map(|file| (metadata.ino(), file));
            self.read();
        }
        self.text.lines().map(str::to_owned).collect()
    }

    fn read(&mut self) {
        if let Some((_, file)) = &mut self.open {
            let mut bytes = Vec::new();
            // Ends with "would block".
            let _ = file.read_to_end(&mut bytes);
            self.text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Waits for a line.
    ///
    /// # Panics
    /// When it does not come within `limit`.
    #[track_caller]
    pub fn wait_line(&mut self, line: &str, limit: Duration) {
        self.wait_lines(line, 1, limit);
    }

    /// Waits until a line has come this many times.
    ///
    /// # Panics
    /// When it has not within `limit`.
    #[track_caller]
    pub fn wait_lines(&mut self, line: &str, times: usize, limit: Duration) {
        wait_until(&format!("{times} x {line:?} in the pipe"), limit, || {
            let lines = self.lines();
            let found = lines.iter().filter(|known| *known == line).count();
            found >= times
        });
    }
}
