//! A kernel made of two tables, which speaks netlink bytes of its own making, and a driver for it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by test files, of which not every one uses everything"
)]

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use netlink_vip::{
    Channel, Desired, Instant, InterfaceName, KernelEvent, OwnerId, Reconciler, Tag, Vip,
};

pub const TAG: u8 = 18;
const PORT: u32 = 4242;
const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
const GETLINK: u16 = 18;
const NEWADDR: u16 = 20;
const DELADDR: u16 = 21;
const GETADDR: u16 = 22;
const NEWROUTE: u16 = 24;
const DELROUTE: u16 = 25;
const GETROUTE: u16 = 26;
const NEWRULE: u16 = 32;
const DELRULE: u16 = 33;
const GETRULE: u16 = 34;
const ACK: u16 = 4;
const ECHO: u16 = 8;
const EXCL: u16 = 0x200;
const REPLACE: u16 = 0x100;
const MULTI: u16 = 2;
const INTERRUPTED: u16 = 16;

pub const SECONDARY: u32 = 0x01;
pub const DEPRECATED: u32 = 0x20;
pub const TENTATIVE: u32 = 0x40;
pub const PERMANENT: u32 = 0x80;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    pub index: u32,
    pub local: IpAddr,
    pub far: IpAddr,
    pub prefix_len: u8,
    pub scope: u8,
    pub label: Option<String>,
    pub broadcast: Option<Ipv4Addr>,
    pub flags: u32,
    pub preferred: u32,
    pub protocol: u8,
}

#[derive(Clone, Debug)]
pub struct FakeLink {
    pub name: String,
    pub up: bool,
}

