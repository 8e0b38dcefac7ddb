use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Result, error::shown};

/// A number of instances: a count, or a percentage that says which way it is rounded.
///
/// 25 % of 10 is 2 in one system and 3 in another, so the direction is a part of the value. As text, and in JSON:
/// `3`, `25% up`, `25% down`.
///
/// ```
/// use castline_core::policy::Amount;
///
/// assert_eq!("25% up".parse::<Amount>()?.of(10), 3);
/// assert_eq!("25% down".parse::<Amount>()?.of(10), 2);
/// assert!("25%".parse::<Amount>().is_err());
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// So many of a hundred; more than 100 % is allowed.
    Percent {
        /// Of a hundred.
        percent: u32,
        /// Where it is no whole number.
        round: Round,
    },
}

/// Which way a share that is no whole number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Round {
    /// To the next larger one.
    Up,
    /// To the next smaller one.
    Down,
}

impl Amount {
    /// None at all.
    pub const ZERO: Self = Self::Count(0);
    /// The largest count: what every JSON reader takes for the same whole number (RFC 8259, section 6).
    pub(crate) const MOST: u64 = (1 << 53) - 1;
    /// As many as there are.
    pub const ALL: Self = Self::Percent { percent: 100, round: Round::Up };

    /// `percent` of a hundred, rounded up.
    pub const fn percent_up(percent: u32) -> Self {
        Self::Percent { percent, round: Round::Up }
    }

    /// `percent` of a hundred, rounded down.
    pub const fn percent_down(percent: u32) -> Self {
        Self::Percent { percent, round: Round::Down }
    }

    /// How many that is of `total`. A count is itself, however many there are.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent { percent, round } => {
                let hundredths = u128::from(total) * u128::from(percent);
                let whole = match round {
                    Round::Up => hundredths.div_ceil(100),
                    Round::Down => hundredths / 100,
                };
                u64::try_from(whole).unwrap_or(u64::MAX)
            }
        }
    }
}

impl From<u64> for Amount {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent { percent, round: Round::Up } => write!(f, "{percent}% up"),
            Self::Percent { percent, round: Round::Down } => write!(f, "{percent}% down"),
        }
    }
}

impl FromStr for Amount {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let reject = |reason| Error::InvalidAmount { input: shown(text), reason };
        let digits = |digits: &str| -> Result<u64> {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(reject("it is no whole number"));
            }
            let number: u64 = digits.parse().map_err(|_| reject("it is too large"))?;
            if number > Self::MOST { Err(reject("it is too large")) } else { Ok(number) }
        };
        let Some((percent, round)) = text.split_once('%') else { return digits(text).map(Self::Count) };
        let percent = u32::try_from(digits(percent)?).map_err(|_| reject("it is too large"))?;
        match round.trim() {
            "up" => Ok(Self::percent_up(percent)),
            "down" => Ok(Self::percent_down(percent)),
            "" => Err(reject("a percentage says which way it is rounded")),
            _ => Err(reject("what follows the percent sign is neither `up` nor `down`")),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            // More than can be written is the most that can be: there are never so many.
            Self::Count(count) => serializer.serialize_u64((*count).min(Self::MOST)),
            Self::Percent { .. } => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or text like `25% up` or `25% down`")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> std::result::Result<Amount, E> {
                if count > Amount::MOST {
                    return Err(E::invalid_value(de::Unexpected::Unsigned(count), &self));
                }
                Ok(Amount::Count(count))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A count, or a percentage with the way it is rounded",
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": Self::MOST},
                {"type": "string", "pattern": "^[0-9]+(% ?(up|down))?$"}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_rounded_as_they_say() {
        for (text, total, expected) in [
            ("0", 10, 0),
            ("3", 10, 3),
            ("3", 1, 3),
            ("25% up", 10, 3),
            ("25% down", 10, 2),
            ("25%up", 10, 3),
            ("1% up", 0, 0),
            ("1% up", 1, 1),
            ("99% down", 1, 0),
            ("100% down", 7, 7),
            ("200% up", 7, 14),
            ("100% up", u64::MAX, u64::MAX),
            ("200% up", u64::MAX, u64::MAX),
        ] {
            assert_eq!(text.parse::<Amount>().expect(text).of(total), expected, "{text} of {total}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "25%",
            "25% sideways",
            "% up",
            "1e3",
            " 3",
            "99999999999999999999",
            "9007199254740992",
            "99999999999% up",
        ] {
            assert!(text.parse::<Amount>().is_err(), "{text:?}");
        }
        for json in ["-1", "1.5", "true", "null", "[]", "9007199254740992"] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn json_gives_back_what_it_took() {
        for json in ["7", "\"25% up\"", "\"25% down\""] {
            let amount: Amount = serde_json::from_str(json).expect(json);
            assert_eq!(serde_json::to_string(&amount).expect("JSON"), json);
        }
    }
}
