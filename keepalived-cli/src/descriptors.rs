//! Descriptors that whoever started us left open.

use std::fs;

/// Close everything but standard input, output and error. Everything this program opens is closed on
/// exec; what it inherited is not, and would end up in every script it runs. To be called first of
/// all, while nothing of ours is open.
pub(crate) fn close_inherited() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers: Vec<i32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2)
        .collect();
    for number in numbers {
        // The folder just read was among them and is closed already: not an error.
        let _ = nix::unistd::close(number);
    }
}
