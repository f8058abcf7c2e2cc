//! Pid files: locked while we run, so that a second daemon notices, and a stale one does no harm.
//!
//! The lock is an open file description lock, as keepalived takes since 2.3.2, so each program
//! notices the other. Older keepalived does not lock; for its sake a file that names a living
//! process called `keepalived` counts as taken too. What a killed daemon left behind does not,
//! whatever number is in it: in a container the same small number comes back again and again.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::OFlags;

/// Where the first pid file is when nothing else was said.
pub(crate) const DEFAULT: &str = "/run/keepalived.pid";
/// Where the second one is, which keepalived's VRRP process writes.
pub(crate) const DEFAULT_VRRP: &str = "/run/vrrp.pid";
/// Where keepalived has that of its checkers.
pub(crate) const DEFAULT_CHECKERS: &str = "/run/checkers.pid";
/// Readable for everybody: many programs look for the daemon through it.
const MODE: u32 = 0o644;
/// How often a file that is replaced under our hands is opened anew.
const ATTEMPTS: u32 = 100;

/// Why there is no pid file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PidFileError {
    /// Beginning with keepalived's words; its exit code for this is 0.
    #[error(
        "daemon is already running{}, it holds the pid file {}; a second one needs \
         another one, which {option} names",
        .pid.map(|pid| format!(" as process {pid}")).unwrap_or_default(),
        .path.display()
    )]
    AlreadyRunning {
        path: PathBuf,
        /// What would name another file.
        option: &'static str,
        /// What the file says.
        pid: Option<u32>,
    },
    /// A link, a device, or somebody else's file: writing there could be what an attacker wants.
    #[error("pid file {} is not a plain file of this user", .0.display())]
    NotOurs(PathBuf),
    #[error("pid file {}: {error}", .path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// A pid file that is ours. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Create or take over the file, lock it, and write our process number to it. `option` is the one
    /// that names another file. CORE-06.
    pub(crate) fn create(path: &Path, option: &'static str) -> Result<Self, PidFileError> {
        let io_error = |error| PidFileError::Io {
            path: path.to_owned(),
            error,
        };
        if let Some(folder) = path.parent() {
            // Keepalived makes /run/keepalived when it needs it.
            let _ = fs::create_dir(folder);
        }
        for _ in 0..ATTEMPTS {
            let mut file = open(path)?;
            if !lock(&file).map_err(io_error)? {
                return Err(already_running(&mut file, path, option));
            }
            // The daemon we took it from may have removed the file between the two steps; then
            // the lock is on a file nobody else will ever see.
            if !same_file(&file, path) {
                continue;
            }
            if names_living_keepalived(&mut file) {
                return Err(already_running(&mut file, path, option));
            }
            let mut write = || {
                file.set_permissions(Permissions::from_mode(MODE))?;
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", std::process::id())
            };
            write().map_err(io_error)?;
            return Ok(Self {
                path: path.to_owned(),
                file,
            });
        }
        // Somebody else keeps taking it.
        Err(PidFileError::AlreadyRunning {
            path: path.to_owned(),
            option,
            pid: None,
        })
    }

    /// Fails if a daemon holds this file. For a check before going to the background; only
    /// [`create`](Self::create) is sure.
    pub(crate) fn check(path: &Path, option: &'static str) -> Result<(), PidFileError> {
        let Ok(mut file) = OpenOptions::new().read(true).write(true).open(path) else {
            return Ok(());
        };
        if !lock(&file).unwrap_or(true) || names_living_keepalived(&mut file) {
            return Err(already_running(&mut file, path, option));
        }
        Ok(())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // While the lock is held nobody takes the file over, so this is still ours.
        if same_file(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> Result<File, PidFileError> {
    let not_ours = || PidFileError::NotOurs(path.to_owned());
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
        .map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ELOOP) => not_ours(),
            _ => PidFileError::Io {
                path: path.to_owned(),
                error,
            },
        })?;
    let metadata = file.metadata().map_err(|error| PidFileError::Io {
        path: path.to_owned(),
        error,
    })?;
    let own = nix::unistd::geteuid().as_raw();
    let plain = metadata.is_file() && metadata.nlink() <= 1 && metadata.uid() == own;
    if plain { Ok(file) } else { Err(not_ours()) }
}

/// Lock the whole file for ourselves; false if somebody else has it.
fn lock(file: &File) -> io::Result<bool> {
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn same_file(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

fn already_running(file: &mut File, path: &Path, option: &'static str) -> PidFileError {
    PidFileError::AlreadyRunning {
        path: path.to_owned(),
        option,
        pid: process_number(file),
    }
}

fn process_number(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    // A pid file is a few octets; what is longer is none.
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// An older keepalived runs and does not lock.
fn names_living_keepalived(file: &mut File) -> bool {
    process_number(file).is_some_and(|pid| {
        pid != std::process::id()
            && fs::read_to_string(format!("/proc/{pid}/comm"))
                .is_ok_and(|name| name.trim() == "keepalived")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(name: &str) -> PathBuf {
        let name = format!("keepalived-pid-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn written(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    /// CORE-06. Two descriptions of one process stand for two processes: such locks conflict.
    #[test]
    fn a_second_daemon_is_refused_while_the_first_runs() {
        let folder = folder("second");
        let path = folder.join("pid");
        let first = PidFile::create(&path, "-c").unwrap();
        assert_eq!(written(&path), format!("{}\n", std::process::id()));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o644
        );
        let whole = format!(
            "daemon is already running as process {}, it holds the pid file {}; a second one \
             needs another one, which -c names",
            std::process::id(),
            path.display()
        );
        assert_eq!(PidFile::check(&path, "-c").unwrap_err().to_string(), whole);
        assert_eq!(PidFile::create(&path, "-c").unwrap_err().to_string(), whole);
        drop(first);
        assert!(!path.exists());
        fs::remove_dir_all(folder).unwrap();
    }

    /// LESSONS A12: a number left behind by a killed daemon, even that of a living process.
    #[test]
    fn a_stale_file_is_harmless() {
        let folder = folder("stale");
        let path = folder.join("pid");
        for content in ["1\n", "999999999\n", "", "rubbish", "-1\n"] {
            fs::write(&path, content).unwrap();
            assert!(PidFile::check(&path, "-c").is_ok(), "{content:?}");
            drop(PidFile::create(&path, "-c").unwrap());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    /// LESSONS C1, CVE-2011-1784: planted links and loose modes.
    #[test]
    fn links_are_not_followed_and_the_mode_is_made_right() {
        let folder = folder("links");
        let (victim, path) = (folder.join("victim"), folder.join("pid"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        assert!(matches!(
            PidFile::create(&path, "-c"),
            Err(PidFileError::NotOurs(_))
        ));
        fs::remove_file(&path).unwrap();
        fs::hard_link(&victim, &path).unwrap();
        assert!(matches!(
            PidFile::create(&path, "-c"),
            Err(PidFileError::NotOurs(_))
        ));
        assert_eq!(written(&victim), "precious");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let _file = PidFile::create(&path, "-c").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o644
        );
        drop(_file);
        fs::remove_dir_all(folder).unwrap();
    }

    /// Our end must not remove what a successor has put there.
    #[test]
    fn only_our_own_file_is_removed() {
        let folder = folder("own");
        let path = folder.join("pid");
        let first = PidFile::create(&path, "-c").unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "4711\n").unwrap();
        drop(first);
        assert_eq!(written(&path), "4711\n");
        fs::remove_dir_all(folder).unwrap();
    }
}
