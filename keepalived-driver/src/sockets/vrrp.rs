//! One raw socket per interface and family: every virtual router there shares it, both ways.
//!
//! It is bound to the device, so that it hears only what arrives there; it takes only the groups it
//! joined itself; and it writes the whole IP header, because source address and TTL belong to the
//! virtual router, not to the socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn6, SockaddrLike, recvmmsg,
};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use smallvec::SmallVec;
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_proto::{AH_PROTOCOL, AhPacket, Family, IpMeta, PROTOCOL, ParseError, TRAFFIC_CLASS};

/// Datagrams read with one system call.
const RECEIVE_BATCH: usize = 32;
/// The longest datagram worth reading: 255 IPv6 addresses and a header. Longer ones are cut, and
/// then refused for their length.
const RECEIVE_SIZE: usize = 4352;
/// Datagrams sent with one system call.
const SEND_BATCH: usize = 64;
/// Room for the adverts of a thousand routers while the process is held up for some seconds.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Octets of an IPv4 header without options, and of an IPv6 header.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// `SO_PRIORITY` of routing protocols ("internetwork control"); higher ones need a capability.
const PRIORITY_CONTROL: u32 = 6;

/// A datagram ready to go: IP header included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) destination: IpAddr,
    pub(crate) bytes: Vec<u8>,
}

/// Put an IP header in front of the VRRP message that `emit` writes. VRRP-V2-TX-04.
pub(crate) fn build<E>(
    ip: &IpMeta,
    message_len: usize,
    emit: impl FnOnce(&mut [u8]) -> Result<usize, E>,
) -> Result<Datagram, E> {
    let header = match ip.source {
        IpAddr::V4(_) => IPV4_HEADER,
        IpAddr::V6(_) => IPV6_HEADER,
    };
    let mut bytes = vec![0; header + message_len];
    let written = emit(&mut bytes[header..])?;
    bytes.truncate(header + written);
    match (ip.source, ip.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
            bytes[0] = 0x45;
            bytes[1] = TRAFFIC_CLASS;
            bytes[2..4].copy_from_slice(&total.to_be_bytes());
            // Identification and header checksum stay zero: the kernel fills both.
            bytes[8] = ip.hop_limit;
            bytes[9] = PROTOCOL;
            bytes[12..16].copy_from_slice(&source.octets());
            bytes[16..20].copy_from_slice(&destination.octets());
        }
        (source, destination) => {
            let length = u16::try_from(written).unwrap_or(u16::MAX);
            bytes[0] = 0x60 | (TRAFFIC_CLASS >> 4);
            bytes[1] = TRAFFIC_CLASS << 4;
            bytes[4..6].copy_from_slice(&length.to_be_bytes());
            bytes[6] = PROTOCOL;
            bytes[7] = ip.hop_limit;
            bytes[8..24].copy_from_slice(&as_v6(source).octets());
            bytes[24..40].copy_from_slice(&as_v6(destination).octets());
        }
    }
    Ok(Datagram {
        destination: ip.destination,
        bytes,
    })
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// The raw socket of one interface and family.
#[derive(Debug)]
pub(crate) struct VrrpSocket {
    socket: Socket,
    family: Family,
    index: u32,
    groups: Vec<IpAddr>,
}

impl VrrpSocket {
    /// Open it on interface `name`, which has index `index`.
    pub(crate) fn open(
        name: &str,
        index: u32,
        family: Family,
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        Self::open_for(PROTOCOL, name, index, family, receive_buffer)
    }

    /// Open the one that hears adverts with an IP authentication header. Those are sent by the
    /// other one, like all: it writes whatever IP header it is given.
    pub(crate) fn open_ah(
        name: &str,
        index: u32,
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        Self::open_for(AH_PROTOCOL, name, index, Family::Ipv4, receive_buffer)
    }

