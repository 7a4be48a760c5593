//! Strings of the SSH wire format (RFC 4251, section 5), which keys and revocation lists use as well.

/// Splits off a string with its length before it; none when the bytes end too early.
pub(super) fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
