//! Recording and replay on the command line.

use std::path::PathBuf;

use argh::FromArgs;
use keepalived_driver::recording::{DEFAULT_SIZE, MAX_SIZE, MIN_SIZE, RecordSettings};

use super::DEFAULT_SOCKET;

/// `FILE[:SIZE]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordTo {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

impl RecordTo {
    pub(crate) fn settings(&self, without_secrets: bool) -> RecordSettings {
        // The daemon may go to another folder.
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let mut settings = RecordSettings::new(path);
        settings.size = self.size;
        settings.without_secrets = without_secrets;
        settings
    }
}

impl argh::FromArgValue for RecordTo {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        // A colon before a slash is one of a folder.
        let sized = value
            .rsplit_once(':')
            .filter(|(_, size)| !size.contains('/'));
        let (path, size) = match sized {
            Some((path, size)) => (path, Size::from_arg_value(size)?.0),
            None => (value, DEFAULT_SIZE),
        };
        if path.is_empty() {
            return Err(format!("no file in {value}"));
        }
        Ok(Self {
            path: path.into(),
            size,
        })
    }
}

/// Octets: a number, or one with `k`, `M` or `G` behind it, small or capital, for 1024 octets and so on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl argh::FromArgValue for Size {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        let units = [('k', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];
        let (digits, unit) = units
            .into_iter()
            .find_map(|(letter, unit): (char, u64)| {
                let same = |found: char| found.eq_ignore_ascii_case(&letter);
                Some((value.strip_suffix(same)?, unit))
            })
            .unwrap_or((value, 1));
        let size = digits.parse::<u64>().ok();
        size.and_then(|size| size.checked_mul(unit))
            .filter(|size| (MIN_SIZE..=MAX_SIZE).contains(size))
            .map(Self)
            .ok_or_else(|| {
                let range = format!("{}k to {}G", MIN_SIZE >> 10, MAX_SIZE >> 30);
                match value.starts_with(|c: char| c.is_ascii_digit()) {
                    true => format!("a recording has {range}, not {value}"),
                    false => format!(
                        "the size of a recording is {range}, as in FILE:64M, and {value} is none (behind a name with a \
                         colon there has to be one)"
                    ),
                }
            })
    }
}

/// Record what a running daemon hears and does, for replay.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "record")]
pub(crate) struct RecordCommand {
    #[argh(subcommand)]
    pub(crate) what: RecordVerb,
}

#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand)]
pub(crate) enum RecordVerb {
    Start(RecordStart),
    Stop(RecordStop),
    Status(RecordShow),
}

/// Begin, with everything that is known now. An earlier recording in the file is kept as FILE.1.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "start")]
pub(crate) struct RecordStart {
    /// leave passwords and keys out; the replay is the same
    #[argh(switch)]
    pub(crate) without_secrets: bool,
    /// control socket of the daemon (/run/keepalived-rs.sock)
    #[argh(option, default = "DEFAULT_SOCKET.into()")]
    pub(crate) socket: PathBuf,
    /// file, and how large it may be: FILE:SIZE, or FILE for 16M
    #[argh(positional)]
    pub(crate) to: RecordTo,
}

/// End the recording.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "stop")]
pub(crate) struct RecordStop {
    /// control socket of the daemon (/run/keepalived-rs.sock)
    #[argh(option, default = "DEFAULT_SOCKET.into()")]
    pub(crate) socket: PathBuf,
}

/// What has been recorded.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "status")]
pub(crate) struct RecordShow {
    /// as a JSON document
    #[argh(switch)]
    pub(crate) json: bool,
    /// control socket of the daemon (/run/keepalived-rs.sock)
    #[argh(option, default = "DEFAULT_SOCKET.into()")]
    pub(crate) socket: PathBuf,
}

/// Run a recording through the same machines and compare. Exit code 0: they did the same; 1: they
/// did not; 2: it cannot be read; 3: they did the same, but a part of it cannot be read; 4: a machine
/// failed; 64: the command line cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "replay")]
pub(crate) struct Replay {
    /// as a JSON document
    #[argh(switch)]
    pub(crate) json: bool,
    /// every call, not only what has changed something
    #[argh(switch)]
    pub(crate) all: bool,
    /// recording
    #[argh(positional)]
    pub(crate) file: PathBuf,
}

#[cfg(test)]
mod tests {
    use argh::FromArgValue;

    use super::*;

    #[test]
    fn a_size_is_behind_the_last_colon() {
        let read = |value| RecordTo::from_arg_value(value);
        let to = |path: &str, size| {
            Ok(RecordTo {
                path: path.into(),
                size,
            })
        };
        assert_eq!(read("/run/a"), to("/run/a", DEFAULT_SIZE));
        assert_eq!(read("/run/a:1M"), to("/run/a", 1 << 20));
        assert_eq!(read("/run/a:b:1M"), to("/run/a:b", 1 << 20));
        assert_eq!(read("/run/12:00/a"), to("/run/12:00/a", DEFAULT_SIZE));
        assert_eq!(read("a:128k"), to("a", 128 << 10));
        assert_eq!(read("a:128K"), to("a", 128 << 10));
        assert_eq!(read("a:1m"), to("a", 1 << 20));
        for wrong in ["a:1k", "a:2G", "a:1X", ":1M", "a:99999999999999999999G"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["a:foo", "a:", "/run/a:b", "a:-1M"] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains("is none (behind a name"), "{wrong}: {error}");
        }
    }
}
