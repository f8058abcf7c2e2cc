//! Sending packets of many sessions with few system calls.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};

use bfd::{Buffer, MAX_LEN, TRAFFIC_CLASS};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use smallvec::SmallVec;
use socket2::{Domain, Protocol, Socket, Type};
use vrrp_proto::Family;

use super::PRIORITY_CONTROL;

/// Datagrams sent with one system call.
const BATCH: usize = 64;
pub(super) const IPV4_HEADER: usize = 20;
pub(super) const IPV6_HEADER: usize = 40;
pub(super) const UDP_HEADER: usize = 8;
pub(super) const UDP: u8 = 17;

/// A packet with its IP and UDP headers, ready to go.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    bytes: [u8; IPV6_HEADER + UDP_HEADER + MAX_LEN],
    length: usize,
    destination: IpAddr,
    /// The interface to leave by, 0 for any.
    scope: u32,
}

/// Where a letter comes from and goes to.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) source: IpAddr,
    pub(crate) source_port: u16,
    pub(crate) destination: IpAddr,
    pub(crate) destination_port: u16,
    pub(crate) ttl: u8,
    pub(crate) scope: u32,
}

impl Letter {
    /// Puts `length` octets of `payload` into the envelope. `None` if source and destination are
    /// of different families. BFD-SB-11.
    pub(crate) fn new(envelope: &Envelope, payload: &Buffer, length: usize) -> Option<Self> {
        let Envelope {
            source,
            destination,
            ttl,
            ..
        } = *envelope;
        let payload = payload.get(..length)?;
        let udp_length = UDP_HEADER + length;
        let mut bytes = [0; IPV6_HEADER + UDP_HEADER + MAX_LEN];
        let header = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let total = u16::try_from(IPV4_HEADER + udp_length).ok()?;
                bytes[0] = 0x45;
                bytes[1] = TRAFFIC_CLASS;
                bytes[2..4].copy_from_slice(&total.to_be_bytes());
                // The identification stays zero: nothing is fragmented.
                bytes[8] = ttl;
                bytes[9] = UDP;
                bytes[12..16].copy_from_slice(&source.octets());
                bytes[16..20].copy_from_slice(&destination.octets());
                // A raw socket would have it filled in; a packet socket has not.
                let sum = header_checksum(&bytes[..IPV4_HEADER]);
                bytes[10..12].copy_from_slice(&sum.to_be_bytes());
                IPV4_HEADER
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                bytes[0] = 0x60 | (TRAFFIC_CLASS >> 4);
                bytes[1] = TRAFFIC_CLASS << 4;
                bytes[4..6].copy_from_slice(&u16::try_from(udp_length).ok()?.to_be_bytes());
                bytes[6] = UDP;
                bytes[7] = ttl;
                bytes[8..24].copy_from_slice(&source.octets());
                bytes[24..40].copy_from_slice(&destination.octets());
                IPV6_HEADER
            }
            _ => return None,
        };
        let udp = bytes.get_mut(header..header + udp_length)?;
        udp[0..2].copy_from_slice(&envelope.source_port.to_be_bytes());
        udp[2..4].copy_from_slice(&envelope.destination_port.to_be_bytes());
        udp[4..6].copy_from_slice(&u16::try_from(udp_length).ok()?.to_be_bytes());
        udp[UDP_HEADER..].copy_from_slice(payload);
        let sum = checksum(source, destination, udp);
        udp[6..8].copy_from_slice(&sum.to_be_bytes());
        Some(Self {
            bytes,
            length: header + udp_length,
            destination,
            scope: envelope.scope,
        })
    }

    /// The whole datagram.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    fn address(&self) -> SocketAddrAny {
        match self.destination {
            IpAddr::V4(v4) => SocketAddrV4::new(v4, 0).into(),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, 0, 0, self.scope).into(),
        }
    }
}

/// The UDP checksum, RFC 768; over IPv6 it must not be absent, RFC 8200 8.1.
fn checksum(source: IpAddr, destination: IpAddr, udp: &[u8]) -> u16 {
    let address = |address: IpAddr| match address {
        IpAddr::V4(v4) => words(&v4.octets()),
        IpAddr::V6(v6) => words(&v6.octets()),
    };
    let length = u32::try_from(udp.len()).unwrap_or_default();
    match folded(address(source) + address(destination) + u32::from(UDP) + length + words(udp)) {
        // Zero would stand for "no checksum".
        0 => 0xffff,
        sum => sum,
    }
}

/// The checksum of an IPv4 header, RFC 791 3.1, whose place in it is zero.
pub(super) fn header_checksum(header: &[u8]) -> u16 {
    folded(words(header))
}