    fn open_for(
        protocol: u8,
        name: &str,
        index: u32,
        family: Family,
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        let protocol = Protocol::from(i32::from(protocol));
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))?;
        socket.bind_device(Some(name.as_bytes()))?;
        match family {
            Family::Ipv4 => {
                socket.set_header_included_v4(true)?;
                socket.set_multicast_loop_v4(false)?;
                socket.set_multicast_all_v4(false)?;
            }
            Family::Ipv6 => {
                socket.set_header_included_v6(true)?;
                socket.set_multicast_loop_v6(false)?;
                socket.set_multicast_all_v6(false)?;
                socket.set_multicast_if_v6(index)?;
                socket.set_recv_hoplimit_v6(true)?;
                nix::sys::socket::setsockopt(
                    &socket,
                    nix::sys::socket::sockopt::Ipv6RecvPacketInfo,
                    &true,
                )?;
            }
        }
        // Both are wishes: without them the socket works, only less well under load.
        let _ = socket.set_priority(PRIORITY_CONTROL);
        let vrrp = Self {
            socket,
            family,
            index,
            groups: Vec::new(),
        };
        vrrp.set_receive_buffer(receive_buffer);
        Ok(vrrp)
    }

    /// Open one that only sends, on interface `name`; with a source address also if that is the
    /// address of another interface.
    pub(crate) fn sender(
        name: &str,
        index: u32,
        family: Family,
        source: Option<IpAddr>,
    ) -> io::Result<Self> {
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        // Of this protocol nothing is ever received, and the header is always ours.
        let protocol = Protocol::from(nix::libc::IPPROTO_RAW);
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(protocol))?;
        socket.bind_device(Some(name.as_bytes()))?;
        match family {
            Family::Ipv4 => socket.set_multicast_loop_v4(false)?,
            Family::Ipv6 => {
                socket.set_header_included_v6(true)?;
                socket.set_multicast_loop_v6(false)?;
                socket.set_multicast_if_v6(index)?;
                if let Some(IpAddr::V6(source)) = source {
                    socket.set_freebind_v6(true)?;
                    socket.bind(&SocketAddrV6::new(source, 0, 0, index).into())?;
                }
            }
        }
        let _ = socket.set_priority(PRIORITY_CONTROL);
        Ok(Self {
            socket,
            family,
            index,
            groups: Vec::new(),
        })
    }

    /// Room for what waits to be read, in octets. A wish: without it the socket works, only less
    /// well under load.
    pub(crate) fn set_receive_buffer(&self, size: Option<usize>) {
        let size = size.unwrap_or(RECEIVE_BUFFER);
        let socket = &self.socket;
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, size).is_err() {
            let _ = socket.set_recv_buffer_size(size);
        }
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Listen to exactly these multicast groups.
    pub(crate) fn join(&mut self, groups: &[IpAddr]) -> io::Result<()> {
        for group in groups {
            if self.groups.contains(group) {
                continue;
            }
            match group {
                IpAddr::V4(group) => self.socket.join_multicast_v4_n(
                    group,
                    &socket2::InterfaceIndexOrAddress::Index(self.index),
                )?,
                IpAddr::V6(group) => self.socket.join_multicast_v6(group, self.index)?,
            }
            self.groups.push(*group);
        }
        let gone: Vec<IpAddr> = self
            .groups
            .iter()
            .filter(|group| !groups.contains(group))
            .copied()
            .collect();
        for group in gone {
            match &group {
                IpAddr::V4(group) => self.socket.leave_multicast_v4_n(
                    group,
                    &socket2::InterfaceIndexOrAddress::Index(self.index),
                )?,
                IpAddr::V6(group) => self.socket.leave_multicast_v6(group, self.index)?,
            }
            self.groups.retain(|known| known != &group);
        }
        Ok(())
    }

    /// Read what has arrived, one batch at most. `each` gets the datagrams that are IP packets,
    /// `refused` the reasons of those that are not. False: nothing more is waiting.
    pub(crate) fn receive(
        &self,
        buffer: &mut ReceiveBuffer,
        mut each: impl FnMut(IpMeta, &[u8]),
        mut refused: impl FnMut(ParseError),
    ) -> io::Result<bool> {
        self.receive_datagrams(buffer, |family, datagram, meta| match (family, meta) {
            (Family::Ipv4, _) => match vrrp_proto::split_ipv4(datagram) {
                Ok((ip, message)) => each(ip, message),
                Err(error) => refused(error),
            },
            (Family::Ipv6, Some(ip)) => each(ip, datagram),
            // The kernel gives hop limit and destination of every packet; without them the
            // packet cannot be judged.
            (Family::Ipv6, None) => refused(ParseError::IpTruncated {
                needed: IPV6_HEADER,
                got: 0,
            }),
        })
    }

    /// As [`receive`](Self::receive), of the socket for packets with an IP authentication header.
    pub(crate) fn receive_ah(
        &self,
        buffer: &mut ReceiveBuffer,
        mut each: impl FnMut(&AhPacket<'_>),
        mut refused: impl FnMut(ParseError),
    ) -> io::Result<bool> {
        self.receive_datagrams(buffer, |_, datagram, _| match AhPacket::parse(datagram) {
            Ok(packet) => each(&packet),
            Err(error) => refused(error),
        })
    }

    fn receive_datagrams(
        &self,
        buffer: &mut ReceiveBuffer,
        mut each: impl FnMut(Family, &[u8], Option<IpMeta>),
    ) -> io::Result<bool> {
        let received = match self.family {
            Family::Ipv4 => self.fill::<()>(buffer, None, |_| None)?,
            Family::Ipv6 => self.fill::<SockaddrIn6>(
                buffer,
                Some(cmsg_space!(nix::libc::in6_pktinfo, nix::libc::c_int)),
                meta_v6,
            )?,
        };
        for (datagram, arrival) in buffer
            .bytes
            .chunks_exact(RECEIVE_SIZE)
            .zip(&buffer.arrivals)
        {
            let datagram = &datagram[..arrival.length.min(RECEIVE_SIZE)];
            each(self.family, datagram, arrival.meta);
        }
        Ok(received == RECEIVE_BATCH)
    }

    fn fill<S: SockaddrLike + Copy>(
        &self,
        buffer: &mut ReceiveBuffer,
        control: Option<Vec<u8>>,
        meta: impl Fn(&RecvMsg<'_, '_, S>) -> Option<IpMeta>,
    ) -> io::Result<usize> {
        let ReceiveBuffer { bytes, arrivals } = buffer;
        arrivals.clear();
        let mut chunks = bytes.chunks_exact_mut(RECEIVE_SIZE);
        let mut slices: [[IoSliceMut<'_>; 1]; RECEIVE_BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        // Made anew for every batch: the kernel overwrites the lengths in it.
        let mut headers = MultiHeaders::<S>::preallocate(RECEIVE_BATCH, control);
        let fd = self.socket.as_raw_fd();
        let results = recvmmsg(
            fd,
            &mut headers,
            slices.iter_mut(),
            MsgFlags::MSG_DONTWAIT,
            None,
        );
        match results {
            Ok(results) => arrivals.extend(results.map(|message| Arrival {
                length: message.bytes,
                meta: meta(&message),
            })),
            Err(Errno::EAGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(arrivals.len())
    }

    /// Hand datagrams to the kernel, many per system call. `failed` is told which one was refused
    /// and why; the others go out all the same. Returns how many went out.
    pub(crate) fn send(
        &self,
        datagrams: &[&Datagram],
        mut failed: impl FnMut(usize, io::Error),
    ) -> usize {
        let mut sent = 0;
        let mut next = 0;
        while next < datagrams.len() {
            let batch = &datagrams[next..datagrams.len().min(next + SEND_BATCH)];
            let addresses: SmallVec<[SocketAddrAny; SEND_BATCH]> = batch
                .iter()
                .map(|datagram| self.socket_address(datagram.destination))
                .collect();
            let slices: SmallVec<[[IoSlice<'_>; 1]; SEND_BATCH]> = batch
                .iter()
                .map(|datagram| [IoSlice::new(&datagram.bytes)])
                .collect();
            let mut controls: SmallVec<[SendAncillaryBuffer<'_, '_, '_>; SEND_BATCH]> = batch
                .iter()
                .map(|_| SendAncillaryBuffer::default())
                .collect();
            let mut messages: SmallVec<[MMsgHdr<'_>; SEND_BATCH]> = addresses
                .iter()
                .zip(&slices)
                .zip(&mut controls)
                .map(|((address, slice), control)| MMsgHdr::new_with_addr(address, slice, control))
                .collect();
            match sendmmsg(&self.socket, &mut messages, SendFlags::DONTWAIT) {
                // Sent up to the first one that was refused; that one comes first in the next call.
                Ok(count) if count > 0 => {
                    sent += count;
                    next += count;
                }
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    failed(next, error.into());
                    next += 1;
                }
            }
        }
        sent
    }

    fn socket_address(&self, destination: IpAddr) -> SocketAddrAny {
        match destination {
            IpAddr::V4(v4) => SocketAddrV4::new(v4, 0).into(),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, 0, 0, self.index).into(),
        }
    }
}

impl AsRawFd for VrrpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Hop limit and destination come as control messages, the source as the sender's address.
fn meta_v6(message: &RecvMsg<'_, '_, SockaddrIn6>) -> Option<IpMeta> {
    let mut hop_limit = None;
    let mut destination = None;
    for control in message.cmsgs().ok()? {
        match control {
            ControlMessageOwned::Ipv6HopLimit(limit) => hop_limit = u8::try_from(limit).ok(),
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            _ => {}
        }
    }
    Some(IpMeta {
        source: IpAddr::V6(message.address?.ip()),
        destination: IpAddr::V6(destination?),
        hop_limit: hop_limit?,
    })
}

/// Room for one batch, kept from turn to turn.
#[derive(Debug)]
pub(crate) struct ReceiveBuffer {
    bytes: Vec<u8>,
    arrivals: Vec<Arrival>,
}

#[derive(Copy, Clone, Debug)]
struct Arrival {
    length: usize,
    meta: Option<IpMeta>,
}

impl Default for ReceiveBuffer {
    fn default() -> Self {
        Self {
            bytes: vec![0; RECEIVE_BATCH * RECEIVE_SIZE],
            arrivals: Vec::with_capacity(RECEIVE_BATCH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VRRP-V2-TX-04, VRRP-V3-TX-03.
    #[test]
    fn an_ipv4_datagram_carries_source_destination_protocol_and_ttl() {
        let ip = IpMeta {
            source: "192.0.2.1".parse().unwrap(),
            destination: "224.0.0.18".parse().unwrap(),
            hop_limit: 255,
        };
        let datagram = build(&ip, 12, |out| {
            out.fill(7);
            Ok::<_, ()>(12)
        })
        .unwrap();
        let (seen, message) = vrrp_proto::split_ipv4(&with_header_checksum(&datagram.bytes))
            .map(|(ip, message)| (ip, message.to_vec()))
            .unwrap();
        assert_eq!(seen, ip);
        assert_eq!(message, [7; 12]);
        assert_eq!(datagram.bytes[1], TRAFFIC_CLASS);
        assert_eq!(datagram.bytes[9], PROTOCOL);
    }

    /// VRRP-V3-TX-03.
    #[test]
    fn an_ipv6_datagram_carries_source_destination_protocol_and_hop_limit() {
        let ip = IpMeta {
            source: "fe80::1".parse().unwrap(),
            destination: "ff02::12".parse().unwrap(),
            hop_limit: 255,
        };
        let datagram = build(&ip, 24, |_| Ok::<_, ()>(24)).unwrap();
        assert_eq!(datagram.bytes.len(), 64);
        assert_eq!(datagram.bytes[..2], [0x6c, 0x00]);
        assert_eq!(datagram.bytes[4..8], [0, 24, PROTOCOL, 255]);
        assert_eq!(datagram.bytes[8..10], [0xfe, 0x80]);
        assert_eq!(datagram.bytes[38..40], [0x00, 0x12]);
    }

    /// The kernel fills the header checksum; a parser that verifies it needs it filled here.
    fn with_header_checksum(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let sum: u32 = bytes[..20]
            .chunks_exact(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }
}
