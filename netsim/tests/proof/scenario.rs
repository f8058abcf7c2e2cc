//! A random network and a random history of it, from a seed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use netsim::vrrp::{HostNode, Lan, Order, RouterNode, Station};
use netsim::{Fault, Instant, Link, NodeId, Random, World};
use vrrp_fsm::proto::{AdvertInterval, Checksum, ChecksumPolicy, Family, Vrid};
use vrrp_fsm::{
    BackupPriority, InstanceConfig, Peer, Preempt, Role, Transport, V2Auth, WireFormat,
};

use super::rfc::{self, CENTI};
use super::script::History;

/// A virtual router as the scenario wants it; the FSM gets it as [`InstanceConfig`].
#[derive(Clone, Debug)]
pub struct Virtual {
    pub family: Family,
    pub vrid: u8,
    pub version: u8,
    pub unicast: bool,
    pub down_adverts: i64,
    pub answer_lower: bool,
    pub advert_on_yield: bool,
    pub addresses: Vec<IpAddr>,
    pub members: Vec<Member>,
}

/// What differs between the members of a virtual router.
#[derive(Copy, Clone, Debug)]
pub struct Member {
    /// 255 is the owner.
    pub priority: u8,
    pub preempt: Preempt,
    pub centis: u16,
}

impl Member {
    pub fn interval(&self) -> i64 {
        i64::from(self.centis) * CENTI
    }
}

pub type Step = (i64, Fault<Order>);

/// A network and its history.
#[derive(Clone)]
pub struct Scenario {
    pub seed: u64,
    pub routers: usize,
    pub lan: Arc<Lan>,
    pub virtuals: Vec<Virtual>,
    /// On every node they are one group.
    pub grouped: bool,
    pub link: Link,
    /// Largest delay of any link in the history.
    pub longest: i64,
    /// Largest minus smallest delay.
    pub jitter: i64,
    /// How often the host doubts its cache; no host if `None`.
    pub host: Option<i64>,
    pub script: Vec<Step>,
    pub end: i64,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn new(seed: u64) -> Self {
        Self::build(seed, false)
    }

    /// Another one, in which two or three virtual routers that want the same are one group.
    pub fn grouped(seed: u64) -> Self {
        Self::build(seed, true)
    }

    fn build(seed: u64, grouped: bool) -> Self {
        let kind = if grouped { 0x6209 } else { 0 };
        let mut random = Random::new(seed ^ 0x5ce0_a210 ^ kind << 48);
        let random = &mut random;
        let routers = pick(random, &[2, 2, 3, 3, 3, 4, 5]);
        let lan = lan(random, routers + 1);
        let count = if random.chance(200_000) { 2 } else { 1 };
        let base = *choose(
            random,
            &[1u16, 2, 5, 10, 25, 50, 100, 100, 200, 500, 1000, 4000],
        );
        let mut virtuals: Vec<Virtual> = Vec::new();
        for _ in 0..count {
            let mut one = virtual_router(random, routers, base, virtuals.len() as u8);
            while virtuals
                .iter()
                .any(|v| v.family == one.family && v.vrid == one.vrid)
            {
                one.vrid = one.vrid % 255 + 1;
            }
            virtuals.push(one);
        }
        if grouped {
            make_alike(random, &mut virtuals);
        }
        let (link, longest, jitter) = link(random, &virtuals);
        let mut scenario = Self {
            seed,
            routers,
            lan,
            virtuals,
            grouped,
            link,
            longest,
            jitter,
            host: None,
            script: Vec::new(),
            end: 0,
        };
        if random.chance(330_000) {
            scenario.host = Some(scenario.slowest() * 8);
        }
        History::new(&scenario, random).write(&mut scenario);
        scenario
    }

    pub fn host(&self) -> Option<NodeId> {
        self.host.map(|_| NodeId(self.routers))
    }

    /// The longest interval of any member.
    pub fn slowest(&self) -> i64 {
        self.members()
            .map(|(_, member)| member.interval())
            .max()
            .unwrap_or(CENTI)
    }

    pub fn fastest(&self) -> i64 {
        self.members()
            .map(|(_, member)| member.interval())
            .min()
            .unwrap_or(CENTI)
    }

    fn members(&self) -> impl Iterator<Item = (&Virtual, &Member)> {
        self.virtuals
            .iter()
            .flat_map(|one| one.members.iter().map(move |member| (one, member)))
    }

    /// DESIGN: 3A + S(min p) + A + 4L. Priorities may be lowered by weights, so min p is 1.
    pub fn convergence(&self) -> i64 {
        let slowest = self.slowest();
        let one = |v: &Virtual| rfc::down(v.version, v.down_adverts, slowest, 1);
        let once = self.virtuals.iter().map(one).max().unwrap_or(0) + slowest + 4 * self.longest;
        // With different intervals the same may happen by an advert that was on its way: once more.
        if self.slowest() == self.fastest() {
            once
        } else {
            2 * once
        }
    }

