//! One SMTP conversation, without a socket: octets in, octets out. RFC 5321.
//!
//! Push what the server says into [`Dialogue::handle_octets`], send what
//! [`poll_transmit`](Dialogue::poll_transmit) gives, until there is an [`outcome`](Dialogue::outcome).

/// Longest reply that is read, in octets, over all of its lines. RFC 5321 4.5.3.1.5 allows 512 for a
/// line.
const LONGEST_REPLY: usize = 16 * 1024;

/// What is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Sender.
    pub from: String,
    /// Recipients, at least one.
    pub recipients: Vec<String>,
    /// Head and body, as [`Message::encode`](super::Message::encode) makes them.
    pub message: Vec<u8>,
}

/// Why a mail was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The server said no.
    #[error("the server answered {code} {text:?} to {to}")]
    Refused {
        /// Its number, 100 to 599.
        code: u16,
        /// Its words, without control characters.
        text: String,
        /// What it was answering to.
        to: String,
    },
    /// That is not SMTP.
    #[error("the server does not speak SMTP")]
    NotSmtp,
    /// It closed the connection in the middle.
    #[error("the server closed the connection")]
    Closed,
}

impl Refusal {
    /// Trying again later may help: everything but a permanent refusal. RFC 5321 4.2.1.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { code, .. } if *code >= 500)
    }
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    Helo,
    From,
    /// Answer to the recipient with this number.
    Recipient(usize),
    Data,
    Message,
    Done,
}

/// A conversation in progress.
#[derive(Debug)]
pub struct Dialogue {
    helo: String,
    /// Without one it is only asked whether the server would talk.
    envelope: Option<Envelope>,
    step: Step,
    /// What the server is to answer to, as it is called in the log.
    asked: String,
    /// What the server said and is not a whole reply yet.
    received: Vec<u8>,
    outgoing: Vec<u8>,
    accepted: usize,
    refused: Vec<(String, Refusal)>,
    outcome: Option<Result<(), Refusal>>,
}

impl Dialogue {
    /// Deliver a mail; `helo` is the name given to the server.
    #[must_use]
    pub fn deliver(helo: impl Into<String>, envelope: Envelope) -> Self {
        Self::new(helo.into(), Some(envelope))
    }

    /// Say HELO and QUIT: is there a mail server?
    #[must_use]
    pub fn probe(helo: impl Into<String>) -> Self {
        Self::new(helo.into(), None)
    }

    fn new(helo: String, envelope: Option<Envelope>) -> Self {
        Self {
            helo,
            envelope,
            step: Step::Greeting,
            asked: "the connection".to_owned(),
            received: Vec::new(),
            outgoing: Vec::new(),
            accepted: 0,
            refused: Vec::new(),
            outcome: None,
        }
    }

    /// The server said this.
    pub fn handle_octets(&mut self, octets: &[u8]) {
        self.received.extend_from_slice(octets);
        while self.outcome.is_none() {
            match take_reply(&mut self.received) {
                Ok(Some((code, text))) => self.handle_reply(code, text),
                Ok(None) => return,
                Err(refusal) => self.finish(Err(refusal)),
            }
        }
    }

