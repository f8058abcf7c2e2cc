//! The packet filter rules that virtual routers need, as one nftables table per family.
//!
//! Two purposes: membership reports and router solicitations must not leave by a device with a
//! virtual MAC address, or switches would learn that address where the Backup is; and traffic to
//! addresses of a router that does not accept it is dropped. Written as text for `nft -f`, in one
//! transaction that replaces whatever was there under this name.
//!
//! The rules follow from the configuration and from which interfaces there are, not from who is
//! Active: dropping traffic to an address that is not here changes nothing, and there is no moment
//! in which an address is here and its rule is not.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::name::InterfaceName;
use crate::nftables::{Family, removal};

/// Rules, and how they are written.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    /// Name of the tables.
    pub table: String,
    /// Priority of the base chains; lower ones come first, 0 is that of `filter`.
    pub priority: i32,
    /// Count what rules match.
    pub counters: bool,
    /// Link-local addresses are matched with the index of their interface instead of its name.
    pub by_index: bool,
    /// Devices with virtual MAC addresses.
    pub vmacs: Vec<FirewallVmac>,
    /// Addresses that accept no traffic.
    pub refused: Vec<Refused>,
    /// Name of an empty chain in each table, by which a later run knows them for its own.
    pub mark: String,
}

/// A device with a virtual MAC address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirewallVmac {
    /// Its index.
    pub index: u32,
    /// Index of the interface below.
    pub parent: u32,
    /// It carries IPv4.
    pub ipv4: bool,
    /// It carries IPv6.
    pub ipv6: bool,
}

/// An address that accepts no traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The address.
    pub address: IpAddr,
    /// The interface it is on; matters for link-local addresses.
    pub device: InterfaceName,
    /// Index of that interface, if there is one.
    pub index: Option<u32>,
}

impl Firewall {
    /// No rules yet.
    #[must_use]
    pub fn new(table: &str) -> Self {
        Self {
            table: table.to_owned(),
            priority: -1,
            counters: false,
            by_index: false,
            vmacs: Vec::new(),
            refused: Vec::new(),
            mark: "keepalived_rs".to_owned(),
        }
    }

