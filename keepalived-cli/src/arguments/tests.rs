//! Every flag in every spelling.

use super::flags::{Argument, FLAGS, Fate};
use super::*;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Result<Invocation, Refusal> {
    parse("keepalived-rs", &words(line))
}

fn daemon(line: &str) -> Options {
    match parsed(line) {
        Ok(Invocation::Daemon(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> Refusal {
    parsed(line).expect_err(line)
}

/// CLI-01 to CLI-26: whatever the table says has the same meaning in each spelling.
#[test]
fn every_flag_means_the_same_in_all_its_spellings() {
    for flag in FLAGS {
        let value = match flag.long {
            "log-facility" => "local3",
            "umask" => "022",
            _ => "value",
        };
        let mut spellings = vec![];
        let mut unambiguous = flag.long.len();
        while unambiguous > 1
            && FLAGS
                .iter()
                .filter(|f| f.long.starts_with(&flag.long[..unambiguous - 1]))
                .count()
                == 1
        {
            unambiguous -= 1;
        }
        let abbreviation = &flag.long[..unambiguous];
        match flag.argument {
            Argument::None => {
                spellings.push(format!("--{}", flag.long));
                spellings.push(format!("--{abbreviation}"));
                spellings.extend(flag.short.map(|short| format!("-{short}")));
            }
            Argument::Required(_) => {
                spellings.push(format!("--{} {value}", flag.long));
                spellings.push(format!("--{}={value}", flag.long));
                spellings.push(format!("--{abbreviation}={value}"));
                spellings.extend(flag.short.map(|short| format!("-{short} {value}")));
                spellings.extend(flag.short.map(|short| format!("-{short}{value}")));
            }
            Argument::Optional(..) => {
                spellings.push(format!("--{}={value}", flag.long));
                spellings.extend(flag.short.map(|short| format!("-{short}{value}")));
            }
        }
        let first = parsed(&spellings[0]);
        match flag.fate {
            Fate::To(_) => {
                assert!(
                    matches!(first, Ok(Invocation::Daemon(_))),
                    "{}: {first:?}",
                    flag.long
                );
                assert_ne!(first, parsed(""), "{} has no effect", flag.long);
            }
            Fate::Refused(reason) => {
                let refusal = first.as_ref().unwrap_err();
                assert!(refusal.message.ends_with(reason), "{refusal:?}");
            }
            Fate::Version | Fate::Help | Fate::Signum | Fate::Genhash => assert!(first.is_ok()),
        }
        for spelling in &spellings {
            assert_eq!(parsed(spelling), first, "{spelling}");
        }
    }
}

/// CLI-02 to CLI-04: the bundle everybody types.
#[test]
fn bundles_are_taken_apart() {
    let options = daemon("-nlDDf/etc/x.conf -p /run/p");
    assert!(options.dont_fork && options.log_console);
    assert_eq!(options.log_detail, 2);
    assert_eq!(options.use_file, PathBuf::from("/etc/x.conf"));
    assert_eq!(options.pid, Some("/run/p".into()));
    assert_eq!(daemon("-f a -n -n -l -fb --pid=c"), daemon("-nlfb -pc"));
    assert_eq!(daemon("-nf x"), daemon("-n --use-file=x"));
}

/// CLI-06, CLI-11: a value that may be left out has to be attached.
#[test]
fn optional_values_are_attached_or_absent() {
    assert_eq!(daemon("").config_test, None);
    assert_eq!(daemon("-t").config_test.as_deref(), Some("-"));
    assert_eq!(daemon("-tlog").config_test.as_deref(), Some("log"));
    assert_eq!(
        daemon("--config-test=log").config_test.as_deref(),
        Some("log")
    );
    assert_eq!(daemon("-lt -f x").config_test.as_deref(), Some("-"));
    assert_eq!(daemon("-g").log_file, Some("/tmp/keepalived.log".into()));
    assert_eq!(daemon("-g/x").log_file, Some("/x".into()));
    assert_eq!(refusal("-t log").message, "Unexpected argument 'log'");
}

/// Measured on keepalived 2.2.7: the words, and exit code 1.
#[test]
fn unknown_and_incomplete_flags_are_refused_in_keepalived_s_words() {
    for (line, message) in [
        ("-Q", "Unknown option -Q"),
        ("-nQ", "Unknown option -Q"),
        ("--bogus", "Unknown option --bogus"),
        ("--log", "Unknown option --log"),
        ("--vrrp=5", "Unknown option --vrrp=5"),
        ("-f", "Missing parameter for option -f"),
        ("--pid", "Missing parameter for option --pid"),
        ("extra", "Unexpected argument 'extra'"),
        ("-n -- extra", "Unexpected argument 'extra'"),
    ] {
        let refusal = refusal(line);
        assert_eq!(refusal.message, message);
        assert!(refusal.show_usage);
    }
    // A whole name is never ambiguous, even if longer ones begin with it.
    assert!(daemon("--vrrp").vrrp);
}

/// CLI-09, CLI-18.
#[test]
fn facilities_and_masks_are_checked() {
    for (word, code) in [("user", 8), ("daemon", 24), ("0", 128), ("local7", 184)] {
        assert_eq!(
            daemon(&format!("-S {word}")).log_facility,
            Facility(code),
            "{word}"
        );
    }
    for (word, mask) in [
        ("022", 0o22),
        ("0x12", 0x12),
        ("22", 22),
        ("0", 0),
        ("0777", 0o777),
    ] {
        assert_eq!(
            daemon(&format!("-u{word}")).umask,
            Some(Umask(mask)),
            "{word}"
        );
    }
    for line in [
        "-S 8",
        "-S local8",
        "-S local",
        "-S 07",
        "-u 08",
        "-u 01000",
        "-u rwx",
        "-u -1",
    ] {
        let message = refusal(line).message;
        assert!(message.contains("Invalid"), "{line}: {message}");
    }
}

/// CLI-16, CLI-26: the first of these ends the reading.
#[test]
fn version_help_and_signal_numbers_end_the_reading() {
    assert_eq!(parsed("-nv --bogus"), Ok(Invocation::Version));
    assert!(matches!(parsed("-h"), Ok(Invocation::Help(text)) if text.contains("--use-file=FILE")));
    assert_eq!(
        parsed("--signum=JSON"),
        Ok(Invocation::Signum("JSON".into()))
    );
    assert_eq!(
        parsed("--signum JSON"),
        Ok(Invocation::Signum("JSON".into()))
    );
}

/// The subcommands have flags of their own.
#[test]
fn subcommands_are_the_first_word() {
    assert_eq!(
        parsed("status --json --socket /s"),
        Ok(Invocation::Status(Status {
            json: true,
            socket: "/s".into()
        }))
    );
    assert_eq!(
        parsed("check --strict a b"),
        Ok(Invocation::Check(Check {
            json: false,
            each: false,
            elsewhere: false,
            strict: true,
            name: Vec::new(),
            config_id: None,
            files: vec!["a".into(), "b".into()]
        }))
    );
    assert_eq!(
        parsed("explain priority"),
        Ok(Invocation::Explain(Explain {
            keyword: "priority".into()
        }))
    );
    assert!(matches!(parsed("demo"), Ok(Invocation::Demo(_))));
    assert!(matches!(parsed("status --help"), Ok(Invocation::Help(_))));
    assert!(!refusal("status --bogus").message.is_empty());
}

/// Two daemons told apart by their pid files must not fight over one socket.
#[test]
fn the_control_socket_is_beside_the_pid_file() {
    assert_eq!(daemon("").socket_path(), Some(DEFAULT_SOCKET.into()));
    assert_eq!(
        daemon("-p /run/a.pid").socket_path(),
        Some("/run/a.sock".into())
    );
    assert_eq!(
        daemon("-p /run/a.pid --socket /b").socket_path(),
        Some("/b".into())
    );
    assert_eq!(daemon("--no-socket -p /x").socket_path(), None);
}

/// CLI-26, GEN-01: all that comes after the flag, and after the subcommand, is for the generator.
#[test]
fn genhash_gets_its_words_as_they_are() {
    let words = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned());
        Ok(Invocation::Genhash(words.collect()))
    };
    assert_eq!(parsed("genhash -s a -v"), words(&["-s", "a", "-v"]));
    assert_eq!(parsed("-T -s a --help"), words(&["-s", "a", "--help"]));
    assert_eq!(parsed("--genhash -h"), words(&["-h"]));
    assert_eq!(parsed("-nTSs a"), words(&["-Ss", "a"]));
}
