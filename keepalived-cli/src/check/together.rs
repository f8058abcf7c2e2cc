//! What does not fit together between the files of several nodes.

use std::fmt::Write;

use keepalived_config::cluster::{self, Finding, Node, Place};
use keepalived_config::{Parsed, Severity};
use serde_json::{Value, json};

use crate::load::is_fault;
use crate::nodes::counted;

/// The files that were read, one for each node.
pub(super) struct Together<'a> {
    nodes: Vec<(&'a str, &'a Parsed)>,
    /// Files of which nothing is known, so that they are no node.
    left_out: Vec<&'a str>,
    /// Errors and warnings in the files themselves.
    own: [usize; 2],
    findings: Vec<Finding>,
    /// What is taken for granted.
    assumed: Vec<String>,
}

impl<'a> Together<'a> {
    /// `own`: how many errors and warnings there are in the files themselves; `assumed`: what is taken for granted about
    /// the files.
    pub(super) fn new(
        files: impl IntoIterator<Item = (&'a String, &'a Parsed)>,
        own: [usize; 2],
        mut assumed: Vec<String>,
    ) -> Self {
        let all = files
            .into_iter()
            .map(|(name, parsed)| (name.as_str(), parsed));
        // What is missing in a file because of its mistakes is not missing on the node.
        let is_known = |(_, parsed): &(&str, &Parsed)| {
            let config = &parsed.config;
            let empty =
                config.instances.is_empty() && config.services.is_empty() && config.bfd.is_empty();
            !(empty && parsed.diagnostics.iter().any(is_fault))
        };
        let (nodes, left_out): (Vec<_>, Vec<_>) = all.partition(is_known);
        let left_out = left_out.into_iter().map(|(name, _)| name).collect();
        let views: Vec<Node<'_>> = nodes
            .iter()
            .map(|(name, parsed)| Node {
                name,
                config: &parsed.config,
            })
            .collect();
        let findings = cluster::check(&views);
        assumed.extend(cluster::assumptions(&views));
        Self {
            nodes,
            left_out,
            own,
            findings,
            assumed,
        }
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
                // One file may be that of two nodes.
                let node = match self.node(place) {
                    name if name == file => String::new(),
                    name => format!(" of {name}"),
                };
                let _ = writeln!(text, " --> {file}:{line} ({}{node})", place.instance);
            }
            let _ = writeln!(text, "  = then: {}", found.consequence);
            let _ = writeln!(text, "  = help: {}\n", found.fix);
        }
        for assumed in &self.assumed {
            let _ = writeln!(text, "assumed: {assumed}");
        }
        for name in &self.left_out {
            let _ = writeln!(text, "{name} is not compared: nothing of it can be used");
        }
        let sums = |errors: usize, warnings: usize| {
            let errors = counted(errors, "error");
            format!("{errors}, {}", counted(warnings, "warning"))
        };
        let between = [Severity::Error, Severity::Warning].map(|severity| self.count(severity));
        let files = counted(self.nodes.len(), "file");
        let _ = write!(text, "{files} together: {}", sums(between[0], between[1]));
        let _ = match self.own {
            [0, 0] => writeln!(text),
            [errors, warnings] => {
                writeln!(
                    text,
                    "; in the files themselves: {}",
                    sums(errors, warnings)
                )
            }
        };
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
                    "node": self.node(place),
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
            "left_out": self.left_out,
            "assumed": self.assumed,
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "findings": findings.collect::<Vec<_>>(),
        })
    }

    /// The name of the node.
    fn node(&self, place: &Place) -> &'a str {
        self.nodes.get(place.node).map_or("", |(name, _)| *name)
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
