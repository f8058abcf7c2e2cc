//! Every kind of health check against a server that dies and comes back, with the kernel's table as
//! witness. In the virtual machine: `cargo xtask ipvs`.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use lab::director::{SERVICE, SERVICE6, kind};
use lab::servers::{Server, Talk};
use lab::wait::holds_for;
use lab::{Daemon, Director, Host, Kind, Scratch, wait_until};

/// For what is no part of a schedule: the start of the daemon, its way to the kernel, and the looks at the
/// table in between.
const SLACK: Duration = Duration::from_secs(3);

/// When a check runs, in seconds.
#[derive(Clone, Copy)]
struct Times {
    interval: u64,
    timeout: u64,
    retries: u32,
    pause: u64,
}

/// What most checks here have.
const OFTEN: Times = Times {
    interval: 1,
    timeout: 1,
    retries: 1,
    pause: 1,
};
/// Of what is watched elsewhere and tells by itself.
const TOLD: Times = Times {
    interval: 0,
    timeout: 0,
    retries: 0,
    pause: 0,
};

impl Times {
    /// As lines of a checker; `timeout` is the keyword.
    fn lines(self, timeout: &str) -> String {
        let Self {
            timeout: limit,
            retries,
            pause,
            ..
        } = self;
        format!("{timeout} {limit}\n retry {retries}\n delay_before_retry {pause}")
    }

    /// The longest way from the death of a server to the end of its last failed attempt: it dies when a
    /// check has just passed, and each attempt takes as long as it may.
    fn down(self) -> Duration {
        let attempts = Duration::from_secs(self.timeout) * (self.retries + 1);
        let pauses = Duration::from_secs(self.pause) * self.retries;
        Duration::from_secs(self.interval) + attempts + pauses + SLACK
    }

    /// The same for a server that comes back when a check has just failed.
    fn up(self) -> Duration {
        Duration::from_secs(self.interval + self.timeout) + SLACK
    }
}

/// The addresses of one family: of the service, of the server that is checked, of the other one.
#[derive(Clone, Copy)]
struct Family {
    service: &'static str,
    checked: &'static str,
    other: &'static str,
    /// The length of a prefix.
    bits: u8,
}

const FAMILIES: [Family; 2] = [
    Family {
        service: SERVICE,
        checked: "10.9.0.3",
        other: "10.9.0.4",
        bits: 24,
    },
    Family {
        service: SERVICE6,
        checked: "2001:db8::3",
        other: "2001:db8::4",
        bits: 64,
    },
];

impl Family {
    /// An address of it and a port, as `ipvsadm` writes them.
    fn at(self, address: &str, port: u16) -> String {
        if address.contains(':') {
            format!("[{address}]:{port}")
        } else {
            format!("{address}:{port}")
        }
    }
}

/// One kind of check: what makes the server, what ends it, what brings it back.
struct Case<'a, S> {
    port: u16,
    times: Times,
    check: &'a str,
    alive: &'a dyn Fn(&Host, &Scratch, Family) -> S,
    dead: &'a dyn Fn(&Host, &Scratch, Family, S),
}

impl<S> Case<'_, S> {
    /// A service with one server that lives on and one that is checked in the given way.
    fn text(&self, family: Family, inhibit: bool) -> String {
        let Family {
            service,
            checked,
            other,
            ..
        } = family;
        let (port, interval) = (self.port, self.times.interval.max(1));
        let check = self
            .check
            .replace("SCRIPT_TIMES", &self.times.lines("misc_timeout"))
            .replace("TIMES", &self.times.lines("connect_timeout"));
        let inhibit = if inhibit { "inhibit_on_failure" } else { "" };
        format!(
            "global_defs {{\n script_user root\n}}\n\
             track_file F {{\n file DIR/weight\n}}\n\
             bfd_instance B {{\n neighbor_ip {checked}\n min_rx 200\n min_tx 200\n multiplier 3\n}}\n\
             virtual_server {service} {port} {{\n delay_loop {interval}\n warmup 0\n lvs_sched rr\n \
             lvs_method NAT\n protocol TCP\n \
             real_server {checked} {port} {{\n weight 1\n {inhibit}\n {check}\n }}\n \
             real_server {other} {port} {{\n weight 2\n }}\n}}\n"
        )
    }
}

