//! Two routers and a client: every version, family and transport, every way to lose a master,
//! each with our daemon on either side of C Keepalived.
//!
//! The C/C column proves the harness: if that is red, the harness or the machine is wrong.
//! A cell is named `pairing::version_family_transport::event`, for example
//! `cargo xtask live ours_c::v3_ipv6_unicast::kill`; the first of the pair is router `a`, which has the
//! higher priority and is the one that is lost.

use std::time::Duration;

use lab::clock::{self, Stamp};
use lab::conf::Conf;
use lab::wait::holds_for;
use lab::{Capture, Daemon, Kind, Lan, Probe, lateness_between, wait_for, wait_until};

/// What a daemon may be late, beyond the bound of the protocol and the lateness of the machine.
const TOLERANCE: Duration = Duration::from_millis(20);
/// Generous: only a broken daemon gets there.
const PATIENCE: Duration = Duration::from_secs(12);

macro_rules! cells {
    ($($pairing:ident: $a:ident over $b:ident;)*) => {$(
        mod $pairing {
            use super::*;
            const PAIRING: (Kind, Kind) = (Kind::$a, Kind::$b);
            cells!(@variant v2_ipv4_multicast, |_, _, p| Conf::new(p).version2());
            cells!(@variant v2_ipv4_unicast, |me, peer, p| Conf::new(p).version2().unicast(me, peer));
            cells!(@variant v3_ipv4_multicast, |_, _, p| Conf::new(p));
            cells!(@variant v3_ipv4_unicast, |me, peer, p| Conf::new(p).unicast(me, peer));
            cells!(@variant v3_ipv6_multicast, |_, _, p| Conf::new(p).ipv6());
            cells!(@variant v3_ipv6_unicast, |me, peer, p| Conf::new(p).ipv6().unicast(me, peer));
        }
    )*};
    (@variant $variant:ident, $conf:expr) => {
        mod $variant {
            use super::*;

            fn cell() -> Cell {
                Cell::new(PAIRING, $conf)
            }

            /// FSM-T-02, KA-ST-07: takeover after the down interval, and back.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn kill() {
                cell().kill();
            }

            /// VRRP-V2-TX-06, VRRP-V3-TX-07, KA-M-10, FSM-T-03: released, taken over after the skew.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn stop() {
                cell().stop();
            }

            /// KA-F-01, KA-F-03, VRRP-HOST-01, VRRP-HOST-04: a router without link holds nothing.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn link_down() {
                cell().link_down();
            }

            /// FSM-T-05, KA-M-04, VRRP-HOST-01: the better one takes over, the other lets go.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn higher_priority_returns() {
                cell().higher_priority_returns();
            }
        }
    };
}

cells! {
    c_c: CKeepalived over CKeepalived;
    ours_c: Ours over CKeepalived;
    c_ours: CKeepalived over Ours;
    ours_ours: Ours over Ours;
}

/// One LAN with routers `a` (priority 200) and `b` (100) and the client `c`.
struct Cell {
    pairing: (Kind, Kind),
    // Before the LAN, so that tcpdump ends before its namespace goes.
    capture: Capture,
    a: Conf,
    b: Conf,
    lan: Lan,
}

impl Cell {
    fn new(pairing: (Kind, Kind), conf: impl Fn(&lab::Host, &lab::Host, u8) -> Conf) -> Self {
        lab::require_live();
        let lan = Lan::new(&["a", "b", "c"]);
        let (a, b) = (lan.host("a"), lan.host("b"));
        let (a, b) = (conf(a, b, 200), conf(b, a, 100));
        Self {
            pairing,
            capture: Capture::start(&lan),
            a,
            b,
            lan,
        }
    }

    /// The daemon dies without a word; its host keeps the address until it is started again.
    fn kill(&self) {
        let (mut a, _b, probe) = self.a_over_b();
        let killed = a.kill();
        let last = self
            .capture
            .last_advert("a", killed)
            .expect("a was the master");
        self.expect_takeover_by_b(last, self.b.down_interval());
        // The dead router's kernel still holds the addresses, so only the client's view counts.
        self.expect_client_at("b", &probe);
        self.expect_outage(&probe, killed, self.b.down_interval());

        a.start_again(self.lan.host("a"));
        self.expect_only_master("a");
        self.expect_client_at("a", &probe);
    }

    /// SIGTERM: priority 0, addresses gone, exit status 0.
    fn stop(&self) {
        let (mut a, _b, probe) = self.a_over_b();
        let asked = a.terminate();
        let status = a.wait_exit(PATIENCE);
        assert!(status.success(), "SIGTERM ended with {status}");
        let release = self
            .capture
            .release("a", asked)
            .expect("a released with priority 0");
        self.expect_takeover_by_b(release, self.b.skew());
        self.expect_only_master("b");
        self.expect_client_at("b", &probe);
        self.expect_outage(&probe, asked, self.b.skew());
    }

    /// The cable is pulled: `a` must give up its addresses; then it is plugged in again.
    fn link_down(&self) {
        let (_a, _b, probe) = self.a_over_b();
        let cut = clock::stamp();
        self.lan.cut("a");
        let last = self
            .capture
            .last_advert("a", clock::stamp())
            .expect("a was the master");
        self.expect_takeover_by_b(last, self.b.down_interval());
        self.expect_only_master("b");
        self.expect_client_at("b", &probe);
        self.expect_outage(&probe, cut, self.b.down_interval());

        self.lan.plug("a");
        self.expect_only_master("a");
        self.expect_client_at("a", &probe);
    }

