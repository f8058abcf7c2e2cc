use super::*;
use crate::lower::scripts::{Judgement, RunAs};
use keepalived_config::{MemorySource, Options, parse};
use vrrp_proto::Family;

/// A machine on which every interface is an Ethernet.
struct Plain;

impl Machine for Plain {
    fn mtu(&self, _: &str) -> Option<u32> {
        Some(ETHERNET_MTU)
    }
    fn account(&self, user: &str, _: Option<&str>) -> Option<(u32, u32)> {
        (user == "root").then_some((0, 0))
    }
    fn own_account(&self) -> (u32, u32) {
        (0, 0)
    }
    fn groups(&self, _: &str, gid: u32) -> Vec<u32> {
        vec![gid]
    }

    fn judge(&self, program: &str, _: &RunAs, _: bool) -> Judgement {
        Judgement::Fine(program.into())
    }
}

/// The only instance of a configuration that has nothing wrong.
fn lowered(lines: &str) -> InstanceSetup {
    let text =
        format!("vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n}}\n");
    let mut source = MemorySource::new().with_file("keepalived.conf", text);
    let parsed = parse(&mut source, "keepalived.conf", &Options::default());
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    let instance = parsed.config.instances.first().expect("there is one");
    setup(&parsed.config.global, instance, &Plain, &mut Vec::new()).unwrap()
}

/// KA-ADDR: `no_track` takes the device of an address out of what the instance depends on.
#[test]
fn the_devices_of_addresses_are_tracked_unless_the_file_says_no() {
    let setup = lowered(
        "virtual_ipaddress {\n192.0.2.1\n192.0.2.2 dev eth0\n192.0.2.3 dev eth1\n\
         192.0.2.4 dev eth1\n192.0.2.5 dev eth2 no_track\n}\n\
         virtual_ipaddress_excluded {\n192.0.2.6 dev eth3\n}",
    );
    let names: Vec<_> = setup
        .track_devices
        .iter()
        .map(InterfaceName::as_str)
        .collect();
    assert_eq!(names, ["eth1", "eth3"]);
    assert_eq!(setup.addresses.len(), 6);
}

/// SCR-04; measured with keepalived 2.2.7: with `enable_script_security` and neither `script_user` nor
/// the user `keepalived_script`, scripts are left out rather than run as root.
#[test]
fn with_script_security_nothing_runs_as_root_unless_the_file_says_so() {
    let ran = |global: &str, user: &str| {
        let text = format!(
            "global_defs {{\n{global}\n}}\nvrrp_instance VI_1 {{\ninterface eth0\n\
             virtual_router_id 51\nnotify /bin/true {user}\nvirtual_ipaddress {{\n192.0.2.1\n}}\n}}\n"
        );
        let mut source = MemorySource::new().with_file("keepalived.conf", text);
        let parsed = parse(&mut source, "keepalived.conf", &Options::default());
        let lowered = crate::lower::lower(&parsed.config, &Plain);
        assert_eq!(lowered.hooks.is_empty(), !lowered.script_trouble.is_empty());
        !lowered.hooks.is_empty()
    };
    assert!(ran("", ""));
    assert!(!ran("enable_script_security", ""));
    assert!(ran("enable_script_security\nscript_user root", ""));
    assert!(ran("enable_script_security", "root"));
    assert!(!ran("", "nobody-at-all"));
}

/// SCR-02: also where no script asks for it, as `-t` counts it.
#[test]
fn an_account_for_scripts_that_does_not_exist_is_said() {
    let said = |user: &str| {
        let text = format!("global_defs {{\nscript_user {user}\n}}\n");
        let mut source = MemorySource::new().with_file("keepalived.conf", text);
        let parsed = parse(&mut source, "keepalived.conf", &Options::default());
        crate::lower::lower(&parsed.config, &Plain).remarks
    };
    assert_eq!(said("root"), [""; 0]);
    let all = said("nobody-at-all");
    assert!(
        matches!(&all[..], [one] if one.contains("no such user: nobody-at-all")),
        "{all:?}"
    );
}

/// VRRP-V3-CK-05: without argument the old checksum is sent, with `never` it is not even accepted.
#[test]
fn the_old_unicast_checksum_is_sent_when_it_is_asked_for() {
    let unicast = "version 3\nunicast_peer {\n192.0.2.9\n}\nvirtual_ipaddress {\n192.0.2.1\n}\n";
    let multicast = "version 3\nvirtual_ipaddress {\n192.0.2.1\n}\n";
    let v2 = "version 2\nunicast_peer {\n192.0.2.9\n}\nvirtual_ipaddress {\n192.0.2.1\n}\n";
    for (lines, sent, accepted) in [
        (unicast.to_owned(), Some(Checksum::PseudoHeader), true),
        (
            format!("{unicast}old_unicast_checksum"),
            Some(Checksum::OldUnicast),
            true,
        ),
        (
            format!("{unicast}old_unicast_checksum never"),
            Some(Checksum::PseudoHeader),
            false,
        ),
        (
            format!("{multicast}old_unicast_checksum"),
            Some(Checksum::PseudoHeader),
            true,
        ),
        (format!("{v2}old_unicast_checksum"), None, true),
    ] {
        let fsm = lowered(&lines).fsm;
        let form = match fsm.format {
            WireFormat::V3 { ipv4_checksum, .. } => Some(ipv4_checksum),
            _ => None,
        };
        assert_eq!(form, sent, "{lines}");
        assert_eq!(fsm.old_unicast_checksum, accepted, "{lines}");
        assert_eq!(fsm.family, Family::Ipv4);
    }
}
