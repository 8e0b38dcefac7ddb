use std::sync::Arc;

use castline_core::{
    Digest, Fleet, Release,
    plan::{Plan, Target},
    policy::Policy,
};

use super::{EngineError, Options, Prepared, Wanted, drivers::Drivers, way_back, work};
use crate::{Contents, Driver};

/// What looks and plans, and neither records nor does anything: a ledger as it was read, and the driver of each service. Nobody is
/// kept from writing to the store meanwhile, so that plans can be shown and thought about for as long as that takes.
///
/// Before one is applied, see that it still holds: [`Executor::planner`](super::Executor::planner) plans from what is there once
/// nobody else writes.
///
/// ```no_run
/// # async fn example(driver: std::sync::Arc<dyn castline_engine::Driver>, release: castline_core::Release)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// use castline_core::{Document as _, policy::Policy};
/// use castline_engine::{Contents, Executor, Planner, Store, Wanted};
///
/// let wanted = [Wanted { release, policy: Policy::default() }];
/// let planner = Planner::new(Contents::read_or_empty("castline.store")?, std::sync::Arc::clone(&driver));
/// let shown = planner.prepare(&wanted).await?;
/// // … somebody looks at it, and approves of it …
/// let executor = Executor::new(Store::open("castline.store")?, driver);
/// let prepared = executor.prepare(&wanted).await?;
/// assert_eq!(prepared.plan.digest(), shown.plan.digest(), "something has changed: ask again");
/// executor.apply(prepared, "ann").await?.run(|_told| ()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Planner {
    pub(super) contents: Contents,
    pub(super) drivers: Drivers,
    pub(super) options: Options,
}

impl Planner {
    /// One that knows what this store held when it was read, and looks at everything by this driver.
    pub fn new(contents: Contents, driver: Arc<dyn Driver>) -> Self {
        Self { contents, drivers: Drivers::new(driver), options: Options::default() }
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

    /// What the store held.
    pub const fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The instances of a service as they are now.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`].
    pub async fn observe(&self, service: &str) -> Result<Fleet, EngineError> {
        observe(&self.drivers, &self.options, service).await
    }

    /// Observes what runs, and plans how it gets to what should. Where a policy names no zones, those of the driver are taken.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`], [`EngineError::NoZone`], [`EngineError::Infeasible`].
    pub async fn prepare(&self, wanted: &[Wanted]) -> Result<Prepared, EngineError> {
        let mut targets = Vec::with_capacity(wanted.len());
        for Wanted { release, policy } in wanted {
            let policy = self.placed(release.service(), policy.clone())?;
            let fleet = self.observe(release.service()).await?;
            targets.push(Target { fleet, release: release.clone(), policy });
        }
        Prepared::new(targets)
    }

    /// Asks the drivers whether what a plan launches could be launched from here ([`Driver::ready`](crate::Driver::ready)).
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] with what is missing.
    pub async fn ready(&self, plan: &Plan, targets: &[Target]) -> Result<(), EngineError> {
        self.drivers.ready(plan, targets).await
    }

    /// Asks whether a rollout that is not over can be taken back from here, and whether what has to be launched for that could be.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoWayBack`]; [`EngineError::Driver`] with what is missing; as [`Contents::rollout`].
    pub async fn ready_to_go_back(&self, rollout: &Digest) -> Result<(), EngineError> {
        self.drivers.ready_to_go_back(rollout, &self.contents.rollout(rollout)?).await
    }

    /// The policy with the zones in which it launches: those that it names, each of which there must be; else those of the driver.
    pub(super) fn placed(&self, service: &str, policy: Policy) -> Result<Policy, EngineError> {
        let driver = self.drivers.of(service);
        let zones = driver.zones();
        if zones.is_empty() {
            return Ok(policy);
        }
        if policy.zones.is_empty() {
            return Ok(policy.with_zones(zones.iter().map(|zone| &**zone)));
        }
        match policy.zones.iter().find(|named| zones.iter().all(|zone| **zone != ***named)) {
            None => Ok(policy),
            Some(zone) => Err(EngineError::NoZone {
                service: service.into(),
                zone: zone.as_str().into(),
                driver: driver.name().into(),
                zones: zones.join(", ").into(),
            }),
        }
    }

    /// Plans how a service goes back: to this recorded release, or to the one that succeeded last before what it runs. With as
    /// many copies as it has now. Takes back the service's last rollout.
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
        let ledger = self.contents.ledger();
        let none = |what: String| EngineError::NoRelease { what: what.into() };
        let release = match to {
            Some(digest) => ledger
                .release(digest)
                .filter(|release| **release.service() == *service)
                .ok_or_else(|| none(format!("the ledger does not have the release {digest} of {service}")))?,
            None => way_back(ledger, service).ok_or_else(|| {
                none(format!("no other release of {service} has succeeded that can be gone back to"))
            })?,
        };
        let now = ledger.current(service).and_then(|digest| ledger.release(digest));
        let replicas = now.map_or(release.replicas(), Release::replicas);
        let release = release.clone().with_replicas(replicas);
        let prepared = self.prepare(&[Wanted { release, policy }]).await?;
        Ok(match ledger.history(service).pop() {
            Some(last) => prepared.taking_back(last.rollout),
            None => prepared,
        })
    }
}

pub(super) async fn observe(
    drivers: &Drivers,
    options: &Options,
    service: &str,
) -> Result<Fleet, EngineError> {
    let driver = drivers.of(service);
    work::observe(driver, service, options.timeout).await.map_err(|source| EngineError::Driver {
        what: format!("what runs of {service} cannot be seen by the driver {}", driver.name()).into(),
        source,
    })
}
