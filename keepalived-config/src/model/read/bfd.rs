//! `bfd_instance`.

mod auth;
pub(super) mod seamless;
mod tracked;

use std::net::IpAddr;
use std::time::Duration;

use super::global::set;
use super::instance::text;
use super::line::{LEFT_OUT, Line, refuse};
use crate::diagnostic::Diagnostics;
use crate::model::bfd::{BfdAuth, BfdInstance};
use crate::model::spanned::Spanned;
use crate::tree::{Node, Span, Word};
use crate::values::parse_milliseconds;

pub(crate) use tracked::RawTracked;
pub(super) use tracked::tracked;

/// BFD-01 of the feature list: bytes of a name.
const LONGEST_NAME: usize = 31;
const WHOLE: &str = "the whole session is left out";
/// Milliseconds, as far as 32 bits of microseconds go.
const LONGEST_MS: u64 = 4_294_967;
/// BFD-05: what a neighbour sends over IPv6 that runs Keepalived and was told nothing else.
const KEEPALIVED_HOP_LIMIT: u8 = 64;
/// The TTL of RFC 5881 5.
const TTL: u8 = 255;

/// A session as written. Absent means: not written.
#[derive(Debug, Default)]
struct Raw {
    neighbor: Option<Spanned<IpAddr>>,
    /// There is such a line that cannot be used; it has been complained about.
    bad_neighbor: bool,
    source: Option<Spanned<IpAddr>>,
    interface: Option<Spanned<String>>,
    min_rx: Option<Duration>,
    min_tx: Option<Duration>,
    idle_tx: Option<Duration>,
    multiplier: Option<u8>,
    passive: bool,
    ttl: Option<u8>,
    max_hops: Option<Spanned<i16>>,
    multihop: bool,
    weight: (i16, bool),
    vrrp: bool,
    checker: bool,
    auth: Option<BfdAuth>,
    /// Authentication is wanted that cannot be done; it has been complained about.
    bad_auth: bool,
    demand: Option<Spanned<Duration>>,
    echo: Option<Spanned<Duration>>,
    sbfd: Option<u32>,
    /// It is to ask a reflector, and cannot: it has been complained about.
    bad_sbfd: bool,
    /// Lines that mean nothing to a reflector: the keyword and where.
    session_only: Vec<(String, Span)>,
}

/// Reads one block. `None` after a complaint if the session cannot exist; `seen` are those before it.
pub(super) fn read(
    node: &Node,
    seen: &[BfdInstance],
    diagnostics: &mut Diagnostics,
) -> Option<BfdInstance> {
    let name = name(node, seen, diagnostics)?;
    let mut raw = Raw::default();
    for entry in node.entries() {
        line(Line::new(entry), &mut raw, diagnostics);
    }
    resolve(name, node.span(), raw, seen, diagnostics)
}

fn name(
    node: &Node,
    seen: &[BfdInstance],
    diagnostics: &mut Diagnostics,
) -> Option<Spanned<String>> {
    let [name] = node.arguments() else {
        diagnostics
            .error("bad-bfd-name", node.span(), "`bfd_instance` takes one name")
            .help(format!("write `bfd_instance NAME {{`; {WHOLE}"));
        return None;
    };
    if name.as_str().len() > LONGEST_NAME {
        let message = format!("the name has more than {LONGEST_NAME} bytes");
        diagnostics
            .error("bad-bfd-name", name.span, message)
            .help(format!("use a shorter one; {WHOLE}"));
        return None;
    }
    if let Some(first) = seen.iter().find(|other| other.name.value == name.as_str()) {
        let message = format!("there is another session with the name `{}`", name.as_str());
        diagnostics
            .error("duplicate-bfd", name.span, message)
            .help(format!("give it a name of its own; {WHOLE}"))
            .note(first.name.span, "the other one is here");
        return None;
    }
    Some(text(name))
}

