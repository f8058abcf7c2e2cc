//! BFD sessions, resolved.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::spanned::Spanned;
use crate::tree::Span;

/// One `bfd_instance`, every default and correction applied. What is here can be run as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BfdInstance {
    /// Name, unique in the configuration, at most 31 bytes.
    pub name: Spanned<String>,
    /// Address of the neighbour; no other session of this kind has it on this interface.
    pub neighbor: Spanned<IpAddr>,
    /// Own address, of the neighbour's family; absent: the kernel's choice.
    pub source: Option<Spanned<IpAddr>>,
    /// Interface of the neighbour; absent: whichever.
    pub interface: Option<Spanned<String>>,
    /// Least time between packets we want to receive, from 1 ms, whole microseconds.
    pub min_rx: Duration,
    /// Least time between packets we want to send, from 1 ms.
    pub min_tx: Duration,
    /// Least time between packets while the session is not up, from 1 s.
    pub idle_tx: Duration,
    /// Lost packets after which the session is down, from 1.
    pub multiplier: u8,
    /// Wait for the neighbour to begin.
    pub passive: bool,
    /// TTL or hop limit of sent packets.
    pub ttl: u8,
    /// Least TTL or hop limit of received packets; 0: no check.
    pub min_ttl: u8,
    /// Use the multi-hop port.
    pub multihop: bool,
    /// What trackers add to or take from the priority if they do not say it themselves, -253..=253.
    pub weight: i16,
    /// Negates the weight. With weight 0: FAULT when the session is up.
    pub reverse: bool,
    /// VRRP instances may track it.
    pub for_vrrp: bool,
    /// Checkers may use it.
    pub for_checkers: bool,
    /// Authentication; absent: none.
    pub auth: Option<BfdAuth>,
    /// Demand mode, verified this often; absent: none.
    pub demand: Option<Duration>,
    /// The echo function, a packet this often; absent: none. Only with a source, and not multihop.
    pub echo: Option<Duration>,
    /// The discriminator of an S-BFD reflector, not 0: this asks it and is no session. Only the neighbour
    /// and source, `min_tx`, the multiplier, keys and weights mean something then.
    pub sbfd: Option<u32>,
    /// From the keyword to the name.
    pub span: Span,
}

/// What answers S-BFD initiators: `sbfd_reflector`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SbfdReflector {
    /// What it answers to: at least one, each once, none 0.
    pub discriminators: Vec<u32>,
    /// Least time between questions of one initiator, from 1 ms.
    pub min_rx: Duration,
    /// Answers that it does not want to be used.
    pub admin_down: bool,
    /// Authentication; absent: none.
    pub auth: Option<BfdAuth>,
    /// From the keyword on.
    pub span: Span,
}

/// How BFD packets are authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BfdAuth {
    /// The type of all keys.
    pub kind: BfdAuthKind,
    /// At least one; the first one signs, all are accepted. Each number once.
    pub keys: Vec<BfdKey>,
}

/// The types of RFC 5880 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BfdAuthKind {
    /// Type 1: a plain password.
    Simple,
    /// Type 2: keyed MD5.
    Md5,
    /// Type 3: meticulous keyed MD5.
    MeticulousMd5,
    /// Type 4: keyed SHA1.
    Sha1,
    /// Type 5: meticulous keyed SHA1.
    MeticulousSha1,
}

impl BfdAuthKind {
    /// The words of the configuration language.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("simple", Self::Simple),
        ("md5", Self::Md5),
        ("meticulous_md5", Self::MeticulousMd5),
        ("sha1", Self::Sha1),
        ("meticulous_sha1", Self::MeticulousSha1),
    ];

    /// How many bytes a key has at most.
    #[must_use]
    pub const fn longest_key(self) -> usize {
        match self {
            Self::Simple | Self::Md5 | Self::MeticulousMd5 => 16,
            Self::Sha1 | Self::MeticulousSha1 => 20,
        }
    }
}

/// A numbered key. Its bytes are never printed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BfdKey {
    /// Its number on the wire.
    pub id: u8,
    /// From 1 to [`BfdAuthKind::longest_key`] bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for BfdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BfdKey {{ id: {}, ******** }}", self.id)
    }
}

/// A tracked BFD session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackedBfd {
    /// Its name.
    pub name: Spanned<String>,
    /// -253..=253. 0: when it is down, FAULT. Positive: added while it is up. Negative: taken while it is down.
    pub weight: i16,
    /// Negates the weight. With weight 0: FAULT when it is up.
    pub reverse: bool,
}
