//! The numbers of a tar header, as far as every tar program reads them alike.
//!
//! GNU tar takes `+10` for base 64, skips a NUL before the digits and stops at the first character
//! that is no digit; others do not. A field that two programs read differently makes one archive
//! two: it is inspected as one and unpacked as the other. Not for what a number means.

use tar::Header;

use super::error::EntryFault;

/// Refuses a header with a number that is neither plain octal nor plain base 256.
pub(super) fn check(header: &Header) -> Result<(), EntryFault> {
    let fields = header.as_old();
    let numbers: [(&'static str, &[u8]); 6] = [
        ("mode", &fields.mode),
        ("uid", &fields.uid),
        ("gid", &fields.gid),
        ("size", &fields.size),
        ("mtime", &fields.mtime),
        ("checksum", &fields.cksum),
    ];
    match numbers.into_iter().find(|(_, bytes)| !is_plain(bytes)) {
        None => Ok(()),
        Some((field, bytes)) => Err(EntryFault::Number(field, bytes.escape_ascii().to_string())),
    }
}

/// Whether a field is blanks, octal digits, then blanks and NULs to its end; or base 256, positive
/// and of at most 63 bits.
fn is_plain(field: &[u8]) -> bool {
    match field.split_first() {
        Some((0x80, rest)) => {
            let (high, low) = rest.split_at(rest.len().saturating_sub(8));
            let fits = low.len() < 8 || low[0] < 0x80;
            fits && high.iter().all(|byte| *byte == 0)
        }
        _ => {
            let blanks = field.iter().take_while(|byte| **byte == b' ').count();
            let digits = field[blanks..].iter().take_while(|byte| matches!(byte, b'0'..=b'7'));
            let end = blanks + digits.count();
            field[end..].iter().all(|byte| matches!(byte, b' ' | 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_program_reads_alike_is_a_number() {
        let good: [&[u8]; 9] = [
            b"00000001750\0",
            b"0000644\0",
            b"   644 \0",
            b"000644 \0",
            b"00000000012",
            b"\0\0\0\0\0\0\0\0",
            b"        ",
            b"\x80\0\0\0\0\0\0\0\0\0\0\x08",
            b"\x80\0\0\0\0\0\0\x08",
        ];
        for field in good {
            assert!(is_plain(field), "{}", field.escape_ascii());
        }
        let bad: [&[u8]; 15] = [
            // Base 64, by GNU tar.
            b"+10\0\0\0\0\0\0\0\0\0",
            b"-10\0\0\0\0\0\0\0\0\0",
            b"          +1",
            b"0x10\0\0\0\0\0\0\0\0",
            b"0000000001a\0",
            b"00000000018\0",
            // A NUL before or between digits, a blank between them.
            b"\x0000000000010",
            b"10\x001\0\0\0\0\0\0\0\0",
            b"10 10\0\0\0\0\0\0\0",
            b"\t0000000010\0",
            b"10\n\0\0\0\0\0\0\0\0\0",
            // Base 256: negative, or larger than what is read of it.
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x80\x01\0\0\0\0\0\0\0\0\0\x08",
            b"\x80\0\0\0\x80\0\0\0\0\0\0\x08",
            b"\x81\0\0\0\0\0\0\0\0\0\0\x08",
        ];
        for field in bad {
            assert!(!is_plain(field), "{}", field.escape_ascii());
        }
    }
}
