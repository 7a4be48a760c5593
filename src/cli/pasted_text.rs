//! The text that a person types or pastes: words of the command line, or standard input, which may be a log of Windows.
//!
//! Not for what it is about (`knowledge`).

use std::io::{IsTerminal, Read};

use anyhow::Context;

use crate::knowledge::search::MAX_TEXT_BYTES;

/// Returns the words of the command line, or the text on standard input.
pub fn read(words: &[String]) -> anyhow::Result<String> {
    let pasted = match words {
        [] => true,
        [word] => word == "-",
        _ => false,
    };
    let text = if pasted { standard_input(words.is_empty())? } else { words.join(" ") };
    anyhow::ensure!(
        text.len() <= MAX_TEXT_BYTES,
        "the text has more than {} MiB: paste the lines around the error, or pipe in tail -c 20000000",
        MAX_TEXT_BYTES / 1024 / 1024
    );
    Ok(text)
}

fn standard_input(unasked: bool) -> anyhow::Result<String> {
    let input = std::io::stdin();
    anyhow::ensure!(
        !(unasked && input.is_terminal()),
        "what do you see? Give it in words, as an error code, or paste a log with - and end it with Ctrl-D"
    );
    let mut bytes = Vec::new();
    let most = MAX_TEXT_BYTES as u64 + 1;
    input.lock().take(most).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(decoded(bytes))
}

/// Decodes UTF-8, and UTF-16 with a byte order mark, which logs of Windows servers often are.
/// Invalid bytes are replaced.
fn decoded(bytes: Vec<u8>) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        // What is UTF-8, as most logs are, is not copied.
        _ => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_windows_are_read_too() {
        for (bytes, text) in [
            (&b"abc"[..], "abc"),
            (b"\xff\xfea\0b\0", "ab"),
            (b"\xfe\xff\0a\0b", "ab"),
            (b"\xff\xfe", ""),
            (b"a\xffb", "a\u{fffd}b"),
        ] {
            assert_eq!(decoded(bytes.to_vec()), text);
        }
    }
}
