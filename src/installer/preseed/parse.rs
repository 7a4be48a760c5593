//! The answers of a preseed's text, whoever wrote it.
//!
//! Not for what they mean (`facts`), nor for whether they are good (`lint`).

use super::answer::PreseedAnswer;

/// A preseed's text, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreseedDocument {
    /// The answers, each with the number of its first line, from 1 on.
    pub answers: Vec<(usize, PreseedAnswer)>,
    /// Lines that are no answer, with their numbers.
    pub strays: Vec<(usize, String)>,
}

impl PreseedDocument {
    /// The value that counts: the last one's, as for debconf.
    pub fn value(&self, question: &str) -> Option<&str> {
        let same = |(_, answer): &&(usize, PreseedAnswer)| answer.question == question;
        self.answers.iter().rev().find(same).map(|(_, answer)| answer.value.as_str())
    }

    /// Whether a question is answered with `true`.
    pub fn is_true(&self, question: &str) -> bool {
        self.value(question) == Some("true")
    }
}

/// Takes a text apart. A line that ends with a backslash goes on in the next.
///
/// ```
/// use preflight::installer::preseed::parse::parse;
/// let document = parse("# c\nd-i a/b string x \\\n  y\nnonsense\n");
/// assert_eq!(document.value("a/b"), Some("x   y"));
/// assert_eq!(document.strays, [(4, "nonsense".to_owned())]);
/// ```
pub fn parse(text: &str) -> PreseedDocument {
    let mut document = PreseedDocument::default();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let number = index + 1;
        if first.trim().is_empty() || first.trim_start().starts_with('#') {
            continue;
        }
        let mut whole = first.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, more)) => whole.push_str(more),
                None => break,
            }
        }
        match PreseedAnswer::parse_line(&whole) {
            Some(answer) => document.answers.push((number, answer)),
            None => document.strays.push((number, whole)),
        }
    }
    document
}
