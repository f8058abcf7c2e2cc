//! One attempt of a check.

mod attempt;
mod dns;
mod external;
mod http;
mod ping;
mod script;
mod smtp;
mod tcp;
mod udp;
mod unusable;

use sans_io_time::Instant;

use crate::io::{Input, Output};

pub use dns::{DnsProbe, DnsQuery, QueryType};
pub use external::{BfdProbe, FileProbe};
pub use http::{HttpConfig, HttpProbe};
pub use ping::PingProbe;
pub use script::ScriptProbe;
pub use smtp::{SMTP_LINE, SmtpProbe};
pub use tcp::TcpProbe;
pub use udp::{Pattern, UdpConfig, UdpProbe};
pub use unusable::UnusableProbe;

/// One attempt, from [`Probe::start`] to [`Output::Done`], which comes no later than the deadline
/// that the probe was made with, whatever the peer does. It can be started again afterwards. What has neither
/// a deadline nor anything to give up leaves out all but the start and the output.
pub trait Probe {
    /// Begins an attempt. One that runs is given up first.
    fn start(&mut self, now: Instant);

    /// Takes what the driver tells. What concerns an old connection does nothing.
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        let _ = (now, input);
    }

    /// Does what is due. Too early or twice does nothing.
    fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next thing to do.
    fn poll_output(&mut self) -> Option<Output>;

    /// When [`Probe::handle_timeout`] is needed next.
    fn next_timeout(&self) -> Option<Instant> {
        None
    }

    /// Gives up an attempt without a result: closes its connection, kills its program.
    fn abort(&mut self) {}
}

impl<P: Probe + ?Sized> Probe for Box<P> {
    fn start(&mut self, now: Instant) {
        (**self).start(now);
    }

    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        (**self).handle_input(now, input);
    }

    fn handle_timeout(&mut self, now: Instant) {
        (**self).handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        (**self).poll_output()
    }

    fn next_timeout(&self) -> Option<Instant> {
        (**self).next_timeout()
    }

    fn abort(&mut self) {
        (**self).abort();
    }
}
