//! Interfaces as the elections know them: by a number that stays while the kernel's index changes.

use std::collections::HashMap;

use netlink_vip::InterfaceName;
use vrrp_fsm::InterfaceId;
use vrrp_proto::Family;

use crate::sockets::vrrp::VrrpSocket;

/// Names given numbers, for the whole life of the loop.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    names: Vec<InterfaceName>,
    by_name: HashMap<InterfaceName, InterfaceId>,
}

impl Interfaces {
    /// The number of this interface, which need not exist.
    pub(super) fn intern(&mut self, name: &InterfaceName) -> InterfaceId {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let id = InterfaceId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(*name);
        self.by_name.insert(*name, id);
        id
    }

    pub(super) fn name(&self, id: InterfaceId) -> Option<&InterfaceName> {
        self.names.get(usize::try_from(id.0).ok()?)
    }

    /// All numbers with their names.
    pub(super) fn names(&self) -> Vec<(u32, String)> {
        let names = self.names.iter().map(ToString::to_string);
        (0..).zip(names).collect()
    }

    pub(super) fn find(&self, name: &InterfaceName) -> Option<InterfaceId> {
        self.by_name.get(name).copied()
    }
}

/// The receive path of one interface and family.
#[derive(Debug, Default)]
pub(super) struct ReceivePath {
    /// Open and joined to every group it needs, or not.
    pub(super) socket: Option<VrrpSocket>,
    /// The second one, for adverts with an IP authentication header, if an instance wants those.
    pub(super) ah: Option<VrrpSocket>,
    /// Why not.
    pub(super) error: Option<String>,
}

/// Which receive path.
pub(super) type PathKey = (InterfaceId, Family);
