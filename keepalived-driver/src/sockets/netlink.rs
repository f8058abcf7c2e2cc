//! Netlink sockets: for our requests and their answers, for news of the network, for the families
//! of generic netlink, and for nftables.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use bytes::BytesMut;
use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV6_IFADDR`.
const GROUPS: [u32; 3] = [1, 5, 9];
/// Room for the news of some ten thousand addresses.
const RECEIVE_BUFFER: usize = 8 << 20;

/// How much one of the sockets may hold that has not been read.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NetlinkBuffer {
    /// In octets.
    pub size: usize,
    /// Go beyond the limit of the system (`net.core.rmem_max`), as far as we are allowed to.
    pub force: bool,
}

impl Default for NetlinkBuffer {
    fn default() -> Self {
        Self {
            size: RECEIVE_BUFFER,
            force: true,
        }
    }
}
/// The kernel fills at most this much of a buffer when it dumps.
const DATAGRAM: usize = 64 << 10;

/// A netlink socket that is never cloned: `netlink_sys::Socket` is `Clone` and closes on drop.
#[derive(Debug)]
pub(crate) struct Netlink(Socket);

/// What reading one datagram came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A datagram is in the buffer.
    Datagram,
    /// Nothing is waiting.
    Nothing,
    /// The kernel dropped messages because the buffer was full.
    Overrun,
}

impl Netlink {
    /// For requests.
    pub(crate) fn command(buffer: NetlinkBuffer) -> io::Result<Self> {
        let netlink = Self::open(NETLINK_ROUTE, buffer)?;
        netlink.0.set_ext_ack(true)?;
        netlink.0.set_cap_ack(true)?;
        netlink.0.set_netlink_get_strict_chk(true)?;
        Ok(netlink)
    }

    /// For news of links and addresses.
    pub(crate) fn monitor(buffer: NetlinkBuffer) -> io::Result<Self> {
        let mut netlink = Self::open(NETLINK_ROUTE, buffer)?;
        netlink.join(&GROUPS)?;
        Ok(netlink)
    }

    /// For families of generic netlink.
    pub(crate) fn generic(buffer: NetlinkBuffer) -> io::Result<Self> {
        let netlink = Self::open(NETLINK_GENERIC, buffer)?;
        netlink.0.set_cap_ack(true)?;
        Ok(netlink)
    }

    /// For the neighbour table, and for asking for it.
    pub(crate) fn neighbours(buffer: NetlinkBuffer) -> io::Result<Self> {
        let mut netlink = Self::open(NETLINK_ROUTE, buffer)?;
        netlink.join(&[netlink_vip::NEIGHBOUR_GROUP])?;
        Ok(netlink)
    }

    /// For tables of nftables.
    pub(crate) fn nftables(buffer: NetlinkBuffer) -> io::Result<Self> {
        Self::open(NETLINK_NETFILTER, buffer)
    }

    /// Hear of more.
    pub(crate) fn join(&mut self, groups: &[u32]) -> io::Result<()> {
        for group in groups {
            self.0.add_membership(*group)?;
        }
        Ok(())
    }

    /// Changes how much may wait to be read. IF-07.
    pub(crate) fn set_buffer(&self, buffer: NetlinkBuffer) {
        let NetlinkBuffer { size, force } = buffer;
        let fd = &self.0;
        if !force || rustix::net::sockopt::set_socket_recv_buffer_size_force(fd, size).is_err() {
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(fd, size);
        }
    }

    fn open(protocol: isize, buffer: NetlinkBuffer) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.set_non_blocking(true)?;
        let netlink = Self(socket);
        netlink.set_buffer(buffer);
        Ok(netlink)
    }

    /// Send one batch of requests to the kernel.
    pub(crate) fn send(&self, requests: &[u8]) -> io::Result<()> {
        let sent = self.0.send_to(requests, &SocketAddr::new(0, 0), 0)?;
        if sent == requests.len() {
            Ok(())
        } else {
            Err(io::Error::other(
                "the kernel took only a part of the netlink batch",
            ))
        }
    }

    /// Read one datagram of the kernel into `buffer`. Datagrams of other processes are dropped:
    /// any user may send to a netlink socket.
    pub(crate) fn receive(&self, buffer: &mut BytesMut) -> io::Result<Received> {
        loop {
            buffer.clear();
            buffer.reserve(DATAGRAM);
            match self.0.recv_from(buffer, 0) {
                Ok((_, sender)) if sender.port_number() == 0 => return Ok(Received::Datagram),
                Ok(_) => {}
                Err(error) => match error.raw_os_error() {
                    Some(nix::libc::EAGAIN) => return Ok(Received::Nothing),
                    Some(nix::libc::ENOBUFS) => return Ok(Received::Overrun),
                    Some(nix::libc::EINTR) => {}
                    _ => return Err(error),
                },
            }
        }
    }
}

impl AsRawFd for Netlink {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
