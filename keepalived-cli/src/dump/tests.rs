//! The files against what keepalived 2.2.7 wrote for the same instances.

use super::*;
use crate::facts::Facts;
use crate::facts::examples::{Example, group};
use crate::lower::Wishes;

/// DUMP-04. Byte for byte, apart from the password, which keepalived 2.2.7 shows, and slashes,
/// which its library escapes.
#[test]
fn the_json_of_a_master_is_keepalived_s() {
    let example = Example::master();
    let text = json::object(&example.facts(), &Example::hooks(), Wishes::default());
    let golden = r#"{"data":{"iname":"VI_1","dont_track_primary":0,"skip_check_adv_addr":0,"strict_mode":0,"vmac_ifname":"","ifp_ifname":"v0","master_priority":0,"last_transition":1795193340.090801,"garp_delay":5,"garp_refresh":0,"garp_rep":5,"garp_refresh_rep":1,"garp_lower_prio_delay":5,"garp_lower_prio_rep":5,"lower_prio_no_advert":0,"higher_prio_send_advert":0,"vrid":51,"base_priority":100,"effective_priority":100,"vipset":true,"promote_secondaries":false,"adver_int":1,"master_adver_int":1,"accept":1,"nopreempt":false,"preempt_delay":0,"state":2,"wantstate":2,"version":2,"smtp_alert":false,"notify_deleted":false,"script_backup":"'/tmp/kc/n.sh'","script_master":"'/tmp/kc/n.sh' 'master' 'arg'","script_fault":"'/tmp/kc/n.sh'","script_stop":"'/tmp/kc/n.sh'","script":"'/tmp/kc/n.sh'","vips":["192.0.2.100/24 dev v0 scope global label v0:1 set","192.0.2.101 dev v0 scope global set"],"evips":["2001:db8::7/64 dev v0 scope global preferred_lft forever set"],"auth_type":1,"auth_data":"********"},"stats":{"advert_rcvd":0,"advert_sent":5,"become_master":1,"release_master":0,"packet_len_err":0,"advert_interval_err":0,"ip_ttl_err":0,"invalid_type_rcvd":0,"addr_list_err":0,"invalid_authtype":0,"authtype_mismatch":0,"auth_failure":0,"pri_zero_rcvd":0,"pri_zero_sent":0}}"#;
    assert_eq!(text, golden);
}

/// DUMP-04: fractions, trackers, a master elsewhere.
#[test]
fn the_json_of_a_backup_is_keepalived_s() {
    let example = Example::backup();
    let text = json::object(&example.facts(), &HookSet::default(), Wishes::default());
    let golden = r#"{"data":{"iname":"V_A","dont_track_primary":1,"skip_check_adv_addr":0,"strict_mode":0,"vmac_ifname":"","ifp_ifname":"x0","master_priority":150,"last_transition":1795195363.025273,"garp_delay":2,"garp_refresh":60,"garp_rep":5,"garp_refresh_rep":1,"garp_lower_prio_delay":5,"garp_lower_prio_rep":5,"lower_prio_no_advert":0,"higher_prio_send_advert":0,"vrid":31,"base_priority":90,"effective_priority":90,"vipset":false,"promote_secondaries":false,"adver_int":0.5,"master_adver_int":0.5,"accept":1,"nopreempt":true,"preempt_delay":0,"state":1,"wantstate":1,"version":3,"smtp_alert":false,"notify_deleted":false,"vips":["10.9.0.53/24 dev x0 scope global label x0:v"],"track_ifp":["v0","lo"],"auth_type":0},"#;
    assert!(text.starts_with(golden), "{text}");
    serde_json::from_str::<serde_json::Value>(&text).expect("valid JSON");
}

/// DUMP-04: format 2 wraps the same array.
#[test]
fn format_two_is_an_object() {
    let one = vec!["{}".to_owned()];
    assert_eq!(json::document(&one, &[], 1), "[{}]");
    assert_eq!(
        json::document(&one, &[], 2),
        r#"{"vrrp":[{}],"track_process":[]}"#
    );
}

