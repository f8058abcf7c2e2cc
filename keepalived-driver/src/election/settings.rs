//! Settings of the kernel that are ours while we run: applied, remembered, restored.
//!
//! Reading and writing them is a system call that waits for nothing but the kernel's own locks,
//! as a netlink request does.

use std::fs;
use std::path::PathBuf;

use netlink_vip::{InterfaceName, Setting, SettingPlace};

const ROOT: &str = "/proc/sys/net";

/// What was changed, in that order, with the values before.
#[derive(Debug, Default)]
pub(super) struct Settings {
    held: Vec<(Setting, Option<u32>)>,
}

impl Settings {
    /// Makes the setting what it is to be, and remembers what it was. Nothing to do if that has
    /// been done already.
    pub(super) fn apply(&mut self, setting: Setting) -> Result<(), String> {
        let held = |(other, _): &&mut (Setting, Option<u32>)| other.path() == setting.path();
        if let Some((known, _)) = self.held.iter_mut().find(held) {
            if known.value == setting.value {
                return Ok(());
            }
            known.value = setting.value;
            return write(&setting, setting.value);
        }
        let before = read(&setting);
        self.held
            .push((setting, before.filter(|old| *old != setting.value)));
        if before == Some(setting.value) {
            return Ok(());
        }
        write(&setting, setting.value)
    }

    /// An interface is gone and its settings with it.
    pub(super) fn forget(&mut self, interface: InterfaceName) {
        let place = SettingPlace::Interface(interface);
        self.held.retain(|(setting, _)| setting.place != place);
    }

    /// Restores those that are not wanted any more.
    pub(super) fn keep(&mut self, wanted: impl Fn(&Setting) -> bool) {
        let mut kept = Vec::with_capacity(self.held.len());
        for (setting, before) in self.held.drain(..).rev() {
            if wanted(&setting) {
                kept.push((setting, before));
            } else if let Some(before) = before {
                // What vanished meanwhile has nothing to be restored.
                let _ = write(&setting, before);
            }
        }
        kept.reverse();
        self.held = kept;
    }
}

fn path(setting: &Setting) -> PathBuf {
    PathBuf::from(ROOT).join(setting.path())
}

/// The value now, if there is such a setting.
pub(super) fn read(setting: &Setting) -> Option<u32> {
    fs::read_to_string(path(setting)).ok()?.trim().parse().ok()
}

fn write(setting: &Setting, value: u32) -> Result<(), String> {
    let path = path(setting);
    match fs::write(&path, value.to_string()) {
        // A kernel without IPv6 has none of its settings.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && setting.ipv6 => Ok(()),
        Err(error) => Err(format!("cannot set {} to {value}: {error}", path.display())),
        Ok(()) => Ok(()),
    }
}
