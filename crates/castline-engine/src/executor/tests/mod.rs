mod control;
mod crashes;
mod gates;
mod remedies;
mod running;
mod world;

use std::{path::Path, sync::Arc};

use castline_core::{
    Document as _, Instance, Release, Time,
    ledger::{Ledger, Outcome, Record},
    policy::{Amount, Budget, Policy},
};
use serde_json::{Value, json};

use self::world::{Platform, World};
use super::{Clock, EngineError, Executor, Options, Rolling, Wanted};
use crate::Store;

fn digest(word: &str) -> String {
    castline_core::Digest::of(word.as_bytes()).to_string()
}

/// The release of so many copies of an image.
fn release(image: &str, replicas: u64) -> Release {
    let json = json!({"service": "web", "replicas": replicas,
        "image": {"verified": {"identities": {"manifest": digest(image), "indexes": []}}}});
    Release::from_json(json.to_string().as_bytes()).expect("a release")
}

fn old(number: u64) -> Instance {
    let zone = if number.is_multiple_of(2) { "a" } else { "b" };
    let release = release("v1", 4);
    Instance::new(format!("old-{number}"))
        .with_image(digest("v1"))
        .with_revision(release.revision())
        .with_zone(zone)
}

/// Four instances of the first version in two zones.
fn four() -> Arc<World> {
    World::new((1..=4).map(old))
}

fn policy() -> Policy {
    Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::Count(2)))
}

fn wanted(image: &str) -> Wanted {
    Wanted { release: release(image, 4), policy: policy() }
}

/// A clock that goes with tokio's, which tests let go as fast as nothing happens.
fn clock(world: &World) -> Clock {
    let begun = *world.begun.get_or_init(tokio::time::Instant::now);
    Clock::from_fn(move || {
        let millis = u64::try_from(begun.elapsed().as_millis()).expect("a short test");
        Time::from_millis(1_700_000_000_000).after_millis(millis)
    })
}

fn executor(store: impl Into<Arc<Store>>, world: &Arc<World>) -> Executor {
    Executor::new(store, Arc::new(Platform(Arc::clone(world)))).with_clock(clock(world))
}

/// An executor with a store in this folder.
fn executor_in(folder: &Path, world: &Arc<World>) -> Executor {
    executor(Store::open(folder.join("store")).expect("a store"), world)
}

async fn begin(executor: &Executor, wanted: Wanted) -> Result<Rolling, EngineError> {
    let prepared = executor.prepare(&[wanted]).await?;
    executor.apply(prepared, "ann").await
}

/// Records that a release has run and did well, as if rolled out before.
fn record_success(store: &Store, image: &str) {
    record_success_of(store, release(image, 4));
}

fn record_success_of(store: &Store, release: Release) {
    let change = castline_core::ledger::Change {
        service: Arc::clone(release.service()),
        fleet: castline_core::Digest::of(b"none"),
        release: release.digest(),
        revision: release.revision(),
    };
    let start =
        Record::Start { plan: castline_core::Digest::of(b"none"), changes: vec![change], rollback_of: None };
    let at = Time::from_millis(1);
    let ledger =
        store.append(at, "ann", [Record::Release { release: release.into() }, start]).expect("appended");
    let rollout = ledger.head().cloned().expect("an entry");
    store.append(at, "ann", [Record::outcome(rollout, Outcome::Succeeded, "")]).expect("appended");
}

fn outcomes(ledger: &Ledger) -> Vec<Outcome> {
    let outcome = |record: &Record| match record {
        Record::Outcome { outcome, .. } => Some(outcome.clone()),
        _ => None,
    };
    ledger.entries().filter_map(|(_, entry)| outcome(&entry.record)).collect()
}

fn events(ledger: &Ledger) -> Vec<castline_core::rollout::Event> {
    let event = |record: &Record| match record {
        Record::Event { event, .. } => Some((**event).clone()),
        _ => None,
    };
    ledger.entries().filter_map(|(_, entry)| event(&entry.record)).collect()
}

/// All that runs is one of this image, and as many as there are to be.
fn assert_runs(world: &World, image: &str) {
    let (fleet, release) = (world.fleet("web"), release(image, 4));
    assert_eq!(fleet.instances().len(), 4, "{fleet:#?}");
    for instance in fleet.instances() {
        assert_eq!(instance.revision, Some(release.revision()), "{instance:?}");
        assert!(instance.is_available(), "{instance:?}");
    }
}

fn drift_report(drifted: bool) -> Value {
    json!({"drifted": drifted, "complete": true, "profile": "none",
        "counts": {"added": 0, "removed": 0, "modified": 0, "mounted": 0, "unread": 0, "critical": 0,
            "warning": 0, "info": 0},
        "findings": [], "more": 0, "summary": [], "ignored": [], "moreIgnored": 0, "entries": 1, "bytes": 0})
}

fn under_way_first(executor: &Executor) -> Option<castline_core::Digest> {
    super::under_way(&executor.store().ledger()).into_iter().next().map(|one| one.rollout)
}
