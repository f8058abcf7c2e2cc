//! Whether a program can be run by somebody, and whether it is safe to.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};
use rustix::fs::StatVfsMountFlags;

/// What looking at a program came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It can run. The path is the one to execute.
    Fine(PathBuf),
    /// It can run, but somebody other than root could change what it does.
    Insecure(PathBuf, String),
    /// There is no such program.
    Missing(String),
    /// It is where this process may not look.
    Hidden(String),
    /// It is there, and that user cannot start it.
    NotExecutable(String),
}

/// Whom a program runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunAs {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Supplementary ones.
    pub(crate) groups: Vec<u32>,
}

/// What somebody wants of a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Read,
    Execute,
    /// Of a folder: what is in it.
    Search,
}

/// What access depends on.
#[derive(Clone, Copy, Debug)]
struct Access {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl RunAs {
    /// As the kernel decides it, path_resolution(7): the first class that one is in counts, even if another
    /// is allowed more.
    fn may(&self, want: Want, on: Access) -> bool {
        if self.uid == 0 {
            return want != Want::Execute || on.mode & 0o111 != 0;
        }
        let class = if self.uid == on.uid {
            6
        } else if self.gid == on.gid || self.groups.contains(&on.gid) {
            3
        } else {
            0
        };
        let bit = match want {
            Want::Read => 4,
            Want::Execute | Want::Search => 1,
        };
        on.mode >> class & bit != 0
    }

    fn name(&self) -> String {
        let known = User::from_uid(Uid::from_raw(self.uid)).ok().flatten();
        known.map_or_else(|| self.uid.to_string(), |user| user.name)
    }
}

impl From<&Metadata> for Access {
    fn from(metadata: &Metadata) -> Self {
        Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
            mode: metadata.mode(),
        }
    }
}

/// Look at a program as the user that would run it: found in `PATH` if it is a bare name, and with
/// every folder on the way. What runs is what symbolic links lead to now; with `links` it is what they
/// lead to when it runs, so that each of them must be safe as well. SCR-07.
pub(in crate::lower) fn judge(program: &str, who: &RunAs, links: bool) -> Judgement {
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![PathBuf::from(program)]
    } else {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/sbin:/usr/bin".into());
        std::env::split_paths(&path)
            .map(|folder| folder.join(program))
            .collect()
    };
    let mut hidden = None;
    let found = candidates.iter().find_map(|candidate| {
        let file = fs::metadata(candidate).inspect_err(|error| {
            if error.kind() == ErrorKind::PermissionDenied {
                hidden = Some(format!("{}: {error}", candidate.display()));
            }
        });
        file.ok().filter(Metadata::is_file)?;
        Some((candidate, fs::canonicalize(candidate).ok()?))
    });
    let Some((named, real)) = found else {
        return match hidden {
            Some(why) => Judgement::Hidden(why),
            None => Judgement::Missing("no such program".to_owned()),
        };
    };
    let path = if links { named.clone() } else { real };
    if let Some(why) = obstacle(&path, who, INTERPRETERS) {
        return Judgement::NotExecutable(why);
    }
    match part(&path, LINKS, &can_be_changed) {
        None => Judgement::Fine(path),
        Some(part) => {
            let why = format!("{} can be changed by others than root", part.display());
            Judgement::Insecure(path, why)
        }
    }
}

/// Symbolic links that are followed, as the kernel has it.
const LINKS: u32 = 40;
/// Scripts that are the interpreters of scripts, as the kernel has it.
const INTERPRETERS: u32 = 5;
/// How much of a file the kernel looks at to find its interpreter.
const HEAD: u64 = 256;

/// That somebody may not have it, as far as that can be told without asking the kernel: a list of more users
/// and groups (ACL) is not read.
fn is_refused(who: &RunAs, want: Want, path: &Path, metadata: &Metadata) -> bool {
    let listed = || rustix::fs::getxattr(path, "system.posix_acl_access", &mut [0; 0]).is_ok();
    !who.may(want, metadata.into()) && !listed()
}

