//! What the kernel says of tables: which there are, and who is at them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsRawFd;

use bytes::BytesMut;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use netlink_vip::nftables::{self, Family, Heard};

use super::ruleset::Ruleset;
use crate::sockets::netlink::{Netlink, NetlinkBuffer, Received};

/// A table came or went while the kernel told: it is asked again.
const ATTEMPTS: usize = 5;

/// A table, by family and name.
pub(super) type Table = (Family, String);

/// All tables, with their chains.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<Table, BTreeSet<String>>);

impl Found {
    /// Our tables.
    pub(super) fn ours(&self, owner: &str) -> impl Iterator<Item = (Family, &str)> {
        let ours = self
            .0
            .iter()
            .filter(move |(_, chains)| chains.contains(owner));
        ours.map(|((family, table), _)| (*family, table.as_str()))
    }

    /// FW-02: an error if somebody else has a table that these are to have.
    pub(super) fn claim<R: Ruleset>(&self, rules: &R) -> Result<(), String> {
        let (table, owner, families) = (rules.table(), rules.owner(), rules.families());
        let mut named = self
            .0
            .iter()
            .filter(|((family, name), _)| name == table && families.contains(family));
        match named.find(|(_, chains)| !chains.contains(owner)) {
            None => Ok(()),
            Some(((family, name), _)) => Err(format!(
                "table {family} {name} is there and is somebody else's (remove it, or give `{}` another name)",
                R::KEYWORD
            )),
        }
    }
}

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The tables that were touched, by transaction.
    pub(super) transactions: Vec<BTreeSet<Table>>,
    /// There was more, which is lost.
    pub(super) lost: bool,
}

/// Two sockets: for questions, and for news.
#[derive(Debug)]
pub(super) struct Kernel {
    command: Netlink,
    monitor: Netlink,
    buffer: BytesMut,
    /// Touched by a transaction whose end has yet to be heard.
    touched: BTreeSet<Table>,
}

impl Kernel {
    pub(super) fn open(registry: &Registry, token: Token) -> io::Result<Self> {
        let command = Netlink::nftables(NetlinkBuffer::default())?;
        let mut monitor = Netlink::nftables(NetlinkBuffer::default())?;
        monitor.join(&[nftables::GROUP])?;
        let fd = monitor.as_raw_fd();
        registry.register(&mut SourceFd(&fd), token, Interest::READABLE)?;
        Ok(Self {
            command,
            monitor,
            buffer: BytesMut::new(),
            touched: BTreeSet::new(),
        })
    }

    /// All that has been heard since the last time.
    pub(super) fn news(&mut self) -> News {
        let mut news = News::default();
        loop {
            match self.monitor.receive(&mut self.buffer) {
                Ok(Received::Datagram) => {}
                Ok(Received::Nothing) => return news,
                Ok(Received::Overrun) => {
                    news.lost = true;
                    continue;
                }
                Err(_) => {
                    news.lost = true;
                    return news;
                }
            }
            for heard in nftables::heard(&self.buffer) {
                match heard {
                    Heard::Table { family, table, .. } => {
                        self.touched.insert((family, table));
                    }
                    Heard::Generation => news.transactions.push(std::mem::take(&mut self.touched)),
                    Heard::Done { .. } | Heard::Refused(_) => {}
                }
            }
        }
    }

    /// Which tables there are now.
    pub(super) fn look(&mut self) -> io::Result<Found> {
        for _ in 0..ATTEMPTS {
            let mut found = Found::default();
            if self.ask(&nftables::tables_request(), &mut found)?
                && self.ask(&nftables::chains_request(), &mut found)?
            {
                return Ok(found);
            }
        }
        Err(io::Error::other("others change them again and again"))
    }

    /// False if things changed meanwhile.
    fn ask(&mut self, request: &[u8], found: &mut Found) -> io::Result<bool> {
        self.command.send(request)?;
        let mut all = true;
        loop {
            // A dump is there when it is asked for, the rest of it when its beginning is read.
            match self.command.receive(&mut self.buffer)? {
                Received::Datagram => {}
                Received::Nothing => return Err(io::ErrorKind::UnexpectedEof.into()),
                Received::Overrun => {
                    all = false;
                    continue;
                }
            }
            for heard in nftables::heard(&self.buffer) {
                match heard {
                    Heard::Table {
                        family,
                        table,
                        chain,
                    } => found.0.entry((family, table)).or_default().extend(chain),
                    Heard::Done { whole } => return Ok(all && whole),
                    Heard::Refused(number) => return Err(io::Error::from_raw_os_error(number)),
                    Heard::Generation => {}
                }
            }
        }
    }
}