#[derive(Default, Debug)]
pub struct Kernel {
    pub links: BTreeMap<u32, FakeLink>,
    pub addresses: Vec<Address>,
    /// Routes and rules: type of message and its body.
    pub entries: Vec<(u16, Vec<u8>)>,
    /// Error number for additions of routes (24) or rules (32).
    pub refuse_entries: BTreeMap<u16, i32>,
    pub next_index: u32,
    monitor: VecDeque<Vec<u8>>,
    command: VecDeque<Vec<u8>>,
    /// Error number and words for additions of this address.
    pub refuse: BTreeMap<IpAddr, (i32, &'static str)>,
    /// As before Linux 5.18.
    pub knows_no_tags: bool,
    pub interrupt_dumps: u32,
    pub refuse_dumps: u32,
    /// Lose notifications and remember that.
    pub lossy: bool,
    pub lost: bool,
    /// Swallow requests without an answer.
    pub deaf: bool,
    /// What was asked for, in order: a sign and the address.
    pub log: Vec<String>,
    pub acks: usize,
}

fn nla(kind: u16, value: &[u8], out: &mut Vec<u8>) {
    out.extend((4 + value.len() as u16).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

fn ip_of(bytes: &[u8]) -> IpAddr {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).unwrap().into(),
        _ => <[u8; 16]>::try_from(bytes).unwrap().into(),
    }
}

fn message(kind: u16, flags: u16, seq: u32, port: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend((16 + body.len() as u32).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(seq.to_ne_bytes());
    out.extend(port.to_ne_bytes());
    out.extend(body);
    out
}

fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(b[at..at + 2].try_into().unwrap())
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(b[at..at + 4].try_into().unwrap())
}

fn attributes(mut rest: &[u8]) -> BTreeMap<u16, Vec<u8>> {
    let mut all = BTreeMap::new();
    while rest.len() >= 4 {
        let len = usize::from(u16_at(rest, 0));
        all.insert(u16_at(rest, 2), rest[4..len].to_vec());
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    assert!(rest.is_empty());
    all
}

/// A body without one of its attributes.
fn without(body: &[u8], kind: u16) -> (Vec<u8>, BTreeMap<u16, Vec<u8>>) {
    let mut all = attributes(&body[12..]);
    all.remove(&kind);
    (body[..12].to_vec(), all)
}

impl Address {
    fn body(&self) -> Vec<u8> {
        let v4 = self.local.is_ipv4();
        let mut out = vec![
            if v4 { 2 } else { 10 },
            self.prefix_len,
            self.flags as u8,
            self.scope,
        ];
        out.extend(self.index.to_ne_bytes());
        if v4 || self.far != self.local {
            nla(2, &octets(self.local), &mut out);
        }
        nla(1, &octets(self.far), &mut out);
        if let Some(broadcast) = self.broadcast {
            nla(4, &broadcast.octets(), &mut out);
        }
        if let Some(label) = &self.label {
            nla(3, format!("{label}\0").as_bytes(), &mut out);
        }
        nla(8, &self.flags.to_ne_bytes(), &mut out);
        let mut cache = self.preferred.to_ne_bytes().to_vec();
        cache.extend([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 1, 0, 0, 0]);
        nla(6, &cache, &mut out);
        if self.protocol != 0 {
            nla(11, &[self.protocol], &mut out);
        }
        out
    }

    fn network(&self) -> Option<u32> {
        let IpAddr::V4(far) = self.far else {
            return None;
        };
        let host_bits = 32 - u32::from(self.prefix_len);
        Some(far.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or(0))
    }

    fn is_same(&self, other: &Self) -> bool {
        let v4 = self.local.is_ipv4();
        self.index == other.index
            && self.local == other.local
            && (!v4 || (self.prefix_len, self.network()) == (other.prefix_len, other.network()))
    }

    fn shares_subnet(&self, other: &Self) -> bool {
        self.local.is_ipv4()
            && other.local.is_ipv4()
            && self.index == other.index
            && (self.prefix_len, self.network()) == (other.prefix_len, other.network())
    }
}

impl Kernel {
    fn notify(&mut self, kind: u16, seq: u32, port: u32, body: &[u8]) {
        if self.lossy {
            self.lost = true;
        } else {
            self.monitor.push_back(message(kind, 0, seq, port, body));
        }
    }

    fn link_body(&self, index: u32) -> Vec<u8> {
        let link = &self.links[&index];
        let mut out = vec![0, 0, 1, 0];
        out.extend(index.to_ne_bytes());
        out.extend((if link.up { 0x1043_u32 } else { 0x1002 }).to_ne_bytes());
        out.extend([0; 4]);
        nla(3, format!("{}\0", link.name).as_bytes(), &mut out);
        nla(4, &1500_u32.to_ne_bytes(), &mut out);
        nla(1, &[2, 0, 0, 0, 0, index as u8], &mut out);
        out
    }

    fn notify_link(&mut self, index: u32) {
        let body = self.link_body(index);
        self.notify(NEWLINK, 0, 0, &body);
    }

    pub fn add_link(&mut self, name: &str) -> u32 {
        self.next_index += 1;
        let (index, up, name) = (self.next_index, true, name.to_owned());
        self.links.insert(index, FakeLink { name, up });
        self.notify_link(index);
        index
    }

    pub fn delete_link(&mut self, index: u32) {
        let there = self.addresses.iter().filter(|a| a.index == index);
        for address in there.cloned().collect::<Vec<_>>() {
            self.take(&address, 0, 0);
        }
        let body = self.link_body(index);
        self.links.remove(&index);
        self.flush_routes(4, &index.to_ne_bytes());
        self.notify(DELLINK, 0, 0, &body);
    }

    pub fn rename_link(&mut self, index: u32, name: &str) {
        name.clone_into(&mut self.links.get_mut(&index).unwrap().name);
        self.notify_link(index);
    }

    /// IPv6 addresses go after the link has been told to be down.
    pub fn switch_link(&mut self, index: u32, up: bool) {
        self.links.get_mut(&index).unwrap().up = up;
        self.notify_link(index);
        if !up {
            self.flush_routes(4, &index.to_ne_bytes());
            let gone = |a: &&Address| a.index == index && a.local.is_ipv6();
            for address in self
                .addresses
                .iter()
                .filter(gone)
                .cloned()
                .collect::<Vec<_>>()
            {
                self.take(&address, 0, 0);
            }
        }
    }

    /// An address as somebody else would add it.
    pub fn foreign(&self, index: u32, local: IpAddr, prefix_len: u8) -> Address {
        Address {
            index,
            local,
            far: local,
            prefix_len,
            scope: 0,
            label: local.is_ipv4().then(|| self.links[&index].name.clone()),
            broadcast: None,
            flags: PERMANENT,
            preferred: u32::MAX,
            protocol: 0,
        }
    }

    /// The loopback interface (100), whose address bears the kernel's own tag.
    pub fn add_loopback(&mut self) {
        let (up, name) = (true, "lo".to_owned());
        self.links.insert(100, FakeLink { name, up });
        let mut address = self.foreign(100, [127, 0, 0, 1].into(), 8);
        address.protocol = 1;
        self.addresses.push(address);
    }

    /// Adds an address; the error number if that is not possible.
    pub fn put(&mut self, mut address: Address, replace: bool, seq: u32, port: u32) -> i32 {
        if !self.links.contains_key(&address.index) {
            return 19;
        }
        if self.knows_no_tags {
            address.protocol = 0;
        }
        let same = self.addresses.iter().position(|a| a.is_same(&address));
        if let Some(at) = same {
            if !replace {
                return 17;
            }
            let old = &mut self.addresses[at];
            old.preferred = address.preferred;
            let kept = if old.local.is_ipv4() {
                !(PERMANENT | DEPRECATED)
            } else {
                TENTATIVE
            };
            old.flags = old.flags & kept | address.flags & !TENTATIVE;
            old.protocol = address.protocol;
            address = old.clone();
        } else {
            if self.addresses.iter().any(|a| a.shares_subnet(&address)) {
                address.flags |= SECONDARY;
            }
            self.addresses.push(address.clone());
        }
        // The kernel does not say on whose behalf IPv6 addresses change.
        let (seq, port) = if address.local.is_ipv4() {
            (seq, port)
        } else {
            (0, 0)
        };
        self.notify(NEWADDR, seq, port, &address.body());
        0
    }

    /// Removes an address and, with a primary one, the secondaries of its subnet.
    pub fn take(&mut self, address: &Address, seq: u32, port: u32) -> i32 {
        let exact = |a: &&Address| a.is_same(address) && a.prefix_len == address.prefix_len;
        let Some(found) = self.addresses.iter().find(exact).cloned() else {
            return 99;
        };
        let mut gone = vec![found.clone()];
        if found.flags & SECONDARY == 0 {
            let others = self.addresses.iter().filter(|a| a.shares_subnet(&found));
            gone.extend(others.filter(|a| !a.is_same(&found)).cloned());
        }
        let (seq, port) = if found.local.is_ipv4() {
            (seq, port)
        } else {
            (0, 0)
        };
        for address in gone {
            self.addresses.retain(|a| !a.is_same(&address));
            self.flush_routes(7, &octets(address.local));
            self.notify(DELADDR, seq, port, &address.body());
        }
        0
    }

    /// Duplicate address detection ends well.
    pub fn finish_dad(&mut self) {
        for at in 0..self.addresses.len() {
            if self.addresses[at].flags & TENTATIVE != 0 {
                self.addresses[at].flags &= !TENTATIVE;
                let body = self.addresses[at].body();
                self.notify(NEWADDR, 0, 0, &body);
            }
        }
    }

    pub fn at(&self, local: IpAddr) -> Option<&Address> {
        self.addresses.iter().find(|a| a.local == local)
    }

    /// Works off one send, message by message.
    pub fn request(&mut self, mut bytes: &[u8]) {
        if self.deaf {
            return;
        }
        while !bytes.is_empty() {
            let len = u32_at(bytes, 0) as usize;
            let (kind, flags, seq) = (u16_at(bytes, 4), u16_at(bytes, 6), u32_at(bytes, 8));
            let body = &bytes[16..len];
            match kind {
                GETLINK | GETADDR => self.dump(kind, seq, body),
                GETROUTE | GETRULE => self.dump_entries(kind, seq, body),
                NEWROUTE | DELROUTE | NEWRULE | DELRULE => {
                    let errno = self.change_entry(kind, flags, seq, PORT, body);
                    if errno != 0 || flags & ACK != 0 {
                        self.answer(seq, errno, "");
                    }
                }
                NEWADDR | DELADDR => {
                    let (errno, text) = self.change(kind, flags, seq, body);
                    if errno != 0 || flags & ACK != 0 {
                        self.answer(seq, errno, text);
                    }
                }
                other => panic!("{other}"),
            }
            bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn dump_entries(&mut self, kind: u16, seq: u32, body: &[u8]) {
        let new = kind - 2;
        let wanted = |there: &[u8]| {
            kind == GETRULE || there[0] == body[0] && (body[5] == 0 || there[5] == body[5])
        };
        let mut datagram = Vec::new();
        for (_, there) in self.entries.iter().filter(|(k, b)| *k == new && wanted(b)) {
            datagram.extend(message(new, MULTI, seq, PORT, there));
        }
        if !datagram.is_empty() {
            self.command.push_back(datagram);
        }
        self.command
            .push_back(message(3, MULTI, seq, PORT, &[0; 4]));
    }

    /// Adds or removes a route or rule, as whoever has this port.
    pub fn change_entry(&mut self, kind: u16, flags: u16, seq: u32, port: u32, body: &[u8]) -> i32 {
        let what = if kind <= DELROUTE { "route" } else { "rule" };
        if kind == NEWROUTE || kind == NEWRULE {
            if let Some(errno) = self.refuse_entries.get(&kind) {
                return *errno;
            }
            self.log.push(format!("+{what}"));
            let same = |there: &[u8]| match kind {
                // The protocol of a rule does not make it another one.
                NEWRULE => without(there, 21) == without(body, 21),
                _ => there == body,
            };
            if self.entries.iter().any(|(k, b)| *k == kind && same(b)) {
                return 17;
            }
            self.entries.push((kind, body.to_vec()));
            if flags & ECHO != 0 {
                self.command.push_back(message(kind, 0, seq, port, body));
            }
            self.notify(kind, seq, port, body);
            return 0;
        }
        self.log.push(format!("-{what}"));
        let named = attributes(&body[12..]);
        let fits = |there: &[u8]| {
            let has = attributes(&there[12..]);
            there[..8] == body[..8] && named.iter().all(|(k, v)| has.get(k) == Some(v))
        };
        let found = self
            .entries
            .iter()
            .position(|(k, b)| *k == kind - 1 && fits(b));
        let Some(at) = found else {
            return 3;
        };
        let (_, gone) = self.entries.remove(at);
        self.notify(kind, seq, port, &gone);
        0
    }

    /// Routes over a link, or from an address, go without a word.
    fn flush_routes(&mut self, kind: u16, value: &[u8]) {
        self.entries.retain(|(k, b)| {
            *k != NEWROUTE
                || b[0] != 2
                || attributes(&b[12..]).get(&kind).map(Vec::as_slice) != Some(value)
        });
    }

    fn answer(&mut self, seq: u32, errno: i32, text: &str) {
        let mut body = (-errno).to_ne_bytes().to_vec();
        body.extend([0; 16]);
        let mut flags = 0x100;
        if !text.is_empty() {
            flags |= 0x200;
            nla(1, format!("{text}\0").as_bytes(), &mut body);
        }
        self.acks += 1;
        self.command.push_back(message(2, flags, seq, PORT, &body));
    }

    fn dump(&mut self, kind: u16, seq: u32, body: &[u8]) {
        // Strict checking: the header is whole and zero.
        let header = if kind == GETLINK { 16 } else { 8 };
        assert!(body.len() >= header && body[..header].iter().all(|b| *b == 0));
        if self.refuse_dumps > 0 {
            self.refuse_dumps -= 1;
            self.answer(seq, 16, "");
            return;
        }
        let mut flags = MULTI;
        if self.interrupt_dumps > 0 {
            self.interrupt_dumps -= 1;
            flags |= INTERRUPTED;
        }
        let mut datagram = Vec::new();
        if kind == GETLINK {
            for index in self.links.keys() {
                datagram.extend(message(NEWLINK, flags, seq, PORT, &self.link_body(*index)));
            }
        } else {
            for address in &self.addresses {
                datagram.extend(message(NEWADDR, flags, seq, PORT, &address.body()));
            }
        }
        self.command.push_back(datagram);
        self.command
            .push_back(message(3, flags, seq, PORT, &[0; 4]));
    }

    fn change(&mut self, kind: u16, flags: u16, seq: u32, body: &[u8]) -> (i32, &'static str) {
        let a = attributes(&body[8..]);
        let index = u32_at(body, 4);
        let local = ip_of(&a[&2]);
        let v4 = local.is_ipv4();
        let preferred = a.get(&6).map_or(u32::MAX, |cache| u32_at(cache, 0));
        let mut wanted = a.get(&8).map_or(0, |flags| u32_at(flags, 0)) | PERMANENT;
        if preferred == 0 {
            wanted |= DEPRECATED;
        }
        if !v4 && wanted & 2 == 0 {
            wanted |= TENTATIVE;
        }
        let name = self
            .links
            .get(&index)
            .map(|link| link.name.clone())
            .unwrap_or_default();
        let label = a
            .get(&3)
            .map(|l| String::from_utf8(l[..l.len() - 1].to_vec()).unwrap());
        let address = Address {
            index,
            local,
            far: ip_of(&a[&1]),
            prefix_len: body[1],
            scope: body[3],
            label: v4.then(|| label.unwrap_or(name)),
            broadcast: a
                .get(&4)
                .map(|b| <[u8; 4]>::try_from(&b[..]).unwrap().into()),
            flags: wanted,
            preferred: if v4 { u32::MAX } else { preferred },
            protocol: a.get(&11).map_or(0, |p| p[0]),
        };
        if kind == DELADDR {
            self.log.push(format!("-{local}"));
            return match self.take(&address, seq, PORT) {
                99 => (99, "ipv4: Address not found"),
                errno => (errno, ""),
            };
        }
        let replace = flags & REPLACE != 0;
        assert!(replace != (flags & EXCL != 0));
        self.log
            .push(format!("{}{local}", if replace { '~' } else { '+' }));
        if let Some(refusal) = self.refuse.get(&local) {
            return *refusal;
        }
        match self.put(address, replace, seq, PORT) {
            17 => (17, "ipv4: Address already assigned"),
            errno => (errno, ""),
        }
    }
}

/// One reconciler on one fake kernel, in virtual time.
pub struct Rig {
    pub kernel: Kernel,
    pub reconciler: Reconciler,
    pub now: Instant,
    pub events: Vec<KernelEvent>,
    pub sends: usize,
    /// Requests of the last send.
    pub last_send: usize,
    /// Answers before notifications.
    pub command_first: bool,
}

impl Rig {
    /// A kernel with the links `eth0` (1) and `eth1` (2).
    pub fn new() -> Self {
        let mut kernel = Kernel::default();
        kernel.add_link("eth0");
        kernel.add_link("eth1");
        kernel.monitor.clear();
        Self {
            kernel,
            reconciler: Reconciler::new(Tag(TAG)),
            now: Instant::from_nanos(1),
            events: Vec::new(),
            sends: 0,
            last_send: 0,
            command_first: false,
        }
    }

    /// The same, started and ready.
    pub fn ready() -> Self {
        let mut rig = Self::new();
        rig.start();
        rig.events.clear();
        rig
    }

    pub fn start(&mut self) {
        self.reconciler.start(self.now);
        self.run();
        assert!(self.reconciler.is_ready());
    }

    pub fn set(&mut self, owner: u32, vips: &[Vip]) {
        self.reconciler
            .set(self.now, OwnerId(owner), Desired::addresses(vips.to_vec()));
    }

    pub fn read(&mut self) -> bool {
        let mut busy = false;
        if self.kernel.lost && !self.kernel.lossy {
            self.kernel.lost = false;
            self.reconciler.handle_overrun(self.now);
            busy = true;
        }
        let order = if self.command_first {
            [Channel::Command, Channel::Monitor]
        } else {
            [Channel::Monitor, Channel::Command]
        };
        for channel in order {
            let queue = match channel {
                Channel::Monitor => &mut self.kernel.monitor,
                Channel::Command => &mut self.kernel.command,
            };
            for datagram in core::mem::take(queue) {
                self.reconciler
                    .handle_datagram(self.now, &datagram, channel);
                busy = true;
            }
        }
        busy
    }

    /// One turn as a driver takes it: read, timers, one send.
    pub fn turn(&mut self) -> bool {
        let mut busy = self.read();
        self.reconciler.handle_timeout(self.now);
        busy |= self.send();
        while let Some(event) = self.reconciler.poll_event() {
            self.events.push(event);
        }
        busy
    }

    pub fn send(&mut self) -> bool {
        let mut out = Vec::new();
        if !self.reconciler.poll_request(self.now, &mut out) {
            assert!(out.is_empty());
            return false;
        }
        let before = self.kernel.log.len();
        let foreign = |kernel: &Kernel| {
            let foreign = kernel.addresses.iter().filter(|a| a.protocol != TAG);
            foreign.cloned().collect::<Vec<_>>()
        };
        let theirs = foreign(&self.kernel);
        // Nobody can leave alone what nobody has told of.
        let told = !self.kernel.lost && self.kernel.monitor.is_empty();
        self.kernel.request(&out);
        assert!(self.kernel.knows_no_tags || !told || foreign(&self.kernel) == theirs);
        self.last_send = self.kernel.log.len() - before;
        self.sends += 1;
        true
    }

    /// Turns until nothing happens any more at this time.
    pub fn run(&mut self) {
        for _ in 0..10_000 {
            if !self.turn() {
                return;
            }
        }
        panic!("a storm: {:?}", self.events);
    }

    pub fn advance(&mut self, by: Duration) {
        let end = self.now.checked_add(by).unwrap();
        while let Some(at) = self.reconciler.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.run();
            assert!(
                self.reconciler.next_timeout() != Some(at),
                "a timer that stays"
            );
        }
        self.now = end;
        self.run();
    }

    /// The events since the last call.
    pub fn events(&mut self) -> Vec<KernelEvent> {
        core::mem::take(&mut self.events)
    }

    /// The requests since the last call.
    pub fn log(&mut self) -> Vec<String> {
        core::mem::take(&mut self.kernel.log)
    }
}

pub fn vip(address: &str, device: &str) -> Vip {
    let (address, prefix_len) = address.split_once('/').unwrap();
    let device = InterfaceName::new(device).unwrap();
    Vip::new(
        address.parse().unwrap(),
        prefix_len.parse().unwrap(),
        device,
    )
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}
