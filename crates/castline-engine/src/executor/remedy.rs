//! Finds the instances whose files were changed, and plans how they are replaced.

use std::{collections::HashMap, sync::Arc};

use castline_core::{
    Fleet, Instance, Integrity, Phase, Release, Revision,
    drift::DriftReport,
    ledger::{Ledger, Record},
    plan::Target,
    policy::{Compromised, Policy, Select},
};
use tokio::task::JoinSet;

use super::{EngineError, Executor, Prepared, work};
use crate::CheckMode;

/// An instance that was looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its id.
    pub instance: Arc<str>,
    /// Its zone.
    pub zone: Arc<str>,
    /// What was found.
    pub verdict: Verdict,
}

/// What was found in an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Its files are those of its image.
    Intact(Box<DriftReport>),
    /// They are not.
    Compromised(Box<DriftReport>),
    /// Nobody knows: it could not be looked into, or not all of it. Never to be taken for intact.
    Unverified {
        /// Why not.
        reason: String,
        /// What was seen of it.
        report: Option<Box<DriftReport>>,
    },
}

impl Verdict {
    fn integrity(&self) -> Integrity {
        match self {
            Self::Intact(_) => Integrity::Intact,
            Self::Compromised(_) => Integrity::Compromised,
            Self::Unverified { .. } => Integrity::Unknown,
        }
    }

    fn of(report: DriftReport) -> Self {
        let report = Box::new(report);
        if report.drifted {
            return Self::Compromised(report);
        }
        if report.complete {
            return Self::Intact(report);
        }
        Self::Unverified { reason: "not everything could be read".into(), report: Some(report) }
    }
}

impl Executor {
    /// Looks into every instance of a service that is there, several at once, and says which are not what was shipped; and the
    /// fleet with that. Instances in quarantine are left out of it. Records nothing.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] where it is not known what there is.
    pub async fn verify(&self, service: &str, mode: CheckMode) -> Result<(Fleet, Vec<Checked>), EngineError> {
        let fleet = self.observe(service).await?;
        let releases = Releases::of(&self.store.ledger(), service);
        let instances: Vec<Instance> =
            fleet.instances().iter().filter(|one| one.phase != Phase::Quarantined).cloned().collect();
        let mut verdicts: HashMap<Arc<str>, Verdict> = HashMap::new();
        let (mut checks, mut waiting) = (JoinSet::new(), instances.iter());
        loop {
            while checks.len() < self.options.concurrency.max(1) {
                let Some(instance) = waiting.next() else { break };
                let Some(release) = releases.find(instance) else {
                    let reason = "the ledger does not know what it was launched from".to_owned();
                    verdicts.insert(Arc::clone(&instance.id), Verdict::Unverified { reason, report: None });
                    continue;
                };
                let (driver, id) = (Arc::clone(self.drivers.of(service)), Arc::clone(&instance.id));
                let limit = self.options.timeout;
                checks.spawn(async move {
                    let checked = work::within(limit, driver.check(&id, &release, mode)).await;
                    (id, checked)
                });
            }
            let Some(done) = checks.join_next().await else { break };
            // One that panicked has no verdict, and is unverified below.
            let Ok((id, checked)) = done else { continue };
            let verdict = match checked {
                Ok(report) => Verdict::of(report),
                Err(error) => Verdict::Unverified { reason: error.to_string(), report: None },
            };
            tracing::info!(service, instance = %id, integrity = ?verdict.integrity(), "looked into");
            verdicts.insert(id, verdict);
        }
        let judged = fleet.instances().iter().map(|instance| match verdicts.get(&instance.id) {
            Some(verdict) => instance.clone().with_integrity(verdict.integrity()),
            None => instance.clone(),
        });
        let judged = Fleet::new(Arc::clone(fleet.service()), judged)?;
        let checked = instances.iter().map(|instance| Checked {
            instance: Arc::clone(&instance.id),
            zone: Arc::clone(&instance.zone),
            verdict: verdicts.remove(&instance.id).unwrap_or_else(|| Verdict::Unverified {
                reason: "its driver has a fault".into(),
                report: None,
            }),
        });
        let checked = checked.collect();
        Ok((judged, checked))
    }

    /// The plan that replaces what is compromised or has failed of a fleet, and nothing else, by the release that the service
    /// runs as the ledger says. What is compromised goes as `compromised` says, everything else as the policy does. Records nothing.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRelease`] where the ledger does not know what the service runs; [`EngineError::Infeasible`].
    pub fn remedy(
        &self,
        fleet: Fleet,
        policy: Policy,
        compromised: Compromised,
    ) -> Result<Prepared, EngineError> {
        let ledger = self.store.ledger();
        let service = Arc::clone(fleet.service());
        let release = ledger.current(&service).and_then(|digest| ledger.release(digest)).cloned();
        let release = release.ok_or_else(|| EngineError::NoRelease {
            what: format!("the ledger does not know what {service} runs: no rollout of it has ended well")
                .into(),
        })?;
        let policy = policy.with_select(Select::Broken).with_compromised(compromised);
        Prepared::new(vec![Target { fleet, release, policy }])
    }
}

/// The recorded releases of a service.
struct Releases {
    by_revision: HashMap<Revision, Arc<Release>>,
    current: Option<Arc<Release>>,
}

impl Releases {
    fn of(ledger: &Ledger, service: &str) -> Self {
        let mut by_revision = HashMap::new();
        for (_, entry) in ledger.entries() {
            if let Record::Release { release } = &entry.record
                && **release.service() == *service
            {
                by_revision.insert(release.revision(), Arc::new((**release).clone()));
            }
        }
        let current =
            ledger.current(service).and_then(|digest| ledger.release(digest)).cloned().map(Arc::new);
        Self { by_revision, current }
    }

    /// The release that an instance runs: the one that its label names, else the one that is known to run.
    fn find(&self, instance: &Instance) -> Option<Arc<Release>> {
        match &instance.revision {
            Some(revision) => self.by_revision.get(revision).cloned(),
            None => self.current.clone(),
        }
    }
}
