//! From the files to what is simulated: nodes, wires, virtual routers and who has which address.

mod addresses;
mod remarks;
mod wires;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keepalived_config::diagnostic::{one_line, render_all};
use keepalived_config::{Diagnostic, Options};
use netlink_vip::InterfaceName;
use vrrp_fsm::{Preempt, Role};
use vrrp_proto::{Family, Version};

use super::Trouble;
use super::document::{Instance, Member, Node, Remark};
use super::machine::AnyMachine;
use super::topology::{Port, Setup, Topology, on_wires};
use crate::arguments::STDIN;
use crate::daemon::Standing;
use crate::load::is_fault;
use crate::lower::{Lowered, lower};
use crate::stdin;

use wires::Labels;

/// What the command line says about files.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// The nodes, each with its file.
    pub(super) nodes: Vec<(String, PathBuf)>,
    /// Files that nodes are to reload, in the order of the script.
    pub(super) reloads: Vec<(usize, PathBuf)>,
    /// Interfaces that are on one wire: `eth0@a=eth1@b`.
    pub(super) wires: Vec<String>,
    /// Addresses of interfaces: `eth0@a=192.0.2.1`.
    pub(super) addresses: Vec<String>,
}

/// Everything that a run begins with.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) topology: Arc<Topology>,
    pub(super) nodes: Vec<Node>,
    pub(super) instances: Vec<Instance>,
    pub(super) wires: Vec<String>,
    pub(super) remarks: Vec<Remark>,
    /// Among them that virtual routers which look like one are on two networks.
    pub(super) networks_assumed: bool,
    /// Which file of its node each reload is of, in the order of the script.
    pub(super) reloads: Vec<usize>,
}

/// A file that was read.
struct Read {
    node: usize,
    path: PathBuf,
    driver: keepalived_driver::Config,
    standing: Standing,
    faulty: bool,
}

/// What a daemon makes of a file.
struct Loaded {
    model: keepalived_config::Config,
    lowered: Lowered,
    /// The mistakes in it, one line each.
    mistakes: Vec<String>,
}

impl Cluster {
    /// The longest down interval of all files, at the lowest priority. RFC 9568 6.1, RFC 3768 6.1.
    pub(super) fn longest_down(&self) -> Duration {
        let setups = self.topology.setups.iter().flatten();
        let instances = setups.flat_map(|setup| &setup.driver.instances);
        let down = instances.map(|one| {
            let interval = one.fsm.interval.to_duration();
            let skew = match one.fsm.version() {
                Version::V2 => Duration::from_secs(1),
                Version::V3 => interval,
            };
            interval * u32::from(one.fsm.down_adverts.get()) + skew
        });
        down.max().unwrap_or_default()
    }

    /// The longest time for which a file says that nobody is to take over though it could.
    pub(super) fn longest_delay(&self) -> Duration {
        let setups = self.topology.setups.iter().flatten();
        let delay = setups.map(|setup| {
            let preempt = setup.driver.instances.iter().map(|one| match one.fsm.role {
                Role::Backup {
                    preempt: Preempt::After(delay),
                    ..
                } => delay,
                _ => Duration::ZERO,
            });
            let startup = setup.driver.startup_delay;
            startup.saturating_add(preempt.max().unwrap_or_default())
        });
        delay.max().unwrap_or_default()
    }

    /// Reads all files. `Err` has what is wrong with them, or with what the command line says of them.
    pub(super) fn load(wanted: &Wanted) -> Result<Self, Trouble> {
        let mut remarks = Vec::new();
        let mut wrong = Vec::new();
        let mut read = Vec::new();
        let first = wanted.nodes.iter().map(|(_, path)| path).enumerate();
        let later = wanted.reloads.iter().map(|(node, path)| (*node, path));
        for (nth, (node, path)) in first.chain(later).enumerate() {
            let name = wanted.nodes.get(node).map_or("", |(name, _)| name.as_str());
            let first = nth < wanted.nodes.len();
            match load(name, path, first) {
                Ok(loaded) => {
                    remarks::mistakes(node, first, &loaded.mistakes, &mut remarks);
                    remarks::collect(node, &loaded.model, &loaded.lowered, &mut remarks);
                    read.push(Read {
                        node,
                        path: path.clone(),
                        driver: loaded.lowered.driver,
                        standing: Standing::new(&loaded.model),
                        faulty: !loaded.mistakes.is_empty(),
                    });
                }
                Err(error) => wrong.push(error),
            }
        }
        if !wrong.is_empty() {
            return Err(Trouble::Files(wrong.join("\n")));
        }
        let names: Vec<&str> = wanted.nodes.iter().map(|(name, _)| name.as_str()).collect();
        let labels = Labels::new(&read, &names, &wanted.wires)?;
        let (wire_names, wires, wire_of) = labels.finish();
        let (mut instances, mut place_of) = (Vec::new(), BTreeMap::new());
        let mut setups: Vec<Vec<Arc<Setup>>> = names.iter().map(|_| Vec::new()).collect();
        let mut reloads = Vec::new();
        let plan = addresses::Plan::new(&read, &names, &wire_of, &wanted.addresses)?;
        remarks::strangers(&read, &plan, &mut remarks);
        for (nth, file) in read.into_iter().enumerate() {
            let Read { node, driver, .. } = file;
            let mut places = Vec::new();
            for setup in &driver.instances {
                let port = (node, setup.interface);
                let wire = wire_of.get(&port).copied().unwrap_or_default();
                let key = (wire, setup.fsm.family, setup.fsm.vrid.get());
                let place = *place_of.entry(key).or_insert_with(|| {
                    instances.push(Instance {
                        name: setup.name.to_string(),
                        family: setup.fsm.family,
                        vrid: setup.fsm.vrid.get(),
                        wire: wire_names.get(wire).cloned().unwrap_or_default(),
                        addresses: Vec::new(),
                        members: Vec::new(),
                    });
                    instances.len() - 1
                });
                places.push(place);
                let Some(instance) = instances.get_mut(place) else {
                    continue;
                };
                for vip in &setup.addresses {
                    if !instance.addresses.contains(&vip.address) {
                        instance.addresses.push(vip.address);
                    }
                }
                if instance.members.iter().all(|member| member.node != node) {
                    instance.members.push(member(node, &driver, setup));
                }
            }
            let Some(files) = setups.get_mut(node) else {
                continue;
            };
            if nth >= names.len() {
                reloads.push(files.len());
            }
            files.push(Arc::new(Setup {
                file: file.path,
                driver,
                places,
                standing: file.standing,
                faulty: file.faulty,
            }));
        }
        remarks::addresses(&plan, &instances, &names, &mut remarks);
        let networks_assumed = remarks::networks(&instances, &names, &mut remarks)
            | remarks::devices(&setups, &wire_of, &names, &mut remarks);
        let wanted_addresses = wanted_addresses(&setups, &wire_of, wires.len());
        let nodes = wanted.nodes.iter().map(|(name, file)| Node {
            name: name.clone(),
            file: file.clone(),
        });
        let topology = Topology {
            setups,
            wires,
            wire_of,
            primary: plan.primary,
            owner: plan.owner,
            wanted: wanted_addresses,
        };
        // A file may be loaded more than once.
        let mut told = Vec::with_capacity(remarks.len());
        for remark in remarks {
            if !told.contains(&remark) {
                told.push(remark);
            }
        }
        Ok(Self {
            topology: Arc::new(topology),
            nodes: nodes.collect(),
            instances,
            wires: wire_names,
            remarks: told,
            networks_assumed,
            reloads,
        })
    }
}

