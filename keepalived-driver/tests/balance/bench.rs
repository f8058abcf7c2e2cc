//! A loop on a thread, and servers of every kind.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use healthcheck::{Schedule, Target};
use ipvs::{Destination, Forward, Protocol, Service, ServiceKey};
use keepalived_driver::Reports;
use keepalived_driver::balance::{
    BalanceConfig, BalanceRemote, BalanceReport, BalanceSnapshot, Balancing, CheckSetup,
    ProbeSetup, ServerSetup, ServiceSetup,
};
use rustix::process::Pid;
use rustix::thread::gettid;
use socket2::{Domain, Socket, Type};

/// Nothing takes this long, on whatever machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Bench {
    pub(crate) remote: BalanceRemote,
    inbox: Receiver<BalanceReport>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    /// What the kernel calls it.
    number: Pid,
    /// All that was told.
    pub(crate) told: Vec<String>,
}

impl Bench {
    pub(crate) fn start(config: BalanceConfig) -> Self {
        let (reports, inbox) = Reports::new(|| {});
        let (balancing, remote) = Balancing::new(config, reports).unwrap();
        let (tell, number) = channel();
        let thread = std::thread::spawn(move || {
            tell.send(gettid()).unwrap();
            balancing.run()
        });
        Self {
            remote,
            inbox,
            thread: Some(thread),
            number: number.recv().unwrap(),
            told: Vec::new(),
        }
    }

    /// How long the loop could have run and the machine was busy with others; nothing where the kernel does
    /// not count that.
    pub(crate) fn waited(&self) -> Duration {
        let path = format!("/proc/self/task/{}/schedstat", self.number);
        let counted = std::fs::read_to_string(path).unwrap_or_default();
        let waited = counted.split_whitespace().nth(1);
        Duration::from_nanos(waited.map_or(0, |nanos| nanos.parse().unwrap()))
    }

    /// Waits for a report in these words, see [`words`], which may leave off at a `*`.
    pub(crate) fn expect(&mut self, wanted: &str) -> BalanceReport {
        loop {
            match self.inbox.recv_timeout(LONG) {
                Ok(report) if is_of_the_machine(&report) => {}
                Ok(report) => {
                    let text = words(&report);
                    self.told.push(text.clone());
                    let fits = match wanted.strip_suffix('*') {
                        Some(start) => text.starts_with(start),
                        None => text == wanted,
                    };
                    if fits {
                        return report;
                    }
                }
                Err(error) => panic!("{error}: {wanted:?} did not come after {:#?}", self.told),
            }
        }
    }

