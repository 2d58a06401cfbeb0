//! Reads TOML tables key by key, keeping each value's place and noticing keys nobody asked for.

use std::collections::BTreeSet;
use std::ops::Range;

use sametick_core::time::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ScenarioError;
use super::span::{Offset, SpanRange, is_too_long, parse_offset, parse_span};

/// The file being read.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn wrong(
        &self,
        span: Range<usize>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> ScenarioError {
        ScenarioError::new(self.path, self.text, span, what.into(), fix.into())
    }
}

/// A text and its place in the file.
type Placed<'a> = (&'a str, Range<usize>);

/// A table of which keys are asked for one by one.
pub(super) struct Table<'a> {
    source: Source<'a>,
    pub(super) what: String,
    pub(super) span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: BTreeSet<&'a str>,
}

impl<'a> Table<'a> {
    pub(super) fn new(source: Source<'a>, what: &str, span: Range<usize>, table: &'a DeTable<'a>) -> Self {
        Self { source, what: what.to_owned(), span, table, asked: BTreeSet::new() }
    }

    pub(super) fn value(&mut self, key: &'a str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    /// Complains about the first key that nobody asked for.
    pub(super) fn finish(self) -> Result<(), ScenarioError> {
        let stranger = self.table.keys().find(|key| !self.asked.contains(key.get_ref().as_ref()));
        let Some(key) = stranger else { return Ok(()) };
        let known: Vec<&str> = self.asked.iter().copied().collect();
        let near = known.iter().find(|known| is_near(known, key.get_ref()));
        let fix = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of: {}", known.join(", ")),
        };
        Err(self.source.wrong(
            key.span(),
            format!("{} has no `{}`", self.what, key.get_ref().escape_debug()),
            fix,
        ))
    }

    pub(super) fn missing(&self, key: &str, fix: &str) -> ScenarioError {
        self.source.wrong(self.span.clone(), format!("{} needs `{key}`", self.what), fix)
    }

    pub(super) fn text(
        &mut self,
        key: &'static str,
    ) -> Result<Option<(&'a str, Range<usize>)>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((text, value.span()))),
            None => Err(self.kind(key, value, "a text in quotes")),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.get_ref().as_bool().map(Some).ok_or_else(|| self.kind(key, value, "true or false"))
    }

