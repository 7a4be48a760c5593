//! Members of Azure's bodies, whose names differ in case, whose numbers are texts as often as not, and whose times have
//! sentinels.
//!
//! Not for what a member means (`vault` and the files beside it).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::facts::Unavailable;

/// Returns the member at a path such as `providerSpecificDetails.vmId`, its names in any case; none where it is missing or null.
pub fn member<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let found = path.split('.').try_fold(value, |here, name| {
        here.get(name).or_else(|| {
            let mut members = here.as_object()?.iter();
            members.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    });
    found.filter(|value| !value.is_null())
}

/// Returns the text at a path; none where it is missing or empty.
pub fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    member(value, path)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Returns the list at a path; an empty one where it is missing.
pub fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    member(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns the text at a path as a fact.
///
/// # Errors
///
/// Fails where it is missing or empty.
pub fn required_text<'v>(value: &'v Value, path: &str) -> Result<&'v str, Unavailable> {
    text(value, path).ok_or_else(|| unsaid(path))
}

/// Returns the number at a path: a number, or a text such as `439.5` or `45%`.
///
/// # Errors
///
/// Fails where it is missing or no number, with what stands there.
pub fn number(value: &Value, path: &str) -> Result<f64, Unavailable> {
    let found = member(value, path).ok_or_else(|| unsaid(path))?;
    let number = match found {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().trim_end_matches('%').trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite()).ok_or_else(|| not_understood(path, found))
}

/// Returns the whole number at a path, as [`number`].
///
/// # Errors
///
/// As [`number`].
pub fn integer(value: &Value, path: &str) -> Result<i64, Unavailable> {
    // A cast of a float ends at the bounds of the integer.
    number(value, path).map(|number| number as i64)
}

/// Returns the flag at a path: a truth value, or one as a text.
///
/// # Errors
///
/// Fails where it is missing or neither, with what stands there.
pub fn flag(value: &Value, path: &str) -> Result<bool, Unavailable> {
    let found = member(value, path).ok_or_else(|| unsaid(path))?;
    match found {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(not_understood(path, other)),
    }
}

/// A time in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AzureTime {
    /// A moment.
    At(Timestamp),
    /// It does not come: the service writes the end of the year 9999.
    Never,
    /// It has not come: the service writes one of several beginnings of its calendars.
    NotYet,
}

/// Returns the time at a path. A time without a zone is of UTC.
///
/// # Errors
///
/// Fails where it is missing or no time, with what stands there.
pub fn time(value: &Value, path: &str) -> Result<AzureTime, Unavailable> {
    let text = required_text(value, path)?;
    match text.get(..5) {
        Some("9999-") => return Ok(AzureTime::Never),
        Some("0001-" | "1601-" | "1753-") => return Ok(AzureTime::NotYet),
        _ => {}
    }
    let zoned = text.parse::<Timestamp>().ok();
    let plain = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let moment = zoned.or_else(|| plain().map(|zoned| zoned.timestamp()));
    moment.map(AzureTime::At).ok_or_else(|| Unavailable::from(format!("{path} is {text:?}")))
}

/// Returns the moment at a path.
///
/// # Errors
///
/// Fails where it is missing, or a sentinel.
pub fn moment(value: &Value, path: &str) -> Result<Timestamp, Unavailable> {
    match time(value, path)? {
        AzureTime::At(moment) => Ok(moment),
        AzureTime::Never | AzureTime::NotYet => {
            Err(Unavailable::from(format!("{path} is {}", text(value, path).unwrap_or_default())))
        }
    }
}

/// Why a member that is not there is unknown.
pub fn unsaid(path: &str) -> Unavailable {
    Unavailable::from(format!("Azure does not say {}", path.rsplit('.').next().unwrap_or(path)))
}

/// Why a value is unknown that says something else than is known, word for word.
pub fn not_understood(path: &str, value: &Value) -> Unavailable {
    let name = path.rsplit('.').next().unwrap_or(path);
    Unavailable::from(format!("Azure says {name} {value}, which is not known"))
}

/// Returns the two parts of a version that say something: the classic provider prints zeros for the others.
pub fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    Some((parts.next()??, parts.next()??))
}

/// A moment as reports print it.
pub fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_flags_are_read_as_texts_too() {
        let body = json!({ "a": 5, "b": "45%", "c": "439.5", "d": "", "e": null, "f": "lots", "g": "TRUE", "h": false, "I": "7" });
        for (path, value) in [
            ("a", Some(5.0)),
            ("b", Some(45.0)),
            ("c", Some(439.5)),
            ("d", None),
            ("e", None),
            ("f", None),
            ("x", None),
            ("i", Some(7.0)),
        ] {
            assert_eq!(number(&body, path).ok(), value, "{path}");
        }
        assert_eq!(
            number(&body, "f").unwrap_err().reason,
            "Azure says f \"lots\", which is not known"
        );
        assert_eq!(number(&body, "x").unwrap_err().reason, "Azure does not say x");
        assert_eq!(integer(&body, "c"), Ok(439));
        assert_eq!((flag(&body, "g"), flag(&body, "h")), (Ok(true), Ok(false)));
        assert!(flag(&body, "a").is_err());
    }

    #[test]
    fn times_have_zones_fractions_and_sentinels() {
        let at = |text: &str| time(&json!({ "t": text }), "t");
        let moment = |text: &str| AzureTime::At(text.parse().unwrap());
        for (text, time) in [
            ("2026-11-20T08:00:00Z", moment("2026-11-20T08:00:00Z")),
            ("2026-11-20T08:00:00.1234567Z", moment("2026-11-20T08:00:00.1234567Z")),
            ("2026-11-20T08:00:00+05:30", moment("2026-11-20T02:30:00Z")),
            ("2026-11-20T08:00:00.5", moment("2026-11-20T08:00:00.5Z")),
            ("9999-12-31T23:59:59.9999999", AzureTime::Never),
            ("0001-01-01T00:00:00", AzureTime::NotYet),
            ("1601-01-01T00:00:00Z", AzureTime::NotYet),
            ("1753-01-01T01:01:01Z", AzureTime::NotYet),
        ] {
            assert_eq!(at(text), Ok(time), "{text}");
        }
        assert_eq!(at("soon").unwrap_err().reason, "t is \"soon\"");
        assert!(at("").is_err());
    }
}
