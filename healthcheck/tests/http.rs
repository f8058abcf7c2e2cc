//! HTTP: what passes, what does not, and what a hostile server can do.
#![cfg(feature = "regex")]

mod common;

use std::time::Duration;

use common::{Bench, LIMIT, target};
use healthcheck::{
    BodyRegex, Failure, HttpConfig, HttpFailure, HttpProbe, HttpVersion, Input, IoFailure, Offsets,
    Page, Passed, RegexError, Stage, StatusList, Target,
};
use proptest::prelude::*;

fn probe(page: Page) -> Bench<HttpProbe> {
    let config = HttpConfig::new(vec![page]);
    Bench::new(HttpProbe::new(target(), config, LIMIT)).connected()
}

/// The verdict over an answer that comes at once, or octet by octet, then the connection ends.
fn verdict(page: &Page, answer: &[u8]) -> Result<Passed, Failure> {
    let mut whole = probe(page.clone());
    whole.hear(answer);
    whole.eof();
    let mut pieces = probe(page.clone());
    for octet in answer {
        pieces.hear(&[*octet]);
    }
    pieces.eof();
    assert_eq!(
        whole.verdict(),
        pieces.verdict(),
        "it depends on how it is cut"
    );
    whole.verdict().clone()
}

fn http(failure: HttpFailure) -> Result<Passed, Failure> {
    Err(Failure::Http(failure))
}

const GOOD: Result<Passed, Failure> = Ok(Passed::PLAIN);

fn with_digest(digits: &str) -> Page {
    let mut page = Page::new("/");
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex");
    let digest: Vec<_> = (0..32).step_by(2).map(octet).collect();
    page.expect.digest = Some(digest.try_into().expect("16 octets"));
    page
}

fn with_regex(regex: BodyRegex) -> Page {
    let mut page = Page::new("/");
    page.expect.regex = Some(regex);
    page
}

fn regex(text: &str, options: &[&str]) -> BodyRegex {
    BodyRegex::new(text, options.iter().copied()).expect("an expression")
}

/// CHK-11. Recorded from C Keepalived's `genhash -P 1.0`, `-P 1.0C`, `-P 1.1 -V`.
#[test]
fn requests_are_those_of_keepalived() {
    for (version, host, path, expected) in [
        (
            HttpVersion::Http10,
            None,
            "/",
            "GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 127.0.0.1:18080\r\n\r\n",
        ),
        (
            HttpVersion::Http10Close,
            None,
            "/x",
            "GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: 127.0.0.1:18080\r\n\r\n",
        ),
        (
            HttpVersion::Http11,
            Some("www.example.org"),
            "/x",
            "GET /x HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: www.example.org\r\n\r\n",
        ),
    ] {
        let mut page = Page::new(path);
        page.virtual_host = host.map(str::to_owned);
        let mut config = HttpConfig::new(vec![page]);
        config.version = version;
        let target = Target::new("127.0.0.1:18080".parse().expect("address"));
        let bench = Bench::new(HttpProbe::new(target, config, LIMIT)).connected();
        assert_eq!(bench.said(), expected);
    }
}

/// C Keepalived 2.2.7 asks port 80 with `Host: 10.9.0.2:80`, and over TLS port 443 with `Host: 10.9.0.2:443`.
#[test]
fn the_usual_port_is_named_and_a_line_end_in_a_path_makes_no_field() {
    let target = Target::new("[2001:db8::1]:80".parse().expect("address"));
    let config = HttpConfig::new(vec![Page::new("/a\r\nX: y")]);
    let bench = Bench::new(HttpProbe::new(target, config, LIMIT)).connected();
    assert!(
        bench.said().starts_with("GET /aX: y HTTP/1.0\r\n"),
        "{}",
        bench.said()
    );
    assert!(
        bench.said().contains("\r\nHost: [2001:db8::1]:80\r\n"),
        "{}",
        bench.said()
    );
}

