//! The document for programs. Names are never given another meaning; times are seconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::document::{
    Advert, Conflict, Document, Event, Incident, Instance, Meta, Outage, SCHEMA, Seeds, Span,
    Spread, Takeover, Totals, Violation,
};

/// Everything, as one object.
pub(crate) fn json(document: &Document) -> Value {
    fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
        items.iter().map(one).collect()
    }
    json!({
        "schema": SCHEMA,
        "meta": meta(&document.meta),
        "nodes": list(&document.nodes, |node| json!({
            "name": node.name,
            "file": node.file.to_string_lossy(),
        })),
        "instances": list(&document.instances, instance),
        "not_simulated": list(&document.not_simulated, |remark| json!({
            "node": remark.node,
            "text": remark.text,
        })),
        "networks_assumed": document.networks_assumed,
        "spans": list(&document.spans, span),
        "adverts": list(&document.adverts, advert),
        "adverts_left_out": document.adverts_left_out,
        "incidents": list(&document.incidents, incident),
        "events": list(&document.events, event),
        "events_left_out": document.events_left_out,
        "takeovers": list(&document.takeovers, takeover),
        "outages": list(&document.outages, outage),
        "never_reached": list(&document.never_reached, |one| json!({
            "instance": one.instance,
            "wire": one.wire,
            "address": one.address,
            "why": one.why,
        })),
        "unanswered": list(&document.unanswered, |one| json!({
            "instance": one.instance,
            "wire": one.wire,
            "address": one.address,
            "node": one.node,
            "from": seconds(one.from),
            "until": one.until.map(seconds),
            "length": seconds(one.length),
        })),
        "conflicts": list(&document.conflicts, conflict),
        "handovers": list(&document.handovers, conflict),
        "violations": list(&document.violations, violation),
        "totals": totals(&document.totals),
        "seeds": document.seeds.as_ref().map(seeds),
    })
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn meta(meta: &Meta) -> Value {
    json!({
        "version": meta.version,
        "seed": meta.seed,
        "length": seconds(meta.length),
        "link": {
            "delay_min": seconds(meta.link.delay_min),
            "delay_max": seconds(meta.link.delay_max),
            "loss_percent": meta.link.loss_percent,
            "duplicate_percent": meta.link.duplicate_percent,
            "reorder": meta.link.reorder,
        },
        "command": meta.command,
    })
}

fn instance(instance: &Instance) -> Value {
    let members = instance.members.iter().map(|member| {
        json!({
            "node": member.node,
            "name": member.name,
            "interface": member.interface,
            "priority": member.priority,
            "version": member.version,
            "group": member.group,
        })
    });
    json!({
        "name": instance.name,
        "family": match instance.family {
            vrrp_proto::Family::Ipv4 => "ipv4",
            vrrp_proto::Family::Ipv6 => "ipv6",
        },
        "vrid": instance.vrid,
        "wire": instance.wire,
        "addresses": instance.addresses,
        "members": members.collect::<Vec<_>>(),
    })
}

fn span(span: &Span) -> Value {
    json!({
        "node": span.node,
        "instance": span.instance,
        "state": span.state.word(),
        "since": seconds(span.since),
        "until": seconds(span.until),
        "reason": span.reason,
    })
}

fn advert(advert: &Advert) -> Value {
    json!({
        "at": seconds(advert.at),
        "node": advert.node,
        "instance": advert.instance,
        "priority": advert.priority,
    })
}

fn incident(incident: &Incident) -> Value {
    json!({
        "at": seconds(incident.at),
        "order": incident.order,
        "nodes": incident.nodes,
        "text": incident.text,
    })
}

fn event(event: &Event) -> Value {
    json!({
        "at": seconds(event.at),
        "order": event.order,
        "node": event.node,
        "instance": event.instance,
        "text": event.text,
    })
}

fn takeover(takeover: &Takeover) -> Value {
    json!({
        "instance": takeover.instance,
        "from": takeover.from,
        "to": takeover.to,
        "at": seconds(takeover.at),
        "why": takeover.why.text(),
        "last_advert": takeover.last_advert.map(seconds),
        "took": seconds(takeover.took),
        "bound": takeover.bound.map(seconds),
        "verdict": takeover.verdict.word(),
    })
}

