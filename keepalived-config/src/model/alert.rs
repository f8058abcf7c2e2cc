//! `global_defs`: who is told about changes, by pipe and by mail.

use std::path::PathBuf;
use std::time::Duration;

use super::script::{Script, ScriptUser};
use crate::tree::Span;

/// Named pipes that get a line for every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipes {
    /// For every event (`notify_fifo`).
    pub all: Pipe,
    /// For events of VRRP (`vrrp_notify_fifo`).
    pub vrrp: Pipe,
    /// For events of balanced services (`lvs_notify_fifo`).
    pub balance: Pipe,
    /// Priority changes are written to the pipes, unless an instance says otherwise.
    pub priority_changes: bool,
    /// After a reload every state is written again.
    pub states_on_reload: bool,
}

/// One pipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipe {
    /// Where; absent: none.
    pub path: Option<PathBuf>,
    /// Whom it belongs to; absent: whom scripts run as.
    pub owner: Option<ScriptUser>,
    /// Started with the path as its last argument, to read the pipe.
    pub reader: Option<Script>,
}

/// Alert mails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// Recipients, as written.
    pub recipients: Vec<Mailbox>,
    /// Sender; absent: `keepalived@` and the host name.
    pub from: Option<Mailbox>,
    /// Mail server, by address or name.
    pub server: Option<MailServer>,
    /// How long to wait for it at each step.
    pub connect_timeout: Duration,
    /// Name given in HELO; absent: the host name.
    pub helo: Option<String>,
    /// Whether instances and groups that do not say send mail (`smtp_alert_vrrp`, else `smtp_alert`).
    pub vrrp: bool,
    /// Whether services and servers that do not say send mail (`smtp_alert_checker`, else
    /// `smtp_alert`); absent: nothing was said.
    pub checker: Option<bool>,
    /// No mail about FAULT.
    pub no_faults: bool,
    /// No mail about single checks.
    pub no_checker: bool,
}

/// Where mail is handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailServer {
    /// An address, or a name to be looked up.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Where it was written.
    pub span: Span,
}

/// An address with or without the name of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mailbox {
    /// For the head of a mail: as written, without line breaks and other control characters.
    pub text: String,
    /// For the envelope: between `<` and `>`, or the whole.
    pub address: String,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            recipients: Vec::new(),
            from: None,
            server: None,
            connect_timeout: Duration::from_secs(30),
            helo: None,
            vrrp: false,
            checker: None,
            no_faults: false,
            no_checker: false,
        }
    }
}

impl Mailbox {
    /// `bob@example.org` or `Bob Builder <bob@example.org>`. `None` if that cannot be the address of
    /// a mail: it would be refused, or say something else to the server.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address = match text.split_once('<') {
            Some((_, rest)) => rest.strip_suffix('>')?,
            None => text,
        };
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
        if address.is_empty() || address.contains(forbidden) || text.contains(char::is_control) {
            return None;
        }
        Some(Self {
            text: text.trim().to_owned(),
            address: address.to_owned(),
        })
    }
}
