//! One check of a real server.

use std::sync::Arc;
use std::time::Duration;

use healthcheck::{DnsQuery, HttpConfig, Schedule, Target, UdpConfig};

use crate::hooks::HookCommand;

/// What is looked at, and when. Equal means that a check may go on over a reload as if nothing had
/// happened.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSetup {
    /// What is looked at.
    pub probe: ProbeSetup,
    /// When, and how many results make a verdict. Of [`ProbeSetup::File`] and [`ProbeSetup::Bfd`]
    /// this is [`Schedule::told`], with `alpha` as wanted.
    pub schedule: Schedule,
}

impl CheckSetup {
    /// Such a check.
    #[must_use]
    pub const fn new(probe: ProbeSetup, schedule: Schedule) -> Self {
        Self { probe, schedule }
    }

    /// One that is wanted and cannot be had: see [`ProbeSetup::Unusable`].
    #[must_use]
    pub fn unusable(word: &'static str, why: &str) -> Self {
        let mut schedule = Schedule::told();
        schedule.alpha = true;
        let why = why.into();
        Self::new(ProbeSetup::Unusable { word, why }, schedule)
    }
}

/// What a check looks at. A `timeout` is for one attempt as a whole, whatever the peer does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProbeSetup {
    /// `TCP_CHECK`: a connection is accepted.
    Tcp {
        /// Where to, and from where.
        target: Target,
        /// Time for an attempt.
        timeout: Duration,
    },
    /// `HTTP_GET`, and `SSL_GET` with [`HttpConfig::tls`]: a page is as it should be.
    Http {
        /// Where to, and from where.
        target: Target,
        /// What is asked for.
        config: HttpConfig,
        /// Time for an attempt, that is, for one page.
        timeout: Duration,
    },
    /// `SMTP_CHECK`: a mail server greets.
    Smtp {
        /// Where to, and from where.
        target: Target,
        /// The name in HELO.
        helo: String,
        /// Time for an attempt.
        timeout: Duration,
    },
    /// `DNS_CHECK`: a name server answers.
    Dns {
        /// Where to, and from where.
        target: Target,
        /// The question.
        query: DnsQuery,
        /// Time for an attempt.
        timeout: Duration,
    },
    /// `UDP_CHECK`: a datagram brings no error, or the right answer.
    Udp {
        /// Where to, and from where.
        target: Target,
        /// What is sent and what has to come back.
        config: UdpConfig,
        /// Time for an attempt.
        timeout: Duration,
    },
    /// `PING_CHECK`: an echo request is answered.
    Ping {
        /// Where to (the port is 0), and from where.
        target: Target,
        /// Time for an attempt.
        timeout: Duration,
    },
    /// `MISC_CHECK`: a program says so.
    Script {
        /// The program and its account.
        command: Arc<HookCommand>,
        /// Exit codes from 2 say the weight (`misc_dynamic`).
        dynamic: bool,
        /// Time for a run.
        timeout: Duration,
    },
    /// `FILE_CHECK`: the number in a tracked file. Whoever reads it posts it under
    /// `TrackerKind::File` and this name, see
    /// [`BalanceRemote::trackers`](super::BalanceRemote::trackers).
    File {
        /// Name of the `track_file`.
        name: Arc<str>,
        /// By what the number is multiplied.
        weight: i32,
    },
    /// One of the others that cannot be had, such as a program that does not exist: its server counts as
    /// failed until a reload, with that reason. With [`Schedule::told`] and `alpha` it never was up.
    Unusable {
        /// Its word in the configuration.
        word: &'static str,
        /// What is the matter.
        why: Arc<str>,
    },
    /// `BFD_CHECK`: a session is up, see [`BalanceRemote::set_bfd`](super::BalanceRemote::set_bfd).
    Bfd {
        /// Name of the `bfd_instance`.
        name: Arc<str>,
    },
}

impl ProbeSetup {
    /// Its word in the configuration.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "TCP_CHECK",
            Self::Http { config, .. } => match config.tls {
                Some(_) => "SSL_GET",
                None => "HTTP_GET",
            },
            Self::Smtp { .. } => "SMTP_CHECK",
            Self::Dns { .. } => "DNS_CHECK",
            Self::Udp { .. } => "UDP_CHECK",
            Self::Ping { .. } => "PING_CHECK",
            Self::Script { .. } => "MISC_CHECK",
            Self::File { .. } => "FILE_CHECK",
            Self::Bfd { .. } => "BFD_CHECK",
            Self::Unusable { word, .. } => word,
        }
    }

    /// Where it connects to, if it does.
    #[must_use]
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::Tcp { target, .. }
            | Self::Http { target, .. }
            | Self::Smtp { target, .. }
            | Self::Dns { target, .. }
            | Self::Udp { target, .. }
            | Self::Ping { target, .. } => Some(target),
            Self::Script { .. } | Self::File { .. } | Self::Bfd { .. } | Self::Unusable { .. } => {
                None
            }
        }
    }
}
