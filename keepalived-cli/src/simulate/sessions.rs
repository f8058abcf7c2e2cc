//! The BFD sessions of a node: `bfd::Table` as the daemon runs it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bfd::{Buffer, Definition, InterfaceId, MAX_LEN, Reason, Rx, SessionEvent, SessionId, State};
use keepalived_driver::Config;
use keepalived_driver::bfd::BfdSetup;
use netsim::Instant;

use super::frame::BfdPacket;

/// What a session has to say.
#[derive(Debug)]
pub(super) struct News {
    pub(super) name: Arc<str>,
    pub(super) peer: IpAddr,
    /// Usable, or failed; nothing if it was closed on purpose.
    pub(super) up: Option<bool>,
    /// The neighbour has fallen silent.
    pub(super) silent: bool,
    pub(super) why: &'static str,
}

/// The sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    table: bfd::Table,
    running: BTreeMap<SessionId, Arc<BfdSetup>>,
}

/// Whether a session is simulated: a path to a reflector is not.
pub(super) const fn is_simulated(setup: &BfdSetup) -> bool {
    !matches!(setup.definition, Definition::Seamless(..))
}

impl Sessions {
    /// `seed` is for discriminators and jitter.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            table: bfd::Table::new(seed),
            running: BTreeMap::new(),
        }
    }

    pub(super) fn reload(&mut self, now: Instant, config: &Config) {
        let wanted: Vec<&Arc<BfdSetup>> = config
            .bfd
            .iter()
            .filter(|setup| is_simulated(setup))
            .collect();
        let definitions = wanted.iter().map(|setup| definition(setup)).collect();
        // Lowering has checked each of them; two of one path are refused together.
        let Ok(reload) = self.table.reload(now, definitions) else {
            return;
        };
        let ids = reload.ids.into_iter();
        self.running = ids.zip(wanted.into_iter().map(Arc::clone)).collect();
    }

    /// Every session says that it is closed.
    pub(super) fn retire(&mut self, now: Instant) {
        for id in self.running.keys() {
            self.table.retire(now, *id);
        }
    }

    pub(super) fn handle_packet(&mut self, now: Instant, packet: &BfdPacket) {
        // What is refused is counted by the table.
        let _ = self.table.handle_packet(
            now,
            &Rx {
                interface: InterfaceId::ANY,
                source: packet.source,
                destination: packet.destination,
                destination_port: packet.port,
                ttl: packet.ttl,
                payload: &packet.payload,
            },
        );
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.table.handle_timeout(now);
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.table.next_timeout()
    }

    pub(super) fn poll_news(&mut self) -> Option<News> {
        loop {
            let (id, event) = self.table.poll_event()?;
            let SessionEvent::State(transition) = event else {
                continue;
            };
            let Some(setup) = self.running.get(&id) else {
                continue;
            };
            let up = match transition.to {
                State::Up => Some(true),
                _ => transition.is_failure().then_some(false),
            };
            return Some(News {
                name: Arc::clone(&setup.name),
                peer: setup.definition.path().peer(),
                up,
                silent: matches!(
                    transition.reason,
                    Reason::DetectionTime | Reason::PollUnanswered | Reason::EchoFailed
                ),
                why: why(transition.reason),
            });
        }
    }

    /// The next packet. `local` says from which of our addresses a neighbour is reached.
    pub(super) fn poll_packet(
        &mut self,
        now: Instant,
        local: impl Fn(&BfdSetup) -> Option<IpAddr>,
    ) -> Option<BfdPacket> {
        let mut buffer: Buffer = [0; MAX_LEN];
        loop {
            let transmit = self.table.poll_transmit(now, &mut buffer)?;
            let setup = self.running.get(&transmit.id);
            let source = transmit
                .source
                .or_else(|| setup.and_then(|setup| local(setup)));
            let (Some(source), Some(payload)) = (source, buffer.get(..transmit.length)) else {
                continue;
            };
            return Some(BfdPacket {
                source,
                destination: transmit.destination,
                port: transmit.destination_port,
                ttl: transmit.ttl,
                payload: payload.to_vec(),
            });
        }
    }
}

/// Why the state of a session has changed.
fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Received(State::AdminDown) => "the neighbour has closed it",
        Reason::Received(State::Down) => "the neighbour says that it is down",
        Reason::Received(State::Init) => "the neighbour begins anew",
        Reason::Received(State::Up) => "the neighbour says that it is up",
        Reason::DetectionTime => "nothing is heard of the neighbour",
        Reason::PollUnanswered => "the neighbour does not answer",
        Reason::EchoFailed => "echo packets do not come back",
        Reason::AdminDown => "it was closed",
        Reason::AdminUp => "it was opened",
        Reason::ForwardingReset => "forwarding was interrupted",
        _ => "for another reason",
    }
}

/// The path as the table is to have it. Echo packets would have to come back from the neighbour's
/// kernel: only control packets are simulated.
fn definition(setup: &BfdSetup) -> Definition {
    match setup.definition.clone() {
        Definition::SingleHop(mut path, config) => {
            path.interface = InterfaceId::ANY;
            Definition::SingleHop(path, config.with_echo(None))
        }
        other => other,
    }
}
