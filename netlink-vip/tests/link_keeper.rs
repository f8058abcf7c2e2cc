//! Devices as desired state, with answers and news of the kernel made by hand.

use netlink_vip::{
    Instant, InterfaceName, Link, LinkEvent, LinkKeeper, Observed, Tag, WantedLink, virtual_mac,
};

fn now() -> Instant {
    Instant::from_nanos(1_000_000_000)
}

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn wanted() -> WantedLink {
    WantedLink::macvlan(name("vrrp.51"), name("eth0"), virtual_mac(51, false))
}

/// `eth0`, and the device on it if `alias` is given.
fn kernel(alias: Option<Option<&str>>, up: bool) -> Observed {
    let mut observed = Observed::new();
    observed.insert_link(Link::new(2, name("eth0")));
    if let Some(alias) = alias {
        let mut link = Link::new(7, name("vrrp.51"));
        link.mac = Some(virtual_mac(51, false));
        link.kind = Some("macvlan".to_owned());
        link.macvlan_mode = Some(2);
        link.parent = Some(2);
        link.alias = alias.map(str::to_owned);
        link.flags.admin_up = up;
        observed.insert_link(link);
    }
    observed
}

/// Type and sequence number of every request in a send.
fn requests(mut bytes: &[u8]) -> Vec<(u16, u32)> {
    let mut all = Vec::new();
    while let Some(header) = bytes.first_chunk::<16>() {
        let word = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().unwrap());
        all.push((u16::from_ne_bytes([header[4], header[5]]), word(8)));
        bytes = &bytes[usize::try_from(word(0)).unwrap().next_multiple_of(4)..];
    }
    all
}

/// The kernel's answer to the request with this number.
fn answer(seq: u32, errno: i32) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(36_u32.to_ne_bytes());
    out.extend(2_u16.to_ne_bytes());
    out.extend(0_u16.to_ne_bytes());
    out.extend(seq.to_ne_bytes());
    out.extend(99_u32.to_ne_bytes());
    out.extend((-errno).to_ne_bytes());
    out.extend([0; 16]);
    out
}

struct Bench {
    keeper: LinkKeeper,
    out: Vec<u8>,
    last: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let mut keeper = LinkKeeper::new(Tag(18));
        keeper.set([wanted()]);
        let (out, last) = (Vec::new(), Vec::new());
        Self { keeper, out, last }
    }

    fn ask(&mut self, observed: &Observed) -> Vec<u16> {
        if self.keeper.poll_request(now(), observed, &mut self.out) {
            self.last.clone_from(&self.out);
        }
        requests(&self.out)
            .into_iter()
            .map(|(kind, _)| kind)
            .collect()
    }

    fn accept(&mut self) {
        for (_, seq) in requests(&self.last) {
            self.keeper.handle_datagram(now(), &answer(seq, 0));
        }
    }

    fn refuse(&mut self, errno: i32) {
        let (_, seq) = requests(&self.last)[0];
        self.keeper.handle_datagram(now(), &answer(seq, errno));
    }
}

const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
const SETLINK: u16 = 19;
const OURS: Option<Option<&str>> = Some(Some("keepalived-rs 18"));

/// VMAC-01: made, dressed, and only then, when whoever sets its sysctls has been told, raised.
#[test]
fn a_device_is_raised_only_after_its_settings_can_have_been_made() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&kernel(None, false)), [NEWLINK, SETLINK, SETLINK]);
    assert_eq!(bench.ask(&kernel(None, false)), []);
    bench.accept();
    let made = LinkEvent::Made {
        name: name("vrrp.51"),
        adopted: false,
    };
    assert_eq!(bench.keeper.poll_event(), Some(made));
    assert_eq!(bench.ask(&kernel(None, false)), []);
    assert_eq!(bench.ask(&kernel(OURS, false)), [SETLINK]);
    bench.accept();
    assert!(!bench.keeper.is_up(name("vrrp.51")));
    assert_eq!(bench.ask(&kernel(OURS, true)), []);
    assert!(bench.keeper.is_up(name("vrrp.51")));
}

