//! Messages byte for byte, both ways. `vectors/ipvs.json` holds what ipvsadm 1.31 sends (recorded on
//! its way to the kernel) beside hand-made minimal requests and replies.

use std::net::{IpAddr, SocketAddr};

use ipvs::netlink::{
    Answer, Attribute, Command, Context, DaemonAttribute, DestinationAttribute, FamilyId, Message,
    Reply, Request, ServiceAttribute, replies, resolve, resolved,
};
use ipvs::{
    Checksum, Counters, DecodeError, Destination, DestinationKey, Family, Forward, Granularity,
    Info, KernelError, Op, Persistence, Protocol, Service, ServiceFlags, ServiceKey, SyncDaemon,
    SyncRole, Timeouts, Tunnel,
};
use netlink_packet_core::Emitable;

const FAMILY: FamilyId = FamilyId(0x1f);
const V4: Context = Context {
    family: FAMILY,
    service: Family::Ipv4,
};

struct Vector {
    name: String,
    octets: Vec<u8>,
    request: bool,
    ipvsadm: Option<String>,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("vectors/ipvs.json");
    let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let list = json["vectors"].as_array().expect("a list");
    let vectors: Vec<_> = list
        .iter()
        .map(|vector| Vector {
            name: vector["name"].as_str().expect("name").to_owned(),
            octets: hex(vector["hex"].as_str().expect("hex")),
            request: vector["direction"] == "request",
            ipvsadm: vector["ipvsadm"].as_str().map(str::to_owned),
        })
        .collect();
    assert_eq!(vectors.len(), 45);
    vectors
}

fn hex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(pair).collect()
}

fn vector(name: &str) -> Vec<u8> {
    let found = vectors().into_iter().find(|vector| vector.name == name);
    found.unwrap_or_else(|| panic!("no vector {name}")).octets
}

fn message(octets: &[u8]) -> Message {
    Message::parse(Command(octets[16]), &octets[20..]).expect("well-formed")
}

fn is_dump(octets: &[u8]) -> bool {
    u16::from_le_bytes([octets[6], octets[7]]) & 0x300 == 0x300
}

fn encoded(request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    request.encode(FAMILY, 0, &mut out);
    out
}

