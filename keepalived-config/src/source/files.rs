//! The file system as a source.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Source, glob};
use crate::tree::FileId;

/// Reads the file system and the environment of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSource;

/// A file larger than this is not a configuration.
const LARGEST: u64 = 256 * 1024 * 1024;

impl Source for FileSource {
    fn read(&mut self, path: &str, _from: Option<FileId>) -> io::Result<Vec<u8>> {
        // Looked at before opening: opening a pipe would wait for a writer for ever.
        let metadata = fs::metadata(path)?;
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if !metadata.is_file() {
            return refuse("not a regular file");
        }
        if metadata.permissions().mode() & 0o111 != 0 {
            return refuse("the file is executable");
        }
        if metadata.len() > LARGEST {
            return refuse("larger than 256 MiB");
        }
        fs::read(path)
    }

    fn glob(&mut self, pattern: &str) -> Vec<String> {
        let (mut found, rest) = match pattern.strip_prefix('/') {
            Some(rest) => (vec!["/".to_owned()], rest),
            None => (vec![String::new()], pattern),
        };
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        for part in parts {
            found = found
                .iter()
                .flat_map(|directory| step(directory, part))
                .collect();
        }
        found.retain(|path| !path.is_empty());
        found.sort();
        found
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn absolute(&self, path: &str) -> String {
        let absolute = std::path::absolute(path).ok();
        absolute
            .and_then(|path| path.to_str().map(str::to_owned))
            .unwrap_or_else(|| path.to_owned())
    }
}

/// What `part` matches inside `directory`.
fn step(directory: &str, part: &str) -> Vec<String> {
    let join = |name: &str| match directory {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        _ => format!("{directory}/{name}"),
    };
    if !glob::has_wildcard(part) {
        let path = join(part);
        return if Path::new(&path).exists() {
            vec![path]
        } else {
            Vec::new()
        };
    }
    let listed = fs::read_dir(if directory.is_empty() { "." } else { directory });
    let names = listed
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok());
    names
        .filter(|name| glob::matches(part, name))
        .map(|name| join(&name))
        .collect()
}
