//! The program as scripts call it: output channels and exit codes.

mod called;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use called::{GOOD, code, file, run, text};

/// CLI-26: both go to standard error, with success.
#[test]
fn version_and_help_are_printed_on_standard_error() {
    for (flag, expected) in [("-v", "keepalived-rs v"), ("--help", "--use-file=FILE")] {
        let output = run(&[flag]);
        assert_eq!(code(&output), Some(0), "{flag}");
        assert!(output.stdout.is_empty(), "{flag}");
        assert!(text(&output.stderr).contains(expected), "{flag}");
    }
}

/// Features section 2: unknown option, usage and exit 1.
#[test]
fn what_is_not_understood_or_not_supported_ends_with_one() {
    for (words, message) in [
        (&["-Q"][..], "Unknown option -Q"),
        (&["--signum=TDUMP"], "Unknown sigfunc TDUMP"),
        (&["--perf"], "this build has no debug output of that kind"),
        (&["explain", "no_such_keyword"], "There is no keyword"),
        (&["status", "--socket", "/nonexistent"], "/nonexistent"),
    ] {
        let output = run(words);
        assert_eq!(code(&output), Some(1), "{words:?}");
        assert!(
            text(&output.stderr).contains(message),
            "{words:?} {}",
            text(&output.stderr)
        );
    }
}

/// CLI-16: alone on standard output, for `kill -$(...)`.
#[test]
fn signal_numbers_are_alone_on_standard_output() {
    for (name, number) in [("DATA", "10\n"), ("JSON", "36\n"), ("STOP", "15\n")] {
        let output = run(&[&format!("--signum={name}")]);
        assert_eq!(
            (code(&output), text(&output.stdout)),
            (Some(0), number.to_owned())
        );
    }
}

/// The exit code of `check` is the worst of all files.
#[test]
fn check_reports_every_file_and_the_worst_of_them() {
    let good = file("good.conf", GOOD);
    let bad = file(
        "bad.conf",
        &GOOD.replace("priority 100", "priority 1000\n    prioritty 3"),
    );
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let output = run(&["check", good]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stdout));
    let output = run(&["check", bad, good]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(2), "{report}");
    assert!(
        report.contains("prioritty") && report.contains("priority 1000"),
        "{report}"
    );
    assert!(
        report.contains("good.conf: 1 instance, 0 errors"),
        "{report}"
    );
    assert_eq!(code(&run(&["check", "/nonexistent.conf"])), Some(2));
    assert_eq!(code(&run(&["check"])), Some(64));
}

/// What is refused for good is a warning, because the rest runs; under --strict it is an error.
#[test]
fn strict_makes_refused_keywords_count() {
    let path = file(
        "strict.conf",
        &format!("{GOOD}global_defs {{\n    enable_dbus\n}}\n"),
    );
    let path = path.to_str().unwrap();
    let output = run(&["check", path]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(0), "{report}");
    assert!(report.contains("warning[refused]"), "{report}");
    let output = run(&["check", "--strict", path]);
    assert_eq!(code(&output), Some(2));
}

/// What no machine can check is a mistake of the file, for a test as for `check`.
#[test]
fn a_pattern_that_cannot_be_is_an_error_with_its_place() {
    let service = "virtual_server 192.0.2.1 80 {\n    protocol TCP\n    real_server 192.0.2.2 80 {\n        \
                   HTTP_GET {\n            url {\n                path /\n                regex \"(?=x)\"\n            \
                   }\n        }\n    }\n}\n";
    let path = file("pattern.conf", service);
    let output = run(&["check", path.to_str().unwrap()]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(2), "{report}");
    assert!(report.contains("error[unusable-check]"), "{report}");
    assert!(report.contains("pattern.conf:7:"), "{report}");
    assert!(report.contains("/ cannot be had: look-around"), "{report}");
    assert!(
        report.contains("a check that cannot be made fails its server"),
        "{report}"
    );
    let test = run(&["-t", "-f", path.to_str().unwrap()]);
    let said = text(&test.stderr);
    assert_eq!(code(&test), Some(5), "{said}");
    assert!(said.contains("error[unusable-check]"), "{said}");
}

