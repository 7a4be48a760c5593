//! A command line of a kickstart as words: split as the installer splits it, and quoted so that
//! both of its readers split it back.
//!
//! Not for shell scripts inside sections: those are quoted by `template`.
//!
//! Two programs read each line. The el6 loader uses `g_shell_parse_argv`, anaconda Python's
//! `shlex`. They differ in `#`: for the first it begins a comment at the start of a word only,
//! for the second anywhere outside quotes. We split as the second and never write either.

use crate::shell;

/// A line split into words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The words, unquoted.
    pub words: Vec<String>,
    /// Whether a `#` outside quotes cut the line short.
    pub comment: bool,
    /// Whether a quote or an escape was left open; the rest of the line is then one word.
    pub unbalanced: bool,
}

/// Splits a line.
///
/// ```
/// use preflight::installer::kickstart::words::split;
/// assert_eq!(split(r#"bootloader --append="a b" # x"#).words, ["bootloader", "--append=a b"]);
/// ```
pub fn split(line: &str) -> Words {
    let mut result = Words::default();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), close) if open == close => quote = None,
            (Some('"'), '\\') => match chars.next() {
                Some(escaped @ ('"' | '\\')) => word.get_or_insert_default().push(escaped),
                Some(other) => word.get_or_insert_default().extend(['\\', other]),
                None => result.unbalanced = true,
            },
            (Some(_), inner) => word.get_or_insert_default().push(inner),
            (None, '\'' | '"') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, '\\') => match chars.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => result.unbalanced = true,
            },
            (None, '#') => {
                result.comment = true;
                break;
            }
            (None, ' ' | '\t' | '\r' | '\n') => result.words.extend(word.take()),
            (None, other) => word.get_or_insert_default().push(other),
        }
    }
    result.unbalanced |= quote.is_some();
    result.words.extend(word);
    result
}

/// Quotes a word where it needs it; the name and `=` of an option stay outside the quotes.
pub fn quote(word: &str) -> String {
    let plain = |text: &str| {
        text.bytes().all(|b| b.is_ascii_alphanumeric() || b"@%_+=:,./-$*".contains(&b))
    };
    if plain(word) && !word.is_empty() {
        return word.to_owned();
    }
    match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") && plain(option) => {
            format!("{option}={}", shell::quote(value))
        }
        _ => shell::quote(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_as_the_installer_splits_them() {
        for (line, words) in [
            ("a  b\tc", &["a", "b", "c"][..]),
            ("a 'b c' \"d e\"", &["a", "b c", "d e"]),
            ("--x='a b'c", &["--x=a bc"]),
            ("a '' b", &["a", "", "b"]),
            ("a # b", &["a"]),
            ("a#b c", &["a"]),
            ("a '#b' c", &["a", "#b", "c"]),
            (r"a\ b", &["a b"]),
            (r#""a\"b\$""#, &[r#"a"b\$"#]),
            ("", &[]),
        ] {
            assert_eq!(split(line).words, words, "{line:?}");
        }
        for line in ["a 'b", "a \"b", "a\\"] {
            assert!(split(line).unbalanced, "{line:?}");
        }
    }

    #[test]
    fn what_is_quoted_splits_back_into_itself() {
        for word in ["a", "", "a b", "it's", "#x", "--append=a b", "$6$a/b", "a\\b", "\"", "a=b c"]
        {
            let split = split(&quote(word));
            assert_eq!(split.words, [word]);
            assert!(!split.comment && !split.unbalanced);
        }
        assert_eq!(quote("--append=a b"), "--append='a b'");
    }
}
