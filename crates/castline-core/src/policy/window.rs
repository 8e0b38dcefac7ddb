use std::{
    fmt,
    hash::{Hash, Hasher},
};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::schedule::Schedule;
use crate::{Error, Result, Time, error::shown};

/// A time that comes again and again: it opens when a cron schedule says so, and stays open for so long.
///
/// Open is `next(now - duration) <= now`, Karpenter's rule (`pkg/apis/v1/nodepool.go`, `Budget.IsActive`), in the window's
/// own time zone: from the second it opens up to, and not including, the one at which its time is over. Windows of one
/// schedule that overlap are one.
///
/// The schedule is what a clock on the wall there reads. A reading that comes twice, when clocks go back, opens it twice;
/// one that is left out, when they go forward, opens it the moment they do. How long it stays open is real time.
///
/// A field is `*`, a number, a name of three letters (`jan`, `mon`), a range, a list of these, or one with a step. Sunday is
/// 0 or 7. Where days of the month and of the week are both stated, either is enough. There is nothing else: no `L`, `W`,
/// `#`, `?`, no seconds, no `@daily`, and no range that ends before it begins, as `tue-mon`.
#[derive(Clone, Debug, Serialize)]
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
    /// What the texts say, read once: a rollout asks at every step.
    #[serde(skip)]
    read: Read,
}

#[derive(Clone, Debug)]
struct Read {
    schedule: Schedule,
    zone: TimeZone,
}

const UTC: &str = "UTC";

fn is_utc(zone: &str) -> bool {
    zone == UTC
}

impl Window {
    /// The window that opens by `schedule` in `time_zone` for so many seconds.
    ///
    /// ```
    /// use castline_core::{Time, policy::Window};
    ///
    /// let window = Window::new("0 22 * * mon-fri", 8 * 3600, "Europe/Vienna")?;
    /// assert!(window.is_open("2026-11-23T22:50:00Z".parse()?));
    /// assert_eq!(window.next_open("2026-11-28T12:00:00Z".parse()?), Some("2026-11-30T21:00:00Z".parse()?));
    /// # Ok::<(), castline_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidWindow`] for a schedule that is not one or never comes, no duration, and an unknown zone.
    pub fn new(schedule: &str, duration_seconds: u64, time_zone: &str) -> Result<Self> {
        let reject = |reason: String| Error::InvalidWindow { input: shown(schedule), reason: reason.into() };
        let read = Schedule::parse(schedule).map_err(reject)?;
        if duration_seconds == 0 {
            return Err(reject("it is open for no time".into()));
        }
        let zone = zone(time_zone)
            .ok_or_else(|| reject(format!("`{}` is no time zone that is known", shown(time_zone))))?;
        if read.never() {
            return Err(reject("it never opens".into()));
        }
        let read = Read { schedule: read, zone };
        Ok(Self { schedule: schedule.into(), duration_seconds, time_zone: time_zone.into(), read })
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

    /// When it is open next: `now` where it is open. None only close to the end of the year 9999.
    pub fn next_open(&self, now: Time) -> Option<Time> {
        self.opened(now).map(|opened| opened.max(now))
    }

    /// The first opening whose time is not over at `now`.
    fn opened(&self, now: Time) -> Option<Time> {
        let duration = i64::try_from(self.duration_seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        self.read.next(Time::from_millis(now.as_millis().saturating_sub(duration)))
    }
}

impl Read {
    /// The first opening after `time`.
    ///
    /// Between two changes of a zone's offset, its clocks are UTC's with a constant added, so each such span is searched by
    /// arithmetic alone. What is left out at a change is searched for at the moment of the change.
    fn next(&self, time: Time) -> Option<Time> {
        let mut from = time.as_millis().div_euclid(1000) + 1;
        let last = LAST_SECOND.min(from.saturating_add(SPAN_SECONDS));
        while from <= last {
            let moment = Timestamp::from_second(from).ok()?;
            let offset = i64::from(self.zone.to_offset(moment).seconds());
            let change = self.zone.following(moment).next();
            let end = change.as_ref().map_or(LAST_SECOND + 1, |change| change.timestamp().as_second());
            if let Some(found) = self.between(from + offset, end + offset) {
                return Some(Time::from_millis((found - offset) * 1000));
            }
            let after = i64::from(change?.offset().seconds());
            if self.between(end + offset, end + after).is_some() {
                return Some(Time::from_millis(end * 1000));
            }
            from = end;
        }
        None
    }

    /// The first reading that the schedule names from `from` to before `end`, in seconds.
    fn between(&self, from: i64, end: i64) -> Option<i64> {
        let minutes = |seconds: i64| seconds.div_euclid(60) + i64::from(seconds.rem_euclid(60) != 0);
        if from >= end {
            return None;
        }
        self.schedule.next(minutes(from), minutes(end)).map(|minute| minute * 60)
    }
}

/// The end of the year 9999, in seconds since 1970: where [`Time`] ends.
const LAST_SECOND: i64 = 253_402_300_799;

/// More than the eight years after which 29 February comes again at the latest.
const SPAN_SECONDS: i64 = 9 * 366 * 86_400;

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.texts() == other.texts()
    }
}

impl Eq for Window {}

impl Hash for Window {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().hash(state);
    }
}

impl Window {
    fn texts(&self) -> (&str, u64, &str) {
        (&self.schedule, self.duration_seconds, &self.time_zone)
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

#[cfg(test)]
mod tests;
