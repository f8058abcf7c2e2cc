//! Tracked processes (`vrrp_track_process`): counted once by reading `/proc`, and from then on by what
//! the kernel's process connector tells.
//!
//! The connector exists only in the first network namespace and only for the privileged. Where it
//! cannot be had, `/proc` is read again and again instead, and the log says so. The same is done for
//! once when the kernel had more to tell than fitted into the buffer.

mod connector;
mod matching;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use mio::unix::SourceFd;
use mio::{Events, Interest, Token};
use netlink_sys::{Socket, SocketAddr};
use sans_io_time::Instant;
use vrrp_fsm::TrackStatus;

use super::report::TrackReport;
use super::thread::{Order, Post, WAKER};
use super::watchers::ProcessBuffer;
use super::{TrackerSetup, Watch};
use crate::clock::Clock;
use connector::ProcessEvent;
use matching::{Count, Process, needs_command};

const CONNECTOR: Token = Token(WAKER.0 + 1);
/// How often `/proc` is read where the kernel does not tell.
const POLL: Duration = Duration::from_secs(1);
/// Datagrams read before deadlines are looked at.
const PER_TURN: usize = 256;

/// The life of the thread.
pub(super) fn watch(post: &mut Post, buffer: ProcessBuffer) -> io::Result<()> {
    let listener = match Listener::open(buffer) {
        Ok(listener) => {
            let fd = listener.socket.as_raw_fd();
            let registry = post.poll.registry();
            registry.register(&mut SourceFd(&fd), CONNECTOR, Interest::READABLE)?;
            Some(listener)
        }
        Err(error) => {
            let text = format!(
                "the kernel does not tell of processes here ({error}); they are counted every {} s",
                POLL.as_secs()
            );
            let tracker = "processes".to_owned();
            (post.say)(TrackReport::Remark { tracker, text });
            None
        }
    };
    let mut watcher = Processes {
        post,
        listener,
        counts: Vec::new(),
        read_commands: false,
        scan_at: None,
        more: false,
    };
    let mut events = Events::with_capacity(8);
    loop {
        let now = Clock.now();
        let next = watcher.counts.iter().filter_map(|one| one.next_timeout());
        let next = next
            .chain(watcher.scan_at)
            .chain(watcher.more.then_some(now));
        let timeout = next.min().map(|at| {
            let wait = at.saturating_duration_since(now);
            // Rounded up: the poll must not return just before the deadline, again and again.
            wait.saturating_add(Duration::from_micros(999))
        });
        if let Err(error) = watcher.post.poll.poll(&mut events, timeout)
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        match watcher.post.orders() {
            Order::Continue => {}
            Order::Watch(wanted) => watcher.replace(wanted),
            Order::Stop => return Ok(()),
        }
        watcher.read_events()?;
        let now = Clock.now();
        if watcher.scan_at.is_some_and(|at| at <= now) {
            watcher.scan(now);
        }
        watcher.settle(now);
    }
}

struct Processes<'a> {
    post: &'a mut Post,
    listener: Option<Listener>,
    counts: Vec<Counted>,
    /// Somebody compares command lines.
    read_commands: bool,
    /// When to read all of `/proc` again.
    scan_at: Option<Instant>,
    /// The socket may hold more than was read.
    more: bool,
}

/// A tracker, and whether its number last rose.
struct Counted {
    count: Count,
    rising: bool,
}

impl std::ops::Deref for Counted {
    type Target = Count;

    fn deref(&self) -> &Count {
        &self.count
    }
}

