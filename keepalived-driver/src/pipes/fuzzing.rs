//! Lines for pipes with readers of every kind, out of any bytes.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::OFlags;

use super::{PipeReport, PipeSettings, Pipes, Topic, WHOLE};

/// A pipe as its reader knows it.
struct Known {
    settings: PipeSettings,
    /// Open all the time, and read only now and then: lines wait.
    reader: File,
    /// What was read behind the last line end.
    rest: Vec<u8>,
    /// Numbers of the lines that were taken, not read yet.
    waiting: Vec<u32>,
    full: bool,
}

impl Known {
    /// Reads as much, and compares it with what was taken: whole lines, in their order, none left out.
    fn read(&mut self, most: usize) {
        let mut buffer = vec![0; most];
        let read = self.reader.read(&mut buffer).unwrap_or(0);
        self.rest.extend_from_slice(&buffer[..read]);
        while let Some(end) = self.rest.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8(line).expect("text");
            let number: u32 = line
                .split(' ')
                .next()
                .and_then(|word| word.parse().ok())
                .expect("the beginning of a line");
            assert!(!self.waiting.is_empty(), "a line that was lost");
            assert_eq!(self.waiting.remove(0), number);
        }
    }
}

/// Whoever reads: what is read are whole lines in their order, and each line is read or counted as lost.
pub fn pipes(data: &[u8]) {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!(
        "keepalived-pipes-{}-fuzz-{run}",
        std::process::id()
    ));
    fs::create_dir_all(&folder).expect("a folder for the pipes");
    operations(data, &folder);
    fs::remove_dir_all(&folder).expect("nobody else is there");
}

fn operations(data: &[u8], folder: &Path) {
    let mut octets = data.iter().copied();
    let mut pipes = Pipes::default();
    let mut known: Vec<Known> = Vec::new();
    let mut number = 0;
    while let Some(octet) = octets.next() {
        let mut next = || usize::from(octets.next().unwrap_or(0));
        match octet % 8 {
            0 => set(&mut pipes, &mut known, folder, next()),
            1..5 => {
                let topic = [Topic::Vrrp, Topic::Balance][next() % 2];
                let length = next() * 17;
                let line = format!("{number} {}\n", "x".repeat(length));
                write(&mut pipes, &mut known, topic, (&line, number));
                number += 1;
            }
            5 => {
                // A long time without a reader.
                for _ in 0..next() {
                    let line = format!("{number} {}\n", "y".repeat(900));
                    write(&mut pipes, &mut known, Topic::Vrrp, (&line, number));
                    number += 1;
                }
            }
            _ => {
                let most = next() * next();
                for pipe in &mut known {
                    pipe.read(most);
                }
            }
        }
    }
    for pipe in &mut known {
        pipe.read(1 << 20);
        assert!(pipe.waiting.is_empty() && pipe.rest.is_empty());
    }
}

/// Other pipes from now on: those that stay keep what is in them.
fn set(pipes: &mut Pipes, known: &mut Vec<Known>, folder: &Path, choice: usize) {
    let settings = [
        PipeSettings::new(folder.join("all")),
        PipeSettings::new(folder.join("some")).with_only(Topic::Vrrp),
        // The same pipe for something else.
        PipeSettings::new(folder.join("some")).with_only(Topic::Balance),
    ];
    let wanted: Vec<PipeSettings> = settings
        .into_iter()
        .enumerate()
        .filter(|(at, _)| choice >> at & 1 == 1)
        .map(|(_, settings)| settings)
        .collect();
    pipes.set(&wanted, |report| panic!("{report}"));
    known.retain(|pipe| wanted.contains(&pipe.settings));
    let mut paths: Vec<PathBuf> = known
        .iter()
        .map(|pipe| pipe.settings.path.clone())
        .collect();
    for settings in wanted {
        if paths.contains(&settings.path) {
            continue;
        }
        paths.push(settings.path.clone());
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag");
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&settings.path)
            .expect("a pipe that was asked for is there");
        known.push(Known {
            settings,
            reader,
            rest: Vec::new(),
            waiting: Vec::new(),
            full: false,
        });
    }
}

/// One line for all that want it.
fn write(pipes: &mut Pipes, known: &mut [Known], topic: Topic, (line, number): (&str, u32)) {
    let mut full: Vec<PathBuf> = Vec::new();
    let mut again: Vec<PathBuf> = Vec::new();
    let lost = pipes.lost();
    pipes.write(topic, line, |report| match report {
        PipeReport::Full { path } => full.push(path),
        PipeReport::TooLong { length, .. } => assert!(length == line.len() && length > WHOLE),
        PipeReport::Recovered { path, .. } => again.push(path),
        PipeReport::Unusable { path, error } => panic!("{}: {error}", path.display()),
    });
    let mut missing = pipes.lost() - lost;
    for pipe in known {
        if pipe.settings.only.is_some_and(|only| only != topic) {
            continue;
        }
        let path = &pipe.settings.path;
        pipe.full = (pipe.full || full.contains(path)) && !again.contains(path);
        if pipe.full || line.len() > WHOLE {
            missing -= 1;
        } else {
            pipe.waiting.push(number);
        }
    }
    assert_eq!(missing, 0, "each is told once");
}
