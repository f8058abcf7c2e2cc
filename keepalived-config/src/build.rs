//! Statements and braces become the tree.
//!
//! The builder knows from the schema which words open blocks. What it does not know it leaves out
//! with its whole block, so that one unknown word never changes the meaning of the words around it.

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::schema::{self, BROKEN_CHECK, Context, EntryKind, Keyword, Shape};
use crate::tree::{Block, Node, Span, Word};

/// What becomes of a check that is not in a server.
const BROKEN_CHECKS: &str = "a server of this service that has no other check counts as failed";

/// What the present block consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    Keywords(Context),
    Entries(EntryKind),
    /// Nothing: the block is being left out. The number of further blocks open inside.
    Skipped(u32),
}

struct Frame {
    inside: Inside,
    /// The words before the brace.
    words: Vec<Word>,
    meaning: Option<&'static Keyword>,
    open: Span,
    /// Where its entries begin in the list of the builder.
    first: usize,
}

/// The last statement, as long as a brace behind it can still belong to it.
enum Pending {
    None,
    /// A keyword that needs its block.
    Header {
        words: Vec<Word>,
        inside: Inside,
        meaning: Option<&'static Keyword>,
    },
    /// A word that is not known here. Reported when it is clear whether it opens a block. Rare and large, so elsewhere.
    Unknown {
        complaint: Box<Diagnostic>,
        words: Vec<Word>,
        /// By its name it was to be a check.
        check: bool,
    },
    /// A keyword or entry that has no block.
    Plain(Span),
}

pub(crate) struct Builder {
    root: Vec<Node>,
    frames: Vec<Frame>,
    /// The entries of all open blocks, the outermost first.
    entries: Vec<Node>,
    pending: Pending,
    recent: schema::Recent,
}

impl Builder {
    pub(crate) const fn new() -> Self {
        Self {
            root: Vec::new(),
            frames: Vec::new(),
            entries: Vec::new(),
            pending: Pending::None,
            recent: schema::Recent::new(),
        }
    }

    pub(crate) fn inside(&self) -> Inside {
        self.frames
            .last()
            .map_or(Inside::Keywords(Context::Root), |frame| frame.inside)
    }

