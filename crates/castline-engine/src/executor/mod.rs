//! Joins drivers to a rollout, and a ledger to both.
//!
//! What happens is recorded before anything is done about it, so that the ledger alone makes the rollout again: whoever resumes
//! it after a crash asks for the same actions with the same keys, and drivers do none of them twice.

mod back;
mod clock;
mod command;
mod drivers;
mod error;
mod gates;
mod handle;
mod journal;
mod options;
mod planner;
mod prune;
mod remedy;
mod replay;
mod run;
mod test_gate;
#[cfg(test)]
mod tests;
mod told;
mod watching;
mod work;

use std::sync::Arc;

use castline_core::{
    Digest, Fleet, Release, Time,
    ledger::{Ledger, Record},
    plan::{Plan, Target, plan},
    policy::{Compromised, Policy},
    rollout::{Event, What},
};

pub use back::way_back;
pub use clock::Clock;
pub use error::EngineError;
pub use gates::{Answer, Answerer, Question};
pub use handle::Handle;
pub use options::Options;
pub use planner::Planner;
pub use prune::{Unneeded, unneeded};
pub use remedy::{Checked, Verdict};
pub use replay::{UnderWay, under_way};
pub use run::Rolling;
pub use test_gate::{ImageTest, Tested};
pub use told::{Ended, Told};

use self::drivers::Drivers;
use crate::{CheckMode, Driver, Recorded, Store};

/// What is to become of a service: the release that should run, and how it may get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What should run.
    pub release: Release,
    /// How.
    pub policy: Policy,
}

/// A plan and what it was made for: what can be shown, approved of, and applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// What it was made for.
    pub targets: Vec<Target>,
    /// The rollout that it takes back.
    pub rollback_of: Option<Digest>,
}

impl Prepared {
    /// The plan for these targets.
    ///
    /// # Errors
    ///
    /// [`EngineError::Infeasible`].
    pub fn new(targets: Vec<Target>) -> Result<Self, EngineError> {
        let plan = plan(&targets).map_err(|infeasible| EngineError::Infeasible(infeasible.into()))?;
        Ok(Self { plan, targets, rollback_of: None })
    }

    /// The same, as what takes back this rollout: its release is not gone back to by itself any more.
    #[must_use]
    pub fn taking_back(self, rollout: Digest) -> Self {
        Self { rollback_of: Some(rollout), ..self }
    }
}

/// What executes rollouts: a store, and the driver of each service. A clone is another handle of the same.
///
/// ```no_run
/// # async fn example(driver: std::sync::Arc<dyn castline_engine::Driver>, release: castline_core::Release)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use castline_core::policy::Policy;
/// use castline_engine::{Executor, Store, Wanted};
///
/// let executor = Executor::new(Store::open("castline.store")?, driver);
/// let prepared = executor.prepare(&[Wanted { release, policy: Policy::default() }]).await?;
/// let rolling = executor.apply(prepared, "ann").await?;
/// let handle = rolling.handle(); // pauses it, from wherever Ctrl-C is heard
/// let ended = rolling.run(|_told| ()).await?; // what is told is for a terminal, or lines of JSON
/// assert!(ended.is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Executor {
    store: Arc<Store>,
    drivers: Drivers,
    options: Options,
    clock: Clock,
    analyst: Option<Answerer>,
    approver: Option<Answerer>,
}

impl Executor {
    /// One that records in this store, and does everything by this driver.
    pub fn new(store: impl Into<Arc<Store>>, driver: Arc<dyn Driver>) -> Self {
        Self {
            store: store.into(),
            drivers: Drivers::new(driver),
            options: Options::default(),
            clock: Clock::default(),
            analyst: None,
            approver: None,
        }
    }

    /// The same, with another driver for this service.
    #[must_use]
    pub fn with_driver_for(mut self, service: impl Into<Arc<str>>, driver: Arc<dyn Driver>) -> Self {
        self.drivers.insert(service.into(), driver);
        self
    }

    /// The same with these options.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// The same by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same, with this to run the analyses of gates. Without one, drivers are asked.
    #[must_use]
    pub fn with_analyst(self, analyst: Answerer) -> Self {
        Self { analyst: Some(analyst), ..self }
    }

