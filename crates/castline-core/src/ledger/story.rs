//! What the entries add up to: the rollouts, and how each release stands.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use super::{Change, Entry, Ledger, Outcome, Record, RolloutSummary, entry::Link};
use crate::{Digest, Release, ReleaseImage, Revision};

/// All of a ledger, read once from its first entry to its last.
#[derive(Default)]
pub(super) struct Story<'a> {
    releases: HashMap<&'a Digest, &'a Release>,
    /// The revision of each release: computed where it is recorded, else as changes state it.
    revisions: HashMap<&'a Digest, &'a Revision>,
    pruned: HashSet<&'a Digest>,
    approvals: HashMap<&'a Digest, Vec<&'a str>>,
    rollouts: Vec<Told<'a>>,
    by_digest: HashMap<&'a Digest, usize>,
    pub(super) services: BTreeMap<&'a str, Course<'a>>,
}

/// A rollout as it was told of.
struct Told<'a> {
    digest: &'a Digest,
    entry: &'a Entry,
    plan: &'a Digest,
    changes: &'a [Change],
    rollback_of: Option<&'a Digest>,
    approved_by: Vec<&'a str>,
    events: u64,
    outcome: Option<(&'a Outcome, &'a str, &'a Entry)>,
}

impl Told<'_> {
    fn is_over(&self) -> bool {
        self.outcome.is_some_and(|(outcome, ..)| outcome.is_end())
    }
}

/// What became of one service.
#[derive(Default)]
pub(super) struct Course<'a> {
    /// What runs: what the last rollout that ended well, or went back, brought.
    pub(super) current: Option<&'a Digest>,
    /// The position of the entry that this rollout began with.
    since: u64,
    /// Each release that was recorded, approved of, begun or ended with, and the position of the entry that says so.
    mentioned: Vec<(u64, &'a Digest)>,
    /// Each time that a release was to run, and whether that was by going back.
    arrivals: Vec<(&'a Digest, bool)>,
    /// How each revision stands.
    standing: HashMap<&'a Digest, Standing<'a>>,
}

/// What is known of a revision.
#[derive(Default)]
struct Standing<'a> {
    /// The position of the entry by which it ran last, as it should, and the release that it then was.
    succeeded: Option<(u64, &'a Digest)>,
    /// The last thing said of it is that it failed, or that somebody went back from it.
    condemned: bool,
}

/// A release that can be gone back to, or could if it were not for what was said of it since.
pub(super) struct Candidate<'a> {
    pub(super) digest: &'a Digest,
    pub(super) revision: &'a Digest,
    /// The release, where it can be gone back to: recorded, its image there, and not condemned.
    pub(super) good: Option<&'a Release>,
}

