use super::*;
use crate::tree::FileId;

fn file_line(text: &str) -> Line {
    Line {
        text: Arc::new(text.to_owned()),
        start: 0,
        end: text.len(),
        origin: Origin::File(FileId::ROOT),
    }
}

fn nothing(_: &str, _: &str) -> Option<Result<String, String>> {
    None
}

fn define(known: &mut Definitions, name: &str, value: &str) {
    let span = Span::new(FileId::ROOT, 0, 0);
    known.define(
        name,
        Definition {
            value: value.into(),
            span,
        },
    );
}

/// LANG-12: every byte can be traced back, also through two replacements.
#[test]
fn made_lines_know_where_they_came_from() {
    let mut known = Definitions::default();
    define(&mut known, "A", "long value");
    let line = file_line("x ${A} y $B z");
    let mut remarks = Vec::new();
    let once = known
        .expand(&line, false, &mut nothing, &mut remarks)
        .expect("replaced");
    assert_eq!(once.as_str(), "x long value y $B z");
    assert_eq!(remarks.len(), 1);
    define(&mut known, "B", "b");
    let part = once.part(7, once.as_str().len());
    let twice = known
        .expand(&part, false, &mut nothing, &mut remarks)
        .expect("replaced");
    assert_eq!(twice.as_str(), "value y b z");
    let written = |start: usize, end: usize| {
        let span = twice.span(start, end);
        &"x ${A} y $B z"[span.start as usize..span.end as usize]
    };
    assert_eq!(written(0, 5), "${A}");
    assert_eq!(written(6, 7), "y");
    assert_eq!(written(8, 9), "$B");
    assert_eq!(written(10, 11), "z");
    assert_eq!(written(6, 11), "y $B z");
}

/// LANG-12.
#[test]
fn names_in_comments_are_left_alone() {
    let mut known = Definitions::default();
    let mut remarks = Vec::new();
    assert!(
        known
            .expand(&file_line("a # $B ${C}"), false, &mut nothing, &mut remarks)
            .is_none()
    );
    assert!(remarks.is_empty());
}

/// LANG-14: an inner variable hides an outer one and a definition, as long as it lives.
#[test]
fn variables_of_repetitions_come_first() {
    let mut known = Definitions::default();
    let mut remarks = Vec::new();
    define(&mut known, "I", "definition");
    known.push_loop("I", "1");
    known.push_loop("I", "2");
    let mut read = |known: &mut Definitions| {
        let made = known.expand(&file_line("$I"), false, &mut nothing, &mut remarks);
        made.map(|line| line.as_str().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(read(&mut known), "2");
    known.pop_loop();
    assert_eq!(read(&mut known), "1");
    known.pop_loop();
    assert_eq!(read(&mut known), "definition");
}

#[test]
fn references_are_recognised() {
    let found = |text: &'static str| {
        reference(text, 0).map(|found| (found.name, found.arguments, found.end, found.complete))
    };
    assert_eq!(found("$A"), Some(("A", "", 2, true)));
    assert_eq!(found("$A x"), Some(("A", "", 2, true)));
    assert_eq!(found("$A}"), Some(("A", "", 2, false)));
    assert_eq!(found("${A}x"), Some(("A", "", 4, true)));
    assert_eq!(found("${_RANDOM 1 2}"), Some(("_RANDOM", "1 2", 14, true)));
    for none in [
        "$", "$1", "${", "${}", "${A", "${A\"}", "${A-b}", "$ A", "${ A}",
    ] {
        assert_eq!(found(none), None, "{none}");
    }
}
