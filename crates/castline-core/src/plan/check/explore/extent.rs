use serde::{Deserialize, Serialize};

/// How far to explore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Extent {
    /// How many states at the most.
    pub states: u64,
    /// How many things go wrong on one way: a launch fails, an instance dies or flaps, a gate is refused, an answer is lost or
    /// comes twice or late, a deadline passes.
    pub faults: u32,
}

impl Default for Extent {
    fn default() -> Self {
        Self { states: 100_000, faults: 1 }
    }
}

impl Extent {
    /// The same with so many states.
    #[must_use]
    pub const fn with_states(self, states: u64) -> Self {
        Self { states, ..self }
    }

    /// The same with so many faults.
    #[must_use]
    pub const fn with_faults(self, faults: u32) -> Self {
        Self { faults, ..self }
    }
}

/// What was explored, and found to be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Exploration {
    /// Whether these are all states that can be reached with so many faults. If not, nothing is said of the others, nor
    /// whether the rollout ends.
    pub exhaustive: bool,
    /// How many states were looked at.
    pub states: u64,
    /// How many of them are ends.
    pub ends: u64,
    /// In how many of them it waits for somebody.
    pub pauses: u64,
    /// How many things could go wrong on one way.
    pub faults: u32,
}
