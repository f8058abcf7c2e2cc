//! The state machines with a tape beside them: every call is recorded with its answer, if anybody wants that.
//!
//! Both give themselves away for reading only, so that no call can get past the tape.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bfd::Table;
use keepalived_recording::{Input, Names, News, Output, Recorder, Reloaded, Settings};
use sans_io_time::Instant;
use vrrp_fsm::{
    Action, Authenticate, ConfigError, Event, InstanceId, InterfaceId, Rejected, Reload, Router,
    RouterConfig, Rx, Transmit,
};
use vrrp_proto::AhPacket;

use crate::recording::{Full, RecordError, RecordSettings, RecordStatus, Sink};

/// How long the end of the loop waits for the file.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where calls are recorded; `None` for nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape(Option<Arc<Mutex<Running>>>);

#[derive(Debug)]
struct Running {
    recorder: Recorder,
    sink: Option<Sink>,
    since: SystemTime,
    error: Option<String>,
    kept: Kept,
}

/// What the recording of a loop that has failed leaves to the next one, so that it goes on in the same file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Arc<Mutex<Option<Left>>>);

#[derive(Debug)]
struct Left {
    recorder: Recorder,
    settings: RecordSettings,
    since: SystemTime,
}

impl Kept {
    fn put(&self, left: Left) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(left);
        }
    }

    fn take(&self) -> Option<Left> {
        self.0.lock().ok()?.take()
    }
}

impl Tape {
    fn new(sink: Sink, since: SystemTime, recorder: Recorder, kept: Kept) -> Self {
        Self(Some(Arc::new(Mutex::new(Running {
            recorder,
            sink: Some(sink),
            since,
            error: None,
            kept,
        }))))
    }

    #[inline]
    fn note(&self, note: impl FnOnce(&mut Recorder)) {
        if let Some(running) = &self.0 {
            // Only the thread of the loop has it; a panic with it in hand leaves nothing half done that matters.
            let mut running = match running.lock() {
                Ok(running) => running,
                Err(poisoned) => poisoned.into_inner(),
            };
            note(&mut running.recorder);
        }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.0.is_some()
    }
}

impl Running {
    fn send(&mut self) {
        let Some(sink) = &self.sink else {
            return;
        };
        while let Some(write) = self.recorder.poll_write() {
            if let Err(Full(write)) = sink.push(write) {
                self.recorder.lose(&write);
                break;
            }
        }
        self.error = self.error.take().or_else(|| sink.error());
    }

    fn status(&self, settings: &RecordSettings, written: u64) -> RecordStatus {
        RecordStatus {
            settings: settings.clone(),
            since: self.since,
            recorded: self.recorder.recorded(),
            lost: self.recorder.lost(),
            written,
            running: self.sink.is_some() && self.error.is_none(),
            error: self.error.clone(),
        }
    }
}

/// The thread of the loop may have panicked: what led to that is what somebody will want to know.
impl Drop for Running {
    fn drop(&mut self) {
        self.recorder.cut();
        self.send();
        if let Some(sink) = self.sink.take() {
            let settings = sink.settings.clone();
            sink.finish(PATIENCE);
            if self.error.is_none() {
                let unused = recorder(&settings);
                self.kept.put(Left {
                    recorder: std::mem::replace(&mut self.recorder, unused),
                    settings,
                    since: self.since,
                });
            }
        }
    }
}