/// What an `ipvsadm` command line asks for, read by a few lines that share nothing with the crate.
fn asked(line: &str) -> Option<Request> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let value = |option: &str| {
        let at = words.iter().position(|word| *word == option)?;
        words.get(at + 1).copied()
    };
    let has = |option: &str| words.contains(&option);
    let number = |option: &str| value(option).map(|text| text.parse::<u32>().expect("a number"));
    let socket = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let service = || {
        let by = |option, protocol| {
            value(option).map(|address| ServiceKey::address(protocol, socket(address)))
        };
        let by_address = by("-t", Protocol::TCP)
            .or_else(|| by("-u", Protocol::UDP))
            .or_else(|| by("--sctp-service", Protocol::SCTP));
        by_address.or_else(|| {
            let mark = number("-f")?.try_into().expect("not 0");
            let family = if has("-6") {
                Family::Ipv6
            } else {
                Family::Ipv4
            };
            Some(ServiceKey::Mark { mark, family })
        })
    };
    let full_service = || {
        let key = service().expect("a service");
        let mut all = Service::new(key, value("-s").unwrap_or("wlc").parse().expect("a name"));
        if let Some(timeout) = number("-p") {
            let granularity = match value("-M") {
                None => Granularity::Host,
                Some(mask) if mask.contains('.') => Granularity::Mask(mask.parse().expect("mask")),
                Some(length) => Granularity::Prefix(length.parse().expect("length")),
            };
            all = all.with_persistence(Persistence {
                timeout,
                granularity,
            });
        }
        if let Some(engine) = value("--pe") {
            all = all.with_engine(engine.parse().expect("a name"));
        }
        let mut flags = ServiceFlags::NONE;
        if has("-o") {
            flags = flags.with(ServiceFlags::ONE_PACKET);
        }
        for flag in value("-b").into_iter().flat_map(|flags| flags.split(',')) {
            flags = flags.with(match flag {
                "sh-fallback" | "mh-fallback" => ServiceFlags::SCHEDULER_1,
                "sh-port" | "mh-port" => ServiceFlags::SCHEDULER_2,
                _ => panic!("{flag}"),
            });
        }
        all.with_flags(flags)
    };
    let destination = || {
        let key: DestinationKey = match value("-r").expect("a server") {
            text if text.ends_with(":0") => DestinationKey {
                address: text.trim_end_matches(":0").parse().expect("an address"),
                port: 0,
            },
            text => socket(text).into(),
        };
        let checksum = match (has("--tun-csum"), has("--tun-remcsum")) {
            (true, _) => Checksum::Full,
            (_, true) => Checksum::Remote,
            _ => Checksum::None,
        };
        let tunnel = match value("--tun-type") {
            Some("gue") => Tunnel::Gue {
                port: value("--tun-port").expect("a port").parse().expect("not 0"),
                checksum,
            },
            Some("gre") => Tunnel::Gre { checksum },
            _ => Tunnel::Ipip,
        };
        let forward = match (has("-m"), has("-i")) {
            (true, _) => Forward::Masquerade,
            (_, true) => Forward::Tunnel(tunnel),
            _ => Forward::DirectRoute,
        };
        Destination::new(key, forward, number("-w").unwrap_or(1))
            .with_thresholds(number("-x").unwrap_or(0), number("-y").unwrap_or(0))
    };
    let role = |text| match text {
        Some("master") => SyncRole::Master,
        Some("backup") => SyncRole::Backup,
        other => panic!("{other:?}"),
    };
    Some(match words[0] {
        "-A" => Request::Change(Op::NewService(full_service())),
        "-D" => Request::Change(Op::DelService(service()?)),
        "-a" => Request::Change(Op::NewDest(service()?, destination())),
        "-e" => Request::Change(Op::SetDest(service()?, destination())),
        "-d" => Request::Change(Op::DelDest(service()?, destination().key)),
        "-Z" => Request::Zero(service()),
        "-C" => Request::Flush,
        "-L" if has("--timeout") => Request::GetTimeouts,
        "-L" if has("--daemon") => Request::DumpDaemons,
        "-L" => Request::DumpServices,
        "--set" => Request::SetTimeouts(Timeouts {
            tcp: words[1].parse().ok(),
            tcp_fin: words[2].parse().ok(),
            udp: words[3].parse().ok(),
        }),
        "--start-daemon" => {
            let interface = value("--mcast-interface")?.parse().expect("a name");
            let id = number("--syncid")?.try_into().expect("a byte");
            let mut daemon = SyncDaemon::new(role(Some(words[1])), interface, id);
            let short = |option| number(option).map_or(0, |n| n.try_into().expect("short"));
            daemon.max_length = short("--sync-maxlen");
            daemon.port = short("--mcast-port");
            daemon.ttl = short("--mcast-ttl").try_into().expect("a byte");
            daemon.group =
                value("--mcast-group").map(|text| text.parse::<IpAddr>().expect("group"));
            Request::StartDaemon(daemon)
        }
        "--stop-daemon" => Request::StopDaemon(role(Some(words[1]))),
        other => panic!("{other}"),
    })
}

/// ipvsadm names a service whole where its ids are enough, and says "no tunnel" where there is
/// none: what the crate sends is what it sends without that.
fn without_surplus(message: &Message, request: &Request) -> Message {
    let mut message = message.clone();
    let ids_only = !matches!(message.command, Command::NEW_SERVICE | Command::SET_SERVICE);
    let delete = message.command == Command::DEL_DEST;
    let tunnel = matches!(
        request,
        Request::Change(Op::NewDest(_, to) | Op::SetDest(_, to))
            if matches!(to.forward, Forward::Tunnel(_))
    );
    for attribute in &mut message.attributes {
        match attribute {
            Attribute::Service(nest) if ids_only => nest.retain(|attribute| {
                matches!(
                    attribute,
                    ServiceAttribute::Family(_)
                        | ServiceAttribute::Protocol(_)
                        | ServiceAttribute::Address(_)
                        | ServiceAttribute::Port(_)
                        | ServiceAttribute::Mark(_)
                )
            }),
            Attribute::Destination(nest) => nest.retain(|attribute| match attribute {
                DestinationAttribute::Family(_)
                | DestinationAttribute::Address(_)
                | DestinationAttribute::Port(_) => true,
                DestinationAttribute::TunnelType(_)
                | DestinationAttribute::TunnelPort(_)
                | DestinationAttribute::TunnelFlags(_) => tunnel,
                _ => !delete,
            }),
            _ => {}
        }
    }
    message
}

