//! What the script for Windows printed: JSON of known members, each with a value or an error.
//!
//! The text is anybody's: nothing of its shape is taken for granted, and what does not fit is
//! unavailable with the reason. Not for what the members mean: each subject reads its own.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::Unavailable;
use crate::facts::probe::ProbeName;
use crate::facts::transcript::Transcript;

/// The name of the format and its generation.
pub const WINDOWS_SCHEMA: &str = "preflight.windows-capture/1";

/// The name under which a transcript keeps what the script printed.
pub const WINDOWS: ProbeName<'static> = ProbeName::new("windows");

/// What a text says of itself before anything else is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowsHeader {
    /// The name of the computer; blank when it says none.
    pub host_name: String,
    /// When the script ran, by the computer's own clock.
    pub time: Option<Timestamp>,
}

/// Reads the head of what the script printed; none when the text is of another kind.
///
/// ```
/// use preflight::facts::windows::capture::parse_header;
/// let text = r#"{ "schema": "preflight.windows-capture/1", "host_name": "MT-WIN" }"#;
/// assert_eq!(parse_header(text).unwrap().host_name, "MT-WIN");
/// assert!(parse_header("{}").is_none());
/// ```
pub fn parse_header(text: &str) -> Option<WindowsHeader> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
        #[serde(default)]
        host_name: Value,
        #[serde(default)]
        time: Value,
    }
    let head: Head = serde_json::from_str(text).ok()?;
    (head.schema == WINDOWS_SCHEMA).then(|| WindowsHeader {
        host_name: head.host_name.as_str().unwrap_or_default().trim().to_owned(),
        time: head.time.as_str().and_then(|time| time.parse().ok()),
    })
}

/// The members of what the script printed.
pub struct WindowsCapture {
    members: Result<Value, Unavailable>,
}

impl WindowsCapture {
    /// Reads what the script printed out of a transcript.
    pub fn from_transcript(transcript: &Transcript) -> Self {
        let parse = |text: &str| {
            serde_json::from_str(text)
                .map_err(|error| Unavailable::from(format!("the capture is not JSON: {error}")))
        };
        Self { members: transcript.text(WINDOWS).and_then(parse) }
    }

    /// Returns a plain member.
    pub fn text(&self, name: &str) -> Result<String, Unavailable> {
        member_text(self.members.as_ref()?, name)
    }

    /// Returns the value of an answer.
    pub fn answer(&self, name: &str) -> Result<&Value, Unavailable> {
        let answer = self.members.as_ref()?.get(name);
        let answer = answer.ok_or_else(|| format!("the capture has no {name}"))?;
        if let Some(error) = answer.get("error") {
            let error = error.as_str().unwrap_or("an error without words").trim();
            return Err(format!("Windows answered about {name}: {error}").into());
        }
        Ok(answer.get("value").ok_or_else(|| format!("{name} of the capture has no value"))?)
    }

    /// Returns the text that an answer is.
    pub fn answer_text(&self, name: &str) -> Result<String, Unavailable> {
        match self.answer(name)?.as_str().map(str::trim) {
            Some("") => Err(format!("{name} of the capture is blank").into()),
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("{name} of the capture is not text").into()),
        }
    }

    /// Returns the elements of an answer that is a list. PowerShell makes one element of a list with one
    /// element, and nothing of an empty one; some lists 5.1 wraps in an object, with their length beside them.
    pub fn list(&self, name: &str) -> Result<&[Value], Unavailable> {
        match self.answer(name)? {
            Value::Array(items) => Ok(items),
            Value::Object(members) if members.len() == 2 && members.contains_key("Count") => {
                let items = members.get("value").and_then(Value::as_array);
                Ok(items
                    .ok_or_else(|| format!("{name} of the capture has a length and no list"))?)
            }
            Value::Null => Ok(&[]),
            one @ (Value::Object(_) | Value::String(_)) => Ok(std::slice::from_ref(one)),
            other => Err(format!("{name} of the capture is {other}, which is not a list").into()),
        }
    }
}

/// Returns a member that is a text with something in it.
pub fn member_text(value: &Value, name: &str) -> Result<String, Unavailable> {
    match value.get(name).and_then(Value::as_str).map(str::trim) {
        Some("") => Err(format!("{name} is blank").into()),
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("there is no {name}").into()),
    }
}

/// Returns a member that is a whole number and not negative.
pub fn member_number(value: &Value, name: &str) -> Result<i64, Unavailable> {
    let number = value.get(name).and_then(Value::as_i64).filter(|number| *number >= 0);
    Ok(number.ok_or_else(|| format!("there is no {name} that is a number"))?)
}

/// Returns a member that is true or false.
pub fn member_flag(value: &Value, name: &str) -> Result<bool, Unavailable> {
    let flag = value.get(name).and_then(Value::as_bool);
    Ok(flag.ok_or_else(|| format!("there is no {name} that is true or false"))?)
}

/// Returns the drive that a path begins with, such as `R:`; none for a path without one.
///
/// ```
/// use preflight::facts::windows::capture::drive_of;
/// assert_eq!(drive_of(r"r:\retention").as_deref(), Some("R:"));
/// assert_eq!(drive_of(r"\\nas\share"), None);
/// ```
pub fn drive_of(path: &str) -> Option<String> {
    let mut letters = path.trim().chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some(letter), Some(':'), None | Some('\\' | '/')) if letter.is_ascii_alphabetic() => {
            Some(format!("{}:", letter.to_ascii_uppercase()))
        }
        _ => None,
    }
}
