//! What a recording is made of.
//!
//! The machines are deterministic: the same calls in the same order give the same answers. So it is the calls
//! that are recorded, [`Input`], and beside each the answer it got, [`Output`], for comparison. [`News`] are for those who
//! read: why there was a call.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vrrp_fsm::{Action, Event, RouterConfig, Transmit};
use vrrp_proto::IpMeta;

/// One entry of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record<'a> {
    /// The time of the calls that follow, in nanoseconds of the recorder's clock.
    Now(i64),
    /// A call.
    #[serde(borrow)]
    Input(Input<'a>),
    /// What the call before gave.
    #[serde(borrow)]
    Output(Output<'a>),
    /// What the numbers mean from now on.
    Names(Names),
    /// Last of a segment: the next one goes on right after it.
    Continues,
    /// What the kernel, or who looks at tracked objects, said at the time of the last [`Record::Now`]. The machines are not
    /// told of it, but of what follows from it.
    News(News),
}

/// What the kernel says of an interface that some virtual router uses, and what came of looking at a tracked object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// The link is like this.
    Link(u32, Link),
    /// An address that is not ours is there, or is gone.
    Address(u32, IpAddr, bool),
    /// A tracked script, file or process is another way than before: in words.
    Tracked(String),
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// It has a carrier.
    Up,
    /// It is down, or has no carrier.
    Down,
    /// There is no such interface.
    Gone,
}

/// A call of one of the machines. The time is that of the last [`Record::Now`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input<'a> {
    /// `Router::handle_packet`.
    Packet {
        /// The interface it came in by.
        interface: u32,
        /// What its IP header said.
        ip: IpMeta,
        /// The VRRP message.
        #[serde(borrow)]
        message: Cow<'a, [u8]>,
    },
    /// `Router::handle_ah_packet`.
    AhPacket {
        /// The interface it came in by.
        interface: u32,
        /// The whole IPv4 packet.
        #[serde(borrow)]
        datagram: Cow<'a, [u8]>,
    },
    /// `Router::wall_clock_is`: time since 1970.
    WallClock(Duration),
    /// `Router::handle_event`.
    Event(u32, Event),
    /// `Router::handle_timeout`.
    Timeout,
    /// `Router::reload`.
    Reload(Cow<'a, RouterConfig>),
    /// `Router::clear_stats`.
    ClearStats,
    /// `Router::poll_action`.
    PollAction,
    /// `Router::authenticate`.
    Authenticate(u32, Transmit),
    /// `Table::handle_packet`.
    BfdPacket {
        /// The interface it came in by.
        interface: u32,
        /// Who says to have sent it.
        source: IpAddr,
        /// The address it was sent to.
        destination: IpAddr,
        /// The UDP port it was sent to.
        port: u16,
        /// TTL or hop limit.
        ttl: u8,
        /// The payload.
        #[serde(borrow)]
        payload: Cow<'a, [u8]>,
    },
    /// `Table::handle_echo`.
    BfdEcho(#[serde(borrow)] Cow<'a, [u8]>),
    /// `Table::handle_timeout`.
    BfdTimeout,
    /// `Table::reload`.
    BfdReload(Cow<'a, [bfd::Definition]>),
    /// `Table::retire`.
    BfdRetire(u32),
    /// `Table::set_seamless_port`: over IPv6 or not, and the port.
    BfdSeamlessPort(bool, u16),
    /// `Table::clear_stats`.
    BfdClearStats,
    /// `Table::poll_transmit`.
    BfdPollTransmit,
    /// `Table::poll_event`.
    BfdPollEvent,
    /// `Router::next_timeout` and `Table::next_timeout`, at the end of a turn.
    Deadlines,
}

/// What a call gave. Calls that give nothing have none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output<'a> {
    /// Of a packet: whose it was, or why it changed nothing.
    Heard(Result<u32, vrrp_fsm::Rejected>),
    /// Of a reload.
    Reloaded(Result<Reloaded, vrrp_fsm::ConfigError>),
    /// Of `poll_action`.
    Action(Option<(u32, Action)>),
    /// Of `authenticate`.
    Authentication(Authentication),
    /// Of a BFD packet.
    BfdHeard(Result<u32, bfd::Rejected>),
    /// Of a reload of BFD sessions.
    BfdReloaded(Result<Reloaded, bfd::ConfigError>),
    /// Of `poll_transmit`: how, and the packet.
    BfdTransmit(#[serde(borrow)] Option<(bfd::Transmit, Cow<'a, [u8]>)>),
    /// Of `poll_event`.
    BfdEvent(Option<(u32, bfd::SessionEvent)>),
    /// Of the next timeouts, in nanoseconds.
    Deadlines {
        /// The router's.
        router: Option<i64>,
        /// The BFD sessions'.
        bfd: Option<i64>,
    },
}

/// What a reload did, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// All, in the order of the configuration.
    pub ids: Vec<u32>,
    /// Those that are new.
    pub added: Vec<u32>,
    /// Those that changed.
    pub changed: Vec<u32>,
    /// Those that are the same.
    pub kept: Vec<u32>,
    /// Those that are gone.
    pub removed: Vec<u32>,
}

/// What went with an advert. Keys are left out, and signatures where the secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// Nothing.
    Nothing,
    /// An authentication header with this sequence number.
    Ah(u32),
    /// A trailer: its octets, or those before the signature.
    Trailer(Vec<u8>),
    /// The advert could not be sent.
    Impossible,
}

/// What the numbers mean, for those who read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Virtual routers.
    pub instances: Vec<(u32, String)>,
    /// Interfaces.
    pub interfaces: Vec<(u32, String)>,
    /// BFD sessions.
    pub sessions: Vec<(u32, String)>,
    /// Synchronisation groups.
    pub groups: Vec<(u32, String)>,
}

/// How a segment begins: everything that was known then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Version of the program that recorded.
    pub program: String,
    /// When, in nanoseconds of the recorder's clock.
    pub now: i64,
    /// And in time since 1970.
    pub wall: Duration,
    /// Passwords and keys were replaced.
    pub without_secrets: bool,
    /// Records that were lost before, because the disk was slower than the network.
    pub lost: u64,
    /// The loop of before has failed, and these are the machines of another one.
    pub restarted: bool,
    /// Names of what there is.
    pub names: Names,
    /// How links and tracked objects are, for those who read: the last news of each.
    pub known: Vec<News>,
    /// The router, with its configuration.
    pub router: Vec<u8>,
    /// The BFD sessions.
    pub table: Vec<u8>,
}

impl From<&vrrp_fsm::Reload> for Reloaded {
    fn from(reload: &vrrp_fsm::Reload) -> Self {
        let numbers = |ids: &[vrrp_fsm::InstanceId]| ids.iter().map(|id| id.get()).collect();
        Self {
            ids: numbers(&reload.ids),
            added: numbers(&reload.added),
            changed: numbers(&reload.changed),
            kept: numbers(&reload.kept),
            removed: numbers(&reload.removed),
        }
    }
}

impl From<&bfd::Reload> for Reloaded {
    fn from(reload: &bfd::Reload) -> Self {
        let numbers = |ids: &[bfd::SessionId]| ids.iter().map(|id| id.get()).collect();
        Self {
            ids: numbers(&reload.ids),
            added: numbers(&reload.added),
            changed: numbers(&reload.changed),
            kept: numbers(&reload.kept),
            removed: numbers(&reload.removed),
        }
    }
}
