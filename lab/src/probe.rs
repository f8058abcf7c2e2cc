//! The user: pings the virtual address all the time and notices when nobody answers.

use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::clock::{self, Stamp};
use crate::{Host, wait_until};

/// Time between two echo requests.
pub const EVERY: Duration = Duration::from_millis(5);
/// A request younger than this may still be answered.
const PATIENCE: Duration = Duration::from_millis(100);

/// Echo requests from a host to one address until dropped.
#[derive(Debug)]
pub struct Probe {
    echoes: Arc<Mutex<Vec<Echo>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// One echo request.
#[derive(Copy, Clone, Debug)]
pub struct Echo {
    /// When it was sent.
    pub at: Stamp,
    /// Whether the answer came.
    pub answered: bool,
}

/// A time without answers, between the last request answered before and the first one after.
#[derive(Copy, Clone, Debug)]
pub struct Outage {
    /// When the last answered request before it was sent.
    pub from: Stamp,
    /// Its length.
    pub length: Duration,
}

impl Probe {
    /// Starts to ping `target` from `host`.
    #[must_use]
    pub fn start(host: &Host, target: IpAddr) -> Self {
        let echoes = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, flag) = (Arc::clone(&echoes), Arc::clone(&stop));
        let thread = Some(host.netns.spawn(move || ping(target, &log, &flag)));
        Self {
            echoes,
            stop,
            thread,
        }
    }

    /// All requests so far.
    #[must_use]
    pub fn echoes(&self) -> Vec<Echo> {
        self.echoes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Waits until a request sent from now on is answered.
    ///
    /// # Panics
    /// When none is within `limit`.
    #[track_caller]
    pub fn wait_answer(&self, limit: Duration) {
        let from = clock::stamp();
        wait_until(
            "the client gets an answer from the virtual address",
            limit,
            || {
                self.echoes()
                    .iter()
                    .any(|echo| echo.answered && echo.at >= from)
            },
        );
    }

    /// The longest time without answers among the requests sent from `since` on.
    #[must_use]
    pub fn worst_outage(&self, since: Stamp) -> Option<Outage> {
        let settled = clock::stamp().saturating_sub(PATIENCE);
        let echoes = self.echoes();
        let answered: Vec<_> = echoes
            .iter()
            .filter(|echo| echo.answered && echo.at >= since)
            .collect();
        let mut worst: Option<Outage> = None;
        for pair in answered.windows(2) {
            let (from, to) = (pair[0].at, pair[1].at);
            let lost = echoes
                .iter()
                .any(|e| !e.answered && e.at > from && e.at < to && e.at < settled);
            let length = to.saturating_sub(from);
            if lost && worst.is_none_or(|known| length > known.length) {
                worst = Some(Outage { from, length });
            }
        }
        worst
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn ping(target: IpAddr, echoes: &Mutex<Vec<Echo>>, stop: &AtomicBool) {
    let (domain, protocol) = match target {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let mut socket =
        Socket::new(domain, Type::RAW, Some(protocol)).expect("root opens raw sockets");
    let address = SocketAddr::new(target, 0).into();
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut buffer = [0; 256];
    while !stop.load(Ordering::Relaxed) {
        let start = clock::now();
        let number = {
            let mut log = echoes
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            log.push(Echo {
                at: clock::stamp(),
                answered: false,
            });
            log.len() - 1
        };
        // An unreachable target is an outage like any other: the request counts as lost.
        let _unreachable = socket.send_to(&request(target, id, number), &address);
        while let Some(left) = EVERY
            .checked_sub(start.elapsed())
            .filter(|left| !left.is_zero())
        {
            socket
                .set_read_timeout(Some(left.max(Duration::from_micros(200))))
                .expect("a timeout");
            let Ok(length) = socket.read(&mut buffer) else {
                continue;
            };
            if let Some(number) = answer(target, id, &buffer[..length]) {
                let mut log = echoes
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                if let Some(echo) = log.get_mut(number) {
                    echo.answered = true;
                }
            }
        }
    }
}

/// Identifies the requests of one probe among those of the others.
static NEXT_ID: AtomicU16 = AtomicU16::new(1);

fn request(target: IpAddr, id: [u8; 2], number: usize) -> [u8; 16] {
    let mut message = [0; 16];
    message[0] = if target.is_ipv4() { 8 } else { 128 };
    message[4..6].copy_from_slice(&id);
    message[12..16].copy_from_slice(&u32::try_from(number).unwrap_or_default().to_be_bytes());
    if target.is_ipv4() {
        let words = message
            .chunks_exact(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
        let sum: u32 = words.sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let folded = (folded & 0xffff) + (folded >> 16);
        let checksum = !u16::try_from(folded).unwrap_or_default();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
    message
}

fn answer(target: IpAddr, id: [u8; 2], packet: &[u8]) -> Option<usize> {
    let message = match target {
        IpAddr::V4(address) => {
            (packet.get(12..16)? == address.octets()).then_some(())?;
            packet.get(usize::from(packet.first()? & 15) * 4..)?
        }
        IpAddr::V6(_) => packet,
    };
    let reply = if target.is_ipv4() { 0 } else { 129 };
    (*message.first()? == reply && message.get(4..6)? == id).then_some(())?;
    let number = u32::from_be_bytes(message.get(12..16)?.try_into().ok()?);
    usize::try_from(number).ok()
}
