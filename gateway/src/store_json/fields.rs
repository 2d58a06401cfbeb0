//! The fields of an object that people write, read with messages that name them.

use serde_json::{Map, Value};

/// An object of a document, and the path that leads to it from the job it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: &'static str,
}

/// How much of a wrong value a message shows.
const SHOWN: usize = 60;

impl<'a> Fields<'a> {
    /// The fields of a job itself.
    pub(crate) const fn of_job(object: &'a Map<String, Value>) -> Self {
        Self { object, path: "" }
    }

    /// The fields of an object inside.
    pub(crate) fn inside(&self, field: &'static str) -> Result<Self, String> {
        match self.value(field) {
            Some(Value::Object(object)) => Ok(Self { object, path: field }),
            Some(other) => Err(self.wrong(field, other, "write an object, { … }")),
            None => Err(self.missing(field, "add it, as an object, { … }")),
        }
    }

    /// What stands under a field; `null` counts as nothing, as it does to the field.
    pub(crate) fn value(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// A text.
    pub(crate) fn text(&self, field: &str, fix: &str) -> Result<Option<&'a str>, String> {
        let Some(value) = self.value(field) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(field, value, fix))
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, field: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.value(field) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(field, value, "write true or false"))
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn whole(&self, field: &str, least: u64, most: u64) -> Result<Option<u64>, String> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let number = whole(value).and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        let fix = || format!("write a whole number from {least} to {most}");
        number.map(Some).ok_or_else(|| self.wrong(field, value, &fix()))
    }

    /// A count that fits the machine.
    pub(crate) fn count(&self, field: &str, least: u32, most: u32) -> Result<Option<u32>, String> {
        let number = self.whole(field, least.into(), most.into())?;
        Ok(number.map(|number| u32::try_from(number).unwrap_or(most)))
    }

    /// A length in milliseconds.
    pub(crate) fn millis(&self, field: &str) -> Result<Option<u64>, String> {
        self.value(field).map(|value| self.millis_of(field, value)).transpose()
    }

    /// A list of lengths in milliseconds.
    pub(crate) fn millis_list(&self, field: &str, most: usize) -> Result<Option<Vec<u64>>, String> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let fix = format!("write a list of 1 to {most} whole numbers of milliseconds");
        let list = value.as_array().filter(|list| (1..=most).contains(&list.len()));
        let list = list.ok_or_else(|| self.wrong(field, value, &fix))?;
        let each = |(place, value)| self.millis_of(&format!("{field}[{place}]"), value);
        list.iter().enumerate().map(each).collect::<Result<_, _>>().map(Some)
    }

    fn millis_of(&self, field: &str, value: &Value) -> Result<u64, String> {
        let number = whole(value).filter(|number| *number >= 0);
        // What is longer than a machine can count is never over, and so is the longest it can.
        number
            .map(|number| u64::try_from(number).unwrap_or(u64::MAX))
            .ok_or_else(|| self.wrong(field, value, "write a whole number of milliseconds, 0 or more"))
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&self, field: &str, words: &[(&str, T)]) -> Result<Option<T>, String> {
        self.value(field).map(|value| self.word_of(field, value, words)).transpose()
    }

    /// A list of some words.
    pub(crate) fn words<T: Copy>(&self, field: &str, words: &[(&str, T)]) -> Result<Option<Vec<T>>, String> {
        let Some(value) = self.value(field) else { return Ok(None) };
        let fix = || format!("write a list of {}", one_of(words));
        let list = value.as_array().ok_or_else(|| self.wrong(field, value, &fix()))?;
        let each = |(place, value)| self.word_of(&format!("{field}[{place}]"), value, words);
        list.iter().enumerate().map(each).collect::<Result<_, _>>().map(Some)
    }

    fn word_of<T: Copy>(&self, field: &str, value: &Value, words: &[(&str, T)]) -> Result<T, String> {
        let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
        found
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.wrong(field, value, &format!("write one of {}", one_of(words))))
    }

    /// The path of a field, as messages name it.
    pub(crate) fn path(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// The message about a value that is not what it should be.
    pub(crate) fn wrong(&self, field: &str, value: &Value, fix: &str) -> String {
        format!("{} is {}; {fix}", self.path(field), shown(value))
    }

    /// The message about a field that is not there.
    pub(crate) fn missing(&self, field: &str, fix: &str) -> String {
        format!("{} is missing; {fix}", self.path(field))
    }
}

/// The words of a list, for a message.
fn one_of<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

/// A whole number, also one that is written with a fraction of zero or an exponent.
pub(crate) fn whole(value: &Value) -> Option<i128> {
    let integer = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    let float = || value.as_f64().filter(|number| number.is_finite() && number.fract() == 0.0);
    integer.or_else(|| float().map(|number| number as i128))
}

/// A value as a message shows it: on one line, not all of a long one, and nothing that a terminal obeys.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    // JSON writes control characters as numbers, but for those above ASCII.
    let text = if text.chars().any(char::is_control) {
        let escaped = |letter: char| match letter.is_control() {
            true => format!("\\u{:04x}", u32::from(letter)),
            false => letter.into(),
        };
        text.chars().map(escaped).collect()
    } else {
        text
    };
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
