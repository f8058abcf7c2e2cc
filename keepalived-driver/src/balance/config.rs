//! What the balancing loop is told to run: already validated, every name resolved to a type.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipvs::{AddressRange, Destination, Service, SyncDaemon, Timeouts};

use super::check::CheckSetup;
use crate::hooks::HookCommand;
use crate::threads::ThreadSettings;

/// Everything loop 2 runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BalanceConfig {
    /// The virtual servers, in the order of the configuration. Shared, not copied, with the running
    /// ones, with reports and with snapshots. Labels are unique, and so are the keys of the kernel's
    /// services over all of them.
    pub services: Vec<Arc<ServiceSetup>>,
    /// How long the kernel remembers idle connections (`lvs_timeouts`). What was there before is put
    /// back at stop. IPVS-OPS-05.
    pub timeouts: Timeouts,
    /// The kernel's connection synchronisation (`lvs_sync_daemon`).
    pub sync: Option<SyncSetup>,
    /// Empty the whole table of the kernel before anything is put in, services of others included
    /// (`lvs_flush`). Counts for a start of the loop only.
    pub flush_at_start: bool,
    /// How packets to the addresses of a group are marked, for services that have a
    /// [`Gather`] (`nftables_ipvs`, IPVS-OPS-09).
    pub marks: MarkSettings,
    /// What becomes of the table at stop.
    pub on_stop: OnStop,
    /// Services that an earlier life of this daemon put and may have left behind, by key. Those that
    /// are no longer wanted are removed. IPVS marks no owner, so the caller has to know. Counts for a
    /// start of the loop only.
    pub adopt: Vec<ipvs::ServiceKey>,
    /// Servers that an earlier life of this daemon's loop had found failed, by the identity of their service
    /// and their own label: their checks begin as failed ones, so that they are not in service until one has
    /// passed. Counts for a start of the loop only.
    pub failed: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Where it is remembered which services are ours, so that a run after one that was killed removes
    /// those that it does not want: what is read there counts as in [`adopt`](Self::adopt). In a folder
    /// that a start of the host empties, one for each daemon; absent: they stay. Gone after a stop that
    /// has removed them. Counts for a start of the loop only.
    pub services_file: Option<PathBuf>,
    /// Where it is remembered which mark each group has, so that a run after one that was killed gives the same
    /// ones, by which the kernel knows connections and clients. As [`services_file`](Self::services_file); absent: marks
    /// are given anew, in the order of the services.
    pub marks_file: Option<PathBuf>,
    /// The network namespace whose IPVS is used, as the path of its file; that of the process if
    /// absent (`net_namespace_ipvs`). Checks run in the namespace of the process. Counts for a start
    /// of the loop only.
    pub namespace: Option<PathBuf>,
    /// How often the kernel's table is compared with what it should be. Less often when that takes
    /// more than a small part of the time. Half a second by default; zero is never.
    pub verify: Duration,
    /// Run once when the kernel has no IPVS; `modprobe -q ip_vs` by default.
    pub load_module: Option<Arc<HookCommand>>,
    /// Most attempts that run at once, each with a descriptor; 8192 by default, and never more than the
    /// process may have: its soft limit is raised as far as is needed and allowed. Those over it wait
    /// for one to end.
    pub concurrency: usize,
    /// Most scripts that run at once; 256 by default.
    pub script_concurrency: usize,
    /// Start scripts that need supplementary groups through this program, see
    /// [`HookSettings::launcher`](crate::hooks::HookSettings::launcher).
    pub launcher: Option<PathBuf>,
    /// How the thread of the loop is scheduled, and its name. Taken over in the first turn.
    pub thread: ThreadSettings,
}

impl BalanceConfig {
    /// These services with the defaults for everything else.
    #[must_use]
    pub fn new(services: Vec<ServiceSetup>) -> Self {
        let modprobe = HookCommand::new(["modprobe", "-q", "ip_vs"]);
        Self {
            services: services.into_iter().map(Arc::new).collect(),
            timeouts: Timeouts::default(),
            sync: None,
            flush_at_start: false,
            marks: MarkSettings::default(),
            on_stop: OnStop::Remove,
            adopt: Vec::new(),
            failed: BTreeSet::new(),
            services_file: None,
            marks_file: None,
            namespace: None,
            verify: Duration::from_millis(500),
            load_module: Some(Arc::new(modprobe)),
            concurrency: 8192,
            script_concurrency: 256,
            launcher: None,
            thread: ThreadSettings::default(),
        }
    }
}

/// How packets are marked: with an nftables table for each address family, by the program `nft`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MarkSettings {
    /// Name of the tables (`nftables_ipvs`). One that lacks the chain [`owner`](Self::owner) is somebody else's and is
    /// left alone; what is in one of ours is replaced.
    pub table: String,
    /// Priority of their chains in the `input` hook (`nftables_ipvs_priority`).
    pub priority: i32,
    /// The first mark (`nftables_ipvs_start_fwmark`). Each virtual server that is gathered gets the lowest
    /// number from here on that nobody has, and keeps it over reloads.
    pub first: NonZeroU32,
    /// Count what is marked (`nftables_counters`).
    pub counters: bool,
    /// Name of an empty chain in the tables, by which a later run knows them for ours.
    pub owner: String,
    /// Name of other tables with that chain that are kept elsewhere in this program: they were not left behind by a
    /// killed run.
    pub beside: Option<String>,
}

