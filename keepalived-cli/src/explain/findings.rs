//! What findings of `check` look like: from the samples that its tests are made of, so that nothing is written twice.

/// A finding between nodes, as `check` prints it for the sample of its code.
pub(super) struct Sample {
    pub(super) severity: &'static str,
    pub(super) message: &'static str,
    pub(super) then: &'static str,
    pub(super) help: &'static str,
}

/// What `check` says of the sample with this mistake; nothing if there is none.
pub(super) fn between_nodes(code: &str) -> Option<Sample> {
    let (_, printed) = BETWEEN_NODES.iter().find(|(known, _)| *known == code)?;
    let mark = format!("[{code}]: ");
    let found = printed.split("\n\n").find_map(|part| {
        part.trim_start()
            .split_once(&mark)
            .map(|_| part.trim_start())
    })?;
    let (first, rest) = found.split_once('\n')?;
    let (severity, message) = first.split_once(&mark)?;
    let line = |begin: &str| rest.lines().find_map(|line| line.strip_prefix(begin));
    Some(Sample {
        severity,
        message,
        then: line("  = then: ")?,
        help: line("  = help: ")?,
    })
}

/// How severe a finding in one file is, and what `check` says may be done about it.
pub(super) fn in_one_file(code: &str) -> Option<(&'static str, &'static str)> {
    let mut lines = IN_ONE_FILE.lines();
    lines.find_map(|line| {
        let (found, rest) = line.split_once('\t')?;
        let (severity, help) = rest.split_once('\t')?;
        (found == code).then_some((severity, help))
    })
}

/// Made by `tests/findings.rs` from the samples of keepalived-config.
const IN_ONE_FILE: &str = include_str!("one_file.tsv");

macro_rules! samples {
    ($($code:literal)*) => {
        &[$(($code, include_str!(concat!("../../tests/clusters/mistakes/", $code, "/expected.txt")))),*]
    };
}

const BETWEEN_NODES: &[(&str, &str)] = samples! {
    "accept-differs"
    "address-in-two-routers"
    "address-of-a-node"
    "addresses-differ"
    "advertised-differ"
    "anti-replay-differs"
    "authentication-differs"
    "bfd-differs"
    "bfd-one-sided"
    "bfd-too-slow"
    "family-differs"
    "group-differs"
    "group-members-differ"
    "hmac-key-missing"
    "hmac-mode-differs"
    "interval-differs"
    "no-partner"
    "nopreempt-missing"
    "owners"
    "peer-missing"
    "peer-unknown"
    "peers-same"
    "preempt-delay-misplaced"
    "prefix-differs"
    "priority-equal"
    "refresh-differs"
    "routes-differ"
    "rules-differ"
    "secret-differs"
    "service-differs"
    "service-missing"
    "source-same"
    "state-master"
    "state-misplaced"
    "survivor-is-at-fault"
    "sync-daemon-differs"
    "transport-differs"
    "ttl-refused"
    "version-differs"
    "vmac-differs"
    "vrid-collision"
    "vrid-differs"
    "weights-and-nopreempt"
    "weights-too-small"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_between_nodes_has_a_sample() {
        for (code, _) in keepalived_config::cluster::CODES {
            let sample = between_nodes(code).unwrap_or_else(|| panic!("{code}"));
            assert!(["error", "warning"].contains(&sample.severity), "{code}");
        }
        assert_eq!(BETWEEN_NODES.len(), keepalived_config::cluster::CODES.len());
    }
}
