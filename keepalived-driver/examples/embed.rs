//! A virtual router inside a program that owns its own loop: `embed INTERFACE VRID PRIORITY ADDRESS`.
//!
//! Run it twice, in two network namespaces that share a link, and watch one of them hold the
//! address. It needs the right to open raw sockets and to change addresses.

use std::error::Error;
use std::net::IpAddr;

use keepalived_driver::{Config, Elections, InstanceSetup, Report, Reports};
use netlink_vip::Vip;
use vrrp_fsm::{BackupPriority, InstanceConfig, Preempt, Role};
use vrrp_proto::{Family, Vrid};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, vrid, priority, address] = arguments.as_slice() else {
        return Err("usage: embed INTERFACE VRID PRIORITY ADDRESS".into());
    };
    let address: IpAddr = address.parse()?;
    let vrid = Vrid::new(vrid.parse()?).ok_or("the VRID is 1 to 255")?;
    let priority = BackupPriority::new(priority.parse()?).ok_or("the priority is 1 to 254")?;

    let role = Role::Backup {
        priority,
        preempt: Preempt::Immediately,
    };
    let election = InstanceConfig::new(vrid, Family::of(address), role).with_addresses([address]);
    let mut setup = InstanceSetup::new("embedded", interface.parse()?, election);
    let prefix = if address.is_ipv4() { 32 } else { 128 };
    setup.addresses = vec![Vip::new(address, prefix, interface.parse()?)];

    let (reports, inbox) = Reports::new(|| {});
    let (mut elections, remote) = Elections::new(Config::new(vec![setup]), reports)?;

    // The outer loop is ours: after each turn there is time for other work, though not much of it.
    let mut transitions = 0;
    while elections.turn()? {
        for report in inbox.try_iter() {
            println!("{report:?}");
            if let Report::Transition { .. } = report {
                transitions += 1;
            }
        }
        if transitions == 100 {
            remote.stop()?;
        }
    }
    Ok(())
}
