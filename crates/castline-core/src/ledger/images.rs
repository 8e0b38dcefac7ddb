//! What must be kept for what a ledger can go back to.

use std::collections::BTreeSet;

use super::{Ledger, story::Story};
use crate::{Digest, ProviderImage, Release, ReleaseImage};

/// The images that a ledger still needs. Where it does not know what image a release is of that it needs, it needs all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needed {
    /// The digests that name them: of manifests, indexes and configurations.
    pub digests: BTreeSet<Digest>,
    /// Provider and id of those that only their providers have.
    pub of_providers: BTreeSet<(String, String)>,
    /// The digests of releases that are needed and were never recorded: nobody can say which images these need.
    pub unknown: BTreeSet<Digest>,
}

impl Needed {
    /// Whether the image that has this digest must be kept.
    pub fn has(&self, digest: &Digest) -> bool {
        !self.unknown.is_empty() || self.digests.contains(digest)
    }

    /// Whether this image of a provider must be kept.
    pub fn has_of_provider(&self, image: &ProviderImage) -> bool {
        !self.unknown.is_empty() || self.of_providers.contains(&(image.provider.clone(), image.id.clone()))
    }

    fn add(&mut self, digest: &Digest, release: Option<&Release>) {
        match release.map(Release::image) {
            Some(ReleaseImage::Verified { identities, .. }) => {
                let digests = identities.manifest.iter().chain(&identities.indexes).chain(&identities.config);
                self.digests.extend(digests.cloned());
            }
            Some(ReleaseImage::Provider(image)) => {
                self.of_providers.insert((image.provider.clone(), image.id.clone()));
            }
            None => {
                self.unknown.insert(digest.clone());
            }
        }
    }
}

impl Ledger {
    /// The images that must be kept, so that whatever runs, is under way, or can be gone back to can be launched. It keeps
    /// rather too much than too little:
    ///
    /// - what each service runs, and all that was recorded, approved of or begun for it since the rollout that brought it;
    /// - what every rollout is about that has no end: record that it was aborted if nobody will end it;
    /// - the `keep` releases of each service that succeeded last and can be gone back to, besides the one that runs; at least
    ///   one; and those in between that failed later.
    pub fn images_needed(&self, keep: usize) -> Needed {
        let (story, mut needed) = (Story::of(self), Needed::default());
        let mut releases: BTreeSet<&Digest> = story.under_way().collect();
        for (service, course) in &story.services {
            releases.extend(course.current);
            releases.extend(course.recent());
            // Whatever fails, it is one of them at most.
            let mut good = keep.max(1).saturating_add(1);
            for candidate in story.candidates(service) {
                if good == 0 {
                    break;
                }
                good -= usize::from(candidate.good.is_some());
                releases.insert(candidate.digest);
            }
        }
        for digest in releases {
            needed.add(digest, story.release(digest));
        }
        needed
    }
}
