//! Finds the instances whose files were changed, and plans how they are replaced.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use castline_core::{
    Digest, Document as _, Fleet, Instance, Integrity, Phase, Release, Revision,
    drift::{DriftReport, Severity},
    ledger::{InstanceVerdict, Ledger, Record},
    plan::Target,
    policy::{Compromised, Policy, Select},
};
use tokio::task::JoinSet;

use super::{EngineError, Executor, Planner, Prepared, Told, work};
use crate::CheckMode;

/// An instance that was looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its id.
    pub instance: Arc<str>,
    /// Its zone.
    pub zone: Arc<str>,
    /// The digest of the release with whose image it was compared; none where the ledger does not know what it was launched
    /// from.
    pub release: Option<Digest>,
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
    /// The same in a word.
    pub const fn integrity(&self) -> Integrity {
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

    /// What is not as it was shipped, or why nobody knows; nothing where all is well. One fact, and how many others there are: a
    /// ledger keeps it for good.
    pub fn reason(&self) -> String {
        let report = match self {
            Self::Intact(_) => return String::new(),
            Self::Unverified { reason, .. } => return reason.clone(),
            Self::Compromised(report) => report,
        };
        let graver = report.findings.iter().filter(|finding| finding.severity != Severity::Info);
        let worst = graver.clone().find(|finding| finding.severity == Severity::Critical);
        let Some(finding) = worst.or_else(|| graver.clone().next()) else { return "it differs".into() };
        match graver.count() as u64 - 1 + report.more {
            0 => finding.message.clone(),
            more => format!("{}, and {more} more", finding.message),
        }
    }
}

impl Planner {
    /// Looks into every instance of a service that is there, several at once, and says which are not what was shipped; and the
    /// fleet with that. Instances in quarantine are left out of it. What is found is told as it is found: how many there are by
    /// [`Told::Verifying`], and each by [`Told::Checked`]. [`Executor::record_verification`] records it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Driver`] where it is not known what there is.
    pub async fn verify(
        &self,
        service: &str,
        mode: CheckMode,
        mut told: impl FnMut(Told),
    ) -> Result<(Fleet, Vec<Checked>), EngineError> {
        let fleet = self.observe(service).await?;
        let releases = Releases::of(self.contents.ledger(), service);
        let instances: Vec<Instance> =
            fleet.instances().iter().filter(|one| one.phase != Phase::Quarantined).cloned().collect();
        told(Told::Verifying { service: Arc::clone(fleet.service()), instances: instances.len() as u64 });
        let mut checked: HashMap<Arc<str>, Checked> = HashMap::new();
        let mut found = |instance: &Instance, release: Option<&(Digest, Arc<Release>)>, verdict: Verdict| {
            let one = Checked {
                instance: Arc::clone(&instance.id),
                zone: Arc::clone(&instance.zone),
                release: release.map(|(digest, _)| digest.clone()),
                verdict,
            };
            tracing::info!(service, instance = %one.instance, integrity = ?one.verdict.integrity(), "looked into");
            told(Told::from(&one));
            checked.insert(Arc::clone(&instance.id), one);
        };
        let (mut checks, mut running) = (JoinSet::new(), HashMap::new());
        let mut waiting = instances.iter();
        loop {
            while checks.len() < self.options.concurrency.max(1) {
                let Some(instance) = waiting.next() else { break };
                let Some(known) = releases.find(instance) else {
                    let reason = "the ledger does not know what it was launched from".to_owned();
                    found(instance, None, Verdict::Unverified { reason, report: None });
                    continue;
                };
                let (driver, id, release) =
                    (Arc::clone(self.drivers.of(service)), Arc::clone(&instance.id), Arc::clone(&known.1));
                let limit = self.options.timeout;
                let check =
                    checks.spawn(async move { work::within(limit, driver.check(&id, &release, mode)).await });
                running.insert(check.id(), (instance, known));
            }
            let Some(done) = checks.join_next_with_id().await else { break };
            let (task, verdict) = match done {
                Ok((task, Ok(report))) => (task, Verdict::of(report)),
                Ok((task, Err(error))) => {
                    (task, Verdict::Unverified { reason: error.to_string(), report: None })
                }
                Err(panicked) => {
                    let reason = "its driver has a fault".to_owned();
                    (panicked.id(), Verdict::Unverified { reason, report: None })
                }
            };
            if let Some((instance, known)) = running.remove(&task) {
                found(instance, Some(&known), verdict);
            }
        }
        let judged = fleet.instances().iter().map(|instance| match checked.get(&instance.id) {
            Some(one) => instance.clone().with_integrity(one.verdict.integrity()),
            None => instance.clone(),
        });
        let judged = Fleet::new(Arc::clone(fleet.service()), judged)?;
        let checked = instances.iter().filter_map(|instance| checked.remove(&instance.id)).collect();
        Ok((judged, checked))
    }

