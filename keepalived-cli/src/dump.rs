//! The files written on SIGUSR1, SIGUSR2 and SIGRTMIN+2, where keepalived writes them and in its
//! shapes.
//!
//! Programs that watch keepalived send it a signal and read these files. They cannot know when a
//! file is complete, so here every file is written under another name and then renamed: whoever
//! opens it sees a whole old one or a whole new one.

mod balance;
mod bfd;
mod data;
mod file;
mod json;
mod stats;
mod trackers;

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepalived_driver::Snapshot;
use keepalived_driver::balance::BalanceSnapshot;
use keepalived_driver::hooks::HookSet;

use crate::lower::{ServiceWishes, Wishes};

pub(crate) use balance::forward;

/// What the dumps need beside the snapshot.
#[derive(Clone, Debug)]
pub(crate) struct DumpSettings {
    /// Where the files go.
    pub(crate) folder: PathBuf,
    /// Goes into the name of the data dump (`data_use_instance`): the network namespace and the name
    /// of the daemon's instance, each with a dot in front.
    pub(crate) infix: String,
    /// Another place for the data dump (`state_dump_file`).
    pub(crate) state_file: Option<PathBuf>,
    /// Format of the JSON file: 1 or 2.
    pub(crate) json_version: u8,
    /// Name of this machine (`router_id`).
    pub(crate) router_id: String,
    /// The scripts of each instance; to be replaced when a reload is applied.
    pub(crate) hooks: BTreeMap<Arc<str>, HookSet>,
    /// What is configured of each group; to be replaced when a reload is applied.
    pub(crate) groups: BTreeMap<String, GroupDump>,
    /// What instances want besides their scripts.
    pub(crate) wishes: BTreeMap<Arc<str>, Wishes>,
    /// Who wants to know of services; to be replaced when a reload is applied.
    pub(crate) services: BTreeMap<Arc<str>, ServiceWishes>,
}

/// What is configured of a group, as far as the dumps show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupDump {
    pub(crate) hooks: HookSet,
    pub(crate) tracking_weight: bool,
    pub(crate) mail: bool,
    /// The interfaces it tracks, in keepalived's notation.
    pub(crate) tracked_interfaces: Vec<String>,
}

impl DumpSettings {
    /// Keepalived's places: `TMPDIR`, else /tmp.
    pub(crate) fn new() -> Self {
        let folder = env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
        Self {
            folder: folder.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            infix: String::new(),
            state_file: None,
            json_version: 1,
            router_id: String::new(),
            hooks: BTreeMap::new(),
            groups: BTreeMap::new(),
            wishes: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("keepalived.{extension}"))
    }

    fn bfd_path(&self) -> PathBuf {
        let name = format!("keepalived_bfd{}.data", self.infix);
        self.folder.join(name)
    }

    fn checkers_path(&self) -> PathBuf {
        let name = format!("keepalived_check{}.data", self.infix);
        self.folder.join(name)
    }

    fn data_path(&self) -> PathBuf {
        // Keepalived puts names into this file's name only.
        let name = format!("keepalived{}.data", self.infix);
        match &self.state_file {
            // A path that ends in a slash names a folder for the usual file name.
            Some(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => path.join(name),
            Some(path) => path.clone(),
            None => self.folder.join(name),
        }
    }
}

/// SIGUSR1: everything, as text.
pub(crate) fn data(snapshot: &Snapshot, settings: &DumpSettings) -> io::Result<()> {
    if !snapshot.bfd.is_empty() {
        file::write(&settings.bfd_path(), &bfd::text(snapshot))?;
    }
    file::write(&settings.data_path(), &data::text(snapshot, settings))
}

/// SIGUSR1: services and checks, as text.
pub(crate) fn balance(snapshot: &BalanceSnapshot, settings: &DumpSettings) -> io::Result<()> {
    file::write(
        &settings.checkers_path(),
        &balance::text(snapshot, settings),
    )
}

/// The same, to another place.
pub(crate) fn data_to(path: &Path, snapshot: &Snapshot, settings: &DumpSettings) -> io::Result<()> {
    file::write(path, &data::text(snapshot, settings))
}

/// SIGUSR2: the counters, as text.
pub(crate) fn stats(snapshot: &Snapshot, settings: &DumpSettings) -> io::Result<()> {
    file::write(&settings.path("stats"), &stats::text(snapshot))
}

/// SIGRTMIN+2: the instances, as JSON. Without any instance no file is written.
pub(crate) fn json(snapshot: &Snapshot, settings: &DumpSettings) -> io::Result<()> {
    if snapshot.instances.is_empty() {
        return Ok(());
    }
    file::write(&settings.path("json"), &json::text(snapshot, settings))
}

#[cfg(test)]
mod tests;
