//! The file system as a source.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Source, glob};
use crate::tree::FileId;

/// Reads the file system and the environment of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSource;

/// A file larger than this is not a configuration.
const LARGEST: u64 = 256 * 1024 * 1024;
const TOO_LARGE: &str = "larger than 256 MiB";

/// Where the file systems are whose files the kernel makes up when they are read. Where one of these is
/// no file system of its own it is not there at all.
const KERNEL_MADE: &[&str] = &[
    "/proc/self",
    "/sys/kernel",
    "/sys/kernel/tracing",
    "/sys/kernel/debug",
];

/// `O_NONBLOCK` of Linux.
const NONBLOCK: i32 = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    0o200
} else if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) {
    0o40_000
} else {
    0o4_000
};

impl Source for FileSource {
    fn read(&mut self, path: &str, _from: Option<FileId>) -> io::Result<Vec<u8>> {
        // Looked at before opening, which may have effects on what is no plain file, and again after:
        // it may have been replaced.
        acceptable(&fs::metadata(path)?)?;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(NONBLOCK)
            .open(path)?;
        let metadata = file.metadata()?;
        acceptable(&metadata)?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        // Some grow while they are read.
        match file.take(LARGEST + 1).read_to_end(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(refused("reading it would wait for somebody to write"))
            }
            Err(error) => Err(error),
            Ok(_) if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) => {
                Err(refused(TOO_LARGE))
            }
            Ok(_) => Ok(bytes),
        }
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

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Whether this may be configuration, by what is known without reading it.
fn acceptable(metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(refused("not a regular file"));
    }
    // These look like regular files, and reading one may wait for ever or take away what somebody else
    // wants to read.
    let made_up = |folder: &str| fs::metadata(folder).is_ok_and(|at| at.dev() == metadata.dev());
    if KERNEL_MADE.iter().any(|folder| made_up(folder)) {
        return Err(refused("made by the kernel, not a file on a disk"));
    }
    if metadata.permissions().mode() & 0o111 != 0 {
        return Err(refused("the file is executable"));
    }
    if metadata.len() > LARGEST {
        return Err(refused(TOO_LARGE));
    }
    Ok(())
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