/// In both families, and in one of them with `inhibit_on_failure`.
fn dies_and_comes_back<S>(case: &Case<'_, S>) {
    lab::require_guest();
    for (family, inhibit) in FAMILIES.into_iter().zip([false, true]) {
        let director = Director::new(2);
        let server = director.lan.host("s1");
        let scratch = Scratch::new("lb");
        // Not on what the daemon writes to.
        let files = Scratch::new("files");
        let state = (case.alive)(server, &files, family);
        let directory = files.path().to_str().expect("a path in UTF-8");
        let conf = case.text(family, inhibit).replace("DIR", directory);
        let _daemon = director.start_in(scratch, &conf, &[]);
        let service = family.at(family.service, case.port);
        let line = |server: &str, weight: u32| {
            let server = family.at(server, case.port);
            format!("-a -t {service} -r {server} -m -w {weight}")
        };
        let checked = line(family.checked, 1);
        let all = [
            format!("-A -t {service} -s rr"),
            line(family.other, 2),
            checked.clone(),
        ];
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let idle = line(family.checked, 0);
        let mut without: Vec<&str> = all.iter().copied().filter(|is| **is != checked).collect();
        without.extend(inhibit.then_some(idle.as_str()));
        director.wait_table(&all, case.times.up());
        (case.dead)(server, &files, family, state);
        director.wait_table(&without, case.times.down());
        let _state = (case.alive)(server, &files, family);
        director.wait_table(&all, case.times.up());
    }
}

/// A check of something that is a server, and stops when the value is dropped.
fn of_server(port: u16, times: Times, check: &str, server: impl Fn(&Host) -> Server) {
    dies_and_comes_back(&Case {
        port,
        times,
        check,
        alive: &|host, _, _| server(host),
        dead: &|_, _, _, server| drop(server),
    });
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn tcp() {
    // The bound is that of the schedule, whatever that is.
    let seldom = Times {
        interval: 4,
        timeout: 2,
        retries: 3,
        pause: 2,
    };
    for times in [OFTEN, seldom] {
        of_server(80, times, "TCP_CHECK {\n TIMES\n }", |host| {
            Server::tcp(host, 80, Talk::Text("hello".to_owned()))
        });
    }
}

const PAGE: &str = "The page that is expected.\n";
/// MD5 of it.
const DIGEST: &str = "72acc5c0355cfdb87c443c93f2acff73";

fn page(host: &Host) -> Server {
    Server::tcp(host, 80, Talk::Http(200, PAGE.to_owned()))
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn http_status() {
    let check = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n TIMES\n }";
    of_server(80, OFTEN, check, page);
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn http_digest() {
    let check = format!("HTTP_GET {{\n url {{\n path /\n digest {DIGEST}\n }}\n TIMES\n }}");
    of_server(80, OFTEN, &check, page);
}

/// The server lives and answers something else.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn http_status_of_a_server_that_lives() {
    use std::cell::RefCell;
    let check = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n TIMES\n }";
    let broken = RefCell::new(None);
    dies_and_comes_back(&Case {
        port: 80,
        times: OFTEN,
        check,
        alive: &|host, _, _| {
            broken.replace(None);
            page(host)
        },
        dead: &|host, _, _, server| {
            drop(server);
            broken.replace(Some(Server::tcp(
                host,
                80,
                Talk::Http(503, PAGE.to_owned()),
            )));
        },
    });
}

/// `openssl` is the server; the certificate is one of those of the tests of the crate.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn tls() {
    const PEM: &str = concat!(
        include_str!("../../healthcheck/tests/tls/server.pem"),
        include_str!("../../healthcheck/tests/tls/server.key"),
    );
    let check = "SSL_GET {\n url {\n path /\n status_code 200\n }\n TIMES\n }";
    dies_and_comes_back(&Case {
        port: 443,
        times: OFTEN,
        check,
        alive: &|host, files, _| {
            let pem = files.file("server.pem");
            fs::write(&pem, PEM).expect("scratch is writable");
            let mut command = host.netns.command("openssl");
            command.args(["s_server", "-quiet", "-www", "-accept", "443", "-cert"]);
            let command = command.arg(&pem).arg("-key").arg(&pem);
            let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
            quiet.spawn().expect("openssl starts")
        },
        dead: &|_, _, _, server| end(server),
    });
}

