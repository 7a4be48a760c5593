//! Seeded damage: the same seed and number, the same bytes.
//!
//! Not random where it strikes: only where a file has something to damage.

#![allow(dead_code, reason = "each test program uses a part of this")]

/// SplitMix64, by Sebastiano Vigna: every seed is a good one.
pub struct Dice(u64);

impl Dice {
    /// The dice for one mutant.
    pub fn of(seed: u64, number: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }
}

/// A file and the 64-byte pieces of it that are worth damaging: those not of one byte throughout.
pub struct Subject {
    bytes: Vec<u8>,
    pieces: Vec<usize>,
}

const PIECE: usize = 64;

impl Subject {
    /// Looks for the pieces.
    pub fn new(bytes: Vec<u8>) -> Self {
        let worthy = |piece: &[u8]| piece.iter().any(|byte| *byte != piece[0]);
        let pieces = bytes.chunks(PIECE).enumerate();
        let pieces = pieces.filter(|(_, piece)| worthy(piece)).map(|(at, _)| at * PIECE).collect();
        Self { bytes, pieces }
    }

    /// The file before any damage.
    pub fn intact(&self) -> &[u8] {
        &self.bytes
    }

    /// One mutant: bytes changed, filled, moved, swapped for a number that means trouble, or the
    /// rest cut off.
    pub fn mutant(&self, dice: &mut Dice) -> Vec<u8> {
        const TROUBLE: [u32; 8] = [0, 1, 0x7f, 0xff, 0x7fff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
        let mut bytes = self.bytes.clone();
        for _ in 0..[1, 1, 2, 4][dice.below(4)] {
            let at = self.place(dice);
            match dice.below(8) {
                0..=2 => bytes[at] = dice.below(256) as u8,
                3 => bytes[at] ^= 1 << dice.below(8),
                4 => {
                    let number = TROUBLE[dice.below(TROUBLE.len())];
                    let both = [number.to_le_bytes(), number.to_be_bytes()];
                    let order = dice.below(2);
                    put(&mut bytes, at, &both[order]);
                    // ISO 9660 writes most numbers twice, in either order.
                    if dice.below(2) == 0 {
                        put(&mut bytes, at + 4, &both[1 - order]);
                    }
                }
                5 => {
                    let len = [1, 2, 4, 8, 64][dice.below(5)];
                    put(&mut bytes, at, &[[0, 0xff][dice.below(2)]; 64][..len]);
                }
                6 => {
                    let from = self.place(dice);
                    let len = (dice.below(200) + 1).min(self.bytes.len() - from);
                    put(&mut bytes, at, &self.bytes[from..from + len]);
                }
                _ => {
                    // A cut is rare, for it hides all other damage.
                    if dice.below(6) == 0 {
                        bytes.truncate(at);
                        return bytes;
                    }
                }
            }
        }
        bytes
    }

    fn place(&self, dice: &mut Dice) -> usize {
        let at = self.pieces[dice.below(self.pieces.len())] + dice.below(PIECE);
        at.min(self.bytes.len() - 1)
    }
}

fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    let end = (at + new.len()).min(bytes.len());
    if at < end {
        bytes[at..end].copy_from_slice(&new[..end - at]);
    }
}
