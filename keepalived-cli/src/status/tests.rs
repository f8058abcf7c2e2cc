//! The document, the table, and requests.

use std::time::UNIX_EPOCH;

use super::*;
use crate::facts::examples::Example;

fn whole(instances: &[Value]) -> Value {
    json!({
        "version": "0.1.0",
        "pid": 4711,
        "started_at": "2026-11-20T16:00:00Z",
        "instances": instances,
    })
}

fn shown(document: &Value) -> String {
    let now = UNIX_EPOCH + Duration::from_secs(1_795_195_400);
    table::table(document, &|at| document_time(at), now)
}

fn document_time(at: std::time::SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .unwrap()
        .strftime("%H:%M:%S")
        .to_string()
}

/// FW-02, FW-05.
#[test]
fn the_table_says_why_the_packet_filter_is_not_as_wanted() {
    let mut document = whole(&[document::instance(&Example::master().facts())]);
    assert!(!shown(&document).contains("Packet filter"));
    document["firewall"] = json!({ "table": "one", "in_force": true, "trouble": "taken" });
    let text = shown(&document);
    assert!(
        text.contains("\nPacket filter: in table one: taken\n"),
        "{text}"
    );
    document["firewall"]["in_force"] = json!(false);
    let text = shown(&document);
    assert!(
        text.contains("\nPacket filter: not there: taken\n"),
        "{text}"
    );
}

/// RLD-01: who looks at what runs believes it to be what the file says.
#[test]
fn a_refused_reload_is_told_of_until_one_is_taken() {
    let shared = SharedRefusal::default();
    let mut document = whole(&[]);
    let mut told = || {
        document["reload"] = json!({ "refused": shared.document() });
        shown(&document)
    };
    assert!(!told().contains("refused"));
    shared.set(Some(Refusal::new(
        "/f has errors".to_owned(),
        Some("/f:3:1: error: no such keyword".to_owned()),
    )));
    let text = told();
    let lines: Vec<_> = text.lines().skip(2).collect();
    assert!(lines[0].starts_with("Reload refused at "), "{text}");
    assert!(lines[0].ends_with(": /f has errors"), "{text}");
    assert_eq!(lines[1], "  /f:3:1: error: no such keyword");
    shared.set(None);
    assert!(!told().contains("refused"));
}

/// SG-01: who moves with whom.
#[test]
fn the_table_names_the_groups() {
    let mut document = whole(&[
        document::instance(&Example::master().facts()),
        document::instance(&Example::backup().facts()),
    ]);
    document["groups"] = json!([document::group(&crate::facts::examples::group())]);
    let text = shown(&document);
    let expected = "\n\nGROUP  STATE  MEMBERS    SINCE\nG      FAULT  VI_1, V_A  -\n";
    assert!(text.contains(expected), "{text}");
    // The member that is to blame, not those that are at fault with it.
    for (instance, fault) in [(0, "tracker"), (1, "sync_group")] {
        document["instances"][instance]["faults"] = json!([fault]);
    }
    let text = shown(&document);
    assert!(text.contains("VI_1 (at fault), V_A  -\n"), "{text}");
}

