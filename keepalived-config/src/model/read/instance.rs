//! `vrrp_instance`: what the file says, before defaults and corrections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::{Family, Vrid};

use super::authentication::{self, AuthType, RawHmac};
use super::bfd::RawTracked;
use super::global::{repeat, set};
use super::line::{LEFT_OUT, Line, keep, refuse};
use super::rule::Preferences;
use super::{address, bfd, device, peer, route, rule, script, track};
use crate::diagnostic::Diagnostics;
use crate::model::authentication::Password;
use crate::model::instance::{OldUnicastChecksum, Peer, TrackedInterface, WantedState};
use crate::model::route::Route;
use crate::model::rule::Rule;
use crate::model::script::{Notify, Script};
use crate::model::spanned::Spanned;
use crate::model::trackers::RawUse;
use crate::model::vip::Vip;
use crate::names::Names;
use crate::tree::{Node, Span, Word};

/// An instance as written. Absent means: not written.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) interface: Option<Spanned<String>>,
    pub(crate) vrid: Option<Spanned<Vrid>>,
    /// There is a `virtual_router_id` or `interface` line, usable or not; it has been complained about.
    pub(crate) tried_vrid: bool,
    pub(crate) tried_interface: bool,
    /// Entries in `virtual_ipaddress`, usable or not.
    pub(crate) listed_addresses: usize,
    /// The family of the first address in the file, and where that is.
    pub(crate) family: Option<Spanned<Family>>,
    pub(crate) version: Option<Spanned<u8>>,
    pub(crate) priority: Option<Spanned<u8>>,
    pub(crate) wanted: Option<WantedState>,
    pub(crate) nopreempt: Option<Span>,
    pub(crate) preempt_delay: Option<Spanned<Duration>>,
    pub(crate) advert_int: Option<Spanned<Duration>>,
    pub(crate) down_timer_adverts: Option<Spanned<u8>>,
    pub(crate) addresses: Vec<Vip>,
    pub(crate) excluded: Vec<Vip>,
    pub(crate) routes: Vec<Route>,
    pub(crate) rules: Vec<Rule>,
    /// Address, prefix length and device of each of `addresses`.
    pub(crate) seen_addresses: HashMap<(IpAddr, u8, Option<String>), Span>,
    pub(crate) no_virtual_ipaddress: bool,
    pub(crate) auth_type: Option<Spanned<AuthType>>,
    pub(crate) auth_pass: Option<Spanned<Password>>,
    pub(crate) auth_hmac: Option<RawHmac>,
    pub(crate) source: Option<Spanned<IpAddr>>,
    /// The first line that declares the instance unicast.
    pub(crate) unicast: Option<Span>,
    /// The first `unicast_peer` block, empty or not.
    pub(crate) peer_block: Option<Span>,
    pub(crate) peers: Vec<Peer>,
    /// Entries in `unicast_peer`, usable or not.
    pub(crate) listed_peers: usize,
    pub(crate) fault_no_peer: bool,
    pub(crate) unicast_ttl: Option<Spanned<u8>>,
    pub(crate) check_unicast_src: Option<bool>,
    pub(crate) group: Option<Spanned<IpAddr>>,
    pub(crate) track_source: Option<Span>,
    pub(crate) dont_track_primary: bool,
    pub(crate) tracked_interfaces: Vec<TrackedInterface>,
    pub(crate) tracked_bfd: Vec<RawTracked>,
    /// Scripts, files and processes.
    pub(crate) used: Vec<RawUse>,
    pub(crate) seen_tracked: track::Seen,
    /// The group whose members must not have weights of their own.
    pub(crate) even_with: Option<String>,
    pub(crate) v3_checksum_as_v2: Option<bool>,
    pub(crate) old_unicast_checksum: OldUnicastChecksum,
    pub(crate) lower_prio_no_advert: Option<Spanned<bool>>,
    pub(crate) higher_prio_send_advert: Option<Spanned<bool>>,
    pub(crate) owner_ignore_adverts: Option<bool>,
    pub(crate) skip_check_adv_addr: Option<bool>,
    pub(crate) announce: RawAnnounce,
    pub(crate) notify: Notify,
    pub(crate) strict: Option<bool>,
    pub(crate) accept: Option<Span>,
    pub(crate) device: device::RawDevice,
    pub(crate) timer_expired_backup: Option<Spanned<u8>>,
    pub(crate) receive_buffer: Option<u32>,
    pub(crate) native_ipv6: Option<Span>,
    pub(crate) sync_daemon: Option<Spanned<String>>,
}

