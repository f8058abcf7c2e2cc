//! What a correct configuration becomes: defaults, corrections, holds.

mod machine;

use std::net::IpAddr;
use std::time::Duration;

use keepalived_config::model::{
    Announce, Authentication, DynamicInterfaces, HoldReason, OldUnicastChecksum, Preempt, Script,
    Transport, VrrpInstance, WantedState, max_advertised,
};
use keepalived_config::{Config, MemorySource, Options, Parsed, parse};
use vrrp_proto::{AdvertInterval, Family, Priority, Version};

fn read(text: &str) -> Parsed {
    let mut source = MemorySource::new().with_file("keepalived.conf", text);
    parse(&mut source, "keepalived.conf", &Options::default())
}

/// A configuration about which nothing is said.
fn clean(text: &str) -> Config {
    let parsed = read(text);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.config
}

/// One IPv4 instance with these lines, whatever is said about it.
fn instance(lines: &str) -> VrrpInstance {
    let parsed = read(&format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n\
         virtual_ipaddress {{\n192.0.2.10/24\n}}\n}}\n"
    ));
    let [instance] = parsed
        .config
        .instances
        .try_into()
        .expect("there is one instance");
    instance
}

/// The codes of what is said about an instance with these lines.
fn codes(lines: &str) -> Vec<&'static str> {
    let parsed = read(&format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n\
         virtual_ipaddress {{\n192.0.2.10/24\n}}\n}}\n"
    ));
    parsed
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

fn addresses(instance: &VrrpInstance) -> Vec<String> {
    instance
        .advertised()
        .map(|address| address.to_string())
        .collect()
}

/// Features 31.1.
#[test]
fn an_instance_with_nothing_said_has_keepaliveds_defaults() {
    let instance = instance("");
    assert_eq!(instance.name.value, "VI_1");
    assert_eq!(instance.interface.value, "eth0");
    assert_eq!(instance.vrid.value.get(), 51);
    assert_eq!(
        (instance.family, instance.version),
        (Family::Ipv4, Version::V2)
    );
    assert_eq!(
        (instance.priority, instance.wanted),
        (Priority::new(100), WantedState::Backup)
    );
    assert_eq!(instance.preempt, Preempt::Immediately);
    assert_eq!(instance.advert_interval, AdvertInterval::DEFAULT);
    assert_eq!(instance.down_timer_adverts, 3);
    assert_eq!(instance.authentication, Authentication::None);
    let group = IpAddr::from([224, 0, 0, 18]);
    assert_eq!(instance.transport, Transport::Multicast { group });
    assert!(instance.track_interface && !instance.track_source);
    assert_eq!(instance.old_unicast_checksum, OldUnicastChecksum::Detect);
    let Announce {
        repeat,
        delay,
        refresh,
        refresh_repeat,
        lower_prio_repeat,
        lower_prio_delay,
        ..
    } = instance.announce;
    assert_eq!((repeat, refresh_repeat, lower_prio_repeat), (5, 1, 5));
    let seconds = [delay, refresh, lower_prio_delay].map(|time| time.as_secs());
    assert_eq!(seconds, [5, 0, 5]);
    assert_eq!(instance.hold, None);
}

/// KA-ST-05; features 34.1.
#[test]
fn state_and_priority_default_by_each_other() {
    let both = |lines| {
        let instance = instance(lines);
        (instance.priority.get(), instance.wanted)
    };
    assert_eq!(both("state MASTER"), (255, WantedState::Master));
    assert_eq!(both("priority 255"), (255, WantedState::Master));
    assert_eq!(
        both("state BACKUP\npriority 255"),
        (255, WantedState::Backup)
    );
    assert_eq!(
        both("state MASTER\npriority 150"),
        (150, WantedState::Master)
    );
    assert_eq!(both("state BACKUP"), (100, WantedState::Backup));
    assert_eq!(both("priority 0"), (100, WantedState::Backup));
    // A bad number is not the same as none.
    assert_eq!(
        both("state MASTER\npriority 300"),
        (100, WantedState::Master)
    );
}

