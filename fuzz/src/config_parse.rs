//! Any bytes as a configuration: a result, never a panic, and complaints that point into the text.

use keepalived_config::{MemorySource, Options, parse};

use super::input::Input;

/// One file, and a second one that it may include.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let included = usize::from(input.byte());
    let included = input.take(included).to_vec();
    let mut source = MemorySource::new()
        .with_file("/etc/keepalived/keepalived.conf", input.rest())
        .with_file("/etc/keepalived/a.conf", included)
        .with_env("NAME", "value");
    let parsed = parse(
        &mut source,
        "/etc/keepalived/keepalived.conf",
        &Options::default(),
    );
    for diagnostic in &parsed.diagnostics {
        let Some(span) = diagnostic.span else {
            continue;
        };
        let location = parsed.sources.location(span);
        assert!(location.line >= 1 && location.column >= 1, "{diagnostic:?}");
    }
}