/// A first configuration has nothing to complain about, and the balanced half counts too.
#[test]
fn the_configurations_of_the_readme_are_without_fault() {
    let page = include_str!("../../README.md");
    let blocks = page.split("```text\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    for (first, summary) in [
        ("vrrp_instance", "1 instance, 0 errors, 0 warnings"),
        (
            "virtual_server",
            "0 instances, 1 service, 0 errors, 0 warnings",
        ),
    ] {
        let block = blocks.iter().find(|block| block.starts_with(first));
        let path = file("readme.conf", block.expect(first));
        let output = run(&["check", "--strict", path.to_str().unwrap()]);
        let report = text(&output.stdout);
        assert!(report.contains(summary), "{report}");
        assert_eq!(code(&output), Some(0), "{report}");
    }
}

/// Features 30; measured with keepalived 2.2.7: what is on the machine decides, too.
#[test]
fn a_configuration_test_looks_at_the_machine() {
    let with = |lines: &str| GOOD.replace("priority 100", lines);
    let elsewhere = |lines: &str| with(lines).replace("interface lo", "interface nope0");
    let missing = "notify /nonexistent/x";
    for (name, content, expected) in [
        ("plain", GOOD.to_owned(), 0),
        ("script", with("notify /bin/true"), 6),
        ("gone", with(missing), 0),
        (
            "mixed",
            with(&format!("notify_master /bin/true\n{missing}")),
            6,
        ),
        ("interface", elsewhere(""), 5),
        ("interface-script", elsewhere("notify /bin/true"), 5),
        (
            "dynamic",
            format!("global_defs {{\ndynamic_interfaces\n}}\n{}", elsewhere("")),
            0,
        ),
        (
            "tracked",
            format!("vrrp_script s {{\nscript /nonexistent/x\n}}\n{GOOD}"),
            5,
        ),
    ] {
        let path = file(&format!("test-{name}.conf"), &content);
        let output = run(&["-t", "-f", path.to_str().unwrap()]);
        let said = text(&output.stderr);
        assert_eq!(code(&output), Some(expected), "{name}: {said}");
        assert_eq!(
            said.contains("does not exist now"),
            content.contains("nope0"),
            "{said}"
        );
    }
}

/// A keyword is explained where people look first.
#[test]
fn explain_prints_to_standard_output() {
    let output = run(&["explain", "virtual_router_id"]);
    assert_eq!(code(&output), Some(0));
    assert!(
        text(&output.stdout).contains("vrrp_instance"),
        "{}",
        text(&output.stdout)
    );
}

/// The story of the demo, where nothing is allowed.
#[test]
fn the_simulated_demo_tells_its_story() {
    let output = run(&["demo", "--simulate", "--fast"]);
    let story = text(&output.stdout);
    assert_eq!(code(&output), Some(0), "{story}");
    for word in ["CRASH", "RETURN", "MAINTENANCE", "router B IPv4/51 ["] {
        assert!(story.contains(word), "{word} is missing from:\n{story}");
    }
}

/// `check -` reads standard input, and `--json` is for programs.
#[test]
fn check_reads_standard_input_and_answers_json() {
    use std::io::Write;
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .args(["check", "--json", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let bad = GOOD.replace("priority 100", "priority 1000");
    let mut input = child.stdin.take().unwrap();
    input.write_all(bad.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), Some(2));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer[0]["errors"], 1, "{answer}");
    let found = &answer[0]["diagnostics"][0];
    assert_eq!(found["severity"], "error", "{answer}");
    assert_eq!(found["place"]["line"], 4, "{answer}");
    assert_eq!(found["place"]["file"], "/dev/stdin", "{answer}");
}

