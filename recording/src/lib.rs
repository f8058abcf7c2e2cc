//! What an elections loop heard and did, as a file of bounded size, and its replay.
//!
//! The machines of [`vrrp_fsm`] and [`bfd`] know nothing but what they are told and when, so telling them the same
//! again makes them do the same again: bit for bit, on another machine, a year later. A [`Recorder`] is told
//! of every call and what came of it, and makes writes to a file of that; [`Recording`] finds in the octets
//! of such a file what is whole; [`Replay`] runs the machines through it and compares every answer.
//!
//! A segment of the file begins with the whole state of the machines, so the file can be a ring: what is
//! oldest goes, and the rest can still be replayed. Nothing here opens a file or reads a clock.
//!
//! ```
//! use keepalived_recording::{DEFAULT_SIZE, Input, Output, Recorder, Recording, Replay, Settings};
//! use sans_io_time::Instant;
//!
//! let settings = Settings { size: DEFAULT_SIZE, without_secrets: false, program: "1.0".into() };
//! let (mut router, table) = (vrrp_fsm::Router::new(), bfd::Table::new(7));
//! let mut recorder = Recorder::new(settings);
//! let (now, wall) = (Instant::from_nanos(0), std::time::Duration::ZERO);
//! recorder.end_turn(now, wall, &router, &table, Vec::new)?;
//!
//! recorder.input(now, Input::Timeout);
//! router.handle_timeout(now);
//! recorder.input(now, Input::PollAction);
//! recorder.output(Output::Action(router.poll_action().map(|(id, action)| (id.get(), action))));
//! recorder.end_turn(now, wall, &router, &table, Vec::new)?;
//!
//! let mut file = Vec::new();
//! while let Some(write) = recorder.poll_write() {
//!     file.resize(file.len().max(write.offset as usize + write.octets.len()), 0);
//!     file[write.offset as usize..][..write.octets.len()].copy_from_slice(&write.octets);
//! }
//! let recording = Recording::read(&file)?;
//! let summary = Replay::run(&recording, |_, step| println!("{step:?}"));
//! assert!(summary.is_same());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod read;
mod record;
mod recorder;
mod replay;
mod ring;
mod secrets;

pub use read::{BadRecord, Damage, Recording, Segment, Unreadable};
pub use record::{Authentication, Checkpoint, Input, Link, Names, News, Output, Record, Reloaded};
pub use recorder::{Impossible, Recorder, Settings};
pub use replay::{Begin, Call, Gap, Replay, Step, Summary};
pub use ring::{DEFAULT_SIZE, FORMAT, MAGIC, MAX_SIZE, MIN_SIZE, Write};
