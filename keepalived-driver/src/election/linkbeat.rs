//! Links that are asked for, beside what the kernel tells (`linkbeat_interfaces`, IF-04).
//!
//! To ask may take a driver its time, so a thread of its own does. Through the door comes what it found,
//! the latest word about each interface; loop 1 looks at it only if nobody is writing there. A link counts
//! as up if both the kernel and the driver say so: asking can find out more than the kernel tells, never
//! less.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use mio::Waker;
use netlink_vip::{InterfaceName, Link, ethtool};
use sans_io_time::Instant;

use super::Elections;
use crate::report::{LinkState, Report};
use crate::sockets::netlink::{Netlink, NetlinkBuffer, Received};

/// Between two looks at all interfaces.
const INTERVAL: Duration = Duration::from_secs(1);
/// An answer is some 50 octets.
const BUFFER: NetlinkBuffer = NetlinkBuffer {
    size: 64 << 10,
    force: false,
};

#[derive(Debug, Default)]
struct Shared {
    wanted: BTreeSet<InterfaceName>,
    down: BTreeSet<InterfaceName>,
    /// Loop 1 has not taken in the latest word.
    unread: bool,
    /// Why nothing can be asked.
    trouble: Option<String>,
    stop: bool,
}

#[derive(Debug, Default)]
struct Door {
    shared: Mutex<Shared>,
    changed: Condvar,
}

impl Door {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread, and what is known from it. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Linkbeat {
    door: Arc<Door>,
    waker: Arc<Waker>,
    running: bool,
    /// Drivers see no link there, at the last word taken in.
    down: BTreeSet<InterfaceName>,
}

impl Linkbeat {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            door: Arc::default(),
            waker,
            running: false,
            down: BTreeSet::new(),
        }
    }

    /// Asks about these from now on. The thread is there if there is something to ask.
    fn set(&mut self, wanted: BTreeSet<InterfaceName>) -> io::Result<()> {
        if !self.running && !wanted.is_empty() {
            let socket = Netlink::generic(BUFFER)?;
            let (door, waker) = (Arc::clone(&self.door), Arc::clone(&self.waker));
            thread::Builder::new()
                .name("linkbeat".to_owned())
                .spawn(move || serve(&socket, &door, &waker))?;
            self.running = true;
        }
        let mut shared = self.door.lock();
        shared.down.retain(|name| wanted.contains(name));
        shared.wanted = wanted;
        drop(shared);
        self.door.changed.notify_all();
        Ok(())
    }

    /// Something has changed: look at once.
    pub(super) fn hurry(&self) {
        if self.running {
            self.door.changed.notify_all();
        }
    }

    /// Whether the driver of this interface sees no link. IF-04.
    pub(super) fn is_down(&self, name: InterfaceName) -> bool {
        self.down.contains(&name)
    }

    /// The interfaces of which there is other word than before, and why nothing can be asked, once.
    fn news(&mut self) -> (Vec<InterfaceName>, Option<String>) {
        // Whoever holds it wakes this loop when it is done, as long as something is unread.
        let Ok(mut shared) = self.door.shared.try_lock() else {
            return (Vec::new(), None);
        };
        shared.unread = false;
        let trouble = shared.trouble.take();
        let other = shared.down.symmetric_difference(&self.down);
        let other: Vec<InterfaceName> = other.copied().collect();
        if !other.is_empty() {
            self.down.clone_from(&shared.down);
        }
        (other, trouble)
    }
}

impl Drop for Linkbeat {
    fn drop(&mut self) {
        self.door.lock().stop = true;
        self.door.changed.notify_all();
    }
}

/// The thread.
fn serve(socket: &Netlink, door: &Door, waker: &Waker) {
    let family = exchange(socket, &ethtool::family_request(), ethtool::family);
    let mut shared = door.lock();
    if let Err(error) = &family {
        shared.trouble = Some(format!("links cannot be polled: {error}"));
        drop(shared);
        let _ = waker.wake();
        return;
    }
    let Ok(family) = family else { return };
    while !shared.stop {
        let wanted = shared.wanted.clone();
        drop(shared);
        let down: BTreeSet<InterfaceName> = wanted
            .into_iter()
            .filter(|name| {
                let request = ethtool::link_request(family, *name);
                // One that cannot be asked is as the kernel says.
                matches!(exchange(socket, &request, ethtool::link), Ok(Some(false)))
            })
            .collect();
        shared = door.lock();
        let down: BTreeSet<_> = down.intersection(&shared.wanted).copied().collect();
        if shared.down != down {
            shared.down = down;
            shared.unread = true;
        }
        if shared.unread {
            // Not before it is unlocked: the loop does not wait for the lock.
            drop(shared);
            let _ = waker.wake();
            shared = door.lock();
        }
        let interval = door.changed.wait_timeout(shared, INTERVAL);
        shared = interval.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The kernel answers before the call returns.
fn exchange<T>(
    socket: &Netlink,
    request: &[u8],
    read: impl Fn(&[u8]) -> Result<T, i32>,
) -> io::Result<T> {
    let mut buffer = BytesMut::new();
    // What an earlier request may have left.
    while socket.receive(&mut buffer)? == Received::Datagram {}
    socket.send(request)?;
    match socket.receive(&mut buffer)? {
        Received::Datagram => read(&buffer).map_err(io::Error::from_raw_os_error),
        Received::Nothing | Received::Overrun => Err(io::ErrorKind::TimedOut.into()),
    }
}

impl Elections {
    /// Polls the interfaces that the configuration asks for.
    pub(super) fn apply_linkbeat(&mut self) {
        let wanted = self.config.polled_links.iter().copied().collect();
        if let Err(error) = self.linkbeat.set(wanted) {
            let message = format!("links cannot be polled: {error}");
            self.reports.push(Report::Trouble { message });
        }
    }

    /// Takes in what polling has found.
    pub(super) fn read_linkbeat(&mut self, now: Instant) {
        let (other, trouble) = self.linkbeat.news();
        if let Some(message) = trouble {
            self.reports.push(Report::Trouble { message });
        }
        for name in other {
            if let Some(link) = self.reconciler.link(name.as_str()) {
                let state = self.state_of_link(name, link.up());
                self.link_news(now, &name, state);
            }
        }
    }

    /// A link of which the kernel says this.
    pub(super) fn state_of_link(&self, name: InterfaceName, up: bool) -> LinkState {
        if up && !self.linkbeat.is_down(name) {
            LinkState::Up
        } else {
            LinkState::Down
        }
    }

    /// Whether a link is up, without the delays that it may have.
    pub(super) fn has_link(&self, name: InterfaceName) -> bool {
        let link = self.reconciler.link(name.as_str());
        link.is_some_and(Link::up) && !self.linkbeat.is_down(name)
    }
}
