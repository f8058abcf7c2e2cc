//! The files written on SIGUSR1, SIGUSR2 and SIGRTMIN+2, where keepalived writes them and in its
//! shapes.
//!
//! Programs that watch keepalived send it a signal and read these files. They cannot know when a
//! file is complete, so here every file is written under another name and then renamed: whoever
//! opens it sees a whole old one or a whole new one.

mod data;
mod file;
mod json;
mod stats;

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use keepalived_driver::Snapshot;
use keepalived_driver::hooks::HookSet;

/// What the dumps need beside the snapshot.
#[derive(Clone, Debug)]
pub(crate) struct DumpSettings {
    /// Where the files go.
    pub(crate) folder: PathBuf,
    /// Goes into the file names (`data_use_instance`).
    pub(crate) instance: Option<String>,
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
}

/// What is configured of a group, as far as the dumps show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupDump {
    pub(crate) hooks: HookSet,
    pub(crate) tracking_weight: bool,
    /// The interfaces it tracks, in keepalived's notation.
    pub(crate) tracked_interfaces: Vec<String>,
}

impl DumpSettings {
    /// Keepalived's places: `TMPDIR`, else /tmp.
    pub(crate) fn new() -> Self {
        let folder = env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
        Self {
            folder: folder.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
            instance: None,
            state_file: None,
            json_version: 1,
            router_id: String::new(),
            hooks: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// `keepalived.data`, or `keepalived_NAME.data`.
    fn path(&self, extension: &str) -> PathBuf {
        let name = match &self.instance {
            Some(instance) => format!("keepalived_{instance}.{extension}"),
            None => format!("keepalived.{extension}"),
        };
        self.folder.join(name)
    }

    fn data_path(&self) -> PathBuf {
        match &self.state_file {
            // A path that ends in a slash names a folder for the usual file name.
            Some(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                path.join(self.path("data").file_name().unwrap_or_default())
            }
            Some(path) => path.clone(),
            None => self.path("data"),
        }
    }
}

/// SIGUSR1: everything, as text.
pub(crate) fn data(snapshot: &Snapshot, settings: &DumpSettings) -> io::Result<()> {
    file::write(&settings.data_path(), &data::text(snapshot, settings))
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
