//! The labels of file systems in kernel arguments.
//!
//! Not for the label of a volume: that is in its descriptor.

/// Returns the label that an argument such as `inst.stage2=hd:LABEL=CentOS\x207:/path` or
/// `root=live:CDLABEL=X` names, without escapes.
pub(super) fn from_argument(argument: &str) -> Option<String> {
    let at = argument.find("LABEL=")?;
    let label = &argument[at + "LABEL=".len()..];
    let label = label.split([':', '\'', '"']).next().unwrap_or_default();
    (!label.is_empty()).then(|| unescape(label))
}

/// Replaces `\xHH` by its character. Other escapes stay.
pub(crate) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        let digits =
            rest.get(at + 2..at + 4).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        plain.push_str(&rest[..at]);
        match byte {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                plain.push_str("\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_and_unescaped() {
        for (argument, label) in [
            ("inst.stage2=hd:LABEL=CentOS\\x207\\x20x86_64", Some("CentOS 7 x86_64")),
            ("root=live:CDLABEL=CentOS_6.6_Final", Some("CentOS_6.6_Final")),
            ("ks=hd:LABEL=X:/ks.cfg", Some("X")),
            ("inst.stage2=hd:LABEL=CentOS 7 x86_64", Some("CentOS 7 x86_64")),
            ("LABEL=", None),
            ("hd:LABEL=:/ks.cfg", None),
            ("ks=cdrom:/ks.cfg", None),
            ("LABEL=a\\x2", Some("a\\x2")),
            ("LABEL=a\\xZZ\\x41", Some("a\\xZZA")),
            ("LABEL=\\xé", Some("\\xé")),
        ] {
            assert_eq!(from_argument(argument).as_deref(), label, "{argument}");
        }
    }
}
