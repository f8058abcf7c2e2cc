//! Reading the configuration file into what the daemon runs.

use std::path::{Path, PathBuf};

use keepalived_config::diagnostic::one_line;
use keepalived_config::model::Config as Model;
use keepalived_config::{Diagnostic, FileSource, Options, Severity, SourceMap};

use crate::lower::{Lowered, ThisMachine, lower, unusable_checks};

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
    /// Everything that was read, with the names of the files, if copies are kept.
    pub(crate) text: Option<String>,
    /// The file itself could be opened.
    readable: bool,
    /// Something could not be understood; what is refused on purpose does not count.
    faulty: bool,
}

impl Loaded {
    /// Whether the file itself could not be opened.
    pub(crate) fn unreadable(&self) -> bool {
        !self.readable
    }

    /// Whether something could not be understood. Keywords that this program refuses for good are
    /// complained about like errors, but the rest of the file is in order.
    pub(crate) fn has_errors(&self) -> bool {
        self.faulty
    }
}

impl ConfigSource {
    /// Read it. Whatever cannot be understood is left out and complained about.
    pub(crate) fn load(&self) -> Loaded {
        self.load_after(|_| {})
    }

    /// The same; `before` is called between reading and looking at the machine, to enter the network
    /// namespace that the file names. SMP-01.
    pub(crate) fn load_after(&self, before: impl FnOnce(&Model)) -> Loaded {
        let path = self.path.to_string_lossy();
        // Reading needs many times the memory of what it yields. On a thread of its own it has a
        // heap of its own, which the allocator gives back when the tree is dropped, instead of
        // leaving holes in the heap that the daemon lives with.
        let read = || keepalived_config::parse(&mut FileSource, &path, &self.options);
        let mut parsed = std::thread::scope(|scope| scope.spawn(read).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        add_unusable_checks(&parsed.config, &mut parsed.diagnostics);
        let mut complaints: Vec<(Severity, String)> = parsed
            .diagnostics
            .iter()
            .map(|diagnostic| (diagnostic.severity, one_line(diagnostic, &parsed.sources)))
            .collect();
        let faulty = parsed.diagnostics.iter().any(is_fault);
        let text = (parsed.config.global.process.config_save_dir.is_some())
            .then(|| all_text(&parsed.sources));
        before(&parsed.config);
        let machine = ThisMachine::default();
        let lowered = lower(&parsed.config, &machine);
        if parsed.config.unsecured(&machine).is_some() {
            complaints.push((Severity::Warning, UNSECURED.to_owned()));
        }
        let readable = std::fs::File::open(&self.path).is_ok();
        Loaded {
            model: parsed.config,
            lowered,
            complaints,
            text,
            readable,
            faulty,
        }
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// That scripts are run without `enable_script_security`, in Keepalived's words. SCR-05.
pub(crate) const UNSECURED: &str =
    "SECURITY VIOLATION - scripts are being executed but script_security not enabled";

/// Adds what only who makes the checks can know: patterns that cannot be compiled, names that are none.
pub(crate) fn add_unusable_checks(model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    let found = unusable_checks(model);
    if !found.is_empty() {
        diagnostics.extend(found);
        // As everything else: in the order of the text.
        diagnostics.sort_by_key(|found| found.span.map(|span| (span.file, span.start)));
    }
}

/// Something could not be understood, or cannot be done.
pub(crate) fn is_fault(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

fn all_text(sources: &SourceMap) -> String {
    let mut text = String::new();
    for (path, content) in sources.files() {
        text.push_str("# ");
        text.push_str(path);
        text.push('\n');
        text.push_str(content);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reload of it would leave a server without its check.
    #[test]
    fn a_pattern_that_cannot_be_compiled_is_an_error_of_the_file() {
        let path = std::env::temp_dir().join(format!("load-{}.conf", std::process::id()));
        let load = |pattern: &str| {
            let text = format!(
                "virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
                 real_server 192.0.2.2 80 {{\nHTTP_GET {{\nurl {{\npath /\nregex \"{pattern}\"\n}}\n}}\n}}\n}}\n"
            );
            std::fs::write(&path, text).unwrap();
            let source = ConfigSource {
                path: path.clone(),
                options: Options::default(),
            };
            source.load()
        };
        assert!(!load("a|b").has_errors());
        let loaded = load("a(?=b)");
        std::fs::remove_file(&path).unwrap();
        assert!(loaded.has_errors());
        let told = loaded.complaints.iter().map(|(_, line)| line);
        let told = told.filter(|line| line.contains(":9:7: error: the regular expression of /"));
        assert_eq!(told.count(), 1, "{:?}", loaded.complaints);
    }

    /// SCR-05: the start says so, as test mode does; nothing is left out for it.
    #[test]
    fn scripts_without_script_security_are_complained_about_at_the_start() {
        let path = std::env::temp_dir().join(format!("security-{}.conf", std::process::id()));
        for (security, expected) in [("", 1), ("enable_script_security", 0)] {
            let text = format!(
                "global_defs {{\nscript_user root\n{security}\n}}\nvrrp_script s {{\nscript /bin/true\n}}\n"
            );
            std::fs::write(&path, text).unwrap();
            let source = ConfigSource {
                path: path.clone(),
                options: Options::default(),
            };
            let loaded = source.load();
            std::fs::remove_file(&path).unwrap();
            assert!(!loaded.has_errors());
            let told = loaded.complaints.iter();
            let told = told.filter(|(_, line)| line.starts_with("SECURITY VIOLATION - scripts"));
            assert_eq!(told.count(), expected, "{:?}", loaded.complaints);
        }
    }
}
