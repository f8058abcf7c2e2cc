//! Wireshark's opinion of everything we send: it decodes without a remark, and every checksum is right.

use std::time::Duration;

use lab::capture::Sent;
use lab::wire::Frame;
use lab::{Capture, Conf, Daemon, Kind, Lan, tshark, wait_until};

const PATIENCE: Duration = Duration::from_secs(12);
/// `_ws.expert.severity` of a warning; errors are higher.
const WARNING: &str = "6291456";

macro_rules! wire {
    ($($program:ident: $kind:ident;)*) => {$(
        mod $program {
            use super::*;

            /// VRRP-V2-TX-01, VRRP-V2-TX-04, VRRP-V2-CK-01, ARP-01, VRRP-EXT-09, VRRP-EXT-14.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn version_2_adverts_and_gratuitous_arp() {
                decodes(Kind::$kind, &Conf::new(200).version2(), "vrrp.checksum.status == 1");
            }

            /// VRRP-V2-AUTH-02.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn version_2_adverts_with_a_password() {
                let conf = Conf::new(200).version2();
                let conf = conf.with("authentication {\n auth_type PASS\n auth_pass s3cret12\n }");
                decodes(Kind::$kind, &conf, "vrrp.auth_type == 1 && vrrp.checksum.status == 1");
            }

            /// VRRP-V3-TX-03, VRRP-V3-CK-03.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn version_3_adverts_over_ipv4() {
                decodes(Kind::$kind, &Conf::new(200), "vrrp.checksum.status == 1");
            }

            /// VRRP-V3-TX-03, VRRP-V3-CK-02, ND-01, ND-02, ND-04.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn version_3_adverts_over_ipv6_and_neighbour_advertisements() {
                decodes(Kind::$kind, &Conf::new(200).ipv6(), "vrrp.checksum.status == 1");
            }

            /// VRRP-EXT-01.
            #[test]
            #[ignore = "live: cargo xtask live"]
            fn unicast_adverts() {
                lab::require_live();
                let lan = Lan::new(&["a", "b"]);
                let conf = Conf::new(200).unicast(lan.host("a"), lan.host("b"));
                decodes_on(&lan, Kind::$kind, &conf, "vrrp.checksum.status == 1");
            }
        }
    )*};
}

wire! {
    c: CKeepalived;
    ours: Ours;
}

fn decodes(kind: Kind, conf: &Conf, good: &str) {
    lab::require_live();
    decodes_on(&Lan::new(&["a", "b"]), kind, conf, good);
}

/// A whole life: becoming master, a few adverts, announcements, the release at the end.
fn decodes_on(lan: &Lan, kind: Kind, conf: &Conf, good: &str) {
    let mut capture = Capture::start(lan);
    let mut daemon = Daemon::start(kind, lan.host("a"), conf);
    let start = lab::clock::stamp();
    wait_until("three adverts", PATIENCE, || capture.adverts().len() >= 3);
    let asked = daemon.terminate();
    daemon.wait_exit(PATIENCE);
    wait_until("the release", PATIENCE, || {
        capture.release("a", asked).is_some()
    });
    assert!(capture.first_advert("a", start).is_some());
    // The old master must let go before hosts are told.
    let told = |sent: &&Sent| sent.host == "a" && sent.frame != Frame::Other;
    let first = capture
        .sent()
        .iter()
        .find(told)
        .map(|sent| sent.frame.clone());
    assert!(
        matches!(first, Some(Frame::Advert(_))),
        "{first:?} came before the first advert"
    );
    let file = capture.finish();

    // Each frame is captured where it enters the switch and where it leaves it; once is enough.
    let ours = "sll.src.eth == 02:00:00:00:00:01 && sll.pkttype != 4";
    let count = |filter: &str| tshark::fields(&file, filter, &["frame.number"]).len();
    let adverts = count(&format!("{ours} && vrrp"));
    assert!(adverts >= 4, "only {adverts} adverts");
    assert_eq!(
        count(&format!("{ours} && vrrp && {good}")),
        adverts,
        "not all adverts are good"
    );
    let announcements = if conf.is_ipv6() {
        format!(
            "{ours} && icmpv6.type == 136 && icmpv6.checksum.status == 1 && icmpv6.nd.na.flag.o"
        )
    } else {
        format!("{ours} && arp.isgratuitous")
    };
    assert!(
        count(&announcements) >= 5,
        "only {} announcements",
        count(&announcements)
    );

    let remark = format!("{ours} && (_ws.malformed || _ws.expert.severity >= {WARNING})");
    let remarks = tshark::fields(
        &file,
        &remark,
        &["frame.number", "_ws.col.Info", "_ws.expert.message"],
    );
    let lines: Vec<_> = remarks.iter().map(|row| row.join(" | ")).collect();
    assert!(lines.is_empty(), "Wireshark remarks:\n{}", lines.join("\n"));
    if !conf.is_ipv6() {
        let bad = count(&format!("{ours} && ip && ip.checksum.status != 1"));
        assert_eq!(bad, 0, "IP header checksums");
    }
}
