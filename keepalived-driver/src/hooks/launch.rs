//! The launcher: what has to happen in a new process between its start and the script.
//!
//! Between fork and exec of a process with threads next to nothing is safe to do, and the language
//! cannot check it. So the program starts itself once more with [`FIRST_ARGUMENT`], and that process,
//! which has one thread and is nobody's copy, takes groups and user, asks to be told when the daemon
//! dies, and becomes the script. It costs one more exec, on the hooks thread, and none in the loops.
//!
//! Standard output is a pipe to the daemon for as long as the launcher lives: it says why a script
//! could not be started, and is closed by becoming the script.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use rustix::stdio::{dup2_stdout, stdout};

use super::HookCommand;

/// As the first argument of the program: be a launcher, call [`launch`] with the rest.
pub const FIRST_ARGUMENT: &str = "--launch-script";

/// The exit code of a launcher that could not become the script.
pub(super) const FAILED: i32 = 127;
/// Descriptors below are standard input, output and error.
const FIRST_FREE: i32 = 3;

/// The arguments for a launcher: who started it, the account, and the name of the program or nothing.
pub(super) fn arguments(command: &HookCommand) -> Vec<OsString> {
    let number = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let groups: Vec<String> = command.groups.iter().map(u32::to_string).collect();
    [
        FIRST_ARGUMENT.to_owned(),
        std::process::id().to_string(),
        number(command.uid),
        number(command.gid),
        groups.join(","),
    ]
    .map(OsString::from)
    .into_iter()
    .chain([command.name.clone().unwrap_or_default()])
    .collect()
}

/// In the new process: become the script. Returns only if that fails, with the exit code.
pub fn launch(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let Ok(mut complaints) = take_pipe() else {
        return FAILED.unsigned_abs().try_into().unwrap_or(u8::MAX);
    };
    let error = become_script(arguments);
    let code = error
        .raw_os_error()
        .unwrap_or_else(|| Errno::INVAL.raw_os_error());
    // The daemon may be gone; then nobody wants to know.
    let _ = complaints.write_all(&code.to_ne_bytes());
    FAILED.unsigned_abs().try_into().unwrap_or(u8::MAX)
}

/// Why the launcher that had this pipe did not become the script; `None` if it did.
pub(super) fn complaint(mut pipe: impl Read) -> Option<io::Error> {
    let mut code = [0; 4];
    pipe.read_exact(&mut code).ok()?;
    Some(io::Error::from_raw_os_error(i32::from_ne_bytes(code)))
}

/// The pipe, out of the way of the script and closed when it begins; `/dev/null` in its place.
fn take_pipe() -> io::Result<File> {
    let pipe: OwnedFd = fcntl_dupfd_cloexec(stdout(), FIRST_FREE)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdout(null.as_fd())?;
    Ok(pipe.into())
}

/// Asks to be ended with the daemon and becomes the script, CORE-04.
fn become_script(arguments: impl IntoIterator<Item = OsString>) -> io::Error {
    let mut arguments = arguments.into_iter();
    let mut word = || {
        let word = arguments.next().and_then(|word| word.into_string().ok());
        word.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    };
    let mut account = || -> io::Result<()> {
        let (parent, uid, gid, groups) = (word()?, word()?, word()?, word()?);
        let number = |text: &str| text.parse::<u32>().ok();
        let groups: Vec<Gid> = groups
            .split(',')
            .filter_map(number)
            .map(Gid::from_raw)
            .collect();
        let (uid, gid) = (number(&uid), number(&gid));
        if uid.is_some() || gid.is_some() || !groups.is_empty() {
            // Without a list: none. Those of the daemon are not for the script.
            setgroups(&groups)?;
        }
        if let Some(gid) = gid {
            setgid(Gid::from_raw(gid))?;
        }
        if let Some(uid) = uid {
            setuid(Uid::from_raw(uid))?;
        }
        // After the change of user, which would undo it.
        set_parent_process_death_signal(Some(Signal::TERM))?;
        let is_parent =
            |pid: rustix::process::Pid| Some(pid.as_raw_pid().unsigned_abs()) == number(&parent);
        if getppid().is_some_and(is_parent) {
            return Ok(());
        }
        // It died before it could be asked to tell.
        Err(Errno::SRCH.into())
    };
    if let Err(error) = account() {
        return error;
    }
    let (Some(name), Some(program)) = (arguments.next(), arguments.next()) else {
        return io::ErrorKind::InvalidInput.into();
    };
    let name = if name.is_empty() { &program } else { &name };
    let rest: Vec<OsString> = arguments.collect();
    let error = Command::new(&program).arg0(name).args(&rest).exec();
    if error.raw_os_error() != Some(Errno::NOEXEC.raw_os_error()) {
        return error;
    }
    // A text file without a `#!` line: the shell runs it, as keepalived does.
    Command::new("/bin/sh").arg(&program).args(&rest).exec()
}
