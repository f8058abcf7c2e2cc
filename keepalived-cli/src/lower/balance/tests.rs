use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use healthcheck::HttpVersion;
use ipvs::{Forward, Granularity, Protocol, ServiceFlags, ServiceKey};
use keepalived_config::{MemorySource, Options, parse};
use keepalived_driver::balance::{OnStop, ProbeSetup, ServiceSetup};

use crate::lower::scripts::{Judgement, RunAs};
use crate::lower::{BalancePlan, Lowered, Machine, ServiceWishes, lower};

/// A machine on which every program can run.
struct Anywhere;

impl Machine for Anywhere {
    fn mtu(&self, _interface: &str) -> Option<u32> {
        Some(1500)
    }

    fn account(&self, user: &str, _group: Option<&str>) -> Option<(u32, u32)> {
        (user == "nobody").then_some((65534, 65534))
    }

    fn own_account(&self) -> (u32, u32) {
        (0, 0)
    }

    fn groups(&self, _user: &str, gid: u32) -> Vec<u32> {
        vec![gid]
    }

    fn judge(&self, program: &str, _who: &RunAs, _links: bool) -> Judgement {
        match program {
            "/missing" => Judgement::Missing("no such program".to_owned()),
            program => Judgement::Fine(PathBuf::from(program)),
        }
    }
}

fn lowered(text: &str) -> Lowered {
    let mut source = MemorySource::new().with_file("/test.conf", text);
    let parsed = parse(&mut source, "/test.conf", &Options::default());
    lower(&parsed.config, &Anywhere)
}

fn plan(text: &str) -> BalancePlan {
    lowered(text).balance
}

fn service(address: &str, lines: &str, server: &str) -> ServiceSetup {
    let text = format!(
        "virtual_server_group G {{\n192.0.2.1-3 80\n192.0.2.9 81\nfwmark 7\n}}\n\
         virtual_server {address} {{\n{lines}\nreal_server 198.51.100.1 80 {{\n{server}\n}}\n}}\n"
    );
    let plan = plan(&text);
    assert!(plan.wanted);
    (*plan.config.services[0]).clone()
}

fn probe(check: &str) -> ProbeSetup {
    let mut service = service("192.0.2.1 80", "protocol TCP", check);
    service.servers.remove(0).checks.remove(0).probe
}

/// LVS-01, LVS-02: keepalived's names, and what the kernel gets.
#[test]
fn a_service_has_keepaliveds_name_and_one_kernel_service_for_each_address() {
    let plain = service("192.0.2.1 80", "protocol TCP", "");
    assert_eq!(&*plain.label, "[192.0.2.1]:tcp:80");
    assert_eq!(&*plain.servers[0].label, "[198.51.100.1]:tcp:80");
    let key = ServiceKey::address(Protocol::TCP, "192.0.2.1:80".parse().unwrap());
    assert_eq!(plain.services[0].key, key);
    let marked = service("fwmark 5", "", "");
    assert_eq!(&*marked.label, "FWM 5");
    assert_eq!(&*marked.servers[0].label, "[198.51.100.1]:none:80");
    // Translation has a port behind a mark too.
    assert_eq!(marked.servers[0].destination.key.port, 80);
    let group = service("group G", "protocol UDP", "");
    assert_eq!(&*group.label, "[G]:0");
    let keys: Vec<String> = group
        .services
        .iter()
        .map(|one| one.key.to_string())
        .collect();
    assert_eq!(keys.len(), 5, "{keys:?}");
    let last = group.services[4].key;
    assert!(
        matches!(last, ServiceKey::Mark { mark, .. } if mark.get() == 7),
        "{last:?}"
    );
}

