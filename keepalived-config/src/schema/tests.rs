use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The header of the keyword list: how many keywords are registered per block.
const REGISTERED: [(Context, usize); 30] = [
    (Context::Root, 25),
    (Context::GlobalDefs, 140),
    (Context::TrackGroup, 1),
    (Context::SyncGroup, 15),
    (Context::GarpGroup, 4),
    (Context::Instance, 70),
    (Context::Authentication, 2),
    (Context::AuthHmac, 5),
    (Context::Script, 8),
    (Context::TrackProcess, 9),
    (Context::TrackFile, 3),
    (Context::VrrpTrackFile, 3),
    (Context::Bfd, 15),
    (Context::SbfdReflector, 0),
    (Context::Ssl, 4),
    (Context::VirtualServer, 39),
    (Context::RealServer, 26),
    (Context::MiscCheck, 10),
    (Context::SmtpCheck, 15),
    (Context::SmtpCheckHost, 13),
    (Context::TcpCheck, 13),
    (Context::PingCheck, 13),
    (Context::UdpCheck, 17),
    (Context::HttpGet, 20),
    (Context::HttpGetUrl, 10),
    (Context::SslGet, 21),
    (Context::SslGetUrl, 11),
    (Context::DnsCheck, 15),
    (Context::FileCheck, 2),
    (Context::BfdCheck, 2),
];

#[test]
fn every_block_has_as_many_keywords_as_keepalived_registers() {
    for (context, registered) in REGISTERED {
        let theirs = keywords_of(context).filter(|keyword| keyword.since != OURS);
        assert_eq!(theirs.count(), registered, "{context}");
    }
    let theirs = || keywords().filter(|keyword| keyword.since != OURS);
    assert_eq!(theirs().count(), 531);
    let words: BTreeSet<_> = theirs().map(|keyword| keyword.name).collect();
    assert_eq!(words.len(), 363);
}

#[test]
fn the_priorities_add_up_to_the_published_totals() {
    let of = |priority| {
        keywords()
            .filter(|keyword| keyword.since != OURS && keyword.priority == priority)
            .count()
    };
    assert_eq!(
        (of(Priority::P0), of(Priority::P1), of(Priority::P2)),
        (86, 253, 192)
    );
    let of = |priority| {
        inline_words()
            .filter(|word| word.priority == priority)
            .count()
    };
    assert_eq!(
        (of(Priority::P0), of(Priority::P1), of(Priority::P2)),
        (11, 41, 118)
    );
}

/// `lookup` searches by halves, so the tables must be sorted.
#[test]
fn every_keyword_is_found_under_its_own_name() {
    for keyword in keywords() {
        assert_eq!(
            lookup(keyword.context, keyword.name),
            Some(keyword),
            "{}",
            keyword.name
        );
        assert_eq!(lookup(keyword.context, "no such keyword"), None);
    }
}

#[test]
fn every_block_but_the_root_is_opened_by_exactly_one_keyword() {
    for context in Context::ALL
        .into_iter()
        .filter(|&context| context != Context::Root)
    {
        let openers: Vec<_> = keywords()
            .filter(|keyword| keyword.shape == Shape::Block(context))
            .collect();
        assert_eq!(openers.len(), 1, "{context}");
        assert_eq!(openers[0].name, context.name());
    }
}

#[test]
fn every_keyword_says_in_one_line_what_it_is_for() {
    for keyword in keywords() {
        assert!(
            keyword.doc.ends_with('.') && keyword.doc.len() > 10,
            "{}",
            keyword.name
        );
        assert!(!keyword.doc.contains('\n'), "{}", keyword.name);
    }
}

#[test]
fn a_misspelled_keyword_gets_its_neighbour_offered() {
    let near = |context, word| {
        suggestions(context, word)
            .spelling
            .map(|keyword| keyword.name)
    };
    assert_eq!(
        near(Context::Instance, "virtual_router_di"),
        Some("virtual_router_id")
    );
    assert_eq!(near(Context::Instance, "prority"), Some("priority"));
    assert_eq!(
        near(Context::Instance, "virtual-ipaddress"),
        Some("virtual_ipaddress")
    );
    assert_eq!(near(Context::Root, "vrrp_instnace"), Some("vrrp_instance"));
    assert_eq!(near(Context::Instance, "completely_different"), None);
    assert_eq!(near(Context::Instance, ""), None);
}

/// Where Keepalived knows it, it is read, and where nothing like it is, it is unknown.
#[test]
fn a_word_is_idle_only_where_keepalived_has_another_one_or_none() {
    assert_eq!(
        idle(Context::TcpCheck, "nb_get_retry"),
        Some("here it is `retry`")
    );
    assert!(lookup(Context::HttpGet, "nb_get_retry").is_some());
    assert_eq!(idle(Context::Instance, "nb_get_retry"), None);
    assert!(idle(Context::VirtualServer, "nat_mask").is_some());
    assert_eq!(idle(Context::RealServer, "nat_mask"), None);
}

#[test]
fn a_keyword_in_the_wrong_block_is_told_where_it_belongs() {
    let found = suggestions(Context::Root, "router_id");
    assert_eq!(found.spelling, None);
    assert_eq!(found.elsewhere, [Context::GlobalDefs]);
    assert_eq!(
        found.help().as_deref(),
        Some("this keyword belongs in a `global_defs` block")
    );
}

#[test]
fn the_parity_page_lists_every_keyword_once_per_block() {
    let page = parity_markdown(&BTreeMap::new());
    assert_eq!(page, parity_markdown(&BTreeMap::new()));
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, keywords().count() + 170);
    assert_eq!(counts().total(), keywords().count());
}
