use super::*;

#[test]
fn history_tells_each_rollout_of_a_service_in_order() {
    let ledger = told(&[
        "record a",
        "approve a",
        "start 1 a",
        "event 1",
        "event 1",
        "ok 1",
        "record b",
        "start 2 b",
        "paused 2",
        "start 3 a of 2",
    ]);
    let history = ledger.history("web");
    let entries: Vec<_> = ledger.entries().collect();
    let rollouts: Vec<&Digest> = [2, 7, 9].map(|position| entries[position].0).into();
    assert_eq!(history.iter().map(|one| &one.rollout).collect::<Vec<_>>(), rollouts);

    let [one, two, three] = &history[..] else { panic!("three rollouts") };
    assert_eq!((one.plan.clone(), one.fleet.clone()), (digest("a"), digest("fleet")));
    assert_eq!((one.actor.as_str(), one.approved_by.clone(), one.events), ("ann", vec!["ann".into()], 2));
    assert_eq!((one.started_at.as_millis(), one.ended_at.map(Time::as_millis)), (2000, Some(5000)));
    assert_eq!((one.outcome.clone(), one.reason.as_str()), (Some(Outcome::Succeeded), "ok"));
    assert_eq!((two.outcome.clone(), two.ended_at), (Some(Outcome::Paused), None));
    assert_eq!((three.rollback_of.as_ref(), three.outcome.as_ref()), (Some(&two.rollout), None));
    assert_eq!(named(Some(&three.release)), "a");
    assert_eq!(ledger.history("db"), []);
}

#[test]
fn services_of_one_rollout_go_their_own_ways() {
    let changes = |web, db| vec![change("db", db), change("web", web)];
    let start =
        |web, db| Record::Start { plan: digest("plan"), changes: changes(web, db), rollback_of: None };
    let mut ledger = Ledger::default();
    let mut add = |record| {
        ledger = ledger.append(Time::default(), "ann", record).expect("it can be read again");
        ledger.head().expect("an entry").clone()
    };
    for (service, image) in [("web", "a"), ("web", "b"), ("db", "a"), ("db", "b")] {
        add(Record::Release { release: release(service, image).into() });
    }
    let first = add(start("a", "a"));
    add(Record::outcome(first, Outcome::Succeeded, ""));
    let second = add(start("b", "b"));
    let to = BTreeMap::from([("web".into(), release("web", "a").digest())]);
    add(Record::outcome(second.clone(), Outcome::RolledBack { to }, "too slow"));

    assert_eq!(ledger.current("web"), Some(&release("web", "a").digest()));
    assert_eq!(ledger.history("db").last().map(|last| &last.rollout), Some(&second));
    assert_eq!(ledger.rollback_target(&release("db", "b")), Some(&release("db", "a")));
}

#[test]
fn the_last_test_of_an_image_counts_and_says_nothing_of_its_release() {
    let ledger = told(&["test a failed", "record a", "start 1 a", "ok 1", "test a passed", "test b failed"]);
    let by = |command: &str| [command.to_owned()];
    assert_eq!(ledger.tested(&digest("a"), &by("check")), Some(true));
    assert_eq!(ledger.tested(&digest("b"), &by("check")), Some(false));
    assert_eq!(ledger.tested(&digest("a"), &by("another")), None);
    assert_eq!(ledger.tested(&digest("c"), &by("check")), None);
    assert_eq!(ledger.current("web"), Some(&release("web", "a").digest()));
}

#[test]
fn a_ledger_is_what_it_was_up_to_any_of_its_entries() {
    let ledger = told(&["record a", "start 1 a", "note", "ok 1"]);
    for (position, (digest, _)) in ledger.entries().enumerate() {
        let earlier = ledger.up_to(digest).expect("it is one of its entries");
        assert_eq!((earlier.head(), earlier.len()), (Some(digest), position as u64 + 1));
    }
    assert_eq!(ledger.up_to(&digest("another")), None);
}
