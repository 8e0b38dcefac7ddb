use std::sync::Arc;

use castline_core::{
    Document as _, Health, Integrity, Phase, Time,
    drift::HealthCheck,
    ledger::Record,
    policy::{Compromised, Select},
};

use super::{executor_in, four, policy, record_success, record_success_of, release};
use crate::{CheckMode, EngineError, ImageTest, Tested, Told, Verdict, Wanted, unneeded};

#[tokio::test(start_paused = true)]
async fn the_tampered_instance_is_found_isolated_and_replaced_and_no_other() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().tampered = vec!["old-2".into()];
    let executor = executor_in(folder.path(), &world);
    record_success(executor.store(), "v1");
    let mut told = Vec::new();
    let verified = executor.verify("web", CheckMode::Full, |one| told.push(one)).await;
    let (fleet, checked) = verified.expect("it is looked into");
    assert_eq!(told.remove(0), Told::Verifying { service: "web".into(), instances: 4 });
    told.sort_by_key(|one| match one {
        Told::Checked { instance, .. } => Arc::clone(instance),
        other => panic!("{other:?}"),
    });
    assert_eq!(told, checked.iter().map(Told::from).collect::<Vec<_>>(), "each is told once");
    let verdicts: Vec<_> = checked.iter().map(|one| (&*one.instance, &one.verdict)).collect();
    assert!(matches!(
        verdicts[..],
        [
            ("old-1", Verdict::Intact(_)),
            ("old-2", Verdict::Compromised(_)),
            ("old-3", Verdict::Intact(_)),
            ("old-4", Verdict::Unverified { .. })
        ]
    ));
    let entries = executor.store().ledger().len();
    executor.record_verification("web", CheckMode::Full, &checked, "ann").await.expect("recorded");
    let ledger = executor.store().ledger();
    assert_eq!(ledger.len(), entries + 1, "one entry for all of them");
    let release = release("v1", 4).digest();
    let verified = ledger.verified("web");
    let found: Vec<_> = verified.iter().map(|(id, one)| (*id, one.integrity, one.release)).collect();
    assert_eq!(
        found,
        [
            ("old-1", Integrity::Intact, Some(&release)),
            ("old-2", Integrity::Compromised, Some(&release)),
            ("old-3", Integrity::Intact, Some(&release)),
            ("old-4", Integrity::Unknown, Some(&release)),
        ]
    );
    assert!(verified["old-1"].reason.is_empty() && !verified["old-4"].reason.is_empty());
    assert_eq!(verified["old-2"].reason, "it differs");
    let prepared = executor.remedy(fleet, policy(), Compromised::Isolate).expect("there is a plan");
    assert!(
        prepared.plan.replacements().all(|one| one.retire.as_ref().is_none_or(|one| &*one.id == "old-2"))
    );
    let rolling = executor.apply(prepared, "ann").await.expect("it begins");
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    let after = world.fleet("web");
    assert_eq!(
        after.instance("old-2").map(|one| one.phase),
        Some(Phase::Quarantined),
        "kept to be looked at"
    );
    assert_eq!(after.instances().iter().filter(|one| one.is_present()).count(), 4);
    assert_eq!(world.state().made.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_image_is_tested_in_one_instance_which_is_gone_after_and_the_verdict_is_recorded() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    world.state().broken = vec![];
    let executor = executor_in(folder.path(), &world);
    let test = ImageTest::new(HealthCheck::new(["/check"]));
    // One that an earlier test left behind.
    let mut left = super::old(9).with_label(castline_core::rollout::Key::LABEL, "test-9");
    left.id = "left".into();
    world.state().instances.insert("left".into(), ("web.test".into(), left));
    let tested = executor.test(&release("v2", 4), &test, "ann").await.expect("it is tested");
    assert_eq!(tested, Tested { passed: true, reason: String::new() });
    assert_eq!(world.fleet("web.test").instances(), []);
    let image: castline_core::Digest = super::digest("v2").parse().expect("a digest");
    let command = ["/check".to_owned()];
    assert_eq!(executor.store().ledger().tested(&image, &command), Some(true));
    // The same image, which fails now: what it said before does not count.
    let mut spec = release("v2", 4).spec().clone();
    spec.health = Some(test.check.clone());
    let tried = release("v2", 4).with_service("web.test").with_spec(spec);
    world.state().broken = vec![tried.revision()];
    let tested = executor.test(&release("v2", 4), &test, "ann").await.expect("it is tested");
    assert!(!tested.passed && tested.reason.contains("/check"), "{tested:?}");
    assert_eq!(executor.store().ledger().tested(&image, &command), Some(false));
    assert_eq!(world.fleet("web.test").instances(), []);
    assert_eq!(world.fleet("web").instances().len(), 4, "no other was touched");
}

#[tokio::test(start_paused = true)]
async fn only_images_that_nothing_needs_are_pruned() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world);
    let image = |name: &str| super::digest(name).parse::<castline_core::Digest>().expect("a digest");
    for name in ["v1", "v2", "v3"] {
        record_success(executor.store(), name);
    }
    let all = ["v1", "v2", "v3", "stray"].map(image);
    let found = unneeded(&executor.store().ledger(), 1, all.clone());
    assert_eq!(found.images, [image("v1"), image("stray")]);
    executor.record_pruning(found.images, "ann").await.expect("recorded");
    let ledger = executor.store().ledger();
    assert!(
        matches!(&ledger.last().expect("an entry").record, Record::Pruning { images } if images.len() == 2)
    );
    assert!(ledger.last().expect("an entry").at >= Time::from_millis(1_700_000_000_000));
}

#[tokio::test(start_paused = true)]
async fn what_only_mends_has_nothing_to_go_back_to_and_what_brings_a_release_has() {
    let broken = || policy().with_select(Select::Broken);
    let begun = async |wanted: &[Wanted]| {
        let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
        world.state().instances.get_mut("old-2").expect("it is there").1.health = Health::Failed;
        let executor = executor_in(folder.path(), &world);
        for name in ["v0", "v1"] {
            record_success(executor.store(), name);
        }
        record_success_of(executor.store(), release("v1", 0).with_service("db"));
        let prepared = executor.prepare(wanted).await.expect("there is a plan");
        let rolling = executor.apply(prepared, "ann").await.expect("it begins");
        let ready = executor.ready_to_go_back(&rolling).await.map_err(|error| error.to_string());
        let back = executor.store().contents().way_back_of(rolling.rollout());
        assert_eq!(ready.is_ok(), back.is_ok());
        let back = back
            .map(|releases| releases.iter().map(|one| (one.service().to_string(), one.revision())).collect());
        back.map_err(|error: EngineError| error.to_string())
    };
    let of = |service: &str, image: &str, policy| Wanted {
        release: release(image, 4).with_service(service),
        policy,
    };
    let runs =
        |service: &str, image: &str| (service.to_owned(), release(image, 4).with_service(service).revision());

    let mended: Result<Vec<_>, _> = begun(&[of("web", "v1", broken())]).await;
    assert!(mended.expect_err("it runs v1 already").contains("it only replaces what is broken"));
    assert_eq!(begun(&[of("web", "v2", broken())]).await, Ok(vec![runs("web", "v1")]));
    let both = [of("db", "v2", policy()), of("web", "v1", broken())];
    assert_eq!(begun(&both).await, Ok(vec![runs("db", "v1"), runs("web", "v1")]), "each where it was");
}
