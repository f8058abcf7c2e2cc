//! The program, as people call it.

use std::path::Path;
use std::process::{Command, Output};

/// `simulate` with these words, in this folder.
pub(crate) fn simulate_in(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keepalived-rs"))
        .arg("simulate")
        .args(words)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}
