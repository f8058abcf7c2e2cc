//! What services and servers are called: keepalived's words, which scripts and people search for.

use std::collections::HashSet;
use std::net::IpAddr;

use keepalived_config::model::VirtualServer;
use keepalived_config::model::balance::{Protocol, ServiceAddress};
use vrrp_proto::Family;

/// Labels that are taken.
#[derive(Debug, Default)]
pub(super) struct Labels(HashSet<String>);

impl Labels {
    /// `[192.0.2.1]:tcp:80`, `FWM 5`, `[GROUP]:0`. Where two services would have the same one, the
    /// second says more.
    pub(super) fn service(&mut self, service: &VirtualServer) -> String {
        let mut label = match &service.address {
            ServiceAddress::Address { address, port } => {
                endpoint(*address, service.protocol, *port)
            }
            ServiceAddress::Mark(mark) => format!("FWM {mark}"),
            ServiceAddress::Group(name) => format!("[{}]:0", name.value),
        };
        if self.0.contains(&label) {
            label = match &service.address {
                ServiceAddress::Group(name) => {
                    format!("[{}]:{}:0", name.value, protocol(service.protocol))
                }
                _ => format!("{label} {}", family(service.family)),
            };
        }
        self.0.insert(label.clone());
        label
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
