//! What was asked for a moment ago.

use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
};

/// What was asked for since the last event: so that who drives a large rollout need not look at all that is under way after
/// each event. It is how a state came about, and no part of it: states that differ in nothing else are equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    /// Steps.
    pub(super) launches: BTreeSet<u32>,
    /// Instances.
    pub(super) retires: BTreeSet<u32>,
}

impl PartialEq for Fresh {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Fresh {}

impl Hash for Fresh {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
