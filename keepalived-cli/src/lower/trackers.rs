//! What is tracked: from definitions and their uses to what the loops watch.

use std::collections::HashMap;
use std::sync::Arc;

use keepalived_config::model::{
    Check, ParamMatch, TrackFile, TrackProcess, TrackScript, Tracked, TrackedKind,
    Trackers as Model,
};
use keepalived_driver::tracked::{
    ArgumentMatch, FileWatch, InitFile, ProcessWatch, ScriptCheck, TrackedObject, TrackerId,
    TrackerKind, TrackerSetup, Watch,
};
use vrrp_fsm::Influence;

use super::scripts::{ScriptTrouble, Scripts};

/// Definitions, lowered when somebody uses them: a tracker that nobody uses is not watched (TRK-11).
pub(super) struct Trackers<'a> {
    model: &'a Model,
    scripts: &'a Scripts<'a>,
    by_name: HashMap<&'a str, &'a TrackScript>,
    /// In the order of their first use; `None` for a script that cannot be run.
    known: HashMap<TrackerId, Option<Arc<TrackerSetup>>>,
    used: Vec<Arc<TrackerSetup>>,
}

impl<'a> Trackers<'a> {
    pub(super) fn new(model: &'a Model, scripts: &'a Scripts<'a>) -> Self {
        Self {
            model,
            scripts,
            by_name: model
                .scripts
                .iter()
                .map(|one| (one.name.as_str(), one))
                .collect(),
            known: HashMap::new(),
            used: Vec::new(),
        }
    }

    /// What `user`, an instance or a group, tracks. A script that cannot be run does not guard it,
    /// as in keepalived, and that is said (SCR-09).
    pub(super) fn objects(
        &mut self,
        user: &str,
        tracked: &[Tracked],
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Vec<TrackedObject> {
        let mut objects = Vec::with_capacity(tracked.len());
        for tracked in tracked {
            let id = TrackerId::new(kind(tracked.kind), &tracked.name);
            if !self.known.contains_key(&id) {
                let setup = self.watch(&id, trouble).map(|watch| {
                    Arc::new(TrackerSetup {
                        id: id.clone(),
                        watch,
                    })
                });
                self.used.extend(setup.clone());
                self.known.insert(id.clone(), setup);
            }
            if matches!(self.known.get(&id), Some(Some(_))) {
                objects.push(TrackedObject {
                    tracker: id,
                    influence: Influence::new(tracked.weight.value)
                        .with_reverse(tracked.weight.reverse),
                });
            } else {
                trouble.push(ScriptTrouble {
                    message: format!("({user}) is not guarded by {id}, which cannot be run"),
                });
            }
        }
        objects
    }

    /// Everything that instances use, and words about what nobody uses, `checked` by checks apart.
    pub(super) fn finish(
        self,
        checked: &[Arc<TrackerSetup>],
        remarks: &mut Vec<String>,
    ) -> Vec<Arc<TrackerSetup>> {
        let scripts = self.model.scripts.iter();
        let files = self.model.files.iter();
        let processes = self.model.processes.iter();
        let all = scripts
            .map(|script| (TrackerKind::Script, &script.name))
            .chain(files.map(|file| (TrackerKind::File, &file.name)))
            .chain(processes.map(|process| (TrackerKind::Process, &process.name)));
        for (kind, name) in all {
            let id = TrackerId::new(kind, name);
            let checked = checked.iter().any(|setup| setup.id == id);
            if !checked && !self.known.contains_key(&id) {
                remarks.push(format!("{id} is not used; it is not watched"));
            }
        }
        self.used
    }

    fn watch(&self, id: &TrackerId, trouble: &mut Vec<ScriptTrouble>) -> Option<Watch> {
        let name = &*id.name;
        match id.kind {
            TrackerKind::File => {
                let found = self.model.files.iter().find(|known| *known.name == *name)?;
                Some(Watch::File(file(found)))
            }
            TrackerKind::Process => {
                let mut all = self.model.processes.iter();
                let found = all.find(|known| *known.name == *name)?;
                Some(Watch::Process(process(found)))
            }
            TrackerKind::Script => {
                let found = *self.by_name.get(name)?;
                self.script(found, trouble).map(Watch::Script)
            }
            TrackerKind::Bfd => None,
        }
    }

    fn script(
        &self,
        script: &TrackScript,
        trouble: &mut Vec<ScriptTrouble>,
    ) -> Option<ScriptCheck> {
        let command = match &script.check {
            Check::Command(command) => self.scripts.command(&script.name, command, trouble)?,
            Check::Open(path) => self.scripts.open(&script.name, path, trouble)?,
        };
        let mut check = ScriptCheck::new(command);
        check.interval = script.interval;
        check.timeout = script.timeout;
        check.rise = script.rise;
        check.fall = script.fall;
        check.init_fail = script.init_fail;
        Some(check)
    }
}

fn kind(kind: TrackedKind) -> TrackerKind {
    match kind {
        TrackedKind::Script => TrackerKind::Script,
        TrackedKind::File => TrackerKind::File,
        TrackedKind::Process => TrackerKind::Process,
    }
}

pub(super) fn file(file: &TrackFile) -> FileWatch {
    let mut watch = FileWatch::new(&file.path.value);
    watch.init = file.init.map(|init| InitFile {
        value: init.value,
        overwrite: init.overwrite,
    });
    watch
}

fn process(process: &TrackProcess) -> ProcessWatch {
    let mut watch = ProcessWatch::new(&process.process.value);
    watch.arguments = process.arguments.iter().map(Into::into).collect();
    watch.matching = match (process.param_match, process.arguments.is_empty()) {
        (Some(ParamMatch::Initial), _) => ArgumentMatch::Initial,
        (Some(ParamMatch::Partial), _) => ArgumentMatch::Partial,
        (None, false) => ArgumentMatch::Exact,
        (None, true) => ArgumentMatch::Ignore,
    };
    watch.full_command = process.full_command;
    watch.quorum = process.quorum.into();
    watch.quorum_max = process.quorum_max.map(Into::into);
    watch.fork_delay = process.fork_delay;
    watch.terminate_delay = process.terminate_delay;
    watch
}
