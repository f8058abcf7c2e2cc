//! `keepalived.json`: features 32.8, with the names and the order of keepalived's own file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keepalived_driver::hooks::{HookCommand, HookSet};
use keepalived_driver::tracked::{ArgumentMatch, TrackerKind, Watch};
use keepalived_driver::{Snapshot, TrackerSnapshot};
use serde_json::{Number, Value};
use vrrp_fsm::{AddressCheck, Preempt, Stats, TrackStatus, V2Auth, WireFormat};

use super::{DumpSettings, trackers};
use crate::facts::{Facts, route_text, rule_text};
use crate::lower::Wishes;

/// Format 1: an array of instances. Format 2: an object with that array and one of tracked
/// processes.
pub(super) fn text(snapshot: &Snapshot, settings: &DumpSettings) -> String {
    let none = HookSet::default();
    let instances: Vec<String> = snapshot
        .instances
        .iter()
        .map(|instance| {
            let hooks = settings.hooks.get(&instance.setup.name).unwrap_or(&none);
            let wishes = settings.wishes.get(&instance.setup.name);
            object(
                &Facts::from(instance),
                hooks,
                wishes.copied().unwrap_or_default(),
            )
        })
        .collect();
    let processes: Vec<String> = snapshot.trackers.iter().filter_map(process).collect();
    document(&instances, &processes, settings.json_version)
}

pub(super) fn document(instances: &[String], processes: &[String], version: u8) -> String {
    let array = format!("[{}]", instances.join(","));
    if version == 1 {
        array
    } else {
        let processes = processes.join(",");
        format!(r#"{{"vrrp":{array},"track_process":[{processes}]}}"#)
    }
}

/// A tracked process, for format 2.
fn process(tracker: &TrackerSnapshot) -> Option<String> {
    let Watch::Process(watch) = &tracker.setup.watch else {
        return None;
    };
    let matching = tracker.facts.as_ref().and_then(|facts| facts.matching);
    let words = watch.arguments.iter().map(|word| word.to_string_lossy());
    let mut json = Object::default();
    json.add("process", watch.process.to_string_lossy().into_owned());
    if !watch.arguments.is_empty() {
        json.add("parameters", words.collect::<Vec<_>>().join(" "));
    }
    let matched = match watch.matching {
        ArgumentMatch::Partial => "partial",
        ArgumentMatch::Initial => "initial",
        ArgumentMatch::Exact | ArgumentMatch::Ignore => "exact",
    };
    json.add("param_match", matched);
    json.add("min_processes", watch.quorum);
    json.add("max_processes", watch.quorum_max.unwrap_or(u32::MAX));
    json.add("current_processes", matching.unwrap_or(0));
    json.add("have_quorum", tracker.status == TrackStatus::Up);
    json.add("terminate_delay", seconds(watch.terminate_delay));
    json.add("fork_delay", seconds(watch.fork_delay));
    json.add("full_command", watch.full_command);
    Some(json.end())
}

/// An object whose members keep their order, as readers that go by position expect.
#[derive(Debug, Default)]
struct Object(String);

impl Object {
    fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.raw(name, &value.into().to_string());
    }

    fn raw(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&format!("\"{name}\":{value}"));
    }

    fn script(&mut self, name: &str, command: Option<&HookCommand>) {
        if let Some(command) = command {
            self.add(name, command.display());
        }
    }

    fn list(&mut self, name: &str, values: impl Iterator<Item = String>) {
        let values: Vec<Value> = values.map(Value::from).collect();
        if !values.is_empty() {
            self.add(name, values);
        }
    }

    fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// One instance: settings and state, then counters.
pub(super) fn object(facts: &Facts<'_>, hooks: &HookSet, wishes: Wishes) -> String {
    let mut both = Object::default();
    both.raw("data", &data(facts, hooks, wishes));
    both.raw("stats", &stats(facts.stats, facts.setup.fsm.hmac.is_some()));
    both.end()
}

