//! `keepalived.data`: features 32.6. People search it for "State =", "Last transition =" and
//! "Priority =", so what stands there has keepalived's words and order.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keepalived_driver::hooks::{HookCommand, HookSet};
use keepalived_driver::{LinkSnapshot, LinkState, Snapshot};
use netlink_vip::Desired;
use vrrp_fsm::{Fault, Preempt, State, Transport, V2Auth, WireFormat};
use vrrp_proto::{AdvertInterval, Family};

use super::{DumpSettings, GroupDump, trackers};
use crate::facts::{Facts, GroupFacts, route_text, rule_text, vip_text};
use crate::log::local_text;
use crate::messages::describe_all;

/// Appends a line; writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        let _ = writeln!($text, $($format)*);
    }};
}

/// Everything, in keepalived's sections.
pub(super) fn text(snapshot: &Snapshot, settings: &DumpSettings) -> String {
    let mut text = String::new();
    line!(text, "------< Global definitions >------");
    line!(text, " Router ID = {}", settings.router_id);
    line!(text, " JSON version = {}", settings.json_version);
    line!(text, " Running since = {}", moment(snapshot.started_at));
    statics(&mut text, &snapshot.statics);
    line!(text, "------< VRRP Topology >------");
    let none = HookSet::default();
    for instance in &snapshot.instances {
        let hooks = settings.hooks.get(&instance.setup.name).unwrap_or(&none);
        section(&mut text, &Facts::from(instance), hooks);
        line!(
            text,
            "   Master down timer = {} usecs",
            instance.down_interval.as_micros()
        );
    }
    if !snapshot.groups.is_empty() {
        line!(text, "------< VRRP Sync groups >------");
    }
    for group in &snapshot.groups {
        let configured = settings.groups.get(&*group.setup.name);
        sync_group(
            &mut text,
            &GroupFacts::from(group),
            &configured.cloned().unwrap_or_default(),
        );
    }
    trackers::sections(&mut text, snapshot);
    line!(text, "------< Interfaces >------");
    for link in &snapshot.links {
        interface(&mut text, link);
    }
    text
}

/// What is there whoever is MASTER, in keepalived's sections, of which empty ones are left out.
fn statics(text: &mut String, statics: &Desired) {
    if !statics.addresses.is_empty() {
        line!(text, "------< Static Addresses >------");
    }
    for vip in &statics.addresses {
        line!(text, "     {}", vip_text(vip, vip.device.as_str(), true));
    }
    if !statics.routes.is_empty() {
        line!(text, "------< Static Routes >------");
    }
    for route in &statics.routes {
        line!(text, "     {}", route_text(route));
    }
    if !statics.rules.is_empty() {
        line!(text, "------< Static Rules >------");
    }
    for rule in &statics.rules {
        line!(text, "     {}", rule_text(rule));
    }
}

