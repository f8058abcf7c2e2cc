//! From the configuration model to what the loops run: keepalived's words end here.

mod alerts;
mod balance;
mod bfd;
mod device;
mod instance;
mod objects;
mod process;
mod scripts;
mod secret;
mod trackers;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;

use keepalived_config::Config as Model;
use keepalived_config::model::NetlinkBuffer as WantedBuffer;
use keepalived_config::model::{HoldReason, Program, Surroundings};
use keepalived_driver::hooks::HookSet;
use keepalived_driver::{GroupSetup, NetlinkBuffer};

use crate::rtnetlink::Rtnetlink;

pub(crate) use alerts::{AlertPlan, MailPlan, Wishes};
pub(crate) use balance::{
    BalancePlan, ServerWishes, ServiceWishes, file_troubles, unusable_checks,
};
pub(crate) use bfd::{NO_BFD, without_bfd};
pub(crate) use process::{Around, ProcessPlan};
pub(crate) use scripts::{
    DEFAULT_USER, Judgement, RunAs, ScriptTrouble, default_account, supplementary,
};
pub(crate) use secret::Secret;

/// Everything the daemon runs, and what could not be taken over.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// For the elections loop.
    pub(crate) driver: keepalived_driver::Config,
    /// The scripts of each instance, by name.
    pub(crate) hooks: BTreeMap<Arc<str>, HookSet>,
    /// The scripts of each group, by name.
    pub(crate) group_hooks: BTreeMap<Arc<str>, HookSet>,
    /// For the balancing loop.
    pub(crate) balance: BalancePlan,
    /// Pipes and mail.
    pub(crate) alerts: AlertPlan,
    /// The process itself.
    pub(crate) process: ProcessPlan,
    /// Things to say once: scripts that are disabled, addresses that are not advertised.
    pub(crate) remarks: Vec<String>,
    /// Scripts that are insecure or cannot run.
    pub(crate) script_trouble: Vec<ScriptTrouble>,
}

/// What lowering needs to know about this machine.
pub(crate) trait Machine {
    /// The MTU of an interface, if it exists.
    fn mtu(&self, interface: &str) -> Option<u32>;
    /// A user and its group, by name or number.
    fn account(&self, user: &str, group: Option<&str>) -> Option<(u32, u32)>;
    /// The account this process runs as.
    fn own_account(&self) -> (u32, u32);
    /// What is in the file of a key, and whether others than its owner can read it.
    ///
    /// # Errors
    /// It cannot be read, or is far too long for a key.
    fn secret(&self, path: &Path) -> std::io::Result<Secret> {
        secret::read(path)
    }
    /// All groups of a user, the given one included.
    fn groups(&self, user: &str, gid: u32) -> Vec<u32>;
    /// Whether the program exists, can be started by that user, and is safe from others. With `links`
    /// symbolic links in its path stay, and must be safe too.
    fn judge(&self, program: &str, who: &RunAs, links: bool) -> scripts::Judgement;
}

/// What for a model is lowered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be run.
    Run,
    /// For what there is to say about it: the services are not kept, which can be most of the memory.
    Test,
}

/// Lower the whole model. Instances that must not run are there too, held with their reason.
pub(crate) fn lower(model: &Model, machine: &dyn Machine) -> Lowered {
    lower_for(Purpose::Run, model, machine)
}

