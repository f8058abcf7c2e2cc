//! One run: a world from the cluster, the script put into it, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use keepalived_driver::tracked::TrackerKind;
use netsim::{Budget, Fault, Instant, Link, Loss, NodeId, Random, World};

use super::client::Client;
use super::cluster::Cluster;
use super::cuts::Somebody;
use super::frame::Order;
use super::recorder::{Found, Recorder};
use super::router::RouterBox;
use super::script::{End, Step, What, is_whole, one_is_worse, tracker};
use super::station::Station;
use super::topology::{Object, Shared};

/// How a run is to be.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) length: Duration,
    /// So much longer at most, while a client has yet to find out who has an address.
    pub(super) patience: Duration,
    pub(super) delay: (Duration, Duration),
    /// In parts per million.
    pub(super) loss: u32,
    pub(super) duplicate: u32,
    pub(super) reorder: bool,
    /// Starts and the script are late by up to this, as the seed has it.
    pub(super) spread: Duration,
}

impl Settings {
    fn link(&self, loss: u32) -> Link {
        let link = Link::new(self.delay.0..=self.delay.1).with_duplicates(self.duplicate);
        let link = match loss {
            0 => link,
            ppm => link.with_loss(Loss::Random(ppm)),
        };
        if self.reorder {
            link.with_reordering()
        } else {
            link
        }
    }
}

/// The script, with every name found.
#[derive(Clone, Debug)]
pub(super) struct Ready(Vec<(Duration, Vec<Fault<Order>>)>);

/// Finds every name of the script.
pub(super) fn prepare(
    cluster: &Cluster,
    settings: &Settings,
    script: &[Step],
) -> Result<Ready, String> {
    let topology = &cluster.topology;
    let clients: Vec<NodeId> = (0..topology.wires.len())
        .map(|wire| topology.client(wire))
        .collect();
    let all = |one: &Option<usize>| match one {
        Some(node) => vec![NodeId(*node)],
        None => clients.clone(),
    };
    let mut reloads = cluster.reloads.iter();
    let mut faults = |what: &What| {
        let tell = |node: usize, order| vec![Fault::Tell(NodeId(node), order)];
        Ok(match what {
            What::Kill(node) => vec![Fault::Crash(NodeId(*node))],
            What::Stop(node) => vec![Fault::Stop(NodeId(*node))],
            What::Start(node) => vec![Fault::Start(NodeId(*node))],
            What::Stall(node, length) => vec![Fault::Stall(NodeId(*node), *length)],
            What::Link(node, interface, up) => {
                if topology.ports(*node).all(|known| known != *interface) {
                    let known: Vec<String> =
                        topology.ports(*node).map(|port| port.to_string()).collect();
                    return Err(format!(
                        "the file of {} has no interface {interface} (there are: {})",
                        cluster
                            .nodes
                            .get(*node)
                            .map_or("", |node| node.name.as_str()),
                        known.join(", ")
                    ));
                }
                tell(
                    *node,
                    Order::Link {
                        interface: *interface,
                        up: *up,
                    },
                )
            }
            What::Cut(from, to) if from.interface.or(to.interface).is_some() => {
                let wire = wire_of(cluster, &[*from, *to])?;
                let (from, to) = (from.who, to.who);
                let order = Order::Cut { wire, from, to };
                vec![Fault::Tell(topology.client(wire), order)]
            }
            What::Partition(cells) if cells.iter().flatten().any(|one| one.interface.is_some()) => {
                let all: Vec<End> = cells.iter().flatten().copied().collect();
                let wire = wire_of(cluster, &all)?;
                let nodes = (0..cluster.nodes.len()).filter(|node| {
                    let ports = topology.wires.get(wire).into_iter().flatten();
                    ports.into_iter().any(|port| port.0 == *node)
                });
                let name = |node: usize| {
                    cluster
                        .nodes
                        .get(node)
                        .map_or("", |node| node.name.as_str())
                };
                is_whole(cells, nodes.map(|node| (node, name(node))))?;
                let who = |cell: &Vec<End>| cell.iter().map(|one| one.who).collect();
                let mut cells: Vec<Vec<Somebody>> = cells.iter().map(who).collect();
                let mentioned = cells.iter().flatten().any(Option::is_none);
                if let (false, Some(first)) = (mentioned, cells.first_mut()) {
                    first.push(None);
                }
                vec![Fault::Tell(
                    topology.client(wire),
                    Order::Part { wire, cells },
                )]
            }
            What::Cut(from, to) => {
                let mut cuts = Vec::new();
                for from in all(&from.who) {
                    cuts.extend(all(&to.who).into_iter().map(|to| Fault::OneWay(from, to)));
                }
                cuts
            }
            What::Partition(cells) => {
                let names = cluster.nodes.iter().map(|node| node.name.as_str());
                is_whole(cells, names.enumerate())?;
                let mut cells: Vec<Vec<NodeId>> = cells
                    .iter()
                    .map(|cell| cell.iter().flat_map(|one| all(&one.who)).collect())
                    .collect();
                // Clients that nobody mentions are with the first.
                let mentioned = cells.iter().flatten().any(|node| clients.contains(node));
                if let (false, Some(first)) = (mentioned, cells.first_mut()) {
                    first.extend(&clients);
                }
                vec![Fault::Partition(cells)]
            }
            What::Heal => vec![Fault::Heal],
            What::Reload(node, _) => {
                let file = reloads.next().copied().unwrap_or_default();
                tell(*node, Order::Reload(file))
            }
            What::Object(node, name, is) => {
                let setups = topology.setups.get(*node);
                let id = tracker(setups.map_or(&[], Vec::as_slice), name)?;
                if matches!(is, Object::Value(_)) && id.kind != TrackerKind::File {
                    let kind = id.kind.word();
                    return Err(format!("{name} is a {kind}: use fail= or ok="));
                }
                if !matches!(is, Object::Value(_))
                    && id.kind == TrackerKind::File
                    && !one_is_worse(setups.map_or(&[], Vec::as_slice), &id)
                {
                    return Err(format!(
                        "fail= and ok= are 1 and 0 in a file, and nobody who tracks {name} is worse off with 1: \
                         use value={name}@NODE:NUMBER"
                    ));
                }
                tell(*node, Order::Object { id, is: *is })
            }
            What::Clock(node, step) => tell(*node, Order::Clock(*step)),
            What::Loss(ppm) => vec![Fault::SetLink(settings.link(*ppm))],
        })
    };
    let mut ready = Vec::new();
    for step in script {
        let faults = faults(&step.what);
        let faults = faults.map_err(|error: String| format!("--at {}: {error}", step.text))?;
        ready.push((step.at, faults));
    }
    Ok(Ready(ready))
}

