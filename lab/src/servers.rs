//! Small servers to be checked and balanced over. Each lives until it is dropped, then connections
//! are refused.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Host;

/// How often a UDP server looks whether it was dropped.
const TURN: Duration = Duration::from_millis(200);
/// A client that says nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a server does with a client.
#[derive(Clone, Debug)]
pub enum Talk {
    /// Greets with its text, then closes.
    Text(String),
    /// HTTP: this status and this body, whatever is asked.
    Http(u16, String),
    /// SMTP: a greeting, and consent to everything.
    Smtp,
}

/// A server on one port of a host.
#[derive(Debug)]
pub struct Server {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    listener: Option<TcpListener>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// A TCP server on all addresses of the host.
    ///
    /// # Panics
    /// When the port is taken.
    #[must_use]
    pub fn tcp(host: &Host, port: u16, talk: Talk) -> Self {
        Self::start(host, move |stop, served, ready| {
            let listener = TcpListener::bind(any(port)).expect("the port is free");
            ready(listener.try_clone().ok());
            while let Ok((stream, _)) = listener.accept()
                && !stop.load(Ordering::Relaxed)
            {
                served.fetch_add(1, Ordering::Relaxed);
                let _client_left = answer(stream, &talk);
            }
        })
    }

    /// A UDP server that sends back what it gets.
    ///
    /// # Panics
    /// When the port is taken.
    #[must_use]
    pub fn echo(host: &Host, port: u16) -> Self {
        Self::udp(host, port, <[u8]>::to_vec)
    }

    /// A name server that has an answer to every question: the address 192.0.2.1.
    ///
    /// # Panics
    /// When the port is taken.
    #[must_use]
    pub fn dns(host: &Host, port: u16) -> Self {
        Self::udp(host, port, |question| {
            let mut answer = question.to_vec();
            // A response, recursion available, one answer.
            if let Some([_, _, flags, more, _, _, _, answers, ..]) = answer.get_mut(..12) {
                (*flags, *more, *answers) = (0x81, 0x80, 1);
            }
            // Only what follows the question may be cut off: additional records are none here.
            if let Some(counts) = answer.get_mut(8..12) {
                counts.fill(0);
            }
            // The name of the question, type A, class IN, a minute, four octets.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
            answer
        })
    }

    fn udp(host: &Host, port: u16, reply: fn(&[u8]) -> Vec<u8>) -> Self {
        Self::start(host, move |stop, served, ready| {
            let socket = UdpSocket::bind(any(port)).expect("the port is free");
            socket.set_read_timeout(Some(TURN)).expect("a timeout");
            ready(None);
            let mut room = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut room) else {
                    continue;
                };
                served.fetch_add(1, Ordering::Relaxed);
                let _unreachable = socket.send_to(&reply(&room[..length]), from);
            }
        })
    }

    fn start(
        host: &Host,
        serve: impl FnOnce(&AtomicBool, &AtomicU64, &dyn Fn(Option<TcpListener>)) + Send + 'static,
    ) -> Self {
        let (stop, served) = (Arc::default(), Arc::default());
        let (flag, count) = (Arc::clone(&stop), Arc::clone(&served));
        let (sender, ready) = std::sync::mpsc::channel();
        let thread = host.netns.spawn(move || {
            serve(&flag, &count, &|listener| {
                sender.send(listener).expect("somebody waits");
            });
        });
        let listener = ready.recv().expect("the server starts");
        Self {
            stop,
            served,
            listener,
            thread: Some(thread),
        }
    }

    /// How many clients it has had.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = &self.listener {
            // Whoever waits for a client waits no longer.
            let _gone = socket2::SockRef::from(listener).shutdown(std::net::Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Both families.
fn any(port: u16) -> SocketAddr {
    SocketAddr::new([0; 16].into(), port)
}

fn answer(stream: TcpStream, talk: &Talk) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    match talk {
        Talk::Text(text) => writer.write_all(text.as_bytes()),
        Talk::Http(status, body) => {
            let mut line = String::new();
            while reader.read_line(&mut line)? > 2 {
                line.clear();
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.0 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            writer.write_all((head + body).as_bytes())
        }
        Talk::Smtp => {
            writer.write_all(b"220 lab\r\n")?;
            let mut line = String::new();
            while reader.read_line(&mut line)? > 0 {
                let bye = line.starts_with("QUIT");
                writer.write_all(if bye { b"221 bye\r\n" } else { b"250 yes\r\n" })?;
                line.clear();
            }
            Ok(())
        }
    }
}

/// One request of a client on `host`: what the server's text was.
///
/// # Errors
/// When there is no connection or nothing comes within `limit`.
pub fn ask(host: &Host, address: IpAddr, port: u16, limit: Duration) -> std::io::Result<String> {
    ask_many(host, SocketAddr::new(address, port), 1, limit)
        .pop()
        .unwrap_or_else(|| Err(std::io::ErrorKind::Other.into()))
}

/// So many requests, one after another, each over a connection of its own.
///
/// # Panics
/// When the client's thread does.
#[must_use]
pub fn ask_many(
    host: &Host,
    address: SocketAddr,
    times: usize,
    limit: Duration,
) -> Vec<std::io::Result<String>> {
    let client = host.netns.spawn(move || {
        let one = || {
            let mut stream = TcpStream::connect_timeout(&address, limit)?;
            stream.set_read_timeout(Some(limit))?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        (0..times).map(|_| one()).collect()
    });
    client.join().expect("the client ends")
}
