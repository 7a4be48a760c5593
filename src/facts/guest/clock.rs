//! The host's clock against the clock of whoever asked, and its time zone.
//!
//! The first probe of the script, so that nothing else delays the reading. The difference still
//! holds the time that connecting took, which is why seconds of it mean nothing.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::{CollectedBy, Transcript};
use crate::facts::{Fact, Unavailable};

/// The name of the probe.
pub const CLOCK: ProbeName = ProbeName::new("clock");

/// Seconds since 1970, the offset from UTC, and the zone's abbreviation.
pub const PROBES: &[Probe] = &[Probe::quick(CLOCK, "date '+%s %z %Z'")];

/// What time the host thinks it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClockFacts {
    /// By how many seconds the host's clock is ahead of the asker's; negative when it is behind.
    /// Absent when nobody noted when the host was asked, and when it asked itself.
    pub drift_seconds: Fact<i64>,
    /// The same in words: `20 s behind`.
    pub drift: Fact<String>,
    /// The time zone, such as `CET (+0100)`.
    pub zone: Fact<String>,
}

/// Reads the clock out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> ClockFacts {
    let reading = transcript.text(CLOCK).and_then(parse);
    let drift = reading.clone().and_then(|reading| drift_from(reading.seconds, transcript));
    ClockFacts {
        drift_seconds: drift.clone().into(),
        drift: drift.map(describe_drift).into(),
        zone: reading.map(|reading| reading.zone).into(),
    }
}

fn drift_from(seconds: i64, transcript: &Transcript) -> Result<i64, Unavailable> {
    let asked_at = transcript
        .asked_at
        .ok_or("when the host was asked is not recorded, so its clock cannot be compared")?;
    if matches!(
        transcript.connection.by,
        CollectedBy::Script | CollectedBy::Local | CollectedBy::Sos
    ) {
        return Err(
            "the host collected its own answers, so its clock was compared with no other".into()
        );
    }
    let drift = seconds.checked_sub(asked_at.as_second());
    Ok(drift.ok_or_else(|| format!("the host's clock says {seconds}"))?)
}

fn describe_drift(drift: i64) -> String {
    match drift {
        0 => "not a second off".to_owned(),
        1.. => format!("{drift} s ahead"),
        _ => format!("{} s behind", drift.unsigned_abs()),
    }
}

/// One reading of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// The time zone, such as `CET (+0100)`.
    pub zone: String,
}

/// Reads what `date '+%s %z %Z'` prints.
///
/// ```
/// use preflight::facts::guest::clock;
/// let reading = clock::parse("1416000000 +0100 CET\n").unwrap();
/// assert_eq!((reading.seconds, reading.zone.as_str()), (1_416_000_000, "CET (+0100)"));
/// ```
pub fn parse(text: &str) -> Result<ClockReading, Unavailable> {
    let mut words = text.split_whitespace();
    let Some(seconds) = words.next().and_then(|word| word.parse().ok()) else {
        return Err(format!("date printed {text:?}").into());
    };
    let zone = match (words.next(), words.next()) {
        (Some(offset), Some(name)) => format!("{name} ({offset})"),
        (Some(offset), None) => offset.to_owned(),
        _ => "unknown".to_owned(),
    };
    Ok(ClockReading { seconds, zone })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::facts::file::tests::guest_transcript;

    #[test]
    fn a_reading_is_a_number_and_a_zone() {
        for (text, seconds, zone) in [
            ("1416000000 +0000 UTC\n", 1_416_000_000, "UTC (+0000)"),
            ("1416000000 -0530 \n", 1_416_000_000, "-0530"),
            ("0\n", 0, "unknown"),
            ("-5 +0000 UTC\n", -5, "UTC (+0000)"),
        ] {
            let reading = ClockReading { seconds, zone: zone.to_owned() };
            assert_eq!(parse(text), Ok(reading), "{text:?}");
        }
        for text in ["", "%s +0000 UTC\n", "Sat Nov 15 2014\n", "99999999999999999999 +0000\n"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_drift_needs_both_clocks() {
        let mut transcript = guest_transcript(&[("clock", 0, "1416001200 +0000 UTC\n")]);
        assert!(from_transcript(&transcript).drift_seconds.known().is_none());
        transcript.connection.by = CollectedBy::Ssh;
        transcript.asked_at = Some(Timestamp::from_second(1_416_000_000).unwrap());
        assert_eq!(from_transcript(&transcript).drift_seconds, Fact::Known(1200));
        transcript.asked_at = Some(Timestamp::from_second(1_416_001_260).unwrap());
        assert_eq!(from_transcript(&transcript).drift_seconds, Fact::Known(-60));
        assert_eq!(from_transcript(&transcript).drift, Fact::Known("60 s behind".to_owned()));
        // A host's own note of when it asked itself is by the clock that is in question.
        for by in [CollectedBy::Script, CollectedBy::Local] {
            transcript.connection.by = by;
            assert!(from_transcript(&transcript).drift_seconds.known().is_none());
        }
        let mut edge = guest_transcript(&[("clock", 0, "-9223372036854775808 +0000 UTC\n")]);
        edge.connection.by = CollectedBy::Ssh;
        edge.asked_at = Some(Timestamp::from_second(1).unwrap());
        assert!(from_transcript(&edge).drift_seconds.known().is_none());
    }
}
