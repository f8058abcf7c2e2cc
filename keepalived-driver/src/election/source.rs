//! The source address of adverts: there and fit for use, or why not.

use std::collections::HashMap;
use std::net::IpAddr;

use netlink_vip::{AddressFlags, InterfaceName, ObservedAddress};
use vrrp_proto::Family;

use super::Elections;
use crate::config::InstanceSetup;

/// Answers of [`Elections::source_of`] while nothing changes: hundreds of instances of one interface ask the same
/// question, and the answer costs a look at each of its addresses.
#[derive(Debug, Default)]
pub(super) struct KnownSources(HashMap<Question, Option<IpAddr>>);

/// The interface, the family and the configured address.
type Question = (InterfaceName, Family, Option<IpAddr>);

impl Elections {
    /// The source address of adverts, if it is present: the configured one on any interface, or
    /// the primary address of the instance's own.
    pub(super) fn source_of(
        &self,
        setup: &InstanceSetup,
        known: &mut KnownSources,
    ) -> Option<IpAddr> {
        let question = (setup.interface, setup.fsm.family, setup.source);
        let answer = known.0.entry(question);
        *answer.or_insert_with(|| self.find_source(setup))
    }

    fn find_source(&self, setup: &InstanceSetup) -> Option<IpAddr> {
        if let Some(configured) = setup.source {
            let usable = |known: &ObservedAddress| known.address == configured && known.is_usable();
            return self.all_addresses().any(usable).then_some(configured);
        }
        let index = self.reconciler.link(setup.interface.as_str())?.index;
        match setup.fsm.family {
            Family::Ipv4 => self.reconciler.source_ipv4(index).map(IpAddr::V4),
            Family::Ipv6 => self.reconciler.source_ipv6(index).map(IpAddr::V6),
        }
    }

    /// Why there is none.
    pub(super) fn why_no_source(&self, setup: &InstanceSetup) -> String {
        let name = setup.interface;
        let candidate = match setup.source {
            Some(configured) => self
                .all_addresses()
                .find(|known| known.address == configured),
            None => self
                .reconciler
                .link(name.as_str())
                .into_iter()
                .flat_map(|link| self.reconciler.addresses(link.index))
                .find(|known| is_link_local(known.address) && !known.ours),
        };
        match (candidate, setup.source) {
            (Some(known), _) if known.flags.contains(AddressFlags::DADFAILED) => {
                format!("{} of {name} is in use by another host", known.address)
            }
            (Some(known), _) if !known.is_usable() => {
                let address = known.address;
                format!("whether another host uses {address} of {name} is being found out")
            }
            (_, Some(wanted)) => format!("{wanted} is not an address of this machine"),
            (_, None) => format!("{name} has no address of its own"),
        }
    }

    fn all_addresses(&self) -> impl Iterator<Item = &ObservedAddress> {
        self.reconciler
            .links()
            .flat_map(|link| self.reconciler.addresses(link.index))
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}
