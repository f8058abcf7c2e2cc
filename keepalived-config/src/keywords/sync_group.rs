//! Groups: `vrrp_sync_group`, `track_group`, `garp_group`.

use super::prelude::{Context, Entries, EntryKind, Keyword, Line, P0, P1, P2, Works};

table! { TRACK_GROUP, TrackGroup;
    "group", Entries(EntryKind::InstanceName), "{ VRRP_INSTANCE ... }", P2, Works, "", "2.0.3",
        "Names of the instances in the group.";
}

table! { SYNC_GROUP, SyncGroup;
    "global_tracking", Line, "", P2, Works, "", "1.2.3",
        "The old name of sync_group_tracking_weight.";
    "group", Entries(EntryKind::InstanceName), "{ VRRP_INSTANCE ... }", P0, Works, "", "0.6.1",
        "Names of the instances in the group.";
    "notify", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "1.1.2",
        "Command run at every change of the group, with GROUP, name, state and 0 appended.";
    "notify_backup", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.6.4",
        "Command run when the group becomes BACKUP.";
    "notify_fault", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.6.4",
        "Command run when the group enters FAULT.";
    "notify_master", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P0, Works, "none", "0.6.4",
        "Command run when the group becomes MASTER.";
    "notify_priority_changes", Line, "[BOOL]", P2, Works, "off", "2.2.0",
        "Write priority changes of members to the pipes.";
    "notify_stop", Line, "SCRIPT-LINE [USER [[:]GROUP]]", P1, Works, "none", "2.0.0",
        "Command run when the group stops.";
    "smtp_alert", Line, "[BOOL]", P1, Works, "as in global_defs", "1.0.0",
        "Send mail when the group changes state.";
    "sync_group_tracking_weight", Line, "", P2, Works, "off", "2.0.0",
        "Let weighted trackers act inside the group.";
    "track_bfd", Entries(EntryKind::Track), "{ BFD_NAME [weight INT(-253..253) [reverse|noreverse]] ... }",
        P2, Works, "", "2.0.0",
        "BFD sessions tracked by every member.";
    "track_file", Entries(EntryKind::Track), "{ TRACK_FILE_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, Works, "", "2.0.0",
        "Files tracked by every member.";
    "track_interface", Entries(EntryKind::Track), "{ IFNAME [weight INT(-253..253) [reverse]] ... }",
        P1, Works, "", "2.0.0",
        "Interfaces tracked by every member.";
    "track_process", Entries(EntryKind::Track), "{ TRACK_PROCESS_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P1, Works, "", "2.0.11",
        "Processes tracked by every member.";
    "track_script", Entries(EntryKind::Track), "{ SCRIPT_NAME [weight INT(-254..254) [reverse|noreverse]] ... }",
        P0, Works, "", "2.0.0",
        "Scripts tracked by every member.";
}

table! { GARP_GROUP, GarpGroup;
    "garp_interval", Line, "TIMER", P2, Works, "0 s", "1.2.21",
        "Least seconds between two gratuitous ARPs in the group.";
    "gna_interval", Line, "TIMER", P2, Works, "0 s", "1.2.21",
        "Least seconds between two neighbour advertisements in the group.";
    "interface", Line, "IFNAME", P2, Works, "", "1.2.21",
        "The one interface of the group.";
    "interfaces", Entries(EntryKind::Interface), "{ IFNAME ... }", P2, Works, "", "1.2.21",
        "The interfaces of the group.";
}
