use jiff::civil::Date;

/// The minutes that a cron schedule names, as five sets of bits.
///
/// The grammar is that of robfig/cron v3's `ParseStandard`, which Kubernetes' `CronJob` and Karpenter read by, without its
/// prefixes, macros and `?`, and with crontab(5)'s 7 for Sunday. Of days of the month and of the week, one that is stated
/// beside the other is enough; only `*` counts as not stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether days of the month and of the week are both stated, so that either is enough.
    either: bool,
}

struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of month", least: 1, most: 31, names: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of week",
        least: 0,
        most: 6,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

const SUNDAY_AGAIN: u8 = 7;

/// Twice the longest time between two days that a schedule names: 29 February comes again after eight years at most.
const MOST_DAYS: u32 = 2 * 8 * 366;

impl Schedule {
    /// Reads five fields.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let fields: [&str; 5] = fields.try_into().map_err(|_| {
            "a schedule has five fields: minute, hour, day of month, month, day of week".to_owned()
        })?;
        let mut sets = [0; 5];
        for ((set, field), text) in sets.iter_mut().zip(&FIELDS).zip(fields) {
            *set = field.parse(text)?;
        }
        let [minutes, hours, days, months, mut weekdays] = sets;
        if weekdays & (1 << SUNDAY_AGAIN) != 0 {
            weekdays = weekdays & !(1 << SUNDAY_AGAIN) | 1;
        }
        let any = |field: &str| field.split(',').any(is_any);
        let either = !any(fields[2]) && !any(fields[4]);
        Ok(Self { minutes, hours, days, months, weekdays, either })
    }

    /// Whether it names no minute at all, such as one on 31 February.
    pub(super) fn never(&self) -> bool {
        let some_day = |month: u8, length: u8| has(self.months, month) && self.days & below(length + 1) != 0;
        let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        !self.either && !(1..).zip(lengths).any(|(month, length)| some_day(month, length))
    }

    /// The first reading of a clock that it names from `from` to before `end`, in minutes since 1970-01-01 00:00.
    pub(super) fn next(&self, from: i64, end: i64) -> Option<i64> {
        let mut day = date(from.div_euclid(DAY))?;
        let mut start = from.div_euclid(DAY) * DAY;
        let mut past = from.rem_euclid(DAY);
        for _ in 0..MOST_DAYS {
            if start >= end {
                return None;
            }
            if self.names(day)
                && let Some(minute) = self.minute_from(past)
            {
                return Some(start + minute).filter(|minute| *minute < end);
            }
            day = day.tomorrow().ok()?;
            start += DAY;
            past = 0;
        }
        None
    }

    fn names(&self, day: Date) -> bool {
        let in_month = has(self.days, day.day().unsigned_abs());
        let in_week = has(self.weekdays, day.weekday().to_sunday_zero_offset().unsigned_abs());
        has(self.months, day.month().unsigned_abs())
            && if self.either { in_month || in_week } else { in_month && in_week }
    }

    /// The first minute of a day that it names, from this one.
    fn minute_from(&self, past: i64) -> Option<i64> {
        let (hour, minute) = (past / 60, past % 60);
        if self.hours >> hour & 1 == 1
            && let Some(minute) = first(self.minutes & !((1 << minute) - 1))
        {
            return Some(hour * 60 + minute);
        }
        let hour = first(self.hours & !((2 << hour) - 1))?;
        Some(hour * 60 + first(self.minutes)?)
    }
}

/// Whether a part of a field states nothing: `*`, or each of them.
fn is_any(part: &str) -> bool {
    part.split_once('/').map_or(part == "*", |(range, step)| range == "*" && number(step) == Some(1))
}

/// A day in minutes.
const DAY: i64 = 24 * 60;

fn date(day: i64) -> Option<Date> {
    // Seconds of a moment in UTC are those of its reading there.
    let moment = jiff::Timestamp::from_second(day.checked_mul(86_400)?).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(moment).date())
}

fn first(set: u64) -> Option<i64> {
    (set != 0).then(|| i64::from(set.trailing_zeros()))
}

const fn has(set: u64, member: u8) -> bool {
    set >> member & 1 == 1
}

const fn below(end: u8) -> u64 {
    (1 << end) - 1
}

impl Field {
    fn parse(&self, text: &str) -> Result<u64, String> {
        text.split(',').try_fold(0, |set, part| Ok(set | self.part(part)?))
    }

