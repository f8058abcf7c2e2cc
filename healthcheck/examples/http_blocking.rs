//! Checks a page with blocking sockets: `http_blocking ADDRESS:PORT [PATH] [tls]`.

use std::error::Error;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant as Clock};

use healthcheck::{
    ConnId, HttpConfig, HttpProbe, Input, Instant, IoFailure, Output, Page, Probe,
    ServerNameIndication, Target, TlsConfig,
};

const LIMIT: Duration = Duration::from_secs(5);

#[allow(
    clippy::disallowed_methods,
    reason = "an example has to look at a clock"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: http_blocking ADDRESS:PORT [PATH] [tls]";
    let to = arguments.next().ok_or(usage)?.parse()?;
    let mut config = HttpConfig::new(vec![Page::new(arguments.next().as_deref().unwrap_or("/"))]);
    if arguments.next().as_deref() == Some("tls") {
        config.tls = Some(TlsConfig::new(ServerNameIndication::Off)?);
    }
    let mut probe = HttpProbe::new(Target::new(to), config, LIMIT);

    let begin = Clock::now();
    let now = || Instant::from_nanos(begin.elapsed().as_nanos().try_into().unwrap_or(i64::MAX));
    let mut open: Option<(ConnId, TcpStream)> = None;
    probe.start(now());
    loop {
        while let Some(output) = probe.poll_output() {
            match output {
                Output::Connect { conn, target, .. } => {
                    match TcpStream::connect_timeout(&target.to, LIMIT) {
                        Ok(stream) => {
                            open = Some((conn, stream));
                            probe.handle_input(now(), Input::Connected(conn));
                        }
                        Err(error) => probe.handle_input(now(), Input::Failed(conn, why(&error))),
                    }
                }
                Output::Send { bytes, .. } => {
                    if let Some((_, stream)) = &mut open {
                        stream.write_all(&bytes)?;
                    }
                }
                Output::Close(_) => open = None,
                Output::Done(Ok(_)) => {
                    println!("passed after {:?}", begin.elapsed());
                    return Ok(());
                }
                Output::Done(Err(failure)) => return Err(failure.into()),
                _ => {}
            }
        }
        let Some((conn, stream)) = &mut open else {
            probe.handle_timeout(now());
            continue;
        };
        let left = probe
            .next_timeout()
            .map(|at| at.saturating_duration_since(now()));
        stream.set_read_timeout(left.map(|left| left.max(Duration::from_millis(1))))?;
        let mut room = [0; 4096];
        match stream.read(&mut room) {
            Ok(0) => probe.handle_input(now(), Input::Eof(*conn)),
            Ok(length) => probe.handle_input(now(), Input::Bytes(*conn, &room[..length])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => probe.handle_timeout(now()),
            Err(error) => probe.handle_input(now(), Input::Failed(*conn, why(&error))),
        }
    }
}

fn why(error: &std::io::Error) -> IoFailure {
    match error.kind() {
        ErrorKind::ConnectionRefused => IoFailure::Refused,
        ErrorKind::ConnectionReset => IoFailure::Reset,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => IoFailure::Unreachable,
        ErrorKind::TimedOut => IoFailure::TimedOut,
        _ => IoFailure::Other(error.raw_os_error().unwrap_or(0)),
    }
}
