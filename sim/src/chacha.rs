//! The first block of ChaCha8 under a key: all that a seed has to decide with.

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// Four columns, or four diagonals, side by side.
type Row = [u32; 4];

/// The block of a seed, which is the first word of the key; the rest of it, counter and nonce are zero.
pub(crate) fn first_block(seed: u64) -> [u64; 8] {
    let begin = [CONSTANTS, [seed as u32, (seed >> 32) as u32, 0, 0], [0; 4], [0; 4]];
    let mut rows = begin;
    for _ in 0..4 {
        round(&mut rows);
        let [_, b, c, d] = &mut rows;
        (*b, *c, *d) = (turned(*b, 1), turned(*c, 2), turned(*d, 3));
        round(&mut rows);
        let [_, b, c, d] = &mut rows;
        (*b, *c, *d) = (turned(*b, 3), turned(*c, 2), turned(*d, 1));
    }
    std::array::from_fn(|place| {
        let word = |place: usize| {
            let (row, column) = (place / 4, place % 4);
            u64::from(rows[row][column].wrapping_add(begin[row][column]))
        };
        word(2 * place) | word(2 * place + 1) << 32
    })
}

/// A quarter round on each column.
fn round([a, b, c, d]: &mut [Row; 4]) {
    add_and_mix(a, b, d, 16);
    add_and_mix(c, d, b, 12);
    add_and_mix(a, b, d, 8);
    add_and_mix(c, d, b, 7);
}

fn add_and_mix(sum: &mut Row, other: &Row, mixed: &mut Row, by: u32) {
    for column in 0..4 {
        sum[column] = sum[column].wrapping_add(other[column]);
        mixed[column] = (mixed[column] ^ sum[column]).rotate_left(by);
    }
}

/// A row whose columns moved to the left.
const fn turned(row: Row, by: usize) -> Row {
    [row[by % 4], row[(by + 1) % 4], row[(by + 2) % 4], row[(by + 3) % 4]]
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn it_is_what_the_library_draws_first() {
        for seed in [0, 1, 42, u64::from(u32::MAX), 1 << 32, 0x0123_4567_89AB_CDEF, u64::MAX] {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&seed.to_le_bytes());
            let mut rng = ChaCha8Rng::from_seed(key);
            assert_eq!(first_block(seed), std::array::from_fn(|_| rng.next_u64()), "seed {seed}");
        }
    }
}
