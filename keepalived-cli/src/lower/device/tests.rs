use keepalived_config::{MemorySource, Options, parse};
use netlink_vip::{Instant, Link, LinkKeeper, Observed, Tag};
use vrrp_fsm::{BackupPriority, InstanceConfig, Preempt, Role};

use super::*;

/// The instance that the lines make, with its devices.
fn lowered(lines: &str) -> InstanceSetup {
    let text =
        format!("vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n}}\n");
    let mut source = MemorySource::new().with_file("keepalived.conf", text);
    let parsed = parse(&mut source, "keepalived.conf", &Options::default());
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    let model = parsed.config;
    let wanted = model.instances.first().expect("there is one");
    let role = Role::Backup {
        priority: BackupPriority::new(100).expect("a priority"),
        preempt: Preempt::Immediately,
    };
    let interface: InterfaceName = "eth0".parse().expect("a name");
    let fsm = InstanceConfig::new(wanted.vrid.value, wanted.family, role);
    let mut setup = InstanceSetup::new("VI_1", interface, fsm);
    setup.addresses = wanted
        .held_addresses()
        .map(|vip| Vip::new(vip.address, vip.prefix_len, interface))
        .collect();
    let mut names = Names::new(&model);
    add(
        &mut setup,
        &model.global,
        wanted,
        &mut names,
        &mut Vec::new(),
    );
    setup
}

/// What the kernel is asked for, as it goes through the socket.
fn asked(lines: &str) -> Vec<u8> {
    let mut keeper = LinkKeeper::new(Tag(18));
    keeper.set(lowered(lines).links().cloned());
    let mut observed = Observed::new();
    observed.insert_link(Link::new(2, "eth0".parse().expect("a name")));
    let mut out = Vec::new();
    assert!(keeper.poll_request(Instant::from_nanos(1), &observed, &mut out));
    out
}

fn ipvlan(options: &str) -> Vec<u8> {
    asked(&format!(
        "use_ipvlan {options}\nvirtual_ipaddress {{\n192.0.2.1\n}}"
    ))
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// VMAC-06: the attribute `IFLA_IPVLAN_FLAGS` (2) of the request, whatever this kernel can do.
/// Flips: vrrp_instance.use_ipvlan/name, vrrp_instance.use_ipvlan/bridge,
/// vrrp_instance.use_ipvlan/private, vrrp_instance.use_ipvlan/vepa, vrrp_instance.use_ipvlan/group.
#[test]
fn the_options_of_an_ipvlan_reach_the_kernel() {
    let flags = |value: u8| [6, 0, 2, 0, value, 0];
    let plain = ipvlan("ip1 192.0.2.9/24");
    assert!(has(&plain, &flags(0)) && has(&plain, b"ip1\0") && has(&plain, b"ipvlan"));
    assert_eq!(plain, ipvlan("name ip1 192.0.2.9/24 bridge"));
    let private = ipvlan("name ip1 192.0.2.9/24 private");
    assert!(has(&private, &flags(1)) && !has(&private, &flags(0)));
    assert!(has(&ipvlan("ip1 192.0.2.9/24 vepa"), &flags(2)));
    // `IFLA_GROUP` (27).
    let group = |number: u8| [8, 0, 27, 0, number, 0, 0, 0];
    let grouped = ipvlan("ip1 192.0.2.9/24 group 7");
    assert!(has(&grouped, &group(7)) && !has(&plain, &group(7)));
    assert!(has(&ipvlan("name other 192.0.2.9/24"), b"other\0"));
}

/// VMAC-06: IPv4 adverts come from the address of the ipvlan.
#[test]
fn the_address_of_an_ipvlan_is_the_source() {
    let setup = lowered("use_ipvlan ip1 192.0.2.9/24\nvirtual_ipaddress {\n192.0.2.1\n}");
    assert_eq!(setup.source, Some("192.0.2.9".parse().expect("an address")));
    let own = setup.vmac.and_then(|vmac| vmac.own_address);
    assert_eq!(
        own.map(|own| (own.device.to_string(), own.prefix_len)),
        Some(("ip1".to_owned(), 24))
    );
}

/// VMAC-01: without its device the instance would answer with the MAC address of the interface.
#[test]
fn an_instance_for_whose_device_there_is_no_name_is_held() {
    let named = |lines: &str, prefix: &str| {
        let mut text = format!("global_defs {{\nvmac_prefix {prefix}\n}}\n");
        text +=
            &format!("vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n}}\n");
        let mut source = MemorySource::new().with_file("keepalived.conf", text);
        let parsed = parse(&mut source, "keepalived.conf", &Options::default());
        let model = parsed.config;
        let wanted = model.instances.first().expect("there is one");
        let mut setup = lowered("virtual_ipaddress {\n192.0.2.1\n}");
        let mut names = Names::new(&model);
        // Every name that could be had is somebody's already.
        names.taken.insert(format!("{prefix}.51"));
        for number in 1..=u8::MAX {
            names.taken.insert(format!("{prefix}{number}.51"));
        }
        let mut remarks = Vec::new();
        add(&mut setup, &model.global, wanted, &mut names, &mut remarks);
        (setup.hold, remarks.len())
    };
    let reason = Some("there is no free name for its device");
    for lines in [
        "use_vmac\nvirtual_ipaddress {\n192.0.2.1\n}",
        "virtual_ipaddress {\n192.0.2.1 use_vmac\n}",
    ] {
        let (hold, remarks) = named(lines, "foo");
        assert_eq!((hold.as_deref(), remarks), (reason, 1), "{lines}");
    }
    let (hold, remarks) = named("virtual_ipaddress {\n192.0.2.1\n}", "foo");
    assert_eq!((hold, remarks), (None, 0));
}

/// VMAC-09.
#[test]
fn unicast_adverts_never_leave_by_the_device() {
    let unicast = "unicast_peer {\n192.0.2.2\n}\nvirtual_ipaddress {\n192.0.2.1\n}";
    let setup = lowered(&format!("use_vmac\n{unicast}"));
    assert_eq!(setup.vmac.and_then(|vmac| vmac.sends()), None);
}