fn recorder(settings: &RecordSettings) -> Recorder {
    Recorder::new(Settings {
        size: settings.size,
        without_secrets: settings.without_secrets,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The recording of one loop, if there is one.
#[derive(Debug, Default)]
pub(super) struct Recording {
    tape: Tape,
    /// Of the last one that ended.
    last: Option<RecordStatus>,
    /// Names may be others than those that were told.
    pub(super) renamed: bool,
    kept: Kept,
}

impl Recording {
    /// For a loop that leaves its recording to the next one, if it fails.
    pub(super) fn new(kept: Kept) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    /// Goes on with what a loop that has failed was recording. `None`: nothing; an error: why it cannot.
    pub(super) fn resume(
        &mut self,
        router: &mut TapedRouter,
        table: &mut TapedTable,
    ) -> Option<Result<(), RecordError>> {
        let Left {
            mut recorder,
            settings,
            since,
        } = self.kept.take()?;
        let sink = match Sink::reopen(settings) {
            Ok(sink) => sink,
            Err(error) => return Some(Err(error)),
        };
        recorder.restart();
        self.run(
            Tape::new(sink, since, recorder, self.kept.clone()),
            router,
            table,
        );
        self.renamed = true;
        Some(Ok(()))
    }

    fn run(&mut self, tape: Tape, router: &mut TapedRouter, table: &mut TapedTable) {
        router.tape = tape.clone();
        table.tape = tape.clone();
        self.tape = tape;
    }

    /// What the machines record on from now on. The state at this moment has to be taken down first: a turn ends.
    pub(super) fn start(
        &mut self,
        wall: SystemTime,
        sink: Sink,
        router: &mut TapedRouter,
        table: &mut TapedTable,
    ) {
        let recorder = recorder(&sink.settings);
        let tape = Tape::new(sink, wall, recorder, self.kept.clone());
        self.run(tape, router, table);
    }

    /// Nothing is recorded any more. What has to be waited for, if anybody wants to.
    pub(super) fn stop(
        &mut self,
        router: &mut TapedRouter,
        table: &mut TapedTable,
    ) -> Option<(RecordStatus, Sink)> {
        router.tape = Tape::default();
        table.tape = Tape::default();
        let tape = std::mem::take(&mut self.tape).0?;
        let mut running = tape.lock().ok()?;
        running.recorder.cut();
        running.send();
        let mut sink = running.sink.take()?;
        sink.close();
        let status = running.status(&sink.settings, sink.written());
        self.last = Some(status.clone());
        Some((status, sink))
    }

    /// Of this recording, or the last one.
    pub(super) fn status(&self) -> Option<RecordStatus> {
        let running = self.tape.0.as_ref().and_then(|running| running.lock().ok());
        let now = running.and_then(|running| {
            let sink = running.sink.as_ref()?;
            Some(running.status(&sink.settings, sink.written()))
        });
        now.or_else(|| self.last.clone())
    }

    pub(super) const fn is_running(&self) -> bool {
        self.tape.is_running()
    }

    /// What the kernel says of an interface.
    pub(super) fn news(&self, now: Instant, news: News) {
        self.tape.note(|to| to.news(now, news));
    }

    /// The end of a turn. Why the recording ended by itself, if it did.
    pub(super) fn end_turn(
        &mut self,
        now: Instant,
        wall: SystemTime,
        router: &mut TapedRouter,
        table: &mut TapedTable,
        names: Option<Names>,
        known: impl FnOnce() -> Vec<News>,
    ) -> Option<String> {
        let mut running = self.tape.0.as_ref()?.lock().ok()?;
        if let Some(names) = names {
            running.recorder.names(names);
        }
        let since_1970 = wall.duration_since(SystemTime::UNIX_EPOCH);
        let since_1970 = since_1970.unwrap_or_default();
        let ended = running
            .recorder
            .end_turn(now, since_1970, &router.router, &table.table, known);
        running.send();
        if let Err(error) = ended {
            running.error = Some(format!("the recording ended: {error}"));
        }
        let error = running.error.clone()?;
        drop(running);
        // The thread has nothing to wait for.
        drop(self.stop(router, table));
        Some(error)
    }

    /// The loop has ended.
    pub(super) fn finish(&mut self, router: &mut TapedRouter, table: &mut TapedTable) {
        if let Some((_, sink)) = self.stop(router, table) {
            sink.finish(PATIENCE);
        }
    }
}

/// A [`Router`] beside a tape.
#[derive(Debug, Default)]
pub(super) struct TapedRouter {
    router: Router,
    tape: Tape,
}

impl Deref for TapedRouter {
    type Target = Router;

    fn deref(&self) -> &Router {
        &self.router
    }
}

impl TapedRouter {
    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        rx: Rx<'_>,
    ) -> Result<InstanceId, Rejected> {
        self.tape
            .note(|to| to.packet(now, &self.router, rx.interface, rx.ip, rx.message));
        let heard = self.router.handle_packet(now, rx);
        self.tape
            .note(|to| to.output(Output::Heard(heard.map(InstanceId::get))));
        heard
    }

    pub(super) fn handle_ah_packet(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        packet: &AhPacket<'_>,
    ) -> Result<InstanceId, Rejected> {
        self.tape
            .note(|to| to.ah_packet(now, &self.router, interface, packet));
        let heard = self.router.handle_ah_packet(now, interface, packet);
        self.tape
            .note(|to| to.output(Output::Heard(heard.map(InstanceId::get))));
        heard
    }

    pub(super) fn wall_clock_is(&mut self, now: Instant, since_1970: Duration) {
        self.tape
            .note(|to| to.input(now, Input::WallClock(since_1970)));
        self.router.wall_clock_is(now, since_1970);
    }

    pub(super) fn handle_event(&mut self, now: Instant, id: InstanceId, event: Event) {
        self.tape
            .note(|to| to.input(now, Input::Event(id.get(), event)));
        self.router.handle_event(now, id, event);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.tape.note(|to| to.input(now, Input::Timeout));
        self.router.handle_timeout(now);
    }

    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        id: InstanceId,
        transmit: Transmit,
    ) -> Authenticate {
        self.tape
            .note(|to| to.input(now, Input::Authenticate(id.get(), transmit)));
        let with = self.router.authenticate(now, id, transmit);
        self.tape.note(|to| to.authentication(&with));
        with
    }

    pub(super) fn poll_action(&mut self) -> Option<(InstanceId, Action)> {
        self.tape.note(|to| to.call(Input::PollAction));
        let action = self.router.poll_action();
        self.tape.note(|to| {
            to.output(Output::Action(
                action.map(|(id, action)| (id.get(), action)),
            ));
        });
        action
    }

    pub(super) fn clear_stats(&mut self) {
        self.tape.note(|to| to.call(Input::ClearStats));
        self.router.clear_stats();
    }

    pub(super) fn reload(
        &mut self,
        now: Instant,
        config: RouterConfig,
    ) -> Result<Reload, ConfigError> {
        self.tape.note(|to| to.reload(now, &config));
        let reloaded = self.router.reload(now, config);
        self.tape.note(|to| {
            let told = reloaded.as_ref().map(Reloaded::from);
            to.output(Output::Reloaded(told.map_err(Clone::clone)));
        });
        reloaded
    }
}

/// A [`Table`] beside a tape.
#[derive(Debug)]
pub(super) struct TapedTable {
    table: Table,
    tape: Tape,
}

impl Deref for TapedTable {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

impl TapedTable {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            table: Table::new(seed),
            tape: Tape::default(),
        }
    }

    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        rx: &bfd::Rx<'_>,
    ) -> Result<bfd::SessionId, bfd::Rejected> {
        self.tape.note(|to| to.bfd_packet(now, &self.table, rx));
        let heard = self.table.handle_packet(now, rx);
        self.tape
            .note(|to| to.output(Output::BfdHeard(heard.map(bfd::SessionId::get))));
        heard
    }

    pub(super) fn handle_echo(
        &mut self,
        now: Instant,
        payload: &[u8],
    ) -> Result<bfd::SessionId, bfd::Rejected> {
        self.tape
            .note(|to| to.input(now, Input::BfdEcho(payload.into())));
        let heard = self.table.handle_echo(now, payload);
        self.tape
            .note(|to| to.output(Output::BfdHeard(heard.map(bfd::SessionId::get))));
        heard
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.tape.note(|to| to.input(now, Input::BfdTimeout));
        self.table.handle_timeout(now);
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut bfd::Buffer,
    ) -> Option<bfd::Transmit> {
        self.tape.note(|to| to.input(now, Input::BfdPollTransmit));
        let transmit = self.table.poll_transmit(now, buffer);
        self.tape
            .note(|to| to.bfd_transmit(&self.table, transmit, buffer));
        transmit
    }

    pub(super) fn poll_event(&mut self) -> Option<(bfd::SessionId, bfd::SessionEvent)> {
        self.tape.note(|to| to.call(Input::BfdPollEvent));
        let event = self.table.poll_event();
        self.tape.note(|to| {
            to.output(Output::BfdEvent(event.map(|(id, event)| (id.get(), event))));
        });
        event
    }

    pub(super) fn set_seamless_port(&mut self, ipv6: bool, port: u16) {
        self.tape
            .note(|to| to.call(Input::BfdSeamlessPort(ipv6, port)));
        self.table.set_seamless_port(ipv6, port);
    }

    pub(super) fn retire(&mut self, now: Instant, id: bfd::SessionId) {
        self.tape
            .note(|to| to.input(now, Input::BfdRetire(id.get())));
        self.table.retire(now, id);
    }

    pub(super) fn clear_stats(&mut self) {
        self.tape.note(|to| to.call(Input::BfdClearStats));
        self.table.clear_stats();
    }

    pub(super) fn reload(
        &mut self,
        now: Instant,
        definitions: Vec<bfd::Definition>,
    ) -> Result<bfd::Reload, bfd::ConfigError> {
        self.tape.note(|to| to.bfd_reload(now, &definitions));
        let reloaded = self.table.reload(now, definitions);
        self.tape.note(|to| {
            let told = reloaded.as_ref().map(Reloaded::from);
            to.output(Output::BfdReloaded(told.map_err(Clone::clone)));
        });
        reloaded
    }
}

