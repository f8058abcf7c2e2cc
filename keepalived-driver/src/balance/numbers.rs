//! Which mark each group of addresses has. The kernel keeps connections and clients by it, so it is kept over
//! reloads, and in a file over the end of a run that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use ipvs::ServiceKey;

use super::config::{MarkSettings, ServiceSetup};
use crate::state_file::{self, StateFile};

/// The first word of the file, with the version of what follows.
const FORMAT: &str = "keepalived-rs-marks-1";

/// The marks, by the identity of the virtual server.
#[derive(Debug)]
pub(super) struct Numbers {
    given: Given,
    file: StateFile,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    /// Where the numbers begin.
    first: NonZeroU32,
    marks: BTreeMap<Arc<str>, NonZeroU32>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            first: NonZeroU32::MIN,
            marks: BTreeMap::new(),
        }
    }
}

impl Numbers {
    /// What a run that was killed has written to `file`, and why it is not believed, in words.
    pub(super) fn read(file: Option<PathBuf>) -> (Self, Option<String>) {
        let file = StateFile::new(file, FORMAT);
        let (given, trouble) =
            file.read(parse, "groups may have other marks than in an earlier run");
        (Self { given, file }, trouble)
    }

    pub(super) fn get(&self, identity: &str) -> Option<NonZeroU32> {
        self.given.marks.get(identity).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.given.marks.is_empty()
    }

    /// IPVS-OPS-09: gives numbers to those who have none yet. Who has one keeps it, unless somebody else's service has
    /// that mark, or the numbers begin elsewhere now. What could not be remembered, in words.
    pub(super) fn assign(
        &mut self,
        settings: &MarkSettings,
        services: &[Arc<ServiceSetup>],
    ) -> Option<String> {
        let before = self.given.clone();
        self.given.assign(settings, services);
        (self.given != before).then(|| self.save()).flatten()
    }

    /// Nothing is left in the kernel that has a mark.
    pub(super) fn forget(&mut self) -> Option<String> {
        self.given.marks.clear();
        self.save()
    }

    fn save(&mut self) -> Option<String> {
        let given = &self.given;
        let whole = |origin: &str| (!given.marks.is_empty()).then(|| text(given, origin));
        self.file.save(whole, "marks may change")
    }
}

impl Given {
    fn assign(&mut self, settings: &MarkSettings, services: &[Arc<ServiceSetup>]) {
        let gathered = services.iter().filter(|one| one.gather.is_some());
        let known: BTreeSet<&str> = gathered.clone().map(|one| &*one.identity).collect();
        if known.is_empty() {
            self.marks.clear();
            return;
        }
        let keys = services.iter().flat_map(|setup| &setup.services);
        let others: BTreeSet<NonZeroU32> = keys
            .filter_map(|service| match service.key {
                ServiceKey::Mark { mark, .. } => Some(mark),
                ServiceKey::Address { .. } => None,
            })
            .collect();
        if std::mem::replace(&mut self.first, settings.first) != settings.first {
            self.marks.clear();
        }
        self.marks
            .retain(|identity, mark| known.contains(&**identity) && !others.contains(mark));
        let mut taken: BTreeSet<NonZeroU32> = self.marks.values().copied().collect();
        taken.extend(&others);
        for setup in gathered {
            if self.marks.contains_key(&setup.identity) {
                continue;
            }
            let mut mark = settings.first;
            while taken.contains(&mark) {
                // There are more numbers than services.
                mark = mark.checked_add(1).unwrap_or(NonZeroU32::MIN);
            }
            taken.insert(mark);
            self.marks.insert(Arc::clone(&setup.identity), mark);
        }
    }
}

fn text(given: &Given, origin: &str) -> String {
    let mut text = format!("{origin}\nfrom {}\n", given.first);
    for (identity, mark) in &given.marks {
        if can_be_told(identity) {
            let _ = writeln!(text, "{mark} {identity}");
        }
    }
    text
}

