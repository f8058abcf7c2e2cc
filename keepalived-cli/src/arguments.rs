//! The command line: keepalived's flags, and our subcommands.

mod flags;
mod normalise;
mod recording;
mod simulate;
mod usage;

use std::path::PathBuf;

use argh::FromArgs;

pub(crate) use recording::{RecordCommand, RecordTo, RecordVerb, Replay};
pub(crate) use simulate::Simulate;
pub(crate) use usage::usage;

use normalise::{Normal, normalise};

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Invocation {
    /// Run the daemon, or test its configuration (`-t`).
    Daemon(Box<Options>),
    /// Show what a running daemon does.
    Status(Status),
    /// Look for mistakes in configuration files.
    Check(Check),
    /// Say what a keyword means.
    Explain(Explain),
    /// Begin or end a recording of a running daemon.
    Record(RecordCommand),
    /// Run a recording through the machines again.
    Replay(Replay),
    /// Show a failover.
    Demo(Demo),
    /// Say what the nodes of a cluster will do.
    Simulate(Box<Simulate>),
    /// Be the hash generator, with these words (`genhash`, `-T`).
    Genhash(Vec<String>),
    /// Print the number of a signal (`--signum`); the name is not checked yet.
    Signum(String),
    /// Print the version on standard error (`-v`).
    Version,
    /// Print this text on standard error and exit with 0.
    Help(String),
}

/// Exit code of a subcommand that was asked for what it does not do: `EX_USAGE` of `sysexits.h`.
pub(crate) const USAGE: u8 = 64;

/// Whether these words are for one of ours, and not for the daemon or `genhash`, which end as keepalived's do.
pub(crate) fn is_subcommand(words: &[String]) -> bool {
    words.first().is_some_and(|word| of_ours(word).is_some())
}

/// Reads the words behind its name, for a program of the name that comes first.
type Reader = fn(&str, &str, &[String]) -> Result<Invocation, Refusal>;

/// Ours.
const SUBCOMMANDS: [(&str, Reader); 7] = [
    ("status", |program, name, rest| {
        subcommand(program, name, rest, Invocation::Status)
    }),
    ("check", |program, name, rest| {
        // argh takes a lone dash for an option.
        let word = |word: &String| match word.as_str() {
            "-" => STDIN.to_owned(),
            other => other.to_owned(),
        };
        let rest: Vec<String> = rest.iter().map(word).collect();
        subcommand(program, name, &rest, Invocation::Check)
    }),
    ("record", |program, name, rest| {
        subcommand(program, name, rest, Invocation::Record)
    }),
    ("replay", |program, name, rest| {
        subcommand(program, name, rest, Invocation::Replay)
    }),
    ("explain", |program, name, rest| {
        subcommand(program, name, rest, Invocation::Explain)
    }),
    ("demo", |program, name, rest| {
        subcommand(program, name, rest, Invocation::Demo)
    }),
    ("simulate", |program, name, rest| {
        let rest = simulate::joined(&simulate::with_stdin(rest))?;
        subcommand(program, name, &rest, |options| {
            Invocation::Simulate(Box::new(options))
        })
    }),
];

fn of_ours(word: &str) -> Option<Reader> {
    let mut all = SUBCOMMANDS.into_iter();
    all.find_map(|(name, read)| (name == word).then_some(read))
}

/// A command line that asks for nothing we do. Exit code 1, or [`USAGE`] of a subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// One line for standard error.
    pub(crate) message: String,
    /// The usage text should follow.
    pub(crate) show_usage: bool,
}

