//! Prints the page `docs/keepalived-parity.md`, made from the keyword table and from what tests say
//! they show.

#[path = "../src/files.rs"]
mod files;
#[path = "../src/flips.rs"]
mod flips;

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tests = flips::scan(&root, flips::FOLDERS);
    print!("{}", keepalived_config::schema::parity_markdown(&tests));
}