/// SNMP-01, DBUS-01: a word about it, which does not keep the file from running; unless --strict. What is
/// printed and what is returned say the same.
#[test]
fn refused_keywords_fail_the_strict_check_only() {
    let conf = format!("global_defs {{\n    enable_snmp_vrrp\n    enable_dbus\n}}\n{GOOD}");
    let path = file("refused.conf", &conf);
    let path = path.to_str().unwrap();
    let output = run(&["check", path]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(0), "{report}");
    assert!(
        report.contains("warning[refused]: `enable_snmp_vrrp`"),
        "{report}"
    );
    assert!(
        report.contains("0 errors, 0 warnings, 2 keywords refused"),
        "{report}"
    );
    let strict = run(&["check", "--strict", path]);
    assert_eq!(code(&strict), Some(2));
    assert!(text(&strict.stdout).contains("error[refused]"));
    let test = run(&["-t", "-f", path]);
    assert_eq!(code(&test), Some(0));
    let said = text(&test.stderr);
    assert!(said.contains("warning[refused]"), "{said}");
    assert!(!said.contains("error"), "{said}");
}

/// KA-F-08: an interface may come later.
///
/// Flips: global_defs.dynamic_interfaces.
#[test]
fn a_missing_interface_is_an_error_unless_interfaces_may_come_later() {
    let missing = GOOD.replace("interface lo", "interface nosuch0");
    for (global, expected) in [("", 5), ("global_defs {\n    dynamic_interfaces\n}\n", 0)] {
        let path = file("dynamic.conf", &format!("{global}{missing}"));
        let output = run(&["-t", "-f", path.to_str().unwrap()]);
        assert_eq!(code(&output), Some(expected), "{}", text(&output.stderr));
    }
}

/// LANG-10.
///
/// Flips: global_defs.include_check.
#[test]
fn which_problems_of_includes_are_errors_is_for_the_file_to_say() {
    let include = "include /nonexistent/nothing.conf\n";
    for (check, expected) in [("", 0), ("global_defs {\n    include_check match\n}\n", 2)] {
        let path = file("include.conf", &format!("{check}{include}{GOOD}"));
        let output = run(&["check", path.to_str().unwrap()]);
        assert_eq!(code(&output), Some(expected), "{}", text(&output.stdout));
    }
}

/// LANG-13: 2 and 3 are versions, 4 and 5 are none.
///
/// Flips: global_defs.random_seed.
#[test]
fn the_seed_decides_what_is_random() {
    let verdict = |seed: u32| {
        let random = "global_defs {\n    random_seed SEED\n    vrrp_version ${_RANDOM 2 5}\n}\n";
        let conf = random.replace("SEED", &seed.to_string()) + GOOD;
        let path = file(&format!("seed{seed}.conf"), &conf);
        code(&run(&["check", path.to_str().unwrap()]))
    };
    let verdicts: Vec<_> = (0..12).map(verdict).collect();
    assert!(
        verdicts.contains(&Some(0)) && verdicts.contains(&Some(2)),
        "{verdicts:?}"
    );
    assert_eq!((0..12).map(verdict).collect::<Vec<_>>(), verdicts);
}

