//! Lines as programs that read logs expect them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;

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
    sink.write(&line);
    let text = receive(&server);
    let date = local_text(line.at, "%b %e %H:%M:%S");
    let pid = std::process::id();
    let expected = format!("<30>{date} Keepalived_vrrp_red[{pid}]: (VI_1) Entering MASTER STATE");
    assert_eq!(text, expected);
    // The syslog daemon restarts: not one line is lost.
    drop(server);
    fs::remove_file(&path).unwrap();
    let server = UnixDatagram::bind(&path).unwrap();
    sink.write(&line);
    assert_eq!(receive(&server), expected);
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

/// LESSONS A7, E8: a destination that hangs holds up neither the caller nor the others.
#[test]
fn a_destination_that_hangs_holds_up_nobody() {
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl Sink for Stuck {
        fn write(&mut self, _: &Line) {
            let _ = self.0.recv();
        }
    }
    let folder = folder("stuck");
    let path = folder.join("log");
    let mut log = Log::start(&settings(path.clone())).unwrap();
    let (_never, receiver) = std::sync::mpsc::channel();
    let stuck = Arc::new(Queue::default());
    let mut queues = log.queues.to_vec();
    queues.insert(0, Arc::clone(&stuck));
    log.queues = queues.into();
    let tag = Arc::clone(&log.tag);
    thread::spawn(move || serve(&stuck, Box::new(Stuck(receiver)), &tag));
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
