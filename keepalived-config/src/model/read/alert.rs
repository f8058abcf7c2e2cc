//! `global_defs`: lines about pipes and mails.

use std::path::PathBuf;

use super::global::set;
use super::line::{LEFT_OUT, Line, parse_unsigned, refuse};
use super::script;
use crate::diagnostic::Diagnostics;
use crate::model::alert::{Mail, MailServer, Mailbox, Pipe, Pipes};
use crate::tree::Word;

/// SMTP. RFC 5321 4.5.4.2.
const SMTP_PORT: u16 = 25;

/// Defaults for alerts, which may come in any order.
#[derive(Debug, Default)]
pub(super) struct AlertDefaults {
    all: Option<bool>,
    vrrp: Option<bool>,
    checker: Option<bool>,
}

impl AlertDefaults {
    /// Fills in what is known once the whole block has been read.
    pub(super) fn settle(&self, mail: &mut Mail) {
        if let Some(on) = self.vrrp.or(self.all) {
            mail.vrrp = on;
        }
        if let Some(on) = self.checker.or(self.all) {
            mail.checker = Some(on);
        }
    }
}

/// Reads a line if it is about a pipe; false if it is about something else.
pub(super) fn pipes(line: Line<'_>, pipes: &mut Pipes, diagnostics: &mut Diagnostics) -> bool {
    match line.keyword() {
        "notify_fifo" => pipe(line, &mut pipes.all, diagnostics),
        "notify_fifo_script" => pipes.all.reader = script::read(line, diagnostics),
        "vrrp_notify_fifo" => pipe(line, &mut pipes.vrrp, diagnostics),
        "vrrp_notify_fifo_script" => pipes.vrrp.reader = script::read(line, diagnostics),
        "lvs_notify_fifo" => pipe(line, &mut pipes.balance, diagnostics),
        "lvs_notify_fifo_script" => pipes.balance.reader = script::read(line, diagnostics),
        "vrrp_notify_priority_changes" => {
            set(&mut pipes.priority_changes, line.boolean(diagnostics));
        }
        "fifo_write_vrrp_states_on_reload" => pipes.states_on_reload = line.flag(diagnostics),
        _ => return false,
    }
    true
}

fn pipe(line: Line<'_>, pipe: &mut Pipe, diagnostics: &mut Diagnostics) {
    line.at_most(3, diagnostics);
    let Some(word) = line.required("a path", diagnostics) else {
        return;
    };
    pipe.path = Some(PathBuf::from(word.as_str()));
    let rest = line.node.arguments().get(1..).unwrap_or_default();
    pipe.owner = script::user(rest);
}

/// Reads a line if it is about mail; false if it is about something else.
pub(super) fn mail(
    line: Line<'_>,
    mail: &mut Mail,
    defaults: &mut AlertDefaults,
    diagnostics: &mut Diagnostics,
) -> bool {
    match line.keyword() {
        "notification_email" => {
            for entry in line.node.entries() {
                for word in &entry.words {
                    mail.recipients.extend(mailbox(line, word, diagnostics));
                }
            }
        }
        "notification_email_from" => {
            let word = line.word("a mail address", diagnostics);
            let from = word.and_then(|word| mailbox(line, word, diagnostics));
            set(&mut mail.from, from.map(Some));
        }
        "smtp_server" => server(line, mail, diagnostics),
        "smtp_connect_timeout" => {
            let timeout = line.whole_seconds(LEFT_OUT, diagnostics);
            set(
                &mut mail.connect_timeout,
                timeout.filter(|timeout| !timeout.is_zero()),
            );
        }
        "smtp_helo_name" => {
            const WHAT: &str = "a host name";
            if let Some(word) = line.word(WHAT, diagnostics) {
                let bad = |c: char| c.is_whitespace() || c.is_control();
                if word.as_str().is_empty() || word.as_str().contains(bad) {
                    refuse(
                        diagnostics,
                        "bad-name",
                        line.keyword(),
                        WHAT,
                        word,
                        LEFT_OUT,
                    );
                } else {
                    mail.helo = Some(word.as_str().to_owned());
                }
            }
        }
        "smtp_alert" => set(&mut defaults.all, line.boolean(diagnostics).map(Some)),
        "smtp_alert_vrrp" => set(&mut defaults.vrrp, line.boolean(diagnostics).map(Some)),
        "smtp_alert_checker" => set(&mut defaults.checker, line.boolean(diagnostics).map(Some)),
        "no_email_faults" => mail.no_faults = line.flag(diagnostics),
        "no_checker_emails" => set(&mut mail.no_checker, line.boolean(diagnostics)),
        _ => return false,
    }
    true
}

/// Who a mail is from or to: MAIL-01, MAIL-02.
fn mailbox(line: Line<'_>, word: &Word, diagnostics: &mut Diagnostics) -> Option<Mailbox> {
    let mailbox = Mailbox::parse(word.as_str());
    if mailbox.is_none() {
        let what = "addresses such as bob@example.org or \"Bob <bob@example.org>\"";
        refuse(
            diagnostics,
            "bad-mail-address",
            line.keyword(),
            what,
            word,
            "it is left out",
        );
    }
    mailbox
}

/// `smtp_server`, MAIL-03.
fn server(line: Line<'_>, mail: &mut Mail, diagnostics: &mut Diagnostics) {
    line.at_most(2, diagnostics);
    let Some(host) = line.required("an address or a host name", diagnostics) else {
        return;
    };
    let port = match line.node.arguments().get(1) {
        None => Some(SMTP_PORT),
        Some(word) => {
            let port = port(word.as_str());
            if port.is_none() {
                let what = "a port from 1 to 65535, or the name smtp or submission";
                refuse(
                    diagnostics,
                    "bad-port",
                    line.keyword(),
                    what,
                    word,
                    LEFT_OUT,
                );
            }
            port
        }
    };
    if let Some(port) = port {
        mail.server = Some(MailServer {
            host: host.as_str().to_owned(),
            port,
            span: line.node.span(),
        });
    }
}

/// By number, or by the names that mail servers have.
fn port(text: &str) -> Option<u16> {
    match text {
        "smtp" | "mail" => return Some(SMTP_PORT),
        "submission" => return Some(587),
        _ => {}
    }
    let number = parse_unsigned(text).and_then(|number| u16::try_from(number).ok());
    number.filter(|number| *number > 0)
}
