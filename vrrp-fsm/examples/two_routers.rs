//! Two virtual routers on one link, in virtual time: the better one is Active, is stopped without
//! a word, and comes back. They exchange real octets.
//!
//! `cargo run --example two_routers`

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use vrrp_fsm::proto::{Family, HOP_LIMIT, IpMeta, Vrid};
use vrrp_fsm::{
    Action, BackupPriority, Event, Fault, Instance, InstanceConfig, Instant, Preempt, Role,
};

type Packet = (IpMeta, Vec<u8>);

struct Node {
    name: &'static str,
    address: IpAddr,
    instance: Instance,
    connected: bool,
}

impl Node {
    fn new(name: &'static str, last: u8, priority: u8) -> Result<Self, Box<dyn Error>> {
        let role = Role::Backup {
            priority: BackupPriority::new(priority).ok_or("priority")?,
            preempt: Preempt::Immediately,
        };
        let virtual_address = IpAddr::from([192, 0, 2, 100]);
        let config = InstanceConfig::new(Vrid::new(51).ok_or("vrid")?, Family::Ipv4, role)
            .with_addresses([virtual_address]);
        Ok(Self {
            name,
            address: Ipv4Addr::new(192, 0, 2, last).into(),
            instance: Instance::new(config)?,
            connected: true,
        })
    }

    fn start(&mut self, now: Instant) {
        let address = Event::PrimaryAddress(Some(self.address));
        self.instance.handle_event(now, address);
        let receiving = Event::FaultCleared(Fault::NoReceivePath);
        self.instance.handle_event(now, receiving);
        self.instance.handle_event(now, Event::Start);
    }

    /// Does what the router asks for. Returns the packets it sends.
    fn act(&mut self, now: Instant) -> Result<Vec<Packet>, Box<dyn Error>> {
        let mut packets = Vec::new();
        while let Some(action) = self.instance.poll_action() {
            if let Action::Transmit(transmit) = action {
                let advert = self.instance.advert(transmit);
                let ip = IpMeta {
                    source: self.address,
                    destination: Family::Ipv4.group(),
                    hop_limit: HOP_LIMIT,
                };
                let mut octets = vec![0; advert.buffer_len()];
                advert.emit(&ip, &mut octets)?;
                packets.push((ip, octets));
            } else {
                let seconds = Duration::from_nanos(now.as_nanos().unsigned_abs());
                println!("{:>12.6} {:5} {action:?}", seconds.as_secs_f64(), self.name);
            }
        }
        Ok(packets)
    }
}

/// Runs until nothing is due before `end`.
fn run(nodes: &mut [Node; 2], end: Instant) -> Result<(), Box<dyn Error>> {
    loop {
        let due = nodes.iter().filter_map(|node| node.instance.next_timeout());
        let Some(now) = due.min().filter(|now| *now < end) else {
            return Ok(());
        };
        let mut wire = Vec::new();
        for (from, node) in nodes.iter_mut().enumerate() {
            node.instance.handle_timeout(now);
            wire.extend(node.act(now)?.into_iter().map(|packet| (from, packet)));
        }
        // An advert may be answered by another one.
        while let Some((from, (ip, octets))) = wire.pop() {
            let to = 1 - from;
            if nodes[from].connected && nodes[to].connected {
                nodes[to].instance.handle_packet(now, &ip, &octets)?;
                wire.extend(nodes[to].act(now)?.into_iter().map(|packet| (to, packet)));
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = |seconds: i64| Instant::from_nanos(seconds * 1_000_000_000);
    let mut nodes = [Node::new("best", 1, 200)?, Node::new("spare", 2, 100)?];
    for node in &mut nodes {
        node.start(seconds(0));
        node.act(seconds(0))?;
    }
    run(&mut nodes, seconds(10))?;

    println!("             the cable of the best one is pulled");
    nodes[0].connected = false;
    run(&mut nodes, seconds(20))?;

    println!("             and plugged in again");
    nodes[0].connected = true;
    run(&mut nodes, seconds(30))?;
    for node in &nodes {
        println!("{:18} {:?}", node.name, node.instance.state());
    }
    Ok(())
}
