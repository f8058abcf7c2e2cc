//! The checkers of a real server.

use std::net::IpAddr;
use std::time::Duration;

use super::connect::Connect;
use super::{Inherited, LEFT_OUT, keep, string, web};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::model::balance::{Checker, CheckerKind, DnsType, Schedule, Target, UdpReply};
use crate::model::read::line::{Line, refuse};
use crate::model::read::script;
use crate::model::spanned::Spanned;
use crate::schema::{BROKEN_CHECK, Context};
use crate::tree::{Node, Span};

const DEFAULT_DELAY_LOOP: Duration = Duration::from_secs(60);
const DEFAULT_HELO: &str = "smtpchecker.keepalived.org";

/// What every checker may say, on top of what it inherits.
pub(super) struct Common {
    own: Inherited,
    pub(super) connect: Connect,
    log_all: Option<bool>,
}

impl Common {
    /// The virtual host that it names itself.
    pub(super) fn virtual_host(&self) -> Option<&String> {
        self.own.virtual_host.as_ref()
    }

    /// Takes a line that all checkers share; false if it is one of its own.
    pub(super) fn take(&mut self, line: Line<'_>, diagnostics: &mut Diagnostics) -> bool {
        if line.keyword() == "log_all_failures" {
            keep(&mut self.log_all, line.boolean(diagnostics));
            return true;
        }
        self.own.take(line, 0, diagnostics) || self.connect.take(line, diagnostics)
    }
}

/// Where the checker is, and what it inherits.
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    pub(super) server: (IpAddr, u16),
    pub(super) inherited: &'a Inherited,
}

impl Place<'_> {
    pub(super) fn common(&self) -> Common {
        Common {
            own: Inherited::default(),
            connect: Connect::default(),
            log_all: None,
        }
    }

    /// Retries and pause differ from kind to kind where nothing is said (features 31.3).
    pub(super) fn finish(
        &self,
        common: Common,
        retry: u32,
        pause: Option<Duration>,
        kind: impl FnOnce(Target, &Inherited) -> CheckerKind,
        port: u16,
        diagnostics: &mut Diagnostics,
    ) -> Checker {
        let inherited = common.own.or(self.inherited);
        let delay_loop = inherited.delay_loop.unwrap_or(DEFAULT_DELAY_LOOP);
        let line = Line::new(self.node);
        let target = common
            .connect
            .target(self.server, port, &inherited, diagnostics);
        if target.port == 0 && matches!(line.keyword(), "TCP_CHECK" | "UDP_CHECK") {
            let message = format!("`{}` has no port to go to", line.keyword());
            diagnostics
                .warning("port-zero", self.node.keyword_span(), message)
                .help("write `connect_port PORT`; port 0 is nobody's, and the check always fails");
        }
        Checker {
            kind: kind(target, &inherited),
            schedule: Schedule {
                delay_loop,
                retry: inherited.retry.unwrap_or(retry),
                rise: inherited.rise.unwrap_or(1),
                fall: inherited.fall.unwrap_or(1),
                delay_before_retry: inherited
                    .delay_before_retry
                    .or(pause)
                    .unwrap_or(Duration::from_secs(1)),
                warmup: inherited.warmup.unwrap_or(delay_loop),
            },
            alpha: inherited.alpha.unwrap_or(false),
            log_all_failures: common.log_all,
            span: self.node.keyword_span(),
        }
    }
}

/// What a checker is called whose keyword is none.
const UNKNOWN: &str = "UNKNOWN";

/// The checkers there are.
const WORDS: [&str; 10] = [
    "TCP_CHECK",
    "PING_CHECK",
    "HTTP_GET",
    "SSL_GET",
    "SMTP_CHECK",
    "DNS_CHECK",
    "UDP_CHECK",
    "MISC_CHECK",
    "FILE_CHECK",
    "BFD_CHECK",
];

/// Lines that say when a check is made, and who hears of it: without them it asks the same.
const AROUND: [&str; 12] = [
    "delay_loop",
    "retry",
    "nb_get_retry",
    "delay_before_retry",
    "warmup",
    "connect_timeout",
    "misc_timeout",
    "alpha",
    "rise",
    "fall",
    "log_all_failures",
    "fast_recovery",
];

/// What becomes of the servers of a service that has this checker outside of them, and not one of its own: nobody
/// looks at them, and somebody wanted that.
pub(super) fn outside(node: &Node) -> Checker {
    let known = WORDS.into_iter().find(|word| *word == node.keyword());
    let why = format!("`{}` is outside of `real_server`", node.keyword());
    Checker::broken(known.unwrap_or(UNKNOWN), &why, node.keyword_span())
}