    /// The same until the last preemption, with preempt_delay D: a lower advert starts D, the last one
    /// accepted restarts the down interval.
    pub fn preemption(&self) -> i64 {
        let delay = |(_, member): (&Virtual, &Member)| match member.preempt {
            Preempt::After(delay) => delay.as_nanos() as i64,
            _ => 0,
        };
        let alone = match self.members().map(delay).max().unwrap_or(0) {
            0 => self.convergence(),
            delay => 2 * self.convergence() + delay,
        };
        // The last member decides, and what it heard last may have been sent to it alone.
        if self.grouped { 2 * alone } else { alone }
    }

    pub fn config(&self, vr: usize, node: usize, member: &Member) -> InstanceConfig {
        let one = &self.virtuals[vr];
        let vrid = Vrid::new(one.vrid).expect("1..=255");
        let role = match BackupPriority::new(member.priority) {
            Some(priority) => Role::Backup {
                priority,
                preempt: member.preempt,
            },
            None => Role::Owner,
        };
        let format = match one.version {
            2 => WireFormat::V2 { auth: V2Auth::None },
            _ => WireFormat::V3 {
                ipv4_checksum: if one.vrid.is_multiple_of(2) {
                    Checksum::MessageOnly
                } else {
                    Checksum::PseudoHeader
                },
                accept: ChecksumPolicy::Either,
            },
        };
        let mut config = InstanceConfig::new(vrid, one.family, role)
            .with_format(format)
            .with_interval(AdvertInterval::from_centis(member.centis).expect("1..=4095"))
            .with_addresses(one.addresses.clone())
            .with_down_adverts(NonZeroU8::new(one.down_adverts as u8).expect("not zero"))
            .with_answer_lower(one.answer_lower)
            .with_advert_on_yield(one.advert_on_yield);
        if one.unicast {
            let others = (0..self.routers).filter(|other| *other != node);
            let address = |other| {
                self.lan
                    .address(NodeId(other), one.family)
                    .expect("planned")
            };
            let peers = others.map(|other| Peer::new(address(other))).collect();
            config = config.with_transport(Transport::Unicast {
                peers,
                check_source: true,
            });
        }
        config
    }

    pub fn configs(&self, node: usize) -> Vec<InstanceConfig> {
        let all = self.virtuals.iter().enumerate();
        all.map(|(vr, one)| self.config(vr, node, &one.members[node]))
            .collect()
    }

    /// The network, switched off, with the history on its way.
    pub fn world(&self) -> World<Station> {
        let router = |node| {
            let router = RouterNode::new(NodeId(node), Arc::clone(&self.lan), self.configs(node));
            if self.grouped {
                router.grouped().into()
            } else {
                router.into()
            }
        };
        let mut stations: Vec<Station> = (0..self.routers).map(router).collect();
        if let Some(refresh) = self.host {
            let wants = self
                .virtuals
                .iter()
                .flat_map(|one| one.addresses.clone())
                .collect();
            stations.push(HostNode::new(wants, Duration::from_nanos(refresh as u64)).into());
        }
        let mut world = World::new(self.seed, stations, self.link.clone());
        for (at, fault) in &self.script {
            world.at(Instant::from_nanos(*at), fault.clone());
        }
        world
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} routers, {}{}",
            self.seed,
            self.routers,
            self.link,
            if self.grouped { ", in groups" } else { "" }
        )?;
        for one in &self.virtuals {
            writeln!(
                f,
                "  {:?} vrid {} v{} {}, down after {} adverts, answer_lower {}, advert_on_yield {}",
                one.family,
                one.vrid,
                one.version,
                if one.unicast { "unicast" } else { "multicast" },
                one.down_adverts,
                one.answer_lower,
                one.advert_on_yield,
            )?;
            for (node, member) in one.members.iter().enumerate() {
                let address = self.lan.address(NodeId(node), one.family).expect("planned");
                writeln!(
                    f,
                    "    n{node} {address} priority {} {:?} interval {} cs",
                    member.priority, member.preempt, member.centis
                )?;
            }
        }
        for (at, fault) in &self.script {
            writeln!(
                f,
                "  {:>17} {fault}",
                netsim::Seconds(Instant::from_nanos(*at)).to_string()
            )?;
        }
        write!(
            f,
            "  {:>17} end",
            netsim::Seconds(Instant::from_nanos(self.end)).to_string()
        )
    }
}

pub fn choose<'a, T>(random: &mut Random, list: &'a [T]) -> &'a T {
    &list[random.below(list.len() as u64) as usize]
}

fn pick(random: &mut Random, list: &[usize]) -> usize {
    *choose(random, list)
}

pub fn between(random: &mut Random, low: i64, high: i64) -> i64 {
    low + random.below((high - low).max(0) as u64 + 1) as i64
}

