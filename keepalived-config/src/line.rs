//! Lines that know where their text came from.
//!
//! A line is a part of a file, or was put together from several pieces. Either way every byte of it
//! can be traced to the place in a file that caused it, so that spans always point at what a person
//! wrote.

use std::rc::Rc;
use std::sync::Arc;

use crate::tree::{FileId, Span};

/// A logical line: a part of a file, or text made from one.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) text: Arc<String>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) origin: Origin,
}

/// Where the text of a line was written.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The text is the file itself; offsets are offsets.
    File(FileId),
    /// The text was put together.
    Made(Rc<[Segment]>),
}

/// From `out` on (to the next segment) the text comes from `span`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) out: u32,
    pub(crate) span: Span,
    /// Byte for byte; otherwise the whole span stands for the whole segment.
    pub(crate) exact: bool,
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Line {
    pub(crate) fn as_str(&self) -> &str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// The part of this line from `start` to `end`, both relative to the line.
    pub(crate) fn part(&self, start: usize, end: usize) -> Self {
        let end = (self.start + end).min(self.end);
        Self {
            start: (self.start + start).min(end),
            end,
            ..self.clone()
        }
    }

    /// Leaves its first `count` bytes out.
    pub(crate) fn skip(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// The place in a file that the bytes `start..end` of this line come from.
    #[inline]
    pub(crate) fn span(&self, start: usize, end: usize) -> Span {
        let (start, end) = (offset(self.start + start), offset(self.start + end));
        match &self.origin {
            Origin::File(file) => Span::new(*file, start, end),
            Origin::Made(segments) => traced(segments, start, end),
        }
    }
}

/// A range traced back.
#[cold]
fn traced(segments: &[Segment], start: u32, end: u32) -> Span {
    let first = trace(segments, start, true);
    first.to(trace(segments, end.max(start + 1), false))
}

/// One byte traced back: the byte at `at` (`forward`), or the byte before it.
fn trace(segments: &[Segment], at: u32, forward: bool) -> Span {
    let byte = if forward { at } else { at.saturating_sub(1) };
    let index = segments
        .partition_point(|segment| segment.out <= byte)
        .saturating_sub(1);
    let Some(segment) = segments.get(index) else {
        return Span::new(FileId::ROOT, 0, 0);
    };
    if !segment.exact {
        return segment.span;
    }
    let start = segment
        .span
        .start
        .saturating_add(byte.saturating_sub(segment.out));
    Span::new(
        segment.span.file,
        start.min(segment.span.end),
        (start + 1).min(segment.span.end),
    )
}

/// Text being put together.
#[derive(Debug, Default)]
pub(crate) struct Made {
    text: String,
    segments: Vec<Segment>,
}

impl Made {
    /// Adds `start..end` of `line` as it stands.
    pub(crate) fn copy(&mut self, line: &Line, start: usize, end: usize) {
        if start >= end {
            return;
        }
        // A line that is itself made consists of several pieces; each keeps its own origin.
        match &line.origin {
            Origin::File(_) => self.segment(line.span(start, end), true),
            Origin::Made(segments) => {
                let (from, to) = (offset(line.start + start), offset(line.start + end));
                let first = segments
                    .partition_point(|s| s.out <= from)
                    .saturating_sub(1);
                let base = offset(self.text.len());
                for segment in &segments[first..] {
                    if segment.out >= to {
                        break;
                    }
                    let skipped = from.saturating_sub(segment.out);
                    let mut span = segment.span;
                    if segment.exact {
                        span.start = span.start.saturating_add(skipped).min(span.end);
                    }
                    let out = base + segment.out.max(from) - from;
                    self.segments.push(Segment {
                        out,
                        span,
                        exact: segment.exact,
                    });
                }
            }
        }
        self.text.push_str(&line.as_str()[start..end]);
    }

    /// Adds text that stands for `span`.
    pub(crate) fn insert(&mut self, text: &str, span: Span) {
        if !text.is_empty() {
            self.segment(span, false);
            self.text.push_str(text);
        }
    }

    fn segment(&mut self, span: Span, exact: bool) {
        self.segments.push(Segment {
            out: offset(self.text.len()),
            span,
            exact,
        });
    }

    /// How many bytes there are so far.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The line; `fallback` is its place if it is empty.
    pub(crate) fn finish(self, fallback: Span) -> Line {
        let mut segments = self.segments;
        if segments.is_empty() {
            segments.push(Segment {
                out: 0,
                span: fallback,
                exact: false,
            });
        }
        let end = self.text.len();
        Line {
            text: Arc::new(self.text),
            start: 0,
            end,
            origin: Origin::Made(segments.into()),
        }
    }
}
