//! What a driver does of what a rollout asks for: the same for every platform that castline launches instances on by itself.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use castline_core::{
    Release, Revision,
    plan::Disposal,
    rollout::{Action, Do, Key, What},
};

use super::{labels, release_of, switch::Switch};
use crate::{Driver, DriverError, Endpoint};

/// A launch that is asked for, with the release that it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launch<'a> {
    pub(super) key: &'a Key,
    pub(super) service: &'a Arc<str>,
    pub(super) revision: &'a Revision,
    pub(super) zone: &'a Arc<str>,
    pub(super) slot: Option<&'a Arc<str>>,
    /// What limits count it by.
    counted: &'a BTreeMap<String, String>,
    pub(super) release: &'a Release,
}

impl Launch<'_> {
    /// A name for what it launches: always the same.
    pub(super) fn name(&self) -> String {
        labels::name(self.service, self.key)
    }

    /// The labels of what it launches.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let wanted = self.release.spec().labels.iter().flatten().chain(self.counted);
        let others = wanted.map(|(name, value)| (name.clone(), value.clone()));
        labels::of(self.key, (self.service, self.zone, self.slot.map(|slot| &**slot)), self.revision, others)
    }

    /// What is answered where it was done.
    pub(super) fn done(&self, id: impl Into<Arc<str>>) -> Vec<What> {
        let instance = id.into();
        tracing::info!(service = %self.service, key = %self.key, %instance, "launched");
        vec![What::Launched { key: self.key.clone(), instance }]
    }

    /// What is answered where it cannot be done, and nothing is left of it.
    pub(super) fn failed(&self, why: &DriverError) -> Vec<What> {
        tracing::warn!(service = %self.service, key = %self.key, %why, "not launched");
        vec![What::LaunchFailed { key: self.key.clone(), reason: why.to_string() }]
    }
}

/// The parts of what is asked for that each platform does in a way of its own.
pub(super) trait Performs: Driver {
    /// Launches an instance, or finds the one that its key names.
    fn launch(&self, launch: Launch<'_>) -> impl Future<Output = Result<Vec<What>, DriverError>> + Send;

    /// Takes an instance out of traffic, and ends or keeps it.
    fn retire(
        &self,
        service: &Arc<str>,
        instance: &Arc<str>,
        disposal: Disposal,
        drain: Duration,
    ) -> impl Future<Output = Result<Vec<What>, DriverError>> + Send;

    /// What moves its traffic.
    fn switch(&self) -> &Switch;

    /// Which instances of a service can get traffic now.
    fn endpoints(&self, service: &str) -> impl Future<Output = Result<Vec<Endpoint>, DriverError>> + Send;
}

/// Does an action, as [`Driver::perform`] says.
pub(super) async fn perform(
    driver: &impl Performs,
    action: &Action,
    release: Option<&Release>,
) -> Result<Vec<What>, DriverError> {
    let Action { key, service, what } = action;
    match what {
        Do::Launch { revision, zone, slot, labels } => {
            let release = release_of(key, revision, release)?;
            let slot = slot.as_ref();
            driver.launch(Launch { key, service, revision, zone, slot, counted: labels, release }).await
        }
        Do::Retire { instance, disposal, drain_seconds } => {
            driver.retire(service, instance, *disposal, Duration::from_secs(*drain_seconds)).await
        }
        Do::Shift { revision, weight } => {
            if let Some(mut held) = driver.switch().hold().await {
                held.weigh(service, &revision.to_string(), *weight)?;
                held.tell(service, driver.endpoints(service).await?, true).await?;
            }
            Ok(vec![What::Shifted { key: key.clone() }])
        }
        other => Err(DriverError::permanent(format!(
            "the driver {} does not do this: {}",
            driver.name(),
            serde_json::to_string(other).unwrap_or_default()
        ))),
    }
}