/// LVS-19: a client by itself is one in either family, and what one entry of a group has all have.
#[test]
fn a_group_of_both_families_is_persistent_for_each_client() {
    let text = "virtual_server_group G {\n192.0.2.1\n2001:db8::1 80\n}\n\
                virtual_server group G {\nprotocol TCP\nreal_server 198.51.100.1 80 {\n}\n}\n";
    let setup = &plan(text).config.services[0];
    let persistence = setup.services.iter().map(|one| one.persistence.unwrap());
    let all: Vec<_> = persistence
        .map(|one| (one.timeout, one.granularity))
        .collect();
    assert_eq!(all, [(360, Granularity::Host); 2]);
}

/// LVS-20: keepalived counts the services of a group. A reload recognises them by something else: another order of the
/// file makes no other services of them.
#[test]
fn two_services_of_one_group_or_mark_are_told_apart_in_any_order() {
    let server = "real_server 198.51.100.1 80 {\n}";
    let group =
        |protocol: &str| format!("virtual_server group G {{\nprotocol {protocol}\n{server}\n}}\n");
    let mark = |family: &str, server: &str| {
        format!("virtual_server fwmark 5 {{\nip_family {family}\nreal_server {server} {{\n}}\n}}\n")
    };
    let mut blocks = [
        group("TCP"),
        group("UDP"),
        mark("inet", "198.51.100.1"),
        mark("inet6", "2001:db8::1"),
    ];
    let names = |blocks: &[String]| {
        let text = format!(
            "virtual_server_group G {{\n192.0.2.1 80\n}}\n{}",
            blocks.concat()
        );
        let services = plan(&text).config.services;
        let labels: Vec<_> = services.iter().map(|one| one.label.to_string()).collect();
        let identities: Vec<_> = services
            .iter()
            .map(|one| one.identity.to_string())
            .collect();
        (labels, identities)
    };
    let (labels, identities) = names(&blocks);
    assert_eq!(labels, ["[G]:0", "[G]:1", "FWM 5", "FWM 5 inet6"]);
    blocks.reverse();
    let (labels, mut turned) = names(&blocks);
    assert_eq!(labels, ["FWM 5", "FWM 5 inet", "[G]:0", "[G]:1"]);
    turned.reverse();
    assert_eq!(identities, turned);
}

/// NOTI-07: what is no more is told of as the old file wanted it, once.
#[test]
fn what_is_no_more_is_told_of_as_it_was_wanted() {
    let server = |number: usize, word: &str| {
        format!("real_server 198.51.100.{number} 80 {{\nnotify_down /{word}\n}}\n")
    };
    let service = |number: usize, servers: &[String]| {
        let servers = servers.concat();
        format!(
            "virtual_server 192.0.2.{number} 80 {{\nprotocol TCP\nquorum_down /lost\n{servers}}}\n"
        )
    };
    let known = |plan: &BalancePlan| {
        let mut all = Vec::new();
        for (service, wishes) in &plan.wishes {
            let servers = wishes.servers.keys();
            all.extend(servers.map(|server| format!("{service} {server}")));
        }
        all
    };
    let old = plan(
        &(service(1, &[server(1, "old"), server(2, "old")]) + &service(2, &[server(3, "old")])),
    );
    let mut new = plan(&service(1, &[server(1, "new")]));
    let fresh = new.wishes.clone();
    new.inherit(old);
    let name = |service: usize, server: usize| {
        format!("[192.0.2.{service}]:tcp:80 [198.51.100.{server}]:tcp:80")
    };
    assert_eq!(known(&new), [name(1, 1), name(1, 2), name(2, 3)]);
    let first = |wishes: &BTreeMap<Arc<str>, ServiceWishes>| {
        wishes["[192.0.2.1]:tcp:80"].servers["[198.51.100.1]:tcp:80"].clone()
    };
    assert_eq!(
        first(&new.wishes),
        first(&fresh),
        "who is still there wants what the new file says"
    );
    let mut next = plan(&service(1, &[server(1, "new")]));
    next.inherit(new);
    assert_eq!(next.wishes, fresh, "of the others was told");
}

