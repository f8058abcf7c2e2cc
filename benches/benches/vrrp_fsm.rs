//! What a turn costs among ten thousand virtual routers.

use std::cell::RefCell;
use std::net::IpAddr;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use vrrp_fsm::proto::{
    AddressList, AdvertInterval, AdvertRepr, Checksum, Family, Format, IpMeta, Priority, Vrid,
};
use vrrp_fsm::{
    BackupPriority, Event, Fault, InstanceConfig, InstanceId, Instant, InterfaceId, Preempt, Role,
    Router, RouterConfig, Rx, State,
};

const INSTANCES: u32 = 10_000;
const PER_INTERFACE: u32 = 250;
const SECOND: i64 = 1_000_000_000;

fn main() {
    divan::main();
}

fn address() -> IpAddr {
    IpAddr::from([192, 0, 2, 100])
}

fn config() -> RouterConfig {
    let instances = (0..INSTANCES).map(|n| {
        let vrid = u8::try_from(n % PER_INTERFACE + 1).ok().and_then(Vrid::new);
        let role = Role::Backup {
            priority: BackupPriority::DEFAULT,
            preempt: Preempt::Immediately,
        };
        let config = InstanceConfig::new(vrid.expect("1..=250"), Family::Ipv4, role)
            .with_addresses([address()]);
        (InterfaceId(n / PER_INTERFACE), config)
    });
    RouterConfig {
        instances: instances.collect(),
        ..RouterConfig::new()
    }
}

/// Ten thousand, started one after the other within a second.
fn running() -> (Router, Vec<InstanceId>) {
    let mut router = Router::new();
    let zero = Instant::from_nanos(0);
    let ids = router.reload(zero, config()).expect("good").ids;
    for (id, n) in ids.iter().zip(0..) {
        let now = Instant::from_nanos(n * (SECOND / i64::from(INSTANCES)));
        let own = IpAddr::from([192, 0, 2, 5]);
        router.handle_event(now, *id, Event::PrimaryAddress(Some(own)));
        router.handle_event(now, *id, Event::FaultCleared(Fault::NoReceivePath));
        router.handle_event(now, *id, Event::Start);
    }
    drain(&mut router);
    (router, ids)
}

fn drain(router: &mut Router) -> usize {
    std::iter::from_fn(|| router.poll_action()).count()
}

/// Ten thousand in Active, with a hundred adverts due in each 10 ms.
fn active() -> Router {
    let (mut router, _) = running();
    while let Some(next) = router.next_timeout()
        && router
            .instances()
            .any(|(_, _, one)| one.state() != State::Active)
    {
        // In steps of 50 ms, as otherwise asking takes long.
        router.handle_timeout(Instant::from_nanos(next.as_nanos() + SECOND / 20));
        drain(&mut router);
    }
    router
}

fn advert(priority: u8) -> (IpMeta, Vec<u8>) {
    let ip = IpMeta {
        source: IpAddr::from([192, 0, 2, 9]),
        destination: Family::Ipv4.group(),
        hop_limit: 255,
    };
    let repr = AdvertRepr {
        format: Format::V3 {
            ipv4_checksum: Checksum::MessageOnly,
        },
        vrid: Vrid::new(77).expect("not 0"),
        priority: Priority::new(priority),
        interval: AdvertInterval::DEFAULT,
        addresses: AddressList::V4(&[[192, 0, 2, 100].into()]),
    };
    let mut octets = vec![0; repr.buffer_len()];
    repr.emit(&ip, &mut octets).expect("fits");
    (ip, octets)
}

/// A turn over ten thousand of which one is due: the one is moved so far from the others that
/// nobody keeps it company.
#[divan::bench]
fn turn_with_one_due_of_10000(bencher: Bencher<'_, '_>) {
    let mut router = Router::new();
    let zero = Instant::from_nanos(0);
    let mut all = config();
    // All but the first advertise so seldom that none of them is due before the first has been
    // a hundred thousand times.
    for (n, (_, config)) in all.instances.iter_mut().enumerate() {
        config.role = Role::Owner;
        config.startup = vrrp_fsm::Startup::Active;
        let centis = if n == 0 { 1 } else { 4095 };
        config.interval = AdvertInterval::from_centis(centis).expect("in range");
    }
    let ids = router.reload(zero, all).expect("good").ids;
    for id in &ids {
        let own = IpAddr::from([192, 0, 2, 5]);
        router.handle_event(zero, *id, Event::PrimaryAddress(Some(own)));
        router.handle_event(zero, *id, Event::FaultCleared(Fault::NoReceivePath));
        router.handle_event(zero, *id, Event::Start);
    }
    drain(&mut router);
    let router = RefCell::new(router);
    bencher.bench_local(|| {
        let router = &mut *router.borrow_mut();
        // One in four thousand of these turns serves all the others; the median does not see it.
        let next = router.next_timeout().expect("armed");
        router.handle_timeout(black_box(next));
        drain(router)
    });
}

/// The normal load of ten thousand Active ones at 1 s: each turn serves the hundred that fall due
/// within 10 ms. An item is an advert.
#[divan::bench]
fn turn_with_a_hundred_in_company(bencher: Bencher<'_, '_>) {
    let router = RefCell::new(active());
    bencher.counter(ItemsCount::new(100_u32)).bench_local(|| {
        let router = &mut *router.borrow_mut();
        let next = router.next_timeout().expect("armed");
        router.handle_timeout(black_box(next));
        drain(router)
    });
}

/// An advert of the Active router reaches a Backup among ten thousand.
#[divan::bench]
fn handle_packet_on_a_backup_among_10000(bencher: Bencher<'_, '_>) {
    let (router, _) = running();
    let router = RefCell::new(router);
    let (ip, octets) = advert(200);
    let mut now = SECOND;
    bencher.bench_local(|| {
        now += 1000;
        let rx = Rx {
            interface: InterfaceId(20),
            ip,
            message: black_box(&octets),
        };
        let router = &mut *router.borrow_mut();
        router
            .handle_packet(Instant::from_nanos(now), rx)
            .expect("accepted")
    });
}

/// A packet with a wrong checksum, for the same.
#[divan::bench]
fn reject_packet_among_10000(bencher: Bencher<'_, '_>) {
    let (router, _) = running();
    let router = RefCell::new(router);
    let (ip, mut octets) = advert(200);
    octets[6] ^= 1;
    let now = Instant::from_nanos(SECOND);
    bencher.bench_local(|| {
        let rx = Rx {
            interface: InterfaceId(20),
            ip,
            message: black_box(&octets),
        };
        router.borrow_mut().handle_packet(now, rx).is_err()
    });
}

/// Reload of the same configuration of ten thousand.
#[divan::bench(sample_size = 1, sample_count = 50)]
fn equal_reload_of_10000(bencher: Bencher<'_, '_>) {
    let (router, _) = running();
    let router = RefCell::new(router);
    let now = Instant::from_nanos(SECOND);
    bencher.with_inputs(config).bench_local_values(|config| {
        let kept = router.borrow_mut().reload(now, config).expect("good").kept;
        kept.len()
    });
}
