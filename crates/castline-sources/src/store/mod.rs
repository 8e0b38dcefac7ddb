//! Writing an OCI image layout so that a crash at any moment leaves a layout, and what was acknowledged in it.
//!
//! A blob is written beside the others under a name of its own, hashed as it is written, brought to the disk (fsync),
//! renamed to its digest, and its folder brought to the disk. `index.json` is replaced in the same way. Several
//! processes may write at once: what must not be interleaved is done under an advisory lock (flock) of the folder,
//! which goes with its holder; and who writes says so by another, so that nobody takes away what nothing leads to yet
//! ([`LayoutPruner`]). An fsync that failed is never tried again, since the kernel may have dropped what it
//! could not write and say so only once.

mod blob;
mod files;
mod index;
mod place;
mod prune;
#[cfg(test)]
mod tests;

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use castline_core::{Algorithm, BlobName, Descriptor, Digest, Hasher, Limits, Watch, shown};

pub(crate) use self::index::IndexFile;
pub use self::{
    blob::{BlobWriter, StoredBlob},
    prune::LayoutPruner,
};
use self::{
    files::{Files, Real},
    place::Place,
};
use crate::{Error, Layout, Result};

const MARKER: &str = "oci-layout";
const MARKER_CONTENT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX: &str = "index.json";

/// Writes an OCI image layout in a folder. A clone writes the same one; it may be used by several threads, and beside
/// other processes.
///
/// ```
/// use std::io::Write as _;
/// use castline_core::Descriptor;
/// use castline_sources::LayoutWriter;
///
/// let folder = tempfile::tempdir()?;
/// let layout = LayoutWriter::create_or_open(folder.path().join("images"))?;
/// let mut blob = layout.blob()?;
/// blob.write_all(b"{}")?;
/// let stored = blob.commit()?;
/// let descriptor = Descriptor::new("application/vnd.oci.image.manifest.v1+json", stored.digest, stored.size);
/// layout.name(Some("v1"), &descriptor)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayoutWriter {
    place: Arc<Place>,
}

