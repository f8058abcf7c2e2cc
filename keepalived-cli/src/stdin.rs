//! Standard input in the place of a configuration file.

use std::io::{self, Read};
use std::path::Path;

use keepalived_config::{FileId, FileSource, Options, Parsed, Source};

use crate::arguments::STDIN;

/// Reads a file, or standard input in the place of one. It can be read once.
pub(crate) fn parse(file: &Path, read: &Options) -> Parsed {
    let path = file.to_string_lossy();
    if path != STDIN {
        return keepalived_config::parse(&mut FileSource, &path, read);
    }
    let mut text = Vec::new();
    // What could not be read is missing at the end, and is complained about there.
    let _ = io::stdin().lock().take(LARGEST).read_to_end(&mut text);
    keepalived_config::parse(&mut StdinSource { text }, STDIN, read)
}

/// Whether a file is standard input.
pub(crate) fn is_stdin(file: &Path) -> bool {
    file == Path::new(STDIN)
}

/// What a command line says that would read it more than once.
pub(crate) const READ_ONCE: &str = "-: standard input can be read once";

/// More than this is no configuration, in octets.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Standard input as the first file; what it includes is looked for in the working directory.
struct StdinSource {
    text: Vec<u8>,
}

impl Source for StdinSource {
    fn read(&mut self, path: &str, from: Option<FileId>) -> io::Result<Vec<u8>> {
        match from {
            None if path == STDIN => Ok(std::mem::take(&mut self.text)),
            _ => FileSource.read(path, from),
        }
    }

    fn glob(&mut self, pattern: &str) -> Vec<String> {
        FileSource.glob(pattern)
    }

    fn env(&self, name: &str) -> Option<String> {
        FileSource.env(name)
    }

    fn absolute(&self, path: &str) -> String {
        match path {
            STDIN => STDIN.to_owned(),
            other => FileSource.absolute(other),
        }
    }
}
