//! Plans of reloads and remembered services, out of any bytes.

use std::sync::Arc;

use super::kernel::reread_services;
use super::numbers::reread as reread_marks;
use super::plan::{Fate, plan as compare, plan_service};
use super::test_setups::{service, tcp};
use super::{CheckSetup, ServiceSetup};

/// Nothing is believed of a file that is not ours from end to end; what is believed is written as it was.
pub fn services_file(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        reread_services(text);
        reread_marks(text);
    }
}

/// The loop fails as by a bug, for tests of what follows.
pub fn panic(remote: &super::BalanceRemote) {
    // It has failed already if this does.
    let _ = remote.panic();
}

/// Two configurations: each thing of the new one comes from one place, and each of the old one goes to one.
pub fn plan(data: &[u8]) {
    let mut octets = data.iter().copied();
    let mut next = || octets.next().unwrap_or(0);
    let old = services(&mut next);
    let new = services(&mut next);
    let plan = compare(&old, &new);
    let mut to: Vec<usize> = plan.added.clone();
    let mut from: Vec<usize> = plan.removed.clone();
    for (before, after) in plan.changed.iter().chain(&plan.kept) {
        from.push(*before);
        to.push(*after);
        assert_eq!(old[*before].label, new[*after].label);
    }
    for (before, after) in &plan.kept {
        assert_eq!(old[*before], new[*after]);
    }
    from.sort_unstable();
    to.sort_unstable();
    assert!(from.into_iter().eq(0..old.len()) && to.into_iter().eq(0..new.len()));
    for (before, after) in &plan.changed {
        check_service(&old[*before], &new[*after]);
    }
}

fn check_service(old: &ServiceSetup, new: &ServiceSetup) {
    let plan = plan_service(old, new);
    assert_eq!(plan.servers.len(), new.servers.len());
    let mut from: Vec<usize> = plan.gone.clone();
    for (server, planned) in new.servers.iter().zip(&plan.servers) {
        assert_eq!(server.checks.len(), planned.checks.len());
        let before = planned.old.map(|at| &old.servers[at]);
        from.extend(planned.old);
        let known: &[CheckSetup] = before.map_or(&[], |server| &server.checks);
        let mut used = Vec::new();
        for (check, fate) in server.checks.iter().zip(&planned.checks) {
            match fate {
                Fate::GoesOn(at) => {
                    assert_eq!(&known[*at], check);
                    used.push(*at);
                }
                Fate::Adopts(at) => {
                    assert_eq!(known[*at].probe, check.probe);
                    used.push(*at);
                }
                Fate::New => {}
            }
        }
        let count = used.len();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), count, "a state is handed on once");
    }
    from.sort_unstable();
    assert!(from.into_iter().eq(0..old.servers.len()));
}

fn services(next: &mut impl FnMut() -> u8) -> Vec<Arc<ServiceSetup>> {
    let mut services: Vec<Arc<ServiceSetup>> = Vec::new();
    for _ in 0..next() % 5 {
        let label = ["a", "b", "c", "d"][usize::from(next() % 4)];
        if services.iter().any(|known| &*known.label == label) {
            continue;
        }
        let mut numbers: Vec<u8> = (0..next() % 4).map(|_| next() % 4).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut setup = service(label, &numbers);
        for server in &mut setup.servers {
            for _ in 0..next() % 4 {
                let (port, seconds) = (80 + u16::from(next() % 2), 1 + u64::from(next() % 2));
                server.checks.push(tcp(port, seconds));
            }
        }
        services.push(Arc::new(setup));
    }
    services
}
