//! Random services, one configuration after another by reload, and the kernel's table after each. In the virtual
//! machine: `cargo xtask ipvs`. What the table has to be is written here a second time, from the manual and
//! not from our lowering; with `KEEPALIVED_GUEST=c` C Keepalived has to agree.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use lab::{Director, Scratch};

const PATIENCE: Duration = Duration::from_secs(20);
const CONFIGURATIONS: u64 = 30;
/// Every so many the daemon is killed instead, and another one finds what it left.
const KILL: u64 = 10;

/// A sequence that is the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = self.below(u64::try_from(of.len()).expect("a few"));
        of[usize::try_from(at).expect("a few")]
    }
}

/// Configurations and the lines of their tables.
#[derive(Default)]
struct Case {
    conf: String,
    lines: Vec<String>,
    taken: BTreeSet<String>,
}

/// `ADDRESS:PORT`, the address in brackets if it is one of IPv6.
fn at(address: &str, port: u64) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

impl Case {
    fn random(seed: u64) -> Self {
        let (mut case, mut random) = (Self::default(), Random::new(seed));
        for _ in 0..1 + random.below(6) {
            case.service(&mut random);
        }
        case
    }

    /// Adds a service, unless there is one of that key.
    fn service(&mut self, random: &mut Random) {
        let six = random.below(3) == 0;
        let port = 80 + random.below(4);
        let mark = (random.below(4) == 0).then(|| 1 + random.below(9));
        let (protocol, flag) = match random.below(3) {
            0 => ("TCP", "-t"),
            1 => ("UDP", "-u"),
            _ => ("SCTP", "--sctp-service"),
        };
        let address = if six {
            format!("2001:db8:8::{}", 100 + random.below(5))
        } else {
            format!("10.8.0.{}", 100 + random.below(5))
        };
        let key = match mark {
            None => format!("{flag} {}", at(&address, port)),
            Some(mark) if six => format!("-f {mark} -6"),
            Some(mark) => format!("-f {mark}"),
        };
        // C Keepalived takes two marks of different families for one.
        let known = mark.map_or_else(|| key.clone(), |mark| mark.to_string());
        if !self.taken.insert(known) {
            return;
        }
        let scheduler = random.pick(&[
            "rr", "wrr", "lc", "wlc", "sh", "mh", "sed", "nq", "dh", "fo", "ovf",
        ]);
        let (kind, way) = match random.below(3) {
            0 => ("NAT", "-m"),
            1 => ("DR", "-g"),
            _ => ("TUN", "-i"),
        };
        let (mut lines, mut options) = (String::new(), format!("-s {scheduler}"));
        match random.below(4) {
            0 => {
                let seconds = 1 + random.below(1000);
                let _ = writeln!(lines, " persistence_timeout {seconds}");
                let _ = write!(options, " -p {seconds}");
            }
            1 if flag == "-u" && mark.is_none() => {
                lines.push_str(" ops\n");
                options.push_str(" -o");
            }
            _ => {}
        }
        let head = match mark {
            Some(mark) => format!("fwmark {mark}"),
            None => {
                let _ = writeln!(lines, " protocol {protocol}");
                format!("{address} {port}")
            }
        };
        self.lines.push(format!("-A {key} {options}"));
        let _ = writeln!(
            self.conf,
            "virtual_server {head} {{\n lvs_sched {scheduler}\n lvs_method {kind}\n{lines}"
        );
        let mut servers = BTreeSet::new();
        for _ in 0..1 + random.below(5) {
            let number = 3 + random.below(9);
            if servers.insert(number) {
                let server = if six {
                    format!("2001:db8::{number}")
                } else {
                    format!("10.9.0.{number}")
                };
                let own = (way == "-m" && random.below(2) == 0).then(|| 8000 + random.below(9));
                // Without a port of its own: that of the service, and a mark has none.
                let written = own.unwrap_or_else(|| if mark.is_some() { 0 } else { port });
                let weight = 1 + random.below(5);
                let mut line = format!("-a {key} -r {} {way} -w {weight}", at(&server, written));
                if way == "-i" {
                    line.push_str(" --tun-type ipip");
                }
                self.lines.push(line);
                let shown = if written == 0 {
                    String::new()
                } else {
                    written.to_string()
                };
                let _ = writeln!(
                    self.conf,
                    " real_server {server} {shown} {{\n weight {weight}\n }}"
                );
            }
        }
        self.conf.push_str("}\n");
    }
}

/// LVS-20: whatever was there before.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn the_table_is_what_the_file_says_after_each_of_many_reloads() {
    lab::require_guest();
    let director = Director::new(0);
    let mut daemon = None;
    for seed in 0..CONFIGURATIONS {
        let case = Case::random(seed);
        let wanted: Vec<&str> = case.lines.iter().map(String::as_str).collect();
        println!("seed {seed}: {} lines", wanted.len());
        match &mut daemon {
            None => daemon = Some(director.start_in(Scratch::new("random"), &case.conf, &[])),
            // C Keepalived leaves what a killed one has put.
            Some(daemon) if seed % KILL == 0 && lab::director::kind() == lab::Kind::Ours => {
                daemon.kill();
                daemon.start_again_with_text(director.host(), &case.conf);
            }
            Some(daemon) => {
                daemon.reload_with(&case.conf);
            }
        }
        director.wait_table(&wanted, PATIENCE);
    }
}
