//! Policy rules.

use super::route::Prefix;
use super::spanned::Spanned;
use crate::tree::Span;

/// A rule of `virtual_rules` or `static_rules`. Numbers are those of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// An IPv6 rule.
    pub ipv6: bool,
    /// Place in the order of rules: as written, or given by the daemon.
    pub preference: u32,
    /// Matches what the selectors do not match.
    pub invert: bool,
    /// Source.
    pub from: Option<Prefix>,
    /// Destination.
    pub to: Option<Prefix>,
    /// Interface that packets come in by.
    pub iif: Option<String>,
    /// Interface that the socket is bound to.
    pub oif: Option<String>,
    /// Type of service.
    pub tos: u8,
    /// Mark and mask.
    pub mark: Option<(u32, u32)>,
    /// Users, both ends included.
    pub users: Option<(u32, u32)>,
    /// IP protocol.
    pub ip_protocol: Option<u8>,
    /// Source ports, both ends included.
    pub source_ports: Option<(u16, u16)>,
    /// Destination ports, both ends included.
    pub destination_ports: Option<(u16, u16)>,
    /// Tunnel key.
    pub tunnel_id: Option<u64>,
    /// Realms: source and destination.
    pub realms: Option<(u16, u16)>,
    /// Results with a prefix of this length or shorter do not count.
    pub suppress_prefix_length: Option<u32>,
    /// Results over interfaces of this group do not count.
    pub suppress_group: Option<u32>,
    /// What it does.
    pub action: RuleAction,
    /// Rule protocol; absent: the daemon's own, by which it knows its rules.
    pub protocol: Option<u8>,
    /// Its loss has no consequence.
    pub no_track: bool,
    /// Instances that its loss faults (static rules only).
    pub track_group: Option<Spanned<String>>,
    /// The whole entry.
    pub span: Span,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// Looks the packet up in this table.
    Table(u32),
    /// In the table of the layer 3 domain.
    L3mdev,
    /// Goes on with the rule of this preference.
    Goto(u32),
    /// Nothing.
    Nop,
    /// Drops.
    Blackhole,
    /// Refuses.
    Unreachable,
    /// Refuses.
    Prohibit,
}
