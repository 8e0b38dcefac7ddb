mod crashes;
mod damage;
mod real;
pub(crate) mod simulated;

use std::path::Path;

use castline_core::{Time, ledger::Record};

use super::Store;

/// Where the simulated store is.
pub(crate) fn place() -> &'static Path {
    Path::new("/disk/store")
}

pub(crate) fn above() -> &'static Path {
    Path::new("/disk")
}

fn note(text: &str) -> Record {
    Record::Note { about: None, text: text.into() }
}

/// The texts of a ledger's notes.
fn texts(store: &Store) -> Vec<String> {
    let ledger = store.ledger();
    let text = |record: &Record| match record {
        Record::Note { text, .. } => text.clone(),
        other => panic!("{other:?}"),
    };
    ledger.entries().map(|(_, entry)| text(&entry.record)).collect()
}

fn at(millis: i64) -> Time {
    Time::from_millis(millis)
}
