use serde::{Deserialize, Serialize};

use super::{Amount, Window};
use crate::plan::Reason;

/// How far a replacement may take capacity below and above what is desired, in a scope.
///
/// All budgets of a policy hold at once. What a budget does not state, it does not limit; but where there are budgets and none
/// of them says how far the whole service, or each of its zones, may fall, it may not fall, and where none says how far
/// it may grow, it may not grow. Budgets for some reasons or at some times do not count for this. Where there is no
/// budget at all, nothing may be unavailable, and there may be 25 % more (rounded up). A strategy adds what it cannot do
/// without: see [`Strategy`](super::Strategy).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Budget {
    /// What it is called in plans and messages; by default its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it counts.
    pub scope: Scope,
    /// The floor: how many of the desired must stay available. A share is one of the desired number in the scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_available: Option<Amount>,
    /// The floor, told from above: how many of the desired may be unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<Amount>,
    /// The ceiling: how many more than desired there may be. One holds its place until it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<Amount>,
    /// How many replacements may be under way at once, whatever they do to capacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<Amount>,
    /// It is about replacements for these reasons; all, where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// It holds only within this window; always, where there is none. Whatever is under way when it begins to hold is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

/// What a budget counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Scope {
    /// The service.
    #[default]
    Fleet,
    /// Each zone for itself.
    Zone,
    /// One zone.
    InZone(String),
    /// Each value of a label for itself. An instance without the label is in none.
    Label(String),
    /// What has this label with this value.
    WithLabel {
        /// The label.
        key: String,
        /// Its value.
        value: String,
    },
    /// These services together, the one whose policy it stands in among them or not.
    Services(Vec<String>),
}

impl Budget {
    /// A budget of the whole service: how many may be unavailable, and how many there may be above the desired number.
    pub fn fleet(max_unavailable: Amount, max_surge: Amount) -> Self {
        Self::of(Scope::Fleet, max_unavailable, max_surge)
    }

    /// A budget of each zone.
    pub fn zone(max_unavailable: Amount, max_surge: Amount) -> Self {
        Self::of(Scope::Zone, max_unavailable, max_surge)
    }

    /// A budget of this scope: how many may be unavailable, and how many there may be above the desired number.
    pub fn of(scope: Scope, max_unavailable: Amount, max_surge: Amount) -> Self {
        Self { scope, max_unavailable: Some(max_unavailable), max_surge: Some(max_surge), ..Self::default() }
    }

    /// A floor for this scope, and nothing else.
    pub fn floor(scope: Scope, min_available: Amount) -> Self {
        Self { scope, min_available: Some(min_available), ..Self::default() }
    }

    /// At most so many replacements at once in this scope, and nothing else.
    pub fn in_flight(scope: Scope, max_in_flight: Amount) -> Self {
        Self { scope, max_in_flight: Some(max_in_flight), ..Self::default() }
    }

    /// The same under this name.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same, holding only within this window.
    #[must_use]
    pub fn with_window(self, window: Window) -> Self {
        Self { window: Some(window), ..self }
    }

    /// The same for replacements of these reasons only.
    #[must_use]
    pub fn with_reasons(self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        Self { reasons: reasons.into_iter().collect(), ..self }
    }
}