/// What a single file needs of the machine it is for; files of other machines are left alone.
#[test]
fn check_looks_for_programs_and_certificates_of_this_machine() {
    let content = format!(
        "SSL {{\n    certificate /nonexistent/ca.pem\n}}\n\
         virtual_server 192.0.2.1 80 {{\n    protocol TCP\n    lb_algo rr\n    lb_kind NAT\n    real_server 192.0.2.2 80 {{\n        \
         MISC_CHECK {{\n            misc_path \"/nonexistent/check x\"\n        }}\n    }}\n    \
         real_server 192.0.2.3 80 {{\n        MISC_CHECK {{\n            misc_path /bin/true\n        }}\n    \
         }}\n}}\n{GOOD}"
    );
    let path = file("machine.conf", &content);
    let path = path.to_str().unwrap();
    let output = run(&["check", path]);
    let report = text(&output.stdout);
    assert_eq!(code(&output), Some(2), "{report}");
    for part in [
        "warning[no-such-file]: the file /nonexistent/ca.pem of `certificate`",
        "machine.conf:2:17",
        "error[no-such-program]: there is no program `/nonexistent/check`",
        "a check that cannot be made fails its server; with --elsewhere",
        "machine.conf:10:",
        "1 instance, 1 service, 1 error, 1 warning",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    for words in [
        &["check", "--strict", "--elsewhere", path][..],
        &["check", "--strict", "--each", path, path],
    ] {
        let output = run(words);
        assert_eq!(code(&output), Some(0), "{}", text(&output.stdout));
    }
}

/// CHK-13: what is in the files of `SSL` is looked at, as the daemon does when it starts.
#[test]
fn check_looks_into_certificates_and_keys() {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/../healthcheck/tests/tls");
    let verdict = |identity: &str, line: &str| {
        let content = format!(
            "SSL {{\n{identity}\n}}\nvirtual_server 192.0.2.1 443 {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n\
             real_server 192.0.2.2 443 {{\nSSL_GET {{\n{line}\nurl {{\npath /\n}}\n}}\n}}\n}}\n"
        );
        let path = file(
            "identity.conf",
            &content.replace("TLS/", &format!("{made}/")),
        );
        let output = run(&["check", path.to_str().unwrap()]);
        let report = text(&output.stdout).replace(made, "TLS");
        let said = report.lines().find(|line| line.contains("]: "));
        (code(&output), said.unwrap_or_default().to_owned())
    };
    let nothing = (Some(0), String::new());
    let pair = "certificate TLS/client.pem\nkey TLS/client-aes.key\n";
    let good = format!("{pair}password geheim\nca TLS/self.pem");
    assert_eq!(verdict(&good, "ssl_verify"), nothing);
    let key = "error[unusable-file]: the file TLS/client-aes.key of `key` cannot be used:";
    let empty = file("empty.pem", "");
    let empty = empty.to_str().unwrap();
    for (identity, line, why) in [
        (
            format!("{pair}password other"),
            "",
            format!("{key} the password does not open the private key"),
        ),
        (
            pair.to_owned(),
            "",
            format!("{key} the private key has a password, and there is no `password` in `SSL`"),
        ),
        (
            "certificate TLS/client.pem\nkey TLS/server.key".to_owned(),
            "",
            "error[unusable-file]: the file TLS/server.key of `key` cannot be used: the private key does not \
             belong to the certificate in TLS/client.pem"
                .to_owned(),
        ),
        (
            format!("certificate {empty}\nkey TLS/server.key"),
            "",
            format!("error[unusable-file]: the file {empty} of `certificate` has no certificate"),
        ),
        (
            "ca TLS/".to_owned(),
            "ssl_verify",
            "error[unusable-file]: the file TLS/ of `ca` is a directory".to_owned(),
        ),
        (
            format!("ca {empty}"),
            "ssl_verify",
            format!("error[unusable-file]: the file {empty} of `ca` has no certificate (PEM)"),
        ),
        (
            "ca TLS/nowhere.pem".to_owned(),
            "ssl_verify",
            "error[no-such-file]: the file TLS/nowhere.pem of `ca` is not on this machine".to_owned(),
        ),
    ] {
        let (code, said) = verdict(&identity, line);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.starts_with(&why), "{said}, not {why}");
    }
    // Nobody is verified, so that nobody asks.
    let (code, _) = verdict(&format!("ca {empty}"), "");
    assert_eq!(code, Some(0));
}

