use serde::{Deserialize, Serialize};

/// What decides the order in which instances are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Preference {
    /// Those with this label and value come after all others are done: a primary, which so moves once.
    Last {
        /// The label, e.g. `role`.
        key: String,
        /// Its value, e.g. `primary`.
        value: String,
    },
    /// Those with this label and value come first, and the others once these are done.
    First {
        /// The label.
        key: String,
        /// Its value.
        value: String,
    },
    /// One value of the label after the other, in the order of the values; those without it last. `rack by rack`.
    OneByOne(String),
    /// One zone after the other, in the order of their names.
    ZoneByZone,
    /// Those with a lower deletion cost come first.
    DeletionCost,
    /// The oldest come first, as they do where nothing is preferred.
    Oldest,
    /// The youngest come first.
    Newest,
    /// Those in the highest slots come first, by the number that the slot ends in: a `StatefulSet`'s order.
    HighestSlot,
}

impl Preference {
    /// Whether what comes later waits until what comes earlier is done, rather than only standing behind it.
    pub const fn is_barrier(&self) -> bool {
        matches!(self, Self::Last { .. } | Self::First { .. } | Self::OneByOne(_) | Self::ZoneByZone)
    }
}
