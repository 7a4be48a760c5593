//! One answer: who asks, the question, what kind of value it has, and the value (debconf's
//! debconf-set-selections(1)).
//!
//! Not for which questions there are.

use std::fmt;

/// Questions whose answers come from the recipe; a profile must not answer them.
const FROM_RECIPE: &[&str] = &[
    "debian-installer/locale",
    "keyboard-configuration/",
    "netcfg/",
    "time/zone",
    "clock-setup/utc",
    "partman-auto/",
    "partman/",
    "partman-lvm/",
    "partman-md/",
    "partman-partitioning/",
    "passwd/",
    "user-setup/",
    "pkgsel/include",
    "grub-installer/bootdev",
    "debian-installer/add-kernel-opts",
    "preseed/",
    "apt-setup/local",
];

/// What kind of value a question has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum AnswerKind {
    /// Any text.
    String,
    /// `true` or `false`.
    Boolean,
    /// One of several.
    Select,
    /// Some of several, with commas between.
    Multiselect,
    /// A text that is not shown.
    Password,
    /// Something that is only shown.
    Note,
}

impl AnswerKind {
    /// The word in a preseed.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreseedAnswer {
    /// The package that asks; `d-i` for all of the installer's.
    pub owner: String,
    /// The question, such as `netcfg/get_hostname`.
    pub question: String,
    /// What kind of value it has.
    pub kind: AnswerKind,
    /// The value; may be empty.
    pub value: String,
}

impl PreseedAnswer {
    /// An answer to a question of the installer.
    pub fn new(question: &str, kind: AnswerKind, value: impl Into<String>) -> Self {
        Self { owner: "d-i".to_owned(), question: question.to_owned(), kind, value: value.into() }
    }

    /// Reads one line that is neither empty nor a comment. The value is what follows the first
    /// blank behind the kind.
    ///
    /// ```
    /// use preflight::installer::preseed::PreseedAnswer;
    /// let answer = PreseedAnswer::parse_line("d-i  time/zone string Etc/UTC").unwrap();
    /// assert_eq!((&answer.question[..], &answer.value[..]), ("time/zone", "Etc/UTC"));
    /// assert_eq!(answer.to_string(), "d-i time/zone string Etc/UTC");
    /// assert_eq!(PreseedAnswer::parse_line("d-i time/zone text Etc/UTC"), None);
    /// ```
    pub fn parse_line(line: &str) -> Option<Self> {
        let (owner, rest) = split_word(line);
        let (question, rest) = split_word(rest);
        let (kind, value) = split_word(rest);
        let answer = Self {
            owner: owner.to_owned(),
            question: question.to_owned(),
            kind: kind.parse().ok()?,
            value: value.trim_end().to_owned(),
        };
        answer.is_writable().then_some(answer)
    }

    /// Whether its line says this and nothing else: printable ASCII, one line, no blanks at the
    /// ends of the value, and no backslash that would continue it.
    pub fn is_writable(&self) -> bool {
        let is_name = |text: &str| {
            !text.is_empty()
                && !text.starts_with('#')
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+/-".contains(&b))
        };
        is_name(&self.owner)
            && is_name(&self.question)
            && self.question.contains('/')
            && self.value.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
            && self.value.trim() == self.value
            && !self.value.ends_with('\\')
            && (self.kind != AnswerKind::Boolean || matches!(&self.value[..], "true" | "false"))
    }

    /// Whether the answer to its question is made from the recipe.
    pub fn is_made_from_recipe(&self) -> bool {
        FROM_RECIPE.iter().any(|made| match made.strip_suffix('/') {
            Some(_) => self.question.starts_with(made),
            None => {
                self.question == *made
                    || *made == "apt-setup/local" && self.question.starts_with(made)
            }
        })
    }
}

impl fmt::Display for PreseedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.owner, self.question, self.kind.as_str())?;
        if self.value.is_empty() { Ok(()) } else { write!(f, " {}", self.value) }
    }
}

/// Splits a text into its first word and the rest, without the blanks between.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.find([' ', '\t']) {
        Some(end) => (&text[..end], text[end..].trim_start_matches([' ', '\t'])),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (question, kind, value) in [
            ("netcfg/get_nameservers", AnswerKind::String, "192.0.2.1 192.0.2.2"),
            ("tasksel/first", AnswerKind::Multiselect, ""),
            ("passwd/root-password-crypted", AnswerKind::Password, "$6$a$b/c."),
            ("partman/early_command", AnswerKind::String, "sh /preflight/guard.sh"),
        ] {
            let answer = PreseedAnswer::new(question, kind, value);
            assert!(answer.is_writable());
            assert_eq!(PreseedAnswer::parse_line(&answer.to_string()), Some(answer));
        }
    }

    #[test]
    fn what_would_be_read_as_something_else_is_not_written() {
        for value in [" a", "a ", "a\nd-i b/c string d", "a\\", "\u{e4}", "a\tb", "a\0b", "a\rb"] {
            assert!(
                !PreseedAnswer::new("a/b", AnswerKind::String, value).is_writable(),
                "{value:?}"
            );
        }
        for question in ["", "a", "a b/c", "#a/b", "a/b\n"] {
            assert!(
                !PreseedAnswer::new(question, AnswerKind::String, "x").is_writable(),
                "{question:?}"
            );
        }
        assert!(!PreseedAnswer::new("a/b", AnswerKind::Boolean, "yes").is_writable());
        for line in ["", "d-i", "d-i a/b", "d-i a/b strin x", "d-i a/b boolean maybe"] {
            assert_eq!(PreseedAnswer::parse_line(line), None, "{line:?}");
        }
    }
}
