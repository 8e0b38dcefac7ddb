use std::sync::Arc;

use castline_core::{
    Digest, Integrity,
    drift::DriftReport,
    ledger::Outcome,
    plan::{Infeasible, Plan},
    rollout::{Action, Event, Key, Progress, Status},
};
use serde::{Deserialize, Serialize};

use super::{Checked, Verdict};
use crate::Repair;

/// What is told of a rollout while it is executed: for a terminal, or one line of JSON each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "told", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Told {
    /// The instances of a service are looked into, each of which is told.
    Verifying {
        /// The service.
        service: Arc<str>,
        /// How many they are.
        instances: u64,
    },
    /// An instance was looked into.
    Checked {
        /// Its id.
        instance: Arc<str>,
        /// Its zone.
        zone: Arc<str>,
        /// The digest of the release with whose image it was compared; none where nobody knows what it was launched from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<Digest>,
        /// What its files are; unknown where it could not be looked into.
        integrity: Integrity,
        /// Why not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        /// What was found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<Box<DriftReport>>,
    },
    /// There is no plan.
    Infeasible {
        /// Why not.
        infeasible: Box<Infeasible>,
    },
    /// What is about to be done, or would be.
    Planned {
        /// The digest of the plan, by which it is approved of.
        digest: Digest,
        /// Whether it was proved to be safe.
        proved: bool,
        /// The plan.
        plan: Box<Plan>,
    },
    /// It begins, or goes on where it was left.
    Rollout {
        /// The digest of the entry that it began with.
        rollout: Digest,
        /// The digest of its plan.
        plan: Digest,
        /// The services.
        services: Vec<Arc<str>>,
        /// How many events of it were recorded before.
        events: u64,
    },
    /// A driver is asked for something.
    Asking {
        /// For what.
        action: Action,
        /// How often it was asked before.
        attempt: u32,
    },
    /// A driver could not do what it was asked for, and is asked again.
    Again {
        /// The action.
        key: Key,
        /// Its service.
        service: Arc<str>,
        /// What the driver said.
        reason: String,
        /// After how many milliseconds.
        after_millis: u64,
    },
    /// A driver cannot do what it was asked for, and is not asked again until somebody says `Continue`.
    GivenUp {
        /// The action.
        key: Key,
        /// Its service.
        service: Arc<str>,
        /// What the driver said.
        reason: String,
    },
    /// Something happened, and is recorded.
    Happened {
        /// What, and when.
        event: Event,
    },
    /// What is there was found to differ from what events had told: that is recorded.
    Observed {
        /// The service.
        service: Arc<str>,
        /// How many instances it has.
        instances: u64,
    },
    /// How far it is.
    At {
        /// In numbers.
        progress: Progress,
        /// As a whole.
        #[serde(flatten)]
        status: Status,
    },
    /// Somebody has to answer, and nobody here can.
    Question {
        /// The action.
        key: Key,
        /// Its service.
        service: Arc<str>,
        /// What for.
        approval: String,
    },
    /// Another process executes the rollout, and has recorded what it was told.
    Recorded {
        /// The rollout.
        rollout: Digest,
        /// The number of the entry in the ledger, its `sequence`.
        entry: u64,
        /// The digest of the entry.
        digest: Digest,
    },
    /// Another process executes the rollout, and does not do what it was told. Nothing was recorded.
    Refused {
        /// The rollout.
        rollout: Digest,
        /// Why.
        reason: String,
    },
    /// Nothing is to be done.
    Nothing {
        /// Why.
        reason: String,
    },
    /// What a rollout that is not over would go back to, where that is only looked at.
    WouldGoBack {
        /// The rollout.
        rollout: Digest,
        /// The digests of the releases, one for each of its services.
        releases: Vec<Digest>,
    },
    /// Something went wrong that nobody has to do anything about: a platform that does not say what happens or what is there,
    /// and is asked again; an append to the ledger that had been cut off, and was put right.
    Trouble {
        /// What.
        message: String,
    },
    /// It is over.
    Ended {
        /// The rollout.
        rollout: Digest,
        /// What became of it.
        outcome: Outcome,
        /// Why.
        reason: String,
    },
}

/// How execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// The rollout: the digest of the entry that it began with.
    pub rollout: Digest,
    /// How far it is. Where this is no end, it can be resumed.
    pub status: Status,
    /// In numbers.
    pub progress: Progress,
    /// What it asks that nobody here could answer.
    pub questions: Vec<Action>,
    /// Whether it can be taken back: it is not over, does not go back yet, and has something to go back to.
    pub can_go_back: bool,
}

impl Ended {
    /// Whether what should run does.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, Status::Succeeded)
    }
}

impl From<&Checked> for Told {
    fn from(checked: &Checked) -> Self {
        let (reason, report) = match &checked.verdict {
            Verdict::Intact(report) | Verdict::Compromised(report) => (String::new(), Some(report.clone())),
            Verdict::Unverified { reason, report } => (reason.clone(), report.clone()),
        };
        Self::Checked {
            instance: Arc::clone(&checked.instance),
            zone: Arc::clone(&checked.zone),
            release: checked.release.clone(),
            integrity: checked.verdict.integrity(),
            reason,
            report,
        }
    }
}

impl From<&Repair> for Told {
    fn from(repair: &Repair) -> Self {
        let message = match repair {
            Repair::Completed { entries } => {
                format!(
                    "{entries} entries of the ledger had been written and not acknowledged: they count now"
                )
            }
            Repair::Dropped { bytes, kept, .. } => {
                format!(
                    "the last append to the ledger had been cut off: {bytes} bytes were moved to {}",
                    kept.display()
                )
            }
        };
        Self::Trouble { message }
    }
}