#[test]
fn a_page_passes_however_its_end_is_told() {
    for answer in [
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\n\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2;x=\"y\"\r\nhe\r\n003 \r\nllo\r\n0\r\nTrailer: z\r\n\r\n",
    ] {
        assert_eq!(
            verdict(&Page::new("/"), answer.as_bytes()),
            GOOD,
            "{answer:?}"
        );
    }
}

/// A server that keeps the connection open does not hold up the verdict.
#[test]
fn the_end_of_a_body_is_not_waited_for_when_it_was_told() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    ] {
        let mut page = Page::new("/");
        page.expect.status = StatusList::new([200..=399]);
        let mut bench = probe(page);
        bench.hear(answer.as_bytes());
        assert_eq!(bench.outcome, Some(GOOD), "{answer:?}");
    }
}

#[test]
fn only_codes_of_the_list_pass() {
    let mut page = Page::new("/");
    page.expect.status = StatusList::new([200..=299, 403..=403, 500..=505]);
    for (code, good) in [
        (200, true),
        (300, false),
        (403, true),
        (404, false),
        (505, true),
    ] {
        let answer = format!("HTTP/1.1 {code} x\r\nContent-Length: 0\r\n\r\n");
        let expected = if good {
            GOOD
        } else {
            http(HttpFailure::Status {
                code,
                path: "/".to_owned(),
            })
        };
        assert_eq!(verdict(&page, answer.as_bytes()), expected);
    }
}

/// The digests are what `genhash` printed for these answers: with chunks it is made of them too.
#[test]
fn digests_are_those_of_genhash() {
    let hello = with_digest("5d41402abc4b2a76b9719d911017c592");
    let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(verdict(&hello, plain), GOOD);
    let framed = with_digest("79e9489e3bd3f0cb0158215341de046d");
    assert_eq!(verdict(&framed, chunked), GOOD);
    let failure = verdict(&hello, chunked).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "digest 79e9489e3bd3f0cb0158215341de046d of /, not 5d41402abc4b2a76b9719d911017c592"
    );
}

#[test]
fn a_text_is_found_or_must_not_be() {
    let answer = b"HTTP/1.0 200 OK\r\n\r\nstatus: OK\nload: 7\n";
    for (text, options, good) in [
        ("status: OK", &[][..], true),
        ("STATUS", &[], false),
        ("STATUS", &["caseless"], true),
        ("OK.load", &[], false),
        ("OK.load", &["dotall"], true),
        ("^load", &[], false),
        ("^load", &["multiline"], true),
        ("s t a t", &["extended", "no_auto_possess"], true),
        // Before the last line feed too, unless told otherwise.
        ("load: 7$", &[], true),
        ("load: 7$", &["dollar_endonly"], false),
    ] {
        let expected = if good {
            GOOD
        } else {
            http(HttpFailure::NoMatch {
                regex: text.to_owned(),
                path: "/".to_owned(),
            })
        };
        let page = with_regex(regex(text, options));
        assert_eq!(verdict(&page, answer), expected, "{text} {options:?}");
        let reversed = if good {
            http(HttpFailure::Match {
                regex: text.to_owned(),
                path: "/".to_owned(),
            })
        } else {
            GOOD
        };
        let page = with_regex(regex(text, options).with_no_match(true));
        assert_eq!(verdict(&page, answer), reversed, "not {text} {options:?}");
    }
    assert!(BodyRegex::new("a+", ["ungreedy"]).is_ok());
    let refused = |text, option| BodyRegex::new(text, [option]).map(drop);
    assert_eq!(
        refused("x", "dupnames"),
        Err(RegexError::Option("dupnames".to_owned()))
    );
    // One line, for a log.
    for (text, reason) in [("(?=x)", "look-ahead"), ("(", "unclosed group")] {
        let Err(RegexError::Syntax(told)) = refused(text, "utf") else {
            panic!("{text} is refused");
        };
        assert!(told.contains(reason) && !told.contains('\n'), "{told:?}");
    }
}

