//! Limits on XML before a parser reads it: balanced tags, and sizes of elements.
//!
//! Not an XML parser: it follows tags only. rpmrepo_metadata 0.9.1 loops for ever when a document
//! ends within an element (`primary.rs`, `parse_format_block`) and keeps an element in memory, so
//! an unbalanced end and a huge element must be errors of reading.

use std::io::{self, Read};

/// The most levels of elements; metadata has six.
const MOST_DEPTH: u32 = 32;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Text,
    /// After `<`.
    Open,
    /// Within a start tag: the open quote, and whether the last byte was `/`.
    Tag(u8, bool),
    Close,
    /// Within `<?`, and whether the last byte was `?`.
    Instruction(bool),
    /// After `<!`, and how many bytes of the mark of a comment or CDATA were read.
    Bang(usize),
    /// Within a comment, and how many bytes of `-->` were read.
    Comment(usize),
    /// Within CDATA, and how many bytes of `]]>` were read.
    Data(usize),
    /// Within a document type.
    Doctype,
}

/// A reader of XML that fails when its tags are not balanced, or when an element below the root,
/// with what stands before it, is larger than a limit.
pub(super) struct BoundedXml<R> {
    inner: R,
    state: State,
    bang: [u8; 7],
    depth: u32,
    rooted: bool,
    item: u64,
    most_item: u64,
    total: u64,
    most: u64,
}

impl<R: Read> BoundedXml<R> {
    /// Allows `most` bytes, and `most_item` for one element below the root.
    pub(super) fn new(inner: R, most: u64, most_item: u64) -> Self {
        Self {
            inner,
            state: State::Text,
            bang: [0; 7],
            depth: 0,
            rooted: false,
            item: 0,
            most_item,
            total: 0,
            most,
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        self.state = match (self.state, byte) {
            (State::Text, b'<') => State::Open,
            (State::Text, _) => State::Text,
            (State::Open, b'?') => State::Instruction(false),
            (State::Open, b'!') => State::Bang(0),
            (State::Open, b'/') => State::Close,
            (State::Open, _) => {
                if self.depth == 0 && std::mem::replace(&mut self.rooted, true) {
                    return Err("it has a second root");
                }
                State::Tag(0, false)
            }
            (State::Tag(0, true), b'>') => State::Text,
            (State::Tag(0, false), b'>') => {
                self.depth += 1;
                if self.depth > MOST_DEPTH {
                    return Err("its elements are nested too deeply");
                }
                State::Text
            }
            (State::Tag(0, _), quote @ (b'"' | b'\'')) => State::Tag(quote, false),
            (State::Tag(0, _), b'<') => return Err("a tag holds another"),
            (State::Tag(0, _), byte) => State::Tag(0, byte == b'/'),
            (State::Tag(quote, _), byte) if quote == byte => State::Tag(0, false),
            (State::Tag(quote, _), _) => State::Tag(quote, false),
            (State::Close, b'>') => {
                self.depth = self.depth.checked_sub(1).ok_or("a tag closes nothing")?;
                State::Text
            }
            (State::Close, _) => State::Close,
            (State::Instruction(true), b'>') => State::Text,
            (State::Instruction(_), byte) => State::Instruction(byte == b'?'),
            (State::Bang(seen), byte) => {
                self.bang[seen] = byte;
                match &self.bang[..=seen] {
                    b"--" => State::Comment(0),
                    b"[CDATA[" => State::Data(0),
                    part if b"--".starts_with(part) || b"[CDATA[".starts_with(part) => {
                        State::Bang(seen + 1)
                    }
                    b"D" if self.depth == 0 && !self.rooted => State::Doctype,
                    _ => return Err("it declares something where nothing may be declared"),
                }
            }
            (State::Comment(seen), byte) => match (seen, byte) {
                (2, b'>') => State::Text,
                (2, b'-') => State::Comment(2),
                (_, b'-') => State::Comment(seen + 1),
                _ => State::Comment(0),
            },
            (State::Data(seen), byte) => match (seen, byte) {
                (2, b'>') => State::Text,
                (2, b']') => State::Data(2),
                (_, b']') => State::Data(seen + 1),
                _ => State::Data(0),
            },
            (State::Doctype, b'>') => State::Text,
            (State::Doctype, b'<' | b'[') => return Err("its document type declares entities"),
            (State::Doctype, _) => State::Doctype,
        };
        Ok(())
    }
}

impl<R: Read> Read for BoundedXml<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bad = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
        if buffer.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(buffer)?;
        if n == 0 && (self.depth != 0 || self.state != State::Text || !self.rooted) {
            return Err(bad("it ends within an element"));
        }
        self.total += n as u64;
        if self.total > self.most {
            return Err(bad("it is larger than any repository's"));
        }
        for &byte in &buffer[..n] {
            let before = self.state;
            self.step(byte).map_err(bad)?;
            let closed = self.state == State::Text
                && matches!(before, State::Close | State::Tag(0, true))
                && self.depth <= 1;
            // Blanks and comments before an element are kept in memory as well.
            self.item = if closed { 0 } else { self.item + 1 };
            if self.item > self.most_item {
                return Err(bad("one of its elements is larger than any package's"));
            }
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_through(xml: &str) -> Result<String, String> {
        let mut text = String::new();
        BoundedXml::new(xml.as_bytes(), 1000, 100)
            .read_to_string(&mut text)
            .map(|_| text)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn balanced_documents_pass_unchanged() {
        for xml in [
            "<a/>",
            "<?xml version=\"1.0\"?>\n<a><b c=\"x>y\" d='/'/>text<!-- <z> -- > --></a>\n",
            "<!DOCTYPE comps PUBLIC \"-//Red Hat, Inc.//DTD Comps info//EN\" \"comps.dtd\">\n<a></a>",
            "<a><![CDATA[ </b> ]]]></a>",
        ] {
            assert_eq!(read_through(xml).as_deref(), Ok(xml));
        }
    }

    #[test]
    fn what_a_reader_could_hang_on_is_an_error() {
        let big = format!("<a><b>{}</b></a>", "x".repeat(200));
        let deep = "<a>".repeat(40);
        let long = format!("<a>{}</a>", "<b></b>".repeat(200));
        let blanks = |before: &str, after: &str| format!("{before}{}{after}", " ".repeat(200));
        let between = blanks("<a><b/>", "<b/></a>");
        let first = blanks("<a>", "<b/></a>");
        let last = blanks("<a><b/>", "</a>");
        let (leading, trailing) = (blanks("", "<a/>"), blanks("<a/>", ""));
        let comments = format!("<a><b/>{}<b/></a>", "<!-- x --> ".repeat(20));
        let instructions = format!("<a><b/>{}<b/></a>", "<?x y?>".repeat(20));
        for xml in [
            "",
            "text",
            "<a>",
            "<a><b></a>",
            "<a",
            "<a b=\"",
            "<a/><b/>",
            "</a>",
            "<a><!-- </a>",
            "<a><![CDATA[</a>",
            "<a><?x </a>",
            "<a><!DOCTYPE b></a>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
            "<!DOCTYPE a \"> <b></b> \"><a>",
            &big,
            &deep,
            &long,
            &between,
            &first,
            &last,
            &leading,
            &trailing,
            &comments,
            &instructions,
        ] {
            assert!(read_through(xml).is_err(), "{xml:?}");
        }
    }
}
