//! Amounts, times, revisions and windows as text.

use crate::vectors::{bytes::digest, case::Row};

/// The operations on text, each with the sentence that explains it and its rows.
pub(in crate::vectors) fn sections() -> Vec<(&'static str, Vec<Row>)> {
    vec![
        ("Amounts: the canonical text", amounts()),
        ("Amounts: how many that is", numbers()),
        ("Times (RFC 3339): the canonical text", times()),
        ("Revisions: the canonical text", revisions()),
        ("Windows: whether they are open, and when they are next", windows()),
    ]
}

fn parsed(operation: &str, valid: &[(&str, &str)], invalid: &[&str], code: &str) -> Vec<Row> {
    let valid = valid.iter().map(|(text, canonical)| Row::new(operation, text, canonical));
    valid.chain(invalid.iter().map(|text| Row::new(operation, text, code))).collect()
}

fn amounts() -> Vec<Row> {
    parsed(
        "amount.parse",
        &[
            ("0", "0"),
            ("3", "3"),
            ("007", "7"),
            ("9007199254740991", "9007199254740991"),
            ("25% up", "25% up"),
            ("25%up", "25% up"),
            ("25%  down", "25% down"),
            ("0% up", "0% up"),
            ("150% down", "150% down"),
            ("4294967295% up", "4294967295% up"),
        ],
        &[
            "",
            "%",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "0x10",
            " 3",
            "3 ",
            "25%",
            "25% ",
            "25% UP",
            "25% nearest",
            "25 % up",
            "% up",
            "2.5% up",
            "-25% up",
            "25% up down",
            "25%% up",
            "up",
            "9007199254740992",
            "4294967296% up",
            "18446744073709551616",
            "\u{663}",
            "3\0",
        ],
        "!INVALID_AMOUNT",
    )
}

fn numbers() -> Vec<Row> {
    [
        ("3 of 10", "3"),
        ("3 of 0", "3"),
        ("25% up of 10", "3"),
        ("25% down of 10", "2"),
        ("25% up of 8", "2"),
        ("25% down of 8", "2"),
        ("1% up of 1", "1"),
        ("99% down of 1", "0"),
        ("0% up of 1000", "0"),
        ("100% down of 7", "7"),
        ("150% up of 3", "5"),
        ("150% down of 3", "4"),
        ("50% up of 0", "0"),
        ("33% up of 100", "33"),
        ("33% up of 101", "34"),
        ("1% down of 9007199254740991", "90071992547409"),
        ("1% up of 9007199254740991", "90071992547410"),
        ("100% up of 9007199254740991", "9007199254740991"),
        ("25% of 10", "!INVALID_AMOUNT"),
    ]
    .map(|(input, expected)| Row::new("amount.of", input, expected))
    .into()
}

