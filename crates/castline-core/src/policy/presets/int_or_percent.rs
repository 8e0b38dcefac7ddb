use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

use super::invalid;
use crate::{Error, Result, policy::Amount};

/// A count or a percentage as other systems write it: `3`, `"3"`, `"25%"`. Which way it is rounded is up to the system, and
/// the field.
///
/// ```
/// use castline_core::policy::{Amount, presets::IntOrPercent};
///
/// let share: IntOrPercent = "25%".parse()?;
/// assert_eq!((share.up(), share.down()), (Amount::percent_up(25), Amount::percent_down(25)));
/// # Ok::<(), castline_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntOrPercent {
    /// So many.
    Int(u64),
    /// So many of a hundred.
    Percent(u32),
}

impl IntOrPercent {
    /// The amount, a share rounded up.
    pub const fn up(self) -> Amount {
        match self {
            Self::Int(count) => Amount::Count(count),
            Self::Percent(percent) => Amount::percent_up(percent),
        }
    }

    /// The amount, a share rounded down.
    pub const fn down(self) -> Amount {
        match self {
            Self::Int(count) => Amount::Count(count),
            Self::Percent(percent) => Amount::percent_down(percent),
        }
    }

    /// Whether it is none, of however many.
    pub const fn is_zero(self) -> bool {
        matches!(self, Self::Int(0) | Self::Percent(0))
    }
}

/// What a preset takes for an [`IntOrPercent`]: one, a count, or text.
pub trait Written {
    /// What is written.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDocument`] for text that is neither a count nor a percentage.
    fn read(self) -> Result<IntOrPercent>;
}

impl Written for IntOrPercent {
    fn read(self) -> Result<IntOrPercent> {
        Ok(self)
    }
}

impl Written for u32 {
    fn read(self) -> Result<IntOrPercent> {
        Ok(IntOrPercent::Int(self.into()))
    }
}

impl Written for &str {
    fn read(self) -> Result<IntOrPercent> {
        self.parse()
    }
}

impl FromStr for IntOrPercent {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| -> Option<u32> {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // The systems keep counts in 32 bits with a sign.
            digits.parse().ok().filter(|number| plain && i32::try_from(*number).is_ok())
        };
        let read = match text.strip_suffix('%') {
            Some(percent) => number(percent).map(Self::Percent),
            None => number(text).map(|count| Self::Int(count.into())),
        };
        read.ok_or_else(|| invalid("number or percentage", &format!("`{text}`; write `3` or `25%`")))
    }
}

impl fmt::Display for IntOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a whole number, or text like `25%`")]
        enum Either {
            Count(u32),
            Text(String),
        }

        match Either::deserialize(deserializer)? {
            Either::Count(count) => Ok(Self::Int(count.into())),
            Either::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systems_write_is_read() {
        for (json, expected) in [
            ("3", IntOrPercent::Int(3)),
            ("\"3\"", IntOrPercent::Int(3)),
            ("\"25%\"", IntOrPercent::Percent(25)),
            ("\"0%\"", IntOrPercent::Percent(0)),
            ("\"150%\"", IntOrPercent::Percent(150)),
            ("2147483647", IntOrPercent::Int(2_147_483_647)),
        ] {
            assert_eq!(serde_json::from_str::<IntOrPercent>(json).expect(json), expected);
            assert_eq!(expected.to_string().parse::<IntOrPercent>().expect("its own text"), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "%", "-1", "+1", "1.5", "25 %", " 25%", "25%%", "%25", "all", "2147483648", "0x1"] {
            assert!(text.parse::<IntOrPercent>().is_err(), "{text:?}");
        }
        for json in ["-1", "1.5", "true", "null", "[]"] {
            assert!(serde_json::from_str::<IntOrPercent>(json).is_err(), "{json}");
        }
    }
}