/// TRK-01: what is tracked, what was found, and what that does to whom.
#[test]
fn the_table_shows_what_is_tracked() {
    let mut document = whole(&[
        document::instance(&Example::master().facts()),
        document::instance(&Example::backup().facts()),
    ]);
    let used = |kind: &str, name: &str, weight: i16, reverse: bool| json!({ "kind": kind, "name": name, "weight": weight, "reverse": reverse });
    document["instances"][0]["tracked_objects"] = json!([
        used("script", "web", 0, false),
        used("file", "load", -2, false),
        used("process", "named", 20, true)
    ]);
    document["instances"][1]["tracked_objects"] = json!([used("script", "web", 20, false)]);
    let since = "2026-11-20T17:22:43Z";
    document["trackers"] = json!([
        { "kind": "script", "name": "web", "state": "down", "value": null, "since": since,
          "runs": 7, "outcome": "exit code 1" },
        { "kind": "file", "name": "load", "state": "value", "value": 5, "since": since },
        { "kind": "process", "name": "named", "state": "up", "value": null, "since": since,
          "matching": 3, "watches": { "quorum": 1, "quorum_max": null } },
        { "kind": "script", "name": "idle", "state": "unknown", "value": null, "since": null },
    ]);
    let text = shown(&document);
    assert!(
        text.contains(
            "\
TRACKED        STATE     FOUND                      USED BY                  SINCE
script web     down      exit code 1, run 7         VI_1 (fault), V_A (+20)  17:22:43 (37 s ago)
file load      number 5  -                          VI_1 (times -2)          17:22:43 (37 s ago)
process named  up        3 processes of at least 1  VI_1 (+20, reverse)      17:22:43 (37 s ago)
script idle    unknown   -                          -                        -
"
        ),
        "{text}"
    );
}

/// What an operator sees at a glance.
#[test]
fn the_table_says_who_is_master_and_why_not() {
    let (master, backup) = (Example::master(), Example::backup());
    let mut fault = backup.facts();
    fault.state = vrrp_fsm::State::Initialize;
    fault.faults = vrrp_fsm::Faults::NONE.with(vrrp_fsm::Fault::LinkDown);
    let details = ["x0 has no carrier".to_owned()];
    fault.fault_details = &details;
    let mut fault = document::instance(&fault);
    fault["name"] = json!("V_F");
    fault["rejected"]["checksum"] = json!(3);
    fault["active_router"] = Value::Null;
    let document = whole(&[
        document::instance(&master.facts()),
        document::instance(&backup.facts()),
        fault,
    ]);
    assert_eq!(
        shown(&document),
        "\
keepalived-rs 0.1.0, process 4711, running since 16:00:00

INSTANCE  STATE   PRIORITY  INTERFACE  ACTIVE ROUTER           ADDRESSES      SINCE
VI_1      MASTER  100       v0         this one                all 3 set      16:49:00 (34 min ago)
V_A       BACKUP  90        x0         10.9.0.2, priority 150  none of 1 set  17:22:43 (36 s ago)
V_F       FAULT   90        x0         -                       none of 1 set  17:22:43 (36 s ago)

VI_1: last changed because nothing was heard for the down interval
V_A: last changed because nothing was heard for the down interval
V_F: last changed because nothing was heard for the down interval
V_F: the interface is down
V_F:   x0 has no carrier
V_F: packets rejected: checksum 3
"
    );
    assert!(shown(&whole(&[])).contains("Neither virtual routers"));
}

/// What a person needs to find out why there is no session: with the document's words.
#[test]
fn the_table_says_what_is_wrong_with_a_session() {
    let session = |name: &str, more: Value| {
        let mut session = json!({
            "name": name, "state": "down", "diagnostic": "none", "neighbor": "10.9.0.2",
            "transmit_interval_seconds": 1.0, "detection_time_seconds": null,
            "counters": { "flaps": 0 }, "transitions": [], "source": "10.9.0.1", "rejected": {},
        });
        let more = more.as_object().cloned().unwrap_or_default();
        session.as_object_mut().unwrap().extend(more);
        session
    };
    let mut document = whole(&[]);
    document["links"] = json!([{ "name": "eth0" }]);
    document["bfd"] = json!([
        session("key", json!({ "rejected": { "auth_digest": 6, "ttl": 0 } })),
        session("up", json!({ "state": "up", "rejected": { "ttl": 3 } })),
        session(
            "asks",
            json!({ "reflector_discriminator": 3_221_225_991_u32 })
        ),
        session("device", json!({ "source": null, "interface": "eth7" })),
        session(
            "address",
            json!({ "source": null, "interface": "eth0", "source_wanted": "10.9.0.9" })
        ),
        session("route", json!({ "source": null })),
        session(
            "calm",
            json!({ "demand": { "verify_seconds": 2.0 }, "demand_active": false })
        ),
        session(
            "quiet",
            json!({ "demand": { "verify_seconds": 0.5 }, "demand_active": true })
        ),
    ]);
    let shown = shown(&document);
    let (_, notes) = shown.split_once("\n\nkey: ").unwrap();
    assert_eq!(
        notes,
        "\
packets rejected: auth_digest 6
asks: asks the S-BFD reflector 3221225991 (192.0.2.7)
device: there is no interface eth7 to send from
address: 10.9.0.9, the address to send from, is not there
route: there is no address to send from
calm: demand mode, verified every 2000 ms: not in force
quiet: demand mode, verified every 500 ms: the neighbour may be silent
"
    );
}

