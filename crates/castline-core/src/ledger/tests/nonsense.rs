use proptest::prelude::*;

use super::*;

/// Anything that can be said, in any order: outcomes of what was never begun, rollbacks of themselves, what is unknown.
pub(super) fn lines() -> impl Strategy<Value = Vec<String>> {
    let image = prop::sample::select(vec!["a", "b", "c", "a*20", "b*20", "b*1"]);
    let rollout = 0..5u8;
    let line =
        (0..13u8, image, rollout.clone(), rollout).prop_map(|(kind, image, rollout, other)| match kind {
            0 | 1 => format!("record {image}"),
            2 => format!("approve {image}"),
            3 | 4 => format!("start {rollout} {image}"),
            5 => format!("start {rollout} {image} of {other}"),
            6 | 7 => format!("ok {rollout}"),
            8 => format!("failed {rollout}"),
            9 => format!("back {rollout} {image}"),
            10 => format!("paused {rollout}"),
            11 => format!("aborted {rollout}"),
            _ => format!("prune {}", image.split('*').next().unwrap_or(image)),
        });
    prop::collection::vec(line, 0..40)
}

proptest! {
    #[test]
    fn what_can_be_gone_back_to_has_succeeded_and_is_kept(lines in lines(), keep in 0..3usize) {
        let ledger = told(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let history = ledger.history("web");
        let needed = ledger.images_needed(keep);
        for failing in ["a", "b", "c", "d", "a*20", "b*20", "b*1"] {
            let failing = release("web", failing);
            let target = ledger.rollback_target(&failing);
            let previous = ledger.previous_good("web");
            for found in target.into_iter().chain(previous) {
                let ended_well = ledger.entries().any(|(_, entry)| match &entry.record {
                    Record::Outcome { rollout, outcome: Outcome::Succeeded, .. } => {
                        let of = history.iter().find(|one| one.rollout == *rollout);
                        of.is_some_and(|one| one.release == found.digest())
                    }
                    _ => false,
                });
                prop_assert!(ended_well, "{:?}", found);
                prop_assert!(ledger.release(&found.digest()).is_some());
                let crate::ReleaseImage::Verified { identities, .. } = found.image() else {
                    return Err(TestCaseError::fail("no image"));
                };
                prop_assert!(identities.manifest.iter().all(|manifest| needed.has(manifest)));
            }
            prop_assert!(target.is_none_or(|target| target.revision() != failing.revision()));
            // Where the last thing that was begun is a rollback to it, there is no way back from it.
            if let Some(last) = history.last().filter(|last| {
                last.release == failing.digest()
                    && last.rollback_of.is_some()
                    && !matches!(last.outcome, Some(Outcome::RolledBack { .. }))
            }) {
                prop_assert_eq!(target, None, "{:?}", last);
            }
        }
    }

    #[test]
    fn what_is_said_of_one_service_does_not_change_another(lines in lines()) {
        let ledger = told(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(ledger.history("db"), []);
        prop_assert_eq!(ledger.current("db"), None);
        prop_assert_eq!(ledger.previous_good("db"), None);
    }
}
