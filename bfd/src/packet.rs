//! Received octets to a validated control packet, and a control packet to octets. RFC 5880 4.1.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       My Discriminator                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      Your Discriminator                       |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                 Desired Min TX Interval (us)                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                Required Min RX Interval (us)                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              Required Min Echo RX Interval (us)               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Auth Type   |   Auth Len    |  Authentication Data ...      |  if A is set
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::num::NonZeroU8;

use crate::auth::{AuthSection, Signature};
use crate::error::{EmitError, ParseError};
use crate::types::{DetectMult, Diagnostic, Discriminator, Micros, State};

/// Octets of the part that every control packet has.
pub const HEADER_LEN: usize = 24;
/// Octets of the longest control packet: with SHA1 authentication.
pub const MAX_LEN: usize = 52;
/// Room for any control or echo packet.
pub type Buffer = [u8; MAX_LEN];

const VERSION: u8 = 1;
/// Octets up to the end of the authentication length.
const HEADER_LEN_AUTH: u8 = 26;

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const INDEPENDENT: u8 = 0x08;
const AUTH: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

/// The facts of a control packet. Plain data: what cannot be sent is found by
/// [`emit`](Self::emit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Control {
    /// Why the sender changed its state last.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// P: the sender wants an answer with F.
    pub poll: bool,
    /// F: the answer to P.
    pub final_bit: bool,
    /// C: the sender's BFD survives a restart of its control plane.
    pub control_plane_independent: bool,
    /// D: the sender wants no periodic packets.
    pub demand: bool,
    /// How many of the sender's packets in a row have to be missing.
    pub detect_mult: DetectMult,
    /// The sender's discriminator.
    pub my_discriminator: Discriminator,
    /// The receiver's discriminator; `None` as long as the sender does not know it.
    pub your_discriminator: Option<Discriminator>,
    /// How often the sender would like to send at most; 0 is reserved.
    pub desired_min_tx: Micros,
    /// How often the sender can receive; 0 for no periodic packets.
    pub required_min_rx: Micros,
    /// How often the sender can send back echo packets; 0 for never.
    pub required_min_echo_rx: Micros,
}

impl Control {
    /// Octets of the packet with this signature.
    #[must_use]
    pub const fn buffer_len(&self, signature: &Signature<'_>) -> usize {
        HEADER_LEN.saturating_add(signature.section_len())
    }

    /// Writes the packet to the front of `out`, signed, and returns its length, which is
    /// [`buffer_len`](Self::buffer_len).
    ///
    /// Version 1, M clear, A set if and only if there is a signature. BFD-TX-11, BFD-AU-10.
    ///
    /// # Errors
    ///
    /// See [`EmitError`]; `out` is then unchanged. A packet with both P and F is refused
    /// (BFD-TX-10).
    pub fn emit(&self, signature: &Signature<'_>, out: &mut [u8]) -> Result<usize, EmitError> {
        if self.poll && self.final_bit {
            return Err(EmitError::PollAndFinal);
        }
        let needed = self.buffer_len(signature);
        let too_small = EmitError::BufferTooSmall {
            needed,
            got: out.len(),
        };
        let length = u8::try_from(needed).map_err(|_| too_small)?;
        let packet = out.get_mut(..needed).ok_or(too_small)?;
        let (header, section) = packet
            .split_first_chunk_mut::<HEADER_LEN>()
            .ok_or(too_small)?;
        self.write_header(length, signature.is_some(), header);
        signature.write(header, section);
        Ok(needed)
    }

    fn write_header(&self, length: u8, authenticated: bool, header: &mut [u8; HEADER_LEN]) {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = self.state.bits() << 6
            | flag(self.poll, POLL)
            | flag(self.final_bit, FINAL)
            | flag(self.control_plane_independent, INDEPENDENT)
            | flag(authenticated, AUTH)
            | flag(self.demand, DEMAND);
        let words = [
            u32::from_be_bytes([
                VERSION << 5 | self.diagnostic.bits(),
                flags,
                self.detect_mult.get(),
                length,
            ]),
            self.my_discriminator.get(),
            self.your_discriminator.map_or(0, Discriminator::get),
            self.desired_min_tx.get(),
            self.required_min_rx.get(),
            self.required_min_echo_rx.get(),
        ];
        let (slots, _) = header.as_chunks_mut();
        for (slot, word) in slots.iter_mut().zip(words) {
            *slot = word.to_be_bytes();
        }
    }
}

