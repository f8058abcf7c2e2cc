//! The client: sends a ping every millisecond and remembers when none came back.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use keepalived_driver::clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, ipproto, recv, send,
    socket_with,
};
use sans_io_time::Instant;

/// Between two pings.
const INTERVAL: Duration = Duration::from_millis(1);

const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// A time without answers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    /// The last answer before it.
    pub(super) since: Instant,
    /// Until the first answer after it.
    pub(super) length: Duration,
}

#[derive(Debug, Default)]
struct Record {
    sent: u64,
    answered: u64,
    last: Option<Instant>,
    longest: Option<Silence>,
}

impl Record {
    fn answer(&mut self, now: Instant) {
        self.answered += 1;
        if let Some(since) = self.last {
            let length = now.saturating_duration_since(since);
            if self.longest.is_none_or(|longest| longest.length < length) {
                self.longest = Some(Silence { since, length });
            }
        }
        self.last = Some(now);
    }
}

/// A running client.
#[derive(Debug)]
pub(super) struct Prober {
    record: Arc<Mutex<Record>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Prober {
    /// Start pinging `target` from the network namespace of the calling thread.
    pub(super) fn start(target: Ipv4Addr) -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::INET,
            SocketType::RAW,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            Some(ipproto::ICMP),
        )?;
        // Connected: only what comes from there reaches us.
        connect(&socket, &SocketAddrV4::new(target, 0))?;
        let record = Arc::new(Mutex::new(Record::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (its_record, its_stop) = (Arc::clone(&record), Arc::clone(&stop));
        let thread = thread::Builder::new()
            .name("client".into())
            .spawn(move || ping(&socket, &its_record, &its_stop))?;
        Ok(Self {
            record,
            stop,
            thread,
        })
    }

    /// Forget what was so far: the next [`longest_silence`](Self::longest_silence) is about the time
    /// from the last answer until now onwards.
    pub(super) fn forget(&self) {
        lock(&self.record).longest = None;
    }

    /// The longest time without an answer that is over.
    pub(super) fn longest_silence(&self) -> Option<Silence> {
        lock(&self.record).longest
    }

    /// The last answer so far.
    pub(super) fn last_answer(&self) -> Option<Instant> {
        lock(&self.record).last
    }

    /// Stop; how many were sent and answered.
    pub(super) fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Release);
        let _ = self.thread.join();
        let record = lock(&self.record);
        (record.sent, record.answered)
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ping(socket: &OwnedFd, record: &Mutex<Record>, stop: &AtomicBool) {
    let clock = Clock;
    let identifier = u16::try_from(std::process::id() & 0xffff).unwrap_or(1);
    let mut number: u16 = 0;
    let mut next = clock.now();
    while !stop.load(Ordering::Acquire) {
        // Errors mean that nobody answers for the address at the moment: that is what is measured.
        if send(
            socket,
            &echo_request(identifier, number),
            SendFlags::empty(),
        )
        .is_ok()
        {
            lock(record).sent += 1;
        }
        number = number.wrapping_add(1);
        // On time on average, without making up for what was missed.
        next = next
            .checked_add(INTERVAL)
            .map_or_else(|| clock.now(), |at| at.max(clock.now()));
        while clock.now() < next {
            let left = next.saturating_duration_since(clock.now());
            let timeout = Timespec::try_from(left).unwrap_or_default();
            let mut ready = [PollFd::new(socket, PollFlags::IN)];
            if poll(&mut ready, Some(&timeout)).is_ok_and(|ready| ready > 0) {
                receive(socket, identifier, record, clock);
            }
        }
    }
}

fn receive(socket: &OwnedFd, identifier: u16, record: &Mutex<Record>, clock: Clock) {
    let mut packet = [0; 256];
    while let Ok((length, _)) = recv(socket, &mut packet[..], RecvFlags::empty()) {
        if packet
            .get(..length)
            .is_some_and(|packet| is_reply(packet, identifier))
        {
            lock(record).answer(clock.now());
        }
    }
}

/// RFC 792. The address of the sender is checked by the kernel.
fn is_reply(packet: &[u8], identifier: u16) -> bool {
    // RFC 791: the header length in words is in the low half of the first octet.
    let header = packet
        .first()
        .map_or(0, |first| usize::from(first & 0x0f) * 4);
    match packet.get(header..).unwrap_or_default() {
        [ECHO_REPLY, 0, _, _, high, low, ..] => u16::from_be_bytes([*high, *low]) == identifier,
        _ => false,
    }
}

/// RFC 792, eight octets, no data.
fn echo_request(identifier: u16, number: u16) -> [u8; 8] {
    // The ones' complement sum of RFC 1071 over words that are known: the type in the first, the
    // checksum itself as zero in the second.
    let sum = u32::from(u16::from_be_bytes([ECHO_REQUEST, 0]))
        + u32::from(identifier)
        + u32::from(number);
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let [_, _, high, low] = (!folded).to_be_bytes();
    let ([id_high, id_low], [n_high, n_low]) = (identifier.to_be_bytes(), number.to_be_bytes());
    [ECHO_REQUEST, 0, high, low, id_high, id_low, n_high, n_low]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071: a message with its checksum sums up to all ones.
    #[test]
    fn echo_requests_have_a_right_checksum() {
        for (identifier, number) in [(0, 0), (1, 2), (0xffff, 0xffff), (0x1234, 0xfedc)] {
            let message = echo_request(identifier, number);
            let mut sum: u32 = message
                .chunks(2)
                .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
                .sum();
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            assert_eq!(sum, 0xffff, "{identifier:x} {number:x}");
        }
    }

    #[test]
    fn only_our_own_replies_count() {
        let mut packet = vec![0x45; 20];
        packet.extend([0, 0, 0, 0, 0x12, 0x34, 0, 1]);
        assert!(is_reply(&packet, 0x1234));
        assert!(!is_reply(&packet, 0x1235));
        packet[20] = 8;
        assert!(!is_reply(&packet, 0x1234));
        assert!(!is_reply(&[], 0));
        assert!(!is_reply(&[0x4f], 0));
    }

    #[test]
    fn the_longest_silence_is_remembered() {
        let mut record = Record::default();
        for millis in [0, 1, 2, 1500, 1501] {
            record.answer(Instant::from_nanos(millis * 1_000_000));
        }
        let expected = Silence {
            since: Instant::from_nanos(2_000_000),
            length: Duration::from_millis(1498),
        };
        assert_eq!(record.longest, Some(expected));
    }
}