/// The reader has said who keeps what.
#[test]
fn no_two_services_want_one_service_of_the_kernel() {
    let block = |address: &str| {
        format!(
            "virtual_server {address} {{\nprotocol TCP\nreal_server 198.51.100.1 80 {{\n}}\n}}\n"
        )
    };
    let text = "virtual_server_group A {\n192.0.2.1-3 80\n192.0.2.2 80\nfwmark 3\n}\n\
                virtual_server_group B {\n192.0.2.3-5 80\nfwmark 3 inet6\n}\n"
        .to_owned()
        + &block("192.0.2.2 80")
        + &block("group A")
        + &block("group B")
        + &block("fwmark 3");
    let keys: Vec<Vec<String>> = plan(&text)
        .config
        .services
        .iter()
        .map(|one| {
            let keys = one.services.iter();
            keys.map(|one| one.key.to_string()).collect()
        })
        .collect();
    assert_eq!(
        keys,
        [
            vec!["tcp 192.0.2.2:80"],
            vec!["tcp 192.0.2.1:80", "tcp 192.0.2.3:80", "fwmark 3"],
            vec!["tcp 192.0.2.4:80", "tcp 192.0.2.5:80", "fwmark 3 ipv6"],
        ]
    );
}

/// LVS-03 to LVS-07, RS-02 to RS-04.
#[test]
fn what_the_kernel_is_told_is_what_the_lines_say() {
    let service = service(
        "192.0.2.1 80",
        "protocol TCP\nlvs_sched mh\nmh-port\nmh-fallback\npersistence_timeout 50\n\
         persistence_granularity 255.255.255.0\nlvs_method DR\nquorum 2\nhysteresis 1\nomega\n\
         sorry_server 192.0.2.8 80\nsorry_server_inhibit\nha_suspend",
        "weight 9\nuthreshold 20\nlthreshold 10\ninhibit_on_failure",
    );
    let kernel = &service.services[0];
    assert_eq!(kernel.scheduler.as_str(), "mh");
    assert!(kernel.flags.contains(ServiceFlags::SCHEDULER_1));
    assert!(kernel.flags.contains(ServiceFlags::SCHEDULER_2));
    assert!(!kernel.flags.contains(ServiceFlags::SCHEDULER_3));
    let persistence = kernel.persistence.unwrap();
    assert_eq!(persistence.timeout, 50);
    assert_eq!(
        persistence.granularity,
        Granularity::Mask("255.255.255.0".parse().unwrap())
    );
    let server = &service.servers[0];
    let destination = &server.destination;
    assert_eq!(
        (destination.weight, destination.forward),
        (9, Forward::DirectRoute)
    );
    assert_eq!(
        (destination.upper_threshold, destination.lower_threshold),
        (20, 10)
    );
    assert!(server.inhibit && service.omega);
    assert_eq!(
        service.suspend_without,
        ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]
    );
    let sorry = service.sorry.unwrap();
    assert_eq!((&*sorry.label, sorry.inhibit), ("[192.0.2.8]:tcp:80", true));
    assert_eq!(sorry.destination.forward, Forward::DirectRoute);
}

/// CHK-01 to CHK-06.
#[test]
fn a_check_is_what_its_lines_say() {
    let service = service(
        "192.0.2.1 80",
        "protocol TCP\ndelay_loop 7\nalpha",
        "TCP_CHECK {\nconnect_ip 203.0.113.5\nconnect_port 81\nbindto 203.0.113.6\nbind_port 99\n\
         bind_if eth7\nfwmark 3\nconnect_timeout 2\nretry 4\ndelay_before_retry 1.5\nwarmup 0\n\
         log_all_failures\n}",
    );
    let check = &service.servers[0].checks[0];
    let ProbeSetup::Tcp { target, timeout } = &check.probe else {
        panic!("{check:?}");
    };
    assert_eq!(target.to, "203.0.113.5:81".parse().unwrap());
    assert_eq!(target.bind_address, Some("203.0.113.6".parse().unwrap()));
    assert_eq!((target.bind_port, target.mark), (99, 3));
    assert_eq!(target.interface.as_deref(), Some("eth7"));
    assert_eq!(*timeout, Duration::from_secs(2));
    let schedule = &check.schedule;
    assert_eq!(schedule.interval, Some(Duration::from_secs(7)));
    assert_eq!((schedule.retries, schedule.warmup), (4, Duration::ZERO));
    assert_eq!(schedule.delay_before_retry, Duration::from_millis(1500));
    assert!(schedule.alpha && schedule.log_all_failures);
}

