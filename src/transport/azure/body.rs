//! The JSON of an answer or of an exported file, read within limits.
//!
//! Refused: what is cut off or no JSON, members that stand twice (two readers would take different ones), more
//! values or a deeper nesting than any real body has. Not for what the objects mean.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The most bytes of one body. The longest recorded ones, lists of jobs, have about 70 thousand.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The most values in one body: one takes about 80 bytes of memory.
pub const MAX_VALUES: usize = 1_000_000;

/// The deepest nesting; real bodies have about ten levels.
const MAX_DEPTH: usize = 64;

/// Why a body is not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// No JSON, or one that breaks a limit.
    #[error("the answer is not JSON that can be read: {0}")]
    Json(String),
    /// It has another content, such as the page of a gateway.
    #[error("the answer is not JSON: it begins with {0:?}")]
    NotJson(String),
    /// Neither an object nor a list of objects.
    #[error("the answer holds no object")]
    NoObject,
}

/// The objects of one body.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// The objects: the entries of a list, or the object itself.
    pub objects: Vec<Value>,
    /// The link to the next page of the list.
    pub next: Option<String>,
    /// Whether it is a list.
    pub is_list: bool,
}

/// Parses a body. A byte order mark before it is skipped.
///
/// # Errors
///
/// Fails for what is no JSON and for what breaks a limit.
pub fn parse(bytes: &[u8]) -> Result<Value, BodyError> {
    let mut values = parse_several(bytes, MAX_VALUES)?;
    match (values.pop(), values.is_empty()) {
        (Some(value), true) => Ok(value),
        _ => Err(BodyError::Json("something stands behind it".to_owned())),
    }
}

/// Parses bodies that stand one behind the other, as commands in a loop leave them in one file. Text of UTF-16, which
/// PowerShell writes where output is redirected, is read as well.
///
/// # Errors
///
/// As [`parse`]; there is at least one body.
pub fn parse_several(bytes: &[u8], max_values: usize) -> Result<Vec<Value>, BodyError> {
    let decoded = from_utf16(bytes)?;
    let bytes = decoded.as_deref().map_or(bytes, str::as_bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        let start: String = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let start = start.trim_start().chars().filter(|c| !c.is_control()).take(30).collect();
        return Err(BodyError::NotJson(start));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut budget = max_values;
    let mut values = Vec::new();
    while values.is_empty() || reader.end().is_err() {
        let value = ValueSeed { budget: &mut budget, depth: MAX_DEPTH }.deserialize(&mut reader);
        values.push(
            value
                .map_err(|error| BodyError::Json(error.to_string().chars().take(200).collect()))?,
        );
    }
    Ok(values)
}

/// Returns the text of UTF-16, which begins with a byte order mark or with a bracket of two bytes; none for any other bytes.
fn from_utf16(bytes: &[u8]) -> Result<Option<String>, BodyError> {
    let (is_little, skipped) = match bytes {
        [0xff, 0xfe, ..] => (true, 2),
        [0xfe, 0xff, ..] => (false, 2),
        [b'{' | b'[', 0, ..] => (true, 0),
        [0, b'{' | b'[', ..] => (false, 0),
        _ => return Ok(None),
    };
    let unit = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
    let (pairs, rest) = bytes[skipped..].as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
    let text = String::from_utf16(&units).ok().filter(|_| rest.is_empty());
    text.map(Some).ok_or_else(|| BodyError::Json("its UTF-16 is cut off or no text".to_owned()))
}

/// Takes the objects out of a body: of a page with `value` and `nextLink`, of a bare list, of one object, or of a
/// published example, which has the body below `responses.200.body`.
///
/// # Errors
///
/// Fails for what holds no object.
///
/// ```
/// use preflight::transport::azure::body::{parse, read_page};
/// let page = |text: &str| read_page(parse(text.as_bytes()).unwrap()).unwrap();
/// assert_eq!(page(r#"{"value":[{"id":"/a"}],"nextLink":""}"#).objects.len(), 1);
/// assert_eq!(page(r#"[{"id":"/a"},{"id":"/b"}]"#).objects.len(), 2);
/// assert_eq!(page(r#"{"responses":{"200":{"body":{"id":"/a"}}}}"#).objects[0]["id"], "/a");
/// ```
pub fn read_page(mut body: Value) -> Result<Page, BodyError> {
    if body.get("id").is_none()
        && let Some(inner) = body.pointer_mut("/responses/200/body")
    {
        body = inner.take();
    }
    // Programs that read and write a list again may leave out the brackets around a single entry.
    if body.get("id").is_none() && body.get("type").is_none() && body["value"].is_object() {
        let only = body["value"].take();
        body["value"] = Value::Array(vec![only]);
    }
    let (list, next) = match body {
        Value::Array(list) => (list, None),
        Value::Object(mut object) if object.get("value").is_some_and(Value::is_array) => {
            let next = object.remove("nextLink");
            let next = next.as_ref().and_then(Value::as_str).filter(|link| !link.is_empty());
            let next = next.map(str::to_owned);
            match object.remove("value") {
                Some(Value::Array(list)) => (list, next),
                _ => return Err(BodyError::NoObject),
            }
        }
        object @ Value::Object(_) => {
            return Ok(Page { objects: vec![object], next: None, is_list: false });
        }
        _ => return Err(BodyError::NoObject),
    };
    if list.iter().any(|entry| !entry.is_object()) {
        return Err(BodyError::NoObject);
    }
    Ok(Page { objects: list, next, is_list: true })
}

/// Reads one value, and counts all that are in it.
struct ValueSeed<'b> {
    budget: &'b mut usize,
    depth: usize,
}

