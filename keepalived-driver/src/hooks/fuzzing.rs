//! State changes and ends of scripts in any order, out of any bytes.

use std::collections::BTreeMap;

use super::command::HookCommand;
use super::queue::{Queues, Run};
use super::{ObjectId, Trigger};

const TRIGGERS: [Trigger; 6] = [
    Trigger::Master,
    Trigger::Backup,
    Trigger::Fault,
    Trigger::MasterRxLowerPriority,
    Trigger::Stop,
    Trigger::Deleted,
];

/// What an object is owed.
#[derive(Default)]
struct Owed {
    /// Number of the run that goes on.
    running: Option<String>,
    /// Those that wait, in their order, with their triggers.
    waiting: Vec<(Trigger, String)>,
}

/// One script at a time of an object, in the order of the states; only what is told as dropped does not run; the last
/// state always does; and nobody waits for another object.
pub fn queue(data: &[u8]) {
    let mut octets = data.iter().copied();
    let mut queues = Queues::default();
    let mut owed: BTreeMap<ObjectId, Owed> = BTreeMap::new();
    let mut number = 0;
    while let Some(octet) = octets.next() {
        let object = ObjectId::Instance(["a", "b", "c", "d"][usize::from(octet >> 4) % 4].into());
        match octet % 4 {
            0 | 1 => {
                let trigger = TRIGGERS[usize::from(octets.next().unwrap_or(0)) % TRIGGERS.len()];
                let runs = usize::from(octet >> 2 & 1) + 1;
                let runs: Vec<Run> = (0..runs)
                    .map(|_| {
                        number += 1;
                        Run {
                            object: object.clone(),
                            trigger,
                            command: HookCommand::new(["/script"]).into(),
                            appended: vec![number.to_string()],
                        }
                    })
                    .collect();
                push(&mut queues, owed.entry(object.clone()).or_default(), runs);
            }
            2 => start(&mut queues, &mut owed),
            _ => end(
                &mut queues,
                owed.entry(object.clone()).or_default(),
                &object,
            ),
        }
        for (object, owed) in &owed {
            assert_eq!(queues.is_waited_for(object), !owed.waiting.is_empty());
        }
    }
    // All scripts end, one after another, and nothing is left.
    for _ in 0..=data.len() * 2 {
        start(&mut queues, &mut owed);
        for (object, owed) in &mut owed {
            end(&mut queues, owed, object);
        }
    }
    assert!(queues.is_idle());
    assert!(owed.values().all(|owed| owed.waiting.is_empty()));
}

fn push(queues: &mut Queues, owed: &mut Owed, runs: Vec<Run>) {
    let Some(Run {
        object, trigger, ..
    }) = runs.first().cloned()
    else {
        return;
    };
    queues.push(&object, trigger, runs.clone());
    let dropped = queues.poll_dropped();
    assert!(queues.poll_dropped().is_none());
    if trigger == Trigger::MasterRxLowerPriority {
        assert!(dropped.is_none(), "it is no state");
        if owed.waiting.iter().any(|(waiting, _)| *waiting == trigger) {
            return;
        }
    } else {
        let mut triggers: Vec<Trigger> =
            owed.waiting.drain(..).map(|(trigger, _)| trigger).collect();
        triggers.dedup();
        match dropped {
            None => assert!(triggers.is_empty(), "dropped and not told"),
            Some(told) => assert_eq!(
                (told.object, told.triggers, told.by),
                (object, triggers, trigger)
            ),
        }
    }
    owed.waiting.extend(
        runs.into_iter()
            .map(|run| (run.trigger, run.appended[0].clone())),
    );
}

/// The script of this object ends, if one runs.
fn end(queues: &mut Queues, owed: &mut Owed, object: &ObjectId) {
    if owed.running.take().is_some() {
        queues.done(object);
    }
}

/// Starts whatever may.
fn start(queues: &mut Queues, owed: &mut BTreeMap<ObjectId, Owed>) {
    while let Some(run) = queues.next() {
        let owed = owed.get_mut(&run.object).expect("it was pushed");
        assert_eq!(owed.running, None, "two at a time");
        assert_eq!(
            owed.waiting.remove(0),
            (run.trigger, run.appended[0].clone())
        );
        owed.running = Some(run.appended[0].clone());
    }
    for owed in owed.values() {
        assert!(
            owed.running.is_some() || owed.waiting.is_empty(),
            "it could run"
        );
    }
}
