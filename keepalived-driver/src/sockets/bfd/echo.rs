//! Echo packets, RFC 5881 4: out by the MAC address of the neighbour, whose kernel sends them back.
//!
//! They are for our own address, so no route of ours leads to the neighbour, and over IPv4 the kernel
//! drops what comes in from its own address. Packet sockets see both sides of that; a filter lets
//! through only what is for the echo port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, RawFd};

use bfd::ECHO_PORT;
use nix::errno::Errno;
use nix::libc::PACKET_HOST;
use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use vrrp_proto::Family;

use super::send::{IPV4_HEADER, IPV6_HEADER, UDP, UDP_HEADER, header_checksum};

/// The longest packet that is looked at. Ours have 24 octets of payload; those of neighbours may
/// have what they like, within reason.
const PACKET: usize = 512;
const ETHERNET_HEADER: usize = 14;
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;

// Classic BPF, as in <linux/bpf_common.h>.
const LOAD_HALF: u16 = 0x28;
const LOAD_HALF_BEHIND: u16 = 0x48;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_ANY: u16 = 0x45;
const RETURN: u16 = 0x06;
const ACCEPT: u32 = 0x0004_0000;
const FRAGMENT_OFFSET: u32 = 0x1fff;

/// A packet socket for the echo packets of one family, on all interfaces.
#[derive(Debug)]
pub(crate) struct EchoSocket {
    socket: Socket,
    family: Family,
    /// Over IPv6 the kernel takes what comes back, and would answer that nobody listens.
    _sink: Option<Socket>,
}

/// An echo packet that came in, ours or a neighbour's.
#[derive(Debug)]
pub(crate) struct Echoed<'a> {
    /// The kernel's index of the interface.
    pub(crate) link: u32,
    /// Who sent the frame.
    pub(crate) mac: [u8; 6],
    pub(crate) destination: IpAddr,
    /// The IP packet, without what the link may have added behind it.
    packet: &'a mut [u8],
    header: usize,
}

/// Room for one packet.
pub(crate) type EchoBuffer = [u8; PACKET];

/// An empty buffer.
pub(crate) const fn echo_buffer() -> EchoBuffer {
    [0; PACKET]
}

impl EchoSocket {
    pub(crate) fn open(family: Family) -> io::Result<Self> {
        let protocol = Protocol::from(i32::from(ethertype(family).to_be()));
        // Without the header of the link: the packet begins at the same place on all of them.
        let kind = Type::DGRAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::PACKET, kind, Some(protocol))?;
        socket.attach_filter(&filter(family))?;
        let sink = match family {
            Family::Ipv4 => None,
            // If somebody else listens there, no answer is sent either.
            Family::Ipv6 => sink().ok(),
        };
        Ok(Self {
            socket,
            family,
            _sink: sink,
        })
    }

    /// Read one packet. `Ok(None)`: nothing more is waiting; `Some(None)`: it is none that concerns us.
    pub(crate) fn receive<'a>(
        &self,
        buffer: &'a mut EchoBuffer,
    ) -> io::Result<Option<Option<Echoed<'a>>>> {
        let (length, sender) = match recvfrom::<LinkAddr>(self.socket.as_raw_fd(), buffer) {
            Ok(received) => received,
            Err(Errno::EAGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let sender = sender.filter(|sender| sender.pkttype() == PACKET_HOST && sender.halen() == 6);
        let found = sender.and_then(|sender| {
            let packet = buffer.get_mut(..length)?;
            let (length, header, destination) = judge(self.family, packet)?;
            Some(Echoed {
                link: u32::try_from(sender.ifindex()).ok()?,
                mac: sender.addr()?,
                destination,
                packet: packet.get_mut(..length)?,
                header,
            })
        });
        Ok(Some(found))
    }
}

impl AsRawFd for EchoSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Echoed<'_> {
    /// What is in the packet.
    pub(crate) fn payload(&self) -> &[u8] {
        self.packet
            .get(self.header + UDP_HEADER..)
            .unwrap_or_default()
    }

    /// Makes it what a router would send on: one hop less to go. `None` if that was the last one.
    pub(crate) fn forward(&mut self) -> Option<&[u8]> {
        let ttl = match self.destination {
            IpAddr::V4(_) => self.packet.get_mut(8)?,
            IpAddr::V6(_) => self.packet.get_mut(7)?,
        };
        *ttl = ttl.checked_sub(1).filter(|ttl| *ttl > 0)?;
        if self.destination.is_ipv4() {
            let header = self.packet.get_mut(..self.header)?;
            header.get_mut(10..12)?.fill(0);
            let sum = header_checksum(header);
            header.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
        }
        Some(self.packet)
    }
}

/// An Ethernet frame.
pub(crate) fn frame(destination: [u8; 6], source: [u8; 6], to: IpAddr, packet: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ETHERNET_HEADER + packet.len());
    frame.extend(destination);
    frame.extend(source);
    frame.extend(ethertype(super::family(to)).to_be_bytes());
    frame.extend(packet);
    frame
}

const fn ethertype(family: Family) -> u16 {
    match family {
        Family::Ipv4 => ETH_P_IP,
        Family::Ipv6 => ETH_P_IPV6,
    }
}

