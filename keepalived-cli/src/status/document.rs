//! The whole state as one JSON document: what the VRRP and KEEPALIVED MIBs and ietf-vrrp ask for,
//! and what they do not know of (MIB-01 to MIB-04).
//!
//! Readers rely on the names. A name is never given another meaning; [`SCHEMA`] counts changes that
//! take one away.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use keepalived_driver::{LinkSnapshot, LinkState, Snapshot};
use netlink_vip::{Object, Vip};
use serde_json::{Map, Value, json};
use vrrp_fsm::{
    AntiReplay, Fault, Hmac, HmacMode, NewActiveReason, Preempt, Reason, Role, State, Stats,
    Transport, V2Auth, WireFormat,
};
use vrrp_proto::{AdvertInterval, Family};

use super::bfd;
use crate::facts::{Facts, GroupFacts, route_text, rule_text, scope_name};
use crate::messages::{describe, describe_all};

use super::trackers;

/// Version of the document.
pub(super) const SCHEMA: u32 = 1;

/// Everything. `lines_lost` are those of the log.
pub(super) fn document(snapshot: &Snapshot, lines_lost: u64) -> Value {
    let instances: Vec<Value> = snapshot
        .instances
        .iter()
        .map(|taken| {
            let mut value = instance(&Facts::from(taken));
            value["interface_index"] = json!(taken.interface_index);
            let tracked = taken.setup.trackers.iter().map(trackers::used);
            value["tracked_objects"] = tracked.collect();
            value["skew_time_seconds"] = seconds(taken.skew_time);
            value["down_interval_seconds"] = seconds(taken.down_interval);
            value
        })
        .collect();
    let unclaimed: Map<String, Value> = snapshot
        .unclaimed_packets
        .iter()
        .map(|(name, count)| ((*name).to_owned(), json!(count)))
        .collect();
    let groups = snapshot.groups.iter();
    let groups: Vec<Value> = groups
        .map(|taken| group(&GroupFacts::from(taken)))
        .collect();
    let turns = &snapshot.turns;
    json!({
        "schema": SCHEMA,
        "program": "keepalived-rs",
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "taken_at": stamp(snapshot.taken_at),
        "started_at": stamp(snapshot.started_at),
        "discontinuity_time": stamp(snapshot.started_at),
        "instances": instances,
        "groups": groups,
        "bfd": bfd::sessions(snapshot),
        "bfd_totals": bfd::totals(snapshot),
        "trackers": snapshot.trackers.iter().map(trackers::one).collect::<Vec<_>>(),
        "statics": statics(snapshot),
        "links": snapshot.links.iter().map(link).collect::<Vec<_>>(),
        "firewall": snapshot.firewall.as_ref().map(|rules| json!({
            "table": rules.table,
            "in_force": rules.in_force,
            "trouble": rules.trouble,
            "repairs": rules.repairs,
        })),
        "unclaimed_packets": unclaimed,
        "loop": {
            "turns": turns.turns,
            "packets_received": turns.packets_received,
            "packets_sent": turns.packets_sent,
            "send_errors": turns.send_errors,
            "announcements_sent": turns.frames_sent,
            "announcement_errors": turns.frame_errors,
            "netlink_requests": turns.netlink_requests,
            "netlink_overruns": turns.netlink_overruns,
            "worst_lateness_seconds": seconds(turns.worst_lateness),
        },
        "log": {
            "lines_lost": lines_lost,
        },
    })
}

/// What is there whoever is MASTER.
fn statics(snapshot: &Snapshot) -> Value {
    let set = |object: Object| !snapshot.statics_missing.contains(&object);
    let statics = &snapshot.statics;
    json!({
        "addresses": statics.addresses.iter().map(|vip| json!({
            "address": vip.address,
            "prefix_length": vip.prefix_len,
            "device": vip.device.to_string(),
            "set": set(Object::from(vip)),
        })).collect::<Vec<_>>(),
        "routes": statics.routes.iter().map(|route| json!({
            "route": route_text(route),
            "set": set(Object::from(route)),
        })).collect::<Vec<_>>(),
        "rules": statics.rules.iter().map(|rule| json!({
            "rule": rule_text(rule),
            "set": set(Object::from(rule)),
        })).collect::<Vec<_>>(),
    })
}