/// The same, for a purpose.
pub(crate) fn lower_for(purpose: Purpose, model: &Model, machine: &dyn Machine) -> Lowered {
    let mut remarks = Vec::new();
    let mut script_trouble = Vec::new();
    let mut hooks = BTreeMap::new();
    let mut group_hooks = BTreeMap::new();
    let mut instances = Vec::new();
    // Where each instance of the model has come to, if it runs.
    let mut positions = Vec::new();
    let mut names = device::Names::new(model);
    let scripts = scripts::Scripts::new(&model.global, machine);
    remarks.extend(scripts.complaint());
    let mut trackers = trackers::Trackers::new(&model.trackers, &scripts);
    for instance in &model.instances {
        // Two of them cannot even be told apart: the first one runs.
        if let Some(hold) = instance.hold
            && hold.reason == HoldReason::DuplicateVrid
        {
            remarks.push(format!(
                "({}) not run: {}",
                *instance.name,
                hold.reason.text()
            ));
            continue;
        }
        match instance::setup(&model.global, instance, machine, &mut remarks) {
            Ok(mut setup) => {
                let global = &model.global;
                device::add(&mut setup, global, instance, &mut names, &mut remarks);
                let (name, tracked) = (&instance.name, &instance.tracked);
                let objects = trackers.objects(name, tracked, &mut script_trouble);
                setup.trackers.extend(objects);
                setup.track_statics =
                    objects::tracked(&model.statics, &instance.name).unwrap_or_default();
                let set = scripts.hook_set(&instance.name, &instance.notify, &mut script_trouble);
                if !set.is_empty() {
                    hooks.insert(setup.name.clone(), set);
                }
                positions.push(Some(instances.len()));
                instances.push(setup);
            }
            Err(error) => {
                positions.push(None);
                remarks.push(format!("({}) not run: {error}", *instance.name));
            }
        }
    }
    let mut driver = keepalived_driver::Config::new(instances);
    for group in &model.groups {
        let members = group.members.iter();
        let members: Vec<usize> = members
            .filter_map(|member| positions.get(*member).copied().flatten())
            .collect();
        if members.is_empty() {
            continue;
        }
        let setup = GroupSetup::new(&group.name, members);
        let set = scripts.hook_set(&group.name, &group.notify, &mut script_trouble);
        if !set.is_empty() {
            group_hooks.insert(setup.name.clone(), set);
        }
        driver.groups.push(setup.into());
    }
    match objects::statics(&model.statics) {
        Ok(statics) => driver.statics = statics,
        Err(error) => remarks.push(format!("Nothing static is added: {error}")),
    }
    driver.netlink_command_buffer = buffer(&model.global.netlink_command_buffer);
    driver.netlink_monitor_buffer = buffer(&model.global.netlink_monitor_buffer);
    driver.startup_delay = model.global.startup_delay;
    driver.garp_groups = device::garp_groups(model);
    driver.link_delays = device::link_delays(model);
    driver.polled_links = device::polled_links(model, &driver.instances);
    driver.firewall = device::firewall(&model.global);
    driver.no_local_igmp = model.global.links.no_local_igmp;
    driver.delay_after_boot = model.global.delay_after_boot;
    driver.report_unknown_vrids = model.global.log_unknown_vrids;
    driver.thread = process::elections_thread(model);
    let alerts = AlertPlan::new(model, &scripts, &mut remarks, &mut script_trouble);
    let process = ProcessPlan::new(model, &scripts, &mut script_trouble);
    let balance = BalancePlan::new(
        model,
        &scripts,
        alerts.mail.is_some(),
        purpose,
        &mut remarks,
        &mut script_trouble,
    );
    driver.firewall.beside = balance.marks_table();
    driver.trackers = trackers.finish(&balance.files, &mut remarks);
    for session in &model.bfd {
        match bfd::setup(session) {
            Ok(setup) => driver.bfd.push(Arc::new(setup)),
            Err(error) => remarks.push(format!("({}) not run: {error}", *session.name)),
        }
    }
    match model
        .sbfd_reflector
        .as_ref()
        .map(bfd::reflector)
        .transpose()
    {
        Ok(reflector) => driver.bfd_reflector = reflector,
        Err(error) => remarks.push(format!("(sbfd_reflector) not run: {error}")),
    }
    driver.trackers.extend(bfd::trackers(model));
    Lowered {
        driver,
        hooks,
        group_hooks,
        balance,
        alerts,
        process,
        remarks,
        script_trouble,
    }
}

