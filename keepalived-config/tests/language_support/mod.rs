//! Helpers shared by the tests of the language.

#![allow(dead_code, reason = "each test file uses some of them")]

use keepalived_config::{MemorySource, Node, Options, Source, Tree, read_tree};

/// Reads `text` as `/etc/k.conf`.
pub(crate) fn tree(text: &str) -> Tree {
    tree_with(text, &Options::default())
}

/// Reads `text` as `/etc/k.conf` with options.
pub(crate) fn tree_with(text: &str, options: &Options) -> Tree {
    let mut source = MemorySource::new().with_file("/etc/k.conf", text);
    read_tree(&mut source, "/etc/k.conf", options)
}

/// Reads `/etc/k.conf` of a source.
pub(crate) fn tree_of(source: &mut dyn Source) -> Tree {
    read_tree(source, "/etc/k.conf", &Options::default())
}

/// The tree as text: one line per node, quoted words in quotes, blocks indented.
pub(crate) fn show(tree: &Tree) -> String {
    let mut out = String::new();
    nodes(&tree.entries, 0, &mut out);
    out
}

fn nodes(entries: &[Node], depth: usize, out: &mut String) {
    for node in entries {
        let words: Vec<String> = node
            .words
            .iter()
            .map(|word| {
                if word.quoted {
                    format!("\"{}\"", word.text)
                } else {
                    word.text.to_string()
                }
            })
            .collect();
        out.push_str(&"  ".repeat(depth));
        out.push_str(&words.join(" "));
        if let Some(block) = &node.block {
            out.push_str(" {\n");
            nodes(&block.entries, depth + 1, out);
            out.push_str(&"  ".repeat(depth));
            out.push('}');
        }
        out.push('\n');
    }
}

/// The complaints as `line:column code`, in the order of reporting.
pub(crate) fn codes(tree: &Tree) -> Vec<String> {
    tree.diagnostics
        .iter()
        .map(|diagnostic| match diagnostic.span {
            Some(span) => {
                let place = tree.sources.location(span);
                format!("{}:{} {}", place.line, place.column, diagnostic.code)
            }
            None => diagnostic.code.to_owned(),
        })
        .collect()
}

/// Asserts the shape of the tree and that nothing is complained about.
#[track_caller]
pub(crate) fn reads_as(text: &str, expected: &str) {
    let tree = tree(text);
    assert_eq!(
        codes(&tree),
        Vec::<String>::new(),
        "complaints about:\n{text}"
    );
    assert_eq!(show(&tree), expected, "tree of:\n{text}");
}

/// Asserts the complaints and the shape of the tree.
#[track_caller]
pub(crate) fn complains(text: &str, expected_codes: &[&str], expected: &str) {
    let tree = tree(text);
    assert_eq!(codes(&tree), expected_codes, "complaints about:\n{text}");
    assert_eq!(show(&tree), expected, "tree of:\n{text}");
}
