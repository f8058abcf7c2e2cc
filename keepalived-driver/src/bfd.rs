//! BFD sessions as the elections loop is told to run them, and as it shows them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bfd::{
    Definition, Diagnostic, Discriminator, ReflectorConfig, Rejections, Remote, State, Stats,
    Timers, Transition,
};
use netlink_vip::InterfaceName;
use vrrp_fsm::TrackStatus;

/// One BFD session and its name in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BfdSetup {
    /// The name, as trackers use it ([`Watch::Bfd`](crate::tracked::Watch::Bfd)).
    pub name: Arc<str>,
    /// The path and how to watch it. The interface number of a single-hop path is not looked at:
    /// `interface` counts.
    pub definition: Definition,
    /// The interface of the neighbour; whichever if absent. It need not exist yet.
    pub interface: Option<InterfaceName>,
}

impl BfdSetup {
    /// A session on whatever interface its neighbour is on.
    #[must_use]
    pub fn new(name: &str, definition: Definition) -> Self {
        Self {
            name: name.into(),
            definition,
            interface: None,
        }
    }
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BfdNews {
    /// It is in another state.
    State {
        /// From where to where, and why.
        transition: Transition,
        /// The neighbour's reason for its last change of state.
        remote_diagnostic: Diagnostic,
        /// How long nothing was heard and how much that is over the detection time, if that is
        /// the reason.
        silence: Option<(Duration, Duration)>,
        /// A poll sequence begins.
        polling: bool,
    },
    /// Other intervals are in force.
    Timers {
        /// Ours.
        local: Timers,
        /// The neighbour's.
        remote: Remote,
        /// Our multiplier.
        detect_mult: u8,
        /// The detection time before, zero for none.
        before: Duration,
    },
    /// Instances that track it see it up or down.
    Tracked {
        /// Their names.
        instances: Vec<Arc<str>>,
        /// How it is.
        up: bool,
    },
    /// There is no key that may sign now: nothing is sent.
    NoKey,
    /// There is a key again.
    KeyAgain,
    /// The neighbour sends packets with both the poll and the final bit. Told once.
    PollAndFinal,
    /// The neighbour's transmit interval is 0. Told once.
    TransmitIntervalZero,
    /// Echo packets go to another MAC address, or to none, as the neighbour's is not known.
    EchoVia {
        /// That of the neighbour.
        mac: Option<[u8; 6]>,
    },
    /// There is no address to send from, or there is one again.
    Source {
        /// The address, if there is one.
        address: Option<IpAddr>,
    },
}

/// One session at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BfdSnapshot {
    /// Its definition.
    pub setup: Arc<BfdSetup>,
    /// SessionState.
    pub state: State,
    /// Why the state changed last.
    pub diagnostic: Diagnostic,
    /// Our discriminator.
    pub discriminator: Discriminator,
    /// The neighbour, as far as it was heard.
    pub remote: Remote,
    /// The intervals in force.
    pub timers: Timers,
    /// A poll sequence is under way.
    pub polling: bool,
    /// Demand mode is active here, and on the other side.
    pub demand: (bool, bool),
    /// The address that packets are sent from, if there is one.
    pub source: Option<IpAddr>,
    /// The UDP port that packets are sent from.
    pub source_port: u16,
    /// The counters.
    pub stats: Stats,
    /// Packets that the kernel refused to send.
    pub send_errors: u64,
    /// The last ten changes of state, oldest first.
    pub history: Vec<(SystemTime, Transition)>,
    /// When a packet was accepted last.
    pub heard_at: Option<SystemTime>,
    /// How long the last echo packet took that came back.
    pub echo_round_trip: Option<Duration>,
    /// The MAC address that the last echo packet went to.
    pub echo_via: Option<[u8; 6]>,
    /// What those see who track it.
    pub tracked: TrackStatus,
}

/// Packets that were for no session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BfdTotals {
    /// By reason.
    pub rejected: Rejections,
    /// Packets received, for whomever.
    pub received: u64,
    /// Packets handed to the kernel.
    pub sent: u64,
    /// Echo packets of neighbours that were sent back.
    pub echoed: u64,
    /// Our S-BFD reflector, if there is one.
    pub reflector: Option<ReflectorSnapshot>,
}

/// The S-BFD reflector at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReflectorSnapshot {
    /// What it answers to, and how.
    pub config: ReflectorConfig,
    /// Packets answered.
    pub reflected: u64,
    /// Packets not answered, by reason.
    pub rejected: Rejections,
}
