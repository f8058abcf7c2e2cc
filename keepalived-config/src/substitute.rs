//! Definitions.
//!
//! A definition is text. It is put in place where it is used, at the time of use, so that a later
//! change of a name inside it changes the result (LANG-12).

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::lex;
use crate::line::{Line, Made, Origin, Segment};
use crate::tree::Span;

/// A text definition.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// Lines joined by line feeds.
    pub(crate) value: Rc<str>,
    /// The name where it is defined.
    pub(crate) span: Span,
}

impl Definition {
    /// Written over several lines: it expands to lines, which are read one after the other.
    fn is_multiline(&self) -> bool {
        self.value.contains('\n')
    }
}

/// A remark about a use, for the caller to turn into a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// Nothing of this name is defined.
    Undefined { name: String, quoted: bool },
    /// Defined, but `$NAME` is followed by something other than a blank.
    NeedsBraces { name: String },
    /// The definition uses itself.
    Cycle { name: String, defined: Span },
    /// The built-in cannot give a value.
    BuiltIn { message: String },
    /// The line would become too long.
    TooLong,
}

/// What stands behind a built-in name such as `_PWD`; absent if there is no such built-in.
pub(crate) type BuiltIn<'a> = dyn FnMut(&str, &str) -> Option<Result<String, String>> + 'a;

/// The names known at some point of the text.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    names: BTreeMap<String, Definition>,
    /// Variables of the `~SEQ` and `~LST` around the present line, innermost last.
    loops: Vec<(String, String)>,
    /// Where a definition was used, and where it was made, for notes.
    pub(crate) uses: HashMap<Span, Span>,
}

/// No line may grow beyond this, whatever its definitions say.
pub(crate) const LONGEST_EXPANSION: usize = 1 << 20;

/// Definitions may use definitions this deep.
const DEEPEST: usize = 64;

impl Definitions {
    pub(crate) fn define(&mut self, name: &str, definition: Definition) {
        self.names.insert(name.to_owned(), definition);
    }