/// VMAC-10.
#[test]
fn a_matching_device_that_was_left_is_taken_over_and_not_made_again() {
    let mut bench = Bench::new();
    let asked = bench.ask(&kernel(Some(None), true));
    assert_eq!(asked, [SETLINK, NEWLINK, SETLINK]);
    bench.accept();
    let made = LinkEvent::Made {
        name: name("vrrp.51"),
        adopted: true,
    };
    assert_eq!(bench.keeper.poll_event(), Some(made));
}

/// VMAC-10.
#[test]
fn an_interface_of_that_name_that_is_something_else_is_an_error_and_stays() {
    let mut bench = Bench::new();
    let mut observed = kernel(None, false);
    observed.insert_link(Link::new(7, name("vrrp.51")));
    assert_eq!(bench.ask(&observed), []);
    assert!(matches!(
        bench.keeper.poll_event(),
        Some(LinkEvent::Failed { .. })
    ));
    assert!(bench.keeper.trouble(name("vrrp.51")).is_some());
}

/// VMAC-01: desired state.
#[test]
fn a_device_that_somebody_deletes_is_made_again() {
    let mut bench = up();
    assert_eq!(bench.ask(&kernel(None, false)), [NEWLINK, SETLINK, SETLINK]);
    let lost = LinkEvent::Lost {
        name: name("vrrp.51"),
    };
    assert_eq!(bench.keeper.poll_event(), Some(lost));
}

/// VMAC-01: in another mode the interface below would not hear the other router with the same
/// address.
#[test]
fn a_device_whose_mode_somebody_changes_gets_it_back() {
    let mut bench = up();
    let mut private = kernel(OURS, true);
    let mut link = private.link("vrrp.51").unwrap().clone();
    link.macvlan_mode = Some(1);
    private.insert_link(link);
    assert_eq!(bench.ask(&private), [SETLINK, NEWLINK, SETLINK]);
    bench.accept();
    assert_eq!(bench.ask(&private), [SETLINK]);
    bench.accept();
    assert_eq!(bench.ask(&private), []);
    assert!(!bench.keeper.is_up(name("vrrp.51")));
    assert_eq!(bench.ask(&kernel(OURS, true)), []);
    assert!(bench.keeper.is_up(name("vrrp.51")));
}

/// VMAC-01: desired state.
#[test]
fn a_device_comes_back_with_its_interface() {
    let mut bench = up();
    let mut observed = Observed::new();
    assert_eq!(bench.ask(&observed), []);
    observed.insert_link(Link::new(9, name("eth0")));
    assert_eq!(bench.ask(&observed), [NEWLINK, SETLINK, SETLINK]);
}

/// VMAC-01, VMAC-10: only what bears our mark is removed.
#[test]
fn a_device_nobody_wants_is_removed_if_it_is_ours() {
    let mut bench = up();
    bench.keeper.set([]);
    assert_eq!(bench.ask(&kernel(OURS, true)), [DELLINK]);
    bench.accept();
    assert!(!bench.keeper.is_gone());
    assert_eq!(bench.ask(&kernel(None, true)), []);
    assert!(bench.keeper.is_gone());

    let mut fresh = LinkKeeper::new(Tag(18));
    fresh.clean(&kernel(Some(Some("keepalived-rs 19")), true));
    assert!(fresh.is_gone());
    fresh.clean(&kernel(OURS, true));
    assert!(!fresh.is_gone());
}

/// VMAC-01: many devices take many sends, at the end too.
#[test]
fn all_of_many_devices_are_removed() {
    let mut keeper = LinkKeeper::new(Tag(18));
    let mut observed = kernel(None, false);
    for number in 10..40 {
        let mut link = Link::new(number, name(&format!("vrrp.{number}")));
        link.alias = Some("keepalived-rs 18".to_owned());
        observed.insert_link(link);
    }
    keeper.clean(&observed);
    let mut out = Vec::new();
    let mut removed = 0;
    while keeper.poll_request(now(), &observed, &mut out) {
        removed += requests(&out).len();
        for (kind, seq) in requests(&out) {
            assert_eq!(kind, DELLINK);
            keeper.handle_datagram(now(), &answer(seq, 0));
        }
    }
    assert_eq!(removed, 30);
    assert!(!keeper.is_gone());
    for number in 10..40 {
        observed.remove_link(number);
    }
    assert!(!keeper.poll_request(now(), &observed, &mut out));
    assert!(keeper.is_gone());
}

