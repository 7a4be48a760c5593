//! How long to wait before a request is repeated.
//!
//! Not for which answers are repeated: that is `client`'s.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::transport::http::message::HttpResponse;

/// How often one request is made.
pub const ATTEMPTS: u32 = 4;

/// The most time that one request waits in all, as the service tells or by itself.
pub const MAX_WAIT: Duration = Duration::from_secs(120);

/// The first wait where the service tells none; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Returns how long the service wants to be left alone: `retry-after-ms`, `x-ms-retry-after-ms`, or `Retry-After`
/// with seconds or a date, which counts from the answer's own `Date`; none when it does not say.
pub fn requested_wait(response: &HttpResponse) -> Option<Duration> {
    let milliseconds = ["retry-after-ms", "x-ms-retry-after-ms"]
        .iter()
        .find_map(|name| response.header(name)?.parse::<f64>().ok());
    if let Some(wait) = milliseconds {
        return Duration::try_from_secs_f64(wait / 1000.0).ok();
    }
    let text = response.header("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = parse_date(text)?;
    let from = date(response).unwrap_or_else(Timestamp::now);
    Some(Duration::try_from(until.duration_since(from)).unwrap_or_default())
}

/// Returns the wait before the next attempt where the service tells none.
pub fn own_wait(attempt: u32) -> Duration {
    FIRST_WAIT * 2_u32.saturating_pow(attempt.min(8))
}

/// Returns the service's time of an answer.
pub fn date(response: &HttpResponse) -> Option<Timestamp> {
    parse_date(response.header("date")?)
}

fn parse_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn a_wait_is_told_in_seconds_milliseconds_or_by_a_date() {
        let date = "Fri, 20 Nov 2026 08:00:00 GMT";
        for (name, value, expected) in [
            ("retry-after", "17", Some(17_000)),
            ("retry-after", "Fri, 20 Nov 2026 08:00:09 GMT", Some(9_000)),
            ("retry-after", "Fri, 20 Nov 2026 07:00:00 GMT", Some(0)),
            ("retry-after-ms", "250", Some(250)),
            ("x-ms-retry-after-ms", "1500.5", Some(1_500)),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
            ("retry-after", "1e300", None),
            ("x", "1", None),
        ] {
            let fields = [("date", date), (name, value)];
            let response = HttpResponse {
                status: 429,
                reason: String::new(),
                content_type: String::new(),
                location: None,
                session: None,
                headers: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
                body: Vec::new(),
                closes: false,
                read: 0,
            };
            let wait = requested_wait(&response).map(|wait| wait.as_millis());
            assert_eq!(wait, expected, "{name}: {value}");
        }
        assert_eq!(own_wait(0).as_millis(), 500);
        assert_eq!(own_wait(2).as_millis(), 2000);
    }
}
