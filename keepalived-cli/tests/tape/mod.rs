//! Recordings made for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keepalived_recording::{
    DEFAULT_SIZE, Input, Link, Names, News, Output as Told, Recorder, Settings,
};
use sans_io_time::Instant;
use vrrp_fsm::{Event, Fault, InstanceConfig, InterfaceId, Role, Router, RouterConfig};
use vrrp_proto::{Family, Vrid};

/// An owner that starts. `planted`: the recorded machine was told of a fault, and that was not recorded.
pub(crate) fn recording(name: &str, planted: bool) -> PathBuf {
    let settings = Settings {
        size: DEFAULT_SIZE,
        without_secrets: false,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut recorder = Recorder::new(settings);
    let (mut router, table) = (Router::new(), bfd::Table::new(1));
    let wall = Duration::from_secs(1_700_000_000);
    let now = Instant::from_nanos(5_000_000_000);
    let known = || vec![News::Tracked("tracked script web has failed".to_owned())];
    recorder
        .end_turn(now, wall, &router, &table, known)
        .unwrap();
    let config = InstanceConfig::new(Vrid::new(51).unwrap(), Family::Ipv4, Role::Owner)
        .with_addresses(["192.0.2.1".parse().unwrap()]);
    let config = RouterConfig::new().with_instance(InterfaceId(0), config);
    recorder.reload(now, &config);
    let reloaded = router.reload(now, config).unwrap();
    recorder.output(Told::Reloaded(Ok((&reloaded).into())));
    let id = reloaded.ids[0];
    recorder.names(Names {
        instances: vec![(id.get(), "VI_\x1b[31m1".to_owned())],
        interfaces: vec![(0, "eth0".to_owned())],
        ..Names::default()
    });
    let now = now.checked_add(Duration::from_millis(1)).unwrap();
    recorder.news(now, News::Link(0, Link::Down));
    recorder.news(now, News::Address(0, "192.0.2.1".parse().unwrap(), true));
    for event in [
        Event::PrimaryAddress(Some("192.0.2.1".parse().unwrap())),
        Event::FaultCleared(Fault::NoReceivePath),
        Event::Start,
    ] {
        recorder.input(now, Input::Event(id.get(), event));
        router.handle_event(now, id, event);
    }
    if planted {
        router.handle_event(now, id, Event::AddressLost);
    }
    loop {
        recorder.call(Input::PollAction);
        let action = router.poll_action();
        recorder.output(Told::Action(action.map(|(id, action)| (id.get(), action))));
        if action.is_none() {
            break;
        }
    }
    recorder
        .end_turn(now, wall, &router, &table, Vec::new)
        .unwrap();
    let mut octets = Vec::new();
    while let Some(write) = recorder.poll_write() {
        let start = usize::try_from(write.offset).unwrap();
        octets.resize(octets.len().max(start + write.octets.len()), 0);
        octets[start..start + write.octets.len()].copy_from_slice(&write.octets);
    }
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("replay-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, octets).unwrap();
    path
}
