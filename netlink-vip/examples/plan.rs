//! A dry run: what would be asked of the kernel, without a kernel.
//!
//! `cargo run -p netlink-vip --example plan`

use std::collections::BTreeMap;
use std::error::Error;

use netlink_vip::{Change, Desired, Link, Observed, ObservedAddress, OwnerId, Tag, Vip, plan};

fn main() -> Result<(), Box<dyn Error>> {
    // What is there: one interface with an address of its own, and what a killed run left.
    let mut observed = Observed::new();
    observed.insert_link(Link::new(2, "eth0".parse()?));
    let mut own = ObservedAddress::expected(
        2,
        &Vip::new("192.0.2.10".parse()?, 24, "eth0".parse()?),
        Tag(0),
    );
    own.ours = false;
    observed.insert_address(own);
    for left in ["192.0.2.100", "192.0.2.101"] {
        let vip = Vip::new(left.parse()?, 32, "eth0".parse()?);
        observed.insert_address(ObservedAddress::expected(2, &vip, Tag::KEEPALIVED));
    }

    // What is wanted: one of the leftovers with another scope, two new ones, and one on a device
    // that does not exist yet.
    let desired = Desired::addresses(vec![
        Vip::new("192.0.2.100".parse()?, 32, "eth0".parse()?).with_scope(253),
        Vip::new("192.0.2.102".parse()?, 32, "eth0".parse()?),
        Vip::new("2001:db8::102".parse()?, 128, "eth0".parse()?).with_preferred_lifetime(Some(0)),
        Vip::new("192.0.2.103".parse()?, 32, "eth7".parse()?),
    ]);
    let wishes = BTreeMap::from([(OwnerId(51), desired)]);

    for change in plan(&observed, &wishes) {
        match change {
            Change::Remove(seen) => {
                println!(
                    "remove {}/{} from link {}",
                    seen.address, seen.prefix_len, seen.index
                );
            }
            Change::Add { index, vip } => {
                println!("add    {}/{} to link {index}", vip.address, vip.prefix_len);
            }
            Change::Replace { index, vip } => {
                println!("change {}/{} on link {index}", vip.address, vip.prefix_len);
            }
            _ => {}
        }
    }
    println!("192.0.2.10 is not ours and stays; eth7 is waited for");
    Ok(())
}
