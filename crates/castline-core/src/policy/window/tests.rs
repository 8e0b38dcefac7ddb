use croner::Cron;
use proptest::prelude::*;

use super::*;

fn time(text: &str) -> Time {
    text.parse().expect(text)
}

fn window(schedule: &str, seconds: u64, zone: &str) -> Window {
    Window::new(schedule, seconds, zone).expect(schedule)
}

const HOUR: u64 = 3600;

#[test]
fn a_window_is_open_from_the_second_it_opens_to_the_one_it_closes() {
    for (now, open) in [
        ("2026-11-23T08:59:59Z", false),
        ("2026-11-23T08:59:59.999Z", false),
        ("2026-11-23T09:00:00Z", true),
        ("2026-11-23T09:00:00.001Z", true),
        ("2026-11-23T16:59:59.999Z", true),
        ("2026-11-23T17:00:00Z", false),
        ("2026-11-22T10:00:00Z", false),
    ] {
        assert_eq!(window("0 9 * * mon-fri", 8 * HOUR, "UTC").is_open(time(now)), open, "{now}");
    }
}

#[test]
fn it_says_when_it_is_open_next() {
    for (schedule, seconds, zone, now, next) in [
        ("0 9 * * *", HOUR, "UTC", "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"),
        ("0 9 * * *", HOUR, "UTC", "2026-11-23T09:30:00.25Z", "2026-11-23T09:30:00.25Z"),
        ("0 9 * * *", HOUR, "UTC", "2026-11-23T10:00:00Z", "2026-11-24T09:00:00Z"),
        ("0 9 * * *", HOUR, "UTC", "2026-11-23T08:59:59.5Z", "2026-11-23T09:00:00Z"),
        // Either day is enough where both are stated, and only `*` is none.
        ("0 0 13 * fri", HOUR, "UTC", "2026-11-08T00:00:00Z", "2026-11-13T00:00:00Z"),
        ("0 0 20 * fri", HOUR, "UTC", "2026-11-14T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("0 0 16 * fri", HOUR, "UTC", "2026-11-14T00:00:00Z", "2026-11-16T00:00:00Z"),
        ("0 0 */2 * mon", HOUR, "UTC", "2026-11-14T12:00:00Z", "2026-11-15T00:00:00Z"),
        ("0 0 */1 * mon", HOUR, "UTC", "2026-11-14T12:00:00Z", "2026-11-16T00:00:00Z"),
        ("0 0 * * 7", HOUR, "UTC", "2026-11-16T12:00:00Z", "2026-11-22T00:00:00Z"),
        // 29 February, and the eight years without one.
        ("0 0 29 2 *", HOUR, "UTC", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 29 2 *", HOUR, "UTC", "2096-02-29T01:00:00Z", "2104-02-29T00:00:00Z"),
        ("0 0 29 2 *", HOUR, "Europe/Vienna", "2096-02-29T01:00:00Z", "2104-02-28T23:00:00Z"),
        // A named zone, in winter and in summer.
        ("0 9 * * *", HOUR, "Europe/Vienna", "2026-01-15T00:00:00Z", "2026-01-15T08:00:00Z"),
        ("0 9 * * *", HOUR, "Europe/Vienna", "2026-07-15T00:00:00Z", "2026-07-15T07:00:00Z"),
        ("0 9 * * *", HOUR, "Asia/Kathmandu", "2026-07-15T00:00:00Z", "2026-07-15T03:15:00Z"),
    ] {
        let found = window(schedule, seconds, zone).next_open(time(now));
        assert_eq!(found, Some(time(next)), "{schedule} in {zone} after {now}");
    }
}

#[test]
fn clocks_that_change_are_followed() {
    // Vienna: on 2026-03-29 at 01:00Z 02:00 becomes 03:00; on 2026-10-25 at 01:00Z 03:00 becomes 02:00.
    let openings = |schedule, from: &str, count| {
        let window = window(schedule, 1, "Europe/Vienna");
        let next = |after: &Time| window.next_open(after.after_seconds(1));
        let first = window.next_open(time(from));
        std::iter::successors(first, next).take(count).map(|time| time.to_string()).collect::<Vec<_>>()
    };
    for (schedule, from, expected) in [
        ("30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("0 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]),
        ("0 3 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"]),
        ("*/30 2,3 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
        ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]),
        ("0 3 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"]),
        ("0 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]),
        ("0 * * * *", "2026-10-25T00:30:00Z", ["2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]),
    ] {
        assert_eq!(openings(schedule, from, 2), expected, "{schedule} after {from}");
    }
    // A whole day was left out in Apia.
    let apia = window("0 12 30 12 *", 1, "Pacific/Apia");
    assert_eq!(apia.next_open(time("2011-12-01T00:00:00Z")), Some(time("2011-12-30T10:00:00Z")));
}

#[test]
fn one_that_stays_open_until_it_opens_again_is_always_open() {
    let always = window("0 0 * * *", 24 * HOUR, "UTC");
    for millis in (0..3 * 86_400_000).step_by(997_001) {
        assert!(always.is_open(Time::from_millis(1_790_000_000_000 + millis)));
    }
    assert!(window("0 0 1 1 *", u64::MAX, "UTC").is_open(time("2026-11-23T00:00:00Z")));
    assert!(!window("0 0 * * *", 24 * HOUR - 1, "UTC").is_open(time("2026-11-23T23:59:59Z")));
}

#[test]
fn what_is_no_window_is_refused() {
    for (schedule, seconds, zone) in [
        ("0 9 * * tue-mon", HOUR, "UTC"),
        ("0 9 L * *", HOUR, "UTC"),
        ("0 0 9 * * *", HOUR, "UTC"),
        ("0 9 * *", HOUR, "UTC"),
        ("@daily", HOUR, "UTC"),
        ("0 9 * * *", 0, "UTC"),
        ("0 9 * * *", HOUR, "Europe/Atlantis"),
        ("0 9 * * *", HOUR, ""),
        ("0 0 31 2 *", HOUR, "UTC"),
        ("0 0 31 2 *", HOUR, "Europe/Vienna"),
    ] {
        assert!(Window::new(schedule, seconds, zone).is_err(), "{schedule} for {seconds} in {zone}");
    }
    let error = Window::new("0 9 * * tue-mon", HOUR, "UTC").expect_err("a reversed range").to_string();
    assert!(error.ends_with("`tue-mon` is no day of week: it ends before it begins"), "{error}");
}

#[test]
fn a_window_is_its_texts() {
    let one = window("0 9 * * *", HOUR, "Europe/Vienna");
    let json = serde_json::to_string(&one).expect("JSON");
    assert_eq!(json, r#"{"schedule":"0 9 * * *","durationSeconds":3600,"timeZone":"Europe/Vienna"}"#);
    assert_eq!(serde_json::from_str::<Window>(&json).expect("the same"), one);
    assert_ne!(one, window("0 9 * * *", HOUR, "UTC"));
    let utc = r#"{"schedule":"0 9 * * *","durationSeconds":3600}"#;
    let read: Window = serde_json::from_str(utc).expect("UTC");
    assert_eq!(serde_json::to_string(&read).expect("JSON"), utc);
    assert!(serde_json::from_str::<Window>(r#"{"schedule":"* * * * *","durationSeconds":0}"#).is_err());
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for zone in ["UTC", "Europe/Vienna", "Pacific/Apia"] {
        for schedule in ["* * * * *", "0 0 29 2 *"] {
            for seconds in [1, HOUR, u64::MAX] {
                for millis in [i64::MIN, i64::MIN / 2, 0, i64::MAX] {
                    let window = window(schedule, seconds, zone);
                    let now = Time::from_millis(millis);
                    assert_eq!(window.is_open(now), window.next_open(now) == Some(now));
                }
            }
        }
    }
}

/// A field as a text, and what it names, made apart from the parser.
fn field(least: u32, most: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
    let all: Vec<u32> = (least..=most).collect();
    prop_oneof![
        3 => Just(("*".to_owned(), all.clone())),
        3 => (least..=most).prop_map(|one| (one.to_string(), vec![one])),
        1 => (least..=most, least..=most).prop_map(|(one, other)| {
            let (from, to) = (one.min(other), one.max(other));
            (format!("{from}-{to}"), (from..=to).collect())
        }),
        1 => (2_usize..20).prop_map(move |step| {
            (format!("*/{step}"), all.iter().copied().step_by(step).collect())
        }),
        1 => (least..=most, least..=most).prop_map(|(one, other)| (format!("{one},{other}"), vec![one, other])),
    ]
}

fn schedule() -> impl Strategy<Value = [(String, Vec<u32>); 5]> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
        .prop_map(|(minute, hour, day, month, weekday)| [minute, hour, day, month, weekday])
}

fn text(fields: &[(String, Vec<u32>); 5]) -> String {
    fields.each_ref().map(|(text, _)| text.as_str()).join(" ")
}

/// Whether the schedule names what a clock reads.
fn names(fields: &[(String, Vec<u32>); 5], reading: jiff::civil::DateTime) -> bool {
    let has = |field: usize, value: i8| fields[field].1.contains(&u32::from(value.unsigned_abs()));
    let day = has(2, reading.day());
    let weekday = has(4, reading.weekday().to_sunday_zero_offset());
    let days = if fields[2].0 == "*" || fields[4].0 == "*" { day && weekday } else { day || weekday };
    has(0, reading.minute()) && has(1, reading.hour()) && has(3, reading.month()) && days
}

/// Every minute at which it opens in so many minutes, by looking at each: by what clocks read then, and by what they leave out.
fn by_force(fields: &[(String, Vec<u32>); 5], zone: &TimeZone, from: i64, minutes: i64) -> Vec<i64> {
    let reading = |minute: i64| zone.to_datetime(Timestamp::from_second(minute * 60).expect("a moment"));
    (from..from + minutes)
        .filter(|&minute| {
            let now = reading(minute);
            let mut left_out =
                reading(minute - 1).checked_add(jiff::Span::new().minutes(1)).expect("a reading");
            let mut opens = names(fields, now);
            while left_out < now {
                opens |= names(fields, left_out);
                left_out = left_out.checked_add(jiff::Span::new().minutes(1)).expect("a reading");
            }
            opens
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_window_opens_at_just_the_minutes_that_its_schedule_names(
        fields in schedule(),
        zone_name in prop_oneof![Just("UTC"), Just("Europe/Vienna"), Just("America/St_Johns"), Just("Australia/Lord_Howe")],
        // The weeks before a change of clocks in spring and in autumn, and anywhere.
        start in prop_oneof![Just(29_578_000_i64), Just(29_880_000), 28_000_000_i64..32_000_000],
        seconds in 1_u64..200_000,
    ) {
        let Ok(window) = Window::new(&text(&fields), seconds, zone_name) else { return Ok(()) };
        let zone = zone(zone_name).expect("a zone");
        let days = 15 * 24 * 60;
        let expected = by_force(&fields, &zone, start, days);
        let mut found = Vec::new();
        let mut after = Time::from_millis(start * 60_000 - 1);
        while let Some(next) = window.read.next(after).filter(|next| next.as_millis() < (start + days) * 60_000) {
            found.push(next.as_millis() / 60_000);
            after = next;
        }
        prop_assert_eq!(&found, &expected);
        for step in 0..200 {
            let now = start * 60_000 + 7 * 86_400_000 + step * 1_234_567;
            let length = i64::try_from(seconds * 1000).expect("small");
            let open = expected.iter().any(|minute| minute * 60_000 <= now && now < minute * 60_000 + length);
            if length < 7 * 86_400_000 && now < (start + days) * 60_000 {
                prop_assert_eq!(window.is_open(Time::from_millis(now)), open);
            }
        }
    }

    #[test]
    fn another_reader_of_schedules_finds_the_same(fields in schedule(), at in 1_500_000_000_i64..2_200_000_000) {
        // croner takes a stepped `*` for one that is not stated; robfig/cron, which this follows, does not.
        prop_assume!(!fields[2].0.starts_with("*/") && !fields[4].0.starts_with("*/"));
        let Ok(window) = Window::new(&text(&fields), 1, "UTC") else { return Ok(()) };
        let cron: Cron = text(&fields).parse().expect("a schedule for croner, too");
        let from = Timestamp::from_second(at).expect("a moment").to_zoned(TimeZone::UTC);
        let next = cron.find_next_occurrence(&from, false).expect("a next one").timestamp().as_millisecond();
        prop_assert_eq!(window.read.next(Time::from_millis(at * 1000)), Some(Time::from_millis(next)));
    }

    #[test]
    fn no_text_and_no_time_is_any_trouble(
        schedule in "([-*/,0-9a-z?#L]{1,6} ){4}[-*/,0-9a-z?#L]{1,6}|.{0,20}",
        seconds in any::<u64>(),
        millis in any::<i64>(),
    ) {
        if let Ok(window) = Window::new(&schedule, seconds, "Europe/Vienna") {
            let now = Time::from_millis(millis);
            prop_assert_eq!(window.is_open(now), window.next_open(now) == Some(now));
        }
    }
}
