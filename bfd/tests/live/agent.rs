//! A thread with sockets in a namespace and a table: the smallest driver that can do everything.

use std::fs::File;
use std::io::IoSliceMut;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bfd::{
    Buffer, Definition, ECHO_PORT, Event, Instant, InterfaceId, MAX_LEN, Purpose, Rx, Session,
    SessionEvent, SessionId, State, Stats, TTL, Table, Timers, Transition, Transmit,
};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};

pub(crate) const INTERFACE: InterfaceId = InterfaceId(1);

pub(crate) enum Command {
    Event(Event),
    Reload(Definition),
    Stop,
}

/// What is known of the session at some moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) state: State,
    pub(crate) timers: Timers,
    pub(crate) polling: bool,
    pub(crate) remote: bfd::Remote,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) stats: Stats,
    /// Every change of state, and how long nothing had been heard before it.
    pub(crate) transitions: Vec<(Transition, Duration)>,
}

impl Snapshot {
    fn brief(&self) -> String {
        let last = self.transitions.last();
        let rejected: Vec<_> = self.stats.rejected.iter().filter(|(_, n)| *n > 0).collect();
        let (state, timers) = (self.state, self.timers);
        format!("{state:?}, {timers:?}, last {last:?}, rejected {rejected:?}")
    }
}

pub(crate) struct Agent {
    shared: Arc<Mutex<Option<Snapshot>>>,
    commands: Sender<Command>,
    thread: Option<JoinHandle<()>>,
    start: std::time::Instant,
}

impl Agent {
    pub(crate) fn start(namespace: &str, definition: Definition) -> Self {
        let shared = Arc::new(Mutex::new(None));
        let (commands, inbox) = channel();
        let start = now();
        let worker = Worker {
            namespace: namespace.to_owned(),
            shared: Arc::clone(&shared),
            inbox,
            start,
        };
        let thread = std::thread::spawn(move || worker.run(definition));
        Self {
            shared,
            commands,
            thread: Some(thread),
            start,
        }
    }

    pub(crate) fn send(&self, command: Command) {
        self.commands.send(command).unwrap();
    }

    /// This moment in the time of the session.
    pub(crate) fn now(&self) -> Instant {
        instant(self.start)
    }

    /// The session now.
    pub(crate) fn look(&self) -> Snapshot {
        self.shared.lock().unwrap().clone().expect("it has begun")
    }

    /// Waits until something is true of the session.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, is_true: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let deadline = now() + Duration::from_secs(20);
        loop {
            let found = self.shared.lock().unwrap().clone();
            if let Some(found) = found.as_ref().filter(|found| is_true(found)) {
                return found.clone();
            }
            assert!(
                now() < deadline,
                "not {what}: {}",
                found.as_ref().map(Snapshot::brief).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the session is up and has nothing left to negotiate.
    #[track_caller]
    pub(crate) fn wait_up(&self) -> Snapshot {
        self.wait("up", |found| {
            let agreed = found.remote.desired_min_tx < bfd::Micros::SECOND;
            found.state == State::Up && !found.polling && agreed
        })
    }

    #[track_caller]
    pub(crate) fn wait_down(&self) -> Snapshot {
        self.wait("down", |found| found.state != State::Up)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a driver has to read the clock")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn instant(start: std::time::Instant) -> Instant {
    Instant::from_nanos(i64::try_from(start.elapsed().as_nanos()).unwrap())
}

struct Worker {
    namespace: String,
    shared: Arc<Mutex<Option<Snapshot>>>,
    inbox: Receiver<Command>,
    start: std::time::Instant,
}

struct Sockets {
    control: UdpSocket,
    echo: UdpSocket,
    output: UdpSocket,
    scope: u32,
}

impl Sockets {
    fn open(table: &Table, id: SessionId) -> Self {
        let path = table.path(id).unwrap();
        let scope = nix::net::if_::if_nametoindex("va").unwrap();
        let local = path.local().unwrap();
        let address = |port| socket_address(local, port, scope);
        Self {
            control: socket(address(path.port())),
            echo: socket(address(ECHO_PORT)),
            output: socket(address(table.source_port(id).unwrap())),
            scope,
        }
    }

    /// Echo packets go to our own address; see [`Net::echo`](crate::net::Net::echo) for how they
    /// get to the neighbour.
    fn send(&self, transmit: &Transmit, octets: &[u8]) {
        let to = socket_address(transmit.destination, transmit.destination_port, self.scope);
        let socket = match transmit.purpose {
            Purpose::Control => &self.output,
            Purpose::Echo => &self.echo,
        };
        // A peer that is not there yet is no reason to give up.
        let _ = socket.send_to(octets, to);
    }
}

fn socket_address(address: IpAddr, port: u16, scope: u32) -> SocketAddr {
    match address {
        IpAddr::V4(_) => SocketAddr::new(address, port),
        IpAddr::V6(ip) => {
            let link_local = ip.segments()[0] == 0xfe80;
            SocketAddrV6::new(ip, port, 0, if link_local { scope } else { 0 }).into()
        }
    }
}

fn socket(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_nonblocking(true).unwrap();
    if address.is_ipv4() {
        setsockopt(&socket, sockopt::Ipv4RecvTtl, &true).unwrap();
        setsockopt(&socket, sockopt::Ipv4Ttl, &i32::from(TTL)).unwrap();
    } else {
        setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true).unwrap();
        setsockopt(&socket, sockopt::Ipv6Ttl, &i32::from(TTL)).unwrap();
    }
    socket
}

fn receive(socket: &UdpSocket, table: &mut Table, now: Instant) {
    let (mut octets, mut space) = ([0; 1500], nix::cmsg_space!(i32));
    let mut slices = [IoSliceMut::new(&mut octets)];
    let local = socket.local_addr().unwrap();
    let (fd, none) = (socket.as_raw_fd(), MsgFlags::empty());
    while let Ok(message) = recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut space), none) {
        let ttl = message.cmsgs().unwrap().find_map(|cmsg| match cmsg {
            ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => Some(ttl),
            _ => None,
        });
        let from = message.address.unwrap();
        let v4 = from.as_sockaddr_in().map(|from| IpAddr::V4(from.ip()));
        let v6 = from.as_sockaddr_in6().map(|from| IpAddr::V6(from.ip()));
        let payload = message.iovs().next().unwrap_or_default();
        if local.port() == ECHO_PORT {
            let _ = table.handle_echo(now, payload);
            continue;
        }
        let rx = Rx {
            interface: INTERFACE,
            source: v4.or(v6).unwrap(),
            destination: local.ip(),
            destination_port: local.port(),
            ttl: u8::try_from(ttl.unwrap()).unwrap(),
            payload,
        };
        let _ = table.handle_packet(now, &rx);
    }
}

