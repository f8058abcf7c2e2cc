//! Errors that a caller or a peer can cause.

use thiserror::Error;

/// Why a text is no interface name.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// More than 15 bytes.
    #[error("interface name longer than 15 bytes")]
    TooLong,
    /// Empty, `.`, `..`, or with a slash, a colon, a percent sign or white space in it.
    #[error("not a possible interface name")]
    NotAllowed,
}

/// Why a received frame is no ARP packet for us: one variant per receive rule (ARP-10, RFC 826).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ArpError {
    /// Fewer octets than an Ethernet header and 28 octets of ARP.
    #[error("arp frame truncated")]
    Truncated,
    /// The frame carries another protocol.
    #[error("ethertype {0:#06x} is not arp")]
    EtherType(u16),
    /// Hardware type other than Ethernet (1).
    #[error("arp hardware type {0} is not ethernet")]
    HardwareType(u16),
    /// Protocol type other than IPv4 (0x0800).
    #[error("arp protocol type {0:#06x} is not ipv4")]
    ProtocolType(u16),
    /// Hardware address length other than 6.
    #[error("arp hardware address length {0} is not 6")]
    HardwareLength(u8),
    /// Protocol address length other than 4.
    #[error("arp protocol address length {0} is not 4")]
    ProtocolLength(u8),
    /// Operation other than request (1) and reply (2).
    #[error("arp operation {0} is neither request nor reply")]
    Operation(u16),
}

/// Why a received frame is no neighbour advertisement or solicitation to believe: one variant per
/// validation rule (ND-10, ND-11, RFC 4861 7.1.1 and 7.1.2).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NdError {
    /// Fewer octets than the headers, or than the IPv6 payload length says.
    #[error("neighbour discovery message truncated")]
    Truncated,
    /// The frame carries another protocol.
    #[error("ethertype {0:#06x} is not ipv6")]
    EtherType(u16),
    /// The IP version is not 6.
    #[error("ip version {0} is not 6")]
    Version(u8),
    /// The payload is not ICMPv6 (58).
    #[error("next header {0} is not icmpv6")]
    NextHeader(u8),
    /// The hop limit is not 255, so a router may have forwarded the packet.
    #[error("hop limit {0} is not 255")]
    HopLimit(u8),
    /// The ICMPv6 checksum does not verify.
    #[error("bad icmpv6 checksum")]
    Checksum,
    /// Neither a solicitation (135) nor an advertisement (136).
    #[error("icmpv6 type {0} is not neighbour discovery")]
    Type(u8),
    /// The ICMPv6 code is not 0.
    #[error("icmpv6 code {0} is not 0")]
    Code(u8),
    /// The target is a multicast address.
    #[error("target is a multicast address")]
    TargetMulticast,
    /// An advertisement to a multicast destination has the Solicited flag (ND-11).
    #[error("solicited advertisement to a multicast destination")]
    SolicitedMulticast,
    /// An option has length 0.
    #[error("option of length 0")]
    OptionLengthZero,
    /// An option is longer than what is left.
    #[error("option overruns the message")]
    OptionOverrun,
    /// A solicitation from the unspecified address carries a source link-layer option, or does
    /// not go to a solicited-node group (RFC 4861 7.1.1).
    #[error("solicitation from the unspecified address breaks its rules")]
    UnspecifiedSource,
}

/// Why a frame must not be sent.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// It shows another MAC than the virtual one for a virtual address (ARP-08, ND-07).
    #[error("physical mac address exposed for a virtual address")]
    PhysicalMacExposed,
    /// A neighbour advertisement without the target link-layer option moves no cache entry (ND-15).
    #[error("advertisement without target link-layer option")]
    MissingLinkLayerOption,
    /// The buffer is shorter than the frame.
    #[error("buffer too short, the frame needs {0} octets")]
    BufferTooShort(usize),
}
