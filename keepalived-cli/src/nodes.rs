//! The nodes of a cluster, by their files.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// The name of each node, from those of the files, unless `given`.
pub(crate) fn names(files: &[PathBuf], given: &[String]) -> Result<Vec<String>, String> {
    if !given.is_empty() && given.len() != files.len() {
        return Err(format!(
            "--name was given {} for {}: want one for each, in their order",
            counted(given.len(), "time"),
            counted(files.len(), "file")
        ));
    }
    let folder = |path: &PathBuf| {
        let folder = path.parent().and_then(Path::file_name);
        folder.map(|folder| folder.to_string_lossy().into_owned())
    };
    let stems: Vec<String> = files.iter().map(|path| stem(path)).collect();
    let twice = |stem: &String| stems.iter().filter(|other| *other == stem).count() > 1;
    let mut names: Vec<String> = Vec::new();
    for (nth, path) in files.iter().enumerate() {
        let stem = stems.get(nth).cloned().unwrap_or_default();
        // The folder tells them apart, unless they are in the same one.
        let same = |other: &&PathBuf| self::stem(other) == stem && folder(other) == folder(path);
        let alone = files.iter().filter(same).count() == 1;
        let own = folder(path).filter(|folder| twice(&stem) && alone && !folder.is_empty());
        let wish = given.get(nth).cloned().or(own).unwrap_or(stem);
        let mut name: String = wish
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || "-_.".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        if given.get(nth).is_some_and(|given| *given != name) {
            return Err(format!(
                "--name {wish}: letters, digits, dots, dashes and underscores only"
            ));
        }
        if name.is_empty() {
            return Err("--name: the name of a node cannot be empty".to_owned());
        }
        if names.contains(&name) {
            if given.get(nth).is_some() {
                return Err(format!("--name {name}: there are two of them"));
            }
            let free = (2..).map(|count| format!("{name}-{count}"));
            name = free
                .into_iter()
                .find(|free| !names.contains(free))
                .unwrap_or(name);
        }
        names.push(name);
    }
    Ok(names)
}

fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".conf").filter(|stem| !stem.is_empty());
    stem.unwrap_or(&name).to_owned()
}

/// `1 error`, `2 errors`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, word: &str) -> String {
    if count == N::from(1) {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}