fn line(line: Line<'_>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let span = line.node.span();
    if seamless::SESSION_ONLY.contains(&line.keyword()) {
        raw.session_only.push((line.keyword().to_owned(), span));
    }
    match line.keyword() {
        "sbfd" => match seamless::discriminator(line, WHOLE, diagnostics) {
            None => raw.bad_sbfd = true,
            found => raw.sbfd = found,
        },
        "neighbor_ip" | "neighbour_ip" => {
            // One that cannot be read leaves no other one: it is not known whom to ask.
            raw.neighbor = neighbor(line, diagnostics);
            raw.bad_neighbor |= raw.neighbor.is_none();
        }
        "source_ip" => {
            let read = line.address(diagnostics);
            set(
                &mut raw.source,
                read.map(|(ip, word)| Some(Spanned::new(ip, word.span))),
            );
        }
        "interface" => {
            let word = line.interface(LEFT_OUT, diagnostics);
            set(&mut raw.interface, word.map(|word| Some(text(word))));
        }
        "min_rx" => set(&mut raw.min_rx, millis(line, 1, diagnostics).map(Some)),
        "min_tx" => set(&mut raw.min_tx, millis(line, 1, diagnostics).map(Some)),
        "idle_tx" => set(&mut raw.idle_tx, millis(line, 1000, diagnostics).map(Some)),
        "multiplier" => {
            set(
                &mut raw.multiplier,
                line.number(1..=255, LEFT_OUT, diagnostics).map(Some),
            );
        }
        "passive" => raw.passive = line.flag(diagnostics),
        "ttl" | "hoplimit" => {
            set(
                &mut raw.ttl,
                line.number(1..=255, LEFT_OUT, diagnostics).map(Some),
            );
        }
        "max_hops" => {
            let read = hops(line, diagnostics);
            set(
                &mut raw.max_hops,
                read.map(|hops| Some(Spanned::new(hops, span))),
            );
        }
        "multihop" => set(&mut raw.multihop, line.boolean(diagnostics)),
        "weight" => set(&mut raw.weight, own_weight(line, diagnostics)),
        "vrrp" => raw.vrrp = line.flag(diagnostics),
        "checker" => raw.checker = line.flag(diagnostics),
        "auth" => raw.bad_auth |= !auth::auth(line, &mut raw.auth, diagnostics),
        "demand" => {
            let read = millis(line, 1, diagnostics);
            set(
                &mut raw.demand,
                read.map(|time| Some(Spanned::new(time, span))),
            );
        }
        "echo" => {
            let read = millis(line, 1, diagnostics);
            set(
                &mut raw.echo,
                read.map(|time| Some(Spanned::new(time, span))),
            );
        }
        _ => {}
    }
}

