//! From the configuration model to what the loops run: keepalived's words end here.

mod instance;
mod scripts;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use keepalived_config::Config as Model;
use keepalived_driver::hooks::HookSet;

pub(crate) use scripts::ScriptTrouble;

/// Everything the daemon runs, and what could not be taken over.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// For the elections loop.
    pub(crate) driver: keepalived_driver::Config,
    /// The scripts of each instance, by name.
    pub(crate) hooks: BTreeMap<Arc<str>, HookSet>,
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
    /// Whether the program exists, may be executed, and is safe from others.
    fn judge(&self, program: &str, uid: u32) -> scripts::Judgement;
}

/// Lower the whole model. Instances that must not run are there too, held with their reason.
pub(crate) fn lower(model: &Model, machine: &dyn Machine) -> Lowered {
    let mut remarks = Vec::new();
    let mut script_trouble = Vec::new();
    let mut hooks = BTreeMap::new();
    let mut instances = Vec::new();
    let scripts = scripts::Scripts::new(&model.global, machine);
    for instance in &model.instances {
        match instance::setup(&model.global, instance, machine, &mut remarks) {
            Ok(setup) => {
                let set = scripts.hook_set(instance, &mut script_trouble);
                if !set.is_empty() {
                    hooks.insert(setup.name.clone(), set);
                }
                instances.push(setup);
            }
            Err(error) => remarks.push(format!("({}) not run: {error}", *instance.name)),
        }
    }
    let mut driver = keepalived_driver::Config::new(instances);
    driver.startup_delay = model.global.startup_delay;
    driver.report_unknown_vrids = model.global.log_unknown_vrids;
    Lowered {
        driver,
        hooks,
        remarks,
        script_trouble,
    }
}

/// The machine we run on, as it is during one lowering.
#[derive(Debug, Default)]
pub(crate) struct ThisMachine {
    /// Asked once per interface, not once per instance.
    mtus: RefCell<HashMap<String, Option<u32>>>,
}

impl Machine for ThisMachine {
    fn mtu(&self, interface: &str) -> Option<u32> {
        if let Some(known) = self.mtus.borrow().get(interface) {
            return *known;
        }
        let path = format!("/sys/class/net/{interface}/mtu");
        let mtu = std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        self.mtus.borrow_mut().insert(interface.to_owned(), mtu);
        mtu
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

    fn judge(&self, program: &str, uid: u32) -> scripts::Judgement {
        scripts::judge(program, uid)
    }
}