    /// What `word` means here, if it is a keyword.
    pub(crate) fn keyword(&mut self, word: &str) -> Option<&'static Keyword> {
        match self.inside() {
            Inside::Keywords(context) => self.recent.lookup(context, word),
            Inside::Entries(_) | Inside::Skipped(_) => None,
        }
    }

    /// Takes the words up to a brace or the end of a line. `at_margin`: nothing stands before them.
    pub(crate) fn statement(
        &mut self,
        words: Vec<Word>,
        keyword: Option<&'static Keyword>,
        at_margin: bool,
        diagnostics: &mut Diagnostics,
    ) {
        self.settle(diagnostics);
        let Some(first) = words.first() else { return };
        let mut keyword = keyword;
        if keyword.is_none() && at_margin && !self.frames.is_empty() && !first.quoted {
            keyword = self.recover(first, diagnostics);
        }
        match self.inside() {
            Inside::Skipped(_) => {}
            Inside::Entries(kind) => {
                self.pending = Pending::Plain(first.span);
                if kind.one_word_each() {
                    for word in words {
                        self.push(Node {
                            words: vec![word],
                            block: None,
                            meaning: None,
                        });
                    }
                } else {
                    self.push(Node {
                        words,
                        block: None,
                        meaning: None,
                    });
                }
            }
            Inside::Keywords(context) => match keyword.map(|keyword| keyword.shape) {
                None => {
                    let (complaint, check) = unknown(context, first, diagnostics);
                    self.pending = Pending::Unknown {
                        complaint: Box::new(complaint),
                        words,
                        check,
                    };
                }
                Some(Shape::Line) => {
                    self.pending = Pending::Plain(first.span);
                    self.push(Node {
                        words,
                        block: None,
                        meaning: keyword,
                    });
                }
                Some(Shape::Block(context)) => {
                    self.pending = Pending::Header {
                        words,
                        inside: Inside::Keywords(context),
                        meaning: keyword,
                    };
                }
                Some(Shape::Entries(kind)) => {
                    self.pending = Pending::Header {
                        words,
                        inside: Inside::Entries(kind),
                        meaning: keyword,
                    };
                }
            },
        }
    }

    /// Takes `{`.
    pub(crate) fn open(&mut self, open: Span, diagnostics: &mut Diagnostics) {
        if let Some(Frame {
            inside: Inside::Skipped(depth),
            ..
        }) = self.frames.last_mut()
        {
            *depth = depth.saturating_add(1);
            return;
        }
        let (words, inside, meaning) = match std::mem::replace(&mut self.pending, Pending::None) {
            Pending::Header {
                words,
                inside,
                meaning,
            } => (words, inside, meaning),
            Pending::Unknown {
                mut complaint,
                words,
                check,
            } => {
                complaint.note(None, "the whole block that it opens is left out");
                // Every block of a server is a check, whatever it is called.
                let server = self.inside() == Inside::Keywords(Context::RealServer);
                if server && !check {
                    fails(&mut complaint, BROKEN_CHECK);
                }
                diagnostics.push(*complaint);
                let words = if server || check { words } else { Vec::new() };
                (words, Inside::Skipped(0), None)
            }
            Pending::Plain(before) => {
                diagnostics
                    .error(
                        "unexpected-block",
                        open,
                        "no block can follow here; it is left out",
                    )
                    .note(before, "this takes no block");
                (Vec::new(), Inside::Skipped(0), None)
            }
            Pending::None => {
                let message = "a block without a keyword before it is left out";
                diagnostics.error("unexpected-block", open, message);
                (Vec::new(), Inside::Skipped(0), None)
            }
        };
        self.frames.push(Frame {
            inside,
            words,
            meaning,
            open,
            first: self.entries.len(),
        });
    }

    /// A line could not be read. If it ends with a brace, its block is left out with it.
    pub(crate) fn lost_line(&mut self, brace: Option<Span>, diagnostics: &mut Diagnostics) {
        self.settle(diagnostics);
        let Some(open) = brace else { return };
        if let Some(Frame {
            inside: Inside::Skipped(depth),
            ..
        }) = self.frames.last_mut()
        {
            *depth = depth.saturating_add(1);
            return;
        }
        let inside = Inside::Skipped(0);
        self.frames.push(Frame {
            inside,
            words: Vec::new(),
            meaning: None,
            open,
            first: self.entries.len(),
        });
    }

    /// Takes `}`; false if there is nothing to close.
    pub(crate) fn close(&mut self, close: Span, diagnostics: &mut Diagnostics) -> bool {
        self.settle(diagnostics);
        match self.frames.last_mut() {
            None => return false,
            Some(Frame {
                inside: Inside::Skipped(depth),
                ..
            }) if *depth > 0 => *depth -= 1,
            Some(_) => self.pop(Some(close)),
        }
        true
    }

    /// The whole top-level lines since the last call.
    pub(crate) fn take_whole(&mut self) -> std::vec::Drain<'_, Node> {
        self.root.drain(..)
    }

    /// The end of everything.
    pub(crate) fn finish(mut self, diagnostics: &mut Diagnostics) -> Vec<Node> {
        self.settle(diagnostics);
        let open: Vec<Span> = self.frames.iter().rev().map(|frame| frame.open).collect();
        if let Some((innermost, around)) = open.split_first() {
            let message = "this block is never closed: a `}` is missing";
            let diagnostic = diagnostics.error("unclosed-block", *innermost, message);
            for span in around {
                diagnostic.note(*span, "it is inside this one, which is not closed either");
            }
        }
        while !self.frames.is_empty() {
            self.pop(None);
        }
        self.root
    }

    /// Reports the last statement if it still waits for a block that did not come.
    fn settle(&mut self, diagnostics: &mut Diagnostics) {
        match std::mem::replace(&mut self.pending, Pending::None) {
            Pending::None | Pending::Plain(_) => {}
            Pending::Unknown {
                complaint,
                words,
                check,
            } => {
                diagnostics.push(*complaint);
                if check {
                    self.remember(words);
                }
            }
            Pending::Header { words, meaning, .. } => {
                let Some(first) = words.first() else { return };
                let message = format!("`{}` must be followed by a block", first.as_str());
                let mut help = format!(
                    "write `{} {{`, the lines of the block, and `}}`",
                    said(&words)
                );
                let check = meaning.is_some_and(schema::is_check);
                if check {
                    help = help + "; " + BROKEN_CHECK;
                }
                diagnostics
                    .error("missing-block", first.span, message)
                    .help(help);
                if check {
                    self.remember(words);
                }
            }
        }
    }

    /// A word that opens a block at the top level only, at the very start of a line, but inside
    /// another block: most likely a `}` was forgotten. Closes all blocks, so that one missing brace
    /// is one message.
    fn recover(&mut self, word: &Word, diagnostics: &mut Diagnostics) -> Option<&'static Keyword> {
        let keyword = schema::lookup(Context::Root, word.as_str())?;
        if keyword.shape == Shape::Line {
            return None;
        }
        let message = format!("a `}}` is missing before this `{}`", keyword.name);
        let diagnostic = diagnostics.error("unclosed-block", word.span, message);
        for frame in self.frames.iter().rev() {
            diagnostic.note(frame.open, "this block is still open");
        }
        while !self.frames.is_empty() {
            self.pop(None);
        }
        Some(keyword)
    }

    fn pop(&mut self, close: Option<Span>) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        // Exactly the memory that they need.
        let entries: Vec<Node> = self.entries.drain(frame.first..).collect();
        if matches!(frame.inside, Inside::Skipped(_)) {
            self.remember(frame.words);
        } else {
            let block = Block {
                open: frame.open,
                entries,
                close,
            };
            self.push(Node {
                words: frame.words,
                block: Some(Box::new(block)),
                meaning: frame.meaning,
            });
        }
    }

    /// A check of which nothing can be made: that one was wanted must not be forgotten.
    fn remember(&mut self, words: Vec<Word>) {
        if !words.is_empty() {
            self.push(Node {
                words,
                block: None,
                meaning: None,
            });
        }
    }

    fn push(&mut self, node: Node) {
        if self.frames.is_empty() {
            self.root.push(node);
        } else {
            self.entries.push(node);
        }
    }
}