/// Why somebody cannot start the program at this path.
fn obstacle(path: &Path, who: &RunAs, interpreters: u32) -> Option<String> {
    let file = match fs::metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Some(format!("there is no {}", shown(path)));
        }
        // As far as this process may look there is none.
        Err(_) => return None,
    };
    let closed = |part: &Path, metadata: &Metadata| {
        metadata.is_dir() && is_refused(who, Want::Search, part, metadata)
    };
    if let Some(folder) = part(path, LINKS, &closed) {
        let folder = folder.display();
        return Some(format!("user {} may not enter {folder}", who.name()));
    }
    if !file.is_file() || is_refused(who, Want::Execute, path, &file) {
        let path = path.display();
        return Some(format!("user {} may not execute {path}", who.name()));
    }
    let mount = rustix::fs::statvfs(path).ok();
    if mount.is_some_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        let path = path.display();
        return Some(format!(
            "{path} is on a file system from which nothing is executed (noexec)"
        ));
    }
    let interpreter = interpreter(path).ok().flatten()?;
    if is_refused(who, Want::Read, path, &file) {
        let (user, path) = (who.name(), path.display());
        return Some(format!(
            "user {user} may not read {path}, which its interpreter has to"
        ));
    }
    let why = obstacle(&interpreter, who, interpreters.checked_sub(1)?)?;
    // As from a file with the line ends of another system.
    let odd = match interpreter.as_os_str().as_bytes().ends_with(b"\r") {
        true => ", and its line ends with a carriage return",
        false => "",
    };
    Some(format!(
        "its interpreter is {}{odd}: {why}",
        shown(&interpreter)
    ))
}

/// What a file names may be anything.
fn shown(path: &Path) -> String {
    let name = path.display().to_string();
    name.trim_end().escape_debug().to_string()
}

/// The program that a file names after `#!`; what is found from the folder that it runs in is not looked for.
fn interpreter(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let Some(line) = head.strip_prefix(b"#!") else {
        return Ok(None);
    };
    let mut words = line.split(|octet| matches!(octet, b'\n' | b'\0'));
    let line = words.next().unwrap_or_default();
    let mut words = line.split(|octet| matches!(octet, b' ' | b'\t'));
    let word = words.find(|word| !word.is_empty()).unwrap_or_default();
    let path = Path::new(OsStr::from_bytes(word));
    Ok(path.is_absolute().then(|| path.to_owned()))
}

/// The first part of the path that is so, where links lead included.
fn part(path: &Path, links: u32, is_so: &impl Fn(&Path, &Metadata) -> bool) -> Option<PathBuf> {
    path.ancestors().find_map(|here| {
        let metadata = fs::symlink_metadata(here).ok()?;
        if is_so(here, &metadata) {
            return Some(here.to_owned());
        }
        if !metadata.is_symlink() {
            return None;
        }
        let Some(links) = links.checked_sub(1) else {
            return Some(here.to_owned());
        };
        let target = fs::read_link(here).ok()?;
        part(&here.parent().unwrap_or(here).join(target), links, is_so)
    })
}

