//! What the demo is about: two routers, one client, one address; and what the protocol promises.

use std::net::Ipv4Addr;
use std::time::Duration;

/// One of the two routers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct RouterPlan {
    pub(super) name: &'static str,
    pub(super) address: Ipv4Addr,
    pub(super) priority: u8,
}

pub(super) const A: RouterPlan = RouterPlan {
    name: "router A",
    address: Ipv4Addr::new(192, 0, 2, 1),
    priority: 150,
};
pub(super) const B: RouterPlan = RouterPlan {
    name: "router B",
    address: Ipv4Addr::new(192, 0, 2, 2),
    priority: 100,
};
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
/// The address that must not go away.
pub(super) const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
pub(super) const PREFIX: u8 = 24;
pub(super) const VRID: u8 = 51;
pub(super) const INTERFACE: &str = "eth0";
/// Half a second between adverts, so that nobody has to wait long.
pub(super) const INTERVAL_CENTIS: u16 = 50;

pub(super) fn interval() -> Duration {
    Duration::from_millis(u64::from(INTERVAL_CENTIS) * 10)
}

impl RouterPlan {
    /// RFC 9568 6.1: the lower the priority, the longer a router waits, so that the best of several
    /// backups is the first.
    pub(super) fn skew(&self) -> Duration {
        interval() * (256 - u32::from(self.priority)) / 256
    }

    /// RFC 9568 6.1: after this long without an advert it takes over.
    pub(super) fn down_interval(&self) -> Duration {
        interval() * 3 + self.skew()
    }

    /// The keepalived.conf of this router.
    pub(super) fn configuration(&self) -> String {
        let seconds = interval().as_secs_f64();
        format!(
            "global_defs {{\n    vrrp_version 3\n}}\n\
             vrrp_instance VI_1 {{\n    \
             interface {INTERFACE}\n    \
             virtual_router_id {VRID}\n    \
             priority {}\n    \
             advert_int {seconds}\n    \
             virtual_ipaddress {{\n        {VIRTUAL}/{PREFIX}\n    }}\n}}\n",
            self.priority
        )
    }
}

/// The picture at the beginning.
pub(super) fn picture() -> String {
    format!(
        "
  Hosts know one default gateway by its address. When that router dies, they are cut off, even
  if there is a second router beside it. With VRRP the two share a *virtual* address: one of them,
  the master, holds it and says so every {} ms (an \"advert\"); the other listens. When the
  adverts stop, it takes the address over.

        {:<22}{}
        {:<22}{}
        priority {:<13}priority {}
             |                    |
             +------ switch ------+
                        |
                     client              pings {VIRTUAL} a thousand times a second
                   {CLIENT}
",
        interval().as_millis(),
        A.name,
        B.name,
        A.address,
        B.address,
        A.priority,
        B.priority,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9568 6.1, in numbers.
    #[test]
    fn the_promises_are_those_of_the_protocol() {
        assert_eq!(
            B.skew(),
            Duration::from_micros(304_687) + Duration::from_nanos(500)
        );
        assert_eq!(B.down_interval(), B.skew() + Duration::from_millis(1500));
        assert!(A.down_interval() < B.down_interval());
    }

    #[test]
    fn the_configurations_are_in_order() {
        for plan in [A, B] {
            let mut source =
                keepalived_config::MemorySource::new().with_file("demo.conf", plan.configuration());
            let options = keepalived_config::Options::default();
            let parsed = keepalived_config::parse(&mut source, "demo.conf", &options);
            assert_eq!(parsed.diagnostics.len(), 0, "{:?}", parsed.diagnostics);
            let instance = &parsed.config.instances[0];
            assert_eq!(instance.priority.get(), plan.priority);
            assert_eq!(instance.advert_interval.centis(), INTERVAL_CENTIS);
        }
    }
}
