//! Kernel settings (sysctls) that virtual MAC addresses need: which, and with what values.
//!
//! This module only says so. Whoever applies them keeps the old values and restores them.

use std::fmt;

use crate::link_wanted::{LinkKind, WantedLink};
use crate::name::InterfaceName;

/// One setting of the kernel's network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setting {
    /// Of IPv6; else of IPv4.
    pub ipv6: bool,
    /// For which interfaces.
    pub place: SettingPlace,
    /// Its name, such as `rp_filter`.
    pub key: &'static str,
    /// The value it is to have.
    pub value: u32,
}

/// Which interfaces a [`Setting`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingPlace {
    /// `all`: the kernel combines it with that of the interface.
    All,
    /// `default`: what new interfaces begin with.
    Default,
    /// This one.
    Interface(InterfaceName),
    /// None in particular: the setting is one of the whole namespace.
    Namespace,
}

impl fmt::Display for SettingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Default => f.write_str("default"),
            Self::Interface(name) => fmt::Display::fmt(name, f),
            Self::Namespace => Ok(()),
        }
    }
}

/// Names of the settings that this module knows.
const KEYS: [&str; 10] = [
    "accept_local",
    "accept_ra",
    "arp_announce",
    "arp_filter",
    "arp_ignore",
    "autoconf",
    "disable_ipv6",
    "igmp_link_local_mcast_reports",
    "promote_secondaries",
    "rp_filter",
];

impl Setting {
    const fn v4(place: SettingPlace, key: &'static str, value: u32) -> Self {
        Self {
            ipv6: false,
            place,
            key,
            value,
        }
    }

    const fn v6(place: SettingPlace, key: &'static str, value: u32) -> Self {
        Self {
            ipv6: true,
            place,
            key,
            value,
        }
    }

    /// Where the kernel shows it, from the directory `/proc/sys/net` on.
    #[must_use]
    pub fn path(&self) -> String {
        let family = if self.ipv6 { "ipv6" } else { "ipv4" };
        match self.place {
            SettingPlace::Namespace => format!("{family}/{}", self.key),
            place => format!("{family}/conf/{place}/{}", self.key),
        }
    }

    /// The setting with this [path](Self::path), if it is one that some function here makes.
    #[must_use]
    pub fn from_path(path: &str, value: u32) -> Option<Self> {
        let words: Vec<&str> = path.split('/').collect();
        let (family, place, name) = match words.as_slice() {
            [family, name] => (family, SettingPlace::Namespace, name),
            [family, "conf", "all", name] => (family, SettingPlace::All, name),
            [family, "conf", "default", name] => (family, SettingPlace::Default, name),
            [family, "conf", interface, name] => {
                let interface = InterfaceName::new(interface).ok()?;
                (family, SettingPlace::Interface(interface), name)
            }
            _ => return None,
        };
        let ipv6 = match *family {
            "ipv4" => false,
            "ipv6" => true,
            _ => return None,
        };
        let key = KEYS.into_iter().find(|key| key == name)?;
        Some(Self {
            ipv6,
            place,
            key,
            value,
        })
    }

    /// The other addresses of a subnet stay when its first one goes.
    #[must_use]
    pub const fn promote_secondaries(interface: InterfaceName) -> Self {
        Self::v4(SettingPlace::Interface(interface), "promote_secondaries", 1)
    }

    /// What a device of ours needs before it is switched on (VMAC-07). `ipv4`, `ipv6`: the
    /// families of the addresses it is for.
    #[must_use]
    pub fn of_device(link: &WantedLink, ipv4: bool, ipv6: bool) -> Vec<Self> {
        let place = SettingPlace::Interface(link.name);
        let mut all = Vec::new();
        if ipv4 {
            all.extend([
                // Answer for addresses of this device only, and with its MAC address.
                Self::v4(place, "arp_ignore", 1),
                // Packets of the real interface's address come in by this one too.
                Self::v4(place, "accept_local", 1),
                Self::v4(place, "rp_filter", 0),
                Self::promote_secondaries(link.name),
            ]);
        }
        if !matches!(link.kind, LinkKind::Macvlan { .. }) {
            return all;
        }
        if ipv6 {
            all.extend([
                Self::v6(place, "disable_ipv6", 0),
                // A router that advertises a prefix must not give the virtual MAC an address of
                // its own, and nobody is to be asked for routers from it.
                Self::v6(place, "accept_ra", 0),
                Self::v6(place, "autoconf", 0),
            ]);
        } else {
            all.push(Self::v6(place, "disable_ipv6", 1));
        }
        all
    }

    /// What the interface below needs, so that it neither answers ARP for addresses that are
    /// on the device nor asks in their name (VMAC-07).
    #[must_use]
    pub fn of_parent(parent: InterfaceName) -> Vec<Self> {
        let place = SettingPlace::Interface(parent);
        vec![
            Self::v4(place, "arp_ignore", 1),
            Self::v4(place, "arp_filter", 1),
            // Its own ARP requests must not name a virtual address together with its own MAC
            // address: whoever is asked would learn that one. Keepalived leaves this out.
            Self::v4(place, "arp_announce", 2),
        ]
    }

    /// No membership reports for 224.0.0.0/24, on any interface (IF-09).
    #[must_use]
    pub const fn no_local_igmp() -> Self {
        Self::v4(SettingPlace::Namespace, "igmp_link_local_mcast_reports", 0)
    }

    /// `rp_filter` of `all` outweighs that of the device, which has to be 0: it is moved to the
    /// single interfaces and to `default` (VMAC-07). In the order in which they are to be applied:
    /// no packet passes that would not have passed before.
    #[must_use]
    pub fn move_rp_filter(
        all: u32,
        default: u32,
        interfaces: impl IntoIterator<Item = (InterfaceName, u32)>,
    ) -> Vec<Self> {
        if all == 0 {
            return Vec::new();
        }
        let mut moved = Vec::new();
        if default < all {
            moved.push(Self::v4(SettingPlace::Default, "rp_filter", all));
        }
        for (name, value) in interfaces {
            if value < all {
                let place = SettingPlace::Interface(name);
                moved.push(Self::v4(place, "rp_filter", all));
            }
        }
        moved.push(Self::v4(SettingPlace::All, "rp_filter", 0));
        moved
    }
}
