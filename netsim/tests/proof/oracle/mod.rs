//! Looks at every record of a run and objects to what the invariants forbid.
//!
//! Two kinds of rule. Local ones compare each virtual router with its [`Model`] after every turn of its
//! node: state, adverts sent, addresses, order of actions. Global ones know nothing of timers but the
//! bounds: one Active, takeover in time, no clash, nothing unreachable.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netsim::vrrp::{Frame, Key, Order, Station};
use netsim::{Fault, Instant, Lost, Net, NodeId, Observer, Record, Violation};
use vrrp_fsm::InstanceConfig;
use vrrp_fsm::proto::Family;

use super::figures::Figures;
use super::model::{Is, Model, Setup};
use super::scenario::{Scenario, Virtual};

macro_rules! broken {
    ($now:expr, $rule:expr, $($detail:tt)*) => {
        Err(Violation::Broken {
            at: Instant::from_nanos($now),
            rule: $rule,
            detail: format!($($detail)*),
        })
    };
}

mod calm;
mod turn;

/// Something that happened to a stalled node and has not reached it yet.
#[derive(Clone)]
enum Missed {
    Stop,
    Link(bool),
    Order(Order),
}

#[derive(Default)]
struct Seat {
    configs: Vec<InstanceConfig>,
    missed: Vec<Missed>,
    /// The virtual routers that were told of a fault.
    faulted: BTreeSet<usize>,
    /// As of the last record: when the record of waking comes, time has passed for a stalled node.
    stalled: bool,
    woke: bool,
    /// Packets it has to refuse in this turn.
    refusals: u32,
    /// It was told nothing new and must do nothing.
    silent: bool,
}

/// Somebody has to take over.
struct Takeover {
    from: usize,
    by: i64,
    /// When the best one is due.
    due: i64,
    graceful: bool,
}

/// One virtual router on all nodes.
struct Group {
    key: Key,
    models: Vec<Model>,
    seen: Vec<Is>,
    active_since: Vec<i64>,
    installed: Vec<bool>,
    /// State at the end of the last turn.
    before: Vec<Is>,
    /// How far each node is on its way to Active: nothing, advert, installed, announced.
    step: Vec<u8>,
    /// When the last adverts were sent that did not get from one to the other, since the last that did.
    lost: Vec<Vec<Vec<i64>>>,
    /// Since when two Actives have heard each other, and how long that may go on.
    clash: Vec<Vec<Option<(i64, i64)>>>,
    takeover: Option<Takeover>,
    /// Whom the host believes for each address.
    believed: Vec<Option<NodeId>>,
    /// Whom it has to believe by when.
    believe: Option<(i64, usize)>,
    /// States were looked at since they last changed.
    judged: bool,
    host_judged: bool,
}

impl Group {
    fn loses(&mut self, from: usize, to: usize, now: i64) {
        let lost = &mut self.lost[from][to];
        // More than enough adverts in a row.
        if lost.len() < 10 {
            lost.push(now);
        }
    }
}

pub struct Oracle<'a> {
    scenario: &'a Scenario,
    now: i64,
    /// As it was since the last record.
    net: Net,
    /// The local rules are off.
    weak: bool,
    seats: Vec<Seat>,
    groups: Vec<Group>,
    /// Nothing has gone wrong since.
    calm_since: i64,
    last_fault: i64,
    clean: bool,
    settle: i64,
    tainted: bool,
    pub figures: Figures,
}

type Check = Result<(), Violation>;

impl<'a> Oracle<'a> {
    /// `net` is the network before anything happens.
    /// With `weak` the model only follows, and the global rules have to find everything alone.
    pub fn new(scenario: &'a Scenario, net: &Net, weak: bool) -> Self {
        let n = scenario.routers;
        let group = |(vr, one): (usize, &Virtual)| Group {
            key: Key {
                family: one.family,
                vrid: one.vrid,
            },
            models: (0..n)
                .map(|node| Model::new(setup(scenario, vr, node)))
                .collect(),
            seen: vec![Is::Off; n],
            active_since: vec![0; n],
            installed: vec![false; n],
            before: vec![Is::Off; n],
            step: vec![0; n],
            lost: vec![vec![Vec::new(); n]; n],
            clash: vec![vec![None; n]; n],
            takeover: None,
            believed: vec![None; one.addresses.len()],
            believe: None,
            judged: false,
            host_judged: false,
        };
        let seats = (0..n).map(|node| Seat {
            configs: scenario.configs(node),
            ..Seat::default()
        });
        Self {
            now: 0,
            net: net.clone(),
            // The model is of one virtual router; of a group it only follows.
            weak: weak || scenario.grouped,
            seats: seats.collect(),
            groups: scenario.virtuals.iter().enumerate().map(group).collect(),
            calm_since: 0,
            last_fault: 0,
            clean: scenario.link.is_clean(),
            settle: scenario.preemption(),
            tainted: false,
            figures: Figures::default(),
            scenario,
        }
    }

    /// The run is over: checks what had to happen before `end`.
    pub fn finish(&mut self, end: Instant) -> Check {
        if self.tainted {
            self.figures.tainted = 1;
            return Ok(());
        }
        self.time_passes(end.as_nanos())
    }

