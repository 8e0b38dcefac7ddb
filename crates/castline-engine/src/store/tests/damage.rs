//! What was acknowledged and is not there: flagged, and not touched.

use std::{path::PathBuf, sync::Arc};

use castline_core::{
    Digest, Document as _,
    ledger::{Anchor, Ledger},
    policy::Policy,
};

use super::{above, at, note, place, simulated::Simulated, texts};
use crate::store::{Contents, Store, StoreError};

fn open(files: &Simulated, anchor: Option<&Anchor>) -> Result<Store, StoreError> {
    Store::open_in(Arc::new(files.clone()), place(), anchor)
}

fn read(files: &Simulated, anchor: Option<&Anchor>) -> Result<Contents, StoreError> {
    Contents::read_from(Arc::new(files.clone()), place(), anchor)
}

fn written() -> (Simulated, PathBuf) {
    let files = Simulated::new(above());
    let store = open(&files, None).expect("a store");
    for text in ["one", "two", "three"] {
        store.append(at(1), "ann", [note(text)]).expect("appended");
    }
    (files, place().join("ledger"))
}

#[test]
fn any_byte_that_was_acknowledged_and_is_another_is_damage_and_stays_as_it_is() {
    let (files, ledger) = written();
    let whole = files.text(&ledger).expect("a file");
    for at in 0..whole.len() {
        let files = files.copy();
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        files.put(&ledger, &bytes);
        let line = whole[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for damage in [open(&files, None).err(), read(&files, None).err()] {
            let Some(StoreError::Damaged { path, offset, .. }) = damage else {
                panic!("byte {at}: {damage:?}");
            };
            // At the line itself, or at the next one, which names what it was.
            assert!(path == ledger && offset >= line as u64, "byte {at}: {offset}");
        }
        assert_eq!(files.text(&ledger), Some(bytes), "byte {at}");
    }
}

#[test]
fn a_ledger_that_ends_before_its_acknowledged_end_is_damage_and_stays_as_it_is() {
    let (files, ledger) = written();
    let whole = files.text(&ledger).expect("a file");
    for cut in 0..whole.len() {
        let files = files.copy();
        files.put(&ledger, &whole[..cut]);
        let damage = open(&files, None);
        assert!(matches!(damage, Err(StoreError::Damaged { offset, .. }) if offset == cut as u64), "{cut}");
        assert_eq!(files.text(&ledger), Some(whole[..cut].to_vec()));
    }
}

#[test]
fn a_head_that_says_nothing_any_more_is_damage_unless_the_ledger_is_known_whole() {
    let (files, ledger) = written();
    files.put(&place().join("head"), b"zeros");
    let damage = open(&files, None).expect_err("damage");
    assert!(damage.to_string().contains("head"), "{damage}");
    assert!(read(&files, None).is_err());
    let last = Ledger::from_lines(&files.text(&ledger).expect("a file")).expect("a ledger");
    let anchor = Anchor::Head(last.head().cloned().expect("entries"));
    let store = open(&files.copy(), Some(&anchor)).expect("who knows the last entry needs no head");
    assert_eq!(texts(&store), ["one", "two", "three"]);
    assert_eq!(Ledger::from_lines(&files.text(&ledger).expect("a file")).expect("as it was"), last);
}

#[test]
fn a_head_whose_last_slot_was_damaged_loses_nothing() {
    let (files, _) = written();
    let head = place().join("head");
    let mut bytes = files.text(&head).expect("a file");
    // Three appends: the last head is in the second slot.
    bytes[600] ^= 1;
    files.put(&head, &bytes);
    assert_eq!(texts(&open(&files, None).expect("a store")), ["one", "two", "three"]);
}

#[test]
fn a_store_that_was_set_back_is_seen_by_who_knows_the_head() {
    let (files, _) = written();
    let earlier = files.copy();
    let store = open(&files, None).expect("a store");
    store.append(at(2), "ann", [note("four")]).expect("appended");
    let head = store.ledger().head().cloned().expect("entries");
    drop(store);
    let anchor = Anchor::Head(head.clone());
    assert!(open(&earlier, None).is_ok(), "nothing inside shows it");
    let before = earlier.text(&place().join("head"));
    assert!(matches!(open(&earlier, Some(&anchor)), Err(StoreError::OtherHead { .. })));
    assert!(matches!(read(&earlier, Some(&anchor)), Err(StoreError::OtherHead { .. })));
    assert_eq!(earlier.text(&place().join("head")), before, "nothing was changed");
    assert!(open(&files, Some(&anchor)).is_ok() && read(&files, Some(&Anchor::Within(head))).is_ok());
}

#[test]
fn a_document_that_is_another_or_not_there_is_not_taken() {
    let files = Simulated::new(above());
    let store = open(&files, None).expect("a store");
    let digest = store.keep(&Policy::default()).expect("kept");
    let path = files.names(&place().join("documents")).pop().expect("a file");
    let mut bytes = files.text(&path).expect("a file");
    bytes[0] = b'[';
    files.put(&path, &bytes);
    assert!(matches!(store.document::<Policy>(&digest), Err(StoreError::Damaged { .. })));
    // Keeping it again makes it whole.
    store.keep(&Policy::default()).expect("kept");
    assert_eq!(store.document::<Policy>(&digest).expect("it is whole"), Policy::default());
    let other = Digest::of(b"other");
    assert!(matches!(store.document::<Policy>(&other), Err(StoreError::NoDocument { .. })));
    assert_eq!(digest, Policy::default().digest());
}
