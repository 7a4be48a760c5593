//! Percent encoding of URIs (RFC 3986, section 2.1).

/// Decodes every `%XX`; none when a percent sign encodes nothing, or the bytes are no UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        // A sign would be a part of a number, too.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

/// Encodes all but unreserved characters and those in `allowed`.
pub fn encode(text: &str, allowed: &[u8]) -> String {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || allowed.contains(&byte)
    };
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        let text = "a b/ü%";
        assert_eq!(encode(text, b"/"), "a%20b/%C3%BC%25");
        assert_eq!(decode(&encode(text, b"")).as_deref(), Some(text));
        for bad in ["%", "%4", "%+1", "%FF", "%é"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
