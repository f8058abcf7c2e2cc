//! The program `nft`.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::clock::Clock;

/// How long `nft` may take.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
const PROGRAM: &str = "nft";
pub(super) const NO_PROGRAM: &str = "there is no program nft; install nftables";

/// Gives `nft` one transaction and waits for it, not for ever.
pub(super) fn run(script: &str) -> Result<(), String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => NO_PROGRAM.to_owned(),
        _ => format!("nft cannot be run: {error}"),
    };
    let mut child = Command::new(PROGRAM)
        .args(["-f", "-"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // If it has ended already its words say why.
        let _ = input.write_all(script.as_bytes());
    }
    let ended = wait(&mut child).map_err(failed)?;
    let mut words = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _ = errors.read_to_string(&mut words);
    }
    match ended {
        Some(true) => Ok(()),
        Some(false) => Err(format!("nft refuses the rules: {}", words.trim())),
        None => Err(format!("nft did not end within {LIMIT:?}")),
    }
}

/// Whether it succeeded; nothing if it had to be killed.
fn wait(child: &mut Child) -> io::Result<Option<bool>> {
    let start = Clock.now();
    let end = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let mut watched = [PollFd::new(&end, PollFlags::IN)];
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        let left = LIMIT.saturating_sub(Clock.now().saturating_duration_since(start));
        if left.is_zero() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        // Interrupted: the loop looks again.
        let _ = poll(&mut watched, Timespec::try_from(left).ok().as_ref());
    }
}
