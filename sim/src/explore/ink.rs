//! What a state is written with: a text that is hashed and never kept.
//!
//! States are written as their types show themselves for debugging, which every machine can, mutants included. It is
//! slower than hashing fields would be, and says as much: no type here shows anything in an order that is not its own. Fields
//! that only count are left out by their name.

use std::fmt::{self, Write};

use sametick_core::Machine;

use crate::world::World;

/// Fields of a machine that count and decide nothing: ticks, after so many of which spare memory is looked for.
const COUNTERS: [&[u8]; 1] = [b"ticks"];

/// 128 bits that stand for a state.
pub(super) type Mark = u128;

/// Memory for one state's text, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Ink {
    text: Vec<u8>,
    /// Where the word began that is being written.
    word: usize,
    /// How many brackets are open.
    depth: u32,
    /// The depth of the field that is left out.
    skipping: Option<u32>,
    in_text: bool,
    escaped: bool,
}

impl Ink {
    /// The mark of a world's state: two worlds that have the same go on in the same way.
    pub(super) fn mark<M: Machine>(&mut self, world: &World<'_, M>) -> Mark {
        self.text.clear();
        (self.word, self.depth, self.skipping) = (0, 0, None);
        (self.in_text, self.escaped) = (false, false);
        // Memory takes what it is given.
        let _ = world.write_state(self);
        let mut mark = [0; 16];
        mark.copy_from_slice(&blake3::hash(&self.text).as_bytes()[..16]);
        Mark::from_le_bytes(mark)
    }

    fn put(&mut self, byte: u8) {
        if self.in_text {
            self.in_text = self.escaped || byte != b'"';
            self.escaped = byte == b'\\' && !self.escaped;
        } else {
            match byte {
                b'"' => self.in_text = true,
                b'(' | b'[' | b'{' => self.depth += 1,
                b')' | b']' | b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.skipping.is_some_and(|depth| self.depth < depth) {
                        self.skipping = None;
                    }
                }
                b',' if self.skipping == Some(self.depth) => self.skipping = None,
                b':' if self.skipping.is_none() && COUNTERS.contains(&&self.text[self.word..]) => {
                    self.skipping = Some(self.depth);
                }
                _ => {}
            }
        }
        if self.skipping.is_none() {
            self.text.push(byte);
            if !byte.is_ascii_alphanumeric() && byte != b'_' {
                self.word = self.text.len();
            }
        }
    }
}

impl Write for Ink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.put(byte));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code, reason = "they are shown")]
    struct Shown {
        first: &'static str,
        ticks: (u32, [u32; 2]),
        last: u32,
    }

    fn written(first: &'static str, ticks: u32, last: u32) -> String {
        let mut ink = Ink::default();
        write!(ink, "{:?}", [Shown { first, ticks: (ticks, [ticks, 2]), last }]).expect("memory");
        String::from_utf8(ink.text).expect("text")
    }

    #[test]
    fn what_only_counts_is_left_out_and_nothing_else() {
        let told = written("a \\\" ticks: 3, }", 7, 9);
        assert_eq!(told, written("a \\\" ticks: 3, }", 8, 9));
        assert_ne!(told, written("a \\\" ticks: 4, }", 7, 9));
        assert_ne!(told, written("a \\\" ticks: 3, }", 7, 8));
    }
}
