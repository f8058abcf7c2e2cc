//! Everything the hosts of a LAN send, with the kernel's time stamps.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::{self, Stamp};
use crate::wire::{self, Advert, Frame};
use crate::{Lan, Scratch, wait_until};

/// A running `tcpdump` in the namespace of the switch.
#[derive(Debug)]
pub struct Capture {
    tcpdump: Child,
    scratch: Scratch,
    /// Interface index of each port and the host behind it.
    ports: HashMap<u32, String>,
    reader: Mutex<Reader>,
}

/// One frame, seen where it entered the switch.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When the kernel saw it.
    pub at: Stamp,
    /// The host that sent it.
    pub host: String,
    /// What it says.
    pub frame: Frame,
}

#[derive(Debug, Default)]
struct Reader {
    /// Octets of the file that were understood.
    offset: u64,
    sent: Vec<Sent>,
}

/// Adverts, ARP and neighbour advertisements: all that elections are about.
const FILTER: &str = "ip proto 112 or ip6 proto 112 or arp or (icmp6 and ip6[40] == 136)";

impl Capture {
    /// Starts capturing all ports of `lan` and waits until it really does.
    ///
    /// # Panics
    /// When `tcpdump` cannot be started.
    #[must_use]
    pub fn start(lan: &Lan) -> Self {
        Self::start_matching(lan, FILTER)
    }

    /// As [`start`](Self::start), for packets that match this filter of `tcpdump`.
    #[must_use]
    pub fn start_matching(lan: &Lan, filter: &str) -> Self {
        let scratch = Scratch::new("capture");
        let create = |name: &str| File::create(scratch.file(name)).expect("scratch is writable");
        let tcpdump = lan
            .switch()
            .command("tcpdump")
            .args(["-i", "any", "-n", "-U", "--immediate-mode", "-Z", "root"])
            // Its default of 256 KiB a packet leaves room for eight packets and drops the next.
            .args(["-s", "1600", "-B", "8192"])
            .args(["--time-stamp-precision=nano", "-w", "-", filter])
            .stdout(create("wire.pcap"))
            .stderr(create("tcpdump.log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("tcpdump starts");
        let log = scratch.file("tcpdump.log");
        wait_until("tcpdump listens", Duration::from_secs(10), || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("listening on"))
        });
        Self {
            tcpdump,
            scratch,
            ports: ports(lan),
            reader: Mutex::default(),
        }
    }

    /// The capture file, for tshark.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.scratch.file("wire.pcap")
    }

    /// Everything seen so far, in order.
    ///
    /// # Panics
    /// When the capture file is not what tcpdump writes.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        let mut reader = self
            .reader
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        reader.catch_up(&self.file(), &self.ports);
        reader.sent.clone()
    }

    /// The adverts seen so far, with the host that sent each.
    #[must_use]
    pub fn adverts(&self) -> Vec<(Stamp, String, Advert)> {
        let only_adverts = |sent: Sent| match sent.frame {
            Frame::Advert(advert) => Some((sent.at, sent.host, advert)),
            _ => None,
        };
        self.sent().into_iter().filter_map(only_adverts).collect()
    }

    /// When `host` last sent an advert with a priority other than 0, at `before` or earlier.
    #[must_use]
    pub fn last_advert(&self, host: &str, before: Stamp) -> Option<Stamp> {
        let adverts = self.adverts();
        let mut own = adverts
            .iter()
            .filter(|(at, from, advert)| from == host && *at <= before && advert.priority != 0);
        own.next_back().map(|&(at, ..)| at)
    }

    /// When `host` first sent an advert with a priority other than 0 after `after`.
    #[must_use]
    pub fn first_advert(&self, host: &str, after: Stamp) -> Option<Stamp> {
        let adverts = self.adverts();
        let mut own = adverts
            .iter()
            .filter(|(at, from, advert)| from == host && *at > after && advert.priority != 0);
        own.next().map(|&(at, ..)| at)
    }

    /// When `host` first sent priority 0 after `after`.
    #[must_use]
    pub fn release(&self, host: &str, after: Stamp) -> Option<Stamp> {
        let adverts = self.adverts();
        let mut own = adverts
            .iter()
            .filter(|(at, from, advert)| from == host && *at > after && advert.priority == 0);
        own.next().map(|&(at, ..)| at)
    }

    /// The hosts that sent adverts (not priority 0) within the last `span`, and how many.
    #[must_use]
    pub fn advertisers(&self, span: Duration) -> HashMap<String, usize> {
        let since = clock::stamp().saturating_sub(span);
        let mut counts = HashMap::new();
        for (at, host, advert) in self.adverts() {
            if at >= since && advert.priority != 0 {
                *counts.entry(host).or_default() += 1;
            }
        }
        counts
    }

    /// Whether `host`, and nobody else, advertised at least twice in the last `span`.
    #[must_use]
    pub fn alone(&self, host: &str, span: Duration) -> bool {
        let advertisers = self.advertisers(span);
        advertisers.len() == 1 && advertisers.get(host).is_some_and(|&count| count >= 2)
    }

    /// Whether nobody but `host` advertised in the last `span`, itself perhaps late.
    #[must_use]
    pub fn no_other(&self, host: &str, span: Duration) -> bool {
        self.advertisers(span).keys().all(|other| other == host)
    }

    /// Ends the capture, so that the file is complete, and gives its path.
    pub fn finish(&mut self) -> PathBuf {
        self.interrupt();
        self.file()
    }

    fn interrupt(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.tcpdump.id().cast_signed())
            && matches!(self.tcpdump.try_wait(), Ok(None))
        {
            let _already_gone = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _status = self.tcpdump.wait();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.interrupt();
    }
}

