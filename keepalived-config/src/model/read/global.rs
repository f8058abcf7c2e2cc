//! `global_defs`.

use std::net::IpAddr;
use std::path::PathBuf;

use super::line::{LEFT_OUT, Line, parse_unsigned, refuse};
use super::{alert, balance, device, process, script};
use crate::diagnostic::Diagnostics;
use crate::model::global::{DynamicInterfaces, GlobalDefs};
use crate::model::spanned::Spanned;
use crate::tree::Node;

/// The largest time Keepalived keeps, in microseconds.
const LONGEST: u64 = 4_294_967_295;
/// Microseconds that no uptime reaches.
const FOR_EVER: u64 = 4_294_967_295_000_000;

/// Reads one `global_defs` block into `global`; a later line wins.
pub(super) fn read(block: &Node, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    let mut alerts = alert::AlertDefaults::default();
    for entry in block.entries() {
        let line = Line::new(entry);
        if process::read(line, &mut global.process, diagnostics)
            || balance::defs::read(line, &mut global.balance, diagnostics)
            || alert::pipes(line, &mut global.pipes, diagnostics)
            || alert::mail(line, &mut global.mail, &mut alerts, diagnostics)
        {
            continue;
        }
        // One table line per keyword: what is not here is not supported and reported by the survey.
        match entry.keyword() {
            "router_id" => set(&mut global.router_id, name(line, diagnostics).map(Some)),
            "script_user" => script_user(line, global, diagnostics),
            "enable_script_security" => global.script_security = line.flag(diagnostics),
            "default_interface" => {
                let word = line.interface(LEFT_OUT, diagnostics);
                set(
                    &mut global.default_interface,
                    word.map(|word| Some(Spanned::new(word.as_str().to_owned(), word.span))),
                );
            }
            "dynamic_interfaces" => dynamic_interfaces(line, global, diagnostics),
            "log_unknown_vrids" => global.log_unknown_vrids = line.flag(diagnostics),
            "state_dump_file" => {
                let word = line.word("a path", diagnostics);
                set(
                    &mut global.state_dump_file,
                    word.map(|word| Some(PathBuf::from(word.as_str()))),
                );
            }
            "json_version" => {
                set(
                    &mut global.json_version,
                    line.number(1..=2, LEFT_OUT, diagnostics),
                );
            }
            "umask" => umask(line, global, diagnostics),
            "random_seed" => {
                let seed = line.number(0..=u32::MAX, LEFT_OUT, diagnostics);
                set(&mut global.random_seed, seed.map(Some));
            }
            "iproute_usr_dir" | "iproute_etc_dir" => {
                let _ = line.word("a directory", diagnostics);
            }
            "vrrp_netlink_cmd_rcv_bufs" => {
                let size = line.number(1..=u32::MAX, LEFT_OUT, diagnostics);
                set(&mut global.netlink_command_buffer.size, size.map(Some));
            }
            "vrrp_netlink_cmd_rcv_bufs_force" => {
                let on = line.boolean(diagnostics);
                set(&mut global.netlink_command_buffer.force, on);
            }
            "vrrp_netlink_monitor_rcv_bufs" => {
                let size = line.number(1..=u32::MAX, LEFT_OUT, diagnostics);
                set(&mut global.netlink_monitor_buffer.size, size.map(Some));
            }
            "vrrp_netlink_monitor_rcv_bufs_force" => {
                let on = line.boolean(diagnostics);
                set(&mut global.netlink_monitor_buffer.force, on);
            }
            "process_monitor_rcv_bufs" => {
                let size = line.number(1..=u32::MAX, LEFT_OUT, diagnostics);
                set(&mut global.process_monitor_buffer.size, size.map(Some));
            }
            "process_monitor_rcv_bufs_force" => {
                let on = line.boolean(diagnostics);
                set(&mut global.process_monitor_buffer.force, on);
            }
            "include_check" => {}
            "set_supplementary_groups" => {
                set(&mut global.supplementary_groups, line.boolean(diagnostics));
            }
            "use_symlink_paths" => set(&mut global.symlink_paths, line.boolean(diagnostics)),
            _ if device::global_line(line, &mut global.links, diagnostics) => {}
            _ => vrrp(line, global, diagnostics),
        }
    }
    alerts.settle(&mut global.mail);
}

