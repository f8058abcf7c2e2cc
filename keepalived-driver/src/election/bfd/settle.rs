//! Where packets come from: source addresses and interfaces, whatever the order in which they
//! appear.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use bfd::{InterfaceId, SessionId};
use sans_io_time::Instant;

use super::io::senders_key;
use crate::bfd::BfdNews;
use crate::election::{Elections, RETRY};
use crate::report::Report;
use crate::sockets::bfd::{family, source_for};

/// Between two looks at all addresses.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

impl Elections {
    /// Find out for each session what it sends from. A packet must not claim an address that this
    /// machine does not have.
    pub(in crate::election) fn settle_bfd(&mut self, now: Instant) {
        if !self.known || self.bfd.settle_at.is_none_or(|at| at > now) {
            return;
        }
        self.bfd.settle_at = None;
        self.bfd.settled_at = Some(now);
        let present: HashSet<IpAddr> = self
            .reconciler
            .links()
            .flat_map(|link| self.reconciler.addresses(link.index))
            .filter(|known| known.is_usable())
            .map(|known| known.address)
            .collect();
        let mut by_index = HashMap::new();
        let mut lacking = false;
        for id in self.bfd.order.clone() {
            lacking |= self.settle_session(id, &present, &mut by_index);
        }
        self.bfd.by_index = by_index;
        self.bfd.present = present;
        self.close_senders();
        if lacking {
            // A route alone may come without any news of addresses.
            let again = now.checked_add(RETRY);
            self.bfd.settle_at = self.bfd.settle_at.or(again);
        }
    }

    /// True if it has no address to send from.
    fn settle_session(
        &mut self,
        id: SessionId,
        present: &HashSet<IpAddr>,
        by_index: &mut HashMap<u32, InterfaceId>,
    ) -> bool {
        let Some(running) = self.bfd.running.get_mut(&id) else {
            return false;
        };
        let setup = running.setup.clone();
        let path = setup.definition.path();
        let link = setup.interface.as_ref().map(|name| {
            let link = self.reconciler.link(name.as_str());
            (name, link.map_or(0, |link| link.index))
        });
        running.scope = link.map_or(0, |(_, index)| index);
        let source = match (link, path.local()) {
            // Its interface does not exist now.
            (Some((_, 0)), _) => None,
            (_, Some(local)) => present.contains(&local).then_some(local),
            (_, None) => match running.source.filter(|source| present.contains(source)) {
                Some(source) => Some(source),
                None => source_for(path.peer(), running.scope)
                    .ok()
                    .filter(|source| present.contains(source)),
            },
        };
        if let Some((name, index @ 1..)) = link {
            let interface = self.interfaces.intern(name);
            by_index.insert(index, InterfaceId(interface.0));
        }
        let tell = match source {
            None => !std::mem::replace(&mut running.told_source, true),
            Some(_) => std::mem::take(&mut running.told_source),
        };
        running.source = source;
        if tell {
            self.reports.push(Report::Bfd {
                name: setup.name.clone(),
                news: BfdNews::Source { address: source },
            });
        }
        source.is_none()
    }

    /// Sockets bound to interfaces that are gone, or that nobody names any more.
    fn close_senders(&mut self) {
        let mut used: BTreeSet<_> = self
            .bfd
            .running
            .values()
            .map(|running| {
                let peer = running.setup.definition.path().peer();
                senders_key(family(peer), running.scope)
            })
            .collect();
        let reflector = self.bfd.reflector_sockets();
        used.extend(reflector.map(|socket| senders_key(socket.family, 0)));
        self.bfd.senders.retain(|key, _| used.contains(key));
        self.bfd.outbox.retain(|key, _| used.contains(key));
    }
}