/// Reads one file as the daemon does: what cannot be understood is left out. What is refused on purpose
/// is no mistake. A node that has nothing to elect from the `first` on is none.
fn load(name: &str, path: &Path, first: bool) -> Result<Loaded, String> {
    if path != Path::new(STDIN) {
        let opened = std::fs::File::open(path).and_then(|file| file.metadata());
        let metadata = opened.map_err(|error| format!("{}: {error}", path.display()))?;
        if metadata.is_dir() {
            return Err(format!("{}: it is a directory", path.display()));
        }
    }
    let options = Options::default().with_config_id(name);
    let parsed = stdin::parse(path, &options);
    let faults: Vec<Diagnostic> = parsed
        .diagnostics
        .iter()
        .filter(|found| is_fault(found))
        .cloned()
        .collect();
    let lowered = lower(&parsed.config, &AnyMachine);
    if first && lowered.driver.instances.is_empty() {
        let mistakes = render_all(&faults, &parsed.sources);
        return Err(format!(
            "{mistakes}{}: no vrrp_instance in it",
            path.display()
        ));
    }
    let mistakes = faults.iter().map(|fault| one_line(fault, &parsed.sources));
    Ok(Loaded {
        mistakes: mistakes.collect(),
        model: parsed.config,
        lowered,
    })
}

fn member(
    node: usize,
    driver: &keepalived_driver::Config,
    setup: &Arc<keepalived_driver::InstanceSetup>,
) -> Member {
    let place = driver
        .instances
        .iter()
        .position(|one| Arc::ptr_eq(one, setup));
    let mut groups = driver.groups.iter();
    let group = groups.find(|group| place.is_some_and(|place| group.members.contains(&place)));
    Member {
        node,
        name: setup.name.to_string(),
        interface: setup.interface.to_string(),
        priority: setup.fsm.role.priority().get(),
        version: match setup.fsm.version() {
            Version::V2 => 2,
            Version::V3 => 3,
        },
        group: group.map(|group| group.name.to_string()),
    }
}

/// What the client of each wire wants to reach: every virtual address that may be on it.
fn wanted_addresses(
    setups: &[Vec<Arc<Setup>>],
    wire_of: &BTreeMap<Port, usize>,
    wires: usize,
) -> Vec<Vec<(IpAddr, usize)>> {
    let mut wanted: Vec<Vec<(IpAddr, usize)>> = vec![Vec::new(); wires];
    for (node, files) in setups.iter().enumerate() {
        for setup in files {
            for (one, place) in setup.driver.instances.iter().zip(&setup.places) {
                for (wire, address) in on_wires(wire_of, node, one) {
                    if let Some(list) = wanted.get_mut(wire)
                        && list.iter().all(|(known, _)| *known != address)
                    {
                        list.push((address, *place));
                    }
                }
            }
        }
    }
    wanted
}

/// `eth0@a`: an interface of a node.
fn port(word: &str, names: &[&str]) -> Result<(Option<usize>, InterfaceName), String> {
    let (interface, node) = match word.split_once('@') {
        Some((interface, name)) => {
            let node = names.iter().position(|known| *known == name);
            let unknown = || format!("{word}: there is no node {name}");
            (interface, Some(node.ok_or_else(unknown)?))
        }
        None => (word, None),
    };
    let interface = InterfaceName::new(interface).map_err(|error| format!("{word}: {error}"))?;
    Ok((node, interface))
}

/// The family of an address.
fn family(address: IpAddr) -> Family {
    Family::of(address)
}
