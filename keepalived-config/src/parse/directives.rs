//! Lines that are not configuration but say how to read it: conditions, definitions, repetitions.

use super::builtin::Surroundings;
use super::{File, Reader};
use crate::include::Checks;
use crate::lex;
use crate::line::Line;
use crate::schema;
use crate::sequence;
use crate::substitute::{self, Definition, Remark};
use crate::tree::Span;

/// A round of a repetition costs at least this much of the budget, so that rounds that produce
/// nothing are bounded too.
const ROUND_COST: usize = 64;

impl Reader<'_> {
    /// `@id rest` and `@^id rest` (LANG-11): the rest, if the condition holds.
    pub(super) fn condition(&mut self, line: &Line, physical: bool) -> Option<Line> {
        let text = line.as_str();
        let negated = text.as_bytes().get(1) == Some(&b'^');
        let start = 1 + usize::from(negated);
        let end = text[start..]
            .find(|c: char| u8::try_from(c).is_ok_and(lex::is_blank) || matches!(c, '#' | '!'));
        let end = end.map_or(text.len(), |length| start + length);
        let id = &text[start..end];
        let same = self.options.config_id.as_deref() == Some(id);
        let rest = line.part(end, text.len());
        if same != negated {
            return Some(rest);
        }
        let kept = &text[..lex::without_comment(text)];
        if kept.bytes().filter(|b| *b == b'{').count() > kept.bytes().filter(|b| *b == b'}').count()
        {
            self.skipped_open.push(line.span(0, end));
        }
        // A definition that is left out is left out to its last line.
        let after = rest.as_str().trim_start();
        if physical && after.starts_with('$') && assigned(after).is_some() && continued(text) {
            while self
                .files
                .last_mut()
                .and_then(File::next_line)
                .is_some_and(|l| continued(l.as_str()))
            {}
        }
        None
    }

    /// `$NAME=value` (LANG-12); false if the line is something else.
    pub(super) fn definition(&mut self, line: &Line, physical: bool) -> bool {
        let replaced = if self.definitions.in_loop() {
            self.expand(line, true)
        } else {
            None
        };
        let line = replaced.as_ref().unwrap_or(line);
        let text = line.as_str();
        let Some(name_end) = assigned(text) else {
            return false;
        };
        let name = &text[1..name_end];
        let mut lines: Vec<String> = Vec::new();
        let mut more = continued(text);
        let first = content(&text[name_end + 1..]);
        if !first.is_empty() || !more {
            lines.push(first.to_owned());
        }
        let mut size = text.len();
        while more && physical {
            let Some(next) = self.files.last_mut().and_then(File::next_line) else {
                break;
            };
            more = continued(next.as_str());
            size += next.end - next.start;
            lines.push(content(next.as_str()).to_owned());
        }
        let span = line.span(0, name_end);
        if name.starts_with('_') {
            let message = format!("`{name}` starts with an underscore: such names are reserved");
            self.diagnostics.warning("reserved-name", span, message);
        }
        if !self.spend(size, span) {
            return true;
        }
        let value = lines.join("\n");
        self.definitions.define(
            name,
            Definition {
                value: value.into(),
                span,
            },
        );
        true
    }

    /// `~SEQ(…) rest` and its relatives (LANG-14, LANG-15): reads the rest once per value.
    pub(super) fn repeat(&mut self, line: &Line) {
        let text = line.as_str();
        let found = sequence::find(text).and_then(|(kind, start, end, rest)| {
            let inside = line.part(start, end);
            let inside = self.expand(&inside, false).unwrap_or(inside);
            Ok((sequence::read(kind, inside.as_str())?, start, rest))
        });
        let (repeat, rest) = match found {
            Ok((repeat, _, rest)) => (repeat, line.part(rest, text.len())),
            Err(message) => {
                let end = text
                    .find(')')
                    .map_or_else(|| lex::without_comment(text), |at| at + 1);
                let span = line.span(0, end);
                self.diagnostics
                    .error("bad-repetition", span, message)
                    .note(None, "the line is left out");
                return;
            }
        };
        if !self.deeper(line) {
            return;
        }
        let place = line.span(0, 1);
        for index in 0..repeat.len() {
            if !self.spend(ROUND_COST, place) {
                break;
            }
            let values = repeat.round(index);
            for (name, value) in &values {
                self.definitions.push_loop(name, value);
            }
            self.line(&mut rest.clone(), false, false);
            for _ in &values {
                self.definitions.pop_loop();
            }
        }
        self.depth -= 1;
    }

    /// `include PATTERN` and its relatives (LANG-08, LANG-09): what follows it on the line; absent
    /// if the line is something else.
    pub(super) fn include(&mut self, line: &Line, expanded: bool) -> Option<Line> {
        let text = line.as_str();
        let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let checks = Checks::of_word(&text[..length])?;
        if !text
            .as_bytes()
            .get(length)
            .is_none_or(|byte| lex::is_blank(*byte))
        {
            return None;
        }
        // The word is recognised first; then names in the path are replaced.
        let replaced = if expanded {
            None
        } else {
            self.expand(line, false)
        };
        let line = replaced.as_ref().unwrap_or(line);
        let text = line.as_str();
        let Some((start, end, rest)) = crate::include::pattern(text, length) else {
            let span = line.span(0, length);
            self.diagnostics
                .error("bad-include", span, "an include needs the name of a file");
            return Some(line.part(text.len(), text.len()));
        };
        let pattern = line.part(start, end);
        let span = line.span(start, end);
        let after = line.part(rest, text.len());
        let left = after.as_str().trim_start();
        let brace = left.starts_with('}');
        self.include_pattern(pattern.as_str(), span, self.checks.and(checks));
        if brace || left.is_empty() || left.starts_with(['#', '!']) {
            return Some(after);
        }
        let from = rest + (after.as_str().len() - left.len());
        let extra = line.span(from, from + lex::without_comment(left));
        self.diagnostics
            .error(
                "bad-include",
                extra,
                "an include takes one name; this is left out",
            )
            .help("write one include per line, or a brace list without blanks: `{a,b}.conf`");
        Some(line.part(text.len(), text.len()))
    }

    /// Puts definitions in place and reports what could not be.
    pub(super) fn expand(&mut self, line: &Line, loops_only: bool) -> Option<Line> {
        if !line.as_str().contains('$') {
            return None;
        }
        let mut remarks = Vec::new();
        let path = self
            .files
            .last()
            .map_or("", |file| self.sources.path(file.id));
        let mut surroundings = Surroundings {
            source: &*self.source,
            path,
            instance: self.instance.as_deref(),
            random: &mut self.random,
        };
        let mut built_in = |name: &str, arguments: &str| surroundings.value(name, arguments);
        let made = self
            .definitions
            .expand(line, loops_only, &mut built_in, &mut remarks);
        for (span, remark) in remarks {
            self.remark(span, remark);
        }
        let made = made?;
        let whole = line.span(0, line.end - line.start);
        if made.as_str().len() > substitute::LONGEST_EXPANSION {
            self.remark(whole, Remark::TooLong);
            return Some(made.part(0, 0));
        }
        if !self.spend(made.as_str().len(), whole) {
            return Some(made.part(0, 0));
        }
        Some(made)
    }

    /// Takes from the budget; false, and said once, if there is not enough left.
    pub(super) fn spend(&mut self, bytes: usize, span: Span) -> bool {
        if let Some(left) = self.budget.checked_sub(bytes) {
            self.budget = left;
            return true;
        }
        self.budget = 0;
        if !self.exhausted {
            self.exhausted = true;
            let message = format!(
                "definitions and repetitions produce more than {} bytes; the rest is left out",
                self.options.expansion_limit
            );
            self.diagnostics.error("expansion-limit", span, message);
        }
        false
    }

    /// The definition whose name is spelled most like `name`.
    fn near_definition(&self, name: &str) -> Option<String> {
        // Comparing costs time, and nobody reads that many complaints.
        if self.reported.len() > 1000 {
            return None;
        }
        schema::nearest(name, self.definitions.names().take(1000)).map(str::to_owned)
    }

    fn remark(&mut self, span: Span, remark: Remark) {
        if !self.reported.insert(span) {
            return;
        }
        match remark {
            Remark::Undefined { name, quoted } => {
                let near = self.near_definition(&name);
                // A dollar sign in quotes is most likely meant for a shell.
                if quoted && near.is_none() {
                    return;
                }
                let help = near.map(|near| format!("did you mean `${{{near}}}`?"));
                let message = format!("`{name}` is not defined; it stays as written");
                self.diagnostics
                    .warning("undefined-name", span, message)
                    .help = help;
            }
            Remark::NeedsBraces { name } => {
                let message = format!("`${name}` is not followed by a blank; it stays as written");
                self.diagnostics
                    .warning("needs-braces", span, message)
                    .help(format!("write `${{{name}}}`"));
            }
            Remark::Cycle { name, defined } => {
                let message = format!("the definition of `{name}` uses itself");
                self.diagnostics
                    .error("definition-cycle", span, message)
                    .note(defined, "it is defined here");
            }
            Remark::BuiltIn { message } => {
                self.diagnostics
                    .error("bad-substitution", span, message)
                    .note(None, "it stays as written");
            }
            Remark::TooLong => {
                let limit = substitute::LONGEST_EXPANSION;
                let message =
                    format!("this line becomes longer than {limit} bytes; it is left out");
                self.diagnostics.error("expansion-limit", span, message);
            }
        }
    }
}

/// For `$NAME=…`: the offset of the `=`.
fn assigned(text: &str) -> Option<usize> {
    let end = substitute::name_end(text, 1)?;
    (text.as_bytes().get(end) == Some(&b'=')).then_some(end)
}

/// Whether a definition goes on in the next line.
fn continued(text: &str) -> bool {
    text.trim_end().ends_with('\\')
}

/// What a line of a definition says: without continuation sign, comment, and blanks around it.
fn content(text: &str) -> &str {
    let text = text.trim_end();
    let text = text.strip_suffix('\\').unwrap_or(text);
    text[..lex::without_comment(text)].trim_start()
}
