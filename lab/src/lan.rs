//! A switch with a few hosts on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Netns, canary};

/// The interface every host has.
pub const INTERFACE: &str = "eth0";

/// A bridge in a namespace of its own and hosts plugged into it.
#[derive(Debug)]
pub struct Lan {
    switch: Netns,
    hosts: Vec<Host>,
}

/// One host: a namespace with one interface, [`INTERFACE`].
#[derive(Debug)]
pub struct Host {
    /// The name it was given.
    pub name: String,
    /// Its namespace.
    pub netns: Netns,
    /// Its own IPv4 address, 10.9.0.N/24.
    pub ipv4: Ipv4Addr,
    /// Its own global IPv6 address, 2001:db8::N/64.
    pub ipv6: Ipv6Addr,
    /// Its Ethernet address, 02:00:00:00:00:N.
    pub mac: [u8; 6],
}

impl Lan {
    /// A switch with one port for each name; hosts count from 1 in the order given.
    ///
    /// # Panics
    /// When the kernel refuses any part of it.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        canary::start();
        let switch = Netns::new("sw");
        switch.ip(&[
            "link add br0 type bridge",
            "link set br0 type bridge mcast_snooping 0 forward_delay 0",
            "link set br0 addrgenmode none",
            "link set br0 up",
        ]);
        let hosts = (1_u8..)
            .zip(names)
            .map(|(number, name)| plug(&switch, number, name))
            .collect();
        Self { switch, hosts }
    }

    /// The host of that name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn host(&self, name: &str) -> &Host {
        let found = self.hosts.iter().find(|host| host.name == name);
        found.unwrap_or_else(|| panic!("no host {name} on this LAN"))
    }

    /// All hosts.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The namespace of the bridge.
    #[must_use]
    pub fn switch(&self) -> &Netns {
        &self.switch
    }

    /// Pulls the cable of a host: it loses carrier.
    pub fn cut(&self, host: &str) {
        self.switch.ip(&[&format!("link set sw{host} down")]);
    }

    /// Plugs the cable back.
    pub fn plug(&self, host: &str) {
        self.switch.ip(&[&format!("link set sw{host} up")]);
    }

    /// Drops all that a host sends, while it still hears everything and keeps carrier.
    pub fn mute(&self, host: &str) {
        drop_egress(&self.host(host).netns, INTERFACE);
    }

    /// Drops all that is sent to a host, while the others still hear it.
    pub fn deafen(&self, host: &str) {
        drop_egress(&self.switch, &format!("sw{host}"));
    }

    /// Undoes [`Self::mute`] and [`Self::deafen`].
    pub fn unmute(&self, host: &str) {
        let attempt = |netns: &Netns, device: &str| {
            netns.shell(&format!(
                "tc qdisc del dev {device} root 2>/dev/null || true"
            ));
        };
        attempt(&self.host(host).netns, INTERFACE);
        attempt(&self.switch, &format!("sw{host}"));
    }

    /// The names of the hosts that hold an address on their interface.
    #[must_use]
    pub fn holders(&self, address: IpAddr) -> Vec<&str> {
        let holding = self.hosts.iter().filter(|host| host.holds(address));
        holding.map(|host| host.name.as_str()).collect()
    }
}

/// A queue without room drops everything; unlike a filter it needs no kernel module.
fn drop_egress(netns: &Netns, device: &str) {
    netns.shell(&format!("tc qdisc replace dev {device} root pfifo limit 0"));
}

fn plug(switch: &Netns, number: u8, name: &str) -> Host {
    let netns = Netns::new(name);
    let mac = [2, 0, 0, 0, 0, number];
    switch.ip(&[
        &format!(
            "link add sw{name} type veth peer name {INTERFACE} netns {}",
            netns.name()
        ),
        &format!("link set sw{name} addrgenmode none"),
        &format!("link set sw{name} master br0"),
        &format!("link set sw{name} up"),
    ]);
    netns.ip(&[
        &format!("link set {INTERFACE} address {}", mac_text(mac)),
        &format!("link set {INTERFACE} up"),
        &format!("addr add 10.9.0.{number}/24 dev {INTERFACE}"),
        &format!("addr add 2001:db8::{number:x}/64 dev {INTERFACE} nodad"),
    ]);
    Host {
        name: name.to_owned(),
        netns,
        ipv4: Ipv4Addr::new(10, 9, 0, number),
        ipv6: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()),
        mac,
    }
}

impl Host {
    /// The addresses of the interface, its own ones included.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        let answer = self.netns.ip_json(&["address", "show", "dev", INTERFACE]);
        let entries = answer
            .pointer("/0/addr_info")
            .and_then(|info| info.as_array());
        let locals = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("local"));
        locals
            .filter_map(|local| local.as_str()?.parse().ok())
            .collect()
    }

    /// Whether the interface has this address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.addresses().contains(&address)
    }

    /// What `ip` says about a link of this host, if there is one of that name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<serde_json::Value> {
        let links = self.netns.ip_json(&["-details", "link", "show"]);
        let named = |link: &&serde_json::Value| link.get("ifname").is_some_and(|n| n == name);
        links.as_array()?.iter().find(named).cloned()
    }

    /// Whether there is this link, with this address.
    #[must_use]
    pub fn link_holds(&self, name: &str, address: IpAddr) -> bool {
        let addresses = self.netns.ip_json(&["address", "show"]);
        let mut links = addresses.as_array().into_iter().flatten();
        links.any(|link| {
            link.get("ifname").is_some_and(|n| n == name)
                && link.to_string().contains(&format!("\"{address}\""))
        })
    }

    /// The Ethernet address that this host's neighbour cache has for an address.
    #[must_use]
    pub fn neighbour(&self, address: IpAddr) -> Option<[u8; 6]> {
        let text = address.to_string();
        let answer = self
            .netns
            .ip_json(&["neighbour", "show", &text, "dev", INTERFACE]);
        parse_mac(answer.pointer("/0/lladdr")?.as_str()?)
    }
}

fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut octets = text.split(':');
    for slot in &mut mac {
        *slot = u8::from_str_radix(octets.next()?, 16).ok()?;
    }
    octets.next().is_none().then_some(mac)
}