/// The size in the file, or our own.
fn buffer(wanted: &WantedBuffer) -> NetlinkBuffer {
    let mut buffer = NetlinkBuffer::default();
    if let Some(size) = wanted.size.and_then(|size| usize::try_from(size).ok()) {
        buffer.size = size;
        buffer.force = wanted.force;
    }
    buffer
}

/// The machine we run on, as it is during one lowering, seen from the network namespace of the
/// calling thread.
#[derive(Debug, Default)]
pub(crate) struct ThisMachine {
    /// The MTU of every interface. Asked once, not once per instance.
    mtus: OnceCell<HashMap<String, u32>>,
}

impl Machine for ThisMachine {
    fn mtu(&self, interface: &str) -> Option<u32> {
        // If the kernel does not answer nothing is known, as if the interfaces were to come later.
        let list = || {
            Rtnetlink::open()
                .and_then(|kernel| kernel.mtus())
                .unwrap_or_default()
        };
        self.mtus.get_or_init(list).get(interface).copied()
    }

    fn account(&self, user: &str, group: Option<&str>) -> Option<(u32, u32)> {
        use nix::unistd::{Gid, Group, Uid, User};
        let by_name = User::from_name(user).ok().flatten();
        let known = match user.parse() {
            Ok(uid) if by_name.is_none() => User::from_uid(Uid::from_raw(uid)).ok().flatten(),
            _ => by_name,
        };
        let uid = known
            .as_ref()
            .map(|known| known.uid.as_raw())
            .or_else(|| user.parse().ok())?;
        let gid = match group {
            None => known.map(|known| known.gid.as_raw())?,
            Some(group) => match Group::from_name(group).ok().flatten() {
                Some(group) => group.gid.as_raw(),
                None => Gid::from_raw(group.parse().ok()?).as_raw(),
            },
        };
        Some((uid, gid))
    }

    fn own_account(&self) -> (u32, u32) {
        (
            nix::unistd::geteuid().as_raw(),
            nix::unistd::getegid().as_raw(),
        )
    }

    fn groups(&self, user: &str, gid: u32) -> Vec<u32> {
        use nix::unistd::{Gid, Uid, User, getgrouplist};
        let by_number = |uid: u32| User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = match User::from_name(user).ok().flatten() {
            Some(user) => user.name,
            None => match user.parse().ok().and_then(by_number) {
                Some(user) => user.name,
                None => return vec![gid],
            },
        };
        let list = CString::new(name)
            .ok()
            .and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok());
        list.map_or_else(
            || vec![gid],
            |list| list.into_iter().map(Gid::as_raw).collect(),
        )
    }

    fn judge(&self, program: &str, who: &RunAs, links: bool) -> scripts::Judgement {
        let (own, _) = Machine::own_account(self);
        if who.uid == 0 || who.uid != own {
            return scripts::judge(program, who, links);
        }
        // What is not another's account has the groups of this process.
        let mut who = who.clone();
        let groups = nix::unistd::getgroups().unwrap_or_default();
        who.groups
            .extend(groups.into_iter().map(nix::unistd::Gid::as_raw));
        scripts::judge(program, &who, links)
    }
}

/// For the exit code of a configuration test.
impl Surroundings for ThisMachine {
    fn mtu(&self, interface: &str) -> Option<u32> {
        Machine::mtu(self, interface)
    }

    fn account(&self, user: &str, group: Option<&str>) -> Option<u32> {
        Machine::account(self, user, group).map(|(uid, _)| uid)
    }

    fn program(&self, program: &str) -> Program {
        match scripts::judge(program, &RunAs::default(), false) {
            scripts::Judgement::Fine(_) | scripts::Judgement::NotExecutable(_) => Program::Safe,
            scripts::Judgement::Insecure(..) => Program::Insecure,
            // Something is there, but no file.
            scripts::Judgement::Missing(_) if Path::new(program).exists() => Program::Insecure,
            scripts::Judgement::Missing(_) | scripts::Judgement::Hidden(_) => Program::Missing,
        }
    }
}
