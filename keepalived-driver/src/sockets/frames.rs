//! Sending announcement frames: gratuitous ARP and neighbour advertisements.

use std::collections::HashMap;
use std::io;
use std::os::fd::IntoRawFd;
use std::time::Duration;

use pnet_datalink::{Channel, ChannelType, DataLinkSender, NetworkInterface};
use socket2::{Domain, Socket, Type};

/// Per-interface senders, opened when first needed.
#[derive(Default)]
pub(crate) struct FrameSenders {
    open: HashMap<u32, Box<dyn DataLinkSender>>,
}

impl std::fmt::Debug for FrameSenders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameSenders")
            .field("open", &self.open.keys())
            .finish()
    }
}

impl FrameSenders {
    /// Send `frame`, Ethernet header included, out of the interface `index`. Never waits: a full
    /// queue is an error.
    pub(crate) fn send(&mut self, index: u32, name: &str, frame: &[u8]) -> io::Result<()> {
        let sender = match self.open.entry(index) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(open(index, name)?),
        };
        let result = sender
            .send_to(frame, None)
            .unwrap_or_else(|| Err(io::Error::other("the frame does not fit")));
        if result.is_err() {
            // The interface may be a new one with the old index; start afresh next time.
            self.open.remove(&index);
        }
        result
    }

    /// The interface is gone.
    pub(crate) fn forget(&mut self, index: u32) {
        self.open.remove(&index);
    }
}

/// A socket that only sends: protocol 0 hears nothing, and the explicit settings keep pnet from
/// turning on promiscuous mode, from receiving, and from waiting.
fn open(index: u32, name: &str) -> io::Result<Box<dyn DataLinkSender>> {
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking().cloexec(), None)?;
    let interface = NetworkInterface {
        name: name.to_owned(),
        description: String::new(),
        index,
        mac: None,
        ips: Vec::new(),
        flags: 0,
    };
    let config = pnet_datalink::linux::Config {
        socket_fd: Some(socket.into_raw_fd()),
        promiscuous: false,
        channel_type: ChannelType::Layer3(0),
        write_timeout: Some(Duration::ZERO),
        read_timeout: Some(Duration::ZERO),
        write_buffer_size: 0,
        read_buffer_size: 0,
        fanout: None,
    };
    match pnet_datalink::linux::channel(&interface, config)? {
        Channel::Ethernet(sender, _receiver) => Ok(sender),
        _ => Err(io::Error::other("no Ethernet channel on this interface")),
    }
}
