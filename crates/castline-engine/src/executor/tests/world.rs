//! A platform in memory, which outlives whoever drives it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use castline_core::{
    Fleet, Health, Instance, Phase, Release, Revision,
    drift::DriftReport,
    plan::Disposal,
    rollout::{Action, Do, Key, What},
};
use tokio::{
    sync::{Notify, mpsc::Sender},
    time::sleep,
};

use crate::{CheckMode, Doing, Driver, DriverError};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) instances: BTreeMap<Arc<str>, (Arc<str>, Instance)>,
    /// How many instances were made for each key.
    pub(super) made: BTreeMap<Key, u64>,
    /// How many launches were asked for, answered from what was there included.
    pub(super) asked: u64,
    watchers: Vec<Sender<What>>,
    /// Revisions whose instances fail.
    pub(super) broken: Vec<Revision>,
    /// How many actions fail for now.
    pub(super) busy: u64,
    /// What no action can do.
    pub(super) impossible: Option<&'static str>,
    /// How long an observation takes to arrive after it was made.
    pub(super) slow: Duration,
    pub(super) at_once: u64,
    pub(super) most_at_once: u64,
    pub(super) tampered: Vec<Arc<str>>,
    pub(super) shifts: Vec<u8>,
    /// Ready is told before the launch is answered.
    pub(super) hasty: bool,
}

#[derive(Debug, Default)]
pub(super) struct World {
    state: Mutex<State>,
    /// How often a driver was at a point where it could be killed.
    pub(super) boundaries: AtomicU64,
    kill_at: AtomicU64,
    killed: Notify,
    pub(super) begun: OnceLock<tokio::time::Instant>,
}

impl World {
    pub(super) fn new(instances: impl IntoIterator<Item = Instance>) -> Arc<Self> {
        let world = Self { kill_at: AtomicU64::new(u64::MAX), ..Self::default() };
        for instance in instances {
            world.state().instances.insert(Arc::clone(&instance.id), ("web".into(), instance));
        }
        Arc::new(world)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds it")
    }

    pub(super) fn fleet(&self, service: &str) -> Fleet {
        let state = self.state();
        let of = state.instances.values().filter(|(of, _)| **of == *service);
        Fleet::new(service, of.map(|(_, instance)| instance.clone())).expect("a fleet")
    }

    pub(super) fn kill_at(&self, boundary: u64) {
        self.kill_at.store(boundary, Ordering::SeqCst);
    }

    pub(super) async fn killed(&self) {
        self.killed.notified().await;
    }

