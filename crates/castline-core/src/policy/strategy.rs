use serde::{Deserialize, Serialize};

use super::Amount;

/// In what manner instances are replaced. All of them become stages of replacements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Strategy {
    /// One after the other, as the budgets allow.
    #[default]
    Rolling,
    /// Rolling, with a gate after each step.
    Canary(Vec<Step>),
    /// All of the new beside all of the old, then traffic is switched, then the old are retired. Where no budget states a
    /// ceiling, twice the desired number is one.
    BlueGreen(BlueGreen),
    /// All of the old are retired, then the new are launched. Where no budget states a floor, there is none.
    Recreate,
}

/// A part of a canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// How many of the desired run the new release when the step is done, those of earlier steps included.
    pub amount: Amount,
    /// How much of the traffic goes to them then, of a hundred. Where none is stated, instances share it evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u8>,
    /// What must hold before the next step begins.
    #[serde(default, skip_serializing_if = "Gate::is_open")]
    pub gate: Gate,
}

/// How blue gives way to green.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BlueGreen {
    /// What must hold before traffic is switched.
    #[serde(skip_serializing_if = "Gate::is_open")]
    pub before_switch: Gate,
    /// What must hold after it before the old are retired: time in which to switch back.
    #[serde(skip_serializing_if = "Gate::is_open")]
    pub before_retire: Gate,
}

/// What must hold before what comes after a stage begins: all that it states, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Gate {
    /// So many seconds pass and nothing of the stage fails.
    #[serde(skip_serializing_if = "is_zero")]
    pub bake_seconds: u64,
    /// The analysis of this name, which the driver runs, is passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analysis: Option<String>,
    /// Somebody approves; the text says who should, and what of. The time that it takes counts against no deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

impl Gate {
    /// Whether nothing must hold.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// A gate that opens after so many seconds without a failure.
    pub fn bake(seconds: u64) -> Self {
        Self { bake_seconds: seconds, ..Self::default() }
    }

    /// A gate that somebody opens.
    pub fn approval(of: impl Into<String>) -> Self {
        Self { approval: Some(of.into()), ..Self::default() }
    }

    /// A gate that an analysis opens.
    pub fn analysis(name: impl Into<String>) -> Self {
        Self { analysis: Some(name.into()), ..Self::default() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}