impl Worker {
    fn run(self, definition: Definition) {
        let file = File::open(format!("/var/run/netns/{}", self.namespace)).unwrap();
        setns(&file, CloneFlags::CLONE_NEWNET).unwrap();
        let mut now = instant(self.start);
        let mut table = Table::new(u64::from(std::process::id()) ^ 0x5eed_0000_0000);
        let id = table.add(now, definition).unwrap();
        let sockets = Sockets::open(&table, id);
        let mut buffer: Buffer = [0; MAX_LEN];
        let mut transitions = Vec::new();
        loop {
            while let Some(transmit) = table.poll_transmit(now, &mut buffer) {
                sockets.send(&transmit, &buffer[..transmit.length]);
            }
            while let Some((_, event)) = table.poll_event() {
                if let SessionEvent::State(transition) = event {
                    let heard = session(&table, id).remote().heard.unwrap_or(now);
                    let silence = transition.at.saturating_duration_since(heard);
                    transitions.push((transition, silence));
                }
            }
            *self.shared.lock().unwrap() = Some(snapshot(&table, id, &transitions));
            // Commands have no descriptor here: look at them every now and then.
            let sleep = table
                .next_timeout()
                .map(|at| at.saturating_duration_since(now));
            let sleep = sleep
                .unwrap_or(Duration::MAX)
                .min(Duration::from_millis(20));
            let mut fds = [&sockets.control, &sockets.echo]
                .map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
            ppoll(&mut fds, Some(sleep.into()), None).unwrap();
            now = instant(self.start);
            receive(&sockets.control, &mut table, now);
            receive(&sockets.echo, &mut table, now);
            for command in self.inbox.try_iter() {
                match command {
                    Command::Event(event) => table.handle_event(now, id, event),
                    Command::Reload(definition) => {
                        table.reload(now, vec![definition]).unwrap();
                    }
                    Command::Stop => return,
                }
            }
            table.handle_timeout(now);
        }
    }
}

fn session(table: &Table, id: SessionId) -> &Session {
    table.member(id).unwrap().session().unwrap()
}

fn snapshot(table: &Table, id: SessionId, transitions: &[(Transition, Duration)]) -> Snapshot {
    let session = session(table, id);
    Snapshot {
        state: session.state(),
        timers: session.timers(),
        polling: session.is_polling(),
        remote: *session.remote(),
        round_trip: session.echo_round_trip(),
        stats: session.stats().clone(),
        transitions: transitions.to_vec(),
    }
}
