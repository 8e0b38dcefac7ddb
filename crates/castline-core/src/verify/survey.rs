use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::Read as _,
    sync::Arc,
};

use super::{
    BlobSource, Finding, FindingCode, Level, Options,
    faults::{FileFault, altered, limit_finding, unsupported, wrong_size},
    source::{BlobName, OpenFault},
};
use crate::{
    Compression, Digest, Error, Platform, Result,
    image::{Descriptor, Image},
    verify::Watch,
};

/// What the documents say: which blobs there must be, and what they must be. The documents themselves are
/// checked on the way; the other blobs are left to the pipeline.
pub(super) struct Survey<'a> {
    pub(super) source: &'a dyn BlobSource,
    pub(super) options: &'a Options,
    pub(super) watch: &'a Watch<'a>,
    /// What was found, and where the findings of each blob go, in the order of the documents.
    pub(super) slots: Vec<Slot>,
    /// Errors that were found, those included that were too many to keep.
    errors: u64,
    /// Findings in the slots.
    kept: u64,
    /// The worst level of the findings that were too many to keep.
    pub(super) dropped: Option<Level>,
    /// What was found in documents: a document that several paths lead to is complained about once.
    complaints: HashSet<Complaint>,
    pub(super) blobs: Vec<BlobUse>,
    by_name: HashMap<BlobName, usize>,
    pub(super) drafts: Vec<Draft>,
    /// Manifests that were walked, by digest, declared media type and platform, with the image that they gave.
    pub(super) manifests: HashMap<(Digest, String, Option<Platform>), Option<usize>>,
    /// The images by their digests.
    pub(super) by_digest: HashMap<Digest, usize>,
    /// Documents that were read, by digest, and in which order.
    documents: HashMap<Digest, Read>,
    order: Vec<Digest>,
    /// The images to which each index leads that was walked, by its digest and depth.
    pub(super) walked: HashMap<(Digest, usize), Vec<usize>>,
    /// The images that the walk came to, of the index that it is in.
    pub(super) reached: Vec<usize>,
    /// What the manifests are attached to, each with its place.
    pub(super) subjects: Vec<(Descriptor, String)>,
    /// Visits of documents, each counted, so that a web of indexes cannot keep the walk busy.
    visits: u64,
    /// Bytes and number of the documents.
    pub(super) bytes: u64,
    pub(super) read: u64,
    /// Paths that something refers to.
    pub(super) referenced: BTreeSet<String>,
    /// Something that the index names was left unchecked, and belongs to no image.
    pub(super) unknown: bool,
}

/// Where the walk stood.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    slots: usize,
    documents: usize,
    errors: u64,
    kept: u64,
    dropped: Option<Level>,
}

/// What tells one complaint about a document from another.
type Complaint = (Option<Digest>, FindingCode, Option<String>, Option<String>);

fn complaint(finding: &Finding) -> Complaint {
    (finding.digest.clone(), finding.code, finding.expected.clone(), finding.actual.clone())
}

pub(super) enum Slot {
    Finding(Finding),
    Blob(usize),
}

