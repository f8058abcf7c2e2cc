//! What services and servers are called: keepalived's words, which scripts and people search for.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use keepalived_config::model::VirtualServer;
use keepalived_config::model::balance::{Protocol, ServiceAddress};
use vrrp_proto::Family;

/// A virtual server: what it is called, and which one it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// `[192.0.2.1]:tcp:80`, `FWM 5`, `[GROUP]:0`.
    pub(super) label: String,
    /// What a reload recognises it by, wherever it stands in the file.
    pub(super) identity: String,
}

/// Names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names {
    labels: HashSet<String>,
    identities: HashSet<String>,
    /// How many services each group has so far.
    groups: HashMap<String, usize>,
}

impl Names {
    /// Services of one group are counted, as by keepalived. The second of a mark says more.
    pub(super) fn service(&mut self, service: &VirtualServer) -> Name {
        let family = family(service.family);
        let (mut label, mut identity) = match &service.address {
            ServiceAddress::Address { address, port } => {
                let label = endpoint(*address, service.protocol, *port);
                (label.clone(), label)
            }
            ServiceAddress::Mark(mark) => (format!("FWM {mark}"), format!("FWM {mark} {family}")),
            ServiceAddress::Group(name) => {
                let number = self.groups.entry(name.value.clone()).or_default();
                let label = format!("[{}]:{number}", name.value);
                *number += 1;
                let protocol = protocol(service.protocol);
                (label, format!("[{}]:{protocol} {family}", name.value))
            }
        };
        if self.labels.contains(&label) {
            label = format!("{label} {family}");
        }
        // The reader complains about those that want the same; each is one nevertheless.
        while !self.identities.insert(identity.clone()) {
            identity.push_str(" again");
        }
        self.labels.insert(label.clone());
        Name { label, identity }
    }
}

/// `[198.51.100.1]:tcp:80`; behind a mark `[198.51.100.1]:none:80`.
pub(super) fn server(service: &VirtualServer, address: IpAddr, port: u16) -> String {
    endpoint(address, service.protocol, port)
}

/// Piece by piece: a hundred thousand servers each have a name, and the general way to make one takes
/// longer than all else that is done with a server here.
fn endpoint(address: IpAddr, transport: Option<Protocol>, port: u16) -> String {
    let mut text = String::with_capacity(32);
    text.push('[');
    match address {
        IpAddr::V4(address) => {
            for (at, octet) in address.octets().into_iter().enumerate() {
                if at > 0 {
                    text.push('.');
                }
                number(&mut text, octet.into());
            }
        }
        IpAddr::V6(address) => text.push_str(&address.to_string()),
    }
    text.push_str("]:");
    text.push_str(protocol(transport));
    text.push(':');
    number(&mut text, port);
    text
}

/// In decimal.
fn number(text: &mut String, value: u16) {
    if value >= 10 {
        number(text, value / 10);
    }
    let digit = char::from_digit(u32::from(value % 10), 10);
    text.push(digit.unwrap_or_default());
}

const fn protocol(protocol: Option<Protocol>) -> &'static str {
    match protocol {
        Some(Protocol::Tcp) => "tcp",
        Some(Protocol::Udp) => "udp",
        Some(Protocol::Sctp) => "sctp",
        None => "none",
    }
}

const fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_general_way_would_make() {
        for (address, port) in [
            ("0.0.0.0", 0),
            ("9.10.99.100", 9),
            ("255.1.20.199", 10),
            ("192.0.2.1", 65535),
            ("::", 80),
            ("2001:db8::a:0:1", 8080),
            ("::ffff:192.0.2.1", 1),
        ] {
            let address: IpAddr = address.parse().unwrap();
            let expected = format!("[{address}]:udp:{port}");
            assert_eq!(endpoint(address, Some(Protocol::Udp), port), expected);
        }
    }
}