/// DUMP-01: the lines people search for, and those around them, as keepalived 2.2.7 writes them.
#[test]
fn the_data_dump_has_keepalived_s_lines() {
    let (master, backup) = (Example::master(), Example::backup());
    let mut text = String::new();
    data::section(&mut text, &master.facts(), &Example::hooks());
    data::section(&mut text, &backup.facts(), &HookSet::default());
    let transition = |facts: Facts<'_>| {
        let (at, _) = facts.last_transition.unwrap();
        let since = at.duration_since(std::time::UNIX_EPOCH).unwrap();
        let micros = since.subsec_micros();
        let date = crate::log::local_text(at, "%a %b %e %H:%M:%S");
        let year = crate::log::local_text(at, "%Y");
        format!(
            "{}.{micros:06} ({date}.{micros:06} {year})",
            since.as_secs()
        )
    };
    let golden = include_str!("golden/keepalived.data")
        .replace("@MASTER@", &transition(master.facts()))
        .replace("@BACKUP@", &transition(backup.facts()));
    assert_eq!(text, golden);
}

/// DUMP-01, as keepalived 2.2.7 writes it.
#[test]
fn the_data_dump_shows_groups_as_keepalived_does() {
    let mut text = String::new();
    let configured = GroupDump {
        hooks: Example::hooks(),
        tracking_weight: true,
        mail: true,
        tracked_interfaces: vec!["eth3 weight -20".to_owned()],
    };
    data::sync_group(&mut text, &group(), &configured);
    let expected = " VRRP Sync Group = G, FAULT
   Num member fault 1, num member init 0
   VRRP member instances :
     VI_1
     V_A
   sync group tracking weight set
   Using smtp notification = yes
   Tracked interfaces :
     eth3 weight -20
   Backup state transition script = '/tmp/kc/n.sh', uid:gid -:-
";
    assert!(text.starts_with(expected), "{text}");
}

/// DUMP-02, features 32.7.
#[test]
fn the_statistics_have_keepalived_s_lines() {
    let example = Example::master();
    let mut text = String::new();
    stats::section(&mut text, "VI_1", example.facts().stats, false);
    assert_eq!(text, include_str!("golden/keepalived.stats"));
}

/// A reason of ours that keepalived does not count is no error of another kind.
#[test]
fn every_reason_is_summed_up_to_the_right_counter() {
    let mut stats = vrrp_fsm::Stats::default();
    stats.address_list_errors = 7;
    let counters = json::Counters::of(&stats);
    assert_eq!(
        counters,
        json::Counters {
            address_list: 7,
            ..json::Counters::default()
        }
    );
    let known = [
        "type",
        "hop_limit",
        "auth_data",
        "interval_mismatch",
        "surplus_octets",
    ];
    let names: Vec<_> = stats.iter().map(|(name, _)| name).collect();
    assert!(known.iter().all(|name| names.contains(name)), "{names:?}");
}

/// `data_use_instance`, `state_dump_file`.
#[test]
fn the_files_are_where_keepalived_puts_them() {
    let mut settings = DumpSettings {
        folder: "/tmp".into(),
        ..DumpSettings::new()
    };
    assert_eq!(settings.data_path(), PathBuf::from("/tmp/keepalived.data"));
    settings.infix = ".red".to_owned();
    assert_eq!(settings.path("json"), PathBuf::from("/tmp/keepalived.json"));
    settings.state_file = Some("/var/lib/dumps/".into());
    assert_eq!(
        settings.data_path(),
        PathBuf::from("/var/lib/dumps/keepalived.red.data")
    );
    settings.state_file = Some("/var/lib/state".into());
    assert_eq!(settings.data_path(), PathBuf::from("/var/lib/state"));
}
