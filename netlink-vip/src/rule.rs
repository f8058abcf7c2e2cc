//! Policy rules: what an owner wants, and what the kernel shows.

use crate::desired::Tag;
use crate::name::InterfaceName;
use crate::route::Prefix;

/// What a rule does with a packet that it matches.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleAction {
    /// Looks it up in this table; 0 with [`Rule::l3mdev`] is the table of the device.
    Lookup(u32),
    /// Goes on with the rule of this preference.
    Goto(u32),
    /// Nothing.
    Nop,
    /// Drops it in silence.
    Blackhole,
    /// Refuses it: unreachable.
    Unreachable,
    /// Refuses it: prohibited.
    Prohibit,
}

/// One policy rule.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// An IPv6 rule.
    pub ipv6: bool,
    /// Place in the order of rules.
    pub preference: u32,
    /// Matches what the selectors do not match.
    pub invert: bool,
    /// Source.
    pub from: Option<Prefix>,
    /// Destination.
    pub to: Option<Prefix>,
    /// Device it came in by, which need not exist.
    pub iif: Option<InterfaceName>,
    /// Device that the socket is bound to, which need not exist.
    pub oif: Option<InterfaceName>,
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
    /// Only packets of a layer 3 domain (VRF), looked up in its table.
    pub l3mdev: bool,
    /// Realms: source in the upper, destination in the lower half.
    pub realms: Option<u32>,
    /// Drops results with a prefix of this length or shorter.
    pub suppress_prefix_length: Option<u32>,
    /// Drops results over devices of this group.
    pub suppress_group: Option<u32>,
    /// What is done.
    pub action: RuleAction,
    /// Rule protocol; absent: our tag.
    pub protocol: Option<u8>,
    /// Losing it again and again is told to the owner as [`GaveUp`](crate::KernelEvent::GaveUp).
    pub tracked: bool,
}

impl Rule {
    /// A rule without selectors.
    #[must_use]
    pub const fn new(ipv6: bool, preference: u32, action: RuleAction) -> Self {
        Self {
            ipv6,
            preference,
            invert: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            tos: 0,
            mark: None,
            users: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            tunnel_id: None,
            l3mdev: false,
            realms: None,
            suppress_prefix_length: None,
            suppress_group: None,
            action,
            protocol: None,
            tracked: true,
        }
    }

    /// Whether the kernel would take the second for the first.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self == other || self.normal() == other.normal()
    }

    pub(crate) const fn place(&self) -> RulePlace {
        RulePlace {
            ipv6: self.ipv6,
            preference: self.preference,
        }
    }

    /// Without what the kernel knows nothing of, and with absence written in one way.
    pub(crate) fn normal(&self) -> Self {
        let some = |prefix: &Prefix| prefix.length > 0;
        Self {
            from: self.from.filter(some),
            to: self.to.filter(some),
            mark: self.mark.filter(|mark| *mark != (0, 0)),
            tunnel_id: self.tunnel_id.filter(|id| *id != 0),
            realms: self.realms.filter(|realms| *realms != 0),
            ip_protocol: self.ip_protocol.filter(|protocol| *protocol != 0),
            suppress_prefix_length: self.suppress_prefix_length.filter(|l| *l != u32::MAX),
            suppress_group: self.suppress_group.filter(|group| *group != u32::MAX),
            protocol: None,
            tracked: true,
            ..self.clone()
        }
    }
}

/// Rules of one family and preference stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RulePlace {
    pub(crate) ipv6: bool,
    pub(crate) preference: u32,
}

/// One rule in the kernel.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ObservedRule {
    /// The rule; its protocol is in [`protocol`](Self::protocol).
    pub rule: Rule,
    /// Rule protocol.
    pub protocol: u8,
    /// It bears our tag, or this process added it.
    pub ours: bool,
    /// What it was added for.
    pub(crate) wish: Option<Box<Rule>>,
}

impl PartialEq for ObservedRule {
    /// Whether it is the same kernel object.
    fn eq(&self, other: &Self) -> bool {
        self.rule == other.rule && self.protocol == other.protocol
    }
}

impl Eq for ObservedRule {}

impl ObservedRule {
    /// What the kernel shows once `rule` has been added.
    #[must_use]
    pub fn expected(rule: &Rule, tag: Tag) -> Self {
        Self {
            rule: rule.normal(),
            protocol: rule.protocol.unwrap_or(tag.0),
            ours: true,
            wish: None,
        }
    }

    /// Whether this is what was wanted.
    pub(crate) fn fits(&self, rule: &Rule) -> bool {
        if self.ours && self.wish.as_deref() == Some(rule) {
            return true;
        }
        let whose = match rule.protocol {
            Some(protocol) => self.protocol == protocol,
            None => self.ours,
        };
        whose && self.rule == rule.normal()
    }
}
