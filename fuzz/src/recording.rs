//! Any bytes as a recording: read and replayed, or refused; never a panic, never without end.
//!
//! A fuzzer does not find check values, so they are put in for it: the first byte says what the rest is.

use std::time::Duration;

use keepalived_recording::{DEFAULT_SIZE, Recorder, Recording, Replay, Settings};
use vrrp_fsm::Instant;

use super::input::Input;
use super::recorder_ops;

/// A file, a state, or what happened after a good one.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.below(3) {
        0 => replay(input.rest()),
        1 => {
            let mut file = header();
            chunk(&mut file, 0, input.rest());
            replay(&file);
        }
        _ => {
            let mut file = beginning();
            chunk(&mut file, 1, input.rest());
            replay(&file);
        }
    }
}

fn replay(octets: &[u8]) {
    if let Ok(recording) = Recording::read(octets) {
        let summary = Replay::run(&recording, |_, _| {});
        assert!(summary.segments <= 4);
    }
}

/// A recording of two routers that have done something, up to its first records.
fn beginning() -> Vec<u8> {
    let mut recorded = recorder_ops::Recorded::new(DEFAULT_SIZE, false);
    recorded.begin();
    let mut recorder = Recorder::new(Settings {
        size: DEFAULT_SIZE,
        without_secrets: false,
        program: String::new(),
    });
    let now = Instant::from_nanos(1);
    let wall = Duration::from_secs(1);
    let _ = recorder.end_turn(now, wall, &recorded.router, &recorded.table, Vec::new);
    let mut file = Vec::new();
    while let Some(write) = recorder.poll_write() {
        let start = usize::try_from(write.offset).unwrap_or(0);
        file.resize(file.len().max(start + write.octets.len()), 0);
        file[start..start + write.octets.len()].copy_from_slice(&write.octets);
    }
    file
}

fn header() -> Vec<u8> {
    let mut file = beginning();
    file.truncate(64);
    file
}

/// As the crate writes it: length, segment, number, check value.
fn chunk(file: &mut Vec<u8>, number: u32, content: &[u8]) {
    let mut numbers = u32::try_from(content.len())
        .unwrap_or(0)
        .to_le_bytes()
        .to_vec();
    numbers.extend(1_u64.to_le_bytes());
    numbers.extend(number.to_le_bytes());
    let octets = numbers.iter().chain(content);
    let check = !octets.fold(u32::MAX, |sum, octet| {
        (0..8).fold(sum ^ u32::from(*octet), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    });
    file.extend(numbers);
    file.extend(check.to_le_bytes());
    file.extend(content);
}
