//! Routes and rules of a host, as `ip` shows them.

use crate::Host;

/// What `ip` shows of routes, one line each.
#[must_use]
pub fn routes(host: &Host) -> String {
    let all = host
        .netns
        .shell("ip -d -o -4 route show table all; ip -d -o -6 route show table all");
    own_protocol(&all.replace(" table main ", " ").replace('\\', " "))
}

/// Our mark depends on the path of the pid file; C's is 18 always.
fn own_protocol(text: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        let ours = |pair: &[&str]| {
            pair[0] == "proto" && pair[1].parse::<u8>().is_ok_and(|number| number > 18)
        };
        if let Some(at) = words.windows(2).position(ours) {
            words[at + 1] = "keepalived";
        }
        words.join(" ")
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// What `ip` shows of rules, one line each.
#[must_use]
pub fn rules(host: &Host) -> String {
    own_protocol(&host.netns.shell("ip -d rule; ip -d -6 rule"))
}

/// The line of a route or rule: the one that holds this.
#[must_use]
pub fn line<'a>(all: &'a str, sign: &str) -> Option<&'a str> {
    all.lines().find(|line| format!("{line} ").contains(sign))
}
