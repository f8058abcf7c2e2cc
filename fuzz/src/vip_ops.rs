//! Bytes as a list of wishes and of what happens in a kernel of two links: in the end the addresses are those
//! that are wished for, and nobody else's was touched.

#[path = "../../netlink-vip/tests/common/mod.rs"]
mod kernel;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use netlink_vip::Vip;

use super::input::Input;
use kernel::{Rig, vip};

const ADDRESSES: [&str; 5] = [
    "192.0.2.100/24",
    "192.0.2.101/24",
    "192.0.2.102/32",
    "198.51.100.7/24",
    "2001:db8::100/64",
];

/// The rig itself asserts that timers end, that there is no storm, and that what is not ours stays.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut rig = Rig::ready();
    let mut wished: BTreeMap<u8, Vec<Vip>> = BTreeMap::new();
    for _ in 0..60 {
        if input.is_empty() {
            break;
        }
        match input.below(9) {
            0..=2 => {
                let owner = input.below(3);
                let bits = input.byte();
                let device = if input.flag() { "eth0" } else { "eth1" };
                let others: Vec<IpAddr> = wished
                    .iter()
                    .filter(|(other, _)| **other != owner)
                    .flat_map(|(_, vips)| vips.iter().map(|vip| vip.address))
                    .collect();
                // One address is one owner's: that two wish for it is another story.
                let vips: Vec<Vip> = ADDRESSES
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| bits >> at & 1 == 1)
                    .map(|(_, address)| vip(address, device))
                    .filter(|vip| !others.contains(&vip.address))
                    .collect();
                rig.set(owner.into(), &vips);
                wished.insert(owner, vips);
            }
            3 => {
                // Somebody removes an address.
                let at = usize::from(input.byte());
                let count = rig.kernel.addresses.len();
                if count > 0 {
                    let address = rig.kernel.addresses[at % count].clone();
                    rig.kernel.take(&address, 0, 0);
                }
            }
            4 => {
                let index = 1 + u32::from(input.below(2));
                let up = input.flag();
                if rig.kernel.links.contains_key(&index) {
                    rig.kernel.switch_link(index, up);
                }
            }
            5 => {
                let octet = 200 + input.below(3);
                let index = 1 + u32::from(input.below(2));
                let local = IpAddr::from([203, 0, 113, octet]);
                let foreign = rig.kernel.foreign(index, local, 24);
                rig.kernel.put(foreign, false, 0, 0);
            }
            6 => rig.kernel.lossy = input.flag(),
            7 => rig.command_first = input.flag(),
            _ => {
                let span = Duration::from_millis(u64::from(input.byte()) * 40);
                rig.advance(span);
            }
        }
        if input.flag() {
            rig.run();
        }
    }
    rig.kernel.lossy = false;
    for index in 1..=2 {
        rig.kernel.switch_link(index, true);
    }
    rig.run();
    for _ in 0..10 {
        rig.advance(Duration::from_secs(120));
    }
    for vip in wished.values().flatten() {
        assert!(
            rig.kernel.at(vip.address).is_some(),
            "{} is missing",
            vip.address
        );
    }
    for address in &rig.kernel.addresses {
        let wanted = wished
            .values()
            .flatten()
            .any(|vip| vip.address == address.local);
        let ours = address.protocol == kernel::TAG;
        assert!(!ours || wanted, "{} is left over", address.local);
    }
}
