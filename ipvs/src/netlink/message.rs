//! A whole message of the family, for the types of the rust-netlink crates.

use netlink_packet_core::{
    DecodeError as CoreError, DefaultNla, Emitable, NLA_F_NESTED, Nla, NlaBuffer, Parseable,
    ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::attributes::{
    AppendAll, Buffer, DaemonAttribute, DestinationAttribute, ServiceAttribute, Value, append,
    parse_all, u32_of,
};
use crate::error::DecodeError;

/// A command of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Command(pub u8);

#[allow(missing_docs, reason = "the names of the kernel say it")]
impl Command {
    pub const NEW_SERVICE: Self = Self(1);
    pub const SET_SERVICE: Self = Self(2);
    pub const DEL_SERVICE: Self = Self(3);
    pub const GET_SERVICE: Self = Self(4);
    pub const NEW_DEST: Self = Self(5);
    pub const SET_DEST: Self = Self(6);
    pub const DEL_DEST: Self = Self(7);
    pub const GET_DEST: Self = Self(8);
    pub const NEW_DAEMON: Self = Self(9);
    pub const DEL_DAEMON: Self = Self(10);
    pub const GET_DAEMON: Self = Self(11);
    pub const SET_CONFIG: Self = Self(12);
    pub const GET_CONFIG: Self = Self(13);
    pub const SET_INFO: Self = Self(14);
    pub const GET_INFO: Self = Self(15);
    pub const ZERO: Self = Self(16);
    pub const FLUSH: Self = Self(17);
    /// Not of this family: asking the controller for its number.
    pub const GET_FAMILY: Self = Self(0);
}

/// An attribute at the top of a message.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// 1: a service.
    Service(Vec<ServiceAttribute>),
    /// 2: a destination.
    Destination(Vec<DestinationAttribute>),
    /// 3: a sync daemon.
    Daemon(Vec<DaemonAttribute>),
    /// 4: seconds.
    TimeoutTcp(u32),
    /// 5: seconds.
    TimeoutTcpFin(u32),
    /// 6: seconds.
    TimeoutUdp(u32),
    /// 1 in the answer to GET_INFO: version as 0x00MMmmpp.
    Version(u32),
    /// 2 in the answer to GET_INFO: number of hash buckets.
    TableSize(u32),
    /// Any other.
    Other(DefaultNla),
}

impl Attribute {
    fn nest_len(&self) -> Option<usize> {
        Some(match self {
            Self::Service(nest) => nest.as_slice().buffer_len(),
            Self::Destination(nest) => nest.as_slice().buffer_len(),
            Self::Daemon(nest) => nest.as_slice().buffer_len(),
            _ => return None,
        })
    }

    fn append(&self, out: &mut Vec<u8>) {
        let (kind, value) = self.value();
        match self {
            Self::Service(nest) => append(kind, out, |out| nest.append_all(out)),
            Self::Destination(nest) => append(kind, out, |out| nest.append_all(out)),
            Self::Daemon(nest) => append(kind, out, |out| nest.append_all(out)),
            _ => value.append_as(kind, out),
        }
    }

    fn value(&self) -> (u16, Value<'_>) {
        match self {
            Self::Service(_) => (1 | NLA_F_NESTED, Value::Octets(&[])),
            Self::Destination(_) => (2 | NLA_F_NESTED, Value::Octets(&[])),
            Self::Daemon(_) => (3 | NLA_F_NESTED, Value::Octets(&[])),
            Self::TimeoutTcp(seconds) => (4, Value::Word(seconds.to_ne_bytes())),
            Self::TimeoutTcpFin(seconds) => (5, Value::Word(seconds.to_ne_bytes())),
            Self::TimeoutUdp(seconds) => (6, Value::Word(seconds.to_ne_bytes())),
            Self::Version(version) => (1, Value::Word(version.to_ne_bytes())),
            Self::TableSize(size) => (2, Value::Word(size.to_ne_bytes())),
            Self::Other(nla) => (nla.kind(), Value::Other(nla)),
        }
    }

    fn parse(command: Command, attribute: &Buffer<'_>) -> Result<Self, DecodeError> {
        let info = command == Command::SET_INFO;
        let nest = attribute.value();
        Ok(match attribute.kind() {
            // The answer to GET_INFO counts its attributes anew.
            1 if info => Self::Version(u32_of(attribute)?),
            2 if info => Self::TableSize(u32_of(attribute)?),
            1 => Self::Service(parse_all(nest, ServiceAttribute::parse)?),
            2 => Self::Destination(parse_all(nest, DestinationAttribute::parse)?),
            3 => Self::Daemon(parse_all(nest, DaemonAttribute::parse)?),
            4 => Self::TimeoutTcp(u32_of(attribute)?),
            5 => Self::TimeoutTcpFin(u32_of(attribute)?),
            6 => Self::TimeoutUdp(u32_of(attribute)?),
            _ => {
                let nla = DefaultNla::parse(attribute).map_err(|_| DecodeError::Truncated)?;
                Self::Other(nla)
            }
        })
    }
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        self.nest_len().unwrap_or_else(|| self.value().1.len())
    }

    fn kind(&self) -> u16 {
        self.value().0
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self {
            Self::Service(nest) => nest.as_slice().emit(buffer),
            Self::Destination(nest) => nest.as_slice().emit(buffer),
            Self::Daemon(nest) => nest.as_slice().emit(buffer),
            _ => self.value().1.emit(buffer),
        }
    }
}

/// A message as it is on the wire, after the two headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it asks for or answers.
    pub command: Command,
    /// What with.
    pub attributes: Vec<Attribute>,
}

impl Message {
    /// A message without attributes.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self {
            command,
            attributes: Vec::new(),
        }
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn with(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Reads what follows the generic-netlink header.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn parse(command: Command, octets: &[u8]) -> Result<Self, DecodeError> {
        let parse = |attribute: &NlaBuffer<&[u8]>| Attribute::parse(command, attribute);
        let attributes = parse_all(octets, parse)?;
        Ok(Self {
            command,
            attributes,
        })
    }

    /// Appends the attributes, as they follow the generic-netlink header.
    pub(super) fn append(&self, out: &mut Vec<u8>) {
        for attribute in &self.attributes {
            attribute.append(out);
        }
    }

    /// The attributes of the service, if there is one.
    #[must_use]
    pub fn service(&self) -> Option<&[ServiceAttribute]> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Service(nest) => Some(nest.as_slice()),
                _ => None,
            })
    }

    /// The attributes of the destination, if there is one.
    #[must_use]
    pub fn destination(&self) -> Option<&[DestinationAttribute]> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Destination(nest) => Some(nest.as_slice()),
                _ => None,
            })
    }

    /// The attributes of the sync daemon, if there is one.
    #[must_use]
    pub fn daemon(&self) -> Option<&[DaemonAttribute]> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Daemon(nest) => Some(nest.as_slice()),
                _ => None,
            })
    }
}

impl GenlFamily for Message {
    fn family_name() -> &'static str {
        "IPVS"
    }

    fn command(&self) -> u8 {
        self.command.0
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Message {
    fn buffer_len(&self) -> usize {
        self.attributes.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Message {
    fn parse_with_param(octets: &[u8], header: GenlHeader) -> Result<Self, CoreError> {
        Self::parse(Command(header.cmd), octets).map_err(|error| error.to_string().into())
    }
}
