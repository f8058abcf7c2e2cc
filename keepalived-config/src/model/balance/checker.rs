//! What is checked, how often, and what counts as good.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::script::Script;
use crate::model::spanned::Spanned;
use crate::tree::Span;

/// One checker of a real server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checker {
    /// What it does.
    pub kind: CheckerKind,
    /// How often.
    pub schedule: Schedule,
    /// The server counts as failed until it has passed.
    pub alpha: bool,
    /// Every failure is logged, not only changes; absent: as `checker_log_all_failures` says.
    pub log_all_failures: Option<bool>,
    /// Its keyword.
    pub span: Span,
}

impl Checker {
    /// One of which nothing can be made.
    pub(crate) fn broken(word: &'static str, why: &str, span: Span) -> Self {
        let why = why.into();
        Self {
            kind: CheckerKind::Broken {
                word,
                why,
                others: Box::default(),
            },
            schedule: Schedule {
                delay_loop: Duration::ZERO,
                retry: 0,
                rise: 1,
                fall: 1,
                delay_before_retry: Duration::ZERO,
                warmup: Duration::ZERO,
            },
            alpha: true,
            log_all_failures: None,
            span,
        }
    }
}

/// Times of a checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schedule {
    /// Between two checks.
    pub delay_loop: Duration,
    /// Further attempts after a failure.
    pub retry: u32,
    /// Successes in a row that bring it back, from 1.
    pub rise: u32,
    /// Failures in a row, each with its retries, that take it down, from 1.
    pub fall: u32,
    /// Between two attempts.
    pub delay_before_retry: Duration,
    /// Longest random delay before the first check.
    pub warmup: Duration,
}

/// Where a check goes, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Address.
    pub address: IpAddr,
    /// Port; 0 where there is none.
    pub port: u16,
    /// From where, if anything was said of that. A hundred thousand checks say nothing.
    pub source: Option<Box<Source>>,
    /// For the connection, and for the reply.
    pub timeout: Duration,
}

/// From where a check goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
    /// Source address.
    pub address: Option<IpAddr>,
    /// Source port, from 1.
    pub port: Option<u16>,
    /// Interface it leaves by.
    pub interface: Option<String>,
    /// Mark on its packets.
    pub mark: Option<u32>,
}

/// The checkers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckerKind {
    /// `TCP_CHECK`: a connection is accepted.
    Tcp(Target),
    /// `HTTP_GET`, and `SSL_GET` with TLS.
    Web(Target, Box<WebCheck>),
    /// `SMTP_CHECK`: greeted, and HELO answered.
    Smtp {
        /// The server.
        target: Target,
        /// Name in HELO.
        helo: Box<str>,
    },
    /// `DNS_CHECK`: a query is answered without error.
    Dns {
        /// The server.
        target: Target,
        /// What is asked for.
        kind: DnsType,
        /// The name that is asked for.
        name: Box<str>,
    },
    /// `UDP_CHECK`: a datagram brings no error, or a fitting reply.
    Udp {
        /// The server.
        target: Target,
        /// What is sent.
        payload: Box<[u8]>,
        /// The reply that is waited for; absent: none is needed.
        reply: Option<Box<UdpReply>>,
    },
    /// `PING_CHECK`: an echo request is answered.
    Ping(Target),
    /// `MISC_CHECK`: a command says so.
    Script {
        /// The command.
        command: Box<Script>,
        /// Longest time it may take.
        timeout: Duration,
        /// Exit codes from 2 to 255 set the weight to the code less 2.
        dynamic: bool,
    },
    /// `FILE_CHECK`: the number in a tracked file.
    File {
        /// Name of the `track_file`.
        name: Spanned<String>,
        /// Factor; absent: that of the file.
        weight: Option<i32>,
        /// The factor is negated.
        reverse: bool,
    },
    /// One that was written and of which nothing can be made. Its server counts as failed, for nobody
    /// looks whether it works.
    Broken {
        /// Its keyword.
        word: &'static str,
        /// What is wrong with it, as the complaint about it says.
        why: Box<str>,
        /// What could be read of it, to be looked at for further mistakes; it is not made.
        others: Box<[Checker]>,
    },
    /// `BFD_CHECK`: a session is up.
    Bfd {
        /// Name of the `bfd_instance`.
        name: Spanned<String>,
    },
}

impl CheckerKind {
    /// Its keyword.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP_CHECK",
            Self::Web(_, web) if web.tls => "SSL_GET",
            Self::Web(..) => "HTTP_GET",
            Self::Smtp { .. } => "SMTP_CHECK",
            Self::Dns { .. } => "DNS_CHECK",
            Self::Udp { .. } => "UDP_CHECK",
            Self::Ping(_) => "PING_CHECK",
            Self::Script { .. } => "MISC_CHECK",
            Self::File { .. } => "FILE_CHECK",
            Self::Bfd { .. } => "BFD_CHECK",
            Self::Broken { word, .. } => word,
        }
    }
}

/// What a web check asks for and takes for good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebCheck {
    /// Over TLS (`SSL_GET`).
    pub tls: bool,
    /// Version of the request.
    pub version: HttpVersion,
    /// At least one, fetched in turn.
    pub urls: Vec<Url>,
    /// All of them in one round when coming back.
    pub fast_recovery: bool,
    /// Send the name of the host in the TLS greeting.
    pub sni: bool,
    /// That name; absent: the virtual host.
    pub sni_name: Option<String>,
    /// The certificate of the server is looked at (`ssl_verify`).
    pub verify: bool,
    /// An unclean end of the TLS session is a failure.
    pub tls_compliant: bool,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Url {
    /// Path, from `/`.
    pub path: String,
    /// MD5 of the body.
    pub digest: Option<[u8; 16]>,
    /// Status codes that pass, both ends included; 200 to 299 if none were given.
    pub status: Vec<(u16, u16)>,
    /// Host in the request.
    pub virtual_host: Option<String>,
    /// Pattern for the body.
    pub regex: Option<Spanned<String>>,
    /// The body must not match.
    pub regex_no_match: bool,
    /// Options of the pattern.
    pub regex_options: Vec<RegexOption>,
    /// First byte at which a match may begin.
    pub regex_min_offset: usize,
    /// Last byte at which a match may begin.
    pub regex_max_offset: Option<usize>,
    /// As in [`WebCheck`], for this page.
    pub tls_compliant: bool,
}

/// Version of HTTP in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// `1.0`.
    #[default]
    Http10,
    /// `1.0C`: 1.0 with `Connection: close`.
    Http10Close,
    /// `1.1`.
    Http11,
}

/// An option of a pattern, by its name in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegexOption(pub &'static str);

/// Record type of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the records")]
pub enum DnsType {
    A,
    Ns,
    Cname,
    Soa,
    Mx,
    Txt,
    Aaaa,
}

/// A reply that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UdpReply {
    /// The nibbles it has to begin with, `None` for any.
    pub pattern: Vec<Option<u8>>,
    /// Least length in bytes.
    pub min_length: u16,
    /// Greatest length in bytes.
    pub max_length: u16,
}