    /// Whether there is no rule to set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.vmacs.is_empty() && self.refused.is_empty()
    }

    /// The tables in which there is something. Those of this name in the other family are nobody's business
    /// of ours.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let addresses = self
            .refused
            .iter()
            .filter(|refused| self.can_refuse(refused));
        let has = |family: &Family| match family {
            Family::Ip => {
                self.vmacs.iter().any(|vmac| vmac.ipv4)
                    || addresses.clone().any(|refused| refused.address.is_ipv4())
            }
            Family::Ip6 => {
                self.vmacs.iter().any(|vmac| vmac.ipv6)
                    || addresses.clone().any(|refused| refused.address.is_ipv6())
            }
        };
        Family::ALL.into_iter().filter(has).collect()
    }

    /// A link-local address is matched with an interface, which has an index once it is there.
    fn can_refuse(&self, refused: &Refused) -> bool {
        let local = match refused.address {
            IpAddr::V6(address) => address.is_unicast_link_local(),
            IpAddr::V4(_) => false,
        };
        !local || !self.by_index || refused.index.is_some()
    }

    /// One transaction that makes the tables what they are to be. VRRP-HOST-08, FW-01.
    #[must_use]
    pub fn transaction(&self) -> String {
        let mut out = String::new();
        for family in self.families() {
            out.push_str(&removal(family, &self.table));
        }
        self.ipv4(&mut out);
        self.ipv6(&mut out);
        out
    }

    /// One transaction from `before`, which is in force, to this; nothing if they are the same.
    #[must_use]
    pub fn change(&self, before: &Self) -> String {
        if self == before {
            return String::new();
        }
        let mut out = String::new();
        let stays = match self.table == before.table {
            true => self.families(),
            false => Vec::new(),
        };
        for family in before.families() {
            if !stays.contains(&family) {
                out.push_str(&removal(family, &before.table));
            }
        }
        out + &self.transaction()
    }

    fn ipv4(&self, out: &mut String) {
        let map = elements(
            self.vmacs
                .iter()
                .filter(|vmac| vmac.ipv4)
                .map(|vmac| format!("{} : {}", vmac.index, vmac.parent)),
        );
        let vips = elements(
            self.refused
                .iter()
                .filter(|refused| refused.address.is_ipv4())
                .map(|refused| refused.address.to_string()),
        );
        if map.is_none() && vips.is_none() {
            return;
        }
        let count = self.count();
        let _ = writeln!(out, "table ip {} {{", self.table);
        let mut outward = String::new();
        if let Some(map) = &map {
            named(out, "map vmac_map", "iface_index : iface_index", map);
            let _ = writeln!(
                outward,
                "ip protocol igmp meta oifkind \"macvlan\" \
                 dup to ip daddr device oif map @vmac_map {count}drop"
            );
        }
        let mut inward = None;
        if let Some(vips) = &vips {
            named(out, "set vips", "ipv4_addr", vips);
            let _ = writeln!(outward, "ip saddr @vips {count}drop");
            inward = Some(format!("ip daddr @vips {count}drop\n"));
        }
        self.chains(out, &outward, inward.as_deref());
        out.push_str("}\n");
    }

    /// The table for IPv6; neighbour discovery passes. VRRP-HOST-09, VMAC-08.
    fn ipv6(&self, out: &mut String) {
        let vmacs = || self.vmacs.iter().filter(|vmac| vmac.ipv6);
        let map = elements(vmacs().map(|vmac| format!("{} : {}", vmac.index, vmac.parent)));
        let set = elements(vmacs().map(|vmac| vmac.index.to_string()));
        let v6 = || {
            self.refused
                .iter()
                .filter_map(|refused| match refused.address {
                    IpAddr::V6(address) => Some((address, refused)),
                    IpAddr::V4(_) => None,
                })
        };
        let link_local = v6().filter(|(address, _)| address.is_unicast_link_local());
        let local = elements(link_local.filter_map(|(address, refused)| {
            Some(if self.by_index {
                format!("{address} . {}", refused.index?)
            } else {
                format!("{address} . \"{}\"", refused.device)
            })
        }));
        let global = v6().filter(|(address, _)| !address.is_unicast_link_local());
        let global = elements(global.map(|(address, _)| address.to_string()));
        let refuses = local.is_some() || global.is_some();
        if map.is_none() && !refuses {
            return;
        }
        let count = self.count();
        let _ = writeln!(out, "table ip6 {} {{", self.table);
        let mut outward = String::new();
        if let Some((map, set)) = map.zip(set) {
            named(out, "map vmac_map", "iface_index : iface_index", &map);
            named(out, "set vmac_set", "iface_index", &set);
            let _ = writeln!(
                outward,
                "icmpv6 type mld2-listener-report meta oifkind \"macvlan\" \
                 dup to ip6 daddr device oif map @vmac_map {count}drop\n\
                 icmpv6 type nd-router-solicit meta oifkind \"macvlan\" oif @vmac_set {count}drop"
            );
        }
        let mut inward = refuses.then(String::new);
        if let Some(inward) = &mut inward {
            let (kind, iif, oif) = if self.by_index {
                ("iface_index", "iif", "oif")
            } else {
                ("ifname", "iifname", "oifname")
            };
            // Neighbours must be able to find the address, or the router is no router.
            let discovery = format!(
                "icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} {count}accept\n"
            );
            outward.push_str(&discovery);
            inward.push_str(&discovery);
            if let Some(local) = &local {
                let kind = format!("ipv6_addr . {kind}");
                named(out, "set vips_link_local", &kind, local);
                let _ = writeln!(inward, "ip6 daddr . {iif} @vips_link_local {count}drop");
                let _ = writeln!(outward, "ip6 saddr . {oif} @vips_link_local {count}drop");
            }
            if let Some(global) = &global {
                named(out, "set vips", "ipv6_addr", global);
                let _ = writeln!(inward, "ip6 daddr @vips {count}drop");
                let _ = writeln!(outward, "ip6 saddr @vips {count}drop");
            }
        }
        self.chains(out, &outward, inward.as_deref());
        out.push_str("}\n");
    }

    fn count(&self) -> &'static str {
        if self.counters { "counter " } else { "" }
    }

    fn chains(&self, out: &mut String, outward: &str, inward: Option<&str>) {
        let _ = writeln!(out, "chain {} {{\n}}", self.mark);
        for (hook, name, rules) in [("output", "out", Some(outward)), ("input", "in", inward)] {
            if let Some(rules) = rules {
                let _ = writeln!(
                    out,
                    "chain {name} {{\ntype filter hook {hook} priority {}; policy accept;\n{rules}}}",
                    self.priority
                );
            }
        }
    }
}

fn named(out: &mut String, what: &str, kind: &str, elements: &str) {
    let _ = writeln!(
        out,
        "{what} {{\ntype {kind};\nelements = {{ {elements} }}\n}}"
    );
}

/// Joined by commas, each once; none if there are none: an empty list is no list.
fn elements(all: impl Iterator<Item = String>) -> Option<String> {
    let mut all: Vec<String> = all.collect();
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then(|| all.join(", "))
}