/// The complaint about an unknown word, and whether it was to be a check.
fn unknown(context: Context, word: &Word, diagnostics: &Diagnostics) -> (Diagnostic, bool) {
    if let Some(help) = schema::idle(context, word.as_str()) {
        let message = format!("`{}` does nothing in `{}`", word.as_str(), context.name());
        let mut diagnostic = Diagnostic::new(Severity::Warning, "idle-keyword", word.span, message);
        diagnostic.help(help);
        return (diagnostic, false);
    }
    let message = match context {
        Context::Root => format!("unknown keyword `{}`", word.as_str()),
        _ => format!(
            "unknown keyword `{}` in `{}`",
            word.as_str(),
            context.name()
        ),
    };
    let mut diagnostic = Diagnostic::new(Severity::Error, "unknown-keyword", word.span, message);
    // One level too high it was to be one for each server, and outside of all for whoever lacks one.
    let places = [Context::RealServer, Context::VirtualServer, Context::Root];
    let mut check = places.contains(&context) && schema::named_as_check(word.as_str());
    // Looking for what was meant is slow; past the limit nobody will see it.
    if diagnostics.iter().len() < Diagnostics::LIMIT {
        let meant = schema::suggestions(context, word.as_str());
        check |= meant.spelling.is_some_and(schema::is_check);
        diagnostic.help = meant.help();
    }
    match context {
        Context::VirtualServer if check => fails(&mut diagnostic, BROKEN_CHECKS),
        Context::RealServer if check => fails(&mut diagnostic, BROKEN_CHECK),
        _ => {}
    }
    (diagnostic, check)
}

/// Says what becomes of servers.
fn fails(complaint: &mut Diagnostic, broken: &str) {
    let help = complaint.help.take();
    complaint.help(match help {
        // A question, or a sentence without a full stop.
        Some(help) if help.ends_with('?') => format!("{help} Until then {broken}"),
        Some(help) => format!("{help}; {broken}"),
        None => broken.to_owned(),
    });
}

fn said(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(Word::as_str).collect();
    texts.join(" ")
}
