//! Sockets of checks: opened as wanted or not at all, and never waited for.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use healthcheck::{ConnId, IoFailure, Target, Transport};
use nix::sys::socket::{setsockopt, sockopt};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Octets of the longest IPv4 header.
const LOW_NIBBLE: u8 = 0x0f;

/// Why there is no socket.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum OpenError {
    /// The check has failed.
    Failed(IoFailure),
    /// This process or machine has no descriptor or memory to spare, which says nothing about the
    /// server.
    Scarce,
}

/// What reading came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    /// So many octets are in the buffer.
    Data(usize),
    /// The peer ended the stream.
    Eof,
    /// Nothing is there now.
    Blocked,
    /// It failed.
    Failed(IoFailure),
}

/// One socket of one attempt.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) id: ConnId,
    socket: Socket,
    transport: Transport,
    /// Messages come with the IPv4 header in front.
    with_header: bool,
    connected: bool,
    /// What was not sent yet; of the first so many octets were.
    out: VecDeque<Vec<u8>>,
    sent: usize,
}

impl Conn {
    /// A socket on its way to the target. Datagram sockets are there at once.
    pub(super) fn open(
        id: ConnId,
        transport: Transport,
        target: &Target,
    ) -> Result<Self, OpenError> {
        let domain = Domain::for_address(target.to);
        let (socket, with_header) = match transport {
            Transport::Tcp => (create(domain, Type::STREAM, Protocol::TCP)?, false),
            Transport::Udp => (create(domain, Type::DGRAM, Protocol::UDP)?, false),
            Transport::Ping => ping(domain)?,
        };
        bind(&socket, transport, target).map_err(|error| match scarce(&error) {
            true => OpenError::Scarce,
            false => OpenError::Failed(unbound(&error)),
        })?;
        if transport != Transport::Tcp {
            // ICMP errors that mean that there is no way, too: the kernel keeps them to itself else.
            let _ = match target.to {
                SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4RecvErr, &true),
                SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvErr, &true),
            };
        }
        match socket.connect(&SockAddr::from(target.to)) {
            Ok(()) => {}
            Err(error) if is(&error, Errno::INPROGRESS) => {}
            Err(error) if scarce(&error) => return Err(OpenError::Scarce),
            // No address of ours leads there, and none was asked for.
            Err(error) if is(&error, Errno::ADDRNOTAVAIL) && target.bind_address.is_none() => {
                return Err(OpenError::Failed(IoFailure::Unreachable));
            }
            Err(error) => return Err(OpenError::Failed(failure(&error))),
        }
        Ok(Self {
            id,
            socket,
            transport,
            with_header,
            connected: transport != Transport::Tcp,
            out: VecDeque::new(),
            sent: 0,
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// A stream that was on its way has become writable, which it does once: it stands, or it failed.
    pub(super) fn arrive(&mut self) -> Result<(), IoFailure> {
        let error = self.socket.take_error().map_err(|error| failure(&error))?;
        if let Some(error) = error {
            return Err(failure(&error));
        }
        self.connected = true;
        Ok(())
    }

    /// Sends this after what waits already.
    pub(super) fn send(&mut self, octets: Vec<u8>) -> Result<(), IoFailure> {
        self.out.push_back(octets);
        self.flush()
    }

    /// Sends what waits, as far as that goes.
    pub(super) fn flush(&mut self) -> Result<(), IoFailure> {
        while self.connected
            && let Some(octets) = self.out.front()
        {
            let rest = octets.get(self.sent..).unwrap_or_default();
            let written = match self.transport {
                Transport::Tcp => (&self.socket).write(rest),
                Transport::Udp | Transport::Ping => self.socket.send(rest).map(|_| rest.len()),
            };
            match written {
                Ok(written) if written < rest.len() => self.sent += written,
                Ok(_) => {
                    self.out.pop_front();
                    self.sent = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failure(&error)),
            }
        }
        Ok(())
    }

    /// Reads a piece of a stream, or a datagram, which is cut off where the buffer ends.
    pub(super) fn read(&self, buffer: &mut [u8]) -> ReadOutcome {
        loop {
            return match (&self.socket).read(buffer) {
                Ok(0) if self.transport == Transport::Tcp => ReadOutcome::Eof,
                Ok(length) => ReadOutcome::Data(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ReadOutcome::Blocked,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => ReadOutcome::Failed(failure(&error)),
            };
        }
    }

    /// What of a message a check is to see.
    pub(super) fn content<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        if !self.with_header {
            return message;
        }
        let words = message.first().map_or(0, |first| first & LOW_NIBBLE);
        let header = usize::from(words) * 4;
        message.get(header..).unwrap_or_default()
    }
}

impl AsRawFd for Conn {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn create(domain: Domain, kind: Type, protocol: Protocol) -> Result<Socket, OpenError> {
    let kind = kind.nonblocking().cloexec();
    Socket::new(domain, kind, Some(protocol)).map_err(|error| match scarce(&error) {
        true => OpenError::Scarce,
        false => OpenError::Failed(failure(&error)),
    })
}

/// A socket for echo requests that needs no right where `ping_group_range` allows it, else a raw one.
fn ping(domain: Domain) -> Result<(Socket, bool), OpenError> {
    let protocol = match domain {
        Domain::IPV4 => Protocol::ICMPV4,
        _ => Protocol::ICMPV6,
    };
    match create(domain, Type::DGRAM, protocol) {
        Ok(socket) => Ok((socket, false)),
        Err(OpenError::Scarce) => Err(OpenError::Scarce),
        Err(OpenError::Failed(_)) => {
            let socket = create(domain, Type::RAW, protocol)?;
            Ok((socket, domain == Domain::IPV4))
        }
    }
}

/// Source address, port, interface and mark; all that is wanted, or an error.
fn bind(socket: &Socket, transport: Transport, target: &Target) -> io::Result<()> {
    if target.mark != 0 {
        setsockopt(socket, sockopt::Mark, &target.mark)?;
    }
    if let Some(interface) = &target.interface {
        setsockopt(socket, sockopt::BindToDevice, &interface.into())?;
    }
    let port = match transport {
        Transport::Tcp | Transport::Udp => target.bind_port,
        Transport::Ping => 0,
    };
    if target.bind_address.is_none() && port == 0 {
        return Ok(());
    }
    if port != 0 {
        // The same port again and again, while connections from it are still being forgotten.
        socket.set_reuse_address(true)?;
    } else if target.to.is_ipv4() {
        // One port for each target, not one for all: the kernel chooses it when it connects.
        let _ = setsockopt(socket, sockopt::IpBindAddressNoPort, &true);
    }
    let any: IpAddr = match target.to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let source = SocketAddr::new(target.bind_address.unwrap_or(any), port);
    socket.bind(&SockAddr::from(source))
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Whether it is we who lack something.
pub(super) fn scarce(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .into_iter()
        .any(|errno| is(error, errno))
}

/// What an error of a socket means for a check.
fn failure(error: &io::Error) -> IoFailure {
    let Some(errno) = error.raw_os_error() else {
        return IoFailure::Other(0);
    };
    match Errno::from_raw_os_error(errno) {
        Errno::CONNREFUSED => IoFailure::Refused,
        Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::HOSTDOWN | Errno::NETDOWN => {
            IoFailure::Unreachable
        }
        Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED => IoFailure::Reset,
        Errno::TIMEDOUT => IoFailure::TimedOut,
        Errno::ADDRNOTAVAIL => IoFailure::NoAddress,
        Errno::ADDRINUSE => IoFailure::InUse,
        _ => IoFailure::Other(errno),
    }
}

/// What of the source it was that could not be had.
fn unbound(error: &io::Error) -> IoFailure {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NODEV) => IoFailure::NoInterface,
        Some(Errno::ADDRNOTAVAIL) => IoFailure::NoAddress,
        Some(Errno::ADDRINUSE) => IoFailure::InUse,
        _ => IoFailure::Bind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(transport: Transport, change: impl FnOnce(&mut Target)) -> Result<Conn, OpenError> {
        let mut target = Target::new("127.0.0.1:9".parse().unwrap());
        change(&mut target);
        Conn::open(ConnId(0), transport, &target)
    }

    /// CHK-02, LESSONS A10: a source that cannot be had is a failure, never left out.
    #[test]
    fn a_source_that_cannot_be_had_is_no_connection() {
        let failed = OpenError::Failed;
        for transport in [Transport::Tcp, Transport::Udp, Transport::Ping] {
            let nowhere = |target: &mut Target| {
                target.bind_address = Some("192.0.2.77".parse().unwrap());
            };
            let why = open(transport, nowhere).unwrap_err();
            assert_eq!(why, failed(IoFailure::NoAddress));
            let no_interface = |target: &mut Target| target.interface = Some("nowhere0".into());
            let why = open(transport, no_interface).unwrap_err();
            assert_eq!(why, failed(IoFailure::NoInterface));
        }
        let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let same_port = |target: &mut Target| {
            target.bind_address = Some("127.0.0.1".parse().unwrap());
            target.bind_port = port;
        };
        let why = open(Transport::Udp, same_port).unwrap_err();
        assert_eq!(why, failed(IoFailure::InUse));
    }

    /// CHK-02: the port is what was wanted, also for the second time.
    #[test]
    fn a_source_port_can_be_used_again() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let to = server.local_addr().unwrap();
        // Bound, so that no other test gets the port, and may be shared.
        let taken = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        taken.set_reuse_address(true).unwrap();
        let somewhere = SocketAddr::from(([127, 0, 0, 1], 0));
        taken.bind(&somewhere.into()).unwrap();
        let source = taken.local_addr().unwrap().as_socket().unwrap();
        for _ in 0..3 {
            let mut target = Target::new(to);
            target.bind_address = Some(source.ip());
            target.bind_port = source.port();
            let conn = Conn::open(ConnId(1), Transport::Tcp, &target).unwrap();
            let (peer, from) = server.accept().unwrap();
            assert_eq!(from, source);
            // The side that closes first remembers.
            drop(peer);
            let mut octet = [0];
            while conn.read(&mut octet) == ReadOutcome::Blocked {
                std::thread::yield_now();
            }
        }
    }
}
