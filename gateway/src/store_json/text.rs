//! JSON as text: what is not meant to change is not touched, not even in its spelling.
//!
//! Others keep numbers in these documents that no machine type holds, texts that are no Unicode, members that
//! are there twice, and a layout. Nothing of it is ours to tidy up, so a patch cuts out the values it changes
//! and leaves every other byte where it was.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// An object or a list, taken apart into the texts of its values.
#[derive(Debug)]
pub(crate) struct Parts<'t> {
    text: &'t str,
    /// The names of an object's members; a list has none.
    names: Vec<Cow<'t, str>>,
    values: Vec<Range<usize>>,
    is_object: bool,
}

/// What becomes of values by their place: another text, or nothing at all.
pub(crate) type Cuts = BTreeMap<usize, Option<String>>;

impl<'t> Parts<'t> {
    /// Takes an object apart.
    pub(crate) fn of_object(text: &'t str) -> serde_json::Result<Self> {
        let Members(found) = serde_json::from_str(text)?;
        let (names, values) = found.into_iter().map(|(Name(name), value)| (name, place(text, value))).unzip();
        Ok(Self { text, names, values, is_object: true })
    }

    /// Takes a list apart.
    pub(crate) fn of_list(text: &'t str) -> serde_json::Result<Self> {
        let Items(found) = serde_json::from_str(text)?;
        let values = found.into_iter().map(|value| place(text, value)).collect();
        Ok(Self { text, names: Vec::new(), values, is_object: false })
    }

    /// The members of an object with the texts of their values, in order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&Cow<'t, str>, &'t str)> {
        self.names.iter().zip(self.texts())
    }

    /// The texts of the values, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &'t str> {
        self.values.iter().map(|value| &self.text[value.clone()])
    }

    /// The text of a member; of several with one name the last, as programs read it.
    pub(crate) fn get(&self, name: &str) -> Option<&'t str> {
        let place = self.names.iter().rposition(|known| known == name)?;
        Some(&self.text[self.values[place].clone()])
    }

    /// What stands before each value: a line end and an indentation, or as much as a compact text has.
    /// `inside` is the same for what the object or list itself stands in.
    pub(crate) fn lead(&self, inside: &str) -> String {
        match self.values.first() {
            Some(first) => {
                let before = &self.text[self.open() + 1..first.start];
                before[..before.len() - before.trim_start().len()].to_owned()
            }
            None if inside.is_empty() => String::new(),
            None => format!("{inside}  "),
        }
    }

    fn open(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    /// The text with some values changed and others, by name where it is an object, added at the end.
    pub(crate) fn changed(&self, cuts: &Cuts, added: &[(String, String)], inside: &str) -> String {
        let (open, lead) = (self.open(), self.lead(inside));
        let mut out = String::with_capacity(self.text.len() + 64);
        out.push_str(&self.text[..=open]);
        let (mut from, mut is_first) = (open + 1, true);
        for (place, value) in self.values.iter().enumerate() {
            let before = &self.text[from..value.start];
            from = value.end;
            let text = match cuts.get(&place) {
                Some(None) => continue,
                Some(Some(text)) => text.as_str(),
                None => &self.text[value.clone()],
            };
            let comma = before.find(',').filter(|_| place > 0);
            // The first that is left has no comma before it.
            out.push_str(comma.filter(|_| is_first).map_or(before, |comma| &before[comma + 1..]));
            out.push_str(text);
            is_first = false;
        }
        for (name, text) in added {
            out.push_str(if is_first { "" } else { "," });
            out.push_str(&lead);
            if self.is_object {
                let colon =
                    if lead.contains('\n') || self.text[..from].contains("\": ") { ": " } else { ":" };
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push_str(colon);
            }
            out.push_str(text);
            is_first = false;
        }
        if self.values.is_empty() && !added.is_empty() && lead.contains('\n') {
            out.push_str(inside);
        }
        out.push_str(if self.values.is_empty() {
            self.text[from..].trim_start()
        } else {
            &self.text[from..]
        });
        out
    }
}

fn place(text: &str, value: &RawValue) -> Range<usize> {
    // The value is a part of the text.
    let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
    start..start + value.get().len()
}

/// An object with a patch in it: `null` takes a member away, anything else is put in its place. Members keep
/// their order, new ones come last, and doing it twice is doing it once.
pub(crate) fn merged(text: &str, patch: &Map<String, Value>, inside: &str) -> serde_json::Result<String> {
    let parts = Parts::of_object(text)?;
    let lead = parts.lead(inside);
    let mut cuts = Cuts::new();
    for (place, (name, there)) in parts.members().enumerate() {
        let Some(value) = patch.get(name.as_ref()) else { continue };
        let is_same = || serde_json::from_str::<Value>(there).is_ok_and(|there| there == *value);
        if value.is_null() {
            cuts.insert(place, None);
        } else if !is_same() {
            cuts.insert(place, Some(spelled(value, &lead)));
        }
    }
    let is_new = |name: &str| !parts.names.iter().any(|known| known == name);
    let added = patch.iter().filter(|(name, value)| !value.is_null() && is_new(name));
    let added: Vec<(String, String)> =
        added.map(|(name, value)| (name.clone(), spelled(value, &lead))).collect();
    Ok(if cuts.is_empty() && added.is_empty() {
        text.to_owned()
    } else {
        parts.changed(&cuts, &added, inside)
    })
}

