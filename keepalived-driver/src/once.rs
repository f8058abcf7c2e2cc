//! One attempt of a check over TCP, for a program that has nothing else to do meanwhile.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use healthcheck::{ConnId, Input, IoFailure, Outcome, Output, Probe, Target};
use socket2::{Domain, Protocol, Socket, Type};

use crate::clock::Clock;

/// How much is read at once.
const ROOM: usize = 16 * 1024;

/// Run `probe` once and wait for its result, which comes no later than the limit it was made with. It
/// must want nothing but TCP, as the probes of web pages and mail servers do; what else it wants fails
/// it.
///
/// # Errors
///
/// Why the check failed.
pub fn attempt(probe: &mut dyn Probe) -> Outcome {
    let mut open: Option<(ConnId, TcpStream)> = None;
    probe.start(Clock.now());
    loop {
        while let Some(output) = probe.poll_output() {
            match output {
                Output::Connect { conn, target, .. } => {
                    let left = left(probe);
                    let input = match connect(&target, left) {
                        Ok(stream) => {
                            open = Some((conn, stream));
                            Input::Connected(conn)
                        }
                        Err(failure) => Input::Failed(conn, failure),
                    };
                    probe.handle_input(Clock.now(), input);
                }
                Output::Send { conn, bytes } => {
                    let left = left(probe);
                    let sent = match &mut open {
                        Some((_, stream)) => send(stream, &bytes, left),
                        None => Ok(()),
                    };
                    if let Err(error) = sent {
                        probe.handle_input(Clock.now(), Input::Failed(conn, failure(&error)));
                    }
                }
                Output::Close(_) => open = None,
                Output::Done(outcome) => return outcome,
                // A program, say.
                _ => probe.handle_input(Clock.now(), Input::SpawnFailed("no program is run here")),
            }
        }
        let left = left(probe);
        if let Some((conn, stream)) = &mut open
            && !left.is_zero()
        {
            let mut room = [0; ROOM];
            let read = stream
                .set_read_timeout(Some(left))
                .and_then(|()| stream.read(&mut room));
            match read {
                Ok(0) => probe.handle_input(Clock.now(), Input::Eof(*conn)),
                Ok(length) => {
                    let octets = room.get(..length).unwrap_or_default();
                    probe.handle_input(Clock.now(), Input::Bytes(*conn, octets));
                }
                Err(error) if is_over(error.kind()) => {}
                Err(error) => {
                    probe.handle_input(Clock.now(), Input::Failed(*conn, failure(&error)));
                }
            }
        }
        probe.handle_timeout(Clock.now());
    }
}

/// Until the end of the attempt.
fn left(probe: &dyn Probe) -> Duration {
    probe.next_timeout().map_or(Duration::ZERO, |at| {
        at.saturating_duration_since(Clock.now())
    })
}

/// A wait that ended without anything, by its time or by a signal.
fn is_over(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn connect(target: &Target, left: Duration) -> Result<TcpStream, IoFailure> {
    let other = |error: std::io::Error| IoFailure::Other(error.raw_os_error().unwrap_or(0));
    let bind = |_: std::io::Error| IoFailure::Bind;
    let domain = Domain::for_address(target.to);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP)).map_err(other)?;
    if target.mark != 0 {
        socket.set_mark(target.mark).map_err(bind)?;
    }
    if let Some(interface) = &target.interface {
        socket
            .bind_device(Some(interface.as_bytes()))
            .map_err(bind)?;
    }
    if let Some(address) = target.bind_address {
        let address = SocketAddr::new(address, target.bind_port);
        socket.bind(&address.into()).map_err(bind)?;
    }
    if left.is_zero() {
        return Err(IoFailure::TimedOut);
    }
    socket
        .connect_timeout(&target.to.into(), left)
        .map_err(|error| failure(&error))?;
    Ok(socket.into())
}

fn send(stream: &mut TcpStream, bytes: &[u8], left: Duration) -> std::io::Result<()> {
    if left.is_zero() {
        return Ok(());
    }
    stream.set_write_timeout(Some(left))?;
    match stream.write_all(bytes) {
        // The deadline says so in a moment.
        Err(error) if is_over(error.kind()) => Ok(()),
        other => other,
    }
}

fn failure(error: &std::io::Error) -> IoFailure {
    match error.kind() {
        ErrorKind::ConnectionRefused => IoFailure::Refused,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => IoFailure::Reset,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => IoFailure::Unreachable,
        ErrorKind::TimedOut => IoFailure::TimedOut,
        _ => IoFailure::Other(error.raw_os_error().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    use healthcheck::{Failure, HttpConfig, HttpProbe, Page, Passed, Stage, TcpProbe};

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn a_server_that_says_nothing_fails_the_attempt_when_its_time_is_over() {
        let (silent, address) = listener();
        let config = HttpConfig::new(vec![Page::new("/")]);
        let limit = Duration::from_millis(200);
        let mut probe = HttpProbe::new(Target::new(address), config, limit);
        assert_eq!(attempt(&mut probe), Err(Failure::Timeout(Stage::Head)));
        drop(silent);
    }

    #[test]
    fn a_page_that_comes_in_two_pieces_passes() {
        let (server, address) = listener();
        let life = thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut room = [0; 1024];
            assert!(stream.read(&mut room).unwrap() > 0);
            stream.write_all(b"HTTP/1.0 200 OK\r\n").unwrap();
            stream.write_all(b"\r\nhello").unwrap();
        });
        let mut config = HttpConfig::new(vec![Page::new("/")]);
        config.record = true;
        let limit = Duration::from_secs(30);
        let mut probe = HttpProbe::new(Target::new(address), config, limit);
        assert_eq!(attempt(&mut probe), Ok(Passed::PLAIN));
        assert_eq!(probe.take_record(), b"HTTP/1.0 200 OK\r\n\r\nhello");
        life.join().unwrap();
    }

    #[test]
    fn a_closed_port_is_refused() {
        // Bound, so that no other test gets the port, and nobody listens.
        let closed = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let somewhere = SocketAddr::from(([127, 0, 0, 1], 0));
        closed.bind(&somewhere.into()).unwrap();
        let address = closed.local_addr().unwrap().as_socket().unwrap();
        let mut probe = TcpProbe::new(Target::new(address), Duration::from_secs(30));
        assert_eq!(attempt(&mut probe), Err(Failure::Io(IoFailure::Refused)));
    }
}