/// `garp_*` lines.
#[derive(Debug, Default)]
pub(crate) struct RawAnnounce {
    pub(crate) delay: Option<Duration>,
    pub(crate) repeat: Option<u32>,
    pub(crate) refresh: Option<Duration>,
    pub(crate) refresh_repeat: Option<u32>,
    pub(crate) lower_prio_delay: Option<Duration>,
    pub(crate) lower_prio_repeat: Option<u32>,
    /// The last `garp_lower_prio_*` line.
    pub(crate) lower_prio: Option<Span>,
}

/// Reads the lines of an instance.
pub(super) fn read(
    block: &Node,
    names: &Names,
    preferences: &mut Preferences,
    diagnostics: &mut Diagnostics,
) -> Raw {
    let mut raw = Raw::default();
    for entry in block.entries() {
        let line = Line::new(entry);
        match entry.keyword() {
            "state" => state(line, &mut raw, diagnostics),
            "interface" => {
                raw.tried_interface = true;
                let word = line.interface("the instance is left out", diagnostics);
                set(&mut raw.interface, word.map(|word| Some(text(word))));
            }
            "virtual_router_id" => {
                raw.tried_vrid = true;
                let number = line.number(1..=255_u8, "the instance is left out", diagnostics);
                let vrid = number.and_then(Vrid::new);
                set(
                    &mut raw.vrid,
                    vrid.map(|vrid| Some(Spanned::new(vrid, entry.span()))),
                );
            }
            "version" => {
                let number = line.version(diagnostics);
                set(
                    &mut raw.version,
                    number.map(|number| Some(spanned(line, number))),
                );
            }
            "priority" => {
                let number = line.number(1..=255, "the default 100 is used", diagnostics);
                raw.priority = Some(spanned(line, number.unwrap_or(100)));
            }
            "advert_int" => {
                let time = line.seconds(
                    10_000..=255_000_000,
                    "the default of 1 s is used",
                    diagnostics,
                );
                set(
                    &mut raw.advert_int,
                    time.map(|time| Some(spanned(line, time))),
                );
            }
            "nopreempt" => {
                line.at_most(0, diagnostics);
                raw.nopreempt = Some(entry.span());
            }
            "preempt" => {
                line.at_most(0, diagnostics);
                raw.nopreempt = None;
            }
            "preempt_delay" => {
                let time = line.seconds(0..=1_000_000_000, LEFT_OUT, diagnostics);
                set(
                    &mut raw.preempt_delay,
                    time.map(|time| Some(spanned(line, time))),
                );
            }
            "virtual_ipaddress" => virtual_addresses(entry, &mut raw, names, diagnostics),
            "virtual_ipaddress_excluded" => {
                let read = entry.entries().iter();
                raw.excluded.extend(
                    read.filter_map(|entry| address::read(entry, false, names, diagnostics)),
                );
            }
            "virtual_routes" => {
                let read = entry.entries().iter();
                let read = read.filter_map(|entry| route::read(entry, false, names, diagnostics));
                raw.routes.extend(read);
            }
            "virtual_rules" => {
                let read = entry
                    .entries()
                    .iter()
                    .filter_map(|entry| rule::read(entry, false, names, preferences, diagnostics));
                raw.rules.extend(read);
            }
            "authentication" => authentication::legacy(entry, &mut raw, diagnostics),
            "auth_hmac" => authentication::hmac(entry, &mut raw, diagnostics),
            "track_interface" => track::interfaces(entry, &mut raw, diagnostics),
            "track_bfd" => bfd::tracked(entry, &mut raw, diagnostics),
            "track_script" | "track_file" | "track_process" => {
                track::objects(entry, &mut raw, diagnostics);
            }
            _ if device::instance_line(line, &mut raw.device, names, diagnostics) => {}
            _ => unicast(line, &mut raw, diagnostics),
        }
    }
    raw
}

