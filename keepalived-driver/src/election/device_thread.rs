//! Requests about devices go to the kernel from a thread of their own: to remove one takes the
//! kernel some ten milliseconds, and it answers when it has done so.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::BytesMut;
use mio::Waker;

use crate::sockets::netlink::{Netlink, NetlinkBuffer, Received};

/// What came of one send: the datagrams that answer it.
pub(super) type Answer = io::Result<Vec<Vec<u8>>>;

/// The thread, and how to reach it. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct DeviceThread {
    jobs: Sender<Vec<u8>>,
    answers: Receiver<Answer>,
    busy: bool,
}

impl DeviceThread {
    /// Starts it in the network namespace of the calling thread.
    pub(super) fn start(waker: Arc<Waker>) -> io::Result<Self> {
        let socket = Netlink::command(NetlinkBuffer::default())?;
        let (jobs, todo) = channel::<Vec<u8>>();
        let (done, answers) = channel();
        thread::Builder::new()
            .name("devices".to_owned())
            .spawn(move || {
                for request in todo {
                    if done.send(exchange(&socket, &request)).is_err() {
                        return;
                    }
                    let _ = waker.wake();
                }
            })?;
        Ok(Self {
            jobs,
            answers,
            busy: false,
        })
    }

    /// Whether an answer is awaited.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    pub(super) fn submit(&mut self, request: &[u8]) {
        self.busy = self.jobs.send(request.to_vec()).is_ok();
    }

    /// The answer to the last request, if it has come.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        let answer = self.answers.try_recv().ok()?;
        self.busy = false;
        Some(answer)
    }
}

/// One send, and all that the kernel answers: it does so before the call returns.
fn exchange(socket: &Netlink, request: &[u8]) -> Answer {
    socket.send(request)?;
    let mut buffer = BytesMut::new();
    let mut datagrams = Vec::new();
    while socket.receive(&mut buffer)? == Received::Datagram {
        datagrams.push(buffer.to_vec());
    }
    Ok(datagrams)
}
