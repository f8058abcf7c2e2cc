//! `keepalived_bfd.data`: keepalived's titles and order, and below each session the last changes of
//! its state.

use std::fmt::Write;

use bfd::{Definition, Path, Role, SessionConfig};
use keepalived_driver::Snapshot;
use keepalived_driver::bfd::BfdSnapshot;

use super::data::moment;
use crate::messages::bfd::{diagnostic, mac_address, state_word};

/// Appends a line; writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        let _ = writeln!($text, $($format)*);
    }};
}

/// Every session.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    line!(text, "------< BFD Data >------");
    let totals = &snapshot.bfd_totals;
    line!(text, " packets received = {}", totals.received);
    line!(text, " packets sent = {}", totals.sent);
    line!(
        text,
        " packets for no session = {}",
        totals.rejected.total()
    );
    if let Some(reflector) = &totals.reflector {
        let known = reflector.config.discriminators.iter();
        let known: Vec<String> = known.map(|one| format!("0x{:08x}", one.get())).collect();
        line!(text, " S-BFD reflector = {}", known.join(" "));
        line!(
            text,
            "   required min RX interval = {} us, answered = {}, refused = {}",
            reflector.config.required_min_rx.get(),
            reflector.reflected,
            reflector.rejected.total()
        );
    }
    line!(text, "------< BFD Topology >------");
    for session in &snapshot.bfd {
        section(&mut text, session);
    }
    text
}

fn section(text: &mut String, taken: &BfdSnapshot) {
    let path = taken.setup.definition.path();
    line!(text, " BFD Instance = {}", taken.setup.name);
    line!(text, "   Neighbor IP = {}", path.peer());
    if let Some(source) = path.local() {
        line!(text, "   Source IP = {source}");
    }
    if let Some(interface) = &taken.setup.interface {
        line!(text, "   Interface = {interface}");
    }
    if let Definition::SingleHop(_, config) | Definition::Multihop(_, config) =
        &taken.setup.definition
    {
        settings(text, config, &path);
    }
    if let Definition::Seamless(_, config) = &taken.setup.definition {
        line!(text, "   S-BFD reflector = 0x{:08x}", config.remote.get());
        line!(
            text,
            "   Desired min TX interval = {} us",
            config.desired_min_tx.get()
        );
        line!(text, "   Detection multiplier = {}", config.detect_mult);
    }
    state(text, taken);
    for (at, transition) in &taken.history {
        line!(
            text,
            "   Transition = {} -> {}, {}, {}, {}",
            state_word(transition.from),
            state_word(transition.to),
            transition.reason.name(),
            diagnostic(transition.diagnostic),
            moment(*at)
        );
    }
}

fn settings(text: &mut String, config: &SessionConfig, path: &Path) {
    let yes = |on: bool| if on { "true" } else { "false" };
    line!(
        text,
        "   Required min RX interval = {} us",
        config.required_min_rx.get()
    );
    line!(
        text,
        "   Desired min TX interval = {} us",
        config.desired_min_tx.get()
    );
    line!(
        text,
        "   Desired idle TX interval = {} us",
        config.idle_tx.get()
    );
    line!(text, "   Detection multiplier = {}", config.detect_mult);
    let title = if path.peer().is_ipv4() {
        "TTL"
    } else {
        "hoplimit"
    };
    line!(text, "   {title} = {}", path.ttl());
    let least = match path {
        Path::SingleHop(path) => path.min_ttl,
        Path::Multihop(path) => path.min_ttl,
        Path::Seamless(_) => 0,
    };
    line!(text, "   least received {title} = {least}");
    line!(
        text,
        "   multihop = {}",
        yes(matches!(path, Path::Multihop(_)))
    );
    line!(text, "   passive = {}", yes(config.role == Role::Passive));
    if let Some(auth) = &config.auth {
        let ids: Vec<String> = auth.keys().iter().map(|key| key.id.to_string()).collect();
        let kind = auth.kind().number();
        line!(
            text,
            "   authentication type = {kind}, keys = {}",
            ids.join(" ")
        );
    }
    if let Some(echo) = config.echo {
        line!(text, "   echo interval = {} us", echo.get());
    }
}

fn state(text: &mut String, taken: &BfdSnapshot) {
    let (timers, remote, stats) = (&taken.timers, &taken.remote, &taken.stats);
    line!(text, "   local state = {}", state_word(taken.state));
    line!(text, "   remote state = {}", state_word(remote.state));
    line!(
        text,
        "   local discriminator = 0x{:08x}",
        taken.discriminator.get()
    );
    let theirs = remote.discriminator.map_or(0, bfd::Discriminator::get);
    line!(text, "   remote discriminator = 0x{theirs:08x}");
    line!(text, "   local diag = {}", diagnostic(taken.diagnostic));
    line!(text, "   remote diag = {}", diagnostic(remote.diagnostic));
    line!(
        text,
        "   remote min tx intv = {} us",
        remote.desired_min_tx.get()
    );
    line!(
        text,
        "   remote min rx intv = {} us",
        remote.required_min_rx.get()
    );
    line!(text, "   local demand = {}", u8::from(taken.demand.0));
    line!(text, "   remote demand = {}", u8::from(remote.demand));
    let mult = remote.detect_mult.map_or(0, std::num::NonZeroU8::get);
    line!(text, "   remote detect multiplier = {mult}");
    line!(text, "   {}poll", if taken.polling { "" } else { "!" });
    line!(
        text,
        "   local tx intv = {} us",
        timers.transmit_interval.get()
    );
    let tx = remote.desired_min_tx.max(timers.required_min_rx);
    line!(text, "   remote tx intv = {} us", tx.get());
    let detection = timers.detection_time.unwrap_or_default().as_micros();
    line!(text, "   local detection time = {detection} us");
    if let Some(interval) = timers.echo_interval {
        let via = taken
            .echo_via
            .map_or_else(|| "unknown".to_owned(), mac_address);
        let back = taken.echo_round_trip.unwrap_or_default().as_micros();
        line!(
            text,
            "   echo tx intv = {} us, via = {via}, round trip = {back} us, sent = {}, received = {}",
            interval.get(),
            stats.echo_sent,
            stats.echo_received
        );
    }
    match taken.heard_at {
        Some(at) => line!(text, "   last seen = {}", moment(at)),
        None => line!(text, "   last seen = [never]"),
    }
    line!(
        text,
        "   packets received = {}, sent = {}, refused = {}, send errors = {}",
        stats.received,
        stats.sent,
        stats.rejected.total(),
        taken.send_errors
    );
    line!(text, "   flaps = {}", stats.flaps);
}
