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
    assert!(Contents::read_or_empty(&place).expect("nothing yet").ledger().is_empty() && !place.exists());
    let store = Store::open(&place).expect("a store");
    store.append(at(1), "ann", [note("one"), note("two")]).expect("appended");
    let held = Store::open(&place).expect_err("it is held");
    assert!(held.to_string().contains(&format!("process {}, since 2", std::process::id())), "{held}");
    assert!(
        matches!(held, StoreError::Held { holder: Some(holder), .. } if holder.pid == std::process::id())
    );
    let contents = Contents::read(&place, None).expect("it can be read");
    assert!(contents.is_held() && contents.holder().is_some());
    assert_eq!(*store.contents().ledger(), *contents.ledger());
    drop(store);
    let lines = fs::read(place.join("ledger")).expect("a file");
    let contents = Contents::read(&place, None).expect("it can be read");
    assert_eq!(Ledger::from_lines(&lines).expect("a ledger"), *contents.ledger());
    assert!(!contents.is_held() && contents.holder().is_none());
    fs::write(place.join("ledger"), [&lines[..], b"{\"acto"].concat()).expect("written");
    assert_eq!(Contents::read(&place, None).expect("it can be read").unacknowledged(), 6);
    let store = Store::open(&place).expect("a store");
    let [Repair::Dropped { bytes: 6, kept, .. }] = store.repairs() else { panic!("{:?}", store.repairs()) };
    assert_eq!(fs::read(kept).expect("kept"), b"{\"acto");
    assert_eq!(texts(&store), ["one", "two"]);
    assert_eq!(fs::read(place.join("ledger")).expect("a file"), lines);
}