/// One instance, as far as [`Facts`] go.
pub(super) fn instance(facts: &Facts<'_>) -> Value {
    let setup = facts.setup;
    let fsm = &setup.fsm;
    let (owner, preempt) = match fsm.role {
        Role::Owner => (true, Preempt::Immediately),
        Role::Backup { preempt, .. } => (false, preempt),
    };
    let preempt_delay = match preempt {
        Preempt::After(delay) => delay,
        Preempt::Never | Preempt::Immediately => Duration::ZERO,
    };
    let faults: Vec<_> = facts.faults.iter().map(Fault::name).collect();
    let rfc_state = match facts.state {
        State::Initialize => "initialize",
        State::Backup => "backup",
        State::Active => "active",
    };
    let addresses: Vec<Value> = facts
        .advertised()
        .map(|vip| address(facts, vip, true))
        .chain(facts.excluded().map(|vip| address(facts, vip, false)))
        .collect();
    let [a, b, c, d, e, f] = fsm.vrid.virtual_mac(fsm.family);
    let mut document = json!({
        "name": facts.name(),
        "group": facts.group,
        "interface": setup.interface.to_string(),
        "vrid": fsm.vrid.get(),
        "family": if fsm.family == Family::Ipv4 { "ipv4" } else { "ipv6" },
        "version": facts.version(),
        "state": facts.keepalived_state().word(),
        "state_number": facts.keepalived_state().number(),
        "wanted_state": facts.wanted_state().word(),
        "rfc_state": rfc_state,
        "faults": faults,
        "fault_text": describe_all(facts.faults),
        "fault_details": facts.fault_details,
        "hold": setup.hold.as_deref(),
        "priority": facts.base_priority(),
        "effective_priority": facts.effective_priority.get(),
        "owner": owner,
        "preempt": preempt != Preempt::Never,
        "preempt_delay_seconds": seconds(preempt_delay),
        "accept": true,
        "advert_interval_centiseconds": fsm.interval.centis(),
        "active_interval_centiseconds": facts.active_interval.centis(),
        "down_adverts": fsm.down_adverts.get(),
        "virtual_mac": format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"),
        "primary_address": facts.primary_address,
        "active_router": active_router(facts),
        "addresses": addresses,
        "addresses_set": facts.addresses_installed,
        "transport": transport(&fsm.transport, setup.unicast_hop_limit),
        "auth_type": match fsm.format {
            _ if fsm.hmac.is_some() => "hmac",
            WireFormat::V2 { auth: V2Auth::Password(_) } => "password",
            WireFormat::V2 { auth: V2Auth::Ah(_) } => "ah",
            _ => "none",
        },
        "auth_hmac": fsm.hmac.as_deref().map(signatures),
        "track_primary": setup.track_primary,
        "tracked_interfaces": setup.track_interfaces.iter().map(|track| json!({
            "name": track.name.to_string(),
            "weight": track.weight,
            "reverse": track.reverse,
        })).collect::<Vec<_>>(),
        "announcements": {
            "delay_seconds": seconds(setup.announce.delay),
            "repeat": setup.announce.repeat,
            "refresh_seconds": seconds(setup.announce.refresh),
            "refresh_repeat": setup.announce.refresh_repeat,
            "lower_priority_delay_seconds": seconds(setup.announce.lower_prio_delay),
            "lower_priority_repeat": setup.announce.lower_prio_repeat,
        },
        "last_transition": facts.last_transition.map(|(at, reason)| last_transition(at, &reason)),
        "counters": counters(facts.stats),
        "rejected": rejected(facts.stats),
        "last_reject": facts.stats.last_reject.map(|(_, reason)| json!({
            "name": reason.name(),
            "text": reason.to_string(),
        })),
    });
    let repairs = facts.repairs.iter();
    document["repairs"] = repairs
        .map(|(object, times)| json!({ "class": object.class(), "object": object.to_string(), "times": times }))
        .collect();
    document["routes"] = setup
        .routes
        .iter()
        .map(
            |route| json!({ "route": route_text(route), "set": facts.holds(&Object::from(route)) }),
        )
        .collect();
    document["rules"] = setup
        .rules
        .iter()
        .map(|rule| json!({ "rule": rule_text(rule), "set": facts.holds(&Object::from(rule)) }))
        .collect();
    document
}

/// One group.
pub(super) fn group(group: &GroupFacts<'_>) -> Value {
    json!({
        "name": group.name,
        "state": group.state.word(),
        "state_number": group.state.number(),
        "members": group.members,
        "faulted_members": group.faulted,
        "waiting_members": group.waiting,
        "last_transition": group.last_transition.map(|(at, reason)| last_transition(at, &reason)),
    })
}

/// Of `auth_hmac`, all but the keys.
fn signatures(hmac: &Hmac) -> Value {
    let (anti_replay, window) = match hmac.anti_replay {
        AntiReplay::Time { window } => ("time", seconds(window)),
        AntiReplay::Monotonic => ("monotonic", Value::Null),
    };
    json!({
        "mode": match hmac.mode {
            HmacMode::ReceiveOnly => "receive-only",
            HmacMode::Permissive => "permissive",
            HmacMode::Enforce => "enforce",
        },
        "active_key": hmac.active_key(),
        "keys": hmac.key_ids().collect::<Vec<_>>(),
        "anti_replay": anti_replay,
        "time_window_seconds": window,
    })
}

