//! Text in columns: wrapping, and what came from elsewhere made visible.
//!
//! Not for colours, and not for what is said.

/// Escapes what a text from a host must not do to a terminal: move the cursor, change colours or turn
/// the writing direction.
pub(super) fn make_visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unprintable(char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Whether a character does more than show, or does not show at all: a control, one that has no
/// shape of its own and changes how others look, one that is blank and no space, or one that is
/// none and that XML cannot have.
///
/// The ranges are Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt 16.0), whose
/// purpose is to be drawn as nothing; format characters beside them (category Cf) but those that
/// are drawn; and three letters and symbols that are blank.
pub fn is_unprintable(char: char) -> bool {
    let ignorable = matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}');
    let formats = matches!(char,
        '\u{2028}'..='\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}');
    let blank = matches!(char, '\u{2800}' | '\u{16fe4}' | '\u{1d159}');
    let none = u32::from(char) & 0xfffe == 0xfffe || matches!(char, '\u{fdd0}'..='\u{fdef}');
    char.is_control() || ignorable || formats || blank || none
}

/// Wraps words to lines of at most `width` characters, a longer word on a line of its own.
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

/// Wraps a text behind a label: the label stands before the first line, blanks before the rest.
pub(super) fn wrap_labelled(label: &str, text: &str, width: usize) -> String {
    let indent = label.chars().count();
    let lines = wrap(text, width.saturating_sub(indent).max(20));
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let before = if index == 0 { label.to_owned() } else { " ".repeat(indent) };
        out.push_str(&format!("{before}{line}\n"));
    }
    out
}

/// Truncates a text to at most `width` characters.
pub(super) fn truncate(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Returns a text of a definition on one line.
pub(super) fn single_line(text: &str) -> String {
    make_visible(&fold(text))
}

/// Replaces every run of white space by one blank.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a text with its first letter in upper case.
pub(super) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Splits a sentence at backticks; each piece says whether it is code.
pub(super) fn split_code(sentence: &str) -> Vec<(bool, &str)> {
    let pieces: Vec<&str> = sentence.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return vec![(false, sentence)];
    }
    let pieces = pieces.into_iter().enumerate().map(|(place, text)| (place % 2 == 1, text));
    pieces.filter(|(_, text)| !text.is_empty()).collect()
}

/// Returns a text up to its first full stop or colon that ends a thought.
pub(super) fn first_sentence(text: &str) -> String {
    let end = text.match_indices(". ").map(|(at, _)| at + 1).find(|&at| at > 12);
    end.map_or(text, |at| &text[..at]).trim_end_matches('.').to_owned()
}

/// Returns a number with its noun.
pub(super) fn pluralize(count: usize, what: &str) -> String {
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
            assert_eq!(make_visible(text), shown);
        }
        let unseen = "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{180f}\u{200b}\u{200f}\
            \u{2028}\u{202e}\u{2060}\u{2065}\u{2069}\u{2800}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff0}\
            \u{fffb}\u{fffe}\u{fdd0}\u{13430}\u{16fe4}\u{1bca0}\u{1d159}\u{1d173}\u{1fffe}\u{e0001}\u{e007f}\
            \u{e0100}\u{e01ef}\u{e0fff}\u{10ffff}";
        for char in unseen.chars() {
            assert!(is_unprintable(char), "{}", char.escape_unicode());
        }
        let seen = "aé ß\u{a0}\u{2009}\u{3000}\u{fffd}\u{1100}\u{1161}\u{3131}\u{2801}\u{3042}\u{5d0}\u{627}\u{e000}\u{1f600}";
        for char in seen.chars() {
            assert!(!is_unprintable(char), "{}", char.escape_unicode());
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
            assert_eq!(split_code(text), expected);
        }
    }

    #[test]
    fn words_wrap_and_long_ones_stand_alone() {
        assert_eq!(wrap("aa bb  cc\ndd", 5), ["aa bb", "cc dd"]);
        assert_eq!(wrap("a bbbbbbbb c", 4), ["a", "bbbbbbbb", "c"]);
        assert_eq!(truncate("abcdef", 5), "ab...");
        assert_eq!(truncate("abcde", 5), "abcde");
    }
}
