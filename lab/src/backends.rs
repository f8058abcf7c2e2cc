//! Servers to be checked, on a host of the LAN, and what comes to them.
//!
//! nginx answers HTTP and TLS; the small protocols have small servers. Every packet that comes in is
//! written down, answered or not.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pnet_datalink::{Channel, Config};

use crate::clock::{self, Stamp};
use crate::lan::INTERFACE;
use crate::netns::run;
use crate::{Host, Netns, Scratch, wait_until};

/// Plain TCP: connections are accepted and closed.
pub const TCP: [u16; 3] = [8001, 8002, 8003];
/// HTTP.
pub const HTTP: u16 = 8080;
/// HTTP over TLS 1.2.
pub const HTTPS: u16 = 8443;
/// The same, but the end of a connection is not said in TLS.
pub const RUDE_HTTPS: u16 = 8444;
/// SMTP.
pub const SMTP: [u16; 2] = [8025, 8026];
/// DNS over UDP: every question has an empty answer.
pub const DNS: u16 = 8053;
/// UDP: every datagram is answered by [`UDP_REPLY`].
pub const UDP: u16 = 8007;
/// What the UDP server says.
pub const UDP_REPLY: [u8; 4] = [0xde, 0xad, 0xbe, 0xef];
/// What `/` of the web servers contains.
pub const PAGE: &str = "hello world\n";
/// Its MD5.
pub const DIGEST: &str = "6f5902ac237024bdd0c176cb93063dc4";

/// An IPv4 packet that came in and opens something: a SYN, a datagram, an echo request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it was read.
    pub at: Stamp,
    /// Number of the protocol: 6, 17, 1.
    pub protocol: u8,
    /// Who sent it.
    pub source: Ipv4Addr,
    /// To which of the addresses here.
    pub destination: Ipv4Addr,
    /// 0 where there are none.
    pub source_port: u16,
    /// 0 where there are none.
    pub port: u16,
}

/// What servers heard.
#[derive(Debug, Default)]
struct Heard {
    openings: Vec<Opening>,
    /// Names in HELO.
    helos: Vec<String>,
    /// Whole questions.
    questions: Vec<Vec<u8>>,
    /// Whole datagrams.
    datagrams: Vec<Vec<u8>>,
}

type Shared = Arc<Mutex<Heard>>;

/// All the servers of one host.
#[derive(Debug)]
pub struct Backends {
    nginx: Child,
    scratch: Scratch,
    heard: Shared,
    netns: String,
}

impl Backends {
    /// Starts everything on `host`, on all its addresses.
    ///
    /// # Panics
    /// When something cannot be started.
    #[must_use]
    pub fn start(host: &Host) -> Self {
        let scratch = Scratch::new("backends");
        for name in ["server", "client"] {
            run(host
                .netns
                .command("openssl")
                .args([
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                ])
                .arg(format!("/CN={name}"))
                .arg("-keyout")
                .arg(scratch.file(&format!("{name}.key")))
                .arg("-out")
                .arg(scratch.file(&format!("{name}.pem"))));
        }
        let directory = scratch.path().to_str().expect("a path in UTF-8").to_owned();
        let conf = NGINX.replace("DIR", &directory);
        fs::write(scratch.file("nginx.conf"), conf).expect("scratch is writable");
        let log = File::create(scratch.file("nginx.out")).expect("scratch is writable");
        let nginx = host
            .netns
            .command("nginx")
            .arg("-c")
            .arg(scratch.file("nginx.conf"))
            .arg("-p")
            .arg(scratch.path())
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let heard = Shared::default();
        record(&host.netns, INTERFACE, &heard);
        for port in TCP {
            serve(&host.netns, port, &heard, |_, _| {});
        }
        for port in SMTP {
            serve(&host.netns, port, &heard, |stream, heard| {
                let _ended = smtp(stream, heard);
            });
        }
        serve(&host.netns, RUDE_HTTPS, &heard, |stream, _| {
            let _ended = rude(stream);
        });
        answer(&host.netns, DNS, &heard, |question, heard| {
            let mut answer = question.to_vec();
            if let Some(flags) = answer.get_mut(2..4) {
                flags.copy_from_slice(&[0x81, 0x80]);
            }
            heard.questions.push(question.to_vec());
            answer
        });
        answer(&host.netns, UDP, &heard, |datagram, heard| {
            heard.datagrams.push(datagram.to_vec());
            UDP_REPLY.to_vec()
        });
        let backends = Self {
            nginx,
            scratch,
            heard,
            netns: host.netns.name().to_owned(),
        };
        wait_until("nginx listens", Duration::from_secs(10), || {
            let sockets = backends.shell("ss -Hltn");
            sockets.contains(&HTTP.to_string()) && sockets.contains(&HTTPS.to_string())
        });
        backends
    }

