//! Where sources and tests cite requirement ids.
//!
//! An id counts for the function whose documentation, body or name has it. A comment before an item
//! that is not a function (a variant, a constant) counts for that item. Module documentation does
//! not count: it cites whole tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::files::rust_files;

/// Who cites a requirement.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Citations {
    /// Functions and items of the program, as `crate/file.rs: name`.
    pub sources: BTreeSet<String>,
    /// Tests, as `crate/file.rs: name`.
    pub tests: BTreeSet<String>,
}

/// All citations of `ids` in the Rust files of these folders below `root`.
pub(crate) fn scan(root: &Path, folders: &[&str], ids: &[String]) -> BTreeMap<String, Citations> {
    let mut found = BTreeMap::new();
    for folder in folders {
        for file in rust_files(&root.join(folder)) {
            let Ok(text) = fs::read_to_string(&file) else {
                continue;
            };
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy();
            scan_file(&name, &text, ids, &mut found);
        }
    }
    found
}

/// A function whose body we are in.
struct Function {
    name: String,
    indent: usize,
    is_test: bool,
}

fn scan_file(name: &str, text: &str, ids: &[String], found: &mut BTreeMap<String, Citations>) {
    let in_tests_folder = name.contains("/tests/") || name.ends_with("tests.rs");
    let mut pending: Vec<&String> = Vec::new();
    let mut test_attribute = false;
    let mut inside: Option<Function> = None;
    let mut cite = |id: &String, item: &str, is_test: bool| {
        let citations: &mut Citations = found.entry(id.clone()).or_default();
        let set = if is_test {
            &mut citations.tests
        } else {
            &mut citations.sources
        };
        set.insert(format!("{name}: {item}"));
    };
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if inside
            .as_ref()
            .is_some_and(|f| indent <= f.indent && code.starts_with('}'))
        {
            inside = None;
        }
        if code.starts_with("//!") || code.is_empty() {
            continue;
        }
        let mut cited: Vec<_> = cited_in(code, ids);
        if code.starts_with("//") {
            pending.append(&mut cited);
            continue;
        }
        if code.starts_with("#[") {
            test_attribute |= code.starts_with("#[test]") || code.starts_with("#[ignore");
            continue;
        }
        if let Some(function) = function_name(code) {
            // A test says so; helpers in a test file are neither program nor proof.
            let is_test = test_attribute;
            test_attribute = false;
            cited.extend(ids.iter().filter(|id| named_after(&function, id)));
            for id in pending.drain(..).chain(cited) {
                if is_test || !in_tests_folder {
                    cite(id, &function, is_test);
                }
            }
            let ends_here = code.ends_with(';') || code.ends_with('}');
            let nested = inside.as_ref().is_some_and(|outer| outer.indent < indent);
            if !ends_here && !nested {
                inside = Some(Function {
                    name: function,
                    indent,
                    is_test,
                });
            }
            continue;
        }
        let entry = code.strip_suffix(';').filter(|name| is_name(name));
        if let (Some(test), true, None) = (entry, in_tests_folder, &inside) {
            // A name alone is an entry of a macro that makes a test of it.
            pending.drain(..).for_each(|id| cite(id, test, true));
            continue;
        }
        for id in pending.drain(..).chain(cited) {
            match &inside {
                Some(f) if f.is_test || !in_tests_folder => cite(id, &f.name, f.is_test),
                None if !in_tests_folder => cite(id, item_name(code), false),
                _ => {}
            }
        }
    }
}

/// The ids in a line. `KA-ST-01..03` and `RX-01/02` count for each of them.
fn cited_in<'a>(line: &str, ids: &'a [String]) -> Vec<&'a String> {
    let mut cited = Vec::new();
    // Most lines have nothing that ends as an id does: there are hundreds of ids to look for.
    let ends = |pair: &[u8]| matches!(pair, [b'-', digit] if digit.is_ascii_digit());
    if !line.as_bytes().windows(2).any(ends) {
        return cited;
    }
    for id in ids {
        for (at, _) in line.match_indices(id.as_str()) {
            let before = line[..at].chars().next_back();
            let after = &line[at + id.len()..];
            let whole = !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-')
                && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
            if !whole {
                continue;
            }
            cited.push(id);
            cited.extend(following(id, after, ids));
        }
    }
    cited
}

