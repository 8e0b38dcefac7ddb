//! Images by release, each verified once, before anything is launched from it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use castline_core::{
    Digest, Image, Options, Platforms, Release, ReleaseImage, Rootfs, Selection, Verified, Watch, verify,
};
use castline_sources::{Reference, Source, Transport};

use crate::DriverError;

/// Where images are looked for, and those that were found and verified. Each one's tree stays in memory: it is what instances
/// are compared with, and nobody who can write on disk can change it.
#[derive(Debug)]
pub(super) struct Images {
    references: Vec<Reference>,
    known: Mutex<BTreeMap<Digest, Arc<Known>>>,
}

/// An image that was verified.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) image: Verified<Image>,
    pub(super) tree: Rootfs,
    pub(super) reference: Reference,
}

impl Known {
    /// Opens what it was read from, to read it again. What is there now is not trusted.
    pub(super) fn open(&self) -> Result<Source, DriverError> {
        Source::open(&self.reference).map_err(DriverError::permanent)
    }
}

/// The digests by which a release names its image.
pub(super) fn digest(release: &Release) -> Result<&Digest, DriverError> {
    match release.image() {
        ReleaseImage::Verified { identities, .. } => {
            let digest = identities.manifest.as_ref().or(identities.config.as_ref());
            digest.ok_or_else(|| DriverError::permanent("the release's image has no digest"))
        }
        ReleaseImage::Provider(image) => Err(DriverError::permanent(format!(
            "the image `{}` is only with {}: this driver launches images that can be verified",
            image.id, image.provider
        ))),
        _ => Err(DriverError::permanent("the release's image is of a kind that this driver does not know")),
    }
}

impl Images {
    /// Images in these places, written as references such as `oci:DIR`; what selects one of several is left out of account.
    pub(super) fn new(references: &[String]) -> Result<Self, DriverError> {
        let parsed: Result<Vec<Reference>, _> = references.iter().map(|text| text.parse()).collect();
        let references = parsed.map_err(DriverError::permanent)?;
        Ok(Self { references, known: Mutex::default() })
    }

    /// The registries among the places.
    #[cfg(feature = "docker")]
    pub(super) fn registries(&self) -> Vec<Reference> {
        self.references.iter().filter(|it| it.transport() == Transport::Docker).cloned().collect()
    }

    /// The image of a release, verified when it is first asked for. Reads all of it then; blocks.
    pub(super) fn of(&self, release: &Release) -> Result<Arc<Known>, DriverError> {
        let digest = digest(release)?;
        // Held while an image is verified: who asks for the same one meanwhile waits for it rather than read it as well.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = known.get(digest) {
            return Ok(Arc::clone(image));
        }
        let mut looked = Vec::new();
        for reference in self.references.iter().filter(|it| it.transport() != Transport::Docker) {
            match verified(reference, digest, release) {
                Ok(image) => {
                    let image = Arc::new(image);
                    known.insert(digest.clone(), Arc::clone(&image));
                    return Ok(image);
                }
                Err(why) => looked.push(format!("{reference}: {why}")),
            }
        }
        // In one line: it is the reason of a rollout's end as well.
        let looked = if looked.is_empty() { "there are none".to_owned() } else { looked.join("; ") };
        Err(DriverError::permanent(format!(
            "the image {digest} is in none of the places to look in, or not intact there: {looked}"
        )))
    }
}

fn verified(reference: &Reference, digest: &Digest, release: &Release) -> Result<Known, String> {
    let source = Source::open(reference).map_err(|error| error.to_string())?;
    let mut options = Options::default()
        .with_selection(Selection::everything().with_digest(digest.clone()))
        .with_rootfs(true);
    if let ReleaseImage::Verified { platform: Some(platform), .. } = release.image() {
        options = options.with_platforms(Platforms::One(platform.clone()));
    }
    let verification = verify(&source, &options, &Watch::none()).map_err(|error| error.to_string())?;
    let mut trees = verification.rootfs;
    let image = verification.images.into_iter().find(|image| image.digest() == digest);
    if let Some((image, tree)) = image.and_then(|image| Some((image, trees.remove(digest)?))) {
        return Ok(Known { image, tree, reference: reference.clone() });
    }
    let finding = verification.report.findings.first();
    Err(finding.map_or_else(|| "not there".into(), |finding| finding.message.clone()))
}