    /// The server closed the connection.
    pub fn handle_end(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some(Err(Refusal::Closed));
        }
    }

    /// What to send to the server now.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        (!self.outgoing.is_empty()).then(|| std::mem::take(&mut self.outgoing))
    }

    /// How it ended, once it has: well, if the server took the mail for any of the recipients. What is still to
    /// be sent is only good manners.
    #[must_use]
    pub fn outcome(&self) -> Option<&Result<(), Refusal>> {
        self.outcome.as_ref()
    }

    /// The recipients that the server would not have, each with the reason.
    #[must_use]
    pub fn refused(&self) -> &[(String, Refusal)] {
        &self.refused
    }

    fn handle_reply(&mut self, code: u16, text: String) {
        let good = match self.step {
            Step::Data => (300..400).contains(&code),
            _ => (200..300).contains(&code),
        };
        if !good {
            let to = self.asked.clone();
            let refusal = Refusal::Refused { code, text, to };
            // One wrong recipient must not keep the mail from the others.
            match self.recipient() {
                Some(recipient) => self.refused.push((recipient.to_owned(), refusal)),
                None => return self.finish(Err(refusal)),
            }
        }
        match self.step {
            Step::Greeting => self.command(Step::Helo, &format!("HELO {}", self.helo)),
            Step::Helo => match &self.envelope {
                Some(envelope) => {
                    self.command(Step::From, &format!("MAIL FROM:<{}>", envelope.from));
                }
                None => self.finish(Ok(())),
            },
            Step::From => self.next_recipient(0),
            Step::Recipient(number) => {
                self.accepted += usize::from(good);
                self.next_recipient(number.saturating_add(1));
            }
            Step::Data => {
                let message = self
                    .envelope
                    .as_ref()
                    .map(|envelope| envelope.message.clone());
                self.outgoing.extend(message.unwrap_or_default());
                self.step = Step::Message;
                self.asked = "the message".to_owned();
            }
            Step::Message => self.finish(Ok(())),
            Step::Done => {}
        }
    }

    fn next_recipient(&mut self, number: usize) {
        self.step = Step::Recipient(number);
        match self.recipient() {
            Some(recipient) => {
                let line = format!("RCPT TO:<{recipient}>");
                self.command(self.step, &line);
            }
            None if self.accepted > 0 => self.command(Step::Data, "DATA"),
            None => {
                // Whoever may be taken later is a reason to come back.
                let mut reasons = self.refused.iter().map(|(_, refusal)| refusal);
                let transient = reasons.clone().find(|refusal| refusal.is_transient());
                let refusal = transient.or_else(|| reasons.next_back()).cloned();
                self.finish(Err(refusal.unwrap_or(Refusal::NotSmtp)));
            }
        }
    }

    /// Whom the server is asked about at present.
    fn recipient(&self) -> Option<&str> {
        let Step::Recipient(number) = self.step else {
            return None;
        };
        let recipients = &self.envelope.as_ref()?.recipients;
        recipients.get(number).map(String::as_str)
    }

    fn command(&mut self, step: Step, line: &str) {
        self.step = step;
        // A line break in a name would be a command of its own.
        self.asked = line.chars().filter(|c| !c.is_control()).collect();
        self.outgoing.extend(self.asked.bytes());
        self.outgoing.extend_from_slice(b"\r\n");
    }

    fn finish(&mut self, outcome: Result<(), Refusal>) {
        self.command(Step::Done, "QUIT");
        self.outcome = Some(outcome);
    }
}

