//! The same story in the simulator: the same election code and real octets, in virtual time.

use std::net::IpAddr;
use std::time::Duration;

use netsim::vrrp::{HostNode, Lan, Reach, RouterNode, Station, Timeline};
use netsim::{Fault, Instant, Link, NodeId, World};
use vrrp_fsm::{BackupPriority, InstanceConfig, Preempt, Role};
use vrrp_proto::{AdvertInterval, Family, Vrid};

use super::narrator::Narrator;
use super::plan::{A, B, CLIENT, INTERVAL_CENTIS, RouterPlan, VIRTUAL, VRID, interval};
use super::story::whole;

const NODE_A: NodeId = NodeId(0);
const NODE_B: NodeId = NodeId(1);
const NODE_CLIENT: NodeId = NodeId(2);

/// Half a millisecond: a slow switch.
const DELAY: Duration = Duration::from_micros(500);

/// Play it. `Err` if the story did not go as the protocol says.
pub(super) fn play(narrator: Narrator) -> Result<(), String> {
    let (timeline, reach) = run()?;
    narrator.say("Twenty seconds of virtual time have passed in an instant. What happened:");
    narrator.print("");
    for line in timeline.to_string().lines() {
        narrator.print(&format!("  {line}"));
    }
    narrator.print("");
    let lengths: Vec<Duration> = reach.outages().iter().map(|outage| outage.length).collect();
    let (Some(crash), Some(polite)) = (lengths.first().copied(), lengths.last().copied()) else {
        return Err("the client never lost the address, which cannot be".to_owned());
    };
    let (after_crash, after_goodbye) = (B.down_interval(), B.skew());
    narrator.say(&format!(
        "CRASH at 5.2 s: the client was cut off for {}. Router B waits 3 adverts and its skew time\n\
         from the last advert it heard: at most {}.",
        whole(crash),
        whole(after_crash)
    ));
    narrator.say(
        "RETURN at 10 s: router A listens for its own 3 adverts and skew time, then takes the address\n\
         back in one moment: it is always held by somebody.",
    );
    narrator.say(&format!(
        "MAINTENANCE at 15 s: router A says goodbye. The client was cut off for {}: router B waits its\n\
         skew time only, {}.",
        whole(polite),
        whole(after_goodbye)
    ));
    // Frames take their time too.
    if crash > after_crash + DELAY * 4 || polite > after_goodbye + DELAY * 4 {
        return Err("That is later than the protocol allows.".to_owned());
    }
    Ok(())
}

fn run() -> Result<(Timeline, Reach), String> {
    let lan = Lan::new(
        [A.address, B.address, CLIENT]
            .map(|v4| (v4, v4.to_ipv6_mapped()))
            .to_vec(),
    );
    let router = |id, plan: RouterPlan| -> Result<Station, String> {
        Ok(RouterNode::new(id, lan.clone(), vec![config(plan)?]).into())
    };
    let address = IpAddr::from(VIRTUAL);
    let client = HostNode::new(vec![address], Duration::from_secs(30));
    let nodes = vec![router(NODE_A, A)?, router(NODE_B, B)?, client.into()];
    let mut world = World::new(1, nodes, Link::fixed(DELAY));
    world.start_all();
    let at = |millis: i64| Instant::from_nanos(millis * 1_000_000);
    world.at(at(5_200), Fault::Crash(NODE_A));
    world.at(at(10_000), Fault::Start(NODE_A));
    world.at(at(15_000), Fault::Stop(NODE_A));
    let timeline = Timeline::new().with_names([A.name, B.name, "client"]);
    let mut observers = (timeline, Reach::new(&[NODE_CLIENT], &[address]));
    world
        .run_until(at(20_000), &mut observers)
        .map_err(|violation| format!("the simulation broke a rule: {violation:?}"))?;
    Ok(observers)
}

fn config(plan: RouterPlan) -> Result<InstanceConfig, String> {
    let parts = (
        Vrid::new(VRID),
        BackupPriority::new(plan.priority),
        AdvertInterval::from_centis(INTERVAL_CENTIS),
    );
    let (Some(vrid), Some(priority), Some(advert_interval)) = parts else {
        return Err(format!("{} has an impossible plan", plan.name));
    };
    debug_assert_eq!(advert_interval.to_duration(), interval());
    let role = Role::Backup {
        priority,
        preempt: Preempt::Immediately,
    };
    Ok(InstanceConfig::new(vrid, Family::Ipv4, role)
        .with_interval(advert_interval)
        .with_addresses([IpAddr::from(VIRTUAL)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers the simulator tells are those of the protocol.
    #[test]
    fn the_simulated_story_keeps_the_promises_of_the_protocol() {
        let (_, reach) = run().unwrap();
        let outages: Vec<_> = reach.outages().iter().map(|outage| outage.length).collect();
        let crash = outages[0];
        assert!(crash <= B.down_interval() + DELAY * 4, "{outages:?}");
        assert!(
            crash >= B.down_interval().saturating_sub(interval()),
            "{outages:?}"
        );
        let polite = *outages.last().unwrap();
        assert!(polite <= B.skew() + DELAY * 4, "{outages:?}");
        assert!(reach.all_reached());
        assert_eq!(play(Narrator::new(false)), Ok(()));
    }
}
