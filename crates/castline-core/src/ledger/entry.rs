use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Document, Integrity, Release, Result, Revision, Time,
    canonical::invalid,
    plan::Plan,
    rollout::{Event, Rollout, Status},
};

/// One entry of a ledger. The digest of its canonical form names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// The version of the format: 1.
    pub version: u32,
    /// The digest of the entry before it; none of the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Digest>,
    /// How many entries are before it.
    pub sequence: u64,
    /// When, by the clock of who wrote it.
    pub at: Time,
    /// Who did it, or let it be done: a person, a controller. Never empty.
    pub actor: String,
    /// What.
    #[serde(deserialize_with = "crate::strict::tagged")]
    pub record: Record,
}

/// What an entry says.
///
/// A rollout is named by the digest of the entry of its [`Record::Start`]: the same plan can be started twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Record {
    /// A release that can be rolled out, and gone back to: the whole document, so that nothing else is needed for it. Says
    /// also that its image is there: recorded again, it undoes a [`Record::Pruning`].
    Release {
        /// The release.
        #[serde(deserialize_with = "crate::strict::again")]
        release: Box<Release>,
    },
    /// Somebody approves of a plan.
    Approval {
        /// The digest of the plan.
        plan: Digest,
        /// What it changes, sorted by service.
        #[serde(deserialize_with = "crate::strict::again")]
        changes: Vec<Change>,
    },
    /// A rollout begins.
    Start {
        /// The digest of the plan.
        plan: Digest,
        /// What it changes, sorted by service.
        #[serde(deserialize_with = "crate::strict::again")]
        changes: Vec<Change>,
        /// The rollout that it takes back, where it is a rollback.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollback_of: Option<Digest>,
    },
    /// Something happened in a rollout. Who records every event that a rollout was told of can make it again.
    Event {
        /// The rollout.
        rollout: Digest,
        /// What, and when: the time of the entry is when it was written.
        event: Box<Event>,
    },
    /// What became of a rollout. Where more than one is recorded of the same rollout, the last one counts.
    Outcome {
        /// The rollout.
        rollout: Digest,
        /// What became of it.
        #[serde(deserialize_with = "crate::strict::again")]
        outcome: Outcome,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// An image was tested: a command was run in an instance of it, before it was pushed or released.
    Test {
        /// The digest of its manifest, or of its configuration.
        image: Digest,
        /// The command.
        command: Vec<String>,
        /// Whether it ended with 0, as often as it was asked to.
        passed: bool,
        /// What was seen, where it did not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Instances of a service were looked into: their files were compared with those of the images that they were launched from.
    Verification {
        /// The service.
        service: Arc<str>,
        /// Whether only what was written since they were launched was read, which misses what was done to the image's own
        /// files below.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        fast: bool,
        /// What was found, sorted. An instance that is in none of it was not looked into.
        #[serde(deserialize_with = "crate::strict::again")]
        verdicts: Vec<InstanceVerdict>,
    },
    /// Images were removed from where they were kept: releases of them cannot be gone back to.
    Pruning {
        /// The digests of their manifests, or of their configurations.
        images: Vec<Digest>,
    },
    /// What somebody wants to be remembered.
    Note {
        /// The entry, plan or release that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Digest>,
        /// Free text.
        text: String,
    },
}

/// What was found in instances of which the same is to be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceVerdict {
    /// What their files are; unknown where they could not be looked into, or not all of them.
    pub integrity: Integrity,
    /// The digest of the release with whose image they were compared; none where nobody knows what they were launched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Digest>,
    /// What is not as it was shipped, or why nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Their ids, sorted.
    pub instances: Vec<Arc<str>>,
}

/// What a plan makes of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// The service.
    pub service: Arc<str>,
    /// The digest of the fleet that there was.
    pub fleet: Digest,
    /// The digest of the release that there is to be.
    pub release: Digest,
    /// What an instance of it is.
    pub revision: Revision,
}

