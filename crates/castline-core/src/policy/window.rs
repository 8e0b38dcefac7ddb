use std::{fmt, str::FromStr};

use croner::Cron;
use jiff::{Zoned, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Error, Result, Time, error::shown};

/// A time that comes again and again: it opens when a cron schedule says so, and stays open for so long.
///
/// Open is `next(now - duration) <= now`, Karpenter's rule (`pkg/apis/v1/nodepool.go`, `Budget.IsActive`), in the window's
/// own time zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// When it opens: minute, hour, day of month, month, day of week, as in crontab(5).
    schedule: String,
    /// How long it stays open, in seconds; 1 or more.
    duration_seconds: u64,
    /// The IANA time zone that the schedule is meant in, e.g. `Europe/Vienna`.
    #[serde(skip_serializing_if = "is_utc")]
    time_zone: String,
}

const UTC: &str = "UTC";

fn is_utc(zone: &str) -> bool {
    zone == UTC
}

impl Window {
    /// The window that opens by `schedule` in `time_zone` for so many seconds.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidWindow`] for a schedule that is not one or never comes, no duration, and an unknown zone.
    pub fn new(schedule: &str, duration_seconds: u64, time_zone: &str) -> Result<Self> {
        let reject = |reason: String| Error::InvalidWindow { input: shown(schedule), reason: reason.into() };
        if schedule.split_ascii_whitespace().count() != 5 {
            let rule = "a schedule has five fields: minute, hour, day of month, month, day of week";
            return Err(reject(rule.into()));
        }
        let cron = Cron::from_str(schedule).map_err(|error| reject(error.to_string()))?;
        if duration_seconds == 0 {
            return Err(reject("it is open for no time".into()));
        }
        let zone = zone(time_zone)
            .ok_or_else(|| reject(format!("`{}` is no time zone that is known", shown(time_zone))))?;
        let start = Time::default().timestamp().to_zoned(zone);
        if cron.find_next_occurrence(&start, true).is_err() {
            return Err(reject("it never opens".into()));
        }
        Ok(Self { schedule: schedule.into(), duration_seconds, time_zone: time_zone.into() })
    }

    /// When it opens: five fields as in crontab(5).
    pub fn schedule(&self) -> &str {
        &self.schedule
    }

    /// How long it stays open.
    pub const fn duration_seconds(&self) -> u64 {
        self.duration_seconds
    }

    /// The time zone that the schedule is meant in.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// Whether it is open at `now`.
    pub fn is_open(&self, now: Time) -> bool {
        self.opened(now).is_some_and(|opened| opened <= now)
    }

    /// When it is open next: `now` where it is open.
    pub fn next_open(&self, now: Time) -> Option<Time> {
        self.opened(now).map(|opened| opened.max(now))
    }

    /// The first opening whose time is not over at `now`.
    fn opened(&self, now: Time) -> Option<Time> {
        let cron = Cron::from_str(&self.schedule).ok()?;
        let duration = i64::try_from(self.duration_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        let from = Time::from_millis(now.as_millis().saturating_sub(duration));
        let from: Zoned = from.timestamp().to_zoned(zone(&self.time_zone)?);
        let next = cron.find_next_occurrence(&from, false).ok()?;
        Some(Time::from_millis(next.timestamp().as_millisecond()))
    }
}

/// The time zone of this name, from the database that is compiled in: the machine's own could differ from another one's.
fn zone(name: &str) -> Option<TimeZone> {
    static BUNDLED: std::sync::OnceLock<jiff::tz::TimeZoneDatabase> = std::sync::OnceLock::new();
    BUNDLED.get_or_init(jiff::tz::TimeZoneDatabase::bundled).get(name).ok()
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {} s ({})", self.schedule, self.duration_seconds, self.time_zone)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Written {
            schedule: String,
            duration_seconds: u64,
            time_zone: Option<String>,
        }

        let written = Written::deserialize(deserializer)?;
        let time_zone = written.time_zone.as_deref().unwrap_or(UTC);
        Self::new(&written.schedule, written.duration_seconds, time_zone).map_err(de::Error::custom)
    }
}
