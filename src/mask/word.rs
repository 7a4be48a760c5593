//! Makes replacements: of the same length and kind, letter for letter and digit for digit.
//!
//! Not for which words are replaced (`scan`).

use std::io;

use crate::random;

/// Letters of replacements: no vowels, so that no word of a language comes out, and none of the hexadecimal digits.
const LETTERS: &[u8] = b"ghjklmnpqrstvwxz";

/// Random numbers, one after the other.
pub struct RandomNumbers {
    bytes: [u8; 64],
    used: usize,
}

impl Default for RandomNumbers {
    fn default() -> Self {
        Self { bytes: [0; 64], used: 64 }
    }
}

impl RandomNumbers {
    /// Returns a number from 0 to `below` - 1; `below` is at most 65,536.
    ///
    /// # Errors
    ///
    /// Fails where the system has no random bytes.
    pub fn below(&mut self, below: usize) -> io::Result<usize> {
        if self.used + 2 > self.bytes.len() {
            random::fill(&mut self.bytes)?;
            self.used = 0;
        }
        let pair = [self.bytes[self.used], self.bytes[self.used + 1]];
        self.used += 2;
        Ok(usize::from(u16::from_le_bytes(pair)) % below.max(1))
    }
}

/// Returns random characters in the place of those of a word in small letters.
pub fn random_word(word: &str, numbers: &mut RandomNumbers) -> io::Result<String> {
    word.chars().map(|c| random_char(c, numbers)).collect()
}

fn random_char(c: char, numbers: &mut RandomNumbers) -> io::Result<char> {
    let from = |first: u32, place: usize| char::from_u32(first + place as u32).unwrap_or('x');
    Ok(match c {
        '0'..='9' => char::from(b'0' + numbers.below(10)? as u8),
        'a'..='z' | 'A'..='Z' => char::from(LETTERS[numbers.below(LETTERS.len())?]),
        // As wide and, in UTF-8, as long.
        '\u{3040}'..='\u{9fff}' => from(0x4e00, numbers.below(0x5000)?),
        '\u{ac00}'..='\u{d7a3}' => from(0xac00, numbers.below(0x2ba0)?),
        c if c.is_alphanumeric() => from(0xe0, [0, 1, 2, 3, 8, 9, 10, 11][numbers.below(8)?]),
        c => c,
    })
}

/// Returns random digits in the place of the hexadecimal digits of an id: a digit for a digit and a letter for a letter, so that it
/// can be written in capitals as well. The first `kept` stay.
pub fn random_hex(id: &str, kept: usize, numbers: &mut RandomNumbers) -> io::Result<String> {
    let mut made = String::with_capacity(id.len());
    for (place, c) in id.chars().enumerate() {
        made.push(match c {
            c if place < kept => c,
            'a'..='f' => char::from(b'a' + numbers.below(6)? as u8),
            _ => char::from(b'0' + numbers.below(10)? as u8),
        });
    }
    Ok(made)
}

/// Returns a replacement with the capitals of what it replaces.
pub fn with_capitals(replacement: &str, like: &str) -> String {
    let mut like = like.chars();
    let mut shown = String::with_capacity(replacement.len());
    for c in replacement.chars() {
        if like.next().is_some_and(char::is_uppercase) {
            shown.extend(c.to_uppercase());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Returns a word in small letters, character for character.
pub fn in_small_letters(word: &str) -> String {
    word.chars()
        .map(|c| {
            let mut small = c.to_lowercase();
            if small.len() == 1 { small.next().unwrap_or(c) } else { c }
        })
        .collect()
}
