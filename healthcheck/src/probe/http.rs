//! HTTP, plain or over TLS: the page has the status, the digest and the text that it should have
//! (CHK-11, CHK-12). One attempt looks at one page; the next attempt at the next page.

use std::time::Duration;

use sans_io_time::Instant;

use super::Probe;
use super::attempt::Attempt;
use crate::http::{Body, Examiner, Head, HeadReader, HttpLimits, HttpVersion, Page};
use crate::io::{Input, Output, Target, Transport};
#[cfg(feature = "tls")]
use crate::outcome::TlsFailure;
use crate::outcome::{Failure, HttpFailure, Passed, Stage, WeightChange};
#[cfg(feature = "tls")]
use crate::tls::{TlsConfig, TlsStream};

/// What to ask for, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    /// Pages, at least one. Without any the check passes when the server accepts a connection.
    pub pages: Vec<Page>,
    /// Version of the request.
    pub version: HttpVersion,
    /// How much is read.
    pub limits: HttpLimits,
    /// TLS around it.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
    /// What the server says is kept, for somebody to look at ([`HttpProbe::take_record`]).
    pub record: bool,
}

impl HttpConfig {
    /// Asks for these pages without TLS.
    #[must_use]
    pub fn new(pages: Vec<Page>) -> Self {
        Self {
            pages,
            version: HttpVersion::default(),
            limits: HttpLimits::default(),
            #[cfg(feature = "tls")]
            tls: None,
            record: false,
        }
    }
}

#[derive(Debug)]
enum State {
    Connecting,
    #[cfg(feature = "tls")]
    Handshake,
    Head(HeadReader),
    Body(Body, Examiner),
    /// All is well with the page; how the connection ends is still to be seen.
    #[cfg(feature = "tls")]
    Closing,
}

/// Passes when a page is as it should be (CHK-11).
#[derive(Debug)]
pub struct HttpProbe {
    attempt: Attempt,
    target: Target,
    config: HttpConfig,
    page: usize,
    state: State,
    #[cfg(feature = "tls")]
    tls: Option<TlsStream>,
    record: Vec<u8>,
}

impl HttpProbe {
    /// Asks `target`; an attempt, handshake and all, within `limit`.
    #[must_use]
    pub fn new(target: Target, config: HttpConfig, limit: Duration) -> Self {
        Self {
            attempt: Attempt::new(limit),
            target,
            config,
            page: 0,
            state: State::Connecting,
            #[cfg(feature = "tls")]
            tls: None,
            record: Vec::new(),
        }
    }

