//! `SSL`: the certificate that servers get to see, and those that theirs have to be signed by.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use healthcheck::{ServerNameIndication, TlsConfig, Verify, WallClock, decrypt_key};
use keepalived_config::model::Identity as Model;
use keepalived_driver::clock::Clock;

/// Nobody could be believed.
pub(super) const NO_CA: &str = "`ssl_verify` needs the `ca` of an `SSL` block";

/// The files, read once.
#[derive(Default)]
pub(super) struct Identity {
    read: Option<Result<Option<Pair>, String>>,
    roots: Option<Result<Verify, String>>,
}

/// A certificate chain and its key, in PEM.
#[derive(Clone)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    /// How to speak TLS with this name, and whether to look whom with.
    ///
    /// # Errors
    /// What file cannot be used, and why.
    pub(super) fn tls(
        &mut self,
        model: &Model,
        sni: ServerNameIndication,
        verify: bool,
    ) -> Result<TlsConfig, String> {
        let pair = self.read.get_or_insert_with(|| read(model)).clone()?;
        let verify = if verify {
            self.roots.get_or_insert_with(|| roots(model)).clone()?
        } else {
            Verify::Danger
        };
        let clock: WallClock = match verify {
            Verify::Roots(_) => Arc::new(|| Clock.wall().duration_since(UNIX_EPOCH).ok()),
            // Nothing is verified, so nobody asks for the time.
            Verify::Danger => Arc::new(|| Some(Duration::ZERO)),
        };
        let identity = pair
            .as_ref()
            .map(|pair| (pair.certificate.as_slice(), pair.key.as_slice()));
        TlsConfig::with(&verify, identity, sni, clock).map_err(|error| format!("`SSL`: {error}"))
    }
}

/// Whose signature counts.
fn roots(model: &Model) -> Result<Verify, String> {
    let file = model.ca.as_ref().ok_or_else(|| NO_CA.to_owned())?;
    contents(&file.value).map(Verify::Roots)
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("`SSL`: {}: {error}", path.display()))
}

/// A certificate without key, or the other way round, is the file that holds both.
fn read(model: &Model) -> Result<Option<Pair>, String> {
    let certificate = model.certificate.as_ref().or(model.key.as_ref());
    let key = model.key.as_ref().or(model.certificate.as_ref());
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let mut pair = Pair {
        certificate: contents(&certificate.value)?,
        key: contents(&key.value)?,
    };
    if let Some(password) = &model.password {
        let open = decrypt_key(&pair.key, password.value.as_bytes());
        pair.key = open.map_err(|error| format!("`SSL`: {}: {error}", key.value.display()))?;
    }
    Ok(Some(pair))
}
