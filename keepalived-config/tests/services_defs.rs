//! What holds for all services: `lvs_*`, `checker_*`, `SSL`, and the names that checks use.

use std::path::Path;
use std::time::Duration;

use keepalived_config::model::ScriptUser;
use keepalived_config::model::balance::{AtStop, BalanceNamespace, CheckerKind};
use keepalived_config::{MemorySource, Options, Parsed, Severity, parse};

fn parsed(text: &str) -> Parsed {
    let mut source = MemorySource::new().with_file("/test.conf", text);
    parse(&mut source, "/test.conf", &Options::default())
}

fn codes(text: &str) -> Vec<&'static str> {
    let found = parsed(text).diagnostics.into_iter().map(|found| found.code);
    found.filter(|code| *code != "not-supported-yet").collect()
}

fn global(lines: &str) -> String {
    format!("global_defs {{\n{lines}\n}}\n")
}

const NONE: [&str; 0] = [];

/// IPVS-02 to IPVS-04, CHK-07.
#[test]
fn lines_about_the_table_are_read() {
    let text = global(
        "lvs_flush\nlvs_flush_on_stop VS\nlvs_timeouts tcp 900 udp 30\nrs_init_notifies\n\
         checker_log_all_failures\nlvs_netlink_cmd_rcv_bufs 65536",
    );
    assert_eq!(codes(&text), NONE);
    let balance = parsed(&text).config.global.balance;
    assert!(balance.flush && balance.init_notifies && balance.log_all_failures);
    assert_eq!(balance.at_stop, AtStop::RemoveServices);
    let timeouts = balance.timeouts;
    assert_eq!(timeouts.tcp, Some(Duration::from_secs(900)));
    assert_eq!(
        (timeouts.tcp_fin, timeouts.udp),
        (None, Some(Duration::from_secs(30)))
    );
    assert_eq!(balance.netlink_command_buffer.size, Some(65536));
    let old = parsed(&global("lvs_flush_onstop")).config.global.balance;
    assert_eq!(old.at_stop, AtStop::Flush);
    assert!(!old.flush && !old.init_notifies && !old.log_all_failures);
    assert_eq!(codes(&global("lvs_flush_on_stop RS")), ["unknown-option"]);
    assert_eq!(codes(&global("lvs_timeouts")), ["missing-argument"]);
    assert_eq!(codes(&global("lvs_timeouts tcp x")), ["bad-option"]);
    assert_eq!(codes(&global("lvs_timeouts sctp 5")), ["bad-option"]);
}

/// IPVS-01.
#[test]
fn the_sync_daemon_has_the_number_of_its_instance_unless_it_has_its_own() {
    let instance = "vrrp_instance V1 {\ninterface eth0\nvirtual_router_id 51\n\
                    virtual_ipaddress {\n192.0.2.1\n}\nLINE\n}\n";
    let with = |line: &str| global(line) + &instance.replace("LINE", "");
    let daemon = |text: &str| {
        assert_eq!(codes(text), NONE, "{text}");
        parsed(text).config.global.balance.sync_daemon.unwrap()
    };
    let plain = daemon(&with("lvs_sync_daemon eth0"));
    assert_eq!((plain.id, plain.port, plain.instance), (0, 8848, None));
    assert_eq!(plain.group.to_string(), "224.0.0.81");
    let followed = daemon(&with("lvs_sync_daemon eth0 V1"));
    assert_eq!(followed.id, 51);
    let text = with("lvs_sync_daemon eth1 inst V1 id 7 maxlen 1400 port 9 ttl 3 group 224.0.0.5");
    let full = daemon(&text);
    assert_eq!(
        (full.id, full.port, full.max_length, full.ttl),
        (7, 9, Some(1400), Some(3))
    );
    assert_eq!(full.group.to_string(), "224.0.0.5");
    assert_eq!(full.instance.map(|name| name.value).as_deref(), Some("V1"));
    let old = daemon(&instance.replace("LINE", "lvs_sync_daemon_interface eth5"));
    assert_eq!((old.id, old.interface.value.as_str()), (51, "eth5"));
    let both = global("lvs_sync_daemon eth0")
        + &instance.replace("LINE", "lvs_sync_daemon_interface eth5");
    assert_eq!(codes(&both), ["duplicate-sync-daemon"]);
    let unknown = global("lvs_sync_daemon eth0 V2");
    assert_eq!(codes(&unknown), ["unknown-instance"]);
    assert_eq!(parsed(&unknown).config.global.balance.sync_daemon, None);
    for wrong in ["id 256", "maxlen 0", "port 0", "ttl 0", "group 10.0.0.1"] {
        let line = format!("lvs_sync_daemon eth0 {wrong}");
        assert_eq!(codes(&global(&line)), ["bad-option"], "{wrong}");
    }
    assert_eq!(
        codes(&global("lvs_sync_daemon eth0 id")),
        ["missing-argument"]
    );
}

