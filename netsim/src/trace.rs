//! What happened, as a hash always and as readable lines on request.

use core::fmt;
use core::hash::{Hash, Hasher};
use std::collections::VecDeque;

use sans_io_time::Instant;

use crate::fault::Fault;
use crate::node::{Node, To};
use crate::world::NodeId;

/// One thing that happened in a world, in the order it happened.
pub enum Record<'a, N: Node + ?Sized> {
    /// A scripted incident takes place. The network has changed already, its nodes have not noticed.
    Fault(&'a Fault<N::Order>),
    /// A node sent a frame.
    Sent {
        /// Sender.
        from: NodeId,
        /// Receiver or receivers.
        to: To,
        /// The frame.
        frame: &'a N::Frame,
    },
    /// A copy of a frame did not make it.
    Lost {
        /// Sender.
        from: NodeId,
        /// The node that missed it.
        to: NodeId,
        /// The frame.
        frame: &'a N::Frame,
        /// Why.
        why: Lost,
    },
    /// A copy of a frame arrived at a stalled node, which will see it when it wakes.
    Queued {
        /// Sender.
        from: NodeId,
        /// The stalled node.
        to: NodeId,
        /// The frame.
        frame: &'a N::Frame,
    },
    /// A node is about to handle a frame.
    Delivered {
        /// Sender.
        from: NodeId,
        /// The node.
        to: NodeId,
        /// The frame, as it arrives.
        frame: &'a N::Frame,
        /// The link damaged it.
        damaged: bool,
    },
    /// A node is about to handle an expired timer.
    Timer(NodeId),
    /// A stalled node is back; the frames it missed follow at once.
    Woke(NodeId),
    /// A node reports something about itself.
    Note {
        /// The node.
        node: NodeId,
        /// What it says.
        note: &'a N::Note,
    },
    /// A node has handled its input, and its output is drained.
    Settled(NodeId),
    /// A node is off now: it has crashed, or stopped and said what it had to say.
    Off(NodeId),
}

/// Why a copy of a frame did not make it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// The link lost it.
    Chance,
    /// The two are in different cells, the way is cut, or a cable is pulled.
    Cut,
    /// The receiver is off.
    Off,
    /// The receiver was stalled and its queue full.
    QueueFull,
    /// It was damaged beyond recognition.
    Damaged,
}

impl<N: Node + ?Sized> Record<'_, N> {
    fn hash_into(&self, hash: &mut TraceHasher) {
        match self {
            Self::Fault(fault) => (0u8, core::mem::discriminant(*fault)).hash(hash),
            Self::Sent { from, to, frame } => (1u8, from, to, frame).hash(hash),
            Self::Lost { from, to, why, .. } => (2u8, from, to, why).hash(hash),
            Self::Queued { from, to, .. } => (3u8, from, to).hash(hash),
            Self::Delivered {
                from,
                to,
                frame,
                damaged,
            } => {
                (4u8, from, to, damaged).hash(hash);
                if *damaged {
                    frame.hash(hash);
                }
            }
            Self::Timer(node) => (5u8, node).hash(hash),
            Self::Woke(node) => (6u8, node).hash(hash),
            Self::Note { node, note } => (7u8, node, note).hash(hash),
            Self::Settled(_) => {}
            Self::Off(node) => (8u8, node).hash(hash),
        }
    }
}

impl<N: Node + ?Sized> fmt::Display for Record<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "*** {fault}"),
            Self::Sent {
                from,
                to: To::Everyone,
                frame,
            } => write!(f, "{from} sends {frame}"),
            Self::Sent {
                from,
                to: To::Node(to),
                frame,
            } => {
                write!(f, "{from} sends to {to} {frame}")
            }
            Self::Lost {
                from,
                to,
                frame,
                why,
            } => {
                write!(f, "{to} misses from {from} {frame} ({why:?})")
            }
            Self::Queued { from, to, frame } => write!(f, "{to} will find from {from} {frame}"),
            Self::Delivered {
                from,
                to,
                frame,
                damaged,
            } => {
                let damage = if *damaged { " (damaged)" } else { "" };
                write!(f, "{to} hears from {from} {frame}{damage}")
            }
            Self::Timer(node) => write!(f, "{node} timer"),
            Self::Woke(node) => write!(f, "{node} wakes"),
            Self::Note { node, note } => write!(f, "{node} {note}"),
            Self::Settled(node) => write!(f, "{node} settled"),
            Self::Off(node) => write!(f, "{node} is off"),
        }
    }
}

/// The record keeper of a world. Memory is bounded by the number of lines it was asked to keep.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: TraceHasher,
    lines: VecDeque<(Instant, String)>,
    keep: usize,
    records: u64,
}

impl Trace {
    pub(crate) fn keep(&mut self, lines: usize) {
        self.keep = lines;
    }

    pub(crate) fn write<N: Node>(&mut self, now: Instant, record: &Record<'_, N>) {
        self.records += 1;
        self.hash.write_i64(now.as_nanos());
        record.hash_into(&mut self.hash);
        if self.keep > 0 && !matches!(record, Record::Settled(_)) {
            if self.lines.len() == self.keep {
                self.lines.pop_front();
            }
            self.lines.push_back((now, record.to_string()));
        }
    }

    /// A fingerprint of all that happened: equal runs have equal hashes.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }

    /// How many records were written.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// The kept lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = (Instant, &str)> {
        self.lines.iter().map(|(at, line)| (*at, line.as_str()))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines()
            .try_for_each(|(at, line)| writeln!(f, "{:>17} {line}", Seconds(at)))
    }
}

/// An instant as seconds with nine decimals, so that a trace shows what the timers see.
#[derive(Copy, Clone, Debug)]
pub struct Seconds(pub Instant);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:09}", self.0.secs(), self.0.subsec_nanos()))
    }
}

/// A hash that is the same on every machine and in every run (the standard one is not promised to be).
#[derive(Clone, Debug, Default)]
struct TraceHasher(u64);

impl TraceHasher {
    fn mix(&mut self, word: u64) {
        let x = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = (x ^ (x >> 29)).rotate_left(17);
    }
}

impl Hasher for TraceHasher {
    fn finish(&self) -> u64 {
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 31)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }

    fn write_u8(&mut self, i: u8) {
        self.mix(u64::from(i));
    }
    fn write_u16(&mut self, i: u16) {
        self.mix(u64::from(i));
    }
    fn write_u32(&mut self, i: u32) {
        self.mix(u64::from(i));
    }
    fn write_u64(&mut self, i: u64) {
        self.mix(i);
    }
    fn write_usize(&mut self, i: usize) {
        self.mix(i as u64);
    }
    fn write_isize(&mut self, i: isize) {
        self.mix(i as u64);
    }
    fn write_i64(&mut self, i: i64) {
        self.mix(i as u64);
    }
}