/// Length of the packet and of its IP header, and where it goes to; if it is a whole datagram for the
/// echo port.
fn judge(family: Family, packet: &[u8]) -> Option<(usize, usize, IpAddr)> {
    let word = |at: usize| {
        let octets = packet.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes(*octets))
    };
    let first = packet.first()?;
    let (header, length, protocol, destination) = match family {
        Family::Ipv4 => {
            let header = usize::from(first & 0x0f) * 4;
            let fragmented = word(6)? & 0x3fff != 0;
            let right = first >> 4 == 4 && header >= IPV4_HEADER && !fragmented;
            let octets = packet.get(16..)?.first_chunk::<4>()?;
            let destination = IpAddr::from(Ipv4Addr::from(*octets));
            let length = usize::from(word(2)?);
            (
                right.then_some(header)?,
                length,
                packet.get(9)?,
                destination,
            )
        }
        Family::Ipv6 => {
            let octets = packet.get(24..)?.first_chunk::<16>()?;
            let destination = IpAddr::from(Ipv6Addr::from(*octets));
            let length = IPV6_HEADER + usize::from(word(4)?);
            let header = (first >> 4 == 6).then_some(IPV6_HEADER)?;
            (header, length, packet.get(6)?, destination)
        }
    };
    let whole = length <= packet.len() && length >= header + UDP_HEADER;
    let ours = whole && *protocol == UDP && word(header + 2)? == ECHO_PORT;
    ours.then_some((length, header, destination))
}

fn filter(family: Family) -> Vec<SockFilter> {
    let (udp, port) = (u32::from(UDP), u32::from(ECHO_PORT));
    let mut filter = match family {
        Family::Ipv4 => vec![
            SockFilter::new(LOAD_BYTE, 0, 0, 9),
            SockFilter::new(JUMP_EQUAL, 0, 6, udp),
            SockFilter::new(LOAD_HALF, 0, 0, 6),
            SockFilter::new(JUMP_ANY, 4, 0, FRAGMENT_OFFSET),
            SockFilter::new(LOAD_HEADER_LENGTH, 0, 0, 0),
            SockFilter::new(LOAD_HALF_BEHIND, 0, 0, 2),
        ],
        Family::Ipv6 => vec![
            SockFilter::new(LOAD_BYTE, 0, 0, 6),
            SockFilter::new(JUMP_EQUAL, 0, 3, udp),
            SockFilter::new(LOAD_HALF, 0, 0, 42),
        ],
    };
    filter.extend([
        SockFilter::new(JUMP_EQUAL, 0, 1, port),
        SockFilter::new(RETURN, 0, 0, ACCEPT),
        SockFilter::new(RETURN, 0, 0, 0),
    ]);
    filter
}

/// A socket whose packets nobody reads: the kernel drops what does not fit.
fn sink() -> io::Result<Socket> {
    let kind = Type::DGRAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::IPV6, kind, Some(Protocol::UDP))?;
    socket.set_only_v6(true)?;
    socket.set_recv_buffer_size(0)?;
    let any = std::net::SocketAddr::from((Ipv6Addr::UNSPECIFIED, ECHO_PORT));
    socket.bind(&any.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::super::{Envelope, Letter};
    use super::*;
    use bfd::MAX_LEN;

    fn letter(address: &str, port: u16) -> Vec<u8> {
        let own: IpAddr = address.parse().unwrap();
        let envelope = Envelope {
            source: own,
            source_port: 49152,
            destination: own,
            destination_port: port,
            ttl: 255,
            scope: 0,
        };
        Letter::new(&envelope, &[7; MAX_LEN], 24)
            .unwrap()
            .bytes()
            .to_vec()
    }

    /// BFD-EC-05; RFC 1071: the sum over a header with its checksum is all ones.
    #[test]
    fn an_echo_packet_is_told_from_others_and_loses_a_hop_on_its_way_back() {
        for (address, family, ttl) in [
            ("192.0.2.1", Family::Ipv4, 8),
            ("2001:db8::1", Family::Ipv6, 7),
        ] {
            let mut packet = letter(address, ECHO_PORT);
            let length = packet.len();
            // Short frames are filled up.
            packet.extend([0; 6]);
            let (found, header, destination) = judge(family, &packet).unwrap();
            assert_eq!((found, destination), (length, address.parse().unwrap()));
            let mut echoed = Echoed {
                link: 1,
                mac: [2; 6],
                destination,
                packet: &mut packet[..length],
                header,
            };
            assert_eq!(echoed.payload(), [7; 24]);
            let sent = echoed.forward().unwrap().to_vec();
            assert_eq!((sent[ttl], sent.len()), (254, length));
            if family == Family::Ipv4 {
                assert_eq!(header_checksum(&sent[..header]), 0);
            }
            let other = match family {
                Family::Ipv4 => Family::Ipv6,
                Family::Ipv6 => Family::Ipv4,
            };
            assert_eq!(judge(other, &sent), None);
            assert_eq!(judge(family, &letter(address, 3784)), None);
            for cut in 0..length {
                assert_eq!(judge(family, &sent[..cut]), None, "{cut}");
            }
            let mut last = sent.clone();
            last[ttl] = 1;
            let packet = &mut last[..];
            let mut echoed = Echoed {
                packet,
                link: 1,
                mac: [2; 6],
                destination,
                header,
            };
            assert_eq!(echoed.forward(), None);
        }
        let mut fragment = letter("192.0.2.1", ECHO_PORT);
        fragment[6] = 0x20;
        assert_eq!(judge(Family::Ipv4, &fragment), None);
    }
}
