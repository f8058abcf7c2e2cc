//! Private keys with a password. The only file that names pkcs8.

use pkcs8::der::pem::LineEnding;
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};

use crate::tls::{TlsConfigError, is_legacy, section};

/// The key in clear, as PEM, out of a PEM text with a PKCS#8 key that has this password. A text whose key has
/// none is given back as it is.
///
/// # Errors
/// [`TlsConfigError::LegacyKey`] for a key in a form that is not read, [`TlsConfigError::Password`] when this
/// is not its password, or it is encrypted in a way of the past.
pub fn decrypt_key(pem: &[u8], password: &[u8]) -> Result<Vec<u8>, TlsConfigError> {
    let Some(key) = section(pem, "ENCRYPTED PRIVATE KEY") else {
        return match section(pem, "PRIVATE KEY") {
            None if is_legacy(pem) => Err(TlsConfigError::LegacyKey),
            _ => Ok(pem.to_vec()),
        };
    };
    let key = std::str::from_utf8(key).map_err(|_| TlsConfigError::Key)?;
    let (_, sealed) = SecretDocument::from_pem(key).map_err(|_| TlsConfigError::Key)?;
    let sealed = EncryptedPrivateKeyInfoRef::try_from(sealed.as_bytes());
    let sealed = sealed.map_err(|_| TlsConfigError::Password)?;
    let open = sealed.decrypt(password);
    let open = open.map_err(|_| TlsConfigError::Password)?;
    let text = open.to_pem("PRIVATE KEY", LineEnding::LF);
    Ok(text.map_err(|_| TlsConfigError::Key)?.as_bytes().to_vec())
}