/// SCR-02: who is to run a script is looked for, as its program is.
#[test]
fn check_tells_of_users_that_are_not_there() {
    let report = |global: &str, user: &str| {
        let content = format!(
            "global_defs {{\n{global}\n}}\nvirtual_server 192.0.2.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n\
             quorum_up /bin/true\nreal_server 192.0.2.2 80 {{\nMISC_CHECK {{\nmisc_path /bin/true\n{user}\n}}\n}}\n}}\n"
        );
        let path = file("users.conf", &content);
        let output = run(&["check", path.to_str().unwrap()]);
        (code(&output), text(&output.stdout))
    };
    let fails = "a check that cannot be made fails its server; with --elsewhere";
    for (global, user, place, parts) in [
        (
            "",
            "user no_such_user_x",
            "users.conf:12:6",
            ["no user `no_such_user_x`", fails],
        ),
        (
            "",
            "user root no_such_group_x",
            "users.conf:12:6",
            ["no group `no_such_group_x`", fails],
        ),
        (
            "script_user no_such_user_x",
            "",
            "users.conf:2:13",
            ["no user `no_such_user_x`", fails],
        ),
        (
            "script_user no_such_user_x",
            "user root",
            "users.conf:2:13",
            ["warning[no-such-user]: there is no user", "it is not run"],
        ),
    ] {
        let (code, report) = report(global, user);
        let warned = parts[0].starts_with("warning");
        assert_eq!(code, Some(if warned { 0 } else { 2 }), "{report}");
        for part in [place, parts[0], parts[1]] {
            assert!(report.contains(part), "{part}\n{report}");
        }
        assert_eq!(report.matches("[no-such-user]").count(), 1, "{report}");
    }
    let (code, found) = report("script_user root", "");
    assert_eq!(code, Some(0), "{found}");
    // One that root must not run, as its security has it.
    let open = file("open.sh", "#!/bin/sh\n");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let secure = "script_user root\nenable_script_security";
    let again = format!("misc_path {}", open.display());
    let (code, found) = report(secure, &again);
    assert_eq!(code, Some(2), "{found}");
    assert!(found.contains("error[insecure-program]"), "{found}");
    let (code, found) = report("script_user root", &again);
    assert_eq!(code, Some(0), "{found}");
    let warned = format!(
        "warning[insecure-program]: `{}` is not safe to run as root",
        open.display()
    );
    assert!(found.contains(&warned), "as `-t` does: {found}");
}