    /// The same, with this to answer where somebody has to approve. Without one, [`Handle::tell`], a
    /// [`Remote`](crate::Remote) and [`Self::answer`] do.
    #[must_use]
    pub fn with_approver(self, approver: Answerer) -> Self {
        Self { approver: Some(approver), ..self }
    }

    /// Where it records.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What looks and plans by the same drivers, and by what the ledger says now.
    pub fn planner(&self) -> Planner {
        Planner {
            contents: self.store.contents(),
            drivers: self.drivers.clone(),
            options: self.options.clone(),
        }
    }

    /// The instances of a service as they are now.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`].
    pub async fn observe(&self, service: &str) -> Result<Fleet, EngineError> {
        planner::observe(&self.drivers, &self.options, service).await
    }

    /// [`Planner::prepare`], by what the ledger says now.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`], [`EngineError::NoZone`], [`EngineError::Infeasible`].
    pub async fn prepare(&self, wanted: &[Wanted]) -> Result<Prepared, EngineError> {
        self.planner().prepare(wanted).await
    }

    /// [`Planner::prepare_rollback`], by what the ledger says now.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRelease`] where there is none to go back to; as [`Self::prepare`].
    pub async fn prepare_rollback(
        &self,
        service: &str,
        to: Option<&Digest>,
        policy: Policy,
    ) -> Result<Prepared, EngineError> {
        self.planner().prepare_rollback(service, to, policy).await
    }

    /// [`Planner::verify`], by what the ledger says now.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] where it is not known what there is.
    pub async fn verify(
        &self,
        service: &str,
        mode: CheckMode,
        told: impl FnMut(Told),
    ) -> Result<(Fleet, Vec<Checked>), EngineError> {
        self.planner().verify(service, mode, told).await
    }

    /// [`Planner::remedy`], by what the ledger says now.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRelease`] where the ledger does not know what the service runs; [`EngineError::NoZone`],
    /// [`EngineError::Infeasible`].
    pub fn remedy(
        &self,
        fleet: Fleet,
        policy: Policy,
        compromised: Compromised,
    ) -> Result<Prepared, EngineError> {
        self.planner().remedy(fleet, policy, compromised)
    }

    /// Records that somebody approves of a plan.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`].
    pub async fn approve(&self, plan: &Plan, actor: &str) -> Result<(), EngineError> {
        self.record(actor, vec![Record::approval(plan)]).await?;
        Ok(())
    }

    /// Records that a rollout begins, with all that is needed to go on with it after a crash: then nothing has been done yet.
    /// [`Rolling::run`] does it.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnderWay`] where one of the same service is not over; [`EngineError::Store`];
    /// [`EngineError::Invalid`] where plan and targets do not belong together; as [`Self::ready`].
    ///
    /// # Panics
    ///
    /// Never: a ledger that an entry was appended to has a head.
    pub async fn apply(&self, prepared: Prepared, actor: &str) -> Result<Rolling, EngineError> {
        let now = self.clock.now();
        // Before anything is recorded: what does not belong together is nobody's rollout.
        castline_core::rollout::Rollout::start(&prepared.plan, &prepared.targets, &[], now)?;
        self.ready(&prepared.plan, &prepared.targets).await?;
        let Prepared { plan, targets, rollback_of } = prepared;
        let releases =
            targets.iter().map(|target| Record::Release { release: target.release.clone().into() });
        let start = Record::start(&plan, rollback_of);
        let records: Vec<Record> = releases.chain([start]).collect();
        let (store, at, who) = (Arc::clone(&self.store), self.clock.now(), actor.to_owned());
        let ledger = blocking(move || {
            store.keep(&plan)?;
            for target in &targets {
                store.keep(&target.fleet)?;
                store.keep(&target.policy)?;
            }
            store.append_if(at, &who, records, |ledger| none_under_way(ledger, &plan))
        })
        .await?;
        let rollout = ledger.head().cloned().expect("an entry was appended");
        self.resume(&rollout, actor).await
    }

    /// [`Planner::ready`]: [`Self::apply`] asks it itself.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] with what is missing. Nothing was done.
    pub async fn ready(&self, plan: &Plan, targets: &[Target]) -> Result<(), EngineError> {
        self.drivers.ready(plan, targets).await
    }