fn end(mut child: Child) {
    child.kill().expect("it runs");
    let _status = child.wait();
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn smtp() {
    let check = "SMTP_CHECK {\n TIMES\n }";
    of_server(25, OFTEN, check, |host| Server::tcp(host, 25, Talk::Smtp));
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn dns() {
    let check = "DNS_CHECK {\n type A\n name example.com\n TIMES\n }";
    of_server(53, OFTEN, check, |host| Server::dns(host, 53));
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn udp() {
    let check = "UDP_CHECK {\n require_reply\n TIMES\n }";
    of_server(7, OFTEN, check, |host| Server::echo(host, 7));
}

/// The address goes away: nobody answers any more.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn ping() {
    let with = |verb: &str, host: &Host, family: Family| {
        let Family { checked, bits, .. } = family;
        let nodad = if checked.contains(':') { " nodad" } else { "" };
        let end = if verb == "del" { "" } else { nodad };
        host.netns
            .ip(&[&format!("addr {verb} {checked}/{bits} dev eth0{end}")]);
    };
    dies_and_comes_back(&Case {
        port: 80,
        times: OFTEN,
        check: "PING_CHECK {\n TIMES\n }",
        alive: &|host, _, family| with("replace", host, family),
        dead: &|host, _, family, ()| with("del", host, family),
    });
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn script() {
    dies_and_comes_back(&Case {
        port: 80,
        times: OFTEN,
        check: "MISC_CHECK {\n misc_path \"/bin/test -e DIR/alive\"\n SCRIPT_TIMES\n }",
        alive: &|_, files, _| fs::write(files.file("alive"), "").expect("scratch is writable"),
        dead: &|_, files, _, ()| fs::remove_file(files.file("alive")).expect("it is there"),
    });
}

/// A number below zero is a failure; 0 leaves the weight as it is.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn file() {
    dies_and_comes_back(&Case {
        port: 80,
        times: TOLD,
        check: "FILE_CHECK {\n track_file F\n weight 1\n }",
        alive: &|_, files, _| {
            fs::write(files.file("weight"), "0\n").expect("scratch is writable");
        },
        dead: &|_, files, _, ()| {
            fs::write(files.file("weight"), "-2147483648\n").expect("scratch is writable");
        },
    });
}

/// The daemon at the other end dies, and another one comes.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn bfd() {
    dies_and_comes_back(&Case {
        port: 80,
        // A session comes up at a packet per second and end, and goes down after 0.6 s.
        times: Times {
            interval: 4,
            ..TOLD
        },
        check: "BFD_CHECK {\n name B\n alpha\n }",
        alive: &|host, _, family| {
            let balancer = if family.bits == 24 {
                "10.9.0.1"
            } else {
                "2001:db8::1"
            };
            let conf = format!(
                "bfd_instance B {{\n neighbor_ip {balancer}\n min_rx 200\n min_tx 200\n multiplier 3\n}}\n"
            );
            Daemon::start_in(kind(), host, Scratch::new("s1"), &conf, &[])
        },
        dead: &|_, _, _, mut daemon| {
            daemon.kill();
        },
    });
}

/// So many checks in a row have to fail, and to pass.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn fall_and_rise() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        return;
    }
    let director = Director::new(1);
    let serve = || Server::tcp(director.lan.host("s1"), 80, Talk::Text("hello".to_owned()));
    let server = serve();
    let conf = format!(
        "virtual_server {SERVICE} 80 {{\n delay_loop 2\n warmup 0\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n \
         real_server 10.9.0.3 80 {{\n TCP_CHECK {{\n connect_timeout 1\n retry 0\n fall 4\n rise 3\n }}\n }}\n}}\n"
    );
    let daemon = director.start(&conf);
    let line = format!("-a -t {SERVICE}:80 -r 10.9.0.3:80 -m -w 1");
    director.wait_line(&line, true, Duration::from_secs(10));
    drop(server);
    // Three intervals lie between the first failure and the fourth.
    holds_for("it is not out yet", Duration::from_secs(5), || {
        director.table().contains(&line)
    });
    director.wait_line(&line, false, Duration::from_secs(12));
    let _server = serve();
    // Two lie between the first success and the third.
    holds_for("it is not back yet", Duration::from_secs(3), || {
        !director.table().contains(&line)
    });
    director.wait_line(&line, true, Duration::from_secs(12));
    drop(daemon);
}

