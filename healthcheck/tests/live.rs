//! Real servers on 127.0.0.1: nginx, `openssl s_server`, Python's `http.server` and `smtpd`-like
//! sockets. Run with `--include-ignored` where these are installed.
#![cfg(all(feature = "tls", feature = "regex"))]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use healthcheck::{
    BodyRegex, ConnId, DnsProbe, DnsQuery, Failure, HttpConfig, HttpFailure, HttpProbe,
    HttpVersion, Input, Instant, IoFailure, Outcome, Output, Page, Passed, Probe, QueryType,
    ServerNameIndication, SmtpProbe, Target, TcpProbe, TlsConfig, TlsFailure, Transport, Verify,
};

const LIMIT: Duration = Duration::from_secs(10);
const GOOD: Outcome = Ok(Passed::PLAIN);

/// A child that ends with the test, and a folder that goes with it.
struct Server {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _left_behind = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Starts a server, and waits until it takes connections.
fn server(name: &str, command: impl FnOnce(&Path, u16) -> Command) -> Server {
    let folder = std::env::temp_dir().join(format!("healthcheck-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let port = free_port();
    let mut command = command(&folder, port);
    let child = command
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let address = SocketAddr::new([127, 0, 0, 1].into(), port);
    let server = Server {
        child,
        folder,
        address,
    };
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return server;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{name} does not listen");
}

enum Socket {
    Stream(TcpStream),
    Datagram(UdpSocket),
}

/// Drives a probe with blocking sockets. Time passes only while nothing comes.
fn run(mut probe: impl Probe) -> Outcome {
    let mut now = Instant::from_nanos(0);
    let mut open: Option<(ConnId, Socket)> = None;
    probe.start(now);
    loop {
        while let Some(output) = probe.poll_output() {
            match output {
                Output::Connect {
                    conn,
                    transport,
                    target,
                } => {
                    let socket = match transport {
                        Transport::Tcp => TcpStream::connect(target.to).map(Socket::Stream),
                        _ => UdpSocket::bind("127.0.0.1:0").and_then(|socket| {
                            socket.connect(target.to)?;
                            Ok(Socket::Datagram(socket))
                        }),
                    };
                    match socket {
                        Ok(socket) => {
                            open = Some((conn, socket));
                            probe.handle_input(now, Input::Connected(conn));
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                            probe.handle_input(now, Input::Failed(conn, IoFailure::Refused));
                        }
                    }
                }
                Output::Send { bytes, .. } => match &mut open {
                    Some((_, Socket::Stream(stream))) => {
                        // A server that has had enough resets; the answer is read all the same.
                        let _reset = stream.write_all(&bytes);
                    }
                    Some((_, Socket::Datagram(socket))) => drop(socket.send(&bytes)),
                    None => {}
                },
                Output::Close(_) => open = None,
                Output::Done(outcome) => return outcome,
                other => panic!("{other:?}"),
            }
        }
        let Some((conn, socket)) = &mut open else {
            panic!("neither a connection nor a verdict");
        };
        let conn = *conn;
        let wait = Some(Duration::from_millis(500));
        let mut room = vec![0; 16 * 1024];
        let (length, stream) = match socket {
            Socket::Stream(stream) => {
                stream.set_read_timeout(wait).expect("a time limit");
                (stream.read(&mut room), true)
            }
            Socket::Datagram(socket) => {
                socket.set_read_timeout(wait).expect("a time limit");
                (socket.recv(&mut room), false)
            }
        };
        match length {
            Ok(0) if stream => probe.handle_input(now, Input::Eof(conn)),
            Ok(length) => probe.handle_input(now, Input::Bytes(conn, &room[..length])),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                now = now
                    .checked_add(Duration::from_millis(500))
                    .expect("in range");
                probe.handle_timeout(now);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                probe.handle_input(now, Input::Failed(conn, IoFailure::Refused));
            }
            Err(_) => probe.handle_input(now, Input::Failed(conn, IoFailure::Reset)),
        }
    }
}

fn http(address: SocketAddr, page: Page, version: HttpVersion, tls: Option<TlsConfig>) -> Outcome {
    let mut config = HttpConfig::new(vec![page]);
    (config.version, config.tls) = (version, tls);
    run(HttpProbe::new(Target::new(address), config, LIMIT))
}

const VERSIONS: [HttpVersion; 3] = [
    HttpVersion::Http10,
    HttpVersion::Http10Close,
    HttpVersion::Http11,
];

fn tls_file(name: &str) -> String {
    format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// CHK-11, with the digest that C Keepalived's genhash computes.
fn status(code: u16, path: &str) -> Failure {
    let path = path.to_owned();
    HttpFailure::Status { code, path }.into()
}

#[test]
#[ignore = "needs nginx"]
fn nginx_passes_by_status_digest_and_text() {
    let nginx = server("nginx", |folder, port| {
        std::fs::write(folder.join("index.html"), "<p>It works: 42</p>\n").expect("written");
        let prefix = folder.display();
        let text = format!(
            "daemon off; pid {prefix}/pid; error_log {prefix}/log;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path {prefix}; proxy_temp_path {prefix};\n\
             fastcgi_temp_path {prefix}; uwsgi_temp_path {prefix}; scgi_temp_path {prefix};\n\
             server {{ listen 127.0.0.1:{port}; root {prefix}; ssi on; ssi_types *;\n\
             location /teapot {{ return 418; }} }} }}\n"
        );
        std::fs::write(folder.join("conf"), text).expect("written");
        // The workers run as somebody else.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder, mode).expect("allowed");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(folder.join("conf"));
        command
    });
    for version in VERSIONS {
        let mut page = Page::new("/");
        page.expect.regex = BodyRegex::new("works: [0-9]+", []).ok();
        assert_eq!(
            http(nginx.address, page.clone(), version, None),
            GOOD,
            "{version:?}"
        );
        let missing = http(nginx.address, Page::new("/nothing"), version, None);
        assert_eq!(missing, Err(status(404, "/nothing")));
        page.path = "/teapot".to_owned();
        let teapot = http(nginx.address, page, version, None);
        assert_eq!(teapot, Err(status(418, "/teapot")));
    }
    let genhash = Command::new("genhash")
        .args(["-s", "127.0.0.1", "-u", "/", "-p"])
        .arg(nginx.address.port().to_string())
        .output();
    if let Ok(genhash) = genhash {
        let digits = String::from_utf8_lossy(&genhash.stdout).trim().to_owned();
        let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex");
        let digest: Vec<_> = (0..32).step_by(2).map(octet).collect();
        let mut page = Page::new("/");
        page.expect.digest = digest.try_into().ok();
        assert_eq!(http(nginx.address, page, HttpVersion::Http10, None), GOOD);
    }
}

/// CHK-11.
#[test]
#[ignore = "needs python3"]
fn pythons_server_passes() {
    let python = server("python", |folder, port| {
        std::fs::write(folder.join("page"), "x".repeat(100_000)).expect("written");
        let mut command = Command::new("python3");
        command
            .args(["-m", "http.server", "--bind", "127.0.0.1"])
            .arg(port.to_string());
        command
    });
    for version in VERSIONS {
        assert_eq!(
            http(python.address, Page::new("/page"), version, None),
            GOOD,
            "{version:?}"
        );
    }
    let target = Target::new(python.address);
    assert_eq!(run(TcpProbe::new(target, LIMIT)), GOOD);
    let nobody = SocketAddr::new([127, 0, 0, 1].into(), free_port());
    let refused = run(TcpProbe::new(Target::new(nobody), LIMIT));
    assert_eq!(refused, Err(Failure::Io(IoFailure::Refused)));
}

fn openssl(arguments: &'static [&'static str]) -> Server {
    let name = arguments.concat().replace(['/', '@', '=', ':'], "");
    server(&name, |_, port| {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-quiet", "-accept"]);
        command.arg(format!("127.0.0.1:{port}"));
        command.args(arguments);
        if !arguments.contains(&"-cert") {
            command.args([
                "-cert",
                &tls_file("server.pem"),
                "-key",
                &tls_file("server.key"),
            ]);
        }
        command
    })
}

fn over_tls(server: &Server, verify: &Verify, identity: bool) -> Outcome {
    let chain = std::fs::read(tls_file("client.pem")).expect("a file");
    let key = std::fs::read(tls_file("client.key")).expect("a file");
    let identity = identity.then_some((&chain[..], &key[..]));
    let clock = std::sync::Arc::new(|| Some(Duration::from_secs(1_893_456_000)));
    let tls = TlsConfig::with(verify, identity, ServerNameIndication::Off, clock);
    let tls = tls.expect("a configuration");
    http(
        server.address,
        Page::new("/"),
        HttpVersion::Http10,
        Some(tls),
    )
}

/// CHK-12, CHK-13.
#[test]
#[ignore = "needs openssl"]
fn openssl_passes_with_and_without_verification() {
    let ca = || Verify::Roots(std::fs::read(tls_file("ca.pem")).expect("a file"));
    let other = Verify::Roots(std::fs::read(tls_file("other-ca.pem")).expect("a file"));
    for version in [&["-tls1_2"][..], &["-tls1_3"]] {
        let server = openssl(version);
        assert_eq!(
            over_tls(&server, &Verify::Danger, false),
            GOOD,
            "{version:?}"
        );
        assert_eq!(over_tls(&server, &ca(), false), GOOD, "{version:?}");
        let refused = over_tls(&server, &other, false);
        assert!(
            matches!(refused, Err(Failure::Tls(TlsFailure::Certificate(_)))),
            "{refused:?}"
        );
    }
}

/// What C Keepalived can still check and we cannot: told with its reason.
#[test]
#[ignore = "needs openssl"]
fn openssl_of_the_past_fails_with_a_reason_of_its_own() {
    let old = openssl(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    let legacy = over_tls(&old, &Verify::Danger, false);
    assert_eq!(legacy, Err(TlsFailure::LegacyVersion.into()));
}

/// CHK-13: `-Verify` wants a certificate.
#[test]
#[ignore = "needs openssl"]
fn openssl_gets_the_certificate_that_it_wants() {
    let server = openssl(&["-tls1_2", "-Verify", "1"]);
    assert_eq!(over_tls(&server, &Verify::Danger, true), GOOD);
    let without = over_tls(&server, &Verify::Danger, false);
    assert!(without.is_err(), "{without:?}");
}

/// CHK-14, CHK-15: a dialogue and a datagram over real sockets.
#[test]
#[ignore = "live: real sockets"]
fn mail_and_name_servers_pass_over_real_sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mail = listener.local_addr().expect("an address");
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        for (reply, wanted) in [
            ("220-a\r\n220 b\r\n", "HELO x\r\n"),
            ("250 c\r\n", "QUIT\r\n"),
        ] {
            stream.write_all(reply.as_bytes()).expect("sent");
            let mut room = vec![0; wanted.len()];
            stream.read_exact(&mut room).expect("a command");
            assert_eq!(room, wanted.as_bytes());
        }
        stream.write_all(b"221 d\r\n").expect("sent");
    });
    assert_eq!(run(SmtpProbe::new(Target::new(mail), "x", LIMIT)), GOOD);
    serve.join().expect("it got what it wanted");

    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let names = socket.local_addr().expect("an address");
    let serve = std::thread::spawn(move || {
        let mut room = [0; 512];
        let (length, from) = socket.recv_from(&mut room).expect("a question");
        room[2] |= 0x80;
        socket.send_to(&room[..length], from).expect("sent");
    });
    let query = DnsQuery::new(QueryType::Soa, "example.org").expect("a name");
    assert_eq!(
        run(DnsProbe::new(Target::new(names), query, 1, LIMIT)),
        GOOD
    );
    serve.join().expect("it was asked");
}
