//! What comes from outside of VRRP.

use core::net::IpAddr;

use crate::Instant;
use crate::action::{Reason, State};
use crate::config::Transport;
use crate::event::{Event, Fault, Faults};
use crate::notice::Notice;

use super::Instance;

impl Instance {
    /// Takes an event. All but `Start`, `Stop`, `AddressLost`, `ActiveLost` and
    /// `Suspect` are levels: they say
    /// how things are, and saying it twice is saying it once.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Start => self.start(now),
            Event::Stop => self.stop(now, Reason::Stopped),
            Event::Fault(fault) => {
                self.reported = self.reported.with(fault);
                self.update_faults(now);
            }
            Event::FaultCleared(fault) => {
                self.reported = self.reported.without(fault);
                self.update_faults(now);
            }
            Event::PrimaryAddress(address) => self.primary_address_is(now, address),
            Event::Adjust(weights) => {
                self.weights = weights;
                self.update_priority(now);
            }
            Event::WallClock(since_1970) => self.wall = Some((now, since_1970)),
            Event::AddressLost => self.address_lost(now),
            Event::ActiveLost(address) => self.active_lost(now, address),
            Event::Suspect => self.suspect(now),
        }
    }

    /// FSM-OPEN-07, KA-F-05, VRRP-EXT-07: a new address is used from the next advert on; having
    /// none is a fault.
    fn primary_address_is(&mut self, now: Instant, address: Option<IpAddr>) {
        if address != self.primary {
            self.primary = address;
            self.advert_changed();
        }
        if address.is_some() {
            self.reported = self.reported.without(Fault::NoSourceAddress);
        }
        self.update_faults(now);
    }

    /// Computes the faults anew from the facts, and stops or starts accordingly.
    ///
    /// KA-F-01, KA-F-02, KA-F-03, KA-F-05, KA-M-11, KA-ST-08, KA-ST-09, KA-W-01, VRRP-EXT-04.
    pub(super) fn update_faults(&mut self, now: Instant) {
        let mut faults = self.reported;
        if self.primary.is_none() {
            faults = faults.with(Fault::NoSourceAddress);
        }
        if self.primary.is_some_and(|address| self.is_peer(address)) || self.has_no_peer() {
            faults = faults.with(Fault::Configuration);
        }
        if !self.config.track_link {
            faults = faults.without(Fault::LinkDown);
        }
        if faults == self.faults {
            return;
        }
        let before = core::mem::replace(&mut self.faults, faults);
        if let Some(fault) = first_new(before, faults)
            && self.state != State::Initialize
        {
            self.become_initialize(now, Reason::Faulted(fault));
        }
        self.leave_initialize(now, Reason::FaultsCleared);
        if self.started {
            self.notice(now, Notice::FaultsChanged { faults });
        }
    }

    /// VRRP-EXT-05: nobody to talk to, and never a group in their place.
    pub(super) fn has_no_peer(&self) -> bool {
        match &self.config.transport {
            Transport::Multicast { .. } => false,
            Transport::Unicast { peers, .. } => peers.is_empty(),
        }
    }

    pub(crate) fn is_peer(&self, address: IpAddr) -> bool {
        match &self.config.transport {
            Transport::Multicast { .. } => false,
            Transport::Unicast { peers, .. } => peers.iter().any(|peer| peer.address == address),
        }
    }
}

fn first_new(before: Faults, now: Faults) -> Option<Fault> {
    now.iter().find(|fault| !before.contains(*fault))
}