/// One that only answers has something to show too.
#[test]
fn the_table_shows_the_reflector() {
    let mut document = whole(&[]);
    document["bfd_totals"] = json!({ "sbfd_reflector": {
        "discriminators": [7], "admin_down": true, "answered": 4,
        "rejected": { "unknown_discriminator": 8, "ttl": 0 },
    } });
    let shown = shown(&document);
    assert!(
        shown.ends_with(
            "\n\nS-BFD reflector 7: 4 answered, says that it is not to be used, \
             packets rejected: unknown_discriminator 8\n"
        ),
        "{shown}"
    );
    assert!(!shown.contains("Neither"), "{shown}");
}

/// MIB-01, MIB-03: every row of the VRRPv3-MIB has its field, and enumerations are words.
#[test]
fn the_document_feeds_the_mibs() {
    let example = Example::master();
    let instance = document::instance(&example.facts());
    for (field, value) in [
        ("state", json!("MASTER")),
        ("rfc_state", json!("active")),
        ("vrid", json!(51)),
        ("family", json!("ipv4")),
        ("priority", json!(100)),
        ("advert_interval_centiseconds", json!(100)),
        ("virtual_mac", json!("00:00:5e:00:01:33")),
        ("primary_address", json!("192.0.2.2")),
        ("preempt", json!(true)),
        ("accept", json!(true)),
        ("addresses_set", json!(true)),
        ("auth_type", json!("password")),
    ] {
        assert_eq!(instance[field], value, "{field}");
    }
    assert_eq!(instance["active_router"]["self"], true);
    assert_eq!(instance["addresses"].as_array().unwrap().len(), 3);
    assert_eq!(instance["addresses"][2]["advertised"], false);
    assert_eq!(instance["last_transition"]["reason"], "down_timer");
    assert_eq!(
        instance["last_transition"]["new_master_reason"],
        "master_no_response"
    );
    assert_eq!(
        instance["last_transition"]["at"],
        "2026-11-20T16:49:00.090801Z"
    );
    assert_eq!(instance["counters"]["adverts_sent"], 5);
    let rejected = instance["rejected"].as_object().unwrap();
    assert_eq!(rejected.len(), vrrp_fsm::Rejected::COUNT);
    assert_eq!(rejected["checksum"], 0);
    assert!(
        !instance.to_string().contains("secret"),
        "passwords stay inside"
    );
}

/// Requests are words or JSON, and what is not understood is said so.
#[test]
fn requests_are_words_or_objects() {
    let own = Own {
        lines_lost: 0,
        no_bfd: false,
        refusal: &SharedRefusal::default(),
    };
    let no_snapshot = || Err::<Box<Snapshot>, _>("the loop is busy");
    let field = |request: &str, name: &str| {
        let answer: Value =
            serde_json::from_str(&answer(request, own, no_snapshot, || None)).unwrap();
        answer[name].as_str().map(str::to_owned)
    };
    assert_eq!(
        field("version", "version").as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    assert!(field(r#"{"command":"version"}"#, "version").is_some());
    assert_eq!(
        field("status", "error").as_deref(),
        Some("the loop is busy")
    );
    for request in ["", "reboot", "{}", r#"{"command":1}"#, "[1]", "\"status"] {
        assert!(field(request, "error").is_some(), "{request}");
    }
}