/// The address of one machine, which another one is asked for.
fn neighbor(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Spanned<IpAddr>> {
    let (ip, word) = line.address_or(WHOLE, diagnostics)?;
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if ip.is_unspecified() || ip.is_multicast() || broadcast {
        let message = format!("{ip} is not the address of one machine");
        diagnostics
            .error("bad-address", word.span, message)
            .help(format!("a session has one neighbour; {WHOLE}"));
        return None;
    }
    Some(Spanned::new(ip, word.span))
}

/// Decimal milliseconds from `least`.
fn millis(line: Line<'_>, least: u64, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let what = format!("milliseconds from {least} to {LONGEST_MS}");
    let word = line.word(&what, diagnostics)?;
    let read = parse_milliseconds(word.as_str());
    let range = Duration::from_millis(least)..=Duration::from_millis(LONGEST_MS);
    match read {
        Ok(time) if range.contains(&time) => Some(time),
        Ok(_) => {
            refuse(
                diagnostics,
                "out-of-range",
                line.keyword(),
                &what,
                word,
                LEFT_OUT,
            );
            None
        }
        Err(why) => {
            refuse(
                diagnostics,
                "bad-time",
                line.keyword(),
                &what,
                word,
                LEFT_OUT,
            )
            .note(None, why.to_string());
            None
        }
    }
}

fn hops(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<i16> {
    let what = "a whole number from -1 to 255";
    let word = line.word(what, diagnostics)?;
    let read: Option<i16> = word.as_str().parse().ok();
    if let Some(hops) = read.filter(|hops| (-1..=255).contains(hops)) {
        return Some(hops);
    }
    refuse(
        diagnostics,
        "out-of-range",
        line.keyword(),
        what,
        word,
        LEFT_OUT,
    );
    None
}

const WEIGHTS: &str = "a whole number from -253 to 253";

fn number(keyword: &str, word: &Word, instead: &str, diagnostics: &mut Diagnostics) -> Option<i16> {
    let read: Option<i16> = word.as_str().parse().ok();
    if let Some(weight) = read.filter(|weight| (-253..=253).contains(weight)) {
        return Some(weight);
    }
    refuse(diagnostics, "out-of-range", keyword, WEIGHTS, word, instead);
    None
}

/// `weight N [reverse]`.
fn own_weight(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<(i16, bool)> {
    line.at_most(2, diagnostics);
    let word = line.required(WEIGHTS, diagnostics)?;
    let weight = number(line.keyword(), word, LEFT_OUT, diagnostics)?;
    let reverse = match line.node.arguments().get(1) {
        None => false,
        Some(word) if word.as_str() == "reverse" => true,
        Some(word) => {
            let message = format!("`{}` cannot stand behind the weight", word.as_str());
            diagnostics
                .error("unknown-option", word.span, message)
                .help("only `reverse` can; the word is left out");
            false
        }
    };
    Some((weight, reverse))
}

fn resolve(
    name: Spanned<String>,
    span: Span,
    mut raw: Raw,
    seen: &[BfdInstance],
    diagnostics: &mut Diagnostics,
) -> Option<BfdInstance> {
    let Some(neighbor) = raw.neighbor.filter(|_| !raw.bad_neighbor) else {
        if !raw.bad_neighbor {
            let message = format!("`{}` has no `neighbor_ip`", name.value);
            diagnostics
                .error("no-neighbor", name.span, message)
                .help(WHOLE);
        }
        return None;
    };
    if let Some(source) = raw.source
        && source.value.is_ipv4() != neighbor.value.is_ipv4()
    {
        let message = format!(
            "`{}`: the addresses {} and {} are of different families",
            name.value, source.value, neighbor.value
        );
        diagnostics
            .error("mixed-families", source.span, message)
            .help(WHOLE)
            .note(neighbor.span, "the neighbour is here");
        return None;
    }
    if let Some(source) = raw.source
        && source.value == neighbor.value
    {
        let message = format!(
            "`{}`: {} cannot be both ends of a session",
            name.value, neighbor.value
        );
        diagnostics
            .error("own-address", neighbor.span, message)
            .help(format!("name the address of the other machine; {WHOLE}"))
            .note(source.span, "its own address is given here");
        return None;
    }
    if raw.bad_auth || raw.bad_sbfd {
        return None;
    }
    seamless::settle(&name, &mut raw, diagnostics);
    let link_local = matches!(neighbor.value, IpAddr::V6(ip) if ip.is_unicast_link_local());
    if link_local && raw.interface.is_none() {
        let message = format!("{} is on every link", neighbor.value);
        diagnostics
            .error("no-interface", neighbor.span, message)
            .help(format!("say which one with `interface NAME`; {WHOLE}"));
        return None;
    }
    let twin = seen.iter().find(|other| {
        other.neighbor.value == neighbor.value
            && other.multihop == raw.multihop
            && other.sbfd == raw.sbfd
            && other.interface.as_ref().map(|name| &name.value)
                == raw.interface.as_ref().map(|name| &name.value)
    });
    if let Some(twin) = twin {
        let message = format!(
            "`{}` has the same neighbour as `{}`",
            name.value, twin.name.value
        );
        diagnostics
            .error("duplicate-neighbor", neighbor.span, message)
            .help(format!(
                "whoever tracks one path can share one session; {WHOLE}"
            ))
            .note(twin.neighbor.span, "the other one is here");
        return None;
    }
    let (ttl, min_ttl) = hop_limits(&name, &raw, neighbor.value, diagnostics);
    let echo = echo(&name, &raw, diagnostics);
    let both = raw.vrrp == raw.checker;
    let default = Duration::from_millis(10);
    Some(BfdInstance {
        neighbor,
        source: raw.source,
        interface: raw.interface,
        min_rx: raw.min_rx.unwrap_or(default),
        min_tx: raw.min_tx.unwrap_or(default),
        idle_tx: raw.idle_tx.unwrap_or(Duration::from_secs(1)),
        multiplier: raw.multiplier.unwrap_or(5),
        passive: raw.passive,
        ttl,
        min_ttl,
        multihop: raw.multihop,
        weight: raw.weight.0,
        reverse: raw.weight.1,
        for_vrrp: both || raw.vrrp,
        for_checkers: both || raw.checker,
        auth: raw.auth,
        demand: raw.demand.map(|demand| demand.value),
        echo,
        sbfd: raw.sbfd,
        span,
        name,
    })
}

/// RFC 5881 4, RFC 5883 3: echo packets are for our own address, and come back over one hop.
fn echo(name: &Spanned<String>, raw: &Raw, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let echo = raw.echo.as_ref()?;
    let (message, help) = if raw.multihop {
        (
            "echo packets do not go over several hops",
            "leave out one of `echo` and `multihop`",
        )
    } else if raw.source.is_none() {
        (
            "echo packets go to an address of ours, and none is named",
            "say which one with `source_ip ADDRESS`",
        )
    } else {
        return Some(echo.value);
    };
    let message = format!("`{}`: {message}", name.value);
    let report = diagnostics.error("no-echo", echo.span, message);
    report.help(format!("{help}; {LEFT_OUT}"));
    None
}

/// The TTL of sent packets, and the least of received ones. A Keepalived that was told nothing sends
/// 64 over IPv6; 255 is what the RFC wants, and what such a neighbour takes as well.
fn hop_limits(
    name: &Spanned<String>,
    raw: &Raw,
    neighbor: IpAddr,
    diagnostics: &mut Diagnostics,
) -> (u8, u8) {
    let expected = match (raw.ttl, neighbor) {
        (Some(ttl), _) => ttl,
        (None, IpAddr::V4(_)) => TTL,
        (None, IpAddr::V6(_)) => KEEPALIVED_HOP_LIMIT,
    };
    let sent = raw.ttl.unwrap_or(TTL);
    let Some(hops) = raw.max_hops else {
        return (sent, expected);
    };
    let Ok(most) = u8::try_from(hops.value) else {
        return (sent, 0);
    };
    if most > expected && most != u8::MAX {
        let message = format!(
            "`{}`: packets with a TTL of {expected} cannot lose {most} hops",
            name.value
        );
        diagnostics
            .warning("corrected", hops.span, message)
            .help("nothing is checked, as with -1");
    }
    (sent, expected.saturating_sub(most))
}
