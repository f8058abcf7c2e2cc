//! Routers whose kernels fail them: `netlink_vip::Reconciler` and a kernel that speaks rtnetlink below
//! each, so that "Active" and "the address is there" can part. A killed daemon leaves its kernel as it was.

#[path = "../../netlink-vip/tests/common/mod.rs"]
mod common;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{Rig, TAG};
use netlink_vip::{InterfaceName, KernelEvent, Object, OwnerId, Reconciler, Tag, Vip};
use netsim::vrrp::{Frame, Key, Lan, Note, Order, RouterNode, Station};
use netsim::{Effect, Fault, Instant, Link, Node, NodeId, Power, Random, World};
use vrrp_fsm::proto::{Family, Vrid};
use vrrp_fsm::{BackupPriority, Event, InstanceConfig, Preempt, Role, State};

const OWNER: u32 = 1;
const DEVICE: &str = "eth0";
const ROUTERS: usize = 2;
const BEST: NodeId = NodeId(0);
const OTHER: NodeId = NodeId(1);
const EACCES: i32 = 13;

/// What a kernel, or somebody on that host, does to a daemon.
#[derive(Copy, Clone, Debug)]
enum Mischief {
    /// It refuses one of the addresses, or no longer.
    Refuse(bool),
    /// It takes requests and answers none, or does again.
    Deaf(bool),
    /// It has no room for notifications, or has again, and says then that some are lost.
    Lossy(bool),
    /// Somebody removes an address.
    Steal,
    /// The interface goes down, or up.
    Cable(bool),
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

fn addresses() -> [IpAddr; 2] {
    ["192.0.2.100", "192.0.2.101"].map(|text| text.parse().expect("an address"))
}

fn key() -> Key {
    Key {
        family: Family::Ipv4,
        vrid: 51,
    }
}

/// A virtual router on its host.
struct Machine {
    router: Station,
    rig: Rig,
    running: bool,
    /// What the kernel has never taken: no reason to let go of the rest.
    refused: BTreeSet<String>,
    /// Announcements of addresses that are not there yet.
    held: Vec<Effect<Frame, Note>>,
    out: VecDeque<Effect<Frame, Note>>,
}

impl Machine {
    fn new(id: NodeId, lan: Arc<Lan>, config: InstanceConfig) -> Self {
        Self {
            router: RouterNode::new(id, lan, vec![config]).into(),
            rig: Rig::new(),
            running: false,
            refused: BTreeSet::new(),
            held: Vec::new(),
            out: VecDeque::new(),
        }
    }

    fn state(&self) -> Option<State> {
        self.router.router()?.state(key())
    }

    /// The virtual addresses in its kernel.
    fn holds(&self) -> usize {
        let there = |address: &&IpAddr| self.rig.kernel.at(**address).is_some();
        addresses().iter().filter(there).count()
    }

    fn want(&mut self, addresses: &[IpAddr]) {
        let device = InterfaceName::new(DEVICE).expect("a name");
        let vip = |address: &IpAddr| Vip::new(*address, 24, device);
        let vips: Vec<Vip> = addresses.iter().map(vip).collect();
        self.rig.set(OWNER, &vips);
    }

    /// Carries what the router wants to the kernel and what the kernel says to the router, until neither
    /// has anything to say.
    fn settle(&mut self, now: Instant) {
        self.rig.now = now;
        loop {
            while let Some(effect) = self.router.poll_effect() {
                match &effect {
                    Effect::Note(Note::Installed { addresses, .. }) => self.want(addresses),
                    Effect::Note(Note::Removed { .. }) => {
                        self.held.clear();
                        self.want(&[]);
                    }
                    Effect::Send {
                        frame: Frame::Announce { .. },
                        ..
                    } if !self.rig.reconciler.is_installed(OwnerId(OWNER)) => {
                        self.held.push(effect);
                        continue;
                    }
                    _ => {}
                }
                self.out.push_back(effect);
            }
            self.rig.run();
            let events = self.rig.events();
            if events.is_empty() {
                return;
            }
            for event in events {
                self.hear(now, &event);
            }
        }
    }

