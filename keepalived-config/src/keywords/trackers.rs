//! Tracked objects: scripts, processes, files.

use super::prelude::{Context, Keyword, Line, P0, P1, P2, Works};

table! { SCRIPT, Script;
    "fall", Line, "UINT(1..)", P0, Works, "1", "1.1.18",
        "Bad results in a row that count as bad.";
    "init_fail", Line, "", P1, Works, "off", "1.3.2",
        "Start as failed.";
    "interval", Line, "TIMER(ms resolution)", P0, Works, "1 s", "1.1.13",
        "Seconds between two runs.";
    "rise", Line, "UINT(1..)", P0, Works, "1", "1.1.18",
        "Good results in a row that count as good.";
    "script", Line, "SCRIPT-LINE", P0, Works, "required", "1.1.13",
        "The command.";
    "timeout", Line, "TIMER(ms resolution)", P0, Works, "as interval", "1.2.6",
        "Seconds after which a run counts as failed.";
    "user", Line, "USER [[:]GROUP]", P0, Works, "as script_user", "1.3.0",
        "User and group the command runs as.";
    "weight", Line, "INT(-253..253) [reverse]", P0, Works, "0", "1.1.13",
        "What a result adds to or takes from the priority; 0 means failure is FAULT.";
}

table! { TRACK_PROCESS, TrackProcess;
    "delay", Line, "TIMER(0.000001..3600)", P1, Works, "0 s", "2.0.11",
        "Seconds to wait after a process starts or ends.";
    "fork_delay", Line, "TIMER(0.000001..3600)", P2, Works, "0 s", "2.0.16",
        "Seconds to wait after a process starts.";
    "full_command", Line, "", P2, Works, "off", "2.0.11",
        "Compare the whole command line.";
    "param_match", Line, "initial|partial", P2, Works, "exactly", "2.0.16",
        "How the arguments are compared.";
    "process", Line, "NAME|\"NAME\" [PARAM|\"PARAM\" ...]", P1, Works, "required", "2.0.11",
        "Program name and arguments to look for.";
    "quorum", Line, "UINT(1..65535)", P1, Works, "1", "2.0.11",
        "Least number of processes.";
    "quorum_max", Line, "UINT(0..65535)", P2, Works, "none", "2.0.16",
        "Greatest number of processes.";
    "terminate_delay", Line, "TIMER(0.000001..3600)", P2, Works, "0 s", "2.0.16",
        "Seconds to wait after a process ends.";
    "weight", Line, "INT(-254..254) [reverse]", P1, Works, "0", "2.0.11",
        "What it adds to or takes from the priority; 0 means failure is FAULT.";
}

table! { TRACK_FILE, TrackFile;
    "file", Line, "PATH|\"PATH\"", P1, Works, "required", "2.1.0",
        "Path of the file. It is read whenever it changes, and at no other time.";
    "init_file", Line, "[INT] [overwrite]", P1, Works, "off", "2.1.0",
        "Create the file with this number at start.";
    "weight", Line, "INT(-254..254) [reverse]", P1, Works, "1", "2.1.0",
        "Factor of the number in the file; 0 means any other number than 0 is FAULT.";
}

table! { VRRP_TRACK_FILE, VrrpTrackFile;
    "file", Line, "PATH|\"PATH\"", P1, Works, "required", "2.0.0",
        "Path of the file. It is read whenever it changes, and at no other time.";
    "init_file", Line, "[INT] [overwrite]", P1, Works, "off", "2.0.0",
        "Create the file with this number at start.";
    "weight", Line, "INT(-254..254) [reverse]", P1, Works, "1", "2.0.0",
        "Factor of the number in the file; 0 means any other number than 0 is FAULT.";
}