/// IPVS-ENC-01.
#[test]
fn every_recorded_request_is_written_again_octet_by_octet() {
    for vector in vectors().iter().filter(|vector| vector.request) {
        let message = message(&vector.octets);
        let mut body = vec![0xa5; message.buffer_len()];
        message.emit(&mut body);
        assert_eq!(body, vector.octets[20..], "{}", vector.name);
    }
}

/// IPVS-ENC-01/02/03/04/05/06: addresses of 16 octets, ports in network order but that of the sync
/// daemon, prefix lengths, masks, marks: all are in the recorded messages.
#[test]
fn what_ipvsadm_asks_for_is_read_as_what_its_command_line_says() {
    let mut compared = 0;
    for vector in vectors() {
        let Some(line) = &vector.ipvsadm else {
            continue;
        };
        let asked = asked(line).unwrap_or_else(|| panic!("{line}"));
        let read = Request::from_message(&message(&vector.octets), is_dump(&vector.octets));
        assert_eq!(read.as_ref(), Ok(&asked), "{}: {line}", vector.name);
        compared += 1;
    }
    assert_eq!(compared, 31);
}

/// IPVS-ENC-01/08.
#[test]
fn requests_of_our_own_are_those_of_ipvsadm_without_what_the_kernel_does_not_need() {
    let mut identical = 0;
    for vector in vectors() {
        let Some(line) = &vector.ipvsadm else {
            continue;
        };
        let request = asked(line).expect("a request");
        let ours = encoded(&request);
        let lean = without_surplus(&message(&vector.octets), &request);
        assert_eq!(message(&ours), lean, "{}", vector.name);
        assert_eq!(
            ours[4..20],
            vector.octets[4..20],
            "{}: headers",
            vector.name
        );
        identical += u32::from(ours == vector.octets);
    }
    // All but those with a service whole where ids do: NEW, SET and DEL of destinations, DEL and
    // ZERO of a service.
    assert_eq!(identical, 20);
}

/// IPVS-ENC-01.
#[test]
fn minimal_requests_are_the_vectors_octet_by_octet() {
    let web = ServiceKey::address(Protocol::TCP, "192.0.2.100:80".parse().expect("address"));
    let server: SocketAddr = "198.51.100.11:8080".parse().expect("address");
    let flags = ServiceFlags::SCHEDULER_1.with(ServiceFlags::SCHEDULER_2);
    let mh = Service::new(web, "mh".parse().expect("name")).with_flags(flags);
    let sh = Service::new(web, "sh".parse().expect("name")).with_flags(ServiceFlags::SCHEDULER_2);
    for (name, request) in [
        ("get-info", Request::GetInfo),
        ("get-service-one", Request::GetService(web)),
        ("get-dest-dump", Request::DumpDestinations(web)),
        (
            "del-dest-minimal",
            Request::Change(Op::DelDest(web, server.into())),
        ),
        ("del-service-minimal", Request::Change(Op::DelService(web))),
        ("set-service-scheduler", Request::Change(Op::SetService(mh))),
        (
            "set-service-flags-masked",
            Request::SetServiceFlags {
                service: sh,
                mask: 0x18,
            },
        ),
    ] {
        let vector = vector(name);
        assert_eq!(encoded(&request), vector, "{name}");
        let read = Request::from_message(&message(&vector), request.is_dump());
        assert_eq!(read, Ok(request), "{name}");
    }
}

fn one(octets: &[u8]) -> Answer {
    let mut all = replies(octets, V4);
    let answer = all.next().expect("one").expect("well-formed");
    assert!(all.next().is_none());
    answer
}

/// IPVS-DEC-01/06: the kernel's own flag is not ours, wide counters win.
#[test]
fn a_service_is_read_from_its_reply() {
    let answer = one(&vector("reply-service"));
    assert!(answer.of_dump);
    let Reply::Service(status) = answer.reply else {
        panic!("{answer:?}");
    };
    let key = ServiceKey::address(Protocol::TCP, "192.0.2.100:80".parse().expect("address"));
    assert_eq!(
        status.service,
        Service::new(key, "wrr".parse().expect("name"))
    );
    assert_eq!(status.counters, counters());
}

fn counters() -> Counters {
    Counters {
        connections: 7,
        in_packets: 70,
        out_packets: 63,
        in_bytes: 7000,
        out_bytes: 6300,
        connection_rate: 1,
        in_packet_rate: 2,
        out_packet_rate: 3,
        in_byte_rate: 4,
        out_byte_rate: 5,
    }
}

