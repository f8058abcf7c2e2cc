//! Checkers that open no connection of their own.

use super::prelude::{Context, Keyword, Line, P0, P1, P2, Works};

table! { MISC_CHECK, MiscCheck;
    "alpha", Line, "[BOOL]", P1, Works, "off", "1.3.7",
        "Count as failed until the first check has passed.";
    "delay_before_retry", Line, "TIMER", P0, Works, "as the server", "1.3.7",
        "Seconds between attempts.";
    "delay_loop", Line, "TIMER(0.000001..)", P1, Works, "as the server", "1.3.7",
        "Seconds between checks.";
    "fall", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Failures in a row, each with its retries, that take a server down.";
    "log_all_failures", Line, "[BOOL]", P2, Works, "as in global_defs", "2.0.11",
        "Log every failure, not only changes.";
    "misc_dynamic", Line, "", P1, Works, "off", "1.1.8",
        "Exit codes from 2 to 255 set the weight to the code less 2.";
    "misc_path", Line, "SCRIPT-LINE", P0, Works, "required", "0.5",
        "The command, in quotes if it has arguments. Whom it runs as is said by user, on a line of its own.";
    "misc_timeout", Line, "UINT(seconds)", P1, Works, "as delay_loop", "1.1.0",
        "Seconds the command may take.";
    "retry", Line, "UINT", P0, Works, "0", "1.3.7",
        "Further attempts after a failure.";
    "rise", Line, "UINT(1..)", P2, Works, "as the server", "keepalived-rs",
        "Successes in a row that bring a server back.";
    "user", Line, "USER [[:]GROUP]", P1, Works, "as script_user", "1.3.0",
        "User and group the command runs as.";
    "warmup", Line, "TIMER", P1, Works, "as delay_loop", "1.3.7",
        "Longest random delay in seconds before the first check.";
}

table! { FILE_CHECK, FileCheck;
    "track_file", Line, "TRACK_FILE_NAME", P2, Works, "required", "2.1.0",
        "Name of the tracked file.";
    "weight", Line, "INT(-2147483647..2147483647) [reverse|noreverse]",
        P2, Works, "as the track_file", "2.1.0",
        "Factor of the number in the file.";
}

table! { BFD_CHECK, BfdCheck;
    "alpha", Line, "[BOOL]", P2, Works, "off", "2.0.0",
        "Count as failed until the session is up. Without it a server whose session never came up counts as up.";
    "name", Line, "BFD_NAME", P2, Works, "required", "2.0.0",
        "Name of the BFD session.";
}
