//! Lines as programs that read logs expect them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::*;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("keepalived-log-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn settings(file: PathBuf) -> LogSettings {
    LogSettings {
        console: false,
        syslog: None,
        file: Some(file),
        flush_file: false,
        detail: false,
        tag_suffix: String::new(),
    }
}

/// LOG-01: priority, date, tag with process number, text.
#[test]
fn a_syslog_datagram_has_keepalived_s_tag() {
    let folder = folder("syslog");
    let path = folder.join("log");
    let server = UnixDatagram::bind(&path).unwrap();
    let mut sink = SyslogSink::new(Facility::DAEMON).at(&path);
    let line = Line {
        at: SystemTime::UNIX_EPOCH,
        level: Level::Info,
        tag: "Keepalived_vrrp_red".into(),
        text: "(VI_1) Entering MASTER STATE".to_owned(),
    };
    let receive = |server: &UnixDatagram| {
        let mut buffer = [0; 500];
        server
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let length = server.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    sink.write(&line).unwrap();
    let text = receive(&server);
    let date = local_text(line.at, "%b %e %H:%M:%S");
    let pid = std::process::id();
    let expected = format!("<30>{date} Keepalived_vrrp_red[{pid}]: (VI_1) Entering MASTER STATE");
    assert_eq!(text, expected);
    // The syslog daemon restarts: not one line is lost.
    drop(server);
    fs::remove_file(&path).unwrap();
    let server = UnixDatagram::bind(&path).unwrap();
    sink.write(&line).unwrap();
    assert_eq!(receive(&server), expected);
    fs::remove_dir_all(folder).unwrap();
}

/// Looking for it costs six system calls, and a start writes thousands of lines.
#[test]
fn a_syslog_daemon_that_was_never_there_is_looked_for_ten_times_a_second() {
    let folder = folder("late");
    let path = folder.join("log");
    let mut sink = SyslogSink::new(Facility::DAEMON).at(&path);
    let line = |millis| Line {
        at: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
        level: Level::Info,
        tag: "t".into(),
        text: format!("at {millis}"),
    };
    sink.write(&line(0)).unwrap();
    let server = UnixDatagram::bind(&path).unwrap();
    sink.write(&line(99)).unwrap();
    sink.write(&line(100)).unwrap();
    sink.write(&line(101)).unwrap();
    let mut buffer = [0; 100];
    for expected in ["at 100", "at 101"] {
        let length = server.recv(&mut buffer).unwrap();
        let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
        assert!(text.ends_with(expected), "{text}");
    }
    fs::remove_dir_all(folder).unwrap();
}

/// CLI-04, CLI-11.
#[test]
fn a_log_file_is_appended_to_with_dates_and_without_details() {
    let folder = folder("file");
    let path = folder.join("log");
    for round in 0..2 {
        let log = Log::start(&settings(path.clone())).unwrap();
        log.line(Level::Info, &format!("round {round}\nforged line"));
        log.line(Level::Detail, "not seen");
        log.finish(Duration::from_secs(20));
    }
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().map(|line| line.split_at(24).1).collect();
    assert_eq!(
        lines,
        [": round 0\\nforged line", ": round 1\\nforged line"]
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::remove_dir_all(folder).unwrap();
}

/// LESSONS C1: nothing is written through a planted link.
#[test]
fn a_log_file_that_is_a_link_is_refused() {
    let folder = folder("link");
    let (victim, link) = (folder.join("victim"), folder.join("log"));
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &link).unwrap();
    assert!(Log::start(&settings(link)).is_err());
    assert!(Log::start(&settings("/dev/null".into())).is_err());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_dir_all(folder).unwrap();
}

/// A destination that a test makes behave as it likes.
struct Fake<F>(F);

impl<F: FnMut(&Line) -> io::Result<()> + Send> Sink for Fake<F> {
    fn name(&self) -> String {
        "the fake".to_owned()
    }
    fn write(&mut self, line: &Line) -> io::Result<()> {
        (self.0)(line)
    }
}

/// A log with this destination beside a file.
fn log_with(path: &Path, fake: impl FnMut(&Line) -> io::Result<()> + Send + 'static) -> Log {
    let file = FileSink::open(path, false, Arc::default()).unwrap();
    Log::serve(
        &settings(path.to_owned()),
        vec![
            ("log-fake", Box::new(Fake(fake))),
            ("log-file", Box::new(file)),
        ],
        Arc::default(),
    )
    .unwrap()
}

/// LESSONS A7, E8: a destination that hangs holds up neither the caller nor the others.
#[test]
fn a_destination_that_hangs_holds_up_nobody() {
    let folder = folder("stuck");
    let path = folder.join("log");
    let (_never, receiver) = std::sync::mpsc::channel::<()>();
    let log = log_with(&path, move |_| {
        let _ = receiver.recv();
        Ok(())
    });
    for number in 0..10_000 {
        log.line(Level::Info, &number.to_string());
        if number % 1000 == 0 {
            log.queues[1].wait_until_written(Duration::from_secs(20));
        }
    }
    log.queues[1].wait_until_written(Duration::from_secs(20));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 10_000);
    fs::remove_dir_all(folder).unwrap();
}

/// LESSONS A7, E8: what one destination cannot take, the others tell, once; and when it is over. It may be the only
/// one, so what is missing in it stands there too.
#[test]
fn a_destination_that_fails_is_told_to_the_others_once() {
    let folder = folder("failing");
    let path = folder.join("log");
    let mut taken = 0;
    let (tell, told) = std::sync::mpsc::channel();
    let log = log_with(&path, move |line| {
        taken += 1;
        if (2..=4).contains(&taken) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let _ = tell.send(line.text.clone());
        Ok(())
    });
    for number in 1..=6 {
        log.line(Level::Info, &format!("line {number}"));
        log.finish(Duration::from_secs(20));
    }
    let own: Vec<_> = told.try_iter().collect();
    assert_eq!(
        own,
        [
            "line 1",
            "line 5",
            "3 log lines are missing above, they could not be written",
            "line 6"
        ]
    );
    let text = fs::read_to_string(&path).unwrap();
    let told: Vec<_> = text
        .lines()
        .filter(|line| line.contains("the fake"))
        .map(|line| line.split_at(26).1)
        .collect();
    assert_eq!(
        told,
        [
            "Log lines cannot be written to the fake: no storage space",
            "Log lines are written to the fake again, 3 are missing there",
        ]
    );
    assert_eq!(log.lines_lost(), 3);
    fs::remove_dir_all(folder).unwrap();
}

/// A machine without a syslog daemon misses nothing; one whose daemon has gone does.
#[test]
fn only_a_syslog_daemon_that_was_there_is_missed() {
    let folder = folder("gone");
    let path = folder.join("log");
    let mut sink = SyslogSink::new(Facility::DAEMON).at(&path);
    let mut line = Line {
        at: SystemTime::UNIX_EPOCH,
        level: Level::Info,
        tag: "t".into(),
        text: String::new(),
    };
    assert!(sink.write(&line).is_ok());
    let server = UnixDatagram::bind(&path).unwrap();
    line.at += Duration::from_secs(1);
    assert!(sink.write(&line).is_ok());
    drop(server);
    assert!(sink.write(&line).is_err());
    fs::remove_dir_all(folder).unwrap();
}
