//! Out of a registry, into a layout.

use std::{
    collections::{HashSet, VecDeque},
    io::Read as _,
    sync::Arc,
};

use castline_core::{BlobName, BlobSource as _, Descriptor, Digest, Platforms, Watch};

use super::{
    PulledImage, Registry,
    client::Client,
    documents::Link,
    fetch::{self, Fetched},
    manifest::{Manifest, Name, digest_as},
    repository::Repository,
    transfer::{self, Meter, blocking},
};
use crate::{Error, Layout, LayoutWriter, Reference, Result};

/// What a pull has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pulled {
    /// The manifest or index that was asked for: what to name it by in a layout ([`LayoutWriter::name`]).
    pub descriptor: Descriptor,
    /// Blobs of the image, documents included.
    pub blobs: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Blobs that had to be fetched; the others were in the layout, and intact.
    pub fetched_blobs: u64,
    /// Bytes that came from the registry.
    pub fetched_bytes: u64,
}

/// How much of an image is brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent {
    /// All of it.
    #[default]
    Everything,
    /// Manifests and configurations: what [`inspect`](castline_core::inspect) reads.
    Documents,
}

impl Registry {
    /// Brings the image that `reference` names into `layout`, for `platforms`. Nothing is named there yet: that is
    /// [`LayoutWriter::name`]'s.
    ///
    /// Each blob is hashed as it comes, and has a name on the disk only once it is what its digest says. One that the layout
    /// has is read, and fetched only where it is damaged. What was left unfinished by an earlier pull, or when a connection was
    /// cut, is gone on with. Documents come last, so that what is there is never without its parts.
    ///
    /// # Errors
    ///
    /// [`Error::RegistryUnauthorized`], [`Error::RegistryNotFound`], [`Error::RegistryUnreachable`],
    /// [`Error::RegistryRefused`]; [`Error::ContentMismatch`] when what comes is not what was asked for; [`Error::Io`] of the
    /// layout; [`Error::Cancelled`]. Of what an image has wrong beyond its digests a verification of the layout tells.
    pub async fn pull(
        &self,
        reference: &Reference,
        platforms: &Platforms,
        extent: Extent,
        layout: &LayoutWriter,
        watch: &Watch<'_>,
    ) -> Result<Pulled> {
        let repository = Arc::new(self.client.repository(reference).await?);
        let (documents, layers) = self.documents(&repository, reference, platforms, layout, watch).await?;
        let wanted: Vec<&Link> = match extent {
            Extent::Everything => layers.iter().collect(),
            Extent::Documents => {
                documents.iter().filter_map(|document| document.links.blobs.first()).collect()
            }
        };
        let mut seen = HashSet::new();
        let links: Vec<Link> =
            wanted.into_iter().filter(|link| seen.insert(link.digest.clone())).cloned().collect();
        let most = self.client.options.limits.blob_bytes;
        if let Some(link) = links.iter().find(|link| link.size > most) {
            return Err(Error::RegistryRefused {
                place: format!("{}/{}@{}", repository.host, repository.name, link.digest).into(),
                reason: format!(
                    "a blob of {} bytes is larger than the limit blobBytes allows, {most}",
                    link.size
                )
                .into(),
            });
        }
        let total = links.iter().map(|link| link.size).fold(0, u64::saturating_add);
        let meter = Arc::new(Meter::default());
        let works = links
            .iter()
            .map(|link| {
                fetch::blob(
                    self.client.clone(),
                    Arc::clone(&repository),
                    link.clone(),
                    layout.clone(),
                    Arc::clone(&meter),
                )
            })
            .collect();
        let connections = self.client.options.connections.get();
        let fetched: Vec<Fetched> = transfer::all(works, connections, &meter, total, watch).await?;
        let root = documents.first().map(|document| document.descriptor.clone()).ok_or(Error::Cancelled)?;
        let mut pulled = Pulled { descriptor: root, blobs: 0, bytes: 0, fetched_blobs: 0, fetched_bytes: 0 };
        for (link, fetched) in links.iter().zip(fetched) {
            match fetched {
                Fetched::There => pulled.count(link.size, None),
                Fetched::From(bytes) => pulled.count(link.size, Some(bytes)),
                Fetched::Elsewhere => {}
            }
        }
        // The root comes last.
        for document in documents.into_iter().rev() {
            let size = document.descriptor.size;
            let layout = layout.clone();
            let new = blocking(move || store(&layout, &document)).await?;
            pulled.count(size, new.then_some(size));
        }
        Ok(pulled)
    }

