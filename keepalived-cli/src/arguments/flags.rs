//! Keepalived's flags: one table that the normaliser, the usage text and the tests read.

/// What may follow a flag.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// Nothing.
    None,
    /// A value, attached or as the next word.
    Required(&'static str),
    /// A value, attached only; the second word is taken when it is missing.
    Optional(&'static str, &'static str),
}

/// What becomes of a flag.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has an effect, under this name in [`Options`](super::Options).
    To(&'static str),
    /// Print the version and end.
    Version,
    /// Print the usage and end.
    Help,
    /// Print the number of a signal and end.
    Signum,
    /// All that follows is for the hash generator.
    Genhash,
    /// Known, and refused for this reason.
    Refused(&'static str),
}

/// One flag with its two spellings.
#[derive(Copy, Clone, Debug)]
pub(super) struct Flag {
    pub(super) short: Option<char>,
    pub(super) long: &'static str,
    pub(super) argument: Argument,
    pub(super) fate: Fate,
    pub(super) help: &'static str,
}

const fn flag(
    short: char,
    long: &'static str,
    argument: Argument,
    fate: Fate,
    help: &'static str,
) -> Flag {
    Flag {
        short: Some(short),
        long,
        argument,
        fate,
        help,
    }
}

const fn long_only(long: &'static str, argument: Argument, fate: Fate, help: &'static str) -> Flag {
    Flag {
        short: None,
        long,
        argument,
        fate,
        help,
    }
}

use Argument::{None as Nothing, Optional, Required};
use Fate::{Genhash, Help, Refused, Signum, To, Version};

const NO_DEBUG: &str = "this build has no debug output of that kind";

/// CLI-01 to CLI-26, in the order of the usage text.
pub(super) const FLAGS: &[Flag] = &[
    flag(
        'f',
        "use-file",
        Required("FILE"),
        To("use-file"),
        "read this configuration file (/etc/keepalived/keepalived.conf)",
    ),
    flag(
        'n',
        "dont-fork",
        Nothing,
        To("dont-fork"),
        "stay in the foreground",
    ),
    flag(
        'l',
        "log-console",
        Nothing,
        To("log-console"),
        "write log lines to standard error too",
    ),
    flag(
        'D',
        "log-detail",
        Nothing,
        To("log-detail"),
        "more log lines; twice for still more",
    ),
    flag(
        'd',
        "dump-conf",
        Nothing,
        To("dump-conf"),
        "write the configuration to the log at start",
    ),
    flag(
        't',
        "config-test",
        Optional("LOGFILE", "-"),
        To("config-test"),
        "check the configuration, report, and exit",
    ),
    flag('P', "vrrp", Nothing, To("vrrp"), "run VRRP only"),
    flag(
        'C',
        "check",
        Nothing,
        To("check"),
        "run health checks only: no VRRP",
    ),
    flag('B', "no_bfd", Nothing, To("no-bfd"), "do not run BFD"),
    long_only(
        "all",
        Nothing,
        To("all"),
        "run even if nothing is configured",
    ),
    flag(
        'p',
        "pid",
        Required("FILE"),
        To("pid"),
        "pid file of the daemon",
    ),
    flag(
        'r',
        "vrrp_pid",
        Required("FILE"),
        To("vrrp-pid"),
        "second pid file, for VRRP",
    ),
    flag(
        'c',
        "checkers_pid",
        Required("FILE"),
        To("checkers-pid"),
        "pid file of the checkers",
    ),
    flag(
        'b',
        "bfd_pid",
        Required("FILE"),
        To("bfd-pid"),
        "pid file of BFD",
    ),
    flag(
        'S',
        "log-facility",
        Required("0..7|local0..7|user|daemon"),
        To("log-facility"),
        "syslog facility (daemon)",
    ),
    flag(
        'G',
        "no-syslog",
        Nothing,
        To("no-syslog"),
        "do not write to syslog",
    ),
    flag(
        'g',
        "log-file",
        Optional("FILE", "/tmp/keepalived.log"),
        To("log-file"),
        "write log lines to this file too",
    ),
    long_only(
        "flush-log-file",
        Nothing,
        To("flush-log-file"),
        "write each line out at once",
    ),
    flag(
        'V',
        "dont-release-vrrp",
        Nothing,
        To("dont-release-vrrp"),
        "leave the addresses in place at exit",
    ),
    flag(
        'I',
        "dont-release-ipvs",
        Nothing,
        To("dont-release-ipvs"),
        "leave the IPVS services in place at exit",
    ),
    flag(
        'X',
        "release-vips",
        Nothing,
        Refused("addresses this program did not set are never removed"),
        "remove addresses found in place too",
    ),
    flag(
        'R',
        "dont-respawn",
        Nothing,
        To("dont-respawn"),
        "exit when a part fails",
    ),
    flag(
        's',
        "namespace",
        Required("NAME"),
        To("namespace"),
        "run in this network namespace",
    ),
    flag(
        'i',
        "config-id",
        Required("NAME"),
        To("config-id"),
        "what lines that begin with @NAME are compared with (short host name)",
    ),
    long_only(
        "signum",
        Required("NAME"),
        Signum,
        "print the number of STOP, RELOAD, DATA, STATS, STATS_CLEAR or JSON",
    ),
    flag(
        'x',
        "snmp",
        Nothing,
        To("snmp"),
        "refused: there is no SNMP agent; the rest runs",
    ),
    flag(
        'A',
        "snmp-agent-socket",
        Required("SOCKET"),
        To("snmp-agent-socket"),
        "refused likewise",
    ),
    flag(
        'u',
        "umask",
        Required("MASK"),
        To("umask"),
        "creation mask of files, as a number: 0x12, 022, 18 (0177)",
    ),
    flag(
        'e',
        "all-config",
        Nothing,
        To("all-config"),
        "a missing include file is an error",
    ),
    flag(
        'T',
        "genhash",
        Nothing,
        Genhash,
        "be the hash generator (first option; -T -h for its own)",
    ),
    flag(
        'a',
        "address-monitoring",
        Nothing,
        To("address-monitoring"),
        "log every address that comes or goes",
    ),
    flag(
        'm',
        "core-dump",
        Nothing,
        To("core-dump"),
        "permit core files",
    ),
    flag(
        'M',
        "core-dump-pattern",
        Optional("PATTERN", "core"),
        Refused("it changes /proc/sys/kernel/core_pattern for the whole machine; set it yourself"),
        "name of core files",
    ),
    long_only(
        "no-mem-check",
        Nothing,
        Refused(NO_DEBUG),
        "memory debugging",
    ),
    flag(
        'L',
        "mem-check-log",
        Nothing,
        Refused(NO_DEBUG),
        "memory debugging",
    ),
    long_only(
        "debug",
        Optional("LETTERS", ""),
        Refused(NO_DEBUG),
        "debug output",
    ),
    long_only("perf", Optional("WHEN", ""), Refused(NO_DEBUG), "profiling"),
    long_only(
        "config-fd",
        Required("NUMBER"),
        Refused("it is internal to keepalived"),
        "internal",
    ),
    long_only(
        "ignore-sigint",
        Nothing,
        Refused(NO_DEBUG),
        "go on after Ctrl-C",
    ),
    flag(
        'v',
        "version",
        Nothing,
        Version,
        "print the version and exit",
    ),
    flag('h', "help", Nothing, Help, "print this and exit"),
    // Ours, not Keepalived's.
    long_only(
        "socket",
        Required("PATH"),
        To("socket"),
        "control socket (/run/keepalived-rs.sock; next to the pid file if -p is given)",
    ),
    long_only(
        "record",
        Required("FILE[:SIZE]"),
        To("record"),
        "record what the elections hear and do (16M)",
    ),
    long_only(
        "without-secrets",
        Nothing,
        To("without-secrets"),
        "leave passwords and keys out of the recording",
    ),
    long_only("no-socket", Nothing, To("no-socket"), "no control socket"),
    long_only("in-background", Nothing, To("in-background"), "internal"),
    long_only(
        "die-with-parent",
        Nothing,
        To("die-with-parent"),
        "internal",
    ),
];
