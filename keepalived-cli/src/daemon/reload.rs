//! What surrounds a reload: when it happens by itself, what other programs can see of it, and what a
//! reload must not change.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use keepalived_config::model::{Config as Model, ReloadMarker, Spanned};
use keepalived_config::{MemorySource, Options, parse};
use rustix::fs::OFlags;

use crate::load::Loaded;
use crate::log::wall_clock;

/// How often a file that says when to reload is looked at.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// The marker's name when only its keyword is given.
const MARKER: &str = "keepalived.reload";

/// What a running daemon remembers of its configuration until the next reload.
#[derive(Debug)]
pub(crate) struct Standing {
    namespace: Option<String>,
    instance: Option<String>,
    marker: Option<ReloadMarker>,
    /// There is something to run.
    objects: bool,
    /// Nothing is configured in it.
    empty: bool,
    /// Where complaints about a new configuration go too.
    pub(super) check_log: Option<PathBuf>,
}

impl Standing {
    pub(crate) fn new(model: &Model) -> Self {
        let name = |name: &Option<Spanned<String>>| name.as_ref().map(|name| name.value.clone());
        let rules = &model.global.process.reload;
        Self {
            namespace: name(&model.net_namespace),
            instance: name(&model.instance_name),
            marker: rules.marker.clone(),
            objects: has_objects(model),
            empty: says_nothing(model),
            check_log: rules.check_log.clone(),
        }
    }

    /// What a reload would change and must not, in words: the process has been built upon it.
    pub(crate) fn forbids(&self, new: &Self) -> Option<String> {
        if self.objects && new.empty {
            return Some(
                "nothing is configured in it, as in a file that is being written anew; to run nothing, stop the daemon"
                    .to_owned(),
            );
        }
        for (keyword, before, after) in [
            ("net_namespace", &self.namespace, &new.namespace),
            ("instance", &self.instance, &new.instance),
        ] {
            if before != after {
                let text = |name: Option<&str>| name.unwrap_or("nothing").to_owned();
                return Some(format!(
                    "`{keyword}` cannot be changed by a reload, from {} to {}; restart the daemon",
                    text(before.as_deref()),
                    text(after.as_deref())
                ));
            }
        }
        None
    }
}

/// Whether anything would be done for it: a file of settings only, or of nothing, says nothing about
/// what is to be done.
fn has_objects(model: &Model) -> bool {
    let statics = &model.statics;
    let trackers = &model.trackers;
    [
        model.instances.is_empty(),
        model.services.is_empty(),
        model.bfd.is_empty() && model.sbfd_reflector.is_none(),
        statics.addresses.is_empty() && statics.routes.is_empty() && statics.rules.is_empty(),
        trackers.scripts.is_empty() && trackers.files.is_empty() && trackers.processes.is_empty(),
    ]
    .contains(&false)
}

/// Whether the file is one without a word, or of empty blocks: even settings alone say that nothing more is wanted.
/// RLD-01.
pub(crate) fn says_nothing(model: &Model) -> bool {
    let mut nothing = MemorySource::new().with_file("", "");
    *model == parse(&mut nothing, "", &Options::default()).config
}

/// The marker file, while it exists (`reload_file`). Dropping it removes it.
#[derive(Debug)]
pub(super) struct Marker(PathBuf);

impl Marker {
    /// Create the file, or empty it: who waits for the reload to begin sees either. SYS-09.
    pub(super) fn set(standing: &Standing, pid_folder: &Path) -> io::Result<Option<Self>> {
        let path = match &standing.marker {
            None => return Ok(None),
            Some(ReloadMarker::At(path)) => path.clone(),
            Some(ReloadMarker::BesidePidFile) => pid_folder.join(MARKER),
        };
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits());
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(flags.unwrap_or_default())
            .open(&path)?;
        Ok(Some(Self(path)))
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The complaints about a new configuration, for `reload_check_config FILE`. SYS-07.
pub(super) fn write_check_log(path: &Path, loaded: &Loaded) -> io::Result<()> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits());
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(flags.unwrap_or_default())
        .open(path)?;
    for (_, line) in &loaded.complaints {
        writeln!(file, "{line}")?;
    }
    Ok(())
}

