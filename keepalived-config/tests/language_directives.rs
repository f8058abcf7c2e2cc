//! Conditions, definitions, built-ins and repetitions.

mod language_support;

use keepalived_config::{MemorySource, Options};
use language_support::{codes, complains, reads_as, show, tree, tree_of, tree_with};

fn id(text: &str, id: &str) -> String {
    let tree = tree_with(text, &Options::default().with_config_id(id));
    assert_eq!(
        codes(&tree),
        Vec::<String>::new(),
        "complaints about:\n{text}"
    );
    show(&tree)
}

/// The router id that a definition ends up in.
fn value_of(text: &str) -> String {
    let tree = tree(text);
    assert_eq!(
        codes(&tree),
        Vec::<String>::new(),
        "complaints about:\n{text}"
    );
    tree.entries[0].entries()[0].words[1].text.to_string()
}

/// LANG-11.
#[test]
fn conditional_lines_depend_on_the_configuration_id() {
    let text = "global_defs {\n @a router_id one\n @b router_id two\n @^a vrrp_version 3\n}\n";
    assert_eq!(id(text, "a"), "global_defs {\n  router_id one\n}\n");
    assert_eq!(
        id(text, "b"),
        "global_defs {\n  router_id two\n  vrrp_version 3\n}\n"
    );
    let without = tree(text);
    assert_eq!(show(&without), "global_defs {\n  vrrp_version 3\n}\n");
}

/// LANG-11: the alternative openings of one block.
#[test]
fn a_condition_before_a_brace_covers_its_line_only() {
    let text = "@a vrrp_instance A {\n@b vrrp_instance B {\n interface eth0\n}\n";
    assert_eq!(id(text, "a"), "vrrp_instance A {\n  interface eth0\n}\n");
    assert_eq!(id(text, "b"), "vrrp_instance B {\n  interface eth0\n}\n");
}

/// LANG-11.
#[test]
fn a_condition_may_stand_behind_a_brace() {
    let text = "global_defs { @a router_id one\n @b }\n @^b }\n";
    assert_eq!(id(text, "a"), "global_defs {\n  router_id one\n}\n");
    assert_eq!(id(text, "b"), "global_defs {\n}\n");
}

/// LANG-11: the usual mistake is shown with its cause.
#[test]
fn a_block_whose_opening_was_left_out_is_explained() {
    let tree = tree("@a global_defs {\n router_id x\n}\n");
    assert_eq!(codes(&tree), ["2:2 unknown-keyword", "3:1 surplus-brace"]);
    let notes = &tree.diagnostics.iter().last().expect("two").notes;
    assert_eq!(notes.len(), 1);
    assert_eq!(
        notes[0].span.map(|span| tree.sources.location(span).line),
        Some(1)
    );
}

/// LANG-11.
#[test]
fn a_definition_that_is_left_out_is_left_out_to_its_end() {
    let text = "@a $X= \\\n global_defs { \\\n }\n@b $X=static_rules {}\n$X\n";
    assert_eq!(id(text, "a"), "global_defs {\n}\n");
    assert_eq!(id(text, "b"), "static_rules {\n}\n");
}

/// LANG-12.
#[test]
fn definitions_are_put_in_place_at_the_time_of_use() {
    let text =
        "$BASE=10.2.${SUB}\n$SUB=0\nstatic_ipaddress {\n ${BASE}.1\n $SUB=10\n ${BASE}.1\n}\n";
    reads_as(text, "static_ipaddress {\n  10.2.0.1\n  10.2.10.1\n}\n");
}

/// LANG-12.
#[test]
fn both_ways_of_using_a_definition_work() {
    assert_eq!(value_of("$A=x\nglobal_defs {\n router_id $A\n}\n"), "x");
    assert_eq!(value_of("$A=x\nglobal_defs {\n router_id y$A\n}\n"), "yx");
    assert_eq!(
        value_of("$A=x\nglobal_defs {\n router_id a${A}${A}b\n}\n"),
        "axxb"
    );
    assert_eq!(
        value_of("$A=x\nglobal_defs {\n router_id \"${A} ${A}\"\n}\n"),
        "x x"
    );
    assert_eq!(value_of("$A=router_id x\nglobal_defs {\n$A\n}\n"), "x");
    assert_eq!(
        value_of("  $A= x  # why\nglobal_defs {\n router_id ${A}y\n}\n"),
        "xy"
    );
    assert_eq!(value_of("$A=\nglobal_defs {\n router_id a${A}b\n}\n"), "ab");
    assert_eq!(
        value_of("$A=\"x y\"\nglobal_defs {\n router_id $A\n}\n"),
        "x y"
    );
}