/// VMAC-06: a kernel without ipvlan.
#[test]
fn a_refusal_is_told_once_and_repeated_with_growing_delay() {
    let mut bench = Bench::new();
    let first = bench.ask(&kernel(None, false));
    assert_eq!(first.len(), 3);
    bench.refuse(95);
    assert!(matches!(
        bench.keeper.poll_event(),
        Some(LinkEvent::Failed { .. })
    ));
    assert_eq!(bench.ask(&kernel(None, false)), []);
    assert!(bench.keeper.next_timeout().unwrap() > now());
}

fn up() -> Bench {
    let mut bench = Bench::new();
    let _ = bench.ask(&kernel(None, false));
    bench.accept();
    let _ = bench.keeper.poll_event();
    let _ = bench.ask(&kernel(OURS, false));
    bench.accept();
    let _ = bench.ask(&kernel(OURS, true));
    assert!(bench.keeper.is_up(name("vrrp.51")));
    let raised = LinkEvent::Raised {
        name: name("vrrp.51"),
    };
    assert_eq!(bench.keeper.poll_event(), Some(raised));
    bench
}

/// VMAC-01: a device under the interface that has gone has to go first; when it is gone there is
/// nothing to wait for.
#[test]
fn a_device_is_made_at_once_when_the_one_in_its_way_is_gone() {
    let mut bench = up();
    let mut renamed = kernel(OURS, true);
    renamed.insert_link(Link::new(2, name("new0")));
    assert_eq!(bench.ask(&renamed), [DELLINK]);
    bench.accept();
    let mut back = Observed::new();
    assert_eq!(bench.ask(&back), []);
    back.insert_link(Link::new(2, name("eth0")));
    assert_eq!(bench.ask(&back), [NEWLINK, SETLINK, SETLINK]);

    // The answer that it has gone with its interface already.
    let mut bench = up();
    assert_eq!(bench.ask(&renamed), [DELLINK]);
    bench.refuse(19);
    assert_eq!(bench.ask(&kernel(None, false)), [NEWLINK, SETLINK, SETLINK]);
}

/// VMAC-01: what failed with the interface as it was may work now.
#[test]
fn a_delay_that_has_grown_ends_when_the_interface_below_appears_or_changes() {
    let mut bench = Bench::new();
    let mut observed = kernel(None, false);
    let changes: [fn(&mut Observed); 2] = [
        |observed| {
            observed.remove_link(2);
            observed.insert_link(Link::new(9, name("eth0")));
        },
        |observed| {
            let mut link = observed.link("eth0").unwrap().clone();
            link.flags.admin_up = !link.flags.admin_up;
            observed.insert_link(link);
        },
    ];
    for change in changes {
        assert_eq!(bench.ask(&observed), [NEWLINK, SETLINK, SETLINK]);
        bench.refuse(100);
        assert_eq!(bench.ask(&observed), []);
        change(&mut observed);
    }
    assert_eq!(bench.ask(&observed), [NEWLINK, SETLINK, SETLINK]);
}

/// VMAC-01: made on an interface that was deleted before the news of the device was heard.
#[test]
fn a_device_of_which_nothing_was_seen_is_made_again_on_the_next_interface() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&kernel(None, false)).len(), 3);
    bench.accept();
    let _ = bench.keeper.poll_event();
    let mut observed = Observed::new();
    observed.insert_link(Link::new(9, name("eth0")));
    assert_eq!(bench.ask(&observed), [NEWLINK, SETLINK, SETLINK]);
}
