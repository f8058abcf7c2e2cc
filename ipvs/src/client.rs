//! A blocking client for programs without an event loop. Everything else of the crate works
//! without it, and without a socket.

use std::collections::VecDeque;
use std::io;

use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{Socket, SocketAddr};
use thiserror::Error;

use crate::diff::diff;
use crate::dump::{Dump, Dumped};
use crate::error::{DecodeError, KernelError};
use crate::netlink::{Answer, Command, Context, FamilyId, Reply, Request, replies, resolve};
use crate::service::Family;
use crate::table::{Op, Table};

/// Large enough for any netlink datagram of the kernel, which makes them of at most 32 KiB.
const ROOM: usize = 64 * 1024;

/// Changes that are sent in one datagram.
const BATCH: usize = 64;

/// What went wrong.
#[non_exhaustive]
#[derive(Debug, Error)]
pub enum ClientError {
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// One of several changes was refused.
    #[error("ipvsadm {op}: {error}")]
    Refused {
        /// The first that was.
        op: Box<Op>,
        /// Why.
        error: KernelError,
    },
    /// The kernel's answer could not be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A socket to the IPVS of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Client {
    // `Socket` can be cloned, and each clone closes: never hand it out.
    socket: Socket,
    context: Context,
    seq: u32,
}

impl Client {
    /// Opens a socket and asks for the number of the family, which also loads the module.
    ///
    /// # Errors
    /// [`KernelError::ModuleMissing`] when the kernel has no IPVS.
    pub fn connect() -> Result<Self, ClientError> {
        let mut socket = Socket::new(NETLINK_GENERIC)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        let context = Context {
            family: FamilyId(0),
            service: Family::Ipv4,
        };
        let mut client = Self {
            socket,
            context,
            seq: 1,
        };
        let mut out = Vec::new();
        resolve(client.seq, &mut out);
        client.send(&out)?;
        for answer in client.receive()? {
            match answer?.reply {
                Reply::Family(id) => client.context.family = id,
                Reply::Error(errno) => {
                    return Err(KernelError::of(Command::GET_FAMILY, errno).into());
                }
                _ => {}
            }
        }
        if client.context.family == FamilyId(0) {
            return Err(KernelError::ModuleMissing.into());
        }
        Ok(client)
    }

    /// The number of the family, as the kernel gave it out.
    #[must_use]
    pub const fn family(&self) -> FamilyId {
        self.context.family
    }

    /// Sends one request and gives what was answered, without acknowledgement and end marks.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn request(&mut self, request: &Request) -> Result<Vec<Reply>, ClientError> {
        let asked = self.next_seq();
        if let Request::GetService(key) | Request::DumpDestinations(key) = request {
            self.context.service = key.family();
        }
        let mut out = Vec::new();
        request.encode(self.context.family, asked, &mut out);
        // Answers come in the order of the requests: when one to a later request is here, there
        // will be none to the earlier one.
        let after = (!request.is_always_answered()).then(|| self.next_seq());
        if let Some(after) = after {
            Request::GetInfo.encode(self.context.family, after, &mut out);
        }
        self.send(&out)?;
        let mut all = Vec::new();
        loop {
            for answer in self.receive()? {
                let answer = answer?;
                match answer.reply {
                    _ if Some(answer.seq) == after => return Ok(all),
                    _ if answer.seq != asked => {}
                    Reply::Ack | Reply::Done(0) => return Ok(all),
                    Reply::Error(errno) | Reply::Done(errno) => {
                        return Err(KernelError::of(request.command(), errno).into());
                    }
                    reply => all.push(reply),
                }
            }
        }
    }

    /// Reads the whole table with its counters.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn dump(&mut self) -> Result<Dumped, ClientError> {
        let mut dump = Dump::new();
        loop {
            if let Some(result) = dump.result() {
                return Ok(result?);
            }
            let mut out = Vec::new();
            let seq = self.next_seq();
            if dump.poll_request(self.context.family, seq, &mut out) {
                self.send(&out)?;
            }
            self.context = dump.context(self.context.family);
            match self.receive() {
                Ok(answers) => {
                    for answer in answers {
                        match answer {
                            Ok(answer) => drop(dump.handle(&answer)),
                            Err(_) => dump.handle_unreadable(),
                        }
                    }
                }
                Err(ClientError::Kernel(KernelError::Overrun)) => dump.again(),
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the table as wanted, services of others included: they are removed.
    ///
    /// # Errors
    /// The first change that was refused; those after it were done.
    pub fn replace(&mut self, desired: &Table) -> Result<Vec<Op>, ClientError> {
        let current = self.dump()?.table();
        let ops = diff(&current, desired);
        self.apply(&ops)?;
        Ok(ops)
    }

    /// Does changes, many to a datagram.
    ///
    /// # Errors
    /// The first that was refused; those after it were done.
    pub fn apply(&mut self, ops: &[Op]) -> Result<(), ClientError> {
        let mut first = None;
        for batch in ops.chunks(BATCH) {
            let mut out = Vec::new();
            let mut waiting = VecDeque::new();
            for (place, op) in (1..).zip(batch) {
                let (family, seq) = (self.context.family, self.next_seq());
                let request = Request::Change(op.clone());
                // The last one's answer is that to all before it.
                if place == batch.len() {
                    request.encode(family, seq, &mut out);
                } else {
                    request.encode_unacknowledged(family, seq, &mut out);
                }
                waiting.push_back((seq, op));
            }
            self.send(&out)?;
            while !waiting.is_empty() {
                for answer in self.receive()? {
                    let answer = answer?;
                    // Answers come in the order of the requests.
                    let Some(place) = waiting.iter().position(|(seq, _)| *seq == answer.seq) else {
                        continue;
                    };
                    let op = waiting.drain(..=place).next_back().map(|(_, op)| op);
                    if let (Reply::Error(errno), Some(op)) = (answer.reply, op) {
                        let error = KernelError::of(op.command(), errno);
                        first.get_or_insert_with(|| (op.clone(), error));
                    }
                }
            }
        }
        first.map_or(Ok(()), |(op, error)| {
            let op = Box::new(op);
            Err(ClientError::Refused { op, error })
        })
    }

    fn next_seq(&mut self) -> u32 {
        self.seq = self.seq.wrapping_add(1);
        self.seq
    }

    fn send(&self, octets: &[u8]) -> Result<(), ClientError> {
        let sent = self.socket.send(octets, 0)?;
        if sent == octets.len() {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::WriteZero).into())
        }
    }

    /// One datagram. Connected to the kernel, the socket takes none of anybody else.
    fn receive(&self) -> Result<Vec<Result<Answer, DecodeError>>, ClientError> {
        let mut room = bytes::BytesMut::with_capacity(ROOM);
        match self.socket.recv(&mut room, 0) {
            Ok(_) => Ok(replies(&room, self.context).collect()),
            // ENOBUFS.
            Err(error) if error.raw_os_error() == Some(105) => Err(KernelError::Overrun.into()),
            Err(error) => Err(error.into()),
        }
    }
}