/// CHK-11 to CHK-20.
#[test]
fn every_kind_of_check_is_lowered() {
    let ProbeSetup::Http { config, .. } = probe(
        "SSL_GET {\nhttp_protocol 1.1\nenable_sni\nurl {\npath /a\nregex x\n}\nurl {\npath /b\n}\n}",
    ) else {
        panic!("a page");
    };
    assert_eq!(
        (config.version, config.pages.len()),
        (HttpVersion::Http11, 2)
    );
    assert!(config.tls.is_some() && config.pages[0].expect.regex.is_some());
    for (check, word) in [
        ("HTTP_GET {\nurl {\npath /\n}\n}", "HTTP_GET"),
        ("SMTP_CHECK {\n}", "SMTP_CHECK"),
        ("DNS_CHECK {\n}", "DNS_CHECK"),
        ("UDP_CHECK {\n}", "UDP_CHECK"),
        ("PING_CHECK {\n}", "PING_CHECK"),
        (
            "MISC_CHECK {\nmisc_path /bin/x\nuser nobody\n}",
            "MISC_CHECK",
        ),
    ] {
        assert_eq!(probe(check).word(), word);
    }
}

/// SCR-09: nobody looks, so nobody believes that the server works.
#[test]
fn a_check_that_cannot_be_had_is_one_that_fails() {
    let server = "MISC_CHECK {\nmisc_path /missing\n}\nHTTP_GET {\nurl {\npath /\nregex \"(?=x)\"\n}\n}\n\
                  FILE_CHECK {\ntrack_file nobody\n}\nTCP_CHECK {\n}\nTPC_CHECK {\n}";
    let text = format!(
        "virtual_server 192.0.2.1 80 {{\nprotocol TCP\nreal_server 198.51.100.1 80 {{\n{server}\n}}\n}}\n"
    );
    let lowered = lowered(&text);
    let checks = lowered.balance.config.services[0].servers[0].checks.iter();
    let made: Vec<(&str, Option<&str>)> = checks
        .map(|check| match &check.probe {
            ProbeSetup::Unusable { why, .. } => (check.probe.word(), Some(&**why)),
            _ => (check.probe.word(), None),
        })
        .collect();
    let regex = "the regular expression of / cannot be had: look-around, including look-ahead and look-behind, \
                 is not supported";
    let unknown = "unknown keyword `TPC_CHECK` in `real_server`";
    let expected = [
        (
            "MISC_CHECK",
            Some("script /missing disabled: no such program"),
        ),
        ("HTTP_GET", Some(regex)),
        ("FILE_CHECK", Some("there is no `track_file nobody`")),
        ("TCP_CHECK", None),
        ("UNKNOWN", Some(unknown)),
    ];
    assert_eq!(made, expected);
    let who = "([198.51.100.1]:tcp:80 of [192.0.2.1]:tcp:80)";
    let so = "a check that cannot be made fails its server";
    let said: Vec<_> = lowered
        .script_trouble
        .iter()
        .map(|one| &one.message)
        .collect();
    assert_eq!(
        said,
        [&format!(
            "{who} script /missing disabled: no such program; {so}"
        )]
    );
    let remarks = [
        format!("{who} HTTP_GET: {regex}; {so}"),
        format!("{who} FILE_CHECK: there is no `track_file nobody`; {so}"),
        format!("{who} UNKNOWN: {unknown}; {so}"),
    ];
    assert_eq!(lowered.remarks, remarks);
    let mut source = MemorySource::new().with_file("/test.conf", &*text);
    let parsed = parse(&mut source, "/test.conf", &Options::default());
    assert_eq!(super::unusable_checks(&parsed.config).len(), 1);
}

