//! A table, and what its cells and the section around it have in common with others.

use std::fmt::Write;

use super::chart::name;
use super::text::bdi;
use crate::simulate::document::Document;

/// A table in the making.
pub(super) struct Table {
    html: String,
}

impl Table {
    /// Columns whose name begins with `#` hold numbers.
    pub(super) fn new(caption: &str, columns: &[&str]) -> Self {
        let mut html = String::from("<div class=\"scroll\"><table>\n");
        if !caption.is_empty() {
            // A wide table scrolls, and its caption stays where it can be read.
            let _ = writeln!(html, "<caption><span>{caption}</span></caption>");
        }
        html.push_str("<thead><tr>");
        for column in columns {
            let (class, column) = match column.strip_prefix('#') {
                Some(column) => (" class=\"number\"", column),
                None => ("", *column),
            };
            let _ = write!(html, "<th scope=\"col\"{class}>{column}</th>");
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        Self { html }
    }

    /// Cells are HTML; those that begin with `#` hold numbers.
    pub(super) fn row(&mut self, id: Option<&str>, cells: &[String]) {
        let id = id.map(|id| format!(" id=\"{id}\"")).unwrap_or_default();
        let _ = write!(self.html, "<tr{id}>");
        for cell in cells {
            let (class, cell) = match cell.strip_prefix('#') {
                Some(cell) => (" class=\"number\"", cell),
                None => ("", cell.as_str()),
            };
            let _ = write!(self.html, "<td{class}>{cell}</td>");
        }
        self.html.push_str("</tr>\n");
    }

    pub(super) fn end(mut self) -> String {
        self.html.push_str("</tbody></table></div>\n");
        self.html
    }
}

pub(super) fn number(text: impl std::fmt::Display) -> String {
    format!("#{text}")
}

pub(super) fn section(id: &str, title: &str, content: &str) -> String {
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\" tabindex=\"-1\">{title}</h2>\n{content}</section>\n"
    )
}

/// The name of a node.
pub(super) fn node(document: &Document, node: usize) -> String {
    bdi(name(document, node))
}

/// The name of a virtual router.
pub(super) fn router(document: &Document, instance: usize) -> String {
    let instance = document.instances.get(instance);
    bdi(instance.map_or("?", |instance| instance.name.as_str()))
}