/// Reads one line of a server, if it is a checker.
pub(super) fn read(
    node: &Node,
    server: (IpAddr, u16),
    inherited: &Inherited,
    checkers: &mut Vec<Checker>,
    diagnostics: &mut Diagnostics,
) {
    let place = Place {
        node,
        server,
        inherited,
    };
    let known = WORDS.into_iter().find(|word| *word == node.keyword());
    // One that the parser could make nothing of, and has complained about.
    if node.meaning.is_none() {
        let (word, why) = match known {
            Some(word) => (word, format!("`{word}` must be followed by a block")),
            None => {
                let (word, context) = (node.keyword(), Context::RealServer.name());
                (UNKNOWN, format!("unknown keyword `{word}` in `{context}`"))
            }
        };
        checkers.push(Checker::broken(word, &why, node.keyword_span()));
        return;
    }
    let Some(word) = known else {
        return;
    };
    let (before, complaints) = (checkers.len(), diagnostics.iter().len());
    let made = match node.keyword() {
        "TCP_CHECK" => Some(plain(&place, CheckerKind::Tcp, 0, diagnostics)),
        "PING_CHECK" => {
            portless(node, diagnostics);
            Some(plain(&place, CheckerKind::Ping, 0, diagnostics))
        }
        "HTTP_GET" => web::read(&place, false, diagnostics),
        "SSL_GET" => web::read(&place, true, diagnostics),
        "SMTP_CHECK" => {
            smtp(&place, checkers, diagnostics);
            None
        }
        "DNS_CHECK" => Some(dns(&place, diagnostics)),
        "UDP_CHECK" => udp(&place, diagnostics),
        "MISC_CHECK" => misc(&place, diagnostics),
        "FILE_CHECK" => file(&place, diagnostics),
        "BFD_CHECK" => bfd(&place, diagnostics),
        _ => None,
    };
    checkers.extend(made);
    let mut why = asks_less(node, diagnostics.added_behind(complaints));
    if why.is_none() && checkers.len() == before {
        let last = diagnostics.iter().last();
        why = Some(
            last.map_or("it has a mistake", |it| it.message.as_str())
                .to_owned(),
        );
    }
    if let Some(why) = why {
        let read = checkers.drain(before..).collect();
        let mut broken = Checker::broken(word, &why, node.keyword_span());
        if let CheckerKind::Broken { others, .. } = &mut broken.kind {
            *others = read;
        }
        checkers.push(broken);
    }
}

/// The first mistake of a line for want of which the check would ask for less than the file does, or from elsewhere.
/// Such a check is none: a server must not pass because of a slip of the pen.
fn asks_less(node: &Node, complaints: &mut [Diagnostic]) -> Option<String> {
    let mut first = None;
    let errors = complaints.iter_mut();
    for complaint in errors.filter(|complaint| complaint.severity == Severity::Error) {
        let Some(span) = complaint.span else { continue };
        let line = line_at(node.entries(), span);
        if line.is_none_or(|line| AROUND.contains(&line.keyword())) {
            continue;
        }
        complaint.help = Some(BROKEN_CHECK.to_owned());
        first.get_or_insert_with(|| complaint.message.clone());
    }
    first
}

/// The last line that does not begin behind this place.
fn line_at(entries: &[Node], span: Span) -> Option<&Node> {
    let begun = |entry: &&Node| {
        let at = entry.keyword_span();
        at.file == span.file && at.start <= span.start
    };
    let last = entries.iter().rev().find(begun)?;
    line_at(last.entries(), span).or(Some(last))
}

/// A ping has none, though Keepalived reads them without a word.
fn portless(node: &Node, diagnostics: &mut Diagnostics) {
    for entry in node.entries() {
        if matches!(entry.keyword(), "connect_port" | "bind_port") {
            let message = format!("`{}` does nothing: a ping has no ports", entry.keyword());
            diagnostics
                .warning("port-of-ping", entry.keyword_span(), message)
                .help("leave it out, or write `TCP_CHECK` to have the port looked at");
        }
    }
}

fn plain(
    place: &Place<'_>,
    kind: fn(Target) -> CheckerKind,
    port: u16,
    diagnostics: &mut Diagnostics,
) -> Checker {
    let mut common = place.common();
    for entry in place.node.entries() {
        common.take(Line::new(entry), diagnostics);
    }
    place.finish(common, 1, None, |target, _| kind(target), port, diagnostics)
}

