#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod checker;
mod http;
mod io;
#[cfg(feature = "encrypted-keys")]
mod key;
mod outcome;
mod pool;
mod probe;
mod rng;
mod schedule;
#[cfg(feature = "tls")]
mod tls;

pub use checker::{Checker, CheckerEvent, Health, Progress, Results};
#[cfg(feature = "regex")]
pub use http::{BodyRegex, RegexError};
pub use http::{Expectation, HttpLimits, HttpVersion, Offsets, Page, StatusList};
pub use io::{ConnId, Input, IoFailure, Level, Output, Target, Transport};
#[cfg(feature = "encrypted-keys")]
pub use key::decrypt_key;
pub use outcome::{
    DnsFailure, Failure, HttpFailure, Outcome, Passed, SmtpFailure, Stage, TlsFailure, WeightChange,
};
pub use pool::{
    Member, Placement, Pool, PoolConfig, PoolEvent, ServerConfig, ServerId, SorryServer,
};
pub use probe::{
    BfdProbe, DnsProbe, DnsQuery, FileProbe, HttpConfig, HttpProbe, Pattern, PingProbe, Probe,
    QueryType, SMTP_LINE, ScriptProbe, SmtpProbe, TcpProbe, UdpConfig, UdpProbe, UnusableProbe,
};
pub use sans_io_time::Instant;
pub use schedule::Schedule;
#[cfg(feature = "tls")]
pub use tls::{ServerNameIndication, TlsConfig, TlsConfigError, Verify, WallClock};