impl LayoutWriter {
    /// Opens the layout in the folder `path`, or makes an empty one there. What writers that crashed left behind goes,
    /// but for what can be resumed ([`Self::resume`]).
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::InvalidFile`] where the folder has other things than a layout in it, or a layout of
    /// another version.
    pub fn create_or_open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let real = Real::create_or_open(path).map_err(Error::io(path))?;
        Self::open_in(Box::new(real), path)
    }

    fn open_in(files: Box<dyn Files>, path: &Path) -> Result<Self> {
        let place = Place::new(files, path);
        {
            let _lock = place.lock()?;
            place.sweep()?;
            if place.read(MARKER, 4096)?.is_none_or(|marker| marker.is_empty()) {
                place.refuse_strangers(&[MARKER, INDEX, "blobs"])?;
                place.settle()?;
                // The marker comes last: where it is, all else is.
                if place.read(INDEX, Limits::default().document_bytes)?.is_none() {
                    place.replace(INDEX, IndexFile::empty().as_bytes())?;
                }
                place.replace(MARKER, MARKER_CONTENT)?;
            } else {
                place.check_version(MARKER)?;
                if place.read(INDEX, Limits::default().document_bytes)?.is_none() {
                    place.replace(INDEX, IndexFile::empty().as_bytes())?;
                }
            }
            place.attend(MARKER)?;
        }
        Ok(Self { place: Arc::new(place) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// The same layout, to be read.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn layout(&self) -> Result<Layout> {
        Layout::open(self.path())
    }

    /// Begins a blob that is named by its SHA-256. It goes if it is dropped before [`BlobWriter::commit`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn blob(&self) -> Result<BlobWriter> {
        BlobWriter::begin(&self.place, &Algorithm::Sha256)
    }

    /// Begins a blob that is named by `algorithm`.
    ///
    /// # Errors
    ///
    /// As [`Self::blob`]; [`Error::Unsupported`] for an algorithm that castline does not compute.
    pub fn blob_with(&self, algorithm: &Algorithm) -> Result<BlobWriter> {
        BlobWriter::begin(&self.place, algorithm)
    }

    /// Goes on with the blob `digest`, whose first bytes an earlier writer may have left; they are hashed again.
    /// [`BlobWriter::written`] says how many there are. Dropped before it is committed, it is kept for the next time.
    /// While another writer is at the same blob, this one begins from the start, and goes when it is dropped.
    ///
    /// # Errors
    ///
    /// As [`Self::blob_with`].
    pub fn resume(&self, digest: &Digest) -> Result<BlobWriter> {
        BlobWriter::resume(&self.place, digest)
    }

    /// [`Self::resume`] for a file that somebody reads while it is written ([`BlobWriter::reader`]), and hashes: see
    /// [`BlobWriter::commit_read_as`].
    #[cfg(any(feature = "registry", test))]
    pub(crate) fn resume_to_be_read(&self, digest: &Digest) -> Result<BlobWriter> {
        BlobWriter::resume_to_be_read(&self.place, digest)
    }

    /// Writes a whole blob that is at hand.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(&self, bytes: &[u8]) -> Result<StoredBlob> {
        let mut blob = self.blob()?;
        blob.append(bytes)?;
        blob.commit()
    }

    /// Whether the blob `digest` of `size` bytes is there, and intact: it is read and hashed. One that is, is on the disk, too,
    /// whoever wrote it; one that is not is replaced by the next commit.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be told; [`Error::Cancelled`].
    pub fn has(&self, digest: &Digest, size: u64, watch: &Watch<'_>) -> Result<bool> {
        let Some(mut hasher) = Hasher::new(&digest.algorithm()) else { return Ok(false) };
        let path = blob_path(digest);
        let Some((file, found)) = self.place.open_file(&path)? else { return Ok(false) };
        if found != size {
            return Ok(false);
        }
        let mut file = file.take(size.saturating_add(1));
        let mut buffer = vec![0; 256 << 10];
        let mut read = 0_u64;
        loop {
            if watch.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let length = file.read(&mut buffer).map_err(Error::io(self.path().join(&path)))?;
            if length == 0 {
                if read != size || hasher.finish() != *digest {
                    return Ok(false);
                }
                self.place.keep(&**file.get_ref(), &path)?;
                return Ok(true);
            }
            read += length as u64;
            hasher.update(&buffer[..length]);
        }
    }

    /// Names a blob in `index.json`: `name` becomes its `org.opencontainers.image.ref.name`, and an entry that had that
    /// name goes. Without a name, an entry for the same blob that has none is replaced. Everything else in the file stays
    /// as it was written.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::InvalidFile`] for an `index.json` that is none, and for a name that no layout may use.
    pub fn name(&self, name: Option<&str>, descriptor: &Descriptor) -> Result<()> {
        if let Some(name) = name.filter(|name| !is_ref_name(name)) {
            return Err(self.invalid(format!(
                "`{}` is no name for an image: letters and digits, separated by one of `-._:@+/`, at most 255 characters",
                shown(name)
            )));
        }
        let _lock = self.place.lock()?;
        let limit = Limits::default().document_bytes;
        let text = self.place.read(INDEX, limit)?.unwrap_or_else(|| IndexFile::empty().into_bytes());
        let mut index = IndexFile::parse(&text).map_err(|reason| self.invalid(reason))?;
        index.put(name, descriptor).map_err(|reason| self.invalid(reason))?;
        let text = index.to_text();
        if text.len() as u64 > limit {
            return Err(
                self.invalid(format!("it would be larger than {limit} bytes, which no reader must accept"))
            );
        }
        self.place.replace(INDEX, text.as_bytes())
    }

    fn invalid(&self, reason: impl Into<Box<str>>) -> Error {
        let path: PathBuf = self.path().join(INDEX);
        Error::InvalidFile { path, reason: reason.into() }
    }
}

/// Where a blob is kept. A digest that parsed holds nothing that leaves the folder.
fn blob_path(digest: &Digest) -> String {
    BlobName::Digest(digest.clone()).path()
}

/// OCI image-spec `annotations.md`, `org.opencontainers.image.ref.name`.
fn is_ref_name(name: &str) -> bool {
    let component = |part: &str| {
        let separators = part.split(|character: char| character.is_ascii_alphanumeric());
        part.starts_with(|character: char| character.is_ascii_alphanumeric())
            && part.ends_with(|character: char| character.is_ascii_alphanumeric())
            && separators
                .into_iter()
                .all(|text| matches!(text, "" | "-" | "." | "_" | ":" | "@" | "+" | "--"))
    };
    name.len() <= 255 && name.split('/').all(component)
}
