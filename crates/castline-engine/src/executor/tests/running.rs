use std::{sync::Arc, time::Duration};

use castline_core::{
    Time,
    ledger::{Outcome, Record},
    policy::OnFailure,
    rollout::{Status, What},
};

use super::{
    EngineError, Options, Store, Wanted, assert_runs, begin, events, executor_in, four, outcomes, policy,
    record_success, record_success_of, release, wanted, world::World,
};
use crate::{Contents, Told, under_way};

#[tokio::test(start_paused = true)]
async fn a_rollout_is_executed_recorded_and_told() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world);
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let rollout = rolling.rollout().clone();
    let mut told = Vec::new();
    let ended = rolling.run(|one| told.push(one)).await.expect("it is executed");
    assert!(ended.is_success() && ended.progress.done == 4, "{ended:?}");
    assert_runs(&world, "v2");
    let ledger = executor.store().ledger();
    assert_eq!(outcomes(&ledger), [Outcome::Succeeded]);
    assert_eq!(ledger.current("web"), Some(&castline_core::Document::digest(&release("v2", 4))));
    // All that was told can be a line of JSON, and is told in order.
    assert!(matches!(&told[0], Told::Rollout { events: 0, .. }), "{:?}", told[0]);
    let last = told.last().expect("something");
    assert!(matches!(last, Told::Ended { outcome: Outcome::Succeeded, .. }), "{last:?}");
    for one in &told {
        let line = serde_json::to_string(one).expect("JSON");
        assert_eq!(serde_json::from_str::<Told>(&line).expect("the same"), *one, "{line}");
    }
    // The journal makes the same rollout again, also for those who only read.
    let contents = Contents::read(executor.store().folder(), None).expect("it can be read");
    assert_eq!(*contents.rollout(&rollout).expect("it is there").status(), Status::Succeeded);
    assert!(contents.under_way().is_empty());
    // Observations that say nothing new are not in it.
    let observed = events(&ledger).iter().filter(|event| matches!(event.what, What::Observed { .. })).count();
    assert!(observed <= 1, "{observed}");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_under_way_at_once_than_allowed() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world).with_options(Options::default().with_concurrency(1));
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    assert_eq!(world.state().most_at_once, 1);
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_now_is_asked_for_again_after_ever_longer() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().busy = 9;
    let executor = executor_in(folder.path(), &world).with_options(Options::default().with_concurrency(1));
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let mut waits = Vec::new();
    let ended = rolling.run(|told| {
        if let Told::Again { after_millis, .. } = told {
            waits.push(after_millis);
        }
    });
    assert!(ended.await.expect("it is executed").is_success());
    assert_eq!(waits.len(), 9);
    assert!(waits.contains(&200) && waits.contains(&400), "{waits:?}");
    assert_eq!(world.state().made.values().sum::<u64>(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_broken_is_gone_back_from_to_what_succeeded_before() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().broken = vec![release("v2", 4).revision()];
    let executor = executor_in(folder.path(), &world);
    // It had been well with another number of copies, which is another release.
    record_success_of(executor.store(), release("v1", 3));
    let policy = policy().with_on_failure(OnFailure::Rollback);
    let rolling = begin(&executor, Wanted { policy, ..wanted("v2") }).await.expect("it begins");
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(
        matches!(&ended.status, Status::RolledBack { reason, .. } if reason.contains("does not answer")),
        "{ended:?}"
    );
    assert_runs(&world, "v1");
    let ledger = executor.store().ledger();
    assert!(matches!(outcomes(&ledger).last(), Some(Outcome::RolledBack { .. })));
    let current = ledger.current("web").expect("something runs");
    assert_eq!(ledger.release(current), Some(&release("v1", 4)), "what runs can be gone back to");
}

#[tokio::test(start_paused = true)]
async fn what_there_is_to_go_back_to_is_what_the_ledger_said_when_it_began() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().broken = vec![release("v2", 4).revision()];
    let executor = executor_in(folder.path(), &world);
    record_success(executor.store(), "v1");
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let rollout = rolling.rollout().clone();
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(matches!(ended.status, Status::Paused { .. }), "{ended:?}");
    // Whatever is recorded since, its journal makes the same rollout.
    let image = super::digest("v1").parse().expect("a digest");
    executor.record_pruning(vec![image], "ann").await.expect("recorded");
    let rolling = executor.resume(&rollout, "ann").await.expect("it goes on");
    rolling.handle().roll_back("ann");
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(matches!(ended.status, Status::RolledBack { .. }), "{ended:?}");
    assert_runs(&world, "v1");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_launched_pauses_and_is_tried_again_when_somebody_says_so() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().impossible = Some("no such image");
    let executor = executor_in(folder.path(), &world);
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let rollout = rolling.rollout().clone();
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(
        matches!(&ended.status, Status::Paused { reason } if reason.contains("no such image")),
        "{ended:?}"
    );
    assert_eq!(outcomes(&executor.store().ledger()), [Outcome::Paused]);
    assert_eq!(under_way(&executor.store().ledger())[0].rollout, rollout);
    // Another one cannot begin meanwhile.
    let other = begin(&executor, wanted("v3")).await;
    assert!(matches!(other, Err(EngineError::UnderWay { rollout: of, .. }) if of == rollout));
    world.state().impossible = None;
    let rolling = executor.resume(&rollout, "bob").await.expect("it goes on");
    rolling.handle().go_on("bob");
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    assert_runs(&world, "v2");
    assert!(matches!(executor.resume(&rollout, "bob").await, Err(EngineError::NoRollout { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_retired_pauses_at_once_and_says_why() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world);
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let stuck = Arc::clone(&world);
    let ended = rolling.run(move |told| {
        if matches!(told, Told::Happened { event } if matches!(event.what, What::Launched { .. })) {
            stuck.state().impossible = Some("it is protected");
        }
    });
    let ended = ended.await.expect("it is executed");
    assert!(matches!(&ended.status, Status::Paused { reason } if reason.contains("protected")), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_finishes_what_was_begun_and_whoever_goes_on_ends_it() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world);
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let (rollout, handle) = (rolling.rollout().clone(), rolling.handle());
    let ended = rolling.run(|told| {
        if matches!(told, Told::Happened { event } if matches!(event.what, What::Launched { .. })) {
            handle.pause("ann");
        }
    });
    let ended = ended.await.expect("it is executed");
    assert!(matches!(ended.status, Status::Paused { .. }) && ended.progress.waiting > 0, "{ended:?}");
    let rolling = executor.resume(&rollout, "ann").await.expect("it goes on");
    rolling.handle().go_on("ann");
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    assert_eq!(outcomes(&executor.store().ledger()), [Outcome::Paused, Outcome::Succeeded]);
    assert_runs(&world, "v2");
}

#[tokio::test(start_paused = true)]
async fn an_aborted_rollout_leaves_things_as_they_are() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world);
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    rolling.handle().abort("ann");
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert_eq!(ended.status, Status::Aborted { by: "ann".into() });
    assert_eq!(world.state().asked, 0, "nothing was begun");
    assert_eq!(outcomes(&executor.store().ledger()), [Outcome::Aborted]);
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_before_the_launch_is_answered_is_not_lost() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().hasty = true;
    let options = Options::default().with_observe_every(Duration::from_secs(3600));
    let executor = executor_in(folder.path(), &world).with_options(options);
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let begun = tokio::time::Instant::now();
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    assert!(begun.elapsed() < Duration::from_secs(3600), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_observation_that_is_older_than_a_launch_does_not_lose_it() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world)
        .with_options(Options::default().with_observe_every(Duration::from_millis(1)));
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    world.state().slow = Duration::from_millis(45);
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(ended.is_success() && ended.progress.failed == 0, "{ended:?}");
    assert_eq!(world.state().made.len(), 4);
    assert_runs(&world, "v2");
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_does_not_answer_is_asked_again() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    // The world takes ten milliseconds for anything.
    let options = Options { launch_timeout: Duration::from_millis(5), ..Options::default() };
    let executor = executor_in(folder.path(), &world).with_options(options);
    let policy = policy().with_progress_deadline_seconds(60);
    let rolling = begin(&executor, Wanted { policy, ..wanted("v2") }).await.expect("it begins");
    let mut again = 0;
    let ended = rolling.run(|told| again += u64::from(matches!(told, Told::Again { .. })));
    // Nobody knows what became of the launch: somebody has to look.
    let ended = ended.await.expect("it is executed");
    assert!(
        matches!(&ended.status, Status::Paused { reason } if reason.contains("nobody has said")),
        "{ended:?}"
    );
    assert!(again > 8, "{again}");
    let paused = Outcome::Paused;
    assert_eq!(outcomes(&executor.store().ledger()), [paused]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_late_to_the_journal_of_another_store_is_told() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), World::new([]));
    let executor = executor_in(folder.path(), &world);
    let again = Store::open(folder.path().join("store"));
    assert!(matches!(again, Err(crate::StoreError::Held { .. })));
    // A ledger that tells of a rollout whose documents are elsewhere.
    let start = Record::Start {
        plan: castline_core::Digest::of(b"elsewhere"),
        changes: Vec::new(),
        rollback_of: None,
    };
    let ledger = executor.store().append(Time::from_millis(0), "ann", [start]).expect("appended");
    let lost = executor.resume(ledger.head().expect("an entry"), "ann").await;
    assert!(matches!(lost, Err(EngineError::Store(crate::StoreError::NoDocument { .. }))), "{lost:?}");
}

#[tokio::test(start_paused = true)]
async fn somebody_goes_back_to_what_succeeded_before_and_not_forth_again_by_itself() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world);
    record_success(executor.store(), "v1");
    assert!(matches!(
        executor.prepare_rollback("web", None, policy()).await,
        Err(EngineError::NoRelease { .. })
    ));
    let rolling = begin(&executor, wanted("v2")).await.expect("it begins");
    let rollout = rolling.rollout().clone();
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    let back = executor.prepare_rollback("web", None, policy()).await.expect("there is a way");
    assert_eq!(back.rollback_of, Some(rollout));
    let rolling = executor.apply(back, "ann").await.expect("it begins");
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    assert_runs(&world, "v1");
    let ledger = executor.store().ledger();
    assert_eq!(ledger.previous_good("web"), None, "what somebody went back from is not gone back to");
    let to = castline_core::Document::digest(&release("v2", 4));
    let forth = executor.prepare_rollback("web", Some(&to), policy()).await.expect("who names it has it");
    assert_eq!(forth.targets[0].release, release("v2", 4));
    let other = castline_core::Digest::of(b"other");
    assert!(executor.prepare_rollback("web", Some(&other), policy()).await.is_err());
}