fn times() -> Vec<Row> {
    parsed(
        "time.parse",
        &[
            ("2026-11-23T22:50:00Z", "2026-11-23T22:50:00Z"),
            ("2026-11-23T23:50:00+01:00", "2026-11-23T22:50:00Z"),
            ("2026-11-23T22:50:00.000Z", "2026-11-23T22:50:00Z"),
            ("2026-11-23T22:50:00.5Z", "2026-11-23T22:50:00.5Z"),
            ("2026-11-23T22:50:00.120Z", "2026-11-23T22:50:00.12Z"),
            ("2026-11-23T22:50:00.123999999Z", "2026-11-23T22:50:00.123Z"),
            ("1969-12-31T23:59:59-00:30", "1970-01-01T00:29:59Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("2000-01-01T00:00:00+14:00", "1999-12-31T10:00:00Z"),
            ("1600-01-01T00:00:00Z", "1600-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-30T22:00:01Z", "9999-12-30T22:00:01Z"),
            ("9999-12-31T00:00:00+14:00", "9999-12-30T10:00:00Z"),
            ("9999-12-31T22:59:59-01:00", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ],
        &[
            "",
            "now",
            "1763938200",
            "2026-11-23",
            "2026-11-23T22:50:00",
            "2026-11-23T22:50:00 Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:50:00Z",
            "2026-11-23T22:60:00Z",
            "2026-11-23T22:50:00Z ",
            "26-11-23T22:50:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "10000-01-01T00:00:00Z",
        ],
        "!INVALID_TIME",
    )
}

fn revisions() -> Vec<Row> {
    let digest = digest::of(b"hello");
    let [one, two, padded, most] =
        ["1", "2", "007", "4294967295"].map(|version| format!("{version}@{digest}"));
    let canonical = format!("7@{digest}");
    let valid = [(&*one, &*one), (&*two, &*two), (&*padded, &*canonical), (&*most, &*most)];
    let invalid = [
        String::new(),
        digest.clone(),
        format!("@{digest}"),
        format!("v1@{digest}"),
        format!("-1@{digest}"),
        format!("4294967296@{digest}"),
        "1@".into(),
        "1@sha256:00".into(),
        format!("1@{}", digest.to_uppercase()),
        format!("1@1@{digest}"),
    ];
    let invalid: Vec<&str> = invalid.iter().map(String::as_str).collect();
    parsed("revision.parse", &valid, &invalid, "!INVALID_DIGEST")
}

/// Summer time began in Vienna on 2026-03-29 and ended on 2026-10-25: 22:00 is 21:00 UTC in winter, 20:00 in summer.
fn windows() -> Vec<Row> {
    let nights = "0 22 * * mon-fri|21600|Europe/Vienna";
    let daily = "30 2 * * *|3600|UTC";
    let row = |window: &str, now: &str, expected: &str| {
        Row::new("window.open", &format!("{window}|{now}"), expected)
    };
    vec![
        row(daily, "2026-01-05T02:29:59Z", "closed 2026-01-05T02:30:00Z"),
        row(daily, "2026-01-05T02:30:00Z", "open 2026-01-05T02:30:00Z"),
        row(daily, "2026-01-05T03:29:59Z", "open 2026-01-05T03:29:59Z"),
        row(daily, "2026-01-05T03:30:00Z", "closed 2026-01-06T02:30:00Z"),
        row(daily, "2026-12-31T12:00:00Z", "closed 2027-01-01T02:30:00Z"),
        // A Thursday, a Friday and a Saturday in winter.
        row(nights, "2026-03-26T20:59:00Z", "closed 2026-03-26T21:00:00Z"),
        row(nights, "2026-03-27T02:00:00Z", "open 2026-03-27T02:00:00Z"),
        row(nights, "2026-03-28T02:59:59Z", "open 2026-03-28T02:59:59Z"),
        // The next one is on the Monday after the change.
        row(nights, "2026-03-28T03:00:00Z", "closed 2026-03-30T20:00:00Z"),
        row(nights, "2026-03-30T20:30:00Z", "open 2026-03-30T20:30:00Z"),
        row(nights, "2026-03-31T02:00:00Z", "closed 2026-03-31T20:00:00Z"),
        // The other way round.
        row(nights, "2026-10-23T20:00:00Z", "open 2026-10-23T20:00:00Z"),
        row(nights, "2026-10-24T12:00:00Z", "closed 2026-10-26T21:00:00Z"),
        row("0 0 29 2 *|86400|UTC", "2026-03-01T00:00:00Z", "closed 2028-02-29T00:00:00Z"),
        row("0 9 * * tue-mon|3600|UTC", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
        row("0 9 * *|3600|UTC", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
        row("0 0 9 * * *|3600|UTC", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
        row("61 9 * * *|3600|UTC", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
        row("0 9 * * *|0|UTC", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
        row("0 9 * * *|3600|Europe/Nowhere", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
        row("0 0 30 2 *|3600|UTC", "2026-01-05T09:00:00Z", "!INVALID_WINDOW"),
    ]
}
