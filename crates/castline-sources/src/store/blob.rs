use std::{
    fmt,
    io::{self, Seek as _, Write},
    sync::Arc,
};

use castline_core::{Algorithm, Digest, Hasher};

use super::{blob_path, files::File, place::Place};
use crate::{Error, Result};

/// A blob that is on the disk under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredBlob {
    /// What names it.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// A blob being written into a layout. It is hashed on the way, and seen by nobody until it is committed.
pub struct BlobWriter {
    place: Arc<Place>,
    algorithm: Algorithm,
    /// `None` once committed.
    open: Option<Open>,
    /// `None` where whoever reads the file hashes it.
    hasher: Option<Hasher>,
    written: u64,
}

struct Open {
    file: Box<dyn File>,
    path: String,
    /// Whether it is left for a later writer where it is not committed.
    kept: bool,
}

impl BlobWriter {
    pub(super) fn begin(place: &Arc<Place>, algorithm: &Algorithm) -> Result<Self> {
        let hasher = Some(hasher(algorithm)?);
        let (file, path) = place.fresh()?;
        let open = Some(Open { file, path, kept: false });
        Ok(Self { place: Arc::clone(place), algorithm: algorithm.clone(), open, hasher, written: 0 })
    }

    pub(super) fn resume(place: &Arc<Place>, digest: &Digest) -> Result<Self> {
        let algorithm = digest.algorithm();
        let mut hasher = hasher(&algorithm)?;
        let Some((mut file, path)) = place.kept(digest)? else { return Self::begin(place, &algorithm) };
        let written = hash(&mut *file, &mut hasher).map_err(Error::io(place.path().join(&path)))?;
        let open = Some(Open { file, path, kept: true });
        Ok(Self { place: Arc::clone(place), algorithm, open, hasher: Some(hasher), written })
    }

    /// [`Self::resume`] for a file that somebody reads while it is written, and hashes: nothing is hashed here, until a commit
    /// which nobody tells what the file is.
    #[cfg(any(feature = "registry", test))]
    pub(super) fn resume_to_be_read(place: &Arc<Place>, digest: &Digest) -> Result<Self> {
        let algorithm = digest.algorithm();
        // An algorithm that is not known is refused here already.
        hasher(&algorithm)?;
        let Some((mut file, path)) = place.kept(digest)? else {
            let mut fresh = Self::begin(place, &algorithm)?;
            fresh.hasher = None;
            return Ok(fresh);
        };
        let written = file.seek(io::SeekFrom::End(0)).map_err(Error::io(place.path().join(&path)))?;
        let open = Some(Open { file, path, kept: true });
        Ok(Self { place: Arc::clone(place), algorithm, open, hasher: None, written })
    }

    /// How many bytes were written, those of an earlier writer included.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Whether it is hashed while it is written.
    #[cfg(feature = "registry")]
    pub(crate) const fn is_hashed(&self) -> bool {
        self.hasher.is_some()
    }

    /// The file that is being written, to be read as far as [`Self::written`] says.
    #[cfg(feature = "registry")]
    pub(crate) fn reader(&self) -> Result<cap_std::fs::File> {
        let open = self.open.as_ref().expect("only a commit takes it, and that takes the writer");
        open.file.reader().map_err(Error::io(self.place.path().join(&open.path)))
    }

