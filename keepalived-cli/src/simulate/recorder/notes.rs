//! What the nodes say of themselves.

use netsim::Net;
use vrrp_fsm::{Reason, TrackStatus};

use super::super::document::{Advert, State};
use super::super::frame::Note;
use super::super::objects;
use super::{ADVERTS, Recorder};
use crate::nodes::counted;

/// The rule by which a virtual router refuses what comes while it does not run.
const NOT_RUNNING: &str = "not_running";

impl Recorder<'_> {
    fn transition(&mut self, node: usize, note: &Note, net: &Net) {
        let Note::State {
            place,
            from,
            to,
            reason,
            faults,
            waits,
            why,
        } = note
        else {
            return;
        };
        let place = *place;
        self.found.totals.transitions += 1;
        let state = match to {
            vrrp_fsm::State::Active => State::Master,
            vrrp_fsm::State::Backup => State::Backup,
            vrrp_fsm::State::Initialize if faults.is_empty() => State::Off,
            vrrp_fsm::State::Initialize if *waits => State::Waiting,
            vrrp_fsm::State::Initialize => State::Fault,
        };
        let seat = self.seat(node, place);
        let first = seat.is_some_and(|seat| seat.state == State::Off);
        let words = self.reason(reason, *faults, why, first);
        if *to == vrrp_fsm::State::Active {
            self.takeover(node, place, *reason);
            if let Some(master) = self.last_master.get_mut(place) {
                *master = Some(node);
            }
        }
        self.enter(node, place, state, words.clone());
        // One that was MASTER all the time is the one to be succeeded next.
        let is_master = |other: &usize| {
            self.seats
                .get(*other)
                .and_then(|seats| seats.get(place))
                .is_some_and(|seat| seat.state == State::Master)
        };
        if *from == vrrp_fsm::State::Active
            && let Some(other) = (0..self.names.len()).find(is_master)
            && let Some(master) = self.last_master.get_mut(place)
        {
            *master = Some(other);
        }
        let now = self.now;
        if *to == vrrp_fsm::State::Backup
            && let Some(seat) = self.seat(node, place)
        {
            (seat.armed, seat.lowest, seat.short) = (now, seat.priority, false);
            seat.lower = None;
            if *from == vrrp_fsm::State::Initialize {
                (seat.heard, seat.interval) = (false, None);
            }
            // Yielding to a better one, it has heard that.
            seat.heard |= matches!(reason, Reason::HigherPriority { .. });
        }
        if self.detailed {
            let text = format!("{} {}: {words}", self.title(node, place), state.word());
            self.event(Some(node), Some(place), text);
        }
        self.watch(place, net, false);
    }

    pub(super) fn note(&mut self, node: usize, note: &Note, net: &Net) {
        let now = self.now;
        match note {
            Note::State { .. } => self.transition(node, note, net),
            Note::Faults {
                place,
                faults,
                waits,
                why,
            } => {
                let place = *place;
                let state = if *waits { State::Waiting } else { State::Fault };
                let words = self.held(*faults, why);
                let seat = self.seat(node, place);
                let is_held = seat.is_some_and(|seat| {
                    !matches!(seat.state, State::Master | State::Backup) && seat.state != state
                });
                if !faults.is_empty() && is_held {
                    self.enter(node, place, state, words.clone());
                    let text = format!("{} {}: {words}", self.title(node, place), state.word());
                    self.event(Some(node), Some(place), text);
                    self.watch(place, net, false);
                }
            }
            Note::Priority { place, priority } => {
                if let Some(seat) = self.seat(node, *place) {
                    seat.priority = *priority;
                    seat.lowest = seat.lowest.min(*priority);
                }
                let text = format!("{} has priority {priority}", self.title(node, *place));
                self.event(Some(node), Some(*place), text);
            }
            Note::Arrived { place, from } => self.arrived(node, *place, from.0, net),
            Note::Heard {
                place,
                priority,
                interval,
                armed,
                ..
            } => {
                if let Some(seat) = self.seat(node, *place) {
                    seat.heard = true;
                    seat.lower = match *priority < seat.priority {
                        true => seat.lower.or(Some(now)),
                        false => None,
                    };
                    if *armed {
                        (seat.armed, seat.lowest) = (now, seat.priority);
                        seat.short = *priority == 0;
                        if *priority > 0 {
                            seat.interval = Some(*interval);
                        }
                    }
                }
            }
            Note::Gone { place } => {
                if let Some(seat) = self.seat(node, *place) {
                    (seat.armed, seat.lowest, seat.short) = (now, seat.priority, true);
                }
            }
            Note::Lost => self.found.totals.adverts_lost += 1,
            Note::Transmits { place, priority } => self.advert(node, *place, *priority),
            Note::Installed { place, addresses } => {
                self.installed(node, *place, addresses);
                self.judge(net);
            }
            Note::Removed { place } => {
                self.reach.removed(node, *place);
                self.judge(net);
            }
            Note::Learned { address, holder } => {
                self.learned(node, *address, holder.0);
                self.judge(net);
            }
            Note::Group { name, to } => {
                let word = match to {
                    vrrp_fsm::State::Active => "MASTER",
                    vrrp_fsm::State::Backup => "BACKUP",
                    vrrp_fsm::State::Initialize => "FAULT",
                };
                self.event(Some(node), None, format!("group {name} {word}"));
            }
            // What does not run refuses everything: no news.
            Note::Refused { rule, .. } if *rule == NOT_RUNNING => {}
            Note::Refused { from, rule, why } => {
                self.found.totals.adverts_refused += 1;
                if self.told.insert((node, from.0, rule)) {
                    let text = format!("refuses adverts of {}: {why}", self.name(from.0));
                    self.event(Some(node), None, text);
                }
            }
            Note::Notice { place, notice } => self.notice(node, *place, notice),
            Note::Tracker { id, status } => {
                let is = match status {
                    TrackStatus::Up => "is in order".to_owned(),
                    TrackStatus::Down => "has failed".to_owned(),
                    TrackStatus::Value(value) => format!("says {value}"),
                    TrackStatus::Unknown => "is not known".to_owned(),
                };
                self.event(Some(node), None, format!("{} {is}", objects::name(id)));
            }
            Note::Session { name, up, why } => {
                let is = if *up {
                    "is up".to_owned()
                } else {
                    format!("is down: {why}")
                };
                self.event(Some(node), None, format!("BFD session {name} {is}"));
            }
            Note::Loaded {
                added,
                changed,
                removed,
            } => {
                let text = format!(
                    "has reloaded: {} new, {changed} changed, {removed} gone",
                    counted(*added, "virtual router")
                );
                self.event(Some(node), None, text);
                if let Some(at) = self.reloaded.get_mut(node) {
                    *at = now;
                }
                // It may drop other traffic than before.
                self.judge(net);
            }
            Note::Refuses { why } => {
                let text = format!("refuses to reload: {why}; nothing was changed");
                self.event(Some(node), None, text);
            }
            Note::NotLoaded { error } => {
                self.event(Some(node), None, format!("cannot load: {error}"));
                let text = format!("{} cannot load its file: {error}", self.name(node));
                self.object("not-loaded", text);
            }
        }
    }

    fn advert(&mut self, node: usize, place: usize, priority: u8) {
        self.found.totals.adverts_sent += 1;
        let now = self.now;
        let last = self.last_advert.get_mut(place);
        if let Some(last) = last.and_then(|last| last.get_mut(node)) {
            *last = Some(now);
        }
        if !self.detailed {
            return;
        }
        self.sent += 1;
        if priority != 0 && !self.sent.is_multiple_of(self.every) {
            self.found.adverts_left_out += 1;
            return;
        }
        self.found.adverts.push(Advert {
            at: now,
            node,
            instance: place,
            priority,
        });
        if self.found.adverts.len() > ADVERTS {
            let before = self.found.adverts.len();
            let mut nth = 0_usize;
            self.found.adverts.retain(|advert| {
                nth += 1;
                advert.priority == 0 || nth.is_multiple_of(2)
            });
            self.every *= 2;
            let dropped = before - self.found.adverts.len();
            self.found.adverts_left_out += u64::try_from(dropped).unwrap_or_default();
        }
    }
}
