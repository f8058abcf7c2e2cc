//! Words, comments, blocks and what happens when they are wrong.

mod language_support;

use keepalived_config::split_command;
use language_support::{codes, complains, reads_as, show, tree};

/// LANG-03.
#[test]
fn the_brace_may_stand_on_the_same_or_on_the_next_line() {
    let expected = "vrrp_instance A {\n  interface eth0\n}\n";
    reads_as("vrrp_instance A {\n interface eth0\n}\n", expected);
    reads_as("vrrp_instance A\n{\n interface eth0\n}\n", expected);
    reads_as(
        "vrrp_instance A\n\n# why not\n  {\n interface eth0\n}",
        expected,
    );
    reads_as("vrrp_instance A{interface eth0}", expected);
}

/// LANG-03.
#[test]
fn braces_and_words_may_share_a_line() {
    reads_as(
        "vrrp_instance A { track_script { chk } interface eth0 }\nglobal_defs { router_id x }",
        "vrrp_instance A {\n  track_script {\n    chk\n  }\n  interface eth0\n}\nglobal_defs {\n  router_id x\n}\n",
    );
}

/// LANG-03.
#[test]
fn words_without_a_brace_between_them_are_one_statement() {
    reads_as(
        "vrrp_instance A { interface eth0 priority 5 }",
        "vrrp_instance A {\n  interface eth0 priority 5\n}\n",
    );
}

/// LANG-19.
#[test]
fn every_line_of_a_free_form_block_is_an_entry() {
    reads_as(
        "vrrp_instance A {\n virtual_ipaddress {\n  10.0.0.1/24 dev eth0\n  10.0.0.2 }\n}\n",
        "vrrp_instance A {\n  virtual_ipaddress {\n    10.0.0.1/24 dev eth0\n    10.0.0.2\n  }\n}\n",
    );
}

/// LANG-19: names of instances may share a line, as in Keepalived.
#[test]
fn blocks_of_names_take_several_names_on_a_line() {
    reads_as(
        "vrrp_sync_group G { group { A B\n C } }",
        "vrrp_sync_group G {\n  group {\n    A\n    B\n    C\n  }\n}\n",
    );
}

/// LANG-01.
#[test]
fn comments_start_anywhere_outside_quotes() {
    reads_as(
        "# a\n! b\n  # c\nglobal_defs { # d {\n router_id \"a # b ! c\" # e\n} ! f }\n",
        "global_defs {\n  router_id \"a # b ! c\"\n}\n",
    );
}

/// LANG-01.
#[test]
fn a_backslash_makes_a_comment_sign_literal() {
    reads_as(
        "global_defs {\n router_id a\\#b\\!c\n}\n",
        "global_defs {\n  router_id a#b!c\n}\n",
    );
}

/// LANG-01: Keepalived cuts silently, which shortens passwords.
#[test]
fn a_comment_sign_inside_a_word_is_pointed_out() {
    complains(
        "global_defs {\n router_id a#b\n}\n",
        &["2:13 comment-in-word"],
        "global_defs {\n  router_id a\n}\n",
    );
}

/// LANG-02.
#[test]
fn double_quotes_keep_blanks_and_start_a_new_word() {
    reads_as(
        "global_defs {\n router_id x2\"y z\"w \"\" \"a\\b\"\n}\n",
        "global_defs {\n  router_id x2 \"y z\" w \"\" \"a\\b\"\n}\n",
    );
}

/// LANG-02: braces inside quotes are letters.
#[test]
fn quoted_braces_are_not_syntax() {
    reads_as(
        "global_defs { router_id \"{}\" }",
        "global_defs {\n  router_id \"{}\"\n}\n",
    );
}

/// LANG-02.
#[test]
fn a_quote_that_is_not_closed_loses_only_its_line() {
    complains(
        "global_defs {\n router_id \"a b\n vrrp_version 3\n}\n",
        &["2:12 bad-quoting"],
        "global_defs {\n  vrrp_version 3\n}\n",
    );
}

