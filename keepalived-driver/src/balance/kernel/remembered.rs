//! Which services are ours, in a file: IPVS marks no owner, and a run after one that was killed has to
//! know what it may remove.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipvs::{Family, Protocol, ServiceKey};

use crate::state_file::{self, StateFile};

/// The first word of the file, with the version of what follows.
const FORMAT: &str = "keepalived-rs-services-1";

/// The services that the kernel may hold because of us.
#[derive(Debug)]
pub(super) struct Remembered {
    keys: BTreeSet<ServiceKey>,
    file: StateFile,
}

impl Remembered {
    /// What a run that was killed has written to `file`, and why it is not believed, in words.
    pub(super) fn read(file: Option<PathBuf>) -> (Self, Option<String>) {
        let file = StateFile::new(file, FORMAT);
        let (keys, trouble) = file.read(parse, "services that an earlier run left may stay");
        (Self { keys, file }, trouble)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ServiceKey> + '_ {
        self.keys.iter().copied()
    }

    pub(super) fn has(&self, key: &ServiceKey) -> bool {
        self.keys.contains(key)
    }

    /// These will be put as well: to be called before they are. What could not be done, in words.
    pub(super) fn add(&mut self, keys: impl IntoIterator<Item = ServiceKey>) -> Option<String> {
        let before = self.keys.len();
        self.keys.extend(keys);
        (self.keys.len() != before).then(|| self.save()).flatten()
    }

    /// The kernel holds no others of ours.
    pub(super) fn set(&mut self, keys: BTreeSet<ServiceKey>) -> Option<String> {
        if keys == self.keys {
            return None;
        }
        self.keys = keys;
        self.save()
    }

    fn save(&mut self) -> Option<String> {
        let keys = &self.keys;
        let whole = |origin: &str| (!keys.is_empty()).then(|| text(keys, origin));
        self.file.save(whole, "services may stay")
    }
}

fn text(keys: &BTreeSet<ServiceKey>, origin: &str) -> String {
    let mut text = format!("{origin}\n");
    for key in keys {
        let _ = writeln!(text, "{}", line(key));
    }
    text
}

fn line(key: &ServiceKey) -> String {
    match *key {
        ServiceKey::Address { .. } => key.to_string(),
        ServiceKey::Mark { mark, family } => {
            let family = match family {
                Family::Ipv4 => "ipv4",
                Family::Ipv6 => "ipv6",
            };
            format!("fwmark {mark} {family}")
        }
    }
}

/// All of it, or why not: what it names is removed from the kernel.
fn parse(text: &str, origin: &str) -> Result<BTreeSet<ServiceKey>, &'static str> {
    let rest = state_file::body(text, origin).ok_or("not a file of services")??;
    let keys = rest.lines().map(|text| key(text).ok_or("broken"));
    keys.collect()
}

/// Only as it is written by us.
fn key(text: &str) -> Option<ServiceKey> {
    let (kind, rest) = text.split_once(' ')?;
    let at = |protocol| {
        let address: SocketAddr = rest.parse().ok()?;
        Some(ServiceKey::address(protocol, address))
    };
    let key = match kind {
        "tcp" => at(Protocol::TCP)?,
        "udp" => at(Protocol::UDP)?,
        "sctp" => at(Protocol::SCTP)?,
        "fwmark" => {
            let (mark, family) = rest.split_once(' ')?;
            let family = match family {
                "ipv4" => Family::Ipv4,
                "ipv6" => Family::Ipv6,
                _ => return None,
            };
            let mark = mark.parse().ok()?;
            ServiceKey::Mark { mark, family }
        }
        _ => return None,
    };
    (line(&key) == text).then_some(key)
}

/// What is believed of a text, written again, is the same text but for its order.
#[cfg(feature = "fuzzing")]
pub(in crate::balance) fn reread(written: &str) {
    let origin = FORMAT;
    if let Ok(keys) = parse(written, origin) {
        assert_eq!(parse(&text(&keys, origin), origin), Ok(keys));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroU32;

    use super::*;

    fn keys() -> BTreeSet<ServiceKey> {
        let mark = NonZeroU32::new(5).unwrap();
        let at = |protocol, text: &str| ServiceKey::address(protocol, text.parse().unwrap());
        BTreeSet::from([
            at(Protocol::TCP, "192.0.2.1:80"),
            at(Protocol::UDP, "192.0.2.1:0"),
            at(Protocol::SCTP, "[2001:db8::1]:443"),
            ServiceKey::Mark {
                mark,
                family: Family::Ipv4,
            },
            ServiceKey::Mark {
                mark,
                family: Family::Ipv6,
            },
        ])
    }

    /// LESSONS A11.
    #[test]
    fn every_kind_of_service_is_read_as_it_was_written() {
        let text = text(&keys(), FORMAT);
        assert_eq!(parse(&text, FORMAT), Ok(keys()));
    }

    #[test]
    fn nothing_is_believed_of_a_file_that_is_not_ours_from_end_to_end() {
        let good = text(&keys(), FORMAT);
        let refused = |text: &str| parse(text, FORMAT).unwrap_err();
        for line in [
            "tcp 192.0.2.1:080",
            "tcp 192.0.2.1",
            "tcp  192.0.2.1:80",
            "tcp [2001:DB8::1]:80",
            "protocol 6 192.0.2.1:80",
            "fwmark 0 ipv4",
            "fwmark +5 ipv4",
            "fwmark 5",
            "fwmark 5 ipv4 ",
            "",
        ] {
            assert_eq!(refused(&format!("{good}{line}\n")), "broken", "{line}");
        }
        assert_eq!(refused(good.trim_end()), "not whole");
        assert_eq!(refused(""), "not a file of services");
        assert_eq!(refused("1234\n"), "not a file of services");
        let other = good.replacen(FORMAT, &format!("{FORMAT} boot 1"), 1);
        assert_eq!(refused(&other), "of another boot or network namespace");
    }

    #[test]
    fn a_next_run_knows_what_this_one_put_until_it_is_gone() {
        let folder = std::env::temp_dir().join(format!("services-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("keepalived.services");
        let next = || {
            let (next, error) = Remembered::read(Some(file.clone()));
            (next.keys().collect::<BTreeSet<_>>(), error)
        };
        assert_eq!(next(), (BTreeSet::new(), None));
        let (mut now, _) = Remembered::read(Some(file.clone()));
        assert_eq!(now.add(keys()), None);
        assert_eq!(next(), (keys(), None));
        let mut fewer = keys();
        fewer.pop_first();
        assert_eq!(now.set(fewer.clone()), None);
        assert_eq!(next(), (fewer, None));
        assert_eq!(now.set(BTreeSet::new()), None);
        assert!(!file.exists());
        // A broken one is told of, and replaced.
        fs::write(&file, "rubbish").unwrap();
        let (none, error) = next();
        assert_eq!(none, BTreeSet::new());
        assert!(error.unwrap().contains("not a file of services"));
        assert_eq!(now.add(keys()), None);
        assert_eq!(next(), (keys(), None));
        // What cannot be written is told once.
        fs::remove_dir_all(&folder).unwrap();
        let mut few = keys();
        few.pop_last();
        assert!(now.set(few).is_some());
        assert_eq!(now.add(keys()), None);
    }
}