    /// `*`, `3`, `3-5`, or one of them with a step; `3/5` is `3-59/5`.
    fn part(&self, text: &str) -> Result<u64, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0))),
            None => (text, None),
        };
        let step = match step {
            None => None,
            Some(Some(step)) => Some(step),
            Some(None) => return Err(self.wrong(text, "the step after `/` is no number above 0")),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((from, to)) => (self.value(from, text)?, self.value(to, text)?),
            None => {
                let from = self.value(range, text)?;
                (from, if step.is_some() { self.most.max(from) } else { from })
            }
        };
        if from > to {
            return Err(self.wrong(text, "it ends before it begins"));
        }
        let step = usize::from(step.unwrap_or(1));
        Ok((from..=to).step_by(step).fold(0, |set, member| set | 1 << member))
    }

    fn value(&self, text: &str, whole: &str) -> Result<u8, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let most = if self.names.first() == Some(&"sun") { SUNDAY_AGAIN } else { self.most };
        let value = match named {
            Some(position) => u8::try_from(position).ok().map(|position| position + self.least),
            None => number(text),
        };
        let value = value.ok_or_else(|| self.wrong(whole, "it is no number, range, list or step"))?;
        if (self.least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(self.wrong(whole, &format!("it is not from {} to {most}", self.least)))
        }
    }

    fn wrong(&self, text: &str, rule: &str) -> String {
        format!("`{}` is no {}: {rule}", crate::error::shown(text), self.name)
    }
}

/// Digits and nothing else; a number past 255 is as much out of every field's range as 255.
fn number(text: &str) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "-1 * * * *",
            "+1 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 0 *",
            "* * * 13 *",
            "* * * * 8",
            "* * * * tue-mon",
            "* * * nov-feb *",
            "5-1 * * * *",
            "*/0 * * * *",
            "*/ * * * *",
            "1,,2 * * * *",
            "1- * * * *",
            "1-2-3 * * * *",
            ", * * * *",
            "*-5 * * * *",
            "** * * * *",
            "* * L * *",
            "* * 15W * *",
            "* * * * 5#2",
            "* * * * 5L",
            "? * * * *",
            "* * ? * *",
            "@daily",
            "TZ=UTC * * * * *",
            "* * * * monday",
            "* * * january *",
            "mon * * * *",
            "1.5 * * * *",
            "0x1 * * * *",
            "* * * * mo",
            "\u{661} * * * *",
            "*/1/2 * * * *",
            "99999999999 * * * *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_field_is_the_set_it_says() {
        for (text, minutes) in [
            ("0", &[0][..]),
            ("00", &[0]),
            ("59", &[59]),
            ("1,3,3", &[1, 3]),
            ("10-13", &[10, 11, 12, 13]),
            ("*/20", &[0, 20, 40]),
            ("*/100", &[0]),
            ("50/4", &[50, 54, 58]),
            ("10-20/5,58-59", &[10, 15, 20, 58, 59]),
        ] {
            let expected = minutes.iter().fold(0, |set, minute| set | 1_u64 << minute);
            assert_eq!(Schedule::parse(&format!("{text} * * * *")).expect(text).minutes, expected, "{text}");
        }
        for (text, weekdays) in
            [("7", 1), ("5-7", 0b110_0001), ("MON-fri", 0b11_1110), ("sun", 1), ("1/2", 0b10_1010)]
        {
            let schedule = Schedule::parse(&format!("* * * * {text}")).expect(text);
            assert_eq!(schedule.weekdays, weekdays, "{text}");
        }
        assert_eq!(Schedule::parse("* * * Jan,dec *").expect("months").months, 1 << 1 | 1 << 12);
    }

    #[test]
    fn what_names_no_day_never_comes() {
        for (text, never) in [
            ("0 0 31 2 *", true),
            ("0 0 30,31 feb *", true),
            ("0 0 31 2,4,6,9,11 *", true),
            ("0 0 31 2 1", false),
            ("0 0 29 2 *", false),
            ("0 0 31 1-2 *", false),
            ("* * * * *", false),
        ] {
            let schedule = Schedule::parse(text).expect(text);
            assert_eq!(schedule.never(), never, "{text}");
            assert_eq!(schedule.next(0, i64::MAX).is_none(), never, "{text}");
        }
    }
}