/// The block of a line that cannot be read must not spill into the block around it.
#[test]
fn a_broken_line_that_opens_a_block_loses_its_block() {
    complains(
        "vrrp_instance \"A {\n interface eth0\n}\nglobal_defs {\n router_id x\n}\n",
        &["1:15 bad-quoting"],
        "global_defs {\n  router_id x\n}\n",
    );
}

/// LANG-02: the outer step of the quoting of commands.
#[test]
fn script_lines_have_both_quotes_and_escapes() {
    reads_as(
        "vrrp_script c {\n script '/bin/x \"a b\"'\n}\n",
        "vrrp_script c {\n  script \"/bin/x \"a b\"\"\n}\n",
    );
    reads_as(
        "vrrp_script c {\n script /bin/tr\\x41\"u e\"'5 \\t'\n}\n",
        "vrrp_script c {\n  script \"/bin/trAu e5 \t\"\n}\n",
    );
    reads_as(
        "vrrp_script c {\n script \"/bin/x \\\"{ y\\\" # z\" }\n",
        "vrrp_script c {\n  script \"/bin/x \"{ y\" # z\"\n}\n",
    );
}

/// LANG-02: the inner step.
#[test]
fn a_command_is_split_like_a_shell_would() {
    let words = |text: &str| split_command(text).map(|words| words.join("|"));
    assert_eq!(
        words("/bin/x 'a b' \"c d\" e").as_deref(),
        Ok("/bin/x|a b|c d|e")
    );
    assert_eq!(
        words("a\\ b \\x41\\102\\cA\\n").as_deref(),
        Ok("a b|AB\u{1}\n")
    );
    assert_eq!(words("a'b c'd # ! { }").as_deref(), Ok("ab cd|#|!|{|}"));
    assert_eq!(words("'' x").as_deref(), Ok("|x"));
    assert_eq!(words("\\xc3\\xa9 é").as_deref(), Ok("é|é"));
    assert_eq!(words("  \t\n ").as_deref(), Ok(""));
    for wrong in ["'a", "\"a", "a\\", "\\xg", "\\400", "\\0", "\\xff", "\\c"] {
        assert!(words(wrong).is_err(), "{wrong}");
    }
}

/// LANG-04: the one line is lost, nothing else.
#[test]
fn an_unknown_keyword_loses_its_line() {
    complains(
        "vrrp_instance A {\n bogus 1\n interface eth0\n}\n",
        &["2:2 unknown-keyword"],
        "vrrp_instance A {\n  interface eth0\n}\n",
    );
}

/// LANG-04, better than Keepalived, where the inner brace ends the surrounding block.
#[test]
fn an_unknown_block_is_left_out_as_a_whole() {
    let text = "vrrp_instance A {\n bogus {\n  x { y }\n  priority 1\n }\n interface eth0\n}\n";
    complains(
        text,
        &["2:2 unknown-keyword"],
        "vrrp_instance A {\n  interface eth0\n}\n",
    );
    let read = tree(text);
    let notes = &read.diagnostics.iter().next().expect("one").notes;
    assert!(
        notes
            .iter()
            .any(|note| note.message.contains("whole block"))
    );
    complains(
        "vrrp_instance A {\n bogus\n {\n  priority 1\n }\n interface eth0\n}\n",
        &["2:2 unknown-keyword"],
        "vrrp_instance A {\n  interface eth0\n}\n",
    );
}

/// LANG-04.
#[test]
fn a_misspelt_keyword_gets_a_suggestion() {
    let tree = tree("vrrp_instance A {\n virtual_routerid 5\n}\n");
    let help = tree.diagnostics.iter().next().and_then(|d| d.help.clone());
    assert_eq!(help.as_deref(), Some("did you mean `virtual_router_id`?"));
}

/// LANG-03.
#[test]
fn a_block_that_is_never_closed_is_shown_where_it_opens() {
    complains(
        "vrrp_instance A {\n interface eth0\n virtual_ipaddress {\n  10.0.0.1\n",
        &["3:20 unclosed-block"],
        "vrrp_instance A {\n  interface eth0\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\n",
    );
}

