//! How a check, a symptom or a step is recognised in what people write and programs print.
//!
//! Not for finding one in a text: that is `knowledge`'s.

use regex::bytes::RegexBuilder;

/// The longest text of `said_as`, in characters.
pub const MAX_SAID_CHARS: usize = 200;

/// The longest signature, in bytes.
const MAX_SIGNATURE_BYTES: usize = 200;

/// How large a compiled signature may become.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// What one entry is recognised by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognition {
    /// What people, logs and other programs say of it, each as it is said.
    pub said_as: Vec<String>,
    /// Error codes that mean it.
    pub codes: Vec<String>,
    /// Regular expressions over the lines of a log, without regard to case.
    pub signatures: Vec<String>,
}

/// What is wrong with what an entry is recognised by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecognitionError {
    /// A text is missing.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// A text that nobody says as a whole.
    #[error("said_as {0:?}: {1} characters, at most {MAX_SAID_CHARS} are read")]
    Long(String, usize),
    /// The same text twice.
    #[error("said_as {0:?} is written twice")]
    Twice(String),
    /// A pattern that is none, or a costly one.
    #[error("pattern {0:?}: {1}")]
    Pattern(String, String),
}

impl Recognition {
    /// Verifies that every text says something and that every signature compiles.
    ///
    /// # Errors
    ///
    /// [`RecognitionError`] for the first that does not.
    pub fn verify(&self) -> Result<(), RecognitionError> {
        verify_said_as(&self.said_as)?;
        if self.codes.iter().any(|code| code.trim().is_empty()) {
            return Err(RecognitionError::Blank("codes"));
        }
        self.signatures.iter().try_for_each(|pattern| verify_signature(pattern))
    }
}

/// Verifies the texts of `said_as`.
///
/// # Errors
///
/// [`RecognitionError`] for the first that is blank, too long, or written twice.
pub fn verify_said_as(texts: &[String]) -> Result<(), RecognitionError> {
    for (index, text) in texts.iter().enumerate() {
        if text.trim().is_empty() {
            return Err(RecognitionError::Blank("said_as"));
        }
        let length = text.chars().count();
        if length > MAX_SAID_CHARS {
            let text = text.chars().take(40).collect();
            return Err(RecognitionError::Long(text, length));
        }
        if texts[..index].iter().any(|earlier| earlier.eq_ignore_ascii_case(text)) {
            return Err(RecognitionError::Twice(text.clone()));
        }
    }
    Ok(())
}

/// Verifies one signature.
///
/// They are matched in time linear in the text, whatever they say; what is bounded here is what they
/// cost by themselves.
///
/// # Errors
///
/// [`RecognitionError`] when it is blank, too long, no regular expression, or matches every text.
pub fn verify_signature(pattern: &str) -> Result<(), RecognitionError> {
    let wrong = |why| RecognitionError::Pattern(pattern.to_owned(), why);
    if pattern.trim().is_empty() {
        return Err(RecognitionError::Blank("pattern"));
    }
    if pattern.len() > MAX_SIGNATURE_BYTES {
        let length = pattern.len();
        return Err(wrong(format!("{length} bytes, at most {MAX_SIGNATURE_BYTES} are read")));
    }
    let compiled = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    if compiled.is_match(b"") {
        return Err(wrong("it matches nothing at all, and so every text".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(said_as: &[&str], codes: &[&str], signatures: &[&str]) -> Option<String> {
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let recognition = Recognition {
            said_as: list(said_as),
            codes: list(codes),
            signatures: list(signatures),
        };
        recognition.verify().err().map(|error| error.to_string())
    }

    #[test]
    fn what_an_entry_is_recognised_by_says_something() {
        assert_eq!(refusal(&["no space left on device"], &["8061"], &["^mount: .* busy"]), None);
        let long = "x".repeat(MAX_SAID_CHARS + 1);
        for (said_as, codes, signatures, says) in [
            (&[" "][..], &[][..], &[][..], "said_as is blank"),
            (&[long.as_str()], &[], &[], "201 characters, at most 200 are read"),
            (&["a b", "A b"], &[], &[], "said_as \"A b\" is written twice"),
            (&[], &[""], &[], "codes is blank"),
            (&[], &[], &[""], "pattern is blank"),
            (&[], &[], &["a(b"], "unclosed group"),
            (&[], &[], &["(x{900}){900}"], "size limit"),
            (&[], &[], &["(a)?"], "it matches nothing at all"),
            (&[], &[], &[long.as_str()], "201 bytes, at most 200 are read"),
        ] {
            let message = refusal(said_as, codes, signatures).expect(says);
            assert!(message.contains(says), "{says}: {message}");
        }
    }
}
