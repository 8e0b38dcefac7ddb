//! Every call that a store makes, failing in every way, and a second one failing while that is put right.

use std::sync::Arc;

use castline_core::policy::Policy;

use super::{
    above, at, note, place,
    simulated::{Crash, Fault, Simulated},
    texts,
};
use crate::store::{Store, StoreError};

const CRASHES: [Crash; 5] = [Crash::Process, Crash::Nothing, Crash::Some(1), Crash::Some(2), Crash::Some(3)];

/// What is appended, batch by batch.
const BATCHES: [&[&str]; 3] = [&["one"], &["two", "three", "four"], &["five"]];

fn all() -> Vec<&'static str> {
    BATCHES.concat()
}

/// Opens a store and appends what is missing of the batches; says how many entries were acknowledged, those that it began with
/// included, and whether the document was.
fn work(files: &Simulated) -> (usize, bool) {
    let Ok(store) = Store::open_in(Arc::new(files.clone()), place(), None) else { return (0, false) };
    let mut acknowledged = texts(&store).len();
    let mut kept = false;
    let mut end = 0;
    for batch in BATCHES {
        end += batch.len();
        if acknowledged >= end {
            continue;
        }
        let missing = &batch[batch.len() - (end - acknowledged)..];
        match store.append(at(7), "ann", missing.iter().map(|text| note(text))) {
            Ok(_) => acknowledged = end,
            Err(error) => {
                assert_stopped(files, &store, &error);
                break;
            }
        }
        kept = store.keep(&Policy::default()).is_ok();
        if !kept {
            break;
        }
    }
    (acknowledged, kept)
}

/// After an error nothing is written any more.
fn assert_stopped(files: &Simulated, store: &Store, error: &StoreError) {
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    let calls = files.calls();
    let again = store.append(at(8), "ann", [note("never")]);
    assert!(matches!(again, Err(StoreError::Poisoned { .. })), "{again:?}");
    assert!(matches!(store.keep(&Policy::default()), Err(StoreError::Poisoned { .. })));
    assert_eq!(files.calls(), calls, "it goes on after {error}");
}

fn assert_sound(files: &Simulated, acknowledged: usize, kept: bool, what: &str) {
    let store = Store::open_in(Arc::new(files.clone()), place(), None)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = texts(&store);
    assert!(found.len() >= acknowledged, "{what}: {found:?}, and {acknowledged} were acknowledged");
    assert_eq!(found, all()[..found.len()], "{what}");
    if kept {
        let digest = castline_core::Document::digest(&Policy::default());
        assert_eq!(store.document::<Policy>(&digest).expect(what), Policy::default());
    }
}

/// How many calls the whole work makes.
fn calls_of(files: &Simulated) -> u64 {
    let begun = files.calls();
    work(files);
    files.calls() - begun
}

#[test]
fn acknowledged_is_there_whichever_call_fails_and_whichever_fails_after_that() {
    let calls = calls_of(&Simulated::new(above()));
    let (mut worlds, mut stopped) = (0_u64, 0_u64);
    for call in 0..calls {
        for fault in Fault::ALL {
            let files = Simulated::new(above());
            files.fail_at(call, fault);
            let (acknowledged, kept) = work(&files);
            stopped += u64::from(acknowledged < all().len());
            for crash in CRASHES {
                let what = format!("call {call} {fault:?}, then {crash:?}");
                let crashed = files.copy();
                crashed.restart(crash);
                let again = crashed.copy();
                assert_sound(&again, acknowledged, kept, &what);
                worlds += 1;
                // The same, with a fault while that is put right.
                for second in 0.. {
                    let mut reached = false;
                    for fault in Fault::ALL {
                        let files = crashed.copy();
                        files.fail_at(second, fault);
                        let (later, kept_later) = work(&files);
                        reached |= files.has_failed();
                        let crash = if second % 2 == 0 { Crash::Nothing } else { Crash::Some(second) };
                        files.restart(crash);
                        let what = format!("{what}; then call {second} {fault:?}, then {crash:?}");
                        assert_sound(&files, acknowledged.max(later), kept | kept_later, &what);
                        worlds += 1;
                    }
                    if !reached {
                        break;
                    }
                }
            }
        }
    }
    assert!(calls > 30 && stopped > calls && worlds > 10_000, "{calls} {stopped} {worlds}");
}

#[test]
fn every_cut_of_the_last_append_loses_that_append_only_and_says_so() {
    let files = Simulated::new(above());
    let store = Store::open_in(Arc::new(files.clone()), place(), None).expect("a store");
    store.append(at(1), "ann", [note("one"), note("two")]).expect("appended");
    let (ledger, head) = (place().join("ledger"), place().join("head"));
    let (before, acknowledged) =
        (files.text(&ledger).expect("a file").len(), files.text(&head).expect("a file"));
    store.append(at(2), "ann", [note("three"), note("four")]).expect("appended");
    let whole = files.text(&ledger).expect("a file");
    drop(store);
    let ends: Vec<usize> = (before..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    for cut in before..=whole.len() {
        for zeros in [0, 3] {
            let files = files.copy();
            let mut bytes = whole[..cut].to_vec();
            bytes.resize(cut + zeros, 0);
            files.put(&ledger, &bytes);
            files.put(&head, &acknowledged);
            let store = Store::open_in(Arc::new(files.clone()), place(), None).expect("a store");
            let entries = ends.iter().filter(|end| **end <= cut).count();
            let sound = ends.iter().copied().filter(|end| *end <= cut).max().unwrap_or(before);
            assert_eq!(texts(&store).len(), 2 + entries, "cut at {cut}");
            let torn = files.names(&place().join("torn"));
            let kept: Vec<u8> = torn.iter().flat_map(|path| files.text(path).expect("a file")).collect();
            assert_eq!(kept, bytes[sound..], "cut at {cut}");
            let repairs = usize::from(entries > 0) + usize::from(sound < bytes.len());
            assert_eq!(store.repairs().len(), repairs, "cut at {cut}: {:?}", store.repairs());
            store.append(at(3), "ann", [note("again")]).expect("it goes on");
        }
    }
}
