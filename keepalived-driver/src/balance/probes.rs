//! From the definition of a check to its probe.

use std::sync::Arc;

use healthcheck::{
    BfdProbe, DnsProbe, FileProbe, HttpProbe, Level, PingProbe, Probe, ScriptProbe, SmtpProbe,
    TcpProbe, UdpProbe, UnusableProbe,
};
use vrrp_fsm::TrackStatus;

use super::check::ProbeSetup;
use crate::hooks::HookCommand;
use crate::tracked::{TrackerId, TrackerKind};

/// Any of them.
pub(super) type AnyProbe = Box<dyn Probe + Send>;

/// The probe of a check, what it listens to, and what it runs.
pub(super) fn make(
    probe: &ProbeSetup,
    seed: u64,
) -> (AnyProbe, Option<TrackerId>, Option<Arc<HookCommand>>) {
    let mut told = None;
    let mut script = None;
    let probe: AnyProbe = match probe.clone() {
        ProbeSetup::Tcp { target, timeout } => Box::new(TcpProbe::new(target, timeout)),
        ProbeSetup::Http {
            target,
            config,
            timeout,
        } => Box::new(HttpProbe::new(target, config, timeout)),
        ProbeSetup::Smtp {
            target,
            helo,
            timeout,
        } => Box::new(SmtpProbe::new(target, &helo, timeout)),
        ProbeSetup::Dns {
            target,
            query,
            timeout,
        } => Box::new(DnsProbe::new(target, query, seed, timeout)),
        ProbeSetup::Udp {
            target,
            config,
            timeout,
        } => Box::new(UdpProbe::new(target, config, seed, timeout)),
        ProbeSetup::Ping { target, timeout } => Box::new(PingProbe::new(target, seed, timeout)),
        ProbeSetup::Script {
            command,
            dynamic,
            timeout,
        } => {
            script = Some(command);
            // What is run is the command itself, with its account.
            Box::new(ScriptProbe::new(Vec::new(), dynamic, timeout))
        }
        ProbeSetup::File { name, weight } => {
            told = Some((TrackerKind::File, name));
            Box::new(FileProbe::new(weight))
        }
        ProbeSetup::Bfd { name } => {
            told = Some((TrackerKind::Bfd, name));
            Box::new(BfdProbe::new())
        }
        ProbeSetup::Unusable { why, .. } => Box::new(UnusableProbe::new(&why)),
    };
    let told = told.map(|(kind, name)| TrackerId { kind, name });
    (probe, told, script)
}

/// What a tracker says, in the words of a check. Of what nobody has looked at nothing is said.
pub(super) const fn level_of(status: TrackStatus) -> Option<Level> {
    match status {
        TrackStatus::Unknown => None,
        TrackStatus::Up => Some(Level::Up(true)),
        TrackStatus::Down => Some(Level::Up(false)),
        TrackStatus::Value(value) => Some(Level::Value(Some(value))),
    }
}