    /// The plan that replaces what is compromised or has failed of a fleet, and nothing else, by the release that the service
    /// runs as the ledger says. What is compromised goes as `compromised` says, everything else as the policy does but for what
    /// a new release has to pass ([`Policy::repairing`]).
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
        let ledger = self.contents.ledger();
        let service = Arc::clone(fleet.service());
        let release = ledger.current(&service).and_then(|digest| ledger.release(digest)).cloned();
        let release = release.ok_or_else(|| EngineError::NoRelease {
            what: format!("the ledger does not know what {service} runs: no rollout of it has ended well")
                .into(),
        })?;
        let policy = self.placed(&service, policy)?;
        let policy = policy.repairing().with_select(Select::Broken).with_compromised(compromised);
        Prepared::new(vec![Target { fleet, release, policy }])
    }
}

impl Executor {
    /// Records what [`Planner::verify`] found, as one entry, so that others know when each instance was looked into last.
    ///
    /// # Errors
    ///
    /// [`EngineError::Store`].
    pub async fn record_verification(
        &self,
        service: &str,
        mode: CheckMode,
        checked: &[Checked],
        actor: &str,
    ) -> Result<(), EngineError> {
        let mut groups: BTreeMap<_, Vec<Arc<str>>> = BTreeMap::new();
        for one in checked {
            let said = (one.verdict.integrity(), one.release.clone(), one.verdict.reason());
            groups.entry(said).or_default().push(Arc::clone(&one.instance));
        }
        let verdicts = groups.into_iter().map(|((integrity, release, reason), mut instances)| {
            instances.sort();
            InstanceVerdict { integrity, release, reason, instances }
        });
        let (service, fast) = (service.into(), mode == CheckMode::Fast);
        let record = Record::Verification { service, fast, verdicts: verdicts.collect() };
        self.record(actor, vec![record]).await?;
        Ok(())
    }
}

/// The recorded releases of a service, and their digests.
struct Releases {
    by_revision: HashMap<Revision, (Digest, Arc<Release>)>,
    current: Option<(Digest, Arc<Release>)>,
}

impl Releases {
    fn of(ledger: &Ledger, service: &str) -> Self {
        let mut by_revision = HashMap::new();
        for (_, entry) in ledger.entries() {
            if let Record::Release { release } = &entry.record
                && **release.service() == *service
            {
                let known = (release.digest(), Arc::new((**release).clone()));
                by_revision.insert(release.revision(), known);
            }
        }
        let current = ledger
            .current(service)
            .and_then(|digest| Some((digest.clone(), Arc::new(ledger.release(digest)?.clone()))));
        Self { by_revision, current }
    }

    /// The release that an instance runs: the one that its label names, else the one that is known to run.
    fn find(&self, instance: &Instance) -> Option<(Digest, Arc<Release>)> {
        match &instance.revision {
            Some(revision) => self.by_revision.get(revision).cloned(),
            None => self.current.clone(),
        }
    }
}