/// IPVS-01 to IPVS-04, SYS-03, SYS-04.
#[test]
fn what_holds_for_all_services_is_taken_over() {
    let plan = plan(
        "net_namespace_ipvs other\nglobal_defs {\nlvs_flush\nlvs_flush_on_stop\nlvs_timeouts tcp 900\n\
         lvs_sync_daemon eth1 id 9 ttl 3\nchecker_process_name abc\nrs_init_notifies\n\
         no_checker_emails\n}\n",
    );
    let config = &plan.config;
    assert!(config.flush_at_start && plan.init_notifies && !plan.check_mails && plan.wanted);
    assert_eq!(config.on_stop, OnStop::Flush);
    assert_eq!(
        (config.timeouts.tcp, config.timeouts.udp),
        (Some(900), None)
    );
    let sync = config.sync.as_ref().unwrap();
    assert_eq!(
        (sync.daemon.id, sync.daemon.ttl, sync.daemon.port),
        (9, 3, 0)
    );
    assert_eq!(sync.instance, None);
    assert_eq!(config.thread.name.as_deref(), Some("abc"));
    assert_eq!(config.namespace, Some(PathBuf::from("/run/netns/other")));
    assert!(!self::plan("global_defs {\n}\n").wanted);
}

/// LVS-18, RS-06: who is told of what.
#[test]
fn wishes_are_kept_only_where_there_are_some() {
    let mail = "global_defs {\nsmtp_server 192.0.2.5\nnotification_email {\na@b.c\n}\n}\n";
    let block = "virtual_server 192.0.2.1 80 {\nprotocol TCP\nquorum_up /bin/up\nsmtp_alert\n\
                 real_server 198.51.100.1 80 {\nnotify_down /bin/down\n}\n\
                 real_server 198.51.100.2 80 {\nsmtp_alert off\n}\n}\n";
    let told = plan(&format!("{mail}{block}")).wishes;
    let service = &told["[192.0.2.1]:tcp:80"];
    assert!(service.mail && service.hooks.up.is_some() && service.hooks.down.is_none());
    let names: Vec<&str> = service.servers.keys().map(|name| &**name).collect();
    assert_eq!(names, ["[198.51.100.1]:tcp:80"]);
    let server = &service.servers["[198.51.100.1]:tcp:80"];
    assert!(server.mail && server.hooks.down.is_some());
    // Without a mail server nobody can be told.
    let silent = plan(block).wishes;
    assert!(!silent["[192.0.2.1]:tcp:80"].mail);
}

/// TRK-05, CHK-19: a file that an instance tracks too is written into once.
#[test]
fn a_file_is_initialised_by_one_of_those_who_watch_it() {
    use keepalived_driver::tracked::Watch;
    let instance = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n192.0.2.1\n}\n\
                    track_file {\nF\n}\n}\n";
    let rest = "track_file F {\nfile /f\ninit_file 5 overwrite\n}\nvirtual_server 192.0.2.1 80 {\nprotocol TCP\n\
                real_server 192.0.2.2 80 {\nFILE_CHECK {\ntrack_file F\n}\n}\n}\n";
    for (text, writes) in [
        (rest.to_owned(), true),
        (format!("{rest}{instance}"), false),
    ] {
        let plan = plan(&text);
        let Watch::File(watch) = &plan.files[0].watch else {
            panic!("{:?}", plan.files);
        };
        assert_eq!(watch.init.is_some(), writes);
    }
}

