use proptest::prelude::*;

use super::{
    super::{Anchor, BrokenChain, Entry, Fault},
    *,
};

/// One entry of each kind, and the lines that they are.
fn sample() -> (Ledger, Vec<Vec<u8>>) {
    let ledger = told(&["record a", "approve a", "start 1 a", "event 1", "ok 1", "prune b", "note"]);
    let lines = ledger.to_lines();
    (ledger, lines.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
}

fn broken(lines: &[u8], anchor: Option<&Anchor>) -> BrokenChain {
    Ledger::verify(lines, anchor).expect_err("it is broken")
}

#[test]
fn each_fault_has_its_name_and_place() {
    let (ledger, lines) = sample();
    let all = lines.concat();
    let text = |line: &[u8]| String::from_utf8(line.to_vec()).expect("text");
    let with = |position: usize, line: String| {
        let mut lines = lines.clone();
        lines[position] = line.into_bytes();
        lines.concat()
    };
    let third = text(&lines[2]);
    for (name, bytes, position, fault) in [
        ("cut off", all[..all.len() - 1].to_vec(), 6, "Torn"),
        ("cut off in the middle", all[..all.len() - 40].to_vec(), 6, "Torn"),
        ("an empty line", with(2, format!("\n{third}")), 2, "Malformed"),
        ("no JSON", with(2, "{\n".into()), 2, "Malformed"),
        ("a field more", with(2, third.replacen('{', r#"{"a":1,"#, 1)), 2, "Malformed"),
        (
            "a kind that is unknown",
            with(3, text(&lines[3]).replace(r#""event","r"#, r#""evil","r"#)),
            3,
            "Malformed",
        ),
        ("white space", with(2, third.replacen(':', ": ", 1)), 2, "NotCanonical"),
        ("a carriage return", with(2, third.replace('\n', "\r\n")), 2, "NotCanonical"),
        ("an escape that is not needed", with(2, third.replace("ann", "\\u0061nn")), 2, "NotCanonical"),
        ("a later version", with(2, third.replace(r#""version":1"#, r#""version":2"#)), 2, "UnknownVersion"),
        (
            "a later version that says more",
            with(2, r#"{"version":3,"what":[]}"#.to_owned() + "\n"),
            2,
            "UnknownVersion",
        ),
        ("another number", with(2, third.replace(r#""sequence":2"#, r#""sequence":3"#)), 2, "WrongSequence"),
        ("another actor", with(2, third.replace("ann", "bob")), 3, "WrongParent"),
        ("no actor", with(2, third.replace(r#""ann""#, r#""""#)), 2, "Malformed"),
        ("no first line", lines[1..].concat(), 0, "WrongSequence"),
    ] {
        let found = broken(&bytes, None);
        let kind = format!("{:?}", found.fault);
        assert_eq!(
            (found.position, kind.split([' ', '(']).next()),
            (position, Some(fault)),
            "{name}: {found}"
        );

        assert_eq!(found.intact.len(), position, "{name}");
    }
    assert_eq!(Ledger::verify(&all, Some(&Anchor::Head(ledger.head().expect("a head").clone()))), Ok(ledger));
}

#[test]
fn the_end_is_held_by_an_anchor_only() {
    let (ledger, lines) = sample();
    let head = ledger.head().expect("a head").clone();
    let shorter = lines[..6].concat();
    let before = Ledger::from_lines(&shorter).expect("nobody can see that one is missing");
    let fault = |lines: &[u8], anchor| broken(lines, Some(&anchor)).fault;
    let missing = Fault::AnchorMissing { anchor: head.clone() };
    assert_eq!(fault(&shorter, Anchor::Head(head.clone())), missing);
    assert_eq!(fault(&shorter, Anchor::Within(head.clone())), missing);
    assert_eq!(fault(b"", Anchor::Head(head.clone())), missing);
    let earlier = before.head().expect("a head").clone();
    assert_eq!(Ledger::verify(&lines.concat(), Some(&Anchor::Within(earlier.clone()))), Ok(ledger));
    let after = Fault::AfterHead { anchor: earlier.clone() };
    assert_eq!(fault(&lines.concat(), Anchor::Head(earlier)), after);
    let another = String::from_utf8(lines.concat()).expect("text").replace("a word", "a lord");
    assert!(Ledger::from_lines(another.as_bytes()).is_ok());
    assert_eq!(fault(another.as_bytes(), Anchor::Head(head.clone())), Fault::AnchorMissing { anchor: head });
}

#[test]
fn clocks_that_step_back_are_told_and_no_fault() {
    let note = || Record::Note { about: None, text: String::new() };
    let mut ledger = Ledger::default();
    for millis in [5, 9, 7, 7, 20, 3] {
        ledger = ledger.append(Time::from_millis(millis), "ann", note()).expect("it can be read again");
    }
    assert_eq!(ledger.steps_back(), [2, 5]);
    assert_eq!(Ledger::from_lines(&ledger.to_lines()), Ok(ledger));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let ledger = Ledger::default();
    let release = release("web", "a").with_replicas(u64::MAX).into();
    assert!(ledger.append(Time::default(), "ann", Record::Release { release }).is_err());
    let note = Record::Note { about: None, text: String::new() };
    assert!(ledger.append(Time::default(), "", note).is_err());
}

#[test]
fn a_hundred_thousand_entries_are_read_asked_and_let_go() {
    let mut ledger = told(&["record a", "start 1 a", "ok 1"]);
    for number in 0..100_000u64 {
        let text = number.to_string();
        let note = Record::Note { about: None, text };
        ledger = ledger.append(Time::default(), "ann", note).expect("it can be read again");
    }
    let read = Ledger::from_lines(&ledger.to_lines()).expect("in order");
    assert_eq!((read.len(), read.head()), (100_003, ledger.head()));
    assert_eq!(named(read.current("web")), "a");
    assert_eq!(format!("{:?}", read.clone()), format!("{ledger:?}"));
}

#[test]
fn earlier_ledgers_stay_as_they_are() {
    let note = |text: &str| Record::Note { about: None, text: text.into() };
    let one = Ledger::default().append(Time::default(), "ann", note("one")).expect("a ledger");
    let left = one.append(Time::default(), "ann", note("left")).expect("a ledger");
    let right = one.append(Time::default(), "ann", note("right")).expect("a ledger");
    assert_ne!(left, right);
    drop(left);
    assert_eq!((one.len(), right.len()), (1, 2));
    assert_eq!(
        right.entries().map(|(digest, entry)| digest == &entry.digest()).collect::<Vec<_>>(),
        [true; 2]
    );
    assert_eq!(right.last().and_then(|last| last.parent.as_ref()), one.head());
    assert_eq!(Entry::from_json(&right.last().expect("one").to_canonical()).ok().as_ref(), right.last());
}

proptest! {
    #[test]
    fn what_was_appended_is_verified(lines in nonsense::lines()) {
        let ledger = told(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let head = ledger.head().cloned().map(Anchor::Head);
        prop_assert_eq!(Ledger::verify(&ledger.to_lines(), head.as_ref()), Ok(ledger));
    }

    #[test]
    fn any_byte_that_is_changed_is_found(place in any::<prop::sample::Index>(), to in any::<u8>()) {
        let (ledger, lines) = sample();
        let (mut bytes, anchor) = (lines.concat(), Anchor::Head(ledger.head().expect("a head").clone()));
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != to);
        let changed = bytes[..place].split(|byte| *byte == b'\n').count() as u64 - 1;
        bytes[place] = to;
        prop_assert!(broken(&bytes, Some(&anchor)).position <= changed + 1);
        // Without an anchor, too, but for the last line.
        prop_assert!(changed + 1 == ledger.len() || broken(&bytes, None).position <= changed + 1);
    }

    #[test]
    fn lines_that_are_dropped_swapped_or_put_in_are_found(
        one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), kind in 0..3u8,
    ) {
        let (ledger, mut lines) = sample();
        let anchor = Anchor::Head(ledger.head().expect("a head").clone());
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        let is_last = one + 1 == lines.len();
        let first = match kind {
            0 => {
                lines.remove(one);
                prop_assert_eq!(Ledger::from_lines(&lines.concat()).is_ok(), is_last);
                one
            }
            1 => {
                prop_assume!(one != other);
                lines.swap(one, other);
                one.min(other)
            }
            _ => {
                let line = lines[other].clone();
                lines.insert(one, line);
                // In front of itself, it is the second of the two that is one too many.
                one + usize::from(one == other)
            }
        };
        prop_assert_eq!(broken(&lines.concat(), Some(&anchor)).position, first as u64);
        prop_assert!((kind == 0 && is_last) || broken(&lines.concat(), None).position == first as u64);
    }

    #[test]
    fn any_bytes_are_a_ledger_or_a_fault(bytes in any::<Vec<u8>>(), cut in any::<prop::sample::Index>()) {
        prop_assert!(bytes.is_empty() || Ledger::from_lines(&bytes).is_err());
        let (_, lines) = sample();
        let lines = lines.concat();
        let cut = cut.index(lines.len());
        let whole = cut == 0 || lines[cut - 1] == b'\n';
        let read = Ledger::from_lines(&lines[..cut]);
        prop_assert_eq!(read.is_ok(), whole);
        prop_assert!(read.err().is_none_or(|broken| broken.fault == Fault::Torn));
    }
}
