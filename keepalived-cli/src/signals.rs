//! Numbers of the signals that are not the same everywhere.

use nix::libc;

/// Write the JSON dump.
#[expect(non_snake_case, reason = "named like the constants beside it")]
pub(crate) fn SIGJSON() -> i32 {
    libc::SIGRTMIN() + 2
}

/// Write the statistics, then set them to zero.
#[expect(non_snake_case, reason = "named like the constants beside it")]
pub(crate) fn SIGSTATS_CLEAR() -> i32 {
    libc::SIGRTMAX() - 1
}

/// The number of the signal that keepalived calls by this name in `--signum=NAME`.
pub(crate) fn by_name(name: &str) -> Option<i32> {
    Some(match name {
        "STOP" => libc::SIGTERM,
        "RELOAD" => libc::SIGHUP,
        "DATA" => libc::SIGUSR1,
        "STATS" => libc::SIGUSR2,
        "STATS_CLEAR" => SIGSTATS_CLEAR(),
        "JSON" => SIGJSON(),
        _ => return None,
    })
}

/// Signals that mean nothing to this program and would end it without a word: keepalived ignores
/// them too.
pub(crate) fn to_ignore() -> impl Iterator<Item = i32> {
    let real_time = libc::SIGRTMIN()..=libc::SIGRTMAX();
    [
        libc::SIGALRM,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGIO,
        libc::SIGQUIT,
    ]
    .into_iter()
    .chain(real_time.filter(|signal| ![SIGJSON(), SIGSTATS_CLEAR()].contains(signal)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SIG-05, SIG-06: the numbers on Linux with glibc.
    #[test]
    fn the_real_time_signals_have_the_numbers_that_scripts_know() {
        assert_eq!(by_name("STATS_CLEAR"), Some(63));
        assert_eq!(by_name("JSON"), Some(36));
        assert_eq!(by_name("TDUMP"), None);
    }
}
