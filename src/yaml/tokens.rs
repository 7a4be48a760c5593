//! The tokens of a YAML text, found as libyaml's scanner finds them, as far as it takes to know
//! which brackets nest and which words are anchors and aliases.
//!
//! The parser behind `serde_yaml` takes time by the square of how deep brackets nest, before it
//! tells anything, and its tokens are not to be had without `unsafe`. So this follows its scanner
//! step by step (libyaml-rs 0.3, `scanner.rs`; the names here are its own): where a plain scalar
//! ends depends on indentation and on simple keys, and with them on every token before. Where the
//! scanner would stop with an error this may go on: nothing behind that place costs anything.
//!
//! Line breaks that few expect (a lone CR, NEL, LS, PS) are refused by the caller. Not for
//! values: the parser reads those.

/// The deepest nesting of `[` and `{` that is parsed.
pub const MAX_FLOW_DEPTH: usize = 32;

/// A refused token; line and column count from 1.
pub(super) struct RefusedToken {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) why: RefusalReason,
}

/// Why a token is refused.
pub(super) enum RefusalReason {
    /// A bracket inside [`MAX_FLOW_DEPTH`] others.
    TooDeep,
    /// An anchor or an alias.
    Alias,
    /// `!<...>`, which may contain the characters that end any other tag.
    Tag,
}

/// The most characters between a simple key and its colon.
const MAX_KEY_CHARS: usize = 1024;

/// Fails at the first refused token.
pub(super) fn check_tokens(text: &str) -> Result<(), RefusedToken> {
    let mut scanner = Scanner {
        chars: text.chars().collect(),
        index: 0,
        line: 0,
        column: 0,
        flow_level: 0,
        indent: -1,
        indents: Vec::new(),
        simple_key: None,
        simple_key_allowed: true,
    };
    while scanner.next_token()? {}
    Ok(())
}

/// Where a simple key may begin.
#[derive(Clone, Copy)]
struct SimpleKey {
    index: usize,
    line: usize,
    column: usize,
}

struct Scanner {
    chars: Vec<char>,
    index: usize,
    line: usize,
    column: usize,
    flow_level: usize,
    /// The column of the innermost block collection, -1 outside of all.
    indent: isize,
    indents: Vec<isize>,
    /// The possible key outside of all brackets; those inside have no part in indentation.
    simple_key: Option<SimpleKey>,
    simple_key_allowed: bool,
}

impl Scanner {
    /// Scans one token; false at the end.
    fn next_token(&mut self) -> Result<bool, RefusedToken> {
        self.scan_to_next_token();
        self.stale_simple_key();
        self.unroll_indent(self.signed_column());
        let Some(first) = self.at(0) else { return Ok(false) };
        if self.column == 0 && first == '%' {
            self.unroll_indent(-1);
            self.remove_simple_key();
            self.simple_key_allowed = false;
            self.skip_line();
            return Ok(true);
        }
        if self.document_indicator() {
            self.unroll_indent(-1);
            self.remove_simple_key();
            self.simple_key_allowed = false;
            self.skip(3);
            return Ok(true);
        }
        match first {
            '[' | '{' => self.open()?,
            ']' | '}' => {
                self.remove_simple_key();
                self.flow_level = self.flow_level.saturating_sub(1);
                self.simple_key_allowed = false;
                self.skip(1);
            }
            ',' => {
                self.remove_simple_key();
                self.simple_key_allowed = true;
                self.skip(1);
            }
            '-' if self.blank_or_end(1) => {
                self.roll_indent(self.signed_column());
                self.remove_simple_key();
                self.simple_key_allowed = true;
                self.skip(1);
            }
            '?' if self.flow_level > 0 || self.blank_or_end(1) => {
                self.roll_indent(self.signed_column());
                self.remove_simple_key();
                self.simple_key_allowed = self.flow_level == 0;
                self.skip(1);
            }
            ':' if self.flow_level > 0 || self.blank_or_end(1) => self.value(),
            '*' | '&' => return Err(self.refused(RefusalReason::Alias)),
            '!' => {
                self.save_simple_key();
                self.simple_key_allowed = false;
                self.tag()?;
            }
            '|' | '>' if self.flow_level == 0 => {
                self.remove_simple_key();
                self.simple_key_allowed = true;
                self.block_scalar();
            }
            '\'' | '"' => {
                self.save_simple_key();
                self.simple_key_allowed = false;
                self.quoted_scalar(first);
            }
            // The scanner stops at these: no token begins with one here.
            '|' | '>' | '%' | '@' | '`' | '\t' => return Ok(false),
            _ => {
                self.save_simple_key();
                self.simple_key_allowed = false;
                self.plain_scalar();
            }
        }
        Ok(true)
    }

    fn open(&mut self) -> Result<(), RefusedToken> {
        self.save_simple_key();
        self.flow_level += 1;
        if self.flow_level > MAX_FLOW_DEPTH {
            return Err(self.refused(RefusalReason::TooDeep));
        }
        self.simple_key_allowed = true;
        self.skip(1);
        Ok(())
    }

    fn value(&mut self) {
        if self.flow_level > 0 {
            self.simple_key_allowed = false;
        } else if let Some(key) = self.simple_key.take() {
            self.roll_indent(isize::try_from(key.column).unwrap_or(isize::MAX));
            self.simple_key_allowed = false;
        } else {
            self.roll_indent(self.signed_column());
            self.simple_key_allowed = true;
        }
        self.skip(1);
    }

