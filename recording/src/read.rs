//! Reading a recording: what is whole is given out, and what is not is told of.

use crate::record::{Checkpoint, Record};
use crate::ring::{CHUNK_HEADER_LEN, FORMAT, HEADER_LEN, MAGIC, MAX_SIZE, SLOTS, crc32};

/// Why octets are no recording that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// They do not begin as one.
    #[error("this is not a recording")]
    NotARecording,
    /// They are cut off, or changed, within the header.
    #[error("the header is damaged")]
    Header,
    /// Of another format.
    #[error(
        "the format is {found}, and this program reads {FORMAT}: replay it with the version that made it"
    )]
    Format {
        /// Which one.
        found: u16,
    },
    /// No segment begins in them.
    #[error("there is no complete beginning of a segment in it")]
    Empty,
}

/// Records that cannot be read, though the check value fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record cannot be read")]
pub struct BadRecord;

/// A recording, from its oldest segment to the latest.
#[derive(Clone, Debug)]
pub struct Recording<'a> {
    /// In their order. There is at least one.
    pub segments: Vec<Segment<'a>>,
}

/// A part that can be replayed by itself.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// From 1, in the order in which they were written.
    pub number: u64,
    /// The state at its beginning.
    pub checkpoint: Checkpoint,
    /// Octets of something were found where the next chunk should be, that had been one of this segment: the
    /// writer was killed in the middle of it, or the file was changed.
    pub torn: bool,
    chunks: Vec<&'a [u8]>,
}

impl<'a> Recording<'a> {
    /// Finds the segments in the octets of a file.
    ///
    /// # Errors
    ///
    /// If there is nothing to replay in them.
    pub fn read(octets: &'a [u8]) -> Result<Self, Unreadable> {
        let slot_len = header(octets)?;
        let body = octets.get(HEADER_LEN..).unwrap_or_default();
        let slots = body.chunks(slot_len.max(1)).take(SLOTS);
        let mut segments: Vec<Segment<'a>> = slots.filter_map(Segment::read).collect();
        segments.sort_by_key(|segment| segment.number);
        segments.dedup_by_key(|segment| segment.number);
        if segments.is_empty() {
            return Err(Unreadable::Empty);
        }
        Ok(Self { segments })
    }
}

/// The length of a slot.
fn header(octets: &[u8]) -> Result<usize, Unreadable> {
    let rest = octets
        .strip_prefix(&MAGIC)
        .ok_or(Unreadable::NotARecording)?;
    let Some((&[f0, f1, s0, s1, l0, l1, l2, l3, c0, c1, c2, c3], _)) = rest.split_first_chunk()
    else {
        return Err(Unreadable::Header);
    };
    let fields = [f0, f1, s0, s1, l0, l1, l2, l3];
    if crc32(&[&MAGIC, &fields]) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(Unreadable::Header);
    }
    let found = u16::from_le_bytes([f0, f1]);
    if found != FORMAT {
        return Err(Unreadable::Format { found });
    }
    let slots = usize::from(u16::from_le_bytes([s0, s1]));
    let slot_len = u32::from_le_bytes([l0, l1, l2, l3]);
    if slots != SLOTS || slot_len == 0 || u64::from(slot_len) > MAX_SIZE {
        return Err(Unreadable::Header);
    }
    usize::try_from(slot_len).map_err(|_| Unreadable::Header)
}

/// A chunk with the numbers of its segment and its own, and what follows it.
struct Chunk<'a> {
    segment: u64,
    number: u32,
    content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(slot: &'a [u8]) -> Option<Self> {
        let (header, rest) = slot.split_first_chunk::<CHUNK_HEADER_LEN>()?;
        let (numbers, check) = header.split_last_chunk::<4>()?;
        let (length, numbers_rest) = numbers.split_first_chunk::<4>()?;
        let (segment, number) = numbers_rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (content, rest) = rest.split_at_checked(length)?;
        if length == 0 || crc32(&[numbers, content]) != u32::from_le_bytes(*check) {
            return None;
        }
        Some(Self {
            segment: u64::from_le_bytes(*segment),
            number: u32::from_le_bytes(number.try_into().ok()?),
            content,
            rest,
        })
    }
}

impl<'a> Segment<'a> {
    fn read(slot: &'a [u8]) -> Option<Self> {
        let first = Chunk::read(slot).filter(|chunk| chunk.number == 0)?;
        let checkpoint = postcard::from_bytes(first.content).ok()?;
        let mut segment = Self {
            number: first.segment,
            checkpoint,
            torn: false,
            chunks: Vec::new(),
        };
        let mut rest = first.rest;
        for number in 1_u32.. {
            let next = Chunk::read(rest);
            let Some(next) =
                next.filter(|chunk| chunk.segment == segment.number && chunk.number == number)
            else {
                break;
            };
            segment.chunks.push(next.content);
            rest = next.rest;
        }
        segment.torn = rest
            .get(4..12)
            .is_some_and(|octets| octets == segment.number.to_le_bytes());
        Some(segment)
    }

    /// What happened, in order. Ends with the first record that cannot be read.
    pub fn records(&self) -> impl Iterator<Item = Result<Record<'a>, BadRecord>> + use<'a> {
        let mut chunks = self.chunks.clone().into_iter();
        let mut rest: &'a [u8] = &[];
        std::iter::from_fn(move || {
            while rest.is_empty() {
                rest = chunks.next()?;
            }
            match postcard::take_from_bytes(rest) {
                Ok((record, after)) => {
                    rest = after;
                    Some(Ok(record))
                }
                Err(_) => {
                    (rest, chunks) = (&[], Vec::new().into_iter());
                    Some(Err(BadRecord))
                }
            }
        })
    }

    /// Octets of its records.
    #[must_use]
    pub fn octets(&self) -> usize {
        let lengths = self.chunks.iter().map(|chunk| chunk.len());
        lengths.fold(0, usize::saturating_add)
    }
}
