//! Making the socket file: safely replaced when stale, closed to others before anybody can connect,
//! removed at the end.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use mio::net::UnixListener;
use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use socket2::{Domain, SockAddr, Socket, Type};

use super::{ControlError, ControlSettings};

/// Connections the kernel keeps for us between two turns of the thread.
const BACKLOG: i32 = 32;

/// A listening socket and the file it answers for.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: UnixListener,
    path: PathBuf,
    /// Device and inode: what is there later under that name may be somebody else's.
    identity: (u64, u64),
}

impl Listener {
    pub(super) fn bind(settings: &ControlSettings) -> Result<Self, ControlError> {
        let path = &settings.path;
        let directory = parent(path).ok_or_else(|| ControlError::BadPath(path.clone()))?;
        let io_error = |error| ControlError::Io {
            path: path.clone(),
            error,
        };
        let directory_fd = open_directory(directory).map_err(io_error)?;
        check_directory(&directory_fd, directory)?;
        // Two daemons starting at once must not both find the same stale file: the second waits
        // here until the first listens. The lock ends with the descriptor.
        rustix::fs::flock(&directory_fd, FlockOperation::LockExclusive)
            .map_err(|error| io_error(error.into()))?;
        remove_stale(path)?;
        Self::listen(path, settings.group).map_err(io_error)
    }

    fn listen(path: &Path, group: Option<u32>) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let metadata = fs::symlink_metadata(path)?;
        // From here on a failure must not leave the file behind.
        let listener = Self {
            socket: UnixListener::from_std(OwnedFd::from(socket.try_clone()?).into()),
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
        };
        // Until `listen` nobody can connect, so the mode the umask left is of no consequence.
        if let Some(group) = group {
            std::os::unix::fs::lchown(path, None, Some(group))?;
        }
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        socket.listen(BACKLOG)?;
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn parent(path: &Path) -> Option<&Path> {
    path.file_name()?;
    match path.parent() {
        Some(parent) if parent.as_os_str() == OsStr::new("") => Some(Path::new(".")),
        other => other,
    }
}

fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Others may write to the directory only if it is sticky: then they cannot replace what is ours.
fn check_directory(fd: &OwnedFd, path: &Path) -> Result<(), ControlError> {
    let io_error = |error: rustix::io::Errno| ControlError::Io {
        path: path.to_owned(),
        error: error.into(),
    };
    let status = rustix::fs::fstat(fd).map_err(io_error)?;
    let mode = Mode::from_raw_mode(status.st_mode);
    let open = mode.intersects(Mode::WGRP | Mode::WOTH) && !mode.contains(Mode::SVTX);
    if open {
        Err(ControlError::UnsafeDirectory(path.to_owned()))
    } else {
        Ok(())
    }
}

/// Remove a socket file nobody listens behind.
fn remove_stale(path: &Path) -> Result<(), ControlError> {
    let io_error = |error| ControlError::Io {
        path: path.to_owned(),
        error,
    };
    let status = match rustix::fs::lstat(path) {
        Ok(status) => status,
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        Err(error) => return Err(io_error(error.into())),
    };
    if FileType::from_raw_mode(status.st_mode) != FileType::Socket {
        return Err(ControlError::NotASocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        // A full backlog is a listener too.
        Ok(_) => Err(ControlError::InUse(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(ControlError::InUse(path.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(io_error)
        }
        Err(error) => Err(io_error(error)),
    }
}
