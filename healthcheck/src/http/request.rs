//! The request, as C Keepalived writes it: real servers' logs and filters know it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::expect::Expectation;

/// The version of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// `1.0`
    #[default]
    Http10,
    /// `1.0C`: with `Connection: close`.
    Http10Close,
    /// `1.1`, with `Connection: close`.
    Http11,
}

/// A page, and what is to come back.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Path with query.
    pub path: String,
    /// Value of the field Host; address and port of the target if `None`.
    pub virtual_host: Option<String>,
    /// What is to come back.
    pub expect: Expectation,
    /// Over TLS, the server has to say that it ends the connection, as TLS wants it; one that
    /// only closes it fails. Many servers do.
    pub tls_compliant: bool,
}

impl Page {
    /// A page that answers with a status of 200 to 299.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            virtual_host: None,
            expect: Expectation::default(),
            tls_compliant: false,
        }
    }

    /// The request. Line ends in path and host are left out: they would be fields of their own.
    pub(crate) fn request(&self, version: HttpVersion, to: SocketAddr) -> Vec<u8> {
        let (number, close) = match version {
            HttpVersion::Http10 => ("1.0", ""),
            HttpVersion::Http10Close => ("1.0", "Connection: close\r\n"),
            HttpVersion::Http11 => ("1.1", "Connection: close\r\n"),
        };
        let path = clean(&self.path);
        let mut text =
            format!("GET {path} HTTP/{number}\r\nUser-Agent: KeepAliveClient\r\n{close}Host: ");
        match &self.virtual_host {
            Some(host) => text += &clean(host),
            None => {
                // The usual port too, as Keepalived does: pages repeat it in their links, and so it is in digests.
                let _infallible = match to {
                    SocketAddr::V4(to) => write!(text, "{to}"),
                    SocketAddr::V6(to) => write!(text, "[{}]:{}", to.ip(), to.port()),
                };
            }
        }
        text += "\r\n\r\n";
        text.into_bytes()
    }
}

fn clean(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}
