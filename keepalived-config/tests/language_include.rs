//! Include lines.

mod language_support;

use keepalived_config::{MemorySource, Source as _, Tree};
use language_support::{codes, show, tree_of};

fn files(list: &[(&str, &str)]) -> Tree {
    let mut source = MemorySource::new();
    for (path, text) in list {
        source = source.with_file(path, *text);
    }
    tree_of(&mut source)
}

/// LANG-08.
#[test]
fn included_text_stands_in_place_of_the_line() {
    let tree = files(&[
        (
            "/etc/k.conf",
            "global_defs {\n include a.conf\n vrrp_version 3\n}\n",
        ),
        ("/etc/a.conf", "router_id x\n"),
    ]);
    assert_eq!(codes(&tree), Vec::<String>::new());
    assert_eq!(
        show(&tree),
        "global_defs {\n  router_id x\n  vrrp_version 3\n}\n"
    );
    assert_eq!(
        tree.sources.paths().collect::<Vec<_>>(),
        ["/etc/k.conf", "/etc/a.conf"]
    );
}

/// LANG-08.
#[test]
fn includes_are_relative_to_the_including_file() {
    let tree = files(&[
        ("/etc/k.conf", "include sub/s.conf\n"),
        (
            "/etc/sub/s.conf",
            "include deeper/*.conf\nglobal_defs { router_id ${_PWD} }\n",
        ),
        (
            "/etc/sub/deeper/d.conf",
            "include ../e.conf\ninclude /abs.conf\n",
        ),
        ("/etc/sub/deeper/../e.conf", "static_rules { }\n"),
        ("/abs.conf", "static_routes { }\n"),
    ]);
    assert_eq!(codes(&tree), Vec::<String>::new());
    assert_eq!(
        show(&tree),
        "static_rules {\n}\nstatic_routes {\n}\nglobal_defs {\n  router_id /etc/sub\n}\n"
    );
}

/// LANG-08: in the order of the names, and in the order of the brace list.
#[test]
fn wildcards_and_brace_lists_name_several_files() {
    let tree = files(&[
        (
            "/etc/k.conf",
            "static_ipaddress {\n include d/*.conf\n include d/{z,b}.conf # why\n}\n",
        ),
        ("/etc/d/b.conf", "10.0.0.2\n"),
        ("/etc/d/a.conf", "10.0.0.1\n"),
        ("/etc/d/z.conf", "10.0.0.9\n"),
        ("/etc/d/not.txt", "x\n"),
    ]);
    assert_eq!(codes(&tree), Vec::<String>::new());
    assert_eq!(
        show(&tree),
        "static_ipaddress {\n  10.0.0.1\n  10.0.0.2\n  10.0.0.9\n  10.0.0.9\n  10.0.0.2\n}\n"
    );
}

/// LANG-03, LANG-08.
#[test]
fn an_include_may_share_its_line_with_braces() {
    let tree = files(&[
        (
            "/etc/k.conf",
            "global_defs { include a.conf }\nglobal_defs { include \"a.conf\"}\n",
        ),
        ("/etc/a.conf", "router_id x"),
    ]);
    assert_eq!(codes(&tree), Vec::<String>::new());
    assert_eq!(show(&tree), "global_defs {\n  router_id x\n}\n".repeat(2));
}

/// LANG-08: a block may begin in one file and end in another.
#[test]
fn blocks_may_cross_files() {
    let tree = files(&[
        ("/etc/k.conf", "include open\nrouter_id x\ninclude close\n"),
        ("/etc/open", "global_defs {"),
        ("/etc/close", "}"),
    ]);
    assert_eq!(codes(&tree), Vec::<String>::new());
    assert_eq!(show(&tree), "global_defs {\n  router_id x\n}\n");
}

/// LANG-08, LANG-12: measured with Keepalived 2.2.7.
#[test]
fn names_in_the_path_and_conditions_before_it_are_honoured() {
    let tree = files(&[
        (
            "/etc/k.conf",
            "$F=a\ninclude ${F}.conf\n@^x include $F.conf\n~SEQ(I,1,2) include ${I}.conf\n",
        ),
        ("/etc/a.conf", "static_rules { }\n"),
        ("/etc/1.conf", "static_routes { }\n"),
        ("/etc/2.conf", "static_ipaddress { }\n"),
    ]);
    let text = show(&tree);
    assert_eq!(
        text,
        "static_rules {\n}\nstatic_routes {\n}\nstatic_ipaddress {\n}\n"
    );
}

/// LANG-08: cycles and depth are bounded.
#[test]
fn a_file_that_includes_itself_is_refused() {
    let tree = files(&[
        ("/etc/k.conf", "include a.conf\nstatic_rules { }\n"),
        ("/etc/a.conf", "include k.conf\ninclude a.conf\n"),
    ]);
    assert_eq!(codes(&tree), ["1:9 include-cycle", "2:9 include-cycle"]);
    assert_eq!(show(&tree), "static_rules {\n}\n");
}

