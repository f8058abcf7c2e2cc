//! What a tracked file says and what the kernel tells of processes, out of any bytes.

/// A number, or nothing.
pub fn track_file(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        super::files::reread(text);
    }
}

/// Not more events than there is room for.
pub fn process_events(data: &[u8]) {
    let events = super::processes::reread(data);
    assert!(events <= data.len() / 16);
}