/// CHK-12: the list of the manual, each refused when it is compiled and none in silence.
#[test]
fn what_pcre2_has_and_we_have_not_is_refused() {
    let manual = include_str!("../../README.md");
    let refused = [
        (r"a(?=b)", "look-around"),
        (r"(?<!a)b", "look-around"),
        (r"(a)\1", "back references"),
        (r"(?<x>a)\k<x>", "back references"),
        (r"(?>a)b", "atomic groups"),
        (r"(?|a|b)", "branch reset"),
        (r"(a)?(?(1)b)", "conditions"),
        (r"(?1)(a)", "recursion"),
        (r"(?R)", "recursion"),
        (r"(?#x)", "comments"),
        (r"(*UTF)x", "verbs"),
        (r"\Qx\E", r"`\Q`"),
        (r"a\Kb", r"`\K`"),
        (r"\Ga", r"`\G`"),
        (r"a\Z", r"`\Z`"),
        (r"a\R", r"`\R`"),
        (r"\h", r"`\h`"),
        (r"\v", r"`\v`"),
        (r"\X", r"`\X`"),
        (r"\N", r"`\N`"),
        (r"\C", r"`\C`"),
        (r"\e", r"`\e`"),
        (r"\cA", r"`\c`"),
        (r"\101", "octal"),
        (r"a++b", "possessive"),
        (r"a{2}+b", "possessive"),
        (r"[0-9]*+b", "possessive"),
        (r"\<a", r"`\<`"),
        (r"[a[b]", "within a class"),
        (r"[a[b]]", "within a class"),
        (r"[a&&b]", "within a class"),
        (r"[+--]", "within a class"),
        (r"{x}", "`{`"),
    ];
    for (text, name) in refused {
        assert!(BodyRegex::new(text, []).is_err(), "{text}");
        assert!(manual.contains(name), "{name} is in the manual");
    }
    for text in [
        r"^a+?b*c{2,3}$",
        r"a\+\+b",
        r"[]+]+",
        r"[^]a]*",
        r"[[:alpha:]_-]+",
        r"[[:digit:]++]",
        r"[a+]+(?i)b(?:c|d)\d\w\s\b",
        r"\x41\x{42}(?P<n>x)(?<m>y)\A\z",
        r"a+(?U)b",
    ] {
        let made = BodyRegex::new(text, []);
        assert!(made.is_ok(), "{text}: {made:?}");
    }
}

#[test]
fn a_match_begins_within_the_offsets() {
    let answer = b"HTTP/1.0 200 OK\r\n\r\n0123x56x8";
    for (min, max, good) in [
        (0, None, true),
        (0, Some(4), true),
        (0, Some(3), false),
        (5, None, true),
        (5, Some(6), false),
        (5, Some(7), true),
        (8, None, false),
        (1000, None, false),
    ] {
        let page = with_regex(regex("x", &[]).with_offsets(Offsets { min, max }));
        let expected = if good {
            GOOD
        } else {
            http(HttpFailure::NoMatch {
                regex: "x".to_owned(),
                path: "/".to_owned(),
            })
        };
        assert_eq!(verdict(&page, answer), expected, "{min} {max:?}");
    }
    // What is nothing may be at the very end.
    let end = Offsets { min: 9, max: None };
    let page = with_regex(regex("$", &[]).with_offsets(end));
    assert_eq!(verdict(&page, answer), GOOD);
}

/// Keepalived takes all of these, and who comes from there has such servers.
#[test]
fn fields_that_are_none_are_left_out() {
    let page = with_digest("5d41402abc4b2a76b9719d911017c592");
    for head in [
        "200 OK\r\nX: a\r\n  b\r\nContent-Length: 5",
        "200 OK\r\nContent-Length : 5",
        "200 OK\r\nX Y: z\r\nContent-Length: 5",
        "200 OK\r\nX: \u{1}\r\nContent-Length: 5",
        "200 OK\r\nno field\r\nContent-Length: 5",
        " 200 OK\r\nContent-Length: 5",
        &format!("200 OK\r\n{}Content-Length: 5", "a: b\r\n".repeat(200)),
    ] {
        let answer = format!("HTTP/1.1 {head}\r\n\r\nhello and more");
        assert_eq!(verdict(&page, answer.as_bytes()), GOOD, "{head:?}");
    }
}

