//! The data behind `schema`: every keyword of every block, sorted by name within its block.

/// One keyword per statement: name, shape, arguments, priority, status, default, since, doc.
macro_rules! table {
    ($table:ident, $context:ident;
     $($name:literal, $shape:expr, $arguments:literal, $priority:ident, $status:expr,
       $default:literal, $since:literal, $doc:literal;)*) => {
        pub(super) static $table: &[Keyword] = &[$(Keyword {
            name: $name,
            context: Context::$context,
            arguments: $arguments,
            shape: $shape,
            priority: $priority,
            status: $status,
            doc: $doc,
            default: $default,
            since: $since,
        }),*];
    };
}

mod bfd;
mod checkers;
mod checkers_connect;
mod checkers_http;
mod global_defs;
mod inline;
mod instance;
mod real_server;
mod root;
mod sync_group;
mod trackers;
mod virtual_server;

use crate::schema::{Context, Keyword};

pub(crate) use inline::INLINE;

/// Why everything about SNMP is refused.
const NO_SNMP: &str =
    "there is no SNMP agent here; `keepalived-rs status --json` and the JSON dump tell the same";

/// Names the table files share.
mod prelude {
    pub(super) use super::NO_SNMP;
    pub(super) use crate::schema::Priority::{P0, P1, P2};
    pub(super) use crate::schema::Shape::{Block, Entries, Line};
    pub(super) use crate::schema::Status::{NoEffect, Refused, Works};
    pub(super) use crate::schema::{Context, EntryKind, InlineWord, Keyword};
}

/// The keywords of one block, sorted by name.
pub(crate) fn table(context: Context) -> &'static [Keyword] {
    match context {
        Context::Root => root::ROOT,
        Context::GlobalDefs => global_defs::GLOBAL_DEFS,
        Context::TrackGroup => sync_group::TRACK_GROUP,
        Context::SyncGroup => sync_group::SYNC_GROUP,
        Context::GarpGroup => sync_group::GARP_GROUP,
        Context::Instance => instance::INSTANCE,
        Context::Authentication => instance::AUTHENTICATION,
        Context::AuthHmac => instance::AUTH_HMAC,
        Context::Script => trackers::SCRIPT,
        Context::TrackProcess => trackers::TRACK_PROCESS,
        Context::TrackFile => trackers::TRACK_FILE,
        Context::VrrpTrackFile => trackers::VRRP_TRACK_FILE,
        Context::Bfd => bfd::BFD,
        Context::SbfdReflector => bfd::SBFD_REFLECTOR,
        Context::Ssl => checkers_http::SSL,
        Context::VirtualServer => virtual_server::VIRTUAL_SERVER,
        Context::RealServer => real_server::REAL_SERVER,
        Context::MiscCheck => checkers::MISC_CHECK,
        Context::SmtpCheck => checkers_connect::SMTP_CHECK,
        Context::SmtpCheckHost => checkers_connect::SMTP_CHECK_HOST,
        Context::TcpCheck => checkers_connect::TCP_CHECK,
        Context::PingCheck => checkers_connect::PING_CHECK,
        Context::UdpCheck => checkers_connect::UDP_CHECK,
        Context::HttpGet => checkers_http::HTTP_GET,
        Context::HttpGetUrl => checkers_http::HTTP_GET_URL,
        Context::SslGet => checkers_http::SSL_GET,
        Context::SslGetUrl => checkers_http::SSL_GET_URL,
        Context::DnsCheck => checkers_connect::DNS_CHECK,
        Context::FileCheck => checkers::FILE_CHECK,
        Context::BfdCheck => checkers::BFD_CHECK,
    }
}