    fn disturb(&mut self) {
        self.calm_since = self.now;
        for group in &mut self.groups {
            group.takeover = None;
            group.believe = None;
            group.judged = false;
            group.host_judged = false;
            group.clash.iter_mut().for_each(|row| row.fill(None));
        }
    }

    fn is_settled(&self) -> bool {
        self.clean && !self.net.is_lopsided() && self.now > self.calm_since + self.settle
    }

    fn fault(&mut self, fault: &Fault<Order>, net: &Net) -> Check {
        let takeovers: Vec<Option<Takeover>> = (0..self.groups.len())
            .map(|vr| self.who_takes_over(vr, fault))
            .collect();
        self.net = net.clone();
        self.disturb();
        self.last_fault = self.now;
        for (group, takeover) in self.groups.iter_mut().zip(takeovers) {
            group.takeover = takeover;
        }
        match fault {
            Fault::SetLink(link) => self.clean = link.is_clean(),
            Fault::SetPath(_, _, link) => self.clean &= link.is_clean(),
            Fault::Stall(NodeId(node), _) if *node < self.seats.len() => {
                self.seats[*node].stalled = net.is_stalled(NodeId(*node));
            }
            Fault::Start(NodeId(node)) if *node < self.seats.len() => {
                if self
                    .groups
                    .iter()
                    .all(|group| group.models[*node].is == Is::Off)
                {
                    self.seats[*node].faulted.clear();
                }
                for group in &mut self.groups {
                    if group.models[*node].is == Is::Off {
                        group.models[*node].unplugged = !net.is_plugged(NodeId(*node));
                        group.models[*node].start(self.now);
                    }
                }
            }
            Fault::Stop(node) => self.tell(*node, Missed::Stop),
            Fault::LinkDown(node) => self.tell(*node, Missed::Link(false)),
            Fault::LinkUp(node) => self.tell(*node, Missed::Link(true)),
            Fault::Tell(node, order) => self.tell(*node, Missed::Order(order.clone())),
            _ => {}
        }
        Ok(())
    }

    fn group_of(&self, family: Family, vrid: u8) -> Option<usize> {
        self.groups
            .iter()
            .position(|group| group.key == Key { family, vrid })
    }

    fn group_mut(&mut self, key: Key) -> &mut Group {
        let index = self.group_of(key.family, key.vrid).expect("one of ours");
        &mut self.groups[index]
    }
}

impl Observer<Station> for Oracle<'_> {
    fn observe(&mut self, now: Instant, record: &Record<'_, Station>, net: &Net) -> Check {
        if self.tainted {
            return Ok(());
        }
        let routers = self.seats.len();
        if now.as_nanos() > self.now {
            self.time_passes(now.as_nanos())?;
        }
        match record {
            Record::Fault(fault) => self.fault(fault, net)?,
            Record::Delivered {
                from,
                to,
                frame: Frame::Advert(advert),
                damaged,
            } if to.0 < routers => {
                self.delivered(from.0, to.0, advert, *damaged);
            }
            Record::Sent {
                from,
                frame: Frame::Advert(advert),
                ..
            } => self.sent(from.0, advert)?,
            Record::Lost {
                from,
                to,
                frame,
                why,
            } => {
                if matches!(why, Lost::Chance | Lost::QueueFull | Lost::Damaged) {
                    self.disturb();
                }
                if let (Frame::Advert(advert), true) = (frame, to.0 < routers)
                    && let Some(vr) = self.group_of(Family::of(advert.source), advert.message[1])
                {
                    self.groups[vr].loses(from.0, to.0, self.now);
                }
            }
            Record::Woke(node) if node.0 < routers => {
                self.net = net.clone();
                self.disturb();
                self.last_fault = self.now;
                self.seats[node.0].woke = true;
                for group in &mut self.groups {
                    group.models[node.0].turn.woke = true;
                }
                self.seats[node.0].stalled = false;
            }
            Record::Timer(node) if node.0 < routers => {
                self.catch_up(node.0);
                for group in &mut self.groups {
                    group.models[node.0].timer(self.now);
                }
            }
            Record::Note { node, note } => self.note(node.0, note)?,
            Record::Settled(node) => {
                if !self.net.is_running(*node) {
                    // The first turn of a node that was started.
                    self.net = net.clone();
                }
                if node.0 < routers {
                    self.settled(node.0)?;
                }
            }
            Record::Off(node) => {
                self.net = net.clone();
                if node.0 < routers {
                    self.off(node.0);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn setup(scenario: &Scenario, vr: usize, node: usize) -> Setup {
    let one = &scenario.virtuals[vr];
    let member = &one.members[node];
    let address: IpAddr = scenario
        .lan
        .address(NodeId(node), one.family)
        .expect("planned");
    Setup {
        version: one.version,
        address,
        interval: member.interval(),
        down_adverts: one.down_adverts,
        base: i64::from(member.priority),
        preempt: member.preempt,
        answer_lower: one.answer_lower,
        advert_on_yield: one.advert_on_yield,
    }
}
