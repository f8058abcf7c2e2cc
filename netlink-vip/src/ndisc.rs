//! Neighbour advertisements and solicitations (RFC 4861 4.3, 4.4) in Ethernet frames.
//!
//! ```text
//! offset  0 destination MAC   6 source MAC  12 ethertype 86dd
//!        14 IPv6: payload length at 18, next header 58 at 20, hop limit 255 at 21,
//!           source at 22, destination at 38
//!        54 type 135 or 136, code 0, checksum at 56, flags R S O at 58, target at 62
//!        78 options: type, length in units of 8 octets, MAC
//! ```

use std::net::Ipv6Addr;

use crate::error::{NdError, SendError};
use crate::ethernet::{self, Ethernet, Writer};

const IP_LEN: usize = 40;
/// Type, code, checksum, flags, target.
const MESSAGE_LEN: usize = 24;
const OPTION_LEN: usize = 8;
const ICMPV6: u8 = 58;
const HOP_LIMIT: u8 = 255;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const SOURCE_OPTION: u8 = 1;
const TARGET_OPTION: u8 = 2;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// All nodes on the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// What a frame says about its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The target is at the MAC in the option.
    Advertisement {
        /// The target is a router.
        router: bool,
        /// This answers a solicitation.
        solicited: bool,
        /// Replace what is cached.
        overrides: bool,
    },
    /// Where is the target? The option holds the MAC of whoever asks.
    Solicitation,
}

/// One neighbour discovery frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NdFrame {
    /// Ethernet header.
    pub ethernet: Ethernet,
    /// IPv6 source.
    pub source: Ipv6Addr,
    /// IPv6 destination.
    pub destination: Ipv6Addr,
    /// Advertisement or solicitation.
    pub kind: Kind,
    /// The address it is about.
    pub target: Ipv6Addr,
    /// Target link-layer option of an advertisement, source link-layer option of a solicitation.
    pub link_layer: Option<[u8; 6]>,
}

impl NdFrame {
    /// Unsolicited advertisement to all nodes: `address` is at `mac`. S is clear, O set, and the
    /// target link-layer option present (ND-01, ND-02, ND-04, RFC 9568 6.4.1, RFC 4861 7.2.6).
    #[must_use]
    pub fn announcement(mac: [u8; 6], address: Ipv6Addr, source: Ipv6Addr, router: bool) -> Self {
        Self {
            ethernet: Ethernet::new(multicast_mac(ALL_NODES), mac),
            source,
            destination: ALL_NODES,
            kind: Kind::Advertisement {
                router,
                solicited: false,
                overrides: true,
            },
            target: address,
            link_layer: Some(mac),
        }
    }

    /// The answer to this solicitation if it asks for `address`, which is at `mac` (ND-05). One
    /// from the unspecified address is answered to all nodes with S clear (RFC 4861 7.2.4).
    #[must_use]
    pub fn answer(&self, mac: [u8; 6], address: Ipv6Addr, router: bool) -> Option<Self> {
        if self.kind != Kind::Solicitation || self.target != address {
            return None;
        }
        let solicited = !self.source.is_unspecified();
        let (destination, destination_mac) = if solicited {
            (self.source, self.link_layer.unwrap_or(self.ethernet.source))
        } else {
            (ALL_NODES, multicast_mac(ALL_NODES))
        };
        Some(Self {
            ethernet: Ethernet {
                vlan: self.ethernet.vlan,
                ..Ethernet::new(destination_mac, mac)
            },
            source: address,
            destination,
            kind: Kind::Advertisement {
                router,
                solicited,
                overrides: true,
            },
            target: address,
            link_layer: Some(mac),
        })
    }

    /// Asks for `target` from a virtual address, with the virtual MAC in the option (ND-08).
    #[must_use]
    pub fn solicitation(mac: [u8; 6], source: Ipv6Addr, target: Ipv6Addr) -> Self {
        let destination = solicited_node(target);
        Self {
            ethernet: Ethernet::new(multicast_mac(destination), mac),
            source,
            destination,
            kind: Kind::Solicitation,
            target,
            link_layer: Some(mac),
        }
    }

