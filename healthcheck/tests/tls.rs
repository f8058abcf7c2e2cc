//! TLS around HTTP, against a server in memory.
#![cfg(feature = "tls")]

mod common;

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use common::{Bench, LIMIT, target};
use healthcheck::{
    Failure, HttpConfig, HttpFailure, HttpProbe, Page, Passed, ServerNameIndication, Stage,
    TlsConfig, TlsConfigError, TlsFailure, Verify, WallClock,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

const CA: &[u8] = include_bytes!("tls/ca.pem");
const OTHER_CA: &[u8] = include_bytes!("tls/other-ca.pem");
const SERVER: (&[u8], &[u8]) = (
    include_bytes!("tls/server.pem"),
    include_bytes!("tls/server.key"),
);
const CLIENT: (&[u8], &[u8]) = (
    include_bytes!("tls/client.pem"),
    include_bytes!("tls/client.key"),
);
/// Signs itself.
const OWN: (&[u8], &[u8]) = (
    include_bytes!("tls/self.pem"),
    include_bytes!("tls/self.key"),
);
/// The key of the client with the password `geheim`, in three ways.
const SEALED: &[u8] = include_bytes!("tls/client-aes.key");
const SCRYPT: &[u8] = include_bytes!("tls/client-scrypt.key");
const LEGACY: &[u8] = include_bytes!("tls/client-legacy.key");
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nhello over TLS";

/// 2030, and 2200, when the certificates have run out.
const NOW: u64 = 1_893_456_000;
const LATER: u64 = 7_258_118_400;

fn clock(seconds: u64) -> WallClock {
    Arc::new(move || Some(Duration::from_secs(seconds)))
}

fn chain(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    let all: Result<_, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.expect("PEM")
}

fn server(versions: &[&'static SupportedProtocolVersion], wants_client: bool) -> ServerConnection {
    server_with(SERVER, versions, wants_client)
}

fn server_with(
    (certificate, key): (&[u8], &[u8]),
    versions: &[&'static SupportedProtocolVersion],
    wants_client: bool,
) -> ServerConnection {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_protocol_versions(versions).expect("versions");
    let builder = if wants_client {
        let mut roots = RootCertStore::empty();
        for certificate in chain(CA) {
            roots.add(certificate).expect("an authority");
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
    let config = builder
        .with_single_cert(chain(certificate), key)
        .expect("fits");
    ServerConnection::new(Arc::new(config)).expect("a server")
}

fn config(tls: TlsConfig) -> HttpConfig {
    let mut page = Page::new("/");
    page.virtual_host = Some("www.example.org:8443".to_owned());
    let mut config = HttpConfig::new(vec![page]);
    config.tls = Some(tls);
    config
}

fn start(tls: TlsConfig) -> Bench<HttpProbe> {
    Bench::new(HttpProbe::new(target(), config(tls), LIMIT)).connected()
}

/// Lets both talk, in pieces of so many octets, until there is a verdict; what the server read.
fn talk(bench: &mut Bench<HttpProbe>, server: &mut ServerConnection, piece: usize) -> String {
    talk_and(bench, server, piece, ANSWER, true)
}

/// The same with this answer, and whether the server says in TLS that it ends the connection.
fn talk_and(
    bench: &mut Bench<HttpProbe>,
    server: &mut ServerConnection,
    piece: usize,
    answer: &[u8],
    polite: bool,
) -> String {
    let (mut heard, mut answered) = (Vec::new(), false);
    for _ in 0..100 {
        for bytes in std::mem::take(&mut bench.sent) {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                server.read_tls(&mut rest).expect("memory");
                // What it does not like it says in an alert.
                let _alert = server.process_new_packets();
                let mut room = [0; 1024];
                while let Ok(length @ 1..) = server.reader().read(&mut room) {
                    heard.extend(&room[..length]);
                }
            }
        }
        if heard.ends_with(b"\r\n\r\n") && !answered {
            answered = true;
            server.writer().write_all(answer).expect("memory");
            if polite {
                server.send_close_notify();
            }
        }
        let mut out = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut out).expect("memory");
        }
        for piece in out.chunks(piece) {
            bench.hear(piece);
        }
        if bench.outcome.is_some() {
            break;
        }
    }
    String::from_utf8(heard).expect("text")
}

fn verdict(tls: TlsConfig, wants_client: bool) -> Result<Passed, Failure> {
    let server = server(&[&rustls::version::TLS13], wants_client);
    verdict_of(server, tls)
}

fn verdict_of(mut server: ServerConnection, tls: TlsConfig) -> Result<Passed, Failure> {
    let mut bench = start(tls);
    talk(&mut bench, &mut server, usize::MAX);
    bench.eof();
    bench.verdict().clone()
}

fn with(verify: &Verify, sni: ServerNameIndication, seconds: u64) -> TlsConfig {
    TlsConfig::with(verify, None, sni, clock(seconds)).expect("a configuration")
}

fn anybody() -> TlsConfig {
    TlsConfig::new(ServerNameIndication::Off).expect("a configuration")
}

const GOOD: Result<Passed, Failure> = Ok(Passed::PLAIN);

/// CHK-12, however the octets are cut.
#[test]
fn a_page_over_tls_passes() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for piece in [1, 7, usize::MAX] {
            let mut bench = start(anybody());
            let heard = talk(&mut bench, &mut server(&[version], false), piece);
            assert_eq!(
                bench.outcome,
                Some(GOOD),
                "{version:?} in pieces of {piece}"
            );
            assert!(heard.starts_with("GET / HTTP/1.0\r\n"), "{heard}");
        }
    }
}

