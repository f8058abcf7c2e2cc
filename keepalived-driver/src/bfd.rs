//! BFD sessions as the elections loop is told to run them, and as it shows them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bfd::{
    Definition, Diagnostic, Discriminator, Rejections, Remote, State, Stats, Timers, Transition,
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

/// What the `bfd` crate has and the elections loop does not do: such a session would be down for no
/// visible reason, so it is refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BfdUnsupported {
    /// A session with an S-BFD reflector, RFC 7880: there are no sockets for it.
    #[error("S-BFD is not supported")]
    Seamless,
}

impl BfdSetup {
    /// Whether the elections loop can run it.
    ///
    /// # Errors
    ///
    /// What it cannot do.
    pub fn check(&self) -> Result<(), BfdUnsupported> {
        match &self.definition {
            Definition::Seamless(..) => Err(BfdUnsupported::Seamless),
            Definition::SingleHop(..) | Definition::Multihop(..) => Ok(()),
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use bfd::{InitiatorConfig, InterfaceId, Micros, Seamless, SessionConfig, SingleHop};
    use std::num::NonZeroU8;

    /// A session that cannot work is refused by name, not left down.
    #[test]
    fn what_the_loop_cannot_do_is_refused() {
        let (peer, every) = (IpAddr::from([192, 0, 2, 2]), Micros::SECOND);
        let config = SessionConfig::new(every, every, NonZeroU8::MIN);
        let check = |definition| BfdSetup::new("one", definition).check();
        let single = |config| Definition::SingleHop(SingleHop::new(InterfaceId::ANY, peer), config);
        assert_eq!(check(single(config)), Ok(()));
        let path = Seamless {
            target: peer,
            local: None,
        };
        let reflector = Discriminator::new(7).unwrap();
        let config = InitiatorConfig::new(reflector, every, NonZeroU8::MIN);
        let seamless = Definition::Seamless(path, config);
        assert_eq!(check(seamless), Err(BfdUnsupported::Seamless));
    }
}
