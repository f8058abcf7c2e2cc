//! Pools: who is in service.

use std::net::SocketAddr;

use healthcheck::{
    CheckerEvent, Failure, Health, Member, Placement, Pool, PoolConfig, PoolEvent, ServerConfig,
    ServerId, SorryServer, WeightChange,
};
use proptest::prelude::*;

fn address(number: u8) -> SocketAddr {
    SocketAddr::new([198, 51, 100, number].into(), 80)
}

fn server(number: u8, weight: u32) -> ServerConfig {
    ServerConfig {
        address: address(number),
        weight,
        inhibit: false,
        checks: vec![Health::Up],
    }
}

fn sorry(inhibit: bool) -> Option<SorryServer> {
    Some(SorryServer {
        address: address(99),
        inhibit,
    })
}

const DOWN: CheckerEvent = CheckerEvent::Down(Failure::Down);

/// Last octet and weight of those in service.
fn placed(pool: &Pool) -> Vec<(u8, u32)> {
    let place = |placement: Placement| match placement.address {
        SocketAddr::V4(address) => (address.ip().octets()[3], placement.weight),
        SocketAddr::V6(_) => panic!("no such server"),
    };
    pool.placements().into_iter().map(place).collect()
}

fn events(pool: &mut Pool) -> Vec<PoolEvent> {
    std::iter::from_fn(|| pool.poll_event()).collect()
}

fn told(pool: &mut Pool, number: usize, event: &CheckerEvent) -> Vec<PoolEvent> {
    pool.handle_check(ServerId(number), 0, event);
    events(pool)
}

/// RS-07.
#[test]
fn a_server_is_up_only_while_all_its_checks_are() {
    let mut both = server(1, 1);
    both.checks = vec![Health::Up, Health::Down];
    let mut pool = Pool::new(PoolConfig::new(vec![both]));
    assert_eq!(placed(&pool), []);
    pool.handle_check(ServerId(0), 1, &CheckerEvent::Up);
    assert_eq!(placed(&pool), [(1, 1)]);
    pool.handle_check(ServerId(0), 0, &DOWN);
    pool.handle_check(ServerId(0), 1, &DOWN);
    pool.handle_check(ServerId(0), 0, &CheckerEvent::Up);
    assert_eq!(placed(&pool), []);
    pool.handle_check(ServerId(0), 1, &CheckerEvent::Up);
    assert_eq!(placed(&pool), [(1, 1)]);
    assert!(pool.is_up(ServerId(0)));
    // What is not there is not taken.
    pool.handle_check(ServerId(7), 0, &DOWN);
    pool.handle_check(ServerId(0), 7, &DOWN);
    assert_eq!(placed(&pool), [(1, 1)]);
}

/// LVS-15.
#[test]
fn an_inhibited_server_stays_without_weight() {
    let mut config = PoolConfig::new(vec![server(1, 5), server(2, 5)]);
    config.servers[0].inhibit = true;
    let mut pool = Pool::new(config);
    told(&mut pool, 0, &DOWN);
    told(&mut pool, 1, &DOWN);
    assert_eq!(placed(&pool), [(1, 0)]);
}

/// LVS-11: quorum 3, hysteresis 1: lost below 2, won at 4.
#[test]
fn the_quorum_has_a_hysteresis() {
    let mut config = PoolConfig::new((1..=5).map(|number| server(number, 1)).collect());
    (config.quorum, config.hysteresis) = (3, 1);
    let mut pool = Pool::new(config);
    for number in 0..3 {
        told(&mut pool, number, &DOWN);
        assert!(pool.quorum(), "{number}");
    }
    let lost = told(&mut pool, 3, &DOWN);
    assert_eq!(lost.last(), Some(&PoolEvent::QuorumLost { live: 1 }));
    for number in 0..2 {
        told(&mut pool, number, &CheckerEvent::Up);
        assert!(!pool.quorum(), "{number}");
    }
    let gained = told(&mut pool, 2, &CheckerEvent::Up);
    let up = PoolEvent::ServerUp(ServerId(2));
    assert_eq!(gained, [up, PoolEvent::QuorumGained { live: 4 }]);
}

