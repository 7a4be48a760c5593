//! Rewrites the texts of a JSON file and leaves every other byte as it is; a text that holds JSON is rewritten as JSON.
//!
//! Not for what the texts become.

use std::io;

use serde_json::Value;

/// Rewrites a text: what is no JSON as a whole, of JSON each text with the names of the members around it, in small letters.
///
/// # Errors
///
/// As `rewrite_text`.
pub fn rewrite(
    text: &str,
    rewrite_text: &mut dyn FnMut(&str, &str) -> io::Result<String>,
) -> io::Result<String> {
    rewrite_within(text, "", rewrite_text)
}

fn rewrite_within(
    text: &str,
    context: &str,
    rewrite_text: &mut dyn FnMut(&str, &str) -> io::Result<String>,
) -> io::Result<String> {
    if !is_json(text) {
        return rewrite_text(text, context);
    }
    let mut rewritten = String::with_capacity(text.len());
    // For each object or array around: its own name, and the name of the member that comes next.
    let mut names: Vec<String> = vec![context.to_owned()];
    let mut rest = text;
    while let Some(at) = rest.find(['"', '{', '[', '}', ']', ',']) {
        rewritten.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.as_bytes()[0] {
            b'"' => {
                let literal = &rest[..literal_length(rest)];
                rest = &rest[literal.len()..];
                let value: String = serde_json::from_str(literal)?;
                let is_name = rest.trim_start().starts_with(':');
                let around = names.join(".");
                let new = if is_name {
                    rewrite_text(&value, &around)?
                } else {
                    rewrite_within(&value, &around, rewrite_text)?
                };
                if is_name && let Some(name) = names.last_mut() {
                    *name = value.to_lowercase();
                }
                rewritten.push_str(&if new == value {
                    literal.to_owned()
                } else {
                    quoted(&new, literal)?
                });
                continue;
            }
            b'{' | b'[' => names.push(String::new()),
            b'}' | b']' => drop(names.pop()),
            _ => {}
        }
        rewritten.push_str(&rest[..1]);
        rest = &rest[1..];
    }
    rewritten.push_str(rest);
    Ok(rewritten)
}

/// Whether a text is an object or an array of JSON.
pub fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Returns the length of the literal that a text of JSON begins with.
fn literal_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Returns a text as a literal, with what is not ASCII escaped as in the literal that it stands for.
fn quoted(text: &str, like: &str) -> io::Result<String> {
    let literal = Value::from(text).to_string();
    let has_escapes = like.contains("\\u");
    let is_escaped = |c: char| has_escapes && !c.is_ascii() && !like.contains(c);
    let mut shown = String::with_capacity(literal.len());
    for c in literal.chars() {
        if c == '\u{7f}' || (is_escaped(c) && !c.is_alphanumeric()) {
            let mut units = [0; 2];
            shown.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    Ok(shown)
}