fn unicast(line: Line<'_>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let span = line.node.span();
    match line.keyword() {
        "unicast_peer" => {
            raw.unicast.get_or_insert(span);
            raw.peer_block.get_or_insert(span);
            for entry in line.node.entries() {
                peer::read(entry, raw, diagnostics);
            }
        }
        "unicast_src_ip" => {
            raw.unicast.get_or_insert(span);
            source(line, raw, diagnostics);
        }
        "mcast_src_ip" => source(line, raw, diagnostics),
        "mcast_dst_ip" => destination(line, raw, diagnostics),
        "unicast_ttl" => {
            let ttl = line.number(0..=255, LEFT_OUT, diagnostics);
            set(
                &mut raw.unicast_ttl,
                ttl.map(|ttl| Some(spanned(line, ttl))),
            );
        }
        "unicast_fault_no_peer" => raw.fault_no_peer = line.flag(diagnostics),
        "check_unicast_src" => raw.check_unicast_src = Some(line.flag(diagnostics)),
        "old_unicast_checksum" => {
            line.at_most(1, diagnostics);
            match line.node.arguments().first() {
                None => raw.old_unicast_checksum = OldUnicastChecksum::Always,
                Some(word) if word.as_str() == "never" => {
                    raw.old_unicast_checksum = OldUnicastChecksum::Never;
                }
                Some(word) => {
                    let what = "nothing or `never`";
                    refuse(
                        diagnostics,
                        "unknown-option",
                        line.keyword(),
                        what,
                        word,
                        LEFT_OUT,
                    );
                }
            }
        }
        "track_src_ip" => {
            line.at_most(0, diagnostics);
            raw.track_source = Some(span);
        }
        "dont_track_primary" => raw.dont_track_primary = line.flag(diagnostics),
        "no_virtual_ipaddress" => raw.no_virtual_ipaddress = line.flag(diagnostics),
        "native_ipv6" => raw.native_ipv6 = Some(span),
        _ => behaviour(line, raw, diagnostics),
    }
}

fn behaviour(line: Line<'_>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let announce = &mut raw.announce;
    match line.keyword() {
        "garp_master_delay" => keep(
            &mut announce.delay,
            line.whole_seconds(LEFT_OUT, diagnostics),
        ),
        "garp_master_refresh" => {
            keep(
                &mut announce.refresh,
                line.whole_seconds(LEFT_OUT, diagnostics),
            );
        }
        "garp_lower_prio_delay" => {
            announce.lower_prio = Some(line.node.span());
            keep(
                &mut announce.lower_prio_delay,
                line.whole_seconds(LEFT_OUT, diagnostics),
            );
        }
        "garp_master_repeat" => keep(&mut announce.repeat, repeat(line, diagnostics)),
        "garp_master_refresh_repeat" => {
            keep(&mut announce.refresh_repeat, repeat(line, diagnostics));
        }
        "garp_lower_prio_repeat" => {
            announce.lower_prio = Some(line.node.span());
            let count = line.number(0..=u32::MAX, LEFT_OUT, diagnostics);
            keep(&mut announce.lower_prio_repeat, count);
        }
        "down_timer_adverts" => {
            let count = line.number(1..=100, LEFT_OUT, diagnostics);
            keep(
                &mut raw.down_timer_adverts,
                count.map(|count| spanned(line, count)),
            );
        }
        "lower_prio_no_advert" => {
            let on = line.boolean(diagnostics);
            keep(
                &mut raw.lower_prio_no_advert,
                on.map(|on| spanned(line, on)),
            );
        }
        "higher_prio_send_advert" => {
            let on = line.boolean(diagnostics);
            keep(
                &mut raw.higher_prio_send_advert,
                on.map(|on| spanned(line, on)),
            );
        }
        "owner_ignore_adverts" => keep(&mut raw.owner_ignore_adverts, line.boolean(diagnostics)),
        "skip_check_adv_addr" => keep(&mut raw.skip_check_adv_addr, line.boolean(diagnostics)),
        "v3_checksum_as_v2" => keep(&mut raw.v3_checksum_as_v2, line.boolean(diagnostics)),
        "kernel_rx_buf_size" => {
            let size = line.number(0..=u32::MAX, LEFT_OUT, diagnostics);
            raw.receive_buffer = size.filter(|size| *size > 0);
        }
        "debug" => {
            // Nothing reads the level, but a wrong one is an error in Keepalived too.
            let _ = line.number(0..=4, LEFT_OUT, diagnostics);
        }
        "accept" => {
            line.at_most(0, diagnostics);
            raw.accept = Some(line.node.span());
        }
        "timer_expired_backup" | "thread_timer_expired" => {
            let priority = match line.node.arguments() {
                [] => Some(254),
                _ => line.number(1..=254, LEFT_OUT, diagnostics),
            };
            keep(
                &mut raw.timer_expired_backup,
                priority.map(|priority| Spanned::new(priority, line.node.span())),
            );
        }
        "lvs_sync_daemon_interface" => {
            let word = line.interface(LEFT_OUT, diagnostics);
            keep(&mut raw.sync_daemon, word.map(text));
        }
        "strict_mode" => keep(&mut raw.strict, line.boolean(diagnostics)),
        _ => notify(line, &mut raw.notify, diagnostics),
    }
}

