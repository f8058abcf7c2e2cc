//! `keepalived-rs replay`: a recording, told as a story, with each answer of the machines compared.

mod words;

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use keepalived_recording::{
    Begin, Call, MAX_SIZE, Names, Record, Recording, Replay as Machines, Step, Summary,
};
use sans_io_time::Instant;
use serde_json::{Value, json};

use crate::arguments::Replay;
use crate::log::local_text;
use crate::nodes::counted;
use words::{Chronicle, Entry, printable};

/// The machines did something else.
const DIFFERS: u8 = 1;
/// It cannot be read.
const UNREADABLE: u8 = 2;
/// What can be read of it is the same.
const DAMAGED: u8 = 3;
/// A machine failed.
const FAILED: u8 = 4;
/// Differences that are told in full; after the first the others often follow from it.
const TOLD: u64 = 20;

/// Exit code 0: the same.
pub(crate) fn run(options: &Replay) -> ExitCode {
    let octets = match read(&options.file) {
        Ok(octets) => octets,
        Err(error) => return unreadable(&options.file, &error),
    };
    let recording = match Recording::read(&octets) {
        Ok(recording) => recording,
        Err(error) => return unreadable(&options.file, &error),
    };
    let mut out = BufWriter::new(io::stdout());
    let mut story = Story::new(options, &recording, &mut out);
    // A machine that fails is what the recording may be of.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        Machines::run(&recording, |machines, step| story.tell(machines, step))
    }));
    let code = story.end(outcome.ok());
    // A closed pipe, as with `| head`, is no failure.
    let _ = out.flush();
    code.into()
}

/// More than a recording can have is not read.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?
        .take(MAX_SIZE.saturating_add(1))
        .read_to_end(&mut octets)?;
    Ok(octets)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("keepalived-rs replay: {}: {error}", path.display());
    UNREADABLE.into()
}

/// What is told, line by line, or all at once in JSON.
struct Story<'a> {
    options: &'a Replay,
    out: &'a mut dyn Write,
    chronicle: Chronicle,
    begin: Option<Begin>,
    last: Option<Instant>,
    differences: u64,
    timeline: Vec<Value>,
}

impl<'a> Story<'a> {
    fn new(options: &'a Replay, recording: &Recording<'_>, out: &'a mut dyn Write) -> Self {
        let mut story = Self {
            options,
            out,
            chronicle: Chronicle::new(names(recording), options.all),
            begin: None,
            last: None,
            differences: 0,
            timeline: Vec::new(),
        };
        if !options.json {
            story.headline(recording);
        }
        story
    }

    fn headline(&mut self, recording: &Recording<'_>) {
        let first = recording
            .segments
            .first()
            .map(|segment| &segment.checkpoint);
        let Some(first) = first else {
            return;
        };
        let secrets = if first.without_secrets {
            "without passwords and keys"
        } else {
            "with passwords and keys"
        };
        let _ = writeln!(
            self.out,
            "{}: recorded by keepalived-rs {}, {}, {secrets}",
            self.options.file.display(),
            printable(&first.program),
            counted(recording.segments.len(), "segment"),
        );
        let ours = env!("CARGO_PKG_VERSION");
        if first.program != ours {
            let _ = writeln!(
                self.out,
                "This is keepalived-rs {ours}: what differs may be what has changed between the two."
            );
        }
    }

    /// The time of day, if the recording knows it.
    fn stamp(&self, at: Instant) -> (String, Option<f64>) {
        let Some(begin) = &self.begin else {
            return (String::new(), None);
        };
        let since = at.saturating_duration_since(begin.at);
        let wall = begin.wall.checked_add(since);
        let time = wall.and_then(|wall| SystemTime::UNIX_EPOCH.checked_add(wall));
        let text = time.map_or_else(String::new, |time| {
            local_text(time, "%Y-%m-%d %H:%M:%S%.6f")
        });
        (text, wall.map(|wall| wall.as_secs_f64()))
    }

    fn tell(&mut self, machines: &Machines, step: Step<'_>) {
        match step {
            Step::Segment(begin) => {
                let at = begin.at;
                let differs = begin.same_state == Some(false);
                let entry = self.chronicle.segment(&begin, machines);
                self.begin = Some(begin);
                self.differences += u64::from(differs);
                self.entries(at, entry);
            }
            Step::Call(call) => {
                self.last = Some(call.at);
                let entries = self.chronicle.call(&call, machines);
                self.entries(call.at, entries);
                if !call.is_same() {
                    self.differs(&call);
                }
            }
            Step::Names => {}
            Step::News(at, news) => {
                self.last = Some(at);
                let entry = self.chronicle.heard(news);
                self.entries(at, vec![entry]);
            }
            Step::Gap(gap) => {
                let entry = self.chronicle.gap(&gap);
                let at = self.last.unwrap_or_else(|| Instant::from_nanos(0));
                self.entries(at, vec![entry]);
            }
        }
    }