/// LANG-03: one forgotten brace is one message, and what follows is still read.
#[test]
fn a_missing_brace_is_found_at_the_next_top_level_block() {
    complains(
        "vrrp_instance A {\n virtual_ipaddress {\n  10.0.0.1\n }\nvrrp_instance B {\n interface e\n}\n",
        &["5:1 unclosed-block"],
        "vrrp_instance A {\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\nvrrp_instance B {\n  interface e\n}\n",
    );
}

/// LANG-03.
#[test]
fn a_brace_too_many_is_reported_and_ignored() {
    complains(
        "global_defs {\n}\n}\nvrrp_instance A {\n}\n",
        &["3:1 surplus-brace"],
        "global_defs {\n}\nvrrp_instance A {\n}\n",
    );
}

/// LANG-03.
#[test]
fn a_block_where_none_belongs_is_left_out() {
    complains(
        "vrrp_instance A {\n interface eth0 {\n  priority 5\n }\n state MASTER\n}\n{\n x\n}\n",
        &["2:17 unexpected-block", "7:1 unexpected-block"],
        "vrrp_instance A {\n  interface eth0\n  state MASTER\n}\n",
    );
}

/// LANG-03.
#[test]
fn a_keyword_that_needs_a_block_says_so() {
    complains(
        "vrrp_instance A {\n virtual_ipaddress\n interface eth0\n}\nglobal_defs\n",
        &["2:2 missing-block", "5:1 missing-block"],
        "vrrp_instance A {\n  interface eth0\n}\n",
    );
}

/// Section 33: six of 69 public configurations have CRLF line ends.
#[test]
fn crlf_files_read_like_others() {
    reads_as(
        "vrrp_instance A {\r\n interface eth0\r\n}\r\n$X= \\\r\n global_defs { \\\r\n }\r\n$X\r\n",
        "vrrp_instance A {\n  interface eth0\n}\nglobal_defs {\n}\n",
    );
}

/// A file written by an editor of another system.
#[test]
fn a_byte_order_mark_is_no_text() {
    reads_as("\u{feff}global_defs {\n}\n", "global_defs {\n}\n");
}

/// LANG-16.
#[test]
fn a_long_line_is_read_with_a_warning_and_a_huge_one_is_refused() {
    let long = format!("global_defs {{\n router_id {}\n}}\n", "x".repeat(1100));
    let read = tree(&long);
    assert_eq!(codes(&read), ["2:1 long-line"]);
    assert!(show(&read).contains(&"x".repeat(1100)));
    let huge = format!("global_defs {{\n router_id {}\n}}\n", "x".repeat(70_000));
    let read = tree(&huge);
    assert_eq!(codes(&read), ["2:1 line-too-long"]);
    assert_eq!(show(&read), "global_defs {\n}\n");
}

/// Bytes that are not UTF-8 are an error in words and nothing in comments; offsets stay true.
#[test]
fn bytes_that_are_not_text_are_reported_in_words_only() {
    let bytes = b"# caf\xe9\nglobal_defs {\n router_id caf\xe9 x\n}\n".to_vec();
    let mut source = keepalived_config::MemorySource::new().with_file("/etc/k.conf", bytes);
    let tree = language_support::tree_of(&mut source);
    assert_eq!(codes(&tree), ["3:12 invalid-text"]);
    let node = &tree.entries[0].entries()[0];
    assert_eq!(tree.sources.slice(node.words[2].span), "x");
}

/// Spans cover exactly what was written, quotes included.
#[test]
fn spans_point_at_what_was_written() {
    let tree = tree("vrrp_instance A {\n  notify \"/bin/x a\" root\n}\n");
    let node = &tree.entries[0].entries()[0];
    let written: Vec<&str> = node
        .words
        .iter()
        .map(|word| tree.sources.slice(word.span))
        .collect();
    assert_eq!(written, ["notify", "\"/bin/x a\"", "root"]);
    let block = tree.entries[0].block.as_ref().expect("block");
    assert_eq!(tree.sources.slice(block.open), "{");
    assert_eq!(
        block.close.map(|close| tree.sources.slice(close)),
        Some("}")
    );
    let place = tree.sources.location(node.words[1].span);
    assert_eq!(
        (place.path, place.line, place.column),
        ("/etc/k.conf", 2, 10)
    );
}
