//! A store on the machine's file system.

use std::fs;

use castline_core::ledger::Ledger;

use super::{at, note, texts};
use crate::store::{Contents, Repair, Store, StoreError};

#[test]
fn what_one_store_wrote_the_next_one_reads_and_every_language_verifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("store");
    assert!(matches!(Contents::read(&place, None), Err(StoreError::NotThere { .. })));
    let store = Store::open(&place).expect("a store");
    store.append(at(1), "ann", [note("one"), note("two")]).expect("appended");
    assert!(matches!(Store::open(&place), Err(StoreError::Held { .. })));
    assert!(Contents::read(&place, None).expect("it can be read").is_held());
    drop(store);
    let lines = fs::read(place.join("ledger")).expect("a file");
    let contents = Contents::read(&place, None).expect("it can be read");
    assert_eq!(Ledger::from_lines(&lines).expect("a ledger"), *contents.ledger());
    assert!(!contents.is_held());
    fs::write(place.join("ledger"), [&lines[..], b"{\"acto"].concat()).expect("written");
    assert_eq!(Contents::read(&place, None).expect("it can be read").unacknowledged(), 6);
    let store = Store::open(&place).expect("a store");
    let [Repair::Dropped { bytes: 6, kept, .. }] = store.repairs() else { panic!("{:?}", store.repairs()) };
    assert_eq!(fs::read(kept).expect("kept"), b"{\"acto");
    assert_eq!(texts(&store), ["one", "two"]);
    assert_eq!(fs::read(place.join("ledger")).expect("a file"), lines);
}
