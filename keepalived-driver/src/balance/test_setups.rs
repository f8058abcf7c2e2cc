//! Virtual servers for tests.

use std::net::SocketAddr;
use std::time::Duration;

use healthcheck::{Schedule, Target};
use ipvs::{Destination, Forward, Protocol, Service, ServiceKey};

use super::{CheckSetup, ProbeSetup, ServerSetup, ServiceSetup};

pub(super) fn address(number: u8) -> SocketAddr {
    SocketAddr::new([198, 51, 100, number].into(), 80)
}

pub(super) fn server(number: u8) -> ServerSetup {
    let address = address(number);
    let destination = Destination::new(address, Forward::Masquerade, 1);
    ServerSetup::new(&format!("[{}]:tcp:80", address.ip()), destination)
}

/// A virtual server of this name with these servers, without checks.
pub(super) fn service(label: &str, servers: &[u8]) -> ServiceSetup {
    let octet = label.bytes().next().unwrap_or(0);
    let address = SocketAddr::new([192, 0, 2, octet].into(), 80);
    let key = ServiceKey::address(Protocol::TCP, address);
    let service = Service::new(key, "wlc".parse().unwrap());
    let servers = servers.iter().map(|number| server(*number)).collect();
    ServiceSetup::new(label, vec![service], servers)
}

/// A check of a port every so many seconds.
pub(super) fn tcp(port: u16, seconds: u64) -> CheckSetup {
    let target = Target::new(SocketAddr::new([198, 51, 100, 1].into(), port));
    let timeout = Duration::from_secs(1);
    let schedule = Schedule::every(Duration::from_secs(seconds));
    CheckSetup::new(ProbeSetup::Tcp { target, timeout }, schedule)
}
