//! `promote_secondaries`: the other addresses of a subnet stay when the first one goes (VIP-07).
//!
//! The kernel decides that per interface, by a setting that is ours while an instance wants it and
//! restored when none does.

use std::collections::BTreeSet;

use netlink_vip::{InterfaceName, Setting, SettingPlace};

use super::Elections;

impl Elections {
    /// Makes the setting where it is wanted, and restores it where it is no longer. VIP-07.
    pub(super) fn settle_secondaries(&mut self) {
        let wanting = self.config.instances.iter();
        let wanting = wanting.filter(|setup| setup.promote_secondaries);
        let wanted: BTreeSet<_> = wanting
            .flat_map(|setup| setup.own_devices())
            .filter(|interface| self.reconciler.link(interface.as_str()).is_some())
            .collect();
        if wanted == self.promoted {
            return;
        }
        let former = &std::mem::take(&mut self.promoted) - &wanted;
        self.restore_promotion(&former);
        let new = wanted.iter().copied().map(Setting::promote_secondaries);
        self.apply_settings(new, false);
        self.promoted = wanted;
    }

    /// Restores all of them, after the addresses have gone.
    pub(super) fn restore_secondaries(&mut self) {
        let promoted = std::mem::take(&mut self.promoted);
        self.restore_promotion(&promoted);
    }

    fn restore_promotion(&mut self, interfaces: &BTreeSet<InterfaceName>) {
        let is_one = |held: &Setting| match held.place {
            SettingPlace::Interface(name) => {
                *held == Setting::promote_secondaries(name) && interfaces.contains(&name)
            }
            _ => false,
        };
        if !interfaces.is_empty() {
            let trouble = self.devices.settings.keep(|held| !is_one(held));
            self.trouble_of_settings(trouble);
        }
    }
}
