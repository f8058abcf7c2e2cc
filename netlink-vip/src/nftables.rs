//! Which tables nftables has in the kernel, and which of them a transaction touched.
//!
//! What is in a table is written as text for `nft`; whether it is there, whose it is and that somebody was at it is
//! heard here, without that program.

use std::fmt;

/// The multicast group of what transactions change (`NFNLGRP_NFTABLES`).
pub const GROUP: u32 = 7;

/// `NFNL_SUBSYS_NFTABLES`, in the upper octet of a message's type.
const SUBSYSTEM: u8 = 10;
const GET_TABLE: u8 = 1;
const NEW_CHAIN: u8 = 3;
const GET_CHAIN: u8 = 4;
const NEW_GENERATION: u8 = 15;
/// In every message about a table or something in one.
const TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
/// `AF_INET` and `AF_INET6`.
const IPV4: u8 = 2;
const IPV6: u8 = 10;

const TYPE: u16 = (1 << 14) - 1;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
const DUMP_INTERRUPTED: u16 = 0x10;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const MESSAGE_HEADER: usize = 16;
const FAMILY_HEADER: usize = 4;

/// The family of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ip, Self::Ip6];
}

impl fmt::Display for Family {
    /// As `nft` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
        })
    }
}

/// What a message of the kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A table is there, or was touched: itself, or something in it.
    Table {
        /// Its family; tables of others are not told of.
        family: Family,
        /// Its name.
        table: String,
        /// The chain that is there or has come, if it was one.
        chain: Option<String>,
    },
    /// The transaction ends whose messages were before this one.
    Generation,
    /// The answer to a request ends. `whole`: nothing changed while it was given.
    Done {
        /// It is of one moment.
        whole: bool,
    },
    /// The kernel refuses the request, with this error number.
    Refused(i32),
}

/// Text for `nft` that removes a table, whether or not it is there: to delete what is not there would fail the
/// transaction.
#[must_use]
pub fn removal(family: Family, table: &str) -> String {
    format!("add table {family} {table}\ndelete table {family} {table}\n")
}

/// Asks for all tables.
#[must_use]
pub fn tables_request() -> Vec<u8> {
    request(GET_TABLE)
}

/// Asks for all chains.
#[must_use]
pub fn chains_request() -> Vec<u8> {
    request(GET_CHAIN)
}

fn request(command: u8) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(20_u32.to_ne_bytes());
    out.extend(u16::from_be_bytes([SUBSYSTEM, command]).to_ne_bytes());
    out.extend(DUMP.to_ne_bytes());
    // Number of the request and of the sender; then every family, version, and nothing.
    out.extend([0; 12]);
    out
}

/// What a datagram of the kernel says. What is cut short or unknown says nothing.
#[must_use]
pub fn heard(mut datagram: &[u8]) -> Vec<Heard> {
    let mut all = Vec::new();
    while let Some((message, rest)) = next(datagram) {
        all.extend(one(&message));
        datagram = rest;
    }
    all
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    body: &'a [u8],
}

/// The first message, and what follows.
fn next(datagram: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(*datagram.first_chunk()?)).ok()?;
    let body = datagram.get(MESSAGE_HEADER..length)?;
    let message = Message {
        kind: u16_at(datagram, 4)?,
        flags: u16_at(datagram, 6)?,
        body,
    };
    let rest = datagram.get(length.next_multiple_of(4)..);
    Some((message, rest.unwrap_or_default()))
}

fn one(message: &Message<'_>) -> Option<Heard> {
    let whole = message.flags & DUMP_INTERRUPTED == 0;
    match message.kind {
        DONE => return Some(Heard::Done { whole }),
        ERROR => {
            let number = i32::from_ne_bytes(*message.body.first_chunk()?);
            return (number != 0).then(|| Heard::Refused(number.saturating_neg()));
        }
        _ => {}
    }
    let [subsystem, command] = message.kind.to_be_bytes();
    if subsystem != SUBSYSTEM {
        return None;
    }
    if command == NEW_GENERATION {
        return Some(Heard::Generation);
    }
    let family = match *message.body.first()? {
        IPV4 => Family::Ip,
        IPV6 => Family::Ip6,
        _ => return None,
    };
    let attributes = message.body.get(FAMILY_HEADER..)?;
    let chain = (command == NEW_CHAIN).then(|| text(attributes, CHAIN_NAME));
    Some(Heard::Table {
        family,
        table: text(attributes, TABLE)?,
        chain: chain.flatten(),
    })
}

/// The text of an attribute.
fn text(mut attributes: &[u8], wanted: u16) -> Option<String> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let value = attributes.get(4..length)?;
        if u16_at(attributes, 2)? & TYPE == wanted {
            let value = value.strip_suffix(&[0]).unwrap_or(value);
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let two = octets.get(at..)?.first_chunk()?;
    Some(u16::from_ne_bytes(*two))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    fn message(kind: [u8; 2], flags: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(16 + body.len()).unwrap();
        let mut out = vec![length, 0, 0, 0, kind[0], kind[1], flags, 0];
        out.extend([0; 8]);
        out.extend(body);
        out
    }

    /// A table and a chain as the kernel tells of them (Linux, `strace` of `nft monitor`; handles left out).
    fn chain() -> Vec<u8> {
        let body = b"\x02\x00\x00\x07\x09\x00\x01\x00ours\0\0\0\0\
            \x0c\x00\x02\x00\0\0\0\0\0\0\0\x01\x07\x00\x03\x00in\0\0";
        message([3, 10], 0, body)
    }

    #[test]
    fn a_transaction_tells_which_tables_it_touched() {
        let rule = message([8, 10], 0, b"\x0a\x00\x00\x08\x07\x00\x01\x00it\0\0");
        let theirs = message([0, 10], 0, b"\x01\x00\x00\x08\x07\x00\x01\x00it\0\0");
        let end = message([15, 10], 0, b"\x00\x00\x00\x08");
        let told = heard(&[chain(), rule, theirs, end].concat());
        let expected = [
            Heard::Table {
                family: Family::Ip,
                table: "ours".to_owned(),
                chain: Some("in".to_owned()),
            },
            Heard::Table {
                family: Family::Ip6,
                table: "it".to_owned(),
                chain: None,
            },
            Heard::Generation,
        ];
        assert_eq!(told, expected, "that of a bridge is nobody's business");
    }

    #[test]
    fn an_answer_ends_whole_or_not() {
        assert_eq!(
            heard(&message([3, 0], 2, &[0; 4])),
            [Heard::Done { whole: true }]
        );
        assert_eq!(
            heard(&message([3, 0], 0x12, &[0; 4])),
            [Heard::Done { whole: false }]
        );
        let refused = message([2, 0], 0, &(-1_i32).to_le_bytes());
        assert_eq!(heard(&refused), [Heard::Refused(1)]);
        assert_eq!(heard(&message([2, 0], 0, &[0; 4])), []);
    }

    #[test]
    fn what_is_cut_short_says_nothing() {
        let whole = chain();
        for length in 0..whole.len() {
            assert_eq!(heard(&whole[..length]), [], "{length}");
        }
        // A message that says it has no length must not be read for ever.
        assert_eq!(heard(&[0; 64]), []);
        // Nor an attribute.
        assert_eq!(heard(&message([3, 10], 0, &[2, 0, 0, 0, 0, 0, 9, 0])), []);
    }

    #[test]
    fn requests_ask_for_everything_there_is() {
        let expected = b"\x14\0\0\0\x04\x0a\x01\x03\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(chains_request(), expected);
        assert_eq!(tables_request()[4], 1);
    }
}
