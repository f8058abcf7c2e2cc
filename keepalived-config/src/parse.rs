//! From files to the tree: physical lines, conditions, definitions, repetitions, includes.
//!
//! Each physical line goes through [`Reader::line`]. What stands in front of a line decides what it
//! is: `@` a condition, `$NAME=` a definition, `~` a repetition, `include` another file. Everything
//! else is expanded, cut into words and braces, and handed to the [`Builder`].

use std::collections::HashMap;
use std::ops::Range;

use crate::build::{Builder, Inside};
use crate::diagnostic::Diagnostics;
use crate::include::Checks;
use crate::lex::{self, Quoting, Token, Value};
use crate::line::{Line, Origin};
use crate::options::Options;
use crate::schema::{Context, Keyword};
use crate::source::{INVALID, Source, SourceMap};
use crate::substitute::Definitions;
use crate::tree::{FileId, Node, Span, Text, Word};

mod builtin;
mod directives;
mod files;

use builtin::Random;

/// Keepalived cuts lines behind this many bytes.
const PORTABLE_LINE: usize = 1024;

/// Longer lines are not read at all.
const LONGEST_LINE: usize = 64 * 1024;

/// Definitions and repetitions may lead to lines that use definitions and repetitions this deep.
const DEEPEST: u32 = 64;

/// The memory of so many lines is kept for others.
const MOST_SPARE: usize = 1024;

/// A file being read.
struct File {
    id: FileId,
    /// The whole file as one line, from which the lines are cut.
    whole: Line,
    at: usize,
}

impl File {
    /// The next physical line without its line end.
    fn next_line(&mut self) -> Option<Line> {
        let range = self.advance()?;
        Some(self.whole.part(range.start, range.end))
    }

    /// Where the next physical line is.
    fn advance(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let rest = self.whole.text.as_bytes().get(start..)?;
        if rest.is_empty() {
            return None;
        }
        let end = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = end + 1;
        Some(start..end)
    }
}

/// The state of a run.
pub(crate) struct Reader<'a> {
    source: &'a mut dyn Source,
    options: &'a Options,
    sources: SourceMap,
    diagnostics: Diagnostics,
    builder: Builder,
    definitions: Definitions,
    /// The files being read, the root first.
    files: Vec<File>,
    checks: Checks,
    random: Random,
    instance: Option<String>,
    /// Bytes that expansion may still produce.
    budget: usize,
    /// Bytes that files may still have.
    file_budget: usize,
    /// Set when the budget is used up, so that it is said once.
    exhausted: bool,
    depth: u32,
    /// Some file has bytes that cannot be part of a word.
    suspicious: bool,
    /// Some file has a dollar sign: only then can there be anything to put in place.
    dollars: bool,
    /// Lines left out by their condition although they open a block.
    skipped_open: Vec<Span>,
    /// The words of the present statement; kept for its memory.
    words: Vec<Word>,
    /// Memory for the words of lines to come.
    spare: Vec<Vec<Word>>,
    /// What a word says that is written in another way.
    changed: String,
    /// Uses of undefined names already reported.
    reported: std::collections::HashSet<Span>,
    sink: &'a mut dyn Sink,
}

/// Takes the top-level lines one after the other, each with its block, so that the tree of a large file
/// need not be there as a whole.
pub(crate) trait Sink {
    /// Takes the next one; gives it back if nothing of it is needed any more, so that its memory serves again.
    fn take(&mut self, node: Node, diagnostics: &mut Diagnostics) -> Option<Node>;
}

impl Sink for Vec<Node> {
    fn take(&mut self, node: Node, _diagnostics: &mut Diagnostics) -> Option<Node> {
        self.push(node);
        None
    }
}

/// What is known when all was read.
pub(crate) struct Read {
    pub(crate) diagnostics: Diagnostics,
    pub(crate) sources: SourceMap,
    /// Where definitions are used, and where each was made.
    pub(crate) uses: HashMap<Span, Span>,
}

