//! Signs outside VRRP that another machine thinks our address is its own.
//!
//! Its neighbours now send to the wrong place, and VRRP itself may see nothing wrong. The answer
//! is to announce again, at a bounded rate, and to say so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use netlink_vip::conflict;
use sans_io_time::Instant;
use vrrp_fsm::{Event, InstanceId, State};

use super::Elections;
use crate::report::Report;
use crate::sockets::watch::{Watch, Watched, frame_buffer};
use crate::sources::Source;

/// Frames judged in one turn.
const FRAMES_PER_TURN: usize = 64;
/// Between two answers of one instance: two machines that both answer must not shout at each
/// other for ever.
const BETWEEN_ANSWERS: Duration = Duration::from_secs(1);

/// The watch over our addresses.
#[derive(Debug)]
pub(super) struct Conflicts {
    pub(super) arp: Watch,
    pub(super) advertisements: Watch,
    /// The addresses that are ours now, and whose.
    ours: BTreeMap<IpAddr, InstanceId>,
    answered: BTreeMap<InstanceId, Instant>,
    /// `ours` may be out of date.
    pub(super) stale: bool,
}

impl Conflicts {
    pub(super) fn open() -> std::io::Result<Self> {
        Ok(Self {
            arp: Watch::open(Watched::Arp)?,
            advertisements: Watch::open(Watched::Advertisements)?,
            ours: BTreeMap::new(),
            answered: BTreeMap::new(),
            stale: false,
        })
    }
}

impl Elections {
    /// Watch for exactly the addresses that Active instances hold.
    pub(super) fn settle_conflicts(&mut self) {
        if !std::mem::take(&mut self.conflicts.stale) {
            return;
        }
        let ours: BTreeMap<IpAddr, InstanceId> = self
            .instances
            .iter()
            .filter(|(id, _)| self.state_of(**id) == State::Active)
            .flat_map(|(id, running)| running.setup.addresses.iter().map(|vip| (vip.address, *id)))
            .collect();
        let addresses: Vec<IpAddr> = ours.keys().copied().collect();
        self.conflicts.ours = ours;
        for watch in [&self.conflicts.arp, &self.conflicts.advertisements] {
            if let Err(error) = watch.listen_for(&addresses) {
                self.reports.push(Report::Trouble {
                    message: format!("cannot watch for address conflicts: {error}"),
                });
            }
        }
    }

    /// True if more may be waiting.
    pub(super) fn read_conflicts(&mut self, now: Instant, source: Source) -> bool {
        let mut frame = frame_buffer();
        for _ in 0..FRAMES_PER_TURN {
            let watch = match source {
                Source::Arp => &self.conflicts.arp,
                _ => &self.conflicts.advertisements,
            };
            let length = match watch.receive(&mut frame) {
                Ok(Some((length, _))) => length,
                Ok(None) => return false,
                // An interface that goes down is told here too, once, and frames may wait behind.
                Err(_) => continue,
            };
            let ours = &self.conflicts.ours;
            let reconciler = &self.reconciler;
            let found = conflict::detect(
                frame.get(..length).unwrap_or_default(),
                |address| ours.contains_key(&address),
                |mac| reconciler.links().any(|link| link.mac == Some(mac)),
            );
            if let Some(found) = found
                && let Some(id) = ours.get(&found.address).copied()
            {
                self.answer_conflict(now, id, found);
            }
        }
        true
    }

    fn answer_conflict(&mut self, now: Instant, id: InstanceId, found: conflict::Conflict) {
        let last = self.conflicts.answered.get(&id);
        if last.is_some_and(|last| now.saturating_duration_since(*last) < BETWEEN_ANSWERS) {
            return;
        }
        self.conflicts.answered.insert(id, now);
        if let Some(instance) = self.label(id) {
            self.reports.push(Report::AddressClaimed {
                instance,
                address: found.address,
                by: found.claimed_by,
            });
        }
        self.router.handle_event(now, id, Event::Suspect);
    }
}