    /// What the server has said in the last attempt, head and body as they were on the wire inside
    /// TLS; empty unless [`HttpConfig::record`] was set.
    #[must_use]
    pub fn take_record(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.record)
    }

    fn connected(&mut self) -> Result<(), Failure> {
        if !matches!(self.state, State::Connecting) {
            return Ok(());
        }
        #[cfg(feature = "tls")]
        if let Some(config) = &self.config.tls {
            let page = self.config.pages.get(self.page);
            let host = page.and_then(|page| page.virtual_host.as_deref());
            self.tls = Some(TlsStream::new(config, self.target.to.ip(), host)?);
            self.state = State::Handshake;
            return self.flush();
        }
        self.ask()
    }

    fn ask(&mut self) -> Result<(), Failure> {
        let Some(page) = self.config.pages.get(self.page) else {
            self.passed();
            return Ok(());
        };
        let request = page.request(self.config.version, self.target.to);
        self.state = State::Head(HeadReader::default());
        #[cfg(feature = "tls")]
        if let Some(stream) = &mut self.tls {
            stream.write(&request)?;
            return self.flush();
        }
        self.attempt.send(request);
        Ok(())
    }

    /// Sends what TLS has to send.
    #[cfg(feature = "tls")]
    fn flush(&mut self) -> Result<(), Failure> {
        if let Some(stream) = &mut self.tls {
            let bytes = stream.take_outgoing()?;
            self.attempt.send(bytes);
        }
        Ok(())
    }

    fn octets(&mut self, octets: &[u8]) -> Result<(), Failure> {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return self.ciphertext(octets);
        }
        self.plaintext(octets)
    }

    #[cfg(feature = "tls")]
    fn ciphertext(&mut self, mut octets: &[u8]) -> Result<(), Failure> {
        // A piece at a time, and what is in it, so that no more than a piece is ever held.
        while !octets.is_empty() && self.attempt.runs() {
            let Some(stream) = &mut self.tls else { break };
            let (used, plain) = match stream.read(octets) {
                Ok(read) => read,
                Err(failure) => {
                    // The server should hear what is wrong.
                    let _last_words = self.flush();
                    return Err(failure.into());
                }
            };
            let (done, closed) = (!stream.is_handshaking(), stream.is_closed());
            octets = octets.get(used..).unwrap_or_default();
            self.flush()?;
            if done && matches!(self.state, State::Handshake) {
                self.ask()?;
            }
            self.plaintext(&plain)?;
            if closed {
                return self.ended();
            }
            if used == 0 {
                break;
            }
        }
        Ok(())
    }

    fn plaintext(&mut self, octets: &[u8]) -> Result<(), Failure> {
        if self.config.record {
            self.record.extend_from_slice(octets);
        }
        let limits = self.config.limits;
        if let State::Head(reader) = &mut self.state {
            let Some((head, rest)) = reader.push(octets, &limits)? else {
                return Ok(());
            };
            self.judge_head(head)?;
            return self.body(&rest);
        }
        self.body(octets)
    }

    fn judge_head(&mut self, head: Head) -> Result<(), Failure> {
        let Some(page) = self.config.pages.get(self.page) else {
            return Ok(());
        };
        if !page.expect.status.contains(head.status) {
            let (code, path) = (head.status, page.path.clone());
            return Err(HttpFailure::Status { code, path }.into());
        }
        self.state = State::Body(Body::new(head.framing), Examiner::new(&page.expect));
        Ok(())
    }

    fn body(&mut self, octets: &[u8]) -> Result<(), Failure> {
        let State::Body(body, examiner) = &mut self.state else {
            return Ok(());
        };
        let HttpLimits {
            body: most, kept, ..
        } = self.config.limits;
        let most = if examiner.keeps() { kept } else { most };
        let mut content = Vec::new();
        let raw = |octets: &[u8]| examiner.raw(octets);
        let result = body.push(octets, most, raw, |octets| {
            content.extend_from_slice(octets);
        });
        examiner.content(&content);
        result?;
        if body.is_complete() {
            self.complete()?;
        }
        Ok(())
    }

    /// The peer has no more to say.
    fn ended(&mut self) -> Result<(), Failure> {
        #[cfg(feature = "tls")]
        if matches!(self.state, State::Closing) {
            if self.tls.as_ref().is_some_and(TlsStream::is_closed) {
                self.passed();
                return Ok(());
            }
            return Err(TlsFailure::NoCloseNotify.into());
        }
        if let State::Body(body, _) = &self.state
            && body.ends_with_connection()
        {
            return self.complete();
        }
        Err(Failure::Closed(self.stage()))
    }

    fn complete(&mut self) -> Result<(), Failure> {
        let state = std::mem::replace(&mut self.state, State::Connecting);
        if let (State::Body(_, examiner), Some(page)) = (state, self.config.pages.get(self.page)) {
            examiner.judge(page)?;
            #[cfg(feature = "tls")]
            if page.tls_compliant && self.tls.as_ref().is_some_and(|tls| !tls.is_closed()) {
                self.state = State::Closing;
                return Ok(());
            }
        }
        self.passed();
        Ok(())
    }

    fn passed(&mut self) {
        #[cfg(feature = "tls")]
        if let Some(stream) = &mut self.tls {
            stream.close();
            let _last_words = self.flush();
        }
        let next = self.page.saturating_add(1);
        let complete = next >= self.config.pages.len();
        self.page = if complete { 0 } else { next };
        self.attempt.finish(Ok(Passed {
            complete,
            weight: WeightChange::None,
        }));
    }

    fn failed(&mut self, failure: Failure) {
        // What a connection comes to after its page has passed is not a failure of that page.
        if !self.attempt.runs() {
            return;
        }
        // From the first page on again.
        self.page = 0;
        self.attempt.fail(failure);
    }

    const fn stage(&self) -> Stage {
        match self.state {
            State::Connecting => Stage::Connecting,
            #[cfg(feature = "tls")]
            State::Handshake => Stage::Handshake,
            State::Head(_) => Stage::Head,
            State::Body(..) => Stage::Body,
            #[cfg(feature = "tls")]
            State::Closing => Stage::Closing,
        }
    }
}

impl Probe for HttpProbe {
    fn start(&mut self, now: Instant) {
        self.state = State::Connecting;
        #[cfg(feature = "tls")]
        {
            self.tls = None;
        }
        self.record.clear();
        self.attempt.begin(now);
        self.attempt.connect(Transport::Tcp, self.target.clone());
    }

    fn handle_input(&mut self, _now: Instant, input: Input<'_>) {
        let result = match input {
            Input::Connected(conn) if self.attempt.is_ours(conn) => self.connected(),
            Input::Bytes(conn, octets) if self.attempt.is_ours(conn) => self.octets(octets),
            Input::Eof(conn) if self.attempt.is_ours(conn) => self.ended(),
            Input::Failed(conn, failure) if self.attempt.is_ours(conn) => {
                Err(self.attempt.io(failure))
            }
            _ => Ok(()),
        };
        if let Err(failure) = result {
            self.failed(failure);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.attempt.is_due(now) {
            self.failed(Failure::Timeout(self.stage()));
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.attempt.poll()
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.attempt.deadline()
    }

    fn abort(&mut self) {
        self.attempt.abort();
    }
}
