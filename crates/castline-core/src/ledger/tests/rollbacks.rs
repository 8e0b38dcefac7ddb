use super::*;

/// Two releases that succeeded one after the other.
const A_THEN_B: [&str; 6] = ["record a", "start 1 a", "ok 1", "record b", "start 2 b", "ok 2"];

#[test]
fn what_runs_what_did_and_what_to_go_back_to() {
    for (name, more, failing, current, previous, target) in [
        ("all is well", &[][..], "b", "b", "a", "a"),
        // kubernetes#67250: a broken revision, half way.
        ("half way to a broken one", &["record c", "start 3 c", "event 3"], "c", "b", "b", "b"),
        ("it paused half way", &["record c", "start 3 c", "paused 3"], "c", "b", "b", "b"),
        ("it failed half way", &["record c", "start 3 c", "failed 3"], "c", "b", "a", "b"),
        ("it was stopped half way", &["record c", "start 3 c", "aborted 3"], "c", "b", "a", "b"),
        ("it was never recorded", &["start 3 c"], "c", "b", "b", "b"),
        ("nothing of it was begun", &["record c"], "c", "b", "a", "b"),
        ("it went back by itself", &["record c", "start 3 c", "back 3 b"], "c", "b", "a", "b"),
        (
            "after it went back, that fails, too",
            &["record c", "start 3 c", "back 3 b"],
            "b",
            "b",
            "a",
            "none",
        ),
        ("a rollback is under way", &["start 3 a of 2"], "a", "b", "none", "none"),
        ("a rollback ended well", &["start 3 a of 2", "ok 3"], "a", "a", "none", "none"),
        ("from a rollback, to what it took back", &["start 3 a of 2", "failed 3"], "a", "b", "none", "none"),
        (
            "what was taken back is no target",
            &["start 3 a of 2", "ok 3", "record c", "start 4 c"],
            "c",
            "a",
            "a",
            "a",
        ),
        (
            "what was taken back is one once it succeeds again",
            &["start 3 a of 2", "ok 3", "start 4 b", "ok 4", "record c", "start 5 c"],
            "c",
            "b",
            "b",
            "b",
        ),
        (
            "what was gone back to is rolled out as usual later on",
            &["start 3 a of 2", "ok 3", "record c", "start 4 c", "ok 4", "start 5 a"],
            "a",
            "c",
            "c",
            "c",
        ),
        ("more copies of the same", &["record b*20", "start 3 b*20"], "b*20", "b", "a", "a"),
        ("more copies of the same ran", &["record b*20", "start 3 b*20", "ok 3"], "b", "b*20", "a", "a"),
        (
            "what ran with more copies last is gone back to with these",
            &["record b*20", "start 3 b*20", "ok 3", "record c", "start 4 c"],
            "c",
            "b*20",
            "b*20",
            "b*20",
        ),
        (
            "more copies failed, so the revision did",
            &["record b*20", "start 3 b*20", "failed 3", "record c", "start 4 c"],
            "c",
            "b",
            "a",
            "a",
        ),
        (
            "more copies failed that were never recorded",
            &["start 3 b*20", "failed 3", "record c", "start 4 c"],
            "c",
            "b",
            "a",
            "a",
        ),
        ("fewer copies of what runs fail", &["start 3 b*1"], "b*1", "b", "a", "a"),
        (
            "one that failed at first is good once it succeeds",
            &["record c", "start 3 c", "failed 3", "start 4 c", "ok 4", "record d", "start 5 d"],
            "d",
            "c",
            "c",
            "c",
        ),
        ("the last word counts", &["record c", "start 3 c", "ok 3", "failed 3"], "c", "c", "b", "b"),
        ("it went on after a pause", &["record c", "start 3 c", "paused 3", "ok 3"], "c", "c", "b", "b"),
        ("it succeeded twice", &["start 3 a", "ok 3", "record c", "start 4 c"], "c", "a", "a", "a"),
        ("its image was pruned", &["prune a"], "b", "b", "none", "none"),
        ("its image is back", &["prune a", "record a"], "b", "b", "a", "a"),
    ] {
        let ledger = told(&[&A_THEN_B[..], more].concat());
        let failing = release("web", failing);
        assert_eq!(named(ledger.current("web")), current, "current: {name}");
        assert_eq!(named_release(ledger.previous_good("web")), previous, "previous: {name}");
        assert_eq!(named_release(ledger.rollback_target(&failing)), target, "target: {name}");
    }
}

#[test]
fn there_is_nothing_to_go_back_to_from_the_first_one() {
    for lines in [
        &[][..],
        &["record a"],
        &["record a", "start 1 a"],
        &["record a", "start 1 a", "failed 1"],
        &["record a", "start 1 a", "ok 1"],
        &["record b", "start 0 b", "failed 0", "record a", "start 1 a"],
        &["start 0 b", "ok 0", "record a", "start 1 a"],
        &["ok 0", "record a", "start 1 a", "ok 7"],
    ] {
        let ledger = told(lines);
        assert_eq!(ledger.rollback_target(&release("web", "a")), None, "{lines:?}");
        assert_eq!(ledger.rollback_target(&release("db", "a")), None, "{lines:?}");
        assert_eq!(ledger.previous_good("db"), None);
    }
}
