//! How a recording lies in its file.
//!
//! ```text
//! | header, 64 octets | slot 0 | slot 1 | slot 2 | slot 3 |
//! ```
//!
//! A segment fills one slot and begins with everything that was known then, so that each of them can be replayed
//! alone. The next segment goes into the next slot, over what is oldest. So at least three quarters of
//! the file are the latest past, and a file that was cut off or whose writer was killed is good up to there.
//!
//! Slots are made of chunks, each with its length, the numbers of segment and chunk, and a check value of
//! all of that. What is left of an older segment behind the last chunk has another number.

/// First octets of a recording.
pub const MAGIC: [u8; 8] = *b"\x89KARSREC";
/// Of the format: counts whatever makes a reader of before take good octets for damage, a further variant of a record too.
/// (Machines are stored as they are, so a recording is one with the program's version anyhow.)
pub const FORMAT: u16 = 4;
/// Octets before the first slot.
pub(crate) const HEADER_LEN: usize = 64;
/// How many segments a file holds.
pub(crate) const SLOTS: usize = 4;
/// Octets before the content of a chunk.
pub(crate) const CHUNK_HEADER_LEN: usize = 20;
/// The smallest file: what a small configuration needs.
pub const MIN_SIZE: u64 = 64 * 1024;
/// The largest.
pub const MAX_SIZE: u64 = 1 << 30;
/// When nothing is said.
pub const DEFAULT_SIZE: u64 = 16 << 20;

/// Octets to be written at a place of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where, from the beginning of the file.
    pub offset: u64,
    /// What.
    pub octets: Vec<u8>,
    /// How many records are in it.
    pub records: u64,
    /// A segment begins with it, and so many records were lost before.
    pub(crate) begins: Option<u64>,
}

impl Write {
    /// Octets at a place, without any record.
    #[must_use]
    pub const fn new(offset: u64, octets: Vec<u8>) -> Self {
        Self {
            offset,
            octets,
            records: 0,
            begins: None,
        }
    }
}

/// Where the next chunk goes.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    slot_len: usize,
    /// From 1; 0 before the first.
    segment: u64,
    /// Of the next chunk in its segment.
    chunk: u32,
    used: usize,
}

impl Ring {
    /// For a file of at most `size` octets, within [`MIN_SIZE`] and [`MAX_SIZE`].
    pub(crate) fn new(size: u64) -> Self {
        let size = usize::try_from(size.clamp(MIN_SIZE, MAX_SIZE)).unwrap_or(usize::MAX);
        Self {
            slot_len: size.saturating_sub(HEADER_LEN) / SLOTS,
            segment: 0,
            chunk: 0,
            used: 0,
        }
    }

    /// The first octets of the file.
    pub(crate) fn header(&self) -> Write {
        let mut octets = Vec::with_capacity(HEADER_LEN);
        octets.extend(MAGIC);
        octets.extend(FORMAT.to_le_bytes());
        octets.extend(u16::try_from(SLOTS).unwrap_or(0).to_le_bytes());
        octets.extend(u32::try_from(self.slot_len).unwrap_or(0).to_le_bytes());
        let check = crc32(&[&octets]);
        octets.extend(check.to_le_bytes());
        octets.resize(HEADER_LEN, 0);
        Write::new(0, octets)
    }

    pub(crate) const fn slot_len(&self) -> usize {
        self.slot_len
    }

    /// Octets of content that the present segment has room for.
    pub(crate) const fn room(&self) -> usize {
        self.slot_len
            .saturating_sub(self.used)
            .saturating_sub(CHUNK_HEADER_LEN)
    }

    /// Goes on to the next slot.
    pub(crate) const fn next_segment(&mut self) {
        self.segment = self.segment.saturating_add(1);
        (self.chunk, self.used) = (0, 0);
    }

    /// A segment was begun.
    pub(crate) const fn has_segment(&self) -> bool {
        self.segment > 0
    }

    /// The beginning of the present segment was never written: the next one takes its place.
    pub(crate) const fn forget_segment(&mut self) {
        self.segment = self.segment.saturating_sub(1);
    }

    /// The next chunk; `None` if there is no room for it.
    pub(crate) fn chunk(&mut self, content: &[u8], records: u64) -> Option<Write> {
        if self.segment == 0 || content.len() > self.room() {
            return None;
        }
        let slot = slot_of(self.segment)?;
        let place = HEADER_LEN
            .checked_add(slot.checked_mul(self.slot_len)?)?
            .checked_add(self.used)?;
        let mut octets = Vec::with_capacity(content.len().saturating_add(CHUNK_HEADER_LEN));
        octets.extend(u32::try_from(content.len()).ok()?.to_le_bytes());
        octets.extend(self.segment.to_le_bytes());
        octets.extend(self.chunk.to_le_bytes());
        let check = crc32(&[&octets, content]);
        octets.extend(check.to_le_bytes());
        octets.extend(content);
        self.used = self.used.saturating_add(octets.len());
        self.chunk = self.chunk.saturating_add(1);
        let mut write = Write::new(u64::try_from(place).ok()?, octets);
        write.records = records;
        Some(write)
    }
}

/// Which slot a segment is in.
pub(crate) fn slot_of(segment: u64) -> Option<usize> {
    let slots = u64::try_from(SLOTS).ok()?;
    usize::try_from(segment.checked_sub(1)? % slots).ok()
}

/// CRC-32 of IEEE 802.3, over several pieces.
pub(crate) fn crc32(pieces: &[&[u8]]) -> u32 {
    let octets = pieces.iter().copied().flatten();
    !octets.fold(u32::MAX, |sum, octet| {
        let at = usize::try_from((sum ^ u32::from(*octet)) & 0xff).unwrap_or(0);
        (sum >> 8) ^ TABLE.get(at).copied().unwrap_or(0)
    })
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut rest: &mut [u32] = &mut table;
    let mut number = 0;
    while let Some((entry, more)) = rest.split_first_mut() {
        let mut value: u32 = number;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ (0xedb8_8320 * (value & 1));
            bit += 1;
        }
        *entry = value;
        number += 1;
        rest = more;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_that_of_ieee_802_3() {
        assert_eq!(crc32(&[b"1234", b"56789"]), 0xcbf4_3926);
    }

    #[test]
    fn a_segment_never_leaves_its_slot() {
        let mut ring = Ring::new(MIN_SIZE);
        let end = u64::try_from(HEADER_LEN + SLOTS * ring.slot_len()).unwrap();
        for segment in 0..9_u64 {
            ring.next_segment();
            let slot = u64::try_from(ring.slot_len()).unwrap();
            let first = 64 + segment % 4 * slot;
            while let Some(write) = ring.chunk(&[7; 1000], 1) {
                assert!(write.offset >= first);
                let last = write.offset + u64::try_from(write.octets.len()).unwrap();
                assert!(last <= first + slot && last <= end);
            }
            assert!(ring.room() < 1000);
        }
        assert!(end <= MIN_SIZE);
    }
}