/// A blob that something refers to.
pub(super) struct BlobUse {
    pub(super) name: BlobName,
    /// The digest that it must have; none for a file of a docker archive whose name is not one.
    pub(super) expected: Option<Digest>,
    /// Sizes that descriptors give it, each with the first place that does.
    pub(super) declared: Vec<(u64, String)>,
    pub(super) references: Vec<String>,
    /// As which layer it is used; empty when it is none.
    pub(super) layers: Vec<LayerUse>,
    /// Its bytes, where a descriptor carries them and the source has none.
    pub(super) inline: Option<Arc<[u8]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LayerUse {
    /// What the media type says; `None` where anything goes (docker archives).
    pub(super) compression: Option<Compression>,
    /// What the configuration says; `None` when it says nothing usable.
    pub(super) diff_id: Option<Digest>,
    pub(super) place: String,
}

/// An image as far as it is known.
pub(super) struct Draft {
    pub(super) image: Image,
    pub(super) references: Vec<String>,
    pub(super) layers: u64,
    pub(super) blobs: Vec<usize>,
    /// The blob of each layer, lowest first.
    pub(super) layer_blobs: Vec<Option<usize>>,
    /// Whether its layers are tars that are meant to be unpacked.
    pub(super) unpackable: bool,
    /// An error was found on the way to it, or in what it says.
    pub(super) faulty: bool,
    /// Its documents: the manifest, and the configuration if it is an image's.
    pub(super) documents: Vec<Digest>,
    /// A layer of it was not checked.
    pub(super) skipped: bool,
}

#[derive(Clone)]
struct Read {
    size: u64,
    bytes: Option<Arc<[u8]>>,
    intact: bool,
    /// An error was found in what it says.
    faulty: bool,
}

impl<'a> Survey<'a> {
    pub(super) fn new(source: &'a dyn BlobSource, options: &'a Options, watch: &'a Watch<'a>) -> Self {
        let mut survey = Self {
            source,
            options,
            watch,
            slots: Vec::new(),
            errors: 0,
            kept: 0,
            dropped: None,
            complaints: HashSet::new(),
            blobs: Vec::new(),
            by_name: HashMap::new(),
            drafts: Vec::new(),
            manifests: HashMap::new(),
            by_digest: HashMap::new(),
            documents: HashMap::new(),
            order: Vec::new(),
            walked: HashMap::new(),
            reached: Vec::new(),
            subjects: Vec::new(),
            visits: 0,
            bytes: 0,
            read: 0,
            referenced: BTreeSet::new(),
            unknown: false,
        };
        survey.find_all(source.findings());
        survey
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.errors += u64::from(finding.level == Level::Error);
        if self.kept < self.options.limits.findings {
            self.kept += 1;
            self.slots.push(Slot::Finding(finding));
        } else {
            self.dropped = Some(finding.level.worse(self.dropped));
        }
    }

    pub(super) fn find_all(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.find(finding);
        }
    }

    /// Notes what was found in the document `digest`, each complaint once however many paths lead there.
    pub(super) fn find_in(&mut self, digest: &Digest, findings: Vec<Finding>) {
        let path = BlobName::Digest(digest.clone()).path();
        let faulty = findings.iter().any(|finding| finding.level == Level::Error);
        if let Some(read) = self.documents.get_mut(digest) {
            read.faulty |= faulty;
        }
        for finding in findings {
            let finding = finding.with_digest(digest.clone()).with_path(path.clone());
            if self.complaints.insert(complaint(&finding)) {
                self.find(finding);
            }
        }
    }

    /// Whether an error was found since `mark`.
    pub(super) fn error_since(&self, mark: Mark) -> bool {
        self.errors > mark.errors
    }

    /// Whether an error was found at all.
    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Where the walk stands.
    pub(super) fn mark(&self) -> Mark {
        let (slots, documents) = (self.slots.len(), self.order.len());
        Mark { slots, documents, errors: self.errors, kept: self.kept, dropped: self.dropped }
    }

    /// Forgets what was found since `mark`: it was found on a way that leads elsewhere. No blob may have been noted.
    pub(super) fn rewind(&mut self, mark: Mark) {
        (self.errors, self.kept, self.dropped) = (mark.errors, mark.kept, mark.dropped);
        for slot in self.slots.drain(mark.slots..) {
            if let Slot::Finding(finding) = slot {
                self.complaints.remove(&complaint(&finding));
            }
        }
        for digest in self.order.drain(mark.documents..) {
            self.documents.remove(&digest);
        }
    }

    fn remember(&mut self, digest: &Digest, read: Read) {
        self.order.push(digest.clone());
        self.documents.insert(digest.clone(), read);
    }

    /// Counts a visit of a document; false, with a finding, past the limit.
    pub(super) fn visit(&mut self, place: &str) -> Result<bool> {
        if self.watch.is_cancelled() {
            return Err(Error::Cancelled);
        }
        self.visits += 1;
        let limit = self.options.limits.documents;
        if self.visits == limit + 1 {
            let message = format!("more than {limit} documents; {place} and those after it were not read");
            self.find(limit_finding("documents", limit, message).with_reference(place));
        }
        Ok(self.visits <= limit)
    }

    /// Reads a small file of the source as a whole, with the fault as a finding code chosen by `code`.
    pub(super) fn file(&mut self, path: &str) -> Result<Arc<[u8]>, FileFault> {
        self.referenced.insert(path.to_owned());
        let name = BlobName::File(path.into());
        let blob = self.source.open(&name).map_err(FileFault::Open)?;
        let bytes = self.slurp(blob.reader)?;
        self.bytes += bytes.len() as u64;
        self.read += 1;
        Ok(bytes.into())
    }