/// The further ids meant by what follows one: `..03`, `..=03`, `/03`, `, -03`.
fn following<'a>(id: &str, mut after: &str, ids: &'a [String]) -> Vec<&'a String> {
    let Some((prefix, number)) = id.rsplit_once('-') else {
        return Vec::new();
    };
    let Ok(mut last) = number.parse::<u32>() else {
        return Vec::new();
    };
    let mut numbers = Vec::new();
    loop {
        let range = ["..=", "..", " to "]
            .iter()
            .find_map(|mark| after.strip_prefix(mark));
        let list = ["/", ", -", " and -"]
            .iter()
            .find_map(|mark| after.strip_prefix(mark));
        let Some(rest) = range.or(list) else { break };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(next) = rest[..digits].parse::<u32>() else {
            break;
        };
        let first = if range.is_some() { last + 1 } else { next };
        numbers.extend((first..=next).map(|number| format!("{prefix}-{number:02}")));
        (last, after) = (next, &rest[digits..]);
    }
    ids.iter().filter(|id| numbers.contains(id)).collect()
}

/// Whether a function is called after an id: `fsm_v3_b_04` for FSM-V3-B-04.
fn named_after(function: &str, id: &str) -> bool {
    let wanted = id.to_ascii_lowercase().replace('-', "_");
    function == wanted
        || function
            .strip_prefix(wanted.as_str())
            .is_some_and(|rest| rest.starts_with('_'))
}

fn function_name(code: &str) -> Option<String> {
    let mut words = code.split_whitespace();
    let qualifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "async",
        "unsafe",
        "extern",
    ];
    let keyword = words.find(|word| !qualifiers.contains(word))?;
    (keyword == "fn").then_some(())?;
    let name = words.next()?.split(['(', '<']).next()?;
    Some(name.to_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn item_name(code: &str) -> &str {
    let keywords = [
        "pub", "const", "static", "struct", "enum", "type", "trait", "mod", "impl",
    ];
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '!');
    let mut words = words.filter(|word| !word.is_empty());
    words
        .find(|word| !keywords.contains(word) && *word != "crate")
        .unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citations(text: &str) -> BTreeMap<String, Citations> {
        let ids = ["KA-M-01", "KA-M-02", "KA-M-03", "KA-M-04"].map(str::to_owned);
        let mut found = BTreeMap::new();
        scan_file("x/src/x.rs", text, &ids, &mut found);
        found
    }

    fn only(items: &[&str]) -> BTreeSet<String> {
        items
            .iter()
            .map(|item| format!("x/src/x.rs: {item}"))
            .collect()
    }

    #[test]
    fn documentation_and_body_count_for_their_function() {
        let found = citations("/// KA-M-01.\nfn a() {\n    // KA-M-02\n    b();\n}\n");
        assert_eq!(found["KA-M-01"].sources, only(&["a"]));
        assert_eq!(found["KA-M-02"].sources, only(&["a"]));
    }

    #[test]
    fn a_test_is_not_a_source() {
        let found = citations("    /// KA-M-01.\n    #[test]\n    fn t() {\n        x();\n    }\n");
        assert_eq!(found["KA-M-01"].tests, only(&["t"]));
        assert!(found["KA-M-01"].sources.is_empty());
    }

    #[test]
    fn ranges_and_lists_count_for_each_member() {
        let found = citations("/// KA-M-01..03.\nfn a() {}\n/// KA-M-01/04\nfn b() {}\n");
        assert_eq!(found["KA-M-02"].sources, only(&["a"]));
        assert_eq!(found["KA-M-03"].sources, only(&["a"]));
        assert_eq!(found["KA-M-04"].sources, only(&["b"]));
    }

    #[test]
    fn a_comment_before_a_variant_counts_for_the_variant() {
        let found = citations("enum E {\n    /// KA-M-01.\n    First { x: u8 },\n}\n");
        assert_eq!(found["KA-M-01"].sources, only(&["First"]));
    }

    #[test]
    fn an_entry_of_a_macro_that_makes_tests_is_a_test() {
        let ids = ["KA-M-01".to_owned()];
        let mut found = BTreeMap::new();
        scan_file(
            "x/tests/x.rs",
            "make! {\n    /// KA-M-01.\n    it_works;\n}\n",
            &ids,
            &mut found,
        );
        assert_eq!(
            found["KA-M-01"].tests,
            BTreeSet::from(["x/tests/x.rs: it_works".to_owned()])
        );
    }

    #[test]
    fn a_test_may_be_named_after_its_requirement() {
        let found = citations("#[test]\nfn ka_m_01_says_so() {\n}\n");
        assert_eq!(found["KA-M-01"].tests, only(&["ka_m_01_says_so"]));
    }
}
