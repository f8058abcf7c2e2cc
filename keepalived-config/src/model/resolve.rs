//! Defaults and corrections: from what the file says to what is run.
//!
//! Each correction follows Keepalived and says what it did.

mod authentication;
mod device;
mod strict;
mod transport;

use std::time::Duration;

use vrrp_proto::{AdvertInterval, Family, Priority, Version};

use super::bfd::{BfdInstance, TrackedBfd};
use super::global::GlobalDefs;
use super::groups::weight_in_group;
use super::instance::{
    Announce, Hold, HoldReason, Preempt, TRAILER, VrrpInstance, WantedState, max_advertised,
};
use super::read::Raw;
use super::spanned::Spanned;
use super::trackers::{Defined, Tracked};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::tree::Span;

/// An instance while it is being resolved.
struct Draft<'a> {
    name: &'a Spanned<String>,
    raw: Raw,
    global: &'a GlobalDefs,
    strict: bool,
    diagnostics: &'a mut Diagnostics,
    hold: Option<Hold>,
}

/// Settings that strict mode overrides.
struct Behaviour {
    down_timer_adverts: u8,
    lower_prio_no_advert: bool,
    higher_prio_send_advert: bool,
    owner_ignore_adverts: bool,
}

/// Resolves one instance. `None` after a complaint if it cannot exist at all.
pub(super) fn instance(
    name: &Spanned<String>,
    span: Span,
    raw: Raw,
    (global, sessions, defined): (&GlobalDefs, &[BfdInstance], &Defined),
    diagnostics: &mut Diagnostics,
) -> Option<VrrpInstance> {
    let strict = raw.strict.unwrap_or(global.strict);
    let mut draft = Draft {
        name,
        raw,
        global,
        strict,
        diagnostics,
        hold: None,
    };
    draft.vrf();
    let (interface, vrid) = draft.required()?;
    let family = draft.family();
    let version = draft.version(family);
    draft.addresses(family, version)?;
    let (priority, wanted) = draft.priority();
    let preempt = draft.preempt(priority, wanted);
    let timer_expired_backup = draft.timer_expired_backup(preempt);
    let advert_interval = draft.advert_interval(version);
    let authentication = draft.authentication(version, advert_interval);
    draft.tracked(&interface, priority);
    let tracked_bfd = draft.tracked_bfd(sessions, priority);
    let tracked = draft.tracked_objects(defined, priority);
    let transport = draft.transport(family);
    draft.source_tracking();
    let device = draft.device(family, &transport);
    let refuse_traffic = draft.refuses_traffic(priority, version);
    let mut announce = draft.announce();
    let mut behaviour = draft.behaviour();
    if strict {
        draft.strict(version, &mut behaviour, &mut announce);
    }
    let Draft {
        raw, global, hold, ..
    } = draft;
    Some(VrrpInstance {
        name: name.clone(),
        interface,
        vrid,
        family,
        version,
        priority,
        wanted,
        preempt,
        advert_interval,
        down_timer_adverts: behaviour.down_timer_adverts,
        addresses: raw.addresses,
        excluded: raw.excluded,
        routes: raw.routes,
        rules: raw.rules,
        authentication,
        transport,
        track_source: raw.track_source.is_some() && raw.source.is_some(),
        source: raw.source,
        track_interface: !raw.dont_track_primary,
        tracked_interfaces: raw.tracked_interfaces,
        tracked_bfd,
        tracked,
        v3_checksum_as_v2: raw.v3_checksum_as_v2.unwrap_or(global.v3_checksum_as_v2),
        old_unicast_checksum: raw.old_unicast_checksum,
        lower_prio_no_advert: behaviour.lower_prio_no_advert,
        higher_prio_send_advert: behaviour.higher_prio_send_advert,
        owner_ignore_adverts: behaviour.owner_ignore_adverts,
        skip_check_adv_addr: raw
            .skip_check_adv_addr
            .unwrap_or(global.skip_check_adv_addr),
        strict,
        timer_expired_backup,
        announce,
        notify: raw.notify,
        receive_buffer: raw.receive_buffer,
        hold,
        device,
        device_per_interface: raw.device.for_addresses.is_some(),
        vrf: raw.device.vrf.is_some(),
        refuse_traffic,
        promote_secondaries: raw.device.promote_secondaries,
        linkbeat: raw.device.linkbeat,
        extra_announce: raw.device.extra_announce.or(global.links.extra_announce),
        span,
    })
}