    fn hear(&mut self, now: Instant, event: &KernelEvent) {
        let name = |object: &Object| object.to_string();
        match event {
            KernelEvent::Installed { .. } => {
                self.refused.clear();
                self.out.extend(self.held.drain(..));
            }
            KernelEvent::Failed { object, .. } => {
                self.refused.insert(name(object));
            }
            KernelEvent::GaveUp { object, .. } if !self.refused.contains(&name(object)) => {
                let order = Order::Event(Event::AddressLost);
                self.router.handle_order(now, &order);
            }
            KernelEvent::Repaired { .. } => {
                self.router.handle_order(now, &Order::Event(Event::Suspect));
            }
            KernelEvent::LinkAppeared { up, name, .. }
            | KernelEvent::LinkChanged { up, name, .. }
                if name.as_str() == DEVICE =>
            {
                self.router.handle_link(now, *up);
            }
            _ => {}
        }
    }

    fn suffer(&mut self, mischief: Mischief) {
        let [first, second] = addresses();
        let kernel = &mut self.rig.kernel;
        match mischief {
            Mischief::Refuse(true) => {
                kernel.refuse.insert(second, (EACCES, "not this one"));
            }
            Mischief::Refuse(false) => kernel.refuse.clear(),
            Mischief::Deaf(deaf) => kernel.deaf = deaf,
            Mischief::Lossy(lossy) => kernel.lossy = lossy,
            Mischief::Steal => {
                if let Some(address) = kernel.at(first).cloned() {
                    kernel.take(&address, 0, 0);
                }
            }
            Mischief::Cable(up) => kernel.switch_link(1, up),
        }
    }
}

impl Node for Machine {
    type Frame = Frame;
    type Order = Mischief;
    type Note = Note;

    fn handle_power(&mut self, now: Instant, power: Power) {
        self.rig.now = now;
        match power {
            Power::Start => {
                self.running = true;
                self.out.clear();
                self.held.clear();
                self.refused.clear();
                // The kernel is that of before, with what a killed daemon has left in it.
                self.rig.reconciler = Reconciler::new(Tag(TAG));
                self.rig.reconciler.start(now);
                self.want(&[]);
                self.rig.reconciler.adopt_or_clean(now);
                self.router.handle_power(now, power);
                let up = self.rig.kernel.links.get(&1).is_some_and(|link| link.up);
                self.router.handle_link(now, up);
            }
            Power::Stop => self.router.handle_power(now, power),
            Power::Crash => {
                self.router.handle_power(now, power);
                self.running = false;
                return;
            }
        }
        self.settle(now);
        self.running = power == Power::Start;
    }

    fn handle_frame(&mut self, now: Instant, from: NodeId, frame: &Frame) {
        self.router.handle_frame(now, from, frame);
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.router.handle_timeout(now);
        self.settle(now);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let kernel = self.rig.reconciler.next_timeout();
        self.router.next_timeout().into_iter().chain(kernel).min()
    }

    fn poll_effect(&mut self) -> Option<Effect<Frame, Note>> {
        self.out.pop_front()
    }

