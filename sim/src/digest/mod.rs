//! Digests: each tick is folded into its world's 64 bits, and blake3 runs over the worlds.
//!
//! Only whole numbers go in, in a fixed width and order, so a digest is the same on any machine.

mod words;

use std::hash::{Hash, Hasher};

use sametick_core::effect::Tick;
use sametick_core::time::Mono;

use crate::draw::fold;

/// An odd constant whose bits look random: the golden ratio.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// A world's digest under way.
#[derive(Clone, Copy, Debug)]
pub struct WorldDigest {
    state: u64,
}

impl Default for WorldDigest {
    fn default() -> Self {
        Self { state: 0x2435_F6A8_885A_308D }
    }
}

impl WorldDigest {
    /// Adds a tick.
    pub fn tick(&mut self, now: Mono, tick: &Tick) {
        self.pair(now.as_nanos(), tick.effects().len() as u64);
        if let Some(commit) = tick.commit() {
            self.commit(commit);
        }
        for effect in tick.effects() {
            self.effect(effect);
        }
    }

    /// The digest so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        fold(self.state ^ 0x1319_8A2E_0370_7344, MIX)
    }

    /// Two words share one multiplication. The addition keeps a zero product from wiping out what came before.
    fn pair(&mut self, first: u64, second: u64) {
        self.state = fold(self.state ^ first, second ^ MIX).wrapping_add(self.state.rotate_left(23));
    }

    /// What is too rare to have words of its own.
    fn rare(&mut self, value: &impl Hash) {
        value.hash(self);
    }
}

/// Takes in what has no words of its own.
impl Hasher for WorldDigest {
    fn finish(&self) -> u64 {
        self.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.write_usize(bytes.len());
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.pair(value, 1);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64((value as i64).cast_unsigned());
    }
}

/// A digest over the digests of many worlds, in order.
#[derive(Clone, Debug, Default)]
pub struct BatchDigest(blake3::Hasher);

impl BatchDigest {
    /// Adds a world.
    pub fn world(&mut self, digest: u64) {
        self.0.update(&digest.to_le_bytes());
    }

    /// Adds a batch.
    pub fn batch(&mut self, digest: [u8; 32]) {
        self.0.update(&digest);
    }

    /// The 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }

    /// The first 16 hex digits.
    #[must_use]
    pub fn short(&self) -> String {
        short(self.bytes())
    }
}

/// The first 16 hex digits of a batch's digest: what people read, and what is pinned.
#[must_use]
pub fn short(digest: [u8; 32]) -> String {
    blake3::Hash::from_bytes(digest).to_hex()[..16].to_owned()
}
