//! When the loop records, and by which names.

use std::collections::HashMap;

use keepalived_recording::{Link, Names, News};
use sans_io_time::Instant;
use vrrp_fsm::{InstanceId, InterfaceId};

use super::Elections;
use super::instance::Running;
use super::trackers::Trackers;
use crate::recording::{RecordSettings, Sink};
use crate::report::{LinkState, Report};

impl Elections {
    /// Goes on with what the loop before was recording when it failed, or begins as the configuration of the start
    /// says. That it cannot is no reason not to run elections.
    pub(super) fn record_on(&mut self, now: Instant, settings: Option<RecordSettings>) {
        let (router, table) = (&mut self.router, &mut self.bfd.table);
        match (self.recording.resume(router, table), settings) {
            // The state at this moment is taken down first.
            (Some(Ok(())), _) => self.end_recorded_turn(now),
            (Some(Err(error)), _) => self.reports.push(Report::Trouble {
                message: format!("the recording does not go on: {error}"),
            }),
            (None, Some(settings)) => self.record_from_the_start(now, settings),
            (None, None) => {}
        }
    }

    fn record_from_the_start(&mut self, now: Instant, settings: RecordSettings) {
        match Sink::open(settings) {
            Ok(sink) => self.record(now, sink),
            Err(error) => self.reports.push(Report::Trouble {
                message: format!("nothing is recorded: {error}"),
            }),
        }
    }

    /// Record from now on; a recording that runs is ended.
    pub(super) fn record(&mut self, now: Instant, sink: Sink) {
        let names = self.recorded_names();
        let (router, table) = (&mut self.router, &mut self.bfd.table);
        drop(self.recording.stop(router, table));
        let wall = self.clock.wall();
        let path = sink.settings.path.clone();
        self.recording.start(wall, sink, router, table);
        let known = || known(&self.link_states, &self.trackers);
        let ended = self
            .recording
            .end_turn(now, wall, router, table, Some(names), known);
        self.reports.push(match ended {
            Some(message) => Report::Trouble { message },
            None => Report::Recording { path },
        });
    }

    fn recorded_names(&self) -> Names {
        let name =
            |(id, running): (&InstanceId, &Running)| (id.get(), running.setup.name.to_string());
        let mut instances: Vec<_> = self.instances.iter().map(name).collect();
        instances.sort_unstable();
        Names {
            instances,
            interfaces: self.interfaces.names(),
            sessions: self.bfd.names(),
            groups: self.groups.names(),
        }
    }

    /// The last of a turn.
    pub(super) fn end_recorded_turn(&mut self, now: Instant) {
        if !self.recording.is_running() {
            return;
        }
        let renamed = std::mem::take(&mut self.recording.renamed);
        let names = renamed.then(|| self.recorded_names());
        let wall = self.clock.wall();
        let (router, table) = (&mut self.router, &mut self.bfd.table);
        let known = || known(&self.link_states, &self.trackers);
        let ended = self
            .recording
            .end_turn(now, wall, router, table, names, known);
        if let Some(message) = ended {
            self.reports.push(Report::Trouble { message });
        }
    }
}

/// How links and tracked objects are, for who reads.
fn known(links: &HashMap<InterfaceId, LinkState>, trackers: &Trackers) -> Vec<News> {
    let mut links: Vec<_> = links.iter().map(|(id, state)| (id.0, *state)).collect();
    links.sort_unstable_by_key(|(id, _)| *id);
    let links = links.into_iter().map(|(id, state)| link_news(id, state));
    let tracked = trackers.in_words().map(News::Tracked);
    links.chain(tracked).collect()
}

/// What a recording has of the state of a link.
pub(super) const fn link_news(interface: u32, state: LinkState) -> News {
    let link = match state {
        LinkState::Up => Link::Up,
        LinkState::Down => Link::Down,
        LinkState::Gone => Link::Gone,
    };
    News::Link(interface, link)
}
