//! Signed adverts, keepalived's `auth_hmac`: keys and modes, and what a virtual router remembers so
//! that no advert counts twice.
//!
//! KA-AX-02 to KA-AX-09. Everything is kept in memory: after a restart the first valid advert of a
//! sender sets the mark that later ones have to exceed.

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use vrrp_proto::{HmacKey, Sequence, TRAILER_LEN, Trailer};

use crate::config::Transport;
use crate::error::{ConfigError, Rejected};

/// Senders whose marks are kept. Only a signed advert gets a place, so that strangers cannot push
/// out those of members.
///
/// DEVIATION(keepalived auth_hmac): it keeps four for a multicast group, so that a fifth member
/// makes replays of the first possible.
const MARKS: usize = 16;

/// How adverts are signed and what signatures are demanded.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hmac {
    keys: Vec<(u8, HmacKey)>,
    active: u8,
    /// What protects against replays.
    pub anti_replay: AntiReplay,
    /// What is signed and what is demanded: the three stages of a roll-out.
    pub mode: HmacMode,
}

impl Hmac {
    /// Keys by number, 1..=255, and the one that signs. All of them verify, which lets keys be
    /// exchanged without an outage. Signatures are demanded, with a time window of 5 s.
    ///
    /// # Errors
    ///
    /// [`ConfigError::HmacKey`] if a number is 0 or there twice, or if none is the active one's.
    pub fn new(keys: Vec<(u8, HmacKey)>, active: u8) -> Result<Self, ConfigError> {
        for (place, (id, _)) in keys.iter().enumerate() {
            if *id == 0 || keys.iter().take(place).any(|(other, _)| other == id) {
                return Err(ConfigError::HmacKey(*id));
            }
        }
        if !keys.iter().any(|(id, _)| *id == active) {
            return Err(ConfigError::HmacKey(active));
        }
        Ok(Self {
            keys,
            active,
            anti_replay: AntiReplay::Time {
                window: AntiReplay::MIN_DEFAULT_WINDOW,
            },
            mode: HmacMode::Enforce,
        })
    }

    /// Sets [`anti_replay`](Self::anti_replay).
    #[must_use]
    pub const fn with_anti_replay(mut self, anti_replay: AntiReplay) -> Self {
        self.anti_replay = anti_replay;
        self
    }

    /// Sets [`mode`](Self::mode).
    #[must_use]
    pub const fn with_mode(mut self, mode: HmacMode) -> Self {
        self.mode = mode;
        self
    }

    /// The number of the key that signs.
    #[must_use]
    pub const fn active_key(&self) -> u8 {
        self.active
    }

    /// The numbers of all keys.
    pub fn key_ids(&self) -> impl Iterator<Item = u8> {
        self.keys.iter().map(|(id, _)| *id)
    }

    #[cfg(feature = "serde")]
    pub(crate) fn replace_keys(&mut self, with: &mut dyn FnMut(&HmacKey) -> HmacKey) {
        for (_, key) in &mut self.keys {
            *key = with(key);
        }
    }

    /// The key of this number.
    #[must_use]
    pub fn key(&self, id: u8) -> Option<&HmacKey> {
        self.keys
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, key)| key)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self.anti_replay {
            AntiReplay::Time { window } if !AntiReplay::WINDOWS.contains(&window.as_secs()) => {
                Err(ConfigError::HmacWindow(window))
            }
            _ => Ok(()),
        }
    }
}

/// What protects signed adverts against replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AntiReplay {
    /// The time in an advert may differ from the own clock by so many whole seconds, 1..=300. The
    /// clocks of all members have to be right.
    Time {
        /// How many.
        window: Duration,
    },
    /// The sequence only ever grows. No clock has to be right; a restarted receiver can be told
    /// old adverts.
    Monotonic,
}

impl AntiReplay {
    /// The least window when none is configured.
    pub const MIN_DEFAULT_WINDOW: Duration = Duration::from_secs(5);
    /// Windows that may be configured, in seconds.
    const WINDOWS: core::ops::RangeInclusive<u64> = 1..=300;

    /// The window when none is configured: three intervals in whole seconds, 5 s to 300 s.
    #[must_use]
    pub fn default_window(interval: Duration) -> Duration {
        let three = interval.saturating_mul(3).as_secs();
        Duration::from_secs(three.clamp(5, *Self::WINDOWS.end()))
    }
}

/// The stages in which members of a virtual router are brought to sign, in this order on all of
/// them before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum HmacMode {
    /// Sends plain adverts, and verifies signatures where there are any.
    ReceiveOnly,
    /// Signs; takes plain adverts too.
    Permissive,
    /// Signs, and takes nothing without a signature.
    Enforce,
}

impl HmacMode {
    /// Whether adverts are sent with a trailer.
    #[must_use]
    pub const fn signs(self) -> bool {
        !matches!(self, Self::ReceiveOnly)
    }
}

/// The wall clock in the form of the trailer.
fn sequence_at(since_1970: Duration) -> Sequence {
    // Modulo 2^32: serial number arithmetic goes on after that.
    let [_, _, _, _, a, b, c, d] = since_1970.as_secs().to_be_bytes();
    let fraction = (u64::from(since_1970.subsec_nanos()) << 16) / 1_000_000_000;
    Sequence::at(
        u32::from_be_bytes([a, b, c, d]),
        u16::try_from(fraction).unwrap_or(u16::MAX),
    )
}

