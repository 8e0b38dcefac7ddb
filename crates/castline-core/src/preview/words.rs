//! Numbers, times and parts of a plan in words.

use std::{borrow::Cow, collections::BTreeMap};

use super::put;
use crate::{
    plan::{Disposal, Limit, Order, Reason, Replacement},
    policy::Gate,
    shown_whole,
};

/// A number with its thousands apart: `9,980`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something: `1 wave`, `3 waves`.
pub(super) fn counted(count: u64, one: &str) -> String {
    format!("{} {one}{}", number(count), if count == 1 { "" } else { "s" })
}

/// The length of a collection as a number.
pub(super) fn len<T>(items: &[T]) -> u64 {
    items.len() as u64
}

/// A span of time with the two largest units that say something: `0`, `2.5 s`, `6 min 30 s`, `1 h 5 min`.
pub(super) fn duration(millis: u64) -> String {
    let two = |large: u64, one: &str, small: u64, other: &str| match small {
        0 => format!("{} {one}", number(large)),
        _ => format!("{} {one} {small} {other}", number(large)),
    };
    let seconds = millis / 1000;
    match seconds {
        _ if millis == 0 => "0".into(),
        0 => format!("{millis} ms"),
        1..=9 if millis % 1000 >= 100 => format!("{seconds}.{} s", millis % 1000 / 100),
        1..=59 => format!("{seconds} s"),
        60..=3599 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..=86_399 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// Text from outside, harmless, and no longer than so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    // One more than fits says whether any were left out, and a text of megabytes is not escaped for its beginning.
    let shown = shown_whole(&text.chars().take(most + 1).collect::<String>());
    if shown.chars().nth(most).is_none() {
        return shown;
    }
    let mut cut: String = shown.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Text as character data and attribute values of XML and HTML.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let special = |character| matches!(character, '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}');
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No XML document may contain these two, however they are written.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// The most characters of a name in a drawing's or a page's text.
const NAME: usize = 96;

/// A name for XML and HTML: harmless, bounded, escaped.
pub(super) fn name(text: &str) -> String {
    escaped(&cut(text, NAME)).into_owned()
}

/// What a replacement does: `web-1 -> new in zone a`.
pub(super) fn what(replacement: &Replacement) -> String {
    let retired = replacement.retire.as_ref().map(|retire| {
        let kept = match retire.disposal {
            Disposal::End => "",
            Disposal::Quarantine => " (quarantined)",
            Disposal::Isolate => " (isolated at once)",
        };
        format!("{}{kept}", shown_whole(retire.name.as_ref().unwrap_or(&retire.id)))
    });
    let launched = replacement.launch.as_ref().map(|launch| {
        let mut new = String::from("new");
        if !launch.zone.is_empty() {
            new = format!("{new} in zone {}", shown_whole(&launch.zone));
        }
        match &launch.slot {
            Some(slot) => format!("{new}, slot {}", shown_whole(slot)),
            None => new,
        }
    });
    match (retired, launched) {
        (Some(retired), Some(launched)) => format!("{retired} -> {launched}"),
        (Some(retired), None) => format!("{retired} retired"),
        (None, Some(launched)) => launched,
        (None, None) => "nothing".into(),
    }
}

/// Which half of a replacement is first; nothing where there is one half.
pub(super) fn order(replacement: &Replacement) -> &'static str {
    match (&replacement.launch, &replacement.retire, replacement.order) {
        (Some(_), Some(_), Order::LaunchFirst) => "launch first",
        (Some(_), Some(_), Order::RetireFirst) => "retire first",
        _ => "",
    }
}

/// What a limit demands: `8 to 13 of 10`.
pub(super) fn range(limit: &Limit) -> String {
    let desired = number(limit.desired);
    let mut range = match (limit.floor, limit.ceiling) {
        (Some(floor), Some(ceiling)) => format!("{} to {} of {desired}", number(floor), number(ceiling)),
        (Some(floor), None) => format!("at least {} of {desired}", number(floor)),
        (None, Some(ceiling)) => format!("at most {} of {desired}", number(ceiling)),
        (None, None) => format!("any number of {desired}"),
    };
    if let Some(most) = limit.in_flight {
        put!(&mut range, ", {} at once", number(most));
    }
    if !limit.reasons.is_empty() {
        put!(&mut range, "; only for: {}", reasons(&limit.reasons));
    }
    if let Some(window) = &limit.window {
        put!(&mut range, "; only within {}", shown_whole(&window.to_string()));
    }
    range
}

fn reasons(reasons: &[Reason]) -> String {
    reasons.iter().take(Reason::ALL.len()).map(|reason| reason.text()).collect::<Vec<_>>().join(", ")
}

/// What must hold at a gate, in order; empty where nothing must.
pub(super) fn gate(gate: &Gate) -> Vec<String> {
    let bake = (gate.bake_seconds > 0)
        .then(|| format!("{} without a failure", duration(gate.bake_seconds.saturating_mul(1000))));
    let analysis = gate.analysis.as_ref().map(|name| format!("analysis `{}`", cut(name, NAME)));
    let approval = gate.approval.as_ref().map(|of| format!("approval `{}`", cut(of, NAME)));
    [bake, analysis, approval].into_iter().flatten().collect()
}

/// Names with their number of times, most first: `4 it runs another image, 2 it has failed`.
pub(super) fn tally(counts: &BTreeMap<Reason, u64>) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<_> = counts.iter().map(|(reason, count)| (reason.text(), *count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        for (value, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (9_980, "9,980"), (1_234_567, "1,234,567")]
        {
            assert_eq!(number(value), text);
        }
        for (millis, text) in [
            (0, "0"),
            (250, "250 ms"),
            (1000, "1 s"),
            (2500, "2.5 s"),
            (45_999, "45 s"),
            (390_000, "6 min 30 s"),
            (3_600_000, "1 h"),
            (3_900_000, "1 h 5 min"),
            (183_600_000, "2 d 3 h"),
            (u64::MAX, "213,503,982,334 d 14 h"),
        ] {
            assert_eq!(duration(millis), text);
        }
        assert_eq!((counted(1, "wave"), counted(2, "wave")), ("1 wave".into(), "2 waves".into()));
    }

    #[test]
    fn names_are_cut_and_harmless() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("a\n", 20), "a\\n");
        assert_eq!(name("<b a='\"'>&\u{ffff}"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}");
    }
}
