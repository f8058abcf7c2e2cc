//! The socket to the kernel's IPVS, and single questions over it.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use ipvs::Family;
use ipvs::KernelError;
use ipvs::netlink::{Command, Context, FamilyId, Reply, Request, replies, resolve};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::sockets::netlink::{Netlink, NetlinkBuffer, Received};

/// The kernel answers within the send. Should it not, the answer counts as lost after this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Numbers of single questions begin here, far from those of the reconciler.
const FIRST: u32 = 0x8000_0000;

/// A socket, and the number of the family.
#[derive(Debug)]
pub(super) struct GenericSocket {
    netlink: Netlink,
    pub(super) family: FamilyId,
    seq: u32,
    pub(super) buffer: BytesMut,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum OpenError {
    Io(io::Error),
    Kernel(KernelError),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Kernel(error) => error.fmt(f),
        }
    }
}

impl GenericSocket {
    /// Opens a socket and asks for the number of the family.
    pub(super) fn open() -> Result<Self, OpenError> {
        let netlink = Netlink::generic(NetlinkBuffer::default()).map_err(OpenError::Io)?;
        let mut socket = Self {
            netlink,
            family: FamilyId(0),
            seq: FIRST,
            buffer: BytesMut::new(),
        };
        let mut request = Vec::new();
        resolve(FIRST, &mut request);
        let replies = socket
            .exchange(&request, FIRST, None, Command::GET_FAMILY)
            .map_err(OpenError::Kernel)?;
        let family = replies.into_iter().find_map(|reply| match reply {
            Reply::Family(family) => Some(family),
            _ => None,
        });
        socket.family = family.ok_or(OpenError::Kernel(KernelError::ModuleMissing))?;
        Ok(socket)
    }

    /// Asks one thing.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Vec<Reply>, KernelError> {
        let seq = self.next_seq();
        let mut octets = Vec::new();
        request.encode(self.family, seq, &mut octets);
        // Answers come in the order of the requests: one to a later request is the end of waiting.
        let after = (!request.is_always_answered()).then(|| self.next_seq());
        if let Some(after) = after {
            Request::GetInfo.encode(self.family, after, &mut octets);
        }
        self.exchange(&octets, seq, after, request.command())
    }

    fn next_seq(&mut self) -> u32 {
        self.seq = self.seq.wrapping_add(1).max(FIRST);
        self.seq
    }

    fn exchange(
        &mut self,
        octets: &[u8],
        seq: u32,
        after: Option<u32>,
        command: Command,
    ) -> Result<Vec<Reply>, KernelError> {
        self.send(octets)?;
        let context = Context {
            family: self.family,
            service: Family::Ipv4,
        };
        let mut all = Vec::new();
        loop {
            self.receive()?;
            for answer in replies(&self.buffer, context) {
                // What cannot be read is not what was asked for.
                let Ok(answer) = answer else { continue };
                match answer.reply {
                    _ if Some(answer.seq) == after => return Ok(all),
                    _ if answer.seq != seq => {}
                    Reply::Ack | Reply::Done(0) => return Ok(all),
                    Reply::Family(_) => {
                        all.push(answer.reply);
                        return Ok(all);
                    }
                    Reply::Error(errno) | Reply::Done(errno) => {
                        return Err(KernelError::of(command, errno));
                    }
                    reply => all.push(reply),
                }
            }
        }
    }

    pub(super) fn send(&self, octets: &[u8]) -> Result<(), KernelError> {
        let sent = self.netlink.send(octets);
        sent.map_err(|error| KernelError::Other(error.raw_os_error().unwrap_or(0)))
    }

    /// The next datagram into the buffer.
    pub(super) fn receive(&mut self) -> Result<(), KernelError> {
        for _ in 0..2 {
            match self.netlink.receive(&mut self.buffer) {
                Ok(Received::Datagram) => return Ok(()),
                Ok(Received::Overrun) => return Err(KernelError::Overrun),
                Ok(Received::Nothing) => self.wait(),
                Err(error) => return Err(KernelError::Other(error.raw_os_error().unwrap_or(0))),
            }
        }
        Err(KernelError::Overrun)
    }

    /// Until there is something, or the patience is over.
    fn wait(&self) {
        let patience = Timespec::try_from(PATIENCE).ok();
        let mut watched = [PollFd::new(&self.netlink, PollFlags::IN)];
        let _ = poll(&mut watched, patience.as_ref());
    }
}
