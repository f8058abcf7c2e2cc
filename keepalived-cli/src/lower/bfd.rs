//! `bfd_instance`, and who tracks it.

use std::collections::BTreeSet;
use std::num::NonZeroU8;
use std::sync::Arc;

use bfd::{
    AuthConfig, AuthKind, ConfigError, Definition, Demand, Discriminator, InitiatorConfig, Key,
    Micros, Multihop, ReflectorConfig, Role, Seamless, Secret, SessionConfig, SingleHop,
};
use keepalived_config::Config as Model;
use keepalived_config::model::balance::CheckerKind;
use keepalived_config::model::{BfdAuth, BfdAuthKind, BfdInstance, SbfdReflector, TrackedBfd};
use keepalived_driver::bfd::BfdSetup;
use keepalived_driver::tracked::{TrackedObject, TrackerId, TrackerKind, TrackerSetup, Watch};
use netlink_vip::InterfaceName;
use vrrp_fsm::Influence;

use crate::nodes::counted;

/// What the elections loop runs for this session.
pub(super) fn setup(wanted: &BfdInstance) -> Result<BfdSetup, String> {
    let interface = match &wanted.interface {
        Some(name) => Some(InterfaceName::new(&name.value).map_err(|error| error.to_string())?),
        None => None,
    };
    let peer = wanted.neighbor.value;
    let local = wanted.source.as_ref().map(|source| source.value);
    if let Some(remote) = wanted.sbfd {
        let path = Seamless {
            target: peer,
            local,
        };
        let config = initiator(wanted, remote).map_err(|error| error.to_string())?;
        return Ok(BfdSetup::new(
            &wanted.name,
            Definition::Seamless(path, config),
        ));
    }
    let config = config(wanted).map_err(|error| error.to_string())?;
    let definition = if wanted.multihop {
        let path = Multihop {
            peer,
            local,
            min_ttl: wanted.min_ttl,
            ttl: wanted.ttl,
        };
        Definition::Multihop(path, config)
    } else {
        let mut path = SingleHop::new(bfd::InterfaceId::ANY, peer).with_local(local);
        path.ttl = wanted.ttl;
        path.min_ttl = wanted.min_ttl;
        Definition::SingleHop(path, config)
    };
    let mut setup = BfdSetup::new(&wanted.name, definition);
    setup.interface = interface;
    Ok(setup)
}

fn discriminator(number: u32) -> Result<Discriminator, ConfigError> {
    Discriminator::new(number).ok_or(ConfigError::DiscriminatorZero)
}

fn initiator(wanted: &BfdInstance, remote: u32) -> Result<InitiatorConfig, ConfigError> {
    let mult = NonZeroU8::new(wanted.multiplier).unwrap_or(NonZeroU8::MIN);
    let every = Micros::from_duration(wanted.min_tx);
    let auth = wanted.auth.as_ref().map(auth).transpose()?;
    Ok(InitiatorConfig::new(discriminator(remote)?, every, mult).with_auth(auth))
}

/// What answers to S-BFD initiators.
pub(super) fn reflector(wanted: &SbfdReflector) -> Result<ReflectorConfig, String> {
    let known = wanted.discriminators.iter();
    let known: Result<Vec<_>, _> = known.map(|number| discriminator(*number)).collect();
    let auth = wanted.auth.as_ref().map(auth).transpose();
    let read = known.and_then(|known| Ok((known, auth?)));
    let (known, auth) = read.map_err(|error| error.to_string())?;
    Ok(
        ReflectorConfig::new(known, Micros::from_duration(wanted.min_rx))
            .with_admin_down(wanted.admin_down)
            .with_auth(auth),
    )
}

fn config(wanted: &BfdInstance) -> Result<SessionConfig, ConfigError> {
    let micros = Micros::from_duration;
    let mult = NonZeroU8::new(wanted.multiplier).unwrap_or(NonZeroU8::MIN);
    let role = if wanted.passive {
        Role::Passive
    } else {
        Role::Active
    };
    let auth = wanted.auth.as_ref().map(auth).transpose()?;
    let demand = wanted
        .demand
        .map_or(Demand::Off, |every| Demand::Verify(micros(every)));
    let config = SessionConfig::new(micros(wanted.min_tx), micros(wanted.min_rx), mult)
        .with_role(role)
        .with_idle_tx(micros(wanted.idle_tx))
        .with_auth(auth)
        .with_demand(demand)
        .with_echo(wanted.echo.map(micros))
        .with_required_min_echo_rx(wanted.echo.map_or(Micros::ZERO, micros));
    config.check()?;
    Ok(config)
}

fn auth(wanted: &BfdAuth) -> Result<AuthConfig, ConfigError> {
    let kind = match wanted.kind {
        BfdAuthKind::Simple => AuthKind::Simple,
        BfdAuthKind::Md5 => AuthKind::KeyedMd5,
        BfdAuthKind::MeticulousMd5 => AuthKind::MeticulousMd5,
        BfdAuthKind::Sha1 => AuthKind::KeyedSha1,
        BfdAuthKind::MeticulousSha1 => AuthKind::MeticulousSha1,
    };
    let keys = wanted.keys.iter();
    let keys: Result<Vec<Key>, ConfigError> = keys
        .map(|key| Ok(Key::new(key.id, Secret::new(&key.bytes)?)))
        .collect();
    AuthConfig::new(kind, keys?)
}

/// Why a check of a session cannot be had.
pub(crate) const NO_BFD: &str = "no BFD session runs (-B)";

/// What becomes of those who track sessions where none runs, as with Keepalived; `checks` and `vrrp` say who is there.
/// CLI-07.
pub(crate) fn without_bfd(model: &Model, checks: bool, vrrp: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let services = model.services.iter().filter(|_| checks);
    let servers = services.flat_map(|service| &service.servers);
    let checkers = servers.flat_map(|server| &server.checkers);
    let checks = checkers.filter(|check| matches!(check.kind, CheckerKind::Bfd { .. }));
    let (down, up): (Vec<_>, Vec<_>) = checks.partition(|check| check.alpha);
    for (checks, becomes) in [
        (up, "without `alpha`: up, whatever becomes of the server"),
        (down, "with `alpha`: fails the server"),
    ] {
        if !checks.is_empty() {
            let count = counted(checks.len(), "BFD_CHECK");
            lines.push(format!("{NO_BFD}: {count} {becomes}"));
        }
    }
    for instance in model.instances.iter().filter(|_| vrrp) {
        for tracked in &instance.tracked_bfd {
            let (instance, session) = (&*instance.name, &*tracked.name);
            lines.push(format!("({instance}) {NO_BFD}: {session} counts as down"));
        }
    }
    lines
}

/// A tracker of an instance.
pub(super) fn tracked(wanted: &TrackedBfd) -> TrackedObject {
    TrackedObject {
        tracker: TrackerId::new(TrackerKind::Bfd, &wanted.name),
        influence: Influence::new(wanted.weight).with_reverse(wanted.reverse),
    }
}

/// The trackers that somebody uses.
pub(super) fn trackers(model: &Model) -> Vec<Arc<TrackerSetup>> {
    let instances = model.instances.iter();
    let used: BTreeSet<&str> = instances
        .flat_map(|instance| &instance.tracked_bfd)
        .map(|tracked| tracked.name.as_str())
        .collect();
    let sessions = model.bfd.iter().map(|session| session.name.as_str());
    sessions
        .filter(|name| used.contains(name))
        .map(|name| Arc::new(TrackerSetup::new(name, Watch::Bfd)))
        .collect()
}
