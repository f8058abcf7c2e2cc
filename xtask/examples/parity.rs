//! Prints the page `docs/keepalived-parity.md`, made from the keyword table.

fn main() {
    print!("{}", keepalived_config::schema::parity_markdown());
}