/// The `vrrp_` half of the block.
fn vrrp(line: Line<'_>, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    let flag = match line.keyword() {
        "vrrp_lower_prio_no_advert" => &mut global.lower_prio_no_advert,
        "vrrp_higher_prio_send_advert" => &mut global.higher_prio_send_advert,
        "vrrp_owner_ignore_adverts" => &mut global.owner_ignore_adverts,
        "vrrp_skip_check_adv_addr" => &mut global.skip_check_adv_addr,
        "vrrp_check_unicast_src" => &mut global.check_unicast_src,
        "vrrp_strict" => &mut global.strict,
        "v3_checksum_as_v2" => &mut global.v3_checksum_as_v2,
        _ => return values(line, global, diagnostics),
    };
    set(flag, line.boolean(diagnostics));
}

fn values(line: Line<'_>, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    let announce = &mut global.announce;
    match line.keyword() {
        "vrrp_version" => {
            let number = line.version(diagnostics);
            set(&mut global.version, number.map(crate::model::version));
        }
        "vrrp_down_timer_adverts" => {
            set(
                &mut global.down_timer_adverts,
                line.number(1..=100, LEFT_OUT, diagnostics),
            );
        }
        "vrrp_mcast_group4" => {
            let group = group(line, diagnostics, "an IPv4 multicast group");
            if let Some(IpAddr::V4(address)) = group {
                global.mcast_group4 = address;
            }
        }
        "vrrp_mcast_group6" => {
            let group = group(line, diagnostics, "an IPv6 multicast group");
            if let Some(IpAddr::V6(address)) = group {
                global.mcast_group6 = address;
            }
        }
        "vrrp_startup_delay" => {
            set(
                &mut global.startup_delay,
                line.seconds(1000..=LONGEST, LEFT_OUT, diagnostics),
            );
        }
        "vrrp_delay_after_boot" => {
            set(
                &mut global.delay_after_boot,
                line.seconds(1000..=FOR_EVER, LEFT_OUT, diagnostics),
            );
        }
        "vrrp_garp_interval" => set(&mut global.garp_interval, spacing(line, diagnostics)),
        "vrrp_gna_interval" => set(&mut global.gna_interval, spacing(line, diagnostics)),
        "vrrp_garp_master_delay" => {
            set(
                &mut announce.master_delay,
                line.whole_seconds(LEFT_OUT, diagnostics),
            );
        }
        "vrrp_garp_master_repeat" => set(&mut announce.master_repeat, repeat(line, diagnostics)),
        "vrrp_garp_master_refresh" => {
            set(
                &mut announce.refresh,
                line.whole_seconds(LEFT_OUT, diagnostics),
            );
        }
        "vrrp_garp_master_refresh_repeat" => {
            set(&mut announce.refresh_repeat, repeat(line, diagnostics));
        }
        "vrrp_garp_lower_prio_delay" => {
            let delay = line.whole_seconds(LEFT_OUT, diagnostics);
            set(&mut announce.lower_prio_delay, delay.map(Some));
        }
        "vrrp_garp_lower_prio_repeat" => {
            let count = line.number(0..=u32::MAX, LEFT_OUT, diagnostics);
            set(&mut announce.lower_prio_repeat, count.map(Some));
        }
        _ => {}
    }
}

/// `vrrp_min_garp` changes defaults, so it has to be known before the other lines are read.
pub(super) fn read_min_garp(block: &Node, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        if entry.keyword() == "vrrp_min_garp" && Line::new(entry).boolean(diagnostics) == Some(true)
        {
            global.announce.master_repeat = 1;
            global.announce.master_delay = std::time::Duration::ZERO;
        }
    }
}

/// Stores a value if there is one.
pub(super) fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

