use std::collections::{BTreeMap, BTreeSet};

use crate::shown;

/// How many names a note lists.
const LISTED: usize = 5;

/// What was not taken over, and of which things: one sentence for all that it is true of.
#[derive(Default)]
pub(super) struct Notes(BTreeMap<String, BTreeSet<String>>);

impl Notes {
    /// That this is true of the thing of this name.
    pub(super) fn of(&mut self, fact: impl Into<String>, name: &str) {
        self.0.entry(fact.into()).or_default().insert(shown(name).into());
    }

    pub(super) fn into_sentences(self) -> Vec<String> {
        let sentence = |(fact, names): (String, BTreeSet<String>)| {
            let listed: Vec<_> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
            match names.len().saturating_sub(LISTED) {
                0 => format!("{fact}: {}", listed.join(", ")),
                more => format!("{fact}: {} and {more} more", listed.join(", ")),
            }
        };
        self.0.into_iter().map(sentence).collect()
    }
}
