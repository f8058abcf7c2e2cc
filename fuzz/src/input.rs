//! Choices out of bytes. When they run out, every choice is the first one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bytes of one run, read from the front.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Chooses from these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether there are bytes left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Two bytes.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// At most this many bytes.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All the rest.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// One of a few addresses of hosts on one link, so that equal ones meet.
    pub fn host(&mut self, ipv6: bool) -> IpAddr {
        let host = 1 + self.below(8);
        if ipv6 {
            IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, host.into()))
        } else {
            IpAddr::V4(Ipv4Addr::new(192, 0, 2, host))
        }
    }
}