#[cfg(test)]
mod tests {
    use keepalived_recording::{Gap, Recording as Read, Replay, Step};

    use super::*;

    /// One turn of a loop that times out.
    fn turn(now: i64, recording: &mut Recording, router: &mut TapedRouter, table: &mut TapedTable) {
        let now = Instant::from_nanos(now);
        router.handle_timeout(now);
        let names = std::mem::take(&mut recording.renamed).then(Names::default);
        let ended = recording.end_turn(now, SystemTime::UNIX_EPOCH, router, table, names, Vec::new);
        assert_eq!(ended, None);
    }

    #[test]
    fn a_recording_goes_on_in_its_file_when_the_loop_has_failed() {
        let name = format!("keepalived-rs-goes-on-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        let kept = Kept::default();
        let machines = || (TapedRouter::default(), TapedTable::new(7));
        {
            let (mut router, mut table) = machines();
            let mut recording = Recording::new(kept.clone());
            assert!(recording.resume(&mut router, &mut table).is_none());
            let sink = Sink::open(RecordSettings::new(&path)).expect("opened");
            let (now, wall) = (Instant::from_nanos(0), SystemTime::UNIX_EPOCH);
            let names = Some(Names::default());
            recording.start(wall, sink, &mut router, &mut table);
            recording.end_turn(now, wall, &mut router, &mut table, names, Vec::new);
            turn(1, &mut recording, &mut router, &mut table);
            router.handle_timeout(Instant::from_nanos(2));
            // In the middle of a turn it is gone, as after a panic.
        }
        let (mut router, mut table) = machines();
        let mut recording = Recording::new(kept.clone());
        let resumed = recording.resume(&mut router, &mut table);
        assert!(matches!(resumed, Some(Ok(()))), "{resumed:?}");
        let (now, wall) = (Instant::from_nanos(3), SystemTime::UNIX_EPOCH);
        let names = Some(Names::default());
        let ended = recording.end_turn(now, wall, &mut router, &mut table, names, Vec::new);
        assert_eq!(ended, None);
        turn(3, &mut recording, &mut router, &mut table);
        turn(4, &mut recording, &mut router, &mut table);
        recording.finish(&mut router, &mut table);
        // Ended in good order it leaves nothing.
        drop((recording, router, table));
        assert!(kept.take().is_none());
        let octets = std::fs::read(&path).expect("a file");
        std::fs::remove_file(&path).expect("there");
        let (mut gaps, mut timeouts) = (Vec::new(), Vec::new());
        let summary = Replay::run(&Read::read(&octets).expect("whole"), |_, step| match step {
            Step::Gap(gap) => gaps.push(gap),
            Step::Call(call) if call.input == Input::Timeout => timeouts.push(call.at.as_nanos()),
            _ => {}
        });
        assert!(summary.is_same());
        assert_eq!(gaps, [Gap::Restart(1)]);
        assert_eq!(timeouts, [1, 2, 3, 4]);
    }
}
