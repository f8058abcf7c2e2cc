//! What `-v` shows.

use std::io::{self, Write};

/// Octets in one line of a dump.
const LINE: usize = 16;
/// As wide as 16 octets with the dash between the halves.
const WIDTH: usize = LINE * 3 + 2;

/// The head with the empty line that ends it, and what comes after.
pub(super) fn split(record: &[u8]) -> (&[u8], &[u8]) {
    let ends = [&b"\r\n\r\n"[..], b"\n\n"].into_iter();
    let ends = ends.filter_map(|end| {
        let at = record.windows(end.len()).position(|part| part == end)?;
        Some(at + end.len())
    });
    let end = ends.min().unwrap_or(record.len());
    record.split_at(end)
}

pub(super) fn title(out: &mut impl Write, title: &str) -> io::Result<()> {
    let side = "-".repeat(23);
    writeln!(out, "{side}[{title}]{side}")
}

/// Octets in hexadecimal digits and as text.
pub(super) fn dump(out: &mut impl Write, octets: &[u8]) -> io::Result<()> {
    for (at, line) in octets.chunks(LINE).enumerate() {
        let (first, second) = line.split_at(line.len().min(LINE / 2));
        let digits = |octets: &[u8]| -> String {
            octets.iter().map(|octet| format!("{octet:02x} ")).collect()
        };
        let half = WIDTH / 2 - 1;
        let hex = format!("{:half$}- {}", digits(first), digits(second));
        let text: String = line.iter().map(|octet| printable(*octet)).collect();
        writeln!(out, "{:04}  {hex:WIDTH$}  {text:LINE$}", at * LINE)?;
    }
    Ok(())
}

fn printable(octet: u8) -> char {
    match octet {
        b' '..=b'~' => char::from(octet),
        _ => '.',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GEN-01. The lines are those of keepalived 2.2.7 for these octets.
    #[test]
    fn a_dump_is_keepaliveds() {
        let mut out = Vec::new();
        dump(&mut out, b"HTTP/1.1 200 OK\rgone\n").unwrap();
        let expected = concat!(
            "0000  48 54 54 50 2f 31 2e 31 - 20 32 30 30 20 4f 4b 0d   HTTP/1.1 200 OK.\n",
            "0016  67 6f 6e 65 0a          -                           gone.           \n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn the_head_ends_with_an_empty_line_of_either_kind() {
        assert_eq!(split(b"a\r\n\r\nb\n\n"), (&b"a\r\n\r\n"[..], &b"b\n\n"[..]));
        assert_eq!(split(b"a\n\nb\r\n\r\n"), (&b"a\n\n"[..], &b"b\r\n\r\n"[..]));
        assert_eq!(split(b"a\r\n"), (&b"a\r\n"[..], &b""[..]));
    }
}