/// A signature that was found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) source: IpAddr,
    pub(crate) sequence: Sequence,
    /// Seconds between its clock and ours, if more than half of the window.
    pub(crate) clock_differs: Option<u32>,
}

/// What is remembered of signatures.
#[derive(Clone, Debug, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Signatures {
    sent: Option<Sequence>,
    /// Longest unused first.
    marks: Vec<(IpAddr, Sequence)>,
}

/// What a trailer is judged by.
pub(crate) struct Judge<'a> {
    pub(crate) hmac: &'a Hmac,
    pub(crate) transport: &'a Transport,
    /// The wall clock, since 1970; absent: nobody has told.
    pub(crate) wall: Option<Duration>,
    pub(crate) signatures: &'a Signatures,
}

impl Judge<'_> {
    /// Judges the trailer of a message, or that there is none, in keepalived's order. KA-AX-03,
    /// KA-AX-04, KA-AX-05, KA-AX-06.
    pub(crate) fn judge(
        &self,
        source: IpAddr,
        message: &[u8],
        trailer: Option<&[u8; TRAILER_LEN]>,
    ) -> Result<Option<Verified>, Rejected> {
        let Some(trailer) = trailer else {
            return match self.hmac.mode {
                HmacMode::Enforce => Err(Rejected::HmacMissing),
                HmacMode::ReceiveOnly | HmacMode::Permissive => Ok(None),
            };
        };
        if let Transport::Unicast { peers, .. } = self.transport
            && !peers.iter().any(|peer| peer.address == source)
        {
            return Err(Rejected::UnknownPeer(source));
        }
        let trailer = Trailer::parse(trailer).map_err(|_| Rejected::HmacMalformed)?;
        let sequence = trailer.sequence();
        let difference = self.difference(sequence);
        if let Some((difference, window)) = difference
            && difference > window
        {
            return Err(Rejected::HmacStale);
        }
        let key_id = trailer.key_id();
        let key = self
            .hmac
            .key(key_id)
            .ok_or(Rejected::HmacUnknownKey(key_id))?;
        if !key.verifies(source, message, &trailer) {
            return Err(Rejected::HmacInvalid);
        }
        if self
            .mark(source)
            .is_some_and(|mark| !sequence.is_after(mark))
        {
            return Err(Rejected::HmacReplay);
        }
        Ok(Some(Verified {
            source,
            sequence,
            clock_differs: difference
                .filter(|(difference, window)| *difference > window / 2)
                .map(|(difference, _)| difference),
        }))
    }

    /// Seconds between this sequence and our clock, and how many may be; `None` if time does not
    /// matter. Without a clock everything is infinitely far.
    fn difference(&self, sequence: Sequence) -> Option<(u32, u32)> {
        let AntiReplay::Time { window } = self.hmac.anti_replay else {
            return None;
        };
        let window = u32::try_from(window.as_secs()).unwrap_or(u32::MAX);
        let difference = self
            .wall
            .map_or(u32::MAX, |wall| sequence_at(wall).seconds_from(sequence));
        Some((difference, window))
    }

    /// The mark of a sender. One that has left the time window says nothing any more: it was set
    /// before a clock, ours or the sender's, was put right. KA-AX-06.
    fn mark(&self, source: IpAddr) -> Option<Sequence> {
        let marks = &self.signatures.marks;
        let (_, mark) = marks.iter().find(|(known, _)| *known == source)?;
        match self.difference(*mark) {
            Some((difference, window)) if difference > window => None,
            _ => Some(*mark),
        }
    }
}

impl Signatures {
    /// Later adverts of this sender have to come after this one.
    pub(crate) fn remember(&mut self, verified: &Verified) {
        let Verified {
            source, sequence, ..
        } = *verified;
        self.marks.retain(|(known, _)| *known != source);
        if self.marks.len() >= MARKS {
            self.marks.remove(0);
        }
        self.marks.push((source, sequence));
    }

    /// The sequence of the next advert: the clock, or one more than the last. KA-AX-07.
    ///
    /// In time mode a clock that was put back by more than the window is followed. In monotonic mode
    /// nothing goes back, and what members have signed is exceeded too: a router that was restarted
    /// with its clock far behind would otherwise be refused by all of them, and neither hear nor be
    /// heard.
    fn next(&self, hmac: &Hmac, wall: Duration) -> Sequence {
        let clock = sequence_at(wall);
        match hmac.anti_replay {
            AntiReplay::Time { window } => match self.sent {
                Some(sent)
                    if !clock.is_after(sent)
                        && u64::from(clock.seconds_from(sent)) <= window.as_secs() =>
                {
                    sent.next()
                }
                _ => clock,
            },
            AntiReplay::Monotonic => {
                let heard = self.marks.iter().map(|(_, mark)| *mark);
                self.sent
                    .into_iter()
                    .chain(heard)
                    .fold(clock, |next, past| match next.is_after(past) {
                        true => next,
                        false => past.next(),
                    })
            }
        }
    }

    /// Signs a message. KA-AX-07.
    pub(crate) fn sign(
        &mut self,
        hmac: &Hmac,
        wall: Duration,
        source: IpAddr,
        message: &[u8],
    ) -> Option<[u8; TRAILER_LEN]> {
        let key = hmac.key(hmac.active)?;
        let sequence = self.next(hmac, wall);
        self.sent = Some(sequence);
        Some(key.sign(hmac.active, source, message, sequence))
    }
}
