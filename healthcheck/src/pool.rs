//! A pool of servers: who of them is in service, with which weight, and what to tell.
//!
//! Everything follows from present facts: the health and weight of the checks, and whether the quorum
//! was there before (hysteresis is the one thing that remembers).

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::checker::{CheckerEvent, Health};
use crate::outcome::{Failure, WeightChange};

/// Largest weight, the kernel's.
const MAX_WEIGHT: i64 = 2_147_483_647;

/// Number of a server in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub usize);

/// A real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address and port.
    pub address: SocketAddr,
    /// Weight, 0 to 2147483647; 0 stays in service without new connections.
    pub weight: u32,
    /// Stays with weight 0 when it fails (LVS-15).
    pub inhibit: bool,
    /// Of each of its checks: what is held of it at the start ([`Health::Down`] for `alpha`).
    pub checks: Vec<Health>,
}

/// Serves alone when the quorum is lost (LVS-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SorryServer {
    /// Address and port.
    pub address: SocketAddr,
    /// Stays with weight 0 while it is not needed.
    pub inhibit: bool,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Its servers.
    pub servers: Vec<ServerConfig>,
    /// Weight of live servers that is needed; from 1.
    pub quorum: u32,
    /// How far above the quorum it counts as won, and how far below as lost. Less than the quorum.
    pub hysteresis: u32,
    /// Serves alone when the quorum is lost.
    pub sorry: Option<SorryServer>,
    /// On stop, tell of servers and quorum as if they went down.
    pub omega: bool,
    /// Extension, off by default: when fewer than so many percent of the servers are live, the
    /// checks are disbelieved and all are kept in service.
    pub panic_below: Option<u8>,
}

impl PoolConfig {
    /// A quorum of 1 and nothing else.
    #[must_use]
    pub const fn new(servers: Vec<ServerConfig>) -> Self {
        Self {
            servers,
            quorum: 1,
            hysteresis: 0,
            sorry: None,
            omega: false,
            panic_below: None,
        }
    }
}

/// Who takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A real server.
    Real(ServerId),
    /// The sorry server.
    Sorry,
}

/// Somebody in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Who.
    pub member: Member,
    /// Where.
    pub address: SocketAddr,
    /// Share.
    pub weight: u32,
}

/// Something to tell: scripts, mail, log.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolEvent {
    /// A server works again.
    ServerUp(ServerId),
    /// A server failed; `None` when the pool stops.
    ServerDown(ServerId, Option<Failure>),
    /// A server has another weight.
    Weight(ServerId, u32),
    /// There is enough weight again.
    QuorumGained {
        /// Weight of the live servers.
        live: u64,
    },
    /// There is not enough weight any more.
    QuorumLost {
        /// Weight of the live servers.
        live: u64,
    },
    /// The checks are disbelieved, or believed again.
    Panic(bool),
}

#[derive(Clone, Copy, Debug)]
struct Check {
    health: Health,
    weight: WeightChange,
}

/// There can be a hundred thousand of them.
#[derive(Clone, Debug)]
struct Server {
    address: SocketAddr,
    weight: u32,
    inhibit: bool,
    up: bool,
    checks: Box<[Check]>,
}

impl Server {
    fn new(config: &ServerConfig) -> Self {
        let checks = config.checks.iter().map(|health| Check {
            health: *health,
            weight: WeightChange::None,
        });
        let mut server = Self {
            address: config.address,
            weight: config.weight,
            inhibit: config.inhibit,
            up: true,
            checks: checks.collect(),
        };
        server.up = server.is_up();
        server
    }

    /// RS-07: up only while all checks are; a server without checks always is.
    fn is_up(&self) -> bool {
        self.checks.iter().all(|check| check.health == Health::Up)
    }

    /// RS-08: what is configured and what the checks add to it.
    fn weight(&self) -> u32 {
        let configured = i64::from(self.weight);
        let changes = self.checks.iter().map(|check| match check.weight {
            WeightChange::None => 0,
            WeightChange::To(weight) => i64::from(weight).saturating_sub(configured),
            WeightChange::By(change) => change,
        });
        let weight = changes.fold(configured, i64::saturating_add);
        u32::try_from(weight.clamp(0, MAX_WEIGHT)).unwrap_or(0)
    }
}

/// A pool at work.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Without its servers.
    config: PoolConfig,
    /// By number.
    servers: Vec<Server>,
    quorum: bool,
    panic: bool,
    stopped: bool,
    events: VecDeque<PoolEvent>,
}

impl Pool {
    /// A pool of which nothing is known but the configuration. What it begins with is no event.
    #[must_use]
    pub fn new(mut config: PoolConfig) -> Self {
        let servers = std::mem::take(&mut config.servers);
        let mut pool = Self {
            servers: servers.iter().map(Server::new).collect(),
            config,
            quorum: false,
            panic: false,
            stopped: false,
            events: VecDeque::new(),
        };
        pool.quorum = pool.has_quorum();
        pool.panic = pool.is_panic();
        pool
    }

    /// Takes over what another run of the pool knew: what its checks said about the weight of each
    /// server, in their order, and whether there was enough weight, which hysteresis remembers. What
    /// that changes is an event.
    pub fn resume(&mut self, weights: &[Vec<WeightChange>], quorum: bool) {
        for (server, weights) in self.servers.iter_mut().zip(weights) {
            for (check, weight) in server.checks.iter_mut().zip(weights) {
                check.weight = *weight;
            }
        }
        self.quorum = quorum;
        self.decide();
    }

