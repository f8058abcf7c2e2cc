//! Two sessions in one process, over virtual time: they come up, agree on intervals, lose their
//! cable for half a second, and find each other again.
//!
//! ```sh
//! cargo run -p bfd --example pair
//! ```

use std::collections::VecDeque;
use std::error::Error;
use std::num::NonZeroU8;
use std::time::Duration;

use bfd::{
    Buffer, ControlPacket, Discriminator, Instant, MAX_LEN, Micros, Session, SessionConfig,
    SessionEvent,
};

/// How long a packet takes.
const DELAY: Duration = Duration::from_millis(2);

struct Side {
    name: &'static str,
    session: Session,
    /// Packets on their way to this side, and when they arrive.
    wire: VecDeque<(Instant, Vec<u8>)>,
}

impl Side {
    fn new(name: &'static str, number: u32, millis: u32) -> Result<Self, Box<dyn Error>> {
        let interval = Micros::from_millis(millis).ok_or("too long")?;
        let three = NonZeroU8::new(3).ok_or("not 0")?;
        let config = SessionConfig::new(interval, interval, three);
        let discriminator = Discriminator::new(number).ok_or("not 0")?;
        let session = Session::new(config, discriminator, number.into(), at(0))?;
        Ok(Self {
            name,
            session,
            wire: VecDeque::new(),
        })
    }

    /// When something happens here next.
    fn next(&self) -> Option<Instant> {
        let arrival = self.wire.front().map(|(at, _)| *at);
        arrival.into_iter().chain(self.session.next_timeout()).min()
    }

    /// Packets first, then timers.
    fn turn(&mut self, now: Instant) -> Result<(), Box<dyn Error>> {
        while let Some((_, octets)) = self.wire.pop_front_if(|(at, _)| *at <= now) {
            let packet = ControlPacket::parse(&octets)?;
            self.session.handle_packet(now, &packet)?;
        }
        self.session.handle_timeout(now);
        Ok(())
    }

    /// Prints what there is to tell.
    fn tell(&mut self, now: Instant) {
        while let Some(event) = self.session.poll_event() {
            let seconds = Duration::from_nanos(now.as_nanos().unsigned_abs()).as_secs_f64();
            match event {
                SessionEvent::State(change) => {
                    let (from, to, reason) = (change.from, change.to, change.reason.name());
                    println!("{seconds:9.3} {:5} {from:?} -> {to:?}: {reason}", self.name);
                }
                SessionEvent::Timers => {
                    let timers = self.session.timers();
                    let (interval, silence) = (timers.transmit_interval, timers.detection_time);
                    println!("{seconds:9.3} {:5} {interval}, {silence:?}", self.name);
                }
                other => println!("{seconds:9.3} {:5} {other:?}", self.name),
            }
        }
    }
}

fn at(millis: i64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn main() -> Result<(), Box<dyn Error>> {
    let [mut left, mut right] = [Side::new("left", 1, 50)?, Side::new("right", 2, 100)?];
    let cut = at(3000)..at(3500);
    let mut now = at(0);
    while now < at(8000) {
        for side in [&mut left, &mut right] {
            side.turn(now)?;
        }
        for (from, to) in [(0, 1), (1, 0)] {
            let sides = [&mut left, &mut right];
            let mut buffer: Buffer = [0; MAX_LEN];
            while let Some(length) = sides[from].session.poll_transmit(now, &mut buffer) {
                let arrival = now.checked_add(DELAY).ok_or("the end of time")?;
                if !cut.contains(&now) {
                    sides[to]
                        .wire
                        .push_back((arrival, buffer[..length].to_vec()));
                }
            }
            sides[from].tell(now);
        }
        now = left.next().min(right.next()).ok_or("nothing to do")?;
    }
    for side in [&left, &right] {
        let stats = side.session.stats();
        let (sent, flaps) = (stats.sent, stats.flaps);
        println!(
            "{:5} {:?}, {sent} packets sent, {flaps} flaps",
            side.name,
            side.session.state()
        );
    }
    Ok(())
}
