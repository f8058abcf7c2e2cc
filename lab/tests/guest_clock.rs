//! Somebody sets the time of day: what waits goes on waiting as if nobody had. In the virtual machine,
//! whose clock is nobody else's: `cargo xtask ipvs`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use lab::director::kind;
use lab::netns::run;
use lab::wait::holds_for;
use lab::{Daemon, Director, Kind, Scratch, clock, wait_until};

const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than adverts, control packets or checks may be missing.
const CALM: Duration = Duration::from_secs(6);
const DAY: i64 = 24 * 3600;

/// Moves the clock by so many seconds.
fn step(seconds: i64) {
    let now = || i64::try_from(clock::stamp().as_secs()).expect("not that far ahead");
    let wanted = now() + seconds;
    run(Command::new("busybox").args(["date", "-u", "-s", &format!("@{wanted}")]));
    assert!((now() - wanted).abs() < 60, "it is {} now", now());
}

/// Elections, sessions and checks count on a clock of their own.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn a_step_of_the_time_of_day_changes_nothing() {
    lab::require_guest();
    let director = Director::new(1);
    let files = Scratch::new("files");
    let alive = files.file("alive");
    fs::write(&alive, "").expect("scratch is writable");
    let common = |priority: u32, neighbour: &str, track: &str| {
        format!(
            "global_defs {{\n script_user root\n}}\n\
             bfd_instance B {{\n neighbor_ip {neighbour}\n min_rx 200\n min_tx 200\n multiplier 5\n}}\n\
             vrrp_instance VI {{\n state BACKUP\n interface eth0\n virtual_router_id 7\n priority {priority}\n \
             advert_int 1\n {track}\n virtual_ipaddress {{\n 10.9.0.200/24\n }}\n}}\n"
        )
    };
    let service = format!(
        "virtual_server 10.8.0.100 80 {{\n delay_loop 1\n warmup 0\n lvs_sched rr\n lb_kind NAT\n protocol TCP\n \
         real_server 10.9.0.9 80 {{\n MISC_CHECK {{\n misc_path \"/bin/busybox test -e {}\"\n misc_timeout 1\n }}\n }}\n}}\n",
        alive.display()
    );
    let balancer = director.start(&(common(150, "10.9.0.3", "track_bfd {\n B\n }") + &service));
    let peer = director.lan.host("s1");
    let peer = Daemon::start_in(
        kind(),
        peer,
        Scratch::new("s1"),
        &common(100, "10.9.0.1", ""),
        &[],
    );
    let there = [
        "-A -t 10.8.0.100:80 -s rr",
        "-a -t 10.8.0.100:80 -r 10.9.0.9:80 -m -w 1",
    ];
    director.wait_table(&there, PATIENCE);
    // Which it may be only with its BFD session.
    wait_until("the better one has the address", PATIENCE, || {
        let said = peer.log();
        let last = said.lines().rfind(|line| line.contains("Entering "));
        last.is_some_and(|line| line.contains("BACKUP STATE"))
            && director.lan.holders([10, 9, 0, 200].into()) == ["lb"]
    });
    // What either of them has said about becoming something.
    let told = || [&balancer, &peer].map(|daemon| daemon.logged("Entering "));
    let before = told();
    for seconds in [3000 * DAY, -3001 * DAY] {
        step(seconds);
        holds_for("nobody has noticed", CALM, || {
            told() == before && director.table() == there
        });
        fs::remove_file(&alive).expect("it is there");
        director.wait_table(&there[..1], PATIENCE);
        fs::write(&alive, "").expect("scratch is writable");
        director.wait_table(&there, PATIENCE);
        if kind() == Kind::Ours {
            let status = balancer.status();
            assert_eq!(status["instances"][0]["state"], "MASTER", "{status}");
        }
    }
}
