//! What is done otherwise than an RFC or Keepalived says, on purpose: comments of the form
//! `DEVIATION(RFC 9568 5.2.8): reason`.

use std::fs;
use std::path::Path;

use crate::files::rust_files;

const MARK: &str = "DEVIATION(";

/// One of them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deviation {
    /// From what.
    pub(crate) from: String,
    /// What is done instead, and why, as the comment has it.
    pub(crate) reason: String,
    /// The file.
    pub(crate) place: String,
}

/// All of them, in the order of what they deviate from.
pub(crate) fn find(root: &Path, folders: &[&str]) -> Vec<Deviation> {
    let mut found = Vec::new();
    for file in folders
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)))
    {
        let place = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
        // Those about these comments are not of them.
        if let Ok(text) = fs::read_to_string(&file)
            && !place.starts_with("xtask/")
        {
            found.extend(in_text(&text, &place));
        }
    }
    found.sort();
    found
}

/// A reason goes on to the end of its paragraph, or of its cell in a table.
fn in_text(text: &str, place: &str) -> Vec<Deviation> {
    let comment = |line: &str| {
        let line = line.trim_start();
        let text = line.strip_prefix("//")?;
        Some(text.trim_start_matches(['/', '!']).trim().to_owned())
    };
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(text) = comment(line) else {
            continue;
        };
        let Some((from, reason)) = text
            .split_once(MARK)
            .and_then(|(_, rest)| rest.split_once("): "))
        else {
            continue;
        };
        let (cell, is_cell) = match reason.split_once('|') {
            Some((cell, _)) => (cell.trim(), true),
            None => (reason, false),
        };
        let mut reason = cell.to_owned();
        let following = lines.clone().map_while(comment);
        for line in following.take_while(|line| !is_cell && !line.is_empty()) {
            reason = format!("{reason} {line}");
        }
        found.push(Deviation {
            from: from.to_owned(),
            reason,
            place: place.to_owned(),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_ends_with_its_paragraph_or_its_cell() {
        let text = "    /// A table. DEVIATION(RFC 1 2): because of\n    /// this.\n    ///\n    /// More.\n\
                    //! | a | DEVIATION(keepalived): that. |\n//! | b |\nfn f() {}\n";
        let found = in_text(text, "f.rs");
        let seen: Vec<_> = found
            .iter()
            .map(|one| (one.from.as_str(), one.reason.as_str()))
            .collect();
        assert_eq!(
            seen,
            [("RFC 1 2", "because of this."), ("keepalived", "that.")]
        );
    }
}
