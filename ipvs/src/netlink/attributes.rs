//! The nests SERVICE, DEST and DAEMON, attribute by attribute, in the byte order of each
//! (IPVS-ENC-03: ports are in network order but for the multicast port of a sync daemon).

use netlink_packet_core::{
    DefaultNla, Emitable, NLA_F_NESTED, Nla, NlaBuffer, NlasIterator, Parseable,
};

use crate::counters::Counters;
use crate::error::DecodeError;

/// An attribute, its number and its octets.
pub(super) type Buffer<'a> = NlaBuffer<&'a [u8]>;

/// Every attribute of a message or nest, or the first error. `NLA_F_NESTED` and
/// `NLA_F_NET_BYTEORDER` are not part of a number (IPVS-DEC-02).
pub(super) fn parse_all<T>(
    octets: &[u8],
    mut parse: impl FnMut(&Buffer<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut all = Vec::new();
    for attribute in NlasIterator::new(octets) {
        let attribute = attribute.map_err(|_| DecodeError::Truncated)?;
        all.push(parse(&attribute)?);
    }
    Ok(all)
}

pub(super) fn array<const N: usize>(attribute: &Buffer<'_>) -> Result<[u8; N], DecodeError> {
    let value = attribute.value();
    value.try_into().map_err(|_| DecodeError::Length {
        attribute: attribute.kind(),
        length: value.len(),
    })
}

pub(super) fn u32_of(attribute: &Buffer<'_>) -> Result<u32, DecodeError> {
    array(attribute).map(u32::from_ne_bytes)
}

fn u16_of(attribute: &Buffer<'_>) -> Result<u16, DecodeError> {
    array(attribute).map(u16::from_ne_bytes)
}

fn port_of(attribute: &Buffer<'_>) -> Result<u16, DecodeError> {
    array(attribute).map(u16::from_be_bytes)
}

/// Up to 16 octets; what is missing is zero.
fn address_of(attribute: &Buffer<'_>) -> Result<[u8; 16], DecodeError> {
    let value = attribute.value();
    let mut octets = [0; 16];
    let room = octets.get_mut(..value.len());
    let room = room.ok_or_else(|| DecodeError::Length {
        attribute: attribute.kind(),
        length: value.len(),
    })?;
    room.copy_from_slice(value);
    Ok(octets)
}

/// A text up to its NUL.
fn text_of(attribute: &Buffer<'_>) -> String {
    let value = attribute.value();
    let text = value.split(|octet| *octet == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

fn other(attribute: &Buffer<'_>) -> Result<DefaultNla, DecodeError> {
    DefaultNla::parse(attribute).map_err(|_| DecodeError::Truncated)
}

/// Of 4 or of 8 octets: STATS has both, and 64-bit values may be aligned to 4 only. The filler in
/// front of them (11) and what we do not know is skipped.
fn counters_of(attribute: &Buffer<'_>) -> Result<Counters, DecodeError> {
    let mut counters = Counters::default();
    for number in NlasIterator::new(attribute.value()) {
        let number = number.map_err(|_| DecodeError::Truncated)?;
        let Some(field) = counters.field(number.kind()) else {
            continue;
        };
        *field = match number.value().len() {
            4 => u32_of(&number)?.into(),
            _ => array(&number).map(u64::from_ne_bytes)?,
        };
    }
    Ok(counters)
}

/// A number within STATS or STATS64.
struct Counter {
    attribute: u16,
    value: u64,
    wide: bool,
}

impl Nla for Counter {
    fn value_len(&self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn kind(&self) -> u16 {
        self.attribute
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        if self.wide {
            put(buffer, &self.value.to_ne_bytes());
        } else {
            // A 32-bit counter shows the low half: it wraps.
            let low = u32::try_from(self.value & u64::from(u32::MAX)).unwrap_or(u32::MAX);
            put(buffer, &low.to_ne_bytes());
        }
    }
}

/// The attributes of STATS (where octets are wide all the same) or of STATS64.
fn counters(counters: &Counters, all_wide: bool) -> Vec<Counter> {
    let values = counters.in_order();
    let numbered = (1_u16..).zip(values);
    let counters = numbered.map(|(attribute, value)| Counter {
        attribute,
        value,
        wide: all_wide || matches!(attribute, 4 | 5),
    });
    counters.collect()
}

fn put(buffer: &mut [u8], octets: &[u8]) {
    // `Emitable` hands over exactly `value_len` octets; anything else would be a bug of ours that
    // must not become a panic.
    for (to, from) in buffer.iter_mut().zip(octets) {
        *to = *from;
    }
}

/// What an attribute holds.
pub(super) enum Value<'a> {
    Octets(&'a [u8]),
    Byte(u8),
    Short([u8; 2]),
    Word([u8; 4]),
    Pair([u8; 4], [u8; 4]),
    Text(&'a str),
    Stats(&'a Counters, bool),
    Other(&'a DefaultNla),
}

impl Value<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Octets(octets) => octets.len(),
            Self::Byte(_) => 1,
            Self::Short(_) => 2,
            Self::Word(_) => 4,
            Self::Pair(..) => 8,
            Self::Text(text) => text.len().saturating_add(1),
            Self::Stats(values, wide) => counters(values, *wide).as_slice().buffer_len(),
            Self::Other(nla) => nla.value_len(),
        }
    }

    /// Appends the attribute of this number that holds it.
    pub(super) fn append_as(&self, kind: u16, out: &mut Vec<u8>) {
        match self {
            Self::Byte(octet) => append_small(kind, out, [*octet]),
            Self::Short(octets) => append_small(kind, out, *octets),
            Self::Word(octets) => append_small(kind, out, *octets),
            Self::Octets(octets) => append(kind, out, |out| out.extend_from_slice(octets)),
            Self::Pair(first, second) => append(kind, out, |out| {
                out.extend_from_slice(first);
                out.extend_from_slice(second);
            }),
            Self::Text(text) => append(kind, out, |out| {
                out.extend_from_slice(text.as_bytes());
                out.push(0);
            }),
            Self::Stats(..) | Self::Other(_) => append(kind, out, |out| {
                let start = out.len();
                out.resize(start.saturating_add(self.len()), 0);
                self.emit(out.get_mut(start..).unwrap_or_default());
            }),
        }
    }

    pub(super) fn emit(&self, buffer: &mut [u8]) {
        match self {
            Self::Octets(octets) => put(buffer, octets),
            Self::Byte(value) => put(buffer, &[*value]),
            Self::Short(octets) => put(buffer, octets),
            Self::Word(octets) => put(buffer, octets),
            Self::Pair(first, second) => {
                put(buffer, first);
                if let Some(rest) = buffer.get_mut(4..) {
                    put(rest, second);
                }
            }
            Self::Text(text) => {
                buffer.fill(0);
                put(buffer, text.as_bytes());
            }
            Self::Stats(values, wide) => counters(values, *wide).as_slice().emit(buffer),
            Self::Other(nla) => nla.emit_value(buffer),
        }
    }
}

/// Appends an attribute whose octets `value` appends. The trait of the netlink crates asks for the length
/// of each part again at each level, which is most of the work where thousands of servers are put in.
pub(super) fn append(kind: u16, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&kind.to_ne_bytes());
    value(out);
    let length = out.len().saturating_sub(start);
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes();
    put(out.get_mut(start..).unwrap_or_default(), &length);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The same for a value that fits into one word, as most do: in one piece.
fn append_small<const N: usize>(kind: u16, out: &mut Vec<u8>, value: [u8; N]) {
    const { assert!(N <= 4) };
    let length = u16::try_from(4 + N).unwrap_or(u16::MAX);
    let mut whole = [0; 8];
    put(&mut whole, &length.to_ne_bytes());
    put(whole.get_mut(2..).unwrap_or_default(), &kind.to_ne_bytes());
    put(whole.get_mut(4..).unwrap_or_default(), &value);
    out.extend_from_slice(&whole);
}

/// The same for several.
pub(super) trait AppendAll {
    /// Appends all of them.
    fn append_all(&self, out: &mut Vec<u8>);
}

/// Gives an enum of attributes the trait of the netlink crates.
macro_rules! nla {
    ($name:ty) => {
        impl AppendAll for [$name] {
            fn append_all(&self, out: &mut Vec<u8>) {
                for attribute in self {
                    let (kind, value) = attribute.value();
                    value.append_as(kind, out);
                }
            }
        }

        impl Nla for $name {
            fn value_len(&self) -> usize {
                self.value().1.len()
            }

            fn kind(&self) -> u16 {
                self.value().0
            }

            fn emit_value(&self, buffer: &mut [u8]) {
                self.value().1.emit(buffer);
            }
        }
    };
}

/// An attribute of SERVICE. Numbers are in host order here, whatever they are on the wire.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceAttribute {
    /// 1: address family.
    Family(u16),
    /// 2: IP protocol.
    Protocol(u16),
    /// 3: address, IPv4 in the first four octets.
    Address([u8; 16]),
    /// 4: port.
    Port(u16),
    /// 5: firewall mark.
    Mark(u32),
    /// 6: name of the scheduler.
    Scheduler(String),
    /// 7: flags, and which of them are meant.
    Flags {
        /// Their values.
        flags: u32,
        /// Those that change.
        mask: u32,
    },
    /// 8: seconds of persistence.
    Timeout(u32),
    /// 9: IPv4 mask in network order, or IPv6 prefix length in host order.
    Netmask([u8; 4]),
    /// 10: counters of 32 bits.
    Stats(Counters),
    /// 11: name of the persistence engine.
    Engine(String),
    /// 12: counters of 64 bits.
    Stats64(Counters),
    /// Any other.
    Other(DefaultNla),
}

impl ServiceAttribute {
    fn value(&self) -> (u16, Value<'_>) {
        match self {
            Self::Family(family) => (1, Value::Short(family.to_ne_bytes())),
            Self::Protocol(protocol) => (2, Value::Short(protocol.to_ne_bytes())),
            Self::Address(octets) => (3, Value::Octets(octets)),
            Self::Port(port) => (4, Value::Short(port.to_be_bytes())),
            Self::Mark(mark) => (5, Value::Word(mark.to_ne_bytes())),
            Self::Scheduler(name) => (6, Value::Text(name)),
            Self::Flags { flags, mask } => {
                (7, Value::Pair(flags.to_ne_bytes(), mask.to_ne_bytes()))
            }
            Self::Timeout(seconds) => (8, Value::Word(seconds.to_ne_bytes())),
            Self::Netmask(octets) => (9, Value::Word(*octets)),
            Self::Stats(counters) => (10 | NLA_F_NESTED, Value::Stats(counters, false)),
            Self::Engine(name) => (11, Value::Text(name)),
            Self::Stats64(counters) => (12 | NLA_F_NESTED, Value::Stats(counters, true)),
            Self::Other(nla) => (nla.kind(), Value::Other(nla)),
        }
    }

    pub(super) fn parse(attribute: &Buffer<'_>) -> Result<Self, DecodeError> {
        Ok(match attribute.kind() {
            1 => Self::Family(u16_of(attribute)?),
            2 => Self::Protocol(u16_of(attribute)?),
            3 => Self::Address(address_of(attribute)?),
            4 => Self::Port(port_of(attribute)?),
            5 => Self::Mark(u32_of(attribute)?),
            6 => Self::Scheduler(text_of(attribute)),
            7 => {
                let [a, b, c, d, e, f, g, h] = array(attribute)?;
                Self::Flags {
                    flags: u32::from_ne_bytes([a, b, c, d]),
                    mask: u32::from_ne_bytes([e, f, g, h]),
                }
            }
            8 => Self::Timeout(u32_of(attribute)?),
            9 => Self::Netmask(array(attribute)?),
            10 => Self::Stats(counters_of(attribute)?),
            11 => Self::Engine(text_of(attribute)),
            12 => Self::Stats64(counters_of(attribute)?),
            _ => Self::Other(other(attribute)?),
        })
    }
}

nla!(ServiceAttribute);

/// An attribute of DEST.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationAttribute {
    /// 1: address, IPv4 in the first four octets.
    Address([u8; 16]),
    /// 2: port.
    Port(u16),
    /// 3: forwarding method.
    Forward(u32),
    /// 4: weight.
    Weight(u32),
    /// 5: upper connection threshold.
    UpperThreshold(u32),
    /// 6: lower connection threshold.
    LowerThreshold(u32),
    /// 7: open connections.
    ActiveConnections(u32),
    /// 8: other connections.
    InactiveConnections(u32),
    /// 9: remembered clients.
    PersistentConnections(u32),
    /// 10: counters of 32 bits.
    Stats(Counters),
    /// 11: address family; 0 or absent is the one of the service.
    Family(u16),
    /// 12: counters of 64 bits.
    Stats64(Counters),
    /// 13: tunnel type.
    TunnelType(u8),
    /// 14: port of the tunnel.
    TunnelPort(u16),
    /// 15: flags of the tunnel.
    TunnelFlags(u16),
    /// Any other.
    Other(DefaultNla),
}

impl DestinationAttribute {
    fn value(&self) -> (u16, Value<'_>) {
        match self {
            Self::Address(octets) => (1, Value::Octets(octets)),
            Self::Port(port) => (2, Value::Short(port.to_be_bytes())),
            Self::Forward(method) => (3, Value::Word(method.to_ne_bytes())),
            Self::Weight(weight) => (4, Value::Word(weight.to_ne_bytes())),
            Self::UpperThreshold(number) => (5, Value::Word(number.to_ne_bytes())),
            Self::LowerThreshold(number) => (6, Value::Word(number.to_ne_bytes())),
            Self::ActiveConnections(number) => (7, Value::Word(number.to_ne_bytes())),
            Self::InactiveConnections(number) => (8, Value::Word(number.to_ne_bytes())),
            Self::PersistentConnections(number) => (9, Value::Word(number.to_ne_bytes())),
            Self::Stats(counters) => (10 | NLA_F_NESTED, Value::Stats(counters, false)),
            Self::Family(family) => (11, Value::Short(family.to_ne_bytes())),
            Self::Stats64(counters) => (12 | NLA_F_NESTED, Value::Stats(counters, true)),
            Self::TunnelType(kind) => (13, Value::Byte(*kind)),
            Self::TunnelPort(port) => (14, Value::Short(port.to_be_bytes())),
            Self::TunnelFlags(flags) => (15, Value::Short(flags.to_ne_bytes())),
            Self::Other(nla) => (nla.kind(), Value::Other(nla)),
        }
    }

    pub(super) fn parse(attribute: &Buffer<'_>) -> Result<Self, DecodeError> {
        Ok(match attribute.kind() {
            1 => Self::Address(address_of(attribute)?),
            2 => Self::Port(port_of(attribute)?),
            3 => Self::Forward(u32_of(attribute)?),
            4 => Self::Weight(u32_of(attribute)?),
            5 => Self::UpperThreshold(u32_of(attribute)?),
            6 => Self::LowerThreshold(u32_of(attribute)?),
            7 => Self::ActiveConnections(u32_of(attribute)?),
            8 => Self::InactiveConnections(u32_of(attribute)?),
            9 => Self::PersistentConnections(u32_of(attribute)?),
            10 => Self::Stats(counters_of(attribute)?),
            11 => Self::Family(u16_of(attribute)?),
            12 => Self::Stats64(counters_of(attribute)?),
            13 => Self::TunnelType(array::<1>(attribute).map(|[kind]| kind)?),
            14 => Self::TunnelPort(port_of(attribute)?),
            15 => Self::TunnelFlags(u16_of(attribute)?),
            _ => Self::Other(other(attribute)?),
        })
    }
}

nla!(DestinationAttribute);

/// An attribute of DAEMON.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaemonAttribute {
    /// 1: role.
    State(u32),
    /// 2: interface.
    Interface(String),
    /// 3: id.
    Id(u32),
    /// 4: longest message.
    MaxLength(u16),
    /// 5: IPv4 group.
    Group([u8; 4]),
    /// 6: IPv6 group.
    Group6([u8; 16]),
    /// 7: port, in host order on the wire too.
    Port(u16),
    /// 8: TTL.
    Ttl(u8),
    /// Any other.
    Other(DefaultNla),
}

impl DaemonAttribute {
    fn value(&self) -> (u16, Value<'_>) {
        match self {
            Self::State(role) => (1, Value::Word(role.to_ne_bytes())),
            Self::Interface(name) => (2, Value::Text(name)),
            Self::Id(id) => (3, Value::Word(id.to_ne_bytes())),
            Self::MaxLength(length) => (4, Value::Short(length.to_ne_bytes())),
            Self::Group(octets) => (5, Value::Octets(octets)),
            Self::Group6(octets) => (6, Value::Octets(octets)),
            Self::Port(port) => (7, Value::Short(port.to_ne_bytes())),
            Self::Ttl(ttl) => (8, Value::Byte(*ttl)),
            Self::Other(nla) => (nla.kind(), Value::Other(nla)),
        }
    }

    pub(super) fn parse(attribute: &Buffer<'_>) -> Result<Self, DecodeError> {
        Ok(match attribute.kind() {
            1 => Self::State(u32_of(attribute)?),
            2 => Self::Interface(text_of(attribute)),
            3 => Self::Id(u32_of(attribute)?),
            4 => Self::MaxLength(u16_of(attribute)?),
            5 => Self::Group(array(attribute)?),
            6 => Self::Group6(array(attribute)?),
            7 => Self::Port(u16_of(attribute)?),
            8 => Self::Ttl(array::<1>(attribute).map(|[ttl]| ttl)?),
            _ => Self::Other(other(attribute)?),
        })
    }
}

nla!(DaemonAttribute);
