//! The head of an answer.

use super::HttpLimits;
use super::body::Framing;
use crate::outcome::HttpFailure;

/// Fields of a head. More is no server that means well.
const MOST_FIELDS: usize = 256;

/// What matters of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
}

/// Collects octets until a head is complete.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    octets: Vec<u8>,
    /// Octets of interim answers before.
    before: usize,
    /// As far as the end was looked for.
    seen: usize,
}

impl HeadReader {
    /// Takes octets; a head and what came after it, once it is complete. An octet at a time costs no
    /// more than all at once. CHK-21, CHK-22.
    pub(crate) fn push(
        &mut self,
        octets: &[u8],
        limits: &HttpLimits,
    ) -> Result<Option<(Head, Vec<u8>)>, HttpFailure> {
        self.octets.extend_from_slice(octets);
        loop {
            let Some(end) = self.end() else {
                let total = self.before.saturating_add(self.octets.len());
                if total > limits.head {
                    return Err(HttpFailure::HeadTooLong);
                }
                return Ok(None);
            };
            if self.before.saturating_add(end) > limits.head {
                return Err(HttpFailure::HeadTooLong);
            }
            let rest = self.octets.split_off(end);
            let head = parse(&self.octets)?;
            self.seen = 0;
            // Interim answers announce another one; 101 would be the end of HTTP.
            if (100..200).contains(&head.status) && head.status != 101 {
                self.before = self.before.saturating_add(end);
                self.octets = rest;
                continue;
            }
            self.octets.clear();
            return Ok(Some((head, rest)));
        }
    }

    /// Where the empty line ends, if there is one.
    fn end(&mut self) -> Option<usize> {
        // The end may have begun in what was looked at before.
        let from = self.seen.saturating_sub(3);
        self.seen = self.octets.len();
        let tail = self.octets.get(from..)?;
        for (at, octet) in tail.iter().enumerate() {
            if *octet != b'\n' {
                continue;
            }
            let length = match tail.get(at.saturating_add(1)..) {
                Some([b'\n', ..]) => 2,
                Some([b'\r', b'\n', ..]) => 3,
                _ => continue,
            };
            return from.checked_add(at)?.checked_add(length);
        }
        None
    }
}

fn parse(octets: &[u8]) -> Result<Head, HttpFailure> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match lenient().parse_response(&mut response, octets) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(HttpFailure::HeadTooLong),
        Ok(httparse::Status::Partial) | Err(_) => return Err(HttpFailure::Malformed),
    }
    let status = response.code.ok_or(HttpFailure::Malformed)?;
    if !(100..=599).contains(&status) {
        return Err(HttpFailure::StatusRange(status));
    }
    let framing = framing(status, response.headers)?;
    Ok(Head { status, framing })
}

/// A check asks whether the server serves, and Keepalived looks at little more than the status: a field that is none
/// is left out, as browsers do.
fn lenient() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    config
}

/// RFC 9112 6.3.
fn framing(status: u16, fields: &[httparse::Header<'_>]) -> Result<Framing, HttpFailure> {
    if matches!(status, 101 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let named = |name: &'static str| {
        let fields = fields.iter();
        fields.filter(move |field| field.name.eq_ignore_ascii_case(name))
    };
    let chunked = |value: &[u8]| {
        let last = value.rsplit(|octet| *octet == b',').next();
        last.is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"chunked"))
    };
    if let Some(coding) = named("transfer-encoding").next_back() {
        let framing = if chunked(coding.value) {
            Framing::Chunked
        } else {
            Framing::UntilClose
        };
        return Ok(framing);
    }
    let mut length = None;
    for field in named("content-length") {
        let text = std::str::from_utf8(field.value).map_err(|_| HttpFailure::Malformed)?;
        let text = text.trim();
        // `parse` takes a sign too.
        let digits = text.bytes().all(|octet| octet.is_ascii_digit());
        let is: u64 = match text.parse() {
            Ok(is) if digits => is,
            _ => return Err(HttpFailure::Malformed),
        };
        if length.is_some_and(|was| was != is) {
            return Err(HttpFailure::Malformed);
        }
        length = Some(is);
    }
    Ok(length.map_or(Framing::UntilClose, Framing::Length))
}
