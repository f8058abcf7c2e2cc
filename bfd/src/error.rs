//! What can be wrong with received octets, with a packet for a session, and with a configuration.
//!
//! Faults of a peer or of the network are [`ParseError`] and [`Rejected`]: each rule has a variant
//! of its own, an index and a name for counters. Faults of the caller are [`EmitError`] and
//! [`ConfigError`].

use crate::auth::AuthKind;
use crate::table::SessionId;
use crate::types::{Discriminator, State};

/// Why received octets are no control packet.
///
/// The order of the variants is that of the checks, which is that of RFC 5880 6.8.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ParseError {
    /// Not even the length field is there. BFD-RX-23.
    #[error("the payload has {got} octets, too few for a length field")]
    Truncated {
        /// Octets that are there.
        got: usize,
    },
    /// Not version 1. BFD-RX-01.
    #[error("the BFD version is {found}, not 1")]
    Version {
        /// The version, 0 to 7.
        found: u8,
    },
    /// Less than 24, or less than 26 with authentication. BFD-RX-02.
    #[error("the length field is {length}, too short")]
    LengthTooShort {
        /// The length field.
        length: u8,
    },
    /// More than there is. BFD-RX-03.
    #[error("the length field is {length}, the payload has {got} octets")]
    LengthExceedsPayload {
        /// The length field.
        length: u8,
        /// Octets that are there.
        got: usize,
    },
    /// The detection multiplier is 0. BFD-RX-04.
    #[error("the detection multiplier is 0")]
    DetectMultZero,
    /// The multipoint bit is set. BFD-RX-05.
    #[error("the multipoint bit is set")]
    Multipoint,
    /// The sender's discriminator is 0. BFD-RX-06.
    #[error("the sender's discriminator is 0")]
    MyDiscriminatorZero,
    /// The receiver's discriminator is 0 in a state that needs one. BFD-RX-08.
    #[error("the receiver's discriminator is 0 in a packet of state {}", state.name())]
    YourDiscriminatorZero {
        /// The state field.
        state: State,
    },
}

impl ParseError {
    /// Number of reasons: indices are 0..COUNT.
    pub const COUNT: usize = Self::NAMES.len();

    /// The short name of every reason at its [`index`](Self::index).
    pub const NAMES: [&'static str; 8] = [
        "truncated",
        "version",
        "length_too_short",
        "length_exceeds_payload",
        "detect_mult_zero",
        "multipoint",
        "my_discriminator_zero",
        "your_discriminator_zero",
    ];

    /// Position of the reason, 0..[`COUNT`](Self::COUNT), without regard to its data.
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::Truncated { .. } => 0,
            Self::Version { .. } => 1,
            Self::LengthTooShort { .. } => 2,
            Self::LengthExceedsPayload { .. } => 3,
            Self::DetectMultZero => 4,
            Self::Multipoint => 5,
            Self::MyDiscriminatorZero => 6,
            Self::YourDiscriminatorZero { .. } => 7,
        }
    }

    /// The short name of the reason, as in [`NAMES`](Self::NAMES).
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or("unknown")
    }
}

/// Why a valid packet is not from whom it should be. RFC 5880 6.7.
///
/// The order of the variants is that of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AuthError {
    /// Authenticated, and nobody asked for that. BFD-RX-11.
    #[error("the packet is authenticated, the session is not")]
    Unexpected,
    /// Not authenticated, although it has to be. BFD-RX-12.
    #[error("the packet is not authenticated")]
    Missing,
    /// Another type of authentication. BFD-AU-02.
    #[error("the authentication type is {found}, not {}", expected.number())]
    Type {
        /// The type field.
        found: u8,
        /// What the session uses.
        expected: AuthKind,
    },
    /// The length of the section is impossible, or wrong for its type. BFD-AU-03, BFD-AU-04,
    /// BFD-RX-23.
    #[error("the authentication length is {found}")]
    Length {
        /// The length field.
        found: u8,
    },
    /// There is no such key. BFD-AU-02.
    #[error("there is no key {id}")]
    UnknownKey {
        /// The key id field.
        id: u8,
    },
    /// The key is not to be accepted now.
    #[error("key {id} is not valid now")]
    KeyNotValid {
        /// The key id field.
        id: u8,
    },
    /// A number that was used before, or one too far ahead. BFD-AU-05.
    #[error("the sequence number is {found} after {last}")]
    Sequence {
        /// The sequence number.
        found: u32,
        /// The one accepted last.
        last: u32,
    },
    /// The password is wrong. BFD-AU-03.
    #[error("the password is wrong")]
    Password,
    /// The digest is wrong. BFD-AU-06.
    #[error("the digest is wrong")]
    Digest,
}

impl AuthError {
    /// Number of reasons.
    pub const COUNT: usize = Self::NAMES.len();

    /// The short name of every reason at its [`index`](Self::index).
    pub const NAMES: [&'static str; 9] = [
        "auth_unexpected",
        "auth_missing",
        "auth_type",
        "auth_length",
        "auth_unknown_key",
        "auth_key_not_valid",
        "auth_sequence",
        "auth_password",
        "auth_digest",
    ];

    /// Position of the reason, 0..[`COUNT`](Self::COUNT), without regard to its data.
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::Unexpected => 0,
            Self::Missing => 1,
            Self::Type { .. } => 2,
            Self::Length { .. } => 3,
            Self::UnknownKey { .. } => 4,
            Self::KeyNotValid { .. } => 5,
            Self::Sequence { .. } => 6,
            Self::Password => 7,
            Self::Digest => 8,
        }
    }
}

