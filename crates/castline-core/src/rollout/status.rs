use serde::{Deserialize, Serialize};

use crate::Digest;

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Status {
    /// It goes on, or waits for something that will happen.
    Running,
    /// It waits for somebody to say `Continue`, `RollBack` or `Abort`.
    Paused {
        /// Why.
        reason: String,
    },
    /// It goes back to an earlier release.
    RollingBack {
        /// Why.
        reason: String,
    },
    /// What should run does. The end.
    Succeeded,
    /// The earlier release runs again. The end.
    RolledBack {
        /// Why.
        reason: String,
        /// The digests of the releases that run again, in the order of the services.
        to: Vec<Digest>,
    },
    /// Somebody stopped it, and things are left as they are. The end.
    Aborted {
        /// Who.
        by: String,
    },
}

impl Status {
    /// Whether nothing comes after it.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack { .. } | Self::Aborted { .. })
    }
}
