use super::*;

#[test]
fn what_was_found_last_counts_of_each_instance() {
    let ledger = told(&["intact i-1 i-2", "compromised i-2", "fast intact i-3", "note"]);
    let found: Vec<_> = ledger
        .verified("web")
        .into_iter()
        .map(|(id, one)| (id.to_owned(), one.at.as_millis(), one.fast, one.integrity, one.reason.to_owned()))
        .collect();
    let one = |id: &str, millis, fast, integrity, reason: &str| {
        (id.to_owned(), millis, fast, integrity, reason.to_owned())
    };
    assert_eq!(
        found,
        [
            one("i-1", 0, false, Integrity::Intact, ""),
            one("i-2", 1000, false, Integrity::Compromised, "compromised"),
            one("i-3", 2000, true, Integrity::Intact, ""),
        ]
    );
    assert_eq!(ledger.verified("web")["i-1"].release, Some(&release("web", "a").digest()));
    assert!(ledger.verified("db").is_empty());
}

#[test]
fn a_verification_is_read_as_it_was_written_and_says_nothing_of_releases() {
    let ran = ["record a", "start 1 a", "ok 1"];
    let ledger = told(&[&ran[..], &["unknown i-1"]].concat());
    assert_eq!(Ledger::verify(&ledger.to_lines(), None).expect("it holds"), ledger);
    let line =
        String::from_utf8(ledger.to_lines()).expect("UTF-8").lines().last().expect("a line").to_owned();
    assert!(!line.contains("fast") && line.contains(r#""integrity":"unknown""#), "{line}");
    assert_eq!(ledger.images_needed(1), told(&ran).images_needed(1));
    assert_eq!(ledger.current("web"), told(&ran).current("web"));
}