/// LANG-12.
#[test]
fn an_undefined_name_stays_as_written() {
    complains(
        "global_defs {\n router_id ${NOPE}x\n}\n",
        &["2:12 undefined-name"],
        "global_defs {\n  router_id ${NOPE}x\n}\n",
    );
}

/// LANG-12: the dollar sign of a shell variable is not a mistake.
#[test]
fn an_undefined_name_in_quotes_is_left_alone() {
    let text = "vrrp_script c {\n script \"/bin/sh -c 'test $x = ${y}'\"\n}\n";
    reads_as(
        text,
        "vrrp_script c {\n  script \"/bin/sh -c 'test $x = ${y}'\"\n}\n",
    );
}

/// LANG-12: as in Keepalived, `$NAME` must be followed by a blank.
#[test]
fn a_name_that_touches_what_follows_is_pointed_out() {
    complains(
        "$A=x\nglobal_defs {\n router_id \"$A\"\n}\n",
        &["3:13 needs-braces"],
        "global_defs {\n  router_id \"$A\"\n}\n",
    );
}

/// LANG-12; features 4 calls them multi-line definitions.
#[test]
fn a_definition_of_several_lines_becomes_several_lines() {
    let text = "$I= \\\nvrrp_instance V${N} { \\\n interface eth${N} # first \\\n @a priority 9 \\\n}\n\
                $N=0\n$I\n$N=1\n$I\n";
    assert_eq!(
        id(text, "a"),
        "vrrp_instance V0 {\n  interface eth0\n  priority 9\n}\n\
         vrrp_instance V1 {\n  interface eth1\n  priority 9\n}\n"
    );
}

/// LANG-12: lines of a definition may define what the next lines use.
#[test]
fn definitions_of_several_lines_nest() {
    let text = "$RS= \\\n 10.0.${V}.${R} \\\n 10.1.${V}.${R}\n\
                $VS= \\\nstatic_ipaddress { \\\n $R=1 \\\n $RS \\\n $R=2 \\\n $RS \\\n}\n$V=7\n$VS\n";
    reads_as(
        text,
        "static_ipaddress {\n  10.0.7.1\n  10.1.7.1\n  10.0.7.2\n  10.1.7.2\n}\n",
    );
}

/// LANG-12: a definition may hold a condition.
#[test]
fn a_definition_may_become_a_condition() {
    let text = "$IF=@a\nglobal_defs {\n $IF router_id x\n}\n";
    assert_eq!(id(text, "a"), "global_defs {\n  router_id x\n}\n");
    assert_eq!(id(text, "b"), "global_defs {\n}\n");
}

/// Section C2 of the lessons: definitions were a source of memory errors.
#[test]
fn definitions_that_use_themselves_end() {
    for text in [
        "$R=$R\nglobal_defs { router_id $R\n}\n",
        "$R=a${R}\nglobal_defs { router_id ${R} }\n",
        "$A=${B}\n$B=${A}\nglobal_defs { router_id ${A} }\n",
    ] {
        let tree = tree(text);
        assert!(
            codes(&tree)[0].ends_with("definition-cycle"),
            "{text}: {:?}",
            codes(&tree)
        );
    }
    let several = tree("$R= \\\n a \\\n $R\n$R\n");
    assert!(
        codes(&several)
            .iter()
            .any(|code| code.ends_with("expansion-too-deep"))
    );
}

/// LANG-16: doubling definitions are cut off, not executed.
#[test]
fn definitions_cannot_blow_up() {
    let mut text = "$A0=xxxxxxxxxxxxxxxx\n".to_owned();
    for i in 1..40 {
        text += &format!("$A{i}=${{A{0}}}${{A{0}}}\n", i - 1);
    }
    let single = tree(&(text.clone() + "global_defs { router_id ${A39} }\n"));
    assert!(
        codes(&single)
            .iter()
            .any(|code| code.ends_with("expansion-limit"))
    );

    let mut text = "$B0= \\\n a \\\n b\n".to_owned();
    for i in 1..40 {
        text += &format!("$B{i}= \\\n $B{0} \\\n $B{0}\n", i - 1);
    }
    let options = Options::default().with_expansion_limit(10_000);
    let several = tree_with(&(text + "$B39\n"), &options);
    assert!(
        codes(&several)
            .iter()
            .any(|code| code.ends_with("expansion-limit"))
    );
}