    pub(super) fn count(&mut self, key: &'static str, most: u64) -> Result<Option<u64>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = value.get_ref().as_integer().and_then(|digits| {
            u64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|number| *number <= most)
        });
        let wanted = format!("a whole number from 0 to {most}");
        number.map(Some).ok_or_else(|| match value.get_ref().as_integer() {
            Some(_) => {
                self.wrong(value.span(), format!("`{key}` is out of range"), format!("write {wanted}"))
            }
            None => self.kind(key, value, &wanted),
        })
    }

    /// A length of time, or a range of them.
    pub(super) fn spans(&mut self, key: &'static str) -> Result<Option<SpanRange>, ScenarioError> {
        let Some((text, at)) = self.text(key)? else { return Ok(None) };
        let range = match text.split_once("..") {
            Some((low, high)) => parse_span(low).zip(parse_span(high)),
            None => parse_span(text).map(|span| (span, span)),
        };
        let Some((low, high)) = range else {
            if text.split("..").any(is_too_long) {
                let what = format!("`{key}` is longer than a world can be");
                return Err(self.source.wrong(at, what, "write at most \"106751d\", which is 292 years"));
            }
            return Err(self.source.wrong(
                at,
                format!("`{key}` is no length of time"),
                "write \"30s\", \"1m30s\", \"5ms..2s\"; the units are ns us ms s m h d",
            ));
        };
        if low > high {
            return Err(self.source.wrong(
                at,
                format!("`{key}` begins after it ends"),
                "put the shorter length first",
            ));
        }
        Ok(Some(SpanRange { low, high }))
    }

    /// A single length of time.
    pub(super) fn span_of(&mut self, key: &'static str) -> Result<Option<Span>, ScenarioError> {
        let at = self.value(key).map_or(0..0, Spanned::span);
        match self.spans(key)? {
            Some(range) if range.is_range() => Err(self.source.wrong(
                at,
                format!("`{key}` cannot be a range"),
                "write one length, such as \"30s\"",
            )),
            range => Ok(range.map(|range| range.low)),
        }
    }

    /// A range of signed distances.
    pub(super) fn offsets(&mut self, key: &'static str) -> Result<Option<(Offset, Offset)>, ScenarioError> {
        let Some((text, at)) = self.text(key)? else { return Ok(None) };
        let range = match text.split_once("..") {
            Some((low, high)) => parse_offset(low).zip(parse_offset(high)),
            None => parse_offset(text).map(|offset| (offset, offset)),
        };
        match range.filter(|(low, high)| low <= high) {
            Some(range) => Ok(Some(range)),
            None => Err(self.source.wrong(
                at,
                format!("`{key}` is no distance in time"),
                "write \"-2ms..2ms\", \"1ns\" or \"0s\", the earlier first",
            )),
        }
    }

    /// One word of a few.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ScenarioError> {
        let Some((text, at)) = self.text(key)? else { return Ok(None) };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*meaning));
        }
        let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        Err(self.source.wrong(
            at,
            format!("`{key}` cannot be {text:?}"),
            format!("one of: {}", known.join(", ")),
        ))
    }

    /// A list of lengths of time.
    pub(super) fn span_list(&mut self, key: &'static str) -> Result<Option<Vec<Span>>, ScenarioError> {
        let Some(texts) = self.texts(key)? else { return Ok(None) };
        let spans = texts.into_iter().map(|(text, at)| {
            let fix = "write lengths such as \"30s\", in quotes and with commas between";
            parse_span(text).ok_or_else(|| self.source.wrong(at, format!("`{key}` has no length here"), fix))
        });
        spans.collect::<Result<Vec<Span>, _>>().map(Some)
    }

    /// A list of words of a few.
    pub(super) fn word_list<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, ScenarioError> {
        let Some(texts) = self.texts(key)? else { return Ok(None) };
        let known = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let meant = texts.into_iter().map(|(text, at)| {
            let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
            let wrong =
                || self.source.wrong(at, format!("`{key}` cannot be \"{text}\""), format!("of: {}", known()));
            found.ok_or_else(wrong)
        });
        meant.collect::<Result<Vec<T>, _>>().map(Some)
    }

    fn texts(&mut self, key: &'static str) -> Result<Option<Vec<Placed<'a>>>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let array = value.get_ref().as_array().ok_or_else(|| self.kind(key, value, "a list in brackets"))?;
        let texts = array.iter().map(|item| {
            let text = item.get_ref().as_str().map(|text| (text, item.span()));
            text.ok_or_else(|| self.kind(key, item, "a list of texts in quotes"))
        });
        texts.collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// The keys of the table, in the order of their names.
    pub(super) fn keys(&self) -> Vec<&'a str> {
        self.table.keys().map(|key| key.get_ref().as_ref()).collect()
    }

    /// The tables of an array, or none.
    pub(super) fn tables(&mut self, key: &'static str) -> Result<Vec<Self>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let Some(array) = value.get_ref().as_array() else {
            return Err(self.kind(key, value, &format!("tables, each headed [[{key}]]")));
        };
        let mut tables = Vec::new();
        for (place, item) in array.iter().enumerate() {
            let Some(table) = item.get_ref().as_table() else {
                return Err(self.kind(key, item, &format!("tables, each headed [[{key}]]")));
            };
            let what = format!("[[{key}]] number {}", place + 1);
            tables.push(Self::new(self.source, &what, item.span(), table));
        }
        Ok(tables)
    }

    /// A table, or none.
    pub(super) fn table(&mut self, key: &'a str) -> Result<Option<Self>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.get_ref().as_table() {
            Some(table) => Ok(Some(Self::new(self.source, &format!("[{key}]"), value.span(), table))),
            None => Err(self.kind(key, value, &format!("a table headed [{key}]"))),
        }
    }

    pub(super) fn wrong(
        &self,
        span: Range<usize>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> ScenarioError {
        self.source.wrong(span, what, fix)
    }

    fn kind(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) -> ScenarioError {
        let what = format!("`{key}` is {} here", value.get_ref().type_str());
        self.source.wrong(value.span(), what, format!("it has to be {wanted}"))
    }
}

/// Whether two keys differ by at most two letters, lost, added or changed.
fn is_near(known: &str, written: &str) -> bool {
    strsim::levenshtein(known, written) <= 2
}