impl Default for MarkSettings {
    /// Keepalived's.
    fn default() -> Self {
        const FIRST: NonZeroU32 = NonZeroU32::new(1000).expect("it is not zero");
        Self {
            table: "keepalived_ipvs".to_owned(),
            priority: -1,
            first: FIRST,
            counters: false,
            owner: "keepalived_rs".to_owned(),
            beside: None,
        }
    }
}

/// What becomes of the kernel's table when the loop stops.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum OnStop {
    /// Our services are removed, and with them their destinations (the default, and
    /// `lvs_flush_on_stop VS`).
    #[default]
    Remove,
    /// The whole table is emptied, services of others included (`lvs_flush_on_stop`).
    Flush,
    /// It stays as it is (`-I`, `--dont-release-ipvs`), and what of it is ours stays remembered in
    /// [`BalanceConfig::services_file`].
    Keep,
}

/// The kernel's connection synchronisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncSetup {
    /// Its settings; the role is not looked at.
    pub daemon: SyncDaemon,
    /// The virtual router whose state it follows: master while that is Active, else backup. Without
    /// one both roles run. IPVS-OPS-06.
    pub instance: Option<Arc<str>>,
}

/// One virtual server: a pool of real servers behind one or more services of the kernel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServiceSetup {
    /// What it is called in logs, scripts and pipes, such as `[192.0.2.1]:tcp:80`, `FWM 5` or the
    /// name of its group.
    pub label: Arc<str>,
    /// Which one it is: the same virtual server from one configuration to the next, whatever it is called in them. Each
    /// has its own. Its label, unless said otherwise.
    pub identity: Arc<str>,
    /// The services of the kernel: one, or one for each address and mark of a group. A server is a
    /// destination of each that its address family allows.
    pub services: Vec<Service>,
    /// One service of a mark stands for all of them, as long as packets can be marked; they are what
    /// there is otherwise.
    pub gather: Option<Gather>,
    /// The real servers, in the order of the configuration, each address and port once.
    pub servers: Vec<ServerSetup>,
    /// Weight of live servers that is needed, from 1 (LVS-11).
    pub quorum: u32,
    /// How far above the quorum it counts as won, and how far below as lost.
    pub hysteresis: u32,
    /// Serves alone when the quorum is lost (LVS-14).
    pub sorry: Option<SorrySetup>,
    /// On stop, tell of servers and quorum as if they went down (LVS-13). Of what a reload removes that
    /// is told in any case.
    pub omega: bool,
    /// Extension: when fewer than so many percent of the servers are live, the checks are
    /// disbelieved and all are kept in service (`panic_threshold`).
    pub panic_below: Option<u8>,
    /// The checks rest while none of these addresses is on this host (`ha_suspend`, LVS-16). Empty:
    /// they never rest.
    pub suspend_without: Vec<IpAddr>,
    /// Extension: a server that a reload removes stays for so long with weight 0, and its connections
    /// with it (`lvs_drain_time`). Zero: it goes at once.
    pub drain: Duration,
}

impl ServiceSetup {
    /// A virtual server with Keepalived's defaults: a quorum of 1 and nothing else.
    #[must_use]
    pub fn new(label: &str, services: Vec<Service>, servers: Vec<ServerSetup>) -> Self {
        let label: Arc<str> = label.into();
        Self {
            identity: Arc::clone(&label),
            label,
            services,
            gather: None,
            servers,
            quorum: 1,
            hysteresis: 0,
            sorry: None,
            omega: false,
            panic_below: None,
            suspend_without: Vec::new(),
            drain: Duration::ZERO,
        }
    }
}

/// One service in place of those of many addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// The addresses of [`ServiceSetup::services`].
    pub ranges: Vec<AddressRange>,
    /// The service, once for each address family. Its key says that family and nothing else: the loop
    /// chooses the mark, one for both.
    pub services: Vec<Service>,
}

/// One real server. `alpha` is a matter of its checks.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerSetup {
    /// What it is called in logs, scripts and pipes, such as `[198.51.100.1]:tcp:80`.
    pub label: Arc<str>,
    /// Where it is, how packets get there, and its configured weight. The address and port make it the
    /// same server from one configuration to the next.
    pub destination: Destination,
    /// It stays with weight 0 when it fails (`inhibit_on_failure`, LVS-15).
    pub inhibit: bool,
    /// It is up while all of them are (RS-07).
    pub checks: Vec<CheckSetup>,
}

impl ServerSetup {
    /// A server without checks.
    #[must_use]
    pub fn new(label: &str, destination: Destination) -> Self {
        Self {
            label: label.into(),
            destination,
            inhibit: false,
            checks: Vec::new(),
        }
    }

    /// Its address and port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        let key = self.destination.key;
        SocketAddr::new(key.address, key.port)
    }
}

/// Serves alone when there is no quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SorrySetup {
    /// What it is called.
    pub label: Arc<str>,
    /// Where it is and how packets get there; it serves with weight 1, whatever is written here.
    pub destination: Destination,
    /// It stays with weight 0 while it is not needed (`sorry_server_inhibit`).
    pub inhibit: bool,
}