    /// All that is there to be read now.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let rest = self.inbox.try_iter();
        let rest = rest.filter(|report| !is_of_the_machine(report));
        let rest: Vec<String> = rest.map(|report| words(&report)).collect();
        self.told.extend(rest.clone());
        rest
    }

    pub(crate) fn snapshot(&self) -> Box<BalanceSnapshot> {
        self.remote.snapshot(LONG).unwrap()
    }

    /// Waits until a snapshot is as it should be.
    pub(crate) fn until(
        &self,
        what: &str,
        fits: impl Fn(&BalanceSnapshot) -> bool,
    ) -> Box<BalanceSnapshot> {
        for _ in 0..3000 {
            let snapshot = self.snapshot();
            if fits(&snapshot) {
                return snapshot;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never {what}: {:#?}", self.snapshot());
    }

    /// Stops, and gives what was told from now on.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.remote.stop().unwrap();
        let mut all = Vec::new();
        loop {
            match self.inbox.recv_timeout(LONG) {
                Ok(report) if is_of_the_machine(&report) => {}
                Ok(report) => all.push(words(&report)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not stop"),
            }
        }
        let thread = self.thread.take().unwrap();
        thread.join().unwrap().unwrap();
        all
    }
}

/// It tells how busy the machine is, and nothing of servers.
fn is_of_the_machine(report: &BalanceReport) -> bool {
    matches!(report, BalanceReport::Late { .. })
}

/// A report in few words.
pub(crate) fn words(report: &BalanceReport) -> String {
    use BalanceReport as B;
    match report {
        B::Started {
            service,
            quorum,
            up,
            ..
        } => format!("{} started {quorum} {up:?}", service.label),
        B::StartsUp { server } => {
            format!("{} starts up", server.setup().unwrap().label)
        }
        B::ServerUp { server } => format!("{} up", server.setup().unwrap().label),
        B::ServerDown { server, reason } => {
            let label = &server.setup().unwrap().label;
            match reason {
                Some(reason) => format!("{label} down: {reason}"),
                None => format!("{label} down"),
            }
        }
        B::StartsWithoutQuorum { service, .. } => {
            format!("{} starts without quorum", service.label)
        }
        B::StartsDown { server } => format!("{} starts down", server.setup().unwrap().label),
        B::Weight { server, weight } => {
            format!("{} weight {weight}", server.setup().unwrap().label)
        }
        B::QuorumGained { service, live } => format!("{} gained {live}", service.label),
        B::QuorumLost { service, live } => format!("{} lost {live}", service.label),
        B::Sorry { service, serves } => format!("{} sorry {serves}", service.label),
        B::Suspended { service, on } => format!("{} suspended {on}", service.label),
        B::CheckPassed { check } => format!("{} passed", check.setup().unwrap().probe.word()),
        B::CheckFailed {
            check,
            retries,
            failure,
        } => {
            let word = check.setup().unwrap().probe.word();
            format!("{word} failed after {retries}: {failure}")
        }
        B::AttemptFailed { failure, .. } => format!("attempt: {failure}"),
        B::IpvsUnavailable { .. } => "no IPVS".into(),
        B::Reloaded {
            added,
            changed,
            removed,
            kept,
            ..
        } => format!(
            "reloaded {} {} {} {kept}",
            added.len(),
            changed.len(),
            removed.len()
        ),
        other => format!("{other:?}"),
    }
}

/// These services, with no IPVS to be found.
pub(crate) fn config(services: Vec<ServiceSetup>) -> BalanceConfig {
    let mut config = BalanceConfig::new(services);
    config.namespace = Some("/nonexistent/namespace".into());
    config
}

/// A virtual server with these real ones.
pub(crate) fn service(label: &str, servers: Vec<ServerSetup>) -> ServiceSetup {
    let octet = label.bytes().next().unwrap();
    let address = SocketAddr::new([192, 0, 2, octet].into(), 80);
    let key = ServiceKey::address(Protocol::TCP, address);
    let services = vec![Service::new(key, "wlc".parse().unwrap())];
    ServiceSetup::new(label, services, servers)
}

/// A real server with these checks. The destination is made of the label, and has nothing to do with
/// what is checked.
pub(crate) fn server(label: &str, checks: Vec<CheckSetup>) -> ServerSetup {
    let octet = label.bytes().next().unwrap();
    let address = SocketAddr::new([198, 51, 100, octet].into(), 80);
    let mut server = ServerSetup::new(label, Destination::new(address, Forward::Masquerade, 1));
    server.checks = checks;
    server
}

/// Every so many milliseconds from now on, without retries.
pub(crate) fn every(milliseconds: u64) -> Schedule {
    let mut schedule = Schedule::every(Duration::from_millis(milliseconds));
    schedule.retries = 0;
    schedule.warmup = Duration::ZERO;
    schedule
}

/// A check of that kind.
pub(crate) fn check(probe: ProbeSetup, milliseconds: u64) -> CheckSetup {
    CheckSetup::new(probe, every(milliseconds))
}

pub(crate) fn tcp(to: SocketAddr) -> ProbeSetup {
    ProbeSetup::Tcp {
        target: Target::new(to),
        timeout: Duration::from_secs(1),
    }
}

/// A port on which nobody listens, by TCP or UDP. It is bound until the tests end, or it would be the next
/// one that another test gets; the address is for this only, for UDP has ports of its own.
pub(crate) fn closed_port() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let somewhere = SocketAddr::from(([127, 77, 0, 1], 0));
    socket.bind(&somewhere.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    std::mem::forget(socket);
    address
}

/// A listener that the test takes away, at an address where no other test gets its port.
pub(crate) fn mortal_listener() -> TcpListener {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let address = Ipv4Addr::new(127, 77, 1, LAST.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((address, 0)).unwrap()
}

/// A server that does this with each connection, on a thread each, until the test ends.
pub(crate) fn serve(each: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            std::thread::spawn(move || each(stream));
        }
    });
    address
}

/// Reads a request to its end.
pub(crate) fn request(stream: &mut TcpStream) {
    let mut all = Vec::new();
    let mut octets = [0; 1024];
    while !all.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut octets) {
            Ok(0) | Err(_) => return,
            Ok(length) => all.extend_from_slice(octets.get(..length).unwrap()),
        }
    }
}

/// A web server with one answer.
pub(crate) fn web(answer: &'static [u8]) -> SocketAddr {
    serve(move |mut stream| {
        request(&mut stream);
        let _ = stream.write_all(answer);
    })
}
