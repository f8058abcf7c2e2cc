//! Writing a file in a folder that everybody can write to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Names tried for the new file before giving up; somebody who guesses them all only gains that
/// nothing is written.
const ATTEMPTS: u32 = 16;

/// Replace the file at `path` by one with this content, mode 0600, in one step.
///
/// The new file is created under a name that did not exist (never opened, never through a link, so
/// nobody else can have it open) and then renamed. A link or a file of somebody else at `path` is
/// replaced itself; what it points to is not touched. LESSONS C1, CVE-2018-19044 to 19046.
pub(super) fn write(path: &Path, content: &str) -> io::Result<()> {
    let (temporary, mut file) = create_beside(path)?;
    let written = file
        .set_permissions(fs::Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(content.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_string_lossy();
    let mut last = io::ErrorKind::AlreadyExists.into();
    for attempt in 0..ATTEMPTS {
        let temporary = path.with_file_name(format!(".{name}.{}.{attempt}", std::process::id()));
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default())
            .open(&temporary);
        match created {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    /// LESSONS C1: a planted link, a planted file held open by somebody, a loose mode.
    #[test]
    fn whatever_was_planted_learns_nothing_and_loses_nothing() {
        let name = format!("keepalived-dump-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let (victim, path) = (folder.join("victim"), folder.join("keepalived.data"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        write(&path, "secret").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());

        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let mut held_open = File::open(&path).unwrap();
        write(&path, "secret").unwrap();
        let mut seen = String::new();
        held_open.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "");
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            2,
            "no temporary file stays"
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
