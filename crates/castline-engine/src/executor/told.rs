use std::sync::Arc;

use castline_core::{
    Digest,
    ledger::Outcome,
    rollout::{Action, Event, Key, Progress, Status},
};
use serde::{Deserialize, Serialize};

use crate::Repair;

/// What is told of a rollout while it is executed: for a terminal, or one line of JSON each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Told {
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
}

impl Ended {
    /// Whether what should run does.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, Status::Succeeded)
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
