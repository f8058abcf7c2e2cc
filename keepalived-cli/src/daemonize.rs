//! Going to the background without `fork`.
//!
//! A forked copy of a process is only safe to run on as long as it does next to nothing, which the
//! language cannot check. Instead the program starts itself once more, in a session of its own, and
//! waits until that second process says how its start went. Unlike keepalived, which returns before
//! it has looked at anything, `keepalived-rs` in the background thus fails with the exit code and
//! the message of what went wrong, and its pid file exists when the command returns.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use rustix::io::dup;
use rustix::stdio::{dup2_stderr, dup2_stdout, stdout};

/// The flag that tells the second process what it is.
const FLAG: &str = "--in-background";

/// In the first process: start the second, wait for its word, and return the exit code. CLI-02.
pub(crate) fn start(arguments: impl IntoIterator<Item = OsString>) -> io::Result<ExitCode> {
    let mut child = Command::new(own_program()?)
        .arg(FLAG)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut word = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.by_ref().take(1).read_to_end(&mut word)?;
    }
    match word.first() {
        // It runs; its end is nobody's business here, and process 1 will collect it.
        Some(_) => Ok(ExitCode::SUCCESS),
        // It ended before it was ready.
        None => Ok(exit_code(child.wait()?.code())),
    }
}

/// In the second process, first of all: leave the session of whoever started us. The folder stays:
/// relative paths on the command line and in the configuration go on meaning the same.
pub(crate) fn enter() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

/// In the second process, once it is ready: let the first one go, and let go of its terminal.
pub(crate) fn ready() -> io::Result<()> {
    // A duplicate that ends here: the pipe must not stay open in descriptor 1 until it is replaced,
    // and the word must be written before that.
    let mut pipe = File::from(dup(stdout())?);
    pipe.write_all(b"\n")?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

/// This very program, whatever happened to its file.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// This very program, even if its file has been replaced by an upgrade. The name matters to tools
/// that look for processes by name, so the link itself is used only as a last resort.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(if program.exists() {
        program
    } else {
        THIS_PROGRAM.into()
    })
}

fn exit_code(code: Option<i32>) -> ExitCode {
    // Ended by a signal: an internal error in sysexits' words, as keepalived has it.
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(70))
}