/// With `host` blocks there is a checker for each of them.
fn smtp(place: &Place<'_>, checkers: &mut Vec<Checker>, diagnostics: &mut Diagnostics) {
    let mut common = place.common();
    let mut helo = None;
    for entry in place.node.entries() {
        let line = Line::new(entry);
        if !common.take(line, diagnostics) && entry.keyword() == "helo_name" {
            keep(&mut helo, string(line, "a host name", diagnostics));
        }
    }
    let helo = helo.unwrap_or_else(|| DEFAULT_HELO.to_owned());
    let hosts: Vec<&Node> = place
        .node
        .entries()
        .iter()
        .filter(|entry| entry.keyword() == "host")
        .collect();
    let make = |common, diagnostics: &mut Diagnostics| {
        let kind = |target, _: &Inherited| CheckerKind::Smtp {
            target,
            helo: helo.as_str().into(),
        };
        place.finish(common, 1, None, kind, 25, diagnostics)
    };
    if hosts.is_empty() {
        checkers.push(make(common, diagnostics));
        return;
    }
    for host in hosts {
        let mut own = Common {
            own: common.own.clone(),
            connect: common.connect.clone(),
            log_all: common.log_all,
        };
        for entry in host.entries() {
            own.take(Line::new(entry), diagnostics);
        }
        checkers.push(make(own, diagnostics));
    }
}

fn dns(place: &Place<'_>, diagnostics: &mut Diagnostics) -> Checker {
    let mut common = place.common();
    let (mut kind, mut name) = (None, None);
    for entry in place.node.entries() {
        let line = Line::new(entry);
        if common.take(line, diagnostics) {
            continue;
        }
        match entry.keyword() {
            "type" => keep(&mut kind, record(line, diagnostics)),
            "name" => keep(&mut name, string(line, "a domain name", diagnostics)),
            _ => {}
        }
    }
    let pause = common.own.delay_loop.or(place.inherited.delay_loop);
    let made = |target, _: &Inherited| CheckerKind::Dns {
        target,
        kind: kind.unwrap_or(DnsType::Soa),
        name: name.as_deref().unwrap_or(".").into(),
    };
    place.finish(
        common,
        3,
        Some(pause.unwrap_or(DEFAULT_DELAY_LOOP)),
        made,
        53,
        diagnostics,
    )
}

fn record(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<DnsType> {
    let what = "A, NS, CNAME, SOA, MX, TXT or AAAA";
    let word = line.word(what, diagnostics)?;
    let kind = match word.as_str().to_ascii_uppercase().as_str() {
        "A" => DnsType::A,
        "NS" => DnsType::Ns,
        "CNAME" => DnsType::Cname,
        "SOA" => DnsType::Soa,
        "MX" => DnsType::Mx,
        "TXT" => DnsType::Txt,
        "AAAA" => DnsType::Aaaa,
        _ => {
            refuse(
                diagnostics,
                "bad-record",
                line.keyword(),
                what,
                word,
                LEFT_OUT,
            );
            return None;
        }
    };
    Some(kind)
}

fn udp(place: &Place<'_>, diagnostics: &mut Diagnostics) -> Option<Checker> {
    let mut common = place.common();
    let (mut payload, mut pattern, mut min, mut max) = (Vec::new(), None, None, None);
    for entry in place.node.entries() {
        let line = Line::new(entry);
        if common.take(line, diagnostics) {
            continue;
        }
        match entry.keyword() {
            "payload" => {
                let nibbles = hex(line, false, diagnostics);
                let bytes = nibbles
                    .iter()
                    .flatten()
                    .copied()
                    .flatten()
                    .collect::<Vec<u8>>();
                payload = bytes
                    .chunks_exact(2)
                    .map(|pair| pair[0] << 4 | pair[1])
                    .collect();
            }
            "require_reply" if entry.arguments().is_empty() => pattern = Some(Vec::new()),
            "require_reply" => keep(&mut pattern, hex(line, true, diagnostics)),
            "min_reply_length" => keep(&mut min, line.number(0..=u16::MAX, LEFT_OUT, diagnostics)),
            "max_reply_length" => keep(&mut max, line.number(0..=u16::MAX, LEFT_OUT, diagnostics)),
            _ => {}
        }
    }
    let (min_length, max_length) = (min.unwrap_or(0), max.unwrap_or(255));
    if min_length > max_length {
        let message = format!("no reply has at least {min_length} and at most {max_length} bytes");
        diagnostics
            .error("bad-length", place.node.keyword_span(), message)
            .help(BROKEN_CHECK);
        return None;
    }
    let reply = pattern.or_else(|| (min.is_some() || max.is_some()).then(Vec::new));
    let reply = reply.map(|pattern| UdpReply {
        pattern,
        min_length,
        max_length,
    });
    let kind = |target, _: &Inherited| CheckerKind::Udp {
        target,
        payload: payload.into(),
        reply: reply.map(Box::new),
    };
    Some(place.finish(common, 1, None, kind, 0, diagnostics))
}

/// Pairs of hexadecimal digits, blanks between them allowed; `X` for any digit where that is allowed.
fn hex(line: Line<'_>, wildcards: bool, diagnostics: &mut Diagnostics) -> Option<Vec<Option<u8>>> {
    let what = "pairs of hexadecimal digits";
    let first = line.required(what, diagnostics)?;
    let mut nibbles = Vec::new();
    for word in line.node.arguments() {
        for c in word.as_str().chars().filter(|c| !c.is_whitespace()) {
            match c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
                Some(digit) => nibbles.push(Some(digit)),
                None if wildcards && c.eq_ignore_ascii_case(&'x') => nibbles.push(None),
                None => {
                    refuse(diagnostics, "bad-hex", line.keyword(), what, word, LEFT_OUT);
                    return None;
                }
            }
        }
    }
    if nibbles.len() % 2 != 0 {
        refuse(
            diagnostics,
            "bad-hex",
            line.keyword(),
            what,
            first,
            LEFT_OUT,
        );
        return None;
    }
    Some(nibbles)
}

