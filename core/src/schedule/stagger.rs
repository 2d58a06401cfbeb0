//! How far jobs that are due together are moved apart.

/// The field's window for what is due at the top of every hour: five minutes.
pub const TOP_OF_HOUR_WINDOW_MS: u64 = 300_000;

/// How much later than its schedule says a job of this name is due: the same for one name for ever, and less
/// than the window. A window of zero moves nothing.
///
/// The names are hashed with FNV-1a in 64 bits.
///
/// ```
/// use sametick_core::schedule::stagger;
/// assert_eq!(stagger::offset("digest", 300_000), stagger::offset("digest", 300_000));
/// assert_eq!(stagger::offset("digest", 0), 0);
/// ```
#[must_use]
pub fn offset(name: &str, window_ms: u64) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.checked_rem(window_ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_the_same_for_ever() {
        let offsets = ["", "a", "foobar"].map(|name| offset(name, u64::MAX));
        // Published test vectors of FNV-1a.
        assert_eq!(offsets, [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]);
        assert_eq!([offset("digest", 300_000), offset("report", 300_000)], [200_029, 18_923]);
    }
}
