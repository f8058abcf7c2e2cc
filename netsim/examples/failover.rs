//! Two routers and a host; the Active crashes, comes back, and hands over when it is stopped.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use netsim::vrrp::{HostNode, Lan, Reach, RouterNode, Station, Timeline};
use netsim::{Fault, Instant, Link, NodeId, World};
use vrrp_fsm::proto::{Family, Vrid};
use vrrp_fsm::{BackupPriority, InstanceConfig, Preempt, Role};

const LEFT: NodeId = NodeId(0);
const RIGHT: NodeId = NodeId(1);
const HOST: NodeId = NodeId(2);

fn main() -> Result<(), Box<dyn Error>> {
    let address: IpAddr = "192.0.2.100".parse()?;
    let config = |priority| {
        let priority = BackupPriority::new(priority).expect("1..=254");
        let role = Role::Backup {
            priority,
            preempt: Preempt::Immediately,
        };
        let vrid = Vrid::new(51).expect("1..=255");
        vec![InstanceConfig::new(vrid, Family::Ipv4, role).with_addresses([address])]
    };

    let lan = Lan::counted(3);
    let stations: Vec<Station> = vec![
        RouterNode::new(LEFT, Arc::clone(&lan), config(200)).into(),
        RouterNode::new(RIGHT, Arc::clone(&lan), config(100)).into(),
        HostNode::new(vec![address], Duration::from_secs(30)).into(),
    ];
    let link = Link::new(Duration::from_micros(100)..=Duration::from_millis(1));
    let mut world = World::new(1, stations, link);

    let at = |seconds: i64| Instant::from_nanos(seconds * 1_000_000_000);
    world.start_all();
    world.at(at(10), Fault::Crash(LEFT));
    world.at(at(20), Fault::Start(LEFT));
    world.at(at(30), Fault::Stop(LEFT));

    let mut timeline = Timeline::new().with_names(["left", "right", "host"]);
    let mut reach = Reach::new(&[HOST], &[address]);
    world.run_until(at(40), &mut (&mut timeline, &mut reach))?;

    println!("{timeline}");
    for outage in reach.outages() {
        let since = outage.since.as_nanos() / 1_000_000;
        println!(
            "the host could not reach {address} for {:?} from {since} ms on",
            outage.length
        );
    }
    println!("trace {:016x}", world.trace_hash());
    Ok(())
}