    pub(crate) fn push_loop(&mut self, name: &str, value: &str) {
        self.loops.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn pop_loop(&mut self) {
        self.loops.pop();
    }

    /// Whether a `~SEQ` or `~LST` is around the present line.
    pub(crate) fn in_loop(&self) -> bool {
        !self.loops.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    fn loop_value(&self, name: &str) -> Option<&str> {
        self.loops
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Puts values in place of names. Nothing was replaced if the answer is absent.
    ///
    /// With `loops_only` only the variables of the surrounding `~SEQ` and `~LST` are replaced: what
    /// comes out may be a definition.
    pub(crate) fn expand(
        &mut self,
        line: &Line,
        loops_only: bool,
        built_in: &mut BuiltIn<'_>,
        remarks: &mut Vec<(Span, Remark)>,
    ) -> Option<Line> {
        if !line.as_str().contains('$') {
            return None;
        }
        let mut job = Job {
            made: Made::default(),
            loops_only,
            quoted: false,
            apostrophe: false,
            replaced: false,
            active: Vec::new(),
            uses: Vec::new(),
            remarks,
        };
        job.run(self, line, None, built_in);
        let Job {
            made,
            replaced,
            uses,
            ..
        } = job;
        for (used, defined) in uses {
            self.uses.entry(used).or_insert(defined);
        }
        replaced.then(|| made.finish(line.span(0, line.end - line.start)))
    }
}

/// One expansion of one line.
struct Job<'r> {
    made: Made,
    loops_only: bool,
    quoted: bool,
    /// Between single quotes, which mean something in commands only.
    apostrophe: bool,
    replaced: bool,
    /// The definitions being replaced right now, outermost first.
    active: Vec<String>,
    uses: Vec<(Span, Span)>,
    remarks: &'r mut Vec<(Span, Remark)>,
}

impl Job<'_> {
    /// Copies `line` with everything replaced. `outer` is the place of the use that led here.
    fn run(
        &mut self,
        known: &Definitions,
        line: &Line,
        outer: Option<Span>,
        built_in: &mut BuiltIn<'_>,
    ) {
        let text = line.as_str();
        let bytes = text.as_bytes();
        let mut kept = 0;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => self.quoted = !self.quoted,
                b'\'' => self.apostrophe = !self.apostrophe,
                b'#' | b'!' if !self.quoted && (at == 0 || bytes[at - 1] != b'\\') => break,
                b'$' => {
                    if let Some(found) = reference(text, at) {
                        let place = outer.unwrap_or_else(|| line.span(at, found.end));
                        // The text before goes out first: it decides what is inside quotes.
                        self.copy(line, kept, at, outer);
                        kept = at;
                        if self.replace(known, &found, place, built_in) {
                            kept = found.end;
                        }
                        at = found.end;
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.copy(line, kept, text.len(), outer);
    }

    fn copy(&mut self, line: &Line, start: usize, end: usize, outer: Option<Span>) {
        match outer {
            None => self.made.copy(line, start, end),
            Some(place) => self.made.insert(&line.as_str()[start..end], place),
        }
    }

    /// Puts the value of one reference in place; false if it stays as written.
    fn replace(
        &mut self,
        known: &Definitions,
        found: &Reference<'_>,
        place: Span,
        built_in: &mut BuiltIn<'_>,
    ) -> bool {
        let name = found.name;
        if self.made.len() > LONGEST_EXPANSION {
            self.remark(place, Remark::TooLong);
            return false;
        }
        if let Some(value) = known.loop_value(name) {
            if !found.complete {
                self.remark(
                    place,
                    Remark::NeedsBraces {
                        name: name.to_owned(),
                    },
                );
                return false;
            }
            self.made.insert(value, place);
            self.replaced = true;
            return true;
        }
        if self.loops_only {
            return false;
        }
        if found.complete
            && let Some(answer) = built_in(name, found.arguments)
        {
            return match answer {
                Ok(value) => {
                    let literal = if self.quoted {
                        value
                    } else {
                        escape_comments(&value)
                    };
                    self.made.insert(&literal, place);
                    self.replaced = true;
                    true
                }
                Err(message) => {
                    self.remark(place, Remark::BuiltIn { message });
                    false
                }
            };
        }
        let Some(definition) = known.names.get(name) else {
            let quoted = self.quoted || self.apostrophe || !found.complete;
            self.remark(
                place,
                Remark::Undefined {
                    name: name.to_owned(),
                    quoted,
                },
            );
            return false;
        };
        if !found.complete {
            self.remark(
                place,
                Remark::NeedsBraces {
                    name: name.to_owned(),
                },
            );
            return false;
        }
        if !found.arguments.is_empty() {
            let message = format!("`{name}` takes no arguments");
            self.remark(place, Remark::BuiltIn { message });
            return false;
        }
        if self.active.iter().any(|active| active == name) || self.active.len() >= DEEPEST {
            let defined = definition.span;
            self.remark(
                place,
                Remark::Cycle {
                    name: name.to_owned(),
                    defined,
                },
            );
            return false;
        }
        if self.active.is_empty() {
            self.uses.push((place, definition.span));
        }
        self.replaced = true;
        if definition.is_multiline() {
            // Its lines are read one by one later, because they may define names themselves.
            self.made.insert(&definition.value, place);
            return true;
        }
        if !definition.value.is_empty() {
            self.active.push(name.to_owned());
            let value = Arc::new(definition.value.to_string());
            let end = value.len();
            let origin = Origin::Made(Rc::from([Segment {
                out: 0,
                span: place,
                exact: false,
            }]));
            let line = Line {
                text: value,
                start: 0,
                end,
                origin,
            };
            self.run(known, &line, Some(place), built_in);
            self.active.pop();
        }
        true
    }

    fn remark(&mut self, place: Span, remark: Remark) {
        self.remarks.push((place, remark));
    }
}

/// So that `#` and `!` out of a built-in do not start a comment.
fn escape_comments(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '#' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// `$NAME` or `${NAME arguments}`.
struct Reference<'t> {
    name: &'t str,
    arguments: &'t str,
    /// Offset behind it.
    end: usize,
    /// In braces, or followed by a blank or the end of the line.
    complete: bool,
}

fn reference(text: &str, dollar: usize) -> Option<Reference<'_>> {
    let bytes = text.as_bytes();
    let braced = bytes.get(dollar + 1) == Some(&b'{');
    let start = dollar + 1 + usize::from(braced);
    let end = name_end(text, start)?;
    let name = &text[start..end];
    if !braced {
        let complete = bytes.get(end).is_none_or(|byte| lex::is_blank(*byte));
        return Some(Reference {
            name,
            arguments: "",
            end,
            complete,
        });
    }
    let close = end + text[end..].find(['}', '{', '"'])?;
    let arguments = &text[end..close];
    let separated = arguments.is_empty() || lex::is_blank(arguments.as_bytes()[0]);
    if bytes[close] != b'}' || !separated {
        return None;
    }
    Some(Reference {
        name,
        arguments: arguments.trim(),
        end: close + 1,
        complete: true,
    })
}

/// The offset behind the name that starts at `start`, if one does.
pub(crate) fn name_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = bytes.get(start)?;
    if !(first.is_ascii_alphabetic() || *first == b'_') {
        return None;
    }
    let length = bytes[start..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
        .count();
    Some(start + length)
}

#[cfg(test)]
mod tests;
