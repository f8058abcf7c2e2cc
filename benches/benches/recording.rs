//! What it costs to record: the calls of a turn with and without a recorder beside the router.

use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use keepalived_recording::{Input, MAX_SIZE, Output, Recorder, Settings};
use vrrp_fsm::proto::{
    AddressList, AdvertInterval, AdvertRepr, Checksum, Family, Format, IpMeta, Priority, Vrid,
};
use vrrp_fsm::{
    BackupPriority, Event, Fault, InstanceConfig, InstanceId, Instant, InterfaceId, Preempt, Role,
    Router, RouterConfig, Rx,
};

const INSTANCES: u8 = 250;

fn main() {
    divan::main();
}

fn running() -> Router {
    let mut router = Router::new();
    let mut config = RouterConfig::new();
    for vrid in 1..=INSTANCES {
        let role = Role::Backup {
            priority: BackupPriority::DEFAULT,
            preempt: Preempt::Immediately,
        };
        let vrid = Vrid::new(vrid).expect("1..=250");
        let one =
            InstanceConfig::new(vrid, Family::Ipv4, role).with_addresses([[192, 0, 2, 100].into()]);
        config = config.with_instance(InterfaceId(0), one);
    }
    let zero = Instant::from_nanos(0);
    for id in router.reload(zero, config).expect("good").ids {
        let own = Some([192, 0, 2, 5].into());
        router.handle_event(zero, id, Event::PrimaryAddress(own));
        router.handle_event(zero, id, Event::FaultCleared(Fault::NoReceivePath));
        router.handle_event(zero, id, Event::Start);
    }
    while router.poll_action().is_some() {}
    router
}

fn ip() -> IpMeta {
    IpMeta {
        source: [192, 0, 2, 1].into(),
        destination: Family::Ipv4.group(),
        hop_limit: 255,
    }
}

fn adverts() -> Vec<Vec<u8>> {
    let advert = |vrid| {
        let repr = AdvertRepr {
            format: Format::V3 {
                ipv4_checksum: Checksum::MessageOnly,
            },
            vrid: Vrid::new(vrid).expect("1..=250"),
            priority: Priority::new(200),
            interval: AdvertInterval::DEFAULT,
            addresses: AddressList::V4(&[[192, 0, 2, 100].into()]),
        };
        let mut message = vec![0; repr.buffer_len()];
        repr.emit(&ip(), &mut message).expect("room");
        message
    };
    (1..=INSTANCES).map(advert).collect()
}

fn recorder(without_secrets: bool) -> Recorder {
    Recorder::new(Settings {
        size: MAX_SIZE,
        without_secrets,
        program: String::new(),
    })
}

fn turn(
    router: &mut Router,
    mut recorder: Option<&mut Recorder>,
    now: Instant,
    adverts: &[Vec<u8>],
) {
    let interface = InterfaceId(0);
    for message in adverts {
        if let Some(recorder) = recorder.as_deref_mut() {
            recorder.packet(now, router, interface, ip(), message);
        }
        let rx = Rx {
            interface,
            ip: ip(),
            message,
        };
        let heard = router.handle_packet(now, rx).map(InstanceId::get);
        if let Some(recorder) = recorder.as_deref_mut() {
            recorder.output(Output::Heard(heard));
        }
    }
    if let Some(recorder) = recorder.as_deref_mut() {
        recorder.input(now, Input::Timeout);
    }
    router.handle_timeout(now);
    loop {
        let action = router.poll_action();
        if let Some(recorder) = recorder.as_deref_mut() {
            recorder.call(Input::PollAction);
            let told = action.map(|(id, action)| (id.get(), action));
            recorder.output(Output::Action(told));
        }
        if black_box(action).is_none() {
            break;
        }
    }
}

fn measure(bencher: Bencher<'_, '_>, mut recorder: Option<Recorder>) {
    let mut router = running();
    let table = bfd::Table::new(1);
    let adverts = adverts();
    let mut now = 0_i64;
    let wall = Duration::ZERO;
    bencher
        .counter(ItemsCount::new(usize::from(INSTANCES)))
        .bench_local(move || {
            now += 1_000_000;
            let at = Instant::from_nanos(now);
            turn(&mut router, recorder.as_mut(), at, &adverts);
            if let Some(recorder) = &mut recorder {
                let ended = recorder.end_turn(at, wall, &router, &table, Vec::new);
                ended.expect("a small state");
                while let Some(write) = recorder.poll_write() {
                    black_box(write);
                }
            }
        });
}

/// 250 adverts heard in one turn.
#[divan::bench]
fn not_recorded(bencher: Bencher<'_, '_>) {
    measure(bencher, None);
}

/// The same, recorded.
#[divan::bench]
fn recorded(bencher: Bencher<'_, '_>) {
    measure(bencher, Some(recorder(false)));
}

/// The same, recorded without secrets: there are none here, so this is what looking for them costs.
#[divan::bench]
fn recorded_without_secrets(bencher: Bencher<'_, '_>) {
    measure(bencher, Some(recorder(true)));
}

/// The state of 250 virtual routers, which begins a segment.
#[divan::bench]
fn state(bencher: Bencher<'_, '_>) {
    let router = running();
    let table = bfd::Table::new(1);
    bencher
        .with_inputs(|| recorder(false))
        .bench_local_values(|mut recorder| {
            let now = Instant::from_nanos(0);
            let ended = recorder.end_turn(now, Duration::ZERO, &router, &table, Vec::new);
            ended.expect("a small state");
            recorder
        });
}
