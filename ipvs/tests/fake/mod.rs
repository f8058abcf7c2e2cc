//! A kernel that is none: it reads the same octets as the real one, does what they say, and fails on demand.

use std::collections::VecDeque;

use ipvs::netlink::{Command, FamilyId, Message, Request};
use ipvs::{ApplyError, Op, Table};
use netlink_packet_core::Emitable;

pub(crate) const FAMILY: FamilyId = FamilyId(0x1f);
const MULTI: u16 = 2;
const ACK: u8 = 4;
const INTERRUPTED: u16 = 0x10;

/// IPVS as far as messages go.
#[derive(Default)]
pub(crate) struct Kernel {
    pub(crate) table: Table,
    pub(crate) requests: Vec<Request>,
    /// Acknowledgements and refusals so far.
    pub(crate) answers: usize,
    /// Error numbers for the next requests; 0 lets one pass.
    pub(crate) errors: VecDeque<i32>,
    /// Dumps that are called inconsistent.
    pub(crate) interrupts: u32,
    /// A scheduler that this kernel has no module for.
    pub(crate) lacks: Option<&'static str>,
    /// New services exist already, says this kernel, and shows none.
    pub(crate) contradicts_itself: bool,
}

impl Kernel {
    /// Works off a datagram and answers with another.
    pub(crate) fn send(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = datagram;
        while let [a, b, c, d, ..] = rest {
            let length = usize::try_from(u32::from_ne_bytes([*a, *b, *c, *d])).expect("short");
            let (message, next) = rest.split_at(length);
            self.one(message, &mut out);
            rest = next;
        }
        out
    }

    fn one(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        assert_eq!(octets[4..6], FAMILY.0.to_ne_bytes());
        let dump = octets[7] & 3 == 3;
        let seq = u32::from_ne_bytes([octets[8], octets[9], octets[10], octets[11]]);
        let message = Message::parse(Command(octets[16]), &octets[20..]).expect("well-formed");
        let request = Request::from_message(&message, dump).expect("a request");
        self.requests.push(request.clone());
        let errno = match self.errors.pop_front().unwrap_or(0) {
            0 => self.does(&request, seq, out),
            errno => errno,
        };
        if dump && errno == 0 {
            let interrupted = self.interrupts > 0;
            self.interrupts = self.interrupts.saturating_sub(1);
            let flags = if interrupted {
                MULTI | INTERRUPTED
            } else {
                MULTI
            };
            put(3, flags, seq, &[0; 4], out);
        } else if errno != 0 || octets[6] & ACK != 0 {
            let mut body = (-errno).to_ne_bytes().to_vec();
            body.extend(&octets[..16]);
            put(2, 0x100, seq, &body, out);
            self.answers += 1;
        }
    }

    fn does(&mut self, request: &Request, seq: u32, out: &mut Vec<u8>) -> i32 {
        match request {
            Request::Change(Op::NewService(service))
                if self.lacks == Some(service.scheduler.as_str()) =>
            {
                2
            }
            Request::Change(Op::NewService(_)) if self.contradicts_itself => 17,
            Request::Change(op) => match self.table.apply(op) {
                Ok(()) => 0,
                Err(ApplyError::ServiceExists | ApplyError::DestinationExists) => 17,
                Err(ApplyError::NoService) => 3,
                Err(ApplyError::NoDestination) => 2,
                Err(error) => panic!("{op}: {error}"),
            },
            Request::DumpServices => {
                for entry in self.table.entries() {
                    let service = entry.service().clone();
                    answer(&Request::Change(Op::NewService(service)), seq, out);
                }
                0
            }
            Request::DumpDestinations(key) => {
                let entry = self.table.get(key);
                for destination in entry.into_iter().flat_map(ipvs::Entry::destinations) {
                    answer(&Request::Change(Op::NewDest(*key, *destination)), seq, out);
                }
                0
            }
            other => panic!("not asked for here: {other:?}"),
        }
    }
}

/// The kernel describes an object with the message that makes it.
fn answer(request: &Request, seq: u32, out: &mut Vec<u8>) {
    let message = request.message();
    let mut body = vec![0; 4 + message.buffer_len()];
    body[0] = message.command.0;
    body[1] = 1;
    message.emit(&mut body[4..]);
    put(FAMILY.0, MULTI, seq, &body, out);
}

fn put(kind: u16, flags: u16, seq: u32, body: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(16 + body.len()).expect("short");
    out.extend(length.to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(seq.to_ne_bytes());
    out.extend(0_u32.to_ne_bytes());
    out.extend(body);
}
