//! What does not fit together between the files of several nodes.

use std::fmt::Write;
use std::path::Path;

use keepalived_config::cluster::{self, Finding, Node, Place};
use keepalived_config::{Parsed, Severity};
use serde_json::{Value, json};

/// The files that were read, one for each node.
pub(super) struct Together<'a> {
    nodes: Vec<(String, &'a Parsed)>,
    findings: Vec<Finding>,
}

impl<'a> Together<'a> {
    pub(super) fn new(files: impl IntoIterator<Item = (&'a Path, &'a Parsed)>) -> Self {
        let nodes: Vec<_> = files
            .into_iter()
            .map(|(path, parsed)| (path.to_string_lossy().into_owned(), parsed))
            .collect();
        let views: Vec<Node<'_>> = nodes
            .iter()
            .map(|(name, parsed)| Node {
                name,
                config: &parsed.config,
            })
            .collect();
        let findings = cluster::check(&views);
        Self { nodes, findings }
    }

    pub(super) fn count(&self, wanted: Severity) -> usize {
        let found = self.findings.iter();
        found.filter(|found| found.severity == wanted).count()
    }

    /// For people: each finding with its places, and a line of figures.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        for found in &self.findings {
            let (severity, code) = (found.severity.name(), found.code);
            let _ = writeln!(text, "{severity}[{code}]: {}", found.message);
            for place in &found.places {
                let (file, line, _) = self.place(place);
                let _ = writeln!(text, " --> {file}:{line} ({})", place.instance);
            }
            let _ = writeln!(text, "  = then: {}", found.consequence);
            let _ = writeln!(text, "  = help: {}\n", found.fix);
        }
        let _ = writeln!(
            text,
            "{} files together: {} errors, {} warnings",
            self.nodes.len(),
            self.count(Severity::Error),
            self.count(Severity::Warning)
        );
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let findings = self.findings.iter().map(|found| {
            let places = found.places.iter().map(|place| {
                let (file, line, column) = self.place(place);
                json!({
                    "file": file,
                    "line": line,
                    "column": column,
                    "instance": place.instance,
                })
            });
            json!({
                "severity": found.severity.name(),
                "code": found.code,
                "message": found.message,
                "consequence": found.consequence,
                "help": found.fix,
                "places": places.collect::<Vec<_>>(),
            })
        });
        json!({
            "cluster": self.nodes.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "findings": findings.collect::<Vec<_>>(),
        })
    }

    /// File, line and column.
    fn place(&self, place: &Place) -> (&str, u32, u32) {
        let Some((_, parsed)) = self.nodes.get(place.node) else {
            return ("", 0, 0);
        };
        let at = parsed.sources.location(place.span);
        (at.path, at.line, at.column)
    }
}