impl<'a> Story<'a> {
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        let (mut story, links) = (Self::default(), ledger.links());
        // Releases first: what is said of one may stand before it.
        for link in &links {
            if let (Some((digest, revision)), Record::Release { release }) =
                (&link.release, &link.entry.record)
            {
                story.releases.insert(digest, release);
                story.revisions.insert(digest, revision);
            }
        }
        for change in links.iter().flat_map(|link| link.entry.record.changes()) {
            story.revisions.entry(&change.release).or_insert(&change.revision);
        }
        for link in links {
            story.tell(link);
        }
        story
    }

    fn tell(&mut self, link: &'a Link) {
        let entry = &link.entry;
        match &entry.record {
            Record::Release { release } => {
                let (digest, _) = link.release.as_ref().expect("it was computed when the entry was read");
                for name in names(release) {
                    self.pruned.remove(name);
                }
                self.course(release.service()).mentioned.push((entry.sequence, digest));
            }
            Record::Approval { plan, changes } => {
                self.approvals.entry(plan).or_default().push(&entry.actor);
                self.mention(entry.sequence, changes);
            }
            Record::Start { plan, changes, rollback_of } => {
                self.start(link, plan, changes, rollback_of.as_ref());
            }
            Record::Event { rollout, .. } => {
                if let Some(number) = self.by_digest.get(rollout) {
                    self.rollouts[*number].events += 1;
                }
            }
            Record::Outcome { rollout, outcome, reason } => {
                if let Some(number) = self.by_digest.get(rollout) {
                    self.rollouts[*number].outcome = Some((outcome, reason, entry));
                    self.end(*number, entry.sequence, outcome);
                }
            }
            Record::Pruning { images } => self.pruned.extend(images),
            Record::Test { .. } | Record::Verification { .. } | Record::Note { .. } => {}
        }
    }

    fn course(&mut self, service: &'a str) -> &mut Course<'a> {
        self.services.entry(service).or_default()
    }

    fn mention(&mut self, sequence: u64, changes: &'a [Change]) {
        for change in changes {
            self.course(&change.service).mentioned.push((sequence, &change.release));
        }
    }

    fn start(
        &mut self,
        link: &'a Link,
        plan: &'a Digest,
        changes: &'a [Change],
        rollback_of: Option<&'a Digest>,
    ) {
        let taken_back = rollback_of.and_then(|rollout| self.by_digest.get(rollout));
        let taken_back = taken_back.map_or(&[][..], |number| self.rollouts[*number].changes);
        self.mention(link.entry.sequence, changes);
        for change in changes {
            self.course(&change.service).arrivals.push((&change.release, rollback_of.is_some()));
            // Who goes back from it says that it is not good, also if it had once ended well.
            for bad in taken_back.iter().filter(|bad| bad.service == change.service) {
                self.standing(bad).condemned = true;
            }
        }
        self.by_digest.insert(&link.digest, self.rollouts.len());
        self.rollouts.push(Told {
            digest: &link.digest,
            entry: &link.entry,
            plan,
            changes,
            rollback_of,
            approved_by: self.approvals.get(plan).cloned().unwrap_or_default(),
            events: 0,
            outcome: None,
        });
    }

    fn end(&mut self, number: usize, sequence: u64, outcome: &'a Outcome) {
        let (changes, since) = (self.rollouts[number].changes, self.rollouts[number].entry.sequence);
        self.mention(sequence, changes);
        for change in changes {
            match outcome {
                Outcome::Succeeded => {
                    *self.standing(change) =
                        Standing { succeeded: Some((sequence, &change.release)), condemned: false };
                    self.course(&change.service).settle(&change.release, since);
                }
                Outcome::Failed => self.standing(change).condemned = true,
                Outcome::RolledBack { to } => {
                    self.standing(change).condemned = true;
                    let Some(release) = to.get(&*change.service) else { continue };
                    let revision = self.revision(release);
                    let course = self.course(&change.service);
                    course.mentioned.push((sequence, release));
                    course.arrivals.push((release, true));
                    course.settle(release, since);
                    // It runs again as it did. That alone does not make a success of one that never was.
                    let standing = course.standing.entry(revision).or_default();
                    if let Some((last, _)) = &mut standing.succeeded {
                        *last = sequence;
                        standing.condemned = false;
                    }
                }
                Outcome::Paused | Outcome::Aborted => {}
            }
        }
    }

    fn standing(&mut self, change: &'a Change) -> &mut Standing<'a> {
        let revision = self.revision(&change.release);
        self.course(&change.service).standing.entry(revision).or_default()
    }

    /// What is the same of releases that differ in the number of copies; of one that nothing is known of, itself.
    pub(super) fn revision(&self, release: &'a Digest) -> &'a Digest {
        self.revisions.get(release).map_or(release, |revision| revision.digest())
    }

    pub(super) fn release(&self, digest: &Digest) -> Option<&'a Release> {
        self.releases.get(digest).copied()
    }

    /// What has succeeded, what did so last first, one release of each revision.
    pub(super) fn candidates(&self, service: &str) -> Vec<Candidate<'a>> {
        let Some(course) = self.services.get(service) else { return Vec::new() };
        let mut succeeded: Vec<_> = course
            .standing
            .iter()
            .filter_map(|(revision, standing)| {
                standing.succeeded.map(|(sequence, digest)| (sequence, *revision, digest, standing.condemned))
            })
            .collect();
        // One rollout can end well for one service once: the revision tells apart what else would be equal.
        succeeded.sort_by_key(|(sequence, revision, ..)| (Reverse(*sequence), *revision));
        let candidate = |(_, revision, digest, condemned): (_, _, _, bool)| {
            let known = self
                .release(digest)
                .filter(|release| !condemned && **release.service() == *service && !self.is_pruned(release));
            Candidate { digest, revision, good: known }
        };
        succeeded.into_iter().map(candidate).collect()
    }

    fn is_pruned(&self, release: &Release) -> bool {
        names(release).any(|name| self.pruned.contains(name))
    }

    /// Whether the last time that the service was to run this revision was by going back to it.
    pub(super) fn came_by_rollback(&self, service: &str, revision: &Digest) -> bool {
        let arrivals = self.services.get(service).map_or(&[][..], |course| &course.arrivals);
        let last = arrivals.iter().rev().find(|(release, _)| self.revision(release) == revision);
        last.is_some_and(|(_, by_rollback)| *by_rollback)
    }

    /// The release of the last rollout of the service, while that is not over.
    pub(super) fn ongoing(&self, service: &str) -> Option<&'a Digest> {
        let change_of = |told: &Told<'a>| told.changes.iter().find(|change| *change.service == *service);
        let last = self.rollouts.iter().rev().find(|told| change_of(told).is_some())?;
        change_of(last).filter(|_| !last.is_over()).map(|change| &change.release)
    }

    /// Every release that a rollout is under way to, by its service.
    pub(super) fn under_way(&self) -> impl Iterator<Item = &'a Digest> {
        let open = self.rollouts.iter().filter(|told| !told.is_over());
        open.flat_map(|told| told.changes).map(|change| &change.release)
    }

    pub(super) fn history(&self, service: &str) -> Vec<RolloutSummary> {
        let of_service = |told: &Told<'a>| {
            let change = told.changes.iter().find(|change| *change.service == *service)?;
            Some(told.summary(change))
        };
        self.rollouts.iter().filter_map(of_service).collect()
    }
}