/// Why a received packet changed nothing but a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rejected {
    /// The octets are no control packet.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The first packet of a peer nobody has configured. BFD-RX-09.
    #[error("there is no session with that peer")]
    NoSession,
    /// For a session that does not exist. BFD-RX-07.
    #[error("there is no session {your}")]
    UnknownDiscriminator {
        /// The receiver's discriminator in the packet.
        your: Discriminator,
    },
    /// Not the port of this kind of session. BFD-MH-01.
    #[error("the packet came to port {found}")]
    Port {
        /// The UDP destination port.
        found: u16,
    },
    /// The TTL or hop limit is too low: the sender is further away than it may be. BFD-RX-10,
    /// BFD-SH-06, BFD-MH-02.
    #[error("the TTL is {found}, less than {least}")]
    Ttl {
        /// TTL or hop limit of the packet.
        found: u8,
        /// The lowest that is accepted.
        least: u8,
    },
    /// The packet is not from whom it should be.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The session is held down here. BFD-RX-18.
    #[error("the session is administratively down")]
    AdminDown,
    /// D set where S-BFD wants it clear, or the other way round. RFC 7880 7.
    #[error("the demand bit is {}", if *found { "set" } else { "clear" })]
    Demand {
        /// The D bit.
        found: bool,
    },
    /// An S-BFD answer from somebody else than was asked. RFC 7880 7.
    #[error("the answer is from {found}")]
    Responder {
        /// The sender's discriminator.
        found: Discriminator,
    },
    /// No echo packet of ours. RFC 5881 4.
    #[error("not an echo packet of this session")]
    Echo,
}

const OTHER_NAMES: [&str; 8] = [
    "no_session",
    "unknown_discriminator",
    "port",
    "ttl",
    "admin_down",
    "demand",
    "responder",
    "echo",
];

impl Rejected {
    /// Number of reasons: indices are 0..COUNT.
    pub const COUNT: usize = ParseError::COUNT + AuthError::COUNT + OTHER_NAMES.len();

    /// Position of the reason, 0..[`COUNT`](Self::COUNT), without regard to its data.
    #[must_use]
    pub const fn index(&self) -> usize {
        const OTHER: usize = ParseError::COUNT + AuthError::COUNT;
        match self {
            Self::Parse(error) => error.index(),
            Self::Auth(error) => ParseError::COUNT + error.index(),
            Self::NoSession => OTHER,
            Self::UnknownDiscriminator { .. } => OTHER + 1,
            Self::Port { .. } => OTHER + 2,
            Self::Ttl { .. } => OTHER + 3,
            Self::AdminDown => OTHER + 4,
            Self::Demand { .. } => OTHER + 5,
            Self::Responder { .. } => OTHER + 6,
            Self::Echo => OTHER + 7,
        }
    }

    /// The short names of all reasons, in the order of [`index`](Self::index): lower case with
    /// underscores.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ParseError::NAMES
            .into_iter()
            .chain(AuthError::NAMES)
            .chain(OTHER_NAMES)
    }

    /// The short name of the reason.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::names().nth(self.index()).unwrap_or("unknown")
    }
}

/// Why a packet cannot be written. Always the fault of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The output buffer is too small; nothing was written.
    #[error("the buffer needs {needed} octets and has {got}")]
    BufferTooSmall {
        /// Octets the packet takes.
        needed: usize,
        /// Octets the buffer has.
        got: usize,
    },
    /// P and F never go together. RFC 5880 6.8.7, BFD-TX-10.
    #[error("poll and final in one packet")]
    PollAndFinal,
}

/// Why a configuration cannot be used. Always the fault of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ConfigError {
    /// A discriminator is 0.
    #[error("a discriminator is never 0")]
    DiscriminatorZero,
    /// The desired minimum transmit interval is 0, which is reserved.
    #[error("the transmit interval is 0")]
    TransmitIntervalZero,
    /// The required minimum receive interval is 0: such a session would hear nothing.
    #[error("the receive interval is 0")]
    ReceiveIntervalZero,
    /// The interval of a session that is not up is less than one second. BFD-TX-04.
    #[error("the idle transmit interval is less than one second")]
    IdleIntervalTooShort,
    /// The echo interval is 0.
    #[error("the echo interval is 0")]
    EchoIntervalZero,
    /// Echo over several hops, RFC 5883 3. BFD-EC-03.
    #[error("echo is for single-hop sessions only")]
    EchoMultihop,
    /// Echo packets go to one's own address, so it has to be given. BFD-EC-05.
    #[error("echo needs a local address")]
    EchoWithoutAddress,
    /// The interval between two demand mode verifications is 0.
    #[error("the verification interval is 0")]
    VerifyIntervalZero,
    /// No keys: that is not the same as no authentication.
    #[error("authentication without keys")]
    NoKeys,
    /// Two keys of the same id.
    #[error("key {id} twice")]
    DuplicateKey {
        /// The id of both.
        id: u8,
    },
    /// A key has to have at least one octet, and at most as many as its type takes. BFD-AU-11.
    #[error("a key of {length} octets")]
    KeyLength {
        /// Octets of the key.
        length: usize,
    },
    /// Not an even number of hexadecimal digits. BFD-AU-11.
    #[error("a key that is not hexadecimal")]
    KeyNotHexadecimal,
    /// There is a session for this path already. BFD-CL-04, BFD-SH-07, BFD-MH-03.
    #[error("there is a session for that path")]
    Duplicate {
        /// The session there is.
        existing: SessionId,
    },
    /// Two new sessions for one path.
    #[error("two sessions for one path")]
    DuplicatePath,
    /// Local and peer address are of different families.
    #[error("local and peer address are of different families")]
    MixedFamilies,
    /// No more room for sessions.
    #[error("too many sessions")]
    TooMany,
}