/// Different addresses in random order, so that the order of the nodes says nothing about ties.
fn lan(random: &mut Random, nodes: usize) -> Arc<Lan> {
    let mut numbers: Vec<u8> = (1..=250).collect();
    let address = |_| {
        let n = numbers.swap_remove(random.below(numbers.len() as u64) as usize);
        // The last octet decides for some pairs, the first different one for others.
        let third = if n.is_multiple_of(3) { 1 } else { 2 };
        let v4 = Ipv4Addr::new(10, 0, third, n);
        (
            v4,
            Ipv6Addr::new(0xfe80, 0, 0, 0, u16::from(third), 0, 0, n.into()),
        )
    };
    Lan::new((0..nodes).map(address).collect())
}

fn virtual_router(random: &mut Random, routers: usize, base: u16, place: u8) -> Virtual {
    let version = if random.chance(250_000) { 2 } else { 3 };
    let v6 = version == 3 && random.chance(400_000);
    let base = if version == 2 {
        base.div_ceil(100) * 100
    } else {
        base
    };
    let mixed_intervals = version == 3 && random.chance(150_000);
    let preempt_mode = random.below(10);
    let priorities = random.below(5);
    let around = between(random, 2, 253) as u8;
    let member = |random: &mut Random| {
        let priority = match priorities {
            0 => around,
            1 => around + random.below(2) as u8,
            2 => between(random, 252, 254) as u8,
            _ => between(random, 1, 254) as u8,
        };
        let delay = Duration::from_nanos(
            (i64::from(base) * CENTI) as u64 * *choose(random, &[1, 4, 20]) / 2,
        );
        let preempt = match (preempt_mode, random.below(3)) {
            (0..=4, _) | (8, 0) | (9, 0) => Preempt::Immediately,
            (5..=6, _) | (8, 1) | (9, 1) => Preempt::Never,
            _ => Preempt::After(delay),
        };
        let factor = if mixed_intervals {
            *choose(random, &[1, 2, 3, 5])
        } else {
            1
        };
        Member {
            priority,
            preempt,
            centis: (base * factor).min(4095),
        }
    };
    let mut members: Vec<Member> = (0..routers).map(|_| member(random)).collect();
    if random.chance(200_000) {
        let owner = random.below(routers as u64) as usize;
        members[owner].priority = 255;
    }
    let count = between(random, 1, 3) as u8;
    let address = |n: u8| match v6 {
        false => IpAddr::V4(Ipv4Addr::new(192, 0, place, n)),
        true => {
            let first = if n == 1 { 0xfe80 } else { 0x2001 };
            IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 1, 0, place.into(), n.into()))
        }
    };
    Virtual {
        family: if v6 { Family::Ipv6 } else { Family::Ipv4 },
        vrid: between(random, 1, 255) as u8,
        version,
        unicast: random.chance(250_000),
        down_adverts: *choose(random, &[3, 3, 3, 3, 3, 3, 2, 5]),
        answer_lower: !random.chance(150_000),
        advert_on_yield: random.chance(200_000),
        addresses: (1..=count).map(address).collect(),
        members,
    }
}

/// The members of a group want the same: where each wins another contest, none of them can stay.
fn make_alike(random: &mut Random, virtuals: &mut Vec<Virtual>) {
    let first = virtuals[0].clone();
    let count = if random.chance(300_000) { 3 } else { 2 };
    virtuals.truncate(1);
    for place in 1..count {
        let mut next = first.clone();
        next.vrid = ((u16::from(first.vrid) - 1 + u16::from(place)) % 255 + 1) as u8;
        for address in &mut next.addresses {
            *address = match *address {
                IpAddr::V4(address) => {
                    let [a, b, c, d] = address.octets();
                    Ipv4Addr::new(a, b, c + 10 * place, d).into()
                }
                IpAddr::V6(address) => {
                    let mut segments = address.segments();
                    segments[6] += 10 * u16::from(place);
                    Ipv6Addr::from(segments).into()
                }
            };
        }
        virtuals.push(next);
    }
}

/// A clean link and its largest delay, small beside the interval.
fn link(random: &mut Random, virtuals: &[Virtual]) -> (Link, i64, i64) {
    let centis = virtuals
        .iter()
        .flat_map(|v| v.members.iter().map(|m| m.centis))
        .min();
    let interval = i64::from(centis.unwrap_or(1)) * CENTI;
    let longest = *choose(
        random,
        &[0, 1, 50_000, 300_000, 2_000_000, 10_000_000, interval / 4],
    );
    let longest = longest.min(interval / 4).min(300_000_000);
    let shortest = match random.below(3) {
        0 => 0,
        1 => longest,
        _ => between(random, 0, longest),
    };
    let nanos = |n: i64| Duration::from_nanos(n as u64);
    (
        Link::new(nanos(shortest)..=nanos(longest)),
        longest,
        longest - shortest,
    )
}
