//! `simulate --html FILE`: the page beside what is printed.

mod program;
mod scenarios;

use std::fs;

use program::simulate_in as run_in;
use scenarios::{command, document, scenarios, text};

/// Whoever forgets the name of the page names a configuration.
#[test]
fn a_page_takes_the_place_of_a_page_and_of_nothing_else() {
    let folder = std::env::temp_dir().join(format!("keepalived-place-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let node = |priority: u8| {
        format!(
            "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 7\n priority {priority}\n \
             virtual_ipaddress {{\n 192.0.2.100/24\n }}\n}}\n"
        )
    };
    for (name, priority) in [("a.conf", 150), ("b.conf", 100)] {
        fs::write(folder.join(name), node(priority)).unwrap();
    }
    let output = run_in(&folder, &["--html", "a.conf", "b.conf"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is no page of `simulate`"), "{said}");
    assert_eq!(
        fs::read_to_string(folder.join("a.conf")).unwrap(),
        node(150)
    );
    for _ in 0..2 {
        let output = run_in(&folder, &["a.conf", "b.conf", "--html", "page.html"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// The page is a file of its own; what is printed does not change, and every span of the document is drawn.
#[test]
fn a_page_is_written_beside_what_is_printed() {
    let folder = std::env::temp_dir().join(format!("keepalived-html-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut drawn = 0;
    for entry in fs::read_dir(scenarios()).expect("there are scenarios") {
        let scenario = entry.unwrap().path();
        let name = scenario.file_name().unwrap().to_str().unwrap();
        let command = command(&scenario);
        let words: Vec<&str> = command.split_whitespace().collect();
        let file = folder.join(format!("{name}.html"));
        let page = ["--html", file.to_str().unwrap()];
        let plain = run_in(&scenario, &words);
        let with = run_in(&scenario, &[&words[..], &page[..]].concat());
        assert_eq!(plain.stdout, with.stdout, "{name}");
        assert_eq!(plain.status.code(), with.status.code(), "{name}");
        let html = fs::read_to_string(&file).expect("a page");
        let document = document(name, &page);
        let count = |list: &str| document[list].as_array().map_or(0, Vec::len);
        let bars = count("spans") + count("outages") + count("conflicts");
        assert_eq!(html.matches("class=\"shape bar ").count(), bars, "{name}");
        let marks = count("incidents") + count("events");
        assert_eq!(html.matches("class=\"shape mark ").count(), marks, "{name}");
        assert!(!html.contains("://") && !html.contains("src="), "{name}");
        drawn += 1;
    }
    assert!(drawn >= 5, "{drawn}");
    let first = fs::read_dir(scenarios())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let command = command(&first);
    let mut words: Vec<&str> = command.split_whitespace().collect();
    words.extend(["--html", "/nonexistent/page.html"]);
    let output = run_in(&first, &words);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nonexistent/page.html"));
    fs::remove_dir_all(&folder).unwrap();
}