/// LVS-14.
#[test]
fn the_sorry_server_serves_alone_while_the_quorum_is_lost() {
    for inhibit in [false, true] {
        let mut config = PoolConfig::new(vec![server(1, 1), server(2, 1)]);
        config.quorum = 2;
        config.sorry = sorry(inhibit);
        let mut pool = Pool::new(config);
        let waiting = [(99, 0)];
        let waiting = if inhibit { &waiting[..] } else { &[] };
        let all = [&[(1, 1), (2, 1)], waiting].concat();
        assert_eq!(placed(&pool), all);
        told(&mut pool, 0, &DOWN);
        assert_eq!(placed(&pool), [(99, 1)]);
        assert_eq!(pool.placements()[0].member, Member::Sorry);
        told(&mut pool, 0, &CheckerEvent::Up);
        assert_eq!(placed(&pool), all);
    }
}

#[test]
fn without_a_sorry_server_those_who_live_serve_on() {
    let mut config = PoolConfig::new(vec![server(1, 1), server(2, 1)]);
    config.quorum = 2;
    let mut pool = Pool::new(config);
    told(&mut pool, 0, &DOWN);
    assert!(!pool.quorum());
    assert_eq!(placed(&pool), [(2, 1)]);
}

/// PR#1370: a sorry server that is a real server too.
#[test]
fn a_sorry_server_that_is_a_real_server_comes_back_as_one() {
    let mut config = PoolConfig::new(vec![server(1, 7), server(2, 1)]);
    config.sorry = Some(SorryServer {
        address: address(1),
        inhibit: true,
    });
    config.servers[0].inhibit = true;
    let mut pool = Pool::new(config);
    assert_eq!(placed(&pool), [(1, 7), (2, 1)]);
    told(&mut pool, 0, &DOWN);
    assert_eq!(placed(&pool), [(1, 0), (2, 1)]);
    told(&mut pool, 1, &DOWN);
    assert_eq!(placed(&pool), [(1, 1)]);
    told(&mut pool, 0, &CheckerEvent::Up);
    assert_eq!(placed(&pool), [(1, 7)]);
}

/// RS-08, KA#1757, KA#187, KA#760.
#[test]
fn weights_are_what_is_configured_and_what_checks_add() {
    let mut many = server(1, 10);
    many.checks = vec![Health::Up; 3];
    let mut pool = Pool::new(PoolConfig::new(vec![many, server(2, 0)]));
    assert_eq!(placed(&pool), [(1, 10), (2, 0)]);
    let weight = |change| CheckerEvent::Weight(change);
    pool.handle_check(ServerId(0), 0, &weight(WeightChange::To(20)));
    assert_eq!(placed(&pool)[0], (1, 20));
    pool.handle_check(ServerId(0), 1, &weight(WeightChange::To(5)));
    pool.handle_check(ServerId(0), 2, &weight(WeightChange::By(-3)));
    // 10 + (20 - 10) + (5 - 10) - 3.
    assert_eq!(placed(&pool)[0], (1, 12));
    pool.handle_check(ServerId(0), 2, &weight(WeightChange::By(i64::MIN)));
    assert_eq!(placed(&pool)[0], (1, 0));
    pool.handle_check(ServerId(0), 2, &weight(WeightChange::By(i64::MAX)));
    assert_eq!(placed(&pool)[0], (1, 2_147_483_647));
    let told = events(&mut pool);
    assert_eq!(told.first(), Some(&PoolEvent::Weight(ServerId(0), 20)));
    assert_eq!(pool.live_weight(), 2_147_483_647);
}

