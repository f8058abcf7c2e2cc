//! What the kernel answers.

use netlink_packet_core::{NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR};

use super::convert;
use super::family::{FamilyId, resolved};
use super::message::{Attribute, Command, Message};
use super::request::timeouts;
use crate::counters::{DestinationStatus, ServiceStatus};
use crate::daemon::{Info, SyncDaemon, Timeouts};
use crate::error::DecodeError;
use crate::service::Family;

const HEADER_LEN: usize = 16;
const NLMSG_OVERRUN: u16 = 4;
const CONTROLLER: u16 = 16;

/// What is known when an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Number of the family.
    pub family: FamilyId,
    /// Family of the service whose destinations were asked for.
    pub service: Family,
}

/// What an answer says.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A service.
    Service(ServiceStatus),
    /// A destination of the service that was asked for.
    Destination(DestinationStatus),
    /// A sync daemon that runs.
    Daemon(SyncDaemon),
    /// The timeouts.
    Timeouts(Timeouts),
    /// Version and table size.
    Info(Info),
    /// The number of the family.
    Family(FamilyId),
    /// Done as asked.
    Ack,
    /// Not done; [`crate::KernelError::of`] says what the (positive) number means.
    Error(i32),
    /// The end of a dump; a positive error number means that it is not complete.
    Done(i32),
    /// The kernel lost answers.
    Overrun,
    /// A message that is none of ours.
    Other,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Number of the request.
    pub seq: u32,
    /// Port of the sender; the kernel has 0.
    pub port: u32,
    /// Part of a dump.
    pub of_dump: bool,
    /// The table changed during the dump, which has to be asked for again (IPVS-DEC-03).
    pub interrupted: bool,
    /// What it says.
    pub reply: Reply,
}

/// The answers in a datagram.
#[derive(Clone, Debug)]
pub struct Replies<'a> {
    rest: &'a [u8],
    context: Context,
}

/// Reads a datagram, which can hold many messages. One that cannot be read does not hide the
/// others, but nothing can be found after a header that does not fit.
#[must_use]
pub const fn replies(datagram: &[u8], context: Context) -> Replies<'_> {
    Replies {
        rest: datagram,
        context,
    }
}

impl Iterator for Replies<'_> {
    type Item = Result<Answer, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(self.rest) else {
            self.rest = &[];
            return Some(Err(DecodeError::Header));
        };
        self.rest = rest;
        Some(decode(message, self.context))
    }
}

fn split(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
    if length < HEADER_LEN {
        return None;
    }
    let message = datagram.get(..length)?;
    let next = length.checked_next_multiple_of(4)?;
    Some((message, datagram.get(next..).unwrap_or_default()))
}

fn decode(message: &[u8], context: Context) -> Result<Answer, DecodeError> {
    let kind = u16_at(message, 4).ok_or(DecodeError::Header)?;
    let flags = u16_at(message, 6).ok_or(DecodeError::Header)?;
    let seq = u32_at(message, 8).ok_or(DecodeError::Header)?;
    let port = u32_at(message, 12).ok_or(DecodeError::Header)?;
    let body = message.get(HEADER_LEN..).ok_or(DecodeError::Header)?;
    let reply = match kind {
        NLMSG_ERROR => match errno(body).ok_or(DecodeError::Truncated)? {
            0 => Reply::Ack,
            errno => Reply::Error(errno),
        },
        // Some dumps end with an empty body.
        NLMSG_DONE => Reply::Done(errno(body).unwrap_or(0)),
        NLMSG_OVERRUN => Reply::Overrun,
        CONTROLLER => Reply::Family(resolved(body)?),
        _ if kind == context.family.0 => said(body, context)?,
        _ => Reply::Other,
    };
    Ok(Answer {
        seq,
        port,
        of_dump: flags & NLM_F_MULTIPART != 0,
        interrupted: flags & NLM_F_DUMP_INTR != 0,
        reply,
    })
}

fn said(body: &[u8], context: Context) -> Result<Reply, DecodeError> {
    let (header, attributes) = body.split_first_chunk::<4>().ok_or(DecodeError::Header)?;
    let [command, ..] = *header;
    let message = Message::parse(Command(command), attributes)?;
    Ok(match message.command {
        Command::NEW_SERVICE => {
            let nest = message.service().ok_or(DecodeError::Missing("SERVICE"))?;
            Reply::Service(convert::service(nest)?)
        }
        Command::NEW_DEST => {
            let nest = message.destination();
            let nest = nest.ok_or(DecodeError::Missing("DEST"))?;
            Reply::Destination(convert::destination(nest, context.service)?)
        }
        Command::NEW_DAEMON => {
            let nest = message.daemon().ok_or(DecodeError::Missing("DAEMON"))?;
            Reply::Daemon(convert::daemon(nest)?)
        }
        Command::SET_CONFIG => Reply::Timeouts(timeouts(&message)),
        Command::SET_INFO => {
            let mut info = Info {
                version: 0,
                table_size: 0,
            };
            for attribute in &message.attributes {
                match attribute {
                    Attribute::Version(version) => info.version = *version,
                    Attribute::TableSize(size) => info.table_size = *size,
                    _ => {}
                }
            }
            Reply::Info(info)
        }
        _ => Reply::Other,
    })
}

/// Messages carry errors as negative numbers.
fn errno(body: &[u8]) -> Option<i32> {
    Some(u32_at(body, 0)?.cast_signed().wrapping_neg())
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let field = octets.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_ne_bytes(*field))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    let field = octets.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_ne_bytes(*field))
}
