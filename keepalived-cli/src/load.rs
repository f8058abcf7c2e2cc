//! Reading the configuration file into what the daemon runs.

use std::path::{Path, PathBuf};

use keepalived_config::diagnostic::one_line;
use keepalived_config::model::Config as Model;
use keepalived_config::{FileSource, Options, Severity};

use crate::lower::{Lowered, ThisMachine, lower};

/// Where the configuration is and how it is to be read.
#[derive(Clone, Debug)]
pub(crate) struct ConfigSource {
    /// The file.
    pub(crate) path: PathBuf,
    /// Id for `@id` lines, instance name and the like.
    pub(crate) options: Options,
}

/// A configuration that was read.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// As written.
    pub(crate) model: Model,
    /// As run.
    pub(crate) lowered: Lowered,
    /// Complaints, one line each.
    pub(crate) complaints: Vec<(Severity, String)>,
    /// The file itself could be opened.
    readable: bool,
}

impl Loaded {
    /// Whether the file itself could not be opened.
    pub(crate) fn unreadable(&self) -> bool {
        !self.readable
    }

    /// Whether something could not be understood.
    pub(crate) fn has_errors(&self) -> bool {
        self.complaints
            .iter()
            .any(|(severity, _)| *severity == Severity::Error)
    }
}

impl ConfigSource {
    /// Read it. Whatever cannot be understood is left out and complained about.
    pub(crate) fn load(&self) -> Loaded {
        let path = self.path.to_string_lossy();
        // Reading needs many times the memory of what it yields. On a thread of its own it has a
        // heap of its own, which the allocator gives back when the tree is dropped, instead of
        // leaving holes in the heap that the daemon lives with.
        let read = || keepalived_config::parse(&mut FileSource, &path, &self.options);
        let parsed = std::thread::scope(|scope| scope.spawn(read).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let complaints = parsed
            .diagnostics
            .iter()
            .map(|diagnostic| (diagnostic.severity, one_line(diagnostic, &parsed.sources)))
            .collect();
        let lowered = lower(&parsed.config, &ThisMachine::default());
        let readable = std::fs::File::open(&self.path).is_ok();
        Loaded {
            model: parsed.config,
            lowered,
            complaints,
            readable,
        }
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
