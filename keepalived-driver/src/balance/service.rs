//! A virtual server at work, and what it wants of the kernel.

use std::collections::HashSet;
use std::sync::Arc;

use healthcheck::{Member, Placement, Pool, PoolConfig, ServerConfig, SorryServer};
use ipvs::{ConfigError, Destination, DestinationKey, Service, ServiceKey};
use sans_io_time::Instant;

use super::checks::CheckId;
use super::config::ServiceSetup;
use super::kernel::Wanted;

/// A virtual server at work.
pub(super) struct RunningService {
    pub(super) setup: Arc<ServiceSetup>,
    /// The services of the kernel while one of a mark stands for all.
    pub(super) gathered: Option<Vec<Service>>,
    pub(super) pool: Pool,
    pub(super) servers: Vec<RunningServer>,
    pub(super) suspended: bool,
    /// As was said last.
    pub(super) suspension_told: bool,
    /// The sorry server serves.
    pub(super) sorry: bool,
    /// When the quorum last changed, and how often it has.
    pub(super) since: Instant,
    pub(super) transitions: u64,
    /// Checks without a result so far.
    pub(super) unknown: usize,
    /// That it began without its quorum was told, or it has told more than that.
    pub(super) start_told: bool,
    /// Servers that a reload removed, and until when they stay.
    pub(super) draining: Vec<(Instant, Destination)>,
    /// What is in the table.
    pub(super) placed: Arc<[Destination]>,
}

/// A real server at work.
pub(super) struct RunningServer {
    pub(super) checks: Vec<CheckId>,
    /// When it last went up or down, and how often it has.
    pub(super) since: Instant,
    pub(super) transitions: u64,
    /// That it began as failed was told, or it has told more than that.
    pub(super) start_told: bool,
}

impl RunningService {
    /// Its services of the kernel.
    pub(super) fn services(&self) -> &[Service] {
        self.gathered.as_ref().unwrap_or(&self.setup.services)
    }

    /// When the next server has been drained for long enough.
    pub(super) fn drained_at(&self) -> Option<Instant> {
        self.draining.iter().map(|(at, _)| *at).min()
    }
}

/// The pool of a virtual server, without what its checks say.
pub(super) fn pool_config(setup: &ServiceSetup) -> PoolConfig {
    let servers = setup.servers.iter().map(|server| ServerConfig {
        address: server.address(),
        weight: server.destination.weight,
        inhibit: server.inhibit,
        checks: Vec::new(),
    });
    let mut config = PoolConfig::new(servers.collect());
    config.quorum = setup.quorum;
    config.hysteresis = setup.hysteresis;
    config.omega = setup.omega;
    config.panic_below = setup.panic_below;
    config.sorry = setup.sorry.as_ref().map(|sorry| SorryServer {
        address: std::net::SocketAddr::new(
            sorry.destination.key.address,
            sorry.destination.key.port,
        ),
        inhibit: sorry.inhibit,
    });
    config
}

/// Whether the sorry server is the one that serves.
pub(super) fn sorry_serves(placements: &[Placement]) -> bool {
    placements
        .iter()
        .any(|placement| placement.member == Member::Sorry && placement.weight > 0)
}

/// The destinations of a virtual server: those in service, and those that still drain. IPVS-OPS-03.
pub(super) fn destinations<'a>(
    setup: &ServiceSetup,
    placements: &[Placement],
    draining: impl IntoIterator<Item = &'a Destination>,
) -> Vec<Destination> {
    let place = |placement: &Placement| {
        let destination = match placement.member {
            Member::Real(id) => setup.servers.get(id.0)?.destination,
            Member::Sorry => setup.sorry.as_ref()?.destination,
        };
        Some(Destination {
            weight: placement.weight,
            ..destination
        })
    };
    let mut all: Vec<Destination> = placements.iter().filter_map(place).collect();
    for destination in draining {
        let there = |known: &DestinationKey| all.iter().any(|is| is.key == *known);
        if !there(&destination.key) {
            all.push(Destination {
                weight: 0,
                ..*destination
            });
        }
    }
    all
}

