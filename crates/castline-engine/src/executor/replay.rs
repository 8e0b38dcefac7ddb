//! Rollouts out of ledgers: which are not over, and how far each is.

use std::{collections::BTreeMap, sync::Arc};

use castline_core::{
    Digest, Document, Release,
    ledger::{Entry, Ledger, Outcome, Record},
    plan::{Plan, Target},
    policy::{Policy, Select},
    rollout::{Rollout, Status},
};

use super::{EngineError, command};
use crate::{Contents, Store, StoreError};

/// Where a ledger and documents are: a store, open to be written or just read.
pub(crate) trait Archive {
    fn ledger(&self) -> Ledger;
    fn document<D: Document>(&self, digest: &Digest) -> Result<D, StoreError>;
}

impl Archive for Store {
    fn ledger(&self) -> Ledger {
        Self::ledger(self)
    }

    fn document<D: Document>(&self, digest: &Digest) -> Result<D, StoreError> {
        Self::document(self, digest)
    }
}

impl Archive for Contents {
    fn ledger(&self) -> Ledger {
        Self::ledger(self).clone()
    }

    fn document<D: Document>(&self, digest: &Digest) -> Result<D, StoreError> {
        Self::document(self, digest)
    }
}

/// A rollout that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnderWay {
    /// The digest of the entry that it began with.
    pub rollout: Digest,
    /// The digest of its plan.
    pub plan: Digest,
    /// Its services.
    pub services: Vec<Arc<str>>,
    /// Who began it.
    pub actor: String,
    /// How many events of it are recorded.
    pub events: u64,
}

/// The rollouts that are not over, the oldest first.
pub fn under_way(ledger: &Ledger) -> Vec<UnderWay> {
    let mut rollouts: Vec<UnderWay> = Vec::new();
    let mut over: BTreeMap<Digest, bool> = BTreeMap::new();
    for (digest, entry) in ledger.entries() {
        match &entry.record {
            Record::Start { plan, changes, .. } => rollouts.push(UnderWay {
                rollout: digest.clone(),
                plan: plan.clone(),
                services: changes.iter().map(|change| Arc::clone(&change.service)).collect(),
                actor: entry.actor.clone(),
                events: 0,
            }),
            Record::Event { rollout, .. } => {
                if let Some(one) = rollouts.iter_mut().rev().find(|one| one.rollout == *rollout) {
                    one.events += 1;
                }
            }
            Record::Outcome { rollout, outcome, .. } => {
                over.insert(rollout.clone(), outcome.is_end());
            }
            _ => {}
        }
    }
    rollouts.retain(|one| !over.get(&one.rollout).copied().unwrap_or(false));
    rollouts
}

/// A rollout as its journal tells it.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) state: Rollout,
    pub(super) plan: Digest,
    pub(super) events: u64,
}

/// The rollout that began with this entry, made again of its documents and events.
pub(super) fn replay(archive: &impl Archive, rollout: &Digest) -> Result<Replayed, EngineError> {
    let ledger = archive.ledger();
    let (begun, before) = begin(archive, &ledger, rollout)?;
    let Record::Start { plan: digest, .. } = &before.record else {
        return Err(EngineError::NoRollout { rollout: rollout.clone() });
    };
    let mut replayed = Replayed { state: begun, plan: digest.clone(), events: 0 };
    for (_, entry) in ledger.entries() {
        if let Record::Event { rollout: of, event } = &entry.record
            && of == rollout
        {
            replayed.state = replayed.state.on(event);
            replayed.events += 1;
        }
    }
    Ok(replayed)
}

