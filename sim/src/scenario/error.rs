//! A mistake in a scenario: what, where, and what to do.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// A mistake in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file.
    pub path: Box<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: Box<str>,
    /// What to do.
    pub fix: Box<str>,
    text: Box<str>,
    span: Range<usize>,
}

impl ScenarioError {
    pub(super) fn new(path: &str, text: &str, span: Range<usize>, what: String, fix: String) -> Self {
        let start = floor(text, span.start.min(text.len()));
        let end = floor(text, span.end.min(text.len())).max(start);
        let before = &text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        Self {
            path: path.into(),
            line,
            column,
            what: tame(&what).into(),
            fix: tame(&fix).into(),
            text: harmless(text).into(),
            span: start..end,
        }
    }

    /// The message with the line it speaks of; coloured when asked to.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let path = tame(&self.path);
        let snippet = Snippet::source(&*self.text)
            .path(&*path)
            .annotation(AnnotationKind::Primary.span(self.span.clone()).label(&*self.fix));
        let report = [Level::ERROR.primary_title(&*self.what).element(snippet)];
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.decor_style(DecorStyle::Ascii).render(&report)
    }
}

/// A message that a terminal shows and does not obey: it quotes what somebody wrote.
fn tame(text: &str) -> String {
    let escaped =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
    text.chars().map(escaped).collect()
}

/// The text with something visible in the place of each control character, as many bytes long.
fn harmless(text: &str) -> String {
    let instead = |letter: char| match letter {
        '\n' | '\t' => letter,
        _ if !letter.is_control() => letter,
        _ if letter.is_ascii() => '?',
        // Of two bytes, as are those above ASCII.
        _ => '¿',
    };
    text.chars().map(instead).collect()
}

/// The character boundary at or before a place.
fn floor(text: &str, mut place: usize) -> usize {
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}: {}; {}", tame(&self.path), self.line, self.column, self.what, self.fix)
    }
}

impl std::error::Error for ScenarioError {}