fn data(facts: &Facts<'_>, hooks: &HookSet, wishes: Wishes) -> String {
    let setup = facts.setup;
    let (fsm, announce) = (&setup.fsm, &setup.announce);
    let master_priority = facts
        .active_router
        .map_or(0, |active| active.priority.get());
    let preempt_delay = match facts.preempt() {
        Preempt::After(delay) => delay,
        Preempt::Never | Preempt::Immediately => Duration::ZERO,
    };
    let mut json = Object::default();
    json.add("iname", facts.name());
    json.add("dont_track_primary", u8::from(!setup.track_primary));
    json.add(
        "skip_check_adv_addr",
        u8::from(fsm.address_check == AddressCheck::Skip),
    );
    json.add("strict_mode", u8::from(setup.strict));
    let device = setup.vmac.as_ref().map(|vmac| vmac.link.name.to_string());
    let interface = device.clone();
    json.add("vmac_ifname", device.unwrap_or_default());
    json.add(
        "ifp_ifname",
        interface.unwrap_or_else(|| setup.interface.to_string()),
    );
    json.add("master_priority", master_priority);
    json.raw(
        "last_transition",
        &timestamp(facts.last_transition.map(|(at, _)| at)),
    );
    json.add("garp_delay", seconds(announce.delay));
    json.add("garp_refresh", seconds(announce.refresh));
    json.add("garp_rep", announce.repeat);
    json.add("garp_refresh_rep", announce.refresh_repeat);
    json.add("garp_lower_prio_delay", seconds(announce.lower_prio_delay));
    json.add("garp_lower_prio_rep", announce.lower_prio_repeat);
    json.add("lower_prio_no_advert", u8::from(!fsm.answer_lower));
    json.add("higher_prio_send_advert", u8::from(fsm.advert_on_yield));
    json.add("vrid", fsm.vrid.get());
    json.add("base_priority", facts.base_priority());
    json.add("effective_priority", facts.effective_priority.get());
    json.add("vipset", facts.addresses_installed);
    json.add("promote_secondaries", setup.promote_secondaries);
    json.add("adver_int", seconds(fsm.interval.to_duration()));
    json.add(
        "master_adver_int",
        seconds(facts.active_interval.to_duration()),
    );
    json.add("accept", u8::from(!setup.refuse_traffic));
    json.add("nopreempt", facts.preempt() == Preempt::Never);
    json.add("preempt_delay", seconds(preempt_delay));
    json.add("state", facts.keepalived_state().number());
    json.add("wantstate", facts.wanted_state().number());
    json.add("version", facts.version());
    json.add("smtp_alert", wishes.mail);
    json.add("notify_deleted", wishes.deleted);
    json.script("script_backup", hooks.backup.as_deref());
    json.script("script_master", hooks.master.as_deref());
    json.script("script_fault", hooks.fault.as_deref());
    json.script("script_stop", hooks.stop.as_deref());
    json.script("script_deleted", hooks.deleted.as_deref());
    json.script("script", hooks.generic.as_deref());
    json.script(
        "script_master_rx_lower_pri",
        hooks.master_rx_lower_priority.as_deref(),
    );
    json.list("vips", facts.advertised().map(|vip| facts.vip_text(vip)));
    json.list("evips", facts.excluded().map(|vip| facts.vip_text(vip)));
    json.list("vroutes", setup.routes.iter().map(route_text));
    json.list("vrules", setup.rules.iter().map(rule_text));
    json.list(
        "track_ifp",
        setup
            .track_interfaces
            .iter()
            .map(|track| track.name.to_string()),
    );
    for (name, kind) in [
        ("track_script", TrackerKind::Script),
        ("track_process", TrackerKind::Process),
    ] {
        json.list(name, trackers::names(&setup.trackers, kind));
    }
    match fsm.format {
        WireFormat::V2 {
            auth: V2Auth::Password(_),
        } => {
            json.add("auth_type", 1);
            // Never the password itself: the file may end up in a bug report.
            json.add("auth_data", "********");
        }
        WireFormat::V2 {
            auth: V2Auth::Ah(_),
        } => {
            json.add("auth_type", 2);
            json.add("auth_data", "********");
        }
        _ => json.add("auth_type", 0),
    }
    json.end()
}

