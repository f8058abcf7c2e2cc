//! Telling the service manager how far we are: `sd_notify(3)`, for units of `Type=notify` and
//! `Type=notify-reload`.
//!
//! One datagram to the socket that `$NOTIFY_SOCKET` names. Without one nothing happens, and nothing
//! ever waits: a manager that does not read must not hold up the daemon.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::time::{ClockId, clock_gettime};

/// Everything runs.
pub(crate) fn ready() {
    notify(&Message::Ready);
}

/// The configuration is being read anew; [`ready`] ends it, also if the new one was refused.
pub(crate) fn reloading() {
    notify(&Message::Reloading);
}

/// The daemon is about to end.
pub(crate) fn stopping() {
    notify(&Message::Stopping);
}

/// One line for `systemctl status`; [`ready`] replaces it.
pub(crate) fn status(text: &str) {
    notify(&Message::Status(text));
}

enum Message<'a> {
    Ready,
    Reloading,
    Stopping,
    Status(&'a str),
}

impl Message<'_> {
    fn text(&self) -> String {
        match self {
            Self::Ready => format!("READY=1\nMAINPID={}\nSTATUS=Running", std::process::id()),
            Self::Reloading => {
                let usec = monotonic_usec();
                format!("RELOADING=1\nMONOTONIC_USEC={usec}\nSTATUS=Reloading")
            }
            Self::Stopping => "STOPPING=1\nSTATUS=Stopping".to_owned(),
            // A line break would begin another assignment.
            Self::Status(text) => format!("STATUS={}", text.replace('\n', " ")),
        }
    }
}

/// The clock the manager compares with. The daemon's own goes on while the machine sleeps.
fn monotonic_usec() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec
        .saturating_mul(1_000_000)
        .saturating_add(time.tv_nsec / 1000)
}

fn notify(message: &Message<'_>) {
    if let Some(name) = std::env::var_os("NOTIFY_SOCKET") {
        // The manager may be gone or its socket full. Neither is a reason not to route.
        let _ = send(&name, &message.text());
    }
}

/// `name` is a path, or begins with `@` for a socket without a file.
fn send(name: &OsStr, message: &str) -> io::Result<()> {
    let address = match name.as_bytes() {
        [b'@', hidden @ ..] => SocketAddr::from_abstract_name(hidden)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn received(socket: &UnixDatagram) -> String {
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut room = [0; 512];
        let length = socket.recv(&mut room).unwrap();
        String::from_utf8(room[..length].to_vec()).unwrap()
    }

    /// sd_notify(3): one datagram with all assignments, to a socket with a path.
    #[test]
    fn the_manager_hears_when_everything_runs() {
        let path = std::env::temp_dir().join(format!("notify-{}.sock", std::process::id()));
        let manager = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str(), &Message::Ready.text()).unwrap();
        let heard = received(&manager);
        std::fs::remove_file(&path).unwrap();
        let main = format!("MAINPID={}", std::process::id());
        let lines: Vec<_> = heard.lines().collect();
        assert_eq!(lines, ["READY=1", &main, "STATUS=Running"]);
    }

    /// sd_notify(3): `@` begins the name of an abstract socket.
    #[test]
    fn an_abstract_socket_is_reached_too() {
        let name = format!("keepalived-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        send(OsStr::new(&format!("@{name}")), &Message::Stopping.text()).unwrap();
        assert!(received(&manager).starts_with("STOPPING=1\n"));
        // RELOADING=1 counts only with a time that is not before the manager's.
        let before = monotonic_usec();
        send(OsStr::new(&format!("@{name}")), &Message::Reloading.text()).unwrap();
        let heard = received(&manager);
        let usec = heard
            .lines()
            .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        assert!(usec.unwrap().parse::<i64>().unwrap() >= before, "{heard}");
        assert!(heard.starts_with("RELOADING=1\n"), "{heard}");
    }

    /// A manager that does not read must not hold up the daemon.
    #[test]
    fn a_full_socket_is_no_reason_to_wait() {
        let name = format!("keepalived-full-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let _manager = UnixDatagram::bind_addr(&address).unwrap();
        let name = format!("@{name}");
        let refused = (0..100_000).find_map(|_| send(OsStr::new(&name), "STATUS=x").err());
        assert_eq!(refused.unwrap().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(Message::Status("a\nREADY=1").text(), "STATUS=a READY=1");
    }
}
