//! One session with a neighbour over UDP sockets, without an event library:
//! `cargo run -p bfd --example udp 192.0.2.1 192.0.2.2 eth0 50`, with one's own address, the
//! neighbour's, the interface and the interval in milliseconds.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::num::NonZeroU8;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use bfd::{
    Buffer, Definition, Instant, InterfaceId, MAX_LEN, Micros, Rx, SINGLE_HOP_PORT, SessionConfig,
    SessionEvent, SingleHop, TTL, Table,
};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};

const INTERFACE: InterfaceId = InterfaceId(1);

/// A socket that tells the TTL of what it receives, and sends with a TTL of 255.
fn socket(address: SocketAddr) -> Result<UdpSocket, Box<dyn Error>> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv4() {
        setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
        setsockopt(&socket, sockopt::Ipv4Ttl, &i32::from(TTL))?;
    } else {
        setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
        setsockopt(&socket, sockopt::Ipv6Ttl, &i32::from(TTL))?;
    }
    Ok(socket)
}

/// Hands over everything that was received.
fn receive(socket: &UdpSocket, destination: IpAddr, table: &mut Table, now: Instant) {
    let (mut octets, mut space) = ([0; 128], nix::cmsg_space!(i32));
    let mut slices = [IoSliceMut::new(&mut octets)];
    let (fd, none) = (socket.as_raw_fd(), MsgFlags::empty());
    while let Ok(message) = recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut space), none) {
        let Some(from) = message.address else {
            continue;
        };
        let v4 = from.as_sockaddr_in().map(|from| IpAddr::V4(from.ip()));
        let v6 = from.as_sockaddr_in6().map(|from| IpAddr::V6(from.ip()));
        let ttl = message.cmsgs().into_iter().flatten().find_map(|c| match c {
            ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => Some(ttl),
            _ => None,
        });
        let rx = Rx {
            interface: INTERFACE,
            source: v4.or(v6).unwrap_or(destination),
            destination,
            destination_port: SINGLE_HOP_PORT,
            ttl: ttl.and_then(|ttl| u8::try_from(ttl).ok()).unwrap_or(0),
            payload: message.iovs().next().unwrap_or_default(),
        };
        if let Err(reason) = table.handle_packet(now, &rx) {
            println!("rejected: {reason}");
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "somebody has to read the clock")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [local, peer, device, millis] = &arguments[..] else {
        return Err("udp LOCAL PEER DEVICE MILLISECONDS".into());
    };
    let (local, peer): (IpAddr, IpAddr) = (local.parse()?, peer.parse()?);
    let scope = nix::net::if_::if_nametoindex(device.as_str())?;
    let address = |ip: IpAddr, port| match ip {
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
        IpAddr::V4(_) => SocketAddr::new(ip, port),
    };
    let interval = Micros::from_millis(millis.parse()?).ok_or("too long")?;
    let config = SessionConfig::new(interval, interval, NonZeroU8::new(3).ok_or("not 0")?);
    let path = SingleHop::new(INTERFACE, peer).with_local(Some(local));
    let start = std::time::Instant::now();
    let clock = || i64::try_from(start.elapsed().as_nanos()).map(Instant::from_nanos);
    let mut now = clock()?;
    let mut table = Table::new(RandomState::new().hash_one(start));
    let id = table.add(now, Definition::SingleHop(path, config))?;
    let source_port = table.source_port(id).ok_or("it was added")?;
    let input = socket(address(local, SINGLE_HOP_PORT))?;
    let output = socket(address(local, source_port))?;
    let mut buffer: Buffer = [0; MAX_LEN];
    loop {
        while let Some(packet) = table.poll_transmit(now, &mut buffer) {
            let to = address(packet.destination, packet.destination_port);
            // A peer that is not there yet is no reason to give up.
            let _ = output.send_to(&buffer[..packet.length], to);
        }
        while let Some((_, event)) = table.poll_event() {
            if let SessionEvent::State(t) = event {
                let (from, to, why) = (t.from, t.to, t.reason.name());
                println!("{:?} {from:?} -> {to:?}: {why}", start.elapsed());
            }
        }
        let wait = table
            .next_timeout()
            .map(|at| at.saturating_duration_since(now));
        let wait = wait.unwrap_or(Duration::from_secs(60)).into();
        let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        ppoll(&mut fds, Some(wait), None)?;
        now = clock()?;
        receive(&input, local, &mut table, now);
        table.handle_timeout(now);
    }
}
