//! `SSL`: the certificate that servers get to see, and those that theirs have to be signed by.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use healthcheck::{
    ServerNameIndication, TlsConfig, TlsConfigError, Verify, WallClock, decrypt_key,
};
use keepalived_config::Span;
use keepalived_config::model::{Identity as Model, Spanned};
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

/// A line of `SSL` of which nothing can be made.
#[derive(Debug)]
pub(crate) struct FileTrouble {
    /// The line.
    pub(crate) span: Span,
    /// Its keyword.
    pub(crate) word: &'static str,
    /// What is wrong, with the name of the file.
    pub(crate) why: String,
    /// The file could not be read, for this reason.
    pub(crate) unread: Option<ErrorKind>,
}

impl FileTrouble {
    /// For the log and `status`.
    fn said(self) -> String {
        format!("`SSL`: {}", self.why)
    }
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
        let read = || read(model).map_err(FileTrouble::said);
        let pair = self.read.get_or_insert_with(read).clone()?;
        let verify = if verify {
            let roots = || {
                roots(model).map_err(|trouble| match trouble {
                    None => NO_CA.to_owned(),
                    Some(trouble) => trouble.said(),
                })
            };
            self.roots.get_or_insert_with(roots).clone()?
        } else {
            Verify::Danger
        };
        make(&verify, pair.as_ref(), sni).map_err(|error| {
            let trouble = blame(model, &error);
            trouble.map_or_else(|| format!("`SSL`: {error}"), FileTrouble::said)
        })
    }
}

/// What of `SSL` cannot be used on this machine: our certificate and its key, and, where that is wanted, whom to
/// believe.
pub(crate) fn file_troubles(model: &Model, believe: bool) -> Vec<FileTrouble> {
    let mut found = Vec::new();
    let off = || ServerNameIndication::Off;
    match read(model) {
        Ok(pair) => {
            if let Err(error) = make(&Verify::Danger, pair.as_ref(), off()) {
                found.extend(blame(model, &error));
            }
        }
        Err(trouble) => found.push(trouble),
    }
    if believe {
        match roots(model) {
            Ok(verify) => {
                if let Err(error) = make(&verify, None, off()) {
                    found.extend(blame(model, &error));
                }
            }
            // Without the line that is said at the checks.
            Err(trouble) => found.extend(trouble),
        }
    }
    found
}

fn make(
    verify: &Verify,
    pair: Option<&Pair>,
    sni: ServerNameIndication,
) -> Result<TlsConfig, TlsConfigError> {
    let clock: WallClock = match verify {
        Verify::Roots(_) => Arc::new(|| Clock.wall().duration_since(UNIX_EPOCH).ok()),
        // Nothing is verified, so nobody asks for the time.
        Verify::Danger => Arc::new(|| Some(Duration::ZERO)),
    };
    let identity = pair.map(|pair| (pair.certificate.as_slice(), pair.key.as_slice()));
    TlsConfig::with(verify, identity, sni, clock)
}

/// Whose signature counts. An error without trouble: nothing says whose.
fn roots(model: &Model) -> Result<Verify, Option<FileTrouble>> {
    let file = Line::ca(model).ok_or(None)?;
    Ok(Verify::Roots(file.contents()?))
}

/// A certificate without key, or the other way round, is the file that holds both.
fn read(model: &Model) -> Result<Option<Pair>, FileTrouble> {
    let (Some(certificate), Some(key)) = (Line::certificate(model), Line::key(model)) else {
        return Ok(None);
    };
    let mut pair = Pair {
        certificate: certificate.contents()?,
        key: key.contents()?,
    };
    if let Some(password) = &model.password {
        let open = decrypt_key(&pair.key, password.value.as_bytes());
        pair.key = open.map_err(|error| key.trouble(&unusable(&error)))?;
    }
    Ok(Some(pair))
}

/// The file that is to blame.
fn blame(model: &Model, error: &TlsConfigError) -> Option<FileTrouble> {
    let line = match error {
        TlsConfigError::Certificate => Line::certificate(model)?,
        TlsConfigError::Authorities | TlsConfigError::Authority(_) => Line::ca(model)?,
        _ => Line::key(model)?,
    };
    let why = match error {
        TlsConfigError::Certificate => "has no certificate that can be read (PEM)".to_owned(),
        TlsConfigError::Authorities => "has no certificate (PEM)".to_owned(),
        TlsConfigError::Authority(nth) => {
            format!("has a certificate that cannot be read, the {nth}th")
        }
        error => unusable(error),
    };
    let mut trouble = line.trouble(&why);
    if matches!(error, TlsConfigError::Mismatch)
        && let Some(certificate) = Line::certificate(model)
    {
        trouble.why = format!("{} in {}", trouble.why, certificate.path.display());
    }
    Some(trouble)
}

fn unusable(error: &TlsConfigError) -> String {
    let more = match error {
        TlsConfigError::Encrypted => ", and there is no `password` in `SSL`",
        _ => "",
    };
    format!("cannot be used: {error}{more}")
}

/// A line with the name of a file.
struct Line<'a> {
    word: &'static str,
    path: &'a Path,
    span: Span,
}

impl<'a> Line<'a> {
    fn new(word: &'static str, file: Option<&'a Spanned<PathBuf>>) -> Option<Self> {
        file.map(|file| Self {
            word,
            path: &file.value,
            span: file.span,
        })
    }

    fn ca(model: &'a Model) -> Option<Self> {
        Self::new("ca", model.ca.as_ref())
    }

    fn certificate(model: &'a Model) -> Option<Self> {
        let own = Self::new("certificate", model.certificate.as_ref());
        own.or_else(|| Self::new("key", model.key.as_ref()))
    }

    fn key(model: &'a Model) -> Option<Self> {
        let own = Self::new("key", model.key.as_ref());
        own.or_else(|| Self::new("certificate", model.certificate.as_ref()))
    }

    fn contents(&self) -> Result<Vec<u8>, FileTrouble> {
        fs::read(self.path).map_err(|error| {
            let why = match error.kind() {
                ErrorKind::NotFound => "is not on this machine".to_owned(),
                ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
                ErrorKind::IsADirectory => "is a directory".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            let mut trouble = self.trouble(&why);
            trouble.unread = Some(error.kind());
            trouble
        })
    }

    fn trouble(&self, why: &str) -> FileTrouble {
        FileTrouble {
            span: self.span,
            word: self.word,
            why: format!("the file {} of `{}` {why}", self.path.display(), self.word),
            unread: None,
        }
    }
}
