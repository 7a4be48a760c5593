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

/// Writes a label as udev escapes it, which is how arguments name it.
pub(crate) fn escape(label: &str) -> String {
    label.replace(' ', "\\x20")
}

/// Replaces a label, escaped or not, wherever `LABEL=` stands before it.
pub(super) fn replace(line: &str, old: &str, new: &str) -> String {
    let mut parts = line.split("LABEL=");
    let mut changed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_end = |rest: &str| {
            !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "_-.\\".contains(c))
        };
        let spellings = [escape(old), old.to_owned()];
        let rest =
            spellings.iter().find_map(|old| part.strip_prefix(old).filter(|rest| is_end(rest)));
        changed += "LABEL=";
        match rest {
            Some(rest) => changed.extend([&escape(new), rest]),
            None => changed += part,
        }
    }
    changed
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
    fn a_label_is_replaced_where_it_ends() {
        for (line, expected) in [
            ("inst.stage2=hd:LABEL=My\\x20CD quiet\n", "inst.stage2=hd:LABEL=A\\x20B quiet\n"),
            ("ks=hd:LABEL=My\\x20CD:/ks.cfg", "ks=hd:LABEL=A\\x20B:/ks.cfg"),
            ("root=live:CDLABEL=My CD\"", "root=live:CDLABEL=A\\x20B\""),
            ("LABEL=My\\x20CDs", "LABEL=My\\x20CDs"),
            ("LABEL=My\\x20CD\\x20", "LABEL=My\\x20CD\\x20"),
            ("LABEL=other LABEL=My\\x20CD", "LABEL=other LABEL=A\\x20B"),
            ("My CD", "My CD"),
        ] {
            assert_eq!(replace(line, "My CD", "A B"), expected, "{line}");
        }
    }

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
