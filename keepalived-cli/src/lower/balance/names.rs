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
                format!("[{address}]:{}:{port}", protocol(service.protocol))
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
    format!("[{address}]:{}:{port}", protocol(service.protocol))
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
