//! Loops that fail in a daemon that runs. There is nothing in it to make them: `strace` lets the wait of one thread fail
//! once, which leaves that thread with nothing to wait with.

use std::fs;
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lab::{Conf, Daemon, Host, Kind, Lan, require_live, wait_for, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

fn lan() -> Lan {
    require_live();
    Lan::new(&["a"])
}

/// Ends with the test that started it.
struct Tracer(Child);

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The thread of this name fails. It has been told of before `times` times.
fn fail(daemon: &Daemon, thread: &str, told: &str) {
    let tasks = format!("/proc/{}/task", daemon.pid());
    let before = daemon.logged(told);
    let task = wait_for("the thread runs", PATIENCE, || {
        let tasks = fs::read_dir(&tasks).ok()?.flatten();
        let mut tasks = tasks.map(|task| task.path());
        tasks.find(|task| {
            let name = fs::read_to_string(task.join("comm"));
            name.is_ok_and(|name| name.trim() == thread)
        })
    });
    let task = task
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a number");
    let waits = "epoll_wait,epoll_pwait,epoll_pwait2";
    let tracer = Command::new("strace")
        .args(["-qq", "-p", task, "-e", &format!("trace={waits}")])
        .args(["-e", &format!("inject={waits}:error=EBADF")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _tracer = Tracer(tracer.expect("strace is there"));
    daemon.wait_log(told, before + 1, PATIENCE);
}

const FAILED: &str = "The elections loop failed: ";

fn addresses(host: &Host) -> String {
    host.netns
        .shell("ip address show; ip route show; nft list ruleset")
}

/// The address is somewhere, and so is the route.
fn set(host: &Host, vip: IpAddr) -> bool {
    let now = addresses(host);
    now.contains(&format!("{vip}/")) && now.contains("10.77.0.0/24")
}

/// LESSONS A11: the elections wait for their next start when the daemon is told to end. What they had set goes.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_stop_while_the_elections_are_down_leaves_nothing_behind() {
    let lan = lan();
    let host = lan.host("a");
    let conf = Conf::new(200)
        .with("no_accept")
        .with("use_vmac")
        .with("virtual_routes {\n 10.77.0.0/24 via 10.9.0.9\n }");
    let vip = conf.service_address();
    let before = addresses(host);
    let mut daemon = Daemon::start(Kind::Ours, host, &conf);
    // Each time it is started again later.
    for _ in 0..4 {
        wait_until("it is master", PATIENCE, || set(host, vip));
        fail(&daemon, "elections", FAILED);
    }
    assert!(set(host, vip), "what a loop that failed had set stays");
    daemon.terminate();
    assert!(daemon.wait_exit(PATIENCE).success());
    assert_eq!(addresses(host), before, "{}", daemon.log());
    assert_eq!(daemon.logged("Cannot"), 0, "{}", daemon.log());
}

/// LESSONS A11: the elections are not to be started again (`-R`): the daemon ends, and what they had set goes.
#[test]
#[ignore = "live: cargo xtask live"]
fn a_daemon_that_ends_because_its_elections_failed_leaves_nothing_behind() {
    let lan = lan();
    let host = lan.host("a");
    let conf = Conf::new(200);
    let scratch = lab::Scratch::new("ends");
    let mut daemon = Daemon::start_in(Kind::Ours, host, scratch, &conf.text(), &["-R"]);
    wait_until("it is master", PATIENCE, || {
        host.holds(conf.service_address())
    });
    fail(&daemon, "elections", FAILED);
    assert!(!daemon.wait_exit(PATIENCE).success());
    assert!(!host.holds(conf.service_address()), "{}", daemon.log());
}

/// LESSONS A11: a check loop that fails is started again, and who had failed stays so until it has proved that it works.
#[test]
#[ignore = "live: cargo xtask live"]
fn checks_that_failed_are_started_again_while_the_elections_go_on() {
    let lan = lan();
    let host = lan.host("a");
    let instance = Conf::new(200);
    let vip = instance.service_address();
    let text = instance.text()
        + "virtual_server 10.8.0.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n delay_loop 1\n \
           real_server 127.0.0.1 80 {\n TCP_CHECK {\n connect_timeout 1\n retry 0\n }\n }\n}\n";
    let daemon = Daemon::start_with(Kind::Ours, host, &text);
    wait_until("it is master", PATIENCE, || host.holds(vip));
    let server = || daemon.status()["balance"]["services"][0]["servers"][0]["state"].clone();
    wait_until("nobody listens", PATIENCE, || server() == "DOWN");
    let told = "The balancing loop failed: ";
    fail(&daemon, "balance", told);
    wait_until("the new one answers", PATIENCE, || server() == "DOWN");
    let _listener = host
        .netns
        .spawn(|| std::net::TcpListener::bind("127.0.0.1:80").map(std::mem::forget));
    wait_until("it checks", PATIENCE, || server() == "UP");
    assert_eq!(daemon.logged("Entering MASTER STATE"), 1);
    assert_eq!((daemon.logged(told), daemon.logged(FAILED)), (1, 0));
    assert!(host.holds(vip));
}
