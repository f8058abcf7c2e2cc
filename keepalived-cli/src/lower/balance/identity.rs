//! `SSL`: the certificate that servers get to see.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::{ServerNameIndication, TlsConfig, Verify, WallClock};
use keepalived_config::model::Identity as Model;

/// The files, read once.
#[derive(Default)]
pub(super) struct Identity {
    read: Option<Result<Option<Pair>, String>>,
}

/// A certificate chain and its key, in PEM.
#[derive(Clone)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    /// How to speak TLS with this name.
    ///
    /// # Errors
    /// What file cannot be used, and why.
    pub(super) fn tls(
        &mut self,
        model: &Model,
        sni: ServerNameIndication,
    ) -> Result<TlsConfig, String> {
        let pair = self.read.get_or_insert_with(|| read(model)).clone()?;
        // Nothing is verified, so nobody asks for the time.
        let clock: WallClock = Arc::new(|| Some(Duration::ZERO));
        let identity = pair
            .as_ref()
            .map(|pair| (pair.certificate.as_slice(), pair.key.as_slice()));
        TlsConfig::with(&Verify::Danger, identity, sni, clock)
            .map_err(|error| format!("`SSL`: {error}"))
    }
}

/// A certificate without key, or the other way round, is the file that holds both.
fn read(model: &Model) -> Result<Option<Pair>, String> {
    let certificate = model.certificate.as_ref().or(model.key.as_ref());
    let key = model.key.as_ref().or(model.certificate.as_ref());
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Ok(None);
    };
    let contents = |path: &std::path::Path| {
        fs::read(path).map_err(|error| format!("`SSL`: {}: {error}", path.display()))
    };
    Ok(Some(Pair {
        certificate: contents(&certificate.value)?,
        key: contents(&key.value)?,
    }))
}
