//! Head and body of an alert, as octets for the DATA step.

use super::field;

/// A mail before it is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What tells it from all other mails, without its brackets: `5.17.1796147397@lb.example`. RFC 5322 3.6.4: some servers
    /// refuse a mail without one, and what relays it need not add one.
    pub id: String,
    /// When, as RFC 5322 3.3 wants it: `Sun, 29 Nov 2026 18:57:55 +0000`.
    pub date: String,
    /// Sender, with or without a display name.
    pub from: String,
    /// Recipients, likewise.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// Text; its lines end with a line feed.
    pub body: String,
}

impl Message {
    /// Head and body in keepalived's order, and the identifier that it lacks, with the final line that ends them.
    ///
    /// Whatever the fields contain, each stays one field of the head, and no line of the body ends the
    /// mail early. RFC 5321 4.5.2.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = String::new();
        for (name, value) in [
            ("Date", self.date.as_str()),
            ("From", &self.from),
            ("Subject", &self.subject),
            ("X-Mailer", "Keepalived"),
            ("To", &self.to.join(", ")),
            ("Message-ID", &format!("<{}>", self.id)),
        ] {
            field::push(&mut text, name, value);
        }
        text.push_str("\r\n");
        for line in self.body.lines() {
            if line.starts_with('.') {
                text.push('.');
            }
            text.extend(line.chars().filter(|c| !c.is_control() || *c == '\t'));
            text.push_str("\r\n");
        }
        text.push_str("\r\n.\r\n");
        text.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str, body: &str) -> String {
        let message = Message {
            id: "1.2.3@lab".into(),
            date: "Sun, 29 Nov 2026 18:57:55 +0000".into(),
            from: "Keep Alive <ka@z.org>".into(),
            to: vec!["a@x.org".into(), "Bob <bob@y.org>".into()],
            subject: subject.into(),
            body: body.into(),
        };
        String::from_utf8(message.encode()).unwrap()
    }

    /// MAIL-08, octet for octet what keepalived 2.2.7 sends, but for the identifier.
    #[test]
    fn an_alert_looks_as_keepalived_writes_it() {
        assert_eq!(
            message(
                "[lab] VRRP Instance V3 - Entering MASTER state",
                "=> VRRP Instance is now owning VRRP VIPs <="
            ),
            "Date: Sun, 29 Nov 2026 18:57:55 +0000\r\nFrom: Keep Alive <ka@z.org>\r\n\
             Subject: [lab] VRRP Instance V3 - Entering MASTER state\r\nX-Mailer: Keepalived\r\n\
             To: a@x.org, Bob <bob@y.org>\r\nMessage-ID: <1.2.3@lab>\r\n\r\n=> VRRP Instance is now owning VRRP VIPs <=\r\n\
             \r\n.\r\n"
        );
    }

    /// LESSONS A23: the body ended up in the list of recipients.
    #[test]
    fn neither_the_head_nor_the_end_can_be_forged() {
        let text = message(
            "x\r\nBcc: all@x.org\r\n\r\nhello",
            "first\r\n.\r\n..\nMAIL FROM:<>\n",
        );
        let (head, rest) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.lines().count(), 6, "{head}");
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert_eq!(text.matches("\r\n.\r\n").count(), 1);
        assert_eq!(rest, "first\r\n..\r\n...\r\nMAIL FROM:<>\r\n\r\n.\r\n");
    }
}
