//! Entries of `virtual_rules` and `static_rules`.

use super::entry::Entry;
use crate::diagnostic::Diagnostics;
use crate::model::route::Prefix;
use crate::model::rule::{Rule, RuleAction};
use crate::model::spanned::Spanned;
use crate::names::{Names, Table, unsigned};
use crate::schema::nearest;
use crate::tree::{Node, Word};

/// Words with which an option begins, for guessing at misspelled ones.
const OPTIONS: [&str; 37] = [
    "inet",
    "inet6",
    "not",
    "from",
    "to",
    "table",
    "lookup",
    "preference",
    "priority",
    "order",
    "tos",
    "dsfield",
    "fwmark",
    "realms",
    "suppress_prefixlength",
    "sup_pl",
    "suppress_ifgroup",
    "sup_group",
    "dev",
    "iif",
    "oif",
    "tunnel-id",
    "uidrange",
    "l3mdev",
    "protocol",
    "ipproto",
    "sport",
    "dport",
    "type",
    "goto",
    "nop",
    "blackhole",
    "unreachable",
    "prohibit",
    "no_track",
    "track_group",
    "default",
];

/// IP protocols by the names of /etc/protocols that people use in rules.
const IP_PROTOCOLS: [(&str, u8); 13] = [
    ("icmp", 1),
    ("igmp", 2),
    ("ipip", 4),
    ("tcp", 6),
    ("udp", 17),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("vrrp", 112),
    ("sctp", 132),
    ("udplite", 136),
];

/// Preferences for rules that have none of their own: one per family, each lower than the one before
/// (STAT-10).
#[derive(Debug)]
pub(crate) struct Preferences {
    next: [u32; 2],
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            next: [16384, 16384],
        }
    }
}

impl Preferences {
    fn take(&mut self, ipv6: bool) -> u32 {
        let slot = if ipv6 {
            let [_, slot] = &mut self.next;
            slot
        } else {
            let [slot, _] = &mut self.next;
            slot
        };
        let given = *slot;
        *slot = given.saturating_sub(1);
        given
    }
}

/// Reads one entry; `None` after a complaint. `is_static`: of `static_rules`.
pub(super) fn read(
    entry: &Node,
    is_static: bool,
    names: &Names,
    preferences: &mut Preferences,
    diagnostics: &mut Diagnostics,
) -> Option<Rule> {
    let mut draft = Draft::new(entry);
    let mut words = Entry::new(entry, "rule", names, diagnostics);
    while let Some(word) = words.next() {
        draft.option(word, is_static, &mut words)?;
    }
    draft.finish(entry, preferences, &mut words)
}

struct Draft {
    rule: Rule,
    ipv6: Option<bool>,
    preference: Option<u32>,
    action: Option<RuleAction>,
}

impl Draft {
    fn new(entry: &Node) -> Self {
        Self {
            rule: Rule {
                ipv6: false,
                preference: 0,
                invert: false,
                from: None,
                to: None,
                iif: None,
                oif: None,
                tos: 0,
                mark: None,
                users: None,
                ip_protocol: None,
                source_ports: None,
                destination_ports: None,
                tunnel_id: None,
                realms: None,
                suppress_prefix_length: None,
                suppress_group: None,
                action: RuleAction::Nop,
                protocol: None,
                no_track: false,
                track_group: None,
                span: entry.span(),
            },
            ipv6: None,
            preference: None,
            action: None,
        }
    }

