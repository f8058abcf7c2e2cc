//! What the library says, in words for people.

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription as Alert, CertificateError, Error};
use rustls::{InconsistentKeys, PeerIncompatible as Incompatible};

use super::TlsConfigError;
use crate::outcome::TlsFailure;

/// Why a certificate and a key cannot be used together.
pub(super) fn rejected(error: &Error) -> TlsConfigError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsConfigError::Mismatch,
        Error::InvalidCertificate(_) => TlsConfigError::Certificate,
        Error::General(_) => TlsConfigError::KeyKind,
        other => TlsConfigError::Rejected(other.to_string()),
    }
}

/// Why a connection is none.
pub(super) fn failure(error: Error) -> TlsFailure {
    match error {
        Error::AlertReceived(Alert::ProtocolVersion)
        | Error::PeerIncompatible(
            Incompatible::ServerDoesNotSupportTls12Or13
            | Incompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => TlsFailure::LegacyVersion,
        Error::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity)
        | Error::PeerIncompatible(_) => TlsFailure::LegacyCipher,
        Error::AlertReceived(alert) => TlsFailure::Alert(said(alert)),
        Error::InvalidCertificate(error) => TlsFailure::Certificate(certificate(&error)),
        Error::NoCertificatesPresented => TlsFailure::Certificate("the server has none".to_owned()),
        Error::InvalidMessage(_) => {
            TlsFailure::Protocol("what the server says is no TLS".to_owned())
        }
        other => TlsFailure::Protocol(other.to_string()),
    }
}

/// What the server complained about.
fn said(alert: Alert) -> String {
    let words = match alert {
        Alert::CertificateRequired => "it wants a certificate of ours (`certificate` of `SSL`)",
        Alert::UnknownCA => "it does not know who signed our certificate",
        Alert::CertificateExpired => "our certificate has expired",
        Alert::CertificateRevoked => "our certificate was revoked",
        Alert::BadCertificate | Alert::UnsupportedCertificate | Alert::CertificateUnknown => {
            "it does not take our certificate"
        }
        Alert::AccessDenied => "our certificate does not entitle us",
        Alert::UnrecognisedName => "it has nothing under the name that was sent (SNI)",
        Alert::InternalError => "it has an error of its own",
        other => return format!("{other:?}"),
    };
    words.to_owned()
}

fn certificate(error: &CertificateError) -> String {
    let words = match error {
        CertificateError::ExpiredContext { time, not_after } => {
            return format!("it expired {} ago", between(*not_after, *time));
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            return format!("it is valid only in {}", between(*time, *not_before));
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let wanted = expected.to_str();
            if presented.is_empty() {
                return format!("it names nobody, and `{wanted}` was asked for");
            }
            let names: Vec<&str> = presented.iter().map(|name| plain(name)).collect();
            return format!("it is not for `{wanted}`, but for {}", names.join(", "));
        }
        CertificateError::Expired => "it has expired",
        CertificateError::NotValidYet => "it is not valid yet",
        CertificateError::NotValidForName => "it is for another name",
        CertificateError::UnknownIssuer => "none of the `ca` has signed it",
        CertificateError::BadSignature => "its signature is wrong",
        CertificateError::BadEncoding => "it cannot be read",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not one for servers"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed in a way that is not known"
        }
        // The library has no name for it that could be asked for.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is that of an authority and not of a server, and not itself one of the `ca`"
        }
        other => return other.to_string(),
    };
    words.to_owned()
}

/// The name itself: `DnsName("a.example")` and `IpAddress(192.0.2.1)` are what the library says.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').map(|(_, rest)| rest);
    let inner = inner.and_then(|rest| rest.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

/// A time as people say it.
fn between(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let (number, unit) = [(86_400, "day"), (3_600, "hour"), (60, "minute")]
        .into_iter()
        .map(|(length, unit)| (seconds / length, unit))
        .find(|(number, _)| *number > 0)
        .unwrap_or((seconds, "second"));
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{many}")
}