/// KA-ST-06, KA-B-07, KA-B-08.
#[test]
fn nopreempt_and_preempt_delay_give_way_as_in_keepalived() {
    let preempt = |lines| instance(lines).preempt;
    assert_eq!(preempt("nopreempt"), Preempt::Never);
    assert_eq!(preempt("nopreempt\npreempt"), Preempt::Immediately);
    assert_eq!(
        preempt("state MASTER\npriority 150\nnopreempt"),
        Preempt::Immediately
    );
    assert_eq!(
        preempt("state BACKUP\npriority 255\nnopreempt"),
        Preempt::Immediately
    );
    assert_eq!(
        preempt("preempt_delay 0.5"),
        Preempt::After(Duration::from_millis(500))
    );
    assert_eq!(
        preempt("preempt_delay 1000"),
        Preempt::After(Duration::from_secs(1000))
    );
    assert_eq!(preempt("preempt_delay 0"), Preempt::Immediately);
    assert_eq!(preempt("nopreempt\npreempt_delay 5"), Preempt::Never);
    assert_eq!(
        preempt("state MASTER\npriority 150\npreempt_delay 5"),
        Preempt::Immediately
    );
    assert_eq!(
        preempt("state BACKUP\npriority 255\npreempt_delay 5"),
        Preempt::Immediately
    );
}

/// VRRP-EXT-12; KA#1615: 0.4 s in version 2 once became 0 and flooded the network.
#[test]
fn the_advert_interval_is_rounded_to_what_the_version_can_send() {
    let centis = |lines| instance(lines).advert_interval.centis();
    assert_eq!(centis("advert_int 0.4"), 100);
    assert_eq!(centis("advert_int 1.4"), 100);
    assert_eq!(centis("advert_int 1.5"), 200);
    assert_eq!(centis("advert_int 255"), 25_500);
    assert_eq!(centis("advert_int 256"), 100);
    assert_eq!(centis("version 3\nadvert_int 0.4"), 40);
    assert_eq!(centis("version 3\nadvert_int 0.015"), 2);
    assert_eq!(centis("version 3\nadvert_int 0.01"), 1);
    assert_eq!(centis("version 3\nadvert_int 40.95"), 4095);
    assert_eq!(centis("version 3\nadvert_int 41"), 4095);
    assert_eq!(codes("version 3\nadvert_int 40.95"), [""; 0]);
    assert_eq!(codes("version 3\nadvert_int 41"), ["long-interval"]);
    assert_eq!(codes("advert_int 1.4"), ["rounded-interval"]);
}

/// PROTO-01; VRRP-EXT-13.
#[test]
fn ipv6_is_always_version_3() {
    let text = |lines: &str| {
        format!(
            "global_defs {{\nvrrp_version 2\n}}\nvrrp_instance VI_1 {{\ninterface eth0\n\
             virtual_router_id 51\n{lines}\nvirtual_ipaddress {{\nfe80::10/64\n}}\n}}\n"
        )
    };
    let config = clean(&text(""));
    assert_eq!(config.instances[0].version, Version::V3);
    assert_eq!(config.instances[0].family, Family::Ipv6);
    let held = read(&text("version 2")).config.instances[0]
        .hold
        .expect("it is held");
    assert_eq!(held.reason, HoldReason::VersionFamily);
}

#[test]
fn global_defs_apply_wherever_they_stand() {
    let config = clean(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n\
         192.0.2.10\n}\n}\nglobal_defs {\nvrrp_version 3\nvrrp_garp_master_repeat 2\n\
         vrrp_garp_lower_prio_delay 7\nvrrp_mcast_group4 224.0.0.20\nvrrp_skip_check_adv_addr\n\
         vrrp_down_timer_adverts 5\nrouter_id lb1\ndynamic_interfaces allow_if_changes\n\
         umask 022\njson_version 2\nvrrp_startup_delay 2.5\n}\n",
    );
    let instance = &config.instances[0];
    assert_eq!(instance.version, Version::V3);
    assert_eq!(
        (
            instance.announce.repeat,
            instance.announce.lower_prio_repeat
        ),
        (2, 2)
    );
    assert_eq!(instance.announce.lower_prio_delay, Duration::from_secs(7));
    let group = IpAddr::from([224, 0, 0, 20]);
    assert_eq!(instance.transport, Transport::Multicast { group });
    assert!(instance.skip_check_adv_addr);
    assert_eq!(instance.down_timer_adverts, 5);
    let global = &config.global;
    assert_eq!(
        global.router_id.as_ref().map(|id| id.value.as_str()),
        Some("lb1")
    );
    assert_eq!(global.dynamic_interfaces, DynamicInterfaces::AllowChanges);
    assert_eq!((global.umask, global.json_version), (Some(0o22), 2));
    assert_eq!(global.startup_delay, Duration::from_millis(2500));
}

