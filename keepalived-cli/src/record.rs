//! `keepalived-rs record`: beginning and ending a recording of a daemon that runs.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use keepalived_driver::Remote;
use keepalived_driver::control::Peer;
use keepalived_driver::recording::{RecordSettings, RecordStatus};
use serde_json::{Value, json};

use crate::arguments::{RecordCommand, RecordVerb, USAGE};
use crate::log::local_text;
use crate::status::ask;

/// How long the elections and the disk may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The daemon's side; `None` if it is another request. Whoever begins a recording has files made by the daemon, so
/// it has to be root or the daemon's own user.
pub(crate) fn answer(
    request: &str,
    peer: Peer,
    remote: &Remote,
    log: impl FnOnce(&str),
) -> Option<String> {
    let request = serde_json::from_str::<Value>(request).ok()?;
    let verb = request["command"].as_str()?.strip_prefix("record ")?;
    let own = rustix::process::geteuid().as_raw();
    let may = peer.uid == 0 || peer.uid == own;
    let outcome = match verb {
        "status" => status(remote),
        "start" | "stop" if !may => Err("only root may do that".to_owned()),
        "start" => start(&request, remote),
        "stop" => stop(remote, log),
        other => Err(format!(
            "no such command: record {other}; there are: record start, record stop, record status"
        )),
    };
    let answer = outcome.unwrap_or_else(|error| json!({ "error": error }));
    Some(answer.to_string())
}

/// The elections tell the log, when they have begun.
fn start(request: &Value, remote: &Remote) -> Result<Value, String> {
    let path = request["file"].as_str().ok_or("no file is named")?;
    if !Path::new(path).is_absolute() {
        return Err("the name of the file has to begin with /".to_owned());
    }
    // Whoever began the other one does not expect it to end.
    let present = remote.recording(PATIENCE);
    let present = present.map_err(|error| error.to_string())?;
    if let Some(present) = present.filter(|present| present.running) {
        return Err(format!(
            "there is a recording to {} already: `record stop` ends it",
            present.settings.path.display()
        ));
    }
    let mut settings = RecordSettings::new(path);
    if let Some(size) = request["size"].as_u64() {
        settings.size = size;
    }
    settings.without_secrets = request["without_secrets"] == true;
    remote.record(settings).map_err(|error| error.to_string())?;
    status(remote)
}

fn stop(remote: &Remote, log: impl FnOnce(&str)) -> Result<Value, String> {
    match remote.stop_recording(PATIENCE) {
        Ok(Some(status)) => {
            let path = status.settings.path.display();
            log(&format!("Recording to {path} ended"));
            Ok(document(Some(&status)))
        }
        Ok(None) => Err("nothing is recorded".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn status(remote: &Remote) -> Result<Value, String> {
    let status = remote.recording(PATIENCE);
    let status = status.map_err(|error| error.to_string())?;
    Ok(document(status.as_ref()))
}

fn document(status: Option<&RecordStatus>) -> Value {
    let Some(status) = status else {
        return json!({ "recording": false });
    };
    let since = status.since.duration_since(SystemTime::UNIX_EPOCH);
    json!({
        "recording": status.running,
        "file": status.settings.path.to_string_lossy(),
        "size": status.settings.size,
        "without_secrets": status.settings.without_secrets,
        "since": since.unwrap_or_default().as_secs(),
        "records": status.recorded,
        "lost": status.lost,
        "written": status.written,
        "error": status.error,
    })
}

/// The daemon does not do it.
const REFUSED: u8 = 1;
/// No daemon answers.
const NO_DAEMON: u8 = 2;

/// The client's side.
pub(crate) fn run(options: &RecordCommand) -> ExitCode {
    let (socket, request, json) = match &options.what {
        RecordVerb::Start(start) => {
            let settings = start.to.settings(start.without_secrets);
            let Some(path) = settings.path.to_str() else {
                return failed("the name of the file is not valid UTF-8", USAGE);
            };
            let request = json!({
                "command": "record start",
                "file": path,
                "size": settings.size,
                "without_secrets": settings.without_secrets,
            });
            (&start.socket, request, false)
        }
        RecordVerb::Stop(stop) => (&stop.socket, json!({ "command": "record stop" }), false),
        RecordVerb::Status(show) => (
            &show.socket,
            json!({ "command": "record status" }),
            show.json,
        ),
    };
    let answered = ask(socket, &request.to_string()).and_then(|text| {
        let document: Value = serde_json::from_str(&text)?;
        Ok((text, document))
    });
    let name = socket.display();
    match answered {
        Ok((text, document)) => match document.get("error").and_then(Value::as_str) {
            Some(error) if document.get("file").is_none() => {
                failed(&format!("{name}: {error}"), REFUSED)
            }
            _ if json => print(text.trim_end()),
            _ => print(&words(&document)),
        },
        Err(error) => failed(&format!("{name}: {error}"), NO_DAEMON),
    }
}

fn print(text: &str) -> ExitCode {
    use std::io::Write;
    // A closed pipe is no failure.
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn failed(why: &str, code: u8) -> ExitCode {
    eprintln!("keepalived-rs record: {why}");
    code.into()
}

fn words(document: &Value) -> String {
    let number = |key: &str| document[key].as_u64().unwrap_or(0);
    let Some(file) = document["file"].as_str() else {
        return "Nothing is recorded.".to_owned();
    };
    let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(number("since")));
    let since = since.map_or_else(String::new, |since| local_text(since, "%Y-%m-%d %H:%M:%S"));
    let verb = if document["recording"] == true {
        "Recording"
    } else {
        "Recorded"
    };
    let mut text = format!(
        "{verb} to {file} since {since}: {} records, {} octets written, at most {} kept",
        number("records"),
        number("written"),
        number("size")
    );
    if document["without_secrets"] == true {
        text.push_str(", without passwords and keys");
    } else {
        text.push_str(". Passwords and keys are in it");
    }
    if number("lost") > 0 {
        text.push_str(&format!(
            ". {} records were lost: the disk is too slow",
            number("lost")
        ));
    }
    if let Some(error) = document["error"].as_str() {
        text.push_str(&format!(". {error}"));
    }
    text.push('.');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/recording.md has a row for each field.
    #[test]
    fn the_document_of_a_recording_is_the_one_of_the_page() {
        let page = include_str!("../../docs/recording.md");
        let table = page.split("#### status\n").nth(1).unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        let told: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
        let document = document(Some(&RecordStatus::new(
            RecordSettings::new("/tmp/tape"),
            SystemTime::UNIX_EPOCH,
        )));
        let mut found: Vec<&str> = document
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        found.sort_by_key(|name| told.iter().position(|known| known == name));
        assert_eq!(found, told);
    }
}