impl Draft<'_> {
    fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl std::fmt::Display,
    ) -> &mut Diagnostic {
        self.diagnostics
            .error(code, span, format!("`{}`: {message}", self.name.value))
    }

    fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl std::fmt::Display,
    ) -> &mut Diagnostic {
        self.diagnostics
            .warning(code, span, format!("`{}`: {message}", self.name.value))
    }

    /// Keeps the instance from running; the first reason stays.
    fn hold(&mut self, reason: HoldReason, span: Span) {
        self.hold.get_or_insert(Hold { reason, span });
    }

    fn required(&mut self) -> Option<(Spanned<String>, Spanned<vrrp_proto::Vrid>)> {
        let span = self.name.span;
        let (interface, vrid) = (self.raw.interface.clone(), self.raw.vrid);
        if vrid.is_none() && !self.raw.tried_vrid {
            self.error("no-vrid", span, "it has no `virtual_router_id`").help(
                "add `virtual_router_id N` with a number from 1 to 255, the same on all members; \
                 the instance is left out",
            );
        }
        if interface.is_none() && !self.raw.tried_interface {
            let complaint = self.error("no-interface", span, "it has no `interface`");
            complaint.help("add `interface NAME`; the instance is left out");
        }
        interface.zip(vrid)
    }

    fn tracked_bfd(&mut self, sessions: &[BfdInstance], priority: Priority) -> Vec<TrackedBfd> {
        let used = std::mem::take(&mut self.raw.tracked_bfd);
        let mut tracked = Vec::with_capacity(used.len());
        for used in used {
            let (named, of_group) = (used.name.clone(), used.of_group);
            let found = used.resolve(sessions, &self.name.value, self.diagnostics);
            let Some(found) = found else {
                continue;
            };
            if self.may_weigh(&named, i32::from(found.weight), of_group, priority) {
                tracked.push(found);
            }
        }
        tracked
    }

    /// Whether this weight can have an effect here; complains if it cannot. TRK-09, TRK-12.
    fn may_weigh(
        &mut self,
        tracked: &Spanned<String>,
        weight: i32,
        of_group: bool,
        priority: Priority,
    ) -> bool {
        if weight == 0 {
            return true;
        }
        if let Some(group) = &self.raw.even_with
            && !of_group
        {
            weight_in_group(tracked, group, &self.name.value, self.diagnostics);
            return false;
        }
        if priority == Priority::OWNER {
            let message = format!(
                "the weight of `{}` cannot change priority 255",
                tracked.value
            );
            self.diagnostics
                .error("weight-of-owner", tracked.span, message)
                .help("the entry is left out");
            return false;
        }
        true
    }

    fn family(&mut self) -> Family {
        let family = self.raw.family.map_or(Family::Ipv4, |first| first.value);
        if let Some(span) = self.raw.native_ipv6
            && family == Family::Ipv4
            && self.raw.family.is_some()
        {
            self.warning(
                "native-ipv6",
                span,
                "`native_ipv6` is ignored: its addresses are IPv4",
            );
        }
        family
    }

    /// IPv6 has no version 2 (VRRP-EXT-13), so a global version does not touch it.
    fn version(&mut self, family: Family) -> Version {
        if family == Family::Ipv4 {
            let own = self.raw.version.map(|number| super::version(number.value));
            return own.unwrap_or(self.global.version);
        }
        if let Some(Spanned { value: 2, span }) = self.raw.version
            && self.strict
        {
            self.warning("corrected", span, "VRRP version 2 has no IPv6")
                .help("version 3 is used");
        } else if let Some(Spanned { value: 2, span }) = self.raw.version {
            self.hold(HoldReason::VersionFamily, span);
            self.error("ipv6-version-2", span, "VRRP version 2 has no IPv6")
                .help("remove `version 2` on all members; until then the instance stays in FAULT");
        }
        Version::V3
    }

    /// One family, at most what an advert holds, and at least one in version 3.
    fn addresses(&mut self, family: Family, version: Version) -> Option<()> {
        if self.raw.addresses.is_empty() && !self.raw.no_virtual_ipaddress {
            self.no_address(version)?;
        }
        let taken = if self.raw.auth_hmac.is_some() {
            TRAILER
        } else {
            0
        };
        let most = max_advertised(family, version, 1500 - taken);
        if let Some(first) = self.raw.addresses.get(most) {
            let (count, at) = (self.raw.addresses.len(), first.span);
            let message = format!(
                "an advert holds {most} of the {count} virtual addresses, the rest is moved"
            );
            self.warning("too-many-addresses", at, message)
                .help("put the rest into `virtual_ipaddress_excluded` on all members");
            let rest = self.raw.addresses.split_off(most);
            self.raw.excluded.splice(0..0, rest);
        }
        Some(())
    }

    /// Version 2 may run without any address, version 3 and strict mode may not.
    fn no_address(&mut self, version: Version) -> Option<()> {
        let (span, listed) = (self.name.span, self.raw.listed_addresses > 0);
        let message = match listed {
            true => "none of its virtual addresses can be used",
            false => "it has no virtual address",
        };
        let advice = match listed {
            true => "see the other complaints about it",
            false => "add a `virtual_ipaddress` block, or `no_virtual_ipaddress` if that is meant",
        };
        if version == Version::V2 && !self.strict {
            self.warning("no-address", span, message).help(advice);
            return Some(());
        }
        self.error("no-address", span, message)
            .help(format!("{advice}; the instance is left out"));
        None
    }

    /// KA-ST-05, KA-ST-10.
    fn priority(&mut self) -> (Priority, WantedState) {
        let number = self.raw.priority.map(|priority| priority.value);
        let (priority, wanted) = match (number, self.raw.wanted) {
            (None, Some(WantedState::Master)) => (Priority::OWNER, WantedState::Master),
            (None, _) => (Priority::DEFAULT, WantedState::Backup),
            (Some(255), None) => (Priority::OWNER, WantedState::Master),
            (Some(number), wanted) => {
                (Priority::new(number), wanted.unwrap_or(WantedState::Backup))
            }
        };
        if !self.strict || (wanted == WantedState::Master) == (priority == Priority::OWNER) {
            return (priority, wanted);
        }
        let (corrected, name) = match priority {
            Priority::OWNER => (WantedState::Master, "MASTER"),
            _ => (WantedState::Backup, "BACKUP"),
        };
        let message = "in strict mode `state MASTER` and priority 255 go together";
        self.warning("corrected", self.name.span, message)
            .help(format!("`state {name}` is used"));
        (priority, corrected)
    }

    /// KA-ST-06, KA-B-07, KA-B-08.
    fn preempt(&mut self, priority: Priority, wanted: WantedState) -> Preempt {
        let mut never = self.raw.nopreempt;
        let mut delay = self
            .raw
            .preempt_delay
            .filter(|delay| !delay.value.is_zero());
        if let (Some(span), WantedState::Master) = (never, wanted) {
            self.warning(
                "nopreempt-master",
                span,
                "`nopreempt` is ignored with `state MASTER`",
            )
            .help("use `state BACKUP` on all members");
            never = None;
        }
        if let (Some(span), Priority::OWNER) = (never, priority) {
            self.warning(
                "nopreempt-owner",
                span,
                "`nopreempt` is ignored with priority 255",
            );
            never = None;
        }
        if let Some(Spanned { span, .. }) = delay {
            let why = match (wanted, priority, never) {
                _ if self.strict => Some("strict mode"),
                (WantedState::Master, ..) => Some("`state MASTER`"),
                (_, Priority::OWNER, _) => Some("priority 255"),
                (.., Some(_)) => Some("`nopreempt`"),
                _ => None,
            };
            if let Some(why) = why {
                let message = format!("`preempt_delay` is ignored with {why}");
                self.warning("preempt-delay", span, message)
                    .help("remove one of the two");
                delay = None;
            }
        }
        match (never, delay) {
            (Some(_), _) => Preempt::Never,
            (None, Some(delay)) => Preempt::After(delay.value),
            (None, None) => Preempt::Immediately,
        }
    }

    /// KA-M-09.
    fn timer_expired_backup(&mut self, preempt: Preempt) -> Option<u8> {
        let Spanned { value, span } = self.raw.timer_expired_backup?;
        if preempt == Preempt::Never {
            return Some(value);
        }
        self.warning(
            "needs-nopreempt",
            span,
            "`timer_expired_backup` does nothing without `nopreempt`",
        )
        .help("who preempts would only take over again");
        None
    }

    /// VRRP-EXT-12: whole seconds in version 2, centiseconds up to 40.95 s in version 3.
    fn advert_interval(&mut self, version: Version) -> AdvertInterval {
        let Some(Spanned {
            value: wanted,
            span,
        }) = self.raw.advert_int
        else {
            return AdvertInterval::DEFAULT;
        };
        let unit = match version {
            Version::V2 => 100,
            Version::V3 => 1,
        };
        let rounded = round_to(wanted, unit);
        let interval = match version {
            Version::V2 => rounded.min(AdvertInterval::MAX_V2),
            Version::V3 => rounded.min(AdvertInterval::MAX_V3),
        };
        if interval.to_duration() == wanted {
            return interval;
        }
        let said = wanted.as_secs_f64();
        let (code, message) = match version {
            Version::V2 => (
                "rounded-interval",
                format!("version 2 sends whole seconds: `advert_int {said}` becomes {interval}"),
            ),
            Version::V3 if rounded > AdvertInterval::MAX_V3 => (
                "long-interval",
                format!("version 3 sends at most 40.95 s: `advert_int {said}` becomes {interval}"),
            ),
            Version::V3 => (
                "rounded-interval",
                format!("version 3 sends steps of 0.01 s: `advert_int {said}` becomes {interval}"),
            ),
        };
        let complaint = self.warning(code, span, message);
        if version == Version::V2 {
            complaint.help("for fractions of a second use `version 3` on all members");
        }
        interval
    }

    fn tracked(&mut self, interface: &Spanned<String>, priority: Priority) {
        for tracked in std::mem::take(&mut self.raw.tracked_interfaces) {
            let span = tracked.name.span;
            let name = &tracked.name.value;
            if *name == interface.value {
                let message = format!("`{name}` is its own interface, which is tracked anyway");
                self.error("tracks-itself", span, message)
                    .help("`dont_track_primary` turns that off; the entry is left out");
            } else if priority == Priority::OWNER && tracked.weight != 0 {
                let message = format!("the weight of `{name}` cannot change priority 255");
                self.error("weight-of-owner", span, message)
                    .help("the entry is left out");
            } else {
                self.raw.tracked_interfaces.push(tracked);
            }
        }
    }

    /// TRK-09: 255 cannot be changed, so what would change it does nothing.
    fn tracked_objects(&mut self, defined: &Defined, priority: Priority) -> Vec<Tracked> {
        let used = std::mem::take(&mut self.raw.used);
        let mut tracked = Vec::with_capacity(used.len());
        for used in used {
            let of_group = used.of_group;
            let Some(object) = defined.resolve(used, &self.name.value, self.diagnostics) else {
                continue;
            };
            let weight = i32::from(object.weight.value);
            if self.may_weigh(&object.name, weight, of_group, priority) {
                tracked.push(object);
            }
        }
        tracked
    }

    fn behaviour(&self) -> Behaviour {
        let (raw, global) = (&self.raw, self.global);
        let own = |setting: Option<Spanned<bool>>, default| {
            setting.map_or(default, |setting| setting.value)
        };
        Behaviour {
            down_timer_adverts: raw
                .down_timer_adverts
                .map_or(global.down_timer_adverts, |count| count.value),
            lower_prio_no_advert: own(raw.lower_prio_no_advert, global.lower_prio_no_advert),
            higher_prio_send_advert: own(
                raw.higher_prio_send_advert,
                global.higher_prio_send_advert,
            ),
            owner_ignore_adverts: raw
                .owner_ignore_adverts
                .unwrap_or(global.owner_ignore_adverts),
        }
    }

    /// When and how often addresses are announced: GARP-04, GARP-07.
    fn announce(&self) -> Announce {
        let (own, all) = (&self.raw.announce, &self.global.announce);
        let repeat = own.repeat.unwrap_or(all.master_repeat);
        let delay = own.delay.unwrap_or(all.master_delay);
        let lower_repeat = own.lower_prio_repeat.or(all.lower_prio_repeat);
        let lower_delay = own.lower_prio_delay.or(all.lower_prio_delay);
        Announce {
            repeat,
            delay,
            refresh: own.refresh.unwrap_or(all.refresh),
            refresh_repeat: own.refresh_repeat.unwrap_or(all.refresh_repeat),
            lower_prio_repeat: lower_repeat.unwrap_or(repeat),
            lower_prio_delay: lower_delay.unwrap_or(delay),
        }
    }
}

/// The nearest multiple of `unit` centiseconds, at least one.
fn round_to(time: Duration, unit: u64) -> AdvertInterval {
    let step = unit.saturating_mul(10_000);
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let steps = (micros.saturating_add(step / 2) / step).max(1);
    let centis = u16::try_from(steps.saturating_mul(unit)).unwrap_or(u16::MAX);
    AdvertInterval::from_centis(centis).unwrap_or(AdvertInterval::MAX_V2)
}
