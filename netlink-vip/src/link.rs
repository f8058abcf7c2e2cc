//! Network interfaces as the kernel reports them.

use crate::name::InterfaceName;

/// One interface.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Kernel index. A deleted and recreated interface gets another one.
    pub index: u32,
    /// Name.
    pub name: InterfaceName,
    /// Ethernet address, if the interface has one of 6 octets (ARP-13).
    pub mac: Option<[u8; 6]>,
    /// Largest IP packet, in octets.
    pub mtu: u32,
    /// Flags.
    pub flags: LinkFlags,
    /// Kind of a virtual interface, as in `ip link add type`: `veth`, `macvlan`, `vlan`, `bond`.
    pub kind: Option<String>,
    /// Mode of a macvlan, with the kernel's number.
    pub macvlan_mode: Option<u32>,
    /// Index of the interface below (macvlan, vlan) if it is in the same namespace.
    pub parent: Option<u32>,
    /// Index of the bridge, bond or VRF that this interface belongs to.
    pub controller: Option<u32>,
    /// Free text (`ip link set alias`); ours marks what we made.
    pub alias: Option<String>,
}

impl Link {
    /// An Ethernet interface that is up, for tests and dry runs.
    #[must_use]
    pub fn new(index: u32, name: InterfaceName) -> Self {
        Self {
            index,
            name,
            mac: Some([2, 0, 0, 0, 0, 1]),
            mtu: 1500,
            flags: LinkFlags {
                admin_up: true,
                running: true,
                multicast: true,
                broadcast: true,
                ..LinkFlags::default()
            },
            kind: None,
            macvlan_mode: None,
            parent: None,
            controller: None,
            alias: None,
        }
    }

    /// Switched on and with carrier: packets can pass.
    #[must_use]
    pub fn up(&self) -> bool {
        self.flags.admin_up && self.flags.running
    }

    /// Whether neighbours on this interface keep caches that an announcement would update: not
    /// loopback, point-to-point or NOARP, and with an Ethernet address (ARP-12, ARP-13).
    #[must_use]
    pub fn has_neighbours(&self) -> bool {
        let flags = self.flags;
        self.mac.is_some() && !flags.noarp && !flags.pointopoint && !flags.loopback
    }
}

/// Flags of an interface.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFlags {
    /// Switched on by the administrator (`IFF_UP`).
    pub admin_up: bool,
    /// Operational (`IFF_RUNNING`): carrier present and, if asked for, authenticated.
    pub running: bool,
    /// No ARP (`IFF_NOARP`).
    pub noarp: bool,
    /// Point-to-point (`IFF_POINTOPOINT`).
    pub pointopoint: bool,
    /// Loopback (`IFF_LOOPBACK`).
    pub loopback: bool,
    /// Multicast capable (`IFF_MULTICAST`).
    pub multicast: bool,
    /// Broadcast capable (`IFF_BROADCAST`).
    pub broadcast: bool,
}