    /// Writes down what comes in over another interface too.
    pub fn record(&self, host: &Host, interface: &str) {
        record(&host.netns, interface, &self.heard);
    }

    fn shell(&self, line: &str) -> String {
        run(std::process::Command::new("ip").args(["netns", "exec", &self.netns, "sh", "-c", line]))
    }

    /// From now on connections are refused, datagrams too, and pings not answered.
    pub fn refuse(&self) {
        self.filter("tcp dport 8000-8999 reject with tcp reset; udp dport 8000-8999 reject;");
    }

    /// From now on nothing is answered.
    pub fn swallow(&self) {
        self.filter("tcp dport 8000-8999 drop; udp dport 8000-8999 drop;");
    }

    fn filter(&self, rules: &str) {
        self.shell(&format!(
            "nft 'table ip lab {{ chain i {{ type filter hook input priority 0; {rules} \
             icmp type echo-request drop; }}; }}'"
        ));
    }

    /// Undoes both.
    pub fn serve(&self) {
        self.shell("nft delete table ip lab 2>/dev/null || true");
    }

    /// The certificate and the key of a client, each in a file.
    #[must_use]
    pub fn identity(&self) -> [String; 2] {
        ["client.pem", "client.key"].map(|name| self.scratch.file(name).display().to_string())
    }

    /// Everything that came in.
    #[must_use]
    pub fn openings(&self) -> Vec<Opening> {
        self.with(|heard| heard.openings.clone())
    }

    /// Names in HELO so far.
    #[must_use]
    pub fn helos(&self) -> Vec<String> {
        self.with(|heard| heard.helos.clone())
    }

    /// DNS questions so far.
    #[must_use]
    pub fn questions(&self) -> Vec<Vec<u8>> {
        self.with(|heard| heard.questions.clone())
    }

    /// Datagrams so far.
    #[must_use]
    pub fn datagrams(&self) -> Vec<Vec<u8>> {
        self.with(|heard| heard.datagrams.clone())
    }

    /// Requests so far, one line each: method, path, version, then `host=`, `connection=`, `sni=` and
    /// `client=`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let text = fs::read_to_string(self.scratch.file("seen.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn with<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&lock(&self.heard))
    }
}

impl Drop for Backends {
    fn drop(&mut self) {
        let _gone = self.nginx.kill();
        let _status = self.nginx.wait();
    }
}

const NGINX: &str = r#"
pid DIR/nginx.pid; error_log DIR/error.log; daemon off; master_process off;
events {}
http {
    log_format seen '$request_method $request_uri $server_protocol host=$http_host connection=$http_connection sni=$ssl_server_name client=$ssl_client_s_dn';
    access_log DIR/seen.log seen;
    client_body_temp_path DIR/t1; proxy_temp_path DIR/t2; fastcgi_temp_path DIR/t3;
    uwsgi_temp_path DIR/t4; scgi_temp_path DIR/t5;
    server {
        listen 0.0.0.0:8080; listen 0.0.0.0:8443 ssl;
        ssl_certificate DIR/server.pem; ssl_certificate_key DIR/server.key;
        ssl_protocols TLSv1.2; ssl_verify_client optional_no_ca;
        location / { return 200 "hello world\n"; }
        location /missing { return 404 "gone\n"; }
        location /host { if ($http_host != "good.example") { return 403; } return 200 "ok"; }
        location /named { if ($ssl_server_name != "good.example") { return 403; } return 200 "ok"; }
        location /known { if ($ssl_client_s_dn = "") { return 403; } return 200 "ok"; }
    }
}
"#;

fn lock(heard: &Shared) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads here end with the test.
fn ready(start: impl FnOnce(Sender<()>)) {
    let (ready, listening) = channel();
    start(ready);
    listening
        .recv_timeout(Duration::from_secs(10))
        .expect("the server starts");
}

