use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp, civil::DateTime, fmt::temporal::Pieces};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Result, error::shown};

/// A moment in UTC, to the millisecond. As text: RFC 3339, e.g. `2026-11-23T22:50:00Z`.
///
/// The core has no clock: whoever calls says what time it is.
///
/// ```
/// use castline_core::Time;
///
/// let time: Time = "2026-11-23T23:50:00+01:00".parse()?;
/// assert_eq!(time.after_seconds(90).to_string(), "2026-11-23T22:51:30Z");
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// The years that RFC 3339 can write: from 0000-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// 1970-01-01T00:00:00, in UTC. A civil date, since jiff's timestamps end 26 hours before the year 9999 does.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Time {
    /// The moment so many milliseconds after 1970-01-01T00:00:00Z; one before the year 0 or after the year 9999 is held at that end of them, as
    /// sums of times are. What comes from others is read with [`Self::try_from_millis`].
    pub const fn from_millis(millis: i64) -> Self {
        let (least, most) = (*RANGE.start(), *RANGE.end());
        Self(if millis < least {
            least
        } else if millis > most {
            most
        } else {
            millis
        })
    }

    /// The same of a number that comes from others, which must be of these years.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTime`] for one before the year 0 or after the year 9999.
    pub fn try_from_millis(millis: i64) -> Result<Self> {
        if RANGE.contains(&millis) {
            return Ok(Self(millis));
        }
        Err(Error::InvalidTime { input: format!("{millis} milliseconds since 1970").into() })
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// So many seconds later.
    #[must_use]
    pub fn after_seconds(self, seconds: u64) -> Self {
        self.after_millis(seconds.saturating_mul(1000))
    }

    /// So many milliseconds later.
    #[must_use]
    pub fn after_millis(self, millis: u64) -> Self {
        Self::from_millis(self.0.saturating_add_unsigned(millis))
    }

    /// Milliseconds from `earlier` to this moment; 0 where that is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0 - earlier.0).unwrap_or(0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cannot overflow: all of the range are civil dates.
        let date = EPOCH.saturating_add(SignedDuration::from_millis(self.0));
        f.pad(&format!("{date}Z"))
    }
}

impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let millis = match text.parse::<Timestamp>() {
            Ok(timestamp) => Some(timestamp.as_millisecond()),
            Err(_) => late(text),
        };
        let millis = millis.filter(|millis| RANGE.contains(millis));
        millis.map(Self).ok_or_else(|| Error::InvalidTime { input: shown(text) })
    }
}

/// The milliseconds of a moment that is after the last of jiff's timestamps.
fn late(text: &str) -> Option<i64> {
    let pieces = Pieces::parse(text).ok()?;
    let (time, offset) = (pieces.time()?, pieces.to_numeric_offset()?);
    let date = DateTime::from_parts(pieces.date(), time);
    let millis = i64::try_from(date.duration_since(EPOCH).as_millis()).ok()?;
    let millis = millis - i64::from(offset.seconds()) * 1000;
    (millis > Timestamp::MAX.as_millisecond()).then_some(millis)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, in UTC"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_text() {
        for (text, canonical) in [
            ("2026-11-23T22:50:00Z", "2026-11-23T22:50:00Z"),
            ("2026-11-23T22:50:00.000Z", "2026-11-23T22:50:00Z"),
            ("2026-11-23T22:50:00.5Z", "2026-11-23T22:50:00.5Z"),
            ("2026-11-23T22:50:00.123999Z", "2026-11-23T22:50:00.123Z"),
            ("1969-12-31T23:59:59-00:30", "1970-01-01T00:29:59Z"),
        ] {
            let time: Time = text.parse().expect(text);
            assert_eq!(time.to_string(), canonical);
            assert_eq!(canonical.parse::<Time>().expect("its own text"), time);
        }
        for text in ["", "2026-11-23", "2026-11-23T22:50:00", "now", "1763938200"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_moment_of_the_years_that_have_four_digits_has_a_text_and_no_other_is_one() {
        let last = Timestamp::MAX.as_millisecond();
        for millis in [*RANGE.start(), -1, last, last + 1, 253_402_214_400_000, *RANGE.end()] {
            let time = Time::try_from_millis(millis).expect("it is of those years");
            assert_eq!((time.as_millis(), time.to_string().parse().expect("its own text")), (millis, time));
        }
        for (text, canonical) in [
            ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
            ("9999-12-31T22:59:59-01:00", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:00:00+14:00", "9999-12-31T09:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(text.parse::<Time>().expect(text).to_string(), canonical);
        }
        for text in [
            "9999-12-31T23:59:59-00:01",
            "10000-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31",
            "9999-12-31T23:59:59",
            "9999-12-32T00:00:00Z",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
        for millis in [i64::MIN, RANGE.start() - 1, RANGE.end() + 1, i64::MAX] {
            let refused = Time::try_from_millis(millis).expect_err("it is of no such year");
            assert!(refused.to_string().contains(&millis.to_string()), "{refused}");
        }
    }

    #[test]
    fn sums_of_times_stay_in_their_range() {
        assert_eq!(Time::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Time::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Time::from_millis(i64::MAX).after_seconds(u64::MAX), Time::from_millis(i64::MAX));
        assert_eq!(Time::from_millis(5).millis_since(Time::from_millis(9)), 0);
    }
}
