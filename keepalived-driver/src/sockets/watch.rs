//! Hearing who else announces an address that is ours: ARP and neighbour advertisements.
//!
//! Two packet sockets for the whole namespace. A filter in the kernel lets through only what may
//! concern us, so that a busy LAN costs nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

const ETH_P_ARP: u16 = 0x0806;
const ETH_P_IPV6: u16 = 0x86dd;
/// Longer frames than any ARP or advertisement we judge.
const FRAME: usize = 256;
/// Addresses compared in the kernel: jumps in a filter reach 255 instructions. With more, every
/// ARP packet comes through and is judged here.
const COMPARED: usize = 200;

// Classic BPF, as in <linux/bpf_common.h>.
const LOAD_WORD: u16 = 0x20;
const LOAD_BYTE: u16 = 0x30;
const JUMP_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
const ACCEPT: u32 = 0x0004_0000;
/// Offsets in an Ethernet frame.
const ARP_SENDER: u32 = 14 + 14;
const IPV6_NEXT_HEADER: u32 = 14 + 6;
const ICMPV6_TYPE: u32 = 14 + 40;
const ICMPV6: u32 = 58;
const NEIGHBOUR_ADVERTISEMENT: u32 = 136;

/// Which of the two sockets.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    Arp,
    Advertisements,
}

/// One of the two sockets.
#[derive(Debug)]
pub(crate) struct Watch {
    socket: Socket,
    watched: Watched,
}

impl Watch {
    pub(crate) fn open(watched: Watched) -> io::Result<Self> {
        let ethertype = match watched {
            Watched::Arp => ETH_P_ARP,
            Watched::Advertisements => ETH_P_IPV6,
        };
        let protocol = Protocol::from(i32::from(ethertype.to_be()));
        let socket = Socket::new(
            Domain::PACKET,
            Type::RAW.nonblocking().cloexec(),
            Some(protocol),
        )?;
        let watch = Self { socket, watched };
        watch.listen_for(&[])?;
        Ok(watch)
    }

    /// Let through only what may be about one of these addresses.
    pub(crate) fn listen_for(&self, addresses: &[IpAddr]) -> io::Result<()> {
        self.socket.attach_filter(&match self.watched {
            Watched::Arp => arp_filter(addresses),
            Watched::Advertisements => advertisement_filter(addresses),
        })
    }

    /// Read one frame: its octets and the interface it came in on.
    pub(crate) fn receive(&self, buffer: &mut [u8; FRAME]) -> io::Result<Option<(usize, u32)>> {
        match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), buffer) {
            Ok((length, sender)) => {
                let index = sender.and_then(|sender| u32::try_from(sender.ifindex()).ok());
                Ok(Some((length.min(FRAME), index.unwrap_or(0))))
            }
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Room for one frame.
pub(crate) type FrameBuffer = [u8; FRAME];

/// An empty buffer.
pub(crate) const fn frame_buffer() -> FrameBuffer {
    [0; FRAME]
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn arp_filter(addresses: &[IpAddr]) -> Vec<SockFilter> {
    let ours: Vec<Ipv4Addr> = addresses
        .iter()
        .filter_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        })
        .collect();
    if ours.is_empty() {
        return vec![SockFilter::new(RETURN, 0, 0, 0)];
    }
    if ours.len() > COMPARED {
        return vec![SockFilter::new(RETURN, 0, 0, ACCEPT)];
    }
    let mut filter = vec![SockFilter::new(LOAD_WORD, 0, 0, ARP_SENDER)];
    for (position, address) in ours.iter().enumerate() {
        // Over the comparisons that are left and the refusal behind them.
        let to_accept = u8::try_from(ours.len() - position).unwrap_or(u8::MAX);
        filter.push(SockFilter::new(JUMP_EQUAL, to_accept, 0, address.to_bits()));
    }
    filter.push(SockFilter::new(RETURN, 0, 0, 0));
    filter.push(SockFilter::new(RETURN, 0, 0, ACCEPT));
    filter
}

fn advertisement_filter(addresses: &[IpAddr]) -> Vec<SockFilter> {
    if !addresses.iter().any(IpAddr::is_ipv6) {
        return vec![SockFilter::new(RETURN, 0, 0, 0)];
    }
    vec![
        SockFilter::new(LOAD_BYTE, 0, 0, IPV6_NEXT_HEADER),
        SockFilter::new(JUMP_EQUAL, 0, 3, ICMPV6),
        SockFilter::new(LOAD_BYTE, 0, 0, ICMPV6_TYPE),
        SockFilter::new(JUMP_EQUAL, 0, 1, NEIGHBOUR_ADVERTISEMENT),
        SockFilter::new(RETURN, 0, 0, ACCEPT),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}