/// LANG-14: so are repetitions.
#[test]
fn repetitions_cannot_blow_up() {
    let options = Options::default().with_expansion_limit(100_000);
    for text in [
        "~SEQ(I,0,9223372036854775807)\n",
        "~SEQ(I,1,100000) ~SEQ(J,1,100000) ~SEQ(K,1,100000) x\n",
    ] {
        let tree = tree_with(text, &options);
        assert!(
            codes(&tree)
                .iter()
                .any(|code| code.ends_with("expansion-limit")),
            "{text}"
        );
    }
}

/// LANG-13.
#[test]
fn built_in_definitions_have_their_values() {
    assert_eq!(
        value_of("global_defs {\n router_id ${_PWD}/x\n}\n"),
        "/etc/x"
    );
    assert_eq!(
        value_of("global_defs {\n router_id a${_HASH}b${_BANG}c\n}\n"),
        "a#b!c"
    );
    assert_eq!(
        value_of("global_defs {\n router_id \"a${_HASH}b\"\n}\n"),
        "a#b"
    );
    let options = Options::default().with_instance("me");
    let named = tree_with("global_defs {\n router_id ${_INSTANCE}\n}\n", &options);
    assert!(show(&named).contains("router_id me"));
    let stated = tree("instance you\nglobal_defs {\n router_id ${_INSTANCE}\n}\n");
    assert!(show(&stated).contains("router_id you"));
}

/// LANG-13.
#[test]
fn the_environment_can_be_used_and_must_be_set() {
    let text = "global_defs {\n router_id ${_ENV NAME}\n smtp_server ${_ENV NOPE}\n}\n";
    let mut source = MemorySource::new()
        .with_file("/etc/k.conf", text)
        .with_env("NAME", "a#b");
    let tree = tree_of(&mut source);
    assert_eq!(codes(&tree), ["3:14 bad-substitution"]);
    assert!(show(&tree).contains("router_id a#b\n"));
}

/// LANG-13: the environment cannot write lines of configuration.
#[test]
fn a_line_feed_in_the_environment_is_refused() {
    let mut source = MemorySource::new()
        .with_file("/etc/k.conf", "global_defs {\n router_id ${_ENV X}\n}\n")
        .with_env("X", "a\nenable_script_security");
    assert_eq!(codes(&tree_of(&mut source)), ["2:12 bad-substitution"]);
}

/// LANG-13.
#[test]
fn random_numbers_are_repeatable() {
    let text =
        "global_defs {\n random_seed 5\n router_id ${_RANDOM}\n smtp_server ${_RANDOM 5 5}\n}\n";
    assert_eq!(show(&tree(text)), show(&tree(text)));
    assert!(show(&tree(text)).contains("smtp_server 5\n"));
    // The line wins over the option.
    let other = tree_with(text, &Options::default().with_random_seed(9));
    assert_eq!(show(&other), show(&tree(text)));
    complains(
        "global_defs {\n router_id ${_RANDOM 7 3}\n}\n",
        &["2:12 bad-substitution"],
        "global_defs {\n  router_id ${_RANDOM 7 3}\n}\n",
    );
}

/// LANG-14.
#[test]
fn a_series_repeats_its_line() {
    reads_as(
        "static_ipaddress {\n ~SEQ(S, 0, 3) 10.0.${S}.1\n ~SEQx(S, 9, 11) fe80::$S\n}\n",
        "static_ipaddress {\n  10.0.0.1\n  10.0.1.1\n  10.0.2.1\n  10.0.3.1\n  fe80::9\n  fe80::a\n  fe80::b\n}\n",
    );
}

/// LANG-14, LANG-15.
#[test]
fn repetitions_nest_and_combine() {
    reads_as(
        "static_ipaddress {\n ~LST({IP, IP1}, {10,1},{20,4}) ~SEQ(IP2,168,2,172) 192.${IP2}.${IP}.${IP1}\n}\n",
        "static_ipaddress {\n  192.168.10.1\n  192.170.10.1\n  192.172.10.1\n  192.168.20.4\n  192.170.20.4\n  192.172.20.4\n}\n",
    );
}

