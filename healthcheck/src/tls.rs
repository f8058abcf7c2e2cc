//! TLS, bytes in and bytes out. Only this file and those below it name rustls.

mod trust;
mod words;

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::Error;
use rustls::client::{ClientConfig, ClientConnection};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use thiserror::Error as ThisError;

use crate::outcome::TlsFailure;
use trust::{Anybody, Given};
use words::failure;

/// Tells the time since 1970, by which certificates are judged. `None` when it is not known.
pub type WallClock = Arc<dyn Fn() -> Option<Duration> + Send + Sync>;

/// Whether the certificate of a server is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Not at all: any certificate, of any age and any strength, for any name. As in Keepalived,
    /// and what is asked is whether somebody is there, not who.
    #[default]
    Danger,
    /// It has to be signed by one of these certificates (PEM), or be one of them, be of age, and name the server.
    Roots(Vec<u8>),
}

/// Which name is sent in the handshake, and looked for in a verified certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ServerNameIndication {
    /// None is sent; a verified certificate has to name the address.
    #[default]
    Off,
    /// The virtual host of the page, if it has one that is a name.
    VirtualHost,
    /// This one.
    Name(String),
}

/// A setting that cannot be had.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum TlsConfigError {
    /// Not a PEM text with at least one certificate.
    #[error("no certificate in the PEM text")]
    Certificate,
    /// Not a PEM text with a private key in clear.
    #[error("no private key in the PEM text")]
    Key,
    /// The key has a password: see `decrypt_key`.
    #[error("the private key has a password")]
    Encrypted,
    /// The password does not open the key, or the key is encrypted in a way of the past.
    #[error(
        "the password does not open the private key, or it is encrypted in a way that is not known; \
         `openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW` writes it in one that is"
    )]
    Password,
    /// The key is encrypted as before PKCS#8.
    #[error(
        "the private key is encrypted in the old form (`Proc-Type: 4,ENCRYPTED`); \
         `openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW` writes it in the one that is read"
    )]
    LegacyKey,
    /// The key does not belong to the certificate.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// The key is neither RSA nor ECDSA nor Ed25519.
    #[error("the private key is of a kind that is not known, or damaged")]
    KeyKind,
    /// As [`Certificate`](Self::Certificate), where those are that servers have to be signed by.
    #[error("no certificate of an authority in the PEM text")]
    Authorities,
    /// One of these cannot be read; their numbers begin with 1.
    #[error("certificate {0} of the authorities cannot be read")]
    Authority(usize),
    /// Something else.
    #[error("{0}")]
    Rejected(String),
}

/// How to speak TLS (CHK-12, CHK-13). Cheap to clone. Equal when it was made of the same, the clock
/// apart.
#[derive(Clone)]
pub struct TlsConfig {
    config: Arc<ClientConfig>,
    sni: ServerNameIndication,
    source: Arc<Source>,
}

/// What a configuration was made of.
#[derive(PartialEq)]
struct Source {
    verify: Verify,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl PartialEq for TlsConfig {
    fn eq(&self, other: &Self) -> bool {
        self.sni == other.sni
            && (Arc::ptr_eq(&self.source, &other.source) || self.source == other.source)
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest has a private key in it.
        let mut text = f.debug_struct("TlsConfig");
        text.field("sni", &self.sni).finish_non_exhaustive()
    }
}

impl TlsConfig {
    /// Any server, no certificate of our own.
    ///
    /// # Errors
    /// None that depends on the arguments.
    pub fn new(sni: ServerNameIndication) -> Result<Self, TlsConfigError> {
        // It is asked for the time, and as nothing is verified any will do.
        let clock: WallClock = Arc::new(|| Some(Duration::ZERO));
        Self::with(&Verify::Danger, None, sni, clock)
    }

    /// With everything said: `identity` is a certificate chain and its key, in PEM.
    ///
    /// # Errors
    /// What cannot be read or does not fit.
    pub fn with(
        verify: &Verify,
        identity: Option<(&[u8], &[u8])>,
        sni: ServerNameIndication,
        clock: WallClock,
    ) -> Result<Self, TlsConfigError> {
        let rejected = |error: Error| TlsConfigError::Rejected(error.to_string());
        let provider = Arc::new(ring::default_provider());
        let time = Arc::new(Clock(clock));
        let builder = ClientConfig::builder_with_details(provider.clone(), time)
            .with_safe_default_protocol_versions()
            .map_err(rejected)?;
        let builder = match verify {
            Verify::Danger => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
            Verify::Roots(pem) => {
                let given = certificates(pem).map_err(|_| TlsConfigError::Authorities)?;
                let given = Given::new(given, provider)?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(given))
            }
        };
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let key = private_key(key)?;
                let chain = certificates(chain)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| words::rejected(&error))?
            }
        };
        config.enable_sni = sni != ServerNameIndication::Off;
        // Each check is to be a whole one.
        config.resumption = rustls::client::Resumption::disabled();
        let source = Source {
            verify: verify.clone(),
            identity: identity.map(|(chain, key)| (chain.to_vec(), key.to_vec())),
        };
        Ok(Self {
            config: Arc::new(config),
            sni,
            source: Arc::new(source),
        })
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        if section(pem, "ENCRYPTED PRIVATE KEY").is_some() || is_legacy(pem) {
            TlsConfigError::Encrypted
        } else {
            TlsConfigError::Key
        }
    })
}

