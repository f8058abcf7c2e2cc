//! What a running daemon does: asked over its control socket, shown as a table or as JSON.

mod balance;
mod bfd;
mod document;
mod refusal;
mod table;
mod trackers;

pub(crate) use document::reason_words;
pub(crate) use refusal::{Refusal, SharedRefusal};

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use keepalived_driver::Snapshot;
use keepalived_driver::balance::BalanceSnapshot;
use serde_json::{Value, json};

use crate::arguments::Status;
use crate::log::{local_text, wall_clock};

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the daemon's own loop knows of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    /// Lines of the log that were lost.
    pub(crate) lines_lost: u64,
    /// No session of BFD runs (`-B`).
    pub(crate) no_bfd: bool,
    /// Of the last reload.
    pub(crate) refusal: &'a SharedRefusal,
}

/// The daemon's side: one request line, plain (`status`) or JSON (`{"command": "status"}`), to one
/// answer. `services` is asked for the state of the balancing loop,
/// which may not run.
pub(crate) fn answer<E: std::fmt::Display>(
    request: &str,
    own: Own<'_>,
    snapshot: impl FnOnce() -> Result<Box<Snapshot>, E>,
    services: impl FnOnce() -> Option<Box<BalanceSnapshot>>,
) -> String {
    let command = match serde_json::from_str::<Value>(request) {
        Ok(Value::Object(object)) => match object.get("command") {
            Some(Value::String(command)) => command.clone(),
            _ => return error("the request has no \"command\""),
        },
        _ => request.to_owned(),
    };
    match command.as_str() {
        "status" => match snapshot() {
            Ok(snapshot) => {
                let mut document = document::document(&snapshot, own.lines_lost);
                document["bfd_disabled"] = json!(own.no_bfd);
                document["reload"] = json!({ "refused": own.refusal.document() });
                document["balance"] =
                    services().map_or(Value::Null, |snapshot| balance::document(&snapshot));
                document.to_string()
            }
            Err(reason) => error(&reason.to_string()),
        },
        "version" => json!({
            "program": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "schema": document::SCHEMA,
        })
        .to_string(),
        other => error(&format!(
            "no such command: {other}; there are: status, version, record start, record stop, record status"
        )),
    }
}

fn error(text: &str) -> String {
    json!({ "error": text }).to_string()
}

/// The client's side. Exit code 1 when no daemon answers.
pub(crate) fn run(options: &Status) -> ExitCode {
    let answered = ask(&options.socket, "status").and_then(|text| {
        if options.json {
            return Ok(text);
        }
        let document: Value = serde_json::from_str(&text)?;
        if let Some(error) = document.get("error").and_then(Value::as_str) {
            return Err(io::Error::other(error.to_owned()));
        }
        Ok(table::table(
            &document,
            &|at| local_text(at, "%Y-%m-%d %H:%M:%S"),
            wall_clock(),
        ))
    });
    match answered {
        Ok(text) => {
            // A closed pipe, as with `| head`, is no failure.
            let _ = writeln!(io::stdout(), "{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "keepalived-rs status: {}: {error}",
                options.socket.display()
            );
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) {
                eprintln!("Is the daemon running, with this control socket? (--socket PATH)");
            }
            // What a read says when its time is over.
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) {
                eprintln!(
                    "The daemon took the request and does not answer. Is it stopped or overloaded?"
                );
            }
            ExitCode::FAILURE
        }
    }
}

/// One request to a daemon.
pub(crate) fn ask(socket: &Path, request: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{request}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the daemon gave no answer",
        ));
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
