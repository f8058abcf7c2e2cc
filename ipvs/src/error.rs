//! What a caller, the kernel or bytes can get wrong.

use thiserror::Error;

use crate::netlink::Command;

/// A configuration that IPVS cannot have.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Empty, or longer than the kernel's array.
    #[error("a name has 1 to {most} octets")]
    NameLength {
        /// Longest length in octets.
        most: usize,
    },
    /// White space, a slash or a control character.
    #[error("a name has no white space, slash or control character")]
    NameCharacter,
    /// Above [`crate::Destination::MAX_WEIGHT`].
    #[error("weight {0} is above 2147483647")]
    Weight(u32),
    /// The lower connection threshold is above the upper one.
    #[error("lower threshold {lower} is above the upper threshold {upper}")]
    Thresholds {
        /// Connections below which an overloaded destination gets new ones again.
        lower: u32,
        /// Connections at which a destination gets no more.
        upper: u32,
    },
    /// A destination of the other family is reached by a tunnel only.
    #[error("a destination of another family than its service needs tunnel forwarding")]
    FamilyNeedsTunnel,
    /// A netmask for the other family, or a prefix of more than 128 bits or none.
    #[error("granularity does not fit the family of the service")]
    Granularity,
    /// The persistence time is 0.
    #[error("persistence of 0 seconds")]
    PersistenceTime,
    /// One-packet scheduling balances datagrams.
    #[error("one-packet scheduling needs UDP or a firewall mark")]
    OnePacket,
    /// A service of any port without persistence.
    #[error("a service of all ports needs persistence")]
    PortNeedsPersistence,
}

/// Why bytes are no message of the family.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A message header that does not fit the datagram.
    #[error("netlink header does not fit")]
    Header,
    /// An attribute that does not fit its message or nest (IPVS-DEC-04).
    #[error("attribute overruns its message")]
    Truncated,
    /// An attribute whose length does not fit its type.
    #[error("attribute {attribute} of {length} octets")]
    Length {
        /// Number of the attribute in its nest.
        attribute: u16,
        /// Its length in octets.
        length: usize,
    },
    /// Something that must be there is not.
    #[error("attribute {0} is missing")]
    Missing(&'static str),
    /// Neither 2 (IPv4) nor 10 (IPv6).
    #[error("address family {0}")]
    Family(u16),
    /// A forwarding method that we do not know.
    #[error("forwarding method {0}")]
    Forward(u32),
    /// A tunnel type that we do not know.
    #[error("tunnel type {0}")]
    Tunnel(u8),
    /// A number out of its range.
    #[error("{0} out of range")]
    Range(&'static str),
    /// A name that is empty, too long or not made of letters.
    #[error("{0} is no name")]
    Name(&'static str),
}

/// What the kernel answered, by what it means for the command that was sent.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KernelError {
    /// No `CAP_NET_ADMIN` in the user namespace that owns the network namespace.
    #[error("not permitted, CAP_NET_ADMIN is needed")]
    NotPermitted,
    /// The kernel has no IPVS: the module `ip_vs` is missing or cannot be loaded (IPVS-OPS-07).
    #[error("the kernel has no IPVS (module ip_vs is missing)")]
    ModuleMissing,
    /// A new service that is there already.
    #[error("the service exists already")]
    ServiceExists,
    /// A new destination that is there already.
    #[error("the destination exists already")]
    DestinationExists,
    /// A sync daemon of this role runs already.
    #[error("the sync daemon runs already")]
    DaemonRuns,
    /// No such service.
    #[error("no such service")]
    NoService,
    /// No such destination in the service.
    #[error("no such destination")]
    NoDestination,
    /// No sync daemon of this role runs.
    #[error("no such sync daemon runs")]
    NoDaemon,
    /// The kernel has no module for the scheduler or the persistence engine.
    #[error("no such scheduler or persistence engine")]
    NoScheduler,
    /// The interface of the sync daemon does not exist.
    #[error("no such interface")]
    NoInterface,
    /// A combination that the kernel refuses, for instance a destination of another family.
    #[error("the kernel refuses this combination")]
    Invalid,
    /// Weight or thresholds out of range.
    #[error("weight or threshold out of range")]
    OutOfRange,
    /// The kernel was built without this address family.
    #[error("address family not supported")]
    FamilyNotSupported,
    /// The answer does not fit a netlink message.
    #[error("message too big")]
    TooBig,
    /// Out of memory.
    #[error("the kernel is out of memory")]
    NoMemory,
    /// Answers were lost because the receive buffer was full.
    #[error("answers were lost, the receive buffer was full")]
    Overrun,
    /// Any other error number.
    #[error("errno {0}")]
    Other(i32),
}

impl KernelError {
    /// What an error number (positive) means as the answer to a command.
    #[must_use]
    pub fn of(command: Command, errno: i32) -> Self {
        let daemon = matches!(command, Command::NEW_DAEMON | Command::DEL_DAEMON);
        match errno {
            1 => Self::NotPermitted,
            2 => match command {
                Command::SET_DEST | Command::DEL_DEST => Self::NoDestination,
                Command::GET_FAMILY => Self::ModuleMissing,
                _ => Self::NoScheduler,
            },
            3 if daemon => Self::NoDaemon,
            3 => Self::NoService,
            12 => Self::NoMemory,
            17 if daemon => Self::DaemonRuns,
            17 if command == Command::NEW_DEST => Self::DestinationExists,
            17 => Self::ServiceExists,
            19 => Self::NoInterface,
            22 => Self::Invalid,
            34 => Self::OutOfRange,
            90 => Self::TooBig,
            97 => Self::FamilyNotSupported,
            105 => Self::Overrun,
            other => Self::Other(other),
        }
    }
}