/// SYS-03, SYS-04, NOTI-07.
#[test]
fn the_thread_the_pipe_and_the_namespace_of_services_have_their_own_lines() {
    let text = global(
        "checker_priority -5\nchecker_rt_priority 9\nchecker_cpu_affinity 0 1\nchecker_no_swap\n\
         checker_rlimit_rttime 5000\nlvs_process_name balance\nlvs_notify_fifo /run/f bob\n\
         lvs_notify_fifo_script \"/bin/cat x\"",
    ) + "net_namespace_ipvs other\n";
    assert_eq!(codes(&text), NONE);
    let config = parsed(&text).config;
    let process = &config.global.process;
    assert_eq!(
        (process.checker.nice, process.checker.realtime),
        (Some(-5), Some(9))
    );
    assert_eq!(process.checker.cpus, [0, 1]);
    assert!(process.checker.no_swap);
    assert_eq!(process.checker.rttime, Some(Duration::from_micros(5000)));
    assert_eq!(process.names.checker.as_deref(), Some("balance"));
    assert_eq!(
        process.vrrp,
        Default::default(),
        "the other thread is as it was"
    );
    let pipe = &config.global.pipes.balance;
    assert_eq!(pipe.path.as_deref(), Some(Path::new("/run/f")));
    assert_eq!(
        pipe.owner.as_ref().map(|owner| owner.user.as_str()),
        Some("bob")
    );
    assert_eq!(
        pipe.reader.as_ref().map(|reader| reader.argv.len()),
        Some(2)
    );
    let BalanceNamespace::Named(name) = config.balance_namespace else {
        panic!("{:?}", config.balance_namespace);
    };
    assert_eq!(name.value, "other");
    let bare = parsed("net_namespace_ipvs\n").config.balance_namespace;
    assert_eq!(bare, BalanceNamespace::Original);
}

/// CHK-13.
#[test]
fn the_identity_names_its_files_and_keeps_its_password_out_of_logs() {
    let text = "SSL {\npassword geheim\nca /ca.pem\ncertificate /c.pem\nkey /k.pem\n}\n";
    assert_eq!(codes(text), ["unverified"]);
    let identity = parsed(text).config.identity;
    let path = |path: Option<keepalived_config::model::Spanned<std::path::PathBuf>>| {
        path.map(|path| path.value.display().to_string())
    };
    assert!(!format!("{identity:?}").contains("geheim"));
    assert_eq!(
        identity.password.map(|word| word.value).as_deref(),
        Some("geheim")
    );
    assert_eq!(path(identity.ca).as_deref(), Some("/ca.pem"));
    assert_eq!(path(identity.certificate).as_deref(), Some("/c.pem"));
    assert_eq!(path(identity.key).as_deref(), Some("/k.pem"));
}

