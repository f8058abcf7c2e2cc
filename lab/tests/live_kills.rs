//! Killed at any moment, again and again: what the next run makes of what is left behind.

use std::fs;
use std::time::Duration;

use lab::{Daemon, Host, Kind, Lan, clock, wait_until};
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(20);
/// `KEEPALIVED_KILLS` may say otherwise.
const KILLS: u32 = 200;
/// After so many kills the next run is looked at.
const BETWEEN_LOOKS: u32 = 10;
/// It is MASTER, with everything in place, after half of that.
const LONGEST_LIFE: u64 = 300;

/// A small generator, so that a failing run can be made again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Two files that have little in common.
fn texts() -> [String; 2] {
    let statics = "static_ipaddress {\n 10.8.0.1/24 dev other0\n}\n\
        static_routes {\n 10.6.0.0/16 via 10.8.0.7 dev other0\n}\n\
        static_rules {\n from 10.6.0.0/16 table 8 preference 600\n}\n";
    let instance = |number: u8, lines: &str| {
        format!(
            "vrrp_instance VI_{number} {{\n interface eth0\n virtual_router_id 5{number}\n version 3\n \
             advert_int 0.02\n priority 200\n{lines}\n}}\n"
        )
    };
    let first = instance(
        1,
        "use_vmac\n no_accept\n virtual_ipaddress {\n 10.9.0.100/24\n}\n\
         virtual_routes {\n 10.5.0.0/16 via 10.9.0.7 dev eth0\n}\n\
         virtual_rules {\n from 10.5.0.0/16 table 7 preference 500\n}",
    ) + &instance(
        2,
        "virtual_ipaddress {\n 10.9.0.101/24\n}\n\
         virtual_ipaddress_excluded {\n 2001:db8::101/64\n}",
    );
    let second = instance(
        1,
        "promote_secondaries\n virtual_ipaddress {\n 10.9.0.100/24\n 10.9.0.110/24\n}",
    ) + &instance(
        3,
        "use_vmac\n virtual_ipaddress {\n 10.9.0.103/24\n}\n\
         virtual_routes {\n 10.5.0.0/16 via 10.9.0.8 dev eth0\n}",
    );
    [
        format!("{statics}{first}"),
        format!("global_defs {{\n disable_local_igmp\n}}\n{second}"),
    ]
}

/// All that such a daemon can change in the kernel.
fn state(host: &Host) -> String {
    host.netns.shell(
        "export LC_ALL=C; ip -br link | awk '{print $1, $3}' | sort; ip -br addr | awk '{$2 = \"\"; print}' | sort; \
         ip route show table all | sort; ip -6 route show table all | sort; ip rule; ip -6 rule; \
         nft list ruleset; \
         cd /proc/sys/net; grep -r . ipv4/conf ipv6/conf ipv4/igmp_link_local_mcast_reports | sort",
    )
}

fn assert_same(what: &str, now: &str, wanted: &str) {
    let lines = |one: &str, other: &str| {
        let surplus = one
            .lines()
            .filter(|line| !other.lines().any(|there| there == *line));
        surplus
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    let (more, missing) = (lines(now, wanted), lines(wanted, now));
    assert!(
        now == wanted,
        "{what}\n  there:\n{more}  missing:\n{missing}"
    );
}

/// KA-ST-07, STAT-01, VMAC-07, VMAC-10: after a restart nothing is left over, nothing is there twice, and
/// nothing that is somebody else's has been touched.
#[test]
#[ignore = "live: cargo xtask live"]
fn two_hundred_kills_at_random_moments_leave_nothing_behind() {
    lab::require_live();
    let lan = Lan::new(&["a"]);
    let host = lan.host("a");
    host.netns.ip(&[
        "link add other0 type veth peer name far0",
        "link set far0 up",
        "link set other0 up",
        "addr add 10.9.0.200/24 dev eth0",
        "addr add 10.8.0.9/24 dev other0",
        "route add 10.77.0.0/16 via 10.9.0.9",
        "rule add from 10.77.0.0/16 table 77 preference 577",
        "link add foreign0 link eth0 type macvlan",
        "link set foreign0 up",
    ]);
    let texts = texts();
    let before = state(host);
    let mut daemon = Daemon::start_with(Kind::Ours, host, &texts[0]);
    let file = daemon.directory().join("keepalived.conf");
    let write = |text: &str| fs::write(&file, text).expect("scratch is writable");
    let socket = daemon.directory().join("main.sock");
    let masters = |daemon: &Daemon| {
        // That of the killed one is removed before the next starts.
        if !socket.exists() {
            return false;
        }
        let status = daemon.status();
        let instances = status["instances"].as_array().cloned().unwrap_or_default();
        instances
            .iter()
            .all(|one| one["state"] == "MASTER" && one["addresses_set"] == true)
    };
    // What an undisturbed run comes to.
    let mut during = Vec::new();
    for text in &texts {
        write(text);
        daemon.signal(Signal::TERM);
        let _ = daemon.wait_exit(PATIENCE);
        assert_same("after a stop", &state(host), &before);
        daemon.start_again(host);
        daemon.wait_log("Startup complete", during.len() + 1, PATIENCE);
        wait_until("all are MASTER", PATIENCE, || masters(&daemon));
        during.push(state(host));
    }
    let kills = std::env::var("KEEPALIVED_KILLS").ok();
    let kills = kills.and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut random = Random(0x5eed_0001);
    let mut live = |limit: u64| {
        let (life, start) = (Duration::from_millis(random.below(limit)), clock::now());
        while start.elapsed() < life {
            std::thread::yield_now();
        }
        random.below(6)
    };
    for round in 1..=kills {
        daemon.kill();
        let _ = fs::remove_file(&socket);
        let choice = live(1);
        let text = usize::from(choice % 2 == 1);
        write(&texts[text]);
        daemon.start_again(host);
        if round % BETWEEN_LOOKS == 0 {
            let what = format!("after kill {round}, with file {text}");
            wait_until(&what, PATIENCE, || masters(&daemon));
            let start = clock::now();
            while state(host) != during[text] && start.elapsed() < PATIENCE {}
            assert_same(&what, &state(host), &during[text]);
        }
        if live(LONGEST_LIFE) < 2 {
            write(&texts[1 - text]);
            daemon.signal(Signal::HUP);
            live(LONGEST_LIFE / 3);
        }
    }
    daemon.kill();
    let _ = fs::remove_file(&socket);
    write(&texts[0]);
    daemon.start_again(host);
    wait_until("all are MASTER at last", PATIENCE, || masters(&daemon));
    daemon.terminate();
    let _ = daemon.wait_exit(PATIENCE);
    assert_same("at the end", &state(host), &before);
}
