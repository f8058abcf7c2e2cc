//! Groups: `vrrp_sync_group`, `track_group`, `garp_group`.

use super::prelude::{Context, Entries, EntryKind, Keyword, Line, NotYet, P0, P1, P2};

table! { TRACK_GROUP, TrackGroup;
    "group", Entries(EntryKind::InstanceName), "{ VRRP_INSTANCE ... }", P2, NotYet, "", "",
        "";
}

table! { SYNC_GROUP, SyncGroup;
    "global_tracking", Line, "", P2, NotYet, "", "",
        "";
    "group", Entries(EntryKind::InstanceName), "{ VRRP_INSTANCE ... }", P0, NotYet, "", "",
        "";
    "notify", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_backup", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_fault", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_master", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, NotYet, "", "",
        "";
    "notify_priority_changes", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "notify_stop", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, NotYet, "", "",
        "";
    "smtp_alert", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "sync_group_tracking_weight", Line, "", P2, NotYet, "", "",
        "";
    "track_bfd", Entries(EntryKind::Track), "{ BFD_NAME [weight INT(-253..253) [reverse|noreverse]] ... }",
        P2, NotYet, "", "",
        "";
    "track_file", Entries(EntryKind::Track), "{ TRACK_FILE_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, NotYet, "", "",
        "";
    "track_interface", Entries(EntryKind::Track), "{ IFNAME [weight INT(-253..253) [reverse]] ... }",
        P1, NotYet, "", "",
        "";
    "track_process", Entries(EntryKind::Track), "{ TRACK_PROCESS_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, NotYet, "", "",
        "";
    "track_script", Entries(EntryKind::Track), "{ SCRIPT_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P0, NotYet, "", "",
        "";
}

table! { GARP_GROUP, GarpGroup;
    "garp_interval", Line, "TIMER", P2, NotYet, "", "",
        "";
    "gna_interval", Line, "TIMER", P2, NotYet, "", "",
        "";
    "interface", Line, "IFNAME", P2, NotYet, "", "",
        "";
    "interfaces", Entries(EntryKind::Interface), "{ IFNAME ... }", P2, NotYet, "", "",
        "";
}
