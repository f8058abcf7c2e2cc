//! Tracked objects: scripts, processes, files.

use super::prelude::{Context, Keyword, Line, NotYet, P0, P1, P2};

table! { SCRIPT, Script;
    "fall", Line, "UINT(1..)", P0, NotYet, "", "",
        "";
    "init_fail", Line, "", P1, NotYet, "", "",
        "";
    "interval", Line, "TIMER(ms resolution)", P0, NotYet, "", "",
        "";
    "rise", Line, "UINT(1..)", P0, NotYet, "", "",
        "";
    "script", Line, "SCRIPT-LINE", P0, NotYet, "", "",
        "";
    "timeout", Line, "TIMER(ms resolution)", P0, NotYet, "", "",
        "";
    "user", Line, "USER [[:]GROUP]", P0, NotYet, "", "",
        "";
    "weight", Line, "INT(-253..253) [reverse]", P0, NotYet, "", "",
        "";
}

table! { TRACK_PROCESS, TrackProcess;
    "delay", Line, "TIMER(0.000001..3600)", P1, NotYet, "", "",
        "";
    "fork_delay", Line, "TIMER(0.000001..3600)", P2, NotYet, "", "",
        "";
    "full_command", Line, "", P2, NotYet, "", "",
        "";
    "param_match", Line, "initial|partial", P2, NotYet, "", "",
        "";
    "process", Line, "NAME|\"NAME\" [PARAM|\"PARAM\" ...]", P1, NotYet, "", "",
        "";
    "quorum", Line, "UINT(1..65535)", P1, NotYet, "", "",
        "";
    "quorum_max", Line, "UINT(0..65535)", P2, NotYet, "", "",
        "";
    "terminate_delay", Line, "TIMER(0.000001..3600)", P2, NotYet, "", "",
        "";
    "weight", Line, "INT(-254..254) [reverse]", P1, NotYet, "", "",
        "";
}

table! { TRACK_FILE, TrackFile;
    "file", Line, "PATH|\"PATH\"", P1, NotYet, "", "",
        "";
    "init_file", Line, "[INT] [overwrite]", P1, NotYet, "", "",
        "";
    "weight", Line, "INT(-254..254) [reverse]", P1, NotYet, "", "",
        "";
}

table! { VRRP_TRACK_FILE, VrrpTrackFile;
    "file", Line, "PATH|\"PATH\"", P1, NotYet, "", "",
        "";
    "init_file", Line, "[INT] [overwrite]", P1, NotYet, "", "",
        "";
    "weight", Line, "INT(-254..254) [reverse]", P1, NotYet, "", "",
        "";
}
