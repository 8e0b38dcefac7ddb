use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::{Digest, Time};

/// What a ledger says of one rollout of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RolloutSummary {
    /// The rollout: the digest of the entry that it began with.
    pub rollout: Digest,
    /// The digest of its plan.
    pub plan: Digest,
    /// The digest of the fleet that there was.
    pub fleet: Digest,
    /// The digest of the release that there was to be.
    pub release: Digest,
    /// Who began it.
    pub actor: String,
    /// Who approved of its plan before it began, in the order in which they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// When it began.
    pub started_at: Time,
    /// When what became of it was recorded; none while it goes on, or waits for somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// What became of it; none while nothing is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The rollout that it takes back, where it is a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_of: Option<Digest>,
    /// How many events of it are recorded.
    pub events: u64,
}
