//! `global_defs`, resolved.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use vrrp_proto::{GROUP_V4, GROUP_V6, Version};

use super::alert::{Mail, Pipes};
use super::balance::BalanceDefs;
use super::device::LinkDefs;
use super::process::Process;
use super::script::ScriptUser;
use super::spanned::Spanned;

/// The receive buffer of a netlink socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetlinkBuffer {
    /// In bytes; absent: the daemon's own choice.
    pub size: Option<u32>,
    /// Beyond the limit of the system.
    pub force: bool,
}

/// Settings of the whole daemon, with Keepalived's defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GlobalDefs {
    /// Name of this machine; absent: the host name.
    pub router_id: Option<Spanned<String>>,
    /// Group of IPv4 adverts.
    pub mcast_group4: Ipv4Addr,
    /// Group of IPv6 adverts.
    pub mcast_group6: Ipv6Addr,
    /// Version of IPv4 instances that name none.
    pub version: Version,
    /// Lost adverts until a backup takes over, 1..=100.
    pub down_timer_adverts: u8,
    /// Default of `lower_prio_no_advert`.
    pub lower_prio_no_advert: bool,
    /// Default of `higher_prio_send_advert`.
    pub higher_prio_send_advert: bool,
    /// Default of `owner_ignore_adverts`.
    pub owner_ignore_adverts: bool,
    /// Default of `skip_check_adv_addr`.
    pub skip_check_adv_addr: bool,
    /// Default of `check_unicast_src`.
    pub check_unicast_src: bool,
    /// Default of `strict_mode`.
    pub strict: bool,
    /// Default of `v3_checksum_as_v2`.
    pub v3_checksum_as_v2: bool,
    /// Announcement settings of instances that give none.
    pub announce: GlobalAnnounce,
    /// Least time between two gratuitous ARPs on one interface; zero: none.
    pub garp_interval: Duration,
    /// Least time between two unsolicited neighbour advertisements on one interface; zero: none.
    pub gna_interval: Duration,
    /// Whom scripts run as; absent: `keepalived_script` if there is such a user, else the daemon's user.
    pub script_user: Option<ScriptUser>,
    /// Scripts run as root that others can change are refused.
    pub script_security: bool,
    /// Interface for addresses that have no other.
    pub default_interface: Option<Spanned<String>>,
    /// Whether interfaces may be missing.
    pub dynamic_interfaces: DynamicInterfaces,
    /// Time after start during which no instance takes part.
    pub startup_delay: Duration,
    /// Uptime of the host before which no instance takes part.
    pub delay_after_boot: Duration,
    /// Adverts for virtual routers that are not configured here are logged.
    pub log_unknown_vrids: bool,
    /// Receive buffer of the netlink socket for requests.
    pub netlink_command_buffer: NetlinkBuffer,
    /// Receive buffer of the netlink socket for news.
    pub netlink_monitor_buffer: NetlinkBuffer,
    /// Receive buffer of the socket for news of processes.
    pub process_monitor_buffer: NetlinkBuffer,
    /// Format of the JSON dump: 1 or 2.
    pub json_version: u8,
    /// Where the state dump goes; a path ending in `/` names a directory.
    pub state_dump_file: Option<PathBuf>,
    /// Permission bits taken from created files, 0..=0o777; absent: 0o177.
    pub umask: Option<u32>,
    /// Start of the random series.
    pub random_seed: Option<u32>,
    /// Devices, packet filter and links.
    pub links: LinkDefs,
    /// Scripts run with all groups of their user.
    pub supplementary_groups: bool,
    /// Symbolic links in script paths are kept.
    pub symlink_paths: bool,
    /// How the process itself runs.
    pub process: Process,
    /// Pipes that get a line for every event.
    pub pipes: Pipes,
    /// Alert mails.
    pub mail: Mail,
    /// Services and checks.
    pub balance: BalanceDefs,
}

/// Announcement settings in `global_defs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GlobalAnnounce {
    /// Time to the second burst; zero: no second burst.
    pub master_delay: Duration,
    /// Packets per address in a burst, from 1.
    pub master_repeat: u32,
    /// Time between refreshes while MASTER; zero: none.
    pub refresh: Duration,
    /// Packets per address at a refresh, from 1.
    pub refresh_repeat: u32,
    /// As `master_delay`, after a lower-priority advert; absent: as the instance's `master_delay`.
    pub lower_prio_delay: Option<Duration>,
    /// As `master_repeat`, after a lower-priority advert; absent: as the instance's `master_repeat`.
    pub lower_prio_repeat: Option<u32>,
}

/// Whether interfaces may be missing at start and change while running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DynamicInterfaces {
    /// A missing interface is an error.
    #[default]
    No,
    /// Interfaces may come and go.
    Yes,
    /// Interfaces may also change their kind or parent.
    AllowChanges,
}

impl Default for GlobalAnnounce {
    fn default() -> Self {
        Self {
            master_delay: Duration::from_secs(5),
            master_repeat: 5,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_delay: None,
            lower_prio_repeat: None,
        }
    }
}

impl Default for GlobalDefs {
    fn default() -> Self {
        Self {
            router_id: None,
            mcast_group4: GROUP_V4,
            mcast_group6: GROUP_V6,
            version: Version::V2,
            down_timer_adverts: 3,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            owner_ignore_adverts: false,
            skip_check_adv_addr: false,
            check_unicast_src: false,
            strict: false,
            v3_checksum_as_v2: false,
            announce: GlobalAnnounce::default(),
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            script_user: None,
            script_security: false,
            default_interface: None,
            dynamic_interfaces: DynamicInterfaces::No,
            startup_delay: Duration::ZERO,
            delay_after_boot: Duration::ZERO,
            log_unknown_vrids: false,
            netlink_command_buffer: NetlinkBuffer::default(),
            netlink_monitor_buffer: NetlinkBuffer::default(),
            process_monitor_buffer: NetlinkBuffer::default(),
            json_version: 1,
            state_dump_file: None,
            umask: None,
            random_seed: None,
            links: LinkDefs::default(),
            supplementary_groups: false,
            symlink_paths: false,
            process: Process::default(),
            pipes: Pipes::default(),
            mail: Mail::default(),
            balance: BalanceDefs::default(),
        }
    }
}