/// Keepalived's flags, after the normaliser: every field is a flag with an effect.
#[derive(Clone, Debug, PartialEq, FromArgs)]
pub(crate) struct Options {
    /// configuration file (`-f`)
    #[argh(option, default = "default_file()")]
    pub(crate) use_file: PathBuf,
    /// stay in the foreground (`-n`)
    #[argh(switch)]
    pub(crate) dont_fork: bool,
    /// log lines to standard error too (`-l`)
    #[argh(switch)]
    pub(crate) log_console: bool,
    /// how often `-D` was given
    #[argh(switch)]
    pub(crate) log_detail: u8,
    /// the parsed configuration goes to the log at start (`-d`)
    #[argh(switch)]
    pub(crate) dump_conf: bool,
    /// check the configuration and exit (`-t`); `-` means to standard error, anything else is a
    /// file to write to
    #[argh(option)]
    pub(crate) config_test: Option<String>,
    /// VRRP only (`-P`), unless `-C` is given too: no services and no checks
    #[argh(switch)]
    pub(crate) vrrp: bool,
    /// health checks only (`-C`), unless `-P` is given too: no VRRP
    #[argh(switch)]
    pub(crate) check: bool,
    /// SNMP is wanted (`-x`): said to be refused, and the rest runs
    #[argh(switch)]
    pub(crate) snmp: bool,
    /// where the SNMP agent is (`-A`), likewise
    #[argh(option)]
    pub(crate) snmp_agent_socket: Option<String>,
    /// no BFD (`-B`): no session runs, and those that are tracked are down
    #[argh(switch)]
    pub(crate) no_bfd: bool,
    /// run without any instance too, to be given some by a reload (`--all`)
    #[argh(switch)]
    pub(crate) all: bool,
    /// pid file of the daemon (`-p`)
    #[argh(option)]
    pub(crate) pid: Option<PathBuf>,
    /// second pid file with the same content (`-r`), for programs that look for the VRRP process
    #[argh(option)]
    pub(crate) vrrp_pid: Option<PathBuf>,
    /// accepted (`-c`); written by no process of ours, as it is not by keepalived without checkers
    #[argh(option)]
    pub(crate) checkers_pid: Option<PathBuf>,
    /// accepted (`-b`), likewise
    #[argh(option)]
    pub(crate) bfd_pid: Option<PathBuf>,
    /// syslog facility (`-S`)
    #[argh(option, default = "Facility::DAEMON")]
    pub(crate) log_facility: Facility,
    /// no syslog (`-G`)
    #[argh(switch)]
    pub(crate) no_syslog: bool,
    /// log file (`-g`)
    #[argh(option)]
    pub(crate) log_file: Option<PathBuf>,
    /// write every line of the log file out at once
    #[argh(switch)]
    pub(crate) flush_log_file: bool,
    /// leave the addresses in place at exit (`-V`)
    #[argh(switch)]
    pub(crate) dont_release_vrrp: bool,
    /// leave IPVS in place at exit (`-I`): it is never touched yet
    #[argh(switch)]
    pub(crate) dont_release_ipvs: bool,
    /// end when a part fails, do not start it again (`-R`)
    #[argh(switch)]
    pub(crate) dont_respawn: bool,
    /// network namespace to run in (`-s`); overrides the configuration
    #[argh(option)]
    pub(crate) namespace: Option<String>,
    /// what `@id` lines are compared with (`-i`)
    #[argh(option)]
    pub(crate) config_id: Option<String>,
    /// creation mask of files (`-u`)
    #[argh(option)]
    pub(crate) umask: Option<Umask>,
    /// a missing include file is an error (`-e`)
    #[argh(switch)]
    pub(crate) all_config: bool,
    /// log every address that comes or goes (`-a`)
    #[argh(switch)]
    pub(crate) address_monitoring: bool,
    /// permit core files (`-m`)
    #[argh(switch)]
    pub(crate) core_dump: bool,
    /// control socket
    #[argh(option)]
    pub(crate) socket: Option<PathBuf>,
    /// no control socket
    #[argh(switch)]
    pub(crate) no_socket: bool,
    /// record what the elections hear and do, from the start on (`--record`)
    #[argh(option)]
    pub(crate) record: Option<RecordTo>,
    /// leave passwords and keys out of that (`--without-secrets`)
    #[argh(switch)]
    pub(crate) without_secrets: bool,
    /// this process was started by another one that waits for it to be ready
    #[argh(switch)]
    pub(crate) in_background: bool,
    /// be killed when the thread that started this process ends
    #[argh(switch)]
    pub(crate) die_with_parent: bool,
}

impl Options {
    /// Where clients find this daemon: as told; next to the pid file, so that two daemons told
    /// apart by their pid files do not meet; or the one everybody knows.
    pub(crate) fn socket_path(&self) -> Option<PathBuf> {
        if self.no_socket {
            return None;
        }
        let beside_pid_file = || self.pid.as_ref().map(|pid| pid.with_extension("sock"));
        let chosen = self.socket.clone().or_else(beside_pid_file);
        Some(chosen.unwrap_or_else(|| DEFAULT_SOCKET.into()))
    }
}

/// The file that `check -` reads.
pub(crate) const STDIN: &str = "/dev/stdin";

/// Where `status` looks for the daemon.
pub(crate) const DEFAULT_SOCKET: &str = "/run/keepalived-rs.sock";

fn default_file() -> PathBuf {
    "/etc/keepalived/keepalived.conf".into()
}

/// A syslog facility code, already shifted into place. RFC 3164 4.1.1.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facility(pub(crate) u8);

impl Facility {
    const USER: Self = Self(1 << 3);
    /// The default.
    pub(crate) const DAEMON: Self = Self(3 << 3);
    const LOCAL0: u8 = 16;
}

impl argh::FromArgValue for Facility {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "user" => return Ok(Self::USER),
            "daemon" => return Ok(Self::DAEMON),
            _ => {}
        }
        let digit = value.strip_prefix("local").unwrap_or(value);
        match digit.parse::<u8>() {
            Ok(number @ 0..=7) if digit.len() == 1 => Ok(Self((Self::LOCAL0 + number) << 3)),
            _ => Err(format!("Invalid log facility '{value}'")),
        }
    }
}

/// A file creation mask.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Umask(pub(crate) u32);