fn serve(
    netns: &Netns,
    port: u16,
    heard: &Shared,
    talk: impl Fn(TcpStream, &Shared) + Clone + Send + 'static,
) {
    let heard = Arc::clone(heard);
    ready(|ready| {
        let _never_joined = netns.spawn(move || {
            let listener = TcpListener::bind(("0.0.0.0", port)).expect("the port is free");
            let _ = ready.send(());
            for stream in listener.incoming().flatten() {
                let (heard, talk) = (Arc::clone(&heard), talk.clone());
                std::thread::spawn(move || talk(stream, &heard));
            }
        });
    });
}

fn answer(
    netns: &Netns,
    port: u16,
    heard: &Shared,
    reply: impl Fn(&[u8], &mut Heard) -> Vec<u8> + Send + 'static,
) {
    let heard = Arc::clone(heard);
    ready(|ready| {
        let _never_joined = netns.spawn(move || {
            // One for each address, so that the answer comes from where the question went.
            let addresses = ["10.9.0.2", "10.9.0.102"];
            let sockets = addresses.map(|address| {
                let socket = UdpSocket::bind((address, port)).expect("the port is free");
                let patience = Some(Duration::from_millis(2));
                socket.set_read_timeout(patience).expect("a time");
                socket
            });
            let _ = ready.send(());
            let mut room = [0; 2048];
            loop {
                for socket in &sockets {
                    if let Ok((length, from)) = socket.recv_from(&mut room) {
                        let text = reply(&room[..length], &mut lock(&heard));
                        let _lost = socket.send_to(&text, from);
                    }
                }
            }
        });
    });
}

fn smtp(mut stream: TcpStream, heard: &Shared) -> std::io::Result<()> {
    stream.write_all(b"220 lab\r\n")?;
    let input = BufReader::new(stream.try_clone()?);
    for line in input.lines() {
        let line = line?;
        if let Some(name) = line.strip_prefix("HELO ") {
            lock(heard).helos.push(name.to_owned());
        }
        if line == "QUIT" {
            return stream.write_all(b"221 bye\r\n");
        }
        stream.write_all(b"250 ok\r\n")?;
    }
    Ok(())
}

/// Hands everything through to the TLS server but its alerts, of which the last one says that the
/// connection ends.
fn rude(mut client: TcpStream) -> std::io::Result<()> {
    const ALERT: u8 = 21;
    let mut server = TcpStream::connect(("127.0.0.1", HTTPS))?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    loop {
        let mut head = [0; 5];
        server.read_exact(&mut head)?;
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let mut body = vec![0; length];
        server.read_exact(&mut body)?;
        if head[0] == ALERT {
            return client.shutdown(std::net::Shutdown::Both);
        }
        client.write_all(&head)?;
        client.write_all(&body)?;
    }
}

/// Writes down what opens something.
fn record(netns: &Netns, interface: &str, heard: &Shared) {
    let (heard, interface) = (Arc::clone(heard), interface.to_owned());
    ready(|ready| {
        let _never_joined = netns.spawn(move || {
            let all = pnet_datalink::interfaces();
            let found = all.iter().find(|one| one.name == interface);
            let config = Config {
                promiscuous: false,
                ..Config::default()
            };
            let channel = pnet_datalink::channel(found.expect("the interface exists"), config);
            let Ok(Channel::Ethernet(_, mut frames)) = channel else {
                panic!("no packet socket");
            };
            let _ = ready.send(());
            loop {
                if let Ok(frame) = frames.next()
                    && let Some(opening) = opening(frame)
                {
                    lock(&heard).openings.push(opening);
                }
            }
        });
    });
}

fn opening(frame: &[u8]) -> Option<Opening> {
    let packet = frame.get(14..).filter(|_| frame[12..14] == [8, 0])?;
    let header = usize::from(packet.first()? & 15) * 4;
    let word = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    let address = |at: usize| {
        let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    };
    let protocol = *packet.get(9)?;
    let (source_port, port) = match protocol {
        // SYN alone.
        6 if packet.get(header + 13)? & 0x12 == 2 => (word(header)?, word(header + 2)?),
        17 => (word(header)?, word(header + 2)?),
        1 if *packet.get(header)? == 8 => (0, 0),
        _ => return None,
    };
    let destination = address(16)?;
    let here = |address: IpAddr| address == IpAddr::V4(destination);
    // What leaves this host is seen too.
    if !["10.9.0.2", "10.9.0.102"]
        .iter()
        .any(|text| text.parse().is_ok_and(here))
    {
        return None;
    }
    Some(Opening {
        at: clock::stamp(),
        protocol,
        source: address(12)?,
        destination,
        source_port,
        port,
    })
}
