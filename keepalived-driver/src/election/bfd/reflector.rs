//! Our S-BFD reflector, RFC 7880 7.2 and RFC 7881 3: it answers, and remembers nothing.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use bfd::{Buffer, MAX_LEN, Reflector, SEAMLESS_PORT, TTL};
use sans_io_time::Instant;
use vrrp_proto::Family;

use super::Sessions;
use super::io::senders_key;
use crate::bfd::ReflectorSnapshot;
use crate::election::Elections;
use crate::sockets::bfd::{Arrived, Envelope, Letter, family};
use crate::sources::{BfdPort, BfdSocket};

impl Elections {
    /// Run the reflector of the present configuration. One that stays the same keeps its counters.
    pub(super) fn apply_reflector(&mut self) -> Result<(), bfd::ConfigError> {
        let wanted = self.config.bfd_reflector.as_ref();
        let running = self.bfd.reflector.as_ref().map(Reflector::config);
        if wanted != running {
            let seed = RandomState::new().hash_one("reflector");
            let fresh = wanted.map(|config| Reflector::new(config.clone(), seed));
            self.bfd.reflector = fresh.transpose()?;
        }
        Ok(())
    }
}

impl Sessions {
    /// The sockets that a reflector needs.
    pub(super) fn reflector_sockets(&self) -> impl Iterator<Item = BfdSocket> + use<> {
        let families = self
            .reflector
            .is_some()
            .then_some([Family::Ipv4, Family::Ipv6]);
        let port = BfdPort::Reflector;
        let sockets = families.into_iter().flatten();
        sockets.map(move |family| BfdSocket { port, family })
    }

    /// Answer a question, from where it was put to.
    pub(super) fn reflect(&mut self, now: Instant, arrived: &Arrived, payload: &[u8]) {
        self.totals.received += 1;
        // What came to a group or a broadcast address has nobody who could answer for it.
        let Some(reflector) = self
            .reflector
            .as_mut()
            .filter(|_| self.present.contains(&arrived.destination))
        else {
            return;
        };
        let mut buffer: Buffer = [0; MAX_LEN];
        // Counted by the reflector.
        let Ok(length) = reflector.reflect(now, payload, &mut buffer) else {
            return;
        };
        let link_local = matches!(arrived.source, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let envelope = Envelope {
            source: arrived.destination,
            source_port: SEAMLESS_PORT,
            destination: arrived.source,
            destination_port: arrived.source_port,
            ttl: TTL,
            scope: if link_local { arrived.interface } else { 0 },
        };
        if let Some(letter) = Letter::new(&envelope, &buffer, length) {
            // By the route, also where a link is named: the address says which one.
            let key = senders_key(family(arrived.source), 0);
            self.outbox.entry(key).or_default().push((None, letter));
        }
    }

    pub(super) fn reflector_snapshot(&self) -> Option<ReflectorSnapshot> {
        self.reflector.as_ref().map(|reflector| ReflectorSnapshot {
            config: reflector.config().clone(),
            reflected: reflector.reflected(),
            rejected: reflector.rejected().clone(),
        })
    }
}