/// A key that OpenSSL encrypted before it knew PKCS#8.
pub(crate) fn is_legacy(pem: &[u8]) -> bool {
    const LEGACY: &[u8] = b"Proc-Type: 4,ENCRYPTED";
    pem.windows(LEGACY.len()).any(|part| part == LEGACY)
}

/// The first part of a PEM text with this label, its first and last line included.
pub(crate) fn section<'a>(pem: &'a [u8], label: &str) -> Option<&'a [u8]> {
    let place = |text: &[u8], line: &str| {
        let line = line.as_bytes();
        text.windows(line.len()).position(|part| part == line)
    };
    let begin = place(pem, &format!("-----BEGIN {label}-----"))?;
    let rest = pem.get(begin..)?;
    let last = format!("-----END {label}-----");
    let end = place(rest, &last)?.checked_add(last.len())?;
    rest.get(..end)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|_| TlsConfigError::Certificate)?;
    if all.is_empty() {
        return Err(TlsConfigError::Certificate);
    }
    Ok(all)
}

struct Clock(WallClock);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        (self.0)().map(UnixTime::since_unix_epoch)
    }
}

/// One connection.
pub(crate) struct TlsStream {
    connection: ClientConnection,
    closed: bool,
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsStream")
    }
}

impl TlsStream {
    pub(crate) fn new(
        config: &TlsConfig,
        address: IpAddr,
        virtual_host: Option<&str>,
    ) -> Result<Self, TlsFailure> {
        let named = match &config.sni {
            ServerNameIndication::Off => None,
            ServerNameIndication::VirtualHost => virtual_host,
            ServerNameIndication::Name(name) => Some(name.as_str()),
        };
        // A virtual host may have a port behind it.
        let name = named.map(|name| name.split(':').next().unwrap_or(name));
        let name = match name.map(|name| (name, ServerName::try_from(name.to_owned()))) {
            Some((_, Ok(name))) => name,
            // To go on would verify something else than what was asked for.
            Some((name, Err(_))) if config.source.verify != Verify::Danger => {
                let why = format!("`{name}` is no name that a certificate could have");
                return Err(TlsFailure::Certificate(why));
            }
            Some(_) | None => ServerName::IpAddress(address.into()),
        };
        let connection = ClientConnection::new(config.config.clone(), name);
        let mut connection = connection.map_err(failure)?;
        connection.set_buffer_limit(None);
        Ok(Self {
            connection,
            closed: false,
        })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// The server said that it has no more to say.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes ciphertext: how much of it was used, and the plaintext that was in it.
    pub(crate) fn read(&mut self, octets: &[u8]) -> Result<(usize, Vec<u8>), TlsFailure> {
        let mut rest = octets;
        let used = self.connection.read_tls(&mut rest);
        let used = used.map_err(|error| TlsFailure::Protocol(error.to_string()))?;
        let state = self.connection.process_new_packets().map_err(failure)?;
        self.closed = state.peer_has_closed();
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        let mut taken = 0_usize;
        while let Some(room) = plain.get_mut(taken..).filter(|room| !room.is_empty()) {
            match self.connection.reader().read(room) {
                Ok(0) | Err(_) => break,
                Ok(more) => taken = taken.saturating_add(more),
            }
        }
        plain.truncate(taken);
        Ok((used, plain))
    }

    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), TlsFailure> {
        let written = self.connection.writer().write_all(octets);
        written.map_err(|error| TlsFailure::Protocol(error.to_string()))
    }

    pub(crate) fn take_outgoing(&mut self) -> Result<Vec<u8>, TlsFailure> {
        let mut octets = Vec::new();
        while self.connection.wants_write() {
            let written = self.connection.write_tls(&mut octets);
            written.map_err(|error| TlsFailure::Protocol(error.to_string()))?;
        }
        Ok(octets)
    }

    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
    }
}