fn ports(lan: &Lan) -> HashMap<u32, String> {
    let links = lan.switch().ip_json(&["link", "show"]);
    let mut ports = HashMap::new();
    for link in links.as_array().into_iter().flatten() {
        let name = link.get("ifname").and_then(|name| name.as_str());
        let index = link.get("ifindex").and_then(serde_json::Value::as_u64);
        if let (Some(host), Some(index)) = (name.and_then(|name| name.strip_prefix("sw")), index) {
            ports.insert(u32::try_from(index).unwrap_or_default(), host.to_owned());
        }
    }
    ports
}

impl Reader {
    /// Reads the complete records that were appended since the last call.
    fn catch_up(&mut self, file: &Path, ports: &HashMap<u32, String>) {
        let mut bytes = Vec::new();
        let mut input = File::open(file).expect("the capture file exists");
        input
            .seek(SeekFrom::Start(self.offset))
            .expect("a file can be sought");
        input
            .read_to_end(&mut bytes)
            .expect("the capture file can be read");
        let mut rest = bytes.as_slice();
        if self.offset == 0 {
            let Some(body) = rest.get(24..) else { return };
            assert_eq!(
                word(rest, 0),
                Some(0xa1b2_3c4d),
                "pcap with nanoseconds, this byte order"
            );
            assert_eq!(word(rest, 20), Some(276), "LINUX_SLL2");
            self.offset = 24;
            rest = body;
        }
        while let Some((stamp, packet, after)) = record(rest) {
            self.offset += 16 + packet.len() as u64;
            rest = after;
            self.sent.extend(sent(stamp, packet, ports));
        }
    }
}

fn record(bytes: &[u8]) -> Option<(Stamp, &[u8], &[u8])> {
    let length = usize::try_from(word(bytes, 8)?).ok()?;
    let stamp = Duration::new(word(bytes, 0)?.into(), word(bytes, 4)?);
    let packet = bytes.get(16..16 + length)?;
    Some((stamp, packet, &bytes[16 + length..]))
}

/// A frame counts where it enters the switch; its copies on the way out do not.
fn sent(at: Stamp, packet: &[u8], ports: &HashMap<u32, String>) -> Option<Sent> {
    const OUTGOING: u8 = 4;
    let ethertype = u16::from_be_bytes(packet.get(0..2)?.try_into().ok()?);
    let index = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
    let host = ports
        .get(&index)
        .filter(|_| packet.get(10) != Some(&OUTGOING))?
        .clone();
    Some(Sent {
        at,
        host,
        frame: wire::read(ethertype, packet.get(20..)?),
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