fn misc(place: &Place<'_>, diagnostics: &mut Diagnostics) -> Option<Checker> {
    let mut common = place.common();
    let (mut command, mut timeout, mut dynamic, mut user) = (None, None, false, None);
    for entry in place.node.entries() {
        let line = Line::new(entry);
        if common.take(line, diagnostics) {
            continue;
        }
        match entry.keyword() {
            "misc_path" => keep(&mut command, script::read(line, diagnostics)),
            "misc_timeout" => keep(
                &mut timeout,
                line.number(1..=u32::MAX, LEFT_OUT, diagnostics),
            ),
            "misc_dynamic" => dynamic = line.flag(diagnostics),
            "user" => keep(&mut user, script::user(entry.arguments())),
            _ => {}
        }
    }
    let Some(mut command) = command else {
        return missing(place, "misc_path", diagnostics);
    };
    command.user = user.or(command.user);
    let timeout = timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let kind = |_: Target, inherited: &Inherited| CheckerKind::Script {
        command: Box::new(command),
        timeout: timeout
            .or(inherited.delay_loop)
            .unwrap_or(DEFAULT_DELAY_LOOP),
        dynamic,
    };
    Some(place.finish(common, 0, None, kind, 0, diagnostics))
}

fn missing(place: &Place<'_>, what: &str, diagnostics: &mut Diagnostics) -> Option<Checker> {
    let message = format!("`{}` needs `{what}`", place.node.keyword());
    diagnostics
        .error("incomplete-checker", place.node.keyword_span(), message)
        .help(BROKEN_CHECK);
    None
}

fn file(place: &Place<'_>, diagnostics: &mut Diagnostics) -> Option<Checker> {
    let (mut name, mut weight, mut reverse) = (None, None, false);
    for entry in place.node.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "track_file" => {
                let word = line.word("the name of a `track_file`", diagnostics);
                keep(
                    &mut name,
                    word.map(|word| Spanned::new(word.as_str().to_owned(), word.span)),
                );
            }
            "weight" => {
                let what = "a whole number from -2147483647 to 2147483647";
                let Some(word) = line.required(what, diagnostics) else {
                    continue;
                };
                match word.as_str().parse::<i32>() {
                    Ok(number) if number > i32::MIN => weight = Some(number),
                    _ => {
                        refuse(diagnostics, "out-of-range", "weight", what, word, LEFT_OUT);
                    }
                }
                reverse = entry
                    .arguments()
                    .get(1)
                    .is_some_and(|word| word.as_str() == "reverse");
            }
            _ => {}
        }
    }
    let Some(name) = name else {
        return missing(place, "track_file", diagnostics);
    };
    let kind = |_: Target, _: &Inherited| CheckerKind::File {
        name,
        weight,
        reverse,
    };
    Some(place.finish(place.common(), 0, None, kind, 0, diagnostics))
}

fn bfd(place: &Place<'_>, diagnostics: &mut Diagnostics) -> Option<Checker> {
    let mut common = place.common();
    let mut name = None;
    for entry in place.node.entries() {
        let line = Line::new(entry);
        if !common.take(line, diagnostics) && entry.keyword() == "name" {
            let word = line.word("the name of a `bfd_instance`", diagnostics);
            keep(
                &mut name,
                word.map(|word| Spanned::new(word.as_str().to_owned(), word.span)),
            );
        }
    }
    let Some(name) = name else {
        return missing(place, "name", diagnostics);
    };
    let kind = |_: Target, _: &Inherited| CheckerKind::Bfd { name };
    Some(place.finish(common, 0, None, kind, 0, diagnostics))
}