/// A certificate that signs itself is believed where it is given, and no other one.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn tls_verified() {
    lab::require_guest();
    if kind() == Kind::CKeepalived {
        return;
    }
    let pem = |name: &str| {
        let path = ["self", "server"].into_iter().position(|is| is == name);
        [
            concat!(
                include_str!("../../healthcheck/tests/tls/self.pem"),
                include_str!("../../healthcheck/tests/tls/self.key"),
            ),
            concat!(
                include_str!("../../healthcheck/tests/tls/server.pem"),
                include_str!("../../healthcheck/tests/tls/server.key"),
            ),
        ][path.expect("one of them")]
    };
    let director = Director::new(1);
    let files = Scratch::new("files");
    let serve = |name: &str| {
        let file = files.file(&format!("{name}.pem"));
        fs::write(&file, pem(name)).expect("scratch is writable");
        let mut command = director.lan.host("s1").netns.command("openssl");
        command.args(["s_server", "-quiet", "-www", "-accept", "443", "-cert"]);
        let command = command.arg(&file).arg("-key").arg(&file);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().expect("openssl starts")
    };
    let conf = format!(
        "SSL {{\n ca {}\n}}\nvirtual_server {SERVICE} 443 {{\n delay_loop 1\n warmup 0\n alpha\n lvs_sched rr\n \
         lvs_method NAT\n protocol TCP\n real_server 10.9.0.3 443 {{\n SSL_GET {{\n log_all_failures\n ssl_verify\n sni_name \
         www.example.org\n connect_timeout 5\n retry 0\n url {{\n path /\n }}\n }}\n }}\n}}\n",
        files.file("self.pem").display()
    );
    let own = serve("self");
    let daemon = director.start(&conf);
    let line = format!("-a -t {SERVICE}:443 -r 10.9.0.3:443 -m -w 1");
    director.wait_line(&line, true, Duration::from_secs(20));
    end(own);
    director.wait_line(&line, false, Duration::from_secs(20));
    let other = serve("server");
    daemon.wait_log(
        "certificate: none of the `ca` has signed it",
        1,
        Duration::from_secs(20),
    );
    assert!(!director.table().contains(&line));
    end(other);
}

/// Both daemons: `quorum_down` at once, for the sorry server serves, and `notify_down` when the first check failed.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn who_begins_as_failed_is_told_of() {
    lab::require_guest();
    let director = Director::new(2);
    let files = Scratch::new("files");
    let out = files.file("out");
    let say = |word: &str| format!("\"/bin/sh -c 'echo {word} >> {}'\"", out.display());
    let (quorum, notify) = (say("lost"), say("down"));
    let conf = format!(
        "global_defs {{\n script_user root\n}}\n\
         virtual_server {SERVICE} 80 {{\n delay_loop 1\n warmup 0\n alpha\n lvs_sched rr\n lvs_method NAT\n \
         protocol TCP\n quorum_down {quorum}\n sorry_server 10.9.0.4 80\n \
         real_server 10.9.0.3 80 {{\n notify_down {notify}\n TCP_CHECK {{\n connect_timeout 1\n retry 0\n }}\n }}\n}}\n"
    );
    let _daemon = director.start(&conf);
    let said = || fs::read_to_string(&out).unwrap_or_default();
    wait_until("both are told", Duration::from_secs(20), || {
        said().lines().count() == 2
    });
    // Each of the two scripts is told of its own object: they may run at the same time.
    holds_for("and once", Duration::from_secs(4), || {
        matches!(&*said(), "lost\ndown\n" | "down\nlost\n")
    });
}
