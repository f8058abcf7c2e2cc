//! Reading a recording: what is whole is given out, and what is not is told of.

use crate::record::{Checkpoint, Record};
use crate::ring::{CHUNK_HEADER_LEN, FORMAT, HEADER_LEN, MAGIC, MAX_SIZE, SLOTS, crc32, slot_of};

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
    /// Segments that are not among them though they must have been there, in their order.
    pub missing: Vec<Damage>,
}

/// Where octets cannot be read that had been written: the writer was killed in the middle of it, or the file was
/// changed or cut off since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Number of the segment.
    pub segment: u64,
    /// The first octet of the file that cannot be read; what follows it in the segment cannot be either.
    pub octet: usize,
}

/// A part that can be replayed by itself.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// From 1, in the order in which they were written.
    pub number: u64,
    /// The state at its beginning.
    pub checkpoint: Checkpoint,
    /// Where it cannot be read any more, if it does not end there.
    pub damage: Option<Damage>,
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
        let mut slots = body.chunks(slot_len);
        let mut segments: Vec<Segment<'a>> = Vec::new();
        // Slots of which nothing can be read, and whether something is in them.
        let mut dark = Vec::new();
        for (place, start) in (0..SLOTS).zip((HEADER_LEN..).step_by(slot_len)) {
            let slot = slots.next().unwrap_or_default();
            match Segment::read(slot, start)
                .filter(|segment| slot_of(segment.number) == Some(place))
            {
                Some(segment) => segments.push(segment),
                None => dark.push((place, start, slot.iter().any(|octet| *octet != 0))),
            }
        }
        segments.sort_by_key(|segment| segment.number);
        let last = segments.last().ok_or(Unreadable::Empty)?.number;
        let missing = dark.into_iter().filter_map(|(place, octet, used)| {
            // The latest that this slot can have had, or else the one that was being begun.
            let had = (1..=last).rev().take(SLOTS);
            let had = had
                .into_iter()
                .find(|number| slot_of(*number) == Some(place));
            let begun = || last.checked_add(1).filter(|_| used);
            let segment = had.or_else(begun)?;
            Some(Damage { segment, octet })
        });
        let mut missing: Vec<Damage> = missing.collect();
        missing.sort_by_key(|damage| damage.segment);
        Ok(Self { segments, missing })
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
    /// What is in a slot, whose first octet is this one of the file.
    fn read(slot: &'a [u8], start: usize) -> Option<Self> {
        let first = Chunk::read(slot).filter(|chunk| chunk.number == 0)?;
        let checkpoint = postcard::from_bytes(first.content).ok()?;
        let segment = first.segment;
        let mut chunks = Vec::new();
        let mut rest = first.rest;
        let mut damage = None;
        for number in 1_u32.. {
            let next = Chunk::read(rest);
            let Some(next) =
                next.filter(|chunk| chunk.segment == segment && chunk.number == number)
            else {
                let octet = start.saturating_add(slot.len().saturating_sub(rest.len()));
                damage = was_there(rest, segment, number).then_some(Damage { segment, octet });
                break;
            };
            chunks.push(next.content);
            rest = next.rest;
        }
        Some(Self {
            number: segment,
            checkpoint,
            damage,
            chunks,
        })
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

/// Whether these octets, which cannot be read, had begun with this chunk or one after it; else they are what is left
/// of an older segment, or nothing.
fn was_there(rest: &[u8], segment: u64, number: u32) -> bool {
    let of_segment = |octets: &[u8]| octets.get(4..12) == Some(&segment.to_le_bytes()[..]);
    // Of what is left of an older segment eight octets may well be the same, twelve hardly.
    let numbered = |octets: &[u8]| {
        let found = octets.get(12..16).or_else(|| octets.get(12..));
        found.is_some_and(|found| number.to_le_bytes().starts_with(found))
    };
    // Its end is missing, or something in it was changed.
    (of_segment(rest) && numbered(rest)) || is_misnumbered(rest, segment, number) || {
        let behind = (1..rest.len()).filter_map(|at| rest.get(at..));
        let mut candidates = behind.filter(|octets| of_segment(octets)).take(CANDIDATES);
        candidates.any(|octets| {
            let chunk = Chunk::read(octets);
            chunk.is_some_and(|chunk| chunk.segment == segment && chunk.number >= number)
        })
    }
}

/// Each is summed up: a file made for it must not take for ever.
const CANDIDATES: usize = 16;

/// The chunk would be whole if its numbers were these.
fn is_misnumbered(octets: &[u8], segment: u64, number: u32) -> bool {
    let Some((header, rest)) = octets.split_first_chunk::<CHUNK_HEADER_LEN>() else {
        return false;
    };
    let (Some((length, _)), Some((_, check))) = (
        header.split_first_chunk::<4>(),
        header.split_last_chunk::<4>(),
    ) else {
        return false;
    };
    let content = usize::try_from(u32::from_le_bytes(*length)).ok();
    let content = content.and_then(|length| rest.get(..length));
    let (segment, number) = (segment.to_le_bytes(), number.to_le_bytes());
    content.is_some_and(|content| {
        !content.is_empty()
            && crc32(&[length, &segment, &number, content]) == u32::from_le_bytes(*check)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address that ends with 5, and an empty password.
    #[test]
    fn packets_of_an_older_segment_are_not_taken_for_the_next_chunk() {
        let mut left = vec![10, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0];
        left.extend([0, 9, 7, 3].repeat(20));
        assert!(!was_there(&left, 5, 2));
        left[12..16].copy_from_slice(&[2, 0, 0, 0]);
        assert!(was_there(&left, 5, 2));
        assert!(was_there(&left[..12], 5, 2));
    }
}