/// Somebody other than root may write to it or replace it. SCR-04.
fn can_be_changed(_: &Path, metadata: &Metadata) -> bool {
    let by_owner = metadata.uid() != 0;
    if metadata.is_symlink() {
        // Its own mode says nothing; the folder it is in says who may replace it.
        return by_owner;
    }
    let mode = metadata.mode();
    // In a sticky folder others may add files but not replace ours.
    let sticky_folder = metadata.is_dir() && mode & 0o1000 != 0;
    let by_group = mode & 0o020 != 0 && metadata.gid() != 0;
    let by_all = mode & 0o002 != 0;
    (by_owner || by_group || by_all) && !sticky_folder
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, mode: u32) -> Self {
            let path = std::env::temp_dir().join(format!("judge-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            Self(path)
        }

        fn script(&self, text: &str, mode: u32) -> PathBuf {
            let path = self.0.join("hook.sh");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Somebody who is neither us nor in a group of ours.
    fn stranger() -> RunAs {
        RunAs {
            uid: 61_234,
            gid: 61_234,
            groups: vec![61_235],
        }
    }

    fn look(path: &Path, who: &RunAs) -> Judgement {
        judge(path.to_str().unwrap(), who, false)
    }

    fn refusal(path: &Path, who: &RunAs) -> String {
        match look(path, who) {
            Judgement::NotExecutable(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// SCR-04.
    #[test]
    fn a_program_in_a_folder_that_anybody_may_write_to_is_insecure() {
        let folder = Folder::new("open", 0o777);
        let script = folder.script("#!/bin/sh\n", 0o755);
        let judgement = look(&script, &RunAs::default());
        assert!(
            matches!(judgement, Judgement::Insecure(..)),
            "{judgement:?}"
        );
        folder.script("#!/bin/sh\n", 0o644);
        let why = refusal(&script, &RunAs::default());
        assert!(why.contains("may not execute"), "{why}");
    }

    /// SCR-08.
    #[test]
    fn a_bare_name_is_looked_up_in_the_path() {
        let root = RunAs::default();
        assert!(matches!(
            judge("sh", &root, false),
            Judgement::Fine(_) | Judgement::Insecure(..)
        ));
        assert!(matches!(
            judge("no-such-program-here", &root, false),
            Judgement::Missing(_)
        ));
    }

    /// SCR-08, path_resolution(7).
    #[test]
    fn access_goes_by_the_first_class_that_one_is_in() {
        let on = |uid, gid, mode| Access { uid, gid, mode };
        let who = stranger();
        for (want, on, expected) in [
            (Want::Search, on(0, 0, 0o700), false),
            (Want::Search, on(0, 0, 0o701), true),
            (Want::Search, on(0, 0, 0o704), false),
            (Want::Read, on(0, 0, 0o704), true),
            (Want::Execute, on(0, 61_234, 0o750), true),
            (Want::Execute, on(0, 61_235, 0o750), true),
            (Want::Execute, on(0, 61_236, 0o750), false),
            // Whoever owns it is no other, and a member is none either.
            (Want::Execute, on(61_234, 0, 0o077), false),
            (Want::Execute, on(0, 61_235, 0o707), false),
            (Want::Execute, on(61_234, 0, 0o100), true),
        ] {
            assert_eq!(who.may(want, on), expected, "{want:?} {on:?}");
        }
        let root = RunAs::default();
        assert!(root.may(Want::Search, on(5, 5, 0)));
        assert!(root.may(Want::Execute, on(5, 5, 0o001)));
        assert!(!root.may(Want::Execute, on(0, 0, 0o666)));
    }

    /// SCR-08: it was found at the first start of the script, when the daemon ran long ago.
    #[test]
    fn a_folder_that_the_user_may_not_enter_is_named() {
        let folder = Folder::new("closed", 0o700);
        let script = folder.script("#!/bin/sh\n", 0o755);
        let why = refusal(&script, &stranger());
        let expected = format!("user 61234 may not enter {}", folder.0.display());
        assert_eq!(why, expected);
        // By a link from somewhere else it is no less closed.
        let outside = Folder::new("outside", 0o755);
        let link = outside.0.join("link");
        std::os::unix::fs::symlink(&script, &link).unwrap();
        for links in [false, true] {
            let judged = judge(link.to_str().unwrap(), &stranger(), links);
            assert_eq!(judged, Judgement::NotExecutable(expected.clone()));
        }
    }

    /// What stands in a file may be meant for the terminal of whoever reads of it.
    #[test]
    fn the_name_of_an_interpreter_is_shown_without_its_control_characters() {
        let folder = Folder::new("escape", 0o755);
        let script = folder.script("#!/no/\u{1b}[31mred\n", 0o755);
        let why = refusal(&script, &RunAs::default());
        assert!(why.contains("/no/\\u{1b}[31mred"), "{why}");
    }

    /// SCR-08.
    #[test]
    fn an_interpreter_that_is_missing_or_closed_is_named() {
        let folder = Folder::new("interpreter", 0o755);
        let of = |text: &str| refusal(&folder.script(text, 0o755), &RunAs::default());
        assert_eq!(
            of("#! /no/such/shell -e\n"),
            "its interpreter is /no/such/shell: there is no /no/such/shell"
        );
        let why = of("#!/bin/sh\r\nexit 0\r\n");
        let expected = "its interpreter is /bin/sh, and its line ends with a carriage return: ";
        assert!(why.starts_with(expected), "{why}");
        let why = of("#!/etc/passwd\n");
        assert!(why.ends_with("may not execute /etc/passwd"), "{why}");
        // The kernel starts it, and the shell cannot open it.
        let script = folder.script("#!/bin/sh\n", 0o711);
        let why = refusal(&script, &stranger());
        assert!(why.ends_with("which its interpreter has to"), "{why}");
        for text in ["exit 0\n", "#!\n", "#!sh\n", ""] {
            let script = folder.script(text, 0o755);
            let judged = look(&script, &stranger());
            assert!(
                matches!(judged, Judgement::Fine(_) | Judgement::Insecure(..)),
                "{judged:?}"
            );
        }
    }
}