/// GARP-04: the lower-priority settings follow those of the master.
#[test]
fn announcements_inherit_from_instance_to_lower_priority() {
    let announce = instance("garp_master_repeat 3\ngarp_master_delay 0").announce;
    assert_eq!((announce.repeat, announce.lower_prio_repeat), (3, 3));
    assert_eq!(
        (announce.delay, announce.lower_prio_delay),
        (Duration::ZERO, Duration::ZERO)
    );
    let announce = instance("garp_master_repeat 0\ngarp_master_refresh_repeat 0").announce;
    assert_eq!((announce.repeat, announce.refresh_repeat), (1, 1));
    let announce = instance("garp_lower_prio_repeat 0\ngarp_master_refresh 60").announce;
    assert_eq!((announce.repeat, announce.lower_prio_repeat), (5, 0));
    assert_eq!(announce.refresh, Duration::from_secs(60));
}

/// GARP-07; KA-O-05.
#[test]
fn min_garp_is_one_packet_and_no_second_burst_unless_told_otherwise() {
    let text = |more: &str| {
        format!(
            "global_defs {{\n{more}\nvrrp_min_garp\n}}\nvrrp_instance VI_1 {{\ninterface eth0\n\
             virtual_router_id 51\nvirtual_ipaddress {{\n192.0.2.10\n}}\n}}\n"
        )
    };
    let announce = clean(&text("")).instances[0].announce;
    assert_eq!((announce.repeat, announce.delay), (1, Duration::ZERO));
    let announce = clean(&text("vrrp_garp_master_repeat 4")).instances[0].announce;
    assert_eq!((announce.repeat, announce.delay), (4, Duration::ZERO));
}

/// Features 33: the zeros of the widely copied sample file are no limit and no error.
#[test]
fn zeros_of_the_sample_file_are_not_fatal() {
    let parsed = read("global_defs {\nvrrp_garp_interval 0\nvrrp_gna_interval 0\n}\n");
    assert!(!parsed.has_errors());
    assert_eq!(parsed.config.global.garp_interval, Duration::ZERO);
    let config = clean("global_defs {\nvrrp_garp_interval 0.001\n}\n");
    assert_eq!(config.global.garp_interval, Duration::from_millis(1));
}

/// STAT-05, STAT-06.
#[test]
fn an_address_carries_all_its_options() {
    let config = clean(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n\
         192.0.2.10/24 dev eth1 scope link brd + label eth1:vip noprefixroute no_track\n\
         192.0.2.11 peer 192.0.2.1 broadcast 192.0.2.255 scope 42 home mngtmpaddr autojoin\n\
         192.0.2.12/26 brd -\n}\nvirtual_ipaddress_excluded {\n2001:db8::1\n2001:db8::2/64\n\
         2001:db8::3 preferred_lft forever\n2001:db8::4 preferred_lft 30 -nodad\n}\n}\n",
    );
    let instance = &config.instances[0];
    let [first, second, third] = instance.addresses.as_slice() else {
        panic!("three addresses")
    };
    assert_eq!((first.prefix_len, first.scope), (24, 253));
    assert_eq!(first.device.as_deref(), Some("eth1"));
    assert_eq!(first.broadcast, Some([192, 0, 2, 255].into()));
    assert_eq!(first.label.as_deref(), Some("eth1:vip"));
    assert!(first.flags.noprefixroute && first.no_track && !first.flags.home);
    assert_eq!((second.prefix_len, second.scope), (32, 42));
    assert_eq!(second.peer, Some(IpAddr::from([192, 0, 2, 1])));
    assert!(second.flags.home && second.flags.mngtmpaddr && second.flags.autojoin);
    assert_eq!(second.preferred_lifetime, None);
    assert_eq!(third.broadcast, Some([192, 0, 2, 0].into()));
    let lifetimes: Vec<_> = instance
        .excluded
        .iter()
        .map(|vip| vip.preferred_lifetime)
        .collect();
    assert_eq!(lifetimes, [Some(0), None, None, Some(30)]);
}

#[test]
fn a_prefix_of_zero_has_a_broadcast_address_too() {
    let config = clean(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n\
         192.0.2.10/0 brd +\n}\n}\n",
    );
    assert_eq!(
        config.instances[0].addresses[0].broadcast,
        Some([255; 4].into())
    );
}

