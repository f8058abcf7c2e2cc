//! The language is total: any bytes give a tree, diagnostics and true spans, in bounded time.

mod language_support;

use keepalived_config::diagnostic::{one_line, render_all};
use keepalived_config::{MemorySource, Node, Options, SourceMap, Span, Tree, parse, read_tree};
use language_support::show;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Files written the way people write them; each uses different parts of the language.
const SEEDS: [&str; 4] = [
    include_str!("language_support/office.conf"),
    include_str!("language_support/generated.conf"),
    include_str!("language_support/scripts.conf"),
    include_str!("language_support/balancer.conf"),
];

/// Pieces that mean something.
const PIECES: [&str; 44] = [
    "{",
    "}",
    "\n",
    "\n",
    " ",
    "\"",
    "'",
    "\\",
    "\\\n",
    "#",
    "!",
    "$",
    "${",
    "=",
    "@a ",
    "@^a ",
    "$A=",
    "$A ",
    "${A}",
    "$B= \\\n",
    "${B}",
    "${_PWD}",
    "${_RANDOM 1 3}",
    "${_ENV E}",
    "${_HASH}",
    "~SEQ(A,1,3) ",
    "~SEQx(B,8,12)",
    "~LST({A,B},{1,2},{3,4}) ",
    "~LST(A",
    ",",
    "(",
    ")",
    "include b.conf\n",
    "includea {b,c}*.conf",
    "vrrp_instance A",
    "global_defs {",
    "virtual_ipaddress",
    "track_script {",
    "script ",
    "include_check ",
    "10.0.0.1",
    "\r\n",
    "é",
    "\u{feff}",
];

fn source(bytes: &[u8]) -> MemorySource {
    MemorySource::new()
        .with_file("k.conf", bytes)
        .with_file("b.conf", "include k.conf\nvirtual_ipaddress {\n$A\n")
        .with_file("c.conf", bytes)
        .with_env("E", "a b")
}

fn options() -> Options {
    Options::default()
        .with_config_id("a")
        .with_expansion_limit(20_000)
}

fn inside(span: Span, sources: &SourceMap) {
    let path_known = (span.file.index() as usize) < sources.len();
    assert!(path_known, "{span:?} is of no file");
    let text = sources.text(span.file);
    assert!(
        text.get(span.start as usize..span.end as usize).is_some(),
        "{span:?} is not in the text"
    );
}

fn check_nodes(nodes: &[Node], sources: &SourceMap) {
    for node in nodes {
        assert!(!node.words.is_empty());
        for word in &node.words {
            inside(word.span, sources);
        }
        if let Some(block) = &node.block {
            inside(block.open, sources);
            if let Some(close) = block.close {
                inside(close, sources);
            }
            check_nodes(&block.entries, sources);
        }
    }
}