/// CVE-2018-19115: a status line whose code runs on was copied without a bound.
/// CHK-22.
#[test]
fn regression_status_code_without_bound() {
    let page = Page::new("/");
    let long = format!("HTTP/1.1 {} OK\r\n\r\n", "2".repeat(10_000));
    assert_eq!(
        verdict(&page, long.as_bytes()),
        http(HttpFailure::Malformed)
    );
    for answer in [
        "HTTP/1.1 \r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n",
        "\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
    ] {
        assert_eq!(
            verdict(&page, answer.as_bytes()),
            http(HttpFailure::Malformed),
            "{answer:?}"
        );
    }
}

proptest! {
    /// CVE-2018-19115 and after: any code outside 100 to 599 is an error with a name.
    /// CHK-22.
    #[test]
    fn regression_status_codes_out_of_range(code in 0..1000_u16) {
        let mut page = Page::new("/");
        page.expect.status = StatusList::new([0..=u16::MAX]);
        let answer = format!("HTTP/1.1 {code:03} x\r\nContent-Length: 0\r\n\r\n");
        let verdict = verdict(&page, answer.as_bytes());
        match code {
            // An interim answer, after which none came.
            100 | 102..=199 => prop_assert_eq!(verdict, Err(Failure::Closed(Stage::Head))),
            101 | 200..=599 => prop_assert_eq!(verdict, GOOD),
            _ => prop_assert_eq!(verdict, http(HttpFailure::StatusRange(code))),
        }
    }

    /// The partial match of a regular expression at the end of a buffer once wrote before its start:
    /// here the text is cut at every place.
    /// CHK-22.
    #[test]
    fn regression_regex_fed_in_pieces(cut in 0..40_usize, other in 0..40_usize) {
        let page = with_regex(regex("needle in (a|the) haystack", &[]));
        let answer = b"HTTP/1.0 200 OK\r\n\r\nhay needle in the haystack hay";
        let mut bench = probe(page);
        let (first, second) = (cut.min(other).min(answer.len()), cut.max(other).min(answer.len()));
        bench.hear(&answer[..first]);
        bench.hear(&answer[first..second]);
        bench.hear(&answer[second..]);
        bench.eof();
        prop_assert_eq!(bench.verdict(), &GOOD);
    }

    #[test]
    fn no_answer_panics(octets in prop::collection::vec(any::<u8>(), 0..300), cut in 0..300_usize) {
        for head in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"] {
            let answer = [head, &octets].concat();
            let cut = cut.min(answer.len());
            let mut bench = probe(with_regex(regex("x", &[])));
            bench.hear(&answer[..cut]);
            bench.hear(&answer[cut..]);
            bench.eof();
            prop_assert!(bench.outcome.is_some());
        }
    }
}

#[test]
fn several_pages_take_turns_and_a_failure_begins_anew() {
    let pages = vec![Page::new("/a"), Page::new("/b")];
    let mut bench = Bench::new(HttpProbe::new(target(), HttpConfig::new(pages), LIMIT));
    let mut turn = |path: &str, answer: &[u8], complete: Option<bool>| {
        bench.start();
        let conn = bench.conn.expect("a connection");
        bench.input(Input::Connected(conn));
        assert!(
            bench.said().starts_with(&format!("GET {path} ")),
            "{}",
            bench.said()
        );
        bench.hear(answer);
        let passed = bench.verdict().as_ref().ok().map(|passed| passed.complete);
        assert_eq!(passed, complete);
    };
    let (good, bad) = (
        &b"HTTP/1.1 204 x\r\n\r\n"[..],
        &b"HTTP/1.1 500 x\r\n\r\n"[..],
    );
    turn("/a", good, Some(false));
    turn("/b", good, Some(true));
    turn("/a", good, Some(false));
    turn("/b", bad, None);
    turn("/a", good, Some(false));
}