impl Told<'_> {
    fn summary(&self, change: &Change) -> RolloutSummary {
        let end = self.outcome.filter(|(outcome, ..)| outcome.is_end());
        RolloutSummary {
            rollout: self.digest.clone(),
            plan: self.plan.clone(),
            fleet: change.fleet.clone(),
            release: change.release.clone(),
            actor: self.entry.actor.clone(),
            approved_by: self.approved_by.iter().map(|actor| (*actor).to_owned()).collect(),
            started_at: self.entry.at,
            ended_at: end.map(|(.., entry)| entry.at),
            outcome: self.outcome.map(|(outcome, ..)| outcome.clone()),
            reason: self.outcome.map_or(String::new(), |(_, reason, _)| reason.to_owned()),
            rollback_of: self.rollback_of.cloned(),
            events: self.events,
        }
    }
}

impl<'a> Course<'a> {
    fn settle(&mut self, release: &'a Digest, since: u64) {
        self.current = Some(release);
        self.since = since;
    }

    /// What may run or be about to: all that was said of the service since the rollout began that brought what runs.
    pub(super) fn recent(&self) -> impl Iterator<Item = &'a Digest> {
        self.mentioned.iter().filter(|(sequence, _)| *sequence >= self.since).map(|(_, release)| *release)
    }
}

/// The digests by which what a release runs is kept. An index is not one of them: it names other images, too.
fn names(release: &Release) -> impl Iterator<Item = &Digest> {
    let identities = match release.image() {
        ReleaseImage::Verified { identities, .. } => Some(identities),
        ReleaseImage::Provider(_) => None,
    };
    identities.into_iter().flat_map(|identities| identities.manifest.iter().chain(&identities.config))
}