    /// What is to be in service now. A server at the address of the sorry server gives way to it.
    #[must_use]
    pub fn placements(&self) -> Vec<Placement> {
        let sorry = self.config.sorry;
        let sorry_serves = sorry.is_some() && !self.quorum && !self.panic;
        let mut placements = Vec::with_capacity(self.servers.len());
        for (at, server) in self.servers.iter().enumerate() {
            let in_service = self.panic || (server.up && !sorry_serves);
            if in_service || server.inhibit {
                let weight = if in_service { server.weight() } else { 0 };
                placements.push(Placement {
                    member: Member::Real(ServerId(at)),
                    address: server.address,
                    weight,
                });
            }
        }
        if let Some(sorry) = sorry {
            let placement = |weight| Placement {
                member: Member::Sorry,
                address: sorry.address,
                weight,
            };
            let is_there = |placement: &Placement| placement.address == sorry.address;
            if sorry_serves {
                placements.retain(|placement| !is_there(placement));
                placements.push(placement(1));
            } else if sorry.inhibit && !placements.iter().any(is_there) {
                placements.push(placement(0));
            }
        }
        placements
    }

    /// Whether there is enough weight.
    #[must_use]
    pub const fn quorum(&self) -> bool {
        self.quorum
    }

    /// Whether a server is up.
    #[must_use]
    pub fn is_up(&self, id: ServerId) -> bool {
        self.servers.get(id.0).is_some_and(|server| server.up)
    }

    /// The weight of a server while it is in service.
    #[must_use]
    pub fn weight(&self, id: ServerId) -> u32 {
        self.servers.get(id.0).map_or(0, Server::weight)
    }

    /// Whether the checks are disbelieved.
    #[must_use]
    pub const fn disbelieves(&self) -> bool {
        self.panic
    }

    /// Weight of the live servers.
    #[must_use]
    pub fn live_weight(&self) -> u64 {
        let live = self.servers.iter().filter(|server| server.up);
        live.map(|server| u64::from(server.weight())).sum()
    }

    /// Takes what a check of a server tells.
    pub fn handle_check(&mut self, id: ServerId, check: usize, event: &CheckerEvent) {
        if self.stopped {
            return;
        }
        let Some(server) = self.servers.get_mut(id.0) else {
            return;
        };
        let before = server.weight();
        let Some(state) = server.checks.get_mut(check) else {
            return;
        };
        let mut reason = None;
        match event {
            CheckerEvent::Up => state.health = Health::Up,
            CheckerEvent::Down(failure) => {
                state.health = Health::Down;
                reason = Some(failure.clone());
            }
            CheckerEvent::Weight(weight) => state.weight = *weight,
            CheckerEvent::AttemptFailed(_) | CheckerEvent::FirstResult => return,
        }
        let (weight, up) = (server.weight(), server.is_up());
        if weight != before {
            self.events.push_back(PoolEvent::Weight(id, weight));
        }
        if up != std::mem::replace(&mut server.up, up) {
            self.events.push_back(if up {
                PoolEvent::ServerUp(id)
            } else {
                PoolEvent::ServerDown(id, reason)
            });
        }
        self.decide();
    }

    /// LVS-13: the daemon ends. With `omega` servers that are up, and a quorum that is there, are told to be
    /// gone; nothing more is taken or told afterwards.
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) || !self.config.omega {
            return;
        }
        for (at, server) in self.servers.iter_mut().enumerate() {
            if std::mem::replace(&mut server.up, false) {
                let event = PoolEvent::ServerDown(ServerId(at), None);
                self.events.push_back(event);
            }
        }
        if std::mem::replace(&mut self.quorum, false) {
            self.events.push_back(PoolEvent::QuorumLost { live: 0 });
        }
    }

    /// The next thing to tell.
    pub fn poll_event(&mut self) -> Option<PoolEvent> {
        self.events.pop_front()
    }

    fn decide(&mut self) {
        let panic = self.is_panic();
        if panic != std::mem::replace(&mut self.panic, panic) {
            self.events.push_back(PoolEvent::Panic(panic));
        }
        let quorum = self.has_quorum();
        if quorum != std::mem::replace(&mut self.quorum, quorum) {
            let live = self.live_weight();
            self.events.push_back(if quorum {
                PoolEvent::QuorumGained { live }
            } else {
                PoolEvent::QuorumLost { live }
            });
        }
    }

    /// LVS-11, with the limits that Keepalived puts to what is configured: no quorum above the weight
    /// that there can be, no hysteresis that reaches down to nothing.
    fn has_quorum(&self) -> bool {
        let total = self.servers.iter();
        let total: u64 = total.map(|server| u64::from(server.weight)).sum();
        let quorum = u64::from(self.config.quorum).min(total.max(1)).max(1);
        let hysteresis = u64::from(self.config.hysteresis).min(quorum.saturating_sub(1));
        let live = self.live_weight();
        if self.quorum {
            let somebody = self.servers.iter().any(|server| server.up);
            somebody && live >= quorum.saturating_sub(hysteresis)
        } else {
            // What could never be reached must not be asked for.
            live >= quorum.saturating_add(hysteresis).min(total.max(1))
        }
    }

    fn is_panic(&self) -> bool {
        let Some(percent) = self.config.panic_below else {
            return false;
        };
        let live = self.servers.iter().filter(|server| server.up).count();
        let all = self.servers.len();
        live.saturating_mul(100) < all.saturating_mul(percent.into())
    }
}
