//! Running the machines again.

use std::net::IpAddr;

use bfd::{MAX_LEN, SessionId, Table};
use sans_io_time::Instant;
use vrrp_fsm::{InstanceId, InterfaceId, Router, Rx};
use vrrp_proto::AhPacket;

use crate::read::{BadRecord, Damage, Recording, Segment};
use crate::record::{Checkpoint, Input, Names, News, Output, Record};
use crate::recorder::{authentication, store};

/// What a replay comes by, in order.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are calls")]
pub enum Step<'a> {
    /// A segment begins here, with the state that was recorded.
    Segment(Begin),
    /// A call, and what it gave.
    Call(Call<'a>),
    /// Names have changed: see [`Replay::names`].
    Names,
    /// What the kernel, or who looks at tracked objects, said, and when; where a segment begins, how things are.
    News(Instant, News),
    /// Something is missing.
    Gap(Gap),
}

/// How a segment begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Its number.
    pub number: u64,
    /// The recorder's clock.
    pub at: Instant,
    /// The time since 1970 then.
    pub wall: std::time::Duration,
    /// The version that recorded it.
    pub program: String,
    /// Passwords and keys were replaced.
    pub without_secrets: bool,
    /// The replay has got here by itself, and its state is that of the recording, octet by octet; `None` where it
    /// has not, because it begins here or something was missing.
    pub same_state: Option<bool>,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call<'a> {
    /// When.
    pub at: Instant,
    /// Which, counted over the whole recording from 1.
    pub number: u64,
    /// What was asked.
    pub input: Input<'a>,
    /// What it gave when it was recorded.
    pub recorded: Option<Output<'a>>,
    /// What it gave now, if that is something else.
    pub replayed: Option<Output<'a>>,
}

impl Call<'_> {
    /// Whether the replay is as the recording.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.replayed.is_none()
    }
}

/// Why something is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// So many records could not be written when it was recorded.
    Lost(u64),
    /// The segments between these two are not there.
    Segments {
        /// The last before.
        after: u64,
        /// The first behind.
        before: u64,
    },
    /// The end of this segment is not there.
    End(u64),
    /// Octets that were written cannot be read.
    Damage(Damage),
    /// The loop failed at the end of this segment and began anew: what its machines did is not known.
    Restart(u64),
    /// A record that cannot be read.
    BadRecord(u64),
    /// The state at the beginning of this segment cannot be restored.
    BadState(u64),
}

/// What came of a whole replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls.
    pub calls: u64,
    /// Calls that gave something else.
    pub differences: u64,
    /// Segments that were replayed.
    pub segments: u64,
    /// Segments whose recorded state was reached by the replay of those before.
    pub states_reached: u64,
    /// Segments whose recorded state was another one.
    pub states_missed: u64,
    /// Places where something is missing.
    pub gaps: u64,
    /// Those of them that damage has made: all but [`Gap::Lost`] and [`Gap::Restart`].
    pub damaged: u64,
}

impl Summary {
    /// Whether everything that could be compared was the same.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.differences == 0 && self.states_missed == 0
    }
}

/// The machines, on their way through a recording.
#[derive(Debug, Default)]
pub struct Replay {
    router: Router,
    table: Option<Table>,
    now: i64,
    without_secrets: bool,
    names: Names,
    summary: Summary,
    /// The end of the segment before was reached, and nothing is missing after it.
    continues: bool,
    /// It was told of what is missing there.
    damaged: bool,
}

impl Replay {
    /// Replays a recording and tells of each step.
    pub fn run<'a>(recording: &Recording<'a>, mut tell: impl FnMut(&Self, Step<'a>)) -> Summary {
        let mut replay = Self::default();
        let mut before: Option<u64> = None;
        let mut missing = recording.missing.iter().copied().peekable();
        for segment in &recording.segments {
            while let Some(damage) = missing.next_if(|damage| damage.segment < segment.number) {
                replay.gap(Gap::Damage(damage), &mut tell);
                before = before.map(|before| before.max(damage.segment));
            }
            if let Some(before) = before {
                replay.look_between(before, segment, &mut tell);
            }
            replay.segment(segment, &mut tell);
            before = Some(segment.number);
        }
        for damage in missing {
            replay.gap(Gap::Damage(damage), &mut tell);
        }
        replay.summary
    }

    /// What the numbers mean now.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// The router as it is now.
    #[must_use]
    pub const fn router(&self) -> &Router {
        &self.router
    }