/// What is wanted of the kernel for these destinations: each service with those that its family
/// allows.
pub(super) fn wanted(
    services: &[Service],
    destinations: &Arc<[Destination]>,
) -> impl Iterator<Item = (ServiceKey, Option<Wanted>)> {
    services.iter().map(|service| {
        let family = service.key.family();
        let fits = |destination: &&Destination| {
            destination.check(family) != Err(ConfigError::FamilyNeedsTunnel)
        };
        let same = |one: &Destination| fits(&one) && one.within(&service.key).key == one.key;
        if destinations.iter().all(same) {
            return (
                service.key,
                Some((service.clone(), Arc::clone(destinations))),
            );
        }
        let here = destinations.iter().filter(fits);
        let mut here: Vec<Destination> = here.map(|one| one.within(&service.key)).collect();
        // Those that differed in their port may be one here.
        let mut seen = HashSet::new();
        here.retain(|destination| seen.insert(destination.key));
        (service.key, Some((service.clone(), here.into())))
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_setups::{address, server, service};
    use super::super::{ServerSetup, SorrySetup};
    use super::*;
    use healthcheck::{CheckerEvent, Failure, Health, ServerId};
    use ipvs::{Forward, Protocol, Service, Tunnel};

    fn weights(all: &[Destination]) -> Vec<(String, u32)> {
        all.iter()
            .map(|destination| (destination.key.to_string(), destination.weight))
            .collect()
    }

    fn pool(setup: &ServiceSetup) -> Pool {
        let mut config = pool_config(setup);
        for server in &mut config.servers {
            server.checks = vec![Health::Up];
        }
        Pool::new(config)
    }

    /// LVS-14, LVS-15: the sorry server comes with its own destination, and a failed server that is
    /// inhibited stays with weight 0.
    #[test]
    fn the_table_has_who_serves_with_the_weight_of_the_moment() {
        let mut setup = service("a", &[1, 2]);
        setup.servers[1].inhibit = true;
        setup.sorry = Some(SorrySetup {
            label: "s".into(),
            destination: Destination::new(address(9), Forward::DirectRoute, 77),
            inhibit: false,
        });
        let mut pool = pool(&setup);
        let all = destinations(&setup, &pool.placements(), []);
        let both = [("198.51.100.1:80", 1), ("198.51.100.2:80", 1)];
        assert_eq!(
            weights(&all),
            both.map(|(to, weight)| (to.to_owned(), weight))
        );
        for id in [0, 1] {
            pool.handle_check(ServerId(id), 0, &CheckerEvent::Down(Failure::Down));
        }
        let placements = pool.placements();
        assert!(sorry_serves(&placements));
        let all = destinations(&setup, &placements, []);
        let alone = [("198.51.100.2:80", 0), ("198.51.100.9:80", 1)];
        assert_eq!(
            weights(&all),
            alone.map(|(to, weight)| (to.to_owned(), weight))
        );
        assert_eq!(all[1].forward, Forward::DirectRoute);
    }

    /// LESSONS A24: a removed server keeps its connections for a while, and one that came back is
    /// there once.
    #[test]
    fn a_draining_server_takes_nobody_new() {
        let setup = service("a", &[1]);
        let draining = [server(1).destination, server(2).destination];
        let all = destinations(&setup, &pool(&setup).placements(), &draining);
        let expected = [("198.51.100.1:80", 1), ("198.51.100.2:80", 0)];
        assert_eq!(
            weights(&all),
            expected.map(|(to, weight)| (to.to_owned(), weight))
        );
    }

    /// RS-01: what is not translated has the port of the service, and what is one there is there once.
    #[test]
    fn a_server_without_translation_has_the_port_of_each_service() {
        let at = |number, port| std::net::SocketAddr::new(address(number).ip(), port);
        let mut setup = service("group", &[1]);
        let other = ServiceKey::address(Protocol::TCP, at(9, 81));
        let mark = ServiceKey::Mark {
            mark: std::num::NonZeroU32::MIN,
            family: ipvs::Family::Ipv4,
        };
        for key in [other, mark] {
            setup
                .services
                .push(Service::new(key, "wlc".parse().unwrap()));
        }
        let place = |port, forward| Destination::new(at(1, port), forward, 1);
        let all = [
            place(82, Forward::DirectRoute),
            place(83, Forward::DirectRoute),
            Destination::new(at(2, 84), Forward::Masquerade, 1),
            Destination::new(at(3, 0), Forward::Masquerade, 1),
        ];
        let names: Vec<Vec<String>> = wanted(&setup.services, &all.into())
            .filter_map(|(_, wanted)| wanted)
            .map(|(_, all)| all.iter().map(|is| is.key.to_string()).collect())
            .collect();
        let with = |port: u16| {
            [
                format!("198.51.100.1:{port}"),
                "198.51.100.2:84".to_owned(),
                format!("198.51.100.3:{port}"),
            ]
        };
        assert_eq!(names, [with(80), with(81), with(0)]);
    }

    /// LVS-19: in a group of both families each service has the servers it can reach.
    #[test]
    fn each_service_of_a_group_has_the_servers_of_its_family() {
        let mut setup = service("group", &[1]);
        let six = ServiceKey::address(Protocol::TCP, "[2001:db8::1]:80".parse().unwrap());
        setup
            .services
            .push(Service::new(six, "wlc".parse().unwrap()));
        let other = "[2001:db8::2]:80".parse::<std::net::SocketAddr>().unwrap();
        let masquerade = Destination::new(other, Forward::Masquerade, 1);
        setup.servers.push(ServerSetup::new("six", masquerade));
        let tunnel = Forward::Tunnel(Tunnel::Ipip);
        let both = Destination::new(address(3), tunnel, 1);
        setup.servers.push(ServerSetup::new("both", both));
        let all = destinations(&setup, &Pool::new(pool_config(&setup)).placements(), []);
        let names: Vec<Vec<String>> = wanted(&setup.services, &all.into())
            .filter_map(|(_, wanted)| wanted)
            .map(|(_, all)| all.iter().map(|is| is.key.to_string()).collect())
            .collect();
        let four = ["198.51.100.1:80", "198.51.100.3:80"].map(str::to_owned);
        let six = ["[2001:db8::2]:80", "198.51.100.3:80"].map(str::to_owned);
        assert_eq!(names, [four, six]);
    }
}
