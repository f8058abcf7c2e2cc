//! A load balancer, its servers and a client, for kernels with IPVS: `cargo xtask ipvs`.
//!
//! The client is in a network of its own behind the balancer, so that answers of the servers come
//! back through it. Each balancer has its own table, as each network namespace has.

use std::process::Command;
use std::time::Duration;

use crate::netns::run;
use crate::{Daemon, Host, Kind, Lan, Scratch, wait_until};

/// The name of the host that balances.
pub const DIRECTOR: &str = "lb";
/// Its address for services, and that of IPv6.
pub const SERVICE: &str = "10.8.0.100";
/// The same for IPv6.
pub const SERVICE6: &str = "2001:db8:8::100";

/// Time between two looks at the table.
const LOOK: Duration = Duration::from_millis(200);

/// Director, client `c` and servers `s1`, `s2`, ... whose addresses are 10.9.0.3, 10.9.0.4, ...
#[derive(Debug)]
pub struct Director {
    /// Where everybody is.
    pub lan: Lan,
}

impl Director {
    /// A balancer in front of so many servers, at most three.
    ///
    /// # Panics
    /// When the kernel refuses any part of it.
    #[must_use]
    pub fn new(servers: usize) -> Self {
        let names = [DIRECTOR, "c", "s1", "s2", "s3"];
        let lan = Lan::new(names.get(..servers + 2).expect("at most three"));
        let lb = &lan.host(DIRECTOR).netns;
        lb.ip(&[
            "addr add 10.8.0.1/24 dev eth0",
            "addr add 10.8.0.100/32 dev eth0",
            "addr add 2001:db8:8::1/64 dev eth0 nodad",
            "addr add 2001:db8:8::100/128 dev eth0 nodad",
        ]);
        lb.shell(
            "cd /proc/sys/net; echo 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding; \
             for d in all default eth0; do echo 0 > ipv4/conf/$d/send_redirects; done",
        );
        lan.host("c").netns.ip(&[
            "addr flush dev eth0",
            "addr add 10.8.0.2/24 dev eth0",
            "addr add 2001:db8:8::2/64 dev eth0 nodad",
        ]);
        for name in names.get(2..servers + 2).into_iter().flatten() {
            lan.host(name).netns.ip(&[
                "route add 10.8.0.0/24 via 10.9.0.1",
                "route add 2001:db8:8::/64 via 2001:db8::1",
            ]);
        }
        Self { lan }
    }

    /// The host that balances.
    #[must_use]
    pub fn host(&self) -> &Host {
        self.lan.host(DIRECTOR)
    }

    /// Starts the daemon under test there.
    #[must_use]
    pub fn start(&self, conf: &str) -> Daemon {
        self.start_in(Scratch::new(DIRECTOR), conf, &[])
    }

    /// The same in a directory that has been prepared, with more flags.
    #[must_use]
    pub fn start_in(&self, scratch: Scratch, conf: &str, flags: &[&str]) -> Daemon {
        Daemon::start_in(kind(), self.host(), scratch, conf, flags)
    }

    /// What `ipvsadm` says here. There is no process in between: on an emulated processor each costs
    /// more than all that is looked at.
    ///
    /// # Panics
    /// When it fails.
    pub fn ipvsadm(&self, arguments: &str) -> String {
        let words: Vec<_> = arguments.split_whitespace().map(str::to_owned).collect();
        let here = self
            .host()
            .netns
            .spawn(move || run(Command::new("ipvsadm").args(words)));
        here.join().expect("ipvsadm succeeds")
    }

    /// The table as `ipvsadm` saves it, sorted.
    #[must_use]
    pub fn table(&self) -> Vec<String> {
        let text = self.ipvsadm("-Sn");
        // It leaves spaces at the ends of some lines, and a flag option without a flag.
        let line = |line: &str| line.trim_end().trim_end_matches(" -b").to_owned();
        let mut lines: Vec<_> = text.lines().map(line).collect();
        lines.sort();
        lines
    }

    /// Waits until the table is this one, lines in any order.
    ///
    /// # Panics
    /// When it is not within `limit`; the message has both.
    #[track_caller]
    pub fn wait_table(&self, wanted: &[&str], limit: Duration) {
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        let mut last = Vec::new();
        let start = crate::clock::now();
        while start.elapsed() < limit {
            last = self.table();
            if last == wanted {
                return;
            }
            std::thread::sleep(LOOK);
        }
        panic!("within {limit:?} the table did not become\n{wanted:#?}\nit is\n{last:#?}");
    }

    /// Waits until one line of the table is this one, or is not there.
    ///
    /// # Panics
    /// When that is not so within `limit`.
    #[track_caller]
    pub fn wait_line(&self, line: &str, there: bool, limit: Duration) {
        let what = format!("`{line}` in the table: {there}");
        wait_until(&what, limit, || {
            self.table().iter().any(|is| is == line) == there
        });
    }

    /// A number that `ipvsadm -L` shows for a destination: column 0 is the first after the method.
    #[must_use]
    pub fn column(&self, options: &str, destination: &str, column: usize) -> Option<u64> {
        let text = self.ipvsadm(&format!("-L -n {options}"));
        let line = text.lines().find(|line| line.contains(destination))?;
        let rest = line.split_once(destination)?.1;
        let mut words = rest.split_whitespace().filter(|word| {
            word.chars()
                .next()
                .is_some_and(|first| first.is_ascii_digit())
        });
        words.nth(column)?.parse().ok()
    }
}

/// Which daemon the guest's tests are about: `KEEPALIVED_GUEST=c` chooses C Keepalived.
#[must_use]
pub fn kind() -> Kind {
    match std::env::var("KEEPALIVED_GUEST").as_deref() {
        Ok("c") => Kind::CKeepalived,
        _ => Kind::Ours,
    }
}