/// RFC 8446 6.1: who ends a connection says so first.
#[test]
fn a_server_is_told_that_the_check_ends_the_connection() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut bench = start(anybody());
        let mut server = server(&[version], false);
        talk_and(&mut bench, &mut server, usize::MAX, WITH_LENGTH, false);
        assert_eq!(bench.outcome, Some(GOOD));
        let last = bench.sent.concat();
        server.read_tls(&mut &last[..]).expect("memory");
        let state = server.process_new_packets().expect("TLS");
        assert!(state.peer_has_closed(), "{version:?}");
    }
}

const WITH_LENGTH: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// CHK-11, CHK-12: the end of a connection belongs to its page and not to the next one.
#[test]
fn pages_over_tls_are_looked_at_one_after_the_other() {
    let mut config = config(anybody());
    config.pages = ["/1", "/2", "/3"].map(Page::new).to_vec();
    let mut bench = Bench::new(HttpProbe::new(target(), config, LIMIT));
    for (path, complete) in [("/1", false), ("/2", false), ("/3", true), ("/1", false)] {
        bench = bench.connected();
        let mut server = server(&[&rustls::version::TLS12], false);
        let heard = talk_and(&mut bench, &mut server, usize::MAX, WITH_LENGTH, true);
        assert!(heard.starts_with(&format!("GET {path} ")), "{heard}");
        let passed = Passed {
            complete,
            ..Passed::PLAIN
        };
        assert_eq!(*bench.verdict(), Ok(passed), "{path}");
        bench.start();
    }
}

/// CHK-12: `tls_compliant`.
#[test]
fn a_server_has_to_say_that_it_ends_where_that_is_wanted() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (compliant, polite, good) in [
            (false, false, true),
            (false, true, true),
            (true, true, true),
            (true, false, false),
        ] {
            let mut config = config(anybody());
            config.pages[0].tls_compliant = compliant;
            let mut bench = Bench::new(HttpProbe::new(target(), config, LIMIT)).connected();
            let mut server = server(&[version], false);
            talk_and(&mut bench, &mut server, usize::MAX, WITH_LENGTH, polite);
            bench.eof();
            let expected = if good {
                GOOD
            } else {
                Err(TlsFailure::NoCloseNotify.into())
            };
            assert_eq!(*bench.verdict(), expected, "{compliant} {polite}");
        }
    }
}