fn outage(outage: &Outage) -> Value {
    json!({
        "instance": outage.instance,
        "wire": outage.wire,
        "address": outage.address,
        "from": seconds(outage.from),
        "until": outage.until.map(seconds),
        "length": seconds(outage.length),
        "unheard": seconds(outage.unheard),
        "why": outage.why,
    })
}

fn conflict(conflict: &Conflict) -> Value {
    json!({
        "instance": conflict.instance,
        "address": conflict.address,
        "nodes": conflict.nodes,
        "from": seconds(conflict.from),
        "until": conflict.until.map(seconds),
        "length": seconds(conflict.length),
        "why": conflict.why,
    })
}

fn violation(violation: &Violation) -> Value {
    json!({
        "at": seconds(violation.at),
        "rule": violation.rule,
        "text": violation.text,
    })
}

fn totals(totals: &Totals) -> Value {
    json!({
        "adverts_sent": totals.adverts_sent,
        "adverts_lost": totals.adverts_lost,
        "adverts_refused": totals.adverts_refused,
        "transitions": totals.transitions,
        "takeovers": totals.takeovers,
        "late": totals.late,
        "outages": totals.outages,
        "outage_total": seconds(totals.outage_total),
        "outage_longest": seconds(totals.outage_longest),
        "outages_unheard": totals.outages_unheard,
        "outage_unheard_total": seconds(totals.outage_unheard_total),
        "conflict_total": seconds(totals.conflict_total),
        "conflict_any": seconds(totals.conflict_any),
    })
}

fn seeds(seeds: &Seeds) -> Value {
    json!({
        "first": seeds.first,
        "count": seeds.count,
        "takeover": seeds.takeover.as_ref().map(spread),
        "outage": seeds.outage.as_ref().map(spread),
        "late": seeds.late,
        "runs_with_violations": seeds.runs_with_violations,
        "runs_with_conflicts": seeds.runs_with_conflicts,
        "worst": seeds.worst,
        "replay": seeds.replay,
    })
}

fn spread(spread: &Spread) -> Value {
    json!({
        "count": spread.count,
        "min": seconds(spread.min),
        "median": seconds(spread.median),
        "p99": seconds(spread.p99),
        "max": seconds(spread.max),
        "bins": spread.bins,
        "worst": spread.worst.map(seconds),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::document::sample;
    use super::*;

    /// The fields of every object, by the names of those that it is in.
    fn fields(path: &str, value: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| fields(path, item, found)),
            Value::Object(object) => {
                for (name, value) in object {
                    found
                        .entry(path.to_owned())
                        .or_default()
                        .insert(name.clone());
                    let below = match path {
                        "" => name.clone(),
                        _ => format!("{path}.{name}"),
                    };
                    fields(&below, value, found);
                }
            }
            _ => {}
        }
    }

    /// docs/simulate.md, which has a table for each object.
    #[test]
    fn every_field_is_on_the_page_about_it_and_no_other() {
        let mut found = BTreeMap::new();
        fields("", &json(&sample::document()), &mut found);
        assert!(found.len() >= 18, "{:?}", found.keys());
        let page = include_str!("../../../docs/simulate.md");
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for section in page.split("\n#### ").skip(1) {
            let (title, table) = section.split_once('\n').unwrap();
            let names = |text: &str| -> Vec<String> {
                let words = text.split('`').skip(1).step_by(2);
                words.map(str::to_owned).collect()
            };
            let paths = match title {
                "The document" => vec![String::new()],
                title => names(title),
            };
            let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
            let cells = rows.filter_map(|row| row.split(" |").next());
            let all: BTreeSet<String> = cells.flat_map(|cell| names(&format!("`{cell}"))).collect();
            for path in paths {
                told.insert(path, all.clone());
            }
        }
        assert_eq!(found, told);
    }

    /// What programs read: times are seconds, places are numbers, words are those of users.
    #[test]
    fn a_document_says_in_json_what_it_holds() {
        let value = json(&sample::document());
        assert_eq!(value["spans"][2]["state"], "MASTER");
        assert_eq!(value["spans"][2]["since"], 3.219);
        assert_eq!(value["takeovers"][0]["verdict"], "within");
        assert_eq!(value["outages"][0]["length"], 3.609);
        assert_eq!(value["never_reached"][0]["address"], "192.0.2.101");
        assert_eq!(value["conflicts"][0]["until"], Value::Null);
        assert_eq!(value["seeds"]["takeover"]["p99"], 3.6);
        assert_eq!(value["instances"][0]["members"][1]["priority"], 100);
    }
}