/// IPVS-DEC-01.
#[test]
fn a_destination_is_read_from_its_reply() {
    let Reply::Destination(status) = one(&vector("reply-dest")).reply else {
        panic!("a destination");
    };
    let server: SocketAddr = "198.51.100.11:8080".parse().expect("address");
    assert_eq!(
        status.destination,
        Destination::new(server, Forward::Masquerade, 5)
    );
    assert_eq!(
        (status.active, status.inactive, status.persistent),
        (3, 4, 0)
    );
    assert_eq!(status.counters, counters());
}

#[test]
fn other_replies_are_read() {
    let info = Info {
        version: 0x0001_0201,
        table_size: 4096,
    };
    assert_eq!(one(&vector("reply-info")).reply, Reply::Info(info));
    assert_eq!(info.version_parts(), (1, 2, 1));
    let timeouts = Timeouts {
        tcp: Some(900),
        tcp_fin: Some(120),
        udp: Some(300),
    };
    assert_eq!(
        one(&vector("reply-config")).reply,
        Reply::Timeouts(timeouts)
    );
    assert_eq!(one(&vector("reply-ack")).reply, Reply::Ack);
    assert_eq!(one(&vector("reply-done")).reply, Reply::Done(0));
    assert_eq!(one(&vector("reply-error-eexist")).reply, Reply::Error(17));
    assert_eq!(
        KernelError::of(Command::NEW_SERVICE, 17),
        KernelError::ServiceExists
    );
}

/// A reply with 32-bit counters only, as kernels before 4.1 send it. IPVS-DEC-01.
#[test]
fn narrow_counters_do_where_there_are_no_wide_ones_and_none_are_zero() {
    for (drop_narrow, drop_wide) in [(false, true), (true, false), (true, true)] {
        let mut reply = message(&vector("reply-service"));
        let Some(Attribute::Service(nest)) = reply.attributes.first_mut() else {
            panic!("a service");
        };
        nest.retain(|attribute| match attribute {
            ServiceAttribute::Stats(_) => !drop_narrow,
            ServiceAttribute::Stats64(_) => !drop_wide,
            _ => true,
        });
        let Reply::Service(status) = one(&datagram(&reply)).reply else {
            panic!("a service");
        };
        let expected = if drop_narrow && drop_wide {
            Counters::default()
        } else {
            counters()
        };
        assert_eq!(status.counters, expected);
    }
}

fn datagram(message: &Message) -> Vec<u8> {
    let length = 20 + message.buffer_len();
    let mut octets = vec![0; length];
    octets[..4].copy_from_slice(&u32::try_from(length).expect("short").to_ne_bytes());
    octets[4..6].copy_from_slice(&FAMILY.0.to_ne_bytes());
    octets[16] = message.command.0;
    octets[17] = 1;
    message.emit(&mut octets[20..]);
    octets
}

/// IPVS-DEC-02: unknown attributes, fillers and flag bits in the type change nothing.
#[test]
fn what_is_not_known_is_skipped() {
    let mut octets = vector("reply-service");
    // An unknown attribute of 5 octets with both flag bits, at the end of the nest.
    let unknown = [9, 0, 0x77, 0xc0, 1, 2, 3, 4, 5, 0, 0, 0];
    octets.extend(unknown);
    let (nest, all) = (0x12c_u16 + 12, u32::try_from(octets.len()).expect("short"));
    octets[20..22].copy_from_slice(&nest.to_ne_bytes());
    octets[..4].copy_from_slice(&all.to_ne_bytes());
    assert!(matches!(one(&octets).reply, Reply::Service(_)));
    // The same with the nest marked as one.
    octets[23] |= 0x80;
    assert!(matches!(one(&octets).reply, Reply::Service(_)));
}

/// IPVS-DEC-05: kernels before 3.18 do not say it.
#[test]
fn a_destination_without_family_has_the_one_of_its_service() {
    for family in [None, Some(0)] {
        let mut reply = message(&vector("reply-dest"));
        let Some(Attribute::Destination(nest)) = reply.attributes.first_mut() else {
            panic!("a destination");
        };
        nest.retain(|attribute| !matches!(attribute, DestinationAttribute::Family(_)));
        nest.extend(family.map(DestinationAttribute::Family));
        for service in [Family::Ipv4, Family::Ipv6] {
            let context = Context {
                family: FAMILY,
                service,
            };
            let octets = datagram(&reply);
            let answer = replies(&octets, context)
                .next()
                .expect("one")
                .expect("good");
            let Reply::Destination(status) = answer.reply else {
                panic!("a destination");
            };
            assert_eq!(Family::of(status.destination.key.address), service);
        }
    }
}