/// Reads bytes through language and model and checks what must hold for any bytes.
fn check(bytes: &[u8]) {
    let tree = read_tree(&mut source(bytes), "k.conf", &options());
    check_nodes(&tree.entries, &tree.sources);
    let parsed = parse(&mut source(bytes), "k.conf", &options());
    for diagnostic in &parsed.diagnostics {
        let notes = diagnostic.notes.iter().filter_map(|note| note.span);
        diagnostic
            .span
            .into_iter()
            .chain(notes)
            .for_each(|span| inside(span, &parsed.sources));
        let line = one_line(diagnostic, &parsed.sources);
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
    let shown = render_all(&parsed.diagnostics, &parsed.sources);
    assert!(
        !shown.contains(|c: char| c.is_control() && c != '\n'),
        "{shown:?}"
    );
    let again = parse(&mut source(bytes), "k.conf", &options());
    assert_eq!(shown, render_all(&again.diagnostics, &again.sources));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// LANG-16 and the lessons C2: the parser was the place of memory errors.
    #[test]
    fn random_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    /// The same with bytes that mean something.
    #[test]
    fn random_pieces_of_the_language_are_read(
        pieces in proptest::collection::vec(select(PIECES.as_slice()), 0..60),
    ) {
        check(pieces.concat().as_bytes());
    }

    /// The same with files that are nearly right.
    #[test]
    fn damaged_files_are_read(
        seed in select(SEEDS.as_slice()),
        changes in proptest::collection::vec((any::<Index>(), 0_u8..5, any::<u8>(), select(PIECES.as_slice())), 1..8),
    ) {
        let mut bytes = seed.as_bytes().to_vec();
        for (place, change, byte, piece) in changes {
            let at = place.index(bytes.len().max(1)).min(bytes.len());
            match change {
                0 if at < bytes.len() => bytes[at] = byte,
                1 if at < bytes.len() => { bytes.remove(at); }
                2 => { bytes.splice(at..at, piece.bytes()); }
                3 => bytes.truncate(at),
                _ => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend(tail.into_iter().take(2000));
                }
            }
        }
        check(&bytes);
    }

    /// What is written with quotes around every word is read back word by word.
    #[test]
    fn quoted_words_are_read_back_unchanged(
        words in proptest::collection::vec("[^\"\\x00-\\x1f\\x7f]{0,12}", 1..6),
        crlf in any::<bool>(),
    ) {
        // A dollar sign would be the use of a name.
        let words: Vec<String> = words.iter().map(|word| word.replace('$', "_")).collect();
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let end = if crlf { "\r\n" } else { "\n" };
        let text = format!("vrrp_instance A {{{end}  virtual_ipaddress {{{end}{}{end}}}{end}}}", quoted.join(" "));
        let tree = language_support::tree(&text);
        prop_assert_eq!(tree.diagnostics.iter().len(), 0);
        let entry = &tree.entries[0].entries()[0].entries()[0];
        let read: Vec<&str> = entry.words.iter().map(keepalived_config::Word::as_str).collect();
        prop_assert_eq!(read, words);
    }

    /// Moving text into a definition, a repetition or a file does not change the tree.
    #[test]
    fn the_same_lines_give_the_same_tree_by_every_road(
        names in proptest::collection::vec("[a-z0-9.]{1,8}", 1..10),
    ) {
        let wrap = |inner: &str| format!("static_ipaddress {{\n{inner}\n}}\n");
        let plain = read(&wrap(&names.join("\n")), "");
        let defined = read(&format!("$L= \\\n{}\n{}", names.join(" \\\n"), wrap("$L")), "");
        let listed = read(&wrap(&format!("~LST(V,{}) ${{V}}", names.join(","))), "");
        let included = read(&wrap("include other"), &names.join("\n"));
        prop_assert_eq!(&plain, &defined);
        prop_assert_eq!(&plain, &listed);
        prop_assert_eq!(&plain, &included);
    }
}

fn read(text: &str, other: &str) -> String {
    let mut source = MemorySource::new()
        .with_file("k", text)
        .with_file("other", other);
    let tree: Tree = read_tree(&mut source, "k", &Options::default());
    assert_eq!(
        language_support::codes(&tree),
        Vec::<String>::new(),
        "{text}"
    );
    show(&tree)
}

/// The seeds themselves are good, so that damage is damage.
#[test]
fn the_undamaged_files_have_no_complaints_about_the_language() {
    for seed in SEEDS {
        let mut source = MemorySource::new().with_file("k", seed);
        let tree = read_tree(&mut source, "k", &Options::default().with_config_id("left"));
        assert_eq!(
            language_support::codes(&tree),
            Vec::<String>::new(),
            "{seed}"
        );
        assert!(show(&tree).lines().count() > 20);
    }
}

/// Deep nesting must not use the stack.
#[test]
fn a_million_braces_are_read() {
    for text in [
        "{".repeat(60_000),
        "x {\n".repeat(100_000),
        "vrrp_instance A {\n".repeat(50_000),
    ] {
        let tree = language_support::tree(&text);
        assert!(tree.diagnostics.has_errors());
    }
}

/// Every line wrong: all of it is reported up to a limit, which is said.
#[test]
fn a_file_of_mistakes_is_reported_up_to_a_limit() {
    let text = "bogus_word\n".repeat(12_000);
    let parsed = parse(&mut source(text.as_bytes()), "k.conf", &Options::default());
    assert!(parsed.diagnostics.len() > 10_000);
    assert_eq!(
        parsed.diagnostics.last().map(|d| d.code),
        Some("too-many-problems")
    );
}
