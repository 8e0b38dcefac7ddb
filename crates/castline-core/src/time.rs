use std::{fmt, str::FromStr};

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

/// From the year 0 to the last moment that every time zone can still write with four digits of a year.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_207_200_000;

impl Time {
    /// The moment so many milliseconds after 1970-01-01T00:00:00Z; held between 0000-01-01 and 9999-12-30T22:00:00Z.
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

    pub(crate) fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.timestamp().to_string())
    }
}

impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let timestamp: jiff::Timestamp =
            text.parse().map_err(|_| Error::InvalidTime { input: shown(text) })?;
        Ok(Self::from_millis(timestamp.as_millisecond()))
    }
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
    fn times_past_the_range_stay_in_it() {
        assert_eq!(Time::from_millis(i64::MAX).to_string(), "9999-12-30T22:00:00Z");
        assert_eq!(Time::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Time::from_millis(i64::MAX).after_seconds(u64::MAX), Time::from_millis(i64::MAX));
        assert_eq!(Time::from_millis(5).millis_since(Time::from_millis(9)), 0);
    }
}
