//! `virtual_server` as a model: what is handed down, what is corrected, what is refused.

use std::time::Duration;

use keepalived_config::model::VirtualServer;
use keepalived_config::model::balance::Checker;
use keepalived_config::{MemorySource, Options, Parsed, parse};

mod checks;
mod service;

fn parsed(text: &str) -> Parsed {
    let mut source = MemorySource::new().with_file("/test.conf", text);
    parse(&mut source, "/test.conf", &Options::default())
}

fn codes(text: &str) -> Vec<&'static str> {
    let found = parsed(text).diagnostics.into_iter().map(|found| found.code);
    // Most services here have neither scheduler nor method, which is said of each.
    let plain = ["not-supported-yet", "no-scheduler", "no-forwarding"];
    found.filter(|code| !plain.contains(code)).collect()
}

/// The one service that `lines` make, with one server of `server` lines; nothing to complain about.
fn service(lines: &str, server: &str) -> VirtualServer {
    let text = text("192.0.2.1 80", lines, server);
    assert_eq!(codes(&text), Vec::<&str>::new(), "{text}");
    parsed(&text).config.services.remove(0)
}

fn text(address: &str, lines: &str, server: &str) -> String {
    let protocol = if lines.contains("protocol") || address.contains("fwmark") {
        ""
    } else {
        "protocol TCP"
    };
    // What a server may name is there.
    let named = if server.contains("FILE_CHECK") {
        "track_file f {\nfile /f\n}\n"
    } else if server.contains("BFD_CHECK") {
        "bfd_instance b {\nneighbor_ip 192.0.2.8\n}\n"
    } else {
        ""
    };
    format!(
        "{named}virtual_server {address} {{\n{protocol}\n{lines}\nreal_server 192.0.2.9 80 {{\n{server}\n}}\n}}\n"
    )
}

fn checker(lines: &str, server: &str) -> Checker {
    service(lines, server).servers.remove(0).checkers.remove(0)
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
