//! What a page or a crate's documentation points to is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::{ALL, root, sources};

/// The pages for people: those of the root, of `docs`, and of every crate.
fn pages() -> Vec<PathBuf> {
    let folders = ["", "docs"].iter().chain(ALL);
    let mut pages = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(root().join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// Where the links of a page lead: `](target)` and `[label]: target`, blocks of code left out.
fn links(page: &str) -> Vec<&str> {
    let mut links = Vec::new();
    for text in page.split("```").step_by(2) {
        let inline = text.split("](").skip(1);
        links.extend(inline.filter_map(|rest| rest.split([')', ' ']).next()));
        let labels = text.lines().filter(|line| line.starts_with('['));
        links.extend(
            labels
                .filter_map(|line| line.split_once("]: "))
                .map(|(_, to)| to.trim()),
        );
    }
    links
}

/// The anchor that a heading gets where pages are shown.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().chars();
        kept.filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| {
                if c == ' ' {
                    '-'
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_relative_link_of_a_page_leads_somewhere() {
    let pages = pages();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        assert!(root().join(name).exists(), "{name} is missing");
    }
    let mut seen = 0;
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).expect("pages are UTF-8");
        let folder = page.parent().unwrap_or(page);
        for link in links(&text)
            .into_iter()
            .filter(|link| !link.contains("://"))
        {
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                folder.join(file)
            };
            let there = target.exists()
                && (anchor.is_empty()
                    || fs::read_to_string(&target)
                        .is_ok_and(|text| anchors(&text).iter().any(|known| known == anchor)));
            if !there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(
        seen > 10,
        "found {seen} links in {} pages only",
        pages.len()
    );
    assert!(
        broken.is_empty(),
        "links to nothing:\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_page_and_table_that_module_documentation_names_exists() {
    let mut seen = 0;
    let mut broken = Vec::new();
    for source in sources(ALL) {
        let crate_folder = source.name.split('/').next().unwrap_or_default();
        let own_folder = Path::new(&source.name)
            .parent()
            .unwrap_or_else(|| Path::new(""));
        let folders = [Path::new(""), Path::new(crate_folder), own_folder];
        let documentation = source
            .text
            .lines()
            .filter(|line| line.trim_start().starts_with("//!"));
        for name in documentation.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            if !names_a_file_of_ours(name) {
                continue;
            }
            seen += 1;
            if !folders
                .iter()
                .any(|folder| root().join(folder).join(name).exists())
            {
                broken.push(format!("{}: {name}", source.name));
            }
        }
    }
    assert!(seen > 5, "found {seen} names of files only");
    assert!(
        broken.is_empty(),
        "documentation of nothing:\n{}",
        broken.join("\n")
    );
}

/// A page by its name alone, other files by a relative path; `NAME.txt` stands for many.
fn names_a_file_of_ours(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    let file = match extension {
        Some("md" | "tsv") => true,
        Some("json" | "txt" | "rs") => name.contains('/'),
        _ => false,
    };
    file && !name.starts_with('/')
        && !name.contains(' ')
        && !name.contains("NAME")
        && !name.contains('*')
}
