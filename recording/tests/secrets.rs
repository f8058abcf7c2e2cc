//! A recording without passwords and keys is replayed as one with them.

mod common;

use bfd::{AuthConfig, AuthKind, Key, Secret};
use common::{Recorded, SMALL, World, config, replay};
use keepalived_recording::{Input, Output, Recording, Replay, Step};
use vrrp_fsm::{Hmac, InstanceConfig, Rejected, State, V2Auth, WireFormat};
use vrrp_proto::HmacKey;

const WORD: &[u8; 8] = b"hush-hsh";
const KEY: &[u8; 32] = b"nobody has to know what this is!";
const BFD: &[u8; 10] = b"mumblemurm";

fn v2(auth: V2Auth) -> InstanceConfig {
    config(1, 90).with_format(WireFormat::V2 { auth })
}

fn signed() -> InstanceConfig {
    let key = HmacKey::new(KEY).unwrap();
    config(1, 90).with_hmac(Hmac::new(vec![(7, key)], 7).unwrap())
}

fn auth(kind: AuthKind) -> AuthConfig {
    AuthConfig::new(kind, vec![Key::new(3, Secret::new(BFD).unwrap())]).unwrap()
}

fn contains(octets: &[u8], word: &[u8]) -> bool {
    octets.windows(word.len()).any(|window| window == word)
}

/// A failover and back, with a session beside it.
fn recorded(without_secrets: bool, config: &InstanceConfig, kind: AuthKind) -> World {
    let recorded = Recorded::new(SMALL, without_secrets);
    let configs = [config.clone()];
    let mut world = World::with_bfd_auth(recorded, &configs, 1, Some(auth(kind)));
    world.run(100, false);
    assert_eq!(state(&world), State::Backup, "it hears the other one");
    world.loss = 100;
    world.run(100, false);
    assert_eq!(state(&world), State::Active);
    world.loss = 0;
    world.run(300, false);
    assert_eq!(state(&world), State::Backup, "it believes the other one");
    world
}

fn state(world: &World) -> State {
    world.here.router.instance(world.ids[0]).unwrap().state()
}

#[test]
fn without_secrets_none_is_in_the_file_and_the_replay_is_the_same() {
    let kinds = [
        AuthKind::Simple,
        AuthKind::KeyedMd5,
        AuthKind::MeticulousMd5,
        AuthKind::KeyedSha1,
        AuthKind::MeticulousSha1,
    ];
    let configs = [v2(V2Auth::Password(*WORD)), v2(V2Auth::Ah(*WORD)), signed()];
    for (kind, config) in kinds.iter().zip(configs.iter().cycle()) {
        let open = recorded(false, config, *kind).here.file.0;
        let closed = recorded(true, config, *kind).here.file.0;
        assert!(contains(&open, WORD) || contains(&open, KEY));
        assert!(contains(&open, BFD));
        for secret in [WORD.as_slice(), KEY, BFD] {
            assert!(!contains(&closed, secret), "{kind:?} {config:?}");
        }
        let (open, closed) = (replay(&open), replay(&closed));
        assert!(closed.is_same() && closed.states_reached > 0, "{closed:?}");
        assert_eq!(open.calls, closed.calls);
    }
}

#[test]
fn what_was_not_believed_is_not_believed_without_the_secrets() {
    let mut world = recorded(true, &v2(V2Auth::Password(*WORD)), AuthKind::Simple);
    let mut other = World::new(
        Recorded::new(SMALL, false),
        &[v2(V2Auth::Password(*b"hush-hsj"))],
        1,
    );
    other.run(120, false);
    let recording = Recording::read(&other.here.file.0).unwrap();
    let mut messages = Vec::new();
    Replay::run(&recording, |_, step| {
        if let Step::Call(call) = step
            && let Input::Packet { ip, message, .. } = call.input
        {
            messages.push((ip, message.into_owned()));
        }
    });
    assert!(!messages.is_empty());
    let now = common::at(world.now);
    let id = world.ids[0];
    let count = |world: &World| {
        let stats = world.here.router.instance(id).unwrap().stats();
        stats.rejected(&Rejected::AuthData)
    };
    for (ip, message) in messages {
        let before = count(&world);
        world.here.packet(now, ip, &message);
        assert_eq!(count(&world), before + 1);
    }
    world.run(1, false);
    let file = &world.here.file.0;
    assert!(replay(file).is_same());
    assert!(!contains(file, b"hush-hs"), "it is nearly the word");
    let mut refused = 0;
    Replay::run(&Recording::read(file).unwrap(), |_, step| {
        if let Step::Call(call) = step {
            let wrong = Output::Heard(Err(Rejected::AuthData));
            refused += u32::from(call.recorded == Some(wrong));
        }
    });
    assert!(refused > 0);
}
