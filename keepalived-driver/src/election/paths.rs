//! Receive paths: which sockets there must be, and opening them.
//!
//! A receive path is a precondition of promotion: an instance whose socket is not open, or not
//! joined to its group, is held in Initialize and cannot become a master that hears nobody.

use std::net::IpAddr;
use std::os::fd::AsRawFd;

use sans_io_time::Instant;
use vrrp_fsm::{InterfaceId, Transport, V2Auth, WireFormat};
use vrrp_proto::Family;

use super::interfaces::ReceivePath;
use super::{Elections, RETRY};
use crate::sockets::vrrp::VrrpSocket;
use crate::sources::Source;

impl Elections {
    /// Make the sockets of one interface what its instances need.
    pub(super) fn settle_paths(&mut self, now: Instant, interface: InterfaceId) {
        for family in [Family::Ipv4, Family::Ipv6] {
            let key = (interface, family);
            match self.groups(interface, family) {
                None => drop(self.paths.remove(&key)),
                Some(groups) => {
                    let path = self.open_path(interface, family, &groups);
                    if path.error.is_some() {
                        self.retry_at = self.retry_at.or_else(|| now.checked_add(RETRY));
                    }
                    self.paths.insert(key, path);
                }
            }
        }
    }

    /// The groups that instances of this family on this interface listen to; none if there are no
    /// such instances.
    fn groups(&self, interface: InterfaceId, family: Family) -> Option<Vec<IpAddr>> {
        let mut groups = None;
        for id in self.by_interface.get(&interface)? {
            let Some(running) = self.instances.get(id) else {
                continue;
            };
            if running.interface != interface || running.setup.fsm.family != family {
                continue;
            }
            let groups = groups.get_or_insert_with(Vec::new);
            if let Transport::Multicast { group } = running.setup.fsm.transport
                && !groups.contains(&group)
            {
                groups.push(group);
            }
        }
        groups
    }

    fn open_path(
        &mut self,
        interface: InterfaceId,
        family: Family,
        groups: &[IpAddr],
    ) -> ReceivePath {
        let Some((name, index)) = self
            .interfaces
            .name(interface)
            .and_then(|name| self.reconciler.link(name.as_str()))
            .map(|link| (link.name, link.index))
        else {
            return ReceivePath::default();
        };
        let buffer = self
            .instances
            .values()
            .filter(|running| running.interface == interface)
            .filter_map(|running| running.setup.receive_buffer)
            .max();
        let old = self.paths.remove(&(interface, family)).unwrap_or_default();
        let (open, old_ah) = (old.socket, old.ah);
        let socket = match open.filter(|socket| socket.index() == index) {
            Some(socket) => {
                socket.set_receive_buffer(buffer);
                Ok(socket)
            }
            // Not there yet, or bound to an interface that is gone and had this name.
            None => VrrpSocket::open(name.as_str(), index, family, buffer).and_then(|socket| {
                self.register(socket.as_raw_fd(), Source::Vrrp(interface, family).into())?;
                Ok(socket)
            }),
        };
        let ah = match old_ah.filter(|socket| socket.index() == index) {
            _ if !self.wants_ah(interface, family) => Ok(None),
            Some(socket) => {
                socket.set_receive_buffer(buffer);
                Ok(Some(socket))
            }
            None => VrrpSocket::open_ah(name.as_str(), index, buffer).and_then(|socket| {
                self.register(socket.as_raw_fd(), Source::Ah(interface).into())?;
                Ok(Some(socket))
            }),
        };
        let joined = socket.and_then(|mut socket| {
            socket.join(groups)?;
            let mut ah = ah?;
            if let Some(socket) = &mut ah {
                socket.join(groups)?;
            }
            Ok((socket, ah))
        });
        match joined {
            Ok((socket, ah)) => ReceivePath {
                socket: Some(socket),
                ah,
                error: None,
            },
            Err(error) => {
                let error = format!("cannot receive adverts on {name}: {error}");
                ReceivePath {
                    socket: None,
                    ah: None,
                    error: Some(error),
                }
            }
        }
    }

    /// Some instance here authenticates by the IP authentication header, which comes as another
    /// protocol. VRRP-V2-AUTH-05.
    fn wants_ah(&self, interface: InterfaceId, family: Family) -> bool {
        self.instances.values().any(|running| {
            running.interface == interface
                && running.setup.fsm.family == family
                && matches!(
                    running.setup.fsm.format,
                    WireFormat::V2 {
                        auth: V2Auth::Ah(_)
                    }
                )
        })
    }
}
