//! Any bytes as the answers of a server: a verdict by the deadline, and one only, and nothing sent
//! after it.

use std::time::Duration;

use healthcheck::{
    BodyRegex, ConnId, DnsProbe, DnsQuery, HttpConfig, HttpProbe, Input, Instant, Offsets, Output,
    Page, Probe, QueryType, SmtpProbe, StatusList, Target,
};

use super::input::Input as Choices;

const LIMIT: Duration = Duration::from_secs(5);

/// An HTTP answer, with all that can be looked at in it.
pub fn http(data: &[u8]) {
    let mut page = Page::new("/");
    page.expect.status = StatusList::new([100..=599]);
    page.expect.digest = data
        .first()
        .filter(|byte| **byte & 0x80 != 0)
        .map(|_| [0; 16]);
    let offsets = Offsets {
        min: 3,
        max: Some(100),
    };
    page.expect.regex = BodyRegex::new("a[bc]+d$", ["caseless"])
        .ok()
        .map(|regex| regex.with_offsets(offsets));
    let Some(target) = target() else { return };
    let mut config = HttpConfig::new(vec![page]);
    config.limits.body = 4096;
    config.limits.kept = 4096;
    config.limits.head = 1024;
    talk(HttpProbe::new(target, config, LIMIT), data);
}

/// A DNS answer, over UDP and over TCP.
pub fn dns(data: &[u8]) {
    let (Some(target), Some(query)) = (target(), DnsQuery::new(QueryType::A, "a.example")) else {
        return;
    };
    talk(DnsProbe::new(target, query, 1, LIMIT), data);
}

/// Replies of a mail server.
pub fn smtp(data: &[u8]) {
    let Some(target) = target() else { return };
    talk(SmtpProbe::new(target, "check.example", LIMIT), data);
}

fn target() -> Option<Target> {
    Some(Target::new("192.0.2.1:80".parse().ok()?))
}

/// Pieces one after another; a byte in front of each says how long it is, and whether it has the id of our
/// last question: at its beginning, or over a second connection behind the length that goes before it.
fn talk(mut probe: impl Probe, data: &[u8]) {
    let mut input = Choices::new(data);
    let now = Instant::from_nanos(0);
    let mut state = State::default();
    probe.start(now);
    drain(&mut probe, &mut state);
    while !input.is_empty() && !state.done {
        let Some(conn) = state.conn else { break };
        if !state.connected {
            state.connected = true;
            probe.handle_input(now, Input::Connected(conn));
            drain(&mut probe, &mut state);
            continue;
        }
        let choice = input.byte();
        let piece = input.take(usize::from(choice & 0x3f) * 4);
        let mut piece = match (choice & 0x40, state.conns) {
            (0, _) => piece.to_vec(),
            (_, 1) => [state.octets(0, 2), piece].concat(),
            _ => {
                let (length, rest) = piece.split_at(piece.len().min(2));
                [length, state.octets(2, 4), rest].concat()
            }
        };
        piece.truncate(2000);
        probe.handle_input(now, Input::Bytes(conn, &piece));
        if choice & 0x80 != 0 {
            probe.handle_input(now, Input::Eof(conn));
        }
        drain(&mut probe, &mut state);
    }
    let deadline = now.checked_add(LIMIT).expect("in range");
    probe.handle_timeout(deadline);
    drain(&mut probe, &mut state);
    assert!(state.done, "no verdict at the deadline");
    assert_eq!(probe.next_timeout(), None);
}

#[derive(Default)]
struct State {
    conn: Option<ConnId>,
    /// How many there were.
    conns: usize,
    connected: bool,
    /// The first octets of what was sent last.
    sent: Vec<u8>,
    done: bool,
}

impl State {
    /// These of the first octets of what was sent last, as far as there are any.
    fn octets(&self, from: usize, to: usize) -> &[u8] {
        let to = to.min(self.sent.len());
        self.sent.get(from..to).unwrap_or(&[])
    }
}

fn drain(probe: &mut impl Probe, state: &mut State) {
    while let Some(output) = probe.poll_output() {
        assert!(!state.done, "{output:?} after the verdict");
        match output {
            Output::Connect { conn, .. } => {
                (state.conn, state.connected) = (Some(conn), false);
                state.conns += 1;
            }
            Output::Send { bytes, .. } => state.sent = bytes.into_iter().take(4).collect(),
            Output::Close(conn) => assert_eq!(state.conn.take(), Some(conn)),
            Output::Done(_) => state.done = true,
            other => panic!("{other:?}"),
        }
    }
}