/// A whole reply, if there is one: `250-first`, `250 last`. RFC 5321 4.2.1.
fn take_reply(received: &mut Vec<u8>) -> Result<Option<(u16, String)>, Refusal> {
    let mut text = String::new();
    let mut consumed = 0;
    loop {
        let rest = received.get(consumed..).unwrap_or_default();
        let Some(end) = rest.iter().position(|octet| *octet == b'\n') else {
            return if received.len() > LONGEST_REPLY {
                Err(Refusal::NotSmtp)
            } else {
                Ok(None)
            };
        };
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        consumed += end + 1;
        let code = line.get(..3).and_then(|code| code.parse::<u16>().ok());
        let Some(code) = code.filter(|code| (100..600).contains(code)) else {
            return Err(Refusal::NotSmtp);
        };
        let words = line.get(4..).unwrap_or_default();
        let words = words.trim().chars().filter(|c| !c.is_control());
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(words);
        let more = line.as_bytes().get(3) == Some(&b'-');
        if !more {
            received.drain(..consumed);
            return Ok(Some((code, text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            from: "ka@z.org".into(),
            recipients: vec!["a@x.org".into(), "b@y.org".into()],
            message: b"Subject: x\r\n\r\ny\r\n.\r\n".to_vec(),
        }
    }

    /// What we say after each thing the server says.
    fn talk(dialogue: &mut Dialogue, server: &[&str]) -> Vec<String> {
        let mut said = Vec::new();
        for line in server {
            dialogue.handle_octets(line.as_bytes());
            let transmit = dialogue.poll_transmit().unwrap_or_default();
            said.push(String::from_utf8(transmit).unwrap());
        }
        said
    }

    /// MAIL-08: the words of keepalived's conversation, with addresses alone in the envelope.
    #[test]
    fn a_mail_is_handed_over_step_by_step() {
        let mut dialogue = Dialogue::deliver("helo.name", envelope());
        assert_eq!(dialogue.poll_transmit(), None, "the server speaks first");
        let said = talk(
            &mut dialogue,
            &[
                "220 fake ESMTP\r\n",
                "250-hello\r\n250 SIZE\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
                "354 go\r\n",
                "250 queued\r\n",
            ],
        );
        assert_eq!(
            said,
            [
                "HELO helo.name\r\n",
                "MAIL FROM:<ka@z.org>\r\n",
                "RCPT TO:<a@x.org>\r\n",
                "RCPT TO:<b@y.org>\r\n",
                "DATA\r\n",
                "Subject: x\r\n\r\ny\r\n.\r\n",
                "QUIT\r\n",
            ]
        );
        assert_eq!(dialogue.outcome(), Some(&Ok(())));
    }

    #[test]
    fn one_refused_recipient_does_not_keep_the_mail_from_the_others() {
        let mut dialogue = Dialogue::deliver("h", envelope());
        let said = talk(
            &mut dialogue,
            &["220 x\r\n250 x\r\n250 x\r\n", "550 who?\r\n", "250 x\r\n"],
        );
        assert_eq!(said.last().map(String::as_str), Some("DATA\r\n"));
        let [(recipient, refusal)] = dialogue.refused() else {
            panic!("{:?}", dialogue.refused());
        };
        assert_eq!(recipient, "a@x.org");
        assert_eq!(
            refusal.to_string(),
            "the server answered 550 \"who?\" to RCPT TO:<a@x.org>"
        );
    }

    /// RFC 5321 4.2.1.
    #[test]
    fn one_recipient_who_may_be_taken_later_is_a_reason_to_come_back() {
        for [first, second] in [
            ["550 who?\r\n", "451 later\r\n"],
            ["451 later\r\n", "550 who?\r\n"],
        ] {
            let mut dialogue = Dialogue::deliver("h", envelope());
            talk(
                &mut dialogue,
                &["220 x\r\n250 x\r\n250 x\r\n", first, second],
            );
            let refusal = dialogue.outcome().unwrap().clone().unwrap_err();
            assert!(refusal.is_transient(), "{refusal}");
            assert_eq!(dialogue.refused().len(), 2);
        }
    }

    #[test]
    fn replies_may_come_in_any_pieces_and_nonsense_ends_the_conversation() {
        let mut dialogue = Dialogue::probe("h");
        for octet in b"220-one\r\n220 two\r\n" {
            assert_eq!(dialogue.poll_transmit(), None);
            dialogue.handle_octets(&[*octet]);
        }
        assert_eq!(
            dialogue.poll_transmit().as_deref(),
            Some(&b"HELO h\r\n"[..])
        );
        dialogue.handle_octets(b"250 ok\n");
        assert_eq!(dialogue.outcome(), Some(&Ok(())));
        for nonsense in [
            "HTTP/1.1 400\r\n",
            "99 x\r\n",
            "600 x\r\n",
            "\r\n",
            "22\u{e9} x\r\n",
        ] {
            let mut dialogue = Dialogue::probe("h");
            dialogue.handle_octets(nonsense.as_bytes());
            assert_eq!(
                dialogue.outcome(),
                Some(&Err(Refusal::NotSmtp)),
                "{nonsense:?}"
            );
        }
        let mut endless = Dialogue::probe("h");
        for _ in 0..LONGEST_REPLY {
            endless.handle_octets(b"220-");
        }
        assert_eq!(endless.outcome(), Some(&Err(Refusal::NotSmtp)));
        let mut closed = Dialogue::probe("h");
        closed.handle_end();
        assert_eq!(closed.outcome(), Some(&Err(Refusal::Closed)));
    }

    /// LESSONS A23, C: what a name contains is never a command.
    #[test]
    fn a_line_break_in_a_name_makes_no_command() {
        let mut evil = envelope();
        evil.recipients = vec!["a@x.org>\r\nDATA\r\n".into()];
        let mut dialogue = Dialogue::deliver("h\r\nQUIT", evil);
        let said = talk(&mut dialogue, &["220 x\r\n", "250 x\r\n", "250 x\r\n"]);
        assert_eq!(said[0], "HELO hQUIT\r\n");
        assert_eq!(said[2].matches("\r\n").count(), 1);
    }
}