    /// What has come of it so far.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    fn gap<'a>(&mut self, gap: Gap, tell: &mut impl FnMut(&Self, Step<'a>)) {
        self.continues = false;
        self.summary.gaps += 1;
        if !matches!(gap, Gap::Lost(_) | Gap::Restart(_)) {
            self.summary.damaged += 1;
            self.damaged = true;
        }
        tell(self, Step::Gap(gap));
    }

    fn look_between<'a>(
        &mut self,
        before: u64,
        next: &Segment<'a>,
        tell: &mut impl FnMut(&Self, Step<'a>),
    ) {
        if before.checked_add(1) != Some(next.number) {
            let (after, before) = (before, next.number);
            self.gap(Gap::Segments { after, before }, tell);
        } else if next.checkpoint.restarted {
            self.gap(Gap::Restart(before), tell);
        } else if next.checkpoint.lost == 0 && !self.continues && !self.damaged {
            self.gap(Gap::End(before), tell);
        }
    }

    fn segment<'a>(&mut self, segment: &Segment<'a>, tell: &mut impl FnMut(&Self, Step<'a>)) {
        let checkpoint = &segment.checkpoint;
        if checkpoint.lost > 0 {
            self.gap(Gap::Lost(checkpoint.lost), tell);
        }
        let same_state = self.continues.then(|| self.is_at(checkpoint));
        match same_state {
            Some(true) => self.summary.states_reached += 1,
            Some(false) => self.summary.states_missed += 1,
            None => {}
        }
        // Also where the state is the same: a segment is judged by what it begins with.
        if !self.restore(checkpoint) {
            return self.gap(Gap::BadState(segment.number), tell);
        }
        self.summary.segments += 1;
        let at = Instant::from_nanos(checkpoint.now);
        let begin = Begin {
            number: segment.number,
            at,
            wall: checkpoint.wall,
            program: checkpoint.program.clone(),
            without_secrets: checkpoint.without_secrets,
            same_state,
        };
        tell(self, Step::Segment(begin));
        // Who has come here by what was recorded has been told.
        if same_state.is_none() {
            for news in &checkpoint.known {
                tell(self, Step::News(at, news.clone()));
            }
        }
        (self.continues, self.damaged) = (false, false);
        if self.records(segment, tell).is_err() {
            self.gap(Gap::BadRecord(segment.number), tell);
        } else if let Some(damage) = segment.damage {
            self.gap(Gap::Damage(damage), tell);
        }
    }

    fn records<'a>(
        &mut self,
        segment: &Segment<'a>,
        tell: &mut impl FnMut(&Self, Step<'a>),
    ) -> Result<(), BadRecord> {
        let mut records = segment.records().peekable();
        while let Some(record) = records.next() {
            match record? {
                // Time does not go backwards.
                Record::Now(now) => self.now = self.now.max(now),
                Record::Names(names) => {
                    self.names = names;
                    tell(self, Step::Names);
                }
                Record::Continues => self.continues = true,
                Record::News(news) => {
                    tell(self, Step::News(Instant::from_nanos(self.now), news));
                }
                Record::Output(_) => return Err(BadRecord),
                Record::Input(input) => {
                    let found = self.call(&input);
                    let recorded =
                        match records.next_if(|next| matches!(next, Ok(Record::Output(_)))) {
                            Some(Ok(Record::Output(output))) => Some(output),
                            _ => None,
                        };
                    // The last call of a recording that was cut off has no output.
                    let cut = found.is_some() && recorded.is_none() && records.peek().is_none();
                    let same = cut || found == recorded;
                    self.summary.calls += 1;
                    self.summary.differences += u64::from(!same);
                    let call = Call {
                        at: Instant::from_nanos(self.now),
                        number: self.summary.calls,
                        input,
                        recorded,
                        replayed: found.filter(|_| !same),
                    };
                    tell(self, Step::Call(call));
                }
            }
        }
        Ok(())
    }

    fn is_at(&self, checkpoint: &Checkpoint) -> bool {
        store(&self.router).as_ref() == Ok(&checkpoint.router)
            && store(&self.table)
                .is_ok_and(|table| table.strip_prefix(&[1]) == Some(&checkpoint.table))
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> bool {
        let router = postcard::from_bytes(&checkpoint.router);
        let table = postcard::from_bytes(&checkpoint.table);
        let (Ok(router), Ok(table)) = (router, table) else {
            return false;
        };
        (self.router, self.table) = (router, Some(table));
        self.now = checkpoint.now;
        self.without_secrets = checkpoint.without_secrets;
        self.names.clone_from(&checkpoint.names);
        true
    }

    /// Makes the call again.
    fn call(&mut self, input: &Input<'_>) -> Option<Output<'static>> {
        let now = Instant::from_nanos(self.now);
        let router = &mut self.router;
        let table = self.table.get_or_insert_with(|| Table::new(0));
        let nanos = |at: Option<Instant>| at.map(|at| at.as_nanos());
        match input {
            Input::Packet {
                interface,
                ip,
                message,
            } => {
                let rx = Rx {
                    interface: InterfaceId(*interface),
                    ip: *ip,
                    message,
                };
                let heard = router.handle_packet(now, rx);
                return Some(Output::Heard(heard.map(InstanceId::get)));
            }
            Input::AhPacket {
                interface,
                datagram,
            } => {
                let packet = AhPacket::parse(datagram).ok()?;
                let heard = router.handle_ah_packet(now, InterfaceId(*interface), &packet);
                return Some(Output::Heard(heard.map(InstanceId::get)));
            }
            Input::WallClock(since_1970) => router.wall_clock_is(now, *since_1970),
            Input::Event(id, event) => {
                if let Some(id) = router.id_of_number(*id) {
                    router.handle_event(now, id, *event);
                }
            }
            Input::Timeout => router.handle_timeout(now),
            Input::Reload(config) => {
                let reloaded = router.reload(now, config.clone().into_owned());
                return Some(Output::Reloaded(
                    reloaded.as_ref().map(Into::into).map_err(Clone::clone),
                ));
            }
            Input::ClearStats => router.clear_stats(),
            Input::PollAction => {
                let action = router.poll_action();
                return Some(Output::Action(
                    action.map(|(id, action)| (id.get(), action)),
                ));
            }
            Input::Authenticate(id, transmit) => {
                let with = match router.id_of_number(*id) {
                    Some(id) => router.authenticate(now, id, *transmit),
                    None => vrrp_fsm::Authenticate::Impossible,
                };
                return Some(Output::Authentication(authentication(
                    &with,
                    self.without_secrets,
                )));
            }
            Input::BfdPacket { .. } => return bfd_packet(table, now, input),
            Input::BfdEcho(payload) => {
                let heard = table.handle_echo(now, payload);
                return Some(Output::BfdHeard(heard.map(SessionId::get)));
            }
            Input::BfdTimeout => table.handle_timeout(now),
            Input::BfdReload(definitions) => {
                let reloaded = table.reload(now, definitions.to_vec());
                return Some(Output::BfdReloaded(
                    reloaded.as_ref().map(Into::into).map_err(Clone::clone),
                ));
            }
            Input::BfdRetire(id) => {
                if let Some(id) = table.id_of_number(*id) {
                    table.retire(now, id);
                }
            }
            Input::BfdSeamlessPort(ipv6, port) => table.set_seamless_port(*ipv6, *port),
            Input::BfdClearStats => table.clear_stats(),
            Input::BfdPollTransmit => {
                let mut buffer = [0; MAX_LEN];
                let sent = table.poll_transmit(now, &mut buffer).map(|transmit| {
                    let packet = buffer.get(..transmit.length).unwrap_or(&buffer);
                    (transmit, packet.to_vec().into())
                });
                return Some(Output::BfdTransmit(sent));
            }
            Input::BfdPollEvent => {
                let event = table.poll_event();
                return Some(Output::BfdEvent(event.map(|(id, event)| (id.get(), event))));
            }
            Input::Deadlines => {
                return Some(Output::Deadlines {
                    router: nanos(router.next_timeout()),
                    bfd: nanos(table.next_timeout()),
                });
            }
        }
        None
    }
}

fn bfd_packet(table: &mut Table, now: Instant, input: &Input<'_>) -> Option<Output<'static>> {
    let Input::BfdPacket {
        interface,
        source,
        destination,
        port,
        ttl,
        payload,
    } = input
    else {
        return None;
    };
    let (source, destination): (IpAddr, IpAddr) = (*source, *destination);
    let rx = bfd::Rx {
        interface: bfd::InterfaceId(*interface),
        source,
        destination,
        destination_port: *port,
        ttl: *ttl,
        payload,
    };
    let heard = table.handle_packet(now, &rx);
    Some(Output::BfdHeard(heard.map(SessionId::get)))
}