pub(super) fn notify(line: Line<'_>, notify: &mut Notify, diagnostics: &mut Diagnostics) {
    let slot = match line.keyword() {
        "notify" => &mut notify.any,
        "notify_master" => &mut notify.master,
        "notify_backup" => &mut notify.backup,
        "notify_fault" => &mut notify.fault,
        "notify_stop" => &mut notify.stop,
        "notify_master_rx_lower_pri" => &mut notify.master_rx_lower_pri,
        "notify_deleted" => {
            notify.report_deleted = true;
            if line.node.arguments().is_empty() {
                return;
            }
            &mut notify.deleted
        }
        "smtp_alert" => return set(&mut notify.mail, line.boolean(diagnostics).map(Some)),
        "notify_priority_changes" => {
            return set(
                &mut notify.priority_changes,
                line.boolean(diagnostics).map(Some),
            );
        }
        _ => return,
    };
    let Some(script) = script::read(line, diagnostics) else {
        return;
    };
    match slot {
        None => *slot = Some(script),
        Some(Script { span, .. }) => {
            let message = format!("`{}` is given twice", line.keyword());
            diagnostics
                .error("duplicate-script", line.node.span(), message)
                .help("the first one is used")
                .note(*span, "the first one is here");
        }
    }
}

fn state(line: Line<'_>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let what = "`MASTER` or `BACKUP`";
    let Some(word) = line.word(what, diagnostics) else {
        return;
    };
    raw.wanted = Some(match word.as_str() {
        "MASTER" => WantedState::Master,
        "BACKUP" => WantedState::Backup,
        other => {
            let complaint = refuse(
                diagnostics,
                "bad-state",
                "state",
                what,
                word,
                "BACKUP is used",
            );
            if matches!(other.to_ascii_uppercase().as_str(), "MASTER" | "BACKUP") {
                complaint.help("write it in capital letters; BACKUP is used");
            }
            WantedState::Backup
        }
    });
}

/// The first address of an instance decides its family; others must agree.
pub(super) fn same_family(
    raw: &mut Raw,
    address: IpAddr,
    span: Span,
    diagnostics: &mut Diagnostics,
) -> bool {
    let family = Family::of(address);
    let first = *raw.family.get_or_insert_with(|| Spanned::new(family, span));
    if first.value == family {
        return true;
    }
    let (this, other) = (family_name(family), family_name(first.value));
    let message = format!("`{address}` is {this}, but this instance is {other}");
    diagnostics
        .error("mixed-families", span, message)
        .help(format!(
            "an instance has one family: give {this} an instance of its own; this one is left out"
        ))
        .note(first.span, format!("this made it {other}"));
    false
}

const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

fn virtual_addresses(block: &Node, raw: &mut Raw, names: &Names, diagnostics: &mut Diagnostics) {
    for entry in block.entries() {
        raw.listed_addresses += 1;
        let Some(vip) = address::read(entry, false, names, diagnostics) else {
            continue;
        };
        let span = entry.keyword_span();
        if !same_family(raw, vip.address, span, diagnostics) {
            continue;
        }
        let key = (vip.address, vip.prefix_len, vip.device.clone());
        if let Some(first) = raw.seen_addresses.insert(key, span) {
            let message = format!("`{}` is listed twice", vip.address);
            diagnostics
                .warning("duplicate-address", span, message)
                .help("one of them is left out")
                .note(first, "the other one is here");
            continue;
        }
        raw.addresses.push(vip);
    }
}

fn source(line: Line<'_>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let Some((address, word)) = line.address(diagnostics) else {
        return;
    };
    if address.is_multicast() || address.is_unspecified() {
        let message = format!("`{address}` cannot be a source address");
        diagnostics
            .error("bad-address", word.span, message)
            .help(LEFT_OUT);
        return;
    }
    if same_family(raw, address, word.span, diagnostics) {
        raw.source = Some(Spanned::new(address, word.span));
    }
}

fn destination(line: Line<'_>, raw: &mut Raw, diagnostics: &mut Diagnostics) {
    let what = "a multicast address";
    let Some(word) = line.word(what, diagnostics) else {
        return;
    };
    match word.as_str().parse::<IpAddr>() {
        Ok(address) if address.is_multicast() => {
            if same_family(raw, address, word.span, diagnostics) {
                raw.group = Some(Spanned::new(address, word.span));
            }
        }
        _ => {
            refuse(
                diagnostics,
                "bad-group",
                line.keyword(),
                what,
                word,
                LEFT_OUT,
            );
        }
    }
}

fn spanned<T>(line: Line<'_>, value: T) -> Spanned<T> {
    let span = line
        .node
        .arguments()
        .first()
        .map_or_else(|| line.node.span(), |word| word.span);
    Spanned::new(value, span)
}

pub(super) fn text(word: &Word) -> Spanned<String> {
    Spanned::new(word.as_str().to_owned(), word.span)
}
