//! Round trips over real sockets.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::AtomicU32;

use super::*;

struct Scene {
    directory: PathBuf,
}

impl Scene {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("keepalived-control-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.join("socket")
    }

    fn settings(&self) -> ControlSettings {
        ControlSettings::new(self.path())
    }

    fn start(&self) -> Control {
        start(self.settings()).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn start(settings: ControlSettings) -> Result<Control, ControlError> {
    Control::start(settings, |request, peer| {
        format!("{request}\nfrom {}", peer.uid)
    })
}

fn connect(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn line(stream: &UnixStream) -> String {
    let mut text = String::new();
    BufReader::new(stream).read_line(&mut text).unwrap();
    text
}

/// One request line, one answer line, as often as one likes; the last needs no line feed.
#[test]
fn requests_are_answered_line_by_line() {
    let scene = Scene::new();
    let control = scene.start();
    let uid = rustix::process::getuid().as_raw();
    let mut stream = connect(&scene.path());
    for word in ["status", r#"{"command":"status"}"#] {
        // In two pieces: lines are made of octets, not of packets.
        stream.write_all(word.as_bytes()).unwrap();
        stream.write_all(b"\n").unwrap();
        assert_eq!(line(&stream), format!("{word} from {uid}\n"));
    }
    stream.write_all(b"version").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(line(&stream), format!("version from {uid}\n"));
    assert_eq!(line(&stream), "");
    drop(control);
    assert!(!scene.path().exists());
}

/// An answer larger than any socket buffer arrives whole, and a client that does not read it holds
/// up nobody else.
#[test]
fn a_client_that_does_not_read_its_answer_holds_up_nobody() {
    let scene = Scene::new();
    let control = Control::start(scene.settings(), |request, _| request.repeat(1_000_000)).unwrap();
    let mut lazy = connect(&scene.path());
    lazy.write_all(b"abc\nabc\nabc\n").unwrap();
    let mut quick = connect(&scene.path());
    quick.write_all(b"x\n").unwrap();
    assert_eq!(line(&quick).len(), 1_000_001);
    let mut reader = BufReader::new(&lazy);
    for _ in 0..3 {
        let mut text = String::new();
        reader.read_line(&mut text).unwrap();
        assert_eq!(text.len(), 3_000_001);
    }
    drop(control);
}

/// However many requests a client sends ahead, only one answer is made before it takes it.
#[test]
fn requests_sent_ahead_wait_until_the_answers_are_taken() {
    let scene = Scene::new();
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let control = Control::start(scene.settings(), move |request, _| {
        count.fetch_add(1, Ordering::Relaxed);
        request.repeat(1_000_000)
    })
    .unwrap();
    let mut lazy = connect(&scene.path());
    lazy.write_all(b"abcd\nabcd\nabcd\n").unwrap();
    let mut quick = connect(&scene.path());
    quick.write_all(b"x\n").unwrap();
    assert_eq!(line(&quick).len(), 1_000_001);
    assert_eq!(made.load(Ordering::Relaxed), 2);
    drop(control);
}

/// Bounded sizes, bounded clients.
#[test]
fn limits_are_kept() {
    let scene = Scene::new();
    let settings = ControlSettings {
        clients: 2,
        request_limit: 100,
        ..scene.settings()
    };
    let control = start(settings).unwrap();
    let mut greedy = connect(&scene.path());
    greedy.write_all(&[b'x'; 200]).unwrap();
    assert_eq!(
        line(&greedy),
        "{\"error\":\"request longer than 100 octets\"}\n"
    );
    let _first = connect(&scene.path());
    let mut second = connect(&scene.path());
    second.write_all(b"a\n").unwrap();
    assert!(line(&second).starts_with("a from"));
    let third = connect(&scene.path());
    assert_eq!(line(&third), "{\"error\":\"too many clients\"}\n");
    second.write_all(b"\xff\n").unwrap();
    assert_eq!(line(&second), "{\"error\":\"request is not UTF-8\"}\n");
    drop(control);
}

/// Bounded patience: the connection of a client that is silent ends without a word, and there is room for
/// another one.
#[test]
fn a_client_that_says_nothing_is_dropped() {
    let scene = Scene::new();
    let settings = ControlSettings {
        clients: 1,
        idle: Duration::from_millis(50),
        ..scene.settings()
    };
    let control = start(settings).unwrap();
    for _ in 0..2 {
        assert_eq!(line(&connect(&scene.path())), "");
    }
    drop(control);
}

/// The mode is right from the first moment anybody can connect.
#[test]
fn the_socket_is_closed_to_others() {
    let scene = Scene::new();
    let control = scene.start();
    assert_eq!(fs::metadata(scene.path()).unwrap().mode() & 0o7777, 0o600);
    drop(control);
    let gid = rustix::process::getgid().as_raw();
    let control = start(ControlSettings {
        group: Some(gid),
        ..scene.settings()
    })
    .unwrap();
    assert_eq!(fs::metadata(scene.path()).unwrap().mode() & 0o7777, 0o660);
    drop(control);
}

/// LESSONS A12: what a killed daemon left behind is replaced; a living one is not disturbed.
#[test]
fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let scene = Scene::new();
    drop(UnixListener::bind(scene.path()).unwrap());
    // A program that another test starts may have it open too, until it begins.
    while UnixStream::connect(scene.path()).is_ok() {
        thread::yield_now();
    }
    assert!(scene.path().exists());
    let control = scene.start();
    assert!(matches!(
        start(scene.settings()),
        Err(ControlError::InUse(_))
    ));
    let mut stream = connect(&scene.path());
    stream.write_all(b"still here\n").unwrap();
    assert!(line(&stream).starts_with("still here"));
    drop(control);
}

/// LESSONS C1: nothing but a socket is ever removed, and links are not followed.
#[test]
fn files_links_and_open_directories_are_refused() {
    let scene = Scene::new();
    let victim = scene.directory.join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::write(scene.path(), "").unwrap();
    assert!(matches!(
        start(scene.settings()),
        Err(ControlError::NotASocket(_))
    ));
    fs::remove_file(scene.path()).unwrap();
    symlink(&victim, scene.path()).unwrap();
    assert!(matches!(
        start(scene.settings()),
        Err(ControlError::NotASocket(_))
    ));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(scene.path()).unwrap();
    fs::set_permissions(&scene.directory, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(
        start(scene.settings()),
        Err(ControlError::UnsafeDirectory(_))
    ));
    fs::set_permissions(&scene.directory, fs::Permissions::from_mode(0o1777)).unwrap();
    start(scene.settings()).unwrap();
    let nowhere = ControlSettings::new("/nonexistent/directory/socket");
    assert!(matches!(start(nowhere), Err(ControlError::Io { .. })));
    assert!(matches!(
        start(ControlSettings::new("/tmp/..")),
        Err(ControlError::BadPath(_))
    ));
}

/// A successor's socket under the same name survives our end.
#[test]
fn at_the_end_only_our_own_file_is_removed() {
    let scene = Scene::new();
    let control = scene.start();
    fs::remove_file(scene.path()).unwrap();
    let _successor = UnixListener::bind(scene.path()).unwrap();
    drop(control);
    assert!(scene.path().exists());
}
