//! A directory for the files of one daemon, capture or test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::netns::run;

/// A fresh directory below the temporary one. Dropping it removes it, unless
/// `KEEPALIVED_LAB_KEEP` asks to leave it for a look.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one; `label` is part of its name.
    ///
    /// # Panics
    /// When the temporary directory cannot be written to.
    #[must_use]
    pub fn new(label: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("keepalived-lab-{}-{number}-{label}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("the temporary directory is writable");
        Self(directory)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// An executable file in it; `DIR` in its text stands for the directory.
    ///
    /// Another process writes it. What this one has open, each program that another test starts has open
    /// too until it begins, and the kernel runs nothing that is open to write.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        let text = text.replace("DIR", self.0.to_str().expect("a path in UTF-8"));
        let write = "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\"";
        run(Command::new("sh").args(["-c", write]).arg(&path).arg(text));
        path
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::env::var_os("KEEPALIVED_LAB_KEEP").is_none() {
            let _already_gone = fs::remove_dir_all(&self.0);
        }
    }
}