/// LVS-13.
#[test]
fn omega_tells_on_stop_what_is_gone_then() {
    for omega in [false, true] {
        let mut config = PoolConfig::new(vec![server(1, 1), server(2, 1)]);
        config.omega = omega;
        let mut pool = Pool::new(config);
        told(&mut pool, 1, &DOWN);
        pool.stop();
        let expected = [
            PoolEvent::ServerDown(ServerId(0), None),
            PoolEvent::QuorumLost { live: 0 },
        ];
        let expected = if omega { &expected[..] } else { &[] };
        assert_eq!(events(&mut pool), expected);
        pool.stop();
        assert_eq!(told(&mut pool, 1, &CheckerEvent::Up), []);
    }
}

/// B25: off by default.
#[test]
fn when_nearly_all_fail_the_checks_are_disbelieved_if_so_wanted() {
    let mut config = PoolConfig::new((1..=4).map(|number| server(number, 1)).collect());
    config.sorry = sorry(false);
    config.quorum = 2;
    let mut plain = Pool::new(config.clone());
    config.panic_below = Some(50);
    let mut pool = Pool::new(config);
    for number in 0..3 {
        told(&mut plain, number, &DOWN);
    }
    told(&mut pool, 0, &DOWN);
    told(&mut pool, 1, &DOWN);
    assert_eq!(placed(&pool), [(3, 1), (4, 1)]);
    let events = told(&mut pool, 2, &DOWN);
    assert!(events.contains(&PoolEvent::Panic(true)), "{events:?}");
    assert!(pool.disbelieves() && !plain.disbelieves());
    assert_eq!(placed(&pool), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    assert_eq!(placed(&plain), [(99, 1)]);
    let events = told(&mut pool, 1, &CheckerEvent::Up);
    assert!(events.contains(&PoolEvent::Panic(false)), "{events:?}");
    assert!(!pool.disbelieves());
    assert_eq!(placed(&pool), [(2, 1), (4, 1)]);
}

/// LVS-11: a quorum that can never be reached is lowered to what there is.
#[test]
fn a_quorum_above_all_weights_is_all_weights() {
    let mut config = PoolConfig::new(vec![server(1, 1), server(2, 1)]);
    (config.quorum, config.hysteresis) = (100, 50);
    let mut pool = Pool::new(config);
    assert!(pool.quorum());
    told(&mut pool, 0, &DOWN);
    assert!(pool.quorum(), "hysteresis 1");
    told(&mut pool, 1, &DOWN);
    assert!(!pool.quorum());
    told(&mut pool, 0, &CheckerEvent::Up);
    told(&mut pool, 1, &CheckerEvent::Up);
    assert!(pool.quorum());
}

#[derive(Clone, Debug)]
struct Step {
    server: usize,
    check: usize,
    event: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..4_usize, 0..2_usize, 0..5_u8);
    let step = step.prop_map(|(server, check, event)| Step {
        server,
        check,
        event,
    });
    prop::collection::vec(step, 0..40)
}

fn config() -> impl Strategy<Value = PoolConfig> {
    let one = (0..4_u32, any::<bool>(), 0..3_usize, any::<bool>());
    let servers = prop::collection::vec(one, 0..5);
    (servers, 1..6_u32, 0..4_u32, any::<(bool, bool)>()).prop_map(
        |(servers, quorum, hysteresis, (has_sorry, inhibit))| {
            let servers = (1..)
                .zip(servers)
                .map(|(number, (weight, inhibit, checks, up))| {
                    let health = if up { Health::Up } else { Health::Down };
                    ServerConfig {
                        inhibit,
                        checks: vec![health; checks],
                        ..server(number, weight)
                    }
                });
            let mut config = PoolConfig::new(servers.collect());
            (config.quorum, config.hysteresis) = (quorum, hysteresis);
            config.sorry = sorry(inhibit).filter(|_| has_sorry);
            config
        },
    )
}