/// IPVS-DEC-04.
#[test]
fn a_message_cut_anywhere_is_an_error() {
    for name in ["reply-service", "reply-dest", "new-daemon-backup-full"] {
        let whole = vector(name);
        for length in 21..whole.len() {
            let mut cut = whole[..length].to_vec();
            let told = u32::try_from(length).expect("short");
            cut[..4].copy_from_slice(&told.to_ne_bytes());
            let answer = replies(&cut, V4).next().expect("something");
            assert!(answer.is_err(), "{name} of {length} octets: {answer:?}");
            // The header tells of more than there is.
            assert_eq!(
                replies(&whole[..length], V4).next(),
                Some(Err(DecodeError::Header))
            );
        }
    }
}

/// IPVS-ENC-07.
#[test]
fn a_name_that_is_too_long_cannot_be_made() {
    use ipvs::{ConfigError, Engine, Scheduler};
    assert!(Scheduler::new(&"x".repeat(15)).is_ok());
    let error = ConfigError::NameLength { most: 15 };
    assert_eq!(Scheduler::new(&"x".repeat(16)), Err(error));
    assert!(Engine::new(&"x".repeat(16)).is_ok());
    assert!(Engine::new(&"x".repeat(17)).is_err());
    assert!(Engine::new("").is_err());
    assert_eq!(Scheduler::new("r\0r"), Err(ConfigError::NameCharacter));
}

/// Recorded from `genl ctrl get name ethtool`, with another name and number.
#[test]
fn the_number_of_the_family_is_found_among_attributes_that_nobody_knows() {
    let mut request = Vec::new();
    resolve(7, &mut request);
    assert_eq!(
        request,
        hex(
            "20000000100001000700000000000000030100000900020049505653 00000000"
                .replace(' ', "")
                .as_str()
        )
    );
    let mut payload = hex("01020000");
    payload.extend(hex("0900020049505653 00000000".replace(' ', "").as_str()));
    payload.extend(hex("060001001f000000"));
    payload.extend(hex("0800030001000000"));
    // A policy that ends too early, which other readers do not survive.
    payload.extend(hex("080008800500ff00"));
    assert_eq!(resolved(&payload), Ok(FAMILY));
    assert_eq!(
        resolved(&hex("01020000")),
        Err(DecodeError::Missing("FAMILY_ID"))
    );
    assert_eq!(
        KernelError::of(Command::GET_FAMILY, 2),
        KernelError::ModuleMissing
    );
}

#[test]
fn error_numbers_mean_what_the_command_makes_of_them() {
    for (command, errno, meaning) in [
        (Command::NEW_SERVICE, 1, KernelError::NotPermitted),
        (Command::NEW_SERVICE, 2, KernelError::NoScheduler),
        (Command::NEW_SERVICE, 17, KernelError::ServiceExists),
        (Command::NEW_DEST, 17, KernelError::DestinationExists),
        (Command::NEW_DEST, 3, KernelError::NoService),
        (Command::SET_DEST, 2, KernelError::NoDestination),
        (Command::DEL_DEST, 2, KernelError::NoDestination),
        (Command::DEL_SERVICE, 3, KernelError::NoService),
        (Command::NEW_DAEMON, 17, KernelError::DaemonRuns),
        (Command::DEL_DAEMON, 3, KernelError::NoDaemon),
        (Command::NEW_DEST, 22, KernelError::Invalid),
        (Command::NEW_DEST, 34, KernelError::OutOfRange),
        (Command::NEW_SERVICE, 97, KernelError::FamilyNotSupported),
        (Command::ZERO, 42, KernelError::Other(42)),
    ] {
        assert_eq!(KernelError::of(command, errno), meaning);
    }
}

/// The multicast port of a sync daemon is the one port in host order. IPVS-ENC-03.
#[test]
fn the_port_of_a_sync_daemon_is_in_host_order() {
    let message = message(&vector("new-daemon-backup-full"));
    let nest = message.daemon().expect("a daemon");
    assert!(nest.contains(&DaemonAttribute::Port(8849)));
}