/// CHK-12: as in Keepalived, whoever it is. With verification it is somebody in particular.
#[test]
fn certificates_are_looked_at_only_when_that_is_wanted() {
    use ServerNameIndication::{Name, Off, VirtualHost};
    assert_eq!(verdict(anybody(), false), GOOD);
    let ca = || Verify::Roots(CA.to_vec());
    assert_eq!(verdict(with(&ca(), Off, NOW), false), GOOD);
    assert_eq!(verdict(with(&ca(), VirtualHost, NOW), false), GOOD);
    let refused = |tls| {
        let verdict = verdict(tls, false);
        let is = matches!(verdict, Err(Failure::Tls(TlsFailure::Certificate(_))));
        assert!(is, "{verdict:?}");
    };
    refused(with(&Verify::Roots(OTHER_CA.to_vec()), Off, NOW));
    refused(with(&ca(), Name("www.example.net".to_owned()), NOW));
    refused(with(&ca(), Off, LATER));
    // What cannot be a name is not verified as something else, and does not matter otherwise.
    let nonsense = || Name("no name".to_owned());
    assert_eq!(verdict(with(&Verify::Danger, nonsense(), NOW), false), GOOD);
    let bench = start(with(&ca(), nonsense(), NOW));
    let is = matches!(
        bench.verdict(),
        Err(Failure::Tls(TlsFailure::Certificate(_)))
    );
    assert!(is, "{:?}", bench.verdict());
    assert_eq!(verdict(with(&Verify::Danger, Off, LATER), false), GOOD);
}

/// KA#804.
#[test]
fn the_server_is_told_its_name_when_that_is_wanted() {
    use ServerNameIndication::{Name, Off, VirtualHost};
    for (sni, expected) in [
        (Off, None),
        (VirtualHost, Some("www.example.org")),
        (Name("x.example.net".to_owned()), Some("x.example.net")),
    ] {
        let mut server = server(&[&rustls::version::TLS13], false);
        let mut bench = start(TlsConfig::new(sni).expect("a configuration"));
        talk(&mut bench, &mut server, usize::MAX);
        assert_eq!(server.server_name(), expected);
    }
}

/// CHK-13.
#[test]
fn a_server_that_wants_a_certificate_gets_it() {
    let tls = |identity| {
        TlsConfig::with(
            &Verify::Danger,
            identity,
            ServerNameIndication::Off,
            clock(NOW),
        )
    };
    assert_eq!(verdict(tls(Some(CLIENT)).expect("fits"), true), GOOD);
    let without = verdict(tls(None).expect("nothing"), true);
    let wants = "it wants a certificate of ours (`certificate` of `SSL`)".to_owned();
    assert_eq!(without, Err(TlsFailure::Alert(wants).into()));
    let fails = |identity| tls(Some(identity)).map(drop);
    assert_eq!(
        fails((b"nothing", CLIENT.1)),
        Err(TlsConfigError::Certificate)
    );
    assert_eq!(fails((CLIENT.0, b"nothing")), Err(TlsConfigError::Key));
    assert_eq!(fails((CLIENT.0, CLIENT.0)), Err(TlsConfigError::Key));
    for sealed in [SEALED, LEGACY] {
        assert_eq!(fails((CLIENT.0, sealed)), Err(TlsConfigError::Encrypted));
    }
    assert_eq!(fails((CLIENT.0, SERVER.1)), Err(TlsConfigError::Mismatch));
    let kind = b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    assert_eq!(fails((CLIENT.0, kind)), Err(TlsConfigError::KeyKind));
    let none = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(
        fails((none, CLIENT.1)).map_err(|error| error.to_string()),
        Err(TlsConfigError::Certificate.to_string())
    );
    let believes = |pem: &[u8]| {
        let verify = Verify::Roots(pem.to_vec());
        TlsConfig::with(&verify, None, ServerNameIndication::Off, clock(NOW)).map(drop)
    };
    assert_eq!(believes(b""), Err(TlsConfigError::Authorities));
    let second = [CA, &none[..]].concat();
    assert_eq!(believes(&second), Err(TlsConfigError::Authority(2)));
}

