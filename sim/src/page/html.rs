//! A page as one file that needs nothing beside it.

use super::model::Page;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// One script in the order of its parts: what one part uses while it is read stands before it.
const SCRIPT: &str = concat!(
    include_str!("script/read.js"),
    include_str!("script/place.js"),
    include_str!("script/draw.js"),
    include_str!("script/overview.js"),
    include_str!("script/story.js"),
    include_str!("script/record.js"),
    include_str!("script/head.js"),
    include_str!("script/go.js"),
);

impl Page {
    /// The file: frame, style, script and data in one.
    ///
    /// # Errors
    /// When the data cannot be written as JSON, which nothing in it allows for.
    pub fn html(&self) -> Result<String, serde_json::Error> {
        let data = harmless(&serde_json::to_string(self)?);
        // Each placeholder stands once in the frame, which is cut there: nothing that is put in is searched.
        let mut page = String::with_capacity(FRAME.len() + STYLE.len() + SCRIPT.len() + data.len());
        let mut rest = FRAME;
        for (placeholder, part) in [("{{style}}", STYLE), ("{{data}}", data.as_str()), ("{{script}}", SCRIPT)]
        {
            let (before, after) = rest.split_once(placeholder).unwrap_or((rest, ""));
            page.push_str(before);
            page.push_str(part);
            rest = after;
        }
        page.push_str(rest);
        Ok(page)
    }
}

/// JSON that stays within its element whatever names are in it: no markup, no line end that is not one everywhere, and
/// nothing that turns the direction of what follows in a reader's editor.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' => escape(&mut out, letter),
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => escape(&mut out, letter),
            _ => out.push(letter),
        }
    }
    out
}

/// These letters stand in strings only, and all of them fit into four digits.
fn escape(out: &mut String, letter: char) {
    out.push_str(&format!("\\u{:04x}", u32::from(letter)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_element_or_hides_its_end() {
        let hostile = "</script><!-- & \u{2028} \u{202e} \u{7f} é 🦀";
        let json = serde_json::to_string(hostile).expect("a string");
        let safe = harmless(&json);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}', '\u{202e}', '\u{7f}']), "{safe}");
        let back: String = serde_json::from_str(&safe).expect("JSON");
        assert_eq!(back, hostile);
    }

    #[test]
    fn each_part_has_its_place_in_the_frame() {
        for placeholder in ["{{style}}", "{{data}}", "{{script}}"] {
            assert_eq!(FRAME.matches(placeholder).count(), 1, "{placeholder}");
        }
    }
}
