//! The UDP sockets of BFD.
//!
//! One socket per family and port hears every session of the namespace, so that interfaces and
//! addresses can come and go without any socket being opened. One raw socket per family sends for
//! all of them: the UDP source port belongs to the session, not to the socket, and packets of many
//! sessions go out with one system call. Echo packets have packet sockets of their own.

mod echo;
mod receive;
mod send;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use socket2::{Domain, Protocol, Socket, Type};
use vrrp_proto::Family;

pub(crate) use echo::{EchoBuffer, EchoSocket, Echoed, echo_buffer, frame};
pub(crate) use receive::{Arrived, Receiver, Room};
pub(crate) use send::{Envelope, Letter, Sender};

/// `SO_PRIORITY` of routing protocols ("internetwork control"); higher ones need a capability.
const PRIORITY_CONTROL: u32 = 6;

/// The address from which the kernel would send to `peer`, by its routes and addresses of now.
/// Nothing is sent. `scope` is the interface, 0 for any.
pub(crate) fn source_for(peer: IpAddr, scope: u32) -> io::Result<IpAddr> {
    let (domain, any): (_, IpAddr) = match peer {
        IpAddr::V4(_) => (Domain::IPV4, Ipv4Addr::UNSPECIFIED.into()),
        IpAddr::V6(_) => (Domain::IPV6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let socket = Socket::new(
        domain,
        Type::DGRAM.nonblocking().cloexec(),
        Some(Protocol::UDP),
    )?;
    socket.bind(&SocketAddr::new(any, 0).into())?;
    // The discard port: a datagram socket only looks up the route.
    let peer: SocketAddr = match peer {
        IpAddr::V4(peer) => SocketAddrV4::new(peer, 9).into(),
        IpAddr::V6(peer) => SocketAddrV6::new(peer, 9, 0, scope).into(),
    };
    socket.connect(&peer.into())?;
    let local = socket.local_addr()?.as_socket().map(|local| local.ip());
    local.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// The family of an address.
pub(crate) const fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}
