//! Settings of the kernel that are ours while we run: applied, remembered, restored.
//!
//! What they were before is written to a file first, so that a run after one that was killed can
//! restore them. Reading and writing settings is a system call that waits for nothing but the kernel's
//! own locks, as a netlink request does; the file belongs into a folder in memory, such as /run.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use netlink_vip::{InterfaceName, Setting, SettingPlace};
use nix::net::if_::if_nametoindex;

use crate::state_file::{self, StateFile};

const ROOT: &str = "/proc/sys/net";
const FORMAT: &str = "keepalived-rs-settings-1";

/// What was changed, in that order, with the values before.
#[derive(Debug)]
pub(super) struct Settings {
    held: Vec<Held>,
    file: StateFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    setting: Setting,
    /// What it was; absent if it was what it is to be.
    before: Option<u32>,
    /// It vanishes with a device of ours, and need not be remembered.
    fleeting: bool,
    /// A run that was killed has changed it; whether it is now what it is to be has not been looked at.
    inherited: bool,
}

impl Settings {
    /// None, beside those that a run that was killed has written to `file` and that are still there; and why that is not
    /// believed, in words.
    pub(super) fn read(file: Option<PathBuf>) -> (Self, Option<String>) {
        let file = StateFile::new(file, FORMAT);
        let (held, trouble) = file.read(
            parse,
            "what an earlier run has changed of the kernel's settings stays",
        );
        (Self { held, file }, trouble)
    }

    /// Makes the settings what they are to be, and remembers what they were. Nothing to do where that
    /// has been done already. What could not be done, in words.
    pub(super) fn apply(
        &mut self,
        wanted: impl IntoIterator<Item = Setting>,
        fleeting: bool,
    ) -> Vec<String> {
        let mut changes = Vec::new();
        let mut to_remember = false;
        for setting in wanted {
            let mut held = self.held.iter_mut();
            let known = held.find(|held| is_same(&held.setting, &setting));
            if let Some(known) = known {
                if known.inherited || known.setting.value != setting.value {
                    (known.inherited, known.setting.value) = (false, setting.value);
                    changes.push(setting);
                }
                continue;
            }
            let now = read(&setting);
            let before = now.filter(|old| *old != setting.value);
            to_remember |= before.is_some() && !fleeting;
            if now != Some(setting.value) {
                changes.push(setting);
            }
            self.held.push(Held {
                setting,
                before,
                fleeting,
                inherited: false,
            });
        }
        let mut trouble = Vec::new();
        if to_remember {
            trouble.extend(self.save());
        }
        for setting in changes {
            trouble.extend(write(&setting, setting.value).err());
        }
        trouble
    }

    /// An interface is gone and its settings with it. What could not be done, in words.
    pub(super) fn forget(&mut self, interface: InterfaceName) -> Option<String> {
        let place = SettingPlace::Interface(interface);
        let before = self.held.len();
        self.held.retain(|held| held.setting.place != place);
        (self.held.len() != before).then(|| self.save()).flatten()
    }

    /// Restores those that are not wanted any more. What could not be done, in words.
    pub(super) fn keep(&mut self, wanted: impl Fn(&Setting) -> bool) -> Option<String> {
        let before = self.held.len();
        let mut kept = Vec::with_capacity(before);
        for held in self.held.drain(..).rev() {
            if wanted(&held.setting) {
                kept.push(held);
            } else if let Some(before) = held.before {
                // What vanished meanwhile has nothing to be restored.
                let _ = write(&held.setting, before);
            }
        }
        kept.reverse();
        self.held = kept;
        (self.held.len() != before).then(|| self.save()).flatten()
    }

    fn save(&mut self) -> Option<String> {
        let held = &self.held;
        self.file.save(
            |origin| text(held, origin),
            "changed settings of the kernel stay",
        )
    }
}

/// Whether they are the same setting, whatever the values.
fn is_same(one: &Setting, other: &Setting) -> bool {
    (one.ipv6, one.place, one.key) == (other.ipv6, other.place, other.key)
}

