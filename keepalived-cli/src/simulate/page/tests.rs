//! The page as browsers read it.

mod browser;
mod markup;
mod samples;

use std::collections::BTreeSet;

use super::*;
use crate::simulate::document::sample;
use markup::{attributes, well_formed};
use samples::{crowded, hostile};

fn count(page: &str, part: &str) -> usize {
    page.matches(part).count()
}

/// Nothing that could make a browser ask somebody for something.
#[test]
fn the_page_asks_for_nothing_from_elsewhere() {
    for document in [sample::document(), crowded()] {
        let page = page(&document);
        for word in [
            "http://", "https://", "src=", "@import", "<link", "<base", "<iframe", "<form", "<img",
            "srcset", "//cdn", "data:",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        // What is drawn with is in the page itself.
        assert_eq!(count(&page, "url("), count(&page, "url(#"));
        assert!(attributes(&page, "href").all(|target| target.starts_with('#')));
        assert!(page.contains("default-src 'none'"));
        for word in [
            "fetch",
            "XMLHttpRequest",
            "WebSocket",
            "import",
            "eval",
            "Image",
            "location",
        ] {
            assert!(!script::TEXT.contains(word), "{word}");
        }
    }
}

#[test]
fn the_page_is_well_formed() {
    for document in [sample::document(), crowded(), hostile()] {
        let page = page(&document);
        well_formed(&page).unwrap();
    }
    // The judge can say no.
    for bad in [
        "<p>",
        "<p></b>",
        "<p a=b></p>",
        "<p>a & b</p>",
        "<p a=\"<\"></p>",
        "a < b",
        "<br>",
    ] {
        assert!(well_formed(bad).is_err(), "{bad}");
    }
}

/// What files, command lines and machines are called is text and nothing else.
#[test]
fn hostile_names_stay_text() {
    let page = page(&hostile());
    assert_eq!(count(&page, "<script"), 1);
    assert_eq!(count(&page, "</script"), 1);
    assert_eq!(count(&page, "onerror"), count(&page, "&lt;img onerror"));
    assert!(page.contains("&lt;img onerror=&quot;alert(1)&quot;&gt;"));
    for raw in ["<img", "<b>", "\u{202e}", "\u{0}", "\u{1b}"] {
        assert!(!page.contains(raw), "{raw:?}");
    }
    assert_eq!(
        escape("<a b=\"c\" d='e'>&\u{7}\u{202e}\n</a>"),
        "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{fffd}\u{fffd} &lt;/a&gt;"
    );
}

#[test]
fn every_span_and_every_happening_is_drawn_and_told() {
    for document in [sample::document(), crowded()] {
        let page = page(&document);
        let bars = document.spans.len() + document.outages.len() + document.conflicts.len();
        assert_eq!(count(&page, "class=\"shape bar "), bars);
        assert_eq!(
            count(&page, "class=\"shape mark incident\""),
            document.incidents.len()
        );
        assert_eq!(
            count(&page, "class=\"shape mark event\""),
            document.events.len()
        );
        for span in &document.spans {
            let label = escape(&chart::describe(&document, span));
            assert_eq!(
                count(&page, &format!("aria-label=\"{label}\"")),
                1,
                "{label}"
            );
            assert_eq!(
                count(&page, &format!("<title>{label}</title>")),
                1,
                "{label}"
            );
        }
        let states = page.split("id=\"states\"").nth(1).unwrap();
        let rows = states.split("</details>").next().unwrap();
        assert_eq!(count(rows, "<tr>"), document.spans.len() + 1);
        for event in &document.events {
            let cell = format!("<td>{}</td>", escape(&event.text));
            assert!(page.contains(&cell), "{cell}");
        }
        for incident in &document.incidents {
            let cell = format!("<td>{}</td>", escape(&incident.text));
            assert!(page.contains(&cell), "{cell}");
        }
        let rows = |id: &str| {
            let section = page
                .split(&format!("<h2 id=\"{id}\" tabindex=\"-1\">"))
                .nth(1)
                .unwrap();
            count(section.split("</section>").next().unwrap(), "<tr>") - 1
        };
        assert_eq!(rows("takeovers"), document.takeovers.len());
        let away = document.outages.len() + document.never_reached.len();
        assert_eq!(rows("outages"), away);
        if !document.handovers.is_empty() {
            assert_eq!(rows("handovers"), document.handovers.len());
        }
        // Each advert is a stroke of some path, and so is each fault in each row that it strikes.
        let struck: usize = document
            .incidents
            .iter()
            .map(|incident| {
                let members = document.instances.iter().flat_map(|one| &one.members);
                members
                    .filter(|member| {
                        incident.nodes.is_empty() || incident.nodes.contains(&member.node)
                    })
                    .count()
            })
            .sum();
        assert_eq!(count(&page, " 0V1"), document.adverts.len() + struck);
    }
}

#[test]
fn every_link_leads_to_one_place() {
    let page = page(&crowded());
    let ids: Vec<String> = attributes(&page, "id").collect();
    let known: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(known.len(), ids.len());
    let targets: Vec<String> = attributes(&page, "href").collect();
    assert!(targets.len() > 50, "{}", targets.len());
    for target in targets {
        let id = target.trim_start_matches('#').to_owned();
        assert!(known.contains(&id), "{target}");
    }
}

/// The keyboard reaches every bar, and readers are told what it is.
#[test]
fn everything_drawn_has_a_name_and_can_be_reached() {
    let page = page(&crowded());
    for shape in page.split("<svg class=\"shape bar").skip(1) {
        let tag = shape.split('>').next().unwrap();
        assert!(
            tag.contains("tabindex=\"0\"")
                && tag.contains("role=\"img\"")
                && tag.contains("aria-label=\""),
            "{tag}"
        );
    }
    // Either it says what it is, or it is decoration.
    for tag in page.split("<svg class=\"lane\"").skip(1) {
        let tag = tag.split('>').next().unwrap();
        assert!(
            tag.contains("aria-label") || tag.contains("aria-hidden"),
            "{tag}"
        );
    }
}

/// Who does not see the drawing gets to what it says: links lead somewhere, and what changes is read out.
#[test]
fn links_lead_somewhere_and_what_changes_is_live() {
    let page = page(&sample::document());
    let ids: Vec<String> = markup::attributes(&page, "id").collect();
    let mut links = markup::attributes(&page, "href").filter(|link| link.starts_with('#'));
    assert!(links.all(|link| ids.iter().any(|id| link == format!("#{id}"))));
    assert!(page.contains("<a class=\"skip\" href=\"#main\">"));
    assert!(page.contains("<main id=\"main\" tabindex=\"-1\">"));
    assert_eq!(count(&page, "aria-live=\"polite\""), 2);
}

/// All runs: a column for each part, the worst run marked once in each drawing, and the same as a table.
#[test]
fn the_times_of_all_runs_are_drawn_and_told() {
    let document = sample::document();
    let page = page(&document);
    let seeds = document.seeds.unwrap();
    let all = [seeds.takeover.unwrap(), seeds.outage.unwrap()];
    assert_eq!(count(&page, "▼ worst run"), 2);
    for (id, spread) in ["takeovers", "outages"].iter().zip(all) {
        let figure = page
            .split(&format!("<figure id=\"spread-{id}\">"))
            .nth(1)
            .unwrap();
        let figure = figure.split("</figure>").next().unwrap();
        assert_eq!(count(figure, "<rect class=\"value"), spread.bins.len());
        assert_eq!(count(figure, "<tr>"), spread.bins.len() + 1);
        assert_eq!(count(figure, "<td>here</td>"), 1);
        for bin in spread.bins {
            assert!(figure.contains(&format!("<td class=\"number\">{bin}</td>")));
        }
    }
}

/// Without any happening there is still a page.
#[test]
fn an_empty_simulation_has_a_page() {
    let mut document = sample::document();
    document.meta.length = std::time::Duration::ZERO;
    document.incidents.clear();
    document.events.clear();
    document.takeovers.clear();
    document.outages.clear();
    document.never_reached.clear();
    document.conflicts.clear();
    document.violations.clear();
    document.adverts.clear();
    document.spans.clear();
    document.seeds = None;
    let page = page(&document);
    well_formed(&page).unwrap();
    for text in [
        "No rule was broken",
        "Nothing happened",
        "Nobody became MASTER",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf%"));
}

#[test]
fn marks_that_would_hide_each_other_are_in_different_rows() {
    let places: Vec<f64> = (0..40_u32).map(|at| f64::from(at * at) / 16.0).collect();
    let (rows, chosen) = lanes::levels(&places, 2.0, 8);
    assert!(rows > 1);
    for (index, one) in places.iter().enumerate() {
        for (other, there) in places.iter().enumerate().skip(index + 1) {
            // Past eight rows they may.
            if chosen[index] == chosen[other] && rows < 8 {
                assert!(there - one >= 2.0, "{one} {there}");
            }
        }
    }
    assert_eq!(lanes::levels(&[1.0; 30], 2.0, 8).0, 8);
    assert_eq!(lanes::levels(&[], 2.0, 8).0, 1);
}

#[test]
fn the_axis_has_round_numbers_and_ten_of_them_at_most() {
    use std::time::Duration;
    for (millis, step) in [
        (20_000, 2_000),
        (60_000, 10_000),
        (95_000, 10_000),
        (3_000, 500),
        (1, 0),
        (7_200_000, 1_800_000),
        (86_400_000, 10_800_000),
    ] {
        let whole = Duration::from_millis(millis);
        let found = lanes::step(whole);
        if step > 0 {
            assert_eq!(found, Duration::from_millis(step), "{millis}");
        }
        assert!(
            whole.as_secs_f64() / found.as_secs_f64() <= 10.001,
            "{millis}"
        );
    }
}

#[test]
fn times_are_told_in_units_that_people_read() {
    use std::time::Duration;
    for (micros, text) in [
        (0, "0 s"),
        (200, "200 µs"),
        (19_200, "19.2 ms"),
        (100_000, "0.1 s"),
        (3_609_000, "3.609 s"),
        (600_000_000, "10 min 0 s"),
        (3_725_500_000, "1 h 2 min 5.5 s"),
    ] {
        assert_eq!(time(Duration::from_micros(micros)), text);
    }
}