    /// Reads a received frame (ND-10, ND-11, RFC 4861 7.1.1, 7.1.2). Octets beyond the IPv6
    /// payload length are padding.
    ///
    /// # Errors
    /// [`NdError`], one variant per rule.
    pub fn parse(frame: &[u8]) -> Result<Self, NdError> {
        let (ethernet, kind, packet) = Ethernet::parse(frame).ok_or(NdError::Truncated)?;
        if kind != ethernet::IPV6 {
            return Err(NdError::EtherType(kind));
        }
        let (ip, rest) = packet
            .split_first_chunk::<IP_LEN>()
            .ok_or(NdError::Truncated)?;
        let [v, _, _, _, l0, l1, next_header, hop_limit, addresses @ ..] = *ip;
        if v >> 4 != 6 {
            return Err(NdError::Version(v >> 4));
        }
        if next_header != ICMPV6 {
            return Err(NdError::NextHeader(next_header));
        }
        if hop_limit != HOP_LIMIT {
            return Err(NdError::HopLimit(hop_limit));
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let message = rest.get(..length).ok_or(NdError::Truncated)?;
        let (source, rest) = addresses.split_first_chunk().ok_or(NdError::Truncated)?;
        let destination = rest.first_chunk().ok_or(NdError::Truncated)?;
        let (source, destination) = (Ipv6Addr::from(*source), Ipv6Addr::from(*destination));
        Self::parse_message(ethernet, source, destination, message)
    }

    fn parse_message(
        ethernet: Ethernet,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        message: &[u8],
    ) -> Result<Self, NdError> {
        let (body, options) = message
            .split_first_chunk::<MESSAGE_LEN>()
            .ok_or(NdError::Truncated)?;
        let [kind, code, _, _, flags, _, _, _, target @ ..] = *body;
        if kind != SOLICITATION && kind != ADVERTISEMENT {
            return Err(NdError::Type(kind));
        }
        if checksum(source, destination, message) != 0 {
            return Err(NdError::Checksum);
        }
        if code != 0 {
            return Err(NdError::Code(code));
        }
        let target = Ipv6Addr::from(target);
        if target.is_multicast() {
            return Err(NdError::TargetMulticast);
        }
        let option = if kind == SOLICITATION {
            SOURCE_OPTION
        } else {
            TARGET_OPTION
        };
        let link_layer = link_layer_option(options, option)?;
        let kind = if kind == SOLICITATION {
            let stranger = source.is_unspecified();
            if stranger && (link_layer.is_some() || !is_solicited_node(destination)) {
                return Err(NdError::UnspecifiedSource);
            }
            Kind::Solicitation
        } else {
            let solicited = flags & SOLICITED != 0;
            if solicited && destination.is_multicast() {
                return Err(NdError::SolicitedMulticast);
            }
            Kind::Advertisement {
                router: flags & ROUTER != 0,
                solicited,
                overrides: flags & OVERRIDE != 0,
            }
        };
        Ok(Self {
            ethernet,
            source,
            destination,
            kind,
            target,
            link_layer,
        })
    }

    /// Octets of the frame.
    #[must_use]
    pub const fn buffer_len(&self) -> usize {
        self.ethernet.len() + IP_LEN + self.message_len()
    }

    const fn message_len(&self) -> usize {
        if self.link_layer.is_some() {
            MESSAGE_LEN + OPTION_LEN
        } else {
            MESSAGE_LEN
        }
    }

    /// Writes the frame and returns its length.
    ///
    /// # Errors
    /// [`SendError::BufferTooShort`].
    pub fn emit(&self, out: &mut [u8]) -> Result<usize, SendError> {
        let len = self.buffer_len();
        if out.len() < len {
            return Err(SendError::BufferTooShort(len));
        }
        let (kind, flags, option) = match self.kind {
            Kind::Solicitation => (SOLICITATION, 0, SOURCE_OPTION),
            Kind::Advertisement {
                router,
                solicited,
                overrides,
            } => {
                let bits = [
                    (router, ROUTER),
                    (solicited, SOLICITED),
                    (overrides, OVERRIDE),
                ];
                let set = bits.into_iter().filter_map(|(set, bit)| set.then_some(bit));
                (
                    ADVERTISEMENT,
                    set.fold(0, |flags, bit| flags | bit),
                    TARGET_OPTION,
                )
            }
        };
        let mut message = [0; MESSAGE_LEN + OPTION_LEN];
        let mut fields = Writer::new(&mut message);
        fields.put(&[kind, 0, 0, 0, flags, 0, 0, 0]);
        fields.put(&self.target.octets());
        if let Some(mac) = self.link_layer {
            fields.put(&[option, 1]);
            fields.put(&mac);
        }
        let length = self.message_len();
        let message = message.get_mut(..length).unwrap_or_default();
        let sum = checksum(self.source, self.destination, message).to_be_bytes();
        if let Some(field) = message.get_mut(2..4) {
            field.copy_from_slice(&sum);
        }
        let mut out = Writer::new(out);
        self.ethernet.emit(ethernet::IPV6, &mut out);
        out.put(&[0x60, 0, 0, 0]);
        out.put(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
        out.put(&[ICMPV6, HOP_LIMIT]);
        out.put(&self.source.octets());
        out.put(&self.destination.octets());
        out.put(message);
        Ok(len)
    }

    /// Checks that a frame about a virtual address shows no other MAC than the virtual one, and
    /// that an advertisement carries the target link-layer option (ND-07, ND-15).
    ///
    /// # Errors
    /// [`SendError::MissingLinkLayerOption`], [`SendError::PhysicalMacExposed`].
    pub fn check_send(&self, virtual_mac: [u8; 6]) -> Result<(), SendError> {
        let Some(mac) = self.link_layer else {
            return Err(SendError::MissingLinkLayerOption);
        };
        if mac == virtual_mac && self.ethernet.source == virtual_mac {
            Ok(())
        } else {
            Err(SendError::PhysicalMacExposed)
        }
    }
}

/// Walks all options, because a bad one anywhere voids the message, and returns the MAC of the
/// first of this type.
fn link_layer_option(mut options: &[u8], wanted: u8) -> Result<Option<[u8; 6]>, NdError> {
    let mut found = None;
    while let Some((kind, rest)) = options.split_first() {
        // A type without a length.
        let units = *rest.first().ok_or(NdError::OptionOverrun)?;
        if units == 0 {
            return Err(NdError::OptionLengthZero);
        }
        let length = usize::from(units).saturating_mul(OPTION_LEN);
        let (option, next) = options
            .split_at_checked(length)
            .ok_or(NdError::OptionOverrun)?;
        if *kind == wanted && found.is_none() {
            found = option
                .get(2..)
                .and_then(|mac| mac.first_chunk::<6>())
                .copied();
        }
        options = next;
    }
    Ok(found)
}

/// The group that whoever has `address` listens to: ff02::1:ff and its last three octets (ND-01).
#[must_use]
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

fn is_solicited_node(address: Ipv6Addr) -> bool {
    solicited_node(address) == address
}

/// 33:33 and the last four octets of the group (RFC 2464 7).
fn multicast_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// ICMPv6 checksum with pseudo-header (RFC 4443 2.3): what to put in a field that is zero; 0 if the
/// field is right already.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let words = |bytes: &[u8]| -> u32 {
        let pair = |pair: &[u8]| match *pair {
            [high, low] => u32::from(u16::from_be_bytes([high, low])),
            [high] => u32::from(u16::from_be_bytes([high, 0])),
            _ => 0,
        };
        bytes.chunks(2).map(pair).sum()
    };
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut sum = words(&source.octets())
        .wrapping_add(words(&destination.octets()))
        .wrapping_add(words(&length.to_be_bytes()))
        .wrapping_add(u32::from(ICMPV6))
        .wrapping_add(words(message));
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}