impl argh::FromArgValue for Umask {
    /// Decimal, octal with a leading 0, hexadecimal with a leading 0x: as keepalived reads it.
    fn from_arg_value(value: &str) -> Result<Self, String> {
        let number = if let Some(digits) = value.strip_prefix("0x") {
            u32::from_str_radix(digits, 16)
        } else if value.starts_with('0') {
            u32::from_str_radix(value, 8)
        } else {
            value.parse()
        };
        match number {
            Ok(mask) if mask <= 0o777 => Ok(Self(mask)),
            _ => Err(format!("Invalid --umask option {value}")),
        }
    }
}

/// Show what a running daemon does.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "status")]
pub(crate) struct Status {
    /// everything, as one JSON document
    #[argh(switch)]
    pub(crate) json: bool,
    /// control socket of the daemon (/run/keepalived-rs.sock)
    #[argh(option, default = "DEFAULT_SOCKET.into()")]
    pub(crate) socket: PathBuf,
}

/// Look for mistakes in configuration files, and, where there are several, for what does not fit
/// together between the nodes they are of. Exit code 0: no error; 1: warnings, under --strict; 2:
/// errors; 64: the command line cannot be used. `explain CODE` says what a finding means.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "check")]
pub(crate) struct Check {
    /// warnings count as errors, known keywords without effect too
    #[argh(switch)]
    pub(crate) strict: bool,
    /// configuration id for lines that begin with @ (the short name of this host; of several files the
    /// name of each)
    #[argh(option)]
    pub(crate) config_id: Option<String>,
    /// name of a node, in the order of the files: its configuration id, and how it is called
    #[argh(option)]
    pub(crate) name: Vec<String>,
    /// everything as one JSON array: an object for each file, and one for all together
    #[argh(switch)]
    pub(crate) json: bool,
    /// the files have nothing to do with each other
    #[argh(switch)]
    pub(crate) each: bool,
    /// the file is of another machine: do not look for its programs and certificates on this one (of
    /// several files nobody looks for any)
    #[argh(switch)]
    pub(crate) elsewhere: bool,
    /// files to read, the whole configuration of a node each; - for standard input
    #[argh(positional)]
    pub(crate) files: Vec<PathBuf>,
}

/// Say what a word of the configuration means, a finding of `check`, or a rule of `simulate`.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "explain")]
pub(crate) struct Explain {
    /// the word, with or without its block (`echo`, `bfd_instance.echo`), or the code of a finding
    /// (`vrid-differs`) or rule (`two-masters`)
    #[argh(positional)]
    pub(crate) keyword: String,
}

/// Watch a failover on this machine: two routers, one client, one address. Needs no root.
#[derive(Clone, Debug, PartialEq, Eq, FromArgs)]
#[argh(subcommand, name = "demo")]
pub(crate) struct Demo {
    /// in the simulator, even if this machine allows network namespaces
    #[argh(switch)]
    pub(crate) simulate: bool,
    /// no pauses for reading
    #[argh(switch)]
    pub(crate) fast: bool,
}

/// Read the words after the program's name.
pub(crate) fn parse(program: &str, arguments: &[String]) -> Result<Invocation, Refusal> {
    if let Some((first, rest)) = arguments.split_first() {
        if let Some(read) = of_ours(first) {
            return read(program, first, rest);
        }
        match first.as_str() {
            "genhash" => return Ok(Invocation::Genhash(rest.to_vec())),
            "help" => return Ok(Invocation::Help(usage(program))),
            "version" => return Ok(Invocation::Version),
            _ => {}
        }
    }
    match normalise(arguments)? {
        Normal::Version => Ok(Invocation::Version),
        Normal::Help => Ok(Invocation::Help(usage(program))),
        Normal::Genhash(words) => Ok(Invocation::Genhash(words)),
        Normal::Signum(name) => Ok(Invocation::Signum(name)),
        Normal::Words(words) => from_args(&[program], &words, |options| {
            Invocation::Daemon(Box::new(options))
        }),
    }
}

fn subcommand<T: FromArgs>(
    program: &str,
    name: &str,
    rest: &[String],
    wrap: impl FnOnce(T) -> Invocation,
) -> Result<Invocation, Refusal> {
    from_args(&[program, name], rest, wrap)
}

fn from_args<T: FromArgs>(
    names: &[&str],
    words: &[String],
    wrap: impl FnOnce(T) -> Invocation,
) -> Result<Invocation, Refusal> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match T::from_args(names, &words) {
        Ok(parsed) => Ok(wrap(parsed)),
        Err(argh::EarlyExit {
            output,
            status: Ok(()),
        }) => Ok(Invocation::Help(output)),
        Err(argh::EarlyExit {
            output,
            status: Err(()),
        }) => {
            // argh names the flag and then gives our own message on a line of its own.
            let message = output.trim().replace('\n', " ");
            Err(Refusal {
                message,
                show_usage: false,
            })
        }
    }
}

#[cfg(test)]
mod tests;
