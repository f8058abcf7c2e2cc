//! What is counted and shown under which name: tables that status pages rely on.

use std::collections::BTreeSet;

use vrrp_fsm::proto::{AdvertInterval, ParseError, Version};
use vrrp_fsm::{Fault, Faults, Instance, NewActiveReason, Reason, Rejected};

mod common;
use common::*;

/// VRRP-GEN-06: one counter for each rule.
#[test]
fn every_reason_is_counted_under_its_own_name() {
    let host = address(1);
    let own = [
        (Rejected::HopLimit(1), "hop_limit_range"),
        (Rejected::VersionMismatch(Version::V2), "version_mismatch"),
        (Rejected::HmacMissing, "auth_ext_missing"),
        (Rejected::HmacMalformed, "auth_ext_malformed"),
        (Rejected::HmacStale, "auth_ext_stale"),
        (Rejected::HmacUnknownKey(3), "auth_ext_unknown_key"),
        (Rejected::HmacInvalid, "auth_ext_invalid_hmac"),
        (Rejected::HmacReplay, "auth_ext_replay"),
        (Rejected::UnknownVrid(3), "unknown_vrid"),
        (Rejected::AuthType(1), "auth_type_mismatch"),
        (Rejected::AuthData, "auth_data"),
        (Rejected::AhMissing, "ah_missing"),
        (Rejected::AhIndex(1), "ah_index"),
        (Rejected::AhCheckValue, "ah_check_value"),
        (Rejected::AhReplay(1), "ah_replay"),
        (
            Rejected::Interval {
                theirs: AdvertInterval::DEFAULT,
            },
            "interval_mismatch",
        ),
        (Rejected::Destination(host), "destination"),
        (Rejected::UnknownPeer(host), "unknown_peer"),
        (Rejected::OwnAdvert, "own_advert"),
        (Rejected::OwnerIgnores, "owner_ignores"),
        (Rejected::Addresses, "address_list"),
        (Rejected::NotRunning, "not_running"),
    ];
    assert_eq!(own.len() + ParseError::COUNT, Rejected::COUNT);
    for (at, (reason, name)) in own.iter().enumerate() {
        assert_eq!(reason.index(), ParseError::COUNT + at, "{reason:?}");
        assert_eq!(reason.name(), *name, "{reason:?}");
    }
    let parse = Rejected::Parse(ParseError::FirstNotLinkLocal);
    assert_eq!(parse.name(), "first_not_link_local");
    assert_eq!(parse.index(), ParseError::COUNT - 1);
    let instance = Instance::new(v3(backup(100, vrrp_fsm::Preempt::Never))).unwrap();
    let names: Vec<&str> = instance.stats().iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), Rejected::COUNT);
    assert_eq!(names[..ParseError::COUNT], ParseError::NAMES);
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

/// KA-F-01: faults are independent of each other, and a set of them is one of all.
#[test]
fn faults_have_names_and_make_sets() {
    let names = [
        "link_down",
        "no_interface",
        "no_receive_path",
        "no_source_address",
        "tracker",
        "kernel",
        "configuration",
        "held",
        "sync_group",
    ];
    assert_eq!(Fault::ALL.map(Fault::name), names);
    for fault in Fault::ALL {
        let one: Faults = [fault].into_iter().collect();
        assert!(!one.is_empty());
        assert_eq!(one.iter().collect::<Vec<_>>(), [fault]);
        assert_eq!(one.with(fault), one, "twice is once");
        let others: Faults = Fault::ALL
            .into_iter()
            .filter(|other| *other != fault)
            .collect();
        assert!(!others.contains(fault));
        assert_eq!(others.with(fault), Fault::ALL.into_iter().collect());
        assert_eq!(others.with(fault).without(fault), others);
    }
}

/// MIB-01, MIB-02, RFC 6527: the words of the MIB for how it came to be Active.
#[test]
fn every_way_to_become_active_has_the_word_of_the_mib() {
    for (reason, word) in [
        (Reason::ReleaseHeard, NewActiveReason::Priority),
        (Reason::ActiveLost, NewActiveReason::NoResponse),
        (Reason::DownTimer, NewActiveReason::NoResponse),
        (Reason::PreemptedLower, NewActiveReason::Preempted),
        (Reason::OwnerStart, NewActiveReason::Preempted),
        (Reason::Stopped, NewActiveReason::NotActive),
    ] {
        assert_eq!(reason.new_active(), word, "{reason:?}");
    }
}
