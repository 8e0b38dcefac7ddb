use std::{fmt, io, sync::Arc};

use super::Finding;
use crate::Digest;

/// Where an image's bytes come from: a folder, an archive, a registry, memory. Nothing it says is trusted.
///
/// A source implements the minimum (open this, list what is there); the verifier derives the rest.
pub trait BlobSource: Sync {
    /// Which documents stand at the top.
    fn format(&self) -> Format;

    /// Opens what `name` stands for. Reading starts at its first byte and must end at its last.
    ///
    /// # Errors
    ///
    /// An [`OpenFault`] says why it cannot be read; it becomes a finding.
    fn open(&self, name: &BlobName) -> Result<Blob<'_>, OpenFault>;

    /// Tells what a blob turned out to be once a verification has read it to its end: its size in bytes, and the digests of its
    /// bytes, those that the image gives of it. A source that stores what is read need not hash it once more. May be called from any thread, and
    /// is to return soon. Documents and blobs that could not be read are not told of.
    fn hashed(&self, name: &BlobName, size: u64, digests: &[Digest]) {
        let _ = (name, size, digests);
    }

    /// Every file that the source holds, for the search for what nothing refers to. In any order.
    ///
    /// # Errors
    ///
    /// When the source cannot be listed.
    fn stored(&self) -> io::Result<Vec<Stored>>;

    /// What was wrong with the container of the blobs already when it was opened (a truncated archive …).
    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }
}

/// Which documents a source has at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// An OCI image layout: `oci-layout`, `index.json`, blobs by digest.
    OciLayout,
    /// What `docker save` writes: `manifest.json`, configurations and layers by file name.
    DockerArchive,
}

/// What names a blob in a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobName {
    /// A blob by its digest.
    Digest(Digest),
    /// A file by its path in the layout or archive, with `/` between its parts.
    File(Arc<str>),
}

impl BlobName {
    /// The path at which an OCI layout or a docker archive keeps it.
    pub fn path(&self) -> String {
        match self {
            Self::Digest(digest) => format!("blobs/{}/{}", digest.algorithm().name(), digest.encoded()),
            Self::File(path) => path.to_string(),
        }
    }
}

/// An open blob.
pub struct Blob<'a> {
    /// Its size in bytes, where the source knows it beforehand. Used for progress only.
    pub size: Option<u64>,
    /// Its bytes. It is read by one thread at a time.
    pub reader: Box<dyn io::Read + Send + 'a>,
}

impl fmt::Debug for Blob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Why a blob cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenFault {
    /// There is nothing of that name.
    Missing,
    /// It is not a regular file but `kind`: a folder, a fifo, a device …
    NotAFile {
        /// What it is, e.g. `a folder`.
        kind: &'static str,
    },
    /// It is a link that leads out of the layout.
    Outside,
    /// The operating system or the archive refuses.
    Unreadable {
        /// Its words.
        reason: String,
    },
}

impl From<io::Error> for OpenFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Unreadable { reason: error.to_string() },
        }
    }
}

/// A file that a source holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    /// Its path, with `/` between its parts.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}
