//! Prints the pages under `docs/` that are made from the keyword table and from what tests say they
//! show: before each a form feed and its path.

#[path = "../src/files.rs"]
mod files;
#[path = "../src/flips.rs"]
mod flips;

use std::path::Path;

use keepalived_config::schema::{parity_markdown, reference_pages};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tests = flips::scan(&root, flips::FOLDERS);
    print!("\u{c}keepalived-parity.md\n{}", parity_markdown(&tests));
    for (name, text) in reference_pages() {
        print!("\u{c}reference/{name}\n{text}");
    }
}