    /// A point where the one who drives it may end.
    async fn boundary(&self) {
        if self.boundaries.fetch_add(1, Ordering::SeqCst) == self.kill_at.load(Ordering::SeqCst) {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn tell(&self, what: &What) {
        self.state().watchers.retain(|watcher| watcher.try_send(what.clone()).is_ok());
    }

    fn launch(self: &Arc<Self>, action: &Action, release: &Release) -> Result<Arc<str>, DriverError> {
        let Do::Launch { revision, zone, slot, labels } = &action.what else { panic!("a launch") };
        assert_eq!(release.revision(), *revision, "the release is that of the action");
        let mut state = self.state();
        state.asked += 1;
        let there = state.instances.values().find(|(_, one)| one.label(Key::LABEL) == Some(&*action.key.0));
        if let Some((_, there)) = there {
            return Ok(Arc::clone(&there.id));
        }
        if let Some(reason) = state.impossible {
            return Err(DriverError::permanent(reason));
        }
        *state.made.entry(action.key.clone()).or_default() += 1;
        let id: Arc<str> = format!("new-{}", state.made.values().sum::<u64>()).into();
        let image = match release.image() {
            castline_core::ReleaseImage::Provider(image) => image.id.clone(),
            castline_core::ReleaseImage::Verified { identities, .. } => {
                identities.manifest.as_ref().expect("a digest").to_string()
            }
            other => panic!("{other:?}"),
        };
        let mut instance = Instance::new(Arc::clone(&id))
            .with_image(image)
            .with_revision(revision.clone())
            .with_zone(Arc::clone(zone))
            .with_phase(Phase::Pending)
            .with_health(Health::Unknown);
        instance.slot.clone_from(slot);
        instance.labels = Arc::clone(labels);
        let instance = instance.with_label(Key::LABEL, &*action.key.0);
        let fails = state.broken.contains(revision);
        state.instances.insert(Arc::clone(&id), (Arc::clone(&action.service), instance));
        let hasty = state.hasty;
        drop(state);
        let (world, name) = (Arc::clone(self), Arc::clone(&id));
        let starts = async move {
            sleep(if hasty { Duration::ZERO } else { Duration::from_millis(50) }).await;
            let health = if fails { Health::Failed } else { Health::Ready };
            if let Some((_, instance)) = world.state().instances.get_mut(&name) {
                (instance.phase, instance.health) = (Phase::Running, health);
            }
            let reason = "it does not answer".to_owned();
            world.tell(&if fails {
                What::Failed { instance: name, reason }
            } else {
                What::Ready { instance: name }
            });
        };
        tokio::spawn(starts);
        Ok(id)
    }

    fn retire(&self, id: &Arc<str>, disposal: Disposal) -> What {
        let mut state = self.state();
        if disposal.keeps() {
            if let Some((_, instance)) = state.instances.get_mut(id) {
                instance.phase = Phase::Quarantined;
            }
            return What::Quarantined { instance: Arc::clone(id) };
        }
        state.instances.remove(id);
        drop(state);
        let gone = What::Gone { instance: Arc::clone(id) };
        self.tell(&gone);
        gone
    }

    async fn perform(
        self: &Arc<Self>,
        action: &Action,
        release: Option<&Release>,
    ) -> Result<Vec<What>, DriverError> {
        self.boundary().await;
        {
            let mut state = self.state();
            if state.busy > 0 {
                state.busy -= 1;
                return Err(DriverError::temporary("the platform is busy"));
            }
            state.at_once += 1;
            state.most_at_once = state.most_at_once.max(state.at_once);
        }
        sleep(Duration::from_millis(10)).await;
        self.state().at_once -= 1;
        let key = action.key.clone();
        let done = match &action.what {
            Do::Launch { .. } => {
                let instance = self.launch(action, release.expect("the release is given"))?;
                if self.state().hasty {
                    // Whoever listens hears first that it is ready.
                    sleep(Duration::from_millis(30)).await;
                }
                vec![What::Launched { key, instance }]
            }
            Do::Retire { instance, disposal, .. } => {
                if let Some(reason) = self.state().impossible {
                    return Err(DriverError::permanent(reason));
                }
                vec![self.retire(instance, *disposal)]
            }
            Do::Shift { weight, .. } => {
                self.state().shifts.push(*weight);
                vec![What::Shifted { key }]
            }
            _ => vec![What::NotPassed { key, reason: "nobody analyses here".into() }],
        };
        self.boundary().await;
        Ok(done)
    }
}

/// What drives it.
#[derive(Debug)]
pub(super) struct Platform(pub(super) Arc<World>);

impl Driver for Platform {
    fn name(&self) -> &'static str {
        "world"
    }

    fn observe<'a>(&'a self, service: &'a str) -> Doing<'a, Fleet> {
        Box::pin(async move {
            self.0.boundary().await;
            let (fleet, slow) = (self.0.fleet(service), self.0.state().slow);
            sleep(slow).await;
            Ok(fleet)
        })
    }

    fn watch<'a>(&'a self, _: &'a [Arc<str>], events: Sender<What>) -> Doing<'a, ()> {
        Box::pin(async move {
            self.0.state().watchers.push(events.clone());
            events.closed().await;
            Ok(())
        })
    }

    fn perform<'a>(&'a self, action: &'a Action, release: Option<&'a Release>) -> Doing<'a, Vec<What>> {
        Box::pin(self.0.perform(action, release))
    }

    fn check<'a>(&'a self, instance: &'a str, _: &'a Release, _: CheckMode) -> Doing<'a, DriftReport> {
        let tampered = self.0.state().tampered.iter().any(|one| **one == *instance);
        Box::pin(async move {
            match instance {
                "old-4" => Err(DriverError::permanent("it has no files")),
                _ => Ok(serde_json::from_value(super::drift_report(tampered)).expect("a report")),
            }
        })
    }
}