/// The sum of all 16-bit words.
fn words(octets: &[u8]) -> u32 {
    let (pairs, rest) = octets.as_chunks::<2>();
    let odd = rest.first().map_or(0, |last| u32::from(*last) << 8);
    let pairs = pairs.iter();
    pairs
        .map(|pair| u32::from(u16::from_be_bytes(*pair)))
        .sum::<u32>()
        + odd
}

/// RFC 1071.
fn folded(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// The raw socket of one family.
#[derive(Debug)]
pub(crate) struct Sender(Socket);

impl Sender {
    /// One that sends by this interface only, or by whichever the route says.
    pub(crate) fn open(family: Family, interface: Option<&str>) -> io::Result<Self> {
        let domain = match family {
            Family::Ipv4 => Domain::IPV4,
            Family::Ipv6 => Domain::IPV6,
        };
        // Protocol 255 only sends, and takes whole datagrams.
        let raw = Protocol::from(nix::libc::IPPROTO_RAW);
        let socket = Socket::new(domain, Type::RAW.nonblocking().cloexec(), Some(raw))?;
        if family == Family::Ipv6 {
            socket.set_header_included_v6(true)?;
        }
        socket.bind_device(interface.map(str::as_bytes))?;
        // A wish: without it the socket works, only less well under load.
        let _ = socket.set_priority(PRIORITY_CONTROL);
        Ok(Self(socket))
    }

    /// Hand letters to the kernel, many per system call. `failed` is told whose letter was refused
    /// and why; the others go out all the same. Returns how many went out.
    pub(crate) fn send<T: Copy>(
        &self,
        letters: &[(T, Letter)],
        mut failed: impl FnMut(T, io::Error),
    ) -> usize {
        let (mut sent, mut rest) = (0, letters);
        while let Some((first, _)) = rest.first() {
            let batch = rest.get(..BATCH).unwrap_or(rest);
            let addresses: SmallVec<[SocketAddrAny; BATCH]> =
                batch.iter().map(|(_, letter)| letter.address()).collect();
            let slices: SmallVec<[[IoSlice<'_>; 1]; BATCH]> = batch
                .iter()
                .map(|(_, letter)| [IoSlice::new(letter.bytes())])
                .collect();
            let mut controls: SmallVec<[SendAncillaryBuffer<'_, '_, '_>; BATCH]> = batch
                .iter()
                .map(|_| SendAncillaryBuffer::default())
                .collect();
            let mut messages: SmallVec<[MMsgHdr<'_>; BATCH]> = addresses
                .iter()
                .zip(&slices)
                .zip(&mut controls)
                .map(|((address, slice), control)| MMsgHdr::new_with_addr(address, slice, control))
                .collect();
            let skip = match sendmmsg(&self.0, &mut messages, SendFlags::DONTWAIT) {
                // Sent up to the first one that was refused; that one comes first in the next call.
                Ok(0) => break,
                Ok(count) => {
                    sent += count;
                    count
                }
                Err(rustix::io::Errno::INTR) => 0,
                Err(error) => {
                    failed(*first, error.into());
                    1
                }
            };
            rest = rest.get(skip..).unwrap_or_default();
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(source: &str, destination: &str) -> Option<Letter> {
        let envelope = Envelope {
            source: source.parse().unwrap(),
            source_port: 49152,
            destination: destination.parse().unwrap(),
            destination_port: 3784,
            ttl: 255,
            scope: 0,
        };
        let mut payload = [0; MAX_LEN];
        payload[..24].copy_from_slice(&[
            0x20, 0x40, 3, 24, 0x22, 0x22, 0x22, 0x22, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0xc3,
            0x50, 0, 0, 0, 0,
        ]);
        Letter::new(&envelope, &payload, 24)
    }

    /// BFD-SH-01, BFD-SH-02, BFD-SH-05, BFD-SH-10; RFC 768: the sum over what the checksum covers,
    /// itself included, is all ones.
    #[test]
    fn a_letter_carries_addresses_ports_ttl_and_a_checksum_that_is_right() {
        for (source, destination, header) in [
            ("192.0.2.1", "192.0.2.2", IPV4_HEADER),
            ("2001:db8::1", "2001:db8::2", IPV6_HEADER),
        ] {
            let letter = letter(source, destination).unwrap();
            let bytes = letter.bytes();
            assert_eq!(bytes.len(), header + 8 + 24);
            let udp = &bytes[header..];
            assert_eq!(udp[..6], [0xc0, 0x00, 0x0e, 0xc8, 0, 32]);
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            assert_eq!(checksum(source, destination, udp), 0xffff);
            if header == IPV4_HEADER {
                assert_eq!(bytes[..4], [0x45, 0xc0, 0, 52]);
                assert_eq!(bytes[8..10], [255, 17]);
            } else {
                assert_eq!(bytes[..8], [0x6c, 0, 0, 0, 0, 32, 17, 255]);
            }
        }
        assert!(letter("192.0.2.1", "2001:db8::2").is_none());
    }
}