/// VIP-01, VIP-02.
#[test]
fn one_family_per_instance_the_other_one_may_be_excluded() {
    let lines = "virtual_ipaddress_excluded {\n2001:db8::10\n}";
    assert_eq!(codes(lines), [""; 0]);
    let instance = instance("virtual_ipaddress {\n2001:db8::10\n192.0.2.11\n}");
    // The first address of the file decides; the block after it is IPv4.
    assert_eq!(instance.family, Family::Ipv6);
    assert_eq!(addresses(&instance), ["2001:db8::10"]);
}

/// VIP-03; the numbers were measured on Keepalived with links of these sizes.
#[test]
fn an_advert_holds_as_many_addresses_as_keepalived_puts_in() {
    assert_eq!(max_advertised(Family::Ipv4, Version::V2, 1500), 255);
    assert_eq!(max_advertised(Family::Ipv4, Version::V2, 576), 131);
    assert_eq!(max_advertised(Family::Ipv4, Version::V3, 576), 133);
    assert_eq!(max_advertised(Family::Ipv6, Version::V3, 576), 32);
    assert_eq!(max_advertised(Family::Ipv6, Version::V3, 1280), 76);
    assert_eq!(max_advertised(Family::Ipv6, Version::V3, 1500), 89);
    assert_eq!(max_advertised(Family::Ipv6, Version::V3, 0), 0);
    assert_eq!(max_advertised(Family::Ipv4, Version::V3, u32::MAX), 255);
}

#[test]
fn surplus_addresses_are_moved_in_front_of_the_excluded_ones() {
    let list: String = (0..300)
        .map(|n| format!("10.0.{}.{}\n", n / 200, n % 200 + 1))
        .collect();
    let text = format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n{list}}}\n\
         virtual_ipaddress_excluded {{\n192.0.2.99\n}}\n}}\n"
    );
    let mut instance = read(&text).config.instances.remove(0);
    assert_eq!(
        (instance.addresses.len(), instance.excluded.len()),
        (255, 46)
    );
    assert_eq!(instance.excluded[0].address.to_string(), "10.0.1.56");
    assert_eq!(instance.excluded[45].address.to_string(), "192.0.2.99");
    assert_eq!(instance.limit_to_mtu(576), 124);
    assert_eq!(
        (instance.addresses.len(), instance.excluded.len()),
        (131, 170)
    );
    assert_eq!(instance.excluded[0].address.to_string(), "10.0.0.132");
    assert_eq!(instance.limit_to_mtu(9000), 0);
}

