//! A connection without a socket.

use std::io::{self, Read, Write};
use std::time::Duration;

use sans_io_time::Instant;

use super::Peer;
use super::client::{Client, Step};

const LIMIT: usize = 256;

/// What a client sends, piece by piece, and what it takes of the answers.
struct Stream<'a> {
    pieces: Vec<&'a [u8]>,
    room: usize,
    taken: Vec<u8>,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.pieces.pop() else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let length = piece.len().min(buffer.len());
        let (now, later) = piece.split_at(length);
        if let Some(room) = buffer.get_mut(..length) {
            room.copy_from_slice(now);
        }
        if !later.is_empty() {
            self.pieces.push(later);
        }
        Ok(length)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let length = octets.len().min(self.room);
        if length == 0 && !octets.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room -= length;
        self.taken.extend(octets.iter().take(length));
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that a client sends is answered line by line, or it is dropped.
pub fn connection(data: &[u8]) {
    let mut pieces: Vec<&[u8]> = data.split(|octet| *octet == 0xff).collect();
    pieces.reverse();
    let stream = Stream {
        pieces,
        room: 0,
        taken: Vec::new(),
    };
    let peer = Peer {
        pid: 1,
        uid: 0,
        gid: 0,
    };
    let now = Instant::from_nanos(0);
    let idle = Duration::from_secs(1);
    let mut client = Client::new(stream, peer, now, idle);
    let mut requests = 0_usize;
    for _ in 0..data.len().saturating_add(2) {
        client.stream.room += 100;
        let step = client.handle_ready(now, idle, LIMIT, &mut |line, _| {
            assert!(!line.contains('\n'), "a request is one line");
            requests += 1;
            format!("an\nanswer to {} octets", line.len())
        });
        assert!(client.deadline() > now);
        if step == Step::Close {
            break;
        }
    }
    // An answer is a line, whatever is in it; the last may not have been taken in full.
    let lines = client.stream.taken.iter().filter(|octet| **octet == b'\n');
    assert!(lines.count() <= data.len().saturating_add(2));
    assert!(requests <= data.len().saturating_add(1));
}
