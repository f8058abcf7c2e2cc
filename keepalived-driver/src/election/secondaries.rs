//! `promote_secondaries`: the other addresses of a subnet stay when the first one goes (VIP-07).
//!
//! The kernel decides that per interface, by a switch that we set while an instance wants it and set
//! back when none does. The file is in memory and the kernel waits for nothing when it is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use netlink_vip::InterfaceName;

use super::Elections;
use crate::report::Report;

fn switch(interface: InterfaceName) -> PathBuf {
    let name = interface.as_str();
    PathBuf::from(format!(
        "/proc/sys/net/ipv4/conf/{name}/promote_secondaries"
    ))
}

impl Elections {
    /// Sets the switch where it is wanted, and back where it is no longer.
    pub(super) fn settle_secondaries(&mut self) {
        let wanting = self.config.instances.iter();
        let wanting = wanting.filter(|setup| setup.promote_secondaries);
        let wanted: BTreeSet<_> = wanting.flat_map(|setup| setup.own_devices()).collect();
        let former: Vec<_> = self.promoted.difference(&wanted).copied().collect();
        for interface in former {
            self.promoted.remove(&interface);
            self.write_switch(interface, "0");
        }
        for interface in wanted {
            let exists = self.reconciler.link(interface.as_str()).is_some();
            if !exists {
                // A new interface of that name begins with the system's default.
                self.promoted.remove(&interface);
                continue;
            }
            if self.promoted.contains(&interface) {
                continue;
            }
            match fs::read_to_string(switch(interface)) {
                // It is as it should be, and will be left so.
                Ok(text) if text.trim() != "0" => {}
                Ok(_) => {
                    if self.write_switch(interface, "1") {
                        self.promoted.insert(interface);
                    }
                }
                Err(error) => self.switch_trouble(interface, &error),
            }
        }
    }

    /// Sets every switch back, after the addresses have gone.
    pub(super) fn restore_secondaries(&mut self) {
        for interface in std::mem::take(&mut self.promoted) {
            if self.reconciler.link(interface.as_str()).is_some() {
                self.write_switch(interface, "0");
            }
        }
    }

    fn write_switch(&mut self, interface: InterfaceName, value: &str) -> bool {
        match fs::write(switch(interface), value) {
            Ok(()) => true,
            Err(error) => {
                self.switch_trouble(interface, &error);
                false
            }
        }
    }

    fn switch_trouble(&mut self, interface: InterfaceName, error: &std::io::Error) {
        self.reports.push(Report::Trouble {
            message: format!("promote_secondaries of {interface} cannot be set: {error}"),
        });
    }
}