/// CHK-13. What signs itself need not be signed by anybody, but it has to be this one, of age, and name the server.
#[test]
fn a_certificate_that_was_given_itself_is_believed() {
    use ServerNameIndication::{Name, Off};
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let verdict = |identity, pem: &[u8], sni, seconds| {
            let tls = with(&Verify::Roots(pem.to_vec()), sni, seconds);
            verdict_of(server_with(identity, &[version], false), tls)
        };
        let www = || Name("www.example.org".to_owned());
        for pem in [OWN.0.to_vec(), [CA, OWN.0].concat()] {
            assert_eq!(verdict(OWN, &pem, Off, NOW), GOOD);
            assert_eq!(verdict(OWN, &pem, www(), NOW), GOOD);
        }
        // Signed by somebody else, who was not given.
        assert_eq!(verdict(SERVER, SERVER.0, Off, NOW), GOOD);
        let why = |identity, pem, sni, seconds| match verdict(identity, pem, sni, seconds) {
            Err(Failure::Tls(failure @ TlsFailure::Certificate(_))) => failure.to_string(),
            other => format!("{other:?}"),
        };
        let authority = "certificate: it is that of an authority and not of a server, and not itself one of the `ca`";
        assert_eq!(why(OWN, CA, Off, NOW), authority);
        assert_eq!(
            why(SERVER, OWN.0, Off, NOW),
            "certificate: none of the `ca` has signed it"
        );
        assert_eq!(
            why(OWN, OWN.0, Name("www.example.net".to_owned()), NOW),
            "certificate: it is not for `www.example.net`, but for 192.0.2.1, www.example.org"
        );
        for identity in [OWN, SERVER] {
            let late = why(identity, identity.0, Off, LATER);
            assert!(late.starts_with("certificate: it expired "), "{late}");
            assert!(late.ends_with(" days ago"), "{late}");
            let early = why(identity, identity.0, Off, 1_000_000_000);
            assert!(
                early.starts_with("certificate: it is valid only in "),
                "{early}"
            );
        }
    }
    // The key is the other half of it.
    let mut swapped = server_with(OWN, &[&rustls::version::TLS13], false);
    let mut bench = start(with(&Verify::Roots(SERVER.0.to_vec()), Off, NOW));
    talk(&mut bench, &mut swapped, usize::MAX);
    assert_ne!(*bench.verdict(), GOOD);
}

/// CHK-13. A key that has a password is that key once it was opened.
#[cfg(feature = "encrypted-keys")]
#[test]
fn a_key_with_a_password_is_read() {
    use healthcheck::decrypt_key;
    for sealed in [SEALED, SCRYPT] {
        let key = decrypt_key(sealed, b"geheim").expect("the password");
        let tls = TlsConfig::with(
            &Verify::Danger,
            Some((CLIENT.0, &key)),
            ServerNameIndication::Off,
            clock(NOW),
        );
        assert_eq!(verdict(tls.expect("fits"), true), GOOD);
        let wrong = decrypt_key(sealed, b"Geheim").map(drop);
        assert_eq!(wrong, Err(TlsConfigError::Password));
    }
    // Behind a certificate, as both are in one file.
    let both = [CLIENT.0, SEALED].concat();
    assert!(decrypt_key(&both, b"geheim").is_ok());
    let legacy = decrypt_key(LEGACY, b"geheim").map(drop);
    assert_eq!(legacy, Err(TlsConfigError::LegacyKey));
    let plain = decrypt_key(CLIENT.1, b"geheim").expect("as it is");
    assert_eq!(plain, CLIENT.1);
    // What has none is for somebody else to read.
    assert_eq!(
        decrypt_key(b"nothing", b"geheim").expect("as it is"),
        b"nothing"
    );
    let broken = &SEALED[..SEALED.len() / 2];
    let whole = [broken, b"\n-----END ENCRYPTED PRIVATE KEY-----\n"].concat();
    assert!(decrypt_key(&whole, b"geheim").is_err());
}

