//! A mail server of the test: takes every mail and remembers what was said.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{Netns, wait_until};

/// One mail as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The name in HELO.
    pub helo: String,
    /// The sender in the envelope.
    pub from: String,
    /// The recipients in the envelope.
    pub to: Vec<String>,
    /// Head and body, line by line.
    pub lines: Vec<String>,
}

impl Mail {
    /// A line of the head.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.lines.iter().take_while(|line| !line.is_empty());
        let mut values = head.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.next()
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.header("Subject").unwrap_or_default()
    }
}

/// A running server, on 127.0.0.1 of a namespace. Its thread ends with the test.
#[derive(Debug)]
pub struct MailServer {
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    /// Listens on this port.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn start(netns: &Netns, port: u16) -> Self {
        let mails = Arc::new(Mutex::new(Vec::new()));
        let store = Arc::clone(&mails);
        let (ready, listening) = channel();
        let _never_joined = netns.spawn(move || {
            let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
            let _ = ready.send(());
            for stream in listener.incoming().flatten() {
                let store = Arc::clone(&store);
                std::thread::spawn(move || {
                    let copy = stream.try_clone().expect("one more descriptor");
                    if let Some(mail) = converse(BufReader::new(copy), stream) {
                        lock(&store).push(mail);
                    }
                });
            }
        });
        let _: Result<(), _> = Receiver::recv_timeout(&listening, Duration::from_secs(10));
        Self { mails }
    }

    /// Everything that came so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.mails).clone()
    }

    /// Waits for a mail with this subject.
    ///
    /// # Panics
    /// When none comes within `limit`.
    #[track_caller]
    pub fn wait_subject(&self, subject: &str, limit: Duration) -> Mail {
        let find = || {
            self.mails()
                .into_iter()
                .find(|mail| mail.subject() == subject)
        };
        wait_until(&format!("a mail about {subject:?}"), limit, || {
            find().is_some()
        });
        find().expect("it is there")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn converse(mut input: impl BufRead, mut output: impl Write) -> Option<Mail> {
    let mut mail = Mail {
        helo: String::new(),
        from: String::new(),
        to: Vec::new(),
        lines: Vec::new(),
    };
    let mut say = |text: &str| output.write_all(text.as_bytes()).ok();
    let mut line = || {
        let mut line = String::new();
        let count = input.read_line(&mut line).ok()?;
        (count > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    };
    say("220 lab\r\n")?;
    loop {
        let command = line()?;
        if let Some(name) = command.strip_prefix("HELO ") {
            name.clone_into(&mut mail.helo);
        } else if let Some(from) = command.strip_prefix("MAIL FROM:") {
            from.clone_into(&mut mail.from);
        } else if let Some(to) = command.strip_prefix("RCPT TO:") {
            mail.to.push(to.to_owned());
        } else if command == "DATA" {
            say("354 go on\r\n")?;
            loop {
                let text = line()?;
                if text == "." {
                    break;
                }
                mail.lines.push(text);
            }
        } else if command == "QUIT" {
            say("221 bye\r\n")?;
            return Some(mail);
        }
        say("250 ok\r\n")?;
    }
}
