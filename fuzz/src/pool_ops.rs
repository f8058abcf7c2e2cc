//! Bytes as a list of results of checks: what a pool has in service follows from them, whatever their order.

use std::net::SocketAddr;

use healthcheck::{
    CheckerEvent, Failure, Health, Member, Pool, PoolConfig, PoolEvent, ServerConfig, ServerId,
    SorryServer, WeightChange,
};

use super::input::Input;

/// Servers with checks, then results.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let config = configuration(&mut input);
    let mut healths: Vec<Vec<Health>> = config.servers.iter().map(|s| s.checks.clone()).collect();
    let mut pool = Pool::new(config.clone());
    let mut up: Vec<bool> = (0..config.servers.len())
        .map(|at| pool.is_up(ServerId(at)))
        .collect();
    let mut quorum = pool.quorum();
    check(&pool, &config, &healths);
    while !input.is_empty() {
        let at = usize::from(input.below(5));
        let number = usize::from(input.below(3));
        let event = match input.below(5) {
            0 => CheckerEvent::Up,
            1 => CheckerEvent::Down(Failure::Down),
            2 => CheckerEvent::Weight(WeightChange::By(i64::from(input.byte()) - 128)),
            3 => CheckerEvent::Weight(WeightChange::To(input.word().into())),
            _ => CheckerEvent::FirstResult,
        };
        if let Some(health) = healths
            .get_mut(at)
            .and_then(|checks| checks.get_mut(number))
        {
            match event {
                CheckerEvent::Up => *health = Health::Up,
                CheckerEvent::Down(_) => *health = Health::Down,
                _ => {}
            }
        }
        pool.handle_check(ServerId(at), number, &event);
        for count in 0.. {
            let Some(event) = pool.poll_event() else {
                break;
            };
            assert!(count < 100, "events without end");
            match event {
                PoolEvent::ServerUp(id) => assert!(!std::mem::replace(&mut up[id.0], true)),
                PoolEvent::ServerDown(id, _) => assert!(std::mem::replace(&mut up[id.0], false)),
                PoolEvent::QuorumGained { .. } => assert!(!std::mem::replace(&mut quorum, true)),
                PoolEvent::QuorumLost { .. } => assert!(std::mem::replace(&mut quorum, false)),
                _ => {}
            }
        }
        assert_eq!(quorum, pool.quorum(), "what was told of the quorum");
        for (at, up) in up.iter().enumerate() {
            assert_eq!(*up, pool.is_up(ServerId(at)), "what was told of a server");
        }
        check(&pool, &config, &healths);
    }
    pool.stop();
    while pool.poll_event().is_some() {}
}

fn check(pool: &Pool, config: &PoolConfig, healths: &[Vec<Health>]) {
    let mut live = 0;
    for (at, checks) in healths.iter().enumerate() {
        let up = checks.iter().all(|health| *health == Health::Up);
        assert_eq!(pool.is_up(ServerId(at)), up, "RS-07: all of its checks");
        if up {
            live += u64::from(pool.weight(ServerId(at)));
        }
    }
    assert_eq!(pool.live_weight(), live);
    let placements = pool.placements();
    for (at, one) in placements.iter().enumerate() {
        let again = placements.iter().skip(at + 1);
        assert!(again.clone().all(|other| other.address != one.address));
        assert!(one.weight <= 2_147_483_647);
        if one.member == Member::Sorry {
            assert!(config.sorry.is_some());
        }
    }
}

fn configuration(input: &mut Input<'_>) -> PoolConfig {
    let servers = (0..1 + input.below(4)).map(|number| {
        let health = |bit: u8| match bit & 1 {
            0 => Health::Up,
            _ => Health::Down,
        };
        let bits = input.byte();
        ServerConfig {
            address: SocketAddr::new([198, 51, 100, number].into(), 80),
            weight: input.byte().into(),
            inhibit: bits & 1 == 1,
            checks: (0..bits >> 1 & 3)
                .map(|at| health(bits >> (3 + at)))
                .collect(),
        }
    });
    let mut config = PoolConfig::new(servers.collect());
    config.quorum = 1 + u32::from(input.byte());
    config.hysteresis = u32::from(input.byte()) % config.quorum;
    config.omega = input.flag();
    if input.flag() {
        config.sorry = Some(SorryServer {
            address: SocketAddr::new([198, 51, 100, input.below(6)].into(), 80),
            inhibit: input.flag(),
        });
    }
    config.panic_below = input.flag().then(|| input.below(101));
    config
}
