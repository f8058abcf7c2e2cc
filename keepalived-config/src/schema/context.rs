//! The blocks in which keywords live.

use std::fmt;

/// A block of keywords. The same word may mean different things in different blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Context {
    /// The top level of a file.
    Root,
    /// `global_defs`.
    GlobalDefs,
    /// `track_group NAME`.
    TrackGroup,
    /// `vrrp_sync_group NAME`.
    SyncGroup,
    /// `garp_group`.
    GarpGroup,
    /// `vrrp_instance NAME`.
    Instance,
    /// `authentication` in an instance.
    Authentication,
    /// `auth_hmac` in an instance.
    AuthHmac,
    /// `vrrp_script NAME`.
    Script,
    /// `vrrp_track_process NAME`.
    TrackProcess,
    /// `track_file NAME`.
    TrackFile,
    /// `vrrp_track_file NAME`, the old name of `track_file`.
    VrrpTrackFile,
    /// `bfd_instance NAME`.
    Bfd,
    /// `sbfd_reflector`.
    SbfdReflector,
    /// `SSL`.
    Ssl,
    /// `virtual_server ...`.
    VirtualServer,
    /// `real_server ...`.
    RealServer,
    /// `MISC_CHECK`.
    MiscCheck,
    /// `SMTP_CHECK`.
    SmtpCheck,
    /// `host` in `SMTP_CHECK`.
    SmtpCheckHost,
    /// `TCP_CHECK`.
    TcpCheck,
    /// `PING_CHECK`.
    PingCheck,
    /// `UDP_CHECK`.
    UdpCheck,
    /// `HTTP_GET`.
    HttpGet,
    /// `url` in `HTTP_GET`.
    HttpGetUrl,
    /// `SSL_GET`.
    SslGet,
    /// `url` in `SSL_GET`.
    SslGetUrl,
    /// `DNS_CHECK`.
    DnsCheck,
    /// `FILE_CHECK`.
    FileCheck,
    /// `BFD_CHECK`.
    BfdCheck,
}

impl Context {
    /// Every block, in the order of the parity page.
    pub const ALL: [Self; 30] = [
        Self::Root,
        Self::GlobalDefs,
        Self::TrackGroup,
        Self::SyncGroup,
        Self::GarpGroup,
        Self::Instance,
        Self::Authentication,
        Self::AuthHmac,
        Self::Script,
        Self::TrackProcess,
        Self::TrackFile,
        Self::VrrpTrackFile,
        Self::Bfd,
        Self::SbfdReflector,
        Self::Ssl,
        Self::VirtualServer,
        Self::RealServer,
        Self::MiscCheck,
        Self::SmtpCheck,
        Self::SmtpCheckHost,
        Self::TcpCheck,
        Self::PingCheck,
        Self::UdpCheck,
        Self::HttpGet,
        Self::HttpGetUrl,
        Self::SslGet,
        Self::SslGetUrl,
        Self::DnsCheck,
        Self::FileCheck,
        Self::BfdCheck,
    ];

    /// The path of the block from the top level, the words joined by dots.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Root => "(root)",
            Self::GlobalDefs => "global_defs",
            Self::TrackGroup => "track_group",
            Self::SyncGroup => "vrrp_sync_group",
            Self::GarpGroup => "garp_group",
            Self::Instance => "vrrp_instance",
            Self::Authentication => "vrrp_instance.authentication",
            Self::AuthHmac => "vrrp_instance.auth_hmac",
            Self::Script => "vrrp_script",
            Self::TrackProcess => "vrrp_track_process",
            Self::TrackFile => "track_file",
            Self::VrrpTrackFile => "vrrp_track_file",
            Self::Bfd => "bfd_instance",
            Self::SbfdReflector => "sbfd_reflector",
            Self::Ssl => "SSL",
            Self::VirtualServer => "virtual_server",
            Self::RealServer => "virtual_server.real_server",
            Self::MiscCheck => "virtual_server.real_server.MISC_CHECK",
            Self::SmtpCheck => "virtual_server.real_server.SMTP_CHECK",
            Self::SmtpCheckHost => "virtual_server.real_server.SMTP_CHECK.host",
            Self::TcpCheck => "virtual_server.real_server.TCP_CHECK",
            Self::PingCheck => "virtual_server.real_server.PING_CHECK",
            Self::UdpCheck => "virtual_server.real_server.UDP_CHECK",
            Self::HttpGet => "virtual_server.real_server.HTTP_GET",
            Self::HttpGetUrl => "virtual_server.real_server.HTTP_GET.url",
            Self::SslGet => "virtual_server.real_server.SSL_GET",
            Self::SslGetUrl => "virtual_server.real_server.SSL_GET.url",
            Self::DnsCheck => "virtual_server.real_server.DNS_CHECK",
            Self::FileCheck => "virtual_server.real_server.FILE_CHECK",
            Self::BfdCheck => "virtual_server.real_server.BFD_CHECK",
        }
    }

    /// The word that opens the block, as a reader would name the block; "the top level" for the root.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "the top level",
            other => other.path().rsplit('.').next().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
