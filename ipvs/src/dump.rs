//! Reading the whole table, one request at a time.
//!
//! The kernel gives services in one dump and destinations in one dump for each service. The
//! machine can be left alone after every request and taken up again; a part that the kernel calls
//! inconsistent, or whose answers were lost, is asked for again without the others (IPVS-DEC-03).

use crate::counters::{DestinationStatus, ServiceStatus};
use crate::error::KernelError;
use crate::netlink::{Answer, Command, Context, FamilyId, Reply, Request};
use crate::service::{Family, ServiceKey};
use crate::table::Table;

/// How often one part is asked for again before the dump fails.
const MOST_RETRIES: u32 = 16;

/// A table with what the kernel counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dumped {
    /// Services in the kernel's order, each with its destinations.
    pub services: Vec<(ServiceStatus, Vec<DestinationStatus>)>,
    /// Messages that could not be read: services or destinations of a kind that we do not know.
    pub unreadable: usize,
}

impl Dumped {
    /// The configuration in it.
    #[must_use]
    pub fn table(&self) -> Table {
        let services = self.services.iter().map(|(status, destinations)| {
            let destinations = destinations.iter().map(|status| status.destination);
            (status.service.clone(), destinations.collect())
        });
        services.collect()
    }
}

/// What is asked for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Services,
    /// Destinations of the service at this place of the list.
    Destinations(usize),
    Finished,
}

/// A dump in progress.
#[derive(Clone, Debug)]
pub struct Dump {
    part: Part,
    found: Dumped,
    /// Messages of the present part that could not be read.
    unreadable: usize,
    waits_for: Option<u32>,
    interrupted: bool,
    retries: u32,
    failed: Option<KernelError>,
}

impl Default for Dump {
    fn default() -> Self {
        Self::new()
    }
}

impl Dump {
    /// A dump that has asked for nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            part: Part::Services,
            found: Dumped::default(),
            unreadable: 0,
            waits_for: None,
            interrupted: false,
            retries: 0,
            failed: None,
        }
    }

    /// Whether the answer to the last request is not complete.
    #[must_use]
    pub const fn awaits_answers(&self) -> bool {
        self.waits_for.is_some()
    }

    /// Appends the next request with this number; `false` while answers are awaited and at the
    /// end.
    pub fn poll_request(&mut self, family: FamilyId, seq: u32, out: &mut Vec<u8>) -> bool {
        if self.waits_for.is_some() || self.failed.is_some() {
            return false;
        }
        let request = match (self.part, self.key()) {
            (Part::Services, _) => Request::DumpServices,
            (Part::Destinations(_), Some(key)) => Request::DumpDestinations(key),
            _ => return false,
        };
        request.encode(family, seq, out);
        self.waits_for = Some(seq);
        true
    }

    /// With what the answers to the last request have to be read.
    #[must_use]
    pub fn context(&self, family: FamilyId) -> Context {
        let service = self.key().map_or(Family::Ipv4, |key| key.family());
        Context { family, service }
    }

    /// Takes an answer; those to other requests are left alone, and `false`.
    pub fn handle(&mut self, answer: &Answer) -> bool {
        if self.waits_for != Some(answer.seq) {
            return false;
        }
        self.interrupted |= answer.interrupted;
        match (&answer.reply, self.part) {
            (Reply::Service(status), Part::Services) => {
                self.found.services.push((status.clone(), Vec::new()));
            }
            (Reply::Destination(status), Part::Destinations(place)) => {
                if let Some((_, destinations)) = self.found.services.get_mut(place) {
                    destinations.push(*status);
                }
            }
            (Reply::Done(0), _) if self.interrupted => self.again(),
            (Reply::Done(0), _) => self.next_part(),
            (Reply::Done(errno) | Reply::Error(errno), part) => {
                let command = match part {
                    Part::Services => Command::GET_SERVICE,
                    _ => Command::GET_DEST,
                };
                self.failed = Some(KernelError::of(command, *errno));
                self.waits_for = None;
            }
            (Reply::Overrun, _) => self.again(),
            _ => {}
        }
        true
    }

    /// Counts an answer that could not be read.
    pub fn handle_unreadable(&mut self) {
        self.unreadable = self.unreadable.saturating_add(1);
    }

    /// Answers were lost (`ENOBUFS`): asks for the present part again. Use a new number, for late
    /// answers to the old one may still come.
    pub fn again(&mut self) {
        match self.part {
            Part::Services => self.found.services.clear(),
            Part::Destinations(place) => {
                if let Some((_, destinations)) = self.found.services.get_mut(place) {
                    destinations.clear();
                }
            }
            Part::Finished => return,
        }
        self.waits_for = None;
        self.interrupted = false;
        self.unreadable = 0;
        self.retries = self.retries.saturating_add(1);
        if self.retries > MOST_RETRIES {
            self.failed = Some(KernelError::Overrun);
        }
    }

    /// The result, once there is one.
    ///
    /// # Errors
    /// What the kernel refused, or [`KernelError::Overrun`] when a part could not be read in one
    /// piece for too many times.
    #[must_use]
    pub fn result(&mut self) -> Option<Result<Dumped, KernelError>> {
        if let Some(error) = self.failed {
            return Some(Err(error));
        }
        let finished = self.part == Part::Finished;
        finished.then(|| Ok(std::mem::take(&mut self.found)))
    }

    fn next_part(&mut self) {
        let next = match self.part {
            Part::Services => 0,
            Part::Destinations(place) => {
                // Who asks for counters keeps them.
                if let Some((_, destinations)) = self.found.services.get_mut(place) {
                    destinations.shrink_to_fit();
                }
                place.saturating_add(1)
            }
            Part::Finished => return,
        };
        self.part = if next < self.found.services.len() {
            Part::Destinations(next)
        } else {
            Part::Finished
        };
        self.waits_for = None;
        self.retries = 0;
        self.found.unreadable = self.found.unreadable.saturating_add(self.unreadable);
        self.unreadable = 0;
    }

    fn key(&self) -> Option<ServiceKey> {
        let Part::Destinations(place) = self.part else {
            return None;
        };
        let (status, _) = self.found.services.get(place)?;
        Some(status.service.key)
    }
}