/// LANG-08.
#[test]
fn a_long_chain_of_includes_is_cut() {
    let mut source = MemorySource::new().with_file("/etc/k.conf", "include 0\n");
    for i in 0..100 {
        source = source.with_file(&format!("/etc/{i}"), format!("include {}\n", i + 1));
    }
    let tree = tree_of(&mut source);
    assert_eq!(codes(&tree), ["1:9 include-depth"]);
}

/// LANG-09: what each word makes an error, and what is only a warning or nothing.
#[test]
fn the_include_words_differ_in_what_they_demand() {
    let severity = |line: &str| {
        let mut source = MemorySource::new()
            .with_file("/etc/k.conf", format!("{line}\n"))
            .with_file("/etc/there", "");
        let tree = tree_of(&mut source);
        let found: Vec<&str> = tree.diagnostics.iter().map(|d| d.severity.name()).collect();
        found.join(" ")
    };
    for (line, expected) in [
        ("include none", "warning"),
        ("includer none", "error"),
        ("includem none", "error"),
        ("includew none", "error"),
        ("include none*", ""),
        ("includer none*", ""),
        ("includem none*", ""),
        ("includew none*", "error"),
        ("includea none*", "error"),
        ("include {there,none}", "warning"),
        ("includeb {there,none}", "error"),
        ("includeb {there,none*}", "error"),
        ("includew {there,none*}", ""),
        ("includea there", ""),
    ] {
        assert_eq!(severity(line), expected, "{line}");
    }
}

/// LANG-10: the policy holds for the rest of the file and what it includes, not for the includer.
#[test]
fn the_policy_of_an_included_file_stays_in_it() {
    let tree = files(&[
        ("/etc/k.conf", "include a.conf\ninclude none*\n"),
        (
            "/etc/a.conf",
            "global_defs {\n include_check wildcard_match\n}\ninclude no*\n",
        ),
    ]);
    assert_eq!(codes(&tree), ["4:9 include-missing"]);
}

/// LANG-10.
#[test]
fn an_unknown_include_check_is_reported() {
    let tree = files(&[(
        "/etc/k.conf",
        "global_defs {\n include_check read bogus\n}\n",
    )]);
    assert_eq!(codes(&tree), ["2:21 include-check"]);
}

/// LANG-08.
#[test]
fn an_include_takes_one_name() {
    let tree = files(&[
        ("/etc/k.conf", "include a b\ninclude\n"),
        ("/etc/a", ""),
        ("/etc/b", ""),
    ]);
    assert_eq!(codes(&tree), ["1:11 bad-include", "2:1 bad-include"]);
}

/// A missing root file is a diagnostic, not a panic and not silence.
#[test]
fn a_missing_root_file_is_an_error() {
    assert_eq!(codes(&tree_of(&mut MemorySource::new())), ["cannot-read"]);
}

/// LANG-17.
#[test]
fn executable_files_and_directories_are_not_configuration() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = std::env::temp_dir().join(format!("language-include-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("d.conf")).expect("directory");
    let script = directory.join("x.conf");
    std::fs::write(&script, "static_rules { }\n").expect("file");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("mode");
    std::fs::write(directory.join("a.conf"), "static_routes { }\n").expect("file");
    let root = directory.join("k.conf.root");
    std::fs::write(&root, "include *.conf\nincluder x.conf\n").expect("file");
    let mut source = keepalived_config::FileSource;
    let tree = keepalived_config::read_tree(
        &mut source,
        root.to_str().expect("text"),
        &keepalived_config::Options::default(),
    );
    let pattern = directory.join("*.conf");
    let listed = source.glob(pattern.to_str().expect("text"));
    std::fs::remove_dir_all(&directory).expect("removed");
    assert_eq!(show(&tree), "static_routes {\n}\n");
    let severities: Vec<&str> = tree.diagnostics.iter().map(|d| d.severity.name()).collect();
    assert_eq!(severities, ["warning", "warning", "error"]);
    assert_eq!(listed.len(), 3);
}

/// LANG-17: a file of the kernel looks regular, and reading one may wait for ever.
#[test]
fn what_the_kernel_makes_up_is_not_configuration() {
    use keepalived_config::Source as _;
    let link = std::env::temp_dir().join(format!("language-kmsg-{}", std::process::id()));
    std::os::unix::fs::symlink("/proc/kmsg", &link).expect("a link");
    let (sender, receiver) = std::sync::mpsc::channel();
    let paths = [
        "/proc/kmsg",
        "/proc/version",
        "/sys/kernel/profiling",
        "/proc/self/mem",
    ];
    let mut paths: Vec<String> = paths.map(str::to_owned).to_vec();
    paths.retain(|path| std::path::Path::new(path).exists());
    assert!(!paths.is_empty());
    paths.push(link.to_str().expect("text").to_owned());
    // On a thread, so that waiting for ever is a failure.
    std::thread::spawn(move || {
        for path in paths {
            let read = keepalived_config::FileSource.read(&path, None);
            let _ = sender.send((path, read.map_err(|error| error.kind())));
        }
    });
    loop {
        match receiver.recv_timeout(std::time::Duration::from_secs(20)) {
            Ok((path, read)) => assert_eq!(read, Err(std::io::ErrorKind::InvalidInput), "{path}"),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(error) => panic!("{error}"),
        }
    }
    std::fs::remove_file(&link).expect("removed");
}