impl ValueSeed<'_> {
    fn below(&mut self) -> ValueSeed<'_> {
        ValueSeed { budget: self.budget, depth: self.depth.saturating_sub(1) }
    }

    fn take<E: de::Error>(&mut self) -> Result<(), E> {
        if self.depth == 0 {
            return Err(E::custom(format_args!("it is nested more than {MAX_DEPTH} deep")));
        }
        let left = self.budget.checked_sub(1);
        *self.budget = left.ok_or_else(|| E::custom("it has more values than are read"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(mut self) -> Result<Value, E> {
        self.take()?;
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(mut self, value: bool) -> Result<Value, E> {
        self.take()?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(mut self, value: i64) -> Result<Value, E> {
        self.take()?;
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(mut self, value: u64) -> Result<Value, E> {
        self.take()?;
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(mut self, value: f64) -> Result<Value, E> {
        self.take()?;
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(mut self, value: &str) -> Result<Value, E> {
        self.take()?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        self.take()?;
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self.below())? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        self.take()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.below())?;
            if object.contains_key(&key) {
                let key: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(de::Error::custom(format_args!("{key:?} stands in it twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn a_body_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,2.5,true,null,"x"],"b":{"c":18446744073709551615}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
        assert_eq!(parse(format!("\u{feff} {text}\n").as_bytes()).unwrap(), expected);
    }

    #[test]
    fn what_is_cut_off_doubled_too_deep_or_no_json_is_refused() {
        for (text, expected) in [
            ("", "it begins with \"\""),
            ("<html>\r\n<b>Bad Gateway</b>", "begins with \"<html><b>Bad Gateway</b>\""),
            ("{\"a\":", "EOF"),
            ("{} {}", "something stands behind it"),
            ("{\"a\":{\"b\":1,\"b\":2}}", "\"b\" stands in it twice"),
            (&"[".repeat(200), "nested more than 64 deep"),
            ("\"text\"", "begins with"),
            (&format!("[{}1]", "1,".repeat(MAX_VALUES)), "more values than are read"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:.40}: {error}");
        }
    }

    #[test]
    fn the_end_of_a_list_is_told_in_three_ways() {
        for (end, next) in [
            ("", None),
            (r#","nextLink":null"#, None),
            (r#","nextLink":"""#, None),
            (r#","nextLink":"https://a/b""#, Some("https://a/b".to_owned())),
        ] {
            let text = format!(r#"{{"value":[]{end}}}"#);
            assert_eq!(read_page(parse(text.as_bytes()).unwrap()).unwrap().next, next, "{end}");
        }
        for text in ["[1]", r#"{"value":["a"]}"#] {
            assert!(read_page(parse(text.as_bytes()).unwrap()).is_err(), "{text}");
        }
    }
}