/// CHK-19, CHK-20.
#[test]
fn a_check_of_a_file_or_session_that_does_not_exist_is_broken() {
    let text = "track_file F {\nfile /f\n}\nbfd_instance B {\nneighbor_ip 192.0.2.3\n}\n\
                virtual_server 192.0.2.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
                real_server 192.0.2.2 80 {\nFILE_CHECK {\ntrack_file F\n}\nFILE_CHECK {\ntrack_file G\n}\n\
                BFD_CHECK {\nname B\nalpha\n}\nBFD_CHECK {\nname C\n}\n}\n}\n";
    assert_eq!(codes(text), ["unknown-tracker", "unknown-tracker"]);
    let checkers = parsed(text)
        .config
        .services
        .remove(0)
        .servers
        .remove(0)
        .checkers;
    let kinds: Vec<_> = checkers.iter().map(|checker| &checker.kind).collect();
    assert!(
        matches!(
            kinds[..],
            [
                CheckerKind::File { name: file, .. },
                CheckerKind::Broken { word: "FILE_CHECK", .. },
                CheckerKind::Bfd { name: session },
                CheckerKind::Broken { word: "BFD_CHECK", .. },
            ] if file.value == "F" && session.value == "B"
        ),
        "{kinds:?}"
    );
}

/// CHK-11, CHK-12: a line that says more about another one does nothing where that is not.
#[test]
fn lines_about_a_pattern_or_name_that_is_not_there_are_told_to_do_nothing() {
    let read = |check: &str, lines: &str, url: &str| {
        codes(&format!(
            "virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
             real_server 192.0.2.2 80 {{\n{check} {{\n{lines}\nurl {{\npath /\n{url}\n}}\n}}\n}}\n}}\n"
        ))
    };
    for line in [
        "regex_no_match",
        "regex_options caseless",
        "regex_min_offset 3",
        "regex_max_offset 3",
    ] {
        assert_eq!(read("HTTP_GET", "", line), ["lone-line"], "{line}");
        let both = format!("{line}\nregex \"x\"");
        assert_eq!(read("HTTP_GET", "", &both), NONE, "{line}");
    }
    assert_eq!(read("SSL_GET", "enable_sni", ""), ["lone-line"]);
    assert_eq!(read("SSL_GET", "enable_sni off", ""), NONE);
    assert_eq!(read("SSL_GET", "enable_sni\nsni_name a.example", ""), NONE);
    assert_eq!(read("SSL_GET", "enable_sni", "virtualhost a.example"), NONE);
    assert_eq!(codes("SSL {\npassword x\n}\n"), ["lone-line"]);
    assert_eq!(codes("SSL {\npassword x\nkey /k.pem\n}\n"), NONE);
}

/// CHK-16: Keepalived leaves out without a word what is behind the command; a keyword there is no user.
#[test]
fn a_keyword_behind_the_command_of_a_check_is_no_user() {
    let read = |line: &str| {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
             real_server 192.0.2.2 80 {{\nMISC_CHECK {{\n{line}\n}}\n}}\n}}\n"
        );
        let mut found = parsed(&text);
        let said: Vec<_> = found
            .diagnostics
            .iter()
            .map(|it| (it.code, it.severity))
            .collect();
        let user = |script: &Option<ScriptUser>| script.as_ref().map(|user| user.user.clone());
        let listed = found
            .config
            .commands
            .first()
            .map(|command| user(&command.script.user));
        let checker = found
            .config
            .services
            .remove(0)
            .servers
            .remove(0)
            .checkers
            .remove(0);
        match checker.kind {
            CheckerKind::Script {
                command, dynamic, ..
            } => {
                assert_eq!(listed, Some(user(&command.user)), "{line}");
                (said, Some((user(&command.user), dynamic)))
            }
            _ => (said, None),
        }
    };
    let warned = vec![("surplus-argument", Severity::Warning)];
    assert_eq!(
        read("misc_path \"/bin/true\" misc_dynamic"),
        (warned.clone(), Some((None, false)))
    );
    assert_eq!(
        read("misc_path \"/bin/true\" misc_timeout 3\nmisc_dynamic"),
        (warned.clone(), Some((None, true)))
    );
    // Arguments without quotes: Keepalived runs the command without them.
    for arguments in ["192.0.2.1 80", "-H web", "nobody nogroup more", "/etc/x"] {
        assert_eq!(
            read(&format!("misc_path /bin/true {arguments}")),
            (warned.clone(), Some((None, false))),
            "{arguments}"
        );
    }
    let nobody = Some("nobody".to_owned());
    assert_eq!(
        read("misc_path \"/bin/true\" nobody nogroup"),
        (warned, Some((nobody.clone(), false)))
    );
    assert_eq!(
        read("misc_path /bin/true\nuser nobody"),
        (Vec::new(), Some((nobody, false)))
    );
    // It must not run as root because the end of a line is missing.
    assert_eq!(
        read("misc_path \"/bin/true\" user nobody"),
        (
            vec![
                ("incomplete-checker", Severity::Error),
                ("surplus-argument", Severity::Error)
            ],
            None
        )
    );
}

