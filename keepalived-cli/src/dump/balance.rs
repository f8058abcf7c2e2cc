//! `keepalived_check.data`: services, servers and checks under keepalived's titles and in its words.

use std::fmt::Write;

use healthcheck::{Health, HttpVersion, Target, WeightChange};
use ipvs::{Forward, Granularity, Protocol, Service, ServiceFlags, ServiceKey, Tunnel};
use keepalived_driver::balance::{
    BalanceSnapshot, CheckSetup, CheckSnapshot, ProbeSetup, ServerSetup, ServerSnapshot,
    ServiceSnapshot,
};
use keepalived_driver::hooks::HookCommand;

use super::DumpSettings;
use super::data::moment;
use crate::lower::{ServerWishes, ServiceWishes};

/// Appends a line; writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        let _ = writeln!($text, $($format)*);
    }};
}

/// Everything.
pub(super) fn text(snapshot: &BalanceSnapshot, settings: &DumpSettings) -> String {
    let mut text = String::new();
    line!(text, "------< Global definitions >------");
    line!(text, " Router ID = {}", settings.router_id);
    line!(text, " Running since = {}", moment(snapshot.started_at));
    line!(text, "------< LVS Topology >------");
    kernel(&mut text, snapshot);
    let none = ServiceWishes::default();
    for service in &snapshot.services {
        let wishes = settings
            .services
            .get(&service.setup.identity)
            .unwrap_or(&none);
        topology(&mut text, service, wishes);
    }
    line!(text, "------< Health checkers >------");
    for service in &snapshot.services {
        for (server, state) in service.setup.servers.iter().zip(&service.servers) {
            for (check, state) in server.checks.iter().zip(&state.checks) {
                let vs = &service.setup.label;
                line!(text, " {vs} -> {}", server.label);
                checker(&mut text, check, state);
            }
        }
    }
    text
}

fn kernel(text: &mut String, snapshot: &BalanceSnapshot) {
    let ipvs = &snapshot.ipvs;
    match (&ipvs.info, &ipvs.unavailable) {
        (Some(info), _) => {
            let (major, minor, patch) = info.version_parts();
            line!(text, " System has LVS v{major}.{minor}.{patch}");
        }
        (None, why) => {
            let why = why.as_deref().unwrap_or("not looked for yet");
            line!(text, " System has no LVS: {why}");
        }
    }
    line!(text, " Settled = {}", yes(ipvs.settled));
    for (change, why) in &ipvs.refused {
        line!(text, " Refused = {change}: {why}");
    }
}

fn topology(text: &mut String, taken: &ServiceSnapshot, wishes: &ServiceWishes) {
    let setup = &taken.setup;
    line!(text, " ------< Virtual server >------");
    let first = setup.services.first();
    match first.map(|service| service.key) {
        Some(ServiceKey::Address { address, port, .. })
            if setup.label.starts_with(&format!("[{address}]:")) =>
        {
            line!(text, " VS VIP = {address}, VPORT = {port}");
        }
        Some(ServiceKey::Mark { mark, .. }) if setup.label.starts_with("FWM ") => {
            line!(text, " VS FWMARK = {mark}");
        }
        _ => {
            line!(text, " VS GROUP = {}", setup.label);
            if let Some(mark) = taken.mark {
                line!(text, "   FWMARK = {mark}");
            }
            for service in &setup.services {
                line!(text, "   {}", service.key);
            }
        }
    }
    if let Some(service) = first {
        kernel_service(text, service);
    }
    line!(text, "   omega is {}", on(setup.omega));
    let (quorum, hysteresis) = (setup.quorum, setup.hysteresis);
    line!(text, "   quorum = {quorum}, hysteresis = {hysteresis}");
    script(text, "   Quorum up", wishes.hooks.up.as_deref());
    script(text, "   Quorum down", wishes.hooks.down.as_deref());
    if !setup.suspend_without.is_empty() {
        line!(text, "   Using HA suspend");
    }
    line!(text, "   Using smtp notification = {}", yes(wishes.mail));
    if let Some(sorry) = &setup.sorry {
        line!(text, "   sorry server = {}", sorry.label);
        let method = forward(sorry.destination.forward);
        line!(text, "     forwarding method = {method}");
        line!(text, "     Inhibit on failure is {}", on(sorry.inhibit));
        line!(text, "     Serving = {}", yes(taken.sorry));
    }
    let alive = taken.servers.iter().filter(|server| server.up).count();
    line!(text, "   alive = {alive}");
    line!(text, "   quorum_state_up = {}", u8::from(taken.quorum));
    line!(text, "   Last transition = {}", moment(taken.since));
    let none = ServerWishes::default();
    for (server, state) in setup.servers.iter().zip(&taken.servers) {
        let wishes = wishes.servers.get(&server.label).unwrap_or(&none);
        real_server(text, server, state, wishes);
    }
}