/// IPVS-OPS-09. As with C Keepalived, a group with a mark of its own is left as it is.
#[test]
fn a_group_is_gathered_where_the_file_asks_for_marks() {
    let text = |global: &str, entries: &str| {
        format!(
            "global_defs {{\n{global}\n}}\nvirtual_server_group G {{\n{entries}\n}}\n\
             virtual_server group G {{\nprotocol TCP\nlvs_method TUN\nha_suspend\n\
             real_server 198.51.100.1 80 {{\n}}\n}}\n"
        )
    };
    let entries = "192.0.2.1-3 80\n192.0.2.4 80\n192.0.2.9\n2001:db8::1 80";
    let lowered = |global: &str, entries: &str| plan(&text(global, entries)).config;
    let config = lowered("", entries);
    assert_eq!(config.services[0].gather, None);
    let config = lowered("nftables_ipvs", entries);
    assert_eq!(config.marks.table, "keepalived_ipvs");
    assert_eq!(
        (
            config.marks.priority,
            config.marks.first.get(),
            config.marks.counters
        ),
        (-1, 1000, false)
    );
    let setup = &config.services[0];
    assert_eq!(setup.services.len(), 6, "where packets cannot be marked");
    assert_eq!(setup.suspend_without.len(), 6);
    let gather = setup.gather.as_ref().unwrap();
    let ranges: Vec<_> = gather
        .ranges
        .iter()
        .map(|range| {
            format!(
                "{} {}-{} {}",
                range.protocol, range.first, range.last, range.port
            )
        })
        .collect();
    assert_eq!(
        ranges,
        [
            "tcp 192.0.2.9-192.0.2.9 0",
            "tcp 192.0.2.1-192.0.2.4 80",
            "tcp 2001:db8::1-2001:db8::1 80"
        ]
    );
    let like: Vec<_> = gather
        .services
        .iter()
        .map(|one| (one.key.family(), one.persistence.map(|one| one.timeout)))
        .collect();
    assert_eq!(
        like,
        [
            (ipvs::Family::Ipv4, Some(360)),
            (ipvs::Family::Ipv6, Some(360))
        ]
    );
    let config = lowered(
        "nftables_ipvs mine\nnftables_ipvs_priority -7\nnftables_ipvs_start_fwmark 20\nnftables_counters",
        "192.0.2.1 80\nfwmark 7",
    );
    assert_eq!(config.services[0].gather, None);
    let marks = &config.marks;
    assert_eq!(marks.table, "mine");
    assert_eq!(
        (marks.priority, marks.first.get(), marks.counters),
        (-7, 20, true)
    );
}

/// CLI-07. Keepalived 2.2.7 with -B: without `alpha` the server is up for ever, with it down, and neither says why.
#[test]
fn without_bfd_a_check_that_waits_for_its_session_says_why_it_fails() {
    let text = "bfd_instance b {\nneighbor_ip 192.0.2.3\n}\n\
                virtual_server 192.0.2.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n\
                real_server 198.51.100.1 80 {\nBFD_CHECK {\nname b\n}\n}\n\
                real_server 198.51.100.2 80 {\nBFD_CHECK {\nname b\nalpha\n}\n}\n}\n";
    let mut source = MemorySource::new().with_file("/test.conf", text);
    let parsed = parse(&mut source, "/test.conf", &Options::default());
    let mut plan = lower(&parsed.config, &Anywhere).balance;
    assert_eq!(plan.unusable().len(), 0);
    plan.settle_without_bfd();
    let unusable: Vec<_> = plan.unusable().into_iter().collect();
    assert_eq!(
        unusable,
        ["BFD_CHECK of [198.51.100.2]:tcp:80 of [192.0.2.1]:tcp:80: no BFD session runs (-B)"]
    );
    assert_eq!(
        crate::lower::without_bfd(&parsed.config, true, true),
        [
            "no BFD session runs (-B): 1 BFD_CHECK without `alpha`: up, whatever becomes of the server",
            "no BFD session runs (-B): 1 BFD_CHECK with `alpha`: fails the server"
        ]
    );
}
