//! What is just allowed to a server passes, and an octet more does not.
#![cfg(feature = "regex")]

mod common;

use common::{Bench, LIMIT, target};
use healthcheck::{
    BodyRegex, Failure, HttpConfig, HttpFailure, HttpLimits, HttpProbe, Page, Passed, SmtpFailure,
    SmtpProbe,
};

const GOOD: Result<Passed, Failure> = Ok(Passed::PLAIN);

fn http(config: HttpConfig) -> Bench<HttpProbe> {
    Bench::new(HttpProbe::new(target(), config, LIMIT)).connected()
}

fn limited(head: usize, body: usize) -> HttpConfig {
    let mut config = HttpConfig::new(vec![Page::new("/")]);
    (config.limits.head, config.limits.body) = (head, body);
    config
}

/// CHK-21.
#[test]
fn a_head_may_have_as_many_octets_as_are_allowed() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let mut fits = http(limited(head.len(), 0));
    fits.hear(head);
    assert_eq!(fits.outcome, Some(GOOD));
    let too_long = Some(Err(HttpFailure::HeadTooLong.into()));
    let mut long = http(limited(head.len() - 1, 0));
    long.hear(head);
    assert_eq!(long.outcome, too_long);
    // Without an end it may still come, until one octet more is there.
    let mut open = http(limited(20, 0));
    open.hear(&head[..20]);
    assert_eq!(open.outcome, None);
    open.hear(&head[20..21]);
    assert_eq!(open.outcome, too_long);
}

/// CHK-21.
#[test]
fn a_body_may_have_as_many_octets_as_are_allowed() {
    for (length, expected) in [(100, GOOD), (101, Err(HttpFailure::BodyTooLong.into()))] {
        let mut bench = http(limited(1000, 100));
        bench.hear(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(length)).as_bytes());
        bench.eof();
        assert_eq!(bench.verdict(), &expected, "{length}");
    }
}

/// CHK-21: 4 MiB of what is kept for a regular expression, unless told otherwise.
#[test]
fn a_body_that_is_kept_may_have_four_mebibytes() {
    assert_eq!(HttpLimits::default().kept, 4 << 20);
    let mut page = Page::new("/");
    let regex = BodyRegex::new("^x+$", []).expect("an expression");
    page.expect.regex = Some(regex);
    for (length, expected) in [
        (4 << 20, GOOD),
        ((4 << 20) + 1, Err(HttpFailure::BodyTooLong.into())),
    ] {
        let mut bench = http(HttpConfig::new(vec![page.clone()]));
        bench.hear(b"HTTP/1.1 200 OK\r\n\r\n");
        bench.hear(&vec![b'x'; length]);
        bench.eof();
        assert_eq!(bench.verdict(), &expected, "{length}");
    }
}

/// CHK-21: 4 KiB beside the data of all chunks.
#[test]
fn a_chunk_may_have_so_much_beside_its_data() {
    for (length, expected) in [(4095, GOOD), (4096, Err(HttpFailure::Chunk.into()))] {
        // The CR at the end of the line is one too.
        let more = "x".repeat(length);
        let mut bench = http(HttpConfig::new(vec![Page::new("/")]));
        bench.hear(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        bench.hear(format!("1;{more}\r\ny\r\n0\n\n").as_bytes());
        assert_eq!(bench.outcome, Some(expected), "{length}");
    }
}

/// CHK-21: 100 lines, in each reply.
#[test]
fn a_reply_of_smtp_may_have_a_hundred_lines() {
    let reply = |code: u16, lines: usize| format!("{code}-x\r\n").repeat(lines - 1);
    let mut bench = Bench::new(SmtpProbe::new(target(), "x", LIMIT)).connected();
    bench.hear(format!("{}220 x\r\n{}250 x\r\n", reply(220, 100), reply(250, 100)).as_bytes());
    assert_eq!(bench.said(), "HELO x\r\nQUIT\r\n");
    bench.hear(reply(221, 101).as_bytes());
    assert_eq!(bench.outcome, None);
    bench.hear(b"221 x\r\n");
    assert_eq!(bench.verdict(), &Err(SmtpFailure::TooManyLines.into()));
}
