//! Where a body ends, and what of it is content.

use crate::outcome::HttpFailure;

/// Digits of the length of a chunk; more would not fit a number that is allowed.
const MOST_DIGITS: u32 = 8;

/// Octets of a chunk extension or trailer.
const MOST_EXTRA: usize = 4096;

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many octets.
    Length(u64),
    /// In chunks, the last of which is empty.
    Chunked,
    /// The connection ends.
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In the digits of a length: how many there were, and the number so far.
    Size {
        digits: u32,
        size: u64,
    },
    /// Behind the digits, up to the end of the line.
    Extension(u64),
    Data(u64),
    /// The line end behind the data: whether the CR was there.
    DataEnd(bool),
    /// In the trailer: octets of the present line but CR.
    Trailer(usize),
}

/// A body as it comes in.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    left: u64,
    chunk: Chunk,
    extra: usize,
    taken: usize,
    complete: bool,
}

impl Body {
    pub(crate) const fn new(framing: Framing) -> Self {
        let left = match framing {
            Framing::Length(length) => length,
            _ => 0,
        };
        Self {
            framing,
            left,
            chunk: Chunk::Size { digits: 0, size: 0 },
            extra: 0,
            taken: 0,
            complete: matches!(framing, Framing::Length(0)),
        }
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether it ends where the connection does.
    pub(crate) fn ends_with_connection(&self) -> bool {
        self.framing == Framing::UntilClose
    }

    /// Takes octets, in all no more than `most`. `raw` gets what belongs to the body as it is on the wire, `content` what is in
    /// it. What comes after its end is left alone. CHK-21.
    pub(crate) fn push(
        &mut self,
        octets: &[u8],
        most: usize,
        mut raw: impl FnMut(&[u8]),
        mut content: impl FnMut(&[u8]),
    ) -> Result<(), HttpFailure> {
        if self.complete {
            return Ok(());
        }
        let used = match self.framing {
            Framing::UntilClose => {
                content(octets);
                octets.len()
            }
            Framing::Length(_) => {
                let used = at_most(octets, &mut self.left);
                content(used);
                self.complete = self.left == 0;
                used.len()
            }
            Framing::Chunked => self.chunks(octets, &mut content)?,
        };
        raw(octets.get(..used).unwrap_or_default());
        self.taken = self.taken.saturating_add(used);
        if self.taken > most {
            return Err(HttpFailure::BodyTooLong);
        }
        Ok(())
    }

    /// How many octets were used.
    fn chunks(
        &mut self,
        octets: &[u8],
        content: &mut impl FnMut(&[u8]),
    ) -> Result<usize, HttpFailure> {
        let mut rest = octets;
        while let Some((&octet, next)) = rest.split_first() {
            if let Chunk::Data(left) = &mut self.chunk {
                let data = at_most(rest, left);
                content(data);
                rest = rest.get(data.len()..).unwrap_or_default();
                if *left == 0 {
                    self.chunk = Chunk::DataEnd(false);
                }
                continue;
            }
            rest = next;
            self.chunk = self.chunk_octet(octet)?;
            if self.complete {
                break;
            }
        }
        Ok(octets.len().saturating_sub(rest.len()))
    }

    /// An octet that is not data.
    fn chunk_octet(&mut self, octet: u8) -> Result<Chunk, HttpFailure> {
        let after_size = |size| match size {
            0 => Chunk::Trailer(0),
            size => Chunk::Data(size),
        };
        Ok(match (self.chunk, octet) {
            (Chunk::Size { digits, size }, _) if octet.is_ascii_hexdigit() => {
                if digits >= MOST_DIGITS {
                    return Err(HttpFailure::Chunk);
                }
                let digit = char::from(octet).to_digit(16).unwrap_or(0);
                Chunk::Size {
                    digits: digits.saturating_add(1),
                    size: size.saturating_mul(16).saturating_add(digit.into()),
                }
            }
            (Chunk::Size { digits: 0, .. }, _) => return Err(HttpFailure::Chunk),
            (Chunk::Size { size, .. }, b'\n') => after_size(size),
            (Chunk::Size { size, .. }, b';' | b'\r' | b' ' | b'\t') => Chunk::Extension(size),
            (Chunk::Extension(size), b'\n') => after_size(size),
            (Chunk::Extension(size), _) => {
                self.extra()?;
                Chunk::Extension(size)
            }
            (Chunk::DataEnd(false), b'\r') => Chunk::DataEnd(true),
            (Chunk::DataEnd(_), b'\n') => Chunk::Size { digits: 0, size: 0 },
            (Chunk::Trailer(0), b'\n') => {
                self.complete = true;
                Chunk::Trailer(0)
            }
            (Chunk::Trailer(_), b'\n') => Chunk::Trailer(0),
            (Chunk::Trailer(length), b'\r') => Chunk::Trailer(length),
            (Chunk::Trailer(length), _) => {
                self.extra()?;
                Chunk::Trailer(length.saturating_add(1))
            }
            _ => return Err(HttpFailure::Chunk),
        })
    }

    fn extra(&mut self) -> Result<(), HttpFailure> {
        self.extra = self.extra.saturating_add(1);
        if self.extra > MOST_EXTRA {
            return Err(HttpFailure::Chunk);
        }
        Ok(())
    }
}

/// The first octets, as many as are still wanted.
fn at_most<'a>(octets: &'a [u8], left: &mut u64) -> &'a [u8] {
    let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
    let taken = octets.get(..wanted).unwrap_or(octets);
    let length = u64::try_from(taken.len()).unwrap_or(u64::MAX);
    *left = left.saturating_sub(length);
    taken
}