    fn option(&mut self, word: &Word, is_static: bool, words: &mut Entry<'_, '_>) -> Option<()> {
        let rule = &mut self.rule;
        match word.as_str() {
            "inet" => self.ipv6 = Some(false),
            "inet6" => self.ipv6 = Some(true),
            "not" => rule.invert = true,
            "from" => rule.from = Some(prefix(word, self.ipv6, words)?),
            "to" => rule.to = Some(prefix(word, self.ipv6, words)?),
            "preference" | "priority" | "order" => self.preference = Some(words.u32(word)?),
            "tos" | "dsfield" => rule.tos = words.named_u8(word, Table::TypesOfService)?,
            "fwmark" => rule.mark = Some(mark(word, words)?),
            "realms" => rule.realms = Some(words.realms(word)?),
            "suppress_prefixlength" | "sup_pl" => {
                let length = words.number(word, 0, 128)?;
                rule.suppress_prefix_length = u32::try_from(length).ok();
            }
            "suppress_ifgroup" | "sup_group" => {
                rule.suppress_group = Some(words.named(word, Table::Groups, u32::MAX - 1)?);
            }
            "dev" | "iif" => rule.iif = Some(words.interface(word)?),
            "oif" => rule.oif = Some(words.interface(word)?),
            "tunnel-id" => rule.tunnel_id = Some(words.number(word, 0, u64::MAX)?),
            "uidrange" => {
                let (first, last) = words.range(word, u64::from(u32::MAX - 1))?;
                rule.users = Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?));
            }
            "sport" | "dport" => {
                let (first, last) = words.range(word, 65535)?;
                let range = Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?));
                if word.as_str() == "sport" {
                    rule.source_ports = range;
                } else {
                    rule.destination_ports = range;
                }
            }
            "ipproto" => rule.ip_protocol = Some(ip_protocol(word, words)?),
            "protocol" => rule.protocol = Some(words.u8(word)?),
            "no_track" => rule.no_track = true,
            "track_group" if is_static => {
                let name = words.value(word)?;
                rule.track_group = Some(Spanned::new(name.as_str().to_owned(), name.span));
            }
            _ => return self.action(word, words),
        }
        Some(())
    }

    fn action(&mut self, word: &Word, words: &mut Entry<'_, '_>) -> Option<()> {
        let action = match word.as_str() {
            "type" => return Some(()),
            "table" | "lookup" => {
                let table = words.named(word, Table::Tables, u32::MAX)?;
                if table == 0 {
                    words.error("bad-value", word.span, "table 0 is none".to_owned());
                    return None;
                }
                RuleAction::Table(table)
            }
            "l3mdev" => RuleAction::L3mdev,
            "goto" => RuleAction::Goto(words.u32(word)?),
            "nop" => RuleAction::Nop,
            "blackhole" => RuleAction::Blackhole,
            "unreachable" => RuleAction::Unreachable,
            "prohibit" => RuleAction::Prohibit,
            "track_group" => {
                let message = "`track_group` is for static rules only".to_owned();
                words.error("unknown-option", word.span, message);
                return None;
            }
            text => {
                let message = format!("a rule has no option `{text}`");
                let complaint = words.error("unknown-option", word.span, message);
                if text == "ip_proto" {
                    complaint.help("write `ipproto`; the rule is left out");
                } else if let Some(near) = nearest(text, OPTIONS) {
                    complaint.help(format!("did you mean `{near}`? the rule is left out"));
                }
                return None;
            }
        };
        if self.action.replace(action).is_some() {
            let message = "a rule does one thing: table, goto, nop, blackhole, unreachable, prohibit \
                           or l3mdev";
            words.error("second-action", word.span, message.to_owned());
            return None;
        }
        Some(())
    }

    fn finish(
        mut self,
        entry: &Node,
        preferences: &mut Preferences,
        words: &mut Entry<'_, '_>,
    ) -> Option<Rule> {
        let span = entry.span();
        let Some(action) = self.action else {
            words
                .error("no-action", span, "the rule does nothing".to_owned())
                .help("add `table TABLE`, or another action; the rule is left out");
            return None;
        };
        let rule = &mut self.rule;
        rule.action = action;
        let given: Vec<bool> = [rule.from, rule.to]
            .iter()
            .flatten()
            // `default` fits both families.
            .filter(|prefix| prefix.length > 0 || prefix.address.is_ipv6())
            .map(|prefix| prefix.address.is_ipv6())
            .collect();
        let ipv6 = self
            .ipv6
            .or_else(|| given.first().copied())
            .unwrap_or(false);
        if given.iter().any(|other| *other != ipv6) {
            let message = "the rule mixes IPv4 and IPv6".to_owned();
            words.error("mixed-families", span, message);
            return None;
        }
        rule.ipv6 = ipv6;
        if rule.realms.is_some() && ipv6 {
            let message = "`realms` are for IPv4 rules only".to_owned();
            words.error("mixed-families", span, message);
            return None;
        }
        if let RuleAction::Goto(target) = action
            && self.preference.is_some_and(|own| own >= target)
        {
            let message = format!("`goto {target}` does not lead to a later rule");
            words.error("bad-value", span, message);
            return None;
        }
        if !rule.no_track && rule.protocol.take().is_some_and(|protocol| protocol != 18) {
            words
                .diagnostics
                .warning(
                    "corrected",
                    span,
                    "a rule with a `protocol` of its own cannot be tracked",
                )
                .help("add `no_track`; until then the protocol is keepalived's, 18");
        }
        rule.preference = self.preference.unwrap_or_else(|| {
            let given = preferences.take(ipv6);
            words
                .diagnostics
                .warning("no-preference", span, "the rule has no `preference`")
                .help(format!(
                    "{given} is used, and less for the next; say where it belongs"
                ));
            given
        });
        Some(self.rule)
    }
}

fn prefix(word: &Word, ipv6: Option<bool>, words: &mut Entry<'_, '_>) -> Option<Prefix> {
    let value = words.value(word)?;
    words.prefix(value, ipv6)
}

/// `MARK[/MASK]`.
fn mark(word: &Word, words: &mut Entry<'_, '_>) -> Option<(u32, u32)> {
    let value = words.value(word)?;
    let text = value.as_str();
    let (mark, mask) = match text.split_once('/') {
        Some((mark, mask)) => (mark, Some(mask)),
        None => (text, None),
    };
    let number = |text| unsigned(text).and_then(|n| u32::try_from(n).ok());
    let pair = match mask {
        None => number(mark).zip(Some(u32::MAX)),
        Some(mask) => number(mark).zip(number(mask)),
    };
    if pair.is_none() {
        let message = format!("`fwmark` takes MARK or MARK/MASK, not `{text}`");
        words.error("bad-value", value.span, message);
    }
    pair
}

fn ip_protocol(word: &Word, words: &mut Entry<'_, '_>) -> Option<u8> {
    let value = words.value(word)?;
    let text = value.as_str().to_ascii_lowercase();
    let named = IP_PROTOCOLS.iter().find(|(name, _)| *name == text);
    let number = named
        .map(|(_, number)| *number)
        .or_else(|| unsigned(&text).and_then(|n| u8::try_from(n).ok()));
    if number.is_none() {
        let message = format!(
            "`ipproto` takes a number from 0 to 255 or a name such as tcp, not `{}`",
            value.as_str()
        );
        words.error("bad-value", value.span, message);
    }
    number
}
