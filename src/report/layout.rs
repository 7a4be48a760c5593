//! Text in columns: wrapping, and what came from elsewhere made visible.
//!
//! Not for colours, and not for what is said.

/// A text from elsewhere as it can be shown: what would move the cursor, change colours or turn
/// the writing direction becomes an escape.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if acts_on_terminal(char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Whether a character does more than show: a control, one that has no shape of its own and
/// changes how others look, or one that is none and that XML cannot have.
pub fn acts_on_terminal(char: char) -> bool {
    char.is_control()
        || matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Words in lines of at most `width` characters, a longer word on a line of its own.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // The last line's characters, counted once: its width may be that of the whole text.
    let mut taken = 0;
    for word in text.split_whitespace() {
        let more = word.chars().count();
        match lines.last_mut() {
            Some(line) if taken + 1 + more <= width => {
                line.push(' ');
                line.push_str(word);
                taken += 1 + more;
            }
            _ => {
                lines.push(word.to_owned());
                taken = more;
            }
        }
    }
    lines
}

/// A label and its wrapped text: the label stands before the first line, blanks before the rest.
pub(super) fn labelled(label: &str, text: &str, width: usize) -> String {
    let indent = label.chars().count();
    let lines = wrap(text, width.saturating_sub(indent).max(20));
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let before = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
        out.push_str(&format!("{before}{line}\n"));
    }
    out
}

/// A text cut to at most `width` characters.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// A text of a definition, with the line breaks it was written with taken out.
pub(super) fn sentence(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A sentence in pieces, and whether each is code: what a definition has between backticks.
pub(super) fn pieces(sentence: &str) -> Vec<(bool, &str)> {
    let pieces: Vec<&str> = sentence.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return vec![(false, sentence)];
    }
    let pieces = pieces.into_iter().enumerate().map(|(place, text)| (place % 2 == 1, text));
    pieces.filter(|(_, text)| !text.is_empty()).collect()
}

/// A number of things.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_shown_instead() {
        for (text, shown) in [
            ("plain \u{e9}", "plain \u{e9}"),
            ("\u{1b}[2Jx\r\n\u{7}", "\\u{1b}[2Jx\\r\\n\\u{7}"),
            ("a\u{202e}b\u{9b}c", "a\\u{202e}b\\u{9b}c"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn backticks_in_pairs_hold_code() {
        for (text, expected) in [
            ("plain", vec![(false, "plain")]),
            ("look for `ks=` there", vec![(false, "look for "), (true, "ks="), (false, " there")]),
            ("`a``b`", vec![(true, "a"), (true, "b")]),
            ("one ` alone", vec![(false, "one ` alone")]),
        ] {
            assert_eq!(pieces(text), expected);
        }
    }

    #[test]
    fn words_wrap_and_long_ones_stand_alone() {
        assert_eq!(wrap("aa bb  cc\ndd", 5), ["aa bb", "cc dd"]);
        assert_eq!(wrap("a bbbbbbbb c", 4), ["a", "bbbbbbbb", "c"]);
        assert_eq!(cut("abcdef", 5), "ab...");
        assert_eq!(cut("abcde", 5), "abcde");
    }
}