/// Reads the file `root` and all it includes.
pub(crate) fn read(
    source: &mut dyn Source,
    root: &str,
    options: &Options,
    sink: &mut dyn Sink,
) -> Read {
    let mut reader = Reader {
        source,
        options,
        sources: SourceMap::new(),
        diagnostics: Diagnostics::new(),
        builder: Builder::new(),
        definitions: Definitions::default(),
        files: Vec::new(),
        checks: if options.all_includes {
            Checks::ALL
        } else {
            Checks::default()
        },
        random: Random::new(options.random_seed),
        instance: options.instance.clone(),
        budget: options.expansion_limit,
        file_budget: files::MOST_BYTES,
        exhausted: false,
        depth: 0,
        suspicious: false,
        dollars: false,
        skipped_open: Vec::new(),
        words: Vec::new(),
        spare: Vec::new(),
        changed: String::new(),
        reported: std::collections::HashSet::new(),
        sink,
    };
    reader.root(root);
    let Reader {
        builder,
        mut diagnostics,
        sources,
        definitions,
        sink,
        ..
    } = reader;
    for node in builder.finish(&mut diagnostics) {
        sink.take(node, &mut diagnostics);
    }
    Read {
        diagnostics,
        sources,
        uses: definitions.uses,
    }
}

impl Reader<'_> {
    /// Reads the topmost file to its end.
    fn lines(&mut self) {
        let Some(whole) = self.files.last().map(|file| file.whole.clone()) else {
            return;
        };
        // It moves over the file: each line with a share of the text of its own would count for nothing.
        let mut line = whole.clone();
        while let Some(range) = self.files.last_mut().and_then(File::advance) {
            (line.start, line.end) = (range.start, range.end);
            if range.len() > PORTABLE_LINE && !self.check_length(&line, range.len()) {
                continue;
            }
            self.line(&mut line, false, true);
            if let Origin::Made(_) = line.origin {
                line = whole.clone();
            }
            for node in self.builder.take_whole() {
                if let Some(done) = self.sink.take(node, &mut self.diagnostics) {
                    reuse(done, &mut self.spare);
                }
            }
        }
    }

    /// Complains about a long line; false if it is too long to be read.
    fn check_length(&mut self, line: &Line, length: usize) -> bool {
        let shown = line.span(0, 1);
        if length > LONGEST_LINE {
            let message = format!(
                "this line has {length} bytes and is left out: the limit is {LONGEST_LINE}"
            );
            self.diagnostics.error("line-too-long", shown, message);
            return false;
        }
        let message =
            format!("this line has {length} bytes; Keepalived cuts it at {PORTABLE_LINE}");
        self.diagnostics.warning("long-line", shown, message);
        true
    }

    /// Reads one line, of which nothing that means anything is left. `expanded`: definitions have been put in place.
    /// `physical`: it is the line of the file that was read last, so that a definition can go on in the next one.
    fn line(&mut self, line: &mut Line, expanded: bool, physical: bool) {
        let mut expanded = expanded;
        let mut conditional = false;
        loop {
            line.skip(lex::skip_blanks(line.as_str(), 0));
            let Some(first) = line.as_str().as_bytes().first() else {
                return;
            };
            match first {
                b'#' | b'!' => return,
                b'@' if !conditional => {
                    let Some(rest) = self.condition(line, physical) else {
                        return;
                    };
                    *line = rest;
                    conditional = true;
                    continue;
                }
                b'$' if self.definition(line, physical) => return,
                b'~' => return self.repeat(line),
                b'i' => {
                    if let Some(rest) = self.include(line, expanded) {
                        *line = rest;
                        continue;
                    }
                }
                _ => {}
            }
            if !expanded && self.dollars {
                // The variables of a repetition behind a brace have no value yet.
                if let Some(behind) = repetition_behind_brace(line.as_str()) {
                    self.line(&mut line.part(0, behind), false, false);
                    line.skip(behind);
                    continue;
                }
                expanded = true;
                if let Some(made) = self.expand(line, false) {
                    if made.as_str().contains('\n') {
                        return self.made_lines(&made);
                    }
                    *line = made;
                    continue;
                }
            }
            match self.statement(line) {
                Some(read) => line.skip(read),
                None => return,
            }
            // What follows a brace is read like a line of its own.
            conditional = false;
        }
    }

    /// Reads the lines that an expansion gave, one after the other.
    fn made_lines(&mut self, made: &Line) {
        if !self.deeper(made) {
            return;
        }
        let text = made.as_str();
        let mut at = 0;
        for part in text.split('\n') {
            self.line(&mut made.part(at, at + part.len()), false, false);
            at += part.len() + 1;
        }
        self.depth -= 1;
    }

    /// Goes one level down in definitions and repetitions; false if that is too deep.
    fn deeper(&mut self, line: &Line) -> bool {
        if self.depth >= DEEPEST {
            let span = line.span(0, line.end - line.start);
            if self.reported.insert(span) {
                let message = format!("definitions lead to definitions more than {DEEPEST} deep");
                self.diagnostics
                    .error("expansion-too-deep", span, message)
                    .help("does a definition of several lines use itself?");
            }
            return false;
        }
        self.depth += 1;
        true
    }

    /// Reads words up to a brace or the end. The answer is where the brace ends.
    fn statement(&mut self, line: &Line) -> Option<usize> {
        let text = line.as_str();
        let mut words = std::mem::take(&mut self.words);
        let mut keyword: Option<&'static Keyword> = None;
        let mut quoting = Quoting::Plain;
        let mut at = 0;
        let mut usable = true;
        loop {
            let (token, next) = lex::next(text, at, quoting, &mut self.changed);
            at = next;
            match token {
                Token::Word {
                    start,
                    end,
                    value,
                    quoted,
                } => {
                    let span = line.span(start, end);
                    if words.is_empty() {
                        let said = match value {
                            Value::Slice(from, to) => &text[from..to],
                            Value::Changed => &self.changed,
                        };
                        keyword = self.builder.keyword(said);
                        quoting = quoting_of(keyword);
                        if let Some(keyword) = keyword {
                            let text = Text::known(keyword.name);
                            words.push(Word { text, span, quoted });
                            continue;
                        }
                    }
                    let text = self.text(line, value);
                    if self.suspicious && text.contains([INVALID, '\0']) {
                        let message = "this word has a zero byte or bytes that are not UTF-8";
                        self.diagnostics.error("invalid-text", span, message);
                    }
                    words.push(Word { text, span, quoted });
                    if quoting == Quoting::Script && keyword.is_some_and(Keyword::takes_pattern) {
                        self.lost_backslash(line, start, end);
                    }
                }
                Token::Open(brace) => {
                    self.finish_statement(words, keyword, usable, line);
                    self.builder
                        .open(line.span(brace, brace + 1), &mut self.diagnostics);
                    return Some(at);
                }
                Token::Close(brace) => {
                    self.finish_statement(words, keyword, usable, line);
                    let span = line.span(brace, brace + 1);
                    if !self.builder.close(span, &mut self.diagnostics) {
                        self.surplus_brace(span);
                    }
                    return Some(at);
                }
                Token::End { glued } => {
                    if let Some(sign) = glued
                        && !matches!(self.builder.inside(), Inside::Skipped(_))
                    {
                        let span = line.span(sign, sign + 1);
                        let letter = &text[sign..=sign];
                        let message = format!("`{letter}` cuts this word: the rest is a comment");
                        self.diagnostics
                            .warning("comment-in-word", span, message)
                            .help(format!(
                                "write `\\{letter}` or use quotes if it belongs to the word"
                            ));
                    }
                    self.finish_statement(words, keyword, usable, line);
                    return None;
                }
                Token::Bad {
                    error,
                    at: fault,
                    end,
                } => {
                    let fault_end = text[fault..]
                        .chars()
                        .next()
                        .map_or(end, |c| fault + c.len_utf8());
                    let span = line.span(fault, fault_end);
                    self.diagnostics
                        .error("bad-quoting", span, error.to_string())
                        .note(None, "the line is left out");
                    usable = false;
                    // The line may have opened a block, whose lines must not be taken for others.
                    let kept = &text[..lex::without_comment(text)];
                    let brace = kept
                        .ends_with('{')
                        .then(|| line.span(kept.len() - 1, kept.len()));
                    self.builder.lost_line(brace, &mut self.diagnostics);
                }
            }
        }
    }

    /// Complains about a backslash that was to be one of the pattern.
    fn lost_backslash(&mut self, line: &Line, start: usize, end: usize) {
        let text = line.as_str().get(start..end).unwrap_or_default();
        let Some((at, letter)) = lex::lost_escape(text) else {
            return;
        };
        let span = line.span(start + at, start + at + 2);
        let message = format!("`\\{letter}` is `{letter}` in the pattern: this word has escapes");
        self.diagnostics
            .warning("lost-backslash", span, message)
            .help(format!("write `\\\\{letter}`"));
    }

    fn finish_statement(
        &mut self,
        mut collected: Vec<Word>,
        keyword: Option<&'static Keyword>,
        usable: bool,
        line: &Line,
    ) {
        if !usable {
            collected.clear();
        }
        // A tree that is kept gets exactly the memory it needs.
        let mut words = self.spare.pop().unwrap_or_default();
        words.reserve_exact(collected.len());
        words.append(&mut collected);
        self.words = collected;
        if words.is_empty() {
            return;
        }
        if let Some(keyword) = keyword {
            self.notice(keyword, &words);
        }
        let at_margin = match line.origin {
            Origin::File(_) => line.start == 0 || line.text.as_bytes()[line.start - 1] == b'\n',
            Origin::Made(_) => false,
        };
        self.builder
            .statement(words, keyword, at_margin, &mut self.diagnostics);
    }

    /// What a word says.
    fn text(&self, line: &Line, value: Value) -> Text {
        let offset = |at| u32::try_from(line.start + at).unwrap_or(u32::MAX);
        match value {
            Value::Slice(from, to) => Text::slice(&line.text, offset(from), offset(to)),
            Value::Changed => Text::from(self.changed.as_str()),
        }
    }

    /// Some keywords change how the rest of the text is read.
    fn notice(&mut self, keyword: &Keyword, words: &[Word]) {
        match (keyword.context, keyword.name) {
            (Context::GlobalDefs, "random_seed") => {
                if let Some(seed) = words.get(1).and_then(|word| word.text.parse().ok()) {
                    self.random = Random::new(seed);
                }
            }
            (Context::GlobalDefs, "include_check") => {
                let arguments = words.iter().skip(1);
                let (checks, wrong) = self.checks.apply(arguments.clone().map(|word| &*word.text));
                self.checks = checks;
                if let Some(word) = wrong.and_then(|index| arguments.clone().nth(index)) {
                    let message = format!("`{}` is no include check", word.text);
                    self.diagnostics
                        .error("include-check", word.span, message)
                        .help("the checks are read, match, wildcard_match and brace_match");
                }
            }
            (Context::Root, "instance") => {
                if let Some(name) = words.get(1) {
                    self.instance = Some(name.text.to_string());
                }
            }
            _ => {}
        }
    }

    fn surplus_brace(&mut self, span: Span) {
        let skipped = self.skipped_open.pop();
        let message = "this `}` closes nothing";
        let diagnostic = self.diagnostics.error("surplus-brace", span, message);
        if let Some(skipped) = skipped {
            diagnostic.note(
                skipped,
                "this line opens a block, but is left out by its condition",
            );
        }
    }
}

/// Keeps the memory of the words of lines that are done with.
fn reuse(node: Node, spare: &mut Vec<Vec<Word>>) {
    let Node {
        mut words, block, ..
    } = node;
    if spare.len() < MOST_SPARE {
        words.clear();
        spare.push(words);
    }
    for entry in block.into_iter().flat_map(|block| block.entries) {
        reuse(entry, spare);
    }
}

/// The offset behind the first brace that is followed by `~`, if names have to be replaced at all.
fn repetition_behind_brace(text: &str) -> Option<usize> {
    if !text.contains('~') || !text.contains('$') {
        return None;
    }
    let kept = &text[..lex::without_comment(text)];
    let mut quoted = false;
    for (at, byte) in kept.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'{' | b'}' if !quoted && kept[at + 1..].trim_start().starts_with('~') => {
                return Some(at + 1);
            }
            _ => {}
        }
    }
    None
}

/// Lines that carry a command or a pattern have the fuller quoting.
fn quoting_of(keyword: Option<&'static Keyword>) -> Quoting {
    match keyword {
        Some(keyword) if keyword.takes_command() || keyword.takes_pattern() => Quoting::Script,
        _ => Quoting::Plain,
    }
}