/// Copies of configurations and states for whoever looks into repeated reloads
/// (`config_save_dir`): `keepalived.conf.PID.N` is the configuration that is loaded by reload number
/// N, 0 being the start, and `keepalived.data.PID.N.before` and `.after` the states around it.
#[derive(Debug, Default)]
pub(super) struct Copies {
    folder: Option<PathBuf>,
    number: u64,
}

impl Copies {
    pub(super) fn set_folder(&mut self, model: &Model) {
        self.folder
            .clone_from(&model.global.process.config_save_dir);
    }

    /// A reload begins.
    pub(super) fn begin(&mut self) {
        self.number = self.number.saturating_add(1);
    }

    /// Where the state goes, if it is wanted.
    pub(super) fn state_file(&self, when: &str) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        let (pid, number) = (std::process::id(), self.number);
        Some(folder.join(format!("keepalived.data.{pid}.{number}.{when}")))
    }

    /// Keep the text of a configuration.
    pub(super) fn configuration(&self, text: &str) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let (pid, number) = (std::process::id(), self.number);
        let path = folder.join(format!("keepalived.conf.{pid}.{number}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())
    }
}

/// A file that says when to reload (`reload_time_file`).
#[derive(Debug)]
pub(super) struct Appointment {
    path: PathBuf,
    /// The file stays, and a time without date counts every day.
    repeat: bool,
    /// What the file was when it was read last.
    seen: Option<(u64, i64, i64, u64)>,
    at: Option<SystemTime>,
}

impl Appointment {
    pub(super) fn new(model: &Model) -> Option<Self> {
        let rules = &model.global.process.reload;
        Some(Self {
            path: rules.time_file.clone()?,
            repeat: rules.repeat,
            seen: None,
            at: None,
        })
    }

    /// The same file with the same rule.
    pub(super) fn is_for(&self, model: &Model) -> bool {
        let rules = &model.global.process.reload;
        rules.time_file.as_ref() == Some(&self.path) && rules.repeat == self.repeat
    }

    /// Look at the file and the clock. Something to say, and whether it is time.
    pub(super) fn look(&mut self) -> (Option<String>, bool) {
        let now = wall_clock();
        let said = self.read(now);
        let due = self.at.is_some_and(|at| at <= now);
        if due {
            self.at = None;
            if self.repeat {
                // Read again: a time without date means tomorrow now.
                self.seen = None;
            } else {
                let _ = fs::remove_file(&self.path);
            }
        }
        (said, due)
    }

    fn read(&mut self, now: SystemTime) -> Option<String> {
        let metadata = fs::metadata(&self.path).ok().filter(fs::Metadata::is_file);
        let stamp = metadata.map(|file| (file.ino(), file.mtime(), file.mtime_nsec(), file.len()));
        if stamp == self.seen {
            return None;
        }
        self.seen = stamp;
        let was = self.at.take();
        let path = self.path.display();
        if stamp.is_none() {
            return was.map(|_| format!("{path} is gone: no reload is planned any more"));
        }
        let mut text = String::new();
        let read = File::open(&self.path)
            .and_then(|file| io::Read::read_to_string(&mut io::Read::take(file, 64), &mut text));
        let line = text.split('\n').next().unwrap_or_default();
        let at = read
            .ok()
            .and_then(|_| moment(line, now, &TimeZone::system()));
        match at {
            Some(at) if at > now => {
                self.at = Some(at);
                let when = crate::log::local_text(at, "%Y-%m-%d %H:%M:%S");
                Some(format!("Scheduling reload for {when}"))
            }
            Some(_) => Some(format!(
                "{path} names a time that is over; no reload is planned"
            )),
            None => Some(format!("{path} holds no time; no reload is planned")),
        }
    }
}

