//! From files to the tree: physical lines, conditions, definitions, repetitions, includes.
//!
//! Each physical line goes through [`Reader::line`]. What stands in front of a line decides what it
//! is: `@` a condition, `$NAME=` a definition, `~` a repetition, `include` another file. Everything
//! else is expanded, cut into words and braces, and handed to the [`Builder`].

use std::collections::HashMap;

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
        let rest = self.whole.as_str().get(self.at..)?;
        if rest.is_empty() {
            return None;
        }
        let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = self.whole.part(self.at, self.at + length);
        self.at += length + 1;
        Some(line)
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
    /// Uses of undefined names already reported.
    reported: std::collections::HashSet<Span>,
    sink: &'a mut dyn Sink,
}

/// Takes the top-level lines one after the other, each with its block, so that the tree of a large file
/// need not be there as a whole.
pub(crate) trait Sink {
    /// Takes the next one.
    fn take(&mut self, node: Node, diagnostics: &mut Diagnostics);
}

impl Sink for Vec<Node> {
    fn take(&mut self, node: Node, _diagnostics: &mut Diagnostics) {
        self.push(node);
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
        while let Some(line) = self.files.last_mut().and_then(File::next_line) {
            let length = line.end - line.start;
            if length > PORTABLE_LINE && !self.check_length(&line, length) {
                continue;
            }
            self.line(line, false, true);
            for node in self.builder.take_whole() {
                self.sink.take(node, &mut self.diagnostics);
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

    /// Reads one line. `expanded`: definitions have been put in place. `physical`: it is the line
    /// of the file that was read last, so that a definition can go on in the next one.
    fn line(&mut self, line: Line, expanded: bool, physical: bool) {
        let mut line = line;
        let mut expanded = expanded;
        let mut conditional = false;
        loop {
            let text = line.as_str();
            let start = lex::skip_blanks(text, 0);
            let Some(first) = text.as_bytes().get(start) else {
                return;
            };
            if start > 0 {
                line = line.without_first(start);
                continue;
            }
            match first {
                b'#' | b'!' => return,
                b'@' if !conditional => {
                    let Some(rest) = self.condition(&line, physical) else {
                        return;
                    };
                    line = rest;
                    conditional = true;
                    continue;
                }
                b'$' if self.definition(&line, physical) => return,
                b'~' => return self.repeat(&line),
                b'i' => {
                    if let Some(rest) = self.include(&line, expanded) {
                        line = rest;
                        continue;
                    }
                }
                _ => {}
            }
            if !expanded && self.dollars {
                // The variables of a repetition behind a brace have no value yet.
                if let Some(behind) = repetition_behind_brace(text) {
                    let head = line.part(0, behind);
                    self.line(head, false, false);
                    line = line.part(behind, text.len());
                    continue;
                }
                expanded = true;
                if let Some(made) = self.expand(&line, false) {
                    if made.as_str().contains('\n') {
                        return self.made_lines(&made);
                    }
                    line = made;
                    continue;
                }
            }
            match self.statement(&line) {
                Some(read) => line = line.without_first(read),
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
            self.line(made.part(at, at + part.len()), false, false);
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
            let (token, next) = lex::next(text, at, quoting);
            at = next;
            match token {
                Token::Word {
                    start,
                    end,
                    value,
                    quoted,
                } => {
                    let word = self.word(line, start, end, &value, quoted);
                    if words.is_empty() {
                        keyword = self.builder.keyword(&word.text);
                        quoting = quoting_of(keyword);
                    }
                    words.push(word);
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
        // The tree gets exactly the memory it needs.
        let mut words = Vec::with_capacity(collected.len());
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

    fn word(&mut self, line: &Line, start: usize, end: usize, value: &Value, quoted: bool) -> Word {
        let text = match value {
            Value::Slice(from, to) => Text::slice(
                &line.text,
                u32::try_from(line.start + from).unwrap_or(u32::MAX),
                u32::try_from(line.start + to).unwrap_or(u32::MAX),
            ),
            Value::Owned(text) => Text::from(text.as_str()),
        };
        let span = line.span(start, end);
        if self.suspicious && text.contains([INVALID, '\0']) {
            let message = "this word has a zero byte or bytes that are not UTF-8";
            self.diagnostics.error("invalid-text", span, message);
        }
        Word { text, span, quoted }
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

/// Lines that carry a command have the fuller quoting.
fn quoting_of(keyword: Option<&'static Keyword>) -> Quoting {
    match keyword {
        Some(keyword) if keyword.takes_command() => Quoting::Script,
        _ => Quoting::Plain,
    }
}
