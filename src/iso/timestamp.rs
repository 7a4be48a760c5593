//! The one time in a written image, SOURCE_DATE_EPOCH, in the forms that ISO 9660 stores.
//!
//! Not for the time of day.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The last second whose year the 7 byte form can hold: 2155-12-31T23:59:59Z.
const LAST: u64 = 5_869_583_999;

/// Seconds since 1970-01-01T00:00:00Z, at most the end of the year 2155.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// A time that ISO 9660 cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} seconds after 1970 is past the year 2155, the last one ISO 9660 can hold")]
pub struct TimestampTooLate(pub u64);

impl Timestamp {
    /// Converts the seconds of SOURCE_DATE_EPOCH.
    ///
    /// # Errors
    ///
    /// Refuses times after 2155: the year is stored as one byte counted from 1900.
    pub fn new(seconds: u64) -> Result<Self, TimestampTooLate> {
        if seconds > LAST { Err(TimestampTooLate(seconds)) } else { Ok(Self(seconds)) }
    }

    /// Returns the seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// Returns the form of directory records and Rock Ridge TF entries (ECMA-119 9.1.5), in UTC.
    pub fn short(self) -> [u8; 7] {
        let t = self.civil();
        let year = u8::try_from(t.year() - 1900).expect("a timestamp lies between 1970 and 2155");
        let field = |value: i8| value.unsigned_abs();
        [
            year,
            field(t.month()),
            field(t.day()),
            field(t.hour()),
            field(t.minute()),
            field(t.second()),
            0,
        ]
    }

    /// Returns the form of volume descriptors (ECMA-119 8.4.26.1): 16 digits and a zone of 0, UTC.
    pub fn long(self) -> [u8; 17] {
        let t = self.civil();
        let digits = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}00",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        );
        let mut field = [0; 17];
        field[..16].copy_from_slice(digits.as_bytes());
        field
    }

    fn civil(self) -> DateTime {
        let seconds = i64::try_from(self.0).expect("a timestamp is at most LAST");
        jiff::Timestamp::from_second(seconds)
            .expect("jiff reaches the year 9999")
            .to_zoned(TimeZone::UTC)
            .datetime()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (seconds, short, long) in [
            (0, [70, 1, 1, 0, 0, 0, 0], b"1970010100000000\0"),
            (1_413_745_200, [114, 10, 19, 19, 0, 0, 0], b"2014101919000000\0"),
            (LAST, [255, 12, 31, 23, 59, 59, 0], b"2155123123595900\0"),
        ] {
            let at = Timestamp::new(seconds).unwrap();
            assert_eq!((at.short(), &at.long()), (short, long), "{seconds}");
        }
        assert_eq!(Timestamp::new(LAST + 1), Err(TimestampTooLate(LAST + 1)));
    }
}