/// A value as text: over several lines where its neighbours are.
pub(crate) fn spelled(value: &Value, lead: &str) -> String {
    if lead.contains('\n') { format!("{value:#}").replace('\n', lead) } else { value.to_string() }
}

/// Some members of an object, leaving out those whose values do not read.
pub(crate) fn picked(text: &str, wanted: impl Fn(&str) -> bool) -> Option<Map<String, Value>> {
    let parts = Parts::of_object(text).ok()?;
    let members = parts.members().filter(|(name, _)| wanted(name));
    Some(members.filter_map(|(name, text)| Some((name.to_string(), lenient(text, DEPTH)?))).collect())
}

/// How deep a value is searched for the parts of it that read.
const DEPTH: usize = 4;

/// A value without those members of its objects that do not read, such as texts that are no Unicode.
fn lenient(text: &str, depth: usize) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let parts = Parts::of_object(text).ok().filter(|_| depth > 0)?;
    let members = parts.members();
    Some(Value::Object(
        members.filter_map(|(name, text)| Some((name.to_string(), lenient(text, depth - 1)?))).collect(),
    ))
}

/// The line and column of an offset, both from 1, columns in bytes as the parser counts them.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    (before.iter().filter(|byte| **byte == b'\n').count() + 1, offset - line_start + 1)
}

/// A member's name. JavaScript can write names that are no Unicode; they are nobody's we know.
#[derive(Debug)]
struct Name<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Name<'de>, E> {
                Ok(Name(String::from_utf8_lossy(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
            }
        }
        deserializer.deserialize_bytes(Text)
    }
}

struct Members<'t>(Vec<(Name<'t>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

struct Items<'t>(Vec<&'t RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Items<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(text: &str, patch: Value) -> String {
        merged(text, patch.as_object().expect("an object"), "\n").expect("an object")
    }

    #[test]
    fn a_patch_changes_its_members_and_no_other_byte() {
        let odd =
            r#"{ "a" : 1.50e+3,"b":"\u00fc\ud800", "a2" :{"x":[ ]} ,"c":123456789012345678901234567890 }"#;
        assert_eq!(patched(odd, json!({})), odd);
        let changed = odd.replace("\"\\u00fc\\ud800\"", "true");
        assert_eq!(patched(odd, json!({ "b": true })), changed);
        assert_eq!(patched(&changed, json!({ "b": true })), changed);
        assert_eq!(patched(odd, json!({ "a": 1500.0, "z": null })), odd, "it says so already");
    }

    #[test]
    fn members_go_and_come_in_the_layout_there_is() {
        for (text, patch, wanted) in [
            ("{}", json!({ "a": 1 }), "{\n  \"a\": 1\n}"),
            (" { } ", json!({ "a": 1 }), " {\n  \"a\": 1\n} "),
            ("{\"a\":1}", json!({ "b": { "c": 2 } }), "{\"a\":1,\"b\":{\"c\":2}}"),
            ("{\n\t\"a\": 1\n}", json!({ "b": [2] }), "{\n\t\"a\": 1,\n\t\"b\": [\n\t  2\n\t]\n}"),
            ("{\"a\":1, \"b\":2}", json!({ "a": null }), "{ \"b\":2}"),
            ("{\"a\":1, \"b\":2}", json!({ "b": null }), "{\"a\":1}"),
            ("{\"a\":1}", json!({ "a": null }), "{}"),
            ("{\"a\":1,\"a\":2}", json!({ "a": 3 }), "{\"a\":3,\"a\":3}"),
            ("{\"a\":1,\"a\":2}", json!({ "a": null }), "{}"),
            ("{\"a,b\":1,\"c\":2}", json!({ "c": null }), "{\"a,b\":1}"),
            ("{\"x\":1,\"a,b\":2}", json!({ "x": null }), "{\"a,b\":2}"),
        ] {
            assert_eq!(patched(text, patch.clone()), wanted, "{text} {patch}");
        }
    }

    #[test]
    fn what_does_not_read_is_left_out_and_the_rest_reads() {
        let text = r#"{"a":"\ud800","b":{"c":1e999,"d":2},"e":3,"\ud800":4}"#;
        let read = picked(text, |_| true).expect("an object");
        assert_eq!(read.get("a"), None);
        assert_eq!((&read["b"], &read["e"]), (&json!({ "d": 2 }), &json!(3)));
    }

    #[test]
    fn a_place_is_told_in_lines_and_columns() {
        assert_eq!(line_and_column("a\nbc", 0), (1, 1));
        assert_eq!(line_and_column("a\nbc", 3), (2, 2));
    }
}
