//! `keepalived.conf` files for one virtual router, as both daemons read them.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use crate::Host;
use crate::lan::INTERFACE;

/// The virtual router of most live tests; fields may be changed before [`Conf::text`].
#[derive(Clone, Debug)]
pub struct Conf {
    /// 2 or 3.
    pub version: u8,
    /// 1 to 254.
    pub priority: u8,
    /// Advertisement interval; whole seconds for version 2.
    pub interval: Duration,
    /// Virtual addresses, as in `virtual_ipaddress`.
    pub addresses: Vec<String>,
    /// `unicast_src_ip` and the peers; multicast when `None`.
    pub unicast: Option<(IpAddr, Vec<IpAddr>)>,
    /// `virtual_router_id`.
    pub vrid: u8,
    /// More lines of the `vrrp_instance` block.
    pub extra: Vec<String>,
    /// More lines of the `global_defs` block.
    pub global: Vec<String>,
}

impl Conf {
    /// Version 3, every 100 ms, multicast, 10.9.0.100/24.
    #[must_use]
    pub fn new(priority: u8) -> Self {
        Self {
            version: 3,
            priority,
            interval: Duration::from_millis(100),
            addresses: vec!["10.9.0.100/24".to_owned()],
            unicast: None,
            vrid: 51,
            extra: Vec::new(),
            global: Vec::new(),
        }
    }

    /// Version 2, every second.
    #[must_use]
    pub fn version2(mut self) -> Self {
        self.version = 2;
        self.interval = Duration::from_secs(1);
        self
    }

    /// fe80::51 and 2001:db8::100 instead of the IPv4 address.
    #[must_use]
    pub fn ipv6(mut self) -> Self {
        self.addresses = vec!["fe80::51/64".to_owned(), "2001:db8::100/64".to_owned()];
        self
    }

    /// Unicast from one host to another, over the family of the virtual addresses.
    #[must_use]
    pub fn unicast(mut self, from: &Host, to: &Host) -> Self {
        let ipv6 = self.is_ipv6();
        let own = |host: &Host| {
            if ipv6 {
                host.ipv6.into()
            } else {
                host.ipv4.into()
            }
        };
        self.unicast = Some((own(from), vec![own(to)]));
        self
    }

    /// One more line in the `vrrp_instance` block.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.extra.push(line.to_owned());
        self
    }

    /// Whether the virtual addresses are IPv6.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.addresses
            .first()
            .is_some_and(|address| address.contains(':'))
    }

    /// The virtual addresses without their prefix lengths.
    ///
    /// # Panics
    /// When one of them is not an address.
    #[must_use]
    pub fn virtual_addresses(&self) -> Vec<IpAddr> {
        let bare = |text: &String| text.split(['/', ' ']).next().map(str::to_owned);
        let parse = |text: String| text.parse().expect("a virtual address");
        self.addresses.iter().filter_map(bare).map(parse).collect()
    }

    /// The address a client would use: the last one, because IPv6 lists the link-local one first.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn service_address(&self) -> IpAddr {
        self.virtual_addresses()
            .pop()
            .expect("at least one virtual address")
    }

    /// (256 - priority) / 256 of the interval.
    #[must_use]
    pub fn skew(&self) -> Duration {
        self.interval * (256 - u32::from(self.priority)) / 256
    }

    /// Three intervals and the skew.
    #[must_use]
    pub fn down_interval(&self) -> Duration {
        self.interval * 3 + self.skew()
    }

    /// The text of the configuration file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from("global_defs {\n    router_id lab\n    script_user root\n");
        for line in &self.global {
            let _ = writeln!(text, "    {line}");
        }
        let _ = write!(
            text,
            "}}\n\nvrrp_instance VI_1 {{\n    state BACKUP\n    interface {INTERFACE}\n    \
             virtual_router_id {}\n    version {}\n    priority {}\n    advert_int {}\n",
            self.vrid,
            self.version,
            self.priority,
            self.interval.as_secs_f64()
        );
        if let Some((source, peers)) = &self.unicast {
            let _ = write!(text, "    unicast_src_ip {source}\n    unicast_peer {{\n");
            for peer in peers {
                let _ = writeln!(text, "        {peer}");
            }
            text.push_str("    }\n");
        }
        for line in &self.extra {
            let _ = writeln!(text, "    {line}");
        }
        text.push_str("    virtual_ipaddress {\n");
        for address in &self.addresses {
            let _ = writeln!(text, "        {address}");
        }
        text.push_str("    }\n}\n");
        text
    }
}