/// SCR-08: what would be found out at the first start of the script, and then as a server that failed.
#[test]
fn check_and_test_mode_say_why_the_user_of_a_script_cannot_start_it() {
    let folder = std::env::temp_dir().join(format!("keepalived-closed-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let script = folder.join("check.sh");
    let said = |text_of_script: &str, modes: [u32; 2], user: &str| {
        fs::write(&script, text_of_script).unwrap();
        for (path, mode) in [&folder, &script].into_iter().zip(modes) {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let script = script.display();
        let content = format!(
            "global_defs {{\nscript_user {user}\nenable_script_security\n}}\n\
             virtual_server 192.0.2.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n\
             real_server 192.0.2.2 80 {{\nnotify_up {script}\n\
             MISC_CHECK {{\nmisc_path {script}\n}}\n}}\n}}\n"
        );
        let path = file("closed.conf", &content);
        let path = path.to_str().unwrap();
        let check = run(&["check", path]);
        let test = run(&["-t", "-f", path]);
        (code(&check), text(&check.stdout), text(&test.stderr))
    };
    let shown = folder.display();
    let head = "#!/bin/sh\n";
    for (text_of_script, modes, why) in [
        (
            head,
            [0o700, 0o755],
            format!("user 61234 may not enter {shown}"),
        ),
        (
            head,
            [0o755, 0o750],
            format!("user 61234 may not execute {shown}/check.sh"),
        ),
        (
            "#!/nonexistent/shell\n",
            [0o755, 0o755],
            "its interpreter is /nonexistent/shell: there is no /nonexistent/shell".to_owned(),
        ),
    ] {
        let (code, check, test) = said(text_of_script, modes, "61234 61234");
        assert_eq!(code, Some(2), "{check}");
        let wanted = format!("error[not-executable]: `{shown}/check.sh` cannot be started: {why}");
        assert!(check.contains(&wanted), "{wanted}\n{check}");
        let wanted = format!(
            "{shown}/check.sh disabled: {why}; a check that cannot be made fails its server"
        );
        assert!(test.contains(&wanted), "{wanted}\n{test}");
    }
    let (code, check, test) = said(head, [0o755, 0o755], "61234 61234");
    assert_eq!((code, &*test), (Some(0), ""), "{check}");
    fs::remove_dir_all(&folder).unwrap();
}

/// SCR-05: test mode exits with 6, and both say why, in Keepalived's words.
#[test]
fn scripts_without_script_security_are_warned_of() {
    let words = "SECURITY VIOLATION - scripts are being executed but script_security not enabled";
    for (global, code_of_test) in [
        ("script_user root", 6),
        ("script_user root\nenable_script_security", 0),
    ] {
        let content = format!(
            "global_defs {{\n{global}\n}}\nvirtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\n\
             protocol TCP\nreal_server 192.0.2.9 80 {{\nMISC_CHECK {{\nmisc_path /bin/true\n}}\n}}\n}}\n"
        );
        let path = file(&format!("security-{code_of_test}.conf"), &content);
        let path = path.to_str().unwrap();
        let warned = usize::from(code_of_test == 6);
        let test = run(&["-t", "-f", path]);
        assert_eq!(code(&test), Some(code_of_test));
        let said = text(&test.stderr);
        let begin = said.lines().filter(|line| line.starts_with(words));
        assert_eq!(begin.count(), warned, "{said}");
        let said = text(&run(&["check", path]).stdout);
        let line = format!("note[no-script-security]: {words}");
        assert_eq!(said.matches(&line).count(), warned, "{said}");
        assert!(said.contains("0 errors, 0 warnings"), "{said}");
        // Who asks for no warnings need not mend what Keepalived always says.
        let strict = run(&["check", "--strict", path]);
        assert_eq!(code(&strict), Some(0), "{}", text(&strict.stdout));
        // Nobody knows what there is on another machine.
        let said = text(&run(&["check", "--elsewhere", path]).stdout);
        assert!(!said.contains(words), "{said}");
    }
}

/// Who mends one mistake is not to find the next one only then.
#[test]
fn check_tells_of_a_bad_pattern_beside_another_mistake() {
    let content = "virtual_server 192.0.2.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
                   real_server 192.0.2.9 80 {\nHTTP_GET {\nurl {\npath /\ndigest zz\nregex \"(?=x)\"\n}\n}\n}\n}\n";
    let path = file("two-mistakes.conf", content);
    let said = text(&run(&["check", path.to_str().unwrap()]).stdout);
    for part in ["error[bad-digest]", "error[unusable-check]", ", 2 errors"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

/// TRK-05: a number that nobody has written counts as 0, which is worth a word unless it is made here.
#[test]
fn check_tells_of_tracked_files_that_are_not_there() {
    let with = |init: &str| {
        let content = format!("track_file F {{\n    file /nonexistent/f\n{init}}}\n{GOOD}");
        let path = file("tracked.conf", &content);
        text(&run(&["check", path.to_str().unwrap()]).stdout)
    };
    let report = with("");
    let found = "warning[no-such-file]: the file /nonexistent/f of `track_file F`";
    assert!(report.contains(found), "{report}");
    assert!(report.contains("tracked.conf:2:10"), "{report}");
    let report = with("    init_file 0\n");
    assert!(report.contains("0 errors, 0 warnings"), "{report}");
}

/// A file with nothing but sessions is not an empty one.
#[test]
fn check_counts_sessions() {
    let path = file(
        "bfd.conf",
        "bfd_instance b {\n    neighbor_ip 192.0.2.9\n}\n",
    );
    let path = path.to_str().unwrap();
    let report = text(&run(&["check", path]).stdout);
    let expected = "0 instances, 1 BFD session, 0 errors, 0 warnings";
    assert!(report.contains(expected), "{report}");
    let output = run(&["check", "--json", path]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer[0]["sessions"], 1, "{answer}");
}

/// What somebody types who knows the word nearly.
#[test]
fn explain_knows_blocks_and_findings_and_offers_what_is_spelled_alike() {
    for (word, expected) in [
        ("bfd_instance.sbfd", "in:      bfd_instance"),
        ("weights-too-small", "found by: check"),
    ] {
        let output = run(&["explain", word]);
        assert_eq!(code(&output), Some(0), "{word}");
        let said = text(&output.stdout);
        assert!(said.contains(expected), "{word}: {said}");
    }
    let output = run(&["explain", "ecko"]);
    assert_eq!(code(&output), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("Similar: echo"), "{said}");
}