/// A rollout as it was when it began. What it can go back to is what the ledger said then, whatever it says now.
fn begin(archive: &impl Archive, ledger: &Ledger, rollout: &Digest) -> Result<(Rollout, Entry), EngineError> {
    let none = || EngineError::NoRollout { rollout: rollout.clone() };
    let then = ledger.up_to(rollout).ok_or_else(none)?;
    let entry = then.last().cloned().ok_or_else(none)?;
    let Record::Start { plan, changes, .. } = &entry.record else { return Err(none()) };
    let plan: Plan = archive.document(plan)?;
    let mut targets = Vec::with_capacity(changes.len());
    for change in changes {
        let release = then.release(&change.release).cloned().ok_or_else(|| EngineError::NoRelease {
            what: format!("the ledger does not have the release {} of {}", change.release, change.service)
                .into(),
        })?;
        let planned =
            plan.services.iter().find(|planned| planned.service == change.service).ok_or_else(none)?;
        let policy: Policy = archive.document(&planned.policy)?;
        targets.push(Target { fleet: archive.document(&change.fleet)?, release, policy });
    }
    let fallback = fallback(&then, &targets);
    Ok((Rollout::start(&plan, &targets, &fallback, entry.at)?, entry))
}

/// What there is to go back to, for each service that there is something for. What only mends a service, by the release that it runs, has
/// nothing to go back to: beside others that have, it is that release.
fn fallback(ledger: &Ledger, targets: &[Target]) -> Vec<Release> {
    let mends = |target: &Target| {
        let current = ledger.current(target.release.service()).and_then(|digest| ledger.release(digest));
        let runs = current.is_some_and(|current| current.revision() == target.release.revision());
        runs && target.policy.select == Select::Broken
    };
    if targets.iter().all(mends) {
        return Vec::new();
    }
    let back = |target: &Target| {
        if mends(target) {
            Some(target.release.clone())
        } else {
            ledger.rollback_target(&target.release).cloned()
        }
    };
    targets.iter().filter_map(back).collect()
}

impl Contents {
    /// The rollouts that are not over, the oldest first.
    pub fn under_way(&self) -> Vec<UnderWay> {
        under_way(self.ledger())
    }

    /// The rollout that began with this entry, as far as its recorded events tell.
    ///
    /// # Errors
    ///
    /// [`EngineError::NoRollout`]; [`EngineError::Store`] where a document of it is not there.
    pub fn rollout(&self, rollout: &Digest) -> Result<Rollout, EngineError> {
        Ok(replay(self, rollout)?.state)
    }

    /// The releases that this rollout goes back to when it is taken back, one for each service.
    ///
    /// # Errors
    ///
    /// As [`Self::rollout`]; [`EngineError::NoWayBack`] where there is nothing to go back to, or it goes back already.
    pub fn way_back_of(&self, rollout: &Digest) -> Result<Vec<Release>, EngineError> {
        let state = self.rollout(rollout)?;
        if state.can_go_back() {
            return Ok(state.way_back());
        }
        let reason = command::no_way_back(&state).into();
        Err(EngineError::NoWayBack { rollout: rollout.clone(), reason })
    }

    /// The releases that this rollout was given to go back to, one for each service; none where there is nothing to go back to.
    ///
    /// # Errors
    ///
    /// As [`Self::rollout`].
    pub fn fallback(&self, rollout: &Digest) -> Result<Vec<Release>, EngineError> {
        Ok(begin(self, self.ledger(), rollout)?.0.fallback().to_vec())
    }
}

/// What the ledger is to say of a rollout that has come so far: what became of it, and the releases that run again.
pub(super) fn outcome(rollout: &Digest, state: &Rollout, ledger: &Ledger) -> Vec<Record> {
    let Some(outcome) = Record::outcome_of(rollout.clone(), state) else { return Vec::new() };
    let back = matches!(state.status(), Status::RolledBack { .. });
    let releases = state.targets().iter().map(|target| &target.release).filter(|_| back);
    // One with another number of instances is another release.
    let unknown = releases.filter(|release| ledger.release(&release.digest()).is_none());
    let unknown = unknown.map(|release| Record::Release { release: release.clone().into() });
    unknown.chain([outcome]).collect()
}

/// Whether the last that was recorded of a rollout is that it is paused.
pub(super) fn is_known_paused(ledger: &Ledger, rollout: &Digest) -> bool {
    let last = ledger.entries().rev().find_map(|(_, entry)| match &entry.record {
        Record::Outcome { rollout: of, outcome, .. } if of == rollout => Some(outcome == &Outcome::Paused),
        Record::Event { rollout: of, .. } if of == rollout => Some(false),
        _ => None,
    });
    last.unwrap_or(false)
}
