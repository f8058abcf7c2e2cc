//! The service table: what is, or what should be.

use std::collections::{BTreeMap, BTreeSet};

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
    destinations: BTreeMap<DestinationKey, Destination>,
}

impl Entry {
    /// The service.
    #[must_use]
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// Its destinations by address.
    pub fn destinations(&self) -> impl ExactSizeIterator<Item = &Destination> {
        self.destinations.values()
    }

    /// One of its destinations.
    #[must_use]
    pub fn destination(&self, key: &DestinationKey) -> Option<&Destination> {
        self.destinations.get(key)
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
                if entry.destinations.contains_key(&destination.key) {
                    return Err(ApplyError::DestinationExists);
                }
                entry.destinations.insert(destination.key, *destination);
            }
            Op::SetDest(key, destination) => {
                let entry = self.entry(key)?;
                destination.check(key.family())?;
                let old = entry.destinations.get_mut(&destination.key);
                *old.ok_or(ApplyError::NoDestination)? = *destination;
            }
            Op::DelDest(key, destination) => {
                let entry = self.entry(key)?;
                let removed = entry.destinations.remove(destination);
                removed.ok_or(ApplyError::NoDestination)?;
            }
        }
        Ok(())
    }

    /// Puts a service as it is found, new or instead of the one of its key.
    pub fn put_service(&mut self, service: Service) {
        match self.entries.get_mut(&service.key) {
            Some(entry) => entry.service = service,
            None => {
                let destinations = BTreeMap::new();
                let key = service.key;
                let entry = Entry {
                    service,
                    destinations,
                };
                self.entries.insert(key, entry);
            }
        }
    }

    /// Puts a destination as it is found; `false` when there is no such service.
    pub fn put_destination(&mut self, service: &ServiceKey, destination: Destination) -> bool {
        let entry = self.entries.get_mut(service);
        entry.is_some_and(|entry| {
            entry.destinations.insert(destination.key, destination);
            true
        })
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
            let key = service.key;
            table.put_service(service);
            for destination in destinations {
                table.put_destination(&key, destination);
            }
        }
        table
    }
}
