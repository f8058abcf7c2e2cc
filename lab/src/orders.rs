//! What is asked of the kernel's load balancer in a namespace, as a monitor of netlink sees it.

use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::{Host, Scratch, wait_until};

/// Requests of the family IPVS that change something: new, set and del of services, destinations and
/// sync daemons, settings, counters to zero, flush.
const WRITES: &[u8] = &[1, 2, 3, 5, 6, 7, 9, 10, 12, 16, 17];

const PCAP_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// In front of each message of a monitor: the number of the netlink protocol is at its end.
const COOKED: usize = 16;
const NETLINK_GENERIC: u16 = 16;
const CONTROLLER: u16 = 16;

/// A running `tcpdump` on a netlink monitor.
#[derive(Debug)]
pub struct Orders {
    tcpdump: Child,
    scratch: Scratch,
}

impl Orders {
    /// Listens from now on.
    ///
    /// # Panics
    /// When the kernel has no `nlmon`, or `tcpdump` does not start.
    #[must_use]
    pub fn listen(host: &Host) -> Self {
        host.netns
            .ip(&["link add orders type nlmon", "link set orders up"]);
        let scratch = Scratch::new("orders");
        let create = |name: &str| File::create(scratch.file(name)).expect("scratch is writable");
        let tcpdump = host
            .netns
            .command("tcpdump")
            .args(["-i", "orders", "-U", "--immediate-mode", "-Z", "root"])
            .args(["-s", "65535", "-B", "16384", "-w", "-"])
            .stdout(create("netlink.pcap"))
            .stderr(create("tcpdump.log"))
            .stdin(Stdio::null())
            .spawn()
            .expect("tcpdump starts");
        let log = scratch.file("tcpdump.log");
        wait_until("tcpdump listens", Duration::from_secs(10), || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("listening on"))
        });
        Self { tcpdump, scratch }
    }

    /// The commands of all requests so far that change something.
    #[must_use]
    pub fn writes(&self) -> Vec<u8> {
        let bytes = std::fs::read(self.scratch.file("netlink.pcap")).unwrap_or_default();
        let mut rest = bytes.get(PCAP_HEADER..).unwrap_or_default();
        let mut found = Vec::new();
        while let Some(length) = word(rest, 8)
            && let Some(packet) = rest.get(RECORD_HEADER..RECORD_HEADER + length)
        {
            requests(packet, &mut found);
            rest = rest.get(RECORD_HEADER + length..).unwrap_or_default();
        }
        found
    }
}

/// The messages of one datagram.
fn requests(packet: &[u8], found: &mut Vec<u8>) {
    let protocol = packet
        .get(COOKED - 2..COOKED)
        .and_then(|octets| octets.try_into().ok());
    if protocol.map(u16::from_be_bytes) != Some(NETLINK_GENERIC) {
        return;
    }
    let mut rest = packet.get(COOKED..).unwrap_or_default();
    while let Some(length) = word(rest, 0)
        && let Some(message) = rest.get(..length)
        && let Some(&[a, b, flags, _]) = message.get(4..8)
        && let Some(command) = message.get(16)
    {
        let is_request = flags & 1 != 0;
        let of_family = u16::from_ne_bytes([a, b]) > CONTROLLER;
        if is_request && of_family && WRITES.contains(command) {
            found.push(*command);
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
}

fn word(octets: &[u8], at: usize) -> Option<usize> {
    let word = octets.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_ne_bytes(word)).ok()
}

impl Drop for Orders {
    fn drop(&mut self) {
        let _ended_already = self.tcpdump.kill();
        let _status = self.tcpdump.wait();
    }
}