/// LVS-11, LVS-20: a pool that takes over from another one remembers what hysteresis does, and the
/// weights that checks said; what has become another thing meanwhile is told.
#[test]
fn a_pool_goes_on_where_another_one_was() {
    let config = |up: usize| {
        let health = |number| {
            if number < up {
                Health::Up
            } else {
                Health::Down
            }
        };
        let servers = (0..3).map(|number| ServerConfig {
            checks: vec![health(usize::from(number))],
            ..server(number, 1)
        });
        let mut config = PoolConfig::new(servers.collect());
        (config.quorum, config.hysteresis) = (2, 1);
        config
    };
    assert!(!Pool::new(config(2)).quorum(), "not enough to gain it");
    let plain = vec![vec![WeightChange::None]; 3];
    let mut pool = Pool::new(config(2));
    pool.resume(&plain, true);
    assert!(pool.quorum(), "enough to keep it");
    assert_eq!(events(&mut pool), []);
    let mut pool = Pool::new(config(0));
    pool.resume(&plain, true);
    assert_eq!(events(&mut pool), [PoolEvent::QuorumLost { live: 0 }]);
    let mut pool = Pool::new(config(1));
    pool.resume(&[vec![WeightChange::To(7)]], false);
    assert_eq!(placed(&pool), [(0, 7)]);
    assert_eq!(events(&mut pool), [PoolEvent::QuorumGained { live: 7 }]);
}

proptest! {
    /// Nobody who is down takes connections, the sorry server and real ones never both do, no
    /// address is in service twice, and what was told adds up to what is.
    #[test]
    fn a_pool_is_sane_whatever_happens(config in config(), steps in steps()) {
        let mut pool = Pool::new(config.clone());
        let ids: Vec<_> = (0..config.servers.len()).map(ServerId).collect();
        let mut up: Vec<_> = ids.iter().map(|id| pool.is_up(*id)).collect();
        let mut quorum = pool.quorum();
        for Step { server, check, event } in steps {
            let event = match event {
                0 => CheckerEvent::Up,
                1 => DOWN,
                2 => CheckerEvent::Weight(WeightChange::To(3)),
                3 => CheckerEvent::Weight(WeightChange::By(-1)),
                _ => CheckerEvent::Weight(WeightChange::None),
            };
            pool.handle_check(ServerId(server), check, &event);
            while let Some(event) = pool.poll_event() {
                match event {
                    PoolEvent::ServerUp(ServerId(id)) => prop_assert!(!std::mem::replace(&mut up[id], true)),
                    PoolEvent::ServerDown(ServerId(id), _) => prop_assert!(std::mem::replace(&mut up[id], false)),
                    PoolEvent::QuorumGained { .. } => prop_assert!(!std::mem::replace(&mut quorum, true)),
                    PoolEvent::QuorumLost { .. } => prop_assert!(std::mem::replace(&mut quorum, false)),
                    _ => {}
                }
            }
            prop_assert_eq!(quorum, pool.quorum());
            let placements = pool.placements();
            let mut addresses: Vec<_> = placements.iter().map(|placement| placement.address).collect();
            addresses.sort();
            addresses.dedup();
            prop_assert_eq!(addresses.len(), placements.len());
            let serves = |member: Member| placements.iter().any(|p| p.member == member && p.weight > 0);
            prop_assert_eq!(serves(Member::Sorry), config.sorry.is_some() && !quorum);
            for id in &ids {
                prop_assert_eq!(up[id.0], pool.is_up(*id));
                if serves(Member::Real(*id)) {
                    prop_assert!(pool.is_up(*id) && !serves(Member::Sorry));
                }
            }
        }
    }
}

/// RS-07: `status` shows it beside whether the server is up.
#[test]
fn the_weight_of_a_server_is_that_in_service_also_while_it_is_down() {
    let mut pool = Pool::new(PoolConfig::new(vec![server(1, 7), server(2, 0)]));
    let weights = |pool: &Pool| [0, 1, 2].map(|number| pool.weight(ServerId(number)));
    assert_eq!(weights(&pool), [7, 0, 0]);
    told(&mut pool, 0, &DOWN);
    assert_eq!(weights(&pool), [7, 0, 0]);
    assert!(!pool.is_up(ServerId(0)));
}
