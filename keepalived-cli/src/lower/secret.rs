//! Keys in files of their own.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// No key is nearly as long: 64 bytes, twice in hexadecimal.
const LONGEST: u64 = 1024;

/// The content of a key file.
pub(crate) struct Secret {
    pub(crate) content: Vec<u8>,
    /// Group or others can read it.
    pub(crate) exposed: bool,
}

pub(super) fn read(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut content = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too long"));
    }
    Ok(Secret {
        content,
        exposed: about.mode() & 0o044 != 0,
    })
}
