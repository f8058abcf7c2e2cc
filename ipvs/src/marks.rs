//! One service for many addresses: packets to them are marked by nftables, and the service is that of
//! the mark. Here is the text for `nft -f` that makes the marks, one table for each family.
//!
//! The packets are marked in the `input` hook, which is before IPVS takes them there, and after
//! fragments have been put together, so that each of them has its ports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use crate::service::{Family, Protocol, ServiceKey};

/// Addresses from the first to the last, both included, with one protocol and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// TCP, UDP or SCTP: for others there is no mark.
    pub protocol: Protocol,
    /// First.
    pub first: IpAddr,
    /// Last, of the same family and not before the first.
    pub last: IpAddr,
    /// Port; 0 for all ports, but for those that somebody else has.
    pub port: u16,
}

impl AddressRange {
    /// Whether these are packets to an address in it, of whatever port if it is for all.
    #[must_use]
    pub fn contains(&self, key: &ServiceKey) -> bool {
        let ServiceKey::Address {
            protocol,
            address,
            port,
        } = *key
        else {
            return false;
        };
        let within = self.first <= address && address <= self.last;
        let family = Family::of(self.first) == Family::of(address);
        let port = self.port == 0 || self.port == port;
        protocol == self.protocol && family && within && port
    }

    /// The keys as ranges, as few as there can be. Marks are left out.
    #[must_use]
    pub fn of(keys: impl IntoIterator<Item = ServiceKey>) -> Vec<Self> {
        let mut all: Vec<Self> = keys.into_iter().filter_map(Self::single).collect();
        all.sort_unstable_by_key(|one| (one.protocol, one.port, one.first));
        let mut ranges: Vec<Self> = Vec::new();
        for one in all {
            match ranges.last_mut() {
                Some(last) if last.goes_on_with(&one) => last.last = one.last,
                _ => ranges.push(one),
            }
        }
        ranges
    }

    fn single(key: ServiceKey) -> Option<Self> {
        match key {
            ServiceKey::Address {
                protocol,
                address,
                port,
            } => Some(Self {
                protocol,
                first: address,
                last: address,
                port,
            }),
            ServiceKey::Mark { .. } => None,
        }
    }

    fn goes_on_with(&self, next: &Self) -> bool {
        let adjacent = next.first == self.last || after(self.last) == Some(next.first);
        (self.protocol, self.port) == (next.protocol, next.port) && adjacent
    }

    /// As nft writes it.
    fn addresses(&self) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}-{}", self.first, self.last)
        }
    }
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => {
            let next = address.to_bits().checked_add(1)?;
            Some(Ipv4Addr::from_bits(next).into())
        }
        IpAddr::V6(address) => {
            let next = address.to_bits().checked_add(1)?;
            Some(Ipv6Addr::from_bits(next).into())
        }
    }
}

/// Which packets get which mark, and how that is written.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Name of the tables.
    pub table: String,
    /// Priority of the chains in the `input` hook; IPVS has 98 and 99 there, so theirs has to be lower.
    pub priority: i32,
    /// Count what is marked.
    pub counters: bool,
    /// Name of an empty chain in each table, by which a later run knows them for its own.
    pub owner: String,
    /// The marks. Ranges of one protocol and port do not overlap.
    pub ranges: BTreeMap<AddressRange, NonZeroU32>,
    /// Services of their own on one port of an address whose other ports are marked: left alone.
    pub spared: BTreeSet<ServiceKey>,
}

/// What stands in a table: name of the map or set, and its elements.
type Shelves = BTreeMap<(Protocol, Shelf), BTreeSet<String>>;

/// In the order in which packets are compared with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shelf {
    Spared,
    Port,
    AllPorts,
}

const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