/// LANG-14: a value may be the limit of the next series.
#[test]
fn an_inner_repetition_may_use_the_outer_variable() {
    reads_as(
        "$TOP=2\nstatic_ipaddress { ~SEQ(I,1,${TOP}) ~SEQ(J,1,$I) 10.0.${I}.${J}\n}\n",
        "static_ipaddress {\n  10.0.1.1\n  10.0.2.1\n  10.0.2.2\n}\n",
    );
}

/// LANG-14: the manual makes 65,024 instances this way.
#[test]
fn a_repeated_definition_of_several_lines_makes_blocks() {
    reads_as(
        "$V= \\\nvrrp_instance v${N} { \\\n interface eth${N} \\\n}\n~SEQ(N,1,2) $V\n",
        "vrrp_instance v1 {\n  interface eth1\n}\nvrrp_instance v2 {\n  interface eth2\n}\n",
    );
}

/// LANG-14.
#[test]
fn a_repetition_may_make_definitions() {
    reads_as(
        "~SEQ(K,1,2) $Z${K}=10.0.0.${K}\nstatic_ipaddress {\n ${Z1}\n ${Z2}\n}\n",
        "static_ipaddress {\n  10.0.0.1\n  10.0.0.2\n}\n",
    );
}

/// LANG-14, LANG-15.
#[test]
fn a_wrong_repetition_loses_its_line() {
    complains(
        "static_ipaddress {\n ~SEQ(K,2,1,1) 1.1.1.${K}\n ~SEQX(K,1,2) a\n ~LST(K) b\n ~SEQ(K,1 c\n 10.0.0.1\n}\n",
        &[
            "2:2 bad-repetition",
            "3:2 bad-repetition",
            "4:2 bad-repetition",
            "5:2 bad-repetition",
        ],
        "static_ipaddress {\n  10.0.0.1\n}\n",
    );
}

/// The span of a replaced word is the place of its use; around it spans stay exact.
#[test]
fn spans_of_replaced_words_point_at_the_use() {
    let tree = tree("$A=x y\nglobal_defs {\n  router_id a${A}b last\n}\n");
    let node = &tree.entries[0].entries()[0];
    let written: Vec<&str> = node
        .words
        .iter()
        .map(|word| tree.sources.slice(word.span))
        .collect();
    assert_eq!(written, ["router_id", "a${A}", "${A}b", "last"]);
}

/// A bad value that came out of a definition is shown with the definition.
#[test]
fn a_diagnostic_about_a_replaced_word_shows_the_definition() {
    let text =
        "$P=999\nvrrp_instance A {\n interface eth0\n virtual_router_id 1\n priority $P\n}\n";
    let mut source = MemorySource::new().with_file("k", text);
    let parsed = keepalived_config::parse(&mut source, "k", &Options::default());
    let found = parsed.diagnostics.iter().find(|d| {
        d.span
            .is_some_and(|span| parsed.sources.slice(span) == "$P")
    });
    let notes = &found.expect("a complaint about the priority").notes;
    let defined = notes.iter().find_map(|note| note.span).expect("a place");
    assert_eq!(parsed.sources.location(defined).line, 1);
}

/// LANG-12: single quotes protect shell variables like double quotes do.
#[test]
fn a_shell_variable_in_single_quotes_is_left_alone() {
    reads_as(
        "vrrp_script c {\n script '/bin/echo $x y'\n}\n",
        "vrrp_script c {\n  script \"/bin/echo $x y\"\n}\n",
    );
}

/// LANG-11: one condition per statement, as in Keepalived; a brace begins a new statement.
#[test]
fn a_second_condition_is_no_condition() {
    let options = Options::default().with_config_id("a");
    let twice = tree_with("@a @a static_rules { }\n", &options);
    assert_eq!(codes(&twice), ["1:4 unknown-keyword"]);
    assert_eq!(
        id("@a static_rules { @a } @a static_routes { }\n", "a"),
        "static_rules {\n}\nstatic_routes {\n}\n"
    );
}

/// LANG-12, LANG-03: text behind a brace on the line of a repetition is repeated with it.
#[test]
fn a_repetition_reaches_to_the_end_of_its_line() {
    reads_as(
        "~SEQ(I,1,2) vrrp_instance V${I} { interface eth${I} }\n",
        "vrrp_instance V1 {\n  interface eth1\n}\nvrrp_instance V2 {\n  interface eth2\n}\n",
    );
}
