//! Checkers that open no connection of their own.

use super::prelude::{Context, Keyword, Line, NotYet, P0, P1, P2};

table! { MISC_CHECK, MiscCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "delay_before_retry", Line, "TIMER", P0, NotYet, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "as the server", "1.3.7",
        "Seconds between checks.";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "misc_dynamic", Line, "", P1, NotYet, "off", "1.1.8",
        "Exit codes from 2 to 255 set the weight to the code less 2.";
    "misc_path", Line, "SCRIPT-LINE", P0, NotYet, "required", "0.5",
        "The command.";
    "misc_timeout", Line, "UINT(seconds)", P1, NotYet, "as delay_loop", "1.1.0",
        "Seconds the command may take.";
    "retry", Line, "UINT", P0, NotYet, "0", "1.3.7",
        "Further attempts after a failure.";
    "user", Line, "USER [[:]GROUP]", P1, NotYet, "as script_user", "1.3.0",
        "User and group the command runs as.";
    "warmup", Line, "TIMER", P1, NotYet, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { FILE_CHECK, FileCheck;
    "track_file", Line, "TRACK_FILE_NAME", P2, NotYet, "required", "2.1.0",
        "Name of the tracked file.";
    "weight", Line, "INT(-2147483647..2147483647) [reverse|noreverse]",
        P2, NotYet, "as the track_file", "2.1.0",
        "Factor of the number in the file.";
}

table! { BFD_CHECK, BfdCheck;
    "alpha", Line, "[BOOL]", P2, NotYet, "off", "2.0.0",
        "Count as failed until the session is up.";
    "name", Line, "BFD_NAME", P2, NotYet, "required", "2.0.0",
        "Name of the BFD session.";
}
