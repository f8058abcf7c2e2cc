//! Against servers on the loopback interface that do not behave.

use std::io::BufRead;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// Far longer than anything here takes: only a hang meets it.
const HANG: Duration = Duration::from_secs(20);

fn start() -> (Mailer, Receiver<MailReport>) {
    let (sender, reports) = channel();
    let mailer = Mailer::start(move |report| drop(sender.send(report))).unwrap();
    (mailer, reports)
}

fn server(port: u16, timeout: Duration) -> Arc<MailServer> {
    Arc::new(MailServer {
        host: "127.0.0.1".into(),
        port,
        timeout,
        helo: "lab".into(),
    })
}

fn envelope() -> Envelope {
    Envelope {
        from: "a@x.org".into(),
        recipients: vec!["b@x.org".into()],
        message: b"Subject: s\r\n\r\nb\r\n.\r\n".to_vec(),
    }
}

/// A server that answers what `answers` says to each line, the first one being the greeting.
fn listen(answers: &'static [&'static str]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, heard) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = io::BufReader::new(stream.try_clone().unwrap()).lines();
        for answer in answers {
            stream.write_all(answer.as_bytes()).unwrap();
            let Some(Ok(line)) = lines.next() else { return };
            let _ = sender.send(line);
        }
        // Holds the connection and says nothing more.
        while let Some(Ok(line)) = lines.next() {
            let _ = sender.send(line);
        }
    });
    (port, heard)
}

/// MAIL-08.
#[test]
fn a_mail_reaches_the_server() {
    let ok = "250 ok\r\n";
    let (port, heard) = listen(Box::leak(Box::new([
        "220 hello\r\n",
        ok,
        ok,
        ok,
        "354 go\r\n",
        "",
        "",
        "",
        "250 queued\r\n",
    ])));
    let (mailer, reports) = start();
    mailer.post(&server(port, HANG), envelope());
    assert!(matches!(reports.recv_timeout(HANG), Ok(MailReport::Sent)));
    let lines: Vec<String> = heard.iter().take(8).collect();
    assert_eq!(
        lines,
        [
            "HELO lab",
            "MAIL FROM:<a@x.org>",
            "RCPT TO:<b@x.org>",
            "DATA",
            "Subject: s",
            "",
            "b",
            "."
        ]
    );
    assert_eq!(mailer.stop(HANG), 0);
}

/// LESSONS A23: stalls after HELO. Nobody waits but the mail thread, and that not for ever.
#[test]
fn a_server_that_falls_silent_is_given_up_and_nobody_waits_for_it() {
    let (port, _heard) = listen(&["220 hello\r\n", ""]);
    let (mailer, reports) = start();
    mailer.post(&server(port, Duration::from_millis(50)), envelope());
    let report = reports.recv_timeout(HANG).unwrap();
    assert!(
        matches!(&report, MailReport::Delayed { error } if error.kind() == io::ErrorKind::TimedOut),
        "{report:?}"
    );
    assert_eq!(
        mailer.stop(Duration::ZERO),
        1,
        "it waits for its next attempt"
    );
}

/// RFC 5321 4.2.1.
#[test]
fn a_permanent_refusal_is_not_tried_again() {
    let (port, _heard) = listen(&["554 go away\r\n"]);
    let (mailer, reports) = start();
    mailer.post(&server(port, HANG), envelope());
    let report = reports.recv_timeout(HANG).unwrap();
    assert!(
        matches!(report, MailReport::Failed { attempts: 1, .. }),
        "{report:?}"
    );
    drop(mailer);
}

/// RFC 5321 4.2.1: those who are taken get it, one who never is is told of, one who may be is asked for again.
#[test]
fn each_recipient_has_an_end_of_its_own() {
    let mut envelope = envelope();
    envelope.recipients = ["a", "never", "later"].map(str::to_owned).to_vec();
    let answer = |envelope: &Envelope, replies: &str| {
        let mut dialogue = Dialogue::deliver("lab", envelope.clone());
        dialogue.handle_octets(replies.as_bytes());
        dialogue
    };
    let ok = "250 ok\r\n";
    let replies = format!("220 x\r\n{ok}{ok}{ok}550 who?\r\n451 not yet\r\n354 go\r\n{ok}");
    let dialogue = answer(&envelope, &replies);
    let mut reports = Vec::new();
    let error = settle(&dialogue, &mut envelope, &mut |report| reports.push(report));
    let error = error.expect("one is to be asked for again");
    assert!(error.is_transient(), "{error}");
    assert_eq!(envelope.recipients, ["later"]);
    let [MailReport::Sent, MailReport::Refused(refusal)] = &*reports else {
        panic!("{reports:?}");
    };
    assert!(
        refusal.to_string().ends_with("RCPT TO:<never>"),
        "{refusal}"
    );
    // Who was asked about and not refused has not got it when the mail is not taken.
    envelope.recipients.push("another".to_owned());
    let replies = format!("220 x\r\n{ok}{ok}550 no\r\n{ok}451 not now\r\n");
    let dialogue = answer(&envelope, &replies);
    let error = settle(&dialogue, &mut envelope, &mut |report| reports.push(report));
    assert_eq!(
        error.map(|error| error.to_string()).as_deref(),
        Some("the server answered 451 \"not now\" to DATA")
    );
    assert_eq!(envelope.recipients, ["another"]);
    assert!(matches!(&reports[2..], [MailReport::Refused(_)]));
}

/// A server that puts off one mail does not keep the others.
#[test]
fn a_mail_that_waits_for_its_next_attempt_lets_others_pass() {
    let ok = "250 ok\r\n";
    let (slow, _heard) = listen(&["421 later\r\n"]);
    let (quick, _heard_too) = listen(Box::leak(Box::new([
        "220 hello\r\n",
        ok,
        ok,
        ok,
        "354 go\r\n",
        "",
        "",
        "",
        ok,
    ])));
    let (mailer, reports) = start();
    mailer.post(&server(slow, HANG), envelope());
    mailer.post(&server(quick, HANG), envelope());
    let report = reports.recv_timeout(HANG).unwrap();
    assert!(matches!(report, MailReport::Delayed { .. }), "{report:?}");
    let report = reports.recv_timeout(HANG).unwrap();
    assert!(matches!(report, MailReport::Sent), "{report:?}");
    assert_eq!(mailer.stop(HANG), 1, "what waits is left behind at once");
}

/// LESSONS A7: memory is bounded while the server is away, and the gap is told.
#[test]
fn a_full_queue_drops_mails_and_says_so() {
    let (port, _heard) = listen(&[""]);
    let (mailer, reports) = start();
    let silent = server(port, HANG);
    for _ in 0..QUEUE + 10 {
        mailer.post(&silent, envelope());
    }
    let state = mailer.shared.lock();
    assert!(
        state.waiting.len() <= QUEUE && state.lost >= 9,
        "{}",
        state.lost
    );
    drop(state);
    assert!(mailer.stop(Duration::ZERO) >= QUEUE);
    drop(reports);
}