fn kernel_service(text: &mut String, service: &Service) {
    line!(text, "   lvs_sched = {}", service.scheduler);
    let able = |flag| {
        if service.flags.contains(flag) {
            "enabled"
        } else {
            "disabled"
        }
    };
    line!(text, "   flag-1 = {}", able(ServiceFlags::SCHEDULER_1));
    line!(text, "   flag-2 = {}", able(ServiceFlags::SCHEDULER_2));
    line!(text, "   flag-3 = {}", able(ServiceFlags::SCHEDULER_3));
    let one = able(ServiceFlags::ONE_PACKET);
    line!(text, "   One packet scheduling = {one}");
    if let Some(persistence) = &service.persistence {
        line!(text, "   persistence timeout = {}", persistence.timeout);
        match persistence.granularity {
            Granularity::Host => {}
            Granularity::Mask(mask) => line!(text, "   persistence granularity = {mask}"),
            Granularity::Prefix(bits) => line!(text, "   persistence granularity = {bits}"),
        }
    }
    if let Some(engine) = &service.engine {
        line!(text, "   persistence engine = {engine}");
    }
    let protocol = match service.key {
        ServiceKey::Address { protocol, .. } => match protocol {
            Protocol::TCP => "TCP",
            Protocol::UDP => "UDP",
            Protocol::SCTP => "SCTP",
            _ => "unknown",
        },
        ServiceKey::Mark { .. } => "none",
    };
    line!(text, "   protocol = {protocol}");
}

fn real_server(
    text: &mut String,
    setup: &ServerSetup,
    state: &ServerSnapshot,
    wishes: &ServerWishes,
) {
    let destination = &setup.destination;
    line!(text, "   ------< Real server >------");
    line!(
        text,
        "   RIP = {}, RPORT = {}, WEIGHT = {} EFF WEIGHT = {}",
        destination.key.address,
        destination.key.port,
        destination.weight,
        state.weight
    );
    line!(
        text,
        "   forwarding method = {}",
        forward(destination.forward)
    );
    line!(
        text,
        "   connection limit range = {} -> {}",
        destination.lower_threshold,
        destination.upper_threshold
    );
    line!(text, "   Inhibit on failure is {}", on(setup.inhibit));
    script(text, "     RS up", wishes.hooks.up.as_deref());
    script(text, "     RS down", wishes.hooks.down.as_deref());
    line!(text, "   Using smtp notification = {}", yes(wishes.mail));
    line!(text, "   initial weight = {}", destination.weight);
    line!(text, "   effective weight = {}", state.weight);
    line!(text, "   alive = {}", u8::from(state.up));
    let failed = state.checks.iter();
    let failed = failed.filter(|check| check.health == Health::Down).count();
    line!(text, "   num failed checkers = {failed}");
    line!(text, "   RS set = {}", u8::from(state.placed.is_some()));
    line!(text, "   Last transition = {}", moment(state.since));
}

fn checker(text: &mut String, setup: &CheckSetup, state: &CheckSnapshot) {
    line!(text, "   Enabled = {}", yes(!state.suspended));
    line!(text, "   Up = {}", yes(state.health == Health::Up));
    line!(text, "   Has run = {}", yes(state.known));
    match state.weight {
        WeightChange::None => line!(text, "   Current weight = 0"),
        WeightChange::By(change) => line!(text, "   Current weight = {change}"),
        WeightChange::To(weight) => line!(text, "   Current weight = to {weight}"),
    }
    let schedule = &setup.schedule;
    if let Some(interval) = schedule.interval {
        line!(text, "   Alpha = {}", yes(schedule.alpha));
        line!(text, "   Delay loop = {} us", interval.as_micros());
        line!(text, "   Warmup = {} us", schedule.warmup.as_micros());
        line!(text, "   Retries = {}", schedule.retries);
        let pause = schedule.delay_before_retry.as_micros();
        line!(text, "   Delay before retry = {pause} us");
    }
    let log_all = yes(schedule.log_all_failures);
    line!(text, "   Log all failures = {log_all}");
    if let Some(target) = setup.probe.target() {
        connection(text, target);
    }
    method(text, setup);
    line!(text, "   Attempts = {}", state.attempts);
    line!(text, "   Failed attempts = {}", state.failures);
    if let Some((at, why)) = &state.last_failure {
        line!(text, "   Last failure = {}: {why}", moment(*at));
    }
}