    fn entries(&mut self, at: Instant, entries: Vec<Entry>) {
        let (stamp, seconds) = self.stamp(at);
        for entry in entries {
            if self.options.json {
                self.timeline.push(json!({
                    "at": seconds,
                    "clock": at.as_nanos(),
                    "kind": entry.kind,
                    "of": entry.of,
                    "text": entry.text,
                }));
            } else {
                let of = entry.of.map(|of| format!("({of}) ")).unwrap_or_default();
                let _ = writeln!(self.out, "{stamp}  {of}{}", entry.text);
            }
        }
    }

    fn differs(&mut self, call: &Call<'_>) {
        self.differences += 1;
        if self.differences > TOLD {
            return;
        }
        let entry = self.chronicle.difference(call);
        self.entries(call.at, vec![entry]);
    }

    /// The last words, and the exit code.
    fn end(self, summary: Option<Summary>) -> u8 {
        let code = match &summary {
            None => FAILED,
            Some(summary) if !summary.is_same() => DIFFERS,
            Some(summary) if summary.damaged > 0 => DAMAGED,
            Some(_) => 0,
        };
        let verdict = match code {
            0 => "same",
            DIFFERS => "differs",
            FAILED => "failed",
            _ => "damaged",
        };
        if self.options.json {
            let summary = summary.map(|summary| {
                json!({
                    "calls": summary.calls,
                    "differences": summary.differences,
                    "segments": summary.segments,
                    "states_reached": summary.states_reached,
                    "states_missed": summary.states_missed,
                    "gaps": summary.gaps,
                    "damaged": summary.damaged,
                })
            });
            let document = json!({
                "file": self.options.file.to_string_lossy(),
                "program": self.begin.as_ref().map(|begin| begin.program.clone()),
                "without_secrets": self.begin.as_ref().map(|begin| begin.without_secrets),
                "timeline": self.timeline,
                "summary": summary,
                "panicked": summary.is_none(),
                "verdict": verdict,
            });
            let _ = writeln!(self.out, "{document}");
            return code;
        }
        let Some(summary) = summary else {
            let _ = writeln!(
                self.out,
                "A machine failed here, as it may have done when this was recorded: see above for the place."
            );
            return code;
        };
        if self.differences > TOLD {
            let more = self.differences - TOLD;
            let more = counted(more, "more difference");
            let _ = writeln!(self.out, "Not shown: {more}.");
        }
        let _ = writeln!(
            self.out,
            "{} replayed in {}, {}; the recorded state was reached {} and missed {}; {}{}.",
            counted(summary.calls, "call"),
            counted(summary.segments, "segment"),
            counted(summary.differences, "difference"),
            counted(summary.states_reached, "time"),
            counted(summary.states_missed, "time"),
            counted(summary.gaps, "gap"),
            match summary.damaged {
                0 => String::new(),
                damaged =>
                    format!(", {damaged} of them by damage: see above for what cannot be read"),
            }
        );
        code
    }
}

/// What any number means anywhere in it: numbers are not used twice for different things, or long after.
fn names(recording: &Recording<'_>) -> Names {
    let mut all = Names::default();
    let mut add = |names: &Names| {
        all.instances.extend(names.instances.iter().cloned());
        all.interfaces.extend(names.interfaces.iter().cloned());
        all.sessions.extend(names.sessions.iter().cloned());
        all.groups.extend(names.groups.iter().cloned());
    };
    for segment in &recording.segments {
        add(&segment.checkpoint.names);
        for record in segment.records().flatten() {
            if let Record::Names(names) = record {
                add(&names);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_fails_has_an_exit_code_of_its_own() {
        let options = Replay {
            json: true,
            all: false,
            file: "tape".into(),
        };
        let empty = Recording {
            segments: Vec::new(),
            missing: Vec::new(),
        };
        let mut out = Vec::new();
        let story = Story::new(&options, &empty, &mut out);
        assert_eq!(story.end(None), FAILED);
        let document: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(document["verdict"], "failed");
        assert_eq!(document["panicked"], true);
    }
}