/// AUTH-01.
#[test]
fn a_password_is_padded_or_cut_to_eight_bytes_and_never_printed() {
    let password = |text: &str| {
        let lines = format!("authentication {{\nauth_type PASS\nauth_pass {text}\n}}");
        match instance(&lines).authentication {
            Authentication::Password(password) => password,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(&password("abc").bytes(), b"abc\0\0\0\0\0");
    assert_eq!(&password("correcthorse").bytes(), b"correcth");
    let shown = format!(
        "{:?}",
        instance("authentication {\nauth_type PASS\nauth_pass hunter2\n}")
    );
    assert!(
        !shown.contains("hunter2") && shown.contains("********"),
        "{shown}"
    );
}

/// KA-M-09.
#[test]
fn stepping_down_after_a_stall_needs_nopreempt() {
    let read = |lines: &str| instance(lines).timer_expired_backup;
    assert_eq!(read("nopreempt\ntimer_expired_backup"), Some(254));
    assert_eq!(read("timer_expired_backup 200\nnopreempt"), Some(200));
    assert_eq!(read("nopreempt\nthread_timer_expired 1"), Some(1));
    assert_eq!(read("timer_expired_backup 200"), None);
}

/// UNI-01 to UNI-06; VRRP-EXT-01 to VRRP-EXT-03.
#[test]
fn unicast_is_read_with_its_limits() {
    let instance = instance(
        "unicast_src_ip 192.0.2.1/24\nunicast_ttl 64\nunicast_peer {\n192.0.2.2 min_ttl 60 max_ttl 64\n\
         192.0.2.3/24\n}\nold_unicast_checksum never",
    );
    let Transport::Unicast {
        peers,
        ttl,
        check_source,
    } = &instance.transport
    else {
        panic!("{:?}", instance.transport)
    };
    assert_eq!((*ttl, *check_source), (64, true));
    let list: Vec<_> = peers
        .iter()
        .map(|p| (p.address.to_string(), p.min_ttl, p.max_ttl))
        .collect();
    assert_eq!(
        list,
        [
            ("192.0.2.2".to_owned(), Some(60), Some(64)),
            ("192.0.2.3".to_owned(), None, None)
        ]
    );
    assert_eq!(
        instance.source.map(|source| source.value),
        Some(IpAddr::from([192, 0, 2, 1]))
    );
    assert_eq!(instance.old_unicast_checksum, OldUnicastChecksum::Never);
}

/// VRRP-EXT-05; a deployment once rendered an empty peer list and quietly became multicast.
#[test]
fn unicast_without_peers_never_turns_to_multicast_silently() {
    let reason = |lines| instance(lines).hold.map(|hold| hold.reason);
    assert_eq!(codes("unicast_src_ip 192.0.2.1"), ["no-peer"]);
    assert_eq!(reason("unicast_src_ip 192.0.2.1"), None);
    assert!(matches!(
        instance("unicast_src_ip 192.0.2.1").transport,
        Transport::Multicast { .. }
    ));
    assert_eq!(codes("unicast_peer {\n}"), ["no-peer"]);
    assert_eq!(reason("unicast_peer {\n}"), Some(HoldReason::NoPeer));
    let fault = "unicast_fault_no_peer\nunicast_peer {\n}";
    assert_eq!(reason(fault), Some(HoldReason::NoPeer));
    // Peers that were listed and cannot be used are not "no peers".
    assert_eq!(reason("unicast_peer {\nlb2\n}"), Some(HoldReason::NoPeer));
}

/// VRRP-EXT-04; KA#2651.
#[test]
fn the_own_address_is_no_peer() {
    let lines = "unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.1\n192.0.2.2\n}";
    assert_eq!(codes(lines), ["own-address"]);
    let Transport::Unicast { peers, .. } = instance(lines).transport else {
        panic!("unicast")
    };
    assert_eq!(peers.len(), 1);
    let only = "unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.1\n}";
    assert_eq!(
        instance(only).hold.map(|hold| hold.reason),
        Some(HoldReason::NoPeer)
    );
}

/// VRRP-01, UNI-10.
#[test]
fn the_same_number_is_allowed_where_adverts_cannot_be_confused() {
    let pair = |one: &str, two: &str| {
        let parsed = read(&format!(
            "vrrp_instance A {{\nvirtual_router_id 51\n{one}\n}}\n\
             vrrp_instance B {{\nvirtual_router_id 51\n{two}\n}}\n"
        ));
        let holds: Vec<_> = parsed
            .config
            .instances
            .iter()
            .map(|one| one.hold.map(|hold| hold.reason))
            .collect();
        <[_; 2]>::try_from(holds).expect("there are two instances")
    };
    let v4 = "interface eth0\nvirtual_ipaddress {\n192.0.2.10\n}";
    let other = "interface eth0\nvirtual_ipaddress {\n192.0.2.11\n}";
    let duplicate = [None, Some(HoldReason::DuplicateVrid)];
    assert_eq!(pair(v4, other), duplicate);
    assert_eq!(
        pair(v4, "interface eth0\nvirtual_ipaddress {\nfe80::1\n}"),
        [None, None]
    );
    assert_eq!(
        pair(v4, "interface eth1\nvirtual_ipaddress {\n192.0.2.11\n}"),
        [None, None]
    );
    assert_eq!(
        pair(v4, &format!("mcast_dst_ip 224.0.0.19\n{other}")),
        [None, None]
    );
    let peers = |list: &str, rest: &str| format!("unicast_peer {{\n{list}\n}}\n{rest}");
    let (one, two) = (peers("192.0.2.2\n192.0.2.3", v4), peers("192.0.2.3", other));
    assert_eq!(pair(&one, &two), duplicate);
    assert_eq!(pair(&one, &peers("192.0.2.4", other)), [None, None]);
    assert_eq!(pair(v4, &two), [None, None]);
}

/// KA-W-11, TRK-01: weight and direction of a tracked interface; what they do is the driver's.
#[test]
fn a_tracked_interface_has_a_weight_and_a_direction() {
    let tracked = instance(
        "track_interface {\neth1\neth2 weight 20\neth3 weight -20 reverse\neth4 weight 0 reverse\n}",
    )
    .tracked_interfaces;
    let read: Vec<_> = tracked
        .iter()
        .map(|one| (one.name.value.as_str(), one.weight, one.reverse))
        .collect();
    assert_eq!(
        read,
        [
            ("eth1", 0, false),
            ("eth2", 20, false),
            ("eth3", -20, true),
            ("eth4", 0, true)
        ]
    );
}

/// LANG-02, SCR-01, SCR-03, SCR-06.
#[test]
fn a_command_is_split_and_its_user_is_kept() {
    let notify = instance(
        "notify \"/bin/notify 'two words' \\\\x41\" www :adm\nnotify_master /bin/true root\n\
         notify_deleted",
    )
    .notify;
    let Some(Script {
        argv,
        user: Some(user),
        ..
    }) = &notify.any
    else {
        panic!("{notify:?}")
    };
    assert_eq!(argv, &["/bin/notify", "two words", "A"]);
    assert_eq!(
        (user.user.as_str(), user.group.as_deref()),
        ("www", Some("adm"))
    );
    assert!(user.supplementary);
    let Some(Script {
        argv,
        user: Some(user),
        ..
    }) = &notify.master
    else {
        panic!("{notify:?}")
    };
    assert_eq!(
        (argv.as_slice(), user.group.as_deref()),
        (&["/bin/true".to_owned()][..], None)
    );
    assert!(notify.report_deleted && notify.deleted.is_none());
    assert_eq!(notify.scripts().count(), 2);
}

/// SCR-05.
#[test]
fn any_script_anywhere_counts_for_script_security() {
    let uses = |text: &str| !read(text).config.commands.is_empty();
    assert!(uses("vrrp_script chk {\nscript /bin/true\n}\n"));
    assert!(uses("global_defs {\nstartup_script /bin/true\n}\n"));
    assert!(uses(
        "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\nMISC_CHECK {\n\
         misc_path /bin/true\n}\n}\n}\n"
    ));
    assert!(!uses("vrrp_instance VI_1 {\nnotify_deleted\n}\n"));
}

/// What is not supported yet is counted once per keyword and does not keep the rest from running.
#[test]
fn unsupported_keywords_are_listed_and_the_instance_runs() {
    let parsed = read(
        "vrrp_script chk {\nscript /bin/true\n}\nvrrp_instance A {\ninterface eth0\n\
         virtual_router_id 1\nsmtp_alert\ntrack_script {\nchk weight 5\n}\n\
         virtual_ipaddress {\n192.0.2.1\n}\n}\nvrrp_instance B {\ninterface eth0\n\
         virtual_router_id 2\nsmtp_alert\nvirtual_ipaddress {\n192.0.2.2\n}\n}\n",
    );
    let list: Vec<_> = parsed
        .config
        .unsupported
        .iter()
        .map(|one| (one.keyword.name, one.count))
        .collect();
    assert!(list.is_empty());
    assert_eq!(parsed.config.instances.len(), 2);
    assert!(parsed.config.instances.iter().all(|one| one.hold.is_none()));
    assert!(!parsed.has_errors());
}

/// TRK-02, TRK-03, TRK-08: defaults, and what a use takes over from the definition.
#[test]
fn a_tracked_script_has_keepalived_s_defaults_and_the_weight_of_its_use() {
    let parsed = read(
        "vrrp_script bare {\nscript \"/bin/check 'a b'\"\n}\n\
         vrrp_script full {\nscript /bin/check\ninterval 0.25\ntimeout 3\nrise 2\nfall 4\n\
         weight -7 reverse\nuser nobody daemon\ninit_fail\n}\n\
         vrrp_script port {\nscript \"</dev/tcp/127.0.0.1/80\"\ninterval 5\n}\n\
         vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n\
         track_script {\nbare weight 9 reverse\nfull\nport weight 0 noreverse\n}\n\
         virtual_ipaddress {\n192.0.2.1\n}\n}\n",
    );
    assert!(!parsed.has_errors());
    let [bare, full, port] = &parsed.config.trackers.scripts[..] else {
        panic!("three scripts");
    };
    let second = std::time::Duration::from_secs(1);
    assert_eq!(bare.check.script().argv, ["/bin/check", "a b"]);
    assert_eq!((bare.interval, bare.timeout), (second, second));
    assert_eq!((bare.rise, bare.fall, bare.init_fail), (1, 1, false));
    assert_eq!((full.interval, full.timeout), (second / 4, 3 * second));
    assert_eq!((full.rise, full.fall, full.init_fail), (2, 4, true));
    assert_eq!(full.check.script().user.as_ref().unwrap().user, "nobody");
    assert_eq!(port.timeout, 5 * second, "as the interval");
    assert_eq!(port.check.script().argv, ["/dev/tcp/127.0.0.1/80"]);
    let weights: Vec<_> = parsed.config.instances[0]
        .tracked
        .iter()
        .map(|one| (one.name.as_str(), one.weight.value, one.weight.reverse))
        .collect();
    assert_eq!(
        weights,
        [("bare", 9, true), ("full", -7, true), ("port", 0, false)]
    );
}

/// Every span of the model shows the text it came from.
#[test]
fn spans_point_at_the_text() {
    let parsed = read(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nmcast_src_ip 192.0.2.1\n\
         virtual_ipaddress {\n192.0.2.10 dev eth0\n}\n}\n",
    );
    let instance = &parsed.config.instances[0];
    assert_eq!(parsed.sources.slice(instance.name.span), "VI_1");
    assert_eq!(parsed.sources.slice(instance.interface.span), "eth0");
    assert_eq!(
        parsed.sources.slice(instance.vrid.span),
        "virtual_router_id 51"
    );
    assert_eq!(
        parsed.sources.slice(instance.addresses[0].span),
        "192.0.2.10 dev eth0"
    );
    let source = instance.source.expect("there is a source");
    assert_eq!(parsed.sources.slice(source.span), "192.0.2.1");
}

/// Features 34.1 and 33: what most public configurations look like.
#[test]
fn a_typical_configuration_is_clean() {
    let config = clean(
        "! Configuration File for keepalived\nglobal_defs {\n   router_id LVS_DEVEL\n\
         \tenable_script_security\n   script_user root\n}\n\nvrrp_instance VI_1 {\n    state MASTER\n\
         \x20   interface eth0\n    virtual_router_id 51   # the same on both\n    priority 100\n\
         \x20   advert_int 1\n    authentication {\n        auth_type PASS\n        auth_pass 1111\n    }\n\
         \x20   virtual_ipaddress { 192.168.200.16 }\n    notify_master \"/etc/keepalived/m.sh up\"\n}\n",
    );
    assert_eq!(config.instances.len(), 1);
    assert_eq!(config.test_exit_code(&[], &machine::Sample), 0);
}

/// KA-O-02, KA-ST-10; features 31.4. The sample file turns strict mode on, and then sends no password.
#[test]
fn strict_mode_resets_what_the_rfc_forbids() {
    let strict = instance(
        "strict_mode\nstate MASTER\npriority 150\npreempt_delay 5\ndown_timer_adverts 5\n\
         lower_prio_no_advert off\nhigher_prio_send_advert on\n\
         authentication {\nauth_type PASS\nauth_pass 1111\n}",
    );
    assert!(strict.strict && strict.hold.is_none());
    assert_eq!(strict.authentication, Authentication::None);
    assert_eq!(strict.wanted, WantedState::Backup);
    assert_eq!(strict.preempt, Preempt::Immediately);
    assert_eq!(strict.down_timer_adverts, 3);
    assert!(strict.lower_prio_no_advert && !strict.higher_prio_send_advert);
    assert!(strict.owner_ignore_adverts);
    assert_eq!(strict.announce.lower_prio_repeat, 0);
    assert_eq!(strict.announce.repeat, 5);
    assert_eq!(
        instance("strict_mode\nstate BACKUP\npriority 255").wanted,
        WantedState::Master
    );
    let parsed = read(
        "global_defs {\nvrrp_strict\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n\
         strict_mode off\ndown_timer_adverts 5\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n",
    );
    assert!(!parsed.config.instances[0].strict);
    assert_eq!(parsed.config.instances[0].down_timer_adverts, 5);
}

/// The wrong network must not get the addresses.
#[test]
fn a_namespace_that_cannot_be_entered_holds_every_instance() {
    let parsed = read(
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n\
         }\n}\nnet_namespace ../blue\n",
    );
    let hold = parsed.config.instances[0].hold.map(|hold| hold.reason);
    assert_eq!(hold, Some(HoldReason::Namespace));
    assert!(parsed.has_errors());
}