/// A valid control packet. It borrows the octets it was made from and allocates nothing.
///
/// There is no other way to get one than [`parse`](Self::parse), so whoever holds one knows that
/// every rule of RFC 5880 6.8.6 was checked that the octets alone can break.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ControlPacket<'a> {
    control: Control,
    octets: &'a [u8],
    authenticated: bool,
}

impl<'a> ControlPacket<'a> {
    /// Parses and validates the payload of a UDP datagram.
    ///
    /// Total: every input gives a packet or an error (BFD-RX-23). The rules are checked in the
    /// order of the variants of [`ParseError`], which is that of RFC 5880 6.8.6; the first one
    /// broken is the one reported. Octets after the packet's own length are ignored (BFD-RX-03).
    /// What needs a session is not checked here: discriminators, TTL and authentication.
    ///
    /// BFD-RX-01, BFD-RX-02, BFD-RX-03, BFD-RX-04, BFD-RX-05, BFD-RX-06, BFD-RX-08.
    ///
    /// # Errors
    ///
    /// The first rule broken.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let got = payload.len();
        let &[vers_diag, flags, detect_mult, length, ref rest @ ..] = payload else {
            return Err(ParseError::Truncated { got });
        };
        check_version(vers_diag >> 5)?;
        let authenticated = flags & AUTH != 0;
        check_length(length, authenticated)?;
        let too_long = ParseError::LengthExceedsPayload { length, got };
        let octets = payload.get(..usize::from(length)).ok_or(too_long)?;
        let detect_mult = NonZeroU8::new(detect_mult).ok_or(ParseError::DetectMultZero)?;
        if flags & MULTIPOINT != 0 {
            return Err(ParseError::Multipoint);
        }
        let (words, _) = rest.as_chunks::<4>();
        let &[mine, yours, tx, rx, echo, ..] = words else {
            return Err(too_long);
        };
        let word = u32::from_be_bytes;
        let state = State::from_bits(flags >> 6);
        let my_discriminator =
            Discriminator::new(word(mine)).ok_or(ParseError::MyDiscriminatorZero)?;
        let your_discriminator = Discriminator::new(word(yours));
        if your_discriminator.is_none() && matches!(state, State::Init | State::Up) {
            return Err(ParseError::YourDiscriminatorZero { state });
        }
        Ok(Self {
            control: Control {
                diagnostic: Diagnostic::from_bits(vers_diag),
                state,
                poll: flags & POLL != 0,
                final_bit: flags & FINAL != 0,
                control_plane_independent: flags & INDEPENDENT != 0,
                demand: flags & DEMAND != 0,
                detect_mult,
                my_discriminator,
                your_discriminator,
                desired_min_tx: Micros::new(word(tx)),
                required_min_rx: Micros::new(word(rx)),
                required_min_echo_rx: Micros::new(word(echo)),
            },
            octets,
            authenticated,
        })
    }

    /// What the packet says.
    #[must_use]
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// The packet's own octets: as many as its length field says.
    #[must_use]
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// The authentication section, if the packet has one. Not verified.
    #[must_use]
    pub fn auth(&self) -> Option<AuthSection<'a>> {
        if !self.authenticated {
            return None;
        }
        self.octets.get(HEADER_LEN..).and_then(AuthSection::new)
    }

    /// Whether the A bit is set.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated
    }
}

/// Without the authentication section: it may hold a password.
impl fmt::Debug for ControlPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPacket")
            .field("control", &self.control)
            .field("authenticated", &self.authenticated)
            .finish_non_exhaustive()
    }
}

/// BFD-RX-01.
const fn check_version(found: u8) -> Result<(), ParseError> {
    if found == VERSION {
        Ok(())
    } else {
        Err(ParseError::Version { found })
    }
}

/// BFD-RX-02.
fn check_length(length: u8, authenticated: bool) -> Result<(), ParseError> {
    let enough = if authenticated {
        length >= HEADER_LEN_AUTH
    } else {
        usize::from(length) >= HEADER_LEN
    };
    if enough {
        Ok(())
    } else {
        Err(ParseError::LengthTooShort { length })
    }
}
