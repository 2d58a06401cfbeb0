//! The transcript that a scenario without ranges expects, in its file.

use super::Scenario;

impl Scenario {
    /// Its text with another transcript in it: a top-level key, so it stands before the first table.
    #[must_use]
    pub fn text_expecting(&self, told: &str) -> String {
        let text = &self.text;
        let block = format!("expect = '''\n{told}'''\n");
        if let Some(start) = text.find("expect = '''") {
            let after = start + "expect = '''".len();
            let end = text[after..].find("'''\n").map_or(text.len(), |end| after + end + 4);
            return format!("{}{block}{}", &text[..start], &text[end..]);
        }
        let table = text.find("\n[").map_or(text.len(), |place| place + 1);
        format!("{}{block}\n{}", &text[..table], &text[table..])
    }
}
