//! Every kind of health check against a server that dies and comes back, with the kernel's table as
//! witness. In the virtual machine: `cargo xtask ipvs`.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use lab::servers::{Server, Talk};
use lab::{Director, Host, Scratch};

/// From the death of a server to the end of its last failed attempt: with an interval of one second,
/// a time limit of one second and one retry after one more second, at most four; the rest is for
/// slow machines.
const BOUND: Duration = Duration::from_secs(8);

/// A service with one server that lives on and one that is checked in the given way.
fn text(port: u16, check: &str) -> String {
    format!(
        "global_defs {{\n script_user root\n}}\n\
         track_file F {{\n file DIR/weight\n}}\n\
         virtual_server 10.8.0.100 {port} {{\n delay_loop 1\n warmup 0\n lvs_sched rr\n lvs_method NAT\n \
         protocol TCP\n \
         real_server 10.9.0.3 {port} {{\n weight 1\n {check}\n }}\n \
         real_server 10.9.0.4 {port} {{\n weight 2\n }}\n}}\n"
    )
}

/// One kind of check: what makes the server, what ends it, what brings it back.
struct Case<'a, S> {
    port: u16,
    check: &'a str,
    alive: &'a dyn Fn(&Host, &Scratch) -> S,
    dead: &'a dyn Fn(&Host, &Scratch, S),
}

fn dies_and_comes_back<S>(case: &Case<'_, S>) {
    lab::require_guest();
    let director = Director::new(2);
    let server = director.lan.host("s1");
    let scratch = Scratch::new("lb");
    // Not on what the daemon writes to.
    let files = Scratch::new("files");
    let state = (case.alive)(server, &files);
    let directory = files.path().to_str().expect("a path in UTF-8");
    let conf = text(case.port, case.check).replace("DIR", directory);
    let _daemon = director.start_in(scratch, &conf, &[]);
    let port = case.port;
    let service = format!("-A -t 10.8.0.100:{port} -s rr");
    let checked = format!("-a -t 10.8.0.100:{port} -r 10.9.0.3:{port} -m -w 1");
    let other = format!("-a -t 10.8.0.100:{port} -r 10.9.0.4:{port} -m -w 2");
    director.wait_table(&[&service, &checked, &other], BOUND);
    (case.dead)(server, &files, state);
    director.wait_table(&[&service, &other], BOUND);
    let _state = (case.alive)(server, &files);
    director.wait_table(&[&service, &checked, &other], BOUND);
}

/// A check of something that is a server, and stops when the value is dropped.
fn of_server(port: u16, check: &str, server: impl Fn(&Host) -> Server) {
    dies_and_comes_back(&Case {
        port,
        check,
        alive: &|host, _| server(host),
        dead: &|_, _, server| drop(server),
    });
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn tcp() {
    of_server(
        80,
        "TCP_CHECK {\n connect_timeout 1\n retry 1\n }",
        |host| Server::tcp(host, 80, Talk::Text("hello".to_owned())),
    );
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
    let check = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n retry 1\n \
                 delay_before_retry 1\n }";
    of_server(80, check, page);
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn http_digest() {
    let check = format!(
        "HTTP_GET {{\n url {{\n path /\n digest {DIGEST}\n }}\n connect_timeout 1\n retry 1\n \
         delay_before_retry 1\n }}"
    );
    of_server(80, &check, page);
}

/// The server lives and answers something else.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn http_status_of_a_server_that_lives() {
    use std::cell::RefCell;
    let check = "HTTP_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n retry 1\n \
                 delay_before_retry 1\n }";
    let broken = RefCell::new(None);
    dies_and_comes_back(&Case {
        port: 80,
        check,
        alive: &|host, _| {
            broken.replace(None);
            page(host)
        },
        dead: &|host, _, server| {
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
    let check = "SSL_GET {\n url {\n path /\n status_code 200\n }\n connect_timeout 1\n retry 1\n \
                 delay_before_retry 1\n }";
    dies_and_comes_back(&Case {
        port: 443,
        check,
        alive: &|host, files| {
            let pem = files.file("server.pem");
            fs::write(&pem, PEM).expect("scratch is writable");
            let mut command = host.netns.command("openssl");
            command.args(["s_server", "-quiet", "-www", "-accept", "443", "-cert"]);
            let command = command.arg(&pem).arg("-key").arg(&pem);
            let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
            quiet.spawn().expect("openssl starts")
        },
        dead: &|_, _, server| end(server),
    });
}

fn end(mut child: Child) {
    child.kill().expect("it runs");
    let _status = child.wait();
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn smtp() {
    let check = "SMTP_CHECK {\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }";
    of_server(25, check, |host| Server::tcp(host, 25, Talk::Smtp));
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn dns() {
    let check = "DNS_CHECK {\n type A\n name example.com\n connect_timeout 1\n retry 1\n \
                 delay_before_retry 1\n }";
    of_server(53, check, |host| Server::dns(host, 53));
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn udp() {
    let check =
        "UDP_CHECK {\n require_reply\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }";
    of_server(7, check, |host| Server::echo(host, 7));
}

/// The address goes away: nobody answers any more.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn ping() {
    dies_and_comes_back(&Case {
        port: 80,
        check: "PING_CHECK {\n connect_timeout 1\n retry 1\n delay_before_retry 1\n }",
        alive: &|host, _| host.netns.ip(&["addr replace 10.9.0.3/24 dev eth0"]),
        dead: &|host, _, ()| host.netns.ip(&["addr del 10.9.0.3/24 dev eth0"]),
    });
}

#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn script() {
    dies_and_comes_back(&Case {
        port: 80,
        check: "MISC_CHECK {\n misc_path \"/bin/test -e DIR/alive\"\n misc_timeout 1\n retry 1\n \
                delay_before_retry 1\n }",
        alive: &|_, files| fs::write(files.file("alive"), "").expect("scratch is writable"),
        dead: &|_, files, ()| fs::remove_file(files.file("alive")).expect("it is there"),
    });
}

/// A number below zero is a failure; 0 leaves the weight as it is.
#[test]
#[ignore = "guest: cargo xtask ipvs"]
fn file() {
    dies_and_comes_back(&Case {
        port: 80,
        check: "FILE_CHECK {\n track_file F\n weight 1\n }",
        alive: &|_, files| fs::write(files.file("weight"), "0\n").expect("scratch is writable"),
        dead: &|_, files, ()| {
            fs::write(files.file("weight"), "-2147483648\n").expect("scratch is writable");
        },
    });
}