    /// `b` serves alone; `a` with the higher priority comes and takes over.
    fn higher_priority_returns(&self) {
        let b = Daemon::start(self.pairing.1, self.lan.host("b"), &self.b);
        self.expect_only_master("b");
        let probe = Probe::start(self.lan.host("c"), self.b.service_address());
        probe.wait_answer(PATIENCE);
        let came = clock::stamp();
        let a = Daemon::start(self.pairing.0, self.lan.host("a"), &self.a);
        a.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        let ready = clock::stamp();
        let first = wait_for("a advertises", PATIENCE, || {
            self.capture.first_advert("a", came)
        });
        // Before it may speak it must have listened for a whole down interval since its start.
        let early = self
            .a
            .down_interval()
            .checked_sub(first.saturating_sub(came));
        assert!(early.is_none(), "a advertised {early:?} too early");
        self.expect_within("a takes over", ready, first, self.a.down_interval());
        self.expect_only_master("a");
        let last = self
            .capture
            .last_advert("b", clock::stamp())
            .expect("b was the master");
        if last > first {
            self.expect_within("b yields", first, last, Duration::ZERO);
        }
        self.expect_client_at("a", &probe);
        self.expect_outage(&probe, came, Duration::ZERO);
        drop((a, b));
    }

    /// Both run, `a` is the master, `b` has heard it, the client gets answers.
    fn a_over_b(&self) -> (Daemon, Daemon, Probe) {
        let a = Daemon::start(self.pairing.0, self.lan.host("a"), &self.a);
        let b = Daemon::start(self.pairing.1, self.lan.host("b"), &self.b);
        b.wait_log("Entering BACKUP STATE", 1, PATIENCE);
        self.expect_only_master("a");
        let probe = Probe::start(self.lan.host("c"), self.a.service_address());
        probe.wait_answer(PATIENCE);
        self.expect_client_at("a", &probe);
        let quiet = self.a.interval * 2;
        holds_for("only a holds the addresses", quiet, || {
            self.holders_are(&["a"])
        });
        assert!(
            self.capture.no_other("a", quiet),
            "b advertised beside a live master"
        );
        (a, b, probe)
    }

    fn holders_are(&self, hosts: &[&str]) -> bool {
        let addresses = self.a.virtual_addresses();
        addresses
            .into_iter()
            .all(|address| self.lan.holders(address) == hosts)
    }

    /// One host advertises, and it alone has the addresses.
    #[track_caller]
    fn expect_only_master(&self, host: &str) {
        let span = self.a.interval * 3;
        let limit = PATIENCE + span;
        wait_until(&format!("{host} is the only master"), limit, || {
            self.capture.alone(host, span) && self.holders_are(&[host])
        });
    }

    /// `b` advertises no earlier and hardly later than `bound` after `from`.
    #[track_caller]
    fn expect_takeover_by_b(&self, from: Stamp, bound: Duration) {
        let first = wait_for("b advertises", PATIENCE, || {
            self.capture.first_advert("b", from)
        });
        let after = first.saturating_sub(from);
        // Two captures of one clock: a tenth of a millisecond covers the way to b.
        let early = bound.saturating_sub(after);
        assert!(
            early < Duration::from_micros(100),
            "b took over {early:?} too early"
        );
        self.expect_within("b takes over", from, first, bound);
    }

    #[track_caller]
    fn expect_within(&self, what: &str, from: Stamp, to: Stamp, bound: Duration) {
        let machine = lateness_between(from, to);
        let over = to.saturating_sub(from).saturating_sub(bound);
        println!("{what}: {over:?} over the bound of {bound:?} (machine late by {machine:?})");
        assert!(
            over <= TOLERANCE + machine,
            "{what}: {over:?} over the bound of {bound:?}; the machine was late by {machine:?}"
        );
    }

    /// The client's neighbour cache has the right station and its requests are answered.
    #[track_caller]
    fn expect_client_at(&self, host: &str, probe: &Probe) {
        let (client, address) = (self.lan.host("c"), self.a.service_address());
        let right = self.lan.host(host).mac;
        wait_until(
            &format!("the client has {host} in its neighbour cache"),
            PATIENCE,
            || client.neighbour(address) == Some(right),
        );
        probe.wait_answer(PATIENCE);
    }

    /// The client was without answers for no longer than the takeover may last, and a moment.
    #[track_caller]
    fn expect_outage(&self, probe: &Probe, since: Stamp, bound: Duration) {
        let Some(outage) = probe.worst_outage(since.saturating_sub(lab::probe::EVERY * 2)) else {
            return;
        };
        let machine = lateness_between(outage.from, outage.from + outage.length);
        let moment = TOLERANCE + lab::probe::EVERY * 2 + Duration::from_millis(30) + machine;
        println!("client without answers for {:?}", outage.length);
        assert!(
            outage.length <= bound + moment,
            "client without answers for {:?}, bound {bound:?}",
            outage.length
        );
    }
}
