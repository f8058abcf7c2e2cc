//! Which addresses this host has, for checks that rest without one of them (`ha_suspend`). Heard from
//! the kernel, and so the same with and without VRRP.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use bytes::BytesMut;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use netlink_vip::{Channel, Reconciler, Tag};
use sans_io_time::Instant;

use crate::sockets::netlink::{Netlink, NetlinkBuffer, Received};

/// Datagrams read in one turn.
const PER_TURN: usize = 64;

/// A mirror of the addresses of this host. It changes nothing.
#[derive(Debug)]
pub(super) struct Presence {
    monitor: Netlink,
    command: Netlink,
    /// Only its mirror is used: it is told to want nothing.
    reconciler: Reconciler,
    buffer: BytesMut,
    present: BTreeSet<IpAddr>,
}

impl Presence {
    pub(super) fn open(
        registry: &Registry,
        monitor_token: Token,
        command_token: Token,
        now: Instant,
    ) -> io::Result<Self> {
        let monitor = Netlink::monitor(NetlinkBuffer::default())?;
        let command = Netlink::command(NetlinkBuffer::default())?;
        for (fd, token) in [
            (monitor.as_raw_fd(), monitor_token),
            (command.as_raw_fd(), command_token),
        ] {
            registry.register(&mut SourceFd(&fd), token, Interest::READABLE)?;
        }
        let mut reconciler = Reconciler::new(Tag(0));
        reconciler.start(now);
        Ok(Self {
            monitor,
            command,
            reconciler,
            buffer: BytesMut::new(),
            present: BTreeSet::new(),
        })
    }

    /// The addresses are known.
    pub(super) fn is_ready(&self) -> bool {
        self.reconciler.is_ready()
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        self.present.contains(&address)
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.reconciler.next_timeout()
    }

    /// Reads what has come and asks what is to be asked. Whether there was anything, and whether
    /// there may be more.
    pub(super) fn turn(&mut self, now: Instant) -> (bool, bool) {
        let (mut any, mut more) = (false, false);
        self.reconciler.handle_timeout(now);
        for (socket, channel) in [
            (&self.command, Channel::Command),
            (&self.monitor, Channel::Monitor),
        ] {
            let mut left = PER_TURN;
            while left > 0 {
                left -= 1;
                match socket.receive(&mut self.buffer) {
                    Ok(Received::Datagram) => {
                        any = true;
                        self.reconciler.handle_datagram(now, &self.buffer, channel);
                    }
                    Ok(Received::Nothing) => break,
                    Ok(Received::Overrun) => self.reconciler.handle_overrun(now),
                    Err(_) => {
                        self.reconciler.handle_overrun(now);
                        break;
                    }
                }
            }
            more |= left == 0;
        }
        let mut request = Vec::new();
        if self.reconciler.poll_request(now, &mut request) {
            if self.command.send(&request).is_err() {
                self.reconciler.handle_overrun(now);
            }
            more = true;
        }
        while self.reconciler.poll_event().is_some() {}
        if any && self.reconciler.is_ready() {
            let links: Vec<u32> = self.reconciler.links().map(|link| link.index).collect();
            let addresses = links
                .into_iter()
                .flat_map(|index| self.reconciler.addresses(index));
            self.present = addresses.map(|found| found.address).collect();
        }
        (any, more)
    }
}