fn connection(text: &mut String, target: &Target) {
    line!(text, "   Connection");
    let to = target.to;
    line!(text, "     Dest = [{}]:{}", to.ip(), to.port());
    if let Some(address) = target.bind_address {
        line!(text, "     Bind to = [{address}]:{}", target.bind_port);
    }
    if let Some(interface) = &target.interface {
        line!(text, "     Bind i/f = {interface}");
    }
    if target.mark != 0 {
        line!(text, "     Mark = {}", target.mark);
    }
}

fn method(text: &mut String, setup: &CheckSetup) {
    let word = setup.probe.word();
    let timeout = match &setup.probe {
        ProbeSetup::Http {
            config, timeout, ..
        } => {
            let version = match config.version {
                HttpVersion::Http10 => "1.0",
                HttpVersion::Http10Close => "1.0C",
                HttpVersion::Http11 => "1.1",
            };
            line!(text, "     Timeout = {:.6}", timeout.as_secs_f64());
            line!(
                text,
                "   Keepalive method = {word}, http protocol {version}"
            );
            for page in &config.pages {
                line!(text, "   Checked url = {}", page.path);
                if let Some(host) = &page.virtual_host {
                    line!(text, "     VirtualHost = {host}");
                }
                if let Some(digest) = page.expect.digest {
                    let digest = u128::from_be_bytes(digest);
                    line!(text, "     digest = {digest:032x}");
                }
            }
            return;
        }
        ProbeSetup::Script {
            command,
            dynamic,
            timeout,
        } => {
            line!(text, "   Keepalive method = {word}");
            line!(text, "   script = {}", command.display());
            line!(text, "   timeout = {}", timeout.as_secs());
            let dynamic = if *dynamic { "YES" } else { "NO" };
            line!(text, "   dynamic = {dynamic}");
            let (uid, gid) = (command.uid.unwrap_or(0), command.gid.unwrap_or(0));
            line!(text, "   uid:gid = {uid}:{gid}");
            return;
        }
        ProbeSetup::File { name, weight } => {
            line!(text, "   Keepalive method = {word}");
            line!(text, "     Tracked file = {name}, weight {weight}");
            return;
        }
        ProbeSetup::Bfd { name } => {
            line!(text, "   Keepalive method = {word}");
            line!(text, "     BFD instance = {name}");
            return;
        }
        ProbeSetup::Unusable { why, .. } => {
            line!(text, "   Keepalive method = {word}");
            line!(text, "     Cannot be checked: {why}");
            return;
        }
        ProbeSetup::Tcp { timeout, .. }
        | ProbeSetup::Smtp { timeout, .. }
        | ProbeSetup::Dns { timeout, .. }
        | ProbeSetup::Udp { timeout, .. }
        | ProbeSetup::Ping { timeout, .. } => timeout,
        _ => return,
    };
    line!(text, "     Timeout = {:.6}", timeout.as_secs_f64());
    line!(text, "   Keepalive method = {word}");
    if let ProbeSetup::Smtp { helo, .. } = &setup.probe {
        line!(text, "   helo = {helo}");
    }
}

fn script(text: &mut String, what: &str, command: Option<&HookCommand>) {
    if let Some(command) = command {
        let (uid, gid) = (command.uid.unwrap_or(0), command.gid.unwrap_or(0));
        let shown = command.display();
        line!(text, "{what} notify script = {shown}, uid:gid {uid}:{gid}");
    }
}

pub(crate) const fn forward(forward: Forward) -> &'static str {
    match forward {
        Forward::Masquerade => "NAT",
        Forward::DirectRoute => "DR",
        Forward::Tunnel(Tunnel::Ipip) => "IPIP",
        Forward::Tunnel(Tunnel::Gue { .. }) => "GUE",
        Forward::Tunnel(Tunnel::Gre { .. }) => "GRE",
        Forward::LocalNode => "LOCAL",
        Forward::Bypass => "BYPASS",
    }
}

const fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

const fn on(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}
