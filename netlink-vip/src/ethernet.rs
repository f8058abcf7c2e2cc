//! Ethernet header, with an optional VLAN tag, shared by ARP and neighbour discovery.

use core::fmt;

/// All ones.
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];
pub(crate) const HEADER_LEN: usize = 14;
pub(crate) const TAG_LEN: usize = 4;
pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;

/// Addresses of an Ethernet frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ethernet {
    /// Destination MAC.
    pub destination: [u8; 6],
    /// Source MAC.
    pub source: [u8; 6],
    /// VLAN of a tag in the frame. Ordinarily `None`: a VLAN device tags by itself.
    pub vlan: Option<u16>,
}

impl Ethernet {
    /// An untagged frame.
    #[must_use]
    pub const fn new(destination: [u8; 6], source: [u8; 6]) -> Self {
        Self {
            destination,
            source,
            vlan: None,
        }
    }

    /// Octets of the header.
    pub(crate) const fn len(&self) -> usize {
        if self.vlan.is_some() {
            HEADER_LEN + TAG_LEN
        } else {
            HEADER_LEN
        }
    }

    /// Header, ethertype and payload.
    pub(crate) fn parse(frame: &[u8]) -> Option<(Self, u16, &[u8])> {
        let (destination, rest) = frame.split_first_chunk::<6>()?;
        let (source, rest) = rest.split_first_chunk::<6>()?;
        let (kind, rest) = rest.split_first_chunk::<2>()?;
        let mut header = Self::new(*destination, *source);
        let mut kind = u16::from_be_bytes(*kind);
        let mut payload = rest;
        if kind == VLAN {
            let (tag, rest) = rest.split_first_chunk::<2>()?;
            let (inner, rest) = rest.split_first_chunk::<2>()?;
            header.vlan = Some(u16::from_be_bytes(*tag) & 0x0fff);
            kind = u16::from_be_bytes(*inner);
            payload = rest;
        }
        Some((header, kind, payload))
    }

    pub(crate) fn emit(&self, kind: u16, out: &mut Writer<'_>) {
        out.put(&self.destination);
        out.put(&self.source);
        if let Some(vlan) = self.vlan {
            out.put(&VLAN.to_be_bytes());
            out.put(&(vlan & 0x0fff).to_be_bytes());
        }
        out.put(&kind.to_be_bytes());
    }
}

impl fmt::Debug for Ethernet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?} to {:02x?}", self.source, self.destination)?;
        self.vlan.map_or(Ok(()), |vlan| write!(f, " vlan {vlan}"))
    }
}

/// Writes one field after the other. What does not fit is dropped, so callers check the length
/// first.
pub(crate) struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let end = self.at.saturating_add(bytes.len());
        if let Some(room) = self.out.get_mut(self.at..end) {
            room.copy_from_slice(bytes);
        }
        self.at = end;
    }
}
