//! From what sessions tell to trackers and reports.

use bfd::{Reason, SessionEvent, SessionId, State, Transition};
use sans_io_time::Instant;
use vrrp_fsm::{Event, TrackStatus};

use super::{Sessions, tracker};
use crate::bfd::BfdNews;
use crate::election::Elections;
use crate::report::Report;

impl Sessions {
    /// When the next session without a word counts as down.
    pub(super) fn plan_patience(&mut self) {
        let waiting = self.running.values().filter_map(|running| running.patience);
        self.patience = waiting.min();
    }
}

impl Elections {
    /// Deadlines of sessions, then what all of them have to tell.
    pub(in crate::election) fn handle_bfd_timeouts(&mut self, now: Instant) {
        self.bfd.table.handle_timeout(now);
        if self.bfd.patience.is_some_and(|at| at <= now) {
            self.end_patience(now);
        }
        self.settle_bfd(now);
        self.take_bfd_news(now);
        if self.bfd.running.len() > self.bfd.order.len() {
            self.forget_retired();
        }
    }

    /// Sessions that are not in the configuration any more and have said so.
    fn forget_retired(&mut self) {
        let table = &self.bfd.table;
        let before = self.bfd.running.len();
        self.bfd.running.retain(|id, _| table.member(*id).is_some());
        if self.bfd.running.len() < before {
            self.open_bfd();
        }
    }

    /// Sessions that a reload has brought and that have not come up since.
    fn end_patience(&mut self, now: Instant) {
        let late: Vec<SessionId> = self
            .bfd
            .running
            .iter()
            .filter(|(_, running)| running.patience.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.track_bfd(id, false);
        }
        self.bfd.plan_patience();
    }

    /// What packets and deadlines have led to.
    pub(in crate::election) fn take_bfd_news(&mut self, now: Instant) {
        while let Some((id, event)) = self.bfd.table.poll_event() {
            let Some(running) = self.bfd.running.get(&id) else {
                continue;
            };
            let name = running.setup.name.clone();
            let news = match event {
                SessionEvent::State(transition) => self.state_news(id, transition),
                SessionEvent::Timers => self.timer_news(id),
                SessionEvent::NoKey => Some(BfdNews::NoKey),
                SessionEvent::KeyAgain => Some(BfdNews::KeyAgain),
                SessionEvent::PollAndFinal => Some(BfdNews::PollAndFinal),
                SessionEvent::TransmitIntervalZero => Some(BfdNews::TransmitIntervalZero),
                _ => None,
            };
            if let Some(news) = news {
                self.reports.push(Report::Bfd { name, news });
            }
            if let SessionEvent::State(transition) = event {
                // BFD-CL-01, BFD-CL-05: an operator who closes the session on the other side does
                // not say that the path has failed.
                if transition.to == State::Up {
                    self.track_bfd(id, true);
                } else if transition.is_failure() {
                    self.track_bfd(id, false);
                    self.lose(now, id, transition.reason);
                }
            }
        }
    }

    /// A neighbour that falls silent may be the Active router of those who track it. One that says
    /// it does not hear us is alive.
    fn lose(&mut self, now: Instant, id: SessionId, reason: Reason) {
        let silent = matches!(
            reason,
            Reason::DetectionTime | Reason::PollUnanswered | Reason::EchoFailed
        );
        let Some(running) = self.bfd.running.get(&id).filter(|_| silent) else {
            return;
        };
        let peer = running.setup.definition.path().peer();
        for user in self.tracker_user_ids(&tracker(&running.setup.name)) {
            self.router.handle_event(now, user, Event::ActiveLost(peer));
        }
    }

    fn state_news(&self, id: SessionId, transition: Transition) -> Option<BfdNews> {
        let running = self.bfd.running.get(&id)?;
        let member = self.bfd.table.member(id)?;
        let session = member.session();
        let heard = session.and_then(|session| session.remote().heard);
        let silence = heard
            .filter(|_| transition.reason == Reason::DetectionTime)
            .map(|heard| transition.at.saturating_duration_since(heard));
        Some(BfdNews::State {
            transition,
            remote_diagnostic: member.remote().diagnostic,
            silence: silence.map(|silence| (silence, silence.saturating_sub(running.detection))),
            polling: transition.to == State::Up && session.is_some_and(bfd::Session::is_polling),
        })
    }

    fn timer_news(&mut self, id: SessionId) -> Option<BfdNews> {
        let session = self.bfd.table.member(id)?.session()?;
        let running = self.bfd.running.get_mut(&id)?;
        let local = session.timers();
        let detection = local.detection_time.unwrap_or_default();
        let before = std::mem::replace(&mut running.detection, detection);
        // Before the other side was heard there is nothing to compare.
        session.remote().discriminator?;
        Some(BfdNews::Timers {
            local,
            remote: *session.remote(),
            detect_mult: session.config().detect_mult.get(),
            before,
        })
    }

    /// Tell the tracker of a session, and the log about those who use it. KA-W-09.
    fn track_bfd(&mut self, id: SessionId, up: bool) {
        let status = if up {
            TrackStatus::Up
        } else {
            TrackStatus::Down
        };
        let Some(running) = self.bfd.running.get_mut(&id) else {
            return;
        };
        running.patience = None;
        if std::mem::replace(&mut running.tracked, status) == status {
            return;
        }
        let name = running.setup.name.clone();
        let tracker = tracker(&name);
        self.set_tracker(&tracker, status);
        let instances = self.tracker_users(&tracker);
        if !instances.is_empty() {
            let news = BfdNews::Tracked { instances, up };
            self.reports.push(Report::Bfd { name, news });
        }
    }
}