/// Names have no control characters. One that had would spoil all of it.
fn can_be_told(identity: &str) -> bool {
    !identity.is_empty() && !identity.contains(char::is_control)
}

/// All of it, or why not: two groups with one mark would be one service.
fn parse(text: &str, origin: &str) -> Result<Given, &'static str> {
    let rest = state_file::body(text, origin).ok_or("not a file of marks")??;
    let (first, lines) = rest.split_once('\n').ok_or("not whole")?;
    let first = first.strip_prefix("from ").and_then(number);
    let mut given = Given {
        first: first.ok_or("broken")?,
        marks: BTreeMap::new(),
    };
    let mut taken = BTreeSet::new();
    for line in lines.lines() {
        let (mark, identity) = line.split_once(' ').ok_or("broken")?;
        let mark = number(mark).ok_or("broken")?;
        if !can_be_told(identity)
            || !taken.insert(mark)
            || given.marks.insert(identity.into(), mark).is_some()
        {
            return Err("broken");
        }
    }
    Ok(given)
}

/// Only as it is written by us.
fn number(text: &str) -> Option<NonZeroU32> {
    let number: NonZeroU32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// What is believed of a text, written again, is the same text but for its order.
#[cfg(feature = "fuzzing")]
pub(super) fn reread(written: &str) {
    if let Ok(given) = parse(written, FORMAT) {
        assert_eq!(parse(&text(&given, FORMAT), FORMAT), Ok(given));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn given() -> Given {
        let marks = [("[G]:tcp inet", 1000), ("[G]:udp inet", 1002)];
        Given {
            first: number(1000),
            marks: marks
                .map(|(identity, mark)| (identity.into(), number(mark)))
                .into(),
        }
    }

    /// IPVS-OPS-09.
    #[test]
    fn marks_are_read_as_they_were_written() {
        assert_eq!(parse(&text(&given(), FORMAT), FORMAT), Ok(given()));
        // What cannot be told is not, and the others are.
        let mut more = given();
        more.marks.insert("a\nb".into(), number(7));
        assert_eq!(parse(&text(&more, FORMAT), FORMAT), Ok(given()));
    }

    #[test]
    fn nothing_is_believed_of_a_file_that_is_not_ours_from_end_to_end() {
        let good = text(&given(), FORMAT);
        let refused = |text: &str| parse(text, FORMAT).unwrap_err();
        for line in [
            // Two services would be one.
            "1000 other",
            "1001 [G]:tcp inet",
            "0 x",
            "+5 x",
            "05 x",
            "1003",
            "1003 ",
            "",
        ] {
            assert_eq!(refused(&format!("{good}{line}\n")), "broken", "{line}");
        }
        assert_eq!(refused(good.trim_end()), "not whole");
        assert_eq!(refused(&good.replacen("from 1000", "from 0", 1)), "broken");
        assert_eq!(refused(&format!("{FORMAT}\n")), "not whole");
        assert_eq!(refused("1234\n"), "not a file of marks");
        let other = good.replacen(FORMAT, &format!("{FORMAT} boot 1"), 1);
        assert_eq!(refused(&other), "of another boot or network namespace");
    }

    #[test]
    fn a_file_that_is_not_believed_and_one_that_cannot_be_written_are_told_of_once() {
        let folder = std::env::temp_dir().join(format!("marks-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("keepalived.marks");
        fs::write(&file, "rubbish").unwrap();
        let (mut numbers, trouble) = Numbers::read(Some(file.clone()));
        assert!(trouble.unwrap().contains("not a file of marks"));
        assert!(numbers.is_empty());
        numbers.given = given();
        assert_eq!(numbers.save(), None);
        let (next, trouble) = Numbers::read(Some(file.clone()));
        assert_eq!((next.given, trouble), (given(), None));
        assert_eq!(numbers.forget(), None);
        assert!(!file.exists());
        fs::remove_dir_all(&folder).unwrap();
        numbers.given = given();
        assert!(numbers.save().unwrap().contains("marks may change"));
        assert_eq!(numbers.save(), None);
    }
}
