use std::fmt;

use serde::{Deserialize, Serialize};

/// Why there is no plan: the smallest set of constraints that cannot all hold, found before anything is touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Infeasible {
    /// What kind of conflict it is.
    pub code: InfeasibleCode,
    /// What would have to be done, and cannot.
    pub what: String,
    /// The constraints in conflict. If any one of them were not there, this conflict would not be.
    pub conflict: Vec<Constraint>,
}

/// One of the constraints in conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Constraint {
    /// Where it stands: a limit's name, or the member of a document.
    pub name: String,
    /// What it demands.
    pub demand: String,
    /// The least change of it alone that would help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Constraint {
    pub(crate) fn new(name: impl Into<String>, demand: impl Into<String>) -> Self {
        Self { name: name.into(), demand: demand.into(), advice: None }
    }

    pub(crate) fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// One table feeds the enum, its names and `ALL`: they cannot drift apart.
macro_rules! infeasible_codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal;)*) => {
        /// What kind of conflict it is: stable text, the same in every language. Never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum InfeasibleCode { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl InfeasibleCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's text, e.g. `budgets-in-conflict`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

infeasible_codes! {
    /// Budgets leave room neither above nor below for a replacement that has to be made.
    BudgetsInConflict => "budgets-in-conflict";
    /// A floor is higher than what there will be.
    FloorUnreachable => "floor-unreachable";
    /// The strategy needs what a budget forbids.
    StrategyInConflict => "strategy-in-conflict";
    /// Services wait for each other.
    DependencyCycle => "dependency-cycle";
    /// A service is named that is not among those planned.
    UnknownService => "unknown-service";
    /// An instance is named that is not in the fleet.
    UnknownInstance => "unknown-instance";
    /// The documents do not belong together: one fleet, release and policy for each service.
    Mismatch => "mismatch";
    /// More copies are wanted than a plan can name.
    TooManyReplicas => "too-many-replicas";
}

impl fmt::Display for Infeasible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.what, self.code.name())?;
        for constraint in &self.conflict {
            write!(f, "\n  {}: {}", constraint.name, constraint.demand)?;
            if let Some(advice) = &constraint.advice {
                write!(f, "; {advice}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Infeasible {}
