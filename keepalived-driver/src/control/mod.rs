//! The control socket: a Unix stream socket, one request line in, one answer line out.
//!
//! The server knows framing, limits and who may speak; what a request means is the business of the
//! handler it was given. Rules:
//!
//! * A client must be root, the daemon's own user, or a member of [`ControlSettings::group`]. The
//!   socket's mode (0600, or 0660 with that group) is set before anybody can connect, and the
//!   peer's credentials are looked at as well.
//! * At most [`ControlSettings::clients`] at a time; a request line is at most
//!   [`ControlSettings::request_limit`] octets; a client that neither sends nor takes anything for
//!   [`ControlSettings::idle`] is dropped. A client that goes away costs nobody anything.
//! * A socket file left behind by a killed daemon is replaced, one with a listener behind it never,
//!   and anything that is no socket never. At the end the file is removed, if it is still ours.
//!
//! The handler runs on the control thread, one request at a time: a slow request delays other
//! control clients and nobody else.

mod client;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod listener;
mod server;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::Waker;

/// Where the control socket is and what it puts up with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ControlSettings {
    /// The socket file. Its directory must exist.
    pub path: PathBuf,
    /// A group whose members may connect, besides root and the daemon's own user.
    pub group: Option<u32>,
    /// Clients at one time; more are told so and dropped.
    pub clients: usize,
    /// Longest request line in octets.
    pub request_limit: usize,
    /// Longest silence of a client.
    pub idle: Duration,
}

impl ControlSettings {
    /// Defaults for a socket at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            group: None,
            clients: 16,
            request_limit: 4096,
            idle: Duration::from_secs(10),
        }
    }
}

/// Who sent a request, by the kernel's word.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process, in the daemon's process namespace; 0 if it is not visible there.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A daemon answers there already.
    #[error("another process listens on {}", .0.display())]
    InUse(PathBuf),
    /// Something that is not a socket has that name; it is left alone.
    #[error("{} exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// Everybody could put a file of their own in the place of the socket.
    #[error("directory {} can be written by others", .0.display())]
    UnsafeDirectory(PathBuf),
    /// The path is empty, ends in `..` or `/`, or has no directory.
    #[error("{} cannot name a socket", .0.display())]
    BadPath(PathBuf),
    /// A system call failed.
    #[error("control socket {}: {error}", .path.display())]
    Io {
        /// Which socket.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
}

/// A running control server. Dropping it ends the thread, after the request that is being handled,
/// and removes the socket file.
#[derive(Debug)]
pub struct Control {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listen, and answer every request line (without its line feed) with the line that `handle`
    /// makes of it. Line feeds inside the answer are replaced by spaces: in JSON they can only be
    /// white space.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when the socket cannot be made; nothing is left behind then.
    pub fn start(
        settings: ControlSettings,
        handle: impl FnMut(&str, Peer) -> String + Send + 'static,
    ) -> Result<Self, ControlError> {
        let listener = listener::Listener::bind(&settings)?;
        let path = settings.path.clone();
        let io_error = |error| ControlError::Io {
            path: path.clone(),
            error,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let (server, waker) =
            server::Server::new(settings, listener, Arc::clone(&stop), handle).map_err(io_error)?;
        let thread = thread::Builder::new()
            .name("control".into())
            .spawn(move || server.run())
            .map_err(io_error)?;
        Ok(Self {
            stop,
            waker,
            thread: Some(thread),
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The waker only fails if the thread is gone already, and a thread that panicked has
        // dropped its listener too.
        let _ = self.waker.wake();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests;