/// The number of the interface of this setting; 0 if it has none.
fn index(setting: &Setting) -> u32 {
    match setting.place {
        SettingPlace::Interface(name) => if_nametoindex(name.as_str()).unwrap_or(0),
        SettingPlace::All | SettingPlace::Default | SettingPlace::Namespace => 0,
    }
}

/// The file's content, if there is anything to remember.
fn text(held: &[Held], origin: &str) -> Option<String> {
    let mut text = format!("{origin}\n");
    let header = text.len();
    for held in held.iter().filter(|held| !held.fleeting) {
        if let Some(before) = held.before {
            let setting = &held.setting;
            let (path, index) = (setting.path(), index(setting));
            let _ = writeln!(text, "{path} {index} {before} {}", setting.value);
        }
    }
    (text.len() > header).then_some(text)
}

/// What the file says about interfaces that are still the same ones.
fn parse(text: &str, origin: &str) -> Result<Vec<Held>, &'static str> {
    let rest = state_file::body(text, origin).ok_or("not a file of settings")??;
    let held = |line: &str| {
        let mut words = line.split(' ');
        let path = words.next()?;
        let mut number = || words.next()?.parse::<u32>().ok();
        let (interface, before, value) = (number()?, number()?, number()?);
        let setting = Setting::from_path(path, value)?;
        (index(&setting) == interface).then_some(Held {
            setting,
            before: Some(before),
            fleeting: false,
            inherited: true,
        })
    };
    Ok(rest.lines().filter_map(held).collect())
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
        Err(error) if error.kind() == io::ErrorKind::NotFound && setting.ipv6 => Ok(()),
        Err(error) => Err(format!("cannot set {} to {value}: {error}", path.display())),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(path: &str, before: u32, value: u32) -> Held {
        Held {
            setting: Setting::from_path(path, value).unwrap(),
            before: Some(before),
            fleeting: false,
            inherited: true,
        }
    }

    /// VMAC-07.
    #[test]
    fn what_is_written_is_read_again_and_of_another_origin_it_is_not() {
        let all = [
            held("ipv4/conf/lo/arp_ignore", 0, 1),
            held("ipv4/conf/all/rp_filter", 2, 0),
            held("ipv4/igmp_link_local_mcast_reports", 1, 0),
        ];
        let mut more = all.to_vec();
        // Neither of these has to be restored.
        more.push(Held {
            fleeting: true,
            ..held("ipv6/conf/lo/accept_ra", 1, 0)
        });
        more.push(Held {
            before: None,
            ..held("ipv4/conf/lo/arp_filter", 0, 1)
        });
        let text = text(&more, "here").unwrap();
        assert_eq!(parse(&text, "here").unwrap(), all);
        assert!(parse(&text, "elsewhere").is_err());
        // An interface that is another one by now, and things that are no settings of ours.
        let text = text.replace("arp_ignore 1 ", "arp_ignore 999 ")
            + "ipv4/conf/../../kernel/panic 0 1 2\nipv4/conf/lo/forwarding 1 1 1\nrubbish\n";
        assert_eq!(parse(&text, "here").unwrap(), all[1..]);
        assert_eq!(super::text(&more[3..], "here"), None);
    }

    /// What is not believed is told: the settings that it names stay as the killed run left them.
    #[test]
    fn a_file_that_is_not_believed_is_told_of() {
        let folder = std::env::temp_dir().join(format!("settings-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("cut.settings");
        assert_eq!(Settings::read(Some(path.clone())).1, None);
        fs::write(&path, "keepalived-rs-settings-0 somewhere 1\n").unwrap();
        let (settings, trouble) = Settings::read(Some(path));
        fs::remove_dir_all(&folder).unwrap();
        assert!(settings.held.is_empty());
        let trouble = trouble.unwrap();
        assert!(
            trouble.contains("cut.settings: not a file of settings"),
            "{trouble}"
        );
    }
}
