//! Frames that no well-behaved router sends, from a host's own interface.

use std::io;
use std::time::Duration;

use pnet_datalink::{Channel, Config};

use crate::Host;
use crate::clock;
use crate::lan::INTERFACE;

/// Sends `frames` round robin from `host`, `per_second` of them, `total` in all. Returns how many
/// of each were sent.
///
/// # Panics
/// When the host has no interface any more or the kernel refuses a packet socket.
#[must_use]
pub fn flood(host: &Host, frames: Vec<Vec<u8>>, per_second: u32, total: usize) -> Vec<u64> {
    let sender = host
        .netns
        .spawn(move || send_all(&frames, per_second, total));
    sender.join().expect("the sender does not panic")
}

/// An Ethernet frame around an IP packet, from `host` to the group address of that packet.
///
/// # Panics
/// When the packet is shorter than an IP header.
#[must_use]
pub fn frame(host: &Host, packet: &[u8]) -> Vec<u8> {
    let ipv6 = packet[0] >> 4 == 6;
    let destination = match packet {
        _ if ipv6 && packet[24] == 0xff => {
            [0x33, 0x33, packet[36], packet[37], packet[38], packet[39]]
        }
        _ if !ipv6 && packet[16] >> 4 == 14 => {
            [1, 0, 0x5e, packet[17] & 0x7f, packet[18], packet[19]]
        }
        _ => [0xff; 6],
    };
    let ethertype: [u8; 2] = if ipv6 { [0x86, 0xdd] } else { [8, 0] };
    [&destination[..], &host.mac, &ethertype, packet].concat()
}

fn send_all(frames: &[Vec<u8>], per_second: u32, total: usize) -> Vec<u64> {
    let interfaces = pnet_datalink::interfaces();
    let interface = interfaces
        .iter()
        .find(|interface| interface.name == INTERFACE);
    let config = Config {
        promiscuous: false,
        ..Config::default()
    };
    let channel = pnet_datalink::channel(interface.expect("the host has its interface"), config);
    let Ok(Channel::Ethernet(mut sender, _receiver)) = channel else {
        panic!("no packet socket");
    };
    let mut counts = vec![0; frames.len()];
    let pause = Duration::from_secs(1) / per_second;
    let start = clock::now();
    for (number, index) in (0..total).zip((0..frames.len()).cycle()) {
        // Late wake-ups are caught up with, so that the rate holds on average.
        let due = pause * u32::try_from(number).unwrap_or(u32::MAX);
        if let Some(early) = due.checked_sub(start.elapsed()) {
            std::thread::sleep(early);
        }
        let sent: Option<io::Result<()>> = sender.send_to(&frames[index], None);
        if matches!(sent, Some(Ok(()))) {
            counts[index] += 1;
        }
    }
    counts
}