#[test]
fn what_the_server_said_is_kept_where_that_is_wanted() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for (record, kept) in [(true, &answer[..]), (false, b"")] {
        let mut config = HttpConfig::new(vec![Page::new("/")]);
        config.record = record;
        let mut bench = Bench::new(HttpProbe::new(target(), config, LIMIT)).connected();
        bench.hear(&answer[..20]);
        bench.hear(&answer[20..]);
        assert_eq!(bench.probe.take_record(), kept);
        assert_eq!(bench.probe.take_record(), b"");
    }
}

#[test]
fn what_the_operating_system_cannot_do_is_a_failure_with_its_reason() {
    for failure in [
        IoFailure::Bind,
        IoFailure::Refused,
        IoFailure::Unreachable,
        IoFailure::Reset,
    ] {
        let config = HttpConfig::new(vec![Page::new("/")]);
        let mut bench = Bench::new(HttpProbe::new(target(), config, LIMIT));
        let conn = bench.conn.expect("a connection");
        bench.input(Input::Failed(conn, failure));
        assert_eq!(bench.verdict(), &Err(Failure::Io(failure)));
    }
}

#[test]
fn a_connection_that_ends_too_early_says_where() {
    for (answer, stage) in [
        ("", Stage::Head),
        ("HTTP/1.1 200 OK\r\n", Stage::Head),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            Stage::Body,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Stage::Body,
        ),
    ] {
        let verdict = verdict(&Page::new("/"), answer.as_bytes());
        assert_eq!(verdict, Err(Failure::Closed(stage)), "{answer:?}");
    }
}

// Hostile servers: the deadline is one for the whole attempt, and what is kept has a bound.

/// CHK-21, CHK-03.
#[test]
fn hostile_slowloris_head_ends_at_the_deadline() {
    let mut bench = probe(Page::new("/"));
    let took = bench.trickle(100, || b'a');
    assert_eq!(took, LIMIT);
    assert_eq!(bench.verdict(), &Err(Failure::Timeout(Stage::Head)));
}

/// CHK-21, CHK-03.
#[test]
fn hostile_slow_body_ends_at_the_deadline() {
    let mut bench = probe(Page::new("/"));
    bench.hear(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(bench.trickle(100, || b'a'), LIMIT);
    assert_eq!(bench.verdict(), &Err(Failure::Timeout(Stage::Body)));
}

/// CHK-21, CHK-03.
#[test]
fn hostile_endless_body_ends_at_the_bound() {
    for head in [
        "",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 18446744073709551615\r\n",
    ] {
        let mut page = with_regex(regex("never", &[]));
        page.expect.digest = Some([0; 16]);
        let mut bench = probe(page);
        bench.hear(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes());
        let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
        let mut fed = 0;
        while bench.outcome.is_none() {
            bench.hear(&chunk);
            fed += chunk.len();
            assert!(fed < 5 << 20, "it reads for ever");
        }
        assert_eq!(bench.verdict(), &http(HttpFailure::BodyTooLong));
    }
}

/// What is not kept costs no memory: a large file may be the page that is checked.
/// CHK-21.
#[test]
fn a_body_that_is_not_kept_may_be_longer_than_one_that_is() {
    const SIZE: usize = 6 << 20;
    for kept in [false, true] {
        let page = match kept {
            false => Page::new("/"),
            true => with_regex(regex("x", &[])),
        };
        let mut bench = probe(page);
        bench.hear(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes());
        let mut fed = 0;
        while bench.outcome.is_none() && fed < SIZE {
            bench.hear(&[b'x'; 1 << 16]);
            fed += 1 << 16;
        }
        let too_long = http(HttpFailure::BodyTooLong);
        assert_eq!(bench.verdict(), if kept { &too_long } else { &GOOD });
    }
    let mut config = HttpConfig::new(vec![Page::new("/")]);
    config.limits.body = 100;
    let mut bench = Bench::new(HttpProbe::new(target(), config, LIMIT)).connected();
    bench.hear(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(101)).as_bytes());
    assert_eq!(bench.verdict(), &http(HttpFailure::BodyTooLong));
}

