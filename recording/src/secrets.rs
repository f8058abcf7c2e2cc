//! Recordings without passwords and keys.
//!
//! Others stand in their place, in the configuration as well as in the packets: a packet that was signed with the
//! real key is signed anew, so that it verifies in the replay and one that did not verify does not. The machines
//! know nothing of it.

use std::borrow::Cow;

use bfd::Secret;
use vrrp_fsm::{Hmac, InterfaceId, Router, RouterConfig, V2Auth, WireFormat};
use vrrp_proto::{AhPacket, HmacKey, IpMeta, TRAILER_LEN, Trailer};

/// Stands in the place of a password that is nobody's, which may be nearly one.
const WRONG: [u8; 8] = *b"########";
/// Octets of a trailer before its signature.
pub(crate) const TRAILER_FIXED_LEN: usize = 12;

/// Every secret there has been. Each has a number, and its stand-in is made of that: so a reload that changes
/// a secret changes its stand-in.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    words: Vec<[u8; 8]>,
    keys: Vec<HmacKey>,
    bfd: Vec<Secret>,
}

impl Secrets {
    pub(crate) fn word(&mut self, word: [u8; 8]) -> [u8; 8] {
        let [a, b] = number(&mut self.words, &word).to_be_bytes();
        [b'*', b'*', b'*', b'*', b'*', b'*', a, b]
    }

    pub(crate) fn key(&mut self, key: &HmacKey) -> HmacKey {
        let mut octets = [b'*'; HmacKey::MIN];
        [octets[0], octets[1]] = number(&mut self.keys, key).to_be_bytes();
        // It has the right length.
        HmacKey::new(&octets).unwrap_or_else(|_| key.clone())
    }

    pub(crate) fn bfd(&mut self, secret: &Secret) -> Secret {
        secret.stand_in(number(&mut self.bfd, secret))
    }

    pub(crate) fn router(&mut self, router: &Router) -> Router {
        let mut router = router.clone();
        let mut keys = Self::default();
        std::mem::swap(&mut keys.keys, &mut self.keys);
        router.replace_secrets(&mut |word| self.word(word), &mut |key| keys.key(key));
        self.keys = keys.keys;
        router
    }

    pub(crate) fn config(&mut self, config: &RouterConfig) -> RouterConfig {
        let mut config = config.clone();
        let mut keys = Self::default();
        std::mem::swap(&mut keys.keys, &mut self.keys);
        config.replace_secrets(&mut |word| self.word(word), &mut |key| keys.key(key));
        self.keys = keys.keys;
        config
    }

    /// A VRRP message without its secrets.
    pub(crate) fn message<'a>(
        &mut self,
        router: &Router,
        interface: InterfaceId,
        ip: &IpMeta,
        message: &'a [u8],
    ) -> Cow<'a, [u8]> {
        let of_version = message.first().map(|octet| octet >> 4);
        if of_version == Some(2) && message.get(4) == Some(&1) {
            return self.password(message);
        }
        let Some((bare, trailer)) = message.split_last_chunk::<TRAILER_LEN>() else {
            return message.into();
        };
        let Ok(trailer) = Trailer::parse(trailer) else {
            return message.into();
        };
        let id = trailer.key_id();
        for (_, hmac) in keys_for(router, interface, message) {
            if let Some(key) = hmac.and_then(|hmac| hmac.key(id))
                && key.verifies(ip.source, bare, &trailer)
            {
                let stand_in = self.key(key);
                let signed = stand_in.sign(id, ip.source, bare, trailer.sequence());
                return [bare, &signed].concat().into();
            }
        }
        message.into()
    }

    /// A VRRPv2 message with a password.
    fn password<'a>(&mut self, message: &'a [u8]) -> Cow<'a, [u8]> {
        let mut octets = message.to_vec();
        let addresses = message.get(3).map_or(0, |count| usize::from(*count));
        let end = addresses.saturating_mul(4).saturating_add(8);
        let Some((head, tail)) = octets.split_at_mut_checked(end) else {
            return message.into();
        };
        let Some((found, _)) = tail.split_first_chunk_mut::<8>() else {
            // Cut off in the middle of it.
            tail.fill(0);
            return octets.into();
        };
        let before = *found;
        *found = match self.words.contains(&before) {
            true => self.word(before),
            false => WRONG,
        };
        if let Some([high, low]) = head.get_mut(6..8) {
            [*high, *low] = adjusted([*high, *low], before, *found);
        }
        octets.into()
    }

    /// A packet with an authentication header.
    pub(crate) fn ah_packet(
        &mut self,
        router: &Router,
        interface: InterfaceId,
        packet: &AhPacket<'_>,
    ) -> Vec<u8> {
        let [ip, fixed, icv, message] = packet.pieces();
        let known = keys_for(router, interface, message).find_map(|(auth, _)| match auth {
            Some(V2Auth::Ah(word)) if packet.verifies(word) => Some(*word),
            _ => None,
        });
        match known {
            Some(word) => [ip, fixed, &packet.check_value(&self.word(word)), message].concat(),
            None => [ip, fixed, icv, message].concat(),
        }
    }
}

/// The number of a secret: its place among those that have been seen.
fn number<T: Clone + PartialEq>(known: &mut Vec<T>, secret: &T) -> u16 {
    let at = known.iter().position(|one| one == secret);
    let at = at.unwrap_or_else(|| {
        known.push(secret.clone());
        known.len().saturating_sub(1)
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// RFC 1624: a good checksum stays good when these octets change, and a bad one bad.
fn adjusted(checksum: [u8; 2], before: [u8; 8], after: [u8; 8]) -> [u8; 2] {
    let words = |[a, b, c, d, e, f, g, h]: [u8; 8]| {
        [[a, b], [c, d], [e, f], [g, h]].map(|word| u32::from(u16::from_be_bytes(word)))
    };
    let gone = words(before).into_iter().map(|word| 0xffff ^ word);
    let all = gone.chain(words(after));
    let mut sum = all.fold(
        u32::from(!u16::from_be_bytes(checksum)),
        u32::saturating_add,
    );
    while sum > 0xffff {
        sum = (sum & 0xffff).saturating_add(sum >> 16);
    }
    (!u16::try_from(sum).unwrap_or(0)).to_be_bytes()
}

/// The secrets of those that a message may be for.
fn keys_for<'a>(
    router: &'a Router,
    interface: InterfaceId,
    message: &[u8],
) -> impl Iterator<Item = (Option<&'a V2Auth>, Option<&'a Hmac>)> {
    let vrid = message.get(1).copied();
    router
        .instances()
        .filter(move |(_, of, instance)| {
            *of == interface && Some(instance.config().vrid.get()) == vrid
        })
        .map(|(_, _, instance)| {
            let config = instance.config();
            let auth = match &config.format {
                WireFormat::V2 { auth } => Some(auth),
                WireFormat::V3 { .. } => None,
            };
            (auth, config.hmac.as_deref())
        })
}
