//! The small world as a model for the checker, and its rules.

use stateright::{Checker, Model, Property};
use vrrp_fsm::State;

use crate::node::Node;
use crate::plan::Plan;
use crate::world::{Step, World};

/// A plan and all that follows from it.
#[derive(Clone, Debug)]
pub struct Small(pub Plan);

/// Rules for every state. Rules for a step are in `World`, which keeps the one that was broken.
const ADDRESSES: &str = "7: addresses exactly while Active";
const STEPS: &str = "3, 5, 6: no early takeover, no lasting clash, no false alarm";
const WAITS: &str = "3: no Backup waits longer than its time";
const ONE: &str = "1: one Active router when everything has settled";
const BEST: &str = "2: nobody who may preempt has a higher priority than it";
const MOVES: &str = "there is always a next step";
const CLASHES: &str = "(two routers are Active at once)";
const SETTLES: &str = "(everything settles)";

impl Model for Small {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.0)]
    }

    fn actions(&self, state: &World, steps: &mut Vec<Step>) {
        state.steps(&self.0, steps);
    }

    fn next_state(&self, last: &World, step: Step) -> Option<World> {
        Some(last.after(&step, &self.0))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(STEPS, |_: &Self, world: &World| world.wrong().is_none()),
            Property::always(ADDRESSES, |_, world: &World| {
                let mut nodes = world.running();
                nodes.all(|node| node.addresses == (node.state() == State::Active))
            }),
            Property::always(WAITS, |_, world: &World| {
                world.running().all(|node| {
                    node.state() != State::Backup
                        || node.stalled.is_some()
                        || node.watch.due_in >= 0
                })
            }),
            Property::always(ONE, |model: &Self, world: &World| {
                !world.is_settled(&model.0)
                    || world.running().next().is_none()
                    || world.active().count() == 1
            }),
            Property::always(BEST, |model: &Self, world: &World| {
                let best = world.active().map(Node::priority).max();
                !world.is_settled(&model.0)
                    || world
                        .running()
                        .all(|node| !node.preempts() || Some(node.priority()) <= best)
            }),
            Property::always(MOVES, |model: &Self, world: &World| {
                let mut steps = Vec::new();
                world.steps(&model.0, &mut steps);
                world.wrong().is_some() || !steps.is_empty()
            }),
            Property::sometimes(CLASHES, |_, world: &World| world.active().count() > 1),
            Property::sometimes(SETTLES, |model: &Self, world: &World| {
                world.is_settled(&model.0) && world.running().count() == model.0.members.len()
            }),
        ]
    }
}

/// What a walk has found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// The first rule that was found broken, and the way there.
    pub broken: Option<(&'static str, Vec<String>)>,
    /// Situations that the plan has to come by and does not.
    pub unseen: Vec<&'static str>,
}

/// Walks through all states of a plan, or up to the first broken rule.
#[must_use]
pub fn walk(plan: Plan, threads: usize) -> Verdict {
    let alone = plan.members.len() < 2;
    let model = Small(plan);
    let rules: Vec<&'static str> = model.properties().iter().map(|rule| rule.name).collect();
    let (situations, rules): (Vec<_>, Vec<_>) =
        rules.into_iter().partition(|name| name.starts_with('('));
    let failures = stateright::HasDiscoveries::AnyFailures;
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(failures)
        .spawn_bfs()
        .join();
    let mut found = checker.discoveries();
    let broken = rules.into_iter().find_map(|rule| {
        let path = found.remove(rule)?;
        Some((rule, story(&path.into_vec())))
    });
    let unseen = situations
        .into_iter()
        .filter(|name| !alone && !found.contains_key(name));
    Verdict {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        unseen: unseen.collect(),
        broken,
    }
}

/// A way through the world, ticks put together.
fn story(path: &[(World, Option<Step>)]) -> Vec<String> {
    let states = path.iter().skip(1).map(|(world, _)| world);
    let steps = path.iter().filter_map(|(_, step)| step.as_ref());
    let told = steps
        .zip(states)
        .filter(|(step, world)| **step != Step::Tick || world.wrong().is_some());
    told.map(|(step, world)| format!("{:<28} {world:?}", format!("{step:?}")))
        .collect()
}