/// CHK-21, CHK-03.
#[test]
fn hostile_huge_head_ends_at_the_bound() {
    let page = Page::new("/");
    let field = format!("X: {}\r\n", "y".repeat(1000));
    let mut bench = probe(page.clone());
    bench.hear(b"HTTP/1.1 200 OK\r\n");
    let mut fed = 0;
    while bench.outcome.is_none() {
        bench.hear(field.as_bytes());
        fed += field.len();
        assert!(fed < 20_000, "it reads for ever");
    }
    assert_eq!(bench.verdict(), &http(HttpFailure::HeadTooLong));
    // Too large at once, too many fields, and interim answers without end.
    let once = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(300));
    let interim = "HTTP/1.1 100 x\r\n\r\n".repeat(2000);
    for answer in [once, many, interim] {
        assert_eq!(
            verdict(&page, answer.as_bytes()),
            http(HttpFailure::HeadTooLong)
        );
    }
}

/// CHK-21, CHK-03.
#[test]
fn hostile_chunks_are_refused() {
    let line = format!("1;{}\r\n", "x".repeat(5000));
    let trailer = format!("0\r\n{}", "x: y\r\n".repeat(2000));
    for chunks in [
        "\r\nhello",
        "g\r\nhello",
        "-5\r\nhello",
        "0x5\r\nhello",
        "123456789\r\n",
        "5\r\nhelloworld",
        "5\r\nhello5\r\n",
        &line,
        &trailer,
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        let verdict = verdict(&Page::new("/"), answer.as_bytes());
        assert_eq!(
            verdict,
            http(HttpFailure::Chunk),
            "{}",
            &chunks[..chunks.len().min(20)]
        );
    }
}

/// CHK-21, CHK-03.
#[test]
fn hostile_lengths_are_refused() {
    for length in [
        "-1",
        "+5",
        "5x",
        "",
        "99999999999999999999999",
        "5\r\nContent-Length: 6",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello!");
        let verdict = verdict(&Page::new("/"), answer.as_bytes());
        assert_eq!(verdict, http(HttpFailure::Malformed), "{length:?}");
    }
}

#[test]
fn what_comes_late_for_an_old_connection_does_nothing() {
    let mut bench = probe(Page::new("/"));
    let old = bench.conn.expect("a connection");
    bench.pass(6000);
    assert_eq!(bench.verdict(), &Err(Failure::Timeout(Stage::Head)));
    bench.start();
    bench.input(Input::Bytes(old, b"HTTP/1.1 204 x\r\n\r\n"));
    bench.input(Input::Eof(old));
    bench.input(Input::Failed(old, IoFailure::Reset));
    assert_eq!(bench.outcome, None);
    assert_eq!(bench.probe_deadline(), Duration::from_secs(5));
}

impl Bench<HttpProbe> {
    fn probe_deadline(&self) -> Duration {
        use healthcheck::Probe as _;
        let deadline = self.probe.next_timeout().expect("it runs");
        deadline.saturating_duration_since(self.now)
    }
}

/// LVS-20: a reload leaves alone what is made of the same.
#[test]
fn configurations_are_equal_when_they_are_made_of_the_same() {
    let with =
        |text: &str, options: &[&str]| HttpConfig::new(vec![with_regex(regex(text, options))]);
    assert_eq!(with("a+", &["caseless"]), with("a+", &["caseless"]));
    assert_ne!(with("a+", &["caseless"]), with("a+", &[]));
    assert_ne!(with("a+", &[]), with("a*", &[]));
    let no_match = with_regex(regex("a+", &[]).with_no_match(true));
    assert_ne!(HttpConfig::new(vec![no_match]), with("a+", &[]));
    let plain = HttpConfig::new(vec![Page::new("/")]);
    let mut other = plain.clone();
    other.limits.body = 1;
    assert_ne!(plain, other);
}