fn stats(stats: &Stats, signed: bool) -> String {
    let counters = Counters::of(stats);
    let mut json = Object::default();
    for (name, value) in [
        ("advert_rcvd", stats.adverts_received),
        ("advert_sent", counters.adverts_sent),
        ("become_master", stats.became_active),
        ("release_master", stats.released_active),
        ("packet_len_err", counters.length),
        ("advert_interval_err", counters.interval),
        ("ip_ttl_err", counters.hop_limit),
        ("invalid_type_rcvd", counters.invalid_type),
        ("addr_list_err", counters.address_list),
        ("invalid_authtype", counters.auth_type_invalid),
        ("authtype_mismatch", counters.auth_type_mismatch),
        ("auth_failure", counters.auth_failure),
        ("pri_zero_rcvd", stats.priority_zero_received),
        ("pri_zero_sent", stats.priority_zero_sent),
    ] {
        json.add(name, value);
    }
    // As releases that have the extension write them, where there is one.
    if signed {
        for (name, _, count) in extension(stats) {
            json.add(name, count);
        }
    }
    json.end()
}

/// The counters of `auth_hmac`: name in the JSON dump, words of the statistics file, count.
pub(super) fn extension(stats: &Stats) -> [(&'static str, &'static str, u64); 6] {
    [
        ("auth_ext_missing", "Missing"),
        ("auth_ext_malformed", "Malformed"),
        ("auth_ext_unknown_key", "Unknown Key"),
        ("auth_ext_invalid_hmac", "Invalid HMAC"),
        ("auth_ext_stale", "Stale"),
        ("auth_ext_replay", "Replay"),
    ]
    .map(|(name, words)| {
        let mut counted = stats.iter().filter(|(reason, _)| *reason == name);
        (name, words, counted.next().map_or(0, |(_, count)| count))
    })
}

/// Our reasons for rejecting a packet, summed up to keepalived's coarser counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) adverts_sent: u64,
    pub(super) length: u64,
    pub(super) hop_limit: u64,
    pub(super) invalid_type: u64,
    pub(super) interval: u64,
    pub(super) address_list: u64,
    pub(super) auth_type_invalid: u64,
    pub(super) auth_type_mismatch: u64,
    pub(super) auth_failure: u64,
}

impl Counters {
    pub(super) fn of(stats: &Stats) -> Self {
        let mut counters = Self {
            adverts_sent: stats.adverts_sent,
            address_list: stats.address_list_errors,
            ..Self::default()
        };
        for (name, count) in stats.iter() {
            if let Some(counter) = counters.counter(name) {
                *counter = counter.saturating_add(count);
            }
        }
        counters
    }

    /// Where keepalived counts what is rejected for this reason, if it counts it at all.
    fn counter(&mut self, reason: &str) -> Option<&mut u64> {
        Some(match reason {
            "ip_truncated"
            | "ip_header_length"
            | "ip_total_length"
            | "header_truncated"
            | "addresses_truncated"
            | "auth_data_missing"
            | "surplus_octets" => &mut self.length,
            "hop_limit" | "hop_limit_range" => &mut self.hop_limit,
            "type" => &mut self.invalid_type,
            "v2_interval_zero" | "v3_interval_zero" | "interval_mismatch" => &mut self.interval,
            "auth_type" => &mut self.auth_type_invalid,
            "auth_type_mismatch" => &mut self.auth_type_mismatch,
            "auth_data" | "ah_missing" | "ah_index" | "ah_check_value" | "ah_replay" => {
                &mut self.auth_failure
            }
            _ => return None,
        })
    }
}

/// A whole number of seconds without a fraction, as keepalived's library writes it.
fn seconds(duration: Duration) -> Value {
    if duration.subsec_nanos() == 0 {
        return duration.as_secs().into();
    }
    Number::from_f64(duration.as_secs_f64()).map_or(Value::Null, Value::Number)
}

/// Seconds since 1970 with six places.
fn timestamp(at: Option<SystemTime>) -> String {
    let since = at
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    format!("{}.{:06}", since.as_secs(), since.subsec_micros())
}