    fn handle_order(&mut self, now: Instant, order: &Mischief) {
        self.suffer(*order);
        self.settle(now);
    }
}

fn config(priority: u8) -> InstanceConfig {
    let priority = BackupPriority::new(priority).expect("1..=254");
    let preempt = Preempt::Immediately;
    let role = Role::Backup { priority, preempt };
    let vrid = Vrid::new(51).expect("1..=255");
    InstanceConfig::new(vrid, Family::Ipv4, role).with_addresses(addresses())
}

/// Priorities 200 and 100, a second between adverts, 1 ms from one to the other.
fn pair(seed: u64) -> World<Machine> {
    let lan = Lan::counted(2);
    let machine = |id, priority| Machine::new(id, Arc::clone(&lan), config(priority));
    let machines = vec![machine(BEST, 200), machine(OTHER, 100)];
    let mut world = World::new(seed, machines, Link::fixed(Duration::from_millis(1)));
    world.start_all();
    run(&mut world, 10_000);
    world
}

fn run(world: &mut World<Machine>, millis: u64) {
    let result = world.run_for(Duration::from_millis(millis));
    result.expect("nothing runs wild");
}

fn tell(world: &mut World<Machine>, whom: NodeId, mischief: Mischief) {
    world.at(world.now(), Fault::Tell(whom, mischief));
}

/// State and number of addresses in the kernel, of each.
fn seen(world: &World<Machine>) -> [(Option<State>, usize); ROUTERS] {
    let look = |id| {
        let machine = world.node(id).expect("it is there");
        (machine.state(), machine.holds())
    };
    [look(BEST), look(OTHER)]
}

const ACTIVE: (Option<State>, usize) = (Some(State::Active), 2);
const BACKUP: (Option<State>, usize) = (Some(State::Backup), 0);

/// LESSONS A11, VIP-06: the others are kept, nothing goes back and forth, and it is there when it may be.
#[test]
fn an_address_that_the_kernel_refuses_leaves_the_rest_with_the_active_router() {
    let mut world = pair(1);
    world.at(world.now(), Fault::Stop(BEST));
    run(&mut world, 10_000);
    world.at(world.now(), Fault::Start(BEST));
    tell(&mut world, BEST, Mischief::Refuse(true));
    run(&mut world, 60_000);
    assert_eq!(seen(&world), [(Some(State::Active), 1), BACKUP]);
    tell(&mut world, BEST, Mischief::Refuse(false));
    run(&mut world, 120_000);
    assert_eq!(seen(&world), [ACTIVE, BACKUP]);
}

/// VIP-06: what the kernel never answered is asked again, and found out by a dump.
#[test]
fn answers_that_never_come_are_not_taken_for_addresses() {
    let mut world = pair(1);
    tell(&mut world, OTHER, Mischief::Deaf(true));
    world.at(world.now(), Fault::Crash(BEST));
    run(&mut world, 10_000);
    assert_eq!(seen(&world)[1], (Some(State::Active), 0));
    tell(&mut world, OTHER, Mischief::Deaf(false));
    run(&mut world, 30_000);
    assert_eq!(seen(&world)[1], ACTIVE);
}

/// LESSONS E13: after an overrun the tables are read again and repaired.
#[test]
fn what_was_removed_while_nobody_could_tell_is_put_back() {
    let mut world = pair(1);
    tell(&mut world, BEST, Mischief::Lossy(true));
    tell(&mut world, BEST, Mischief::Steal);
    run(&mut world, 1_000);
    assert_eq!(seen(&world)[0].1, 0, "the second goes with the first");
    tell(&mut world, BEST, Mischief::Lossy(false));
    run(&mut world, 5_000);
    assert_eq!(seen(&world), [ACTIVE, BACKUP]);
}

/// LESSONS A11, KA-M-08: removed once it is back at once; removed for ever, the other router takes over.
#[test]
fn who_is_robbed_again_and_again_lets_the_other_take_over() {
    let mut world = pair(1);
    tell(&mut world, BEST, Mischief::Steal);
    run(&mut world, 1_000);
    assert_eq!(seen(&world), [ACTIVE, BACKUP]);
    let mut taken_over = false;
    for _ in 0..600 {
        tell(&mut world, BEST, Mischief::Steal);
        run(&mut world, 100);
        taken_over |= seen(&world)[1] == ACTIVE;
    }
    assert!(taken_over);
    run(&mut world, 120_000);
    assert_eq!(seen(&world), [ACTIVE, BACKUP]);
}

/// LESSONS A11, E10: a killed daemon's kernel keeps the addresses; the next run lets go of them before it
/// has heard who is Active.
#[test]
fn what_a_killed_daemon_has_left_goes_with_the_next_run() {
    let mut world = pair(1);
    world.at(world.now(), Fault::Crash(BEST));
    run(&mut world, 10_000);
    assert_eq!(seen(&world), [(None, 2), ACTIVE]);
    world.at(world.now(), Fault::Start(BEST));
    run(&mut world, 100);
    assert_eq!(seen(&world), [BACKUP, ACTIVE]);
    run(&mut world, 10_000);
    assert_eq!(seen(&world), [ACTIVE, BACKUP]);
}

/// A random history, and since when each kernel has been left alone.
struct History {
    world: World<Machine>,
    random: Random,
    calm_since: [Instant; ROUTERS],
}

impl History {
    fn new(seed: u64) -> Self {
        let world = pair(seed);
        let calm_since = [world.now(); ROUTERS];
        let random = Random::new(seed);
        Self {
            world,
            random,
            calm_since,
        }
    }

