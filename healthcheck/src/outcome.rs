//! How an attempt ended.

use thiserror::Error;

use crate::io::IoFailure;

/// The result of an attempt.
pub type Outcome = Result<Passed, Failure>;

/// A success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Whether this was all there is to check; `false` when another page follows.
    pub complete: bool,
    /// What the check says about the weight of the server.
    pub weight: WeightChange,
}

impl Passed {
    /// A complete success that says nothing about the weight.
    pub const PLAIN: Self = Self {
        complete: true,
        weight: WeightChange::None,
    };
}

/// What a check adds to the weight of its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightChange {
    /// Nothing.
    #[default]
    None,
    /// As much as makes the configured weight this one.
    To(u32),
    /// So much.
    By(i64),
}

/// Why an attempt failed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// The deadline passed.
    #[error("timed out while {0}")]
    Timeout(Stage),
    /// The operating system could not.
    #[error("{0}")]
    Io(IoFailure),
    /// It cannot come from where it is to come from, and why.
    #[error("{0}")]
    Source(String),
    /// The peer closed the connection too early.
    #[error("connection closed while {0}")]
    Closed(Stage),
    /// HTTP.
    #[error(transparent)]
    Http(#[from] HttpFailure),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsFailure),
    /// SMTP.
    #[error(transparent)]
    Smtp(#[from] SmtpFailure),
    /// DNS.
    #[error(transparent)]
    Dns(#[from] DnsFailure),
    /// A datagram of an unfitting length.
    #[error("reply of {0} octets")]
    ReplyLength(usize),
    /// A datagram with other contents.
    #[error("unexpected reply")]
    ReplyContent,
    /// The program could not be started, and why.
    #[error("the program cannot be started: {0}")]
    NotStarted(String),
    /// Exit code of the program.
    #[error("exit code {0}")]
    Exit(i32),
    /// The program was ended by a signal.
    #[error("ended by a signal")]
    Signal,
    /// The program of the attempt before is still not dead.
    #[error("the previous run has not ended")]
    StillRunning,
    /// The number in the file is below the limit.
    #[error("value {0} in the file")]
    FileValue(i64),
    /// What is watched elsewhere is down.
    #[error("down")]
    Down,
    /// There is nothing to attempt: the check as it is wanted cannot be had, and why.
    #[error("cannot be checked: {0}")]
    Unusable(String),
}

/// What an attempt was doing.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for the connection.
    Connecting,
    /// In the TLS handshake.
    Handshake,
    /// Waiting for the greeting of the server.
    Greeting,
    /// Waiting for the rest of a head.
    Head,
    /// Waiting for the rest of a body.
    Body,
    /// Waiting for the end of the connection.
    Closing,
    /// Waiting for an answer.
    Reply,
    /// Waiting for a program.
    Running,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Handshake => "in the TLS handshake",
            Self::Greeting => "waiting for the greeting",
            Self::Head => "reading the head of the answer",
            Self::Body => "reading the body of the answer",
            Self::Closing => "waiting for the end of the connection",
            Self::Reply => "waiting for a reply",
            Self::Running => "the program was running",
        })
    }
}

/// What was wrong with an HTTP answer.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HttpFailure {
    /// Not HTTP.
    #[error("malformed HTTP answer")]
    Malformed,
    /// More than [`crate::HttpLimits::head`] octets, or too many fields.
    #[error("head of the HTTP answer too long")]
    HeadTooLong,
    /// A status code outside 100 to 599.
    #[error("status code {0} is none")]
    StatusRange(u16),
    /// A status code that is not in the list.
    #[error("status code {code} of {path}")]
    Status {
        /// What was answered.
        code: u16,
        /// The page.
        path: String,
    },
    /// More octets than [`crate::HttpLimits`] allows.
    #[error("body of the HTTP answer too long")]
    BodyTooLong,
    /// Not the length of a chunk, or no end where it has to be.
    #[error("malformed chunk")]
    Chunk,
    /// The MD5 of the body is another.
    #[error("digest {got} of {path}, not {wanted}")]
    Digest {
        /// In hexadecimal digits.
        got: String,
        /// The same.
        wanted: String,
        /// The page.
        path: String,
    },
    /// The regular expression matches nothing.
    #[error("the regular expression `{regex}` does not match in {path}")]
    NoMatch {
        /// As it is written.
        regex: String,
        /// The page.
        path: String,
    },
    /// The regular expression matches and should not.
    #[error("the regular expression `{regex}` matches in {path}")]
    Match {
        /// As it is written.
        regex: String,
        /// The page.
        path: String,
    },
}

/// What was wrong with a TLS connection.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlsFailure {
    /// The server wants TLS 1.1 or older, which C Keepalived with OpenSSL can still speak.
    #[error("the server speaks only TLS 1.1 or older")]
    LegacyVersion,
    /// No cipher or curve in common: the server has RSA key exchange, finite-field Diffie-Hellman, CBC or P-521 only.
    #[error(
        "no cipher or curve in common (checks have ECDHE with AES-GCM or ChaCha20, over X25519, P-256 or P-384)"
    )]
    LegacyCipher,
    /// The certificate does not stand the verification that was asked for.
    #[error("certificate: {0}")]
    Certificate(String),
    /// The server ended the handshake with an alert.
    #[error("alert: {0}")]
    Alert(String),
    /// The server closed the connection without saying so first.
    #[error("the connection was closed without a close_notify")]
    NoCloseNotify,
    /// Not TLS.
    #[error("TLS: {0}")]
    Protocol(String),
}

/// What was wrong with an SMTP dialogue.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SmtpFailure {
    /// A line without a three-digit code.
    #[error("malformed SMTP reply")]
    Malformed,
    /// A line of more than [`crate::SMTP_LINE`] octets.
    #[error("SMTP reply line too long")]
    LineTooLong,
    /// A reply of too many lines.
    #[error("SMTP reply of too many lines")]
    TooManyLines,
    /// Another code than the one that goes on.
    #[error("SMTP reply {0}")]
    Code(u16),
}

/// What was wrong with a DNS answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DnsFailure {
    /// Shorter than a header, or not an answer.
    #[error("malformed DNS answer")]
    Malformed,
    /// An answer to another question.
    #[error("DNS answer with another id")]
    WrongId,
    /// A response code other than 0.
    #[error("DNS response code {0}")]
    ResponseCode(u8),
}