/// RS-07: what is named as a check was to be one, as was every block of a server, and nobody looks.
#[test]
fn a_check_whose_keyword_is_misspelt_is_broken() {
    let checkers = |check: &str| {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
             real_server 192.0.2.2 80 {{\n{check}\nweight 3\n}}\n}}\n"
        );
        let mut found = parsed(&text);
        assert_eq!(codes(&text).len(), 1, "{check}");
        let server = found.config.services.remove(0).servers.remove(0);
        assert_eq!(server.weight, 3, "{check}");
        let words = server.checkers.iter().map(|checker| match &checker.kind {
            CheckerKind::Broken { word, why, .. } => format!("{word}: {why}"),
            other => format!("{other:?}"),
        });
        words.collect::<Vec<_>>()
    };
    let unknown = |word: &str| {
        vec![format!(
            "UNKNOWN: unknown keyword `{word}` in `real_server`"
        )]
    };
    for (check, word) in [
        ("TPC_CHECK {\nconnect_port 80\n}", "TPC_CHECK"),
        ("TPC_CHECK\n{\n}", "TPC_CHECK"),
        ("FTP_GET {\nurl {\npath /\n}\n}", "FTP_GET"),
        ("tcp_check {\n}", "tcp_check"),
        ("TCP_CHEKC {\n}", "TCP_CHEKC"),
        ("LDAP_CHECK", "LDAP_CHECK"),
        ("TCP {\nconnect_timeout 1\n}", "TCP"),
        ("nonsense {\n}", "nonsense"),
    ] {
        assert_eq!(checkers(check), unknown(word), "{check}");
    }
    assert_eq!(
        checkers("TCP_CHECK"),
        ["TCP_CHECK: `TCP_CHECK` must be followed by a block"]
    );
    let nothing: Vec<String> = Vec::new();
    assert_eq!(checkers("nonsense 1"), nothing);
}

/// RS-07: a slip of the pen must not make a check that asks for less, or from elsewhere, than the file does.
#[test]
fn a_check_with_a_mistake_in_what_it_asks_for_is_broken() {
    let broken = |check: &str, lines: &str| {
        let text = format!(
            "virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
             real_server 192.0.2.2 80 {{\n{check} {{\n{lines}\n}}\n}}\n}}\n"
        );
        let mut found = parsed(&text);
        let server = found.config.services.remove(0).servers.remove(0);
        assert_eq!(codes(&text).len(), 1, "{lines}");
        let [checker] = &server.checkers[..] else {
            panic!("{check} with {lines}: {:?}", server.checkers);
        };
        matches!(&checker.kind, CheckerKind::Broken { word, .. } if *word == check)
    };
    let page = |line: &str| format!("url {{\npath /\n{line}\n}}");
    for (check, lines) in [
        ("UDP_CHECK", "require_reply zz".to_owned()),
        ("TCP_CHECK", "bindto 999.1.1.1".to_owned()),
        ("TCP_CHECK", "bind_port 99999".to_owned()),
        ("SMTP_CHECK", "fwmark abc".to_owned()),
        ("PING_CHECK", "connect_ip 127.0.0.".to_owned()),
        ("DNS_CHECK", "type FOO".to_owned()),
        ("HTTP_GET", page("digest 1234")),
        ("HTTP_GET", page("status_code 500-400")),
        ("SSL_GET", page("") + "\nssl_verify maybe"),
    ] {
        assert!(broken(check, &lines), "{check} with {lines}");
    }
    for (check, lines) in [
        ("TCP_CHECK", "connect_timeout x"),
        ("TCP_CHECK", "retry -1"),
        ("SMTP_CHECK", "delay_loop x"),
    ] {
        assert!(!broken(check, lines), "{check} with {lines}");
    }
}