    fn incident(&mut self) {
        let index = usize::from(self.random.chance(500_000));
        let (id, on) = (NodeId(index), self.random.chance(500_000));
        let kernel = |mischief| Fault::Tell(id, mischief);
        let fault = match self.random.below(9) {
            0 => Fault::Crash(id),
            1 => Fault::Stop(id),
            2 => Fault::Start(id),
            3 => kernel(Mischief::Refuse(on)),
            4 => kernel(Mischief::Deaf(on)),
            5 => kernel(Mischief::Lossy(on)),
            6 => kernel(Mischief::Cable(on)),
            7 => Fault::Stall(id, Duration::from_millis(self.random.below(6_000))),
            _ => kernel(Mischief::Steal),
        };
        self.world.at(self.world.now(), fault);
        self.calm_since[index] = self.world.now();
    }

    /// Everybody is told to behave, and started. Whoever is off hears of nothing, so this is done twice.
    fn heal(&mut self) {
        for id in [BEST, OTHER, BEST, OTHER] {
            for mischief in [
                Mischief::Refuse(false),
                Mischief::Deaf(false),
                Mischief::Lossy(false),
                Mischief::Cable(true),
            ] {
                tell(&mut self.world, id, mischief);
            }
            self.world.at(self.world.now(), Fault::Start(id));
            // The last stall may still go on.
            self.run(3_500);
        }
    }

    /// Whose kernel has been left alone for a while holds addresses only while it is Active.
    fn run(&mut self, millis: u64) {
        for _ in 0..=millis / STEP {
            run(&mut self.world, STEP);
            let now = self.world.now();
            for (machine, calm_since) in self.world.nodes().zip(&mut self.calm_since) {
                let kernel = &machine.rig.kernel;
                if kernel.deaf || kernel.lossy {
                    *calm_since = now;
                }
                let calm = now.saturating_duration_since(*calm_since);
                let idle = matches!(machine.state(), Some(State::Backup | State::Initialize));
                assert!(
                    calm < A_WHILE || !idle || machine.holds() == 0,
                    "at {now:?} {:?} holds {}",
                    machine.state(),
                    machine.holds()
                );
            }
        }
    }
}

/// Milliseconds between two looks.
const STEP: u64 = 500;
/// Longer than a stall, and than the kernel is waited for.
const A_WHILE: Duration = Duration::from_secs(15);

/// After whatever has happened there is one Active router, its kernel has all addresses and the other none.
#[test]
fn whatever_kernels_do_addresses_end_with_the_one_active_router() {
    for seed in 0..400 {
        let mut history = History::new(seed);
        for _ in 0..=history.random.below(12) {
            history.incident();
            let pause = history.random.below(8_000);
            history.run(pause);
        }
        history.heal();
        history.run(300_000);
        assert_eq!(seen(&history.world), [ACTIVE, BACKUP], "seed {seed}");
    }
}