impl Processes<'_> {
    /// Other trackers. One with the same definition keeps its state and its delays.
    fn replace(&mut self, wanted: Vec<Arc<TrackerSetup>>) {
        let mut old = std::mem::take(&mut self.counts);
        for setup in wanted {
            let Watch::Process(watch) = &setup.watch else {
                continue;
            };
            let known = old.iter().position(|known| known.count.setup == setup);
            self.counts.push(match known {
                Some(position) => old.swap_remove(position),
                None => Counted {
                    count: Count::new(Arc::clone(&setup), watch.clone()),
                    rising: true,
                },
            });
        }
        self.read_commands = self
            .counts
            .iter()
            .any(|one| needs_command(&one.count.watch));
        // The elections may be new too and know nothing.
        for one in &self.counts {
            if one.status() != TrackStatus::Unknown {
                let door = &self.post.door;
                door.post(&one.count.setup, one.status(), one.facts());
            }
        }
        self.scan(Clock.now());
    }

    /// Count anew.
    fn scan(&mut self, now: Instant) {
        self.scan_at = if self.listener.is_none() && !self.counts.is_empty() {
            now.checked_add(POLL)
        } else {
            None
        };
        if self.counts.is_empty() {
            return;
        }
        let processes = all_processes(self.read_commands);
        for one in &mut self.counts {
            let before = one.count.number();
            if one.count.all_are(&processes) {
                one.rising = one.count.number() > before;
            }
        }
    }

    fn read_events(&mut self) -> io::Result<()> {
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        let mut news = Vec::new();
        self.more = true;
        for _ in 0..PER_TURN {
            match listener.receive() {
                Ok(Some(events)) => news.extend(events),
                Ok(None) => {
                    self.more = false;
                    break;
                }
                // Something was lost: only `/proc` knows now.
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error()) =>
                {
                    self.scan_at = Some(Clock.now());
                }
                Err(error) => return Err(error),
            }
        }
        for event in news {
            match event {
                ProcessEvent::Answer(_) => {}
                ProcessEvent::Forked(pid) | ProcessEvent::Changed(pid) => {
                    let process = process(pid, self.read_commands);
                    self.process_is(pid, process.as_ref());
                }
                ProcessEvent::Ended(pid) => self.process_is(pid, None),
            }
        }
        Ok(())
    }

    fn process_is(&mut self, pid: u32, process: Option<&Process>) {
        for one in &mut self.counts {
            let before = one.count.number();
            if one.count.process_is(pid, process) {
                one.rising = one.count.number() > before;
            }
        }
    }

    fn settle(&mut self, now: Instant) {
        for one in &mut self.counts {
            let rising = one.rising;
            let changed = one.count.settle(now, rising);
            if one.status() != TrackStatus::Unknown {
                // Says the number too; the elections hear of it only if the state is another one.
                let door = &self.post.door;
                door.post(&one.count.setup, one.status(), one.facts());
            }
            if changed {
                let (quorum, number) = (one.status() == TrackStatus::Up, one.count.number());
                let is = if quorum { "achieved" } else { "not achieved" };
                (self.post.say)(TrackReport::Remark {
                    tracker: one.count.setup.id.to_string(),
                    text: format!("quorum {is}, {number} processes"),
                });
            }
        }
    }
}

/// The socket of the process connector.
struct Listener {
    /// Never cloned: `netlink_sys::Socket` is `Clone` and closes on drop.
    socket: Socket,
}

impl Listener {
    fn open(buffer: ProcessBuffer) -> io::Result<Self> {
        let mut socket = Socket::new(connector::NETLINK_CONNECTOR)?;
        socket.bind(&SocketAddr::new(0, connector::GROUP))?;
        socket.set_non_blocking(true)?;
        if let Some(size) = buffer.size {
            let forced = buffer.force
                && rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, size).is_ok();
            if !forced {
                let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, size);
            }
        }
        let request = connector::listen(std::process::id());
        socket.send_to(&request, &SocketAddr::new(0, 0), 0)?;
        Ok(Self { socket })
    }

    fn receive(&self) -> io::Result<Option<Vec<ProcessEvent>>> {
        let mut buffer = BytesMut::with_capacity(4096);
        match self.socket.recv_from(&mut buffer, 0) {
            // Only the kernel's word counts.
            Ok((_, sender)) if sender.port_number() != 0 => Ok(Some(Vec::new())),
            Ok(_) => Ok(Some(connector::events(&buffer))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Some(Vec::new())),
            Err(error) => Err(error),
        }
    }
}

/// Every process there is, but no zombies: they do not run.
fn all_processes(commands: bool) -> BTreeMap<u32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, process(pid, commands)?)))
        .collect()
}

/// What there is to know of one process; `None` if it has ended.
fn process(pid: u32, commands: bool) -> Option<Process> {
    use std::os::unix::ffi::OsStringExt;
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // `PID (NAME) STATE ...`, and the name may contain anything.
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let name = stat.get(open + 1..close)?.to_vec();
    if matches!(stat.get(close + 2), Some(b'Z' | b'X')) {
        return None;
    }
    let command = if commands {
        Process::words(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default())
    } else {
        Vec::new()
    };
    Some(Process {
        name: std::ffi::OsString::from_vec(name),
        command,
    })
}

/// How many events are in a datagram.
#[cfg(feature = "fuzzing")]
pub(super) fn reread(datagram: &[u8]) -> usize {
    connector::events(datagram).len()
}
