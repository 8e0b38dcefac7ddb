use std::{
    collections::{HashSet, VecDeque},
    io::Read as _,
};

use castline_core::{BlobName, BlobSource, Descriptor, Digest, Image, Limits, Platforms, Verified};

use super::{
    documents::Link,
    manifest::{Manifest, digest_as},
};
use crate::{Error, Result};

/// What is pushed: verified images, with the index that holds them where there is one.
#[derive(Clone, Debug)]
pub struct Shipment {
    /// The documents, the outermost first.
    pub(super) documents: Vec<Manifest>,
    /// What they lead to, each once.
    pub(super) blobs: Vec<Link>,
}

impl Shipment {
    /// Of one image: its manifest, configuration and layers.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an image out of a docker archive, which has no manifest.
    pub fn of_image(image: &Verified<Image>) -> Result<Self> {
        if image.identities().manifest.is_none() {
            return Err(no_manifest());
        }
        let manifest = Manifest::new(image.digest().clone(), image.raw().to_vec(), None)
            .map_err(|reason| Error::Unsupported { what: reason.into(), advice: "build the image anew" })?;
        Ok(Self::with(vec![manifest]))
    }

    /// Of all that `images` are, which a verification of `source` gave: their outermost index, or the only one of them where
    /// it is in none.
    ///
    /// # Errors
    ///
    /// As [`Self::of_image`]; [`Error::Unsupported`] where the images are not of one index, or an index among them leads to what was
    /// not verified; [`Error::Io`], [`Error::ContentMismatch`] of the source.
    pub fn of_images(images: &[Verified<Image>], source: &dyn BlobSource) -> Result<Self> {
        let mut roots: Vec<Digest> = Vec::new();
        for image in images {
            let identities = image.identities();
            let manifest = identities.manifest.ok_or_else(no_manifest)?;
            let root = identities.indexes.into_iter().next().unwrap_or(manifest);
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        let [root] = roots.as_slice() else {
            let choices: Vec<String> = roots.iter().map(|root| format!("\n  @{root}")).collect();
            return Err(Error::Unsupported {
                what: format!("{} images or indexes at once{}", roots.len(), choices.concat()).into(),
                advice: "push one of them, by its tag or digest",
            });
        };
        if let Some(image) = images.iter().find(|image| image.digest() == root) {
            return Self::of_image(image);
        }
        let verified: HashSet<Digest> = images
            .iter()
            .flat_map(|image| {
                let identities = image.identities();
                identities.manifest.into_iter().chain(identities.indexes)
            })
            .collect();
        let mut documents = vec![document(source, root)?];
        let mut queue: VecDeque<Digest> =
            documents[0].links.documents.iter().map(|link| link.digest.clone()).collect();
        let mut seen = HashSet::from([root.clone()]);
        while let Some(digest) = queue.pop_front() {
            if !seen.insert(digest.clone()) {
                continue;
            }
            if !verified.contains(&digest) {
                return Err(Error::Unsupported {
                    what: format!("an index whose manifest {digest} was not verified").into(),
                    advice: "verify all platforms of it, or push one image by its digest or platform",
                });
            }
            let manifest = document(source, &digest)?;
            queue.extend(manifest.links.documents_for(&Platforms::All).map(|link| link.digest.clone()));
            documents.push(manifest);
        }
        Ok(Self::with(documents))
    }

    fn with(documents: Vec<Manifest>) -> Self {
        let mut seen = HashSet::new();
        let blobs = documents
            .iter()
            .flat_map(|document| &document.links.blobs)
            .filter(|link| seen.insert(link.digest.clone()))
            .cloned()
            .collect();
        Self { documents, blobs }
    }

    /// The outermost manifest or index.
    pub fn descriptor(&self) -> &Descriptor {
        &self.documents[0].descriptor
    }
}

fn no_manifest() -> Error {
    Error::Unsupported {
        what: "an image out of a docker archive, which has no manifest".into(),
        advice: "make a layout of it first: `skopeo copy docker-archive:FILE oci:DIR:TAG`",
    }
}

fn document(source: &dyn BlobSource, digest: &Digest) -> Result<Manifest> {
    let what = || format!("the manifest {digest}").into_boxed_str();
    let unreadable = |reason: String| Error::Unsupported {
        what: format!("{}: {reason}", what()).into(),
        advice: "verify the image again",
    };
    let blob =
        source.open(&BlobName::Digest(digest.clone())).map_err(|fault| unreadable(format!("{fault:?}")))?;
    let (mut bytes, most) = (Vec::new(), Limits::default().document_bytes);
    blob.reader.take(most + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    match digest_as(digest, &bytes) {
        Some(actual) if actual == *digest => Manifest::new(digest.clone(), bytes, None).map_err(unreadable),
        actual => Err(Error::ContentMismatch {
            what: what(),
            expected: digest.to_string().into(),
            actual: actual.map_or("not computed".into(), |actual| actual.to_string()).into(),
        }),
    }
}
