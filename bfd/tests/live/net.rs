//! Network namespaces of our own: two hosts on a cable, or with a router in between.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Runs a command to its end and fails if it does.
#[track_caller]
pub(crate) fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {text}{errors}");
    text
}

/// A process that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// SIGTERM: time to put things in order.
    pub(crate) fn terminate(mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }

    /// SIGKILL: no farewell.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Our host `a`, the peer's host `b`, and what lies in between.
pub(crate) struct Net {
    name: String,
    /// For files of the peers.
    pub(crate) directory: PathBuf,
    capture: Option<Process>,
}

impl Net {
    /// 192.0.2.1, 2001:db8::1 and fe80::1 on `a`, .2, ::2 and ::2 on `b`, one hop apart.
    pub(crate) fn new() -> Self {
        let net = Self::empty();
        net.cable(('a', "va"), ('b', "vb"));
        for (host, device, last) in [('a', "va", 1), ('b', "vb", 2)] {
            net.ip(host, &format!("addr add 192.0.2.{last}/24 dev {device}"));
            for address in ["2001:db8::", "fe80::"] {
                net.ip(
                    host,
                    &format!("addr add {address}{last}/64 dev {device} nodad"),
                );
            }
        }
        net.captured()
    }

    /// 192.0.2.1 on `a`, 198.51.100.2 on `b`, and a router in between.
    pub(crate) fn routed() -> Self {
        let net = Self::empty();
        net.host('r');
        net.cable(('a', "va"), ('r', "ra"));
        net.cable(('b', "vb"), ('r', "rb"));
        net.ip('a', "addr add 192.0.2.1/24 dev va");
        net.ip('r', "addr add 192.0.2.254/24 dev ra");
        net.ip('r', "addr add 198.51.100.254/24 dev rb");
        net.ip('b', "addr add 198.51.100.2/24 dev vb");
        net.ip('a', "route add default via 192.0.2.254");
        net.ip('b', "route add default via 198.51.100.254");
        net.inside('r', "sysctl -qw net.ipv4.ip_forward=1");
        net.captured()
    }

    fn empty() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("bfd{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&directory).unwrap();
        let net = Self {
            name,
            directory,
            capture: None,
        };
        net.host('a');
        net.host('b');
        net
    }

    fn host(&self, host: char) {
        run(&format!("ip netns add {}", self.namespace(host)));
        self.ip(host, "link set lo up");
    }

    fn cable(&self, one: (char, &str), other: (char, &str)) {
        let (from, to) = (self.namespace(one.0), self.namespace(other.0));
        let (near, far) = (one.1, other.1);
        run(&format!(
            "ip link add {near} netns {from} type veth peer name {far} netns {to}"
        ));
        for (host, device) in [one, other] {
            self.inside(
                host,
                &format!("sysctl -qw net.ipv6.conf.{device}.addr_gen_mode=1"),
            );
            self.ip(host, &format!("link set {device} up"));
        }
    }

    /// Everything on our interface goes into a file, if there is a tcpdump.
    fn captured(mut self) -> Self {
        if std::env::var_os("BFD_LIVE_NO_CAPTURE").is_none() && exists("tcpdump") {
            let file = self.capture_file();
            let mut command = self.command('a', "tcpdump");
            command
                .args(["-i", "va", "-U", "-w"])
                .arg(file)
                .args(["-Z", "root", "udp"]);
            self.capture = Some(Process::start(command));
            std::thread::sleep(Duration::from_millis(300));
        }
        self
    }

    pub(crate) fn capture_file(&self) -> PathBuf {
        self.directory.join("capture.pcap")
    }

    /// Echo packets, which are for our own address, leave by way of the neighbour, whose kernel
    /// is to send them back without a redirect, and are welcome when they return.
    pub(crate) fn echo(&self) {
        self.ip('a', "rule add pref 20 lookup local");
        self.ip('a', "rule del pref 0");
        self.ip(
            'a',
            "rule add pref 10 iif lo to 192.0.2.1 ipproto udp dport 3785 lookup 100",
        );
        self.ip('a', "route add 192.0.2.1 via 192.0.2.2 dev va table 100");
        for (host, settings) in [
            (
                'a',
                ["va.accept_local=1", "va.rp_filter=0", "all.rp_filter=0"],
            ),
            (
                'b',
                [
                    "vb.send_redirects=0",
                    "all.send_redirects=0",
                    "all.forwarding=1",
                ],
            ),
        ] {
            for setting in settings {
                self.inside(host, &format!("sysctl -qw net.ipv4.conf.{setting}"));
            }
        }
    }

    /// What tshark finds wrong with the packets of this run, and how many of BFD there are.
    pub(crate) fn verdict(&mut self) -> Option<(String, usize)> {
        // A busy machine writes them late.
        std::thread::sleep(Duration::from_secs(1));
        self.capture.take()?.terminate();
        exists("tshark").then_some(())?;
        let file = self.capture_file();
        let tshark = |filter: &str| {
            let file = file.display();
            // The last packet may be cut short by the end of tcpdump.
            let output = Command::new("tshark")
                .args(["-r", &file.to_string(), "-Y", filter])
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let ours = "(bfd || bfd_echo)";
        let wrong = tshark("_ws.malformed || _ws.expert.severity >= 0x600000");
        Some((wrong, tshark(ours).lines().count()))
    }

    pub(crate) fn namespace(&self, host: char) -> String {
        format!("{}{host}", self.name)
    }

    pub(crate) fn ip(&self, host: char, arguments: &str) {
        run(&format!("ip -n {} {arguments}", self.namespace(host)));
    }

    pub(crate) fn inside(&self, host: char, command: &str) -> String {
        run(&format!("ip netns exec {} {command}", self.namespace(host)))
    }

    pub(crate) fn command(&self, host: char, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host), program]);
        command
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.capture = None;
        for host in ['a', 'b', 'r'] {
            let _ = Command::new("ip")
                .args(["netns", "del", &self.namespace(host)])
                .stderr(Stdio::null())
                .status();
        }
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// Whether there is such a program.
pub(crate) fn exists(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    let folders = [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/local/sbin",
        "/usr/local/bin",
    ];
    folders
        .iter()
        .any(|folder| Path::new(folder).join(program).exists())
}
