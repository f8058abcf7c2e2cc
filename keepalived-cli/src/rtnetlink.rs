//! Talking to the kernel's rtnetlink, always about the network namespace of the calling thread.
//!
//! `/sys/class/net` will not do: it shows the namespace it was mounted in, whoever reads it.

use std::collections::HashMap;
use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator, ParseableParametrized,
};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// `struct nlmsghdr`: length, type, flags, sequence number, port.
const MESSAGE_HEADER: usize = 16;
/// `struct ifinfomsg`.
const LINK_HEADER: usize = 16;
/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;
/// `NLM_F_DUMP_INTR`: something changed meanwhile, so that links may be missing.
const INTERRUPTED: u16 = 0x10;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
/// How often a dump is begun anew because links came and went meanwhile.
const ATTEMPTS: usize = 5;

/// A socket of the kernel's rtnetlink in the network namespace of the thread that opened it.
pub(crate) struct Rtnetlink {
    socket: Socket,
}

impl Rtnetlink {
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket })
    }

    /// One request, and the kernel's answer.
    pub(crate) fn ask(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.send(message, NLM_F_ACK | flags)?;
        let mut answer = Vec::with_capacity(8192);
        self.socket.recv(&mut answer, 0)?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)
            .map_err(|error| io::Error::other(error.to_string()))?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
            _ => Ok(()),
        }
    }

    /// The MTU of every interface, by name.
    pub(crate) fn mtus(&self) -> io::Result<HashMap<String, u32>> {
        for _ in 0..ATTEMPTS {
            if let Some(mtus) = self.dump_once()? {
                return Ok(mtus);
            }
        }
        Err(io::Error::other("interfaces come and go all the time"))
    }

    /// `None`: the dump was interrupted.
    fn dump_once(&self) -> io::Result<Option<HashMap<String, u32>>> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        self.send(request, NLM_F_DUMP)?;
        let mut mtus = HashMap::new();
        let mut whole = true;
        loop {
            let (datagram, _) = self.socket.recv_from_full()?;
            for message in messages(&datagram) {
                whole &= message.flags & INTERRUPTED == 0;
                match message.kind {
                    NEW_LINK => mtus.extend(link(message.body)),
                    NLMSG_DONE => return Ok(whole.then_some(mtus)),
                    NLMSG_ERROR => return Err(io::Error::other("the kernel lists no interfaces")),
                    _ => {}
                }
            }
        }
    }

    fn send(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut octets = vec![0; request.buffer_len()];
        request.serialize(&mut octets);
        self.socket.send(&octets, 0)?;
        Ok(())
    }
}

/// One message of a datagram, not looked into.
struct Message<'a> {
    kind: u16,
    flags: u16,
    body: &'a [u8],
}

fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(rest.get(..4)?.try_into().ok()?);
        let length = usize::try_from(length).ok()?;
        let kind = u16::from_ne_bytes(rest.get(4..6)?.try_into().ok()?);
        let flags = u16::from_ne_bytes(rest.get(6..8)?.try_into().ok()?);
        let body = rest.get(MESSAGE_HEADER..length)?;
        // Every message begins at a multiple of four.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind, flags, body })
    })
}

/// Name and MTU. All other attributes are passed over unread: kernels know more kinds than we do.
fn link(body: &[u8]) -> Option<(String, u32)> {
    let (mut name, mut mtu) = (None, None);
    for attribute in NlasIterator::new(body.get(LINK_HEADER..)?).flatten() {
        if !matches!(attribute.kind(), IFLA_IFNAME | IFLA_MTU) {
            continue;
        }
        match LinkAttribute::parse_with_param(&attribute, AddressFamily::Unspec) {
            Ok(LinkAttribute::IfName(text)) => name = Some(text),
            Ok(LinkAttribute::Mtu(octets)) => mtu = Some(octets),
            _ => {}
        }
    }
    Some((name?, mtu?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VRRP-EXT-03: every network namespace has a loopback interface, and its MTU is known.
    #[test]
    fn the_interfaces_of_this_namespace_are_listed_with_their_mtu() {
        let mtus = Rtnetlink::open().unwrap().mtus().unwrap();
        assert!(mtus.get("lo").is_some_and(|mtu| *mtu > 0), "{mtus:?}");
        assert!(!mtus.contains_key("no-such-device"));
    }

    /// A thread in another namespace sees that one's interfaces, not those of `/sys`.
    #[test]
    fn another_namespace_has_other_interfaces() {
        use nix::sched::{CloneFlags, unshare};
        let elsewhere = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).ok()?;
            Some(Rtnetlink::open().unwrap().mtus().unwrap())
        });
        // Without the right to make namespaces there is nothing to test.
        if let Some(mtus) = elsewhere.join().unwrap() {
            assert!(mtus.contains_key("lo"));
            assert!(!mtus.contains_key("eth0"), "{mtus:?}");
        }
    }

    /// Whatever the kernel sends, reading ends.
    #[test]
    fn cut_off_messages_are_passed_over() {
        let mut octets = vec![0; 64];
        octets[..4].copy_from_slice(&64_u32.to_ne_bytes());
        octets[4..6].copy_from_slice(&NEW_LINK.to_ne_bytes());
        assert_eq!(messages(&octets).count(), 1);
        for end in 0..64 {
            assert_eq!(messages(&octets[..end]).count(), 0, "{end}");
            assert!(link(&octets[..end]).is_none());
        }
        assert_eq!(messages(&[0; 64]).count(), 0);
    }
}