/// The wire of these interfaces. Who names none has one there, or is the client.
fn wire_of(cluster: &Cluster, ends: &[End]) -> Result<usize, String> {
    let topology = &cluster.topology;
    let name = |node: usize| {
        cluster
            .nodes
            .get(node)
            .map_or("", |node| node.name.as_str())
    };
    let mut named = ends
        .iter()
        .filter_map(|end| Some((end.who?, end.interface?)));
    let (first, interface) = named.next().ok_or("want an interface of a node")?;
    let known = |node, interface| {
        let wire = topology.wire_of.get(&(node, interface)).copied();
        wire.ok_or_else(|| {
            let known: Vec<String> = topology.ports(node).map(|port| port.to_string()).collect();
            format!(
                "the file of {} has no interface {interface} (there are: {})",
                name(node),
                known.join(", ")
            )
        })
    };
    let wire = known(first, interface)?;
    for (node, other) in named {
        if known(node, other)? != wire {
            return Err(format!(
                "{interface} of {} and {other} of {} are on different networks",
                name(first),
                name(node)
            ));
        }
    }
    for node in ends.iter().filter_map(|end| end.who) {
        let ports = topology.wires.get(wire).into_iter().flatten();
        if ports.into_iter().all(|port| port.0 != node) {
            return Err(format!(
                "{} has no interface on the network of {interface} of {}",
                name(node),
                name(first)
            ));
        }
    }
    Ok(wire)
}

fn at(time: Duration) -> Instant {
    Instant::from_nanos(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}

/// Lets it happen. `brief` keeps no adverts and no events.
pub(super) fn play(
    cluster: &Cluster,
    names: &[String],
    settings: &Settings,
    script: &Ready,
    seed: u64,
    brief: bool,
) -> Found {
    let topology = &cluster.topology;
    let shared = Shared::new(topology);
    let mut random = Random::new(seed ^ SPREAD);
    let mut stations = Vec::new();
    for (node, files) in topology.setups.iter().enumerate() {
        let Some(setup) = files.first() else {
            continue;
        };
        let sessions = random.bits();
        let router = RouterBox::new(node, shared.clone(), Arc::clone(setup), sessions);
        stations.push(Station::Router(Box::new(router)));
    }
    let mut doubts = Random::new(seed ^ DOUBTS);
    for wire in 0..topology.wires.len() {
        let client = Client::new(wire, &shared, doubts.bits());
        stations.push(Station::Client(client, Default::default()));
    }
    let count = stations.len();
    let link = settings.link(settings.loss);
    let clean = link.is_clean();
    let mut world = World::new(seed, stations, link);
    world.set_budget(Budget {
        records: 50_000_000,
        pending: 4_000_000,
        ..Budget::default()
    });
    let mut late = || random.duration(&(Duration::ZERO..=settings.spread));
    for node in 0..count {
        let start = if node < topology.nodes() {
            late()
        } else {
            Duration::ZERO
        };
        world.at(at(start), Fault::Start(NodeId(node)));
    }
    let shift = late();
    for (time, faults) in &script.0 {
        for fault in faults {
            world.at(at(*time + shift), fault.clone());
        }
    }
    let recorder = Recorder::new(shared, names, &cluster.wires, &cluster.instances);
    let mut recorder = recorder.on(settings.delay.1, clean);
    if brief {
        recorder = recorder.brief();
    }
    let mut end = settings.length;
    let latest = end + settings.patience;
    loop {
        if let Err(violation) = world.run_until(at(end), &mut recorder) {
            recorder.object("simulation", violation.to_string());
            break;
        }
        if end >= latest || !recorder.is_astray(world.net()) {
            break;
        }
        end = latest.min(end + STEP);
    }
    let end = world.now().saturating_duration_since(Instant::ZERO);
    recorder.finish(end, world.net())
}

/// By so much a run is made longer at a time.
const STEP: Duration = Duration::from_secs(5);

/// So that starts do not draw from the sequence of the frames.
const SPREAD: u64 = 0x5eed_0f5a_11e7_ab1e;

/// The same for what clients doubt.
const DOUBTS: u64 = 0xc11e_47d0_0b75_0000;
