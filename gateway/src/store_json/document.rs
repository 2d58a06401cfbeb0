//! Reading documents, and patching objects in them without losing what others put there.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::StoreError;

/// Reads a file whole; `None` when there is none.
pub(crate) fn bytes(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

/// Reads a JSON file; `None` when there is none. An empty file is an error, never an empty document.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    let Some(bytes) = bytes(path)? else { return Ok(None) };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StoreError::Empty { path: path.to_owned() });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| StoreError::Syntax {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        what: without_place(&error),
    })
}

/// The parser's sentence without the place, which stands in front of it already.
fn without_place(error: &serde_json::Error) -> String {
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

/// Writes a patch into an object: `null` takes a field away, anything else is put in its place. Fields
/// keep their order, new ones come last, and doing it twice is doing it once.
pub(crate) fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (field, value) in patch {
        if value.is_null() {
            into.shift_remove(field);
        } else {
            into.insert(field.clone(), value.clone());
        }
    }
}

/// The document as the field writes it: two spaces, no line end at the end.
pub(crate) fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("documents have text keys and finite numbers")
}

/// The fields of an object that say something.
pub(crate) fn said(object: Value) -> Map<String, Value> {
    let mut fields = if let Value::Object(fields) = object { fields } else { Map::new() };
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
