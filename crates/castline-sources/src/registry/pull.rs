//! Out of a registry, into a layout.

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
    io::Read as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use castline_core::{
    BlobName, BlobSource as _, Descriptor, Digest, Options, Platforms, Progress, Verification, Watch,
};

use super::{
    PulledImage, Registry,
    arrival::{Arrival, Arriving},
    client::Client,
    documents::Link,
    fetch::{Fetch, Fetched},
    manifest::{Manifest, Name, digest_as},
    repository::Repository,
    transfer::{self, Meter, Turns, blocking},
};
use crate::{Error, Layout, LayoutWriter, Reference, Result};

/// How many blobs may wait until those who read them say what they are. Each has a file open; others are read once more.
const WAITING: usize = 16;

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
        let wanted = self.wanted(reference, platforms, extent, layout, watch).await?;
        let meter = Arc::new(Meter::default());
        let turns = Turns::new(self.client.options.connections.get());
        let fetch = |link| self.fetch(&wanted.repository, link, layout, &meter, &turns, None).run();
        let works = wanted.links.iter().map(fetch).collect();
        let fetched = transfer::all(works, &meter, wanted.bytes(), watch).await?;
        wanted.store(layout, fetched).await
    }

    /// [`Self::pull`] of everything that `options` select, which is verified while it comes: what there is to be read of a blob is
    /// decompressed and hashed as soon as it is there. The verification is the one that
    /// [`verify`](castline_core::verify()) of [`Pulled::image`] gives.
    ///
    /// Progress is the verification's.
    ///
    /// # Errors
    ///
    /// As [`Self::pull`], and as [`verify`](castline_core::verify()).
    pub async fn pull_verified(
        &self,
        reference: &Reference,
        options: &Options,
        layout: &LayoutWriter,
        watch: &Watch<'_>,
    ) -> Result<(Pulled, Verification)> {
        let wanted = self.wanted(reference, &options.platforms, Extent::Everything, layout, watch).await?;
        let meter = Arc::new(Meter::default());
        let cancel = meter.cancel().clone();
        let arriving = Arriving::new(&wanted.documents, &wanted.links, layout.layout()?, reference, cancel)
            .ok_or(Error::Cancelled)?;
        let arriving = Arc::new(arriving);
        let turns = Turns::new(self.client.options.connections.get());
        let waiting = Turns::new(WAITING);
        let mut works: Vec<Work<Done>> = Vec::new();
        for link in &wanted.links {
            let arrival = arriving.arrival(&link.digest).map(|arrival| (arrival, waiting.clone()));
            let fetch = self.fetch(&wanted.repository, link, layout, &meter, &turns, arrival);
            works.push(Box::pin(async { fetch.run().await.map(Done::Fetched) }));
        }
        let seen = Arc::new(Mutex::new(Progress::default()));
        let verifying = {
            let (options, seen, arriving) = (options.clone(), Arc::clone(&seen), Arc::clone(&arriving));
            blocking(move || {
                let _reading = arriving.reading();
                let show = |progress| *seen.lock().unwrap_or_else(PoisonError::into_inner) = progress;
                let watch = Watch::none().with_cancel(&arriving.cancel).with_progress(&show);
                Ok(Done::Verified(Box::new(castline_core::verify(&*arriving, &options, &watch)?)))
            })
        };
        works.push(Box::pin(verifying));
        let show = |_| watch.report(*seen.lock().unwrap_or_else(PoisonError::into_inner));
        let both = watch.clone().with_progress(&show);
        let (mut fetched, mut verification) = (Vec::new(), None);
        for done in transfer::all(works, &meter, wanted.bytes(), &both).await? {
            match done {
                Done::Fetched(one) => fetched.push(one),
                Done::Verified(whole) => verification = Some(whole),
            }
        }
        let pulled = wanted.store(layout, fetched).await?;
        // Only now is it known of every blob.
        let verification = match verification.filter(|_| !arriving.is_misread()) {
            Some(verification) => *verification,
            // What an earlier pull had left was read before it turned out to be something else.
            None => castline_core::verify(&pulled.image(layout, reference)?, options, watch)?,
        };
        Ok((pulled, verification))
    }

    fn fetch(
        &self,
        repository: &Arc<Repository>,
        link: &Link,
        layout: &LayoutWriter,
        meter: &Arc<Meter>,
        turns: &Turns,
        arrival: Option<(Arc<Arrival>, Turns)>,
    ) -> Fetch {
        Fetch {
            client: Arc::clone(&self.client),
            repository: Arc::clone(repository),
            link: link.clone(),
            layout: layout.clone(),
            meter: Arc::clone(meter),
            turns: turns.clone(),
            arrival,
        }
    }

    /// What is to be brought.
    async fn wanted(
        &self,
        reference: &Reference,
        platforms: &Platforms,
        extent: Extent,
        layout: &LayoutWriter,
        watch: &Watch<'_>,
    ) -> Result<Wanted> {
        let repository = Arc::new(self.client.repository(reference).await?);
        let (documents, blobs) = self.documents(&repository, reference, platforms, layout, watch).await?;
        // Configurations first, which a verification begins with; then the largest.
        let configurations = documents.iter().filter_map(|document| document.links.blobs.first()).cloned();
        let mut layers = if extent == Extent::Everything { blobs } else { Vec::new() };
        layers.sort_by_key(|link| Reverse(link.size));
        let mut seen = HashSet::new();
        let links: Vec<Link> =
            configurations.chain(layers).filter(|link| seen.insert(link.digest.clone())).collect();
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
        Ok(Wanted { repository, documents, links })
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

/// What is to be brought: documents, which are here already, the one that was asked for first; and blobs.
struct Wanted {
    repository: Arc<Repository>,
    documents: Vec<Manifest>,
    links: Vec<Link>,
}

/// One of several works that go on at once.
type Work<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// What each of them gives.
enum Done {
    Fetched(Fetched),
    Verified(Box<Verification>),
}

impl Wanted {
    /// Bytes of the blobs.
    fn bytes(&self) -> u64 {
        self.links.iter().map(|link| link.size).fold(0, u64::saturating_add)
    }

    /// Stores the documents, now that all else is there.
    async fn store(self, layout: &LayoutWriter, fetched: Vec<Fetched>) -> Result<Pulled> {
        let Self { documents, links, .. } = self;
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
