//! The service table: what is, or what should be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::destination::{Destination, DestinationKey};
use crate::error::ConfigError;
use crate::service::{Service, ServiceKey};

/// One change of the table. The messages of a batch do exactly this, one each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Adds a service.
    NewService(Service),
    /// Changes a service; its connections and counters stay.
    SetService(Service),
    /// Removes a service with its destinations.
    DelService(ServiceKey),
    /// Adds a destination.
    NewDest(ServiceKey, Destination),
    /// Changes a destination; its connections stay (IPVS-OPS-04).
    SetDest(ServiceKey, Destination),
    /// Removes a destination; its connections are cut.
    DelDest(ServiceKey, DestinationKey),
}

impl Op {
    /// The service that is changed.
    #[must_use]
    pub const fn service(&self) -> &ServiceKey {
        match self {
            Self::NewService(service) | Self::SetService(service) => &service.key,
            Self::DelService(key)
            | Self::NewDest(key, _)
            | Self::SetDest(key, _)
            | Self::DelDest(key, _) => key,
        }
    }
}

/// Why a change does not fit a table: what the kernel would answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// The service is there already.
    #[error("the service exists already")]
    ServiceExists,
    /// The service is not there.
    #[error("no such service")]
    NoService,
    /// The destination is there already.
    #[error("the destination exists already")]
    DestinationExists,
    /// The destination is not there.
    #[error("no such destination")]
    NoDestination,
    /// The kernel cannot have that.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A service and where it sends its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    service: Service,
    /// By key, each once. Shared by copies: there can be a hundred thousand of them, and mostly what is wanted is
    /// what is there.
    destinations: Arc<Vec<Destination>>,
}

impl Entry {
    /// The service.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Its destinations by address.
    pub fn destinations(&self) -> impl ExactSizeIterator<Item = &Destination> {
        self.destinations.iter()
    }

    /// One of its destinations.
    #[must_use]
    pub fn destination(&self, key: &DestinationKey) -> Option<&Destination> {
        self.destinations.get(self.find(key).ok()?)
    }

    /// The place of a destination, or where it would be.
    fn find(&self, key: &DestinationKey) -> Result<usize, usize> {
        self.destinations.binary_search_by_key(key, |one| one.key)
    }

    /// Puts one, new or instead of the one of its key.
    fn put(&mut self, destination: Destination) {
        let place = self.find(&destination.key);
        let all = Arc::make_mut(&mut self.destinations);
        match place {
            Ok(at) => {
                if let Some(known) = all.get_mut(at) {
                    *known = destination;
                }
            }
            Err(at) => all.insert(at, destination),
        }
    }
}

/// Services and their destinations. Two tables are equal when they balance alike; counters are not
/// part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    entries: BTreeMap<ServiceKey, Entry>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }

    /// All services by key.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// One service.
    #[must_use]
    pub fn get(&self, key: &ServiceKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Whether there is no service.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of services.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Does one change, or leaves the table as it is.
    ///
    /// # Errors
    /// What the kernel would say.
    pub fn apply(&mut self, op: &Op) -> Result<(), ApplyError> {
        match op {
            Op::NewService(service) => {
                service.check()?;
                if self.entries.contains_key(&service.key) {
                    return Err(ApplyError::ServiceExists);
                }
                self.put_service(service.clone());
            }
            Op::SetService(service) => {
                service.check()?;
                self.entry(&service.key)?.service = service.clone();
            }
            Op::DelService(key) => {
                self.entries.remove(key).ok_or(ApplyError::NoService)?;
            }
            Op::NewDest(key, destination) => {
                let entry = self.entry(key)?;
                destination.check(key.family())?;
                if entry.destination(&destination.key).is_some() {
                    return Err(ApplyError::DestinationExists);
                }
                entry.put(*destination);
            }
            Op::SetDest(key, destination) => {
                let entry = self.entry(key)?;
                destination.check(key.family())?;
                let known = entry.destination(&destination.key);
                known.ok_or(ApplyError::NoDestination)?;
                entry.put(*destination);
            }
            Op::DelDest(key, destination) => {
                let entry = self.entry(key)?;
                let at = entry.find(destination);
                let at = at.map_err(|_| ApplyError::NoDestination)?;
                Arc::make_mut(&mut entry.destinations).remove(at);
            }
        }
        Ok(())
    }

    /// Puts a service as it is found, new or instead of the one of its key.
    pub fn put_service(&mut self, service: Service) {
        match self.entries.get_mut(&service.key) {
            Some(entry) => entry.service = service,
            None => {
                self.put(service, Vec::new());
            }
        }
    }

    /// Puts a destination as it is found; `false` when there is no such service.
    pub fn put_destination(&mut self, service: &ServiceKey, destination: Destination) -> bool {
        let entry = self.entries.get_mut(service);
        entry.is_some_and(|entry| {
            entry.put(destination);
            true
        })
    }

    /// Puts a service with all of its destinations, instead of whatever there was; of several of one key the
    /// last counts.
    pub fn put(&mut self, service: Service, mut destinations: Vec<Destination>) {
        destinations.reverse();
        destinations.sort_by_key(|one| one.key);
        destinations.dedup_by_key(|one| one.key);
        destinations.shrink_to_fit();
        let key = service.key;
        let destinations = Arc::new(destinations);
        let entry = Entry {
            service,
            destinations,
        };
        self.entries.insert(key, entry);
    }

    /// Removes a service; `false` when it is not there.
    pub fn remove(&mut self, key: &ServiceKey) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Only these services.
    pub(crate) fn part(&self, keys: &BTreeSet<ServiceKey>) -> Self {
        let entries = keys
            .iter()
            .filter_map(|key| self.entries.get_key_value(key));
        Self {
            entries: entries.map(|(key, entry)| (*key, entry.clone())).collect(),
        }
    }

    /// Removes all but some services.
    pub fn retain(&mut self, mut keep: impl FnMut(&ServiceKey) -> bool) {
        self.entries.retain(|key, _| keep(key));
    }

    fn entry(&mut self, key: &ServiceKey) -> Result<&mut Entry, ApplyError> {
        self.entries.get_mut(key).ok_or(ApplyError::NoService)
    }
}

impl FromIterator<(Service, Vec<Destination>)> for Table {
    fn from_iter<T: IntoIterator<Item = (Service, Vec<Destination>)>>(services: T) -> Self {
        let mut table = Self::new();
        for (service, destinations) in services {
            table.put(service, destinations);
        }
        table
    }
}