    fn scan_to_next_token(&mut self) {
        loop {
            if self.column == 0 && self.at(0) == Some('\u{feff}') {
                self.skip(1);
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.at(0) == Some(' ') || tabs && self.at(0) == Some('\t') {
                self.skip(1);
            }
            if self.at(0) == Some('#') {
                self.skip_line();
            }
            if !self.take_break() {
                return;
            }
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn tag(&mut self) -> Result<(), RefusedToken> {
        if self.at(1) == Some('<') {
            return Err(self.refused(RefusalReason::Tag));
        }
        while !(self.blank_or_end(0) || self.flow_level > 0 && self.at(0) == Some(',')) {
            self.skip(1);
        }
        Ok(())
    }

    fn quoted_scalar(&mut self, quote: char) {
        self.skip(1);
        while let Some(char) = self.at(0) {
            if self.document_indicator() {
                // The scanner stops there.
                self.index = self.chars.len();
            } else if self.take_break() {
            } else if char == quote && quote == '\'' && self.at(1) == Some('\'') {
                self.skip(2);
            } else if char == quote {
                self.skip(1);
                return;
            } else if quote == '"' && char == '\\' && !self.is_break(1) {
                self.skip(2);
            } else {
                self.skip(1);
            }
        }
    }

    fn plain_scalar(&mut self) {
        let mut leading_blanks = false;
        loop {
            if self.document_indicator() || self.at(0) == Some('#') {
                break;
            }
            while !self.blank_or_end(0) {
                let ends = match self.at(0) {
                    Some(':') => self.blank_or_end(1),
                    Some(',' | '[' | ']' | '{' | '}') => self.flow_level > 0,
                    _ => false,
                };
                if ends {
                    break;
                }
                leading_blanks = false;
                self.skip(1);
            }
            if !self.blank(0) && !self.is_break(0) {
                break;
            }
            loop {
                if self.take_break() {
                    leading_blanks = true;
                } else if self.blank(0) {
                    self.skip(1);
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && self.signed_column() < self.indent + 1 {
                break;
            }
        }
        if leading_blanks {
            self.simple_key_allowed = true;
        }
    }

    fn block_scalar(&mut self) {
        self.skip(1);
        let mut increment = 0;
        while let Some(char @ ('+' | '-' | '1'..='9')) = self.at(0) {
            increment = char.to_digit(10).map_or(increment, |digit| digit as isize);
            self.skip(1);
        }
        self.skip_line();
        self.take_break();
        let mut indent = if increment == 0 { 0 } else { self.indent.max(0) + increment };
        self.block_scalar_breaks(&mut indent);
        while self.signed_column() == indent && self.at(0).is_some() {
            self.skip_line();
            self.take_break();
            self.block_scalar_breaks(&mut indent);
        }
    }

    /// Skips indentation and empty lines, and finds how far the scalar is indented when that is
    /// not known yet.
    fn block_scalar_breaks(&mut self, indent: &mut isize) {
        let mut max_indent = 0;
        loop {
            while (*indent == 0 || self.signed_column() < *indent) && self.at(0) == Some(' ') {
                self.skip(1);
            }
            max_indent = max_indent.max(self.signed_column());
            if !self.take_break() {
                break;
            }
        }
        if *indent == 0 {
            *indent = max_indent.max(self.indent + 1).max(1);
        }
    }

    fn save_simple_key(&mut self) {
        if self.simple_key_allowed && self.flow_level == 0 {
            let Self { index, line, column, .. } = *self;
            self.simple_key = Some(SimpleKey { index, line, column });
        }
    }

    fn remove_simple_key(&mut self) {
        if self.flow_level == 0 {
            self.simple_key = None;
        }
    }

    fn stale_simple_key(&mut self) {
        let (line, index) = (self.line, self.index);
        self.simple_key =
            self.simple_key.filter(|key| key.line == line && key.index + MAX_KEY_CHARS >= index);
    }

    fn roll_indent(&mut self, column: isize) {
        if self.flow_level == 0 && self.indent < column {
            self.indents.push(self.indent);
            self.indent = column;
        }
    }

    fn unroll_indent(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn document_indicator(&self) -> bool {
        let three = |char| (0..3).all(|ahead| self.at(ahead) == Some(char));
        self.column == 0 && (three('-') || three('.')) && self.blank_or_end(3)
    }

    fn at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.index + ahead).copied().filter(|char| *char != '\0')
    }

    fn blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), Some(' ' | '\t'))
    }

    fn is_break(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), Some('\n' | '\r'))
    }

    fn blank_or_end(&self, ahead: usize) -> bool {
        self.at(ahead).is_none() || self.blank(ahead) || self.is_break(ahead)
    }

    fn skip(&mut self, count: usize) {
        self.index += count;
        self.column += count;
    }

    /// Skips what is left of the line.
    fn skip_line(&mut self) {
        while self.at(0).is_some() && !self.is_break(0) {
            self.skip(1);
        }
    }

    /// Takes a line break, if one is here; CR LF is one.
    fn take_break(&mut self) -> bool {
        if !self.is_break(0) {
            return false;
        }
        self.index += if self.at(0) == Some('\r') && self.at(1) == Some('\n') { 2 } else { 1 };
        self.line += 1;
        self.column = 0;
        true
    }

    fn signed_column(&self) -> isize {
        isize::try_from(self.column).unwrap_or(isize::MAX)
    }

    fn refused(&self, why: RefusalReason) -> RefusedToken {
        RefusedToken { line: self.line + 1, column: self.column + 1, why }
    }
}