/// One instance.
pub(super) fn section(text: &mut String, facts: &Facts<'_>, hooks: &HookSet) {
    let setup = facts.setup;
    let fsm = &setup.fsm;
    line!(text, " VRRP Instance = {}", facts.name());
    line!(text, "   VRRP Version = {}", facts.version());
    if fsm.family == Family::Ipv6 {
        line!(text, "   Using Native IPv6");
    }
    if let Some(group) = facts.group {
        line!(text, "   Sync group = {group}");
    }
    line!(text, "   State = {}", facts.keepalived_state().word());
    if !facts.faults.is_empty() {
        line!(text, "   Faults = {}", describe_all(facts.faults));
    }
    for detail in facts.fault_details {
        line!(text, "     {detail}");
    }
    if facts.state == State::Backup {
        if let Some(active) = facts.active_router {
            line!(text, "   Master router = {}", active.address);
            line!(text, "   Master priority = {}", active.priority.get());
        }
        if facts.version() == 3 {
            let interval = facts.active_interval.to_duration().as_secs_f64();
            line!(text, "   Master advert int = {interval:.2} sec");
        }
    }
    line!(text, "   Wantstate = {}", facts.wanted_state().word());
    let at = facts.last_transition.map_or(UNIX_EPOCH, |(at, _)| at);
    line!(text, "   Last transition = {}", moment(at));
    match &setup.vmac {
        Some(vmac) => {
            let (name, up) = (vmac.link.name, !facts.faults.contains(Fault::NoInterface));
            line!(
                text,
                "   Use VMAC, i/f name {name}, is_up = {up}, xmit_base = {}",
                vmac.xmit_base
            );
            line!(text, "   Interface = {name}, vmac on {}", setup.interface);
        }
        None => line!(text, "   Interface = {}", setup.interface),
    }
    if !setup.track_primary {
        line!(text, "   VRRP interface tracking disabled");
    }
    match (facts.primary_address, setup.source) {
        (Some(address), Some(_)) => {
            line!(text, "   Using src_ip = {address} (from configuration)");
        }
        (Some(address), None) => line!(text, "   Using src_ip = {address}"),
        (None, _) => line!(text, "   Using src_ip = none"),
    }
    if let Transport::Multicast { group } = &fsm.transport {
        line!(text, "   Multicast address {group}");
    }
    announcements(text, facts);
    line!(text, "   Virtual Router ID = {}", fsm.vrid);
    line!(text, "   Priority = {}", facts.base_priority());
    line!(
        text,
        "   Effective priority = {}",
        facts.effective_priority.get()
    );
    line!(
        text,
        "   Total priority = {}",
        facts.effective_priority.get()
    );
    line!(
        text,
        "   Advert interval = {}",
        interval(fsm.interval, facts.version())
    );
    if facts.state == State::Backup && facts.version() == 3 {
        line!(
            text,
            "   Master advert interval = {}",
            interval(facts.active_interval, 3)
        );
    }
    line!(text, "   Accept = {}", enabled(!setup.refuse_traffic));
    let preempt = facts.preempt();
    line!(text, "   Preempt = {}", enabled(preempt != Preempt::Never));
    if let Preempt::After(delay) = preempt {
        line!(text, "   Preempt delay = {} secs", delay.as_secs_f64());
    }
    line!(
        text,
        "   Promote_secondaries = {}",
        enabled(setup.promote_secondaries)
    );
    match fsm.format {
        WireFormat::V2 { auth: V2Auth::None } => line!(text, "   Authentication type = none"),
        WireFormat::V2 {
            auth: V2Auth::Password(_),
        } => {
            line!(text, "   Authentication type = SIMPLE_PASSWORD");
            // Never the password itself: the file may end up in a bug report.
            line!(text, "   Password = ********");
        }
        WireFormat::V2 {
            auth: V2Auth::Ah(_),
        } => line!(text, "   Authentication type = IPSEC_AH"),
        WireFormat::V3 { .. } => {}
    }
    if let Some(hmac) = &fsm.hmac {
        line!(
            text,
            "   Authentication extension = HMAC-SHA-256, key {}",
            hmac.active_key()
        );
    }
    line!(text, "   Virtual IP ({}):", facts.advertised().count());
    for vip in facts.advertised() {
        line!(text, "     {}", facts.vip_text(vip));
    }
    if facts.excluded().next().is_some() {
        line!(text, "   Virtual IP Excluded :");
    }
    for vip in facts.excluded() {
        line!(text, "     {}", facts.vip_text(vip));
    }
    if !setup.routes.is_empty() {
        line!(text, "   Virtual Routes :");
    }
    for route in &setup.routes {
        line!(text, "     {}", route_text(route));
    }
    if !setup.rules.is_empty() {
        line!(text, "   Virtual Rules :");
    }
    for rule in &setup.rules {
        line!(text, "     {}", rule_text(rule));
    }
    peers_and_trackers(text, facts);
    scripts(text, hooks);
}

/// One group.
pub(super) fn sync_group(text: &mut String, group: &GroupFacts<'_>, configured: &GroupDump) {
    line!(
        text,
        " VRRP Sync Group = {}, {}",
        group.name,
        group.state.word()
    );
    let (faulted, waiting) = (group.faulted, group.waiting);
    line!(
        text,
        "   Num member fault {faulted}, num member init {waiting}"
    );
    line!(text, "   VRRP member instances :");
    for member in &group.members {
        line!(text, "     {member}");
    }
    if configured.tracking_weight {
        line!(text, "   sync group tracking weight set");
    }
    line!(
        text,
        "   Using smtp notification = {}",
        if configured.mail { "yes" } else { "no" }
    );
    if !configured.tracked_interfaces.is_empty() {
        line!(text, "   Tracked interfaces :");
    }
    for tracked in &configured.tracked_interfaces {
        line!(text, "     {tracked}");
    }
    commands(text, &configured.hooks);
}