/// Ourselves while Active, otherwise whom we have heard.
fn active_router(facts: &Facts<'_>) -> Value {
    if facts.state == State::Active {
        return json!({
            "address": facts.primary_address,
            "priority": facts.effective_priority.get(),
            "advert_interval_centiseconds": facts.setup.fsm.interval.centis(),
            "self": true,
        });
    }
    facts.active_router.map_or(Value::Null, |active| {
        let interval: AdvertInterval = active.interval;
        json!({
            "address": active.address,
            "priority": active.priority.get(),
            "advert_interval_centiseconds": interval.centis(),
            "self": false,
        })
    })
}

fn address(facts: &Facts<'_>, vip: &Vip, advertised: bool) -> Value {
    json!({
        "address": vip.address,
        "prefix_length": vip.prefix_len,
        "device": vip.device.to_string(),
        "scope": scope_name(vip.scope),
        "broadcast": vip.broadcast,
        "peer": vip.peer,
        "label": vip.label,
        "advertised": advertised,
        "set": facts.is_set(vip),
    })
}

fn transport(transport: &Transport, unicast_hop_limit: u8) -> Value {
    match transport {
        Transport::Multicast { group } => json!({ "kind": "multicast", "group": group }),
        Transport::Unicast {
            peers,
            check_source,
        } => {
            let peers: Vec<IpAddr> = peers.iter().map(|peer| peer.address).collect();
            json!({
                "kind": "unicast",
                "peers": peers,
                "check_source": check_source,
                "hop_limit": unicast_hop_limit,
            })
        }
    }
}

fn last_transition(at: SystemTime, reason: &Reason) -> Value {
    let (name, text) = reason_words(reason);
    let new_active = match reason.new_active() {
        NewActiveReason::NotActive => "not_master",
        NewActiveReason::Priority => "priority",
        NewActiveReason::Preempted => "preempted",
        NewActiveReason::NoResponse => "master_no_response",
    };
    json!({ "at": stamp(at), "reason": name, "text": text, "new_master_reason": new_active })
}

pub(crate) fn reason_words(reason: &Reason) -> (&'static str, String) {
    let plain = |name, text: &str| (name, text.to_owned());
    match reason {
        Reason::Started => plain("started", "started, to listen first"),
        Reason::OwnerStart => plain("owner_start", "started as the owner of the addresses"),
        Reason::DownTimer => plain("down_timer", "nothing was heard for the down interval"),
        Reason::ReleaseHeard => plain(
            "release_heard",
            "the router before it released the addresses",
        ),
        Reason::ActiveLost => plain("active_lost", "BFD lost the active router"),
        Reason::PreemptedLower => plain("preempted_lower", "only lower priorities were heard"),
        Reason::HigherPriority { source, priority } => (
            "higher_priority",
            format!("{source} has priority {}", priority.get()),
        ),
        Reason::Stopped => plain("stopped", "stopped"),
        Reason::Faulted(fault) => ("faulted", describe(*fault).to_owned()),
        Reason::FaultsCleared => plain("faults_cleared", "the last fault is over"),
        Reason::Stalled => plain("stalled", "did not run for so long that another took over"),
        Reason::AddressLost => plain("address_lost", "an address was lost"),
        Reason::SyncGroup => plain("sync_group", "another member of the group left MASTER"),
        Reason::Reconfigured => plain("reconfigured", "removed by a reload"),
        other => ("other", format!("{other:?}")),
    }
}

fn counters(stats: &Stats) -> Value {
    json!({
        "adverts_received": stats.adverts_received,
        "adverts_sent": stats.adverts_sent,
        "became_master": stats.became_active,
        "released_master": stats.released_active,
        "priority_zero_received": stats.priority_zero_received,
        "priority_zero_sent": stats.priority_zero_sent,
        "lower_priority_received": stats.lower_priority_received,
        "address_list_errors": stats.address_list_errors,
        "interval_differences": stats.interval_differences,
        "stalls": stats.stalls,
        "rejected": stats.rejections.total(),
    })
}

/// Every reason by name, zeros included: a reader never has to guess which names exist.
fn rejected(stats: &Stats) -> Map<String, Value> {
    stats
        .iter()
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect()
}

fn link(link: &LinkSnapshot) -> Value {
    json!({
        "index": link.index,
        "name": link.name,
        "state": match link.state {
            LinkState::Up => "up",
            LinkState::Down => "down",
            LinkState::Gone => "gone",
        },
        "mtu": link.mtu,
        "mac": link.mac.map(|[a, b, c, d, e, f]| {
            format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
        }),
    })
}

pub(super) fn seconds(duration: Duration) -> Value {
    json!(duration.as_secs_f64())
}

/// RFC 3339, in UTC.
pub(super) fn stamp(at: SystemTime) -> Value {
    jiff::Timestamp::try_from(at).map_or(Value::Null, |stamp| json!(stamp.to_string()))
}
