//! Checkers that open no connection of their own.

use super::prelude::{Context, Keyword, Line, NotYet, P0, P1, P2};

table! { MISC_CHECK, MiscCheck;
    "alpha", Line, "[BOOL]", P1, NotYet, "", "",
        "";
    "delay_before_retry", Line, "TIMER", P0, NotYet, "", "",
        "";
    "delay_loop", Line, "TIMER(0.000001..)", P1, NotYet, "", "",
        "";
    "log_all_failures", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "misc_dynamic", Line, "", P1, NotYet, "", "",
        "";
    "misc_path", Line, "SCRIPT-LINE", P0, NotYet, "", "",
        "";
    "misc_timeout", Line, "UINT(seconds)", P1, NotYet, "", "",
        "";
    "retry", Line, "UINT", P0, NotYet, "", "",
        "";
    "user", Line, "USER [[:]GROUP]", P1, NotYet, "", "",
        "";
    "warmup", Line, "TIMER", P1, NotYet, "", "",
        "";
}

table! { FILE_CHECK, FileCheck;
    "track_file", Line, "TRACK_FILE_NAME", P2, NotYet, "", "",
        "";
    "weight", Line, "INT(-2147483647..2147483647) [reverse|noreverse]", P2, NotYet, "", "",
        "";
}

table! { BFD_CHECK, BfdCheck;
    "alpha", Line, "[BOOL]", P2, NotYet, "", "",
        "";
    "name", Line, "BFD_NAME", P2, NotYet, "", "",
        "";
}