    /// Writes all of `bytes`; as [`Write::write_all`], with an error that names the file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|error| {
            let path = self.open.as_ref().map_or("", |open| &open.path);
            Error::io(self.place.path().join(path))(error)
        })
    }

    /// Gives the blob the name that its bytes have, once it is on the disk. A blob that had the name before is
    /// replaced: it may have been damaged since it was written, and this one is known to be right.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]. What has the name then, if anything, is what had it before, or this blob, perhaps not on the disk yet.
    pub fn commit(self) -> Result<StoredBlob> {
        self.finish(None, None)
    }

    /// [`Self::commit`] for a blob that has to be `digest`, of `size` bytes. What another writer had begun and is
    /// wrong goes, so that the next one begins from the start.
    ///
    /// # Errors
    ///
    /// As [`Self::commit`]; [`Error::ContentMismatch`] when it is something else; [`Error::Unsupported`] when the writer
    /// was begun for another algorithm.
    pub fn commit_as(self, digest: &Digest, size: u64) -> Result<StoredBlob> {
        self.finish(Some((digest, size)), None)
    }

    /// [`Self::commit_as`] after [`LayoutWriter::resume_to_be_read`](super::LayoutWriter::resume_to_be_read): `read` is what the whole of the
    /// file hashes to, as it was read. Where nobody knows, it is read here.
    #[cfg(any(feature = "registry", test))]
    pub(crate) fn commit_read_as(
        self,
        read: Option<Digest>,
        digest: &Digest,
        size: u64,
    ) -> Result<StoredBlob> {
        self.finish(Some((digest, size)), read)
    }

    fn finish(mut self, expected: Option<(&Digest, u64)>, read: Option<Digest>) -> Result<StoredBlob> {
        // Without the algorithm's own name there would be no way to tell a wrong blob from a wrong call.
        if expected.is_some_and(|(digest, _)| digest.algorithm() != self.algorithm) {
            return Err(Error::Unsupported {
                what: format!("a blob hashed by {} under a name of another algorithm", self.algorithm.name())
                    .into(),
                advice: "begin it by `blob_with`, with the algorithm of its digest",
            });
        }
        let digest = match (self.hasher.take(), read) {
            (Some(hasher), _) => hasher.finish(),
            (None, Some(digest)) => digest,
            (None, None) => self.read_again()?,
        };
        let stored = StoredBlob { digest, size: self.written };
        let open = self.open.as_mut().expect("only a commit takes it, and that takes the writer");
        if let Some((digest, size)) =
            expected.filter(|&(digest, size)| *digest != stored.digest || size != stored.size)
        {
            open.kept = false;
            return Err(Error::ContentMismatch {
                what: "the blob".into(),
                expected: format!("{digest}, {size} bytes").into(),
                actual: format!("{}, {} bytes", stored.digest, stored.size).into(),
            });
        }
        let name = blob_path(&stored.digest);
        self.place.make_folder(&format!("blobs/{}", self.algorithm.name()))?;
        open.forsake(&self.place)?;
        self.place.publish(&*open.file, &open.path, &name)?;
        self.open = None;
        self.place.tidy();
        Ok(stored)
    }
}

impl Open {
    /// Has nobody go on with it who finds it: to be called before an fsync. What one failed on may never have reached the disk,
    /// whatever is read back, and another fsync would not say so.
    fn forsake(&mut self, place: &Place) -> Result<()> {
        if self.kept {
            self.path = place.forsake(&self.path)?;
            self.kept = false;
        }
        Ok(())
    }
}

impl BlobWriter {
    /// Brings what was written to the disk, so that a commit need not wait for it: while somebody finds out what it is. Dropped from
    /// here on, it goes.
    #[cfg(any(feature = "registry", test))]
    pub(crate) fn settle(mut self) -> Result<Self> {
        let open = self.open.as_mut().expect("only a commit takes it, and that takes the writer");
        open.forsake(&self.place)?;
        self.place.sync(&*open.file, &open.path)?;
        Ok(self)
    }

    /// What is in the file, from its beginning.
    fn read_again(&mut self) -> Result<Digest> {
        let mut hasher = hasher(&self.algorithm)?;
        let open = self.open.as_mut().expect("only a commit takes it, and that takes the writer");
        let read = open.file.rewind().and_then(|()| hash(&mut *open.file, &mut hasher));
        self.written = read.map_err(Error::io(self.place.path().join(&open.path)))?;
        Ok(hasher.finish())
    }
}

/// Hashes what is left of a file; how many bytes that were.
fn hash(file: &mut dyn File, hasher: &mut Hasher) -> io::Result<u64> {
    let mut buffer = vec![0; 256 << 10];
    let mut read = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(read),
            length => {
                hasher.update(&buffer[..length]);
                read += length as u64;
            }
        }
    }
}

fn hasher(algorithm: &Algorithm) -> Result<Hasher> {
    Hasher::new(algorithm).ok_or_else(|| Error::Unsupported {
        what: format!("the digest algorithm `{}`", algorithm.name()).into(),
        advice: "use sha256, sha384, sha512 or blake3",
    })
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(open) = &mut self.open else { return Err(io::Error::other("the blob is committed")) };
        let length = open.file.write(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[..length]);
        }
        self.written += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(open) = self.open.take().filter(|open| !open.kept) {
            self.place.discard(&open.path);
        }
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter").field("written", &self.written).finish_non_exhaustive()
    }
}