fn announcements(text: &mut String, facts: &Facts<'_>) {
    let (fsm, announce) = (&facts.setup.fsm, &facts.setup.announce);
    line!(
        text,
        "   Gratuitous ARP delay = {}",
        announce.delay.as_secs_f64()
    );
    line!(text, "   Gratuitous ARP repeat = {}", announce.repeat);
    line!(
        text,
        "   Gratuitous ARP refresh = {}",
        announce.refresh.as_secs_f64()
    );
    line!(
        text,
        "   Gratuitous ARP refresh repeat = {}",
        announce.refresh_repeat
    );
    let delay = announce.lower_prio_delay.as_secs_f64();
    line!(text, "   Gratuitous ARP lower priority delay = {delay}");
    line!(
        text,
        "   Gratuitous ARP lower priority repeat = {}",
        announce.lower_prio_repeat
    );
    line!(text, "   Down timer adverts = {}", fsm.down_adverts);
    line!(
        text,
        "   Send advert after receive lower priority advert = {}",
        fsm.answer_lower
    );
    line!(
        text,
        "   Send advert after receive higher priority advert = {}",
        fsm.advert_on_yield
    );
}

fn peers_and_trackers(text: &mut String, facts: &Facts<'_>) {
    if let Transport::Unicast {
        peers,
        check_source,
    } = &facts.setup.fsm.transport
    {
        line!(text, "   Unicast TTL = {}", facts.setup.unicast_hop_limit);
        line!(
            text,
            "   Check unicast src : {}",
            if *check_source { "yes" } else { "no" }
        );
        line!(text, "   Unicast Peer :");
        for peer in peers {
            let range = peer.hop_limit.clone().unwrap_or(0..=255);
            let (least, most) = (range.start(), range.end());
            line!(text, "     {} min_ttl {least} max_ttl {most}", peer.address);
        }
    }
    if !facts.setup.track_interfaces.is_empty() {
        line!(text, "   Tracked interfaces :");
    }
    for track in &facts.setup.track_interfaces {
        let reverse = if track.reverse { " reverse" } else { "" };
        line!(text, "     {} weight {}{reverse}", track.name, track.weight);
    }
    trackers::used(text, &facts.setup.trackers);
}

fn scripts(text: &mut String, hooks: &HookSet) {
    line!(
        text,
        "   Notify deleted = {}",
        if hooks.report_deleted {
            "Deleted"
        } else {
            "Fault"
        }
    );
    commands(text, hooks);
}

fn commands(text: &mut String, hooks: &HookSet) {
    let mut script = |what: &str, command: Option<&HookCommand>| {
        if let Some(command) = command {
            let number = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let account = format!("uid:gid {}:{}", number(command.uid), number(command.gid));
            line!(text, "   {what} script = {}, {account}", command.display());
        }
    };
    script("Backup state transition", hooks.backup.as_deref());
    script("Master state transition", hooks.master.as_deref());
    script("Fault state transition", hooks.fault.as_deref());
    script("Stop state transition", hooks.stop.as_deref());
    script("Deleted state transition", hooks.deleted.as_deref());
    script("Generic state transition", hooks.generic.as_deref());
    script(
        "Master rx lower priority",
        hooks.master_rx_lower_priority.as_deref(),
    );
}

fn interface(text: &mut String, link: &LinkSnapshot) {
    line!(text, " Name = {}", link.name);
    line!(text, "   index = {}", link.index);
    if let Some([a, b, c, d, e, f]) = link.mac {
        line!(
            text,
            "   MAC = {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"
        );
    }
    let state = match link.state {
        LinkState::Up => "UP, RUNNING",
        LinkState::Down => "not RUNNING",
        LinkState::Gone => "deleted",
    };
    line!(text, "   State = {state}");
    line!(text, "   MTU = {}", link.mtu);
}

fn enabled(on: bool) -> &'static str {
    if on { "enabled" } else { "disabled" }
}

fn interval(interval: AdvertInterval, version: u8) -> String {
    match (version, interval.whole_secs()) {
        (2, Some(seconds)) => format!("{seconds} sec"),
        _ => format!("{} milli-sec", interval.to_duration().as_millis()),
    }
}

/// `1795193340.090801 (Fri Nov 20 16:49:00.090801 2026)`.
pub(super) fn moment(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let micros = since.subsec_micros();
    let date = local_text(at, &format!("%a %b %e %H:%M:%S.{micros:06} %Y"));
    format!("{}.{micros:06} ({date})", since.as_secs())
}