/// `HH:MM:SS`, `YY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM:SS`, with a `Z` behind for universal time. A
/// time alone is the next one. SYS-08.
fn moment(text: &str, now: SystemTime, local: &TimeZone) -> Option<SystemTime> {
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, TimeZone::UTC),
        None => (text, local.clone()),
    };
    let instant = |date_time: DateTime| Some(date_time.to_zoned(zone.clone()).ok()?.into());
    let digits = |text: &str, count: usize| -> Option<i16> {
        let good = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| text.parse().ok()).flatten()
    };
    let three = |text: &str, separator: char, first: usize| {
        let mut parts = text.split(separator);
        let all = (
            digits(parts.next()?, first)?,
            i8::try_from(digits(parts.next()?, 2)?).ok()?,
            i8::try_from(digits(parts.next()?, 2)?).ok()?,
        );
        parts.next().is_none().then_some(all)
    };
    let time = |text: &str| {
        let (hour, minute, second) = three(text, ':', 2)?;
        Time::new(i8::try_from(hour).ok()?, minute, second, 0).ok()
    };
    let Some((date, clock)) = text.split_once(' ') else {
        let time = time(text)?;
        let today = Timestamp::try_from(now).ok()?.to_zoned(zone.clone()).date();
        let at: SystemTime = instant(today.to_datetime(time))?;
        if at > now {
            return Some(at);
        }
        let tomorrow = today.checked_add(Span::new().days(1)).ok()?;
        return instant(tomorrow.to_datetime(time));
    };
    let (year, month, day) = match three(date, '-', 4) {
        Some(date) => date,
        None => {
            let (year, month, day) = three(date, '-', 2)?;
            (year.checked_add(2000)?, month, day)
        }
    };
    instant(Date::new(year, month, day).ok()?.to_datetime(time(clock)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is being written anew is empty for a moment.
    #[test]
    fn a_reload_to_nothing_is_refused_and_one_to_settings_alone_is_not() {
        let model = |text: &str| {
            let mut source = MemorySource::new().with_file("/f", text);
            parse(&mut source, "/f", &Options::default()).config
        };
        let full =
            "virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 198.51.100.1 80 {\n}\n}\n";
        let standing = Standing::new(&model(full));
        for text in ["", "\n\n", "# global_defs {\n# }\n", "global_defs {\n}\n"] {
            let why = standing.forbids(&Standing::new(&model(text))).unwrap();
            assert!(why.starts_with("nothing is configured in it"), "{why}");
        }
        let settings = "global_defs {\nrouter_id lb1\n}\n";
        assert_eq!(standing.forbids(&Standing::new(&model(settings))), None);
        assert_eq!(standing.forbids(&Standing::new(&model(full))), None);
        // Who had nothing loses nothing.
        assert_eq!(
            Standing::new(&model(settings)).forbids(&Standing::new(&model(""))),
            None
        );
    }

    /// SYS-08, the formats of the manual page and nothing else.
    #[test]
    fn a_reload_time_is_what_the_manual_page_allows() {
        let now: SystemTime = "2026-11-29T12:00:00Z".parse::<Timestamp>().unwrap().into();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |text: &str| {
            let at = moment(text, now, &zone)?;
            Some(Timestamp::try_from(at).unwrap().to_string())
        };
        for (text, expected) in [
            ("12:00:01Z", "2026-11-29T12:00:01Z"),
            ("12:00:00Z", "2026-11-30T12:00:00Z"),
            ("13:30:00", "2026-11-29T12:30:00Z"),
            ("12:30:00", "2026-11-30T11:30:00Z"),
            ("26-12-01 01:02:03Z", "2026-12-01T01:02:03Z"),
            ("2027-01-02 00:30:00", "2027-01-01T23:30:00Z"),
            ("2020-01-01 00:00:00Z", "2020-01-01T00:00:00Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "12:00",
            "12:00:00 ",
            " 12:00:00",
            "24:00:00",
            "1:02:03",
            "2026-13-01 00:00:00",
            "2026-12-01  00:00:00",
            "026-12-01 00:00:00",
            "12:00:00ZZ",
            "12:00:60",
            "+2:00:00",
        ] {
            assert_eq!(at(text), None, "{text:?}");
        }
    }
}
