use std::{collections::BTreeMap, sync::Arc};

use castline_core::{
    Digest, Health, Instance, Match, Phase, Release,
    plan::{Plan, Target},
    rollout::Rollout,
};

use super::{EngineError, command};
use crate::Driver;

/// Which driver a service's instances are with.
#[derive(Clone, Debug)]
pub(super) struct Drivers {
    of_others: Arc<dyn Driver>,
    of: BTreeMap<Arc<str>, Arc<dyn Driver>>,
}

impl Drivers {
    pub(super) fn new(driver: Arc<dyn Driver>) -> Self {
        Self { of_others: driver, of: BTreeMap::new() }
    }

    pub(super) fn insert(&mut self, service: Arc<str>, driver: Arc<dyn Driver>) {
        self.of.insert(service, driver);
    }

    pub(super) fn of(&self, service: &str) -> &Arc<dyn Driver> {
        self.of.get(service).unwrap_or(&self.of_others)
    }

    /// Whether what a plan launches could be launched from here.
    pub(super) async fn ready(&self, plan: &Plan, targets: &[Target]) -> Result<(), EngineError> {
        for release in targets.iter().map(|target| &target.release) {
            let mut stages = plan.stages.iter().filter(|stage| stage.service == *release.service());
            if stages.any(|stage| stage.replacements.iter().any(|step| step.launch.is_some())) {
                self.are_ready_for(release).await?;
            }
        }
        Ok(())
    }

    /// Whether a rollout can be taken back from here: what has to be launched for that, too.
    pub(super) async fn ready_to_go_back(
        &self,
        rollout: &Digest,
        state: &Rollout,
    ) -> Result<(), EngineError> {
        if !state.can_go_back() {
            let reason = command::no_way_back(state).into();
            return Err(EngineError::NoWayBack { rollout: rollout.clone(), reason });
        }
        for release in state.way_back() {
            let stays = |one: &&Instance| {
                let works = one.phase == Phase::Running && one.health != Health::Failed;
                works && release.matches(one) == Match::Same
            };
            let fleet = state.fleet(release.service());
            let there = fleet.map_or(0, |fleet| fleet.instances().iter().filter(stays).count() as u64);
            if there < release.replicas() {
                self.are_ready_for(&release).await?;
            }
        }
        Ok(())
    }

    /// Whether an instance of a release could be launched from here.
    pub(super) async fn are_ready_for(&self, release: &Release) -> Result<(), EngineError> {
        let service = release.service();
        self.of(service).ready(release).await.map_err(|source| EngineError::Driver {
            what: format!("nothing was done, since {service} could not be launched").into(),
            source,
        })
    }

    /// Each driver of these services, once, with those that are with it.
    pub(super) fn groups(&self, services: &[Arc<str>]) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for driver in services.iter().map(|service| self.of(service)) {
            if groups.iter().all(|group| !Arc::ptr_eq(&group.driver, driver)) {
                let with_it = services.iter().filter(|service| Arc::ptr_eq(self.of(service), driver));
                groups.push(Group { driver: Arc::clone(driver), services: with_it.cloned().collect() });
            }
        }
        groups
    }
}

/// A driver, and the services that are with it.
pub(super) struct Group {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) services: Arc<[Arc<str>]>,
}
