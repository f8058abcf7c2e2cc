//! What a check tells its driver to do, and what the driver tells back.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::outcome::Outcome;

/// A connection, datagram socket or ping socket of one probe. Numbers are never used twice, so what
/// comes late for an old one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u32);

/// What a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A stream.
    Tcp,
    /// A connected datagram socket: only answers of the target, and its ICMP errors.
    Udp,
    /// ICMP or ICMPv6 echo, by the family of the target. Bytes are ICMP messages without IP header.
    Ping,
}

/// Where to connect to, and from where (CHK-02, CHK-04).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Address and port; the port of a ping is 0.
    pub to: SocketAddr,
    /// Source address. A check that cannot have it fails, it never runs without.
    pub bind_address: Option<IpAddr>,
    /// Source port; 0 is any.
    pub bind_port: u16,
    /// Interface to send through.
    pub interface: Option<String>,
    /// Firewall mark of the packets; 0 is none.
    pub mark: u32,
}

impl Target {
    /// A target reached from any address.
    #[must_use]
    pub const fn new(to: SocketAddr) -> Self {
        Self {
            to,
            bind_address: None,
            bind_port: 0,
            interface: None,
            mark: 0,
        }
    }
}

/// Why the operating system could not do what it was asked for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IoFailure {
    /// Source address, port, interface or mark could not be had.
    Bind,
    /// There is no such interface to send through.
    NoInterface,
    /// The source address is none of this machine.
    NoAddress,
    /// The source port is in use.
    InUse,
    /// The port is closed: RST, or ICMP port unreachable.
    Refused,
    /// No way there: no route, ICMP unreachable, or no answer to ARP.
    Unreachable,
    /// The peer reset the connection.
    Reset,
    /// The kernel's own time limit, should it be shorter than the one of the check.
    TimedOut,
    /// Any other error number.
    Other(i32),
}

impl fmt::Display for IoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Bind => "cannot bind to the configured source",
            Self::NoInterface => "there is no such interface",
            Self::NoAddress => "the source address is not on this machine",
            Self::InUse => "the source port is in use",
            Self::Refused => "connection refused",
            Self::Unreachable => "host unreachable",
            Self::Reset => "connection reset",
            Self::TimedOut => "connection timed out",
            Self::Other(errno) => return write!(f, "error {errno}"),
        };
        f.write_str(text)
    }
}

/// What the driver tells.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// The connection stands; of a datagram socket: it is bound and connected.
    Connected(ConnId),
    /// It failed, before or after it stood.
    Failed(ConnId, IoFailure),
    /// Bytes of a stream, or one datagram.
    Bytes(ConnId, &'a [u8]),
    /// The peer ended the stream.
    Eof(ConnId),
    /// The program ended; `None` for a signal.
    Exited {
        /// Its exit code.
        code: Option<i32>,
    },
    /// The program could not be started, and why.
    SpawnFailed(&'a str),
    /// Something that is watched elsewhere (a file, a BFD session) is so now.
    Level(Level),
}

/// The state of something that is watched elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Up or down.
    Up(bool),
    /// A number; `None` when it cannot be read.
    Value(Option<i64>),
}

/// What the driver is to do.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection.
    Connect {
        /// Its name from now on.
        conn: ConnId,
        /// Of which kind.
        transport: Transport,
        /// Where to.
        target: Target,
    },
    /// Send bytes, all of them, in order; one datagram where there are datagrams.
    Send {
        /// On which connection.
        conn: ConnId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Close a connection, and forget what was not sent yet.
    Close(ConnId),
    /// Start a program in a process group of its own.
    Spawn {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Kill the process group of the program. `Exited` still comes.
    Kill,
    /// The attempt is over. Comes once for each start, and last.
    Done(Outcome),
}