impl Marks {
    /// No marks yet, in tables of this name.
    #[must_use]
    pub fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            priority: -1,
            counters: false,
            owner: "keepalived_rs".to_owned(),
            ranges: BTreeMap::new(),
            spared: BTreeSet::new(),
        }
    }

    /// Whether nothing is to be marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// IPVS-OPS-09: one transaction that makes the tables what they are to be, whatever is there under their name.
    #[must_use]
    pub fn transaction(&self) -> String {
        let mut out = String::new();
        for family in self.families() {
            self.remove(family, &mut out);
        }
        for family in self.families() {
            self.write_table(family, &self.shelves(family), &mut out);
        }
        out
    }

    /// The tables in which there is something. Those of this name in the other family are nobody's business
    /// of ours.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let ranges = self.ranges.keys().map(|range| range.first);
        let spared = self.spared.iter().filter_map(|key| match key {
            ServiceKey::Address { address, .. } => Some(*address),
            ServiceKey::Mark { .. } => None,
        });
        let addresses = ranges.chain(spared);
        let has = |family: &Family| {
            addresses
                .clone()
                .any(|address| Family::of(address) == *family)
        };
        FAMILIES.into_iter().filter(has).collect()
    }

    /// One transaction from `before`, which is in force, to this. Where the tables have the same form,
    /// only elements come and go, and what was counted stays.
    #[must_use]
    pub fn change(&self, before: &Self) -> String {
        let mut out = String::new();
        let same = |of: &Self| (of.table.clone(), of.priority, of.counters, of.owner.clone());
        if same(before) != same(self) {
            let stays = match before.table == self.table {
                true => self.families(),
                false => Vec::new(),
            };
            for family in before.families() {
                if !stays.contains(&family) {
                    before.remove(family, &mut out);
                }
            }
            return out + &self.transaction();
        }
        for family in FAMILIES {
            let (old, new) = (before.shelves(family), self.shelves(family));
            if old == new {
                continue;
            }
            if old.keys().ne(new.keys()) {
                self.remove(family, &mut out);
                self.write_table(family, &new, &mut out);
                continue;
            }
            let pairs = || old.iter().zip(new.values());
            for ((shelf, old), new) in pairs() {
                self.elements("delete", family, *shelf, old.difference(new), &mut out);
            }
            for ((shelf, old), new) in pairs() {
                self.elements("add", family, *shelf, new.difference(old), &mut out);
            }
        }
        out
    }

    fn remove(&self, family: Family, out: &mut String) {
        // To delete what is not there would fail the transaction.
        let (family, table) = (word(family), &self.table);
        let _ = writeln!(
            out,
            "add table {family} {table}\ndelete table {family} {table}"
        );
    }

    fn shelves(&self, family: Family) -> Shelves {
        let mut shelves = Shelves::new();
        let ranges = self.ranges.iter();
        for (range, mark) in ranges.filter(|(range, _)| Family::of(range.first) == family) {
            let addresses = range.addresses();
            let (shelf, element) = match range.port {
                0 => (Shelf::AllPorts, format!("{addresses} : {mark}")),
                port => (Shelf::Port, format!("{addresses} . {port} : {mark}")),
            };
            let shelf = shelves.entry((range.protocol, shelf)).or_default();
            shelf.insert(element);
        }
        for key in &self.spared {
            if let ServiceKey::Address {
                protocol,
                address,
                port,
            } = key
                && Family::of(*address) == family
            {
                let shelf = shelves.entry((*protocol, Shelf::Spared)).or_default();
                shelf.insert(format!("{address} . {port}"));
            }
        }
        shelves
    }

    fn elements<'a>(
        &self,
        verb: &str,
        family: Family,
        (protocol, shelf): (Protocol, Shelf),
        elements: impl Iterator<Item = &'a String>,
        out: &mut String,
    ) {
        let elements: Vec<&str> = elements.map(String::as_str).collect();
        if !elements.is_empty() {
            let (family, table, name) = (word(family), &self.table, shelf.name(protocol));
            let elements = elements.join(", ");
            let _ = writeln!(
                out,
                "{verb} element {family} {table} {name} {{ {elements} }}"
            );
        }
    }

    fn write_table(&self, family: Family, shelves: &Shelves, out: &mut String) {
        if shelves.is_empty() {
            return;
        }
        let address = match family {
            Family::Ipv4 => "ipv4_addr",
            Family::Ipv6 => "ipv6_addr",
        };
        let (family, count) = (word(family), if self.counters { "counter " } else { "" });
        let _ = writeln!(out, "table {family} {} {{", self.table);
        let mut rules = String::new();
        for ((protocol, shelf), elements) in shelves {
            let name = shelf.name(*protocol);
            let (kind, rule) = match shelf {
                Shelf::Spared => (
                    format!("set {name} {{\ntype {address} . inet_service;\n"),
                    format!("{family} daddr . {protocol} dport @{name} return"),
                ),
                Shelf::Port => (
                    format!(
                        "map {name} {{\ntype {address} . inet_service : mark;\nflags interval;\n"
                    ),
                    format!(
                        "meta mark set {family} daddr . {protocol} dport map @{name} {count}return"
                    ),
                ),
                Shelf::AllPorts => (
                    format!("map {name} {{\ntype {address} : mark;\nflags interval;\n"),
                    format!(
                        "meta l4proto {protocol} meta mark set {family} daddr map @{name} {count}return"
                    ),
                ),
            };
            let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
            let elements = elements.join(", ");
            let _ = writeln!(out, "{kind}elements = {{ {elements} }};\n}}");
            let _ = writeln!(rules, "{rule}");
        }
        let (owner, priority) = (&self.owner, self.priority);
        let _ = writeln!(
            out,
            "chain {owner} {{\n}}\nchain in {{\ntype filter hook input priority {priority}; policy accept;\n{rules}}}\n}}"
        );
    }
}

impl Shelf {
    fn name(self, protocol: Protocol) -> String {
        match self {
            Self::Spared => format!("{protocol}_spared"),
            Self::Port => format!("{protocol}_map"),
            Self::AllPorts => format!("{protocol}_all"),
        }
    }
}

const fn word(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ip6",
    }
}