/// What became of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Outcome {
    /// What should run does.
    Succeeded,
    /// It ended, and what should run does not.
    Failed,
    /// It waits for somebody. Not the end of it.
    Paused,
    /// Somebody stopped it, and things were left as they were. Says nothing of the release.
    Aborted,
    /// It failed and went back by itself.
    RolledBack {
        /// The digest of the release that runs again, by service.
        #[serde(deserialize_with = "crate::unique::map")]
        to: BTreeMap<String, Digest>,
    },
}

impl Outcome {
    /// Whether the rollout is over.
    pub const fn is_end(&self) -> bool {
        !matches!(self, Self::Paused)
    }
}

impl Record {
    /// That somebody approves of this plan.
    pub fn approval(plan: &Plan) -> Self {
        Self::Approval { plan: plan.digest(), changes: changes(plan) }
    }

    /// That a rollout of this plan begins. It is a rollback where it takes back another rollout.
    pub fn start(plan: &Plan, rollback_of: Option<Digest>) -> Self {
        Self::Start { plan: plan.digest(), changes: changes(plan), rollback_of }
    }

    /// What has become of a rollout as it stands now; none while it goes on.
    pub fn outcome_of(rollout: Digest, state: &Rollout) -> Option<Self> {
        let (outcome, reason) = match state.status() {
            Status::Running | Status::RollingBack { .. } => return None,
            Status::Paused { reason } => (Outcome::Paused, reason.clone()),
            Status::Succeeded => (Outcome::Succeeded, String::new()),
            Status::RolledBack { reason, to } => {
                let services = state.targets().iter().map(|target| target.release.service().to_string());
                (Outcome::RolledBack { to: services.zip(to.iter().cloned()).collect() }, reason.clone())
            }
            Status::Aborted { by } => (Outcome::Aborted, format!("{by} stopped it")),
        };
        Some(Self::Outcome { rollout, outcome, reason })
    }

    /// What became of a rollout, and why.
    pub fn outcome(rollout: Digest, outcome: Outcome, reason: impl Into<String>) -> Self {
        Self::Outcome { rollout, outcome, reason: reason.into() }
    }
}

impl Record {
    /// What the plan that it is about makes of each service.
    pub(super) fn changes(&self) -> &[Change] {
        match self {
            Self::Approval { changes, .. } | Self::Start { changes, .. } => changes,
            _ => &[],
        }
    }
}

fn changes(plan: &Plan) -> Vec<Change> {
    let change = |planned: &crate::plan::PlannedService| Change {
        service: Arc::clone(&planned.service),
        fleet: planned.fleet.clone(),
        release: planned.release.clone(),
        revision: planned.revision.clone(),
    };
    plan.services.iter().map(change).collect()
}

impl Entry {
    /// The version of the format that this build writes.
    pub const VERSION: u32 = 1;
}

impl Document for Entry {
    const KIND: &'static str = "ledger entry";

    fn validate(&self) -> std::result::Result<(), String> {
        if self.version != Self::VERSION {
            return Err(format!("it is of version {}; this castline reads {}", self.version, Self::VERSION));
        }
        if self.actor.is_empty() {
            return Err("the actor has no name".into());
        }
        match &self.record {
            Record::Release { release } => release.validate(),
            _ => Ok(()),
        }
    }
}

/// An entry, and what is computed of it once.
pub(super) struct Link {
    pub(super) digest: Digest,
    pub(super) entry: Entry,
    /// Digest and revision of the release that it holds.
    pub(super) release: Option<(Digest, Revision)>,
}

impl Link {
    /// The link of a new entry, which must have one form and be readable in it.
    pub(super) fn of(entry: Entry) -> Result<Self> {
        let bytes = entry.to_canonical();
        if Entry::from_json(&bytes)? != entry {
            return Err(invalid(Entry::KIND, "it reads otherwise than it was written"));
        }
        Ok(Self::of_canonical(entry, &bytes))
    }

    /// The link of an entry whose canonical form these bytes are.
    pub(super) fn of_canonical(entry: Entry, bytes: &[u8]) -> Self {
        let release = match &entry.record {
            Record::Release { release } => Some((release.digest(), release.revision())),
            _ => None,
        };
        Self { digest: Digest::of(bytes), entry, release }
    }
}
