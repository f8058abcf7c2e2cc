//! Another configuration for the same virtual router.

use vrrp_proto::Version;

use crate::Instant;
use crate::action::{Action, Announce, State};
use crate::advertised::Advertised;
use crate::config::{InstanceConfig, Preempt, Role};
use crate::error::ConfigError;

use super::Instance;

impl Instance {
    /// Changes the configuration and keeps state, counters, and everything heard.
    ///
    /// The same configuration does nothing at all (KA-M-12: the next advert comes when it would
    /// have come anyway). Of a different one the actions are those that the difference needs; a
    /// new priority or interval is in the next advert (FSM-OPEN-05, FSM-OPEN-06) and moves a
    /// running down timer (FSM-OPEN-04). What is not looked at by the state machine changes nothing
    /// (FSM-V3-A-12).
    ///
    /// # Errors
    ///
    /// What [`InstanceConfig::check`] finds, or [`ConfigError::Identity`]. Then nothing has
    /// changed.
    pub fn reconfigure(&mut self, now: Instant, config: InstanceConfig) -> Result<(), ConfigError> {
        config.check()?;
        if (config.vrid, config.family) != (self.config.vrid, self.config.family) {
            return Err(ConfigError::Identity);
        }
        self.reconfigure_unchecked(now, config);
        Ok(())
    }

    /// As [`reconfigure`](Self::reconfigure), with a configuration that is known to be good. Tells
    /// whether it was another one.
    pub(crate) fn reconfigure_unchecked(&mut self, now: Instant, config: InstanceConfig) -> bool {
        if config == self.config {
            return false;
        }
        let old = core::mem::replace(&mut self.config, config);
        let other_addresses = old.addresses != self.config.addresses;
        if other_addresses {
            self.list = Advertised::new(self.config.family, &self.config.addresses);
        }
        if other_addresses
            || old.format != self.config.format
            || old.interval != self.config.interval
        {
            self.advert_changed();
        }
        if self.config.role != Role::Owner {
            self.gave_way = false;
            self.rival = None;
        }
        if !matches!(self.config.preempt(), Preempt::After(_)) {
            self.preempt_hold = None;
        }
        self.update_active_interval(&old);
        self.update_priority(now);
        match self.state {
            State::Initialize => {}
            State::Backup => self.move_down_timer(now),
            State::Active => {
                self.shorten_advert_timer(now);
                if other_addresses {
                    self.actions.push_back(Action::InstallAddresses);
                    self.announce(Announce::Reassert);
                }
            }
        }
        self.update_faults(now);
        true
    }

    /// What a Backup has learned from a VRRPv3 Active router stays; everything else is local.
    fn update_active_interval(&mut self, old: &InstanceConfig) {
        let learned = self.state == State::Backup
            && self.accepted.is_some()
            && old.version() == Version::V3
            && self.config.version() == Version::V3;
        if !learned {
            self.active_interval = self.config.interval;
        }
    }
}