    /// The documents of an image, the one that was asked for first, and the blobs that they lead to.
    async fn documents(
        &self,
        repository: &Repository,
        reference: &Reference,
        platforms: &Platforms,
        layout: &LayoutWriter,
        watch: &Watch<'_>,
    ) -> Result<(Vec<Manifest>, Vec<Link>)> {
        let limits = &self.client.options.limits;
        let present = layout.layout()?;
        let name = name_of(reference);
        let root = match name {
            Name::Digest(digest) => document(&self.client, repository, &present, digest).await?,
            Name::Tag(_) => self.client.manifest(repository, name).await?,
        };
        let (mut bytes, mut blobs) = (0_u64, Vec::new());
        let mut found = HashSet::from([root.descriptor.digest.clone()]);
        let mut documents = Vec::new();
        let mut queue = VecDeque::from([(root, 0_u32)]);
        while let Some((document_here, depth)) = queue.pop_front() {
            bytes += document_here.descriptor.size;
            let too_many = |what: &str| Error::RegistryRefused {
                place: reference.to_string().into(),
                reason: format!("the image is past the limit {what}").into(),
            };
            if bytes > limits.total_document_bytes {
                return Err(too_many("totalDocumentBytes"));
            }
            if found.len() as u64 > limits.documents {
                return Err(too_many("documents"));
            }
            if depth > limits.index_depth {
                return Err(too_many("indexDepth"));
            }
            for link in document_here.links.documents_for(platforms) {
                if watch.is_cancelled() {
                    return Err(Error::Cancelled);
                }
                if found.contains(&link.digest) {
                    continue;
                }
                match document(&self.client, repository, &present, &link.digest).await {
                    Ok(manifest) => {
                        found.insert(link.digest.clone());
                        queue.push_back((manifest, depth + 1));
                    }
                    // An index may list what a registry does not have: whether that matters, a verification says.
                    Err(Error::RegistryNotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            blobs.extend(document_here.links.blobs.iter().cloned());
            documents.push(document_here);
        }
        Ok((documents, blobs))
    }
}

impl Pulled {
    /// The image as a source, out of the layout that it was pulled into; `reference` is what was pulled.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn image(&self, layout: &LayoutWriter, reference: &Reference) -> Result<PulledImage> {
        Ok(PulledImage::new(layout.layout()?, &self.descriptor, reference))
    }

    /// Counts a blob, and the bytes that came where it had to be fetched.
    fn count(&mut self, size: u64, fetched: Option<u64>) {
        self.blobs += 1;
        self.bytes += size;
        self.fetched_blobs += u64::from(fetched.is_some());
        self.fetched_bytes += fetched.unwrap_or(0);
    }
}

/// A digest names more exactly than a tag; without either it is `latest`, as everywhere.
pub(super) fn name_of(reference: &Reference) -> Name<'_> {
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => Name::Digest(digest),
        (None, Some(tag)) => Name::Tag(tag),
        (None, None) => Name::Tag("latest"),
    }
}

/// The document `digest`, out of the layout where that has it.
async fn document(
    client: &Client,
    repository: &Repository,
    layout: &Layout,
    digest: &Digest,
) -> Result<Manifest> {
    let most = client.options.limits.document_bytes;
    match local(layout, digest, most) {
        Some(manifest) => Ok(manifest),
        None => client.manifest(repository, Name::Digest(digest)).await,
    }
}

fn local(layout: &Layout, digest: &Digest, most: u64) -> Option<Manifest> {
    let blob = layout.open(&BlobName::Digest(digest.clone())).ok()?;
    let mut bytes = Vec::new();
    blob.reader.take(most + 1).read_to_end(&mut bytes).ok()?;
    let intact = bytes.len() as u64 <= most && digest_as(digest, &bytes).as_ref() == Some(digest);
    intact.then(|| Manifest::new(digest.clone(), bytes, None).ok())?
}

/// Stores a document; whether it was new.
fn store(layout: &LayoutWriter, document: &Manifest) -> Result<bool> {
    let Descriptor { digest, size, .. } = &document.descriptor;
    if layout.has(digest, *size, &Watch::none())? {
        return Ok(false);
    }
    let mut blob = layout.blob_with(&digest.algorithm())?;
    blob.append(&document.bytes)?;
    blob.commit_as(digest, *size)?;
    Ok(true)
}
