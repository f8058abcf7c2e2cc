//! Hearing packets, and with each of them its TTL, its destination and its interface.

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn, SockaddrIn6, SockaddrLike,
    recvmmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_proto::Family;

/// Datagrams read with one system call.
const BATCH: usize = 64;
/// No control packet is longer than 52 octets; of what is, the length field tells the truth.
const SIZE: usize = 128;
/// Room for a thousand sessions while the process is held up for some seconds.
const RECEIVE_BUFFER: usize = 4 << 20;

/// A socket for one family and port.
#[derive(Debug)]
pub(crate) struct Receiver {
    socket: Socket,
    family: Family,
}

/// A datagram, but for its payload.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) source: IpAddr,
    pub(crate) source_port: u16,
    pub(crate) destination: IpAddr,
    /// The kernel's index of the interface.
    pub(crate) interface: u32,
    pub(crate) ttl: u8,
    length: usize,
}

/// Room for one batch, kept from turn to turn.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: Vec<u8>,
    arrived: Vec<Option<Arrived>>,
}

// The headers of a batch point into themselves, so they stay with the thread that reads.
thread_local! {
    static HEADERS_V4: RefCell<MultiHeaders<SockaddrIn>> = RefCell::new(headers_v4());
    static HEADERS_V6: RefCell<MultiHeaders<SockaddrIn6>> = RefCell::new(headers_v6());
}

fn headers_v4() -> MultiHeaders<SockaddrIn> {
    let room = cmsg_space!(nix::libc::in_pktinfo, nix::libc::c_int);
    MultiHeaders::preallocate(BATCH, Some(room))
}

fn headers_v6() -> MultiHeaders<SockaddrIn6> {
    let room = cmsg_space!(nix::libc::in6_pktinfo, nix::libc::c_int);
    MultiHeaders::preallocate(BATCH, Some(room))
}

impl Default for Room {
    fn default() -> Self {
        Self {
            bytes: vec![0; BATCH * SIZE],
            arrived: Vec::with_capacity(BATCH),
        }
    }
}

impl Receiver {
    /// Hear what comes to `port`, on every address and interface.
    pub(crate) fn open(family: Family, port: u16) -> io::Result<Self> {
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        let kind = Type::DGRAM.nonblocking().cloexec();
        let socket = Socket::new(domain, kind, Some(Protocol::UDP))?;
        let any: IpAddr = match family {
            Family::Ipv4 => {
                setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
                setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
                Ipv4Addr::UNSPECIFIED.into()
            }
            Family::Ipv6 => {
                socket.set_only_v6(true)?;
                socket.set_recv_hoplimit_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
                Ipv6Addr::UNSPECIFIED.into()
            }
        };
        // A wish: without it the socket works, only less well under load.
        let wish = rustix::net::sockopt::set_socket_recv_buffer_size_force;
        if wish(&socket, RECEIVE_BUFFER).is_err() {
            let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        }
        socket.bind(&SocketAddr::new(any, port).into())?;
        Ok(Self { socket, family })
    }