/// Packets in a burst: 0 is taken as 1.
pub(super) fn repeat(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<u32> {
    let count = line.number(0..=u32::MAX, LEFT_OUT, diagnostics)?;
    if count == 0 {
        let message = format!("`{}` must be at least 1", line.keyword());
        diagnostics
            .warning("corrected", line.node.span(), message)
            .help("1 is used");
    }
    Some(count.max(1))
}

/// Least time between packets. 0 is what the widely copied sample file says, and it means no limit.
fn spacing(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<std::time::Duration> {
    let zero = line.node.arguments().first().and_then(|word| {
        crate::values::parse_seconds(word.as_str())
            .ok()
            .filter(std::time::Duration::is_zero)
    });
    if zero.is_some() {
        let message = format!(
            "`{} 0` says nothing: no spacing is the default",
            line.keyword()
        );
        diagnostics
            .warning("zero-interval", line.node.span(), message)
            .help("remove the line");
        return zero;
    }
    line.seconds(1..=LONGEST, LEFT_OUT, diagnostics)
}

/// A name for which Keepalived tolerates that it is missing.
pub(super) fn name(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Spanned<String>> {
    line.at_most(1, diagnostics);
    let Some(word) = line.node.arguments().first() else {
        let message = format!("`{}` needs a name", line.keyword());
        diagnostics
            .error("missing-value", line.node.keyword_span(), message)
            .help("the line is left out");
        return None;
    };
    Some(Spanned::new(word.as_str().to_owned(), word.span))
}

fn script_user(line: Line<'_>, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    line.at_most(2, diagnostics);
    global.script_user = script::user(line.node.arguments());
    if global.script_user.is_none() {
        diagnostics
            .error(
                "missing-value",
                line.node.keyword_span(),
                "`script_user` needs a user",
            )
            .help("the line is left out");
    }
}

fn dynamic_interfaces(line: Line<'_>, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    line.at_most(1, diagnostics);
    global.dynamic_interfaces = match line.node.arguments().first() {
        None => DynamicInterfaces::Yes,
        Some(word) if word.as_str() == "allow_if_changes" => DynamicInterfaces::AllowChanges,
        Some(word) => {
            let what = "nothing or `allow_if_changes`";
            refuse(
                diagnostics,
                "unknown-option",
                line.keyword(),
                what,
                word,
                "the word is left out",
            );
            DynamicInterfaces::Yes
        }
    };
}

fn group(line: Line<'_>, diagnostics: &mut Diagnostics, what: &str) -> Option<IpAddr> {
    let word = line.word(what, diagnostics)?;
    let wants_v4 = what.contains("IPv4");
    let address = word.as_str().parse::<IpAddr>().ok();
    let good = address.filter(|address| address.is_multicast() && address.is_ipv4() == wants_v4);
    if good.is_none() {
        refuse(
            diagnostics,
            "bad-group",
            line.keyword(),
            what,
            word,
            "the line is left out",
        );
    }
    good
}

fn umask(line: Line<'_>, global: &mut GlobalDefs, diagnostics: &mut Diagnostics) {
    let Some(first) = line.required("a mode such as 077", diagnostics) else {
        return;
    };
    let joined: String = line
        .node
        .arguments()
        .iter()
        .map(crate::tree::Word::as_str)
        .collect();
    let bits = number_mask(&joined).or_else(|| named_mask(&joined));
    match bits.filter(|bits| *bits <= 0o777) {
        Some(bits) => global.umask = Some(bits),
        None => {
            let what = "a mode from 0 to 0777, or bits such as IRWXG | IRWXO";
            refuse(
                diagnostics,
                "bad-umask",
                line.keyword(),
                what,
                first,
                "the line is left out",
            );
        }
    }
}

/// Octal with a leading 0, hexadecimal with 0x, else decimal.
fn number_mask(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16)
            .ok()
            .filter(|_| !digits.starts_with('+'));
    }
    if text.starts_with('0') {
        return u32::from_str_radix(text, 8).ok();
    }
    parse_unsigned(text).and_then(|number| u32::try_from(number).ok())
}

fn named_mask(text: &str) -> Option<u32> {
    text.split('|')
        .map(|bit| named_bits(bit.trim()))
        .try_fold(0, |mask, bits| Some(mask | bits?))
}

fn named_bits(name: &str) -> Option<u32> {
    let name = name.strip_prefix("S_").unwrap_or(name).strip_prefix('I')?;
    if let Some(who) = name.strip_prefix("RWX") {
        return Some(match who {
            "U" => 0o700,
            "G" => 0o070,
            "O" => 0o007,
            _ => return None,
        });
    }
    let mut letters = name.chars();
    let bit = match letters.next()? {
        'R' => 4,
        'W' => 2,
        'X' => 1,
        _ => return None,
    };
    Some(match letters.as_str() {
        "USR" => bit << 6,
        "GRP" => bit << 3,
        "OTH" => bit,
        _ => return None,
    })
}

/// A name that cannot lead out of the folder of namespaces.
pub(super) fn namespace(line: Line<'_>, diagnostics: &mut Diagnostics) -> Option<Spanned<String>> {
    const WHAT: &str = "the name of a network namespace";
    let word = line.word(WHAT, diagnostics)?;
    let text = word.as_str();
    if text.is_empty() || matches!(text, "." | "..") || text.contains('/') {
        refuse(
            diagnostics,
            "bad-name",
            line.keyword(),
            WHAT,
            word,
            "all instances stay in FAULT",
        );
        return None;
    }
    Some(Spanned::new(text.to_owned(), word.span))
}
