//! The Internet checksum.

/// What a checksum covers: what made a received one verify, or how to make the one to send.
///
/// There is a choice in VRRPv3 over IPv4 only. VRRPv2 is always [`MessageOnly`](Self::MessageOnly)
/// and IPv6 always [`PseudoHeader`](Self::PseudoHeader).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checksum {
    /// The VRRP message alone, as RFC 9568 5.2.8 has it for IPv4.
    MessageOnly,
    /// A pseudo header and the VRRP message: always so over IPv6, and the common reading of
    /// RFC 5798 5.2.8 over IPv4.
    PseudoHeader,
    /// As `PseudoHeader`, but with 224.0.0.18 for the destination although the packet went to a
    /// unicast address. Spoken by Keepalived up to 1.3.6.
    OldUnicast,
}
