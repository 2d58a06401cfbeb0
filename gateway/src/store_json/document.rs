//! Reading documents, and the small words for what is in them.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::StoreError;
use super::text::line_and_column;

/// A file's content; `None` when there is none.
pub(crate) fn bytes(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let wrong = |error| StoreError::io("read", path, error);
    match fs::metadata(path) {
        // Whoever reads a pipe waits for ever.
        Ok(data) if data.is_dir() => Err(wrong(io::Error::from(ErrorKind::IsADirectory))),
        Ok(data) if !data.is_file() => {
            let what = "it is a pipe, a device or a socket";
            Err(wrong(io::Error::new(ErrorKind::NotADirectory, what)))
        }
        Ok(_) => fs::read(path).map(Some).map_err(wrong),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(error)),
    }
}

/// The text of a JSON file; `None` when there is none. An empty file is an error, never an empty document.
pub(crate) fn text_of(path: &Path) -> Result<Option<String>, StoreError> {
    let Some(bytes) = bytes(path)? else { return Ok(None) };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StoreError::Empty { path: path.to_owned() });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        // What is before it reads.
        let before = String::from_utf8_lossy(&bytes[..at]);
        let (line, column) = line_and_column(&before, at);
        let what =
            format!("the byte 0x{:02X} is no UTF-8, as a save in another encoding leaves it", bytes[at]);
        StoreError::Syntax { path: path.to_owned(), line, column, what }
    })?;
    if text.starts_with('\u{feff}') {
        let what =
            "the file begins with a byte order mark, which JSON does not have: save it without".to_owned();
        return Err(StoreError::Syntax { path: path.to_owned(), line: 1, column: 1, what });
    }
    Ok(Some(text))
}

/// Reads a JSON file of ours; `None` when there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    let Some(text) = text_of(path)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|error| syntax(path, &error))
}

/// What the parser met, and where.
pub(crate) fn syntax(path: &Path, error: &serde_json::Error) -> StoreError {
    let what = if error.is_eof() {
        "the file ends in the middle of a value, as a write that was cut short leaves it".to_owned()
    } else {
        without_place(error)
    };
    // The parser counts the columns of a line that has none yet from 0.
    StoreError::Syntax { path: path.to_owned(), line: error.line(), column: error.column().max(1), what }
}

/// The parser's sentence without the place, which stands in front of it already.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.split(" at line ").next().unwrap_or(&said).to_owned()
}

/// The object under a key, made there if nothing is; `None` when something else is.
pub(crate) fn object_at<'a>(
    map: &'a mut Map<String, Value>,
    key: &str,
) -> Option<&'a mut Map<String, Value>> {
    map.entry(key).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// The document as the field writes it: two spaces, no line end at the end.
pub(crate) fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("documents have text keys and finite numbers")
}

/// The fields of an object that say something.
pub(crate) fn said(object: Value) -> Map<String, Value> {
    let mut fields = match object {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    fields.retain(|_, value| !value.is_null());
    fields
}

/// A whole number under a key.
pub(crate) fn int(map: &Map<String, Value>, key: &str) -> Option<i64> {
    map.get(key)?.as_i64()
}

/// A text under a key.
pub(crate) fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key)?.as_str()
}
