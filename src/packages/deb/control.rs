//! Paragraphs of fields, as in `control`, `Packages` and `Release` (deb822(5)).
//!
//! Not for what a field means.

/// The most bytes of a text that are read: the largest suite's `Packages` has some 60 MB.
pub const MAX_TEXT: usize = 256 * 1024 * 1024;

/// One paragraph: fields in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paragraph<'t> {
    fields: Vec<(&'t str, &'t str)>,
}

impl<'t> Paragraph<'t> {
    /// The value of a field, whose case does not matter; lines that go on included, without the
    /// blanks at the ends.
    pub fn get(&self, name: &str) -> Option<&'t str> {
        let same = |(key, _): &&(&str, &str)| key.eq_ignore_ascii_case(name);
        self.fields.iter().find(same).map(|(_, value)| *value)
    }

    /// The lines of a field of many lines, each without the blanks at its ends; the first is what
    /// stands beside the name, when anything does.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &'t str> {
        self.get(name).unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// The fields.
    pub fn fields(&self) -> &[(&'t str, &'t str)] {
        &self.fields
    }
}

/// Why a text is no control file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// A line that is no field, and does not go on with one.
    #[error("line {line} is not a field: {text:?}")]
    Line {
        /// The number of the line, from 1 on.
        line: usize,
        /// The line, at most 80 characters of it.
        text: String,
    },
    /// A field that occurs twice in a paragraph.
    #[error("line {line}: the field {field} occurs twice")]
    Twice {
        /// The number of the line, from 1 on.
        line: usize,
        /// The field.
        field: String,
    },
    /// The text is too long.
    #[error("the text has {0} bytes, at most {MAX_TEXT} are read")]
    TooLong(usize),
}

/// Reads the paragraphs of a text.
///
/// # Errors
///
/// Refuses what is no field, a field that occurs twice, and a text that is too long.
///
/// ```
/// use preflight::packages::deb::control;
/// let text = "Package: lsscsi\nDepends: libc6,\n zlib1g\n\nPackage: kpartx\n";
/// let paragraphs = control::parse(text).unwrap();
/// assert_eq!(paragraphs.len(), 2);
/// assert_eq!(paragraphs[0].get("depends"), Some("libc6,\n zlib1g"));
/// assert_eq!(paragraphs[1].get("Package"), Some("kpartx"));
/// ```
pub fn parse(text: &str) -> Result<Vec<Paragraph<'_>>, ControlError> {
    if text.len() > MAX_TEXT {
        return Err(ControlError::TooLong(text.len()));
    }
    let mut paragraphs = Vec::new();
    let mut current = Paragraph::default();
    // Where the last field's name and value begin, and where its value ends so far.
    let mut open: Option<(&str, usize, usize)> = None;
    let mut at = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += whole.len();
        let line = whole.trim_end_matches(['\n', '\r']);
        let refuse = || {
            let text = line.chars().take(80).collect();
            Err(ControlError::Line { line: index + 1, text })
        };
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            close(text, &mut open, &mut current);
            if !current.fields.is_empty() {
                paragraphs.push(std::mem::take(&mut current));
            }
            continue;
        }
        if line.starts_with([' ', '\t']) {
            match &mut open {
                Some((_, _, end)) => *end = start + line.len(),
                None => return refuse(),
            }
            continue;
        }
        close(text, &mut open, &mut current);
        let Some((name, _)) = line.split_once(':') else { return refuse() };
        let is_name = |byte: u8| byte.is_ascii_graphic() && byte != b':';
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(is_name) {
            return refuse();
        }
        if current.get(name).is_some() {
            return Err(ControlError::Twice { line: index + 1, field: name.to_owned() });
        }
        open = Some((name, start + name.len() + 1, start + line.len()));
    }
    close(text, &mut open, &mut current);
    if !current.fields.is_empty() {
        paragraphs.push(current);
    }
    Ok(paragraphs)
}

fn close<'t>(
    text: &'t str,
    open: &mut Option<(&'t str, usize, usize)>,
    paragraph: &mut Paragraph<'t>,
) {
    if let Some((name, start, end)) = open.take() {
        paragraph.fields.push((name, text[start..end].trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_field_is_refused() {
        for (text, line) in [(" a\n", 1), ("a\n", 1), ("A: b\n\n c: d\n", 3), (": a\n", 1)] {
            match parse(text) {
                Err(ControlError::Line { line: seen, .. }) => assert_eq!(seen, line, "{text:?}"),
                other => panic!("{text:?}: {other:?}"),
            }
        }
        assert_eq!(
            parse("A: b\na: c\n"),
            Err(ControlError::Twice { line: 2, field: "a".to_owned() })
        );
        assert_eq!(parse("\n\n# c\n"), Ok(Vec::new()));
    }

    #[test]
    fn lines_of_a_field_are_told_apart() {
        let text = "SHA256:\n ab 1 x\n cd 2 y\r\nOrigin: Debian\n";
        let paragraph = &parse(text).unwrap()[0];
        assert_eq!(paragraph.lines("SHA256").collect::<Vec<_>>(), ["ab 1 x", "cd 2 y"]);
        assert_eq!(paragraph.get("Origin"), Some("Debian"));
        assert_eq!(paragraph.fields().len(), 2);
    }
}