    fn slurp(&self, reader: impl std::io::Read) -> Result<Vec<u8>, FileFault> {
        let limits = &self.options.limits;
        let left = limits.total_document_bytes.saturating_sub(self.bytes);
        let limit = limits.document_bytes.min(left);
        let mut bytes = Vec::new();
        let read = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| FileFault::Open(OpenFault::Unreadable { reason: error.to_string() }))?;
        if bytes.len() as u64 <= limit {
            return Ok(bytes);
        }
        Err(if limit == limits.document_bytes {
            FileFault::TooLarge("documentBytes", limit)
        } else {
            FileFault::TooLarge("totalDocumentBytes", limits.total_document_bytes)
        })
    }

    /// Reads and checks the document that `descriptor` at `place` points at. Its bytes, even if they are not
    /// what they should be; `None` when there are none to be had.
    pub(super) fn document(&mut self, descriptor: &Descriptor, place: &str) -> Option<Arc<[u8]>> {
        self.check_embedded(descriptor, place);
        let digest = &descriptor.digest;
        if let Some(read) = self.documents.get(digest).cloned() {
            if read.bytes.is_some() {
                self.check_size(descriptor, place, read.size);
            }
            return read.bytes;
        }
        if !digest.algorithm().is_supported() {
            self.find(unsupported(digest, place));
            return None;
        }
        let name = BlobName::Digest(digest.clone());
        self.referenced.insert(name.path());
        let opened = self.source.open(&name).map_err(FileFault::Open).and_then(|blob| {
            let stored = blob.size;
            self.slurp(blob.reader).inspect_err(|fault| {
                if let (FileFault::TooLarge(..), Some(stored)) = (fault, stored) {
                    self.check_size(descriptor, place, stored);
                }
            })
        });
        let bytes: Arc<[u8]> = match opened {
            Ok(bytes) => bytes.into(),
            Err(FileFault::Open(OpenFault::Missing)) if is_carried(descriptor) => {
                descriptor.data.clone().unwrap_or_default().into()
            }
            Err(fault) => {
                self.find(fault.finding(&name).with_digest(digest.clone()).with_reference(place));
                self.remember(digest, Read { size: 0, bytes: None, intact: false, faulty: true });
                return None;
            }
        };
        let size = bytes.len() as u64;
        self.bytes += size;
        self.read += 1;
        self.check_size(descriptor, place, size);
        let actual = Digest::of_with(&digest.algorithm(), &bytes);
        let intact = actual.as_ref() == Some(digest);
        if let Some(actual) = actual.filter(|_| !intact) {
            self.find(altered(digest, &actual, &name).with_reference(place));
        }
        self.remember(digest, Read { size, bytes: Some(Arc::clone(&bytes)), intact, faulty: false });
        Some(bytes)
    }

    /// Whether the document of that digest was read and is what its digest says.
    pub(super) fn is_intact(&self, digest: &Digest) -> bool {
        self.documents.get(digest).is_some_and(|read| read.intact)
    }

    /// Whether it is that, and no error was found in what it says.
    pub(super) fn is_sound(&self, digest: &Digest) -> bool {
        self.documents.get(digest).is_some_and(|read| read.intact && !read.faulty)
    }

    fn check_size(&mut self, descriptor: &Descriptor, place: &str, actual: u64) {
        if descriptor.size != actual {
            let name = BlobName::Digest(descriptor.digest.clone());
            let finding = wrong_size(&name, descriptor.size, actual).with_digest(descriptor.digest.clone());
            self.find(finding.with_reference(place));
        }
    }

    /// Compares what a descriptor carries inline with what it says of it.
    pub(super) fn check_embedded(&mut self, descriptor: &Descriptor, place: &str) {
        let Some(data) = &descriptor.data else { return };
        let digest = &descriptor.digest;
        let actual = Digest::of_with(&digest.algorithm(), data);
        if data.len() as u64 != descriptor.size || actual.as_ref().is_some_and(|actual| actual != digest) {
            let message = format!("the data that {place} carries inline is not the blob that it names");
            let actual = actual.map_or(String::new(), |actual| actual.to_string());
            let finding =
                Finding::error(FindingCode::EmbeddedDataMismatch, message).with_digest(digest.clone());
            self.find(
                finding
                    .with_values(
                        format!("{digest}, {} bytes", descriptor.size),
                        format!("{actual}, {} bytes", data.len()),
                    )
                    .with_reference(place),
            );
        }
    }

    /// Compares the number of layers of the image at `place` with that of its diffIDs, where it is known. How many
    /// layers are to be checked.
    pub(super) fn check_layer_count(
        &mut self,
        layers: usize,
        diff_ids: Option<usize>,
        image: &Digest,
        place: &str,
    ) -> usize {
        let limit = self.options.limits.layers;
        if layers as u64 > limit {
            let message = format!("{place} has {layers} layers; those past {limit} were not checked");
            self.find(limit_finding("layers", limit, message).with_reference(place));
        }
        if let Some(diff_ids) = diff_ids
            && diff_ids != layers
        {
            let message = format!("{place} has {layers} layers and its configuration {diff_ids} diffIDs");
            let finding =
                Finding::error(FindingCode::DiffidCountMismatch, message).with_digest(image.clone());
            self.find(finding.with_values(diff_ids, layers).with_reference(place));
        }
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// Notes that `place` refers to a blob that the pipeline is to check; its index. `None` when it cannot be
    /// checked, with a finding.
    pub(super) fn blob(
        &mut self,
        descriptor: &Descriptor,
        place: &str,
        layer: Option<LayerUse>,
    ) -> Option<usize> {
        self.check_embedded(descriptor, place);
        if !descriptor.digest.algorithm().is_supported() {
            self.find(unsupported(&descriptor.digest, place));
            return None;
        }
        let name = BlobName::Digest(descriptor.digest.clone());
        let stands_in = is_carried(descriptor) && matches!(self.source.open(&name), Err(OpenFault::Missing));
        let size = Some(descriptor.size);
        let blob = self.named_blob(name, Some(descriptor.digest.clone()), size, place, layer);
        if stands_in {
            self.blobs[blob].inline = descriptor.data.as_deref().map(Arc::from);
        }
        Some(blob)
    }

    /// Notes that `place` refers to the blob `name`.
    pub(super) fn named_blob(
        &mut self,
        name: BlobName,
        expected: Option<Digest>,
        size: Option<u64>,
        place: &str,
        layer: Option<LayerUse>,
    ) -> usize {
        let index = if let Some(&index) = self.by_name.get(&name) {
            index
        } else {
            let index = self.blobs.len();
            self.referenced.insert(name.path());
            self.blobs.push(BlobUse {
                name: name.clone(),
                expected,
                declared: Vec::new(),
                references: Vec::new(),
                layers: Vec::new(),
                inline: None,
            });
            self.by_name.insert(name, index);
            self.slots.push(Slot::Blob(index));
            index
        };
        let blob = &mut self.blobs[index];
        // Of many sizes or diffIDs all but one are wrong: those past a few change no verdict.
        if let Some(size) = size
            && blob.declared.len() < MAX_CLAIMS
            && blob.declared.iter().all(|(declared, _)| *declared != size)
        {
            blob.declared.push((size, place.to_owned()));
        }
        if blob.references.len() < Finding::MAX_REFERENCES {
            blob.references.push(place.to_owned());
        }
        if let Some(layer) = layer {
            let same =
                |other: &LayerUse| other.compression == layer.compression && other.diff_id == layer.diff_id;
            if blob.layers.len() < MAX_CLAIMS && !blob.layers.iter().any(same) {
                blob.layers.push(layer);
            }
        }
        index
    }
}

/// Different things that are kept of what descriptors and configurations say of one blob. More than the algorithms times
/// the compressions, so that one of them is wrong before any is left out.
const MAX_CLAIMS: usize = 64;

/// Whether the descriptor carries its blob inline, and the bytes are right: then it need not be in the source
/// (OCI image-spec `descriptor.md`, *data*).
fn is_carried(descriptor: &Descriptor) -> bool {
    descriptor.data.as_ref().is_some_and(|data| {
        let actual = Digest::of_with(&descriptor.digest.algorithm(), data);
        data.len() as u64 == descriptor.size && actual.as_ref() == Some(&descriptor.digest)
    })
}