    /// The port that it hears.
    pub(crate) fn port(&self) -> io::Result<u16> {
        let local = self.socket.local_addr()?.as_socket();
        local
            .map(|local| local.port())
            .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// Read what has arrived, one batch at most. False: nothing more is waiting.
    pub(crate) fn receive(
        &self,
        room: &mut Room,
        mut each: impl FnMut(&Arrived, &[u8]),
    ) -> io::Result<bool> {
        let received = match self.family {
            Family::Ipv4 => HEADERS_V4
                .with_borrow_mut(|headers| self.fill(room, headers, headers_v4, arrived_v4))?,
            Family::Ipv6 => HEADERS_V6
                .with_borrow_mut(|headers| self.fill(room, headers, headers_v6, arrived_v6))?,
        };
        // A datagram without the facts about it cannot be judged, and does not come about.
        for (bytes, arrived) in room.bytes.chunks_exact(SIZE).zip(&room.arrived) {
            if let Some(arrived) = arrived {
                each(arrived, bytes.get(..arrived.length).unwrap_or(bytes));
            }
        }
        Ok(received == BATCH)
    }

    fn fill<S: SockaddrLike + Copy>(
        &self,
        room: &mut Room,
        headers: &mut MultiHeaders<S>,
        fresh: fn() -> MultiHeaders<S>,
        arrived: impl Fn(&RecvMsg<'_, '_, S>) -> Option<Arrived>,
    ) -> io::Result<usize> {
        room.arrived.clear();
        let mut chunks = room.bytes.chunks_exact_mut(SIZE);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let fd = self.socket.as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        match recvmmsg(fd, headers, slices.iter_mut(), flags, None) {
            Ok(results) => room
                .arrived
                .extend(results.map(|message| arrived(&message))),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        // The kernel writes the lengths of what it had to say into the headers. That is the same with
        // every datagram, or there would be less room for the next one.
        if room.arrived.contains(&None) {
            *headers = fresh();
        }
        Ok(room.arrived.len())
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn arrived_v4(message: &RecvMsg<'_, '_, SockaddrIn>) -> Option<Arrived> {
    let (mut ttl, mut info) = (None, None);
    for control in message.cmsgs().ok()? {
        match control {
            ControlMessageOwned::Ipv4Ttl(found) => ttl = u8::try_from(found).ok(),
            ControlMessageOwned::Ipv4PacketInfo(found) => info = Some(found),
            _ => {}
        }
    }
    let info = info?;
    Some(Arrived {
        source: message.address?.ip().into(),
        source_port: message.address?.port(),
        destination: Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into(),
        interface: u32::try_from(info.ipi_ifindex).ok()?,
        ttl: ttl?,
        length: message.bytes.min(SIZE),
    })
}

fn arrived_v6(message: &RecvMsg<'_, '_, SockaddrIn6>) -> Option<Arrived> {
    let (mut ttl, mut info) = (None, None);
    for control in message.cmsgs().ok()? {
        match control {
            ControlMessageOwned::Ipv6HopLimit(found) => ttl = u8::try_from(found).ok(),
            ControlMessageOwned::Ipv6PacketInfo(found) => info = Some(found),
            _ => {}
        }
    }
    let info = info?;
    Some(Arrived {
        source: message.address?.ip().into(),
        source_port: message.address?.port(),
        destination: Ipv6Addr::from(info.ipi6_addr.s6_addr).into(),
        interface: info.ipi6_ifindex,
        ttl: ttl?,
        length: message.bytes.min(SIZE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    /// BFD-RX-10: without the TTL of every packet there is no judging how far away the sender is.
    #[test]
    fn every_packet_comes_with_its_ttl_its_addresses_and_its_interface() {
        for address in ["127.0.0.1", "::1"] {
            let address: IpAddr = address.parse().unwrap();
            let receiver = Receiver::open(super::super::family(address), 0).unwrap();
            let port = receiver.port().unwrap();
            let sender = UdpSocket::bind((address, 0)).unwrap();
            let socket = socket2::SockRef::from(&sender);
            match address {
                IpAddr::V4(_) => socket.set_ttl_v4(254).unwrap(),
                IpAddr::V6(_) => socket.set_unicast_hops_v6(254).unwrap(),
            }
            // What one batch leaves behind must do for the next.
            for _ in 0..3 * BATCH {
                sender.send_to(b"before", (address, port)).unwrap();
            }
            let (mut before, mut batch) = (0, Room::default());
            while receiver
                .receive(&mut batch, |arrived, payload| {
                    assert_eq!((arrived.source, arrived.ttl), (address, 254));
                    assert_eq!(payload, b"before");
                    before += 1;
                })
                .unwrap()
            {}
            assert_eq!(before, 3 * BATCH);
            let long = [7; 300];
            for payload in [&b"one"[..], b"", &long] {
                sender.send_to(payload, (address, port)).unwrap();
            }
            let (mut room, mut heard) = (Room::default(), Vec::new());
            let more = receiver.receive(&mut room, |arrived, payload| {
                heard.push((*arrived, payload.to_vec()));
            });
            assert!(!more.unwrap());
            assert_eq!(heard.len(), 3);
            for (arrived, _) in &heard {
                assert_eq!((arrived.source, arrived.destination), (address, address));
                assert_eq!(arrived.ttl, 254);
                assert!(arrived.interface > 0);
            }
            let lengths: Vec<_> = heard.iter().map(|(_, payload)| payload.len()).collect();
            assert_eq!(lengths, [3, 0, SIZE]);
        }
    }
}
