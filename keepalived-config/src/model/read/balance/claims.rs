//! Which service has which of the kernel's services: two cannot have one.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_proto::Family;

use crate::diagnostic::Diagnostics;
use crate::model::balance::{GroupEntry, Protocol, ServiceAddress, ServiceGroup, VirtualServer};
use crate::tree::Span;

/// Addresses that differ in nothing but themselves: protocol, IPv6, port.
type Space = (u8, bool, u16);

/// A service that has something.
#[derive(Clone, Copy, Debug)]
struct Owner {
    /// Counted; a block that was written once may have become several.
    number: usize,
    span: Span,
    /// One address or mark, not those of a group.
    single: bool,
}

/// What the services so far have.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// From the first address to the last, with whose they are; they do not overlap.
    addresses: BTreeMap<(Space, u128), (u128, Owner)>,
    marks: HashMap<(u32, Family), Owner>,
    /// Groups, by name and protocol.
    groups: HashMap<(String, u8), Span>,
    /// Services so far.
    count: usize,
}

/// What a service wanted and does not get.
#[derive(Debug, Default)]
struct Outcome {
    /// The first of what belongs to another, in words, and to whom.
    taken: Option<(String, Owner)>,
    /// There is more of this.
    more: bool,
    /// Something is its own.
    any: bool,
}

impl Claims {
    /// Whether the service stays. LVS-19: it does while something is its own.
    pub(super) fn admit(
        &mut self,
        service: &VirtualServer,
        groups: &[ServiceGroup],
        diagnostics: &mut Diagnostics,
    ) -> bool {
        let protocol = number(service.protocol);
        let single = !matches!(service.address, ServiceAddress::Group(_));
        self.count += 1;
        let owner = Owner {
            number: self.count,
            span: service.span,
            single,
        };
        let mut outcome = Outcome::default();
        match &service.address {
            ServiceAddress::Address { address, port } => {
                self.range((*address, *address), *port, protocol, owner, &mut outcome);
            }
            ServiceAddress::Mark(mark) => self.mark(*mark, service.family, owner, &mut outcome),
            ServiceAddress::Group(name) => {
                let key = (name.value.clone(), protocol);
                if let Some(first) = self.groups.get(&key) {
                    refuse(service.span, *first, diagnostics);
                    return false;
                }
                self.groups.insert(key, service.span);
                let group = groups.iter().find(|group| group.name.value == name.value);
                for entry in group.into_iter().flat_map(|group| &group.entries) {
                    match *entry {
                        GroupEntry::Addresses { first, last, port } => {
                            self.range((first, last), port, protocol, owner, &mut outcome);
                        }
                        GroupEntry::Mark(mark, family) => {
                            let family = family.unwrap_or(service.family);
                            self.mark(mark, family, owner, &mut outcome);
                        }
                    }
                }
            }
        }
        let Some((what, first)) = outcome.taken else {
            return true;
        };
        if single && first.single {
            refuse(service.span, first.span, diagnostics);
            return false;
        }
        let others = if outcome.more { ", and more" } else { "" };
        let rest = if outcome.any {
            "this one does without"
        } else {
            "nothing remains for this one, which is left out"
        };
        // An error would be more than Keepalived makes of it: its test mode says nothing.
        let message = format!("there is another service with {what}{others}");
        diagnostics
            .warning("duplicate-service", service.span, message)
            .help(format!(
                "the kernel has one list of servers for it: the first service keeps it, and {rest}"
            ))
            .note(first.span, "the other one is here");
        outcome.any
    }

    fn mark(&mut self, mark: u32, family: Family, owner: Owner, outcome: &mut Outcome) {
        let there = *self.marks.entry((mark, family)).or_insert(owner);
        if there.number == owner.number {
            outcome.any = true;
        } else {
            outcome.lost(there, || format!("fwmark {mark}"));
        }
    }

    /// Takes what is free of a range.
    fn range(
        &mut self,
        (first, last): (IpAddr, IpAddr),
        port: u16,
        protocol: u8,
        owner: Owner,
        outcome: &mut Outcome,
    ) {
        let space = (protocol, first.is_ipv6(), port);
        let last = bits(last);
        let mut next = Some(bits(first));
        while let Some(from) = next.filter(|from| *from <= last) {
            let before = self.addresses.range(..=(space, from)).next_back();
            let here = before
                .filter(|((there, _), (end, _))| *there == space && *end >= from)
                .map(|(_, taken)| *taken);
            if let Some((end, there)) = here {
                let end = end.min(last);
                if there.number == owner.number {
                    outcome.any = true;
                } else {
                    outcome.lost(there, || words(space, from, end));
                }
                next = end.checked_add(1);
                continue;
            }
            // Free up to the next one.
            let after = self.addresses.range((space, from)..=(space, last)).next();
            let end = after.map_or(last, |((_, start), _)| start.saturating_sub(1));
            self.addresses.insert((space, from), (end, owner));
            outcome.any = true;
            next = end.checked_add(1);
        }
    }
}

impl Outcome {
    fn lost(&mut self, there: Owner, words: impl FnOnce() -> String) {
        if self.taken.is_some() {
            self.more = true;
        } else {
            self.taken = Some((words(), there));
        }
    }
}

/// The same service once more.
fn refuse(span: Span, first: Span, diagnostics: &mut Diagnostics) {
    diagnostics
        .error(
            "duplicate-service",
            span,
            "there is another service with this address",
        )
        .help("the first one counts")
        .note(first, "the other one is here");
}

fn number(protocol: Option<Protocol>) -> u8 {
    match protocol {
        None => 0,
        Some(Protocol::Tcp) => 6,
        Some(Protocol::Udp) => 17,
        Some(Protocol::Sctp) => 132,
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn words((_, ipv6, port): Space, first: u128, last: u128) -> String {
    let address = |bits: u128| match u32::try_from(bits) {
        Ok(bits) if !ipv6 => IpAddr::V4(Ipv4Addr::from_bits(bits)),
        _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    };
    let (first, last) = (address(first), address(last));
    if first == last {
        format!("{first} {port}")
    } else {
        format!("{first}-{last} {port}")
    }
}