    /// Asks the drivers whether what a rollout has still to launch could be launched from here, before it is gone on with.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] with what is missing. Nothing was done.
    pub async fn ready_to_go_on(&self, rolling: &Rolling) -> Result<(), EngineError> {
        let state = rolling.state();
        for release in state.targets().iter().map(|target| &target.release) {
            if state.launches_left(release.service()) > 0 {
                self.drivers.are_ready_for(release).await?;
            }
        }
        Ok(())
    }

    /// Asks whether a rollout can be taken back from here: whether there is anything that it can go back to, and whether what has to be
    /// launched for that could be. What another process executes is not asked: it launches there.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoWayBack`]; [`EngineError::Driver`] with what is missing. Nothing was done.
    pub async fn ready_to_go_back(&self, rolling: &Rolling) -> Result<(), EngineError> {
        self.drivers.ready_to_go_back(rolling.rollout(), rolling.state()).await
    }

    /// Goes on with a rollout that is not over, where its journal ends: after a crash, after a pause, or to answer what it asks.
    /// [`Rolling::run`] does it; one that is paused waits for [`Handle::go_on`].
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRollout`], [`EngineError::Store`].
    pub async fn resume(&self, rollout: &Digest, actor: &str) -> Result<Rolling, EngineError> {
        let ledger = self.store.ledger();
        if !under_way(&ledger).iter().any(|one| one.rollout == *rollout) {
            return Err(EngineError::NoRollout { rollout: rollout.clone() });
        }
        let (store, name) = (Arc::clone(&self.store), rollout.clone());
        let replayed = blocking(move || replay::replay(&*store, &name)).await?;
        Ok(Rolling::new(self.clone(), rollout.clone(), actor, replayed))
    }

    /// Answers what a rollout asks that nobody executes now, and says where that stands in the ledger. It goes on when it is resumed.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoQuestion`] where it does not ask for this approval now.
    ///
    /// # Panics
    ///
    /// Never: a ledger that an entry was appended to has a last one.
    pub async fn answer(
        &self,
        rollout: &Digest,
        approval: &str,
        answer: &Answer,
    ) -> Result<Recorded, EngineError> {
        let (store, name) = (Arc::clone(&self.store), rollout.clone());
        let state = blocking(move || replay::replay(&*store, &name)).await?.state;
        let asked = state.next().actions.into_iter().find(
            |action| matches!(&action.what, castline_core::rollout::Do::Ask { approval: asked } if asked == approval),
        );
        let action = asked.ok_or_else(|| EngineError::NoQuestion {
            rollout: rollout.clone(),
            approval: approval.into(),
            instead: command::questions(&state).into(),
        })?;
        let event = Event { at: self.clock.now().max(state.clock()), what: answered(action.key, answer) };
        let records = vec![Record::Event { rollout: rollout.clone(), event: event.into() }];
        let ledger = self.record(&answer.by, records).await?;
        let (digest, _) = ledger.entries().next_back().expect("an entry was appended");
        Ok(Recorded::new(ledger.len() - 1, digest.clone()))
    }

    /// Appends to the ledger, off the threads that others wait on.
    async fn record(&self, actor: &str, records: Vec<Record>) -> Result<Ledger, EngineError> {
        self.record_at(self.clock.now(), actor, records).await
    }

    async fn record_at(&self, at: Time, actor: &str, records: Vec<Record>) -> Result<Ledger, EngineError> {
        let (store, actor) = (Arc::clone(&self.store), actor.to_owned());
        blocking(move || Ok(store.append(at, &actor, records)?)).await
    }
}

/// Each service has one rollout at a time.
fn none_under_way(ledger: &Ledger, plan: &Plan) -> Result<(), EngineError> {
    for other in under_way(ledger) {
        let both = plan.services.iter().find(|planned| other.services.contains(&planned.service));
        if let Some(planned) = both {
            let service = planned.service.to_string().into();
            return Err(EngineError::UnderWay { rollout: other.rollout, service });
        }
    }
    Ok(())
}

/// What an answer is to a rollout.
fn answered(key: castline_core::rollout::Key, answer: &Answer) -> What {
    let by = answer.by.clone();
    if answer.yes {
        What::Approved { key, by }
    } else {
        What::Refused { key, by, reason: answer.reason.clone() }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(EngineError::Store(crate::StoreError::Poisoned {
            reason: format!("the runtime has ended: {error}").into(),
        })),
    }
}