/// KA#1817: SSL_GET that never times out.
/// CHK-21, CHK-03.
#[test]
fn hostile_tls_stall_ends_at_the_deadline() {
    let mut silent = start(anybody());
    silent.pass(4999);
    assert_eq!(silent.outcome, None);
    silent.pass(1);
    assert_eq!(silent.verdict(), &Err(Failure::Timeout(Stage::Handshake)));
    // In the middle of a record that never ends.
    let mut slow = start(anybody());
    slow.hear(&[22, 3, 3, 0x3f, 0xff]);
    assert_eq!(slow.trickle(100, || 2), LIMIT);
    assert_eq!(slow.verdict(), &Err(Failure::Timeout(Stage::Handshake)));
}

/// Alerts as `openssl s_server -tls1_1` and `-cipher AES128-SHA -tls1_2` send them; the latter comes from one with
/// `-groups P-521` too, so the words name what checks have and not what the server lacks.
#[test]
fn servers_of_the_past_fail_with_a_reason_of_their_own() {
    for (alert, failure) in [
        (&[21, 3, 1, 0, 2, 2, 70][..], TlsFailure::LegacyVersion),
        (&[21, 3, 3, 0, 2, 2, 40], TlsFailure::LegacyCipher),
    ] {
        let mut bench = start(anybody());
        bench.hear(alert);
        assert_eq!(bench.verdict(), &Err(Failure::Tls(failure)));
    }
    let words = TlsFailure::LegacyCipher.to_string();
    assert!(
        words.contains("P-384") && words.contains("AES-GCM"),
        "{words}"
    );
}

#[test]
fn what_is_no_tls_is_told_so() {
    let mut bench = start(anybody());
    bench.hear(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let why = "what the server says is no TLS".to_owned();
    assert_eq!(bench.verdict(), &Err(TlsFailure::Protocol(why).into()));
    let mut gone = start(anybody());
    gone.eof();
    assert_eq!(gone.verdict(), &Err(Failure::Closed(Stage::Handshake)));
}

/// An endless body is bounded inside TLS too.
/// CHK-21, CHK-03.
#[test]
fn hostile_endless_body_over_tls_ends_at_the_bound() {
    let mut limited = config(anybody());
    limited.limits.body = 4 << 20;
    let mut bench = Bench::new(HttpProbe::new(target(), limited, LIMIT)).connected();
    let mut server = server(&[&rustls::version::TLS13], false);
    server.set_buffer_limit(None);
    let mut fed = 0;
    for turn in 0.. {
        for bytes in std::mem::take(&mut bench.sent) {
            server.read_tls(&mut &bytes[..]).expect("memory");
            let _alert = server.process_new_packets();
        }
        if !server.is_handshaking() {
            let head: &[u8] = if fed == 0 {
                b"HTTP/1.0 200 OK\r\n\r\n"
            } else {
                b""
            };
            server
                .writer()
                .write_all(&[head, &[b'x'; 60_000]].concat())
                .expect("memory");
            fed += 60_000;
        }
        let mut out = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut out).expect("memory");
        }
        bench.hear(&out);
        if bench.outcome.is_some() {
            break;
        }
        assert!(turn < 200, "it reads for ever");
    }
    assert_eq!(bench.verdict(), &Err(HttpFailure::BodyTooLong.into()));
}

/// LVS-20: a reload leaves alone what is made of the same.
#[test]
fn configurations_are_equal_when_they_are_made_of_the_same() {
    let roots = |text: &str| Verify::Roots(text.into());
    let off = ServerNameIndication::Off;
    assert_eq!(anybody(), anybody());
    let name = ServerNameIndication::Name("a.example".into());
    assert_ne!(anybody(), TlsConfig::new(name).expect("a configuration"));
    assert_eq!(
        anybody(),
        with(&Verify::Danger, off.clone(), 1),
        "the clock does not count"
    );
    assert!(TlsConfig::with(&roots("nothing"), None, off.clone(), clock(0)).is_err());
    let believes = |pem: &[u8]| with(&Verify::Roots(pem.to_vec()), off.clone(), NOW);
    assert_eq!(believes(CA), believes(CA));
    assert_ne!(believes(CA), believes(OTHER_CA));
    assert_ne!(believes(CA), anybody());
}
