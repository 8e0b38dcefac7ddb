//! What a ledger is asked: what runs, what ran, and what to go back to.

use super::{Ledger, Record, RolloutSummary, story::Story};
use crate::{Digest, Release};

impl Ledger {
    /// The rollouts of a service, the oldest first.
    pub fn history(&self, service: &str) -> Vec<RolloutSummary> {
        Story::of(self).history(service)
    }

    /// The recorded release of this digest.
    pub fn release(&self, digest: &Digest) -> Option<&Release> {
        self.newest_first().find_map(|link| match (&link.release, &link.entry.record) {
            (Some((known, _)), Record::Release { release }) if known == digest => Some(&**release),
            _ => None,
        })
    }

    /// The ledger as it was when this entry was its last one; none where there is no such entry.
    #[must_use]
    pub fn up_to(&self, entry: &Digest) -> Option<Self> {
        self.back_to(|link| link.digest == *entry)
    }

    /// Whether an image passed the test by this command, the last time that it was tested so; none where it never was. The
    /// image is named by the digest of its manifest, or of its configuration.
    pub fn tested(&self, image: &Digest, command: &[String]) -> Option<bool> {
        self.newest_first().find_map(|link| match &link.entry.record {
            Record::Test { image: of, command: by, passed, .. } if of == image && by == command => {
                Some(*passed)
            }
            _ => None,
        })
    }

    /// The digest of the release that a service runs: of the last rollout that succeeded, or what the last one went back to,
    /// whichever is later.
    pub fn current(&self, service: &str) -> Option<&Digest> {
        Story::of(self).services.get(service).and_then(|course| course.current)
    }

    /// The release that succeeded last before what a service runs, or is about to while a rollout is under way. Another
    /// revision; never one that has failed since, that somebody went back from, or whose image was pruned.
    pub fn previous_good(&self, service: &str) -> Option<&Release> {
        let story = Story::of(self);
        let now = story.ongoing(service).or_else(|| story.services.get(service)?.current)?;
        story.other_than(service, story.revision(now))
    }

    /// The release of the same service to go back to where this one fails: the one that succeeded last.
    ///
    /// - Never the revision that fails, whatever the number of copies that it once succeeded with: what is wrong with it is
    ///   hardly how many there are.
    /// - Never one that has failed since it succeeded, or that somebody went back from: only another success clears it.
    /// - Never from a rollback: where the last time that the service was to run the failing revision was by going back
    ///   to it, there is none. Somebody has to look, instead of two releases taking turns.
    /// - Never one whose image was pruned.
    ///
    /// The number of copies is that which it succeeded with; see [`Release::with_replicas`] for another one. Ask when the
    /// start of the failing rollout is recorded: before that, an earlier one of the same revision answers for it.
    pub fn rollback_target(&self, failed: &Release) -> Option<&Release> {
        let (story, revision) = (Story::of(self), failed.revision());
        if story.came_by_rollback(failed.service(), revision.digest()) {
            return None;
        }
        story.other_than(failed.service(), revision.digest())
    }
}

impl<'a> Story<'a> {
    /// What can be gone back to from this revision.
    fn other_than(&self, service: &str, revision: &Digest) -> Option<&'a Release> {
        let mut candidates = self.candidates(service).into_iter();
        candidates.find_map(|candidate| candidate.good.filter(|_| candidate.revision != revision))
    }
}
